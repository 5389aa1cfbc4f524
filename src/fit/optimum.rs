//! From a design and a covariance structure to the verified optimum of the likelihood.

use super::blocks::Blocks;
use super::centring::Centring;
use super::newton::{Convergence, minimise};
use super::problem::{Estimation, Point, Problem};
use super::verify::Labels;
use super::working::Working;
use super::{Failure, Moments, moments, start};
use crate::covariance::CovarianceStructure;
use crate::design::Design;
use nalgebra::{DMatrix, DVector};

/// The optimum of one model's likelihood: what inference starts from.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub problem: Problem,
    pub structure: Box<dyn CovarianceStructure>,
    pub point: Point,
    pub working: Working,
    /// The working parameters at the optimum.
    pub eta: Vec<f64>,
    /// The columns of the design that were fitted; the others are aliased.
    pub kept: Vec<usize>,
    /// The columns that were measured from a mean: `problem` and `point` speak of them as centred.
    pub centring: Centring,
    /// Names of all covariance parameters, group by group.
    pub parameter_names: Vec<String>,
    pub convergence: Convergence,
}

impl Fitted {
    /// Collects the moments, finds a start and minimises −2ℓ.
    pub fn new(design: &Design, structure: Box<dyn CovarianceStructure>, estimation: Estimation) -> Result<Self, Failure> {
        let kept: Vec<usize> = (0..design.columns.len()).filter(|&c| design.aliased.iter().all(|a| a.column != c)).collect();
        let (observations, columns) = (design.y.iter().filter(|y| !y.is_nan()).count(), kept.len());
        if columns == 0 {
            return Err(Failure::NoColumns);
        }
        if observations <= columns {
            return Err(Failure::TooFewObservations { observations, columns });
        }
        let parameter_names = parameter_names(design, &*structure);
        if parameter_names.len() > observations {
            return Err(Failure::TooManyParameters { visits: design.visits.len(), parameters: parameter_names.len(), observations });
        }
        let rows = moments::active_rows(design, &kept);
        let centring = Centring::of(design, &kept);
        let moments = moments(design, &centring.values(design), &rows, &kept)?;
        let problem = Problem::new(moments, rows, columns, design.groups.len(), estimation);
        let start = start::start(&problem, &*structure)?;
        let labels = Labels { visits: design.visit_labels.clone(), parameters: parameter_names.clone() };
        let optimum = minimise(&problem, &*structure, start, &labels)?;
        let working = Working::of(&*structure, optimum.point.theta.len() / problem.groups);
        let boundary = working.vanished(&*structure, &optimum.eta).into_iter().map(|k| parameter_names[k].clone()).collect();
        let convergence =
            Convergence { iterations: optimum.iterations, evaluations: optimum.evaluations, decrement: optimum.decrement, boundary };
        Ok(Self { problem, structure, point: optimum.point, working, eta: optimum.eta, kept, centring, parameter_names, convergence })
    }

    /// β of the fitted columns, as centred.
    pub fn centred_beta(&self) -> DVector<f64> {
        &self.point.beta + DVector::from_column_slice(&self.problem.moments.origin)
    }

    /// Σ of each group.
    pub fn sigmas(&self) -> Vec<DMatrix<f64>> {
        let t = self.problem.moments.visits;
        let sigma = |theta: &[f64]| {
            let mut sigma = DMatrix::zeros(t, t);
            self.structure.sigma(theta, &mut sigma);
            sigma
        };
        self.point.theta.chunks_exact(self.parameters_per_group()).map(sigma).collect()
    }

    /// The number of covariance parameters of a group.
    pub fn parameters_per_group(&self) -> usize {
        self.point.theta.len() / self.problem.groups
    }
}

/// The moments about an origin β₀ near the data, so that no digits are lost to an offset of the outcome.
fn moments(design: &Design, values: &[f64], rows: &moments::Rows, kept: &[usize]) -> Result<Moments, Failure> {
    let intercept = kept.iter().position(|&c| design.terms[design.columns[c].term].variables.is_empty());
    let mut origin = vec![0.0; kept.len()];
    if let Some(intercept) = intercept {
        let observed = design.y.iter().filter(|y| !y.is_nan());
        origin[intercept] = observed.clone().sum::<f64>() / observed.count().max(1) as f64;
        return Ok(Moments::of(design, values, rows, origin));
    }
    let first = Problem::new(Moments::of(design, values, rows, origin), rows.clone(), kept.len(), design.groups.len(), Estimation::Ml);
    let least_squares = first.solve(&Blocks::identity(first.patterns())).ok_or(Failure::Singular)?;
    Ok(Moments::of(design, values, rows, least_squares.beta.as_slice().to_vec()))
}

fn parameter_names(design: &Design, structure: &dyn CovarianceStructure) -> Vec<String> {
    let names = structure.parameter_names(&design.visit_labels);
    if design.groups.len() == 1 {
        return names;
    }
    design.groups.iter().flat_map(|group| names.iter().map(move |name| format!("{name} ({group})"))).collect()
}
