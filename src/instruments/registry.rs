//! Instruments by name: what lets a layout or plan be read from a file.

use super::{Caps5, Defined, Instrument, InstrumentDefinition, Scid5Pd};
use crate::error::{Error, Result};
use crate::written::explained;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

/// What makes an instrument of a name and its options.
type Make = Arc<dyn Fn(&NamedInstrument) -> Result<Arc<dyn Instrument>> + Send + Sync>;

/// The instruments that a layout or plan can refer to by name.
///
/// | name | instrument | options |
/// |---|---|---|
/// | `caps5` | [`Caps5`] | `prefix`, `outcome`, `items`, `criterion-a`, `criterion-f`, `criterion-g`, `missing-items` |
/// | `scid5-pd` | [`Scid5Pd`] | `prefix`, `outcome`, `disorders`, `conduct-disorder`, `missing-items` |
/// | `pcl5`, `phq9`, `gad7`, `whodas12` | [`Defined::shipped`] | `items`, `outcome`, `range`, `missing-items` ([`Defined::with_options`]) |
///
/// Options have the names and defaults of the instrument's methods, in kebab-case; `items` are the numbers of the
/// items that the file has ([`Caps5::carrying`]).
///
/// Register your own:
///
/// ```
/// use trialstats::instruments::{Assessment, Instrument, Item, MissingItems, Registry, Score, sum};
///
/// #[derive(Debug)]
/// struct Gad2;
///
/// impl Instrument for Gad2 {
///     fn name(&self) -> &str {
///         "GAD-2"
///     }
///     fn items(&self) -> Vec<Item> {
///         Item::numbered("gad2_", 1, 2, 0..=3)
///     }
///     fn scores(&self) -> Vec<Score> {
///         vec![Score { name: "gad2".into(), label: "GAD-2".into(), range: (0.0, 6.0) }]
///     }
///     fn assess(&self, ratings: &[Option<u8>]) -> Assessment {
///         Assessment { scores: vec![sum(ratings, MissingItems::MakeMissing)], diagnoses: vec![] }
///     }
/// }
///
/// let layout: trialstats::Layout =
///     serde_json::from_str(r#"{"patient": "id", "arm": "arm", "visit": "week", "instruments": ["gad2"]}"#)?;
/// let file = "id,arm,week,gad2_1,gad2_2\nA,drug,0,2,3\nB,placebo,0,1,1\n";
/// let registry = Registry::new().register("gad2", Gad2);
/// let trial = layout.clone().with_instruments(&registry)?.read_csv_from("example", file.as_bytes())?;
/// assert_eq!(trial.outcome("gad2")?.values, [5.0, 2.0]);
///
/// // Without the registry the name means nothing, which is an error when the layout meets data.
/// let error = layout.read_csv_from("example", file.as_bytes()).expect_err("no such instrument");
/// assert!(error.to_string().contains("no instrument named `gad2`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    makers: Vec<(String, Make)>,
}

