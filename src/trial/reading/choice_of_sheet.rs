//! Which sheet of a workbook, or data set of a transport file, is read.

use super::levels::listed;
use crate::error::{Error, Message, Result, Setting};

/// The sheets of a file.
pub(super) struct Sheets<'a> {
    pub source: &'a str,
    /// What they are called, `sheet`.
    pub kind: &'static str,
    pub names: &'a [String],
    /// Which of them have any data.
    pub with_data: &'a [usize],
}

/// The sheet called `named`; else the only one, or the only one with data.
pub(super) fn chosen(sheets: &Sheets<'_>, named: Option<&str>) -> Result<usize> {
    match (named, sheets.names, sheets.with_data) {
        (Some(name), names, _) => names.iter().position(|n| n == name).ok_or_else(|| Error::unknown(sheets.kind, name, names)),
        (None, [], _) => Err(Error::no_data(format!("reading {}", sheets.source), format!("it has no {}", sheets.kind), "check the file")),
        (None, [_], _) => Ok(0),
        (None, _, [only]) => Ok(*only),
        (None, names, _) => Err(Error::incomplete(
            format!("reading {}", sheets.source),
            format!("it has {} {}s: {}", names.len(), sheets.kind, listed(names)),
            Message::from(format!("say which {} holds the trial with ", sheets.kind)).setting(Setting::Sheet),
        )),
    }
}
