//! Which columns of the file a formula speaks of.

use super::failure::Failure;
use super::source::SourceArguments;
use trialstats::Model;

/// The covariates among the variables of the mean and of what multiplies random effects: everything that is not
/// patient, visit, arm or derived from the schedule.
pub fn covariates(model: &Model, source: &SourceArguments, arm: Option<&str>) -> Result<Vec<String>, Failure> {
    let mut found: Vec<String> = vec![];
    let multipliers = model.random_effects().iter().flat_map(|r| r.terms().iter().flatten());
    for variable in model.mean().variables().iter().chain(multipliers) {
        let is_column = match variable.as_str() {
            name if name == source.visit || Some(name) == arm => false,
            // `visit` and `arm` mean the visit and the arm whatever their columns are called.
            "visit" => false,
            "arm" if arm.is_some() => false,
            "arm" if !source.header()?.contains(variable) => {
                return Err(Failure::Usage("the formula speaks of `arm`; name its column with --arm COLUMN or --means ARM VISIT".into()));
            }
            // `baseline` and `time` are derived from the schedule unless the file has such a column.
            "baseline" | "time" => source.header()?.contains(variable),
            _ => true,
        };
        if is_column && !found.contains(variable) {
            found.push(variable.clone());
        }
    }
    Ok(found)
}

/// The columns of the factors of random effects, but for patient, visit and arm.
pub fn clusters(model: &Model, source: &SourceArguments, arm: Option<&str>) -> Vec<String> {
    let known = ["patient", "visit", "arm", &source.subject, &source.visit, arm.unwrap_or("arm")];
    let factors = model.random_effects().iter().flat_map(|r| r.factors());
    factors.filter(|f| !known.contains(&f.as_str())).cloned().collect()
}
