//! [`Defined`]: an instrument made of its [`InstrumentDefinition`].

use super::definition::{InstrumentDefinition, ReliableChange, ScoreMethod};
use super::item_rule::Found;
use super::{Assessment, Band, Diagnosis, Instrument, Item, ItemNames, MissingItems, NamedInstrument, Score, SeverityBands, sum};
use crate::error::{Error, Result};
use crate::table::counted;

/// The definitions that come with the crate, by name.
const SHIPPED: [(&str, &str); 4] = [
    ("pcl5", include_str!("shipped/pcl5.toml")),
    ("phq9", include_str!("shipped/phq9.toml")),
    ("gad7", include_str!("shipped/gad7.toml")),
    ("whodas12", include_str!("shipped/whodas12.toml")),
];

/// An instrument made of its [`InstrumentDefinition`].
///
/// Scores are the total, named as the instrument, then the subscales. With missing items a score is missing or
/// prorated as [`MissingItems`] says, and diagnoses are decided by bounding.
///
/// ```
/// use trialstats::instruments::{Defined, Diagnosis, Instrument};
///
/// let phq9 = Defined::shipped("phq9")?;
/// let assessment = phq9.assess(&[2, 2, 2, 2, 2, 0, 0, 0, 0].map(Some));
/// assert_eq!(assessment.scores, [Some(10.0)]);
/// assert_eq!(phq9.severity().and_then(|bands| bands.band_of(10.0).map(String::from)).as_deref(), Some("moderate"));
/// assert_eq!(assessment.diagnoses, [Diagnosis::Met, Diagnosis::Met]); // 10 or more; major depressive syndrome
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Defined {
    definition: InstrumentDefinition,
    scales: Scales,
    diagnoses: Vec<Found>,
    /// The name and options by which a registry makes it, for those that come with the crate.
    named: Option<NamedInstrument>,
}

/// Items and scores, by position.
#[derive(Debug, Clone)]
pub(super) struct Scales {
    pub items: Vec<Item>,
    reversed: Vec<bool>,
    /// The total, then the subscales.
    pub scores: Vec<Scale>,
    missing: MissingItems,
}

/// A score and the positions of its items.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    pub score: Score,
    items: Vec<usize>,
    method: ScoreMethod,
}

/// What a layout may say of an instrument that is defined as data.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct Options {
    items: Option<ItemNames>,
    outcome: Option<String>,
    range: Option<[u8; 2]>,
    missing_items: Option<MissingItems>,
}

