//! nlme::gls, lme4, lmerTest, pbkrtest and emmeans, by committed scripts and results.

use crate::common::tolerances::*;
use crate::common::*;
use nalgebra::DMatrix;
use serde_json::Value;
use trialstats::covariance::Covariance;
use trialstats::inference::InformationKind;
use trialstats::means::{Averaging, FactorWeights, MeansOptions};
use trialstats::{Df, Fit, Model};

/// Coefficients by name, log-likelihood and Σ of one group.
fn compare_fit(c: &mut Comparison, fit: &Fit, case: &Value, tolerance: f64, of_covariance: f64) {
    c.same("observations", fit.n_observations() as f64, number(&case["n_obs"]));
    c.same("patients", fit.n_patients() as f64, number(&case["n_subjects"]));
    c.at_least("log-likelihood", fit.log_likelihood(), number(&case["log_lik"]), LOG_LIKELIHOOD);
    c.relative("log-likelihood", fit.log_likelihood(), number(&case["log_lik"]), CRITERIA);
    let ours = fit.coefficients().rows;
    c.same("number of coefficients", ours.len(), rows(&case["coefficients"]).len());
    for (ours, theirs) in ours.iter().zip(rows(&case["coefficients"])) {
        // An estimate may be anywhere near zero, so it is judged by its standard error.
        let se = number(&theirs["se"]);
        c.within(&format!("{} estimate", ours.label), ours.estimate, number(&theirs["estimate"]), tolerance * se);
        c.relative(&format!("{} SE", ours.label), ours.se, se, tolerance);
    }
    let sigma = &fit.covariances()[0].sigma;
    for (a, row) in rows(&case["covariance"]["all"]).iter().enumerate() {
        for (b, theirs) in rows(row).iter().enumerate() {
            let scale = (sigma[(a, a)] * sigma[(b, b)]).sqrt();
            c.within(&format!("covariance[{a}][{b}]"), sigma[(a, b)], number(theirs), of_covariance * scale);
        }
    }
}

#[test]
fn gls_agrees_in_every_structure_by_reml_and_ml() {
    let (fev, antidepressant) = (fev(), antidepressant());
    let cases = reference("gls/gls.json");
    assert_eq!(rows(&cases).len(), 23);
    assert_all(rows(&cases).iter().map(|case| {
        let trial = if text(&case["data"]) == "fev_data" { &fev } else { &antidepressant };
        let covariance = Covariance::named(text(&case["covariance_structure"])).expect("a structure");
        let mut model = Model::formula(text(&case["formula"])).expect("a formula").covariance(covariance).estimation(estimation(case));
        if case["weighted"] == true {
            model = model.weights("WEIGHT");
        }
        let mut c = Comparison::of(format!("gls {}", text(&case["id"])));
        let fit = model.fit(trial).unwrap_or_else(|e| panic!("{}: {e}", text(&case["id"])));
        compare_fit(&mut c, &fit, case, GLS, GLS_COVARIANCE);
        c
    }));
}

/// gls where it has the structure, lme for a random intercept beside an autoregression, the likelihood written out in
/// base R for the others.
#[test]
fn further_structures_agree_with_gls_and_with_the_likelihood_written_out() {
    let (fev, antidepressant) = (fev(), antidepressant());
    let cases = reference("structures/structures.json");
    assert_eq!(rows(&cases).len(), 47);
    assert_all(rows(&cases).iter().map(|case| {
        let trial = if text(&case["data"]) == "fev_data" { &fev } else { &antidepressant };
        let covariance = Covariance::named(text(&case["covariance_structure"])).expect("a structure");
        let model = Model::formula(text(&case["formula"])).expect("a formula").covariance(covariance).estimation(estimation(case));
        let fit = model.fit(trial).unwrap_or_else(|e| panic!("{}: {e}", text(&case["id"])));
        let mut c = Comparison::of(format!("structures {}", text(&case["id"])));
        compare_fit(&mut c, &fit, case, WRITTEN_OUT, WRITTEN_OUT);
        c
    }));
}

