//! Completers and per-protocol beside the primary analysis: every row the primary model fitted to the filtered file.

use crate::common::{IMRS_GST, imrs_gst, imrs_gst_layout, repository};
use trialstats::analysis::{ObservedAt, Plan, PopulationPlan, PopulationStep, Populations, Silent};
use trialstats::report::TrialReport;
use trialstats::simulate::{Dropout, Gaussian};
use trialstats::trial::{Condition, Variable};
use trialstats::{Error, Tabular, Trial};

fn plan() -> Plan {
    Plan::new("caps5").at("12 months").formula("site + arm * visit").unwrap().lower_is_better()
}

fn per_protocol() -> PopulationPlan {
    enough("per protocol")
}

fn enough(name: &str) -> PopulationPlan {
    PopulationPlan::new(name).patients(Condition::on("imrs_sessions").at_least(9.0).reason("too few sessions"))
}

/// The sample with the rows of these patients alone, by its text.
fn filtered(name: &str, keep: impl Fn(&str) -> bool) -> Trial {
    let text = std::fs::read_to_string(repository(IMRS_GST)).expect("the sample");
    let mut lines = text.lines();
    let head = lines.next().expect("a head");
    let kept: String = lines.filter(|line| keep(line.split(',').next().expect("a patient"))).map(|line| format!("{line}\n")).collect();
    let path = std::env::temp_dir().join(format!("trialstats-populations-{name}-{}.csv", std::process::id()));
    std::fs::write(&path, format!("{head}\n{kept}")).expect("a file");
    let trial = imrs_gst_layout().read_csv(&path).expect("the part reads");
    std::fs::remove_file(&path).expect("it is removed");
    trial
}

fn populations(plan: &Plan, trial: &Trial) -> Populations {
    plan.run(trial, &Silent).unwrap_or_else(|error| panic!("{error}")).populations.expect("they were asked for")
}

