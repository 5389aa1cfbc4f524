//! The truth of a trial that is planned, as data.

use super::accrual::Arrivals;
use super::covariation::Correlation;
use super::events::{EventTruth, check_names};
use super::missing::MissingTruth;
use super::pilot::Uncertainty;
use crate::analysis::misread;
use crate::error::{Error, Result};
use crate::simulate::random::lower_factor;
use crate::table::counted;
use std::collections::BTreeMap;

/// What is assumed about a trial before it begins: arms, means, covariance, therapists and groups, dropout.
///
/// It is the table `[truth]` of a [study's file](super::StudyFile), or made in Rust.
///
/// ```
/// use trialstats::study::TrialTruth;
///
/// let truth: TrialTruth = TrialTruth::from_toml(r#"
///     visits = ["0", "3", "6", "12"]
///     sd = [9, 12, 14, 15]
///     correlation = { autoregressive = 0.7 }
///
///     [[arms]]
///     name = "ImRs"
///     patients = 63
///     means = [40, 32, 27, 24]
///
///     [[arms]]
///     name = "ImRs+GST"
///     patients = 63
///     d = -0.5
///
///     [[clusters]]
///     factor = "group"
///     arm = "ImRs+GST"
///     size = 8
///     icc = 0.05
///
///     [missing]
///     left-by-end = 0.25
///     log-odds-per-sd = 0.3
/// "#)?;
/// let trial = truth.trial(1, 0)?;
/// assert_eq!(trial.randomized(), [63, 63]);
/// assert_eq!(trial.cluster("group")?.levels().len(), 8);
/// // Half a standard deviation at baseline below the reference.
/// assert!((truth.mean(1, 3) - (24.0 - 0.5 * 9.0)).abs() < 1e-12);
/// # Ok::<(), trialstats::Error>(())
/// ```
///
/// | key | default | meaning |
/// |---|---|---|
/// | `outcome` | `y` | name of the outcome |
/// | `visits` | none | labels in order; the first is the baseline |
/// | `times` | the positions 0, 1, … | when the visits are, in any unit (months of accrual count in it) |
/// | `sd` | none | standard deviation at each visit, all sources of variation together |
/// | `correlation` | none | `{ unstructured = [[…], …] }`, `{ exchangeable = ρ }` or `{ autoregressive = ρ }` |
/// | `bounds` | none | lowest and highest possible score: values beyond are set to them |
/// | `whole` | false | scores are rounded to whole numbers |
/// | `[[arms]]` | none | [`ArmTruth`] |
/// | `[[clusters]]` | none | [`ClusterTruth`] |
/// | `[[covariates]]` | none | [`CovariateTruth`] |
/// | `[missing]` | nobody is missing | [`MissingTruth`] |
/// | `[[events]]` | none | [`EventTruth`]: intercurrent events |
/// | `d-sd` | 0 | standard deviation of the effect `d` from trial to trial: what is not known of it (assurance) |
/// | `uncertainty` | none | [`Uncertainty`](super::Uncertainty): what is not known of means and covariance |
/// | `origins` | all invented | where values come from, by key: `arms = "published: …"` |
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrialTruth {
    /// Name of the outcome.
    #[serde(default = "usual_outcome")]
    pub outcome: String,
    /// Labels of the visits in order, the first being the baseline.
    pub visits: Vec<String>,
    /// When the visits are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<f64>,
    /// Standard deviation at each visit, all sources of variation together.
    pub sd: Vec<f64>,
    /// Correlation between visits.
    pub correlation: Correlation,
    /// The lowest and the highest possible score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<(f64, f64)>,
    /// Whether scores are whole numbers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// Standard deviation of the effects `d` from trial to trial.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub d_sd: f64,
    /// What is not known of means and covariance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<Uncertainty>,
    /// Where values come from, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, String>,
    /// Who is missing when.
    #[serde(default)]
    pub missing: MissingTruth,
    /// The arms, the reference first.
    pub arms: Vec<ArmTruth>,
    /// Therapists and groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<ClusterTruth>,
    /// Covariates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covariates: Vec<CovariateTruth>,
    /// Intercurrent events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventTruth>,
}

