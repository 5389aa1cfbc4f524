//! [`Model`]: what is assumed.

mod formula;
mod identified;
mod names;
mod partially_nested;
mod redrawn;
mod subgroup;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod written;

pub use partially_nested::{GroupEffect, PartiallyNested, WithinArms};
#[cfg(feature = "planning")]
pub(crate) use redrawn::OtherOutcomes;

use crate::covariance::Covariance;
use crate::design::{
    Baseline, Clusters, Design, DesignOptions, FrozenDesign, MeanModel, ModelFormula, Occurring, PatientClusters, RandomEffects,
};
use crate::error::{Error, Message, Result, Setting};
use crate::fit::classes::Classes;
use crate::fit::cost::Work;
use crate::fit::matrix_free::are_built_for;
use crate::fit::optimum::Optimum;
use crate::fit::{Engine, Estimation, Failure, TrialMoments};
use crate::inference::fallback::{Fallback, first_that_fits};
use crate::inference::{Df, Fit, InformationKind, MomentsFit, Settings, Vcov};
use crate::trial::{Protocol, Trial};
use formula::{WithinNames, no_random_effects};
use std::sync::Arc;

/// A mixed model for repeated measurements: the mean, the covariance among a patient's visits, how both are
/// estimated, and the method for degrees of freedom.
///
/// | setting | default |
/// |---|---|
/// | [`random`](Model::random) | none |
/// | [`covariance`](Model::covariance) | unstructured; independent where random effects of the patients are stated |
/// | [`covariance_else`](Model::covariance_else) | none: where the structure cannot be fitted, that is an error |
/// | [`covariance_by`](Model::covariance_by) | one covariance for everyone |
/// | [`estimation`](Model::estimation) | REML |
/// | [`df`](Model::df) | Satterthwaite |
/// | [`information`](Model::information) | observed |
/// | [`vcov`](Model::vcov) | model-based |
/// | [`clusters`](Model::clusters) | of a cluster-robust covariance: the highest |
/// | [`weights`](Model::weights) | none |
/// | [`visits`](Model::visits) | all, without the baseline visit where the baseline is a covariate |
///
/// # In a file
/// A model is read from and written to TOML and JSON, with the names of these methods in kebab-case and defaults left
/// out:
///
/// ```
/// # use trialstats::Model;
/// let model: Model = serde_json::from_str(
///     r#"{
///         "formula": "caps5 ~ site + arm * visit",
///         "baseline": "constrained",
///         "random": ["(1 | therapist)"],
///         "covariance": "unstructured",
///         "covariance-else": ["heterogeneous-toeplitz", "compound-symmetry"],
///         "df": "kenward-roger"
///     }"#,
/// )?;
/// assert_eq!(model.to_string(), "caps5 ~ site + arm * visit + (1 | therapist) + us(visit | patient)");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// `formula` is anything that [`Model::formula`] takes, random effects and covariance included; its right-hand side
/// alone, or nothing for `arm * visit`, is the model of outcomes that are named later ([`Model::of_outcome`]). A
/// covariance structure of your own has no name that a file could hold: set it after the model was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    mean: MeanModel,
    /// As stated; see [`Model::covariance_for`] where it is not.
    covariance: Option<Covariance>,
    /// What a formula calls visit and patient in `us(visit | patient)`.
    within: Option<WithinNames>,
    fallbacks: Vec<Covariance>,
    estimation: Estimation,
    df: Df,
    information: InformationKind,
    vcov: Vcov,
    clusters: Clusters,
    options: DesignOptions,
    allows_costly: bool,
}

/// The usual mean, `arm * visit`, of an outcome that is named later, and the defaults for all else.
impl Default for Model {
    fn default() -> Self {
        Self::new(MeanModel::usual())
    }
}

impl Model {
    /// A model with this mean and the defaults for all else.
    pub fn new(mean: MeanModel) -> Self {
        Self {
            mean,
            covariance: None,
            within: None,
            fallbacks: vec![],
            estimation: Estimation::default(),
            df: Df::default(),
            information: InformationKind::default(),
            vcov: Vcov::default(),
            clusters: Clusters::default(),
            options: DesignOptions::default(),
            allows_costly: false,
        }
    }

