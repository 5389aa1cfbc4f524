//! Messages speak the language of whoever reads them, once per cause.

use crate::common::{FEV, repository};
use std::process::Command;
use trialstats::Layout;
use trialstats::analysis::{Plan, Silent};
use trialstats::error::Interface;

/// What the program says to standard error, or to standard output where it succeeds.
pub fn said(arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_trialstats")).current_dir(repository(".")).args(arguments).output().expect("it starts");
    let text = if run.status.success() { run.stdout } else { run.stderr };
    String::from_utf8(text).expect("UTF-8")
}

/// A file of this test's own.
pub fn file(name: &str, content: &[u8]) -> String {
    let path = std::env::temp_dir().join(format!("trialstats-kinds-{}-{name}", std::process::id()));
    std::fs::write(&path, content).expect("the temporary folder can be written to");
    path.display().to_string()
}

fn fit(data: &str, more: &[&str]) -> String {
    said(&[&["fit", "--data", data, "--subject", "id", "--visit", "visit"], more].concat())
}

/// Every option that a message advises exists.
#[test]
fn the_command_line_advises_options_that_exist() {
    let help = said(&["fit", "--help"]);
    let data =
        file("advice.csv", b"id,visit,arm,y,x,dose\nA,1,a,1,1,2\nA,2,a,oops,2,3\nB,1,b,2,x,1\nB,2,b,3,3,2\nC,1,b,2,4,1\nC,2,b,1,5,2\n");
    let asked: [&[&str]; 10] = [
        &["--formula", "y ~ 1"],
        &["--formula", "x ~ 1"],
        &["--formula", "dose ~ x"],
        &["--formula", "dose ~ visit", "--visits", "1,3"],
        &["--formula", "dose ~ time", "--visits", "one,two"],
        &["--formula", "dose ~ visit", "--covariance", "sp_exp", "--visits", "one,two"],
        &["--formula", "dose ~ baseline + visit"],
        &["--formula", "dose ~ visit", "--baseline", "constrained"],
        &["--formula", "dose ~ visit + (1 | x)"],
        &["--formula", "dose ~ visit", "--df", "kenward-roger", "--estimation", "ml"],
    ];
    for arguments in asked {
        let message = fit(&data, arguments);
        assert!(message.starts_with("error:"), "{arguments:?}: {message}");
        assert!(!message.contains("::") && !message.contains("the layout"), "{arguments:?}: {message}");
        for option in message.split_whitespace().map(|w| w.trim_matches(['`', ',', ';', '.', ')', '('])).filter(|w| w.starts_with("--")) {
            let option = option.split_once(' ').map_or(option, |(name, _)| name);
            assert!(help.contains(option), "{arguments:?}: there is no {option}: {message}");
        }
    }
    std::fs::remove_file(data).expect("it is there");
}

#[test]
fn a_plan_advises_its_keys() {
    let plan = Plan::from_toml(
        "primary = \"y\"\n[layout]\npatient = \"id\"\nvisit = \"visit\"\noutcomes = [\"y\"]\n[model]\ncovariance = \"sp_exp\"\n",
    );
    let plan = plan.expect("it reads");
    let data = file("plan.csv", b"id;visit;y\nA;a;1,250\nA;b;2,500\n");
    let message = plan.read(&data).expect_err("thousands or decimals").to_string();
    assert!(message.contains("state which with `layout.decimal-mark`"), "{message}");
    std::fs::write(&data, "id,visit,y\nA,a,1\nA,b,2\nB,a,3\nB,b,5\nC,a,4\nC,b,1\n").expect("it can be written");
    let trial = plan.read(&data).expect("it reads");
    let message = plan.run(&trial, &Silent).expect_err("nothing says which visit is last").to_string();
    assert!(message.contains("state the order with `layout.visits`"), "{message}");
    std::fs::remove_file(data).expect("it is there");
}

#[test]
fn one_cause_is_one_problem_with_its_first_places_and_a_count() {
    let rows: String = (0..300).map(|i| format!("P{i},1,{}\n", if i % 3 == 0 { "12.5" } else { "12,5" })).collect();
    let text = format!("id;visit;y\n{}", rows.replace(",1,", ";1;"));
    let error = Layout::long_one_arm("id", "visit").outcome("y").read_csv_from("mixed.csv", text.as_bytes()).expect_err("two marks");
    let message = error.worded_for(Interface::CommandLine).to_string();
    assert!(message.starts_with("1 problem in the data:"), "{message}");
    assert!(message.contains("mixed.csv, line 3, patient P1, visit 1, column y: `12,5` has another decimal mark"), "{message}");
    assert!(message.contains("`--decimal` (and 199 more like it: line 4, line 6, line 7, line 9, line 10, …)"), "{message}");
    // Misspelt labels are distinguished.
    let text = "id,visit,y\nA,1,1\nA,two,1\nB,two,1\nB,tow,2\n";
    let layout = Layout::long_one_arm("id", "visit").outcome("y").visits(["1", "2"]);
    let message = layout.read_csv_from("labels.csv", text.as_bytes()).expect_err("two labels").to_string();
    assert!(message.starts_with("2 problems") && message.contains("(likewise line 4)"), "{message}");
}

