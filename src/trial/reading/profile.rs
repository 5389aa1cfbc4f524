//! What the texts of a column are, all taken together: which decimal mark its numbers have, and how it spells a missing
//! value.

use std::collections::BTreeMap;

use super::findings::Findings;
use super::sheet::{Cell, Cells, Sheet};
use crate::error::shown;
use crate::trial::layout::{DecimalMark, Layout};
use crate::trial::{FileFacts, FileFormat};

/// What stands for a missing value whatever the column holds: programs write it where they have none.
const OF_PROGRAMS: [&str; 10] = ["nan", "-nan", "#n/a", "#na", "#n/a n/a", "null", "#null!", "<na>", "1.#qnan", "-1.#ind"];

/// What people write for a missing number; as the level of a factor it may mean something.
const OF_PEOPLE: [&str; 14] = ["na", "n/a", "n.a.", "n.a", "none", "nil", "missing", "miss", "-", "--", "–", "—", "..", "not available"];

/// What a column's texts are.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    /// The decimal mark of its numbers.
    pub mark: Mark,
    /// Whether the mark was found in the numbers, not declared.
    pub mark_found: bool,
    /// Spellings of a missing value that nobody declared, with how often they occur.
    pub spellings: BTreeMap<String, usize>,
    /// Whether such spellings stand for a missing value: they do unless the codes were replaced.
    pub recognises: bool,
}

/// The decimal mark of the numbers in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mark {
    #[default]
    Point,
    Comma,
    /// A comma before groups of three digits only, which may be decimals or thousands.
    Ambiguous,
}

/// How many of a column's numbers are written how.
#[derive(Debug, Default)]
struct Count {
    /// Numbers with a decimal point, and those of them that could have it between thousands.
    points: usize,
    grouped_points: usize,
    /// The same with a comma.
    commas: usize,
    grouped_commas: usize,
}

/// Whether a text begins as one of these spellings does: most texts do not, and need no comparison with each.
fn may_be_missing(text: &str) -> bool {
    match text.as_bytes() {
        [b'n' | b'N' | b'm' | b'M' | b'#' | b'<' | b'.' | b'-', ..] => true,
        [b'1', b'.', b'#', ..] => true,
        [first, ..] => !first.is_ascii(),
        [] => false,
    }
}

/// Whether a text stands for a missing value in any column.
pub(super) fn is_missing_anywhere(text: &str) -> bool {
    may_be_missing(text) && OF_PROGRAMS.iter().any(|spelling| text.eq_ignore_ascii_case(spelling))
}

/// Whether a text stands for a missing value among numbers.
pub(super) fn is_missing_number(text: &str) -> bool {
    may_be_missing(text) && (is_missing_anywhere(text) || OF_PEOPLE.iter().any(|spelling| text.eq_ignore_ascii_case(spelling)))
}

/// A number written with a decimal comma.
pub(super) fn with_comma(text: &str) -> Option<f64> {
    let plain = text.bytes().filter(|b| *b == b',').count() <= 1 && !text.contains('.');
    plain.then(|| text.replace(',', ".").parse().ok()).flatten()
}

/// Whether a number could have `mark` between thousands: `1,234`, not `0,234` and not `12,5`.
fn is_grouped(text: &str, mark: char) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    match digits.split_once(mark) {
        Some((whole, rest)) => {
            (1..=3).contains(&whole.len()) && !whole.starts_with('0') && rest.len() == 3 && rest.bytes().all(|b| b.is_ascii_digit())
        }
        None => false,
    }
}

