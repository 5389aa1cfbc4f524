//! Patients, rows and visits that a layout leaves out, each with its count.

use trialstats::error::Interface;
use trialstats::trial::{Condition, LeftOutOf, WarningKind};
use trialstats::{Layout, Tabular, Trial};

const FILE: &str = "id,arm,visit,score,itt,age,flag\n\
    A,x,screening,9,Y,30,Y\nA,x,1,12,Y,30,Y\nA,x,2,10,Y,30,N\n\
    B,y,screening,8,,70,Y\nB,y,1,11,Y,70,Y\nB,y,2,9,,70,Y\n\
    C,y,1,14,N,40,Y\nC,y,2,13,N,40,Y\n\
    D,x,1,7,Y,50,N\nD,x,2,6,Y,50,N\n\
    E,y,1,5,Y,60,Y\nE,y,2,4,Y,60,Y\n";

fn layout() -> Layout {
    Layout::long("id", "arm", "visit").outcome("score").covariate("age")
}

fn read(layout: &Layout) -> Trial {
    layout.read_csv_from("file", FILE.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(layout: &Layout) -> String {
    layout.read_csv_from("file", FILE.as_bytes()).expect_err("it cannot be read").worded_for(Interface::Plan).to_string()
}

#[test]
fn patients_rows_and_visits_are_left_out_and_counted() {
    let layout = layout()
        .keep_patients(Condition::on("itt").is("Y").reason("not randomized"))
        .drop_visits(["screening"])
        .keep_rows(Condition::on("flag").is_not(["N"]));
    let trial = read(&layout);
    // The flag of B is blank in some rows, and the others say it. D has no row left, and was randomized.
    assert_eq!(trial.patients(), ["A", "B", "D", "E"]);
    assert_eq!(trial.schedule().labels(), ["1", "2"]);
    let values: Vec<String> = trial.outcome("score").expect("it is there").values.iter().map(ToString::to_string).collect();
    assert_eq!(values, ["12", "NaN", "11", "9", "NaN", "NaN", "5", "4"]);
    assert_eq!(trial.covariate("age").expect("a covariate").numbers(), Some(&[30.0, 70.0, 50.0, 60.0][..]), "what is known of D stays");
    assert_eq!(trial.randomized(), [2, 2]);
    let left_out: Vec<_> = trial.left_out().iter().map(|l| (l.of, l.kept.as_str(), l.patients, l.rows)).collect();
    assert_eq!(
        left_out,
        [
            (LeftOutOf::Patients, "itt is Y", 1, 2),
            (LeftOutOf::Visits, "visit is not screening", 0, 2),
            (LeftOutOf::Rows, "flag is not N", 1, 3)
        ]
    );
    assert_eq!(
        trial.left_out()[0].sentence(),
        "Excluded before the analysis: 1 patient with 2 rows (not randomized: y 1). Only patients for whom itt is Y are analysed."
    );
    assert!(trial.left_out()[2].sentence().contains("1 patient with no other row stays in the trial as randomized."));
    assert_eq!(
        trial.left_out_table().columns().iter().map(|c| c.name.to_string()).collect::<Vec<_>>(),
        ["of", "kept", "reason", "patients", "by_arm", "rows"]
    );
}

/// Patients may be left out by name, and their names stay out of what is said.
#[test]
fn names_of_patients_are_not_repeated() {
    let layout = layout().drop_visits(["screening"]).keep_patients(Condition::on("id").is_not(["C", "D", "Z9"]));
    let trial = read(&layout);
    assert_eq!(trial.patients(), ["A", "B", "E"]);
    assert_eq!((trial.left_out()[0].kept.as_str(), trial.left_out()[0].patients), ("id is none of 3 values that are stated", 2));
    let told: Vec<String> = trial.warnings().iter().filter(|w| w.kind == WarningKind::Condition).map(ToString::to_string).collect();
    assert_eq!(told, ["1 of the patients that a condition names in `id` has no row"]);
    let mut plan = trialstats::analysis::Plan::new("score").layout(layout);
    plan.trial.subset.push(Condition::on("id").is_not(["E"]));
    let trial =
        trialstats::simulate::Gaussian::new(["1", "2"]).outcome("score").arm("x", 20, [5.0, 5.0]).arm("y", 20, [5.0, 4.0]).trial(1, 0);
    let result = plan.run(&trial.expect("a trial"), &trialstats::analysis::Silent).expect("it can be analysed");
    let json = serde_json::to_string(&result.plan).expect("it serialises");
    assert!(!json.contains("Z9") && !json.contains("subset") && json.contains("screening"), "{json}");
}

/// Leaving rows out gives what a file without them gives.
#[test]
fn what_is_left_is_what_a_file_without_the_rest_has() {
    let shorter: String = FILE.lines().filter(|line| !line.starts_with("C,")).map(|line| format!("{line}\n")).collect();
    let there = layout().read_csv_from("file", shorter.as_bytes()).expect("it reads");
    let own = read(&layout().keep_patients(Condition::on("itt").is("Y")));
    assert_eq!(
        (own.patients(), own.arms(), own.arm_of(), own.schedule()),
        (there.patients(), there.arms(), there.arm_of(), there.schedule())
    );
    let bits = |trial: &Trial| trial.outcome("score").expect("it is there").values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&own), bits(&there));
    assert_eq!(own.inferred(), there.inferred());
}

