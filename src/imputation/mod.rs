//! What if the missing are different: reference-based and delta-adjusted imputation.
//!
//! A likelihood analysis takes the missing to be like the observed of the same arm (missing at random). Here a patient's
//! values after an intercurrent event follow another distribution: that of the reference arm, or something between the
//! two ([`Strategy`]), shifted by a delta where one is stated ([`Delta`]). Carpenter, Roger and Kenward (2013, Journal of
//! Biopharmaceutical Statistics 23:1352–1371) define the strategies.
//!
//! Which values are after an event is data: [`Events`] has, per patient and event, the first visit after it and how the
//! estimand takes the event into account ([`EventStrategy`]: treatment policy, hypothetical, composite, while on treatment).
//! Unless stated the event is dropout. A model that has to impute them is fitted to the values that inform it
//! ([`ReferenceBased::informing`]). [`Fit::completed_data`](crate::Fit::completed_data) gives every value with what became of
//! it, and [`Tipping`] shifts imputed values until the conclusion turns.
//!
//! Given the fitted model, each missing value is replaced by its expectation under the strategy given what was observed
//! of the patient (conditional mean imputation; Wolbers et al. 2022, Pharmaceutical Statistics 21:1246–1257), and the
//! completed data are analysed by ANCOVA at each visit. The estimate needs no random number. Its standard error answers
//! one of two questions:
//!
//! | [`Variance`] | question | how |
//! |---|---|---|
//! | `jackknife` | how far would the estimate vary in repetitions of the trial? | the whole analysis without each patient in turn |
//! | `delta-method` | the same | the estimate is linear in the outcomes given the covariance: its variance follows from the model, with that of the covariance parameters by the delta method; where an event replaces values, from the patients (nonparametric delta method) |
//! | `information-anchored` | what would Rubin's rules say with infinitely many draws? | within- and between-imputation variance in closed form |
//!
//! Under reference-based strategies the first two grow smaller with more missing data, because imputed values borrow
//! from the other arm; Rubin's rules keep the information that was lost lost (Cro, Carpenter and Kenward 2019, JRSS A
//! 182:623–645). Say which one is meant.
//!
//! ```
//! use trialstats::imputation::{ReferenceBased, Strategy};
//! use trialstats::{Layout, Model};
//!
//! let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
//!     .arms(["DRUG", "PLACEBO"])
//!     .outcome("CHANGE")
//!     .covariate("BASVAL")
//!     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
//! let fit = Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT")?.fit(&trial)?;
//! let plan = ReferenceBased::new(Strategy::JumpToReference).reference("PLACEBO").covariates(["BASVAL"]);
//! let table = fit.reference_based(&trial, &plan)?;
//! let last = table.differences().last().expect("four visits");
//! assert_eq!(format!("{:.6} ({:.6})", last.estimate, last.se), "2.125580 (0.858135)");
//! # Ok::<(), trialstats::Error>(())
//! ```

mod affected;
mod analysis;
mod anchored;
mod ancova;
mod chains;
mod closed_form;
mod completed;
mod completed_file;
mod completion;
mod delta;
mod drawn;
mod drawn_shares;
mod drawn_table;
mod draws;
mod event_dates;
mod event_dates_table;
mod event_table;
mod events;
mod events_file;
mod gibbs;
mod handling;
mod imputations;
mod influence;
mod metropolis;
mod near;
mod own;
mod plan;
mod pooled;
mod pooling;
mod posterior;
mod regression;
mod resampled;
mod strategy;
mod table;
mod tipping;
mod tipping_draws;
mod tipping_measure;

pub(crate) use affected::{Affected, Use};
pub use analysis::CompletedAnalysis;
pub use completed::{CompletedData, CompletedValue};
pub use completed_file::CompletedWriter;
pub use delta::{Delta, DeltaScale, Intermittent};
pub use draws::{CovariancePrior, DrawMethod, Draws, ResampledInterval};
pub(crate) use event_dates::texts_of;
pub use event_dates::{DatePlace, TimeUnit, VisitDates};
pub use event_dates_table::{EventDateRow, EventDates};
pub use event_table::{EventRow, EventTable};
pub use events::{Event, Events};
pub use events_file::EventsFile;
pub use handling::{Composite, EventStrategy};
pub use imputations::{Completed, ImputationParameters, Imputations};
pub(crate) use near::difference_near;
pub use own::Distribution;
pub use plan::{ReferenceBased, Variance};
pub use pooled::{Pooled, PooledRow, PooledTable, Quantity};
pub use posterior::SamplerSummary;
pub use strategy::Strategy;
pub use table::{ImputedEstimate, ImputedTable};
pub use tipping::{Shifted, Tipping, TippingPoint, Turn};
pub use tipping_draws::{DrawnShift, DrawnTipping, DrawnTurn};
pub use tipping_measure::TippingMeasure;
