//! Dates: labels of visits, and of events.

/// The dates of labels, as far as they can be told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Dates {
    /// The order of the labels is certain: days since the first of them, or its rank alone where the labels may be read
    /// in several ways of one order.
    Known {
        /// Days since the earliest label, or ranks.
        places: Vec<f64>,
        /// Whether the places are days.
        are_days: bool,
    },
    /// All labels are dates, but day and month cannot be told apart.
    Ambiguous,
}

/// The parts of a date as they are written: numbers with their digits, and months by name.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Number { value: u32, digits: usize },
    Month(u32),
}

/// The orders in which people write day, month and year.
const READINGS: [[char; 3]; 3] = [['y', 'm', 'd'], ['d', 'm', 'y'], ['m', 'd', 'y']];

const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

/// The dates that the labels are, if every one is one.
pub(super) fn of(labels: &[String]) -> Option<Dates> {
    let written: Vec<(Vec<Part>, f64)> = labels.iter().map(|l| parts(l)).collect::<Option<_>>()?;
    let readings: Vec<Vec<f64>> = READINGS
        .iter()
        .filter_map(|reading| written.iter().map(|(parts, time)| Some(day(parts, reading)? + time)).collect::<Option<Vec<f64>>>())
        .filter(|days| are_distinct(days))
        .collect();
    let first = readings.first()?;
    Some(
        match (
            readings.iter().all(|other| since_first(other) == since_first(first)),
            readings.iter().all(|other| ranks(other) == ranks(first)),
        ) {
            (true, _) => Dates::Known { places: since_first(first), are_days: true },
            (false, true) => Dates::Known { places: ranks(first).into_iter().map(|rank| rank as f64).collect(), are_days: false },
            (false, false) => Dates::Ambiguous,
        },
    )
}

/// The days of dates, as far as they can be told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Days {
    /// Days from a day long ago, the time of day as a part of one.
    Known(Vec<f64>),
    /// All are dates, but day and month cannot be told apart.
    Ambiguous,
    /// One of them, by its place, is no whole date.
    NoDate(usize),
}

/// The days of dates that may be there more than once: those of patients, of whom one reading must do for all.
pub(crate) fn days(dates: &[&str]) -> Days {
    let written: Vec<Option<(Vec<Part>, f64)>> = dates.iter().map(|date| parts(date).filter(|(parts, _)| parts.len() == 3)).collect();
    if let Some(at) = written.iter().position(Option::is_none) {
        return Days::NoDate(at);
    }
    let all = || written.iter().flatten();
    let read = |reading: &[char; 3]| all().map(|(parts, time)| Some(day(parts, reading)? + time)).collect::<Option<Vec<f64>>>();
    let readings: Vec<Vec<f64>> = READINGS.iter().filter_map(read).collect();
    match readings.split_first() {
        Some((first, others)) if others.iter().all(|other| other == first) => Days::Known(first.clone()),
        Some(_) => Days::Ambiguous,
        // Each may be a date by itself, and no reading makes dates of all.
        None => Days::NoDate(
            written.iter().flatten().position(|(parts, _)| READINGS.iter().all(|reading| day(parts, reading).is_none())).unwrap_or(0),
        ),
    }
}

fn since_first(days: &[f64]) -> Vec<f64> {
    let first = days.iter().copied().fold(f64::INFINITY, f64::min);
    days.iter().map(|day| day - first).collect()
}

fn are_distinct(days: &[f64]) -> bool {
    let mut sorted = days.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}

fn ranks(days: &[f64]) -> Vec<usize> {
    let mut sorted = days.to_vec();
    sorted.sort_by(f64::total_cmp);
    days.iter().map(|day| sorted.partition_point(|other| other < day)).collect()
}

/// The parts of a date, and its time of day as a part of a day.
fn parts(label: &str) -> Option<(Vec<Part>, f64)> {
    let label = label.trim();
    if label.len() > 40 || !label.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (date, time) = match label.find(':') {
        Some(colon) => {
            let at = label[..colon].rfind(['T', ' '])?;
            (&label[..at], time_of_day(&label[at + 1..])?)
        }
        None => (label, 0.0),
    };
    let mut found = vec![];
    let mut rest = date;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        if !digits && !first.is_alphabetic() {
            // Not `is_alphanumeric`, which `²` is without being either.
            let separators = rest.find(|c: char| c.is_ascii_digit() || c.is_alphabetic())?;
            // Between two parts, and nothing else.
            let known = rest[..separators].chars().all(|c| "-/., ".contains(c)) && separators <= 2 && !found.is_empty();
            rest = known.then(|| &rest[separators..])?;
            continue;
        }
        let end = rest.find(|c: char| if digits { !c.is_ascii_digit() } else { !c.is_alphabetic() }).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        found.push(if digits { Part::Number { value: word.parse().ok()?, digits: word.len() } } else { Part::Month(month(word)?) });
        rest = after;
    }
    match found[..] {
        // 20240301
        [Part::Number { value, digits: 8 }] => {
            let part = |value, digits| Part::Number { value, digits };
            Some((vec![part(value / 10_000, 4), part(value / 100 % 100, 2), part(value % 100, 2)], time))
        }
        [_, _, _] | [_, _] => Some((found, time)),
        _ => None,
    }
}

fn month(word: &str) -> Option<u32> {
    let word = word.to_lowercase();
    let at = MONTHS.iter().position(|month| *month == word || (word.len() >= 3 && word.len() <= 4 && month.starts_with(&word)))?;
    u32::try_from(at + 1).ok()
}

