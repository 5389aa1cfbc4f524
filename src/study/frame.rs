//! A procedure made ready for the trials of one truth: what does not differ between them is worked out once.
//!
//! Trials of one truth differ in outcomes, covariates and who is missing. Columns, the coding of factors, the weights of a
//! contrast and the place where a search begins are those of the frame; a trial adds its sums, its optimum and its degrees of
//! freedom. Where a trial lacks what the columns need (an arm of which nobody is left at a visit), where the search from the
//! frame's start does not end at a sound optimum, and for questions that need the patients of a fit (imputation by the jackknife,
//! say), the trial is analysed as if it were the only one.

use super::draw::{Drawer, Drawn};
use super::procedure::{Answer, Procedure, Question};
use super::whole::Whole;
use crate::design::{Design, Redrawn};
use crate::error::Result;
use crate::inference::{Fit, MomentsFit};
use crate::model::{Model, OtherOutcomes};
use crate::trial::Trial;
use std::cell::OnceCell;

/// Patients of the trial whose estimates are where searches begin, at least: with more than a few times those of a trial, its
/// own error is small beside that of the trials.
const PATIENTS: usize = 600;
/// The seed of the frame's trials; answers do not depend on it beyond rounding.
const SEED: u64 = 0x6672_616d_6500_0001;

/// A procedure with all that its trials share.
#[derive(Debug)]
pub(super) struct Frame<'s> {
    procedure: &'s Procedure,
    frozen: Option<Frozen>,
}

/// What trials share.
#[derive(Debug)]
pub(super) struct Frozen {
    /// The design of a trial with nobody missing.
    design: Design,
    /// Where searches begin.
    theta: Vec<f64>,
    /// Fits to trials with nobody missing, where nothing but the outcome differs.
    complete: Option<OtherOutcomes>,
    /// The weights of the coefficients in each question about two arms.
    weights: Vec<Option<Vec<f64>>>,
}

/// One trial: its data, and the whole of it where somebody asks.
#[derive(Debug)]
pub(super) struct OneTrial<'d> {
    drawer: &'d Drawer,
    drawn: Drawn,
    trial: OnceCell<Trial>,
}

impl<'d> OneTrial<'d> {
    pub fn new(drawer: &'d Drawer, drawn: Drawn) -> Self {
        Self { drawer, drawn, trial: OnceCell::new() }
    }

    /// The trial.
    pub fn trial(&self) -> Result<&Trial> {
        if let Some(trial) = self.trial.get() {
            return Ok(trial);
        }
        let trial = self.drawer.trial_of(&self.drawn)?;
        Ok(self.trial.get_or_init(|| trial))
    }

    /// The trial as intercurrent events have it.
    fn analysed_as(&self, trial: Trial) -> Self {
        let outcome = trial.outcomes().first().map_or(vec![], |outcome| outcome.values.clone());
        let drawn = Drawn { outcomes: outcome, ..self.drawn.clone() };
        Self { drawer: self.drawer, drawn, trial: trial.into() }
    }

    /// Share of the patients without the last visit.
    pub fn left(&self) -> f64 {
        let visits = self.drawer.truth().visits.len();
        let patients = self.drawn.outcomes.chunks_exact(visits);
        let n = patients.len();
        patients.filter(|own| own[visits - 1].is_nan()).count() as f64 / n as f64
    }
}

impl<'s> Frame<'s> {
    /// For the trials of a drawer.
    pub fn new(procedure: &'s Procedure, drawer: &Drawer) -> Self {
        Self { procedure, frozen: Frozen::of(procedure, drawer) }
    }

