//! Text files: quoted where needed, with any of four delimiters, in any usual encoding.

use crate::table::{agreeing, counted};
use std::collections::HashSet;
use std::io::Read;

use super::declared::Declared;
use super::digest::Digested;
use super::encoding::{Encoding, Text, windows_1252};
use super::findings::Findings;
use super::lines::UnixLines;
use super::profile::Profile;
use super::sheet::{Cells, Sheet, SheetColumn};
use super::unreadable;
use crate::error::{Error, Message, Problem, Result, says};
use crate::trial::layout::Delimiter;
use crate::trial::{FileFacts, FileFormat, Warning, WarningKind};

/// The columns `wanted` of a text with a header line. Lines that are not a row of the table are recorded in `findings`.
pub(super) fn read(
    source: &str,
    text: impl Read,
    delimiter: Option<Delimiter>,
    wanted: &HashSet<&str>,
    findings: &mut Findings,
) -> Result<Sheet> {
    let mut text = Digested::new(text);
    let mut table = Table::open(source, &mut text, delimiter, wanted)?;
    let mut sheet = match table.rows(usize::MAX, wanted, findings)? {
        Some(sheet) => sheet,
        None => table.empty(wanted)?,
    };
    let mut file = FileFacts::new(source, FileFormat::Csv);
    (file.encoding, file.separator) = (Some(table.encoding().into()), Some(table.delimiter));
    (file.rows, file.columns) = (sheet.rows, sheet.names.len());
    file.sha256 = text.finish().map_err(|error| unreadable(source, error))?;
    sheet.file = Some(file);
    Ok(sheet)
}

/// The names of the columns of a text.
pub(super) fn header(source: &str, text: impl Read, delimiter: Option<Delimiter>, wanted: &HashSet<&str>) -> Result<Vec<String>> {
    Ok(Table::open(source, text, delimiter, wanted)?.empty(wanted)?.names)
}

/// A text with a header line, read some rows at a time.
pub(super) struct Table<R> {
    source: String,
    delimiter: Delimiter,
    /// What was found out about the text and is not told yet.
    decided: Vec<String>,
    reader: csv::Reader<UnixLines<Text<R>>>,
    record: csv::ByteRecord,
    names: Option<Vec<String>>,
    /// Whether the first line only says what the separator is.
    separator_line: bool,
    encoding: Encoding,
    /// Whether a value was met that is UTF-8 beyond ASCII.
    is_utf8: bool,
    /// Whether a value was met that is not UTF-8.
    is_windows: bool,
}

impl<R: Read> Table<R> {
    /// A text whose fields are separated by `delimiter`, else by what finds most of the columns `wanted`.
    pub fn open(source: &str, text: R, delimiter: Option<Delimiter>, wanted: &HashSet<&str>) -> Result<Self> {
        let text = Text::open(source, text)?;
        let encoding = text.encoding;
        let mut decided = vec![];
        if text.encoding != Encoding::Bytes {
            decided.push("The file is in UTF-16.".to_string());
        }
        let stated = separator_line(&text.beginning);
        let separator = delimiter.or(stated).unwrap_or_else(|| guessed_delimiter(&text.beginning, wanted));
        if delimiter.is_none() && separator != Delimiter::default() {
            decided.push(format!("The fields are separated by {}.", separator.words()));
        }
        let mut builder = csv::ReaderBuilder::new();
        let reader = builder.delimiter(separator.byte()).flexible(true).has_headers(false).from_reader(UnixLines::new(text));
        Ok(Self {
            source: source.into(),
            delimiter: separator,
            decided,
            reader,
            record: csv::ByteRecord::new(),
            names: None,
            separator_line: stated.is_some(),
            encoding,
            is_utf8: false,
            is_windows: false,
        })
    }

