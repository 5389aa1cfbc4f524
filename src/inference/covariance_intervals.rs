//! Confidence intervals for covariance parameters, standard deviations and correlations.

use super::MomentsFit;
use super::profile::{End, Profile};
use super::quantities::{CovarianceQuantity, Element, Form, Quantity, quantities};
use super::random_effects::FittedTerm;
use crate::dist::{chi_squared, normal};
use crate::error::{Error, Result};
use crate::level::{check_level, percent};
use crate::options::choices;
use crate::table::{Column, Format, Tabular, display_as_table};
use nalgebra::DVector;
use rayon::prelude::*;
use serde::Serialize;

/// How intervals for covariance parameters are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CovarianceIntervalMethod {
    /// All values whose (restricted) likelihood, maximised over everything else, is not significantly below the
    /// optimum's (the default). Intervals of a variance and of its root correspond, and so do those of any other
    /// transformation.
    #[default]
    Profile,
    /// Estimate ± quantile × standard error on a scale chosen for its kind: the logarithm for what must be positive,
    /// Fisher's z for correlations, the log odds for intraclass correlations, the natural scale for the rest.
    Wald,
    /// Estimate ± quantile × standard error on the natural scale.
    WaldNatural,
    /// For what must be positive ν θ̂ / χ²(ν) with ν = 2 (θ̂ / SE)², Satterthwaite's approximation, as SAS PROC MIXED
    /// has it with `CL`; natural scale for the rest. For an intraclass correlation, the ratio of the clusters'
    /// variance to the rest over quantiles of F, with such degrees of freedom each.
    Satterthwaite,
}

choices! {
    CovarianceIntervalMethod, "interval of covariance parameters":
    Profile = "profile", [], "by the profile likelihood";
    Wald = "wald", [], "estimate ± quantile × SE on a scale chosen for its kind";
    WaldNatural = "wald-natural", [], "estimate ± quantile × SE on the natural scale";
    Satterthwaite = "satterthwaite", [], "χ² with Satterthwaite's df for what must be positive, as SAS CL";
}

/// Level and method of [`MomentsFit::covariance_intervals`].
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CovarianceIntervalOptions {
    /// The confidence level; 0.95 by default.
    pub level: f64,
    /// The method; profile likelihood by default.
    pub method: CovarianceIntervalMethod,
}

impl Default for CovarianceIntervalOptions {
    fn default() -> Self {
        Self { level: 0.95, method: CovarianceIntervalMethod::default() }
    }
}

/// Intervals for everything that describes the fitted covariance.
#[non_exhaustive]
#[derive(Debug, Clone, Serialize)]
pub struct CovarianceIntervals {
    /// Parameters and random effects, then standard deviations and correlations of the visits, group by group; behind
    /// them parameters, standard deviations and correlations of the effects of clusters.
    pub rows: Vec<CovarianceInterval>,
    /// Level and method.
    pub options: CovarianceIntervalOptions,
    /// How they were made.
    pub notes: Vec<String>,
}

/// The interval of one number.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CovarianceInterval {
    /// The group of patients; `all` where every patient has the same covariance, and for the effects of clusters.
    pub group: String,
    /// What kind of number it is.
    pub kind: CovarianceQuantity,
    /// Which: the parameter's name, a visit, two visits.
    pub label: String,
    /// The estimate, in (squared) units of the outcome.
    pub estimate: f64,
    /// Its standard error by the delta method; NaN where a variance has vanished.
    pub se: f64,
    /// The lower limit; NaN where there is none to be had.
    pub lower: f64,
    /// The upper limit; NaN where there is none to be had.
    pub upper: f64,
}

/// The values that a number can take, as far as intervals need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    Positive,
    Correlation,
    /// From 0 to 1.
    Share,
    Any,
}

