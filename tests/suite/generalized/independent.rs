//! Models of one outcome per patient against R (glm, sandwich, beeca, RobinCar2, logistf, lpSolve), exact identities, and
//! what has no estimates.

use crate::common::*;
use serde_json::Value;
use trialstats::estimates::Link;
use trialstats::generalized::{
    Event, Family, GeneralizedModel, Glm, GlmOptions, GlmVcov, NotFitted, Penalty, Population, PopulationMeasure, PopulationOptions,
    PopulationVariance, Randomization,
};
use trialstats::means::ArmComparisons;
use trialstats::{Error, Estimates, Layout, Tabular, Trial};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/references/generalized/independent");

/// R glm at epsilon 1e-15: canonical links stop at rounding (worst 3e-12), others at a deviance that no longer moves,
/// which leaves half the digits in the coefficients (worst 5e-9).
const CANONICAL: f64 = 1e-9;
const OTHER_LINKS: f64 = 1e-7;
/// logistf at its tightest stops at steps of 1e-13 (worst 4e-11).
const LOGISTF: f64 = 1e-8;

fn reference_numbers() -> Value {
    reference("generalized/independent/reference.json")
}

fn trial() -> Trial {
    let layout = Layout::long("id", "arm", "visit").reference_arm("control").outcome("y").outcome("count").outcome("base");
    layout
        .covariate("site")
        .covariate("severity")
        .covariate("base0")
        .read_csv_from("trial.csv", with_base(&file("trial.csv")).as_bytes())
        .unwrap()
}

/// `base` once more as `base0`, so that it can be an outcome as well.
fn with_base(csv: &str) -> String {
    let base = csv.lines().next().unwrap().split(',').position(|name| name == "base").unwrap();
    let line = |(at, line): (usize, &str)| format!("{line},{}", if at == 0 { "base0" } else { line.split(',').nth(base).unwrap() });
    csv.lines().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{FOLDER}/{name}")).unwrap()
}

fn separated() -> Trial {
    let layout = Layout::long("id", "arm", "visit").outcome("y").covariate("marker").covariate("age");
    layout.read_csv(format!("{FOLDER}/separated.csv")).unwrap()
}

fn fit(trial: &Trial, formula: &str, family: Family, link: Option<Link>, vcov: GlmVcov) -> Glm {
    let model = GeneralizedModel::formula(formula).unwrap().family(family);
    let model = link.into_iter().fold(model, GeneralizedModel::link);
    model.fit_independent(trial, &GlmOptions::default().vcov(vcov)).unwrap()
}

fn logistic(trial: &Trial) -> Glm {
    fit(trial, "y ~ arm + site + severity + base0", Family::Binomial, None, GlmVcov::Model)
}

const VCOVS: [(&str, GlmVcov); 5] =
    [("model", GlmVcov::Model), ("HC0", GlmVcov::Hc0), ("HC1", GlmVcov::Hc1), ("HC2", GlmVcov::Hc2), ("HC3", GlmVcov::Hc3)];

#[test]
fn coefficients_and_their_covariances_are_those_of_glm_and_sandwich() {
    let (trial, theirs) = (trial(), reference_numbers());
    let mut c = Comparison::of("R glm and sandwich");
    let models = [
        ("logistic", "y ~ arm + site + severity + base0", Family::Binomial, None),
        ("interaction", "y ~ arm * severity + base0", Family::Binomial, None),
        ("poisson", "y ~ arm + site + severity + base0", Family::Poisson, None),
        ("counts", "count ~ arm + severity + base0", Family::Poisson, None),
        ("log_binomial", "y ~ arm + severity", Family::Binomial, Some(Link::Log)),
        ("risk_difference", "y ~ arm + severity", Family::Binomial, Some(Link::Identity)),
        ("linear", "base ~ arm + severity", Family::Gaussian, None),
    ];
    for (name, formula, family, link) in models {
        let allowed = if link.is_none() { CANONICAL } else { OTHER_LINKS };
        let case = &theirs["models"][name];
        // R's glm puts interactions as we do, arm by arm.
        for (kind, vcov) in VCOVS {
            let ours = fit(&trial, formula, family, link, vcov);
            for (k, (beta, expected)) in ours.beta().iter().zip(rows(&case["coefficients"])).enumerate() {
                c.within(&format!("{name} {}", ours.columns()[k].name), *beta, number(expected), allowed * number(&case["se"]["model"][k]));
                c.relative(&format!("{name} SE {kind} {k}"), ours.vcov()[(k, k)].sqrt(), number(&case["se"][kind][k]), allowed);
            }
            c.same("columns", ours.beta().len(), rows(&case["coefficients"]).len());
            c.relative(&format!("{name} log-likelihood"), ours.log_likelihood(), number(&case["log_likelihood"]), 1e-12);
            for (fitted, expected) in ours.fitted().iter().zip(rows(&case["fitted"])) {
                c.relative(&format!("{name} fitted"), *fitted, number(expected), allowed);
            }
        }
    }
    assert_all([c]);
}

