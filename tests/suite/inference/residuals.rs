//! Residuals against nlme.

use trialstats::covariance::Covariance;
use trialstats::{Layout, Model};

/// nlme stops where its own criterion is met, a few 1e-7 from the optimum in the correlation; residuals inherit that.
const TOLERANCE: f64 = 2e-6;

#[test]
fn residuals_are_those_of_nlme() {
    let reference: serde_json::Value = serde_json::from_str(include_str!("../../references/residuals/fev_ar1.json")).unwrap();
    let trial = Layout::long("USUBJID", "ARMCD", "AVISIT")
        .outcome("FEV1")
        .covariate("RACE")
        .covariate("SEX")
        .read_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/fev/fev.csv"))
        .unwrap();
    let model = Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT").unwrap().covariance(Covariance::Autoregressive);
    let residuals = model.fit(&trial).unwrap().residuals().unwrap();
    let expected = reference["rows"].as_array().unwrap();
    for row in expected {
        let here = residuals
            .rows
            .iter()
            .find(|r| trial.patients()[r.patient] == row["patient"] && residuals.visits[r.visit] == row["visit"])
            .unwrap();
        for (name, value) in
            [("fitted", here.fitted), ("response", here.response), ("pearson", here.pearson), ("normalised", here.normalised)]
        {
            let expected = row[name].as_f64().unwrap();
            assert!((value - expected).abs() <= TOLERANCE * expected.abs().max(1.0), "{name} of {row}: {value}");
        }
    }
    assert_eq!(expected.len(), 100);
    assert_eq!(residuals.rows.len(), 537);
}