    /// The answers for a trial, or the names of failures.
    ///
    /// # Errors
    /// As [`Drawer::trial`].
    pub fn answers(&self, one: &OneTrial) -> Result<Vec<Result<Answer, String>>> {
        let under = match self.procedure.estimand() {
            Some(_) => self.procedure.under_events(one.trial()?)?,
            None => None,
        };
        let analysed = under.as_ref().map(|under| one.analysed_as(under.analysed.clone()));
        let analysed = analysed.as_ref().unwrap_or(one);
        let found = self.frozen.as_ref().and_then(|frozen| Some((frozen, frozen.fit(self.procedure.model(), &analysed.drawn)?)));
        let Some((frozen, (design, fit))) = found else { return Ok(self.procedure.answers_under(one.trial()?, under.as_ref())) };
        let near = |outcomes: &[f64]| frozen.fit(self.procedure.model(), &Drawn { outcomes: outcomes.to_vec(), ..one.drawn.clone() });
        // The whole trial serves every question that needs more of the patients.
        let asks_for_patients = |question: &Question| matches!(question, Question::Imputed(..) | Question::Tipping(..));
        let whole = match self.procedure.questions().any(asks_for_patients) {
            true => Some(Whole::new(self.procedure, one.trial()?, under.as_ref())),
            false => None,
        };
        let by_itself = |question: &Question| whole.as_ref().map_or_else(|| Err("not-estimable".into()), |whole| whole.answer(question));
        let answer = |(question, weights): (&Question, &Option<Vec<f64>>)| match (question, weights) {
            (Question::Imputed(compared, imputation), _) => {
                let asked = (compared, imputation);
                let found = self.procedure.imputed_near(asked, one.trial()?, under.as_ref(), (&design, &fit), near);
                Ok(found.unwrap_or_else(|| by_itself(question)))
            }
            (Question::Tipping(..), _) => Ok(by_itself(question)),
            (Question::Response(..) | Question::EffectSize(..), _) => {
                Ok(self.procedure.answer_near(question, Some(analysed.trial()?), &fit, weights.as_deref()))
            }
            _ => Ok(self.procedure.answer_near(question, None, &fit, weights.as_deref())),
        };
        self.procedure.questions().zip(&frozen.weights).map(answer).collect()
    }
}

impl Frozen {
    /// What the trials of a drawer share under a procedure; `None` where they share too little.
    pub fn of(procedure: &Procedure, drawer: &Drawer) -> Option<Self> {
        let model = procedure.model();
        // A multiple of a trial costs what many trials cost.
        if !model.needs_no_patients() {
            return None;
        }
        let (first, second) = (drawer.whole(SEED, 0), drawer.whole(SEED, 1));
        let whole = model.fit(&drawer.trial_of(&first).ok()?).ok()?;
        let design = whole.design().clone();
        if !design.can_be_redrawn(&first.covariates) || !whole.attempts().is_empty() {
            return None;
        }
        let other = model.fit(&drawer.trial_of(&second).ok()?).ok()?;
        let weights = procedure.questions().map(|question| shared_weights(procedure, question, [&whole, &other])).collect::<Option<_>>()?;
        let beginning = large(procedure, drawer);
        let theta = Model::start_from(beginning.as_ref().unwrap_or(&whole));
        // Not every search leaves a variance of zero.
        let inside = [whole, other].into_iter().find(|fit| fit.convergence().boundary.is_empty());
        let repeated = inside.filter(|_| design.differs_in_outcomes_alone(&first.covariates));
        let complete = repeated.and_then(|fit| OtherOutcomes::of(model, fit).ok());
        Some(Self { design, theta, complete, weights })
    }

    /// The design of a trial with the fit to it; none where it lacks what the columns need, or the search does not end soundly.
    pub fn fit(&self, model: &Model, drawn: &Drawn) -> Option<(Design, MomentsFit)> {
        if let Some((complete, design)) = self.complete.as_ref().and_then(|c| Some((c, c.design().with_all_outcomes(&drawn.outcomes)?))) {
            let fit = complete.fit(design.rows.outcomes())?;
            return Some((design, fit));
        }
        let data = Redrawn { outcomes: &drawn.outcomes, baseline: 0, covariates: &drawn.covariates };
        let design = self.design.redrawn(data)?;
        let fit = model.fit_near(&self.theta, &design)?;
        Some((design, fit))
    }
}

/// The fit to a trial of the same truth with many more patients.
fn large(procedure: &Procedure, drawer: &Drawer) -> Option<Fit> {
    let truth = drawer.truth();
    let times = PATIENTS.div_ceil(truth.patients().max(1));
    let trial = truth.with_patients(times * truth.patients()).trial(SEED, 2).ok()?;
    let under = procedure.under_events(&trial).ok()?;
    let fit = procedure.model().fit(under.as_ref().map_or(&trial, |under| &under.analysed)).ok()?;
    fit.attempts().is_empty().then_some(fit)
}

/// The weights of a question about two arms, where they are the same in every trial: `None` where they are not, and no
/// weights for a question that has none.
fn shared_weights(procedure: &Procedure, question: &Question, fits: [&Fit; 2]) -> Option<Option<Vec<f64>>> {
    let compared = match question {
        Question::Contrast(compared) | Question::Margin(compared, _) | Question::EffectSize(compared, _) => compared,
        Question::Response(..) | Question::Imputed(..) | Question::Tipping(..) => return Some(None),
    };
    let [a, b] = fits.map(|fit| procedure.weights(fit, compared));
    a.filter(|a| Some(a) == b.as_ref()).map(Some)
}
