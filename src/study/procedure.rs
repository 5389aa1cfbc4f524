//! What is done with every simulated trial: a model, and the questions asked of its fit.

use super::familywise;
use super::left_out::{as_simulated, in_simulated_trials};
use super::whole::Whole;
use crate::analysis::{ImputationPlan, Plan, Sensitivity, TippingOf, TippingPlan};
use crate::design::Design;
use crate::effects::{Difference, EffectOptions, IntervalMethod, of_difference};
use crate::error::{Error, Result};
use crate::estimates::Estimate;
use crate::imputation::{Events, PooledRow, difference_near};
use crate::inference::{Fit, MomentsFit};
use crate::means::{ArmComparisons, Contrast, ContrastOptions, Margin};
use crate::model::Model;
use crate::responders::{Definition, RateOptions, Unobserved};
use crate::trial::{BaselineFrom, Trial};
use std::sync::Arc;

/// A model that is fitted to every trial, and what its fit is asked.
///
/// ```
/// use trialstats::Model;
/// use trialstats::simulate::Gaussian;
/// use trialstats::study::{Compared, Procedure, replicate};
///
/// let truth = Gaussian::new(["0", "1"]).arm("a", 30, [0.0, 0.0]).arm("b", 30, [0.0, 0.8]);
/// let procedure = Procedure::new("ANCOVA", Model::formula("y ~ baseline + arm")?).contrast(Compared::new("b", "a", "1"));
/// let found = replicate(&truth, &[procedure], 20261122, 0..200)?;
/// let row = &found.characteristics().rows[0];
/// assert_eq!(row.trials, 200);
/// assert!((row.successes.share - 0.86).abs() < 4.0 * row.successes.error + 0.02);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Procedure {
    /// Its name in tables.
    pub name: String,
    model: Model,
    level: f64,
    questions: Vec<(String, Question)>,
    /// The plan whose intercurrent events say what values count for.
    estimand: Option<Arc<Plan>>,
}

/// Two arms at a visit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// The arm.
    pub arm: String,
    /// The arm it is compared with.
    pub versus: String,
    /// The visit, by label.
    pub visit: String,
}

impl Compared {
    /// `arm` against `versus` at `visit`.
    pub fn new(arm: impl Into<String>, versus: impl Into<String>, visit: impl Into<String>) -> Self {
        Self { arm: arm.into(), versus: versus.into(), visit: visit.into() }
    }
}

/// What is asked of a fitted model or a trial.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum Question {
    /// The difference of two arms; a success where it is significant.
    Contrast(Compared),
    /// The same against a margin, such as non-inferiority, at one-sided level (1 − level)/2; a success where it is shown.
    Margin(Compared, Margin),
    /// Its effect size; a success where its interval excludes zero.
    EffectSize(Compared, EffectOptions),
    /// The difference in the rates of response; a success where Newcombe's interval excludes zero.
    ///
    /// What it is about depends on what is done with the unobserved. Where they are counted as not meeting the definition, leaving is
    /// part of it, and the true rates have the truth's dropout in them; of [`Unobserved::Bounds`] it is the lowest difference, and its
    /// true value likewise. Where they are left out or carried forward, the true rates are those if nobody were missing.
    Response(Compared, Definition, Unobserved, BaselineFrom),
    /// The difference where missing values are imputed by a strategy; a success where it is significant.
    Imputed(Compared, ImputationPlan),
    /// A point of a tipping-point analysis: the same difference where these amounts are added to values of the arm, and of the one
    /// it is compared with, that are imputed at the visit after the event; a success where it is significant, by the jackknife.
    Tipping(Compared, ImputationPlan, [f64; 2]),
}

/// What one question found in one trial. Numbers that a question does not have are NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Its degrees of freedom.
    pub df: f64,
    /// The two-sided p-value of no difference, or the one-sided against a margin.
    pub p: f64,
    /// The confidence interval.
    pub interval: (f64, f64),
    /// Whether the question was answered as hoped for: a significant difference, a margin kept.
    pub success: bool,
    /// Whether the variance of a random effect was estimated as zero.
    pub boundary: bool,
    /// Whether another covariance structure than the first had to be used.
    pub fallback: bool,
    /// Estimated share of the variance at the last visit that lies between the clusters of the first random effect, in the
    /// last group of the covariance; NaN where the model has none.
    pub between: f64,
}

