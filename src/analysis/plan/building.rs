//! A plan made in Rust, setting by setting.

use super::{
    Baseline, BaselineFrom, Clustering, Covariance, Definition, Denominator, Df, EffectPlan, Estimand, Estimation, EventPlan,
    ImputationPlan, IndividualChange, Layout, Model, Multiplicity, OtherModel, Plan, PopulationPlan, Positive, ReportSettings, Sensitivity,
    Subgroup, TippingPlan, TrialPlan, Unobserved,
};
use crate::error::Result;

impl Plan {
    /// What the columns of the data file mean.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = Some(layout);
        self
    }

    /// What is said of the trial: title, registration, data file, population.
    pub fn trial(mut self, trial: TrialPlan) -> Self {
        self.trial = trial;
        self
    }

    /// Adds an estimand.
    pub fn estimand(mut self, estimand: Estimand) -> Self {
        self.estimands.push(estimand);
        self
    }

    /// Adds an intercurrent event in the data.
    pub fn event(mut self, event: EventPlan) -> Self {
        self.events.push(event);
        self
    }

    /// The visit of primary interest.
    pub fn at(mut self, visit: impl Into<String>) -> Self {
        self.at = visit.into();
        self
    }

    /// Adds a secondary outcome, analysed by the same model.
    pub fn secondary(mut self, outcome: impl Into<String>) -> Self {
        self.secondary.push(outcome.into());
        self
    }

    /// The model of every outcome. An outcome that its mean names is not looked at.
    pub fn model(mut self, model: Model) -> Self {
        self.model = model.of_outcome("");
        self
    }

    /// The right-hand side of the model's formula, such as `site + arm * visit`; it may have random effects and a
    /// covariance structure, as in [`Model::formula`]. All else that the plan says of the model stays.
    ///
    /// # Errors
    /// [`Error::Formula`](crate::Error::Formula) says where it cannot be understood.
    pub fn formula(mut self, right_hand_side: &str) -> Result<Self> {
        self.model = self.model.with_right_hand_side(right_hand_side)?;
        Ok(self)
    }

    /// What is done with the baseline measurement.
    pub fn baseline(mut self, baseline: Baseline) -> Self {
        self.model = self.model.baseline(baseline);
        self
    }

    /// The covariance among a patient's visits.
    pub fn covariance(mut self, covariance: Covariance) -> Self {
        self.model = self.model.covariance(covariance);
        self
    }

    /// Structures to fall back on, in this order, where the one before cannot be fitted; see
    /// [`Model::covariance_else`].
    pub fn covariance_else(mut self, structures: impl IntoIterator<Item = Covariance>) -> Self {
        self.model = self.model.covariance_else(structures);
        self
    }

    /// The likelihood.
    pub fn estimation(mut self, estimation: Estimation) -> Self {
        self.model = self.model.estimation(estimation);
        self
    }

    /// The method for degrees of freedom.
    pub fn df(mut self, df: Df) -> Self {
        self.model = self.model.df(df);
        self
    }

    /// What is said of effect sizes.
    pub fn effects(mut self, effects: EffectPlan) -> Self {
        self.effects = effects;
        self
    }

    /// Adds definitions of response or remission.
    pub fn responders(mut self, definitions: impl IntoIterator<Item = Definition>) -> Self {
        self.responders.definitions.extend(definitions);
        self
    }

    /// What is done in rates with patients who were not observed; each way is shown.
    pub fn unobserved(mut self, unobserved: impl IntoIterator<Item = Unobserved>) -> Self {
        self.responders.unobserved = unobserved.into_iter().collect();
        self
    }

    /// The confidence level, between 0 and 1.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }

    /// Bootstrap intervals of effect sizes from this many replicates; 0 for none.
    pub fn bootstrap(mut self, replicates: usize) -> Self {
        self.effects.bootstrap = replicates;
        self
    }

    /// The seed of everything random.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Where the baseline value of outcomes is found, for effect sizes and definitions of response.
    pub fn baseline_from(mut self, baseline: BaselineFrom) -> Self {
        self.baseline_from = baseline;
        self
    }

    /// Low scores are good: positive effect sizes mean improvement within an arm, and lower scores than the reference
    /// arm between arms.
    pub fn lower_is_better(mut self) -> Self {
        self.effects.positive = Positive::Fall;
        self
    }

    /// The standard deviation that effect sizes divide by.
    pub fn denominator(mut self, denominator: Denominator) -> Self {
        self.effects.denominator = denominator;
        self
    }

    /// The covariates, outcomes and diagnoses shown in the table of baseline characteristics, in this order.
    pub fn characteristics<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.report.characteristics = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Text for a variable in the table of baseline characteristics.
    pub fn label(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.report.labels.push((name.into(), text.into()));
        self
    }

    /// Adds a sensitivity analysis: the contrast of the primary outcome at the visit of primary interest, with its
    /// effect size, under models that take these clusters into account, beside the primary analysis, which stays what
    /// it is. See [`ClusterSensitivity`](crate::analysis::ClusterSensitivity) for what it gives.
    ///
    /// ```
    /// use trialstats::analysis::{ClusterModel, Clustering, Plan, Silent};
    /// # use trialstats::simulate::Gaussian;
    /// # fn main() -> trialstats::Result<()> {
    /// # let trial = Gaussian::new(["before", "after"]).arm("alone", 40, [5.0, 5.0]).arm("grouped", 40, [5.0, 4.0])
    /// #     .groups("group", "grouped", 8, [0.0, 1.0]).trial(1, 0)?;
    /// let plan = Plan::new("y").sensitivity_to_clusters(Clustering::new().groups("group"));
    /// let result = plan.run(&trial, &Silent)?;
    /// let clustering = result.clustering.expect("it was asked for");
    /// assert!(clustering.get(ClusterModel::PartiallyNested).is_some_and(|row| row.failure.is_none()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn sensitivity_to_clusters(mut self, clustering: Clustering) -> Self {
        self.sensitivity.push(Sensitivity::Clusters(clustering));
        self
    }

    /// Adds a sensitivity analysis: the primary contrast by another model, beside the primary analysis.
    ///
    /// ```
    /// use trialstats::analysis::{OtherModel, Plan, Silent};
    /// use trialstats::{Covariance, Layout};
    ///
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
    ///     .reference_arm("PLACEBO")
    ///     .outcome("CHANGE")
    ///     .covariate("BASVAL")
    ///     .read_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/antidepressant/antidepressant.csv"))?;
    /// let plan = Plan::new("CHANGE")
    ///     .formula("BASVAL * VISIT + THERAPY * VISIT")?
    ///     .sensitivity_to_model(OtherModel::new("compound symmetry").covariance(Covariance::CompoundSymmetry))
    ///     .analysis(OtherModel::new("at the first visit").at("4"));
    /// let result = plan.run(&trial, &Silent)?;
    /// let models = result.models.expect("they were asked for");
    /// assert!(models.get("compound symmetry").is_some_and(|row| row.failure.is_none()));
    /// assert_eq!(result.further.expect("one was asked for").rows.len(), 1);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn sensitivity_to_model(mut self, model: OtherModel) -> Self {
        self.sensitivity.push(Sensitivity::Model(model));
        self
    }

    /// Adds a sensitivity analysis: the primary outcome with missing values imputed by a strategy. See
    /// [`imputation`](crate::imputation).
    pub fn sensitivity_by_imputation(mut self, imputation: ImputationPlan) -> Self {
        self.sensitivity.push(Sensitivity::Imputation(imputation));
        self
    }

    /// Adds a sensitivity analysis: what would have to be added to imputed values for the primary conclusion to turn.
    pub fn tipping_point(mut self, tipping: TippingPlan) -> Self {
        self.sensitivity.push(Sensitivity::TippingPoint(tipping));
        self
    }

    /// Adds a sensitivity analysis: the primary contrast in a part of the patients, such as completers.
    pub fn sensitivity_in_population(mut self, population: PopulationPlan) -> Self {
        self.sensitivity.push(Sensitivity::Population(population));
        self
    }

    /// Adds a further analysis, by a model of its own, of any outcome at any visit.
    pub fn analysis(mut self, analysis: OtherModel) -> Self {
        self.analyses.push(analysis);
        self
    }

    /// Says which hypotheses are tested at one familywise level, and how.
    ///
    /// ```
    /// use trialstats::Layout;
    /// use trialstats::analysis::{Hypothesis, Multiplicity, Plan, Silent};
    /// use trialstats::multiplicity::Procedure;
    ///
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
    ///     .reference_arm("PLACEBO")
    ///     .outcome("CHANGE")
    ///     .covariate("BASVAL")
    ///     .read_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/antidepressant/antidepressant.csv"))?;
    /// let hypotheses = Multiplicity::new(Procedure::FixedSequence)
    ///     .hypothesis(Hypothesis::new("last visit"))
    ///     .hypothesis(Hypothesis::new("visit before").at("6"));
    /// let result = Plan::new("CHANGE").formula("BASVAL * VISIT + THERAPY * VISIT")?.multiplicity(hypotheses).run(&trial, &Silent)?;
    /// let decided = result.multiplicity.expect("it was asked for");
    /// assert_eq!(decided.rejected(), ["last visit", "visit before"]);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn multiplicity(mut self, multiplicity: Multiplicity) -> Self {
        self.multiplicity = Some(multiplicity);
        self
    }

    /// Adds a definition of individual change: its classes at the visit of primary interest are counted, compared between the
    /// arms and drawn, with the unobserved treated as [`unobserved`](Plan::unobserved) says.
    ///
    /// ```
    /// use trialstats::analysis::{Plan, Silent};
    /// use trialstats::change::{CutOff, IndividualChange, Norm, Reliability};
    /// use trialstats::means::Better;
    /// # use trialstats::Layout;
    /// # use trialstats::trial::BaselineFrom;
    /// # let layout = Layout::long("PATIENT", "THERAPY", "VISIT").reference_arm("PLACEBO").outcome("HAMDTL17").covariate("BASVAL");
    /// # let trial = layout.read_csv("data-samples/antidepressant/antidepressant.csv")?;
    /// let change = IndividualChange::by_reliability("HAMDTL17", Better::Lower, Reliability::test_retest(0.8).source("illustrative"))
    ///     .functional(Norm::new(4.0, 3.0).source("illustrative"))
    ///     .cut_off(CutOff::C);
    /// let plan = Plan::new("HAMDTL17").formula("BASVAL * VISIT + THERAPY * VISIT")?.individual_change(change);
    /// let result = plan.baseline_from(BaselineFrom::Covariate("BASVAL".into())).run(&trial, &Silent)?;
    /// println!("{}", result.individual_changes[0].rates);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn individual_change(mut self, change: IndividualChange) -> Self {
        self.individual_changes.push(change);
        self
    }

    /// Adds a subgroup analysis of the primary contrast; see [`SubgroupResult`](crate::analysis::SubgroupResult) for what it gives.
    ///
    /// ```
    /// use trialstats::Layout;
    /// use trialstats::analysis::{Plan, Silent, Subgroup};
    ///
    /// let trial = Layout::long("USUBJID", "ARMCD", "AVISIT")
    ///     .reference_arm("PBO")
    ///     .outcome("FEV1")
    ///     .covariate("SEX")
    ///     .read_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/fev/fev.csv"))?;
    /// let plan = Plan::new("FEV1").formula("ARMCD * AVISIT")?.subgroup(Subgroup::by("SEX").level("Male", "Men"));
    /// let result = plan.run(&trial, &Silent)?;
    /// assert!(result.subgroups[0].get("Men").is_some_and(|row| row.n > 0));
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn subgroup(mut self, subgroup: Subgroup) -> Self {
        self.subgroups.push(subgroup);
        self
    }

    /// Adds an instrument by its definition, which the layout names.
    pub fn instrument(mut self, definition: crate::instruments::InstrumentDefinition) -> Self {
        self.instruments.push(definition);
        self
    }

    /// The settings of the report.
    pub fn report(mut self, settings: ReportSettings) -> Self {
        self.report = settings;
        self
    }
}
