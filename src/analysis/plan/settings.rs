//! Every setting of a plan, those that nobody stated included.

use super::Plan;
use crate::error::{Error, Result};
use crate::options::choices;
use crate::table::{Column, Tabular};
use crate::trial::Trial;
use serde_json::{Map, Value};

/// What a plan means where it says nothing and no data are needed to tell.
const DEFAULTS: &str = r#"
secondary = []
baseline-from = "visit"
level = 0.95
seed = 1

[layout]
shape = "long"
extent = "trial"
missing-codes = ["NA", ".", ""]

[model]
formula = "arm * visit"
covariance-else = []
estimation = "reml"
df = "kenward-roger"
information = "observed"
vcov = "model-based"

[responders]
unobserved = ["observed-only", "counted-as-not-met", "bounds"]
variance = "ye"
strata = []

[effects]
denominator = "baseline-pooled"
correction = "none"
positive = "rise"
intervals = ["delta", "independent-groups-randomized"]
bootstrap = 0
bootstrap-interval = "percentile"

[report]
data = "patients"
include-individual-data = false
small-cells = "shown"
style = "apa"
paper = "a4"
documents = []
"#;

/// Every setting of a plan with where it comes from.
///
/// ```
/// use trialstats::analysis::{Origin, Plan};
///
/// let plan = Plan::from_toml("primary = 'caps5'\nlevel = 0.9")?;
/// let settings = plan.settings()?;
/// let origin = |key: &str| settings.rows.iter().find(|s| s.key == key).map(|s| s.origin);
/// assert_eq!((origin("level"), origin("model.df")), (Some(Origin::Stated), Some(Origin::Default)));
/// assert!(settings.to_toml().contains("df = \"kenward-roger\""));
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PlanSettings {
    /// The settings, in the order of a plan.
    pub rows: Vec<PlanSetting>,
}

/// A setting of a plan.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PlanSetting {
    /// Its key, such as `model.df`.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// Where the value comes from.
    pub origin: Origin,
}

/// Where the value of a setting comes from.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The plan states it.
    Stated,
    /// The plan does not state it, and it follows from the trial.
    Trial,
    /// The plan does not state it, and it is what is meant then.
    Default,
}

choices! {
    Origin, "origin of a setting":
    Stated = "stated", [], "stated in the plan";
    Trial = "from-the-trial", [], "not stated; it follows from the trial";
    Default = "default", [], "not stated; the default";
}

impl Plan {
    /// Every setting of the plan, those that it does not state included as far as no data are needed to tell.
    ///
    /// # Errors
    /// As [`Plan::to_json`].
    pub fn settings(&self) -> Result<PlanSettings> {
        self.settings_as(self)
    }

    /// Every setting of the plan as it runs on `trial`.
    ///
    /// # Errors
    /// As [`Plan::resolved`] and [`Plan::to_json`].
    pub fn settings_on(&self, trial: &Trial) -> Result<PlanSettings> {
        self.settings_as(&self.resolved(trial)?)
    }

    fn settings_as(&self, resolved: &Self) -> Result<PlanSettings> {
        let (stated, resolved) = (self.written()?, resolved.written()?);
        let defaults = defaults()?;
        let mut rows = vec![];
        for (path, value) in leaves(&resolved) {
            let origin = if at(&stated, &path).is_some() { Origin::Stated } else { Origin::Trial };
            rows.push((path, value.clone(), origin));
        }
        for (path, value) in leaves(&defaults) {
            // A trial made in memory has no layout.
            let applies = path[0] != "layout" || resolved.contains_key("layout");
            if applies && at(&resolved, &path).is_none() {
                rows.push((path, value.clone(), Origin::Default));
            }
        }
        rows.sort_by_key(|(path, ..)| place(path, &resolved));
        let rows = rows.into_iter().map(|(path, value, origin)| PlanSetting { key: path.join("."), value, origin }).collect();
        Ok(PlanSettings { rows })
    }

    fn written(&self) -> Result<Map<String, Value>> {
        match serde_json::to_value(self) {
            Ok(Value::Object(plan)) => Ok(plan),
            Ok(_) => Ok(Map::new()),
            Err(error) => Err(Error::made_in_rust(
                "the settings of the plan",
                error.to_string(),
                "keep such a plan in Rust, or set what has no name after the plan was read",
            )),
        }
    }
}

pub(super) fn defaults() -> Result<Map<String, Value>> {
    toml::from_str(DEFAULTS).map_err(|error| Error::conflict("the defaults of a plan", error.to_string(), "report this as a bug"))
}

/// The values of a plan: those at its top, and those of its tables.
fn leaves(plan: &Map<String, Value>) -> Vec<(Vec<String>, &Value)> {
    let mut found = vec![];
    for (key, value) in plan {
        match value {
            Value::Object(table) => found.extend(table.iter().map(|(inner, value)| (vec![key.clone(), inner.clone()], value))),
            value => found.push((vec![key.clone()], value)),
        }
    }
    found
}

