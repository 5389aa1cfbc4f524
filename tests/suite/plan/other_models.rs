//! Sensitivity analyses and further analyses by other models: every row the direct fit of the model it names.

use crate::common::{antidepressant, imrs_gst, of_values};
use trialstats::analysis::{OtherModel, OtherModelRow, Plan, Silent};
use trialstats::design::Baseline;
use trialstats::means::ContrastOptions;
use trialstats::trial::Schedule;
use trialstats::{Covariance, Df, Error, Estimation, Model, Tabular};

fn assert_is(row: &OtherModelRow, direct: &trialstats::Fit, visit: &str) {
    let contrast = direct.arm_contrasts(&ContrastOptions::default().visits([visit])).unwrap().rows.remove(0);
    for (what, here, there) in [
        ("estimate", row.estimate.estimate, contrast.estimate.estimate),
        ("se", row.estimate.se, contrast.estimate.se),
        ("df", row.estimate.df, contrast.estimate.df),
        ("lower", row.lower, contrast.lower),
        ("upper", row.upper, contrast.upper),
    ] {
        assert!((here - there).abs() <= 1e-9 * there.abs(), "{}, {what}: {here} against {there}", row.analysis);
    }
    assert_eq!((row.observations, row.patients), (direct.n_observations(), direct.n_patients()));
}

fn plan() -> Plan {
    Plan::new("CHANGE").at("7").formula("BASVAL * VISIT + THERAPY * VISIT").unwrap()
}

#[test]
fn rows_are_the_direct_fits_of_their_models() {
    let trial = antidepressant();
    let plan = plan()
        .sensitivity_to_model(
            OtherModel::new("ML, CS").covariance(Covariance::CompoundSymmetry).estimation(Estimation::Ml).df(Df::Satterthwaite),
        )
        .sensitivity_to_model(OtherModel::new("unadjusted").formula("THERAPY * VISIT").reason("without the baseline"))
        .sensitivity_to_model(OtherModel::new("AR").formula("BASVAL + THERAPY * VISIT + ar1(VISIT | PATIENT)"))
        .analysis(OtherModel::new("anxiety").outcome("HAMATOTL").at("6"))
        .analysis(OtherModel::new("first visit").at("4").df(Df::Satterthwaite));
    let result = plan.run(&trial, &Silent).unwrap();
    let (models, further) = (result.models.as_ref().unwrap(), result.further.as_ref().unwrap());
    assert_eq!(models.rows.iter().map(|r| r.analysis.as_str()).collect::<Vec<_>>(), ["primary analysis", "ML, CS", "unadjusted", "AR"]);
    assert_is(&models.rows[0], &result.outcomes[0].fit, "7");
    let kr = |formula: &str| Model::formula(formula).unwrap().df(Df::KenwardRoger);
    let full = "BASVAL * VISIT + THERAPY * VISIT";
    let ml = kr(&format!("CHANGE ~ {full}")).covariance(Covariance::CompoundSymmetry).estimation(Estimation::Ml).df(Df::Satterthwaite);
    assert_is(models.get("ML, CS").unwrap(), &ml.fit(&trial).unwrap(), "7");
    assert_is(models.get("unadjusted").unwrap(), &kr("CHANGE ~ THERAPY * VISIT").fit(&trial).unwrap(), "7");
    let ar = kr("CHANGE ~ BASVAL + THERAPY * VISIT").covariance(Covariance::Autoregressive).fit(&trial).unwrap();
    assert_is(models.get("AR").unwrap(), &ar, "7");
    assert_is(further.get("anxiety").unwrap(), &kr(&format!("HAMATOTL ~ {full}")).fit(&trial).unwrap(), "6");
    assert_is(further.get("first visit").unwrap(), &kr(&format!("CHANGE ~ {full}")).df(Df::Satterthwaite).fit(&trial).unwrap(), "4");
    assert_eq!((further.rows[0].outcome.as_str(), further.rows[0].visit.as_str()), ("HAMATOTL", "6"));
    assert!(models.notes().iter().any(|note| note.contains("without the baseline")), "{:?}", models.notes());
    assert!(models.title().contains("primary contrast under other models"));
    // The primary outcome is what it is without them.
    let alone = self::plan().run(&trial, &Silent).unwrap();
    assert_eq!(alone.outcomes[0].contrasts.as_ref().unwrap().to_string(), result.outcomes[0].contrasts.as_ref().unwrap().to_string());
    assert!(alone.models.is_none() && alone.further.is_none());
}

#[test]
fn a_formula_with_the_baseline_makes_it_a_covariate_and_effects_have_one_denominator() {
    let trial = imrs_gst();
    let plan = Plan::new("caps5")
        .at("12 months")
        .formula("arm * visit")
        .unwrap()
        .lower_is_better()
        .sensitivity_to_model(OtherModel::new("ancova").formula("baseline * visit + arm * visit"))
        .sensitivity_to_model(OtherModel::new("own baseline").baseline(Baseline::Response));
    let result = plan.run(&trial, &Silent).unwrap();
    let models = result.models.as_ref().unwrap();
    let ancova = Model::formula("caps5 ~ baseline * visit + arm * visit").unwrap().df(Df::KenwardRoger).fit(&trial).unwrap();
    assert_eq!(ancova.design().mean_model().baseline_role(), Baseline::Covariate);
    assert_is(models.get("ancova").unwrap(), &ancova, "12 months");
    let sd = result.outcomes[0].effects.between[0].rows[0].sd;
    for row in &models.rows {
        let effect = row.effect.expect("there is a baseline");
        assert!((effect.effect + row.estimate.estimate / sd).abs() < 1e-9, "{}", row.analysis);
    }
    assert!(models.effect_note.is_some());
}