impl Defined {
    /// An instrument that comes with the crate: `pcl5`, `phq9`, `gad7` or `whodas12`.
    ///
    /// # Errors
    /// [`Error::Unknown`] for another name.
    pub fn shipped(name: &str) -> Result<Self> {
        let (_, text) = SHIPPED
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| Error::unknown("definition of an instrument", name, &SHIPPED.map(|(known, _)| known)))?;
        let made = InstrumentDefinition::from_toml(text)?.build()?;
        Ok(Self { named: Some(NamedInstrument::new(name)), ..made })
    }

    /// The names of the instruments that come with the crate in this form.
    pub fn shipped_names() -> [&'static str; 4] {
        SHIPPED.map(|(name, _)| name)
    }

    /// The instrument with the options that a layout states: `items` for other names in the same order, `outcome` for
    /// another name of the total and of what is named after it, `range`, `missing-items`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for options that do not fit, such as a range other than the one that cut-offs are stated on.
    pub fn with_options(&self, named: &NamedInstrument) -> Result<Self> {
        let options: Options = named.read()?;
        let mut definition = self.definition.clone();
        if let Some(range) = options.range {
            let stated = !definition.diagnoses.is_empty() || definition.severity.is_some() || definition.reliable_change.is_some();
            if stated && range != definition.range {
                return Err(Error::conflict(
                    format!("a range of {} to {} for `{}`", range[0], range[1], named.name()),
                    format!("its cut-offs are stated on {} to {}", definition.range[0], definition.range[1]),
                    "recode the ratings, or define an instrument of your own",
                ));
            }
            definition.range = range;
        }
        if let Some(missing) = options.missing_items {
            definition.missing_items = missing;
        }
        let mut made = definition.build()?;
        if let Some(names) = options.items {
            let names = names.names()?;
            if names.len() != made.scales.items.len() {
                return Err(Error::wrong_number(
                    format!("{} for `{}`", counted(names.len(), "item"), named.name()),
                    format!("it has {}", made.scales.items.len()),
                    "name all of them, in their order",
                ));
            }
            made.scales.items.iter_mut().zip(names).for_each(|(item, name)| item.name = name);
        }
        if let Some(outcome) = options.outcome {
            made.rename(&outcome);
        }
        Ok(Self { named: self.named.as_ref().map(|_| named.clone()), ..made })
    }

    /// What it was made of. Options that a layout states may have changed names since.
    pub fn definition(&self) -> &InstrumentDefinition {
        &self.definition
    }

    /// The bands of the total score, where the definition has them.
    pub fn severity(&self) -> Option<SeverityBands> {
        self.definition.severity.as_ref().map(|severity| SeverityBands {
            name: format!("{} severity", self.name()),
            source: severity.source.clone(),
            bands: severity.bands.iter().map(|(label, from)| Band { label: label.clone(), from: *from }).collect(),
        })
    }

    /// The smallest change of the total that is taken to be more than chance, where the definition has it.
    pub fn reliable_change(&self) -> Option<&ReliableChange> {
        self.definition.reliable_change.as_ref()
    }

    /// Gives the total another name, and what is named after it.
    fn rename(&mut self, outcome: &str) {
        let renamed = |name: &str| match name.strip_prefix(self.definition.name.as_str()) {
            Some("") => Some(outcome.to_string()),
            Some(rest) if rest.starts_with('_') => Some(format!("{outcome}{rest}")),
            _ => None,
        };
        for scale in &mut self.scales.scores {
            scale.score.name = renamed(&scale.score.name).unwrap_or_else(|| scale.score.name.clone());
        }
        for diagnosis in &mut self.definition.diagnoses {
            diagnosis.name = renamed(&diagnosis.name).unwrap_or_else(|| diagnosis.name.clone());
        }
    }

    pub(super) fn of(definition: InstrumentDefinition) -> Result<Self> {
        let scales = Scales::of(&definition).map_err(|error| within(&definition.name, error))?;
        let diagnoses = diagnoses(&definition, &scales).map_err(|error| within(&definition.name, error))?;
        check_bands(&definition, &scales).map_err(|error| within(&definition.name, error))?;
        Ok(Self { definition, scales, diagnoses, named: None })
    }
}

/// The error with the instrument that it is about.
fn within(instrument: &str, error: Error) -> Error {
    match error {
        Error::Invalid { kind, what, why, remedy } => {
            Error::Invalid { kind, what: format!("the definition of instrument `{instrument}`: {what}"), why, remedy }
        }
        other => other,
    }
}

fn diagnoses(definition: &InstrumentDefinition, scales: &Scales) -> Result<Vec<Found>> {
    let mut taken: Vec<&str> = scales.scores.iter().map(|scale| scale.score.name.as_str()).collect();
    let mut found = vec![];
    for diagnosis in &definition.diagnoses {
        new_name(&mut taken, &diagnosis.name)?;
        found.push(diagnosis.rule.found(scales)?);
    }
    Ok(found)
}

fn new_name<'a>(taken: &mut Vec<&'a str>, name: &'a str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::incomplete("a score or diagnosis", "it has no name", "name it"));
    }
    if taken.contains(&name) {
        let why = "a score or diagnosis has this name already";
        return Err(Error::named_twice(format!("`{name}`"), why, "give each a name of its own"));
    }
    taken.push(name);
    Ok(())
}

