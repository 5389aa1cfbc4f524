//! Model matrices against R's `model.matrix`, marginal-mean coefficients against emmeans', and what formulas may say.

use crate::common::*;
use proptest::prelude::*;
use serde_json::Value;
use trialstats::Trial;
use trialstats::design::{Averaging, Baseline, Design, DesignOptions, FactorWeights, MeanModel};
use trialstats::trial::{CovariateKind, Schedule, Variable};

/// The antidepressant trial with the investigators' sites, pooled.
fn antidepressant() -> Trial {
    read(&antidepressant_layout().covariate_as("POOLINV", CovariateKind::Factor), ANTIDEPRESSANT)
}

fn build(trial: &Trial, formula: &str) -> Design {
    Design::build(trial, &MeanModel::parse(formula).unwrap(), &DesignOptions::default()).unwrap()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// Sums of products of a few hundred doubles, in another order than R's.
const SUMMATION: f64 = 1e-12;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= SUMMATION * (1.0 + a.abs().max(b.abs()))
}

fn check_matrix(trial: &Trial, expected: &Value) {
    let formula = expected["formula"].as_str().unwrap();
    let design = build(trial, formula);
    let names: Vec<&str> = design.columns().iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, strings(&expected["columns"]), "{formula}");
    assert_eq!(design.n_observations() as u64, expected["n"].as_u64().unwrap(), "{formula}");
    let rank = design.columns().len() - design.aliased().len();
    assert_eq!(rank as u64, expected["rank"].as_u64().unwrap(), "{formula}: {:?}", design.warnings());
    let rows = design.model_matrix();
    for (power, sums) in expected["sums"].as_array().unwrap().iter().enumerate() {
        for (column, sum) in numbers(sums).into_iter().enumerate() {
            let here: f64 = rows.iter().enumerate().map(|(r, (_, _, x))| x[column] * (r as f64 + 1.0).powi(power as i32)).sum();
            assert!(close(here, sum), "{formula}, column {}: {here} against {sum}", names[column]);
        }
    }
}

#[test]
fn model_matrices_are_those_of_r() {
    let (trial, fev, antidepressant) = (three_arms(), fev(), antidepressant());
    let reference = reference("design/model_matrices.json");
    let cases = reference["matrices"].as_array().unwrap();
    assert!(cases.len() >= 30);
    for case in cases {
        let data = match case["data"].as_str().unwrap() {
            "fev" => &fev,
            "antidepressant" => &antidepressant,
            _ => &trial,
        };
        check_matrix(data, case);
    }
}

#[test]
fn aliased_columns_are_the_combinations_they_are_said_to_be() {
    let trial = three_arms();
    for formula in ["y ~ arm:visit", "y ~ site + arm:visit", "y ~ 0 + arm:visit + site:sex", "y ~ arm * visit + time"] {
        let design = build(&trial, formula);
        assert!(!design.aliased().is_empty(), "{formula}");
        for alias in design.aliased() {
            for (_, _, row) in design.model_matrix() {
                let made: f64 = alias.of.iter().map(|&(k, c)| c * row[k]).sum();
                assert!(close(made, row[alias.column]), "{formula}: {}", alias.sentence(design.columns()));
            }
        }
    }
}

#[test]
fn marginal_means_weight_columns_as_emmeans_does() {
    let trial = three_arms();
    let reference = reference("design/grids.json");
    for case in reference["grids"].as_array().unwrap() {
        let (formula, by) = (case["formula"].as_str().unwrap(), strings(&case["by"]));
        let design = build(&trial, formula);
        let weights = match case["weights"].as_str().unwrap() {
            "equal" => FactorWeights::Equal,
            "proportional" => FactorWeights::Proportional,
            "cells" => FactorWeights::Cells,
            other => panic!("{other}"),
        };
        let mut averaging = Averaging::weights(weights);
        if let Some(age) = case["at"]["age"].as_f64() {
            averaging = averaging.at("age", age);
        }
        let columns = strings(&case["columns"]);
        for cell in case["cells"].as_array().unwrap() {
            let named: Vec<(&str, &str)> = by.iter().copied().zip(strings(&cell["levels"])).collect();
            let l = design.marginal_row(&named, &averaging).unwrap();
            for (column, expected) in numbers(&cell["l"]).into_iter().enumerate() {
                assert_eq!(columns[column], design.columns()[column].name);
                assert!(
                    close(l[column], expected),
                    "{formula}, {weights:?}, {named:?}, {}: {} against {expected}",
                    columns[column],
                    l[column]
                );
            }
        }
    }
}

