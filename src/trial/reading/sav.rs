//! SPSS data files (.sav, .zsav), as PSPP's developers describe their format.

mod cases;
mod dictionary;
mod extensions;

use std::collections::HashSet;

use self::cases::Cases;
use self::dictionary::{Dictionary, Variable};
use super::bytes::Bytes;
use super::calendar::{SPSS, Scale};
use super::growing::{Growing, first_of_each, sheet};
use super::sheet::{Cell, Sheet};
use crate::error::Result;
use crate::trial::{FileFacts, FileFormat};

const FORMAT: &str = "an SPSS data file";

/// Eight bytes: a number, or a piece of a text.
const SEGMENT: usize = 8;

/// The columns `wanted`.
pub(super) fn read(source: &str, bytes: &[u8], format: FileFormat, wanted: &HashSet<&str>) -> Result<Sheet> {
    let mut at = Bytes::new(source, FORMAT, bytes);
    let dictionary = Dictionary::read(&mut at)?;
    let names: Vec<String> = dictionary.variables.iter().map(|v| v.name.clone()).collect();
    let read = first_of_each(&names, wanted);
    let mut columns: Vec<Growing> = read.iter().map(|&j| column(&dictionary.variables[j])).collect();
    let mut cases = Cases::open(&at, &dictionary)?;
    let mut case = vec![[0; SEGMENT]; dictionary.segments];
    let mut rows = 0;
    while rows < dictionary.stated_cases.unwrap_or(usize::MAX) && cases.next(&mut case)? {
        for (column, &j) in columns.iter_mut().zip(&read) {
            push(&dictionary, &dictionary.variables[j], &case, column);
        }
        rows += 1;
    }
    if let Some(stated) = dictionary.stated_cases.filter(|stated| rows < *stated) {
        return Err(at.damaged(format!("it ends after {rows} of the {stated} cases that its header announces")));
    }
    let mut file = FileFacts::new(source, format);
    file.encoding = Some(dictionary.encoding.name().into());
    Ok(sheet(source, names, columns, rows, file))
}

fn column(variable: &Variable) -> Growing {
    let column =
        if variable.width == 0 { Growing::of_numbers(&variable.name, scale(variable.format)) } else { Growing::of_texts(&variable.name) };
    column.labelled(&variable.label, variable.values.clone())
}

/// What numbers of a print format stand for: dates, dates with a time, and otherwise numbers.
fn scale(format: u8) -> Scale {
    const DATES: [u8; 10] = [20, 22, 23, 24, 28, 29, 30, 38, 39, 41];
    if DATES.contains(&format) { Scale::Seconds(SPSS) } else { Scale::Number }
}

/// Appends the value that a variable has in a case.
fn push(dictionary: &Dictionary, variable: &Variable, case: &[[u8; SEGMENT]], column: &mut Growing) {
    if variable.width > 0 {
        let text = dictionary.text_of(variable, case);
        match variable.is_missing_text(&text) {
            true => column.declared_missing(text.clone(), variable.values.label_of(Cell::Text(&text))),
            false => column.text(&text),
        }
        return;
    }
    let x = dictionary.number(case[variable.segment]);
    match x {
        // What SPSS calls system-missing.
        x if x == -f64::MAX || x.is_nan() => column.nothing(),
        x if variable.is_missing_number(x) => column.declared_missing(x.to_string(), variable.values.label_of(Cell::Number(x))),
        x => column.number(x),
    }
}
