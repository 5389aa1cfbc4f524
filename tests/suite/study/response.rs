//! The true difference in rates of response: exact where theory is, otherwise a draw that meets it.

use trialstats::Model;
use trialstats::analysis::{EventFrom, EventPlan, EventStrategy, Plan, Silent};
use trialstats::dist::normal;
use trialstats::imputation::{Composite, Strategy};
use trialstats::responders::{Definition, RateOptions, Rule, Unobserved};
use trialstats::study::{
    ArmTruth, Characteristics, Compared, Correlation, EventTruth, MissingTruth, Procedure, Question, StudyFile, TrialTruth, replicate,
};
use trialstats::trial::BaselineFrom;

const REFERENCE: [f64; 3] = [30.0, 27.0, 25.0];
const OWN: [f64; 3] = [30.0, 24.0, 18.0];
const SD: f64 = 12.0;
/// What counts as response: a score below this.
const CUT: f64 = 16.0;
const WAYS: [Unobserved; 4] = [Unobserved::ObservedOnly, Unobserved::CountedAsNotMet, Unobserved::Bounds, Unobserved::LastObserved];

fn truth() -> TrialTruth {
    TrialTruth::new(["0", "1", "2"], [8.0, 10.0, SD], Correlation::Autoregressive(0.7))
        .arm(ArmTruth::new("a", 60, REFERENCE))
        .arm(ArmTruth::new("b", 60, OWN))
}

fn below() -> Definition {
    Definition::new("low", Rule::below("y", CUT))
}

/// The rate where scores have this mean.
fn rate(mean: f64) -> f64 {
    normal::cdf((CUT - mean) / SD)
}

fn asked(definition: &Definition, unobserved: Unobserved) -> Question {
    Question::Response(Compared::new("b", "a", "2"), definition.clone(), unobserved, BaselineFrom::Visit)
}

fn rows(truth: &TrialTruth, ways: &[Unobserved], definition: &Definition, plan: Option<Plan>, trials: u64) -> Vec<Characteristics> {
    let model = Model::formula("y ~ baseline * visit + arm * visit").expect("a formula");
    let procedure = ways.iter().fold(Procedure::new("it", model), |p, way| p.ask(way.to_string(), asked(definition, *way)));
    let procedure = plan.iter().fold(procedure, |procedure, plan| procedure.events_of(plan));
    replicate(&truth.drawer().expect("a truth"), &[procedure], 5, 0..trials).expect("trials").characteristics().rows
}

fn is(row: &Characteristics, expected: f64, what: &str) {
    let close = if row.truth_error > 0.0 { 4.0 * row.truth_error } else { 1e-12 };
    assert!((row.truth - expected).abs() < close, "{what}, {}: {} ({}) for {expected}", row.name, row.truth, row.truth_error);
    assert!(row.truth_error < 0.0035, "{what}, {}: an error of {}", row.name, row.truth_error);
}

/// Of normal scores without events rates are Φ; who leaves is not met where that is counted so, and met in the reference where that
/// makes the difference lowest. Without an effect and with equal dropout the difference is zero.
#[test]
fn rates_without_events_are_those_of_the_normal_distribution() {
    let plain = rows(&truth(), &WAYS, &below(), None, 2);
    plain.iter().for_each(|row| is(row, rate(OWN[2]) - rate(REFERENCE[2]), "nobody missing"));
    // A quarter leaves at random: exact as well.
    let leaving = truth().missing(MissingTruth::left_by_end(0.25));
    let (own, other, stay) = (rate(OWN[2]), rate(REFERENCE[2]), 0.75);
    let expected = [own - other, stay * (own - other), stay * own - (stay * other + 1.0 - stay), own - other];
    for (row, expected) in rows(&leaving, &WAYS, &below(), None, 2).iter().zip(expected) {
        is(row, expected, "at random");
        assert_eq!(row.truth_error, 0.0);
    }
    // More of one arm leave.
    let mut more = truth();
    more.arms[1].missing = Some(MissingTruth::left_by_end(0.5));
    is(&rows(&more, &[Unobserved::CountedAsNotMet], &below(), None, 2)[0], 0.5 * own - other, "of one arm");
    let none = leaving.with_effect(0.0);
    for (row, expected) in rows(&none, &WAYS, &below(), None, 2).iter().zip([0.0, 0.0, stay - 1.0, 0.0]) {
        is(row, expected, "no effect");
    }
    // A fall from the baseline, which a covariate that holds it would have to be drawn for.
    let fell = Definition::new("fell", Rule::point_drop("y", 10.0));
    let sd = (64.0 + SD * SD - 2.0 * 0.49 * 8.0 * SD).sqrt();
    let fall = |mean: f64| normal::sf((10.0 - (30.0 - mean)) / sd);
    is(&rows(&truth(), &[Unobserved::ObservedOnly], &fell, None, 2)[0], fall(OWN[2]) - fall(REFERENCE[2]), "a fall");
    let three = truth().arm(ArmTruth::new("c", 60, OWN));
    let question = Question::Response(Compared::new("c", "b", "2"), below(), Unobserved::ObservedOnly, BaselineFrom::Visit);
    let procedure = Procedure::new("it", Model::formula("y ~ arm * visit").expect("a formula")).ask("c against b", question);
    let found = replicate(&three.drawer().expect("a truth"), &[procedure], 5, 0..40).expect("trials").characteristics().rows;
    assert!(found[0].truth.abs() < 1e-12 && found[0].bias().0.abs() < 4.0 * found[0].bias().1, "{:?}", found[0]);
}

