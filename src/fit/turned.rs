//! Optima of an unstructured covariance that is nearly singular, found in another basis of the visits.
//!
//! Where visits are all but multiples of each other, the elements of Σ cannot be told apart by the arithmetic: their
//! information has the square of Σ's condition. In the basis in which Σ is nearly diagonal it is nearly diagonal too, and
//! the map back to the elements of Σ is linear.

use super::Failure;
use super::build::{Parts, Storage};
use super::centring::Centring;
use super::classes::Classes;
use super::clusters::Clusters;
use super::optimum::{Beginning, Fitting, Optimum, checked, found, least_squares};
use super::problem::{Estimation, Problem};
use super::refit::Repeat;
use super::sigmas::Sigmas;
use super::working::Working;
use super::{moments, start};
use crate::covariance::{CovarianceStructure, Turned, lower_pairs};
use crate::design::Design;
use nalgebra::DMatrix;
use std::sync::Arc;

/// The share of a visit's variance that the visits before it leave below which a covariance is nearly singular.
const NEARLY_SINGULAR: f64 = 1e-5;
/// More visits than this are left in their own basis, whose derivatives are sparse.
const MOST_VISITS: usize = 30;

/// The basis of each group, between natural parameters and those of the search.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    bases: Vec<Turned>,
    /// ∂θ/∂θ'.
    pub jacobian: DMatrix<f64>,
}

impl Turn {
    /// Natural parameters of those of the search.
    pub fn natural(&self, turned: &[f64]) -> Vec<f64> {
        let per_group = turned.len() / self.bases.len();
        let of_group = |(basis, own): (&Turned, &[f64])| -> Vec<f64> {
            let mut sigma = DMatrix::zeros(basis.visits(), basis.visits());
            basis.sigma(own, &mut sigma);
            lower_pairs(basis.visits()).map(|(a, b)| sigma[(a, b)]).collect()
        };
        self.bases.iter().zip(turned.chunks_exact(per_group)).flat_map(of_group).collect()
    }

    /// Parameters of the search of natural ones.
    pub fn turned(&self, natural: &[f64]) -> Vec<f64> {
        let per_group = natural.len() / self.bases.len();
        self.bases.iter().zip(natural.chunks_exact(per_group)).flat_map(|(basis, own)| basis.parameters_of(&of_triangle(own))).collect()
    }

    fn of(bases: Vec<Turned>) -> Self {
        let (t, groups) = (bases[0].visits(), bases.len());
        let per_group = t * (t + 1) / 2;
        let mut jacobian = DMatrix::zeros(groups * per_group, groups * per_group);
        let mut derivative = DMatrix::zeros(t, t);
        for (group, basis) in bases.iter().enumerate() {
            for k in 0..per_group {
                basis.derivative(&[], k, &mut derivative);
                let first = group * per_group;
                lower_pairs(t).enumerate().for_each(|(row, (a, b))| jacobian[(first + row, first + k)] = derivative[(a, b)]);
            }
        }
        Self { bases, jacobian }
    }
}

/// The symmetric matrix of a lower triangle, row by row.
fn of_triangle(lower: &[f64]) -> DMatrix<f64> {
    let t = (((8 * lower.len() + 1) as f64).sqrt() as usize - 1) / 2;
    DMatrix::from_fn(t, t, |a, b| lower[crate::covariance::lower(a.max(b), a.min(b))])
}

/// Whether what the visits before leave of one is so little that its digits are few.
pub(super) fn is_nearly_singular(sigmas: &[DMatrix<f64>]) -> bool {
    let worst = |sigma: &DMatrix<f64>| {
        let left = |l: DMatrix<f64>| (0..l.nrows()).map(|a| l[(a, a)].powi(2) / sigma[(a, a)]).fold(f64::INFINITY, f64::min);
        sigma.clone().cholesky().map_or(0.0, |factor| left(factor.unpack()))
    };
    sigmas.iter().any(|sigma| worst(sigma) < NEARLY_SINGULAR)
}

