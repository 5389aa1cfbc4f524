//! SAS transport files, version 5 and version 8, as SAS specifies them (TS-140 and its successor for long names): records
//! of 80 bytes, numbers of IBM mainframes.

use std::collections::HashSet;

use super::bytes::Bytes;
use super::calendar::{SAS, Scale};
use super::choice_of_sheet::{Sheets, chosen};
use super::declared::ValueLabels;
use super::encoding::windows_1252;
use super::growing::{Growing, first_of_each, sheet};
use super::sheet::Sheet;
use crate::error::Result;
use crate::trial::{FileFacts, FileFormat};

const FORMAT: &str = "a SAS transport file";
const RECORD: usize = 80;

/// A data set of the file.
#[derive(Debug, Default)]
struct Member<'a> {
    name: String,
    variables: Vec<Variable>,
    /// The number of rows, where the file states it.
    stated: Option<usize>,
    observations: &'a [u8],
}

#[derive(Debug, Default)]
struct Variable {
    name: String,
    label: String,
    is_text: bool,
    length: usize,
    position: usize,
    scale: Scale,
}

/// The columns `wanted` of the data set called `named`, or of the only one.
pub(super) fn read(source: &str, bytes: &[u8], named: Option<&str>, wanted: &HashSet<&str>) -> Result<Sheet> {
    let members = members(source, bytes)?;
    let names: Vec<String> = members.iter().map(|m| m.name.clone()).collect();
    let with_data: Vec<usize> = (0..members.len()).filter(|&m| members[m].rows(1) > 0).collect();
    let sheets = Sheets { source, kind: "data set", names: &names, with_data: &with_data };
    let member = &members[chosen(&sheets, named)?];
    let names: Vec<String> = member.variables.iter().map(|v| v.name.clone()).collect();
    let read = first_of_each(&names, wanted);
    let mut columns: Vec<Growing> = read.iter().map(|&j| member.variables[j].column()).collect();
    let (width, rows) = (member.width(), member.rows(usize::MAX));
    for row in member.observations.chunks_exact(width.max(1)).take(rows) {
        for (column, &j) in columns.iter_mut().zip(&read) {
            member.variables[j].push(row, column);
        }
    }
    let mut file = FileFacts::new(source, FileFormat::Xpt);
    file.sheet = Some(member.name.clone());
    Ok(sheet(source, names, columns, rows, file))
}

impl Member<'_> {
    /// The bytes of a row.
    fn width(&self) -> usize {
        self.variables.iter().map(|v| v.position + v.length).max().unwrap_or(0)
    }

    /// The number of rows, at most `most`. The last record is filled with spaces, which are no rows.
    fn rows(&self, most: usize) -> usize {
        let width = self.width();
        if width == 0 {
            return 0;
        }
        let held = self.observations.len() / width;
        let mut rows = self.stated.unwrap_or(held).min(held);
        if self.stated.is_none() {
            let used = |rows: usize| self.observations.len() - (rows - 1) * width;
            while rows > 0 && used(rows) < RECORD && self.observations[(rows - 1) * width..rows * width].iter().all(|b| *b == b' ') {
                rows -= 1;
            }
        }
        rows.min(most)
    }
}

impl Variable {
    fn column(&self) -> Growing {
        let column = if self.is_text { Growing::of_texts(&self.name) } else { Growing::of_numbers(&self.name, self.scale) };
        column.labelled(&self.label, ValueLabels::default())
    }

    /// Appends the variable's value of a row.
    fn push(&self, row: &[u8], column: &mut Growing) {
        let bytes = &row[self.position..self.position + self.length];
        match (self.is_text, missing(bytes)) {
            (true, _) => column.text(&text(bytes)),
            (false, Some('.')) => column.nothing(),
            (false, Some(letter)) => column.declared_missing(format!(".{letter}"), None),
            (false, None) => column.number(ibm(bytes)),
        }
    }
}

/// The letter of a missing value: `.`, `_`, or `A` to `Z`.
fn missing(bytes: &[u8]) -> Option<char> {
    match bytes {
        [letter @ (b'.' | b'_' | b'A'..=b'Z'), rest @ ..] if rest.iter().all(|b| *b == 0) => Some(char::from(*letter)),
        _ => None,
    }
}

/// The number that 2 to 8 bytes of an IBM mainframe stand for: a sign, an exponent of 16 from −64, and a fraction of up to
/// 56 bits. The nearest double where that has more than 53.
fn ibm(bytes: &[u8]) -> f64 {
    let mut padded = [0; 8];
    padded[..bytes.len()].copy_from_slice(bytes);
    let bits = u64::from_be_bytes(padded);
    let fraction = (bits & 0x00ff_ffff_ffff_ffff) as f64;
    let exponent = i32::from(padded[0] & 0x7f) - 64 - 14;
    let value = fraction * 16f64.powi(exponent);
    if padded[0] & 0x80 == 0 { value } else { -value }
}

