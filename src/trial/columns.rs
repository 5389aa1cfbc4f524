//! What a column holds: an outcome, a covariate, the items of an instrument.

use crate::options::choices;
use crate::table::{agreeing, counted};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::instruments::{Instrument, NamedInstrument, Registry};

/// Where the values of a variable are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Columns {
    /// In one column, whatever the visit.
    One(String),
    /// In a column per visit: visit and column.
    PerVisit(Vec<(String, String)>),
}

impl Columns {
    /// The names of the columns.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Columns::One(column) => vec![column],
            Columns::PerVisit(columns) => columns.iter().map(|(_, column)| column.as_str()).collect(),
        }
    }
}

/// A column that holds an outcome.
///
/// The name of the column is the name and the label of the outcome unless something else is said; no range is checked
/// unless given.
#[derive(Debug, Clone)]
pub struct OutcomeColumn {
    pub(super) columns: Columns,
    pub(super) name: String,
    pub(super) label: String,
    pub(super) range: Option<(f64, f64)>,
    /// Whether texts are values too.
    pub(super) texts: bool,
}

impl OutcomeColumn {
    /// The outcome in `column`.
    pub fn new(column: impl Into<String>) -> Self {
        let column = column.into();
        Self { name: column.clone(), label: column.clone(), columns: Columns::One(column), range: None, texts: false }
    }

    /// The outcome of a wide file: `(visit, column)` for each visit at which it is measured.
    pub fn wide<V: Into<String>, C: Into<String>>(name: impl Into<String>, columns: impl IntoIterator<Item = (V, C)>) -> Self {
        let name = name.into();
        Self { label: name.clone(), name, columns: Columns::PerVisit(per_visit(columns)), range: None, texts: false }
    }

    /// The name used in formulas, where it is not that of the column.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        if self.label == self.name {
            self.label = String::new();
        }
        self.name = name.into();
        if self.label.is_empty() {
            self.label.clone_from(&self.name);
        }
        self
    }

    /// The text for tables and figures, e.g. `CAPS-5 total`.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The lowest and highest possible score; values outside are reported as problems.
    pub fn range(mut self, lowest: f64, highest: f64) -> Self {
        self.range = Some((lowest, highest));
        self
    }

    /// Texts are values too: an outcome without a range that has any is read as a factor by visit instead, which is how
    /// [`Trial::with_event`](super::Trial::with_event) and [`Categories`](crate::generalized::Categories) take texts. In a
    /// file that is read in parts, outcomes are numbers all the same.
    ///
    /// ```
    /// use trialstats::generalized::Event;
    /// use trialstats::trial::{Layout, OutcomeColumn};
    ///
    /// let file = "id,arm,visit,status\n1,a,w4,well\n2,b,w4,ill\n";
    /// let layout = Layout::long("id", "arm", "visit").outcome(OutcomeColumn::new("status").or_texts());
    /// let trial = layout.read_csv_from("two invented patients", file.as_bytes())?;
    /// assert_eq!(trial.variable("status")?.levels(), ["ill", "well"]);
    /// assert_eq!(trial.with_event("status", &Event::value("well"))?.outcome("status")?.values, [1.0, 0.0]);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    pub fn or_texts(mut self) -> Self {
        self.texts = true;
        self
    }
}

impl From<&str> for OutcomeColumn {
    fn from(column: &str) -> Self {
        Self::new(column)
    }
}

impl From<String> for OutcomeColumn {
    fn from(column: String) -> Self {
        Self::new(column)
    }
}

/// What a covariate is, and whether it belongs to the patient or to the visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CovariateKind {
    /// One value per patient; numeric or factor as found.
    #[default]
    Inferred,
    /// A number per patient.
    Numeric,
    /// A level per patient.
    Factor,
    /// A number per patient and visit.
    NumericByVisit,
    /// A level per patient and visit.
    FactorByVisit,
    /// Numeric or factor as found, of the patient where constant within every patient and of the visit otherwise. For
    /// programs that take any column; a person had better say what a covariate is, because a value mistyped at one
    /// visit goes unnoticed here.
    AsFound,
    /// A factor, of the patient where constant within every patient and of the visit otherwise.
    FactorAsFound,
}

choices! {
    CovariateKind, "kind of a covariate":
    Inferred = "inferred", [], "one value per patient; numeric or factor as found";
    Numeric = "numeric", [], "a number per patient";
    Factor = "factor", [], "a level per patient";
    NumericByVisit = "numeric-by-visit", [], "a number per patient and visit";
    FactorByVisit = "factor-by-visit", [], "a level per patient and visit";
    AsFound = "as-found", [], "kind and level of the variable as found";
    FactorAsFound = "factor-as-found", [], "a factor, per patient or per visit as found";
}

