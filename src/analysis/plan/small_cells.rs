//! What a report does with numbers of patients that are so small that somebody could be recognised.

use crate::error::{Error, Result};
use crate::options::parts;
use crate::trial::FEW;
use std::fmt;
use std::str::FromStr;

/// What the tables and figures of a report do with small numbers of patients: `shown`, `suppressed` (those of 1 to 4), or
/// `suppressed(10)` (those of 1 to 9).
///
/// With a small number goes what it could be worked out from: a number that leaves a small rest of its total, and where
/// one cell of a total alone would be hidden, the next smallest cell.
///
/// ```
/// use trialstats::analysis::SmallCells;
///
/// let cells: SmallCells = "suppressed".parse()?;
/// assert_eq!(cells, SmallCells::Suppressed { below: 5 });
/// assert!(cells.hide(4, 66) && cells.hide(63, 66) && !cells.hide(40, 66) && !cells.hide(0, 66));
/// assert_eq!(cells.hidden(&[60, 3, 9, 0]), [false, true, true, false]);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SmallCells {
    /// Every number is shown (the default).
    #[default]
    Shown,
    /// Numbers of patients from 1 to one less than this are not shown.
    Suppressed {
        /// The smallest number that is shown, 2 or more.
        below: usize,
    },
}

impl SmallCells {
    /// The smallest number that is shown; 0 where all are.
    pub fn below(self) -> usize {
        match self {
            SmallCells::Shown => 0,
            SmallCells::Suppressed { below } => below,
        }
    }

    /// Whether anything is hidden.
    pub fn is_suppressing(self) -> bool {
        self.below() > 0
    }

    /// Whether a number alone is too small.
    pub fn is_small(self, n: usize) -> bool {
        0 < n && n < self.below()
    }

    /// Whether `n` patients of `total` are hidden: they or the others are few.
    pub fn hide(self, n: usize, total: usize) -> bool {
        self.is_small(n) || self.is_small(total.saturating_sub(n))
    }

    /// Which of several numbers that add up to a known total are hidden: the small ones, and as many of the next smallest
    /// as it takes for the hidden ones to be two and to leave open what each of the small ones is.
    pub fn hidden(self, parts: &[usize]) -> Vec<bool> {
        let mut hidden: Vec<bool> = parts.iter().map(|&n| self.is_small(n)).collect();
        while let Some(next) = self.is_open(parts, &hidden).then(|| smallest_shown(parts, &hidden)).flatten() {
            hidden[next] = true;
        }
        hidden
    }

    /// Whether the total gives a small number away: it can be one only, given that the other hidden ones are small or
    /// not, as they are.
    fn is_open(self, parts: &[usize], hidden: &[bool]) -> bool {
        let all: Vec<usize> = parts.iter().zip(hidden).filter(|(_, hidden)| **hidden).map(|(n, _)| *n).collect();
        let total: usize = all.iter().sum();
        let range = |n: usize| if self.is_small(n) { (1, self.below() - 1) } else { (self.below(), total) };
        let (low, high) = all.iter().fold((0, 0), |(low, high), &n| (low + range(n).0, high + range(n).1));
        let ways = |n: usize| {
            let (others_low, others_high) = (low - range(n).0, high - range(n).1);
            (1..self.below()).filter(|own| own + others_low <= total && total <= own + others_high).count()
        };
        all.iter().any(|&n| self.is_small(n) && ways(n) < 2)
    }

    /// `n` of `total` as text has it: `40`, `fewer than 5`, `more than 61`.
    pub(crate) fn count(self, n: usize, total: usize) -> String {
        match self.below() {
            below if self.is_small(n) => format!("fewer than {below}"),
            below if self.hide(n, total) => format!("more than {}", total - below),
            _ => n.to_string(),
        }
    }

    /// What a table says of its hidden cells.
    pub(crate) fn note(self) -> String {
        format!("–: not shown, because it is fewer than {} patients or could be used to work out such a number.", self.below())
    }
}

