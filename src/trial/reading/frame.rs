//! Data frames and Parquet files.

use std::collections::HashSet;

use polars::prelude::{Column, DataFrame, DataType};

use super::declared::Declared;
use super::findings::Findings;
use super::profile::Profile;
use super::sheet::{Cells, Sheet, SheetColumn};
use crate::error::{Problem, says};

/// Beyond this a float does not hold every whole number, and an identifier would be changed.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The columns `wanted` of a data frame.
pub(super) fn read(source: &str, frame: &DataFrame, wanted: &HashSet<&str>, findings: &mut Findings) -> Sheet {
    let names = frame.columns().iter().map(|c| c.name().to_string()).collect();
    let read = frame.columns().iter().filter(|c| wanted.contains(c.name().as_str()));
    let columns = read
        .map(|column| SheetColumn {
            name: column.name().to_string(),
            cells: cells(source, column, findings),
            profile: Profile::default(),
            declared: Declared::default(),
        })
        .collect();
    Sheet { source: source.into(), names, columns, rows: frame.height(), ..Sheet::default() }
}

fn cells(source: &str, column: &Column, findings: &mut Findings) -> Cells {
    let read = match column.dtype() {
        DataType::Null => Some(Cells::Numbers(vec![f64::NAN; column.len()])),
        dtype if dtype.is_primitive_numeric() => numbers(column).or_else(|| texts(column)),
        // Not by a cast, which needs a feature of polars that is not always there.
        DataType::Boolean => booleans(column),
        dtype if dtype.is_nested() => None,
        _ => texts(column),
    };
    read.unwrap_or_else(|| {
        findings.push(Problem {
            source: Some(source.into()),
            column: Some(column.name().to_string()),
            message: says!("values of type {} are neither text nor numbers; cast the column first", column.dtype()),
            ..Problem::default()
        });
        Cells::Numbers(vec![f64::NAN; column.len()])
    })
}

fn numbers(column: &Column) -> Option<Cells> {
    let cast = column.cast(&DataType::Float64).ok()?;
    let values: Vec<f64> = cast.f64().ok()?.iter().map(|x| x.unwrap_or(f64::NAN)).collect();
    let exact = column.dtype().is_float() || values.iter().all(|x| x.is_nan() || x.abs() < EXACT);
    exact.then_some(Cells::Numbers(values))
}

fn booleans(column: &Column) -> Option<Cells> {
    let mut cells = Cells::text();
    for value in column.bool().ok()?.iter() {
        cells.push_text(value.map_or("", |v| if v { "true" } else { "false" }));
    }
    Some(cells)
}

fn texts(column: &Column) -> Option<Cells> {
    let cast = column.cast(&DataType::String).ok()?;
    let mut cells = Cells::text();
    for value in cast.str().ok()?.iter() {
        cells.push_text(value.unwrap_or(""));
    }
    Some(cells)
}

/// The columns `wanted` of a Parquet file in memory.
#[cfg(feature = "parquet")]
pub(super) fn of_bytes(source: &str, bytes: &[u8], wanted: &HashSet<&str>, findings: &mut Findings) -> crate::error::Result<Sheet> {
    use polars::prelude::{ParquetReader, SerReader};
    let frame = ParquetReader::new(std::io::Cursor::new(bytes.to_vec())).finish().map_err(|error| damaged(source, &error))?;
    let mut sheet = read(source, &frame, wanted, findings);
    let mut file = crate::trial::FileFacts::new(source, crate::trial::FileFormat::Parquet);
    (file.rows, file.columns) = (sheet.rows, sheet.names.len());
    sheet.file = Some(file);
    Ok(sheet)
}

#[cfg(feature = "parquet")]
fn damaged(name: &str, error: &polars::prelude::PolarsError) -> crate::error::Error {
    crate::error::Error::damaged(format!("reading {name}"), error.to_string(), "check that it is an undamaged Parquet file")
}

/// The data frame in a Parquet file.
#[cfg(feature = "parquet")]
pub(super) fn from_parquet(path: &std::path::Path, name: &str) -> crate::error::Result<DataFrame> {
    use polars::prelude::{ParquetReader, SerReader};
    let file = std::fs::File::open(path).map_err(|error| super::unreadable(name, error))?;
    let damaged = |error: polars::prelude::PolarsError| {
        crate::error::Error::damaged(format!("reading {name}"), error.to_string(), "check that it is an undamaged Parquet file")
    };
    ParquetReader::new(file).finish().map_err(damaged)
}

/// A Parquet file as slices of at most so many rows, none of which reaches beyond a row group, so that no group is
/// decoded for a few rows of another's.
#[cfg(feature = "parquet")]
pub(super) fn parquet_slices(
    path: &std::path::Path,
    name: &str,
    columns: Vec<String>,
    rows: usize,
) -> crate::error::Result<impl Iterator<Item = polars::prelude::PolarsResult<DataFrame>> + Send + use<>> {
    use polars::prelude::{ParquetReader, SerReader};
    let file = std::fs::File::open(path).map_err(|error| super::unreadable(name, error))?;
    let damaged = |error: polars::prelude::PolarsError| {
        crate::error::Error::damaged(format!("reading {name}"), error.to_string(), "check that it is an undamaged Parquet file")
    };
    let own = file.try_clone().map_err(|error| super::unreadable(name, error))?;
    let metadata = ParquetReader::new(own).get_metadata().map_err(damaged)?.clone();
    let names: HashSet<&str> = metadata.schema_descr.fields().iter().map(|field| field.name()).collect();
    let columns: Vec<String> = columns.into_iter().filter(|c| names.contains(c.as_str())).collect();
    let mut slices = vec![];
    let mut first = 0;
    for group in &metadata.row_groups {
        let size = group.num_rows();
        slices.extend((0..size).step_by(rows.max(1)).map(|start| (first + start, rows.max(1).min(size - start))));
        first += size;
    }
    Ok(slices.into_iter().map(move |slice| {
        let mut reader = ParquetReader::new(file.try_clone()?).with_slice(Some(slice)).with_columns(Some(columns.clone()));
        reader.set_metadata(metadata.clone());
        reader.finish()
    }))
}
