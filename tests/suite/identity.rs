//! Results know which arms and visits they are of: arms that nobody was observed of, labels that read like something
//! else.

use serde_json::Value;
use trialstats::analysis::{Analysis, AnalysisResult, ClusterModel, ClusterSensitivityRow, Clustering, Silent};
use trialstats::bootstrap::Bootstrap;
use trialstats::covariance::Covariance;
use trialstats::design::FrozenDesign;
use trialstats::effects::{self, Denominator, Difference, EffectOptions, EffectSizes};
use trialstats::fit::TrialMoments;
use trialstats::inference::Estimate;
use trialstats::joint::JointModel;
use trialstats::means::{Adjustment, ArmComparisons, Better, Compared, ContrastOptions, Contrasts, Family, LinearContrast, Margin};
use trialstats::report::TrialReport;
use trialstats::responders::{Definition, RateOptions, Rule, Unobserved, compare, rates};
use trialstats::trial::{Outcome, Schedule, Variable};
use trialstats::{Fit, Model, Tabular, Trial};

const VISITS: [&str; 4] = ["baseline", "3 months", "6 months", "9 months"];
const PER_ARM: usize = 24;

/// Sums of twelve uniform deviates less six: close to normal, and the same everywhere.
struct Deviates(u64);

impl Deviates {
    fn next(&mut self) -> f64 {
        let uniform = |state: &mut u64| {
            *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (*state >> 33) as f64 / (1_u64 << 31) as f64
        };
        (0..12).map(|_| uniform(&mut self.0)).sum::<f64>() - 6.0
    }
}

/// The scores of 24 patients per arm; NaN where `observed` says so of an arm and visit.
fn scores(arms: usize, observed: impl Fn(usize, usize) -> bool) -> Vec<f64> {
    let mut deviates = Deviates(7);
    let mut values = vec![];
    for arm in 0..arms {
        for _ in 0..PER_ARM {
            let own = 3.0 * deviates.next();
            for visit in 0..VISITS.len() {
                let score = 30.0 - 2.0 * visit as f64 * (arm + 1) as f64 + own + 2.0 * deviates.next();
                values.push(if observed(arm, visit) { score } else { f64::NAN });
            }
        }
    }
    values
}

/// A trial with these arms and visits; arms from the second on are treated in groups of six.
fn trial_of(arms: &[&str], visits: [&str; 4], observed: impl Fn(usize, usize) -> bool) -> Trial {
    let patients = PER_ARM * arms.len();
    let group = |i: usize| (i >= PER_ARM).then(|| (i - PER_ARM) / 6);
    Trial::builder("invented scores")
        .patients((0..patients).map(|i| format!("p{i}")))
        .arms(arms.iter().copied(), (0..patients).map(|i| i / PER_ARM).collect())
        .schedule(Schedule::of_labels(visits).with_baseline(visits[0]).unwrap())
        .outcome(Outcome { name: "y".into(), label: "Score".into(), range: None, values: scores(arms.len(), observed) })
        .variable(Variable::cluster("group", (0..(patients - PER_ARM) / 6).map(|g| format!("g{g}")), (0..patients).map(group).collect()))
        .build()
        .unwrap()
}

const ARMS: [&str; 3] = ["A", "B", "C"];

/// Arms A, B and C, nobody of one of them observed.
fn without(nobody: usize) -> Trial {
    trial_of(&ARMS, VISITS, |arm, _| arm != nobody)
}

fn fit(trial: &Trial) -> Fit {
    Model::formula("y ~ arm * visit").unwrap().fit(trial).unwrap()
}

fn planned(trial: &Trial) -> AnalysisResult {
    let half = Definition::new("fifth", Rule::percent_drop("y", 20.0)).label("A fifth below baseline");
    Analysis::of(trial)
        .primary("y")
        .at(trial.schedule().labels()[2].to_string())
        .responders([half])
        .bootstrap(40)
        .sensitivity_to_clusters(Clustering::new().groups("group"))
        .run(&Silent)
        .unwrap()
}

fn pairs(contrasts: &Contrasts) -> Vec<(usize, usize)> {
    let pair = |c: &Compared| match c {
        Compared::Arms { arm, versus } => (arm.index, versus.index),
        other => panic!("{other} is no comparison of arms"),
    };
    contrasts.rows.iter().map(|row| pair(&row.compared)).collect()
}

/// How many notes of a table say that nobody of an arm was observed.
fn told(table: &dyn Tabular, arm: &str) -> usize {
    table.notes().iter().filter(|note| note.contains(&format!("obody in arm {arm} "))).count()
}

