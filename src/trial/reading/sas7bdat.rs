//! SAS data sets (.sas7bdat): the crate `sas7bdat` unpacks the rows, which are understood here, because a missing value has
//! a letter that counts.

use std::collections::HashSet;
use std::ops::ControlFlow;

use encoding_rs::{Encoding, WINDOWS_1252};
use sas7bdat::{ColumnMeta, Dataset, Endianness, LogicalType};

use super::bytes::damaged;
use super::declared::ValueLabels;
use super::growing::{Growing, first_of_each, sheet};
use super::sheet::Sheet;
use super::xport::scale_of_format;
use crate::error::Result;
use crate::trial::{FileFacts, FileFormat};

const FORMAT: &str = "a SAS data set";

/// The columns `wanted`.
pub(super) fn read(source: &str, bytes: &[u8], wanted: &HashSet<&str>) -> Result<Sheet> {
    // The crate is young, and is told nothing that it could leave half changed.
    std::panic::catch_unwind(|| unguarded(source, bytes, wanted))
        .unwrap_or_else(|_| Err(damaged(source, FORMAT, "its structure makes no sense")))
}

fn unguarded(source: &str, bytes: &[u8], wanted: &HashSet<&str>) -> Result<Sheet> {
    let refused = |error: sas7bdat::Error| damaged(source, FORMAT, error.to_string());
    let data = Dataset::from_bytes(bytes.to_vec()).map_err(refused)?;
    let is_big_endian = data.metadata().endianness == Endianness::Big;
    let stated = data.metadata().encoding.as_deref();
    let encoding = stated.and_then(|name| Encoding::for_label(name.as_bytes())).unwrap_or(WINDOWS_1252);
    let names: Vec<String> = data.columns().iter().map(|column| column.name.trim().to_string()).collect();
    let read = first_of_each(&names, wanted);
    let mut columns: Vec<Growing> = read.iter().map(|&j| column(&data.columns()[j], &names[j])).collect();
    let mut rows = 0;
    data.visit_raw_rows(|row| {
        for (column, &j) in columns.iter_mut().zip(&read) {
            push(&data.columns()[j], row.bytes, is_big_endian, encoding, column);
        }
        rows += 1;
        Ok(ControlFlow::Continue(()))
    })
    .map_err(refused)?;
    let mut file = FileFacts::new(source, FileFormat::Sas7bdat);
    file.encoding = Some(encoding.name().into());
    Ok(sheet(source, names, columns, rows, file))
}

fn is_text(column: &ColumnMeta) -> bool {
    matches!(column.logical_type, LogicalType::String | LogicalType::Bytes)
}

fn column(column: &ColumnMeta, name: &str) -> Growing {
    let growing = match is_text(column) {
        true => Growing::of_texts(name),
        false => Growing::of_numbers(name, scale_of_format(column.format.as_deref().unwrap_or_default())),
    };
    growing.labelled(column.label.as_deref().unwrap_or_default(), ValueLabels::default())
}

/// Appends the value of a row.
fn push(meta: &ColumnMeta, row: &[u8], is_big_endian: bool, encoding: &'static Encoding, column: &mut Growing) {
    let start = meta.offset as usize;
    let Some(bytes) = row.get(start..start.saturating_add(meta.physical_width as usize)) else { return column.nothing() };
    if is_text(meta) {
        return column.text(encoding.decode(bytes).0.trim_end_matches([' ', '\0']));
    }
    let bits = bits(bytes, is_big_endian);
    match (f64::from_bits(bits), letter(bits)) {
        (x, _) if !x.is_nan() => column.number(x),
        (_, Some(letter)) => column.declared_missing(format!(".{letter}"), None),
        _ => column.nothing(),
    }
}

/// The bits of a number of which a file keeps the highest bytes only.
fn bits(bytes: &[u8], is_big_endian: bool) -> u64 {
    let mut whole = [0; 8];
    let kept = bytes.len().min(8);
    let highest_first = |place: usize| if is_big_endian { bytes[place] } else { bytes[kept - 1 - place] };
    (0..kept).for_each(|place| whole[place] = highest_first(place));
    u64::from_be_bytes(whole)
}

/// The letter of a missing value, `_` or `A` to `Z`, which stands inverted in the third byte; `None` of the usual one.
fn letter(bits: u64) -> Option<char> {
    match bits.to_be_bytes()[2] ^ 0xff {
        0 => Some('_'),
        code @ 2..=27 => Some(char::from(b'A' + code - 2)),
        code @ (b'A'..=b'Z' | b'_') => Some(char::from(code)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of SAS's own missing values, as its documentation of numeric precision prints them.
    #[test]
    fn truncated_numbers_and_letters_are_read() {
        assert_eq!(f64::from_bits(bits(&[0, 0, 0xf8, 0x3f], false)), 1.5);
        assert_eq!(f64::from_bits(bits(&[0x3f, 0xf8, 0], true)), 1.5);
        assert_eq!(f64::from_bits(bits(&0.1_f64.to_le_bytes(), false)), 0.1);
        let missing = |third: u8| letter(u64::from_be_bytes([0xff, 0xff, third, 0, 0, 0, 0, 0]));
        assert_eq!(
            (missing(0xfe), missing(0xfd), missing(0xfc), missing(0xe4), missing(0xff)),
            (None, Some('A'), Some('B'), Some('Z'), Some('_'))
        );
    }
}
