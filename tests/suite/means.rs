//! Marginal means, contrasts, joint tests and multiplicity against emmeans and mmrm.

use crate::common::{clda, fev, of_values, reference, three_arms};
use serde_json::Value;
use trialstats::design::{Baseline, MeanModel};
use trialstats::means::Basis;
use trialstats::means::*;
use trialstats::trial::Schedule;
use trialstats::{Covariance, Df, Fit, Model, Tabular, Trial};

/// Estimates and standard errors against peers whose optimum is exact to about 1e-9.
const ESTIMATES: f64 = 1e-7;

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap()
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
}

fn assert_close(a: f64, b: f64, tolerance: f64, what: &str) {
    assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{what}: {a} against {b}");
}

/// The synthetic trial of `tests/references/design`, fitted as `tests/references/means/means.R` fits it.
fn synthetic_fit() -> Fit {
    let model = Model::formula("y ~ age + site * sex + arm * visit").unwrap();
    model.covariance(Covariance::CompoundSymmetry).df(Df::Asymptotic).fit(&three_arms()).unwrap()
}

fn fev_fit() -> Fit {
    Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT").unwrap().covariance(Covariance::Unstructured).fit(&fev()).unwrap()
}

fn weights(name: &str) -> FactorWeights {
    match name {
        "equal" => FactorWeights::Equal,
        "proportional" => FactorWeights::Proportional,
        "cells" => FactorWeights::Cells,
        other => panic!("{other}"),
    }
}

#[test]
fn means_are_those_of_emmeans() {
    let fit = synthetic_fit();
    let reference = reference("means/means.json");
    for case in reference["means"].as_array().unwrap() {
        let by = strings(&case["by"]);
        let options = MeansOptions { averaging: Averaging::weights(weights(text(case, "weights"))), ..MeansOptions::default() };
        let means = fit.marginal_means(&by, &options).unwrap();
        let rows = case["rows"].as_array().unwrap();
        assert_eq!(means.rows.len(), rows.len());
        for row in rows {
            let levels = strings(&row["levels"]);
            let here = means.get(&levels).unwrap();
            assert_close(here.estimate.estimate, number(row, "estimate"), ESTIMATES, &format!("{levels:?}"));
            assert_close(here.estimate.se, number(row, "se"), ESTIMATES, &format!("{levels:?} SE"));
        }
    }
}

#[test]
fn contrasts_are_those_of_emmeans() {
    let fit = synthetic_fit();
    let reference = reference("means/means.json");
    let pairwise = ContrastOptions::default().arms(ArmComparisons::Pairwise);
    let cases = [
        ("with_reference", ContrastOptions::default()),
        ("pairwise", pairwise.clone()),
        ("holm_by_table", pairwise.clone().adjustment(Adjustment::Holm)),
        ("bh_by_visit", pairwise.adjustment(Adjustment::BenjaminiHochberg).family(Family::Visit)),
    ];
    for (name, options) in cases {
        let contrasts = fit.arm_contrasts(&options).unwrap();
        let rows = reference["contrasts"][name].as_array().unwrap();
        assert_eq!(contrasts.rows.len(), rows.len(), "{name}");
        for row in rows {
            let here = contrasts.get(text(row, "contrast"), Some(text(row, "visit"))).unwrap();
            let what = format!("{name}, {}", here.estimate.label);
            assert_close(here.estimate.estimate, number(row, "estimate"), ESTIMATES, &what);
            assert_close(here.estimate.se, number(row, "se"), ESTIMATES, &what);
            assert_close(here.p_adjusted, number(row, "p"), ESTIMATES, &what);
        }
    }
}

#[test]
fn joint_tests_are_those_of_emmeans() {
    let tests = synthetic_fit().term_tests().unwrap();
    let reference = reference("means/means.json");
    for row in reference["joint_tests"].as_array().unwrap() {
        let here = tests.get(text(row, "term")).unwrap().test.as_ref().unwrap();
        assert_eq!(here.num_df, number(row, "num_df"));
        assert_close(here.f, number(row, "f"), ESTIMATES, text(row, "term"));
    }
}

