//! The covariance of standardised means that holds whatever the model, for how patients were randomized.
//!
//! With y the outcomes, μ_a(X) the predictions as if in arm a after calibration, π_a the share of arm a, and variances and
//! covariances those of samples (n − 1), n times the covariance of the means is
//!
//! - V_aa = (Var_a(y) − 2 Cov_a(y, μ_a) + Var(μ_a)) / π_a + 2 Cov_a(y, μ_a) − Var(μ_a),
//! - V_ab = Cov_a(y, μ_b) + Cov_b(y, μ_a) − Cov(μ_a, μ_b),
//!
//! Cov_a over the patients of arm a and Cov over all; under permuted blocks less Σ_z (n_z/n) R_z (diag π − ππ') R_z with
//! R_z = diag(mean residual of arm a in stratum z, over π_a): Ye, Bannick, Yi & Shao 2023, Statistical Theory and Related
//! Fields 7:159–163; Ye, Shao, Yi & Zhao 2023, JASA 118:2370–2382, eq. 18. Predictions are calibrated to the mean outcome
//! of each arm, which those of a canonical link are already (under minimisation, of each arm within each stratum: Bannick,
//! Shao, Liu, Du, Yi & Ye 2025, Biometrika).

use super::population::Randomization;
use super::population_covariance::average;
use crate::error::{Error, Result};
use crate::trial::Trial;
use nalgebra::DMatrix;

/// The stratum of each patient averaged over.
pub(super) struct Strata {
    of_patient: Vec<usize>,
    labels: Vec<String>,
}

/// What the covariance is made of.
pub(super) struct Data<'a> {
    /// Everyone's predictions, arm by arm.
    pub predictions: &'a [&'a [f64]],
    pub outcomes: &'a [f64],
    /// The arm of each patient, as a position among the predictions.
    pub arm_of: &'a [usize],
    /// The arms.
    pub labels: &'a [&'a str],
}

/// Means after calibration, with their covariance.
pub(super) struct RobustMeans {
    pub means: Vec<f64>,
    pub covariance: DMatrix<f64>,
}

impl Strata {
    /// The combinations of levels of these factors; one stratum without factors.
    pub fn of(trial: &Trial, factors: &[String], patients: &[usize]) -> Result<Self> {
        let mut strata = Self { of_patient: vec![0; patients.len()], labels: vec![] };
        if factors.is_empty() {
            strata.labels.push("all".into());
            return Ok(strata);
        }
        let visits = trial.schedule().len();
        let variables = factors.iter().map(|name| trial.variable(name)).collect::<Result<Vec<_>>>()?;
        for variable in &variables {
            if !variable.is_factor() || variable.varies_by_visit() {
                return Err(Error::wrong_variable(
                    format!("the stratification factor `{}`", variable.name()),
                    if variable.is_factor() { "it changes by visit" } else { "it is numeric" },
                    "name factors that are fixed within patients; declare codes such as 1 and 2 as factors",
                ));
            }
        }
        let mut known: Vec<Vec<usize>> = vec![];
        for (k, &patient) in patients.iter().enumerate() {
            let level = |variable: &&crate::trial::Variable| {
                variable.level(patient, 0, visits).ok_or_else(|| Error::Missing {
                    variable: variable.name().into(),
                    patient: trial.patients()[patient].clone(),
                    visit: trial.schedule().labels().first().map(ToString::to_string).unwrap_or_default(),
                    why: "is missing, and it makes the strata of the randomization".into(),
                })
            };
            let levels = variables.iter().map(level).collect::<Result<Vec<usize>>>()?;
            let at = known.iter().position(|l| *l == levels).unwrap_or_else(|| {
                let names: Vec<&str> = variables.iter().zip(&levels).map(|(v, &l)| v.levels()[l].as_str()).collect();
                strata.labels.push(names.join(", "));
                known.push(levels);
                known.len() - 1
            });
            strata.of_patient[k] = at;
        }
        Ok(strata)
    }
}

