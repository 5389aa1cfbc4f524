//! Several responses at once: against R mmrm, nlme::gls and a direct optimisation in R, and by exact identities.

use crate::common::tolerances::{AT_THE_TOP, Allowed, GLS, GLS_COVARIANCE, IDENTITY, KRONECKER, KRONECKER_THETA, LOG_LIKELIHOOD};
use crate::common::*;
use nalgebra::DMatrix;
use serde_json::Value;
use trialstats::covariance::Covariance;
use trialstats::effects::{self, Denominator, EffectOptions};
use trialstats::inference::{InfluenceOptions, PredictionKind, PredictionOptions, ResponseFit, Vcov};
use trialstats::joint::{JointCovariance, JointFit, JointModel};
use trialstats::means::ContrastOptions;
use trialstats::simulate::random::Stream;
use trialstats::trial::{BaselineFrom, Schedule, Variable};
use trialstats::{Df, Estimates, Estimation, Fit, Layout, Means, Model, Trial};

/// Two outcomes of 80 invented patients; `x` at the first and the last visit only.
fn synthetic() -> Trial {
    let layout = Layout::long("patient", "arm", "visit").arms(["control", "active"]).visit_time("week");
    read(&layout.outcome("y").outcome("x").covariate("age"), "tests/references/data/joint_synthetic.csv")
}

/// The data and the responses' models of a case called `<data>_…`.
fn responses(id: &str) -> (Trial, Vec<Model>) {
    let models = |formulas: [&str; 2]| formulas.map(|f| Model::formula(f).expect("parses")).to_vec();
    match id.split('_').next() {
        Some("synthetic") => (synthetic(), models(["y ~ age + arm * visit", "x ~ age + arm * visit"])),
        _ => (antidepressant(), models(["HAMATOTL ~ BASVAL + THERAPY * VISIT", "HAMDTL17 ~ BASVAL + THERAPY * VISIT"])),
    }
}

fn fit(expected: &Value, covariance: JointCovariance, df: Df) -> JointFit {
    let (mut trial, models) = responses(text(&expected["id"]));
    if trial.outcome("x").is_err() {
        trial = antidepressant();
    }
    let estimation = estimation(expected);
    JointModel::new(models).covariance(covariance).estimation(estimation).df(df).fit(&trial).expect("has an optimum")
}

/// Compares the arms' differences in every cell with a reference's `effects`.
fn compare_effects(c: &mut Comparison, fit: &JointFit, expected: &Value, se: &str, allowed: Allowed) {
    let mut ours = vec![];
    for response in fit.responses() {
        for row in response.arm_contrasts(&ContrastOptions::default()).expect("has arms").rows {
            ours.push((format!("{} {}", response.design().outcome(), row.visit.expect("at a visit")), row.estimate));
        }
    }
    let expected = rows(&expected["effects"]);
    c.same("cells", ours.len(), expected.len());
    for ((cell, ours), theirs) in ours.iter().zip(expected) {
        c.same("cell", cell.as_str(), text(&theirs["cell"]));
        let scale = number(&theirs[se]);
        c.within(&format!("estimate {cell}"), ours.estimate, number(&theirs["estimate"]), allowed.estimate * scale);
        c.relative(&format!("SE {cell}"), ours.se, scale, allowed.se);
        if !theirs["df"].is_null() {
            c.relative(&format!("df {cell}"), ours.df, number(&theirs["df"]), allowed.df);
        }
    }
}

fn compare_covariance(c: &mut Comparison, fit: &JointFit, expected: &Value, tolerance: f64) {
    let sigma = &fit.whole().covariances()[0].sigma;
    for (a, row) in rows(&expected["covariance"]).iter().enumerate() {
        for (b, theirs) in rows(row).iter().enumerate() {
            let bound = tolerance * (sigma[(a, a)] * sigma[(b, b)]).sqrt();
            c.within(&format!("Σ[{a}, {b}]"), sigma[(a, b)], number(theirs), bound);
        }
    }
}

