//! Variances and correlations of which the likelihood knows nothing are refused under every structure and by every engine;
//! those of which it knows little are not.

use crate::common::*;
use trialstats::fit::{Failure, Silence};
use trialstats::trial::Trial;
use trialstats::{Covariance, Error, Estimation, Model, Vcov};

/// The FEV1 trial with VIS4 observed in these patients alone.
fn with_last_visit_of(patients: &[&str]) -> Trial {
    let text = contents("data-samples/fev/fev.csv");
    let kept = |line: &str| {
        let fields: Vec<&str> = line.split(',').map(|f| f.trim_matches('"')).collect();
        fields[1] != "VIS4" || patients.contains(&fields[0])
    };
    let rows: Vec<&str> = text.lines().filter(|line| kept(line)).collect();
    read_text(&fev_layout(), "fev.csv with few at the last visit", &rows.join("\n"))
}

/// A patient of each arm, both seen at every visit.
const ONE_PER_ARM: [&str; 2] = ["PT8", "PT11"];

fn failure(model: &Model, trial: &Trial) -> (Failure, String) {
    match model.fit(trial) {
        Err(error @ Error::Fit(_)) => {
            let text = error.to_string();
            let Error::Fit(failure) = error else { unreachable!("it was one") };
            (failure, text)
        }
        other => panic!("{other:?}"),
    }
}

fn named(name: &str) -> Covariance {
    Covariance::named(name).expect("a structure")
}

/// After mmrm's issue 315: each observation at VIS4 has a mean of its own, so that the restricted likelihood is constant
/// in the variance there.
#[test]
fn a_visit_with_one_patient_per_arm_has_no_variance() {
    let trial = with_last_visit_of(&ONE_PER_ARM);
    for name in ["ar1h", "csh", "adh", "toeph", "us"] {
        let model = Model::formula("FEV1 ~ ARMCD * AVISIT").expect("parses").covariance(named(name));
        for vcov in [Vcov::ModelBased, Vcov::Cr2] {
            let (failure, text) = failure(&model.clone().vcov(vcov), &trial);
            assert_eq!(failure.code(), "covariance-not-identified", "{name}: {text}");
            let Failure::NotIdentified { parameters, why, .. } = failure else { panic!("{name}: {text}") };
            assert_eq!(why, Silence::TakenByMean, "{name}: {text}");
            assert!(parameters.contains(&"variance VIS4".to_string()), "{name}: {text}");
        }
    }
}

#[test]
fn so_along_a_list_to_fall_back_on() {
    let trial = with_last_visit_of(&ONE_PER_ARM);
    let model = Model::formula("FEV1 ~ ARMCD * AVISIT").expect("parses").covariance_else([named("ar1h")]);
    let Err(Error::NoCovarianceFits { attempts }) = model.fit(&trial) else { panic!("neither has an optimum") };
    assert_eq!(attempts.iter().map(|a| a.failure.code()).collect::<Vec<_>>(), ["covariance-not-identified"; 2]);
    // One variance for all visits is known, and so is the variance of VIS4 where the arms share its mean.
    let cured = model.covariance_else([named("ar1h"), named("ar1")]).fit(&trial).expect("one variance");
    assert_eq!(cured.attempts().len(), 2);
    Model::formula("FEV1 ~ ARMCD + AVISIT").expect("parses").covariance(named("csh")).fit(&trial).expect("one mean for two observations");
}

/// Two patients in one arm and one in the other leave one residual at VIS4: little, but something.
#[test]
fn a_variance_with_one_residual_is_estimated() {
    let trial = with_last_visit_of(&["PT8", "PT11", "PT4"]);
    let fit = Model::formula("FEV1 ~ ARMCD * AVISIT").expect("parses").covariance(named("ar1h")).fit(&trial).expect("one residual");
    assert!(fit.convergence().decrement < 1e-10);
}

/// Random effects of a factor above the same covariance: the dense engine.
#[test]
fn random_effects_do_not_hide_it() {
    let trial = with_last_visit_of(&ONE_PER_ARM);
    let model = Model::formula("FEV1 ~ ARMCD * AVISIT + (1 | RACE)").expect("parses").covariance(named("csh"));
    let (failure, text) = failure(&model, &trial);
    assert_eq!(failure.code(), "covariance-not-identified", "{text}");
    assert!(text.contains("variance VIS4"), "{text}");
}

/// A covariance of its own for each arm, and one patient of an arm with a visit.
#[test]
fn nor_does_a_covariance_for_each_arm() {
    let trial = with_last_visit_of(&["PT8", "PT11", "PT2", "PT7"]);
    let model = Model::formula("FEV1 ~ ARMCD * AVISIT").expect("parses").covariance(named("csh")).covariance_by("ARMCD");
    let (failure, text) = failure(&model, &trial);
    assert_eq!(failure.code(), "covariance-not-identified", "{text}");
    assert!(text.contains("variance VIS4 (TRT)"), "{text}");
}

/// Under full maximum likelihood the variance is not unknown but zero.
#[test]
fn maximum_likelihood_names_the_visit_as_well() {
    let trial = with_last_visit_of(&ONE_PER_ARM);
    let model = Model::formula("FEV1 ~ ARMCD * AVISIT").expect("parses").covariance(named("ar1h")).estimation(Estimation::Ml);
    let (_, text) = failure(&model, &trial);
    assert!(text.contains("VIS4"), "{text}");
}
