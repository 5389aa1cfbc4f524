//! Mixed models of binary outcomes and counts: logistic and Poisson regression with random effects.
//!
//! Given the random effects of the levels of factors, of patients, therapists or sites, outcomes are independent, and the
//! effects are normal. The likelihood integrates over them, numerically: at nodes around the conditional mode
//! ([`Quadrature`]), with exact derivatives of what is approximated, for a random intercept up to the second.
//!
//! ```
//! use trialstats::generalized::Glmm;
//! use trialstats::{Estimates, Layout};
//!
//! # fn main() -> trialstats::Result<()> {
//! // Made up: whether 60 patients responded at three visits.
//! let mut file = String::from("id,arm,visit,response\n");
//! for i in 0..60 {
//!     for visit in 1..=3 {
//!         let response = (i * 7 + visit * 5 + (i / 3) * (i % 2)) % 11 < 3 + visit + i % 2 + 3 * (i % 5 / 3);
//!         file += &format!("{i},{},{visit},{}\n", ["control", "new"][i % 2], u8::from(response));
//!     }
//! }
//! let trial = Layout::long("id", "arm", "visit").outcome("response").read_csv_from("made up", file.as_bytes())?;
//! let fit = Glmm::formula("response ~ arm * visit + (1 | patient)")?.fit(&trial)?;
//! assert_eq!(fit.nodes_settled(), Some(true));
//! println!("{}\n{}", fit.coefficients(), fit.components());
//! # Ok(())
//! # }
//! ```

mod approximation;
mod cells;
mod cholesky;
mod components;
mod effects;
mod engine;
mod fit;
mod hermite;
mod intercept;
mod kernel;
mod model;
mod objective;
mod options;
mod population;
mod search;
mod terms;
#[cfg(test)]
mod tests;

pub(in crate::generalized) use approximation::{LADDER, TOLERANCE};
pub use components::{MixedComponent, MixedComponents};
pub use fit::{MixedFit, NodesTried};
pub(in crate::generalized) use hermite::Rule;
pub use model::{Glmm, Integration};
pub use options::{MixedDf, MixedVcov, Quadrature};
pub(in crate::generalized) use population::logistic as logistic_normal;
