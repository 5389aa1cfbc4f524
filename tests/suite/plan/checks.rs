//! What a plan says that does not fit the trial: all of it at once, by key, with the names that were meant.

use crate::common::{IMRS_GST, antidepressant, repository};
use trialstats::analysis::{Analysis, Clustering, Plan, Silent};
use trialstats::effects::Denominator;
use trialstats::error::PlanProblem;
use trialstats::responders::{Definition, Rule, presets};
use trialstats::trial::BaselineFrom;
use trialstats::{Error, Trial};

fn imrs() -> Trial {
    let plan = Plan::from_file(repository("examples/plans/imrs_gst.toml")).expect("the plan reads");
    plan.read(repository(IMRS_GST)).expect("the sample reads")
}

fn problems(plan: &Plan, trial: &Trial) -> Vec<PlanProblem> {
    match plan.check(trial) {
        Err(Error::Plan(problems)) => problems.0,
        Err(other) => panic!("{other}"),
        Ok(()) => vec![],
    }
}

#[test]
fn a_plan_that_fits_has_no_problems() {
    let plan = Plan::from_file(repository("examples/plans/imrs_gst.toml")).expect("the plan reads");
    assert_eq!(problems(&plan, &imrs()), []);
}

#[test]
fn every_problem_is_told_at_once_with_its_key_and_the_nearest_name() {
    let plan = Plan::from_toml(
        r#"
        primary = "cap5"
        secondary = ["scid5-pd", "caps5", "caps5"]
        at = "12 month"
        baseline-from = "covariate(ages)"
        level = 95

        [model]
        formula = "sites + arm * visit"
        random = ["(1 | therapists)", "(0 + arms | therapy_group)"]
        covariance = "spatial-exponential(mnth)"
        covariance-by = "amr"
        weights = "weight"
        vcov = "cr2"
        clusters = "factor(therapy-group)"
        visits = ["baseline", "6 month"]

        [responders]
        unobserved = []
        definitions = [
            { name = "twice", rule = { below = { outcome = "casp5", score = 10 } } },
            { name = "twice", rule = { all = [{ percent-drop = { outcome = "caps5", at-least = 0.5 } }, { diagnosis-met = { diagnosis = "ptds" } }] } },
        ]

        [effects]
        denominator = "control"
        intervals = []
        bootstrap = 3

        [[sensitivity]]
        kind = "clusters"
        groups = "therapygroup"

        [[sensitivity]]
        kind = "clusters"
        therapists = "therapist"

        [report]
        characteristics = ["aeg"]
        labels = { ptdsd = "PTSD" }
        "#,
    )
    .expect("the plan reads");
    let found: Vec<String> = problems(&plan, &imrs()).iter().map(ToString::to_string).collect();
    for says in [
        "primary: there is no outcome named `cap5`; did you mean `caps5`?",
        "secondary: there is no outcome named `scid5-pd`; did you mean `scid5pd`?",
        "secondary: `caps5` is there twice",
        "at: there is no visit named `12 month`; did you mean `12 months`?",
        "baseline-from: there is no covariate named `ages`; did you mean `age`?",
        "level: a confidence level of 95: it does not lie between 0 and 1",
        "model.formula: there is no variable named `sites`; did you mean `site`?",
        "model.random: there is no factor with random effects named `therapists`; did you mean `therapist`?",
        "model.random: there is no variable named `arms`; did you mean `arm`?",
        "model.covariance: there is no variable named `mnth`",
        "model.covariance-by: there is no variable named `amr`; did you mean `arm`?",
        "model.weights: there is no variable named `weight`",
        "model.clusters: there is no factor named `therapy-group`; did you mean `therapy_group`?",
        "model.visits: there is no visit named `6 month`; did you mean `6 months`?",
        "responders.definitions, `twice`: there is no outcome named `casp5`; did you mean `caps5`?",
        "0.5% is less than one per cent; a drop is stated in per cent, 50 for this fraction",
        "responders.definitions, `twice`: there is no diagnosis named `ptds`; did you mean `ptsd`?",
        "responders.definitions, `twice`: another definition has this name",
        "responders.unobserved: no way to treat patients",
        "effects.denominator: `control` is not defined within arms",
        "effects.intervals: no method for limits",
        "effects.bootstrap: patients are drawn one by one, and `(1 | therapists)` ties",
        "sensitivity: there is no cluster named `therapygroup`; did you mean `therapy_group`?",
        "sensitivity: there are two of kind `clusters`",
        "report.characteristics: there is no variable in the table of baseline characteristics named `aeg`; did you mean `age`?",
        "report.labels: there is no variable in the table of baseline characteristics named `ptdsd`; did you mean `ptsd`?",
    ] {
        assert!(found.iter().any(|problem| problem.contains(says)), "{says}\n{}", found.join("\n"));
    }
    let error = plan.run(&imrs(), &Silent).expect_err("it does not fit");
    assert_eq!(error.code(), "plan");
    assert!(error.to_string().starts_with("27 problems in the plan:\n  - primary: "), "{error}");
}

