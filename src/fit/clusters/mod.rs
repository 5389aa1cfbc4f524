//! Random effects of clusters above the covariance within patients, as columns with a penalty.
//!
//! With V = ZG̃Z' + R, R block-diagonal with the patients' Σ and G̃ with the covariance G of the effects of every
//! level, Henderson's equations (Henderson 1975, Biometrics 31:423–447; Searle, Casella & McCulloch 1992, Variance
//! Components, ch. 7) are those of a least-squares fit with columns \[X Z\] and a penalty u'G̃⁻¹u. In terms of W =
//! R⁻¹ and K = \[X Z\]'W\[X Z\],
//!
//! ```text
//! (K + diag(0, G̃⁻¹)) (β, u)' = [X Z]'Wy           y'Py = r'Wr + u'G̃⁻¹u,   r = y − Xβ − Zu
//! log|V| + log|X'V⁻¹X| = log|R| + log|G̃| + log|K + diag(0, G̃⁻¹)|
//! ```
//!
//! so that everything that the likelihood needs of the data is what it needs of a model with more columns. G̃ = ΛΛ'
//! is never inverted: with u = Λv the penalty is v'v, and a variance of zero is a point like any other. [`WithEffects`]
//! is the likelihood without effects and what these add to it.
//!
//! K is full in the columns of the mean alone. Effects that no patient shares, directly or through others, have nothing
//! in common; [`shape`] says which those are, and everything is done component by component.

mod cells;
mod derivatives;
mod layout;
mod marginal;
mod problem;
mod projection;
mod shape;
mod slopes;
mod solve;
#[cfg(test)]
mod tests;

pub(crate) use cells::Cells;
pub(crate) use layout::Clusters;
pub(crate) use problem::{EffectsPoint, WithEffects};
pub(crate) use shape::Shape;
