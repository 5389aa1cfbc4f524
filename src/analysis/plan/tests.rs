use super::*;
use crate::analysis::{DocumentKind, EffectPlan, Paper, ReportSettings, ReportStyle, ResponderPlan};
use crate::bootstrap::BootstrapInterval;
use crate::change::{ClassScheme, CutOff, IndividualChange, Norm, Reliability, ReliabilityKind, ReliableChangeMethod, Spread};
use crate::effects::{Correction, IntervalMethod};
use crate::generalized::{PopulationVariance, Randomization};
use crate::inference::{InformationKind, Vcov};
use crate::instruments::{InstrumentDefinition, ItemRule, MissingItems, ScoreMethod};
use crate::means::Better;
use crate::model::tests::models;
use crate::multiplicity::Procedure;
use crate::options::Choices;
use crate::responders::{Meaning, Occasion, Rule, presets};
use crate::trial::layout::tests::layouts;
use crate::trial::{Condition, CovariateKind, DecimalMark, Delimiter};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;

fn json(plan: &Plan) -> serde_json::Value {
    serde_json::to_value(plan).expect("it can be written")
}

/// Written and read again, in both formats.
fn round_trip(plan: &Plan) {
    let once = plan.to_json().expect("it can be written");
    let read = Plan::from_json(&once).unwrap_or_else(|error| panic!("{error}: {once}"));
    assert_eq!(read.to_json().expect("it can be written"), once);
    let once = plan.to_toml().expect("it can be written");
    let read = Plan::from_toml(&once).unwrap_or_else(|error| panic!("{error}\n{once}"));
    assert_eq!(read.to_toml().expect("it can be written"), once);
    assert_eq!(json(&read), json(plan));
}

/// Every key of a plan with something other than its default.
pub(super) const WHOLE: &str = r#"
primary = "CAPS-5 total"
secondary = ["bdi", "FEV1"]
at = "12 months"
baseline-from = "covariate(CAPS_BL)"
level = 0.9
seed = 20260101

[trial]
title = "Exposure against waiting list"
registration = "NCT00000000"
sponsor = "A university"
authors = ["A. Author", "B. Author"]
data = "data/trial.csv"
events = "data/events.csv"
population = { column = "ITT", is = "yes" }
subset = [{ column = "site", is-not = ["pilot"], reason = "pilot site" }, { column = "age", at-least = 18 }]

[[estimand]]
name = "primary"
population = "adults with PTSD"
treatment = "exposure against waiting list"
outcome = "CAPS-5 total"
at = "12 months"
summary = "difference-in-means"
estimated-by = "model"

[[estimand.intercurrent]]
event = "treatment stopped early"
strategy = "treatment-policy"
reason = "everyone is followed up"

[[estimand.intercurrent]]
event = "death"
strategy = "while-on-treatment"

[[estimand]]
name = "halved"
population = "adults with PTSD"
treatment = "exposure against waiting list"
definition = "halved"
summary = "risk-difference"

[layout]
shape = "wide"
patient = "id"
arm = "arm"
reference-arm = "waiting list"
delimiter = "semicolon"
decimal-mark = "comma"
sheet = "scores"
missing-values = [999]
covariates = ["CAPS_BL", { name = "sex", levels = ["female", "male"] }]
clusters = ["therapist", "group"]

[[layout.outcomes]]
name = "CAPS-5 total"
label = "CAPS-5"
range = [0, 80]
columns = { "3 months" = "CAPS_3", "12 months" = "CAPS_12" }

[[layout.outcomes]]
name = "bdi"
texts = true
columns = { "3 months" = "BDI_3", "12 months" = "BDI_12" }

[[layout.instruments]]
name = "scid5-pd"
columns = "{item}_{visit}"
visits = { "3 months" = "T3", "12 months" = "T12" }
options = { disorders = ["avoidant"], missing-items = { prorate = { at-most = 1 } } }

[model]
formula = "CAPS_BL + sex + arm * visit"
baseline = "response"
random = ["(1 | therapist)"]
covariance = "heterogeneous-toeplitz"
covariance-else = ["toeplitz", "compound-symmetry"]
covariance-by = "arm"
estimation = "ml"
df = "satterthwaite"
information = "expected"
vcov = "cr2"
clusters = "factor(therapist)"
weights = "w"
visits = ["3 months", "12 months"]

[responders]
unobserved = ["counted-as-not-met"]
covariates = ["CAPS_BL", "sex"]
variance = "sampled"
randomization = "permuted-block"
strata = ["sex"]

[[responders.definitions]]
preset = "caps5-remission"

[[responders.definitions]]
name = "halved"
label = "BDI halved, or little left of it"
source = "protocol, section 7"
rule = { any = [
    { percent-drop = { outcome = "bdi", at-least = 50, floor = 1 } },
    { all = [{ below = { outcome = "bdi", score = 10 } }, { diagnosis-not-met = { diagnosis = "avoidant" } }] },
] }
required-at-baseline = { diagnosis-met = { diagnosis = "avoidant", at = "baseline" } }

[[responders.definitions]]
name = "worse"
rule = { any = [
    { point-rise = { outcome = "bdi", at-least = 5 } },
    { at-least = { outcome = "bdi", score = 40 } },
    { covariate-below = { covariate = "sessions", value = 9 } },
    { reliable-drop = { outcome = "bdi", sd = 10, reliability = 0.8, z = 1.64 } },
    { point-drop = { outcome = "bdi", at-least = 3 } },
    { at-most = { outcome = "bdi", score = 3 } },
] }
meaning = "unfavourable"

[effects]
denominator = "visit-model"
correction = "hedges"
positive = "fall"
intervals = ["noncentral-t", "independent-groups-observed"]
bootstrap = 2000
bootstrap-interval = "bca"

[[event]]
name = "stopped"
strategy = "hypothetical"
from = "visit(STOPVIS)"
reason-column = "STOPREAS"
reasons = ["lack of efficacy", "adverse event"]
imputation = "copy-reference"

