//! Covariance structures: θ ↔ Σ(θ) on the visit grid, with exact derivatives in the natural parameters.
//!
//! | structure | Σ_ab | θ | parameters | SAS | mmrm |
//! |---|---|---|---|---|---|
//! | [`Unstructured`](Covariance::Unstructured) | σ_ab | σ_ab, a ≥ b | T(T+1)/2 | `UN` | `us` |
//! | [`CompoundSymmetry`](Covariance::CompoundSymmetry) | σ₁ + σ² 1[a=b] | σ₁, σ² | 2 | `CS` | `cs` |
//! | [`HeterogeneousCompoundSymmetry`](Covariance::HeterogeneousCompoundSymmetry) | σ_a σ_b ρ | σ²_a, ρ | T+1 | `CSH` | `csh` |
//! | [`Autoregressive`](Covariance::Autoregressive) | σ² ρ^\|a−b\| | σ², ρ | 2 | `AR(1)` | `ar1` |
//! | [`HeterogeneousAutoregressive`](Covariance::HeterogeneousAutoregressive) | σ_a σ_b ρ^\|a−b\| | σ²_a, ρ | T+1 | `ARH(1)` | `ar1h` |
//! | [`RandomIntercept`](Covariance::RandomIntercept) | τ² + σ² 1[a=b], τ² ≥ 0 | τ², σ² | 2 | `RANDOM INT` | – |
//! | [`RandomInterceptSlope`](Covariance::RandomInterceptSlope) | z_a'Gz_b + σ² 1[a=b], z = (1, time), G ⪰ 0 | G, σ² | 4 | `RANDOM INT TIME / TYPE=UN` | – |
//!
//! The natural parameters are those in which SAS reports and in which the full Kenward–Roger adjustment is taken: covariance elements for
//! the unstructured, compound-symmetric and random-coefficient structures (Σ is linear in them), variances and correlations for the others.
//!
//! A structure of one's own implements [`CovarianceStructure`] and is passed as [`Covariance::Custom`].

mod compound_symmetry;
mod correlation;
mod random_coefficients;
mod unstructured;

pub use compound_symmetry::CompoundSymmetry;
pub use correlation::{Autoregressive, CorrelationFamily, Exchangeable, Heterogeneous, Homogeneous};
pub use random_coefficients::RandomCoefficients;
pub use unstructured::Unstructured;

use crate::error::{Error, Result};
use nalgebra::DMatrix;
use std::fmt::{self, Debug};
use std::sync::Arc;

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

    /// The size r of a leading block of parameters that are the lower triangle, row by row, of an r × r matrix that must stay positive
    /// semidefinite, 0 for none. The search then runs in its Cholesky factor, which reaches the boundary without crossing it.
    fn semidefinite_block(&self) -> usize {
        0
    }
}

/// What makes a structure for a visit grid: the way to add one of one's own.
pub trait CovarianceFamily: Debug + Send + Sync {
    /// Its name, as reports print it.
    fn name(&self) -> String;

    /// The structure for these visits. `times` has a number for each visit that the schedule gives one.
    ///
    /// # Errors
    /// When the structure needs what the schedule does not have, such as times.
    fn bind(&self, times: &[Option<f64>]) -> Result<Box<dyn CovarianceStructure>>;
}

/// The covariance among a patient's visits.
///
/// The default is unstructured: no assumption beyond its being the same for every patient of a group.
#[non_exhaustive]
#[derive(Debug, Clone, Default)]
pub enum Covariance {
    /// A variance per visit and a covariance per pair of visits.
    #[default]
    Unstructured,
    /// One variance, one covariance.
    CompoundSymmetry,
    /// A variance per visit, one correlation.
    HeterogeneousCompoundSymmetry,
    /// One variance; the correlation falls geometrically with the distance in the schedule's order.
    Autoregressive,
    /// A variance per visit; the correlation falls geometrically with the distance in the schedule's order.
    HeterogeneousAutoregressive,
    /// A random intercept per patient and independent errors.
    RandomIntercept,
    /// A random intercept and slope on visit time per patient, correlated, and independent errors.
    RandomInterceptSlope,
    /// A structure of the user's own.
    Custom(Arc<dyn CovarianceFamily>),
}

