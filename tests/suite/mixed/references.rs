//! Random effects of clusters, model by model: lme4, lmerTest, pbkrtest, nlme, glmmTMB, and the likelihood written
//! out in R (`tests/references/mixed`).

use crate::common::clustered as trials;
use crate::common::tolerances::*;
use crate::common::{Comparison, assert_all, estimation, number, reference, rows, text};
use nalgebra::DMatrix;
use serde_json::Value;
use trialstats::inference::InformationKind;
use trialstats::{Df, Fit, Model, Trial};

/// A data set's trial for a case, and the case's fit.
fn fit(case: &Value, df: Df, information: InformationKind) -> Fit {
    let formula = text(&case["formula"]);
    let id = text(&case["id"]);
    let mut model =
        Model::formula(formula).unwrap_or_else(|e| panic!("{id}: {e}")).estimation(estimation(case)).df(df).information(information);
    if let Some(visits) = case["visits"].as_array() {
        model = model.visits(visits.iter().map(text));
    }
    let trial: Trial = trials::trial(text(&case["data"]), formula);
    trials::by_its_engine(formula, model.fit(&trial).unwrap_or_else(|e| panic!("{id}: {e}")))
}

/// A number by its name within a row, in the flavour of information.
fn of(row: &Value, name: &str, information: InformationKind) -> f64 {
    let expected = information == InformationKind::Expected;
    number(&row[if expected { format!("{name}_expected") } else { name.to_string() }])
}

fn weights(l: &Value) -> Vec<f64> {
    rows(l).iter().map(number).collect()
}

fn hypothesis(l: &Value) -> DMatrix<f64> {
    let l: Vec<Vec<f64>> = rows(l).iter().map(weights).collect();
    DMatrix::from_fn(l.len(), l[0].len(), |r, j| l[r][j])
}

/// Estimates, covariance parameters and their standard errors.
pub fn compare_estimates(c: &mut Comparison, fit: &Fit, case: &Value, information: InformationKind) {
    c.same("observations", fit.n_observations() as f64, number(&case["n_obs"]));
    c.same("patients", fit.n_patients() as f64, number(&case["n_patients"]));
    c.at_least("log-likelihood", fit.log_likelihood(), number(&case["log_lik"]), LOG_LIKELIHOOD);
    c.relative("log-likelihood", fit.log_likelihood(), number(&case["log_lik"]), CRITERIA);
    let ours = fit.coefficients().rows;
    c.same("number of coefficients", ours.len(), rows(&case["coefficients"]).len());
    for (ours, theirs) in ours.iter().zip(rows(&case["coefficients"])) {
        c.within(&format!("{} estimate", ours.label), ours.estimate, number(&theirs["estimate"]), MIXED.estimate * number(&theirs["se"]));
    }
    let ours = fit.covariance_parameters();
    c.same("number of covariance parameters", ours.len(), rows(&case["parameters"]).len());
    for (k, ((name, ours), theirs)) in ours.iter().zip(rows(&case["parameters"])).enumerate() {
        c.within(name, *ours, number(&theirs["estimate"]), MIXED_THETA * number(&theirs["se"]));
        let se = fit.covariance_parameters_vcov()[(k, k)].sqrt();
        c.relative(&format!("SE of {name}"), se, of(theirs, "se", information), MIXED.df);
    }
}

/// Standard errors and degrees of freedom by one method.
pub fn compare_inference(c: &mut Comparison, fit: &Fit, case: &Value, information: InformationKind) {
    let adjusted = fit.df_method().adjusts_covariance();
    let (df, method) = if adjusted { ("kr_df", "kenward_roger") } else { ("df", "satterthwaite") };
    let se = |row: &Value| if adjusted { of(row, "kr_se", information) } else { number(&row["se"]) };
    for (ours, theirs) in fit.coefficients().rows.iter().zip(rows(&case["coefficients"])) {
        c.relative(&format!("{} SE", ours.label), ours.se, se(theirs), MIXED.se);
        c.relative(&format!("{} df", ours.label), ours.df, of(theirs, df, information), MIXED.df);
    }
    for theirs in rows(&case["contrasts"]) {
        let ours = fit.estimate(text(&theirs["label"]), &weights(&theirs["l"])).expect("a contrast");
        c.within(&ours.label, ours.estimate, number(&theirs["estimate"]), MIXED.estimate * number(&theirs["se"]));
        c.relative(&format!("{} SE", ours.label), ours.se, se(theirs), MIXED.se);
        c.relative(&format!("{} df", ours.label), ours.df, of(theirs, df, information), MIXED.df);
    }
    for theirs in rows(&case["tests"]) {
        let label = text(&theirs["label"]);
        let ours = fit.f_test(label, &hypothesis(&theirs["l"])).expect("a test");
        let kind = if information == InformationKind::Expected { "expected" } else { "observed" };
        let theirs = &theirs[kind][method];
        c.same(&format!("{label} numerator df"), ours.num_df, number(&theirs["num_df"]));
        c.relative(&format!("{label} F"), ours.f, number(&theirs["f"]), MIXED.derived);
        c.relative(&format!("{label} denominator df"), ours.denom_df, number(&theirs["denom_df"]), MIXED.df);
    }
}

