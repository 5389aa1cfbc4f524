//! Plans as files: what runs is what was written, and the same every time.

use crate::common::{FEV, IMRS_GST, antidepressant, fev, repository};
use std::sync::Arc;
use trialstats::analysis::{
    Analysis, AnalysisResult, Clustering, ImputationPlan, ObservedAt, Plan, PopulationPlan, Silent, TippingOf, TippingPlan,
};
use trialstats::change::{CutOff, IndividualChange, Norm, Reliability, Spread};
use trialstats::covariance::{Covariance, CovarianceFamily, CovarianceStructure};
use trialstats::imputation::{Strategy, Variance};
use trialstats::instruments::{Assessment, Caps5, Instrument, Item, NamedInstrument, Registry, Scid5Pd, Score};
use trialstats::means::{Better, Contrasts};
use trialstats::report::TrialReport;
use trialstats::responders::{Unobserved, presets};
use trialstats::trial::Condition;
use trialstats::{Df, Layout, Model, Trial, Vcov};

fn reanalysis() -> Plan {
    Plan::from_file(repository("examples/plans/imrs_gst.toml")).expect("the plan reads")
}

fn json(result: &AnalysisResult) -> serde_json::Value {
    serde_json::to_value(result).expect("it serialises")
}

/// The reanalysis in Rust, as in examples/reanalysis.rs, with few replicates.
fn in_rust(trial: &Trial, replicates: usize) -> AnalysisResult {
    let [by_index, by_points] = individual_changes();
    Analysis::of(trial)
        .primary("caps5")
        .at("12 months")
        .secondary("scid5pd")
        .mean("site + arm * visit")
        .responders(presets::caps5())
        .responders([presets::pd_remission_of_those_met()])
        .unobserved([Unobserved::ObservedOnly, Unobserved::CountedAsNotMet, Unobserved::Bounds, Unobserved::Imputed])
        .characteristics(["age", "sex", "site", "caps5", "scid5pd", "ptsd", "avoidant", "dependent", "obsessive_compulsive"])
        .label("ptsd", "PTSD")
        .label("avoidant", "Avoidant personality disorder")
        .label("dependent", "Dependent personality disorder")
        .label("obsessive_compulsive", "Obsessive-compulsive personality disorder")
        .individual_change(by_index)
        .individual_change(by_points)
        .lower_is_better()
        .bootstrap(replicates)
        .seed(2024)
        .sensitivity_to_clusters(Clustering::new().groups("therapy_group").therapists("therapist"))
        .sensitivity_by_imputation(by(Strategy::Mar))
        .sensitivity_by_imputation(by(Strategy::JumpToReference))
        .sensitivity_by_imputation(by(Strategy::CopyReference))
        .sensitivity_by_imputation(by(Strategy::CopyIncrements))
        .tipping_point(
            TippingPlan::new(Strategy::Mar, "ImRs+GST", [-20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0])
                .versus_shifts([-10.0, -5.0, 0.0, 5.0, 10.0])
                .of([TippingOf::Difference, TippingOf::EffectSize, TippingOf::Definition("response".into())])
                .imputation(ImputationPlan::new(Strategy::Mar).covariates(["baseline", "site"])),
        )
        .sensitivity_in_population(PopulationPlan::new("completers").observed_at(ObservedAt::LastVisit))
        .sensitivity_in_population(
            PopulationPlan::new("per protocol")
                .patients(Condition::on("imrs_sessions").at_least(9.0).reason("fewer than three quarters of 12 ImRs sessions")),
        )
        .run(&Silent)
        .expect("it can be analysed")
}

/// What counts for a single patient; the standard deviation and the functional population are illustrative.
fn individual_changes() -> [IndividualChange; 2] {
    let reliability = Reliability::test_retest(0.78).source("Weathers et al. 2018, ICC");
    let by_index = IndividualChange::by_reliability("caps5", Better::Lower, reliability)
        .sd(Spread::Stated(10.0))
        .functional(Norm::new(6.0, 5.0).source("illustrative, not published"))
        .cut_off(CutOff::C);
    [by_index, IndividualChange::caps5_13_points().cut_off(CutOff::Score(8.0))]
}

