//! Studies: simulation against theory, searches, parts that add up, interim looks, and the command.

use trialstats::analysis::{Plan, Silent};
use trialstats::study::analytic::Sides;
use trialstats::study::{
    ArmTruth, ClusterTruth, Correlation, Find, Looks, MissingTruth, StudyFile, StudyResult, StudySettings, TrialTruth,
};

fn truth() -> TrialTruth {
    TrialTruth::new(["0", "1", "2"], [1.0, 1.0, 1.0], Correlation::Exchangeable(0.5))
        .arm(ArmTruth::new("a", 40, [0.0, 0.0, 0.0]))
        .arm(ArmTruth::with_effect("b", 40, 0.6))
        .missing(MissingTruth::left_by_end(0.2))
}

fn study(truth: TrialTruth, settings: StudySettings) -> StudyFile {
    StudyFile::new(Plan::new("y"), truth, settings).expect("a study")
}

fn settings(trials: u64) -> StudySettings {
    let mut settings = StudySettings::default();
    settings.trials = trials;
    settings
}

/// Simulated power is that of theory within three Monte-Carlo errors and half a percentage point, for what the formula
/// approximates; without an effect, the level.
#[test]
fn simulation_meets_theory() {
    const TRIALS: u64 = 300;
    let groups = truth().with_patients(160).cluster(ClusterTruth::groups("group", "b", 8, 0.05)).with_effect(0.45);
    let plan = Plan::new("y").formula("baseline * visit + arm * visit + (1 | group)").expect("a formula");
    for (truth, plan) in [(truth(), Plan::new("y")), (groups, plan)] {
        let mut settings = settings(TRIALS);
        settings.null = true;
        let truth_has_groups = !truth.clusters.is_empty();
        let found = StudyFile::new(plan, truth, settings).expect("a study").run(&Silent).expect("a result");
        let (row, theory) = (&found.base().characteristics.rows[0], found.base().theory[0]);
        // With few groups a variance that is estimated as zero gives the degrees of freedom of patients.
        let bound = 3.0 * row.successes.error + if truth_has_groups { 0.03 } else { 0.005 };
        assert!((row.successes.share - theory.power).abs() < bound, "{} simulated, {} by theory", row.successes.share, theory.power);
        assert!((row.mean_se / theory.se - 1.0).abs() < 0.05, "SE of {} simulated, {} by theory", row.mean_se, theory.se);
        assert!(row.bias().0.abs() < 3.5 * row.bias().1, "bias {:?}", row.bias());
        assert!((row.coverage.share - 0.95).abs() < 3.5 * (0.95 * 0.05 / TRIALS as f64).sqrt());
        let null = &found.curve("null")[0].characteristics.rows[0];
        assert!((null.successes.share - 0.05).abs() < 3.5 * (0.05 * 0.95 / TRIALS as f64).sqrt(), "{}", null.successes.share);
    }
}

