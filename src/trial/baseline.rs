//! The patients at baseline, by arm. Described, not tested: differences after randomization are chance.

use super::{Scope, Summary, Trial, Variable};
use crate::instruments::Diagnosis;
use crate::table::{Column, Format, Tabular, Values, display_as_table};

/// What stands in the column of the arm for all patients together.
const ALL_ARMS: &str = "all arms";

/// Characteristics of the patients at baseline, by arm and together.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct BaselineTable {
    /// The visit at which outcomes, diagnoses and covariates by visit are described; none of them is without a
    /// baseline visit.
    pub visit: Option<String>,
    /// One row per variable (a level, for a factor) and arm; all arms together last where there are several.
    pub rows: Vec<BaselineRow>,
}

/// A characteristic in an arm.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct BaselineRow {
    /// Name of the variable.
    pub variable: String,
    /// Its label.
    pub label: String,
    /// The arm, or `all arms`.
    pub arm: String,
    /// Patients in the arm of whom it is not known.
    pub missing: usize,
    /// What is known of the others.
    pub value: Characteristic,
}

/// A number or the share of a level.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Characteristic {
    /// A numeric variable.
    Numeric(Summary),
    /// A level of a factor.
    Level {
        /// The level.
        level: String,
        /// Patients who have it.
        n: usize,
        /// Patients of whom the factor is known.
        known: usize,
    },
}

impl Trial {
    /// The patients at baseline, by arm: covariates, and outcomes and diagnoses at the baseline visit.
    pub fn baseline_table(&self) -> BaselineTable {
        let mut rows = vec![];
        let groups = self.arms_and_all();
        for variable in self.variables_at_baseline() {
            for (arm, members) in &groups {
                let row = |missing, value| BaselineRow {
                    variable: variable.name().into(),
                    label: variable.label().into(),
                    arm: arm.clone(),
                    missing,
                    value,
                };
                if variable.is_factor() {
                    let mut n = vec![0; variable.levels().len()];
                    members.iter().filter_map(|&i| variable.level(i, 0, 1)).for_each(|l| n[l] += 1);
                    let known = n.iter().sum();
                    let level = |(level, &n): (&String, &usize)| Characteristic::Level { level: level.clone(), n, known };
                    rows.extend(variable.levels().iter().zip(&n).map(level).map(|value| row(members.len() - known, value)));
                } else {
                    let summary = Summary::of(members.iter().map(|&i| variable.value(i, 0, 1)));
                    rows.push(row(members.len() - summary.n, Characteristic::Numeric(summary)));
                }
            }
        }
        let visit = self.schedule().baseline().map(|v| self.schedule().labels()[v].to_string());
        BaselineTable { visit, rows }
    }

    /// What the table of baseline characteristics may show, where the trial has it at baseline.
    pub(crate) fn characteristic_names(&self) -> Vec<&str> {
        let covariates = self.covariates().map(Variable::name);
        let outcomes = self.outcomes().iter().map(|o| o.name.as_str());
        covariates.chain(outcomes).chain(self.diagnoses().iter().map(|d| d.name.as_str())).collect()
    }

    fn arms_and_all(&self) -> Vec<(String, Vec<usize>)> {
        let everyone: Vec<usize> = (0..self.patients().len()).collect();
        let of_arm = |arm: usize| everyone.iter().copied().filter(|&i| self.arm_of()[i] == arm).collect();
        let mut groups: Vec<(String, Vec<usize>)> = self.arms().iter().enumerate().map(|(arm, name)| (name.clone(), of_arm(arm))).collect();
        if groups.len() > 1 {
            groups.push((ALL_ARMS.into(), everyone));
        }
        groups
    }

    /// What is described, with one value per patient; what is measured repeatedly is there if a visit is the baseline.
    fn variables_at_baseline(&self) -> Vec<Variable> {
        let scheduled = self.schedule().len();
        let at_baseline = |v: &Variable| match (v.scope(), self.schedule().baseline()) {
            (Scope::Patient, _) => Some(v.clone()),
            (_, baseline) => baseline.map(|b| v.at_visit(b, scheduled)),
        };
        let mut found: Vec<Variable> = self.covariates().filter_map(at_baseline).collect();
        for outcome in self.outcomes() {
            let values = self.at_baseline(&outcome.values);
            found.extend(values.map(|values| Variable::number(&outcome.name, values).with_label(&outcome.label)));
        }
        for diagnosis in self.diagnoses() {
            let Some(values) = self.at_baseline(&diagnosis.values) else { continue };
            // Most trials have nobody whose diagnosis is unknown, and need no row that says so.
            let texts = DIAGNOSES.iter().take(if values.contains(&Some(Diagnosis::Unknown)) { 3 } else { 2 });
            let codes = values.into_iter().map(|d| DIAGNOSES.iter().position(|(diagnosis, _)| Some(*diagnosis) == d)).collect();
            found.push(Variable::factor(&diagnosis.name, texts.map(|(_, text)| *text), codes));
        }
        found
    }