/// The primary outcome if the missing are different.
fn by(strategy: Strategy) -> ImputationPlan {
    ImputationPlan::new(strategy).covariates(["baseline", "site"]).variance(Variance::DeltaMethod)
}

#[test]
fn the_reanalysis_as_a_file_has_the_numbers_of_the_one_in_rust() {
    let plan = reanalysis().bootstrap(60);
    let trial = plan.read(repository(IMRS_GST)).expect("the sample reads");
    let layout = Layout::long("patient", "arm", "visit")
        .visit_time("month")
        .reference_arm("ImRs")
        .baseline_visit("baseline")
        .covariate("age")
        .covariate("sex")
        .covariate("site")
        .covariate("imrs_sessions")
        .cluster("therapist")
        .cluster("therapy_group")
        .instrument(Caps5::default())
        .instrument(Scid5Pd::cluster_c());
    let there = layout.read_csv(repository(IMRS_GST)).expect("the sample reads");
    let (mut own, mut other) = (json(&plan.run(&trial, &Silent).expect("it can be analysed")), json(&in_rust(&there, 60)));
    assert_eq!(own["plan"]["layout"]["patient"], "patient");
    own["plan"]["layout"].take();
    own["plan"]["report"].take();
    other["plan"]["report"].take();
    for key in ["layout", "trial", "estimand"] {
        own["plan"].as_object_mut().expect("a table").remove(key);
    }
    assert_eq!(own, other);
    assert_eq!(own["outcomes"][0]["effects"]["between"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_plan_run_twice_gives_the_same_bytes_on_any_number_of_threads() {
    let plan = reanalysis().bootstrap(50);
    let trial = plan.read(repository(IMRS_GST)).expect("the sample reads");
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let result = plan.run(&trial, &Silent).expect("it can be analysed");
            let report = TrialReport::new(&result).document();
            (serde_json::to_string(&result).expect("it serialises"), report.to_html())
        })
    };
    let once = on(1);
    assert!(once == on(1) && once == on(2));
    assert!(once.1.contains("Synthetic data") && once.1.contains("Imagery rescripting with and without group schema therapy"));
}

#[test]
fn a_plan_read_from_what_it_was_written_as_gives_the_same_bytes() {
    let plan = reanalysis().bootstrap(0);
    let again = Plan::from_toml(&plan.to_toml().expect("it can be written")).expect("it can be read");
    let third = Plan::from_json(&again.to_json().expect("it can be written")).expect("it can be read");
    let run = |plan: &Plan| {
        let trial = plan.read(repository(IMRS_GST)).expect("the sample reads");
        serde_json::to_string(&plan.run(&trial, &Silent).expect("it can be analysed")).expect("it serialises")
    };
    assert!(run(&plan) == run(&again) && run(&plan) == run(&third));
}

/// What runs is a plan itself: read back and run, it says the same.
#[test]
fn the_plan_in_a_result_has_every_default_and_runs_again() {
    let trial = reanalysis().read(repository(IMRS_GST)).expect("the sample reads");
    let result = Plan::new("caps5").run(&trial, &Silent).expect("it can be analysed");
    assert_eq!(result.plan.at, "12 months");
    let model = result.plan.model.to_string();
    assert_eq!(
        (model.as_str(), result.outcomes[0].model.baseline.to_string().as_str()),
        ("~ arm * visit + us(visit | patient)", "constrained")
    );
    let again = Plan::from_json(&result.plan.to_json().expect("it can be written")).expect("it can be read");
    let again = again.run(&trial, &Silent).expect("it can be analysed");
    assert_eq!(serde_json::to_string(&again).expect("it serialises"), serde_json::to_string(&result).expect("it serialises"));
}