[[event]]
name = "death"
strategy = "composite"
from = "file"
value = "highest"

[[event]]
name = "rescue"
strategy = "composite"
from = "time(RESCDAY)"
value = 80

[[event]]
name = "moved"
strategy = "hypothetical"
from = "date(MOVEDT)"
visit-dates = "ADT"
start-date = "RANDDT"
time-unit = "month"

[[sensitivity]]
kind = "clusters"
groups = "group"
therapists = "therapist"

[[sensitivity]]
kind = "model"
name = "compound symmetry"
formula = "site + arm * visit"
baseline = "constrained"
covariance = "compound-symmetry"
covariance-else = ["independent"]
estimation = "reml"
df = "residual"
reason = "asked for by a reviewer"

[[sensitivity]]
kind = "imputation"
name = "jump"
strategy = "jump-to-reference"
reference = "waiting list"
covariates = ["CAPS_BL"]
variance = "information-anchored"
reason = "asked for by the regulator"

[sensitivity.delta]
by-visit = [1.0, 2.5]
lag-weights = [1.0, 0.5]
scale = "multiplicative"
arms = ["treatment"]
intermittent = "shifted"

[[sensitivity]]
kind = "tipping-point"
strategy = "mar"
covariates = ["CAPS_BL"]
arm = "treatment"
arm-shifts = [0.0, 5.0]
versus-shifts = [0.0, 1.0]
of = ["difference", "effect-size", "definition(halved)"]

[[sensitivity]]
kind = "population"
name = "as treated"
observed-at = "every-visit"
patients = [{ column = "CAPS_BL", at-least = 20.0, reason = "too mild" }, { column = "sex", is-not = ["unknown"] }]
reason = "asked for by readers"

[[analysis]]
name = "depression at 3 months"
outcome = "bdi"
at = "3 months"
formula = "arm * visit"

[multiplicity]
procedure = "graph"
alpha = 0.025

[[multiplicity.hypotheses]]
name = "PTSD"
weight = 1.0
transitions = { depression = 0.5 }

[[multiplicity.hypotheses]]
name = "depression"
outcome = "bdi"
at = "3 months"
arm = "treatment"
versus = "waiting list"

[[subgroup]]
factor = "sex"
labels = { female = "Women", male = "Men" }

[[subgroup]]
factor = "CAPS_BL"
label = "Severity at baseline"
cut-points = [30.0, 45.5]
groups = ["mild", "moderate", "severe"]

[[individual-change]]
outcome = "bdi"
better = "lower"
label = "Beck"
reliability = { value = 0.86, kind = "internal-consistency", source = "manual" }
method = "edwards-nunnally"
sd = "arm(waiting list)"
level = 0.9
clinical = { mean = 25.5, sd = 9, source = "manual" }
functional = { mean = 7, sd = 6, source = "manual" }
cut-off = "c"
classes = "five"

[[individual-change]]
outcome = "FEV1"
better = "higher"
reliable-change = { points = 4.5, source = "protocol" }
cut-off = 60

[[instrument]]
name = "mood"
label = "Mood scale"
source = "protocol"
items = ["mood_{1..3}", "sad"]
range = [1, 5]
ranges = { sad = [0, 1] }
reversed = "mood_2"
score = "mean"
missing-items = { prorate-share = { percent = 25 } }
reliable-change = { points = 1.5, source = "manual" }

[instrument.severity]
source = "manual"
bands = { low = 1.0, high = 3.0 }

[[instrument.subscales]]
name = "mood_positive"
label = "Positive"
items = ["mood_1", "mood_3"]

[[instrument.diagnoses]]
name = "mood_case"
source = "manual"
rule = { any = [{ score = { of = "mood_positive", at-least = 4.0 } }, { all = [{ count = { items = "mood_{1..3}", rated = 3, at-least = 2, except = { mood_2 = 4 } } }] }] }

[report]
title = "A trial"
registration = "NCT00000000"
banner = "Synthetic data."
data = "synthetic"
characteristics = ["sex", "CAPS_BL"]
labels = { CAPS_BL = "CAPS-5 at baseline", sex = "Sex" }
documents = ["docx", "ard"]
style = "csr"
paper = "letter"
"#;

