//! Reading a trial: any engine → [`Sheet`] → patients, visits, values → [`Trial`].
//!
//! Every step goes on after a problem, so that all problems of a file are reported at once; nothing is dropped to
//! make a file fit.
//!
//! `input` recognises what a file is. Who reads what, and what it costs to compile (CPU seconds of an unoptimised build,
//! November 2026, with what nothing else in the tree needs; the whole of the example `reanalysis` takes about 120):
//!
//! | format | reader | upkeep, licence | CPU s | crates of its own |
//! |---|---|---|---|---|
//! | text | `csv`, `encoding` | in the tree | – | – |
//! | xlsx, xlsb, xls, ods | crate `calamine` 0.38 | years old, several releases a year, MIT | 9.5 | 17: `zip`, `quick-xml`, `encoding_rs`, `flate2`, `zlib-rs`, … |
//! | sav, zsav | `sav`, own: PSPP's developers describe the format. Crate `ambers` 0.4 (MIT) brings `arrow`, 88 crates | | – | none beside `encoding_rs` and `flate2` |
//! | dta | crate `dta` 0.6 | young, active, every release from 102 to 119, MIT | 1 | 1 |
//! | xpt | `xport`, own: SAS publishes the format (TS-140). Crate `xportrs` 0.0.7 knows version 5 only | | – | none |
//! | sas7bdat | crate `sas7bdat` 0.9, for pages and compression only | young, active, tested against ReadStat's files, MIT | 3 | 3: `memmap2`, `bytemuck` |
//! | Parquet | `frame`, by polars | feature `parquet` | 90 | about 150 |
//! | SHA-256 of all | crate `sha2` 0.11 | RustCrypto, MIT or Apache | 2 | 9 |
//!
//! All but text, Parquet and the digest are behind the feature `formats`. `calamine` panics on some damaged workbooks, so
//! that it is called behind `catch_unwind`, and so is `sas7bdat`; the readers written here cannot.

mod adam;
#[cfg(feature = "formats")]
mod bytes;
#[cfg(feature = "formats")]
mod calendar;
#[cfg(feature = "formats")]
mod choice_of_sheet;
mod chunks;
mod csv;
mod dates;
mod declared;
mod digest;
mod encoding;
mod filters;
mod findings;
mod formats;
#[cfg(feature = "polars")]
mod frame;
mod grid;
#[cfg(feature = "formats")]
mod growing;
mod input;
mod labels;
mod layout_check;
mod levels;
mod lines;
mod look;
mod look_alikes;
mod outcomes;
mod patients;
mod profile;
mod ratings;
#[cfg(feature = "formats")]
mod sas7bdat;
#[cfg(feature = "formats")]
mod sav;
mod sheet;
mod stages;
#[cfg(feature = "formats")]
mod stata;
mod suspicions;
mod values;
mod variables;
mod visits;
#[cfg(feature = "formats")]
mod workbook;
#[cfg(feature = "formats")]
mod xport;

use crate::table::counted;
use std::borrow::Cow;
use std::collections::HashSet;

pub use self::chunks::{Chunk, Chunks};
pub(crate) use self::dates::{Days, days};
use self::findings::{Findings, Place};
use self::grid::Grid;
pub(super) use self::input::{Input, columns, read};
pub(crate) use self::look::{Look, LookedAt, look};
use self::sheet::Sheet;
use super::columns::{Columns, CovariateColumn};
use super::layout::{Layout, Shape};
use super::{ColumnNames, Kind, Outcome, Schedule, Trial, TrialBuilder, Variable};
use crate::closest::closest;
use crate::error::{Error, Message, Result, Setting, says, shown};

/// More patients × visits than this, and a hundred times more than rows, are no schedule but a column mistaken for
/// the visit.
const CELLS: usize = 10_000_000;

pub(super) fn unreadable(path: &str, source: std::io::Error) -> Error {
    Error::File { action: "cannot read", path: path.into(), source }
}

