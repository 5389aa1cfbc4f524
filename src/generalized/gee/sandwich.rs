//! Covariances of the coefficients.
//!
//! With B = H⁻¹ and H_i = X̃_i B X̃_i' R_i⁻¹, the leverage of patient i, the contributions to the score are
//!
//! | | U_i | paper |
//! |---|---|---|
//! | robust | X̃_i' R_i⁻¹ e_i | Liang & Zeger 1986, Biometrika 73:13–22 |
//! | Kauermann–Carroll | X̃_i' R_i⁻¹ (I − H_i)^−½ e_i | Kauermann & Carroll 2001, JASA 96:1387–1396 |
//! | Mancl–DeRouen | X̃_i' R_i⁻¹ (I − H_i)^−1 e_i | Mancl & DeRouen 2001, Biometrics 57:126–134 |
//! | Fay–Graubard | F_i X̃_i' R_i⁻¹ e_i, F_i = diag (1 − min(¾, (X̃_i' R_i⁻¹ X̃_i B)_jj))^−½ | Fay & Graubard 2001, Biometrics 57:1198–1206 |
//!
//! and the covariance is B (Σ U_i U_i') B'.

use super::data::Data;
use super::equations::contribution;
use super::solve::Solution;
use crate::options::choices;
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// The covariance of the coefficients.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum GeeVcov {
    /// The sandwich of Liang and Zeger, which holds whatever the correlation is, for many patients (the default).
    #[default]
    Robust,
    /// By the working correlation: φ H⁻¹.
    ModelBased,
    /// The sandwich with residuals divided by the root of one minus their leverage: nearly unbiased under the working
    /// correlation.
    KauermannCarroll,
    /// The sandwich with residuals divided by one minus their leverage: close to the jackknife, and rather too large.
    ManclDeRouen,
    /// The sandwich with each patient's score divided by the root of one minus its share of the information.
    FayGraubard,
}

choices! {
    GeeVcov, "covariance of the estimates":
    Robust = "robust", ["empirical", "sandwich", "liang-zeger"], "the sandwich of Liang and Zeger";
    ModelBased = "model-based", ["model", "naive"], "by the working correlation";
    KauermannCarroll = "kauermann-carroll", ["kc"], "the sandwich corrected by the root of the leverages";
    ManclDeRouen = "mancl-derouen", ["md", "bias-reduced"], "the sandwich corrected by the leverages";
    FayGraubard = "fay-graubard", ["fg"], "the sandwich corrected by shares of the information";
}

impl GeeVcov {
    /// How tables put it.
    pub fn words(self) -> &'static str {
        match self {
            GeeVcov::Robust => "robust",
            GeeVcov::ModelBased => "model-based",
            GeeVcov::KauermannCarroll => "Kauermann–Carroll",
            GeeVcov::ManclDeRouen => "Mancl–DeRouen",
            GeeVcov::FayGraubard => "Fay–Graubard",
        }
    }

    /// Whether it is made for few patients.
    pub(super) fn is_corrected(self) -> bool {
        matches!(self, GeeVcov::KauermannCarroll | GeeVcov::ManclDeRouen | GeeVcov::FayGraubard)
    }
}

/// The bound of Fay and Graubard on shares of the information.
const BOUND: f64 = 0.75;

/// How far from one a leverage may be and count as one.
const LEVERAGE_ONE: f64 = 1e-10;

/// A covariance with the contributions it is made of.
#[derive(Debug)]
pub(super) struct Sandwich {
    /// V.
    pub vcov: DMatrix<f64>,
    /// U_i of each cluster held; empty for the model-based covariance.
    pub contributions: Vec<DVector<f64>>,
    /// B.
    inverse: DMatrix<f64>,
    /// Patients of whom some leverage is one: their residuals say nothing there, whatever the data.
    pub silent: f64,
}

impl Sandwich {
    pub fn of(data: &Data, solution: &Solution, method: GeeVcov) -> Self {
        if method == GeeVcov::ModelBased {
            let inverse = solution.inverse.clone();
            return Self { vcov: &inverse * solution.phi, contributions: vec![], inverse, silent: 0.0 };
        }
        let (mut contributions, mut silent) = (Vec::with_capacity(data.clusters()), 0.0);
        for c in 0..data.clusters() {
            let (own, is_silent) = match method {
                GeeVcov::KauermannCarroll | GeeVcov::ManclDeRouen => by_leverage(data, solution, c, method),
                GeeVcov::FayGraubard => (by_share(data, solution, c), false),
                GeeVcov::Robust | GeeVcov::ModelBased => (contribution(data, &solution.correlations, &solution.residuals, c), false),
            };
            silent += if is_silent { data.count[c] } else { 0.0 };
            contributions.push(own);
        }
        Self { silent, ..Self::of_contributions(data, solution, contributions) }
    }

