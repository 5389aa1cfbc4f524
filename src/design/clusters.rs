//! The clusters of a cluster-robust covariance: sets of patients that share nothing at random with any other.

use super::{Design, RandomTerm, variables};
use crate::error::{Error, Message, Result, Setting};
use crate::options;
use crate::table::counted;
use crate::trial::{Role, Trial};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The clusters of a [cluster-robust covariance](crate::Vcov): patients of different clusters are independent,
/// patients of the same may be related in any way.
///
/// A patient who is in no cluster of a factor, as are those of the arm without groups in a partially nested trial, is
/// a cluster of size one.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Clusters {
    /// The smallest sets of patients that share no random effect with anybody outside (the default): patients where
    /// the model has no random effects, or none above patients; the levels of the highest factor where the factors
    /// are nested; where they are crossed, the connected components.
    #[default]
    Highest,
    /// Every patient is a cluster.
    Patients,
    /// The levels of a factor in which a patient stays: a therapy group, a therapist, a site. Factors joined by `:`
    /// mean their combinations.
    Factor(String),
}

impl Clusters {
    /// The levels of a factor: [`Clusters::Factor`].
    pub fn by(factor: impl Into<String>) -> Self {
        Clusters::Factor(factor.into())
    }
}

impl Clusters {
    /// How messages put it.
    pub fn words(&self) -> String {
        match self {
            Clusters::Factor(factor) => format!("by `{factor}`"),
            other => other.to_string(),
        }
    }
}

/// `highest`, `patients`, or `factor(NAME)`.
impl fmt::Display for Clusters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clusters::Highest => f.write_str("highest"),
            Clusters::Patients => f.write_str("patients"),
            Clusters::Factor(factor) => write!(f, "factor({factor})"),
        }
    }
}

impl FromStr for Clusters {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = options::parts(text);
        match (name.as_str(), argument) {
            ("highest", None) => Ok(Clusters::Highest),
            ("patients", None) => Ok(Clusters::Patients),
            ("factor" | "by", Some(factor)) => Ok(Clusters::by(factor)),
            _ => Err(Error::unknown("set of clusters", text, &["highest", "patients", "factor(NAME)"])),
        }
    }
}

options::serde_by_name!(Clusters);

/// Who is in which cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PatientClusters {
    /// What makes the clusters; none where patients are the clusters.
    factors: Vec<String>,
    /// The cluster of each analysed patient; `None` for one who is a cluster of size one.
    level_of: Vec<Option<usize>>,
    /// The trial's arms.
    arms: Vec<String>,
}

/// With fewer clusters in an arm a reader is warned.
const FEW: usize = 10;

impl Design {
    /// The clusters that are asked for.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a factor that the trial does not have; [`Error::Invalid`] for a number, where a patient
    /// is in two clusters, where patients of two clusters share a random effect, and where all patients are one
    /// cluster.
    pub(crate) fn patient_clusters(&self, trial: &Trial, asked: &Clusters) -> Result<PatientClusters> {
        let (factors, level_of) = match asked {
            Clusters::Highest => self.connected(),
            Clusters::Factor(factor) if !self.is_patient(trial, factor) => (vec![factor.clone()], self.levels_of(trial, factor)?),
            Clusters::Patients | Clusters::Factor(_) => (vec![], vec![None; self.rows.patients.len()]),
        };
        let clusters = PatientClusters { factors, level_of, arms: trial.arms().to_vec() };
        self.must_not_cross(trial, &clusters)?;
        if clusters.count() < 2 {
            let why = match clusters.above_patients() {
                true => format!("all analysed patients are one cluster by {}", clusters.names()),
                false => "one patient is analysed".into(),
            };
            return Err(Error::clusters(
                "a cluster-robust covariance",
                why,
                Message::from("use ").setting(Setting::ModelBased).then(", or clusters of which there are several"),
            ));
        }
        Ok(clusters)
    }

    /// Whether a name is that of the patients.
    fn is_patient(&self, trial: &Trial, name: &str) -> bool {
        (name == "patient" || name == self.columns.column_names.patient) && !is_variable(trial, name)
    }

