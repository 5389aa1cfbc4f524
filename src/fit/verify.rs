//! What must hold before a point is called an optimum, and the names for what does not.

use super::kernels::cholesky;
use super::pattern::Pattern;
use super::problem::Problem;
use super::scaled_cholesky::ScaledCholesky;
use super::workspace::Workspace;
use super::{Failure, Silence, VisitPair};
use crate::covariance::CovarianceStructure;
use crate::design::Columns;
use nalgebra::{Cholesky, DMatrix};

/// Eigenvalue of the information, scaled to unit diagonal, that is zero but for rounding.
const UNIDENTIFIED: f64 = 1e-13;
/// Share of the information about the covariance alone that must be left once the mean is estimated.
const FLAT: f64 = 1e-6;
/// Eigenvalue of a fitted correlation matrix below which it is singular to the arithmetic.
pub(crate) const SINGULAR: f64 = 1e-11;

/// Pivot of a scaled matrix above which nothing is singular, and no eigenvalue need be looked at.
const SOUND: f64 = 1e-4;

/// Names for messages.
#[derive(Debug, Clone)]
pub(crate) struct Labels {
    pub visits: Vec<String>,
    /// All groups' parameters, then those of the effects of clusters.
    pub parameters: Vec<String>,
    pub groups: Vec<String>,
}

impl Labels {
    /// Those of a design and the structure of its groups' covariances; effects of clusters have none yet.
    pub fn of(columns: &Columns, structure: &dyn CovarianceStructure) -> Self {
        let names = structure.parameter_names(&columns.visit_labels);
        let parameters = match columns.groups.len() {
            1 => names,
            _ => columns.groups.iter().flat_map(|group| names.iter().map(move |name| format!("{name} ({group})"))).collect(),
        };
        Self { visits: columns.visit_labels.clone(), parameters, groups: columns.groups.clone() }
    }

    /// The likelihood is unbounded in a combination of these visits.
    pub(super) fn unbounded(&self, visits: &[usize], eigenvalue: f64) -> Failure {
        Failure::Unbounded { visits: visits.iter().map(|&v| self.visits[v].clone()).collect(), eigenvalue }
    }

    /// The likelihood is largest where the covariance of these visits is singular.
    fn singular(&self, visits: &[usize]) -> Failure {
        Failure::AtBoundary { parameters: vec![], visits: visits.iter().map(|&v| self.visits[v].clone()).collect() }
    }

    /// These parameters are not identified.
    pub(super) fn not_identified(&self, problem: &Problem, theta: &[f64], parameters: &[usize], why: Silence) -> Failure {
        let never_together = match why {
            Silence::TooFew => self.never_together(problem, theta, parameters),
            _ => vec![],
        };
        Failure::NotIdentified { parameters: parameters.iter().map(|&k| self.parameters[k].clone()).collect(), never_together, why }
    }

    /// The pairs of visits whose covariance depends on one of these parameters and that nobody of the parameter's
    /// group has.
    fn never_together(&self, problem: &Problem, theta: &[f64], parameters: &[usize]) -> Vec<VisitPair> {
        let (sigmas, t, per_group) = (&problem.sigmas, problem.sigmas.visits(), problem.sigmas.per_group);
        let mut slope = DMatrix::zeros(t, t);
        let mut found: Vec<(usize, usize, usize)> = vec![];
        for &k in parameters.iter().filter(|&&k| k < sigmas.parameters()) {
            let group = k / per_group;
            sigmas.structure().derivative(sigmas.of_group(theta, group), k % per_group, &mut slope);
            let seen =
                |a: usize, b: usize| problem.patterns.iter().any(|p| p.group == group && p.visits.contains(&a) && p.visits.contains(&b));
            let pairs = (0..t).flat_map(|b| (0..=b).map(move |a| (a, b)));
            found.extend(pairs.filter(|&(a, b)| slope[(a, b)] != 0.0 && !seen(a, b)).map(|(a, b)| (group, a, b)));
        }
        found.sort_unstable();
        found.dedup();
        // A visit that nobody came to says all about its pairs.
        let missed: Vec<(usize, usize)> = found.iter().filter(|(_, a, b)| a == b).map(|&(g, a, _)| (g, a)).collect();
        found.retain(|(g, a, b)| a == b || !(missed.contains(&(*g, *a)) || missed.contains(&(*g, *b))));
        let pair = |(group, a, b): (usize, usize, usize)| VisitPair {
            group: (self.groups.len() > 1).then(|| self.groups[group].clone()),
            first: self.visits[a].clone(),
            second: self.visits[b].clone(),
        };
        found.into_iter().map(pair).collect()
    }
}

