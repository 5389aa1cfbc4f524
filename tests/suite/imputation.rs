//! Reference-based imputation: published values, definitions, exact identities.

use crate::common::tolerances::IDENTITY;
use crate::common::{ANTIDEPRESSANT, reference, repository};
use trialstats::imputation::{Delta, Events, ImputedTable, ReferenceBased, Strategy, Variance};
use trialstats::{Error, Fit, Layout, Model, Trial};

/// The antidepressant trial, the drug first as rbmi has it.
fn antidepressant() -> Trial {
    let layout =
        Layout::long("PATIENT", "THERAPY", "VISIT").arms(["DRUG", "PLACEBO"]).outcome("CHANGE").covariate("BASVAL").covariate("GENDER");
    layout.read_csv(repository(ANTIDEPRESSANT)).expect("the sample")
}

fn fitted(trial: &Trial) -> Fit {
    Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT").and_then(|m| m.fit(trial)).expect("a fit")
}

fn j2r() -> ReferenceBased {
    ReferenceBased::new(Strategy::JumpToReference).reference("PLACEBO").covariates(["BASVAL"])
}

fn imputed(fit: &Fit, trial: &Trial, plan: &ReferenceBased) -> ImputedTable {
    fit.reference_based(trial, plan).unwrap_or_else(|error| panic!("{error}"))
}

fn estimates(table: &ImputedTable) -> Vec<f64> {
    table.rows.iter().map(|r| r.estimate).collect()
}

fn near(here: &[f64], there: &[f64], tolerance: f64) {
    assert_eq!(here.len(), there.len());
    for (a, b) in here.iter().zip(there) {
        assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{here:?} against {there:?}");
    }
}

/// rbmi 1.x, conditional mean imputation with the jackknife: the values that the library set out to reproduce, printed to
/// six decimals; rbmi's REML fit stops early by some 1e-6.
#[test]
fn jump_to_reference_with_the_jackknife_gives_the_published_values() {
    let trial = antidepressant();
    let table = imputed(&fitted(&trial), &trial, &j2r());
    let differences: Vec<(f64, f64)> = table.differences().map(|r| (r.estimate, r.se)).collect();
    let published = [(-0.091806, 0.694598), (1.305433, 0.878266), (1.928993, 0.862330), (2.125580, 0.858135)];
    for (here, there) in differences.iter().zip(published) {
        assert!((here.0 - there.0).abs() < 2e-6 && (here.1 - there.1).abs() < 2e-6, "{differences:?}");
    }
    let last: Vec<(f64, f64)> = table.means().rev().take(2).map(|r| (r.estimate, r.se)).collect();
    for (here, there) in last.iter().zip([(-4.839068, 0.761946), (-6.964648, 0.684949)]) {
        assert!((here.0 - there.0).abs() < 2e-6 && (here.1 - there.1).abs() < 2e-6, "{last:?}");
    }
    let row = table.differences().next_back().expect("a row");
    assert_eq!((row.label().as_str(), row.visit.label.as_str(), row.imputed), ("PLACEBO - DRUG", "7", 43));
    assert_eq!(trialstats::table::Tabular::title(&table), "CHANGE with missing values imputed: jump to reference");
}

/// R, the strategies patient by patient with explicit matrices: estimates by conditional means, and standard errors by Rubin's
/// rules over 4,000 drawn imputations, whose limit the closed form is. A drawn standard error may be four of its own away.
#[test]
fn every_strategy_is_that_of_its_definition_in_r() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let numbers = |case: &serde_json::Value, field: &str| -> Vec<f64> {
        case[field].as_array().expect("numbers").iter().map(|x| x.as_f64().expect("a number")).collect()
    };
    let cases = reference("imputation/imputation.json");
    for case in cases.as_array().expect("cases") {
        let strategy: Strategy = case["strategy"].as_str().expect("a name").parse().expect("a strategy");
        let plan = ReferenceBased::new(strategy).reference("PLACEBO").covariates(["BASVAL"]).variance(Variance::InformationAnchored);
        let table = imputed(&fit, &trial, &plan);
        // R has DRUG - PLACEBO.
        let here: Vec<f64> = table.differences().map(|r| -r.estimate).collect();
        near(&here, &numbers(case, "estimate"), 1e-7);
        let (drawn, error) = (numbers(case, "rubin_se"), numbers(case, "monte_carlo"));
        for ((row, drawn), error) in table.differences().zip(drawn).zip(error) {
            let away = (row.se / drawn - 1.0).abs();
            assert!(away <= 4.0 * error + 1e-6, "{strategy}, {}: {} against {drawn}", row.visit.label, row.se);
        }
    }
    assert_eq!(cases.as_array().map(Vec::len), Some(6));
}