    /// The level of each analysed patient in a factor, or in the combinations of several.
    fn levels_of(&self, trial: &Trial, factor: &str) -> Result<Vec<Option<usize>>> {
        let visits = self.columns.visits.len();
        let names = if is_variable(trial, factor) { vec![factor] } else { factor.split(':').map(str::trim).collect() };
        let parts =
            names.into_iter().map(|name| variables::cluster_factor(trial, name, &self.columns.visits)).collect::<Result<Vec<_>>>()?;
        let mut known: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let mut level_of = vec![None; self.rows.patients.len()];
        for row in (0..self.rows.y.len()).filter(|&row| !self.rows.y[row].is_nan()) {
            let (i, t) = (row / visits, row % visits);
            let Some(levels) = parts.iter().map(|v| v.level(self.rows.patients[i], t, visits)).collect::<Option<Vec<usize>>>() else {
                continue;
            };
            let next = known.len();
            let level = *known.entry(levels).or_insert(next);
            if level_of[i].is_some_and(|before| before != level) {
                return Err(Error::clusters(
                    format!("clusters by `{factor}`"),
                    format!(
                        "patient `{}` changes to another at {}, and clusters of a cluster-robust covariance share no patient",
                        trial.patients()[self.rows.patients[i]],
                        self.columns.visit_labels[t]
                    ),
                    Message::from("name a factor in which every patient stays, or ")
                        .setting(Setting::HighestClusters)
                        .then(" with the factor's random effects in the model"),
                ));
            }
            level_of[i] = Some(level);
        }
        Ok(level_of)
    }

    /// The patients connected by random effects of factors above them: the factors, and the component of each.
    fn connected(&self) -> (Vec<String>, Vec<Option<usize>>) {
        let visits = self.columns.visits.len();
        let above = || self.rows.random.iter().filter(|term| !term.of_patients);
        let mut parent: Vec<usize> = (0..above().map(|term| term.levels.len()).sum()).collect();
        let mut first: Vec<Option<usize>> = vec![None; self.rows.patients.len()];
        let mut offset = 0;
        for term in above() {
            for (row, level) in shared(term).map(|(row, level)| (row, offset + level)) {
                let joined = *first[row / visits].get_or_insert(level);
                let (a, b) = (root(&mut parent, joined), root(&mut parent, level));
                parent[a.max(b)] = a.min(b);
            }
            offset += term.levels.len();
        }
        let level_of: Vec<Option<usize>> = first.into_iter().map(|level| level.map(|l| root(&mut parent, l))).collect();
        let mut seen = vec![false; parent.len()];
        if level_of.iter().flatten().all(|&level| !std::mem::replace(&mut seen[level], true)) {
            return (vec![], vec![None; level_of.len()]);
        }
        let mut factors: Vec<String> = vec![];
        above().for_each(|term| {
            if !factors.contains(&term.factor) {
                factors.push(term.factor.clone());
            }
        });
        (factors, level_of)
    }

    /// Refuses clusters whose patients share a random effect with those of another.
    fn must_not_cross(&self, trial: &Trial, clusters: &PatientClusters) -> Result<()> {
        let visits = self.columns.visits.len();
        for term in self.rows.random.iter().filter(|term| !term.of_patients) {
            let mut first: Vec<Option<usize>> = vec![None; term.levels.len()];
            for (i, level) in shared(term).map(|(row, level)| (row / visits, level)) {
                let other = *first[level].get_or_insert(i);
                if other != i && (clusters.level_of[i].is_none() || clusters.level_of[i] != clusters.level_of[other]) {
                    let id = |i: usize| trial.patients()[self.rows.patients[i]].as_str();
                    let of = if clusters.above_patients() { format!("by {}", clusters.names()) } else { "of one patient each".into() };
                    return Err(Error::clusters(
                        format!("clusters {of}"),
                        format!(
                            "the model has random effects of `{}`, and patients `{}` and `{}`, both in `{}`, are in two clusters, which are thus not independent",
                            term.factor,
                            id(other),
                            id(i),
                            term.levels[level]
                        ),
                        Message::from("use ").setting(Setting::HighestClusters).then(", or a factor within which all random effects are"),
                    ));
                }
            }
        }
        Ok(())
    }
}

fn is_variable(trial: &Trial, name: &str) -> bool {
    trial.find(name, Role::Cluster).is_some()
}

/// The rows that have some effect of a level, and the level.
fn shared(term: &RandomTerm) -> impl Iterator<Item = (usize, usize)> + '_ {
    let k = term.size();
    let levels = term.level_of.iter().enumerate().filter_map(|(row, level)| level.map(|l| (row, l as usize)));
    levels.filter(move |(row, _)| term.z[row * k..(row + 1) * k].iter().any(|z| *z != 0.0))
}

/// The representative of a level's component.
fn root(parent: &mut [usize], mut level: usize) -> usize {
    while parent[level] != level {
        parent[level] = parent[parent[level]];
        level = parent[level];
    }
    level
}

