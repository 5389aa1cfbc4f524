//! SAS PROC MIXED, as published.

use super::checks::{Case, Method, broken};
use super::trials;
use crate::covariance::Covariance;
use crate::error::Result;
use crate::{Df, Model};

const SOURCE: &str = "run by the authors of R mmrm in 2022 and published in that package's repository, release 0.3.18 (Apache-2.0); data fev_data (artificial)";

/// How far SAS's standard errors are off where its default criterion stops it.
const EARLY: f64 = 2e-4;

fn records(name: &str, text: &'static str) -> Result<Vec<csv::StringRecord>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|row| row.map_err(|error| broken(name, error.to_string()))).collect()
}

fn parsed(row: &csv::StringRecord, column: usize) -> f64 {
    row.get(column).and_then(|cell| cell.parse().ok()).unwrap_or(f64::NAN)
}

/// `ddfm=kr` and `ddfm=kr(linear)` in nine structures.
pub(super) fn kenward_roger() -> Result<Method> {
    let trial = trials::fev()?;
    let mut checks = vec![];
    for row in records("kenward_roger.csv", include_str!("../../tests/references/sas/kenward_roger.csv"))? {
        let (structure, kind, ddfm) = (&row[0], &row[1], &row[2]);
        let mut case = Case::new(format!("type={kind}, ddfm={ddfm}"));
        // SAS was given two coordinates, of which the second differs from patient to patient.
        let name = if structure == "sp_exp" { "spatial-exponential(VISITN, VISITN2)" } else { structure };
        let df = if ddfm == "kr" { Df::KenwardRoger } else { Df::KenwardRogerLinear };
        let fit = Model::formula("FEV1 ~ ARMCD").and_then(|m| m.covariance(Covariance::named(name)?).df(df).fit(&trial));
        match fit {
            Ok(fit) => {
                let ours = &fit.coefficients().rows[1];
                let se = parsed(&row, 5);
                // SAS stops below the top; nobody may be above.
                let below = (-0.5 * parsed(&row, 11) - fit.log_likelihood()).max(0.0);
                case.absolute("model", "log-likelihood below SAS's", below, 0.0, 1e-8);
                case.in_errors("TRT - PBO", "estimate", ours.estimate, parsed(&row, 4), se, EARLY);
                case.relative("TRT - PBO", "SE", ours.se, se, EARLY);
                case.relative("TRT - PBO", "df", ours.df, parsed(&row, 6), 5e-4);
                case.relative("TRT - PBO", "t", ours.t, parsed(&row, 7), EARLY);
            }
            Err(error) => case = case.impossible(&error),
        }
        checks.extend(case.checks);
    }
    Ok(Method {
        name: "sas_kenward_roger".into(),
        title: "Kenward–Roger degrees of freedom and standard errors".into(),
        reference: "SAS PROC MIXED, ddfm=kr and ddfm=kr(linear)".into(),
        source: SOURCE.into(),
        tolerance: "2e-4 of a standard error in estimates and relative in standard errors, 5e-4 in degrees of freedom: SAS stopped up to 1e-5 short in −2 log \
                    likelihood, by its default criterion."
            .into(),
        checks,
    })
}

/// `ddfm=satterthwaite` with observation weights.
pub(super) fn weighted() -> Result<Method> {
    let trial = trials::fev()?;
    let mut case = Case::new("type=un, ddfm=satterthwaite, weight");
    let model =
        Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT")?.covariance(Covariance::Unstructured).df(Df::Satterthwaite).weights("WEIGHT");
    match model.fit(&trial) {
        Ok(fit) => {
            let ours = fit.coefficients().rows;
            for row in records("weighted.csv", include_str!("../../tests/references/sas/weighted.csv"))? {
                let effect = &row[0];
                let [estimate, se] = ours.iter().find(|c| c.label == *effect).map_or([f64::NAN; 2], |c| [c.estimate, c.se]);
                // Printed to four decimals, at an optimum that is short by the default criterion.
                let near = |value: f64| 0.5e-4 + EARLY * value.abs();
                case.absolute(effect, "estimate", estimate, parsed(&row, 1), near(estimate));
                case.absolute(effect, "SE", se, parsed(&row, 2), near(se));
            }
            let theirs = records("weighted.csv", include_str!("../../tests/references/sas/weighted.csv"))?;
            let theirs = theirs.first().map_or(f64::NAN, |row| parsed(row, 4));
            case.absolute("model", "−2 log-likelihood", -2.0 * fit.log_likelihood(), theirs, 1e-5);
        }
        Err(error) => case = case.impossible(&error),
    }
    Ok(Method {
        name: "sas_weighted".into(),
        title: "Observation weights".into(),
        reference: "SAS PROC MIXED, weight statement".into(),
        source: SOURCE.into(),
        tolerance: "half of the last printed digit and 2e-4 of the value, 1e-5 in −2 log-likelihood: how far SAS stopped short. Degrees of freedom are not compared: SAS's are more than twice the number of \
                    patients whose means these effects compare (see the guide, differences)."
            .into(),
        checks: case.checks,
    })
}
