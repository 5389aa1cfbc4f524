//! The program `trialstats`, run as a person runs it.

use super::repository;
use std::process::{Command, Output};

/// Runs the program in the repository's folder.
pub fn trialstats(arguments: &[&str]) -> Output {
    let run = Command::new(env!("CARGO_BIN_EXE_trialstats")).current_dir(repository(".")).args(arguments).output();
    run.expect("the program starts")
}

/// What a run that must succeed printed.
pub fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// The message of a run that must fail.
pub fn refusal(arguments: &[&str]) -> String {
    let output = trialstats(arguments);
    assert!(!output.status.success(), "{arguments:?} succeeded");
    assert!(output.stdout.is_empty(), "{arguments:?} printed a result");
    String::from_utf8(output.stderr).expect("UTF-8")
}
