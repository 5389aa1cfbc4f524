//! What every result about a mean model answers, whatever it was fitted by: [`Estimates`].
//!
//! A mixed model, one response of a joint model, a model fitted from sums, or coefficients that came out of another
//! program all say the same few things: what each coefficient means, the coefficients, their covariance, and how many
//! degrees of freedom a linear combination has. [`means`](crate::means) and [`effects`](crate::effects) ask for
//! nothing else, so that whatever implements the trait has marginal means, contrasts, adjustment for multiplicity,
//! margins, joint tests, effect sizes and tables.
//!
//! [`Given`] is the implementation for numbers that were found elsewhere.

mod coefficients;
mod contract;
mod cross_products;
mod df;
mod estimate;
mod given;
mod hypothesis;
mod link;
pub(crate) mod remarks;

pub use coefficients::Coefficients;
pub use contract::{Estimates, OutcomeSpread};
pub(crate) use contract::{determined, estimates_of};
pub use cross_products::CrossProducts;
pub use df::Df;
pub use estimate::{Estimate, FTest};
pub use given::Given;
pub(crate) use hypothesis::{denominator_df, independent_rows};
pub use link::{Link, OnOutcomeScale};
