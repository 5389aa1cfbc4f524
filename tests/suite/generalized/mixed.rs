//! Logistic and Poisson mixed models against R (lme4, glmmTMB, likelihoods integrated on a fine grid), SAS's published
//! example, exact identities, and what has no estimates.

use crate::common::*;
use serde_json::Value;
use trialstats::design::EffectCovariance;
use trialstats::generalized::{
    Family, GeneralizedModel, Glm, GlmOptions, Glmm, MixedDf, MixedFit, MixedVcov, NotFitted, PopulationMeasure, PopulationOptions,
    Quadrature,
};
use trialstats::trial::CovariateKind;
use trialstats::{Error, Estimates, Layout, Means, Tabular, Trial};

/// The likelihood by the trapezoidal rule, its maximum by Newton's method on numerical derivatives of the score: coefficients in
/// standard errors, standard errors relative.
const EXPLICIT: f64 = 1e-6;
/// Laplace's approximation of glmmTMB; its Hessians are Jacobians, by numDeriv, of a gradient that is as exact as TMB's inner
/// search (lme4 is nearer to us than to it, by ten times).
const TMB: f64 = 1e-6;
const TMB_SE: f64 = 5e-5;
/// glmer after Newton steps on numerical derivatives of its own deviance: what remains of its gradient is the field
/// `decrement`; standard errors are second differences.
const LME4_BETA: f64 = 1e-5;
const LME4_SE: f64 = 1e-5;

fn theirs() -> Value {
    let case = |name: &str| (name.to_string(), reference(&format!("glmm/{name}.json")));
    Value::Object(["toenail", "respiratory", "infection", "imrs_below20", "clustered"].map(case).into_iter().collect())
}

/// Numbers of R, which writes one without brackets.
fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map_or_else(|| vec![number(value)], |all| all.iter().map(number).collect())
}

/// A data set of the references, the names of its columns replaced where trialstats gives them a meaning of its own.
fn data(name: &str) -> String {
    let text = contents(&format!("tests/references/data/{name}.csv"));
    let (header, rows) = text.split_once('\n').unwrap();
    format!("{}\n{rows}", header.replace("time", "months").replace("baseline", "good_before"))
}

fn toenail() -> Trial {
    let layout = Layout::long("patient", "treatment", "visit").outcome("severe").covariate_as("months", CovariateKind::NumericByVisit);
    read_text(&layout, "toenail", &data("toenail"))
}

fn respiratory() -> Trial {
    let layout =
        Layout::long("patient", "treatment", "visit").reference_arm("placebo").outcome("good").covariate("centre").covariate("sex");
    read_text(&layout.covariate("age").covariate("good_before"), "respiratory", &data("respiratory"))
}

fn clustered() -> Trial {
    let layout = Layout::long("patient", "arm", "visit").outcome("event").outcome("count").cluster("therapist");
    read_text(&layout.covariate_as("months", CovariateKind::NumericByVisit), "clustered", &data("clustered_events"))
}

fn below20() -> Trial {
    // Levels as R orders them.
    let layout = Layout::long("patient", "arm", "visit").outcome("below20").cluster("therapist");
    read_text(&layout.visits(["12 months", "3 months", "6 months", "9 months"]), "below20", &data("imrs_below20"))
}

fn fit(trial: &Trial, formula: &str, quadrature: Quadrature) -> MixedFit {
    Glmm::formula(formula).unwrap().quadrature(quadrature).fit(trial).unwrap_or_else(|e| panic!("{formula}: {e}"))
}

fn counts(trial: &Trial, formula: &str, quadrature: Quadrature) -> MixedFit {
    let model = Glmm::formula(formula).unwrap().family(Family::Poisson).quadrature(quadrature);
    model.fit(trial).unwrap_or_else(|e| panic!("{formula}: {e}"))
}

/// Coefficients in units of their standard errors, and these relative to theirs.
fn compare(c: &mut Comparison, ours: &MixedFit, theirs: &Value, beta: f64, se: f64) {
    let (coefficients, errors) = (rows(&theirs["beta"]), rows(&theirs["se"]));
    c.same("the number of coefficients", ours.beta().len(), coefficients.len());
    for (k, own) in ours.beta().iter().enumerate() {
        let name = &ours.columns()[k].name;
        c.within(name, *own, number(&coefficients[k]), beta * number(&errors[k]));
        c.relative(&format!("SE of {name}"), ours.vcov()[(k, k)].sqrt(), number(&errors[k]), se);
    }
}

