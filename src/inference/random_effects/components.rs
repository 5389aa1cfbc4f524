//! Variances, standard deviations and correlations of random effects and residuals.

use super::FittedTerm;
use crate::inference::moments_fit::{GroupCovariance, MomentsFit};
use crate::table::{Column, Format, Tabular, display_as_table};
use serde::Serialize;

/// What varies, and how much: the random effects of every cluster factor, then the residuals.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VarianceComponents {
    /// Factor by factor, effect by effect; residuals by covariance group and, where their variances differ, by visit.
    pub rows: Vec<VarianceComponent>,
    /// How they were made.
    pub notes: Vec<String>,
}

/// One variance.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VarianceComponent {
    /// The cluster factor; `Residual`, with the covariance group where there are several, for what patients and
    /// visits add.
    pub component: String,
    /// The effect; the visit of a residual, empty where all visits have one variance.
    pub effect: String,
    /// The variance, in squared units of the outcome (per squared unit of what multiplies the effect).
    pub variance: f64,
    /// Its root.
    pub sd: f64,
    /// Correlations with the effects of the same factor before this one, in their order; none for residuals, whose
    /// correlations [`MomentsFit::covariances`] has, and for independent effects.
    pub correlations: Vec<f64>,
}

impl MomentsFit {
    /// The variance components: variances, standard deviations and correlations of the random effects, and the
    /// variances of the residuals, by covariance group (arm, where the covariance differs by arm) and, where they
    /// differ, by visit. lme4 and nlme have this as `VarCorr`.
    ///
    /// Intervals are in [`MomentsFit::covariance_intervals`].
    ///
    /// ```
    /// # use trialstats::{Model, simulate::Gaussian};
    /// # fn main() -> trialstats::Result<()> {
    /// let trial = Gaussian::new(["before", "after"]).arm("a", 40, [5.0, 5.0]).arm("b", 40, [5.0, 4.0]).groups("group", "b", 8, [1.0, 1.0]).trial(1, 0)?;
    /// let components = Model::formula("y ~ arm * visit + (1 | group)")?.fit(&trial)?.variance_components();
    /// assert_eq!(components.rows[0].component, "group");
    /// # Ok(())
    /// # }
    /// ```
    pub fn variance_components(&self) -> VarianceComponents {
        let theta = &self.optimum().theta;
        let of_terms = self.fitted_terms().into_iter().flat_map(|term| of_term(&term, theta));
        let of_residuals = self.covariances().iter().flat_map(|group| self.of_residual(group));
        VarianceComponents { rows: of_terms.chain(of_residuals).collect(), notes: self.notes() }
    }

    fn of_residual(&self, group: &GroupCovariance) -> Vec<VarianceComponent> {
        let component = match self.covariances().len() {
            1 => "Residual".to_string(),
            _ => format!("Residual ({})", group.group),
        };
        let variances = group.sigma.diagonal();
        let row = |effect: &str, variance: f64| VarianceComponent {
            component: component.clone(),
            effect: effect.into(),
            variance,
            sd: variance.sqrt(),
            correlations: vec![],
        };
        if variances.iter().all(|v| (v - variances[0]).abs() <= 1e-12 * variances[0]) {
            return vec![row("", variances[0])];
        }
        self.columns.visit_labels().iter().zip(&variances).map(|(visit, &variance)| row(visit, variance)).collect()
    }
}

fn of_term(of: &FittedTerm, theta: &[f64]) -> Vec<VarianceComponent> {
    let g = of.covariance(theta);
    let sd = |a: usize| g[(a, a)].max(0.0).sqrt();
    let row = |(a, effect): (usize, &String)| VarianceComponent {
        component: of.term.factor().into(),
        effect: effect.clone(),
        variance: g[(a, a)],
        sd: sd(a),
        correlations: (0..a).filter(|&b| of.parameter(a, b).is_some()).map(|b| g[(a, b)] / (sd(a) * sd(b))).collect(),
    };
    of.term.effects().iter().enumerate().map(row).collect()
}

impl VarianceComponents {
    /// The row of a component and effect.
    pub fn get(&self, component: &str, effect: &str) -> Option<&VarianceComponent> {
        self.rows.iter().find(|r| r.component == component && r.effect == effect)
    }
}

impl Tabular for VarianceComponents {
    fn title(&self) -> String {
        "Variance components".into()
    }

    fn columns(&self) -> Vec<Column> {
        let real = |name, heading, of: fn(&VarianceComponent) -> f64| Column::significant(name, heading, 4, self.rows.iter().map(of));
        let mut columns = vec![
            Column::text("component", "Component", self.rows.iter().map(|r| r.component.as_str())),
            Column::text("effect", "Effect", self.rows.iter().map(|r| r.effect.as_str())),
            real("variance", "Variance", |r| r.variance),
            real("sd", "SD", |r| r.sd),
        ];
        let most = self.rows.iter().map(|r| r.correlations.len()).max().unwrap_or(0);
        columns.extend((0..most).map(|b| {
            let correlations = self.rows.iter().map(move |r| r.correlations.get(b).copied().unwrap_or(f64::NAN));
            let heading = if most == 1 { "Correlation".to_string() } else { format!("Corr. {}", b + 1) };
            Column::real(format!("correlation_{}", b + 1), &heading, Format::Decimals(2), correlations)
        }));
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(VarianceComponents);