/// A column that holds a covariate.
#[derive(Debug, Clone)]
pub(super) struct CovariateColumn {
    pub name: String,
    pub columns: Columns,
    pub kind: CovariateKind,
}

/// An instrument of a layout: the thing itself, or its name until the layout meets data.
#[derive(Debug, Clone)]
pub(super) enum LayoutInstrument {
    /// The instrument, with the column of each item.
    Given(InstrumentColumns),
    /// What a registry makes an instrument of.
    Named(NamedInstrument, ItemColumns),
}

/// An instrument and the columns of its items.
#[derive(Debug, Clone)]
pub(super) struct InstrumentColumns {
    pub instrument: Arc<dyn Instrument>,
    /// One an item.
    pub items: Vec<Columns>,
}

/// Where the items of a named instrument are.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum ItemColumns {
    /// In columns of the items' own names.
    #[default]
    Own,
    /// In columns named by a pattern of `{item}` and `{visit}`, with what a column calls each visit; the visits of the
    /// layout by their labels where none are stated.
    Pattern { pattern: String, visits: Vec<(String, String)> },
    /// As listed, one an item.
    Listed(Vec<Columns>),
}

impl LayoutInstrument {
    /// The instrument with its columns; `visits` are the labels that the layout declares.
    pub fn made(&self, registry: &Registry, visits: &[&str]) -> Result<InstrumentColumns> {
        match self {
            LayoutInstrument::Given(given) => Ok(given.clone()),
            LayoutInstrument::Named(named, columns) => {
                let instrument = registry.instrument(named)?;
                let names: Vec<String> = instrument.items().into_iter().map(|item| item.name).collect();
                let items = columns
                    .of_items(&names, visits)
                    .map_err(|why| Error::conflict(format!("the columns of instrument `{}`", named.name()), why, ItemColumns::REMEDY))?;
                Ok(InstrumentColumns { instrument, items })
            }
        }
    }
}

impl ItemColumns {
    const REMEDY: &str = "name them by a pattern such as `{item}_{visit}`, or list one per item";

    /// The columns of items, one an item; what is wrong where there are none.
    fn of_items(&self, items: &[String], declared: &[&str]) -> Result<Vec<Columns>, String> {
        match self {
            ItemColumns::Own => Ok(items.iter().map(|item| Columns::One(item.clone())).collect()),
            ItemColumns::Listed(columns) if columns.len() == items.len() => Ok(columns.clone()),
            ItemColumns::Listed(columns) => Err(format!(
                "{} {} listed, and the instrument has {}",
                columns.len(),
                agreeing(columns.len(), "is", "are"),
                counted(items.len(), "item")
            )),
            ItemColumns::Pattern { pattern, visits } => {
                let stated = visits.iter().map(|(label, called)| (label.as_str(), called.as_str()));
                let visits: Vec<(&str, &str)> = match visits.is_empty() {
                    true => declared.iter().map(|label| (*label, *label)).collect(),
                    false => stated.collect(),
                };
                check_pattern(pattern, &visits, items.len())?;
                let column = |item: &str, visit: &str| pattern.replace("{visit}", visit).replace("{item}", item);
                let by_visit = pattern.contains("{visit}");
                let columns = |item: &String| match by_visit {
                    true => Columns::PerVisit(visits.iter().map(|(label, called)| (label.to_string(), column(item, called))).collect()),
                    false => Columns::One(column(item, "")),
                };
                Ok(items.iter().map(columns).collect())
            }
        }
    }
}

/// Refuses a pattern by which columns could not be distinguished, or that names something else.
fn check_pattern(pattern: &str, visits: &[(&str, &str)], items: usize) -> Result<(), String> {
    let known = ["{item}", "{visit}"];
    let mut stranger =
        pattern.match_indices('{').map(|(at, _)| &pattern[at..pattern[at..].find('}').map_or(pattern.len(), |end| at + end + 1)]);
    if let Some(stranger) = stranger.find(|part| !known.contains(part)) {
        return Err(format!("`{stranger}` in the pattern `{pattern}` means nothing; `{{item}}` and `{{visit}}` stand for what they say"));
    }
    if items > 1 && !pattern.contains("{item}") {
        return Err(format!("the pattern `{pattern}` has no `{{item}}`, and the instrument has {items} items"));
    }
    match (pattern.contains("{visit}"), visits.is_empty()) {
        (true, true) => Err(format!("the pattern `{pattern}` has a `{{visit}}`, and no visits are declared")),
        _ => Ok(()),
    }
}

/// Visits and columns as owned names.
pub(super) fn per_visit<V: Into<String>, C: Into<String>>(columns: impl IntoIterator<Item = (V, C)>) -> Vec<(String, String)> {
    columns.into_iter().map(|(v, c)| (v.into(), c.into())).collect()
}