/// Predicted effects: with their standard error of prediction, and their standard deviation given the coefficients.
fn compare_random_effects(c: &mut Comparison, fit: &Fit, case: &Value) {
    let ours = fit.random_effects();
    let theirs: Vec<&Value> = rows(&case["random_effects"]).iter().flat_map(rows).collect();
    c.same("number of effects", ours.rows.len(), theirs.len());
    for row in theirs {
        let (factor, level, effect) = (text(&row["factor"]), text(&row["level"]), text(&row["effect"]));
        // The peers' multiplier of groups in one arm is not needed here.
        let Some(ours) = ours.get(factor, level, effect).or_else(|| ours.get(factor, level, "(Intercept)")) else {
            c.same(&format!("{effect} of {factor} {level} is there"), false, true);
            continue;
        };
        let se = number(&row["se"]);
        c.within(&format!("{effect} of {factor} {level}"), ours.estimate, number(&row["blup"]), MIXED.estimate * se);
        c.relative(&format!("SE of {effect} of {factor} {level}"), ours.se, se, MIXED.se);
        c.relative(&format!("SD of {effect} of {factor} {level}"), ours.conditional_sd, number(&row["conditional_sd"]), MIXED.se);
    }
}

/// What a peer says of the same model, to its own precision.
fn compare_peer(c: &mut Comparison, fits: &[Fit], peer: &Value) {
    let fit = &fits[0];
    let engine = text(&peer["engine"]).rsplit(", ").last().unwrap_or("R").to_string();
    c.at_least(&format!("log-likelihood ({engine})"), fit.log_likelihood(), number(&peer["log_lik"]), LOG_LIKELIHOOD);
    for (k, ours) in fit.coefficients().rows.iter().enumerate() {
        let se = number(&peer["se"][k]);
        c.within(&format!("{} estimate ({engine})", ours.label), ours.estimate, number(&peer["estimate"][k]), MIXED_PEER * se);
        c.relative(&format!("{} SE ({engine})", ours.label), ours.se, se, MIXED_PEER);
    }
    let vcov = fit.covariance_parameters_vcov();
    for (k, (name, ours)) in fit.covariance_parameters().iter().enumerate() {
        c.within(&format!("{name} ({engine})"), *ours, number(&peer["theta"][k]), MIXED_PEER * vcov[(k, k)].sqrt());
    }
    let p = fit.beta().len();
    if let Some(df) = peer["lmertest_df"].as_array() {
        for (ours, theirs) in fit.coefficients().rows.iter().zip(&df[..p]) {
            c.relative(&format!("{} df (lmerTest)", ours.label), ours.df, number(theirs), LMERTEST_DF);
        }
    }
    if let Some(df) = peer["pbkrtest_df"].as_array() {
        let kr = &fits[3];
        for (k, ours) in kr.coefficients().rows.iter().enumerate() {
            c.relative(&format!("{} df (pbkrtest)", ours.label), ours.df, number(&df[k]), MIXED_PEER);
            c.relative(&format!("{} SE (pbkrtest)", ours.label), ours.se, number(&peer["pbkrtest_se"][k]), MIXED_PEER);
        }
    }
}

/// Fits by Satterthwaite and by Kenward and Roger, each with observed and with expected information.
fn fits(case: &Value) -> Vec<Fit> {
    let methods: &[Df] = if case["reml"] == true { &[Df::Satterthwaite, Df::KenwardRoger] } else { &[Df::Satterthwaite] };
    let both = [InformationKind::Observed, InformationKind::Expected];
    methods.iter().flat_map(|df| both.iter().map(|information| fit(case, *df, *information))).collect()
}

fn compare(case: &Value) -> Comparison {
    let mut c = Comparison::of(text(&case["id"]));
    let fits = fits(case);
    for fit in &fits {
        let information = fit.information_kind();
        compare_estimates(&mut c, fit, case, information);
        compare_inference(&mut c, fit, case, information);
    }
    compare_random_effects(&mut c, &fits[0], case);
    for peer in rows(&case["peers"]) {
        compare_peer(&mut c, &fits, peer);
    }
    c
}

fn agrees(data: &str, cases: usize) {
    let of_data = reference(&format!("mixed/{data}.json"));
    assert_eq!(rows(&of_data).len(), cases);
    assert_all(rows(&of_data).iter().map(compare));
}

#[test]
fn groups_of_patients_agree_with_the_peers() {
    agrees("nested3", 17);
}

#[test]
fn crossed_factors_and_changes_of_therapist_agree_with_the_peers() {
    agrees("crossed", 6);
}

#[test]
fn slopes_of_patients_beside_a_covariance_agree_with_lme() {
    agrees("slopes", 3);
}

#[test]
fn partially_nested_trials_agree_with_the_peers() {
    agrees("partially_nested", 8);
}

#[test]
fn the_sample_trial_agrees_with_the_peers() {
    agrees("imrs_gst", 4);
}

#[test]
fn a_balanced_trial_agrees_with_the_peers() {
    agrees("balanced", 3);
}

/// Thousands of effects fall into as many small systems; a hundred, to which glmmTMB can still be taken.
#[test]
fn many_sites_above_an_unstructured_covariance_agree_with_glmmtmb() {
    let peers = reference("mixed/many_sites.json");
    let formula = "y ~ baseline + arm * visit + us(visit | patient) + (1 | site)";
    let fit =
        trials::by_its_engine(formula, Model::formula(formula).expect("parses").fit(&trials::trial("many_sites", formula)).expect("fits"));
    let of = |peer: &Value| {
        let mut c = Comparison::of("100 sites");
        compare_peer(&mut c, std::slice::from_ref(&fit), peer);
        c
    };
    assert_all(["glmmTMB"].map(|peer| of(&peers[peer])));
}

#[test]
fn clusters_of_one_agree_with_the_peers() {
    agrees("small_clusters", 2);
}
