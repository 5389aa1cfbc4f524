//! The true value of what a question asks: known exactly where no event changes anything, otherwise the mean of a large draw.
//!
//! The draw has no missing data. Its patients live three times with the same random numbers: as nobody has an event, as all
//! happens that the truth says, and as those events do not happen whose estimand is hypothetical. Of each value the plan's events say
//! which of these counts, or what replaces it; values whose event is imputed by a strategy follow that strategy, given what was
//! before; delta shifts the values that an analysis would have to impute. The difference from the life without events is averaged and
//! added to what is known of that life exactly: without events nothing is left to chance. What is true of rates of response is in
//! [`response`](super::response).

use super::draw::{Drawer, Drawn, World};
use super::events::{Course, regressions};
use super::procedure::{Compared, Procedure, Question};
use super::replicates::{Source, plain_truth};
use super::response::{self, Response};
use crate::analysis::{EventFrom, EventStrategy, Plan};
use crate::error::Result;
use crate::imputation::{Affected, Delta, Events, Strategy, Use};
use crate::model::Model;
use crate::trial::Trial;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Patients drawn, at least.
const PATIENTS: usize = 40_000;
/// Trials drawn, at least: their spread is the error of the mean.
pub(super) const TRIALS: usize = 50;
/// The number of the first trial drawn, beyond those that are analysed.
pub(super) const FIRST: u64 = 1 << 40;

/// What is true of a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TrueValue {
    /// NaN where it is not known.
    pub value: f64,
    /// Its Monte-Carlo standard error; 0 where it is known exactly.
    pub error: f64,
}

/// How a question takes values after events.
struct Asked<'q> {
    /// The number of the question.
    question: usize,
    compared: &'q Compared,
    counted: Counted<'q>,
}

/// What values count for.
#[derive(Clone, Copy)]
pub(super) struct Counted<'q> {
    /// The plan whose events say it.
    pub plan: Option<&'q Plan>,
    /// The strategy of an imputation and its reference arm.
    pub imputed: Option<(Strategy, Option<&'q str>)>,
    /// What an imputation adds.
    shift: Option<&'q Shift<'q>>,
}

