//! Options of the library as options of the command line: names, help and messages come from the library's table.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use std::ffi::OsStr;
use std::marker::PhantomData;
use std::str::FromStr;
use trialstats::options::Choices;

/// Reads any spelling that the library reads, and lists the names in help and messages.
#[derive(Debug, Clone)]
pub struct Choice<T>(PhantomData<T>);

/// The parser of an option with a table of choices.
pub fn choice<T: Choices>() -> Choice<T> {
    Choice(PhantomData)
}

fn names<T: Choices>() -> impl Iterator<Item = PossibleValue> {
    T::CHOICES.iter().map(|choice| PossibleValue::new(choice.name).aliases(choice.aliases).help(choice.meaning))
}

impl<T: Choices + FromStr + Send + Sync> TypedValueParser for Choice<T> {
    type Value = T;

    fn parse_ref(&self, command: &clap::Command, argument: Option<&clap::Arg>, value: &OsStr) -> Result<T, clap::Error> {
        if let Some(value) = value.to_str().and_then(|text| text.parse().ok()) {
            return Ok(value);
        }
        // Not a name: clap words the message, with the names there are and the nearest.
        PossibleValuesParser::new(names::<T>())
            .parse_ref(command, argument, value)
            .and_then(|name| name.parse().map_err(|_| clap::Error::new(ErrorKind::InvalidValue)))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(names::<T>()))
    }
}

/// The names of several tables in one option; which of them are meant is decided where the kind of model is known.
#[derive(Debug, Clone, Default)]
pub struct Names(Vec<PossibleValue>);

impl Names {
    /// With the names of another table; of a name that two tables have, the first meaning is shown.
    pub fn or<T: Choices>(mut self) -> Self {
        for value in names::<T>() {
            if !self.0.iter().any(|known| known.get_name() == value.get_name()) {
                self.0.push(value);
            }
        }
        self
    }
}

impl Names {
    /// With one more name.
    pub fn and(mut self, value: PossibleValue) -> Self {
        self.0.push(value);
        self
    }
}

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(&self, command: &clap::Command, argument: Option<&clap::Arg>, value: &OsStr) -> Result<String, clap::Error> {
        let given = value.to_str().map(|text| text.trim().replace('_', "-"));
        if let Some(given) = given.filter(|given| self.0.iter().any(|name| name.matches(given, true))) {
            return Ok(given);
        }
        PossibleValuesParser::new(self.0.clone()).parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().cloned()))
    }
}