fn check_bands(definition: &InstrumentDefinition, scales: &Scales) -> Result<()> {
    let (lowest, highest) = scales.scores[0].score.range;
    let bands = definition.severity.iter().flat_map(|severity| &severity.bands).collect::<Vec<_>>();
    if definition.severity.is_some() && bands.is_empty() {
        return Err(Error::incomplete("`severity`", "it has no bands", "name them with their lowest scores, or leave the key out"));
    }
    for (label, from) in &bands {
        if !(lowest..=highest).contains(from) {
            let why = format!("the total goes from {lowest} to {highest}");
            return Err(Error::out_of_range(format!("the band `{label}` from {from}"), why, "state a score within it"));
        }
    }
    if let Some(pair) = bands.windows(2).find(|pair| pair[0].1 >= pair[1].1) {
        let what = format!("the band `{}` after `{}`", pair[1].0, pair[0].0);
        return Err(Error::conflict(what, "it begins no higher", "list the bands from the lowest score to the highest"));
    }
    match &definition.reliable_change {
        Some(change) if !(change.points > 0.0 && change.points <= highest - lowest) => Err(Error::out_of_range(
            format!("a reliable change of {}", counted(change.points, "point")),
            format!("changes of the total go up to {}", highest - lowest),
            "state a positive number of points within that",
        )),
        _ => Ok(()),
    }
}

impl Scales {
    fn of(definition: &InstrumentDefinition) -> Result<Self> {
        let names = definition.items.names()?;
        if names.is_empty() {
            return Err(Error::incomplete("`items`", "there are none", "name the items, or give a pattern such as `phq9_{1..9}`"));
        }
        if let MissingItems::ProrateShare { percent } = definition.missing_items
            && percent > 50
        {
            let why = "a score is never made of fewer than half of its items";
            return Err(Error::out_of_range(format!("prorating with {percent} percent missing"), why, "state at most 50"));
        }
        for (name, _) in &definition.ranges {
            known(&names, name)?;
        }
        let items = names.iter().map(|name| item(definition, name)).collect::<Result<Vec<_>>>()?;
        let turned = definition.reversed.names()?;
        for name in &turned {
            known(&names, name)?;
        }
        let reversed = names.iter().map(|name| turned.contains(name)).collect();
        let mut scales = Self { items, reversed, scores: vec![], missing: definition.missing_items };
        let mut taken = vec![];
        new_name(&mut taken, &definition.name)?;
        scales.add(&definition.name, &definition.label, (0..names.len()).collect(), definition.score);
        for subscale in &definition.subscales {
            new_name(&mut taken, &subscale.name)?;
            let items = subscale.items.names()?.iter().map(|name| scales.place(name)).collect::<Result<Vec<_>>>()?;
            if items.is_empty() {
                return Err(Error::incomplete(format!("the subscale `{}`", subscale.name), "it has no items", "name them"));
            }
            scales.add(&subscale.name, &subscale.label, items, definition.score);
        }
        Ok(scales)
    }

    fn add(&mut self, name: &str, label: &str, items: Vec<usize>, method: ScoreMethod) {
        let bound = |of: fn(&Item) -> u8| {
            let sum: f64 = items.iter().map(|&i| f64::from(of(&self.items[i]))).sum();
            method.of_sum(sum, items.len())
        };
        let range = (bound(|item| item.minimum), bound(|item| item.maximum));
        let label = if label.is_empty() { name } else { label };
        self.scores.push(Scale { score: Score { name: name.into(), label: label.into(), range }, items, method });
    }

    /// The position of an item.
    pub fn place(&self, name: &str) -> Result<usize> {
        let place = self.items.iter().position(|item| item.name == name);
        place.ok_or_else(|| Error::unknown("item of the instrument", name, &self.items.iter().map(|i| i.name.as_str()).collect::<Vec<_>>()))
    }