impl Procedure {
    /// A procedure that asks nothing yet, with 95% confidence intervals.
    pub fn new(name: impl Into<String>, model: Model) -> Self {
        Self { name: name.into(), model, level: 0.95, questions: vec![], estimand: None }
    }

    /// Sets the confidence level; tests are at 1 − level.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }

    /// Takes the intercurrent events of trials into account as a plan does: questions are about the outcome as the events have
    /// it, and imputations impute as they say.
    ///
    /// An event of the plan is the one of the same name in the trials ([`EventTruth`](super::EventTruth)), wherever the plan will
    /// find it in the data.
    pub fn events_of(mut self, plan: &Plan) -> Self {
        self.estimand = (!plan.events.is_empty()).then(|| Arc::new(in_simulated_trials(plan.clone())));
        self
    }

    /// Asks a question under a name.
    pub fn ask(mut self, name: impl Into<String>, question: Question) -> Self {
        self.questions.push((name.into(), question));
        self
    }

    /// Asks for the difference of two arms, under the name of the procedure.
    pub fn contrast(self, compared: Compared) -> Self {
        let name = self.name.clone();
        self.ask(name, Question::Contrast(compared))
    }

    /// What a plan analyses of its primary outcome: the primary contrast of every arm with the first, its effect size, the
    /// definitions of response, imputations, every point of the grids of tipping-point analyses, and further models. What is left
    /// out is said by [`Procedure::left_out`].
    ///
    /// `trial` is any trial of the kind that is planned.
    ///
    /// # Errors
    /// As [`Plan::check_itself`], of the whole plan, and as [`Plan::resolved`], of what is simulated.
    pub fn of_plan(plan: &Plan, trial: &Trial) -> Result<Vec<Procedure>> {
        let plan = as_simulated(plan, trial)?;
        let arms = trial.arms();
        if arms.len() < 2 {
            return Err(Error::nothing_to_compare(
                "a study of this plan",
                "its trials have one arm",
                "state the arm that it is compared with",
            ));
        }
        let (reference, many) = (&arms[0], arms.len() > 2);
        let named = |what: &str, arm: &str| if many { format!("{what}, {arm}") } else { what.to_string() };
        let mut primary = Procedure::new("primary analysis", plan.model.clone().of_outcome(&plan.primary)).level(plan.level);
        let mut further = vec![];
        for arm in &arms[1..] {
            let compared = Compared::new(arm, reference, &plan.at);
            primary = primary.ask(named("primary contrast", arm), Question::Contrast(compared.clone()));
            if plan.baseline_from != BaselineFrom::Visit || trial.schedule().baseline().is_some() {
                let options = EffectOptions::new()
                    .denominator(plan.effects.denominator)
                    .correction(plan.effects.correction)
                    .positive(plan.effects.positive)
                    .level(plan.level)
                    .interval(plan.effects.intervals.first().copied().unwrap_or(IntervalMethod::Delta))
                    .baseline(plan.baseline_from.clone());
                primary = primary.ask(named("effect size", arm), Question::EffectSize(compared.clone(), options));
            }
            for definition in &plan.responders.definitions {
                for (k, unobserved) in countable(&plan.responders.unobserved).into_iter().enumerate() {
                    let way = if k == 0 { String::new() } else { format!(" ({unobserved})") };
                    let name = named(&format!("response: {}{way}", definition.name), arm);
                    let question = Question::Response(compared.clone(), definition.clone(), unobserved, plan.baseline_from.clone());
                    primary = primary.ask(name, question);
                }
            }
            for sensitivity in &plan.sensitivity {
                match sensitivity {
                    Sensitivity::Imputation(imputation) => {
                        primary = primary.ask(named(&imputation.label(), arm), Question::Imputed(compared.clone(), imputation.clone()));
                    }
                    Sensitivity::Model(other) => {
                        let model = other.model(&plan.model, trial)?.of_outcome(&plan.primary);
                        further.push(Procedure::new(named(&other.name, arm), model).level(plan.level).contrast(compared.clone()));
                    }
                    Sensitivity::TippingPoint(tipping) if tipping.arm == *arm && tipping.of.contains(&TippingOf::Difference) => {
                        primary = with_grid(primary, tipping, &compared);
                    }
                    // What a study says that it leaves out: `left_out`.
                    Sensitivity::TippingPoint(_) | Sensitivity::Clusters(_) | Sensitivity::Population(_) => {}
                }
            }
        }
        let primary = familywise::asked(&plan, trial, primary)?;
        Ok(std::iter::once(primary).chain(further).map(|procedure| procedure.events_of(&plan)).collect())
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The names of its questions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.questions.iter().map(|(name, _)| name.as_str())
    }

