//! Who was randomized: characteristics before treatment, arm by arm, without tests.

use crate::instruments::Diagnosis;
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::{CovariateValues, Trial};

/// Characteristics before treatment, a row a characteristic (or level of one), a column an arm and one for all.
///
/// There are no p-values: arms of a randomized trial differ by chance, and a test of that answers no question (CONSORT).
#[derive(Debug, Clone, serde::Serialize)]
pub struct BaselineTable {
    /// The arms, then `All`.
    pub groups: Vec<String>,
    /// Patients randomized, one a group.
    pub randomized: Vec<usize>,
    /// The characteristics in order.
    pub rows: Vec<Characteristic>,
}

/// One row of a [`BaselineTable`].
#[derive(Debug, Clone, serde::Serialize)]
pub struct Characteristic {
    /// Name of the covariate, outcome, diagnosis or cluster factor.
    pub name: String,
    /// Text for the table, e.g. `CAPS-5 total`.
    pub label: String,
    /// The level counted, for factors and diagnoses.
    pub level: Option<String>,
    /// One summary a group.
    pub summaries: Vec<Summary>,
}

/// What a characteristic looks like in one group.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Summary {
    /// Of a number: mean, standard deviation (n − 1), and the patients in whom it is known.
    Moments {
        /// Patients in whom it is known.
        n: usize,
        /// Their mean.
        mean: f64,
        /// Their standard deviation, NaN below two.
        sd: f64,
    },
    /// Of a level: patients with it among those in whom it is known.
    Count {
        /// Patients with the level.
        count: usize,
        /// Patients in whom the level is known.
        n: usize,
    },
}

impl BaselineTable {
    /// Describes all covariates with one value a patient, all cluster factors of at most six levels, and all outcomes and diagnoses at the
    /// schedule's baseline visit.
    pub fn of(trial: &Trial) -> Self {
        let groups = Groups::of(trial);
        let mut rows = vec![];
        for covariate in trial.covariates() {
            match &covariate.values {
                CovariateValues::Numeric(values) => rows.push(groups.moments(&covariate.name, &covariate.name, |i| values[i])),
                CovariateValues::Factor { levels, codes } => rows.extend(groups.counts(&covariate.name, &covariate.name, levels, codes)),
                // What varies by visit is not a characteristic before treatment.
                CovariateValues::NumericByVisit(_) | CovariateValues::FactorByVisit { .. } => {}
            }
        }
        let named: Vec<&str> = trial.covariates().iter().map(|c| c.name.as_str()).collect();
        for cluster in trial.clusters().iter().filter(|c| c.levels.len() <= MOST_LEVELS && !named.contains(&c.name.as_str())) {
            rows.extend(groups.counts(&cluster.name, &cluster.name, &cluster.levels, &cluster.codes));
        }
        if let Some(baseline) = trial.schedule().baseline() {
            let at = |i: usize| i * trial.schedule().len() + baseline;
            rows.extend(trial.outcomes().iter().map(|o| groups.moments(&o.name, &o.label, |i| o.values[at(i)])));
            for diagnosis in trial.diagnoses() {
                let code = |i: usize| match diagnosis.values[at(i)] {
                    Some(Diagnosis::Met) => Some(0),
                    Some(Diagnosis::NotMet) => Some(1),
                    Some(Diagnosis::Unknown) | None => None,
                };
                let codes: Vec<_> = (0..trial.patients().len()).map(code).collect();
                rows.extend(groups.counts(&diagnosis.name, &diagnosis.name.replace('_', " "), &["met".into()], &codes));
            }
        }
        let randomized = groups.sizes();
        Self { groups: groups.names, randomized, rows: rows.into_iter().filter(Characteristic::is_known_of_anyone).collect() }
    }

    /// Leaves only the characteristics called `names`, in that order; names that are not there are skipped.
    pub fn only<S: AsRef<str>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        let mut kept = vec![];
        for name in names {
            let (named, rest) = self.rows.into_iter().partition(|r| r.name == name.as_ref());
            self.rows = rest;
            kept.extend::<Vec<_>>(named);
        }
        Self { rows: kept, ..self }
    }
}

/// Cluster factors with more levels than this are too many to list.
const MOST_LEVELS: usize = 6;

impl Characteristic {
    fn is_known_of_anyone(&self) -> bool {
        self.summaries.iter().any(|s| s.known() > 0)
    }
}

impl Summary {
    /// Patients in whom the characteristic is known.
    pub fn known(&self) -> usize {
        match *self {
            Summary::Moments { n, .. } | Summary::Count { n, .. } => n,
        }
    }

    /// `40.6 (11.2)`, or `55 (85%)`, with the number known where it is not everyone.
    fn written(&self, randomized: usize) -> String {
        let text = match *self {
            Summary::Moments { n: 0, .. } | Summary::Count { n: 0, .. } => return "–".into(),
            Summary::Moments { mean, sd, .. } if sd.is_nan() => Format::Decimals(1).apply(mean),
            Summary::Moments { mean, sd, .. } => format!("{} ({})", Format::Decimals(1).apply(mean), Format::Decimals(1).apply(sd)),
            Summary::Count { count, n } => format!("{count} ({:.0}%)", 100.0 * count as f64 / n as f64),
        };
        if self.known() == randomized { text } else { format!("{text} [{}]", self.known()) }
    }
}

