//! Several responses at several visits: the product of a covariance among responses and one among visits.

use super::{Boundary, CovarianceStructure, lower, lower_pairs};
use crate::error::{Error, Result};
use nalgebra::DMatrix;

/// Σ_(r,t),(r',t') = (Σ_R)_rr' V_tt' with an unstructured Σ_R among R responses and a structure V among T visits
/// (Galecki 1994, Communications in Statistics – Theory and Methods 23:3105–3119; SAS's `UN@UN`, `UN@CS`,
/// `UN@AR(1)`).
///
/// The product does not say how the scale is shared, so the variance of the first visit in V is held at 1, as SAS has
/// it: Σ_R is the covariance of the responses at the first visit. θ = (lower triangle of Σ_R row by row, the
/// parameters of V without its first).
///
/// The grid consists of cells, pairs of a response and a visit; a response need not have been measured at every
/// visit. Both factors must be positive definite as a whole.
#[derive(Debug)]
pub struct Kronecker {
    responses: Vec<String>,
    visits: Vec<String>,
    /// V; its first parameter is the variance of the first visit.
    among_visits: Box<dyn CovarianceStructure>,
    /// The response and the visit of each cell.
    cells: Vec<(usize, usize)>,
}

impl Kronecker {
    /// The structure on `cells`, pairs of positions in `responses` and `visits`, with V = `among_visits`.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the first parameter of `among_visits` is not the variance of the first visit, so that
    /// it cannot be held at 1; where it has another number of visits; and for a cell that is not on the grid.
    pub fn new(
        responses: Vec<String>,
        visits: Vec<String>,
        among_visits: Box<dyn CovarianceStructure>,
        cells: Vec<(usize, usize)>,
    ) -> Result<Self> {
        let refused = |why: &str| {
            Err(Error::not_built(
                "a product of covariances",
                why,
                "use an unstructured, compound-symmetric or autoregressive one among the visits",
            ))
        };
        if among_visits.visits() != visits.len() || cells.iter().any(|&(r, t)| r >= responses.len() || t >= visits.len()) {
            return refused("the responses, visits and cells do not go together");
        }
        if !begins_with_first_variance(&*among_visits) {
            return refused(
                "the first parameter of the structure among visits is not the variance of the first visit, so the scale cannot be fixed",
            );
        }
        Ok(Self { responses, visits, among_visits, cells })
    }

    /// The number of parameters of Σ_R.
    fn among_responses(&self) -> usize {
        lower(self.responses.len(), 0)
    }

    /// Σ_R.
    fn response_covariance(&self, theta: &[f64]) -> DMatrix<f64> {
        let r = self.responses.len();
        DMatrix::from_fn(r, r, |a, b| theta[lower(a.max(b), a.min(b))])
    }

    /// The parameters of V, the first held at 1.
    fn visit_parameters(&self, theta: &[f64]) -> Vec<f64> {
        std::iter::once(1.0).chain(theta[self.among_responses()..].iter().copied()).collect()
    }

    fn visit_covariance(&self, theta: &[f64]) -> DMatrix<f64> {
        let mut v = DMatrix::zeros(self.visits.len(), self.visits.len());
        self.among_visits.sigma(&self.visit_parameters(theta), &mut v);
        v
    }

    /// Writes the product of two factors at the cells.
    fn product(&self, among_responses: impl Fn(usize, usize) -> f64, among_visits: &DMatrix<f64>, product: &mut DMatrix<f64>) {
        for (j, &(s, u)) in self.cells.iter().enumerate() {
            for (i, &(r, t)) in self.cells.iter().enumerate() {
                product[(i, j)] = among_responses(r, s) * among_visits[(t, u)];
            }
        }
    }

    /// V from the moments of the cells, its first variance 1: covariances in units of each response's average
    /// variance, averaged over the responses that have both visits.
    fn visit_start(&self, moments: &DMatrix<f64>) -> DMatrix<f64> {
        let visits = self.visits.len();
        let (mut sum, mut count) = (DMatrix::<f64>::zeros(visits, visits), DMatrix::<f64>::zeros(visits, visits));
        for response in 0..self.responses.len() {
            let own: Vec<(usize, usize)> = self.cells.iter().enumerate().filter(|(_, c)| c.0 == response).map(|(i, c)| (i, c.1)).collect();
            let scale = own.iter().map(|&(i, _)| moments[(i, i)]).sum::<f64>() / own.len() as f64;
            for &(i, t) in &own {
                for &(j, u) in &own {
                    sum[(t, u)] += moments[(i, j)] / scale;
                    count[(t, u)] += 1.0;
                }
            }
        }
        let mut v = DMatrix::from_fn(visits, visits, |t, u| match count[(t, u)] > 0.0 {
            true => sum[(t, u)] / count[(t, u)],
            false => f64::from(u8::from(t == u)),
        });
        shrink_until_positive_definite(&mut v);
        let first = v[(0, 0)];
        v / first
    }
}