impl Optimum {
    /// The optimum in a basis in which the covariance of least-squares residuals, or that of an optimum, is diagonal; of an
    /// unstructured covariance alone.
    pub(super) fn in_another_basis(
        design: &Design,
        classes: &Classes,
        estimation: Estimation,
        near: Option<Vec<DMatrix<f64>>>,
    ) -> Option<Result<Self, Failure>> {
        let (kept, labels) = checked(&design.columns, &design.account, &design.rows.random, classes).ok()?;
        if !design.rows.random.is_empty() || !is_unstructured(classes) || labels.visits.len() > MOST_VISITS {
            return None;
        }
        let centring = Centring::of(design, &kept);
        let design = &*centring.applied(design);
        let rows = moments::active_rows(&design.columns, design.rows.weights.is_some(), &kept);
        let origin = least_squares(design, &kept)?;
        let natural = Sigmas::new(classes.clone(), &labels);
        let parts = Parts { design, rows, origin: &origin, sigmas: natural.clone(), estimation, labels };
        let (problem, moments) = parts.problem(Storage::Cheaper);
        let near = match near {
            Some(near) => near,
            None => start::residual_covariances(&problem).filter(|raw| is_nearly_singular(raw))?,
        };
        // One basis for all groups: that of the group nearest to being singular would do for none but itself.
        let [sigma] = near.as_slice() else { return None };
        let basis = Turned::at(sigma)?;
        let theta = basis.parameters_of(sigma);
        let structure: Box<dyn CovarianceStructure> = Box::new(basis.clone());
        let turn = Turn::of(vec![basis]);
        let problem = Problem { sigmas: Sigmas::new(Classes::from(structure), &problem.labels), ..problem };
        let fitting = Fitting { clusters: Clusters::of(&[], kept.len()), kept, centring, moments };
        let optimum =
            found(problem, origin, Beginning::Left(theta), fitting).map(|found| found.optimum.turned_back(natural, Arc::new(turn)));
        Some(optimum.map_err(|lost| lost.failure))
    }

    /// The same optimum in the natural parameters.
    fn turned_back(self, sigmas: Sigmas, turn: Arc<Turn>) -> Self {
        let theta = turn.natural(&self.theta);
        Self { eta: theta.clone(), theta, working: Working::of(&sigmas), sigmas, turn: Some(turn), ..self }
    }
}

/// Whether θ is the lower triangle of Σ, as it stands.
pub(super) fn is_unstructured(classes: &Classes) -> bool {
    let [structure] = classes.structures.as_slice() else { return false };
    let t = structure.visits();
    let parameters = || structure.parameter_names(&(0..t).map(|k| k.to_string()).collect::<Vec<String>>()).len();
    if !structure.is_linear() || !structure.boundaries().is_empty() || parameters() != t * (t + 1) / 2 {
        return false;
    }
    let theta: Vec<f64> = lower_pairs(t).map(|(a, b)| if a == b { 1.0 + a as f64 } else { 0.5 / (1.0 + (a * t + b) as f64) }).collect();
    let mut sigma = DMatrix::zeros(t, t);
    structure.sigma(&theta, &mut sigma);
    lower_pairs(t).zip(&theta).all(|((a, b), &x)| sigma[(a, b)] == x)
}

/// Repeats in another basis, with what they find in natural parameters.
#[derive(Debug, Clone)]
pub(super) struct TurnedBack {
    pub own: Box<dyn Repeat>,
    pub turn: Arc<Turn>,
    pub theta: Vec<f64>,
}

impl TurnedBack {
    fn note(&mut self) {
        self.theta = self.turn.natural(self.own.theta());
    }
}

impl Repeat for TurnedBack {
    fn with_outcomes(&mut self, outcomes: &[f64]) -> Result<(), Failure> {
        self.own.with_outcomes(outcomes)?;
        self.note();
        Ok(())
    }

    fn with_multiplicities(&mut self, times: &[u32]) -> Result<(), Failure> {
        self.own.with_multiplicities(times)?;
        self.note();
        Ok(())
    }

    fn be_exact(&mut self) {
        self.own.be_exact();
    }

    fn value(&self) -> f64 {
        self.own.value()
    }

    fn theta(&self) -> &[f64] {
        &self.theta
    }

    fn set_beta(&self, beta: &mut [f64]) {
        self.own.set_beta(beta);
    }

    fn optimum(&self, original: &Optimum) -> Optimum {
        self.own.optimum(original).turned_back(original.sigmas.clone(), self.turn.clone())
    }

    fn boxed(&self) -> Box<dyn Repeat> {
        Box::new(self.clone())
    }
}