fn compare_explicit(name: &str, ours: &MixedFit, theirs: &Value) -> Comparison {
    let mut c = Comparison::of(name);
    compare(&mut c, ours, theirs, EXPLICIT, EXPLICIT);
    let row = &ours.components().rows[0];
    c.within("SD", row.sd, number(&theirs["sd"]), EXPLICIT * number(&theirs["se_sd"]));
    c.relative("SE of the SD", row.se_sd, number(&theirs["se_sd"]), EXPLICIT);
    c.within("−2 log L", ours.minus_two_log_likelihood(), number(&theirs["minus_two_log_likelihood"]), 1e-6);
    c.same("settled", ours.nodes_settled(), Some(true));
    c.within("the last step", ours.last_step(), 0.0, 1e-8);
    c
}

const TOENAIL: &str = "severe ~ treatment * months + (1 | patient)";
const RESPIRATORY: &str = "good ~ centre + sex + age + good_before + treatment * visit + (1 | patient)";

#[test]
fn as_many_nodes_as_it_takes_give_the_likelihood_itself() {
    let theirs = theirs();
    assert_all([
        compare_explicit("toenail", &fit(&toenail(), TOENAIL, Quadrature::Auto), &theirs["toenail"]["explicit"]),
        compare_explicit("respiratory", &fit(&respiratory(), RESPIRATORY, Quadrature::Auto), &theirs["respiratory"]["explicit"]),
        compare_explicit(
            "below 20",
            &fit(&below20(), "below20 ~ arm * visit + (1 | patient)", Quadrature::Auto),
            &theirs["imrs_below20"]["explicit"],
        ),
        compare_explicit(
            "counts",
            &counts(&clustered(), "count ~ arm * months + (1 | patient)", Quadrature::Auto),
            &theirs["clustered"]["counts_explicit"],
        ),
    ]);
}

#[test]
fn every_number_of_nodes_is_that_of_lme4() {
    let theirs = theirs();
    let mut all = vec![];
    let cases: [(&str, Trial, &str, &Value, bool); 4] = [
        ("toenail", toenail(), TOENAIL, &theirs["toenail"]["lme4"], false),
        ("respiratory", respiratory(), RESPIRATORY, &theirs["respiratory"]["lme4"], false),
        ("below 20", below20(), "below20 ~ arm * visit + (1 | patient)", &theirs["imrs_below20"]["lme4"], false),
        ("counts", clustered(), "count ~ arm * months + (1 | patient)", &theirs["clustered"]["counts_lme4"], true),
    ];
    for (name, trial, formula, lme4, is_count) in &cases {
        for case in rows(lme4) {
            let nodes = number(&case["nAGQ"]) as usize;
            let ours =
                if *is_count { counts(trial, formula, Quadrature::Nodes(nodes)) } else { fit(trial, formula, Quadrature::Nodes(nodes)) };
            let mut c = Comparison::of(format!("{name}, {nodes} nodes"));
            compare(&mut c, &ours, case, LME4_BETA, LME4_SE);
            c.relative("SD", ours.components().rows[0].sd, number(&case["theta"]), 1e-4);
            // For counts glmer leaves out a constant with several nodes.
            if !is_count || nodes == 1 {
                c.within("−2 log L", ours.minus_two_log_likelihood(), number(&case["minus_two_log_likelihood"]), 1e-5);
            }
            c.same("nodes used", ours.nodes(), nodes);
            all.push(c);
        }
    }
    assert_all(all);
}

