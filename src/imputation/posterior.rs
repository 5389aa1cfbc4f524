//! The parameters that data sets are imputed from: drawn from their posterior, or estimated in samples of the patients.

use super::chains::{effective_size, r_hat};
use super::completion::Cohort;
use super::draws::{CovariancePrior, DrawMethod, Draws};
use super::gibbs::Gibbs;
use super::metropolis::Metropolis;
use crate::bootstrap::{patients_of_sample, strata};
use crate::covariance::Covariance;
use crate::error::{Error, Result};
use crate::simulate::random::Stream;
use crate::table::counted;
use crate::{Fit, Trial};
use nalgebra::DMatrix;
use rayon::prelude::*;

/// The streams of a seed.
const CHAIN: u64 = 1;
pub(super) const NOISE: u64 = 2;

/// Parameters of the model, and the patients that are imputed from them.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    /// NaN for aliased columns.
    pub beta: Vec<f64>,
    /// Σ of each group.
    pub sigmas: Vec<DMatrix<f64>>,
    /// Positions in the trial, more than once or not at all; everyone where there is none.
    pub sample: Option<Vec<usize>>,
}

/// How a sampler ran.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SamplerSummary {
    /// Draws that are used.
    pub draws: usize,
    /// Independent chains.
    pub chains: usize,
    /// Steps of each chain before its first draw.
    pub burn_in: usize,
    /// Steps from one draw to the next.
    pub thin: usize,
    /// The largest R̂ of any coefficient or covariance: near 1 where chains have come together; NaN for fewer than four draws a chain.
    pub worst_r_hat: f64,
    /// The smallest effective number of draws of any of them.
    pub smallest_effective_size: f64,
    /// The share of proposals that were accepted; `None` of a Gibbs sampler, which accepts all.
    pub acceptance: Option<f64>,
}

/// Reasons with how often each occurred.
pub(super) type Failures = Vec<(String, usize)>;

/// What was drawn.
#[derive(Debug)]
pub(super) struct Drawn {
    pub parameters: Vec<Parameters>,
    pub sampler: Option<SamplerSummary>,
    /// Samples without estimates, by reason; others were drawn in their place, but for the jackknife's.
    pub failures: Vec<(String, usize)>,
    /// A sentence on how.
    pub words: String,
}

/// The parameters that the method asks for.
pub(super) fn drawn(fit: &Fit, trial: &Trial, cohort: &Cohort, draws: &Draws) -> Result<Drawn> {
    match draws.method() {
        DrawMethod::Bayesian => bayesian(fit, cohort, draws),
        DrawMethod::ConditionalMeanJackknife => jackknife(fit, cohort),
        _ => bootstrap(fit, trial, cohort, draws),
    }
}

fn bayesian(fit: &Fit, cohort: &Cohort, draws: &Draws) -> Result<Drawn> {
    if *fit.covariance_structure() == Covariance::Unstructured {
        return gibbs(fit, cohort, draws);
    }
    if draws.covariance_prior() == CovariancePrior::Jeffreys {
        return Err(Error::not_built(
            format!("the prior `{}` of a covariance of structure {}", CovariancePrior::Jeffreys, fit.covariance_structure()),
            "it is one of unstructured covariances",
            "leave the prior out, or fit an unstructured covariance",
        ));
    }
    metropolis(fit, draws)
}

fn gibbs(fit: &Fit, cohort: &Cohort, draws: &Draws) -> Result<Drawn> {
    let gibbs = Gibbs::of(fit, cohort, draws.covariance_prior());
    if !gibbs.is_proper() {
        return Err(Error::not_defined(
            "the posterior of a covariance under the prior `jeffreys`",
            "a group has hardly more patients than visits",
            "use the prior `weakly-informative`",
        ));
    }
    let chain = |number: usize| -> Option<(Vec<Parameters>, usize)> {
        let mut stream = Stream::new(draws.stated_seed(), number as u64, CHAIN);
        let mut state = gibbs.start(&mut stream)?;
        let (_, burn_in, thin) = draws.sampler();
        (0..burn_in).try_for_each(|_| gibbs.step(&mut state, &mut stream))?;
        let mut kept = vec![];
        for _ in 0..share(draws, number) {
            (0..thin).try_for_each(|_| gibbs.step(&mut state, &mut stream))?;
            kept.push(gibbs.parameters(&state));
        }
        Some((kept, 0))
    };
    let prior = match draws.covariance_prior() {
        CovariancePrior::WeaklyInformative => {
            "an inverse Wishart prior with T + 2 degrees of freedom about the estimate for each covariance"
        }
        CovariancePrior::Jeffreys => "the prior |Σ|^(−(T + 1)/2) for each covariance",
    };
    sampled(draws, chain, false, &format!("a Gibbs sampler with a flat prior for the coefficients and {prior}"))
}

