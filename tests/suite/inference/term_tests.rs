//! Joint tests of the terms by types I, II and III, against lmerTest and pbkrtest.

use crate::common::tolerances::{LMERTEST_DF, TERM_TEST};
use crate::common::*;
use serde_json::Value;
use trialstats::covariance::Covariance;
use trialstats::inference::InformationKind;
use trialstats::means::TestType;
use trialstats::trial::Schedule;
use trialstats::{Df, Fit, Model, Trial};

const TYPES: [(&str, TestType); 3] = [("I", TestType::I), ("II", TestType::II), ("III", TestType::III)];

/// The model of a case: the random effects stand last in lmer's formula.
fn fit(case: &Value, df: Df, information: InformationKind) -> Fit {
    let formula = text(&case["formula"]).split(" + (").next().expect("a formula");
    let trial = if text(&case["data"]) == "fev_data" { fev() } else { antidepressant() };
    let covariance = if text(&case["id"]).ends_with("slope") { Covariance::RandomInterceptSlope } else { Covariance::RandomIntercept };
    let model = Model::formula(formula).expect("a formula").covariance(covariance).df(df).information(information);
    model.fit(&trial).expect("a fit")
}

/// Term by term: numerator df and F, and denominator df where `same_basis` says that they are of the same rows.
fn compare(
    c: &mut Comparison,
    fit: &Fit,
    kind: TestType,
    theirs: &Value,
    tolerances: [f64; 2],
    same_basis: impl Fn(TestType, &Value) -> bool,
) {
    let ours = fit.term_tests_of(kind).expect("tests");
    c.same("number of terms", ours.rows.len(), rows(theirs).len());
    for (ours, theirs) in ours.rows.iter().zip(rows(theirs)) {
        let what = format!("type {kind:?} {}", ours.term);
        c.same(&what, ours.term.as_str(), text(&theirs["term"]));
        c.same(&format!("{what} left out"), ours.left_out, 0);
        let test = ours.test.as_ref().expect("a test");
        c.same(&format!("{what} numerator df"), test.num_df, number(&theirs["num_df"]));
        c.relative(&format!("{what} F"), test.f, number(&theirs["f"]), tolerances[0]);
        if same_basis(kind, theirs) {
            c.relative(&format!("{what} denominator df"), test.denom_df, number(&theirs["denom_df"]), tolerances[1]);
        }
    }
}

#[test]
fn lmertest_agrees_under_satterthwaite() {
    let cases = reference("term_tests/term_tests.json");
    assert_eq!(rows(&cases).len(), 4);
    assert_all(rows(&cases).iter().map(|case| {
        let fit = fit(case, Df::Satterthwaite, InformationKind::Observed);
        let mut c = Comparison::of(text(&case["id"]));
        for (name, kind) in TYPES {
            // Type I has one basis; in the others, a single degree of freedom has none to choose.
            let theirs = &case["satterthwaite"][name];
            compare(&mut c, &fit, kind, theirs, [TERM_TEST, LMERTEST_DF], |kind, row| kind == TestType::I || row["num_df"] == 1);
        }
        compare(&mut c, &fit, TestType::II, &case["type_2_sas"], [TERM_TEST, LMERTEST_DF], |_, _| true);
        c
    }));
}

#[test]
fn pbkrtest_agrees_under_kenward_roger_in_every_basis() {
    let cases = reference("term_tests/term_tests.json");
    assert_all(rows(&cases).iter().map(|case| {
        let fit = fit(case, Df::KenwardRoger, InformationKind::Expected);
        let mut c = Comparison::of(text(&case["id"]));
        for (name, kind) in TYPES {
            compare(&mut c, &fit, kind, &case["kenward_roger"][name], [TERM_TEST, TERM_TEST], |_, _| true);
        }
        c
    }));
}

/// Two visits, two arms; every centre is in one country, and one centre has no treated patient.
fn confounded() -> Trial {
    let n = 40;
    let centre: Vec<usize> = (0..n).map(|i| i % 4).collect();
    let arm: Vec<usize> = (0..n).map(|i| usize::from(i % 4 != 3 && i / 4 % 2 == 1)).collect();
    let values =
        (0..2 * n).map(|k| ((k * 37 + k / 3 * 11) % 17) as f64 + centre[k / 2] as f64 + 2.0 * (k % 2 * arm[k / 2]) as f64).collect();
    invented(&["control", "active"], arm, Schedule::of_labels(["1", "2"]))
        .outcome(outcome("y", values))
        .variable(factor("centre", &["a", "b", "c", "d"], centre.clone()))
        .variable(factor("country", &["x", "y"], centre.iter().map(|c| c / 2).collect()))
        .build()
        .expect("a trial")
}

#[test]
fn what_other_terms_determine_is_left_out_and_counted() {
    let fit = Model::formula("y ~ country + centre + arm * centre + visit").expect("a formula").fit(&confounded()).expect("a fit");
    let df = |kind: TestType| -> Vec<(f64, usize)> {
        let tests = fit.term_tests_of(kind).expect("tests");
        assert!(tests.to_string().contains(&format!("Type {kind:?}")), "{tests}");
        tests.rows.iter().map(|r| (r.test.as_ref().map_or(0.0, |t| t.num_df), r.left_out)).collect()
    };
    // country, centre, arm, visit, centre:arm: country first takes its degree of freedom from centre; given centre it
    // has none.
    assert_eq!(df(TestType::I), [(1.0, 0), (2.0, 1), (1.0, 0), (1.0, 0), (2.0, 1)]);
    assert_eq!(df(TestType::II), [(0.0, 1), (2.0, 1), (1.0, 0), (1.0, 0), (2.0, 1)]);
}
