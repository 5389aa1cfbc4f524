//! Means over everyone randomized: identities with marginal means, and the variance that sampled covariates add.

use crate::common::*;
use trialstats::design::{Averaging, CovariateMeans, Design, DesignOptions, FactorWeights};
use trialstats::estimates::{Given, Link};
use trialstats::means::{ArmComparisons, ContrastOptions, MeansOptions, StandardisedMeans};
use trialstats::nalgebra::DMatrix;
use trialstats::trial::Schedule;
use trialstats::{Df, Error, MeanModel, Means, Model, Tabular, Trial};

const IDENTITY: f64 = 1e-10;

fn standardised(formula: &str, trial: &Trial) -> StandardisedMeans {
    let fit = Model::formula(formula).unwrap().df(Df::KenwardRoger).fit(trial).unwrap();
    fit.standardised_means(trial, &ContrastOptions::default()).unwrap()
}

/// Where no number multiplies what is averaged, the average of rows is the row of the averages.
#[test]
fn with_additive_covariates_they_are_observed_margins() {
    let mut c = Comparison::of("observed margins");
    for (trial, formula) in
        [(fev(), "FEV1 ~ RACE + SEX + FEV1_BL + ARMCD * AVISIT"), (bcva(), "BCVA_CHG ~ RACE + BCVA_BL + ARMCD * AVISIT")]
    {
        let fit = Model::formula(formula).unwrap().df(Df::KenwardRoger).fit(&trial).unwrap();
        let options = MeansOptions { averaging: Averaging::weights(FactorWeights::ObservedMargins), ..MeansOptions::default() };
        let margins = fit.marginal_means(&["arm", "visit"], &options).unwrap();
        let ours = fit.standardised_means(&trial, &ContrastOptions::default()).unwrap();
        let means: Vec<_> = ours.rows.iter().filter(|row| row.arm.is_some()).collect();
        c.same("means", means.len(), margins.rows.len());
        for (row, theirs) in
            means.iter().map(|row| (row, margins.get(&[row.arm.as_deref().unwrap(), row.visit.as_deref().unwrap()]).unwrap()))
        {
            c.relative("mean", row.estimate.estimate, theirs.estimate.estimate, IDENTITY);
            c.relative("SE", row.estimate.se, theirs.estimate.se, IDENTITY);
            c.relative("df", row.estimate.df, theirs.estimate.df, 1e-7);
            c.at_least("sampled covariates", row.se_sampled, row.estimate.se * (1.0 + 1e-6), 0.0);
        }
        // Nobody's difference between arms depends on a covariate.
        let contrasts = fit.arm_contrasts(&ContrastOptions::default()).unwrap();
        for (row, theirs) in ours.rows.iter().filter(|row| row.compared.is_some()).zip(&contrasts.rows) {
            c.relative("difference", row.estimate.estimate, theirs.estimate.estimate, 1e-8);
            c.relative("SE", row.estimate.se, theirs.estimate.se, IDENTITY);
            c.relative("SE, sampled", row.se_sampled, row.estimate.se, 1e-9);
        }
    }
    assert_all([c]);
}

/// Numbers held at their mean over everyone randomized are those of the file, not of the analysed rows.
#[test]
fn observed_margins_take_numbers_from_everyone_randomized() {
    let trial = fev();
    let fit = Model::formula("FEV1 ~ FEV1_BL + ARMCD * AVISIT").unwrap().fit(&trial).unwrap();
    let known: Vec<f64> = trial.variable("FEV1_BL").unwrap().numbers().unwrap().iter().copied().filter(|x| !x.is_nan()).collect();
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let of = |averaging: Averaging| {
        let options = MeansOptions { averaging, ..MeansOptions::default() };
        fit.marginal_means(&["arm", "visit"], &options).unwrap().rows[0].estimate.estimate
    };
    let at = of(Averaging::default().at("FEV1_BL", mean));
    assert!((of(Averaging::weights(FactorWeights::ObservedMargins)) - at).abs() < 1e-10);
    assert!((of(Averaging::default().covariate_means(CovariateMeans::Randomized)) - at).abs() < 1e-10);
    assert!((of(Averaging::default()) - at).abs() > 1e-3);
    let per_patient = Averaging::weights(FactorWeights::ObservedMargins).covariate_means(CovariateMeans::Patients);
    assert!((of(per_patient) - at).abs() > 1e-4);
}