#[test]
fn laplace_is_that_of_tmb() {
    let theirs = theirs();
    let of_clustered = |name: &str| theirs["clustered"][name].clone();
    let (clustered, below20) = (clustered(), below20());
    let cases = [
        ("toenail", fit(&toenail(), TOENAIL, Quadrature::Laplace), theirs["toenail"]["glmmTMB"].clone()),
        ("respiratory", fit(&respiratory(), RESPIRATORY, Quadrature::Laplace), theirs["respiratory"]["glmmTMB"].clone()),
        (
            "below 20",
            fit(&below20, "below20 ~ arm * visit + (1 | patient)", Quadrature::Laplace),
            theirs["imrs_below20"]["glmmTMB"].clone(),
        ),
        (
            "nested",
            fit(&clustered, "event ~ arm * months + (1 | therapist) + (1 | patient)", Quadrature::Laplace),
            of_clustered("nested_glmmTMB"),
        ),
        (
            "independent slopes",
            fit(&clustered, "event ~ arm * months + (1 + months || patient)", Quadrature::Laplace),
            of_clustered("independent_glmmTMB"),
        ),
        (
            "crossed",
            fit(&below20, "below20 ~ arm + (1 | patient) + (1 | visit)", Quadrature::Auto),
            theirs["imrs_below20"]["crossed_glmmTMB"].clone(),
        ),
        (
            "counts, nested",
            counts(&clustered, "count ~ arm * months + (1 | therapist) + (1 | patient)", Quadrature::Laplace),
            of_clustered("counts_nested_glmmTMB"),
        ),
    ];
    let mut all = vec![];
    for (name, ours, theirs) in &cases {
        let mut c = Comparison::of(*name);
        compare(&mut c, ours, theirs, TMB, TMB_SE);
        c.within("−2 log L", ours.minus_two_log_likelihood(), number(&theirs["minus_two_log_likelihood"]), 1e-7);
        for (row, theirs) in ours.components().rows.iter().zip(numbers(&theirs["theta"])) {
            c.relative(&format!("SD of {} by {}", row.effect, row.factor), row.sd, theirs.exp(), 1e-5);
        }
        c.same("nodes", ours.nodes(), 1);
        all.push(c);
    }
    assert_all(all);
}

/// The digits are still to be read in the guide; a grid of the likelihood in R has the same.
/// The clinics of Beitler & Landis (1985), PROC NLMIXED: SAS/STAT User's Guide, "Logistic-Normal Model with Binomial Data".
#[test]
fn the_published_example_of_nlmixed_is_reproduced() {
    let layout = Layout::long("patient", "treatment", "visit").reference_arm("control").outcome("cured").cluster("clinic");
    let trial = read_text(&layout, "infection", &data("infection"));
    // NLMIXED, too, adds points until the likelihood at the start settles; it settles here at five.
    let ours = fit(&trial, "cured ~ treatment + (1 | clinic)", Quadrature::Nodes(5));
    let mut c = Comparison::of("NLMIXED");
    // β0 −1.1974 (0.5561), β1 0.7385 (0.3004), σ² 1.9591 (1.1903) as printed.
    for (k, (beta, se)) in [(-1.1974, 0.5561), (0.7385, 0.3004)].into_iter().enumerate() {
        c.within(&format!("β{k}"), ours.beta()[k], beta, 5.1e-5);
        c.within(&format!("SE of β{k}"), ours.vcov()[(k, k)].sqrt(), se, 5.1e-5);
    }
    let row = &ours.components().rows[0];
    c.within("σ²", row.variance, 1.9591, 5.1e-5);
    c.within("SE of σ²", row.se, 1.1903, 5.1e-5);
    let ours = fit(&trial, "cured ~ treatment + (1 | clinic)", Quadrature::Auto);
    assert_all([c, compare_explicit("infection", &ours, &theirs()["infection"]["explicit"])]);
}

/// What toenail data say by number of nodes: the page `guide::mixed_probabilities` prints this.
#[test]
fn five_nodes_are_not_enough_on_public_data() {
    let trial = toenail();
    let auto = fit(&trial, TOENAIL, Quadrature::Auto);
    assert!(auto.nodes() > 15, "{} nodes", auto.nodes());
    let at = |nodes| fit(&trial, TOENAIL, Quadrature::Nodes(nodes)).minus_two_log_likelihood() - auto.minus_two_log_likelihood();
    assert!(at(1).abs() > 4.0 && at(5).abs() > 4.0 && at(15).abs() > 0.1, "{} {}", at(1), at(5));
    assert!(at(60).abs() < 1e-4 && at(150).abs() < 1e-7);
}