/// A text without the spaces behind it; UTF-8, else Windows-1252.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|b| ![b' ', 0].contains(b)).map_or(0, |last| last + 1);
    let bytes = &bytes[..end];
    std::str::from_utf8(bytes).map_or_else(|_| windows_1252(bytes).unwrap_or_default(), str::to_string)
}

/// What numbers of a SAS format stand for.
pub(super) fn scale_of_format(format: &str) -> Scale {
    const DATES: [&str; 14] = [
        "DATE", "MMDDYY", "DDMMYY", "YYMMDD", "YYMMDDD", "E8601DA", "IS8601DA", "B8601DA", "WORDDATE", "WEEKDATE", "JULIAN", "NLDATE",
        "EURDFDD", "MINGUO",
    ];
    const TIMES: [&str; 7] = ["DATETIME", "E8601DT", "IS8601DT", "B8601DT", "NLDATM", "DATEAMPM", "MDYAMPM"];
    let name = format.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_ascii_uppercase();
    match name.as_str() {
        name if TIMES.contains(&name) => Scale::Seconds(SAS),
        name if DATES.contains(&name) => Scale::Days(SAS),
        _ => Scale::Number,
    }
}

/// Whether a record is the header of a kind in either version.
fn is_header(record: &[u8], kinds: &[&[u8]]) -> bool {
    record.strip_prefix(b"HEADER RECORD*******").is_some_and(|rest| kinds.iter().any(|kind| rest.starts_with(kind)))
}

const MEMBER: [&[u8]; 2] = [b"MEMBER  HEADER RECORD", b"MEMBV8  HEADER RECORD"];

fn members<'a>(source: &'a str, bytes: &'a [u8]) -> Result<Vec<Member<'a>>> {
    let mut at = Bytes::new(source, FORMAT, bytes).big_endian(true);
    let is_version8 = is_header(bytes, &[b"LIBV8"]);
    at.take(3 * RECORD)?;
    let mut found = vec![];
    while at.rest().len() >= RECORD && is_header(at.rest(), &MEMBER) {
        found.push(member(&mut at, is_version8)?);
    }
    if found.is_empty() { Err(at.damaged("no data set begins where the first one should")) } else { Ok(found) }
}

fn expect(at: &mut Bytes<'_>, kinds: &[&[u8]]) -> Result<Vec<u8>> {
    let record = at.take(RECORD)?;
    if is_header(record, kinds) {
        return Ok(record.to_vec());
    }
    let kind = String::from_utf8_lossy(kinds[0]).trim_end_matches(" HEADER RECORD").trim().to_string();
    Err(at.damaged(format!("the header record {kind} is not where it should be, at byte {}", at.position() - RECORD)))
}

/// The number that digits of a header state.
fn digits(at: &Bytes<'_>, record: &[u8], range: std::ops::Range<usize>) -> Result<usize> {
    let text = std::str::from_utf8(&record[range]).unwrap_or_default();
    text.trim().parse().map_err(|_| at.damaged(format!("`{}` in a header is no number", text.escape_default())))
}

fn member<'a>(at: &mut Bytes<'a>, is_version8: bool) -> Result<Member<'a>> {
    let header = expect(at, &MEMBER)?;
    let size = digits(at, &header, 74..78)?;
    if !(88..=1000).contains(&size) {
        return Err(at.damaged(format!("its descriptions of variables have {size} bytes each")));
    }
    expect(at, &[b"DSCRPTR HEADER RECORD", b"DSCPTV8 HEADER RECORD"])?;
    let first = at.take(RECORD)?;
    at.take(RECORD)?;
    let name = text(&first[8..if is_version8 { 40 } else { 16 }]);
    let header = expect(at, &[b"NAMESTR HEADER RECORD", b"NAMSTV8 HEADER RECORD"])?;
    let count = count(at, &header, size)?;
    let descriptions = at.take_stated(count.saturating_mul(size))?;
    to_next_record(at)?;
    let mut variables = vec![];
    for description in descriptions.chunks_exact(size) {
        variables.push(variable(at, description, is_version8)?);
    }
    labels(at, &mut variables)?;
    let header = expect(at, &[b"OBS     HEADER RECORD", b"OBSV8   HEADER RECORD"])?;
    let stated = if is_version8 { digits(at, &header, 48..78).ok().filter(|n| *n > 0) } else { None };
    let rest = at.rest();
    let end = (0..rest.len()).step_by(RECORD).find(|&start| is_header(&rest[start..], &MEMBER)).unwrap_or(rest.len());
    Ok(Member { name, variables, stated, observations: at.take(end)? })
}

