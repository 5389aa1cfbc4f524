//! Differences within subgroups and the test of interaction against emmeans on nlme::gls and lm, lmerTest and pbkrtest.

use crate::common::{ANTIDEPRESSANT, Comparison, antidepressant_layout, assert_all, fev, number, read, reference, rows, text, three_arms};
use serde_json::Value;
use trialstats::analysis::{Plan, Silent, Subgroup};
use trialstats::inference::InformationKind;
use trialstats::means::{ContrastOptions, SubgroupContrasts};
use trialstats::trial::Variable;
use trialstats::{Covariance, Df, Fit, Model, Trial};

/// Estimates and errors of peers that are at the top of their likelihood.
const ESTIMATES: f64 = 1e-6;

fn antidepressant() -> Trial {
    read(&antidepressant_layout().covariate("GENDER"), ANTIDEPRESSANT)
}

/// With the severity that the script cuts at 18 and 24.
fn with_severity() -> Trial {
    let trial = antidepressant();
    let of = |x: &f64| Some(usize::from(*x >= 18.0) + usize::from(*x >= 24.0));
    let codes = trial.covariate("BASVAL").unwrap().numbers().unwrap().iter().map(of).collect();
    let severity = Variable::factor("severity", ["mild", "moderate", "severe"], codes);
    let builder = Trial::builder("with severity")
        .patients(trial.patients().to_vec())
        .arms(trial.arms().to_vec(), trial.arm_of().to_vec())
        .schedule(trial.schedule().clone())
        .outcome(trial.outcome("CHANGE").unwrap().clone())
        .variables([trial.covariate("BASVAL").unwrap().clone(), severity]);
    builder.build().unwrap()
}

fn fit_of(case: &Value) -> (Fit, &str) {
    let at = text(&case["at"]);
    let trial = match text(&case["id"]) {
        "antidepressant by severity" => with_severity(),
        id if id.starts_with("fev") => fev(),
        id if id.starts_with("antidepressant") => antidepressant(),
        _ => three_arms(),
    };
    let formula = text(&case["formula"]).replace("THERAPY", "arm").replace("VISIT * arm", "visit * arm");
    let formula = formula.replace("BASVAL * VISIT", "BASVAL * visit").replace("arm * VISIT", "arm * visit");
    let model = Model::formula(&formula).unwrap_or_else(|error| panic!("{formula}: {error}"));
    let model = match case.get("covariance_structure").map(text) {
        Some("us") => model.covariance(Covariance::Unstructured).df(Df::Asymptotic),
        Some("cs") => model.covariance(Covariance::CompoundSymmetry).df(Df::Asymptotic),
        // One visit alone: an ordinary regression.
        _ => model.visits([at]).df(Df::KenwardRoger),
    };
    (model.fit(&trial).unwrap(), at)
}

fn compare(case: &Value, found: &SubgroupContrasts, at: &str) -> Comparison {
    let mut comparison = Comparison::of(text(&case["id"]));
    let of_case = rows(&case["differences"]);
    comparison.same("rows", found.rows.len(), of_case.len());
    for row in of_case {
        let (level, contrast) = (text(&row["subgroup"]), text(&row["contrast"]));
        let (arm, versus) = contrast.split_once(" - ").unwrap();
        let ours = found.between(level, arm, versus, at).unwrap_or_else(|| panic!("{level}, {contrast}"));
        let e = &ours.contrast.estimate;
        let se = number(&row["se"]);
        comparison.within(&format!("{level}, {contrast}"), e.estimate, number(&row["estimate"]), ESTIMATES * se);
        comparison.relative(&format!("se of {level}, {contrast}"), e.se, se, ESTIMATES);
        comparison.within(&format!("p of {level}, {contrast}"), e.p, number(&row["p"]), 1e-6);
    }
    for test in rows(&case["interactions"]) {
        let arm = text(&test["arm"]);
        let ours = found.interactions.rows.iter().find(|r| r.compared.as_ref().is_some_and(|c| c.arm().is_some_and(|a| a == arm)));
        compare_test(&mut comparison, arm, ours.and_then(|r| r.test.as_ref()), test);
    }
    if let Some(all) = found.interactions.rows.iter().find(|r| r.compared.is_none()) {
        compare_test(&mut comparison, "all arms", all.test.as_ref(), &case["all_arms"]);
    }
    comparison
}

