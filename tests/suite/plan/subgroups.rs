//! Subgroups of a plan: what they are made of, and every road on which one can be empty.

use crate::common::{antidepressant_layout, fev, imrs_gst, read, read_text, three_arms};
use trialstats::analysis::{Analysis, AnalysisResult, Plan, Silent, Subgroup, SubgroupResult};
use trialstats::design::Baseline;
use trialstats::means::ContrastOptions;
use trialstats::{Covariance, Df, Error, Layout, Model, Tabular, Trial};

fn run(plan: &Plan, trial: &Trial) -> AnalysisResult {
    plan.run(trial, &Silent).unwrap_or_else(|error| panic!("{error}"))
}

fn by_sex() -> (Trial, SubgroupResult) {
    let trial = fev();
    let plan = Plan::new("FEV1").at("VIS4").formula("RACE + ARMCD * AVISIT").unwrap().subgroup(Subgroup::by("SEX").level("Male", "Men"));
    let found = run(&plan, &trial).subgroups.remove(0);
    (trial, found)
}

#[test]
fn levels_are_estimated_by_one_model_beside_the_overall_effect() {
    let (trial, found) = by_sex();
    let direct = Model::formula("FEV1 ~ RACE + ARMCD * AVISIT * SEX").unwrap().df(Df::KenwardRoger).fit(&trial).unwrap();
    let table = direct.subgroup_contrasts("SEX", &ContrastOptions::default().visits(["VIS4"])).unwrap();
    let labels: Vec<Option<&str>> = found.rows.iter().map(|row| row.subgroup.as_deref()).collect();
    assert_eq!(labels, [None, Some("Men"), Some("Female")]);
    for (row, direct) in found.rows[1..].iter().zip(&table.rows) {
        assert!((row.contrast.estimate.estimate - direct.contrast.estimate.estimate).abs() < 1e-8);
        assert!((row.contrast.estimate.df - direct.contrast.estimate.df).abs() < 1e-6);
        assert_eq!((row.n, row.n_versus), (direct.n, direct.n_versus));
    }
    let (own, test) = (found.interactions[0].test.as_ref().unwrap(), table.interactions.rows[0].test.as_ref().unwrap());
    assert!((own.p - test.p).abs() < 1e-9 && own.num_df == 1.0);
    assert_eq!(found.interactions[0].levels, ["Men", "Female"]);
    // The overall effect is that of the primary analysis, without the factor.
    let primary = Model::formula("FEV1 ~ RACE + ARMCD * AVISIT").unwrap().df(Df::KenwardRoger).fit(&trial).unwrap();
    let overall = primary.arm_contrasts(&ContrastOptions::default().visits(["VIS4"])).unwrap();
    assert!((found.rows[0].contrast.estimate.estimate - overall.rows[0].estimate.estimate).abs() < 1e-10);
    // Everybody is in a level: patients and observations add up.
    let sum = |of: fn(&trialstats::analysis::SubgroupRow) -> usize| found.rows[1..].iter().map(of).sum::<usize>();
    assert_eq!((sum(|r| r.n), sum(|r| r.n_versus)), (found.rows[0].n, found.rows[0].n_versus));
    assert_eq!((sum(|r| r.randomized), sum(|r| r.randomized_versus)), (found.rows[0].randomized, found.rows[0].randomized_versus));
    assert_eq!(found.without_value, 0);
    // No baseline visit, no effect size.
    assert!(found.effect_size.is_none() && found.rows.iter().all(|row| row.effect.is_none()));
    assert!(found.to_string().contains("Interaction, TRT - PBO: F(1, "), "{found}");
}

