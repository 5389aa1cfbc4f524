//! Which columns of the file a formula speaks of.

use super::failure::Failure;
use super::source::SourceArguments;
use trialstats::design::MeanModel;

/// The covariates among a mean model's variables: everything that is not patient, visit, arm or derived from the schedule.
pub fn covariates(model: &MeanModel, source: &SourceArguments, arm: Option<&str>) -> Result<Vec<String>, Failure> {
    let mut found = vec![];
    for variable in model.variables() {
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
        if is_column {
            found.push(variable.clone());
        }
    }
    Ok(found)
}
