//! Reading a trial as users see it: what is inferred, and every problem of a file at once.

use trialstats::trial::{CovariateKind, CovariateValues, DecimalMark, Delimiter, Layout, OutcomeColumn, Trial};
use trialstats::{Error, Result};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples");

fn problems(result: Result<Trial>) -> Vec<String> {
    match result {
        Err(Error::Data(problems)) => problems.0.iter().map(ToString::to_string).collect(),
        other => panic!("expected problems in the data, found {other:?}"),
    }
}

/// Everything a trial says, as text: NaN equals NaN there.
fn contents(trial: &Trial) -> String {
    format!(
        "{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}",
        trial.patients(),
        trial.arms(),
        trial.arm_of(),
        trial.schedule(),
        trial.outcomes(),
        trial.diagnoses(),
        trial.covariates(),
        trial.clusters()
    )
}

const LONG: &str = "\
id,group,visit,score,age,sex,therapist
P1,b,baseline,40,33,f,T1
P1,b,3 months,31,33,f,T1
P1,b,12 months,NA,33,f,T1
P2,a,baseline,45,51,m,
P2,a,3 months,.,51,m,
P3,a,baseline,,.,f,T2
";

fn long() -> Layout {
    Layout::long("id", "group", "visit")
        .outcome(OutcomeColumn::new("score").label("Total score").range(0.0, 80.0))
        .covariate("age")
        .covariate("sex")
        .cluster("therapist")
}

fn read(layout: &Layout, text: &str) -> Result<Trial> {
    layout.read_csv_from("trial.csv", text.as_bytes())
}

#[test]
fn a_long_file_is_a_trial_with_everyone_in_it() {
    let trial = read(&long(), LONG).unwrap();
    assert_eq!(trial.patients(), ["P1", "P2", "P3"]);
    assert_eq!(trial.arms(), ["a", "b"]);
    assert_eq!(trial.randomized(), [2, 1]);
    assert_eq!(trial.schedule().labels(), ["baseline", "3 months", "12 months"]);
    assert_eq!(trial.schedule().visits().iter().map(|v| v.time).collect::<Vec<_>>(), [Some(0.0), Some(3.0), Some(12.0)]);
    assert_eq!(trial.schedule().baseline(), Some(0));
    let score = trial.outcome("score").unwrap();
    assert_eq!(score.label, "Total score");
    let values: Vec<Option<f64>> = (0..3).flat_map(|i| (0..3).map(move |t| (i, t))).map(|(i, t)| trial.value(score, i, t)).collect();
    assert_eq!(values, [Some(40.0), Some(31.0), None, Some(45.0), None, None, None, None, None]);
    assert!(matches!(&trial.covariate("age").unwrap().values, CovariateValues::Numeric(v) if v[..2] == [33.0, 51.0] && v[2].is_nan()));
    let sex = CovariateValues::Factor { levels: vec!["f".into(), "m".into()], codes: vec![Some(0), Some(1), Some(0)] };
    assert_eq!(format!("{:?}", trial.covariate("sex").unwrap().values), format!("{sex:?}"));
    let therapist = trial.cluster("therapist").unwrap();
    assert_eq!(
        (therapist.levels.as_slice(), therapist.codes.as_slice()),
        (["T1", "T2"].map(String::from).as_slice(), [Some(0), None, Some(1)].as_slice())
    );
}

#[test]
fn what_was_not_declared_is_recorded() {
    let inferred = read(&long(), LONG).unwrap().inferred().join("\n");
    for sentence in [
        "The arms are those in the data, sorted: `a`, `b`.",
        "The reference arm is `a`, the first in order.",
        "ordered by the numbers in their labels, which are taken as their times: `baseline`, `3 months`, `12 months`.",
        "The baseline is `baseline`, the first visit, by its name or time.",
        "`age` is numeric: its values are numbers.",
        "`sex` is a factor: its values are no numbers.",
        "The levels of `sex` are those in the data, sorted: `f`, `m`.",
    ] {
        assert!(inferred.contains(sentence), "{sentence:?} is not in\n{inferred}");
    }
    let declared = Layout::long("id", "group", "visit")
        .arms(["b", "a"])
        .visits_at([("baseline", 0.0), ("3 months", 3.0), ("12 months", 12.0)])
        .baseline_visit("baseline")
        .outcome("score");
    let trial = read(&declared, LONG).unwrap();
    assert_eq!(trial.inferred(), [""; 0]);
    assert_eq!(trial.arms(), ["b", "a"]);
}

