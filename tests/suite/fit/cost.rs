//! What would take long says so before it begins.

use crate::common::*;
use trialstats::fit::Failure;
use trialstats::trial::{Schedule, Trial};
use trialstats::{Covariance, Df, Error, Model};

/// Patients with an outcome at every one of many visits.
fn long(patients: usize, visits: usize) -> Trial {
    let labels: Vec<String> = (0..visits).map(|t| format!("v{t}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let value = |k: usize| f64::from((k as u32).wrapping_mul(2_654_435_761) % 1000) / 100.0;
    let values = (0..patients * visits).map(value).collect();
    of_values(&["a", "b"], (0..patients).map(|i| i % 2).collect(), Schedule::of_labels(labels), values)
}

/// Kenward and Roger's adjustment takes second derivatives for all pairs of parameters.
#[test]
fn kenward_and_roger_above_a_hundred_unstructured_visits_is_refused_with_its_cost() {
    let trial = long(160, 100);
    let model = Model::formula("y ~ arm * visit").expect("parses").df(Df::KenwardRoger);
    let Err(Error::Fit(Failure::Costly { bytes, seconds, why })) = model.fit(&trial) else { panic!("it is costly") };
    assert!(bytes > 4e9 || seconds > 120.0, "{bytes} {seconds}");
    assert!(why.contains("5050"), "{why}");
    let text = model.fit(&trial).expect_err("costly").to_string();
    assert!(text.contains("--allow-costly") && text.contains("of memory"), "{text}");
    // Another structure is cheap, and a list to fall back on reaches it.
    let cheap = model.clone().covariance_else([Covariance::CompoundSymmetry]).fit(&trial).expect("two parameters");
    assert_eq!(cheap.attempts()[0].failure.code(), "costly");
    assert!(model.allow_costly(true).allows_costly());
}

/// A hundred unstructured visits, 5,050 covariance parameters. Of complete data the comparison of the arms at a visit is the
/// two-sample t test, degrees of freedom and all; standard errors of variances are those of the χ² distribution.
#[test]
fn a_hundred_unstructured_visits_have_the_t_test_of_every_visit() {
    let (patients, visits) = (160, 100);
    let trial = long(patients, visits);
    let fit = Model::formula("y ~ 0 + visit + arm:visit").expect("parses").fit(&trial).expect("a fit");
    let y = &trial.outcomes()[0].values;
    let n = patients as f64;
    let mut compared = Comparison::of("a hundred visits");
    let means = |t: usize| [0, 1].map(|arm| (0..patients).filter(|i| i % 2 == arm).map(|i| y[i * visits + t]).sum::<f64>() * 2.0 / n);
    let labels: Vec<String> = fit.columns().iter().map(|column| column.name.clone()).collect();
    for t in [0, 57, 99] {
        let own = means(t);
        let squares: f64 = (0..patients).map(|i| (y[i * visits + t] - own[i % 2]).powi(2)).sum();
        let variance = squares / (n - 2.0);
        let weights: Vec<f64> = labels.iter().map(|l| f64::from(u8::from(*l == format!("visitv{t}:armb")))).collect();
        assert_eq!(weights.iter().sum::<f64>(), 1.0, "{labels:?}");
        let row = fit.estimate("arms", &weights).expect("estimable");
        compared.within(&format!("difference at v{t}"), row.estimate, own[1] - own[0], 1e-9);
        compared.relative(&format!("SE at v{t}"), row.se, (variance * 4.0 / n).sqrt(), 1e-9);
        compared.relative(&format!("df at v{t}"), row.df, n - 2.0, 1e-8);
    }
    assert_all([compared]);
    // Profile intervals take the Hessian again and again.
    let refused = fit.covariance_intervals(&Default::default()).expect_err("too long").to_string();
    assert!(refused.contains("of memory") && refused.contains("wald"), "{refused}");
}

/// With fewer patients than visits the likelihood has no maximum, and that is said, however many the visits are and whether or
/// not patients drop out; a structure with fewer parameters has one.
#[test]
fn fewer_patients_than_unstructured_visits_are_refused_by_name() {
    let model = Model::formula("y ~ arm * visit").expect("parses");
    for (patients, visits, last) in [(25, 33, 25), (60, 100, 60)] {
        let whole = long(patients, visits);
        let Err(Error::Fit(failure)) = model.fit(&whole) else { panic!("no maximum") };
        assert_eq!(failure.code(), "unbounded-likelihood", "{failure}");
        let Failure::Unbounded { visits: named, .. } = &failure else { panic!("{failure}") };
        assert_eq!(named.last().map(String::as_str), Some(format!("v{last}").as_str()), "{failure}");
        let cheap = model.clone().covariance_else([Covariance::CompoundSymmetry]).fit(&whole).expect("two parameters");
        assert_eq!(cheap.attempts()[0].failure, failure);
    }
    // Eleven of sixty drop out after each tenth visit: at the fortieth 27 are left.
    let (patients, visits) = (60, 40);
    let y = long(patients, visits).outcomes()[0].values.clone();
    let left = |k: usize| k % visits / 10 * 11 > k / visits;
    let values = y.iter().enumerate().map(|(k, &y)| if left(k) { f64::NAN } else { y }).collect();
    let labels: Vec<String> = (0..visits).map(|t| format!("v{t}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let dropped = of_values(&["a", "b"], (0..patients).map(|i| i % 2).collect(), Schedule::of_labels(labels), values);
    let Err(Error::Fit(Failure::Unbounded { visits: named, .. })) = model.fit(&dropped) else { panic!("no maximum") };
    assert_eq!(named.last().map(String::as_str), Some("v30"));
}

/// A random intercept of two thousand sites above an unstructured covariance: as many small systems.
#[test]
fn thousands_of_sites_above_an_unstructured_covariance_are_fitted() {
    let (sites, per_site, visits) = (2000, 2, 2);
    let patients = sites * per_site;
    let value = |k: usize| f64::from((k as u32).wrapping_mul(2_654_435_761) % 1000) / 100.0;
    let site: Vec<usize> = (0..patients).map(|i| i / per_site).collect();
    let names: Vec<String> = (0..sites).map(|l| format!("s{l:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let y: Vec<f64> = (0..patients * visits).map(|k| value(k) + 2.0 * value(site[k / visits] + 77_777)).collect();
    let trial = invented(&["a", "b"], (0..patients).map(|i| i % 2).collect(), Schedule::of_labels(["v1", "v2"]));
    let trial = trial.variable(factor("site", &names, site)).outcome(outcome("y", y.clone())).build().expect("a trial");
    let fit = Model::formula("y ~ arm * visit + us(visit | patient) + (1 | site)").expect("parses").fit(&trial).expect("a fit");
    let mut compared = Comparison::of("two thousand sites");
    // The arms differ within sites: the difference of a visit is a mean of differences, whatever the sites add.
    let difference = |s: usize| y[(2 * s + 1) * visits] - y[2 * s * visits];
    let mean = (0..sites).map(difference).sum::<f64>() / sites as f64;
    let row = fit.coefficients().rows.into_iter().find(|row| row.label == "armb").expect("the arm");
    compared.relative("difference at the first visit", row.estimate, mean, 1e-9);
    // Predicted effects add up to nothing.
    let effects = fit.random_effects();
    compared.same("number of effects", effects.rows.len(), sites);
    compared.within("their sum", effects.rows.iter().map(|row| row.estimate).sum(), 0.0, 1e-6);
    assert_all([compared]);
}

/// Effects of hundreds of sites are coefficients too: with as many of them as half of the patients, a Hessian without what
/// moves through the coefficients would leave half of the error in every step, and take some 25 steps.
#[test]
fn effects_of_many_sites_take_few_steps() {
    let (sites, per_site, visits) = (300, 2, 4);
    let patients = sites * per_site;
    let value = |k: usize| f64::from((k as u32).wrapping_mul(2_654_435_761) % 1000) / 100.0;
    let site: Vec<usize> = (0..patients).map(|i| i / per_site).collect();
    let names: Vec<String> = (0..sites).map(|l| format!("s{l:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let of_patient = |i: usize| 1.5 * value(i + 55_555) + 2.0 * value(site[i] + 77_777);
    let y = (0..patients * visits).map(|k| value(k) + of_patient(k / visits)).collect();
    let trial = invented(&["a", "b"], (0..patients).map(|i| i % 2).collect(), Schedule::of_labels(["v1", "v2", "v3", "v4"]));
    let trial = trial.variable(factor("site", &names, site)).outcome(outcome("y", y)).build().expect("a trial");
    let fit = Model::formula("y ~ arm * visit + us(visit | patient) + (1 | site)").expect("parses").fit(&trial).expect("a fit");
    assert!(fit.convergence().iterations <= 15, "{:?}", fit.convergence());
}

/// A factor of five hundred levels alone: the means of the textbook's one-way analysis of variance, with the pooled variance within
/// levels and its degrees of freedom. (`fit::cost` has the decision on two thousand.)
#[test]
fn a_factor_of_five_hundred_levels_has_the_one_way_means() {
    let levels = 500;
    // Two to four patients per level.
    let site: Vec<usize> = (0..levels).flat_map(|l| std::iter::repeat_n(l, 2 + l % 3)).collect();
    let patients = site.len();
    let names: Vec<String> = (0..levels).map(|l| format!("s{l:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let y: Vec<f64> = (0..patients).map(|k| f64::from((k as u32).wrapping_mul(2_654_435_761) % 1000) / 100.0).collect();
    let trial = invented(&["a", "b"], (0..patients).map(|i| i % 2).collect(), Schedule::of_labels(["v1"]));
    let trial = trial.variable(factor("site", &names, site.clone())).outcome(outcome("y", y.clone())).build().expect("a trial");
    let (mut sums, mut counts) = (vec![0.0; levels], vec![0.0; levels]);
    for (&s, y) in site.iter().zip(&y) {
        sums[s] += y;
        counts[s] += 1.0;
    }
    let means: Vec<f64> = sums.iter().zip(&counts).map(|(sum, n)| sum / n).collect();
    let df = (patients - levels) as f64;
    let variance = site.iter().zip(&y).map(|(&s, y)| (y - means[s]).powi(2)).sum::<f64>() / df;
    for method in [Df::Residual, Df::Satterthwaite] {
        let fit = Model::formula("y ~ site").expect("parses").df(method).fit(&trial).expect("a fit");
        let rows = fit.coefficients().rows;
        let mut compared = Comparison::of(format!("one-way means, {method}"));
        compared.same("coefficients", rows.len(), levels);
        for (l, row) in rows.iter().enumerate() {
            let (mean, error) = match l {
                0 => (means[0], (variance / counts[0]).sqrt()),
                _ => (means[l] - means[0], (variance * (1.0 / counts[l] + 1.0 / counts[0])).sqrt()),
            };
            compared.within(&row.label, row.estimate, mean, 1e-9);
            compared.relative(&format!("SE of {}", row.label), row.se, error, 1e-7);
            compared.relative(&format!("df of {}", row.label), row.df, df, 1e-6);
        }
        assert_all([compared]);
    }
}

/// A factor of hundreds of levels in the mean is fitted from the patients' rows, with the numbers that it has from sums over
/// a factor that says the same in fewer columns.
#[test]
fn a_factor_of_hundreds_of_levels_is_fitted() {
    let (patients, levels) = (602, 301);
    let site: Vec<usize> = (0..patients).map(|i| i % levels).collect();
    let names: Vec<String> = (0..levels).map(|l| format!("s{l:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let value = |k: usize| f64::from((k as u32).wrapping_mul(2_654_435_761) % 1000) / 100.0;
    let y: Vec<f64> = (0..patients).map(value).collect();
    let arm: Vec<usize> = (0..patients).map(|i| i / levels % 2).collect();
    let trial = invented(&["a", "b"], arm.clone(), Schedule::of_labels(["v1"]));
    let trial = trial.variable(factor("site", &names, site.clone())).outcome(outcome("y", y.clone())).build().expect("a trial");
    let fit = Model::formula("y ~ site + arm").expect("parses").df(Df::Residual).fit(&trial).expect("a fit");
    // Within sites: a patient of each arm.
    let (mut xy, mut xx) = (0.0, 0.0);
    for s in 0..levels {
        let own: Vec<usize> = (0..patients).filter(|&i| site[i] == s).collect();
        let mean = |f: &dyn Fn(usize) -> f64| own.iter().map(|&i| f(i)).sum::<f64>() / own.len() as f64;
        let (x, m) = (mean(&|i| arm[i] as f64), mean(&|i| y[i]));
        own.iter().for_each(|&i| {
            xy += (arm[i] as f64 - x) * (y[i] - m);
            xx += (arm[i] as f64 - x).powi(2);
        });
    }
    let rows = fit.coefficients().rows;
    let own = rows.iter().find(|row| row.label == "armb").expect("the arm");
    let mut compared = Comparison::of("within sites");
    compared.relative("difference", own.estimate, xy / xx, 1e-9);
    compared.relative("df", own.df, (patients - levels - 1) as f64, 1e-12);
    assert_all([compared]);
}
