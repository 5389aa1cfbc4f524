//! Completed data written part by part, so that nobody has to hold all draws at once.

use super::completed::CompletedData;
use crate::table::Tabular;
use std::io::{Result, Write};

/// Writes completed data one data set after the other into one long file: the columns of [`CompletedData`], those of the first
/// part once.
///
/// ```
/// use trialstats::imputation::{CompletedWriter, DrawMethod, Draws, ReferenceBased, Strategy};
/// use trialstats::{Layout, Model};
///
/// let trial = Layout::long("PATIENT", "THERAPY", "VISIT").outcome("CHANGE").read_csv("data-samples/antidepressant/antidepressant.csv")?;
/// let fit = Model::formula("CHANGE ~ THERAPY * VISIT")?.fit(&trial)?;
/// let drawn = fit.imputations(&trial, &ReferenceBased::new(Strategy::Mar), &Draws::new(DrawMethod::Bayesian).number(3))?;
/// let mut file = vec![];
/// let mut writer = CompletedWriter::csv(&mut file);
/// for number in 0..drawn.len() {
///     writer.write(&drawn.completed_data(number)?).expect("memory can be written");
/// }
/// writer.finish().expect("memory can be written");
/// assert_eq!(file.iter().filter(|byte| **byte == b'\n').count(), 1 + 3 * 172 * 4);
/// # Ok::<(), trialstats::Error>(())
/// ```
pub struct CompletedWriter<W: Write + Send> {
    to: Format<W>,
}

enum Format<W: Write + Send> {
    Csv {
        to: W,
        is_begun: bool,
    },
    #[cfg(feature = "parquet")]
    Parquet {
        /// Until the first part says which columns there are.
        to: Option<W>,
        writer: Option<Box<polars::io::parquet::write::BatchedWriter<W>>>,
        /// Data sets that are written together.
        waiting: Option<CompletedData>,
    },
}

/// Rows that are worth a group of a Parquet file.
#[cfg(feature = "parquet")]
const GROUP: usize = 1 << 17;

impl<W: Write + Send> std::fmt::Debug for CompletedWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompletedWriter").finish_non_exhaustive()
    }
}

impl<W: Write + Send> CompletedWriter<W> {
    /// As CSV.
    pub fn csv(to: W) -> Self {
        Self { to: Format::Csv { to, is_begun: false } }
    }

    /// As Parquet.
    #[cfg(feature = "parquet")]
    pub fn parquet(to: W) -> Self {
        Self { to: Format::Parquet { to: Some(to), writer: None, waiting: None } }
    }

    /// Writes a part.
    ///
    /// # Errors
    /// What the file says that cannot be written.
    pub fn write(&mut self, data: &CompletedData) -> Result<()> {
        match &mut self.to {
            Format::Csv { to, is_begun } => {
                let mut text = vec![];
                data.write_csv(&mut text)?;
                // Names of columns hold no line break.
                let head = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
                to.write_all(if *is_begun { &text[head..] } else { &text })?;
                *is_begun = true;
                Ok(())
            }
            #[cfg(feature = "parquet")]
            Format::Parquet { waiting, .. } => {
                match waiting {
                    Some(all) => all.append(data.clone()),
                    None => *waiting = Some(data.clone()),
                }
                if waiting.as_ref().is_some_and(|all| all.rows.len() >= GROUP) { self.write_group() } else { Ok(()) }
            }
        }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// What the file says that cannot be written.
    pub fn finish(mut self) -> Result<()> {
        #[cfg(feature = "parquet")]
        self.write_group()?;
        match &mut self.to {
            Format::Csv { to, .. } => to.flush(),
            #[cfg(feature = "parquet")]
            Format::Parquet { writer, .. } => match writer {
                Some(writer) => writer.finish().map(|_| ()).map_err(std::io::Error::other),
                None => Ok(()),
            },
        }
    }

    #[cfg(feature = "parquet")]
    fn write_group(&mut self) -> Result<()> {
        let Format::Parquet { to, writer, waiting } = &mut self.to else { return Ok(()) };
        let Some(data) = waiting.take() else { return Ok(()) };
        let frame = data.to_dataframe().map_err(std::io::Error::other)?;
        if let Some(to) = to.take() {
            let begun = polars::prelude::ParquetWriter::new(to).batched(frame.schema()).map_err(std::io::Error::other)?;
            *writer = Some(Box::new(begun));
        }
        match writer {
            Some(writer) => writer.write_batch(&frame).map_err(std::io::Error::other),
            None => Ok(()),
        }
    }
}
