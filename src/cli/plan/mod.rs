//! `trialstats plan`: what is done with a plan before it runs.

mod check;
mod init;
mod lock;
mod text;

use super::failure::Failure;
use std::path::{Path, PathBuf};
use trialstats::analysis::PlanFile;
use trialstats::{Error, Result};

/// The data file that was named, or the one that the plan names.
pub fn data_of(file: &PlanFile, named: Option<&Path>) -> Result<PathBuf> {
    let stated = named.map(Path::to_path_buf).or_else(|| file.data());
    stated.ok_or_else(|| Error::Invalid {
        kind: trialstats::error::Refusal::Incomplete,
        what: format!("the data of {}", file.path().display()),
        why: "neither the plan nor the command names a file".into(),
        remedy: "add `data = \"trial.csv\"` to [trial] in the plan, or --data trial.csv to the command".into(),
    })
}

/// Write, check and explain a plan.
#[derive(Debug, Clone, clap::Args)]
pub struct PlanArguments {
    #[command(subcommand)]
    command: PlanCommand,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum PlanCommand {
    /// Write a plan guessed from a file, each guess with its reason
    Init(init::InitArguments),
    /// Print the whole plan as it would run, every default resolved, or everything that is wrong with it
    Check(check::CheckArguments),
    /// Write the statistical-methods section of an analysis plan or preregistration, as Markdown
    Text(text::TextArguments),
    /// Record the plan as it is today, so that a report says whether it was kept
    Lock(lock::LockArguments),
}

impl PlanArguments {
    /// Runs the command.
    pub fn run(&self) -> std::result::Result<String, Failure> {
        match &self.command {
            PlanCommand::Init(arguments) => arguments.run(),
            PlanCommand::Check(arguments) => arguments.run(),
            PlanCommand::Text(arguments) => arguments.run(),
            PlanCommand::Lock(arguments) => arguments.run(),
        }
    }
}
