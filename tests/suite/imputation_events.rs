//! Intercurrent events, strategies of one's own, multiplicative delta and completed data: exact identities, counts, edges.

use crate::common::tolerances::IDENTITY;
use crate::common::{ANTIDEPRESSANT, repository};
use trialstats::imputation::{
    CompletedData, Composite, Delta, Distribution, Event, EventStrategy, Events, ImputedTable, ReferenceBased, Strategy, Variance,
};
use trialstats::table::Tabular;
use trialstats::trial::Scope;
use trialstats::{Error, Layout, Model, Trial};

fn antidepressant() -> Trial {
    let layout = Layout::long("PATIENT", "THERAPY", "VISIT").arms(["DRUG", "PLACEBO"]).outcome("CHANGE").covariate("BASVAL");
    layout.read_csv(repository(ANTIDEPRESSANT)).expect("the sample")
}

fn model() -> Model {
    Model::formula("CHANGE ~ THERAPY * VISIT + BASVAL * VISIT").expect("a formula")
}

fn plan(strategy: Strategy) -> ReferenceBased {
    ReferenceBased::new(strategy).reference("PLACEBO").covariates(["BASVAL"])
}

fn imputed(trial: &Trial, plan: &ReferenceBased) -> ImputedTable {
    model().reference_based(trial, plan).unwrap_or_else(|error| panic!("{error}"))
}

fn numbers(table: &ImputedTable) -> Vec<f64> {
    table.rows.iter().flat_map(|r| [r.estimate, r.se]).collect()
}

fn near(here: &[f64], there: &[f64], tolerance: f64) {
    assert_eq!(here.len(), there.len());
    for (a, b) in here.iter().zip(there) {
        assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{here:?} against {there:?}");
    }
}

/// Every seventh patient stops before visit 6, every tenth before visit 5; most of them are observed afterwards.
fn stopped(trial: &Trial) -> Vec<(String, &'static str)> {
    let at = |i: usize| if i % 7 == 3 { Some("6") } else { (i % 10 == 5).then_some("5") };
    trial.patients().iter().enumerate().filter_map(|(i, patient)| Some((patient.clone(), at(i)?))).collect()
}

fn with(trial: &Trial, event: Event) -> Events {
    Events::none(trial).with(trial, event, stopped(trial)).unwrap_or_else(|error| panic!("{error}"))
}

/// The trial whose values from each patient's event on are changed.
fn changed(trial: &Trial, to: impl Fn(usize, usize) -> f64) -> Trial {
    let events = with(trial, Event::new("stopped", EventStrategy::TreatmentPolicy));
    let outcome = trial.outcome("CHANGE").expect("the outcome");
    let value = |k: usize| match events.first_after()[k / 4] {
        Some(from) if k % 4 >= from => to(k / 4, from),
        _ => outcome.values[k],
    };
    trial.with_outcome("CHANGE", (0..outcome.values.len()).map(value).collect()).expect("values")
}

/// The complete cases, so that nothing but the event takes values away.
fn complete(trial: &Trial) -> Trial {
    let outcome = trial.outcome("CHANGE").expect("the outcome");
    let whole: Vec<usize> = (0..trial.patients().len()).filter(|&i| (0..4).all(|t| trial.value(outcome, i, t).is_some())).collect();
    trial.part(&whole).expect("a part")
}

