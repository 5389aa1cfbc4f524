//! Non-inferiority and equivalence: contrasts against margins other than zero.

use super::{Compared, Contrast, Contrasts};
use crate::dist;
use crate::error::{Error, Result};
use crate::estimates::Estimate;
use crate::level::percent;
use crate::options::choices;
use crate::table::{Column, Format, Tabular, display_as_table};
use crate::trial::{Labelled, labelled};

/// Which scores are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Better {
    /// Low ones, as on a symptom scale.
    Lower,
    /// High ones, as on a scale of functioning.
    Higher,
}

choices! {
    Better, "direction of improvement":
    Lower = "lower", [], "low scores are better, as on a symptom scale";
    Higher = "higher", [], "high scores are better, as on a scale of functioning";
}

/// What a contrast is to be shown to lie within.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Margin {
    /// Not worse than the comparison by `margin` (> 0) or more.
    NonInferiority {
        /// The largest loss that would still be acceptable, in units of the outcome.
        margin: f64,
        /// Which scores are better.
        better: Better,
    },
    /// Between the two limits, by two one-sided tests (Schuirmann 1987, Journal of Pharmacokinetics and
    /// Biopharmaceutics 15:657–680).
    Equivalence {
        /// Lower limit of the difference.
        lower: f64,
        /// Upper limit of the difference.
        upper: f64,
    },
}

/// A table of tests against a margin.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MarginTests {
    /// What was tested.
    pub margin: Margin,
    /// One-sided significance level.
    pub alpha: f64,
    /// One row per contrast.
    pub rows: Vec<MarginTest>,
    title: String,
    notes: Vec<String>,
}

/// One contrast against the margin.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct MarginTest {
    /// What is compared.
    #[serde(flatten)]
    pub compared: Compared,
    /// The visit, where the contrast is at one.
    #[serde(flatten, serialize_with = "labelled::fields::visit_if_any")]
    pub visit: Option<Labelled>,
    /// The estimated difference, NaN where there is none.
    pub estimate: f64,
    /// Lower limit of its 1 − 2α confidence interval.
    pub lower: f64,
    /// Upper limit of its 1 − 2α confidence interval.
    pub upper: f64,
    /// One-sided p-value; for equivalence the larger of the two.
    pub p: f64,
    /// Whether p < α, which is when the interval lies within the margin; `None` where there is no estimate.
    pub shown: Option<bool>,
}

impl Contrasts {
    /// Tests every contrast against a margin at one-sided level `alpha`: 0.025 for non-inferiority and 0.05 for
    /// equivalence are usual. The interval of level 1 − 2α lies within the margin exactly when the test succeeds.
    /// p-values are not adjusted for multiplicity.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a margin that is not positive, limits in the wrong order, or `alpha` outside (0, 0.5).
    pub fn against(&self, margin: Margin, alpha: f64) -> Result<MarginTests> {
        margin.check()?;
        if !(alpha > 0.0 && alpha < 0.5) {
            return Err(Error::out_of_range(
                format!("a one-sided level of {alpha}"),
                "it does not lie between 0 and 0.5",
                match alpha {
                    alpha if (0.5..50.0).contains(&alpha) => format!("write {} for {alpha}%", (alpha * 1e4).round() / 1e6),
                    _ => "give a level such as 0.025".into(),
                },
            ));
        }
        let mut notes = self.notes.clone();
        notes.push(format!(
            "{} One-sided level {alpha}, {} confidence intervals. p-values against the margin are not adjusted for multiplicity.",
            margin.sentence(),
            percent(1.0 - 2.0 * alpha)
        ));
        let rows = self.rows.iter().map(|c| margin.test(c, alpha)).collect();
        Ok(MarginTests { margin, alpha, rows, title: format!("{}, against a margin", self.title), notes })
    }
}

impl Margin {
    fn check(self) -> Result<()> {
        let sensible = match self {
            Margin::NonInferiority { margin, .. } => margin > 0.0 && margin.is_finite(),
            Margin::Equivalence { lower, upper } => lower < upper && lower.is_finite() && upper.is_finite(),
        };
        if sensible {
            return Ok(());
        }
        Err(Error::out_of_range(
            format!("{self:?}"),
            "no difference could satisfy it, or every one",
            "give a positive margin, or limits in ascending order",
        ))
    }

    /// The limits that the difference has to lie between.
    fn limits(self) -> (f64, f64) {
        match self {
            Margin::NonInferiority { margin, better: Better::Lower } => (f64::NEG_INFINITY, margin),
            Margin::NonInferiority { margin, better: Better::Higher } => (-margin, f64::INFINITY),
            Margin::Equivalence { lower, upper } => (lower, upper),
        }
    }

    fn sentence(self) -> String {
        match self {
            Margin::NonInferiority { margin, better: Better::Lower } => {
                format!("Non-inferiority: the difference lies below {margin}; low scores are better.")
            }
            Margin::NonInferiority { margin, better: Better::Higher } => {
                format!("Non-inferiority: the difference lies above −{margin}; high scores are better.")
            }
            Margin::Equivalence { lower, upper } => {
                format!("Equivalence: the difference lies between {lower} and {upper} (two one-sided tests).")
            }
        }
    }

    fn test(self, contrast: &Contrast, alpha: f64) -> MarginTest {
        let e = &contrast.estimate;
        let (lower, upper) = e.interval(1.0 - 2.0 * alpha);
        let p = self.p(e);
        MarginTest {
            compared: contrast.compared.clone(),
            visit: contrast.visit.clone(),
            estimate: e.estimate,
            lower,
            upper,
            p,
            shown: (!p.is_nan()).then_some(p < alpha),
        }
    }
}

impl Margin {
    /// The one-sided p-value.
    fn p(self, e: &Estimate) -> f64 {
        let (low, high) = self.limits();
        let one_sided = |distance: f64| if distance == f64::INFINITY { 0.0 } else { dist::t::sf(distance / e.se, e.df) };
        if e.estimate.is_nan() { f64::NAN } else { one_sided(e.estimate - low).max(one_sided(high - e.estimate)) }
    }

    /// The one-sided p-value of an estimate, and whether it is shown to lie within the margin, where that can be said.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a margin that no difference satisfies, or every one.
    pub(crate) fn of_estimate(self, estimate: &Estimate, alpha: f64) -> Result<(f64, Option<bool>)> {
        self.check()?;
        let p = self.p(estimate);
        Ok((p, (!p.is_nan()).then_some(p < alpha)))
    }
}

impl Tabular for MarginTests {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn columns(&self) -> Vec<Column> {
        let level = percent(1.0 - 2.0 * self.alpha);
        // Four standard errors or so.
        let by_error = Format::of_errors(self.rows.iter().map(|r| (r.upper - r.lower) / 4.0));
        let number = |name, heading: &str, get: fn(&MarginTest) -> f64| Column::real(name, heading, by_error, self.rows.iter().map(get));
        let shown = |r: &MarginTest| match r.shown {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        vec![
            Column::text("contrast", "Contrast", self.rows.iter().map(|r| r.compared.to_string())),
            Column::text("visit", "Visit", self.rows.iter().map(|r| r.visit.as_deref().unwrap_or(""))),
            number("estimate", "Estimate", |r| r.estimate),
            number("lower", &format!("Lower {level}"), |r| r.lower),
            number("upper", &format!("Upper {level}"), |r| r.upper),
            Column::real("p", "One-sided p", Format::PValue, self.rows.iter().map(|r| r.p)),
            Column::text("shown", "Within the margin", self.rows.iter().map(shown)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(MarginTests);
