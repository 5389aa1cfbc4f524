//! The numbers of the page `guide::differences` that no other test holds: ours beside a peer's that differs, both as
//! stated there.

use crate::common::tolerances::{AS_GIVEN, CRITERIA, IDENTITY, SAS, SAS_LOG_LIKELIHOOD};
use crate::common::*;
use nalgebra::DMatrix;
use trialstats::covariance::Covariance;
use trialstats::inference::{ParameterCount, PredictionOptions};
use trialstats::means::Basis;
use trialstats::{Df, Error, Estimation, Fit, Layout, Model, Trial};

const FORMULA: &str = "FEV1 ~ RACE + SEX + ARMCD * AVISIT";

fn differences() -> serde_json::Value {
    reference("differences/differences.json")
}

fn model() -> Model {
    Model::formula(FORMULA).expect("a formula")
}

fn fit(model: Model) -> Fit {
    model.fit(&fev()).expect("a fit")
}

/// fev_data with every line but the header passed through `change`.
fn fev_changed(visits: [&str; 4], change: impl Fn(&str) -> String) -> Trial {
    let csv = contents(FEV);
    let lines: Vec<String> = csv.lines().enumerate().map(|(i, l)| if i == 0 { l.into() } else { change(l) }).collect();
    let layout =
        Layout::long("USUBJID", "ARMCD", "AVISIT").visits(visits).outcome("FEV1").covariate("RACE").factor("SEX", ["Male", "Female"]);
    layout.read_csv_from("fev_data, changed", lines.join("\n").as_bytes()).expect("a trial")
}

#[test]
fn one_hypothesis_has_as_many_degrees_of_freedom_as_bases() {
    let (theirs, fit) = (differences(), fit(model()));
    let theirs = &theirs["interaction"];
    // Rows: visits 2 to 4 minus the first; the deviation of visit v from the mean of the four is that of v less the
    // mean of all.
    let p = fit.beta().len();
    let deviations = |from: usize| DMatrix::from_fn(3, p, |r, c| if c < p - 3 { 0.0 } else { f64::from(c + 4 - p == r + from) - 0.25 });
    let tests = [
        ("first", fit.arm_by_visit_test().expect("a test")),
        ("orthonormal", fit.arm_by_visit_test_in(Basis::Orthonormal).expect("a test")),
        ("first_three_from_mean", fit.f_test("from the mean", &deviations(0)).expect("a test")),
        ("last_three_from_mean", fit.f_test("from the mean", &deviations(1)).expect("a test")),
        ("anova_iii", fit.f_test("from the mean", &deviations(0)).expect("a test")),
    ];
    let mut c = Comparison::of("arm by visit");
    for (name, ours) in &tests {
        c.relative(&format!("F, {name}"), ours.f, number(&theirs[name]["f"]), AS_GIVEN.derived);
        c.relative(&format!("df, {name}"), ours.denom_df, number(&theirs[name]["denom_df"]), AS_GIVEN.df);
    }
    assert_all([c]);
}

#[test]
fn the_linear_adjustment_is_that_of_the_paired_t_test_and_mmrms_default_is_not() {
    let theirs = differences();
    let trial = sleep();
    let se = |df: Df| Model::formula("extra ~ visit").expect("a formula").df(df).fit(&trial).expect("a fit").coefficients().rows[1].se;
    let mut c = Comparison::of("sleep");
    c.relative("SE, paired t test", se(Df::KenwardRoger), number(&theirs["paired_t_se"]), IDENTITY);
    c.relative("SE, mmrm linear", se(Df::KenwardRogerLinear), number(&theirs["sleep_se"]["Kenward-Roger-Linear"]), AS_GIVEN.se);
    assert_all([c]);
    assert!((se(Df::KenwardRoger) / number(&theirs["sleep_se"]["Kenward-Roger"]) - 1.0).abs() > 0.1);
}

#[test]
fn visits_never_seen_together_are_refused_where_mmrm_fills_a_number_in() {
    let number_of = |line: &str| line[3..].split('"').next().and_then(|n| n.parse::<usize>().ok()).expect("PT1, PT2, …");
    let trial = fev_changed(["VIS1", "VIS2", "VIS3", "VIS4"], |line| {
        let gone = if number_of(line) % 2 == 1 { "\"VIS3\"" } else { "\"VIS4\"" };
        let mut fields: Vec<&str> = line.split(',').collect();
        if fields[1] == gone {
            fields[6] = "NA";
        }
        fields.join(",")
    });
    assert_eq!(differences()["never_together"]["convergence"], 0);
    let error = model().fit(&trial).expect_err("not identified");
    assert!(matches!(error, Error::Fit(_)) && error.code() == "covariance-not-identified", "{error}");
    assert!(error.to_string().contains("covariance VIS3, VIS4"), "{error}");
}

#[test]
fn visits_stand_in_the_order_of_the_schedule() {
    let theirs = differences();
    let mut c = Comparison::of("AR(1)");
    let labels = ["week 2", "week 4", "week 8", "week 12"];
    for (name, order) in [("schedule", labels), ("alphabet", ["week 12", "week 2", "week 4", "week 8"])] {
        let trial = fev_changed(order, |line| {
            let of_visit = |l: String, v: usize| l.replace(&format!("\"VIS{}\"", v + 1), &format!("\"{}\"", labels[v]));
            (0..4).fold(line.to_string(), of_visit)
        });
        let fit = model().covariance(Covariance::Autoregressive).fit(&trial).expect("a fit");
        let sigma = &fit.covariances()[0].sigma;
        let expected = &theirs["order_of_visits"][name];
        c.relative(&format!("-2 log-likelihood, {name}"), -2.0 * fit.log_likelihood(), number(&expected["minus_two_log_lik"]), 1e-9);
        c.within(&format!("correlation, {name}"), sigma[(0, 1)] / sigma[(0, 0)], number(&expected["correlation"]), 1e-4);
    }
    assert_all([c]);
}