#[test]
fn a_hypothetical_event_makes_values_missing() {
    let trial = antidepressant();
    let events = with(&trial, Event::new("stopped", EventStrategy::Hypothetical));
    let without = changed(&trial, |_, _| f64::NAN);
    // Those who stopped have their event there; others who were lost are missing at random.
    let same = Events::at(&without, stopped(&without)).expect("events");
    for strategy in [Strategy::Mar, Strategy::JumpToReference, Strategy::CopyIncrements] {
        for variance in [Variance::Jackknife, Variance::DeltaMethod, Variance::InformationAnchored] {
            let plan = plan(strategy).variance(variance);
            let here = imputed(&trial, &plan.clone().events(events.clone()));
            let there = imputed(&without, &plan.events(same.clone()));
            near(&numbers(&here), &numbers(&there), IDENTITY);
        }
    }
    // The event's own imputation counts before that of the analysis.
    let own = with(&trial, Event::new("stopped", EventStrategy::Hypothetical).imputed_by(Strategy::JumpToReference));
    let here = imputed(&trial, &plan(Strategy::Mar).events(own));
    let there = imputed(&trial, &plan(Strategy::JumpToReference).events(events.clone()));
    near(&numbers(&here), &numbers(&there), IDENTITY);
    // The primary analysis of the estimand is that of the trial without the values.
    let analysed = events.applied_to(&trial, "CHANGE").expect("the outcome");
    let bits = |trial: &Trial| {
        trial.outcome("CHANGE").expect("the outcome").values.iter().map(|y| if y.is_nan() { 0 } else { y.to_bits() }).collect::<Vec<_>>()
    };
    assert_eq!(bits(&analysed), bits(&without));
}

#[test]
fn under_the_treatment_policy_values_are_kept() {
    let trial = antidepressant();
    let events = with(&trial, Event::new("stopped", EventStrategy::TreatmentPolicy));
    // At random the event changes nothing.
    near(
        &numbers(&imputed(&trial, &plan(Strategy::Mar).events(events.clone()))),
        &numbers(&imputed(&trial, &plan(Strategy::Mar))),
        IDENTITY,
    );
    // Otherwise values after it are kept and do not inform the model.
    let jump = plan(Strategy::JumpToReference).events(events);
    let informing = jump.informing(&trial, "CHANGE").expect("a trial");
    let count = |trial: &Trial| trial.outcome("CHANGE").expect("the outcome").values.iter().filter(|y| !y.is_nan()).count();
    assert!(count(&informing) + 40 < count(&trial));
    let data = model().completed_data(&trial, &jump).expect("completed data");
    let kept = data.rows.iter().filter(|row| row.derivation.is_none());
    assert_eq!(kept.clone().count(), count(&trial));
    assert!(kept.into_iter().all(|row| row.value == row.observed));
    // A fit that has seen them is refused, and says what to do.
    let refused = model().fit(&trial).expect("a fit").reference_based(&trial, &jump).expect_err("it has seen them").to_string();
    assert!(refused.contains("the fit has seen the value of patient") && refused.contains("ReferenceBased::informing"), "{refused}");
    // Both frequentist standard errors know that the kept values do not inform the model.
    let closed = imputed(&trial, &jump.clone().variance(Variance::DeltaMethod));
    for (d, j) in closed.differences().zip(imputed(&trial, &jump).differences()) {
        assert!((d.se / j.se - 1.0).abs() < 0.1, "{} against {}", d.se, j.se);
    }
}

/// On complete data a composite or while-on-treatment analysis is the ANCOVA of the values that the strategy puts there.
#[test]
fn composite_and_while_on_treatment_replace_values() {
    let trial = complete(&antidepressant());
    let outcome = trial.outcome("CHANGE").expect("the outcome").values.clone();
    let composite = Event::new("stopped", EventStrategy::Composite).value(Composite::Value(7.5));
    let while_on = Event::new("stopped", EventStrategy::WhileOnTreatment);
    let cases = [(composite, changed(&trial, |_, _| 7.5)), (while_on, changed(&trial, |i, from| outcome[4 * i + from - 1]))];
    for (event, by_hand) in cases {
        let events = with(&trial, event);
        let plain = imputed(&by_hand, &plan(Strategy::Mar).variance(Variance::InformationAnchored));
        let table = imputed(&trial, &plan(Strategy::Mar).variance(Variance::InformationAnchored).events(events.clone()));
        near(&numbers(&table), &numbers(&plain), 1e-9);
        let analysed = events.applied_to(&trial, "CHANGE").expect("the outcome");
        assert_eq!(analysed.outcome("CHANGE").expect("it").values, by_hand.outcome("CHANGE").expect("it").values);
    }
    let lowest = with(&trial, Event::new("stopped", EventStrategy::Composite).value(Composite::Lowest));
    let refused = lowest.applied_to(&trial, "CHANGE").expect_err("no range").to_string();
    assert!(refused.contains("range of the outcome"), "{refused}");
    let baseline = with(&trial, Event::new("stopped", EventStrategy::Composite).value("covariate(BASVAL)".parse().expect("a value")));
    let applied = baseline.applied_to(&trial, "CHANGE").expect("the outcome");
    let values = &applied.outcome("CHANGE").expect("it").values;
    let basval =
        trial.covariate("BASVAL").and_then(|v| v.numbers().ok_or(Error::NotEstimable { estimate: String::new(), why: String::new() }));
    assert_eq!(values[4 * 3 + 2], basval.expect("numbers")[3]);
}

