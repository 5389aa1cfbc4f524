//! The model's variance of an observation at a visit, and how well it is known.

use super::moments_fit::{GroupCovariance, MomentsFit};
use crate::covariance::Covariance;
use crate::design::Columns;
use crate::error::Result;
use crate::estimates::OutcomeSpread;
use nalgebra::{DMatrix, DVector};

/// The mean over `arms` (positions in the trial) of Σ̂_tt at a visit of the trial, with ν = 2v²/Var(v̂) from the
/// covariance of the covariance parameters; `None` for an arm or visit that nobody has an observation of.
///
/// The columns, the structure and the covariances may be those of a part of the visits that were fitted, in the
/// parameters of the whole.
pub(super) fn of_visit(
    fit: &MomentsFit,
    columns: &Columns,
    structure: &Covariance,
    covariances: &[GroupCovariance],
    arms: &[usize],
    visit: usize,
) -> Result<Option<OutcomeSpread>> {
    let analysed = columns.visits.iter().position(|&place| place == visit);
    let groups = arms.iter().map(|&arm| columns.group_of_arm(arm)).collect::<Result<Option<Vec<usize>>>>()?;
    let (Some(t), Some(groups)) = (analysed, groups) else { return Ok(None) };
    let weight = 1.0 / groups.len() as f64;
    let variance: f64 = groups.iter().map(|&g| weight * covariances[g].sigma[(t, t)]).sum();
    // The distribution of a variance at its boundary is not known.
    if !fit.convergence().boundary.is_empty() {
        return Ok(Some(OutcomeSpread { variance, df: f64::NAN }));
    }
    let times = &columns.visit_times;
    let structure = structure.bind_in(&columns.visits, times, None)?;
    let theta = &fit.optimum().theta;
    let per_group = theta.len() / covariances.len();
    let mut gradient = DVector::zeros(theta.len());
    let mut derivative = DMatrix::zeros(times.len(), times.len());
    for &group in &groups {
        let first = group * per_group;
        for k in 0..per_group {
            structure.derivative(&theta[first..first + per_group], k, &mut derivative);
            gradient[first + k] += weight * derivative[(t, t)];
        }
    }
    let spread = fit.uncertainty().spread(&gradient);
    Ok(Some(OutcomeSpread { variance, df: 2.0 * variance * variance / spread }))
}
