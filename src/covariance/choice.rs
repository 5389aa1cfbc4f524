//! [`Covariance`]: which structure is assumed, before it is bound to visits.

use super::{
    AnteDependence, Autoregressive, ByLevel, CompoundSymmetry, Coordinates, CorrelationFamily, CovarianceFamily, CovarianceStructure,
    Decay, Exchangeable, FactorAnalytic, Heterogeneous, Homogeneous, HuynhFeldt, Lagged, RandomCoefficients, Spaced, Spatial, Toeplitz,
    Unstructured,
};
use crate::error::{Error, Message, Result, Setting};
use crate::options::choices;
use crate::table::counted;
use nalgebra::DMatrix;
use std::sync::Arc;

/// The covariance among a patient's visits.
///
/// The default is unstructured: no assumption beyond its being the same for every patient of a group. Formulas,
/// parameters and the names that other software has for them are in the [module's table](super).
#[non_exhaustive]
#[derive(Debug, Clone, Default)]
pub enum Covariance {
    /// A variance per visit and a covariance per pair of visits.
    #[default]
    Unstructured,
    /// A variance per visit and a covariance per pair of visits that are near in the schedule's order; the others are
    /// uncorrelated.
    BandedUnstructured {
        /// Visits fewer than this apart are correlated; 1 leaves the variances.
        bands: usize,
    },
    /// One variance, and a covariance for every distance in the schedule's order.
    Toeplitz,
    /// One variance, and a covariance for every small distance in the schedule's order; none beyond.
    BandedToeplitz {
        /// Visits fewer than this apart are correlated; 1 leaves the variance.
        bands: usize,
    },
    /// A variance per visit, and a correlation for every distance in the schedule's order.
    HeterogeneousToeplitz,
    /// A variance per visit, and a correlation for every small distance in the schedule's order; none beyond.
    BandedHeterogeneousToeplitz {
        /// Visits fewer than this apart are correlated; 1 leaves the variances.
        bands: usize,
    },
    /// One variance; the correlation falls geometrically with the distance in the schedule's order.
    Autoregressive,
    /// A variance per visit; the correlation falls geometrically with the distance in the schedule's order.
    HeterogeneousAutoregressive,
    /// One variance, a correlation for every two neighbouring visits; those of others are the products of the
    /// correlations between.
    AnteDependence,
    /// A variance per visit, a correlation for every two neighbouring visits; those of others are the products of the
    /// correlations between.
    HeterogeneousAnteDependence,
    /// One variance, no covariance: what is left of a patient's visits is independent.
    Independent,
    /// A variance for each level of a factor that may change within patients, such as the treatment of a crossover; no
    /// covariance.
    IndependentBy {
        /// The factor.
        factor: String,
        /// Its levels, once the trial is known.
        levels: Vec<String>,
    },
    /// One variance, one covariance.
    CompoundSymmetry,
    /// A variance per visit, one correlation.
    HeterogeneousCompoundSymmetry,
    /// A variance per visit, one variance of all differences of two visits.
    HuynhFeldt,
    /// Common factors and a unique variance per visit.
    FactorAnalytic {
        /// The number of factors.
        factors: usize,
    },
    /// Common factors and one unique variance.
    FactorAnalyticCommonVariance {
        /// The number of factors.
        factors: usize,
    },
    /// One variance; the correlation is exp(−d/ϑ) at distance d.
    SpatialExponential(Coordinates),
    /// One variance; the correlation is exp(−d²/ϑ²) at distance d.
    SpatialGaussian(Coordinates),
    /// One variance; the correlation is ρ^d at distance d.
    SpatialPower(Coordinates),
    /// A random intercept per patient and independent errors.
    RandomIntercept,
    /// A random intercept and slope on visit time per patient, correlated, and independent errors.
    RandomInterceptSlope,
    /// Random coefficients per patient, and a structure for what they leave; see [`Covariance::with_residual`].
    RandomCoefficients {
        /// What varies from patient to patient.
        coefficients: RandomTerms,
        /// The structure of what is left.
        residual: Box<Covariance>,
    },
    /// A custom structure.
    Custom(Arc<dyn CovarianceFamily>),
}

/// What varies from patient to patient.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RandomTerms {
    /// The level.
    Intercept,
    /// The level and the slope on visit time, correlated.
    InterceptSlope,
}

choices! {
    RandomTerms, "random coefficients":
    Intercept = "random-intercept", [], "the level";
    InterceptSlope = "random-intercept-slope", [], "the level and the slope on visit time, correlated";
}

/// Structures of the same name with the same numbers and variables; custom ones, the very same object.
impl PartialEq for Covariance {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Covariance::Custom(own), Covariance::Custom(other)) => Arc::ptr_eq(own, other),
            (Covariance::Custom(_), _) | (_, Covariance::Custom(_)) => false,
            _ => self.to_string() == other.to_string(),
        }
    }
}

