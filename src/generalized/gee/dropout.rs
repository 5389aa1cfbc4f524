//! Weights for outcomes that are missing at random: inverse probabilities of being observed, by a pooled logistic model of
//! dropout.
//!
//! λ_it is the probability that patient i is observed at visit t given observation at all visits before. An observation has
//! the weight 1/(λ_i2 ⋯ λ_it) (Robins, Rotnitzky & Zhao 1995, JASA 90:106–121), or all of a patient's observations the
//! inverse of the probability of the patient's course (Fitzmaurice, Molenberghs & Lipsitz 1995, JRSS B 57:691–704). Every
//! patient's first analysed visit is taken to be observed, as in SAS's PROC GEE.

use super::data::Data;
use super::equations::contribution;
use super::sandwich::Sandwich;
use super::solve::{Solution, Unsolved, solve};
use super::structure::{AlphaConvention, WorkingCorrelation};
use crate::design::MeanModel;
use crate::error::{Error, Result};
use crate::estimates::Link;
use crate::generalized::{Family, GeneralizedModel, NotFitted, Observations};
use crate::options::choices;
use crate::table::{agreeing, counted};
use crate::trial::{Outcome, Trial, Variable};
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// What is weighted by an inverse probability.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WeightLevel {
    /// Each observation by the probability of having been observed until then (the default).
    #[default]
    Observation,
    /// All observations of a patient by the probability of the patient's course.
    Patient,
}

choices! {
    WeightLevel, "level of the weights for dropout":
    Observation = "observation", ["obslevel", "observations"], "each observation by the probability of being observed until then: SAS type=obslevel";
    Patient = "patient", ["sublevel", "cluster", "patients"], "all of a patient's observations by the probability of the course: SAS type=sublevel";
}

/// A logistic model of being observed at a visit, given observation at all visits before: the MISSMODEL statement of
/// SAS's PROC GEE.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropout {
    mean: MeanModel,
    level: WeightLevel,
    most: Option<f64>,
}

impl Dropout {
    /// The model given by a right-hand side such as `~ previous + arm * visit`. `previous` is the outcome at the visit
    /// before, unless the trial has a variable of that name; `baseline` is the outcome's value at the baseline visit.
    ///
    /// # Errors
    /// [`Error::Formula`] says where the formula cannot be understood.
    pub fn formula(right_hand_side: &str) -> Result<Self> {
        let mean = MeanModel::parse(right_hand_side)?;
        Ok(Self { mean: mean.of_outcome(OBSERVED), level: WeightLevel::default(), most: None })
    }

    /// What is weighted.
    pub fn level(mut self, level: WeightLevel) -> Self {
        self.level = level;
        self
    }

    /// Larger weights are replaced by this one, which is at least 1.
    pub fn largest_weight(mut self, most: f64) -> Self {
        self.most = Some(most);
        self
    }
}

/// The outcome of the model of dropout.
const OBSERVED: &str = "observed";

/// The outcome at the visit before.
const PREVIOUS: &str = "previous";

/// Weights with the model they come from.
#[derive(Debug)]
pub(super) struct DropoutWeights {
    /// One per observation.
    pub weights: Vec<f64>,
    /// How many were replaced by the largest that is allowed.
    pub truncated: usize,
    /// The patients who left before the last visit.
    pub left: usize,
    pub dropout: Dropout,
    /// The score of each analysed patient in the model of dropout.
    scores: Vec<DVector<f64>>,
}

