//! What a fit says of its random effects beside their predictions, which `mixed` has: components, intraclass
//! correlations, tests at the boundary, residuals, R² (`tests/references/mixed/inference_*`).

use crate::common::clustered as trials;
use crate::common::tolerances::*;
use crate::common::{Comparison, assert_all, estimation, number, reference, rows, text};
use serde_json::Value;
use trialstats::dist::f;
use trialstats::inference::{CovarianceIntervalMethod, CovarianceIntervalOptions, CovarianceQuantity};
use trialstats::simulate::Gaussian;
use trialstats::simulate::random::Stream;
use trialstats::trial::{CovariateKind, Layout};
use trialstats::{Error, Fit, Model, Tabular, Trial};

fn model(case: &Value) -> Model {
    let formula = text(&case["formula"]);
    let model = Model::formula(formula).unwrap_or_else(|e| panic!("{formula}: {e}")).estimation(estimation(case));
    match case["visits"].as_array() {
        Some(visits) => model.visits(visits.iter().map(text)),
        None => model,
    }
}

fn fit(case: &Value) -> Fit {
    let formula = text(&case["formula"]);
    let fit = model(case).fit(&trials::trial(text(&case["data"]), formula)).unwrap_or_else(|e| panic!("{formula}: {e}"));
    trials::by_its_engine(formula, fit)
}

fn fit_of(data: &str, formula: &str) -> Fit {
    fit(&serde_json::json!({ "data": data, "formula": formula, "reml": true }))
}

/// The level of the intervals in the references.
fn profile() -> CovarianceIntervalOptions {
    CovarianceIntervalOptions::default()
}

/// Intraclass correlations, their limits and design effects: lme4's deviance, and a likelihood written out for an
/// unstructured Σ.
#[test]
fn intraclass_correlations() {
    let cases = reference("mixed/inference_icc.json");
    assert_all(rows(&cases).iter().map(|case| {
        let mut c = Comparison::of(text(&case["id"]));
        let fit = fit(case);
        c.relative("log-likelihood", fit.log_likelihood(), number(&case["log_lik"]), CRITERIA);
        let ours = fit.icc(&profile()).expect("has a level");
        let by_visit = text(&case["data"]) == "partially_nested";
        let arm = if by_visit { "GST" } else { "active" };
        for theirs in rows(&case["icc"]) {
            let factor = theirs["factor"].as_str().unwrap_or("group");
            let own = ours.get(arm, theirs["visit"].as_str(), Some(factor).filter(|f| *f != "all")).expect(factor);
            let width = number(&theirs["upper"]) - number(&theirs["lower"]);
            let of = |what: &str| format!("{what} of {factor} {}", theirs["visit"]);
            c.within(&of("ICC"), own.icc, number(&theirs["icc"]), ICC * width);
            c.within(&of("lower"), own.lower, number(&theirs["lower"]), ICC_LIMIT * width);
            c.within(&of("upper"), own.upper, number(&theirs["upper"]), ICC_LIMIT * width);
        }
        for theirs in rows(&case["design"]) {
            let arm = theirs["arm"].as_str().unwrap_or(arm);
            let own = ours.get(arm, theirs["visit"].as_str(), Some("group")).expect(arm);
            c.same(&format!("patients of {arm} {}", theirs["visit"]), own.patients as f64, number(&theirs["patients"]));
            c.relative(&format!("cluster size of {arm} {}", theirs["visit"]), own.cluster_size, number(&theirs["cluster_size"]), IDENTITY);
            if let Some(design_effect) = theirs["design_effect"].as_f64() {
                c.relative(&format!("design effect of {arm}"), own.design_effect, design_effect, ICC);
                c.relative("effective sample size", own.effective_sample_size, own.patients as f64 / own.design_effect, IDENTITY);
            }
        }
        if by_visit {
            let without = ours.get("control", Some("week 4"), Some("group")).expect("a row of the arm without groups");
            c.same("arm without groups", (without.icc, without.design_effect, without.clusters), (0.0, 1.0, 0));
        }
        c
    }));
}

