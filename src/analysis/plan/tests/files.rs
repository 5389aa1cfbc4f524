//! What a short plan says, what is said of a file that is wrong, and what a plan says in words.

use super::{WHOLE, json};
use crate::analysis::plan::*;

#[test]
fn a_short_plan_is_short() {
    let plan = Plan::new("y");
    assert_eq!(plan.to_toml().expect("it can be written"), "primary = \"y\"\n");
    assert_eq!(json(&Plan::from_toml("primary = 'y'").expect("it can be read")), json(&plan));
    assert_eq!(plan.model.df_method(), Df::KenwardRoger);
    // What is said of the model need not be all of it.
    let plan = Plan::from_toml("primary = 'y'\n[model]\ncovariance = 'ar1'").expect("it can be read");
    assert_eq!((plan.model.df_method(), plan.model.mean().to_string()), (Df::KenwardRoger, "~ arm * visit".to_string()));
    // The method that a model has by itself is another one, and is written down.
    assert_eq!(json(&plan.df(Df::Satterthwaite))["model"]["df"], "satterthwaite");
}

#[test]
fn what_a_file_gets_wrong_is_named_with_its_place_and_what_was_meant() {
    for (text, says) in [
        ("primry = 'y'", "line 1, character 1: there is no key `primry`; did you mean `primary`?"),
        ("secondary = ['x']", "missing field `primary`"),
        ("primary = 5", "line 1, character 11: invalid type: integer `5`, expected a string"),
        ("primary = 'y'\n[modl]", "line 2, character 2: there is no key `modl`; did you mean `model`?"),
        ("primary = 'y'\n\n[model]\n  dff = 'residual'", "line 4, character 3: there is no key `dff`; did you mean `df`?"),
        ("primary = 'y'\n[model]\ndf = 'kenward'", "line 3, character 6: there is no method of degrees of freedom named `kenward`"),
        (
            "primary = 'y'\n[model]\ncovariance = 'unstrctured'",
            "line 3, character 14: there is no covariance structure named `unstrctured`; did you mean `unstructured`?",
        ),
        ("primary = 'y'\n[report]\nlevel = 0.9", "line 3, character 1: `level` belongs at the top of the plan"),
        (
            "primary = 'y'\n[layout]\npatient = 'id'\nvisit = 'v'\ncovariats = []",
            "line 5, character 1: there is no key `covariats`; did you mean `covariates`?",
        ),
        (
            "primary = 'y'\n[[sensitivity]]\nkind = 'clusters'\ngroup = 'g'",
            "line 4, character 1: there is no key `group`; did you mean `groups`?",
        ),
        ("primary = 'y'\n[[sensitivity]]\nkind = 'cluster'", "line 3, character 8: there is no choice `cluster`; did you mean `clusters`?"),
        ("primary = 'y'\n[[sensitivity]]\nkind = 'clusters'", "`groups`, `therapists`, or both"),
        ("primary = 'y'\n[[sensitivity]]\nkind = 'population'\nname = 'x'", "a population says who is in it"),
        ("primary = 'y'\n[[sensitivity]]\nkind = 'population'\nobserved-at = 'last-visit'", "needs a `name`"),
        (
            "primary = 'y'\n[[sensitivity]]\nkind = 'population'\nname = 'x'\nobserved-at = 'last-visit'\nstrategy = 'mar'",
            "`strategy` belongs to a sensitivity analysis of kind `imputation`, and the kind is `population`",
        ),
        (
            "primary = 'y'\n[[sensitivity]]\nkind = 'imputation'\nstrategy = 'mar'\nobserved-at = 'last-visit'",
            "`observed-at` belongs to a sensitivity analysis of kind `population`, and the kind is `imputation`",
        ),
        (
            "primary = 'y'\n[responders]\ndefinitions = ['caps5-respons']",
            "line 3, character 16: there is no preset of a definition of response named `caps5-respons`; did you mean `caps5-response`?",
        ),
        ("primary = 'y'\n[[responders.definitions]]\nname = 'r'", "the definition `r` needs a `rule`"),
        ("primary = 'y'\n[[responders.definitions]]\npreset = 'caps5'\nlabel = 'x'", "leave the other keys out"),
        (
            "primary = 'y'\n[[responders.definitions]]\nname = 'r'\nrule = { belw = { outcome = 'y', score = 1 } }",
            "line 4, character 10: there is no choice `belw`; did you mean `below`?",
        ),
        (
            "primary = 'y'\n[[responders.definitions]]\nname = 'r'\nrule = { below = { outcome = 'y', scor = 1 } }",
            "there is no key `scor`; did you mean `score`?",
        ),
        ("primary = 'y'\n[effects]\nintervals = ['deltas']", "did you mean `delta`?"),
        ("primary = 'y'\nprimary = 'z'", "line 2, character 1: duplicate key"),
        ("primary = ", "line 1"),
    ] {
        let error = Plan::from_toml(text).expect_err(text);
        assert_eq!(error.code(), "unreadable-text");
        assert!(error.to_string().contains(says), "{text}\n{error}");
    }
    let error = Plan::from_json("{\"primary\": \"y\",\n \"lvel\": 0.9}").expect_err("no such key").to_string();
    assert!(error.contains("the plan, line 2, character") && error.contains("no key `lvel`; did you mean `level`?"), "{error}");
}

#[test]
fn a_formula_says_the_mean_and_leaves_the_rest() {
    let plan = Plan::new("y").covariance(Covariance::Toeplitz).df(Df::Residual).baseline(Baseline::Response);
    let plan = plan.formula("site + arm * visit + (1 | site)").expect("a formula");
    assert_eq!(plan.model.to_string(), "~ site + arm * visit + (1 | site) + toep(visit | patient)");
    assert_eq!((plan.model.df_method(), plan.model.mean().baseline_role()), (Df::Residual, Baseline::Response));
    let plan = plan.formula("arm * visit + ar1(visit | arm / patient)").expect("a formula");
    assert_eq!(plan.model.to_string(), "~ arm * visit + (1 | site) + ar1(visit | arm / patient)");
    assert!(plan.formula("arm * (visit").is_err());
}

#[test]
fn the_methods_before_the_data_say_every_further_analysis() {
    let text = Plan::from_toml(WHOLE).expect("a plan").methods_text();
    for said in [
        "familywise level of 0.025 is kept over these 2 hypotheses of no difference between arms by a graphical procedure",
        "- depression: bdi at 3 months, treatment against waiting list.",
        "weight 1; passes on 0.5 to depression",
        "- Severity at baseline (CAPS_BL), cut at 30 and 45.5: mild, moderate and severe.",
        "compound symmetry: the primary comparison is repeated; the mean is `site + arm * visit`",
        "Reason: asked for by a reviewer.",
        "as treated: the primary model is fitted to patients for whom the primary outcome is observed at every visit, and CAPS_BL is at least 20, and sex is not unknown.",
        "this is not a randomized comparison",
        "Reason: asked for by readers.",
        "- depression at 3 months: bdi at 3 months; the mean is `arm * visit`.",
    ] {
        assert!(text.contains(said), "no `{said}` in\n{text}");
    }
    assert!(!text.contains("There is one primary comparison"));
    let none = Plan::new("y").methods_text();
    assert!(none.contains("There is one primary comparison") && !none.contains("## Subgroups") && !none.contains("## Further analyses"));
}
