//! Intercurrent events in the truth: who has them, what becomes of the outcome, and what is true of each estimand.

use super::frame::{OneByOne, apart};
use trialstats::Model;
use trialstats::analysis::{EventFrom, EventPlan, EventStrategy, ImputationPlan, Plan, Sensitivity, Silent};
use trialstats::imputation::{Composite, Delta, Strategy, Variance};
use trialstats::study::{
    ArmTruth, Characteristics, Compared, Correlation, EventTruth, MissingTruth, Procedure, Question, StudyFile, TrialTruth, replicate,
};
use trialstats::trial::Trial;

const REFERENCE: [f64; 4] = [30.0, 26.0, 24.0, 23.0];
const OWN: [f64; 4] = [30.0, 23.0, 18.0, 15.0];

fn truth(patients: usize) -> TrialTruth {
    TrialTruth::new(["0", "1", "2", "3"], [8.0, 10.0, 12.0, 13.0], Correlation::Autoregressive(0.7))
        .arm(ArmTruth::new("a", patients, REFERENCE))
        .arm(ArmTruth::new("b", patients, OWN))
}

fn stopped() -> EventTruth {
    let mut event = EventTruth::by_end("stopped", 0.0).arm("b");
    (event.by_end, event.curve) = (None, Some(vec![0.0, 0.1, 0.25, 0.4]));
    event
}

/// Chances of having the event before the visits 1, 2 and 3.
const BEFORE: [f64; 3] = [0.1, 0.15, 0.15];
const HAD: f64 = 0.4;

fn last() -> Compared {
    Compared::new("b", "a", "3")
}

fn model() -> Model {
    Model::formula("y ~ baseline * visit + arm * visit").expect("a formula")
}

fn planned(event: EventPlan) -> Plan {
    let mut plan = Plan::new("y");
    plan.events = vec![event];
    plan
}

fn event(strategy: EventStrategy) -> EventPlan {
    EventPlan::new("stopped", strategy, EventFrom::File)
}

/// What is true of the contrast at the last visit, from 40,000 patients or more.
fn of_contrast(truth: &TrialTruth, plan: Option<Plan>) -> Characteristics {
    let procedure = Procedure::new("primary", model()).contrast(last());
    let procedure = plan.iter().fold(procedure, |procedure, plan| procedure.events_of(plan));
    rows(truth, &[procedure], 2).remove(0)
}

fn rows(truth: &TrialTruth, procedures: &[Procedure], trials: u64) -> Vec<Characteristics> {
    replicate(&truth.drawer().expect("a truth"), procedures, 5, 0..trials).expect("trials").characteristics().rows
}

fn bits(trial: &Trial) -> Vec<u64> {
    trial.outcomes()[0].values.iter().map(|y| if y.is_nan() { u64::MAX } else { y.to_bits() }).collect()
}

/// An event that nobody has changes no bit, whatever it would do; and the same patients have an event whatever it does.
#[test]
fn an_event_that_nobody_has_changes_nothing() {
    let missing = MissingTruth::left_by_end(0.3).log_odds_per_sd(0.5);
    let plain = truth(200).missing(missing);
    let never = EventTruth::by_end("stopped", 0.0).then(Strategy::CopyReference).shift(9.0).collected(0.0).log_odds_per_sd(1.0);
    let harmless = EventTruth::by_end("stopped", 0.5).log_odds_per_sd(1.0);
    for number in 0..3 {
        let own = bits(&plain.trial(3, number).expect("a trial"));
        assert_eq!(own, bits(&plain.clone().event(never.clone()).trial(3, number).expect("a trial")));
        assert_eq!(own, bits(&plain.clone().event(harmless.clone()).trial(3, number).expect("a trial")));
    }
    assert_eq!(codes(&plain.event(never).trial(3, 0).expect("a trial")).iter().flatten().count(), 0);
}

fn codes(trial: &Trial) -> Vec<Option<usize>> {
    trial.variables().iter().find(|v| v.name() == "stopped").and_then(|v| v.codes()).expect("an event").to_vec()
}