/// The same bits for any number of threads, and from parts.
#[test]
fn threads_and_parts_change_no_bit() {
    let mut settings = settings(30);
    settings.vary.patients = vec![60, 100];
    settings.null = true;
    let file = study(truth(), settings);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| file.run(&Silent)).expect("a result")
    };
    let text = |result: &StudyResult| serde_json::to_string(result).expect("JSON");
    let whole = text(&on(1));
    assert_eq!(whole, text(&on(3)));
    let folder = std::env::temp_dir().join(format!("trialstats-study-parts-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    for part in [3, 1, 4, 2] {
        file.write_part(part, 4, &folder, &Silent).expect("written");
        if part == 4 {
            assert!(file.merged(&folder, &Silent).expect_err("a part is missing").to_string().contains("missing: 2"));
        }
    }
    assert_eq!(whole, text(&file.merged(&folder, &Silent).expect("all parts are there")));
    let other = study(truth().with_effect(0.7), file.settings.clone());
    assert!(other.merged(&folder, &Silent).expect_err("another study").to_string().contains("another study"));
    assert!(file.write_part(5, 4, &folder, &Silent).is_err() && file.write_part(0, 4, &folder, &Silent).is_err());
    std::fs::write(folder.join("part-9-of-4.json"), "{").expect("written");
    assert!(file.merged(&folder, &Silent).expect_err("damaged").to_string().contains("part-9"));
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// What is sought lies where theory has it, within three of its own errors and 3% for what theory approximates.
#[test]
fn searches_find_what_theory_expects() {
    let mut settings = settings(80);
    settings.find = vec![Find::Patients, Find::Effect];
    settings.power = 0.8;
    let found = study(truth(), settings).run(&Silent).expect("a result").found;
    for found in &found {
        let error = (found.interval.1 - found.interval.0) / (2.0 * 1.96);
        let bound = 3.0 * error + 0.03 * found.by_theory;
        assert!((found.value - found.by_theory).abs() < bound, "{found:?}");
        assert!(found.interval.0 < found.value && found.value < found.interval.1 && found.tried.len() == 6);
    }
    let mut none = self::settings(10);
    none.find = vec![Find::Patients];
    assert!(study(truth().with_effect(0.0), none).run(&Silent).expect_err("no effect").to_string().contains("do not differ"));
}

#[test]
fn a_point_stops_where_it_is_known_well_enough() {
    let mut settings = settings(5000);
    settings.precision = Some(0.03);
    let found = study(truth(), settings).run(&Silent).expect("a result");
    let row = &found.base().characteristics.rows[0];
    assert!(row.trials < 1000 && row.successes.error <= 0.03);
}

/// Interim looks keep the level and stop as often as theory says.
#[test]
fn interim_looks_meet_theory() {
    let mut looks = Looks::new([0.5, 1.0]);
    looks.accrual = Some(20.0);
    let mut settings = settings(250);
    settings.looks = Some(looks);
    let found = study(truth().with_patients(120), settings.clone()).run(&Silent).expect("a result").looks.expect("looks");
    assert!(found.rows[0].information > 0.4 && found.rows[0].information < 0.75 && found.rows[1].information == 1.0);
    assert!((found.significant.share - found.by_theory).abs() < 3.5 * found.significant.error + 0.01, "{found}");
    for row in &found.rows {
        assert!((row.efficacy.share - row.efficacy_by_theory).abs() < 3.5 * row.efficacy.error + 0.015, "{found}");
    }
    assert!(found.expected_patients <= 120.0 && found.rows[0].entered == 100.0);
    let null = study(truth().with_patients(120).with_effect(0.0), settings).run(&Silent).expect("a result").looks.expect("looks");
    assert!((null.significant.share - 0.05).abs() < 3.5 * (0.05 * 0.95 / 250.0_f64).sqrt(), "{null}");
}

/// Every kind of question, and what the document says.
#[test]
fn a_study_asks_all_that_the_plan_asks() {
    let text = r#"
        primary = "score"
        [responders]
        unobserved = ["counted-as-not-met"]
        definitions = [{ name = "better", source = "made up", rule = { point-drop = { outcome = "score", at-least = 0.5 } } }]
        [effects]
        positive = "fall"
        [[sensitivity]]
        kind = "imputation"
        strategy = "jump-to-reference"
        variance = "delta-method"
        [[sensitivity]]
        kind = "model"
        name = "one correlation"
        covariance = "compound-symmetry"
        reason = "fewer parameters"

        [study]
        trials = 60
        margin = { non-inferiority = { margin = 0.3, better = "lower" } }
        vary = { effect = [-0.3, -0.6], group-size = [4, 8], icc = [0.0, 0.1], dropout = [0.1], allocation = [1, 2] }

        [truth]
        visits = ["0", "1", "2"]
        sd = [1, 1, 1]
        correlation = { unstructured = [[1], [0.5, 1], [0.4, 0.6, 1]] }
        arms = [{ name = "A - B", patients = 30, means = [0, 0, 0] }, { name = "C, D", patients = 30, d = -0.6 }]
        clusters = [{ factor = "group", arm = "C, D", size = 6, icc = 0.05 }]
        covariates = [{ name = "age" }, { name = "site", levels = { one = 0.7, two = 0.3 }, effect = [0, 0.2] }]
        missing = { left-by-end = 0.2, missed = 0.05 }
        origins = { d = "published: somewhere" }
    "#;
    let file = StudyFile::from_toml(text).expect("a study");
    let found = file.run(&Silent).expect("a result");
    let rows = &found.base().characteristics.rows;
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), 6, "{names:?}");
    assert!(rows.iter().all(|row| row.answered() == 60), "{}", found.base().characteristics);
    let named = |name: &str| rows.iter().find(|row| row.name.contains(name)).unwrap_or_else(|| panic!("{name} in {names:?}"));
    assert!(
        (named("effect size").truth - 0.6).abs() < 1e-12
            && named("effect size").bias().0.abs() < 4.0 * named("effect size").bias().1 + 0.03
    );
    assert!(named("margin").successes.share > named("primary").successes.share);
    // Scores fall by 0 and by 0.6 with a standard deviation of √1.2, that of the site adding nothing to a change; a fifth leaves at
    // random.
    let better = |fall: f64| 0.8 * trialstats::dist::normal::sf((0.5 - fall) / 1.2_f64.sqrt());
    let response = named("response");
    assert!((response.truth - (better(0.6) - better(0.0))).abs() < 1e-12 && response.truth_error == 0.0, "{response:?}");
    assert!(response.bias().0.abs() < 4.0 * response.bias().1 && response.coverage.share > 0.8, "{response:?}");
    assert_eq!(found.varied(), ["effect", "dropout", "icc", "group-size", "allocation"]);
    assert_eq!(found.curve("allocation")[1].patients, [20, 40]);
    let document = file.document(&found).to_text(110);
    for said in ["published: somewhere", "invented", "seed 1", "Kenward", "A - B", "C, D", "60 simulated trials"] {
        assert!(document.contains(said), "the document lacks {said}:\n{document}");
    }
}

