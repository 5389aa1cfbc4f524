//! Text files: quoted where needed, with any of three delimiters, with or without byte-order mark.

use std::collections::HashSet;
use std::io::Read;

use super::findings::Findings;
use super::lines::UnixLines;
use super::sheet::{Cells, Sheet, SheetColumn};
use super::unreadable;
use crate::error::{Error, Problem, Result};
use crate::trial::layout::Delimiter;

/// The columns `wanted` of a text with a header line. Lines that are not a row of the table are recorded in `findings`.
pub(super) fn read(source: &str, text: impl Read, delimiter: Delimiter, wanted: &HashSet<&str>, findings: &mut Findings) -> Result<Sheet> {
    let mut table = Table::new(source, text, delimiter);
    match table.rows(usize::MAX, wanted, findings)? {
        Some(sheet) => Ok(sheet),
        None => table.empty(wanted),
    }
}

/// A text with a header line, read some rows at a time.
pub(super) struct Table<R> {
    source: String,
    delimiter: Delimiter,
    reader: csv::Reader<UnixLines<R>>,
    record: csv::ByteRecord,
    names: Option<Vec<String>>,
}

impl<R: Read> Table<R> {
    pub fn new(source: &str, text: R, delimiter: Delimiter) -> Self {
        let mut builder = csv::ReaderBuilder::new();
        let reader = builder.delimiter(delimiter.byte()).flexible(true).has_headers(false).from_reader(UnixLines::new(text));
        Self { source: source.into(), delimiter, reader, record: csv::ByteRecord::new(), names: None }
    }

    /// At most so many of the rows that follow; `None` at the end.
    pub fn rows(&mut self, most: usize, wanted: &HashSet<&str>, findings: &mut Findings) -> Result<Option<Sheet>> {
        let mut sheet = self.empty(wanted)?;
        let read: Vec<usize> = first_of_each(&sheet.names, wanted);
        let mut at = |line: u64, message: String| {
            findings.push(Problem { source: Some(self.source.clone()), line: Some(line), message, ..Problem::default() });
        };
        let mut lines = vec![];
        while lines.len() < most && advance(&mut self.reader, &mut self.record, &self.source)? {
            let line = first_line(&self.reader, &self.record);
            if self.record.len() != sheet.names.len() {
                let (has, wants) = (self.record.len(), sheet.names.len());
                at(line, format!("the line has {has} fields where the header has {wants}; {}", ragged_remedy(self.delimiter)));
            }
            for (column, &j) in sheet.columns.iter_mut().zip(&read) {
                let field = self.record.get(j).unwrap_or_default();
                match std::str::from_utf8(field) {
                    Ok(text) => column.cells.push_text(text),
                    Err(_) => {
                        at(line, format!("the value of column {} is not UTF-8 text; save the file with UTF-8 encoding", column.name));
                        column.cells.push_text("");
                    }
                }
            }
            lines.push(line);
        }
        sheet.rows = lines.len();
        sheet.lines = Some(lines);
        Ok((sheet.rows > 0).then_some(sheet))
    }

    /// The columns without rows.
    fn empty(&mut self, wanted: &HashSet<&str>) -> Result<Sheet> {
        if self.names.is_none() {
            let present = advance(&mut self.reader, &mut self.record, &self.source)?;
            let header = |record: &csv::ByteRecord| record.iter().enumerate().map(|(j, name)| header(j, name)).collect();
            self.names = Some(if present { header(&self.record) } else { vec![] });
        }
        let names = self.names.clone().unwrap_or_default();
        let column = |j: usize| SheetColumn { name: names[j].clone(), cells: Cells::text() };
        let columns = first_of_each(&names, wanted).into_iter().map(column).collect();
        Ok(Sheet { source: self.source.clone(), names, columns, lines: Some(vec![]), first_row: 0, rows: 0 })
    }
}

impl Delimiter {
    /// The character itself.
    pub fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
        }
    }
}

fn advance<R: Read>(reader: &mut csv::Reader<R>, record: &mut csv::ByteRecord, source: &str) -> Result<bool> {
    reader.read_byte_record(record).map_err(|error| match error.into_kind() {
        csv::ErrorKind::Io(error) => unreadable(source, error),
        other => Error::damaged(format!("reading {source}"), format!("{other:?}"), "check that it is a text file with separated values"),
    })
}

/// The line on which a record starts. The record's own position is that of the blank lines before it, so it is
/// counted from its end.
fn first_line<R: Read>(reader: &csv::Reader<R>, record: &csv::ByteRecord) -> u64 {
    let within = record.as_slice().iter().filter(|&&b| b == b'\n').count() as u64;
    (reader.position().line() - 1).saturating_sub(within)
}

/// A column's name without byte-order mark and spaces.
fn header(position: usize, name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let name = if position == 0 { name.trim_start_matches('\u{feff}') } else { &name };
    name.trim().trim_matches('"').to_string()
}

fn first_of_each(names: &[String], wanted: &HashSet<&str>) -> Vec<usize> {
    let mut seen = HashSet::new();
    (0..names.len()).filter(|&j| wanted.contains(names[j].as_str()) && seen.insert(&names[j])).collect()
}

fn ragged_remedy(delimiter: Delimiter) -> &'static str {
    match delimiter {
        Delimiter::Comma => "quote values that contain a comma, and leave no field out",
        Delimiter::Semicolon => "quote values that contain a semicolon, and leave no field out",
        Delimiter::Tab => "quote values that contain a tabulator, and leave no field out",
    }
}