/// A trial from text.
pub(super) fn csv(layout: &Layout, source: &str, text: impl std::io::Read) -> Result<Trial> {
    let layout = &*layout.ready()?;
    if layout.preset.is_none() {
        return csv_as_stated(layout, vec![], source, text);
    }
    let mut text = text;
    let mut whole = vec![];
    text.read_to_end(&mut whole).map_err(|error| unreadable(source, error))?;
    let names = || csv::header(source, whole.as_slice(), layout.delimiter, &wanted(layout).into_iter().collect());
    let (layout, decided) = with_preset(layout, names)?;
    csv_as_stated(&layout, decided, source, whole.as_slice())
}

/// A trial from text by a layout that depends on nothing in it; `decided` is what was decided before.
fn csv_as_stated(layout: &Layout, decided: Vec<String>, source: &str, text: impl std::io::Read) -> Result<Trial> {
    let wanted = wanted(layout);
    layout_check::check(layout, &wanted)?;
    let mut findings = Findings::default();
    decided.into_iter().for_each(|sentence| findings.inferred(sentence));
    let sheet = csv::read(source, text, layout.delimiter, &wanted.iter().copied().collect(), &mut findings)?;
    assemble(layout, sheet, &wanted, findings)
}

/// The names of the columns of a text.
pub(super) fn csv_columns(layout: &Layout, source: &str, text: impl std::io::Read) -> Result<Vec<String>> {
    let layout = &*layout.ready()?;
    csv::header(source, text, layout.delimiter, &wanted(layout).into_iter().collect())
}

/// A text in chunks of about so many rows.
pub(super) fn csv_chunks<'a>(layout: &'a Layout, source: &str, text: impl std::io::Read + Send + 'a, rows: usize) -> Result<Chunks<'a>> {
    struct Text<R>(csv::Table<R>, usize);
    impl<R: std::io::Read + Send> chunks::Blocks for Text<R> {
        fn next(&mut self, wanted: &HashSet<&str>, findings: &mut Findings) -> Result<Option<Sheet>> {
            self.0.rows(self.1, wanted, findings)
        }
    }
    let ready = layout.ready()?;
    let table = csv::Table::open(source, text, ready.delimiter, &wanted(&ready).into_iter().collect())?;
    Chunks::new(ready, Box::new(Text(table, rows.max(1))))
}

/// Data frames that follow one another as chunks.
#[cfg(feature = "polars")]
pub(super) fn dataframe_chunks<'a>(
    layout: &'a Layout,
    source: &str,
    frames: impl Iterator<Item = polars::prelude::PolarsResult<polars::prelude::DataFrame>> + Send + 'a,
) -> Result<Chunks<'a>> {
    struct Frames<I> {
        source: String,
        frames: I,
        rows: usize,
    }
    impl<I: Iterator<Item = polars::prelude::PolarsResult<polars::prelude::DataFrame>> + Send> chunks::Blocks for Frames<I> {
        fn next(&mut self, wanted: &HashSet<&str>, findings: &mut Findings) -> Result<Option<Sheet>> {
            let Some(frame) = self.frames.next() else { return Ok(None) };
            let frame = frame
                .map_err(|e| Error::damaged(format!("reading {}", self.source), e.to_string(), "check where the batches come from"))?;
            let mut sheet = frame::read(&self.source, &frame, wanted, findings);
            sheet.first_row = self.rows;
            self.rows += sheet.rows;
            Ok(Some(sheet))
        }
    }
    Chunks::new(layout.ready()?, Box::new(Frames { source: source.into(), frames, rows: 0 }))
}

/// A Parquet file in chunks of about so many rows.
#[cfg(feature = "parquet")]
pub(super) fn parquet_chunks<'a>(layout: &'a Layout, path: &std::path::Path, rows: usize) -> Result<Chunks<'a>> {
    let name = path.display().to_string();
    let columns = wanted(&*layout.ready()?).into_iter().map(String::from).collect();
    dataframe_chunks(layout, &name, frame::parquet_slices(path, &name, columns, rows)?)
}

/// The layout for a file with these columns, and what its preset decided.
fn with_preset(layout: &Layout, names: impl FnOnce() -> Result<Vec<String>>) -> Result<(Cow<'_, Layout>, Vec<String>)> {
    match layout.preset {
        None => Ok((Cow::Borrowed(layout), vec![])),
        Some(_) => adam::for_columns(layout, &names()?).map(|(layout, decided)| (Cow::Owned(layout), decided)),
    }
}