/// (b₁ − b₀)² s²/n, for slopes b of the arms on a baseline of variance s².
#[test]
fn an_interaction_adds_the_variance_of_its_slope() {
    let trial = fev();
    let fit = Model::formula("FEV1 ~ FEV1_BL * ARMCD * AVISIT").unwrap().fit(&trial).unwrap();
    let known: Vec<f64> = trial.variable("FEV1_BL").unwrap().numbers().unwrap().iter().copied().filter(|x| !x.is_nan()).collect();
    let n = known.len() as f64;
    let mean = known.iter().sum::<f64>() / n;
    let variance = known.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let table = fit.standardised_means(&trial, &ContrastOptions::default()).unwrap();
    assert_eq!(table.patients, known.len());
    let slope = fit.coefficients().rows.iter().find(|row| row.label == "FEV1_BL:ARMCDTRT").unwrap().estimate;
    let first = table.between("TRT", "PBO", "VIS1").unwrap();
    let expected = (first.estimate.se.powi(2) + slope * slope * variance / n).sqrt();
    assert!((first.se_sampled / expected - 1.0).abs() < 1e-10, "{} for {expected}", first.se_sampled);
    assert!(first.se_sampled > first.estimate.se * (1.0 + 1e-7));
}

/// Everyone has the same prediction in a saturated model: that of the table, with the binomial standard error.
#[test]
fn proportions_of_a_saturated_logistic_model_are_those_of_the_table() {
    let trial = of_values(&["control", "active"], (0..80).map(|i| i % 2).collect(), Schedule::of_labels(["after"]), vec![0.0; 80]);
    let design = Design::build(&trial, &MeanModel::parse("y ~ arm").unwrap(), &DesignOptions::default()).unwrap();
    let (control, active) = (1.0 / 12.0 + 1.0 / 28.0, 1.0 / 22.0 + 1.0 / 18.0);
    let beta = vec![(12.0_f64 / 28.0).ln(), (22.0_f64 / 18.0).ln() - (12.0_f64 / 28.0).ln()];
    let given = Given::new(&design, beta, DMatrix::from_row_slice(2, 2, &[control, -control, -control, control + active])).unwrap();
    let table = given.clone().link(Link::Logit).standardised_means(&trial, &ContrastOptions::default()).unwrap();
    let binomial = |p: f64| p * (1.0 - p) / 40.0;
    let difference = table.between("active", "control", "after").unwrap();
    assert!((difference.estimate.estimate - (0.55 - 0.3)).abs() < 1e-14);
    assert!((difference.estimate.se - (binomial(0.55) + binomial(0.3)).sqrt()).abs() < 1e-14);
    assert!((table.mean("control", "after").unwrap().estimate.se - binomial(0.3).sqrt()).abs() < 1e-14);
    let refused = given.link(Link::LogOutcome).standardised_means(&trial, &ContrastOptions::default()).unwrap_err();
    assert!(refused.to_string().contains("logarithm"), "{refused}");
}

#[test]
fn who_is_not_averaged_over_is_counted_with_the_reason() {
    // The baseline of every tenth patient is lost.
    let lost = |line: &str| {
        let mut fields: Vec<&str> = line.split(',').collect();
        if fields[0].trim_matches('"').ends_with('0') {
            fields[5] = "NA";
        }
        fields.join(",")
    };
    let text: Vec<String> = contents(FEV).lines().map(lost).collect();
    let trial = read_text(&fev_layout(), "fev.csv with baselines lost", &text.join("\n"));
    let table = standardised("FEV1 ~ FEV1_BL + ARMCD * AVISIT", &trial);
    let left_out = trial.variable("FEV1_BL").unwrap().numbers().unwrap().iter().filter(|x| x.is_nan()).count();
    assert_eq!((left_out, table.patients), (20, 180));
    let note = format!("{left_out} of the patients randomized are not averaged over: `FEV1_BL` is missing.");
    assert!(table.notes().contains(&note), "{:?}", table.notes());
    // An arm that nobody was observed in has its rows, without numbers.
    let fit = Model::formula("FEV1 ~ FEV1_BL + ARMCD * AVISIT").unwrap().fit(&fev()).unwrap();
    let unknown = fit.standardised_means(&fev(), &ContrastOptions::default().arms(ArmComparisons::With("nobody".into())));
    assert!(matches!(unknown, Err(Error::Unknown { .. })));
}