fn time_of_day(text: &str) -> Option<f64> {
    let text = text.trim().trim_end_matches('Z');
    let units: Vec<f64> = text.split(':').map(|unit| unit.parse().ok().filter(|u: &f64| (0.0..60.0).contains(u))).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = match units[..] {
        [hours, minutes] => [hours, minutes, 0.0],
        [hours, minutes, seconds] => [hours, minutes, seconds],
        _ => return None,
    };
    (hours < 24.0).then_some((hours * 3600.0 + minutes * 60.0 + seconds) / 86_400.0)
}

/// The day of a date read in an order, counted from a day long ago; none where it is no date so read.
fn day(parts: &[Part], reading: &[char; 3]) -> Option<f64> {
    // A month of a year is its first day.
    let reading: Vec<char> = reading.iter().copied().filter(|part| parts.len() == 3 || *part != 'd').collect();
    let [mut year, mut month, mut day] = [0, 0, 1];
    for (part, unit) in parts.iter().zip(&reading) {
        match (unit, *part) {
            ('y', Part::Number { value, digits: 4 }) if (1900..=2100).contains(&value) => year = value,
            // Two digits are a year of this century or of the last.
            ('y', Part::Number { value, digits: 2 }) if parts.len() == 3 => year = if value < 70 { 2000 + value } else { 1900 + value },
            ('m', Part::Month(named)) => month = named,
            ('m', Part::Number { value, digits: 1 | 2 }) if !parts.iter().any(|p| matches!(p, Part::Month(_))) => month = value,
            ('d', Part::Number { value, digits: 1 | 2 }) => day = value,
            _ => return None,
        }
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > length {
        return None;
    }
    // Days of the Gregorian calendar, the year beginning in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(f64::from(365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(labels: &[&str]) -> Option<Dates> {
        of(&labels.iter().map(|l| l.to_string()).collect::<Vec<_>>())
    }

    fn days(places: &[f64]) -> Option<Dates> {
        Some(Dates::Known { places: places.to_vec(), are_days: true })
    }

    #[test]
    fn dates_are_read_however_they_are_written() {
        assert_eq!(dates(&["2024-03-01", "2024-02-28", "2023-12-31"]), days(&[61.0, 59.0, 0.0]));
        assert_eq!(dates(&["01/02/2024", "15/02/2024", "01/03/2024"]), days(&[0.0, 14.0, 29.0]));
        assert_eq!(dates(&["02/15/2024", "02/01/2024"]), days(&[14.0, 0.0]));
        assert_eq!(dates(&["31.12.99", "1.1.00"]), days(&[0.0, 1.0]));
        assert_eq!(dates(&["01MAR2024", "29FEB2024"]), days(&[1.0, 0.0]));
        assert_eq!(dates(&["March 1, 2024", "2 April 2024"]), None);
        assert_eq!(dates(&["March 1, 2024", "April 2, 2024"]), days(&[0.0, 32.0]));
        assert_eq!(dates(&["20240301", "20231231"]), days(&[61.0, 0.0]));
        assert_eq!(dates(&["2024-03-01T12:00", "2024-03-01 06:00:00"]), days(&[0.25, 0.0]));
        assert_eq!(dates(&["2024-03", "2023-12"]), days(&[91.0, 0.0]));
    }

    #[test]
    fn what_may_be_read_in_two_orders_is_ambiguous_and_what_has_one_order_is_not() {
        assert_eq!(dates(&["01/02/2024", "02/01/2024"]), Some(Dates::Ambiguous));
        assert_eq!(dates(&["01/01/2024", "02/02/2024"]), days(&[0.0, 32.0]));
        assert_eq!(dates(&["01/02/2024", "01/02/2025"]), days(&[0.0, 366.0]));
        assert_eq!(dates(&["01/02/2024", "05/03/2024"]), Some(Dates::Known { places: vec![0.0, 1.0], are_days: false }));
    }

    #[test]
    fn dates_of_patients_have_one_reading() {
        let known = |dates: &[&str]| match super::days(dates) {
            Days::Known(days) => days,
            other => panic!("{other:?}"),
        };
        let found = known(&["2024-03-01", "2024-03-01", "2024-MAR-01", "2024-03-02T06:00"]);
        assert_eq!((found[1] - found[0], found[3] - found[0]), (0.0, 1.25));
        // One that is past the twelfth decides for all.
        let found = known(&["01/02/2024", "13/02/2024", "02/01/2024"]);
        assert_eq!((found[1] - found[0], found[0] - found[2]), (12.0, 30.0));
        assert_eq!(super::days(&["01/02/2024", "03/02/2024"]), Days::Ambiguous);
        assert_eq!(super::days(&["2024-03-01", "2024-03"]), Days::NoDate(1));
        assert_eq!(super::days(&["2024-03-01", "2024-02-30"]), Days::NoDate(1));
        assert_eq!(super::days(&["2024-03-01", "unknown"]), Days::NoDate(1));
        assert_eq!(super::days(&[]), Days::Known(vec![]));
    }

    #[test]
    fn other_labels_are_no_dates() {
        for labels in [
            &["VIS1", "VIS2"][..],
            &["Week 2"],
            &["2024-02-30"],
            &["1.2.3"],
            &["13/13/2024"],
            &["baseline"],
            &["4", "5"],
            &["M12"],
            &["1²", "2½", "3٣4"],
            &[""],
        ] {
            assert_eq!(dates(labels), None, "{labels:?}");
        }
    }
}
