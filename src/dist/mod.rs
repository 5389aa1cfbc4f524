//! The distributions that inference needs, accurate in the tails and at any degrees of freedom.
//!
//! Every function takes any `f64`: a NaN or a parameter outside its range gives NaN, nothing panics and nothing loops for ever.
//! Degrees of freedom need not be whole and may be infinite ([`f64::INFINITY`]): t becomes the normal, F becomes χ²/df1.

pub mod chi_squared;
pub mod f;
mod invert;
pub mod noncentral_t;
pub mod normal;
mod special;
pub mod t;
