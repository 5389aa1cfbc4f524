//! Trials from a truth: moments, clusters, dropout, and what changes with an assumption.

use trialstats::study::{ArmTruth, ClusterTruth, Correlation, MissingTruth, TrialTruth};
use trialstats::trial::Trial;

fn truth() -> TrialTruth {
    TrialTruth::new(["0", "1", "2"], [2.0, 3.0, 4.0], Correlation::Autoregressive(0.6))
        .arm(ArmTruth::new("a", 6000, [10.0, 8.0, 7.0]))
        .arm(ArmTruth::with_effect("b", 6000, -0.5))
}

fn values(trial: &Trial, arm: usize, visit: usize) -> Vec<f64> {
    let y = &trial.outcomes()[0];
    (0..trial.patients().len()).filter(|&i| trial.arm_of()[i] == arm).filter_map(|i| trial.value(y, i, visit)).collect()
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// Four Monte-Carlo standard errors.
#[test]
fn means_and_covariance_are_those_stated() {
    let trial = truth().trial(1, 0).expect("a truth");
    let (n, sd) = (6000.0_f64, [2.0, 3.0, 4.0]);
    for (arm, expected) in [(0, [10.0, 8.0, 7.0]), (1, [10.0, 7.5, 6.0])] {
        let y: Vec<Vec<f64>> = (0..3).map(|t| values(&trial, arm, t)).collect();
        for s in 0..3 {
            assert!((mean(&y[s]) - expected[s]).abs() < 4.0 * sd[s] / n.sqrt(), "mean of arm {arm} at {s}");
            for t in 0..=s {
                let product = |(a, b): (&f64, &f64)| (a - expected[s]) * (b - expected[t]);
                let covariance = mean(&y[s].iter().zip(&y[t]).map(product).collect::<Vec<_>>());
                let rho = 0.6_f64.powi((s - t) as i32);
                let error = sd[s] * sd[t] * ((1.0 + rho * rho) / n).sqrt();
                assert!((covariance - sd[s] * sd[t] * rho).abs() < 4.0 * error, "covariance {s}, {t}");
            }
        }
    }
}

/// The variance of everyone is that stated, and the share between clusters is the intraclass correlation: mean squares of
/// 750 groups of 8, four Monte-Carlo errors.
#[test]
fn members_of_a_cluster_share_the_intraclass_correlation() {
    let trial = truth().cluster(ClusterTruth::groups("group", "b", 8, 0.1)).trial(2, 0).expect("a truth");
    let codes = trial.cluster("group").expect("a factor").codes().expect("codes").to_vec();
    assert_eq!((codes[0], codes[6000], codes[6007], codes[6008]), (None, Some(0), Some(0), Some(1)));
    for (visit, variance) in [(0, 4.0), (2, 16.0_f64)] {
        let y = values(&trial, 1, visit);
        let of_groups: Vec<f64> = y.chunks(8).map(mean).collect();
        let all = mean(&of_groups);
        let between = of_groups.iter().map(|m| 8.0 * (m - all).powi(2)).sum::<f64>() / 749.0;
        let icc = if visit == 0 { 0.0 } else { 0.1 };
        let expected = variance * (1.0 + 7.0 * icc);
        assert!((between - expected).abs() < 4.0 * expected * (2.0 / 749.0_f64).sqrt(), "visit {visit}: {between} for {expected}");
    }
    // Therapists of all arms are dealt their patients in turn.
    let shared = truth().cluster(ClusterTruth::shared("therapist", 7, 0.05)).trial(2, 0).expect("a truth");
    let therapist = shared.cluster("therapist").expect("a factor");
    assert_eq!(therapist.levels().len(), 7);
    let caseload = |k: usize| therapist.codes().expect("codes").iter().filter(|c| **c == Some(k)).count();
    assert!((0..7).all(|k| (caseload(k) as i64 - 12_000 / 7).abs() <= 1));
}

#[test]
fn as_many_leave_as_the_curve_says() {
    let curve = [1.0, 0.8, 0.7];
    let trial = truth().missing(MissingTruth::with_retention(curve)).trial(3, 0).expect("a truth");
    for t in 0..3 {
        let share = values(&trial, 0, t).len() as f64 / 6000.0;
        assert!((share - curve[t]).abs() <= 4.0 * (curve[t] * (1.0 - curve[t]) / 6000.0_f64).sqrt(), "visit {t}: {share}");
    }
    // At random: those who leave were worse at the visit before; informative: at the visit that is not seen.
    let complete = truth().trial(3, 0).expect("a truth");
    let gone_before = |missing: MissingTruth, visit: usize| {
        let trial = truth().missing(missing).trial(3, 0).expect("a truth");
        let y = |trial: &Trial, i: usize, t: usize| trial.value(&trial.outcomes()[0], i, t);
        let gone: Vec<f64> = (0..6000).filter(|&i| y(&trial, i, 1).is_none()).filter_map(|i| y(&complete, i, visit)).collect();
        mean(&gone)
    };
    let plain = MissingTruth::with_retention([1.0, 0.7, 0.6]);
    let worse = plain.clone().log_odds_per_sd(1.0);
    assert!(gone_before(plain.clone(), 0) < 10.2 && gone_before(worse.clone(), 0) > 10.8);
    let mut hidden = worse.clone();
    hidden.informative = true;
    assert!(gone_before(hidden, 1) > gone_before(worse, 1) + 0.5);
}

/// Patients are the same whatever the number of patients, the effect and who leaves.
#[test]
fn trials_of_one_number_share_their_random_numbers() {
    let small = truth().with_patients(100);
    let (one, more) = (small.trial(4, 7).expect("a truth"), truth().with_patients(140).trial(4, 7).expect("a truth"));
    assert_eq!(one.randomized(), [50, 50]);
    assert_eq!(values(&one, 1, 2), values(&more, 1, 2)[..50]);
    let moved = small.with_effect(-1.0).trial(4, 7).expect("a truth");
    for (a, b) in values(&one, 1, 2).iter().zip(values(&moved, 1, 2)) {
        assert!((a - b - 1.0).abs() < 1e-12, "half a baseline SD of 2 further down");
    }
    let left = small.with_dropout(0.3).trial(4, 7).expect("a truth");
    let y = |trial: &Trial, i: usize| trial.value(&trial.outcomes()[0], i, 2);
    assert!((0..100).all(|i| y(&left, i).is_none_or(|value| Some(value) == y(&one, i))));
    assert_ne!(values(&one, 0, 0), values(&small.trial(4, 8).expect("a truth"), 0, 0));
}

#[test]
fn scores_stay_within_bounds_and_their_mean_is_known() {
    let mut bounded = truth();
    (bounded.bounds, bounded.whole) = (Some((6.0, 12.0)), true);
    let trial = bounded.trial(5, 0).expect("a truth");
    let y = values(&trial, 0, 2);
    assert!(y.iter().all(|y| (6.0..=12.0).contains(y) && y.fract() == 0.0));
    // Rounding moves a mean by little; four Monte-Carlo errors and that.
    assert!(
        (mean(&y) - bounded.expected(0, 2)).abs() < 4.0 * 2.5 / 6000.0_f64.sqrt() + 0.02,
        "{} for {}",
        mean(&y),
        bounded.expected(0, 2)
    );
}

#[test]
fn impossible_truths_say_why() {
    let says = |truth: TrialTruth| truth.trial(1, 0).expect_err("refused").to_string();
    let changed = |change: fn(&mut TrialTruth)| {
        let mut truth = truth();
        change(&mut truth);
        truth
    };
    assert!(says(changed(|t| t.sd = vec![1.0])).contains("standard deviations"));
    assert!(says(changed(|t| t.correlation = Correlation::Exchangeable(-0.9))).contains("positive definite"));
    assert!(says(changed(|t| t.arms[0].patients = 0)).contains("no patients"));
    assert!(says(changed(|t| t.arms[0].means = None)).contains("arm `a`"));
    assert!(says(changed(|t| t.arms[1].name = "a".into())).contains("another arm has this name"));
    assert!(says(changed(|t| t.arms[1].shape = Some(vec![1.0]))).contains("shape"));
    assert!(says(changed(|t| t.bounds = Some((3.0, 1.0)))).contains("bounds"));
    assert!(says(truth().missing(MissingTruth::with_retention([1.0, 0.5, 0.7]))).contains("retention"));
    assert!(says(truth().missing(MissingTruth::left_by_end(1.0))).contains("left-by-end"));
    assert!(says(truth().cluster(ClusterTruth::groups("g", "c", 8, 0.1))).contains("`c`"));
    assert!(says(truth().cluster(ClusterTruth::groups("g", "b", 0, 0.1))).contains("without patients"));
    assert!(says(truth().cluster(ClusterTruth::groups("g", "b", 8, 1.0))).contains("intraclass"));
    // An intraclass correlation above the correlation of two visits leaves no covariance within groups.
    assert!(says(truth().cluster(ClusterTruth::groups("g", "b", 8, 0.9))).contains("positive definite"));
    let unknown = TrialTruth::from_toml("visits = ['0', '1']\nsd = [1, 1]\ncorrelation = { exchangeable = 0.5 }\narm = []\narms = []");
    assert!(unknown.expect_err("refused").to_string().contains("arm"));
}