/// Sensitivity analyses are simulated, or it is said that they are not.
#[test]
fn a_study_says_what_it_leaves_out() {
    let text = r#"
        primary = "y"
        secondary = ["z"]
        [responders]
        unobserved = ["multiple-imputation", "observed-only", "bounds"]
        definitions = [{ name = "low", source = "made up", rule = { below = { outcome = "y", score = 0 } } }]
        [[sensitivity]]
        kind = "tipping-point"
        strategy = "mar"
        arm = "b"
        arm-shifts = [0, 0.5]
        versus-shifts = [-0.5, 0]
        of = ["difference", "effect-size"]
        covariates = ["baseline"]
        [[sensitivity]]
        kind = "imputation"
        strategy = "jump-to-reference"
        draws = { method = "bayesian", number = 20 }
        [[sensitivity]]
        kind = "population"
        name = "completers"
        observed-at = "last-visit"
        [study]
        trials = 2
        [truth]
        visits = ["0", "1"]
        sd = [1, 1]
        correlation = { exchangeable = 0.5 }
        arms = [{ name = "a", patients = 15, means = [0, 0] }, { name = "b", patients = 15, d = -0.6 }]
        missing = { left-by-end = 0.2 }
    "#;
    let file = StudyFile::from_toml(text).expect("a study");
    let names: Vec<String> = file.procedures().expect("the plan")[0].names().map(String::from).collect();
    let expected = [
        "primary contrast",
        "effect size",
        "response: low",
        "response: low (bounds)",
        "tipping point, missing at random: +0 in b, −0.5 in a",
        "tipping point, missing at random: +0.5 in b, −0.5 in a",
        "tipping point, missing at random: +0 in b, +0 in a",
        "tipping point, missing at random: +0.5 in b, +0 in a",
        "jump to reference",
    ];
    assert_eq!(names, expected);
    let said = trialstats::study::Procedure::left_out(&file.plan);
    for what in ["multiple imputation", "effect-size", "draws data sets", "`completers`", "secondary outcomes (z)"] {
        assert_eq!(said.iter().filter(|sentence| sentence.contains(what)).count(), 1, "{what} in {said:?}");
    }
    assert_eq!(said.len(), 5);
    let found = file.run(&Silent).expect("a result");
    assert!(found.base().characteristics.rows.iter().all(|row| row.answered() == 2), "{}", found.base().characteristics);
    assert!(found.base().characteristics.rows.iter().all(|row| row.truth.is_finite()));
    let document = file.document(&found).to_text(400);
    assert!(found.left_out == said && found.left_out.iter().all(|sentence| document.contains(sentence.as_str())), "{document}");
    assert!(study(truth(), settings(2)).run(&Silent).expect("a result").left_out.is_empty());
}

