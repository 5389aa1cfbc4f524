//! Whether a covariance structure is a special case of another.
//!
//! It is found by trying: the Σ of the smaller structure at its estimate, and at points around it, must each be a Σ
//! of the larger one. The parameters for it are found by Levenberg–Marquardt steps from the larger structure's own
//! start (Nocedal & Wright 2006, Numerical Optimization, ch. 10), so that custom structures need no table of
//! who is nested in whom.

use crate::covariance::{Boundary, CovarianceStructure, lower};
use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};

/// How near, in units of the standard deviations, a Σ must be reproduced.
const REPRODUCED: f64 = 1e-8;
/// A share of the total variance that is zero but for rounding.
const VANISHED: f64 = 1e-7;

/// How many dimensions of the larger structure's random effects vanish in the smaller structure; `None` where that is
/// no special case of it.
pub(super) fn special_case(smaller: &dyn CovarianceStructure, theta: &[f64], larger: &dyn CovarianceStructure) -> Option<usize> {
    let around = (1..=3).map(|point| moved(smaller, theta, f64::from(point)));
    // At the estimate itself more may vanish than need to.
    let found: Option<Vec<usize>> = around.map(|theta| reproduced(larger, &sigma(smaller, &theta))).collect();
    found?.into_iter().max()
}

fn sigma(structure: &dyn CovarianceStructure, theta: &[f64]) -> DMatrix<f64> {
    let mut sigma = DMatrix::zeros(structure.visits(), structure.visits());
    structure.sigma(theta, &mut sigma);
    sigma
}

/// Parameters near `theta`, all of them moved, inside the range.
fn moved(structure: &dyn CovarianceStructure, theta: &[f64], point: f64) -> Vec<f64> {
    let typical = theta.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let mut by = 0.2;
    for _ in 0..30 {
        let step = |(k, x): (usize, &f64)| {
            let wave = (point * (1.7 + k as f64)).sin();
            if *x == 0.0 { by * 0.1 * typical * (1.1 + wave) } else { x * (1.0 + by * wave) }
        };
        let candidate: Vec<f64> = theta.iter().enumerate().map(step).collect();
        if structure.in_range(&candidate) && Cholesky::new(sigma(structure, &candidate)).is_some() {
            return candidate;
        }
        by *= 0.5;
    }
    theta.to_vec()
}

/// The dimensions of random effects that vanish where the structure's Σ is `target`; `None` where it never is.
fn reproduced(structure: &dyn CovarianceStructure, target: &DMatrix<f64>) -> Option<usize> {
    let sd = target.diagonal().map(f64::sqrt);
    let mut theta = structure.start(target);
    let mut misfit = misfit(structure, &theta, target, &sd)?;
    let mut damping = 1e-6;
    for _ in 0..200 {
        let jacobian = jacobian(structure, &theta, &sd);
        let normal = jacobian.transpose() * &jacobian;
        let gradient = jacobian.transpose() * &misfit;
        let floor = normal.diagonal().max() * 1e-14;
        let mut damped = normal.clone();
        (0..theta.len()).for_each(|k| damped[(k, k)] += damping * normal[(k, k)] + floor);
        let step = Cholesky::new(damped)?.solve(&gradient);
        let candidate: Vec<f64> = theta.iter().zip(step.iter()).map(|(t, s)| t - s).collect();
        match self::misfit(structure, &candidate, target, &sd).filter(|m| m.norm() < misfit.norm()) {
            Some(better) => {
                (theta, misfit) = (candidate, better);
                damping *= 0.1;
            }
            None if damping > 1e8 || misfit.norm() < 1e-15 => break,
            None => damping = (10.0 * damping).max(1e-6),
        }
    }
    if misfit.amax() > REPRODUCED {
        return None;
    }
    let vanished = settled(structure, &mut theta, &sd)?;
    structure.in_range(&theta).then_some(vanished)
}

/// The elements of Σ(θ) − target in units of the standard deviations; `None` where Σ is not a number.
fn misfit(structure: &dyn CovarianceStructure, theta: &[f64], target: &DMatrix<f64>, sd: &DVector<f64>) -> Option<DVector<f64>> {
    let misfit = scaled(&(sigma(structure, theta) - target), sd);
    misfit.iter().all(|x| x.is_finite()).then_some(misfit)
}

