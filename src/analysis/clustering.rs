//! Which clusters are considered beside the primary analysis, and by which models.

use crate::error::{Error, Result};
use crate::options::choices;

/// The cluster factors of a trial that a sensitivity analysis considers: who treats the patients, and who is treated
/// together.
///
/// ```
/// use trialstats::analysis::{ClusterModel, Clustering};
///
/// let clustering = Clustering::new().groups("therapy_group").therapists("therapist");
/// assert_eq!(clustering.models().len(), 5);
/// assert_eq!(clustering.models()[0], ClusterModel::Independent);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Clustering {
    groups: Option<String>,
    therapists: Option<String>,
}

/// What a model takes patients of one cluster to have in common.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClusterModel {
    /// Nothing: the primary analysis.
    Independent,
    /// A random effect of the therapy group.
    Groups,
    /// A random effect of the therapist.
    Therapists,
    /// A random effect of the group and one of the therapist.
    GroupsAndTherapists,
    /// A random effect of the group, and in each arm a covariance of its own among a patient's visits:
    /// [`PartiallyNested`](crate::PartiallyNested).
    PartiallyNested,
    /// Anything: the model of the primary analysis with standard errors that are robust to clusters (CR2), by the
    /// groups, or by the therapists where no groups are named.
    ClusterRobust,
}

choices! {
    ClusterModel, "model of clusters":
    Independent = "independent", [], "nothing in common: the primary analysis";
    Groups = "groups", [], "a random effect of the therapy group";
    Therapists = "therapists", [], "a random effect of the therapist";
    GroupsAndTherapists = "groups-and-therapists", [], "a random effect of the group and one of the therapist";
    PartiallyNested = "partially-nested", [], "a random effect of the group, and a covariance per arm";
    ClusterRobust = "cluster-robust", ["sandwich"], "the primary model with cluster-robust standard errors (CR2)";
}

impl Clustering {
    /// No factor yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The cluster factor of patients who are treated together.
    pub fn groups(mut self, factor: impl Into<String>) -> Self {
        self.groups = Some(factor.into());
        self
    }

    /// The cluster factor of patients who have a therapist in common.
    pub fn therapists(mut self, factor: impl Into<String>) -> Self {
        self.therapists = Some(factor.into());
        self
    }

    /// The factor of patients who are treated together, where one is named.
    pub fn group_factor(&self) -> Option<&str> {
        self.groups.as_deref()
    }

    /// The factor of patients who have a therapist in common, where one is named.
    pub fn therapist_factor(&self) -> Option<&str> {
        self.therapists.as_deref()
    }

    /// The models that are fitted, the primary analysis first.
    pub fn models(&self) -> Vec<ClusterModel> {
        let (groups, therapists) = (self.groups.is_some(), self.therapists.is_some());
        let all = [
            (ClusterModel::Independent, true),
            (ClusterModel::Groups, groups),
            (ClusterModel::Therapists, therapists && !groups),
            (ClusterModel::GroupsAndTherapists, groups && therapists),
            (ClusterModel::PartiallyNested, groups),
            (ClusterModel::ClusterRobust, groups || therapists),
        ];
        all.into_iter().filter(|&(_, wanted)| wanted).map(|(model, _)| model).collect()
    }

    /// The factors that are named, groups first.
    pub fn factors(&self) -> Vec<&str> {
        self.groups.iter().chain(&self.therapists).map(String::as_str).collect()
    }

    /// What the clusters of a factor are: `therapy groups`, `therapists`.
    pub fn plural(&self, factor: &str) -> Option<&'static str> {
        match factor {
            _ if self.groups.as_deref() == Some(factor) => Some("therapy groups"),
            _ if self.therapists.as_deref() == Some(factor) => Some("therapists"),
            _ => None,
        }
    }

    /// The factors that have random effects in a model.
    pub(super) fn factors_of(&self, model: ClusterModel) -> Vec<&str> {
        match model {
            ClusterModel::Independent | ClusterModel::ClusterRobust => vec![],
            ClusterModel::Groups | ClusterModel::PartiallyNested => self.groups.iter().map(String::as_str).collect(),
            ClusterModel::Therapists => self.therapists.iter().map(String::as_str).collect(),
            ClusterModel::GroupsAndTherapists => self.factors(),
        }
    }

    /// The factor whose levels are the clusters of a robust covariance.
    pub(super) fn highest(&self) -> &str {
        self.factors().first().copied().unwrap_or_default()
    }

    /// Refuses a plan without factors, and one for a trial of a single arm.
    pub(super) fn check(&self, has_one_arm: bool) -> Result<()> {
        if self.factors().is_empty() {
            return Err(Error::incomplete(
                "the sensitivity analysis of clusters",
                "no cluster factor is named",
                "name one: `Clustering::new().groups(\"therapy_group\")`",
            ));
        }
        if has_one_arm {
            return Err(Error::nothing_to_compare(
                "the sensitivity analysis of clusters",
                "there is one arm, and nothing to compare",
                "leave it out",
            ));
        }
        Ok(())
    }
}

impl ClusterModel {
    /// What it assumes of patients in one cluster, in a sentence.
    pub fn assumption(self) -> &'static str {
        match self {
            ClusterModel::Independent => "the primary analysis; patients are independent given arm, visit and covariates",
            ClusterModel::Groups => "patients of a therapy group share a random effect, the same at all visits",
            ClusterModel::Therapists => "patients of a therapist share a random effect, the same at all visits",
            ClusterModel::GroupsAndTherapists => {
                "patients of a group share one random effect and those of a therapist another, each the same at all visits"
            }
            ClusterModel::PartiallyNested => {
                "patients of a group share a random effect, and each arm has a covariance of its own among a patient's visits, so that groups may add to \
                 the variance of their arm"
            }
            ClusterModel::ClusterRobust => {
                "the estimates of the primary analysis; standard errors allow any dependence within a cluster (CR2, Satterthwaite df), none between \
                 clusters; patients in no cluster stand alone"
            }
        }
    }
}

impl ClusterModel {
    /// How tables and reports put it.
    pub fn words(self) -> &'static str {
        match self {
            ClusterModel::Independent => "No clustering (primary)",
            ClusterModel::Groups => "Therapy groups",
            ClusterModel::Therapists => "Therapists",
            ClusterModel::GroupsAndTherapists => "Groups and therapists",
            ClusterModel::PartiallyNested => "Partially nested",
            ClusterModel::ClusterRobust => "Sandwich (CR2)",
        }
    }
}