#[test]
fn unstructured_over_all_cells_is_that_of_mmrm() {
    let mut comparisons = vec![];
    for expected in rows(&reference("joint/mmrm.json")) {
        let mut c = Comparison::of(text(&expected["id"]));
        let df = if expected["df_method"] == "Satterthwaite" { Df::Satterthwaite } else { Df::KenwardRoger };
        let fit = fit(expected, JointCovariance::Unstructured, df);
        c.within("log-likelihood", fit.whole().log_likelihood(), number(&expected["log_lik"]), LOG_LIKELIHOOD);
        c.same("observations", fit.whole().n_observations() as f64, number(&expected["n_obs"]));
        c.same("patients", fit.whole().n_patients() as f64, number(&expected["n_subjects"]));
        compare_effects(&mut c, &fit, expected, "se", AT_THE_TOP);
        compare_covariance(&mut c, &fit, expected, AT_THE_TOP.se);
        let last: Vec<(&str, &str)> =
            fit.responses().iter().map(|f| (f.design().outcome(), f.design().visit_labels().last().expect("visits").as_str())).collect();
        let test = fit.arm_test(&last).expect("has arms");
        let theirs = &expected["last"];
        c.same("numerator df", test.num_df, number(&theirs["num_df"]));
        c.relative("F", test.f, number(&theirs["f"]), AT_THE_TOP.derived);
        c.relative("denominator df", test.denom_df, number(&theirs["denom_df"]), AT_THE_TOP.df);
        c.relative("p", test.p, number(&theirs["p"]), AT_THE_TOP.derived);
        comparisons.push(c);
    }
    assert_all(comparisons);
}

#[test]
fn unstructured_over_all_cells_is_that_of_gls() {
    let mut comparisons = vec![];
    for expected in rows(&reference("joint/gls.json")) {
        let mut c = Comparison::of(text(&expected["id"]));
        let fit = fit(expected, JointCovariance::Unstructured, Df::Satterthwaite);
        c.within("log-likelihood", fit.whole().log_likelihood(), number(&expected["log_lik"]), LOG_LIKELIHOOD);
        compare_effects(&mut c, &fit, expected, "se", Allowed { estimate: GLS, se: GLS, df: 0.0, derived: 0.0 });
        compare_covariance(&mut c, &fit, expected, GLS_COVARIANCE);
        comparisons.push(c);
    }
    assert_all(comparisons);
}

#[test]
fn products_are_those_of_a_direct_optimisation() {
    let mut comparisons = vec![];
    for expected in rows(&reference("joint/kronecker.json")) {
        let mut c = Comparison::of(text(&expected["id"]));
        let visits = match text(&expected["structure"]) {
            "un" => Covariance::Unstructured,
            "cs" => Covariance::CompoundSymmetry,
            "ar1" => Covariance::Autoregressive,
            "ar1h" => Covariance::HeterogeneousAutoregressive,
            other => panic!("a structure, not {other}"),
        };
        let product = JointCovariance::Kronecker { visits };
        let found = fit(expected, product.clone(), Df::Satterthwaite);
        c.within("log-likelihood", found.whole().log_likelihood(), number(&expected["log_lik"]), LOG_LIKELIHOOD);
        let theta = found.whole().covariance_parameters();
        let vcov = found.whole().covariance_parameters_vcov();
        c.same("parameters", theta.len(), rows(&expected["theta"]).len());
        for (k, ((name, ours), theirs)) in theta.iter().zip(rows(&expected["theta"])).enumerate() {
            c.within(name, *ours, number(theirs), KRONECKER_THETA * vcov[(k, k)].sqrt());
            for (l, theirs) in rows(&expected["theta_vcov"][k]).iter().enumerate() {
                let bound = KRONECKER.df * (vcov[(k, k)] * vcov[(l, l)]).sqrt();
                c.within(&format!("covariance of {name} and parameter {l}"), vcov[(k, l)], number(theirs), bound);
            }
        }
        compare_covariance(&mut c, &found, expected, KRONECKER_THETA);
        compare_effects(&mut c, &found, expected, "se", KRONECKER);
        if expected["reml"] == true {
            compare_effects(&mut c, &fit(expected, product, Df::KenwardRoger), expected, "kr_se", KRONECKER);
        }
        comparisons.push(c);
    }
    assert_all(comparisons);
}

