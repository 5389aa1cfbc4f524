//! Constrained longitudinal analysis (cLDA): nlme::gls and R mmrm on hand-made dummies.

use crate::common::tolerances::{AT_THE_TOP, CRITERIA, GLS, LOG_LIKELIHOOD};
use crate::common::*;
use nalgebra::DMatrix;
use serde_json::Value;
use trialstats::design::{Averaging, Baseline, FactorWeights, MeanModel};
use trialstats::inference::Estimate;
use trialstats::means::{ContrastOptions, MeansOptions};
use trialstats::{Df, Fit, Layout, Model, Trial};

/// cLDA's file: every observation of a case in one column, the baseline among them.
fn trial(case: &Value) -> Trial {
    let arms: Vec<&str> = rows(&case["arms"]).iter().map(text).collect();
    let visits: Vec<&str> = rows(&case["visits"]).iter().map(text).collect();
    let layout = Layout::long("patient", "arm", "visit").arms(arms).visits(visits).baseline_visit("baseline").outcome("y");
    if text(&case["data"]) == "clda_synthetic.csv" {
        return read(&layout, "tests/references/data/clda_synthetic.csv");
    }
    read_text(&layout, "antidepressant with its baseline", &antidepressant_with_baseline())
}

fn antidepressant_with_baseline() -> String {
    let trial = antidepressant();
    let baseline = trial.covariate("BASVAL").expect("the baseline").numbers().expect("a number");
    let outcome = trial.outcome("HAMDTL17").expect("the outcome");
    let mut file = String::from("patient,arm,visit,y\n");
    for (i, patient) in trial.patients().iter().enumerate() {
        let arm = &trial.arms()[trial.arm_of()[i]];
        file += &format!("{patient},{arm},baseline,{}\n", baseline[i]);
        for (t, visit) in trial.schedule().labels().iter().enumerate() {
            if let Some(y) = trial.value(outcome, i, t) {
                file += &format!("{patient},{arm},{visit},{y}\n");
            }
        }
    }
    file
}

fn fit_of(case: &Value, df: Df) -> Fit {
    let mean = MeanModel::parse("y ~ visit + arm:visit").expect("a formula").with_baseline(Baseline::Constrained);
    Model::new(mean).estimation(estimation(case)).df(df).fit(&trial(case)).unwrap_or_else(|e| panic!("{}: {e}", text(&case["id"])))
}

/// Positions of the coefficients of cLDA by hand among ours: intercept and visits, then treatment by visit after
/// baseline.
fn treatment_columns(fit: &Fit, case: &Value) -> Vec<usize> {
    let visits = rows(&case["visits"]).len();
    let fitted: Vec<usize> = (0..fit.beta().len()).filter(|&j| !fit.beta()[j].is_nan()).collect();
    assert_eq!(fitted.len(), 2 * visits - 1, "{:?}", fit.design().columns());
    fitted
}

#[test]
fn constrained_analysis_is_that_of_hand_made_dummies() {
    let cases = reference("clda/clda.json");
    assert_eq!(rows(&cases).len(), 4);
    assert_all(rows(&cases).iter().map(|case| {
        let fit = fit_of(case, Df::Satterthwaite);
        let columns = treatment_columns(&fit, case);
        let ours = fit.coefficients().rows;
        let mut c = Comparison::of(format!("cLDA {}", text(&case["id"])));
        c.same("observations", fit.n_observations() as f64, number(&case["n_obs"]));
        c.same("patients", fit.n_patients() as f64, number(&case["n_subjects"]));
        c.at_least("log-likelihood", fit.log_likelihood(), number(&case["log_lik"]), LOG_LIKELIHOOD);
        c.relative("log-likelihood", fit.log_likelihood(), number(&case["log_lik"]), CRITERIA);
        for (&column, theirs) in columns.iter().zip(rows(&case["coefficients"])) {
            let (label, se) = (text(&theirs["term"]), number(&theirs["se"]));
            c.within(&format!("{label} estimate"), ours[column].estimate, number(&theirs["estimate"]), GLS * se);
            c.relative(&format!("{label} SE"), ours[column].se, se, GLS);
        }
        c
    }));
}

