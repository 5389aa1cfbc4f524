//! Reading a trial as users see it: what is inferred, and every problem of a file at once.

use proptest::prelude::*;
use trialstats::instruments::{Assessment, Diagnosis, Item, Score};
use trialstats::trial::{CovariateKind, DecimalMark, Delimiter, Layout, OutcomeColumn, Role, Scope, Trial};
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
        "{:?}{:?}{:?}{:?}{:?}{:?}{:?}",
        trial.patients(),
        trial.arms(),
        trial.arm_of(),
        trial.schedule(),
        trial.outcomes(),
        trial.diagnoses(),
        trial.variables()
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
    let age = trial.covariate("age").unwrap();
    assert!(matches!((age.scope(), age.numbers()), (Scope::Patient, Some([33.0, 51.0, missing])) if missing.is_nan()));
    let sex = trial.covariate("sex").unwrap();
    assert_eq!((sex.scope(), sex.levels().join(" ")), (Scope::Patient, "f m".into()));
    assert_eq!(sex.codes().unwrap(), [Some(0), Some(1), Some(0)]);
    let therapist = trial.cluster("therapist").unwrap();
    assert_eq!((therapist.role(), therapist.scope(), therapist.levels().join(" ")), (Role::Cluster, Scope::Patient, "T1 T2".into()));
    assert_eq!(therapist.codes().unwrap(), [Some(0), None, Some(1)]);
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
        "trial.csv, line 4, patient P1, visit 3 months, column score: 99 is outside the range 0 to 80; correct it, or declare it with `Layout::missing_code`",
        "trial.csv, line 4, patient P1, visit 3 months, column age: the value differs between the rows of the patient: `33` (baseline, line 2) and `34` (3 months, line 4); correct it, or declare the covariate as one by visit with `Layout::covariate_as`",
        "trial.csv, line 5, column id: the row has no patient identifier; give one or delete the row",
        "trial.csv, line 6, patient P2, visit baseline, column score: `4O` is not a number; correct it, or declare it with `Layout::missing_code` if it stands for a missing value",
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
    assert_eq!(antidepressant.covariate("POOLINV").unwrap().levels().len(), 17);
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
    for separated in
        [&semicolons, &tabs, &LONG.replace(',', "|"), &format!("sep=;\n{semicolons}"), &format!("\u{feff}sep=;\r\n{semicolons}")]
    {
        assert_eq!(contents(&read(&long(), separated).unwrap()), expected, "{separated}");
    }
    assert!(read(&long(), &semicolons).unwrap().inferred().contains(&"The fields are separated by semicolons.".to_string()));
    let found = problems(read(&long().delimiter(Delimiter::Comma), &semicolons));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("the whole header is one column") && found[0].contains("`Layout::delimiter`"), "{found:?}");
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    let text = "id,group,visit,score\r\nP1,a,1,2\r\n\r\nP2,a,1,\"3\r\n\"\r\nP3,a,1,x\r\nP4,a,1\r\n";
    let found = problems(read(&Layout::long("id", "group", "visit").outcome("score"), text));
    assert!(found[0].starts_with("trial.csv, line 6, patient P3, visit 1, column score: `x` is not a number"), "{found:?}");
    assert!(found[1].starts_with("trial.csv, line 7: the line has 3 fields where the header has 4"), "{found:?}");
}

#[test]
fn decimal_commas_are_found_or_declared() {
    let text = "id;group;visit;score\nP1;a;1;12,5\n";
    let layout = Layout::long("id", "group", "visit").outcome("score");
    let found = read(&layout, text).unwrap();
    assert_eq!(found.outcomes()[0].values, [12.5]);
    assert!(found.inferred().contains(&"Numbers have a decimal comma in `score`, where every one with decimals does.".to_string()));
    assert_eq!(read(&layout.clone().decimal_mark(DecimalMark::Comma), text).unwrap().outcomes()[0].values, [12.5]);
    assert!(problems(read(&layout.decimal_mark(DecimalMark::Point), text))[0].contains("another decimal mark"));
}

const WIDE: &str = "\
id,group,score_0,score_3,score_12,age,sex,therapist
P1,b,40,31,NA,33,f,T1
P2,a,45,.,,51,m,
P3,a,,,,.,f,T2
";

fn wide() -> Layout {
    Layout::wide("id", "group")
        .outcome(
            OutcomeColumn::wide("score", [("baseline", "score_0"), ("3 months", "score_3"), ("12 months", "score_12")])
                .label("Total score")
                .range(0.0, 80.0),
        )
        .covariate("age")
        .covariate("sex")
        .cluster("therapist")
}

