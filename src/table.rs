//! What every result has in common: it is a table with a title, columns and notes, whatever it is written to.
//!
//! A result implements [`Tabular`] once; printing, CSV, HTML and data frames all follow from it.

use std::borrow::Cow;
use std::io;

mod counted;
pub mod layout;

pub(crate) use counted::observations_of_patients;
pub use counted::{Counted, agreeing, counted};

/// How the numbers of a column are printed.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A fixed number of decimals.
    Decimals(u8),
    /// A number with one digit before the point and so many after it: `4.1e-12`.
    Scientific(u8),
    /// A p-value as journals print it: three decimals, `< .001` below that.
    PValue,
    /// A p-value to work with: four decimals, two significant digits below .001: `2.1e-7`.
    Probability,
    /// A share between 0 and 1, as a percentage with one decimal.
    Percent,
    /// Degrees of freedom: one decimal.
    Df,
}

/// The values of one column; `None` is a cell with nothing to say.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Values {
    /// Labels.
    Text(Vec<Option<String>>),
    /// Real numbers, and how to print them.
    Real(Vec<Option<f64>>, Format),
    /// Real numbers, and how to print each.
    Each(Vec<Option<f64>>, Vec<Format>),
    /// Counts.
    Count(Vec<Option<u64>>),
}

/// A named column.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Column {
    /// Machine-readable name, used in CSV and data frames.
    pub name: Cow<'static, str>,
    /// Heading for people.
    pub heading: String,
    /// One value per row.
    pub values: Values,
}

impl Column {
    /// A column of labels.
    pub fn text<S: Into<String>>(name: impl Into<Cow<'static, str>>, heading: &str, values: impl IntoIterator<Item = S>) -> Self {
        Self { name: name.into(), heading: heading.into(), values: Values::Text(values.into_iter().map(|v| Some(v.into())).collect()) }
    }

    /// A column of real numbers; a NaN becomes an empty cell.
    pub fn real(name: impl Into<Cow<'static, str>>, heading: &str, format: Format, values: impl IntoIterator<Item = f64>) -> Self {
        let values = values.into_iter().map(|v| (!v.is_nan()).then_some(v)).collect();
        Self { name: name.into(), heading: heading.into(), values: Values::Real(values, format) }
    }

    /// A column of real numbers that are printed with as many digits as their standard errors `ses` deserve, each by
    /// itself ([`Format::of_error`]); a NaN becomes an empty cell.
    pub fn by_error(
        name: impl Into<Cow<'static, str>>,
        heading: &str,
        values: impl IntoIterator<Item = f64>,
        ses: impl IntoIterator<Item = f64>,
    ) -> Self {
        let values: Vec<Option<f64>> = values.into_iter().map(|v| (!v.is_nan()).then_some(v)).collect();
        let formats = ses.into_iter().map(Format::of_error).chain(std::iter::repeat(Format::of_error(f64::NAN)));
        let formats = formats.take(values.len()).collect();
        Self { name: name.into(), heading: heading.into(), values: Values::Each(values, formats) }
    }

    /// A column of real numbers printed to three significant digits, and at least so many decimals.
    pub(crate) fn significant(name: impl Into<Cow<'static, str>>, heading: &str, least: u8, values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<Option<f64>> = values.into_iter().map(|v| (!v.is_nan()).then_some(v)).collect();
        let formats = values.iter().map(|v| Format::significant(v.unwrap_or(f64::NAN), least)).collect();
        Self { name: name.into(), heading: heading.into(), values: Values::Each(values, formats) }
    }

