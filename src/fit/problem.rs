//! A model's likelihood as a function of the covariance parameters.
//!
//! Notation: Σ the covariance on the visit grid, W = Σ\[P,P\]⁻¹ for a pattern P, Φ = (Σ_i X_i'WX_i)⁻¹, R_P = Σ_i e_i
//! e_i' with e_i = y_i − X_i β. With −2ℓ written out (Harville 1977, JASA 72:320–338; the constant without log|X'X|
//! as SAS PROC MIXED has it),
//!
//! ```text
//! −2ℓ = Σ_P {n log|Σ_PP| + tr(W R_P)} + log|X'WX| + (N − p) log 2π      (REML; without log|X'WX| and p for ML)
//! ```

use super::blocks::Blocks;
use super::clusters::{ClusterPoint, Clusters};
use super::data::Data;
use super::kernels::{cholesky, inverse_from_cholesky, symmetric_product};
use super::moments::Rows;
use super::pattern::Pattern;
use super::workspace::Workspace;
use crate::covariance::CovarianceStructure;
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

/// The likelihood problem of one model and its data.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub data: Data,
    /// In order of their cells.
    pub patterns: Vec<Pattern>,
    pub rows: Rows,
    /// Number of (active) columns: p, and those of the effects of clusters behind them.
    pub columns: usize,
    pub groups: usize,
    pub estimation: Estimation,
    /// The covariance structure, bound once for each class of patients: those who share the coordinates that enter
    /// it. One, unless coordinates differ by patient.
    pub classes: Vec<Arc<dyn CovarianceStructure>>,
    /// Σ log w of the observation weights.
    pub log_weights: f64,
    /// The effects of clusters among the columns.
    pub clusters: Option<Clusters>,
}

/// Everything known at one θ: the solution for β and, per pattern, W and R_P.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    /// All groups' parameters, group by group; behind them those of the effects of clusters.
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
    /// What belongs to the effects of clusters.
    pub clusters: Option<ClusterPoint>,
}

impl Problem {
    /// The structure: that of the first class, which has all that the classes share.
    pub fn structure(&self) -> &dyn CovarianceStructure {
        &*self.classes[0]
    }

    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// The number p of columns of the mean.
    pub fn fixed(&self) -> usize {
        self.clusters.as_ref().map_or(self.columns, |c| c.fixed)
    }

    /// The number T of visits.
    pub fn visits(&self) -> usize {
        self.structure().visits()
    }

    /// The number of different Σ: one for each group and class.
    pub fn cells(&self) -> usize {
        self.groups * self.classes.len()
    }

    /// The patterns of a cell, which stand side by side.
    pub fn patterns_of(&self, cell: usize) -> Range<usize> {
        self.patterns.partition_point(|p| p.cell < cell)..self.patterns.partition_point(|p| p.cell <= cell)
    }

    /// The group of a cell and its structure.
    pub fn of_cell(&self, cell: usize) -> (usize, &dyn CovarianceStructure) {
        (cell / self.classes.len(), &*self.classes[cell % self.classes.len()])
    }

    /// The pattern of the patients of a group and class who were seen at these visits.
    pub fn pattern_of(&self, group: usize, class: usize, visits: &[usize]) -> Option<usize> {
        let cell = group * self.classes.len() + class;
        self.patterns.binary_search_by(|p| (p.cell, p.visits.as_slice()).cmp(&(cell, visits))).ok()
    }

    /// Σ of a group and class.
    pub fn sigma(&self, theta: &[f64], group: usize, class: usize) -> DMatrix<f64> {
        let mut sigma = DMatrix::zeros(self.visits(), self.visits());
        self.classes[class].sigma(self.of_group(theta, group), &mut sigma);
        sigma
    }

    /// The number of parameters of Σ, of all groups, among so many parameters in all.
    pub fn parameters_of_sigma(&self, all: usize) -> usize {
        all - self.clusters.as_ref().map_or(0, |c| c.parameters)
    }

    /// The number of parameters of a group, among so many parameters in all.
    pub fn parameters_per_group(&self, all: usize) -> usize {
        self.parameters_of_sigma(all) / self.groups
    }

