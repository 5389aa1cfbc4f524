//! Truths from a pilot, and what a pilot leaves unknown.

use trialstats::study::{ArmTruth, Correlation, MissingTruth, StudyFile, TrialTruth};
use trialstats::trial::Trial;
use trialstats::{Fit, Model};

fn planned(patients: usize) -> TrialTruth {
    let mut truth = TrialTruth::new(["0", "1", "2"], [2.0, 3.0, 4.0], Correlation::Autoregressive(0.6))
        .arm(ArmTruth::new("a", patients, [10.0, 8.0, 7.0]))
        .arm(ArmTruth::with_effect("b", patients, -0.5))
        .missing(MissingTruth::left_by_end(0.2));
    truth.missing.missed = 0.1;
    truth
}

fn fitted(pilot: &Trial) -> Fit {
    Model::formula("y ~ arm * visit").expect("a formula").fit(pilot).expect("a fit")
}

/// Means and covariance are the fit's, to rounding; dropout is what a count of the pilot says.
#[test]
fn a_pilot_is_planned_again_as_it_was() {
    let pilot = planned(60).trial(3, 0).expect("a trial");
    let fit = fitted(&pilot);
    let truth = TrialTruth::from_fit(&fit, &pilot).expect("a truth");
    for (a, arm) in ["a", "b"].into_iter().enumerate() {
        for (t, visit) in ["0", "1", "2"].into_iter().enumerate() {
            let mean = fit.contrast("mean", &[(arm, visit, 1.0)]).expect("a mean").estimate;
            assert!((truth.mean(a, t) - mean).abs() < 1e-12);
        }
    }
    let sigma = &fit.covariances()[0].sigma;
    for (k, own) in truth.covariance().into_iter().enumerate() {
        assert!((own - sigma[(k / 3, k % 3)]).abs() < 1e-12 * sigma[(2, 2)]);
    }
    let y = &pilot.outcomes()[0].values;
    for arm in 0..2 {
        let own: Vec<&[f64]> = y.chunks_exact(3).zip(pilot.arm_of()).filter(|(_, a)| **a == arm).map(|(own, _)| own).collect();
        let share = |seen: &dyn Fn(&[f64]) -> bool| own.iter().filter(|y| seen(y)).count() as f64 / own.len() as f64;
        let missing = truth.arms[arm].missing.as_ref().expect("who is missing");
        let curve = missing.retention.as_ref().expect("a curve");
        let expected = [1.0, share(&|y| !y[1].is_nan() || !y[2].is_nan()), share(&|y| !y[2].is_nan())];
        assert!(curve.iter().zip(expected).all(|(x, e)| (x - e).abs() < 1e-15), "{curve:?} for {expected:?}");
        // One visit lies between: it is missed by those who came to the last without it.
        let missed = share(&|y| y[1].is_nan() && !y[2].is_nan()) / expected[2];
        assert!((missing.missed - missed).abs() < 1e-15);
    }
    // Where lines break depends on the digits of the estimates.
    let text = truth.assumptions().to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("estimated in a pilot of 120 patients"), "{text}");
}

