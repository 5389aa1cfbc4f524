//! `trialstats report`: a plan run on its data, and the report written.

use super::failure::Failure;
use super::progress::Line;
use super::today::today;
use std::path::{Path, PathBuf};
use trialstats::analysis::{DocumentKind, PlanFile, SiteSums};
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
    /// The trial's file; the one that the plan names unless said
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// The sums of every site, made by `trialstats moments`, in place of a file of rows
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "data")]
    pub moments: Vec<PathBuf>,
    /// The folder of the report, made if needed; the plan's name with "-report" unless said
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// The date that the report bears; today unless said
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<String>,
    /// Print the report's JSON instead of a summary
    #[arg(long)]
    pub json: bool,
}

impl ReportArguments {
    /// Runs the plan, writes the report and says in a page what was found.
    pub fn run(&self) -> std::result::Result<String, Failure> {
        let (document, documents, summary) = self.document().map_err(Failure::of_plan)?;
        let written = document.write_as(self.folder(), &documents).map_err(Failure::of_plan)?;
        if self.json {
            return Ok(format!("{:#}\n", document.to_json()));
        }
        let banner = document.banner.map(|banner| format!("{}\n\n", banner.trim())).unwrap_or_default();
        Ok(format!("{banner}{summary}\nReport: {} (tables, figures and JSON beside it)\n", written.html.display()))
    }

    /// The report and its summary.
    fn document(&self) -> Result<(Document, Vec<DocumentKind>, String)> {
        let file = PlanFile::open(&self.plan)?;
        let documents = file.plan().report.documents.clone();
        if !self.moments.is_empty() {
            let sites = self.moments.iter().map(|path| sums(path)).collect::<Result<Vec<_>>>()?;
            let result = file.plan().run_on_sums(sites).map_err(|error| file.located(error))?;
            let tables = result.outcomes.iter().filter_map(|o| o.contrasts.as_ref()).map(|c| format!("\n{c}"));
            let summary = format!("{}{}", result.sites, tables.collect::<String>());
            let mut document = pooled_report(&result);
            document.date = Some(self.date());
            return Ok((document, documents, summary));
        }
        let data = super::plan::data_of(&file, self.data.as_deref())?;
        let deviations = file.deviations()?;
        let result = file.run(&file.read(data)?, &Line::default())?;
        let report = TrialReport::new(&result).planned(file.plan()).dated(self.date());
        let report = deviations.into_iter().fold(report, TrialReport::lock);
        Ok((report.document(), documents, result.summary()))
    }

    fn date(&self) -> String {
        self.date.clone().unwrap_or_else(today)
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
