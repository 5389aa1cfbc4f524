//! A model's likelihood as a function of the covariance parameters, from the moments alone.
//!
//! Notation: Σ the covariance on the visit grid, W = Σ\[P,P\]⁻¹ for a pattern P, Φ = (Σ_i X_i'WX_i)⁻¹, R_P = Σ_i e_i e_i' with e_i = y_i − X_i β.
//! With −2ℓ written out (Harville 1977, JASA 72:320–338; the constant without log|X'X| as SAS PROC MIXED has it),
//!
//! ```text
//! −2ℓ = Σ_P {n log|Σ_PP| + tr(W R_P)} + log|X'WX| + (N − p) log 2π      (REML; without log|X'WX| and p for ML)
//! ```

use super::blocks::Blocks;
use super::kernels::{cholesky, inverse_from_cholesky};
use super::moments::{Moments, PatternMoments, Rows};
use crate::covariance::CovarianceStructure;
use nalgebra::{DMatrix, DVector};

/// Restricted or full maximum likelihood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Estimation {
    /// Restricted maximum likelihood (the default): variances are unbiased in balanced data.
    #[default]
    Reml,
    /// Maximum likelihood: for comparing mean models by their likelihood.
    Ml,
}

/// The likelihood problem of one model and its data.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub moments: Moments,
    pub rows: Rows,
    /// Number of (active) columns p.
    pub columns: usize,
    pub groups: usize,
    pub estimation: Estimation,
    /// The part of −2ℓ that does not depend on θ.
    constant: f64,
}

/// Everything known at one θ: the solution for β and, per pattern, W and R_P.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    /// All groups' parameters, group by group.
    pub theta: Vec<f64>,
    /// −2ℓ.
    pub value: f64,
    /// β − β₀.
    pub beta: DVector<f64>,
    /// Φ.
    pub phi: DMatrix<f64>,
    /// W of each pattern.
    pub w: Blocks,
    /// R_P of each pattern.
    pub r: Blocks,
}

/// A generalised least-squares solution.
pub(crate) struct Solution {
    /// β − β₀.
    pub beta: DVector<f64>,
    /// (X'WX)⁻¹.
    pub phi: DMatrix<f64>,
    /// log|X'WX|.
    pub log_determinant: f64,
}

impl Problem {
    pub fn new(moments: Moments, rows: Rows, columns: usize, groups: usize, estimation: Estimation) -> Self {
        let n = moments.observations() as f64;
        let p = match estimation {
            Estimation::Reml => columns as f64,
            Estimation::Ml => 0.0,
        };
        let log_weights: f64 = moments.patterns.iter().map(|p| p.log_weights).sum();
        let constant = (n - p) * (2.0 * std::f64::consts::PI).ln() - log_weights;
        Self { moments, rows, columns, groups, estimation, constant }
    }

    pub fn patterns(&self) -> &[PatternMoments] {
        &self.moments.patterns
    }

    /// The problem at θ, `None` where Σ or X'WX is not positive definite.
    pub fn at(&self, structure: &dyn CovarianceStructure, theta: &[f64]) -> Option<Point> {
        let sigmas = self.sigmas(structure, theta)?;
        let mut w = Blocks::zeros(self.patterns());
        let mut value = self.constant;
        let mut factor = vec![0.0; self.moments.visits.pow(2)];
        for (index, pattern) in self.patterns().iter().enumerate() {
            value += pattern.patients as f64 * invert_at(&sigmas[pattern.group], &pattern.visits, &mut factor, w.get_mut(index))?;
        }
        let Solution { beta, phi, log_determinant } = self.solve(&w)?;
        if self.estimation == Estimation::Reml {
            value += log_determinant;
        }
        let r = self.residual_squares(&beta);
        value += w.trace_product(&r);
        value.is_finite().then(|| Point { theta: theta.to_vec(), value, beta, phi, w, r })
    }

    /// Σ of each group, `None` where θ is out of range or Σ not positive definite.
    fn sigmas(&self, structure: &dyn CovarianceStructure, theta: &[f64]) -> Option<Vec<DMatrix<f64>>> {
        let t = self.moments.visits;
        let sigma = |theta: &[f64]| {
            if !structure.in_range(theta) || theta.iter().any(|x| !x.is_finite()) {
                return None;
            }
            let mut sigma = DMatrix::zeros(t, t);
            structure.sigma(theta, &mut sigma);
            cholesky(&mut sigma.as_slice().to_vec(), t)?;
            Some(sigma)
        };
        theta.chunks_exact(theta.len() / self.groups).map(sigma).collect()
    }

    /// Generalised least squares with the given weights.
    pub fn solve(&self, w: &Blocks) -> Option<Solution> {
        let mut gram = self.gram(w);
        let p = self.columns;
        // Scaled to unit diagonal, so that columns in different units lose nothing to each other.
        let scale: Vec<f64> = (0..p).map(|c| 1.0 / gram[(c, c)].sqrt()).collect();
        rescale(&mut gram, &scale);
        let log_determinant = cholesky(gram.as_mut_slice(), p)? - 2.0 * scale.iter().map(|s| s.ln()).sum::<f64>();
        let mut phi = DMatrix::zeros(p, p);
        inverse_from_cholesky(gram.as_slice(), p, phi.as_mut_slice());
        rescale(&mut phi, &scale);
        let beta = &phi * self.cross(w);
        Some(Solution { beta, phi, log_determinant })
    }
}

fn rescale(matrix: &mut DMatrix<f64>, scale: &[f64]) {
    for c in 0..scale.len() {
        for r in 0..scale.len() {
            matrix[(r, c)] *= scale[r] * scale[c];
        }
    }
}

/// Writes (Σ\[P,P\])⁻¹ into `inverse` and returns log|Σ\[P,P\]|.
fn invert_at(sigma: &DMatrix<f64>, visits: &[usize], factor: &mut [f64], inverse: &mut [f64]) -> Option<f64> {
    let m = visits.len();
    let factor = &mut factor[..m * m];
    for (j, &b) in visits.iter().enumerate() {
        for (i, &a) in visits.iter().enumerate() {
            factor[j * m + i] = sigma[(a, b)];
        }
    }
    let log_determinant = cholesky(factor, m)?;
    inverse_from_cholesky(factor, m, inverse);
    Some(log_determinant)
}
