//! `trialstats plan init`: a plan guessed from a file.

use crate::cli::failure::Failure;
use std::path::PathBuf;
use trialstats::Error;
use trialstats::draft::Draft;

/// Which file is looked at, and where the plan goes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  trialstats plan init trial.csv > plan.toml
  trialstats plan init trial.csv --out plan.toml
  trialstats report plan.toml --data trial.csv

Every line of the plan is a guess with its reason above it. Look for CHECK: there the file cannot tell.")]
pub struct InitArguments {
    /// The trial's file
    pub data: PathBuf,
    /// The sheet of a workbook; the only one with data unless said
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// Write the plan to this file, which must not exist yet; printed unless said
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

impl InitArguments {
    /// Drafts the plan.
    pub fn run(&self) -> Result<String, Failure> {
        let draft = match &self.sheet {
            Some(sheet) => Draft::of_sheet(&self.data, sheet),
            None => Draft::of(&self.data),
        }
        .map_err(Failure::of_plan)?;
        let text = draft.to_toml();
        let Some(path) = &self.out else { return Ok(text) };
        let written = std::fs::File::create_new(path).and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
        let name = path.display().to_string();
        written.map_err(|source| Error::File { action: "cannot write", path: name.clone(), source: told(source) })?;
        let checks = text.lines().filter(|line| line.starts_with('#') && line.contains("CHECK")).count();
        Ok(format!("{name} is written; {checks} of its comments say CHECK. Next: trialstats plan check {name} {}\n", self.data.display()))
    }
}

/// A plan that somebody has edited is not written over.
fn told(source: std::io::Error) -> std::io::Error {
    match source.kind() {
        std::io::ErrorKind::AlreadyExists => {
            std::io::Error::new(source.kind(), "a file of this name exists and stays as it is; give another name with `--out`")
        }
        _ => source,
    }
}