/// 40 patients in two arms with two correlated outcomes, all observed at three visits, and a covariate.
fn complete() -> Trial {
    let mut random = Stream::new(3, 0, 0);
    let (mut y, mut x, mut age) = (vec![], vec![], vec![]);
    for patient in 0..40 {
        let own = random.normals(2);
        age.push(40.0 + 10.0 * random.normal());
        for visit in 0..3 {
            let e = random.normals(2);
            let change = f64::from(visit) * (1.0 + f64::from(patient % 2));
            y.push(30.0 - 2.0 * change + 5.0 * own[0] + 4.0 * e[0]);
            x.push(10.0 - change + 2.0 * own[0] + own[1] + e[0] + 2.0 * e[1]);
        }
    }
    let schedule = Schedule::of_labels(["v0", "v1", "v2"]).with_baseline("v0").expect("is a visit");
    invented(&["a", "b"], (0..40).map(|i| i % 2).collect(), schedule)
        .outcome(outcome("y", y))
        .outcome(outcome("x", x))
        .variable(Variable::number("age", age))
        .variable(Variable::number("four", vec![4.0; 40]))
        .build()
        .expect("fits together")
}

fn model(formula: &str) -> Model {
    Model::formula(formula).expect("parses")
}

/// Every estimate of one response of a joint fit against a fit of it alone, to rounding.
fn compare_fits(c: &mut Comparison, trial: &Trial, joint: &ResponseFit, alone: &Fit) {
    let (ours, theirs) = (joint.coefficients(), alone.coefficients());
    c.same("coefficients", ours.rows.len(), theirs.rows.len());
    for (a, b) in ours.rows.iter().zip(&theirs.rows) {
        c.same("term", &a.label, &b.label);
        c.within(&b.label, a.estimate, b.estimate, IDENTITY * b.se);
        c.relative(&format!("SE of {}", b.label), a.se, b.se, IDENTITY);
        c.relative(&format!("df of {}", b.label), a.df, b.df, 10.0 * IDENTITY);
    }
    for (a, b) in joint.covariances().iter().zip(alone.covariances()) {
        c.same("group", &a.group, &b.group);
        c.within("Σ", (&a.sigma - &b.sigma).abs().max(), 0.0, IDENTITY * b.sigma.abs().max());
    }
    let options = ContrastOptions::default();
    let (ours, theirs) = (joint.arm_contrasts(&options).expect("has arms"), alone.arm_contrasts(&options).expect("has arms"));
    for (a, b) in ours.rows.iter().zip(&theirs.rows) {
        c.within("contrast", a.estimate.estimate, b.estimate.estimate, IDENTITY * b.estimate.se);
        c.relative("limit", a.upper, b.upper, 10.0 * IDENTITY * (1.0 + b.estimate.se / b.upper.abs()));
    }
    let (ours, theirs) = (joint.arm_by_visit_test().expect("has arms"), alone.arm_by_visit_test().expect("has arms"));
    c.relative("F", ours.f, theirs.f, 10.0 * IDENTITY);
    c.relative("denominator df", ours.denom_df, theirs.denom_df, 10.0 * IDENTITY);
    let kind = PredictionOptions { kind: PredictionKind::Marginal, ..PredictionOptions::default() };
    let (ours, theirs) = (joint.predictions(trial, &kind), alone.predictions(trial, &kind));
    let [ours, theirs] = [ours, theirs].map(|of| of.expect("the trial that was fitted").rows);
    for (a, b) in ours.iter().zip(theirs).take(6) {
        c.relative("prediction", a.predicted, b.predicted, IDENTITY);
        c.relative("SE of prediction", a.se_prediction, b.se_prediction, IDENTITY);
        c.relative("df of prediction", a.df_prediction, b.df_prediction, 10.0 * IDENTITY);
    }
    // The degrees of freedom of the model's own standard deviation come from the response's block of Σ in the
    // parameters of all.
    let size = EffectOptions::new().denominator(Denominator::VisitModel).baseline(BaselineFrom::Visit);
    let of = |fit: &dyn Estimates| {
        effects::from_model(trial, fit, &fit.arm_contrasts(&options).expect("has arms"), &size).expect("is defined").rows
    };
    for (a, b) in of(joint).iter().zip(of(alone)) {
        c.relative("effect", a.effect, b.effect, 10.0 * IDENTITY * (1.0 + 1.0 / b.effect.abs()));
        c.relative("df of the SD", a.sd_df, b.sd_df, 10.0 * IDENTITY);
    }
}

