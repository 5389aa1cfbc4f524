//! What was measured, and what else is known of the patients.

use super::Guess;
use super::families::{Family, VisitCode};
use super::identifiers::is_of_patients;
use super::names::{CLUSTER, NUISANCE, SITE, has_word, plain};
use crate::instruments::{NamedInstrument, Registry};
use crate::table::counted;
use crate::trial::{Look, LookedAt};

/// The variables of a draft.
#[derive(Debug, Default)]
pub(super) struct Variables {
    /// Instruments whose items are columns.
    pub instruments: Vec<FoundInstrument>,
    /// Outcomes, scores of instruments first.
    pub outcomes: Vec<Found>,
    /// Covariates of patients.
    pub covariates: Vec<Found>,
    /// Clusters of patients.
    pub clusters: Vec<Found>,
    /// Columns that were left out, and why.
    pub left: Vec<Guess<String>>,
}

/// A variable by its name, with why it was taken for what it is.
#[derive(Debug)]
pub(super) struct Found {
    pub name: String,
    pub why: String,
    /// The columns of a wide file by visit, in the order of its visits.
    pub columns: Vec<Option<String>>,
    /// Whether its values are numbers.
    pub is_number: bool,
    /// Whether its scores are those of an instrument, not a column's.
    pub of_instrument: bool,
}

/// An instrument whose items are columns.
#[derive(Debug)]
pub(super) struct FoundInstrument {
    pub name: String,
    pub label: String,
    /// The columns of its items by visit, as a pattern; empty where items are columns themselves.
    pub pattern: Option<String>,
    items: Vec<String>,
}

/// The most levels of a factor that are taken for a covariate without being asked.
const LEVELS: usize = 12;

impl Variables {
    /// The columns that hold numbers.
    pub fn numeric_columns(&self) -> Vec<String> {
        let of_instruments = self.instruments.iter().flat_map(|i| i.items.clone());
        let outcomes = self.outcomes.iter().filter(|o| !o.of_instrument);
        let outcomes =
            outcomes.flat_map(|o| if o.columns.is_empty() { vec![o.name.clone()] } else { o.columns.iter().flatten().cloned().collect() });
        of_instruments.chain(outcomes).chain(self.covariates.iter().map(|c| c.name.clone())).collect()
    }
}

/// The variables of a long file.
pub(super) fn of_long(look: &Look, rows_of: &[Vec<usize>], taken: &[String]) -> Variables {
    let mut variables = Variables::default();
    let exists = |name: &str| look.column(name).is_some();
    for (name, label, items) in known_instruments() {
        if items.iter().all(|item| exists(item)) {
            variables.add_instrument(name, label, items, None);
        }
    }
    for column in free_columns(look, taken, &variables) {
        if is_of_patients(column, rows_of) {
            variables.add_of_patients(column, rows_of.len());
        } else if column.numbers.is_some() {
            let found = Found {
                name: column.name.clone(),
                why: "numbers that change from visit to visit".into(),
                columns: vec![],
                is_number: true,
                of_instrument: false,
            };
            variables.outcomes.push(found);
        } else {
            variables.leave(column, "it changes from visit to visit and holds text");
        }
    }
    variables
}

/// The variables of a wide file.
pub(super) fn of_wide(look: &Look, rows_of: &[Vec<usize>], taken: &[String], visits: &[VisitCode], families: &[Family]) -> Variables {
    let mut variables = Variables::default();
    for (name, label, items) in known_instruments() {
        let of_item = |item: &String| families.iter().find(|f| plain(&f.stem) == plain(item));
        let members: Option<Vec<&Family>> = items.iter().map(of_item).collect();
        let Some(members) = members else { continue };
        let columns: Vec<String> = members.iter().flat_map(|f| f.columns.iter().flatten().cloned()).collect();
        let pattern = pattern(&items, &members, visits);
        if pattern.is_some() {
            variables.add_instrument(name, label, columns, pattern);
        }
    }
    let used: Vec<String> = variables.instruments.iter().flat_map(|i| i.items.clone()).collect();
    let rest = families.iter().filter(|f| !f.columns.iter().flatten().any(|c| used.contains(c)));
    let mut in_families = vec![];
    for family in rest {
        let columns: Vec<&LookedAt> = family.columns.iter().flatten().filter_map(|c| look.column(c)).collect();
        if columns.iter().all(|c| c.numbers.is_some() || c.present() == 0) && columns.iter().any(|c| c.present() > 0) {
            in_families.extend(family.columns.iter().flatten().cloned());
            let why = format!("numbers in {} whose names differ in the visit", counted(columns.len(), "column"));
            variables.outcomes.push(Found {
                name: family.stem.clone(),
                why,
                columns: family.columns.clone(),
                of_instrument: false,
                is_number: true,
            });
        }
    }
    let taken: Vec<String> = taken.iter().cloned().chain(in_families).collect();
    for column in free_columns(look, &taken, &variables) {
        variables.add_of_patients(column, rows_of.len());
    }
    variables
}

