//! Instruments that the command line names: which, where their items are, and with which options.

use super::failure::Failure;
use super::parse::{self, ByVisit};
use trialstats::instruments::{NamedInstrument, Registry, Score};
use trialstats::trial::Layout;

/// Instruments whose items are columns of the file.
#[derive(Debug, Clone, clap::Args)]
pub struct InstrumentArguments {
    /// An instrument whose items are columns of the file, such as caps5 or scid5-pd; its scores become outcomes. An unknown
    /// name lists them all; may be given again
    #[arg(long, value_name = "INSTRUMENT")]
    pub instrument: Vec<String>,
    /// What the columns of its items are called, where not as the items: "caps5={item}_score"; with {visit} in a wide file,
    /// "caps5={item}_{visit}"
    #[arg(long, value_name = "INSTRUMENT=PATTERN", value_parser = parse::pair)]
    pub item_columns: Vec<(String, String)>,
    /// The visits of a wide file, each with what stands for {visit} in --item-columns: "caps5=baseline:T0,3 months:T1"
    #[arg(long, value_name = "INSTRUMENT=VISIT:TEXT,…", value_parser = parse::by_visit)]
    pub item_visits: Vec<ByVisit>,
    /// An option of an instrument, as in a plan: "caps5.prefix=CAPS_", "scid5-pd.disorders=[\"avoidant\"]"
    #[arg(long, value_name = "INSTRUMENT.OPTION=VALUE", value_parser = parse::pair)]
    pub instrument_option: Vec<(String, String)>,
}

impl InstrumentArguments {
    /// The names of instruments as registered.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.instrument.iter().map(|name| canonical(name))
    }

    /// Each instrument with its options.
    fn named(&self) -> impl Iterator<Item = NamedInstrument> {
        self.names().map(|name| {
            let own = self.instrument_option.iter().filter_map(|(key, value)| {
                let (of, option) = key.split_once('.')?;
                (canonical(of) == name).then_some((option, value))
            });
            // A value is JSON where it reads as such, else a text.
            own.fold(NamedInstrument::new(name), |named, (option, value)| {
                named.option(option, serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::from(value.as_str())))
            })
        })
    }

    /// The scores.
    pub fn scores(&self) -> Result<Vec<Score>, Failure> {
        self.check()?;
        let mut scores = vec![];
        for named in self.named() {
            let instrument = Registry::new().instrument(&named)?;
            scores.extend(instrument.scores());
        }
        Ok(scores)
    }

    /// Refuses settings of instruments that are not there.
    fn check(&self) -> Result<(), Failure> {
        let columns = self.item_columns.iter().map(|(name, _)| ("--item-columns", name.as_str()));
        let visits = self.item_visits.iter().map(|(name, _)| ("--item-visits", name.as_str()));
        let options =
            self.instrument_option.iter().map(|(key, _)| ("--instrument-option", key.split_once('.').map_or(key.as_str(), |(of, _)| of)));
        let known: Vec<String> = self.names().map(String::from).collect();
        match columns.chain(visits).chain(options).find(|(_, name)| !known.iter().any(|k| k == canonical(name))) {
            Some((option, name)) => {
                let unknown = trialstats::Error::Unknown { kind: "instrument among those of --instrument", name: name.into(), known };
                Err(Failure::Usage(format!("{option} {name}: {unknown}")))
            }
            None => Ok(()),
        }
    }

    /// Whether items stand in a column per visit.
    pub fn are_wide(&self) -> bool {
        !self.item_visits.is_empty()
    }

    /// The layout with the instruments.
    pub fn add_to(&self, layout: Layout) -> Layout {
        self.named().fold(layout, |layout, named| {
            let pattern = self.item_columns.iter().find(|(of, _)| canonical(of) == named.name()).map(|(_, pattern)| pattern);
            let visits = self.item_visits.iter().find(|(of, _)| canonical(of) == named.name()).map(|(_, visits)| visits.clone());
            match (pattern, visits) {
                (None, None) => layout.named_instrument(named),
                (Some(pattern), None) => layout.named_instrument_in(named, pattern),
                (pattern, Some(visits)) => layout.wide_named_instrument(named, visits, pattern.map_or("{item}_{visit}", String::as_str)),
            }
        })
    }
}

/// The name in the registry; `scid5pd` is how earlier versions spelled one.
fn canonical(name: &str) -> &str {
    if name == "scid5pd" { "scid5-pd" } else { name }
}