impl Profile {
    fn of(layout: &Layout, name: &str, cells: &Cells) -> Self {
        let recognises = layout.recognises_missing();
        let mut profile = Profile { recognises, ..Profile::default() };
        let mut count = Count::default();
        if let Cells::Numbers(_) = cells {
            return profile;
        }
        // Which mark the numbers have is a question only where there are commas, or where they were declared.
        let asked = layout.decimal_mark == Some(DecimalMark::Comma) || cells.contain(',');
        let codes = layout.missing_codes_of(name);
        for row in 0..cells.len() {
            let Cell::Text(text) = cells.get(row) else { continue };
            if text.is_empty() || codes.contains(&text) {
                continue;
            }
            match (asked && text.contains('.'), asked && text.contains(',')) {
                (true, false) if text.parse::<f64>().is_ok() => {
                    count.points += 1;
                    count.grouped_points += usize::from(is_grouped(text, '.'));
                }
                (false, true) if with_comma(text).is_some() => {
                    count.commas += 1;
                    count.grouped_commas += usize::from(is_grouped(text, ','));
                }
                _ if recognises && is_missing_number(text) => *profile.spellings.entry(text.to_string()).or_default() += 1,
                _ => {}
            }
        }
        (profile.mark, profile.mark_found) = count.mark(layout.decimal_mark);
        profile
    }
}

impl Count {
    /// The mark, and whether it is another than what was declared, or the default.
    fn mark(&self, declared: Option<DecimalMark>) -> (Mark, bool) {
        match declared {
            Some(DecimalMark::Point) => (Mark::Point, false),
            // `0.676` has no comma and no thousands.
            Some(DecimalMark::Comma) if self.commas == 0 && self.points > self.grouped_points => (Mark::Point, true),
            Some(DecimalMark::Comma) => (Mark::Comma, false),
            None if self.commas == 0 || self.points > 0 => (Mark::Point, false),
            None if self.commas > self.grouped_commas => (Mark::Comma, true),
            None => (Mark::Ambiguous, false),
        }
    }
}

impl Sheet {
    /// The sheet with the profile of each column.
    pub fn profiled(mut self, layout: &Layout) -> Self {
        for column in &mut self.columns {
            column.profile = Profile::of(layout, &column.name, &column.cells);
        }
        // Where other columns have decimal commas, `1,234` has one too.
        let columns = || self.columns.iter().map(|c| &c.profile);
        if columns().any(|p| p.mark_found && p.mark == Mark::Comma) {
            self.columns.iter_mut().map(|c| &mut c.profile).filter(|p| p.mark == Mark::Ambiguous).for_each(|p| {
                (p.mark, p.mark_found) = (Mark::Comma, true);
            });
        }
        self
    }

    /// What is recorded of the file, with the decimal mark of the texts in the columns of numbers called `names`.
    pub fn facts(&self, names: &[&str]) -> Option<FileFacts> {
        let mut file = self.file.clone()?;
        let read = self.columns.iter().filter(|c| names.contains(&c.name.as_str()));
        let has_comma = read.map(|c| c.profile.mark).any(|mark| mark == Mark::Comma);
        file.decimal_mark = match file.format {
            _ if has_comma => Some(DecimalMark::Comma),
            FileFormat::Csv => Some(DecimalMark::Point),
            _ => None,
        };
        Some(file)
    }

    /// Says what was recognised in the columns of numbers called `names`.
    pub fn tell_profiles(&self, names: &[&str], findings: &mut Findings) {
        let columns = || self.columns.iter().filter(|c| names.contains(&c.name.as_str()));
        for (mark, called) in [(Mark::Comma, "a decimal comma"), (Mark::Point, "a decimal point")] {
            let found: Vec<String> =
                columns().filter(|c| c.profile.mark_found && c.profile.mark == mark).map(|c| format!("`{}`", shown(&c.name))).collect();
            if !found.is_empty() {
                findings.inferred(format!("Numbers have {called} in {}, where every one with decimals does.", found.join(", ")));
            }
        }
        for column in columns() {
            let read: Vec<String> = column.profile.spellings.iter().map(|(text, n)| format!("`{}` ({n})", shown(text))).collect();
            if !read.is_empty() {
                findings.inferred(format!("In `{}`, these are read as missing: {}.", shown(&column.name), read.join(", ")));
            }
        }
    }
}
