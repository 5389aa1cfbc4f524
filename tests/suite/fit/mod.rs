//! The search: where it ends, what it refuses, and what must not matter to it.

mod conditioning;
mod cost;
mod fallback;
mod identification;
mod invariance;
mod moments_file;
mod moments_fuzz;
mod outcomes;
mod pooling;
mod refit;
mod streaming;
mod structures;
