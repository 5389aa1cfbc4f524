//! Random coefficients: every patient has an intercept, or an intercept and a slope, of its own.

use super::{CovarianceStructure, lower, lower_pairs};
use nalgebra::DMatrix;

/// Σ = Z G Z' + σ² I with θ = (lower triangle of G row by row, σ²) and G positive semidefinite (Laird & Ware 1982,
/// Biometrics 38:963–974). Σ is linear in θ.
#[derive(Debug, Clone)]
pub struct RandomCoefficients {
    /// T × r.
    z: DMatrix<f64>,
    names: Vec<&'static str>,
}

impl RandomCoefficients {
    /// A random intercept on `visits` visits.
    pub fn intercept(visits: usize) -> Self {
        Self { z: DMatrix::from_element(visits, 1, 1.0), names: vec!["intercept"] }
    }

    /// A random intercept and slope on visit time, correlated.
    pub fn intercept_and_slope(times: &[f64]) -> Self {
        Self { z: DMatrix::from_fn(times.len(), 2, |t, c| if c == 0 { 1.0 } else { times[t] }), names: vec!["intercept", "slope"] }
    }

    fn coefficients(&self) -> usize {
        self.z.ncols()
    }

    fn pair(&self, k: usize) -> Option<(usize, usize)> {
        lower_pairs(self.coefficients()).nth(k)
    }
}

impl CovarianceStructure for RandomCoefficients {
    fn visits(&self) -> usize {
        self.z.nrows()
    }

    fn parameter_names(&self, _labels: &[String]) -> Vec<String> {
        let name = |(a, b): (usize, usize)| match a == b {
            true => format!("variance of the {}", self.names[a]),
            false => format!("covariance of {} and {}", self.names[b], self.names[a]),
        };
        lower_pairs(self.coefficients()).map(name).chain(["residual variance".to_string()]).collect()
    }

    /// Half of the average variance is residual; the rest is what least squares on the off-diagonal elements says of G, kept positive.
    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64> {
        let (t, r) = (self.visits(), self.coefficients());
        let residual = 0.5 * moments.trace() / t as f64;
        let mut g = DMatrix::zeros(r, r);
        for c in 0..r {
            let size = self.z.column(c).norm_squared() / t as f64;
            g[(c, c)] = residual / (r as f64 * if size > 0.0 { size } else { 1.0 });
        }
        lower_pairs(r).map(|(a, b)| g[(a, b)]).chain([residual]).collect()
    }

    fn in_range(&self, theta: &[f64]) -> bool {
        (0..self.coefficients()).all(|c| theta[lower(c, c)] >= 0.0) && theta[theta.len() - 1] > 0.0
    }

    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>) {
        let (t, r) = (self.visits(), self.coefficients());
        let residual = theta[theta.len() - 1];
        for b in 0..t {
            for a in b..t {
                let mut s = if a == b { residual } else { 0.0 };
                for i in 0..r {
                    for j in 0..r {
                        s += self.z[(a, i)] * theta[lower(i.max(j), i.min(j))] * self.z[(b, j)];
                    }
                }
                sigma[(a, b)] = s;
                sigma[(b, a)] = s;
            }
        }
    }

    fn derivative(&self, _theta: &[f64], k: usize, derivative: &mut DMatrix<f64>) {
        let Some((i, j)) = self.pair(k) else {
            return derivative.fill_with_identity();
        };
        let z = &self.z;
        for b in 0..self.visits() {
            for a in 0..self.visits() {
                let outer = z[(a, i)] * z[(b, j)];
                derivative[(a, b)] = if i == j { outer } else { outer + z[(a, j)] * z[(b, i)] };
            }
        }
    }

    fn second_derivative(&self, _theta: &[f64], _k: usize, _l: usize, _derivative: &mut DMatrix<f64>) -> bool {
        false
    }

    fn semidefinite_block(&self) -> usize {
        self.coefficients()
    }
}