    /// The same model of another outcome; see [`MeanModel::of_outcome`].
    pub fn of_outcome(mut self, name: impl Into<String>) -> Self {
        self.mean = self.mean.of_outcome(name);
        self
    }

    pub(crate) fn map_mean(self, change: impl FnOnce(MeanModel) -> MeanModel) -> Self {
        Self { mean: change(self.mean), ..self }
    }

    /// The model with the mean of a right-hand side, and with the random effects and the covariance that it states;
    /// all else stays.
    pub(crate) fn with_right_hand_side(mut self, text: &str) -> Result<Self> {
        let stated = Self::right_hand_side(text)?;
        let baseline = self.mean.stated_baseline();
        self.mean = baseline.into_iter().fold(stated.mean.of_outcome(self.mean.outcome_name()), MeanModel::with_baseline);
        if !stated.options.random.is_empty() {
            self.options.random = stated.options.random;
        }
        if stated.covariance.is_some() {
            (self.covariance, self.options.group, self.within) = (stated.covariance, stated.options.group, stated.within);
        }
        Ok(self)
    }

    /// A model given by a formula: the mean, random effects, and the covariance of a patient's visits.
    ///
    /// | part | example | where it is absent |
    /// |---|---|---|
    /// | the mean | `caps5 ~ baseline + site + arm * visit` | |
    /// | random effects, any number of times | `(1 \| therapist)`, `(0 + gst \| group)`, `(1 + days \| patient)`: [`RandomEffects`] | none |
    /// | the covariance of a patient's visits | `us(visit \| patient)`, `ar1h(visit \| arm / patient)` for one of each arm | that of [`Model::covariance`] |
    ///
    /// A covariance structure has the name that [`Covariance::named`] knows, in full or short, in backquotes where it
    /// has more than letters and hyphens: `` `toeplitz(3)`(visit | patient) ``. A spatial structure names its
    /// coordinates in place of the visit, `sp_exp(days | patient)`, or `visit` for the schedule's times. Where the
    /// formula has random effects `(… | patient)` and no structure, what they leave is independent, as in R's lme4;
    /// else the covariance is unstructured.
    ///
    /// ```
    /// use trialstats::Model;
    /// let model = Model::formula("caps5 ~ baseline + arm * visit + (1 | therapist) + (0 + gst | group) + us(visit | patient)")?;
    /// assert_eq!(model.random_effects().len(), 2);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Formula`] says where the formula cannot be understood.
    pub fn formula(formula: &str) -> Result<Self> {
        let ModelFormula { mean, random, within } = ModelFormula::parse(formula)?;
        let model = random.into_iter().fold(Self::new(mean), Self::random);
        match within {
            None => Ok(model),
            Some(within) => model.with_covariance_of_formula(formula, within),
        }
    }

    /// The covariance among a patient's visits.
    pub fn covariance(mut self, covariance: Covariance) -> Self {
        self.covariance = Some(covariance);
        // Names for visit and patient are those of the structure in a formula.
        self.within = None;
        self
    }

    /// Adds random effects; see [`RandomEffects`].
    pub fn random(mut self, effects: RandomEffects) -> Self {
        self.options.random.push(effects);
        self
    }

    /// Adds a random intercept of each level of a factor: `(1 | factor)`.
    pub fn random_intercept(self, factor: impl Into<String>) -> Self {
        self.random(RandomEffects::of(factor))
    }