#[test]
fn a_wide_file_is_the_same_trial() {
    assert_eq!(contents(&read(&wide(), WIDE).unwrap()), contents(&read(&long(), LONG).unwrap()));
}

#[test]
fn problems_of_a_wide_file_name_visit_and_column() {
    let text = WIDE.replace("31", "310") + "P2,a,1,2,3,51,m,\n";
    assert_eq!(
        problems(read(&wide(), &text)),
        [
            "trial.csv, line 2, patient P1, visit 3 months, column score_3: 310 is outside the range 0 to 80; correct it, or declare it with `Layout::missing_code`",
            "trial.csv, line 5, patient P2, column id: the patient has another row at line 3; a wide file has one row per patient",
        ]
    );
}

#[test]
fn missing_codes_hold_where_they_were_declared_to() {
    let text = "id,group,visit,score,age,site\n999,a,1,999,40,999\nP2,a,1,7,999.0,S2\nP3,b,1,-9,-9,S2\n";
    let layout = Layout::long("id", "group", "visit").outcome("score").covariate("age").cluster("site");
    let trial = read(&layout.clone().missing_code("999").missing_code_in("score", "-9"), text).unwrap();
    assert_eq!(trial.patients()[0], "999");
    let score = &trial.outcomes()[0].values;
    assert!(score[0].is_nan() && score[1] == 7.0 && score[2].is_nan());
    assert!(matches!(trial.covariate("age").unwrap().numbers(), Some([40.0, missing, -9.0]) if missing.is_nan()));
    assert_eq!(trial.cluster("site").unwrap().levels(), ["999", "S2"]);
    let without_codes = read(&layout.missing_codes([""; 0]), &text.replace("40", "NA"));
    assert!(problems(without_codes)[0].contains("`NA` is not a number but other values are (line 3)"));
}

#[test]
fn patients_without_a_row_are_declared() {
    let roster = [("P0", "a"), ("P1", "b"), ("P2", "a"), ("P3", "a")];
    let trial = read(&long().randomized_patients(roster), LONG).unwrap();
    assert_eq!((trial.patients()[0].as_str(), trial.randomized()), ("P0", vec![3, 1]));
    let found = problems(read(&long().randomized_patients([("P1", "a"), ("P2", "a"), ("P2", "a")]), LONG));
    assert_eq!(
        found,
        [
            "trial.csv, patient P2: the patient is more than once among the patients declared as randomized",
            "trial.csv, line 2, patient P1, column group: the patient is in two arms: `a` among the patients declared as randomized and `b` here; a patient stays in the arm of randomization",
            "trial.csv, line 7, patient P3: the patient is not among those declared as randomized; declare the patient or correct the identifier",
        ]
    );
    // A row without a visit and outcome keeps its patient, too.
    let trial = read(&long(), &format!("{LONG}P4,b,,,60,f,T1\n")).unwrap();
    assert_eq!(trial.patients().len(), 4);
    assert!(trial.inferred().iter().any(|s| s.starts_with("1 row")), "{:?}", trial.inferred());
}

#[test]
fn declared_arms_visits_and_levels_admit_no_others() {
    let layout =
        Layout::long("id", "group", "visit").arms(["a", "c"]).visits(["baseline", "3 months"]).outcome("score").factor("sex", ["m"]);
    let found = problems(read(&layout, LONG)).join("\n");
    for part in [
        "line 2, patient P1, column group: `b` is not among the arms declared, `a`, `c`",
        "line 4, patient P1, column visit: `12 months` is not among the visits declared, `baseline`, `3 months`",
        "line 2, patient P1, visit baseline, column sex: `f` is not among the levels declared, `m`",
    ] {
        assert!(found.contains(part), "{part:?} is not in\n{found}");
    }
    let empty = Layout::long("id", "group", "visit").arms(["a", "b", "c"]).outcome("score");
    assert_eq!(
        problems(read(&empty, LONG)),
        ["trial.csv, column group: no patient is in arm `c`; leave it out of the declared arms or check the data"]
    );
    let reference = Layout::long("id", "group", "visit").reference_arm("placebo").outcome("score");
    assert!(problems(read(&reference, LONG))[0].contains("there is no arm `placebo`, declared as the reference; the arms are `a`, `b`"));
    let baseline = Layout::long("id", "group", "visit").baseline_visit("screening").outcome("score");
    assert!(problems(read(&baseline, LONG))[0].contains("there is no visit named `screening`"));
}

