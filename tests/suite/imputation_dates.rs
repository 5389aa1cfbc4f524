//! Intercurrent events by date: the first visit after each, by eye, and the same analysis as by that visit.

use trialstats::analysis::{AnalysisResult, Plan, Silent};
use trialstats::imputation::{DatePlace, Event, EventStrategy, EventTable, Events, EventsFile, TimeUnit, VisitDates};
use trialstats::report::TrialReport;
use trialstats::simulate::Gaussian;
use trialstats::trial::{Outcome, Schedule, Trial, Variable, Visit};
use trialstats::{Error, Result};

const VISITS: [&str; 4] = ["before", "1 month", "2 months", "3 months"];

/// A trial of patients with these dates of visits and events; an empty date is none.
fn trial(seen: &[[&str; 4]], events: &[&str]) -> Trial {
    dated(seen, events, &vec!["2024-01-01"; seen.len()])
}

fn dated(seen: &[[&str; 4]], events: &[&str], starts: &[&str]) -> Trial {
    allocated(seen, events, starts, vec![0; seen.len()])
}

/// The same with an arm, `a` or `b`, of each patient.
fn allocated(seen: &[[&str; 4]], events: &[&str], starts: &[&str], arms: Vec<usize>) -> Trial {
    let n = seen.len();
    let factor = |texts: Vec<&str>| {
        let mut levels: Vec<String> = texts.iter().filter(|t| !t.is_empty()).map(ToString::to_string).collect();
        levels.sort();
        levels.dedup();
        let codes = texts.iter().map(|t| levels.iter().position(|l| l == t)).collect::<Vec<_>>();
        (levels, codes)
    };
    let (visits, (events, starts)) = (factor(seen.iter().flatten().copied().collect()), (factor(events.to_vec()), factor(starts.to_vec())));
    let schedule = VISITS.iter().enumerate().map(|(k, label)| Visit { label: (*label).into(), time: Some(k as f64) });
    Trial::builder("invented patients")
        .patients((0..n).map(|i| format!("p{i}")))
        .arms(if arms.contains(&1) { vec!["a", "b"] } else { vec!["a"] }, arms)
        .schedule(Schedule::new(schedule.collect()).with_baseline("before").expect("it is there"))
        .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values: (0..4 * n).map(|k| k as f64).collect() })
        .variable(Variable::factor_by_visit("seen", visits.0, visits.1))
        .variable(Variable::factor("stopped", events.0, events.1))
        .variable(Variable::factor("start", starts.0, starts.1))
        .build()
        .expect("a trial")
}

fn event() -> Event {
    Event::new("stopped", EventStrategy::Hypothetical)
}

fn placed(trial: &Trial, dates: &VisitDates) -> Result<Vec<Option<usize>>> {
    Events::none(trial).with_date_column(trial, event(), "stopped", dates).map(|events| events.first_after())
}

const FULL: [&str; 4] = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"];

