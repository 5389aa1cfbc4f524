//! Predicted effects of clusters.

use super::{FittedTerm, Prediction};
use crate::inference::Fit;
use crate::table::{Column, Format, Tabular, display_as_table};
use serde::Serialize;

/// The effects of every level of every cluster factor, predicted.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PredictedEffects {
    /// Factor by factor, level by level, effect by effect; none for a model without random effects.
    pub rows: Vec<PredictedEffect>,
    /// How they were made.
    pub notes: Vec<String>,
}

/// One effect of one level.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PredictedEffect {
    /// The cluster factor: `therapist`.
    pub factor: String,
    /// The level.
    pub level: String,
    /// The effect: `(Intercept)`.
    pub effect: String,
    /// û, in units of the outcome per unit of what multiplies the effect.
    pub estimate: f64,
    /// The standard error of prediction √Var(û − u), in which the coefficients are estimated.
    pub se: f64,
    /// The standard deviation of u given the data and the coefficients, as if those were known: never more than `se`.
    pub conditional_sd: f64,
    /// Patients with an analysed observation in the level.
    pub patients: usize,
    /// Analysed observations in the level.
    pub observations: usize,
}

impl Fit {
    /// The effects of the clusters, predicted: best linear unbiased predictions û = GZ'V⁻¹(y − Xβ̂) at the estimated
    /// covariance (Henderson 1975, Biometrics 31:423–447).
    ///
    /// [`se`](PredictedEffect::se) is the standard error of prediction √Var(û − u), as SAS PROC MIXED prints it with
    /// `solution`. It takes the estimation of the coefficients into account. lme4's `ranef(condVar = TRUE)` does not:
    /// what it reports is [`conditional_sd`](PredictedEffect::conditional_sd). Neither takes the estimation of the
    /// covariance into account.
    ///
    /// ```
    /// # use trialstats::{Model, simulate::Gaussian};
    /// # fn main() -> trialstats::Result<()> {
    /// let trial = Gaussian::new(["before", "after"]).arm("a", 40, [5.0, 5.0]).arm("b", 40, [5.0, 4.0]).groups("group", "b", 8, [1.0, 1.0]).trial(1, 0)?;
    /// let fit = Model::formula("y ~ arm * visit + (1 | group)")?.fit(&trial)?;
    /// assert_eq!(fit.random_effects().rows.len(), 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn random_effects(&self) -> PredictedEffects {
        let rows = self.fitted_terms().iter().flat_map(|term| self.predicted_rows(term)).collect();
        let mut notes = self.notes();
        notes.push(match self.design().random().is_empty() {
            true => "The model has no random effects.".into(),
            false => {
                "Best linear unbiased predictions. SE of prediction, coefficients being estimated; conditional SD as if they were known."
                    .into()
            }
        });
        PredictedEffects { rows, notes }
    }

    fn predicted_rows(&self, of: &FittedTerm) -> Vec<PredictedEffect> {
        let term = of.term;
        let (k, counts) = (term.effects().len(), counts(of, self.design().visit_labels().len()));
        let row = |(c, predicted): (usize, Prediction)| PredictedEffect {
            factor: term.factor().into(),
            level: term.levels()[c / k].clone(),
            effect: term.effects()[c % k].clone(),
            estimate: predicted.estimate,
            se: predicted.variance.max(0.0).sqrt(),
            conditional_sd: predicted.conditional.max(0.0).sqrt(),
            patients: counts[c / k].0,
            observations: counts[c / k].1,
        };
        self.predicted(of).into_iter().enumerate().map(row).collect()
    }
}

/// Patients and observations of every level.
fn counts(of: &FittedTerm, visits: usize) -> Vec<(usize, usize)> {
    let mut counts = vec![(0, 0); of.term.levels().len()];
    for own in of.term.level_of().chunks_exact(visits.max(1)) {
        let mut seen: Vec<usize> = own.iter().flatten().map(|&level| level as usize).collect();
        seen.iter().for_each(|&level| counts[level].1 += 1);
        seen.sort_unstable();
        seen.dedup();
        seen.iter().for_each(|&level| counts[level].0 += 1);
    }
    counts
}

impl PredictedEffects {
    /// The row of an effect of a level.
    pub fn get(&self, factor: &str, level: &str, effect: &str) -> Option<&PredictedEffect> {
        self.rows.iter().find(|r| r.factor == factor && r.level == level && r.effect == effect)
    }
}

impl Tabular for PredictedEffects {
    fn title(&self) -> String {
        "Predicted random effects".into()
    }

    fn columns(&self) -> Vec<Column> {
        let text = |name, heading, of: fn(&PredictedEffect) -> &str| Column::text(name, heading, self.rows.iter().map(of));
        let real =
            |name, heading, of: fn(&PredictedEffect) -> f64| Column::real(name, heading, Format::Decimals(3), self.rows.iter().map(of));
        vec![
            text("factor", "Cluster", |r| &r.factor),
            text("level", "Level", |r| &r.level),
            text("effect", "Effect", |r| &r.effect),
            real("estimate", "Estimate", |r| r.estimate),
            real("se", "SE", |r| r.se),
            real("conditional_sd", "Conditional SD", |r| r.conditional_sd),
            Column::count("patients", "Patients", self.rows.iter().map(|r| r.patients)),
            Column::count("observations", "Observations", self.rows.iter().map(|r| r.observations)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(PredictedEffects);