#[test]
fn population_probabilities_are_integrals_over_patients() {
    let (trial, theirs) = (respiratory(), theirs());
    let theirs = &theirs["respiratory"]["marginal"];
    let ours = fit(&trial, RESPIRATORY, Quadrature::Auto);
    let table = trialstats::generalized::population_means(&ours, &trial, &PopulationOptions::default()).unwrap();
    let plain = fit(&trial, "good ~ treatment * visit + (1 | patient)", Quadrature::Auto);
    let plain = trialstats::generalized::population_means(&plain, &trial, &PopulationOptions::default()).unwrap();
    let mut c = Comparison::of("population");
    for (k, name) in rows(&theirs["names"]).iter().enumerate() {
        let (arm, visit) = text(name).split_once('|').unwrap();
        let is_it = |r: &&trialstats::generalized::PopulationEstimate| {
            r.measure == PopulationMeasure::Mean && r.arm.as_str() == arm && r.visit.as_ref().is_some_and(|v| v.as_str() == visit)
        };
        let row = table.rows.iter().find(is_it).unwrap();
        c.relative(&format!("{arm} at {visit}"), row.estimate, number(&theirs["estimate"][k]), 1e-7);
        c.relative(&format!("SE of {arm} at {visit}"), row.se, number(&theirs["se"][k]), 1e-5);
        // Without covariates, near what was observed.
        let (mut events, mut n) = (0.0, 0.0);
        for (i, &a) in trial.arm_of().iter().enumerate() {
            let t = trial.schedule().labels().iter().position(|l| *l == visit).unwrap();
            let y = trial.outcome("good").unwrap().values[i * trial.schedule().len() + t];
            if trial.arms()[a] == arm && !y.is_nan() {
                (events, n) = (events + y, n + 1.0);
            }
        }
        c.within(&format!("observed {arm} at {visit}"), plain.rows.iter().find(is_it).unwrap().estimate, events / n, 0.02);
    }
    assert_all([c]);
    // What a reader would take for the population's otherwise.
    let conditional = ours.arm_contrasts(&Default::default()).unwrap();
    assert!(conditional.to_text().contains("conditional"));
}

/// Every patient has as many events as every other, which is less variation than chance gives.
fn even() -> Trial {
    let mut file = String::from("id,arm,visit,y\n");
    for i in 0..30 {
        for t in 0..4 {
            file += &format!("p{i},{},v{t},{}\n", ["A - B", "C, D"][i % 2].replace(", ", "; "), u8::from((i / 2 + t) % 4 < 2));
        }
    }
    read_text(&Layout::long("id", "arm", "visit").outcome("y"), "even", &file)
}

#[test]
fn a_vanished_variance_leaves_logistic_regression() {
    let trial = even();
    let ours = fit(&trial, "y ~ arm * visit + (1 | patient)", Quadrature::Auto);
    assert_eq!(ours.vanished(), ["(Intercept) by id"]);
    assert_eq!(ours.components().rows[0].variance, 0.0);
    let options = GlmOptions::default();
    let plain: Result<Glm, Error> = GeneralizedModel::formula("y ~ arm * visit").unwrap().fit_independent(&trial, &options);
    // Regression of independent outcomes may refuse several rows per patient; the likelihood is then that of the cells.
    let n = 15.0_f64;
    let mut value = 0.0;
    for arm in 0..2 {
        for t in 0..4 {
            let events = (0..30).filter(|i| i % 2 == arm && (i / 2 + t) % 4 < 2).count() as f64;
            value -= 2.0 * (events * (events / n).ln() + (n - events) * ((n - events) / n).ln());
        }
    }
    assert!((ours.minus_two_log_likelihood() - value).abs() < 1e-9);
    if let Ok(plain) = plain {
        for k in 0..ours.beta().len() {
            assert!((ours.beta()[k] - plain.beta()[k]).abs() < 1e-8);
            assert!((ours.vcov()[(k, k)] - plain.vcov()[(k, k)]).abs() < 1e-8);
        }
    }
    assert!(ours.coefficients().to_text().contains("zero at the maximum"));
}