/// What is added to imputed values.
enum Shift<'q> {
    /// With the visits that delta has amounts for: those that are analysed.
    Delta(&'q Delta, Vec<usize>),
    /// An amount for each of two arms, after the event.
    Tipping([(&'q str, f64); 2]),
}

impl<'q> Shift<'q> {
    /// That of a question whose procedure has this model; `None` where there is none, or delta has other visits than the model.
    fn of(question: &'q Question, model: &Model, drawer: &Drawer) -> Option<Self> {
        match question {
            Question::Imputed(_, imputation) => {
                let delta = imputation.delta.as_ref()?;
                let design = model.design(&drawer.trial_of(&drawer.whole(0, 0)).ok()?).ok()?;
                let visits = design.columns().visits().to_vec();
                (delta.amounts("", 0).len() == visits.len()).then_some(Shift::Delta(delta, visits))
            }
            Question::Tipping(compared, _, [arm, versus]) => Some(Shift::Tipping([(&compared.arm, *arm), (&compared.versus, *versus)])),
            _ => None,
        }
    }

    /// A value that is imputed for a patient of an arm whose event is before the visit `from`.
    fn of_value(&self, value: f64, arm: &str, (from, visit): (usize, usize)) -> f64 {
        match self {
            Shift::Delta(delta, visits) => {
                let from = visits.iter().filter(|&&own| own < from).count();
                let Some(at) = visits.iter().position(|&own| own == visit) else { return value };
                let (factors, amounts) = delta.factors_and_amounts(arm, from);
                value * factors[at] + amounts[at]
            }
            Shift::Tipping(_) if visit < from => value,
            Shift::Tipping(amounts) => value + amounts.iter().filter(|(own, _)| *own == arm).map(|(_, amount)| amount).sum::<f64>(),
        }
    }
}

/// The true values of all questions of some procedures about the trials of a drawer.
///
/// # Errors
/// As [`Plan::events_on`].
pub(super) fn true_values(drawer: &Drawer, procedures: &[Procedure], seed: u64) -> Result<Vec<TrueValue>> {
    let questions: Vec<(&Question, Option<&Plan>)> = procedures.iter().flat_map(|p| p.questions().map(|q| (q, p.estimand()))).collect();
    let models = procedures.iter().flat_map(|p| p.questions().map(|_| p.model()));
    let shifts: Vec<Option<Shift>> =
        questions.iter().zip(models).map(|((question, _), model)| Shift::of(question, model, drawer)).collect();
    let mut values: Vec<TrueValue> =
        questions.iter().map(|(question, _)| TrueValue { value: plain_truth(drawer, question), error: 0.0 }).collect();
    let responses = questions.iter().enumerate().filter_map(|(k, (question, plan))| Some((k, Response::of(question, *plan)?)));
    let (places, responses): (Vec<usize>, Vec<Response>) = responses.unzip();
    for (place, value) in places.into_iter().zip(response::true_values(drawer, &responses, seed)?) {
        values[place] = value;
    }
    let of_each = questions.iter().enumerate();
    let asked: Vec<Asked> = of_each.filter_map(|(k, (question, plan))| asked(drawer, k, question, *plan, shifts[k].as_ref())).collect();
    if asked.is_empty() {
        return Ok(values);
    }
    let trials = PATIENTS.div_ceil(drawer.truth().patients().max(1)).max(TRIALS);
    let found: Vec<Vec<f64>> =
        (0..trials as u64).into_par_iter().map(|k| excesses(drawer, &asked, seed, FIRST + k)).collect::<Result<_>>()?;
    for (at, asked) in asked.iter().enumerate() {
        let n = trials as f64;
        let mean = found.iter().map(|trial| trial[at]).sum::<f64>() / n;
        let squares = found.iter().map(|trial| (trial[at] - mean).powi(2)).sum::<f64>();
        let error = (squares / (n - 1.0) / n).sqrt();
        let own = &mut values[asked.question];
        // An effect size is a difference in units of its own.
        let difference = drawer.difference(asked.compared).unwrap_or(f64::NAN);
        let unit = match questions[asked.question].0 {
            Question::EffectSize(..) => effect_unit(drawer, questions[asked.question].0),
            _ => 1.0,
        };
        *own = TrueValue { value: unit * (difference + mean), error: unit.abs() * error };
    }
    Ok(values)
}

/// What a difference of 1 is as an effect size.
fn effect_unit(drawer: &Drawer, question: &Question) -> f64 {
    super::replicates::unit_of_effect(drawer, question).unwrap_or(f64::NAN)
}

/// How a question takes events, where that may move what is true of it.
fn asked<'q>(
    drawer: &Drawer,
    question: usize,
    of: &'q Question,
    plan: Option<&'q Plan>,
    shift: Option<&'q Shift<'q>>,
) -> Option<Asked<'q>> {
    let (compared, imputed) = match of {
        Question::Contrast(compared) | Question::Margin(compared, _) | Question::EffectSize(compared, _) => (compared, None),
        Question::Imputed(compared, imputation) if imputation.delta.is_none() || shift.is_some() => {
            (compared, Some((imputation.strategy, imputation.reference.as_deref())))
        }
        Question::Tipping(compared, imputation, _) => (compared, Some((imputation.strategy, imputation.reference.as_deref()))),
        Question::Imputed(..) | Question::Response(..) => return None,
    };
    let at_random = imputed.is_none_or(|(strategy, _)| strategy == Strategy::Mar) && shift.is_none();
    let counted = Counted { plan, imputed, shift };
    (!(at_random && counted.is_as_without_events(drawer))).then_some(Asked { question, compared, counted })
}

impl<'q> Counted<'q> {
    /// Of values that are not imputed.
    pub fn of_plan(plan: Option<&'q Plan>) -> Self {
        Self { plan, imputed: None, shift: None }
    }
}

impl Counted<'_> {
    /// Whether values of patients whom nobody misses are those of the life without events.
    pub fn is_as_without_events(&self, drawer: &Drawer) -> bool {
        let leaves_alone = |strategy: EventStrategy| matches!(strategy, EventStrategy::TreatmentPolicy | EventStrategy::Hypothetical);
        let at_random = |own: Option<Strategy>| self.imputed.is_none() || own.unwrap_or_default() == Strategy::Mar;
        let harmless = self.plan.is_none_or(|plan| plan.events.iter().all(|e| leaves_alone(e.strategy) && at_random(e.imputation)));
        harmless && !drawer.truth().events.iter().any(super::EventTruth::has_effect)
    }

    /// Whether an event of the truth is one that the plan thinks away.
    pub fn thinks_away(&self, drawer: &Drawer, event: usize) -> bool {
        let name = &drawer.truth().events[event].name;
        let is_it = |plan: &Plan| plan.events.iter().any(|e| e.name == *name && e.strategy == EventStrategy::Hypothetical);
        self.plan.is_some_and(is_it)
    }
}

