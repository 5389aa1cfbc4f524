//! Workbooks of Excel, LibreOffice and OpenOffice.

mod cells;
mod header;
mod merged;

use std::collections::HashSet;
use std::io::Cursor;

use calamine::{Ods, Reader, SheetType, Xls, Xlsb, Xlsx};

use self::cells::Table;
use super::bytes::damaged;
use super::choice_of_sheet::{Sheets, chosen};
use super::findings::Findings;
use super::formats::{PROTECTED, WITHOUT_PASSWORD};
use super::sheet::Sheet;
use crate::error::{Error, Result};
use crate::trial::{FileFacts, FileFormat};

/// The columns `wanted` of the sheet called `named`, or of the only one that has data.
pub(super) fn read(
    source: &str,
    bytes: &[u8],
    format: FileFormat,
    named: Option<&str>,
    wanted: &HashSet<&str>,
    findings: &mut Findings,
) -> Result<Sheet> {
    // The crate panics on some damaged workbooks, those of Excel 97 to 2003 above all.
    let chosen = std::panic::catch_unwind(|| chosen_sheet(source, bytes, format, named))
        .unwrap_or_else(|_| Err(damaged(source, "a workbook", "its structure makes no sense")))?;
    if chosen.sheets > 1 && named.is_none() {
        findings.inferred(format!("The sheet is `{}`, the only one of {} with data.", chosen.name, chosen.sheets));
    }
    let called = if chosen.sheets > 1 { format!("{source}, sheet `{}`", chosen.name) } else { source.to_string() };
    let mut file = FileFacts::new(source, format);
    file.sheet = Some(chosen.name);
    Ok(header::sheet(&called, chosen.table, wanted, file, findings))
}

/// The sheet that is read.
struct Chosen {
    name: String,
    table: Table,
    /// The number of sheets that the workbook has.
    sheets: usize,
}

fn chosen_sheet(source: &str, bytes: &[u8], format: FileFormat, named: Option<&str>) -> Result<Chosen> {
    let mut workbook = Workbook::open(source, bytes, format)?;
    let names = workbook.sheets();
    let sheets = names.len();
    if named.is_some() {
        let place = chosen(&Sheets { source, kind: "sheet", names: &names, with_data: &[] }, named)?;
        return Ok(Chosen { name: names[place].clone(), table: workbook.table(&names[place])?, sheets });
    }
    // Without a name, every sheet has to be looked at.
    let mut tables = names.iter().map(|name| workbook.table(name)).collect::<Result<Vec<_>>>()?;
    let with_data: Vec<usize> = (0..sheets).filter(|&place| tables[place].has_data()).collect();
    let place = chosen(&Sheets { source, kind: "sheet", names: &names, with_data: &with_data }, None)?;
    Ok(Chosen { name: names[place].clone(), table: tables.swap_remove(place), sheets })
}

/// A workbook that has been opened.
enum Workbook<'a> {
    Xlsx(&'a str, Box<Xlsx<Cursor<&'a [u8]>>>),
    Xlsb(&'a str, Box<Xlsb<Cursor<&'a [u8]>>>),
    Xls(&'a str, Box<Xls<Cursor<&'a [u8]>>>),
    Ods(&'a str, Box<Ods<Cursor<&'a [u8]>>>),
}

/// The error for a workbook that cannot be read.
fn refused(source: &str, error: &impl std::fmt::Display) -> Error {
    let why = error.to_string();
    match why.to_lowercase().contains("password") {
        true => Error::FileFormat { file: source.into(), format: PROTECTED, remedy: WITHOUT_PASSWORD },
        false => damaged(source, "a workbook", why),
    }
}

impl<'a> Workbook<'a> {
    fn open(source: &'a str, bytes: &'a [u8], format: FileFormat) -> Result<Self> {
        let bytes = Cursor::new(bytes);
        let refused = |error: &dyn std::fmt::Display| refused(source, &error);
        match format {
            FileFormat::Xlsb => Xlsb::new(bytes).map(|w| Self::Xlsb(source, Box::new(w))).map_err(|e| refused(&e)),
            FileFormat::Xls => Xls::new(bytes).map(|w| Self::Xls(source, Box::new(w))).map_err(|e| refused(&e)),
            FileFormat::Ods => Ods::new(bytes).map(|w| Self::Ods(source, Box::new(w))).map_err(|e| refused(&e)),
            _ => Xlsx::new(bytes).map(|w| Self::Xlsx(source, Box::new(w))).map_err(|e| refused(&e)),
        }
    }

    /// The names of the sheets that hold cells.
    fn sheets(&self) -> Vec<String> {
        let all = match self {
            Self::Xlsx(_, workbook) => workbook.sheets_metadata(),
            Self::Xlsb(_, workbook) => workbook.sheets_metadata(),
            Self::Xls(_, workbook) => workbook.sheets_metadata(),
            Self::Ods(_, workbook) => workbook.sheets_metadata(),
        };
        all.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).map(|sheet| sheet.name.clone()).collect()
    }

    /// The cells of a sheet.
    fn table(&mut self, name: &str) -> Result<Table> {
        match self {
            // One cell after the other: a place far outside, which a damaged file may state, takes no memory.
            Self::Xlsx(source, workbook) => {
                let mut table = Table::default();
                let mut reader = workbook.worksheet_cells_reader(name).map_err(|e| refused(source, &e))?;
                while let Some(cell) = reader.next_cell_with_formula().map_err(|e| refused(source, &e))? {
                    match (calamine::Data::from(cell.value), cell.formula) {
                        (calamine::Data::Empty, Some(_)) => table.insert_unstored(cell.pos),
                        (value, _) => table.insert(cell.pos, &value),
                    }
                }
                drop(reader);
                table.merged(workbook.merge_cells_by_sheet_name(name).unwrap_or_default());
                Ok(table)
            }
            Self::Xlsb(source, workbook) => {
                let mut table = Table::default();
                let mut reader = workbook.worksheet_cells_reader(name).map_err(|e| refused(source, &e))?;
                while let Some(cell) = reader.next_cell().map_err(|e| refused(source, &e))? {
                    table.insert(cell.get_position(), &calamine::Data::from(cell.get_value().clone()));
                }
                Ok(table)
            }
            Self::Xls(source, workbook) => {
                let range = workbook.worksheet_range(name).map_err(|e| refused(source, &e))?;
                let mut table = Table::of(&range);
                table.merged(workbook.merge_cells_by_sheet_name(name).unwrap_or_default());
                Ok(table)
            }
            Self::Ods(source, workbook) => Ok(Table::of(&workbook.worksheet_range(name).map_err(|e| refused(source, &e))?)),
        }
    }
}
