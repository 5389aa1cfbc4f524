//! What the data have to do with a failure that looks like one of the covariance.

use super::failure::{Failure, Silence};
use crate::design::Design;

/// How far beyond the middle half of the outcomes at a visit, in widths of that half, one lies that spoils a fit.
const FAR_OUT: f64 = 1e4;
/// The standard deviation of what the mean leaves of a visit, as a share of its largest outcome, that is but rounding.
const ROUNDING: f64 = 1e-13;
/// How much less than at the others the outcome may vary at a visit for a common mean to be estimated.
const UNEVEN: f64 = 1e5;
/// Beyond this, or below its inverse, the squares of variances leave the range of double precision.
const LARGEST: f64 = 1e70;

/// Refuses an outcome whose squares double precision does not hold.
pub(super) fn in_scale(design: &Design) -> Result<(), Failure> {
    let outcomes = design.rows.y.iter().filter(|y| !y.is_nan());
    let (low, high) = outcomes.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &y| (low.min(y), high.max(y)));
    let (largest, spread) = (high.abs().max(low.abs()), high - low);
    match largest > LARGEST || (spread > 0.0 && spread < 1.0 / LARGEST) {
        true => Err(Failure::OutOfScale { largest }),
        false => Ok(()),
    }
}

/// The failure by its name, once its cause is looked for in the data: outcomes that do not vary at a visit, or that lie
/// far outside the others. `beta` is that of least squares, for the columns `kept`.
pub(super) fn named(failure: Failure, design: &Design, kept: &[usize], beta: Option<&[f64]>) -> Failure {
    let still = beta.map_or(vec![], |beta| without_variation(design, kept, beta));
    match failure {
        // Nobody has these visits together, whatever else.
        Failure::NotIdentified { ref never_together, .. } if !never_together.is_empty() => failure,
        Failure::NotIdentified { parameters, why: Silence::TooFew, .. } if !still.is_empty() => {
            Failure::NotIdentified { parameters, never_together: vec![], why: Silence::NoVariation { visits: still } }
        }
        Failure::Unbounded { .. } | Failure::AtBoundary { .. } | Failure::NotConverged { .. } | Failure::NoStart if !still.is_empty() => {
            Failure::NoVariationAt { visits: still }
        }
        Failure::Unbounded { .. }
        | Failure::AtBoundary { .. }
        | Failure::NotConverged { .. }
        | Failure::NotIdentified { why: Silence::TooFew, .. }
        | Failure::Singular
        | Failure::NoStart => far_out(design).or_else(|| uneven(design)).unwrap_or(failure),
        // What is left by the mean cannot be told where weights differ too much.
        Failure::NotIdentified { why: Silence::TakenByMean, .. } => uneven(design).unwrap_or(failure),
        other => other,
    }
}

/// The visits at which least squares leaves nothing but rounding.
fn without_variation(design: &Design, kept: &[usize], beta: &[f64]) -> Vec<String> {
    let visits = design.columns.visits.len();
    let mut position = vec![None; design.columns.len()];
    kept.iter().enumerate().for_each(|(new, &old)| position[old] = Some(new));
    let is_still = |&t: &usize| {
        let (mut squares, mut count, mut largest) = (0.0, 0.0, 0.0_f64);
        for patient in 0..design.rows.patients.len() {
            let (y, z) = (design.rows.y[patient * visits + t], design.rows.z_of(patient));
            if y.is_nan() {
                continue;
            }
            let terms = design.columns.entries[t].iter().filter_map(|e| Some(e.weight * z[e.value] * beta[position[e.column]?]));
            squares += (y - terms.sum::<f64>()).powi(2);
            count += 1.0;
            largest = largest.max(y.abs());
        }
        let (low, high) = at_visit(design, t).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (_, y)| (low.min(y), high.max(y)));
        count > 0.0 && ((squares / count).sqrt() <= ROUNDING * largest || high - low <= ROUNDING * largest)
    };
    (0..visits).filter(is_still).map(|t| design.columns.visit_labels[t].clone()).collect()
}

/// The outcomes observed at a visit, each with its patient.
fn at_visit(design: &Design, t: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
    let visits = design.columns.visits.len();
    design.rows.y.iter().skip(t).step_by(visits).copied().enumerate().filter(|(_, y)| !y.is_nan())
}

/// The visit at which the outcome varies far less than at another.
fn uneven(design: &Design) -> Option<Failure> {
    let width = |t: usize| {
        let mut sorted: Vec<f64> = at_visit(design, t).map(|(_, y)| y).collect();
        sorted.sort_by(f64::total_cmp);
        let quarter = sorted.len() / 4;
        (quarter > 0).then(|| sorted[sorted.len() - 1 - quarter] - sorted[quarter]).filter(|&width| width > 0.0)
    };
    let widths: Vec<(usize, f64)> = (0..design.columns.visits.len()).filter_map(|t| Some((t, width(t)?))).collect();
    let (least, narrow) = widths.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let (_, wide) = widths.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let times = wide / narrow;
    (times > UNEVEN).then(|| Failure::Uneven { visit: design.columns.visit_labels[least].clone(), times })
}

/// The outcomes that lie far outside the others of their visit.
fn far_out(design: &Design) -> Option<Failure> {
    let visits = design.columns.visits.len();
    let mut found: Option<Failure> = None;
    for t in 0..visits {
        let mut sorted: Vec<(usize, f64)> = at_visit(design, t).collect();
        sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
        let quarter = sorted.len() / 4;
        if quarter == 0 {
            continue;
        }
        let (low, high) = (sorted[quarter].1, sorted[sorted.len() - 1 - quarter].1);
        let distance = |y: f64| (low - y).max(y - high);
        for &(patient, y) in sorted.iter().filter(|(_, y)| distance(*y) > FAR_OUT * (high - low) && high > low) {
            match &mut found {
                Some(Failure::FarOut { others, .. }) => *others += 1,
                _ => {
                    let name = design.rows.patients.get(patient).and_then(|&i| design.rows.known.patients.get(i));
                    found = Some(Failure::FarOut {
                        patient: name.cloned().unwrap_or_else(|| (patient + 1).to_string()),
                        visit: design.columns.visit_labels[t].clone(),
                        value: y,
                        middle: (low, high),
                        others: 0,
                    });
                }
            }
        }
    }
    found
}
