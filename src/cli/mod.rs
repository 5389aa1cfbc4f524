//! What the command line understands. Nothing is computed here: arguments become a layout and a model, results become
//! text or JSON.

mod choice;
mod describe;
mod failure;
mod fit;
mod fit_json;
mod fit_text;
mod formula_variables;
mod generalized;
mod impute;
mod instruments;
mod interaction;
mod means;
mod moments;
mod parse;
mod plan;
mod power;
mod progress;
mod proportions;
mod qualify;
mod report;
mod source;
mod subgroups;
mod today;

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
    /// Run a plan on its data and write the report
    Report(report::ReportArguments),
    /// Check and explain a plan
    Plan(plan::PlanArguments),
    /// Simulate a planned trial and analyse it as planned: power, sample size, operating characteristics
    Power(power::PowerArguments),
    /// Sum up a site's file, so that several sites are analysed as one and no row leaves any
    Moments(moments::MomentsArguments),
    /// Write the completed data of a plan's imputations, value by value, with what was imputed and how
    Impute(impute::ImputeArguments),
    /// Fit a mixed model for repeated measures, or a model of a binary outcome or a count, and print its estimates
    Fit(fit::FitArguments),
    /// Show who was randomized, who was seen when, and what was inferred from the file
    Describe(describe::DescribeArguments),
    /// Compare proportions without a model: every interval and test of 36/154 and 12/77
    Proportions(proportions::ProportionsArguments),
    /// Compute published values again on this machine and compare
    Qualify(qualify::QualifyArguments),
}

impl Cli {
    /// Whether a program reads what is printed.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            Command::Report(arguments) => arguments.json,
            Command::Power(arguments) => arguments.json,
            Command::Qualify(arguments) => arguments.json,
            Command::Fit(arguments) => arguments.json,
            Command::Describe(arguments) => arguments.json,
            Command::Proportions(arguments) => arguments.json,
            Command::Plan(_) | Command::Moments(_) | Command::Impute(_) => false,
        }
    }

    /// Runs the command and prints its result.
    pub fn run(self) -> Result<(), Failure> {
        let text = match self.command {
            Command::Report(arguments) => arguments.run()?,
            Command::Plan(arguments) => arguments.run()?,
            Command::Power(arguments) => arguments.run()?,
            Command::Moments(arguments) => arguments.run()?,
            Command::Impute(arguments) => arguments.run()?,
            Command::Proportions(arguments) => arguments.run()?,
            Command::Qualify(arguments) => arguments.run()?,
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