/// emmeans on gls: the three ways of averaging that both have, means and their standard errors.
#[test]
fn emmeans_agrees_on_marginal_means_by_three_averagings() {
    let (fev, antidepressant) = (fev(), antidepressant());
    let cases = reference("gls/gls.json");
    assert_all(rows(&cases).iter().filter(|case| case["weighted"] == false).map(|case| {
        let covariance = Covariance::named(text(&case["covariance_structure"])).expect("a structure");
        let (trial, factors) =
            if text(&case["data"]) == "fev_data" { (&fev, ["ARMCD", "AVISIT"]) } else { (&antidepressant, ["THERAPY", "VISIT"]) };
        let fit = Model::formula(text(&case["formula"]))
            .and_then(|m| m.covariance(covariance).estimation(estimation(case)).fit(trial))
            .expect("a fit");
        let mut c = Comparison::of(format!("emmeans {}", text(&case["id"])));
        for (name, weights) in
            [("equal", FactorWeights::Equal), ("proportional", FactorWeights::Proportional), ("cells", FactorWeights::Cells)]
        {
            let options = MeansOptions { averaging: Averaging::weights(weights), level: 0.95 };
            let means = fit.marginal_means(&factors, &options).expect("means");
            c.same("number of means", means.rows.len(), rows(&case["marginal_means"][name]).len());
            for theirs in rows(&case["marginal_means"][name]) {
                let cell = [text(&theirs["arm"]), text(&theirs["visit"])];
                let ours = &means.get(&cell).expect("the cell").estimate;
                let se = number(&theirs["se"]);
                c.within(&format!("{name} mean {cell:?}"), ours.estimate, number(&theirs["estimate"]), GLS * se);
                c.relative(&format!("{name} SE {cell:?}"), ours.se, se, GLS);
            }
        }
        c
    }));
}

/// The trial, the mean model and the structure of a case of lme4.
fn random_effects_case(case: &Value, df: Df, information: InformationKind) -> Fit {
    let id = text(&case["id"]);
    let (trial, formula) = match text(&case["data"]) {
        "sleepstudy" => (sleepstudy(), "Reaction ~ time"),
        "orthodont" => (read(&orthodont_layout(), "tests/references/data/orthodont.csv"), "distance ~ time * Sex"),
        _ => (antidepressant(), "CHANGE ~ BASVAL * VISIT + THERAPY * VISIT"),
    };
    let covariance = if id.contains("slope") { Covariance::RandomInterceptSlope } else { Covariance::RandomIntercept };
    let model = Model::formula(formula).expect("a formula").covariance(covariance).estimation(estimation(case)).df(df);
    model.information(information).fit(&trial).unwrap_or_else(|e| panic!("{id}: {e}"))
}

/// lme4 has `age` and `Days` where the formula here has `time`; the order of the columns is the same.
fn joint_rows(case: &Value, p: usize) -> DMatrix<f64> {
    let names: Vec<&str> = rows(&case["coefficients"]).iter().map(|c| text(&c["term"])).collect();
    let terms: Vec<usize> =
        rows(&case["joint_test"]["terms"]).iter().map(|t| names.iter().position(|n| *n == text(t)).expect("a term")).collect();
    DMatrix::from_fn(terms.len(), p, |r, j| f64::from(u8::from(terms[r] == j)))
}

#[test]
fn lme4_and_lmertest_agree_on_random_intercepts_and_slopes() {
    let cases = reference("random_effects/random_effects.json");
    assert_eq!(rows(&cases).len(), 12);
    assert_all(rows(&cases).iter().map(|case| {
        let fit = random_effects_case(case, Df::Satterthwaite, InformationKind::Observed);
        let mut c = Comparison::of(format!("lme4 {}", text(&case["id"])));
        compare_fit(&mut c, &fit, case, LME4, LME4);
        for (ours, theirs) in fit.coefficients().rows.iter().zip(rows(&case["coefficients"])) {
            c.relative(&format!("{} df (lmerTest)", ours.label), ours.df, number(&theirs["df"]), LMERTEST_DF);
        }
        let expected = &case["joint_test"];
        let test = fit.f_test("joint", &joint_rows(case, fit.beta().len())).expect("a test");
        c.same("numerator df", test.num_df, number(&expected["num_df"]));
        c.relative("F", test.f, number(&expected["f"]), 10.0 * LME4);
        c.relative("denominator df", test.denom_df, number(&expected["denom_df"]), 10.0 * LMERTEST_DF);
        c
    }));
}

