//! Covariance structures to fall back on, agreed before the data are seen.

use crate::covariance::Covariance;
use crate::error::{Error, Result};
use crate::fit::Failure;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::fmt;

/// A covariance structure that was tried and has no verified optimum.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The structure.
    pub covariance: Covariance,
    /// Why it was rejected.
    pub failure: Failure,
}

/// The structure, and why it was rejected, in a few words.
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, because {}", self.covariance, self.failure.brief())
    }
}

/// `covariance`, `failure` (its code) and `message`.
impl Serialize for Attempt {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Attempt", 3)?;
        fields.serialize_field("covariance", &self.covariance)?;
        fields.serialize_field("failure", self.failure.code())?;
        fields.serialize_field("message", &self.failure.to_string())?;
        fields.end()
    }
}

/// The structures agreed on, in their order, and those that were rejected on the way to the one that was fitted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fallback {
    /// Empty where one structure was stated and no other.
    pub planned: Vec<Covariance>,
    pub attempts: Vec<Attempt>,
}

impl Fallback {
    /// What a reader has to know of it, where there was a choice.
    pub fn note(&self) -> Option<String> {
        if self.planned.is_empty() {
            return None;
        }
        let given_up = match self.attempts.as_slice() {
            [] => "the first was fitted".to_string(),
            attempts => format!("rejected: {}", attempts.iter().map(Attempt::to_string).collect::<Vec<_>>().join("; ")),
        };
        Some(format!("Covariance agreed on before the fit: {}; {given_up}.", in_order(&self.planned)))
    }
}

/// `unstructured, else heterogeneous-toeplitz, else compound-symmetry`.
pub(crate) fn in_order(structures: &[Covariance]) -> String {
    structures.iter().map(Covariance::to_string).collect::<Vec<_>>().join(", else ")
}

/// The first structure under which there is a fit, with the fit and those rejected before it.
///
/// All are bound before the first is fitted, so that a list that cannot be followed is refused whatever the data say.
///
/// # Errors
/// What `bind` says of any of them; what `fit` says at once where no other structure can help;
/// [`Error::NoCovarianceFits`] where all have failed.
pub(crate) fn first_that_fits<S, T>(
    covariance: &Covariance,
    fallbacks: &[Covariance],
    bind: impl Fn(&Covariance) -> Result<S>,
    fit: impl Fn(S) -> Result<T, Failure>,
) -> Result<(T, Covariance, Fallback)> {
    if fallbacks.is_empty() {
        let fitted = fit(bind(covariance)?).map_err(Error::Fit)?;
        return Ok((fitted, covariance.clone(), Fallback::default()));
    }
    let planned: Vec<Covariance> = std::iter::once(covariance).chain(fallbacks).cloned().collect();
    let bound = planned.iter().map(bind).collect::<Result<Vec<S>>>()?;
    let mut attempts = vec![];
    for (covariance, structure) in planned.iter().zip(bound) {
        match fit(structure) {
            Ok(fitted) => return Ok((fitted, covariance.clone(), Fallback { planned: planned.clone(), attempts })),
            Err(failure) if failure.depends_on_covariance() => attempts.push(Attempt { covariance: covariance.clone(), failure }),
            Err(failure) => return Err(Error::Fit(failure)),
        }
    }
    Err(Error::NoCovarianceFits { attempts })
}