/// With everything by sex, the covariance too, one model is two: the difference in a level is that of a fit to the patients
/// of the level alone, and the test of interaction that of two independent estimates.
#[test]
fn with_a_covariance_of_its_own_a_level_is_a_fit_of_its_own() {
    let trial = fev();
    let model = Model::formula("FEV1 ~ ARMCD * AVISIT * SEX").unwrap().covariance(Covariance::Unstructured).covariance_by("SEX");
    let options = ContrastOptions::default().visits(["VIS3"]);
    let together = model.df(Df::Asymptotic).fit(&trial).unwrap().subgroup_contrasts("SEX", &options).unwrap();
    let codes = trial.covariate("SEX").unwrap().codes().unwrap();
    let (mut estimates, mut variances) = (vec![], vec![]);
    for (level, row) in together.rows.iter().enumerate() {
        let members: Vec<usize> = (0..codes.len()).filter(|&i| codes[i] == Some(level)).collect();
        let own = Model::formula("FEV1 ~ ARMCD * AVISIT").unwrap().covariance(Covariance::Unstructured).df(Df::Asymptotic);
        let alone = own.fit(&trial.part(&members).unwrap()).unwrap().arm_contrasts(&options).unwrap().rows.remove(0).estimate;
        let e = &row.contrast.estimate;
        assert!((e.estimate - alone.estimate).abs() < 1e-6 * alone.se, "{} against {}", e.estimate, alone.estimate);
        assert!((e.se / alone.se - 1.0).abs() < 1e-6, "{} against {}", e.se, alone.se);
        estimates.push(alone.estimate);
        variances.push(alone.se * alone.se);
    }
    let z = (estimates[1] - estimates[0]).powi(2) / (variances[0] + variances[1]);
    let test = together.interactions.rows[0].test.as_ref().unwrap();
    assert!((test.f / z - 1.0).abs() < 1e-5, "{} against {z}", test.f);
}

#[test]
fn effects_are_over_one_standard_deviation_and_clda_has_no_difference_at_baseline() {
    let trial = imrs_gst();
    let plan = Plan::new("caps5").at("12 months").formula("arm * visit").unwrap().lower_is_better().subgroup(Subgroup::by("site"));
    let result = run(&plan, &trial);
    let found = &result.subgroups[0];
    let direct =
        Model::formula("caps5 ~ arm * visit * site").unwrap().baseline(Baseline::Constrained).df(Df::KenwardRoger).fit(&trial).unwrap();
    let table = direct.subgroup_contrasts("site", &ContrastOptions::default().visits(["12 months"])).unwrap();
    let sd = result.outcomes[0].effects.between[0].rows[0].sd;
    assert!(found.rows.len() > 2);
    for (row, direct) in found.rows[1..].iter().zip(&table.rows) {
        let (e, d) = (row.contrast.estimate.estimate, row.effect.expect("there is a baseline"));
        assert!((e - direct.contrast.estimate.estimate).abs() < 1e-7);
        assert!((d.effect + e / sd).abs() < 1e-9, "lower is better: {} against {}", d.effect, -e / sd);
        assert!(d.lower < d.effect && d.effect < d.upper);
    }
    assert_eq!(found.interactions[0].test.as_ref().unwrap().num_df, (found.rows.len() - 2) as f64);
    // At baseline the arms have one mean, in every level.
    let baseline = direct.subgroup_contrasts("site", &ContrastOptions::default().visits(["baseline"])).unwrap();
    assert!(baseline.rows.iter().all(|row| row.contrast.estimate.estimate == 0.0));
    assert!(baseline.interactions.rows[0].not_estimable.as_ref().unwrap().contains("by assumption"));
}

#[test]
fn three_arms_have_a_test_each_and_one_together() {
    let trial = three_arms();
    let plan = Plan::new("y").at("v2").formula("age + arm * visit").unwrap().covariance(Covariance::CompoundSymmetry);
    let result = run(&plan.subgroup(Subgroup::by("sex")), &trial);
    let found = &result.subgroups[0];
    let compared: Vec<Option<String>> = found.interactions.iter().map(|test| test.compared.as_ref().map(ToString::to_string)).collect();
    assert_eq!(compared, [Some("B - A".into()), Some("C - A".into()), None]);
    // Two overall effects, and two in each level, in the order of the comparisons.
    let rows: Vec<(Option<&str>, String)> = found.rows.iter().map(|r| (r.subgroup.as_deref(), r.contrast.label())).collect();
    let expected =
        [(None, "B - A"), (None, "C - A"), (Some("f"), "B - A"), (Some("m"), "B - A"), (Some("f"), "C - A"), (Some("m"), "C - A")];
    assert_eq!(rows, expected.map(|(level, contrast)| (level, contrast.to_string())));
    assert!(found.columns().iter().any(|c| c.name == "contrast"));
}

