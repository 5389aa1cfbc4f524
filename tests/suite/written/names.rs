//! A name in a formula that is a column of the file is that column; what adds nothing is named.

use super::{close, command, fit};
use crate::common::{FEV, contents, fev, fev_layout, read, read_text};
use trialstats::Model;
use trialstats::analysis::{Analysis, Silent};
use trialstats::covariance::Covariance;
use trialstats::trial::{CovariateKind, Layout};

const ARM: &str = "tests/references/written/column_called_arm.csv";

fn warns(formula: &str, trial: &trialstats::Trial, part: &str) {
    let design = Model::formula(formula).expect("a formula").design(trial).unwrap_or_else(|error| panic!("{formula}: {error}"));
    assert!(design.warnings().iter().any(|w| w.contains(part)), "{formula}: {:?}", design.warnings());
}

#[test]
fn a_column_called_arm_is_in_the_model() {
    let formula = "y ~ arm + visit + (1 | site) + (1 | id)";
    let layout = Layout::long_one_arm("id", "visit").outcome("y").covariate("arm").cluster("site");
    let fit = fit(formula, &read(&layout, ARM));
    let arm = fit.coefficients().rows.into_iter().find(|r| r.label == "armB").expect("armB");
    close(arm.estimate, 0.93693, 5e-6);
    close(arm.se, 3.85397, 5e-6);
    close(arm.df, 1.0, 0.05);
    close(fit.log_likelihood(), -58.36822, 5e-6);
    let text = command(&["fit", "--data", ARM, "--subject", "id", "--visit", "visit", "--formula", formula]).expect("fits");
    assert!(text.contains("armB"), "{text}");
}

/// `visit`, `time`, `arm` and `baseline` are the file's columns of these names, whatever is the visit and the arm.
#[test]
fn no_built_in_name_hides_a_column() {
    let mut file = String::from("id,group,week,arm,visit,time,baseline,y\n");
    for i in 0..40 {
        let (group, arm) = (["x", "z"][i % 2], ["p", "q", "r"][i % 3]);
        for week in 0..3 {
            let (visit, time) = (["home", "clinic"][(i + week) % 2], (i * 7 % 13) as f64 / 2.0);
            let y = 5.0 + 1.3 * (i % 3) as f64 + 0.7 * ((i + week) % 2) as f64 + 0.31 * time + ((i * 17 + week * 5) % 11) as f64 / 5.0;
            file += &format!("{i},{group},w{week},{arm},{visit},{time},{},{y}\n", i % 5);
        }
    }
    let layout = Layout::long("id", "group", "week").visits_at([("w0", 0.0), ("w1", 1.0), ("w2", 2.0)]).baseline_visit("w0").outcome("y");
    let declared =
        layout.clone().covariate("arm").covariate_as("visit", CovariateKind::FactorByVisit).covariate("time").covariate("baseline");
    let trial = read_text(&declared, "made up", &file);
    let formula = "y ~ group + week + arm + visit + time + baseline";
    let model = Model::formula(formula).expect("a formula").covariance(Covariance::CompoundSymmetry);
    let fit = model.fit(&trial).expect("fits");
    let names: Vec<String> = fit.coefficients().rows.into_iter().map(|r| r.label).collect();
    assert_eq!(names, ["(Intercept)", "groupz", "weekw2", "armq", "armr", "visithome", "time", "baseline"]);
    for (name, says) in [
        ("arm", "not the arm of randomization (column `group`)"),
        ("visit", "not the visit (column `week`)"),
        ("time", "not the time of the visit"),
        ("baseline", "not the outcome's value before treatment"),
    ] {
        warns(formula, &trial, &format!("`{name}` is the file's column of that name, {says}"));
    }
    // Where the columns were not read, that is said.
    warns("y ~ arm * week", &read_text(&layout, "made up", &file), "not the file's column `arm`, which was not read");
    let path = std::env::temp_dir().join("trialstats_written_names.csv");
    std::fs::write(&path, &file).expect("written");
    let path = path.to_str().expect("UTF-8");
    let arguments = ["fit", "--data", path, "--subject", "id", "--arm", "group", "--visit", "week", "--covariance", "cs"];
    let text = command(&[&arguments[..], &["--formula", "y ~ group + week + arm + visit + time"]].concat()).expect("fits");
    assert!(["armq", "visithome", "\ntime "].iter().all(|part| text.contains(part)), "{text}");
    assert!(text.contains("Warning: `arm` is the file's column of that name"), "{text}");
    std::fs::remove_file(path).expect("removed");
}

/// The column of the visits' times is time everywhere: the difference at a visit is that at its time.
#[test]
fn the_column_of_times_is_time() {
    let layout = Layout::long("USUBJID", "ARMCD", "AVISIT").visit_time("VISITN").outcome("FEV1");
    let trial = read(&layout, FEV);
    let fit = fit("FEV1 ~ ARMCD * VISITN + (VISITN | USUBJID)", &trial);
    let b = |name: &str| fit.coefficients().rows.into_iter().find(|r| r.label == name).expect("a coefficient").estimate;
    let contrasts = fit.arm_contrasts(&Default::default()).expect("contrasts");
    for (k, row) in contrasts.rows.iter().enumerate() {
        close(row.estimate.estimate, b("ARMCDTRT") + (k + 1) as f64 * b("ARMCDTRT:VISITN"), 1e-9);
    }
    assert!(!contrasts.title.contains("held"), "{}", contrasts.title);
    let means = fit.means_by_visit().expect("means");
    close(means.rows[6].estimate.estimate, b("(Intercept)") + 4.0 * b("VISITN"), 1e-9);
    let text = command(&[
        "fit",
        "--data",
        FEV,
        "--subject",
        "USUBJID",
        "--visit",
        "AVISIT",
        "--time",
        "VISITN",
        "--means",
        "ARMCD",
        "AVISIT",
        "--formula",
        "FEV1 ~ ARMCD * VISITN + (VISITN | USUBJID)",
    ])
    .expect("fits");
    let at = |visit: &str| text.lines().find(|l| l.starts_with("TRT - PBO") && l.contains(visit)).expect("a row").to_string();
    assert_ne!(at("VIS1").replace("VIS1", ""), at("VIS4").replace("VIS4", ""));
}

