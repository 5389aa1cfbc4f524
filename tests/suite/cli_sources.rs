//! What the command line reads: files of every format, and everything that a layout can say of them.

use crate::common::{FEV, repository};
use crate::kinds::wording::{file, said};
use serde_json::Value;

fn format_file(name: &str) -> String {
    repository(&format!("tests/references/formats/{name}")).display().to_string()
}

/// What a command writes as JSON, without the fields that name file and software.
fn json(arguments: &[&str]) -> Value {
    let text = said(&[arguments, &["--json"]].concat());
    let mut document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"));
    let fields = document.as_object_mut().expect("an object");
    for field in ["id", "data", "software", "source", "file", "inferred", "warnings"] {
        fields.remove(field);
    }
    document
}

const STATA: [&str; 8] = ["--subject", "id", "--visit", "week", "--arm", "arm", "--reference", "arm=placebo"];

#[test]
fn fit_and_describe_read_every_format_alike() {
    let fit = |name: &str, more: &[&str]| json(&[&["fit", "--data", &format_file(name), "--covariance", "cs"], more].concat());
    let of_stata = |name: &str| fit(name, &[&STATA[..], &["--formula", "hamd ~ age + arm * week"]].concat());
    assert_eq!(of_stata("stata.dta"), of_stata("stata.csv"));
    let adam = [
        "--subject",
        "USUBJID",
        "--visit",
        "AVISIT",
        "--time",
        "AVISITN",
        "--formula",
        "AVAL ~ BASE + TRT01P * AVISIT",
        "--means",
        "TRT01P",
        "AVISIT",
    ];
    let adam = [&adam[..], &["--reference", "TRT01P=Placebo"]].concat();
    assert_eq!(fit("adam5.xpt", &adam), fit("adam.csv", &adam));
    assert_eq!(fit("adam8.xpt", &[&adam[..], &["--sheet", "ADFEV"]].concat()), fit("adam.csv", &adam));
    let spss = [
        "--subject",
        "ppn",
        "--visit",
        "meting",
        "--formula",
        "bdi ~ leeftijd + arm * meting",
        "--arm",
        "arm",
        "--reference",
        "arm=wachtlijst",
    ];
    assert_eq!(fit("spss.sav", &spss), fit("spss.csv", &spss));
    let coded =
        ["--subject", "ppn", "--visit", "meting", "--formula", "bdi ~ leeftijd + arm * meting", "--arm", "arm", "--reference", "arm=0"];
    assert_eq!(fit("spss.zsav", &coded), fit("spss.csv", &spss));
}

const DUTCH: [&str; 12] = [
    "--subject",
    "Patiëntnr",
    "--arm",
    "Conditie",
    "--reference",
    "Conditie=wachtlijst",
    "--wide-outcome",
    "BDI=T0:BDI_T0,T1:BDI_T1,T2:BDI_T2",
    "--missing",
    "999",
    "--baseline-visit",
    "T0",
];

#[test]
fn wide_files_are_fitted_and_described() {
    let describe = |name: &str| json(&[&["describe", "--data", &format_file(name)], &DUTCH[..]].concat());
    let described = describe("dutch.csv");
    for name in ["dutch.xlsx", "dutch.ods", "dutch.xls"] {
        assert_eq!(describe(name), described, "{name}");
    }
    assert_eq!(described["schema"], "trialstats.describe/1");
    assert_eq!(described["arms"][0], serde_json::json!({ "name": "wachtlijst", "randomized": 6 }));
    assert_eq!(described["visits"][2]["label"], "T2");
    assert_eq!(described["baseline"], "T0");
    let fit = |name: &str| {
        json(
            &[&["fit", "--data", &format_file(name), "--covariance", "cs", "--formula", "BDI ~ Geslacht + Conditie * visit"], &DUTCH[..]]
                .concat(),
        )
    };
    let fitted = fit("dutch.xlsx");
    assert_eq!(fitted, fit("dutch.csv"));
    assert_eq!(fitted["n_subjects"], 12);
}

#[test]
fn a_description_names_file_range_and_label() {
    let data = format_file("dutch.xlsx");
    let more = ["--range", "BDI=0..63", "--label", "BDI=BDI-II total"];
    let printed = said(&[&["describe", "--data", &data], &DUTCH[..], &more].concat());
    assert!(printed.contains("BDI-II total: from 0 to 63, by declaration."), "{printed}");
    assert!(printed.contains("a workbook of Excel since 2007, `Scores`: 12 rows, 8 columns, SHA-256 "), "{printed}");
    let text = said(&[&["describe", "--json", "--data", &data], &DUTCH[..], &more].concat());
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["outcomes"][0]["range"], serde_json::json!([0.0, 63.0]));
    assert_eq!(document["outcomes"][0]["label"], "BDI-II total");
    assert_eq!(document["file"]["format"], "xlsx");
    assert_eq!(document["file"]["sha256"].as_str().map(str::len), Some(64));
    assert!(!text.contains("P001"), "no patient is named");
    let refused = said(&["describe", "--json", "--data", &data, "--subject", "nobody", "--wide-outcome", "BDI=T0:BDI_T0"]);
    assert_eq!(serde_json::from_str::<Value>(&refused).map(|d| d["schema"].clone()).ok(), None, "refusals go to standard error as well");
}

