//! Means and contrasts of any factor, contrasts by weights, Tukey's and Dunnett's adjustments.

use super::{close, command, fit};
use crate::common::{FEV, factor, invented, outcome, read};
use trialstats::means::{Adjustment, ArmComparisons, ContrastOptions, LinearContrast};
use trialstats::trial::{CovariateKind, Layout, Schedule};
use trialstats::{Df, Fit, Model};

const CROSSOVER: &str = "tests/references/written/crossover_run_in.csv";

/// R lme4, pbkrtest and emmeans: B − A = 2.325, SE .4606, 13 df, p .0006 by Tukey's adjustment for the three treatments.
#[test]
fn a_treatment_that_changes_by_period_has_means_and_contrasts() {
    let layout = Layout::long_one_arm("subject", "period").visits(["runin", "1", "2"]).outcome("hours");
    let layout = layout.covariate_as("treatment", CovariateKind::FactorByVisit).covariate("sequence");
    let model = Model::formula("hours ~ treatment + sequence + period + (1 | subject)").expect("a formula").df(Df::KenwardRoger);
    let fit = model.fit(&read(&layout, CROSSOVER)).expect("fits");
    let pairwise = ContrastOptions::default().arms(ArmComparisons::Pairwise).adjustment(Adjustment::Tukey);
    let table = fit.factor_contrasts(&["treatment"], &pairwise).expect("contrasts");
    let row = table.get("B - A", None).expect("a row");
    close(row.estimate.estimate, 2.325, 5e-4);
    close(row.estimate.se, 0.4606, 5e-5);
    close(row.estimate.df, 13.0, 5e-3);
    close(row.p_adjusted, 0.0006, 5e-5);
    let weights = LinearContrast::new("B - A").cell(&[("treatment", "B")], 1.0).cell(&[("treatment", "A")], -1.0);
    let same = &fit.linear_contrasts(&[weights], &ContrastOptions::default()).expect("a contrast").rows[0];
    assert_eq!((same.estimate.estimate, same.estimate.se), (row.estimate.estimate, row.estimate.se));

    let out = command(&[
        "fit",
        "--data",
        CROSSOVER,
        "--subject",
        "subject",
        "--visit",
        "period",
        "--visits",
        "runin,1,2",
        "--formula",
        "hours ~ treatment + sequence + period + (1|subject)",
        "--df",
        "kenward-roger",
        "--means",
        "treatment",
        "--contrast",
        "half: B=1/2, A=-1/2",
    ])
    .expect("fits");
    let row = out.lines().find(|line| line.starts_with("B - A")).expect("a row");
    assert!(row.contains("2.3") && row.contains("13.0"), "{row}");
    let half = out.lines().find(|line| line.starts_with("half")).expect("a row");
    assert!(half.contains("1.16"), "{half}");
}

/// The same with the period as a second factor, for which no column of the arm can be meant.
#[test]
fn combinations_of_factors_have_means_and_differences() {
    let source = ["fit", "--data", FEV, "--subject", "USUBJID", "--visit", "AVISIT", "--arm", "ARMCD"];
    let run = |more: &[&str]| command(&[&source[..], &["--formula", "FEV1 ~ SEX * AVISIT + ARMCD * AVISIT + RACE"], more].concat());
    let out = run(&["--means", "SEX", "AVISIT"]).expect("fits");
    assert!(out.contains("Marginal means of FEV1 by SEX and AVISIT") && out.contains("Male - Female"), "{out}");
    let out = run(&["--means", "RACE", "--compare", "with(Asian)", "--adjust", "dunnett"]).expect("fits");
    assert!(out.contains("White - Asian") && out.contains("(Dunnett)"), "{out}");
    let out = run(&["--means", "RACE", "SEX", "--adjust", "tukey"]).expect("fits");
    assert!(out.contains("White - Asian, Female") && out.contains("(Tukey)"), "{out}");
    let message = run(&["--means", "NOTHERE"]).expect_err("no factor");
    assert!(message.contains("no factor of the formula named `NOTHERE`"), "{message}");
    let message = run(&["--means", "ARMCD", "AVISIT", "--contrast", "x: TRT:VIS9=1"]).expect_err("no cell");
    assert!(message.contains("`TRT:VIS9=1` is no cell") && message.contains("PBO:VIS1"), "{message}");
    let json = run(&["--means", "SEX", "RACE", "--json"]).expect("fits");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["marginal_means"][0]["levels"]["RACE"], "Asian");
}

/// R 4.2.2: `TukeyHSD(aov(breaks ~ wool + tension, warpbreaks), "tension")`.
#[test]
fn tukey_is_that_of_r() {
    let fit = warpbreaks();
    let options = ContrastOptions::default().arms(ArmComparisons::Pairwise);
    let table = fit.factor_contrasts(&["tension"], &options.clone().adjustment(Adjustment::Tukey)).expect("contrasts");
    let joint = fit.factor_contrasts(&["tension"], &options.adjustment(Adjustment::SingleStep)).expect("contrasts");
    for (label, estimate, p) in [("M - L", -10.0, 0.0336262), ("H - L", -14.722222, 0.0011218), ("H - M", -4.722222, 0.4474210)] {
        let row = table.get(label, None).expect("a row");
        close(row.estimate.estimate, estimate, 1e-5);
        close(row.p_adjusted, p, 2e-6);
        // All pairwise differences of equal numbers: the multivariate t says the same.
        close(joint.get(label, None).expect("a row").p_adjusted, p, 3e-5);
    }
}