#[test]
fn everything_that_a_plan_can_say_is_read_from_a_file() {
    let plan = Plan::from_toml(WHOLE).unwrap_or_else(|error| panic!("{error}"));
    let layout: Layout = serde_json::from_value(json(&plan)["layout"].clone()).expect("it was read from one");
    let halved = Rule::any([
        Rule::percent_drop_from("bdi", 50.0, 1.0),
        Rule::all([Rule::below("bdi", 10.0), Rule::not_met("avoidant", Occasion::Visit)]),
    ]);
    let worse = Rule::any([
        Rule::point_rise("bdi", 5.0),
        Rule::at_least("bdi", 40.0),
        Rule::covariate_below("sessions", 9.0),
        Rule::ReliableDrop { outcome: "bdi".into(), sd: 10.0, reliability: 0.8, z: 1.64 },
        Rule::point_drop("bdi", 3.0),
        Rule::at_most("bdi", 3.0),
    ]);
    let definitions = [
        presets::caps5_remission(),
        Definition::new("halved", halved)
            .label("BDI halved, or little left of it")
            .source("protocol, section 7")
            .required_at_baseline(Rule::met("avoidant", Occasion::Baseline)),
        Definition::new("worse", worse).meaning(Meaning::Unfavourable),
    ];
    let settings = ReportSettings::new().title("A trial").registration("NCT00000000").banner("Synthetic data.").data(DataOrigin::Synthetic);
    let settings = settings.documents([DocumentKind::Docx, DocumentKind::Ard]).style(ReportStyle::Csr).paper(Paper::Letter);
    let model = Model::formula("~ CAPS_BL + sex + arm * visit + (1 | therapist)")
        .expect("a formula")
        .covariance(Covariance::HeterogeneousToeplitz)
        .covariance_by("arm")
        .information(crate::inference::InformationKind::Expected)
        .vcov(crate::Vcov::Cr2)
        .clusters(crate::design::Clusters::by("therapist"))
        .weights("w")
        .visits(["3 months", "12 months"]);
    let known = TrialPlan::new().title("Exposure against waiting list").registration("NCT00000000").sponsor("A university");
    let known = known
        .author("A. Author")
        .author("B. Author")
        .data("data/trial.csv")
        .events("data/events.csv")
        .population(Condition::on("ITT").is("yes"));
    let known = known.subset(Condition::on("site").is_not(["pilot"]).reason("pilot site")).subset(Condition::on("age").at_least(18.0));
    let (who, what) = ("adults with PTSD", "exposure against waiting list");
    let mut primary = Estimand::new("primary", who, what, "CAPS-5 total", SummaryMeasure::DifferenceInMeans)
        .at("12 months")
        .intercurrent("treatment stopped early", EventStrategy::TreatmentPolicy, Some("everyone is followed up"))
        .intercurrent("death", EventStrategy::WhileOnTreatment, None);
    primary.estimated_by = Some(Estimator::Model);
    let mut built = Plan::new("CAPS-5 total")
        .trial(known)
        .estimand(primary)
        .estimand(Estimand::of_definition("halved", who, what, "halved", SummaryMeasure::RiskDifference))
        .secondary("bdi")
        .secondary("FEV1")
        .at("12 months")
        .baseline_from(BaselineFrom::Covariate("CAPS_BL".into()))
        .level(0.9)
        .seed(20_260_101)
        .layout(layout)
        .model(model)
        .baseline(Baseline::Response)
        .covariance_else([Covariance::Toeplitz, Covariance::CompoundSymmetry])
        .estimation(Estimation::Ml)
        .df(Df::Satterthwaite)
        .unobserved([Unobserved::CountedAsNotMet])
        .responders(definitions)
        .denominator(Denominator::VisitModel)
        .lower_is_better()
        .bootstrap(2000)
        .event(
            EventPlan::new("stopped", EventStrategy::Hypothetical, EventFrom::Visit("STOPVIS".into()))
                .reasons("STOPREAS", ["lack of efficacy", "adverse event"])
                .imputed_by(crate::imputation::Strategy::CopyReference),
        )
        .event(EventPlan::new("death", EventStrategy::Composite, EventFrom::File).value(crate::imputation::Composite::Highest))
        .event(
            EventPlan::new("rescue", EventStrategy::Composite, EventFrom::Time("RESCDAY".into()))
                .value(crate::imputation::Composite::Value(80.0)),
        )
        .event(
            EventPlan::new("moved", EventStrategy::Hypothetical, EventFrom::Date("MOVEDT".into()))
                .dates(crate::imputation::VisitDates::of_visits("ADT").else_planned_from("RANDDT", crate::imputation::TimeUnit::Month)),
        )
        .sensitivity_to_clusters(Clustering::new().groups("group").therapists("therapist"))
        .sensitivity_to_model(
            OtherModel::new("compound symmetry")
                .formula("site + arm * visit")
                .baseline(Baseline::Constrained)
                .covariance(Covariance::CompoundSymmetry)
                .covariance_else([Covariance::Independent])
                .estimation(Estimation::Reml)
                .df(Df::Residual)
                .reason("asked for by a reviewer"),
        )
        .sensitivity_by_imputation(
            ImputationPlan::new(crate::imputation::Strategy::JumpToReference)
                .name("jump")
                .reference("waiting list")
                .covariates(["CAPS_BL"])
                .variance(crate::imputation::Variance::InformationAnchored)
                .reason("asked for by the regulator")
                .delta(
                    crate::imputation::Delta::factors([1.0, 2.5])
                        .lag_weights([1.0, 0.5])
                        .in_arms(["treatment"])
                        .intermittent(crate::imputation::Intermittent::Shifted),
                ),
        )
        .tipping_point(
            TippingPlan::new(crate::imputation::Strategy::Mar, "treatment", [0.0, 5.0])
                .versus_shifts([0.0, 1.0])
                .of([TippingOf::Difference, TippingOf::EffectSize, TippingOf::Definition("halved".into())])
                .imputation(ImputationPlan::new(crate::imputation::Strategy::Mar).covariates(["CAPS_BL"])),
        )
        .sensitivity_in_population(
            PopulationPlan::new("as treated")
                .observed_at(ObservedAt::EveryVisit)
                .patients(Condition::on("CAPS_BL").at_least(20.0).reason("too mild"))
                .patients(Condition::on("sex").is_not(["unknown"]))
                .reason("asked for by readers"),
        )
        .analysis(OtherModel::new("depression at 3 months").outcome("bdi").at("3 months").formula("arm * visit"))
        .multiplicity(
            Multiplicity::new(Procedure::Graph)
                .alpha(0.025)
                .hypothesis(Hypothesis::new("PTSD").weight(1.0).passing("depression", 0.5))
                .hypothesis(Hypothesis::new("depression").outcome("bdi").at("3 months").arms("treatment", "waiting list")),
        )
        .subgroup(Subgroup::by("sex").level("female", "Women").level("male", "Men"))
        .subgroup(Subgroup::cut("CAPS_BL", [30.0, 45.5]).label("Severity at baseline").groups(["mild", "moderate", "severe"]))
        .individual_change(
            IndividualChange::by_reliability(
                "bdi",
                Better::Lower,
                Reliability::new(0.86, ReliabilityKind::InternalConsistency).source("manual"),
            )
            .label("Beck")
            .method(ReliableChangeMethod::EdwardsNunnally)
            .sd(Spread::BaselineOfArm("waiting list".into()))
            .level(0.9)
            .clinical(Norm::new(25.5, 9.0).source("manual"))
            .functional(Norm::new(7.0, 6.0).source("manual"))
            .cut_off(CutOff::C)
            .classes(ClassScheme::Five),
        )
        .individual_change(IndividualChange::by_points("FEV1", Better::Higher, 4.5, "protocol").cut_off(CutOff::Score(60.0)))
        .instrument(mood())
        .report(settings)
        .characteristics(["sex", "CAPS_BL"])
        .label("CAPS_BL", "CAPS-5 at baseline")
        .label("sex", "Sex");
    built.responders = built.responders.covariates(["CAPS_BL", "sex"]).variance(PopulationVariance::Sampled);
    built.responders = built.responders.randomization(Randomization::PermutedBlock, ["sex"]);
    built.effects.correction = "hedges".parse().expect("a correction");
    built.effects.intervals = ["noncentral-t", "independent-groups-observed"].map(|name| name.parse().expect("an interval")).to_vec();
    built.effects.bootstrap_interval = BootstrapInterval::Bca;
    assert_eq!(json(&plan), json(&built));
    assert_eq!(plan.model, built.model);
    round_trip(&plan);
}