#[test]
fn each_is_the_primary_analysis_of_the_filtered_file() {
    let trial = imrs_gst();
    let visits = trial.schedule().len();
    let observed: Vec<Vec<bool>> =
        trial.outcome("caps5").unwrap().values.chunks(visits).map(|y| y.iter().map(|y| !y.is_nan()).collect()).collect();
    let sessions = trial.covariate("imrs_sessions").unwrap().numbers().unwrap();
    let planned = plan()
        .sensitivity_in_population(PopulationPlan::new("completers").observed_at(ObservedAt::LastVisit))
        .sensitivity_in_population(PopulationPlan::new("all visits").observed_at(ObservedAt::EveryVisit))
        .sensitivity_in_population(per_protocol())
        .sensitivity_in_population(enough("both").observed_at(ObservedAt::LastVisit).reason("two requirements"))
        .sensitivity_in_population(PopulationPlan::new("one site").patients(Condition::on("site").is("A")));
    let found = populations(&planned, &trial);
    let site = trial.covariate("site").unwrap();
    let at_a: Vec<bool> = site.codes().unwrap().iter().map(|c| c.is_some_and(|c| site.levels()[c] == "A")).collect();
    let place = |id: &str| trial.patients().iter().position(|p| p == id).expect("a patient");
    type Keep<'a> = Box<dyn Fn(usize) -> bool + 'a>;
    let rules: Vec<(&str, Keep<'_>)> = vec![
        ("completers", Box::new(|i: usize| observed[i][visits - 1])),
        ("all visits", Box::new(|i: usize| observed[i].iter().all(|seen| *seen))),
        ("per protocol", Box::new(|i: usize| sessions[i] >= 9.0)),
        ("both", Box::new(|i: usize| sessions[i] >= 9.0 && observed[i][visits - 1])),
        ("one site", Box::new(|i: usize| at_a[i])),
    ];
    for (name, keep) in rules {
        let part = filtered(&name.replace(' ', "-"), |id| keep(place(id)));
        // A part of one site has no other to be adjusted for, and the model drops the column that is left empty.
        let formula = if name == "one site" { "arm * visit" } else { "site + arm * visit" };
        let direct = plan().formula(formula).unwrap().run(&part, &Silent).unwrap_or_else(|error| panic!("{name}: {error}"));
        let there = &direct.outcomes[0].contrasts_at("12 months").next().unwrap();
        let here = found.contrasts.get(name).unwrap();
        assert_eq!(here.failure, None, "{name}");
        assert_eq!(
            (here.patients, here.observations),
            (direct.outcomes[0].model.patients, direct.outcomes[0].model.observations),
            "{name}"
        );
        for (what, here, there) in [
            ("estimate", here.estimate.estimate, there.estimate.estimate),
            ("se", here.estimate.se, there.estimate.se),
            ("df", here.estimate.df, there.estimate.df),
            ("lower", here.lower, there.lower),
            ("upper", here.upper, there.upper),
        ] {
            assert!((here - there).abs() <= 1e-8 * there.abs().max(1e-3), "{name}, {what}: {here} against {there}");
        }
        // Its standard deviation at baseline is that of the part as well.
        let effect = direct.outcomes[0].effects.between[0].rows[0].effect;
        assert!((here.effect.unwrap().effect - effect).abs() < 1e-8, "{name}");
        for (arm, randomized) in trial.arms().iter().zip(trial.randomized()) {
            let rows: Vec<_> = found.patients.rows.iter().filter(|r| r.population == name && r.arm == *arm).collect();
            assert_eq!(rows.iter().map(|r| r.n).sum::<usize>(), randomized, "{name}: in and out are everybody");
            assert!(rows.iter().all(|r| r.randomized == randomized && (r.step == PopulationStep::In) == r.reason.is_empty()));
            let kept = (0..trial.patients().len()).filter(|&i| keep(i) && trial.arms()[trial.arm_of()[i]] == *arm).count();
            assert_eq!(found.count(name, arm), kept, "{name}");
        }
    }
    // README of the sample: 37.9 % and 39.1 % had fewer than nine sessions.
    let out =
        |arm: &str| found.patients.rows.iter().find(|r| r.population == "per protocol" && r.arm == arm && !r.reason.is_empty()).unwrap();
    assert_eq!((out("ImRs").n, out("ImRs+GST").n, out("ImRs").reason.as_str()), (25, 25, "too few sessions"));
    assert!(found.contrasts.notes()[0].contains("not randomized groups") && found.contrasts.title().contains("not randomized groups"));
    // The primary analysis is what it is without them, to the bit, and stands first.
    let alone = plan().run(&trial, &Silent).unwrap();
    let contrast = alone.outcomes[0].contrasts_at("12 months").next().unwrap();
    assert_eq!(found.contrasts.rows[0].estimate.estimate.to_bits(), contrast.estimate.estimate.to_bits());
    assert!(alone.populations.is_none());
}

#[test]
fn where_everyone_is_in_it_is_the_primary_analysis() {
    let trial = Gaussian::new(["v1", "v2", "v3"]).arm("a", 30, [5.0, 4.0, 3.5]).arm("b", 30, [5.0, 3.0, 2.0]).trial(3, 0).unwrap();
    let everyone = PopulationPlan::new("completers").observed_at(ObservedAt::EveryVisit);
    let found = populations(&Plan::new("y").sensitivity_in_population(everyone), &trial);
    let (primary, part) = (&found.contrasts.rows[0].estimate, &found.contrasts.get("completers").unwrap().estimate);
    assert_eq!((primary.estimate.to_bits(), primary.se.to_bits()), (part.estimate.to_bits(), part.se.to_bits()));
    assert_eq!((found.count("completers", "a"), found.count("completers", "b")), (30, 30));
}

