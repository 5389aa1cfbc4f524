//! Intercurrent events by date: the first visit after each, by eye, and the same analysis as by that visit.

use trialstats::analysis::{Plan, Silent};
use trialstats::imputation::{Event, EventStrategy, Events, EventsFile, TimeUnit, VisitDates};
use trialstats::simulate::Gaussian;
use trialstats::trial::{Outcome, Schedule, Trial, Variable, Visit};
use trialstats::{Error, Result};

const VISITS: [&str; 4] = ["before", "1 month", "2 months", "3 months"];

/// A trial of patients with these dates of visits and events; an empty date is none.
fn trial(seen: &[[&str; 4]], events: &[&str]) -> Trial {
    dated(seen, events, &vec!["2024-01-01"; seen.len()])
}

fn dated(seen: &[[&str; 4]], events: &[&str], starts: &[&str]) -> Trial {
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
        .arms(["a"], vec![0; n])
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
    let table = events.table(&trial, "y").expect("a table").to_string();
    assert!(table.contains("15 patients with one") && table.contains("3 after the last visit"), "{table}");
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
    let bits = |result: &trialstats::analysis::AnalysisResult| -> Vec<u64> {
        let missing = result.missing.as_ref().expect("it was asked for");
        assert_eq!(missing.failures, Vec::<String>::new());
        missing.imputations[0].table.rows.iter().flat_map(|row| [row.estimate.to_bits(), row.se.to_bits()]).collect()
    };
    assert_eq!(bits(&by_date), bits(&by_visit));
    let events = by_date.events.as_ref().expect("there are events").to_string();
    assert!(events.contains("12 patients with one") && events.contains("a visit on the day counts as before"), "{events}");
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