#[test]
fn what_is_cited_is_cut_and_cannot_command_a_terminal() {
    let long = "x".repeat(5000);
    let text = format!("id,visit,y\n\u{1b}[31mA\u{7},1,{long}\n");
    let error = Layout::long_one_arm("id", "visit").outcome("y").read_csv_from("long.csv", text.as_bytes()).expect_err("no number");
    let message = error.to_string();
    assert!(message.len() < 400, "{}", message.len());
    assert!(message.contains("patient \\u{1b}[31mA\\u{7}") && message.contains("xxx…`"), "{message}");
    let data = file("escapes.csv", b"id,visit,arm,y\nA,1,\x1b[31mred,1\nB,1,blue,2\nC,1,blue,3\nD,1,\x1b[31mred,4\n");
    let printed = said(&["describe", "--data", &data, "--subject", "id", "--visit", "visit", "--arm", "arm", "--outcome", "y"]);
    assert!(!printed.contains('\u{1b}') && printed.contains("\\u{1b}[31mred"), "{printed}");
    std::fs::remove_file(data).expect("it is there");
}

#[test]
fn wrong_names_find_their_neighbour_everywhere() {
    let fev = |more: &[&str]| said(&[&["fit", "--data", FEV, "--subject", "USUBJID"], more].concat());
    let formula = ["--formula", "FEV1 ~ SEX + ARMCD * AVISIT"];
    let with = |more: &[&str]| fev(&[&["--visit", "AVISIT"], &formula[..], more].concat());
    for (message, expected) in [
        (with(&["--reference", "SEX=male"]), "did you mean `Male`?"),
        (with(&["--reference", "SX=Male"]), "did you mean `SEX`?"),
        (with(&["--means", "ARMC", "AVISIT"]), "did you mean `ARMCD`?"),
        (with(&["--arm", "ARMCD", "--reference", "ARMCD=TRD"]), "did you mean `TRT`?"),
        (with(&["--arm", "ARMCD", "--levels", "ARMCD=PBO,TRD"]), "did you mean `TRD`?"),
        (with(&["--visits", "VIS1,VIS2,VIS3,VIS5"]), "did you mean `VIS"),
        (with(&["--baseline-visit", "VIS11"]), "did you mean `VIS1`?"),
        (with(&["--factor", "SXE"]), "did you mean `SEX`?"),
        (with(&["--group", "ARMCDD"]), "did you mean `ARMCD`?"),
        (with(&["--weights", "WIEGHT"]), "did you mean `WEIGHT`?"),
        (with(&["--covariance", "tope"]), "did you mean `toeplitz`?"),
        (with(&["--covariance", "teop(3)"]), "did you mean `toeplitz(3)`?"),
        (with(&["--levels", "SX=Male,Female"]), "did you mean `SEX`?"),
        (with(&["--df", "satterwaite"]), "satterthwaite"),
        (with(&["--covarianc", "us"]), "--covariance"),
        (fev(&["--visit", "AVIST", "--formula", "FEV1 ~ SEX"]), "did you mean `AVISIT`?"),
        (fev(&["--visit", "AVISIT", "--formula", "FEV1 ~ RAZE"]), "did you mean `RACE`?"),
        (fev(&["--visit", "AVISIT", "--formula", "FEV ~ RACE"]), "did you mean `FEV1`?"),
    ] {
        assert!(message.contains(expected), "no {expected} in {message}");
    }
}

#[test]
fn the_names_of_sas_spss_and_mmrm_are_understood() {
    use trialstats::Covariance;
    for (name, full) in [
        ("UN", "unstructured"),
        ("UN(1)", "unstructured(1)"),
        ("UNR", "unstructured"),
        ("AR(1)", "autoregressive"),
        ("AR (1)", "autoregressive"),
        ("ARH(1)", "heterogeneous-autoregressive"),
        ("ARH1", "heterogeneous-autoregressive"),
        ("CS", "compound-symmetry"),
        ("compound symmetry", "compound-symmetry"),
        ("CSH", "heterogeneous-compound-symmetry"),
        ("TOEP", "toeplitz"),
        ("TOEP(2)", "toeplitz(2)"),
        ("TOEPH", "heterogeneous-toeplitz"),
        ("TPH", "heterogeneous-toeplitz"),
        ("ANTE(1)", "heterogeneous-ante-dependence"),
        ("AD1", "heterogeneous-ante-dependence"),
        ("SP(EXP)(x y)", "spatial-exponential(x y)"),
        ("SP(POW)(week)", "spatial-power(week)"),
        ("VC", "independent"),
        ("DIAG", "unstructured(1)"),
        ("FA(2)", "factor-analytic(2)"),
        ("FA1", "factor-analytic-common-variance(1)"),
        ("HF", "huynh-feldt"),
        ("us", "unstructured"),
        ("adh", "heterogeneous-ante-dependence"),
        ("ar1h", "heterogeneous-autoregressive"),
    ] {
        assert_eq!(name.parse::<Covariance>().map(|c| c.to_string()).ok().as_deref(), Some(full), "{name}");
    }
    for (name, advice) in [("UN@AR(1)", "JointModel"), ("ARMA(1,1)", "TOEP"), ("SP(SPH)(week)", "SP(EXP)"), ("FA0(2)", "UN")] {
        let message = name.parse::<Covariance>().expect_err("it is not here").to_string();
        assert!(message.contains(advice), "{message}");
    }
}
