//! Covariance structures to fall back on, agreed before the data are seen: what is tried, what is recorded, and where.

use crate::common::{fev_head, fev_layout, of_values, read_text};
use std::path::Path;
use std::process::Command;
use trialstats::analysis::{Analysis, Silent};
use trialstats::report::TrialReport;
use trialstats::trial::{Schedule, Trial, Visit};
use trialstats::{Covariance, Error, Fit, Model};

fn few() -> Trial {
    read_text(&fev_layout(), "first 50 rows of fev.csv", &fev_head())
}

fn model() -> Model {
    Model::formula("FEV1 ~ ARMCD * AVISIT").expect("parses")
}

/// Patients who are seen at the visits of `seen`, by arm; every patient of an arm at the same ones, in turn.
fn trial(seen: [&[[bool; 3]]; 2]) -> Trial {
    let (mut values, mut arm_of) = (vec![], vec![]);
    for i in 0..40_u32 {
        let arm = (i % 2) as usize;
        let visits = seen[arm][(i / 2) as usize % seen[arm].len()];
        let noise = |k: u32| f64::from((i * k) % 13) - 6.0;
        let y = [10.0 + noise(7), 10.0 + 0.6 * noise(7) + noise(5), 10.0 + 0.5 * noise(7) + noise(11)];
        values.extend((0..3).map(|t| if visits[t] { y[t] } else { f64::NAN }));
        arm_of.push(arm);
    }
    let visits = (1..=3).map(|t| Visit { label: format!("v{t}"), time: None }).collect();
    of_values(&["control", "treated"], arm_of, Schedule::new(visits), values)
}

const ALL: [bool; 3] = [true, true, true];
const WITHOUT_SECOND: [bool; 3] = [true, false, true];
const WITHOUT_THIRD: [bool; 3] = [true, true, false];

fn message(fit: trialstats::Result<Fit>) -> (&'static str, String) {
    let error = fit.expect_err("there is no optimum");
    (error.code(), error.to_string())
}

/// The text without the line breaks of its notes.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_next_structure_is_fitted_and_what_was_given_up_is_recorded() {
    let trial = few();
    let listed = model().covariance_else([Covariance::CompoundSymmetry]).fit(&trial).expect("the second has an optimum");
    let alone = model().covariance(Covariance::CompoundSymmetry).fit(&trial).expect("fits");
    assert_eq!(listed.covariance_structure().to_string(), "compound-symmetry");
    assert_eq!(listed.log_likelihood(), alone.log_likelihood());
    let attempts: Vec<(String, &str)> = listed.attempts().iter().map(|a| (a.covariance.to_string(), a.failure.code())).collect();
    assert_eq!(attempts, [("unstructured".to_string(), "unbounded-likelihood")]);
    assert!(alone.attempts().is_empty());
    let table = unwrapped(&listed.coefficients().to_string());
    assert!(table.contains("agreed on before the fit: unstructured, else compound-symmetry; rejected: unstructured, because"), "{table}");
}

#[test]
fn a_first_structure_that_fits_is_fitted_and_the_list_is_recorded() {
    let trial = trial([&[ALL], &[ALL]]);
    let model = Model::formula("y ~ arm * visit").expect("parses");
    let listed = model.clone().covariance_else([Covariance::HeterogeneousToeplitz]).fit(&trial).expect("fits");
    assert!(listed.attempts().is_empty());
    assert_eq!(listed.log_likelihood(), model.fit(&trial).expect("fits").log_likelihood());
    assert!(
        listed.notes().iter().any(|n| n.contains("unstructured, else heterogeneous-toeplitz; the first was fitted")),
        "{:?}",
        listed.notes()
    );
}

#[test]
fn where_all_fail_every_attempt_is_named() {
    let banded = Covariance::BandedUnstructured { bands: 2 };
    let trial = trial([&[WITHOUT_SECOND, WITHOUT_THIRD], &[WITHOUT_SECOND, WITHOUT_THIRD]]);
    let (code, message) = message(Model::formula("y ~ arm * visit").expect("parses").covariance_else([banded]).fit(&trial));
    assert_eq!(code, "no-covariance-fits");
    assert!(message.contains("unstructured: the data do not determine covariance v2, v3"), "{message}");
    assert!(message.contains("unstructured(2): the data do not determine"), "{message}");
}

/// A constant outcome has no variance under any structure.
#[test]
fn a_failure_that_no_structure_cures_is_returned_at_once() {
    let trial = of_values(&["a", "b"], vec![0, 1, 0, 1, 0, 1], Schedule::of_labels(["v1", "v2"]), vec![3.0; 12]);
    let fit = Model::formula("y ~ arm").expect("parses").covariance_else([Covariance::CompoundSymmetry]).fit(&trial);
    assert_eq!(message(fit).0, "no-residual-variation");
}