    /// Its questions.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.questions.iter().map(|(_, question)| question)
    }

    /// The level of its confidence intervals.
    pub fn confidence(&self) -> f64 {
        self.level
    }

    /// The plan whose events say what values count for.
    pub(super) fn estimand(&self) -> Option<&Plan> {
        self.estimand.as_deref()
    }

    /// A trial with its intercurrent events, where the plan has some.
    ///
    /// # Errors
    /// As [`Plan::events_on`], and for a composite value that a patient does not have.
    pub(super) fn under_events(&self, trial: &Trial) -> Result<Option<UnderEvents>> {
        let Some(plan) = &self.estimand else { return Ok(None) };
        let Some(events) = plan.events_on(trial)? else { return Ok(None) };
        Ok(Some(UnderEvents { analysed: events.applied_to(trial, &plan.primary)?, events }))
    }

    /// Refuses a model that fits no trial like this one, whatever its outcomes.
    pub(super) fn checked(&self, trial: &Trial) -> Result<()> {
        match self.model.fit(trial) {
            Err(error) if matches!(error.code(), "unknown-name" | "conflicting-settings") => Err(error),
            _ => Ok(()),
        }
    }

    /// The answers for a trial, or the names of failures.
    pub(super) fn answers(&self, trial: &Trial) -> Vec<Result<Answer, String>> {
        match self.under_events(trial) {
            Ok(under) => self.answers_under(trial, under.as_ref()),
            Err(error) => vec![Err(coded(error)); self.questions.len()],
        }
    }

    /// The same for a trial whose events are known.
    pub(super) fn answers_under(&self, trial: &Trial, under: Option<&UnderEvents>) -> Vec<Result<Answer, String>> {
        let whole = Whole::new(self, trial, under);
        self.questions().map(|question| whole.answer(question)).collect()
    }

    /// The answer from a fit of the estimates alone, with the weights of the coefficients in a question about two arms.
    pub(super) fn answer_near(
        &self,
        question: &Question,
        trial: Option<&Trial>,
        fit: &MomentsFit,
        weights: Option<&[f64]>,
    ) -> Result<Answer, String> {
        let found = match (question, weights, trial) {
            (Question::Response(compared, definition, unobserved, baseline), _, Some(trial)) => {
                self.response(trial, compared, definition, *unobserved, baseline).map_err(coded)?
            }
            (_, Some(weights), trial) => {
                let estimate = match fit.estimate("", weights) {
                    Ok(estimate) => estimate,
                    Err(Error::NotEstimable { .. }) => Estimate::none(""),
                    Err(error) => return Err(coded(error)),
                };
                self.of_difference(question, trial, fit, &estimate)?
            }
            _ => return Err("not-estimable".into()),
        };
        completed(found, fit)
    }

    /// The answer about imputed values from fits of the estimates alone; none where that needs more of the patients. `near` fits
    /// the model to other outcomes of the trial.
    pub(super) fn imputed_near(
        &self,
        (compared, imputation): (&Compared, &ImputationPlan),
        trial: &Trial,
        under: Option<&UnderEvents>,
        analysed: (&Design, &MomentsFit),
        near: impl Fn(&[f64]) -> Option<(Design, MomentsFit)>,
    ) -> Option<Result<Answer, String>> {
        let columns = analysed.0.columns();
        let arm = trial.arms().iter().position(|arm| *arm == compared.arm).filter(|_| trial.arms()[0] == compared.versus)?;
        let visit = columns.visit_labels().iter().position(|label| *label == compared.visit)?;
        let based = imputation.reference_based(self.level);
        let Some(under) = under else {
            let row = difference_near(trial, analysed.0, analysed.1, &based, (arm, visit))?;
            return Some(completed(self.of_row(&row), analysed.1));
        };
        let based = based.events(under.events.clone());
        let informing = based.informing(trial, columns.outcome()).ok()?;
        if same_outcomes(&informing, &under.analysed) {
            let row = difference_near(trial, analysed.0, analysed.1, &based, (arm, visit))?;
            return Some(completed(self.of_row(&row), analysed.1));
        }
        let (design, fit) = near(&informing.outcomes()[0].values)?;
        let row = difference_near(trial, &design, &fit, &based, (arm, visit))?;
        Some(completed(self.of_row(&row), analysed.1))
    }

    fn of_row(&self, row: &PooledRow) -> Answer {
        self.by_normal_quantiles(row.estimate, row.se, (row.lower, row.upper), row.p)
    }

    /// An estimate whose standard error has no degrees of freedom.
    pub(super) fn by_normal_quantiles(&self, estimate: f64, se: f64, interval: (f64, f64), p: f64) -> Answer {
        Answer { se, df: f64::INFINITY, ..plain(estimate, interval, p, p < 1.0 - self.level) }
    }

    /// The weights of the coefficients in the difference of two arms, where it has an estimate.
    pub(super) fn weights(&self, fit: &Fit, compared: &Compared) -> Option<Vec<f64>> {
        let row = contrast(fit, compared, self.level).ok()?;
        (row.not_estimable.is_none() && row.estimate.estimate.is_finite()).then_some(row.coefficients)
    }

    /// What an estimated difference says to a question about it.
    pub(super) fn of_difference(
        &self,
        question: &Question,
        trial: Option<&Trial>,
        fit: &MomentsFit,
        found: &Estimate,
    ) -> Result<Answer, String> {
        let interval = found.interval(self.level);
        match (question, trial) {
            (Question::Margin(_, margin), _) => {
                // Half of what both tails of the interval leave, to the digits that a plan would state.
                let alpha = ((1.0 - self.level) * 0.5 * 1e9).round() / 1e9;
                let (p, shown) = margin.of_estimate(found, alpha).map_err(coded)?;
                Ok(Answer {
                    se: found.se,
                    df: found.df,
                    ..plain(found.estimate, found.interval(1.0 - 2.0 * alpha), p, shown == Some(true))
                })
            }
            (Question::EffectSize(compared, options), Some(trial)) => {
                let Compared { arm, versus, visit } = compared;
                let difference = Difference::between(arm, versus, visit, found);
                let effect = of_difference(trial, fit, &difference, options).map_err(coded)?;
                let excludes = effect.lower > 0.0 || effect.upper < 0.0;
                Ok(Answer {
                    se: effect.se / effect.sd,
                    df: effect.df,
                    ..plain(effect.effect, (effect.lower, effect.upper), found.p, excludes)
                })
            }
            _ if found.estimate.is_nan() => Err("not-estimable".into()),
            _ if ![found.se, found.p].iter().all(|x| x.is_finite()) => Err("not a number".into()),
            _ => Ok(Answer { se: found.se, df: found.df, ..plain(found.estimate, interval, found.p, found.p < 1.0 - self.level) }),
        }
    }

    fn response(
        &self,
        trial: &Trial,
        compared: &Compared,
        definition: &Definition,
        unobserved: Unobserved,
        baseline: &BaselineFrom,
    ) -> Result<Answer> {
        let options = RateOptions::new([unobserved]).level(self.level).visits([compared.visit.clone()]).reference(compared.versus.clone());
        let table = definition.evaluate_with(trial, baseline)?.compare(&options)?;
        let row = table.rows.iter().find(|row| row.arm.as_str() == compared.arm).ok_or_else(|| absent(compared))?;
        let of = row.difference;
        Ok(plain(of.estimate, (of.lower, of.upper), f64::NAN, of.lower > 0.0 || of.upper < 0.0))
    }
}