/// The mean of the observed scores of an arm at a visit.
fn raw_mean(trial: &Trial, arm: usize, visit: usize) -> f64 {
    let values = &trial.outcome("y").unwrap().values;
    let own: Vec<f64> = (arm * PER_ARM..(arm + 1) * PER_ARM).map(|i| values[i * VISITS.len() + visit]).filter(|v| !v.is_nan()).collect();
    own.iter().sum::<f64>() / own.len() as f64
}

#[track_caller]
fn close(here: f64, there: f64) {
    assert!((here - there).abs() <= 1e-9 * there.abs().max(1.0), "{here} is not {there}");
}

#[test]
fn an_arm_that_nobody_was_observed_of_keeps_its_rows_and_no_number_moves() {
    let trial = without(1);
    let complete = trial_of(&["A", "C"], VISITS, |_, _| true);
    let (fit, two) = (fit(&trial), fit(&trial_of(&["A", "C"], VISITS, |_, _| true)));
    assert_eq!(complete.arms().len(), 2);
    let means = fit.means_by_visit().unwrap();
    assert_eq!(means.rows.len(), 12);
    assert_eq!(told(&means, "B"), 1, "{means}");
    for row in &means.rows {
        let (arm, visit) = (row.arm.as_ref().unwrap(), row.visit.as_ref().unwrap());
        assert_eq!((row.levels[0].as_str(), row.levels[1].as_str()), (ARMS[arm.index], VISITS[visit.index]));
        assert_eq!(row.n, if arm.index == 1 { 0 } else { PER_ARM });
        match arm.index {
            1 => assert!(row.estimate.estimate.is_nan() && row.not_estimable.as_ref().unwrap().contains("nobody in arm B")),
            // Complete data in the arms observed: means of the model are raw means.
            _ => close(row.estimate.estimate, raw_mean(&trial, arm.index, visit.index)),
        }
    }
    let contrasts = fit.arm_contrasts(&ContrastOptions::default()).unwrap();
    assert_eq!(pairs(&contrasts), [(1, 0), (2, 0)].repeat(4));
    assert_eq!(told(&contrasts, "B"), 1);
    for row in &contrasts.rows {
        let visit = row.visit.as_ref().unwrap();
        match row.compared.arm().unwrap().index {
            1 => assert!(row.estimate.estimate.is_nan() && row.p_adjusted.is_nan() && row.coefficients.is_empty()),
            _ => close(row.estimate.estimate, raw_mean(&trial, 2, visit.index) - raw_mean(&trial, 0, visit.index)),
        }
        assert_eq!(row.not_estimable.is_some(), row.compared.arm().unwrap() == "B");
    }
    assert_eq!(contrasts.between("C", "A", "6 months").unwrap().label(), "C - A");
    // The model is the one of two arms, to the last digit.
    assert_eq!(fit.beta().len(), two.beta().len());
    let changes = fit.change_from_baseline(&ContrastOptions::default()).unwrap();
    assert_eq!(changes.rows.iter().map(|r| r.label()).collect::<Vec<_>>(), ["A", "B", "C"].repeat(3));
    assert!(changes.change("B", "3 months").unwrap().estimate.estimate.is_nan());
    close(changes.change("C", "9 months").unwrap().estimate.estimate, raw_mean(&trial, 2, 3) - raw_mean(&trial, 2, 0));
    assert_eq!(told(&fit.term_tests().unwrap(), "B"), 1);
    assert_eq!(fit.arm_by_visit_test().unwrap().num_df, 3.0);
}

