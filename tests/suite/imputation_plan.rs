//! Intercurrent events, tipping planes and completed data by a plan: from the file to the report.

use crate::common::{ANTIDEPRESSANT, repository};
use std::path::PathBuf;
use trialstats::analysis::{PlanFile, Silent};
use trialstats::imputation::{Event, EventStrategy, Events, EventsFile, ReferenceBased, Strategy};
use trialstats::report::TrialReport;
use trialstats::{Layout, Model, Trial};

const PLAN: &str = r#"
primary = "CHANGE"
at = "7"
baseline-from = "covariate(BASVAL)"

[trial]
events = "EVENTS"

[[event]]
name = "stopped"
strategy = "hypothetical"
from = "file"
imputation = "jump-to-reference"

[[event]]
name = "lost"
strategy = "treatment-policy"
from = "dropout"

[layout]
patient = "PATIENT"
arm = "THERAPY"
visit = "VISIT"
reference-arm = "PLACEBO"
outcomes = ["CHANGE"]
covariates = ["BASVAL"]

[model]
formula = "BASVAL * VISIT + THERAPY * VISIT"

[[responders.definitions]]
name = "improved"
label = "HAMD-17 ten points lower"
rule = { at-most = { outcome = "CHANGE", score = -10 } }

[[sensitivity]]
kind = "imputation"
strategy = "mar"
covariates = ["BASVAL"]
variance = "information-anchored"

[[sensitivity]]
kind = "imputation"
strategy = "copy-reference"
covariates = ["BASVAL"]
variance = "information-anchored"

[[sensitivity]]
kind = "tipping-point"
strategy = "mar"
covariates = ["BASVAL"]
arm = "DRUG"
arm-shifts = [-2, 0, 2, 4]
versus-shifts = [-2, 0, 2]
of = ["difference", "effect-size", "definition(improved)"]

[report]
documents = []
"#;

fn trial() -> Trial {
    let layout = Layout::long("PATIENT", "THERAPY", "VISIT").reference_arm("PLACEBO").outcome("CHANGE").covariate("BASVAL");
    layout.read_csv(repository(ANTIDEPRESSANT)).expect("the sample")
}

/// Every ninth patient stops before visit 6.
fn stopped() -> Vec<String> {
    trial().patients().iter().step_by(9).cloned().collect()
}

