//! Rows with other outcomes, against the design of a trial that has these outcomes.

use crate::common::{contents, imrs_gst, outcome, read_text, three_arms, three_arms_layout};
use trialstats::design::{Averaging, Design, FactorWeights};
use trialstats::trial::{Schedule, Variable};
use trialstats::{Error, Model, Trial};

const DESIGN: &str = "tests/references/design/trial.csv";

/// The outcomes of a design's patients in another trial of the same patients.
fn outcomes_in(design: &Design, trial: &Trial) -> Vec<f64> {
    let (values, scheduled) = (&trial.outcome(design.outcome()).unwrap().values, trial.schedule().len());
    let own = |&i: &usize| design.columns().visits().iter().map(move |&t| values[i * scheduled + t]);
    design.patients().iter().flat_map(own).collect()
}

/// Everything that a fit takes from two designs.
fn assert_same(ours: &Design, theirs: &Design, what: &str) {
    assert_eq!(ours.patients(), theirs.patients(), "{what}");
    assert_eq!(ours.model_matrix(), theirs.model_matrix(), "{what}");
    assert_eq!(ours.random(), theirs.random(), "{what}");
    assert_eq!((ours.n_patients(), ours.n_observations()), (theirs.n_patients(), theirs.n_observations()), "{what}");
    for weights in [FactorWeights::Equal, FactorWeights::Proportional, FactorWeights::ObservedMargins] {
        let mean = |design: &Design| design.marginal_row(&[("visit", "v3")], &Averaging::weights(weights)).unwrap();
        assert_eq!(mean(ours), mean(theirs), "{what}, {weights:?}");
    }
}

/// The file with an outcome in every row, and with the outcomes of every third row taken away.
fn completed_and_thinned() -> (String, String) {
    let text = contents(DESIGN);
    let filled = |line: &str| if line.ends_with(',') { format!("{line}15.5") } else { line.to_string() };
    let completed: Vec<String> = text.lines().map(filled).collect();
    let thinned = completed.iter().enumerate().map(|(i, line)| match (i % 3, line.rsplit_once(',')) {
        (1, Some((start, _))) if i > 0 => format!("{start},"),
        _ => line.clone(),
    });
    let thinned = thinned.collect::<Vec<_>>().join("\n");
    (completed.join("\n"), thinned)
}

#[test]
fn cells_are_completed_and_left_out_as_in_a_trial_of_these_outcomes() {
    let layout = three_arms_layout();
    let (completed, thinned) = completed_and_thinned();
    let trials = [three_arms(), read_text(&layout, "completed", &completed), read_text(&layout, "thinned", &thinned)];
    for formula in [
        "y ~ arm * visit",
        "y ~ site * sex + dose * mood + arm * visit",
        "y ~ dose + arm * visit + (1 + dose | site)",
        "y ~ arm * visit + (1 + time | patient)",
    ] {
        let model = Model::formula(formula).unwrap();
        let designs: Vec<Design> = trials.iter().map(|trial| model.design(trial).unwrap()).collect();
        for from in &designs {
            for (trial, to) in trials.iter().zip(&designs) {
                let changed = from.with_outcomes(&outcomes_in(from, trial)).unwrap();
                assert_same(&changed, to, formula);
            }
        }
    }
}

/// Two arms, four patients, two visits; the weight and the dose of the second patient are not known at the second.
fn small() -> Trial {
    let nan = f64::NAN;
    crate::common::invented(&["P", "T"], vec![0, 0, 1, 1, 1], Schedule::of_labels(["v1", "v2"]))
        .outcome(outcome("y", vec![1.0, 2.0, 3.0, nan, 5.0, 7.0, nan, nan, 4.0, 6.0]))
        .variable(Variable::number_by_visit("dose", vec![1.0, 2.0, 1.0, nan, 3.0, 1.0, 2.0, 2.0, 1.0, nan]))
        .variable(Variable::weight("w", vec![1.0, 2.0, 1.0, nan, 3.0, 1.0, 2.0, 0.5, 1.0, 1.0]))
        .build()
        .unwrap()
}