/// Where leaving depends on scores, the draw meets a count of three hundred thousand patients, and the exact value where it hardly
/// depends on them.
#[test]
fn a_draw_meets_theory_and_a_count() {
    const PATIENTS: usize = 300_000;
    let hardly = truth().missing(MissingTruth::left_by_end(0.25).log_odds_per_sd(1e-9));
    let (own, other) = (rate(OWN[2]), rate(REFERENCE[2]));
    let found = rows(&hardly, &[Unobserved::CountedAsNotMet, Unobserved::Bounds], &below(), None, 2);
    is(&found[0], 0.75 * (own - other), "hardly");
    is(&found[1], 0.75 * own - (0.75 * other + 0.25), "hardly");
    assert!(found[0].truth_error > 0.0);
    let mut leaving = truth().missing(MissingTruth::left_by_end(0.25).log_odds_per_sd(0.8));
    (leaving.missing.missed, leaving.missing.informative) = (0.1, true);
    let found = rows(&leaving, &WAYS, &below(), None, 2);
    let trial = leaving.with_patients(PATIENTS).trial(99, 0).expect("a trial");
    for (way, row) in WAYS.into_iter().zip(&found) {
        if matches!(way, Unobserved::ObservedOnly | Unobserved::LastObserved) {
            assert_eq!((row.truth_error, row.truth), (0.0, found[0].truth));
            continue;
        }
        let counted = below().evaluate(&trial).and_then(|r| r.compare(&RateOptions::new([way]).visits(["2"]))).expect("rates");
        let counted = counted.rows[0].difference.estimate;
        let error = row.truth_error.hypot((1.0 / PATIENTS as f64).sqrt());
        assert!((row.truth - counted).abs() < 4.0 * error, "{way}: {} for {counted}", row.truth);
    }
    // Nobody differs, but by chance.
    let none = rows(&leaving.with_effect(0.0), &[Unobserved::CountedAsNotMet], &below(), None, 2);
    is(&none[0], 0.0, "no effect");
}

fn planned(event: EventPlan) -> Plan {
    let mut plan = Plan::new("y");
    plan.events = vec![event];
    plan
}

/// Events count as the plan has them, under every rule for the unobserved.
#[test]
fn rates_are_those_of_the_estimand() {
    const HAD: f64 = 0.4;
    let mut stopped = EventTruth::by_end("stopped", 0.0).arm("b");
    (stopped.by_end, stopped.curve) = (None, Some(vec![0.0, 0.0, HAD]));
    let event = |strategy| EventPlan::new("stopped", strategy, EventFrom::File);
    let (own, other) = (rate(OWN[2]), rate(REFERENCE[2]));
    let both = [Unobserved::ObservedOnly, Unobserved::CountedAsNotMet];
    let of = |event: &EventTruth, plan: Option<EventPlan>, expected: [f64; 2], what: &str| {
        let found = rows(&truth().event(event.clone()), &both, &below(), plan.map(planned), 2);
        found.iter().zip(expected).for_each(|(row, expected)| is(row, expected, what));
    };
    let shifted = stopped.clone().shift(6.0);
    let moved = (1.0 - HAD) * own + HAD * rate(OWN[2] + 6.0) - other;
    of(&shifted, None, [moved; 2], "what happens");
    of(&shifted, Some(event(EventStrategy::TreatmentPolicy)), [moved; 2], "treatment policy");
    of(&shifted, Some(event(EventStrategy::Hypothetical)), [own - other; 2], "hypothetical");
    let jumped = stopped.clone().then(Strategy::JumpToReference);
    // Given the score before, only the mean moves.
    let jump = (1.0 - HAD) * own + HAD * rate(REFERENCE[2]) - other;
    of(&jumped, Some(event(EventStrategy::TreatmentPolicy)), [jump; 2], "jump to reference");
    let replaced = (1.0 - HAD) * own - other;
    let composite = event(EventStrategy::Composite).value(Composite::Value(50.0));
    of(&shifted.clone().collected(0.5), Some(composite), [replaced; 2], "composite");
    let while_on = event(EventStrategy::WhileOnTreatment);
    let before = (1.0 - HAD) * own + HAD * normal::cdf((CUT - OWN[1]) / 10.0) - other;
    of(&shifted.clone().collected(0.5), Some(while_on), [before; 2], "while on treatment");
    // Half of those with the event leave with it.
    let gone = shifted.collected(0.5);
    let half = (1.0 - HAD) * own + 0.5 * HAD * rate(OWN[2] + 6.0) - other;
    of(&gone, None, [moved, half], "leaving with the event");
    of(&gone, Some(event(EventStrategy::TreatmentPolicy)), [moved, half], "leaving with the event");
    of(&gone, Some(event(EventStrategy::Hypothetical)), [own - other; 2], "thought away");
}