/// pbkrtest's ω comes from the expected information.
#[test]
fn pbkrtest_agrees_on_kenward_roger_with_expected_information() {
    let cases = reference("random_effects/random_effects.json");
    let reml: Vec<&Value> = rows(&cases).iter().filter(|c| c["reml"] == true).collect();
    assert_eq!(reml.len(), 6);
    assert_all(reml.into_iter().map(|case| {
        let fit = random_effects_case(case, Df::KenwardRoger, InformationKind::Expected);
        compare_pbkrtest(&fit, case)
    }));
}

/// Where every patient is seen at the same visits and the random effects span the mean, observed and expected
/// information are one, and pbkrtest must agree with Kenward–Roger as SAS has it.
#[test]
fn pbkrtest_agrees_where_expected_information_is_observed() {
    let cases = reference("random_effects/random_effects.json");
    let balanced: Vec<&Value> =
        rows(&cases).iter().filter(|c| c["reml"] == true && !text(&c["id"]).starts_with("antidepressant")).collect();
    assert_eq!(balanced.len(), 4);
    assert_all(balanced.into_iter().map(|case| {
        let fit = random_effects_case(case, Df::KenwardRoger, InformationKind::Observed);
        compare_pbkrtest(&fit, case)
    }));
}

fn compare_pbkrtest(fit: &Fit, case: &Value) -> Comparison {
    let expected = &case["kenward_roger"];
    let mut c = Comparison::of(format!("pbkrtest {}", text(&case["id"])));
    for (ours, theirs) in fit.coefficients().rows.iter().zip(rows(&expected["coefficients"])) {
        c.relative(&format!("{} SE", ours.label), ours.se, number(&theirs["se"]), PBKRTEST);
        c.relative(&format!("{} df", ours.label), ours.df, number(&theirs["df"]), PBKRTEST);
    }
    let test = fit.f_test("joint", &joint_rows(case, fit.beta().len())).expect("a test");
    c.relative("F", test.f, number(&expected["joint_test"]["f"]), PBKRTEST);
    c.relative("denominator df", test.denom_df, number(&expected["joint_test"]["denom_df"]), PBKRTEST);
    c
}

/// SAS is the only one that has the full adjustment in variances and correlations, for AR(1), ARH(1), CSH, TOEPH and
/// ANTE(1).
#[test]
fn sas_agrees_on_kenward_roger_in_full_and_linear() {
    let trial = fev();
    let mut reader = csv::Reader::from_path(repository("tests/references/sas/kenward_roger.csv")).expect("the reference");
    let records: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let mut comparisons = vec![];
    // Full and linear stand in pairs; here the full one comes first.
    for pair in records.chunks(2) {
        let mut pair = [&pair[0], &pair[1]];
        pair.sort_by_key(|row| row[2].len());
        assert_eq!([&pair[0][2], &pair[1][2]], ["kr", "kr(linear)"]);
        let structure = &pair[0][0];
        // SAS was given two coordinates, of which the second differs from patient to patient.
        let name = if structure == "sp_exp" { "spatial-exponential(VISITN, VISITN2)" } else { structure };
        let covariance = Covariance::named(name).expect("a structure");
        let mut c = Comparison::of(format!("SAS {structure}"));
        let mut se = vec![];
        for (row, df) in pair.iter().zip([Df::KenwardRoger, Df::KenwardRogerLinear]) {
            let theirs = |column: usize| row[column].parse::<f64>().expect("a number");
            let model = Model::formula("FEV1 ~ ARMCD").expect("a formula").covariance(covariance.clone()).df(df);
            let fit = model.fit(&trial).expect("a fit");
            let ours = &fit.coefficients().rows[1];
            c.at_least("log-likelihood", fit.log_likelihood(), -0.5 * theirs(11), SAS_LOG_LIKELIHOOD);
            c.within("estimate", ours.estimate, theirs(4), SAS * theirs(5));
            c.relative("SE", ours.se, theirs(5), SAS);
            c.relative("df", ours.df, theirs(6), SAS_DF);
            c.relative("t", ours.t, theirs(7), SAS);
            se.push((ours.se, theirs(5)));
        }
        c.relative("SE in full / linear", se[0].0 / se[1].0, se[0].1 / se[1].1, SAS_RATIO);
        comparisons.push(c);
    }
    assert_eq!(comparisons.len(), 9);
    assert_all(comparisons);
}
