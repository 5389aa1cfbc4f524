//! From a design and a covariance structure to the verified optimum of the likelihood.

use super::blocks::Blocks;
use super::build::{self, Storage};
use super::centring::Centring;
use super::classes::Classes;
use super::clusters::{Cells, Clusters};
use super::newton::{Convergence, MAX_ITERATIONS, Search, Steps};
use super::problem::{Estimation, Point, Problem};
use super::sparse::SparseFit;
use super::verify::Labels;
use super::working::Working;
use super::workspace::Workspace;
use super::{Engine, Failure, Moments, moments, start};
use crate::covariance::CovarianceStructure;
use crate::design::{Account, Columns, Design, RandomTerm};
use nalgebra::{DMatrix, DVector};
use std::sync::Arc;

/// How often a search may go on from another origin of the outcome.
const MOVES_OF_ORIGIN: usize = 3;

/// The variance of a visit, as a share of the mean square of the outcome about its origin, at which digits must be
/// won back.
const DIGITS_LOST: f64 = 1e-8;
/// The standard deviation of a visit, as a share of its largest outcome, that is but rounding.
const ROUNDING: f64 = 1e-13;

/// Where a search stands: a mean to measure the outcome from, and covariance parameters.
#[derive(Debug)]
struct Place {
    origin: Vec<f64>,
    theta: Vec<f64>,
}

impl Place {
    fn of(point: &Point, origin: &[f64]) -> Self {
        Self { origin: origin.iter().zip(point.beta.iter()).map(|(origin, beta)| origin + beta).collect(), theta: point.theta.clone() }
    }
}

/// A search that found no optimum, and where it ended.
#[derive(Debug)]
struct Lost {
    failure: Failure,
    place: Option<Place>,
}

impl From<Failure> for Lost {
    fn from(failure: Failure) -> Self {
        Self { failure, place: None }
    }
}

/// The optimum of one model's likelihood: what inference starts from.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub problem: Problem,
    /// The sums that the problem was made from; none where every patient has a Σ of his own.
    pub moments: Option<Moments>,
    /// β₀.
    pub origin: Vec<f64>,
    /// The class of each patient of the design; empty where there is one.
    pub class_of: Vec<usize>,
    /// The optimum, β and Φ being those of the mean alone.
    pub point: Point,
    /// The same with the effects of clusters among the columns, where there are any: what `problem` speaks of.
    pub penalised: Option<Point>,
    /// The fit by the sparse engine, where it was that.
    pub sparse: Option<Arc<SparseFit>>,
    pub working: Working,
    /// The working parameters at the optimum.
    pub eta: Vec<f64>,
    /// The columns of the design that were fitted; the others are aliased.
    pub kept: Vec<usize>,
    /// The columns that were measured from a mean: `problem` and `point` speak of them as centred.
    pub centring: Centring,
    /// Names for messages, those of all covariance parameters among them.
    pub labels: Labels,
    pub convergence: Convergence,
}

impl Fitted {
    /// Collects the moments, finds a start and minimises −2ℓ.
    ///
    /// Where a visit varies far less than the outcome as a whole, rounding spoils its sums of squares, and a search
    /// may end in it. The search then goes on from where it stood with the outcome measured from the mean found
    /// there, which keeps the digits of small residuals.
    pub fn new(design: &Design, classes: impl Into<Classes>, estimation: Estimation) -> Result<Self, Failure> {
        let classes = classes.into();
        let mut place = None;
        for _ in 0..MOVES_OF_ORIGIN {
            let moved = place.is_some();
            match Self::from(design, classes.clone(), estimation, place) {
                Ok(found) if moved => return found.with_variation(design),
                Ok(found) if !found.has_lost_digits() => return Ok(found),
                Ok(found) => place = Some(Place::of(&found.point, &found.origin)),
                Err(Lost { place: Some(last), failure: Failure::NotConverged { iterations } }) if iterations < MAX_ITERATIONS => {
                    place = Some(last)
                }
                Err(lost) => return Err(lost.failure),
            }
        }
        Self::from(design, classes, estimation, place).map_err(|lost| lost.failure)?.with_variation(design)
    }

    /// Whether a visit varies so little about its mean, and the outcome so much about the origin, that sums of
    /// squares have lost half of their digits.
    fn has_lost_digits(&self) -> bool {
        let problem = &self.problem;
        let squares: f64 = problem.patterns().iter().enumerate().map(|(i, p)| problem.data.squares(i, p.size())).sum();
        let least =
            self.sigmas().iter().flat_map(|sigma| sigma.diagonal().iter().copied().collect::<Vec<_>>()).fold(f64::INFINITY, f64::min);
        least < DIGITS_LOST * squares / problem.observations()
    }

