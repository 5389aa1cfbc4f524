//! Group-sequential designs: when a trial may stop early, and what that costs.
//!
//! The test statistic Z_k at the information fraction t_k is normal with mean δ√t_k, δ being the drift (the expected
//! statistic at full information), and increments √t_k Z_k − √t_{k−1} Z_{k−1} are independent. That holds for the contrast
//! of a mixed model for repeated measures as it holds for a mean (Jennison & Turnbull 2000, chapter 11). Crossing
//! probabilities are found by the recursive integration of Armitage, McPherson and Rowe (1969), here with Gauss and
//! Legendre's rule between the bounds, to about twelve digits.
//!
//! ```
//! use trialstats::study::sequential::{GroupSequential, Spending};
//!
//! // One look at half the information, O'Brien and Fleming's type of spending, two-sided 5%.
//! let design = GroupSequential::new([0.5, 1.0]).spending(Spending::OBrienFleming).boundaries()?;
//! assert!((design.looks[0].upper - 2.963).abs() < 0.001);
//! assert!((design.looks[1].upper - 1.969).abs() < 0.001);
//! // 90% power needs 1.003 times the information of a trial without the look.
//! assert!((design.inflation(0.9)? - 1.0034).abs() < 0.0001);
//! # Ok::<(), trialstats::Error>(())
//! ```
//!
//! References: Armitage P, McPherson CK, Rowe BC (1969). Repeated significance tests on accumulating data. JRSS A
//! 132(2):235–244. doi:10.2307/2343787. Lan KKG, DeMets DL (1983). Discrete sequential boundaries for clinical trials.
//! Biometrika 70(3):659–663. doi:10.1093/biomet/70.3.659. Jennison C, Turnbull BW (2000). Group Sequential Methods with
//! Applications to Clinical Trials. Chapman & Hall/CRC.

mod boundaries;
mod design;
mod recursion;
mod spending;

pub use boundaries::{Boundaries, Exits, Look};
pub use design::{Futility, GroupSequential};
pub use spending::{Efficacy, Spending};
