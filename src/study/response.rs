//! The true difference in rates of response: what a [`Question::Response`] is about.
//!
//! What is done with the unobserved says which rates are meant. Left out of the denominator, carried forward and imputed are ways to
//! learn the rates that there would be if nobody were missing. Counted as not met, and bounds, are rules of their own: leaving is part
//! of what is asked, and the rates are those that the rule gives in trials of the truth without end, its dropout included.
//!
//! Events of the plan say what scores count for. Those of strategy `hypothetical` are thought away: under rules of their own patients
//! leave as they would without the event, and a score that the analysis sets aside is none that is not observed. A score that replaces
//! others counts as it stands, of patients who have left too.
//!
//! Without events, and where leaving has nothing to do with scores, rates follow from [`thresholds`](super::thresholds) exactly.
//! Otherwise they are those of a large draw; how they differ in it from those of nobody missing and nobody with an event is added
//! to the exact ones, where these are known.

use super::draw::{Drawer, World};
use super::estimand::{Counted, FIRST, Lives, TRIALS, TrueValue};
use super::procedure::{Compared, Question};
use super::thresholds::{Shares, shares};
use super::truth::TrialTruth;
use crate::analysis::Plan;
use crate::error::Result;
use crate::proportions::Proportion;
use crate::responders::{Definition, RateOptions, Unobserved};
use crate::trial::{BaselineFrom, Trial};
use rayon::prelude::*;
use std::cell::OnceCell;

/// Patients drawn, at least. The error of a difference of rates is at most 1/√ of them.
const PATIENTS: usize = 100_000;

/// A question about rates of response.
#[derive(Clone, Copy)]
pub(super) struct Response<'q> {
    compared: &'q Compared,
    definition: &'q Definition,
    unobserved: Unobserved,
    baseline: &'q BaselineFrom,
    counted: Counted<'q>,
}

/// Who meets a definition in an arm and in the one it is compared with, and of how many.
type Rates = [Proportion; 2];

/// The rates of a trial as they count, and as they are where nobody leaves or has an event.
type Both = (Option<Rates>, Option<Rates>);

/// A trial of the truth in the worlds that questions are about, each made when it is asked for.
struct Worlds<'d> {
    drawer: &'d Drawer,
    of: (u64, u64),
    untouched: OnceCell<Trial>,
    lives: OnceCell<Lives>,
    /// By plan: the trial that rules of their own are about.
    seen: Vec<OnceCell<Trial>>,
}

impl<'q> Response<'q> {
    /// A question under the events of a plan; `None` for questions about something else.
    pub fn of(question: &'q Question, plan: Option<&'q Plan>) -> Option<Self> {
        let Question::Response(compared, definition, unobserved, baseline) = question else { return None };
        Some(Self { compared, definition, unobserved: *unobserved, baseline, counted: Counted::of_plan(plan) })
    }

    /// Whether the same plan says what values count for.
    fn is_of_plan_of(&self, other: &Self) -> bool {
        match (self.counted.plan, other.counted.plan) {
            (Some(own), Some(other)) => std::ptr::eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        }
    }

    /// Whether leaving is part of what is asked.
    fn counts_leaving(&self) -> bool {
        match self.unobserved {
            Unobserved::CountedAsNotMet | Unobserved::Bounds => true,
            Unobserved::ObservedOnly | Unobserved::LastObserved | Unobserved::Imputed => false,
        }
    }

    /// The true difference, where no draw is needed.
    fn exactly(&self, drawer: &Drawer) -> Option<f64> {
        let truth = drawer.truth();
        let [own, other] = self.places(truth)?;
        match self.counts_leaving() {
            false => self.counted.is_as_without_events(drawer).then(|| self.of_everyone(truth))?,
            true => {
                let nobody_leaves_with_events = truth.events.iter().all(|event| event.collected == 1.0 && !event.has_effect());
                if self.counted.plan.is_some() || !nobody_leaves_with_events {
                    return None;
                }
                let at = |arm: usize| Some((self.shares(truth, arm)?, seen(truth, arm, self.visit(truth)?)?));
                let ((in_arm, own), (in_other, other)) = (at(own)?, at(other)?);
                let highest = self.unobserved == Unobserved::Bounds;
                Some(in_arm.counting(own, false) / in_arm.eligible() - in_other.counting(other, highest) / in_other.eligible())
            }
        }
    }

