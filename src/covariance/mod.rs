//! Covariance structures: θ ↔ Σ(θ) on the visit grid, with exact derivatives in the natural parameters.
//!
//! | structure | Σ_ab, a > b | θ | parameters | requires | SAS | mmrm | nlme |
//! |---|---|---|---|---|---|---|---|
//! | [`Unstructured`](Covariance::Unstructured) | σ_ab | σ_ab | T(T+1)/2 | – | `UN` | `us` | `corSymm`, `varIdent` |
//! | [`BandedUnstructured`](Covariance::BandedUnstructured) | σ_ab where a−b < q, else 0 | σ_ab | q(2T−q+1)/2 | q ≥ 1 | `UN(q)` | – | – |
//! | [`Toeplitz`](Covariance::Toeplitz) | σ_{a−b} | σ_0, …, σ_{T−1} | T | – | `TOEP` | `toep` | – |
//! | [`BandedToeplitz`](Covariance::BandedToeplitz) | σ_{a−b} where a−b < q, else 0 | σ_0, …, σ_{q−1} | q | q ≥ 1 | `TOEP(q)` | – | – |
//! | [`HeterogeneousToeplitz`](Covariance::HeterogeneousToeplitz) | σ_a σ_b ρ_{a−b} | σ²_a, ρ_1, …, ρ_{T−1} | 2T−1 | – | `TOEPH` | `toeph` | – |
//! | [`BandedHeterogeneousToeplitz`](Covariance::BandedHeterogeneousToeplitz) | the same where a−b < q, else 0 | σ²_a, ρ_1, …, ρ_{q−1} | T+q−1 | q ≥ 1 | `TOEPH(q)` | – | – |
//! | [`Autoregressive`](Covariance::Autoregressive) | σ² ρ^{a−b} | σ², ρ | 2 | – | `AR(1)` | `ar1` | `corAR1` |
//! | [`HeterogeneousAutoregressive`](Covariance::HeterogeneousAutoregressive) | σ_a σ_b ρ^{a−b} | σ²_a, ρ | T+1 | – | `ARH(1)` | `ar1h` | `corAR1`, `varIdent` |
//! | [`AnteDependence`](Covariance::AnteDependence) | σ² ρ_b ρ_{b+1} … ρ_{a−1} | σ², ρ_1, …, ρ_{T−1} | T | – | – | `ad` | – |
//! | [`HeterogeneousAnteDependence`](Covariance::HeterogeneousAnteDependence) | σ_a σ_b ρ_b ρ_{b+1} … ρ_{a−1} | σ²_a, ρ_1, …, ρ_{T−1} | 2T−1 | – | `ANTE(1)` | `adh` | – |
//! | [`Independent`](Covariance::Independent) | 0 | σ² | 1 | – | `VC`, `SIMPLE` | – | the default |
//! | [`IndependentBy`](Covariance::IndependentBy) | 0; the variance is that of the level of a factor at the visit | σ²_l | levels | a factor | `GROUP=` | – | `varIdent` |
//! | [`CompoundSymmetry`](Covariance::CompoundSymmetry) | σ₁; the variance is σ₁ + σ² | σ₁, σ² | 2 | – | `CS` | `cs` | `corCompSymm` |
//! | [`HeterogeneousCompoundSymmetry`](Covariance::HeterogeneousCompoundSymmetry) | σ_a σ_b ρ | σ²_a, ρ | T+1 | – | `CSH` | `csh` | `corCompSymm`, `varIdent` |
//! | [`HuynhFeldt`](Covariance::HuynhFeldt) | (σ²_a + σ²_b)/2 − λ | σ²_a, λ | T+1 | – | `HF` | – | – |
//! | [`FactorAnalytic`](Covariance::FactorAnalytic) | Σ_f λ_af λ_bf; the variance has ψ_a on top, ψ_a ≥ 0 | λ_af for f ≤ a, ψ_a | q(2T−q+1)/2 + T | not more than T(T+1)/2 parameters | `FA(q)` | – | – |
//! | [`FactorAnalyticCommonVariance`](Covariance::FactorAnalyticCommonVariance) | the same with ψ_a = ψ | λ_af, ψ | q(2T−q+1)/2 + 1 | as above | `FA1(q)` | – | – |
//! | [`SpatialExponential`](Covariance::SpatialExponential) | σ² exp(−d_ab/ϑ) | σ², ϑ > 0 | 2 | times or coordinates | `SP(EXP)` | `sp_exp` | `corExp` |
//! | [`SpatialGaussian`](Covariance::SpatialGaussian) | σ² exp(−d²_ab/ϑ²) | σ², ϑ > 0 | 2 | times or coordinates | `SP(GAU)` | – | `corGaus` |
//! | [`SpatialPower`](Covariance::SpatialPower) | σ² ρ^{d_ab}, 0 ≤ ρ < 1 | σ², ρ | 2 | times or coordinates | `SP(POW)` | `sp_exp` | `corCAR1` |
//! | [`RandomIntercept`](Covariance::RandomIntercept) | τ²; the variance is τ² + σ², τ² ≥ 0 | τ², σ² | 2 | – | `RANDOM INT` | – | `lme` |
//! | [`RandomInterceptSlope`](Covariance::RandomInterceptSlope) | z_a'Gz_b, z = (1, time), G ⪰ 0; the variance has σ² on top | G, σ² | 4 | times | `RANDOM INT TIME / TYPE=UN` | – | `lme` |
//! | [`RandomCoefficients`](Covariance::RandomCoefficients) | z_a'Gz_b + R_ab, R any structure here | G, those of R | 1 or 3, those of R | those of R | `RANDOM` and `REPEATED` | – | `lme`, `correlation` |
//!
//! Visits stand in the schedule's order, never the alphabet's. d_ab is the Euclidean distance of two visits.
//! `SP(EXP)` and `SP(POW)` are one model, ρ = exp(−1/ϑ), in the parameters of SAS and of mmrm's `sp_exp`; the full
//! Kenward–Roger adjustment differs between them.
//!
//! The natural parameters are those in which SAS reports and in which the full Kenward–Roger adjustment is taken:
//! covariance elements for the unstructured, Toeplitz, compound-symmetric, Huynh–Feldt and random-coefficient
//! structures (Σ is linear in them), variances and correlations or ranges for the others, loadings and unique
//! variances for the factor-analytic.
//!
//! A custom structure implements [`CovarianceStructure`] and [`CovarianceFamily`] and is passed as
//! [`Covariance::Custom`]; `examples/own_covariance.rs` shows one.