impl Covariance {
    /// Random coefficients with this structure for what they leave, in place of independent errors.
    ///
    /// ```
    /// use trialstats::Covariance;
    /// let covariance = Covariance::RandomIntercept.with_residual(Covariance::Autoregressive)?;
    /// assert_eq!(covariance.to_string(), "random-intercept + autoregressive");
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] where `self` is not [`RandomIntercept`](Self::RandomIntercept),
    /// [`RandomInterceptSlope`](Self::RandomInterceptSlope) or [`RandomCoefficients`](Self::RandomCoefficients), or
    /// `residual` has random coefficients itself.
    pub fn with_residual(self, residual: Covariance) -> Result<Self> {
        let residual = Box::new(residual.without_random_coefficients()?);
        let coefficients = match self {
            Covariance::RandomIntercept => RandomTerms::Intercept,
            Covariance::RandomInterceptSlope => RandomTerms::InterceptSlope,
            Covariance::RandomCoefficients { coefficients, .. } => coefficients,
            other => {
                return Err(Error::conflict(
                    format!("{other} with a structure for its residual"),
                    "it has no random coefficients",
                    "use random-intercept or random-intercept-slope",
                ));
            }
        };
        Ok(Covariance::RandomCoefficients { coefficients, residual })
    }

    fn without_random_coefficients(self) -> Result<Self> {
        use Covariance::{RandomCoefficients, RandomIntercept, RandomInterceptSlope};
        match self {
            RandomIntercept | RandomInterceptSlope | RandomCoefficients { .. } => Err(Error::conflict(
                format!("{self} as a structure of residuals"),
                "random coefficients are stated once",
                "use a structure without random coefficients",
            )),
            other => Ok(other),
        }
    }

    /// A spatial structure with its coordinates in these variables; `None` for any other structure.
    pub(crate) fn at_columns(&self, columns: &[String]) -> Option<Self> {
        let places = Coordinates::columns(columns.iter().map(String::as_str));
        match self {
            Covariance::SpatialExponential(_) => Some(Covariance::SpatialExponential(places)),
            Covariance::SpatialGaussian(_) => Some(Covariance::SpatialGaussian(places)),
            Covariance::SpatialPower(_) => Some(Covariance::SpatialPower(places)),
            _ => None,
        }
    }

    /// The variables that the structure takes coordinates from; none for most.
    pub fn coordinate_columns(&self) -> &[String] {
        match self {
            Covariance::SpatialExponential(Coordinates::Columns(names))
            | Covariance::SpatialGaussian(Coordinates::Columns(names))
            | Covariance::SpatialPower(Coordinates::Columns(names)) => names,
            Covariance::IndependentBy { factor, .. } => std::slice::from_ref(factor),
            Covariance::RandomCoefficients { residual, .. } => residual.coordinate_columns(),
            _ => &[],
        }
    }

    /// The factor whose levels have a variance each, where there is one.
    pub(crate) fn factor_of_variances(&self) -> Option<&str> {
        match self {
            Covariance::IndependentBy { factor, .. } => Some(factor),
            Covariance::RandomCoefficients { residual, .. } => residual.factor_of_variances(),
            _ => None,
        }
    }

    /// The same with these levels of the factor whose levels have a variance each.
    pub(crate) fn with_levels(self, labels: &[String]) -> Self {
        match self {
            Covariance::IndependentBy { factor, .. } => Covariance::IndependentBy { factor, levels: labels.to_vec() },
            Covariance::RandomCoefficients { coefficients, residual } => {
                Covariance::RandomCoefficients { coefficients, residual: Box::new(residual.with_levels(labels)) }
            }
            other => other,
        }
    }

    /// The structure for the visits at `times`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the structure needs what the visits do not have, such as times, or more of them.
    pub fn bind(&self, times: &[Option<f64>]) -> Result<Box<dyn CovarianceStructure>> {
        self.bind_at(times, None)
    }

    /// The structure for the visits at `times` and at `coordinates`: a row per visit, a column for each of
    /// [`coordinate_columns`](Self::coordinate_columns), not-a-number where a visit was not made.
    ///
    /// # Errors
    /// As [`bind`](Self::bind); and where coordinates are called for but not given, or two visits have the same.
    pub fn bind_at(&self, times: &[Option<f64>], coordinates: Option<&DMatrix<f64>>) -> Result<Box<dyn CovarianceStructure>> {
        self.bind_in(&(0..times.len()).collect::<Vec<_>>(), times, coordinates)
    }

    /// The structure for visits that are at these positions of a schedule, which has others between them perhaps: what
    /// depends on order or distance in the schedule counts those too.
    ///
    /// # Errors
    /// As [`bind_at`](Self::bind_at).
    pub fn bind_in(
        &self,
        positions: &[usize],
        times: &[Option<f64>],
        coordinates: Option<&DMatrix<f64>>,
    ) -> Result<Box<dyn CovarianceStructure>> {
        if let Some((span, visits)) = self.span_of(positions) {
            let whole = self.bind_at(&vec![None; span], None)?;
            return Ok(Box::new(Spaced::new(whole, visits)));
        }
        let visits = times.len();
        if visits == 0 {
            return Err(Error::no_data(format!("covariance `{self}`"), "there are no visits", "analyse at least one visit"));
        }
        let spatial = |decay, places: &Coordinates| -> Result<Box<dyn CovarianceStructure>> {
            let family = Spatial::new(decay, &self.places(places, times, coordinates)?)?;
            Ok(homogeneous(if *places == Coordinates::VisitTime { family.for_everyone() } else { family }, visits))
        };
        Ok(match self {
            Covariance::Unstructured => Box::new(Unstructured::new(visits)),
            Covariance::BandedUnstructured { bands } => Box::new(Unstructured::banded(visits, self.at_least_one("band", *bands)?)),
            Covariance::Toeplitz => Box::new(Toeplitz::new(visits)),
            Covariance::BandedToeplitz { bands } => Box::new(Toeplitz::banded(visits, self.at_least_one("band", *bands)?)),
            Covariance::HeterogeneousToeplitz => heterogeneous(Lagged::all(), visits),
            Covariance::BandedHeterogeneousToeplitz { bands } => heterogeneous(Lagged::banded(self.at_least_one("band", *bands)?), visits),
            Covariance::Autoregressive => homogeneous(Autoregressive, visits),
            Covariance::HeterogeneousAutoregressive => heterogeneous(Autoregressive, visits),
            Covariance::AnteDependence => homogeneous(AnteDependence, visits),
            Covariance::HeterogeneousAnteDependence => heterogeneous(AnteDependence, visits),
            Covariance::Independent => Box::new(Toeplitz::banded(visits, 1)),
            Covariance::IndependentBy { factor, levels } => match coordinates {
                Some(codes) if codes.nrows() == visits && !levels.is_empty() => {
                    let level = |t: usize| (!codes[(t, 0)].is_nan()).then_some(codes[(t, 0)] as usize);
                    Box::new(ByLevel::new((0..visits).map(level).collect(), levels.clone()))
                }
                _ => {
                    return Err(Error::incomplete(
                        format!("covariance `{self}`"),
                        format!("the levels of `{factor}` at the visits are not known here"),
                        "fit it to a trial that has this factor",
                    ));
                }
            },
            Covariance::CompoundSymmetry => Box::new(CompoundSymmetry::new(visits)),
            Covariance::HeterogeneousCompoundSymmetry => heterogeneous(Exchangeable, visits),
            Covariance::HuynhFeldt => Box::new(HuynhFeldt::new(visits)),
            Covariance::FactorAnalytic { factors } => {
                self.determined(FactorAnalytic::new(visits, self.at_least_one("factor", *factors)?))?
            }
            Covariance::FactorAnalyticCommonVariance { factors } => {
                self.determined(FactorAnalytic::with_common_variance(visits, self.at_least_one("factor", *factors)?))?
            }
            Covariance::SpatialExponential(places) => spatial(Decay::Exponential, places)?,
            Covariance::SpatialGaussian(places) => spatial(Decay::Gaussian, places)?,
            Covariance::SpatialPower(places) => spatial(Decay::Power, places)?,
            Covariance::RandomIntercept => Box::new(RandomCoefficients::intercept(visits)),
            Covariance::RandomInterceptSlope => Box::new(RandomCoefficients::intercept_and_slope(&self.required_times(times)?)),
            Covariance::RandomCoefficients { coefficients, residual } => {
                let random = match coefficients {
                    RandomTerms::Intercept => RandomCoefficients::intercept(visits),
                    RandomTerms::InterceptSlope => RandomCoefficients::intercept_and_slope(&self.required_times(times)?),
                };
                let residual = match **residual {
                    Covariance::BandedUnstructured { bands: 1 } => Box::new(Unstructured::unique_variances(visits)),
                    _ => residual.bind_in(positions, times, coordinates)?,
                };
                Box::new(random.with_residual(residual))
            }
            Covariance::Custom(family) => family.bind(times)?,
        })
    }

    /// Whether another order of more than two visits makes another structure of it.
    pub fn depends_on_order(&self) -> bool {
        match self {
            Covariance::Toeplitz
            | Covariance::HeterogeneousToeplitz
            | Covariance::Autoregressive
            | Covariance::HeterogeneousAutoregressive
            | Covariance::AnteDependence
            | Covariance::HeterogeneousAnteDependence
            | Covariance::Custom(_) => true,
            Covariance::BandedUnstructured { bands }
            | Covariance::BandedToeplitz { bands }
            | Covariance::BandedHeterogeneousToeplitz { bands } => *bands > 1,
            Covariance::RandomCoefficients { residual, .. } => residual.depends_on_order(),
            Covariance::Unstructured
            | Covariance::Independent
            | Covariance::IndependentBy { .. }
            | Covariance::CompoundSymmetry
            | Covariance::HeterogeneousCompoundSymmetry
            | Covariance::HuynhFeldt
            | Covariance::FactorAnalytic { .. }
            | Covariance::FactorAnalyticCommonVariance { .. }
            | Covariance::SpatialExponential(_)
            | Covariance::SpatialGaussian(_)
            | Covariance::SpatialPower(_)
            | Covariance::RandomIntercept
            | Covariance::RandomInterceptSlope => false,
        }
    }

    /// The number of visits of the schedule from the first to the last of some, and the places of these among them,
    /// where the structure counts steps of the schedule and others lie between.
    fn span_of(&self, positions: &[usize]) -> Option<(usize, Vec<usize>)> {
        use Covariance::{
            Autoregressive, BandedHeterogeneousToeplitz, BandedToeplitz, BandedUnstructured, HeterogeneousAutoregressive,
            HeterogeneousToeplitz, Toeplitz,
        };
        let counts_steps = match self {
            Toeplitz | HeterogeneousToeplitz | Autoregressive | HeterogeneousAutoregressive => true,
            BandedUnstructured { bands } | BandedToeplitz { bands } | BandedHeterogeneousToeplitz { bands } => *bands > 1,
            _ => false,
        };
        let (first, last) = (*positions.first()?, *positions.last()?);
        let visits: Vec<usize> = positions.iter().map(|p| p.wrapping_sub(first)).collect();
        let span = last.wrapping_sub(first).wrapping_add(1);
        let in_order = positions.windows(2).all(|pair| pair[0] < pair[1]);
        (counts_steps && in_order && span > positions.len()).then_some((span, visits))
    }

    fn at_least_one(&self, what: &str, number: usize) -> Result<usize> {
        if number > 0 {
            return Ok(number);
        }
        Err(Error::incomplete(format!("covariance `{self}`"), format!("it has no {what}"), format!("ask for one {what} or more")))
    }

    /// The factor-analytic structure, unless a covariance matrix has fewer elements than it has parameters.
    fn determined(&self, structure: FactorAnalytic) -> Result<Box<dyn CovarianceStructure>> {
        let visits = structure.visits();
        let (parameters, elements) = (structure.parameters(), visits * (visits + 1) / 2);
        if parameters <= elements {
            return Ok(Box::new(structure));
        }
        Err(Error::too_large(
            format!("covariance `{self}` of {}", counted(visits, "visit")),
            format!("its {parameters} parameters are more than the {elements} that an unstructured covariance has"),
            "use fewer factors, or unstructured",
        ))
    }

    /// T × d.
    fn places(&self, wanted: &Coordinates, times: &[Option<f64>], given: Option<&DMatrix<f64>>) -> Result<DMatrix<f64>> {
        match (wanted, given) {
            (Coordinates::VisitTime, _) => Ok(DMatrix::from_column_slice(times.len(), 1, &self.required_times(times)?)),
            (Coordinates::Columns(_), Some(given)) if given.nrows() == times.len() => Ok(given.clone()),
            (Coordinates::Columns(_), _) => Err(Error::incomplete(
                format!("covariance `{self}`"),
                "the coordinates of the visits are not known here",
                "fit it to a trial that has these variables, or use visit times",
            )),
        }
    }

    /// The visits' times, all of which must be known.
    fn required_times(&self, times: &[Option<f64>]) -> Result<Vec<f64>> {
        times.iter().copied().collect::<Option<Vec<f64>>>().ok_or_else(|| {
            Error::no_times(
                format!("covariance `{self}`"),
                "the schedule gives no time for some visits",
                Message::from("declare the visits with their times: ").setting(Setting::VisitTimes),
            )
        })
    }
}

fn homogeneous<R: CorrelationFamily + 'static>(family: R, visits: usize) -> Box<dyn CovarianceStructure> {
    Box::new(Homogeneous::new(family, visits))
}

fn heterogeneous<R: CorrelationFamily + 'static>(family: R, visits: usize) -> Box<dyn CovarianceStructure> {
    Box::new(Heterogeneous::new(family, visits))
}