impl CovarianceStructure for Kronecker {
    fn visits(&self) -> usize {
        self.cells.len()
    }

    fn parameter_names(&self, _labels: &[String]) -> Vec<String> {
        let of_responses = lower_pairs(self.responses.len()).map(|(a, b)| match a == b {
            true => format!("variance {}", self.responses[a]),
            false => format!("covariance {}, {}", self.responses[b], self.responses[a]),
        });
        let of_visits = self.among_visits.parameter_names(&self.visits).into_iter().skip(1).map(|name| format!("among visits: {name}"));
        of_responses.chain(of_visits).collect()
    }

    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        let mut theta = self.among_visits.start(&self.visit_start(moments));
        theta[0] = 1.0;
        let mut v = DMatrix::zeros(self.visits.len(), self.visits.len());
        self.among_visits.sigma(&theta, &mut v);
        // Σ_R: the moments of two responses at the same visit, in units of that visit's variance.
        let responses = self.responses.len();
        let (mut sum, mut count) = (DMatrix::<f64>::zeros(responses, responses), DMatrix::<f64>::zeros(responses, responses));
        for (j, &(s, u)) in self.cells.iter().enumerate() {
            for (i, &(r, t)) in self.cells.iter().enumerate().filter(|(_, c)| c.1 == u) {
                sum[(r, s)] += moments[(i, j)] / v[(t, t)];
                count[(r, s)] += 1.0;
            }
        }
        let mut among = sum.zip_map(&count, |sum, n| if n > 0.0 { sum / n } else { 0.0 });
        shrink_until_positive_definite(&mut among);
        lower_pairs(responses).map(|(a, b)| among[(a, b)]).chain(theta.into_iter().skip(1)).collect()
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        // Where some cells are left out, Σ on the others may be positive definite though a factor is not.
        self.among_visits.in_range(&self.visit_parameters(theta))
            && self.response_covariance(theta).cholesky().is_some()
            && self.visit_covariance(theta).cholesky().is_some()
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        let among = self.response_covariance(theta);
        self.product(|r, s| among[(r, s)], &self.visit_covariance(theta), sigma);
    }

    /// Those of V, one place earlier without its first parameter.
    fn boundaries(&self) -> Vec<Boundary> {
        self.among_visits.boundaries().into_iter().map(|b| b.moved(self.among_responses() - 1)).collect()
    }

    fn derivative(&self, theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        let first = self.among_responses();
        if k < first {
            return self.product(|r, s| unit(k, r, s), &self.visit_covariance(theta), derivative);
        }
        let mut slope = DMatrix::zeros(self.visits.len(), self.visits.len());
        self.among_visits.derivative(&self.visit_parameters(theta), k - first + 1, &mut slope);
        let among = self.response_covariance(theta);
        self.product(|r, s| among[(r, s)], &slope, derivative);
    }

    fn second_derivative(&self, theta: &[f64], k: usize, l: usize, derivative: &mut DMatrix<f64>) -> bool {
        let (k, l, first) = (k.min(l), k.max(l), self.among_responses());
        if l < first {
            return false;
        }
        let parameters = self.visit_parameters(theta);
        let mut bend = DMatrix::zeros(self.visits.len(), self.visits.len());
        if k < first {
            self.among_visits.derivative(&parameters, l - first + 1, &mut bend);
            self.product(|r, s| unit(k, r, s), &bend, derivative);
            return true;
        }
        if !self.among_visits.second_derivative(&parameters, k - first + 1, l - first + 1, &mut bend) {
            return false;
        }
        let among = self.response_covariance(theta);
        self.product(|r, s| among[(r, s)], &bend, derivative);
        true
    }
}

/// The derivative of element (r, s) of a symmetric matrix with respect to its k-th parameter.
fn unit(k: usize, r: usize, s: usize) -> f64 {
    f64::from(u8::from(lower(r.max(s), r.min(s)) == k))
}

/// Halves the off-diagonal elements until the matrix is positive definite; its diagonal must be positive.
fn shrink_until_positive_definite(matrix: &mut DMatrix<f64>) {
    for _ in 0..60 {
        if matrix.clone().cholesky().is_some() {
            return;
        }
        let diagonal = matrix.diagonal();
        *matrix *= 0.5;
        matrix.set_diagonal(&diagonal);
    }
}