/// Every patient has the same value at the second visit: a variance of its own would be zero there, one variance for
/// all visits is not.
#[test]
fn a_visit_without_variation_is_named_and_one_variance_for_all_cures_it() {
    let values = (0..40_u32).flat_map(|i| [f64::from(i * 7 % 13), 3.0, f64::from(i * 5 % 11)]).collect();
    let trial = of_values(&["all"], vec![0; 40], Schedule::of_labels(["v1", "v2", "v3"]), values);
    let model = Model::formula("y ~ visit").expect("parses").covariance(Covariance::HeterogeneousAutoregressive);
    let (code, text) = message(model.clone().fit(&trial));
    assert_eq!(code, "covariance-not-identified", "{text}");
    assert!(text.contains("do not determine variance v2"), "{text}");
    let fit = model.covariance_else([Covariance::Autoregressive]).fit(&trial).expect("one variance is not zero");
    assert_eq!(fit.attempts()[0].failure.code(), "covariance-not-identified");
}

/// The visits have no times: the list cannot be followed, whether or not its end is reached.
#[test]
fn a_list_that_cannot_be_followed_is_refused_whatever_the_data_say() {
    let spatial = Covariance::named("spatial-exponential").expect("a structure");
    let fit = Model::formula("y ~ arm * visit").expect("parses").covariance_else([spatial]).fit(&trial([&[ALL], &[ALL]]));
    assert_eq!(message(fit).0, "no-visit-times");
}

#[test]
fn visits_never_seen_together_are_named_by_group() {
    let trial = trial([&[WITHOUT_SECOND, WITHOUT_THIRD], &[ALL]]);
    let fit = Model::formula("y ~ arm * visit").expect("parses").covariance_by("arm").fit(&trial);
    let Err(Error::Fit(trialstats::fit::Failure::NotIdentified { parameters, never_together, .. })) = &fit else { panic!("{fit:?}") };
    assert_eq!(parameters, &["covariance v2, v3 (control)"]);
    let pairs: Vec<_> = never_together.iter().map(|p| (p.group.as_deref(), p.first.as_str(), p.second.as_str())).collect();
    assert_eq!(pairs, [(Some("control"), "v2", "v3")]);
    let (_, text) = message(fit);
    assert!(text.contains("no patient was seen at both v2 and v3 (control)"), "{text}");
}

/// The variance of a visit that a group never came to, and not each of its covariances, is what nothing is known of.
#[test]
fn a_visit_that_a_group_never_came_to_is_named_once() {
    let trial = trial([&[WITHOUT_THIRD], &[ALL]]);
    let (code, text) = message(Model::formula("y ~ arm + visit").expect("parses").covariance_by("arm").fit(&trial));
    assert_eq!(code, "covariance-not-identified");
    assert!(text.contains("no patient was seen at v3 (control);"), "{text}");
}

#[test]
fn the_plan_and_the_methods_paragraph_state_the_list() {
    let trial = few();
    let analysis = Analysis::of(&trial).primary("FEV1").covariance_else([Covariance::CompoundSymmetry]);
    let result = analysis.run(&Silent).expect("the second structure fits");
    assert_eq!(result.outcomes[0].model.covariance, "compound-symmetry");
    assert_eq!(result.outcomes[0].model.attempts.len(), 1);
    let html = TrialReport::new(&result).document().to_html();
    for text in
        ["unstructured, else compound-symmetry", "for FEV1 the covariance was compound-symmetry after giving up unstructured, because"]
    {
        assert!(html.contains(text), "the report does not say `{text}`");
    }
    let json = serde_json::to_value(&result).expect("serialises");
    assert_eq!(json["plan"]["model"]["covariance-else"], serde_json::json!(["compound-symmetry"]));
    assert_eq!(json["outcomes"][0]["model"]["attempts"][0]["failure"], "unbounded-likelihood");
}

#[test]
fn the_command_line_takes_the_list() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fev_head.csv");
    std::fs::write(&path, fev_head()).expect("the directory of temporary files takes it");
    let fit = |more: &[&str]| {
        let arguments =
            ["fit", "--data", path.to_str().expect("a path in letters"), "--subject", "USUBJID", "--visit", "AVISIT", "--arm", "ARMCD"];
        Command::new(env!("CARGO_BIN_EXE_trialstats"))
            .args(arguments)
            .args(["--formula", "FEV1 ~ ARMCD * AVISIT"])
            .args(more)
            .output()
            .expect("the command runs")
    };
    assert!(!fit(&[]).status.success());
    let text = fit(&["--else", "cs", "--else", "ar1"]);
    let text = unwrapped(&String::from_utf8_lossy(&text.stdout));
    assert!(text.contains("unstructured, else compound-symmetry, else autoregressive; rejected: unstructured, because"), "{text}");
    let json: serde_json::Value = serde_json::from_slice(&fit(&["--else", "cs", "--json"]).stdout).expect("the answer is JSON");
    assert_eq!(json["covariance_given_up"][0]["covariance"], "unstructured");
    assert!(json["formula"].as_str().expect("a formula").ends_with("cs(AVISIT | USUBJID)"), "{}", json["formula"]);
}
