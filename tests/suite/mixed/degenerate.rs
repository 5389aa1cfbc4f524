//! Designs at the edge: what cannot be distinguished from the data is said, what can is estimated.

use crate::common::clustered as trials;
use crate::common::tolerances::MIXED;
use crate::common::{Comparison, assert_all, number, reference, rows, text};
use trialstats::{Df, Error, Fit, Model};

fn fit(data: &str, formula: &str, rows: &str, df: Df) -> Result<Fit, Error> {
    let trial = trials::layout(data, formula).read_csv_from(data, rows.as_bytes()).unwrap_or_else(|e| panic!("{data}: {e}"));
    Ok(trials::by_its_engine(formula, Model::formula(formula)?.df(df).fit(&trial)?))
}

/// The estimate is at the boundary, is named, and every number is that of the model without the term.
#[test]
fn a_variance_of_zero_is_named_and_changes_nothing() {
    let cases = reference("mixed/no_group_variance.json");
    assert_eq!(rows(&cases).len(), 2);
    let text_of = trials::rows_of("no_group_variance");
    assert_all(rows(&cases).iter().flat_map(|case| [Df::Satterthwaite, Df::KenwardRoger].map(|df| (case, df))).map(|(case, df)| {
        let formula = text(&case["zero"]["formula"]);
        let fit = fit("no_group_variance", formula, &text_of, df).unwrap_or_else(|e| panic!("{formula}: {e}"));
        let mut c = Comparison::of(formula);
        let boundary = &fit.convergence().boundary;
        c.same("parameters at the boundary", boundary.len(), 1);
        c.same("the group's is there", boundary.iter().all(|name| name.contains("group")), true);
        let at_zero: Vec<f64> =
            fit.covariance_parameters().into_iter().filter(|(name, _)| boundary.contains(name)).map(|(_, v)| v).collect();
        c.same("an estimate", at_zero.len(), 1);
        // The search is in the standard deviation, and ends where its square no longer adds anything.
        at_zero.iter().for_each(|zero| c.within("its estimate", *zero, 0.0, 1e-30));
        c.relative("log-likelihood", fit.log_likelihood(), number(&case["log_lik"]), 1e-12);
        let (se, nu) = if df == Df::KenwardRoger { ("kr_se", "kr_df") } else { ("se", "df") };
        for (ours, theirs) in fit.coefficients().rows.iter().zip(rows(&case["coefficients"])) {
            c.within(&ours.label, ours.estimate, number(&theirs["estimate"]), MIXED.estimate * number(&theirs["se"]));
            c.relative(&format!("{} SE", ours.label), ours.se, number(&theirs[se]), MIXED.se);
            c.relative(&format!("{} df", ours.label), ours.df, number(&theirs[nu]), MIXED.df);
        }
        c
    }));
}

#[test]
fn one_group_cannot_vary() {
    let one = trials::rows_of("small_clusters").lines().map(only_group).collect::<Vec<_>>().join("\n");
    for formula in ["y ~ arm * visit + (1 | group) + us(visit | patient)", "y ~ arm * visit + (1 | group) + (1 | patient)"] {
        let error = fit("small_clusters", formula, &one, Df::Satterthwaite).expect_err("one group");
        assert_eq!(error.code(), "not-estimable");
        assert!(error.to_string().contains("group") && error.to_string().contains("one level, `G01`"), "{error}");
    }
}

fn only_group(line: &str) -> String {
    let mut fields: Vec<&str> = line.split(',').collect();
    if fields[2] != "group" {
        fields[2] = "G01";
    }
    fields.join(",")
}

/// Where every group has one patient, its variance is part of the patient's.
#[test]
fn groups_that_are_all_of_one_patient_are_not_told_from_patients() {
    let alone: Vec<String> = trials::rows_of("small_clusters")
        .lines()
        .map(|line| {
            let mut fields: Vec<&str> = line.split(',').collect();
            if fields[2] != "group" {
                fields[2] = fields[0];
            }
            fields.join(",")
        })
        .collect();
    for formula in ["y ~ arm * visit + (1 | group) + us(visit | patient)", "y ~ arm * visit + (1 | group) + (1 | patient)"] {
        let error = fit("small_clusters", formula, &alone.join("\n"), Df::Satterthwaite).expect_err("groups of one");
        assert!(error.to_string().contains("group"), "{formula}: {error}");
    }
}

/// Every group of `small_clusters` with one patient has patients of one arm only; so have all groups of
/// `partially_nested`, whose term needs no multiplier: nobody in the other arm is in one.
#[test]
fn a_term_of_one_arm_needs_no_multiplier() {
    let data = trials::rows_of("partially_nested");
    let with = |term: &str| {
        let formula = format!("y ~ baseline + arm * visit + (1 | therapist) + {term} + us(visit | patient)");
        fit("partially_nested", &formula, &data, Df::KenwardRoger).expect("a fit")
    };
    let (stated, plain) = (with("(0 + gst | group)"), with("(1 | group)"));
    assert_eq!(stated.log_likelihood(), plain.log_likelihood());
    for (a, b) in stated.coefficients().rows.iter().zip(plain.coefficients().rows) {
        assert_eq!((a.estimate, a.se, a.df), (b.estimate, b.se, b.df));
    }
}

/// Therapists who treat one arm only: the difference of the arms rests on the variance among them, and on no more
/// degrees of freedom than there are therapists.
#[test]
fn therapists_of_one_arm_cost_degrees_of_freedom() {
    let rows = trials::rows_of("partially_nested");
    let one_arm: Vec<String> = rows
        .lines()
        .map(|line| {
            let mut fields: Vec<String> = line.split(',').map(str::to_string).collect();
            if fields[1] == "control" {
                fields[4] = format!("C{}", fields[4]);
            }
            fields.join(",")
        })
        .collect();
    let formula = "y ~ baseline + arm * visit + (1 | therapist) + us(visit | patient)";
    let shared = fit("partially_nested", formula, &rows, Df::KenwardRoger).expect("a fit");
    let apart = fit("partially_nested", formula, &one_arm.join("\n"), Df::KenwardRoger).expect("a fit");
    let arm = |fit: &Fit| fit.coefficients().rows.into_iter().find(|row| row.label == "armGST").expect("the arm");
    assert!(arm(&apart).se > arm(&shared).se);
    // Sixteen therapists in two arms.
    assert!(arm(&apart).df < 2.0 * 14.0 && arm(&shared).df > 60.0, "{} and {}", arm(&apart).df, arm(&shared).df);
}
