//! Reference grids: the row of the model matrix at which a marginal mean is estimated.
//!
//! A marginal mean is l'β with l the average of model rows over the factors that are not asked for, numeric variables
//! being held at one value (Searle, Speed & Milliken 1980, The American Statistician 34:216–221).

use super::coding::Part;
use super::tally::Cell;
use super::*;
use crate::trial::{Role, Scope, VariableHeader};
use std::collections::BTreeMap;

/// What a column's numeric variables contribute to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// The value they are held at.
    Held,
    /// 1, for a slope.
    Slope,
    /// The column has no part in the row.
    Absent,
}

/// The model rows of a design under one way of averaging.
#[derive(Debug, Clone)]
pub(crate) struct ReferenceGrid<'a> {
    columns: &'a Columns,
    account: &'a Account,
    averaging: Averaging,
    /// The value at which each numeric variable is held; NaN for factors and for time.
    numbers: Vec<f64>,
}

impl Design {
    /// The coefficients l of the marginal mean l'β of a cell: factor (or `visit`) and level by name, everything else
    /// averaged.
    ///
    /// ```
    /// # use trialstats::design::*;
    /// # use trialstats::trial::{Outcome, Schedule, Trial};
    /// # let values = vec![1.0, 2.0, 3.0, 4.0, 5.0, 7.0];
    /// # let trial = Trial::builder("made up").patients(["1", "2", "3"]).arms(["P", "T"], vec![0, 1, 1])
    /// #     .schedule(Schedule::of_labels(["v1", "v2"])).outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values }).build()?;
    /// let design = Design::build(&trial, &MeanModel::parse("y ~ arm * visit")?, &DesignOptions::default())?;
    /// let l = design.marginal_row(&[("arm", "T"), ("visit", "v2")], &Averaging::default())?;
    /// assert_eq!(l, [1.0, 1.0, 1.0, 1.0]);
    /// let l = design.marginal_row(&[("arm", "T")], &Averaging::default())?;
    /// assert_eq!(l, [1.0, 1.0, 0.5, 0.5]);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] for a factor or level that the mean model does not have; [`Error::NotEstimable`] when the
    /// weights are those of a cell without observations.
    pub fn marginal_row(&self, cell: &[(&str, &str)], averaging: &Averaging) -> Result<Vec<f64>> {
        let columns = &self.columns;
        let grid = ReferenceGrid::new(columns, &self.account, averaging)?;
        let mut indices = vec![];
        for (name, level) in cell {
            let dimension = columns.dimension(name)?;
            indices.push((dimension, columns.level_index(dimension, level)?));
        }
        grid.row(&indices).ok_or_else(|| Error::NotEstimable {
            estimate: cell.iter().map(|(_, level)| *level).collect::<Vec<_>>().join(" "),
            why: "no analysed observation is in this cell, and its weights are the cell's own frequencies".into(),
        })
    }
}

impl<'a> ReferenceGrid<'a> {
    pub fn new(columns: &'a Columns, account: &'a Account, averaging: &Averaging) -> Result<Self> {
        columns.must_be_one_response()?;
        let numeric = |v: &VariableHeader| !v.is_factor() && v.role != Role::Time;
        for (name, value) in &averaging.at {
            let numbers = (0..columns.variables.len()).filter(|&v| numeric(&columns.variables[v]));
            let known: Vec<&str> = numbers.map(|v| columns.column_of(v)).collect();
            if !known.contains(&name.as_str()) {
                return Err(Error::unknown("numeric variable of the mean model", name, &known));
            }
            if !value.is_finite() {
                return Err(Error::not_finite(format!("`{name}` held at {value}"), "it is not a finite number", "give a finite value"));
            }
        }
        let number = |(at, v): (usize, &VariableHeader)| match averaging.at.iter().rev().find(|(name, _)| name == columns.column_of(at)) {
            _ if !numeric(v) => f64::NAN,
            Some((_, value)) => *value,
            None => account.tally.mean(at, averaging.of_numbers()),
        };
        let numbers = columns.variables.iter().enumerate().map(number).collect();
        Ok(Self { columns, account, averaging: averaging.clone(), numbers })
    }

    /// The averaged model row of a cell; `None` when it has no observations to take its weights from.
    pub fn row(&self, cell: &[(Dimension, usize)]) -> Option<Vec<f64>> {
        match self.averaging.factors {
            FactorWeights::Equal => Some(self.equally_weighted(cell)),
            FactorWeights::Proportional => self.by_frequency(cell, self.account.tally.observed.iter()),
            FactorWeights::Cells => self.by_frequency(cell, self.account.tally.observed.iter().filter(|c| c.is_in(cell))),
            FactorWeights::ObservedMargins => self.by_frequency(cell, self.account.tally.planned.iter()),
        }
    }

