//! Planning a trial: formulas, boundaries, and studies by simulation.

mod accrual;
mod analytic;
mod checked;
#[cfg(feature = "cli")]
mod command;
mod events;
mod frame;
mod pilot;
mod power;
mod reestimation;
mod response;
mod sequential;
mod several;
mod simr;
mod truth;
