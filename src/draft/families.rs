//! Columns of a wide file that are one variable at several visits: their names differ in the visit alone.

use super::Guess;
use super::identifiers::is_baseline;
use crate::trial::Look;
use std::collections::BTreeMap;

/// One variable at several visits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Family {
    /// What the names have in common.
    pub stem: String,
    /// For each visit of the file, in order, the column; `None` where it has none.
    pub columns: Vec<Option<String>>,
}

/// A visit by the code that columns have for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct VisitCode {
    /// The code in names of columns: `T0`.
    pub code: String,
    /// Whether it reads like a visit before treatment, and why.
    pub baseline: Option<Guess<()>>,
}

/// A name cut into what it is about, the code of a visit, and whether the code stands first.
#[derive(Debug, Clone, PartialEq)]
struct Cut {
    stem: String,
    code: String,
    /// Whether the code has letters of its own, as `T0` or `pre` have, and is not a number that could count items.
    lettered: bool,
}

/// The families of a wide file and its visits in order.
pub(super) fn of(look: &Look, taken: &[String]) -> (Vec<VisitCode>, Vec<Family>) {
    let names: Vec<&str> = look.columns.iter().map(|c| c.name.as_str()).filter(|name| !taken.iter().any(|t| t == name)).collect();
    let cuts: Vec<(&str, Cut)> = names.iter().flat_map(|name| cuts(name).into_iter().map(move |cut| (*name, cut))).collect();
    let lettered = families(&cuts, true);
    let chosen = if lettered.is_empty() { families(&cuts, false) } else { lettered };
    // Columns that count something else (items) have codes of their own: visits are those of the most families.
    let mut of_code: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, members) in &chosen {
        members.iter().for_each(|(code, _)| *of_code.entry(code).or_default() += 1);
    }
    let mut codes: Vec<String> = of_code.keys().map(|code| code.to_string()).collect();
    codes.sort_by(|a, b| place(a).total_cmp(&place(b)).then_with(|| first_column(look, &chosen, a).cmp(&first_column(look, &chosen, b))));
    let families = chosen.iter().map(|(stem, members)| {
        let column = |code: &String| members.iter().find(|(c, _)| c == code).map(|(_, name)| name.to_string());
        Family { stem: stem.clone(), columns: codes.iter().map(column).collect() }
    });
    let families = families.collect();
    (codes.into_iter().map(VisitCode::of).collect(), families)
}

/// Members by stem: those stems that have two codes or more.
type Members<'a> = Vec<(String, Vec<(String, &'a str)>)>;

fn families<'a>(cuts: &[(&'a str, Cut)], lettered: bool) -> Members<'a> {
    let mut found: Members<'a> = vec![];
    for (name, cut) in cuts.iter().filter(|(_, cut)| cut.lettered == lettered) {
        match found.iter_mut().find(|(stem, _)| *stem == cut.stem) {
            Some((_, members)) if members.iter().all(|(code, _)| *code != cut.code) => members.push((cut.code.clone(), name)),
            Some(_) => {}
            None => found.push((cut.stem.clone(), vec![(cut.code.clone(), name)])),
        }
    }
    found.retain(|(_, members)| members.len() >= 2);
    found
}

/// The ways to cut a name.
fn cuts(name: &str) -> Vec<Cut> {
    let is_between = |c: char| matches!(c, '_' | '.' | '-' | ' ');
    let mut found = vec![];
    let mut add = |stem: &str, code: &str| {
        let stem = stem.trim_matches(is_between);
        let code = code.trim_matches(is_between);
        if !stem.is_empty() && stem.chars().any(char::is_alphabetic) && is_code(code) {
            let lettered = code.chars().any(char::is_alphabetic);
            found.push(Cut { stem: stem.into(), code: code.into(), lettered });
        }
    };
    // At a mark between words: the last or the first word, or the last two (`3_months`).
    let marks: Vec<usize> = name.char_indices().filter(|(_, c)| is_between(*c)).map(|(at, _)| at).collect();
    for &at in &marks {
        add(&name[..at], &name[at..]);
        add(&name[at..], &name[..at]);
    }
    // Without one: `bdiT0`, `bdi0`.
    let digits = name.len() - name.bytes().rev().take_while(u8::is_ascii_digit).count();
    if digits < name.len() && digits > 0 && marks.last().is_none_or(|&at| at + 1 < digits) {
        if name[..digits].ends_with(['T', 'V', 'W', 'M', 't', 'v', 'w', 'm']) {
            add(&name[..digits - 1], &name[digits - 1..]);
        }
        add(&name[..digits], &name[digits..]);
    }
    found
}

