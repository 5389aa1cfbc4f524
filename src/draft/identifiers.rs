//! Who, when, and in which arm.

use super::Guess;
use super::names::{ARM, BASELINE, NUISANCE, PATIENT, REFERENCE, VISIT, has_word, plain, rank};
use crate::trial::{Look, LookedAt};
use std::collections::{HashMap, HashSet};

/// The arms of a draft.
#[derive(Debug)]
pub(super) struct Arm {
    pub column: Guess<String>,
    pub levels: Vec<String>,
    /// The level that others are compared with.
    pub reference: Guess<String>,
}

/// The visits of a long file.
#[derive(Debug)]
pub(super) struct Visits {
    pub column: Guess<String>,
    /// The column of numbers that order the visits.
    pub time: Option<Guess<String>>,
    /// The labels, ordered by time where there is one.
    pub labels: Vec<String>,
    /// The visit before treatment.
    pub baseline: Option<Guess<String>>,
}

/// The most visits that a schedule may have.
const VISITS: usize = 60;

/// The most arms that a trial may have.
const ARMS: usize = 6;

/// The column of the patient: by its name where its values are many, else the first whose values are many.
pub(super) fn patient(look: &Look) -> Option<Guess<String>> {
    let plausible = |c: &&LookedAt| {
        let distinct = c.values().len();
        distinct >= 2 && c.present() == look.rows && distinct * VISITS >= look.rows
    };
    let named = look.columns.iter().filter(plausible).filter_map(|c| Some((rank(&c.name, &PATIENT)?, c)));
    if let Some((_, column)) = named.min_by_key(|(rank, _)| *rank) {
        let why = format!("by its name; it has {} different values in {} rows", column.values().len(), look.rows);
        return Some(Guess { value: column.name.clone(), why });
    }
    let first = look.columns.iter().filter(plausible).find(|c| {
        let fractional = c.numbers.iter().flatten().flatten().any(|x| x.fract() != 0.0);
        rank(&c.name, &NUISANCE).is_none() && !fractional && c.values().len() * 20 > look.rows
    })?;
    Some(Guess {
        value: first.name.clone(),
        why: format!("CHECK: no name says so; it is the first column with many values ({} in {} rows)", first.values().len(), look.rows),
    })
}

/// The rows of each patient, in the order of first rows.
pub(super) fn rows_by_patient(look: &Look, patient: &str) -> Vec<Vec<usize>> {
    let mut rows: Vec<Vec<usize>> = vec![];
    let mut place: HashMap<&str, usize> = HashMap::new();
    let texts = look.column(patient).map(|c| c.texts.as_slice()).unwrap_or_default();
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else { continue };
        let at = *place.entry(text).or_insert_with(|| {
            rows.push(vec![]);
            rows.len() - 1
        });
        rows[at].push(row);
    }
    rows
}

/// Whether no patient has two values in this column.
pub(super) fn is_of_patients(column: &LookedAt, rows_of: &[Vec<usize>]) -> bool {
    rows_of.iter().all(|rows| {
        let mut values = rows.iter().filter_map(|&row| column.texts[row].as_deref());
        values.next().is_none_or(|first| values.all(|other| other == first))
    })
}

/// The arm: by name, where no patient changes it and its values are few; else the only such column of two values.
pub(super) fn arm(look: &Look, patient: &str, rows_of: &[Vec<usize>]) -> Option<Arm> {
    let plausible = |c: &&LookedAt| {
        let levels = c.values().len();
        c.name != patient && (2..=ARMS).contains(&levels) && c.present() * 10 >= look.rows * 9 && is_of_patients(c, rows_of)
    };
    let by_name = look.columns.iter().filter(plausible).filter_map(|c| {
        let exact = rank(&c.name, &ARM);
        let word = has_word(&c.name, &ARM).then_some(ARM.len());
        Some((exact.or(word)?, c))
    });
    let named = by_name.min_by_key(|(rank, _)| *rank).map(|(_, c)| (c, "by its name, and no patient changes it".to_string()));
    let by_level = || {
        let column = look.columns.iter().filter(plausible).find(|c| c.values().iter().any(|(level, _)| has_word(level, &REFERENCE)))?;
        Some((column, "CHECK: no name says so, but one of its values reads like a control arm".to_string()))
    };
    let (column, why) = named.or_else(by_level)?;
    let mut levels: Vec<String> = column.values().iter().map(|(level, _)| level.to_string()).collect();
    levels.sort();
    let reference = levels.iter().find(|level| has_word(level, &REFERENCE));
    let reference = match reference {
        Some(level) => Guess { value: level.clone(), why: "by its name; the other arms are compared with it".into() },
        None => Guess { value: levels[0].clone(), why: "CHECK: no name says which arm is the reference; this is the first".into() },
    };
    Some(Arm { column: Guess { value: column.name.clone(), why }, levels, reference })
}