/// An arm: its patients and its means. Means are stated visit by visit, or by an effect size `d` against the first arm: the
/// mean is that of the first arm plus d times the standard deviation at baseline times `shape`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArmTruth {
    /// Its name.
    pub name: String,
    /// Patients randomized to it.
    pub patients: usize,
    /// Mean at each visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<Vec<f64>>,
    /// Cohen's d at the last visit against the first arm, in standard deviations at baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub d: Option<f64>,
    /// The share of the effect that is there at each visit; unless stated it grows evenly from 0 at baseline to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<f64>>,
    /// Who of the arm is missing when, where that is not as in the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<MissingTruth>,
}

/// Therapists, groups or sites: who shares one, and the share of the variance after the baseline that lies between them.
///
/// Groups of one arm have a `size` (filled in order; the last may be smaller) or `sizes` (used in turn). A `number` of
/// therapists or sites, of an arm or of all, are dealt the patients in turn. Sites of all arms that recruit at their own pace
/// have `rates`: patients enter them one after the other, the arms taking turns within each, and the trial is full when all patients have
/// entered somewhere. With the times of entry come the calendar times of [interim looks](super::Looks).
///
/// ```
/// use trialstats::study::TrialTruth;
///
/// let truth = TrialTruth::from_toml(r#"
///     visits = ["0", "6"]
///     times = [0, 6]       # months
///     sd = [1, 1]
///     correlation = { exchangeable = 0.5 }
///     arms = [{ name = "a", patients = 20, means = [0, 0] }, { name = "b", patients = 20, d = 0.5 }]
///
///     [[clusters]]
///     factor = "site"
///     rates = [2, 1]       # patients per month
///     opens = [0, 4]       # the second site begins four months later
///     icc = 0.02
/// "#)?;
/// let trial = truth.trial(1, 0)?;
/// let sites = trial.cluster("site")?.codes().expect("sites").to_vec();
/// // 8 patients had entered the first site when the second opened; of the others it has a third.
/// assert_eq!(sites.iter().filter(|site| **site == Some(1)).count(), 11);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClusterTruth {
    /// Name of the factor.
    pub factor: String,
    /// The arm whose patients have one; all arms unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// Patients per cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Patients of the first, second, … cluster, from the beginning again where there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Vec<usize>>,
    /// The number of clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<usize>,
    /// Patients who enter each site per unit of the visits' times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<Vec<f64>>,
    /// When each site opens; all at 0 unless stated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opens: Vec<f64>,
    /// How patients arrive at sites with rates.
    #[serde(default, skip_serializing_if = "crate::written::is_default")]
    pub arrivals: Arrivals,
    /// Share of the variance at every visit after the baseline that lies between clusters.
    pub icc: f64,
}

/// A covariate known at baseline: a number with a standard normal distribution, or a factor whose levels have the stated
/// shares. It moves the outcome at every visit by its `effect`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CovariateTruth {
    /// Its name.
    pub name: String,
    /// Levels of a factor and their shares.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub levels: BTreeMap<String, f64>,
    /// What a standard deviation of a number, or each level of a factor in alphabetical order, adds to the outcome.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effect: Vec<f64>,
}