/// Rubin's standard error of the same analysis is about 1.12; the frequentist ones are those of the jackknife to the order
/// that n = 172 allows.
#[test]
fn the_closed_forms_say_what_they_are() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let of = |variance| imputed(&fit, &trial, &j2r().variance(variance));
    let (anchored, delta, jackknife) = (of(Variance::InformationAnchored), of(Variance::DeltaMethod), of(Variance::Jackknife));
    near(&estimates(&anchored), &estimates(&jackknife), IDENTITY);
    let last = |table: &ImputedTable| table.differences().next_back().map(|r| r.se).expect("a row");
    assert!((last(&anchored) - 1.12).abs() < 0.01, "{}", last(&anchored));
    // Means move with the mean covariates in repetitions, which the delta method takes as given.
    for (d, j) in delta.differences().zip(jackknife.differences()) {
        assert!((d.se / j.se - 1.0).abs() < 0.08, "{}: {} against {}", d.label(), d.se, j.se);
    }
    assert!(last(&delta) < 0.8 * last(&anchored));
}

/// Under missing at random the imputed analysis is that of the mixed model with the same covariates: ANCOVA of conditional
/// means at each visit, when every covariate interacts with the visit.
#[test]
fn missing_at_random_is_the_mixed_model() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let plan = ReferenceBased::new(Strategy::Mar).covariates(["BASVAL"]);
    let table = imputed(&fit, &trial, &plan);
    let contrasts = fit.arm_contrasts(&Default::default()).expect("contrasts");
    let here: Vec<f64> = table.differences().map(|r| r.estimate).collect();
    let there: Vec<f64> = contrasts.rows.iter().map(|r| r.estimate.estimate).collect();
    near(&here, &there, 1e-9);
    // And by the delta method its standard error is the model's without a small-sample adjustment.
    let model = Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT").expect("a formula").df(trialstats::Df::Satterthwaite);
    let contrasts = model.fit(&trial).and_then(|fit| fit.arm_contrasts(&Default::default())).expect("contrasts");
    let table = imputed(&fit, &trial, &plan.variance(Variance::DeltaMethod));
    for (here, there) in table.differences().zip(&contrasts.rows) {
        // What is left is of second order: how conditional means depend on the covariance with β held.
        assert!((here.se / there.estimate.se - 1.0).abs() < 1e-3, "{} against {}", here.se, there.estimate.se);
    }
}

#[test]
fn identities_between_strategies_hold() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let of = |plan: ReferenceBased| estimates(&imputed(&fit, &trial, &plan.covariates(["BASVAL"]).variance(Variance::InformationAnchored)));
    let new = |strategy| ReferenceBased::new(strategy).reference("PLACEBO");
    let mar = of(new(Strategy::Mar));
    near(&of(new(Strategy::Causal { kept: 1.0, fading: 1.0 })), &of(new(Strategy::CopyIncrements)), IDENTITY);
    near(&of(new(Strategy::Causal { kept: 0.0, fading: 1.0 })), &of(new(Strategy::JumpToReference)), IDENTITY);
    near(&of(new(Strategy::Mar).delta(Delta::by_visit([0.0; 4]))), &mar, IDENTITY);
    // Each arm its own reference: nothing is borrowed.
    for strategy in [Strategy::JumpToReference, Strategy::CopyReference, Strategy::CopyIncrements] {
        let own = ReferenceBased::new(strategy).reference_of("DRUG", "DRUG").reference_of("PLACEBO", "PLACEBO");
        near(&of(own), &mar, IDENTITY);
    }
    // The reference arm's mean is that under missing at random.
    let jump = of(new(Strategy::JumpToReference));
    for visit in 0..4 {
        near(&[jump[3 * visit + 1]], &[mar[3 * visit + 1]], 0.02);
    }
    // A delta of one is the share of patients with an imputed value, as ANCOVA weighs them.
    let shifted = of(new(Strategy::Mar).delta(Delta::by_visit([1.0; 4]).in_arms(["DRUG"])));
    assert!(shifted[9] - mar[9] > 0.1 && shifted[9] - mar[9] < 0.4);
}