#[test]
fn levels_and_arms_are_sorted_or_as_declared() {
    let text = "id,arm,visit,y,dose,grade\nP1,b,1,1,10,low\nP2,C,1,2,9,high\nP3,a,1,3,10,mid\n";
    let layout = Layout::long("id", "arm", "visit").outcome("y").covariate_as("dose", CovariateKind::Factor);
    let levels = |trial: &Trial, name: &str| {
        let factor = trial.covariate(name).unwrap();
        assert_eq!((factor.is_factor(), factor.scope()), (true, Scope::Patient));
        factor.levels().to_vec()
    };
    let trial = read(&layout.clone().covariate("grade"), text).unwrap();
    assert_eq!(trial.arms(), ["C", "a", "b"]);
    assert_eq!(levels(&trial, "dose"), ["9", "10"]);
    assert_eq!(levels(&trial, "grade"), ["high", "low", "mid"]);
    let declared = read(&layout.reference_arm("b").factor("grade", ["low", "mid", "high"]), text).unwrap();
    assert_eq!(declared.arms(), ["b", "C", "a"]);
    assert_eq!(levels(&declared, "grade"), ["low", "mid", "high"]);
}

#[test]
fn visits_are_ordered_by_time_number_stage_or_not_at_all() {
    let order = |layout: Layout, rows: &str| {
        let text = format!("id,visit,time,y\n{rows}");
        let trial = layout.outcome("y").read_csv_from("visits.csv", text.as_bytes());
        trial.map(|t| t.schedule().visits().iter().map(|v| (v.label.clone(), v.time)).collect::<Vec<_>>())
    };
    let layout = || Layout::long_one_arm("id", "visit");
    let visit = |label: &str, time: Option<f64>| (label.to_string(), time);
    assert_eq!(order(layout(), "A,VIS10,,1\nA,VIS9,,1\n").unwrap(), [visit("VIS9", None), visit("VIS10", None)]);
    assert_eq!(order(layout(), "A,12.0,,1\nA,3,,1\n").unwrap(), [visit("3", Some(3.0)), visit("12", Some(12.0))]);
    let by_time = order(layout().visit_time("time"), "A,post,8,1\nA,pre,0,1\n").unwrap();
    assert_eq!(by_time, [visit("pre", Some(0.0)), visit("post", Some(8.0))]);
    for rows in ["A,pre,,1\nA,follow-up,,1\nB,pre,,1\nB,post,,1\n", "B,follow-up,,1\nB,post,,1\nB,pre,,1\n"] {
        assert_eq!(order(layout(), rows).unwrap(), [visit("pre", None), visit("post", None), visit("follow-up", None)]);
    }
    // The order of rows is none of visits.
    for rows in ["A,red,,1\nA,green,,1\nA,blue,,1\n", "A,blue,,1\nA,red,,1\nB,green,,1\n"] {
        assert_eq!(order(layout(), rows).unwrap(), [visit("blue", None), visit("green", None), visit("red", None)]);
    }
    let months = layout().visits_at([("start", 0.0), ("end", 6.0)]);
    assert_eq!(order(months, "A,0,,1\nA,end,,1\nB,6,,2\n").unwrap(), [visit("start", Some(0.0)), visit("end", Some(6.0))]);
    let two_times = order(layout().visit_time("time"), "A,1,1,1\nB,1,2,1\n");
    assert!(problems_of(two_times).contains("line 3, visit 1, column time: the visit has the times 1 and 2"));
}

fn problems_of<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(Error::Data(problems)) => problems.to_string(),
        other => panic!("expected problems in the data, found {other:?}"),
    }
}

