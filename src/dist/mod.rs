//! The distributions that inference needs, accurate in the tails and at any degrees of freedom.
//!
//! Every function takes any `f64`: a NaN or a parameter outside its range gives NaN, nothing panics and nothing loops
//! for ever. Degrees of freedom need not be whole and may be infinite ([`f64::INFINITY`]): t becomes the normal, F
//! becomes χ²/df1. Degrees of freedom below 1e-100 are taken as 1e-100, which changes no probability by more than
//! rounding does.
//!
#![doc = include_str!("accuracy.md")]

pub(crate) mod binomial;
pub mod chi_squared;
pub mod f;
mod invert;
pub mod multivariate_t;
pub mod noncentral_t;
pub mod normal;
pub(crate) mod quadrature;
mod special;
pub mod studentized_range;
pub mod t;

/// `df` as the functions use it; NaN unless it is positive.
fn degrees_of_freedom(df: f64) -> f64 {
    if df > 0.0 { df.max(1e-100) } else { f64::NAN }
}
