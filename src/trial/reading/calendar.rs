//! Days and seconds as programs count them, as dates of ISO 8601.

/// What a number in a column stands for. Days and seconds are counted from a day that is stated as days from 1 January
/// 1970.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) enum Scale {
    /// The number itself.
    #[default]
    Number,
    /// Days from a day.
    Days(i64),
    /// Seconds from the beginning of a day.
    Seconds(i64),
    /// Milliseconds from the beginning of a day.
    Milliseconds(i64),
}

/// 14 October 1582, from which SPSS counts.
pub(super) const SPSS: i64 = -141_428;

/// 1 January 1960, from which SAS and Stata count.
pub(super) const SAS: i64 = -3653;

/// 1 January of the years 1 and 10 000: what lies outside is no date of a trial.
const DATES: std::ops::Range<i64> = -719_162..2_932_897;

impl Scale {
    /// The date that `x` stands for, with the time of day unless it is midnight; `None` where it is a number, or no date
    /// between the years 1 and 9999.
    pub fn date(self, x: f64) -> Option<String> {
        let (seconds, from) = match self {
            Scale::Number => return None,
            Scale::Days(from) => (x.floor() * 86_400.0, from),
            Scale::Seconds(from) => (x.floor(), from),
            Scale::Milliseconds(from) => ((x / 1000.0).floor(), from),
        };
        if seconds.is_nan() || seconds.abs() > 1e13 {
            return None;
        }
        // A whole number below 10¹³.
        let seconds = seconds as i64;
        let (days, second) = (seconds.div_euclid(86_400) + from, seconds.rem_euclid(86_400));
        if !DATES.contains(&days) {
            return None;
        }
        let (year, month, day) = civil(days);
        let date = format!("{year:04}-{month:02}-{day:02}");
        Some(match second {
            0 => date,
            _ => format!("{date} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60),
        })
    }
}

/// Year, month and day of a number of days from 1 January 1970, in the Gregorian calendar. Years are counted from 1 March,
/// so that the leap day is the last.
fn civil(days: i64) -> (i64, i64, i64) {
    const CENTURIES4: i64 = 146_097;
    let from_march = days + 719_468;
    let (era, day_of_era) = (from_march.div_euclid(CENTURIES4), from_march.rem_euclid(CENTURIES4));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        let date = |scale: Scale, x: f64| scale.date(x).unwrap_or_default();
        assert_eq!(date(Scale::Days(0), 0.0), "1970-01-01");
        assert_eq!(date(Scale::Days(SAS), 0.0), "1960-01-01");
        assert_eq!(date(Scale::Seconds(SPSS), 0.0), "1582-10-14");
        assert_eq!(date(Scale::Days(0), 19_782.0), "2024-02-29");
        assert_eq!(date(Scale::Days(0), 19_783.0), "2024-03-01");
        assert_eq!(date(Scale::Milliseconds(SAS), 2_024_827_200_000.0 + 1_500.0), "2024-02-29 12:00:01");
        assert_eq!(date(Scale::Days(0), -25_509.0), "1900-02-28");
        assert_eq!(date(Scale::Days(0), -25_508.0), "1900-03-01");
        assert_eq!((Scale::Number.date(1.0), Scale::Days(0).date(1e300), Scale::Days(0).date(f64::NAN)), (None, None, None));
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = civil(-200_000);
        for days in -199_999..200_000 {
            let next = civil(days);
            let (year, month, day) = last;
            let one_more = [(year, month, day + 1), (year, month + 1, 1), (year + 1, 1, 1)];
            assert!(one_more.contains(&next), "{last:?} {next:?}");
            last = next;
        }
    }
}