/// A trial under intercurrent events.
#[derive(Debug)]
pub(super) struct UnderEvents {
    /// The trial with the outcome as the events have it.
    pub analysed: Trial,
    /// The events.
    pub events: Events,
}

pub(super) fn same_outcomes(a: &Trial, b: &Trial) -> bool {
    let same = |a: &f64, b: &f64| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    a.outcomes().iter().zip(b.outcomes()).all(|(a, b)| a.values.iter().zip(&b.values).all(|(a, b)| same(a, b)))
}

/// An answer with what it shares with all answers of its fit; a number that is none is a failure. A difference of rates has no
/// standard error, and that is no failure.
pub(super) fn completed(found: Answer, fit: &MomentsFit) -> Result<Answer, String> {
    if [found.estimate, found.interval.0, found.interval.1].iter().any(|x| !x.is_finite()) {
        return Err("not a number".into());
    }
    let boundary = fit.convergence().boundary.iter().any(|name| name.contains(" by "));
    Ok(Answer { boundary, fallback: !fit.attempts().is_empty(), between: between(fit), ..found })
}

fn plain(estimate: f64, interval: (f64, f64), p: f64, success: bool) -> Answer {
    Answer { estimate, se: f64::NAN, df: f64::NAN, p, interval, success, boundary: false, fallback: false, between: f64::NAN }
}

