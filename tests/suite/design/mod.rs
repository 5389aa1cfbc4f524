//! Model matrices, random effects and coordinates, before anything is fitted.

mod applied;
mod coordinates;
mod matrices;
mod outcomes;
mod random_terms;
