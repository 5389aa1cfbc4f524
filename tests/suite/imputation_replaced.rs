//! Standard errors where events replace values: the nonparametric delta method against exact identities, derivatives, the
//! jackknife, and the spread of estimates over simulated trials.

use crate::common::{antidepressant, of_values};
use trialstats::imputation::{Composite, Event, EventStrategy, Events, ImputedTable, ReferenceBased, Strategy, Variance};
use trialstats::nalgebra::{DMatrix, DVector};
use trialstats::simulate::Gaussian;
use trialstats::trial::Schedule;
use trialstats::{Covariance, Estimation, Model, Trial};

fn model() -> Model {
    Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT").expect("a formula")
}

fn plan(strategy: Strategy, events: &Events) -> ReferenceBased {
    ReferenceBased::new(strategy).reference("PLACEBO").covariates(["BASVAL"]).events(events.clone()).variance(Variance::DeltaMethod)
}

fn imputed(model: &Model, trial: &Trial, plan: &ReferenceBased) -> ImputedTable {
    model.reference_based(trial, plan).unwrap_or_else(|error| panic!("{error}"))
}

/// The two ways to replace values after an event.
fn replacing() -> [Event; 2] {
    [Event::new("stopped", EventStrategy::Composite).value(Composite::Value(5.0)), Event::new("stopped", EventStrategy::WhileOnTreatment)]
}

/// Every seventh patient stops before visit 6, every tenth before visit 5.
fn stopped(trial: &Trial, event: Event) -> Events {
    let at = |i: usize| if i % 7 == 3 { Some("6") } else { (i % 10 == 5).then_some("5") };
    let patients = trial.patients().iter().enumerate().filter_map(|(i, patient)| Some((patient.clone(), at(i)?)));
    Events::none(trial).with(trial, event, patients).unwrap_or_else(|error| panic!("{error}"))
}

fn complete(trial: &Trial) -> Trial {
    let outcome = trial.outcome("CHANGE").expect("the outcome");
    let whole: Vec<usize> = (0..trial.patients().len()).filter(|&i| (0..4).all(|t| trial.value(outcome, i, t).is_some())).collect();
    trial.part(&whole).expect("a part")
}

/// Nothing is imputed: Σ c_i²e_i²/(1 − h_i) of the regression of the replaced values, with the dense matrices of the textbook.
#[test]
fn without_missing_values_it_is_hc2_of_the_regression() {
    let trial = complete(&antidepressant());
    let n = trial.patients().len();
    let basval = trial.covariate("BASVAL").expect("it").numbers().expect("numbers").to_vec();
    for event in replacing() {
        let events = stopped(&trial, event);
        let table = imputed(&model(), &trial, &plan(Strategy::Mar, &events));
        let values = events.applied_to(&trial, "CHANGE").expect("the outcome").outcome("CHANGE").expect("it").values.clone();
        let w = DMatrix::from_fn(n, 3, |i, j| [1.0, trial.arm_of()[i] as f64, basval[i]][j]);
        let inverse = (w.transpose() * &w).try_inverse().expect("of full rank");
        for (t, row) in table.differences().enumerate() {
            let y = DVector::from_fn(n, |i, _| values[4 * i + t]);
            let coefficients = &inverse * w.transpose() * &y;
            let (residuals, map) = (&y - &w * &coefficients, &w * &inverse);
            let leverage = |i: usize| (map.row(i) * w.row(i).transpose())[(0, 0)];
            let variance: f64 = (0..n).map(|i| (map[(i, 1)] * residuals[i]).powi(2) / (1.0 - leverage(i))).sum();
            assert!((row.estimate - coefficients[1]).abs() < 1e-9, "{}: {} against {}", row.visit.label, row.estimate, coefficients[1]);
            assert!((row.se / variance.sqrt() - 1.0).abs() < 1e-10, "{}: {} against {}", row.visit.label, row.se, variance.sqrt());
        }
        assert!(table.notes.iter().any(|note| note.contains("nonparametric delta method")), "{:?}", table.notes);
    }
}