/// Standard deviations of effects and residuals: profile limits by lme4's deviance with σ freed, and lme4's own for
/// maximum likelihood.
#[test]
fn intervals_of_standard_deviations() {
    let cases = reference("mixed/inference_icc.json");
    assert_all(rows(&cases).iter().filter(|case| case["components"].is_array()).map(|case| {
        let mut c = Comparison::of(text(&case["id"]));
        let fit = fit(case);
        let intervals = fit.covariance_intervals(&profile()).expect("has a level");
        let components = fit.variance_components();
        for theirs in rows(&case["components"]) {
            let label = text(&theirs["label"]);
            let (kind, name, component) = match label {
                "residual" => (CovarianceQuantity::StandardDeviation, "month 1".to_string(), components.get("Residual", "")),
                _ => (CovarianceQuantity::RandomEffect, format!("SD of (Intercept) by {label}"), components.get(label, "(Intercept)")),
            };
            let own = intervals.get(kind, &name).unwrap_or_else(|| panic!("{name}"));
            let width = number(&theirs["upper"]) - number(&theirs["lower"]);
            c.within(label, own.estimate, number(&theirs["sd"]), ICC * width);
            c.relative(label, component.map_or(f64::NAN, |row| row.sd), own.estimate, IDENTITY);
            c.within(&format!("lower of {label}"), own.lower, number(&theirs["lower"]), ICC_LIMIT * width);
            c.within(&format!("upper of {label}"), own.upper, number(&theirs["upper"]), ICC_LIMIT * width);
            if let Some(theirs) = case["confint"][label].as_array() {
                c.within(&format!("lme4's lower of {label}"), own.lower, number(&theirs[0]), LME4_CONFINT * width);
                c.within(&format!("lme4's upper of {label}"), own.upper, number(&theirs[1]), LME4_CONFINT * width);
            }
        }
        c
    }));
}

/// Correlated effects: the rows that the intervals have, and the Wald limits of a correlation, which Fisher's z gives.
#[test]
fn intervals_of_correlated_effects() {
    let fit = fit_of("nested3", "y_patient ~ severity + arm_patient * months + (1 | group) + (1 + months | patient)");
    assert_eq!(fit.singular_directions(), []);
    let options = CovarianceIntervalOptions { method: CovarianceIntervalMethod::Wald, ..profile() };
    let intervals = fit.covariance_intervals(&options).expect("has a level");
    let own = intervals.get(CovarianceQuantity::RandomEffect, "correlation of (Intercept) and months by patient").expect("a correlation");
    let components = fit.variance_components();
    let row = components.get("patient", "months").expect("a slope");
    assert_eq!(row.correlations.len(), 1);
    assert!((own.estimate - row.correlations[0]).abs() < 1e-12);
    let half = 1.959963984540054 * own.se / (1.0 - own.estimate * own.estimate);
    assert!((own.lower.atanh() - (own.estimate.atanh() - half)).abs() < 1e-10);
    // The delta method by hand, from the covariance of the parameters.
    let theta: Vec<f64> = fit.covariance_parameters().into_iter().map(|(_, value)| value).collect();
    let at = theta.len() - 3;
    let (u, v, r) = (theta[at], theta[at + 2], own.estimate);
    let gradient = [-0.5 * r / u, 1.0 / (u * v).sqrt(), -0.5 * r / v];
    let vcov = fit.covariance_parameters_vcov();
    let variance: f64 =
        (0..3).flat_map(|a| (0..3).map(move |b| (a, b))).map(|(a, b)| gradient[a] * gradient[b] * vcov[(at + a, at + b)]).sum();
    assert!((variance.sqrt() / own.se - 1.0).abs() < 1e-10);
}

