//! `trialstats report`: a plan run on its data, and the report written.

use super::failure::Failure;
use super::progress::Line;
use std::path::{Path, PathBuf};
use trialstats::analysis::{Plan, SiteSums};
use trialstats::report::{Document, TrialReport, pooled_report};
use trialstats::{Error, Result};

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
    #[arg(long, value_name = "FILE", required_unless_present = "moments")]
    pub data: Option<PathBuf>,
    /// The sums of every site, made by `trialstats moments`, in place of a file of rows
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "data")]
    pub moments: Vec<PathBuf>,
    /// The folder of the report, made if needed; the plan's name with "-report" unless said
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Print the report's JSON instead of a summary
    #[arg(long)]
    pub json: bool,
}

impl ReportArguments {
    /// Runs the plan, writes the report and says in a page what was found.
    pub fn run(&self) -> std::result::Result<String, Failure> {
        let (document, summary) = self.document().map_err(Failure::of_plan)?;
        let written = document.write_to(self.folder()).map_err(Failure::of_plan)?;
        if self.json {
            return Ok(format!("{:#}\n", document.to_json()));
        }
        let banner = document.banner.map(|banner| format!("{}\n\n", banner.trim())).unwrap_or_default();
        Ok(format!("{banner}{summary}\nReport: {} (tables, figures and JSON beside it)\n", written.html.display()))
    }

    /// The report and its summary.
    fn document(&self) -> Result<(Document, String)> {
        let plan = Plan::from_file(&self.plan)?;
        let Some(data) = &self.data else {
            let sites = self.moments.iter().map(|path| sums(path)).collect::<Result<Vec<_>>>()?;
            let result = plan.run_on_sums(sites)?;
            let tables = result.outcomes.iter().filter_map(|o| o.contrasts.as_ref()).map(|c| format!("\n{c}"));
            let summary = format!("{}{}", result.sites, tables.collect::<String>());
            return Ok((pooled_report(&result), summary));
        };
        let result = plan.run(&plan.read(data)?, &Line::default())?;
        Ok((TrialReport::new(&result).document(), result.summary()))
    }

    fn folder(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| format!("{}-report", stem(&self.plan)).into())
    }
}

/// The sums in a file.
fn sums(path: &Path) -> Result<SiteSums> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { action: "cannot read", path: name.clone(), source })?;
    SiteSums::from_json(&name, &text)
}

/// A file's name without folder and extension.
pub fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "plan".into(), |stem| stem.to_string_lossy().into_owned())
}