mod ante_dependence;
mod autoregressive;
mod by_level;
mod choice;
mod compound_symmetry;
mod correlation;
mod exchangeable;
mod factor_analytic;
mod huynh_feldt;
mod kronecker;
mod names;
mod random_coefficients;
mod selected;
mod spaced;
mod spatial;
#[cfg(test)]
mod tests;
mod toeplitz;
mod turned;
mod unstructured;

pub use ante_dependence::AnteDependence;
pub use autoregressive::Autoregressive;
pub use by_level::ByLevel;
pub use choice::{Covariance, RandomTerms};
pub use compound_symmetry::CompoundSymmetry;
pub use correlation::{CorrelationFamily, Heterogeneous, Homogeneous};
pub use exchangeable::Exchangeable;
pub use factor_analytic::FactorAnalytic;
pub use huynh_feldt::HuynhFeldt;
pub use kronecker::Kronecker;
pub use random_coefficients::RandomCoefficients;
pub use selected::Selected;
pub(crate) use spaced::Spaced;
pub use spatial::{Coordinates, Decay, Spatial};
pub use toeplitz::{Lagged, Toeplitz};
pub(crate) use turned::Turned;
pub use unstructured::Unstructured;

use crate::error::Result;
use nalgebra::{DMatrix, DVector};
use std::fmt::Debug;

/// A covariance structure bound to a visit grid of T visits.
///
/// θ are the natural parameters: those that are reported, and in which inference is done.
pub trait CovarianceStructure: Debug + Send + Sync {
    /// The number T of visits.
    fn visits(&self) -> usize;

    /// Names of the parameters, one each; `labels` are the visits'.
    fn parameter_names(&self, labels: &[String]) -> Vec<String>;

    /// Parameters near a covariance matrix: where the search begins. `moments` is positive definite, T × T.
    fn start(&self, moments: &DMatrix<f64>) -> Vec<f64>;

    /// Whether θ is inside its range; positive definiteness of Σ is checked apart from this.
    fn in_range(&self, theta: &[f64]) -> bool;

    /// Writes Σ(θ) into `sigma`, T × T.
    fn sigma(&self, theta: &[f64], sigma: &mut DMatrix<f64>);

    /// Writes ∂Σ/∂θ_k into `derivative`, T × T.
    fn derivative(&self, theta: &[f64], k: usize, derivative: &mut DMatrix<f64>);

    /// Writes ∂²Σ/∂θ_k∂θ_l into `derivative` and returns `true`, or returns `false` where it is zero.
    fn second_derivative(&self, theta: &[f64], k: usize, l: usize, derivative: &mut DMatrix<f64>) -> bool;

    /// Whether Σ is linear in θ, with second derivatives that are zero and first ones that are the same everywhere.
    fn is_linear(&self) -> bool {
        false
    }

    /// Z, T × r, where Σ = ZGZ' + σ²I with any positive semidefinite G, and θ is the lower triangle of G row by row and then
    /// σ²: such a model is one of random effects of patients, which are refitted faster. None unless said otherwise.
    fn multipliers(&self) -> Option<&DMatrix<f64>> {
        None
    }