/// The visit of a long file: a column that tells a patient's rows apart, by name where there are several.
pub(super) fn visits(look: &Look, patient: &str, rows_of: &[Vec<usize>], taken: &[String]) -> Option<Visits> {
    let candidates: Vec<&LookedAt> = look
        .columns
        .iter()
        .filter(|c| c.name != patient && !taken.contains(&c.name) && (2..=VISITS).contains(&c.values().len()))
        .filter(|c| tells_rows_apart(c, rows_of))
        .collect();
    let named = candidates.iter().filter_map(|c| {
        let exact = rank(&c.name, &VISIT);
        Some((exact.or_else(|| has_word(&c.name, &VISIT).then_some(VISIT.len()))?, *c))
    });
    let (column, why) = match named.min_by_key(|(rank, _)| *rank) {
        Some((_, column)) => (column, "by its name, and every patient has one row at each of its values".to_string()),
        None => {
            // Of equals the one with the fewest values: a visit, not a score.
            let column = candidates.iter().min_by_key(|c| c.values().len())?;
            (*column, "CHECK: no name says so, but every patient has one row at each of its values".to_string())
        }
    };
    let time = time_of(look, column, taken);
    let labels = ordered(column, time.as_ref().and_then(|t| look.column(&t.value)));
    let baseline = baseline(look, &labels, column, time.as_ref());
    Some(Visits { column: Guess { value: column.name.clone(), why }, time, labels, baseline })
}

/// Whether no patient has two rows with the same value, and values are shared by patients. A row in fifty may go wrong.
fn tells_rows_apart(column: &LookedAt, rows_of: &[Vec<usize>]) -> bool {
    let (mut all, mut repeated) = (0, 0);
    for rows in rows_of {
        let values: Vec<&str> = rows.iter().filter_map(|&row| column.texts[row].as_deref()).collect();
        all += rows.len();
        repeated += rows.len() - values.iter().collect::<HashSet<_>>().len();
    }
    let shared = column.values().len() * 3 <= all;
    shared && repeated * 50 <= all
}

/// A column of numbers that goes with the visits one to one.
fn time_of(look: &Look, visit: &LookedAt, taken: &[String]) -> Option<Guess<String>> {
    const TIMES: [&str; 16] = [
        "avisitn",
        "visitn",
        "visitnum",
        "time",
        "month",
        "months",
        "week",
        "weeks",
        "day",
        "days",
        "maand",
        "woche",
        "monat",
        "visitnr",
        "timepoint",
        "year",
    ];
    let goes_along = |c: &&LookedAt| {
        let pairs: HashSet<(&Option<String>, &Option<String>)> = visit.texts.iter().zip(&c.texts).collect();
        c.name != visit.name && !taken.contains(&c.name) && c.numbers.is_some() && c.values().len() == visit.values().len() && {
            let present = pairs.iter().filter(|(v, t)| v.is_some() && t.is_some()).count();
            present == visit.values().len()
        }
    };
    let column = look.columns.iter().filter(goes_along).min_by_key(|c| rank(&c.name, &TIMES).unwrap_or(TIMES.len()))?;
    rank(&column.name, &TIMES)?;
    Some(Guess { value: column.name.clone(), why: format!("each value of `{}` has one number in it", visit.name) })
}

/// The labels of the visits by their times, else by the numbers that they are, else as they come.
fn ordered(visit: &LookedAt, time: Option<&LookedAt>) -> Vec<String> {
    let mut labels: Vec<(String, Option<f64>)> = vec![];
    for (row, label) in visit.texts.iter().enumerate() {
        let Some(label) = label else { continue };
        if !labels.iter().any(|(known, _)| known == label) {
            let of_row = |c: &LookedAt| c.numbers.as_ref().and_then(|numbers| numbers[row]);
            labels.push((label.clone(), time.map_or_else(|| of_row(visit), of_row)));
        }
    }
    if labels.iter().all(|(_, time)| time.is_some()) {
        labels.sort_by(|a, b| a.1.unwrap_or_default().total_cmp(&b.1.unwrap_or_default()));
    }
    labels.into_iter().map(|(label, _)| label).collect()
}

/// The visit before treatment: by its label, else by the time 0.
fn baseline(look: &Look, labels: &[String], visit: &LookedAt, time: Option<&Guess<String>>) -> Option<Guess<String>> {
    if let Some(label) = labels.iter().find(|label| is_baseline(label)) {
        return Some(Guess { value: label.clone(), why: "by its name".into() });
    }
    let first = labels.first()?;
    let column = time.and_then(|t| look.column(&t.value)).unwrap_or(visit);
    let row = visit.texts.iter().position(|text| text.as_ref() == Some(first))?;
    let is_zero = column.numbers.as_ref().and_then(|numbers| numbers[row]) == Some(0.0);
    is_zero.then(|| Guess { value: first.clone(), why: format!("`{}` is 0 there", column.name) })
}

/// Whether a visit's label means before treatment.
pub(super) fn is_baseline(label: &str) -> bool {
    BASELINE.contains(&plain(label).as_str()) || has_word(label, &["baseline", "pre", "voormeting", "nulmeting"])
}