/// The patients of each arm, then all.
struct Groups {
    names: Vec<String>,
    members: Vec<Vec<usize>>,
}

impl Groups {
    fn of(trial: &Trial) -> Self {
        let all: Vec<usize> = (0..trial.patients().len()).collect();
        let arm = |a: usize| all.iter().copied().filter(|&i| trial.arm_of()[i] == a).collect();
        let mut members: Vec<Vec<usize>> = (0..trial.arms().len()).map(arm).collect();
        members.push(all.clone());
        Self { names: trial.arms().iter().cloned().chain(["All".into()]).collect(), members }
    }

    fn sizes(&self) -> Vec<usize> {
        self.members.iter().map(Vec::len).collect()
    }

    fn moments(&self, name: &str, label: &str, value: impl Fn(usize) -> f64) -> Characteristic {
        let of = |members: &Vec<usize>| {
            let known: Vec<f64> = members.iter().map(|&i| value(i)).filter(|v| !v.is_nan()).collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let squares: f64 = known.iter().map(|v| (v - mean).powi(2)).sum();
            let sd = if known.len() > 1 { (squares / (known.len() - 1) as f64).sqrt() } else { f64::NAN };
            Summary::Moments { n: known.len(), mean, sd }
        };
        Characteristic { name: name.into(), label: label.into(), level: None, summaries: self.members.iter().map(of).collect() }
    }

    fn counts(&self, name: &str, label: &str, levels: &[String], codes: &[Option<usize>]) -> Vec<Characteristic> {
        let of = |level: usize, members: &Vec<usize>| Summary::Count {
            count: members.iter().filter(|&&i| codes[i] == Some(level)).count(),
            n: members.iter().filter(|&&i| codes[i].is_some()).count(),
        };
        let row = |(k, level): (usize, &String)| Characteristic {
            name: name.into(),
            label: label.into(),
            level: Some(level.clone()),
            summaries: self.members.iter().map(|m| of(k, m)).collect(),
        };
        levels.iter().enumerate().map(row).collect()
    }
}

impl Tabular for BaselineTable {
    fn title(&self) -> String {
        "Characteristics before treatment, by arm".into()
    }

    fn columns(&self) -> Vec<Column> {
        let label = |r: &Characteristic| match &r.level {
            Some(level) => format!("{}: {level}, n (%)", r.label),
            None => format!("{}, mean (SD)", r.label),
        };
        let mut columns = vec![Column::text("characteristic", "Characteristic", self.rows.iter().map(label))];
        for (g, (group, n)) in self.groups.iter().zip(&self.randomized).enumerate() {
            let cells = self.rows.iter().map(|r| r.summaries[g].written(*n));
            columns.push(Column::text(group.clone(), &format!("{group} (n = {n})"), cells));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        vec![
            "Mean (standard deviation) or number (percent of those in whom it is known); [n] where it is not known of everyone randomized."
                .into(),
            "No tests: arms of a randomized trial differ by chance.".into(),
        ]
    }
}

display_as_table!(BaselineTable);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::{Covariate, Outcome, Schedule};

    fn trial() -> Trial {
        let factor = CovariateValues::Factor { levels: vec!["f".into(), "m".into()], codes: vec![Some(0), Some(1), Some(0), None] };
        Trial::builder("test")
            .patients(["1", "2", "3", "4"])
            .arms(["A", "B"], vec![0, 0, 1, 1])
            .schedule(Schedule::of_labels(["baseline", "end"]).with_baseline("baseline").unwrap())
            .outcome(Outcome {
                name: "y".into(),
                label: "Score".into(),
                range: None,
                values: vec![1.0, 0.0, 3.0, 0.0, 5.0, 0.0, f64::NAN, 0.0],
            })
            .covariate(Covariate { name: "sex".into(), values: factor })
            .build()
            .unwrap()
    }

    #[test]
    fn numbers_and_levels_are_described_by_arm_and_for_all() {
        let table = BaselineTable::of(&trial());
        assert_eq!(table.groups, ["A", "B", "All"]);
        assert_eq!(table.randomized, [2, 2, 4]);
        let score = table.rows.iter().find(|r| r.name == "y").unwrap();
        assert_eq!(score.summaries[0], Summary::Moments { n: 2, mean: 2.0, sd: 2f64.sqrt() });
        assert_eq!(score.summaries[2], Summary::Moments { n: 3, mean: 3.0, sd: 2.0 });
        assert_eq!(table.rows[0].summaries[2], Summary::Count { count: 2, n: 3 });
        assert_eq!(table.columns()[2].formatted(0), "1 (100%) [1]");
        assert!(!table.to_text().contains("p-value"));
    }

    #[test]
    fn only_the_named_remain() {
        let table = BaselineTable::of(&trial()).only(["y", "nothing"]);
        assert_eq!(table.rows.len(), 1);
    }
}
