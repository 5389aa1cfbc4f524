//! `trialstats report`: a plan run on its data, and the report written.

use super::failure::Failure;
use super::progress::Line;
use std::path::{Path, PathBuf};
use trialstats::analysis::Plan;
use trialstats::report::TrialReport;

/// Which plan is run on what, and where the report goes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  trialstats report examples/plans/imrs_gst.toml --data data-samples/imrs_gst/imrs_gst.csv
  trialstats report plan.toml --data trial.csv --out report-2026 --json > summary.json

The folder gets report.html (one file that can be sent), report.json with every number at full precision, the tables as CSV
and the figures as SVG. `trialstats plan init trial.csv` writes a plan to begin with, `trialstats plan check` shows what it
means.")]
pub struct ReportArguments {
    /// The plan: TOML, or JSON where its name ends in .json
    pub plan: PathBuf,
    /// The trial's file
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// The folder of the report, made if needed; the plan's name with "-report" unless said
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Print the report's JSON instead of a summary
    #[arg(long)]
    pub json: bool,
}

impl ReportArguments {
    /// Runs the plan, writes the report and says in a page what was found.
    pub fn run(&self) -> Result<String, Failure> {
        let plan = Plan::from_file(&self.plan).map_err(Failure::of_plan)?;
        let trial = plan.read(&self.data).map_err(Failure::of_plan)?;
        let result = plan.run(&trial, &Line::default()).map_err(Failure::of_plan)?;
        let document = TrialReport::new(&result).document();
        let written = document.write_to(self.folder()).map_err(Failure::of_plan)?;
        if self.json {
            return Ok(format!("{:#}\n", document.to_json()));
        }
        let banner = document.banner.map(|banner| format!("{}\n\n", banner.trim())).unwrap_or_default();
        Ok(format!("{banner}{}\nReport: {} (tables, figures and JSON beside it)\n", result.summary(), written.html.display()))
    }

    fn folder(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| format!("{}-report", stem(&self.plan)).into())
    }
}

/// A file's name without folder and extension.
pub fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "plan".into(), |stem| stem.to_string_lossy().into_owned())
}