#[test]
fn covariates_by_visit_are_declared_or_found() {
    let text = "id,visit,y,dose,mood,age\nA,1,1,10,low,30\nA,2,1,20,high,30\nB,1,1,NA,low,31\nB,2,1,20,,31\n";
    let layout = Layout::long_one_arm("id", "visit").outcome("y");
    let declared = layout.clone().covariate_as("dose", CovariateKind::NumericByVisit).covariate_as("mood", CovariateKind::FactorByVisit);
    let trial = read(&declared, text).unwrap();
    assert_eq!(trial.arms(), ["all"]);
    let (dose, mood) = (trial.covariate("dose").unwrap(), trial.covariate("mood").unwrap());
    assert_eq!((dose.scope(), mood.scope()), (Scope::PatientVisit, Scope::PatientVisit));
    assert!(matches!(dose.numbers(), Some([10.0, 20.0, missing, 20.0]) if missing.is_nan()));
    assert_eq!((mood.levels().join(" "), mood.codes().unwrap()), ("high low".into(), [Some(1), Some(0), Some(1), None].as_slice()));
    let found = ["dose", "mood", "age"].iter().fold(layout.clone(), |l, c| l.covariate_as(*c, CovariateKind::AsFound));
    let found = read(&found, text).unwrap();
    assert_eq!(format!("{:?}", found.covariate("dose")), format!("{:?}", trial.covariate("dose")));
    assert_eq!(format!("{:?}", found.covariate("mood")), format!("{:?}", trial.covariate("mood")));
    let age = found.covariate("age").unwrap();
    assert_eq!((age.scope(), age.is_factor()), (Scope::Patient, false));
    assert!(found.inferred().contains(&"`dose` is a covariate of the visit, because it varies within patients.".to_string()));
    assert_eq!(problems(read(&layout.covariate("dose").covariate("mood"), text)).len(), 2);
}

#[test]
fn weights_are_positive_where_they_are_used() {
    let text = "id,visit,y,w\nA,1,1,0.5\nA,2,1,0\nB,1,1,\nB,2,,-1\n";
    let found = problems(read(&Layout::long_one_arm("id", "visit").outcome("y").weight("w"), text));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("trial.csv, line 3, patient A, visit 2, column w: the weight 0 is not positive"));
    assert!(found[1].starts_with("trial.csv, line 4, patient B, visit 1, column w: an outcome is observed but has no weight"));
}

#[test]
fn a_problem_makes_no_other() {
    let file = "id,arm,visit,status,site,y,t,w\n1,a,w0,well,x,1,0,1\n1,a,w4,ill,x,2,4,1\n2,b,w0,ill,y,3,0,1\n2,b,w4,well,y,4,4,1\n";
    let long = Layout::long("id", "arm", "visit");
    let only = |layout: Layout, text: &str, says: &str| {
        let found = problems(read(&layout, text));
        assert!(found.len() == 1 && found[0].contains(says), "{says}: {found:?}");
    };
    let texts = long.clone().outcome(OutcomeColumn::new("status").or_texts()).covariate("site");
    only(texts.clone().visits(["w0"]), file, "`w4` is not among the visits declared");
    only(texts.clone(), &file.replace("2,b,w4", "2,b,w0"), "the patient has this visit at line 4 already");
    only(texts.arms(["a", "c"]), file, "`b` is not among the arms declared");
    let timed = long.clone().outcome("y").visits(["w0", "week 4"]);
    only(timed.visit_time("t"), file, "`w4` is not among the visits declared");
    only(long.clone().outcome("y").visit_time("day"), file, "there is no such column");
    only(long.clone().outcome("y").visit_time("t"), &file.replace(",4,1\n", ",four,1\n"), "`four` is not a number");
    only(long.clone().outcome("y").weight("weight"), file, "there is no such column");
    only(long.clone().outcome("y").weight("w"), &file.replace("0,1\n2", "0,one\n2").replace("4,1\n2", "4,one\n2"), "`one` is not a number");
    let wide = "id,arm,s0,s4\n1,a,well,ill\n2,b,ill,well\n2,b,ill,well\n";
    let status = OutcomeColumn::wide("status", [("w0", "s0"), ("w4", "s4")]).or_texts();
    only(Layout::wide("id", "arm").outcome(status.clone()), wide, "the patient has another row at line 3");
    let undeclared = read(&Layout::wide("id", "arm").visits(["w0"]).outcome(status), wide).unwrap_err();
    assert_eq!(undeclared.code(), "unknown-name");
}

#[test]
fn an_outcome_may_be_of_texts() {
    let file = "id,arm,visit,status,grade\n1,a,w0,well,1\n1,a,w4,,2\n2,b,w0,ill,0\n2,b,w4,well,\n";
    let or_texts = |name: &str| OutcomeColumn::new(name).or_texts();
    let trial = read(&Layout::long("id", "arm", "visit").outcome(or_texts("status")).outcome(or_texts("grade")), file).unwrap();
    let status = trial.variable("status").unwrap();
    assert_eq!((status.levels(), status.scope()), (&["ill".to_string(), "well".to_string()][..], Scope::PatientVisit));
    assert_eq!(status.codes().unwrap(), [Some(1), None, Some(0), Some(1)]);
    assert_eq!(trial.outcomes().len(), 1, "numbers stay an outcome");
    assert_eq!(trial.outcome("grade").unwrap().values[..3], [1.0, 2.0, 0.0]);
    // A range says that numbers are meant, and so does what others use to write a number.
    let ranged = Layout::long("id", "arm", "visit").outcome(or_texts("status").range(0.0, 1.0));
    assert!(problems(read(&ranged, file))[0].contains("`well` is not a number"));
    let comma = Layout::long("id", "arm", "visit").outcome(or_texts("grade")).decimal_mark(DecimalMark::Point);
    assert!(problems(read(&comma, &file.replace(",2\n", ",\"2,5\"\n")))[0].contains("another decimal mark"));
}

