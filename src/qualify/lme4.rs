//! lme4, lmerTest and pbkrtest: random intercepts and slopes.

use super::checks::{Case, Method, json, number, rows, text};
use super::trials;
use crate::covariance::Covariance;
use crate::error::Result;
use crate::inference::InformationKind;
use crate::{Df, Estimation, Fit, Model, Trial};
use serde_json::Value;

const FILE: &str = include_str!("../../tests/references/random_effects/random_effects.json");

/// The three data sets of the cases.
struct Data {
    sleepstudy: Trial,
    orthodont: Trial,
    antidepressant: Trial,
}

impl Data {
    fn read() -> Result<Self> {
        Ok(Self { sleepstudy: trials::sleepstudy()?, orthodont: trials::orthodont()?, antidepressant: trials::antidepressant()? })
    }

    fn fit(&self, case: &Value, df: Df, information: InformationKind) -> Result<Fit> {
        let (trial, formula) = match text(&case["data"]) {
            "sleepstudy" => (&self.sleepstudy, "Reaction ~ time"),
            "orthodont" => (&self.orthodont, "distance ~ time * Sex"),
            _ => (&self.antidepressant, "CHANGE ~ BASVAL * VISIT + THERAPY * VISIT"),
        };
        let slope = text(&case["id"]).contains("slope");
        let covariance = if slope { Covariance::RandomInterceptSlope } else { Covariance::RandomIntercept };
        let estimation = if case["reml"] == true { Estimation::Reml } else { Estimation::Ml };
        Model::formula(formula)?.covariance(covariance).estimation(estimation).df(df).information(information).fit(trial)
    }
}

pub(super) fn satterthwaite() -> Result<Method> {
    let (data, cases) = (Data::read()?, json("random_effects.json", FILE)?);
    let mut checks = vec![];
    for expected in rows(&cases) {
        let mut case = Case::new(text(&expected["id"]));
        match data.fit(expected, Df::Satterthwaite, InformationKind::Observed) {
            Ok(fit) => {
                case.relative("model", "log-likelihood", fit.log_likelihood(), number(&expected["log_lik"]), 1e-12);
                // lme4 has `Days` and `age` where the formula here has `time`; the order of the columns is the same.
                for (ours, theirs) in fit.coefficients().rows.iter().zip(rows(&expected["coefficients"])) {
                    let se = number(&theirs["se"]);
                    case.in_errors(&ours.label, "estimate", ours.estimate, number(&theirs["estimate"]), se, 2e-8);
                    case.relative(&ours.label, "SE", ours.se, se, 2e-8);
                    case.relative(&ours.label, "df", ours.df, number(&theirs["df"]), 1e-6);
                }
            }
            Err(error) => case = case.impossible(&error),
        }
        checks.extend(case.checks);
    }
    Ok(Method {
        name: "lme4".into(),
        title: "Random intercepts and slopes, Satterthwaite".into(),
        reference: software(&cases),
        source: "computed at the top of lme4's own likelihood, reached by Newton steps; data sleepstudy (lme4), Orthodont (nlme), the antidepressant trial".into(),
        tolerance: "2e-8 of a standard error; 1e-6 in degrees of freedom, which lmerTest takes by numerical differences.".into(),
        checks,
    })
}

pub(super) fn kenward_roger() -> Result<Method> {
    let (data, cases) = (Data::read()?, json("random_effects.json", FILE)?);
    let mut checks = vec![];
    for expected in rows(&cases).iter().filter(|case| case["reml"] == true) {
        let mut case = Case::new(text(&expected["id"]));
        match data.fit(expected, Df::KenwardRoger, InformationKind::Expected) {
            Ok(fit) => {
                for (ours, theirs) in fit.coefficients().rows.iter().zip(rows(&expected["kenward_roger"]["coefficients"])) {
                    case.relative(&ours.label, "SE", ours.se, number(&theirs["se"]), 5e-9);
                    case.relative(&ours.label, "df", ours.df, number(&theirs["df"]), 5e-9);
                }
            }
            Err(error) => case = case.impossible(&error),
        }
        checks.extend(case.checks);
    }
    Ok(Method {
        name: "pbkrtest".into(),
        title: "Random intercepts and slopes, Kenward–Roger".into(),
        reference: software(&cases),
        source: "pbkrtest at the top of lme4's likelihood, with the expected information in both; the same data".into(),
        tolerance: "5e-9 relative.".into(),
        checks,
    })
}

fn software(cases: &Value) -> String {
    rows(cases).first().map(|case| text(&case["software"]).to_string()).unwrap_or_default()
}