/// lme4's profile limits for standard deviations and the correlation of effects.
#[test]
fn profile_intervals_of_correlated_effects() {
    let theirs = &reference("mixed/inference_more.json")["confint"];
    let mut case = theirs.clone();
    case["data"] = "nested3".into();
    let intervals = fit(&case).covariance_intervals(&profile()).expect("has a level");
    let mut c = Comparison::of("confint");
    for theirs in rows(&theirs["rows"]) {
        let label = text(&theirs["label"]);
        let own = intervals.get(CovarianceQuantity::RandomEffect, label).unwrap_or_else(|| panic!("{label}"));
        let width = number(&theirs["upper"]) - number(&theirs["lower"]);
        c.within(&format!("lower {label}"), own.lower, number(&theirs["lower"]), LME4_CONFINT * width);
        c.within(&format!("upper {label}"), own.upper, number(&theirs["upper"]), LME4_CONFINT * width);
    }
    assert_all([c]);
}

/// nlme's residuals at the innermost level, and the definition of the marginal ones from nlme's estimates.
#[test]
fn residuals() {
    let reference = reference("mixed/inference_more.json");
    let formula = text(&reference["residuals"]["formula"]);
    let trial = trials::trial("nested3", formula);
    let fit = Model::formula(formula).and_then(|m| m.fit(&trial)).expect("fits");
    let found = fit.residuals();
    let theirs = rows(&reference["residuals"]["rows"]);
    let mut c = Comparison::of("residuals");
    c.same("rows", found.rows.len(), theirs.len());
    let ours = |theirs: &Value| {
        found
            .rows
            .iter()
            .find(|r| trial.patients()[r.patient] == text(&theirs["patient"]) && found.visits[r.visit] == text(&theirs["visit"]))
    };
    for theirs in theirs {
        let Some(own) = ours(theirs) else {
            c.same("a row", "none", text(&theirs["patient"]));
            continue;
        };
        let columns = [
            ("fitted", own.fitted, 10.0),
            ("response", own.response, 10.0),
            ("pearson", own.pearson, 1.0),
            ("normalised", own.normalised, 1.0),
            ("conditional", own.conditional, 10.0),
            ("conditional_pearson", own.conditional_pearson, 1.0),
            ("conditional_normalised", own.conditional_normalised, 1.0),
        ];
        for (name, value, size) in columns {
            c.within(&format!("{name} of {}", theirs["patient"]), value, number(&theirs[name]), MIXED_RESIDUAL * size);
        }
    }
    assert_all([c]);
    assert!(found.columns().iter().any(|column| column.name == "conditional"));
}

/// The formula by hand from lme4's estimates, which is what performance::r2_nakagawa says.
#[test]
fn r_squared() {
    let cases = reference("mixed/inference_more.json");
    assert_all(rows(&cases["r_squared"]).iter().map(|case| {
        let mut c = Comparison::of(text(&case["id"]));
        let mut case = case.clone();
        case["data"] = "nested3".into();
        let own = fit(&case).r_squared().expect("has patients");
        for (name, value) in [
            ("marginal", own.marginal),
            ("conditional", own.conditional),
            ("mean_variance", own.mean_variance),
            ("random_variance", own.random_variance),
            ("residual_variance", own.residual_variance),
        ] {
            c.relative(name, value, number(&case[name]), MIXED_R_SQUARED);
        }
        c
    }));
}

/// lme4's likelihoods, and the mixtures of Stram and Lee by R's pchisq.
#[test]
fn likelihood_ratios_at_the_boundary() {
    let cases = reference("mixed/inference_more.json");
    assert_all(rows(&cases["likelihood_ratio"]).iter().map(|case| {
        let mut c = Comparison::of(text(&case["id"]));
        let of = |which: &str| fit(&serde_json::json!({ "data": "nested3", "formula": case[which], "reml": case["reml"] }));
        let test = of("larger").likelihood_ratio(&of("smaller")).unwrap_or_else(|e| panic!("{}: {e}", case["id"]));
        c.within("statistic", test.statistic, number(&case["statistic"]), MIXED_DEVIANCE);
        c.same("df", test.df, number(&case["df"]));
        // p falls by about half of itself where the statistic rises by one.
        c.relative("p", test.p, number(&case["p"]), MIXED_DEVIANCE);
        match (test.mixture_p, case["mixture_p"].as_f64()) {
            (Some(ours), Some(theirs)) => c.relative("p of the mixture", ours, theirs, MIXED_DEVIANCE),
            (ours, theirs) => c.same("whether there is a mixture", ours.is_some(), theirs.is_some()),
        }
        c
    }));
}

