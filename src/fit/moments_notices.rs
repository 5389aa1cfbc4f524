//! What sums make of a model that a reader would not expect.

use super::moments::PatternMoments;
use super::trial_moments::{Point, partners, value_products};
use crate::design::{Columns, Part, Product, constant_sentence};

/// A standard deviation below this share of the mean is rounding.
const ROUNDING: f64 = 1e-12;

/// Covariates that are the same in every analysed observation, a sentence each. What a single observation decides cannot be
/// told from sums.
pub(super) fn constant_covariates(columns: &Columns, patterns: &[PatternMoments], point: &Point) -> Vec<String> {
    let numbers = (0..columns.variables.len()).filter(|&v| !columns.variables[v].is_factor());
    numbers.filter_map(|v| Some(constant_sentence(&columns.variables[v].name, constant(columns, patterns, point, v)?))).collect()
}

/// The value of a number that does not vary over the observations; `None` where it does, or where the sums do not say.
fn constant(columns: &Columns, patterns: &[PatternMoments], point: &Point, variable: usize) -> Option<f64> {
    let (q, partners) = (columns.values, partners(columns));
    let (mut n, mut sum, mut squares, mut centre) = (0.0, 0.0, 0.0, None);
    for t in 0..columns.visits.len() {
        let alone = |p: &Product| p.parts == [(variable, Part::Number)] && p.visit.is_none_or(|visit| visit == t);
        let value = columns.products.iter().position(alone)?;
        let everyone = partners[value]?;
        let products = value_products(columns, patterns, t);
        // Values of several visits are measured from points of their own.
        let shift = point.centres[value] - *centre.get_or_insert(point.centres[value]);
        let (count, own) = (products[everyone * q + everyone], products[everyone * q + value]);
        (n, sum, squares) =
            (n + count, sum + own + shift * count, squares + products[value * q + value] + 2.0 * shift * own + shift * shift * count);
    }
    let (mean, from) = (sum / n, centre?);
    let variance = squares / n - mean * mean;
    let value = from + mean;
    // As the number was before its mean was taken.
    (n > 1.0 && variance.max(0.0).sqrt() <= ROUNDING * value.abs()).then(|| format!("{value:.13e}").parse().unwrap_or(value))
}