/// Without a missing value every strategy is the ANCOVA of the data, and Rubin's variance is its own.
#[test]
fn complete_data_are_analysed_as_they_are() {
    let whole = antidepressant();
    let outcome = whole.outcome("CHANGE").expect("the outcome");
    let complete: Vec<usize> =
        (0..whole.patients().len()).filter(|&i| (0..4).all(|t| whole.value(outcome, i, t).is_some_and(|y| !y.is_nan()))).collect();
    let trial = whole.part(&complete).expect("a part");
    let fit = fitted(&trial);
    let table = imputed(&fit, &trial, &j2r().variance(Variance::InformationAnchored));
    let plain = imputed(&fit, &trial, &ReferenceBased::new(Strategy::Mar).covariates(["BASVAL"]));
    near(&estimates(&table), &estimates(&plain), IDENTITY);
    for (visit, row) in table.differences().enumerate() {
        let one = Model::formula("CHANGE ~ THERAPY + BASVAL").expect("a formula").visits([row.visit.label.as_str()]);
        let one = one.fit(&trial).expect("one visit");
        let ancova = &one.coefficients().rows[1];
        assert!(
            (row.estimate - ancova.estimate).abs() < 1e-9 && (row.se / ancova.se - 1.0).abs() < 1e-9,
            "visit {visit}: {row:?} {ancova:?}"
        );
        assert_eq!(row.imputed, 0);
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let table = pool.install(|| imputed(&fit, &trial, &j2r()));
        table.rows.iter().map(|r| (r.estimate.to_bits(), r.se.to_bits())).collect::<Vec<_>>()
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn events_are_dropout_unless_stated() {
    let trial = antidepressant();
    let dropout = Events::dropout(&trial, "CHANGE").expect("events");
    assert_eq!(dropout.count(), 43);
    let fit = fitted(&trial);
    let stated: Vec<(String, &str)> = dropout
        .first_after()
        .iter()
        .zip(trial.patients())
        .filter_map(|(at, patient)| Some((patient.clone(), trial.schedule().labels()[(*at)?])))
        .collect();
    let stated = Events::at(&trial, stated).expect("the same events");
    near(&estimates(&imputed(&fit, &trial, &j2r().events(stated))), &estimates(&imputed(&fit, &trial, &j2r())), 0.0);
    let nobody = Events::at(&trial, Vec::<(&str, &str)>::new()).expect("no event");
    let plain = imputed(&fit, &trial, &ReferenceBased::new(Strategy::Mar).covariates(["BASVAL"]));
    near(&estimates(&imputed(&fit, &trial, &j2r().events(nobody))), &estimates(&plain), IDENTITY);
    let refused = Events::at(&trial, [("nobody", "5")]).expect_err("no such patient");
    assert!(matches!(refused, Error::Unknown { .. }), "{refused}");
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let refused = |plan: &ReferenceBased| fit.reference_based(&trial, plan).expect_err("it makes no sense").to_string();
    assert!(refused(&ReferenceBased::new(Strategy::JumpToReference).reference("PLACEBOO")).contains("did you mean `PLACEBO`"));
    assert!(refused(&j2r().covariates(["BASVL"])).contains("did you mean `BASVAL`"));
    assert!(refused(&j2r().delta(Delta::by_visit([1.0]))).contains("there is 1 amount, and 4 visits are analysed"));
    assert!(refused(&j2r().delta(Delta::by_visit([f64::NAN; 4]))).contains("finite"));
    assert!(refused(&j2r().level(95.0)).contains("level"));
    assert!(refused(&j2r().covariates(["BASVAL", "BASVAL"])).contains("determine one another"));
    let clustered = Model::formula("CHANGE ~ THERAPY * VISIT + (1 | PATIENT)").and_then(|m| m.fit(&trial));
    if let Ok(fit) = clustered {
        assert!(fit.reference_based(&trial, &j2r()).expect_err("random effects").to_string().contains("random effects"));
    }
}

/// Three arms, a factor among the covariates, a covariance of its own per arm: every arm finds its reference.
#[test]
fn three_arms_and_a_covariance_per_arm() {
    use trialstats::simulate::Gaussian;
    let trial = Gaussian::new(["before", "mid", "after"])
        .arm("A", 40, [5.0, 5.0, 5.0])
        .arm("B", 40, [5.0, 4.0, 3.0])
        .arm("C", 40, [5.0, 4.0, 2.0])
        .trial(3, 0)
        .expect("a trial");
    let outcome = trial.outcome("y").expect("the outcome").values.clone();
    let values: Vec<f64> = outcome.iter().enumerate().map(|(k, y)| if k % 3 == 2 && (k / 3) % 5 == 0 { f64::NAN } else { *y }).collect();
    let trial = trial.with_outcome("y", values).expect("values");
    let fit = Model::formula("y ~ arm * visit").expect("a formula").covariance_by("arm").fit(&trial).expect("a fit");
    let table = imputed(&fit, &trial, &ReferenceBased::new(Strategy::JumpToReference));
    let labels: Vec<String> = table.differences().rev().take(2).map(|r| r.label()).collect();
    assert_eq!(labels, ["C - A", "B - A"]);
    let mar = imputed(&fit, &trial, &ReferenceBased::new(Strategy::Mar));
    let last = |table: &ImputedTable| table.differences().rev().take(2).map(|r| r.estimate).collect::<Vec<_>>();
    // A fifth of the patients jump back to A, whose mean is higher.
    assert!(last(&table).iter().zip(last(&mar)).all(|(jump, mar)| jump.abs() < mar.abs()), "{table}{mar}");
}

/// Every point of the grid is the imputed analysis with that delta, and where the interval touches zero p is 1 − level.
#[test]
fn the_tipping_point_is_where_the_analysis_turns() {
    let trial = antidepressant();
    let fit = fitted(&trial);
    let plan = ReferenceBased::new(Strategy::Mar).covariates(["BASVAL"]);
    let grid = |arm: &[f64], versus: &[f64]| {
        fit.tipping_point(&trial, &plan, ("PLACEBO", "DRUG"), "7", arm, versus).unwrap_or_else(|error| panic!("{error}"))
    };
    let table = grid(&[-3.0, 0.0, 2.5], &[0.0, 4.0]);
    assert_eq!(table.rows.len(), 6);
    for row in &table.rows {
        // One amount per call: first that of one arm, then that of the other on top of the difference.
        let delta = |arm: &str, amount: f64| plan.clone().delta(Delta::by_visit([0.0, 0.0, 0.0, amount]).in_arms([arm]));
        if row.versus == 0.0 {
            let direct = imputed(&fit, &trial, &delta("PLACEBO", row.arm));
            let last = direct.differences().next_back().expect("a row");
            near(&[row.estimate, row.se], &[last.estimate, last.se], 1e-9);
        } else if row.arm == 0.0 {
            let direct = imputed(&fit, &trial, &delta("DRUG", row.versus));
            let last = direct.differences().next_back().expect("a row");
            near(&[row.estimate, row.se], &[last.estimate, last.se], 1e-9);
        }
    }
    for turn in &table.turns {
        let at = turn.arm.expect("it turns");
        let there = grid(&[at], &[turn.versus]).rows[0];
        assert!((there.p - 0.05).abs() < 1e-9, "{there:?}");
    }
    assert!(table.sentence().contains("touches zero when"), "{}", table.sentence());
    let said = table.sentence_of("HAMD-17", "visit 7");
    assert!(said.starts_with("HAMD-17 at visit 7: the 95% confidence interval of PLACEBO - DRUG touches zero"), "{said}");
    let refused = fit.tipping_point(&trial, &plan, ("DRUG", "DRUG"), "7", &[0.0], &[0.0]).expect_err("one arm");
    assert!(refused.to_string().contains("compared with itself"), "{refused}");
    let refused = fit.tipping_point(&trial, &plan, ("DRUG", "PLACEBO"), "9", &[0.0], &[0.0]).expect_err("no such visit");
    assert!(refused.to_string().contains("no analysed visit"), "{refused}");
}

/// An arm of one patient has means that follow from the model, and no error; an arm called `A - B` is harmless.
#[test]
fn an_arm_of_one_patient_has_no_standard_error() {
    let mut csv = String::from("id,arm,visit,y\n");
    for patient in 0..21 {
        let arm = if patient == 20 { "alone" } else { ["A - B", "C"][patient % 2] };
        for visit in 0..if patient % 7 == 6 || patient == 20 { 1 } else { 3 } {
            csv += &format!("{patient},{arm},{visit},{}\n", (patient * patient * 7 + visit * 13 * (patient + 1)) % 17);
        }
    }
    let trial =
        Layout::long("id", "arm", "visit").outcome("y").reference_arm("A - B").read_csv_from("one.csv", csv.as_bytes()).expect("a trial");
    let fit = Model::formula("y ~ arm * visit").and_then(|model| model.fit(&trial)).expect("a fit");
    let plan = ReferenceBased::new(Strategy::JumpToReference).reference("A - B");
    for variance in [Variance::Jackknife, Variance::InformationAnchored] {
        let table = imputed(&fit, &trial, &plan.clone().variance(variance));
        for row in &table.rows {
            let alone = row.arm.as_ref() == "alone";
            assert!(row.estimate.is_finite() && row.se.is_nan() == alone && row.p.is_nan() == alone, "{row:?}");
        }
        assert!(table.notes.iter().any(|note| note.starts_with("alone has one patient")), "{:?}", table.notes);
    }
}
