//! Planning a trial: formulas, boundaries, and studies by simulation.

mod analytic;
mod sequential;