#[test]
fn tests_against_margins_are_those_of_emmeans() {
    let contrasts = synthetic_fit().arm_contrasts(&ContrastOptions::default()).unwrap();
    let reference = reference("means/means.json");
    let cases = [
        ("not_lower_by_2", Margin::NonInferiority { margin: 2.0, better: Better::Higher }, 0.025),
        ("within_4", Margin::Equivalence { lower: -4.0, upper: 4.0 }, 0.05),
    ];
    for (name, margin, alpha) in cases {
        let tests = contrasts.against(margin, alpha).unwrap();
        for (row, expected) in tests.rows.iter().zip(reference["margins"][name].as_array().unwrap()) {
            assert_close(row.p, expected.as_f64().unwrap(), ESTIMATES, name);
            let within = match margin {
                Margin::Equivalence { lower, upper } => row.lower > lower && row.upper < upper,
                Margin::NonInferiority { margin, .. } => row.lower > -margin,
            };
            assert_eq!(row.shown, Some(within), "{name}: {row:?}");
        }
    }
    assert!(contrasts.against(Margin::NonInferiority { margin: -1.0, better: Better::Lower }, 0.025).is_err());
    assert!(contrasts.against(Margin::Equivalence { lower: 1.0, upper: -1.0 }, 0.05).is_err());
    assert!(contrasts.against(Margin::Equivalence { lower: -1.0, upper: 1.0 }, 0.7).is_err());
}

#[test]
fn everything_of_mmrm_on_fev() {
    let fit = fev_fit();
    let reference = reference("mmrm/fev_us_reml_satterthwaite.json");
    let means = fit.means_by_visit().unwrap();
    for (here, row) in means.rows.iter().zip(reference["marginal_means"].as_array().unwrap()) {
        assert_eq!(here.levels, [text(row, "arm"), text(row, "visit")]);
        for (value, key) in [(here.estimate.estimate, "estimate"), (here.estimate.se, "se"), (here.lower, "lower"), (here.upper, "upper")] {
            // mmrm's own optimum of this case is 1e-7 off.
            assert_close(value, number(row, key), 1e-6, key);
        }
    }
    let contrasts = fit.arm_contrasts(&ContrastOptions::default()).unwrap();
    for (here, row) in contrasts.rows.iter().zip(reference["contrasts"].as_array().unwrap()) {
        assert_eq!((here.label().as_str(), here.visit.as_deref()), (text(row, "contrast"), Some(text(row, "visit"))));
        assert_close(here.estimate.estimate, number(row, "estimate"), 1e-6, "contrast");
        assert_close(here.estimate.df, number(row, "df"), 1e-5, "df");
    }
    let test = fit.arm_by_visit_test().unwrap();
    let expected = &reference["interaction_test"];
    assert_close(test.f, number(expected, "f"), 1e-6, "F");
    assert_close(test.denom_df, number(expected, "denom_df"), 1e-5, "denominator df");
    // SAS prints 148 for its basis.
    let orthonormal = fit.arm_by_visit_test_in(Basis::Orthonormal).unwrap();
    assert_close(orthonormal.f, test.f, 1e-9, "the statistic does not depend on the basis");
    assert_eq!((format!("{:.2}", test.denom_df), format!("{:.2}", orthonormal.denom_df)), ("147.91".into(), "143.48".into()));
    let by_term = fit.term_test("ARMCD:AVISIT").unwrap();
    assert_close(by_term.denom_df, test.denom_df, 1e-12, "the same hypothesis");
    let average = fit
        .contrast("average of the last two", &[("TRT", "VIS3", 0.5), ("TRT", "VIS4", 0.5), ("PBO", "VIS3", -0.5), ("PBO", "VIS4", -0.5)]);
    let halves: f64 = contrasts.rows[2..].iter().map(|r| 0.5 * r.estimate.estimate).sum();
    assert_close(average.unwrap().estimate, halves, 1e-12, "average");
}

fn clda_fit(formula: &str, baseline: Baseline) -> Fit {
    let mean = MeanModel::parse(formula).unwrap().with_baseline(baseline);
    Model::new(mean).covariance(Covariance::Unstructured).fit(&clda()).unwrap()
}