impl Covariance {
    /// All built-in structures with their full name and the short name that R mmrm uses, where it has one.
    pub const NAMED: [(&'static str, Option<&'static str>, Covariance); 7] = [
        ("unstructured", Some("us"), Covariance::Unstructured),
        ("compound-symmetry", Some("cs"), Covariance::CompoundSymmetry),
        ("heterogeneous-compound-symmetry", Some("csh"), Covariance::HeterogeneousCompoundSymmetry),
        ("autoregressive", Some("ar1"), Covariance::Autoregressive),
        ("heterogeneous-autoregressive", Some("ar1h"), Covariance::HeterogeneousAutoregressive),
        ("random-intercept", None, Covariance::RandomIntercept),
        ("random-intercept-slope", None, Covariance::RandomInterceptSlope),
    ];

    /// Names that R mmrm has and this version does not.
    const NOT_BUILT: [&'static str; 5] = ["toep", "toeph", "ad", "adh", "sp_exp"];

    /// The structure called `name`, in full or by mmrm's short name.
    ///
    /// # Errors
    /// [`Error::Unknown`] lists the names there are; a name that is planned but not built yet says so.
    pub fn named(name: &str) -> Result<Self> {
        if Self::NOT_BUILT.contains(&name) {
            return Err(Error::invalid(
                format!("covariance `{name}`"),
                "this version has not built it yet",
                format!("use one of {}", Self::names().join(", ")),
            ));
        }
        let found = Self::NAMED.into_iter().find(|(full, short, _)| *full == name || *short == Some(name));
        found.map(|(_, _, covariance)| covariance).ok_or_else(|| Error::unknown("covariance structure", name, &Self::names()))
    }

    fn names() -> Vec<String> {
        Self::NAMED.iter().map(|(full, short, _)| short.map_or(full.to_string(), |s| format!("{full} ({s})"))).collect()
    }

    /// mmrm's short name, where it has one.
    pub fn short_name(&self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(full, ..)| *full == self.to_string()).and_then(|(_, short, _)| *short)
    }

    /// The structure for the visits at `times`.
    ///
    /// # Errors
    /// When the structure needs what the schedule does not have, such as times.
    pub fn bind(&self, times: &[Option<f64>]) -> Result<Box<dyn CovarianceStructure>> {
        let visits = times.len();
        Ok(match self {
            Covariance::Unstructured => Box::new(Unstructured::new(visits)),
            Covariance::CompoundSymmetry => Box::new(CompoundSymmetry::new(visits)),
            Covariance::HeterogeneousCompoundSymmetry => Box::new(Heterogeneous::new(Exchangeable, visits)),
            Covariance::Autoregressive => Box::new(Homogeneous::new(Autoregressive, visits)),
            Covariance::HeterogeneousAutoregressive => Box::new(Heterogeneous::new(Autoregressive, visits)),
            Covariance::RandomIntercept => Box::new(RandomCoefficients::intercept(visits)),
            Covariance::RandomInterceptSlope => Box::new(RandomCoefficients::intercept_and_slope(&required_times(times)?)),
            Covariance::Custom(family) => family.bind(times)?,
        })
    }
}

impl fmt::Display for Covariance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Covariance::Unstructured => "unstructured",
            Covariance::CompoundSymmetry => "compound-symmetry",
            Covariance::HeterogeneousCompoundSymmetry => "heterogeneous-compound-symmetry",
            Covariance::Autoregressive => "autoregressive",
            Covariance::HeterogeneousAutoregressive => "heterogeneous-autoregressive",
            Covariance::RandomIntercept => "random-intercept",
            Covariance::RandomInterceptSlope => "random-intercept-slope",
            Covariance::Custom(family) => return f.write_str(&family.name()),
        })
    }
}