#[test]
fn a_covariate_that_changes_by_visit_is_held_with_a_warning_in_the_title() {
    let fit = fit("FEV1 ~ ARMCD * VISITN2 + AVISIT", &fev());
    let held = "(VISITN2, which changes by visit, held at its overall mean";
    let (means, contrasts) = (fit.means_by_visit().expect("means"), fit.arm_contrasts(&Default::default()).expect("contrasts"));
    let printed = means.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(printed.contains(&format!("by ARMCD and AVISIT {held}")), "{means}");
    assert!(contrasts.title.contains(held), "{}", contrasts.title);
    // Where a difference does not depend on it there is nothing to say.
    let additive = super::fit("FEV1 ~ ARMCD * AVISIT + VISITN2", &fev());
    assert!(!additive.arm_contrasts(&Default::default()).expect("contrasts").title.contains("held"));
}

#[test]
fn what_explains_nothing_is_named() {
    let text = contents(FEV);
    let men: String = text.lines().enumerate().filter(|(k, l)| *k == 0 || !l.contains("Female")).map(|(_, l)| format!("{l}\n")).collect();
    let trial = read_text(&fev_layout(), "men", &men);
    warns(
        "FEV1 ~ SEX + ARMCD * AVISIT",
        &trial,
        "`SEX` has one level among the analysed observations, Male, and the term `SEX` adds nothing",
    );
    warns("FEV1 ~ SEX * ARMCD", &trial, "the terms `SEX`, `SEX:ARMCD` add nothing");

    let mut made_up = String::from("id,arm,visit,constant,single,patient,score,zero\n");
    for i in 0..12 {
        for t in 0..2 {
            let (single, patient) = (u8::from(i == 3 && t == 1), u8::from(i == 5));
            made_up += &format!("{i},{},{t},7,{single},{patient},{},{}\n", ["a", "b"][i % 2], (i * 5 + t * 3) % 7, (i * t + i) % 2);
        }
    }
    let layout = Layout::long("id", "arm", "visit").outcome("score").outcome("zero").covariate("constant").covariate("patient");
    let trial = read_text(&layout.covariate_as("single", CovariateKind::NumericByVisit), "made up", &made_up);
    warns("score ~ arm + constant", &trial, "`constant` is 7 in every analysed observation: it explains nothing");
    warns("score ~ arm + single", &trial, "`single` is 0 in every analysed observation but that of patient 3 at 1");
    warns("score ~ arm + patient", &trial, "`patient` is 0 in all analysed patients but 5");
    warns("zero ~ arm + visit", &trial, "the outcome `zero` has two values, 0 and 1");
    let one = Layout::long_one_arm("id", "visit").outcome("score");
    let error = Model::formula("score ~ arm * visit").expect("a formula").fit(&read_text(&one, "made up", &made_up)).expect_err("one arm");
    assert!(error.to_string().contains("the trial has one"), "{error}");
    let error = Model::formula("score ~ constant^2").expect_err("a power").to_string();
    assert!(error.contains("`constant^2` would be `constant`") && error.contains("I(constant^2)"), "{error}");
}

/// Warnings stand where the result is read: in the text and in the JSON.
#[test]
fn warnings_are_in_text_and_json() {
    let arguments = [
        "fit",
        "--data",
        FEV,
        "--subject",
        "USUBJID",
        "--visit",
        "AVISIT",
        "--arm",
        "ARMCD",
        "--visits",
        "VIS1,VIS2,VIS3,VIS4,VIS5",
        "--formula",
        "FEV1 ~ ARMCD * AVISIT",
    ];
    let says = "no analysed observation at VIS5: left out of the visits";
    assert!(command(&arguments).expect("fits").contains(&format!("Warning: {says}.")));
    let json: serde_json::Value = serde_json::from_str(&command(&[&arguments[..], &["--json"]].concat()).expect("fits")).expect("JSON");
    assert_eq!(json["warnings"][0], says);
}

/// Names with blanks and signs work wherever a name is taken.
#[test]
fn any_name_of_a_column_works_everywhere() {
    for name in ["CAPS-5 total", "y ~ x", "a`b", "1st (%)", "ns(x, 2)"] {
        let mut file = format!("id,arm,visit,\"{name}\",\"{name} bl\"\n");
        for i in 0..30 {
            for t in 0..3 {
                file += &format!("p{i},{},V{t},{},{}\n", ["A", "B"][i % 2], ((i * 13 + t * 7) % 17) as f64 / 3.0, (i * 5) % 11);
            }
        }
        let covariate = format!("{name} bl");
        let trial = read_text(&Layout::long("id", "arm", "visit").outcome(name).covariate(&covariate), "made up", &file);
        let result = Analysis::of(&trial).primary(name).run(&Silent).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(result.outcomes[0].name, name);
        let mean = trialstats::design::MeanModel::outcome(name).covariate(&covariate).arm_by_visit();
        let again: trialstats::design::MeanModel = mean.to_string().parse().unwrap_or_else(|error| panic!("{mean}: {error}"));
        assert_eq!(again, mean);
        assert!(Model::new(again).fit(&trial).is_ok());
    }
}