#[test]
fn the_standard_error_of_a_mean_is_the_root_of_what_mmrm_calls_one() {
    let (theirs, fit) = (differences(), fit(model()));
    let theirs = &theirs["prediction"];
    let predictions = fit.predictions(&fev(), &PredictionOptions::marginal()).expect("predictions");
    let is = |p: &&trialstats::inference::Prediction| p.patient == text(&theirs["patient"]) && p.visit == text(&theirs["visit"]);
    let ours = predictions.rows.iter().find(is).expect("the row");
    let mut c = Comparison::of("prediction");
    c.relative("variance of the mean", ours.se_mean.powi(2), number(&theirs["variance_of_mean"]), AS_GIVEN.se);
    c.relative("mmrm's se", ours.se_mean.powi(2), number(&theirs["confidence"]["se"]), AS_GIVEN.se);
    assert_all([c]);
    // mmrm's interval: the variance for the standard error, and the quantile 1 − level/2 = 0.525 for 0.975.
    let half = 0.5 * (number(&theirs["confidence"]["upr"]) - number(&theirs["confidence"]["lwr"]));
    assert!((half / ours.se_mean.powi(2) - 0.062_706_777_943_213_85).abs() < 1e-6, "{half}");
    let ends = ours.mean_upper - ours.mean_lower;
    assert!(ends > 30.0 * 2.0 * half, "{ends}");
    // mmrm's draws of θ add their spread; 1000 of them leave 0.2% of noise.
    for theirs in theirs["prediction_se_five_times"].as_array().expect("five") {
        let excess = number(theirs) / ours.se_prediction - 1.0;
        assert!(excess > 0.0 && excess < 0.006, "{excess}");
    }
}

#[test]
fn information_criteria_count_as_said() {
    let (theirs, fit) = (differences(), fit(model().covariance(Covariance::CompoundSymmetry)));
    let all = fit.information_criteria(ParameterCount::All);
    let (k, log) = (13.0, f64::ln);
    let mut c = Comparison::of("criteria");
    let of = |program: &str, what: &str| number(&theirs["criteria"][program][what]);
    c.relative("log-likelihood, mmrm", fit.log_likelihood(), of("mmrm", "log_lik"), CRITERIA);
    c.relative("log-likelihood, lme4", fit.log_likelihood(), of("lme4", "log_lik"), CRITERIA);
    c.relative("AIC, mmrm", fit.aic(), of("mmrm", "aic"), CRITERIA);
    c.relative("BIC, mmrm", fit.bic(), of("mmrm", "bic"), CRITERIA);
    c.relative("AIC, lme4", all.aic, of("lme4", "aic"), CRITERIA);
    // Patients are 197, observations 537; nlme takes the 11 coefficients from them.
    c.relative("BIC, lme4", all.bic + k * (log(537.0) - log(197.0)), of("lme4", "bic"), CRITERIA);
    c.relative("BIC, nlme", all.bic + k * (log(526.0) - log(197.0)), of("nlme", "bic"), 1e-11);
    assert_all([c]);
}

#[test]
fn gls_enlarges_its_covariance_under_maximum_likelihood() {
    let theirs = differences();
    let ml = fit(model().covariance(Covariance::CompoundSymmetry).estimation(Estimation::Ml));
    let ratio = ml.n_observations() as f64 / (ml.n_observations() - ml.rank()) as f64;
    let mut c = Comparison::of("gls");
    c.relative("N/(N - p)", ratio, number(&theirs["gls_ml"]["ratio_of_variances"]), 1e-5);
    assert_all([c]);
}

#[test]
fn sas_finds_our_weighted_fit_and_other_degrees_of_freedom() {
    let csv = contents("tests/references/sas/weighted.csv");
    let fit = fit(model().weights("WEIGHT"));
    let coefficients = fit.coefficients();
    let mut c = Comparison::of("weights");
    for (line, name) in csv.lines().skip(1).zip(["RACEBlack or African American", "RACEWhite", "SEXFemale"]) {
        let fields: Vec<&str> = line.split(',').collect();
        let theirs: Vec<f64> = fields[1..].iter().map(|f| f.parse().expect("a number")).collect();
        let ours = coefficients.rows.iter().find(|r| r.label == name).expect("the coefficient");
        c.same("coefficient", fields[0], name);
        // Half the last digit printed, and what SAS's early stop leaves.
        c.within(&format!("{name}, estimate"), ours.estimate, theirs[0], 0.5e-4 + SAS * ours.se);
        c.within(&format!("{name}, SE"), ours.se, theirs[1], 0.5e-4 + SAS * ours.se);
        c.same(&format!("{name}, SAS's df beyond twice the patients"), theirs[2] > 2.0 * fit.n_patients() as f64, true);
        c.same(&format!("{name}, df within the patients"), ours.df < fit.n_patients() as f64, true);
        // SAS stops within 5e-6 of the top.
        c.within("-2 log-likelihood", -2.0 * fit.log_likelihood(), theirs[3], 5e-6);
        c.at_least("log-likelihood", fit.log_likelihood(), -0.5 * theirs[3], SAS_LOG_LIKELIHOOD);
    }
    assert_all([c]);
}