#[test]
fn sheets_and_cells_are_told_in_the_words_of_the_command_line() {
    let data = format_file("merged.xlsx");
    let broken = ["describe", "--data", &data, "--subject", "id", "--visit", "visit", "--outcome", "score"];
    let message = said(&broken);
    assert!(message.contains("it has 3 sheets: `T0-T1`, `long`, `broken`; say which sheet holds the trial with `--sheet`"), "{message}");
    let message = said(&[&broken[..], &["--sheet", "broken"]].concat());
    assert!(message.contains("cell C3") && message.contains("cell C4"), "{message}");
    let message = said(&["describe", "--data", &data, "--sheet", "T0-T1", "--subject", "id", "--wide-outcome", "BDI=T0:BDI T0,T1:BDI T3"]);
    assert!(message.contains("column BDI T3: there is no such column; did you mean `BDI T"), "{message}");
}

#[test]
fn what_a_layout_can_say_the_command_line_can_say() {
    let data = file(
        "layout.csv",
        b"id,arm,when,total,age,site,dose,th\nA,1,pre,20,0,1,1,x\nA,1,post,15,0,1,2,y\nB,2,pre,22,44,2,1,x\nB,2,post,unknown,44,2,2,x\nC,1,pre,18,39,1,1,y\nC,1,post,11,39,1,3,y\n",
    );
    let roster = file("roster.csv", b"id;arm\nA;1\nB;2\nC;1\nD;2\n");
    let printed = said(&[
        "describe",
        "--json",
        "--data",
        &data,
        "--subject",
        "id",
        "--visit",
        "when",
        "--arm",
        "arm",
        "--outcome",
        "bdi",
        "--column",
        "bdi=total",
        "--visit-times",
        "pre=0,post=8",
        "--missing-in",
        "age=0",
        "--missing-in",
        "total=unknown",
        "--needs",
        "age",
        "--needs",
        "site",
        "--kind",
        "site=factor",
        "--needs",
        "dose",
        "--kind",
        "dose=numeric-by-visit",
        "--cluster-by-visit",
        "th",
        "--roster",
        &roster,
    ]);
    let document: Value = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    assert_eq!((document["patients"].as_u64(), document["visits"][1]["time"].as_f64()), (Some(4), Some(8.0)));
    let variable = |name: &str| {
        let all = document["variables"].as_array().expect("a list");
        all.iter().find(|v| v["name"] == name).unwrap_or_else(|| panic!("no {name}")).clone()
    };
    assert_eq!((variable("site")["kind"].clone(), variable("dose")["scope"].clone()), ("factor".into(), "patient-visit".into()));
    assert_eq!(variable("th")["role"], "cluster");
    // Declared codes are all codes there are.
    let strict =
        said(&["describe", "--data", &data, "--subject", "id", "--visit", "when", "--outcome", "total", "--missing-codes", "unknown,"]);
    assert!(strict.contains("3 patients"), "{strict}");
    let message = said(&[
        "describe",
        "--data",
        &data,
        "--subject",
        "id",
        "--visit",
        "when",
        "--outcome",
        "total",
        "--missing",
        "unknown",
        "--label",
        "totl=Total",
    ]);
    assert!(message.contains("--label totl: there is no outcome of the model named `totl`; did you mean `total`?"), "{message}");
    let message = said(&[
        "describe",
        "--data",
        &data,
        "--subject",
        "id",
        "--visit",
        "when",
        "--outcome",
        "total",
        "--missing",
        "unknown",
        "--roster",
        &roster,
    ]);
    assert!(message.contains("name the column of the arm with --arm"), "{message}");
    for path in [data, roster] {
        std::fs::remove_file(path).expect("it is there");
    }
}

#[test]
fn items_of_instruments_may_have_other_names_and_options() {
    let sample = std::fs::read_to_string(repository("data-samples/imrs_gst/imrs_gst.csv")).expect("the sample");
    let renamed = file("items.csv", sample.replace("caps5_", "CAPS_").as_bytes());
    let source = ["--subject", "patient", "--visit", "visit", "--outcome", "caps5", "--instrument", "caps5"];
    let describe = |data: &str, more: &[&str]| json(&[&["describe", "--data", data], &source[..], more].concat());
    let expected = describe("data-samples/imrs_gst/imrs_gst.csv", &[]);
    assert_eq!(describe(&renamed, &["--instrument-option", "caps5.prefix=CAPS_"]), expected);
    let message = said(&[&["describe", "--data", &renamed], &source[..], &["--range", "caps5=0..10"]].concat());
    assert!(message.contains("--range caps5: it is computed from its items") && message.contains("between 0 and 80"), "{message}");
    let message = said(&[&["describe", "--data", &renamed], &source[..], &["--item-columns", "caps={item}"]].concat());
    assert!(
        message.contains("--item-columns caps: there is no instrument among those of --instrument named `caps`; did you mean `caps5`?"),
        "{message}"
    );
    let message =
        said(&["describe", "--data", &renamed, "--subject", "patient", "--visit", "visit", "--outcome", "caps5", "--instrument", "capsV"]);
    assert!(message.contains("no instrument named `capsV`"), "{message}");
    std::fs::remove_file(renamed).expect("it is there");
}

/// Every way in which a layout reads is a flag; the help has an example of those that are more than a word.
#[test]
fn help_has_examples() {
    let help = said(&["describe", "--help"]).split_whitespace().collect::<Vec<_>>().join(" ");
    for example in [
        "BDI=baseline:BDI_T0,week 8:BDI_T1",
        "baseline=0,week 8=8",
        "bdi=BDI-II total",
        "AGE=0,-1",
        "caps5={item}_{visit}",
        "DOSE=numeric-by-visit",
        "BDI=0..63",
    ] {
        assert!(help.contains(example), "{example}");
    }
    assert!(
        said(&["describe", "--data", FEV, "--subject", "USUBJID", "--outcome", "FEV1"]).contains("--visit <COLUMN>"),
        "long files need a visit"
    );
}