/// Newcombe's interval holds the truth in 95 % of the trials, and estimates have no bias, whichever way the unobserved are treated
/// that does not rest on who they are: 300 trials, 3.5 Monte-Carlo errors.
#[test]
fn intervals_of_the_difference_hold_the_truth() {
    const TRIALS: u64 = 300;
    let at_random = truth().missing(MissingTruth::left_by_end(0.2));
    let by_score = truth().missing(MissingTruth::left_by_end(0.25).log_odds_per_sd(0.8));
    for (truth, ways) in [
        (&at_random, &[Unobserved::ObservedOnly, Unobserved::CountedAsNotMet, Unobserved::Bounds][..]),
        (&by_score, &[Unobserved::CountedAsNotMet][..]),
    ] {
        for row in rows(truth, ways, &below(), None, TRIALS) {
            let error = (0.95 * 0.05 / TRIALS as f64).sqrt();
            assert!((row.coverage.share - 0.95).abs() < 3.5 * error, "{}: coverage {:?}", row.name, row.coverage);
            assert!(row.bias().0.abs() < 3.5 * row.bias().1, "{}: a bias of {:?}", row.name, row.bias());
        }
    }
    // The observed alone are other patients where leaving depends on scores; and what was seen last is not what would be seen.
    let found = rows(&by_score, &[Unobserved::LastObserved], &below(), None, TRIALS);
    assert!(found[0].bias().0.abs() > 3.5 * found[0].bias().1, "{:?}", found[0].bias());
}

/// The same bits for any number of threads and from parts, and bias and coverage in the document.
#[test]
fn a_study_says_what_is_true_of_response() {
    let text = r#"
        primary = "y"
        [responders]
        unobserved = ["counted-as-not-met"]
        definitions = [{ name = "low", source = "made up", rule = { below = { outcome = "y", score = 16 } } }]
        [study]
        trials = 12
        null = true
        [truth]
        visits = ["0", "1"]
        sd = [8, 12]
        correlation = { exchangeable = 0.5 }
        arms = [{ name = "a", patients = 400, means = [30, 25] }, { name = "b", patients = 400, means = [30, 18] }]
        missing = { left-by-end = 0.2, log-odds-per-sd = 0.4 }
    "#;
    let file = StudyFile::from_toml(text).expect("a study");
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| file.run(&Silent)).expect("a result")
    };
    let (one, three) = (on(1), on(3));
    let json = serde_json::to_string(&one).expect("JSON");
    assert_eq!(json, serde_json::to_string(&three).expect("JSON"));
    let folder = std::env::temp_dir().join(format!("trialstats-response-parts-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    (1..=2).for_each(|part| drop(file.write_part(part, 2, &folder, &Silent).expect("written")));
    assert_eq!(json, serde_json::to_string(&file.merged(&folder, &Silent).expect("both parts")).expect("JSON"));
    std::fs::remove_dir_all(&folder).expect("removed");
    let row = one.base().characteristics.rows.iter().find(|row| row.name == "response: low").expect("a row");
    assert!(row.truth > 0.1 && row.truth < rate(18.0) - rate(25.0) && row.truth_error > 0.0, "{row:?}");
    assert!(row.coverage.share > 0.5 && row.bias().0.is_finite());
    let none = one.curve("null")[0].characteristics.rows.iter().find(|row| row.name == "response: low").expect("a row");
    assert!(none.truth.abs() < 4.0 * none.truth_error, "{none:?}");
    let document = file.document(&one).to_text(110);
    assert!(document.contains("leaving"), "{document}");
}
