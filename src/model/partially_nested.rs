//! [`PartiallyNested`]: the model of a trial in which one arm is treated in groups and the other is not.

use super::Model;
use crate::covariance::Covariance;
use crate::design::{Baseline, MeanModel, RandomEffects};
use crate::error::{Error, Message, Result, Setting};
use crate::inference::{Df, Fit};
use crate::options::choices;
use crate::trial::{Trial, Variable};

/// What the members of a group share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum GroupEffect {
    /// One number at all visits: `(1 | group)`.
    #[default]
    Constant,
    /// A number and a slope on the visits' times, correlated: `(1 + time | group)`.
    Slope,
    /// A number per visit, uncorrelated, each visit with a variance of its own: `(0 + visit || group)`.
    ByVisit,
}

choices! {
    GroupEffect, "effect of a group":
    Constant = "constant", [], "one value at all visits, (1 | group)";
    Slope = "slope", [], "a value and a slope on time, correlated, (1 + time | group)";
    ByVisit = "by-visit", [], "a value per visit, uncorrelated, (0 + visit || group)";
}

/// Whether the arms have the covariance of a patient's visits in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WithinArms {
    /// Each arm has one of its own: the heteroscedastic model.
    #[default]
    Separate,
    /// One for all arms: the homoscedastic model.
    Common,
}

choices! {
    WithinArms, "covariance within arms":
    Separate = "separate", ["heteroscedastic"], "each arm has its own covariance among visits";
    Common = "common", ["homoscedastic"], "one covariance for all arms";
}

/// The partially nested model: patients of one arm sit in groups whose members share an effect, patients of the other
/// arm in none.
///
/// | setting | default |
/// |---|---|
/// | [`in_arm`](Self::in_arm) | the arms that have groups in the data |
/// | [`effect`](Self::effect) | one number per group |
/// | [`within`](Self::within) | a covariance of its own for each arm |
/// | [`covariance`](Self::covariance) | unstructured |
/// | [`df`](Self::df) | Satterthwaite |
///
/// Groups add to the variance in their arm alone, so the variances within patients must be free to differ between the
/// arms as well: the heteroscedastic model of Roberts & Roberts (2005, Clinical Trials 2:152–162), which kept type I
/// error and coverage where others did not in the simulations of Candlish et al. (2018, BMC Medical Research
/// Methodology 18:105). Groups are few, and degrees of freedom follow from their number.
///
/// Patients who are in no group have an empty cell in the data; there is no need for codes of groups of one, and a
/// code in an arm that is not treated in groups is refused. Where the baseline is part of the response with one mean
/// for all arms ([`Baseline::Constrained`]), the groups have no effect before treatment: `(0 + arm | group)`.
///
/// ```
/// use trialstats::design::MeanModel;
/// use trialstats::{Layout, PartiallyNested};
///
/// # fn main() -> trialstats::Result<()> {
/// # let file = "id,arm,month,y,group\na,ImRs,3,5,\nb,ImRs,3,7,\nc,ImRs,3,6,\nd,ImRs+GST,3,4,g1\ne,ImRs+GST,3,5,g1\nf,ImRs+GST,3,2,g2\ng,ImRs+GST,3,1,g2\n";
/// let trial = Layout::long("id", "arm", "month").outcome("y").cluster("group").read_csv_from("invented", file.as_bytes())?;
/// let model = PartiallyNested::new(MeanModel::parse("y ~ arm")?, "group").in_arm("ImRs+GST").model(&trial)?;
/// assert_eq!(model.to_string(), "y ~ arm + (1 | group) + us(visit | arm / patient)");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PartiallyNested {
    mean: MeanModel,
    group: String,
    arms: Vec<String>,
    effect: GroupEffect,
    within: WithinArms,
    covariance: Covariance,
    df: Df,
}

impl PartiallyNested {
    /// The model with this mean in which patients may share a level of the cluster factor `group`.
    pub fn new(mean: MeanModel, group: impl Into<String>) -> Self {
        Self {
            mean,
            group: group.into(),
            arms: vec![],
            effect: GroupEffect::default(),
            within: WithinArms::default(),
            covariance: Covariance::default(),
            df: Df::default(),
        }
    }