/// The instruments of the crate: name, what they are called, their items.
fn known_instruments() -> Vec<(String, String, Vec<String>)> {
    let registry = Registry::new();
    let made = registry.names().into_iter().map(String::from).collect::<Vec<_>>().into_iter().filter_map(|name| {
        let instrument = registry.instrument(&NamedInstrument::new(name.clone())).ok()?;
        Some((name, instrument.name().to_string(), instrument.items().into_iter().map(|i| i.name).collect()))
    });
    made.collect()
}

/// The pattern that gives the column of every item at every visit, if one does.
fn pattern(items: &[String], members: &[&Family], visits: &[VisitCode]) -> Option<String> {
    let first = members.first()?;
    let (code, column) = visits.iter().zip(&first.columns).find_map(|(v, c)| Some((&v.code, c.as_ref()?)))?;
    let pattern = column.replacen(&items[0], "{item}", 1).replacen(code.as_str(), "{visit}", 1);
    let filled = |item: &str, visit: &str| pattern.replace("{item}", item).replace("{visit}", visit);
    let fits = items.iter().zip(members).all(|(item, family)| {
        visits.iter().zip(&family.columns).all(|(visit, column)| column.as_deref().is_none_or(|c| c == filled(item, &visit.code)))
    });
    (pattern.contains("{item}") && pattern.contains("{visit}") && fits).then_some(pattern)
}

/// Columns that nothing has been made of yet.
fn free_columns<'a>(look: &'a Look, taken: &[String], variables: &Variables) -> Vec<&'a LookedAt> {
    let items: Vec<&String> = variables.instruments.iter().flat_map(|i| &i.items).collect();
    look.columns.iter().filter(|c| !taken.contains(&c.name) && !items.contains(&&c.name)).collect()
}

impl Variables {
    fn add_instrument(&mut self, name: String, label: String, items: Vec<String>, pattern: Option<String>) {
        let made = Registry::new().instrument(&NamedInstrument::new(name.clone()));
        let scores = made.map(|i| i.scores()).unwrap_or_default();
        if let Some(total) = scores.first() {
            let why = format!("the {label} made of its items");
            self.outcomes.insert(
                self.instruments.len(),
                Found { name: total.name.clone(), why, columns: vec![], of_instrument: true, is_number: true },
            );
        }
        self.instruments.push(FoundInstrument { name, label, pattern, items });
    }

    /// A column that no patient changes.
    fn add_of_patients(&mut self, column: &LookedAt, patients: usize) {
        let values = column.values();
        let is_number = column.numbers.is_some();
        let found = |why: String| Found { name: column.name.clone(), why, columns: vec![], of_instrument: false, is_number };
        match () {
            () if column.present() == 0 => self.leave(column, "it is empty"),
            () if has_word(&column.name, &NUISANCE) => self.leave(column, "its name says that it is no property of patients"),
            () if values.len() < 2 => self.leave(column, "it has one value"),
            () if has_word(&column.name, &CLUSTER) => {
                self.clusters.push(found(format!("by its name; {} clusters", values.len())));
            }
            () if has_word(&column.name, &SITE) && values.len() <= LEVELS => {
                self.covariates.push(found(format!("a factor of {} levels, by its name a site", values.len())));
            }
            () if column.numbers.is_some() && values.len() > 2 => self.covariates.push(found("a number that no patient changes".into())),
            () if values.len() * 2 > patients => self.leave(column, "nearly every patient has a value of their own"),
            () if values.len() <= LEVELS => {
                self.covariates.push(found(format!("a factor of {} levels that no patient changes", values.len())))
            }
            () => self.clusters.push(found(format!("CHECK: it has {} levels, too many for a covariate", values.len()))),
        }
    }

    fn leave(&mut self, column: &LookedAt, why: &str) {
        self.left.push(Guess { value: column.name.clone(), why: why.into() });
    }
}