/// A strategy of one's own is a named one where it computes what that does, and lies half way where it is the mean of two.
#[test]
fn a_strategy_of_ones_own_is_what_it_computes() {
    let trial = antidepressant();
    let jump = |own: &Distribution, reference: &Distribution, from: usize| {
        let mut patient = own.clone();
        (from..own.mean.len()).for_each(|t| patient.mean[t] = reference.mean[t]);
        patient
    };
    let half = move |own: &Distribution, reference: &Distribution, from: usize| Distribution {
        mean: (&own.mean + jump(own, reference, from).mean) * 0.5,
        covariance: own.covariance.clone(),
    };
    for variance in [Variance::Jackknife, Variance::DeltaMethod, Variance::InformationAnchored] {
        let of = |plan: ReferenceBased| imputed(&trial, &plan.variance(variance));
        let (mar, named) = (of(plan(Strategy::Mar)), of(plan(Strategy::JumpToReference)));
        near(&numbers(&of(plan(Strategy::Mar).strategy_fn("jump", jump))), &numbers(&named), 1e-9);
        let between = of(plan(Strategy::Mar).strategy_fn("half way", half));
        for ((between, mar), jump) in between.rows.iter().zip(&mar.rows).zip(&named.rows) {
            near(&[between.estimate], &[0.5 * (mar.estimate + jump.estimate)], 1e-9);
        }
        assert!(between.title().ends_with("imputed: half way"), "{}", between.title());
    }
    let refused = |name: &str, function: fn(&Distribution, &Distribution, usize) -> Distribution| {
        model().reference_based(&trial, &plan(Strategy::Mar).strategy_fn(name, function)).expect_err(name).to_string()
    };
    let worst = |own: &Distribution, reference: &Distribution, _: usize| Distribution {
        mean: own.mean.zip_map(&reference.mean, f64::max),
        covariance: own.covariance.clone(),
    };
    assert!(refused("the worse of two", worst).contains("not a linear function of the means"));
    let shifted = |own: &Distribution, _: &Distribution, _: usize| Distribution {
        mean: own.mean.add_scalar(1.0),
        covariance: own.covariance.clone(),
    };
    assert!(refused("shifted", shifted).contains("state fixed amounts as `delta`"));
    let nothing =
        |own: &Distribution, _: &Distribution, _: usize| Distribution { mean: own.mean.clone(), covariance: &own.covariance * 0.0 };
    assert!(refused("nothing", nothing).contains("positive definite"));
    let short = |own: &Distribution, _: &Distribution, _: usize| Distribution {
        mean: own.mean.rows(0, 2).into_owned(),
        covariance: own.covariance.clone(),
    };
    assert!(refused("short", short).contains("a mean of 2"));
}