    /// States the arm that is treated in groups; given again, another one. A patient of any other arm in a group is
    /// then an error.
    pub fn in_arm(mut self, arm: impl Into<String>) -> Self {
        self.arms.push(arm.into());
        self
    }

    /// What the members of a group share.
    pub fn effect(mut self, effect: GroupEffect) -> Self {
        self.effect = effect;
        self
    }

    /// Whether the arms have the covariance of a patient's visits in common.
    pub fn within(mut self, within: WithinArms) -> Self {
        self.within = within;
        self
    }

    /// The covariance of a patient's visits.
    pub fn covariance(mut self, covariance: Covariance) -> Self {
        self.covariance = covariance;
        self
    }

    /// The method for degrees of freedom.
    pub fn df(mut self, df: Df) -> Self {
        self.df = df;
        self
    }

    /// The model for a trial, to which further settings can be added.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a cluster factor or an arm that the trial does not have; [`Error::Invalid`] where
    /// patients of other arms than those stated are in a group, or all arms have groups, which is no partial nesting.
    pub fn model(&self, trial: &Trial) -> Result<Model> {
        self.check(trial)?;
        let model = Model::new(self.mean.clone()).random(self.random_effects()).covariance(self.covariance.clone()).df(self.df);
        Ok(match self.within {
            WithinArms::Separate => model.covariance_by("arm"),
            WithinArms::Common => model,
        })
    }

    /// Fits the model to a trial.
    ///
    /// # Errors
    /// As [`PartiallyNested::model`] and [`Model::fit`].
    pub fn fit(&self, trial: &Trial) -> Result<Fit> {
        self.model(trial)?.fit(trial)
    }

    fn random_effects(&self) -> RandomEffects {
        let of = RandomEffects::of(&self.group);
        let after_baseline = self.mean.baseline_role() == Baseline::Constrained;
        match self.effect {
            GroupEffect::Constant if after_baseline => of.without_intercept().effect("arm"),
            GroupEffect::Constant => of,
            GroupEffect::Slope if after_baseline => of.without_intercept().effect("arm").interaction(&["arm", "time"]),
            GroupEffect::Slope => of.effect("time"),
            GroupEffect::ByVisit if after_baseline => of.without_intercept().interaction(&["arm", "visit"]).independent(),
            GroupEffect::ByVisit => of.without_intercept().effect("visit").independent(),
        }
    }

    fn check(&self, trial: &Trial) -> Result<()> {
        let groups = trial.cluster(&self.group)?;
        if let Some(stranger) = self.arms.iter().find(|a| !trial.arms().contains(a)) {
            return Err(Error::unknown("arm", stranger, trial.arms()));
        }
        let members = members(trial, groups);
        let what = || format!("the partially nested model with groups `{}`", self.group);
        let stated = |arm: usize| self.arms.is_empty() || self.arms.contains(&trial.arms()[arm]);
        if let Some(arm) = (0..members.len()).find(|&arm| members[arm] > 0 && !stated(arm)) {
            return Err(Error::clusters(
                what(),
                format!(
                    "patients of arm {} are in a group, {} in number, but the arm was not declared as having groups",
                    trial.arms()[arm],
                    members[arm]
                ),
                "leave the cells of patients without a group empty, or state the arm with in_arm",
            ));
        }
        if let Some(arm) = (0..members.len()).find(|&arm| members[arm] == 0 && !self.arms.is_empty() && stated(arm)) {
            return Err(Error::clusters(
                what(),
                format!("nobody in arm {} is in a group", trial.arms()[arm]),
                "check the arm and the column of the groups",
            ));
        }
        if members.iter().all(|&n| n > 0) {
            return Err(Error::clusters(
                what(),
                "every arm has groups",
                Message::from("leave the cells of patients without a group empty; where all arms have groups, use ")
                    .setting(Setting::RandomIntercept),
            ));
        }
        Ok(())
    }
}

/// The number of patients of each arm who are in a group at any visit.
fn members(trial: &Trial, groups: &Variable) -> Vec<usize> {
    let visits = trial.schedule().len();
    let belongs = |i: usize| (0..visits).any(|t| !groups.is_missing(i, t, visits));
    let mut members = vec![0; trial.arms().len()];
    (0..trial.patients().len()).filter(|&i| belongs(i)).for_each(|i| members[trial.arm_of()[i]] += 1);
    members
}