#[test]
fn nothing_is_compared_with_a_reference_that_nobody_was_observed_of() {
    let trial = without(0);
    let fit = fit(&trial);
    let contrasts = fit.arm_contrasts(&ContrastOptions::default()).unwrap();
    assert_eq!(pairs(&contrasts), [(1, 0), (2, 0)].repeat(4));
    assert!(contrasts.rows.iter().all(|r| r.estimate.estimate.is_nan() && r.lower.is_nan() && r.estimate.p.is_nan()));
    assert!(contrasts.rows.iter().all(|r| r.not_estimable.as_deref() == Some("nobody in arm A has an analysed observation")));
    assert_eq!(told(&contrasts, "A"), 1, "{contrasts}");
    assert!(contrasts.notes().iter().any(|n| n.contains("pairwise")), "{contrasts}");

    let pairwise = fit.arm_contrasts(&ContrastOptions::default().arms(ArmComparisons::Pairwise).adjustment(Adjustment::Holm)).unwrap();
    assert_eq!(pairs(&pairwise), [(1, 0), (2, 0), (2, 1)].repeat(4));
    let known: Vec<_> = pairwise.rows.iter().filter(|r| r.not_estimable.is_none()).collect();
    assert_eq!(known.iter().map(|r| r.label()).collect::<Vec<_>>(), ["C - B"; 4]);
    for row in &known {
        close(
            row.estimate.estimate,
            raw_mean(&trial, 2, row.visit.as_ref().unwrap().index) - raw_mean(&trial, 1, row.visit.as_ref().unwrap().index),
        );
    }
    // Rows without a test do not count as tests.
    let p: Vec<f64> = known.iter().map(|r| r.estimate.p).collect();
    assert_eq!(known.iter().map(|r| r.p_adjusted).collect::<Vec<_>>(), Adjustment::Holm.adjust(&p));
    let by_visit = ContrastOptions::default().arms(ArmComparisons::Pairwise).adjustment(Adjustment::Bonferroni).family(Family::Visit);
    let by_visit = fit.arm_contrasts(&by_visit).unwrap();
    assert!(by_visit.rows.iter().filter(|r| r.not_estimable.is_none()).all(|r| r.p_adjusted == r.estimate.p));

    let with_b = fit.arm_contrasts(&ContrastOptions::default().arms(ArmComparisons::With("B".into()))).unwrap();
    assert_eq!(pairs(&with_b), [(0, 1), (2, 1)].repeat(4));
    assert!(with_b.between("A", "B", "baseline").unwrap().not_estimable.is_some());
    assert!(with_b.between("C", "B", "baseline").unwrap().not_estimable.is_none());
    let refused = fit.arm_contrasts(&ContrastOptions::default().arms(ArmComparisons::With("D".into()))).unwrap_err();
    assert_eq!(refused.code(), "unknown-name");

    let margin = pairwise.against(Margin::NonInferiority { margin: 5.0, better: Better::Lower }, 0.025).unwrap();
    assert_eq!(margin.rows.iter().map(|r| r.shown.is_some()).collect::<Vec<_>>(), [false, false, true].repeat(4));
    assert_eq!(margin.rows[2].compared, pairwise.rows[2].compared);
}

#[test]
fn effect_sizes_are_of_the_arms_that_they_name() {
    for nobody in [0, 1] {
        let trial = without(nobody);
        let fit = fit(&trial);
        let contrasts = fit.arm_contrasts(&ContrastOptions::default()).unwrap();
        let changes = fit.change_from_baseline(&ContrastOptions::default()).unwrap();
        let modelled = effects::from_model(&trial, &fit, &contrasts, &EffectOptions::new()).unwrap();
        let raw = effects::between_arms(&trial, "y", &EffectOptions::new()).unwrap();
        for table in [&modelled, &raw] {
            for row in &table.rows {
                let versus = row.versus.as_ref().unwrap();
                assert_eq!((row.arm.as_str(), versus.as_str()), (ARMS[row.arm.index], "A"));
                let expected = raw_mean(&trial, row.arm.index, row.visit.index) - raw_mean(&trial, 0, row.visit.index);
                if [row.arm.index, 0].contains(&nobody) {
                    assert!(row.difference.is_nan() && row.se.is_nan() && row.effect.is_nan() && row.lower.is_nan());
                } else {
                    close(row.difference, expected);
                    close(row.effect, expected / row.sd);
                }
            }
            assert_eq!(told(table, ARMS[nobody]), 1, "{table}");
        }
        let within = effects::from_model(&trial, &fit, &changes, &EffectOptions::new()).unwrap();
        for row in &within.rows {
            match row.arm.index == nobody {
                true => assert!(row.effect.is_nan() && row.observed == 0 && row.randomized == PER_ARM),
                false => {
                    close(row.difference, raw_mean(&trial, row.arm.index, row.visit.index) - raw_mean(&trial, row.arm.index, 0));
                }
            }
        }
        let within = effects::within_arms(&trial, "y", &EffectOptions::new()).unwrap();
        assert_eq!(told(&within, ARMS[nobody]), 1, "{within}");
    }
}

#[test]
fn the_models_own_standard_deviation_is_that_of_the_arm() {
    let trial = without(1);
    // C's scores spread twice as far about its mean.
    let mut values = trial.outcome("y").unwrap().values.clone();
    for visit in 0..VISITS.len() {
        let mean = raw_mean(&trial, 2, visit);
        (2 * PER_ARM..3 * PER_ARM).for_each(|i| values[i * VISITS.len() + visit] = 2.0 * values[i * VISITS.len() + visit] - mean);
    }
    let trial = trial.with_outcome("y", values).unwrap();
    let fit = Model::formula("y ~ arm * visit").unwrap().covariance_by("arm").fit(&trial).unwrap();
    assert_eq!(fit.covariances().len(), 2);
    let contrasts = fit.arm_contrasts(&ContrastOptions::default().visits(["6 months"])).unwrap();
    let changes = fit.change_from_baseline(&ContrastOptions::default().visits(["6 months"])).unwrap();
    let options = EffectOptions::new().denominator(Denominator::VisitModel);
    let within = effects::from_model(&trial, &fit, &changes, &options).unwrap();
    let variance = |group: usize| fit.covariances()[group].sigma[(2, 2)];
    close(within.rows[0].sd, variance(0).sqrt());
    assert!(within.rows[1].sd.is_nan() && within.rows[1].effect.is_nan());
    close(within.rows[2].sd, variance(1).sqrt());
    let between = effects::from_model(&trial, &fit, &contrasts, &options).unwrap();
    assert!(between.rows[0].sd.is_nan());
    close(between.rows[1].sd, (0.5 * (variance(0) + variance(1))).sqrt());
}

