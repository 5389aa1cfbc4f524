//! Correlations between visits.

use crate::error::{Error, Result};

/// The correlation between a patient's visits.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Correlation {
    /// Any, row by row.
    Unstructured(Vec<Vec<f64>>),
    /// One between any two visits.
    Exchangeable(f64),
    /// ρ to the power of the visits between.
    Autoregressive(f64),
}

impl Correlation {
    /// The correlation of two visits.
    pub fn at(&self, s: usize, t: usize) -> f64 {
        match self {
            _ if s == t => 1.0,
            Correlation::Unstructured(rows) => rows[s.max(t)][s.min(t)],
            Correlation::Exchangeable(rho) => *rho,
            // A product, not powi: its bits do not depend on the compiler.
            Correlation::Autoregressive(rho) => (0..s.abs_diff(t)).map(|_| *rho).product(),
        }
    }

    /// Whole rows, or the lower triangle with its diagonal.
    pub(super) fn check(&self, visits: usize) -> Result<()> {
        let what = "the correlation between visits";
        let remedy = "give a row per visit, symmetric with ones on the diagonal, or its lower triangle";
        if let Correlation::Unstructured(rows) = self {
            let whole = rows.len() == visits && rows.iter().all(|row| row.len() == visits);
            let triangle = rows.len() == visits && rows.iter().enumerate().all(|(k, row)| row.len() == k + 1);
            if !whole && !triangle {
                return Err(Error::wrong_number(what, format!("it is not {visits} × {visits}"), remedy));
            }
            let symmetric = |s: usize, t: usize| triangle || rows[s][t] == rows[t][s];
            if (0..visits).any(|s| rows[s][s] != 1.0 || (0..s).any(|t| !symmetric(s, t))) {
                return Err(Error::out_of_range(what, "it is not symmetric with ones on its diagonal", remedy));
            }
        }
        let matrix: Vec<f64> = (0..visits * visits).map(|k| self.at(k / visits, k % visits)).collect();
        match crate::simulate::random::lower_factor(&matrix, visits) {
            Some(_) => Ok(()),
            None => Err(Error::out_of_range(what, "it is not positive definite: no measurements can have it", remedy)),
        }
    }
}
