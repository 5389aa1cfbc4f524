//! Intervals and tests by the profile of the penalised likelihood.

use super::firth::{self, NotConverged, Penalised};
use super::fit::Glm;
use super::options::Penalty;
use crate::dist;
use crate::error::{Error, Result};
use crate::estimates::Estimates;
use crate::generalized::NotFitted;
use crate::level::{check_level, percent};
use crate::table::{Column, Format, Tabular, display_as_table};
use nalgebra::DVector;

/// A coefficient with its interval by the profile penalised likelihood.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ProfileRow {
    /// The column.
    pub term: String,
    /// The log odds ratio.
    pub estimate: f64,
    /// Its standard error by the information, from which the interval does not come.
    pub se: f64,
    /// Lower limit; infinite where the profile does not fall far enough.
    pub lower: f64,
    /// Upper limit, likewise.
    pub upper: f64,
    /// The odds ratio.
    pub odds_ratio: f64,
    /// Its lower limit.
    pub odds_ratio_lower: f64,
    /// Its upper limit.
    pub odds_ratio_upper: f64,
    /// Twice the fall of the penalised log-likelihood where the coefficient is zero.
    pub chi_squared: f64,
    /// p-value on one degree of freedom.
    pub p: f64,
}

/// A penalised likelihood-ratio test that several coefficients are zero.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PenalisedTest {
    /// The hypothesis: terms that are left out.
    pub label: String,
    /// Twice the fall of the penalised log-likelihood.
    pub chi_squared: f64,
    /// Degrees of freedom.
    pub df: usize,
    /// p-value.
    pub p: f64,
}

/// Coefficients of a logistic model with Firth's penalty, their intervals and tests by the profile penalised likelihood.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ProfileTable {
    /// One row per coefficient that the data determine.
    pub rows: Vec<ProfileRow>,
    /// All coefficients but the intercept at once; none of a model with the intercept alone, or without one.
    pub overall: Option<PenalisedTest>,
    /// Confidence level.
    pub level: f64,
    notes: Vec<String>,
}

impl Glm {
    /// Intervals and tests of every coefficient by the profile penalised likelihood, of a model with Firth's penalty
    /// (Heinze & Schemper 2002, Stat Med 21:2409–2419): the profile maximises ℓ + ½ log|X'WX| over the other
    /// coefficients, with all columns in the information, as R logistf and SAS PROC LOGISTIC have it.
    ///
    /// # Errors
    /// [`Error::Invalid`] of a model without the penalty and for a level outside (0, 1); [`Error::NotFitted`] where a
    /// search does not end.
    pub fn profile(&self, level: f64) -> Result<ProfileTable> {
        check_level(level)?;
        let whole = self.penalised()?;
        let beta = self.found.sample.beta(&whole.theta);
        let mut rows = vec![];
        for (c, name) in self.names().into_iter().enumerate() {
            let (lower, upper) = firth::limits(&self.found.sample, &whole, c, level).map_err(not_converged)?;
            let column = self.observations.kept[c];
            let chi_squared = self.fall(&whole, &[c])?;
            rows.push(ProfileRow {
                term: name.into(),
                estimate: beta[c],
                se: self.vcov()[(column, column)].sqrt(),
                lower,
                upper,
                odds_ratio: beta[c].exp(),
                odds_ratio_lower: lower.exp(),
                odds_ratio_upper: upper.exp(),
                chi_squared,
                p: dist::chi_squared::sf(chi_squared, 1.0),
            });
        }
        let tested: Vec<&str> = self.columns().terms().iter().map(|t| t.label.as_str()).filter(|l| *l != "(Intercept)").collect();
        let has_intercept = tested.len() < self.columns().terms().len();
        let overall = if tested.is_empty() || !has_intercept { None } else { Some(self.penalised_test(&tested)?) };
        let overall = overall.map(|test| PenalisedTest { label: "all but the intercept".into(), ..test });
        Ok(ProfileTable { rows, overall, level, notes: self.notes() })
    }

