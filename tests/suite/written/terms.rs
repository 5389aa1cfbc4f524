//! Tests of terms by type III lose no degree of freedom in silence.

use super::{close, fev_fit, fit};
use crate::common::{FEV, factor, fev, fev_layout, invented, outcome, read};
use trialstats::design::Baseline;
use trialstats::means::TestType;
use trialstats::trial::Schedule;
use trialstats::{Covariance, Fit, Model, Trial};

fn test(fit: &Fit, term: &str) -> (f64, f64, f64, f64) {
    let tests = fit.term_tests().expect("tests");
    let test = tests.get(term).and_then(|row| row.test.clone()).unwrap_or_else(|| panic!("no test of {term}: {tests}"));
    (test.num_df, test.f, test.denom_df, test.p)
}

#[test]
fn an_interaction_without_a_margin_has_all_its_columns() {
    // mmrm's df_md on the four coefficients: 144.01, at an optimum that stops short of ours.
    let (df, f, denominator, p) = test(&fev_fit("FEV1 ~ AVISIT + ARMCD:AVISIT"), "AVISIT:ARMCD");
    assert_eq!(df, 4.0);
    close(f, 10.418, 5e-4);
    close(denominator, 144.01, 0.05);
    assert!(p < 3e-7);
    // SAS, with TYPE=AR(1).
    let model = Model::formula("FEV1 ~ ARMCD*SEX + ARMCD:FEV1_BL").expect("a formula").covariance(Covariance::Autoregressive);
    let slopes = model.fit(&fev()).expect("fits");
    let (df, f, _, p) = test(&slopes, "ARMCD:FEV1_BL");
    assert_eq!(df, 2.0);
    close(f, 6.1148, 5e-5);
    close(p, 0.0027, 5e-5);
    assert!(slopes.term_tests().expect("tests").to_string().contains("ARMCD:FEV1_BL: of lower order terms"));
}

/// Without an intercept a factor alone has as many degrees of freedom as levels. Given another factor, whose parameters
/// make a constant, it has one less, as SAS has it.
#[test]
fn without_an_intercept_a_factor_alone_is_tested_in_full() {
    let fit = fev_fit("FEV1 ~ 0 + ARMCD + AVISIT");
    let rows = |kind| -> Vec<f64> {
        fit.term_tests_of(kind).expect("tests").rows.iter().map(|r| r.test.as_ref().map_or(0.0, |t| t.num_df)).collect()
    };
    assert_eq!(rows(TestType::III), [1.0, 3.0]);
    assert_eq!(rows(TestType::I), [2.0, 3.0]);
    assert_eq!(test(&fev_fit("FEV1 ~ 0 + AVISIT"), "AVISIT").0, 4.0);
    assert_eq!(test(&fev_fit("FEV1 ~ 0 + AVISIT + ARMCD:AVISIT"), "AVISIT:ARMCD").0, 4.0);
}

/// A term that no other contains has the same hypothesis by types II and III, whatever the rest of the model.
#[test]
fn types_two_and_three_agree_on_what_nothing_contains() {
    for (formula, term) in [
        ("FEV1 ~ ARMCD:AVISIT", "ARMCD:AVISIT"),
        ("FEV1 ~ SEX + ARMCD:AVISIT", "ARMCD:AVISIT"),
        ("FEV1 ~ 0 + RACE + SEX:ARMCD", "SEX:ARMCD"),
        ("FEV1 ~ FEV1_BL:SEX + AVISIT", "FEV1_BL:SEX"),
        ("FEV1 ~ ARMCD * AVISIT", "ARMCD:AVISIT"),
        ("FEV1 ~ 0 + ARMCD * AVISIT", "ARMCD:AVISIT"),
        ("FEV1 ~ AVISIT + poly(FEV1_BL, 2, raw)", "poly(FEV1_BL, 2, raw)"),
        ("FEV1 ~ AVISIT + ARMCD * ns(FEV1_BL, 2)", "ARMCD:ns(FEV1_BL, 2)"),
    ] {
        let fit = fev_fit(formula);
        let by =
            |kind| fit.term_tests_of(kind).expect("tests").get(term).and_then(|r| r.test.clone()).unwrap_or_else(|| panic!("{formula}"));
        let (two, three) = (by(TestType::II), by(TestType::III));
        assert_eq!(two.num_df, three.num_df, "{formula}");
        close(three.f, two.f, 1e-6 * two.f);
    }
}