    /// A column of counts.
    pub fn count(name: impl Into<Cow<'static, str>>, heading: &str, values: impl IntoIterator<Item = usize>) -> Self {
        Self { name: name.into(), heading: heading.into(), values: Values::Count(values.into_iter().map(|v| Some(v as u64)).collect()) }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Text(v) => v.len(),
            Values::Real(v, _) | Values::Each(v, _) => v.len(),
            Values::Count(v) => v.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell of `row` as people read it.
    pub fn formatted(&self, row: usize) -> String {
        match &self.values {
            Values::Text(v) => v[row].clone().unwrap_or_default(),
            Values::Count(v) => v[row].map(|c| c.to_string()).unwrap_or_default(),
            Values::Real(v, format) => v[row].map(|x| format.apply(x)).unwrap_or_default(),
            Values::Each(v, formats) => v[row].map(|x| formats[row].apply(x)).unwrap_or_default(),
        }
    }

    /// The cell of `row` at full precision, as CSV has it.
    pub fn exact(&self, row: usize) -> String {
        match &self.values {
            Values::Real(v, _) | Values::Each(v, _) => v[row].map(|x| x.to_string()).unwrap_or_default(),
            _ => self.formatted(row),
        }
    }
}

impl Column {
    /// The cell as CSV has it.
    fn written(&self, row: usize) -> String {
        match &self.values {
            Values::Text(v) => v[row].as_deref().map(|text| plain(text).into_owned()).unwrap_or_default(),
            _ => self.exact(row),
        }
    }
}

/// Text that no spreadsheet runs: with an apostrophe before `=`, `+`, `-`, `@`, a tab or a line's end at its start, unless
/// it is a number.
fn plain(text: &str) -> Cow<'_, str> {
    // Blanks before a sign are skipped by some programs, and full-width forms read as the signs by others.
    let first = text.trim_start_matches([' ', '\u{a0}']).chars().next();
    let runs = first.is_some_and(|c| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'));
    if runs && text.trim().parse::<f64>().is_err() { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// More decimals are written as a power of ten: four columns of them would not fit beside df, t and p.
const MOST_DECIMALS: f64 = 8.0;

impl Format {
    /// As many decimals as a standard error, or an estimate that has it, deserves: two or three significant digits of the
    /// error, estimates to the same place. Two decimals where there is no error.
    ///
    /// ```
    /// use trialstats::table::Format;
    ///
    /// let shown = |x: f64, se: f64| Format::of_error(se).apply(x);
    /// assert_eq!((shown(12.3456, 1.234), shown(1.234, 1.234)), ("12.35".to_string(), "1.23".to_string()));
    /// assert_eq!((shown(0.000_123, 0.000_045), shown(1234.5, 321.0)), ("0.000123".to_string(), "1234".to_string()));
    /// ```
    pub fn of_error(se: f64) -> Format {
        if !(se > 0.0 && se.is_finite()) {
            return Format::Decimals(2);
        }
        // The place of the second significant digit of the error as it is rounded: .0996 is .10.
        let place = 1.0 - (se * (1.0 + 0.5e-2)).log10().floor();
        match place {
            place if place > MOST_DECIMALS => Format::Scientific(3),
            place if place >= 1.0 => Format::Decimals(place.max(2.0) as u8),
            place => Format::Decimals((place + 1.0).max(0.0) as u8),
        }
    }

    /// At least so many decimals, and as many more as three significant digits of `x` take: for what has no standard error.
    pub(crate) fn significant(x: f64, least: u8) -> Format {
        if x == 0.0 || !x.is_finite() {
            return Format::Decimals(least);
        }
        match 2.0 - x.abs().log10().floor() {
            place if place > MOST_DECIMALS => Format::Scientific(3),
            place => Format::Decimals(least.max(place.max(0.0) as u8)),
        }
    }

    /// One decimal less, where there are any.
    pub(crate) fn coarser(self) -> Format {
        match self {
            Format::Decimals(places) => Format::Decimals(places.saturating_sub(1)),
            other => other,
        }
    }

    /// The same for a column whose numbers have these standard errors: as many as the smallest of them deserves.
    pub fn of_errors(ses: impl IntoIterator<Item = f64>) -> Format {
        let known = ses.into_iter().filter(|se| *se > 0.0 && se.is_finite());
        Self::of_error(known.fold(f64::NAN, f64::min))
    }

    /// `x` as people read it; infinities as `∞`.
    pub fn apply(self, x: f64) -> String {
        if x.is_infinite() {
            return if x > 0.0 { "∞".into() } else { "−∞".into() };
        }
        let text = match self {
            Format::Decimals(d) => format!("{x:.*}", usize::from(d)),
            Format::Scientific(d) => format!("{x:.*e}", usize::from(d)),
            Format::Probability if x == 0.0 => "< 1e-300".into(),
            Format::Probability if x < 0.001 => format!("{x:.1e}"),
            Format::Probability => format!("{x:.4}").trim_start_matches('0').to_string(),
            Format::PValue if x < 0.001 => "< .001".into(),
            Format::PValue => format!("{x:.3}").trim_start_matches('0').to_string(),
            Format::Percent => format!("{:.1}%", 100.0 * x),
            Format::Df => format!("{x:.1}"),
        };
        // A rounded −0.00 is zero to a reader.
        if text.starts_with('-') && text.chars().all(|c| !c.is_ascii_digit() || c == '0') { text[1..].to_string() } else { text }
    }
}

/// A result that reads as a table.
pub trait Tabular {
    /// What the table shows.
    fn title(&self) -> String;

    /// Its columns, all of one length.
    fn columns(&self) -> Vec<Column>;

    /// How its numbers were made: averaging, degrees of freedom, level, adjustment, exclusions.
    fn notes(&self) -> Vec<String>;

    /// The table as aligned text with title and notes, at most [`layout::WIDTH`] characters wide where its words allow.
    fn to_text(&self) -> String {
        self.to_text_within(layout::WIDTH)
    }

    /// The table as aligned text no wider than `width` characters where its words allow: long headings and labels are
    /// broken into lines, and columns that still do not fit follow below, their labels repeated.
    fn to_text_within(&self, width: usize) -> String {
        layout::text(&self.title(), &self.columns(), &self.notes(), width)
    }

    /// Writes the table as CSV: machine-readable names, full precision, no notes. Text that a spreadsheet would take for a
    /// formula begins with an apostrophe; numbers stay numbers.
    fn write_csv(&self, to: &mut dyn io::Write) -> io::Result<()> {
        let columns = self.columns();
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(columns.iter().map(|c| plain(&c.name).into_owned()))?;
        for row in 0..columns.first().map_or(0, Column::len) {
            writer.write_record(columns.iter().map(|c| c.written(row)))?;
        }
        writer.flush()
    }

    /// The table as a polars `DataFrame`, one series a column at full precision.
    #[cfg(feature = "polars")]
    fn to_dataframe(&self) -> polars::prelude::PolarsResult<polars::prelude::DataFrame> {
        use polars::prelude::{Column as Series, DataFrame, NamedFrom, Series as Raw};
        let columns: Vec<Series> = self
            .columns()
            .into_iter()
            .map(|c| match c.values {
                Values::Text(v) => Raw::new(c.name.as_ref().into(), v).into(),
                Values::Real(v, _) | Values::Each(v, _) => Raw::new(c.name.as_ref().into(), v).into(),
                Values::Count(v) => Raw::new(c.name.as_ref().into(), v).into(),
            })
            .collect();
        DataFrame::new_infer_height(columns)
    }
}

/// A table as text without those of its notes that have been said before.
pub fn text_without(table: &dyn Tabular, said: &[String]) -> String {
    let notes: Vec<String> = table.notes().into_iter().filter(|note| !said.contains(note)).collect();
    layout::text(&table.title(), &table.columns(), &notes, layout::WIDTH)
}

/// Rows by the reason they have no numbers: each reason once, in the order of the rows, with their places.
pub(crate) fn by_reason<'a>(rows: impl IntoIterator<Item = (String, &'a str)>) -> Vec<(&'a str, Vec<String>)> {
    let mut found: Vec<(&str, Vec<String>)> = vec![];
    for (place, reason) in rows {
        match found.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, places)) => places.push(place),
            None => found.push((reason, vec![place])),
        }
    }
    found
}