/// Over many trials with assurance, means and variances spread by what the pilot leaves unknown and what a trial adds: four
/// Monte-Carlo errors of a standard deviation.
#[test]
fn trials_spread_by_what_the_pilot_leaves_unknown() {
    let pilot = planned(30).trial(5, 0).expect("a trial");
    let mut truth = TrialTruth::from_fit_with_uncertainty(&fitted(&pilot), &pilot).expect("a truth").with_patients(2000);
    truth.arms.iter_mut().for_each(|arm| arm.missing = None);
    let (trials, drawer, unknown) = (120, truth.drawer().expect("a drawer"), truth.uncertainty.clone().expect("what is unknown"));
    let (mut means, mut variances) = (vec![], vec![]);
    for r in 0..trials {
        let trial = drawer.trial(8, r).expect("a trial");
        let last: Vec<f64> =
            trial.outcomes()[0].values.chunks_exact(3).zip(trial.arm_of()).filter(|(_, a)| **a == 1).map(|(y, _)| y[2]).collect();
        let mean = last.iter().sum::<f64>() / last.len() as f64;
        means.push(mean);
        variances.push(last.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (last.len() as f64 - 1.0));
    }
    let spread = |x: &[f64]| {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (x.len() as f64 - 1.0)
    };
    let variance = truth.sd[2].powi(2);
    let of_mean = unknown.means[5][5] + variance / 1000.0;
    let of_variance = unknown.covariance[5][5] + 2.0 * variance * variance / 999.0;
    let error = 4.0 * (2.0 / (trials as f64 - 1.0)).sqrt();
    assert!((spread(&means) / of_mean - 1.0).abs() < error, "{} for {of_mean}", spread(&means));
    // Draws without a covariance are drawn again, which takes a little of the spread.
    assert!((spread(&variances) / of_variance - 1.0).abs() < error + 0.1, "{} for {of_variance}", spread(&variances));
    // The unknown is much of it: a trial alone would spread far less.
    assert!(unknown.means[5][5] > 5.0 * variance / 1000.0);
}

/// A study's file takes its truth from a plan and its data, but for the keys that it states itself.
#[test]
fn a_file_names_its_pilot() {
    let folder = std::env::temp_dir().join(format!("trialstats-pilot-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let pilot = planned(25).trial(4, 0).expect("a trial");
    let mut csv = String::from("id,arm,visit,y\n");
    for (i, own) in pilot.outcomes()[0].values.chunks_exact(3).enumerate() {
        for (t, y) in own.iter().enumerate() {
            let y = if y.is_nan() { String::new() } else { y.to_string() };
            csv += &format!("{i},{},{t},{y}\n", pilot.arms()[pilot.arm_of()[i]]);
        }
    }
    let plan =
        "primary = 'y'\n[layout]\nshape = 'long'\npatient = 'id'\narm = 'arm'\nvisit = 'visit'\nbaseline-visit = '0'\noutcomes = ['y']\n";
    let study = "primary = 'y'\n[study]\ntrials = 10\n[truth]\nmissing = { missed = 0 }\npilot = { plan = 'pilot.toml', data = 'pilot.csv', patients = 80, assurance = true }\n";
    for (name, text) in [("pilot.csv", csv.as_str()), ("pilot.toml", plan), ("study.toml", study)] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    let file = StudyFile::open(folder.join("study.toml")).expect("a study");
    let expected = TrialTruth::from_fit_with_uncertainty(&fitted(&pilot), &pilot).expect("a truth").with_patients(80);
    assert_eq!(file.truth.patients(), 80);
    assert_eq!(file.truth.mean(1, 2).to_bits(), expected.mean(1, 2).to_bits());
    assert_eq!(file.truth.uncertainty, expected.uncertainty);
    std::fs::write(folder.join("study.toml"), study.replace("pilot.csv", "nothing.csv")).expect("a file");
    assert!(StudyFile::open(folder.join("study.toml")).is_err());
    std::fs::remove_dir_all(folder).expect("the folder");
}

#[test]
fn fits_that_are_no_pilot_say_why() {
    let pilot = planned(25).trial(4, 0).expect("a trial");
    let says = |formula: &str| {
        let fit = Model::formula(formula).and_then(|m| m.fit(&pilot)).expect("a fit");
        TrialTruth::from_fit(&fit, &pilot).expect_err("refused").to_string()
    };
    assert!(says("y ~ baseline + arm * visit").contains("baseline"));
    assert!(says("y ~ arm * visit + us(visit | arm / patient)").contains("covariance for each group"));
    assert!(says("y ~ arm * visit + (1 | patient)").contains("random effects"));
    let toeplitz = Model::formula("y ~ arm * visit + toeplitz(visit | patient)").and_then(|m| m.fit(&pilot)).expect("a fit");
    assert!(TrialTruth::from_fit_with_uncertainty(&toeplitz, &pilot).expect_err("refused").to_string().contains("unstructured"));
}