/// With complete data and the same model matrix for every response generalised least squares is least squares in each
/// (Zellner 1962, JASA 57:348–368), and REML of a block of an unstructured Σ is that of the response alone.
#[test]
fn with_equal_columns_and_complete_data_each_response_is_as_alone() {
    let trial = complete();
    let mut comparisons = vec![];
    for df in [Df::Satterthwaite, Df::KenwardRoger, Df::Residual] {
        let formulas = ["y ~ age * visit + arm * visit", "x ~ age * visit + arm * visit"];
        let joint = JointModel::new(formulas.map(model)).df(df).fit(&trial).expect("has an optimum");
        for (response, formula) in joint.responses().iter().zip(formulas) {
            let mut c = Comparison::of(format!("{formula}, {df}"));
            let alone = model(formula).df(df).fit(&trial).expect("has an optimum");
            if df == Df::Residual {
                // Residual degrees of freedom count the observations of all responses.
                let residual = |fit: &dyn Estimates| fit.estimate("first", &unit(fit, 0)).expect("estimable").df;
                c.same("residual df", residual(response), 2.0 * residual(&alone));
            } else {
                compare_fits(&mut c, &trial, response, &alone);
            }
            comparisons.push(c);
        }
    }
    assert_all(comparisons);
}

/// The sandwich CR0 is a function of the weights of the observations and the residuals, which are those of least
/// squares in both. A patient is a cluster with all responses.
#[test]
fn the_plain_sandwich_of_a_response_is_as_alone() {
    let trial = complete();
    let formulas = ["y ~ age * visit + arm * visit", "x ~ age * visit + arm * visit"];
    let joint = JointModel::new(formulas.map(model)).vcov(Vcov::Cr0).df(Df::Asymptotic).fit(&trial).expect("has an optimum");
    let mut c = Comparison::of("CR0");
    for (response, formula) in joint.responses().iter().zip(formulas) {
        let alone = model(formula).vcov(Vcov::Cr0).df(Df::Asymptotic).fit(&trial).expect("has an optimum");
        for (a, b) in response.coefficients().rows.iter().zip(&alone.coefficients().rows) {
            c.relative(&b.label, a.se, b.se, IDENTITY);
        }
    }
    assert_all([c]);
    let influence = joint.whole().influence(&trial, &InfluenceOptions::new()).expect("of all responses");
    assert_eq!(influence.rows.len(), 40);
}

#[test]
fn the_same_holds_arm_by_arm() {
    let trial = complete();
    let formulas = ["y ~ arm * visit", "x ~ arm * visit"];
    let by_arm = |f: &str| model(f).covariance_by("arm");
    let joint = JointModel::new(formulas.map(by_arm)).fit(&trial).expect("has an optimum");
    let mut comparisons = vec![];
    for (response, formula) in joint.responses().iter().zip(formulas) {
        let mut c = Comparison::of(formula);
        compare_fits(&mut c, &trial, response, &by_arm(formula).fit(&trial).expect("has an optimum"));
        comparisons.push(c);
    }
    assert_all(comparisons);
    assert_eq!(joint.correlations(0.95).expect("a level").rows.len(), 6);
}

