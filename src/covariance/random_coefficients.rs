//! Random coefficients: every patient has an intercept, or an intercept and a slope, of its own; what is left may
//! have any structure.

use super::{Boundary, CovarianceStructure, Toeplitz, lower, lower_pairs};
use nalgebra::{DMatrix, DVector};

/// Σ = Z G Z' + R with θ = (lower triangle of G row by row, parameters of R) and G positive semidefinite (Laird &
/// Ware 1982, Biometrics 38:963–974). R is σ² I unless another structure is given; Σ is linear in θ where R is.
#[derive(Debug)]
pub struct RandomCoefficients {
    /// T × r.
    z: DMatrix<f64>,
    names: Vec<&'static str>,
    residual: Box<dyn CovarianceStructure>,
    /// Whether R is σ² I.
    independent: bool,
}

impl RandomCoefficients {
    /// A random intercept on `visits` visits.
    pub fn intercept(visits: usize) -> Self {
        Self::new(DMatrix::from_element(visits, 1, 1.0), vec!["intercept"])
    }

    /// A random intercept and slope on visit time, correlated.
    pub fn intercept_and_slope(times: &[f64]) -> Self {
        Self::new(DMatrix::from_fn(times.len(), 2, |t, c| if c == 0 { 1.0 } else { times[t] }), vec!["intercept", "slope"])
    }

    fn new(z: DMatrix<f64>, names: Vec<&'static str>) -> Self {
        let residual = Box::new(Toeplitz::banded(z.nrows(), 1));
        Self { z, names, residual, independent: true }
    }

    /// The same with the structure R of what the coefficients leave.
    pub fn with_residual(mut self, residual: Box<dyn CovarianceStructure>) -> Self {
        self.residual = residual;
        self.independent = false;
        self
    }

    fn coefficients(&self) -> usize {
        self.z.ncols()
    }

    /// The number of parameters of G.
    fn own(&self) -> usize {
        lower(self.coefficients(), 0)
    }

    /// G and a variance of what is left, from each patient's least squares on Z if all were seen at every visit: with
    /// P = (Z'Z)⁻¹Z' it is PMP' = G + σ²(Z'Z)⁻¹. Directions of G that this leaves with nothing get a share of
    /// σ²(Z'Z)⁻¹ to begin with. `None` where there are no more visits than coefficients.
    fn least_squares(&self, moments: &DMatrix<f64>) -> Option<(DMatrix<f64>, f64)> {
        let (t, r) = (self.visits(), self.coefficients());
        if t <= r {
            return None;
        }
        let root = (self.z.transpose() * &self.z).cholesky()?.l();
        // In orthonormal columns Q = ZL'⁻¹, where (Z'Z)⁻¹ is the identity.
        let q = root.solve_lower_triangular(&self.z.transpose())?.transpose();
        let fitted = q.transpose() * moments * &q;
        let rest = ((moments.trace() - fitted.trace()) / (t - r) as f64).max(0.05 * moments.trace() / t as f64);
        let mut eigen = (fitted - DMatrix::identity(r, r) * rest).symmetric_eigen();
        eigen.eigenvalues.iter_mut().for_each(|l| *l = l.max(0.2 * rest));
        let back = root.transpose().try_inverse()?;
        let g = &back * eigen.recompose() * back.transpose();
        Some((0.5 * (&g + g.transpose()), rest))
    }

    /// G with half of the average variance, uncorrelated, and the other half.
    fn halves(&self, moments: &DMatrix<f64>) -> (DMatrix<f64>, f64) {
        let (t, r) = (self.visits(), self.coefficients());
        let half = 0.5 * moments.trace() / t as f64;
        let size = |c: usize| self.z.column(c).norm_squared() / t as f64;
        let variance = |c: usize| half / (r as f64 * if size(c) > 0.0 { size(c) } else { 1.0 });
        (DMatrix::from_fn(r, r, |a, b| if a == b { variance(a) } else { 0.0 }), half)
    }

    /// What G leaves of each variance, with falling correlations.
    fn left_over(&self, moments: &DMatrix<f64>, g: &DMatrix<f64>, rest: f64) -> DMatrix<f64> {
        let taken = &self.z * g * self.z.transpose();
        let variance = DVector::from_fn(self.visits(), |a, _| (moments[(a, a)] - taken[(a, a)]).max(0.3 * rest));
        let lag = |a: usize, b: usize| 0.3_f64.powi(a.abs_diff(b) as i32);
        DMatrix::from_fn(self.visits(), self.visits(), |a, b| lag(a, b) * (variance[a] * variance[b]).sqrt())
    }

    fn pair(&self, k: usize) -> Option<(usize, usize)> {
        lower_pairs(self.coefficients()).nth(k)
    }
}

impl CovarianceStructure for RandomCoefficients {
    fn visits(&self) -> usize {
        self.z.nrows()
    }

    fn parameter_names(&self, labels: &[String]) -> Vec<String> {
        let name = |(a, b): (usize, usize)| match a == b {
            true => format!("variance of the {}", self.names[a]),
            false => format!("covariance of {} and {}", self.names[b], self.names[a]),
        };
        let residual = self.residual.parameter_names(labels).into_iter().map(|name| format!("residual {name}"));
        lower_pairs(self.coefficients()).map(name).chain(residual).collect()
    }

    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        let (g, rest) = self.least_squares(moments).unwrap_or_else(|| self.halves(moments));
        let residual = self.residual.start(&self.left_over(moments, &g, rest));
        lower_pairs(self.coefficients()).map(|cell| g[cell]).chain(residual).collect()
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        (0..self.coefficients()).all(|c| theta[lower(c, c)] >= 0.0) && self.residual.in_range(&theta[self.own()..])
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        let (t, r) = (self.visits(), self.coefficients());
        self.residual.sigma(&theta[self.own()..], sigma);
        for b in 0..t {
            for a in b..t {
                let mut s = 0.0;
                for i in 0..r {
                    for j in 0..r {
                        s += self.z[(a, i)] * theta[lower(i.max(j), i.min(j))] * self.z[(b, j)];
                    }
                }
                sigma[(a, b)] += s;
                if a != b {
                    sigma[(b, a)] += s;
                }
            }
        }
    }

    fn derivative(&self, theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        let Some((i, j)) = self.pair(k) else {
            return self.residual.derivative(&theta[self.own()..], k - self.own(), derivative);
        };
        let z = &self.z;
        for b in 0..self.visits() {
            for a in 0..self.visits() {
                let outer = z[(a, i)] * z[(b, j)];
                derivative[(a, b)] = if i == j { outer } else { outer + z[(a, j)] * z[(b, i)] };
            }
        }
    }

    fn is_linear(&self) -> bool {
        self.residual.is_linear()
    }

    fn multipliers(&self) -> Option<&DMatrix<f64>> {
        self.independent.then_some(&self.z)
    }

    fn second_derivative(&self, theta: &[f64], k: usize, l: usize, derivative: &mut DMatrix<f64>) -> bool {
        let own = self.own();
        k >= own && l >= own && self.residual.second_derivative(&theta[own..], k - own, l - own, derivative)
    }

    fn boundaries(&self) -> Vec<Boundary> {
        let own = Boundary::Semidefinite { first: 0, size: self.coefficients() };
        std::iter::once(own).chain(self.residual.boundaries().into_iter().map(|b| b.moved(self.own()))).collect()
    }
}