#[test]
fn columns_that_are_not_there_are_named_with_their_neighbour() {
    let found = problems(read(&Layout::long("ID", "grp", "visit").outcome("scores"), LONG));
    assert_eq!(found[0], "trial.csv, column ID: there is no such column; did you mean `id`?");
    assert!(found[1].starts_with("trial.csv, column grp: there is no such column"));
    assert_eq!(found[2], "trial.csv, column scores: there is no such column; did you mean `score`?");
    let twice = "id,group,visit,score,score\nA,a,1,1,2\n";
    assert!(problems(read(&Layout::long("id", "group", "visit").outcome("score"), twice))[0].contains("2 columns have this name"));
    for empty in ["", "id,group,visit,score\n"] {
        assert!(problems_of(read(&long(), empty)).contains("there is no row of data"));
    }
}

#[test]
fn a_file_that_is_not_there_and_a_layout_that_contradicts_itself_are_other_errors() {
    assert_eq!(long().read_csv("no-such-file.csv").unwrap_err().code(), "file");
    let code = |layout: Layout| read(&layout, LONG).unwrap_err().code();
    assert_eq!(code(long().wide_outcome("y", [("baseline", "score")])), "conflicting-settings");
    assert_eq!(code(wide().outcome("score_0")), "conflicting-settings");
    assert_eq!(code(wide().visit_time("age")), "conflicting-settings");
    assert_eq!(code(wide().visits(["baseline", "3 months"])), "unknown-name");
    assert_eq!(code(long().levels("grade", ["low"])), "unknown-name");
    assert_eq!(code(long().missing_code_in("scores", "999")), "unknown-name");
    assert_eq!(code(long().outcome(OutcomeColumn::new("age").range(5.0, 1.0))), "out-of-range");
}

#[test]
fn text_in_another_encoding_is_a_problem_not_a_surprise() {
    let text = b"id,visit,y,site\nA,1,1,M\xfcnchen\n";
    let layout = Layout::long_one_arm("id", "visit").outcome("y").cluster("site");
    let trial = layout.read_csv_from("latin1.csv", &text[..]).unwrap();
    assert_eq!(trial.cluster("site").unwrap().levels(), ["München"]);
    assert!(trial.warnings()[0].message.contains("1 value was read as Windows-1252, the first in line 2"));
    let both = [&text[..], "B,1,1,Köln\n".as_bytes()].concat();
    assert!(problems(layout.read_csv_from("both.csv", &both[..]))[0].contains("some values are UTF-8 and some are not"));
    let neither = b"id,visit,y,site\nA,1,1,M\x81nchen\n";
    assert!(problems(layout.read_csv_from("neither.csv", &neither[..]))[0].contains("not recognised"));
}

#[test]
fn a_column_that_is_no_visit_is_found_out_before_it_fills_the_memory() {
    let rows: String = (0..4000).map(|i| format!("P{i},{i},1\n")).collect();
    let found = problems(read(&Layout::long_one_arm("id", "visit").outcome("y"), &format!("id,visit,y\n{rows}")));
    assert_eq!(
        found,
        [
            "trial.csv, column visit: 4000 distinct visits for 4000 patients do not look like a visit schedule; is this really the visit column? State another with `Layout::long`"
        ]
    );
}

#[test]
fn a_patient_is_in_one_cluster_of_a_kind() {
    let text = LONG.replace("P1,b,3 months,31,33,f,T1", "P1,b,3 months,31,33,f,T9");
    let found = problems(read(&long(), &text));
    assert_eq!(
        found,
        [
            "trial.csv, line 3, patient P1, visit 3 months, column therapist: the value differs between the rows of the patient: `T1` (baseline, line 2) and `T9` (3 months, line 3); correct it, or declare the cluster as one that may change from visit to visit with `Layout::cluster_by_visit`"
        ]
    );
}

const CHANGES: [Option<usize>; 9] = [Some(0), Some(1), Some(0), None, None, None, Some(2), None, None];

