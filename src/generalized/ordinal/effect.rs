//! The random intercept of a cumulative logit model.

use super::likelihood::{Optimum, Sample};
use super::random::{NO_SD, Unfit, WithIntercept, maximise};
use crate::error::{Error, Result};
use crate::generalized::{NotFitted, Observations};
use crate::table::counted;
use nalgebra::{DMatrix, DVector};

/// A random intercept: what observations of one level of a factor share on the scale of the log odds.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Effect {
    /// The factor.
    pub factor: String,
    /// How many levels it has.
    pub levels: usize,
    /// The standard deviation between levels; zero where it has vanished.
    pub sd: f64,
    /// Its standard error; NaN where it has vanished.
    pub se_sd: f64,
    /// How many nodes of quadrature were used.
    pub nodes_used: usize,
    /// Whether another number of nodes gave the same.
    pub nodes_settled: bool,
}

/// The observations of each level of the random intercept; `None` in a model without random effects.
///
/// # Errors
/// [`Error::Invalid`] for random effects other than one intercept, observations in no level, and weights.
pub(super) fn levels(observations: &Observations) -> Result<Option<Vec<Vec<usize>>>> {
    let refused = |why: &str| {
        Err(Error::not_built(
            "a cumulative logit model with these random effects",
            why,
            "state one random intercept, such as (1 | patient), or analyse one visit without",
        ))
    };
    let term = match observations.design().random() {
        [] => return Ok(None),
        [term] if term.effects() == ["(Intercept)"] => term,
        _ => return refused("the integral is over one random intercept"),
    };
    if observations.weights.is_some() {
        return refused("observations have weights");
    }
    let visits = observations.columns().visits().len();
    let mut members = vec![vec![]; term.levels().len()];
    for patient in 0..observations.n_patients() {
        for i in observations.of_patient(patient) {
            match term.level_of[patient * visits + observations.visit_of(i)] {
                Some(level) => members[level as usize].push(i),
                None => return refused("some observations are in no level of the factor"),
            }
        }
    }
    if members.iter().all(|own| own.len() < 2) {
        return refused("no level has two observations, which a variance between levels takes");
    }
    members.retain(|own| !own.is_empty());
    Ok(Some(members))
}

impl Effect {
    /// The model with the random intercept, from that without: the optimum, what it says of the intercept, and the scores of the
    /// levels.
    pub(super) fn fitted(
        observations: &Observations,
        sample: &Sample,
        levels: &[Vec<usize>],
        without: Optimum,
    ) -> Result<(Optimum, Option<Self>, DMatrix<f64>)> {
        let factor = observations.design().random()[0].factor().to_string();
        let found = maximise(sample, levels, &without).map_err(|why| {
            Error::NotFitted(match why {
                Unfit::NotConverged(_) => NotFitted::NoMaximum,
                Unfit::InfiniteVariance => NotFitted::InfiniteVariance { of: format!("(Intercept) by {factor}") },
            })
        })?;
        let WithIntercept { mut optimum, mut scores, nodes, settled } = found;
        let last = optimum.parameters.len() - 1;
        let mut effect = Self { factor, levels: levels.len(), sd: 0.0, se_sd: f64::NAN, nodes_used: nodes, nodes_settled: settled };
        if optimum.parameters[last].abs() < NO_SD {
            // σ is at the end of its range: the model without it.
            let own = sample.scores(&without.parameters);
            let of_level = |u: usize, k: usize| levels[u].iter().map(|&i| own[(i, k)]).sum::<f64>();
            return Ok((without, Some(effect), DMatrix::from_fn(levels.len(), own.ncols(), of_level)));
        }
        if optimum.parameters[last] < 0.0 {
            let turn = DMatrix::from_diagonal(&DVector::from_fn(last + 1, |k, _| if k == last { -1.0 } else { 1.0 }));
            optimum.parameters[last] = -optimum.parameters[last];
            optimum.at.score[last] = -optimum.at.score[last];
            optimum.at.information = &turn * &optimum.at.information * &turn;
            optimum.factor =
                nalgebra::Cholesky::new(optimum.at.information.clone()).ok_or(Error::NotFitted(NotFitted::VariancesNotDetermined))?;
            scores *= &turn;
        }
        effect.sd = optimum.parameters[last];
        effect.se_sd = optimum.factor.inverse()[(last, last)].sqrt();
        Ok((optimum, Some(effect), scores))
    }

    /// The standard deviation, where it has not vanished.
    pub(super) fn known(&self) -> Option<f64> {
        (self.sd > 0.0).then_some(self.sd)
    }

    pub(super) fn note(&self) -> String {
        let how = if self.nodes_settled { "until nothing moved" } else { "the most that are tried, where something still moved" };
        let size = match self.known() {
            Some(sd) => format!("SD {sd:.4} (SE {:.4})", self.se_sd),
            None => "zero at the maximum: estimates and standard errors are those of the model without it".into(),
        };
        format!(
            "Random intercept of {} ({}): {size}; adaptive Gauss–Hermite quadrature, {}, {how}. Coefficients, odds ratios and \
             thresholds are conditional: given the level's intercept. Probabilities of the population have it integrated out.",
            self.factor,
            counted(self.levels, "level"),
            counted(self.nodes_used, "node")
        )
    }
}
