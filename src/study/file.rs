//! A study in a file: the plan, the truth, and what is asked.

use super::costs::Costs;
use super::looks::Looks;
use super::reestimation::Reestimation;
use super::truth::TrialTruth;
use crate::analysis::{EventFrom, Plan};
use crate::closest::closest;
use crate::error::{Error, PlanProblem, PlanProblems, Result};
use crate::means::Margin;

/// A study: the plan that will analyse the data, the truth that trials are made from, and what is asked of them.
///
/// In a file the tables `[truth]` ([`TrialTruth`]) and `[study]` ([`StudySettings`]) stand beside the plan's own keys, or in
/// a file of their own that names the plan: `plan = "plan.toml"`.
///
/// ```
/// use trialstats::analysis::Silent;
/// use trialstats::study::StudyFile;
///
/// let file = StudyFile::from_toml(r#"
///     primary = "y"
///
///     [study]
///     trials = 200
///
///     [truth]
///     visits = ["0", "1", "2"]
///     sd = [1, 1, 1]
///     correlation = { exchangeable = 0.5 }
///     arms = [{ name = "a", patients = 40, means = [0, 0, 0] }, { name = "b", patients = 40, d = 0.6 }]
/// "#)?;
/// let found = file.run(&Silent)?;
/// let power = &found.base().characteristics.rows[0].successes;
/// assert!((power.share - found.base().theory[0].power).abs() < 4.0 * power.error + 0.02);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct StudyFile {
    /// The plan.
    pub plan: Plan,
    /// The truth.
    pub truth: TrialTruth,
    /// What is asked.
    pub settings: StudySettings,
}

/// What is asked of the simulated trials.
///
/// | key | default | meaning |
/// |---|---|---|
/// | `trials` | 1000 | trials at every point; with `precision` the most there may be |
/// | `precision` | none | stop where the Monte-Carlo standard error of the power is this small |
/// | `seed` | that of the plan | seed of all trials |
/// | `power` | 0.9 | the power sought |
/// | `find` | nothing | `["patients"]`, `["effect"]` or both: what gives that power |
/// | `[study.vary]` | nothing | [`Vary`]: values of one assumption at a time |
/// | `margin` | none | `{ non-inferiority = { margin = 3, better = "lower" } }`: asked of the primary contrast as well |
/// | `null` | false | also without any effect: the type I error |
/// | `[study.looks]` | none | [`Looks`] |
/// | `[study.reestimation]` | none | [`Reestimation`]: the number of patients estimated again from blinded data |
/// | `[study.costs]` | none | [`Costs`]: the cheapest design with the power sought |
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct StudySettings {
    /// Trials at every point.
    pub trials: u64,
    /// The Monte-Carlo standard error of the power at which a point is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<f64>,
    /// The seed; that of the plan unless stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The power sought.
    pub power: f64,
    /// What gives it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub find: Vec<Find>,
    /// Values of one assumption at a time.
    #[serde(skip_serializing_if = "crate::written::is_default")]
    pub vary: Vary,
    /// A margin that the primary contrast is held to as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<Margin>,
    /// Whether trials without any effect are simulated too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub null: bool,
    /// Interim looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
    /// The number of patients estimated again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reestimation: Option<Reestimation>,
    /// What patients and groups cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub costs: Option<Costs>,
}

impl Default for StudySettings {
    fn default() -> Self {
        Self {
            trials: 1000,
            precision: None,
            seed: None,
            power: 0.9,
            find: vec![],
            vary: Vary::default(),
            margin: None,
            null: false,
            looks: None,
            reestimation: None,
            costs: None,
        }
    }
}

/// What is sought.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Find {
    /// The number of patients with the power sought, shared between the arms as in the truth.
    Patients,
    /// The effect size d with the power sought: the minimal detectable effect.
    Effect,
}

crate::options::choices! {
    Find, "quantity to find":
    Patients = "patients", ["n"], "the number of patients that gives the power sought";
    Effect = "effect", ["d"], "the effect size that gives the power sought";
}

/// Values of one assumption at a time, all others as the truth has them.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Vary {
    /// Patients of all arms together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patients: Vec<usize>,
    /// The effect size d of every arm but the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effect: Vec<f64>,
    /// Share of patients who have left by the last visit, in all arms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropout: Vec<f64>,
    /// The intraclass correlation of the first factor of clusters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub icc: Vec<f64>,
    /// Patients per cluster of the first factor of clusters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group_size: Vec<usize>,
    /// Share of patients who have had the first intercurrent event before the last visit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<f64>,
    /// Patients of every other arm per patient of the first, as many in all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allocation: Vec<f64>,
}

