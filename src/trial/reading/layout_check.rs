//! Layouts that contradict themselves, found before any file is opened.

use super::visits::visits_of_columns;
use crate::error::{Error, Message, Result, Setting};
use crate::trial::columns::{Columns, CovariateKind};
use crate::trial::layout::{Layout, Shape};

/// Whether the layout, which names the columns `wanted`, makes sense by itself.
pub(super) fn check(layout: &Layout, wanted: &[&str]) -> Result<()> {
    let long = matches!(layout.shape, Shape::Long(_));
    if let (Some(preset), false) = (layout.preset, layout.is_resolved) {
        return Err(Error::not_built(
            format!("the preset `{preset}` for a file that is read in chunks"),
            "what it means depends on the whole file",
            "state the columns one by one",
        ));
    }
    if let (false, Some(order)) = (long, &layout.visit_order) {
        return Err(Error::conflict(
            format!("the order of visits by `{order}`"),
            "a row of a wide file is a patient, not a visit",
            Message::from("declare the visits in their order with ").setting(Setting::Visits),
        ));
    }
    if let (false, Some(time)) = (long, &layout.time_column) {
        return Err(Error::conflict(
            format!("the time column `{time}`"),
            "a row of a wide file is a patient, not a visit",
            Message::from("declare the times with ").setting(Setting::VisitTimes),
        ));
    }
    if !long && (!layout.filters.rows.is_empty() || !layout.filters.visits.is_empty()) {
        return Err(Error::conflict(
            "leaving out rows or visits of a wide file",
            "a row of a wide file is a patient with all visits",
            Message::from("state a condition on patients with ").setting(Setting::KeepPatients),
        ));
    }
    let outcomes = layout.outcomes.iter().map(|o| (o.name.as_str(), &o.columns));
    let items = layout.instruments().flat_map(|i| i.items.iter().map(|c| (i.instrument.name(), c)));
    let covariates = layout.covariates.iter();
    let by_visit =
        covariates.filter(|c| matches!(c.kind, CovariateKind::NumericByVisit | CovariateKind::FactorByVisit) || per_visit(&c.columns));
    let clusters = layout.clusters_by_visit.iter().map(|(name, columns)| (name.as_str(), columns));
    for (name, columns) in outcomes.chain(items).chain(by_visit.map(|c| (c.name.as_str(), &c.columns))).chain(clusters) {
        if long == per_visit(columns) {
            return Err(misplaced(name, long));
        }
    }
    for outcome in &layout.outcomes {
        // A range with a NaN is empty, too.
        if let Some((lowest, highest)) =
            outcome.range.filter(|(lowest, highest)| lowest.partial_cmp(highest) != Some(std::cmp::Ordering::Less))
        {
            return Err(Error::out_of_range(
                format!("the range {lowest} to {highest} of `{}`", outcome.name),
                "it is empty",
                "give the lowest score first",
            ));
        }
    }
    if let Some((column, _)) = layout.column_codes.iter().find(|(column, _)| !wanted.contains(&column.as_str())) {
        return Err(Error::unknown("column", column, wanted));
    }
    let known: Vec<&str> = layout.visits.iter().map(|v| v.label.as_str()).collect();
    if let Some(stranger) = visits_of_columns(layout).into_iter().find(|v| !known.is_empty() && !known.contains(v)) {
        return Err(Error::unknown("visit", stranger, &known));
    }
    let covariates: Vec<&str> = layout.covariates.iter().map(|c| c.name.as_str()).collect();
    match layout.levels.iter().find(|(name, _)| !covariates.contains(&name.as_str())) {
        Some((name, _)) => Err(Error::unknown("covariate", name, &covariates)),
        None => Ok(()),
    }
}

fn per_visit(columns: &Columns) -> bool {
    matches!(columns, Columns::PerVisit(_))
}

fn misplaced(name: &str, long: bool) -> Error {
    let what = format!("`{name}`");
    if long {
        Error::conflict(what, "a long file has one column for all visits", Message::from("declare it with ").setting(Setting::LongColumns))
    } else {
        Error::conflict(what, "a wide file has a column for each visit", Message::from("declare it with ").setting(Setting::WideColumns))
    }
}