/// The instrument of [`WHOLE`].
fn mood() -> InstrumentDefinition {
    let rule = ItemRule::Any(vec![
        ItemRule::Score { of: Some("mood_positive".into()), at_least: 4.0 },
        ItemRule::All(vec![ItemRule::Count { items: "mood_{1..3}".into(), rated: 3, at_least: 2, except: vec![("mood_2".into(), 4)] }]),
    ]);
    let mut mood = InstrumentDefinition::new("mood", ["mood_{1..3}", "sad"], [1, 5])
        .reversed("mood_2")
        .score(ScoreMethod::Mean)
        .missing_items(MissingItems::ProrateShare { percent: 25 })
        .subscale("mood_positive", ["mood_1", "mood_3"])
        .diagnosis("mood_case", rule);
    mood.label = "Mood scale".into();
    mood.source = "protocol".into();
    mood.ranges = vec![("sad".into(), [0, 1])];
    mood.subscales[0].label = "Positive".into();
    mood.diagnoses[0].source = "manual".into();
    let severity = r#"{"source": "manual", "bands": {"low": 1.0, "high": 3.0}}"#;
    mood.severity = Some(serde_json::from_str(severity).expect("bands"));
    mood.reliable_change = Some(serde_json::from_str(r#"{"points": 1.5, "source": "manual"}"#).expect("a change"));
    mood.build().expect("a definition");
    mood
}

/// The test above says something of every key: none is left out of the file.
#[test]
fn no_key_of_a_whole_plan_is_at_its_default() {
    let plan = Plan::from_toml(WHOLE).unwrap_or_else(|error| panic!("{error}"));
    let keys = |value: &serde_json::Value| value.as_object().map_or(0, serde_json::Map::len);
    let written = json(&plan);
    assert_eq!(keys(&written), 20);
    let parts = ["trial", "model", "responders", "effects", "report"].map(|part| keys(&written[part]));
    assert_eq!(parts, [8, 13, 6, 6, 9]);
}

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

fn rule() -> impl Strategy<Value = Rule> {
    let name = || prop_oneof![Just("caps5".to_string()), Just("CAPS-5 total".into()), "[a-z]{1,4}"];
    let at = || select(vec![Occasion::Baseline, Occasion::Visit]);
    let x = || prop_oneof![(0_i32..90).prop_map(f64::from), 0.0..1e3, Just(0.1 + 0.2)];
    let leaf = prop_oneof![
        (name(), x()).prop_map(|(outcome, at_least)| Rule::PointDrop { outcome, at_least }),
        (name(), x()).prop_map(|(outcome, at_least)| Rule::PointRise { outcome, at_least }),
        (name(), x(), prop_oneof![Just(0.0), x()]).prop_map(|(outcome, at_least, floor)| Rule::PercentDrop { outcome, at_least, floor }),
        (name(), x(), x(), prop_oneof![Just(1.96), x()]).prop_map(|(outcome, sd, reliability, z)| Rule::ReliableDrop {
            outcome,
            sd,
            reliability,
            z
        }),
        (name(), x()).prop_map(|(outcome, score)| Rule::Below { outcome, score }),
        (name(), x()).prop_map(|(outcome, score)| Rule::AtMost { outcome, score }),
        (name(), x()).prop_map(|(outcome, score)| Rule::AtLeast { outcome, score }),
        (name(), x()).prop_map(|(covariate, value)| Rule::CovariateBelow { covariate, value }),
        (name(), at()).prop_map(|(diagnosis, at)| Rule::DiagnosisMet { diagnosis, at }),
        (name(), at()).prop_map(|(diagnosis, at)| Rule::DiagnosisNotMet { diagnosis, at }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..3).prop_map(Rule::All), prop::collection::vec(inner, 0..3).prop_map(Rule::Any)]
    })
}

fn definition() -> impl Strategy<Value = Definition> {
    let text = || prop_oneof![Just("stated by the analyst".to_string()), Just("two\nlines, \"quoted\"".into()), ".{0,9}"];
    (text(), prop::option::of(text()), text(), rule(), prop::option::of(rule()), any::<bool>()).prop_map(
        |(name, label, source, rule, required, bad)| {
            let definition = label.into_iter().fold(Definition::new(name, rule).source(source), Definition::label);
            let definition = required.into_iter().fold(definition, Definition::required_at_baseline);
            if bad { definition.meaning(Meaning::Unfavourable) } else { definition }
        },
    )
}

fn choice<T: Choices + std::fmt::Debug>() -> impl Strategy<Value = T> {
    (0..T::CHOICES.len()).prop_map(|k| T::CHOICES[k].value.clone())
}

fn several<T: Choices + std::fmt::Debug>() -> impl Strategy<Value = Vec<T>> {
    subsequence((0..T::CHOICES.len()).collect::<Vec<_>>(), 0..=T::CHOICES.len())
        .prop_map(|chosen| chosen.into_iter().map(|k| T::CHOICES[k].value.clone()).collect())
}

