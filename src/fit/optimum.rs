//! From a design and a covariance structure to the verified optimum of the likelihood.

use super::blocks::Blocks;
use super::build::{self, Storage};
use super::centring::Centring;
use super::classes::Classes;
use super::newton::{Convergence, Search, Steps};
use super::problem::{Estimation, Point, Problem};
use super::verify::Labels;
use super::working::Working;
use super::workspace::Workspace;
use super::{Failure, Moments, moments, start};
use crate::covariance::CovarianceStructure;
use crate::design::Design;
use nalgebra::{DMatrix, DVector};

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
    pub point: Point,
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
    pub fn new(design: &Design, classes: impl Into<Classes>, estimation: Estimation) -> Result<Self, Failure> {
        let classes = classes.into();
        let (kept, labels) = checked(design, &classes)?;
        let rows = moments::active_rows(design, &kept);
        let centring = Centring::of(design, &kept);
        let values = centring.values(design);
        let origin = origin(design, &values, &rows, &kept, &classes)?;
        let class_of = classes.of_patient.clone();
        let (problem, moments) = build::problem(design, &values, rows, &origin, kept.len(), classes, estimation, Storage::Cheaper);
        Ok(Self { class_of, ..Self::optimum(problem, moments, origin, kept, centring, labels)? })
    }

    /// The same from moments that `collect` makes, for the columns kept and their rows.
    pub fn of_moments(
        design: &Design,
        structure: Box<dyn CovarianceStructure>,
        estimation: Estimation,
        collect: impl FnOnce(&[usize], &moments::Rows) -> Result<(Centring, Moments), Failure>,
    ) -> Result<Self, Failure> {
        let classes = Classes::from(structure);
        let (kept, labels) = checked(design, &classes)?;
        let rows = moments::active_rows(design, &kept);
        let (centring, moments) = collect(&kept, &rows)?;
        let problem = build::problem_of_moments(&moments, rows, kept.len(), design.groups.len(), classes, estimation);
        let origin = moments.origin.clone();
        Self::optimum(problem, Some(moments), origin, kept, centring, labels)
    }

    fn optimum(
        problem: Problem,
        moments: Option<Moments>,
        origin: Vec<f64>,
        kept: Vec<usize>,
        centring: Centring,
        labels: Labels,
    ) -> Result<Self, Failure> {
        let mut search = Search::new(&problem, start::start(&problem)?);
        let steps = search.minimise(&problem, &labels)?;
        let (working, convergence) = (search.working().clone(), convergence(&problem, &search, &labels, steps));
        let (point, eta) = search.into_optimum();
        Ok(Self { problem, moments, origin, class_of: vec![], point, working, eta, kept, centring, labels, convergence })
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
        &self.point.beta + DVector::from_column_slice(&self.origin)
    }

    /// Σ of each group; of the first class of patients, where there are several.
    pub fn sigmas(&self) -> Vec<DMatrix<f64>> {
        let t = self.problem.visits();
        let sigma = |theta: &[f64]| {
            let mut sigma = DMatrix::zeros(t, t);
            self.structure().sigma(theta, &mut sigma);
            sigma
        };
        self.point.theta.chunks_exact(self.parameters_per_group()).map(sigma).collect()
    }

    /// The number of covariance parameters of a group.
    pub fn parameters_per_group(&self) -> usize {
        self.point.theta.len() / self.problem.groups
    }
}

/// How a search ended, with the names of what vanished.
pub(super) fn convergence(problem: &Problem, search: &Search, labels: &Labels, steps: Steps) -> Convergence {
    let boundary = search.working().vanished(problem.structure(), &search.eta).into_iter().map(|k| labels.parameters[k].clone()).collect();
    Convergence { iterations: steps.iterations, evaluations: steps.evaluations, decrement: steps.decrement, boundary }
}

/// The columns that are fitted, and the names for messages, once it is sure that there are enough observations.
fn checked(design: &Design, classes: &Classes) -> Result<(Vec<usize>, Labels), Failure> {
    let kept: Vec<usize> = (0..design.columns.len()).filter(|&c| design.aliased.iter().all(|a| a.column != c)).collect();
    let labels = labels(design, &*classes.structures[0]);
    check_sizes(design, &kept, &labels, design.n_observations())?;
    Ok((kept, labels))
}

fn check_sizes(design: &Design, kept: &[usize], labels: &Labels, observations: usize) -> Result<(), Failure> {
    let (columns, parameters) = (kept.len(), labels.parameters.len());
    if columns == 0 {
        return Err(Failure::NoColumns);
    }
    if observations <= columns {
        return Err(Failure::TooFewObservations { observations, columns });
    }
    if parameters > observations {
        return Err(Failure::TooManyParameters { visits: design.visits.len(), parameters, observations });
    }
    Ok(())
}

/// An origin β₀ near the data, so that no digits are lost to an offset of the outcome.
fn origin(design: &Design, values: &[f64], rows: &moments::Rows, kept: &[usize], classes: &Classes) -> Result<Vec<f64>, Failure> {
    let intercept = kept.iter().position(|&c| design.terms[design.columns[c].term].variables.is_empty());
    let mut origin = vec![0.0; kept.len()];
    if let Some(intercept) = intercept {
        let observed = design.y.iter().filter(|y| !y.is_nan());
        origin[intercept] = observed.clone().sum::<f64>() / observed.count().max(1) as f64;
        return Ok(origin);
    }
    let (first, _) = build::problem(design, values, rows.clone(), &origin, kept.len(), classes.clone(), Estimation::Ml, Storage::Cheaper);
    let mut point = first.blank(0);
    let identity = Blocks::identity(first.patterns());
    first.solve(&identity, &mut point.beta, &mut point.phi, &mut Workspace::new(&first)).ok_or(Failure::Singular)?;
    Ok(point.beta.as_slice().to_vec())
}

fn labels(design: &Design, structure: &dyn CovarianceStructure) -> Labels {
    let names = structure.parameter_names(&design.visit_labels);
    let parameters = match design.groups.len() {
        1 => names,
        _ => design.groups.iter().flat_map(|group| names.iter().map(move |name| format!("{name} ({group})"))).collect(),
    };
    Labels { visits: design.visit_labels.clone(), parameters }
}