#[test]
fn effects_that_the_larger_model_lacks_are_no_special_case() {
    let group = fit_of("nested3", "y_patient ~ severity + arm_patient * months + (1 | group) + cs(visit | patient)");
    let slope = fit_of("nested3", "y_patient ~ severity + arm_patient * months + (0 + months | group) + cs(visit | patient)");
    match group.likelihood_ratio(&slope) {
        Err(Error::NotComparable { why }) => assert!(why.contains("`months` by `group`"), "{why}"),
        other => panic!("{other:?}"),
    }
}

/// Groups of four in two arms, one visit.
fn one_way(sd: f64, replicate: u64) -> Trial {
    let arm = |trial: Gaussian, name: &str| trial.arm(name, 16, [0.0]).groups("group", name, 4, [sd]);
    arm(arm(Gaussian::new(["after"]), "a"), "b").trial(20261122, replicate).expect("a trial")
}

/// The F statistic of groups within arms.
fn f_of_groups(trial: &Trial, y: &[f64]) -> f64 {
    let mean = |members: &[usize]| members.iter().map(|&i| y[i]).sum::<f64>() / members.len() as f64;
    let codes = trial.cluster("group").expect("groups").codes().expect("a factor");
    let in_arm = |arm: usize| (0..y.len()).filter(|&i| trial.arm_of()[i] == arm).collect::<Vec<_>>();
    let in_group = |g: usize| (0..y.len()).filter(|&i| codes[i] == Some(g)).collect::<Vec<_>>();
    let (mut between, mut within) = (0.0, 0.0);
    for g in 0..8 {
        let members = in_group(g);
        let own = mean(&members);
        between += members.len() as f64 * (own - mean(&in_arm(trial.arm_of()[members[0]]))).powi(2) / 6.0;
        within += members.iter().map(|&i| (y[i] - own).powi(2)).sum::<f64>() / 24.0;
    }
    between / within
}

/// In a balanced one-way layout the restricted likelihood ratio is a function of F, so that its exact p-value is that
/// of the F test, and the variance is estimated as zero where F ≤ 1.
#[test]
fn bootstrap_of_the_likelihood_ratio_has_the_p_value_of_the_exact_test() {
    let trial = one_way(0.6, 1);
    let with = Model::formula("y ~ arm + (1 | group)").and_then(|m| m.fit(&trial)).expect("fits");
    let without = Model::formula("y ~ arm").and_then(|m| m.fit(&trial)).expect("fits");
    let test = with.bootstrap_likelihood_ratio(&without, 999, 5).expect("comparable");
    assert_eq!(test.failed, 0);
    let y = &trial.outcome("y").expect("y").values;
    let exact = f::sf(f_of_groups(&trial, y), 6.0, 24.0);
    let within = |share: f64, exact: f64| {
        assert!((share - exact).abs() < 4.0 * (exact * (1.0 - exact) / 999.0).sqrt() + 1e-3, "{share}, exactly {exact}")
    };
    within(test.p, exact);
    let zero = test.statistics.iter().filter(|s| **s < 1e-9).count() as f64 / 999.0;
    within(zero, f::cdf(1.0, 6.0, 24.0));
    assert!(test.columns().iter().any(|column| column.name == "bootstrap_p"));
    // The same bits by one thread.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let again = pool.install(|| with.bootstrap_likelihood_ratio(&without, 999, 5)).expect("comparable");
    assert_eq!(again, test);
}

