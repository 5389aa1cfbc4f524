//! Studies with correlated observations: Liu and Liang (1997).

use super::solve::{PowerFormula, normal_power};
use crate::error::{Error, Result};
use nalgebra::{DMatrix, DVector};

/// A test of one coefficient ψ of a marginal linear model E(y) = Uψ + Vλ for patients of several kinds.
///
/// With kind l a share π_l of the patients, covariance W_l, design U_l of the effect and V_l of the rest, the
/// information of one patient about ψ is Σ π_l (U_l − V_l B)' W_l⁻¹ (U_l − V_l B), B being the coefficients of the
/// regression of U on V. The score test with n patients has noncentrality n ψ² × that.
///
/// Reference: Liu G, Liang KY (1997). Sample size calculations for studies with correlated observations. Biometrics
/// 53(3):937–947. doi:10.2307/2533554
///
/// ```
/// use trialstats::study::analytic::{Ask, CorrelatedObservations, PowerFormula};
///
/// // The difference of averages over three visits (Diggle et al. 2002, p. 30).
/// let r = [1.0, 0.2, 0.2, 0.2, 1.0, 0.2, 0.2, 0.2, 1.0];
/// let design = CorrelatedObservations::new()
///     .kind(0.5, [0.0; 3], [[1.0]; 3], r)?
///     .kind(0.5, [1.0; 3], [[1.0]; 3], r)?;
/// let answer = design.solve(&Ask::patients_for(0.2, 0.8).one_sided())?;
/// assert_eq!(answer.patients(), [145, 145]);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CorrelatedObservations {
    kinds: Vec<Kind>,
}

#[derive(Debug, Clone, PartialEq)]
struct Kind {
    share: f64,
    effect: DVector<f64>,
    rest: DMatrix<f64>,
    inverse: DMatrix<f64>,
}

impl CorrelatedObservations {
    /// A study with no kinds of patients yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kind of patients: a share of all, the covariate of the effect at each visit, the other covariates at each
    /// visit (a row per visit), and the covariance of the visits, row by row. The first kind is the reference arm, the
    /// others are counted together as the other arm.
    ///
    /// # Errors
    /// [`Error::Invalid`] for lengths that differ or a covariance that is not positive definite.
    pub fn kind<const Q: usize>(
        mut self,
        share: f64,
        effect: impl Into<Vec<f64>>,
        rest: impl IntoIterator<Item = [f64; Q]>,
        covariance: impl Into<Vec<f64>>,
    ) -> Result<Self> {
        let (effect, rest, covariance) = (effect.into(), rest.into_iter().collect::<Vec<_>>(), covariance.into());
        let n = effect.len();
        let columns = self.kinds.first().map_or(Q, |first| first.rest.ncols());
        if rest.len() != n || covariance.len() != n * n || columns != Q {
            let why = format!(
                "the effect has {n} visits, the other covariates {} × {Q}, the covariance {} values, and {columns} other covariates are known",
                rest.len(),
                covariance.len()
            );
            return Err(Error::wrong_number("a kind of patients", why, "give one row per visit and the covariance row by row"));
        }
        let inverse = DMatrix::from_row_slice(n, n, &covariance).cholesky();
        let inverse = inverse
            .ok_or_else(|| {
                Error::out_of_range("the covariance of a kind of patients", "it is not positive definite", "give it row by row")
            })?
            .inverse();
        let rest = DMatrix::from_fn(n, Q, |i, c| rest[i][c]);
        self.kinds.push(Kind { share, effect: DVector::from_vec(effect), rest, inverse });
        Ok(self)
    }

    /// The information of one patient about the effect.
    fn information(&self) -> f64 {
        let columns = self.kinds.first().map_or(0, |kind| kind.rest.ncols());
        let (mut own, mut cross, mut rest) = (0.0, DVector::zeros(columns), DMatrix::zeros(columns, columns));
        for kind in &self.kinds {
            let weighted = &kind.inverse * &kind.effect * kind.share;
            own += weighted.dot(&kind.effect);
            cross += kind.rest.transpose() * weighted;
            rest += kind.rest.transpose() * &kind.inverse * &kind.rest * kind.share;
        }
        match rest.cholesky() {
            Some(factor) => own - cross.dot(&factor.solve(&cross)),
            None => f64::NAN,
        }
    }
}

impl PowerFormula for CorrelatedObservations {
    fn method(&self) -> String {
        "Study with correlated observations (Liu & Liang 1997)".into()
    }

    fn shares(&self) -> [f64; 2] {
        let mut shares = self.kinds.iter().map(|kind| kind.share);
        [shares.next().unwrap_or(f64::NAN), shares.sum()]
    }

    fn power(&self, patients: f64, effect: f64, tail: f64) -> f64 {
        let whole = (self.kinds.iter().map(|kind| kind.share).sum::<f64>() - 1.0).abs() < 1e-9;
        if whole { normal_power(effect, (self.information() * patients).recip().sqrt(), tail) } else { f64::NAN }
    }

    fn patients(&self, effect: f64, power: f64, tail: f64) -> f64 {
        use crate::dist::normal::quantile;
        let whole = (self.kinds.iter().map(|kind| kind.share).sum::<f64>() - 1.0).abs() < 1e-9;
        let quantiles = quantile(tail) + quantile(1.0 - power);
        if whole { quantiles * quantiles / (self.information() * effect * effect) } else { f64::NAN }
    }
}