#[test]
fn a_cluster_may_change_by_visit_where_it_is_said_to() {
    let layout = Layout::long("id", "group", "visit").outcome("score").cluster_by_visit("therapist");
    let text = LONG.replace("P1,b,3 months,31,33,f,T1", "P1,b,3 months,31,33,f,T11").replace(",T2", ",T12");
    let trial = read(&layout, &text).unwrap();
    let therapist = trial.cluster("therapist").unwrap();
    assert_eq!(therapist.levels(), ["T1", "T11", "T12"]);
    // An empty cell, and a visit without a row, belong nowhere.
    assert_eq!((therapist.role(), therapist.scope(), therapist.codes().unwrap()), (Role::Cluster, Scope::PatientVisit, &CHANGES[..]));
    // The codes of missing values do not hold for names of clusters.
    let trial = read(&layout.missing_code("T11"), &text).unwrap();
    assert_eq!(trial.cluster("therapist").unwrap().codes().unwrap(), CHANGES);
}

#[test]
fn clusters_by_visit_of_a_wide_file_have_a_column_each() {
    let layout = |layout: Layout| layout.wide_cluster("therapist", [("baseline", "th0"), ("3 months", "th3")]);
    let scores = [("baseline", "s0"), ("3 months", "s3"), ("12 months", "s12")];
    let wide = layout(Layout::wide("id", "group").wide_outcome("score", scores));
    let text = "id,group,s0,s3,s12,th0,th3\nP1,b,40,31,,T1,T11\nP2,a,45,,,,\nP3,a,,,,T12,\n";
    let trial = read(&wide, text).unwrap();
    let codes = trial.cluster("therapist").unwrap().codes().unwrap();
    assert_eq!(codes, [Some(0), Some(1), None, None, None, None, Some(2), None, None]);
    let error = read(&layout(Layout::long("id", "group", "visit").outcome("score")), LONG).unwrap_err();
    assert!(error.to_string().contains("`cluster_by_visit`"), "{error}");
    let error = read(&Layout::wide("id", "group").cluster_by_visit("therapist"), text).unwrap_err();
    assert!(error.to_string().contains("`wide_cluster`"), "{error}");
}

#[test]
fn clusters_by_visit_go_where_their_trial_goes() {
    let layout = Layout::long("id", "group", "visit").outcome("score").cluster_by_visit("therapist");
    let trial = read(&layout, LONG).unwrap();
    let flow = trial.participant_flow("score", &trialstats::trial::AnalysisSet::new().needs("therapist")).unwrap();
    let missing = trialstats::trial::Exclusion::Missing("therapist".into());
    assert_eq!(flow.count("a", &trialstats::trial::FlowStep::NotAnalysed { reason: missing }), 1);
    let protocol = trial.protocol();
    assert_eq!(protocol.levels("therapist").unwrap(), ["T1", "T2"]);
    let json = serde_json::to_string(&protocol).unwrap();
    assert_eq!(serde_json::from_str::<trialstats::trial::Protocol>(&json).unwrap(), protocol);
    assert_eq!(contents(&trial.resample(&[2, 0]).unwrap().resample(&[1, 0]).unwrap()), contents(&trial.resample(&[0, 2]).unwrap()));
    let twice = layout.cluster("therapist");
    assert!(read(&twice, LONG).unwrap_err().to_string().contains("cluster `therapist` is there more than once"));
}

/// Two ratings from 0 to 3 whose sum is the score, and a diagnosis from a sum of 4.
#[derive(Debug)]
struct Pair;

impl trialstats::instruments::Instrument for Pair {
    fn name(&self) -> &str {
        "Pair"
    }

    fn items(&self) -> Vec<Item> {
        ["pair_1", "pair_2"].map(|name| Item { name: name.into(), minimum: 0, maximum: 3 }).to_vec()
    }

    fn scores(&self) -> Vec<Score> {
        vec![Score { name: "pair".into(), label: "Pair total".into(), range: (0.0, 6.0) }]
    }

    fn diagnoses(&self) -> Vec<String> {
        vec!["paired".into()]
    }

    fn missing_codes(&self) -> &[&str] {
        &["?"]
    }

    fn assess(&self, ratings: &[Option<u8>]) -> Assessment {
        let sum = ratings.iter().copied().sum::<Option<u8>>();
        let diagnosis = sum.map_or(Diagnosis::Unknown, |s| if s >= 4 { Diagnosis::Met } else { Diagnosis::NotMet });
        Assessment { scores: vec![sum.map(f64::from)], diagnoses: vec![diagnosis] }
    }
}