/// Whether the first parameter of a structure is the variance of the first visit and nothing else is part of that
/// variance.
fn begins_with_first_variance(structure: &dyn CovarianceStructure) -> bool {
    let t = structure.visits();
    if t == 0 || structure.boundaries().iter().any(|b| matches!(b, Boundary::Semidefinite { .. })) {
        return false;
    }
    let theta = structure.start(&DMatrix::from_fn(t, t, |a, b| if a == b { 3.0 + a as f64 } else { 1.0 }));
    let mut derivative = DMatrix::zeros(t, t);
    (0..theta.len()).all(|k| {
        structure.derivative(&theta, k, &mut derivative);
        derivative[(0, 0)] == f64::from(u8::from(k == 0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::covariance::{Coordinates, Covariance, Unstructured};

    /// Two responses at three visits, the second not measured at the second visit.
    const CELLS: [(usize, usize); 5] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2)];

    fn kronecker(among_visits: Box<dyn CovarianceStructure>) -> Result<Kronecker> {
        let names = |n: &[&str]| n.iter().map(|s| s.to_string()).collect();
        Kronecker::new(names(&["y", "x"]), names(&["1", "2", "3"]), among_visits, CELLS.to_vec())
    }

    fn structures() -> Vec<Kronecker> {
        let among = [
            Covariance::Unstructured,
            Covariance::Toeplitz,
            Covariance::HeterogeneousToeplitz,
            Covariance::Autoregressive,
            Covariance::HeterogeneousAutoregressive,
            Covariance::HeterogeneousAnteDependence,
            Covariance::HeterogeneousCompoundSymmetry,
            Covariance::HuynhFeldt,
            Covariance::SpatialPower(Coordinates::VisitTime),
        ];
        let times = [0.0, 3.0, 12.0].map(Some);
        among.into_iter().map(|v| kronecker(v.bind(&times).expect("has times")).expect("the first parameter is a variance")).collect()
    }

    fn moments() -> DMatrix<f64> {
        let among = [[9.0, 3.0], [3.0, 4.0]];
        let visits = [[1.0, 0.5, 0.3], [0.5, 1.4, 0.8], [0.3, 0.8, 1.9]];
        DMatrix::from_fn(5, 5, |i, j| among[CELLS[i].0][CELLS[j].0] * visits[CELLS[i].1][CELLS[j].1])
    }

    fn at(structure: &Kronecker, theta: &[f64]) -> DMatrix<f64> {
        let mut sigma = DMatrix::zeros(5, 5);
        structure.sigma(theta, &mut sigma);
        sigma
    }

    fn slope(structure: &Kronecker, theta: &[f64], k: usize) -> DMatrix<f64> {
        let mut slope = DMatrix::zeros(5, 5);
        structure.derivative(theta, k, &mut slope);
        slope
    }

    fn difference(theta: &[f64], k: usize, f: impl Fn(&[f64]) -> DMatrix<f64>) -> DMatrix<f64> {
        let step = 1e-5 * theta[k].abs().max(1e-2);
        let (mut above, mut below) = (theta.to_vec(), theta.to_vec());
        above[k] += step;
        below[k] -= step;
        (f(&above) - f(&below)) / (2.0 * step)
    }

    #[test]
    fn derivatives_are_those_of_sigma() {
        for structure in structures() {
            let theta = structure.start(&moments());
            for k in 0..theta.len() {
                let exact = slope(&structure, &theta, k);
                let error = (difference(&theta, k, |t| at(&structure, t)) - &exact).abs().max();
                assert!(error < 1e-7 * (1.0 + exact.abs().max()), "{structure:?}, parameter {k}: off by {error:e}");
                for l in 0..theta.len() {
                    let mut bend = DMatrix::zeros(5, 5);
                    if !structure.second_derivative(&theta, k, l, &mut bend) {
                        bend.fill(0.0);
                    }
                    let error = (difference(&theta, l, |t| slope(&structure, t, k)) - &bend).abs().max();
                    assert!(error < 1e-7 * (1.0 + bend.abs().max()), "{structure:?}, parameters {k} and {l}: off by {error:e}");
                }
            }
        }
    }

    #[test]
    fn the_start_is_in_range_and_every_parameter_has_a_name() {
        for structure in structures() {
            let theta = structure.start(&moments());
            assert!(structure.in_range(&theta), "{structure:?}");
            assert_eq!(structure.parameter_names(&[]).len(), theta.len(), "{structure:?}");
        }
    }

    /// With every cell there, moments that are a product are where an unstructured factor starts.
    #[test]
    fn a_product_is_its_own_start() {
        let names = |n: &[&str]| n.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let cells: Vec<(usize, usize)> = (0..2).flat_map(|r| (0..3).map(move |t| (r, t))).collect();
        let structure =
            Kronecker::new(names(&["y", "x"]), names(&["1", "2", "3"]), Box::new(Unstructured::new(3)), cells).expect("goes together");
        let theta = [9.0, 3.0, 4.0, 0.5, 1.4, 0.3, 0.8, 1.9];
        let mut sigma = DMatrix::zeros(6, 6);
        structure.sigma(&theta, &mut sigma);
        for (start, theta) in structure.start(&sigma).iter().zip(theta) {
            assert!((start - theta).abs() < 1e-12, "{start} for {theta}");
        }
    }

    #[test]
    fn a_structure_without_a_first_variance_is_refused() {
        for covariance in [Covariance::CompoundSymmetry, Covariance::RandomIntercept, Covariance::FactorAnalytic { factors: 1 }] {
            assert!(kronecker(covariance.bind(&[None; 3]).expect("needs no times")).is_err(), "{covariance}");
        }
        assert!(kronecker(Box::new(Unstructured::new(2))).is_err());
    }
}
