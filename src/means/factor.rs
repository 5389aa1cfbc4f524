//! Differences between the levels of any factor of the mean model, such as a treatment that changes by period.

use super::contrasts::{Wanted, difference, pairs, table_of};
use super::marginal::{cells, dimensions};
use super::row::cell_of;
use super::{Compared, ContrastOptions, Contrasts};
use crate::design::{Dimension, Planned, ReferenceGrid};
use crate::error::{Error, Result};
use crate::estimates::Estimates;

/// The differences between the levels of the first of `factors`, in every combination of levels of the others.
pub(super) fn between_levels(of: &dyn Estimates, factors: &[&str], options: &ContrastOptions) -> Result<Contrasts> {
    let columns = of.columns();
    let dimensions = dimensions(columns, factors)?;
    let Some((&compared, others)) = dimensions.split_first() else {
        return Err(Error::nothing_to_compare(
            "differences between levels",
            "no factor is named",
            "name the factor whose levels are compared",
        ));
    };
    let grid = ReferenceGrid::new(columns, of.account(), &options.averaging)?;
    let levels = columns.planned(compared);
    let name = columns.dimension_name(compared);
    let pairs = pairs(&levels, &options.arms, name)?;
    let mut wanted = vec![];
    for cell in cells(columns, others) {
        let row = |of: &Planned| {
            let rest = cell.iter().map(|(dimension, level)| (*dimension, level));
            let whole: Vec<(Dimension, &Planned)> = std::iter::once((compared, of)).chain(rest).collect();
            cell_of(&grid, &whole)
        };
        let visit = cell.iter().find_map(|(_, level)| level.visit());
        let within: Vec<&str> = cell.iter().filter(|(_, level)| level.visit().is_none()).map(|(_, l)| l.label.as_str()).collect();
        for &(a, b) in &pairs {
            let (level, versus) = (levels[a].label.clone(), levels[b].label.clone());
            wanted.push(Wanted {
                compared: Compared::Levels { level, versus, within: within.join(", ") },
                visit: visit.clone(),
                l: difference(row(&levels[a]), row(&levels[b])),
                minus: 0.0,
                is_difference: true,
            });
        }
    }
    let by: Vec<&str> = others.iter().map(|d| columns.dimension_name(*d)).collect();
    let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(" and ")) };
    let title = format!("Differences between levels of {name} in {}{by}", columns.outcome());
    table_of(of, title, wanted, &grid, &dimensions, options)
}
