//! What a tipping point is of: the difference, its effect size, or the share of patients who meet a definition.

use super::completion::{Cohort, Maps};
use crate::dist::normal;
use crate::effects::Positive;
use crate::error::{Error, Result};
use crate::responders::{Definition, Rule, Status};
use crate::trial::{BaselineFrom, Trial};

/// What is compared between the two arms.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Default)]
pub enum TippingMeasure {
    /// The difference of means at the mean covariates.
    #[default]
    Difference,
    /// The same over the raw standard deviation at baseline, pooled over arms: Cohen's d.
    EffectSize {
        /// Where the baseline value is found.
        baseline: BaselineFrom,
        /// What a positive effect size means.
        positive: Positive,
    },
    /// The difference of the shares of patients who meet a definition. Of an imputed value it is the probability under the
    /// distribution that the strategy gives it: no draw is needed.
    Share {
        /// The definition, by scores of the imputed outcome.
        definition: Definition,
        /// Where the baseline value is found.
        baseline: BaselineFrom,
    },
}

impl TippingMeasure {
    /// What is compared, in words.
    pub(super) fn words(&self) -> String {
        match self {
            TippingMeasure::Difference => "difference".into(),
            TippingMeasure::EffectSize { .. } => "Cohen's d".into(),
            TippingMeasure::Share { definition, .. } => format!("difference in the share with {}", definition.label),
        }
    }

    /// How its numbers are made, a sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        match self {
            TippingMeasure::Difference => vec![],
            TippingMeasure::EffectSize { positive, .. } => vec![format!(
                "Cohen's d: the difference over the raw standard deviation at baseline, pooled over arms, which the jackknife computes again; positive \
                 values mean {} scores in the first arm.",
                if *positive == Positive::Fall { "lower" } else { "higher" }
            )],
            TippingMeasure::Share { definition, .. } => vec![format!(
                "{}: {}. Of an imputed value it is the probability that it meets the definition, under the normal distribution that the strategy gives it; \
                 shares are not adjusted for covariates.",
                definition.label, definition.rule
            )],
        }
    }
}

/// The standard deviation of baseline values pooled over arms, of some of the patients.
pub(super) struct BaselineSd {
    values: Vec<f64>,
    arm_of: Vec<usize>,
    arms: usize,
    sign: f64,
}

impl BaselineSd {
    pub fn of(trial: &Trial, outcome: &str, baseline: &BaselineFrom, positive: Positive) -> Result<Self> {
        let sign = if positive == Positive::Fall { -1.0 } else { 1.0 };
        let values = baseline_values(trial, outcome, baseline)?;
        let found = Self { values, arm_of: trial.arm_of().to_vec(), arms: trial.arms().len(), sign };
        match found.divisor(None) {
            Some(_) => Ok(found),
            None => Err(Error::not_defined(
                "a tipping point of the effect size",
                "the baseline values have no standard deviation",
                "use the difference itself",
            )),
        }
    }

    /// What the difference is divided by, with the sign of the effect; none where it is not positive.
    pub fn divisor(&self, times: Option<&[u32]>) -> Option<f64> {
        let (mut squares, mut freedom) = (0.0, 0.0);
        for arm in 0..self.arms {
            let own = || {
                let members = (0..self.values.len()).filter(|&i| self.arm_of[i] == arm && !self.values[i].is_nan());
                members.map(|i| (self.values[i], times.map_or(1.0, |times| f64::from(times[i]))))
            };
            let n: f64 = own().map(|(_, weight)| weight).sum();
            if n >= 1.0 {
                let mean = own().map(|(y, weight)| weight * y).sum::<f64>() / n;
                squares += own().map(|(y, weight)| weight * (y - mean).powi(2)).sum::<f64>();
                freedom += n - 1.0;
            }
        }
        let variance = squares / freedom;
        (freedom > 0.0 && variance > 0.0).then(|| self.sign * variance.sqrt())
    }
}

fn baseline_values(trial: &Trial, outcome: &str, baseline: &BaselineFrom) -> Result<Vec<f64>> {
    match (baseline, trial.schedule().baseline()) {
        (BaselineFrom::Covariate(name), _) => Ok(trial.patient_numbers(name)?.to_vec()),
        (BaselineFrom::Visit, Some(visit)) => {
            let outcome = trial.outcome(outcome)?;
            Ok((0..trial.patients().len()).map(|i| trial.value(outcome, i, visit).unwrap_or(f64::NAN)).collect())
        }
        (BaselineFrom::Visit, None) => Err(Error::no_baseline(
            "a tipping point of an effect size or a share",
            "no visit is the baseline",
            "say where the baseline is: `baseline-from = \"covariate(NAME)\"`",
        )),
    }
}

