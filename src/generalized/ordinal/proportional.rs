//! Whether the odds are proportional: the score test against coefficients of their own for every cut-point.
//!
//! In the larger model P(Y ≤ j) = F(−x'γ_j), x with the intercept; under proportional odds γ_j differ in the intercept
//! alone. The statistic is U'I⁻¹U with score and expected information of the larger model at the estimates of the smaller,
//! χ² on (q − 1)(p − 1) degrees of freedom for q cut-points and p columns with the intercept (Peterson & Harrell 1990, Applied
//! Statistics 39:205–217).

use super::likelihood::{Optimum, Sample, sigmoid};
use crate::dist;
use crate::error::{Error, Result};
use crate::table::{Column, Format, Tabular, display_as_table};
use nalgebra::{Cholesky, DMatrix, DVector};

/// The score test of proportional odds.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct ProportionalOdds {
    /// χ².
    pub chi_squared: f64,
    /// Degrees of freedom.
    pub df: usize,
    /// The p-value; small where coefficients differ between the categories.
    pub p: f64,
}

pub(super) fn score_test(sample: &Sample, optimum: &Optimum) -> Result<ProportionalOdds> {
    let (p, cuts) = (sample.p(), sample.cuts);
    // The constant as a combination of the basis.
    let constant = sample.q.tr_mul(&DVector::from_element(sample.y.len(), 1.0));
    let left = (&sample.q * &constant).add_scalar(-1.0).amax();
    if cuts < 2 || p < 2 || left > 1e-8 {
        return Err(Error::not_defined(
            "the test of proportional odds",
            "it takes three categories, an intercept and a covariate",
            "leave it out, or add the intercept",
        ));
    }
    let d = cuts * p;
    let (mut score, mut information) = (DVector::zeros(d), DMatrix::zeros(d, d));
    let eta = sample.predictors(&optimum.parameters);
    let points: Vec<f64> = std::iter::once(0.0).chain(optimum.parameters.rows(p, cuts - 1).iter().copied()).collect();
    for (i, &y) in sample.y.iter().enumerate() {
        let weight = sample.weight(i);
        let density: Vec<f64> = points.iter().map(|cut| sigmoid(cut - eta[i]) * sigmoid(eta[i] - cut)).collect();
        let probability = |k: usize| {
            let high = points.get(k).map_or(f64::INFINITY, |cut| cut - eta[i]);
            let low = if k == 0 { f64::NEG_INFINITY } else { points[k - 1] - eta[i] };
            if high == f64::INFINITY { sigmoid(-low) } else { sigmoid(high) * sigmoid(-low) * -(low - high).exp_m1() }
        };
        let probabilities: Vec<f64> = (0..=cuts).map(probability).collect();
        let row = sample.q.row(i);
        for j in 0..cuts {
            // The categories below and above the cut-point; −f q is the slope of P(Y ≤ j).
            let slope = match y {
                y if y == j => -density[j] / probabilities[j],
                y if y == j + 1 => density[j] / probabilities[j + 1],
                _ => 0.0,
            };
            (0..p).for_each(|a| score[j * p + a] += weight * slope * row[a]);
            let own = weight * density[j] * density[j] * (1.0 / probabilities[j] + 1.0 / probabilities[j + 1]);
            let next = if j + 1 < cuts { -weight * density[j] * density[j + 1] / probabilities[j + 1] } else { 0.0 };
            for a in 0..p {
                for b in 0..p {
                    let product = row[a] * row[b];
                    information[(j * p + a, j * p + b)] += own * product;
                    if j + 1 < cuts {
                        information[(j * p + a, (j + 1) * p + b)] += next * product;
                        information[((j + 1) * p + b, j * p + a)] += next * product;
                    }
                }
            }
        }
    }
    let factor = Cholesky::new(information).ok_or_else(|| {
        Error::not_defined(
            "the test of proportional odds",
            "the categories are too few in some combination of covariates for coefficients of their own",
            "join categories, or leave the test out",
        )
    })?;
    let chi_squared = score.dot(&factor.solve(&score));
    let df = (cuts - 1) * (p - 1);
    Ok(ProportionalOdds { chi_squared, df, p: dist::chi_squared::sf(chi_squared, df as f64) })
}

impl Tabular for ProportionalOdds {
    fn title(&self) -> String {
        "Score test of proportional odds".into()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::real("chi_squared", "χ²", Format::Decimals(4), [self.chi_squared]),
            Column::real("df", "df", Format::Decimals(0), [self.df as f64]),
            Column::real("p", "p", Format::Probability, [self.p]),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec!["Whether coefficients are the same for every threshold: a small p-value speaks against it.".into()]
    }
}

display_as_table!(ProportionalOdds);