    /// Refuses a visit whose variance is that of rounding.
    fn with_variation(self, design: &Design) -> Result<Self, Failure> {
        let visits = design.columns.visits.len();
        let largest = |t: usize| design.rows.y.iter().skip(t).step_by(visits).filter(|y| !y.is_nan()).fold(0.0_f64, |m, y| m.max(y.abs()));
        let sigmas = self.sigmas();
        let is_still = |&t: &usize| sigmas.iter().any(|sigma| sigma[(t, t)].sqrt() < ROUNDING * largest(t));
        let still: Vec<String> = (0..visits).filter(is_still).map(|t| self.labels.visits[t].clone()).collect();
        if still.is_empty() { Ok(self) } else { Err(Failure::NoVariationAt { visits: still }) }
    }

    fn from(design: &Design, classes: Classes, estimation: Estimation, place: Option<Place>) -> Result<Self, Lost> {
        let (kept, labels) = checked(&design.columns, &design.account, &design.rows.random, &classes)?;
        let centring = Centring::of(design, &kept);
        let (rows, values) = (moments::active_rows(&design.columns, design.rows.weights.is_some(), &kept), centring.values(design));
        let (mut origin, theta) = match place {
            Some(Place { mut origin, theta }) => {
                origin.truncate(kept.len());
                (origin, Some(theta))
            }
            None => (origin(design, &values, &rows, &kept, &classes)?, None),
        };
        let class_of = classes.of_patient.clone();
        let (mut problem, moments) = build::problem(design, &values, rows, &origin, kept.len(), classes, estimation, Storage::Cheaper);
        if let Some(clusters) = Clusters::of(design, kept.len()) {
            let observed = build::observed_rows(design, &values, &problem.rows, &origin);
            problem.add_clusters(clusters, design, &observed, &class_of);
            origin.resize(problem.columns, 0.0);
        }
        Ok(Self { class_of, ..Self::optimum(problem, moments, origin, theta, kept, centring, labels)? })
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
        let problem = build::problem_of_moments(&moments, rows, kept.len(), columns.groups.len(), classes, estimation);
        let origin = moments.origin.clone();
        Self::optimum(problem, Some(moments), origin, None, kept, centring, labels).map_err(|lost| lost.failure)
    }

    fn optimum(
        problem: Problem,
        moments: Option<Moments>,
        origin: Vec<f64>,
        theta: Option<Vec<f64>>,
        kept: Vec<usize>,
        centring: Centring,
        labels: Labels,
    ) -> Result<Self, Lost> {
        let mut search = match theta.and_then(|theta| problem.at(&theta)) {
            Some(left) => Search::new(&problem, left).tolerant(),
            None => Search::new(&problem, start::start(&problem)?),
        };
        if let Some(clusters) = &problem.clusters {
            clusters.identified(&search.point, &labels)?;
        }
        let steps =
            search.minimise(&problem, &labels).map_err(|failure| Lost { failure, place: Some(Place::of(&search.point, &origin)) })?;
        let (working, convergence) = (search.working().clone(), convergence(&problem, &search, &labels, steps));
        let (point, eta) = search.into_optimum();
        let (point, penalised) = of_the_mean(&problem, point);
        Ok(Self {
            problem,
            moments,
            origin,
            class_of: vec![],
            point,
            penalised,
            sparse: None,
            working,
            eta,
            kept,
            centring,
            labels,
            convergence,
        })
    }

    /// The optimum in all columns of `problem`.
    pub fn whole_point(&self) -> &Point {
        self.penalised.as_ref().unwrap_or(&self.point)
    }

    /// The covariance structure; of the first class of patients, where there are several.
    pub fn structure(&self) -> &dyn CovarianceStructure {
        self.problem.structure()
    }

    /// Names of all covariance parameters, group by group.
    pub fn parameter_names(&self) -> &[String] {
        &self.labels.parameters
    }

    /// β of the fitted columns, as centred.
    pub fn centred_beta(&self) -> DVector<f64> {
        DVector::from_iterator(self.kept.len(), self.point.beta.iter().zip(&self.origin).map(|(beta, origin)| beta + origin))
    }

    /// Σ of each group; of the first class of patients, where there are several.
    pub fn sigmas(&self) -> Vec<DMatrix<f64>> {
        let t = self.problem.visits();
        let sigma = |theta: &[f64]| {
            let mut sigma = DMatrix::zeros(t, t);
            self.structure().sigma(theta, &mut sigma);
            sigma
        };
        self.point.theta.chunks_exact(self.parameters_per_group()).take(self.problem.groups).map(sigma).collect()
    }