    /// Where the range of parameters ends in an estimate that counts: variances that vanish, covariance matrices that
    /// become singular, correlations that die out. The search reaches such an end without crossing it, and what has
    /// vanished there is named. None unless said otherwise.
    fn boundaries(&self) -> Vec<Boundary> {
        vec![]
    }
}

/// The end of a range that an estimate may reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Boundary {
    /// Parameters from `first` on are the lower triangle, row by row, of a positive semidefinite matrix of `size`
    /// rows; they are searched by its Cholesky factor.
    Semidefinite {
        /// The position of the first of them in θ.
        first: usize,
        /// The number of rows of the matrix.
        size: usize,
    },
    /// A parameter that is never negative, searched by its root η: θ_k = |η|^power. A variance has the power 2.
    Root {
        /// Its position k in θ.
        parameter: usize,
        /// The power, more than 1.
        power: f64,
    },
    /// A positive parameter on which Σ depends less and less as it falls to zero; searched as it is.
    Vanishing {
        /// Its position in θ.
        parameter: usize,
    },
}

impl Boundary {
    /// The first parameter and the number of rows of what must stay positive semidefinite, a single parameter being
    /// one row.
    pub(crate) fn block(self) -> Option<(usize, usize)> {
        match self {
            Boundary::Semidefinite { first, size } => Some((first, size)),
            Boundary::Root { parameter, .. } => Some((parameter, 1)),
            Boundary::Vanishing { .. } => None,
        }
    }

    /// The same for a structure whose parameters stand `by` places later.
    pub(crate) fn moved(self, by: usize) -> Self {
        match self {
            Boundary::Semidefinite { first, size } => Boundary::Semidefinite { first: first + by, size },
            Boundary::Root { parameter, power } => Boundary::Root { parameter: parameter + by, power },
            Boundary::Vanishing { parameter } => Boundary::Vanishing { parameter: parameter + by },
        }
    }
}

/// What makes a structure for a visit grid: the way to add a custom one.
pub trait CovarianceFamily: Debug + Send + Sync {
    /// Its name, as reports print it.
    fn name(&self) -> String;

    /// The structure for these visits. `times` has a number for each visit that the schedule gives one.
    ///
    /// # Errors
    /// When the structure needs what the schedule does not have, such as times.
    fn bind(&self, times: &[Option<f64>]) -> Result<Box<dyn CovarianceStructure>>;
}

/// The position of (a, b), a ≥ b, in a lower triangle stored row by row.
pub(crate) fn lower(a: usize, b: usize) -> usize {
    a * (a + 1) / 2 + b
}

/// The pairs (a, b), a ≥ b, of a lower triangle in the order of [`lower`].
pub(crate) fn lower_pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(|a| (0..=a).map(move |b| (a, b)))
}

/// The derivative of a symmetric matrix with respect to its element (a, b).
pub(crate) fn unit_symmetric(a: usize, b: usize, derivative: &mut DMatrix<f64>) {
    derivative.fill(0.0);
    derivative[(a, b)] = 1.0;
    derivative[(b, a)] = 1.0;
}

/// What `start` says of the matrix, or of the nearest mixture of it with the matrix of this diagonal for which Σ is
/// not much nearer to being singular than the mixture is: the edge is a poor place to begin.
pub(crate) fn start_inside(
    structure: &dyn CovarianceStructure,
    moments: &DMatrix<f64>,
    diagonal: &DVector<f64>,
    start: impl Fn(&DMatrix<f64>) -> Vec<f64>,
) -> Vec<f64> {
    let target = DMatrix::from_diagonal(diagonal);
    let mut sigma = DMatrix::zeros(structure.visits(), structure.visits());
    let mut inside = |theta: &[f64], mixture: &DMatrix<f64>| {
        structure.in_range(theta) && {
            structure.sigma(theta, &mut sigma);
            smallest_eigenvalue(&sigma) >= 0.5 * smallest_eigenvalue(mixture)
        }
    };
    let mut last = vec![];
    for share in (0..=20).map(|k| f64::from(k) / 20.0) {
        let mixture = moments * (1.0 - share) + &target * share;
        last = start(&mixture);
        if inside(&last, &mixture) {
            break;
        }
    }
    last
}

/// The smallest eigenvalue of a covariance matrix as correlations, not a number where a variance is not positive.
fn smallest_eigenvalue(sigma: &DMatrix<f64>) -> f64 {
    DMatrix::from_fn(sigma.nrows(), sigma.ncols(), |a, b| sigma[(a, b)] / (sigma[(a, a)] * sigma[(b, b)]).sqrt())
        .symmetric_eigenvalues()
        .min()
}