/// The estimate is linear in a factor, and the jackknife and the closed form agree on it.
#[test]
fn factors_multiply_imputed_values() {
    let trial = antidepressant();
    let of = |factor: f64, variance| {
        let delta = Delta::factors([1.0, 1.0, 1.0, factor]).in_arms(["PLACEBO"]);
        imputed(&trial, &plan(Strategy::Mar).delta(delta).variance(variance))
    };
    let last = |factor| of(factor, Variance::Jackknife).differences().next_back().map(|r| (r.estimate, r.se)).expect("a row");
    let ((one, se), (half, _), (two, wide)) = (last(1.0), last(1.5), last(2.0));
    near(&[two - one], &[2.0 * (half - one)], 1e-9);
    let plain = imputed(&trial, &plan(Strategy::Mar)).differences().next_back().map(|r| (r.estimate, r.se)).expect("a row");
    near(&[one, se], &[plain.0, plain.1], IDENTITY);
    assert!(two < one && wide > se);
    let closed = of(2.0, Variance::DeltaMethod).differences().next_back().map(|r| r.se).expect("a row");
    assert!((closed / wide - 1.0).abs() < 0.08, "{closed} against {wide}");
    // What the completed data are multiplied by is in them.
    let data =
        |factor: f64| model().completed_data(&trial, &plan(Strategy::Mar).delta(Delta::factors([1.0, 1.0, 1.0, factor]))).expect("data");
    for (a, b) in data(1.0).rows.iter().zip(&data(1.25).rows) {
        let factor = if a.derivation.is_some() && a.visit.label == "7" && !a.is_gap { 1.25 } else { 1.0 };
        assert!((b.value - factor * a.value).abs() < 1e-12, "{a:?} {b:?}");
    }
    let refused = model().reference_based(&trial, &plan(Strategy::Mar).delta(Delta::factors([0.0; 4]))).expect_err("zero").to_string();
    assert!(refused.contains("factors above 0"), "{refused}");
}

/// The ANCOVA of the completed data, as a program that reads them does it, is the analysis itself.
#[test]
fn completed_data_give_the_estimates_again() {
    let trial = antidepressant();
    for (strategy, code) in [(Strategy::JumpToReference, "J2R"), (Strategy::CopyReference, "CR"), (Strategy::Mar, "MAR")] {
        let data = model().completed_data(&trial, &plan(strategy)).expect("data");
        let table = imputed(&trial, &plan(strategy));
        let values: Vec<f64> = data.rows.iter().map(|row| row.value).collect();
        let completed = trial.with_outcome("CHANGE", values).expect("values");
        for row in table.differences() {
            let one = Model::formula("CHANGE ~ THERAPY + BASVAL").expect("a formula").visits([row.visit.label.as_str()]);
            let ancova = one.fit(&completed).expect("a fit");
            near(&[ancova.coefficients().rows[1].estimate], &[row.estimate], 1e-9);
        }
        assert!(data.rows.iter().filter(|row| row.derivation.is_some() && !row.is_gap).all(|row| row.derivation.as_deref() == Some(code)));
        assert!(data.rows.iter().all(|row| row.derivation.is_some() == row.observed.is_nan()));
    }
    let mut both = model().completed_data(&trial, &plan(Strategy::Mar)).expect("data").named("mar");
    both.append(model().completed_data(&trial, &plan(Strategy::CopyReference)).expect("data").named("cr"));
    assert_eq!(both.columns()[0].name, "ANALYSIS");
    assert_eq!(both.rows.len(), 2 * 172 * 4);
}

#[cfg(feature = "parquet")]
#[test]
fn completed_data_come_back_from_parquet() {
    use polars::prelude::{ParquetReader, SerReader};
    let trial = antidepressant();
    let data = model().completed_data(&trial, &plan(Strategy::JumpToReference)).expect("data");
    let mut bytes = vec![];
    data.write_parquet(&mut bytes).expect("memory can be written");
    let frame = ParquetReader::new(std::io::Cursor::new(bytes)).finish().expect("a frame");
    let values = frame.column("AVAL").and_then(|c| c.f64().cloned()).expect("numbers");
    assert!(data.rows.iter().zip(values.iter()).all(|(row, value)| value.map(f64::to_bits) == Some(row.value.to_bits())));
    let types = frame.column("DTYPE").and_then(|c| c.str().cloned()).expect("text");
    assert_eq!(
        types.iter().flatten().filter(|t| *t == "J2R").count(),
        data.rows.iter().filter(|r| r.derivation.as_deref() == Some("J2R")).count()
    );
}