/// Every number of a plan's results with the arms it is of.
fn assert_plan_names_arms(nobody: usize) {
    let trial = without(nobody);
    let result = planned(&trial);
    let outcome = &result.outcomes[0];
    let difference = |arm: usize| outcome.contrasts.as_ref().unwrap().between(ARMS[arm], "A", "6 months").unwrap().estimate.estimate;
    assert_eq!(difference(2).is_nan(), nobody == 0);
    assert!(difference(1).is_nan());
    assert_eq!(outcome.effects.between.len(), 3, "delta, independent groups, bootstrap");
    for table in &outcome.effects.between {
        assert_eq!(table.rows.iter().map(|r| r.arm.index).collect::<Vec<_>>(), [1, 2]);
        for row in &table.rows {
            let expected = difference(row.arm.index);
            assert!(row.difference == expected || row.difference.is_nan() && expected.is_nan(), "{table}");
            assert_eq!(row.lower.is_nan(), expected.is_nan(), "{table}");
            assert!(row.lower.is_nan() || (row.lower < row.effect && row.effect < row.upper), "{table}");
        }
        assert_eq!(told(table, ARMS[nobody]), 1, "{table}");
    }
    for table in &outcome.effects.within {
        assert_eq!(table.rows.iter().map(|r| (r.arm.index, r.effect.is_nan())).collect::<Vec<_>>(), [0, 1, 2].map(|a| (a, a == nobody)));
    }

    let clusters = result.clustering.as_ref().unwrap();
    assert_eq!(clusters.rows.len(), 2 * clusters.clustering.models().len());
    assert_eq!(told(clusters, ARMS[nobody]), 1, "{clusters}");
    for row in &clusters.rows {
        let arm = row.compared.arm().unwrap().index;
        assert_eq!(row.compared.versus().unwrap().index, 0);
        // With groups in every arm that was observed, none is left for the arm without groups.
        assert_eq!(row.failure.is_some(), nobody == 0 && row.model == ClusterModel::PartiallyNested, "{row:?}");
        if row.failure.is_some() {
            continue;
        }
        assert_eq!(row.not_estimable.is_some(), [arm, 0].contains(&nobody), "{row:?}");
        let effect = row.effect.as_ref().unwrap();
        assert_eq!((effect.arm.index, effect.versus.as_ref().unwrap().index), (arm, 0));
        if row.has_numbers() {
            assert_eq!(effect.difference, row.estimate.estimate);
            assert!((row.estimate.estimate - difference(arm)).abs() < 1.0, "{row:?}");
            assert_eq!(clusters.primary_of(row).unwrap().compared, row.compared);
            assert!(row.model == ClusterModel::Independent || clusters.se_ratio(row) > 0.0);
        }
    }

    let rates = result.rates.as_ref().unwrap();
    for row in &rates.rows {
        assert_eq!((row.arm.as_str(), row.visit_index), (ARMS[row.arm.index], Some(2)));
        assert_eq!(row.observed, if row.arm.index == nobody { 0 } else { PER_ARM });
    }
    assert_eq!(told(rates, ARMS[nobody]), 1, "{rates}");
    assert_eq!(told(result.comparisons.as_ref().unwrap(), ARMS[nobody]), 1);

    let summary = result.summary();
    assert!(!summary.contains("NaN"), "{summary}");
    let line = |start: &str| summary.lines().find(|l| l.trim_start().starts_with(start)).unwrap_or_else(|| panic!("{start}: {summary}"));
    for (arm, name) in ARMS.into_iter().enumerate() {
        assert_eq!(line(&format!("mean, {name} ")).contains("not estimable"), arm == nobody);
    }
    assert!(line("B - A").contains("not estimable") && line("d, B against A").contains("not estimable"));
    assert_eq!(line("d, C against A").contains("not estimable"), nobody == 0);
}

#[test]
fn a_plan_names_the_right_arms_where_nobody_of_an_arm_was_observed() {
    assert_plan_names_arms(1);
}

#[test]
fn a_plan_names_the_right_arms_where_nobody_of_the_reference_was_observed() {
    assert_plan_names_arms(0);
}

