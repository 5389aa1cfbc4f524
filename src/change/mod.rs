//! What became of each patient: reliable and clinically significant change, and cumulative responder curves.
//!
//! A difference of means says nothing of how many patients got better. Here each patient's change is compared with error
//! of measurement and with the range of functional scores: [`IndividualChange`] says how, [`IndividualChange::evaluate`]
//! classifies everyone randomized, [`rates`](IndividualChanges::rates) and [`compare`](IndividualChanges::compare) set the
//! arms beside each other. [`responder_curves`] need no definition at all: they show every cut-off at once.
//!
//! ```
//! use trialstats::change::{CutOff, IndividualChange, Norm, Reliability};
//! use trialstats::means::Better;
//! use trialstats::responders::{RateOptions, Unobserved};
//! use trialstats::trial::BaselineFrom;
//!
//! let trial = trialstats::Layout::long("PATIENT", "THERAPY", "VISIT")
//!     .reference_arm("PLACEBO")
//!     .outcome("HAMDTL17")
//!     .covariate("BASVAL")
//!     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
//!
//! // What counts, stated with its sources; the clinical population is the trial at baseline.
//! let change = IndividualChange::by_reliability("HAMDTL17", Better::Lower, Reliability::test_retest(0.8).source("illustrative"))
//!     .functional(Norm::new(4.0, 3.0).source("illustrative"))
//!     .cut_off(CutOff::C);
//! let classified = change.evaluate_with(&trial, &BaselineFrom::Covariate("BASVAL".into()))?;
//!
//! // What is done with the unobserved has no default.
//! let options = RateOptions::new([Unobserved::CountedAsNotMet, Unobserved::ObservedOnly]).visits(["7"]);
//! println!("{}", classified.rates(&options)?);
//! let comparisons = classified.compare(&options)?;
//! println!("{comparisons}");
//! assert_eq!(comparisons.tests.len(), 2);
//! # Ok::<(), trialstats::Error>(())
//! ```
//!
//! # Which method
//!
//! Jacobson and Truax's is what nearly all papers report, needs the least and is the default. The others shrink the baseline
//! to its mean first, since extreme scores fall by themselves; without a control group that matters, between randomized arms it
//! happens to both. Which of them is used, the standard deviation and the reliability move the shares more than anything else
//! does, and every table names them. Differences between arms are those of the randomized groups only as long as the unobserved
//! are not left out.
//!
//! | by | expected score | over |
//! |---|---|---|
//! | [`JacobsonTruax`](ReliableChangeMethod::JacobsonTruax) | x | S√(2(1−r)) |
//! | [`EdwardsNunnally`](ReliableChangeMethod::EdwardsNunnally) | M + r(x − M) | S√(1−r) |
//! | [`GulliksenLordNovick`](ReliableChangeMethod::GulliksenLordNovick) | M + r(x − M) | S√(1−r²) |
//! | [`HsuLinnLord`](ReliableChangeMethod::HsuLinnLord) | M_y + r(x − M) | S√(1−r²) |
//! | [`HagemanArrindell`](ReliableChangeMethod::HagemanArrindell) | x − (M_y − M_x)(1 − r_D)/r_D | S√(2(1−r)) / √r_D |

mod class;
mod comparison;
mod curve;
mod definition;
mod evaluate;
mod method;
mod norms;
mod rates;
mod yardstick;

pub use class::{ChangeCategory, ChangeClass, ClassScheme};
pub use comparison::{ChangeComparison, ChangeComparisons, OrderedTest};
pub use curve::{CurveOptions, CurvePoint, CurveScale, CurveSteps, ResponderCurves, responder_curves};
pub use definition::IndividualChange;
pub use evaluate::{IndividualChanges, PatientChange};
pub use method::{Reliability, ReliabilityKind, ReliableChangeMethod};
pub use norms::{CutOff, Norm, Spread};
pub use rates::{ChangeRate, ChangeRates};
pub use yardstick::Yardstick;
