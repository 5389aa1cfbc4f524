//! Power and sample size by formula, where theory has one.
//!
//! Every design here answers the same three questions ([`Ask`]): the power of so many patients, the patients that give
//! so much power, and the effect that so many patients detect.
//!
//! | design | effect | source |
//! |---|---|---|
//! | [`Mmrm`] | difference of the arms at the last visit, by MMRM, with dropout | Lu, Luo & Chen (2008) |
//! | [`Slopes`] | difference of two slopes in time; random slopes with dropout | Diggle et al. (2002); Ard & Edland (2011) |
//! | [`CorrelatedObservations`] | any coefficient of a marginal model | Liu & Liang (1997) |
//! | [`GroupTherapy`] | difference of two means with therapy groups in one arm, in both or in none | Moerbeek & Wong (2008) |
//! | [`TwoMeans`] | difference of two means, by the t test | noncentral t |
//! | [`TwoProportions`] | difference of two proportions | Fleiss, Levin & Paik (2003) |
//!
//! ```
//! use trialstats::study::analytic::{Ask, Mmrm, PowerFormula};
//!
//! // Four visits, any two with correlation .25; 10, 20 and 30% have left by visits 2, 3 and 4.
//! let design = Mmrm::compound_symmetry(0.25, [1.0, 0.9, 0.8, 0.7])?;
//! let answer = design.solve(&Ask::patients_for(0.5, 0.8))?;
//! assert_eq!(answer.patients(), [87, 87]);
//! # Ok::<(), trialstats::Error>(())
//! ```
//!
//! # Conventions
//! Power is that of the tail on the effect's side: a two-sided test's chance of significance in the wrong direction is
//! left out, as it is in R's `power.t.test` and in longpower. Numbers of patients are exact ([`Answer::exact`]) and
//! rounded up arm by arm ([`Answer::patients`]).

mod answer;
mod clusters;
mod liu_liang;
mod means;
mod mmrm;
mod proportions;
mod slopes;
mod solve;

pub use answer::Answer;
pub use clusters::{GroupTherapy, Groups};
pub use liu_liang::CorrelatedObservations;
pub use means::TwoMeans;
pub use mmrm::{Mmrm, Reference};
pub use proportions::TwoProportions;
pub use slopes::Slopes;
pub use solve::{Ask, PowerFormula, Sides};