/// The means and comparisons of beeca's JSON.
fn compare_with_beeca(c: &mut Comparison, ours: &trialstats::generalized::PopulationMeans, theirs: &Value, allowed: f64) {
    for arm in 0..3 {
        let mean = ours.mean(arm, 0).unwrap();
        c.relative("mean", mean.estimate, number(&theirs["means"][arm]), allowed);
        c.relative("SE of the mean", mean.se, number(&theirs["se"][arm]), allowed);
    }
    for (k, arm) in [1, 2].into_iter().enumerate() {
        let of = |measure| ours.compared(measure, arm, 0, 0).unwrap();
        let (difference, ratio, odds) = (of(PopulationMeasure::Difference), of(PopulationMeasure::Ratio), of(PopulationMeasure::OddsRatio));
        c.relative("difference", difference.estimate, number(&theirs["difference"]["estimate"][k]), allowed);
        c.relative("SE of the difference", difference.se, number(&theirs["difference"]["se"][k]), allowed);
        c.relative("log ratio", ratio.estimate.ln(), number(&theirs["ratio"]["estimate"][k]), allowed);
        c.relative("SE of the log ratio", ratio.se_log, number(&theirs["ratio"]["se"][k]), allowed);
        c.relative("log odds ratio", odds.estimate.ln(), number(&theirs["odds_ratio"]["estimate"][k]), allowed);
        c.relative("SE of the log odds ratio", odds.se_log, number(&theirs["odds_ratio"]["se"][k]), allowed);
        // The Wald interval of each on its own scale.
        c.relative("upper limit", difference.upper, difference.estimate + 1.959963984540054 * difference.se, 1e-12);
        c.relative("lower limit", odds.lower.ln(), odds.estimate.ln() - 1.959963984540054 * odds.se_log, 1e-11);
    }
}

#[test]
fn standardised_risks_are_those_of_beeca() {
    let (trial, theirs) = (trial(), reference_numbers());
    let mut c = Comparison::of("beeca");
    for (kind, vcov) in VCOVS {
        let fit = fit(&trial, "y ~ arm + site + severity + base0", Family::Binomial, None, vcov);
        compare_with_beeca(&mut c, &fit.population_means(&PopulationOptions::default()).unwrap(), &theirs["ge"][kind], CANONICAL);
    }
    let fit = logistic(&trial);
    let ye = PopulationOptions::default().variance(PopulationVariance::Ye);
    compare_with_beeca(&mut c, &fit.population_means(&ye).unwrap(), &theirs["ye"]["simple"], CANONICAL);
    let ye = ye.randomization(Randomization::PermutedBlock, ["site", "severity"]);
    compare_with_beeca(&mut c, &fit.population_means(&ye).unwrap(), &theirs["ye"]["permuted_block"], CANONICAL);
    assert_all([c]);
}

