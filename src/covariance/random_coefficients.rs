//! Random coefficients: every patient has an intercept, or an intercept and a slope, of its own; what is left may have any structure.

use super::{CovarianceStructure, SemidefiniteBlock, Toeplitz, lower, lower_pairs};
use nalgebra::DMatrix;

/// Σ = Z G Z' + R with θ = (lower triangle of G row by row, parameters of R) and G positive semidefinite (Laird & Ware 1982,
/// Biometrics 38:963–974). R is σ² I unless another structure is given; Σ is linear in θ where R is.
#[derive(Debug)]
pub struct RandomCoefficients {
    /// T × r.
    z: DMatrix<f64>,
    names: Vec<&'static str>,
    residual: Box<dyn CovarianceStructure>,
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
        Self { z, names, residual }
    }

    /// The same with the structure R of what the coefficients leave.
    pub fn with_residual(mut self, residual: Box<dyn CovarianceStructure>) -> Self {
        self.residual = residual;
        self
    }

    fn coefficients(&self) -> usize {
        self.z.ncols()
    }

    /// The number of parameters of G.
    fn own(&self) -> usize {
        lower(self.coefficients(), 0)
    }

    /// The moments with half of each variance, and correlations as among neighbours once what all visits share is taken off.
    fn left_over(&self, moments: &DMatrix<f64>) -> DMatrix<f64> {
        let half = moments.map_diagonal(|v| 0.5 * v);
        DMatrix::from_fn(moments.nrows(), moments.ncols(), |a, b| match a == b {
            true => half[a],
            false => 0.3_f64.powi(a.abs_diff(b) as i32) * (half[a] * half[b]).sqrt(),
        })
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

    /// Half of the average variance is left to the residual; the coefficients share the other half, uncorrelated.
    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        let (t, r) = (self.visits(), self.coefficients());
        let half = 0.5 * moments.trace() / t as f64;
        let mut g = DMatrix::zeros(r, r);
        for c in 0..r {
            let size = self.z.column(c).norm_squared() / t as f64;
            g[(c, c)] = half / (r as f64 * if size > 0.0 { size } else { 1.0 });
        }
        let residual = self.residual.start(&self.left_over(moments));
        lower_pairs(r).map(|(a, b)| g[(a, b)]).chain(residual).collect()
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

    fn second_derivative(&self, theta: &[f64], k: usize, l: usize, derivative: &mut DMatrix<f64>) -> bool {
        let own = self.own();
        k >= own && l >= own && self.residual.second_derivative(&theta[own..], k - own, l - own, derivative)
    }

    fn semidefinite_blocks(&self) -> Vec<SemidefiniteBlock> {
        let residual = self.residual.semidefinite_blocks().into_iter();
        let behind = residual.map(|block| SemidefiniteBlock { first: block.first + self.own(), ..block });
        std::iter::once(SemidefiniteBlock { first: 0, size: self.coefficients() }).chain(behind).collect()
    }
}