fn usual_outcome() -> String {
    "y".into()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(x: &f64) -> bool {
    *x == 0.0
}

impl ArmTruth {
    /// An arm with its means.
    pub fn new(name: impl Into<String>, patients: usize, means: impl Into<Vec<f64>>) -> Self {
        Self { name: name.into(), patients, means: Some(means.into()), d: None, shape: None, missing: None }
    }

    /// An arm with an effect against the first.
    pub fn with_effect(name: impl Into<String>, patients: usize, d: f64) -> Self {
        Self { name: name.into(), patients, means: None, d: Some(d), shape: None, missing: None }
    }
}

impl ClusterTruth {
    /// Groups of one arm.
    pub fn groups(factor: impl Into<String>, arm: impl Into<String>, size: usize, icc: f64) -> Self {
        Self { arm: Some(arm.into()), size: Some(size), ..Self::of_factor(factor, icc) }
    }

    /// Therapists or sites of all arms.
    pub fn shared(factor: impl Into<String>, number: usize, icc: f64) -> Self {
        Self { number: Some(number), ..Self::of_factor(factor, icc) }
    }

    /// Sites of all arms that so many patients enter per unit of the visits' times, from the beginning on.
    pub fn sites(factor: impl Into<String>, rates: impl Into<Vec<f64>>, icc: f64) -> Self {
        Self { rates: Some(rates.into()), ..Self::of_factor(factor, icc) }
    }

    /// When each site opens.
    pub fn opens(mut self, times: impl Into<Vec<f64>>) -> Self {
        self.opens = times.into();
        self
    }

    /// How patients arrive at sites with rates.
    pub fn arrivals(mut self, arrivals: Arrivals) -> Self {
        self.arrivals = arrivals;
        self
    }

    fn of_factor(factor: impl Into<String>, icc: f64) -> Self {
        let arrivals = Arrivals::default();
        Self { factor: factor.into(), arm: None, size: None, sizes: None, number: None, rates: None, opens: vec![], arrivals, icc }
    }
}

impl TrialTruth {
    /// A truth with these visits, standard deviations and correlation; arms follow.
    pub fn new<S: Into<String>>(visits: impl IntoIterator<Item = S>, sd: impl Into<Vec<f64>>, correlation: Correlation) -> Self {
        Self {
            outcome: usual_outcome(),
            visits: visits.into_iter().map(Into::into).collect(),
            times: vec![],
            sd: sd.into(),
            correlation,
            bounds: None,
            whole: false,
            d_sd: 0.0,
            uncertainty: None,
            origins: BTreeMap::new(),
            missing: MissingTruth::default(),
            arms: vec![],
            clusters: vec![],
            covariates: vec![],
            events: vec![],
        }
    }

    /// Adds an arm.
    pub fn arm(mut self, arm: ArmTruth) -> Self {
        self.arms.push(arm);
        self
    }

    /// Adds therapists, groups or sites.
    pub fn cluster(mut self, cluster: ClusterTruth) -> Self {
        self.clusters.push(cluster);
        self
    }

    /// Adds an intercurrent event.
    pub fn event(mut self, event: EventTruth) -> Self {
        self.events.push(event);
        self
    }

    /// Sets who is missing.
    pub fn missing(mut self, missing: MissingTruth) -> Self {
        self.missing = missing;
        self
    }

    /// Reads a truth from TOML.
    ///
    /// # Errors
    /// [`Error::Written`] for text that is none, [`Error::Invalid`] as [`TrialTruth::check`].
    pub fn from_toml(text: &str) -> Result<Self> {
        let truth: Self = toml::from_str(text).map_err(|e| misread(text, "the truth", &e))?;
        truth.check()?;
        Ok(truth)
    }

    /// The number of patients of all arms.
    pub fn patients(&self) -> usize {
        self.arms.iter().map(|arm| arm.patients).sum()
    }

    /// The mean of an arm at a visit, before bounds.
    pub fn mean(&self, arm: usize, visit: usize) -> f64 {
        self.mean_with(arm, visit, 0.0)
    }

    /// The same where effects `d` are this much larger.
    pub(super) fn mean_with(&self, arm: usize, visit: usize, shift: f64) -> f64 {
        let own = &self.arms[arm];
        if let Some(means) = &own.means {
            return means[visit];
        }
        let last = self.visits.len().saturating_sub(1).max(1);
        let share = own.shape.as_ref().map_or(visit as f64 / last as f64, |shape| shape[visit]);
        self.mean_with(0, visit, 0.0) + (own.d.unwrap_or(0.0) + shift) * self.sd[0] * share
    }

    /// The expected score of an arm at a visit: the mean with values beyond the bounds set to them.
    pub fn expected(&self, arm: usize, visit: usize) -> f64 {
        let (mean, sd) = (self.mean(arm, visit), self.sd[visit]);
        match self.bounds {
            None => mean,
            Some((low, high)) => {
                // E[min(max(Y, low), high)] of a normal Y.
                let part = |z: f64| z * crate::dist::normal::cdf(z) + crate::dist::normal::pdf(z);
                low + sd * (part((mean - low) / sd) - part((mean - high) / sd))
            }
        }
    }

    /// The covariance of an arm's scores over the visits, row by row, all sources together.
    pub fn covariance(&self) -> Vec<f64> {
        let n = self.visits.len();
        (0..n * n).map(|k| self.sd[k / n] * self.sd[k % n] * self.correlation.at(k / n, k % n)).collect()
    }

    /// The covariance within clusters of an arm's patients.
    pub(super) fn within(&self, arm: usize) -> Vec<f64> {
        self.within_of(&self.covariance(), arm)
    }

    /// The same where the covariance of all sources together is another.
    pub(super) fn within_of(&self, sigma: &[f64], arm: usize) -> Vec<f64> {
        let n = self.visits.len();
        let shared: f64 = self.clusters.iter().filter(|c| self.belongs(c, arm)).map(|c| c.icc).sum();
        let (mut within, sd) = (sigma.to_vec(), |t: usize| sigma[t * n + t].sqrt());
        for s in 1..n {
            for t in 1..n {
                within[s * n + t] -= shared * sd(s) * sd(t);
            }
        }
        within
    }

    pub(super) fn belongs(&self, cluster: &ClusterTruth, arm: usize) -> bool {
        cluster.arm.as_ref().is_none_or(|name| *name == self.arms[arm].name)
    }

    /// Who is missing of an arm.
    pub(super) fn missing_of(&self, arm: usize) -> &MissingTruth {
        self.arms[arm].missing.as_ref().unwrap_or(&self.missing)
    }

    /// The same truth with this many patients of all arms together, shared as they are.
    pub fn with_patients(&self, patients: usize) -> Self {
        let mut truth = self.clone();
        let (total, mut given, mut before) = (self.patients().max(1), 0, 0);
        for (k, arm) in self.arms.iter().enumerate() {
            before += arm.patients;
            // Rounded cumulatively, so that the arms add up.
            let so_far = (patients as f64 * before as f64 / total as f64).round() as usize;
            truth.arms[k].patients = so_far.saturating_sub(given).max(1);
            given = so_far;
        }
        truth
    }

    /// The same truth with `ratio` patients of every other arm per patient of the first, and as many in all.
    pub fn with_allocation(&self, ratio: f64) -> Self {
        let mut truth = self.clone();
        let total = self.patients() as f64;
        let first = (total / (1.0 + ratio * (self.arms.len() as f64 - 1.0))).round().max(1.0);
        let others = ((total - first) / (self.arms.len() as f64 - 1.0)).round().max(1.0);
        for (k, arm) in truth.arms.iter_mut().enumerate() {
            arm.patients = if k == 0 { first as usize } else { others as usize };
        }
        truth
    }

    /// The same truth with this effect size in every arm that states one. An arm with means of its own is moved so that its
    /// difference from the first at the last visit is `d` standard deviations at baseline, its shape as it was.
    pub fn with_effect(&self, d: f64) -> Self {
        let mut truth = self.clone();
        let last = self.visits.len() - 1;
        for k in 1..self.arms.len() {
            let difference = self.mean(k, last) - self.mean(0, last);
            let shape: Vec<f64> = (0..=last)
                .map(|t| match &self.arms[k].shape {
                    Some(shape) => shape[t],
                    None if self.arms[k].means.is_some() && difference != 0.0 => (self.mean(k, t) - self.mean(0, t)) / difference,
                    None => t as f64 / last.max(1) as f64,
                })
                .collect();
            let arm = &mut truth.arms[k];
            (arm.means, arm.d, arm.shape) = (None, Some(d), Some(shape));
        }
        truth
    }

    /// Whether lengths, ranges and the covariance make sense.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the first thing that does not.
    pub fn check(&self) -> Result<()> {
        let n = self.visits.len();
        let length = |what: String, has: usize| match has == n {
            true => Ok(()),
            false => Err(Error::wrong_number(
                what,
                format!("there are {has} where the trial has {}", counted(n, "visit")),
                "give one value per visit",
            )),
        };
        if n < 2 || self.arms.is_empty() {
            return Err(Error::incomplete(
                "the truth",
                "a trial needs a baseline, a visit after it and an arm",
                "state `visits` and `[[arms]]`",
            ));
        }
        length("the standard deviations `sd`".into(), self.sd.len())?;
        if !self.times.is_empty() {
            length("the `times`".into(), self.times.len())?;
        }
        if self.sd.iter().any(|sd| !(*sd > 0.0 && sd.is_finite())) {
            return Err(Error::out_of_range(
                format!("standard deviations of {:?}", self.sd),
                "they are not all above zero",
                "give one per visit",
            ));
        }
        if self.bounds.is_some_and(|(low, high)| low >= high || low.is_nan() || high.is_nan()) {
            return Err(Error::out_of_range("the `bounds` of the score", "the lowest is not below the highest", "give [lowest, highest]"));
        }
        self.correlation.check(n)?;
        self.arms.iter().enumerate().try_for_each(|(k, arm)| self.check_arm(k, arm))?;
        self.missing.check(n)?;
        self.uncertainty.iter().try_for_each(|uncertainty| uncertainty.check(self.arms.len(), n))?;
        self.clusters.iter().try_for_each(|cluster| self.check_cluster(cluster))?;
        self.covariates.iter().try_for_each(check_covariate)?;
        let arms: Vec<&str> = self.arms.iter().map(|arm| arm.name.as_str()).collect();
        self.events.iter().try_for_each(|event| event.check(&arms, n))?;
        check_names(&self.events)?;
        for (k, arm) in self.arms.iter().enumerate() {
            if lower_factor(&self.within(k), n).is_none() {
                return Err(Error::out_of_range(
                    format!("the covariance of arm `{}`", arm.name),
                    "what the therapists and groups leave of it is not positive definite",
                    "correlations after the baseline must exceed the intraclass correlations",
                ));
            }
        }
        Ok(())
    }

    fn check_arm(&self, k: usize, arm: &ArmTruth) -> Result<()> {
        let n = self.visits.len();
        let what = || format!("arm `{}`", arm.name);
        if arm.patients == 0 {
            return Err(Error::out_of_range(what(), "it has no patients", "give `patients`"));
        }
        if self.arms[..k].iter().any(|other| other.name == arm.name) {
            return Err(Error::named_twice(what(), "another arm has this name", "give each arm a name of its own"));
        }
        match (&arm.means, arm.d) {
            (Some(_), Some(_)) => Err(Error::conflict(what(), "it has both `means` and `d`", "state one of them")),
            (None, None) => Err(Error::incomplete(what(), "it has neither `means` nor `d`", "state one of them")),
            (None, Some(_)) if k == 0 => {
                Err(Error::incomplete(what(), "`d` is an effect against the first arm, which this is", "state its `means`"))
            }
            _ => Ok(()),
        }?;
        for (name, values) in [("means", &arm.means), ("shape", &arm.shape)] {
            if let Some(values) = values.as_ref().filter(|values| values.len() != n || values.iter().any(|x| !x.is_finite())) {
                let why = format!("there are {} where the trial has {}", values.len(), counted(n, "visit"));
                return Err(Error::wrong_number(format!("the `{name}` of {}", what()), why, "give one finite value per visit"));
            }
        }
        if arm.d.is_some_and(|d| !d.is_finite()) {
            return Err(Error::not_finite(format!("the effect `d` of {}", what()), "it is no number", "give a number such as 0.5"));
        }
        arm.missing.iter().try_for_each(|missing| missing.check(n))
    }

    fn check_cluster(&self, cluster: &ClusterTruth) -> Result<()> {
        let what = format!("the clusters `{}`", cluster.factor);
        let arms: Vec<&str> = self.arms.iter().map(|arm| arm.name.as_str()).collect();
        if let Some(arm) = cluster.arm.as_ref().filter(|arm| !arms.contains(&arm.as_str())) {
            return Err(Error::unknown("arm", arm, &arms));
        }
        if !(0.0..1.0).contains(&cluster.icc) {
            let why = format!("the intraclass correlation {} does not lie from 0 to below 1", cluster.icc);
            return Err(Error::out_of_range(what, why, "give `icc` such as 0.05"));
        }
        let stated = [cluster.size.is_some(), cluster.sizes.is_some(), cluster.number.is_some(), cluster.rates.is_some()];
        if stated.into_iter().filter(|stated| *stated).count() != 1 {
            return Err(Error::incomplete(
                what,
                "they need one of `size`, `sizes`, `number` and `rates`",
                "state how many patients share one, how many there are, or how fast patients enter each",
            ));
        }
        if self.clusters.iter().filter(|other| other.rates.is_some()).count() > 1 {
            return Err(Error::conflict(what, "two factors have `rates`, and patients enter once", "state the rates of the sites alone"));
        }
        cluster.check_accrual()?;
        let empty = cluster.size == Some(0)
            || cluster.number == Some(0)
            || cluster.sizes.as_ref().is_some_and(|sizes| sizes.is_empty() || sizes.contains(&0));
        match empty {
            true => Err(Error::out_of_range(what, "there is one without patients", "give numbers of at least one")),
            false => Ok(()),
        }
    }
}

fn check_covariate(covariate: &CovariateTruth) -> Result<()> {
    let what = format!("the covariate `{}`", covariate.name);
    let shares: f64 = covariate.levels.values().sum();
    if !covariate.levels.is_empty() && ((shares - 1.0).abs() > 1e-6 || covariate.levels.values().any(|s| *s < 0.0)) {
        return Err(Error::out_of_range(what, format!("the shares of its levels add up to {shares}"), "give shares that add up to 1"));
    }
    let wanted = covariate.levels.len().max(1);
    match covariate.effect.len() {
        0 => Ok(()),
        n if n == wanted => Ok(()),
        n => Err(Error::wrong_number(
            format!("the effects of {what}"),
            format!("there are {n} where {wanted} are needed"),
            "give one per level, or one of a number",
        )),
    }
}

impl TrialTruth {
    /// The same truth where this share of patients has had the first event (of all arms that may have it) before the last visit.
    pub fn with_events(&self, by_end: f64) -> Self {
        let mut truth = self.clone();
        let Some(name) = self.events.first().map(|event| event.name.clone()) else { return truth };
        for event in truth.events.iter_mut().filter(|event| event.name == name) {
            (event.by_end, event.curve) = (Some(by_end), None);
        }
        truth
    }

    /// The same truth where this share of every arm has left by the last visit, all else of dropout as it was.
    pub fn with_dropout(&self, left: f64) -> Self {
        let mut truth = self.clone();
        let own = truth.arms.iter_mut().filter_map(|arm| arm.missing.as_mut());
        for missing in std::iter::once(&mut truth.missing).chain(own) {
            (missing.left_by_end, missing.retention) = (Some(left), None);
        }
        truth
    }
}