impl MomentsFit {
    /// Confidence intervals for the covariance parameters, for standard deviations and correlations of random
    /// effects, and for the standard deviation at every visit and the correlation of every pair of visits.
    ///
    /// Profile intervals are exact for the likelihood that was fitted, restricted or full (REML profiles take the
    /// mean's uncertainty into account). A limit at the edge of the range (a variance of 0, a correlation of ±1)
    /// means that the likelihood does not fall far enough before it is reached; notes say so, and name limits that do
    /// not exist.
    ///
    /// ```
    /// # use trialstats::{Covariance, Layout, Model};
    /// # fn main() -> trialstats::Result<()> {
    /// # let trial = Layout::long("PATIENT", "THERAPY", "VISIT").outcome("CHANGE").covariate("BASVAL")
    /// #     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
    /// let model = Model::formula("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT")?.covariance(Covariance::Autoregressive);
    /// let intervals = model.fit(&trial)?.covariance_intervals(&Default::default())?;
    /// let autocorrelation = intervals.rows.iter().find(|r| r.label == "autocorrelation").expect("a parameter");
    /// assert!(autocorrelation.lower > 0.5 && autocorrelation.upper < 0.9);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a level outside (0, 1).
    pub fn covariance_intervals(&self, options: &CovarianceIntervalOptions) -> Result<CovarianceIntervals> {
        check_level(options.level)?;
        if options.method == CovarianceIntervalMethod::Profile {
            self.optimum().model().affords_hessian().map_err(|failure| {
                Error::not_built(
                    "profile intervals of this covariance",
                    format!("{}, for second derivatives that are taken many times over", failure.brief()),
                    "use those by standard errors, `wald`",
                )
            })?;
        }
        let single = self.optimum().sigmas.are_shared();
        let visits: &[String] = if single { self.columns.visit_labels() } else { &[] };
        let wanted = quantities(self.optimum(), visits, &self.fitted_terms());
        let (rows, remarks) = self.intervals_of(&wanted, options);
        let mut notes = self.interval_notes(options);
        if !single {
            notes.push("The covariance differs by patient: there are no standard deviations and correlations of all.".into());
        }
        notes.extend(remarks);
        Ok(CovarianceIntervals { rows, options: *options, notes })
    }

    /// The interval of each quantity, and what there is to say of them.
    pub(super) fn intervals_of(&self, wanted: &[Quantity], options: &CovarianceIntervalOptions) -> (Vec<CovarianceInterval>, Vec<String>) {
        let found: Vec<(CovarianceInterval, Option<String>)> = match options.method {
            CovarianceIntervalMethod::Profile => {
                let profile = Profile::new(self.optimum());
                wanted.par_iter().map(|q| self.profiled(q, profile.as_ref(), options.level)).collect()
            }
            _ => wanted.iter().map(|q| self.by_standard_error(q, options)).collect(),
        };
        let (rows, remarks): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        (rows, remarks.into_iter().flatten().collect())
    }

    pub(super) fn interval_notes(&self, options: &CovarianceIntervalOptions) -> Vec<String> {
        let how = match options.method {
            CovarianceIntervalMethod::Profile => "profile likelihood (Venzon & Moolgavkar 1988)",
            CovarianceIntervalMethod::Wald => {
                "Wald, on the logarithm of what is positive, on Fisher's z of correlations, on the log odds of intraclass correlations"
            }
            CovarianceIntervalMethod::WaldNatural => "Wald, on the natural scale",
            CovarianceIntervalMethod::Satterthwaite => {
                "Satterthwaite's χ² for what is positive, F for intraclass correlations, Wald on the natural scale for the rest"
            }
        };
        let mut notes = self.notes();
        notes.push(format!("{} intervals by {how}.", percent(options.level)));
        if options.method != CovarianceIntervalMethod::Profile {
            notes.push(format!("Standard errors from the {} information.", self.information_kind()));
        }
        notes
    }

    /// The row of a quantity without limits.
    fn described(&self, quantity: &Quantity) -> CovarianceInterval {
        let optimum = self.optimum();
        let curve = quantity.form.curve(optimum, &optimum.theta);
        let variance = self.variance_along(curve.over.gradient);
        let size = if matches!(quantity.form, Form::Root(_)) { curve.value.powi(2) } else { curve.value };
        let vanished = matches!(self.range(quantity), Range::Positive | Range::Share) && self.is_nothing(quantity, size);
        let se = if variance > 0.0 && !vanished { variance.sqrt() } else { f64::NAN };
        CovarianceInterval {
            group: quantity.group.map_or("all".into(), |group| self.columns.groups()[group].clone()),
            kind: quantity.kind,
            label: quantity.label.clone(),
            estimate: curve.value,
            se,
            lower: f64::NAN,
            upper: f64::NAN,
        }
    }

