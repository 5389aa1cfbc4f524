//! Variances of random effects as a table.

use super::MixedFit;
use super::terms::is_correlated;
use crate::design::EffectCovariance;
use crate::generalized::Family;
use crate::table::{Column, Format, Tabular, counted, display_as_table};
use serde::Serialize;

/// A parameter of the random effects.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MixedComponent {
    /// The factor whose levels have the effect.
    pub factor: String,
    /// The effect; `(Intercept)`, `time`.
    pub effect: String,
    /// Its variance.
    pub variance: f64,
    /// The standard error of the variance, by the delta method from the covariance of the estimates; NaN where it has
    /// vanished.
    pub se: f64,
    /// Its standard deviation.
    pub sd: f64,
    /// The standard error of the standard deviation.
    pub se_sd: f64,
    /// The correlations with the effects of the level before it; NaN where a variance has vanished.
    pub correlations: Vec<f64>,
    /// For a random intercept of a binary outcome, the intraclass correlation on the latent logistic scale, the variance
    /// over all variances of intercepts + π²/3; NaN elsewhere.
    pub icc_latent: f64,
}

/// The variances of the random effects of a mixed model.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MixedComponents {
    /// Term by term, effect by effect.
    pub rows: Vec<MixedComponent>,
    /// How many levels each factor has, and how the likelihood is.
    pub notes: Vec<String>,
}

impl MixedFit {
    /// Variances, standard deviations and correlations of the random effects.
    pub fn components(&self) -> MixedComponents {
        let p = self.found.parameters.nrows() - self.theta().len();
        let mut rows = vec![];
        let is_intercept = |t: usize| self.random()[t].effects == ["(Intercept)"];
        let only_intercepts = (0..self.random().len()).all(is_intercept);
        let all: f64 = (0..self.random().len()).filter(|&t| is_intercept(t)).map(|t| self.effect_covariance(t)[(0, 0)]).sum();
        for (t, term) in self.random().iter().enumerate() {
            let (k, lambda, g) = (term.size(), self.lambda(t), self.effect_covariance(t));
            for row in 0..k {
                // ∂G_rr/∂Λ_rc = 2 Λ_rc.
                let own: Vec<(usize, f64)> =
                    self.found.terms.elements[t].iter().filter(|e| e.0 == row).map(|e| (p + e.2, 2.0 * lambda[row * k + e.1])).collect();
                let variance = g[(row, row)];
                let square: f64 = own
                    .iter()
                    .flat_map(|a| own.iter().map(move |b| (a, b)))
                    .map(|(a, b)| a.1 * self.found.parameters[(a.0, b.0)] * b.1)
                    .sum();
                let se = if variance > 0.0 { square.max(0.0).sqrt() } else { f64::NAN };
                let correlation = |other: usize| g[(row, other)] / (variance * g[(other, other)]).sqrt();
                rows.push(MixedComponent {
                    factor: term.factor.clone(),
                    effect: term.effects[row].clone(),
                    variance,
                    se,
                    sd: variance.sqrt(),
                    se_sd: se / (2.0 * variance.sqrt()),
                    correlations: if term.structure == EffectCovariance::Correlated { (0..row).map(correlation).collect() } else { vec![] },
                    icc_latent: match self.family() {
                        Family::Binomial if only_intercepts => variance / (all + std::f64::consts::PI.powi(2) / 3.0),
                        _ => f64::NAN,
                    },
                });
            }
        }
        let levels: Vec<String> = self.random().iter().map(|t| format!("{} of {}", t.levels.len(), t.factor)).collect();
        let mut notes = vec![format!(
            "Levels: {}. −2 log L {:.3}, AIC {:.2}, BIC {:.2} (n = {}); {} per dimension.",
            levels.join(", "),
            self.minus_two_log_likelihood(),
            self.aic(),
            self.bic(),
            counted(self.n_independent(), "independent cluster"),
            counted(self.nodes(), "node")
        )];
        if only_intercepts && self.family() == Family::Binomial {
            notes.push("ICC (latent): the share in the variance of a latent logistic variable, to whose other variances π²/3 is added; not the correlation of the binary outcomes.".into());
        }
        if self.random().iter().any(is_correlated) {
            notes.push("Correlation: with the effects of the level above it in the table.".into());
        }
        MixedComponents { rows, notes }
    }
}

impl Tabular for MixedComponents {
    fn title(&self) -> String {
        "Random effects".into()
    }

    fn columns(&self) -> Vec<Column> {
        let real = |name, heading, value: fn(&MixedComponent) -> f64| {
            Column::real(name, heading, Format::Decimals(4), self.rows.iter().map(value))
        };
        let mut columns = vec![
            Column::text("factor", "Factor", self.rows.iter().map(|r| r.factor.as_str())),
            Column::text("effect", "Effect", self.rows.iter().map(|r| r.effect.as_str())),
            real("variance", "Variance", |r| r.variance),
            real("se", "SE", |r| r.se),
            real("sd", "SD", |r| r.sd),
        ];
        let most = self.rows.iter().map(|r| r.correlations.len()).max().unwrap_or(0);
        for k in 0..most {
            let heading = if most == 1 { "Correlation".to_string() } else { format!("Correlation {}", k + 1) };
            let of = self.rows.iter().map(|r| r.correlations.get(k).copied().unwrap_or(f64::NAN));
            columns.push(Column::real("correlation", &heading, Format::Decimals(3), of));
        }
        if self.rows.iter().any(|r| !r.icc_latent.is_nan()) {
            columns.push(Column::real("icc_latent", "ICC (latent)", Format::Decimals(3), self.rows.iter().map(|r| r.icc_latent)));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(MixedComponents);