    /// How means were averaged, for a table's notes; `named` are the dimensions of its cells.
    pub fn sentence(&self, named: &[Dimension]) -> String {
        let over: Vec<&str> =
            self.columns.dimensions().into_iter().filter(|d| !named.contains(d)).map(|d| self.columns.dimension_name(d)).collect();
        let mut parts = vec![];
        if !over.is_empty() {
            let weights = match self.averaging.factors {
                FactorWeights::Equal => "equal weights",
                FactorWeights::Proportional => "weights proportional to their joint frequencies among the analysed observations",
                FactorWeights::Cells => "weights proportional to their joint frequencies among the analysed observations of each cell",
                FactorWeights::ObservedMargins => "weights proportional to their joint frequencies among all patients and visits",
            };
            parts.push(format!("averaged over {} with {weights}", over.join(", ")));
        }
        let over = match self.averaging.of_numbers() {
            CovariateMeans::Observations => "the analysed observations",
            CovariateMeans::Patients => "the analysed patients",
            CovariateMeans::Randomized => "everyone randomized",
        };
        let mut told: Vec<&str> = vec![];
        for (v, value) in self.numbers.iter().enumerate().filter(|(_, x)| !x.is_nan()) {
            let column = self.columns.column_of(v);
            if told.contains(&column) {
                continue;
            }
            told.push(column);
            let given = self.averaging.at.iter().any(|(name, _)| name == column);
            let how = if given { String::new() } else { format!(", its mean over {over}") };
            parts.push(format!("{column} at {}{how}", significant(*value)));
        }
        parts.join("; ")
    }

