//! Standardized effect sizes: within and between arms, from raw data and from a model's estimates.
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
//! [`Bootstrap`] replaces the limits of any of them by limits from resampled patients. Whether the change of a single
//! patient is more than error of measurement is a question to [`change`](crate::change).

mod bootstrap;
mod correction;
mod deviation;
mod model;
mod options;
mod placed;
mod raw;
mod scores;
mod table;

pub use crate::bootstrap::{Bootstrap, BootstrapDistribution, BootstrapInterval, BootstrapSummary};
pub use correction::{Correction, HedgesForm};
pub(crate) use deviation::pooled;
pub use model::{from_estimates, from_model, from_model_estimates};
pub(crate) use model::{from_rows, of_difference};
pub use options::{Denominator, EffectOptions, GroupSize, IntervalMethod, Positive, RawScores};
pub use raw::{between_arms, within_arms};
pub(crate) use scores::{Sample, Scores};
pub use table::{Difference, EffectSize, EffectSizes, Limits, Source, independent_groups_se};
