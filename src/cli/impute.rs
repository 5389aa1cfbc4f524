//! `trialstats impute`: the completed data of a plan's imputations, value by value.

use super::failure::Failure;
use std::path::{Path, PathBuf};
use trialstats::Error;
use trialstats::analysis::PlanFile;
use trialstats::imputation::CompletedData;
use trialstats::table::Tabular;

/// Which plan, which imputation, and where the data go.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  trialstats impute plan.toml --out completed.csv
  trialstats impute plan.toml --data trial.csv --analysis \"jump to reference\" --out j2r.csv

A row is a patient at a visit, with flags as ADaM has them: AVAL is the value that is analysed, AORIG what was observed, DTYPE how
the value was derived (MAR, J2R, CR, CIR, LMCF, …; empty where it was observed), IMPFL marks imputed and replaced values, ICE the
intercurrent event. The file holds data of individual patients; no report does unless its plan asks for it.")]
pub struct ImputeArguments {
    /// The plan: TOML, or JSON where its name ends in .json
    pub plan: PathBuf,
    /// The trial's file; the one that the plan names unless said
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// The imputation, by its name in the plan or that of its strategy; all of them unless said
    #[arg(long, value_name = "NAME")]
    pub analysis: Option<String>,
    /// Write the data to this file: CSV, or Parquet where its name ends in .parquet and the program was built with it
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

impl ImputeArguments {
    /// Imputes and writes.
    pub fn run(&self) -> Result<String, Failure> {
        let file = PlanFile::open(&self.plan).map_err(Failure::of_plan)?;
        let data = super::plan::data_of(&file, self.data.as_deref()).map_err(Failure::of_plan)?;
        let trial = file.read(data).map_err(Failure::of_plan)?;
        let completed = file.plan().completed_data(&trial, self.analysis.as_deref());
        let completed = completed.map_err(|error| Failure::of_plan(file.located(error)))?;
        write(&completed, &self.out)?;
        Ok(format!(
            "{} is written: {} values of {}, {} of them imputed or replaced. They are data of individual patients.\n",
            self.out.display(),
            completed.rows.len(),
            completed.outcome,
            completed.imputed()
        ))
    }
}

fn write(data: &CompletedData, path: &Path) -> Result<(), Failure> {
    let name = path.display().to_string();
    let failed = |source: std::io::Error| Error::File { action: "cannot write", path: name.clone(), source };
    let parquet = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
    if parquet && !cfg!(feature = "parquet") {
        return Err(Failure::Usage(format!("--out {name}: this program was built without Parquet; name a file that ends in .csv")));
    }
    let mut bytes = vec![];
    match parquet {
        #[cfg(feature = "parquet")]
        true => data.write_parquet(&mut bytes).map_err(|error| failed(std::io::Error::other(error.to_string())))?,
        _ => data.write_csv(&mut bytes).map_err(failed)?,
    }
    Ok(std::fs::write(path, bytes).map_err(failed)?)
}