/// The cells of a written table by column.
fn csv_columns(table: &dyn Tabular) -> Vec<(String, Vec<String>)> {
    let mut written = vec![];
    table.write_csv(&mut written).unwrap();
    let mut reader = csv::Reader::from_reader(written.as_slice());
    let mut columns: Vec<(String, Vec<String>)> = reader.headers().unwrap().iter().map(|h| (h.to_string(), vec![])).collect();
    for record in reader.records() {
        record.unwrap().iter().zip(&mut columns).for_each(|(cell, (_, cells))| cells.push(cell.to_string()));
    }
    columns
}

#[test]
fn reports_say_which_arm_has_nobody_and_give_no_number_to_another() {
    let trial = without(1);
    let result = planned(&trial);
    let document = TrialReport::new(&result).document();
    let text = document.to_text(400);
    assert!(!text.contains("NaN"), "{text}");
    let d = |arm: usize| result.outcomes[0].effects.between[0].rows[arm - 1].effect;
    let written = format!("{:.2}", d(2)).replace('-', "−");
    assert!(text.contains(&format!("{written} (")) && text.contains("for C against A"), "{text}");
    assert!(text.contains("No effect size for the change in B and B against A."), "{text}");
    assert!(
        text.contains("difference between arms (B − A): not estimable, because nobody in arm B has an analysed observation."),
        "{text}"
    );
    assert!(text.contains("not estimable in B"), "{text}");
    let html = document.to_html();
    assert!(html.contains("obody in arm B has an analysed observation"));
    for table in document.tables() {
        let columns = csv_columns(table);
        let column = |name: &str| columns.iter().find(|(n, _)| n == name).map(|(_, cells)| cells);
        let (Some(arms), Some(numbers)) = (column("arm"), column("estimate").or(column("effect"))) else { continue };
        for (arm, number) in arms.iter().zip(numbers) {
            assert_eq!(number.is_empty(), arm == "B", "{}: {arm} {number}", table.title);
        }
    }
    let json = document.to_json();
    let outcome = &json["analysis"]["outcomes"][0];
    let row = |value: &Value| (value["arm"].clone(), value["arm_index"].clone(), value["versus"].clone(), value["versus_index"].clone());
    for table in outcome["effects"]["between"].as_array().unwrap() {
        assert_eq!(row(&table["rows"][1]), ("C".into(), 2.into(), "A".into(), 0.into()));
        assert_eq!(table["rows"][1]["visit"], "6 months");
        assert_eq!(table["rows"][1]["visit_index"], 2);
        assert!(table["rows"][0]["effect"].is_null());
    }
    let contrast = &outcome["contrasts"]["rows"][0];
    assert_eq!((&contrast["contrast"], &contrast["compares"], &contrast["visit"]), (&"B - A".into(), &"arms".into(), &"3 months".into()));
    assert_eq!(contrast["not_estimable"], "nobody in arm B has an analysed observation");
    let change = &outcome["changes"]["rows"][2];
    assert_eq!((&change["contrast"], &change["compares"]), (&"C".into(), &"change".into()));
    assert_eq!(row(change), ("C".into(), 2.into(), Value::Null, Value::Null));
    let mean = &outcome["means"]["rows"][4];
    assert_eq!((&mean["arm_index"], &mean["visit_index"], &mean["n"]), (&1.into(), &1.into(), &0.into()));
    let cluster = &json["analysis"]["clustering"]["rows"][1];
    assert_eq!(row(cluster), ("C".into(), 2.into(), "A".into(), 0.into()));
    let comparison = &json["analysis"]["comparisons"]["rows"][1];
    assert_eq!((&comparison["arm_index"], &comparison["reference_index"]), (&2.into(), &0.into()));
    assert_eq!(json["analysis"]["rates"]["rows"][2]["arm_index"], 2);
}