impl serde::Serialize for Covariance {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The visits' times, all of which must be known.
fn required_times(times: &[Option<f64>]) -> Result<Vec<f64>> {
    times.iter().copied().collect::<Option<Vec<f64>>>().ok_or_else(|| {
        Error::invalid(
            "a covariance structure on visit time",
            "the schedule gives no time for some visits",
            "declare the visits with their times, or name a column of times in the layout",
        )
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: [f64; 4] = [0.0, 3.0, 6.0, 12.0];

    /// Parameters in general position: a start from an unbalanced covariance matrix.
    fn theta(structure: &dyn CovarianceStructure) -> Vec<f64> {
        let moments = DMatrix::from_fn(4, 4, |a, b| {
            (9.0 + a as f64) * (7.0 + b as f64).min(9.0) * 0.7_f64.powi(a.abs_diff(b) as i32) * 0.9 + f64::from(a == b) * 8.0
        });
        structure.start(&(0.5 * (&moments + moments.transpose())))
    }

    fn structures() -> Vec<(&'static str, Box<dyn CovarianceStructure>)> {
        let times: Vec<Option<f64>> = TIMES.iter().map(|&t| Some(t)).collect();
        Covariance::NAMED.into_iter().map(|(name, _, covariance)| (name, covariance.bind(&times).expect("has times"))).collect()
    }

    fn sigma_at(structure: &dyn CovarianceStructure, theta: &[f64]) -> DMatrix<f64> {
        let mut sigma = DMatrix::zeros(4, 4);
        structure.sigma(theta, &mut sigma);
        sigma
    }

    fn derivative_at(structure: &dyn CovarianceStructure, theta: &[f64], k: usize) -> DMatrix<f64> {
        let mut derivative = DMatrix::zeros(4, 4);
        structure.derivative(theta, k, &mut derivative);
        derivative
    }

    /// The central difference of `f` along parameter k; its error is of the order step² = 1e-10, relative to values near 100.
    fn difference(theta: &[f64], k: usize, f: impl Fn(&[f64]) -> DMatrix<f64>) -> DMatrix<f64> {
        let step = 1e-5 * theta[k].abs().max(1e-2);
        let (mut above, mut below) = (theta.to_vec(), theta.to_vec());
        above[k] += step;
        below[k] -= step;
        (f(&above) - f(&below)) / (2.0 * step)
    }

    #[test]
    fn first_derivatives_are_those_of_sigma() {
        for (name, structure) in structures() {
            let theta = theta(&*structure);
            for k in 0..theta.len() {
                let exact = derivative_at(&*structure, &theta, k);
                let error = (difference(&theta, k, |t| sigma_at(&*structure, t)) - &exact).abs().max();
                assert!(error < 1e-7 * (1.0 + exact.abs().max()), "{name}, parameter {k}: off by {error:e}");
            }
        }
    }

    #[test]
    fn second_derivatives_are_those_of_the_first() {
        for (name, structure) in structures() {
            let theta = theta(&*structure);
            for k in 0..theta.len() {
                for l in 0..theta.len() {
                    let mut exact = DMatrix::zeros(4, 4);
                    if !structure.second_derivative(&theta, k, l, &mut exact) {
                        exact.fill(0.0);
                    }
                    let error = (difference(&theta, l, |t| derivative_at(&*structure, t, k)) - &exact).abs().max();
                    assert!(error < 1e-7 * (1.0 + exact.abs().max()), "{name}, parameters {k} and {l}: off by {error:e}");
                }
            }
        }
    }

    #[test]
    fn each_parameter_has_a_name_and_the_start_is_in_range() {
        let labels: Vec<String> = TIMES.iter().map(|t| format!("month {t}")).collect();
        for (name, structure) in structures() {
            let theta = theta(&*structure);
            assert_eq!(structure.parameter_names(&labels).len(), theta.len(), "{name}");
            assert!(structure.in_range(&theta), "{name}");
            assert!(sigma_at(&*structure, &theta).cholesky().is_some(), "{name}");
        }
    }

    #[test]
    fn a_single_visit_has_one_variance_in_every_structure_without_random_effects() {
        for (name, _, covariance) in Covariance::NAMED {
            let structure = covariance.bind(&[Some(0.0)]).expect("has times");
            let theta = structure.start(&DMatrix::from_element(1, 1, 4.0));
            if structure.semidefinite_block() == 0 {
                assert_eq!(theta, [4.0], "{name}");
            }
        }
    }

    #[test]
    fn names_are_found_in_full_and_short() {
        assert_eq!(Covariance::named("csh").expect("short").to_string(), "heterogeneous-compound-symmetry");
        assert_eq!(Covariance::named("unstructured").expect("full").to_string(), "unstructured");
        assert!(Covariance::named("banana").is_err());
    }

    #[test]
    fn a_structure_on_time_asks_for_times() {
        assert!(Covariance::RandomInterceptSlope.bind(&[Some(0.0), None]).is_err());
    }
}