    /// Structures to fall back on, in this order, agreed before the data are seen: the next is tried where the one
    /// before has no verified optimum and another may have one
    /// ([`Failure::depends_on_covariance`](crate::fit::Failure::depends_on_covariance)). What was rejected, and why,
    /// is in [`Fit::attempts`](MomentsFit::attempts) and in the notes of every table.
    ///
    /// What repeats a fit (influence, bootstrap of a fit, [`Fit::refitter`]) keeps the structure that was found.
    ///
    /// ```
    /// use trialstats::{Covariance, Layout, Model};
    ///
    /// # fn main() -> trialstats::Result<()> {
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT").outcome("CHANGE").read_csv("data-samples/antidepressant/antidepressant.csv")?;
    /// let fit = Model::formula("CHANGE ~ THERAPY * VISIT")?
    ///     .covariance(Covariance::Unstructured)
    ///     .covariance_else([Covariance::HeterogeneousToeplitz, Covariance::CompoundSymmetry])
    ///     .fit(&trial)?;
    /// assert!(fit.attempts().is_empty());
    /// assert_eq!(fit.covariance_structure().to_string(), "unstructured");
    /// # Ok(())
    /// # }
    /// ```
    pub fn covariance_else(mut self, structures: impl IntoIterator<Item = Covariance>) -> Self {
        self.fallbacks = structures.into_iter().collect();
        self
    }

    /// A covariance of its own for every level of a patient-level factor such as `arm`.
    pub fn covariance_by(mut self, group: impl Into<String>) -> Self {
        self.options.group = Some(group.into());
        self
    }

    /// Restricted or full maximum likelihood.
    pub fn estimation(mut self, estimation: Estimation) -> Self {
        self.estimation = estimation;
        self
    }

    /// The method for degrees of freedom.
    pub fn df(mut self, df: Df) -> Self {
        self.df = df;
        self
    }

    /// The information of the covariance parameters behind Satterthwaite's and Kenward and Roger's methods.
    pub fn information(mut self, information: InformationKind) -> Self {
        self.information = information;
        self
    }

    /// The covariance of the coefficients: model-based, or cluster-robust over the [clusters](Model::clusters).
    pub fn vcov(mut self, vcov: Vcov) -> Self {
        self.vcov = vcov;
        self
    }

