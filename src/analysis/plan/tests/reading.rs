//! Everything that a plan can say is read from a file.

use super::whole::mood;
use super::{WHOLE, json, round_trip};
use crate::analysis::plan::*;
use crate::analysis::{DocumentKind, Paper, ReportSettings, ReportStyle};
use crate::bootstrap::BootstrapInterval;
use crate::change::{ClassScheme, CutOff, IndividualChange, Norm, Reliability, ReliabilityKind, ReliableChangeMethod, Spread};
use crate::generalized::{PopulationVariance, Randomization};
use crate::means::Better;
use crate::multiplicity::Procedure;
use crate::responders::{Meaning, Occasion, Rule, presets};
use crate::trial::Condition;

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
