//! Trials from a stated truth: synthetic data for the samples, for tests and for the validation of the methods
//! themselves.
//!
//! Two simulators, for two purposes:
//!
//! - [`Truth`] states a trial of PTSD with comorbid cluster C personality disorder down to the single rating: who is
//!   included, how the latent severity moves, how a total is spread over the items of CAPS-5 and SCID-5-PD, who
//!   treats whom, who drops out. Every number in it says whether it was published (and where), calibrated or invented
//!   ([`Stated`]). [`Truth::simulate`] makes a [`SimulatedTrial`], which is written as CSV and read back like any
//!   other trial's file.
//! - [`Gaussian`] makes a [`Trial`](crate::Trial) with a normally distributed outcome of any size, with groups of
//!   patients where they are wanted, for tests, benches and simulation studies.
//!
//! ```
//! use trialstats::simulate::{Dropout, Gaussian};
//!
//! let trial = Gaussian::new(["baseline", "month 6", "month 12"])
//!     .arm("control", 50, [40.0, 36.0, 35.0])
//!     .arm("treatment", 50, [40.0, 30.0, 25.0])
//!     .compound_symmetry(10.0, 0.5)
//!     .dropout(Dropout::AtRandom { at_mean: 0.1, log_odds_per_sd: 0.5 })
//!     .trial(20261121, 0)?;
//! assert_eq!(trial.randomized(), [50, 50]);
//! # Ok::<(), trialstats::Error>(())
//! ```
//!
//! # The same bytes everywhere
//! Random numbers come from ChaCha with twelve rounds, one stream per patient, so the result depends neither on the
//! number of threads nor on the order of work. Logarithms and exponentials are those of the `libm` crate, not of the
//! operating system, and normal deviates are made here ([`random`]): the same truth gives the same bytes on every
//! platform and after every upgrade of a dependency.

mod file;
mod gaussian;
mod groups;
mod items;
mod patient;
pub mod random;
mod stated;
mod trial;
mod truth;

pub use gaussian::{Dropout, Gaussian};
pub use patient::{Assessed, SimulatedPatient};
pub use stated::{Origin, Stated};
pub use trial::SimulatedTrial;
pub use truth::{
    AccompanyingItem, ArmTruth, CorrelationTruth, DropoutTruth, InstrumentTruth, ItemTruth, OnsetTruth, PatientTruth, SessionTruth,
    SiteTruth, Truth, VisitTruth,
};