    /// The clusters of a cluster-robust covariance: patients, the levels of a factor above them, or (the default) the
    /// highest that the random effects of the model make, patients where it has none.
    ///
    /// ```
    /// use trialstats::design::Clusters;
    /// use trialstats::{Layout, Model, Vcov};
    ///
    /// # fn main() -> trialstats::Result<()> {
    /// // Made up: patients of arm b are treated in groups of two.
    /// let mut file = String::from("id,arm,visit,group,y\n");
    /// for (i, y) in [3.0, 5.0, 4.0, 6.0, 2.0, 7.0, 4.5, 5.5, 1.0, 2.5, 3.5, 6.5].iter().enumerate() {
    ///     let (arm, group) = if i < 6 { ("a", String::new()) } else { ("b", format!("g{}", i / 2)) };
    ///     file += &format!("{i},{arm},1,{group},{y}\n");
    /// }
    /// let trial = Layout::long("id", "arm", "visit").outcome("y").cluster("group").read_csv_from("made up", file.as_bytes())?;
    /// let fit = Model::formula("y ~ arm")?.vcov(Vcov::Cr2).clusters(Clusters::by("group")).fit(&trial)?;
    /// assert!(fit.notes().iter().any(|n| n.contains("CR2, 3 clusters by `group` and 6 patients in none")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn clusters(mut self, clusters: Clusters) -> Self {
        self.clusters = clusters;
        self
    }

    /// A numeric variable of positive observation weights w; the residual variance of an observation is σ²/w.
    pub fn weights(mut self, variable: impl Into<String>) -> Self {
        self.options.weights = Some(variable.into());
        self
    }

    /// Lets a fit begin that would take more than two minutes or four gigabytes, as an unstructured covariance of a hundred
    /// visits does; such a fit is [refused](crate::fit::Failure::Costly) otherwise, with what it would take and why.
    pub fn allow_costly(mut self, allow: bool) -> Self {
        self.allows_costly = allow;
        self
    }

    /// Whether a costly fit may begin.
    pub fn allows_costly(&self) -> bool {
        self.allows_costly
    }

    /// The visits to analyse, by label.
    pub fn visits<S: Into<String>>(mut self, visits: impl IntoIterator<Item = S>) -> Self {
        self.options.visits = Some(visits.into_iter().map(Into::into).collect());
        self
    }

    /// The mean model.
    pub fn mean(&self) -> &MeanModel {
        &self.mean
    }

    /// Says what is done with the baseline, which a formula alone does not: see [`MeanModel::with_baseline`].
    pub fn baseline(mut self, baseline: Baseline) -> Self {
        self.mean = self.mean.with_baseline(baseline);
        self
    }

    /// The covariance among a patient's visits, where one is stated.
    pub fn stated_covariance(&self) -> Option<&Covariance> {
        self.covariance.as_ref()
    }

    /// The structures to fall back on.
    pub fn fallbacks(&self) -> &[Covariance] {
        &self.fallbacks
    }

    /// The covariance of the estimates.
    pub fn vcov_kind(&self) -> Vcov {
        self.vcov
    }

    /// The method for degrees of freedom.
    pub fn df_method(&self) -> Df {
        self.df
    }

    /// The likelihood that is maximised.
    pub fn likelihood(&self) -> Estimation {
        self.estimation
    }

    /// The factor whose levels each have a covariance of their own, where there is one.
    pub fn covariance_group(&self) -> Option<&str> {
        self.options.group.as_deref()
    }

    /// The random effects in their order.
    pub fn random_effects(&self) -> &[RandomEffects] {
        &self.options.random
    }

    /// The design of the model for a trial: who is analysed, at which visits, the model matrix, and who belongs to
    /// which level of the random effects.
    ///
    /// # Errors
    /// As [`Design::build`].
    pub fn design(&self, trial: &Trial) -> Result<Design> {
        if let Some(names) = &self.within {
            names.check(trial)?;
        }
        Design::build(trial, &self.mean, &self.options)
    }

    /// The design of the model for every data set of one protocol, agreed before the data are seen: see
    /// [`TrialMoments`](crate::fit::TrialMoments).
    ///
    /// # Errors
    /// As [`Model::fit`], for what does not depend on the patients.
    pub fn freeze(&self, protocol: &Protocol) -> Result<FrozenDesign> {
        FrozenDesign::new(protocol, &self.mean, &self.options)
    }

    /// Fits the model to moments, which may come from several files or sites: the same fit as from all their
    /// patients, to rounding. What needs every patient's row is not there: residuals and predictions are a [`Fit`]'s, and
    /// cluster-robust standard errors and between-within degrees of freedom are [refused](Error::NoPatients).
    ///
    /// # Errors
    /// [`Error::DesignsDiffer`] where the moments were collected for another model; otherwise as [`Model::fit`].
    pub fn fit_moments(&self, moments: &TrialMoments) -> Result<MomentsFit> {
        self.check_df()?;
        let rows = |what: String| Err(Error::NoPatients { what });
        if self.vcov.is_cluster_robust() {
            return rows(format!("{} standard errors", self.vcov.words()));
        }
        if self.df == Df::BetweenWithin {
            return rows(format!("{} degrees of freedom", self.df.words()));
        }
        let own = self.freeze(moments.design().protocol())?;
        if let Some((what, here, there)) = own.difference(moments.design()) {
            return Err(Error::DesignsDiffer { what, here, there });
        }
        let occurring = moments.occurring()?;
        let collect = |kept: &[usize], rows: &_| moments.for_fit(&occurring, kept, rows);
        let (columns, account) = (&occurring.columns, &occurring.account);
        let bind = |covariance: &Covariance| covariance.bind_in(&columns.visits, &columns.visit_times, None);
        let fit = |structure| Optimum::of_moments(columns, account, structure, self.estimation, collect);
        let found = first_that_fits(&self.covariance_for(&[]), &self.fallbacks, bind, fit)?;
        let (optimum, settings) = self.found(found);
        let Occurring { columns, account, .. } = occurring;
        Ok(MomentsFit::new(Arc::new(columns), Arc::new(account), settings, optimum))
    }

    /// Fits the model to a trial.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a variable that the trial does not have, [`Error::Invalid`] for settings that do not go
    /// together, [`Error::Fit`] where the likelihood has no verified optimum, [`Error::NoCovarianceFits`] where it
    /// has none under any of several structures.
    pub fn fit(&self, trial: &Trial) -> Result<Fit> {
        self.check_df()?;
        let mut design = self.design(trial)?;
        self.goes_with_clusters(&design)?;
        design.set_clusters(clusters_for(self.df, self.vcov, &self.clusters, &design, trial)?);
        let bind = |covariance: &Covariance| Ok((self.classes(covariance, &design, trial)?, Engine::of(covariance, &design)));
        let fit = |(classes, engine): (Classes, Engine)| {
            self.check_cost(&design, &classes, engine)?;
            Optimum::by(engine, &design, classes, self.estimation)
        };
        let first = with_levels(&self.covariance_for(design.random()), &design, trial)?;
        let fallbacks = self.fallbacks.iter().map(|c| with_levels(c, &design, trial)).collect::<Result<Vec<_>>>()?;
        let found = first_that_fits(&first, &fallbacks, bind, fit)?;
        let (optimum, settings) = self.found(found);
        Ok(Fit::new(design, settings, optimum))
    }

    /// Refuses what would take long, unless it may.
    fn check_cost(&self, design: &Design, classes: &Classes, engine: Engine) -> std::result::Result<(), Failure> {
        let slopes = matches!(self.df, Df::Satterthwaite) && !self.vcov.is_cluster_robust() || self.df.adjusts_covariance();
        let work = Work {
            design,
            engine,
            parameters: classes.structures[0].parameter_names(&design.columns.visit_labels).len() * design.columns.groups.len(),
            slopes,
            adjusted: self.df.adjusts_covariance(),
            robust: self.vcov.is_cluster_robust() && self.df == Df::Satterthwaite,
            unstructured: are_built_for(classes),
            expected: self.information == InformationKind::Expected,
        };
        // More parameters than observations are refused for that, whatever they would cost.
        let hopeless = work.parameters > design.n_observations();
        if self.allows_costly || hopeless { Ok(()) } else { work.check() }
    }

    /// A covariance structure on the design's visits; one for each set of coordinates where it takes them from the
    /// patients.
    fn classes(&self, covariance: &Covariance, design: &Design, trial: &Trial) -> Result<Classes> {
        if covariance.depends_on_order() && design.columns.visits.len() > 2 {
            trial.schedule().must_be_ordered(format!("covariance `{covariance}`"))?;
        }
        identified::check_identified(design, covariance)?;
        match covariance.coordinate_columns() {
            [] => Ok(covariance.bind_in(&design.columns.visits, &design.columns.visit_times, None)?.into()),
            _ if self.vcov.is_cluster_robust() => Err(Error::not_built(
                format!("{} with {covariance}", self.vcov.words()),
                "the sandwich is not built for a covariance whose coordinates differ by patient",
                "use the model-based covariance, or a structure on the scheduled visits",
            )),
            columns => {
                let own = &design.columns;
                let at = match covariance.factor_of_variances() {
                    Some(factor) => design.level_codes(trial, factor)?.1,
                    None => design.coordinates(trial, columns)?,
                };
                Classes::at(&with_levels(covariance, design, trial)?, &own.visits, &own.visit_times, &at)
            }
        }
    }

    /// The optimum, with all that the model was asked for.
    fn found(&self, (optimum, covariance, fallback): (Optimum, Covariance, Fallback)) -> (Optimum, Settings) {
        let (estimation, df, information, vcov) = (self.estimation, self.df, self.information, self.vcov);
        (optimum, Settings { covariance, estimation, df, information, vcov, fallback })
    }

    /// Refuses what is not defined for, or not built for, a model with random effects of clusters.
    fn goes_with_clusters(&self, design: &Design) -> Result<()> {
        let Some(term) = design.random().first() else { return Ok(()) };
        let refused = |what: String, remedy: Message| {
            Err(Error::not_built(
                what,
                format!("the model has random effects of `{}`, for which the method is not built", term.factor),
                remedy,
            ))
        };
        match self.df {
            Df::BetweenWithin | Df::KenwardRoger2 => refused(
                format!("{} degrees of freedom", self.df.words()),
                Message::from("use ").setting(Setting::Satterthwaite).then(" or ").setting(Setting::KenwardRoger),
            ),
            _ => Ok(()),
        }
    }

    fn check_df(&self) -> Result<()> {
        go_together(self.df, self.estimation, self.vcov)
    }

    /// Mean and data of one response of a joint model; what the joint model decides for all of them must not have
    /// been set here.
    pub(crate) fn response(&self) -> Result<(&MeanModel, &DesignOptions)> {
        let set = match self {
            _ if !matches!(self.covariance, None | Some(Covariance::Unstructured)) => "covariance",
            _ if !self.options.random.is_empty() => return Err(no_random_effects("a joint model", &self.options.random[0])),
            _ if !self.fallbacks.is_empty() => "list of covariances to fall back on",
            _ if self.estimation != Estimation::default() => "estimation",
            _ if self.df != Df::default() => "method for degrees of freedom",
            _ if self.information != InformationKind::default() => "kind of information",
            _ if self.vcov != Vcov::default() => "covariance of the estimates",
            _ if self.clusters != Clusters::default() => "clusters",
            _ => return Ok((&self.mean, &self.options)),
        };
        Err(Error::conflict(
            format!("the {set} of `{}` as one response of a joint model", self.mean),
            "it is one for all responses",
            "set it on the joint model",
        ))
    }
}