/// Prints a [`Tabular`] with its title and notes.
macro_rules! display_as_table {
    ($($type:ty),+ $(,)?) => {$(
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::table::Tabular::to_text(self))
            }
        }
    )+};
}
pub(crate) use display_as_table;

#[cfg(test)]
mod tests {
    use super::*;

    struct Two(Vec<Column>);

    impl Tabular for Two {
        fn title(&self) -> String {
            String::new()
        }

        fn columns(&self) -> Vec<Column> {
            self.0.clone()
        }

        fn notes(&self) -> Vec<String> {
            vec![]
        }
    }

    #[test]
    fn no_cell_of_a_csv_file_is_a_formula() {
        let texts = ["=1+1", "+x", "-x", "@SUM(A1)", "\tx", "\rx", " =1", "＝1", "-1.5", "+2", "-1e-3", "a-b", "", "−x", "-"];
        let written = ["'=1+1", "'+x", "'-x", "'@SUM(A1)", "'\tx", "'\rx", "' =1", "'＝1", "-1.5", "+2", "-1e-3", "a-b", "", "−x", "'-"];
        let numbers = (0..texts.len()).map(|k| -1.0 - k as f64);
        let table = Two(vec![Column::text("=cmd", "", texts), Column::real("y", "", Format::Decimals(0), numbers)]);
        let mut csv = vec![];
        table.write_csv(&mut csv).expect("memory can be written");
        let mut reader = csv::Reader::from_reader(csv.as_slice());
        assert_eq!(&reader.headers().expect("a header")[0], "'=cmd");
        for (k, record) in reader.records().enumerate() {
            let record = record.expect("a record");
            assert_eq!((&record[0], record[1].parse::<f64>().ok()), (written[k], Some(-1.0 - k as f64)));
        }
    }

