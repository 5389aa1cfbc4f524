//! The joint test of a model's interactions with visit.

use super::failure::Failure;
use nalgebra::DMatrix;
use trialstats::Fit;
use trialstats::inference::FTest;

/// The fitted coefficients of every interaction with visit, and the test that all are zero, one row per coefficient;
/// `None` where the mean model has no such interaction.
pub fn test(fit: &Fit, visit: &str) -> Result<Option<(Vec<String>, FTest)>, Failure> {
    let design = fit.design();
    let of_visit = |v: &String| v == visit || v == "visit";
    let with_visit: Vec<bool> = design.terms().iter().map(|t| t.variables.len() > 1 && t.variables.iter().any(of_visit)).collect();
    let fitted = |j: usize| !fit.beta()[j].is_nan();
    let columns: Vec<usize> = (0..design.columns().len()).filter(|&j| with_visit[design.columns()[j].term] && fitted(j)).collect();
    if columns.is_empty() {
        return Ok(None);
    }
    let l = DMatrix::from_fn(columns.len(), design.columns().len(), |r, j| if columns[r] == j { 1.0 } else { 0.0 });
    let terms = columns.iter().map(|&j| design.columns()[j].name.clone()).collect();
    Ok(Some((terms, fit.f_test("interactions with visit", &l)?)))
}
