//! A strategy of one's own: a function of means and covariances.

use super::Strategy;
use crate::error::{Error, Result};
use nalgebra::{DMatrix, DVector};
use std::fmt;
use std::sync::Arc;

/// Mean and covariance of a patient's visits.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// The mean at each analysed visit.
    pub mean: DVector<f64>,
    /// The covariance of all analysed visits.
    pub covariance: DMatrix<f64>,
}

type Function = dyn Fn(&Distribution, &Distribution, usize) -> Distribution + Send + Sync;

/// A named function from the distributions under the own and the reference arm, and the first visit after the event, to
/// that of the patient.
#[derive(Clone)]
pub(super) struct Own {
    pub name: String,
    function: Arc<Function>,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Two are the same where they are the same function under the same name.
impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.function, &other.function)
    }
}

impl Own {
    pub fn new(name: String, function: impl Fn(&Distribution, &Distribution, usize) -> Distribution + Send + Sync + 'static) -> Self {
        Self { name, function: Arc::new(function) }
    }
}

/// How values after an event are imputed: by a named strategy, or by one of one's own.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    Named(Strategy),
    Own(Own),
}

/// Mean as a linear function of both arms' means, and covariance.
pub(super) struct Imputing {
    pub own: DMatrix<f64>,
    pub reference: DMatrix<f64>,
    pub covariance: DMatrix<f64>,
}

impl Rule {
    /// Whether values after an event are like those of the same arm.
    pub fn is_at_random(&self) -> bool {
        *self == Rule::Named(Strategy::Mar)
    }

    /// Whether the reference arm matters.
    pub fn needs_reference(&self) -> bool {
        match self {
            Rule::Named(strategy) => strategy.needs_reference(),
            Rule::Own(_) => true,
        }
    }

    /// What tables call it.
    pub fn title(&self) -> String {
        match self {
            Rule::Named(strategy) => strategy.title(),
            Rule::Own(own) => own.name.clone(),
        }
    }

    /// As a sentence has it: values after the event …
    pub fn words(&self) -> String {
        match self {
            Rule::Named(strategy) => strategy.words(),
            Rule::Own(_) => "have a distribution stated by the analyst".into(),
        }
    }

    /// The code of the derivation in ADaM's DTYPE.
    pub fn code(&self) -> String {
        match self {
            Rule::Named(strategy) => strategy.code().into(),
            Rule::Own(_) => "OWN".into(),
        }
    }

    /// Mean and covariance of a patient whose first visit after the event is `from`.
    pub fn imputing(&self, own: &DMatrix<f64>, reference: &DMatrix<f64>, from: usize) -> Option<Imputing> {
        match self {
            Rule::Named(strategy) => {
                let means = strategy.mean(own.nrows(), from);
                Some(Imputing { own: means.0, reference: means.1, covariance: strategy.covariance(own, reference, from)? })
            }
            Rule::Own(_) if from >= own.nrows() => Rule::Named(Strategy::Mar).imputing(own, reference, from),
            Rule::Own(rule) => rule.imputing(own, reference, from),
        }
    }

    /// Refuses a function whose mean is not linear in the means of the arms, whose covariance depends on them, or whose
    /// result has another size.
    pub fn check(&self, own: &DMatrix<f64>, reference: &DMatrix<f64>) -> Result<()> {
        let Rule::Own(rule) = self else { return Ok(()) };
        let visits = own.nrows();
        let what = || format!("the strategy `{}`", rule.name);
        for from in 0..visits {
            // Any two means do.
            let mean = |seed: f64| DVector::from_fn(visits, |t, _| (1.0 + t as f64 + seed) * if t % 2 == 0 { 1.0 } else { -0.5 });
            let at = [mean(0.3), mean(2.7)];
            let whole = rule.apply(&at[0], &at[1], own, reference, from);
            if whole.mean.len() != visits || whole.covariance.shape() != (visits, visits) {
                return Err(Error::wrong_number(
                    what(),
                    format!(
                        "it returns a mean of {} and a covariance of {:?} for {visits} visits",
                        whole.mean.len(),
                        whole.covariance.shape()
                    ),
                    "return one mean for each visit, and the covariance of all of them",
                ));
            }
            let finite = whole.mean.iter().chain(whole.covariance.iter()).all(|x| x.is_finite());
            let Some(maps) = rule.imputing(own, reference, from).filter(|_| finite) else {
                return Err(Error::not_finite(what(), "it returns what is not finite", "return finite means and covariances"));
            };
            let linear = &maps.own * &at[0] + &maps.reference * &at[1];
            let scale = linear.amax().max(whole.mean.amax()).max(1.0);
            if (&linear - &whole.mean).amax() > 1e-9 * scale || (&maps.covariance - &whole.covariance).amax() > 1e-9 * own.amax() {
                return Err(Error::not_built(
                    what(),
                    "its mean is not a linear function of the means of both arms, or its covariance depends on them",
                    "combine the means with weights that depend on the visit alone; state fixed amounts as `delta`",
                ));
            }
            let asymmetry = (&maps.covariance - maps.covariance.transpose()).amax();
            if asymmetry > 1e-9 * own.amax() || maps.covariance.clone().cholesky().is_none() {
                return Err(Error::not_defined(
                    what(),
                    format!("its covariance is not one where the first visit after the event is number {}", from + 1),
                    "return a symmetric positive definite covariance",
                ));
            }
        }
        Ok(())
    }
}

impl Own {
    fn apply(&self, mean: &DVector<f64>, versus: &DVector<f64>, own: &DMatrix<f64>, reference: &DMatrix<f64>, from: usize) -> Distribution {
        let own = Distribution { mean: mean.clone(), covariance: own.clone() };
        let reference = Distribution { mean: versus.clone(), covariance: reference.clone() };
        (self.function)(&own, &reference, from)
    }

    /// The weights of both means, one unit at a time.
    fn imputing(&self, own: &DMatrix<f64>, reference: &DMatrix<f64>, from: usize) -> Option<Imputing> {
        let visits = own.nrows();
        let fits = |d: &Distribution| d.mean.len() == visits && d.covariance.shape() == (visits, visits);
        let at = |mean: &DVector<f64>, versus: &DVector<f64>| Some(self.apply(mean, versus, own, reference, from)).filter(fits);
        let nothing = DVector::zeros(visits);
        let plain = at(&nothing, &nothing)?;
        let mut maps = [DMatrix::zeros(visits, visits), DMatrix::zeros(visits, visits)];
        for t in 0..visits {
            let unit = DVector::from_fn(visits, |s, _| f64::from(u8::from(s == t)));
            maps[0].set_column(t, &(at(&unit, &nothing)?.mean - &plain.mean));
            maps[1].set_column(t, &(at(&nothing, &unit)?.mean - &plain.mean));
        }
        let [own, reference] = maps;
        Some(Imputing { own, reference, covariance: plain.covariance })
    }
}
