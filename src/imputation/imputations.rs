//! Imputed data sets, each made when it is asked for.

use super::Delta;
use super::completed::CompletedData;
use super::completion::Cohort;
use super::drawn::Noise;
use super::draws::{DrawMethod, Draws};
use super::plan::ReferenceBased;
use super::pooling::Rule;
use super::posterior::{Drawn, Failures, NOISE, Parameters, SamplerSummary, count, drawn};
use crate::error::{Error, Result};
use crate::simulate::random::Stream;
use crate::table::{agreeing, counted};
use crate::{Fit, Trial};
use nalgebra::DMatrix;
use rayon::prelude::*;
use std::sync::Arc;

/// The data sets of a multiple imputation: parameters are kept, and completed outcomes are made from them when they are asked
/// for, the same bits each time and on any number of threads.
///
/// ```
/// use trialstats::imputation::{CompletedAnalysis, DrawMethod, Draws, ReferenceBased, Strategy};
/// use trialstats::means::{ContrastOptions, Means};
/// use trialstats::{Layout, Model};
///
/// let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
///     .arms(["PLACEBO", "DRUG"])
///     .outcome("CHANGE")
///     .covariate("BASVAL")
///     .read_csv("data-samples/antidepressant/antidepressant.csv")?;
/// let fit = Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT")?.fit(&trial)?;
/// let plan = ReferenceBased::new(Strategy::JumpToReference).reference("PLACEBO").covariates(["BASVAL"]);
/// let imputations = fit.imputations(&trial, &plan, &Draws::new(DrawMethod::Bayesian).number(100).seed(1))?;
/// // An ANCOVA at each visit, pooled by Rubin's rules; or any other model of the completed data.
/// let pooled = imputations.estimates(&CompletedAnalysis::ancova(["BASVAL"]))?;
/// println!("{}", pooled.arm_contrasts(&ContrastOptions::default())?);
/// let mmrm = imputations.estimates(&CompletedAnalysis::model(Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT")?))?;
/// assert_eq!(mmrm.arm_contrasts(&ContrastOptions::default())?.rows.len(), 4);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Imputations<'a> {
    pub(super) fit: &'a Fit,
    pub(super) trial: &'a Trial,
    pub(super) plan: ReferenceBased,
    pub(super) draws: Draws,
    pub(super) cohort: Arc<Cohort>,
    pub(super) drawn: Arc<Drawn>,
}

/// Parameters of the model from which missing values are imputed.
#[non_exhaustive]
#[derive(Debug, Clone, Copy)]
pub struct ImputationParameters<'a> {
    /// β, a number per column of the model matrix, NaN where a column is aliased.
    pub coefficients: &'a [f64],
    /// Σ of each group, on the analysed visits.
    pub covariances: &'a [DMatrix<f64>],
}

/// A completed data set.
#[derive(Debug, Clone)]
pub struct Completed<'a> {
    trial: &'a Trial,
    outcome: &'a str,
    visits: &'a [usize],
    number: usize,
    /// Positions in the trial; everyone where there is none.
    sample: Option<&'a [usize]>,
    outcomes: Vec<f64>,
}

impl Fit {
    /// Imputed data sets under the plan's strategy, with parameters as `draws` says; see [`Imputations`]. The plan's variance
    /// is not asked: that of the pooled results follows from the method of the draws.
    ///
    /// # Errors
    /// As [`Fit::reference_based`]; [`Error::Invalid`] for settings of the draws that make no sense, a posterior that is not
    /// proper, and where too many samples of the patients have no estimates.
    pub fn imputations<'a>(&'a self, trial: &'a Trial, plan: &ReferenceBased, draws: &Draws) -> Result<Imputations<'a>> {
        self.can_be_imputed()?;
        draws.check()?;
        plan.check(trial.arms(), self.design().columns().visit_labels())?;
        let cohort = Cohort::of(self, trial, plan)?;
        let drawn = drawn(self, trial, &cohort, draws)?;
        Ok(Imputations { fit: self, trial, plan: plan.clone(), draws: draws.clone(), cohort: Arc::new(cohort), drawn: Arc::new(drawn) })
    }
}

impl<'a> Imputations<'a> {
    /// The number of data sets. The first of `conditional-mean-jackknife` and `conditional-mean-bootstrap` is of everyone and
    /// has the estimate, the others are its replicates.
    pub fn len(&self) -> usize {
        self.drawn.parameters.len() * self.draws.each()
    }

    /// Whether there is none, which no method allows.
    pub fn is_empty(&self) -> bool {
        self.drawn.parameters.is_empty()
    }

