//! Likelihood-ratio tests of a model against a special case of it.

use super::nesting::special_case;
use super::random_effects::{Dropped, dropped};
use super::{Fit, ParameterCount};
use crate::covariance::CovarianceStructure;
use crate::design::Design;
use crate::dist::chi_squared;
use crate::error::{Error, Result};
use crate::fit::Estimation;
use crate::table::{Column, Format, Tabular, counted, display_as_table, observations_of_patients};
use serde::Serialize;
use std::sync::Arc;

/// What −2 log-likelihood may be the wrong way round by from rounding.
const ROUNDING: f64 = 1e-6;

/// A likelihood-ratio test, with the two models that it compares.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LikelihoodRatio {
    /// The smaller model, then the larger.
    pub rows: Vec<ComparedModel>,
    /// Twice the difference between the log-likelihoods.
    pub statistic: f64,
    /// The difference between the numbers of parameters.
    pub df: f64,
    /// The p-value of the χ² distribution on `df` degrees of freedom; conservative where the smaller model puts a
    /// variance to its boundary.
    pub p: f64,
    /// Where random effects vanish in the smaller model: the p-value of the mixture of χ² distributions. With one
    /// effect that is ½χ²(df − 1) + ½χ²(df), exact in large samples; with m effects that are independent of each
    /// other Σ_j 2^−m C(m, j) χ²(df − m + j), approximate (see the notes). None where no variance vanishes, and where
    /// several correlated effects of a factor do.
    pub mixture_p: Option<f64>,
    /// How it was made.
    pub notes: Vec<String>,
}

/// One of the models of a likelihood-ratio test.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedModel {
    /// Mean, covariance and, where it differs by group, the group.
    pub model: String,
    /// Covariance parameters and columns of the mean.
    pub parameters: usize,
    /// The (restricted) log-likelihood.
    pub log_likelihood: f64,
    /// Akaike's criterion; see [`Fit::information_criteria`](crate::inference::MomentsFit::information_criteria) for what it counts.
    pub aic: f64,
    /// Schwarz's criterion.
    pub bic: f64,
}

/// The structure bound for each class of patients.
type Classes = [Arc<dyn CovarianceStructure>];

impl Fit {
    /// Tests this model against a special case of it: −2 log-likelihood falls by a χ² variable on as many degrees of
    /// freedom as there are more parameters (Wilks 1938, Annals of Mathematical Statistics 9:60–62).
    ///
    /// Both must be fitted to the same observations with the same weights. By REML, both must have the same columns
    /// of the mean model: the likelihood is that of error contrasts, which are others for another mean. By ML the
    /// columns of `nested` must be linear combinations of this model's. The covariance of `nested` must be a special
    /// case of this one's: the same structure or a more special one, for the same groups of patients or fewer.
    /// Whether that is so is found by calculation, for custom structures as well.
    ///
    /// Where a random effect of this model has no variance in `nested`, the truth lies at the boundary of the
    /// parameters, and the p-value of χ² is too large. [`LikelihoodRatio::mixture_p`] is then that of the mixture of
    /// Self & Liang (1987, JASA 82:605–610) and Stram & Lee (1994, Biometrics 50:1171–1177): one random effect of
    /// patients (in Σ) or of clusters, `(1 | therapist)`, dropped alone or from others that it is correlated with.
    /// For several at once the weights depend on the information; those given are of independent estimates.
    /// [`Fit::bootstrap_likelihood_ratio`] needs no such theory.
    ///
    /// ```
    /// # use trialstats::{Covariance, Layout, Model};
    /// # fn main() -> trialstats::Result<()> {
    /// # let trial = Layout::long("PATIENT", "THERAPY", "VISIT").outcome("CHANGE").covariate("BASVAL")
    /// #     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
    /// let model = Model::formula("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT")?;
    /// let unstructured = model.clone().fit(&trial)?;
    /// let autoregressive = model.covariance(Covariance::Autoregressive).fit(&trial)?;
    /// let test = unstructured.likelihood_ratio(&autoregressive)?;
    /// assert_eq!(test.df, 8.0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotComparable`] says which of these does not hold.
    pub fn likelihood_ratio(&self, nested: &Fit) -> Result<LikelihoodRatio> {
        let (wide, narrow) = (self.design(), nested.design());
        let refused = |why: String| Err(Error::NotComparable { why });
        if self.estimation() != nested.estimation() {
            return refused("one is fitted by restricted maximum likelihood, the other by maximum likelihood".into());
        }
        if !wide.same_observations(narrow) {
            return refused("they are not fitted to the same observations of the same patients with the same weights".into());
        }
        if let Some(why) = different_means(self.estimation(), wide, narrow) {
            return refused(why);
        }
        let vanished = Vanished { of_patients: self.vanished_in(nested)?, of_clusters: dropped(wide, narrow)? };
        let [smaller, larger] = [nested, self].map(compared);
        if larger.parameters <= smaller.parameters {
            return refused(format!(
                "the model taken for the special case has {}, the other {}: nothing is left to test, or they are the wrong way round",
                counted(smaller.parameters, "parameter"),
                larger.parameters
            ));
        }
        let statistic = 2.0 * (larger.log_likelihood - smaller.log_likelihood);
        if statistic < -ROUNDING {
            return refused(format!(
                "the likelihood of the special case is higher by {:.2e}: the larger model was not brought to its optimum",
                -0.5 * statistic
            ));
        }
        let statistic = statistic.max(0.0);
        let df = (larger.parameters - smaller.parameters) as f64;
        let p = chi_squared::sf(statistic, df);
        let mixture_p = vanished.alone().map(|m| mixture(statistic, df, m));
        let mut notes = notes(self, vanished, &smaller, &larger);
        if !nested.convergence().boundary.is_empty() {
            notes.push("A variance of the smaller model itself is estimated as zero, which the large-sample theory does not foresee; use a parametric bootstrap.".into());
        }
        Ok(LikelihoodRatio { rows: vec![smaller, larger], statistic, df, p, mixture_p, notes })
    }

