//! A number together with where it comes from.

use serde::{Deserialize, Serialize};

/// A value of a [`Truth`](super::Truth) that says where it comes from; there is no way to state one without.
///
/// In JSON: `{ "value": 66, "published": "van den End et al. 2024" }`, `{ "value": 0.4, "invented": "plausible" }` or
/// `{ "value": 23, "calibrated": "so that …" }`.
///
/// ```
/// use trialstats::simulate::Stated;
///
/// let stated: Stated<u32> = serde_json::from_str(r#"{ "value": 66, "published": "van den End et al. 2024" }"#).unwrap();
/// assert_eq!(*stated, 66);
/// assert!(serde_json::from_str::<Stated<u32>>(r#"{ "value": 66 }"#).is_err());
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stated<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It was published; the text names the source.
    Published(String),
    /// It was chosen so that the simulated data reproduce a published figure; the text says which.
    Calibrated(String),
    /// It was made up; the text says what makes it plausible. Nobody reported it.
    Invented(String),
}

impl<T> std::ops::Deref for Stated<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
