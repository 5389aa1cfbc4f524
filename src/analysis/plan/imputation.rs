//! Sensitivity analyses that take the missing to be different: [`ImputationPlan`] and [`TippingPlan`].

use super::Plan;
use super::check::Known;
use crate::Model;
use crate::effects::Denominator;
use crate::error::{Error, Result};
use crate::imputation::{CompletedAnalysis, Delta, Draws, ReferenceBased, Strategy, Tipping, TippingMeasure, Variance};
use crate::options;
use crate::options::choices;
use std::fmt;
use std::str::FromStr;

/// The primary outcome with missing values imputed by a strategy, and an ANCOVA at each visit.
///
/// ```toml
/// [[sensitivity]]
/// kind = "imputation"
/// strategy = "jump-to-reference"
/// reference = "PLACEBO"        # the plan's reference arm unless stated
/// covariates = ["BASVAL"]      # of the ANCOVA; `baseline` is the value at the baseline visit
/// variance = "jackknife"       # or delta-method, information-anchored
/// ```
///
/// | key | meaning | default |
/// |---|---|---|
/// | `strategy` | see [`Strategy`] | must be stated |
/// | `name` | what tables call it | the strategy |
/// | `reference` | the arm from which values after an event are taken | the reference arm of the trial |
/// | `covariates` | of the ANCOVA; `baseline` is the value at the baseline visit | none |
/// | `delta` | what is added to imputed values: `{ by-visit = [0, 1, 2, 3], lag-weights = [1, 1, 1, 1], arms = ["DRUG"] }` | nothing |
/// | `variance` | see [`Variance`] | `jackknife` |
/// | `draws` | multiple imputation: `{ method = "bayesian", number = 500, seed = 1 }`, see [`Draws`]; standard errors then follow from its method | none: conditional means |
/// | `analysis` | of drawn data sets: see [`AnalysedBy`] | `ancova` |
/// | `reason` | why it is made, for the report | none |
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ImputationPlan {
    /// What tables call it; empty for the strategy's name.
    pub name: String,
    /// How values after an event are imputed.
    pub strategy: Strategy,
    /// The arm from which they are taken.
    pub reference: Option<String>,
    /// Covariates of the ANCOVA.
    pub covariates: Vec<String>,
    /// What is added to imputed values.
    pub delta: Option<Delta>,
    /// What the standard error is of, where nothing is drawn.
    pub variance: Variance,
    /// How data sets are drawn or resampled; conditional means where there is none.
    pub draws: Option<Draws>,
    /// How they are analysed.
    pub analysis: AnalysedBy,
    /// Why it is made.
    pub reason: String,
}

/// How imputed data sets are analysed.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnalysedBy {
    /// ANCOVA at each visit (the default).
    #[default]
    Ancova,
    /// The model of the primary analysis.
    Model,
}

choices! {
    AnalysedBy, "analysis of imputed data":
    Ancova = "ancova", [], "at each visit a linear regression on arm and covariates";
    Model = "model", ["mmrm"], "the model of the primary analysis";
}

/// How far from missing at random, or from another strategy, the missing would have to be for the primary conclusion to
/// turn.
///
/// ```toml
/// [[sensitivity]]
/// kind = "tipping-point"
/// strategy = "mar"
/// arm = "DRUG"                           # amounts are added to imputed values of this arm at the visit of interest
/// arm-shifts = [0, 1, 2, 3, 4, 5]
/// versus-shifts = [-2, 0, 2]             # and to those of the reference arm: every combination is evaluated
/// of = ["difference", "effect-size", "definition(remission)"]
/// covariates = ["BASVAL"]
/// draws = { method = "bayesian", number = 5000, seed = 1 } # the grid also on drawn data sets, beside the closed form
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TippingPlan {
    /// The strategy that is shifted.
    pub imputation: ImputationPlan,
    /// The arm whose imputed values are shifted.
    pub arm: String,
    /// What is added to them, in units of the outcome.
    pub arm_shifts: Vec<f64>,
    /// What is added to those of the reference arm.
    pub versus_shifts: Vec<f64>,
    /// What is compared: each gives a table and, of two grids, a figure.
    pub of: Vec<TippingOf>,
}

/// What a tipping point of a plan compares.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TippingOf {
    /// The difference of means.
    #[default]
    Difference,
    /// The effect size: over the raw standard deviation at baseline, pooled over arms.
    EffectSize,
    /// The share of patients who meet a definition of the plan, by its name.
    Definition(String),
}

impl fmt::Display for TippingOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TippingOf::Difference => f.write_str("difference"),
            TippingOf::EffectSize => f.write_str("effect-size"),
            TippingOf::Definition(name) => write!(f, "definition({name})"),
        }
    }
}

impl FromStr for TippingOf {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = options::parts(text);
        match (name.as_str(), argument.map(str::trim)) {
            ("difference", None) => Ok(TippingOf::Difference),
            ("effect-size", None) => Ok(TippingOf::EffectSize),
            ("definition", Some(name)) => Ok(TippingOf::Definition(name.into())),
            _ => Err(Error::unknown("measure of a tipping point", text, &["difference", "effect-size", "definition(NAME)"])),
        }
    }
}

options::serde_by_name!(TippingOf);

impl ImputationPlan {
    /// This strategy with the defaults.
    pub fn new(strategy: Strategy) -> Self {
        Self { strategy, ..Self::default() }
    }

    /// What tables call it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The arm from which values after an event are taken.
    pub fn reference(mut self, arm: impl Into<String>) -> Self {
        self.reference = Some(arm.into());
        self
    }

