//! Several responses at once: CAPS-5 and SCID-5-PD of the same patients in one model.
//!
//! Each response has a mean model of its own; the residuals of a patient, all responses and visits together, have one
//! covariance ([`JointCovariance`]). With incomplete data the responses inform each other: a patient whose CAPS-5 is
//! missing at a visit still informs it through the other response. Tests over several outcomes at once need no
//! correction for multiplicity, and the correlation between the outcomes is an estimate with an interval.
//!
//! ```
//! use trialstats::joint::{JointCovariance, JointModel};
//! use trialstats::means::ContrastOptions;
//! use trialstats::{Df, Layout, Model};
//!
//! # fn main() -> trialstats::Result<()> {
//! let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
//!     .reference_arm("PLACEBO")
//!     .outcome("HAMATOTL")
//!     .outcome("HAMDTL17")
//!     .covariate("BASVAL")
//!     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
//! let fit = JointModel::new([
//!     Model::formula("HAMATOTL ~ BASVAL + THERAPY * VISIT")?,
//!     Model::formula("HAMDTL17 ~ BASVAL + THERAPY * VISIT")?,
//! ])
//! .covariance(JointCovariance::Unstructured)
//! .df(Df::KenwardRoger)
//! .fit(&trial)?;
//!
//! // One response: everything that a fit of its own would offer.
//! println!("{}", fit.of("HAMATOTL")?.arm_contrasts(&ContrastOptions::default())?);
//! // Both: do the arms differ on either outcome at the last visit?
//! let test = fit.arm_test(&[("HAMATOTL", "7"), ("HAMDTL17", "7")])?;
//! assert_eq!(test.num_df, 2.0);
//! println!("{}", fit.correlations(0.95)?);
//! # Ok(())
//! # }
//! ```

mod correlations;
mod covariance;
mod fit;
mod model;

pub use correlations::{ResponseCorrelation, ResponseCorrelations};
pub use covariance::JointCovariance;
pub use fit::JointFit;
pub use model::JointModel;
