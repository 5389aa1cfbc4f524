//! The bootstrap of a fit: against lme4's bootMer and exact distributions within Monte-Carlo error, against refits of
//! resampled trials, and the same bits for any number of threads.

use crate::common::{Comparison, antidepressant, assert_all, number, reference, sleepstudy};
use trialstats::bootstrap::{Bootstrap, BootstrapDistribution, BootstrapInterval, Resampling};
use trialstats::covariance::Covariance;
use trialstats::simulate::Gaussian;
use trialstats::{Error, Fit, Model, Result, Tabular};

fn model() -> Model {
    Model::formula("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT").unwrap().covariance(Covariance::CompoundSymmetry)
}

fn everything(fit: &Fit) -> Result<Vec<f64>> {
    Ok(fit.beta().iter().copied().chain(fit.covariance_parameters().into_iter().map(|(_, value)| value)).collect())
}

fn bits(distribution: &BootstrapDistribution) -> Vec<u64> {
    distribution.replicates.iter().flatten().map(|x| x.to_bits()).collect()
}

#[test]
fn replicates_have_the_same_bits_for_any_number_of_threads() {
    let fit = model().fit(&antidepressant()).unwrap();
    for resampling in [Resampling::Patients, Resampling::Parametric] {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let bootstrap = Bootstrap::new(40, 11).level(0.9).resampling(resampling);
            pool.install(|| fit.bootstrap(&bootstrap, everything).unwrap())
        };
        let one = run(1);
        assert_eq!(one.replicates.len(), 40);
        assert_ne!(one.replicates[0], one.replicates[1]);
        for threads in [2, 5] {
            assert_eq!(bits(&one), bits(&run(threads)), "{resampling:?} on {threads} threads");
        }
    }
}

/// All patients are analysed, so that a fit draws the same ones as the trial.
#[test]
fn resampling_a_fit_is_fitting_resampled_trials() {
    let trial = antidepressant();
    let fit = model().fit(&trial).unwrap();
    assert_eq!(fit.n_patients(), trial.patients().len());
    let bootstrap = Bootstrap::new(39, 5).interval(BootstrapInterval::Bca);
    let here = fit.bootstrap(&bootstrap, everything).unwrap();
    let there = bootstrap.run(&trial, |t| everything(&model().fit(t)?)).unwrap();
    let mut comparison = Comparison::of("resampled");
    comparison.same("jackknife", here.jackknife.iter().map(Vec::len).collect::<Vec<_>>(), vec![84, 88].into_iter().rev().collect());
    for k in 0..here.observed.len() {
        let se = here.standard_error(k);
        for r in 0..39 {
            comparison.within(&format!("statistic {k} of replicate {r}"), here.replicates[r][k], there.replicates[r][k], 1e-8 * se);
        }
        comparison.within(&format!("lower limit {k}"), here.limits(k).0, there.limits(k).0, 1e-7 * se);
    }
    assert_all([comparison]);
}

/// In balanced complete data with compound symmetry, an estimated contrast within patients is normal with its model
/// standard error, and the residual variance is σ²χ²/df.
#[test]
fn parametric_replicates_have_their_exact_distribution_in_balanced_data() {
    let (n, visits, replicates) = (15, 3, 1500);
    let trial = Gaussian::new(["one", "two", "three"])
        .arm("a", n, [5.0, 5.0, 5.0])
        .arm("b", n, [5.0, 4.0, 3.0])
        .compound_symmetry(2.0, 0.5)
        .trial(1, 0)
        .unwrap();
    let fit = Model::formula("y ~ arm * visit").unwrap().covariance(Covariance::CompoundSymmetry).fit(&trial).unwrap();
    let residual = fit.covariance_parameters()[1].1;
    let last = fit.beta().len() - 1;
    let bootstrap = Bootstrap::new(replicates, 3).resampling(Resampling::Parametric);
    let distribution = fit.bootstrap(&bootstrap, |f| Ok(vec![f.beta()[last], f.covariance_parameters()[1].1])).unwrap();
    let df = ((2 * n - 2) * (visits - 1)) as f64;
    let r = replicates as f64;
    let mut comparison = Comparison::of("balanced");
    for (k, se) in [(0, fit.coefficients().rows[last].se), (1, residual * (2.0 / df).sqrt())] {
        // Four Monte-Carlo standard errors of a mean, and of a standard deviation of something near the normal.
        comparison.within(&format!("bias {k}"), distribution.bias(k), 0.0, 4.0 * se / r.sqrt());
        comparison.within(&format!("SE {k}"), distribution.standard_error(k), se, 4.0 * se / (2.0 * r).sqrt() * 1.1);
    }
    comparison.same("failures", distribution.summary.failed, 0);
    assert_all([comparison]);
}