/// Patients `id,arm,level,visit,y`, with odd names; `level` may be empty.
fn small(levels: [&[&str]; 2], visits: &[&str]) -> Trial {
    let mut file = "id,the arm,a: level?,when,y\n".to_string();
    for (arm, of_arm) in ["no: drug", "drug - high"].iter().zip(levels) {
        for (k, level) in of_arm.iter().enumerate() {
            for (t, visit) in visits.iter().enumerate() {
                let noise = ((k * 7 + t * 3 + arm.len()) as f64 * 12.9898).sin() * 3.0;
                file += &format!("{arm}{k},{arm},{level},{visit},{:.3}\n", 10.0 + noise + t as f64);
            }
        }
    }
    let layout = Layout::long("id", "the arm", "when").reference_arm("no: drug").visits(visits.to_vec()).outcome("y");
    read_text(&layout.factor("a: level?", ["x", "y - z", "never"]), "small", &file)
}

const FULL: &[&str] = &["x", "x", "x", "x", "x", "y - z", "y - z", "y - z", "y - z", "y - z"];

#[test]
fn one_visit_and_odd_names_are_no_obstacle() {
    let trial = small([FULL, FULL], &["only"]);
    let plan = Plan::new("y").subgroup(Subgroup::by("a: level?").label("Level"));
    let found = run(&plan, &trial).subgroups.remove(0);
    assert_eq!(found.failure, None);
    let row = found.get("y - z").unwrap();
    // A regression on four cells: the difference of two means, with the residual variance of all and 16 df.
    let y = &trial.outcome("y").unwrap().values;
    let codes = trial.covariate("a: level?").unwrap().codes().unwrap();
    let cell = |arm: usize, level: usize| -> Vec<f64> {
        (0..20).filter(|&i| trial.arm_of()[i] == arm && codes[i] == Some(level)).map(|i| y[i]).collect()
    };
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let squares = |x: &[f64]| x.iter().map(|v| (v - mean(x)).powi(2)).sum::<f64>();
    let cells = [cell(0, 0), cell(0, 1), cell(1, 0), cell(1, 1)];
    let variance = cells.iter().map(|c| squares(c)).sum::<f64>() / 16.0;
    let e = &row.contrast.estimate;
    assert!((e.estimate - (mean(&cells[3]) - mean(&cells[1]))).abs() < 1e-9);
    assert!((e.se - (variance * 0.4).sqrt()).abs() < 1e-7 && (e.df - 16.0).abs() < 1e-5, "{e:?}");
    // The declared level that nobody has is told of, not left out.
    let never = found.get("never").unwrap();
    assert_eq!((never.n, never.randomized), (0, 0));
    assert!(never.contrast.not_estimable.as_ref().unwrap().contains("nobody with level never"), "{never:?}");
    assert!(found.notes().iter().any(|note| note.contains("among x, y - z")), "{:?}", found.notes());
}

#[test]
fn a_level_with_nobody_in_an_arm_is_named_and_the_others_are_tested() {
    let lacking: &[&str] = &["x", "x", "x", "x", "x", "x"];
    let trial = small([FULL, lacking], &["before", "after"]);
    let found = run(&Plan::new("y").at("after").subgroup(Subgroup::by("a: level?")), &trial).subgroups.remove(0);
    let row = found.get("y - z").unwrap();
    assert_eq!((row.n, row.n_versus, row.randomized), (0, 5, 0));
    let why = row.contrast.not_estimable.as_ref().unwrap();
    assert_eq!(why, "nobody in arm drug - high with level y - z has an analysed observation at after");
    assert!(row.contrast.estimate.estimate.is_nan());
    assert!(found.get("x").unwrap().contrast.estimate.se > 0.0);
    assert!(found.interactions[0].test.is_none());
    assert!(found.interactions[0].not_estimable.as_ref().unwrap().contains("in x alone"), "{:?}", found.interactions);
    assert!(found.to_string().contains("Not estimable"), "{found}");
}

#[test]
fn patients_without_a_value_are_counted_and_in_no_level() {
    let some: &[&str] = &["x", "x", "x", "x", "", "y - z", "y - z", "y - z", "y - z", ""];
    let trial = small([some, FULL], &["before", "after"]);
    let found = run(&Plan::new("y").at("after").subgroup(Subgroup::by("a: level?")), &trial).subgroups.remove(0);
    assert_eq!(found.without_value, 2);
    assert_eq!(found.rows[0].n_versus, 10);
    assert_eq!(found.get("x").unwrap().n_versus + found.get("y - z").unwrap().n_versus, 8);
    assert!(found.notes().iter().any(|note| note.starts_with("2 patients have no value")), "{:?}", found.notes());
}