#[test]
fn items_of_an_instrument_become_scores_and_diagnoses() {
    let text = "id,visit,pair_1,pair_2\nA,baseline,3,2\nA,post,1,?\nB,baseline,,\nB,post,0,1\n";
    let layout = Layout::long_one_arm("id", "visit").visits(["baseline", "post"]);
    let trial = read(&layout.clone().instrument(Pair), text).unwrap();
    let pair = trial.outcome("pair").unwrap();
    assert_eq!((pair.label.as_str(), pair.range), ("Pair total", Some((0.0, 6.0))));
    assert!(pair.values[0] == 5.0 && pair.values[1].is_nan() && pair.values[2].is_nan() && pair.values[3] == 1.0);
    let paired = &trial.diagnosis("paired").unwrap().values;
    assert_eq!(*paired, [Some(Diagnosis::Met), Some(Diagnosis::Unknown), None, Some(Diagnosis::NotMet)]);
    let named = read(&layout.clone().instrument_named(Pair, |item| item.replace("pair_", "q")), &text.replace("pair_", "q")).unwrap();
    assert_eq!(contents(&named), contents(&trial));
    let wide = Layout::wide_one_arm("id").wide_instrument(Pair, ["baseline", "post"], |visit, item| format!("{visit}_{item}"));
    let rows = "id,baseline_pair_1,baseline_pair_2,post_pair_1,post_pair_2\nA,3,2,1,?\nB,,,0,1\n";
    assert_eq!(contents(&read(&wide, rows).unwrap()), contents(&trial));
    let wrong = problems(read(&layout.instrument(Pair), &text.replace("3,2", "4,1.5")));
    assert_eq!(
        wrong,
        [
            "trial.csv, line 2, patient A, visit baseline, column pair_1: 4 is no rating of pair_1: whole numbers from 0 to 3; correct it or leave it empty",
            "trial.csv, line 2, patient A, visit baseline, column pair_2: 1.5 is no rating of pair_2: whole numbers from 0 to 3; correct it or leave it empty",
        ]
    );
}

proptest! {
    /// Shuffled rows give the same trial but for the order of patients, and a wide file the same trial as the long one.
    #[test]
    fn neither_row_order_nor_shape_changes_a_trial(
        scores in proptest::collection::vec(proptest::option::of(-1e6..1e6f64), 4 * 3..=4 * 3),
        keys in proptest::collection::vec(any::<u32>(), 4 * 3..=4 * 3),
    ) {
        let cell = |y: Option<f64>| y.map_or("NA".to_string(), |y| y.to_string());
        let visits = ["baseline", "month 2", "month 10"];
        let mut rows: Vec<(u32, String)> = (0..12)
            .map(|k| (keys[k], format!("P{},{},{},{}\n", k / 3, ["a", "b"][k / 3 % 2], visits[k % 3], cell(scores[k]))))
            .collect();
        let file = |rows: &[(u32, String)]| format!("id,arm,visit,y\n{}", rows.iter().map(|r| r.1.as_str()).collect::<String>());
        let long = Layout::long("id", "arm", "visit").outcome("y");
        let in_order = read(&long, &file(&rows)).unwrap();
        rows.sort();
        let shuffled = read(&long, &file(&rows)).unwrap();
        prop_assert_eq!(in_order.schedule(), shuffled.schedule());
        prop_assert_eq!(in_order.arms(), shuffled.arms());
        for (i, patient) in in_order.patients().iter().enumerate() {
            let j = shuffled.patients().iter().position(|p| p == patient).unwrap();
            prop_assert_eq!(in_order.arm_of()[i], shuffled.arm_of()[j]);
            for t in 0..3 {
                let [a, b] = [(&in_order, i), (&shuffled, j)].map(|(trial, i)| trial.value(&trial.outcomes()[0], i, t));
                prop_assert_eq!(a, b);
                prop_assert_eq!(a, scores[i * 3 + t]);
            }
        }
        let lines = (0..4).map(|i| format!("P{i},{},{},{},{}\n", ["a", "b"][i % 2], cell(scores[3 * i]), cell(scores[3 * i + 1]), cell(scores[3 * i + 2])));
        let columns = visits.map(|v| (v, v));
        let wide = read(&Layout::wide("id", "arm").wide_outcome("y", columns), &format!("id,arm,{}\n{}", visits.join(","), lines.collect::<String>())).unwrap();
        prop_assert_eq!(contents(&wide), contents(&in_order));
    }

    /// Whatever is in a file, reading ends in a trial or in an error, never in a panic.
    #[test]
    fn no_text_makes_the_reader_panic(text in "(id|arm|visit|y|,|\"|\n|\r|;|a|1|NA| |3 months|é){0,60}") {
        let text = format!("id,arm,visit,y\n{text}");
        let _ = read(&Layout::long("id", "arm", "visit").outcome("y").covariate_as("arm", CovariateKind::AsFound), &text);
        let _ = read(&Layout::wide("id", "arm").wide_outcome("y", [("1", "visit"), ("2", "y")]), &text);
    }
}