#[test]
fn all_problems_are_reported_together_with_their_places() {
    let text = "\
id,group,visit,score,age,sex
P1,a,baseline,40,33,f
P1,a,baseline,41,33,f
P1,b,3 months,99,34,f
,a,baseline,12,20,m
P2,b,baseline,4O,20,m
P2,b,,7,20,m
P3,,baseline,inf,20,m
";
    let layout = Layout::long("id", "group", "visit")
        .outcome(OutcomeColumn::new("score").range(0.0, 80.0))
        .covariate("age")
        .covariate("sex")
        .covariate("centre");
    let found = problems(read(&layout, text));
    let expected = [
        "trial.csv, column centre: there is no such column; there are `id`, `group`, `visit`, `score`, `age`, `sex`",
        "trial.csv, line 3, patient P1, visit baseline: the patient has this visit at line 2 already; keep one of the rows",
        "trial.csv, line 4, patient P1, column group: the patient is in two arms: `a` at line 2 and `b` here; a patient stays in the arm of randomization",
        "trial.csv, line 4, patient P1, visit 3 months, column score: 99 is outside the range 0 to 80; correct it, or declare it with `missing_code`",
        "trial.csv, line 4, patient P1, visit 3 months, column age: the value differs between the rows of the patient: `33` (baseline, line 2) and `34` (3 months, line 4); correct it, or declare the covariate as one by visit with `covariate_as`",
        "trial.csv, line 5, column id: the row has no patient identifier; give one or delete the row",
        "trial.csv, line 6, patient P2, visit baseline, column score: `4O` is not a number; correct it, or declare it with `missing_code` if it stands for a missing value",
        "trial.csv, line 7, patient P2, column visit: the row has no visit although `score` has a value; say which visit it is",
        "trial.csv, line 8, patient P3, column group: the patient has no arm; everyone randomized was randomized to something",
        "trial.csv, line 8, patient P3, visit baseline, column score: the number is infinite; leave the cell empty where nothing was measured",
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_sample_files_are_trials() {
    let fev = Layout::long("USUBJID", "ARMCD", "AVISIT")
        .outcome("FEV1")
        .covariate("RACE")
        .covariate("SEX")
        .weight("WEIGHT")
        .visit_time("VISITN")
        .read_csv(format!("{SAMPLES}/fev/fev.csv"))
        .unwrap();
    assert_eq!((fev.patients().len(), fev.schedule().labels()), (200, vec!["VIS1", "VIS2", "VIS3", "VIS4"]));
    assert_eq!(fev.arms(), ["PBO", "TRT"]);
    assert_eq!(fev.schedule().baseline(), None);
    assert_eq!(fev.outcome("FEV1").unwrap().values.iter().filter(|v| v.is_nan()).count(), 263);
    let bcva = Layout::long("USUBJID", "ARMCD", "AVISIT").outcome("BCVA_CHG").covariate("RACE").covariate("BCVA_BL");
    let bcva = bcva.read_csv(format!("{SAMPLES}/bcva/bcva.csv")).unwrap();
    assert_eq!((bcva.patients().len(), bcva.schedule().labels()[9]), (1000, "VIS10"));
    assert_eq!(bcva.outcome("BCVA_CHG").unwrap().values.iter().filter(|v| !v.is_nan()).count(), 8605);
    let antidepressant = Layout::long("PATIENT", "THERAPY", "VISIT")
        .reference_arm("PLACEBO")
        .outcome(OutcomeColumn::new("HAMDTL17").label("HAMD-17").range(0.0, 52.0))
        .outcome("CHANGE")
        .covariate("BASVAL")
        .covariate("POOLINV")
        .covariate_as("RELDAYS", CovariateKind::NumericByVisit)
        .read_csv(format!("{SAMPLES}/antidepressant/antidepressant.csv"))
        .unwrap();
    assert_eq!((antidepressant.patients().len(), antidepressant.arms()), (172, ["PLACEBO", "DRUG"].map(String::from).as_slice()));
    assert_eq!(antidepressant.randomized(), [88, 84]);
    // Investigators are numbered 006 … 999: names, not numbers.
    assert!(matches!(&antidepressant.covariate("POOLINV").unwrap().values, CovariateValues::Factor { levels, .. } if levels.len() == 17));
}

#[test]
fn text_files_come_in_several_shapes() {
    let expected = contents(&read(&long(), LONG).unwrap());
    let semicolons = LONG.replace(',', ";");
    let tabs = format!("\u{feff}{}", LONG.replace(',', "\t"));
    let windows = LONG.replace('\n', "\r\n");
    let quoted: String =
        LONG.lines().map(|l| format!("{}\n", l.split(',').map(|f| format!("\" {f} \"")).collect::<Vec<_>>().join(","))).collect();
    assert_eq!(contents(&read(&long().delimiter(Delimiter::Semicolon), &semicolons).unwrap()), expected);
    assert_eq!(contents(&read(&long().delimiter(Delimiter::Tab), &tabs).unwrap()), expected);
    assert_eq!(contents(&read(&long(), &windows).unwrap()), expected);
    assert_eq!(contents(&read(&long(), &quoted).unwrap()), expected);
    assert_eq!(contents(&read(&long(), &format!("\u{feff}{quoted}")).unwrap()), expected);
    let found = problems(read(&long(), &semicolons));
    assert!(found[0].contains("say what separates the columns with `delimiter`"), "{found:?}");
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    let text = "id,group,visit,score\r\nP1,a,1,2\r\n\r\nP2,a,1,\"3\r\n\"\r\nP3,a,1,x\r\nP4,a,1\r\n";
    let found = problems(read(&Layout::long("id", "group", "visit").outcome("score"), text));
    assert!(found[0].starts_with("trial.csv, line 6, patient P3, visit 1, column score: `x` is not a number"), "{found:?}");
    assert!(found[1].starts_with("trial.csv, line 7: the line has 3 fields where the header has 4"), "{found:?}");
}

#[test]
fn decimal_commas_are_declared_or_named() {
    let text = "id;group;visit;score\nP1;a;1;12,5\n";
    let layout = Layout::long("id", "group", "visit").outcome("score").delimiter(Delimiter::Semicolon);
    assert!(problems(read(&layout, text))[0].contains("decimal comma"));
    assert_eq!(read(&layout.decimal_mark(DecimalMark::Comma), text).unwrap().outcomes()[0].values, [12.5]);
}