#[test]
fn what_cannot_be_a_subgroup_is_refused_with_its_key() {
    let trial = read(&antidepressant_layout().covariate("GENDER"), crate::common::ANTIDEPRESSANT);
    let refusals = |subgroup: Subgroup| {
        let plan = Plan::new("CHANGE").at("7").formula("THERAPY * VISIT").unwrap().subgroup(subgroup);
        match plan.check(&trial).expect_err("it is wrong") {
            Error::Plan(problems) => problems.0.into_iter().map(|p| (p.key, p.code, p.message)).collect::<Vec<_>>(),
            other => panic!("{other}"),
        }
    };
    for (subgroup, code, says) in [
        (Subgroup::by("GENDR"), "unknown-name", "did you mean `GENDER`?"),
        (Subgroup::by("BASVAL"), "wrong-kind-of-variable", "add `cut-points`"),
        (Subgroup::cut("GENDER", [1.0]), "wrong-kind-of-variable", "cut points are of numbers"),
        (Subgroup::cut("BASVAL", [24.0, 18.0]), "conflicting-settings", "they do not rise"),
        (Subgroup::cut("BASVAL", [f64::INFINITY]), "not-finite", "finite"),
        (Subgroup::cut("BASVAL", [18.0]).groups(["a"]), "wrong-number-of-values", "1 cut points make 2 groups, and 1 names are given"),
        (Subgroup::cut("BASVAL", [18.0]).groups(["a", "a"]), "named-twice", "two groups have one name"),
        (Subgroup::cut("BASVAL", [18.0]).level("low", "x"), "conflicting-settings", "use `groups`"),
        (Subgroup::by("GENDER").groups(["a", "b"]), "conflicting-settings", "use `labels`"),
        (Subgroup::by("GENDER").level("X", "other"), "unknown-name", "`X`"),
        (Subgroup::by("HAMDTL17"), "unknown-name", "HAMDTL17"),
    ] {
        let found = refusals(subgroup);
        assert!(
            found.iter().any(|(key, c, message)| key.starts_with("subgroup, `") && c == code && message.contains(says)),
            "{says}: {found:?}"
        );
    }
    let twice = Plan::new("CHANGE").formula("THERAPY * VISIT").unwrap().subgroup(Subgroup::by("GENDER")).subgroup(Subgroup::by("GENDER"));
    assert!(twice.check(&trial).expect_err("twice").to_string().contains("another subgroup analysis has this factor"));
}

#[test]
fn a_mean_without_the_arm_has_no_subgroups_and_a_model_without_the_interaction_no_differences() {
    let trial = fev();
    let refused = Analysis::of(&trial).primary("FEV1").mean("AVISIT").plan().unwrap().subgroup(Subgroup::by("SEX")).run(&trial, &Silent);
    assert_eq!(refused.expect_err("no arm").code(), "nothing-to-compare");
    let fit = Model::formula("FEV1 ~ SEX + ARMCD * AVISIT").unwrap().fit(&trial).unwrap();
    let error = fit.subgroup_contrasts("SEX", &ContrastOptions::default()).expect_err("no interaction");
    assert!(error.code() == "not-defined" && error.to_string().contains("`ARMCD * SEX`"), "{error}");
    assert_eq!(fit.subgroup_contrasts("RACE", &ContrastOptions::default()).expect_err("not there").code(), "unknown-name");
    assert_eq!(fit.subgroup_contrasts("AVISIT", &ContrastOptions::default()).expect_err("the visit").code(), "wrong-kind-of-variable");
}

#[test]
fn a_model_that_cannot_be_fitted_leaves_the_overall_effect_and_the_reason() {
    // As many cells as patients: nothing is left to estimate a covariance from, once the level is in the model.
    let trial = small([&["x", "y - z"], &["x", "y - z"]], &["before", "after"]);
    let plan = Plan::new("y").at("after").covariance(Covariance::CompoundSymmetry).df(Df::Asymptotic).subgroup(Subgroup::by("a: level?"));
    let found = &run(&plan, &trial).subgroups[0];
    assert!(found.failure.is_some() && found.rows.len() == 1 && found.interactions.is_empty(), "{found:?}");
    assert!(found.notes().iter().any(|note| note.contains("could not be fitted")));
}