#[test]
fn a_model_that_fails_has_a_row_that_says_so() {
    // Two patients per arm: an unstructured covariance of three visits has no optimum, compound symmetry has.
    let values = vec![1.0, 2.5, 3.0, 2.0, 2.2, 4.1, 1.5, 3.9, 3.2, 4.0, 2.7, 5.5];
    let trial = of_values(&["a", "b"], vec![0, 0, 1, 1], Schedule::of_labels(["v1", "v2", "v3"]), values);
    let plan = Plan::new("y").covariance(Covariance::CompoundSymmetry).df(Df::Satterthwaite);
    let plan = plan.sensitivity_to_model(OtherModel::new("us").covariance(Covariance::Unstructured));
    let models = plan.run(&trial, &Silent).unwrap().models.unwrap();
    let row = models.get("us").unwrap();
    assert!(row.failure.is_some() && row.estimate.estimate.is_nan() && row.observations == 0, "{row:?}");
    assert!(models.notes().iter().any(|note| note.starts_with("No estimate for us, b - a: ")), "{:?}", models.notes());
    assert!(models.rows[0].failure.is_none());
}

#[test]
fn one_arm_has_no_difference_to_show() {
    let values = (0..24).map(|k| 3.0 + (f64::from(k * k) * 12.9898).sin()).collect();
    let trial = of_values(&["all"], vec![0; 8], Schedule::of_labels(["v1", "v2", "v3"]), values);
    let plan = Plan::new("y").covariance(Covariance::CompoundSymmetry);
    for plan in [
        plan.clone().analysis(OtherModel::new("first").at("v1")),
        plan.sensitivity_to_model(OtherModel::new("ml").estimation(Estimation::Ml)),
    ] {
        let error = plan.run(&trial, &Silent).expect_err("one arm").to_string();
        assert!(error.contains("the trial has one arm"), "{error}");
    }
}

#[test]
fn a_model_that_could_never_be_fitted_is_told_by_the_check() {
    // Kenward and Roger's method is for REML.
    let plan = plan().sensitivity_to_model(OtherModel::new("ml").estimation(Estimation::Ml));
    let error = plan.check(&antidepressant()).expect_err("it cannot be").to_string();
    assert!(error.contains("sensitivity, `ml`") && error.contains("restricted maximum likelihood only"), "{error}");
    // The run goes on, and its row says why in the words of a plan.
    let row = plan.run(&antidepressant(), &Silent).unwrap().models.unwrap().rows.remove(1);
    assert!(row.failure.is_some_and(|why| why.contains("satterthwaite") && !why.contains("::")));
}

#[test]
fn what_is_wrong_is_told_with_its_key() {
    let trial = antidepressant();
    let refusals = |plan: Plan| match plan.check(&trial).expect_err("it is wrong") {
        Error::Plan(problems) => problems.0.into_iter().map(|p| (p.key, p.message)).collect::<Vec<_>>(),
        other => panic!("{other}"),
    };
    let cs = |name: &str| OtherModel::new(name).covariance(Covariance::CompoundSymmetry);
    for (plan, key, says) in [
        (plan().analysis(OtherModel::new("a").outcome("HAMATOT")), "analysis, `a`", "did you mean `HAMATOTL`?"),
        (plan().analysis(OtherModel::new("a").at("8")), "analysis, `a`", "`8`"),
        (plan().analysis(OtherModel::new("a")), "analysis, `a`", "nothing that differs"),
        (plan().analysis(cs("a")).analysis(cs("a")), "analysis", "`a` is there twice"),
        (plan().analysis(OtherModel::new("a").formula("THERAPY * VISI")), "analysis, `a`", "no variable named `VISI`"),
        (plan().analysis(OtherModel::new("a").formula("THERAPY * (VISIT")), "analysis, `a`", "formula"),
        (plan().sensitivity_to_model(cs("s").formula("THERAPY + ar1(VISIT | PATIENT)")), "sensitivity, `s`", "states it again"),
        (plan().sensitivity_to_model(cs("s").outcome("HAMATOTL")), "sensitivity, `s`", "a further analysis"),
        (plan().sensitivity_to_model(OtherModel::new("s").reason("why not")), "sensitivity, `s`", "nothing that differs"),
        (plan().sensitivity_to_model(cs("")), "sensitivity", "has no name"),
    ] {
        let found = refusals(plan);
        assert!(found.iter().any(|(k, message)| k == key && message.contains(says)), "{key}, {says}: {found:?}");
    }
    for (text, says) in [
        ("kind = 'model'\ncovariance = 'toeplitz'", "needs a `name`"),
        ("kind = 'model'\nname = 'a'\ngroups = 'g'", "`groups` belongs to a sensitivity analysis of kind `clusters`"),
        ("kind = 'clusters'\ngroups = 'g'\ndf = 'residual'", "`df` belongs to a sensitivity analysis of kind `model`"),
        ("kind = 'model'\nname = 'a'\noutcome = 'z'", "no key `outcome`"),
    ] {
        let error = Plan::from_toml(&format!("primary = 'y'\n[[sensitivity]]\n{text}")).expect_err(text).to_string();
        assert!(error.contains(says), "{error}");
    }
}