    /// The number of covariance parameters of a group.
    pub fn parameters_per_group(&self) -> usize {
        self.problem.parameters_per_group(self.point.theta.len())
    }
}

impl Problem {
    /// Puts the effects of clusters behind the columns of the mean.
    pub(super) fn add_clusters(&mut self, mut clusters: Clusters, design: &Design, observed: &build::ObservedRows, class_of: &[usize]) {
        let pattern_of = |patient: usize, seen: &[usize]| {
            self.pattern_of(design.rows.group_of[patient], class_of.get(patient).copied().unwrap_or(0), seen)
        };
        let cells = Cells::new(design, &clusters, &self.rows, observed, &self.patterns, pattern_of);
        clusters.cells = Some(cells);
        self.columns += clusters.effects();
        self.clusters = Some(clusters);
    }
}

/// A point reduced to the columns of the mean, and the whole of it where there are effects of clusters.
pub(super) fn of_the_mean(problem: &Problem, point: Point) -> (Point, Option<Point>) {
    let Some(clusters) = &problem.clusters else { return (point, None) };
    let p = clusters.fixed;
    let beta = point.beta.rows(0, p).clone_owned();
    let phi = point.phi.view((0, 0), (p, p)).clone_owned();
    (Point { beta, phi, clusters: None, ..point.clone() }, Some(point))
}

/// How a search ended, with the names of what vanished.
pub(super) fn convergence(problem: &Problem, search: &Search, labels: &Labels, steps: Steps) -> Convergence {
    let (theta, first) = (&search.point.theta, problem.parameters_of_sigma(search.point.theta.len()));
    // Of correlated effects a combination may vanish although none does.
    let name = |k: usize| match &labels.parameters[k] {
        variance if k >= first && theta[k] > search.eta[k].powi(2) * (1.0 + 1e-6) + 1e-12 * theta[0].abs() => {
            format!("what the effects before leave of the {variance}")
        }
        parameter => parameter.clone(),
    };
    let boundary = search.working().vanished(problem.structure(), &search.eta).into_iter().map(name).collect();
    let engine = if problem.clusters.is_some() { Engine::DenseEffects } else { Engine::Patterns };
    Convergence { engine, iterations: steps.iterations, evaluations: steps.evaluations, decrement: steps.decrement, boundary }
}

/// The columns that are fitted, and the names for messages, once it is sure that there are enough observations.
pub(super) fn checked(
    columns: &Columns,
    account: &Account,
    random: &[RandomTerm],
    classes: &Classes,
) -> Result<(Vec<usize>, Labels), Failure> {
    let kept: Vec<usize> = (0..columns.len()).filter(|&c| account.aliased.iter().all(|a| a.column != c)).collect();
    let labels = labels(columns, random, &*classes.structures[0]);
    check_sizes(&kept, &labels, account.n_observations())?;
    Ok((kept, labels))
}

fn check_sizes(kept: &[usize], labels: &Labels, observations: usize) -> Result<(), Failure> {
    let (columns, parameters) = (kept.len(), labels.parameters.len());
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
fn origin(design: &Design, values: &[f64], rows: &moments::Rows, kept: &[usize], classes: &Classes) -> Result<Vec<f64>, Failure> {
    let intercept = kept.iter().position(|&c| design.columns.terms[design.columns[c].term].variables.is_empty());
    let mut origin = vec![0.0; kept.len()];
    if let Some(intercept) = intercept {
        let observed = design.rows.y.iter().filter(|y| !y.is_nan());
        origin[intercept] = observed.clone().sum::<f64>() / observed.count().max(1) as f64;
        return Ok(origin);
    }
    let (first, _) = build::problem(design, values, rows.clone(), &origin, kept.len(), classes.clone(), Estimation::Ml, Storage::Cheaper);
    let mut point = first.blank(0);
    point.w = Blocks::identity(first.patterns());
    first.solve(&[], &mut point, &mut Workspace::new(&first)).ok_or(Failure::Singular)?;
    Ok(point.beta.as_slice().to_vec())
}

fn labels(columns: &Columns, random: &[RandomTerm], structure: &dyn CovarianceStructure) -> Labels {
    let names = structure.parameter_names(&columns.visit_labels);
    let parameters = match columns.groups.len() {
        1 => names,
        _ => columns.groups.iter().flat_map(|group| names.iter().map(move |name| format!("{name} ({group})"))).collect(),
    };
    let of_clusters = Clusters::parameter_names(random);
    let parameters: Vec<String> = parameters.into_iter().chain(of_clusters).collect();
    Labels { visits: columns.visit_labels.clone(), parameters, groups: columns.groups.clone() }
}