fn jacobian(structure: &dyn CovarianceStructure, theta: &[f64], sd: &DVector<f64>) -> DMatrix<f64> {
    let mut derivative = DMatrix::zeros(sd.len(), sd.len());
    let columns: Vec<DVector<f64>> = (0..theta.len())
        .map(|k| {
            structure.derivative(theta, k, &mut derivative);
            scaled(&derivative, sd)
        })
        .collect();
    DMatrix::from_columns(&columns)
}

/// The lower triangle of a matrix in units of the standard deviations.
fn scaled(matrix: &DMatrix<f64>, sd: &DVector<f64>) -> DVector<f64> {
    let t = sd.len();
    DVector::from_iterator(t * (t + 1) / 2, (0..t).flat_map(|b| (b..t).map(move |a| matrix[(a, b)] / (sd[a] * sd[b]))))
}

/// Puts variances that are zero but for rounding to zero, in the blocks that must stay positive semidefinite, and
/// counts the directions without variance; `None` where a variance is negative.
fn settled(structure: &dyn CovarianceStructure, theta: &mut [f64], sd: &DVector<f64>) -> Option<usize> {
    let mut derivative = DMatrix::zeros(sd.len(), sd.len());
    let mut vanished = 0;
    for (first, r) in structure.boundaries().into_iter().filter_map(Boundary::block) {
        let at = |a: usize, b: usize| first + lower(a.max(b), a.min(b));
        let size: Vec<f64> = (0..r)
            .map(|c| {
                structure.derivative(theta, at(c, c), &mut derivative);
                scaled(&derivative, sd).amax().sqrt()
            })
            .collect();
        let g = DMatrix::from_fn(r, r, |a, b| theta[at(a, b)] * size[a] * size[b]);
        let eigen = SymmetricEigen::new(g).eigenvalues;
        if eigen.min() < -VANISHED {
            return None;
        }
        vanished += eigen.iter().filter(|&&l| l < VANISHED).count();
        for c in 0..r {
            if theta[at(c, c)].abs() * size[c] * size[c] < VANISHED {
                (0..r).for_each(|d| theta[at(c, d)] = 0.0);
            }
        }
    }
    Some(vanished)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::covariance::Covariance;

    fn bound(name: &str) -> Box<dyn CovarianceStructure> {
        let times = [0.0, 3.0, 6.0, 12.0].map(Some);
        Covariance::named(name).expect("a structure").bind(&times).expect("has times")
    }

    fn special(smaller: &str, larger: &str) -> Option<usize> {
        let (smaller, larger) = (bound(smaller), bound(larger));
        let moments = DMatrix::from_fn(4, 4, |a, b| 9.0 * 0.7_f64.powi(a.abs_diff(b) as i32) + f64::from(a == b) * (2.0 + a as f64));
        special_case(&*smaller, &smaller.start(&moments), &*larger)
    }

    #[test]
    fn structures_are_nested_as_the_books_say() {
        let inside = [
            ("cs", "us"),
            ("csh", "us"),
            ("ar1", "us"),
            ("ar1h", "us"),
            ("cs", "csh"),
            ("ar1", "ar1h"),
            ("random-intercept", "cs"),
            ("random-intercept-slope", "us"),
            ("us", "us"),
            ("cs", "toep"),
            ("ar1", "toep"),
            ("toep", "toeph"),
            ("toeph", "us"),
            ("ar1", "ad"),
            ("ad", "adh"),
            ("ar1h", "adh"),
            ("adh", "us"),
            ("cs", "huynh-feldt"),
            ("huynh-feldt", "us"),
            ("sp_exp", "adh"),
            ("sp_exp", "spatial-power"),
            ("toeplitz(1)", "toeplitz(2)"),
            ("toeplitz(2)", "toep"),
            ("cs", "factor-analytic(1)"),
            ("factor-analytic(1)", "us"),
            ("toeplitz(1)", "ar1"),
        ];
        for (smaller, larger) in inside {
            assert_eq!(special(smaller, larger), Some(0), "{smaller} in {larger}");
        }
        assert_eq!(special("random-intercept", "random-intercept-slope"), Some(1));
        let outside = [
            ("us", "cs"),
            ("us", "csh"),
            ("csh", "cs"),
            ("ar1", "cs"),
            ("cs", "ar1"),
            ("ar1h", "csh"),
            ("ar1", "random-intercept-slope"),
            ("cs", "ar1h"),
            ("toep", "adh"),
            ("adh", "toeph"),
            ("ar1", "sp_exp"),
            ("us", "factor-analytic(1)"),
            ("toep", "huynh-feldt"),
        ];
        for (smaller, larger) in outside {
            assert_eq!(special(smaller, larger), None, "{smaller} in {larger}");
        }
    }
}
