//! The standard deviation that a denominator stands for, with the degrees of freedom of its estimate.

use super::Denominator;
use super::placed::Target;
use super::scores::{Sample, Scores};
use crate::error::{Error, Result};
use crate::estimates::{Estimates, OutcomeSpread};

/// An estimated standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Deviation {
    pub sd: f64,
    /// ν with Var(s)/s² ≈ 1/(2ν); NaN where it is not known.
    pub df: f64,
    /// Patients it was estimated from.
    pub n: usize,
}

impl Deviation {
    pub(super) fn of(denominator: Denominator, scores: &Scores, estimates: Option<&dyn Estimates>, target: &Target) -> Result<Self> {
        let (arm, versus, visit) = (target.arm.index, target.versus.as_ref().map(|versus| versus.index), target.visit.index);
        let arms = scores.trial.arms().len();
        match (denominator, versus) {
            (Denominator::BaselinePooled, _) => Ok(pooled(&(0..arms).map(|a| scores.baseline_of(a)).collect::<Result<Vec<Sample>>>()?)),
            (Denominator::BaselineWhole, _) => Ok(single(Sample::of(scores.baseline()?.iter().copied()))),
            (Denominator::BaselineOwn, None) => Ok(single(scores.baseline_of(arm)?)),
            (Denominator::Change, None) => Ok(single(scores.change(arm, visit)?)),
            (Denominator::Change, Some(other)) => Ok(pooled(&[scores.change(arm, visit)?, scores.change(other, visit)?])),
            (Denominator::Average, None) => {
                let (before, after, covariance) = scores.pairs(arm, visit)?;
                Ok(average_of_pairs(before, after, covariance))
            }
            (Denominator::Average, Some(other)) => Ok(average(scores.at_visit(arm, visit), scores.at_visit(other, visit))),
            (Denominator::VisitPooled, Some(other)) => Ok(pooled(&[scores.at_visit(arm, visit), scores.at_visit(other, visit)])),
            (Denominator::Control, Some(reference)) => Ok(single(scores.at_visit(reference, visit))),
            (Denominator::VisitModel, _) => of_model(estimates, target),
            (Denominator::BaselineOwn, Some(_)) => {
                Err(misplaced(denominator, "between", "BaselinePooled, or Control for the reference arm's"))
            }
            (Denominator::VisitPooled | Denominator::Control, None) => {
                Err(misplaced(denominator, "within", "BaselinePooled, BaselineOwn, Change or Average"))
            }
        }
    }
}

fn misplaced(denominator: Denominator, place: &str, remedy: &str) -> Error {
    Error::not_defined(
        format!("effect sizes {place} arms over the {}", denominator.words()),
        format!("that standard deviation is not defined {place} arms"),
        format!("use Denominator::{remedy}"),
    )
}

fn single(sample: Sample) -> Deviation {
    Deviation { sd: sample.variance.sqrt(), df: sample.n as f64 - 1.0, n: sample.n }
}

/// √(Σ(n−1)s² / Σ(n−1)); a sample of one adds nothing.
pub(crate) fn pooled(samples: &[Sample]) -> Deviation {
    let used: Vec<&Sample> = samples.iter().filter(|s| s.n > 1).collect();
    let df: f64 = used.iter().map(|s| s.n as f64 - 1.0).sum();
    let squares: f64 = used.iter().map(|s| (s.n as f64 - 1.0) * s.variance).sum();
    Deviation { sd: (squares / df).sqrt(), df, n: samples.iter().map(|s| s.n).sum() }
}

/// √((s₁²+s₂²)/2) of independent samples; ν by Satterthwaite's matching of moments.
fn average(a: Sample, b: Sample) -> Deviation {
    let sum = a.variance + b.variance;
    let spread = a.variance.powi(2) / (a.n as f64 - 1.0) + b.variance.powi(2) / (b.n as f64 - 1.0);
    Deviation { sd: (sum / 2.0).sqrt(), df: sum * sum / spread, n: a.n + b.n }
}

/// √((s₁²+s₂²)/2) of one sample seen twice: Var(s₁²+s₂²) = 2(σ₁⁴ + σ₂⁴ + 2σ₁₂²)/(n−1) under normality.
fn average_of_pairs(before: Sample, after: Sample, covariance: f64) -> Deviation {
    let sum = before.variance + after.variance;
    let spread = before.variance.powi(2) + after.variance.powi(2) + 2.0 * covariance * covariance;
    Deviation { sd: (sum / 2.0).sqrt(), df: (before.n as f64 - 1.0) * sum * sum / spread, n: before.n }
}

/// √Σ̂_tt, or the root of the mean of two arms' Σ̂_tt.
fn of_model(estimates: Option<&dyn Estimates>, target: &Target) -> Result<Deviation> {
    let Some(estimates) = estimates else {
        return Err(Error::not_defined(
            format!("effect sizes over {}", Denominator::VisitModel.words()),
            "raw data and bare estimates have no model",
            "use effects::from_model with the fit, or another denominator",
        ));
    };
    let arms: Vec<usize> = std::iter::once(&target.arm).chain(&target.versus).map(|arm| arm.index).collect();
    let n = estimates.account().n_patients();
    // The model has no standard deviation for a visit or a covariance group that nobody has an observation of.
    let of = |spread: OutcomeSpread| Deviation { sd: spread.variance.sqrt(), df: spread.df, n };
    let none = Deviation { sd: f64::NAN, df: f64::NAN, n };
    Ok(estimates.outcome_spread(&arms, target.visit.index)?.map_or(none, of))
}