#[test]
fn a_random_intercept_model_has_the_bootstrap_of_lme4() {
    let expected = reference("bootstrap/bootmer.json");
    let trial = sleepstudy();
    let fit = Model::formula("Reaction ~ time").unwrap().covariance(Covariance::RandomIntercept).fit(&trial).unwrap();
    let replicates = 2000;
    let bootstrap = Bootstrap::new(replicates, 20261121).resampling(Resampling::Parametric).level(0.9);
    let distribution = fit.bootstrap(&bootstrap, everything).unwrap();
    assert_eq!(distribution.observed.len(), 4);
    // Both are Monte-Carlo: variances add. A standard deviation has relative error 1/√(2R) under normality, up to
    // twice that under the skewness of a variance; a 5% quantile of a normal has √(0.05 · 0.95)/φ(1.645) = 2.11
    // standard deviations over √R.
    let rate = (1.0 / replicates as f64 + 1.0 / number(&expected["replicates"])).sqrt();
    let mut comparison = Comparison::of("sleepstudy");
    for k in 0..4 {
        let se = number(&expected["se"][k]);
        let mean = distribution.observed[k] + distribution.bias(k);
        comparison.within(&format!("observed {k}"), distribution.observed[k], number(&expected["observed"][k]), 1e-4 * se);
        comparison.within(&format!("mean {k}"), mean, number(&expected["mean"][k]), 4.0 * se * rate);
        comparison.within(&format!("SE {k}"), distribution.standard_error(k), se, 4.0 * se * rate * 2.0 / 2.0_f64.sqrt());
        comparison.within(&format!("lower {k}"), distribution.limits(k).0, number(&expected["lower"][k]), 4.0 * 2.11 * se * rate);
        comparison.within(&format!("upper {k}"), distribution.limits(k).1, number(&expected["upper"][k]), 4.0 * 2.11 * se * rate * 2.0);
    }
    assert_all([comparison]);
}

#[test]
fn failures_are_counted_by_name_and_shown() {
    let fit = model().fit(&antidepressant()).unwrap();
    let odd = |f: &Fit| match f.beta()[1] {
        b if b > fit.beta()[1] => Err(Error::Fit(trialstats::fit::Failure::NoStart)),
        b => Ok(vec![b]),
    };
    let distribution = fit.bootstrap(&Bootstrap::new(60, 2).level(0.8), odd).unwrap();
    let summary = &distribution.summary;
    assert!(summary.failed > 10 && distribution.replicates.len() == 60 - summary.failed);
    assert_eq!(summary.failures.len(), 1);
    assert!(distribution.to_text().contains(&format!("{} of them failed", summary.failed)), "{distribution}");
    assert!(summary.failures[0].0.contains("no starting value"), "{:?}", summary.failures);
}

#[test]
fn what_has_no_acceleration_and_what_has_no_model_is_refused() {
    let trial = antidepressant();
    let fit = model().fit(&trial).unwrap();
    let parametric = || Bootstrap::new(100, 1).resampling(Resampling::Parametric);
    assert_eq!(fit.bootstrap(&parametric().interval(BootstrapInterval::Bca), everything).unwrap_err().code(), "conflicting-settings");
    assert_eq!(parametric().run(&trial, |t| everything(&model().fit(t)?)).unwrap_err().code(), "conflicting-settings");
    assert_eq!(fit.bootstrap(&Bootstrap::new(10, 1), everything).unwrap_err().code(), "too-few-replicates");
}