/// What the difference of each question is above that of the life without events, in one trial.
fn excesses(drawer: &Drawer, asked: &[Asked], seed: u64, number: u64) -> Result<Vec<f64>> {
    let lives = Lives::of(drawer, seed, number)?;
    asked.iter().map(|asked| lives.excess(drawer, asked)).collect()
}

/// The same patients in several worlds.
pub(super) struct Lives {
    /// Of which trial: the seed and the number.
    of: (u64, u64),
    /// Nobody has an event: values before the instrument's bounds.
    untouched: Vec<f64>,
    /// All happens: the same.
    latent: Vec<f64>,
    /// And the trial of it.
    pub actual: Trial,
    /// The trial in which patients leave, with the events of the one in which nobody does.
    leaving: Trial,
    /// By the first visit after an event, the regression of values on those before.
    regressions: Vec<DMatrix<f64>>,
    /// By arm.
    means: Vec<Vec<f64>>,
}

impl Lives {
    pub fn of(drawer: &Drawer, seed: u64, number: u64) -> Result<Self> {
        let truth = drawer.truth();
        let untouched = drawer.in_world(seed, number, World { scored: false, ..World::UNTOUCHED }).outcomes;
        let latent = drawer.in_world(seed, number, World { missing: false, scored: false, ..World::SEEN });
        let scored = latent.outcomes.iter().map(|y| drawer.score(*y)).collect();
        let actual = drawer.trial_of(&Drawn { outcomes: scored, ..latent.clone() })?;
        let leaving = drawer.trial_of(&Drawn { outcomes: drawer.drawn(seed, number).outcomes, ..latent.clone() })?;
        let means = drawer.parameters(seed, number).means.clone();
        let regressions = regressions(&truth.covariance(), truth.visits.len());
        Ok(Self { of: (seed, number), untouched, latent: latent.outcomes, actual, leaving, regressions, means })
    }

    /// The mean over the arm of what values are above those without events, less the same of the other arm.
    fn excess(&self, drawer: &Drawer, asked: &Asked) -> Result<f64> {
        let truth = drawer.truth();
        let visits = truth.visits.len();
        let arm = |name: &str| truth.arms.iter().position(|arm| arm.name == name);
        let (Some(own), Some(other)) = (arm(&asked.compared.arm), arm(&asked.compared.versus)) else { return Ok(f64::NAN) };
        let Some(visit) = truth.visits.iter().position(|label| *label == asked.compared.visit) else { return Ok(f64::NAN) };
        let values = self.values(drawer, asked.counted, visit)?;
        let mean = |arm: usize| {
            let of = (0..drawer.arm_of.len()).filter(|&i| drawer.arm_of[i] == arm);
            of.map(|i| values[i] - drawer.score(self.untouched[i * visits + visit])).sum::<f64>() / truth.arms[arm].patients as f64
        };
        Ok(mean(own) - mean(other))
    }