    /// The variance of what has this gradient over the natural parameters, by the delta method.
    pub(super) fn variance_along(&self, gradient: DVector<f64>) -> f64 {
        let uncertainty = self.uncertainty();
        if self.optimum().model().without_hessian().is_some() {
            return uncertainty.spread(&gradient);
        }
        match self.information_at_boundary() {
            None => uncertainty.spread(&gradient),
            Some(jacobian) => uncertainty.spread(&(jacobian.transpose() * gradient)),
        }
    }

    fn by_standard_error(&self, quantity: &Quantity, options: &CovarianceIntervalOptions) -> (CovarianceInterval, Option<String>) {
        let mut row = self.described(quantity);
        let z = normal::quantile(0.5 + 0.5 * options.level);
        let (x, se) = (row.estimate, row.se);
        (row.lower, row.upper) = match (options.method, self.range(quantity)) {
            (CovarianceIntervalMethod::Wald, Range::Positive) => (x * (-z * se / x).exp(), x * (z * se / x).exp()),
            (CovarianceIntervalMethod::Wald, Range::Correlation) => {
                let half = z * se / (1.0 - x * x);
                ((x.atanh() - half).tanh(), (x.atanh() + half).tanh())
            }
            (CovarianceIntervalMethod::Wald, Range::Share) => {
                let (odds, factor) = (x / (1.0 - x), (z * se / (x * (1.0 - x))).exp());
                let share = |odds: f64| odds / (1.0 + odds);
                (share(odds / factor), share(odds * factor))
            }
            (CovarianceIntervalMethod::Satterthwaite, Range::Share) => self.satterthwaite_share(&quantity.form, options.level),
            (CovarianceIntervalMethod::Satterthwaite, Range::Positive) => match quantity.form {
                // The variance behind a standard deviation is what the approximation is about.
                Form::Root(_) => {
                    let (lower, upper) = scaled_chi_squared(x * x, 2.0 * x * se, options.level);
                    (lower.sqrt(), upper.sqrt())
                }
                _ => scaled_chi_squared(x, se, options.level),
            },
            _ => (x - z * se, x + z * se),
        };
        let remark = row.lower.is_nan().then(|| format!("{}: no interval, since a variance has vanished.", row.label));
        (row, remark)
    }

    fn profiled(&self, quantity: &Quantity, profile: Option<&Profile>, level: f64) -> (CovarianceInterval, Option<String>) {
        let mut row = self.described(quantity);
        let Some(profile) = profile else {
            let remark = format!("{}: no interval, since the information is singular.", row.label);
            return (row, Some(remark));
        };
        let rise = chi_squared::quantile(level, 1.0);
        // A root has the roots of the limits.
        let (form, root) = match &quantity.form {
            Form::Root(element) => (Form::Element(*element), true),
            other => (other.clone(), false),
        };
        let range = self.range(quantity);
        let mut remarks = vec![];
        let mut limit = |direction: f64, name: &str| {
            let found = match profile.end(&form, direction, rise) {
                End::At(x) => x,
                End::Beyond(x) => {
                    let nothing = matches!(range, Range::Positive | Range::Share) && self.is_nothing(quantity, x);
                    let own = if root { x.max(0.0).sqrt() } else { x };
                    let edge = if nothing && direction < 0.0 { Some(0.0) } else { edge(range, row.estimate, own, direction) };
                    remarks.push(match edge {
                        Some(edge) => format!("{name} limit {edge}, the edge of the range, where the likelihood has not fallen far enough"),
                        None => format!("no {name} limit: the profile could be followed to {x:.4} only"),
                    });
                    edge.unwrap_or(f64::NAN)
                }
            };
            if root { found.max(0.0).sqrt() } else { found }
        };
        (row.lower, row.upper) = (limit(-1.0, "lower"), limit(1.0, "upper"));
        let remark = (!remarks.is_empty()).then(|| format!("{}: {}.", row.label, remarks.join("; ")));
        (row, remark)
    }