impl DropoutWeights {
    pub fn of(dropout: &Dropout, observations: &Observations) -> Result<Self> {
        if dropout.most.is_some_and(|most| most.is_nan() || most < 1.0) {
            return Err(Error::out_of_range("the largest weight", "weights are inverse probabilities", "give a number of at least 1"));
        }
        let seen = seen(observations)?;
        let visits = observations.columns().visits().to_vec();
        let left = seen.iter().filter(|&&n| n < visits.len()).count();
        let patients = observations.n_patients();
        if left == 0 {
            let (weights, scores) = (vec![1.0; observations.len()], vec![]);
            return Ok(Self { weights, truncated: 0, left, dropout: dropout.clone(), scores });
        }
        let trial = at_risk(&dropout.mean, observations, &visits, &seen);
        let model = GeneralizedModel::new(dropout.mean.clone()).family(Family::Binomial);
        let own = model.observations(&trial)?;
        let lacking: Vec<&str> = own.account().exclusions().reasons().iter().filter_map(|reason| reason.variable.as_deref()).collect();
        if !lacking.is_empty() {
            return Err(Error::conflict(
                "the weights for dropout",
                format!("patients at risk of it have no value of `{}`", lacking.join("`, `")),
                "leave that variable out of the model of dropout",
            ));
        }
        let data = Data::of_patients(&own, Family::Binomial, Link::Logit, None);
        let separated = || super::super::independent::separation_of(&own, Family::Binomial, Link::Logit).map(in_dropout);
        let solution = match solve(&data, WorkingCorrelation::Independence, AlphaConvention::default()) {
            Ok(solution) if !super::fit::is_extreme(&data, &solution.beta) => solution,
            Ok(solution) => separated().map_or(Ok(solution), |failure| Err(Error::NotFitted(failure)))?,
            Err(why) => return Err(separated().map_or_else(|| unsolved(why), Error::NotFitted)),
        };
        let mut found = Self { weights: vec![1.0; observations.len()], truncated: 0, left, dropout: dropout.clone(), scores: vec![] };
        found.scores = vec![DVector::zeros(data.p); patients];
        let analysed = observations.design.patients();
        for k in 0..own.n_patients() {
            let patient = own.design.patients()[k];
            let Ok(at) = analysed.binary_search(&patient) else { continue };
            found.scores[at] = contribution(&data, &solution.correlations, &solution.residuals, k);
            let probabilities: Vec<f64> = own.of_patient(k).map(|row| probability(&own, &solution.beta, row)).collect();
            found.weigh(observations.of_patient(at), &probabilities, seen[at]);
        }
        Ok(found)
    }

    /// The weights of a patient seen at `seen` visits; `probabilities` are those of the visits after the first at which there
    /// was a risk.
    fn weigh(&mut self, rows: std::ops::Range<usize>, probabilities: &[f64], seen: usize) {
        let mut until = 1.0;
        let mut own = vec![1.0; seen];
        for t in 1..seen {
            until *= probabilities[t - 1];
            own[t] = 1.0 / until;
        }
        if self.dropout.level == WeightLevel::Patient {
            let course = probabilities.get(seen - 1).map_or(until, |next| until * (1.0 - next));
            own.fill(1.0 / course);
        }
        for (row, weight) in rows.zip(own) {
            let most = self.dropout.most.unwrap_or(f64::INFINITY);
            self.truncated += usize::from(weight > most);
            self.weights[row] = weight.min(most);
        }
    }

    /// The sandwich that allows for the estimation of the weights: each patient's score less its regression on the score
    /// of the model of dropout.
    pub fn sandwich(&self, data: &Data, solution: &Solution) -> Sandwich {
        let patients = data.clusters();
        let own: Vec<DVector<f64>> = (0..patients).map(|c| contribution(data, &solution.correlations, &solution.residuals, c)).collect();
        let Some(width) = self.scores.first().map(DVector::len) else {
            return Sandwich::of_contributions(data, solution, own);
        };
        let mut squares = DMatrix::zeros(width, width);
        let mut products = DMatrix::zeros(data.p, width);
        for (u, s) in own.iter().zip(&self.scores) {
            squares.ger(1.0, s, s, 1.0);
            products.ger(1.0, u, s, 1.0);
        }
        let regression = products * pseudo_inverse(squares);
        let less = own.iter().zip(&self.scores).map(|(u, s)| u - &regression * s).collect();
        Sandwich::of_contributions(data, solution, less)
    }

    /// How they were made, for notes.
    pub fn sentence(&self) -> String {
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        self.weights.iter().for_each(|&w| (least, most) = (least.min(w), most.max(w)));
        let what = match self.dropout.level {
            WeightLevel::Observation => "Observations are weighted by the inverse probability of being observed until then",
            WeightLevel::Patient => "Patients are weighted by the inverse probability of their course",
        };
        let truncated = match self.truncated {
            0 => String::new(),
            n => format!("; {n} {} larger and set to {}", agreeing(n, "was", "were"), self.dropout.most.unwrap_or(f64::INFINITY)),
        };
        format!(
            "{what}, by a logistic model of dropout, `{}`, of {} who left: weights {least:.3} to {most:.3}{truncated}. The covariance \
             allows for their estimation.",
            self.dropout.mean,
            counted(self.left, "patient")
        )
    }
}

