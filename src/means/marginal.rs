//! Marginal means: the mean outcome in each cell of some factors, everything else averaged.

use super::outcome_scale::on_outcome_scale;
use super::row::{baseline, cell_of, evaluate, exclusions, on_scale, reasons, sentence, unobserved};
use crate::design::{Averaging, Columns, Dimension, Planned, ReferenceGrid};
use crate::error::{Error, Result};
use crate::estimates::remarks::on_df;
use crate::estimates::{Df, Estimate, Estimates, Link, OnOutcomeScale};
use crate::level::{check_level, percent};
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::{Labelled, labelled};

/// How marginal means are made.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MeansOptions {
    /// How what is not named is averaged; equal weights and covariates at their mean by default.
    pub averaging: Averaging,
    /// Confidence level; 0.95 by default.
    pub level: f64,
}

impl Default for MeansOptions {
    fn default() -> Self {
        Self { averaging: Averaging::default(), level: 0.95 }
    }
}

/// A table of marginal means.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MarginalMeans {
    /// The outcome.
    pub outcome: String,
    /// The factors of the cells, as the formula names them.
    pub factors: Vec<String>,
    /// One row per cell, the first factor varying fastest.
    pub rows: Vec<MarginalMean>,
    /// How the means were averaged.
    pub averaging: Averaging,
    /// Confidence level.
    pub level: f64,
    /// Method of the degrees of freedom, where it is one of those known here.
    pub df_method: Option<Df>,
    /// The scale of the estimates.
    pub link: Link,
    /// Covariates that change by visit and are held at one value, for the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<String>,
    notes: Vec<String>,
}

/// The mean in one cell.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct MarginalMean {
    /// The cell's levels, in the order of the factors.
    pub levels: Vec<String>,
    /// The arm, where it is among the factors.
    #[serde(flatten, serialize_with = "labelled::fields::arm_if_any")]
    pub arm: Option<Labelled>,
    /// The visit, where it is among the factors.
    #[serde(flatten, serialize_with = "labelled::fields::visit_if_any")]
    pub visit: Option<Labelled>,
    /// Analysed observations in the cell.
    pub n: usize,
    /// The estimate; its numbers are NaN where there is none.
    pub estimate: Estimate,
    /// Lower confidence limit.
    pub lower: f64,
    /// Upper confidence limit.
    pub upper: f64,
    /// The mean on the scale of the outcome, where the model's is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_outcome_scale: Option<OnOutcomeScale>,
    /// Why the data do not determine the mean, where they do not.
    pub not_estimable: Option<String>,
    /// The mean's coefficients, one per column of the model matrix; empty where the cell gives no weights.
    #[serde(skip)]
    pub coefficients: Vec<f64>,
}

/// The marginal mean of every cell of `factors`.
pub(super) fn by_cell(of: &dyn Estimates, factors: &[&str], options: &MeansOptions) -> Result<MarginalMeans> {
    check_level(options.level)?;
    let (columns, account) = (of.columns(), of.account());
    let dimensions = dimensions(columns, factors)?;
    let grid = ReferenceGrid::new(columns, account, &options.averaging)?;
    let rows = cells(columns, &dimensions).into_iter().map(|cell| in_cell(of, &grid, &cell, options.level)).collect::<Result<Vec<_>>>()?;
    let mut notes = of.notes();
    notes.extend(sentence(&grid.sentence(&dimensions)));
    notes.extend(baseline(columns));
    notes.extend(on_scale(of.link()));
    notes.push(format!("{} confidence intervals.", percent(options.level)));
    notes.extend(exclusions(account));
    notes.extend(unobserved(columns));
    notes.extend(reasons(columns, rows.iter().map(|r| (r.estimate.label.as_str(), r.not_estimable.as_ref()))));
    notes.extend(on_df(rows.iter().map(|r| (r.estimate.label.as_str(), r.estimate.df)), account.n_observations()));
    Ok(MarginalMeans {
        outcome: columns.outcome().into(),
        factors: dimensions.iter().map(|&d| columns.dimension_name(d).to_string()).collect(),
        held: grid.held_throughout(rows.iter().map(|r| r.coefficients.as_slice())),
        rows,
        averaging: options.averaging.clone(),
        level: options.level,
        df_method: of.method_of_df(),
        link: of.link(),
        notes,
    })
}

