//! Patients for whom an observation has one variance: those of an arm and covariance group, at a visit or at all.

use super::FittedTerm;
use crate::inference::Fit;
use crate::inference::quantities::{Element, Sum};
use nalgebra::DMatrix;

/// Patients of one arm and covariance group, at one visit or, where all have the same variances, at all.
#[derive(Debug, Clone)]
pub(super) struct Stratum {
    pub arm: usize,
    pub group: usize,
    /// `None` where the visits do not differ.
    pub visit: Option<usize>,
    /// A visit whose residual variance is the stratum's.
    at: usize,
    /// Patients with an analysed observation.
    pub patients: usize,
    /// Factor by factor.
    pub clusters: Vec<Clustering>,
}

/// How a stratum's patients sit in the clusters of one factor.
#[derive(Debug, Clone)]
pub(super) struct Clustering {
    /// The mean of zz' over the observations in a cluster.
    square: DMatrix<f64>,
    /// Patients of the stratum in each cluster that has some.
    pub sizes: Vec<usize>,
}

impl Clustering {
    /// Σm²/Σm: the size of the cluster that a patient is in, on average; NaN where none is in any.
    pub fn mean_size(&self) -> f64 {
        let power = |k: i32| self.sizes.iter().map(|&m| (m as f64).powi(k)).sum::<f64>();
        power(2) / power(1)
    }

    /// tr(G · mean of zz') as a sum of parameters; empty where nobody is in a cluster.
    pub fn variance(&self, term: &FittedTerm) -> Sum {
        if self.sizes.is_empty() {
            return vec![];
        }
        let weight = |(a, b): (usize, usize)| if a == b { self.square[(a, a)] } else { 2.0 * self.square[(a, b)] };
        term.parameters().map(|(k, pair)| (weight(pair), Element::Parameter(k))).collect()
    }
}

impl Stratum {
    /// Whether there are clusters of a factor, or of any.
    pub fn has(&self, factor: Option<usize>) -> bool {
        match factor {
            Some(f) => !self.clusters[f].sizes.is_empty(),
            None => self.clusters.iter().any(|c| !c.sizes.is_empty()),
        }
    }

    /// Σ_tt.
    pub fn residual(&self) -> Element {
        Element::Sigma { group: self.group, at: (self.at, self.at) }
    }
}

/// The strata of a fit, arm by arm, group by group, visit by visit.
pub(super) fn strata(fit: &Fit) -> Vec<Stratum> {
    let design = fit.design();
    let visits = design.visit_labels().len();
    let terms = fit.fitted_terms();
    let mut found = vec![];
    for arm in 0..design.columns.arms.len() {
        for group in 0..design.groups().len() {
            let members: Vec<usize> =
                (0..design.patients().len()).filter(|&i| design.rows.arm_of[i] == arm && design.rows.group_of[i] == group).collect();
            let seen = |t: usize| members.iter().map(move |i| i * visits + t).filter(|&row| !design.rows.y[row].is_nan());
            let of_visits = |visit: Option<usize>| {
                let rows: Vec<usize> = visit.map_or(0..visits, |t| t..t + 1).flat_map(seen).collect();
                Stratum {
                    arm,
                    group,
                    visit,
                    at: visit.unwrap_or(0),
                    patients: distinct(rows.iter().map(|row| row / visits)),
                    clusters: terms.iter().map(|term| clustering(term, &rows, visits)).collect(),
                }
            };
            let by_visit: Vec<Stratum> = (0..visits).map(|t| of_visits(Some(t))).filter(|s| s.patients > 0).collect();
            if by_visit.len() > 1 && by_visit.windows(2).all(|pair| same_variances(fit, &pair[0], &pair[1])) {
                found.push(of_visits(None));
            } else {
                found.extend(by_visit);
            }
        }
    }
    found
}

fn clustering(term: &FittedTerm, rows: &[usize], visits: usize) -> Clustering {
    let (square, _) = term.mean_square(rows.iter().copied());
    let mut members: Vec<(u32, usize)> = rows.iter().filter_map(|&row| Some((term.term.level_of()[row]?, row / visits))).collect();
    members.sort_unstable();
    members.dedup();
    Clustering { square, sizes: members.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len).collect() }
}

/// How many different numbers there are.
fn distinct(numbers: impl Iterator<Item = usize>) -> usize {
    let mut numbers: Vec<usize> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.len()
}

/// Whether two visits have the same variances by what the model is, and not by what was estimated.
fn same_variances(fit: &Fit, a: &Stratum, b: &Stratum) -> bool {
    let theta = &fit.optimum().theta;
    let curve = |s: &Stratum| s.residual().curve(fit.optimum(), theta);
    let (own, other) = (curve(a), curve(b));
    let same_residual = (&own.over.gradient - &other.over.gradient).amax() <= 1e-12 * own.over.gradient.amax();
    let same_effects = a.clusters.iter().zip(&b.clusters).all(|(a, b)| {
        a.sizes.is_empty() == b.sizes.is_empty() && (&a.square - &b.square).amax() <= 1e-12 * a.square.amax().max(b.square.amax())
    });
    same_residual && same_effects
}