/// At how many visits each analysed patient was seen before leaving; refuses gaps.
fn seen(observations: &Observations) -> Result<Vec<usize>> {
    let with_gap = |i: &usize| {
        let rows = observations.of_patient(*i);
        let last = observations.visit_of(rows.end - 1);
        last + 1 != rows.len()
    };
    let gaps: Vec<usize> = (0..observations.n_patients()).filter(with_gap).collect();
    if let Some(&first) = gaps.first() {
        let id = &observations.trial().patients()[observations.design.patients()[first]];
        return Err(Error::not_built(
            "weights for dropout",
            format!("{}, the first of them `{id}`, missed a visit before one that they attended", counted(gaps.len(), "patient")),
            "impute the outcome instead, or analyse the visits until the first that was missed",
        ));
    }
    Ok((0..observations.n_patients()).map(|i| observations.of_patient(i).len()).collect())
}

/// The trial with `observed` as outcome at the visits at which there was a risk of having left.
fn at_risk(mean: &MeanModel, observations: &Observations, visits: &[usize], seen: &[usize]) -> Trial {
    let trial = observations.trial();
    let (patients, scheduled) = (trial.patients().len(), trial.schedule().len());
    let mut observed = vec![f64::NAN; patients * scheduled];
    let mut previous = observed.clone();
    for (i, &patient) in observations.design.patients().iter().enumerate() {
        let rows = observations.of_patient(i);
        for t in 1..visits.len().min(seen[i] + 1) {
            observed[patient * scheduled + visits[t]] = f64::from(u8::from(t < seen[i]));
            previous[patient * scheduled + visits[t]] = observations.y[rows.start + t - 1];
        }
    }
    let mut made = trial.with_outcome_of_variable(Outcome { name: OBSERVED.into(), label: OBSERVED.into(), range: None, values: observed });
    let asks = |name: &str| mean.columns().contains(&name) && made.covariate(name).is_err();
    let (of_previous, of_baseline) = (asks(PREVIOUS), asks("baseline"));
    if of_previous {
        made = made.with_variable(Variable::number_by_visit(PREVIOUS, previous));
    }
    let baseline = trial.schedule().baseline();
    if let (true, Some(baseline), Ok(outcome)) = (of_baseline, baseline, trial.outcome(observations.columns().mean_model().outcome_name()))
    {
        let values = (0..patients).map(|i| outcome.values[i * scheduled + baseline]).collect();
        made = made.with_variable(Variable::number("baseline", values));
    }
    made
}

fn probability(own: &Observations, beta: &[f64], row: usize) -> f64 {
    Link::Logit.inverse(own.offset(row) + own.row(row).iter().zip(beta).map(|(x, b)| x * b).sum::<f64>())
}

/// A failure that is one of the model of dropout.
fn in_dropout(failure: NotFitted) -> NotFitted {
    match failure {
        NotFitted::Separated { what, columns } => NotFitted::Separated { what: format!("in the model of dropout, {what}"), columns },
        other => other,
    }
}

fn unsolved(why: Unsolved) -> Error {
    Error::NotFitted(match why {
        Unsolved::NotConverged(iterations) => NotFitted::NoSolution { iterations },
        Unsolved::Undefined(_) => NotFitted::SingularInformation,
    })
}

/// Moore and Penrose's inverse of a symmetric matrix.
fn pseudo_inverse(matrix: DMatrix<f64>) -> DMatrix<f64> {
    let eigen = SymmetricEigen::new(matrix);
    let largest = eigen.eigenvalues.max();
    let inverted = eigen.eigenvalues.map(|value| if value > 1e-12 * largest { 1.0 / value } else { 0.0 });
    &eigen.eigenvectors * DMatrix::from_diagonal(&inverted) * eigen.eigenvectors.transpose()
}