#[test]
fn theory_is_that_of_the_formulas() {
    use trialstats::study::analytic::{Ask, PowerFormula, TwoMeans};
    // Two visits without dropout: analysis of covariance, but for a degree of freedom.
    let two = TrialTruth::new(["0", "1"], [2.0, 3.0], Correlation::Exchangeable(0.4))
        .arm(ArmTruth::new("a", 50, [0.0, 0.0]))
        .arm(ArmTruth::new("b", 50, [0.0, 1.5]));
    let theory = two.by_theory(1, 0.05, Sides::Two).expect("a power");
    let formula = TwoMeans::ancova(3.0, 0.4).and_then(|d| d.solve(&Ask::power_of(100.0, 1.5))).expect("a power");
    assert!((theory.power - formula.power).abs() < 0.001 && theory.df == 98.0);
    assert!((theory.se - 3.0 * (1.0 - 0.16_f64).sqrt() * (2.0_f64 / 50.0).sqrt()).abs() < 1e-12);
}

/// Both tails of a two-sided test count: two visits, the baseline saying nothing of the second, are R's t test
/// (`power.t.test(strict = TRUE)`, printed to sixteen places). Without an effect the power is the level.
#[test]
fn theory_counts_both_tails() {
    let file = crate::common::reference("planning/power_t_test.json");
    for row in crate::common::rows(&file["rows"]) {
        let [n, delta, power] = ["n", "delta", "power"].map(|key| crate::common::number(&row[key]));
        let truth = TrialTruth::new(["0", "1"], [1.0, 1.0], Correlation::Exchangeable(0.0))
            .arm(ArmTruth::new("a", n as usize, [0.0, 0.0]))
            .arm(ArmTruth::new("b", n as usize, [0.0, delta]));
        let found = truth.by_theory(1, 0.05, Sides::Two).expect("a power").power;
        assert!((found - power).abs() < 1e-12, "{found} for {power} with n = {n}, δ = {delta}");
    }
    let none = truth().with_effect(0.0);
    for sides in [Sides::One, Sides::Two] {
        let found = none.by_theory(1, 0.05, sides).expect("a level").power;
        assert!((found - 0.05).abs() < 1e-12, "{sides}: {found}");
    }
}

#[test]
fn impossible_studies_say_why() {
    let text = |study: &str, truth: &str| {
        format!(
            "primary = 'y'\n[study]\n{study}\n[truth]\nvisits = ['0', '1']\nsd = [1, 1]\ncorrelation = {{ exchangeable = 0.5 }}\n{truth}"
        )
    };
    let arms = "arms = [{ name = 'a', patients = 20, means = [0, 0] }, { name = 'b', patients = 20, d = 1 }]";
    let says = |study: &str, truth: &str| {
        StudyFile::from_toml(&text(study, truth)).and_then(|file| file.run(&Silent)).expect_err("refused").to_string()
    };
    assert!(says("trials = 1", arms).contains("trials"));
    assert!(says("trails = 100", arms).contains("trails"));
    assert!(says("power = 90", arms).contains("power"));
    assert!(says("precision = 0.9", arms).contains("precision"));
    assert!(says("vary = { icc = [0.1] }", arms).contains("no clusters"));
    assert!(says("vary = { dropout = [2] }", arms).contains("dropout"));
    assert!(says("find = ['happiness']", arms).contains("happiness"));
    assert!(says("", "arms = [{ name = 'a', patients = 20, means = [0, 0] }]").contains("one arm"));
    assert!(says("trials = 10\nlooks = { patients = [0.5] }", arms).contains("looks"));
    // A model that no trial of this truth can be analysed by.
    for (model, names) in [("formula = 'arm'\nbaseline = 'covariate'", "baseline"), ("formula = 'arm * visit + age'", "`age`")] {
        let text = text("", arms).replace("[study]", &format!("[model]\n{model}\n[study]\ntrials = 10"));
        let refused = StudyFile::from_toml(&text).and_then(|file| file.run(&Silent)).expect_err("refused");
        assert!(refused.to_string().contains(names), "{refused}");
    }
    assert!(StudyFile::from_toml("primary = 'y'").expect_err("refused").to_string().contains("[truth]"));
    assert!(StudyFile::open("no such file.toml").is_err());
}

