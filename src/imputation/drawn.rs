//! Completed outcomes: by their expectation, or drawn from the distribution that the strategy gives them.

use super::completion::{Cohort, Maps};
use crate::simulate::random::{Stream, lower_factor, lower_times};
use nalgebra::DMatrix;

/// Deviates of imputed values from their expectation.
pub(super) struct Noise {
    stream: Stream,
    /// The lower factor of the conditional covariance of each class, row by row.
    factors: Vec<Vec<f64>>,
}

impl Noise {
    /// From this stream; none where a conditional covariance is not positive definite.
    pub fn of(stream: Stream, maps: &[Maps]) -> Option<Self> {
        let factor = |maps: &Maps| lower_factor(maps.conditional.as_slice(), maps.conditional.nrows());
        Some(Self { stream, factors: maps.iter().map(factor).collect::<Option<_>>()? })
    }

    fn next(&mut self, class: usize, size: usize) -> Vec<f64> {
        let deviates = self.stream.normals(size);
        lower_times(&self.factors[class], &deviates)
    }
}

impl Cohort {
    /// The outcomes of these patients with missing ones replaced, patient by patient: n × T. By their expectation given
    /// what was observed, or drawn about it.
    pub fn completed_of(
        &self,
        patients: impl IntoIterator<Item = usize>,
        beta: &[f64],
        maps: &[Maps],
        mut noise: Option<&mut Noise>,
    ) -> Vec<f64> {
        let beta: Vec<f64> = beta.iter().map(|b| if b.is_nan() { 0.0 } else { *b }).collect();
        let mut all = Vec::with_capacity(self.patients.len() * self.visits);
        let [mut own, mut reference, mut mean] = [(); 3].map(|()| vec![0.0; self.visits]);
        for patient in patients.into_iter().map(|patient| &self.patients[patient]) {
            let start = all.len();
            all.extend_from_slice(&patient.outcomes);
            let class = &self.classes[patient.class];
            if class.missing.is_empty() {
                continue;
            }
            let maps = &maps[patient.class];
            mean.fill(0.0);
            add_product(&patient.own, &beta, &mut own, 0.0);
            add_product(&maps.own, &own, &mut mean, 1.0);
            match &patient.reference {
                Some(rows) => {
                    add_product(rows, &beta, &mut reference, 0.0);
                    add_product(&maps.reference, &reference, &mut mean, 1.0);
                }
                None => add_product(&maps.reference, &own, &mut mean, 1.0),
            }
            let deviates = noise.as_mut().map(|noise| noise.next(patient.class, class.missing.len()));
            for (k, &t) in class.missing.iter().enumerate() {
                let from_mean = |(j, &o): (usize, &usize)| maps.regression[(k, j)] * (patient.outcomes[o] - mean[o]);
                let moved: f64 = class.observed.iter().enumerate().map(from_mean).sum();
                let deviate = deviates.as_ref().map_or(0.0, |deviates| deviates[k]);
                all[start + t] = patient.imputed(t, mean[t] + moved + deviate);
            }
        }
        all
    }
}

/// Puts `kept` times what is there and the product into `to`, without room of its own.
fn add_product(matrix: &DMatrix<f64>, by: &[f64], to: &mut [f64], kept: f64) {
    if kept == 0.0 {
        to.fill(0.0);
    } else {
        to.iter_mut().for_each(|x| *x *= kept);
    }
    for (column, by) in matrix.as_slice().chunks_exact(to.len()).zip(by) {
        to.iter_mut().zip(column).for_each(|(to, x)| *to += x * by);
    }
}
