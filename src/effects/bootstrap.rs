//! Limits of effect sizes from the bootstrap.

use super::table::{EffectSizes, Limits};
use crate::bootstrap::Bootstrap;
use crate::error::Result;
use crate::trial::Trial;

impl Bootstrap<'_> {
    /// The table that `effects` makes of the trial, with limits from the bootstrap in place of its own. To refit a
    /// model in every resample, fit it inside `effects`.
    ///
    /// # Errors
    /// As [`Bootstrap::run`].
    ///
    /// ```
    /// use trialstats::effects::{self, Bootstrap, EffectOptions};
    /// use trialstats::means::ContrastOptions;
    /// use trialstats::trial::BaselineFrom;
    /// use trialstats::{Layout, Model};
    ///
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
    ///     .outcome("HAMDTL17")
    ///     .covariate("BASVAL")
    ///     .read_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/antidepressant/antidepressant.csv"))?;
    /// let model = Model::formula("HAMDTL17 ~ BASVAL * VISIT + THERAPY * VISIT")?;
    /// let options = EffectOptions::new().baseline(BaselineFrom::Covariate("BASVAL".into()));
    /// // A thousand or more in earnest.
    /// let table = Bootstrap::new(50, 20260101).effects(&trial, |resampled| {
    ///     let fit = model.fit(resampled)?;
    ///     effects::from_model(resampled, &fit, &fit.arm_contrasts(&ContrastOptions::default())?, &options)
    /// })?;
    /// println!("{table}");
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn effects<F>(&self, trial: &Trial, effects: F) -> Result<EffectSizes>
    where
        F: Fn(&Trial) -> Result<EffectSizes> + Sync,
    {
        self.limits_of(effects(trial)?, trial, |patients| effects(&trial.resample(patients)?))
    }

    /// A table of the trial with limits from the bootstrap in place of its own; `again` makes the table of the patients
    /// drawn, by their positions in the trial.
    pub(crate) fn limits_of<F>(&self, mut table: EffectSizes, trial: &Trial, again: F) -> Result<EffectSizes>
    where
        F: Fn(&[usize]) -> Result<EffectSizes> + Sync,
    {
        // Rows without a number in the trial itself stay without limits.
        let shown: Vec<usize> = (0..table.rows.len()).filter(|&k| table.rows[k].effect.is_finite()).collect();
        let observed = shown.iter().map(|&k| table.rows[k].effect).collect();
        let distribution = self.over_patients(observed, trial, |patients| {
            let resampled = again(patients)?;
            // A resample may lack a visit; its rows are found by what they are of.
            let effect = |k: &usize| resampled.of_same(&table.rows[*k]).map_or(f64::NAN, |r| r.effect);
            Ok(shown.iter().map(effect).collect())
        })?;
        for (j, &k) in shown.iter().enumerate() {
            (table.rows[k].lower, table.rows[k].upper) = distribution.limits(j);
        }
        table.level = self.confidence();
        table.limits = Limits::Bootstrap(distribution.summary);
        Ok(table)
    }
}
