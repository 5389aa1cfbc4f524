//! Structures made of a correlation family and one variance, or one per visit.

use super::{Boundary, CovarianceStructure, start_inside};
use nalgebra::DMatrix;
use std::fmt::Debug;

/// A family of correlation matrices on the visit grid.
///
/// All functions speak of one pair of visits, `lag` = |a − b| apart in the schedule and never 0.
pub trait CorrelationFamily: Debug + Clone + Send + Sync {
    /// How many parameters it has for T visits.
    fn parameters(&self, visits: usize) -> usize;

    /// Names of its parameters.
    fn names(&self, labels: &[String]) -> Vec<String>;

    /// Parameters near a correlation matrix.
    fn start(&self, correlation: &DMatrix<f64>) -> Vec<f64>;

    /// r_ab(ρ).
    fn correlation(&self, rho: &[f64], a: usize, b: usize) -> f64;

    /// ∂r_ab/∂ρ_k.
    fn derivative(&self, rho: &[f64], k: usize, a: usize, b: usize) -> f64;

    /// ∂²r_ab/∂ρ_k∂ρ_l.
    fn second_derivative(&self, rho: &[f64], k: usize, l: usize, a: usize, b: usize) -> f64;

    /// Whether ρ is inside its range; unless said otherwise, each between −1 and 1.
    fn in_range(&self, rho: &[f64]) -> bool {
        rho.iter().all(|r| r.abs() < 1.0)
    }

    /// Ends of ranges that an estimate may reach, by position in ρ; see [`CovarianceStructure::boundaries`].
    fn boundaries(&self) -> Vec<Boundary> {
        vec![]
    }
}

/// Σ_ab = σ² r_ab(ρ) with θ = (σ², ρ…).
#[derive(Debug, Clone)]
pub struct Homogeneous<R> {
    family: R,
    visits: usize,
}

impl<R: CorrelationFamily> Homogeneous<R> {
    /// The family on `visits` visits with one variance.
    pub fn new(family: R, visits: usize) -> Self {
        Self { family, visits }
    }
}

impl<R: CorrelationFamily> CovarianceStructure for Homogeneous<R> {
    fn visits(&self) -> usize {
        self.visits
    }

    fn parameter_names(&self, labels: &[String]) -> Vec<String> {
        std::iter::once("variance".to_string()).chain(correlation_names(&self.family, labels)).collect()
    }

    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        start_inside(self, moments, &moments.diagonal(), |moments| {
            let variance = moments.trace() / self.visits as f64;
            std::iter::once(variance).chain(correlation_start(&self.family, moments)).collect()
        })
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        theta[0] > 0.0 && self.family.in_range(&theta[1..])
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        fill(sigma, |a, b| theta[0] * correlation(&self.family, &theta[1..], a, b));
    }

    fn derivative(&self, theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        let rho = &theta[1..];
        match k {
            0 => fill(derivative, |a, b| correlation(&self.family, rho, a, b)),
            _ => fill(derivative, |a, b| theta[0] * slope(&self.family, rho, k - 1, a, b)),
        }
    }

    fn second_derivative(&self, theta: &[f64], k: usize, l: usize, derivative: &mut DMatrix<f64>) -> bool {
        let rho = &theta[1..];
        match (k.min(l), k.max(l)) {
            (0, 0) => return false,
            (0, l) => fill(derivative, |a, b| slope(&self.family, rho, l - 1, a, b)),
            (k, l) => fill(derivative, |a, b| theta[0] * bend(&self.family, rho, k - 1, l - 1, a, b)),
        }
        true
    }

    fn boundaries(&self) -> Vec<Boundary> {
        self.family.boundaries().into_iter().map(|b| b.moved(1)).collect()
    }
}

/// Σ_ab = σ_a σ_b r_ab(ρ) with θ = (σ²_1, …, σ²_T, ρ…).
#[derive(Debug, Clone)]
pub struct Heterogeneous<R> {
    family: R,
    visits: usize,
}

impl<R: CorrelationFamily> Heterogeneous<R> {
    /// The family on `visits` visits with a variance per visit.
    pub fn new(family: R, visits: usize) -> Self {
        Self { family, visits }
    }
}

impl<R: CorrelationFamily> CovarianceStructure for Heterogeneous<R> {
    fn visits(&self) -> usize {
        self.visits
    }

