use super::*;
use crate::trial::{Outcome, Schedule, Trial, Variable};

/// Six patients in two arms with three visits, a site and an age.
fn trial() -> Trial {
    let nan = f64::NAN;
    let values = vec![9.0, 8.0, 7.0, 9.5, nan, 6.0, 8.0, 8.0, nan, 7.0, 5.0, 4.0, 9.0, 3.0, 5.0, nan, nan, nan];
    Trial::builder("made up")
        .patients(["1", "2", "3", "4", "5", "6"])
        .arms(["P", "T"], vec![0, 0, 0, 1, 1, 1])
        .schedule(Schedule::of_labels(["v0", "v1", "v2"]).with_baseline("v0").unwrap())
        .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values })
        .variable(Variable::factor("site", ["A", "B", "C"], vec![Some(0), Some(1), Some(0), Some(1), None, Some(2)]))
        .variable(Variable::number("age", vec![30.0, 40.0, 50.0, 35.0, 45.0, 55.0]))
        .build()
        .unwrap()
}

fn design(formula: &str, baseline: Option<Baseline>) -> Design {
    let model = MeanModel::parse(formula).unwrap();
    let model = match baseline {
        Some(b) => model.with_baseline(b),
        None => model,
    };
    Design::build(&trial(), &model, &DesignOptions::default()).unwrap()
}

fn names(design: &Design) -> Vec<&str> {
    design.columns().iter().map(|c| c.name.as_str()).collect()
}

#[test]
fn baseline_as_covariate_leaves_the_visits_after_it() {
    let d = design("y ~ baseline + arm * visit", None);
    assert_eq!(d.visit_labels(), ["v1", "v2"]);
    assert_eq!(names(&d), ["(Intercept)", "baseline", "armT", "visitv2", "armT:visitv2"]);
    let rows: Vec<Vec<f64>> = d.model_matrix().into_iter().map(|r| r.2).collect();
    assert_eq!(rows[1], [1.0, 9.0, 0.0, 1.0, 0.0]);
    assert_eq!(rows[rows.len() - 1], [1.0, 9.0, 1.0, 1.0, 1.0]);
    assert_eq!(d.exclusions().without_outcome, ["6"]);
}

#[test]
fn what_is_excluded_is_counted() {
    let d = design("y ~ site + arm * visit", None);
    assert_eq!(d.exclusions().rows.len(), 3);
    assert_eq!(d.exclusions().counts(), [("`site` is missing".to_string(), 3)]);
    assert_eq!(d.exclusions().wholly_excluded, ["5"]);
    assert_eq!((d.exclusions().randomized, d.exclusions().analysed), (6, 4));
    assert!(d.warnings().iter().any(|w| w.contains("`site` = C")), "{:?}", d.warnings());
    assert_eq!(names(&d)[1], "siteB");
}

#[test]
fn arms_share_the_baseline_mean_when_constrained() {
    for formula in ["y ~ arm * visit", "y ~ visit + visit:arm", "y ~ visit * arm"] {
        let d = design(formula, Some(Baseline::Constrained));
        assert_eq!(d.columns().len(), 5, "{:?}", names(&d));
        assert!(d.aliased().is_empty());
        for (i, t, row) in d.model_matrix() {
            let treated = trial().arm_of()[d.patients()[i]] == 1;
            let expected = [1.0, f64::from(t == 1), f64::from(t == 2), f64::from(treated && t == 1), f64::from(treated && t == 2)];
            assert_eq!(row, expected);
        }
    }
    assert_eq!(names(&design("y ~ arm * visit", Some(Baseline::Constrained)))[3..], ["armT:visitv1", "armT:visitv2"]);
}

#[test]
fn dependencies_are_named() {
    let mut trial = trial();
    trial = Trial::builder("made up")
        .patients(trial.patients().to_vec())
        .arms(["P", "T"], trial.arm_of().to_vec())
        .schedule(trial.schedule().clone())
        .outcome(trial.outcomes()[0].clone())
        .variable(trial.variables()[1].clone())
        .variable(Variable::number("months", [30.0, 40.0, 50.0, 35.0, 45.0, 55.0].map(|a| 12.0 * a + 1e9).to_vec()))
        .build()
        .unwrap();
    let model = MeanModel::parse("y ~ age + arm * visit + months").unwrap();
    let d = Design::build(&trial, &model, &DesignOptions::default()).unwrap();
    assert_eq!(d.aliased().len(), 1);
    assert_eq!(d.aliased()[0].sentence(d.columns()), "column `months` is not estimable: it equals 1000000000 × (Intercept) + 12 × age");
    let mut l = vec![0.0; d.columns().len()];
    l[1] = 1.0;
    assert!(!d.is_estimable(&l));
    l[d.aliased()[0].column] = 12.0;
    assert!(d.is_estimable(&l));
}

#[test]
fn requests_without_sense_are_refused() {
    let refused = |formula: &str, baseline, options: &DesignOptions| {
        let model = MeanModel::parse(formula).unwrap();
        let model = match baseline {
            Some(b) => model.with_baseline(b),
            None => model,
        };
        Design::build(&trial(), &model, options).unwrap_err().code()
    };
    let none = DesignOptions::default();
    assert_eq!(refused("z ~ arm", None, &none), "unknown-name");
    assert_eq!(refused("y ~ arm + nothing", None, &none), "unknown-name");
    assert_eq!(refused("y ~ arm + time", None, &none), "no-visit-times");
    assert_eq!(refused("y ~ arm + baseline", Some(Baseline::Constrained), &none), "conflicting-settings");
    assert_eq!(refused("y ~ arm", Some(Baseline::Covariate), &none), "conflicting-settings");
    let options = DesignOptions { visits: Some(vec!["v0".into()]), ..none.clone() };
    assert_eq!(refused("y ~ arm + baseline", None, &options), "conflicting-settings");
    assert_eq!(refused("y ~ arm", None, &DesignOptions { visits: Some(vec![]), ..none.clone() }), "no-data");
    assert_eq!(refused("y ~ arm", None, &DesignOptions { group: Some("age".into()), ..none.clone() }), "wrong-kind-of-variable");
    assert_eq!(refused("y ~ arm", None, &DesignOptions { weights: Some("site".into()), ..none }), "wrong-kind-of-variable");
}
