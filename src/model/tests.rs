use super::*;
use crate::covariance::{Coordinates, RandomTerms};
use crate::design::RandomEffects;
use proptest::prelude::*;
use proptest::sample::select;

fn json(model: &Model) -> serde_json::Value {
    serde_json::to_value(model).expect("it can be written")
}

/// Written and read again, in both formats.
fn round_trip(model: &Model) {
    let once = serde_json::to_string(model).expect("it can be written");
    let read: Model = serde_json::from_str(&once).unwrap_or_else(|error| panic!("{error}: {once}"));
    assert_eq!((&read, read.mean.stated_baseline()), (model, model.mean.stated_baseline()), "{once}");
    assert_eq!(serde_json::to_string(&read).expect("it can be written"), once);
    let once = toml::to_string(model).expect("it can be written");
    let read: Model = toml::from_str(&once).unwrap_or_else(|error| panic!("{error}{once}"));
    assert_eq!(&read, model, "{once}");
    assert_eq!(toml::to_string(&read).expect("it can be written"), once);
}

fn refused(text: &str) -> String {
    crate::written::explained(toml::from_str::<Model>(text).expect_err("it is wrong").message())
}

#[test]
fn everything_that_a_model_can_say_is_read_from_a_file() {
    let written = r#"
        formula = "caps5 ~ baseline + site + arm * visit"
        baseline = "constrained"
        random = ["(1 | therapist)", "(0 + gst | group)", "(1 + time || `study site`:ward)"]
        covariance = "heterogeneous-toeplitz(3)"
        covariance-else = ["toeplitz", "random-intercept + autoregressive", "factor-analytic(2)"]
        covariance-by = "arm"
        estimation = "ml"
        df = "between-within"
        information = "expected"
        vcov = "cr2"
        clusters = "factor(therapist)"
        allow-costly = true
        weights = "w"
        visits = ["3 months", "12 months"]
    "#;
    let read: Model = toml::from_str(written).expect("it can be read");
    let residual = Covariance::RandomIntercept.with_residual(Covariance::Autoregressive).expect("it goes");
    let built = Model::new(MeanModel::outcome("caps5").covariate("baseline").covariate("site").arm_by_visit())
        .baseline(Baseline::Constrained)
        .random_intercept("therapist")
        .random(RandomEffects::of("group").without_intercept().effect("gst"))
        .random(RandomEffects::of("ward").within("study site").effect("time").independent())
        .covariance(Covariance::BandedHeterogeneousToeplitz { bands: 3 })
        .covariance_else([Covariance::Toeplitz, residual, Covariance::FactorAnalytic { factors: 2 }])
        .covariance_by("arm")
        .estimation(Estimation::Ml)
        .df(Df::BetweenWithin)
        .information(InformationKind::Expected)
        .vcov(Vcov::Cr2)
        .clusters(Clusters::by("therapist"))
        .allow_costly(true)
        .weights("w")
        .visits(["3 months", "12 months"]);
    assert_eq!(read, built);
    round_trip(&built);
}

#[test]
fn a_formula_may_say_all_of_it() {
    let read = |text: &str| -> Model { serde_json::from_value(serde_json::json!({ "formula": text })).expect("it can be read") };
    let whole = "y ~ arm * visit + (1 | site) + ar1h(visit | arm / patient)";
    assert_eq!(read(whole), Model::formula(whole).expect("a formula"));
    assert_eq!(json(&read(whole))["covariance"], "heterogeneous-autoregressive");
    // Names of the file for visit and patient stay in the formula.
    let named = "y ~ ARMCD * AVISIT + us(AVISIT | USUBJID)";
    assert_eq!(json(&read(named)), serde_json::json!({ "formula": named }));
    assert_eq!(json(&Model::default()), serde_json::json!({}));
    assert_eq!(read("arm * visit"), Model::default());
    assert_eq!(json(&read("site + arm * visit"))["formula"], "site + arm * visit");
    assert_eq!(read("`a~b` + visit").to_string(), "~ `a~b` + visit");
}