/// The means of the arms and their covariance.
///
/// # Errors
/// [`Error::Invalid`] where an arm has one patient, or, with strata, where a stratum lacks an arm.
pub(super) fn covariance(data: &Data, scheme: Randomization, strata: &Strata) -> Result<RobustMeans> {
    let (n, arms) = (data.outcomes.len() as f64, data.predictions.len());
    let of_arm: Vec<Vec<usize>> = (0..arms).map(|a| (0..data.arm_of.len()).filter(|&i| data.arm_of[i] == a).collect()).collect();
    if let Some(alone) = (0..arms).find(|&a| of_arm[a].len() < 2) {
        return Err(Error::no_data(
            "Ye's variance of standardised means",
            format!("arm {} has {} analysed patient", data.labels[alone], of_arm[alone].len()),
            "choose the variance `ge` or `sampled`",
        ));
    }
    let one = Strata { of_patient: vec![0; data.outcomes.len()], labels: vec!["all".into()] };
    let within = if scheme == Randomization::Minimisation { strata } else { &one };
    let residuals = residual_means(data, within)?;
    let calibrated: Vec<Vec<f64>> = (0..arms)
        .map(|a| data.predictions[a].iter().enumerate().map(|(i, mean)| mean + residuals[within.of_patient[i]][a]).collect())
        .collect();
    let share: Vec<f64> = of_arm.iter().map(|patients| patients.len() as f64 / n).collect();
    let pick = |values: &[f64], a: usize| -> Vec<f64> { of_arm[a].iter().map(|&i| values[i]).collect() };
    let with_outcome = |a: usize, b: usize| covariance_of(&pick(data.outcomes, a), &pick(&calibrated[b], a));
    let mut found = DMatrix::from_fn(arms, arms, |a, b| {
        let everyone = covariance_of(&calibrated[a], &calibrated[b]);
        if a != b {
            return with_outcome(a, b) + with_outcome(b, a) - everyone;
        }
        let (own, outcomes) = (with_outcome(a, a), pick(data.outcomes, a));
        (covariance_of(&outcomes, &outcomes) - 2.0 * own + everyone) / share[a] + 2.0 * own - everyone
    });
    if scheme == Randomization::PermutedBlock {
        let calibrated: Vec<&[f64]> = calibrated.iter().map(Vec::as_slice).collect();
        let left = residual_means(&Data { predictions: &calibrated, ..*data }, strata)?;
        for (z, mean) in left.iter().enumerate() {
            let size = strata.of_patient.iter().filter(|&&of| of == z).count() as f64 / n;
            for a in 0..arms {
                for b in 0..arms {
                    let omega = if a == b { share[a] * (1.0 - share[a]) } else { -share[a] * share[b] };
                    found[(a, b)] -= size * (mean[a] / share[a]) * omega * (mean[b] / share[b]);
                }
            }
        }
    }
    Ok(RobustMeans { means: calibrated.iter().map(|means| average(means)).collect(), covariance: found / n })
}

/// The mean residual of every arm in every stratum.
fn residual_means(data: &Data, strata: &Strata) -> Result<Vec<Vec<f64>>> {
    let arms = data.predictions.len();
    let mut sums = vec![vec![(0.0, 0_usize); arms]; strata.labels.len()];
    for (i, &a) in data.arm_of.iter().enumerate() {
        let cell = &mut sums[strata.of_patient[i]][a];
        *cell = (cell.0 + data.outcomes[i] - data.predictions[a][i], cell.1 + 1);
    }
    for (z, cells) in sums.iter().enumerate() {
        if let Some(a) = cells.iter().position(|cell| cell.1 == 0) {
            return Err(Error::no_data(
                "Ye's variance of standardised means",
                format!("nobody of arm {} is analysed in the stratum {}", data.labels[a], strata.labels[z]),
                "join strata, or leave a factor out of them",
            ));
        }
    }
    Ok(sums.iter().map(|cells| cells.iter().map(|(sum, n)| sum / *n as f64).collect()).collect())
}

/// The covariance of two samples, n − 1 in the denominator.
pub(super) fn covariance_of(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (average(a), average(b));
    a.iter().zip(b).map(|(x, y)| (x - mean_a) * (y - mean_b)).sum::<f64>() / (a.len() as f64 - 1.0)
}
