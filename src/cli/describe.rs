//! `trialstats describe`: what a file holds, before any model.

use super::failure::Failure;
use super::source::{SourceArguments, Wanted};
use std::fmt::Write as _;
use trialstats::Trial;
use trialstats::table::{Column, Tabular};
use trialstats::trial::Outcome;

/// Which file, and which of its columns are outcomes.
#[derive(Debug, Clone, clap::Args)]
pub struct DescribeArguments {
    #[command(flatten)]
    pub source: SourceArguments,
    /// A column with an outcome; may be given several times
    #[arg(long, value_name = "COLUMN", required = true)]
    pub outcome: Vec<String>,
}

impl DescribeArguments {
    /// Reads the file and says what is in it.
    pub fn run(&self) -> Result<String, Failure> {
        let wanted = Wanted { outcomes: self.outcome.clone(), ..Wanted::default() };
        let trial = self.source.read(self.source.arm.as_deref(), &wanted)?;
        let mut out = format!("{}: {} patients\n\n", trial.source(), trial.patients().len());
        for outcome in trial.outcomes() {
            let _ = writeln!(out, "{}", Observed { trial: &trial, outcome }.to_text());
        }
        for sentence in trial.inferred() {
            let _ = writeln!(out, "Note: {sentence}");
        }
        Ok(out)
    }
}

/// How many patients of each arm were seen at each visit.
struct Observed<'a> {
    trial: &'a Trial,
    outcome: &'a Outcome,
}

impl Observed<'_> {
    fn count(&self, arm: usize, visit: usize) -> usize {
        let of_arm = (0..self.trial.patients().len()).filter(|&i| self.trial.arm_of()[i] == arm);
        of_arm.filter(|&i| self.trial.value(self.outcome, i, visit).is_some()).count()
    }
}

impl Tabular for Observed<'_> {
    fn title(&self) -> String {
        format!("{}: patients observed", self.outcome.label)
    }

    fn columns(&self) -> Vec<Column> {
        let visits = self.trial.schedule().visits();
        let mut columns = vec![
            Column::text("arm", "arm", self.trial.arms().iter().map(String::as_str)),
            Column::count("randomized", "randomized", self.trial.randomized()),
        ];
        for (t, visit) in visits.iter().enumerate() {
            let counts = (0..self.trial.arms().len()).map(|arm| self.count(arm, t));
            columns.push(Column::count(format!("observed_{}", visit.label), &visit.label, counts));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        vec!["Patients of each arm in the file, and how many of them have a value at each visit.".into()]
    }
}