/// Averages of filled cells are hypotheses of type III, whether the other margin is in the model or not.
#[test]
fn a_main_effect_within_a_nested_term_is_that_of_the_crossed_model() {
    let (nested, crossed) = (fev_fit("FEV1 ~ ARMCD + ARMCD:AVISIT"), fev_fit("FEV1 ~ ARMCD * AVISIT"));
    let (a, b) = (test(&nested, "ARMCD"), test(&crossed, "ARMCD"));
    assert_eq!(a.0, b.0);
    close(a.1, b.1, 1e-7 * b.1);
    assert_eq!(test(&nested, "ARMCD:AVISIT").0, 6.0);
}

/// Two factors of two levels with one cell empty, and independent observations: what SAS tests of the main effect of A
/// is the difference where both levels of A were seen, A₂ − A₁ within B₁ (Milliken & Johnson 2009, chapter 14).
#[test]
fn an_empty_cell_leaves_a_hypothesis_about_the_others() {
    let fit = fit("y ~ a * b", &with_an_empty_cell());
    let (df, f, ..) = test(&fit, "a");
    assert_eq!(df, 1.0);
    let b = fit.coefficients();
    let row = b.rows.iter().find(|r| r.label == "ay").expect("a coefficient");
    close(f, row.t * row.t, 1e-9 * f);
    assert!(fit.term_tests().expect("tests").get("a:b").is_some_and(|r| r.test.is_none() && r.left_out == 1));
}

fn with_an_empty_cell() -> Trial {
    let cells = [(0, 0), (0, 1), (1, 0)];
    let n = 30;
    let values = (0..n).map(|i| ((i * 29 + 7) % 17) as f64 + 2.0 * cells[i % 3].0 as f64).collect();
    invented(&["p"], vec![0; n], Schedule::of_labels(["1"]))
        .outcome(outcome("y", values))
        .variable(factor("a", &["x", "y"], (0..n).map(|i| cells[i % 3].0).collect()))
        .variable(factor("b", &["u", "v"], (0..n).map(|i| cells[i % 3].1).collect()))
        .build()
        .expect("a trial")
}

/// Where arms share their baseline mean, a mean without the interaction has one for all arms there, and one difference
/// after it.
#[test]
fn arms_held_equal_at_baseline_are_equal_without_an_interaction_too() {
    let trial = fev_layout().baseline_visit("VIS1");
    let model = Model::formula("FEV1 ~ AVISIT + ARMCD").expect("a formula").baseline(Baseline::Constrained);
    let fit = model.fit(&read(&trial, FEV)).expect("fits");
    let means = fit.means_by_visit().expect("means");
    let difference = |visit: usize| means.rows[2 * visit + 1].estimate.estimate - means.rows[2 * visit].estimate.estimate;
    assert_eq!(difference(0), 0.0);
    let arm = fit.coefficients().rows.into_iter().find(|r| r.label == "ARMCDTRT").expect("a coefficient");
    for visit in 1..4 {
        close(difference(visit), arm.estimate, 1e-9);
    }
    // The test of the arm is that of its coefficient.
    let (df, f, denominator, _) = test(&fit, "ARMCD");
    assert_eq!(df, 1.0);
    close(f, arm.t * arm.t, 1e-7 * f);
    close(denominator, arm.df, 1e-6 * arm.df);
}