    /// Covariates of the ANCOVA.
    pub fn covariates<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.covariates = names.into_iter().map(Into::into).collect();
        self
    }

    /// What is added to imputed values.
    pub fn delta(mut self, delta: Delta) -> Self {
        self.delta = Some(delta);
        self
    }

    /// What the standard error is of.
    pub fn variance(mut self, variance: Variance) -> Self {
        self.variance = variance;
        self
    }

    /// How data sets are drawn or resampled.
    pub fn draws(mut self, draws: Draws) -> Self {
        self.draws = Some(draws);
        self
    }

    /// How drawn data sets are analysed.
    pub fn analysis(mut self, analysis: AnalysedBy) -> Self {
        self.analysis = analysis;
        self
    }

    /// Why it is made.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// What tables call it: its name, or the strategy's.
    pub fn label(&self) -> String {
        match (self.name.is_empty(), &self.delta) {
            (false, _) => self.name.clone(),
            (true, None) => self.strategy.title(),
            (true, Some(_)) => format!("{} with delta", self.strategy.title()),
        }
    }

    /// What the imputation room is asked for.
    pub(crate) fn reference_based(&self, level: f64) -> ReferenceBased {
        let plan = ReferenceBased::new(self.strategy).covariates(&self.covariates).variance(self.variance).level(level);
        let plan = self.reference.iter().fold(plan, |plan, arm| plan.reference(arm));
        self.delta.iter().cloned().fold(plan, ReferenceBased::delta)
    }

    /// What is done with each data set.
    pub(in crate::analysis) fn of_completed(&self, model: &Model) -> CompletedAnalysis {
        match self.analysis {
            AnalysedBy::Ancova => CompletedAnalysis::ancova(&self.covariates),
            AnalysedBy::Model => CompletedAnalysis::model(model.clone()),
        }
    }

    pub(super) fn check(&self, known: &Known) -> Result<()> {
        self.reference.iter().try_for_each(|arm| known.arm(arm))?;
        let may_be_baseline = known.trial().is_none_or(|trial| trial.schedule().baseline().is_some());
        let covariates = self.covariates.iter().filter(|name| name.as_str() != "baseline" || !may_be_baseline);
        covariates.into_iter().try_for_each(|name| known.covariate(name))
    }
}

impl TippingPlan {
    /// Amounts that are added to imputed values of this arm under a strategy.
    pub fn new(strategy: Strategy, arm: impl Into<String>, shifts: impl IntoIterator<Item = f64>) -> Self {
        Self {
            imputation: ImputationPlan::new(strategy),
            arm: arm.into(),
            arm_shifts: shifts.into_iter().collect(),
            versus_shifts: vec![0.0],
            of: vec![TippingOf::Difference],
        }
    }

    /// What is compared.
    pub fn of(mut self, measures: impl IntoIterator<Item = TippingOf>) -> Self {
        self.of = measures.into_iter().collect();
        self
    }

    /// One of its measures as the imputation room is asked for it.
    pub(in crate::analysis) fn tipping(&self, plan: &Plan, versus: &str, of: &TippingOf) -> Result<Tipping> {
        let baseline = plan.baseline_from.clone();
        let measure = match of {
            TippingOf::Difference => TippingMeasure::Difference,
            TippingOf::EffectSize => TippingMeasure::EffectSize { baseline, positive: plan.effects.positive },
            TippingOf::Definition(name) => {
                let definitions = &plan.responders.definitions;
                let names: Vec<&str> = definitions.iter().map(|d| d.name.as_str()).collect();
                let definition = definitions.iter().find(|d| d.name == *name);
                let definition = definition.ok_or_else(|| Error::unknown("definition in `responders.definitions`", name, &names))?.clone();
                TippingMeasure::Share { definition, baseline }
            }
        };
        let grid = Tipping::new(&self.arm, versus, &plan.at).measure(measure);
        let grid = grid.arm_shifts(self.arm_shifts.iter().copied()).versus_shifts(self.versus_shifts.iter().copied());
        Ok(self.imputation.draws.iter().cloned().fold(grid, Tipping::draws))
    }

    /// Amounts that are added to imputed values of the reference arm.
    pub fn versus_shifts(mut self, shifts: impl IntoIterator<Item = f64>) -> Self {
        self.versus_shifts = shifts.into_iter().collect();
        self
    }

    /// The strategy, its reference, the ANCOVA, and the draws on which the grid is evaluated too.
    pub fn imputation(mut self, imputation: ImputationPlan) -> Self {
        self.imputation = imputation;
        self
    }

    pub(super) fn check(&self, plan: &Plan, known: &Known) -> Result<()> {
        for of in &self.of {
            self.tipping(plan, "", of)?;
        }
        if self.of.contains(&TippingOf::EffectSize) && plan.effects.denominator != Denominator::BaselinePooled {
            return Err(Error::conflict(
                "a tipping point of the effect size",
                format!(
                    "it divides by the raw standard deviation at baseline, and the plan's effect sizes by `{}`",
                    plan.effects.denominator
                ),
                "let both be `baseline-pooled`, or leave `effect-size` out of the tipping point",
            ));
        }
        known.arm(&self.arm)?;
        if known.arms().first() == Some(&self.arm) {
            return Err(Error::nothing_to_compare(
                "a tipping point",
                format!("`{}` is the reference arm, with which others are compared", self.arm),
                "name another arm; amounts for the reference arm are `versus-shifts`",
            ));
        }
        self.imputation.check(known)
    }
}
