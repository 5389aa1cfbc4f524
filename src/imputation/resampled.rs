//! The whole analysis of other samples of the same patients.

use super::ancova::Ancova;
use super::completion::Cohort;
use crate::error::Result;
use crate::inference::Refitter;
use rayon::prelude::*;

/// What the jackknife found.
pub(super) struct Jackknife {
    /// The standard error of each statistic.
    pub errors: Vec<f64>,
    /// How many patients could not be left out, by reason.
    pub failures: Vec<(String, usize)>,
    /// How many could.
    pub replicates: usize,
}

/// √((n − 1)/n · Σ (θ₍ᵢ₎ − θ̄)²), θ₍ᵢ₎ being the statistics without patient i: the model fitted again, everyone else imputed
/// and analysed again.
pub(super) fn jackknife(cohort: &Cohort, ancova: &Ancova, refitter: &Refitter<'_>) -> Result<Jackknife> {
    let n = cohort.patients.len();
    let without = |refitter: &mut Refitter<'_>, patient: usize| -> std::result::Result<Vec<f64>, String> {
        if let Some(at) = cohort.patients[patient].in_fit {
            let mut times = vec![1; refitter.patients()];
            times[at] = 0;
            refitter.with_multiplicities(&times).map_err(|error| error.to_string())?;
        } else {
            refitter.with_multiplicities(&vec![1; refitter.patients()]).map_err(|error| error.to_string())?;
        }
        let mut times = vec![1; n];
        times[patient] = 0;
        let maps = cohort.maps(&refitter.covariances()).ok_or("a covariance is not positive definite")?;
        let outcomes = cohort.completed(refitter.beta(), &maps);
        let solved = ancova.solved(Some(&times)).ok_or("the columns of the ANCOVA determine one another")?;
        Ok(solved.statistics(&outcomes, cohort.visits))
    };
    let all: Vec<std::result::Result<Vec<f64>, String>> =
        (0..n).into_par_iter().map_init(|| refitter.clone(), |refitter, patient| without(refitter, patient)).collect();
    let found: Vec<&Vec<f64>> = all.iter().filter_map(|r| r.as_ref().ok()).collect();
    let mut failures: Vec<(String, usize)> = vec![];
    for reason in all.iter().filter_map(|r| r.as_ref().err()) {
        match failures.iter_mut().find(|(known, _)| known == reason) {
            Some((_, times)) => *times += 1,
            None => failures.push((reason.clone(), 1)),
        }
    }
    let m = found.len() as f64;
    let width = found.first().map_or(0, |f| f.len());
    let error = |k: usize| {
        let mean = found.iter().map(|f| f[k]).sum::<f64>() / m;
        ((m - 1.0) / m * found.iter().map(|f| (f[k] - mean).powi(2)).sum::<f64>()).sqrt()
    };
    Ok(Jackknife { errors: (0..width).map(error).collect(), failures, replicates: found.len() })
}