#[cfg(feature = "polars")]
mod frames {
    use super::*;
    use polars::prelude::{Column, DataFrame, NamedFrom, Series};

    fn frame() -> DataFrame {
        let text = |name: &str, values: [Option<&str>; 6]| Column::from(Series::new(name.into(), values));
        let columns = vec![
            text("id", ["P1", "P1", "P1", "P2", "P2", "P3"].map(Some)),
            text("group", ["b", "b", "b", "a", "a", "a"].map(Some)),
            text("visit", ["baseline", "3 months", "12 months", "baseline", "3 months", "baseline"].map(Some)),
            Series::new("score".into(), [Some(40i32), Some(31), None, Some(45), None, None]).into(),
            Series::new("age".into(), [33.0, 33.0, 33.0, 51.0, 51.0, f64::NAN]).into(),
            text("sex", ["f", "f", "f", "m", "m", "f"].map(Some)),
            text("therapist", [Some("T1"), Some("T1"), Some("T1"), None, None, Some("T2")]),
        ];
        DataFrame::new_infer_height(columns).unwrap()
    }

    #[test]
    fn a_data_frame_is_the_same_trial() {
        let trial = long().read_dataframe(&frame()).unwrap();
        assert_eq!(contents(&trial), contents(&read(&long(), LONG).unwrap()));
        let again = long().read_dataframe(&trial.to_dataframe().unwrap()).unwrap();
        assert_eq!(contents(&again), contents(&trial));
    }

    #[test]
    fn numbers_and_truth_values_name_patients_and_levels() {
        let columns: Vec<Column> = vec![
            Series::new("id".into(), [9_007_199_254_740_993_i64, 9_007_199_254_740_992]).into(),
            Series::new("month".into(), [3i64, 3]).into(),
            Series::new("y".into(), [1.5f32, 2.5]).into(),
            Series::new("smoker".into(), [Some(true), None]).into(),
            Series::new_null("nothing".into(), 2).into(),
        ];
        let frame = DataFrame::new_infer_height(columns).unwrap();
        let layout = Layout::long_one_arm("id", "month").outcome("y").covariate("smoker").covariate("nothing");
        let trial = layout.read_dataframe(&frame).unwrap();
        assert_eq!(trial.patients(), ["9007199254740993", "9007199254740992"]);
        assert_eq!(trial.schedule().labels(), ["3"]);
        assert_eq!(trial.outcomes()[0].values, [1.5, 2.5]);
        let smoker = trial.covariate("smoker").unwrap();
        assert_eq!((smoker.levels().join(" "), smoker.codes().unwrap()), ("true".into(), [Some(0), None].as_slice()));
    }

    #[test]
    fn problems_name_the_row() {
        let mut frame = frame();
        frame.with_column(Series::new("score".into(), [40.0, 31.0, f64::INFINITY, 450.0, 1.0, 2.0]).into()).unwrap();
        assert_eq!(
            problems(long().read_dataframe(&frame)),
            [
                "data frame, row 3, patient P1, visit 12 months, column score: the number is infinite; leave the cell empty where nothing was measured",
                "data frame, row 4, patient P2, visit baseline, column score: 450 is outside the range 0 to 80; correct it, or declare it with `Layout::missing_code`",
            ]
        );
    }

    #[cfg(feature = "parquet")]
    #[test]
    fn a_parquet_file_is_the_same_trial() {
        let path = std::env::temp_dir().join(format!("trialstats-reading-{}.parquet", std::process::id()));
        polars::prelude::ParquetWriter::new(std::fs::File::create(&path).unwrap()).finish(&mut frame()).unwrap();
        let trial = long().read_parquet(&path);
        let not_parquet = long().read_parquet(format!("{SAMPLES}/fev/fev.csv"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(contents(&trial.unwrap()), contents(&read(&long(), LONG).unwrap()));
        assert_eq!(not_parquet.unwrap_err().code(), "damaged-file");
        assert_eq!(long().read_parquet("no-such-file.parquet").unwrap_err().code(), "file");
    }
}