/// A review without the arms finds the standard deviations, the correlations and the dropout of the truth, and with them the
/// number of patients that the truth itself needs: 3,000 patients, four standard errors.
#[test]
fn a_blinded_review_finds_what_the_truth_says() {
    use trialstats::study::BlindedReview;
    use trialstats::study::analytic::{Ask, Mmrm, PowerFormula};
    let truth = truth().with_patients(3000);
    let review = BlindedReview::of(&truth.trial(9, 0).expect("a trial"), "y").and_then(|r| r.without_effect(0.6)).expect("a review");
    for (t, kept) in truth.missing.curve(3).into_iter().enumerate() {
        assert!((review.sd[t] - 1.0).abs() < 4.0 / (2.0 * 3000.0 * kept).sqrt(), "SD {:?}", review.sd);
        assert!((review.retention[t] - kept).abs() <= 4.0 * (kept * (1.0 - kept) / 3000.0).sqrt(), "{:?}", review.retention);
    }
    let of_review = review.patients(0.5, 0.9, 0.05).expect("a number").exact[0];
    let of_truth = Mmrm::given_baseline(truth.covariance(), truth.missing.curve(3)[1..].to_vec()).expect("a design");
    let of_truth = of_truth.solve(&Ask::patients_for(0.5, 0.9)).expect("a number").exact[0];
    // A variance from 3,000 patients has a relative standard error of 2.6%.
    assert!((of_review / of_truth - 1.0).abs() < 4.0 * 0.026, "{of_review} for {of_truth}");
    assert!(review.without_effect(5.0).is_err());
}

/// The trial planned again: what the page of the guide says of theory is what the plan's truth gives.
#[test]
fn the_page_says_what_theory_says() {
    let file = StudyFile::open(crate::common::repository("examples/plans/imrs_gst_power.toml")).expect("a study");
    let page = std::fs::read_to_string(crate::common::repository("src/guide/planning.md")).expect("the page");
    for (difference, truth) in [("4.5 points", file.truth.clone()), ("8 points", file.truth.with_effect(-8.0 / 9.0))] {
        let power = truth.by_theory(1, file.alpha(), Sides::Two).expect("a power").power;
        let row = page.lines().find(|line| line.contains(&format!("| {difference}:"))).expect("a row");
        assert!(row.contains(&format!("| {:.1}% |", 100.0 * power)), "{power} in {row}");
    }
    // Eight groups of 8 in an arm of 63, and 20 therapists.
    let trial = file.truth.trial(file.seed(), 0).expect("a trial");
    let levels = |factor: &str| trial.cluster(factor).expect("a factor").levels().len();
    assert_eq!((levels("therapy_group"), levels("therapist"), trial.randomized()), (8, 20, vec![63, 63]));
    assert_eq!(file.procedures().expect("the plan")[0].names().collect::<Vec<_>>(), ["primary contrast", "effect size"]);
    let assumed = file.truth.assumptions().to_string();
    assert!(assumed.contains("invented") && assumed.contains("published"), "{assumed}");
}
