//! Which columns of the file a formula speaks of.

use super::failure::Failure;
use super::source::SourceArguments;
use trialstats::Model;

/// The covariates among the columns of the mean and of what multiplies random effects: everything that is not patient,
/// visit, time, arm or derived from the schedule. A column of the file is meant before anything else of its name.
pub fn covariates(model: &Model, source: &SourceArguments, arm: Option<&str>) -> Result<Vec<String>, Failure> {
    let mut found: Vec<String> = vec![];
    let multipliers = model.random_effects().iter().flat_map(|r| r.terms().iter().flatten());
    for variable in model.mean().columns().into_iter().chain(multipliers.map(String::as_str)) {
        let in_file = || Ok::<bool, Failure>(source.header()?.iter().any(|column| column == variable));
        let is_column = match variable {
            name if name == source.visit() && source.visit.is_some() || Some(name) == arm || Some(name) == source.time.as_deref() => false,
            "arm" if arm.is_none() && !in_file()? => {
                return Err(Failure::Usage("the formula speaks of `arm`; name its column with --arm COLUMN or --means ARM VISIT".into()));
            }
            "arm" | "visit" | "baseline" | "time" => in_file()?,
            _ => true,
        };
        if is_column && !found.iter().any(|known| known == variable) {
            found.push(variable.to_string());
        }
    }
    Ok(found)
}

/// The columns of the factors of random effects, but for patient, visit and arm.
pub fn clusters(model: &Model, source: &SourceArguments, arm: Option<&str>) -> Vec<String> {
    // `patient`, `visit` and `arm` are columns of the file that have these names where there are any.
    let header = source.header().unwrap_or_default();
    let generic = ["patient", "visit", "arm"].into_iter().filter(|name| !header.iter().any(|column| column == name));
    let known: Vec<&str> = generic.chain([source.subject.as_str(), source.visit()]).chain(arm).collect();
    let factors = model.random_effects().iter().flat_map(|r| r.factors());
    factors.filter(|f| !known.contains(&f.as_str())).cloned().collect()
}