#[test]
fn observed_margins_count_everyone_randomized() {
    // Without missing covariates every patient counts once a visit, so sex has the same margin at each visit and arm.
    let trial = three_arms();
    let design = build(&trial, "y ~ sex + arm * visit");
    let l = design.marginal_row(&[("arm", "B"), ("visit", "v3")], &Averaging::weights(FactorWeights::ObservedMargins)).unwrap();
    let text = contents("tests/references/design/trial.csv");
    let men = text.lines().filter(|line| line.contains(",v1,") && line.contains(",m,")).count();
    assert!((l[1] - men as f64 / 30.0).abs() < 1e-15);
}

#[test]
fn constrained_analysis_equals_dummies_made_by_hand() {
    let trial = clda();
    for formula in ["y ~ arm * visit", "y ~ visit + arm:visit", "y ~ visit * arm"] {
        let model = MeanModel::parse(formula).unwrap().with_baseline(Baseline::Constrained);
        let design = Design::build(&trial, &model, &DesignOptions::default()).unwrap();
        assert!(design.aliased().is_empty(), "{formula}");
        assert_eq!(design.columns().len(), 7, "{formula}");
        for (i, t, row) in design.model_matrix() {
            let treated = trial.arm_of()[design.patients()[i]] == 1;
            let dummy = |k: usize, on: bool| f64::from(u8::from(on && t == k));
            let by_hand = [1.0, dummy(1, true), dummy(2, true), dummy(3, true), dummy(1, treated), dummy(2, treated), dummy(3, treated)];
            assert_eq!(row, by_hand, "{formula}");
        }
    }
}

#[test]
fn formula_and_builder_say_the_same() {
    let pairs = [
        ("caps5 ~ baseline + site + arm * visit", MeanModel::outcome("caps5").baseline_covariate().covariate("site").arm_by_visit()),
        ("y ~ 0 + arm:visit", MeanModel::outcome("y").without_intercept().effect(&["arm", "visit"])),
        ("y ~ age * visit + visit * arm", MeanModel::outcome("y").crossed("age", "visit").arm_by_visit()),
        ("y ~ 1", MeanModel::outcome("y")),
    ];
    for (formula, built) in pairs {
        assert_eq!(MeanModel::parse(formula).unwrap(), built);
        assert_eq!(built.to_string(), formula);
    }
}

#[test]
fn mean_models_survive_json() {
    let model = MeanModel::parse("`total score` ~ arm * visit - arm").unwrap().constrained_baseline();
    let json = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<MeanModel>(&json).unwrap(), model);
    assert!(serde_json::from_str::<MeanModel>(r#"{"formula": "y ~ (", "baseline": "response"}"#).is_err());
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["arm", "visit", "age", "`a b`", "baseline", "x.1", "0", "1"]).prop_map(str::to_string);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let binary = prop::sample::select(vec![" + ", " - ", ":", " * ", " / "]);
        prop_oneof![
            (inner.clone(), binary, inner.clone()).prop_map(|(a, op, b)| format!("{a}{op}{b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            (inner, 1..3).prop_map(|(a, n)| format!("({a})^{n}")),
        ]
    })
}

proptest! {
    /// What is printed is read back as the same model.
    #[test]
    fn parsing_undoes_printing(right in expression()) {
        if let Ok(model) = MeanModel::parse(&format!("y ~ {right}")) {
            let printed = model.to_string();
            prop_assert_eq!(MeanModel::parse(&printed).unwrap(), model, "{}", printed);
        }
    }

    /// Neither unit nor origin of a covariate decides whether columns are aliased.
    #[test]
    fn aliasing_does_not_depend_on_unit_or_origin(origin in -1e9..1e9_f64, exponent in -9..9_i32, copied: bool) {
        let scale = 10f64.powi(exponent);
        let age: Vec<f64> = (0..12).map(|i| 20.0 + (i * i % 17) as f64).collect();
        let other: Vec<f64> = age.iter().enumerate().map(|(i, a)| origin * scale + scale * if copied { *a } else { *a + (i % 3) as f64 }).collect();
        let y: Vec<f64> = (0..36).map(|k| (k * 7 % 11) as f64).collect();
        let trial = invented(&["P", "T"], (0..12).map(|i| i % 2).collect(), Schedule::of_labels(["v1", "v2", "v3"]))
            .outcome(outcome("y", y))
            .variable(Variable::number("age", age))
            .variable(Variable::number("other", other))
            .build()
            .unwrap();
        let design = build(&trial, "y ~ age + arm * visit + other * visit");
        // A copy is aliased in itself; its interactions with visit are new.
        prop_assert_eq!(design.aliased().len(), usize::from(copied), "{:?}", design.warnings());
    }

    /// No text makes the parser panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z~+:*^()|0-9 `-]{0,40}") {
        let _ = MeanModel::parse(&text);
    }
}
