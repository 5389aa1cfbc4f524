//! `trialstats plan check`: the plan as it would run.

use crate::cli::failure::Failure;
use std::fmt::Write as _;
use std::path::PathBuf;
use trialstats::analysis::PlanFile;
use trialstats::error::Interface;
use trialstats::table::{counted, layout::wrapped};
use trialstats::{Result, Trial};

/// Which plan is checked, and against what.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
What is printed is a plan itself: it states everything, and a comment marks what the plan does not state. With data, every name
is looked up and nothing is fitted; without, the plan is read and its defaults are shown.")]
pub struct CheckArguments {
    /// The plan: TOML, or JSON where its name ends in .json
    pub plan: PathBuf,
    /// The trial's file; the one that the plan names unless said
    pub data: Option<PathBuf>,
}

impl CheckArguments {
    /// The plan with everything resolved.
    pub fn run(&self) -> std::result::Result<String, Failure> {
        self.checked().map_err(Failure::of_plan)
    }

    fn checked(&self) -> Result<String> {
        let file = PlanFile::open(&self.plan)?;
        let plan = file.plan();
        let Some(data) = self.data.clone().or_else(|| file.data()) else {
            file.check_itself()?;
            let head = comment("The plan with its defaults. No data were named, so no name in it was looked up.");
            return Ok(format!("{head}\n{}", plan.settings()?.to_toml()));
        };
        let trial = file.read(data)?;
        file.check(&trial)?;
        Ok(format!("{}\n{}", about(&trial), plan.settings_on(&trial)?.to_toml()))
    }
}

/// What the trial is, as comments.
fn about(trial: &Trial) -> String {
    let arms: Vec<String> = trial.arms().iter().zip(trial.randomized()).map(|(arm, n)| format!("{arm} {n}")).collect();
    let visits: Vec<&str> = trial.schedule().labels();
    let mut text = comment(&format!(
        "The plan as it would run on {}: {} randomized ({}), visits {}. Nothing was fitted.",
        trial.source(),
        counted(trial.patients().len(), "patient"),
        arms.join(", "),
        visits.join(", ")
    ));
    for warning in trial.warnings() {
        let _ = write!(text, "{}", comment(&format!("Warning: {}", warning.clone().worded_for(Interface::Plan))));
    }
    for sentence in trial.inferred() {
        let _ = write!(text, "{}", comment(sentence));
    }
    text
}

/// A sentence as lines of comments.
pub fn comment(sentence: &str) -> String {
    wrapped(sentence, 110).iter().map(|line| format!("# {line}\n")).collect()
}