#[test]
fn a_visit_that_nobody_attended_has_rows_where_it_was_asked_for() {
    let trial = trial_of(&ARMS, VISITS, |_, visit| visit != 2);
    // A schedule may have visits at which an outcome is not assessed: they are left out, with a warning.
    let unnamed = fit(&trial);
    assert_eq!(unnamed.means_by_visit().unwrap().rows.len(), 9);
    assert!(unnamed.design().warnings().iter().any(|w| w.contains("no analysed observation at 6 months")));
    let asked = unnamed.arm_contrasts(&ContrastOptions::default().visits(["6 months"])).unwrap();
    assert!(asked.rows.iter().all(|r| r.not_estimable.is_some()) && asked.rows.len() == 2);
    assert_eq!(asked.notes().iter().filter(|n| n.contains("nobody has an analysed observation at 6 months")).count(), 1, "{asked}");
    let fit = Model::formula("y ~ arm * visit").unwrap().visits(VISITS).fit(&trial).unwrap();
    let means = fit.means_by_visit().unwrap();
    assert_eq!(means.rows.len(), 12);
    let reason = Some("nobody has an analysed observation at 6 months".to_string());
    assert!(means.rows.iter().all(|r| r.not_estimable == if r.visit.as_ref().unwrap().index == 2 { reason.clone() } else { None }));
    assert_eq!(means.notes().iter().filter(|n| n.contains("at 6 months")).count(), 1, "{means}");
    let contrasts = fit.arm_contrasts(&ContrastOptions::default().visits(["6 months", "9 months"])).unwrap();
    assert_eq!(contrasts.rows.iter().map(|r| r.not_estimable.is_some()).collect::<Vec<_>>(), [true, true, false, false]);
    assert_eq!(contrasts.rows[2].visit.as_ref().unwrap().index, 3);
    close(contrasts.rows[3].estimate.estimate, raw_mean(&trial, 2, 3) - raw_mean(&trial, 0, 3));
    let unknown = fit.arm_contrasts(&ContrastOptions::default().visits(["12 months"])).unwrap_err();
    assert!(unknown.code() == "unknown-name" && unknown.to_string().contains("6 months"), "{unknown}");
    let late = LinearContrast::between_arms("late", "B", "A", [("6 months", 0.5), ("9 months", 0.5)]);
    let last = LinearContrast::between_arms("last", "B", "A", [("9 months", 1.0)]);
    let linear = fit.linear_contrasts(&[late, last], &ContrastOptions::default()).unwrap();
    assert_eq!(linear.rows[0].not_estimable, reason);
    close(linear.rows[1].estimate.estimate, raw_mean(&trial, 1, 3) - raw_mean(&trial, 0, 3));
    assert_eq!(fit.contrast("late", &[("B", "6 months", 1.0)]).unwrap_err().code(), "not-estimable");
    // A plan that asks for it has an answer that says so.
    let result = planned(&trial);
    let effect = &result.outcomes[0].effects.between[0];
    assert!(effect.rows.iter().all(|r| r.effect.is_nan() && r.visit.index == 2), "{effect}");
    let text = TrialReport::new(&result).document().to_text(400);
    assert!(text.contains("Score at 6 months: nobody has an analysed observation."), "{text}");
    assert!(text.contains("nobody has an analysed observation at 6 months"), "{text}");
    assert!(result.summary().contains("nobody has an analysed observation at this visit"));
}

#[test]
fn sums_of_sites_and_responses_of_a_joint_model_name_unobserved_arms_too() {
    let trial = without(1);
    let model = Model::formula("y ~ arm * visit").unwrap();
    let frozen: FrozenDesign = model.freeze(&trial.protocol()).unwrap();
    let pooled = model.fit_moments(&TrialMoments::of(&frozen, &trial).unwrap()).unwrap();
    let own = fit(&trial);
    let (a, b) = (pooled.arm_contrasts(&ContrastOptions::default()).unwrap(), own.arm_contrasts(&ContrastOptions::default()).unwrap());
    assert_eq!(pairs(&a), pairs(&b));
    for (a, b) in a.rows.iter().zip(&b.rows) {
        assert_eq!((&a.visit, &a.not_estimable), (&b.visit, &b.not_estimable));
        assert!(a.estimate.estimate.is_nan() || (a.estimate.estimate - b.estimate.estimate).abs() < 1e-8);
    }
    let values: Vec<f64> = trial.outcome("y").unwrap().values.iter().enumerate().map(|(k, y)| 0.5 * y + f64::from((k % 7) as u8)).collect();
    let second = Outcome { name: "z".into(), label: "Z".into(), range: None, values };
    let both = Trial::builder("two outcomes")
        .patients(trial.patients().iter().cloned())
        .arms(ARMS, trial.arm_of().to_vec())
        .schedule(trial.schedule().clone())
        .outcome(trial.outcome("y").unwrap().clone())
        .outcome(second)
        .build()
        .unwrap();
    let joint = JointModel::new([model, Model::formula("z ~ arm * visit").unwrap()]).fit(&both).unwrap();
    let of_y = joint.of("y").unwrap().arm_contrasts(&ContrastOptions::default()).unwrap();
    assert_eq!(pairs(&of_y), pairs(&b));
    assert_eq!(told(&of_y, "B"), 1);
    close(of_y.between("C", "A", "9 months").unwrap().estimate.estimate, raw_mean(&trial, 2, 3) - raw_mean(&trial, 0, 3));
}

/// Labels that read like contrasts, markup, visits or numbers.
const ODD: [[&str; 3]; 4] = [
    ["A", "A - B", "B"],
    ["<b>dose</b>", "\"quoted\", with comma", "& 'single'"],
    ["3 months", "visit", "−5 mg"],
    ["Change, A", "A against B", "arm"],
];