/// Which scores meet a definition, patient by patient.
pub(super) struct Met<'a> {
    trial: &'a Trial,
    rule: &'a Rule,
    baseline: Vec<f64>,
    /// By patient: intervals of scores that meet it; none for patients who are not eligible, or of whom nothing decides.
    sets: Vec<Option<Vec<(f64, f64)>>>,
    /// Patients of whom nothing decides: their baseline value is not known, or at the floor of a percentage.
    pub undecided: usize,
}

impl<'a> Met<'a> {
    /// The scores of the outcome that meet the definition.
    ///
    /// # Errors
    /// For definitions that look at anything but scores of this outcome and numeric covariates.
    pub fn of(trial: &'a Trial, outcome: &str, definition: &'a Definition, baseline: &BaselineFrom) -> Result<Self> {
        let rule = &definition.rule;
        let n = trial.patients().len();
        let values = if needs_baseline(rule) { baseline_values(trial, outcome, baseline)? } else { vec![0.0; n] };
        let required = definition.required_at_baseline.as_ref().map(|_| definition.evaluate_with(trial, baseline)).transpose()?;
        let mut found = Self { trial, rule, baseline: values, sets: vec![], undecided: 0 };
        for patient in 0..n {
            let is_eligible = required.as_ref().is_none_or(|r| r.status(patient, 0) != Status::NotEligible);
            let is_decided = is_decided(rule, found.baseline[patient]);
            let set = found.set(rule, outcome, patient)?;
            found.undecided += usize::from(is_eligible && !is_decided);
            found.sets.push((is_eligible && is_decided).then_some(set));
        }
        Ok(found)
    }

    /// The share of each of two arms at a visit, with amounts added to imputed values after the event; none where an arm has
    /// nobody.
    pub fn shares(&self, completed: &Completed<'_>, visit: usize, arms: [usize; 2], shifts: [f64; 2]) -> Option<[f64; 2]> {
        let Completed { cohort, maps, outcomes, times } = *completed;
        let (mut met, mut n) = ([0.0; 2], [0.0; 2]);
        for (i, patient) in cohort.patients.iter().enumerate() {
            let (Some(k), Some(sets)) = (arms.iter().position(|arm| *arm == patient.arm), &self.sets[i]) else { continue };
            let weight = times.map_or(1.0, |times| f64::from(times[i]));
            let class = &cohort.classes[patient.class];
            let value = outcomes[i * cohort.visits + visit];
            let share = match class.missing.iter().position(|&t| t == visit) {
                Some(at) => {
                    let shifted = if visit >= class.from { value + shifts[k] } else { value };
                    let sd = maps[patient.class].conditional[(at, at)].max(0.0).sqrt() * patient.factor[visit];
                    let below = |end: f64| normal::cdf((end - shifted) / sd);
                    sets.iter().map(|(low, high)| below(*high) - below(*low)).sum::<f64>()
                }
                None => f64::from(u8::from(self.holds(self.rule, value, i))),
            };
            met[k] += weight * share;
            n[k] += weight;
        }
        (n[0] > 0.0 && n[1] > 0.0).then(|| [met[0] / n[0], met[1] / n[1]])
    }

    /// The shares of an arm at a visit in a drawn data set of everyone, with each of these amounts added to imputed values
    /// after the event, and the number of patients they are of; none where the arm has nobody.
    pub fn drawn_shares(&self, cohort: &Cohort, outcomes: &[f64], visit: usize, arm: usize, shifts: &[f64]) -> Option<(Vec<f64>, f64)> {
        let (mut met, mut n) = (vec![0.0; shifts.len()], 0.0);
        for (i, patient) in cohort.patients.iter().enumerate() {
            if patient.arm != arm || self.sets[i].is_none() {
                continue;
            }
            let class = &cohort.classes[patient.class];
            let (value, is_shifted) = (outcomes[i * cohort.visits + visit], visit >= class.from && class.missing.contains(&visit));
            for (met, shift) in met.iter_mut().zip(shifts) {
                let value = if is_shifted { value + shift } else { value };
                *met += f64::from(u8::from(self.holds(self.rule, value, i)));
            }
            n += 1.0;
        }
        (n > 0.0).then(|| (met.into_iter().map(|met| met / n).collect(), n))
    }