    /// The difference if nobody were missing or had an event.
    fn of_everyone(&self, truth: &TrialTruth) -> Option<f64> {
        let [own, other] = self.places(truth)?;
        let rate = |arm: usize| self.shares(truth, arm).map(|of| of.met / (of.met + of.not_met));
        Some(rate(own)? - rate(other)?).filter(|difference| difference.is_finite())
    }

    fn shares(&self, truth: &TrialTruth, arm: usize) -> Option<Shares> {
        shares(truth, self.definition, self.baseline, arm, self.visit(truth)?)
    }

    fn visit(&self, truth: &TrialTruth) -> Option<usize> {
        truth.visits.iter().position(|label| *label == self.compared.visit)
    }

    fn places(&self, truth: &TrialTruth) -> Option<[usize; 2]> {
        let arm = |name: &str| truth.arms.iter().position(|arm| arm.name == name);
        Some([arm(&self.compared.arm)?, arm(&self.compared.versus)?])
    }

    /// Who meets the definition in a trial; `None` where it cannot be asked of it.
    fn in_trial(&self, trial: &Trial, unobserved: Unobserved) -> Option<Rates> {
        let Compared { versus, visit, arm } = self.compared;
        let options = RateOptions::new([unobserved]).visits([visit.clone()]).reference(versus.clone());
        let table = self.definition.evaluate_with(trial, self.baseline).ok()?.compare(&options).ok()?;
        table.rows.into_iter().find(|row| row.arm.as_str() == arm).map(|row| [row.in_arm, row.in_reference])
    }
}

impl Shares {
    fn eligible(self) -> f64 {
        self.met + self.not_met + self.unknown
    }

    /// Who counts as meeting the definition where this share is observed, and those of whom it is not known do or do not.
    fn counting(self, observed: f64, unknown_count: bool) -> f64 {
        let unknown = self.unknown + (1.0 - observed) * (self.met + self.not_met);
        self.met * observed + if unknown_count { unknown } else { 0.0 }
    }
}

/// The share of an arm who are observed at a visit; `None` where that has to do with their scores.
fn seen(truth: &TrialTruth, arm: usize, visit: usize) -> Option<f64> {
    let (missing, visits) = (truth.missing_of(arm), truth.visits.len());
    let missed = if visit + 1 < visits { missing.missed } else { 0.0 };
    (missing.log_odds_per_sd == 0.0).then(|| missing.curve(visits)[visit] * (1.0 - missed))
}

/// The true values of some questions, in their order; NaN where a definition cannot be asked of trials of the truth.
///
/// # Errors
/// As [`Plan::events_on`].
pub(super) fn true_values(drawer: &Drawer, questions: &[Response], seed: u64) -> Result<Vec<TrueValue>> {
    let mut values: Vec<TrueValue> =
        questions.iter().map(|asked| TrueValue { value: asked.exactly(drawer).unwrap_or(f64::NAN), error: 0.0 }).collect();
    let drawn: Vec<usize> = (0..questions.len()).filter(|&k| values[k].value.is_nan()).collect();
    if drawn.is_empty() {
        return Ok(values);
    }
    let asked: Vec<Response> = drawn.iter().map(|&k| questions[k]).collect();
    let known: Vec<Option<f64>> = asked.iter().map(|asked| asked.of_everyone(drawer.truth())).collect();
    let plans: Vec<usize> = asked.iter().map(|own| asked.iter().position(|first| first.is_of_plan_of(own)).unwrap_or(0)).collect();
    let trials = PATIENTS.div_ceil(drawer.truth().patients().max(1)).max(TRIALS) as u64;
    let of_trial = |number: u64| {
        let worlds = Worlds::of(drawer, (seed, number), asked.len());
        let both = |k: usize| {
            let untouched = if known[k].is_some() { worlds.untouched(&asked[k])? } else { None };
            Ok((worlds.counted(&asked[k], plans[k])?, untouched))
        };
        (0..asked.len()).map(both).collect::<Result<Vec<_>>>()
    };
    let found: Vec<Vec<Both>> = (0..trials).into_par_iter().map(|k| of_trial(FIRST + k)).collect::<Result<_>>()?;
    for (at, &k) in drawn.iter().enumerate() {
        let column = |of: fn(&Both) -> Option<Rates>| found.iter().map(|row| of(&row[at])).collect::<Option<Vec<_>>>();
        let Some((value, mut moves)) = column(|both| both.0).map(|rates| difference(&rates)) else { continue };
        let Some(exact) = known[at] else {
            values[k] = TrueValue { value, error: error(&moves) };
            continue;
        };
        let Some((untouched, own)) = column(|both| both.1).map(|rates| difference(&rates)) else { continue };
        moves.iter_mut().zip(own).for_each(|(moved, own)| *moved -= own);
        values[k] = TrueValue { value: exact + (value - untouched), error: error(&moves) };
    }
    Ok(values)
}