fn effects() -> impl Strategy<Value = EffectPlan> {
    let made = (choice::<Denominator>(), choice::<Correction>(), choice::<Positive>(), several::<IntervalMethod>());
    (made, 0_usize..3000, choice::<BootstrapInterval>()).prop_map(
        |((denominator, correction, positive, intervals), bootstrap, bootstrap_interval)| EffectPlan {
            denominator,
            correction,
            positive,
            intervals,
            bootstrap,
            bootstrap_interval,
        },
    )
}

fn clustering() -> impl Strategy<Value = Sensitivity> {
    let name = || prop_oneof![Just("therapy group".to_string()), "[a-z]{1,4}"];
    (prop::option::of(name()), name()).prop_map(|(groups, therapists)| {
        let clustering = groups.into_iter().fold(Clustering::new(), Clustering::groups);
        Sensitivity::Clusters(clustering.therapists(therapists))
    })
}

fn other_model() -> impl Strategy<Value = OtherModel> {
    let name = || prop_oneof![Just("as before".to_string()), "[a-z ]{0,4}"];
    let covariance = || select(vec![Covariance::Toeplitz, Covariance::CompoundSymmetry, Covariance::BandedToeplitz { bands: 2 }]);
    let formula = prop::option::of(select(vec!["arm * visit".to_string(), "site + arm + ar1(visit | patient)".into()]));
    let parts = (prop::option::of(choice::<Baseline>()), prop::option::of(covariance()), prop::option::of(choice::<Estimation>()));
    let df = prop::option::of(choice::<Df>());
    (name(), formula, parts, prop::option::of(prop::collection::vec(covariance(), 0..3)), df, name()).prop_map(
        |(name, formula, (baseline, covariance, estimation), covariance_else, df, reason)| OtherModel {
            formula,
            baseline,
            covariance,
            covariance_else,
            estimation,
            df,
            reason,
            ..OtherModel::new(name)
        },
    )
}

fn imputation() -> impl Strategy<Value = ImputationPlan> {
    use crate::imputation::{CovariancePrior, Delta, DrawMethod, Draws, Intermittent, Strategy as Imputed, Variance};
    let strategy = select(vec![
        Imputed::Mar,
        Imputed::JumpToReference,
        Imputed::CopyReference,
        Imputed::CopyIncrements,
        Imputed::LastMeanCarriedForward,
        Imputed::Causal { kept: 0.5, fading: 0.9 },
    ]);
    let delta = (prop::collection::vec(-5.0..5.0, 0..4), prop::collection::vec(0.0..2.0, 0..3), choice::<Intermittent>(), any::<bool>());
    let delta = delta.prop_map(|(amounts, weights, intermittent, multiplied)| {
        let delta = if multiplied { Delta::factors(amounts) } else { Delta::by_visit(amounts) };
        delta.lag_weights(weights).in_arms(["b"]).intermittent(intermittent)
    });
    let parts = (prop::option::of("[A-Z]{1,4}"), prop::collection::vec("[a-z]{1,4}", 0..3), prop::option::of(delta));
    let drawn = prop::option::of((choice::<DrawMethod>(), 3..900_usize, any::<u32>(), choice::<CovariancePrior>(), choice::<AnalysedBy>()));
    ("[a-z ]{0,4}", strategy, parts, choice::<Variance>(), drawn, "[a-z ]{0,4}").prop_map(
        |(name, strategy, (reference, covariates, delta), variance, drawn, reason)| {
            let plan = ImputationPlan { name, reference, covariates, delta, reason, ..ImputationPlan::new(strategy) };
            match drawn {
                None => plan.variance(variance),
                Some((method, number, seed, prior, analysis)) => {
                    plan.draws(Draws::new(method).number(number).seed(u64::from(seed)).prior(prior)).analysis(analysis)
                }
            }
        },
    )
}

fn tipping_of() -> impl Strategy<Value = Vec<TippingOf>> {
    let one = prop_oneof![Just(TippingOf::Difference), Just(TippingOf::EffectSize), "[a-z]{1,5}".prop_map(TippingOf::Definition)];
    prop::collection::vec(one, 1..3)
}

fn population() -> impl Strategy<Value = PopulationPlan> {
    let condition = ("[A-Z]{1,4}", -5.0..5.0, prop::option::of("[a-z ]{1,6}")).prop_map(|(column, low, reason)| {
        let condition = Condition::on(column).at_least(low);
        reason.into_iter().fold(condition, Condition::reason)
    });
    let parts = (prop::option::of(choice::<ObservedAt>()), prop::collection::vec(condition, 0..3));
    ("[a-z ]{1,6}", parts, "[a-z ]{0,4}").prop_map(|(name, (observed_at, patients), reason)| {
        let observed_at = if patients.is_empty() { Some(observed_at.unwrap_or(ObservedAt::LastVisit)) } else { observed_at };
        PopulationPlan { name, observed_at, patients, reason }
    })
}

fn sensitivity() -> impl Strategy<Value = Sensitivity> {
    prop_oneof![
        population().prop_map(Sensitivity::Population),
        clustering(),
        other_model().prop_map(Sensitivity::Model),
        imputation().prop_map(Sensitivity::Imputation),
        (imputation(), "[A-Z]{1,4}", prop::collection::vec(-5.0..5.0, 0..4), prop::collection::vec(-5.0..5.0, 1..3), tipping_of())
            .prop_map(|(imputation, arm, shifts, versus, of)| {
                let imputation = ImputationPlan { delta: None, analysis: AnalysedBy::default(), ..imputation };
                Sensitivity::TippingPoint(
                    TippingPlan::new(imputation.strategy, arm, shifts).versus_shifts(versus).of(of).imputation(imputation),
                )
            }),
    ]
}

