//! Effect sizes from observed scores.

use super::deviation::pooled;
use super::options::{EffectOptions, RawScores};
use super::placed::{Placed, Target};
use super::scores::{Sample, Scores};
use super::table::{EffectSizes, Source, standardize};
use crate::Trial;
use crate::error::Result;
use crate::trial::Labelled;

/// Effect sizes of the change from baseline within every arm, at every visit after it, from the observed scores.
///
/// The difference is the mean change of those observed at baseline and at the visit, its standard error that of the
/// paired t test with n − 1 degrees of freedom. A visit that nobody of an arm attended has a row without numbers and
/// a remark.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for an outcome or covariate that the trial lacks;
/// [`Error::Invalid`](crate::Error::Invalid) where there is no baseline, the level is not one, or the denominator is
/// not defined within arms.
pub fn within_arms(trial: &Trial, outcome: &str, options: &EffectOptions) -> Result<EffectSizes> {
    let scores = Scores::new(trial, outcome, &options.baseline)?;
    let labels = trial.schedule().labels();
    let mut differences = vec![];
    for visit in scores.visits() {
        for arm in 0..trial.arms().len() {
            let change = scores.change(arm, visit)?;
            let target = Target { arm: Labelled::among(trial.arms(), arm), versus: None, visit: Labelled::among(&labels, visit) };
            differences.push(Placed {
                target,
                estimate: change.mean,
                se: (change.variance / change.n as f64).sqrt(),
                df: change.n as f64 - 1.0,
                not_estimable: nobody(&scores, &change, arm, visit),
            });
        }
    }
    standardize(&scores, None, &differences, Source::RawData, options)
}

/// Effect sizes of every other arm against the reference arm, at every visit after baseline, from the observed scores.
///
/// The difference is that of means (of scores or of changes, [`RawScores`]), its standard error that of the t test
/// with pooled variance and n₁ + n₂ − 2 degrees of freedom.
///
/// # Errors
/// As [`within_arms`].
///
/// ```
/// use trialstats::effects::{self, Denominator, EffectOptions, IntervalMethod};
/// use trialstats::trial::{Outcome, Schedule, Trial};
///
/// let trial = Trial::builder("six invented patients")
///     .patients(["a", "b", "c", "d", "e", "f"])
///     .arms(["control", "new"], vec![0, 0, 0, 1, 1, 1])
///     .schedule(Schedule::of_labels(["week 0", "week 8"]).with_baseline("week 0")?)
///     .outcome(Outcome {
///         name: "score".into(),
///         label: "Score".into(),
///         range: None,
///         values: vec![20.0, 18.0, 22.0, 19.0, 24.0, 23.0, 21.0, 12.0, 25.0, 15.0, 23.0, 18.0],
///     })
///     .build()?;
/// let options = EffectOptions::new().denominator(Denominator::VisitPooled).interval(IntervalMethod::NoncentralT);
/// let effects = effects::between_arms(&trial, "score", &options)?;
/// assert_eq!(effects.rows[0].difference, -5.0);
/// println!("{effects}");
/// # Ok::<(), trialstats::Error>(())
/// ```
pub fn between_arms(trial: &Trial, outcome: &str, options: &EffectOptions) -> Result<EffectSizes> {
    let scores = Scores::new(trial, outcome, &options.baseline)?;
    let labels = trial.schedule().labels();
    let sample = |arm: usize, visit: usize| -> Result<Sample> {
        match options.compared {
            RawScores::AtVisit => Ok(scores.at_visit(arm, visit)),
            RawScores::Change => scores.change(arm, visit),
        }
    };
    let mut differences = vec![];
    for visit in scores.visits() {
        for arm in 1..trial.arms().len() {
            let (other, reference) = (sample(arm, visit)?, sample(0, visit)?);
            let spread = pooled(&[other, reference]);
            let versus = Some(Labelled::among(trial.arms(), 0));
            let target = Target { arm: Labelled::among(trial.arms(), arm), versus, visit: Labelled::among(&labels, visit) };
            differences.push(Placed {
                target,
                estimate: other.mean - reference.mean,
                se: spread.sd * (1.0 / other.n as f64 + 1.0 / reference.n as f64).sqrt(),
                df: spread.df,
                not_estimable: nobody(&scores, &other, arm, visit).or_else(|| nobody(&scores, &reference, 0, visit)),
            });
        }
    }
    standardize(&scores, None, &differences, Source::RawData, options)
}

/// That nobody of an arm has the scores that a sample is of, where that is so.
fn nobody(scores: &Scores, sample: &Sample, arm: usize, visit: usize) -> Option<String> {
    let name = &scores.trial.arms()[arm];
    match sample.n {
        0 if scores.is_unobserved(arm) => Some(format!("nobody in arm {name} was observed")),
        0 => Some(format!("nobody in arm {name} was observed at {}", scores.trial.schedule().visits()[visit].label)),
        _ => None,
    }
}
