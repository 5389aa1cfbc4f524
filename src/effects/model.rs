//! Effect sizes from a model's estimates, or from estimates made elsewhere.

use super::options::EffectOptions;
use super::scores::Scores;
use super::table::{Difference, EffectSizes, Source, standardize};
use crate::error::{Error, Result};
use crate::inference::Estimate;
use crate::means::{Contrast, Contrasts};
use crate::{Fit, Trial};

/// Effect sizes of a fitted model's contrasts, over a raw standard deviation of the trial or the model's own at the
/// visit.
///
/// `contrasts` come from [`Fit::change_from_baseline`] (effects within arms) or [`Fit::arm_contrasts`] (effects
/// between arms).
///
/// # Errors
/// [`Error::Invalid`] for contrasts that are neither, where a baseline is needed and there is none, where the
/// denominator is not defined for such effects, or where the model's covariance differs by something other than the
/// arm and its standard deviation is asked for; [`Error::Unknown`] for an outcome, arm or visit that the trial lacks.
///
/// ```
/// use trialstats::effects::{self, EffectOptions, Positive};
/// use trialstats::means::ContrastOptions;
/// use trialstats::trial::BaselineFrom;
/// use trialstats::{Layout, Model};
///
/// let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
///     .outcome("HAMDTL17")
///     .covariate("BASVAL")
///     .reference_arm("PLACEBO")
///     .read_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/antidepressant/antidepressant.csv"))?;
/// let fit = Model::formula("HAMDTL17 ~ BASVAL * VISIT + THERAPY * VISIT")?.fit(&trial)?;
/// let options = EffectOptions::new().baseline(BaselineFrom::Covariate("BASVAL".into())).positive(Positive::Fall);
/// let table = effects::from_model(&trial, &fit, &fit.arm_contrasts(&ContrastOptions::default())?, &options)?;
/// assert_eq!(table.rows.len(), 4);
/// println!("{table}");
/// # Ok::<(), trialstats::Error>(())
/// ```
pub fn from_model(trial: &Trial, fit: &Fit, contrasts: &Contrasts, options: &EffectOptions) -> Result<EffectSizes> {
    let differences = contrasts.rows.iter().map(|row| Difference::of_contrast(trial, row)).collect::<Result<Vec<_>>>()?;
    from_model_estimates(trial, fit, &differences, options)
}

/// The same for estimates of a fitted model that were put together by hand.
///
/// # Errors
/// As [`from_model`].
pub fn from_model_estimates(trial: &Trial, fit: &Fit, differences: &[Difference], options: &EffectOptions) -> Result<EffectSizes> {
    let scores = Scores::new(trial, fit.design().outcome(), &options.baseline)?;
    standardize(&scores, Some(fit), differences, Source::Model(fit.notes()), options)
}

/// Effect sizes of estimates that come from elsewhere, over a raw standard deviation of the trial.
///
/// # Errors
/// As [`from_model`].
pub fn from_estimates(trial: &Trial, outcome: &str, differences: &[Difference], options: &EffectOptions) -> Result<EffectSizes> {
    let scores = Scores::new(trial, outcome, &options.baseline)?;
    standardize(&scores, None, differences, Source::Estimates, options)
}

impl Difference {
    /// An arm's estimated change from baseline at a visit (visit less baseline).
    pub fn change(arm: impl Into<String>, visit: impl Into<String>, estimate: &Estimate) -> Self {
        Self {
            arm: arm.into(),
            versus: None,
            visit: visit.into(),
            estimate: estimate.estimate,
            se: estimate.se,
            df: estimate.df,
            not_estimable: None,
        }
    }

    /// An arm's estimated difference from another at a visit (arm less the other).
    pub fn between(arm: impl Into<String>, versus: impl Into<String>, visit: impl Into<String>, estimate: &Estimate) -> Self {
        Self { versus: Some(versus.into()), ..Self::change(arm, visit, estimate) }
    }

    /// A row of a table of contrasts: an arm's change from baseline, named by the arm, or a difference
    /// `arm - other arm`.
    fn of_contrast(trial: &Trial, row: &Contrast) -> Result<Self> {
        let arms = trial.arms();
        let pair = || arms.iter().flat_map(|a| arms.iter().map(move |b| (a, b))).find(|(a, b)| format!("{a} - {b}") == row.contrast);
        let difference = match (&row.visit, arms.contains(&row.contrast), pair()) {
            (Some(visit), true, _) => Self::change(&row.contrast, visit, &row.estimate),
            (Some(visit), false, Some((arm, versus))) => Self::between(arm, versus, visit, &row.estimate),
            _ => {
                return Err(Error::invalid(
                    format!("an effect size of `{}`", row.contrast),
                    "it is neither an arm's change from baseline nor the difference of two arms at a visit",
                    "make the contrasts with Fit::change_from_baseline or Fit::arm_contrasts",
                ));
            }
        };
        Ok(Self { not_estimable: row.not_estimable.clone(), ..difference })
    }
}