fn multiplicity() -> impl Strategy<Value = Multiplicity> {
    let name = || "[a-zA-Z 0-9]{0,4}";
    let passed = prop::collection::btree_map("[a-z]{1,3}", 0.0..1.0_f64, 0..3);
    let hypothesis = (name(), name(), name(), (name(), name()), prop::option::of(0.0..1.0_f64), passed).prop_map(
        |(name, outcome, at, (arm, versus), weight, passed)| {
            let hypothesis = Hypothesis::new(name).outcome(outcome).at(at).arms(arm, versus);
            let hypothesis = weight.into_iter().fold(hypothesis, Hypothesis::weight);
            passed.into_iter().fold(hypothesis, |hypothesis, (to, share)| hypothesis.passing(to, share))
        },
    );
    (choice::<Procedure>(), prop::option::of(0.001..0.2_f64), prop::collection::vec(hypothesis, 0..3))
        .prop_map(|(procedure, alpha, hypotheses)| Multiplicity { procedure, alpha, hypotheses })
}

fn subgroup() -> impl Strategy<Value = Subgroup> {
    let text = || prop_oneof![Just("Two\nlines".to_string()), ".{0,6}"];
    let labels = prop::collection::btree_map("[a-zA-Z 0-9]{1,4}", ".{0,4}", 0..3);
    (text(), text(), prop::collection::vec(-1e3..1e3_f64, 0..3), prop::collection::vec(text(), 0..3), labels).prop_map(
        |(factor, label, cut_points, groups, labels)| Subgroup { factor, label, cut_points, groups, labels: labels.into_iter().collect() },
    )
}

fn individual_change() -> impl Strategy<Value = IndividualChange> {
    let number = || -99.0..99.0_f64;
    let norm = move || prop::option::of((number(), number(), ".{0,6}").prop_map(|(mean, sd, source)| Norm::new(mean, sd).source(source)));
    let sd = prop_oneof![
        Just(Spread::BaselinePooled),
        Just(Spread::BaselineWhole),
        "[a-zA-Z ()]{0,6}".prop_map(Spread::BaselineOfArm),
        number().prop_map(Spread::Stated),
    ];
    let cut_off = prop_oneof![Just(CutOff::A), Just(CutOff::B), Just(CutOff::C), number().prop_map(CutOff::Score)];
    let reliability =
        (0.0..1.0_f64, choice::<ReliabilityKind>(), ".{0,6}").prop_map(|(r, kind, source)| Reliability::new(r, kind).source(source));
    let reliable = (prop::option::of((number(), ".{0,6}")), prop::option::of(reliability));
    let made = (choice::<ReliableChangeMethod>(), sd, 0.5..0.99_f64, choice::<ClassScheme>());
    let populations = (norm(), norm(), prop::option::of(cut_off));
    (".{0,6}", ".{0,6}", choice::<Better>(), reliable, made, populations).prop_map(
        |(outcome, label, better, (points, reliability), (method, sd, level, classes), (clinical, functional, cut_off))| {
            let (points, source) = points.map_or((1.0, None), |(points, source)| (points, Some(source)));
            let change = IndividualChange::by_points(outcome, better, points, source.clone().unwrap_or_default()).label(label).level(level);
            let change = change.method(method).sd(sd).classes(classes);
            let reliable_change = change.reliable_change.clone().filter(|_| source.is_some());
            IndividualChange { reliable_change, reliability, clinical, functional, cut_off, ..change }
        },
    )
}

fn instrument() -> impl Strategy<Value = InstrumentDefinition> {
    let shipped =
        ["pcl5", "phq9", "gad7", "whodas12"].map(|name| crate::instruments::Defined::shipped(name).expect("it comes with the crate"));
    let missing = prop_oneof![
        Just(MissingItems::MakeMissing),
        (0_usize..9).prop_map(|at_most| MissingItems::Prorate { at_most }),
        (0_u8..60).prop_map(|percent| MissingItems::ProrateShare { percent })
    ];
    (select(shipped.map(|made| made.definition().clone()).to_vec()), choice::<ScoreMethod>(), missing, any::<bool>())
        .prop_map(|(definition, score, missing, own)| if own { mood() } else { definition.score(score).missing_items(missing) })
}

fn report() -> impl Strategy<Value = ReportSettings> {
    let text = || prop::option::of(prop_oneof![Just("Two\nlines".to_string()), ".{0,9}"]);
    let labels = prop::collection::btree_map("[a-zA-Z 0-9]{1,4}", ".{0,4}", 0..3);
    let cells = prop_oneof![Just(SmallCells::Shown), (2_usize..12).prop_map(|below| SmallCells::Suppressed { below })];
    let made = (choice::<DataOrigin>(), any::<bool>(), cells);
    let made = (made, prop::collection::vec(choice::<DocumentKind>(), 0..3), choice::<ReportStyle>(), choice::<Paper>());
    (text(), text(), text(), made, prop::option::of(prop::collection::vec("[a-z]{1,4}", 0..3)), labels).prop_map(
        |(
            title,
            registration,
            banner,
            ((data, include_individual_data, small_cells), documents, style, paper),
            characteristics,
            labels,
        )| ReportSettings {
            title,
            registration,
            banner,
            data,
            characteristics,
            labels: labels.into_iter().collect(),
            include_individual_data,
            small_cells,
            documents,
            style,
            paper,
        },
    )
}

fn trial_plan() -> impl Strategy<Value = TrialPlan> {
    let text = || prop::option::of(prop_oneof![Just("Two\nlines".to_string()), ".{0,9}"]);
    let conditions = || prop::collection::vec(("[A-Z]{1,4}", ".{0,5}"), 0..3);
    let conditions =
        move || conditions().prop_map(|all| all.into_iter().map(|(column, value)| Condition::on(column).is(value)).collect::<Vec<_>>());
    (text(), text(), text(), (text(), text()), prop::collection::vec("[A-Z. ]{1,6}", 0..3), conditions(), conditions()).prop_map(
        |(title, registration, sponsor, (data, events), authors, population, subset)| TrialPlan {
            title,
            registration,
            sponsor,
            authors,
            data,
            events,
            population,
            subset,
        },
    )
}

