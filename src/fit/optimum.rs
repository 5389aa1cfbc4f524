//! From a design and a covariance structure to the verified optimum of the likelihood.

use super::build::{self, Parts, Storage};
use super::cause;
use super::centring::Centring;
use super::classes::Classes;
use super::clusters::{Clusters, WithEffects};
use super::curvature::Curvature;
use super::found::{Found, SecondOrder, convergence, measured_from};
use super::likelihood::Likelihood;
use super::marginal::{Effects, MarginalModel, Solution};
use super::matrix_free::{self, found::MatrixFree, search::Newton};
use super::problem::{Estimation, Point, Problem};
use super::refit::{self, Repeat};
use super::scaled_cholesky::ScaledCholesky;
use super::search::{Convergence, MAX_ITERATIONS, Search, Steps};
use super::sigmas::Sigmas;
use super::sparse::SparseFit;
use super::turned::{self, Turn, TurnedBack};
use super::verify::Labels;
use super::working::Working;
use super::{Engine, Failure, Moments, moments, start};
use crate::covariance::CovarianceStructure;
use crate::design::{Account, Columns, Design, RandomTerm};
use nalgebra::{DMatrix, DVector};
use std::borrow::Cow;
use std::sync::Arc;

/// How often a search may go on from another origin of the outcome.
const MOVES_OF_ORIGIN: usize = 3;

/// The variance of a visit, as a share of the mean square of the outcome about its origin, at which digits must be
/// won back.
const DIGITS_LOST: f64 = 1e-8;
/// The standard deviation of a visit, as a share of its largest outcome, that is but rounding.
const ROUNDING: f64 = 1e-13;

/// The optimum of one model's likelihood: what inference starts from, whichever engine found it.
#[derive(Debug, Clone)]
pub(crate) struct Optimum {
    /// θ: the parameters of Σ, group by group, then those of the effects of clusters.
    pub theta: Vec<f64>,
    /// −2ℓ.
    pub value: f64,
    /// β of the fitted columns, as centred.
    pub beta: DVector<f64>,
    /// Φ = (X'V⁻¹X)⁻¹.
    pub phi: DMatrix<f64>,
    /// The covariances within patients.
    pub sigmas: Sigmas,
    /// The effects of clusters.
    pub clusters: Clusters,
    /// Names of all covariance parameters, group by group.
    pub parameter_names: Vec<String>,
    /// The columns of the design that were fitted; the others are aliased.
    pub kept: Vec<usize>,
    /// The columns that were measured from a mean.
    pub centring: Centring,
    /// The number of observations.
    pub observations: usize,
    /// The sums that it was found from; none where every patient has a Σ of their own.
    pub moments: Option<Moments>,
    pub convergence: Convergence,
    pub(super) working: Working,
    /// The working parameters at the optimum.
    pub(super) eta: Vec<f64>,
    /// The way to the parameters of the model, where they are not the natural ones.
    pub(super) turn: Option<Arc<Turn>>,
    pub(super) model: Arc<dyn MarginalModel>,
}

/// What an optimum is of: the columns fitted, and what they are measured from.
#[derive(Debug, Clone)]
pub(super) struct Fitting {
    pub kept: Vec<usize>,
    pub centring: Centring,
    pub clusters: Clusters,
    pub moments: Option<Moments>,
}

/// Where a search begins.
#[derive(Debug, Clone)]
pub(super) enum Beginning {
    /// At starts of its own, to be tried in their order.
    Own,
    /// At the θ where another search stood, then at starts of its own.
    Left(Vec<f64>),
    /// At θ, which is near, and nowhere else.
    Near(Vec<f64>),
}

/// Where a search stands: a mean to measure the outcome from, and covariance parameters.
#[derive(Debug, Clone)]
struct Place {
    origin: Vec<f64>,
    theta: Vec<f64>,
}

/// An optimum, and whether sums of squares lost their digits on the way.
pub(super) struct Candidate {
    pub optimum: Optimum,
    lost_digits: bool,
}