/// An instrument by its name in a [`Registry`], with its options as a layout or plan states them.
///
/// ```
/// use trialstats::instruments::{NamedInstrument, Registry};
///
/// let named = NamedInstrument::new("caps5").option("prefix", "CAPS_");
/// assert_eq!(Registry::new().instrument(&named)?.items()[0].name, "CAPS_01");
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NamedInstrument {
    name: String,
    options: Map<String, Value>,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// The instruments that come with the crate.
    pub fn new() -> Self {
        let built_in = Self { makers: vec![] }
            .register_with(Caps5::NAME, |named| Ok(Arc::new(named.read::<Caps5>()?)))
            .register_with(Scid5Pd::NAME, |named| Ok(Arc::new(named.read::<Scid5Pd>()?)));
        Defined::shipped_names().into_iter().fold(built_in, |registry, name| {
            registry.register_with(name, |named| Ok(Arc::new(Defined::shipped(named.name())?.with_options(named)?)))
        })
    }

    /// Adds instruments by their definitions, under their names and with the options of [`Defined::with_options`].
    ///
    /// # Errors
    /// As [`InstrumentDefinition::build`]; [`Error::Invalid`] where two have one name, or an instrument of the registry has it.
    pub fn define<'d>(self, definitions: impl IntoIterator<Item = &'d InstrumentDefinition>) -> Result<Self> {
        definitions.into_iter().try_fold(self, |registry, definition| {
            let made = definition.build()?;
            if registry.names().contains(&definition.name.as_str()) {
                return Err(Error::named_twice(
                    format!("instrument `{}`", definition.name),
                    "another instrument has this name already",
                    "give the definition another name",
                ));
            }
            Ok(registry.register_with(definition.name.clone(), move |named| Ok(Arc::new(made.with_options(named)?))))
        })
    }

    /// Adds an instrument without options. One that had the name before is replaced.
    pub fn register(self, name: impl Into<String>, instrument: impl Instrument + 'static) -> Self {
        let instrument: Arc<dyn Instrument> = Arc::new(instrument);
        self.register_with(name, move |named| {
            /// An instrument that leaves no choice.
            #[derive(serde::Deserialize)]
            #[serde(deny_unknown_fields)]
            struct NoOptions {}
            named.read::<NoOptions>().map(|NoOptions {}| instrument.clone())
        })
    }

    /// Adds an instrument that is made according to its options, which [`NamedInstrument::read`] gives as a struct.
    /// One that had the name before is replaced.
    pub fn register_with(
        mut self,
        name: impl Into<String>,
        make: impl Fn(&NamedInstrument) -> Result<Arc<dyn Instrument>> + Send + Sync + 'static,
    ) -> Self {
        let name = name.into();
        self.makers.retain(|(known, _)| *known != name);
        self.makers.push((name, Arc::new(make)));
        self
    }

    /// The names, in the order in which they were registered.
    pub fn names(&self) -> Vec<&str> {
        self.makers.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The instrument that a name and its options stand for.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a name that nobody registered, with the nearest that is; [`Error::Invalid`] for options
    /// that the instrument does not have or cannot use.
    pub fn instrument(&self, named: &NamedInstrument) -> Result<Arc<dyn Instrument>> {
        let maker = self.makers.iter().find(|(known, _)| *known == named.name);
        let (_, make) = maker.ok_or_else(|| Error::unknown("instrument", &named.name, &self.names()))?;
        make(named)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registry").field(&self.names()).finish()
    }
}

impl From<&str> for NamedInstrument {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for NamedInstrument {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl NamedInstrument {
    /// The instrument of this name with its default options.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), options: Map::new() }
    }

    /// Sets an option.
    pub fn option(mut self, option: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options.insert(option.into(), value.into());
        self
    }

