//! Likelihood-ratio tests: against anova() of nlme and lme4, and what they refuse.

use crate::common::tolerances::{LIKELIHOOD_RATIO, LIKELIHOOD_RATIO_P};
use crate::common::{Comparison, antidepressant, assert_all, estimation, fev, number, reference, rows, text};
use trialstats::covariance::Covariance;
use trialstats::{Error, Estimation, Fit, Model, Trial};

fn model(formula: &str, structure: &str, estimation: Estimation) -> Model {
    Model::formula(formula).expect("a formula").covariance(Covariance::named(structure).expect("a structure")).estimation(estimation)
}

fn fit(trial: &Trial, formula: &str, structure: &str, estimation: Estimation) -> Fit {
    model(formula, structure, estimation).fit(trial).expect("a fit")
}

#[test]
fn anova_of_nlme_and_lme4_agrees() {
    let (fev, antidepressant) = (fev(), antidepressant());
    let cases = reference("likelihood_ratio/likelihood_ratio.json");
    assert_eq!(rows(&cases).len(), 14);
    assert_all(rows(&cases).iter().map(|case| {
        let trial = if text(&case["data"]) == "fev_data" { &fev } else { &antidepressant };
        let [nested, full] = [0, 1].map(|k| {
            let formula = text(&case["formulas"][k]).split(" + (").next().expect("a formula");
            fit(trial, formula, text(&case["structures"][k]), estimation(case))
        });
        let test = full.likelihood_ratio(&nested).unwrap_or_else(|e| panic!("{}: {e}", text(&case["id"])));
        let mut c = Comparison::of(text(&case["id"]));
        c.within("statistic", test.statistic, number(&case["statistic"]), LIKELIHOOD_RATIO);
        c.same("df", test.df, number(&case["df"]));
        c.relative("p", test.p, number(&case["p"]), LIKELIHOOD_RATIO_P);
        c.same("mixture", test.mixture_p.is_some(), !case["mixture_p"].is_null());
        if let Some(p) = test.mixture_p {
            c.relative("p of the mixture", p, number(&case["mixture_p"]), LIKELIHOOD_RATIO_P);
        }
        c
    }));
}

const FULL: &str = "FEV1 ~ RACE + SEX + ARMCD * AVISIT";

/// Why two fits are not compared.
fn refusal(full: &Fit, nested: &Fit) -> String {
    let error = full.likelihood_ratio(nested).expect_err("cannot be compared");
    assert!(matches!(error, Error::NotComparable { .. }), "{error}");
    assert_eq!(error.code(), "not-comparable");
    error.to_string()
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_reason() {
    let trial = fev();
    let (reml, ml) = (Estimation::Reml, Estimation::Ml);
    let us = fit(&trial, FULL, "us", reml);
    let us_ml = fit(&trial, FULL, "us", ml);
    let says = |full: &Fit, nested: &Fit, reason: &str| {
        let said = refusal(full, nested);
        assert!(said.contains(reason), "{said}");
    };
    says(&us, &fit(&trial, FULL, "cs", ml), "by maximum likelihood");
    says(&us, &fit(&trial, "FEV1 ~ RACE + SEX + ARMCD + AVISIT", "us", reml), "the same columns");
    says(&us_ml, &fit(&trial, "FEV1 ~ WEIGHT + RACE", "us", ml), "column WEIGHT");
    says(&us_ml, &fit(&trial, "FEV1 ~ SEX * RACE", "us", ml), "columns SEXFemale:");
    says(&fit(&trial, FULL, "csh", reml), &fit(&trial, FULL, "ar1h", reml), "`heterogeneous-autoregressive` is not a special case of");
    says(&fit(&trial, FULL, "cs", reml), &us, "`unstructured` is not a special case of `compound-symmetry`");
    says(&us, &us, "nothing is left to test");
    says(&us, &model(FULL, "us", reml).weights("WEIGHT").fit(&trial).expect("a fit"), "the same observations");
    says(&us, &model(FULL, "us", reml).visits(["VIS1", "VIS2"]).fit(&trial).expect("a fit"), "the same observations");
    let by_arm = model(FULL, "cs", reml).covariance_by("ARMCD").fit(&trial).expect("a fit");
    let by_sex = model(FULL, "us", reml).covariance_by("SEX").fit(&trial).expect("a fit");
    says(&us, &by_arm, "have several in the other");
    says(&by_sex, &by_arm, "have several in the other");
}

#[test]
fn a_mean_is_nested_by_its_columns_however_they_are_coded() {
    let trial = fev();
    let full = fit(&trial, FULL, "us", Estimation::Ml);
    let cells = fit(&trial, "FEV1 ~ 0 + ARMCD:AVISIT", "us", Estimation::Ml);
    let crossed = fit(&trial, "FEV1 ~ ARMCD * AVISIT", "us", Estimation::Ml);
    let [ours, theirs] = [&cells, &crossed].map(|nested| full.likelihood_ratio(nested).expect("a test"));
    assert_eq!(ours.df, 3.0);
    assert!((ours.statistic - theirs.statistic).abs() < LIKELIHOOD_RATIO, "{ours}\n{theirs}");
}

#[test]
fn one_covariance_is_nested_in_one_per_group() {
    let trial = fev();
    let one = fit(&trial, FULL, "cs", Estimation::Reml);
    for (structure, df) in [("cs", 2.0), ("us", 18.0)] {
        let by_arm = model(FULL, structure, Estimation::Reml).covariance_by("ARMCD").fit(&trial).expect("a fit");
        let test = by_arm.likelihood_ratio(&one).expect("a test");
        assert_eq!(test.df, df);
        assert!((test.statistic - 2.0 * (by_arm.log_likelihood() - one.log_likelihood())).abs() < 1e-12);
        assert!(test.rows[1].model.ends_with("by group (PBO, TRT)"), "{test}");
    }
}

#[test]
fn several_vanishing_variances_have_no_known_mixture() {
    let trial = antidepressant();
    let formula = "CHANGE ~ BASVAL * VISIT + THERAPY * VISIT";
    let one = fit(&trial, formula, "random-intercept", Estimation::Reml);
    let two = model(formula, "random-intercept-slope", Estimation::Reml).covariance_by("THERAPY").fit(&trial).expect("a fit");
    let test = two.likelihood_ratio(&one).expect("a test");
    assert_eq!((test.df, test.mixture_p), (6.0, None));
    assert!(test.notes.iter().any(|n| n.contains("parametric bootstrap")), "{test}");
}