/// A search that found no optimum, and where it ended.
#[derive(Debug)]
pub(super) struct Lost {
    pub failure: Failure,
    place: Option<Box<Place>>,
    /// Whether sums of squares lost their digits on the way.
    lost_digits: bool,
}

impl From<Failure> for Lost {
    fn from(failure: Failure) -> Self {
        Self { failure, place: None, lost_digits: false }
    }
}

impl Lost {
    #[cfg(test)]
    pub fn failure(self) -> Failure {
        self.failure
    }

    /// Whether the search may go on from another origin.
    fn may_go_on(&self) -> bool {
        let stalled = matches!(self.failure, Failure::NotConverged { iterations } if iterations < MAX_ITERATIONS);
        stalled || (self.lost_digits && self.failure.depends_on_covariance())
    }
}

impl Optimum {
    /// The optimum as an engine finds it.
    pub fn by(engine: Engine, design: &Design, classes: Classes, estimation: Estimation) -> Result<Self, Failure> {
        cause::in_scale(design)?;
        match engine {
            Engine::SparseEffects => Self::sparse(design, classes, estimation),
            Engine::Patterns | Engine::DenseEffects => Self::new(design, classes, estimation),
        }
    }

    /// Collects the moments, finds a start and minimises −2ℓ.
    ///
    /// Where a visit varies far less than the outcome as a whole, rounding spoils its sums of squares, and a search
    /// may end in it. The search then goes on from where it stood with the outcome measured from the mean found
    /// there, which keeps the digits of small residuals.
    ///
    /// Where visits are all but multiples of each other, the search goes on in another basis of the visits.
    pub fn new(design: &Design, classes: impl Into<Classes>, estimation: Estimation) -> Result<Self, Failure> {
        let classes = classes.into();
        match Self::in_natural_parameters(design, classes.clone(), estimation) {
            Ok(optimum) => {
                let sigmas = optimum.covariances();
                if !turned::is_nearly_singular(&sigmas) {
                    return Ok(optimum);
                }
                let better = Self::in_another_basis(design, &classes, estimation, Some(sigmas));
                Ok(better.and_then(Result::ok).unwrap_or(optimum))
            }
            Err(failure) if failure.depends_on_covariance() => {
                let other = Self::in_another_basis(design, &classes, estimation, None);
                other.and_then(Result::ok).ok_or_else(|| named(failure, design))?.with_variation(design)
            }
            Err(failure) => Err(named(failure, design)),
        }
    }

    /// The optimum as a search from θ finds it, exact as those of [`Repeat`] are; `None` where the search fails there, or where
    /// it takes the care of [`Optimum::new`] to be sure of its digits.
    pub fn beginning_at(theta: &[f64], design: &Design, classes: Classes, estimation: Estimation) -> Option<Self> {
        cause::in_scale(design).ok()?;
        let found = Self::from_beginning(design, classes, estimation, None, Beginning::Near(theta.to_vec())).ok()?;
        let sound = !found.lost_digits && !turned::is_nearly_singular(&found.optimum.covariances());
        sound.then_some(found.optimum)
    }

    fn in_natural_parameters(design: &Design, classes: Classes, estimation: Estimation) -> Result<Self, Failure> {
        let mut place = None;
        for _ in 0..MOVES_OF_ORIGIN {
            let moved = place.is_some();
            match Self::from(design, classes.clone(), estimation, place) {
                Ok(found) if moved => return found.optimum.with_variation(design),
                Ok(found) if !found.lost_digits => return Ok(found.optimum),
                Ok(found) => place = Some(Place { origin: found.optimum.beta.as_slice().to_vec(), theta: found.optimum.theta }),
                Err(lost) if lost.place.is_some() && lost.may_go_on() => place = lost.place.map(|place| *place),
                Err(lost) => return Err(lost.failure),
            }
        }
        let found = Self::from(design, classes, estimation, place).map_err(|lost| lost.failure)?;
        found.optimum.with_variation(design)
    }