impl PatientClusters {
    /// Whether some cluster may have several patients.
    pub fn above_patients(&self) -> bool {
        !self.factors.is_empty()
    }

    /// The patients, cluster by cluster, and where each cluster ends; clusters in the order of their first patients.
    pub fn members(&self) -> (Vec<usize>, Vec<usize>) {
        let mut position: BTreeMap<usize, usize> = BTreeMap::new();
        let mut clusters: Vec<Vec<usize>> = vec![];
        for (i, level) in self.level_of.iter().enumerate() {
            match level.map(|l| *position.entry(l).or_insert(clusters.len())) {
                Some(known) if known < clusters.len() => clusters[known].push(i),
                _ => clusters.push(vec![i]),
            }
        }
        let ends = clusters.iter().scan(0, |end, own| {
            *end += own.len();
            Some(*end)
        });
        let ends = ends.collect();
        (clusters.into_iter().flatten().collect(), ends)
    }

    /// The same for patients of whom the analysed are these positions.
    pub fn chosen(&self, positions: &[usize]) -> Self {
        Self { level_of: positions.iter().map(|&i| self.level_of[i]).collect(), ..self.clone() }
    }

    /// The same for so many patients, each of whom is a cluster.
    pub fn of_patients(&self, patients: usize) -> Self {
        Self { level_of: vec![None; patients], ..self.clone() }
    }

    fn count(&self) -> usize {
        self.members().1.len()
    }

    fn names(&self) -> String {
        self.factors.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(" and ")
    }

    /// What they are, for a sentence: `patients as clusters`, ``8 clusters by `group` and 66 patients in none``.
    pub fn sentence(&self) -> String {
        if !self.above_patients() {
            return "patients as clusters".into();
        }
        let alone = self.level_of.iter().filter(|level| level.is_none()).count();
        let shared = self.count() - alone;
        let clusters = format!("{} by {}", counted(shared, "cluster"), self.names());
        match alone {
            0 => clusters,
            _ => format!("{clusters} and {} in none", counted(alone, "patient")),
        }
    }

    /// The trial's arms.
    pub fn arms(&self) -> &[String] {
        &self.arms
    }

    /// The number of patients of each arm in every cluster; `arm_of` is the arm of each analysed patient.
    pub fn sizes(&self, arm_of: &[usize]) -> Vec<Vec<usize>> {
        let (members, ends) = self.members();
        let mut start = 0;
        let mut of_cluster = |end: usize| {
            let mut sizes = vec![0; self.arms.len()];
            members[start..end].iter().for_each(|&i| sizes[arm_of[i]] += 1);
            start = end;
            sizes
        };
        ends.into_iter().map(&mut of_cluster).collect()
    }

    /// The arms with few clusters, with their number, for a sentence.
    pub fn few(&self, arm_of: &[usize]) -> Option<String> {
        let sizes = self.sizes(arm_of);
        let count = |arm: usize| sizes.iter().filter(|sizes| sizes[arm] > 0).count();
        let few = self.arms.iter().enumerate().map(|(arm, name)| (count(arm), name)).filter(|(n, _)| (1..FEW).contains(n));
        let few: Vec<String> = few.map(|(n, arm)| format!("{n} in {arm}")).collect();
        (!few.is_empty()).then(|| few.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters(level_of: &[Option<usize>]) -> PatientClusters {
        PatientClusters { factors: vec!["group".into()], level_of: level_of.to_vec(), arms: vec!["a".into(), "b".into()] }
    }

    #[test]
    fn patients_in_none_are_clusters_of_their_own_however_often_they_count() {
        let found = clusters(&[Some(7), None, Some(3), Some(7), None]);
        assert_eq!(found.members(), (vec![0, 3, 1, 2, 4], vec![2, 3, 4, 5]));
        assert_eq!(found.sentence(), "2 clusters by `group` and 2 patients in none");
        assert_eq!(found.sizes(&[0, 0, 1, 1, 1]), [vec![1, 1], vec![1, 0], vec![0, 1], vec![0, 1]]);
        assert_eq!(found.few(&[0, 0, 1, 1, 1]).as_deref(), Some("2 in a, 3 in b"));
        // A bootstrap sample: a cluster keeps its members together, copies of a patient in none are strangers.
        let sample = found.chosen(&[1, 1, 3, 3, 0]);
        assert_eq!(sample.members(), (vec![0, 1, 2, 3, 4], vec![1, 2, 5]));
        assert_eq!(sample.sentence(), "1 cluster by `group` and 2 patients in none");
    }
}
