//! Estimates that nothing here has fitted: coefficients and covariances out of files and formulas get everything that a
//! fit of the library gets.

use crate::common::*;
use serde_json::Value;
use trialstats::design::{Design, DesignOptions};
use trialstats::effects::{self, Denominator, EffectOptions, IntervalMethod, Positive};
use trialstats::estimates::{Given, Link};
use trialstats::means::{Adjustment, Better, ContrastOptions, LinearContrast, Margin, TestType};
use trialstats::nalgebra::DMatrix;
use trialstats::trial::{BaselineFrom, Schedule};
use trialstats::{Error, Estimates, MeanModel, Means, Tabular};

/// Sums of products of printed coefficients, which have 15 digits.
const PRINTED: f64 = 1e-11;

fn numbers(rows: &Value, field: &str) -> Vec<f64> {
    rows.as_array().unwrap().iter().map(|row| row[field].as_f64().unwrap()).collect()
}

/// What R mmrm has printed of a fit, as estimates.
fn mmrm() -> (Value, Given) {
    let printed = reference("mmrm/fev_us_reml_satterthwaite.json");
    let design =
        Design::build(&fev(), &MeanModel::parse("FEV1 ~ RACE + SEX + ARMCD * AVISIT").unwrap(), &DesignOptions::default()).unwrap();
    let vcov: Vec<Vec<f64>> = serde_json::from_value(printed["vcov"].clone()).unwrap();
    let vcov = DMatrix::from_fn(vcov.len(), vcov.len(), |a, b| vcov[a][b]);
    let given = Given::new(&design, numbers(&printed["coefficients"], "estimate"), vcov).unwrap();
    (printed, given.note("Printed by R mmrm."))
}

#[test]
fn coefficients_from_a_file_have_the_means_and_contrasts_of_the_program_that_wrote_it() {
    let (printed, given) = mmrm();
    let mut c = Comparison::of("mmrm's coefficients");
    let means = given.means_by_visit().unwrap();
    for theirs in printed["marginal_means"].as_array().unwrap() {
        let ours = means.get(&[theirs["arm"].as_str().unwrap(), theirs["visit"].as_str().unwrap()]).unwrap();
        c.relative("mean", ours.estimate.estimate, theirs["estimate"].as_f64().unwrap(), PRINTED);
        c.relative("SE", ours.estimate.se, theirs["se"].as_f64().unwrap(), PRINTED);
    }
    // Holm's adjustment multiplies the smallest p by the number of rows.
    let contrasts = given.arm_contrasts(&ContrastOptions::default().adjustment(Adjustment::Holm)).unwrap();
    for theirs in printed["contrasts"].as_array().unwrap() {
        let ours = contrasts.get(theirs["contrast"].as_str().unwrap(), theirs["visit"].as_str()).unwrap();
        c.relative("difference", ours.estimate.estimate, theirs["estimate"].as_f64().unwrap(), PRINTED);
        c.relative("SE", ours.estimate.se, theirs["se"].as_f64().unwrap(), PRINTED);
    }
    let smallest = contrasts.rows.iter().map(|r| r.estimate.p).fold(1.0, f64::min);
    c.relative("Holm", contrasts.rows.iter().map(|r| r.p_adjusted).fold(1.0, f64::min), 4.0 * smallest, 1e-14);
    let test = given.arm_by_visit_test().unwrap();
    c.relative("F", test.f, printed["interaction_test"]["f"].as_f64().unwrap(), 1e-9);
    c.same("df", (test.num_df, test.denom_df), (3.0, f64::INFINITY));
    let df = given.clone().df(147.91137735936).unwrap();
    c.relative("p", df.arm_by_visit_test().unwrap().p, printed["interaction_test"]["p"].as_f64().unwrap(), 1e-9);
    assert_all([c]);
    assert!(contrasts.to_string().contains("Printed by R mmrm."), "{contrasts}");
}

