//! `trialstats plan text`: the statistical methods, before there are data.

use crate::cli::failure::Failure;
use std::path::PathBuf;
use trialstats::analysis::PlanFile;

/// Which plan is put into words.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
What is printed is Markdown, with the estimands in the terms of ICH E9(R1) where the plan states them. Nothing in it comes from
data.")]
pub struct TextArguments {
    /// The plan: TOML, or JSON where its name ends in .json
    pub plan: PathBuf,
}

impl TextArguments {
    /// The methods section.
    pub fn run(&self) -> Result<String, Failure> {
        let file = PlanFile::open(&self.plan).map_err(Failure::of_plan)?;
        file.check_itself().map_err(Failure::of_plan)?;
        Ok(file.plan().methods_text())
    }
}
