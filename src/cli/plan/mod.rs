//! `trialstats plan`: what is done with a plan before it runs.

mod check;
mod init;

use super::failure::Failure;

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
}

impl PlanArguments {
    /// Runs the command.
    pub fn run(&self) -> Result<String, Failure> {
        match &self.command {
            PlanCommand::Init(arguments) => arguments.run(),
            PlanCommand::Check(arguments) => arguments.run(),
        }
    }
}
