//! Option enums and their names: one kebab-case word per choice, the same in Rust's `FromStr` and `Display`, in JSON
//! and TOML, and on the command line.
//!
//! Every enum that offers a choice implements [`Choices`]: a table of its values, their names, what else is understood
//! (the spellings of SAS and R), and a line on what each means. Names are read in any case, and `_` counts as `-`.
//!
//! ```
//! use trialstats::options::Choices;
//! use trialstats::{Df, Estimation};
//!
//! let df: Df = "kenward-roger".parse()?;
//! assert_eq!((df, df.to_string()), (Df::KenwardRoger, "kenward-roger".to_string()));
//! assert_eq!("KR".parse::<Df>()?, Df::KenwardRoger); // SAS
//! assert_eq!(serde_json::to_string(&Estimation::Reml).unwrap(), "\"reml\"");
//! for choice in Df::CHOICES {
//!     println!("{:<22} {}", choice.name, choice.meaning);
//! }
//! # Ok::<(), trialstats::Error>(())
//! ```
//!
//! `Display` always gives the name. How tables and reports put a choice is a method of its own, `words`.

use crate::error::{Error, Result};

/// A choice that an option offers.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice<T> {
    /// The value in Rust.
    pub value: T,
    /// Its name everywhere else, in kebab-case.
    pub name: &'static str,
    /// What is understood beside the name.
    pub aliases: &'static [&'static str],
    /// What it means, in a line for help texts.
    pub meaning: &'static str,
}

/// An enum whose values have names; see the [module](self).
pub trait Choices: Sized + Clone + PartialEq + 'static {
    /// What is chosen, as error messages name it: `method of degrees of freedom`.
    const CHOSEN: &'static str;

    /// Every value, in the order in which help lists them.
    const CHOICES: &'static [Choice<Self>];

    /// The name of this value.
    fn name(&self) -> &'static str;
}

/// The value of a name or an alias.
///
/// # Errors
/// [`Error::Unknown`] with the names there are.
pub(crate) fn parse<T: Choices>(text: &str) -> Result<T> {
    let given = plain(text);
    let found = T::CHOICES.iter().find(|c| c.name == given || c.aliases.iter().any(|alias| plain(alias) == given));
    let known = || T::CHOICES.iter().map(|c| c.name).collect::<Vec<_>>();
    found.map(|c| c.value.clone()).ok_or_else(|| Error::unknown(T::CHOSEN, text.trim(), &known()))
}

/// A name as it is compared: in lower case, with `-` for `_`, without blanks around it.
pub(crate) fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace('_', "-")
}

/// The parts of `name` or `name(argument)`; the name as it is compared.
pub(crate) fn parts(text: &str) -> (String, Option<&str>) {
    let called = text.trim().strip_suffix(')').and_then(|text| text.split_once('('));
    called.map_or_else(|| (plain(text), None), |(name, argument)| (plain(name), Some(argument)))
}

/// Gives an enum its table of choices, and with it [`Choices`], `Display`, `FromStr` and serde.
///
/// `choices! { Type, "what is chosen": Variant = "name", ["alias", …], "meaning"; … }`; a variant that holds another
/// choice is written `Variant(Inner::Value)`.
macro_rules! choices {
    ($type:ident, $chosen:literal: $($variant:ident $(($inner:path))? = $name:literal, [$($alias:literal),*], $meaning:literal;)+) => {
        impl $crate::options::Choices for $type {
            const CHOSEN: &'static str = $chosen;
            const CHOICES: &'static [$crate::options::Choice<Self>] = &[$($crate::options::Choice {
                value: $type::$variant $(($inner))?,
                name: $name,
                aliases: &[$($alias),*],
                meaning: $meaning,
            }),+];

            fn name(&self) -> &'static str {
                match self {
                    $($type::$variant $(($inner))? => $name),+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad($crate::options::Choices::name(self))
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::error::Error;

            fn from_str(text: &str) -> $crate::error::Result<Self> {
                $crate::options::parse(text)
            }
        }

        $crate::options::serde_by_name!($type);
    };
}

/// Writes a type by its `Display` and reads it by its `FromStr`, in any format that serde knows.
macro_rules! serde_by_name {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                name.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use {choices, serde_by_name};

#[cfg(all(test, feature = "planning"))]
mod tests;