    /// The penalised likelihood-ratio test that these terms have no effect, of a model with Firth's penalty.
    ///
    /// # Errors
    /// As [`Glm::profile`]; [`Error::Unknown`] for a term that the mean model does not have.
    pub fn penalised_test(&self, terms: &[&str]) -> Result<PenalisedTest> {
        let whole = self.penalised()?;
        let known: Vec<&str> = self.columns().terms().iter().map(|t| t.label.as_str()).collect();
        let mut left_out = vec![];
        for &term in terms {
            let at = known.iter().position(|label| *label == term).ok_or_else(|| Error::unknown("term of the mean model", term, &known))?;
            let of_term = |c: &usize| self.columns()[self.observations.kept[*c]].term == at;
            left_out.extend((0..self.found.sample.p()).filter(of_term));
        }
        left_out.sort_unstable();
        left_out.dedup();
        let label = terms.join(", ");
        if left_out.is_empty() {
            return Err(Error::nothing_to_compare(
                format!("the penalised likelihood-ratio test of `{label}`"),
                "the data determine none of its coefficients",
                "name a term with coefficients",
            ));
        }
        let (chi_squared, df) = (self.fall(&whole, &left_out)?, left_out.len());
        Ok(PenalisedTest { label, chi_squared, df, p: dist::chi_squared::sf(chi_squared, df as f64) })
    }

    fn penalised(&self) -> Result<Penalised> {
        match (self.options().penalty, self.penalised_log_likelihood()) {
            (Penalty::Firth, Some(value)) => {
                let eta: DVector<f64> = self.found.sample.predictors(&self.found.theta);
                Ok(Penalised { theta: self.found.theta.clone(), eta, value, iterations: self.iterations() })
            }
            _ => Err(Error::not_built(
                "the profile penalised likelihood",
                "the model was fitted without a penalty",
                "fit it with `Penalty::Firth`",
            )),
        }
    }

    /// Twice the fall of ℓ* where the coefficients of some of the determined columns are zero.
    fn fall(&self, whole: &Penalised, columns: &[usize]) -> Result<f64> {
        let without = firth::without(&self.found.sample, columns).map_err(not_converged)?;
        Ok((2.0 * (whole.value - without)).max(0.0))
    }
}

fn not_converged(failure: NotConverged) -> Error {
    Error::NotFitted(NotFitted::NoSolution { iterations: failure.iterations })
}

impl Tabular for ProfileTable {
    fn title(&self) -> String {
        "Coefficients with profile penalised-likelihood intervals".into()
    }

    fn columns(&self) -> Vec<Column> {
        let number =
            |name, heading: &str, get: fn(&ProfileRow) -> f64| Column::real(name, heading, Format::Decimals(4), self.rows.iter().map(get));
        let level = percent(self.level);
        vec![
            Column::text("term", "term", self.rows.iter().map(|r| r.term.as_str())),
            number("estimate", "estimate", |r| r.estimate),
            number("se", "SE", |r| r.se),
            number("lower", &format!("Lower {level}"), |r| r.lower),
            number("upper", &format!("Upper {level}"), |r| r.upper),
            number("odds_ratio", "Odds ratio", |r| r.odds_ratio),
            number("odds_ratio_lower", &format!("OR, lower {level}"), |r| r.odds_ratio_lower),
            number("odds_ratio_upper", &format!("OR, upper {level}"), |r| r.odds_ratio_upper),
            number("chi_squared", "χ²", |r| r.chi_squared),
            Column::real("p", "p", Format::Probability, self.rows.iter().map(|r| r.p)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        notes.push("Intervals and χ² tests (1 df): profile penalised likelihood, with all columns in the penalty.".into());
        notes.extend(
            self.overall.as_ref().map(|test| {
                format!("{}: χ² {:.4} on {} df, p {}.", test.label, test.chi_squared, test.df, Format::Probability.apply(test.p))
            }),
        );
        notes
    }
}

display_as_table!(ProfileTable);