/// The difference of the rates of all trials together, and how far each trial moves it.
fn difference(trials: &[Rates]) -> (f64, Vec<f64>) {
    let n = trials.len() as f64;
    let sum = |of: &dyn Fn(&Rates) -> usize| trials.iter().map(of).sum::<usize>() as f64;
    let [own, other] = [0, 1].map(|arm| (sum(&|rates| rates[arm].met), sum(&|rates| rates[arm].of)));
    let moved = |of: Proportion, (met, all): (f64, f64)| (of.met as f64 - met / all * of.of as f64) * n / all;
    (own.0 / own.1 - other.0 / other.1, trials.iter().map(|rates| moved(rates[0], own) - moved(rates[1], other)).collect())
}

/// The standard error of a mean whose terms differ so.
fn error(moves: &[f64]) -> f64 {
    let n = moves.len() as f64;
    (moves.iter().map(|moved| moved * moved).sum::<f64>() / (n - 1.0) / n).sqrt()
}

impl<'d> Worlds<'d> {
    fn of(drawer: &'d Drawer, of: (u64, u64), questions: usize) -> Self {
        Self { drawer, of, untouched: OnceCell::new(), lives: OnceCell::new(), seen: vec![OnceCell::new(); questions] }
    }

    /// The rates that a question is about.
    fn counted(&self, asked: &Response, plan: usize) -> Result<Option<Rates>> {
        if asked.counts_leaving() {
            return Ok(asked.in_trial(self.seen(asked, plan)?, asked.unobserved));
        }
        let truth = self.drawer.truth();
        let Some(visit) = asked.visit(truth) else { return Ok(None) };
        let lives = match self.lives.get() {
            Some(lives) => lives,
            None => {
                let lives = Lives::of(self.drawer, self.of.0, self.of.1)?;
                self.lives.get_or_init(|| lives)
            }
        };
        let mut outcomes = lives.actual.outcomes()[0].values.clone();
        let values = lives.values(self.drawer, asked.counted, visit)?;
        outcomes.chunks_exact_mut(truth.visits.len()).zip(values).for_each(|(own, value)| own[visit] = value);
        Ok(asked.in_trial(&lives.actual.with_outcome(&truth.outcome, outcomes)?, Unobserved::ObservedOnly))
    }

    /// The rates of the same patients if nobody were missing or had an event.
    fn untouched(&self, asked: &Response) -> Result<Option<Rates>> {
        let trial = match self.untouched.get() {
            Some(trial) => trial,
            None => {
                let trial = self.drawer.trial_of(&self.drawer.whole(self.of.0, self.of.1))?;
                self.untouched.get_or_init(|| trial)
            }
        };
        Ok(asked.in_trial(trial, Unobserved::ObservedOnly))
    }

    /// The trial as the analysis sees it, but for the events that the plan thinks away.
    fn seen(&self, asked: &Response, plan: usize) -> Result<&Trial> {
        if let Some(trial) = self.seen[plan].get() {
            return Ok(trial);
        }
        let world = World { missing: true, happens: &|k| !asked.counted.thinks_away(self.drawer, k), scored: true };
        let trial = self.drawer.trial_of(&self.drawer.in_world(self.of.0, self.of.1, world))?;
        let events = asked.counted.plan.map(|plan| plan.events_on(&trial)).transpose()?.flatten();
        let trial = match events {
            Some(events) => events.applied_to(&trial, &self.drawer.truth().outcome)?,
            None => trial,
        };
        Ok(self.seen[plan].get_or_init(|| trial))
    }
}