#[test]
fn the_first_visit_after_the_day_is_affected() {
    let cases = [
        (FULL, "", None),
        // Between two visits, on the day of one, a day before it.
        (FULL, "2024-02-10", Some(2)),
        (FULL, "2024-03-01", Some(3)),
        (FULL, "2024-02-29", Some(2)),
        // Before treatment, and at it: never the baseline visit.
        (FULL, "2023-12-01", Some(1)),
        (FULL, "2024-01-01", Some(1)),
        // On the last day and after it no value is affected.
        (FULL, "2024-04-01", None),
        (FULL, "2024-08-01", None),
        // A visit that was not attended is after the event where it follows the last one attended before.
        (["2024-01-01", "2024-02-01", "", "2024-04-01"], "2024-02-10", Some(2)),
        (["2024-01-01", "2024-02-01", "", "2024-04-01"], "2024-05-10", None),
        (["2024-01-01", "2024-02-01", "", ""], "2024-02-10", Some(2)),
        (["", "", "2024-03-01", ""], "2024-01-10", Some(1)),
        // The other visits say that it was attended later than planned.
        (["2024-01-01", "", "2024-02-01", "2024-04-01"], "2024-02-10", Some(3)),
        // With times of day the time decides; against a day without one, the day.
        (["2024-01-01", "2024-02-01T15:00", "2024-03-01", "2024-04-01"], "2024-02-01T09:00", Some(1)),
        (["2024-01-01", "2024-02-01T09:00", "2024-03-01", "2024-04-01"], "2024-02-01T15:00", Some(2)),
        (["2024-01-01", "2024-02-01T15:00", "2024-03-01", "2024-04-01"], "2024-02-01", Some(2)),
    ];
    let (seen, dates): (Vec<_>, Vec<_>) = cases.iter().map(|(seen, date, _)| (*seen, *date)).unzip();
    let trial = trial(&seen, &dates);
    let found = placed(&trial, &VisitDates::of_visits("seen")).unwrap_or_else(|error| panic!("{error}"));
    for ((seen, date, expected), found) in cases.iter().zip(&found) {
        assert_eq!(found, expected, "{date:?} among {seen:?}");
    }
    // The rule and its counts are printed.
    let events = Events::none(&trial).with_date_column(&trial, event(), "stopped", &VisitDates::of_visits("seen")).expect("events");
    let table = events.table(&trial, "y").expect("a table");
    assert_eq!((table.rows[0].dated, table.rows[0].unaffected, table.rows[0].patients), (15, 3, 12));
    let (text, dates) = (table.to_string(), table.dates.expect("dates"));
    assert!(text.contains("Intercurrent events by date") && dates.notes[0].contains("a visit on the day counts as before it"), "{text}");
}

/// Every place that a date can have, in two arms, counted by eye.
fn of_every_place() -> Trial {
    let missed = ["2024-01-01", "2024-02-01", "", ""];
    let late = ["", "2024-02-01", "2024-03-01", "2024-04-01"];
    let patients = [
        (FULL, "2023-12-24", 0),
        (FULL, "2023-12-31", 0),
        (FULL, "2024-02-10", 0),
        (FULL, "2024-02-01", 0),
        (FULL, "2024-03-15", 0),
        (FULL, "2024-04-01", 0),
        (FULL, "2024-09-01", 0),
        (FULL, "", 0),
        (missed, "2024-02-10", 1),
        (missed, "2024-02-01", 1),
        (late, "2024-01-10", 1),
        (["", "", "", ""], "2024-01-10", 1),
        (["2024-01-01", "2024-02-01T15:00", "2024-03-01", "2024-04-01"], "2024-02-01T09:00", 1),
    ];
    let (seen, dates): (Vec<_>, Vec<_>) = patients.iter().map(|(seen, date, _)| (*seen, *date)).unzip();
    allocated(&seen, &dates, &vec!["2024-01-01"; seen.len()], patients.iter().map(|(.., arm)| *arm).collect())
}

fn counts(events: &Events, trial: &Trial) -> Vec<(String, DatePlace, Option<String>, usize)> {
    let dates = events.table(trial, "y").expect("a table").dates.expect("the event has dates");
    dates.rows.iter().map(|r| (r.arm.label.clone(), r.place, r.visit.as_ref().map(|v| v.label.clone()), r.patients)).collect()
}

fn expected_counts() -> Vec<(String, DatePlace, Option<String>, usize)> {
    [
        ("a", DatePlace::BeforeBaseline, Some("1 month"), 2),
        ("a", DatePlace::OnVisit, Some("2 months"), 1),
        ("a", DatePlace::Between, Some("2 months"), 1),
        ("a", DatePlace::Between, Some("3 months"), 1),
        ("a", DatePlace::AfterLast, None, 2),
        ("b", DatePlace::BeforeVisits, Some("1 month"), 1),
        ("b", DatePlace::OnVisit, Some("2 months"), 1),
        ("b", DatePlace::Between, Some("1 month"), 1),
        ("b", DatePlace::AfterAttended, Some("2 months"), 1),
        ("b", DatePlace::WithoutVisits, Some("1 month"), 1),
    ]
    .map(|(arm, place, visit, n)| (arm.to_string(), place, visit.map(str::to_string), n))
    .to_vec()
}

