//! Completed outcomes: by their expectation, or drawn from the distribution that the strategy gives them.

use super::completion::{Cohort, Maps};
use crate::simulate::random::{Stream, lower_factor, lower_times};
use nalgebra::DVector;

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
        let beta = DVector::from_iterator(beta.len(), beta.iter().map(|b| if b.is_nan() { 0.0 } else { *b }));
        let mut all = Vec::with_capacity(self.patients.len() * self.visits);
        for patient in patients.into_iter().map(|patient| &self.patients[patient]) {
            let start = all.len();
            all.extend_from_slice(&patient.outcomes);
            let class = &self.classes[patient.class];
            if class.missing.is_empty() {
                continue;
            }
            let maps = &maps[patient.class];
            let mean = &maps.own * (&patient.own * &beta) + &maps.reference * (&patient.reference * &beta);
            let observed = DVector::from_iterator(class.observed.len(), class.observed.iter().map(|&t| patient.outcomes[t] - mean[t]));
            let moved = &maps.regression * observed;
            let deviates = noise.as_mut().map(|noise| noise.next(patient.class, class.missing.len()));
            for (k, &t) in class.missing.iter().enumerate() {
                let deviate = deviates.as_ref().map_or(0.0, |deviates| deviates[k]);
                all[start + t] = patient.imputed(t, mean[t] + moved[k] + deviate);
            }
        }
        all
    }
}
