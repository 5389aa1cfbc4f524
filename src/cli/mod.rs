//! What the command line understands. Nothing is computed here: arguments become a layout and a model, results become
//! text or JSON.

mod choice;
mod describe;
mod failure;
mod fit;
mod fit_json;
mod fit_text;
mod formula_variables;
mod instruments;
mod interaction;
mod means;
mod parse;
mod source;
mod subgroups;

use failure::Failure;
use std::io::Write;

/// Intention-to-treat analysis of randomized trials with repeated measurements.
#[derive(Debug, clap::Parser)]
#[command(name = "trialstats", version, about, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one in a run")]
enum Command {
    /// Fit a mixed model for repeated measures and print its estimates
    Fit(fit::FitArguments),
    /// Show who was randomized, who was seen when, and what was inferred from the file
    Describe(describe::DescribeArguments),
}

impl Cli {
    /// Whether a program reads what is printed.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            Command::Fit(arguments) => arguments.json,
            Command::Describe(arguments) => arguments.json,
        }
    }

    /// Runs the command and prints its result.
    pub fn run(self) -> Result<(), Failure> {
        let text = match self.command {
            Command::Fit(arguments) => arguments.run()?,
            Command::Describe(arguments) => arguments.run()?,
        };
        print(&failure::printable(&text))
    }
}

/// Prints to standard output. A reader that has gone away (`| head`) is no error.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(Failure::Output(e)),
        Ok(()) => Ok(()),
    }
}