#[test]
fn dates_are_counted_by_arm_place_and_visit() {
    let trial = of_every_place();
    let events = Events::none(&trial).with_date_column(&trial, event(), "stopped", &VisitDates::of_visits("seen")).expect("events");
    assert_eq!(counts(&events, &trial), expected_counts());
    let table = events.table(&trial, "y").expect("a table");
    let of_arm = |arm: &str| table.rows.iter().find(|row| row.arm.label == arm && row.event == "stopped").expect("its row");
    assert_eq!((of_arm("a").patients, of_arm("a").dated, of_arm("a").unaffected), (5, 7, 2));
    assert_eq!((of_arm("b").patients, of_arm("b").dated, of_arm("b").unaffected), (5, 5, 0));
    // Parts add up to the patients with the event, and to those with a date.
    let dates = table.dates.as_ref().expect("dates");
    let affected = dates.rows.iter().filter(|row| row.visit.is_some()).map(|row| row.patients).sum::<usize>();
    assert_eq!((affected, dates.rows.iter().map(|row| row.patients).sum::<usize>()), (10, 12));
    let text = table.to_string();
    assert!(text.contains("no visit has a date") && text.contains("Intercurrent events by date"), "{text}");
    // Events that are known by their visit have no such columns.
    let by_visit = Events::none(&trial).with(&trial, event(), [("p0", "1 month")]).expect("events").table(&trial, "y").expect("a table");
    assert!(by_visit.dates.is_none() && !by_visit.to_string().contains("by date"), "{by_visit}");
    // Planned dates are dates of visits too.
    let planned = Events::none(&trial).with_date_column(&trial, event(), "stopped", &VisitDates::planned_from("start", TimeUnit::Month));
    let places: Vec<DatePlace> = counts(&planned.expect("events"), &trial).into_iter().map(|(_, place, ..)| place).collect();
    assert!(!places.contains(&DatePlace::WithoutVisits) && places.contains(&DatePlace::BeforeBaseline), "{places:?}");
}

/// The same dates in a file of events, with the counts that the column of the data has.
#[test]
fn dates_of_a_file_are_counted_like_those_of_a_column() {
    let trial = of_every_place();
    let variable = trial.variable("stopped").expect("it");
    let codes = variable.codes().expect("a factor");
    let rows =
        codes.iter().enumerate().filter_map(|(i, code)| Some(format!("p{i},stopped,,{},hypothetical\n", variable.levels()[(*code)?])));
    let text = format!("patient,event,visit,date,strategy\n{}p7,rescue,2 months,,treatment-policy\n", rows.collect::<String>());
    let file = EventsFile::from_reader("events.csv", text.as_bytes()).expect("a file").visit_dates(VisitDates::of_visits("seen"));
    let events = file.events(&trial).expect("events");
    assert_eq!(counts(&events, &trial), expected_counts());
    let table = events.table(&trial, "y").expect("a table");
    let rescue = table.rows.iter().find(|row| row.event == "rescue").expect("its row");
    assert_eq!((rescue.patients, rescue.dated, rescue.unaffected), (1, 0, 0));
    // An event that the file has twice is refused, whichever of the two affects a value.
    for dates in [["2024-02-10", "2024-09-01"], ["2024-09-01", "2024-10-01"]] {
        let twice = format!("patient,event,date,strategy\n{}", dates.map(|date| format!("p7,stopped,{date},hypothetical\n")).concat());
        let file = EventsFile::from_reader("events.csv", twice.as_bytes()).expect("a file").visit_dates(VisitDates::of_visits("seen"));
        let error = file.events(&trial).expect_err("it is there twice").to_string();
        assert!(error.contains("`stopped` in line 2 already"), "{error}");
    }
}

