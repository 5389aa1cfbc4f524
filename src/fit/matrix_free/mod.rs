//! Unstructured covariances of many visits, without a Hessian.
//!
//! T visits have K = T(T + 1)/2 covariance parameters, and a Hessian K² elements: 160 visits, 1.3 GB. Its product with a
//! direction Δ, a symmetric T × T, takes a few multiplications of m × m matrices for each pattern of m visits
//! ([`hessian`]), and is all that Newton's method by conjugate gradients asks for ([`search`]; Nocedal & Wright 2006,
//! Numerical Optimization, ch. 7). Degrees of freedom need H⁻¹g for the gradient g of a variance, which comes the same way
//! ([`found`]).
//!
//! Everything happens in coordinates in which the information of complete data is the identity: Δ = L(X/√N)L', Σ = LL',
//! N_ab the patients who have visits a and b. What is expected of the Hessian for the covariance alone is exactly the
//! identity there under monotone dropout too, and conjugate gradients need few products ([`conjugate`]).

mod conjugate;
pub(super) mod found;
mod hessian;
mod nested;
pub(super) mod search;
#[cfg(test)]
mod tests;

use super::Failure;
use super::classes::Classes;
use super::problem::Problem;
use super::turned::is_unstructured;

/// Fewer covariance parameters than these have a Hessian.
pub(super) const FEW: f64 = 500.0;
/// Steps that a search takes.
const STEPS: f64 = 10.0;
/// Products with a direction that a step takes.
const PRODUCTS: f64 = 10.0;

/// What decides between a Hessian and products with it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sizes {
    /// Visits T.
    pub visits: f64,
    /// Covariance parameters K, of all groups.
    pub parameters: f64,
    /// Columns p of the mean.
    pub columns: f64,
    /// Groups with a covariance of their own.
    pub groups: f64,
    /// Σ m² over the patterns of m visits.
    pub squares: f64,
    /// Σ m³.
    pub cubes: f64,
    /// The elements of zz', where patients only drop out.
    pub nested: Option<f64>,
}

impl Sizes {
    /// Of so many groups, visits, columns and patient-level values, with these patterns.
    pub fn of<'p>(groups: usize, visits: usize, columns: usize, values: usize, patterns: impl Iterator<Item = &'p [usize]>) -> Self {
        let (of_group, block) = ((visits * (visits + 1) / 2) as f64, (values * (values + 1) / 2) as f64);
        let start = Self {
            visits: visits as f64,
            parameters: groups as f64 * of_group,
            columns: columns as f64,
            groups: groups as f64,
            squares: 0.0,
            cubes: 0.0,
            nested: Some(block),
        };
        patterns.fold(start, |sizes, own| {
            let m = own.len() as f64;
            let nested = sizes.nested.filter(|_| nested::is_first(own));
            Self { squares: sizes.squares + m.powi(2), cubes: sizes.cubes + m.powi(3), nested, ..sizes }
        })
    }

    /// Whether products, pattern by pattern, cost less than the Hessian, both for a search and for degrees of freedom.
    pub fn favour_products(&self) -> bool {
        self.parameters >= FEW && STEPS * (1.0 + PRODUCTS) * self.by_patterns() < self.with_hessian()
    }

    /// The multiplications of one product, pattern by pattern.
    fn by_patterns(&self) -> f64 {
        5.0 * self.cubes + 2.0 * self.columns.powi(3) + 4.0 * self.groups * self.visits.powi(3)
    }

    /// The multiplications of one product.
    pub fn product(&self) -> f64 {
        let of_group = |block: f64| (2.0 + 1.5 * block) * self.visits.powi(3);
        self.nested.map_or(self.by_patterns(), |block| self.groups * of_group(block) + 2.0 * self.columns.powi(3))
    }

    /// The multiplications of a search.
    pub fn search(&self) -> f64 {
        STEPS * (1.0 + PRODUCTS) * self.product()
    }

    /// The bytes of a search.
    pub fn bytes(&self) -> f64 {
        8.0 * (if self.nested.is_some() { 8.0 } else { 12.0 } * self.squares
            + 20.0 * self.groups * self.visits.powi(2)
            + 8.0 * self.columns.powi(2))
    }

    /// The multiplications of a search with a Hessian, and of its terms through the mean.
    fn with_hessian(&self) -> f64 {
        let (k, p) = (self.parameters, self.columns);
        STEPS * (0.25 * self.squares * k / self.groups + k.powi(3) / 3.0) + k * p.powi(3) + 0.5 * k * k * p * p
    }
}