    /// Of values by visit, those of the baseline visit.
    fn at_baseline<T: Copy>(&self, values: &[T]) -> Option<Vec<T>> {
        let baseline = self.schedule().baseline()?;
        Some(values.chunks_exact(self.schedule().len()).map(|visits| visits[baseline]).collect())
    }
}

/// What a diagnosis can be, in the order of the table.
const DIAGNOSES: [(Diagnosis, &str); 3] = [(Diagnosis::Met, "met"), (Diagnosis::NotMet, "not met"), (Diagnosis::Unknown, "unknown")];

impl BaselineTable {
    /// The table without what is the value of a single patient: see [`Summary::without_individuals`].
    pub fn without_individuals(mut self) -> Self {
        for row in &mut self.rows {
            if let Characteristic::Numeric(summary) = &mut row.value {
                *summary = summary.without_individuals();
            }
        }
        self
    }

    fn has_order_statistics(&self) -> bool {
        self.rows.iter().any(|row| matches!(row.value, Characteristic::Numeric(summary) if summary.minimum.is_some()))
    }
}

/// The digits of a statistic, given those that the standard error asks for.
type Digits = fn(Format) -> Format;

impl Tabular for BaselineTable {
    fn title(&self) -> String {
        "Patients at baseline".into()
    }

    fn columns(&self) -> Vec<Column> {
        let summary = |row: &BaselineRow| match row.value {
            Characteristic::Numeric(summary) => summary,
            Characteristic::Level { .. } => Summary::default(),
        };
        let real = |name: &'static str, heading: &str, digits: fn(Format) -> Format, value: fn(&Summary) -> Option<f64>| {
            let values = self.rows.iter().map(|r| value(&summary(r))).collect();
            let formats = self.rows.iter().map(|r| digits(summary(r).format())).collect();
            Column { name: name.into(), heading: heading.into(), values: Values::Each(values, formats) }
        };
        let (by_error, coarser): (Digits, Digits) = (|format| format, Format::coarser);
        let level = |row: &BaselineRow| match &row.value {
            Characteristic::Level { level, .. } => Some(level.clone()),
            Characteristic::Numeric(_) => None,
        };
        let share = |row: &BaselineRow| match row.value {
            Characteristic::Level { n, known, .. } => n as f64 / known as f64,
            Characteristic::Numeric(_) => f64::NAN,
        };
        let n = |row: &BaselineRow| match row.value {
            Characteristic::Level { n, .. } => n,
            Characteristic::Numeric(summary) => summary.n,
        };
        let mut columns = vec![
            Column::text("variable", "Characteristic", self.rows.iter().map(|r| r.label.as_str())),
            Column { name: "level".into(), heading: "Level".into(), values: Values::Text(self.rows.iter().map(level).collect()) },
            Column::text("arm", "Arm", self.rows.iter().map(|r| r.arm.as_str())),
            Column::count("n", "n", self.rows.iter().map(n)),
            Column::real("share", "Of known", Format::Percent, self.rows.iter().map(share)),
            real("mean", "Mean", by_error, |s| s.mean),
            real("sd", "SD", by_error, |s| s.sd),
        ];
        if self.has_order_statistics() {
            columns.extend([
                real("median", "Median", coarser, |s| s.median),
                real("minimum", "Min", coarser, |s| s.minimum),
                real("maximum", "Max", coarser, |s| s.maximum),
            ]);
        }
        columns.push(Column::count("missing", "Missing", self.rows.iter().map(|r| r.missing)));
        columns
    }

    fn notes(&self) -> Vec<String> {
        let visit = match &self.visit {
            Some(visit) => format!("Everyone randomized; what is measured repeatedly is described at {visit}."),
            None => "Everyone randomized; no visit is the baseline, so nothing that is measured repeatedly is described.".into(),
        };
        vec![
            visit,
            "Shares are of the patients of whom the characteristic is known; SD with denominator n − 1.".into(),
            "Not tested: after randomization, differences between arms are due to chance.".into(),
        ]
    }
}

display_as_table!(BaselineTable);
