//! The model fitted is the model written: names, schedules, exclusions, tests of terms, functions in formulas.

mod account;
mod contrasts;
mod functions;
mod names;
mod schedule;
mod terms;

use crate::common::{fev, repository};
use std::process::{Command, Output};
use trialstats::{Fit, Model, Trial};

/// What the command prints, or its message.
fn command(arguments: &[&str]) -> Result<String, String> {
    let run = Command::new(env!("CARGO_BIN_EXE_trialstats")).current_dir(repository(".")).args(arguments).output();
    let Output { status, stdout, stderr } = run.expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    if status.success() { Ok(text(stdout)) } else { Err(text(stderr)) }
}

/// The fit of a formula to a trial.
fn fit(formula: &str, trial: &Trial) -> Fit {
    Model::formula(formula).expect("a formula").fit(trial).unwrap_or_else(|error| panic!("{formula}: {error}"))
}

/// The fit of a formula to fev.
fn fev_fit(formula: &str) -> Fit {
    fit(formula, &fev())
}

fn close(ours: f64, right: f64, tolerance: f64) {
    assert!((ours - right).abs() <= tolerance, "{ours} here, {right} is right");
}