#[test]
fn robust_variances_are_those_of_robincar2_whatever_the_scheme_and_link() {
    let (trial, theirs) = (trial(), reference_numbers());
    let mut c = Comparison::of("RobinCar2");
    let ye = |scheme: Option<Randomization>| {
        let options = PopulationOptions::default().variance(PopulationVariance::Ye).arms(ArmComparisons::Pairwise);
        scheme.into_iter().fold(options, |options, scheme| options.randomization(scheme, ["site", "severity"]))
    };
    let log = |formula| fit(&trial, formula, Family::Binomial, Some(Link::Log), GlmVcov::Model);
    let cases = [
        ("simple", logistic(&trial), ye(None), CANONICAL),
        ("permuted_block", logistic(&trial), ye(Some(Randomization::PermutedBlock)), CANONICAL),
        ("minimisation", logistic(&trial), ye(Some(Randomization::Minimisation)), CANONICAL),
        ("log_binomial_simple", log("y ~ arm + severity"), ye(None), OTHER_LINKS),
        ("log_binomial_minimisation", log("y ~ arm + severity"), ye(Some(Randomization::Minimisation)), OTHER_LINKS),
        (
            "counts_permuted_block",
            fit(&trial, "count ~ arm + severity + base0", Family::Poisson, None, GlmVcov::Hc0),
            ye(Some(Randomization::PermutedBlock)),
            CANONICAL,
        ),
        (
            "without_covariates",
            fit(&trial, "y ~ arm", Family::Binomial, None, GlmVcov::Model),
            ye(Some(Randomization::PermutedBlock)),
            CANONICAL,
        ),
    ];
    for (name, fit, options, allowed) in cases {
        let (ours, case) = (fit.population_means(&options).unwrap(), &theirs["robincar2"][name]);
        let v = |a: usize, b: usize| number(&case["covariance"][a][b]);
        for a in 0..3 {
            c.relative(&format!("{name} mean"), ours.mean(a, 0).unwrap().estimate, number(&case["means"][a]), allowed);
            c.relative(&format!("{name} SE"), ours.mean(a, 0).unwrap().se, v(a, a).sqrt(), allowed);
            for b in 0..a {
                let difference = ours.compared(PopulationMeasure::Difference, a, b, 0).unwrap();
                c.relative(&format!("{name} SE of {a} - {b}"), difference.se, (v(a, a) + v(b, b) - 2.0 * v(a, b)).sqrt(), allowed);
            }
        }
    }
    assert_all([c]);
}

#[test]
fn firths_estimates_profile_intervals_and_tests_are_those_of_logistf() {
    let theirs = reference_numbers();
    let mut c = Comparison::of("logistf");
    let cases = [("separated", separated(), "y ~ arm + marker + age"), ("trial", trial(), "y ~ arm + site + severity + base0")];
    for (name, trial, formula) in cases {
        let case = &theirs["logistf"][name];
        let fit =
            GeneralizedModel::formula(formula).unwrap().fit_independent(&trial, &GlmOptions::default().penalty(Penalty::Firth)).unwrap();
        let table = fit.profile(0.95).unwrap();
        c.relative("penalised log-likelihood", fit.penalised_log_likelihood().unwrap(), number(&case["log_likelihood"]), 1e-12);
        for (k, row) in table.rows.iter().enumerate() {
            let se = number(&case["se"][k]);
            c.within(&format!("{name} {}", row.term), row.estimate, number(&case["coefficients"][k]), LOGISTF * se);
            c.relative("SE", row.se, se, LOGISTF);
            c.within("lower", row.lower, number(&case["lower"][k]), LOGISTF * se);
            c.within("upper", row.upper, number(&case["upper"][k]), LOGISTF * se);
            c.relative("p", row.p, number(&case["p"][k]), LOGISTF);
        }
        let overall = table.overall.unwrap();
        c.relative("all terms", overall.chi_squared, 2.0 * (number(&case["log_likelihood"]) - number(&case["null"])), 1e-9);
        c.same("df", overall.df, table.rows.len() - 1);
    }
    assert_all([c]);
}

/// The endometrial cancer data of Heinze & Schemper (2002) have coefficients of published digits only; what can be held
/// exactly is the two-by-two table: with a saturated model Firth's penalty is half an event in each cell.
#[test]
fn firths_penalty_of_a_two_by_two_table_adds_half_to_each_cell() {
    let cells = [(0, 0, 12), (0, 1, 8), (1, 0, 0), (1, 1, 7)];
    let mut csv = "id,arm,visit,y\n".to_string();
    let mut n = 0;
    for (arm, y, times) in cells {
        for _ in 0..times {
            n += 1;
            csv += &format!("{n},{},1,{y}\n", ["a", "b"][arm]);
        }
    }
    let trial = Layout::long("id", "arm", "visit").outcome("y").read_csv_from("a table", csv.as_bytes()).unwrap();
    let fit =
        GeneralizedModel::formula("y ~ arm").unwrap().fit_independent(&trial, &GlmOptions::default().penalty(Penalty::Firth)).unwrap();
    let mut c = Comparison::of("half in each cell");
    c.relative("reference", fit.beta()[0], (8.5_f64 / 12.5).ln(), 1e-12);
    c.relative("log odds ratio", fit.beta()[1], (7.5_f64 / 0.5).ln() - (8.5_f64 / 12.5).ln(), 1e-12);
    assert_all([c]);
}