/// Three arms, of which one has nobody in the part: the others are compared all the same.
#[test]
fn an_arm_with_nobody_is_told_of_and_does_not_sink_the_others() {
    let trial = Gaussian::new(["v1", "v2", "v3"])
        .arm("a", 40, [5.0, 4.0, 3.5])
        .arm("b", 40, [5.0, 3.0, 2.0])
        .arm("c", 40, [5.0, 3.0, 2.5])
        .dropout(Dropout::CompletelyAtRandom { each_visit: 0.1 })
        .trial(5, 0)
        .unwrap();
    let share: Vec<f64> =
        trial.arm_of().iter().enumerate().map(|(i, &arm)| if arm == 1 { 0.5 } else { 0.6 + 0.01 * (i % 40) as f64 }).collect();
    let trial = rebuilt(&trial, Variable::number("share", share));
    let treated = PopulationPlan::new("treated").patients(Condition::on("share").at_least(0.745));
    let found = populations(&Plan::new("y").sensitivity_in_population(treated), &trial);
    let rows: Vec<_> = found.contrasts.rows.iter().filter(|r| r.analysis == "treated").collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[0].estimate.estimate.is_nan() && rows[0].not_estimable.is_some(), "{:?}", rows[0]);
    assert!(rows[1].estimate.se > 0.0 && rows[1].not_estimable.is_none(), "{:?}", rows[1]);
    assert_eq!((found.count("treated", "b"), found.count("treated", "a")), (0, 25));
}

/// The trial with one more covariate.
fn rebuilt(trial: &Trial, variable: Variable) -> Trial {
    Trial::builder("with a covariate")
        .patients(trial.patients().to_vec())
        .arms(trial.arms().to_vec(), trial.arm_of().to_vec())
        .schedule(trial.schedule().clone())
        .outcome(trial.outcome("y").unwrap().clone())
        .variable(variable)
        .build()
        .unwrap()
}

#[test]
fn what_does_not_fit_is_told_with_the_key_of_the_plan() {
    let trial = imrs_gst();
    for (population, says) in [
        // A share where the column counts sessions.
        (PopulationPlan::new("per protocol").patients(Condition::on("imrs_sessions").at_least(75.0)), "it has no patient: 130 not so"),
        (PopulationPlan::new("per protocol").patients(Condition::on("imrs_session").at_least(9.0)), "did you mean `imrs_sessions`?"),
        (PopulationPlan::new("per protocol").patients(Condition::on("site").at_least(9.0)), "it is a factor"),
        (PopulationPlan::new("per protocol").patients(Condition::on("site").is("C")), "`C`"),
        (PopulationPlan::new("per protocol"), "nothing says who is in it"),
    ] {
        let Err(Error::Plan(problems)) = plan().sensitivity_in_population(population).run(&trial, &Silent) else { panic!("{says}") };
        assert_eq!(problems.0.len(), 1, "{problems:?}");
        assert_eq!(problems.0[0].key, "sensitivity, `per protocol`");
        assert!(problems.0[0].message.contains(says), "{says}: {:?}", problems.0[0]);
    }
    let twice = plan().sensitivity_in_population(per_protocol()).sensitivity_in_population(per_protocol());
    assert!(twice.run(&trial, &Silent).unwrap_err().to_string().contains("`per protocol` is there twice"));
}

#[test]
fn the_report_labels_them_as_what_they_are() {
    let file = trialstats::analysis::PlanFile::open(repository("examples/plans/imrs_gst.toml")).expect("the plan");
    let trial = file.read(file.data().expect("its data")).expect("the sample");
    let mut plan = file.plan().clone();
    plan.effects.bootstrap = 0;
    plan.report.small_cells = "suppressed(20)".parse().unwrap();
    plan.sensitivity.retain(|s| matches!(s, trialstats::analysis::Sensitivity::Population(_)));
    let result = plan.run(&trial, &Silent).unwrap_or_else(|error| panic!("{error}"));
    let html = TrialReport::new(&result).document().to_html();
    for said in [
        "Completers and other parts of the patients",
        "Who is in such a part of the patients is decided by what happened after randomization",
        "fewer than three quarters of 12 ImRs sessions",
        "in parts of the patients, which are not randomized groups: completers",
    ] {
        assert!(html.contains(said), "no `{said}`");
    }
    // Of 66 patients 52 are completers: 14 are out, fewer than may be shown, and neither is.
    let found = result.populations.as_ref().unwrap();
    let out = found.patients.rows.iter().find(|r| r.population == "completers" && r.step == PopulationStep::Out).unwrap();
    assert!(out.n > 0 && out.n < 20, "{out:?}");
    assert!(html.contains("–: not shown, because it is fewer than 20 patients"));
}
