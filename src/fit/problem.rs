//! A model's likelihood as a function of the covariance parameters.
//!
//! Notation: Σ the covariance on the visit grid, W = Σ\[P,P\]⁻¹ for a pattern P, Φ = (Σ_i X_i'WX_i)⁻¹, R_P = Σ_i e_i
//! e_i' with e_i = y_i − X_i β. With −2ℓ written out (Harville 1977, JASA 72:320–338; the constant without log|X'X|
//! as SAS PROC MIXED has it),
//!
//! ```text
//! −2ℓ = Σ_P {n log|Σ_PP| + tr(W R_P)} + log|X'WX| + (N − p) log 2π      (REML; without log|X'WX| and p for ML)
//! ```

use super::Failure;
use super::blocks::Blocks;
use super::data::Data;
use super::elimination::Elimination;
use super::kernels::{cholesky, inverse_from_cholesky, symmetric_product};
use super::likelihood::Likelihood;
use super::moments::Rows;
use super::pattern::Pattern;
use super::sigmas::Sigmas;
use super::verify::Labels;
use super::working::Working;
use super::workspace::Workspace;
use crate::options::choices;
use nalgebra::{DMatrix, DVector};
use std::ops::Range;
use std::sync::Arc;

/// Restricted or full maximum likelihood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Estimation {
    /// Restricted maximum likelihood (the default): variances are unbiased in balanced data.
    #[default]
    Reml,
    /// Maximum likelihood: for comparing mean models by their likelihood.
    Ml,
}

choices! {
    Estimation, "method of estimation":
    Reml = "reml", ["restricted"], "restricted maximum likelihood: variances unbiased in balanced data";
    Ml = "ml", ["maximum-likelihood"], "maximum likelihood: for comparing mean models";
}

/// The likelihood of a model without effects of clusters: all that depends on patterns of visits. With effects it is
/// a part of [`WithEffects`](super::clusters::WithEffects).
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub data: Data,
    /// In order of their cells.
    pub patterns: Vec<Pattern>,
    pub rows: Rows,
    /// The number p of (active) columns.
    pub columns: usize,
    /// The order in which the columns are eliminated, where patients touch few of many.
    pub elimination: Option<Arc<Elimination>>,
    pub estimation: Estimation,
    pub sigmas: Sigmas,
    /// Σ log w of the observation weights.
    pub log_weights: f64,
    /// Names for messages.
    pub labels: Labels,
    /// Whether W of all patterns comes from one factor, as it may where patients only drop out.
    pub nested: bool,
}

/// Everything known at one θ: the solution for β and, per pattern, W and R_P.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    /// All parameters: those of Σ, group by group, and behind them those of the effects of clusters, where there are
    /// any.
    pub theta: Vec<f64>,
    /// −2ℓ.
    pub value: f64,
    /// β − β₀.
    pub beta: DVector<f64>,
    /// Φ, the covariance of β where θ is known.
    pub phi: DMatrix<f64>,
    /// W of each pattern.
    pub w: Blocks,
    /// R_P of each pattern; with effects, of the residuals that these leave.
    pub r: Blocks,
}

impl Problem {
    /// The patterns of a cell, which stand side by side.
    pub fn patterns_of(&self, cell: usize) -> Range<usize> {
        self.patterns.partition_point(|p| p.cell < cell)..self.patterns.partition_point(|p| p.cell <= cell)
    }

    /// The pattern of the patients of a group and class who were seen at these visits.
    pub fn pattern_of(&self, group: usize, class: usize, visits: &[usize]) -> Option<usize> {
        let cell = self.sigmas.cell(group, class);
        self.patterns.binary_search_by(|p| (p.cell, p.visits.as_slice()).cmp(&(cell, visits))).ok()
    }

    /// The number of observations N.
    pub fn observations(&self) -> f64 {
        self.patterns.iter().map(|p| p.patients * p.size() as f64).sum()
    }

    /// A point of so many parameters, with room for everything and nothing in it.
    pub fn blank_point_of(&self, parameters: usize) -> Point {
        Point {
            theta: vec![f64::NAN; parameters],
            value: f64::NAN,
            beta: DVector::zeros(self.columns),
            phi: DMatrix::zeros(self.columns, self.columns),
            w: Blocks::zeros(&self.patterns),
            r: Blocks::zeros(&self.patterns),
        }
    }

    /// Writes W of every pattern, and returns what −2ℓ has of Σ alone; `None` where Σ is not positive definite.
    pub fn set_weights(&self, theta: &[f64], w: &mut Blocks, room: &mut Workspace) -> Option<f64> {
        self.set_sigmas(theta, room)?;
        let mut value = self.constant();
        if self.nested {
            return Some(value + self.set_nested_weights(w, room)?);
        }
        for (index, pattern) in self.patterns.iter().enumerate() {
            let log_determinant = invert_at(&room.sigmas[pattern.cell], &pattern.visits, &mut room.small, w.get_mut(index))?;
            value += pattern.patients * log_determinant;
        }
        Some(value)
    }

    /// The part of −2ℓ that does not depend on θ.
    fn constant(&self) -> f64 {
        let p = match self.estimation {
            Estimation::Reml => self.columns as f64,
            Estimation::Ml => 0.0,
        };
        (self.observations() - p) * (2.0 * std::f64::consts::PI).ln() - self.log_weights
    }

