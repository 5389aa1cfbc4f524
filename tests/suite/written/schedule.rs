//! A declared schedule is followed by every structure that depends on order or distance, visits that nobody made
//! included.

use super::{close, command};
use crate::common::{FEV, contents, fev_layout, read_text};
use trialstats::covariance::Covariance;
use trialstats::trial::{Layout, Outcome, Schedule};
use trialstats::{Model, Trial};

/// fev without the rows of some visits.
fn without(visits: &[&str]) -> Trial {
    let text = contents(FEV);
    let kept = text.lines().filter(|line| !visits.iter().any(|v| line.contains(v)));
    read_text(&fev_layout(), "fev", &kept.map(|line| format!("{line}\n")).collect::<String>())
}

fn fit(trial: &Trial, covariance: Covariance) -> trialstats::Fit {
    Model::formula("FEV1 ~ ARMCD * AVISIT").expect("a formula").covariance(covariance).fit(trial).expect("fits")
}

#[test]
fn a_visit_that_nobody_made_counts_as_a_step() {
    let trial = without(&["VIS3"]);
    close(fit(&trial, Covariance::Autoregressive).log_likelihood(), -1385.877966, 5e-6);
    let file = std::env::temp_dir().join("trialstats_written_schedule.csv");
    let text: String = contents(FEV).lines().filter(|line| !line.contains("VIS3")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, text).expect("written");
    let path = file.to_str().expect("UTF-8");
    let out = command(&[
        "fit",
        "--data",
        path,
        "--subject",
        "USUBJID",
        "--visit",
        "AVISIT",
        "--visits",
        "VIS1,VIS2,VIS3,VIS4",
        "--formula",
        "FEV1 ~ ARMCD*AVISIT",
        "--covariance",
        "ar1",
    ])
    .expect("fits");
    assert!(out.contains("2771.76") && out.contains("no analysed observation at VIS3"), "{out}");
    std::fs::remove_file(file).expect("removed");
}

/// AR(1) on visits 1, 2 and 4 is the spatial power structure on these times; heterogeneous structures have a variance
/// for each visit that was made, and a correlation for each distance that occurs.
#[test]
fn structures_on_a_schedule_with_gaps_are_what_they_say() {
    let trial = without(&["VIS3"]);
    let power = fit(&trial, Covariance::SpatialPower(trialstats::covariance::Coordinates::VisitTime));
    let ar1 = fit(&trial, Covariance::Autoregressive);
    close(ar1.log_likelihood(), power.log_likelihood(), 1e-8);
    let names = |covariance: Covariance| -> Vec<String> {
        fit(&trial, covariance).covariance_parameters().into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(Covariance::HeterogeneousAutoregressive), ["variance VIS1", "variance VIS2", "variance VIS4", "autocorrelation"]);
    assert_eq!(names(Covariance::Toeplitz), ["variance", "covariance at lag 1", "covariance at lag 2", "covariance at lag 3"]);
    // Three distances of three visits: a correlation for each pair, which with a variance per visit is unstructured.
    let toeplitz = fit(&trial, Covariance::HeterogeneousToeplitz);
    close(toeplitz.log_likelihood(), fit(&trial, Covariance::Unstructured).log_likelihood(), 1e-7);
    // VIS1 and VIS4 alone: one distance, of three steps.
    let two = without(&["VIS2", "VIS3"]);
    let names: Vec<String> = fit(&two, Covariance::Toeplitz).covariance_parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["variance", "covariance at lag 3"]);
    let symmetric = fit(&two, Covariance::CompoundSymmetry).log_likelihood();
    close(fit(&two, Covariance::Toeplitz).log_likelihood(), symmetric, 1e-7);
    close(fit(&two, Covariance::Autoregressive).log_likelihood(), symmetric, 1e-7);
    // Two steps apart: no covariance in a band of two.
    let banded = fit(&without(&["VIS3"]), Covariance::BandedUnstructured { bands: 2 });
    assert_eq!(banded.covariances()[0].sigma[(2, 1)], 0.0);
    let ante = fit(&trial, Covariance::HeterogeneousAnteDependence);
    assert_eq!(ante.covariance_parameters().len(), 5);
}

/// A visit without outcomes is the same whether its rows are there or not, and one left out of the analysis is a step.
#[test]
fn rows_without_outcomes_and_visits_left_out_are_steps() {
    let text = contents(FEV);
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let blank = |line: &str| {
        let mut cells: Vec<&str> = line.split(',').collect();
        if cells[1].contains("VIS3") {
            cells[6] = "NA";
        }
        cells.join(",") + "\n"
    };
    let blanked: String = std::iter::once(format!("{header}\n")).chain(lines.map(blank)).collect();
    let dropped = fit(&without(&["VIS3"]), Covariance::Autoregressive).log_likelihood();
    close(fit(&read_text(&fev_layout(), "fev", &blanked), Covariance::Autoregressive).log_likelihood(), dropped, 1e-9);
    let chosen = Model::formula("FEV1 ~ ARMCD * AVISIT").expect("a formula").covariance(Covariance::Autoregressive);
    let whole = read_text(&fev_layout(), "fev", &text);
    close(chosen.visits(["VIS1", "VIS2", "VIS4"]).fit(&whole).expect("fits").log_likelihood(), dropped, 1e-9);
}

/// The derivatives of a spaced structure, seen through the search: its optimum satisfies the score equations of a dense
/// likelihood to second order, so that moving any parameter lowers the likelihood.
#[test]
fn a_spaced_optimum_is_one() {
    let values: Vec<f64> = (0..60 * 5).map(|k| ((k * 37 + k / 5 * 11) % 23) as f64 + if k % 5 == 2 { f64::NAN } else { 0.0 }).collect();
    let outcome = Outcome { name: "y".into(), label: "y".into(), range: None, values };
    let trial = Trial::builder("made up")
        .patients((0..60).map(|i| i.to_string()))
        .arms(["a", "b"], (0..60).map(|i| i % 2).collect())
        .schedule(Schedule::of_labels(["1", "2", "3", "4", "5"]))
        .outcome(outcome)
        .build()
        .expect("a trial");
    for covariance in [Covariance::HeterogeneousToeplitz, Covariance::HeterogeneousAutoregressive, Covariance::Toeplitz] {
        let fit = Model::formula("y ~ arm * visit").expect("a formula").covariance(covariance).fit(&trial).expect("fits");
        assert!(fit.design().visit_labels() == ["1", "2", "4", "5"] && fit.convergence().decrement < 1e-6);
    }
    let layout = Layout::long("USUBJID", "ARMCD", "AVISIT").visits(["VIS1", "VIS2", "VIS3", "VIS4"]).outcome("FEV1");
    assert_eq!(layout.read_csv_from("fev", contents(FEV).as_bytes()).expect("reads").schedule().len(), 4);
}