    /// How many random effects of this model have no variance in `nested`.
    fn vanished_in(&self, nested: &Fit) -> Result<usize> {
        let (wide, narrow) = (self.design(), nested.design());
        let (larger, smaller) = (&self.optimum().sigmas, nested.optimum());
        let mut vanished = 0;
        for group in 0..wide.columns.groups.len() {
            let mut of = wide.rows.group_of.iter().zip(&narrow.rows.group_of).filter(|(g, _)| **g == group).map(|(_, &own)| own);
            let Some(own) = of.next() else { continue };
            if of.any(|other| other != own) {
                return Err(Error::NotComparable {
                    why: format!(
                        "the patients of group `{}`, who have one covariance in the larger model, have several in the other",
                        wide.columns.groups[group]
                    ),
                });
            }
            let theta = smaller.sigmas.of_group(&smaller.theta, own);
            let found = classes_together(smaller.sigmas.structures(), larger.structures())
                .map(|(smaller, larger)| special_case(smaller, theta, larger))
                .try_fold(0, |most: usize, own| Some(most.max(own?)));
            vanished += found.ok_or_else(|| Error::NotComparable {
                why: format!(
                    "the covariance `{}` is not a special case of `{}`",
                    nested.covariance_structure(),
                    self.covariance_structure()
                ),
            })?;
        }
        Ok(vanished)
    }
}

/// The structures of the same patients in two models: of classes of patients with the same coordinates, or of everyone.
fn classes_together<'a>(
    a: &'a Classes,
    b: &'a Classes,
) -> impl Iterator<Item = (&'a dyn CovarianceStructure, &'a dyn CovarianceStructure)> {
    let of = |classes: &'a Classes, k: usize| &*classes[k.min(classes.len() - 1)];
    (0..a.len().max(b.len())).map(move |k| (of(a, k), of(b, k)))
}

/// Why the means cannot be compared, if so.
fn different_means(estimation: Estimation, wide: &Design, narrow: &Design) -> Option<String> {
    match estimation {
        Estimation::Reml if !wide.same_columns(narrow) => Some(
            "restricted likelihoods are of the same data only where the mean models have the same columns; use Estimation::Ml to compare means"
                .into(),
        ),
        Estimation::Reml => None,
        Estimation::Ml => {
            let outside = narrow.columns_outside(wide);
            (!outside.is_empty())
                .then(|| format!("the larger mean model does not contain the other's column{} {}", plural(&outside), outside.join(", ")))
        }
    }
}

fn plural(names: &[&str]) -> &'static str {
    if names.len() == 1 { "" } else { "s" }
}

fn compared(fit: &Fit) -> ComparedModel {
    let (covariance, mean) = (fit.covariance_parameters().len(), fit.rank());
    let counted = if fit.estimation() == Estimation::Ml { ParameterCount::All } else { ParameterCount::Covariance };
    let criteria = fit.information_criteria(counted);
    let groups = if fit.design().groups().len() > 1 { format!(" by group ({})", fit.design().groups().join(", ")) } else { String::new() };
    let effects: String = fit.design().columns.options.random.iter().map(|term| format!(" + {term}")).collect();
    ComparedModel {
        model: format!("{}{}; {}{groups}", fit.design().mean_model(), effects, fit.covariance_structure()),
        parameters: covariance + mean,
        log_likelihood: fit.log_likelihood(),
        aic: criteria.aic,
        bic: criteria.bic,
    }
}