/// The numbers of a table, the labels left out.
fn numbers(table: &dyn Tabular) -> Vec<(String, Vec<String>)> {
    let labels = ["contrast", "arm", "versus", "visit", "reference", "arms", "effect_label"];
    csv_columns(table).into_iter().filter(|(name, _)| !labels.contains(&name.as_str())).collect()
}

#[test]
fn labels_that_read_like_something_else_are_harmless() {
    let plain = planned(&trial_of(&ARMS, VISITS, |_, _| true));
    for arms in ODD {
        let trial = trial_of(&arms, VISITS, |_, _| true);
        let result = planned(&trial);
        let (own, other) = (&result.outcomes[0], &plain.outcomes[0]);
        let tables = |o: &trialstats::analysis::OutcomeResult| -> Vec<Vec<(String, Vec<String>)>> {
            let effects = o.effects.within.iter().chain(&o.effects.between).map(|t| numbers(t));
            let others = [numbers(&o.means), numbers(o.contrasts.as_ref().unwrap()), numbers(o.changes.as_ref().unwrap())];
            effects.chain(others).collect()
        };
        let means = |o: &trialstats::analysis::OutcomeResult| numbers(&o.means)[1..].to_vec();
        assert_eq!(tables(own)[..6], tables(other)[..6], "{arms:?}");
        assert_eq!(means(own), means(other));
        assert_eq!(numbers(own.contrasts.as_ref().unwrap()), numbers(other.contrasts.as_ref().unwrap()));
        for (row, same) in own.effects.between[0].rows.iter().zip(&other.effects.between[0].rows) {
            assert_eq!((row.arm.index, row.effect), (same.arm.index, same.effect));
            assert_eq!((row.arm.as_str(), row.versus.as_deref()), (arms[row.arm.index], Some(arms[0])));
        }
        for (row, same) in result.clustering.as_ref().unwrap().rows.iter().zip(&plain.clustering.as_ref().unwrap().rows) {
            let bits = |r: &ClusterSensitivityRow| (r.estimate.estimate.to_bits(), r.compared.arm().unwrap().index);
            assert_eq!(bits(row), bits(same));
        }
        for (row, same) in result.rates.as_ref().unwrap().rows.iter().zip(&plain.rates.as_ref().unwrap().rows) {
            assert_eq!((row.arm.index, row.met, row.of), (same.arm.index, same.met, same.of));
        }
        // The arm by name and by position is the same arm.
        let mean = own.mean(arms[2], "6 months").unwrap();
        assert_eq!(mean.estimate.estimate, own.means.at(2, 2).unwrap().estimate.estimate);

        let document = TrialReport::new(&result).document();
        let html = document.to_html();
        for markup in ["<b>dose", "\"quoted\", with"] {
            let in_tags = html.split('<').any(|piece| piece.split('>').next().is_some_and(|tag| tag.contains("quoted")));
            assert!(!html.contains(markup) || (markup.starts_with('"') && !in_tags), "{markup} is not escaped");
        }
        for (figure, svg) in document.figures().map(|f| (&f.name, &f.figure.svg)) {
            assert!(!svg.contains("<b>dose"), "{figure}");
        }
        for table in document.tables().filter(|t| t.columns.iter().any(|c| c.name == "arm")) {
            let arm = &csv_columns(table).into_iter().find(|(name, _)| name == "arm").unwrap().1;
            assert!(arm.iter().all(|a| arms.contains(&a.as_str()) || a.is_empty() || a == "all arms"), "{}: {arm:?}", table.title);
        }
        let json: Value = serde_json::from_str(&document.to_json().to_string()).unwrap();
        assert_eq!(json["analysis"]["outcomes"][0]["effects"]["between"][0]["rows"][0]["arm"], arms[1]);
    }
}

#[test]
fn a_difference_that_prints_like_an_arm_is_still_a_difference() {
    let trial = trial_of(&["A", "A - B", "B"], VISITS, |_, _| true);
    let fit = fit(&trial);
    let contrasts = fit.arm_contrasts(&ContrastOptions::default().arms(ArmComparisons::With("B".into())).visits(["9 months"])).unwrap();
    assert_eq!(contrasts.rows.iter().map(|r| r.label()).collect::<Vec<_>>(), ["A - B", "A - B - B"]);
    let table = effects::from_model(&trial, &fit, &contrasts, &EffectOptions::new()).unwrap();
    assert_eq!((table.rows[0].arm.index, table.rows[0].versus.as_ref().map(|v| v.index)), (0, Some(2)));
    close(table.rows[0].difference, raw_mean(&trial, 0, 3) - raw_mean(&trial, 2, 3));
    let change = fit.change_from_baseline(&ContrastOptions::default()).unwrap();
    assert!(matches!(change.change("A - B", "9 months").unwrap().compared, Compared::Change { .. }));
    assert!(change.between("A", "B", "9 months").is_none());
    // Minus signs belong between arms, not into their names.
    assert_eq!(contrasts.rows[1].compared.typeset(), "A - B − B");
}

