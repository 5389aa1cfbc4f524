//! The simulator of clinical trials: what comes out is what the truth states.

use crate::common::imrs_gst_truth;
use trialstats::instruments::{Caps5, Diagnosis, Instrument, Scid5Pd};
use trialstats::simulate::{Assessed, SimulatedTrial, Truth};

/// The truth with `times` as many patients, therapists and groups.
fn enlarged(times: usize) -> Truth {
    let mut truth = imrs_gst_truth();
    for arm in &mut truth.arms {
        arm.patients.value *= times;
        arm.patients_by_site.value.iter_mut().for_each(|n| *n *= times);
    }
    truth.sites.iter_mut().for_each(|s| s.therapists.value *= times);
    truth
}

/// Without missing visits or items.
fn complete(mut truth: Truth) -> Truth {
    let d = &mut truth.dropout;
    d.at_reference.value.fill(0.0);
    (d.missed_visit.value, d.missed_caps5_item.value, d.missed_scid5pd_item.value) = (0.0, 0.0, 0.0);
    truth
}

fn totals(trial: &SimulatedTrial, arm: usize, visit: usize) -> Vec<f64> {
    let of_arm = trial.patients.iter().filter(|p| p.arm == arm);
    of_arm.filter_map(|p| p.visits[visit].as_ref()?.caps5_total()).map(f64::from).collect()
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn covariance(x: &[f64], y: &[f64]) -> f64 {
    let (mx, my) = (mean(x), mean(y));
    x.iter().zip(y).map(|(a, b)| (a - mx) * (b - my)).sum::<f64>() / (x.len() - 1) as f64
}

/// Far from the ends of the scale and with inclusion certain, totals are the stated normal, rounded: means,
/// covariance, both instruments' correlation and the shares of therapists and groups can be read off directly.
#[test]
fn means_covariances_and_shares_are_those_stated() {
    let mut truth = complete(enlarged(40));
    for arm in &mut truth.arms {
        arm.caps5_means.value = vec![44.0, 42.0, 40.0, 38.0, 36.0];
        arm.scid5pd_means.value = vec![30.0, 25.0, 24.0, 23.0, 22.0];
    }
    truth.caps5.sd.value = vec![3.0, 4.0, 5.0, 6.0, 7.0];
    truth.scid5pd.sd.value = vec![2.0, 3.0, 3.0, 3.0, 3.0];
    let trial = truth.simulate().expect("simulates");
    let r = &truth.correlation.between_visits;
    for arm in 0..2 {
        let y: Vec<Vec<f64>> = (0..5).map(|t| totals(&trial, arm, t)).collect();
        let n = y[0].len() as f64;
        let (therapist, group) = (*truth.therapist_share, if arm == 1 { *truth.group_share } else { 0.0 });
        let patient = (1.0 - therapist - group).sqrt();
        for s in 0..5 {
            let sd = truth.caps5.sd[s];
            // A mean varies with patients, with 640 therapists and with 320 groups.
            let variance = sd * sd * (1.0 / n + therapist / 640.0 + group / 320.0) + 1.0 / (12.0 * n);
            assert!((mean(&y[s]) - truth.arms[arm].caps5_means[s]).abs() < 4.0 * variance.sqrt(), "mean of arm {arm} at visit {s}");
            for t in 0..5 {
                let shrunk = |v: usize| if v == 0 { 1.0 } else { patient };
                let shared = if s > 0 && t > 0 { therapist + group } else { 0.0 };
                let correlation = if s == t { 1.0 } else { r[s][t] * shrunk(s) * shrunk(t) + shared };
                let expected = correlation * sd * truth.caps5.sd[t] + if s == t { 1.0 / 12.0 } else { 0.0 };
                // Four standard errors; clusters enlarge that of a covariance a little.
                let se = 1.5 * ((sd.powi(2) * truth.caps5.sd[t].powi(2) * (1.0 + correlation * correlation)) / n).sqrt();
                assert!((covariance(&y[s], &y[t]) - expected).abs() < 4.0 * se, "covariance of arm {arm} at visits {s} and {t}");
            }
        }
        let scid: Vec<f64> =
            trial.patients.iter().filter(|p| p.arm == arm).filter_map(|p| p.visits[4].as_ref()?.scid5pd_sum()).map(f64::from).collect();
        let between = covariance(&y[4], &scid) / (covariance(&y[4], &y[4]) * covariance(&scid, &scid)).sqrt();
        let expected = *truth.correlation.between_instruments * patient * patient;
        // Rounding lowers a correlation by less than 0.01 here; four standard errors of one from 2,600 pairs are 0.07.
        assert!((between - expected).abs() < 0.08, "{between} against {expected}");
    }
}

#[test]
fn clusters_share_as_much_variance_as_stated() {
    let mut truth = complete(enlarged(60));
    truth.arms.iter_mut().for_each(|a| a.caps5_means.value = vec![44.0; 5]);
    truth.caps5.sd.value = vec![3.0, 8.0, 8.0, 8.0, 8.0];
    (truth.therapist_share.value, truth.group_share.value) = (0.10, 0.20);
    let trial = truth.simulate().expect("simulates");
    let pairs = |same: &dyn Fn(usize) -> Option<usize>| -> f64 {
        let grand = mean(&[totals(&trial, 0, 4), totals(&trial, 1, 4)].concat());
        let mut of: std::collections::BTreeMap<usize, Vec<f64>> = Default::default();
        for (i, p) in trial.patients.iter().enumerate() {
            let total = p.visits[4].as_ref().and_then(Assessed::caps5_total).map(f64::from);
            if let (Some(c), Some(y)) = (same(i), total) {
                of.entry(c).or_default().push(y - grand);
            }
        }
        // Mean product over pairs in one cluster, against the variance.
        let (mut sum, mut n) = (0.0, 0.0);
        for y in of.values() {
            let total: f64 = y.iter().sum();
            sum += total * total - y.iter().map(|y| y * y).sum::<f64>();
            n += (y.len() * (y.len() - 1)) as f64;
        }
        sum / n / 64.0
    };
    let groups = pairs(&|i| trial.patients[i].therapy_group);
    let therapists = pairs(&|i| (trial.patients[i].arm == 0).then_some(trial.patients[i].therapist));
    // 480 groups of 8 and 960 therapists of 4: standard errors of about .015; members of a group share a therapist
    // now and then.
    assert!((groups - 0.20).abs() < 0.07, "{groups}");
    assert!((therapists - 0.10).abs() < 0.06, "{therapists}");
}

#[test]
fn everybody_meets_the_inclusion_criteria_at_baseline() {
    let trial = enlarged(4).simulate().expect("simulates");
    for patient in &trial.patients {
        let first = patient.visits[0].as_ref().expect("the baseline is always observed");
        assert_eq!(Caps5::new().assess(&first.caps5).diagnoses[0], Diagnosis::Met, "{}", patient.id);
        assert!(Scid5Pd::cluster_c().assess(&first.scid5pd).diagnoses.contains(&Diagnosis::Met), "{}", patient.id);
    }
}

#[test]
fn those_who_leave_scored_higher_when_last_seen() {
    let trial = enlarged(20).simulate().expect("simulates");
    let last = trial.truth.visits.len() - 1;
    let at = |t: usize, left: bool| -> Vec<f64> {
        let seen = trial.patients.iter().filter(|p| p.visits[t + 1..=last].iter().all(Option::is_none) == left);
        seen.filter_map(|p| p.visits[t].as_ref()?.caps5_total()).map(f64::from).collect()
    };
    for t in 0..last {
        assert!(mean(&at(t, true)) > mean(&at(t, false)) + 0.5, "visit {t}");
    }
}

#[test]
fn therapists_treat_both_arms_and_groups_hold_eight() {
    let trial = imrs_gst_truth().simulate().expect("simulates");
    for therapist in 0..16 {
        for arm in 0..2 {
            assert!(trial.patients.iter().any(|p| p.therapist == therapist && p.arm == arm), "therapist {therapist}, arm {arm}");
        }
    }
    for group in 0..8 {
        let members: Vec<_> = trial.patients.iter().filter(|p| p.therapy_group == Some(group)).collect();
        assert_eq!(members.len(), 8);
        assert!(members.iter().all(|p| p.site == members[0].site && p.arm == 1));
    }
    assert!(trial.patients.iter().all(|p| p.therapy_group.is_some() == (p.arm == 1)));
}

#[test]
fn a_truth_that_makes_no_sense_is_refused_with_every_fault() {
    let mut truth = imrs_gst_truth();
    truth.arms[0].caps5_means.value.pop();
    truth.arms[1].patients.value = 1;
    truth.correlation.between_visits.value[0][1] = 0.9;
    truth.patients.female.value = 1.2;
    let message = truth.simulate().expect_err("it is faulty").to_string();
    for part in ["caps5_means of arm `ImRs` has 4 values where 5", "arm `ImRs+GST` has 1 patient, but 64", "symmetric", "between 0 and 1"] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    let mut unreachable = self::imrs_gst_truth();
    unreachable.arms[0].caps5_means.value[0] = -60.0;
    assert!(unreachable.simulate().expect_err("nobody qualifies").to_string().contains("inclusion criteria"));
}