/// Without covariates either, s₁²/n₁ + s₂²/n₂: Welch's.
#[test]
fn without_covariates_it_is_that_of_welch() {
    let trial = complete(&antidepressant());
    for event in replacing() {
        let events = stopped(&trial, event);
        let plan = ReferenceBased::new(Strategy::Mar).events(events.clone()).variance(Variance::DeltaMethod);
        let table = imputed(&model(), &trial, &plan);
        let values = events.applied_to(&trial, "CHANGE").expect("the outcome").outcome("CHANGE").expect("it").values.clone();
        let of_arm = |arm: usize, t: usize| {
            let own: Vec<f64> = (0..trial.patients().len()).filter(|&i| trial.arm_of()[i] == arm).map(|i| values[4 * i + t]).collect();
            let (n, mean) = (own.len() as f64, own.iter().sum::<f64>() / own.len() as f64);
            own.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (n - 1.0) / n
        };
        for (t, row) in table.differences().enumerate() {
            let welch = (of_arm(0, t) + of_arm(1, t)).sqrt();
            assert!((row.se / welch - 1.0).abs() < 1e-10, "{}: {} against {welch}", row.visit.label, row.se);
        }
        for (k, row) in table.means().enumerate() {
            let own = of_arm(k % 2, k / 2).sqrt();
            assert!((row.se / own - 1.0).abs() < 1e-10, "{}: {} against {own}", row.visit.label, row.se);
        }
    }
}

const PER_ARM: usize = 12;