fn unit(fit: &dyn Estimates, column: usize) -> Vec<f64> {
    (0..fit.beta().len()).map(|c| f64::from(u8::from(c == column))).collect()
}

/// The Wishart distribution of Σ̂ on ν = n − rank degrees of freedom gives a correlation the standard error (1 −
/// r²)/√ν.
#[test]
fn correlations_have_the_standard_error_of_the_wishart_distribution() {
    let joint = JointModel::new(["y ~ arm * visit", "x ~ arm * visit"].map(model)).fit(&complete()).expect("has an optimum");
    let table = joint.correlations(0.95).expect("a level");
    assert_eq!(table.rows.len(), 3);
    for row in &table.rows {
        let expected = (1.0 - row.correlation.powi(2)) / 38_f64.sqrt();
        assert!((row.se - expected).abs() < IDENTITY * expected, "{} for {expected}", row.se);
        // z = 1.959964 either side of Fisher's transform.
        let half = 0.5 * (row.upper.atanh() - row.lower.atanh());
        assert!((half - 1.959_963_984_540_054 / 38_f64.sqrt()).abs() < 1e-10, "{half}");
    }
    assert!(table.get("y", "x", "v2").is_some_and(|r| r.correlation > 0.2));
    assert!(joint.correlations(1.0).is_err());
}

#[test]
fn a_response_counted_four_times_has_four_times_the_variance() {
    let trial = complete();
    let plain = JointModel::new(["y ~ arm * visit", "x ~ arm * visit"].map(model)).fit(&trial).expect("has an optimum");
    let weighted =
        JointModel::new([model("y ~ arm * visit").weights("four"), model("x ~ arm * visit")]).fit(&trial).expect("has an optimum");
    let mut c = Comparison::of("weights of one response");
    let (a, b) = (&plain.whole().covariances()[0].sigma, &weighted.whole().covariances()[0].sigma);
    let factor = |cell: usize| if cell < 3 { 2.0 } else { 1.0 };
    for i in 0..6 {
        for j in 0..6 {
            c.within("Σ", b[(i, j)], factor(i) * factor(j) * a[(i, j)], IDENTITY * (b[(i, i)] * b[(j, j)]).sqrt());
        }
    }
    c.relative("SE", weighted.whole().vcov()[(0, 0)], plain.whole().vcov()[(0, 0)], IDENTITY);
    assert_all([c]);
}

