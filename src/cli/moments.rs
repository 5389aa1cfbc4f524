//! `trialstats moments`: the sums of a site, to be sent in place of its rows.

use super::failure::Failure;
use std::path::PathBuf;
use trialstats::analysis::PlanFile;
use trialstats::table::counted;

/// Which plan, and the site's file.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Each site:    trialstats moments plan.toml --data north.csv --out north.json
The centre:   trialstats report plan.toml --moments north.json south.json west.json

The plan must say what files could say differently: arms, visits, the kind of each covariate, the levels of each factor. Sums
are not automatically anonymous: where one patient alone has a pattern of visits, they are that patient's values. The command
says how many patients the rarest pattern has, and --smallest-pattern refuses to write sums of fewer.")]
pub struct MomentsArguments {
    /// The plan: TOML, or JSON where its name ends in .json
    pub plan: PathBuf,
    /// The site's file; the one that the plan names unless said
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Write the sums to this file; printed unless said
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Refuse where a pattern of visits has fewer patients than this
    #[arg(long, value_name = "PATIENTS", default_value_t = 1)]
    pub smallest_pattern: usize,
}

impl MomentsArguments {
    /// Makes the sums.
    pub fn run(&self) -> Result<String, Failure> {
        let file = PlanFile::open(&self.plan).map_err(Failure::of_plan)?;
        let data = super::plan::data_of(&file, self.data.as_deref()).map_err(Failure::of_plan)?;
        let sums = file.plan().sums_of_file(data).map_err(|error| Failure::of_plan(file.located(error)))?;
        let smallest = sums.smallest_pattern().unwrap_or(0);
        if smallest < self.smallest_pattern {
            return Err(Failure::Usage(format!(
                "--smallest-pattern {}: a pattern of visits has {}; nothing was written",
                self.smallest_pattern,
                counted(smallest, "patient")
            )));
        }
        let json = sums.to_json().map_err(Failure::of_plan)? + "\n";
        let Some(path) = &self.out else { return Ok(json) };
        let name = path.display().to_string();
        std::fs::write(path, json).map_err(|source| trialstats::Error::File { action: "cannot write", path: name.clone(), source })?;
        let mut text = format!("{name} is written. The rarest pattern of visits has {}.\n", counted(smallest, "patient"));
        if smallest == 1 {
            text.push_str("Sums of a pattern that one patient alone has are that patient's values: check that they may leave.\n");
        }
        Ok(text)
    }
}