#[test]
fn separation_is_named_with_its_level_and_its_columns() {
    let (trial, theirs) = (separated(), reference_numbers());
    let model = GeneralizedModel::formula("y ~ arm + marker + age").unwrap();
    let Err(Error::NotFitted(NotFitted::Separated { what, columns })) = model.fit_independent(&trial, &GlmOptions::default()) else {
        panic!("the marker separates")
    };
    assert_eq!(what, "each of the 8 patients with `marker` = 1 has the event");
    // Konis's linear program moves the same coefficient alone.
    let moved: Vec<usize> = (0..4).filter(|&k| number(&theirs["separation"]["separated"][k]).abs() > 1e-9).collect();
    assert_eq!((columns.as_slice(), moved.as_slice()), (["marker".to_string()].as_slice(), [2].as_slice()));

    // Complete separation by a number; a constant outcome; an arm without events.
    let made = |rows: &[(&str, f64, u8)]| {
        let lines = rows.iter().enumerate().map(|(i, (arm, x, y))| format!("{i},{arm},1,{x},{y}\n"));
        let csv = format!("id,arm,visit,x,y\n{}", lines.collect::<String>());
        Layout::long("id", "arm", "visit").outcome("y").covariate("x").read_csv_from("made up", csv.as_bytes()).unwrap()
    };
    let refused = |trial: &Trial, formula: &str, family: Family, link: Link| {
        let model = GeneralizedModel::formula(formula).unwrap().family(family).link(link);
        match model.fit_independent(trial, &GlmOptions::default()) {
            Err(Error::NotFitted(NotFitted::Separated { what, columns })) => (what, columns),
            other => panic!("{formula}: {other:?}"),
        }
    };
    let by_number = made(&[("a", 1.0, 0), ("b", 2.0, 0), ("a", 2.5, 0), ("b", 3.0, 1), ("a", 4.0, 1), ("b", 5.0, 1)]);
    let (what, columns) = refused(&by_number, "y ~ x", Family::Binomial, Link::Logit);
    assert!(what.contains("predict every one of the 6 outcomes without error (complete separation)"), "{what}");
    assert!(columns.contains(&"x".to_string()), "{columns:?}");
    // At 3 both outcomes occur: quasi-complete.
    let at_the_edge = made(&[("a", 1.0, 0), ("b", 2.0, 0), ("a", 3.0, 0), ("b", 3.0, 1), ("a", 4.0, 1), ("b", 5.0, 1)]);
    let (what, _) = refused(&at_the_edge, "y ~ x", Family::Binomial, Link::Logit);
    assert!(what.contains("predict 4 of the 6 outcomes without error (quasi-complete separation)"), "{what}");
    let overlapping =
        made(&[("a", 1.0, 0), ("b", 2.0, 1), ("a", 3.0, 0), ("b", 3.0, 1), ("a", 4.0, 0), ("b", 5.0, 1), ("a", 2.5, 1), ("b", 2.6, 0)]);
    assert!(GeneralizedModel::formula("y ~ x + arm").unwrap().fit_independent(&overlapping, &GlmOptions::default()).is_ok());
    let constant = made(&[("a", 1.0, 1), ("b", 2.0, 1), ("a", 3.0, 1)]);
    let (what, _) = refused(&constant, "y ~ x", Family::Binomial, Link::Logit);
    assert_eq!(what, "everybody analysed (3 patients) has the event");
    let no_events = made(&[("a", 1.0, 1), ("a", 2.0, 0), ("b", 3.0, 0), ("b", 2.0, 0), ("a", 1.5, 0)]);
    for (family, link) in [(Family::Binomial, Link::Logit), (Family::Binomial, Link::Log), (Family::Poisson, Link::Log)] {
        let (what, columns) = refused(&no_events, "y ~ arm", family, link);
        assert!(what.starts_with("each of the 2 patients with `armb` = 1"), "{what}");
        assert_eq!(columns, ["armb"]);
    }
    // Firth's estimates exist for all of them.
    for trial in [&by_number, &constant, &no_events] {
        let fit =
            GeneralizedModel::formula("y ~ x").unwrap().fit_independent(trial, &GlmOptions::default().penalty(Penalty::Firth)).unwrap();
        assert!(fit.beta().iter().all(|b| b.is_finite()));
    }
}