fn compare_test(comparison: &mut Comparison, what: &str, ours: Option<&trialstats::inference::FTest>, theirs: &Value) {
    let ours = ours.unwrap_or_else(|| panic!("{what} has no test"));
    comparison.same(&format!("numerator df of {what}"), ours.num_df, number(&theirs["num_df"]));
    comparison.within(&format!("F of {what}"), ours.f, number(&theirs["f"]), 1e-5 * (1.0 + number(&theirs["f"])));
    comparison.within(&format!("p of interaction, {what}"), ours.p, number(&theirs["p"]), 1e-6);
}

#[test]
fn differences_within_levels_and_their_interaction_are_those_of_emmeans() {
    let cases = reference("subgroups/subgroups.json");
    let compared = rows(&cases).iter().map(|case| {
        let (fit, at) = fit_of(case);
        let factor = text(&case["factor"]);
        let found = fit.subgroup_contrasts(factor, &ContrastOptions::default().visits([at])).unwrap();
        let mut comparison = compare(case, &found, at);
        if let Some(df) = case.get("df") {
            found.rows.iter().for_each(|row| comparison.within("df of a regression", row.contrast.estimate.df, number(df), 1e-6));
            let test = found.interactions.rows[0].test.as_ref().unwrap();
            comparison.within("denominator df of a regression", test.denom_df, number(df), 1e-6);
        }
        comparison
    });
    assert_all(compared.collect::<Vec<_>>());
}

#[test]
fn degrees_of_freedom_are_those_of_lmertest_and_pbkrtest() {
    let found = reference("subgroups/random_intercept.json");
    let model = Model::formula("CHANGE ~ BASVAL * visit + arm * visit * severity + (1 | patient)").unwrap();
    let trial = with_severity();
    let compared =
        [("satterthwaite", Df::Satterthwaite, InformationKind::Observed), ("kenward_roger", Df::KenwardRoger, InformationKind::Expected)]
            .map(|(name, df, information)| {
                let theirs = &found[name];
                let fit = model.clone().df(df).information(information).fit(&trial).unwrap();
                let table = fit.subgroup_contrasts("severity", &ContrastOptions::default().visits(["7"])).unwrap();
                let mut comparison = Comparison::of(name);
                for (k, row) in table.rows.iter().enumerate() {
                    let e = &row.contrast.estimate;
                    comparison.relative(&format!("{}: estimate", row.subgroup), e.estimate, number(&theirs["estimate"][k]), 1e-5);
                    comparison.relative(&format!("{}: se", row.subgroup), e.se, number(&theirs["se"][k]), 1e-6);
                    comparison.relative(&format!("{}: df", row.subgroup), e.df, number(&theirs["df"][k]), 1e-5);
                }
                let test = table.interactions.rows[0].test.as_ref().unwrap();
                comparison.same("numerator df", test.num_df, number(&theirs["num_df"]));
                comparison.relative("F", test.f, number(&theirs["f"]), 1e-5);
                comparison.relative("denominator df", test.denom_df, number(&theirs["denom_df"]), 1e-5);
                comparison.relative("p", test.p, number(&theirs["p"]), 1e-5);
                comparison
            });
    assert_all(compared);
}

#[test]
fn a_plan_cuts_a_number_as_the_peer_does() {
    let cases = reference("subgroups/subgroups.json");
    let case = rows(&cases).iter().find(|case| text(&case["id"]) == "antidepressant by severity").unwrap();
    let plan = Plan::new("CHANGE").at("7").formula("BASVAL * VISIT + THERAPY * VISIT").unwrap().covariance(Covariance::CompoundSymmetry);
    let plan = plan.df(Df::Asymptotic).subgroup(Subgroup::cut("BASVAL", [18.0, 24.0]).groups(["mild", "moderate", "severe"]));
    let result = plan.run(&antidepressant(), &Silent).unwrap();
    let found = &result.subgroups[0];
    let mut comparison = Comparison::of("a plan");
    for row in rows(&case["differences"]) {
        let e = &found.get(text(&row["subgroup"])).unwrap().contrast.estimate;
        comparison.within(text(&row["subgroup"]), e.estimate, number(&row["estimate"]), ESTIMATES * number(&row["se"]));
        comparison.relative("se", e.se, number(&row["se"]), ESTIMATES);
    }
    comparison.within("p", found.interactions[0].test.as_ref().unwrap().p, number(&case["all_arms"]["p"]), 1e-6);
    assert_all([comparison]);
}