/// A trial from a data frame.
#[cfg(feature = "polars")]
pub(super) fn dataframe(layout: &Layout, source: &str, frame: &polars::prelude::DataFrame) -> Result<Trial> {
    let layout = &*layout.ready()?;
    let (layout, decided) = with_preset(layout, || Ok(frame.get_column_names().iter().map(ToString::to_string).collect()))?;
    let layout = &*layout;
    let wanted = wanted(layout);
    layout_check::check(layout, &wanted)?;
    let mut findings = Findings::default();
    decided.into_iter().for_each(|sentence| findings.inferred(sentence));
    let sheet = frame::read(source, frame, &wanted.iter().copied().collect(), &mut findings);
    assemble(layout, sheet, &wanted, findings)
}

/// A trial from a Parquet file.
#[cfg(feature = "parquet")]
pub(super) fn parquet(layout: &Layout, path: &std::path::Path) -> Result<Trial> {
    let name = path.display().to_string();
    let frame = frame::from_parquet(path, &name)?;
    dataframe(layout, &name, &frame)
}

/// The columns that the layout names, each once, in the order of declaration.
fn wanted(layout: &Layout) -> Vec<&str> {
    let visit = match &layout.shape {
        Shape::Long(visit) => Some(visit.as_str()),
        Shape::Wide => None,
    };
    let identifiers = [Some(layout.patient.as_str()), layout.arm.as_deref(), visit, layout.time_column.as_deref()];
    let outcomes = layout.outcomes.iter().map(|o| &o.columns);
    let variables = outcomes.chain(layout.covariates.iter().map(|c| &c.columns)).chain(layout.instruments().flat_map(|i| &i.items));
    let variables = variables.chain(layout.clusters_by_visit.iter().map(|(_, columns)| columns));
    let variables = variables.flat_map(Columns::names);
    let mut seen = HashSet::new();
    let all = identifiers.into_iter().flatten().chain(variables).chain(layout.clusters.iter().map(String::as_str));
    let orders = layout.visit_order.iter().chain(&layout.arm_order).chain(&layout.looked_at).map(String::as_str);
    all.chain(layout.filters.columns()).chain(orders).filter(|column| seen.insert(*column)).collect()
}

fn assemble(layout: &Layout, sheet: Sheet, wanted: &[&str], mut findings: Findings) -> Result<Trial> {
    let layout = &*declared::in_labels(layout, &sheet);
    let sheet = sheet.profiled(layout);
    missing_columns(&sheet, wanted, &mut findings);
    let layout = adam::prepared(layout, &sheet, &mut findings);
    // With an unknown parameter, every patient would seem to have each visit several times.
    if layout.preset.is_some() && !findings.is_clean() {
        return Err(findings.into_error());
    }
    let (sheet, left_out) = filters::apply(&layout, sheet, &mut findings);
    let (layout, sheet) = adam::finished(layout, sheet, &mut findings);
    let layout = &*layout;
    let sheet = &if left_out.is_empty() { sheet } else { sheet.profiled(layout) };
    let visit = match &layout.shape {
        Shape::Long(visit) => Some(visit),
        Shape::Wide => None,
    };
    let identifiers = [Some(&layout.patient), layout.arm.as_ref(), visit];
    // Where conditions have left nothing, that has been said.
    if sheet.rows == 0 && left_out.is_empty() {
        findings.problem(sheet, Place::default(), "there is no row of data");
    }
    if sheet.rows == 0 || identifiers.into_iter().flatten().any(|name| sheet.column(name).is_none()) {
        return Err(findings.into_error());
    }
    let patients = patients::read(layout, sheet, &mut findings);
    let visits = match visit {
        Some(column) => visits::long(layout, sheet, &patients, column, &mut findings),
        None => visits::wide(layout, sheet, &mut findings),
    };
    let grid = Grid { layout, sheet, patients: &patients, visits: &visits };
    if grid.cells() > CELLS && grid.cells() / 100 > sheet.rows {
        let message = says!(
            "{} distinct visits for {} do not look like a visit schedule; is this really the visit column? State another with ",
            grid.width(),
            counted(patients.ids.len(), "patient")
        );
        let message = message.setting(Setting::VisitColumn);
        findings.problem(sheet, Place { column: visit.map(String::as_str), ..Place::default() }, message);
        return Err(findings.into_error());
    }
    let mut outcomes = outcomes::read(&grid, &mut findings);
    let (scores, diagnoses) = ratings::read(&grid, &mut findings);
    outcomes.extend(scores);
    let variables = variables::read(&grid, &mut findings);
    variables::check_weights(&grid, &outcomes, &variables, &mut findings);
    let numbers = columns_of_numbers(layout, &outcomes, &variables);
    sheet.tell_profiles(&numbers, &mut findings);
    sheet.tell_declared(&mut findings);
    let file = sheet.facts(&numbers);
    if findings.is_clean() {
        suspicions::look(&grid, &outcomes, &variables, &mut findings);
    }
    if !findings.is_clean() {
        return Err(findings.into_error());
    }
    let unread = ["arm", "visit", "time", "baseline"].into_iter().filter(|name| !wanted.contains(name));
    let unread = unread.filter(|name| sheet.names.iter().any(|column| column == name)).map(String::from).collect();
    let columns = ColumnNames { unread, ..layout.column_names() };
    let mut builder = Trial::builder(&sheet.source).file(file).part(layout.part).column_names(columns).schedule(visits.schedule);
    builder = builder.patients(patients.ids).arms(patients.arms, patients.arm_of);
    builder = outcomes.into_iter().fold(builder, TrialBuilder::outcome);
    builder = diagnoses.into_iter().fold(builder, TrialBuilder::diagnosis);
    builder = builder.variables(variables);
    let (inferred, warnings) = findings.into_notes();
    let builder = warnings.into_iter().fold(builder.left_out(left_out), TrialBuilder::warning);
    inferred.into_iter().fold(builder, TrialBuilder::inferred).build()
}