/// The ways to treat the unobserved by which patients can be counted; as not meeting a definition where none is stated.
fn countable(ways: &[Unobserved]) -> Vec<Unobserved> {
    let stated: Vec<Unobserved> = ways.iter().copied().filter(|way| *way != Unobserved::Imputed).collect();
    if stated.is_empty() { vec![Unobserved::CountedAsNotMet] } else { stated }
}

/// Asks for every point of the grid of a tipping-point analysis.
fn with_grid(procedure: Procedure, tipping: &TippingPlan, compared: &Compared) -> Procedure {
    let pairs = tipping.versus_shifts.iter().flat_map(|versus| tipping.arm_shifts.iter().map(move |arm| [*arm, *versus]));
    pairs.fold(procedure, |procedure, shifts| {
        let of = |shift: f64, arm: &str| format!("{}{} in {arm}", if shift < 0.0 { "−" } else { "+" }, shift.abs());
        let versus = if tipping.versus_shifts == [0.0] { String::new() } else { format!(", {}", of(shifts[1], &compared.versus)) };
        let name = format!("tipping point, {}: {}{versus}", tipping.imputation.label(), of(shifts[0], &compared.arm));
        procedure.ask(name, Question::Tipping(compared.clone(), tipping.imputation.clone(), shifts))
    })
}

fn options(compared: &Compared, level: f64) -> ContrastOptions {
    ContrastOptions::default().level(level).visits([compared.visit.as_str()]).arms(ArmComparisons::With(compared.versus.clone()))
}

pub(super) fn contrast(fit: &Fit, compared: &Compared, level: f64) -> Result<Contrast> {
    let table = fit.arm_contrasts(&options(compared, level))?;
    table.between(&compared.arm, &compared.versus, &compared.visit).cloned().ok_or_else(|| absent(compared))
}

pub(super) fn absent(compared: &Compared) -> Error {
    let Compared { arm, versus, visit } = compared;
    Error::not_defined(
        format!("{arm} against {versus} at {visit}"),
        "the analysis has no such comparison",
        "name arms and a visit of the trial",
    )
}

pub(super) fn coded(error: Error) -> String {
    error.code().to_string()
}

/// The estimated share of the variance at the last visit that lies between clusters.
fn between(fit: &MomentsFit) -> f64 {
    let parameters = fit.covariance_parameters();
    let variance = parameters.iter().find(|(name, _)| name.contains(" by ")).map(|(_, value)| *value);
    let (Some(between), Some(group)) = (variance, fit.covariances().last()) else { return f64::NAN };
    let last = group.sigma.nrows() - 1;
    between / (between + group.sigma[(last, last)])
}
