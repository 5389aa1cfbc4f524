//! What must not matter does not: the order of patients, the names of visits, the unit and the origin of the outcome.

use crate::common::tolerances::{INVARIANCE, INVARIANCE_DF};
use crate::common::{Comparison, invented, outcome};
use proptest::prelude::*;
use trialstats::covariance::Covariance;
use trialstats::trial::{Schedule, Variable, Visit};
use trialstats::{Df, Fit, Model, Trial};

const VISITS: usize = 4;

/// Patients with two arms, a covariate, an outcome at four visits and some of it missing.
#[derive(Debug, Clone)]
struct Data {
    rows: Vec<Patient>,
}

#[derive(Debug, Clone)]
struct Patient {
    treated: bool,
    age: f64,
    /// The outcome; NaN where missing.
    y: [f64; VISITS],
}

/// 30 to 50 patients; each has a level of its own, so that visits correlate, and the last visits may be missing.
fn data() -> impl Strategy<Value = Data> {
    let patient =
        (-1.0..1.0_f64, prop::array::uniform4(-1.0..1.0_f64), -1.0..1.0_f64, 0..10_usize).prop_map(|(level, noise, age, seen)| {
            let mut y = [0.0; VISITS];
            for t in 0..VISITS {
                y[t] = 20.0 - 2.0 * t as f64 + 5.0 * level + 3.0 * noise[t] * (1.0 + 0.2 * t as f64) + age;
                if seen <= 2 && t > seen {
                    y[t] = f64::NAN;
                }
            }
            (age, y)
        });
    prop::collection::vec(patient, 30..50).prop_map(|patients| {
        let rows = patients.into_iter().enumerate().map(|(i, (age, y))| Patient { treated: i % 2 == 1, age, y }).collect();
        Data { rows }
    })
}

impl Data {
    fn trial(&self, labels: [&str; VISITS]) -> Trial {
        let visits = labels.iter().enumerate().map(|(t, l)| Visit { label: l.to_string(), time: Some(t as f64) }).collect();
        let arm_of = self.rows.iter().map(|p| usize::from(p.treated)).collect();
        invented(&["control", "active"], arm_of, Schedule::new(visits))
            .outcome(outcome("y", self.rows.iter().flat_map(|p| p.y).collect()))
            .variable(Variable::number("age", self.rows.iter().map(|p| p.age).collect()))
            .build()
            .expect("the generated data are a trial")
    }

    fn fit(&self, labels: [&str; VISITS], covariance: &Covariance, df: Df) -> Option<Fit> {
        let model = Model::formula("y ~ age + arm * visit").expect("a formula").covariance(covariance.clone()).df(df);
        // A generated trial may have no verified optimum; then there is nothing to compare.
        model.fit(&self.trial(labels)).ok()
    }
}

const LABELS: [&str; VISITS] = ["1", "2", "3", "4"];

fn covariance() -> impl Strategy<Value = Covariance> {
    prop::sample::select(Covariance::NAMED.map(|(_, _, covariance)| covariance).to_vec())
}

fn df() -> impl Strategy<Value = Df> {
    prop::sample::select(vec![Df::Satterthwaite, Df::KenwardRoger])
}

/// The coefficients of `b` are `shift` (intercept only) plus `scale` times those of `a`.
fn compare(a: &Fit, b: &Fit, shift: f64, scale: f64) -> Result<(), TestCaseError> {
    let mut c = Comparison::of("invariance");
    let n = (a.n_observations() - a.rank()) as f64;
    // Densities change by the unit's factor, once for every residual degree of freedom.
    c.within("log-likelihood", b.log_likelihood(), a.log_likelihood() - n * scale.ln(), INVARIANCE * n);
    for (j, (a, b)) in a.coefficients().rows.iter().zip(b.coefficients().rows).enumerate() {
        let origin = if j == 0 { shift } else { 0.0 };
        c.within("estimate", b.estimate, origin + scale * a.estimate, INVARIANCE * scale * a.se);
        c.relative("SE", b.se, scale * a.se, INVARIANCE);
        c.relative("df", b.df, a.df, INVARIANCE_DF);
    }
    let misses = c.misses();
    prop_assert!(misses.is_empty(), "{}", misses.join("\n"));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_patients_does_not_matter(data in data(), covariance in covariance(), df in df(), by in 1..25_usize) {
        let mut other = data.clone();
        other.rows.rotate_left(by);
        other.rows.reverse();
        match (data.fit(LABELS, &covariance, df), other.fit(LABELS, &covariance, df)) {
            (Some(a), Some(b)) => compare(&a, &b, 0.0, 1.0)?,
            (a, b) => prop_assert_eq!(a.is_none(), b.is_none()),
        }
    }

    #[test]
    fn the_names_of_visits_do_not_matter(data in data(), covariance in covariance(), df in df()) {
        let (a, b) = (data.fit(LABELS, &covariance, df), data.fit(["zeta", "10", "9", "alpha"], &covariance, df));
        match (a, b) {
            (Some(a), Some(b)) => compare(&a, &b, 0.0, 1.0)?,
            (a, b) => prop_assert_eq!(a.is_none(), b.is_none()),
        }
    }

    #[test]
    fn unit_and_origin_of_the_outcome_do_not_matter(
        data in data(), covariance in covariance(), df in df(), shift in -1e3..1e3_f64, magnitude in -4..5_i32
    ) {
        let scale = 10.0_f64.powi(magnitude);
        let mut other = data.clone();
        other.rows.iter_mut().flat_map(|p| p.y.iter_mut()).for_each(|y| *y = scale * (*y + shift));
        match (data.fit(LABELS, &covariance, df), other.fit(LABELS, &covariance, df)) {
            (Some(a), Some(b)) => compare(&a, &b, scale * shift, scale)?,
            (a, b) => prop_assert_eq!(a.is_none(), b.is_none()),
        }
    }
}
