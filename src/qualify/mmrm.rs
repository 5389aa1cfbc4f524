//! R's mmrm: every structure, degrees of freedom and robust covariance that both have.

use super::checks::{Case, Check, Method, json, number, rows, text};
use super::trials;
use crate::covariance::Covariance;
use crate::error::Result;
use crate::{Df, Estimation, Fit, Model, Trial, Vcov};
use nalgebra::DMatrix;
use serde_json::Value;

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../tests/references/mmrm/", $name, ".json")))),+]
    };
}

const FILES: [(&str, &str); 20] = files![
    "antidepressant_cs_reml_kr",
    "antidepressant_us_reml_satterthwaite",
    "fev_adh_reml_satterthwaite",
    "fev_ar1_reml_krlinear",
    "fev_ar1_reml_satterthwaite",
    "fev_cs_reml_kr",
    "fev_csh_ml_satterthwaite",
    "fev_spexp_reml_satterthwaite",
    "fev_toep_reml_satterthwaite",
    "fev_toeph_reml_krlinear",
    "fev_us_grouped_reml_satterthwaite",
    "fev_us_ml_satterthwaite",
    "fev_us_reml_betweenwithin",
    "fev_us_reml_empirical",
    "fev_us_reml_empiricalbiasreduced",
    "fev_us_reml_empiricaljackknife",
    "fev_us_reml_kr",
    "fev_us_reml_krlinear",
    "fev_us_reml_satterthwaite",
    "fev_us_weighted_reml_satterthwaite",
];

/// mmrm takes the full Kenward–Roger adjustment in parameters of its own, which changes standard errors; SAS and this
/// library take the elements of Σ. Estimates and degrees of freedom are everyone's.
const KENWARD_ROGER_OF_MMRM: [&str; 3] = ["antidepressant_cs_reml_kr", "fev_cs_reml_kr", "fev_us_reml_kr"];

/// Relative differences that pass: estimates, standard errors, df, what follows from them.
#[derive(Clone, Copy)]
struct Allowed {
    estimate: f64,
    se: f64,
    df: f64,
    derived: f64,
}

/// By how early mmrm's optimiser stopped, measured against the same model at the top of its likelihood.
fn allowed(id: &str) -> Allowed {
    match id {
        "fev_spexp_reml_satterthwaite" => Allowed { estimate: 1e-4, se: 2e-6, df: 1e-5, derived: 5e-4 },
        "fev_adh_reml_satterthwaite" | "fev_ar1_reml_krlinear" | "fev_ar1_reml_satterthwaite" | "fev_us_ml_satterthwaite" => {
            Allowed { estimate: 2e-5, se: 1e-6, df: 1e-6, derived: 2e-5 }
        }
        _ => Allowed { estimate: 1e-7, se: 1e-7, df: 1e-6, derived: 1e-5 },
    }
}

pub(super) fn method() -> Result<Method> {
    let (fev, antidepressant) = (trials::fev()?, trials::antidepressant()?);
    let mut checks = vec![];
    for (id, file) in FILES {
        let expected = json(id, file)?;
        let trial = if text(&expected["data"]) == "fev_data" { &fev } else { &antidepressant };
        checks.extend(case(id, &expected, trial));
    }
    Ok(Method {
        name: "mmrm".into(),
        title: "Mixed models for repeated measures".into(),
        reference: "R package mmrm 0.3.18".into(),
        source: "computed with its optimisers tightened to 1e-13 or less; data fev_data (artificial, from that package) and the antidepressant trial".into(),
        tolerance: "1e-7 relative in estimates and standard errors, 1e-6 in degrees of freedom; where mmrm's optimiser stopped early, by as much as it is off \
                    the top of its own likelihood. The standard errors of three Kenward–Roger cases are not compared: mmrm takes the adjustment in parameters \
                    of its own."
            .into(),
        checks,
    })
}

