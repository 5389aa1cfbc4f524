//! What a definition of change amounts to in a trial at a visit: a band around what is expected, and cut-offs.

use super::{ChangeClass, ClassScheme, CutOff, IndividualChange, Norm, Reliability, ReliableChangeMethod, Spread};
use crate::dist::normal;
use crate::effects::{Sample, Scores, pooled};
use crate::error::{Error, Result};

/// The numbers by which the patients of a visit are classified.
///
/// A patient with x at baseline is expected at `intercept` + `slope` · x if nothing changed but error, and is reliably
/// changed beyond `half_width` from there.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Yardstick {
    /// The expected score of a patient with 0 at baseline.
    pub intercept: f64,
    /// How far the expected score follows the baseline: 1, or the reliability where it regresses to the mean.
    pub slope: f64,
    /// What the index is divided by; NaN where a change is reliable by its points.
    pub standard_error: f64,
    /// How far from the expected score a change is reliable, in points.
    pub half_width: f64,
    /// The reliability of the differences, of Hageman and Arrindell's method; otherwise none.
    pub reliability_of_differences: Option<f64>,
    /// The cut-off between clinical and functional scores, where there is one.
    pub cut_off: Option<f64>,
    /// The score at the visit beyond which a patient is taken to have left the clinical range: the cut-off, unless the
    /// method allows for error of measurement there too.
    pub functional_beyond: Option<f64>,
    /// The score at the visit beyond which a patient is taken to be in the clinical range.
    pub clinical_beyond: Option<f64>,
    #[serde(skip)]
    sign: f64,
    #[serde(skip)]
    deviate: f64,
    #[serde(skip)]
    inclusive: bool,
    #[serde(skip)]
    scheme: ClassScheme,
}

/// The scores of the patients observed at baseline and at a visit, and of all at baseline.
pub(super) struct Observed<'a> {
    pub scores: &'a Scores<'a>,
    /// Baseline and visit of those who have both.
    pub pairs: Vec<(f64, f64)>,
}

impl Yardstick {
    /// The numbers of a visit; none where the method asks for scores at the visit and fewer than two patients have them.
    pub(super) fn of(change: &IndividualChange, observed: &Observed<'_>) -> Result<Option<Self>> {
        let Some(band) = Band::of(change, observed)? else { return Ok(None) };
        let sign = change.sign();
        let cut = change.cut_off.map(|cut| cut_off(change, cut, observed, &band)).transpose()?;
        // Hageman and Arrindell's CS_INDIV is the estimated true score over its error; solved for the score.
        let beyond = |side: f64| match (cut, &band.after) {
            (Some(cut), Some(after)) => {
                let margin = sign * side * band.deviate * after.reliability.sqrt() * band.measurement_error;
                Some(after.mean + (cut + margin - after.mean) / after.reliability)
            }
            (cut, _) => cut,
        };
        Ok(Some(Self {
            intercept: band.intercept,
            slope: band.slope,
            standard_error: band.standard_error,
            half_width: band.half_width,
            reliability_of_differences: band.of_differences,
            cut_off: cut,
            functional_beyond: beyond(1.0),
            clinical_beyond: beyond(-1.0),
            sign,
            deviate: band.deviate,
            inclusive: matches!(change.cut_off, Some(CutOff::Score(_))),
            scheme: change.classes,
        }))
    }

    /// The reliable change index, positive where the patient is better: the distance from the expected score over the
    /// standard error, or over the points that count. Without error of measurement any change is infinite.
    pub fn index(&self, before: f64, after: f64) -> f64 {
        let distance = self.distance(before, after);
        let unit = if self.standard_error.is_nan() { self.half_width } else { self.standard_error };
        if distance == 0.0 { 0.0 } else { distance / unit }
    }

    /// What the change of a patient with these scores amounts to.
    pub fn class(&self, before: f64, after: f64) -> ChangeClass {
        let better = self.is_reliable(before, after, 1.0);
        let worse = self.is_reliable(before, after, -1.0);
        match (better, worse) {
            (true, _) if self.is_clinical(before) && self.is_functional(after) => ChangeClass::Recovered,
            (true, _) => ChangeClass::Improved,
            (_, true) if self.scheme == ClassScheme::Five && self.has_left_functional(before, after) => ChangeClass::Harmed,
            (_, true) => ChangeClass::Deteriorated,
            _ => ChangeClass::Unchanged,
        }
    }

    fn distance(&self, before: f64, after: f64) -> f64 {
        // Jacobson and Truax's change is not rounded by way of an intercept.
        self.sign * if self.slope == 1.0 { after - before - self.intercept } else { after - (self.intercept + self.slope * before) }
    }