#[test]
fn a_plan_says_everything_that_a_model_says() {
    let trial = fev();
    let plan = Plan::from_toml(
        r#"
        primary = "FEV1"
        baseline-from = "covariate(FEV1_BL)"

        [model]
        formula = "RACE + SEX + ARMCD * AVISIT"
        covariance = "heterogeneous-autoregressive"
        covariance-by = "ARMCD"
        estimation = "reml"
        df = "satterthwaite"
        information = "expected"
        weights = "WEIGHT"
        visits = ["VIS2", "VIS3", "VIS4"]
        "#,
    )
    .expect("the plan reads");
    let result = plan.run(&trial, &Silent).expect("it can be analysed");
    let direct = Model::formula("FEV1 ~ RACE + SEX + ARMCD * AVISIT")
        .expect("a formula")
        .covariance(Covariance::HeterogeneousAutoregressive)
        .covariance_by("ARMCD")
        .information(trialstats::inference::InformationKind::Expected)
        .weights("WEIGHT")
        .visits(["VIS2", "VIS3", "VIS4"])
        .fit(&trial)
        .expect("it can be fitted");
    let found = &result.outcomes[0];
    assert_eq!((found.fit.log_likelihood(), found.fit.beta()), (direct.log_likelihood(), direct.beta()));
    assert_eq!(found.coefficients.rows, direct.coefficients().rows);

    let robust = plan.clone().model(Model::formula("~ ARMCD * AVISIT").expect("a formula").vcov(Vcov::Cr2)).run(&trial, &Silent);
    let direct = Model::formula("FEV1 ~ ARMCD * AVISIT").expect("a formula").vcov(Vcov::Cr2).fit(&trial).expect("it can be fitted");
    assert_eq!(robust.expect("it can be analysed").outcomes[0].coefficients.rows, direct.coefficients().rows);
}

#[test]
fn random_effects_of_a_plan_are_fitted_and_reported() {
    let mut plan = reanalysis().bootstrap(0).formula("arm * visit + (1 | therapist)").expect("a formula");
    plan.sensitivity.clear();
    plan.secondary.clear();
    let trial = plan.read(repository(IMRS_GST)).expect("the sample reads");
    let result = plan.run(&trial, &Silent).expect("it can be analysed");
    let direct =
        Model::formula("caps5 ~ arm * visit + (1 | therapist)").expect("a formula").baseline(trialstats::design::Baseline::Constrained);
    let direct = direct.df(Df::KenwardRoger).fit(&trial).expect("it can be fitted");
    assert_eq!(result.outcomes[0].fit.log_likelihood(), direct.log_likelihood());
    let html = TrialReport::new(&result).document().to_html();
    assert!(html.contains("random effects (1 | therapist) were added"));
}

#[test]
fn fits_are_kept_and_stay_out_of_the_json() {
    let trial = antidepressant();
    let result = Plan::new("HAMDTL17").formula("BASVAL + THERAPY * VISIT").expect("a formula").run(&trial, &Silent).expect("a result");
    let outcome = &result.outcomes[0];
    let contrasts = outcome.fit.arm_contrasts(&trialstats::means::ContrastOptions::default()).expect("contrasts");
    let rows = |contrasts: &Contrasts| serde_json::to_value(&contrasts.rows).expect("they serialise");
    assert_eq!(rows(&contrasts), rows(outcome.contrasts.as_ref().expect("two arms")));
    assert!(Arc::ptr_eq(&outcome.fit, &result.clone().outcomes[0].fit));
    assert!(json(&result)["outcomes"][0].get("fit").is_none());
}