    /// Refuses a visit whose variance is that of rounding.
    fn with_variation(self, design: &Design) -> Result<Self, Failure> {
        let visits = design.columns.visits.len();
        let largest = |t: usize| design.rows.y.iter().skip(t).step_by(visits).filter(|y| !y.is_nan()).fold(0.0_f64, |m, y| m.max(y.abs()));
        let sigmas = self.covariances();
        let is_still = |&t: &usize| sigmas.iter().any(|sigma| sigma[(t, t)].sqrt() < ROUNDING * largest(t));
        let still: Vec<String> = (0..visits).filter(is_still).map(|t| design.columns.visit_labels[t].clone()).collect();
        if still.is_empty() { Ok(self) } else { Err(Failure::NoVariationAt { visits: still }) }
    }

    fn from(design: &Design, classes: Classes, estimation: Estimation, place: Option<Place>) -> Result<Candidate, Lost> {
        match place {
            Some(Place { origin, theta }) => Self::from_beginning(design, classes, estimation, Some(origin), Beginning::Left(theta)),
            None => Self::from_beginning(design, classes, estimation, None, Beginning::Own),
        }
    }

    fn from_beginning(
        design: &Design,
        classes: Classes,
        estimation: Estimation,
        known_origin: Option<Vec<f64>>,
        beginning: Beginning,
    ) -> Result<Candidate, Lost> {
        let (kept, labels) = checked(&design.columns, &design.account, &design.rows.random, &classes)?;
        let centring = Centring::of(design, &kept);
        let design = &*centring.applied(design);
        let rows = moments::active_rows(&design.columns, design.rows.weights.is_some(), &kept);
        let sigmas = Sigmas::new(classes, &labels);
        let parts = Parts { design, rows, origin: &[], sigmas, estimation, labels };
        let origin = known_origin.map_or_else(|| origin(&parts, &kept), Ok)?;
        let (problem, moments) = Parts { origin: &origin, ..parts }.problem(Storage::Cheaper);
        let fitting = Fitting { clusters: Clusters::of(&design.rows.random, kept.len()), kept, centring, moments };
        if fitting.clusters.is_empty() {
            return found_by_patterns(problem, origin, beginning, fitting);
        }
        let observed = build::observed_rows(design, &problem.rows, &origin);
        found(WithEffects::new(problem, design, &observed), origin, beginning, fitting)
    }

    /// The same from moments that `collect` makes, for the columns kept and their rows.
    pub fn of_moments(
        columns: &Columns,
        account: &Account,
        structure: Box<dyn CovarianceStructure>,
        estimation: Estimation,
        collect: impl FnOnce(&[usize], &moments::Rows) -> Result<(Centring, Moments), Failure>,
    ) -> Result<Self, Failure> {
        let classes = Classes::from(structure);
        let (kept, labels) = checked(columns, account, &[], &classes)?;
        let rows = moments::active_rows(columns, columns.are_weighted(), &kept);
        let (centring, moments) = collect(&kept, &rows)?;
        let problem = build::problem_of_moments(&moments, rows, kept.len(), Sigmas::new(classes, &labels), estimation, labels);
        let origin = moments.origin.clone();
        let fitting = Fitting { clusters: Clusters::of(&[], kept.len()), kept, centring, moments: Some(moments) };
        found_by_patterns(problem, origin, Beginning::Own, fitting).map(|found| found.optimum).map_err(|lost| lost.failure)
    }

