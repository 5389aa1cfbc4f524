//! `trialstats describe`: what a file holds, before any model: participant flow, observed means, missing-data patterns.

use super::failure::Failure;
use super::source::{SourceArguments, Wanted};
use std::fmt::Write as _;
use trialstats::error::Interface;
use trialstats::trial::AnalysisSet;

/// Which file, and which of its columns are outcomes.
#[derive(Debug, Clone, clap::Args)]
pub struct DescribeArguments {
    #[command(flatten)]
    pub source: SourceArguments,
    /// A column with an outcome; may be given several times
    #[arg(long, value_name = "COLUMN", required = true)]
    pub outcome: Vec<String>,
    /// A column that the analysis will need of every patient, such as the outcome at baseline: patients who lack it are
    /// counted as not analysed; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub needs: Vec<String>,
}

impl DescribeArguments {
    /// Reads the file and says what is in it.
    pub fn run(&self) -> Result<String, Failure> {
        let wanted = Wanted { outcomes: self.outcome.clone(), covariates: self.needs.clone(), ..Wanted::default() };
        let trial = self.source.read(self.source.arm.as_deref(), &wanted)?;
        let set = self.needs.iter().fold(AnalysisSet::new(), AnalysisSet::needs);
        let mut out = format!("{}: {} patients\n\n", trial.source(), trial.patients().len());
        for outcome in &self.outcome {
            let _ = writeln!(out, "{}", trial.participant_flow(outcome, &set)?);
            let _ = writeln!(out, "{}", trial.observed_means(outcome)?);
            let _ = writeln!(out, "{}", trial.missing_patterns(outcome)?);
        }
        for warning in trial.warnings() {
            let _ = writeln!(out, "Warning: {}", warning.clone().worded_for(Interface::CommandLine));
        }
        for sentence in trial.inferred() {
            let _ = writeln!(out, "Note: {sentence}");
        }
        Ok(out)
    }
}
