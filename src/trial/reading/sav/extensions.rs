//! Records that later releases of SPSS have added to the dictionary.

use std::collections::HashMap;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::super::bytes::Bytes;
use super::super::declared::Code;
use super::dictionary::decoded;
use crate::error::Result;

/// The records by their number.
#[derive(Debug, Default)]
pub(super) struct Extensions<'a> {
    records: HashMap<i32, Bytes<'a>>,
}

impl<'a> Extensions<'a> {
    /// Keeps a record.
    pub fn read(&mut self, at: &mut Bytes<'a>) -> Result<()> {
        let (kind, size, count) = (at.i32()?, at.u32()?, at.u32()?);
        let record = at.within(u64::from(size) * u64::from(count))?;
        self.records.insert(kind, record);
        Ok(())
    }

    /// The encoding of texts: by its name, else by the number of its code page.
    pub fn encoding(&self) -> &'static Encoding {
        let named = self.records.get(&20).and_then(|record| Encoding::for_label(record.rest()));
        let page = || {
            let mut numbers = self.records.get(&3)?.clone();
            numbers.take(28).ok()?;
            match numbers.i32().ok()? {
                65_001 => Some(UTF_8),
                page => Encoding::for_label(format!("windows-{page}").as_bytes()),
            }
        };
        named.or_else(page).unwrap_or(WINDOWS_1252)
    }

    /// The text of a record as pairs `A=b`, separated by tabulators.
    fn pairs(&self, kind: i32, encoding: &'static Encoding) -> Vec<(String, String)> {
        let text = self.records.get(&kind).map(|record| encoding.decode(record.rest()).0.into_owned()).unwrap_or_default();
        let pairs = text.split('\t').filter_map(|pair| pair.trim_matches('\0').split_once('='));
        pairs.map(|(a, b)| (a.to_uppercase(), b.trim_matches('\0').to_string())).collect()
    }

    /// The names that people gave, by the short ones in capitals.
    pub fn long_names(&self, encoding: &'static Encoding) -> HashMap<String, String> {
        self.pairs(13, encoding).into_iter().collect()
    }

    /// The widths of texts with more than 255 bytes, by short names in capitals.
    pub fn very_long_texts(&self, encoding: &'static Encoding) -> HashMap<String, usize> {
        let pairs = self.pairs(14, encoding).into_iter();
        pairs.filter_map(|(name, width)| Some((name, width.parse().ok().filter(|width| (256..=32_767).contains(width))?))).collect()
    }

    /// Labels of values, and missing values, of texts with more than 8 bytes: the name of the variable, with what it has.
    pub fn of_long_texts(&self, encoding: &'static Encoding, mut found: impl FnMut(&str, Vec<(Code, String)>, Vec<String>)) {
        if let Some(record) = self.records.get(&21) {
            let mut at = record.clone();
            while let Some((name, labels)) = labels_of_text(&mut at, encoding) {
                found(&name, labels, vec![]);
            }
        }
        if let Some(record) = self.records.get(&22) {
            let mut at = record.clone();
            while let Some((name, missing)) = missing_of_text(&mut at, encoding) {
                found(&name, vec![], missing);
            }
        }
    }
}

fn counted(at: &mut Bytes<'_>, encoding: &'static Encoding) -> Option<String> {
    let length = at.u32().ok()?;
    at.take_stated(length).ok().map(|bytes| decoded(encoding, bytes))
}

fn labels_of_text(at: &mut Bytes<'_>, encoding: &'static Encoding) -> Option<(String, Vec<(Code, String)>)> {
    let name = counted(at, encoding)?;
    at.take(4).ok()?;
    let mut labels = vec![];
    for _ in 0..at.u32().ok()? {
        labels.push((Code::Text(counted(at, encoding)?), counted(at, encoding)?));
    }
    Some((name, labels))
}

fn missing_of_text(at: &mut Bytes<'_>, encoding: &'static Encoding) -> Option<(String, Vec<String>)> {
    let name = counted(at, encoding)?;
    let count = at.u8().ok()?;
    let length = at.u32().ok()?;
    let missing = (0..count).map(|_| at.take_stated(length).ok().map(|bytes| decoded(encoding, bytes)));
    Some((name, missing.collect::<Option<_>>()?))
}