    /// The optimum of a model with random effects and independent residuals.
    fn sparse(design: &Design, classes: Classes, estimation: Estimation) -> Result<Self, Failure> {
        let (kept, mut labels) = checked(&design.columns, &design.account, &design.rows.random, &classes)?;
        let centring = Centring::of(design, &kept);
        let fit = SparseFit::new(&centring.applied(design), &kept, estimation)?;
        let (sigmas, clusters) = (Sigmas::new(classes, &labels), fit.clusters.clone());
        labels.parameters.extend(Clusters::parameter_names(&design.rows.random));
        let working = Working::of(&sigmas).with_effects(&clusters);
        Ok(Self {
            theta: fit.theta.clone(),
            value: fit.value,
            beta: fit.beta.clone(),
            phi: fit.phi.clone(),
            eta: working.at_natural(&fit.theta),
            working,
            turn: None,
            sigmas,
            clusters,
            parameter_names: labels.parameters,
            kept,
            centring,
            observations: design.n_observations(),
            moments: None,
            convergence: fit.convergence.clone(),
            model: Arc::new(fit),
        })
    }

    /// The optimum of the same model that the sparse engine found for other outcomes.
    pub(super) fn of_effects(&self, fit: SparseFit) -> Self {
        Self {
            theta: fit.theta.clone(),
            value: fit.value,
            beta: fit.beta.clone(),
            phi: fit.phi.clone(),
            eta: self.working.at_natural(&fit.theta),
            convergence: fit.convergence.clone(),
            model: Arc::new(fit),
            ..self.clone()
        }
    }

    /// The optimum at which a search has ended.
    pub(super) fn of_search<L: SecondOrder>(likelihood: L, search: Search<L>, steps: Steps, origin: Vec<f64>, fitting: Fitting) -> Self {
        let convergence = convergence(&likelihood, &search, steps);
        let parameters = (search.room.working, search.eta);
        Self::of_found(Found::new(likelihood, search.place, origin, search.room.derived), convergence, parameters, fitting, |found| {
            Arc::new(found)
        })
    }

    /// The optimum at which a search without a Hessian has ended.
    fn of_newton(problem: Problem, search: Newton, steps: Steps, origin: Vec<f64>, fitting: Fitting) -> Self {
        let Steps { iterations, evaluations, decrement } = steps;
        let convergence = Convergence { engine: Engine::Patterns, iterations, evaluations, decrement, boundary: vec![] };
        let parameters = (problem.working(), search.place.theta.clone());
        Self::of_found(Found::new(problem, search.place, origin, None), convergence, parameters, fitting, |found| {
            Arc::new(MatrixFree::of(found))
        })
    }

    fn of_found<L: SecondOrder>(
        found: Found<L>,
        convergence: Convergence,
        (working, eta): (Working, Vec<f64>),
        fitting: Fitting,
        model: impl FnOnce(Found<L>) -> Arc<dyn MarginalModel>,
    ) -> Self {
        let (mean, patterns) = (L::mean(&found.point), found.likelihood.patterns());
        Self {
            theta: mean.theta.clone(),
            value: mean.value,
            beta: measured_from(&found.origin, &mean.beta),
            phi: mean.phi.clone(),
            sigmas: patterns.sigmas.clone(),
            clusters: fitting.clusters,
            parameter_names: patterns.labels.parameters.clone(),
            kept: fitting.kept,
            centring: fitting.centring,
            observations: patterns.observations() as usize,
            moments: fitting.moments,
            convergence,
            working,
            eta,
            turn: None,
            model: model(found),
        }
    }

    /// Σ of each group; of the first class of patients, where there are several.
    pub fn covariances(&self) -> Vec<DMatrix<f64>> {
        (0..self.sigmas.groups).map(|group| self.sigmas.sigma(&self.theta, group, 0)).collect()
    }

    /// The parameters of the effects of clusters.
    pub fn effect_parameters(&self) -> &[f64] {
        &self.theta[self.sigmas.parameters()..]
    }

    /// The working parameters: roots and Cholesky factors where a variance may vanish.
    pub fn eta(&self) -> &[f64] {
        &self.eta
    }

    /// Replaces derivatives with respect to θ by those with respect to η, at η.
    pub fn to_working(&self, eta: &[f64], curvature: &mut Curvature) {
        self.working.clone().transform(eta, curvature);
    }

