//! Planning a trial: power, sample size, and what the analysis that is planned will do in trials like the one intended.
//!
//! A study is truth × plan → operating characteristics. [`TrialTruth`] states a trial that is planned: means, covariance,
//! therapists and groups, dropout. [`Procedure`]s are the analyses, those of a [`Plan`](crate::analysis::Plan) or others.
//! [`replicate`] simulates and analyses as many trials as wanted, and [`OperatingCharacteristics`] says what became of them:
//! power or type I error, bias, coverage, standard errors, failures, each with its Monte-Carlo error. [`StudyFile`] is all of
//! it in a file, with searches for the number of patients or the smallest detectable effect, curves over one assumption at a
//! time, interim looks, and formulas beside the simulated numbers: the command `trialstats power`.
//!
//! - [`analytic`]: formulas for power and sample size.
//! - [`sequential`]: group-sequential bounds.
//!
//! # The same numbers everywhere
//! Trial r under a seed is the same one on any machine, for any number of threads, and for any number of parts that a study is
//! simulated in ([`StudyFile::write_part`]). Patient j of an arm draws from a stream of their own, so that trials of the same
//! number with more patients, another effect or other dropout share their random numbers.

mod accrual;
pub mod analytic;
mod blinded;
mod characteristics;
mod costs;
mod covariation;
mod document;
mod draw;
mod estimand;
mod events;
mod familywise;
mod file;
mod formula;
mod frame;
mod left_out;
mod life;
mod looks;
mod missing;
mod pilot;
mod procedure;
mod reading;
mod reestimation;
mod replicates;
mod response;
mod run;
mod search;
pub mod sequential;
mod shards;
mod thresholds;
mod truth;
mod whole;

pub use accrual::Arrivals;
pub use blinded::BlindedReview;
pub use characteristics::{Characteristics, OperatingCharacteristics, Share};
pub use costs::Costs;
pub use covariation::Correlation;
pub use document::{Assumptions, PowerTable};
pub use draw::Drawer;
pub use events::EventTruth;
pub use familywise::Familywise;
pub use file::{Find, StudyFile, StudySettings, Vary};
pub use formula::ByTheory;
pub use looks::{InterimStudy, LookRow, Looks};
pub use missing::MissingTruth;
pub use pilot::Uncertainty;
pub use procedure::{Answer, Compared, Procedure, Question};
pub use reestimation::{BlindedVariance, Reestimated, ReestimatedRow, Reestimation};
pub use replicates::{Replicate, Replicates, Source, replicate};
pub use run::{Found, PointResult, StudyResult};
pub use truth::{ArmTruth, ClusterTruth, CovariateTruth, TrialTruth};
