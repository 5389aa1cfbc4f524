//! The covariance of the coefficients: by the model, or robust to a wrong variance.

use super::sample::Sample;
use crate::options::choices;
use nalgebra::{DMatrix, DVector};

/// The covariance of the coefficients of a generalized linear model of independent observations.
///
/// With the scores s_i = x_i (y_i − μ_i) (dμ/dη)_i / V(μ_i) and the expected information I, the robust covariances are
/// I⁻¹ (Σ c_i s_i s_i') I⁻¹ with c_i = 1 (HC0), N/(N − p) (HC1), 1/(1 − h_i) (HC2) and 1/(1 − h_i)² (HC3), h_i being the
/// leverages of the weighted regression at the optimum (MacKinnon & White 1985, J Econometrics 29:305–325; R
/// `sandwich::vcovHC` of a `glm`).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum GlmVcov {
    /// The inverse expected information (the default for binomial and normal outcomes).
    #[default]
    Model,
    /// White's: consistent whatever the variance (the default of a Poisson model).
    Hc0,
    /// HC0 times N/(N − p).
    Hc1,
    /// Each squared score over 1 − h_i.
    Hc2,
    /// Each squared score over (1 − h_i)², much like the jackknife.
    Hc3,
}

choices! {
    GlmVcov, "covariance of the coefficients":
    Model = "model", ["model-based", "model-based-covariance"], "the inverse expected information";
    Hc0 = "hc0", ["hc", "robust", "white", "sandwich"], "robust, without correction";
    Hc1 = "hc1", [], "robust, times N/(N - p)";
    Hc2 = "hc2", [], "robust, each squared score over 1 - leverage";
    Hc3 = "hc3", [], "robust, each squared score over (1 - leverage) squared";
}

impl GlmVcov {
    /// How tables put it.
    pub fn words(self) -> &'static str {
        match self {
            GlmVcov::Model => "model-based (inverse expected information)",
            GlmVcov::Hc0 => "robust (HC0)",
            GlmVcov::Hc1 => "robust (HC1)",
            GlmVcov::Hc2 => "robust (HC2)",
            GlmVcov::Hc3 => "robust (HC3)",
        }
    }

    /// What multiplies a squared score of an observation with leverage `h`, of `n` with `p` coefficients.
    fn factor(self, h: f64, n: usize, p: usize) -> f64 {
        match self {
            GlmVcov::Model | GlmVcov::Hc0 => 1.0,
            GlmVcov::Hc1 => n as f64 / (n as f64 - p as f64),
            GlmVcov::Hc2 => 1.0 / (1.0 - h),
            GlmVcov::Hc3 => (1.0 - h).powi(-2),
        }
    }
}

/// The covariance of β at the predictors of an optimum, for a dispersion of one.
pub(super) fn covariance(sample: &Sample, eta: &DVector<f64>, vcov: GlmVcov) -> DMatrix<f64> {
    let weights = sample.expected_weights(eta);
    let factor = sample.information_factor(&weights);
    if vcov == GlmVcov::Model {
        return sample.vcov(&factor);
    }
    let h = leverages(&sample.weighted_basis(&weights));
    let scores = scores(sample, eta);
    let mut scaled = sample.q.clone();
    for (i, mut row) in scaled.row_iter_mut().enumerate() {
        row *= scores[i] * vcov.factor(h[i], sample.n(), sample.p()).sqrt();
    }
    // (U'U)⁻¹ S'S (U'U)⁻¹ is B B' with B = U⁻¹ U⁻' S'.
    let p = sample.p();
    let none = || DMatrix::from_element(p, p, f64::NAN);
    let Some(half) = factor.transpose().solve_lower_triangular(&scaled.transpose()) else { return none() };
    let Some(whole) = factor.solve_upper_triangular(&half) else { return none() };
    let Some(in_beta) = sample.r.solve_upper_triangular(&whole) else { return none() };
    &in_beta * in_beta.transpose()
}

/// dℓ_i/dη_i by the working residual: w_i (y_i − μ_i) / (dμ/dη)_i, the score of quasi-likelihood.
fn scores(sample: &Sample, eta: &DVector<f64>) -> Vec<f64> {
    eta.iter().enumerate().map(|(i, &eta)| sample.at(i, eta).slope).collect()
}

/// The diagonal of the projection onto the columns of √W X.
pub(super) fn leverages(weighted: &DMatrix<f64>) -> Vec<f64> {
    let q = weighted.clone().qr().q();
    q.row_iter().map(|row| row.norm_squared()).collect()
}
