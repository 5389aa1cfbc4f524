//! The whole analysis of other samples of the same patients.

use super::ancova::Ancova;
use super::completion::{Cohort, Maps};
use crate::error::{Error, Result};
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
    let statistics = |outcomes: &[f64], times: Option<&[u32]>, _: &[Maps]| Some(ancova.solved(times)?.statistics(outcomes, cohort.visits));
    let (_, found, failures) = replicates(cohort, refitter, statistics)?;
    let m = found.len() as f64;
    let width = found.first().map_or(0, |f| f.len());
    let error = |k: usize| {
        let mean = found.iter().map(|f| f[k]).sum::<f64>() / m;
        ((m - 1.0) / m * found.iter().map(|f| (f[k] - mean).powi(2)).sum::<f64>()).sqrt()
    };
    Ok(Jackknife { errors: (0..width).map(error).collect(), failures, replicates: found.len() })
}

/// Statistics of everyone; without each patient in turn, those that could be had; why the others could not, counted.
type Replicates<S> = (S, Vec<S>, Vec<(String, usize)>);

/// A statistic of completed outcomes, each patient counted so many times, and what they were completed by.
pub(super) fn replicates<S: Send>(
    cohort: &Cohort,
    refitter: &Refitter<'_>,
    statistic: impl Fn(&[f64], Option<&[u32]>, &[Maps]) -> Option<S> + Sync,
) -> Result<Replicates<S>> {
    const SINGULAR: &str = "a covariance is not positive definite, or the columns of the ANCOVA determine one another";
    let of = |refitter: &mut Refitter<'_>, without: Option<usize>| -> std::result::Result<S, String> {
        let mut times = vec![1; refitter.patients()];
        if let Some(at) = without.and_then(|patient| cohort.patients[patient].in_fit) {
            times[at] = 0;
        }
        refitter.with_multiplicities(&times).map_err(|error| error.to_string())?;
        let maps = cohort.maps(&refitter.covariances()).ok_or(SINGULAR)?;
        let outcomes = cohort.completed(refitter.beta(), &maps);
        let mut times = vec![1; cohort.patients.len()];
        without.into_iter().for_each(|patient| times[patient] = 0);
        statistic(&outcomes, Some(&times), &maps).ok_or_else(|| SINGULAR.into())
    };
    let whole = of(&mut refitter.clone(), None).map_err(|why| Error::not_defined("an imputed analysis", why, "use a simpler model"))?;
    let all: Vec<std::result::Result<S, String>> =
        (0..cohort.patients.len()).into_par_iter().map_init(|| refitter.clone(), |refitter, patient| of(refitter, Some(patient))).collect();
    let (mut found, mut failures): (Vec<S>, Vec<(String, usize)>) = (vec![], vec![]);
    for result in all {
        match result {
            Ok(statistic) => found.push(statistic),
            Err(reason) => match failures.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, times)) => *times += 1,
                None => failures.push((reason, 1)),
            },
        }
    }
    Ok((whole, found, failures))
}
