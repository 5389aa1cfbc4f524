//! Outcomes of which every patient has one: generalized linear models by maximum likelihood, or by Firth's penalised
//! likelihood where covariates separate the events from the others.
//!
//! ```
//! use trialstats::generalized::{GeneralizedModel, GlmOptions, Penalty, PopulationOptions, PopulationVariance};
//! use trialstats::{Estimates, Layout};
//!
//! # fn main() -> trialstats::Result<()> {
//! # let file = "id,arm,visit,score0,well\n".to_string()
//! #     + &(0..60).map(|i| format!("{i},{},12,{},{}\n", ["care", "new"][i % 2], 20 + i * 7 % 23, (i * 5 + i % 2 * 3) % 8 / 4)).collect::<String>();
//! let trial = Layout::long("id", "arm", "visit").outcome("well").covariate("score0").read_csv_from("a made-up trial", file.as_bytes())?;
//! let model = GeneralizedModel::formula("well ~ score0 + arm")?;
//! let fit = model.fit_independent(&trial, &GlmOptions::default())?;
//! println!("{}", fit.coefficients()); // log odds, conditional on the score
//! // The risk difference of the population, robust to a wrong model.
//! println!("{}", fit.population_means(&PopulationOptions::default().variance(PopulationVariance::Ye))?);
//! let firth = model.fit_independent(&trial, &GlmOptions::default().penalty(Penalty::Firth))?;
//! println!("{}", firth.profile(0.95)?);
//! # Ok(())
//! # }
//! ```

mod firth;
mod fit;
mod options;
mod profile;
mod robust;
mod sample;
mod search;
mod separation;
mod words;

pub use fit::Glm;
pub use options::{GlmOptions, Penalty};
pub use profile::{PenalisedTest, ProfileRow, ProfileTable};
pub use robust::GlmVcov;

use super::{Family, NotFitted, Observations};
use crate::estimates::Link;

/// Whether the columns predict outcomes without error, and which, whatever method is to be fitted to these observations.
pub(super) fn separation_of(observations: &Observations, family: Family, link: Link) -> Option<NotFitted> {
    let sample = sample::Sample::new(&observations.x, observations.width(), observations.y.clone(), None, family, link);
    separation::recession(&sample).map(|found| words::separated(observations, &sample, &found))
}