/// A small trial with events and dropout, each patient there so many times.
fn repeated(times: &[usize]) -> (Trial, Vec<(String, &'static str)>) {
    let drawn = Gaussian::new(["v1", "v2", "v3"])
        .arm("a", PER_ARM, [10.0, 9.0, 8.0])
        .arm("b", PER_ARM, [10.0, 7.0, 4.0])
        .autoregressive(3.0, 0.6)
        .trial(11, 0)
        .expect("a trial");
    let y = &drawn.outcome("y").expect("it").values;
    let (mut arms, mut values, mut events) = (vec![], vec![], vec![]);
    for (i, &times) in times.iter().enumerate() {
        for _ in 0..times {
            events.extend((i % 5 == 2).then_some((arms.len(), if i % 2 == 0 { "v2" } else { "v3" })));
            let own = (0..3).map(|t| if (i % 4 == 1 && t == 2) || (i % 6 == 0 && t > 0) { f64::NAN } else { y[3 * i + t] });
            values.extend(own);
            arms.push(drawn.arm_of()[i]);
        }
    }
    let trial = of_values(&["a", "b"], arms, Schedule::of_labels(["v1", "v2", "v3"]), values);
    let names: Vec<String> = trial.patients().to_vec();
    (trial, events.into_iter().map(|(at, visit)| (names[at].clone(), visit)).collect())
}

/// The standard error is that of derivatives: of the whole analysis, by maximum likelihood, of every patient K times, when one is
/// there once more and once less. Every leverage is 1/12.
#[test]
fn it_is_the_derivative_in_the_weight_of_each_patient() {
    let model = Model::formula("y ~ arm * visit").expect("a formula").estimation(Estimation::Ml);
    let k = 40_usize;
    for (event, strategy) in replacing().into_iter().zip([Strategy::JumpToReference, Strategy::CopyIncrements]) {
        let of = |times: &[usize]| {
            let (trial, patients) = repeated(times);
            let dropout = Event::new("dropout", EventStrategy::TreatmentPolicy);
            let events = Events::none(&trial)
                .with(&trial, event.clone(), patients)
                .and_then(|events| events.with_dropout(&trial, "y", dropout, |_| true))
                .expect("events");
            imputed(&model, &trial, &ReferenceBased::new(strategy).reference("a").events(events).variance(Variance::DeltaMethod))
        };
        let whole = of(&[1; 2 * PER_ARM]);
        let mut squares = vec![0.0; whole.rows.len()];
        for i in 0..2 * PER_ARM {
            let at = |change: isize| {
                let mut times = [k; 2 * PER_ARM];
                times[i] = k.saturating_add_signed(change);
                of(&times).rows.iter().map(|row| row.estimate).collect::<Vec<f64>>()
            };
            for ((square, more), less) in squares.iter_mut().zip(at(1)).zip(at(-1)) {
                *square += ((more - less) * k as f64 / 2.0).powi(2);
            }
        }
        for (row, square) in whole.rows.iter().zip(&squares) {
            let expected = (square * PER_ARM as f64 / (PER_ARM as f64 - 1.0)).sqrt();
            assert!((row.se / expected - 1.0).abs() < 2e-3, "{} {}: {} against {expected}", row.visit.label, row.label(), row.se);
        }
    }
}

/// With dropout beside the events, what the jackknife says, to the order that n = 172 allows.
#[test]
fn it_is_near_the_jackknife() {
    let trial = antidepressant();
    let mut ratios: Vec<f64> = vec![];
    for event in replacing() {
        let dropout = Event::new("dropout", EventStrategy::TreatmentPolicy);
        let events = stopped(&trial, event).with_dropout(&trial, "CHANGE", dropout, |_| true).expect("events");
        for strategy in [Strategy::Mar, Strategy::JumpToReference, Strategy::CopyReference, Strategy::CopyIncrements] {
            let closed = imputed(&model(), &trial, &plan(strategy, &events));
            let jackknife = imputed(&model(), &trial, &plan(strategy, &events).variance(Variance::Jackknife));
            for (row, other) in closed.rows.iter().zip(&jackknife.rows) {
                assert_eq!(row.estimate.to_bits(), other.estimate.to_bits());
                ratios.push(row.se / other.se);
            }
        }
    }
    let (least, most) = ratios.iter().fold((f64::INFINITY, 0.0_f64), |(least, most), &r| (least.min(r), most.max(r)));
    println!("delta method over jackknife: {least:.4} to {most:.4} in {} rows", ratios.len());
    // The jackknife has the factor 1/(1 − h)² where this has 1/(1 − h), and is the larger for it.
    assert!(least > 0.97 && most < 1.005, "{least} {most}");
}

/// Half of the patients of a trial whose score at a visit is high are rescued before the next one; some of the others drop out, the
/// likelier the higher their score.
fn simulated(replicate: u64, event: &Event) -> (Trial, Events) {
    let drawn = Gaussian::new(["v1", "v2", "v3"])
        .arm("a", 60, [20.0, 18.0, 17.0])
        .arm("b", 60, [20.0, 15.0, 12.0])
        .autoregressive(6.0, 0.7)
        .trial(5, replicate)
        .expect("a trial");
    let mut y = drawn.outcome("y").expect("it").values.clone();
    let mut rescued = vec![];
    for i in 0..120 {
        // The outcome's own lower digits say who of them.
        let share = |t: usize, y: &[f64]| (y[3 * i + t] * 1e4).rem_euclid(1.0);
        for t in 1..3 {
            let (before, chance) = (y[3 * i + t - 1], share(t - 1, &y));
            if before > 22.0 && chance < 0.5 {
                rescued.push((drawn.patients()[i].clone(), ["v1", "v2", "v3"][t]));
                break;
            }
            if chance > 1.0 - (before / 60.0).clamp(0.0, 0.4) {
                (t..3).for_each(|t| y[3 * i + t] = f64::NAN);
                break;
            }
        }
    }
    let trial = drawn.with_outcome("y", y).expect("values");
    let dropout = Event::new("dropout", EventStrategy::TreatmentPolicy).imputed_by(Strategy::JumpToReference);
    let events = Events::none(&trial)
        .with(&trial, event.clone(), rescued)
        .and_then(|events| events.with_dropout(&trial, "y", dropout, |_| true))
        .expect("events");
    (trial, events)
}

/// Over trials with rescue (composite, or while on treatment) and dropout (jump to reference) the standard error is the spread of
/// the estimate. `TRIALSTATS_TRIALS` sets how many.
#[test]
fn it_is_the_spread_over_trials() {
    let trials: u64 = std::env::var("TRIALSTATS_TRIALS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let model = Model::formula("y ~ arm * visit").expect("a formula").covariance(Covariance::Unstructured);
    let replacing = [
        Event::new("rescued", EventStrategy::Composite).value(Composite::Value(40.0)),
        Event::new("rescued", EventStrategy::WhileOnTreatment),
    ];
    for event in replacing {
        let found: Vec<(f64, f64)> = (0..trials)
            .map(|replicate| {
                let (trial, events) = simulated(replicate, &event);
                let plan = ReferenceBased::new(Strategy::JumpToReference).reference("a").events(events).variance(Variance::DeltaMethod);
                let table = imputed(&model, &trial, &plan);
                let last = table.differences().next_back().expect("a row");
                (last.estimate, last.se)
            })
            .collect();
        let m = found.len() as f64;
        let mean = found.iter().map(|(estimate, _)| estimate).sum::<f64>() / m;
        let spread = (found.iter().map(|(estimate, _)| (estimate - mean).powi(2)).sum::<f64>() / (m - 1.0)).sqrt();
        let se = (found.iter().map(|(_, se)| se * se).sum::<f64>() / m).sqrt();
        let covered = found.iter().filter(|(estimate, se)| (estimate - mean).abs() <= 1.959964 * se).count() as f64 / m;
        println!("{}: mean {mean:.3}, spread {spread:.4}, root mean squared standard error {se:.4}, coverage {covered:.4}", event.strategy);
        // The Monte-Carlo error of a standard deviation from m trials is 1/√2m of it.
        assert!((se / spread - 1.0).abs() < 4.0 / (2.0 * m).sqrt(), "{}: {se} against {spread}", event.strategy);
        assert!((covered - 0.95).abs() < 4.0 * (0.05 * 0.95 / m).sqrt() + 0.01, "{}: {covered}", event.strategy);
    }
}

/// Three arms, covariances per arm and a site in the ANCOVA: every standard error is there, and near the jackknife's.
#[test]
fn other_designs_have_it_too() {
    let trial = complete(&antidepressant());
    let n = trial.patients().len();
    let values = trial.outcome("CHANGE").expect("it").values.clone();
    let with_gaps: Vec<f64> = values.iter().enumerate().map(|(k, y)| if k / 4 % 7 == 1 && k % 4 == 3 { f64::NAN } else { *y }).collect();
    let three = of_values(&["a", "b", "c"], (0..n).map(|i| i % 3).collect(), Schedule::of_labels(["1", "2", "3", "4"]), with_gaps);
    let model = Model::formula("y ~ arm * visit").expect("a formula").covariance_by("arm");
    let patients: Vec<(String, &str)> = three.patients().iter().step_by(6).map(|p| (p.clone(), "3")).collect();
    let events = Events::none(&three).with(&three, replacing()[1].clone(), patients).expect("events");
    let events = events.with_dropout(&three, "y", Event::new("dropout", EventStrategy::TreatmentPolicy), |_| true).expect("events");
    let plan = ReferenceBased::new(Strategy::CopyReference).reference("a").events(events);
    let closed = imputed(&model, &three, &plan.clone().variance(Variance::DeltaMethod));
    let jackknife = imputed(&model, &three, &plan.variance(Variance::Jackknife));
    assert_eq!(closed.rows.len(), 20);
    for (row, other) in closed.rows.iter().zip(&jackknife.rows) {
        assert!(
            row.se.is_finite() && (row.se / other.se - 1.0).abs() < 0.05,
            "{} {}: {} {}",
            row.visit.label,
            row.label(),
            row.se,
            other.se
        );
    }
}
