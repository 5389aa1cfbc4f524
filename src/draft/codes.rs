//! Numbers that stand for a missing value.

use crate::trial::Look;

/// A number that seems to stand for a missing value in some columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MissingCode {
    /// As the file writes it.
    pub code: String,
    /// The columns, with how often it is there.
    pub columns: Vec<(String, usize)>,
    /// Whether no other of the columns has it as a number that may be one.
    pub everywhere: bool,
}

const CODES: [f64; 20] = [
    99.0, 999.0, 9999.0, 888.0, 777.0, 98.0, 998.0, 9998.0, 99999.0, -1.0, -9.0, -99.0, -999.0, -9999.0, -88.0, -8.0, -7.0, -77.0, -98.0,
    -998.0,
];

/// Codes in the columns called `names`: numbers that people use for it and that lie beyond all others by more than the others
/// reach.
pub(super) fn missing(look: &Look, names: &[String]) -> Vec<MissingCode> {
    let mut found: Vec<MissingCode> = vec![];
    let mut doubtful: Vec<String> = vec![];
    for name in names {
        let Some(numbers) = look.column(name).and_then(|c| c.numbers.as_ref()) else { continue };
        let others = || numbers.iter().flatten().filter(|x| !CODES.contains(x));
        let (low, high) = others().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
        if low > high {
            continue;
        }
        let reach = (high - low).max(1.0);
        for code in CODES {
            let count = numbers.iter().flatten().filter(|x| **x == code).count();
            // A negative number in a column that has none otherwise; a large one beyond twice the others' reach.
            let strange = if code < 0.0 { low >= 0.0 } else { code > high + reach };
            if count > 0 && strange {
                let text = code.to_string();
                match found.iter_mut().find(|known| known.code == text) {
                    Some(known) => known.columns.push((name.clone(), count)),
                    None => found.push(MissingCode { code: text, columns: vec![(name.clone(), count)], everywhere: true }),
                }
            } else if count > 0 {
                doubtful.push(code.to_string());
            }
        }
    }
    found.iter_mut().for_each(|code| code.everywhere = !doubtful.contains(&code.code));
    found
}