fn in_cell(of: &dyn Estimates, grid: &ReferenceGrid, cell: &[(Dimension, Planned)], level: f64) -> Result<MarginalMean> {
    let levels: Vec<String> = cell.iter().map(|(_, planned)| planned.label.clone()).collect();
    let coefficients = cell_of(grid, &cell.iter().map(|(d, planned)| (*d, planned)).collect::<Vec<_>>());
    let evaluated = evaluate(of, levels.join(", "), coefficients.as_deref(), level)?;
    let observed: Option<Vec<(Dimension, usize)>> = cell.iter().map(|(d, planned)| Some((*d, planned.level.clone().ok()?))).collect();
    Ok(MarginalMean {
        levels,
        arm: cell.iter().find_map(|(_, planned)| planned.arm()),
        visit: cell.iter().find_map(|(_, planned)| planned.visit()),
        n: observed.map_or(0, |cell| of.account().count(&cell)),
        on_outcome_scale: of.link().mean(&evaluated.estimate, evaluated.interval),
        estimate: evaluated.estimate,
        lower: evaluated.interval.0,
        upper: evaluated.interval.1,
        not_estimable: evaluated.not_estimable,
        coefficients: coefficients.unwrap_or_default(),
    })
}

/// The dimensions called `names`, all different.
pub(super) fn dimensions(columns: &Columns, names: &[&str]) -> Result<Vec<Dimension>> {
    let found = names.iter().map(|name| columns.dimension(name)).collect::<Result<Vec<_>>>()?;
    match (1..found.len()).find(|&k| found[..k].contains(&found[k])) {
        Some(k) => Err(Error::named_twice(
            format!("marginal means by {}", names.join(" and ")),
            format!("`{}` is there twice", names[k]),
            "name it once",
        )),
        None => Ok(found),
    }
}

/// All cells of some dimensions, the first varying fastest.
pub(super) fn cells(columns: &Columns, dimensions: &[Dimension]) -> Vec<Vec<(Dimension, Planned)>> {
    dimensions.iter().fold(vec![vec![]], |cells, &dimension| {
        let with = |level: &Planned| -> Vec<Vec<(Dimension, Planned)>> {
            cells.iter().map(|cell| cell.iter().cloned().chain([(dimension, level.clone())]).collect()).collect()
        };
        columns.planned(dimension).iter().flat_map(with).collect()
    })
}

impl MarginalMeans {
    /// The row of an arm at a visit, by their positions in the trial. Where the table is not by arm, the mean of a
    /// visit is that of every arm.
    pub fn at(&self, arm: usize, visit: usize) -> Option<&MarginalMean> {
        let is = |of: &Option<Labelled>, index: usize| of.as_ref().is_none_or(|l| l.index == index);
        self.rows.iter().find(|r| r.visit.is_some() && is(&r.arm, arm) && is(&r.visit, visit))
    }

    /// The row of a cell, by its levels in the order of the factors.
    pub fn get(&self, levels: &[&str]) -> Option<&MarginalMean> {
        self.rows.iter().find(|r| r.levels == levels)
    }
}

impl Tabular for MarginalMeans {
    fn title(&self) -> String {
        let held = self.held.as_ref().map(|held| format!(" ({held})")).unwrap_or_default();
        match self.factors.is_empty() {
            true => format!("Marginal mean of {}{held}", self.outcome),
            false => format!("Marginal means of {} by {}{held}", self.outcome, self.factors.join(" and ")),
        }
    }

    fn columns(&self) -> Vec<Column> {
        let number = |name, heading: &str, get: fn(&MarginalMean) -> f64| {
            Column::real(name, heading, Format::of_errors(self.rows.iter().map(|r| r.estimate.se)), self.rows.iter().map(get))
        };
        let mut columns: Vec<Column> = self
            .factors
            .iter()
            .enumerate()
            .map(|(k, factor)| Column::text(factor.clone(), factor, self.rows.iter().map(|r| r.levels[k].as_str())))
            .collect();
        columns.extend([
            Column::count("n", "n", self.rows.iter().map(|r| r.n)),
            number("estimate", self.link.estimate_heading("Mean"), |r| r.estimate.estimate),
            number("se", "SE", |r| r.estimate.se),
            Column::real("df", "df", Format::Df, self.rows.iter().map(|r| r.estimate.df)),
            number("lower", &format!("Lower {}", percent(self.level)), |r| r.lower),
            number("upper", &format!("Upper {}", percent(self.level)), |r| r.upper),
        ]);
        columns.extend(on_outcome_scale(self.link.mean_heading(), self.level, self.rows.iter().map(|r| r.on_outcome_scale)));
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(MarginalMeans);