    /// The covariates that change by visit and are held at one value throughout where these rows depend on them, for
    /// a table's title: `month, which changes by visit, held at its overall mean 3.2`.
    pub fn held_throughout<'r>(&self, rows: impl IntoIterator<Item = &'r [f64]>) -> Option<String> {
        let changes = |v: &usize| {
            let variable = &self.columns.variables[*v];
            let given = self.averaging.at.iter().any(|(name, _)| *name == self.columns.column_of(*v));
            !variable.is_factor() && variable.scope == Scope::PatientVisit && !given
        };
        let mut changing: Vec<usize> = (0..self.columns.variables.len()).filter(changes).collect();
        let rows: Vec<&[f64]> = rows.into_iter().collect();
        let matters = |v: usize| {
            let of_variable = |parts: &Parts| parts.iter().any(|&(u, part)| u == v && part.is_number());
            let columns = (0..self.columns.len()).filter(|&c| self.columns.parts.get(c).is_some_and(of_variable));
            let columns: Vec<usize> = columns.collect();
            rows.iter().any(|row| columns.iter().any(|&c| row.get(c).is_some_and(|x| *x != 0.0)))
        };
        changing.retain(|&v| matters(v));
        let mut told: Vec<&str> = vec![];
        changing.retain(|&v| {
            let first = !told.contains(&self.columns.column_of(v));
            told.push(self.columns.column_of(v));
            first
        });
        let words = |&v: &usize| {
            format!("{}, which changes by visit, held at its overall mean {}", self.columns.column_of(v), significant(self.numbers[v]))
        };
        (!changing.is_empty()).then(|| changing.iter().map(words).collect::<Vec<_>>().join("; "))
    }

    /// A table's title with what [`ReferenceGrid::held_throughout`] says of its rows.
    pub fn titled<'r>(&self, title: String, rows: impl IntoIterator<Item = &'r [f64]>) -> String {
        match self.held_throughout(rows) {
            Some(held) => format!("{title} ({held})"),
            None => title,
        }
    }

    /// The value at which the outcome's baseline is held, where it is a covariate, on the scale of the outcome's analysis.
    pub fn baseline_value(&self) -> Option<f64> {
        let value = self.columns.variables.iter().position(|v| v.role == Role::Baseline).map(|v| self.numbers[v]);
        match self.columns.response() {
            Some(response) => value.map(|value| response.apply(value)),
            None => value,
        }
    }

    /// The coefficients of a cell's slope on the product of `numbers`, other numeric variables being zero; with no
    /// `numbers`, of its mean there. Factors not in the cell are averaged with equal weights.
    pub fn slope_row(&self, cell: &[(Dimension, usize)], numbers: &[usize]) -> Vec<f64> {
        let is_number = |&&(_, part): &&(usize, Part)| part.is_number();
        self.averaged(cell, |parts| {
            let in_product = parts.iter().filter(is_number).all(|(v, _)| numbers.contains(v));
            if in_product && parts.iter().filter(is_number).count() == numbers.len() { Numbers::Slope } else { Numbers::Absent }
        })
    }

    fn equally_weighted(&self, cell: &[(Dimension, usize)]) -> Vec<f64> {
        self.averaged(cell, |_| Numbers::Held)
    }

    /// Equal weights factorise: a column's average is, visit by visit, the product of its parts' averages.
    fn averaged(&self, cell: &[(Dimension, usize)], numbers: impl Fn(&Parts) -> Numbers) -> Vec<f64> {
        let visits = match chosen(cell, Dimension::Visit) {
            Some(t) => t..t + 1,
            None => 0..self.columns.visits.len(),
        };
        let share = 1.0 / visits.len() as f64;
        let mut row = vec![0.0; self.columns.len()];
        for t in visits {
            for (x, parts) in row.iter_mut().zip(&self.columns.parts) {
                let numbers = numbers(parts);
                let part = |&(v, part): &(usize, Part)| match (part, chosen(cell, Dimension::Factor(v))) {
                    (Part::Number | Part::Basis(_), _) if numbers == Numbers::Slope => 1.0,
                    (Part::Level(_), None) if !self.is_visit(v) && !self.columns.is_before_treatment(v, t) => {
                        1.0 / self.columns.variables[v].levels.len() as f64
                    }
                    (_, level) => self.part(v, part, level.unwrap_or(0), t),
                };
                if numbers != Numbers::Absent {
                    *x += share * parts.iter().map(part).product::<f64>();
                }
            }
        }
        row
    }

    /// Averages over the combinations of the other factors as often as they occur among `counted`.
    fn by_frequency<'c>(&self, cell: &[(Dimension, usize)], counted: impl Iterator<Item = &'c Cell>) -> Option<Vec<f64>> {
        let others: Vec<Dimension> = self.columns.dimensions().into_iter().filter(|d| chosen(cell, *d).is_none()).collect();
        // Sorted, so that sums do not depend on the order of a hash table.
        let mut counts: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        let mut n = 0;
        for combination in counted {
            *counts.entry(others.iter().map(|&d| combination.level(d)).collect()).or_default() += combination.n;
            n += combination.n;
        }
        let mut row = vec![0.0; self.columns.len()];
        for (levels, count) in &counts {
            let combination = others.iter().copied().zip(levels.iter().copied());
            let point: Vec<(Dimension, usize)> = cell.iter().copied().chain(combination).collect();
            self.add_point(&point, *count as f64 / n as f64, &mut row);
        }
        (n > 0).then_some(row)
    }

    /// Adds `weight` times the model row with every factor at the level it has in `point`.
    fn add_point(&self, point: &[(Dimension, usize)], weight: f64, row: &mut [f64]) {
        let t = chosen(point, Dimension::Visit).unwrap_or(0);
        for (x, parts) in row.iter_mut().zip(&self.columns.parts) {
            let part = |&(v, part): &(usize, Part)| self.part(v, part, chosen(point, Dimension::Factor(v)).unwrap_or(0), t);
            *x += weight * parts.iter().map(part).product::<f64>();
        }
    }

    /// The value of a part at a level and visit.
    fn part(&self, v: usize, part: Part, level: usize, t: usize) -> f64 {
        let level = if self.columns.is_before_treatment(v, t) { 0 } else { level };
        match (part, self.columns.variables[v].scope) {
            (Part::Level(l), Scope::Visit) => f64::from(u8::from(l == t)),
            (Part::Level(l), _) => f64::from(u8::from(l == level)),
            (number, Scope::Visit) => self.columns.number_of(v, number, self.columns.visit_times[t].unwrap_or(f64::NAN)),
            (number, _) => self.columns.number_of(v, number, self.numbers[v]),
        }
    }

    fn is_visit(&self, v: usize) -> bool {
        self.columns.variables[v].role == Role::Visit
    }
}

fn chosen(cell: &[(Dimension, usize)], dimension: Dimension) -> Option<usize> {
    cell.iter().find(|(d, _)| *d == dimension).map(|(_, level)| *level)
}

/// Five significant digits at most.
fn significant(x: f64) -> String {
    if x == 0.0 {
        return "0".into();
    }
    let decimals = (4 - x.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}
