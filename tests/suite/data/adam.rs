//! ADaM BDS files as they come: with some of the columns, and with columns of another name.

use trialstats::error::Interface;
use trialstats::trial::{Condition, LeftOutOf};
use trialstats::{Layout, Trial};

/// A file of these columns, in which every patient has a row per line of `rows`; `{p}` is the patient, `{arm}` the arm.
fn file(header: &str, rows: &[&str]) -> String {
    let mut text = format!("{header}\n");
    for (patient, arm, number) in [("1", "Zeta", "1"), ("2", "Alpha", "2"), ("3", "Zeta", "1"), ("4", "Alpha", "2")] {
        for row in rows {
            text.push_str(&row.replace("{p}", patient).replace("{arm}", arm).replace("{n}", number));
            text.push('\n');
        }
    }
    text
}

fn read(layout: &Layout, text: &str) -> Trial {
    layout.read_csv_from("adqs", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(layout: &Layout, text: &str) -> String {
    layout.read_csv_from("adqs", text.as_bytes()).expect_err("it cannot be read").worded_for(Interface::Plan).to_string()
}

#[test]
fn what_a_file_does_not_have_is_not_needed() {
    let text = file("SUBJID,TRTP,TRTPN,AVISIT,AVISITN,AVAL", &["{p},{arm},{n},Late,20,1{p}", "{p},{arm},{n},Early,10,2{p}"]);
    let trial = read(&Layout::adam(), &text);
    assert_eq!((trial.arms(), trial.schedule().labels()), (&["Zeta".to_string(), "Alpha".into()][..], vec!["Early", "Late"]));
    assert_eq!(trial.outcome("AVAL").expect("it is there").values[..2], [21.0, 11.0]);
    assert_eq!(trial.outcomes().len(), 1);
    assert_eq!(trial.column_names().patient, "SUBJID");
    let said = trial.inferred().join(" ");
    for words in ["the patient is `SUBJID`", "the planned treatment, `TRTP`", "there is no `ABLFL`", "`TRTPN`", "`AVISITN`"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// Without `BASE` and `CHG`, the baseline record is a measurement like the others, and the baseline visit.
#[test]
fn the_baseline_stays_where_nothing_else_tells_it() {
    let rows = ["{p},{arm},Screening,-1,9,", "{p},{arm},Visit 1,0,8,Y", "{p},{arm},Visit 2,4,5,"];
    let text = file("USUBJID,TRT01P,AVISIT,AVISITN,AVAL,ABLFL", &rows);
    let trial = read(&Layout::adam(), &text);
    assert_eq!((trial.schedule().labels(), trial.schedule().baseline()), (vec!["Visit 1", "Visit 2"], Some(0)));
    assert!(trial.left_out().iter().any(|l| l.kept == "AVISIT is not Screening" && (l.of, l.rows) == (LeftOutOf::Rows, 4)));
    // Where BASE tells it, they are left out, unless the baseline visit is asked for.
    let more =
        text.replace("AVAL,ABLFL", "AVAL,ABLFL,BASE").replace(",Y\n", ",Y,8\n").replace(",9,\n", ",9,,8\n").replace(",5,\n", ",5,,8\n");
    let trial = read(&Layout::adam(), &more);
    assert_eq!(
        (trial.schedule().labels(), trial.covariate("BASE").expect("a covariate").numbers()),
        (vec!["Visit 2"], Some(&[8.0; 4][..]))
    );
    let kept = read(&Layout::adam().baseline_visit("Visit 1"), &more);
    assert_eq!((kept.schedule().labels(), kept.schedule().baseline()), (vec!["Visit 1", "Visit 2"], Some(0)));
    assert!(kept.covariate("BASE").is_err());
}

#[test]
fn what_the_layout_states_takes_precedence() {
    let rows = ["{p},{arm},{n},Week 1,1,3,Y,N", "{p},{arm},{n},Week 2,2,4,,Y"];
    let text = file("USUBJID,TRT01P,TRT01PN,AVISIT,AVISITN,AVAL,ANL01FL,FASFL", &rows);
    assert!(refused(&Layout::adam(), &text).contains("FASFL is Y differs between the rows of the patient"));
    let layout = Layout::adam().keep_patients(Condition::on("ITTFL").present());
    assert!(refused(&layout, &text).contains("column ITTFL"), "the population that is stated is asked for");
    let text = text.replace(",N\n", ",Y\n");
    assert_eq!(read(&Layout::adam(), &text).schedule().labels(), ["Week 1"]);
    let all = Layout::adam().keep_rows(Condition::on("ANL01FL").is_not(["N"])).reference_arm("Alpha");
    let trial = read(&all, &text);
    assert_eq!((trial.schedule().labels(), trial.arms()), (vec!["Week 1", "Week 2"], &["Alpha".to_string(), "Zeta".into()][..]));
    assert_eq!(trial.schedule().visits()[1].time, Some(2.0), "labels that say a time are times, by AVISITN in the same order");
}

#[test]
fn what_cannot_be_told_is_asked_for() {
    let rows = ["{p},{arm},Week 1,1,3", "{p},{arm},Week 2,2,4"];
    let actual = file("USUBJID,TRT01A,AVISIT,AVISITN,AVAL", &rows);
    let message = refused(&Layout::adam(), &actual);
    assert!(message.contains("only the treatment actually given, `TRT01A`") && message.contains("`layout.arm`"), "{message}");
    let unnumbered = file("USUBJID,TRT01P,AVISIT,AVISITN,AVAL", &["{p},{arm},Week 1,,3", "{p},{arm},Week 2,2,4"]);
    assert!(refused(&Layout::adam(), &unnumbered).contains("the visit has no number in any row"));
    let no_score = file("USUBJID,TRT01P,AVISIT,AVISITN,QSSTRESN", &rows);
    assert!(refused(&Layout::adam(), &no_score).contains("column AVAL"));
    let chunks = Layout::adam().csv_chunks_from("adqs", actual.as_bytes(), 10).expect_err("it needs the whole file").to_string();
    assert!(chunks.contains("the preset `adam` for a file that is read in chunks"), "{chunks}");
}

/// Two records of a parameter at one visit are told, whatever stands beside them.
#[test]
fn two_records_at_a_visit_are_a_problem() {
    let rows = ["{p},{arm},A,Week 1,1,3", "{p},{arm},B,Week 1,1,4", "{p},{arm},A,Week 2,2,4"];
    let text = file("USUBJID,TRT01P,PARAMCD,AVISIT,AVISITN,AVAL", &rows);
    let layout = Layout::adam().paramcd(["A", "B"]);
    let trial = read(&layout, &text);
    let values = |name: &str| trial.outcome(name).expect("it is there").values[..2].iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((values("A"), values("B")), (vec!["3".to_string(), "4".into()], vec!["4".to_string(), "NaN".into()]));
    let twice = text.replacen("1,Zeta,A,Week 2,2,4", "1,Zeta,A,Week 2,2,4\n1,Zeta,A,Week 2,2,5", 1);
    let message = refused(&layout, &twice);
    assert!(message.contains("line 5, patient 1, visit Week 2: the patient has `A` at this visit at line 4 already"), "{message}");
}
