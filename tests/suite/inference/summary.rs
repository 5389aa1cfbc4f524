//! What `println!("{fit}")` shows, to the letter. The numbers are held to R and SAS elsewhere; here it is what is shown,
//! where, and once.

use crate::common::{IMRS_GST, fev, read};
use trialstats::instruments::Caps5;
use trialstats::{Covariance, Df, Estimation, Fit, Layout, Model};

fn shows(fit: trialstats::Result<Fit>, expected: &str) {
    let printed = fit.expect("fits").to_string();
    assert!(printed == expected, "printed:\n{printed}\nexpected:\n{expected}");
}

#[test]
fn a_model_of_visits_shows_coefficients_and_the_covariance_of_visits() {
    let fit = Model::formula("FEV1 ~ RACE + SEX + arm * visit").expect("parses").fit(&fev());
    shows(fit, include_str!("summaries/unstructured.txt"));
}

#[test]
fn parameters_of_every_group_are_shown() {
    let model = Model::formula("FEV1 ~ arm * visit").expect("parses").covariance(Covariance::HeterogeneousCompoundSymmetry);
    shows(model.covariance_by("arm").df(Df::KenwardRoger).fit(&fev()), include_str!("summaries/by_group.txt"));
}

/// A numeric visit beside the factor adds nothing: its row is empty, and what it equals is said.
#[test]
fn an_aliased_column_has_no_numbers_and_a_warning() {
    let model = Model::formula("FEV1 ~ SEX + arm * visit + VISITN").expect("parses").covariance(Covariance::Autoregressive);
    shows(model.estimation(Estimation::Ml).fit(&fev()), include_str!("summaries/aliased.txt"));
}

#[test]
fn random_effects_are_shown_as_variance_components() {
    let layout = Layout::long("patient", "arm", "visit").cluster("therapist").instrument(Caps5::default());
    let trial = read(&layout, IMRS_GST);
    let fit = Model::formula("caps5 ~ arm * visit + (1 | therapist) + (1 | patient)").expect("parses").fit(&trial);
    shows(fit, include_str!("summaries/random_effects.txt"));
}