/// The number of variables. It has four digits in version 5; in version 8 writers give it four or six: the right one ends
/// where a header begins.
fn count(at: &Bytes<'_>, header: &[u8], size: usize) -> Result<usize> {
    let four = digits(at, header, 54..58)?;
    let six = digits(at, header, 54..60).ok();
    let leads_to_header = |count: usize| {
        let mut after = at.clone();
        let skipped = after.take_stated(count.saturating_mul(size)).and_then(|_| to_next_record(&mut after));
        skipped.is_ok() && after.rest().starts_with(b"HEADER RECORD*******")
    };
    Ok(six.filter(|&six| !leads_to_header(four) && leads_to_header(six)).unwrap_or(four))
}

/// Records begin at multiples of 80 bytes.
fn to_next_record(at: &mut Bytes<'_>) -> Result<()> {
    let beyond = at.position() % RECORD;
    if beyond > 0 {
        at.take((RECORD - beyond).min(at.rest().len()))?;
    }
    Ok(())
}

fn variable(file: &Bytes<'_>, description: &[u8], is_version8: bool) -> Result<Variable> {
    let mut at = Bytes::new("", FORMAT, description).big_endian(true);
    let kind = at.i16()?;
    at.take(2)?;
    let length = usize::from(at.u16()?);
    at.take(2)?;
    let (name, label, format) = (at.take(8)?, at.take(40)?, at.take(8)?);
    at.take(20)?;
    let position = at.u32()? as usize;
    let long_name = at.rest().get(..32).filter(|_| is_version8).map(text).filter(|name| !name.is_empty());
    let is_text = kind == 2;
    if !(1..=2).contains(&kind) || length == 0 || (!is_text && !(2..=8).contains(&length)) || position > 1 << 26 {
        return Err(file.damaged(format!("the description of variable `{}` makes no sense", text(name).escape_default())));
    }
    let name = long_name.unwrap_or_else(|| text(name));
    Ok(Variable { name, label: text(label), is_text, length, position, scale: scale_of_format(&text(format)) })
}

/// Labels of more than 40 characters, which follow the descriptions in version 8.
fn labels(at: &mut Bytes<'_>, variables: &mut [Variable]) -> Result<()> {
    let formats_too = is_header(at.rest(), &[b"LABELV9 HEADER RECORD"]);
    if !formats_too && !is_header(at.rest(), &[b"LABELV8 HEADER RECORD"]) {
        return Ok(());
    }
    let header = at.take(RECORD)?;
    for _ in 0..digits(at, header, 48..78)? {
        let (number, name, label) = (at.u16()?, at.u16()?, at.u16()?);
        let (format, informat) = if formats_too { (at.u16()?, at.u16()?) } else { (0, 0) };
        let name = text(at.take(usize::from(name))?);
        let label = text(at.take(usize::from(label))?);
        at.take(usize::from(format) + usize::from(informat))?;
        if let Some(variable) = usize::from(number).checked_sub(1).and_then(|j| variables.get_mut(j)) {
            variable.label = label;
            if !name.is_empty() {
                variable.name = name;
            }
        }
    }
    to_next_record(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit patterns of the System/370's Principles of Operation, and fractions that doubles hold exactly.
    #[test]
    fn numbers_of_mainframes_are_read() {
        let number = |bytes: &[u8]| ibm(bytes);
        assert_eq!(number(&[0x41, 0x10, 0, 0, 0, 0, 0, 0]), 1.0);
        assert_eq!(number(&[0xc2, 0x76, 0xa0, 0, 0, 0, 0, 0]), -118.625);
        assert_eq!(number(&[0x40, 0x80, 0]), 0.5);
        assert_eq!(number(&[0x3f, 0x10]), 1.0 / 256.0);
        assert_eq!(number(&[0; 8]), 0.0);
        assert_eq!(number(&[0x40, 0x19, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]), 0.1);
        assert_eq!((missing(b".\0\0"), missing(b"Z\0"), missing(b"A\0\0\x01")), (Some('.'), Some('Z'), None));
    }

    #[test]
    fn formats_tell_dates() {
        assert_eq!(scale_of_format("DATE9."), Scale::Days(SAS));
        assert_eq!(scale_of_format("E8601DT"), Scale::Seconds(SAS));
        assert_eq!(scale_of_format("BEST12."), Scale::Number);
    }
}