#[test]
fn visits_have_planned_dates_where_the_schedule_says() {
    // Planned on the 1st, the 31st, day 61 and day 91 after 1 January.
    let planned = VisitDates::planned_from("start", TimeUnit::Month);
    for (date, expected) in
        [("2024-01-10", Some(1)), ("2024-01-31", Some(2)), ("2024-02-15", Some(2)), ("2024-03-20", Some(3)), ("2024-05-01", None)]
    {
        assert_eq!(placed(&trial(&[FULL], &[date]), &planned).expect("dates"), [expected], "{date}");
    }
    // A visit that was missed keeps its planned date; those attended have their own.
    let missed = ["2024-01-01", "2024-02-20", "", "2024-04-25"];
    let mixed = VisitDates::of_visits("seen").else_planned_from("start", TimeUnit::Month);
    for (date, expected) in [("2024-02-10", Some(1)), ("2024-02-25", Some(2)), ("2024-03-10", Some(3)), ("2024-04-10", Some(3))] {
        assert_eq!(placed(&trial(&[missed], &[date]), &mixed).expect("dates"), [expected], "{date}");
    }
    // In weeks and days.
    let starts = ["2024-01-01"];
    for (unit, date, expected) in [(TimeUnit::Week, "2024-01-09", Some(2)), (TimeUnit::Day, "2024-01-02", Some(2))] {
        let found = placed(&dated(&[FULL], &[date], &starts), &VisitDates::planned_from("start", unit)).expect("dates");
        assert_eq!(found, [expected]);
    }
}

#[test]
fn dates_that_say_nothing_are_refused() {
    let seen = VisitDates::of_visits("seen");
    let refused = |trial: &Trial, dates: &VisitDates| placed(trial, dates).expect_err("it says nothing").to_string();
    let backwards = ["2024-01-01", "2024-03-01", "2024-02-01", "2024-04-01"];
    assert!(refused(&trial(&[backwards], &["2024-02-10"]), &seen).contains("the date of the visit `2 months` is before that of `1 month`"));
    // Nobody asks for the dates of patients without the event.
    assert_eq!(placed(&trial(&[backwards, FULL], &["", "2024-02-10"]), &seen).expect("dates"), [None, Some(2)]);
    assert!(refused(&trial(&[FULL], &["2024-02"]), &seen).contains("`2024-02` is no whole date"));
    assert!(refused(&trial(&[FULL], &["soon"]), &seen).contains("`soon` is no whole date"));
    let either = ["01/02/2024", "02/03/2024", "03/04/2024", "04/05/2024"];
    assert!(refused(&trial_of(either, "05/03/2024"), &seen).contains("day and month cannot be told apart"));
    // One that is past the twelfth decides for all.
    assert_eq!(placed(&trial_of(["01/02/2024", "13/03/2024", "03/04/2024", "04/05/2024"], "20/03/2024"), &seen).expect("dates"), [Some(2)]);
    assert!(refused(&trial(&[FULL], &["2024-02-10"]), &VisitDates::default()).contains("nothing says when the visits were"));
    assert!(refused(&trial(&[FULL], &["2024-02-10"]), &VisitDates::of_visits("stopped")).contains("one per patient"));
    assert!(matches!(placed(&trial(&[FULL], &["2024-02-10"]), &VisitDates::of_visits("sen")), Err(Error::Unknown { .. })));
}

fn trial_of(seen: [&str; 4], date: &str) -> Trial {
    dated(&[seen], &[date], &[""])
}