#[test]
fn definitions_of_change_are_checked_by_their_outcome() {
    let plan = Plan::from_toml(
        r#"
        primary = "caps5"
        at = "12 months"

        [responders]
        unobserved = ["multiple-imputation"]

        [[individual-change]]
        outcome = "casp5"
        better = "lower"
        reliable-change = { points = 12 }

        [[individual-change]]
        outcome = "caps5"
        better = "lower"
        reliability = { value = 78 }

        [[individual-change]]
        outcome = "scid5pd"
        better = "lower"
        reliability = { value = 0.9 }
        sd = "arm(ImRs-GST)"

        [[individual-change]]
        outcome = "caps5"
        better = "lower"
        reliability = { value = 0.8 }
        cut-off = "c"
        "#,
    )
    .expect("the plan reads");
    let found: Vec<String> = problems(&plan, &imrs()).iter().map(ToString::to_string).collect();
    for says in [
        "individual-change, `casp5`: there is no outcome named `casp5`; did you mean `caps5`?",
        "individual-change, `caps5`: a reliability of 78: it does not lie between 0 and 1; write 0.78 for 78%",
        "individual-change, `scid5pd`: there is no arm named `ImRs-GST`; did you mean `ImRs+GST`?",
        "individual-change, `caps5`: individual change in `caps5`: cut-offs b and c need the functional population",
        "individual-change, `caps5`: another definition for this outcome is called the same",
        "responders.unobserved: imputed patients cannot be counted",
    ] {
        assert!(found.iter().any(|problem| problem.contains(says)), "{says}\n{}", found.join("\n"));
    }
    assert_eq!(found.len(), 6, "{found:?}");
}

#[test]
fn a_level_and_replicates_are_checked_together() {
    let plan = Plan::new("caps5").bootstrap(3);
    let found = problems(&plan, &imrs());
    assert_eq!((found.len(), found[0].key.as_str(), found[0].code.as_str()), (1, "effects.bootstrap", "too-few-replicates"));
    assert!(found[0].message.contains("3 replicates do not reach its quantiles"), "{}", found[0].message);
    assert_eq!(problems(&plan.bootstrap(200), &imrs()), []);
}

#[test]
fn models_that_could_not_be_fitted_are_told_outcome_by_outcome() {
    let plan =
        Plan::from_toml("primary = 'caps5'\nsecondary = ['scid5pd']\n[model]\ndf = 'kenward-roger'\nvcov = 'cr2'").expect("it reads");
    let found = problems(&plan, &imrs());
    assert_eq!((found.len(), found[0].key.as_str()), (1, "model"));
    assert!(found[0].message.contains("Kenward and Roger's adjustment is one of the model-based covariance"));
    let plan = Plan::from_toml("primary = 'caps5'\n[model]\ncovariance-by = 'age'").expect("it reads");
    assert!(problems(&plan, &imrs())[0].message.contains("groups are made by a factor"));
}

#[test]
fn what_a_plan_lacks_is_told_by_its_key() {
    let trial = antidepressant();
    let refused = |analysis: Analysis<'_>| analysis.run(&Silent).expect_err("it is refused").to_string();
    assert!(refused(Analysis::of(&trial)).contains("primary: no primary outcome is named"));
    assert!(refused(Analysis::of(&trial).primary("CHANGE").level(1.5)).contains("does not lie between 0 and 1"));
    assert!(refused(Analysis::of(&trial).primary("CHANGE").at("week 9")).contains("at: there is no visit named `week 9`"));
    assert!(refused(Analysis::of(&trial).primary("CHANGE").mean("THERAPY * ")).contains("formula"));
    let own = Analysis::of(&trial).primary("CHANGE").baseline_from(BaselineFrom::Covariate("BASVAL".into()));
    assert!(refused(own.clone().denominator(Denominator::BaselineOwn)).contains("not defined between arms"));
    assert!(refused(own.sensitivity_to_clusters(Clustering::new().groups("site"))).contains("no cluster named `site`"));
    let needs_baseline = Definition::new("drop", Rule::point_drop("CHANGE", 5.0));
    assert!(refused(Analysis::of(&trial).primary("CHANGE").responders([needs_baseline])).contains("names no baseline visit"));
    assert!(refused(Analysis::of(&trial).primary("CHANGE").responders([presets::caps5_remission()])).contains("no diagnosis named `ptsd`"));
}

/// Before there are data, a name is held to what the layout declares, where that is everything.
#[test]
fn without_data_names_are_those_that_the_layout_declares() {
    let with_layout = |layout: &str| {
        let plan =
            "primary = 'casp5'\nbaseline-from = 'covariate(aeg)'\n[[subgroup]]\nfactor = 'sex'\n[report]\ncharacteristics = ['ptsd']\n";
        match Plan::from_toml(&format!("{plan}{layout}")).expect("it reads").check_itself() {
            Err(Error::Plan(problems)) => problems.0.iter().map(ToString::to_string).collect::<Vec<_>>(),
            other => other.map(|()| vec![]).expect("nothing else is wrong"),
        }
    };
    let columns = "patient = 'id'\narm = 'arm'\nvisit = 'visit'\ncovariates = ['age', 'sex']\ninstruments = ['caps5']";
    let found = with_layout(&format!("[layout]\nshape = 'long'\n{columns}"));
    assert!(found[0].contains("primary: there is no outcome named `casp5`; did you mean `caps5`?"), "{found:?}");
    assert!(found[1].contains("baseline-from: there is no covariate named `aeg`; did you mean `age`?"), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
    // An instrument that is made in Rust has scores of its own, and a preset reads what the file has.
    assert_eq!(with_layout(&format!("[layout]\nshape = 'long'\n{}", columns.replace("caps5", "own"))), [""; 0]);
    assert_eq!(with_layout("[layout]\npreset = 'adam'"), [""; 0]);
    assert_eq!(with_layout(""), [""; 0]);
}
