//! Singular covariances of random effects, and the direction in which nothing varies.

use super::FittedTerm;
use crate::inference::MomentsFit;
use nalgebra::{DMatrix, SymmetricEigen};
use serde::Serialize;
use std::fmt;

/// The variance, as a share of the residual variance and of the largest of the effects, that is zero but for rounding.
const VANISHED: f64 = 1e-10;
/// The weight that is zero but for rounding.
const NO_WEIGHT: f64 = 1e-6;

/// A combination of the effects of a cluster factor whose estimated variance is zero.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SingularDirection {
    /// The cluster factor.
    pub factor: String,
    /// The effects with their weights, of unit length: an eigenvector of G with eigenvalue zero. One effect with
    /// weight 1 where a variance is zero.
    pub weights: Vec<(String, f64)>,
}

/// `(Intercept) by group does not vary`, `0.97·(Intercept) − 0.24·days by patient does not vary`.
impl fmt::Display for SingularDirection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own: Vec<&(String, f64)> = self.weights.iter().filter(|(_, w)| w.abs() > NO_WEIGHT).collect();
        for (k, (effect, weight)) in own.iter().enumerate() {
            let sign = match (k, *weight < 0.0) {
                (0, false) => "",
                (0, true) => "−",
                (_, false) => " + ",
                (_, true) => " − ",
            };
            match own.len() {
                1 => write!(f, "{effect}")?,
                _ => write!(f, "{sign}{}·{effect}", significant(weight.abs()))?,
            }
        }
        write!(f, " by {} does not vary", self.factor)
    }
}

/// A number with three significant digits, two decimals at least.
fn significant(x: f64) -> String {
    let decimals = (2.0 - x.log10().floor()).clamp(2.0, 12.0) as usize;
    format!("{x:.decimals$}")
}

impl MomentsFit {
    /// The combinations of random effects that do not vary by the estimate: where G of a cluster factor is singular,
    /// as an estimate may well be. None where every G is positive definite.
    ///
    /// What has vanished no longer counts in degrees of freedom. lme4 says no more than `isSingular`.
    pub fn singular_directions(&self) -> Vec<SingularDirection> {
        let theta = &self.optimum().theta;
        let clusters = &self.optimum().clusters.terms;
        let of_term =
            |term: &FittedTerm| singular(term, &term.covariance(theta), &clusters[term.index].squares, self.largest_residual_variance());
        self.fitted_terms().iter().flat_map(of_term).collect()
    }

    /// The same as a sentence.
    pub(in crate::inference) fn singular_note(&self) -> Option<String> {
        let found: Vec<String> = self.singular_directions().iter().map(ToString::to_string).collect();
        (!found.is_empty()).then(|| format!("Singular: {}.", found.join("; ")))
    }
}

/// `squares` are the mean squares of what multiplies the effects.
fn singular(of: &FittedTerm, g: &DMatrix<f64>, squares: &[f64], residual: f64) -> Vec<SingularDirection> {
    // Effects in units in which each adds to an observation what its variance says.
    let unit: Vec<f64> = squares.iter().map(|s| s.sqrt()).collect();
    let k = unit.len();
    let scaled = DMatrix::from_fn(k, k, |a, b| g[(a, b)] * unit[a] * unit[b]);
    let nothing = VANISHED * residual.max(scaled.diagonal().max());
    let direction = |weights: Vec<f64>| SingularDirection {
        factor: of.term.factor().into(),
        weights: of.term.effects().iter().cloned().zip(weights).collect(),
    };
    let zero: Vec<usize> = (0..k).filter(|&a| scaled[(a, a)] <= nothing).collect();
    let single = zero.iter().map(|&a| direction((0..k).map(|b| f64::from(u8::from(a == b))).collect()));
    let rest: Vec<usize> = (0..k).filter(|a| !zero.contains(a)).collect();
    if rest.is_empty() {
        return single.collect();
    }
    let eigen = SymmetricEigen::new(DMatrix::from_fn(rest.len(), rest.len(), |a, b| scaled[(rest[a], rest[b])]));
    let combined = (0..rest.len()).filter(|&j| eigen.eigenvalues[j] <= nothing).map(|j| {
        let mut weights = vec![0.0; k];
        rest.iter().enumerate().for_each(|(at, &a)| weights[a] = eigen.eigenvectors[(at, j)] * unit[a]);
        // Of unit length, the first that counts being positive.
        let length = weights.iter().map(|w| w * w).sum::<f64>().sqrt();
        let sign = weights.iter().find(|w| w.abs() > NO_WEIGHT * length).map_or(1.0, |w| w.signum());
        direction(weights.into_iter().map(|w| sign * w / length).collect())
    });
    single.chain(combined).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_read_as_words() {
        let of = |weights: &[(&str, f64)]| SingularDirection {
            factor: "patient".into(),
            weights: weights.iter().map(|(name, w)| (name.to_string(), *w)).collect(),
        };
        assert_eq!(of(&[("(Intercept)", 0.97), ("days", -0.2431)]).to_string(), "0.970·(Intercept) − 0.243·days by patient does not vary");
        assert_eq!(of(&[("(Intercept)", 1.0), ("days", 0.0)]).to_string(), "(Intercept) by patient does not vary");
        assert_eq!(
            of(&[("(Intercept)", 0.0123456), ("days", 0.99992)]).to_string(),
            "0.0123·(Intercept) + 1.000·days by patient does not vary"
        );
    }
}
