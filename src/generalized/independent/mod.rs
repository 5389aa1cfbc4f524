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

/// Whether the columns separate low categories `y` of an ordinal outcome with so many cut-points from high ones: as in a
/// logistic regression of being above each of the two cut-points that an outcome lies between, with an intercept for each
/// cut-point but the first.
pub(super) fn ordinal_separation(observations: &Observations, y: &[usize], cuts: usize) -> Option<NotFitted> {
    let (p, width) = (observations.width(), observations.width() + cuts - 1);
    let (mut x, mut is_above, mut stacked) = (vec![], vec![], 0);
    for (i, &category) in y.iter().enumerate() {
        for cut in [category, category + 1].into_iter().filter(|cut| (1..=cuts).contains(cut)) {
            x.extend_from_slice(observations.row(i));
            x.extend((2..=cuts).map(|own| if own == cut { -1.0 } else { 0.0 }));
            is_above.push(if category >= cut { 1.0 } else { 0.0 });
            stacked += 1;
        }
    }
    let sample = sample::Sample::new(&x, width, is_above, None, Family::Binomial, Link::Logit);
    let found = separation::recession(&sample)?;
    let matrix = nalgebra::DMatrix::from_row_slice(stacked, width, &x);
    let moves = |c: &usize| found.direction[*c].abs() * matrix.column(*c).amax() > 1e-6;
    let columns = (0..p).filter(moves).map(|c| observations.columns()[observations.kept[c]].name.clone()).collect();
    let what = "the columns of the mean model separate low categories from high ones".to_string();
    Some(NotFitted::Separated { what, columns })
}

/// Whether the columns predict outcomes without error, and which, whatever method is to be fitted to these observations.
pub(super) fn separation_of(observations: &Observations, family: Family, link: Link) -> Option<NotFitted> {
    let sample = sample::Sample::new(&observations.x, observations.width(), observations.y.clone(), None, family, link);
    separation::recession(&sample).map(|found| words::separated(observations, &sample, &found))
}