/// The name of a column is no part of a formula.
#[test]
fn any_column_may_be_an_outcome() {
    let file = std::fs::read_to_string(repository(FEV)).expect("the sample is there");
    for name in ["CAPS-5 total", "a~b", "1st", "y`", "arm * visit"] {
        let renamed = file.replacen("\"FEV1\"", &format!("\"{name}\""), 1);
        let layout = Layout::long("USUBJID", "ARMCD", "AVISIT").outcome(name).covariate("FEV1_BL");
        let trial = layout.read_csv_from("renamed", renamed.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let result = Analysis::of(&trial).primary(name).mean("FEV1_BL + ARMCD * AVISIT").run(&Silent);
        let result = result.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(result.outcomes[0].name, name);
        let plan = result.plan.to_toml().expect("it can be written");
        let again =
            Plan::from_toml(&plan).unwrap_or_else(|error| panic!("{plan}{error}")).run(&trial, &Silent).expect("it can be analysed");
        assert_eq!(json(&again), json(&result));
        assert!(TrialReport::new(&result).document().to_text(100).contains(name));
    }
}

#[derive(Debug)]
struct Sum;

impl Instrument for Sum {
    fn name(&self) -> &str {
        "sum of two"
    }

    fn items(&self) -> Vec<Item> {
        Item::numbered("item_", 1, 2, 0..=9)
    }

    fn scores(&self) -> Vec<Score> {
        vec![Score { name: "sum".into(), label: "Sum".into(), range: (0.0, 18.0) }]
    }

    fn assess(&self, ratings: &[Option<u8>]) -> Assessment {
        Assessment { scores: vec![trialstats::instruments::sum(ratings, Default::default())], diagnoses: vec![] }
    }
}

#[test]
fn instruments_of_ones_own_are_known_by_name_when_data_are_read() {
    let plan = Plan::from_toml(
        "primary = 'sum'\n[layout]\npatient = 'id'\nvisit = 'visit'\n[[layout.instruments]]\nname = 'two'\ncolumns = 'X{item}'",
    )
    .expect("names are looked up later");
    let path = std::env::temp_dir().join(format!("trialstats-plan-{}.csv", std::process::id()));
    std::fs::write(&path, "id,visit,Xitem_1,Xitem_2\na,1,3,4\nb,1,5,6\n").expect("a place for a file");
    let error = plan.read(&path).expect_err("nobody registered it");
    assert_eq!(error.code(), "unknown-name");
    assert!(error.to_string().contains("no instrument named `two`; known: caps5, scid5-pd"), "{error}");
    let trial = plan.read_with(&path, &Registry::new().register("two", Sum)).expect("it is registered");
    std::fs::remove_file(&path).expect("it was there");
    assert_eq!(trial.outcome("sum").expect("a score").values, [7.0, 11.0]);

    // In Rust it needs no name, but then no file can hold it.
    let nameless = Plan::new("sum").layout(Layout::long_one_arm("id", "visit").instrument(Sum));
    assert!(nameless.to_toml().expect_err("it has no name").to_string().contains("instrument sum of two has no name"));
    let named = Plan::new("sum").layout(Layout::long_one_arm("id", "visit").named_instrument_in(NamedInstrument::new("two"), "X{item}"));
    let again = Plan::from_toml(&named.to_toml().expect("it has a name")).expect("it reads");
    assert_eq!(again.to_json().expect("it has a name"), plan.to_json().expect("it has a name"));
    assert!(Plan::new("y").read("nowhere").expect_err("no layout").to_string().contains("the plan has no layout"));
}

/// Compound symmetry under a name of its own.
#[derive(Debug)]
struct Own;

impl CovarianceFamily for Own {
    fn name(&self) -> String {
        "my structure".into()
    }

    fn bind(&self, times: &[Option<f64>]) -> trialstats::Result<Box<dyn CovarianceStructure>> {
        Covariance::CompoundSymmetry.bind(times)
    }
}

#[test]
fn a_structure_of_ones_own_runs_and_only_the_plan_in_the_json_says_that_it_cannot_be_written() {
    let plan = Plan::new("CHANGE").formula("THERAPY * VISIT").expect("a formula").covariance(Covariance::Custom(Arc::new(Own)));
    assert!(plan.to_toml().expect_err("no name").to_string().contains("`my structure` is made in Rust"));
    let result = plan.run(&antidepressant(), &Silent).expect("it can be analysed");
    let json = json(&result);
    assert!(json["plan"]["not-written"].as_str().expect("a reason").contains("my structure"));
    assert_eq!(json["outcomes"][0]["covariance"]["structure"], "my structure");
}

/// What a layout lists of patients is needed to read a trial, and stays out of what is passed on.
#[test]
fn a_roster_is_no_part_of_the_result() {
    let layout = Layout::long("PATIENT", "THERAPY", "VISIT").outcome("CHANGE");
    let trial = layout.read_csv(repository("data-samples/antidepressant/antidepressant.csv")).expect("the sample reads");
    let roster = trial.patients().iter().zip(trial.arm_of()).map(|(p, &a)| (p.clone(), trial.arms()[a].clone()));
    let plan = Plan::new("CHANGE").layout(layout.randomized_patients(roster));
    assert!(plan.to_toml().expect("it can be written").contains("roster"));
    let trial = plan.read(repository("data-samples/antidepressant/antidepressant.csv")).expect("the sample reads");
    let result = plan.run(&trial, &Silent).expect("it can be analysed");
    assert!(!serde_json::to_string(&result.plan).expect("it serialises").contains("roster"));
}