/// Whether a piece of a name is the code of a visit: `T0`, `wk12`, `3m`, `pre`, `FU1`, `12_months`, `3`.
fn is_code(code: &str) -> bool {
    const WORDS: [&str; 19] = [
        "pre",
        "post",
        "mid",
        "baseline",
        "base",
        "bl",
        "fu",
        "followup",
        "screening",
        "end",
        "start",
        "voor",
        "na",
        "voormeting",
        "nameting",
        "nulmeting",
        "posttreatment",
        "pretreatment",
        "eot",
    ];
    const UNITS: [&str; 27] = [
        "", "t", "v", "w", "m", "d", "wk", "week", "weeks", "mo", "mon", "month", "months", "mnd", "maand", "maanden", "day", "dag",
        "time", "visit", "wave", "meting", "fu", "y", "yr", "year", "moment",
    ];
    let lower = code.to_lowercase();
    let is_between = |c: char| matches!(c, '_' | '.' | '-' | ' ');
    let runs: Vec<&str> = lower.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).collect();
    let letters: String = lower.chars().filter(|c| c.is_alphabetic()).collect();
    if !lower.chars().all(|c| c.is_alphanumeric() || is_between(c)) {
        return false;
    }
    match runs.as_slice() {
        [] => WORDS.contains(&letters.as_str()),
        // A word has its number behind it: `fu2`; what has one before it is an item (`1_pre`).
        [number] if WORDS.contains(&letters.as_str()) => number.len() <= 2 && lower.ends_with(number),
        [number] => number.len() <= 3 && UNITS.contains(&letters.as_str()),
        _ => false,
    }
}

/// Where a visit stands by its code: before treatment first, then by its number, then what comes after.
fn place(code: &str) -> f64 {
    let lower = code.to_lowercase();
    let number: Option<f64> = lower.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok();
    let letters: String = lower.chars().filter(|c| c.is_alphabetic()).collect();
    match letters.as_str() {
        "screening" => -2.0,
        _ if is_baseline(code) || ["voor", "start"].contains(&letters.as_str()) => -1.0,
        "mid" => 0.5,
        "post" | "na" | "nameting" | "end" | "eot" | "posttreatment" => 1000.0 + number.unwrap_or(0.0),
        "fu" | "followup" => 2000.0 + number.unwrap_or(0.0),
        _ => number.unwrap_or(0.0),
    }
}

fn first_column(look: &Look, families: &Members<'_>, code: &str) -> usize {
    let names = families.iter().flat_map(|(_, members)| members).filter(|(c, _)| c == code).map(|(_, name)| *name);
    names.filter_map(|name| look.columns.iter().position(|c| c.name == name)).min().unwrap_or(usize::MAX)
}

impl VisitCode {
    fn of(code: String) -> Self {
        let zero = code.chars().filter(char::is_ascii_digit).collect::<String>().parse() == Ok(0.0);
        let named = is_baseline(&code) || ["voor", "start"].contains(&code.to_lowercase().as_str());
        let why = match (named, zero) {
            (true, _) => Some("by its name"),
            (false, true) => Some("it is 0"),
            (false, false) => None,
        };
        Self { baseline: why.map(|why| Guess { value: (), why: why.into() }), code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(name: &str) -> Vec<(String, String)> {
        cuts(name).into_iter().map(|cut| (cut.stem, cut.code)).collect()
    }

    #[test]
    fn a_name_is_cut_at_the_visit() {
        let one = |stem: &str, code: &str| (stem.to_string(), code.to_string());
        assert!(codes("bdi_T0").contains(&one("bdi", "T0")));
        assert!(codes("T1_bdi").contains(&one("bdi", "T1")));
        assert!(codes("phq9_3_months").contains(&one("phq9", "3_months")));
        assert!(codes("BDIpre").is_empty() && codes("BDI.pre").contains(&one("BDI", "pre")));
        assert!(codes("bdiT2").contains(&one("bdi", "T2")));
        let lettered = |name: &str| -> Vec<String> { cuts(name).into_iter().filter(|c| c.lettered).map(|c| c.stem).collect() };
        assert!(lettered("caps5_01_T0").iter().all(|stem| stem == "caps5_01"));
        assert_eq!(lettered("phq9_1_pre"), ["phq9_1"]);
        assert!(codes("age").is_empty() && codes("sex").is_empty());
    }

    #[test]
    fn visits_are_in_the_order_of_the_trial() {
        let mut codes = ["FU1", "post", "pre", "T2", "T10", "screening", "FU2"];
        codes.sort_by(|a, b| place(a).total_cmp(&place(b)));
        assert_eq!(codes, ["screening", "pre", "T2", "T10", "post", "FU1", "FU2"]);
    }
}
