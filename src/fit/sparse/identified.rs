//! Random effects of which the data say nothing, by name.

use super::curvature::Curvature;
use super::point::Problem;
use crate::design::RandomTerm;
use crate::fit::{Confounded, Failure};
use nalgebra::{DMatrix, SymmetricEigen};

/// Eigenvalue of the information, scaled to unit diagonal, that is zero but for rounding.
const UNIDENTIFIED: f64 = 1e-9;
/// The share of a parameter's information that the mean must leave.
const LEFT_BY_MEAN: f64 = 1e-9;
/// The share of a parameter in a direction that is named.
const INVOLVED: f64 = 0.1;

/// Refuses factors that have one level.
pub(super) fn levels(random: &[RandomTerm], names: &[String], first: impl Fn(usize) -> Option<usize>) -> Result<(), Failure> {
    match random.iter().position(|term| term.levels.len() < 2) {
        Some(term) => Err(Failure::EffectsNotIdentified {
            parameters: first(term).map(|k| names[k].clone()).into_iter().collect(),
            confounded: Confounded::OneLevel(random[term].factor.clone()),
        }),
        None => Ok(()),
    }
}

/// Refuses parameters that the mean, the residual or other parameters are confounded with, by the expected
/// information at one point.
pub(super) fn parameters(problem: &Problem, lambda: &[f64], curvature: &Curvature) -> Result<(), Failure> {
    let (n, names, df) = (problem.parameters.len(), problem.parameters.names(), problem.residual_df());
    let refused = |parameters: Vec<usize>, confounded: Confounded| {
        Err(Failure::EffectsNotIdentified { parameters: parameters.into_iter().map(|k| names[k].clone()).collect(), confounded })
    };
    let absorbed: Vec<usize> = (0..n).filter(|&k| curvature.pairs[k * n + k] <= LEFT_BY_MEAN * curvature.sums.ww[k * n + k]).collect();
    if !absorbed.is_empty() {
        return refused(absorbed, Confounded::Mean);
    }
    // σ² first. V is linear in (σ², G), so that its row follows from the others: Σ_l θ_l tr(PV_kPV_l) = tr(PV_k),
    // here with σ² = 1.
    let mut psi = vec![0.0; n];
    problem.parameters.set_psi(lambda, &mut psi);
    let rest = |whole: f64, row: &dyn Fn(usize) -> f64| whole - (0..n).map(|l| psi[l] * row(l)).sum::<f64>();
    let border: Vec<f64> = (0..n).map(|k| rest(curvature.traces[k], &|l| curvature.pairs[k * n + l])).collect();
    let own = rest(rest(df, &|l| curvature.traces[l]), &|l| border[l]);
    let element = |x: usize, y: usize| match (x, y) {
        (0, 0) => own,
        (0, k) | (k, 0) => border[k - 1],
        (x, y) => curvature.pairs[(x - 1) * n + y - 1],
    };
    let scaled = DMatrix::from_fn(n + 1, n + 1, |x, y| element(x, y) / (element(x, x) * element(y, y)).sqrt());
    if nalgebra::Cholesky::new(scaled.clone()).is_some_and(|factor| factor.l_dirty().diagonal().iter().all(|&pivot| pivot > 1e-3)) {
        return Ok(());
    }
    let eigen = SymmetricEigen::new(scaled);
    let least = eigen.eigenvalues.imin();
    if eigen.eigenvalues[least] > UNIDENTIFIED {
        return Ok(());
    }
    let direction = eigen.eigenvectors.column(least);
    let involved = (0..n).filter(|&k| direction[k + 1].abs() > INVOLVED).collect();
    refused(involved, if direction[0].abs() > INVOLVED { Confounded::Residual } else { Confounded::EachOther })
}
