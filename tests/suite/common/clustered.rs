//! The synthetic trials with clusters of `tests/references/mixed`.

use crate::common::{contents, imrs_gst, read};
use trialstats::fit::Engine;
use trialstats::trial::{CovariateKind, Layout};
use trialstats::{Fit, Trial};

/// The trial behind a file of references; `formula` says which of the two arms of `nested3.csv` is meant.
pub fn trial(data: &str, formula: &str) -> Trial {
    if data == "imrs_gst" {
        return imrs_gst();
    }
    read(&layout(data, formula), &file(data))
}

/// The text of a synthetic trial's file.
pub fn rows_of(data: &str) -> String {
    contents(&file(data))
}

fn file(data: &str) -> String {
    format!("tests/references/mixed/{data}.csv")
}

/// How the file of a synthetic trial is read.
pub fn layout(data: &str, formula: &str) -> Layout {
    match data {
        "nested3" => nested3(if formula.contains("arm_group") { "arm_group" } else { "arm_patient" }),
        "crossed" => Layout::long("patient", "arm", "visit")
            .reference_arm("control")
            .visits(["1", "2", "3", "4", "5", "6"])
            .outcome("y")
            .covariate_as("days", CovariateKind::NumericByVisit)
            .cluster_by_visit("therapist")
            .cluster("site"),
        "partially_nested" => Layout::long("patient", "arm", "visit")
            .reference_arm("control")
            .visits_at([("week 4", 4.0), ("week 8", 8.0), ("week 16", 16.0), ("week 24", 24.0)])
            .outcome("y")
            .covariate("baseline")
            .covariate_as("gst", CovariateKind::Numeric)
            .cluster("group")
            .cluster("therapist"),
        "many_sites" => Layout::long("patient", "arm", "visit")
            .reference_arm("control")
            .visits(["1", "2", "3", "4"])
            .outcome("y")
            .covariate("baseline")
            .cluster("site"),
        _ => Layout::long("patient", "arm", "visit").reference_arm("control").visits(["1", "2", "3"]).outcome("y").cluster("group"),
    }
}

fn nested3(arm: &str) -> Layout {
    Layout::long("patient", arm, "visit")
        .reference_arm("control")
        .visits_at([("month 1", 1.0), ("month 3", 3.0), ("month 6", 6.0), ("month 12", 12.0)])
        .outcome("y_group")
        .outcome("y_patient")
        .covariate("severity")
        .covariate_as("months", CovariateKind::NumericByVisit)
        .cluster("group")
}

/// The fit of a formula with random effects, once it is sure that the engine was the one that the formula asks for:
/// beside a covariance of the visits the effects are penalised columns; on their own, or beside independent visits of
/// one variance or one visit with one variance, they are eliminated.
pub fn by_its_engine(formula: &str, fit: Fit) -> Fit {
    let beside_a_covariance = formula.contains("(visit | ") && !formula.contains("independent(visit | patient)");
    let is_one_variance = fit.design().visit_labels().len() == 1 && fit.design().groups().len() == 1;
    let engine = if beside_a_covariance && !is_one_variance { Engine::DenseEffects } else { Engine::SparseEffects };
    assert_eq!(fit.convergence().engine, engine, "{formula}");
    fit
}
