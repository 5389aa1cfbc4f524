//! `trialstats qualify`: published values computed again on this machine.

use super::failure::Failure;
use std::path::PathBuf;
use trialstats::qualify::qualify;

/// Where the record goes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Computes on this machine what SAS, R's mmrm, lme4, lmerTest and pbkrtest, and tables of forty digits say, from data that are in
the program, and compares. The exit status is 1 where a value is off. The folder gets one page per method to file, with every
value as CSV and JSON.")]
pub struct QualifyArguments {
    /// Write the record to this folder, made if needed
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Print every value as JSON
    #[arg(long)]
    pub json: bool,
}

impl QualifyArguments {
    /// Computes and compares.
    pub fn run(&self) -> Result<String, Failure> {
        let found = qualify()?;
        let document = found.document();
        let mut text = match self.json {
            true => format!("{:#}\n", document.to_json()),
            false => found.summary(),
        };
        if let Some(folder) = &self.out {
            let written = document.write_to(folder)?;
            if !self.json {
                text += &format!("Record: {}\n", written.html.display());
            }
        }
        match found.passes() {
            true => Ok(text),
            false => Err(Failure::NotQualified(text)),
        }
    }
}
