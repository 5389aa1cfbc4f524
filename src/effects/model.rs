//! Effect sizes from a model's estimates, or from estimates made elsewhere.

use super::deviation::Deviation;
use super::options::EffectOptions;
use super::placed::Placed;
use super::scores::Scores;
use super::table::{Difference, EffectSize, EffectSizes, Source, row, standardize};
use crate::Trial;
use crate::error::{Error, Result};
use crate::estimates::{Estimate, Estimates};
use crate::means::{Contrast, Contrasts, unobserved};

/// Effect sizes of a fitted model's contrasts, over a raw standard deviation of the trial or the model's own at the
/// visit.
///
/// `contrasts` come from [`change_from_baseline`](crate::Means::change_from_baseline) (effects within arms) or
/// [`arm_contrasts`](crate::Means::arm_contrasts) (effects between arms).
///
/// # Errors
/// [`crate::Error::Invalid`] for contrasts that are neither, where a baseline is needed and there is none, where the
/// denominator is not defined for such effects, where the estimates have a link, or where the model's covariance differs by something other than the
/// arm and its standard deviation is asked for; [`crate::Error::Unknown`] for an outcome, arm or visit that the trial lacks.
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
pub fn from_model(trial: &Trial, estimates: &dyn Estimates, contrasts: &Contrasts, options: &EffectOptions) -> Result<EffectSizes> {
    from_rows(trial, estimates, &contrasts.rows, options)
}

/// The same for estimates of a fitted model that were put together by hand.
///
/// # Errors
/// As [`from_model`].
pub fn from_model_estimates(
    trial: &Trial,
    estimates: &dyn Estimates,
    differences: &[Difference],
    options: &EffectOptions,
) -> Result<EffectSizes> {
    let placed = differences.iter().map(|difference| Placed::of(trial, difference)).collect::<Result<Vec<_>>>()?;
    of_model(trial, estimates, &placed, options)
}

/// Effect sizes of estimates that come from elsewhere, over a raw standard deviation of the trial.
///
/// # Errors
/// As [`from_model`].
pub fn from_estimates(trial: &Trial, outcome: &str, differences: &[Difference], options: &EffectOptions) -> Result<EffectSizes> {
    let scores = Scores::new(trial, outcome, &options.baseline)?;
    let placed = differences.iter().map(|difference| Placed::of(trial, difference)).collect::<Result<Vec<_>>>()?;
    standardize(&scores, None, &placed, Source::Estimates, options)
}

/// The effect size of one difference, without the notes of a table.
pub(crate) fn of_difference(
    trial: &Trial,
    estimates: &dyn Estimates,
    difference: &Difference,
    options: &EffectOptions,
) -> Result<EffectSize> {
    options.check()?;
    let scores = Scores::new(trial, estimates.columns().outcome(), &options.baseline)?;
    let placed = Placed::of(trial, difference)?;
    let deviation = Deviation::of(options.denominator, &scores, Some(estimates), &placed.target)?;
    Ok(row(&scores, &placed, deviation, options))
}

/// The same for rows of several tables of contrasts.
pub(crate) fn from_rows(trial: &Trial, estimates: &dyn Estimates, rows: &[Contrast], options: &EffectOptions) -> Result<EffectSizes> {
    let placed = rows.iter().map(|row| Placed::of_contrast(trial, row)).collect::<Result<Vec<_>>>()?;
    of_model(trial, estimates, &placed, options)
}

fn of_model(trial: &Trial, estimates: &dyn Estimates, differences: &[Placed], options: &EffectOptions) -> Result<EffectSizes> {
    let columns = estimates.columns();
    if let Some(scale) = estimates.link().scale() {
        return Err(Error::not_defined(
            format!("effect sizes of {}", columns.outcome()),
            format!("its differences are estimated on another scale than the scores: that of {scale}"),
            "report the ratios that the contrasts have",
        ));
    }
    let scores = Scores::new(trial, columns.outcome(), &options.baseline)?;
    let notes = estimates.notes().into_iter().chain(unobserved(columns)).collect();
    standardize(&scores, Some(estimates), differences, Source::Model(notes), options)
}

impl Difference {
    /// An arm's estimated change from baseline at a visit (visit minus baseline).
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

    /// An arm's estimated difference from another at a visit (arm minus the other).
    pub fn between(arm: impl Into<String>, versus: impl Into<String>, visit: impl Into<String>, estimate: &Estimate) -> Self {
        Self { versus: Some(versus.into()), ..Self::change(arm, visit, estimate) }
    }
}