    /// The instrument of this name with those options of `instrument` that differ from `default`; `None` where they
    /// are no table of values.
    pub fn of<T: Serialize>(name: impl Into<String>, instrument: &T, default: &T) -> Option<Self> {
        let options = |of: &T| match serde_json::to_value(of) {
            Ok(Value::Object(options)) => Some(options),
            _ => None,
        };
        let (mut options, usual) = (options(instrument)?, options(default)?);
        options.retain(|option, value| usual.get(option) != Some(value));
        Some(Self { name: name.into(), options })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The options that are stated.
    pub fn options(&self) -> &Map<String, Value> {
        &self.options
    }

    pub(crate) fn with_options(name: String, options: Map<String, Value>) -> Self {
        Self { name, options }
    }

    /// The options as a struct with a default for each (`#[serde(default, deny_unknown_fields)]`).
    ///
    /// # Errors
    /// [`Error::Invalid`] says which option is not known or not of the right kind.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(Value::Object(self.options.clone())).map_err(|error| {
            Error::conflict(
                format!("the options of instrument `{}`", self.name),
                explained(&error.to_string()),
                "correct the option, or leave it out for the default",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instruments::{Criterion, Disorder, MissingItems};
    use serde_json::json;

    fn made(named: &NamedInstrument) -> Arc<dyn Instrument> {
        Registry::new().instrument(named).expect("a known instrument")
    }

    #[test]
    fn instruments_name_themselves_with_the_options_that_are_not_default() {
        assert_eq!(Caps5::new().named(), Some(NamedInstrument::new("caps5")));
        assert_eq!(Scid5Pd::cluster_c().named(), Some(NamedInstrument::new("scid5-pd")));
        let caps5 = Caps5::new()
            .prefix("C")
            .outcome("total")
            .carrying(1..=22)
            .expect("items of the CAPS-5")
            .criterion_a(Criterion::NotAssessed)
            .criterion_f(Criterion::AssumedMet)
            .criterion_g(Criterion::NotAssessed)
            .missing_items(MissingItems::Prorate { at_most: 2 });
        let named = caps5.named().expect("it has a name");
        assert_eq!(named.options()["items"], json!((1..=22).collect::<Vec<_>>()));
        assert_eq!(named.options().len(), 7);
        assert_eq!(named.read::<Caps5>().expect("its own options"), caps5);
        let scid = Scid5Pd::of([Disorder::Antisocial, Disorder::ObsessiveCompulsive])
            .prefix("S")
            .outcome("pd")
            .conduct_disorder(Criterion::AssumedMet)
            .missing_items(MissingItems::Prorate { at_most: 1 });
        let named = scid.named().expect("it has a name");
        assert_eq!(named.options().len(), 5);
        assert_eq!(named.read::<Scid5Pd>().expect("its own options"), scid);
    }

    #[test]
    fn options_make_the_instrument() {
        let named = NamedInstrument::new("caps5").option("prefix", "CAPS_").option("items", (1..=20).collect::<Vec<_>>());
        assert_eq!(made(&named).items().len(), 20);
        assert_eq!(made(&named).items()[19].name, "CAPS_20");
        assert_eq!(made(&NamedInstrument::new("scid5-pd").option("disorders", vec!["borderline"])).items().len(), 9);
    }

    #[test]
    fn what_is_wrong_is_named_with_what_was_meant() {
        let refusal = |named: NamedInstrument| Registry::new().instrument(&named).expect_err("it is wrong").to_string();
        let unknown = refusal(NamedInstrument::new("caps-5"));
        assert!(unknown.contains("no instrument named `caps-5`; did you mean `caps5`?"), "{unknown}");
        let option = refusal(NamedInstrument::new("caps5").option("prefx", "CAPS_"));
        assert!(option.contains("instrument `caps5`") && option.contains("`prefx`; did you mean `prefix`?"), "{option}");
        let kind = refusal(NamedInstrument::new("caps5").option("prefix", 5));
        assert!(kind.contains("expected a string"), "{kind}");
        let items = refusal(NamedInstrument::new("caps5").option("items", vec![1, 2]));
        assert!(items.contains("CAPS-5 without item 3"), "{items}");
        let disorder = refusal(NamedInstrument::new("scid5-pd").option("disorders", vec!["avoidnt"]));
        assert!(disorder.contains("avoidant"), "{disorder}");
    }

    #[test]
    fn a_registered_name_replaces_the_one_before() {
        let registry = Registry::new().register("caps5", Caps5::severity_items());
        assert_eq!(registry.names(), ["scid5-pd", "pcl5", "phq9", "gad7", "whodas12", "caps5"]);
        assert_eq!(registry.instrument(&NamedInstrument::new("caps5")).expect("it is known").items().len(), 20);
        let error = registry.instrument(&NamedInstrument::new("caps5").option("prefix", "C")).expect_err("it has no options");
        assert!(error.to_string().contains("no key `prefix` (there is none)"), "{error}");
    }
}