#[test]
fn any_name_is_the_name_of_an_outcome() {
    for name in ["CAPS-5 total", "a~b", "`", "x``y", "1st", "ü (%)", " "] {
        let model = Model::default().of_outcome(name);
        let again = Model::formula(&model.to_string()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(again.mean().outcome_name(), name);
        round_trip(&model);
    }
    assert!(MeanModel::parse("y ~ `` + x").expect_err("no name").to_string().contains("no name between"));
    assert!(MeanModel::parse("y ~ `a").expect_err("no end").to_string().contains("no closing backquote"));
}

#[test]
fn a_model_without_an_outcome_is_refused_when_it_is_fitted() {
    let trial = crate::simulate::Gaussian::new(["a", "b"]).arm("x", 9, [0.0, 1.0]).arm("z", 9, [0.0, 1.0]).trial(1, 0).expect("a trial");
    let error = Model::default().fit(&trial).expect_err("there is no outcome");
    assert!(error.to_string().contains("`~ arm * visit`: it names no outcome"), "{error}");
    assert!(Model::default().of_outcome("y").fit(&trial).is_ok());
}

#[test]
fn what_a_file_gets_wrong_is_named_with_what_was_meant() {
    for (text, says) in [
        ("covarince = 'us'", "no key `covarince`; did you mean `covariance`?"),
        ("covariance = 'unstructred'", "did you mean `unstructured`?"),
        ("df = 'kenwardroger3'", "did you mean `kenward-roger`?"),
        ("formula = 'y ~ us(visit | patient)'\ncovariance = 'us'", "`covariance` states it again"),
        ("formula = 'y ~ us(visit | arm / patient)'\ncovariance-by = 'arm'", "`covariance-by` states it again"),
        ("random = ['site']", "these are no random effects"),
        ("random = ['(1 | a / b)']", "these are several random effects"),
        ("random = ['x + (1 | a)']", "stand here alone"),
        ("formula = 'a * * b'", "at character 5"),
    ] {
        let message = refused(text);
        assert!(message.contains(says), "{text}: {message}");
    }
}

#[test]
fn a_structure_of_ones_own_cannot_be_written() {
    #[derive(Debug)]
    struct Own;
    impl crate::covariance::CovarianceFamily for Own {
        fn name(&self) -> String {
            "mine".into()
        }
        fn bind(&self, _: &[Option<f64>]) -> Result<Box<dyn crate::covariance::CovarianceStructure>> {
            Err(Error::invalid("mine", "is not bound", "in this test"))
        }
    }
    let custom = Covariance::Custom(std::sync::Arc::new(Own));
    let error = serde_json::to_string(&Model::default().covariance(custom.clone())).expect_err("it has no name");
    assert!(error.to_string().contains("`mine` is made in Rust"), "{error}");
    assert!(serde_json::to_string(&Model::default().covariance_else([custom])).is_err());
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![Just("site".to_string()), Just("visit date".into()), Just("`~`".into()), Just("arm".into()), "[a-z]{1,4}"]
}

fn covariance() -> impl Strategy<Value = Covariance> {
    use Covariance::{
        AnteDependence, Autoregressive, BandedHeterogeneousToeplitz, BandedToeplitz, BandedUnstructured, CompoundSymmetry, FactorAnalytic,
        FactorAnalyticCommonVariance, HeterogeneousAnteDependence, HeterogeneousAutoregressive, HeterogeneousCompoundSymmetry,
        HeterogeneousToeplitz, HuynhFeldt, Independent, IndependentBy, RandomCoefficients, RandomIntercept, RandomInterceptSlope,
        SpatialExponential, SpatialGaussian, SpatialPower, Toeplitz, Unstructured,
    };
    let days = || Coordinates::columns(["days", "depth"]);
    let level = |residual| RandomCoefficients { coefficients: RandomTerms::Intercept, residual: Box::new(residual) };
    let slope = |residual| RandomCoefficients { coefficients: RandomTerms::InterceptSlope, residual: Box::new(residual) };
    select(vec![
        Unstructured,
        BandedUnstructured { bands: 2 },
        Toeplitz,
        BandedToeplitz { bands: 3 },
        HeterogeneousToeplitz,
        BandedHeterogeneousToeplitz { bands: 1 },
        Autoregressive,
        HeterogeneousAutoregressive,
        AnteDependence,
        HeterogeneousAnteDependence,
        Independent,
        IndependentBy { factor: "treatment".into(), levels: vec![] },
        CompoundSymmetry,
        HeterogeneousCompoundSymmetry,
        HuynhFeldt,
        FactorAnalytic { factors: 2 },
        FactorAnalyticCommonVariance { factors: 1 },
        SpatialExponential(Coordinates::VisitTime),
        SpatialExponential(days()),
        SpatialGaussian(Coordinates::VisitTime),
        SpatialPower(Coordinates::VisitTime),
        SpatialGaussian(days()),
        SpatialPower(days()),
        RandomIntercept,
        RandomInterceptSlope,
        slope(HeterogeneousToeplitz),
        level(Autoregressive),
        slope(BandedUnstructured { bands: 1 }),
    ])
}

fn random() -> impl Strategy<Value = RandomEffects> {
    let terms = prop::collection::vec(prop::collection::vec(word(), 1..3), 0..3);
    (word(), prop::option::of(word()), terms, any::<bool>(), any::<bool>()).prop_map(|(factor, outer, terms, intercept, independent)| {
        let mut effects = outer.into_iter().filter(|outer| *outer != factor).fold(RandomEffects::of(&factor), RandomEffects::within);
        for term in &terms {
            effects = effects.interaction(&term.iter().map(String::as_str).collect::<Vec<_>>());
        }
        effects = if intercept || terms.is_empty() { effects } else { effects.without_intercept() };
        if independent { effects.independent() } else { effects }
    })
}

prop_compose! {
    /// Any model without a custom structure.
    pub(crate) fn models()(
        terms in prop::collection::vec(prop::collection::vec(word(), 1..4), 0..4),
        outcome in prop_oneof![Just(String::new()), "[A-Z]{3}", Just("CAPS-5 total".into())],
        intercept in any::<bool>(),
        baseline in prop::option::of(select(vec![Baseline::Covariate, Baseline::Constrained, Baseline::Response])),
        random in prop::collection::vec(random(), 0..3),
        covariances in (prop::option::of(covariance()), prop::collection::vec(covariance(), 0..3), prop::option::of(word())),
        estimation in select(vec![Estimation::Reml, Estimation::Ml]),
        df in select(vec![Df::Satterthwaite, Df::KenwardRoger, Df::KenwardRogerLinear, Df::KenwardRoger2, Df::BetweenWithin, Df::Residual, Df::Asymptotic]),
        information in select(vec![InformationKind::Observed, InformationKind::Expected]),
        vcov in select(<Vcov as crate::options::Choices>::CHOICES.iter().map(|c| c.value).collect::<Vec<_>>()),
        clusters in prop_oneof![Just(Clusters::Highest), Just(Clusters::Patients), word().prop_map(Clusters::by)],
        rest in (prop::option::of(word()), prop::option::of(prop::collection::vec(word(), 0..3)), any::<bool>()),
    ) -> Model {
        let mut mean = MeanModel::outcome(outcome);
        for term in &terms {
            mean = mean.effect(&term.iter().map(String::as_str).collect::<Vec<_>>());
        }
        mean = if intercept { mean } else { mean.without_intercept() };
        mean = baseline.into_iter().fold(mean, MeanModel::with_baseline);
        let (covariance, fallbacks, group) = covariances;
        let (weights, visits, named) = rest;
        let mut model = random.into_iter().fold(Model::new(mean), Model::random).covariance_else(fallbacks);
        model = covariance.into_iter().fold(model, Model::covariance);
        model = group.into_iter().fold(model, Model::covariance_by);
        model = weights.into_iter().fold(model, Model::weights);
        model = visits.into_iter().fold(model, Model::visits);
        // As a formula has them: the visit's name stands in the place of spatial coordinates.
        let spatial = |c: &Covariance| c.at_columns(&[]).is_some();
        match model.covariance.as_ref().filter(|_| named).map(spatial) {
            Some(true) => model.within = Some(formula::WithinNames::of("visit", "the patient")),
            Some(false) => model.within = Some(formula::WithinNames::of("AVISIT", "the patient")),
            None => {}
        }
        model.estimation(estimation).df(df).information(information).vcov(vcov).clusters(clusters)
    }
}

proptest! {
    #[test]
    fn every_model_is_read_as_it_was_written(model in models()) {
        round_trip(&model);
    }
}