    /// What counts of every patient at a visit.
    pub fn values(&self, drawer: &Drawer, counted: Counted, visit: usize) -> Result<Vec<f64>> {
        let truth = drawer.truth();
        let (visits, outcome) = (truth.visits.len(), truth.outcome.as_str());
        let arm = |name: &str| truth.arms.iter().position(|arm| arm.name == name);
        let reference = counted.imputed.and_then(|(_, reference)| reference).and_then(arm).unwrap_or(0);
        let (events, without) = match counted.plan {
            None if counted.imputed.is_some() => (Some(Events::dropout(&self.leaving, outcome)?), None),
            None => (None, None),
            Some(plan) => {
                let any = (0..truth.events.len()).any(|k| counted.thinks_away(drawer, k));
                let world = World { missing: false, happens: &|k| !counted.thinks_away(drawer, k), scored: true };
                (plan.events_on(&self.leaving)?, any.then(|| drawer.in_world(self.of.0, self.of.1, world).outcomes))
            }
        };
        let strategy = counted.imputed.map_or(Strategy::Mar, |(strategy, _)| strategy);
        let affected = events.as_ref().map(|events| events.affected_under(&self.actual, outcome, strategy)).transpose()?;
        let values = &self.actual.outcomes()[0].values;
        let value = |i: usize| {
            let at = i * visits + visit;
            let (Some(affected), Some(events)) = (affected.as_ref().map(|all| &all[i]), &events) else { return values[at] };
            let rule = counted.imputed.map_or(Strategy::Mar, |_| affected.imputation.unwrap_or(strategy));
            let by_strategy = rule != Strategy::Mar && visit >= affected.from;
            let (arm, place) = (&truth.arms[drawer.arm_of[i]].name, (affected.from, visit));
            let is_missing = || self.leaving.outcomes()[0].values[at].is_nan();
            let shift = counted.shift.filter(|_| affected.uses[visit] == Use::SetAside || is_missing());
            let value = match affected.uses[visit] {
                Use::Replaced(value) => return value,
                Use::SetAside if by_strategy => self.following(drawer, rule, i, place, reference),
                Use::SetAside => without.as_ref().map_or(values[at], |without| without[at]),
                Use::Observed | Use::Missing if by_strategy && is_dropout(counted.plan, events, affected) => {
                    self.following(drawer, rule, i, place, reference)
                }
                Use::Observed | Use::Missing => values[at],
            };
            shift.map_or(value, |shift| shift.of_value(value, arm, place))
        };
        Ok((0..drawer.arm_of.len()).map(value).collect())
    }

    /// The value of a patient who follows a strategy from a visit on, given what was before.
    fn following(&self, drawer: &Drawer, strategy: Strategy, i: usize, (from, visit): (usize, usize), reference: usize) -> f64 {
        let (visits, arm) = (self.means[0].len(), drawer.arm_of[i]);
        let course = Course::of(strategy, &self.means[arm], &self.means[reference], &self.regressions);
        let at = |t: usize| i * visits + t;
        let moved = (0..from).map(|b| self.regressions[from][(visit - from, b)] * (self.latent[at(b)] - self.untouched[at(b)]));
        drawer.score(self.untouched[at(visit)] + course.after(from)[visit - from] + moved.sum::<f64>())
    }
}

/// Whether a patient's imputed values are those after dropout, which nobody sees in any world.
fn is_dropout(plan: Option<&Plan>, events: &Events, affected: &Affected) -> bool {
    let Some(kind) = affected.governed_by.map(|event| &events.kinds()[event]) else { return false };
    plan.is_none_or(|plan| plan.events.iter().any(|event| event.name == kind.name && event.from == EventFrom::Dropout))
}