#[test]
fn adjustments_by_the_joint_distribution_are_between_none_and_bonferroni() {
    let fit = warpbreaks();
    for adjustment in [Adjustment::Dunnett, Adjustment::SingleStep] {
        let table = fit.factor_contrasts(&["tension"], &ContrastOptions::default().adjustment(adjustment)).expect("contrasts");
        for row in &table.rows {
            assert!(row.p_adjusted > row.estimate.p && row.p_adjusted < 2.0 * row.estimate.p, "{}", row.label());
        }
    }
    let pairwise = ContrastOptions::default().arms(ArmComparisons::Pairwise);
    assert!(fit.factor_contrasts(&["tension"], &pairwise.adjustment(Adjustment::Dunnett)).is_err());
    let reference = ContrastOptions::default().adjustment(Adjustment::Tukey);
    assert!(fit.factor_contrasts(&["tension"], &reference).is_err());
    // Two levels are one comparison, which needs no adjustment.
    let one = fit.factor_contrasts(&["wool"], &ContrastOptions::default().arms(ArmComparisons::Pairwise).adjustment(Adjustment::Tukey));
    let one = &one.expect("a contrast").rows[0];
    close(one.p_adjusted, one.estimate.p, 1e-8);
}

/// R's data set `warpbreaks` (Tippett 1950, Technological Applications of Statistics).
fn warpbreaks() -> Fit {
    let breaks = [
        26, 30, 54, 25, 70, 52, 51, 26, 67, 18, 21, 29, 17, 12, 18, 35, 30, 36, 36, 21, 24, 18, 10, 43, 28, 15, 26, 27, 14, 29, 19, 29, 31,
        41, 20, 44, 42, 26, 19, 16, 39, 28, 21, 39, 29, 20, 21, 24, 17, 13, 15, 15, 16, 28,
    ];
    let n = breaks.len();
    let trial = invented(&["all"], vec![0; n], Schedule::of_labels(["1"]))
        .outcome(outcome("breaks", breaks.map(f64::from).to_vec()))
        .variable(factor("wool", &["A", "B"], (0..n).map(|i| i / 27).collect()))
        .variable(factor("tension", &["L", "M", "H"], (0..n).map(|i| i % 27 / 9).collect()))
        .build()
        .expect("a trial");
    fit("breaks ~ wool + tension", &trial)
}

/// Two periods whose treatments all patients take in one order: a variance for each treatment is one for each period.
/// Where half take them in the other order it is the same model once the data are sorted by treatment.
#[test]
fn residual_variances_differ_by_a_factor_within_patients() {
    let value =
        |i: usize, b: usize| 3.0 + ((i * 37) % 19) as f64 / 3.0 + if b == 1 { ((i * 53 + 11) % 23) as f64 } else { ((i * 29) % 7) as f64 };
    let mut orders = ["id,arm,period,drug,y\n".to_string(), "id,arm,period,drug,y\n".to_string()];
    for i in 0..40 {
        for drug in 0..2 {
            let (name, y) = (["A", "B"][drug], value(i, drug));
            orders[0] += &format!("{i},x,{},{name},{y}\n", drug + 1);
            orders[1] += &format!("{i},x,{},{name},{y}\n", if i % 2 == 0 { drug + 1 } else { 2 - drug });
        }
    }
    let layout = Layout::long_one_arm("id", "period").visits(["1", "2"]).outcome("y").covariate_as("drug", CovariateKind::FactorByVisit);
    let fitted = |text: &str, covariance: &str| {
        let model = Model::formula("y ~ drug").expect("a formula").covariance(covariance.parse().expect("a structure"));
        model.fit(&crate::common::read_text(&layout, "made up", text)).unwrap_or_else(|error| panic!("{covariance}: {error}"))
    };
    let by_drug = "random-intercept + independent(drug)";
    let (one, other) = (fitted(&orders[0], by_drug), fitted(&orders[1], by_drug));
    let by_visit = fitted(&orders[0], "random-intercept + unstructured(1)");
    close(one.log_likelihood(), by_visit.log_likelihood(), 1e-8);
    close(other.log_likelihood(), one.log_likelihood(), 1e-8);
    let names: Vec<String> = other.covariance_parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[1..], ["residual variance A", "residual variance B"]);
    for ((_, a), (_, b)) in other.covariance_parameters().into_iter().zip(by_visit.covariance_parameters()) {
        close(a, b, 1e-5 * b.abs());
    }
    let row = |fit: &Fit| fit.coefficients().rows.into_iter().find(|r| r.label == "drugB").expect("a row");
    close(row(&other).se, row(&by_visit).se, 1e-7);
    close(row(&other).df, row(&by_visit).df, 1e-4);
}
