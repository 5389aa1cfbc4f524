//! A structure seen at some of its visits only.

use super::{Boundary, CovarianceStructure};
use nalgebra::DMatrix;

/// The rows and columns of another structure's Σ that belong to some of its visits; θ is that of the whole.
///
/// One response of a joint model has such a covariance: its own block of Σ, in the parameters of all responses.
#[derive(Debug)]
pub struct Selected {
    whole: Box<dyn CovarianceStructure>,
    visits: Vec<usize>,
    /// Labels of the whole's visits, for the names of its parameters.
    labels: Vec<String>,
}

impl Selected {
    /// The part of `whole` at `visits`, positions on its grid; `labels` are those of all its visits.
    pub fn new(whole: Box<dyn CovarianceStructure>, visits: Vec<usize>, labels: Vec<String>) -> Self {
        let visits = visits.into_iter().filter(|&v| v < whole.visits()).collect();
        Self { whole, visits, labels }
    }

    /// Writes the selected elements of a matrix on the whole grid.
    fn select(&self, whole: &DMatrix<f64>, part: &mut DMatrix<f64>) {
        for (j, &b) in self.visits.iter().enumerate() {
            for (i, &a) in self.visits.iter().enumerate() {
                part[(i, j)] = whole[(a, b)];
            }
        }
    }

    fn scratch(&self) -> DMatrix<f64> {
        DMatrix::zeros(self.whole.visits(), self.whole.visits())
    }
}

impl CovarianceStructure for Selected {
    fn visits(&self) -> usize {
        self.visits.len()
    }

    fn parameter_names(&self, _labels: &[String]) -> Vec<String> {
        self.whole.parameter_names(&self.labels)
    }

    /// Visits that are not selected start with the average variance, uncorrelated.
    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        let average = moments.trace() / self.visits.len().max(1) as f64;
        let mut whole = DMatrix::from_diagonal_element(self.whole.visits(), self.whole.visits(), average);
        for (j, &b) in self.visits.iter().enumerate() {
            for (i, &a) in self.visits.iter().enumerate() {
                whole[(a, b)] = moments[(i, j)];
            }
        }
        self.whole.start(&whole)
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        self.whole.in_range(theta)
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        let mut whole = self.scratch();
        self.whole.sigma(theta, &mut whole);
        self.select(&whole, sigma);
    }

    fn derivative(&self, theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        let mut whole = self.scratch();
        self.whole.derivative(theta, k, &mut whole);
        self.select(&whole, derivative);
    }

    fn second_derivative(&self, theta: &[f64], k: usize, l: usize, derivative: &mut DMatrix<f64>) -> bool {
        let mut whole = self.scratch();
        let bends = self.whole.second_derivative(theta, k, l, &mut whole);
        if bends {
            self.select(&whole, derivative);
        }
        bends
    }

    fn is_linear(&self) -> bool {
        self.whole.is_linear()
    }

    fn boundaries(&self) -> Vec<Boundary> {
        self.whole.boundaries()
    }
}