/// A small trial whose counts can be checked by eye: three arms, one called `A - B`, one of one patient; no baseline visit.
const SMALL: &str = "\
id,arm,visit,y,stop,day,icefl,reason
p1,A - B,1,10,2,,N,lack of efficacy
p1,A - B,2,11,2,,Y,lack of efficacy
p1,A - B,3,12,2,,Y,lack of efficacy
p2,A - B,1,13,,,N,
p2,A - B,3,14,,,N,
p3,A - B,1,15,3,12,N,moved
p4,A - B,1,16,,,N,
p4,A - B,2,15,,,N,
p4,A - B,3,13,,,N,
p5,\"C, D\",1,17,1,0,Y,lack of efficacy
p5,\"C, D\",2,18,1,0,Y,lack of efficacy
p6,\"C, D\",1,16,,,N,
p6,\"C, D\",2,12,,,N,
p6,\"C, D\",3,11,,,N,
p7,\"C, D\",1,12,,,N,
p7,\"C, D\",2,11,,,N,
p8,\"C, D\",1,14,,,N,
p8,\"C, D\",2,14,,,N,
p8,\"C, D\",3,10,,,N,
p9,alone,1,13,,,N,
p9,alone,2,12,,,N,
p9,alone,3,9,,,N,
";

fn small() -> Trial {
    let everyone = ["p1", "p2", "p3", "p4"].map(|p| (p, "A - B")).into_iter().chain(["p5", "p6", "p7", "p8", "p10"].map(|p| (p, "C, D")));
    let layout = Layout::long("id", "arm", "visit").visits_at([("1", 7.0), ("2", 14.0), ("3", 21.0)]).reference_arm("A - B").outcome("y");
    let layout = layout.covariate_as("stop", trialstats::trial::CovariateKind::Factor).covariate("day").covariate("reason");
    let layout = layout.covariate_as("icefl", trialstats::trial::CovariateKind::FactorByVisit);
    layout
        .randomized_patients(everyone.chain([("p9", "alone")]))
        .read_csv_from("small.csv", SMALL.as_bytes())
        .unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn events_come_from_columns_and_are_counted() {
    let trial = small();
    let event = |strategy| Event::new("stopped", strategy);
    let by_visit = Events::none(&trial).with_visit_column(&trial, event(EventStrategy::Hypothetical), "stop").expect("events");
    let patients = |events: &Events| -> Vec<(String, usize)> {
        events.patients_with(&trial, "stopped").into_iter().map(|(p, v)| (p.to_string(), v.index)).collect()
    };
    let expected = [("p1", 1), ("p3", 2), ("p5", 0)].map(|(p, v)| (p.to_string(), v));
    assert_eq!(patients(&by_visit), expected);
    // The first visit planned after day 12 is that of day 14, and after day 0 that of day 7.
    let by_time = Events::none(&trial).with_time_column(&trial, event(EventStrategy::Hypothetical), "day").expect("events");
    assert_eq!(patients(&by_time), [("p3".to_string(), 1), ("p5".to_string(), 0)]);
    let by_flag = Events::none(&trial).with_flag_column(&trial, event(EventStrategy::Hypothetical), "icefl").expect("events");
    assert_eq!(patients(&by_flag), [("p1".to_string(), 1), ("p5".to_string(), 0)]);
    let table = by_visit.table(&trial, "y").expect("a table");
    let row = |arm: &str, event: &str| {
        let row = table.rows.iter().find(|r| r.arm.label == arm && r.event.starts_with(event)).expect("a row");
        [row.patients, row.kept, row.set_aside, row.replaced, row.missing]
    };
    // p1: visits 2 and 3 set aside; p3: visit 3 not observed, visit 2 is not seen again without an event.
    assert_eq!(row("A - B", "stopped"), [2, 0, 2, 0, 1]);
    assert_eq!(row("A - B", "gap"), [1, 0, 0, 0, 1]);
    assert_eq!(row("A - B", "not seen"), [1, 0, 0, 0, 1]);
    // p5: event before the first visit; p7: visit 3; p10 has no outcome at all.
    assert_eq!(row("C, D", "stopped"), [1, 0, 2, 0, 1]);
    assert_eq!(row("C, D", "not seen"), [2, 0, 0, 0, 4]);
    assert_eq!(row("alone", "stopped"), [0, 0, 0, 0, 0]);
    // The most drastic of several events at a visit decides.
    let both =
        by_visit.with(&trial, Event::new("died", EventStrategy::Composite).value(Composite::Value(99.0)), [("p1", "3"), ("p10", "1")]);
    let both = both.expect("events");
    let outcome = both.applied_to(&trial, "y").expect("the outcome");
    let y = outcome.outcome("y").expect("it");
    let of = |patient: &str| {
        let at = trial.patients().iter().position(|p| p == patient).expect("a patient");
        (0..3).map(|t| outcome.value(y, at, t)).collect::<Vec<_>>()
    };
    assert_eq!(of("p1"), [Some(10.0), None, Some(99.0)]);
    assert_eq!(of("p10"), [Some(99.0); 3]);
    assert_eq!(of("p5"), [None; 3]);
}

#[test]
fn events_that_make_no_sense_are_refused_by_name() {
    let trial = small();
    let refused = |event: Event, patients: &[(&str, &str)]| {
        Events::none(&trial).with(&trial, event, patients.iter().copied()).expect_err("it makes no sense").to_string()
    };
    let plain = || Event::new("stopped", EventStrategy::Hypothetical);
    assert!(refused(plain(), &[("p11", "2")]).contains("patient with an intercurrent event named `p11`"));
    assert!(refused(plain(), &[("p1", "5")]).contains("no visit named `5`"));
    assert!(refused(plain(), &[("p1", "2"), ("p1", "3")]).contains("has the event `stopped` twice"));
    assert!(refused(Event::new("s", EventStrategy::PrincipalStratum), &[]).contains("principal-stratum"));
    assert!(refused(Event::new("s", EventStrategy::Composite), &[]).contains("give its `value`"));
    assert!(refused(plain().value(Composite::Baseline), &[]).contains("choose `composite`"));
    assert!(refused(Event::new("s", EventStrategy::WhileOnTreatment).imputed_by(Strategy::Mar), &[]).contains("leave one of the two out"));
    let twice = Events::none(&trial).with(&trial, plain(), [("p1", "2")]).and_then(|e| e.with(&trial, plain(), [("p2", "2")]));
    assert!(twice.expect_err("twice").to_string().contains("`stopped` is there twice"));
    let other = Events::none(&antidepressant()).with(&trial, plain(), [("p1", "2")]).expect_err("another trial").to_string();
    assert!(other.contains("they are of 172 patients"), "{other}");
    let none = Events::none(&trial).with_visit_column(&trial, plain(), "stp").expect_err("no such column").to_string();
    assert!(none.contains("did you mean `stop`"), "{none}");
    assert_eq!(trial.covariate("icefl").expect("a covariate").scope(), Scope::PatientVisit);
    let by_visit = Events::none(&trial).with_visit_column(&trial, plain(), "icefl").expect_err("it changes").to_string();
    assert!(by_visit.contains("not one level per patient"), "{by_visit}");
    let unknown = Events::none(&trial).with_visit_column(&trial, plain(), "reason").expect_err("no visit").to_string();
    assert!(unknown.contains("no visit named `lack of efficacy`"), "{unknown}");
    let baseline = Layout::long("id", "arm", "visit").visits(["1", "2", "3"]).baseline_visit("1").outcome("y");
    let trial = baseline.read_csv_from("small.csv", SMALL.as_bytes()).expect("a trial");
    let before = Events::none(&trial).with(&trial, plain(), [("p1", "1")]).expect_err("before treatment").to_string();
    assert!(before.contains("which is before treatment") && before.contains("name the first visit after the baseline visit"), "{before}");
}

/// Three arms, one patient in one of them, an event before the first visit, a patient without any outcome, one visit.
#[test]
fn edges_of_the_design_are_imputed_too() {
    let trial = small();
    let events =
        Events::none(&trial).with_visit_column(&trial, Event::new("stopped", EventStrategy::Hypothetical), "stop").expect("events");
    let simple = Model::formula("y ~ arm * visit").expect("a formula").covariance(trialstats::Covariance::CompoundSymmetry);
    let plan = ReferenceBased::new(Strategy::JumpToReference).events(events).variance(Variance::InformationAnchored);
    let table = simple.reference_based(&trial, &plan).unwrap_or_else(|error| panic!("{error}"));
    assert!(table.rows.iter().all(|r| r.estimate.is_finite()), "{table}");
    let data = simple.completed_data(&trial, &plan).expect("data");
    let of = |patient: &str| data.rows.iter().filter(|r| r.patient == patient).map(|r| r.value).collect::<Vec<_>>();
    // Before the first visit there is nothing of their own to go by: both have the mean of the reference arm, or of their own.
    let reference: Vec<f64> = {
        let fit = simple.fit(&plan.informing(&trial, "y").expect("a trial")).expect("a fit");
        let means = fit.marginal_means(&["arm", "visit"], &Default::default()).expect("means");
        means.rows.iter().filter(|r| r.arm.as_ref().is_some_and(|a| a == "A - B")).map(|r| r.estimate.estimate).collect()
    };
    near(&of("p5"), &reference, 1e-9);
    let flags = |patient: &str| {
        data.rows.iter().filter(|r| r.patient == patient).map(|r| r.derivation.clone().unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(flags("p5"), ["J2R"; 3]);
    assert_eq!(flags("p10"), ["MAR"; 3]);
    assert_eq!(flags("p2"), ["", "MAR", ""]);
    assert_eq!(flags("p1"), ["", "J2R", "J2R"]);
    // One visit: whoever is missing gets a mean.
    let one = simple.clone().visits(["3"]).covariance(trialstats::Covariance::Unstructured);
    let table = one.reference_based(&trial, &plan).unwrap_or_else(|error| panic!("{error}"));
    assert!(table.rows.iter().all(|r| r.estimate.is_finite()) && table.rows.len() == 5, "{table}");
}

/// A missing covariate is told by patient, and stops the analysis rather than dropping somebody.
#[test]
fn a_missing_covariate_is_told() {
    let text = "id,arm,visit,y,age\na,x,1,1,30\na,x,2,2,30\nb,x,1,2,40\nb,x,2,2.5,40\nc,y,1,3,\nc,y,2,4,\nd,y,1,1,35\ne,x,1,4,36\ne,x,2,1,36\nf,y,1,2,37\nf,y,2,2,37\n";
    let trial =
        Layout::long("id", "arm", "visit").outcome("y").covariate("age").read_csv_from("ages.csv", text.as_bytes()).expect("a trial");
    let model = Model::formula("y ~ arm * visit").expect("a formula").covariance(trialstats::Covariance::CompoundSymmetry);
    let plan = ReferenceBased::new(Strategy::Mar).covariates(["age"]);
    let error = model.reference_based(&trial, &plan).expect_err("an age is missing");
    assert!(matches!(&error, Error::Missing { patient, variable, .. } if patient == "c" && variable == "age"), "{error}");
    let data: CompletedData = model.completed_data(&trial, &plan).expect("completing needs no covariate");
    assert_eq!(data.imputed(), 1);
}
