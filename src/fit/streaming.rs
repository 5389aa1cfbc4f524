//! Moments of a file that is read in chunks: in parallel, with the same bits for any number of threads.

use super::TrialMoments;
use crate::design::FrozenDesign;
use crate::error::Result;
use crate::trial::{Chunk, Chunks, Layout};
use rayon::prelude::*;

/// Chunks that are in work at a time; as many more are being read meanwhile.
const WAVE: usize = 8;

impl TrialMoments {
    /// The moments of a file read in chunks, which never is in memory as a whole; while some chunks are read, those
    /// before are added up.
    ///
    /// Every check that is made of a trial is made of each chunk: the first chunk with problems ends the pass, and
    /// the error names file, line, patient and visit. What is excluded is counted over all chunks.
    ///
    /// ```
    /// use trialstats::fit::TrialMoments;
    /// use trialstats::trial::CovariateKind;
    /// use trialstats::{Layout, Model};
    ///
    /// let layout = Layout::long("PATIENT", "THERAPY", "VISIT")
    ///     .arms(["PLACEBO", "DRUG"])
    ///     .visits(["4", "5", "6", "7"])
    ///     .outcome("CHANGE")
    ///     .covariate_as("BASVAL", CovariateKind::Numeric);
    /// let model = Model::formula("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT")?;
    /// let protocol = layout.protocol()?;
    /// let layout = layout.part_of(&protocol);
    /// let chunks = layout.csv_chunks("data-samples/antidepressant/antidepressant.csv", 100)?;
    /// let moments = TrialMoments::of_chunks(&model.freeze(&protocol)?, &layout, chunks)?;
    /// assert_eq!((moments.n_patients(), moments.n_observations()), (172, 608));
    /// println!("{}", model.fit_moments(&moments)?.coefficients());
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::Data`] for problems of a chunk, [`crate::Error::File`] where the file cannot be read, and as
    /// [`TrialMoments::of`].
    pub fn of_chunks(design: &FrozenDesign, layout: &Layout, mut chunks: Chunks<'_>) -> Result<Self> {
        let mut total: Option<TrialMoments> = None;
        let mut wave = read(&mut chunks, 1)?;
        while !wave.is_empty() {
            let work = || -> Vec<Result<TrialMoments>> {
                let moments = |chunk: Chunk| {
                    let trial = chunk.trial(layout)?;
                    match &total {
                        None => TrialMoments::of(design, &trial),
                        Some(total) => total.like(&trial),
                    }
                };
                wave.into_par_iter().map(moments).collect()
            };
            let (of_wave, next) = rayon::join(work, || read(&mut chunks, WAVE));
            for moments in of_wave {
                let moments = moments?;
                match &mut total {
                    None => total = Some(moments),
                    Some(total) => total.merge(&moments)?,
                }
            }
            wave = next?;
        }
        total.ok_or_else(|| {
            crate::error::Error::no_data("reading in chunks", "there is no row of data", "check that this is the file that was meant")
        })
    }
}

fn read(chunks: &mut Chunks<'_>, most: usize) -> Result<Vec<Chunk>> {
    chunks.take(most).collect()
}