    /// Whether a variance, or a share of variance, at the boundary is zero but for rounding.
    fn is_nothing(&self, quantity: &Quantity, value: f64) -> bool {
        let unit = match (&quantity.form, quantity.group) {
            (Form::Ratio { .. }, _) => 1.0,
            (_, Some(group)) => self.covariances()[group].sigma.diagonal().max(),
            (Form::Element(Element::Parameter(k)) | Form::Root(Element::Parameter(k)), None) => self.unit_of_effect(*k),
            _ => self.largest_residual_variance(),
        };
        !self.convergence().boundary.is_empty() && value < 1e-10 * unit
    }

    /// What values the quantity can take; for a parameter, by what the structure admits.
    fn range(&self, quantity: &Quantity) -> Range {
        let k = match quantity.form {
            Form::Root(_) => return Range::Positive,
            Form::Correlation { .. } => return Range::Correlation,
            Form::Ratio { .. } => return Range::Share,
            Form::Element(Element::Parameter(k)) if k >= self.first_of_effects() => {
                let variance = self.fitted_terms().iter().flat_map(FittedTerm::parameters).any(|(at, (a, b))| at == k && a == b);
                return if variance { Range::Positive } else { Range::Any };
            }
            Form::Element(Element::Parameter(k)) => k,
            Form::Element(_) => return Range::Any,
        };
        let (theta, sigmas) = (&self.optimum().theta, &self.optimum().sigmas);
        let admits = |x: f64| {
            let mut own = sigmas.of_group(theta, k / sigmas.per_group).to_vec();
            own[k % sigmas.per_group] = x;
            sigmas.structure().in_range(&own)
        };
        let x = theta[k].abs().max(1e-3);
        let large = 10.0 * x.max(1.0);
        match (admits(-1e-9 * x), admits(large)) {
            (false, true) => Range::Positive,
            (_, false) if admits(0.999) && !admits(1.001) => Range::Correlation,
            _ => Range::Any,
        }
    }
}

/// The edge of the range that a path which stopped at `x` was about to reach.
fn edge(range: Range, estimate: f64, x: f64, direction: f64) -> Option<f64> {
    match range {
        Range::Positive | Range::Share if direction < 0.0 && x <= 0.05 * estimate => Some(0.0),
        Range::Correlation | Range::Share if direction * x > 0.98 => Some(direction),
        _ => None,
    }
}

/// ν θ / χ²(ν) with ν = 2 (θ / SE)².
fn scaled_chi_squared(x: f64, se: f64, level: f64) -> (f64, f64) {
    let df = 2.0 * (x / se).powi(2);
    let limit = |p: f64| df * x / chi_squared::quantile(p, df);
    (limit(0.5 + 0.5 * level), limit(0.5 - 0.5 * level))
}

impl CovarianceIntervals {
    /// The row of a kind and label, of the first group that has it.
    pub fn get(&self, kind: CovarianceQuantity, label: &str) -> Option<&CovarianceInterval> {
        self.rows.iter().find(|r| r.kind == kind && r.label == label)
    }
}

impl Tabular for CovarianceIntervals {
    fn title(&self) -> String {
        "Intervals of the covariance".into()
    }

    fn columns(&self) -> Vec<Column> {
        let real = |name, heading: &str, get: fn(&CovarianceInterval) -> f64| {
            Column::real(name, heading, Format::Decimals(4), self.rows.iter().map(get))
        };
        let kind = |r: &CovarianceInterval| match r.kind {
            CovarianceQuantity::Parameter => "parameter",
            CovarianceQuantity::RandomEffect => "random effect",
            CovarianceQuantity::StandardDeviation => "SD",
            CovarianceQuantity::Correlation => "correlation",
            CovarianceQuantity::IntraclassCorrelation => "intraclass correlation",
        };
        let mut columns = vec![];
        if self.rows.iter().any(|r| r.group != self.rows[0].group) {
            columns.push(Column::text("group", "Group", self.rows.iter().map(|r| r.group.as_str())));
        }
        columns.extend([
            Column::text("kind", "Kind", self.rows.iter().map(kind)),
            Column::text("label", "Of", self.rows.iter().map(|r| r.label.as_str())),
            real("estimate", "Estimate", |r| r.estimate),
            real("se", "SE", |r| r.se),
            real("lower", &format!("{} lower", percent(self.options.level)), |r| r.lower),
            real("upper", &format!("{} upper", percent(self.options.level)), |r| r.upper),
        ]);
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(CovarianceIntervals);