/// One of two in the first group and all of the other: the log-binomial likelihood is largest where a probability is 1.
#[test]
fn an_optimum_at_the_edge_of_the_probabilities_is_named() {
    let csv = "id,arm,visit,x,y\n1,a,1,0,0\n2,b,1,0,1\n3,a,1,1,0\n4,b,1,1,1\n5,a,1,2,1\n6,b,1,2,1\n7,a,1,3,1\n8,b,1,3,1\n9,a,1,4,1\n";
    let trial = Layout::long("id", "arm", "visit").outcome("y").covariate("x").read_csv_from("made up", csv.as_bytes()).unwrap();
    let model = GeneralizedModel::formula("y ~ x").unwrap();
    let failure = model.clone().link(Link::Log).fit_independent(&trial, &GlmOptions::default()).unwrap_err();
    assert_eq!(failure.code(), "optimum-at-boundary");
    assert!(failure.to_string().contains("patients have a mean of 1: 9"), "{failure}");
    assert!(failure.to_string().contains("family poisson"), "{failure}");
    // What the message advises exists.
    assert!(model.family(Family::Poisson).fit_independent(&trial, &GlmOptions::default()).is_ok());
}

/// Without covariates the means are the proportions, their difference the raw one, and each variance the textbook's.
#[test]
fn without_covariates_they_are_the_proportions() {
    let trial = trial();
    let y = &trial.outcome("y").unwrap().values;
    let counts: Vec<(f64, f64)> = (0..3)
        .map(|arm| {
            let of_arm: Vec<f64> = y.iter().zip(trial.arm_of()).filter(|(_, a)| **a == arm).map(|(y, _)| *y).collect();
            (of_arm.iter().sum(), of_arm.len() as f64)
        })
        .collect();
    let share = |arm: usize| counts[arm].0 / counts[arm].1;
    let mut c = Comparison::of("proportions");
    for (family, link) in
        [(Family::Binomial, None), (Family::Binomial, Some(Link::Log)), (Family::Binomial, Some(Link::Identity)), (Family::Poisson, None)]
    {
        for (vcov, lost) in [(GlmVcov::Model, 0.0), (GlmVcov::Hc0, 0.0), (GlmVcov::Hc2, 1.0)] {
            if family == Family::Poisson && vcov == GlmVcov::Model {
                continue;
            }
            let fit = fit(&trial, "y ~ arm", family, link, vcov);
            let ours = fit.population_means(&PopulationOptions::default()).unwrap();
            // HC0 of a saturated model is the binomial variance, HC2 that of a sample.
            let variance = |arm: usize| share(arm) * (1.0 - share(arm)) / (counts[arm].1 - lost);
            for arm in 0..3 {
                c.relative("proportion", ours.mean(arm, 0).unwrap().estimate, share(arm), 1e-12);
                c.relative("SE", ours.mean(arm, 0).unwrap().se, variance(arm).sqrt(), 1e-11);
            }
            let difference = ours.compared(PopulationMeasure::Difference, 1, 0, 0).unwrap();
            c.relative("difference", difference.estimate, share(1) - share(0), 1e-11);
            c.relative("SE of the difference", difference.se, (variance(0) + variance(1)).sqrt(), 1e-11);
            c.same(
                "odds ratios of probabilities only",
                ours.rows.iter().any(|r| r.measure == PopulationMeasure::OddsRatio),
                family == Family::Binomial,
            );
        }
    }
    // Ye's is the two-sample variance.
    let ours =
        logistic_without_covariates(&trial).population_means(&PopulationOptions::default().variance(PopulationVariance::Ye)).unwrap();
    let sample = |arm: usize| share(arm) * (1.0 - share(arm)) / (counts[arm].1 - 1.0);
    c.relative("Ye", ours.compared(PopulationMeasure::Difference, 2, 0, 0).unwrap().se, (sample(2) + sample(0)).sqrt(), 1e-11);
    assert_all([c]);
}

fn logistic_without_covariates(trial: &Trial) -> Glm {
    fit(trial, "y ~ arm", Family::Binomial, None, GlmVcov::Model)
}