#[test]
fn degrees_of_freedom_of_the_constrained_analysis_are_those_of_mmrm() {
    let cases = reference("clda/clda_mmrm.json");
    assert_eq!(rows(&cases).len(), 4);
    assert_all(rows(&cases).iter().map(|case| {
        let method = text(&case["df_method"]);
        let df = if method == "Satterthwaite" { Df::Satterthwaite } else { Df::KenwardRogerLinear };
        let fit = fit_of(case, df);
        let columns = treatment_columns(&fit, case);
        let ours = fit.coefficients().rows;
        let mut c = Comparison::of(format!("cLDA in mmrm {}, {method}", text(&case["id"])));
        for (&column, theirs) in columns.iter().zip(rows(&case["coefficients"])) {
            let (label, se) = (text(&theirs["term"]), number(&theirs["se"]));
            c.within(&format!("{label} estimate"), ours[column].estimate, number(&theirs["estimate"]), AT_THE_TOP.se * se);
            c.relative(&format!("{label} SE"), ours[column].se, se, AT_THE_TOP.se);
            c.relative(&format!("{label} df"), ours[column].df, number(&theirs["df"]), AT_THE_TOP.df);
        }
        let treated = &columns[rows(&case["visits"]).len()..];
        let l = DMatrix::from_fn(treated.len(), fit.beta().len(), |r, j| f64::from(u8::from(treated[r] == j)));
        let test = fit.f_test("treatment", &l).expect("a test");
        let expected = &case["treatment_test"];
        c.same("numerator df", test.num_df, number(&expected["num_df"]));
        c.relative("F", test.f, number(&expected["f"]), AT_THE_TOP.derived);
        c.relative("denominator df", test.denom_df, number(&expected["denom_df"]), AT_THE_TOP.df);
        c
    }));
}

/// A mean, change or contrast against its row of the reference.
fn close(c: &mut Comparison, what: &str, ours: &Estimate, theirs: &Value) {
    let se = number(&theirs["se"]);
    c.within(&format!("{what}: estimate"), ours.estimate, number(&theirs["estimate"]), GLS * se);
    c.relative(&format!("{what}: SE"), ours.se, se, GLS);
}

fn compare_means(c: &mut Comparison, fit: &Fit, case: &Value) {
    for theirs in rows(&case["means"]) {
        let weights = text(&theirs["weights"]);
        let factors = if weights == "equal" { FactorWeights::Equal } else { FactorWeights::Proportional };
        let options = MeansOptions { averaging: Averaging::weights(factors), ..MeansOptions::default() };
        let visit = text(&theirs["visit"]);
        let (names, levels) = match theirs["arm"].as_str() {
            Some(arm) => (vec!["arm", "visit"], vec![arm, visit]),
            None => (vec!["visit"], vec![visit]),
        };
        let means = fit.marginal_means(&names, &options).expect("means");
        close(c, &format!("{weights} weights, {levels:?}"), &means.get(&levels).expect("a row").estimate, theirs);
    }
}

fn compare_arms(c: &mut Comparison, fit: &Fit, case: &Value, reference: &str) {
    let changes = fit.change_from_baseline(&ContrastOptions::default()).expect("changes");
    c.same("changes", changes.rows.len(), rows(&case["changes"]).len());
    for theirs in rows(&case["changes"]) {
        let (arm, visit) = (text(&theirs["arm"]), text(&theirs["visit"]));
        close(c, &format!("change of {arm} at {visit}"), &changes.get(arm, Some(visit)).expect("a change").estimate, theirs);
    }
    let contrasts = fit.arm_contrasts(&ContrastOptions::default()).expect("contrasts");
    c.same("contrasts", contrasts.rows.len(), rows(&case["contrasts"]).len());
    for theirs in rows(&case["contrasts"]) {
        let (arm, visit) = (text(&theirs["arm"]), text(&theirs["visit"]));
        let ours = contrasts.get(&format!("{arm} - {reference}"), Some(visit)).expect("a contrast");
        close(c, &format!("{arm} against {reference} at {visit}"), &ours.estimate, theirs);
    }
}

/// One effect of treatment at all visits, no arm at all, three arms, covariates that change by visit and an effect
/// that depends on one: whatever the mean model, before treatment all arms are the reference.
#[test]
fn arms_are_the_reference_before_treatment_in_every_mean_model() {
    let cases = reference("clda/clda_means.json");
    assert_eq!(rows(&cases).len(), 5);
    assert_all(rows(&cases).iter().map(|case| {
        let mean = MeanModel::parse(text(&case["formula"])).expect("a formula").constrained_baseline();
        let two_arms = number(&case["n_subjects"]) == 60.0;
        let (trial, reference) =
            if two_arms { (clda(), "control") } else { (read(&three_arms_layout().baseline_visit("v1"), THREE_ARMS), "A") };
        let fit = Model::new(mean).df(Df::Satterthwaite).fit(&trial).expect("fits");
        let mut c = Comparison::of(text(&case["id"]));
        c.same("observations", fit.n_observations() as f64, number(&case["n_obs"]));
        c.same("patients", fit.n_patients() as f64, number(&case["n_subjects"]));
        c.same("coefficients", fit.rank() as f64, number(&case["n_coefficients"]));
        c.at_least("log-likelihood", fit.log_likelihood(), number(&case["log_lik"]), LOG_LIKELIHOOD);
        c.relative("log-likelihood", fit.log_likelihood(), number(&case["log_lik"]), CRITERIA);
        compare_means(&mut c, &fit, case);
        if !rows(&case["contrasts"]).is_empty() {
            compare_arms(&mut c, &fit, case, reference);
        }
        c
    }));
}