impl StudyFile {
    /// A study from its parts.
    ///
    /// # Errors
    /// As [`TrialTruth::check`], [`Error::Invalid`] for settings that make no sense, and [`Error::Plan`] for events of the plan that
    /// the truth does not have.
    pub fn new(plan: Plan, truth: TrialTruth, settings: StudySettings) -> Result<Self> {
        truth.check()?;
        settings.check()?;
        if truth.outcome != plan.primary {
            return Err(Error::unknown("outcome of the truth", &plan.primary, &[truth.outcome.as_str()]));
        }
        check_events(&plan, &truth)?;
        Ok(Self { plan, truth, settings })
    }

    /// The seed of all trials.
    pub fn seed(&self) -> u64 {
        self.settings.seed.unwrap_or(self.plan.seed)
    }

    /// A fingerprint of the study: that of everything its results depend on.
    pub(super) fn fingerprint(&self) -> Result<String> {
        let text = format!("{}\n{:?}\n{:?}\n{}", self.plan.to_toml()?, self.truth, self.settings, env!("CARGO_PKG_VERSION"));
        crate::seal::fingerprint(&text)
            .map_err(|e| Error::made_in_rust("the fingerprint of the study", e.to_string(), "state the study in a file"))
    }
}

/// Refuses events of the plan of which the truth does not say who has them.
fn check_events(plan: &Plan, truth: &TrialTruth) -> Result<()> {
    let known: Vec<&str> = truth.events.iter().map(|event| event.name.as_str()).collect();
    let absent = plan.events.iter().filter(|event| event.from != EventFrom::Dropout && !known.contains(&event.name.as_str()));
    let problem = |name: &str| {
        let meant = closest(name, &known).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        let error = Error::incomplete(
            format!("the event `{name}` of the plan"),
            format!("the truth has no event of this name{meant}"),
            "say who has it when: `[[truth.events]]` with this `name`",
        );
        PlanProblem::new(format!("event, `{name}`"), error.code(), error.to_string())
    };
    let problems: Vec<PlanProblem> = absent.map(|event| problem(&event.name)).collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::Plan(PlanProblems(problems))) }
}

impl StudySettings {
    fn check(&self) -> Result<()> {
        if self.trials < 2 {
            return Err(Error::too_few_replicates(
                "`trials` of the study",
                format!("{} says nothing", self.trials),
                "ask for 1000 or more",
            ));
        }
        if !(self.power > 0.0 && self.power < 1.0) {
            return Err(Error::out_of_range(
                format!("a `power` of {}", self.power),
                "it does not lie between 0 and 1",
                "give one such as 0.9",
            ));
        }
        if self.precision.is_some_and(|p| !(p > 0.0 && p < 0.5)) {
            return Err(Error::out_of_range(
                "the `precision` of the study",
                "it is no standard error of a share",
                "give one such as 0.005",
            ));
        }
        self.looks.iter().try_for_each(Looks::check)?;
        self.reestimation.iter().try_for_each(Reestimation::check)?;
        if self.costs.is_some_and(|costs| !costs.are_sensible()) {
            return Err(Error::out_of_range("`study.costs`", "a cost is below zero or no number", "give what a patient and a group cost"));
        }
        let bad = |what: &str| {
            Err(Error::out_of_range(format!("`vary.{what}`"), "a value lies outside its range", "give values that a trial can have"))
        };
        match &self.vary {
            v if v.patients.contains(&0) => bad("patients"),
            v if v.group_size.contains(&0) => bad("group-size"),
            v if v.dropout.iter().any(|x| !(0.0..1.0).contains(x)) => bad("dropout"),
            v if v.events.iter().any(|x| !(0.0..1.0).contains(x)) => bad("events"),
            v if v.icc.iter().any(|x| !(0.0..1.0).contains(x)) => bad("icc"),
            v if v.allocation.iter().any(|x| !(*x > 0.0 && x.is_finite())) => bad("allocation"),
            v if v.effect.iter().any(|x| !x.is_finite()) => bad("effect"),
            _ => Ok(()),
        }
    }
}
