//! `trialstats plan lock`: the plan as it is today, for a report to be held to.

use crate::cli::failure::Failure;
use crate::cli::today::today;
use std::path::PathBuf;
use trialstats::analysis::PlanFile;

/// Which plan is locked, and as of when.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Writes PLAN.lock.toml beside the plan: every setting, defaults included, with a SHA-256 and a date. A report by the plan then
says \"as locked on …\", or lists every deviation key by key. Comments and the order of keys do not matter. A lock is never
overwritten.")]
pub struct LockArguments {
    /// The plan: TOML, or JSON where its name ends in .json
    pub plan: PathBuf,
    /// The date of the lock; today unless said
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<String>,
}

impl LockArguments {
    /// Locks the plan.
    pub fn run(&self) -> Result<String, Failure> {
        let file = PlanFile::open(&self.plan).map_err(Failure::of_plan)?;
        file.check_itself().map_err(Failure::of_plan)?;
        let date = self.date.clone().unwrap_or_else(today);
        let path = file.lock(&date).map_err(Failure::of_plan)?;
        let sha256 = file.plan().fingerprint().map_err(Failure::of_plan)?;
        Ok(format!("{} is written: the plan as of {date}, SHA-256 {sha256}.\n", path.display()))
    }
}