/// What is simulated from a fit has the covariances of its model: between patients of a group, within a patient, and
/// none between groups.
#[test]
fn simulated_outcomes_have_the_covariance_of_the_model() {
    let fit = fit_of("balanced", "y ~ arm * visit + (1 | group) + us(visit | patient)");
    let n = 4000;
    let simulations = fit.simulate(n, 7).expect("simulates");
    let g = fit.variance_components().get("group", "(Intercept)").expect("groups").variance;
    let sigma = &fit.covariances()[0].sigma;
    let fitted: Vec<f64> = fit.residuals().rows.iter().map(|r| r.fitted).collect();
    // Patients 0 to 3 are a group, of three visits each.
    let product = |a: usize, b: usize| {
        let products: Vec<f64> = simulations.replicates.iter().map(|y| (y[a] - fitted[a]) * (y[b] - fitted[b])).collect();
        let mean = products.iter().sum::<f64>() / n as f64;
        (mean, (products.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / n as f64 / n as f64).sqrt())
    };
    for (a, b, expected) in [(0, 3, g), (1, 8, g), (0, 1, g + sigma[(0, 1)]), (2, 2, g + sigma[(2, 2)]), (0, 12, 0.0)] {
        let (mean, se) = product(a, b);
        assert!((mean - expected).abs() < 4.0 * se, "{a}, {b}: {mean} ± {se}, not {expected}");
    }
}

/// A refit to other outcomes is the fit of the trial that has them.
#[test]
fn refits_of_mixed_models_are_their_fits() {
    for (data, formula) in [
        ("partially_nested", "y ~ baseline + arm * visit + (1 | therapist) + (0 + gst | group) + us(visit | patient)"),
        ("small_clusters", "y ~ arm * visit + (1 | group) + ar1(visit | patient)"),
    ] {
        let trial = trials::trial(data, formula);
        let model = Model::formula(formula).expect("parses");
        let fit = model.fit(&trial).expect("fits");
        let simulations = fit.simulate(3, 11).expect("simulates");
        for (replicate, y) in simulations.replicates.iter().enumerate() {
            let mut refitter = fit.refitter().expect("has patients");
            refitter.with_outcomes(y).expect("has an optimum");
            let anew = model.fit(&simulations.trial(replicate, &trial).expect("same patients")).expect("fits");
            let mut c = Comparison::of(format!("{data}, replicate {replicate}"));
            c.within("log-likelihood", refitter.log_likelihood(), anew.log_likelihood(), 1e-9);
            for (k, (ours, theirs)) in refitter.beta().iter().zip(anew.beta()).enumerate() {
                c.within(&format!("coefficient {k}"), *ours, *theirs, INVARIANCE * anew.vcov()[(k, k)].sqrt());
            }
            let again = refitter.to_fit();
            for (ours, theirs) in again.random_effects().rows.iter().zip(&anew.random_effects().rows) {
                c.within(&theirs.level, ours.estimate, theirs.estimate, 1e-6 * (theirs.se + 1e-3));
            }
            assert_all([c]);
        }
    }
}

/// Groups that differ by less than chance: the variance is zero, its direction named, and the limits of the ICC begin
/// at zero.
#[test]
fn a_variance_that_vanishes_is_named() {
    let fit = fit_of("no_group_variance", "y ~ arm * visit + (1 | group) + (1 | patient)");
    let directions = fit.singular_directions();
    assert_eq!(directions.len(), 1);
    assert_eq!(directions[0].to_string(), "(Intercept) by group does not vary");
    let notes = fit.coefficients().notes.join(" ");
    assert!(notes.contains("Singular: (Intercept) by group does not vary."), "{notes}");
    let icc = fit.icc(&profile()).expect("has a level");
    let own = icc.get("control", None, Some("group")).expect("a row");
    assert!(own.icc < 1e-10 && own.lower == 0.0 && own.upper > 0.01, "{own:?}");
    assert!(own.se.is_nan());
    assert!(fit.random_effects().rows.iter().filter(|r| r.factor == "group").all(|r| r.estimate.abs() < 1e-6));
    let without = fit_of("no_group_variance", "y ~ arm * visit + (1 | patient)");
    let test = fit.likelihood_ratio(&without).expect("comparable");
    assert!(test.statistic < 1e-8 && test.mixture_p.is_some_and(|p| p > 0.49), "{test}");
}