/// The parameters that a direction has a share in.
fn involved(direction: impl Iterator<Item = f64>) -> Vec<usize> {
    direction.enumerate().filter(|(_, share)| share.abs() > 0.1).map(|(k, _)| k).collect()
}

/// Refuses parameters, or combinations of them, about which the data say nothing.
pub(crate) fn identified(problem: &Problem, theta: &[f64], fisher: &DMatrix<f64>, factor: &mut ScaledCholesky) -> Result<(), Failure> {
    // A Cholesky factor tells sooner that all is well; the eigenvectors tell which parameters are not.
    if factor.smallest_pivot(fisher).is_some_and(|pivot| pivot > SOUND) {
        return Ok(());
    }
    let silent: Vec<usize> = (0..fisher.nrows()).filter(|&k| fisher[(k, k)] <= 0.0).collect();
    if !silent.is_empty() {
        return Err(problem.labels.not_identified(problem, theta, &silent, Silence::TooFew));
    }
    let scaled = DMatrix::from_fn(fisher.nrows(), fisher.ncols(), |a, b| fisher[(a, b)] / (fisher[(a, a)] * fisher[(b, b)]).sqrt());
    let eigen = scaled.symmetric_eigen();
    let (worst, value) = eigen.eigenvalues.argmin();
    if value > UNIDENTIFIED {
        return Ok(());
    }
    let parameters = involved(eigen.eigenvectors.column(worst).iter().copied());
    Err(problem.labels.not_identified(problem, theta, &parameters, Silence::TooFew))
}

/// Refuses a point at which −2ℓ, or what is expected of it, is flat in a direction of which the covariance alone would
/// inform, for the reason `why`. Parameters that have vanished at a boundary inform of nothing and pass.
pub(crate) fn determined(
    problem: &Problem,
    theta: &[f64],
    hessian: &DMatrix<f64>,
    fisher: &DMatrix<f64>,
    why: Silence,
    (room, factor): (&mut DMatrix<f64>, &mut ScaledCholesky),
) -> Result<(), Failure> {
    let n = hessian.nrows();
    room.zip_zip_apply(hessian, fisher, |excess, h, fisher| *excess = h - FLAT * fisher);
    (0..n).for_each(|k| room[(k, k)] += 1e-3 * FLAT * hessian[(k, k)].abs());
    if factor.smallest_pivot(room).is_some() {
        return Ok(());
    }
    let excess = &*room;
    let scale = fisher.diagonal().map(|d| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 });
    let scaled = |m: &DMatrix<f64>| DMatrix::from_fn(n, n, |a, b| m[(a, b)] * scale[a] * scale[b]);
    let informed: Vec<usize> = (0..n).filter(|&k| scale[k] > 0.0).collect();
    let excess = scaled(excess).select_rows(&informed).select_columns(&informed);
    if Cholesky::new(excess.clone()).is_some() {
        return Ok(());
    }
    let eigen = excess.symmetric_eigen();
    let least = eigen.eigenvalues.argmin().0;
    // Where the likelihood is constant it may be so in several directions.
    let flat = (0..informed.len()).filter(|&d| d == least || (why == Silence::TakenByMean && eigen.eigenvalues[d] <= 0.0));
    let mut shares = vec![0.0_f64; n];
    for direction in flat {
        informed.iter().zip(eigen.eigenvectors.column(direction).iter()).for_each(|(&k, &share)| shares[k] = shares[k].max(share.abs()));
    }
    Err(problem.labels.not_identified(problem, theta, &involved(shares.into_iter()), why))
}