/// A plan with its events file, under names of its own.
fn written(name: &str, plan: &str, events: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("trialstats-imputation-plan-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("events.csv"), events).expect("the events");
    let path = folder.join("plan.toml");
    std::fs::write(&path, plan.replace("EVENTS", "events.csv")).expect("the plan");
    path
}

fn events_text() -> String {
    let rows: String = stopped().iter().map(|patient| format!("{patient};stopped;6;hypothetical\n")).collect();
    format!("Patient;Event;Visit;Strategy\n{rows}")
}

#[test]
fn a_plan_with_events_analyses_the_estimand_and_shows_it() {
    let file = PlanFile::open(written("whole", PLAN, &events_text())).expect("a plan");
    let read = file.read(repository(ANTIDEPRESSANT)).unwrap_or_else(|error| panic!("{error}"));
    file.check(&read).unwrap_or_else(|error| panic!("{error}"));
    let result = file.run(&read, &Silent).unwrap_or_else(|error| panic!("{error}"));

    let trial = trial();
    let event = Event::new("stopped", EventStrategy::Hypothetical).imputed_by(Strategy::JumpToReference);
    let events = Events::none(&trial).with(&trial, event, stopped().iter().map(|p| (p, "6"))).expect("events");
    // The primary analysis is that of the trial without the values after the event.
    let analysed = events.applied_to(&trial, "CHANGE").expect("the outcome");
    let model = Model::formula("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT").expect("a formula").df(trialstats::Df::KenwardRoger);
    let direct = model.fit(&analysed).and_then(|fit| fit.arm_contrasts(&Default::default())).expect("contrasts");
    let contrasts = result.outcomes[0].contrasts.as_ref().expect("two arms");
    for (here, there) in contrasts.rows.iter().zip(&direct.rows) {
        assert_eq!(here.estimate.estimate.to_bits(), there.estimate.estimate.to_bits());
    }
    // The imputations are those of the library, with dropout as the other event.
    let both = events.with_dropout(&trial, "CHANGE", Event::new("lost", EventStrategy::TreatmentPolicy), |_| true).expect("events");
    let missing = result.missing.as_ref().expect("it was asked for");
    assert_eq!(missing.failures, Vec::<String>::new());
    for (imputation, strategy) in missing.imputations.iter().zip([Strategy::Mar, Strategy::CopyReference]) {
        let plan = ReferenceBased::new(strategy).covariates(["BASVAL"]).events(both.clone());
        let plan = plan.variance(trialstats::imputation::Variance::InformationAnchored);
        let direct = model.reference_based(&trial, &plan).unwrap_or_else(|error| panic!("{error}"));
        for (here, there) in imputation.table.rows.iter().zip(&direct.rows) {
            assert!((here.estimate - there.estimate).abs() < 1e-9 && (here.se - there.se).abs() < 1e-9, "{strategy}: {here:?} {there:?}");
        }
    }
    // Counts by arm, event and strategy.
    let table = result.events.as_ref().expect("the plan has events");
    let of = |event: &str| table.rows.iter().filter(|r| r.event == event).map(|r| r.patients).sum::<usize>();
    assert_eq!((of("stopped"), of("lost")), (stopped().len(), 43));
    assert!(table.rows.iter().filter(|r| r.event == "stopped").map(|r| r.set_aside).sum::<usize>() > 20);
    // Tipping points of all three, the plane drawn.
    let measures: Vec<&str> = missing.tipping_points.iter().map(|t| t.measure.as_str()).collect();
    assert_eq!(measures, ["difference", "Cohen's d", "difference in the share with HAMD-17 ten points lower"]);
    assert!(missing.tipping_points.iter().all(|t| t.rows.len() == 12));

    let report = TrialReport::new(&result).document();
    let html = report.to_html();
    for said in ["intercurrent events", "(hypothetical):", "policy):", "Values set aside", "interval holds zero"] {
        assert!(html.to_lowercase().contains(&said.to_lowercase()), "the report does not say `{said}`");
    }
    let text = file.plan().methods_text();
    for said in [
        "## Intercurrent events",
        "- stopped (from the visit in the events file on): hypothetical strategy",
        "share of patients who meet `improved`",
    ] {
        assert!(text.contains(said), "no `{said}` in\n{text}");
    }
    let data = file.plan().completed_data(&read, Some("copy reference")).expect("completed data");
    assert_eq!(data.rows.len(), 172 * 4);
    let kinds: std::collections::BTreeSet<&str> = data.rows.iter().filter_map(|row| row.derivation.as_deref()).collect();
    assert!(kinds.contains("CR") && kinds.contains("J2R") && kinds.iter().all(|kind| ["CR", "J2R", "MAR"].contains(kind)), "{kinds:?}");
}

#[test]
fn what_is_wrong_with_events_is_told_all_at_once() {
    let problems = |name: &str, events: &str| {
        let file = PlanFile::open(written(name, PLAN, events)).expect("a plan");
        file.read(repository(ANTIDEPRESSANT)).expect_err("the events are wrong").to_string()
    };
    let patients = stopped();
    let text = format!(
        "patient,event,visit,strategy\n{0},stopped,6,hypothetical\n{0},stopped,7,hypothetical\nnobody,stopped,6,\n{1},stopped,8,\n{1},resceu,6,\n{2},stopped,6,composite\n",
        patients[0], patients[1], patients[2]
    );
    let told = problems("wrong", &text);
    for said in [
        "5 problems in the data",
        "line 3",
        "the patient has `stopped` in line 2 already",
        "no patient named `nobody`",
        "no visit named `8`",
        "no event of the plan that comes from a file named `resceu`",
        "it is `composite`, and the plan has `hypothetical` for `stopped`",
    ] {
        assert!(told.contains(said), "no `{said}` in\n{told}");
    }
    let told = problems("columns", "patient,when\n1,2\n");
    assert!(
        told.contains(
            "there is no such column; a file of events has patient, event, visit (or date) and strategy, and this one has patient, when"
        ),
        "{told}"
    );
    let told = problems("empty", &format!("patient,event,visit,strategy\n{},,6,\n", patients[0]));
    assert!(told.contains("it is empty; every event has a patient, a name, and the first visit after it"), "{told}");
    let told = problems("strategy", &format!("patient,event,visit,strategy\n{},stopped,6,hypotetical\n", patients[0]));
    assert!(told.contains("did you mean `hypothetical`"), "{told}");

    let check = |from: &str, to: &str| {
        let file = PlanFile::open(written("check", &PLAN.replace(from, to), &events_text())).expect("a plan");
        file.read(repository(ANTIDEPRESSANT)).and_then(|trial| file.check(&trial)).expect_err(to).to_string()
    };
    let told = check("from = \"dropout\"", "from = \"dropout\"\nreasons = [\"moved\"]");
    assert!(told.contains("nothing says where the data have them"), "{told}");
    let told = check("strategy = \"treatment-policy\"", "strategy = \"principal-stratum\"");
    assert!(told.contains("event, `lost`") && told.contains("principal-stratum"), "{told}");
    let told = check("name = \"lost\"", "name = \"stopped\"");
    assert!(told.contains("another event has this name"), "{told}");
    let told = check("definition(improved)", "definition(improvd)");
    assert!(told.contains("did you mean `improved`"), "{told}");
    let told = check("events = \"EVENTS\"", "");
    assert!(told.contains("none was read") && told.contains("events = \"events.csv\""), "{told}");
    let misread =
        PlanFile::open(written("from", &PLAN.replace("from = \"dropout\"", "from = \"visits(STOP)\""), "")).expect_err("no such place");
    assert!(misread.to_string().contains("visit(COLUMN)"), "{misread}");
}

/// Strategies of the file itself, for Rust.
#[test]
fn a_file_of_events_says_how_they_are_taken_into_account() {
    let trial = trial();
    let patients = stopped();
    let text = format!(
        "patient,event,visit,strategy,value,imputation\n{},stopped,6,hypothetical,,j2r\n{},died,5,composite,12,\n{},rescue,7,treatment-policy,,\n",
        patients[0], patients[1], patients[2]
    );
    let events = EventsFile::from_reader("events.csv", text.as_bytes()).and_then(|file| file.events(&trial)).expect("events");
    let names: Vec<&str> = events.kinds().iter().map(|kind| kind.name.as_str()).collect();
    assert_eq!((names, events.count()), (vec!["stopped", "died", "rescue"], 3));
    assert_eq!(events.kinds()[0].imputation, Some(Strategy::JumpToReference));
    assert_eq!(events.patients_with(&trial, "died")[0].1.label, "5");
    let two = format!(
        "patient,event,visit,strategy\n{},stopped,6,hypothetical\n{},stopped,6,treatment-policy\n{},x,6,\n",
        patients[0], patients[1], patients[2]
    );
    let told =
        EventsFile::from_reader("events.csv", two.as_bytes()).and_then(|file| file.events(&trial)).expect_err("two strategies").to_string();
    assert!(
        told.contains("is taken into account otherwise in line 2") && told.contains("say how the event is taken into account"),
        "{told}"
    );
}

#[cfg(feature = "cli")]
#[test]
fn the_program_writes_completed_data() {
    use crate::common::program;
    let path = written("program", PLAN, &events_text());
    let (plan, out) = (path.display().to_string(), path.with_file_name("completed.csv").display().to_string());
    let data = repository(ANTIDEPRESSANT).display().to_string();
    let said = program::stdout(&program::trialstats(&["impute", &plan, "--data", &data, "--out", &out]));
    assert!(said.contains("1376 values of CHANGE") && said.contains("data of individual patients"), "{said}");
    let text = std::fs::read_to_string(&out).expect("the file");
    assert!(text.starts_with("ANALYSIS,USUBJID,TRT01P,AVISITN,AVISIT,PARAMCD,AVAL,AORIG,DTYPE,IMPFL,ICE,ICESTRAT,GAPFL\n"), "{text}");
    assert_eq!(text.lines().count(), 1 + 1376);
}