/// Ten groups of five, three visits: levels and slopes of groups in proportion, and noise. Invented.
fn proportional(replicate: u64) -> Trial {
    let mut stream = Stream::new(20261122, replicate, 0);
    let mut file = "id,arm,visit,months,group,y\n".to_string();
    for patient in 0..50 {
        let (group, arm) = (patient / 5, ["a", "b"][patient % 2]);
        let level = 3.0 * Stream::new(20261122, replicate, 1 + group as u64).normal();
        for (visit, months) in [("v1", 0.0), ("v2", 1.0), ("v3", 3.0)] {
            let y = level * (1.0 + 0.3 * months) + 2.0 * stream.normal();
            file += &format!("p{patient},{arm},{visit},{months},g{group},{y:.3}\n");
        }
    }
    Layout::long("id", "arm", "visit")
        .outcome("y")
        .covariate_as("months", CovariateKind::NumericByVisit)
        .cluster("group")
        .read_csv_from("invented", file.as_bytes())
        .expect("reads")
}

/// Where levels and slopes are in proportion, a combination of them has no variance: G times it is nothing.
#[test]
fn a_combination_that_does_not_vary_is_named() {
    let model = Model::formula("y ~ arm * months + (1 + months | group) + cs(visit | patient)").expect("parses");
    let fits = (0..6).map(|replicate| model.fit(&proportional(replicate)).expect("fits"));
    let singular: Vec<Fit> = fits.filter(|fit| !fit.singular_directions().is_empty()).collect();
    assert!(!singular.is_empty());
    for fit in singular {
        let directions = fit.singular_directions();
        assert_eq!(directions.len(), 1);
        let [c, d] = [directions[0].weights[0].1, directions[0].weights[1].1];
        let components = fit.variance_components();
        let [u, v] = ["(Intercept)", "months"].map(|effect| components.get("group", effect).expect("an effect"));
        let shared = v.correlations[0] * u.sd * v.sd;
        assert!((v.correlations[0] - 1.0).abs() < 1e-6, "{}", v.correlations[0]);
        assert!((u.variance * c + shared * d).abs() < 1e-5 * u.variance && (shared * c + v.variance * d).abs() < 1e-5 * v.variance);
        assert!((c * c + d * d - 1.0).abs() < 1e-12 && c > 0.0 && d < 0.0);
        let note = format!("Singular: {}.", directions[0]);
        assert!(fit.notes().contains(&note), "{note} {:?}", fit.notes());
        assert!(!fit.notes().iter().any(|note| note.contains("boundary")), "{:?}", fit.notes());
    }
}

/// Limits by Satterthwaite's F on a balanced layout with one factor: those of the exact F interval (Searle, Casella &
/// McCulloch 1992, §3.6), as far as the approximation goes.
#[test]
fn satterthwaite_limits_come_near_the_exact_ones() {
    let trial = one_way(1.5, 2);
    let fit = Model::formula("y ~ arm + (1 | group)").and_then(|m| m.fit(&trial)).expect("fits");
    let ratio = f_of_groups(&trial, &trial.outcome("y").expect("y").values);
    let exact = |p: f64| {
        let f = ratio / f::quantile(p, 6.0, 24.0);
        (f - 1.0) / (f + 3.0)
    };
    let limits = |method| {
        let icc = fit.icc(&CovarianceIntervalOptions { method, ..profile() }).expect("has a level");
        let own = icc.get("a", Some("after"), Some("group")).expect("a row").clone();
        assert!((own.icc - (ratio - 1.0) / (ratio + 3.0)).abs() < 1e-8);
        [own.lower, own.upper]
    };
    for method in [CovarianceIntervalMethod::Profile, CovarianceIntervalMethod::Satterthwaite, CovarianceIntervalMethod::Wald] {
        for (ours, exact) in limits(method).into_iter().zip([exact(0.975), exact(0.025)]) {
            assert!((ours - exact).abs() < 0.15, "{method:?}: {ours}, exactly {exact}");
        }
    }
}
