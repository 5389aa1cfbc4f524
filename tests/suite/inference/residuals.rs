//! Residuals against nlme.

use crate::common::{fev, reference};
use trialstats::Model;
use trialstats::covariance::Covariance;

/// nlme stops where its own criterion is met, a few 1e-7 from the optimum in the correlation; residuals inherit that.
const TOLERANCE: f64 = 2e-6;

#[test]
fn residuals_are_those_of_nlme() {
    let reference = reference("residuals/fev_ar1.json");
    let trial = fev();
    let model = Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT").unwrap().covariance(Covariance::Autoregressive);
    let residuals = model.fit(&trial).unwrap().residuals();
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