/// Whether the residuals of so many patients by group may span all visits. With fewer the likelihood has no maximum: where
/// counts alone do not tell that ([`unbounded_up_to`]), the search with a Hessian does by where it goes.
pub(super) fn are_enough(patients: &[f64], visits: usize, columns: usize) -> bool {
    patients.iter().all(|&n| n > (visits + taken_by_mean(visits, columns)) as f64)
}

/// The visit up to which the covariance of a group that only drops out makes the likelihood unbounded for sure: fewer patients
/// have it than there are visits up to it, and more than the mean takes up. Some combination of these visits is then zero in
/// all their residuals, whatever β, and the likelihood grows as its variance goes to zero. Of patterns by group, visits and
/// patients.
pub(super) fn unbounded_up_to<'p>(
    (groups, visits, columns): (usize, usize, usize),
    patterns: impl Iterator<Item = (usize, &'p [usize], f64)>,
) -> Option<usize> {
    let mut patients = vec![Some(vec![0.0; visits]); groups];
    for (group, own, n) in patterns {
        match &mut patients[group] {
            Some(counts) if nested::is_first(own) => counts[..own.len()].iter_mut().for_each(|count| *count += n),
            other => *other = None,
        }
    }
    let taken = taken_by_mean(visits, columns) as f64;
    let of_group = |counts: &Vec<f64>| counts.iter().enumerate().position(|(v, &n)| n > taken && n < (v + 1) as f64);
    patients.iter().flatten().filter_map(of_group).min()
}

/// How many columns the mean has at a visit.
fn taken_by_mean(visits: usize, columns: usize) -> usize {
    columns.div_ceil(visits.max(1))
}

/// Why a problem with too many parameters for a Hessian has no maximum, where counts tell.
pub(super) fn without_maximum(problem: &Problem) -> Option<Failure> {
    if (problem.sigmas.parameters() as f64) < FEW || !is_unstructured(problem.sigmas.classes()) {
        return None;
    }
    let patterns = problem.patterns.iter().map(|p| (p.group, p.visits.as_slice(), p.patients));
    let last = unbounded_up_to((problem.sigmas.groups, problem.sigmas.visits(), problem.columns), patterns)?;
    Some(problem.labels.unbounded(&(0..=last).collect::<Vec<_>>(), 0.0))
}

/// Whether a problem is one for products with the Hessian.
pub(super) fn is_for(problem: &Problem) -> bool {
    let (groups, visits) = (problem.sigmas.groups, problem.sigmas.visits());
    if (problem.sigmas.parameters() as f64) < FEW {
        return false;
    }
    let mut patients = vec![0.0; groups];
    problem.patterns.iter().for_each(|p| patients[p.group] += p.patients);
    let patterns = problem.patterns.iter().map(|p| p.visits.as_slice());
    is_unstructured(problem.sigmas.classes())
        && are_enough(&patients, visits, problem.columns)
        && Sizes::of(groups, visits, problem.columns, 0, patterns).favour_products()
}

/// A problem made ready for a search without a Hessian.
pub(super) fn prepared(problem: Problem) -> Problem {
    Problem { nested: nested::are_nested(&problem.patterns), ..problem }
}

/// Whether covariances are of the kind for which products are built.
pub(crate) fn are_built_for(classes: &Classes) -> bool {
    is_unstructured(classes)
}
