//! `trialstats impute`: the completed data of a plan's imputations, value by value.

use super::failure::Failure;
use super::progress::Line;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use trialstats::analysis::PlanFile;
use trialstats::imputation::{CompletedData, CompletedWriter};
use trialstats::table::Tabular;
use trialstats::{Error, Trial};

/// Which plan, which imputation, and where the data go.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  trialstats impute plan.toml --out completed.csv
  trialstats impute plan.toml --data trial.csv --analysis \"jump to reference\" --out j2r.csv
  trialstats impute plan.toml --analysis \"jump to reference\" --draws 100 --seed 1 --out drawn.parquet

A row is a patient at a visit, with flags as ADaM has them: AVAL is the value that is analysed, AORIG what was observed, DTYPE how
the value was derived (MAR, J2R, CR, CIR, LMCF, …; empty where it was observed), IMPFL marks imputed and replaced values, ICE the
intercurrent event. With --draws, missing values are drawn from the distribution that the strategy gives them and not replaced by
their expectation: the file has one data set after the other, DRAW being its number and SEED the seed, the same for any number of
threads. The file holds data of individual patients; no report does unless its plan asks for it.")]
pub struct ImputeArguments {
    /// The plan: TOML, or JSON where its name ends in .json
    pub plan: PathBuf,
    /// The trial's file; the one that the plan names unless said
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// The imputation, by its name in the plan or that of its strategy; all of them unless said
    #[arg(long, value_name = "NAME")]
    pub analysis: Option<String>,
    /// Draw so many data sets by the imputation's own draws, or from the posterior where it has none
    #[arg(long, value_name = "M")]
    pub draws: Option<usize>,
    /// The seed of the draws; that of the imputation or the plan unless said
    #[arg(long, value_name = "SEED", requires = "draws")]
    pub seed: Option<u64>,
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
        if let Some(number) = self.draws {
            return self.draw(&file, &trial, number);
        }
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

impl ImputeArguments {
    /// Draws and writes, one data set after the other. What could not be written whole is not left there.
    fn draw(&self, file: &PlanFile, trial: &Trial, number: usize) -> Result<String, Failure> {
        let parquet = is_parquet(&self.out)?;
        let failed = |source: std::io::Error| cannot_write(&self.out, source);
        let to = BufWriter::new(File::create(&self.out).map_err(failed)?);
        let mut writer = match parquet {
            #[cfg(feature = "parquet")]
            true => CompletedWriter::parquet(to),
            _ => CompletedWriter::csv(to),
        };
        let (mut rows, mut imputed) = (0, 0);
        let write = |data: CompletedData| {
            rows += data.rows.len();
            imputed += data.imputed();
            writer.write(&data).map_err(failed)
        };
        let drawn = file.plan().drawn_data(trial, self.analysis.as_deref(), (number, self.seed), &Line::default(), write);
        let drawn = drawn.and_then(|sets| writer.finish().map(|()| sets).map_err(failed));
        match drawn {
            Ok(sets) => Ok(format!(
                "{} is written: {sets} data sets with {rows} values of {}, {imputed} of them drawn or replaced. They are data of individual patients.\n",
                self.out.display(),
                file.plan().primary,
            )),
            Err(error) => {
                // That the part could not be removed says nothing beyond why the rest could not be written.
                let _ = std::fs::remove_file(&self.out);
                Err(Failure::of_plan(file.located(error)))
            }
        }
    }
}

fn cannot_write(path: &Path, source: std::io::Error) -> Error {
    Error::File { action: "cannot write", path: path.display().to_string(), source }
}

/// Whether the file's name asks for Parquet.
fn is_parquet(path: &Path) -> Result<bool, Failure> {
    let parquet = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
    if parquet && !cfg!(feature = "parquet") {
        let name = path.display();
        return Err(Failure::Usage(format!("--out {name}: this program was built without Parquet; name a file that ends in .csv")));
    }
    Ok(parquet)
}

fn write(data: &CompletedData, path: &Path) -> Result<(), Failure> {
    let failed = |source: std::io::Error| cannot_write(path, source);
    let parquet = is_parquet(path)?;
    let mut bytes = vec![];
    match parquet {
        #[cfg(feature = "parquet")]
        true => data.write_parquet(&mut bytes).map_err(|error| failed(std::io::Error::other(error.to_string())))?,
        _ => data.write_csv(&mut bytes).map_err(failed)?,
    }
    Ok(std::fs::write(path, bytes).map_err(failed)?)
}