#[test]
fn tests_over_responses_contain_those_of_one() {
    let joint =
        JointModel::new(["y ~ arm * visit", "x ~ arm * visit"].map(model)).df(Df::KenwardRoger).fit(&complete()).expect("has an optimum");
    let single = joint.arm_test(&[("x", "v2")]).expect("has arms");
    let contrast = joint.of("x").and_then(|f| f.arm_contrasts(&ContrastOptions::default())).expect("has arms");
    let t = contrast.get("b - a", Some("v2")).expect("is a row").estimate.t;
    assert!((single.f - t * t).abs() < 1e-9 * single.f, "{} for {}", single.f, t * t);
    // Both interactions: the rows of each response, stacked by hand.
    let both = joint.arm_by_visit_test().expect("has arms");
    let columns = [4, 5, 10, 11];
    let l = DMatrix::from_fn(4, 12, |r, c| f64::from(u8::from(columns[r] == c)));
    let by_hand = joint.whole().f_test("interactions", &l).expect("estimable");
    assert_eq!(both.num_df, 4.0);
    assert!((both.f - by_hand.f).abs() < 1e-10 * both.f && (both.denom_df - by_hand.denom_df).abs() < 1e-8 * both.denom_df);
    // A combination of both responses, from the weights of each.
    let combined: Vec<f64> = joint
        .weights("y", &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
        .and_then(|y| Ok(y.iter().zip(joint.weights("x", &[0.0, 0.0, 0.0, 0.0, 0.0, -1.0])?).map(|(a, b)| a + b).collect()))
        .expect("six columns each");
    assert!(
        (joint.whole().estimate("y less x", &combined).expect("estimable").estimate - (joint.whole().beta()[5] - joint.whole().beta()[11]))
            .abs()
            < 1e-12
    );
}

/// A product is a special case of the unstructured covariance of all cells, an autoregressive one of an unstructured
/// product.
#[test]
fn products_are_compared_by_their_likelihood() {
    let trial = synthetic();
    let with = |covariance| JointModel::new(responses("synthetic").1).covariance(covariance).fit(&trial).expect("has an optimum");
    let product = |visits| with(JointCovariance::Kronecker { visits });
    let [all, wide, narrow] = [with(JointCovariance::Unstructured), product(Covariance::Unstructured), product(Covariance::Autoregressive)];
    for (larger, smaller, df) in [(&all, &wide, 21.0 - 12.0), (&wide, &narrow, 12.0 - 4.0)] {
        let test = larger.whole().likelihood_ratio(smaller.whole()).expect("nested");
        assert_eq!(test.df, df);
        assert_eq!(test.statistic, 2.0 * (larger.whole().log_likelihood() - smaller.whole().log_likelihood()));
        assert!(std::ptr::eq(larger.of("y").expect("a response").whole(), larger.whole()));
    }
    let alone = model("y ~ age + arm * visit").fit(&trial).expect("has an optimum");
    assert!(all.whole().likelihood_ratio(&alone).is_err());
}

/// The baseline of one response as a covariate, of the other as part of the response: visits that differ, patients
/// that differ.
#[test]
fn responses_may_treat_their_baselines_differently() {
    let trial = complete();
    let models = [
        model("y ~ baseline + arm * visit"),
        Model::new("x ~ arm * visit".parse::<trialstats::MeanModel>().expect("parses").constrained_baseline()),
    ];
    let joint = JointModel::new(models).df(Df::KenwardRoger).fit(&trial).expect("has an optimum");
    assert_eq!(joint.whole().design().visit_labels(), ["y v1", "y v2", "x v0", "x v1", "x v2"]);
    // One interaction of y, two differences of x after its common baseline.
    assert_eq!(joint.arm_by_visit_test().expect("has arms").num_df, 3.0);
    let change = joint.of("x").and_then(|f| f.change_from_baseline(&ContrastOptions::default())).expect("has a baseline");
    assert_eq!(change.rows.len(), 4);
    assert!(change.to_string().contains("Fitted jointly (y, x): 200 observations of 40 patients in all."), "{change}");
}

#[test]
fn requests_without_sense_are_refused() {
    let trial = complete();
    let refused = |model: JointModel| model.fit(&trial).expect_err("refused").to_string();
    let two = || ["y ~ arm * visit", "x ~ arm * visit"].map(model);
    assert!(refused(JointModel::new([model("y ~ arm")])).contains("fewer than two"));
    assert!(refused(JointModel::new(["y ~ arm", "y ~ visit"].map(model))).contains("`y` twice"));
    assert!(refused(JointModel::new([model("y ~ arm").df(Df::KenwardRoger), model("x ~ arm")])).contains("set it on the joint model"));
    assert!(refused(JointModel::new([model("y ~ arm").covariance_by("arm"), model("x ~ arm")])).contains("different groups"));
    assert!(refused(JointModel::new(two()).df(Df::KenwardRoger).estimation(Estimation::Ml)).contains("restricted maximum likelihood"));
    let product = JointCovariance::Kronecker { visits: Covariance::RandomIntercept };
    assert!(refused(JointModel::new(two()).covariance(product)).contains("the scale cannot be fixed"));
    let joint = JointModel::new(two()).fit(&trial).expect("has an optimum");
    assert!(joint.whole().arm_contrasts(&ContrastOptions::default()).expect_err("refused").to_string().contains("JointFit::of"));
    assert!(joint.of("z").is_err() && joint.arm_test(&[("y", "v9")]).is_err() && joint.arm_test(&[]).is_err());
    assert!(joint.weights("y", &[1.0]).is_err());
}