/// What the smaller model puts to the boundary.
#[derive(Debug, Clone, Copy)]
struct Vanished {
    /// Dimensions of the random effects in the covariance within patients.
    of_patients: usize,
    of_clusters: Dropped,
}

impl Vanished {
    /// How many effects vanish one by one; `None` where none does, or several do that are correlated.
    fn alone(self) -> Option<usize> {
        match (self.of_patients, self.of_clusters) {
            (0, Dropped { single: 0, joint: 0 }) => None,
            (0, Dropped { single, joint: 0 }) => Some(single),
            (1, Dropped { single, joint: 0 }) => Some(1 + single),
            _ => None,
        }
    }

    fn any(self) -> bool {
        self.of_patients > 0 || self.of_clusters != Dropped::default()
    }
}

/// The probability of a χ² variable above `x`, also on no degrees of freedom: all at zero.
fn mass_above(x: f64, df: f64) -> f64 {
    if df > 0.0 { chi_squared::sf(x, df) } else { f64::from(u8::from(x <= 0.0)) }
}

/// The p-value of Σ_j 2^−m C(m, j) χ²(df − m + j), j from 0 to m.
fn mixture(x: f64, df: f64, m: usize) -> f64 {
    let mut weight = 0.5_f64.powi(m as i32);
    let mut p = 0.0;
    for j in 0..=m {
        p += weight * mass_above(x, df - (m - j) as f64);
        weight *= (m - j) as f64 / (j + 1) as f64;
    }
    p
}

fn notes(larger: &Fit, vanished: Vanished, a: &ComparedModel, b: &ComparedModel) -> Vec<String> {
    let by = match larger.estimation() {
        Estimation::Reml => {
            "Restricted maximum likelihood; the mean model is the same in both, and the criteria count covariance parameters."
        }
        Estimation::Ml => "Maximum likelihood; the criteria count all parameters.",
    };
    let df = b.parameters - a.parameters;
    let mut notes = vec![by.to_string(), observations_of_patients(larger.n_observations(), larger.n_patients())];
    if vanished.any() {
        notes.push(
            "The smaller model puts a variance of the larger to zero, the boundary of its range: the p-value of χ² is conservative.".into(),
        );
        notes.push(match vanished.alone() {
            Some(1) => format!("p of the mixture: ½χ²({}) + ½χ²({df}) (Stram & Lee 1994).", df - 1),
            Some(m) => format!(
                "p of the mixture: χ²({}) to χ²({df}) with binomial weights, as if the estimates of the {m} variances were independent; whatever their correlation, p is at most that of ½χ²({}) + ½χ²({df}). A parametric bootstrap needs no such assumption.",
                df - m,
                df - 1
            ),
            None => "Several correlated effects vanish; the mixture of χ² that would be exact is not known in general. Use a parametric bootstrap."
                .into(),
        });
    }
    notes
}

impl Tabular for LikelihoodRatio {
    fn title(&self) -> String {
        "Likelihood-ratio test".into()
    }

    fn columns(&self) -> Vec<Column> {
        let second = |x: f64| self.rows.iter().enumerate().map(move |(i, _)| if i == 0 { f64::NAN } else { x });
        let real =
            |name, heading, get: fn(&ComparedModel) -> f64| Column::real(name, heading, Format::Decimals(2), self.rows.iter().map(get));
        let mut columns = vec![
            Column::text("model", "Model", self.rows.iter().map(|r| r.model.as_str())),
            Column::count("parameters", "Parameters", self.rows.iter().map(|r| r.parameters)),
            real("log_likelihood", "Log-likelihood", |r| r.log_likelihood),
            real("aic", "AIC", |r| r.aic),
            real("bic", "BIC", |r| r.bic),
            Column::real("statistic", "χ²", Format::Decimals(2), second(self.statistic)),
            Column::real("df", "df", Format::Decimals(0), second(self.df)),
            Column::real("p", "p", Format::PValue, second(self.p)),
        ];
        if let Some(p) = self.mixture_p {
            columns.push(Column::real("mixture_p", "p (mixture)", Format::PValue, second(p)));
        }
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(LikelihoodRatio);