    fn is_reliable(&self, before: f64, after: f64, side: f64) -> bool {
        match self.standard_error.is_nan() {
            true => side * self.distance(before, after) >= self.half_width,
            false => side * self.index(before, after) > self.deviate,
        }
    }

    fn is_clinical(&self, before: f64) -> bool {
        self.cut_off.is_some_and(|cut| self.sign * before < self.sign * cut)
    }

    fn is_functional(&self, after: f64) -> bool {
        let beyond = |cut: f64| self.sign * after > self.sign * cut || self.inclusive && after == cut;
        self.functional_beyond.is_some_and(beyond)
    }

    fn has_left_functional(&self, before: f64, after: f64) -> bool {
        let out = |cut: f64| self.sign * after < self.sign * cut || !self.inclusive && self.functional_beyond == Some(cut) && after == cut;
        self.cut_off.is_some() && !self.is_clinical(before) && self.clinical_beyond.is_some_and(out)
    }
}

/// What is expected of a patient, and how far from it a change is reliable.
struct Band {
    intercept: f64,
    slope: f64,
    standard_error: f64,
    deviate: f64,
    half_width: f64,
    measurement_error: f64,
    of_differences: Option<f64>,
    /// Mean and reliability of the scores at the visit, where cut-offs are on the scale of true scores.
    after: Option<After>,
}

struct After {
    mean: f64,
    reliability: f64,
}

impl Band {
    fn of(change: &IndividualChange, observed: &Observed<'_>) -> Result<Option<Self>> {
        let Some(reliability) = &change.reliability else {
            let points = change.reliable_change.as_ref().map_or(f64::NAN, |c| c.points);
            return Ok(Some(Self::around(0.0, 1.0, f64::NAN, f64::NAN).reaching(points)));
        };
        let sd = spread(change, observed.scores)?;
        let r = reliability.value;
        let error = sd * (1.0 - r).sqrt();
        let two_sided = normal::quantile(0.5 + 0.5 * change.level);
        let mean = if change.method.regresses() { clinical(change, observed.scores)?.mean } else { f64::NAN };
        let predicted = sd * (1.0 - r * r).sqrt();
        Ok(match change.method {
            ReliableChangeMethod::JacobsonTruax => Some(Self::around(0.0, 1.0, error * 2f64.sqrt(), two_sided)),
            ReliableChangeMethod::GulliksenLordNovick => Some(Self::around(mean - r * mean, r, predicted, two_sided)),
            ReliableChangeMethod::EdwardsNunnally => Some(Self::around(mean - r * mean, r, error, two_sided)),
            ReliableChangeMethod::HsuLinnLord => {
                let after = Sample::of(observed.pairs.iter().map(|pair| pair.1));
                (after.n > 0).then(|| Self::around(after.mean - r * mean, r, predicted, two_sided))
            }
            ReliableChangeMethod::HagemanArrindell => Self::of_true_scores(change, observed, reliability, sd)?,
        })
    }

    fn around(intercept: f64, slope: f64, standard_error: f64, deviate: f64) -> Self {
        Self {
            intercept,
            slope,
            standard_error,
            deviate,
            half_width: deviate * standard_error,
            measurement_error: f64::NAN,
            of_differences: None,
            after: None,
        }
    }

    fn reaching(self, half_width: f64) -> Self {
        Self { half_width, ..self }
    }

    /// Hageman and Arrindell's RC_INDIV, as a distance from x − (M_y − M_x)(1 − r_D)/r_D over S_E √2 / √r_D.
    fn of_true_scores(change: &IndividualChange, observed: &Observed<'_>, reliability: &Reliability, sd: f64) -> Result<Option<Self>> {
        let pairs = &observed.pairs;
        if pairs.len() < 2 {
            return Ok(None);
        }
        let (before, after) = (Sample::of(pairs.iter().map(|p| p.0)), Sample::of(pairs.iter().map(|p| p.1)));
        let products: f64 = pairs.iter().map(|p| (p.0 - before.mean) * (p.1 - after.mean)).sum();
        let covariance = products / (pairs.len() as f64 - 1.0);
        let error_variance = sd * sd * (1.0 - reliability.value);
        let error = error_variance.sqrt();
        // s²r = s² − S_E² at either time.
        let spread = before.variance + after.variance - 2.0 * covariance;
        let of_differences = (spread - 2.0 * error_variance) / spread;
        let at_visit = 1.0 - error_variance / after.variance;
        for (what, value, is_needed) in [("differences", of_differences, true), ("scores at the visit", at_visit, change.cut_off.is_some())]
        {
            if is_needed && !(value > 0.0 && value <= 1.0) {
                return Err(Error::not_defined(
                    format!("Hageman and Arrindell's index of `{}`", change.outcome),
                    format!("the reliability of the {what} is {value:.3}: they vary no more than error of measurement does"),
                    "take another method, or a standard deviation and reliability that fit the trial",
                ));
            }
        }
        let shift = (after.mean - before.mean) * (1.0 - of_differences) / of_differences;
        let band = Self::around(-shift, 1.0, error * 2f64.sqrt() / of_differences.sqrt(), normal::quantile(change.level));
        let after = After { mean: after.mean, reliability: at_visit };
        Ok(Some(Self { measurement_error: error, of_differences: Some(of_differences), after: Some(after), ..band }))
    }
}