fn metropolis(fit: &Fit, draws: &Draws) -> Result<Drawn> {
    let sampler = Metropolis::of(fit).ok_or_else(|| {
        Error::not_defined(
            "draws from the posterior of this covariance",
            "its information is not positive definite at the estimates, as where a variance is zero",
            "use `approximate-bayesian` draws, or a covariance structure with fewer parameters",
        )
    })?;
    let chain = |number: usize| -> Option<(Vec<Parameters>, usize)> {
        let mut stream = Stream::new(draws.stated_seed(), number as u64, CHAIN);
        let mut state = sampler.start(&mut stream)?;
        let (_, burn_in, thin) = draws.sampler();
        (0..burn_in).for_each(|_| sampler.step(&mut state, &mut stream));
        state.accepted = 0;
        let mut kept = vec![];
        for _ in 0..share(draws, number) {
            (0..thin).for_each(|_| sampler.step(&mut state, &mut stream));
            kept.push(sampler.parameters(&state, &mut stream)?);
        }
        Some((kept, state.accepted))
    };
    sampled(draws, chain, true, "an independence Metropolis–Hastings sampler with flat priors for coefficients and covariance parameters")
}

/// The draws of one chain, the first chains having one more where they do not divide evenly.
fn share(draws: &Draws, chain: usize) -> usize {
    let (chains, ..) = draws.sampler();
    draws.count() / chains + usize::from(chain < draws.count() % chains)
}

type Chain = (Vec<Parameters>, usize);

fn sampled(draws: &Draws, chain: impl Fn(usize) -> Option<Chain> + Send + Sync, proposes: bool, sampler: &str) -> Result<Drawn> {
    let (chains, burn_in, thin) = draws.sampler();
    let all: Vec<Option<Chain>> = (0..chains).into_par_iter().map(chain).collect();
    let all: Vec<Chain> = all.into_iter().collect::<Option<_>>().ok_or_else(|| {
        Error::not_defined(
            "draws from the posterior",
            "a covariance that was drawn is not positive definite to rounding",
            "use `approximate-bayesian` draws, or a covariance structure with fewer parameters",
        )
    })?;
    let (worst_r_hat, smallest_effective_size) = convergence(&all);
    let steps = (draws.count() * thin) as f64;
    let acceptance = proposes.then(|| all.iter().map(|(_, accepted)| *accepted as f64).sum::<f64>() / steps);
    let summary = SamplerSummary { draws: draws.count(), chains, burn_in, thin, worst_r_hat, smallest_effective_size, acceptance };
    let accepted = acceptance.map_or_else(String::new, |share| format!("; {:.0} % of proposals were accepted", 100.0 * share));
    let words = format!(
        "Parameters are {} from their posterior by {sampler}: {}, {} before the first draw and {thin} from one to the next \
         (seed {}). The largest R̂ is {worst_r_hat:.3}, the smallest effective number of draws {smallest_effective_size:.0}{accepted}.",
        counted(draws.count(), "draw"),
        counted(chains, "chain"),
        counted(burn_in, "step"),
        draws.stated_seed()
    );
    let parameters = all.into_iter().flat_map(|(kept, _)| kept).collect();
    Ok(Drawn { parameters, sampler: Some(summary), failures: vec![], words })
}

/// The largest R̂ and the smallest effective size over all coefficients and covariances.
fn convergence(chains: &[Chain]) -> (f64, f64) {
    let first = &chains[0].0[0];
    let numbers = |p: &Parameters| -> Vec<f64> {
        let beta = p.beta.iter().filter(|b| !b.is_nan()).copied();
        let sigmas = p.sigmas.iter().flat_map(|s| (0..s.nrows()).flat_map(move |i| (0..=i).map(move |j| s[(i, j)])));
        beta.chain(sigmas).collect()
    };
    let width = numbers(first).len();
    let all: Vec<Vec<Vec<f64>>> = chains.iter().map(|(kept, _)| kept.iter().map(numbers).collect()).collect();
    let of = |k: usize| {
        let one: Vec<Vec<f64>> = all.iter().map(|chain| chain.iter().map(|row| row[k]).collect()).collect();
        (r_hat(&one), effective_size(&one))
    };
    (0..width).map(of).fold((f64::NAN, f64::INFINITY), |(worst, smallest), (r, size)| (worst.max(r), smallest.min(size)))
}