#[test]
fn slopes_by_quadrature_have_their_covariance() {
    let trial = clustered();
    let ours = fit(&trial, "event ~ arm * months + (1 + months | patient)", Quadrature::Nodes(7));
    let components = ours.components();
    assert_eq!(components.rows.len(), 2);
    let g = ours.effect_covariance(0);
    assert!((components.rows[1].correlations[0] - g[(0, 1)] / (g[(0, 0)] * g[(1, 1)]).sqrt()).abs() < 1e-12);
    assert_eq!(ours.random()[0].structure(), EffectCovariance::Correlated);
    // More parameters, no worse a fit.
    let intercept = fit(&trial, "event ~ arm * months + (1 | patient)", Quadrature::Auto);
    assert!(ours.minus_two_log_likelihood() < intercept.minus_two_log_likelihood());
    // Two terms of the same levels are one factor with two independent effects.
    let apart = fit(&trial, "event ~ arm * months + (1 | patient) + (0 + months | patient)", Quadrature::Nodes(5));
    let together = fit(&trial, "event ~ arm * months + (1 + months || patient)", Quadrature::Nodes(5));
    assert!((apart.minus_two_log_likelihood() - together.minus_two_log_likelihood()).abs() < 1e-8);
}

#[test]
fn a_robust_covariance_and_other_degrees_of_freedom_are_options() {
    let trial = respiratory();
    let model = || Glmm::formula(RESPIRATORY).unwrap();
    let (plain, robust) = (model().fit(&trial).unwrap(), model().vcov(MixedVcov::Robust).df(MixedDf::BetweenWithin).fit(&trial).unwrap());
    assert_eq!(plain.beta(), robust.beta());
    assert_ne!(plain.vcov(), robust.vcov());
    for k in 0..plain.beta().len() {
        let ratio = robust.vcov()[(k, k)] / plain.vcov()[(k, k)];
        assert!((0.4..2.5).contains(&ratio), "{ratio}");
    }
    let unit = |k: usize| (0..plain.beta().len()).map(|c| f64::from(u8::from(c == k))).collect::<Vec<_>>();
    assert_eq!(plain.df(&unit(1)), f64::INFINITY);
    // 111 patients, 6 columns between them (the intercept counted among those within patients as mmrm has it).
    assert!(robust.df(&unit(1)) < 111.0 && robust.df(&unit(6)) > 300.0);
    assert!(robust.coefficients().to_text().contains("patients as clusters"));
}

fn refused(trial: &Trial, model: Glmm) -> Error {
    model.fit(trial).expect_err("it has no estimates")
}

#[test]
fn what_has_no_estimates_is_named() {
    let trial = clustered();
    let model = |formula: &str| Glmm::formula(formula).unwrap();
    let crossed = refused(&trial, model("event ~ arm + (1 | therapist) + (1 | visit)").quadrature(Quadrature::Nodes(7)));
    assert!(crossed.to_string().contains("crossed"), "{crossed}");
    assert!(refused(&trial, model("event ~ arm * visit")).to_string().contains("random effects"));
    assert!(refused(&trial, model("count ~ arm + (1 | patient)").family(Family::Gaussian)).to_string().contains("Model"));
    let many = refused(&trial, model("event ~ arm + (1 + months | patient)").quadrature(Quadrature::Nodes(1000)));
    assert!(many.to_string().contains("at most 316"), "{many}");
    // One observation per level, one level.
    let one_visit = Glmm::formula("event ~ arm + (1 | patient)").unwrap().visits(["week 0"]);
    assert!(refused(&trial, one_visit).to_string().contains("one binary outcome"));
    let text = "id,arm,visit,site,y\na,P,1,s,0\na,P,2,s,1\nb,T,1,s,1\nb,T,2,s,0\nc,T,1,s,1\nc,T,2,s,1\nd,P,1,s,0\nd,P,2,s,0\n";
    let one_site = read_text(&Layout::long("id", "arm", "visit").outcome("y").cluster("site"), "one site", text);
    assert!(refused(&one_site, model("y ~ arm + (1 | site)")).to_string().contains("one level"));
    // Every patient the same at all visits: no finite variance.
    let mut constant = String::from("id,arm,visit,y\n");
    for i in 0..40 {
        (0..3).for_each(|t| constant += &format!("p{i},{},v{t},{}\n", ["P", "T"][i % 2], u8::from(i % 5 < 2)));
    }
    let constant = read_text(&Layout::long("id", "arm", "visit").outcome("y"), "constant", &constant);
    let found = refused(&constant, model("y ~ arm + (1 | patient)"));
    assert!(matches!(found, Error::NotFitted(NotFitted::InfiniteVariance { .. })), "{found}");
    // No event in one arm.
    let mut separated = String::from("id,arm,visit,y\n");
    for i in 0..40 {
        (0..3).for_each(|t| {
            separated += &format!("p{i},{},v{t},{}\n", ["P", "T"][i % 2], u8::from(i % 2 == 0 && (i / 2 + t) % 3 < 1 + i % 4 / 2))
        });
    }
    let separated = read_text(&Layout::long("id", "arm", "visit").outcome("y"), "separated", &separated);
    let found = refused(&separated, model("y ~ arm + (1 | patient)"));
    let Error::NotFitted(NotFitted::Separated { columns, .. }) = &found else { panic!("{found}") };
    assert_eq!(columns, &["armT"]);
}