    /// The parameters that data sets are imputed from, in their order; each set serves as many data sets as the draws say.
    pub fn parameters(&self) -> impl ExactSizeIterator<Item = ImputationParameters<'_>> {
        self.drawn.parameters.iter().map(|p| ImputationParameters { coefficients: &p.beta, covariances: &p.sigmas })
    }

    /// How the sampler ran; none of methods without one.
    pub fn sampler(&self) -> Option<&SamplerSummary> {
        self.drawn.sampler.as_ref()
    }

    /// The same data sets with another delta: parameters and deviates stay, so that differences between deltas are those of the
    /// deltas alone.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a delta that does not fit the visits, [`Error::Unknown`] for an arm that there is not.
    pub fn shifted(&self, delta: Delta) -> Result<Self> {
        let plan = self.plan.clone().delta(delta);
        plan.check(self.trial.arms(), self.fit.design().columns().visit_labels())?;
        let cohort = Arc::new(Cohort::of(self.fit, self.trial, &plan)?);
        Ok(Self { plan, cohort, ..self.clone() })
    }

    /// Data set `number`, from 0.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a number that there is not, and where a covariance is not positive definite to rounding.
    pub fn completed(&self, number: usize) -> Result<Completed<'_>> {
        let parameters = self.drawn.parameters.get(number / self.draws.each()).ok_or_else(|| {
            Error::no_position("a completed data set", format!("there is no number {number} of {}", self.len()), "ask for one from 0 on")
        })?;
        let outcomes = self.outcomes(parameters, number).ok_or_else(|| {
            Error::not_defined(
                "a completed data set",
                "a covariance is not positive definite to rounding",
                "use a covariance structure with fewer parameters",
            )
        })?;
        let columns = self.fit.design().columns();
        Ok(Completed {
            trial: self.trial,
            outcome: columns.outcome(),
            visits: columns.visits(),
            number,
            sample: parameters.sample.as_deref(),
            outcomes,
        })
    }

    /// Data set `number`, from 0, value by value with what became of each, as [`Fit::completed_data`] has it: its draw is
    /// `number` + 1. They are data of individual patients.
    ///
    /// ```
    /// use trialstats::imputation::{DrawMethod, Draws, ReferenceBased, Strategy};
    /// use trialstats::{Layout, Model};
    ///
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT").outcome("CHANGE").read_csv("data-samples/antidepressant/antidepressant.csv")?;
    /// let fit = Model::formula("CHANGE ~ THERAPY * VISIT")?.fit(&trial)?;
    /// let imputations = fit.imputations(&trial, &ReferenceBased::new(Strategy::Mar), &Draws::new(DrawMethod::Bayesian).number(20))?;
    /// let third = imputations.completed_data(2)?;
    /// assert!(third.rows.iter().all(|row| row.draw == Some(3) && !row.value.is_nan()));
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Imputations::completed`]; [`Error::Invalid`] for methods whose data sets are not drawn, or are samples of the
    /// patients.
    pub fn completed_data(&self, number: usize) -> Result<CompletedData> {
        self.draws.check_of_everyone("completed data by draws")?;
        let completed = self.completed(number)?;
        CompletedData::of(self.fit, self.trial, &self.cohort, completed.outcomes(), Some((number + 1, self.draws.stated_seed())))
    }

    fn outcomes(&self, parameters: &Parameters, number: usize) -> Option<Vec<f64>> {
        let maps = self.cohort.maps(&parameters.sigmas)?;
        let mut noise = match self.draws.method().is_random() {
            true => Some(Noise::of(Stream::new(self.draws.stated_seed(), number as u64, NOISE), &maps)?),
            false => None,
        };
        let everyone = 0..self.cohort.patients.len();
        Some(match &parameters.sample {
            Some(sample) => self.cohort.completed_of(sample.iter().copied(), &parameters.beta, &maps, noise.as_mut()),
            None => self.cohort.completed_of(everyone, &parameters.beta, &maps, noise.as_mut()),
        })
    }

    /// Something of every data set, in parallel and in their order, with the number of those for which it could not be had by
    /// reason. Of methods that replicate, the first must be there.
    pub(super) fn each<T: Send>(&self, of: impl Fn(&Completed<'_>) -> std::result::Result<T, String> + Sync) -> Result<(Vec<T>, Failures)> {
        let one = |number: usize| self.completed(number).map_err(|error| error.to_string()).and_then(|completed| of(&completed));
        let all: Vec<std::result::Result<T, String>> = (0..self.len()).into_par_iter().map(one).collect();
        let (mut found, mut failures) = (vec![], vec![]);
        let must_be_whole = self.draws.method() == DrawMethod::BootstrappedImputation || self.draws.method().is_random();
        for (k, result) in all.into_iter().enumerate() {
            match result {
                Ok(value) => found.push(value),
                // Rubin's rules need every data set, and replicates the first.
                Err(why) if k == 0 || must_be_whole => {
                    return Err(Error::not_defined(
                        format!("the analysis of imputed data set {}", k + 1),
                        why,
                        "use a simpler analysis, or another method of imputation",
                    ));
                }
                Err(why) => count(&mut failures, why),
            }
        }
        Ok((found, failures))
    }

    /// How the parameters were drawn, a sentence.
    pub(super) fn how(&self) -> &str {
        &self.drawn.words
    }

    /// How results become one.
    pub(super) fn rule(&self) -> Rule {
        match self.draws.method() {
            DrawMethod::Bayesian => Rule::Rubin { chains: self.chain_lengths() },
            DrawMethod::ApproximateBayesian => Rule::Rubin { chains: vec![] },
            DrawMethod::BootstrappedImputation => Rule::VonHippelBartlett { each: self.draws.each() },
            DrawMethod::ConditionalMeanBootstrap => Rule::Bootstrap { percentile: self.draws.reads_percentiles() },
            DrawMethod::ConditionalMeanJackknife => Rule::Jackknife,
        }
    }

    fn chain_lengths(&self) -> Vec<usize> {
        let (chains, ..) = self.draws.sampler();
        (0..chains).map(|k| self.draws.count() / chains + usize::from(k < self.draws.count() % chains)).collect()
    }

    /// How the data sets came about and what could not be had, for the notes of tables.
    pub(super) fn notes(&self, failures: &[(String, usize)], sets: usize) -> Vec<String> {
        let mut notes = self.fit.notes();
        notes.push(super::table::sentence(&self.plan, self.trial, &self.cohort, self.draws.method().is_random()));
        notes.push(self.drawn.words.clone());
        let replaced = self.draws.method() != DrawMethod::ConditionalMeanJackknife;
        for (why, n) in &self.drawn.failures {
            notes.push(match replaced {
                true => {
                    format!("{} had no estimates and {} replaced by others: {why}.", counted(*n, "sample"), agreeing(*n, "was", "were"))
                }
                false => format!("{} could not be left out of the jackknife: {why}. The others are used.", counted(*n, "patient")),
            });
        }
        notes.extend(failures.iter().map(|(why, n)| {
            format!("{} could not be analysed and {} left out: {why}.", counted(*n, "replicate"), agreeing(*n, "is", "are"))
        }));
        notes.push(self.rule().words(sets));
        notes
    }
}

impl Completed<'_> {
    /// Its number, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Whether it has everyone randomized, each once.
    pub fn is_of_everyone(&self) -> bool {
        self.sample.is_none()
    }

    /// Its patients as positions in the trial; in a sample, more than once or not at all.
    pub fn patients(&self) -> Vec<usize> {
        self.sample.map_or_else(|| (0..self.trial.patients().len()).collect(), <[usize]>::to_vec)
    }

    /// The analysed visits as positions in the trial's schedule.
    pub fn visits(&self) -> &[usize] {
        self.visits
    }

    /// The outcome of each of its patients at each analysed visit, patient by patient, none missing.
    pub fn outcomes(&self) -> &[f64] {
        &self.outcomes
    }

    /// The outcome of a patient, by the place among [`Completed::patients`], at a visit, by the place among
    /// [`Completed::visits`]; `None` for a place that there is not.
    pub fn value(&self, patient: usize, visit: usize) -> Option<f64> {
        (visit < self.visits.len()).then(|| self.outcomes.get(patient * self.visits.len() + visit).copied()).flatten()
    }

    /// The completed data as a trial, with everything else as it was: for models, definitions of response, tables.
    ///
    /// # Errors
    /// [`Error::Invalid`] where a sample has nobody of an arm.
    pub fn trial(&self) -> Result<Trial> {
        let trial = match self.sample {
            Some(sample) => &self.trial.resample(sample)?,
            None => self.trial,
        };
        let (visits, scheduled) = (self.visits.len(), trial.schedule().len());
        let mut values = trial.outcome(self.outcome)?.values.clone();
        for (i, row) in self.outcomes.chunks(visits).enumerate() {
            self.visits.iter().zip(row).for_each(|(&visit, y)| values[i * scheduled + visit] = *y);
        }
        trial.with_outcome(self.outcome, values)
    }
}