fn model(expected: &Value) -> Result<Model> {
    let written = text(&expected["formula"]).replace(" / ", "/");
    // `y ~ a + us(visit | patient)`, `y ~ a + us(visit | group/patient)`
    let (formula, structure) = written.rsplit_once(" + ").unwrap_or((&written, ""));
    let (covariance, rest) = structure.split_once('(').unwrap_or((structure, ""));
    let group = rest.split_once(" | ").and_then(|(_, subject)| subject.split_once('/')).map(|(group, _)| group.to_string());
    let vcov = match text(&expected["vcov_method"]) {
        "Empirical" => Vcov::Cr0,
        "Empirical-Bias-Reduced" => Vcov::Cr2,
        "Empirical-Jackknife" => Vcov::Cr3,
        _ => Vcov::ModelBased,
    };
    let df = match (text(&expected["df_method"]), text(&expected["vcov_method"])) {
        ("Between-Within", _) => Df::BetweenWithin,
        ("Kenward-Roger", "Kenward-Roger-Linear") => Df::KenwardRogerLinear,
        ("Kenward-Roger", _) => Df::KenwardRoger,
        _ => Df::Satterthwaite,
    };
    let estimation = if expected["reml"] == true { Estimation::Reml } else { Estimation::Ml };
    let model = Model::formula(formula)?.covariance(Covariance::named(covariance)?).estimation(estimation).df(df).vcov(vcov);
    let model = group.into_iter().fold(model, |model, group| model.covariance_by(group));
    Ok(if expected["weighted"] == true { model.weights("WEIGHT") } else { model })
}

fn case(id: &str, expected: &Value, trial: &Trial) -> Vec<Check> {
    let mut case = Case::new(id);
    let fit = match model(expected).and_then(|model| model.fit(trial)) {
        Ok(fit) => fit,
        Err(error) => return case.impossible(&error).checks,
    };
    let (allowed, se_differs) = (allowed(id), KENWARD_ROGER_OF_MMRM.contains(&id));
    for (statistic, here, key) in
        [("log-likelihood", fit.log_likelihood(), "log_lik"), ("AIC", fit.aic(), "aic"), ("BIC", fit.bic(), "bic")]
    {
        case.relative("model", statistic, here, number(&expected[key]), 1e-12);
    }
    let ours = fit.coefficients().rows;
    for theirs in rows(&expected["coefficients"]) {
        let term = text(&theirs["term"]);
        let nothing = [f64::NAN; 5];
        let [estimate, se, df, t, p] = ours.iter().find(|c| c.label == term).map_or(nothing, |c| [c.estimate, c.se, c.df, c.t, c.p]);
        case.relative(term, "estimate", estimate, number(&theirs["estimate"]), allowed.estimate);
        case.relative(term, "df", df, number(&theirs["df"]), allowed.df);
        if !se_differs {
            case.relative(term, "SE", se, number(&theirs["se"]), allowed.se);
            case.relative(term, "t", t, number(&theirs["t"]), allowed.derived);
            case.relative(term, "p", p, number(&theirs["p"]), allowed.derived);
        }
    }
    interaction(&mut case, &fit, &expected["interaction_test"], allowed, se_differs);
    case.checks
}

fn interaction(case: &mut Case, fit: &Fit, expected: &Value, allowed: Allowed, se_differs: bool) {
    let columns = fit.design().columns();
    let of = |term: &Value| columns.iter().position(|c| c.name == text(term));
    let terms: Option<Vec<usize>> = rows(&expected["terms"]).iter().map(of).collect();
    let Some(terms) = terms else { return };
    let l = DMatrix::from_fn(terms.len(), columns.len(), |r, j| f64::from(u8::from(terms[r] == j)));
    let (f, df, p) = fit.f_test("interaction", &l).map_or((f64::NAN, f64::NAN, f64::NAN), |test| (test.f, test.denom_df, test.p));
    case.relative("arm by visit", "denominator df", df, number(&expected["denom_df"]), allowed.df);
    if !se_differs {
        case.relative("arm by visit", "F", f, number(&expected["f"]), allowed.derived);
        case.relative("arm by visit", "p of F", p, number(&expected["p"]), allowed.derived);
    }
}