#[test]
fn numbers_are_compared_as_numbers() {
    let trial = read(&layout().drop_visits(["screening"]).keep_patients(Condition::on("age").at_least(40.0).at_most(60.0)));
    assert_eq!(trial.patients(), ["C", "D", "E"]);
    let trial = read(&layout().drop_visits(["screening", "2.0"]).keep_patients(Condition::on("age").is_one_of(["30.0", "70"])));
    assert_eq!((trial.patients().len(), trial.schedule().labels()), (2, vec!["1"]));
    let problem = refused(&layout().keep_rows(Condition::on("flag").at_least(1.0)));
    assert!(problem.contains("column flag") && problem.contains("`Y` is not a number"), "{problem}");
}

#[test]
fn conditions_that_cannot_be_meant_are_told() {
    let nobody = refused(&layout().keep_patients(Condition::on("itt").is("yes")));
    assert!(nobody.contains("no row is left where itt is yes"), "{nobody}");
    let column = refused(&layout().keep_patients(Condition::on("ITT").is("Y")));
    assert!(column.contains("column ITT") && column.contains("did you mean `itt`?"), "{column}");
    let varies = refused(&layout().keep_patients(Condition::on("flag").is("Y")));
    assert!(varies.contains("line 4, patient A, column flag") && varies.contains("`keep-rows`"), "{varies}");
    let wide = Layout::wide("id", "arm").wide_outcome("score", [("1", "score")]).keep_rows(Condition::on("flag").is("Y"));
    assert!(refused(&wide).contains("`layout.keep-patients`"));
    let warned = |layout: Layout| {
        let trial = read(&layout);
        trial.warnings().iter().filter(|w| w.kind == WarningKind::Condition).map(ToString::to_string).collect::<Vec<_>>()
    };
    let told = warned(layout().drop_visits(["Screening"]));
    assert!(
        told.len() == 1 && told[0].contains("no row has `Screening` in `visit`") && told[0].contains("did you mean `screening`?"),
        "{told:?}"
    );
    let told = warned(layout().keep_patients(Condition::on("itt").is_one_of(["Y", "N", "U"])));
    assert!(told.len() == 1 && told[0].contains("no row has `U`"), "{told:?}");
    // That nobody has a value which is excluded is as it should be, unless another spelling of it is there.
    assert_eq!(warned(layout().keep_rows(Condition::on("flag").is_not(["LOCF"]))), Vec::<String>::new());
    let told = warned(layout().keep_rows(Condition::on("visit").is_not(["screning"])));
    assert!(told.len() == 1 && told[0].contains("did you mean `screening`?"), "{told:?}");
}

#[test]
fn visits_and_arms_stand_in_the_order_of_their_numbers() {
    let file =
        "id,arm,armn,visit,visitn,y\nA,low,2,Start,10,1\nA,low,2,End,30,2\nA,low,2,Middle,20,3\nB,high,1,Start,10,4\nB,high,1,End,30,5\n";
    let layout = Layout::long("id", "arm", "visit").outcome("y").visit_order("visitn").arm_order("armn");
    let trial = layout.read_csv_from("file", file.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((trial.arms(), trial.schedule().labels()), (&["high".to_string(), "low".into()][..], vec!["Start", "Middle", "End"]));
    assert!(trial.schedule().visits().iter().all(|v| v.time.is_none()), "an order is no time");
    assert!(trial.warnings().iter().all(|w| w.kind != WarningKind::VisitOrder));
    let twice = file.replace("B,high,1,Start,10", "B,high,1,Start,11");
    let error = layout.read_csv_from("file", twice.as_bytes()).expect_err("two numbers").to_string();
    assert!(error.contains("the visit has the numbers 10 and 11"), "{error}");
    let twice = file.replace("B,high,1,End", "B,high,3,End");
    let error = layout.read_csv_from("file", twice.as_bytes()).expect_err("two numbers").to_string();
    assert!(error.contains("the arm `high` has the numbers 1 and 3"), "{error}");
}