/// A structure with the levels of the factor whose levels have a variance each, where there is one.
fn with_levels(covariance: &Covariance, design: &Design, trial: &Trial) -> Result<Covariance> {
    match covariance.factor_of_variances() {
        Some(factor) => Ok(covariance.clone().with_levels(&design.level_codes(trial, factor)?.0)),
        None => Ok(covariance.clone()),
    }
}

/// Refuses Kenward and Roger's adjustment under full maximum likelihood and of a covariance that is not model-based.
pub(crate) fn go_together(df: Df, estimation: Estimation, vcov: Vcov) -> Result<()> {
    if df.adjusts_covariance() && estimation == Estimation::Ml {
        return Err(Error::conflict(
            format!("{} degrees of freedom", df.words()),
            "the method is defined for restricted maximum likelihood only",
            Message::from("use ").setting(Setting::Reml).then(", or ").setting(Setting::Satterthwaite),
        ));
    }
    if df.adjusts_covariance() && vcov.is_cluster_robust() {
        return Err(Error::conflict(
            format!("{} degrees of freedom with {} standard errors", df.words(), vcov.words()),
            "Kenward and Roger's adjustment is one of the model-based covariance",
            Message::from("use ").setting(Setting::Satterthwaite).then(", or ").setting(Setting::ModelBased),
        ));
    }
    Ok(())
}

/// The clusters of a cluster-robust covariance; none where there is no such covariance.
pub(crate) fn clusters_for(df: Df, vcov: Vcov, asked: &Clusters, design: &Design, trial: &Trial) -> Result<Option<PatientClusters>> {
    if !vcov.is_cluster_robust() {
        return match asked {
            Clusters::Highest => Ok(None),
            _ => Err(Error::conflict(
                format!("clusters ({}) with {} standard errors", asked.words(), vcov.words()),
                "they are those of a cluster-robust covariance",
                Message::from("use ").setting(Setting::Cr2).then(", or leave the clusters out"),
            )),
        };
    }
    let clusters = design.patient_clusters(trial, asked)?;
    if df == Df::BetweenWithin && clusters.above_patients() {
        return Err(Error::conflict(
            format!("{} degrees of freedom with clusters of patients", df.words()),
            "they count patients as independent",
            Message::from("use ").setting(Setting::Satterthwaite),
        ));
    }
    Ok(Some(clusters))
}
