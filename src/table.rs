//! What every result has in common: it is a table with a title, columns and notes, whatever it is written to.
//!
//! A result implements [`Tabular`] once; printing, CSV, HTML and data frames all follow from it.

use std::borrow::Cow;
use std::io;

pub mod layout;

/// How the numbers of a column are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A fixed number of decimals.
    Decimals(u8),
    /// A p-value: three decimals, `< .001` below that.
    PValue,
    /// A share between 0 and 1, as a percentage with one decimal.
    Percent,
    /// Degrees of freedom: one decimal.
    Df,
}

/// The values of one column; `None` is a cell with nothing to say.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub enum Values {
    /// Labels.
    Text(Vec<Option<String>>),
    /// Real numbers, and how to print them.
    Real(Vec<Option<f64>>, Format),
    /// Counts.
    Count(Vec<Option<u64>>),
}

/// A named column.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Column {
    /// Machine-readable name, used in CSV and data frames.
    pub name: Cow<'static, str>,
    /// Heading for people.
    pub heading: String,
    /// One value a row.
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

    /// A column of counts.
    pub fn count(name: impl Into<Cow<'static, str>>, heading: &str, values: impl IntoIterator<Item = usize>) -> Self {
        Self { name: name.into(), heading: heading.into(), values: Values::Count(values.into_iter().map(|v| Some(v as u64)).collect()) }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Text(v) => v.len(),
            Values::Real(v, _) => v.len(),
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
        }
    }

    /// The cell of `row` at full precision, as CSV has it.
    pub fn exact(&self, row: usize) -> String {
        match &self.values {
            Values::Real(v, _) => v[row].map(|x| x.to_string()).unwrap_or_default(),
            _ => self.formatted(row),
        }
    }
}

impl Format {
    /// `x` as people read it; infinities as `∞`.
    pub fn apply(self, x: f64) -> String {
        if x.is_infinite() {
            return if x > 0.0 { "∞".into() } else { "−∞".into() };
        }
        let text = match self {
            Format::Decimals(d) => format!("{x:.*}", usize::from(d)),
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

    /// Writes the table as CSV: machine-readable names, full precision, no notes.
    fn write_csv(&self, to: &mut dyn io::Write) -> io::Result<()> {
        let columns = self.columns();
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(columns.iter().map(|c| c.name.as_ref()))?;
        for row in 0..columns.first().map_or(0, Column::len) {
            writer.write_record(columns.iter().map(|c| c.exact(row)))?;
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
                Values::Real(v, _) => Raw::new(c.name.as_ref().into(), v).into(),
                Values::Count(v) => Raw::new(c.name.as_ref().into(), v).into(),
            })
            .collect();
        DataFrame::new_infer_height(columns)
    }
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

    #[test]
    fn formats_read_as_a_journal_prints_them() {
        assert_eq!(Format::PValue.apply(0.0004), "< .001");
        assert_eq!(Format::PValue.apply(0.0312), ".031");
        assert_eq!(Format::PValue.apply(1.0), "1.000");
        assert_eq!(Format::Decimals(2).apply(-0.001), "0.00");
        assert_eq!(Format::Percent.apply(0.2846), "28.5%");
    }
}