#[test]
fn what_a_new_cell_lacks_is_named() {
    let trial = small();
    let refused = |model: Model, at: usize, value: f64| {
        let design = model.design(&trial).unwrap();
        let mut outcomes = design.rows().outcomes().to_vec();
        outcomes[at] = value;
        design.with_outcomes(&outcomes).unwrap_err()
    };
    let plain = || Model::formula("y ~ arm * visit").unwrap();
    match refused(Model::formula("y ~ arm + dose").unwrap(), 3, 4.0) {
        Error::Missing { variable, patient, visit, .. } => assert_eq!([variable, patient, visit], ["dose", "1", "v2"]),
        other => panic!("{other}"),
    }
    match refused(plain().weights("w"), 3, 4.0) {
        Error::Missing { variable, why, .. } => assert_eq!([variable, why], ["w", "is missing or not positive"]),
        other => panic!("{other}"),
    }
    assert_eq!(refused(plain(), 3, f64::INFINITY).code(), "not-finite");
    let design = plain().design(&trial).unwrap();
    assert_eq!(design.with_outcomes(&[1.0]).unwrap_err().code(), "wrong-number-of-values");
    // What was observed and excluded is a new cell as well.
    let design = Model::formula("y ~ arm + dose").unwrap().design(&trial).unwrap();
    let last = design.rows().outcomes().len() - 1;
    assert!(design.rows().outcomes()[last].is_nan());
    assert_eq!(refused(Model::formula("y ~ arm + dose").unwrap(), last, 6.0).code(), "missing-value");
}

#[test]
fn weights_of_new_cells_are_theirs() {
    let design = Model::formula("y ~ arm * visit").unwrap().weights("w").design(&small()).unwrap();
    let everyone = design.of_everyone().unwrap();
    assert_eq!(design.patients(), [0, 1, 2, 4]);
    assert_eq!(everyone.patients(), [0, 1, 2, 3, 4]);
    let completed = everyone.with_outcomes(&[1.0, 2.0, 3.0, f64::NAN, 5.0, 7.0, 8.0, 9.0, 4.0, 6.0]).unwrap();
    assert_eq!((completed.n_patients(), completed.n_observations()), (5, 9));
    assert_eq!(completed.rows().weights().unwrap(), [1.0, 2.0, 1.0, 1.0, 3.0, 1.0, 2.0, 0.5, 1.0, 1.0]);
    assert_eq!(everyone.rows().weights().unwrap()[6..8], [1.0, 1.0]);
}

#[test]
fn patients_without_an_outcome_stand_among_the_others() {
    let trial = imrs_gst();
    let design = Model::formula("caps5 ~ baseline + site + arm * visit").unwrap().design(&trial).unwrap();
    let everyone = design.of_everyone().unwrap();
    let without = design.exclusions().without_outcome.len();
    assert!(without > 0);
    assert_eq!(everyone.patients().len(), design.patients().len() + without);
    // Nobody of theirs is observed yet.
    assert_eq!(everyone.n_patients(), design.n_patients());
    assert_eq!(everyone.n_observations(), design.n_observations());
    let rows = |design: &Design| -> Vec<(usize, usize, Vec<f64>)> {
        design.model_matrix().into_iter().map(|(i, t, row)| (design.patients()[i], t, row)).collect()
    };
    assert_eq!(rows(&everyone), rows(&design));
    let completed = everyone.with_outcomes(&vec![20.0; everyone.rows().outcomes().len()]).unwrap();
    let applied = design.columns().applied_to(&trial).unwrap();
    for (i, t, row) in rows(&completed) {
        assert_eq!(row, applied.row(i, t).unwrap());
    }
    assert_eq!(completed.n_patients(), everyone.patients().len());
}
