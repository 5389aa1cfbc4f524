//! Covariance structures on coordinates that differ by patient.

use crate::common::{FEV, contents, fev, fev_layout, read_text};
use trialstats::covariance::{Coordinates, Covariance};
use trialstats::{Df, Model, Vcov};

fn model(covariance: Covariance) -> Model {
    Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT").expect("parses").covariance(covariance).df(Df::KenwardRoger)
}

fn columns(names: &[&str]) -> Coordinates {
    Coordinates::Columns(names.iter().map(|n| n.to_string()).collect())
}

/// Coordinates that are the same for everyone, read from a column, patient by patient: what the schedule's times
/// give, from sums.
#[test]
fn columns_that_repeat_the_schedule_give_what_the_schedule_gives() {
    let trial = fev();
    type Structure = fn(Coordinates) -> Covariance;
    for structure in [Covariance::SpatialExponential as Structure, Covariance::SpatialGaussian, Covariance::SpatialPower] {
        let by_time = model(structure(Coordinates::VisitTime)).fit(&trial).expect("fits");
        let by_column = model(structure(columns(&["VISITN"]))).fit(&trial).expect("fits");
        assert!(by_time.moments().is_some() && by_column.moments().is_none());
        let difference = (by_time.log_likelihood() - by_column.log_likelihood()).abs();
        assert!(difference < 1e-11 * by_time.log_likelihood().abs(), "{difference}");
        for (a, b) in by_time.coefficients().rows.iter().zip(by_column.coefficients().rows) {
            assert!((a.estimate - b.estimate).abs() < 1e-9 * a.se, "{}: {} and {}", a.label, a.estimate, b.estimate);
            assert!((a.se - b.se).abs() < 1e-9 * a.se && (a.df - b.df).abs() < 1e-7 * a.df, "{}: {b:?}", a.label);
        }
        let (ours, theirs) = (by_column.residuals(), by_time.residuals());
        let worst = ours.rows.iter().zip(&theirs.rows).map(|(a, b)| (a.normalised - b.normalised).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-8, "normalised residuals differ by {worst}");
    }
}

#[test]
fn a_visit_without_a_place_is_named() {
    let text = contents(FEV);
    // The first observed value, of patient PT1 at VIS2, loses its coordinate.
    let broken: Vec<String> = text
        .lines()
        .map(|line| {
            if line.starts_with("\"PT1\",\"VIS2\"") {
                line.rsplit_once(',').map_or(line.into(), |(l, _)| format!("{l},NA"))
            } else {
                line.into()
            }
        })
        .collect();
    let trial = read_text(&fev_layout(), "broken.csv", &broken.join("\n"));
    let message = model(Covariance::SpatialExponential(columns(&["VISITN2"]))).fit(&trial).expect_err("no place").to_string();
    assert!(message.contains("`VISITN2` of patient `PT1` at VIS2"), "{message}");
    let factor = model(Covariance::SpatialExponential(columns(&["SEX"]))).fit(&trial).expect_err("a factor").to_string();
    assert!(factor.contains("factor"), "{factor}");
    assert!(model(Covariance::SpatialExponential(columns(&["nowhere"]))).fit(&trial).is_err());
}

#[test]
fn a_sandwich_on_them_is_refused() {
    let robust = model(Covariance::SpatialExponential(columns(&["VISITN2"]))).df(Df::Satterthwaite).vcov(Vcov::Cr2);
    assert_eq!(robust.fit(&fev()).expect_err("not built").code(), "not-available");
}