#[test]
fn change_from_baseline_is_what_each_treatment_of_the_baseline_makes_of_it() {
    let constrained = clda_fit("y ~ arm * visit", Baseline::Constrained);
    let change = constrained.change_from_baseline(&ContrastOptions::default()).unwrap();
    assert_eq!(change.rows.len(), 6);
    // In the reference arm the change is the coefficient of the visit.
    assert_close(change.get("control", Some("week 4")).unwrap().estimate.estimate, constrained.beta()[1], 1e-12, "control, week 4");
    // Arms are compared after baseline only, and their difference is the coefficient arm:visit.
    let contrasts = constrained.arm_contrasts(&ContrastOptions::default()).unwrap();
    assert_eq!(contrasts.rows.len(), 3);
    assert!(contrasts.notes().iter().any(|n| n.contains("One mean for all arms")));
    assert_close(contrasts.rows[2].estimate.estimate, constrained.beta()[6], 1e-12, "week 12");
    assert_eq!(constrained.arm_by_visit_test().unwrap().num_df, 3.0);

    let covariate = clda_fit("y ~ baseline * visit + arm * visit", Baseline::Covariate);
    let change = covariate.change_from_baseline(&ContrastOptions::default()).unwrap();
    let means = covariate.means_by_visit().unwrap();
    for row in &change.rows {
        let mean = means.get(&[&row.label(), row.visit.as_deref().unwrap()]).unwrap();
        assert_close(row.estimate.se, mean.estimate.se, 1e-12, "SE");
        assert!(row.estimate.estimate < 0.0);
    }
    assert!(change.notes().iter().any(|n| n.contains("counts as known")));
    assert!(synthetic_fit().change_from_baseline(&ContrastOptions::default()).is_err());
}

/// Nobody in arm T reaches the last visit.
fn trial_with_an_empty_cell() -> Trial {
    let nan = f64::NAN;
    let values =
        vec![5.0, 4.0, 3.5, 6.0, 5.5, 4.0, 7.0, 4.5, 4.4, 5.5, 3.0, nan, 6.2, 4.1, nan, 6.6, 3.7, nan, 5.1, 3.3, nan, 5.9, 5.0, 4.7];
    of_values(&["P", "T"], vec![0, 0, 0, 1, 1, 1, 1, 0], Schedule::of_labels(["v1", "v2", "v3"]), values)
}

#[test]
fn what_is_not_estimable_is_a_row_with_a_reason() {
    let fit = Model::formula("y ~ arm * visit").unwrap().covariance(Covariance::CompoundSymmetry).fit(&trial_with_an_empty_cell()).unwrap();
    assert!(fit.design().warnings().iter().any(|w| w.contains("nobody in arm T")));
    let means = fit.means_by_visit().unwrap();
    let missing: Vec<&MarginalMean> = means.rows.iter().filter(|r| r.not_estimable.is_some()).collect();
    assert_eq!(missing.len(), 1);
    assert_eq!((missing[0].levels.join(" "), missing[0].n), ("T v3".to_string(), 0));
    assert!(means.to_text().contains("T, v3 is not estimable"));
    let contrasts = fit.arm_contrasts(&ContrastOptions::default().adjustment(Adjustment::Bonferroni)).unwrap();
    assert!(contrasts.rows[2].not_estimable.is_some() && contrasts.rows[2].p_adjusted.is_nan());
    assert_close(contrasts.rows[1].p_adjusted, (2.0 * contrasts.rows[1].estimate.p).min(1.0), 1e-15, "two tests could be made");
    let interaction = fit.term_tests().unwrap();
    let row = interaction.get("arm:visit").unwrap();
    assert_eq!((row.test.as_ref().unwrap().num_df, row.left_out), (1.0, 1));
}

#[test]
fn tables_say_how_they_were_made() {
    let options = ContrastOptions::default().adjustment(Adjustment::Holm).level(0.9);
    let text = synthetic_fit().arm_contrasts(&options).unwrap().to_text();
    for part in ["averaged over site, sex with equal weights", "age at", "90%", "Holm", "asymptotic", "`age` is missing", "B - A"] {
        assert!(text.to_lowercase().contains(&part.to_lowercase()), "{part} in\n{text}");
    }
}

#[test]
fn requests_without_sense_are_refused() {
    let fit = synthetic_fit();
    let options = MeansOptions::default();
    assert_eq!(fit.marginal_means(&["age"], &options).unwrap_err().code(), "unknown-name");
    assert_eq!(fit.marginal_means(&["arm", "arm"], &options).unwrap_err().code(), "named-twice");
    assert_eq!(fit.marginal_means(&["arm"], &MeansOptions { level: 1.0, ..options }).unwrap_err().code(), "out-of-range");
    assert_eq!(fit.arm_contrasts(&ContrastOptions::default().arms(ArmComparisons::With("Z".into()))).unwrap_err().code(), "unknown-name");
    assert_eq!(fit.arm_contrasts(&ContrastOptions::default().visits(["v9"])).unwrap_err().code(), "unknown-name");
    assert_eq!(fit.linear_contrasts(&[LinearContrast::new("nothing")], &ContrastOptions::default()).unwrap_err().code(), "not-finite");
    assert_eq!(fit.term_test("arm:site").unwrap_err().code(), "unknown-name");
}
