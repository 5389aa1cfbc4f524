//! Response and remission: definitions as data, rates per arm and visit, and comparisons between arms.
//!
//! There is no such thing as *the* response rate: 143 trials of PTSD used 226 definitions of response and remission
//! (Varker et al. 2020). A [`Definition`] is therefore data that travels with every number made from it, and what is
//! done with patients who were not observed is a choice ([`Unobserved`]) without a default, printed beside each rate.
//!
//! ```
//! use trialstats::responders::{Definition, RateOptions, Rule, Unobserved, compare, presets, rates};
//! use trialstats::trial::{Outcome, Schedule, Trial};
//!
//! // Four patients, two visits; the last one left before month 12.
//! let trial = Trial::builder("four invented patients")
//!     .patients(["a", "b", "c", "d"])
//!     .arms(["control", "new"], vec![0, 0, 1, 1])
//!     .schedule(Schedule::of_labels(["baseline", "month 12"]).with_baseline("baseline")?)
//!     .outcome(Outcome {
//!         name: "caps5".into(),
//!         label: "CAPS-5 total".into(),
//!         range: Some((0.0, 80.0)),
//!         values: vec![40.0, 35.0, 42.0, 30.0, 38.0, 8.0, 45.0, f64::NAN],
//!     })
//!     .build()?;
//!
//! let response = presets::caps5_response().evaluate(&trial)?;
//! let halved = Definition::new("halved", Rule::percent_drop("caps5", 50.0)).evaluate(&trial)?;
//! let options = RateOptions::new([Unobserved::CountedAsNotMet, Unobserved::ObservedOnly]);
//! let table = rates(&[response.clone(), halved], &options)?;
//! assert_eq!(table.rows[0].met, 1); // control: one of two responded
//! println!("{table}");
//! println!("{}", compare(&[response], &options)?);
//! # Ok::<(), trialstats::Error>(())
//! ```

mod comparison;
mod definition;
mod evaluate;
pub mod presets;
mod rates;
mod rule;

pub use crate::proportions::{
    Direction, Meaning, Measure, NumberNeeded, NumberNeededInterval, Proportion, ZeroCells, odds_ratio, risk_difference, risk_ratio,
};
pub use comparison::{Comparison, ComparisonSummary, Comparisons, compare};
pub use definition::Definition;
pub(crate) use definition::stated_definitions;
pub use evaluate::{Responders, Status, share_below};
pub(crate) use rates::check_names;
pub use rates::{Assumption, Rate, RateOptions, Rates, Unobserved, rates};
pub use rule::{Occasion, Rule};
