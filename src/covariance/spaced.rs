//! A structure on a schedule at some of whose visits nobody was seen.

use super::{Boundary, CovarianceStructure};
use nalgebra::DMatrix;

/// Σ of another structure at some of its visits, in those of its parameters that these visits depend on: a visit of
/// the schedule that nobody made keeps its place in the order and has no parameter of its own.
#[derive(Debug)]
pub(crate) struct Spaced {
    whole: Box<dyn CovarianceStructure>,
    /// Positions on the grid of the whole, ascending.
    visits: Vec<usize>,
    /// The parameters that Σ at these visits depends on, as positions in θ of the whole.
    parameters: Vec<usize>,
    /// θ of the whole at some point inside its range, for the others.
    inside: Vec<f64>,
}

impl Spaced {
    /// The part of `whole` at `visits`.
    pub fn new(whole: Box<dyn CovarianceStructure>, visits: Vec<usize>) -> Self {
        let size = whole.visits();
        // Correlations that fall with distance, so that no derivative vanishes by chance.
        let inside = whole.start(&DMatrix::from_fn(size, size, |a, b| 0.5_f64.powi(a.abs_diff(b) as i32)));
        let mut derivative = DMatrix::zeros(size, size);
        let depends = |k: &usize| {
            whole.derivative(&inside, *k, &mut derivative);
            visits.iter().any(|&a| visits.iter().any(|&b| derivative[(a, b)] != 0.0))
        };
        let parameters = (0..inside.len()).filter(depends).collect();
        Self { whole, visits, parameters, inside }
    }

    /// θ of the whole.
    fn whole_of(&self, theta: &[f64]) -> Vec<f64> {
        let mut whole = self.inside.clone();
        self.parameters.iter().zip(theta).for_each(|(&k, x)| whole[k] = *x);
        whole
    }

    /// What `write` writes on the whole grid, at the visits.
    fn select<T>(&self, part: &mut DMatrix<f64>, write: impl FnOnce(&mut DMatrix<f64>) -> T) -> T {
        let mut whole = DMatrix::zeros(self.whole.visits(), self.whole.visits());
        let answer = write(&mut whole);
        for (j, &b) in self.visits.iter().enumerate() {
            for (i, &a) in self.visits.iter().enumerate() {
                part[(i, j)] = whole[(a, b)];
            }
        }
        answer
    }

    /// The correlation of neighbours that the correlations at the visits suggest, positive.
    fn fall(&self, moments: &DMatrix<f64>) -> f64 {
        let mut found = vec![];
        for (j, &b) in self.visits.iter().enumerate() {
            for (i, &a) in self.visits.iter().enumerate().skip(j + 1) {
                let correlation = moments[(i, j)] / (moments[(i, i)] * moments[(j, j)]).sqrt();
                found.push(correlation.max(0.0).powf(1.0 / a.abs_diff(b) as f64));
            }
        }
        let mean = found.iter().sum::<f64>() / found.len().max(1) as f64;
        if mean.is_nan() { 0.1 } else { mean.clamp(0.1, 0.9) }
    }

    /// The position of a parameter of the whole among those that are left.
    fn position(&self, parameter: usize) -> Option<usize> {
        self.parameters.iter().position(|&k| k == parameter)
    }
}

impl CovarianceStructure for Spaced {
    fn visits(&self) -> usize {
        self.visits.len()
    }

    fn parameter_names(&self, labels: &[String]) -> Vec<String> {
        let label = |v: usize| self.visits.iter().position(|&own| own == v).and_then(|at| labels.get(at)).cloned();
        let whole: Vec<String> = (0..self.whole.visits()).map(|v| label(v).unwrap_or_default()).collect();
        let names = self.whole.parameter_names(&whole);
        self.parameters.iter().filter_map(|&k| names.get(k).cloned()).collect()
    }

    /// Visits that nobody made start with the average variance, and with correlations that fall with the distance as those
    /// between the others do.
    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        let (size, average) = (self.whole.visits(), moments.trace() / self.visits.len().max(1) as f64);
        let fall = self.fall(moments);
        let mut whole = DMatrix::from_fn(size, size, |a, b| average * fall.powi(a.abs_diff(b) as i32));
        for (j, &b) in self.visits.iter().enumerate() {
            for (i, &a) in self.visits.iter().enumerate() {
                whole[(a, b)] = moments[(i, j)];
            }
        }
        let start = self.whole.start(&whole);
        self.parameters.iter().map(|&k| start[k]).collect()
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        self.whole.in_range(&self.whole_of(theta))
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        self.select(sigma, |whole| self.whole.sigma(&self.whole_of(theta), whole));
    }

    fn derivative(&self, theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        self.select(derivative, |whole| self.whole.derivative(&self.whole_of(theta), self.parameters[k], whole));
    }

    fn second_derivative(&self, theta: &[f64], k: usize, l: usize, derivative: &mut DMatrix<f64>) -> bool {
        let (k, l) = (self.parameters[k], self.parameters[l]);
        self.select(derivative, |whole| self.whole.second_derivative(&self.whole_of(theta), k, l, whole))
    }

    fn is_linear(&self) -> bool {
        self.whole.is_linear()
    }

    fn boundaries(&self) -> Vec<Boundary> {
        let moved = |boundary: Boundary| match boundary {
            Boundary::Root { parameter, power } => Some(Boundary::Root { parameter: self.position(parameter)?, power }),
            Boundary::Vanishing { parameter } => Some(Boundary::Vanishing { parameter: self.position(parameter)? }),
            // The structures that count steps have none.
            Boundary::Semidefinite { .. } => None,
        };
        self.whole.boundaries().into_iter().filter_map(moved).collect()
    }
}