/// The standard deviation that belongs to the reliability.
pub(super) fn spread(change: &IndividualChange, scores: &Scores<'_>) -> Result<f64> {
    let sd = match &change.sd {
        Spread::Stated(sd) => *sd,
        of_trial => baseline(of_trial, scores)?.variance.sqrt(),
    };
    if sd > 0.0 {
        return Ok(sd);
    }
    Err(Error::no_data(
        format!("reliable change of `{}`", change.outcome),
        "the baseline scores have no standard deviation",
        "state the change in points, or a published standard deviation",
    ))
}

/// Mean and variance of the baseline scores that a choice names.
fn baseline(spread: &Spread, scores: &Scores<'_>) -> Result<Sample> {
    let whole = Sample::of(scores.baseline()?.iter().copied());
    match spread {
        Spread::BaselineOfArm(arm) => {
            let arms = scores.trial.arms();
            let index = arms.iter().position(|a| a == arm).ok_or_else(|| Error::unknown("arm", arm, arms))?;
            scores.baseline_of(index)
        }
        Spread::BaselineWhole => Ok(whole),
        Spread::BaselinePooled | Spread::Stated(_) => {
            let samples = (0..scores.trial.arms().len()).map(|arm| scores.baseline_of(arm)).collect::<Result<Vec<_>>>()?;
            Ok(Sample { variance: pooled(&samples).sd.powi(2), ..whole })
        }
    }
}

/// The clinical population: that stated, or the trial's at baseline.
pub(super) fn clinical(change: &IndividualChange, scores: &Scores<'_>) -> Result<Norm> {
    if let Some(norm) = &change.clinical {
        return Ok(norm.clone());
    }
    let found = baseline(&change.sd, scores)?;
    if found.mean.is_nan() || found.variance.is_nan() {
        return Err(Error::no_data(
            format!("the clinical population of `{}`", change.outcome),
            "too few baseline scores were observed",
            "state mean and standard deviation as `clinical`",
        ));
    }
    Ok(Norm::new(found.mean, found.variance.sqrt()).source("the trial at baseline"))
}

fn cut_off(change: &IndividualChange, cut: CutOff, observed: &Observed<'_>, band: &Band) -> Result<f64> {
    let sign = change.sign();
    // Of true scores S√r, which is √(S² − S_E²).
    let sd_of = |norm: &Norm| -> Result<f64> {
        if band.after.is_none() {
            return Ok(norm.sd);
        }
        let variance = norm.sd.powi(2) - band.measurement_error.powi(2);
        if variance > 0.0 {
            return Ok(variance.sqrt());
        }
        Err(Error::not_defined(
            format!("the cut-off of true scores of `{}`", change.outcome),
            format!("a population with SD {} varies no more than error of measurement does", norm.sd),
            "take another method, or state a score as `cut-off`",
        ))
    };
    let functional = || change.functional.as_ref().ok_or_else(|| no_functional(change));
    Ok(match cut {
        CutOff::Score(score) => score,
        CutOff::A => {
            let of = clinical(change, observed.scores)?;
            of.mean + sign * 2.0 * sd_of(&of)?
        }
        CutOff::B => {
            let of = functional()?;
            of.mean - sign * 2.0 * sd_of(of)?
        }
        CutOff::C => {
            let (ill, well) = (clinical(change, observed.scores)?, functional()?);
            let (of_ill, of_well) = (sd_of(&ill)?, sd_of(well)?);
            (of_ill * well.mean + of_well * ill.mean) / (of_ill + of_well)
        }
    })
}

fn no_functional(change: &IndividualChange) -> Error {
    Error::incomplete(format!("the cut-off of `{}`", change.outcome), "no functional population is stated", "state `functional`")
}