    /// The parameters that vanished at a boundary, as positions.
    pub fn vanished(&self) -> Vec<usize> {
        self.working.vanished(self.sigmas.structure(), &self.eta)
    }

    /// ∂θ/∂η' at the optimum.
    pub fn jacobian(&self) -> DMatrix<f64> {
        self.working.jacobian(&self.eta)
    }

    /// The likelihood at another θ; `None` where it has no value.
    pub fn at(&self, theta: &[f64]) -> Option<Solution> {
        self.model.at(&self.of_model(theta))
    }

    /// Natural parameters as the model has them.
    fn of_model<'t>(&self, theta: &'t [f64]) -> Cow<'t, [f64]> {
        self.turn.as_ref().map_or(Cow::Borrowed(theta), |turn| Cow::Owned(turn.turned(theta)))
    }

    /// ∂θ/∂θ' of the parameters θ' of the [model](Self::model), where they are not the natural ones.
    pub fn turn(&self) -> Option<&DMatrix<f64>> {
        self.turn.as_ref().map(|turn| &turn.jacobian)
    }

    /// −2ℓ at η with its derivatives over η, and θ there; `None` where it has no value.
    pub fn deviance(&self, eta: &[f64]) -> Option<(f64, Curvature, Vec<f64>)> {
        let mut theta = vec![0.0; eta.len()];
        self.working.to_natural(eta, &mut theta);
        let (value, mut curvature) = self.model.curvature_at(&self.of_model(&theta))?;
        if let Some(inverse) = self.turn().and_then(|j| j.clone().try_inverse()) {
            curvature.gradient = inverse.transpose() * curvature.gradient;
            curvature.hessian = inverse.transpose() * curvature.hessian * inverse;
        }
        self.to_working(eta, &mut curvature);
        Some((value, curvature, theta))
    }

    /// Second-order facts of the marginal model at the optimum.
    pub fn model(&self) -> &dyn MarginalModel {
        &*self.model
    }

    /// The predicted effects of a term, by its position.
    pub fn effects(&self, term: usize) -> Effects {
        self.model.effects(term)
    }

    /// What fits the same model to other data, beginning at this optimum; `design` is that of the fit.
    pub fn repeat(&self, design: &Design) -> Result<Box<dyn Repeat>, Failure> {
        let own = self.model.repeat(self, design)?;
        Ok(match &self.turn {
            None => own,
            Some(turn) => Box::new(TurnedBack { own, turn: turn.clone(), theta: self.theta.clone() }),
        })
    }
}

/// Searches to be tried in this order.
fn searches<L: SecondOrder>(likelihood: &L, beginning: Beginning) -> Result<Vec<Search<L>>, Failure> {
    let left = match beginning {
        Beginning::Near(theta) => {
            let mut search = Search::new(likelihood, likelihood.at(&theta).ok_or(Failure::NoStart)?);
            search.end_at(refit::LEFT);
            likelihood.check_effects(&search.place)?;
            return Ok(vec![search]);
        }
        Beginning::Left(theta) => likelihood.at(&theta),
        Beginning::Own => None,
    };
    let searches: Vec<Search<L>> = match left {
        None => start::starts(likelihood, start::SMALLEST_VARIANCE)?.into_iter().map(|start| Search::new(likelihood, start)).collect(),
        // What is small from here on is not rounding.
        Some(left) => {
            let starts = start::starts(likelihood, f64::EPSILON * f64::EPSILON).unwrap_or_default();
            std::iter::once(left).chain(starts).map(|start| Search::new(likelihood, start).tolerant()).collect()
        }
    };
    searches.iter().try_for_each(|search| likelihood.check_effects(&search.place))?;
    Ok(searches)
}

/// Why a search has no optimum, and where it ended.
type Ended<L> = (Failure, Option<Box<Search<L>>>);