#[test]
fn a_file_of_events_may_have_dates() {
    let trial = trial(&[FULL, FULL, FULL, FULL], &["", "", "", ""]);
    let text = "patient,event,visit,date,strategy\np0,stopped,2 months,,hypothetical\np1,stopped,,2024-03-15,hypothetical\np3,stopped,,2024-06-01,hypothetical\n";
    let file = EventsFile::from_reader("events.csv", text.as_bytes()).expect("a file").visit_dates(VisitDates::of_visits("seen"));
    assert_eq!(file.events(&trial).expect("events").first_after(), [Some(2), Some(3), None, None]);
    let silent = EventsFile::from_reader("events.csv", text.as_bytes()).and_then(|file| file.events(&trial)).expect_err("no dates");
    assert!(silent.to_string().contains("nothing says when the visits were"), "{silent}");
    let neither = EventsFile::from_reader("events.csv", "patient,event\np0,x\n".as_bytes()).expect_err("no visit").to_string();
    assert!(neither.contains("visit (or date)"), "{neither}");
}

const PLAN: &str = r#"
primary = "y"
at = "v3"

[[event]]
name = "stopped"
strategy = "hypothetical"
FROM

[layout]
patient = "id"
arm = "arm"
visit = "visit"
outcomes = ["y"]

[[sensitivity]]
kind = "imputation"
strategy = "jump-to-reference"
variance = "information-anchored"
"#;

/// The words of the participant flow's figure, whatever lines they are on.
fn flow(result: &AnalysisResult) -> String {
    let document = TrialReport::new(result).document();
    let svg = &document.figures().find(|figure| figure.name == "participant_flow").expect("the flow").figure.svg;
    let words = svg.split('<').filter_map(|part| Some(part.split_once('>')?.1)).flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}