    /// Σ of each cell, `None` where θ is out of range or Σ not positive definite.
    fn set_sigmas(&self, theta: &[f64], room: &mut Workspace) -> Option<()> {
        if theta.iter().any(|x| !x.is_finite()) {
            return None;
        }
        for cell in 0..self.sigmas.cells() {
            let (group, structure) = self.sigmas.of_cell(cell);
            let theta = self.sigmas.of_group(theta, group);
            if !structure.in_range(theta) {
                return None;
            }
            let sigma = &mut room.sigmas[cell];
            structure.sigma(theta, sigma);
            let visits = structure.visits();
            // Where somebody has all visits, the pattern's own inverse will tell.
            if self.patterns_of(cell).all(|index| self.patterns[index].size() < visits) {
                room.small.copy_from_slice(sigma.as_slice());
                cholesky(&mut room.small, visits)?;
            }
        }
        Some(())
    }

    /// Generalised least squares with the weights of a point: writes β − β₀ and Φ = (X'WX)⁻¹, and returns what −2ℓ
    /// has of log|X'WX|.
    fn solve(&self, point: &mut Point, room: &mut Workspace) -> Option<f64> {
        let p = self.columns;
        let Point { w, beta, phi, .. } = point;
        self.set_gram(w, room);
        self.data.cross(&self.patterns, &self.rows, w, &mut room.cross, &mut room.data);
        // Scaled to unit diagonal, so that columns in different units lose nothing to each other.
        let mut log_scale = 0.0;
        for c in 0..p {
            room.scale[c] = 1.0 / room.gram[c * p + c].sqrt();
            log_scale += room.scale[c].ln();
        }
        rescale(&mut room.gram, &room.scale);
        let log_determinant = match &self.elimination {
            Some(elimination) => {
                let [root, row, rows] = &mut room.root;
                elimination.solve(&mut room.gram, root, phi.as_mut_slice(), (row, rows))?
            }
            None => {
                let log_determinant = cholesky(&mut room.gram, p)?;
                inverse_from_cholesky(&room.gram, p, phi.as_mut_slice());
                log_determinant
            }
        } - 2.0 * log_scale;
        rescale(phi.as_mut_slice(), &room.scale);
        symmetric_product(phi.as_slice(), &room.cross, beta.as_mut_slice());
        Some(if self.estimation == Estimation::Reml { log_determinant } else { 0.0 })
    }

    /// R_P of every pattern, at β of the point.
    pub fn set_residual_squares(&self, point: &mut Point, room: &mut Workspace) {
        self.data.residual_squares(&self.patterns, &self.rows, point.beta.as_slice(), &mut point.r, &mut room.data);
    }

    /// Σ_i X_i'ΩX_i for a symmetric Ω per pattern, into the room.
    pub fn set_gram(&self, omega: &Blocks, room: &mut Workspace) {
        self.data.gram(&self.patterns, &self.rows, omega, &mut room.gram, &mut room.data);
    }

    /// H_P = Σ_i X_iΦX_i' of every pattern.
    pub fn set_leverages(&self, phi: &DMatrix<f64>, leverages: &mut Blocks, room: &mut Workspace) {
        self.data.leverages(&self.patterns, &self.rows, phi.as_slice(), leverages, &mut room.data);
    }

    /// Σ_i X_i'ΩX_i for a symmetric Ω per pattern, p × p.
    pub fn gram(&self, omega: &Blocks) -> DMatrix<f64> {
        let mut room = Workspace::new(self);
        self.set_gram(omega, &mut room);
        DMatrix::from_vec(self.columns, self.columns, room.gram)
    }
}

impl Likelihood for Problem {
    type Point = Point;
    type Workspace = Workspace;

    fn patterns(&self) -> &Problem {
        self
    }

    fn mean(point: &Point) -> &Point {
        point
    }

    fn of_patterns(room: &mut Workspace) -> &mut Workspace {
        room
    }

    fn parameters(&self) -> usize {
        self.sigmas.parameters()
    }

    fn working(&self) -> Working {
        Working::of(&self.sigmas)
    }

    fn blank_point(&self) -> Point {
        self.blank_point_of(self.sigmas.parameters())
    }

    fn workspace(&self) -> Workspace {
        Workspace::new(self)
    }

    fn effects_that_add(&self, _variance: f64) -> Vec<f64> {
        vec![]
    }

    fn set_least_squares(&self, _effects: &[f64], point: &mut Point, room: &mut Workspace) -> Option<()> {
        point.w.set_identity(&self.patterns);
        self.solve(point, room)?;
        self.set_residual_squares(point, room);
        Some(())
    }

    fn try_evaluate(&self, theta: &[f64], point: &mut Point, room: &mut Workspace) -> Option<f64> {
        let mut value = self.set_weights(theta, &mut point.w, room)?;
        value += self.solve(point, room)?;
        self.set_residual_squares(point, room);
        value += point.w.trace_product(&point.r);
        point.theta.copy_from_slice(theta);
        point.value = value;
        Some(value)
    }

    fn check_effects(&self, _point: &Point) -> Result<(), Failure> {
        Ok(())
    }
}

pub(super) fn rescale(matrix: &mut [f64], scale: &[f64]) {
    for (column, &own) in matrix.chunks_exact_mut(scale.len()).zip(scale) {
        column.iter_mut().zip(scale).for_each(|(x, s)| *x *= s * own);
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