fn smallest_shown(parts: &[usize], hidden: &[bool]) -> Option<usize> {
    (0..parts.len()).filter(|&k| !hidden[k] && parts[k] > 0).min_by_key(|&k| parts[k])
}

impl fmt::Display for SmallCells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SmallCells::Shown => f.write_str("shown"),
            SmallCells::Suppressed { below: FEW } => f.write_str("suppressed"),
            SmallCells::Suppressed { below } => write!(f, "suppressed({below})"),
        }
    }
}

impl FromStr for SmallCells {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match parts(text) {
            (name, None) if name == "shown" => Ok(SmallCells::Shown),
            (name, None) if name == "suppressed" => Ok(SmallCells::Suppressed { below: FEW }),
            (name, Some(below)) if name == "suppressed" => match below.trim().parse() {
                Ok(below) if below > 1 => Ok(SmallCells::Suppressed { below }),
                _ => Err(Error::out_of_range(
                    format!("small cells `{text}`"),
                    format!("`{below}` is not a whole number of 2 or more"),
                    "write `suppressed` for cells below 5, or `suppressed(10)`",
                )),
            },
            _ => Err(Error::unknown("handling of small cells", text.trim(), &["shown", "suppressed", "suppressed(10)"])),
        }
    }
}

crate::options::serde_by_name!(SmallCells);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIVE: SmallCells = SmallCells::Suppressed { below: 5 };

    #[test]
    fn names_are_read_as_they_are_written() {
        for cells in [SmallCells::Shown, FIVE, SmallCells::Suppressed { below: 2 }, SmallCells::Suppressed { below: 20 }] {
            assert_eq!(cells.to_string().parse::<SmallCells>().expect("a name"), cells);
        }
        assert_eq!("SUPPRESSED(5)".parse::<SmallCells>().expect("a name"), FIVE);
        for (nonsense, code) in [("suppressed(1)", "out-of-range"), ("suppressed(x)", "out-of-range"), ("hidden", "unknown-name")] {
            assert_eq!(nonsense.parse::<SmallCells>().expect_err(nonsense).code(), code);
        }
    }

    #[test]
    fn counts_say_what_may_be_known() {
        assert_eq!([3, 5, 62, 66, 0].map(|n| FIVE.count(n, 66)), ["fewer than 5", "5", "more than 61", "66", "0"]);
        assert_eq!(SmallCells::Shown.count(3, 66), "3");
    }

    /// Every value that a hidden part can have, given the total of the hidden ones, and which of them are small: by trying
    /// all.
    fn values(parts: &[usize], hidden: &[bool], part: usize) -> Vec<usize> {
        let all: Vec<usize> = (0..parts.len()).filter(|&k| hidden[k]).collect();
        let total: usize = all.iter().map(|&k| parts[k]).sum();
        // The sums that the others can have.
        let sums = all.iter().filter(|&&k| k != part).fold(vec![0], |sums: Vec<usize>, &k| {
            let own = if FIVE.is_small(parts[k]) { 1..=4 } else { 5..=total };
            let mut next: Vec<usize> = sums.iter().flat_map(|sum| own.clone().map(move |n| sum + n)).filter(|sum| *sum <= total).collect();
            next.sort_unstable();
            next.dedup();
            next
        });
        (1..=4).filter(|own| sums.iter().any(|sum| sum + own == total)).collect()
    }

    proptest! {
        #[test]
        fn no_total_gives_a_small_number_away(parts in prop::collection::vec(prop_oneof![0..8_usize, 5..90_usize], 2..7)) {
            let hidden = FIVE.hidden(&parts);
            for k in 0..parts.len() {
                prop_assert!(hidden[k] || !FIVE.is_small(parts[k]));
                prop_assert!(!hidden[k] || parts[k] > 0);
                // Where every part that there is is hidden, nothing more can be done.
                let all = (0..parts.len()).all(|k| hidden[k] || parts[k] == 0);
                prop_assert!(!FIVE.is_small(parts[k]) || all || values(&parts, &hidden, k).len() > 1, "{:?} {:?}", parts, hidden);
            }
        }
    }
}
