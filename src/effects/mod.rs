//! Standardized effect sizes: within and between arms, from raw data and from a model's estimates; reliable change.
//!
//! An effect size is a difference over a standard deviation, and the choice of the standard deviation moves it more
//! than anything else does. [`Denominator`] therefore names it, [`IntervalMethod`] says how the limits are made, and
//! every table prints both. With estimates of a model the default is the model's difference over the *raw* baseline
//! standard deviation (Feingold 2009), never a variance component.
//!
//! | differences from | function |
//! |---|---|
//! | observed means | [`within_arms`], [`between_arms`] |
//! | a fitted model | [`from_model`] |
//! | elsewhere | [`from_estimates`] |
//!
//! [`Bootstrap`] replaces the limits of any of them by limits from resampled patients. [`ReliableChange`] asks of
//! each patient whether the change is more than error of measurement.

mod bootstrap;
mod correction;
mod deviation;
mod model;
mod options;
mod placed;
mod raw;
mod reliable_change;
mod scores;
mod table;

pub use crate::bootstrap::{Bootstrap, BootstrapDistribution, BootstrapInterval, BootstrapSummary};
pub use correction::{Correction, HedgesForm};
pub(crate) use model::from_rows;
pub use model::{from_estimates, from_model, from_model_estimates};
pub use options::{Denominator, EffectOptions, GroupSize, IntervalMethod, Positive, RawScores};
pub use raw::{between_arms, within_arms};
pub use reliable_change::{ReliableChange, ReliableChangeRow, ReliableChanges, Threshold};
pub use table::{Difference, EffectSize, EffectSizes, Limits, Source, independent_groups_se};