fn at<'a>(plan: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    match path {
        [key] => plan.get(key),
        [table, key] => plan.get(table)?.as_object()?.get(key),
        _ => None,
    }
}

/// Values at the top come first, then tables in the order of a plan, then lists of tables, as TOML wants them.
fn place(path: &[String], plan: &Map<String, Value>) -> (usize, usize) {
    const TABLES: [&str; 6] = ["trial", "layout", "model", "responders", "effects", "report"];
    let of_table = |table: &str| TABLES.iter().position(|t| t == &table).unwrap_or(TABLES.len());
    match path {
        [key] if plan.get(key).is_some_and(is_tables) => (usize::MAX, 0),
        [_] => (0, 0),
        [table, ..] => (1 + of_table(table), 0),
        [] => (0, 0),
    }
}

/// Whether a value is a list of tables, as `[[sensitivity]]` is.
fn is_tables(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_object))
}

impl PlanSettings {
    /// The settings as a plan that states them all, with a comment at each that is not stated:
    /// [`Plan::from_toml`] reads the plan that runs from it.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        let mut table = "";
        for PlanSetting { key, value, origin } in &self.rows {
            let (of, name) = key.split_once('.').unwrap_or(("", key));
            if of != table && !of.is_empty() {
                table = of;
                text.push_str(&format!("\n[{table}]\n"));
            }
            text.push_str(&match is_tables(value) && of.is_empty() {
                true => tables(name, value),
                false => format!("{name} = {}{}\n", inline(value, 0), remark(*origin)),
            });
        }
        text
    }
}

fn remark(origin: Origin) -> &'static str {
    match origin {
        Origin::Stated => "",
        Origin::Trial => "  # from the trial",
        Origin::Default => "  # default",
    }
}

/// `[[sensitivity]]`, one after the other.
fn tables(name: &str, value: &Value) -> String {
    let entries = value.as_array().into_iter().flatten().filter_map(Value::as_object);
    let lines = |table: &Map<String, Value>| -> String { table.iter().map(|(k, v)| format!("{} = {}\n", bare(k), inline(v, 0))).collect() };
    entries.map(|table| format!("\n[[{name}]]\n{}", lines(table))).collect()
}

/// A value of TOML; lists of tables and long lists take a line for each.
fn inline(value: &Value, depth: usize) -> String {
    const LONG: usize = 100;
    match value {
        Value::Array(list) => {
            let entries: Vec<String> = list.iter().map(|v| inline(v, depth + 1)).collect();
            let line = format!("[{}]", entries.join(", "));
            if line.len() <= LONG || depth > 0 {
                return line;
            }
            let entries: String = entries.iter().map(|e| format!("    {e},\n")).collect();
            format!("[\n{entries}]")
        }
        Value::Object(table) => {
            let entries: Vec<String> = table.iter().map(|(key, v)| format!("{} = {}", bare(key), inline(v, depth + 1))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::String(text) => toml::Value::String(text.clone()).to_string(),
        other => other.to_string(),
    }
}

/// A key, quoted where TOML needs it.
fn bare(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { key.into() } else { Value::String(key.into()).to_string() }
}

impl Tabular for PlanSettings {
    fn title(&self) -> String {
        "Settings of the plan".into()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::text("key", "setting", self.rows.iter().map(|s| s.key.as_str())),
            Column::text("value", "value", self.rows.iter().map(|s| inline(&s.value, 1))),
            Column::text("origin", "origin", self.rows.iter().map(|s| s.origin.to_string())),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec![]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plan that states every default is the plan that states none.
    #[test]
    fn the_defaults_are_the_defaults() {
        let with_layout = |more: &str| format!("primary = 'y'\n{more}");
        let stated = DEFAULTS.replace("[layout]", "[layout]\npatient = 'id'\nvisit = 'visit'");
        let stated = Plan::from_toml(&with_layout(&stated)).unwrap_or_else(|error| panic!("{error}"));
        let silent = Plan::from_toml(&with_layout("[layout]\npatient = 'id'\nvisit = 'visit'")).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(stated.to_toml().expect("it can be written"), silent.to_toml().expect("it can be written"));
    }

    #[test]
    fn all_settings_written_out_are_the_same_plan() {
        let plan = Plan::from_toml(crate::analysis::plan::tests::WHOLE).unwrap_or_else(|error| panic!("{error}"));
        let settings = plan.settings().expect("it can be written");
        assert!(settings.rows.iter().any(|s| s.origin == Origin::Default));
        let text = settings.to_toml();
        let read = Plan::from_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read.to_toml().expect("it can be written"), plan.to_toml().expect("it can be written"));
        // Those that are stated are not called defaults.
        let line = text.lines().find(|line| line.starts_with("df =")).expect("it has a df");
        assert_eq!(line, "df = \"satterthwaite\"");
    }
}