    fn parameter_names(&self, labels: &[String]) -> Vec<String> {
        labels.iter().map(|l| format!("variance {l}")).chain(correlation_names(&self.family, labels)).collect()
    }

    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        start_inside(self, moments, &moments.diagonal(), |moments| {
            moments.diagonal().iter().copied().chain(correlation_start(&self.family, moments)).collect()
        })
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        let (variances, rho) = theta.split_at(self.visits);
        variances.iter().all(|&v| v > 0.0) && self.family.in_range(rho)
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        let (v, rho) = theta.split_at(self.visits);
        fill(sigma, |a, b| (v[a] * v[b]).sqrt() * correlation(&self.family, rho, a, b));
    }

    fn derivative(&self, theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        let (v, rho) = theta.split_at(self.visits);
        if k < self.visits {
            fill(derivative, |a, b| scale_slope(v, k, a, b) * correlation(&self.family, rho, a, b));
        } else {
            fill(derivative, |a, b| (v[a] * v[b]).sqrt() * slope(&self.family, rho, k - self.visits, a, b));
        }
    }

    fn second_derivative(&self, theta: &[f64], k: usize, l: usize, derivative: &mut DMatrix<f64>) -> bool {
        let (v, rho) = theta.split_at(self.visits);
        let (k, l, t) = (k.min(l), k.max(l), self.visits);
        if l < t {
            fill(derivative, |a, b| scale_bend(v, k, l, a, b) * correlation(&self.family, rho, a, b));
        } else if k < t {
            fill(derivative, |a, b| scale_slope(v, k, a, b) * slope(&self.family, rho, l - t, a, b));
        } else {
            fill(derivative, |a, b| (v[a] * v[b]).sqrt() * bend(&self.family, rho, k - t, l - t, a, b));
        }
        true
    }

    fn boundaries(&self) -> Vec<Boundary> {
        self.family.boundaries().into_iter().map(|b| b.moved(self.visits)).collect()
    }
}

/// ∂(σ_a σ_b)/∂σ²_k.
fn scale_slope(v: &[f64], k: usize, a: usize, b: usize) -> f64 {
    match (a == k, b == k) {
        (true, true) => 1.0,
        (true, false) => 0.5 * (v[b] / v[a]).sqrt(),
        (false, true) => 0.5 * (v[a] / v[b]).sqrt(),
        (false, false) => 0.0,
    }
}

/// ∂²(σ_a σ_b)/∂σ²_k∂σ²_l.
fn scale_bend(v: &[f64], k: usize, l: usize, a: usize, b: usize) -> f64 {
    if a == b {
        return 0.0;
    }
    if k == l {
        let other = match (a == k, b == k) {
            (true, false) => b,
            (false, true) => a,
            _ => return 0.0,
        };
        -0.25 * v[other].sqrt() * v[k].powf(-1.5)
    } else if (a == k && b == l) || (a == l && b == k) {
        0.25 / (v[a] * v[b]).sqrt()
    } else {
        0.0
    }
}

fn correlation<R: CorrelationFamily>(family: &R, rho: &[f64], a: usize, b: usize) -> f64 {
    if a == b { 1.0 } else { family.correlation(rho, a, b) }
}

fn slope<R: CorrelationFamily>(family: &R, rho: &[f64], k: usize, a: usize, b: usize) -> f64 {
    if a == b { 0.0 } else { family.derivative(rho, k, a, b) }
}

fn bend<R: CorrelationFamily>(family: &R, rho: &[f64], k: usize, l: usize, a: usize, b: usize) -> f64 {
    if a == b { 0.0 } else { family.second_derivative(rho, k, l, a, b) }
}

fn correlation_names<R: CorrelationFamily>(family: &R, labels: &[String]) -> Vec<String> {
    if family.parameters(labels.len()) == 0 { vec![] } else { family.names(labels) }
}

fn correlation_start<R: CorrelationFamily>(family: &R, moments: &DMatrix<f64>) -> Vec<f64> {
    if family.parameters(moments.nrows()) == 0 {
        return vec![];
    }
    let correlation =
        DMatrix::from_fn(moments.nrows(), moments.ncols(), |a, b| moments[(a, b)] / (moments[(a, a)] * moments[(b, b)]).sqrt());
    family.start(&correlation)
}

fn fill(matrix: &mut DMatrix<f64>, element: impl Fn(usize, usize) -> f64) {
    for b in 0..matrix.ncols() {
        for a in b..matrix.nrows() {
            let x = element(a, b);
            matrix[(a, b)] = x;
            matrix[(b, a)] = x;
        }
    }
}