fn estimand() -> impl Strategy<Value = Estimand> {
    let text = || prop_oneof![Just("everyone, \"as randomized\"".to_string()), ".{0,9}"];
    let event = (text(), choice::<EventStrategy>(), prop::option::of(text())).prop_map(|(event, strategy, reason)| IntercurrentEvent {
        event,
        strategy,
        reason,
    });
    let made = (choice::<SummaryMeasure>(), prop::option::of(choice::<Estimator>()), prop::collection::vec(event, 0..3));
    (text(), text(), text(), text(), text(), text(), made).prop_map(
        |(name, population, treatment, outcome, definition, at, (summary, estimated_by, intercurrent))| Estimand {
            name,
            population,
            treatment,
            outcome,
            definition,
            at,
            summary,
            estimated_by,
            intercurrent,
        },
    )
}

fn event() -> impl Strategy<Value = EventPlan> {
    use crate::imputation::{Composite, Strategy as Imputed};
    let column = || "[A-Z]{1,5}";
    let from = prop_oneof![
        column().prop_map(EventFrom::Visit),
        column().prop_map(EventFrom::Time),
        column().prop_map(EventFrom::Date),
        column().prop_map(EventFrom::Flag),
        Just(EventFrom::Dropout),
        Just(EventFrom::File),
    ];
    let value = prop_oneof![
        (-99.0..99.0).prop_map(Composite::Value),
        Just(Composite::Baseline),
        column().prop_map(Composite::Covariate),
        Just(Composite::Highest),
        Just(Composite::Lowest),
    ];
    let imputation = prop::option::of(select(vec![Imputed::Mar, Imputed::JumpToReference, Imputed::Causal { kept: 0.5, fading: 1.0 }]));
    let reasons = (prop::option::of(column()), prop::collection::vec("[a-z ]{1,6}", 0..3));
    let dates = (prop::option::of(column()), prop::option::of((column(), choice::<crate::imputation::TimeUnit>())));
    ("[a-z ]{0,6}", choice::<EventStrategy>(), from, (reasons, dates), imputation, prop::option::of(value)).prop_map(
        |(name, strategy, from, ((reason_column, reasons), (visit_dates, planned)), imputation, value)| EventPlan {
            visit_dates,
            start_date: planned.as_ref().map(|(column, _)| column.clone()),
            time_unit: planned.map(|(_, unit)| unit),
            reason_column,
            reasons,
            imputation,
            value,
            ..EventPlan::new(name, strategy, from)
        },
    )
}

prop_compose! {
    fn plans()(
        outcomes in (".{0,6}", prop::collection::vec("[a-z -]{1,5}", 0..3), prop_oneof![Just(String::new()), Just("12 months".to_string())]),
        baseline_from in prop_oneof![Just(BaselineFrom::Visit), "[a-z ()]{1,6}".prop_map(|name| BaselineFrom::Covariate(name.trim().to_string() + "x"))],
        level in prop_oneof![Just(0.95), 0.5..0.999],
        seed in prop_oneof![Just(1), 0..i64::MAX as u64],
        (trial, estimands, events) in
            (trial_plan().boxed(), prop::collection::vec(estimand().boxed(), 0..3), prop::collection::vec(event().boxed(), 0..3)).boxed(),
        layout in prop::option::of(layouts().boxed()).boxed(),
        model in models().boxed(),
        responders in (
            several::<Unobserved>(),
            prop::collection::vec(definition(), 0..3),
            prop::option::of(prop::collection::vec("[a-z ]{1,5}", 0..3)),
            choice::<PopulationVariance>(),
            prop::option::of(choice::<Randomization>()),
            prop::collection::vec("[a-z ]{1,5}", 0..3),
        ),
        effects in effects(),
        sensitivity in prop::collection::vec(sensitivity(), 0..2).boxed(),
        further in (
            prop::collection::vec((other_model(), "[a-z ]{0,3}", "[a-z ]{0,3}"), 0..2).boxed(),
            prop::option::of(multiplicity()).boxed(),
            prop::collection::vec(subgroup(), 0..2).boxed(),
            prop::collection::vec(individual_change(), 0..3).boxed(),
            prop::collection::vec(instrument(), 0..2).boxed(),
        ).boxed(),
        report in report().boxed(),
    ) -> Plan {
        let (primary, secondary, at) = outcomes;
        let (analyses, multiplicity, subgroups, individual_changes, instruments) = further;
        let analyses = analyses.into_iter().map(|(model, outcome, at)| model.outcome(outcome).at(at)).collect();
        let responders = ResponderPlan {
            unobserved: responders.0,
            definitions: responders.1,
            covariates: responders.2,
            variance: responders.3,
            randomization: responders.4,
            strata: responders.5,
        };
        Plan { primary, secondary, at, baseline_from, level, seed, trial, estimands, events, layout, model: model.of_outcome(""), responders, effects, sensitivity, analyses, multiplicity, subgroups, individual_changes, instruments, report }
    }
}

proptest! {
    #[test]
    fn every_plan_is_read_as_it_was_written(plan in plans()) {
        round_trip(&plan);
    }
}

/// What stands at a key of written plans, `model.df`, lists taken apart.
fn drawn(written: &[serde_json::Value], key: &str) -> BTreeSet<String> {
    fn collect(value: &serde_json::Value, path: &[&str], found: &mut BTreeSet<String>) {
        match (value, path) {
            (serde_json::Value::Array(values), _) => values.iter().for_each(|value| collect(value, path, found)),
            (serde_json::Value::String(text), []) => drop(found.insert(text.clone())),
            (serde_json::Value::Object(map), [first, rest @ ..]) => {
                map.get(*first).into_iter().for_each(|value| collect(value, rest, found));
            }
            _ => {}
        }
    }
    let (path, mut found) = (key.split('.').collect::<Vec<_>>(), BTreeSet::new());
    written.iter().for_each(|plan| collect(plan, &path, &mut found));
    found
}