#[test]
fn coefficients_from_a_file_have_effect_sizes_margins_and_tests_of_terms() {
    let (printed, given) = mmrm();
    let trial = fev();
    let contrasts = given.arm_contrasts(&ContrastOptions::default()).unwrap();
    let options = EffectOptions::new()
        .baseline(BaselineFrom::Covariate("FEV1_BL".into()))
        .denominator(Denominator::BaselineWhole)
        .interval(IntervalMethod::Delta)
        .positive(Positive::Rise);
    let sizes = effects::from_model(&trial, &given, &contrasts, &options).unwrap();
    let baseline = trial.variable("FEV1_BL").unwrap().numbers().unwrap().to_vec();
    let mean = baseline.iter().sum::<f64>() / baseline.len() as f64;
    let sd = (baseline.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (baseline.len() - 1) as f64).sqrt();
    for (size, theirs) in sizes.rows.iter().zip(printed["contrasts"].as_array().unwrap()) {
        let d = theirs["estimate"].as_f64().unwrap() / sd;
        assert!((size.effect - d).abs() < 1e-10, "{} for {d}", size.effect);
    }
    // The model's own standard deviation is not among the coefficients.
    let own = effects::from_model(&trial, &given, &contrasts, &options.denominator(Denominator::VisitModel)).unwrap();
    assert!(own.rows.iter().all(|row| row.sd.is_nan() && row.effect.is_nan()));
    let margins = contrasts.against(Margin::NonInferiority { margin: 1.0, better: Better::Higher }, 0.025).unwrap();
    assert_eq!(margins.rows.iter().filter(|row| row.shown == Some(true)).count(), contrasts.rows.iter().filter(|r| r.lower > -1.0).count());
    for kind in [TestType::I, TestType::II, TestType::III] {
        let tests = given.term_tests_of(kind).unwrap();
        let terms: Vec<&str> = tests.rows.iter().map(|row| row.term.as_str()).collect();
        assert_eq!(terms, ["RACE", "SEX", "ARMCD", "AVISIT", "ARMCD:AVISIT"]);
        let interaction = tests.get("ARMCD:AVISIT").unwrap().test.as_ref().unwrap();
        assert!((interaction.f / printed["interaction_test"]["f"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    }
    let table = given.coefficients();
    for (row, theirs) in table.rows.iter().zip(printed["coefficients"].as_array().unwrap()) {
        assert!((row.t / theirs["t"].as_f64().unwrap() - 1.0).abs() < PRINTED);
    }
    assert_eq!(table.columns().len(), contrasts.columns().len().min(table.columns().len()));
}

/// The design of two arms at one visit, `n` patients in each.
fn two_arms(n: usize) -> Design {
    let arm_of: Vec<usize> = (0..2 * n).map(|i| i % 2).collect();
    let trial = of_values(&["control", "active"], arm_of, Schedule::of_labels(["after"]), (0..2 * n).map(|i| (i % 3) as f64).collect());
    Design::build(&trial, &MeanModel::parse("y ~ arm").unwrap(), &DesignOptions::default()).unwrap()
}

/// A saturated logistic model of a 2 × 2 table: log odds, with variance 1/a + 1/b in each arm (Woolf 1955, Annals of
/// Human Genetics 19:251–253).
#[test]
fn a_logistic_model_has_proportions_and_the_odds_ratio_of_the_table() {
    let ([a, b], [c, d]) = ([12.0, 28.0], [22.0_f64, 18.0]);
    let (control, active): (f64, f64) = (1.0 / a + 1.0 / b, 1.0 / c + 1.0 / d);
    let log_odds = |yes: f64, no: f64| (yes / no).ln();
    let beta = vec![log_odds(a, b), log_odds(c, d) - log_odds(a, b)];
    let vcov = DMatrix::from_row_slice(2, 2, &[control, -control, -control, control + active]);
    let given = Given::new(&two_arms(40), beta, vcov).unwrap().link(Link::Logit);
    let mut compared = Comparison::of("2 × 2");
    let means = given.marginal_means(&["arm"], &Default::default()).unwrap();
    for (row, [yes, no]) in means.rows.iter().zip([[a, b], [c, d]]) {
        let of = row.on_outcome_scale.unwrap();
        let p = yes / (yes + no);
        compared.relative("proportion", of.estimate, p, 1e-14);
        // √(p(1 − p)/n): the delta method undoes the logit.
        compared.relative("SE", of.se, (p * (1.0 - p) / (yes + no)).sqrt(), 1e-14);
        let half = 1.959_963_984_540_054 * (1.0 / yes + 1.0 / no).sqrt();
        compared.relative("lower", of.lower, 1.0 / (1.0 + (half - log_odds(yes, no)).exp()), 1e-12);
    }
    let contrasts = given.arm_contrasts(&ContrastOptions::default()).unwrap();
    let ratio = contrasts.rows[0].ratio.unwrap();
    compared.relative("odds ratio", ratio.estimate, c * b / (a * d), 1e-14);
    let half = 1.959_963_984_540_054 * (control + active).sqrt();
    compared.relative("upper", ratio.upper, c * b / (a * d) * half.exp(), 1e-12);
    assert_all([compared]);
    assert!(contrasts.columns().iter().any(|column| column.heading == "Odds ratio"));
    assert!(contrasts.notes().iter().any(|note| note.starts_with("Estimates are of the log odds")), "{contrasts}");
    // What is no difference of means has no ratio.
    let one = LinearContrast::new("the mean of the active arm").cell(&[("arm", "active")], 1.0);
    let two = LinearContrast::new("difference").cell(&[("arm", "active")], 1.0).cell(&[("arm", "control")], -1.0);
    let table = given.linear_contrasts(&[one, two], &ContrastOptions::default()).unwrap();
    assert_eq!(table.rows.iter().map(|row| row.ratio.is_some()).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn logarithms_have_ratios_and_no_effect_sizes() {
    let given = Given::new(&two_arms(10), vec![1.0, 0.5], DMatrix::from_row_slice(2, 2, &[0.04, -0.04, -0.04, 0.08])).unwrap();
    assert!(given.arm_contrasts(&ContrastOptions::default()).unwrap().rows[0].ratio.is_none());
    for (link, heading) in [(Link::Log, "Ratio of means"), (Link::LogOutcome, "Ratio of geometric means")] {
        let given = given.clone().link(link);
        let contrasts = given.arm_contrasts(&ContrastOptions::default()).unwrap();
        assert!((contrasts.rows[0].ratio.unwrap().estimate - 0.5_f64.exp()).abs() < 1e-14);
        assert!(contrasts.columns().iter().any(|column| column.heading == heading), "{contrasts}");
        let trial = of_values(&["control", "active"], (0..20).map(|i| i % 2).collect(), Schedule::of_labels(["after"]), vec![1.0; 20]);
        let refused = effects::from_model(&trial, &given, &contrasts, &EffectOptions::new()).unwrap_err();
        assert!(refused.to_string().contains("logarithm"), "{refused}");
    }
}

#[test]
fn a_reference_to_estimates_is_estimates() {
    let (_, given) = mmrm();
    let dynamic: &dyn Estimates = &given;
    let (a, b) = (dynamic.means_by_visit().unwrap(), given.means_by_visit().unwrap());
    assert_eq!(a.to_string(), b.to_string());
    assert_eq!(a.to_string(), given.means_by_visit().unwrap().to_string());
}

#[test]
fn numbers_that_cannot_be_estimates_are_refused() {
    let design = two_arms(4);
    let refused = |beta: Vec<f64>, vcov: DMatrix<f64>| Given::new(&design, beta, vcov).unwrap_err().to_string();
    let good = DMatrix::from_row_slice(2, 2, &[1.0, 0.5, 0.5, 1.0]);
    assert!(refused(vec![1.0], good.clone()).contains("1 coefficient and a 2 × 2 covariance for 2 columns"));
    assert!(refused(vec![1.0, f64::NAN], good.clone()).contains("the coefficient of `armactive` is NaN"));
    assert!(refused(vec![1.0, 1.0], DMatrix::from_row_slice(2, 2, &[1.0, 0.5, 0.4, 1.0])).contains("one way and"));
    assert!(refused(vec![1.0, 1.0], DMatrix::from_row_slice(2, 2, &[1.0, f64::NAN, f64::NAN, 1.0])).contains("one way and"));
    assert!(refused(vec![1.0, 1.0], DMatrix::from_row_slice(2, 2, &[-1.0, 0.0, 0.0, 1.0])).contains("variance"));
    let given = Given::new(&design, vec![1.0, 1.0], good).unwrap();
    assert!(given.clone().df(0.0).is_err() && given.clone().df(f64::NAN).is_err());
    // A hypothesis without rows, and one that weighs nothing.
    for rows in [DMatrix::zeros(0, 2), DMatrix::zeros(1, 2)] {
        assert!(matches!(given.f_test("nothing", &rows), Err(Error::Invalid { .. })));
    }
    assert!(given.estimate("l", &[1.0, f64::NAN]).is_err() && given.estimate("l", &[1.0]).is_err());
}
