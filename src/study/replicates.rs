//! Many trials, each answered by every procedure.

use super::characteristics::OperatingCharacteristics;
use super::draw::Drawer;
use super::procedure::{Answer, Compared, Procedure, Question};
use crate::effects::{Denominator, EffectOptions, Positive};
use crate::error::Result;
use crate::simulate::Gaussian;
use crate::trial::Trial;
use rayon::prelude::*;

/// Where trials come from.
pub trait Source: Sync {
    /// Trial number `replicate` under `seed`: the same one every time, on any number of threads.
    ///
    /// # Errors
    /// Whatever keeps a trial from being made.
    fn draw(&self, seed: u64, replicate: u64) -> Result<Trial>;

    /// The true difference of two arms, where it is known.
    fn difference(&self, _compared: &Compared) -> Option<f64> {
        None
    }

    /// The standard deviation at the baseline, where it is known.
    fn baseline_sd(&self) -> Option<f64> {
        None
    }
}

impl Source for Gaussian {
    fn draw(&self, seed: u64, replicate: u64) -> Result<Trial> {
        self.trial(seed, replicate)
    }

    fn difference(&self, compared: &Compared) -> Option<f64> {
        Some(self.mean(&compared.arm, &compared.visit)? - self.mean(&compared.versus, &compared.visit)?)
    }
}

impl Source for Drawer {
    fn draw(&self, seed: u64, replicate: u64) -> Result<Trial> {
        self.trial(seed, replicate)
    }

    fn difference(&self, compared: &Compared) -> Option<f64> {
        let truth = self.truth();
        let arm = |name: &str| truth.arms.iter().position(|arm| arm.name == name);
        let visit = truth.visits.iter().position(|visit| *visit == compared.visit)?;
        Some(truth.expected(arm(&compared.arm)?, visit) - truth.expected(arm(&compared.versus)?, visit))
    }

    fn baseline_sd(&self) -> Option<f64> {
        self.truth().sd.first().copied()
    }
}

/// The answers of many trials, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicates {
    /// The names of the questions, procedure by procedure.
    pub names: Vec<String>,
    /// The true value that each question is about; NaN where it is not known.
    pub truths: Vec<f64>,
    /// One per trial.
    pub trials: Vec<Replicate>,
}

/// One trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicate {
    /// Its number.
    pub number: u64,
    /// Share of the patients without the last visit, of the first outcome.
    pub left: f64,
    /// An answer, or the name of a failure, per question.
    pub answers: Vec<Result<Answer, String>>,
}

/// The trials with these numbers under `seed`, each answered by every procedure: the same for any number of threads.
///
/// # Errors
/// Whatever keeps a trial from being made; an analysis that fails is counted instead.
pub fn replicate(
    source: &dyn Source,
    procedures: &[Procedure],
    seed: u64,
    numbers: impl IntoParallelIterator<Item = u64>,
) -> Result<Replicates> {
    let one = |number: u64| -> Result<Replicate> {
        let trial = source.draw(seed, number)?;
        let answers = procedures.iter().flat_map(|procedure| procedure.answers(&trial)).collect();
        Ok(Replicate { number, left: left(&trial), answers })
    };
    let trials = numbers.into_par_iter().map(one).collect::<Result<Vec<_>>>()?;
    let names = procedures.iter().flat_map(|p| p.names().map(String::from)).collect();
    let truths = procedures.iter().flat_map(|p| p.questions().map(|q| true_value(source, q))).collect();
    Ok(Replicates { names, truths, trials })
}

impl Replicates {
    /// What became of the trials.
    pub fn characteristics(&self) -> OperatingCharacteristics {
        OperatingCharacteristics::of(self)
    }

    /// Whether question number `question` succeeded, trial by trial; a failed analysis did not.
    pub fn successes(&self, question: usize) -> impl Iterator<Item = bool> + '_ {
        self.trials.iter().map(move |trial| matches!(&trial.answers[question], Ok(answer) if answer.success))
    }

    /// The answers to question number `question`, in the order of the trials.
    pub fn answers(&self, question: usize) -> impl Iterator<Item = Result<&Answer, &str>> + '_ {
        self.trials.iter().map(move |trial| trial.answers[question].as_ref().map_err(String::as_str))
    }
}

fn true_value(source: &dyn Source, question: &Question) -> f64 {
    match question {
        Question::Contrast(compared) | Question::Margin(compared, _) => source.difference(compared).unwrap_or(f64::NAN),
        Question::EffectSize(compared, options) => {
            let is = |other: EffectOptions| other == *options;
            let sign = if is(options.clone().positive(Positive::Fall)) { -1.0 } else { 1.0 };
            let d = source.difference(compared).zip(source.baseline_sd()).map(|(difference, sd)| sign * difference / sd);
            let raw = is(options.clone().denominator(Denominator::default()));
            d.filter(|_| raw).unwrap_or(f64::NAN)
        }
        Question::Response(..) | Question::Imputed(..) => f64::NAN,
    }
}

/// Share of patients without the last visit.
fn left(trial: &Trial) -> f64 {
    let Some(y) = trial.outcomes().first() else { return f64::NAN };
    let (n, last) = (trial.patients().len(), trial.schedule().len() - 1);
    (0..n).filter(|&i| trial.value(y, i, last).is_none()).count() as f64 / n as f64
}