/// Covariates taken as a sample add the variance of the predictions over n, by hand.
#[test]
fn sampled_covariates_add_the_variance_of_the_predictions() {
    let trial = trial();
    let fit = logistic(&trial);
    let of = |variance| fit.population_means(&PopulationOptions::default().variance(variance)).unwrap();
    let (ge, sampled) = (of(PopulationVariance::Ge), of(PopulationVariance::Sampled));
    let columns = fit.columns();
    let applied = columns.applied_to(&trial).unwrap();
    let predicted: Vec<f64> = (0..trial.patients().len())
        .map(|i| {
            let row = applied.row_under(i, 0, 1).unwrap();
            Link::Logit.inverse(row.iter().zip(fit.beta()).map(|(x, b)| x * b).sum())
        })
        .collect();
    let n = predicted.len() as f64;
    let mean = predicted.iter().sum::<f64>() / n;
    let variance = predicted.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / (n - 1.0) / n;
    let mut c = Comparison::of("sampled");
    c.relative("mean", ge.mean(1, 0).unwrap().estimate, mean, 1e-13);
    c.relative("variance", sampled.mean(1, 0).unwrap().se.powi(2), ge.mean(1, 0).unwrap().se.powi(2) + variance, 1e-12);
    assert_all([c]);
}

#[test]
fn patients_without_an_outcome_are_averaged_over_unless_asked_otherwise() {
    let trial = trial();
    let mut y = trial.outcome("y").unwrap().values.clone();
    (0..40).for_each(|i| y[i] = f64::NAN);
    let trial = trial.with_outcome("y", y).unwrap();
    let fit = logistic(&trial);
    let everyone = fit.population_means(&PopulationOptions::default()).unwrap();
    let analysed = fit.population_means(&PopulationOptions::default().over(Population::Analysed)).unwrap();
    let ye = fit.population_means(&PopulationOptions::default().variance(PopulationVariance::Ye)).unwrap();
    assert_eq!((everyone.patients, analysed.patients, ye.patients), (231, 191, 191));
    let mean = |table: &trialstats::generalized::PopulationMeans| table.mean(1, 0).unwrap().estimate;
    assert!((mean(&analysed) - mean(&ye)).abs() < 1e-12);
    assert!((mean(&everyone) - mean(&ye)).abs() > 1e-5);
    assert!(everyone.notes().iter().any(|n| n.contains("231 patients randomized")), "{:?}", everyone.notes());
}

/// The event's name, the order of patients and the units of covariates change nothing but what they must.
#[test]
fn names_order_and_units_do_not_matter() {
    let mut c = Comparison::of("invariance");
    let ours = logistic(&trial()).population_means(&PopulationOptions::default()).unwrap();
    let header = file("trial.csv").lines().next().unwrap().to_string();
    let mut lines: Vec<String> = file("trial.csv").lines().skip(1).map(str::to_string).collect();
    lines.reverse();
    let recoded: Vec<String> = lines
        .iter()
        .map(|line| {
            let mut cells: Vec<String> = line.split(',').map(str::to_string).collect();
            cells[5] = format!("{}", cells[5].parse::<f64>().unwrap() * 1000.0 + 2.0e6);
            cells[6] = if cells[6] == "1" { "2".into() } else { "7".into() };
            cells.join(",")
        })
        .collect();
    let csv = format!("{header}\n{}\n", recoded.join("\n"));
    let layout =
        Layout::long("id", "arm", "visit").reference_arm("control").outcome("y").covariate("site").covariate("severity").covariate("base");
    let trial = layout.read_csv_from("recoded", csv.as_bytes()).unwrap();
    let model = GeneralizedModel::formula("y ~ arm + site + severity + base").unwrap().event(Event::value("2"));
    let again = model.fit_independent(&trial, &GlmOptions::default()).unwrap().population_means(&PopulationOptions::default()).unwrap();
    for row in &ours.rows {
        let same = |r: &&trialstats::generalized::PopulationEstimate| {
            r.arm.label == row.arm.label
                && r.measure == row.measure
                && r.versus.as_ref().map(|v| &v.label) == row.versus.as_ref().map(|v| &v.label)
        };
        let other = again.rows.iter().find(same).unwrap();
        c.relative(&row.what(), other.estimate, row.estimate, 1e-10);
        c.relative(&row.what(), other.se, row.se, 1e-9);
    }
    assert_all([c]);
}