/// Every choice but the default, which is left out of a file.
fn all_drawn<T: Choices>(written: &[serde_json::Value], key: &str, default: Option<&str>) {
    let found = drawn(written, key);
    let lacking = T::CHOICES.iter().map(|choice| choice.name).filter(|name| Some(*name) != default && !found.contains(*name));
    assert_eq!(lacking.collect::<Vec<_>>(), Vec::<&str>::new(), "{key}: no plan was drawn with these");
}

/// The name of a value's variant and those of all: a variant that is not listed does not compile.
macro_rules! variants {
    ($type:ident: $($variant:ident),+ $(,)?) => {
        (|value: &$type| match value { $($type::$variant { .. } => stringify!($variant)),+ }, [$(stringify!($variant)),+])
    };
}

#[test]
fn the_round_trips_draw_every_choice_and_every_variant() {
    let mut runner = TestRunner::deterministic();
    let mut draw = || plans().new_tree(&mut runner).expect("a plan").current();
    let plans: Vec<Plan> = (0..400).map(|_| draw()).collect();
    let written: Vec<serde_json::Value> = plans.iter().map(json).collect();
    all_drawn::<Baseline>(&written, "model.baseline", None);
    all_drawn::<Estimation>(&written, "model.estimation", Some("reml"));
    all_drawn::<Df>(&written, "model.df", Some("kenward-roger"));
    all_drawn::<InformationKind>(&written, "model.information", Some("observed"));
    all_drawn::<Vcov>(&written, "model.vcov", Some("model-based"));
    all_drawn::<Unobserved>(&written, "responders.unobserved", None);
    all_drawn::<PopulationVariance>(&written, "responders.variance", Some("ye"));
    all_drawn::<Randomization>(&written, "responders.randomization", None);
    all_drawn::<Meaning>(&written, "responders.definitions.meaning", Some("favourable"));
    all_drawn::<Denominator>(&written, "effects.denominator", Some("baseline-pooled"));
    all_drawn::<Correction>(&written, "effects.correction", Some("none"));
    all_drawn::<Positive>(&written, "effects.positive", Some("rise"));
    all_drawn::<IntervalMethod>(&written, "effects.intervals", None);
    all_drawn::<BootstrapInterval>(&written, "effects.bootstrap-interval", Some("percentile"));
    all_drawn::<EventStrategy>(&written, "estimand.intercurrent.strategy", None);
    all_drawn::<EventStrategy>(&written, "event.strategy", None);
    all_drawn::<SummaryMeasure>(&written, "estimand.summary", None);
    all_drawn::<Estimator>(&written, "estimand.estimated-by", None);
    all_drawn::<Procedure>(&written, "multiplicity.procedure", None);
    all_drawn::<ScoreMethod>(&written, "instrument.score", Some("sum"));
    all_drawn::<DataOrigin>(&written, "report.data", Some("patients"));
    all_drawn::<DocumentKind>(&written, "report.documents", None);
    all_drawn::<ReportStyle>(&written, "report.style", Some("apa"));
    all_drawn::<Paper>(&written, "report.paper", Some("a4"));
    all_drawn::<CovariateKind>(&written, "layout.covariates.kind", Some("inferred"));
    all_drawn::<Delimiter>(&written, "layout.delimiter", Some("comma"));
    all_drawn::<DecimalMark>(&written, "layout.decimal-mark", Some("point"));

    let (name, every) = variants!(Covariance: Unstructured, BandedUnstructured, Toeplitz, BandedToeplitz, HeterogeneousToeplitz,
        BandedHeterogeneousToeplitz, Autoregressive, HeterogeneousAutoregressive, AnteDependence, HeterogeneousAnteDependence,
        Independent, IndependentBy, CompoundSymmetry, HeterogeneousCompoundSymmetry, HuynhFeldt, FactorAnalytic, FactorAnalyticCommonVariance,
        SpatialExponential, SpatialGaussian, SpatialPower, RandomIntercept, RandomInterceptSlope, RandomCoefficients, Custom);
    let found: BTreeSet<&str> = plans.iter().flat_map(|plan| plan.model.fallbacks()).map(name).collect();
    // A custom structure has no name that a file could hold.
    assert_eq!(every.iter().filter(|name| !found.contains(*name)).collect::<Vec<_>>(), [&"Custom"]);

    let (name, every) = variants!(Rule: PointDrop, PointRise, PercentDrop, ReliableDrop, Below, AtMost, AtLeast, CovariateBelow,
        DiagnosisMet, DiagnosisNotMet, All, Any);
    let definitions = plans.iter().flat_map(|plan| &plan.responders.definitions);
    let found: BTreeSet<&str> = definitions.flat_map(|d| std::iter::once(&d.rule).chain(&d.required_at_baseline)).map(name).collect();
    assert_eq!(every.into_iter().filter(|name| !found.contains(name)).collect::<Vec<_>>(), Vec::<&str>::new());

    let (name, every) = variants!(SmallCells: Shown, Suppressed);
    assert_eq!(plans.iter().map(|plan| name(&plan.report.small_cells)).collect::<BTreeSet<_>>(), every.into_iter().collect());
    let (name, every) = variants!(BaselineFrom: Visit, Covariate);
    assert_eq!(plans.iter().map(|plan| name(&plan.baseline_from)).collect::<BTreeSet<_>>(), every.into_iter().collect());
    let (name, every) = variants!(Sensitivity: Clusters, Model, Imputation, TippingPoint, Population);
    assert_eq!(plans.iter().flat_map(|plan| &plan.sensitivity).map(name).collect::<BTreeSet<_>>(), every.into_iter().collect());
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
