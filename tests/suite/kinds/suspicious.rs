//! Data that look like a mistake are pointed at once, with counts, wherever the result is read; others are not.

use crate::common::{ANTIDEPRESSANT, BCVA, FEV, repository};
use crate::kinds::wording::{file, said};
use trialstats::trial::{Warning, WarningKind};
use trialstats::{Layout, Trial};

/// Two arms of ten patients at two visits; `rewrite` gets patient, arm, visit, score and age of each row.
fn trial_of(rewrite: impl Fn(usize, &mut [String; 5])) -> String {
    let mut text = "id,arm,visit,y,age\n".to_string();
    for i in 0..20 {
        for visit in 0..2 {
            let mut row = [
                format!("P{i}"),
                if i % 2 == 0 { "Drug" } else { "Placebo" }.to_string(),
                format!("V{visit}"),
                format!("{}", 20 + (i * 7 + visit * 3) % 13),
                format!("{}", 30 + i),
            ];
            rewrite(i, &mut row);
            text += &(row.join(",") + "\n");
        }
    }
    text
}

fn layout() -> Layout {
    Layout::long("id", "arm", "visit").outcome("y").covariate("age")
}

fn read(text: &str) -> Trial {
    layout().read_csv_from("trial.csv", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

/// The one warning.
fn warning(text: &str) -> Warning {
    let trial = read(text);
    assert_eq!(trial.warnings().len(), 1, "{:?}", trial.warnings());
    trial.warnings()[0].clone()
}

#[test]
fn nothing_is_said_of_data_that_are_sound() {
    assert_eq!(read(&trial_of(|_, _| {})).warnings(), []);
    let samples = [
        (
            FEV,
            Layout::long("USUBJID", "ARMCD", "AVISIT")
                .outcome("FEV1")
                .covariate("RACE")
                .covariate("SEX")
                .covariate("FEV1_BL")
                .weight("WEIGHT"),
        ),
        (BCVA, Layout::long("USUBJID", "ARMCD", "AVISIT").outcome("BCVA_CHG").covariate("RACE").covariate("BCVA_BL")),
        (
            ANTIDEPRESSANT,
            Layout::long("PATIENT", "THERAPY", "VISIT").outcome("HAMDTL17").outcome("CHANGE").covariate("BASVAL").covariate("POOLINV"),
        ),
        ("tests/references/data/sleepstudy.csv", Layout::long_one_arm("Subject", "Days").outcome("Reaction")),
    ];
    for (path, layout) in samples {
        let trial = layout.read_csv(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(trial.warnings(), [], "{path}");
    }
}

#[test]
fn labels_that_look_alike_are_named_with_their_counts() {
    for (other, how) in [
        ("drug", "case alone"),
        ("Dr ug", "blanks alone"),
        ("Dr\u{a0}ug", "blanks alone"),
        ("Dr\u{443}g", "invisible"),
        ("Dru\u{200b}g", "invisible"),
        ("Ｄrug", "invisible"),
    ] {
        let spelt = trial_of(|i, row| {
            if i == 2 || i == 4 {
                row[1] = other.into();
            }
        });
        // Cyrillic у is no Latin u but looks like y.
        let expected = if other == "Dr\u{443}g" { "Dryg" } else { "Drug" };
        let warning = warning(&spelt.replace("Drug", expected));
        assert_eq!((warning.kind, warning.column.as_deref()), (WarningKind::LookAlikeLabels, Some("arm")));
        assert!(warning.message.contains("(2 patients)") && warning.message.contains("(8 patients)"), "{warning}");
        assert!(warning.message.contains(how), "{other:?}: {warning}");
        let single = trial_of(|i, row| {
            if i == 2 {
                row[1] = other.into();
            }
        });
        let single = single.replace("Drug", expected);
        let error = layout().read_csv_from("trial.csv", single.as_bytes()).expect_err("one patient").to_string();
        assert!(error.contains("(1 patient)") && error.contains("`Layout::arms`"), "{error}");
        let declared = layout().arms([expected, other, "Placebo"]).read_csv_from("trial.csv", single.as_bytes()).expect("it is declared");
        assert!(declared.warnings().iter().any(|w| w.kind == WarningKind::LookAlikeLabels));
    }
    let composed = trial_of(|i, row| {
        if i % 2 == 0 {
            row[1] = if i < 8 { "Caf\u{e9}" } else { "Cafe\u{301}" }.into();
        }
    });
    assert!(warning(&composed).message.contains("U+00E9"));
}

#[test]
fn look_alikes_are_found_among_visits_levels_clusters_and_patients() {
    let visits = trial_of(|i, row| {
        if i < 5 && row[2] == "V1" {
            row[2] = "v1".into();
        }
    });
    let layout_of_three = layout().visits(["V0", "V1", "v1"]);
    let trial = layout_of_three.read_csv_from("trial.csv", visits.as_bytes()).expect("declared");
    assert_eq!(trial.warnings()[0].column.as_deref(), Some("visit"));
    let sites = trial_of(|i, row| row[4] = if i % 5 == 0 { "Utrecht" } else { "utrecht" }.into());
    assert!(
        warning(&sites)
            .message
            .starts_with("levels of `age` that differ in case alone look alike: `Utrecht` (4 patients), `utrecht` (16 patients)")
    );
    let clusters =
        Layout::long("id", "arm", "visit").outcome("y").cluster("age").read_csv_from("trial.csv", sites.as_bytes()).expect("reads");
    assert_eq!(clusters.warnings()[0].column.as_deref(), Some("age"));
    let patients = trial_of(|i, row| {
        if i == 19 && row[2] == "V1" {
            row[0] = "p19".into();
        }
    });
    let said = warning(&patients);
    assert_eq!(said.column.as_deref(), Some("id"));
    // Reports hold warnings, and name nobody.
    assert!(said.message.contains("line 40 and line 41") && !said.message.contains("19"), "{said}");
}

#[test]
fn arms_of_hardly_anyone_are_pointed_at() {
    let one = trial_of(|i, row| {
        if i == 3 {
            row[1] = "Sham".into();
        }
    });
    let said = warning(&one);
    assert_eq!(said.kind, WarningKind::SmallArm);
    assert!(said.message.contains("`Sham` (1 patient)") && said.message.contains("20 patients"), "{said}");
}

#[test]
fn numbers_that_stand_for_missing_are_pointed_at() {
    for (code, is_one) in [("999", true), ("-9", true), ("-99", true), ("99", true), ("9999", true), ("33", false), ("-1", false)] {
        let text = trial_of(|i, row| {
            if i == 4 {
                row[3] = code.into();
            }
        });
        let trial = read(&text);
        match is_one {
            true => {
                assert_eq!(trial.warnings().len(), 1, "{code}");
                let said = &trial.warnings()[0];
                assert_eq!((said.kind, said.column.as_deref()), (WarningKind::MissingCode, Some("y")));
                assert!(said.message.contains(&format!("{code} (2 times)")) && said.message.contains("`Layout::missing_code`"), "{said}");
                let declared = layout().missing_code(code).read_csv_from("trial.csv", text.as_bytes()).expect("reads");
                assert_eq!(declared.warnings(), []);
            }
            false => assert_eq!(trial.warnings(), [], "{code}"),
        }
    }
    let ages = trial_of(|i, row| {
        if i == 7 {
            row[4] = "999".into();
        }
    });
    assert_eq!(warning(&ages).column.as_deref(), Some("age"));
    // Ages up to the nineties are ages.
    assert_eq!(read(&trial_of(|i, row| row[4] = format!("{}", 80 + i))).warnings(), []);
}

#[test]
fn scores_outside_a_range_are_refused_once_and_counted() {
    let text = trial_of(|i, row| {
        if i < 6 {
            row[3] = "70".into();
        }
    });
    let data = file("range.csv", text.as_bytes());
    let run = |range: &str| {
        said(&["describe", "--data", &data, "--subject", "id", "--visit", "visit", "--arm", "arm", "--outcome", "y", "--range", range])
    };
    let message = run("y=0..63");
    assert!(message.starts_with("error: 1 problem") && message.contains("70 is outside the range 0 to 63"), "{message}");
    assert!(message.contains("and 11 more like it") && message.contains("`--missing`"), "{message}");
    assert!(run("y=0..80").contains("20 patients"));
    assert!(run("z=0..80").contains("there is no outcome"), "{}", run("z=0..80"));
    assert!(run("y=0").contains("OUTCOME=LOW..HIGH"));
    std::fs::remove_file(data).expect("it is there");
    // A total that has the name of an instrument's.
    let total = text.replace("id,arm,visit,y,age", "id,arm,visit,caps5,age").replace(",70,", ",90,");
    let trial = Layout::long("id", "arm", "visit").outcome("caps5").read_csv_from("trial.csv", total.as_bytes()).expect("reads");
    assert!(trial.warnings()[0].message.contains("12 values outside the range 0 to 80"), "{:?}", trial.warnings());
}

#[test]
fn a_column_that_is_no_visit_is_pointed_at() {
    let text: String = (0..20).map(|i| format!("P{i},{},{}.5,{}\n", ["Drug", "Placebo"][i % 2], 20 + i % 11, 15 + i % 7)).collect();
    let trial = Layout::long("id", "arm", "BDI pre")
        .outcome("BDI post")
        .read_csv_from("wide.csv", format!("id,arm,BDI pre,BDI post\n{text}").as_bytes());
    let said = trial.expect("it can be read").warnings().to_vec();
    assert!(said.iter().any(|w| w.kind == WarningKind::VisitColumn && w.message.contains("11 visits")), "{said:?}");
    let dates: String =
        (0..40).map(|k| format!("P{},{},2024-{:02}-{:02},{}\n", k / 2, ["a", "b"][k / 2 % 2], 1 + k % 12, 1 + k % 28, k % 9)).collect();
    let trial = Layout::long("id", "arm", "seen").outcome("y").read_csv_from("dates.csv", format!("id,arm,seen,y\n{dates}").as_bytes());
    let said = trial.expect("it can be read").warnings().to_vec();
    assert!(said.iter().any(|w| w.kind == WarningKind::VisitColumn && w.message.contains("2.0 on average")), "{said:?}");
}

#[test]
fn columns_that_are_the_same_are_pointed_at() {
    let text = trial_of(|_, row| row[4] = row[3].clone());
    let trial = Layout::long("id", "arm", "visit").outcome("y").covariate_as("age", trialstats::trial::CovariateKind::NumericByVisit);
    let said = trial.read_csv_from("trial.csv", text.as_bytes()).expect("reads").warnings().to_vec();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].kind, WarningKind::SameColumns);
    assert!(said[0].message.contains("`y`, `age`") || said[0].message.contains("`age`, `y`"), "{said:?}");
}

/// Text, JSON and report: wherever a result is read.
#[test]
fn warnings_stand_where_the_result_is_read() {
    let text = trial_of(|i, row| {
        if i == 2 || i == 4 {
            row[1] = "drug".into();
        }
        if i == 5 && row[2] == "V0" {
            row[3] = "999".into();
        }
    });
    let data = file("warned.csv", text.as_bytes());
    let source = ["--data", &data, "--subject", "id", "--visit", "visit", "--arm", "arm"];
    let fit = said(&[&["fit"], &source[..], &["--formula", "y ~ arm*visit"]].concat());
    let described = said(&[&["describe"], &source[..], &["--outcome", "y"]].concat());
    for printed in [&fit, &described] {
        assert!(
            printed.contains("Warning: arms that differ in case alone look alike: `Drug` (8 patients), `drug` (2 patients)"),
            "{printed}"
        );
        assert!(printed.contains("999 (once)") && printed.contains("`--missing`"), "{printed}");
    }
    let json = said(&[&["fit"], &source[..], &["--formula", "y ~ arm*visit", "--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let kinds: Vec<&str> = json["data_warnings"].as_array().expect("warnings").iter().filter_map(|w| w["kind"].as_str()).collect();
    assert_eq!(kinds, ["look-alike-labels", "missing-code"]);
    std::fs::remove_file(data).expect("it is there");
    let trial = layout().read_csv_from("trial.csv", text.as_bytes()).expect("reads");
    let result = trialstats::analysis::Analysis::of(&trial).primary("y").run(&trialstats::analysis::Silent).expect("runs");
    let html = trialstats::report::TrialReport::new(&result).document().to_html();
    assert!(html.contains("What looks like a mistake in the data") && html.contains("999 (once)"));
}
