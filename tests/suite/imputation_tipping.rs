//! Tipping planes of effect sizes and shares against exact identities, and rbmi's run of the deterministic methods.

use crate::common::{ANTIDEPRESSANT, imrs_gst, reference, repository};
use trialstats::effects::Positive;
use trialstats::imputation::{Event, EventStrategy, Events, ImputedTable, ReferenceBased, Strategy, Tipping, TippingMeasure, TippingPoint};
use trialstats::responders::{Definition, Rule};
use trialstats::trial::BaselineFrom;
use trialstats::{Layout, Model, Trial};

fn antidepressant() -> Trial {
    let layout = Layout::long("PATIENT", "THERAPY", "VISIT").arms(["DRUG", "PLACEBO"]).outcome("CHANGE").covariate("BASVAL");
    layout.read_csv(repository(ANTIDEPRESSANT)).expect("the sample")
}

fn model() -> Model {
    Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT").expect("a formula")
}

fn tipping(trial: &Trial, arms: &[f64], others: &[f64], measure: TippingMeasure) -> TippingPoint {
    let plan = ReferenceBased::new(Strategy::Mar).covariates(["BASVAL"]);
    let grid = Tipping::new("PLACEBO", "DRUG", "7").arm_shifts(arms.iter().copied()).versus_shifts(others.iter().copied()).measure(measure);
    model().fit(trial).and_then(|fit| fit.tipping(trial, &plan, &grid)).unwrap_or_else(|error| panic!("{error}"))
}

fn improved() -> Definition {
    Definition::new("improved", Rule::at_most("CHANGE", -10.0))
}

fn share() -> TippingMeasure {
    TippingMeasure::Share { definition: improved(), baseline: BaselineFrom::Visit }
}

#[test]
fn the_effect_size_is_the_difference_over_the_baseline_deviation() {
    let trial = antidepressant();
    let plain = tipping(&trial, &[-3.0, 0.0, 3.0], &[-2.0, 2.0], TippingMeasure::Difference);
    let effect = TippingMeasure::EffectSize { baseline: BaselineFrom::Covariate("BASVAL".into()), positive: Positive::Fall };
    let table = tipping(&trial, &[-3.0, 0.0, 3.0], &[-2.0, 2.0], effect);
    let basval = trial.covariate("BASVAL").expect("it").numbers().expect("numbers").to_vec();
    let (mut squares, mut n) = (0.0, 0.0);
    for arm in 0..2 {
        let own: Vec<f64> = (0..basval.len()).filter(|&i| trial.arm_of()[i] == arm).map(|i| basval[i]).collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        squares += own.iter().map(|y| (y - mean).powi(2)).sum::<f64>();
        n += own.len() as f64 - 1.0;
    }
    let sd = (squares / n).sqrt();
    for (d, difference) in table.rows.iter().zip(&plain.rows) {
        assert!((d.estimate + difference.estimate / sd).abs() < 1e-12, "{d:?} {difference:?}");
        // The deviation is estimated too: the error is that of the difference but for a share of the effect itself.
        assert!((d.se * sd / difference.se - 1.0).abs() < 0.05, "{d:?} {difference:?}");
    }
    // Where it turns, its own interval touches zero: which is where that of the difference nearly does.
    for (turn, other) in table.turns.iter().zip(&plain.turns) {
        let at = turn.arm.expect("it turns");
        assert!((table.signal(at, turn.versus).expect("a signal").abs() - 1.959_963_984_540_054).abs() < 1e-9);
        assert!((at - other.arm.expect("it turns")).abs() < 0.2, "{turn:?} {other:?}");
    }
    assert!(table.sentence().contains("(Cohen's d) touches zero when"), "{}", table.sentence());
}

