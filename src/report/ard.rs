//! Results as analysis results data (ARD): one row per statistic, with the columns of R's package cards (0.7).
//!
//! `group1`, `group1_level`, … are what a number is of (arm, visit, term); `variable` is the outcome, characteristic or
//! definition, `variable_level` its level; `context` the table of the report. Statistics that R's packages cards, cardx
//! and broom have are called as there (`std.error`, `conf.low`, `p.value`); others as in the table. `stat` has every
//! digit, `fmt_fun` the decimals that print has. `warning` is left empty: what a reader has to know stands in the notes
//! of the table; `error` says why there is no number. A warning that no reader may miss, such as that data are
//! synthetic, is the first row (`context` is `banner`).

use super::document::Document;
use super::statistics::{self, Statistics, decimals};
use crate::table::{Column, Tabular, Values};
use serde_json::{Value, json};

/// What cards, cardx or broom call a statistic, where they have it.
const NAMES: [(&str, &str); 15] = [
    ("se", "std.error"),
    ("df", "parameter"),
    ("lower", "conf.low"),
    ("upper", "conf.high"),
    ("t", "statistic"),
    ("p", "p.value"),
    ("share", "p"),
    ("rate", "p"),
    ("minimum", "min"),
    ("maximum", "max"),
    ("first_quartile", "p25"),
    ("third_quartile", "p75"),
    ("of", "N"),
    ("met", "n"),
    ("missing", "N_miss"),
];

/// A statistic with where it belongs.
struct Row {
    groups: Vec<(String, String)>,
    variable: String,
    variable_level: String,
    context: String,
    name: String,
    label: String,
    /// As the table has it, for CSV and for JSON.
    stat: (String, Value),
    fmt: Option<String>,
    error: Option<String>,
}

/// Every statistic of a report.
struct Ard(Vec<Row>);

impl Document {
    /// The results as analysis results data in CSV, one row per statistic.
    pub fn to_ard_csv(&self) -> Vec<u8> {
        let mut csv = vec![];
        // Memory can be written.
        let _ = self.ard().write_csv(&mut csv);
        csv
    }

    /// The same as JSON: an array of rows with the columns of the CSV, numbers as numbers.
    pub fn to_ard_json(&self) -> Value {
        let ard = self.ard();
        let most = ard.most_groups();
        ard.0.iter().map(|row| row.to_json(most)).collect()
    }

    fn ard(&self) -> Ard {
        let banner = self.banner.iter().map(|banner| Row::banner(banner));
        Ard(banner.chain(statistics::of(self).flat_map(|s| rows(&s))).collect())
    }
}

fn rows(of: &Statistics<'_>) -> Vec<Row> {
    (0..of.rows()).flat_map(|r| of.numbers.iter().map(move |column| (r, *column))).map(|(r, column)| row(of, column, r)).collect()
}

fn row(of: &Statistics<'_>, column: &Column, r: usize) -> Row {
    // Characteristics and definitions are variables of their own; all else is of an outcome, or of the trial.
    let own = ["variable", "definition"].into_iter().find_map(|name| of.level(name, r));
    let variable = own.or_else(|| of.table.about.clone()).unwrap_or_else(|| of.table.name.clone());
    let groups = of.levels(r).into_iter().filter(|(name, _)| !["variable", "definition", "level"].contains(name));
    let name = NAMES.iter().find(|(own, _)| *own == column.name).map_or(column.name.to_string(), |(_, name)| (*name).into());
    Row {
        groups: groups.map(|(name, level)| (name.to_string(), level)).collect(),
        variable,
        variable_level: of.level("level", r).unwrap_or_default(),
        context: context(of),
        name,
        label: column.heading.clone(),
        stat: (column.exact(r), value(column, r)),
        fmt: decimals(column, r),
        error: of.reason(r),
    }
}

/// The table without the name of its outcome.
fn context(of: &Statistics<'_>) -> String {
    let name = &of.table.name;
    let own = of.table.about.as_ref().and_then(|about| name.strip_prefix(about.as_str())?.strip_prefix('_'));
    own.unwrap_or(name).to_string()
}

fn value(column: &Column, row: usize) -> Value {
    match &column.values {
        Values::Text(v) => json!(v[row]),
        Values::Real(v, _) | Values::Each(v, _) => json!(v[row]),
        Values::Count(v) => json!(v[row]),
    }
}

impl Row {
    fn banner(text: &str) -> Self {
        Self {
            groups: vec![],
            variable: "report".into(),
            variable_level: String::new(),
            context: "banner".into(),
            name: "banner".into(),
            label: "Banner".into(),
            stat: (text.into(), json!(text)),
            fmt: None,
            error: None,
        }
    }

    fn to_json(&self, groups: usize) -> Value {
        let mut row = serde_json::Map::new();
        for k in 0..groups {
            let (name, level) = self.groups.get(k).map_or((Value::Null, Value::Null), |(n, l)| (json!(n), json!(l)));
            row.insert(format!("group{}", k + 1), name);
            row.insert(format!("group{}_level", k + 1), level);
        }
        let level = if self.variable_level.is_empty() { Value::Null } else { json!(self.variable_level) };
        for (name, value) in [
            ("variable", json!(self.variable)),
            ("variable_level", level),
            ("context", json!(self.context)),
            ("stat_name", json!(self.name)),
            ("stat_label", json!(self.label)),
            ("stat", self.stat.1.clone()),
            ("fmt_fun", json!(self.fmt)),
            ("warning", Value::Null),
            ("error", json!(self.error)),
        ] {
            row.insert(name.into(), value);
        }
        row.into()
    }
}

impl Ard {
    fn most_groups(&self) -> usize {
        self.0.iter().map(|row| row.groups.len()).max().unwrap_or(0)
    }
}

impl Tabular for Ard {
    fn title(&self) -> String {
        "Analysis results data".into()
    }

    fn columns(&self) -> Vec<Column> {
        let text = |name: String, of: &dyn Fn(&Row) -> String| {
            let heading = name.clone();
            Column::text(name, &heading, self.0.iter().map(of))
        };
        let mut columns = vec![];
        for k in 0..self.most_groups() {
            columns.push(text(format!("group{}", k + 1), &|r| r.groups.get(k).map(|g| g.0.clone()).unwrap_or_default()));
            columns.push(text(format!("group{}_level", k + 1), &|r| r.groups.get(k).map(|g| g.1.clone()).unwrap_or_default()));
        }
        columns.extend([
            text("variable".into(), &|r| r.variable.clone()),
            text("variable_level".into(), &|r| r.variable_level.clone()),
            text("context".into(), &|r| r.context.clone()),
            text("stat_name".into(), &|r| r.name.clone()),
            text("stat_label".into(), &|r| r.label.clone()),
            text("stat".into(), &|r| r.stat.0.clone()),
            text("fmt_fun".into(), &|r| r.fmt.clone().unwrap_or_default()),
            text("warning".into(), &|_| String::new()),
            text("error".into(), &|r| r.error.clone().unwrap_or_default()),
        ]);
        columns
    }

    fn notes(&self) -> Vec<String> {
        vec![]
    }
}
