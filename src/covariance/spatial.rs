//! Spatial structures: the correlation of two visits falls with the distance between them, in time or in any
//! coordinates.

use super::Boundary;
use super::correlation::CorrelationFamily;
use crate::error::{Error, Result};
use crate::options::choices;
use nalgebra::DMatrix;
use std::fmt;

/// Where the visits stand: what spatial structures measure distances between (Euclidean).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Coordinates {
    /// At their times in the schedule.
    #[default]
    VisitTime,
    /// At numeric variables of the trial, one a dimension; they may differ by visit and by patient.
    Columns(Vec<String>),
}

impl Coordinates {
    /// Coordinates in the named variables.
    pub fn columns<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Coordinates::Columns(names.into_iter().map(Into::into).collect())
    }
}

/// Nothing for visit times, the names in brackets for variables.
impl fmt::Display for Coordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Coordinates::VisitTime => Ok(()),
            Coordinates::Columns(names) => write!(f, "({})", names.join(", ")),
        }
    }
}

/// How the correlation falls with the distance d.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// exp(−d/ϑ), ϑ > 0: SAS `SP(EXP)`.
    Exponential,
    /// exp(−d²/ϑ²), ϑ > 0: SAS `SP(GAU)`.
    Gaussian,
    /// ρ^d, 0 ≤ ρ < 1: SAS `SP(POW)`.
    Power,
}

choices! {
    Decay, "decay of a spatial correlation":
    Exponential = "exponential", ["exp"], "exp(−d/ϑ)";
    Gaussian = "gaussian", ["gau"], "exp(−d²/ϑ²)";
    Power = "power", ["pow"], "ρ^d";
}

/// What stands for a correlation of zero where a negative power of it is called for; whatever it is, a factor of zero
/// follows.
const TINY: f64 = 1e-100;

/// The correlation of two visits as a function of their distance.
///
/// Every visit must stand apart from the others. A visit whose place is not known stands infinitely far from all.
#[derive(Debug, Clone)]
pub struct Spatial {
    decay: Decay,
    /// T × T.
    distances: DMatrix<f64>,
    /// The range at which the nearest visits are uncorrelated to the arithmetic. No shorter range is searched, as the
    /// likelihood is flat there.
    least: f64,
}

impl Spatial {
    /// The family for visits at `coordinates`, T × d; not-a-number where a visit was not made.
    ///
    /// # Errors
    /// [`Error::Invalid`] where two visits have the same place, so that they would be one.
    pub fn new(decay: Decay, coordinates: &DMatrix<f64>) -> Result<Self> {
        let t = coordinates.nrows();
        let distances = DMatrix::from_fn(t, t, |a, b| {
            let distance = (coordinates.row(a) - coordinates.row(b)).norm();
            if a == b || !distance.is_nan() { distance } else { f64::INFINITY }
        });
        if (0..t).any(|a| (0..a).any(|b| distances[(a, b)] == 0.0)) {
            return Err(Error::out_of_range(
                "a spatial covariance structure",
                "two visits of a patient have the same place, where their correlation would be 1",
                "check the coordinates, or add another that distinguishes the visits",
            ));
        }
        Ok(Self { decay, distances, least: 0.0 })
    }
}

impl Spatial {
    /// The same where the coordinates are every patient's, so that the nearest visits are the nearest of all.
    pub fn for_everyone(self) -> Self {
        let least = match self.decay {
            Decay::Exponential => self.nearest() / 35.0,
            Decay::Gaussian => self.nearest() / 6.0,
            Decay::Power => 0.0,
        };
        Self { least: if least.is_finite() { least } else { 0.0 }, ..self }
    }

    /// The smallest distance.
    fn nearest(&self) -> f64 {
        let t = self.distances.nrows();
        (0..t).flat_map(|a| (0..a).map(move |b| (a, b))).map(|cell| self.distances[cell]).fold(f64::INFINITY, f64::min)
    }
}

impl CorrelationFamily for Spatial {
    fn parameters(&self, visits: usize) -> usize {
        usize::from(visits > 1)
    }

    fn names(&self, _labels: &[String]) -> Vec<String> {
        let name = match self.decay {
            Decay::Exponential | Decay::Gaussian => "range",
            Decay::Power => "correlation at distance 1",
        };
        vec![name.into()]
    }

    /// The average of what each pair of visits says, in logarithms; pairs that are not correlated count as nearly so.
    fn start(&self, correlation: &DMatrix<f64>) -> Vec<f64> {
        let t = correlation.nrows();
        let pairs = (0..t).flat_map(|a| (0..a).map(move |b| (a, b))).filter(|&cell| self.distances[cell].is_finite());
        let (sum, count) = pairs.fold((0.0, 0), |(sum, count), cell| {
            let (r, d) = (correlation[cell].clamp(0.05, 0.95), self.distances[cell]);
            let range = match self.decay {
                Decay::Exponential | Decay::Power => -d / r.ln(),
                Decay::Gaussian => d / (-r.ln()).sqrt(),
            };
            (sum + range.ln(), count + 1)
        });
        let range = if count == 0 { 1.0 } else { (sum / f64::from(count)).exp() };
        vec![if self.decay == Decay::Power { (-1.0 / range).exp() } else { range }]
    }

    fn in_range(&self, rho: &[f64]) -> bool {
        rho.iter().all(|&x| if self.decay == Decay::Power { (0.0..1.0).contains(&x) } else { x > self.least })
    }

    fn correlation(&self, rho: &[f64], a: usize, b: usize) -> f64 {
        let (d, x) = (self.distances[(a, b)], rho[0]);
        match self.decay {
            Decay::Exponential => (-d / x).exp(),
            Decay::Gaussian => (-(d / x).powi(2)).exp(),
            Decay::Power => x.powf(d),
        }
    }

    fn derivative(&self, rho: &[f64], _k: usize, a: usize, b: usize) -> f64 {
        let (d, x, r) = (self.distances[(a, b)], rho[0], self.correlation(rho, a, b));
        match self.decay {
            _ if d.is_infinite() => 0.0,
            Decay::Exponential => r * d / x.powi(2),
            Decay::Gaussian => 2.0 * r * d.powi(2) / x.powi(3),
            Decay::Power => d * x.max(TINY).powf(d - 1.0),
        }
    }

    fn second_derivative(&self, rho: &[f64], _k: usize, _l: usize, a: usize, b: usize) -> f64 {
        let (d, x, r) = (self.distances[(a, b)], rho[0], self.correlation(rho, a, b));
        match self.decay {
            _ if d.is_infinite() => 0.0,
            Decay::Exponential => r * d / x.powi(3) * (d / x - 2.0),
            Decay::Gaussian => 2.0 * r * d.powi(2) / x.powi(4) * (2.0 * (d / x).powi(2) - 3.0),
            Decay::Power => d * (d - 1.0) * x.max(TINY).powf(d - 2.0),
        }
    }

    /// A correlation that is least at zero ends there. ρ is searched so that the correlation of the nearest visits is
    /// a square.
    fn boundaries(&self) -> Vec<Boundary> {
        if self.distances.nrows() < 2 {
            return vec![];
        }
        vec![match self.decay {
            Decay::Exponential | Decay::Gaussian => Boundary::Vanishing { parameter: 0 },
            Decay::Power => Boundary::Root { parameter: 0, power: (2.0 / self.nearest()).max(2.0) },
        }]
    }
}