/// As many have the event as the curve says, those with high scores first where it depends on them, and who is not followed
/// leaves with it. Four Monte-Carlo errors.
#[test]
fn as_many_have_the_event_as_the_curve_says() {
    let n = 20_000;
    let trial = truth(n).event(stopped().shift(4.0)).trial(1, 0).expect("a trial");
    let had = codes(&trial);
    assert!(had[..n].iter().all(Option::is_none), "nobody of arm a may have it");
    for (visit, share) in BEFORE.iter().enumerate() {
        let found = had.iter().filter(|code| **code == Some(visit + 1)).count() as f64 / n as f64;
        assert!((found - share).abs() < 4.0 * (share * (1.0 - share) / n as f64).sqrt(), "before visit {}: {found}", visit + 1);
    }
    let y = |trial: &Trial, i: usize, t: usize| trial.value(&trial.outcomes()[0], i, t);
    let untouched = truth(n).trial(1, 0).expect("a trial");
    for i in n..2 * n {
        for t in 0..4 {
            let moved = if had[i].is_some_and(|from| t >= from) { 4.0 } else { 0.0 };
            let (found, before) = (y(&trial, i, t).expect("observed"), y(&untouched, i, t).expect("observed"));
            assert!((found - before - moved).abs() < 1e-12, "patient {i} at {t}");
        }
    }
    let by_score = truth(n).event(stopped().log_odds_per_sd(0.8)).trial(1, 0).expect("a trial");
    let had = codes(&by_score);
    let mean = |of: &dyn Fn(usize) -> bool| {
        let own: Vec<f64> = (n..2 * n).filter(|&i| of(i)).filter_map(|i| y(&by_score, i, 0)).collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    assert!(mean(&|i| had[i] == Some(1)) > 34.0 && mean(&|i| had[i].is_none()) < 29.5);
    let left = truth(n).event(stopped().collected(0.25)).trial(1, 0).expect("a trial");
    let had = codes(&left);
    let with = (n..2 * n).filter(|&i| had[i].is_some());
    let stay = with.clone().filter(|&i| y(&left, i, 3).is_some()).count() as f64 / with.count() as f64;
    assert!((stay - 0.25).abs() < 4.0 * (0.25 * 0.75 / (HAD * n as f64)).sqrt(), "{stay}");
}

/// The treatment-policy estimand is its formula: the difference, moved by what the event does times the share who have had it.
/// The large draw meets it within four of its own errors, and so do its errors in size.
#[test]
fn the_treatment_policy_estimand_is_its_formula() {
    let difference = OWN[3] - REFERENCE[3];
    // Of copied increments, the effect at the visit before the event stays.
    let kept: f64 = BEFORE.iter().enumerate().map(|(k, share)| share * (OWN[k] - REFERENCE[k])).sum();
    let carried: f64 = BEFORE.iter().enumerate().map(|(k, share)| share * OWN[k]).sum();
    let cases = [
        ("shift", stopped().shift(4.0), difference + HAD * 4.0),
        ("jump to reference", stopped().then(Strategy::JumpToReference), (1.0 - HAD) * difference),
        ("copy increments", stopped().then(Strategy::CopyIncrements), (1.0 - HAD) * difference + kept),
        ("last mean", stopped().then(Strategy::LastMeanCarriedForward), (1.0 - HAD) * OWN[3] + carried - REFERENCE[3]),
        ("both", stopped().then(Strategy::JumpToReference).shift(4.0).collected(0.5), (1.0 - HAD) * difference + HAD * 4.0),
    ];
    for (what, event, expected) in cases {
        let truth = truth(100).event(event).missing(MissingTruth::left_by_end(0.2));
        let plans = [None, Some(planned(self::event(EventStrategy::TreatmentPolicy)))];
        for plan in plans {
            let row = of_contrast(&truth, plan);
            assert!(row.truth_error > 0.0 && row.truth_error < 0.06, "{what}: an error of {}", row.truth_error);
            assert!((row.truth - expected).abs() < 4.0 * row.truth_error, "{what}: {} ({}) for {expected}", row.truth, row.truth_error);
        }
    }
}

/// Hypothetical estimands are those of the truth without the event, exactly; composite ones and those while on treatment are
/// their formulas.
#[test]
fn other_estimands_are_their_formulas() {
    let (difference, had) = (OWN[3] - REFERENCE[3], HAD);
    let truth =
        truth(100).event(stopped().then(Strategy::JumpToReference).shift(3.0).collected(0.6)).missing(MissingTruth::left_by_end(0.2));
    let hypothetical = of_contrast(&truth, Some(planned(event(EventStrategy::Hypothetical))));
    assert!((hypothetical.truth - difference).abs() < 1e-12 && hypothetical.truth_error < 1e-12, "{}", hypothetical.truth);
    let before: f64 = BEFORE.iter().enumerate().map(|(k, share)| share * OWN[k]).sum();
    let cases = [
        (event(EventStrategy::Composite).value(Composite::Value(50.0)), (1.0 - had) * OWN[3] + had * 50.0 - REFERENCE[3]),
        (event(EventStrategy::Composite).value(Composite::Baseline), (1.0 - had) * OWN[3] + had * OWN[0] - REFERENCE[3]),
        (event(EventStrategy::WhileOnTreatment), (1.0 - had) * OWN[3] + before - REFERENCE[3]),
    ];
    for (event, expected) in cases {
        let what = event.strategy;
        let row = of_contrast(&truth, Some(planned(event)));
        assert!((row.truth - expected).abs() < 4.0 * row.truth_error, "{what}: {} ({}) for {expected}", row.truth, row.truth_error);
        assert!(row.truth_error < 0.2, "{what}: an error of {}", row.truth_error);
    }
}

fn imputed(strategy: Strategy) -> Question {
    Question::Imputed(last(), ImputationPlan::new(strategy).covariates(["baseline"]).variance(Variance::DeltaMethod))
}

/// Where patients after the event go on as the strategy says, what the strategy is about and what happens are the same.
#[test]
fn a_strategy_that_is_true_is_about_what_happens() {
    for strategy in
        [Strategy::JumpToReference, Strategy::CopyReference, Strategy::CopyIncrements, Strategy::Causal { kept: 0.5, fading: 1.0 }]
    {
        let truth = truth(100).event(stopped().then(strategy).collected(0.0).log_odds_per_sd(0.4));
        let of = |plan: Plan| {
            rows(&truth, &[Procedure::new("imputed", model()).ask("imputed", imputed(strategy)).events_of(&plan)], 2).remove(0)
        };
        let happens = of(planned(event(EventStrategy::TreatmentPolicy)));
        let stated = of(planned(event(EventStrategy::Hypothetical)));
        assert!((happens.truth - stated.truth).abs() < 1e-9, "{strategy}: {} and {}", happens.truth, stated.truth);
        assert!(happens.truth > OWN[3] - REFERENCE[3] + 0.5, "{strategy}: the event takes some of the effect away");
    }
}

/// Jumping to reference after dropout at random of a share 1 − r keeps the share r of the difference, and imputation finds that:
/// 150 trials, 3.5 Monte-Carlo errors.
#[test]
fn imputation_finds_what_its_strategy_is_about() {
    const TRIALS: u64 = 150;
    let difference = OWN[3] - REFERENCE[3];
    let dropout = truth(60).missing(MissingTruth::with_retention([1.0, 0.9, 0.8, 0.7]));
    let procedure = Procedure::new("primary", model())
        .contrast(last())
        .ask("mar", imputed(Strategy::Mar))
        .ask("j2r", imputed(Strategy::JumpToReference));
    let found = rows(&dropout, &[procedure], TRIALS);
    assert_eq!((found[0].truth, found[1].truth, found[1].truth_error), (difference, difference, 0.0));
    assert!((found[2].truth - 0.7 * difference).abs() < 4.0 * found[2].truth_error && found[2].truth_error < 0.05, "{:?}", found[2]);
    for row in &found {
        assert!(row.bias().0.abs() < 3.5 * row.bias().1, "{}: a bias of {:?}", row.name, row.bias());
    }
    // Stopping treatment, followed by nobody, then J2R; the primary analysis, which knows nothing of that, is far off.
    let truth = truth(60).event(stopped().then(Strategy::JumpToReference).collected(0.0));
    let plan = planned(event(EventStrategy::TreatmentPolicy));
    let procedure = Procedure::new("primary", model()).contrast(last()).ask("j2r", imputed(Strategy::JumpToReference)).events_of(&plan);
    let found = rows(&truth, &[procedure], TRIALS);
    assert!(found[0].bias().0.abs() > 5.0 * found[0].bias().1, "{:?}", found[0].bias());
    assert!(found[1].bias().0.abs() < 3.5 * found[1].bias().1, "{:?}", found[1].bias());
    // Data that are collected and set aside: the hypothetical estimand is that of no event.
    let truth = self::truth(60).event(stopped().shift(8.0));
    let plan = planned(event(EventStrategy::Hypothetical));
    let found = rows(&truth, &[Procedure::new("primary", model()).contrast(last()).events_of(&plan)], TRIALS);
    assert_eq!(found[0].truth, difference);
    assert!(found[0].bias().0.abs() < 3.5 * found[0].bias().1, "{:?}", found[0].bias());
}

/// The truth under a delta is that of the strategy and what delta adds to those whose value is missing, and imputation finds it: 150
/// trials, 3.5 Monte-Carlo errors.
#[test]
fn the_truth_under_a_delta_is_its_formula() {
    const TRIALS: u64 = 150;
    let difference = OWN[3] - REFERENCE[3];
    // A tenth leaves before each visit, whatever the scores.
    let dropout = truth(60).missing(MissingTruth::with_retention([1.0, 0.9, 0.8, 0.7]));
    let of = |strategy: Strategy, delta: Delta, variance: Variance| {
        let plan = ImputationPlan::new(strategy).covariates(["baseline"]).variance(variance).delta(delta);
        Question::Imputed(last(), plan)
    };
    let shifts = Delta::by_visit([1.0, 2.0, 3.0]).in_arms(["b"]);
    let cases = [
        ("shift", of(Strategy::Mar, shifts.clone(), Variance::DeltaMethod), difference + 0.3 * 3.0),
        ("anchored", of(Strategy::JumpToReference, shifts.clone(), Variance::InformationAnchored), 0.7 * difference + 0.3 * 3.0),
        (
            "accumulated",
            of(Strategy::Mar, shifts.lag_weights([1.0, 1.0, 1.0]), Variance::DeltaMethod),
            difference + 0.1 * (1.0 + 2.0 + 3.0) + 0.1 * (2.0 + 3.0) + 0.1 * 3.0,
        ),
        ("factor", of(Strategy::Mar, Delta::factors([1.0, 1.0, 1.5]), Variance::DeltaMethod), difference * (0.7 + 0.3 * 1.5)),
    ];
    let procedure = cases.iter().fold(Procedure::new("primary", model()), |p, (name, question, _)| p.ask(*name, question.clone()));
    for (row, (what, _, expected)) in rows(&dropout, &[procedure], TRIALS).iter().zip(&cases) {
        assert!((row.truth - expected).abs() < 4.0 * row.truth_error, "{what}: {} ({}) for {expected}", row.truth, row.truth_error);
        assert!(row.truth_error > 0.0 && row.truth_error < 0.1, "{what}: an error of {}", row.truth_error);
        assert!(row.bias().0.abs() < 3.5 * row.bias().1, "{what}: a bias of {:?}", row.bias());
    }
    // Amounts for visits that the model does not have: no analysis, and no truth.
    let wrong = Procedure::new("primary", model()).ask("wrong", of(Strategy::Mar, Delta::by_visit([1.0]), Variance::DeltaMethod));
    let found = rows(&dropout, &[wrong], 3).remove(0);
    assert!(found.truth.is_nan() && found.answered() == 0);
}

/// A point of a tipping-point analysis is that of the analysis itself, and its truth is that of the strategy with the amounts added to
/// those who have left.
#[test]
fn points_of_a_tipping_analysis_are_those_of_the_analysis() {
    let difference = OWN[3] - REFERENCE[3];
    let dropout = truth(24).missing(MissingTruth::with_retention([1.0, 0.9, 0.8, 0.7]));
    let plan = ImputationPlan::new(Strategy::Mar).covariates(["baseline"]);
    let pairs = [[0.0, -1.0], [4.0, -1.0], [0.0, 0.0], [4.0, 0.0]];
    let ask = |p: Procedure, pair: &[f64; 2]| p.ask(format!("{pair:?}"), Question::Tipping(last(), plan.clone(), *pair));
    let procedure = pairs.iter().fold(Procedure::new("tipping", model()), ask);
    let found = replicate(&dropout.drawer().expect("a truth"), &[procedure], 5, 0..2).expect("trials");
    for replicate in &found.trials {
        let trial = dropout.trial(5, replicate.number).expect("a trial");
        let based = trialstats::imputation::ReferenceBased::new(Strategy::Mar).covariates(["baseline"]);
        let fit = model().fit(&trial).expect("a fit");
        let table = fit.tipping_point(&trial, &based, ("b", "a"), "3", &[0.0, 4.0], &[-1.0, 0.0]).expect("a grid");
        for (answer, (pair, row)) in replicate.answers.iter().zip(pairs.iter().zip(&table.rows)) {
            let answer = answer.as_ref().expect("an answer");
            assert_eq!(*pair, [row.arm, row.versus]);
            assert_eq!((answer.estimate, answer.se, answer.p), (row.estimate, row.se, row.p));
        }
    }
    for (row, [arm, versus]) in found.characteristics().rows.iter().zip(pairs) {
        let expected = difference + 0.3 * (arm - versus);
        assert!((row.truth - expected).abs() <= 4.0 * row.truth_error + 1e-12, "{arm}, {versus}: {} for {expected}", row.truth);
    }
}

/// Both roads give the answers of single trials, under every strategy.
#[test]
fn trials_with_events_are_analysed_as_single_ones() {
    let truth = truth(25).event(stopped().then(Strategy::JumpToReference).collected(0.7)).missing(MissingTruth::left_by_end(0.15));
    let drawer = truth.drawer().expect("a truth");
    let plans = [
        event(EventStrategy::TreatmentPolicy),
        event(EventStrategy::Hypothetical),
        event(EventStrategy::Hypothetical).imputed_by(Strategy::CopyReference),
        event(EventStrategy::Composite).value(Composite::Baseline),
        event(EventStrategy::WhileOnTreatment),
    ];
    for event in plans {
        let what = event.strategy;
        let mut asked = vec![Procedure::new("primary", model()).contrast(last())];
        let plan = ImputationPlan::new(Strategy::JumpToReference).covariates(["baseline"]).variance(Variance::InformationAnchored);
        let plan = plan.delta(Delta::by_visit([1.0, 2.0, 3.0]));
        asked.push(Procedure::new("anchored", model()).ask("delta", Question::Imputed(last(), plan)));
        if !matches!(what, EventStrategy::Composite | EventStrategy::WhileOnTreatment) {
            asked.push(Procedure::new("imputed", model()).ask("j2r", imputed(Strategy::JumpToReference)));
        }
        let procedures: Vec<Procedure> = asked.into_iter().map(|procedure| procedure.events_of(&planned(event.clone()))).collect();
        let framed = replicate(&drawer, &procedures, 11, 0..6).expect("trials");
        let single = replicate(&OneByOne(drawer.clone()), &procedures, 11, 0..6).expect("trials");
        for (ours, theirs) in framed.trials.iter().zip(&single.trials) {
            for (a, b) in ours.answers.iter().zip(&theirs.answers) {
                let (a, b) = (a.as_ref().expect("an answer"), b.as_ref().expect("an answer"));
                assert!(apart(a, b) < 1e-8, "{what}: {a:?}\n{b:?}");
            }
        }
    }
}

/// A study in a file: the plan's events are those of the truth, and what is true of each question stands in the report.
#[test]
fn a_study_has_events() {
    let text = r#"
        primary = "y"
        [[event]]
        name = "stopped"
        strategy = "hypothetical"
        from = "visit(STOPVIS)"
        [[sensitivity]]
        kind = "imputation"
        strategy = "jump-to-reference"
        covariates = ["baseline"]
        variance = "delta-method"
        [study]
        trials = 20
        vary = { events = [0.0, 0.3] }
        [truth]
        visits = ["0", "1", "2"]
        sd = [1, 1, 1]
        correlation = { exchangeable = 0.5 }
        arms = [{ name = "a", patients = 30, means = [0, 0, 0] }, { name = "b", patients = 30, d = -0.6 }]
        missing = { left-by-end = 0.1 }
        [[truth.events]]
        name = "stopped"
        by-end = 0.2
        then = "jump-to-reference"
        collected = 0.5
    "#;
    let file = StudyFile::from_toml(text).expect("a study");
    let found = file.run(&Silent).expect("a result");
    let rows = &found.base().characteristics.rows;
    assert!(rows.iter().all(|row| row.answered() == 20), "{}", found.base().characteristics);
    assert!((rows[0].truth + 0.6).abs() < 1e-12, "the hypothetical estimand is that of no event: {}", rows[0].truth);
    let none = &found.curve("events")[0].characteristics.rows;
    assert!((none[0].truth + 0.6).abs() < 1e-12);
    let j2r = rows.last().expect("an imputation");
    // Imputed as the strategy says after the event, and at random after dropout, which is no event of this plan.
    assert!((j2r.truth + 0.6 * 0.8).abs() < 4.0 * j2r.truth_error && j2r.truth_error > 0.0, "{} ({})", j2r.truth, j2r.truth_error);
    let document = file.document(&found).to_text(110);
    for said in ["event `stopped`", "had by 0, 0.1056, 0.2", "large draw", "Power by share with the intercurrent event"] {
        assert!(document.contains(said), "the document lacks {said}:\n{document}");
    }
    let other = text.replace("name = \"stopped\"\n        by-end", "name = \"moved\"\n        by-end");
    let refused = StudyFile::from_toml(&other).expect_err("no such event").to_string();
    assert!(refused.contains("stopped") && refused.contains("truth.events"), "{refused}");
    assert!(matches!(file.plan.sensitivity[0], Sensitivity::Imputation(_)));
}

#[test]
fn impossible_events_say_why() {
    let says = |event: EventTruth| truth(20).event(event).trial(1, 0).expect_err("refused").to_string();
    assert!(says(EventTruth::by_end("e", 1.0)).contains("by-end"));
    assert!(says(EventTruth::by_end("e", 0.1).arm("c")).contains("arm"));
    assert!(says(EventTruth::by_end("e", 0.1).collected(1.5)).contains("collected"));
    assert!(says(EventTruth::by_end("e", 0.1).shift(f64::NAN)).contains("shift"));
    let mut both = stopped();
    both.by_end = Some(0.1);
    assert!(says(both).contains("curve"));
    let mut falls = stopped();
    falls.curve = Some(vec![0.0, 0.3, 0.2, 0.4]);
    assert!(says(falls).contains("rise"));
    let twice = truth(20).event(EventTruth::by_end("e", 0.1)).event(EventTruth::by_end("e", 0.1).arm("b"));
    assert!(twice.trial(1, 0).expect_err("refused").to_string().contains("e"));
    let mut apart = truth(20).event(EventTruth::by_end("e", 0.1).arm("a"));
    apart = apart.event(EventTruth::by_end("e", 0.3).arm("b"));
    assert!(apart.trial(1, 0).is_ok());
    let unknown = TrialTruth::from_toml(
        "visits = ['0', '1']\nsd = [1, 1]\ncorrelation = { exchangeable = 0.5 }\narms = [{ name = 'a', patients = 9, means = [0, 0] }]\n[[events]]\nname = 'e'\nrate = 0.1",
    );
    assert!(unknown.expect_err("refused").to_string().contains("rate"));
}