    /// The same of contributions that are given.
    pub fn of_contributions(data: &Data, solution: &Solution, contributions: Vec<DVector<f64>>) -> Self {
        let inverse = solution.inverse.clone();
        let vcov = &inverse * outer(data, &contributions) * inverse.transpose();
        Self { vcov: (&vcov + vcov.transpose()) * 0.5, contributions, inverse, silent: 0.0 }
    }

    /// 2 V²/Var(V) of l'β, the variance of V estimated from the spread of the patients' contributions (Pan & Wall 2002,
    /// Statistics in Medicine 21:1429–1441).
    pub fn pan_wall(&self, data: &Data, l: &[f64]) -> f64 {
        let along = self.inverse.tr_mul(&DVector::from_column_slice(l));
        let squares: Vec<f64> = self.contributions.iter().map(|u| along.dot(u).powi(2)).collect();
        let patients = data.patients();
        let total: f64 = squares.iter().zip(&data.count).map(|(a, n)| a * n).sum();
        let spread: f64 = squares.iter().zip(&data.count).map(|(a, n)| n * (a - total / patients).powi(2)).sum();
        2.0 * total * total / (patients / (patients - 1.0) * spread)
    }
}

/// Σ over patients of U U'.
fn outer(data: &Data, contributions: &[DVector<f64>]) -> DMatrix<f64> {
    let p = data.p;
    let mut sum = DMatrix::zeros(p, p);
    for (own, count) in contributions.iter().zip(&data.count) {
        for j in 0..p {
            let factor = count * own[j];
            for i in 0..=j {
                sum[(i, j)] += own[i] * factor;
            }
        }
    }
    DMatrix::from_fn(p, p, |i, j| sum[(i.min(j), i.max(j))])
}

/// X̃ of a cluster.
fn scaled(data: &Data, solution: &Solution, cluster: usize) -> DMatrix<f64> {
    let rows = data.rows(cluster);
    DMatrix::from_fn(rows.len(), data.p, |a, k| solution.residuals.scale[rows.start + a] * data.row(rows.start + a)[k])
}

/// U_i with the residuals corrected for their leverage; in the coordinates of a factor of R⁻¹ the leverage is symmetric, and
/// a power of one minus it is the power of its eigenvalues. Zero (Moore–Penrose) where a leverage is one.
fn by_leverage(data: &Data, solution: &Solution, cluster: usize, method: GeeVcov) -> (DVector<f64>, bool) {
    let rows = data.rows(cluster);
    let factor = &solution.correlations.factors[data.pattern_of[cluster]];
    let whitened = factor * scaled(data, solution, cluster);
    let e = factor * DVector::from_column_slice(&solution.residuals.e[rows]);
    let leverage = &whitened * &solution.inverse * whitened.transpose();
    let eigen = SymmetricEigen::new((&leverage + leverage.transpose()) * 0.5);
    let mut is_silent = false;
    let mut along = eigen.eigenvectors.tr_mul(&e);
    for (along, h) in along.iter_mut().zip(eigen.eigenvalues.iter()) {
        let left = 1.0 - h;
        is_silent |= left <= LEVERAGE_ONE;
        *along *= match method {
            _ if left <= LEVERAGE_ONE => 0.0,
            GeeVcov::ManclDeRouen => 1.0 / left,
            _ => 1.0 / left.sqrt(),
        };
    }
    (whitened.tr_mul(&(eigen.eigenvectors * along)), is_silent)
}

/// U_i with each element corrected for the patient's share of the information.
fn by_share(data: &Data, solution: &Solution, cluster: usize) -> DVector<f64> {
    let own = contribution(data, &solution.correlations, &solution.residuals, cluster);
    let whitened = &solution.correlations.factors[data.pattern_of[cluster]] * scaled(data, solution, cluster);
    let share = whitened.tr_mul(&whitened) * &solution.inverse;
    DVector::from_fn(data.p, |k, _| own[k] / (1.0 - share[(k, k)].min(BOUND)).sqrt())
}
