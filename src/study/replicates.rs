//! Many trials, each answered by every procedure.

use super::characteristics::OperatingCharacteristics;
use super::draw::Drawer;
use super::estimand::{TrueValue, true_values};
use super::frame::{Frame, OneTrial};
use super::procedure::{Answer, Compared, Procedure, Question};
use crate::effects::{Denominator, EffectOptions, Positive};
use crate::error::Result;
use crate::imputation::Strategy;
use crate::simulate::Gaussian;
use crate::trial::Trial;
use rayon::prelude::*;
use std::sync::OnceLock;

/// Where trials come from.
pub trait Source: Sync + std::fmt::Debug {
    /// Trial number `replicate` under `seed`: the same one every time, on any number of threads.
    ///
    /// # Errors
    /// Whatever keeps a trial from being made.
    fn draw(&self, seed: u64, replicate: u64) -> Result<Trial>;

    /// The true difference of two arms, where it is known.
    fn difference(&self, _compared: &Compared) -> Option<f64> {
        None
    }

    /// What draws the data of its trials, where they differ in outcomes and covariates alone: procedures are made ready for
    /// them once.
    fn drawer(&self) -> Option<&Drawer> {
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

    fn drawer(&self) -> Option<&Drawer> {
        Some(self)
    }
}

/// The answers of many trials, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicates {
    /// The names of the questions, procedure by procedure.
    pub names: Vec<String>,
    /// The true value that each question is about; NaN where it is not known.
    pub truths: Vec<f64>,
    /// The Monte-Carlo standard error of each; 0 where the true value is known exactly.
    pub truth_errors: Vec<f64>,
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
    Repeated::new(source, procedures, seed).replicates(numbers)
}

/// Procedures made ready for the trials of a source.
#[derive(Debug)]
pub(super) struct Repeated<'s> {
    source: &'s dyn Source,
    procedures: &'s [Procedure],
    frames: Vec<Frame<'s>>,
    seed: u64,
    truths: OnceLock<Vec<TrueValue>>,
}

impl<'s> Repeated<'s> {
    pub fn new(source: &'s dyn Source, procedures: &'s [Procedure], seed: u64) -> Self {
        let frames = source.drawer().map_or(vec![], |drawer| procedures.iter().map(|procedure| Frame::new(procedure, drawer)).collect());
        Self { source, procedures, frames, seed, truths: OnceLock::new() }
    }

    /// The trials with these numbers.
    ///
    /// # Errors
    /// As [`replicate`].
    pub fn replicates(&self, numbers: impl IntoParallelIterator<Item = u64>) -> Result<Replicates> {
        self.checked()?;
        let trials = numbers.into_par_iter().map(|number| self.one(number)).collect::<Result<Vec<_>>>()?;
        let names = self.procedures.iter().flat_map(|p| p.names().map(String::from)).collect();
        let truths = self.truths()?;
        let (truths, truth_errors) = truths.iter().map(|truth| (truth.value, truth.error)).unzip();
        Ok(Replicates { names, truths, truth_errors, trials })
    }

    /// Refuses models that contradict themselves or what every trial has: no trial could be analysed.
    fn checked(&self) -> Result<()> {
        if self.truths.get().is_some() {
            return Ok(());
        }
        let first = self.source.draw(self.seed, 0)?;
        self.procedures.iter().try_for_each(|procedure| procedure.checked(&first))
    }

    /// What is true of each question, found once.
    fn truths(&self) -> Result<&[TrueValue]> {
        if let Some(known) = self.truths.get() {
            return Ok(known);
        }
        let found = match self.source.drawer() {
            Some(drawer) => true_values(drawer, self.procedures, self.seed)?,
            None => {
                let all = self.procedures.iter().flat_map(Procedure::questions);
                all.map(|question| TrueValue { value: plain_truth(self.source, question), error: 0.0 }).collect()
            }
        };
        Ok(self.truths.get_or_init(|| found))
    }

    fn one(&self, number: u64) -> Result<Replicate> {
        let Some(drawer) = self.source.drawer() else {
            let trial = self.source.draw(self.seed, number)?;
            let answers = self.procedures.iter().flat_map(|procedure| procedure.answers(&trial)).collect();
            return Ok(Replicate { number, left: left(&trial), answers });
        };
        let one = OneTrial::new(drawer, drawer.drawn(self.seed, number));
        let mut answers = vec![];
        for frame in &self.frames {
            answers.extend(frame.answers(&one)?);
        }
        Ok(Replicate { number, left: one.left(), answers })
    }
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

/// What is true of a question where no event changes anything.
pub(super) fn plain_truth(source: &dyn Source, question: &Question) -> f64 {
    match question {
        Question::Contrast(compared) | Question::Margin(compared, _) => source.difference(compared).unwrap_or(f64::NAN),
        Question::EffectSize(compared, _) => {
            let d = source.difference(compared).zip(unit_of_effect(source, question));
            d.map_or(f64::NAN, |(difference, unit)| unit * difference)
        }
        Question::Imputed(compared, imputation) if imputation.delta.is_none() && imputation.strategy == Strategy::Mar => {
            source.difference(compared).unwrap_or(f64::NAN)
        }
        Question::Response(..) | Question::Imputed(..) | Question::Tipping(..) => f64::NAN,
    }
}

/// What a difference of 1 is as an effect size, where that is known: one over the raw standard deviation at baseline.
pub(super) fn unit_of_effect(source: &dyn Source, question: &Question) -> Option<f64> {
    let Question::EffectSize(_, options) = question else { return None };
    let is = |other: EffectOptions| other == *options;
    let sign = if is(options.clone().positive(Positive::Fall)) { -1.0 } else { 1.0 };
    let raw = is(options.clone().denominator(Denominator::default()));
    source.baseline_sd().filter(|_| raw).map(|sd| sign / sd)
}

/// Share of patients without the last visit.
fn left(trial: &Trial) -> f64 {
    let Some(y) = trial.outcomes().first() else { return f64::NAN };
    let (n, last) = (trial.patients().len(), trial.schedule().len() - 1);
    (0..n).filter(|&i| trial.value(y, i, last).is_none()).count() as f64 / n as f64
}