/// Complete data: the shares are counts, and the jackknife's error of their difference is known exactly.
#[test]
fn shares_of_complete_data_are_counted() {
    let whole = antidepressant();
    let outcome = whole.outcome("CHANGE").expect("the outcome");
    let complete: Vec<usize> = (0..whole.patients().len()).filter(|&i| (0..4).all(|t| whole.value(outcome, i, t).is_some())).collect();
    let trial = whole.part(&complete).expect("a part");
    let table = tipping(&trial, &[0.0, 5.0], &[0.0], share());
    let y = trial.outcome("CHANGE").expect("the outcome");
    let (mut rates, mut variance, total) = ([0.0; 2], 0.0, trial.patients().len() as f64);
    for (arm, rate) in rates.iter_mut().enumerate() {
        let own: Vec<f64> =
            (0..trial.patients().len()).filter(|&i| trial.arm_of()[i] == arm).filter_map(|i| trial.value(y, i, 3)).collect();
        let n = own.len() as f64;
        *rate = own.iter().filter(|y| **y <= -10.0).count() as f64 / n;
        variance += n * *rate * (1.0 - *rate) / (n - 1.0).powi(2);
    }
    for row in &table.rows {
        assert!((row.estimate - (rates[1] - rates[0])).abs() < 1e-12, "{row:?} {rates:?}");
        assert!((row.se - ((total - 1.0) / total * variance).sqrt()).abs() < 1e-12, "{row:?}");
    }
    assert_eq!(table.turns[0].arm, None);
    assert!(table.sentence().contains("does not touch zero at any amount of the grid"), "{}", table.sentence());
}

/// Far shifts make everyone who was lost meet the definition, or nobody; between them the share falls, and the turn is where the
/// interval touches zero.
#[test]
fn shares_lie_between_their_bounds() {
    let trial = antidepressant();
    let y = trial.outcome("CHANGE").expect("the outcome");
    let count = |arm: usize, of: &dyn Fn(Option<f64>) -> bool| {
        (0..trial.patients().len()).filter(|&i| trial.arm_of()[i] == arm && of(trial.value(y, i, 3))).count() as f64
            / trial.randomized()[arm] as f64
    };
    let (met, lost) = (|y: Option<f64>| y.is_some_and(|y| y <= -10.0), |y: Option<f64>| y.is_none());
    let far = tipping(&trial, &[-1e4, 1e4], &[-1e4, 1e4], share());
    for row in &far.rows {
        let of = |arm: usize, shift: f64| count(arm, &met) + if shift < 0.0 { count(arm, &lost) } else { 0.0 };
        assert!((row.estimate - (of(1, row.arm) - of(0, row.versus))).abs() < 1e-12, "{row:?}");
    }
    let shifts: Vec<f64> = (-24..=24).map(f64::from).collect();
    let table = tipping(&trial, &shifts, &[0.0, 1.0], share());
    assert!(table.rows.windows(2).all(|pair| pair[0].versus != pair[1].versus || pair[1].estimate < pair[0].estimate));
    for turn in table.turns.iter().filter(|turn| turn.arm.is_some()) {
        let signal = table.signal(turn.arm.unwrap_or(f64::NAN), turn.versus).expect("within the grid");
        assert!((signal.abs() - 1.959_963_984_540_054).abs() < 1e-9, "{turn:?}");
    }
    assert!(table.turns.iter().any(|turn| turn.arm.is_some()), "{table}");
    assert_eq!(table.signal(100.0, 0.0), None);
}

#[test]
fn measures_that_make_no_sense_are_refused() {
    let trial = antidepressant();
    let fit = model().fit(&trial).expect("a fit");
    let plan = ReferenceBased::new(Strategy::Mar).covariates(["BASVAL"]);
    let refused = |measure: TippingMeasure| {
        fit.tipping(&trial, &plan, &Tipping::new("PLACEBO", "DRUG", "7").measure(measure)).expect_err("it makes no sense").to_string()
    };
    let elsewhere = Definition::new("d", Rule::at_most("HAMD", 7.0));
    let told = refused(TippingMeasure::Share { definition: elsewhere, baseline: BaselineFrom::Visit });
    assert!(told.contains("looks at more than scores of CHANGE"), "{told}");
    let told = refused(TippingMeasure::EffectSize { baseline: BaselineFrom::Visit, positive: Positive::Fall });
    assert!(told.contains("no visit is the baseline"), "{told}");
    let told = refused(TippingMeasure::EffectSize { baseline: BaselineFrom::Covariate("BASVL".into()), positive: Positive::Fall });
    assert!(told.contains("did you mean `BASVAL`"), "{told}");
}