/// A file in which every fifth patient stops on 10 February, after the visit of 1 February: the plan with the date is the plan
/// with the visit, bit for bit.
#[test]
fn a_plan_by_date_is_the_plan_by_visit() {
    let drawn = Gaussian::new(["v1", "v2", "v3"]).arm("a", 30, [5.0, 4.0, 3.5]).arm("b", 30, [5.0, 3.0, 2.0]).trial(3, 0).expect("a trial");
    let y = &drawn.outcome("y").expect("it").values;
    let rows = (0..60).flat_map(|i| (0..3).map(move |t| (i, t))).map(|(i, t)| {
        let stops = i % 5 == 0;
        let (date, visit) = if stops { ("2024-02-10", "v3") } else { ("", "") };
        format!("p{i:02},{},v{},{},2024-0{}-01,{date},{visit}\n", drawn.arms()[drawn.arm_of()[i]], t + 1, y[i * 3 + t], t + 1)
    });
    let text = format!("id,arm,visit,y,ADT,STOPDT,STOPVIS\n{}", rows.collect::<String>());
    let path = std::env::temp_dir().join(format!("trialstats-dates-{}.csv", std::process::id()));
    std::fs::write(&path, text).expect("a file");
    let run = |from: &str| {
        let plan = Plan::from_toml(&PLAN.replace("FROM", from)).unwrap_or_else(|error| panic!("{error}"));
        plan.read(&path).and_then(|trial| plan.run(&trial, &Silent)).unwrap_or_else(|error| panic!("{error}"))
    };
    let by_date = run("from = 'date(STOPDT)'\nvisit-dates = 'ADT'");
    let by_visit = run("from = 'visit(STOPVIS)'");
    let bits = |result: &AnalysisResult| -> Vec<u64> {
        let missing = result.missing.as_ref().expect("it was asked for");
        assert_eq!(missing.failures, Vec::<String>::new());
        missing.imputations[0].table.rows.iter().flat_map(|row| [row.estimate.to_bits(), row.se.to_bits()]).collect()
    };
    assert_eq!(bits(&by_date), bits(&by_visit));
    let events = by_date.events.as_ref().expect("there are events");
    assert_eq!(events.rows.iter().map(|row| row.dated).sum::<usize>(), 12);
    assert!(events.dates.as_ref().is_some_and(|dates| dates.notes[0].contains("a visit on the day counts as before")), "{events}");
    let note = by_date.missing.as_ref().expect("it").imputations[0].table.notes.join(" ");
    assert!(note.contains("12 patients have a date of stopped: 12 between two visits."), "{note}");
    let html = TrialReport::new(&by_date).document().to_html();
    assert!(html.contains("Intercurrent events by date") && html.contains("between two visits"));
    assert!(!TrialReport::new(&by_visit).document().to_html().contains("Intercurrent events by date"));
    // The same dates in a file of events, and one after the last visit.
    let dates = std::env::temp_dir().join(format!("trialstats-dates-of-events-{}.csv", std::process::id()));
    let rows: String = (0..60).step_by(5).map(|i| format!("p{i:02},stopped,2024-02-10\n")).collect();
    std::fs::write(&dates, format!("patient,event,date\n{rows}p01,stopped,2024-12-01\n")).expect("a file");
    let of_file = |report: &str| {
        let from = format!(
            "{}\n[trial]\nevents = '{}'\n[report]\n{report}\n",
            PLAN.replace("FROM", "from = 'file'\nvisit-dates = 'ADT'"),
            dates.display()
        );
        let plan = Plan::from_toml(&from).unwrap_or_else(|error| panic!("{error}"));
        plan.read(&path).and_then(|trial| plan.run(&trial, &Silent)).unwrap_or_else(|error| panic!("{error}"))
    };
    let by_file = of_file("");
    assert_eq!(bits(&by_file), bits(&by_visit));
    let (events, of_column) = (by_file.events.as_ref().expect("events"), by_date.events.as_ref().expect("events"));
    let counted = |table: &EventTable| table.rows.iter().map(|row| [row.patients, row.dated, row.unaffected]).collect::<Vec<_>>();
    assert_eq!(counted(of_column)[0], [6, 6, 0]);
    assert_eq!(counted(events)[0], [6, 7, 1]);
    let rows = |table: &EventTable| table.dates.as_ref().expect("dates").rows.clone();
    assert_eq!(rows(events).iter().filter(|row| row.place != DatePlace::AfterLast).cloned().collect::<Vec<_>>(), rows(of_column));
    let html = TrialReport::new(&by_file).document().to_html();
    assert!(html.contains("after the last visit, no value affected"));
    assert!(flow(&by_file).contains("stopped (hypothetical): 6 stopped after the last visit: 1"), "{}", flow(&by_file));
    // One patient is not shown where few are not, and what would give the number away is not either.
    let few = of_file("small-cells = 'suppressed(5)'");
    assert!(!TrialReport::new(&few).document().to_html().contains("after the last visit, no value affected"));
    assert!(flow(&few).contains("stopped after the last visit: number not shown"), "{}", flow(&few));
    std::fs::remove_file(&dates).expect("it is removed");
    // Columns of events alone are no characteristics of the patients.
    assert!(by_date.baseline.rows.iter().all(|row| !["ADT", "STOPDT"].contains(&row.variable.as_str())));
    // Settings that contradict one another are told with the key.
    for (from, says) in [
        ("from = 'date(STOPDT)'", "nothing says when the visits were"),
        ("from = 'date(STOPDT)'\nstart-date = 'STOPDT'", "state `time-unit`"),
        ("from = 'visit(STOPVIS)'\nvisit-dates = 'ADT'", "which needs none"),
    ] {
        let plan = Plan::from_toml(&PLAN.replace("FROM", from)).unwrap_or_else(|error| panic!("{error}"));
        let Err(Error::Plan(problems)) = plan.check_itself() else { panic!("{from}") };
        assert!(problems.0[0].key == "event, `stopped`" && problems.0[0].message.contains(says), "{problems:?}");
    }
    std::fs::remove_file(&path).expect("it is removed");
}
