//! Any linear combination of marginal means, by name.

use super::contrasts::{Wanted, table_of};
use super::row::cell_of;
use super::{Compared, ContrastOptions, Contrasts};
use crate::design::{Averaging, Columns, Dimension, Planned, ReferenceGrid};
use crate::error::{Error, Result};
use crate::estimates::{Estimate, Estimates};

/// A weighted sum of marginal means, e.g. the difference between arms averaged over months 6 to 12.
///
/// ```
/// use trialstats::means::LinearContrast;
///
/// let late = ["6 months", "9 months", "12 months"];
/// let average = LinearContrast::between_arms("average of months 6–12", "ImRs+GST", "ImRs", late.map(|v| (v, 1.0 / 3.0)));
/// assert_eq!(average.cells().len(), 6);
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LinearContrast {
    name: String,
    cells: Vec<(Vec<(String, String)>, f64)>,
}

impl LinearContrast {
    /// A contrast without any cells yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), cells: vec![] }
    }

    /// Adds `weight` times the marginal mean of a cell, given as factors (or `visit`) and levels; what is not named
    /// is averaged.
    pub fn cell(mut self, cell: &[(&str, &str)], weight: f64) -> Self {
        self.cells.push((cell.iter().map(|(f, l)| (f.to_string(), l.to_string())).collect(), weight));
        self
    }

    /// The difference `arm - reference` in a weighted sum over visits.
    pub fn between_arms<'a>(name: impl Into<String>, arm: &str, reference: &str, visits: impl IntoIterator<Item = (&'a str, f64)>) -> Self {
        visits.into_iter().fold(Self::new(name), |contrast, (visit, weight)| {
            contrast.cell(&[("arm", arm), ("visit", visit)], weight).cell(&[("arm", reference), ("visit", visit)], -weight)
        })
    }

    /// A weighted sum over the visits of one arm.
    pub fn within_arm<'a>(name: impl Into<String>, arm: &str, visits: impl IntoIterator<Item = (&'a str, f64)>) -> Self {
        visits.into_iter().fold(Self::new(name), |contrast, (visit, weight)| contrast.cell(&[("arm", arm), ("visit", visit)], weight))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its cells, as factors and levels, with their weights.
    pub fn cells(&self) -> &[(Vec<(String, String)>, f64)] {
        &self.cells
    }
}

/// One linear combination of the means of arm and visit.
pub(super) fn of_arms_and_visits(of: &dyn Estimates, name: &str, cells: &[(&str, &str, f64)]) -> Result<Estimate> {
    let contrast =
        cells.iter().fold(LinearContrast::new(name), |c, &(arm, visit, weight)| c.cell(&[("arm", arm), ("visit", visit)], weight));
    let grid = ReferenceGrid::new(of.columns(), of.account(), &Averaging::default())?;
    match combination(of.columns(), &grid, &contrast)? {
        Ok(l) => of.estimate(name, &l),
        Err(why) => Err(Error::NotEstimable { estimate: name.into(), why }),
    }
}

/// A table of linear combinations of marginal means.
pub(super) fn table(of: &dyn Estimates, contrasts: &[LinearContrast], options: &ContrastOptions) -> Result<Contrasts> {
    let columns = of.columns();
    let grid = ReferenceGrid::new(columns, of.account(), &options.averaging)?;
    let wanted = |c: &LinearContrast| {
        let compared = Compared::Linear { name: c.name.clone() };
        let (sum, size) = c.cells.iter().fold((0.0, 0.0), |(sum, size): (f64, f64), (_, w)| (sum + w, size + w.abs()));
        Ok(Wanted { compared, visit: None, l: combination(columns, &grid, c)?, minus: 0.0, is_difference: sum.abs() <= 1e-12 * size })
    };
    let wanted = contrasts.iter().map(wanted).collect::<Result<Vec<_>>>()?;
    let named = dimensions_named(columns, contrasts)?;
    table_of(of, format!("Contrasts of marginal means of {}", columns.outcome()), wanted, &grid, &named, options)
}

/// Σ weight × row of the cell, or why a cell has none.
fn combination(columns: &Columns, grid: &ReferenceGrid, contrast: &LinearContrast) -> Result<Result<Vec<f64>, String>> {
    let refused =
        |why: &str| Error::not_finite(format!("contrast `{}`", contrast.name), why, "give every cell of the contrast a finite weight");
    if contrast.cells.is_empty() {
        return Err(refused("it has no cells"));
    }
    if contrast.cells.iter().any(|(_, weight)| !weight.is_finite()) {
        return Err(refused("a weight is not a finite number"));
    }
    let mut sum = vec![0.0; columns.len()];
    for (cell, weight) in &contrast.cells {
        let levels = named_cell(columns, cell)?;
        match cell_of(grid, &levels.iter().map(|(dimension, level)| (*dimension, level)).collect::<Vec<_>>()) {
            Ok(row) => sum.iter_mut().zip(row).for_each(|(s, x)| *s += weight * x),
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(sum))
}

fn named_cell(columns: &Columns, names: &[(String, String)]) -> Result<Vec<(Dimension, Planned)>> {
    let named = |(factor, label): &(String, String)| {
        let dimension = columns.dimension(factor)?;
        Ok((dimension, columns.called(dimension, label)?))
    };
    names.iter().map(named).collect()
}

fn dimensions_named(columns: &Columns, contrasts: &[LinearContrast]) -> Result<Vec<Dimension>> {
    let names = contrasts.iter().flat_map(|c| &c.cells).flat_map(|(cell, _)| cell.iter().map(|(factor, _)| factor.as_str()));
    names.map(|name| columns.dimension(name)).collect()
}