    /// The parameters of a group.
    pub fn of_group<'t>(&self, theta: &'t [f64], group: usize) -> &'t [f64] {
        let per_group = self.parameters_per_group(theta.len());
        &theta[group * per_group..(group + 1) * per_group]
    }

    /// The number of observations N.
    pub fn observations(&self) -> f64 {
        self.patterns.iter().map(|p| p.patients * p.size() as f64).sum()
    }

    /// A point with room for everything and nothing in it.
    pub fn blank(&self, parameters: usize) -> Point {
        Point {
            theta: vec![f64::NAN; parameters],
            value: f64::NAN,
            beta: DVector::zeros(self.columns),
            phi: DMatrix::zeros(self.columns, self.columns),
            w: Blocks::zeros(&self.patterns),
            r: Blocks::zeros(&self.patterns),
            clusters: self.clusters.as_ref().map(|c| ClusterPoint::blank(c, self.estimation)),
        }
    }

    /// The problem at θ, `None` where Σ or X'WX is not positive definite.
    pub fn at(&self, theta: &[f64]) -> Option<Point> {
        let mut point = self.blank(theta.len());
        self.evaluate(theta, &mut point, &mut Workspace::new(self)).then_some(point)
    }

    /// Moves a point to θ; `false`, and a point without meaning, where Σ or X'WX is not positive definite.
    pub fn evaluate(&self, theta: &[f64], point: &mut Point, room: &mut Workspace) -> bool {
        self.try_evaluate(theta, point, room).is_some_and(f64::is_finite)
    }

    fn try_evaluate(&self, theta: &[f64], point: &mut Point, room: &mut Workspace) -> Option<f64> {
        self.set_sigmas(theta, room)?;
        let mut value = self.constant();
        for (index, pattern) in self.patterns.iter().enumerate() {
            let log_determinant = invert_at(&room.sigmas[pattern.cell], &pattern.visits, &mut room.small, point.w.get_mut(index))?;
            value += pattern.patients * log_determinant;
        }
        let of_clusters = &theta[self.parameters_of_sigma(theta.len())..];
        value += self.solve(of_clusters, point, room)?;
        self.set_residual_squares(point, room);
        value += point.w.trace_product(&point.r);
        if let (Some(clusters), Some(own)) = (&self.clusters, &point.clusters) {
            value += clusters.penalty(own, point.beta.as_slice());
        }
        point.theta.copy_from_slice(theta);
        point.value = value;
        Some(value)
    }

    /// The part of −2ℓ that does not depend on θ.
    fn constant(&self) -> f64 {
        let p = match self.estimation {
            Estimation::Reml => self.fixed() as f64,
            Estimation::Ml => 0.0,
        };
        (self.observations() - p) * (2.0 * std::f64::consts::PI).ln() - self.log_weights
    }

    /// Σ of each cell, `None` where θ is out of range or Σ not positive definite.
    fn set_sigmas(&self, theta: &[f64], room: &mut Workspace) -> Option<()> {
        if theta.iter().any(|x| !x.is_finite()) {
            return None;
        }
        for cell in 0..self.cells() {
            let (group, structure) = self.of_cell(cell);
            let theta = self.of_group(theta, group);
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

    /// Generalised least squares with the weights of a point and the given parameters of the effects of clusters:
    /// writes β − β₀ and Φ = (X'WX)⁻¹, and returns what the likelihood has of the determinants.
    pub fn solve(&self, of_clusters: &[f64], point: &mut Point, room: &mut Workspace) -> Option<f64> {
        let p = self.columns;
        let Point { w, beta, phi, clusters: own, .. } = point;
        self.set_gram(w, room);
        self.set_cross(w, room);
        if let (Some(clusters), Some(own), Some(of_room)) = (&self.clusters, own, &mut room.clusters) {
            own.k.copy_from_slice(&room.gram);
            let solution = (beta.as_mut_slice(), phi.as_mut_slice());
            return clusters.solve(of_clusters, self.estimation, &room.cross, own, solution, of_room);
        }
        // Scaled to unit diagonal, so that columns in different units lose nothing to each other.
        let mut log_scale = 0.0;
        for c in 0..p {
            room.scale[c] = 1.0 / room.gram[c * p + c].sqrt();
            log_scale += room.scale[c].ln();
        }
        rescale(&mut room.gram, &room.scale);
        let log_determinant = cholesky(&mut room.gram, p)? - 2.0 * log_scale;
        inverse_from_cholesky(&room.gram, p, phi.as_mut_slice());
        rescale(phi.as_mut_slice(), &room.scale);
        symmetric_product(phi.as_slice(), &room.cross, beta.as_mut_slice());
        Some(if self.estimation == Estimation::Reml { log_determinant } else { 0.0 })
    }

    /// H_P = Σ_i X_iΦX_i' of every pattern.
    pub fn leverages(&self, phi: &DMatrix<f64>) -> Blocks {
        let mut leverages = Blocks::zeros(&self.patterns);
        self.set_leverages(phi, &mut leverages, &mut Workspace::new(self));
        leverages
    }

    /// Σ_i X_i'ΩX_i for a symmetric Ω per pattern, p × p.
    pub fn gram(&self, omega: &Blocks) -> DMatrix<f64> {
        let mut room = Workspace::new(self);
        self.set_gram(omega, &mut room);
        DMatrix::from_vec(self.columns, self.columns, room.gram)
    }

    /// Σ_i X_i'ΩX_i over all columns, into the room.
    pub fn set_gram(&self, omega: &Blocks, room: &mut Workspace) {
        let Some(clusters) = &self.clusters else {
            return self.data.gram(&self.patterns, &self.rows, omega, &mut room.gram, &mut room.data);
        };
        let (p, n) = (clusters.fixed, self.columns);
        self.data.gram(&self.patterns, &self.rows, omega, &mut room.leading, &mut room.data);
        for (to, from) in room.gram.chunks_exact_mut(n).zip(room.leading.chunks_exact(p)) {
            to[..p].copy_from_slice(from);
        }
        if let Some(cells) = &clusters.cells {
            cells.complete_gram(omega, &mut room.gram);
        }
    }

    /// Σ_i X_i'Ω(y_i − X_iβ₀) over all columns, into the room.
    pub fn set_cross(&self, omega: &Blocks, room: &mut Workspace) {
        let p = self.fixed();
        self.data.cross(&self.patterns, &self.rows, omega, &mut room.cross[..p], &mut room.data);
        if let Some(cells) = self.clusters.as_ref().and_then(|c| c.cells.as_ref()) {
            cells.cross(omega, &mut room.cross[p..]);
        }
    }

    /// R_P of every pattern, at the coefficients of the point.
    pub fn set_residual_squares(&self, point: &mut Point, room: &mut Workspace) {
        let (beta, u) = point.beta.as_slice().split_at(self.fixed());
        self.data.residual_squares(&self.patterns, &self.rows, beta, &mut point.r, &mut room.data);
        if let Some(cells) = self.clusters.as_ref().and_then(|c| c.cells.as_ref()) {
            cells.move_squares(beta, u, &mut point.r);
        }
    }

    /// Σ_i X_iSX_i' of every pattern over all columns.
    pub fn set_leverages(&self, s: &DMatrix<f64>, leverages: &mut Blocks, room: &mut Workspace) {
        let Some(clusters) = &self.clusters else {
            return self.data.leverages(&self.patterns, &self.rows, s.as_slice(), leverages, &mut room.data);
        };
        let p = clusters.fixed;
        for (to, from) in room.leading.chunks_exact_mut(p).zip(s.as_slice().chunks_exact(self.columns)) {
            to.copy_from_slice(&from[..p]);
        }
        self.data.leverages(&self.patterns, &self.rows, &room.leading, leverages, &mut room.data);
        if let Some(cells) = &clusters.cells {
            cells.move_leverages(s.as_slice(), leverages);
        }
    }
}

fn rescale(matrix: &mut [f64], scale: &[f64]) {
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