#[test]
fn what_makes_no_sense_is_refused_with_what_to_do() {
    let trial = trial();
    let fit = logistic(&trial);
    let ye = PopulationOptions::default().variance(PopulationVariance::Ye);
    let refused = |options: PopulationOptions, code: &str, says: &str| {
        let error = fit.population_means(&options).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    };
    refused(ye.clone().randomization(Randomization::PermutedBlock, Vec::<String>::new()), "incomplete-request", "stratification factors");
    refused(ye.clone().randomization(Randomization::Simple, ["site"]), "conflicting-settings", "it has no strata");
    refused(ye.clone().randomization(Randomization::PermutedBlock, ["base0"]), "wrong-kind-of-variable", "numeric");
    refused(ye.clone().randomization(Randomization::PermutedBlock, ["sites"]), "unknown-name", "site");
    refused(
        PopulationOptions::default().randomization(Randomization::PermutedBlock, ["site"]),
        "conflicting-settings",
        "does not depend on how",
    );
    refused(PopulationOptions::default().level(95.0), "out-of-range", "");
    refused(PopulationOptions::default().visits(["month 3"]), "unknown-name", "month 12");
    let mut unsaid = ye;
    unsaid.strata = vec!["site".into()];
    refused(unsaid, "incomplete-request", "permuted-block or minimisation");

    let firth = GlmOptions::default().penalty(Penalty::Firth);
    let model = GeneralizedModel::formula("y ~ arm").unwrap();
    assert_eq!(model.clone().link(Link::Log).fit_independent(&trial, &firth).unwrap_err().code(), "not-available");
    assert_eq!(model.fit_independent(&trial, &firth.vcov(GlmVcov::Hc3)).unwrap_err().code(), "not-available");
    assert_eq!(fit.profile(0.95).unwrap_err().code(), "not-available");
    // Two observations of one patient.
    let csv = "id,arm,visit,y\n1,a,1,0\n1,a,2,1\n2,b,1,1\n2,b,2,0\n3,b,1,0\n";
    let two = Layout::long("id", "arm", "visit").outcome("y").read_csv_from("made up", csv.as_bytes()).unwrap();
    let error = GeneralizedModel::formula("y ~ arm").unwrap().fit_independent(&two, &GlmOptions::default()).unwrap_err();
    assert!(error.to_string().contains("2 of the 3 patients analysed have several observations"), "{error}");
}

/// An arm with nobody, and one of one patient, have rows that say so.
#[test]
fn arms_without_patients_keep_their_rows() {
    let csv =
        "id,arm,visit,y,x\n1,A - B,1,0,1\n2,A - B,1,1,2\n3,\"C, D\",1,1,1\n4,\"C, D\",1,0,3\n5,E,1,,2\n6,\"C, D\",1,1,2\n7,A - B,1,0,2\n";
    let trial = Layout::long("id", "arm", "visit").outcome("y").covariate("x").read_csv_from("made up", csv.as_bytes()).unwrap();
    let fit = GeneralizedModel::formula("y ~ arm + x").unwrap().fit_independent(&trial, &GlmOptions::default()).unwrap();
    let ours = fit.population_means(&PopulationOptions::default()).unwrap();
    assert_eq!(ours.patients, 7);
    assert!(ours.mean(0, 0).unwrap().estimate.is_finite());
    let nobody = ours.mean(2, 0).unwrap();
    assert!(nobody.estimate.is_nan());
    assert_eq!(nobody.not_estimable.as_deref(), Some("nobody in arm E has an analysed observation"));
    assert!(ours.to_text().contains("C, D / A - B"), "{ours}");
    assert!(ours.notes().iter().any(|note| note.contains("nobody in arm E")), "{:?}", ours.notes());
    let one = "id,arm,visit,y\n1,a,1,0\n2,a,1,1\n3,b,1,1\n4,a,1,0\n";
    let trial = Layout::long("id", "arm", "visit").outcome("y").read_csv_from("made up", one.as_bytes()).unwrap();
    let firth =
        GeneralizedModel::formula("y ~ arm").unwrap().fit_independent(&trial, &GlmOptions::default().penalty(Penalty::Firth)).unwrap();
    let error = firth.population_means(&PopulationOptions::default().variance(PopulationVariance::Ye)).unwrap_err();
    assert!(error.to_string().contains("arm b has 1 analysed patient"), "{error}");
    assert!(firth.population_means(&PopulationOptions::default()).is_ok());
}