    #[test]
    fn formats_read_as_a_journal_prints_them() {
        assert_eq!(Format::PValue.apply(0.0004), "< .001");
        assert_eq!(Format::PValue.apply(0.0312), ".031");
        assert_eq!(Format::PValue.apply(1.0), "1.000");
        assert_eq!(Format::Decimals(2).apply(-0.001), "0.00");
        assert_eq!(Format::Percent.apply(0.2846), "28.5%");
        assert_eq!([0.8521, 0.00274, 2.1e-7, 0.0].map(|p| Format::Probability.apply(p)), [".8521", ".0027", "2.1e-7", "< 1e-300"]);
    }

    #[test]
    fn digits_follow_the_error_at_any_scale() {
        for power in -9..=9 {
            for lead in [1.0, 1.04, 1.5, 3.3, 9.4, 9.949, 9.96, 9.99] {
                let se = lead * 10_f64.powi(power);
                let shown = Format::of_error(se).apply(se);
                let digits = shown.trim_start_matches(['0', '.']).chars().filter(char::is_ascii_digit).count();
                // Errors above 100 have no decimals to leave out; powers of ten stand for more than eight.
                let scientific = shown.contains('e');
                assert!((2..=3).contains(&digits) || power >= 2 || scientific, "{se} is shown as {shown}");
                assert!(!scientific || power <= -8, "{se} is shown as {shown}");
                assert!((shown.parse::<f64>().expect("a number") / se - 1.0).abs() < 0.05, "{se} is shown as {shown}");
            }
        }
        assert_eq!(Format::of_errors([f64::NAN, 0.0, 12.0, 0.031]), Format::Decimals(3));
        assert_eq!(Format::of_error(f64::INFINITY), Format::Decimals(2));
        assert_eq!(Format::of_error(3e-20).apply(-1.5e-19), "-1.500e-19");
    }
}