#[test]
fn labels_that_print_alike_are_found_by_arms_and_not_by_text() {
    let trial = trial_of(&["A", "A - B", "B - C", "C"], VISITS, |_, _| true);
    let contrasts = fit(&trial).arm_contrasts(&ContrastOptions::default().arms(ArmComparisons::Pairwise)).unwrap();
    // "A - B" minus "A" and so on are unique; "B - C" minus "A - B" prints once, as does every other pair here.
    assert!(contrasts.get("C - A", Some("9 months")).is_some());
    let trial = trial_of(&["C", "A", "B - C", "A - B"], VISITS, |_, _| true);
    let all = fit(&trial).arm_contrasts(&ContrastOptions::default().arms(ArmComparisons::Pairwise)).unwrap();
    // Arm "A - B" minus arm "C" prints as arm "A" minus arm "B - C" would.
    assert_eq!(all.between("A - B", "C", "9 months").unwrap().label(), "A - B - C");
    let with = fit(&trial).arm_contrasts(&ContrastOptions::default().arms(ArmComparisons::With("B - C".into()))).unwrap();
    let found = with.between("A", "B - C", "9 months").unwrap();
    assert_eq!(found.label(), "A - B - C");
    close(found.estimate.estimate, raw_mean(&trial, 1, 3) - raw_mean(&trial, 2, 3));
}

#[test]
fn contrasts_of_another_trial_are_refused() {
    let (trial, other) = (trial_of(&ARMS, VISITS, |_, _| true), trial_of(&["C", "B", "A"], VISITS, |_, _| true));
    let fit = fit(&other);
    let contrasts = fit.arm_contrasts(&ContrastOptions::default()).unwrap();
    assert_eq!(effects::from_model(&trial, &fit, &contrasts, &EffectOptions::new()).unwrap_err().code(), "unknown-name");
    let unknown = Difference::between("D", "A", "9 months", &Estimate::new("", 1.0, 1.0, 10.0));
    assert_eq!(effects::from_estimates(&trial, "y", &[unknown], &EffectOptions::new()).unwrap_err().code(), "unknown-name");
    let linear = fit.linear_contrasts(&[LinearContrast::new("A").cell(&[("arm", "A")], 1.0)], &ContrastOptions::default()).unwrap();
    assert_eq!(linear.rows[0].compared, Compared::Linear { name: "A".into() });
    assert_eq!(effects::from_model(&other, &fit, &linear, &EffectOptions::new()).unwrap_err().code(), "not-defined");
}

#[test]
fn a_bootstrap_finds_its_rows_by_arm_and_visit() {
    let trial = without(1);
    let model = Model::formula("y ~ arm * visit").unwrap().covariance(Covariance::CompoundSymmetry);
    // Resamples that come with their rows in another order.
    let table = |t: &Trial, reversed: bool| -> trialstats::Result<EffectSizes> {
        let fit = model.fit(t)?;
        let mut found = effects::from_model(t, &fit, &fit.arm_contrasts(&ContrastOptions::default())?, &EffectOptions::new())?;
        if reversed {
            found.rows.reverse();
        }
        Ok(found)
    };
    let first = std::sync::atomic::AtomicBool::new(true);
    let bootstrap = Bootstrap::new(40, 5);
    let shuffled = bootstrap.effects(&trial, |t| table(t, !first.swap(false, std::sync::atomic::Ordering::SeqCst))).unwrap();
    let plain = bootstrap.effects(&trial, |t| table(t, false)).unwrap();
    for (a, b) in shuffled.rows.iter().zip(&plain.rows) {
        assert_eq!(
            (a.arm.index, a.visit.index, a.lower.to_bits(), a.upper.to_bits()),
            (b.arm.index, b.visit.index, b.lower.to_bits(), b.upper.to_bits())
        );
        assert_eq!(a.lower.is_nan(), a.arm.index == 1);
    }
}

#[test]
fn two_definitions_of_one_name_are_refused() {
    let trial = trial_of(&ARMS, VISITS, |_, _| true);
    let of = |percent: f64| Definition::new("response", Rule::percent_drop("y", percent)).evaluate(&trial).unwrap();
    let options = RateOptions::new([Unobserved::ObservedOnly]);
    for refused in [rates(&[of(20.0), of(50.0)], &options).unwrap_err(), compare(&[of(20.0), of(50.0)], &options).unwrap_err()] {
        assert_eq!(refused.code(), "named-twice");
        assert!(refused.to_string().contains("`response`"), "{refused}");
    }
}