    /// At most so many of the rows that follow; `None` at the end.
    pub fn rows(&mut self, most: usize, wanted: &HashSet<&str>, findings: &mut Findings) -> Result<Option<Sheet>> {
        let mut sheet = self.empty(wanted)?;
        self.decided.drain(..).for_each(|sentence| findings.inferred(sentence));
        let read: Vec<usize> = first_of_each(&sheet.names, wanted);
        let mut at = |line: u64, column: Option<&str>, message: Message| {
            let column = column.map(Into::into);
            findings.push(Problem { source: Some(self.source.clone()), line: Some(line), column, message, ..Problem::default() });
        };
        let mut other_encoding: Vec<u64> = vec![];
        let mut lines = vec![];
        while lines.len() < most && advance(&mut self.reader, &mut self.record, &self.source)? {
            let line = first_line(&self.reader, &self.record);
            if self.record.len() != sheet.names.len() {
                let (has, wants) = (self.record.len(), sheet.names.len());
                at(
                    line,
                    None,
                    says!("the line has {} where the header has {wants}; {}", counted(has, "field"), ragged_remedy(self.delimiter)),
                );
            }
            // Nearly every line is ASCII, and looked at once.
            let plain = std::str::from_utf8(self.record.as_slice()).ok().filter(|text| text.is_ascii());
            for (column, &j) in sheet.columns.iter_mut().zip(&read) {
                if let (Some(text), Some(range)) = (plain, self.record.range(j)) {
                    column.cells.push_text(&text[range]);
                    continue;
                }
                let field = self.record.get(j).unwrap_or_default();
                match std::str::from_utf8(field) {
                    Ok(text) => {
                        self.is_utf8 |= !text.is_ascii();
                        column.cells.push_text(text);
                    }
                    Err(_) => {
                        let text = windows_1252(field).unwrap_or_default();
                        if text.is_empty() {
                            let message =
                                says!("the value is text of an encoding that is not recognised; save the file with UTF-8 encoding");
                            at(line, Some(&column.name), message);
                        }
                        column.cells.push_text(&text);
                        other_encoding.push(line);
                        self.is_windows = true;
                    }
                }
            }
            lines.push(line);
        }
        if let (true, Some(line)) = (self.is_utf8, other_encoding.first()) {
            let message = says!("some values are UTF-8 and some are not; save the whole file with UTF-8 encoding");
            at(*line, None, message);
        } else if let Some(line) = other_encoding.first() {
            findings.warning(Warning::new(
                WarningKind::Encoding,
                None,
                format!(
                    "the file is not UTF-8: {} {} read as Windows-1252, the first in line {line}; if letters look wrong, save the file with UTF-8 encoding",
                    counted(other_encoding.len(), "value"),
                    agreeing(other_encoding.len(), "was", "were")
                ),
            ));
        }
        sheet.rows = lines.len();
        sheet.lines = Some(lines);
        Ok((sheet.rows > 0).then_some(sheet))
    }

    /// The encoding, as far as what was read tells.
    fn encoding(&self) -> &'static str {
        match self.encoding {
            Encoding::Bytes if self.is_windows => "windows-1252",
            Encoding::Bytes => "UTF-8",
            Encoding::Utf16Le => "UTF-16LE",
            Encoding::Utf16Be => "UTF-16BE",
        }
    }

    /// The columns without rows.
    fn empty(&mut self, wanted: &HashSet<&str>) -> Result<Sheet> {
        if self.names.is_none() {
            if self.separator_line {
                advance(&mut self.reader, &mut self.record, &self.source)?;
            }
            let present = advance(&mut self.reader, &mut self.record, &self.source)?;
            self.names = Some(if present { names_of(&self.record) } else { vec![] });
        }
        let names = self.names.clone().unwrap_or_default();
        let column = |j: usize| SheetColumn {
            name: names[j].clone(),
            cells: Cells::text(),
            profile: Profile::default(),
            declared: Declared::default(),
        };
        let columns = first_of_each(&names, wanted).into_iter().map(column).collect();
        Ok(Sheet { source: self.source.clone(), names, columns, lines: Some(vec![]), ..Sheet::default() })
    }
}

impl Delimiter {
    /// The character itself.
    pub fn byte(self) -> u8 {
        match self {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Bar => b'|',
        }
    }

    /// As a sentence has it.
    fn words(self) -> &'static str {
        match self {
            Delimiter::Comma => "commas",
            Delimiter::Semicolon => "semicolons",
            Delimiter::Tab => "tabulators",
            Delimiter::Bar => "vertical bars",
        }
    }
}

const DELIMITERS: [Delimiter; 4] = [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab, Delimiter::Bar];

/// The separator that Excel's first line `sep=;` states.
fn separator_line(beginning: &[u8]) -> Option<Delimiter> {
    let text = beginning.strip_prefix("\u{feff}".as_bytes()).unwrap_or(beginning);
    let line = text.split(|b| [b'\n', b'\r'].contains(b)).next()?;
    let stated = line.to_ascii_lowercase();
    let [separator] = stated.strip_prefix(b"sep=")? else { return None };
    DELIMITERS.into_iter().find(|d| d.byte() == *separator)
}

/// The delimiter by which the header has most of the columns `wanted`, else most columns; the comma in doubt.
fn guessed_delimiter(beginning: &[u8], wanted: &HashSet<&str>) -> Delimiter {
    let found = |delimiter: Delimiter| {
        let mut builder = csv::ReaderBuilder::new();
        let mut reader = builder.delimiter(delimiter.byte()).flexible(true).has_headers(false).from_reader(UnixLines::new(beginning));
        let mut record = csv::ByteRecord::new();
        let names = match reader.read_byte_record(&mut record) {
            Ok(true) => names_of(&record),
            _ => vec![],
        };
        (names.iter().filter(|name| wanted.contains(name.as_str())).count(), names.len())
    };
    // Of equals, `max_by_key` takes the last.
    DELIMITERS.into_iter().rev().max_by_key(|&delimiter| found(delimiter)).unwrap_or_default()
}

fn names_of(record: &csv::ByteRecord) -> Vec<String> {
    record.iter().enumerate().map(|(j, name)| column_name(j, name)).collect()
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
fn column_name(position: usize, name: &[u8]) -> String {
    let name = std::str::from_utf8(name).map_or_else(|_| windows_1252(name), |name| Some(name.to_string()));
    let name = name.unwrap_or_default();
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
        Delimiter::Bar => "quote values that contain a vertical bar, and leave no field out",
    }
}