/// The first search that ends at an optimum, or how the last one ended.
fn first_found<L: SecondOrder>(likelihood: &L, beginning: Beginning) -> Result<(Search<L>, Steps), Ended<L>> {
    let mut last = (Failure::NoStart, None);
    for mut search in searches(likelihood, beginning).map_err(|failure| (failure, None))? {
        match search.minimise(likelihood) {
            Ok(steps) => return Ok((search, steps)),
            Err(failure) => last = (failure, Some(Box::new(search))),
        }
    }
    Err(last)
}

pub(super) fn found<L: SecondOrder>(likelihood: L, origin: Vec<f64>, beginning: Beginning, fitting: Fitting) -> Result<Candidate, Lost> {
    let (search, steps) = first_found(&likelihood, beginning)
        .map_err(|(failure, search)| lost(failure, likelihood.patterns(), search.as_ref().map(|s| L::mean(&s.place)), &origin))?;
    let lost_digits = has_lost_digits(likelihood.patterns(), L::mean(&search.place));
    Ok(Candidate { optimum: Optimum::of_search(likelihood, search, steps, origin, fitting), lost_digits })
}

/// The same without effects of clusters, which may have too many parameters for a Hessian.
pub(super) fn found_by_patterns(problem: Problem, origin: Vec<f64>, beginning: Beginning, fitting: Fitting) -> Result<Candidate, Lost> {
    if let Some(failure) = matrix_free::without_maximum(&problem) {
        Err(failure.into())
    } else if matrix_free::is_for(&problem) {
        found_without_hessian(problem, origin, beginning, fitting)
    } else {
        found(problem, origin, beginning, fitting)
    }
}

/// The same by products with the Hessian.
pub(super) fn found_without_hessian(problem: Problem, origin: Vec<f64>, beginning: Beginning, fitting: Fitting) -> Result<Candidate, Lost> {
    let problem = matrix_free::prepared(problem);
    let (search, steps) = matrix_free::search::first_found(&problem, beginning)
        .map_err(|(failure, search)| lost(failure, &problem, search.as_ref().map(|s| &s.place), &origin))?;
    let lost_digits = has_lost_digits(&problem, &search.place);
    Ok(Candidate { optimum: Optimum::of_newton(problem, search, steps, origin, fitting), lost_digits })
}

/// A search that failed, and ended there.
fn lost(failure: Failure, problem: &Problem, ended: Option<&Point>, origin: &[f64]) -> Lost {
    let Some(point) = ended else { return failure.into() };
    let place = Place { origin: measured_from(origin, &point.beta).as_slice().to_vec(), theta: point.theta.clone() };
    Lost { failure, place: Some(Box::new(place)), lost_digits: has_lost_digits(problem, point) }
}

/// Whether a visit varies so little about its mean, or about what the visits before it tell, and the outcome so much
/// about the origin, that sums of squares have lost half of their digits.
fn has_lost_digits(problem: &Problem, point: &Point) -> bool {
    let squares: f64 = problem.patterns.iter().enumerate().map(|(i, p)| problem.data.squares(i, p.size())).sum();
    let smallest = |group: usize| {
        let sigma = problem.sigmas.sigma(&point.theta, group, 0);
        let own = sigma.diagonal().min();
        sigma.cholesky().map_or(own, |factor| factor.l_dirty().diagonal().min().powi(2))
    };
    let least = (0..problem.sigmas.groups).map(smallest).fold(f64::INFINITY, f64::min);
    least < DIGITS_LOST * squares / problem.observations()
}

/// A failure by its cause in the data.
fn named(failure: Failure, design: &Design) -> Failure {
    let kept = fitted_columns(&design.columns, &design.account);
    let design = &*Centring::of(design, &kept).applied(design);
    let beta = least_squares(design, &kept);
    cause::named(failure, design, &kept, beta.as_deref())
}