    /// A rating as it counts.
    fn counted(&self, place: usize, rating: u8) -> u8 {
        let item = &self.items[place];
        // Within the bounds of both, so that no u8 overflows in between.
        if self.reversed[place] { item.maximum - (rating - item.minimum) } else { rating }
    }
}

impl ScoreMethod {
    fn of_sum(self, sum: f64, items: usize) -> f64 {
        match self {
            ScoreMethod::Sum => sum,
            ScoreMethod::Mean => sum / items as f64,
        }
    }
}

impl Scale {
    /// The score of ratings that count, with missing ones.
    fn of(&self, counted: &[Option<u8>], missing: MissingItems) -> Option<f64> {
        let of_items: Vec<Option<u8>> = self.items.iter().map(|&i| counted[i]).collect();
        sum(&of_items, missing).map(|total| self.method.of_sum(total, of_items.len()))
    }

    /// The score of complete ratings that count.
    pub fn of_complete(&self, counted: &[u8]) -> f64 {
        self.method.of_sum(self.items.iter().map(|&i| f64::from(counted[i])).sum(), self.items.len())
    }
}

fn known(names: &[String], name: &String) -> Result<()> {
    if names.contains(name) { Ok(()) } else { Err(Error::unknown("item of the instrument", name, names)) }
}

fn item(definition: &InstrumentDefinition, name: &str) -> Result<Item> {
    let own = definition.ranges.iter().find(|(of, _)| of == name).map(|(_, range)| *range);
    let [minimum, maximum] = own.unwrap_or(definition.range);
    if minimum >= maximum {
        let why = "the highest rating has to lie above the lowest";
        return Err(Error::out_of_range(format!("the range {minimum} to {maximum} of {name}"), why, "state the lowest, then the highest"));
    }
    Ok(Item { name: name.into(), minimum, maximum })
}

impl Instrument for Defined {
    fn name(&self) -> &str {
        if self.definition.label.is_empty() { &self.definition.name } else { &self.definition.label }
    }

    fn items(&self) -> Vec<Item> {
        self.scales.items.clone()
    }

    fn scores(&self) -> Vec<Score> {
        self.scales.scores.iter().map(|scale| scale.score.clone()).collect()
    }

    fn diagnoses(&self) -> Vec<String> {
        self.definition.diagnoses.iter().map(|d| d.name.clone()).collect()
    }

    fn notes(&self) -> Vec<String> {
        let name = self.name();
        let mut notes = vec![format!("{name}: {}", self.scales.missing.note())];
        let turned: Vec<&str> = self
            .scales
            .items
            .iter()
            .zip(&self.scales.reversed)
            .filter(|(_, turned)| **turned)
            .map(|(item, _)| item.name.as_str())
            .collect();
        if !turned.is_empty() {
            notes.push(format!("{name}: scored the other way round: {}.", turned.join(", ")));
        }
        for diagnosis in &self.definition.diagnoses {
            let source = if diagnosis.source.is_empty() { &self.definition.source } else { &diagnosis.source };
            let source = if source.is_empty() { String::new() } else { format!(" ({source})") };
            notes.push(format!("{}: {}{source}.", diagnosis.name, diagnosis.rule.words()));
        }
        notes
    }

    fn named(&self) -> Option<NamedInstrument> {
        self.named.clone()
    }

    fn assess(&self, ratings: &[Option<u8>]) -> Assessment {
        let counted: Vec<Option<u8>> =
            ratings.iter().enumerate().map(|(place, rating)| rating.map(|rating| self.scales.counted(place, rating))).collect();
        let scores = self.scales.scores.iter().map(|scale| scale.of(&counted, self.scales.missing)).collect();
        let diagnoses = self
            .diagnoses
            .iter()
            .map(|rule| Diagnosis::by_bounding(&self.scales.items, &counted, |complete| rule.is_met(complete, &self.scales)));
        Assessment { scores, diagnoses: diagnoses.collect() }
    }
}

#[cfg(test)]
mod tests;