#[test]
fn small_and_odd_trials_are_fitted() {
    // Three arms with odd names, one of them a single patient; a cluster of one; patients without variation.
    let mut file = String::from("id;arm;visit;group;y\n");
    for i in 0..41 {
        let arm = if i == 40 { "alone" } else { ["A - B", "C, D"][i % 2] };
        let group = if i == 39 { "own".to_string() } else { format!("g{}", i % 6) };
        for t in 0..3 {
            file += &format!("p{i};{arm};v{t};{group};{}\n", u8::from(i % 7 == 0 || (i * 5 + t * 3 + i / 4) % 11 < 4 + t));
        }
    }
    let layout = Layout::long("id", "arm", "visit").arms(["A - B", "C, D", "alone"]).outcome("y").cluster("group");
    let trial = read_text(&layout, "odd", &file);
    let ours = fit(&trial, "y ~ arm + visit + (1 | group) + (1 | patient)", Quadrature::Auto);
    assert!(ours.minus_two_log_likelihood().is_finite());
    let table = trialstats::generalized::population_means(&ours, &trial, &PopulationOptions::default()).unwrap();
    assert!(table.rows.iter().filter(|r| r.measure == PopulationMeasure::Mean).all(|r| r.estimate > 0.0 && r.estimate < 1.0));
    // One visit, patients in groups: the one patient of an arm leaves nothing to estimate, which is said.
    let one = |formula: &str| Glmm::formula(formula).unwrap().visits(["v2"]).fit(&trial);
    let Err(Error::NotFitted(NotFitted::Separated { columns, .. })) = one("y ~ arm + (1 | group)") else { panic!("it is separated") };
    assert_eq!(columns, ["armalone"]);
    assert_eq!(one("y ~ 1 + (1 | group)").unwrap().observations().len(), 41);
}

#[cfg(feature = "cli")]
#[test]
fn the_command_line_says_nodes_variances_and_probabilities() {
    use crate::common::program::{refusal, stdout, trialstats};
    let file = "tests/references/data/respiratory.csv";
    let arguments = |formula: &'static str| {
        let start = ["fit", "--data", file, "--subject", "patient", "--visit", "visit", "--arm", "treatment", "--family", "binomial"];
        [&start[..], &["--formula", formula]].concat()
    };
    let mut asked = arguments("good ~ treatment * visit + (1 | patient)");
    asked.extend(["--means", "treatment", "visit", "--json"]);
    let found: Value = serde_json::from_str(&stdout(&trialstats(&asked))).unwrap();
    let ours = fit(&respiratory(), "good ~ treatment * visit + (1 | patient)", Quadrature::Auto);
    assert_eq!((text(&found["method"]), found["nodes_used"].as_u64()), ("glmm", Some(ours.nodes() as u64)));
    let mut c = Comparison::of("command line");
    c.relative("−2 log L", number(&found["minus_two_log_likelihood"]), ours.minus_two_log_likelihood(), 1e-12);
    c.relative("variance", number(&found["variances"][0]["variance"]), ours.components().rows[0].variance, 1e-9);
    c.same("means", rows(&found["marginal_means"]).len(), 8);
    c.same("conditional", found["conditional"].as_bool(), Some(true));
    assert_all([c]);
    let mut asked = arguments("good ~ treatment * visit + (1 | patient)");
    asked.extend(["--quadrature", "laplace", "--vcov", "robust", "--df", "between-within"]);
    let printed = stdout(&trialstats(&asked));
    assert!(
        printed.contains("Laplace's approximation") && printed.contains("Random effects") && printed.contains("conditional"),
        "{printed}"
    );
    let mut asked = arguments("good ~ treatment + (1 | patient)");
    asked.extend(["--quadrature", "five"]);
    assert!(refusal(&asked).contains("five"));
}