/// The columns that were read as numbers: those of outcomes, items and numeric variables.
fn columns_of_numbers<'a>(layout: &'a Layout, outcomes: &[Outcome], variables: &[Variable]) -> Vec<&'a str> {
    let numeric = |c: &&CovariateColumn| variables.iter().any(|v| v.name() == c.name && v.kind() == Kind::Number);
    let of_covariates = layout.covariates.iter().filter(numeric).map(|c| &c.columns);
    let items = layout.instruments().flat_map(|i| &i.items);
    let of_outcomes = layout.outcomes.iter().filter(|column| outcomes.iter().any(|outcome| outcome.name == column.name));
    of_outcomes.map(|o| &o.columns).chain(items).chain(of_covariates).flat_map(Columns::names).collect()
}

/// The schedule that a layout declares, with times and baseline as far as they follow from it; `None` where it is
/// left to the data.
pub(super) fn declared_schedule(layout: &Layout) -> Result<Option<Schedule>> {
    let mut findings = Findings::default();
    let schedule = visits::declared(layout, &mut findings);
    if findings.is_clean() { Ok(schedule) } else { Err(findings.into_error()) }
}

fn missing_columns(sheet: &Sheet, wanted: &[&str], findings: &mut Findings) {
    // One cause, whatever the number of columns.
    if let ([only], true) = (sheet.names.as_slice(), sheet.columns.is_empty() && wanted.len() > 1) {
        let message = says!("the whole header is one column, `{}`; state what separates the columns with ", shown(only));
        findings.problem(sheet, Place::default(), message.setting(Setting::Delimiter));
        return;
    }
    for &name in wanted {
        let place = Place { column: Some(name), ..Place::default() };
        match sheet.names.iter().filter(|n| *n == name).count() {
            0 => findings.problem(sheet, place, no_such_column(sheet, name)),
            1 => {}
            n => findings.problem(sheet, place, says!("{n} columns have this name; rename all but the one that is meant")),
        }
    }
}

fn no_such_column(sheet: &Sheet, name: &str) -> Message {
    match (sheet.names.as_slice(), closest(name, &sheet.names)) {
        ([], _) => says!("there is no such column: the file is empty"),
        ([only], _) if only.contains([';', '\t', ',', '|']) => {
            let message =
                says!("there is no such column: the whole header is one column, `{}`; say what separates the columns with ", shown(only));
            message.setting(Setting::Delimiter)
        }
        (_, Some(close)) => says!("there is no such column; did you mean `{}`?", shown(close)),
        (names, None) => says!("there is no such column; there are {}", levels::listed(names)),
    }
}