/// Whether every Σ is far from singular, as the pivots of its correlation matrix tell.
pub(crate) fn well_conditioned(problem: &Problem, theta: &[f64], room: &mut Workspace) -> bool {
    let t = problem.sigmas.visits();
    (0..problem.sigmas.cells()).all(|cell| {
        let (group, structure) = problem.sigmas.of_cell(cell);
        let Workspace { dense, small, .. } = room;
        structure.sigma(problem.sigmas.of_group(theta, group), dense);
        small.copy_from_slice(dense.as_slice());
        cholesky(small, t).is_some() && (0..t).all(|a| small[a * t + a].powi(2) > SOUND * dense[(a, a)])
    })
}

/// What a search has met that was led out of the range of θ between `inside` and `outside`, if any parameter by
/// itself leads out of it.
pub(crate) fn end_of_range(problem: &Problem, inside: &[f64], outside: &[f64]) -> Option<Failure> {
    let (sigmas, per_group) = (&problem.sigmas, problem.sigmas.per_group);
    let leads_out = |&k: &usize| {
        let mut theta = sigmas.of_group(inside, k / per_group).to_vec();
        theta[k % per_group] = outside[k];
        !sigmas.structure().in_range(&theta)
    };
    let parameters: Vec<String> = (0..sigmas.parameters()).filter(leads_out).map(|k| problem.labels.parameters[k].clone()).collect();
    (!parameters.is_empty()).then_some(Failure::AtBoundary { parameters, visits: vec![] })
}

/// What a search has met where Σ becomes singular, or comes near it.
pub(crate) fn near_singular(problem: &Problem, theta: &[f64]) -> Failure {
    let (eigenvalue, visits) = smallest_eigenvalue(problem, theta);
    // Where some patients have all these visits their likelihood grows as the determinant falls; else it need not.
    match smallest_observed_eigenvalue(problem, theta) < 1e2 * eigenvalue {
        true => problem.labels.unbounded(&visits, eigenvalue),
        false => problem.labels.singular(&visits),
    }
}

/// The smallest eigenvalue among the correlation matrices of the visits that patients have.
fn smallest_observed_eigenvalue(problem: &Problem, theta: &[f64]) -> f64 {
    let t = problem.sigmas.visits();
    let mut sigma = DMatrix::zeros(t, t);
    let mut of = |pattern: &Pattern| {
        let (group, structure) = problem.sigmas.of_cell(pattern.cell);
        structure.sigma(problem.sigmas.of_group(theta, group), &mut sigma);
        correlations(&sigma.select_rows(&pattern.visits).select_columns(&pattern.visits)).symmetric_eigenvalues().min()
    };
    problem.patterns.iter().map(&mut of).fold(f64::INFINITY, f64::min)
}

fn correlations(sigma: &DMatrix<f64>) -> DMatrix<f64> {
    DMatrix::from_fn(sigma.nrows(), sigma.ncols(), |a, b| sigma[(a, b)] / (sigma[(a, a)] * sigma[(b, b)]).sqrt())
}

/// The smallest eigenvalue among the correlation matrices, and the visits that carry its eigenvector.
pub(crate) fn smallest_eigenvalue(problem: &Problem, theta: &[f64]) -> (f64, Vec<usize>) {
    let t = problem.sigmas.visits();
    let mut sigma = DMatrix::zeros(t, t);
    let mut smallest = (f64::INFINITY, vec![]);
    for cell in 0..problem.sigmas.cells() {
        let (group, structure) = problem.sigmas.of_cell(cell);
        structure.sigma(problem.sigmas.of_group(theta, group), &mut sigma);
        let eigen = correlations(&sigma).symmetric_eigen();
        let (worst, value) = eigen.eigenvalues.argmin();
        if value < smallest.0 {
            smallest = (value, (0..t).filter(|&v| eigen.eigenvectors[(v, worst)].abs() > 0.1).collect());
        }
    }
    smallest
}