fn jackknife(fit: &Fit, cohort: &Cohort) -> Result<Drawn> {
    let n = cohort.patients.len();
    let refitter = fit.refitter()?;
    let all: Vec<std::result::Result<Parameters, String>> = (0..=n)
        .into_par_iter()
        .map_init(
            || refitter.clone(),
            |refitter, k| {
                let without = k.checked_sub(1);
                let mut times = vec![1; refitter.patients()];
                if let Some(at) = without.and_then(|patient| cohort.patients[patient].in_fit) {
                    times[at] = 0;
                }
                refitter.with_multiplicities(&times).map_err(|error| error.to_string())?;
                let sample = without.map(|patient| (0..n).filter(|i| *i != patient).collect());
                Ok(Parameters { beta: refitter.beta().to_vec(), sigmas: refitter.covariances(), sample })
            },
        )
        .collect();
    let words = "Parameters are the estimates without each patient in turn; missing values are replaced by their expectation.".to_string();
    let (parameters, failures) = kept(all)?;
    Ok(Drawn { parameters, sampler: None, failures, words })
}

/// The first, of everyone, must be there.
fn kept(all: Vec<std::result::Result<Parameters, String>>) -> Result<(Vec<Parameters>, Failures)> {
    let (mut found, mut failures): (Vec<Parameters>, Failures) = (vec![], vec![]);
    for (k, result) in all.into_iter().enumerate() {
        match result {
            Ok(parameters) => found.push(parameters),
            Err(why) if k == 0 => return Err(Error::not_defined("an imputed analysis", why, "use a simpler model")),
            Err(why) => count(&mut failures, why),
        }
    }
    Ok((found, failures))
}

pub(super) fn count(failures: &mut Vec<(String, usize)>, why: String) {
    match failures.iter_mut().find(|(known, _)| *known == why) {
        Some((_, times)) => *times += 1,
        None => failures.push((why, 1)),
    }
}

/// Samples of everyone randomized within arms; one without estimates is replaced by the next, as long as no more fail than are
/// asked for.
fn bootstrap(fit: &Fit, trial: &Trial, cohort: &Cohort, draws: &Draws) -> Result<Drawn> {
    let (n, number, method) = (cohort.patients.len(), draws.count(), draws.method());
    let refitter = fit.refitter()?;
    let strata = strata(trial.arm_of());
    let own = method == DrawMethod::ConditionalMeanBootstrap;
    let sample = |replicate: usize| -> Vec<usize> { patients_of_sample(&strata, draws.stated_seed(), replicate as u64) };
    let estimated = |refitter: &mut crate::inference::Refitter<'_>, replicate: usize| {
        let chosen = sample(replicate);
        let mut times = vec![0; refitter.patients()];
        chosen.iter().filter_map(|&patient| cohort.patients[patient].in_fit).for_each(|at| times[at] += 1);
        refitter.with_multiplicities(&times).map_err(|error| error.to_string())?;
        let sample = (method != DrawMethod::ApproximateBayesian).then_some(chosen);
        Ok(Parameters { beta: refitter.beta().to_vec(), sigmas: refitter.covariances(), sample })
    };
    let batch = |from: usize, to: usize| -> Vec<std::result::Result<Parameters, String>> {
        (from..to).into_par_iter().map_init(|| refitter.clone(), |refitter, k| estimated(refitter, k)).collect()
    };
    let (mut parameters, mut failures) = (vec![], vec![]);
    if own {
        let mut whole = refitter.clone();
        whole.with_multiplicities(&vec![1; whole.patients()])?;
        parameters.push(Parameters { beta: whole.beta().to_vec(), sigmas: whole.covariances(), sample: None });
    }
    let (wanted, mut next) = (number + parameters.len(), 0);
    while parameters.len() < wanted {
        let missing = wanted - parameters.len();
        for result in batch(next, next + missing) {
            match result {
                Ok(found) => parameters.push(found),
                Err(why) => count(&mut failures, why),
            }
        }
        next += missing;
        let failed: usize = failures.iter().map(|(_, times)| times).sum();
        if failed > number {
            return Err(Error::too_few_replicates(
                "bootstrap samples of the patients",
                format!("the model could not be fitted to {failed} of {next}: {}", failures[0].0),
                "use a covariance structure with fewer parameters",
            ));
        }
    }
    let words = format!(
        "Parameters are the estimates in {} of the {} within arms (seed {}).",
        counted(number, "bootstrap sample"),
        counted(n, "patient"),
        draws.stated_seed()
    );
    Ok(Drawn { parameters, sampler: None, failures, words })
}