/// β of least squares, without weights for the visits.
pub(super) fn least_squares(design: &Design, kept: &[usize]) -> Option<Vec<f64>> {
    let rows = moments::active_rows(&design.columns, false, kept);
    let (mut gram, mut cross) = (DMatrix::zeros(kept.len(), kept.len()), DVector::zeros(kept.len()));
    let visits = design.columns.visits.len();
    for at in design.rows.observed() {
        let z = design.rows.z_of(at / visits);
        for a in &rows[at % visits] {
            let x = a.weight * z[a.value];
            cross[a.column] += x * design.rows.y[at];
            rows[at % visits].iter().for_each(|b| gram[(a.column, b.column)] += x * b.weight * z[b.value]);
        }
    }
    if kept.is_empty() {
        return None;
    }
    let mut factor = ScaledCholesky::blank(kept.len());
    factor.smallest_pivot(&gram)?;
    let mut beta = DVector::zeros(kept.len());
    factor.solve(&cross, &mut beta);
    Some(beta.as_slice().to_vec())
}

/// The columns that are fitted: those that are not aliased.
fn fitted_columns(columns: &Columns, account: &Account) -> Vec<usize> {
    (0..columns.len()).filter(|&c| account.aliased.iter().all(|a| a.column != c)).collect()
}

/// The columns that are fitted, and the names for messages, once it is sure that there are enough observations.
pub(super) fn checked(
    columns: &Columns,
    account: &Account,
    random: &[RandomTerm],
    classes: &Classes,
) -> Result<(Vec<usize>, Labels), Failure> {
    let kept = fitted_columns(columns, account);
    let labels = Labels::of(columns, &*classes.structures[0]);
    let of_effects: usize = random.iter().map(|term| term.pairs().len()).sum();
    check_sizes(&kept, &labels, labels.parameters.len() + of_effects, account.n_observations())?;
    Ok((kept, labels))
}

fn check_sizes(kept: &[usize], labels: &Labels, parameters: usize, observations: usize) -> Result<(), Failure> {
    let columns = kept.len();
    if columns == 0 {
        return Err(Failure::NoColumns);
    }
    if observations <= columns {
        return Err(Failure::TooFewObservations { observations, columns });
    }
    if parameters > observations {
        return Err(Failure::TooManyParameters { visits: labels.visits.len(), parameters, observations });
    }
    Ok(())
}

/// An origin β₀ near the data, so that no digits are lost to an offset of the outcome.
fn origin(parts: &Parts, kept: &[usize]) -> Result<Vec<f64>, Failure> {
    let design = parts.design;
    let intercept = kept.iter().position(|&c| design.columns.terms[design.columns[c].term].variables.is_empty());
    let mut origin = vec![0.0; kept.len()];
    if let Some(intercept) = intercept {
        let observed = design.rows.y.iter().filter(|y| !y.is_nan());
        origin[intercept] = observed.clone().sum::<f64>() / observed.count().max(1) as f64;
        return Ok(origin);
    }
    let (first, _) = Parts { origin: &origin, estimation: Estimation::Ml, ..parts.clone() }.problem(Storage::Cheaper);
    let mut point = first.blank_point();
    first.set_least_squares(&[], &mut point, &mut first.workspace()).ok_or(Failure::Singular)?;
    Ok(point.beta.as_slice().to_vec())
}

/// The optimum of a model without effects of clusters, as it was found.
#[cfg(test)]
pub(super) fn searched(design: &Design, classes: Classes, estimation: Estimation) -> Result<(Problem, Point), Failure> {
    let (kept, labels) = checked(&design.columns, &design.account, &[], &classes)?;
    let (rows, sigmas) = (moments::active_rows(&design.columns, design.rows.weights.is_some(), &kept), Sigmas::new(classes, &labels));
    let parts = Parts { design, rows, origin: &[], sigmas, estimation, labels };
    let origin = origin(&parts, &kept)?;
    let problem = Parts { origin: &origin, ..parts }.problem(Storage::Cheaper).0;
    let (search, _) = first_found(&problem, Beginning::Own).map_err(|(failure, _)| failure)?;
    Ok((problem, search.place))
}