    /// Whether a score meets a rule.
    fn holds(&self, rule: &Rule, score: f64, patient: usize) -> bool {
        let baseline = self.baseline[patient];
        match rule {
            Rule::Below { score: limit, .. } => score < *limit,
            Rule::AtMost { score: limit, .. } => score <= *limit,
            Rule::AtLeast { score: limit, .. } => score >= *limit,
            Rule::PointDrop { at_least, .. } => baseline - score >= *at_least,
            Rule::PointRise { at_least, .. } => score - baseline >= *at_least,
            Rule::PercentDrop { at_least, floor, .. } => 100.0 * (baseline - score) >= at_least * (baseline - floor),
            Rule::ReliableDrop { sd, reliability, z, .. } => baseline - score >= Rule::reliable_points(*sd, *reliability, *z),
            Rule::CovariateBelow { covariate, value } => self.trial.patient_numbers(covariate).is_ok_and(|x| x[patient] < *value),
            Rule::All(parts) => parts.iter().all(|part| self.holds(part, score, patient)),
            Rule::Any(parts) => parts.iter().any(|part| self.holds(part, score, patient)),
            Rule::DiagnosisMet { .. } | Rule::DiagnosisNotMet { .. } => false,
        }
    }

    /// The scores that meet a rule, as intervals that do not overlap; ends have no probability.
    fn set(&self, rule: &Rule, outcome: &str, patient: usize) -> Result<Vec<(f64, f64)>> {
        const ALL: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
        let baseline = self.baseline[patient];
        let of = |name: &str, set: (f64, f64)| match name == outcome {
            true => Ok(vec![set]),
            false => Err(not_of_outcome(rule, outcome)),
        };
        let (at_most, at_least) = (|high: f64| (ALL.0, high), |low: f64| (low, ALL.1));
        match rule {
            Rule::Below { outcome: name, score } | Rule::AtMost { outcome: name, score } => of(name, at_most(*score)),
            Rule::AtLeast { outcome: name, score } => of(name, at_least(*score)),
            Rule::PointDrop { outcome: name, at_least: points } => of(name, at_most(baseline - points)),
            Rule::PointRise { outcome: name, at_least: points } => of(name, at_least(baseline + points)),
            Rule::PercentDrop { outcome: name, at_least: percent, floor } => {
                of(name, at_most(baseline - percent / 100.0 * (baseline - floor)))
            }
            Rule::ReliableDrop { outcome: name, sd, reliability, z } => {
                of(name, at_most(baseline - Rule::reliable_points(*sd, *reliability, *z)))
            }
            Rule::CovariateBelow { covariate, value } => {
                Ok(if self.trial.patient_numbers(covariate)?[patient] < *value { vec![ALL] } else { vec![] })
            }
            Rule::All(parts) => parts.iter().try_fold(vec![ALL], |all, part| {
                let own = self.set(part, outcome, patient)?;
                let both = |a: &(f64, f64), b: &(f64, f64)| (a.0.max(b.0), a.1.min(b.1));
                Ok(all.iter().flat_map(|a| own.iter().map(move |b| both(a, b))).filter(|(low, high)| low < high).collect())
            }),
            Rule::Any(parts) => {
                let all = parts.iter().map(|part| self.set(part, outcome, patient)).collect::<Result<Vec<_>>>()?;
                Ok(joined(all.into_iter().flatten().collect()))
            }
            Rule::DiagnosisMet { .. } | Rule::DiagnosisNotMet { .. } => Err(not_of_outcome(rule, outcome)),
        }
    }
}

/// Completed outcomes of some of the patients, and what they were completed by.
#[derive(Clone, Copy)]
pub(super) struct Completed<'a> {
    pub cohort: &'a Cohort,
    pub maps: &'a [Maps],
    pub outcomes: &'a [f64],
    pub times: Option<&'a [u32]>,
}

fn needs_baseline(rule: &Rule) -> bool {
    match rule {
        Rule::PointDrop { .. } | Rule::PointRise { .. } | Rule::PercentDrop { .. } | Rule::ReliableDrop { .. } => true,
        Rule::All(parts) | Rule::Any(parts) => parts.iter().any(needs_baseline),
        _ => false,
    }
}

/// Whether a rule is defined for this baseline value.
fn is_decided(rule: &Rule, baseline: f64) -> bool {
    match rule {
        Rule::PercentDrop { floor, .. } => baseline > *floor,
        Rule::All(parts) | Rule::Any(parts) => parts.iter().all(|part| is_decided(part, baseline)),
        rule => !needs_baseline(rule) || !baseline.is_nan(),
    }
}

fn not_of_outcome(rule: &Rule, outcome: &str) -> Error {
    Error::not_built(
        "a tipping point of a share",
        format!("`{rule}` looks at more than scores of {outcome}, which alone are imputed"),
        "name a definition by scores of this outcome",
    )
}

/// Intervals that overlap as one.
fn joined(mut all: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut found: Vec<(f64, f64)> = vec![];
    for (low, high) in all {
        match found.last_mut() {
            Some(last) if low <= last.1 => last.1 = last.1.max(high),
            _ => found.push((low, high)),
        }
    }
    found
}