/// rbmi's conditional mean imputation with the jackknife, its fit taken to the top of the likelihood: estimates and standard
/// errors to six digits, five strategies on two trials, and events with values observed after them.
#[test]
fn rbmi_gives_the_same_with_its_fit_at_the_top() {
    let cases = reference("imputation/rbmi.json");
    let cases = cases["cases"].as_array().expect("cases");
    let (drug, gst) = (antidepressant(), imrs_gst());
    let at = |i: usize| if i % 7 == 3 { Some("6") } else { (i % 10 == 5).then_some("5") };
    let of = |visit: &str| -> Vec<(String, String)> {
        let own = drug.patients().iter().enumerate().filter(|(i, _)| at(*i).is_some_and(|v| visit.is_empty() || v == visit));
        own.map(|(i, patient)| (patient.clone(), at(i).unwrap_or_default().to_string())).collect()
    };
    let policy = |name: &str| Event::new(name, EventStrategy::TreatmentPolicy);
    for case in cases {
        let name = case["case"].as_str().expect("a name");
        let (data, strategy) = name.split_once(' ').expect("data and strategy");
        let table: ImputedTable = match (data, strategy) {
            ("events", "mixed") => {
                let events = Events::none(&drug).with(&drug, policy("at 6").imputed_by(Strategy::Mar), of("6"));
                let events =
                    events.and_then(|e| e.with(&drug, policy("at 5").imputed_by(Strategy::CopyReference), of("5"))).expect("events");
                let plan = ReferenceBased::new(Strategy::Mar).reference("PLACEBO").covariates(["BASVAL"]).events(events);
                model().reference_based(&drug, &plan)
            }
            ("imrs_gst", strategy) => {
                let plan = ReferenceBased::new(strategy.parse().expect("a strategy")).covariates(["baseline", "site"]);
                let model = Model::formula("caps5 ~ site + arm * visit + baseline * visit").expect("a formula");
                model.reference_based(&gst, &plan)
            }
            (data, strategy) => {
                let plan = ReferenceBased::new(strategy.parse().expect("a strategy")).reference("PLACEBO").covariates(["BASVAL"]);
                let plan = if data == "events" { plan.events(Events::at(&drug, of("")).expect("events")) } else { plan };
                model().reference_based(&drug, &plan)
            }
        }
        .unwrap_or_else(|error| panic!("{name}: {error}"));
        let numbers =
            |field: &str| -> Vec<f64> { case[field].as_array().expect("numbers").iter().filter_map(serde_json::Value::as_f64).collect() };
        let mut here = vec![table.differences().map(|r| r.estimate).collect::<Vec<_>>(), table.differences().map(|r| r.se).collect()];
        let mut there = vec![numbers("estimate"), numbers("se")];
        for (arm, field) in ["mean_reference", "mean_alternative"].into_iter().enumerate() {
            let own = || table.means().filter(|r| r.arm.index == arm);
            here.extend([own().map(|r| r.estimate).collect(), own().map(|r| r.se).collect()]);
            there.extend([numbers(field), numbers(&format!("{field}_se"))]);
        }
        for (here, there) in here.iter().flatten().zip(there.iter().flatten()) {
            assert!((here - there).abs() < 5e-7 * (1.0 + there.abs()), "{name}: {here} against {there}\n{table}");
        }
        assert_eq!(here.iter().flatten().count(), there.iter().flatten().count());
    }
    assert_eq!(cases.len(), 13);
}
