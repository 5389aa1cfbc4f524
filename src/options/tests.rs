use super::{Choices, plain};
use crate::error::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::path::Path;
use std::str::FromStr;

/// Name, aliases and JSON of every value lead back to it, and no two values share a spelling.
fn check<T>()
where
    T: Choices + Debug + Display + FromStr<Err = Error> + Serialize + DeserializeOwned,
{
    let mut spellings = BTreeSet::new();
    for choice in T::CHOICES {
        let name = choice.name;
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name} is not in kebab-case");
        assert!(!choice.meaning.is_empty(), "{name} says nothing of itself");
        assert_eq!((choice.value.name(), choice.value.to_string().as_str()), (name, name));
        for spelling in choice.aliases.iter().chain([&name, &name.to_uppercase().as_str(), &name.replace('-', "_").as_str()]) {
            assert_eq!(&spelling.parse::<T>().expect("a name"), &choice.value, "{spelling}");
        }
        assert_eq!(serde_json::to_value(&choice.value).expect("serialisable"), name);
        assert_eq!(serde_json::from_value::<T>(name.into()).expect("a name"), choice.value);
        for spelling in choice.aliases.iter().chain([&name]) {
            assert!(spellings.insert(plain(spelling)), "{spelling} means two values of {}", T::CHOSEN);
        }
    }
    let Err(Error::Unknown { kind, name, known }) = "no such choice".parse::<T>() else { panic!("{} takes anything", T::CHOSEN) };
    assert_eq!((kind, name.as_str()), (T::CHOSEN, "no such choice"));
    assert_eq!(known, T::CHOICES.iter().map(|c| c.name).collect::<Vec<_>>());
    assert!(serde_json::from_str::<T>("\"no such choice\"").is_err());
}

macro_rules! check_all {
    ($($type:ty),+ $(,)?) => {
        /// The enums that are checked, by the last part of their path.
        const CHECKED: &[&str] = &[$(stringify!($type)),+];

        #[test]
        fn every_choice_round_trips() {
            $(check::<$type>();)+
        }
    };
}

check_all![
    crate::GroupEffect,
    crate::WithinArms,
    crate::analysis::ClusterModel,
    crate::analysis::DataOrigin,
    crate::analysis::Estimator,
    crate::analysis::EventStrategy,
    crate::analysis::SummaryMeasure,
    crate::analysis::DocumentKind,
    crate::analysis::Origin,
    crate::analysis::Paper,
    crate::analysis::ReportStyle,
    crate::bootstrap::BootstrapInterval,
    crate::bootstrap::Resampling,
    crate::covariance::Decay,
    crate::covariance::RandomTerms,
    crate::design::Baseline,
    crate::design::CovariateMeans,
    crate::design::EffectCovariance,
    crate::design::FactorWeights,
    crate::effects::RawScores,
    crate::effects::Correction,
    crate::effects::Denominator,
    crate::effects::GroupSize,
    crate::effects::HedgesForm,
    crate::effects::IntervalMethod,
    crate::effects::Positive,
    crate::estimates::Link,
    crate::fit::Estimation,
    crate::imputation::DeltaScale,
    crate::imputation::Intermittent,
    crate::imputation::Variance,
    crate::inference::CovarianceIntervalMethod,
    crate::inference::CovarianceOnDeletion,
    crate::inference::CovarianceQuantity,
    crate::inference::Df,
    crate::inference::InformationKind,
    crate::inference::ParameterCount,
    crate::inference::PredictionKind,
    crate::inference::Vcov,
    crate::inference::VisitStatus,
    crate::instruments::Criterion,
    crate::instruments::Diagnosis,
    crate::instruments::Disorder,
    crate::instruments::ScoreMethod,
    crate::analysis::OtherModelsRole,
    crate::analysis::ObservedAt,
    crate::analysis::PopulationStep,
    crate::imputation::DatePlace,
    crate::imputation::TimeUnit,
    crate::multiplicity::Procedure,
    crate::means::Adjustment,
    crate::means::Basis,
    crate::means::Better,
    crate::means::Family,
    crate::means::TestType,
    crate::analysis::AnalysedBy,
    crate::generalized::AlphaConvention,
    crate::generalized::Family,
    crate::generalized::GeeDf,
    crate::generalized::GeeVcov,
    crate::generalized::GlmVcov,
    crate::generalized::MixedDf,
    crate::generalized::MixedVcov,
    crate::generalized::Penalty,
    crate::generalized::Population,
    crate::generalized::PopulationMeasure,
    crate::generalized::PopulationVariance,
    crate::generalized::Randomization,
    crate::generalized::WeightLevel,
    crate::generalized::WorkingCorrelation,
    crate::generalized::CategoryRange,
    crate::generalized::OrdinalVcov,
    crate::imputation::CovariancePrior,
    crate::study::Arrivals,
    crate::study::BlindedVariance,
    crate::imputation::DrawMethod,
    crate::imputation::ResampledInterval,
    crate::proportions::Alternative,
    crate::proportions::Claim,
    crate::proportions::DifferenceMethod,
    crate::proportions::MarginMethod,
    crate::proportions::OddsRatioMethod,
    crate::proportions::ProportionMethod,
    crate::proportions::RatioMeasure,
    crate::proportions::RatioMethod,
    crate::proportions::ScoreType,
    crate::proportions::StratifiedDifferenceMethod,
    crate::proportions::TestMethod,
    crate::change::ChangeCategory,
    crate::change::ChangeClass,
    crate::change::ClassScheme,
    crate::change::CurveScale,
    crate::change::CurveSteps,
    crate::change::ReliabilityKind,
    crate::change::ReliableChangeMethod,
    crate::error::Refusal,
    crate::report::figure::ForestScale,
    crate::responders::Assumption,
    crate::responders::Direction,
    crate::responders::Meaning,
    crate::responders::Occasion,
    crate::responders::Status,
    crate::responders::Unobserved,
    crate::responders::ZeroCells,
    crate::responders::presets::ReliableChange,
    crate::study::Find,
    crate::study::analytic::Reference,
    crate::study::analytic::Sides,
    crate::trial::CovariateKind,
    crate::trial::DecimalMark,
    crate::qualify::Measure,
    crate::trial::FileFormat,
    crate::trial::Delimiter,
    crate::trial::Kind,
    crate::trial::LeftOutOf,
    crate::trial::PatternKind,
    crate::trial::Preset,
    crate::trial::Role,
    crate::trial::Scope,
    crate::trial::WarningKind,
    crate::trial::condition::Presence,
];

/// A table of choices that nobody checks would be found here.
#[test]
fn every_table_of_choices_is_checked() {
    let mut tables = BTreeSet::new();
    visit(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut |text| {
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line.trim().trim_start_matches("crate::options::") == "choices! {" {
                tables.insert(lines.next().and_then(|l| l.split(',').next()).expect("a type").trim().to_string());
            }
        }
    });
    let checked: BTreeSet<String> = CHECKED.iter().filter_map(|path| path.rsplit("::").next()).map(|t| t.trim().to_string()).collect();
    assert_eq!(tables, checked);
}

fn visit(folder: &Path, look: &mut impl FnMut(&str)) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => visit(&path, look),
            false => look(&std::fs::read_to_string(&path).unwrap_or_default()),
        }
    }
}

/// Choices that carry the name of something.
#[test]
fn choices_with_a_name_in_brackets_round_trip() {
    fn check<T: Debug + Display + PartialEq + FromStr<Err = Error> + Serialize + DeserializeOwned>(value: T, name: &str, aliases: &[&str]) {
        assert_eq!(value.to_string(), name);
        for spelling in aliases.iter().chain([&name]) {
            assert_eq!(spelling.parse::<T>().expect("a name"), value, "{spelling}");
        }
        assert_eq!(serde_json::to_value(&value).expect("serialisable"), name);
        assert_eq!(serde_json::from_value::<T>(name.into()).expect("a name"), value);
        assert!(matches!("nothing(of the kind)".parse::<T>(), Err(Error::Unknown { .. })));
        assert!(matches!("nothing".parse::<T>(), Err(Error::Unknown { .. })));
    }
    use crate::design::Clusters;
    use crate::means::ArmComparisons;
    use crate::trial::BaselineFrom;
    check(ArmComparisons::WithReference, "with-reference", &["WITH_REFERENCE"]);
    check(ArmComparisons::Pairwise, "pairwise", &[]);
    check(ArmComparisons::With("A (high) - B".into()), "with(A (high) - B)", &["With(A (high) - B)"]);
    check(Clusters::Highest, "highest", &[]);
    check(Clusters::Patients, "patients", &["Patients"]);
    check(Clusters::by("THERAPIST:SITE"), "factor(THERAPIST:SITE)", &["by(THERAPIST:SITE)"]);
    check(BaselineFrom::Visit, "visit", &[]);
    check(BaselineFrom::Covariate("BASE (raw)".into()), "covariate(BASE (raw))", &[]);
}

#[test]
fn joint_covariances_round_trip() {
    use crate::joint::JointCovariance;
    let spellings = [
        ("unstructured", "unstructured"),
        ("UN", "unstructured"),
        ("kronecker(autoregressive)", "kronecker(autoregressive)"),
        ("UN@AR(1)", "kronecker(autoregressive)"),
        ("un@cs", "kronecker(compound-symmetry)"),
        ("kronecker(toeplitz(2))", "kronecker(toeplitz(2))"),
    ];
    for (spelling, name) in spellings {
        let covariance: JointCovariance = spelling.parse().expect("a name");
        assert_eq!(covariance.to_string(), name);
        let json = serde_json::to_string(&covariance).expect("serialisable");
        assert_eq!(serde_json::from_str::<JointCovariance>(&json).expect("a name").to_string(), name);
    }
    for wrong in ["kronecker", "kronecker(spiral)", "cs@un", "spiral"] {
        assert!(wrong.parse::<JointCovariance>().is_err(), "{wrong}");
    }
}

/// Options that carry numbers are objects with a kebab-case tag.
#[test]
fn options_with_numbers_are_tagged_objects() {
    use crate::change::{CutOff, Spread};
    use crate::instruments::MissingItems;
    use crate::means::{Better, Margin};
    fn check<T: Debug + PartialEq + Serialize + DeserializeOwned>(value: T, json: serde_json::Value) {
        assert_eq!(serde_json::to_value(&value).expect("serialisable"), json);
        assert_eq!(serde_json::from_value::<T>(json).expect("read back"), value);
    }
    let margin = Margin::NonInferiority { margin: 2.5, better: Better::Lower };
    check(margin, serde_json::json!({ "non-inferiority": { "margin": 2.5, "better": "lower" } }));
    check(Margin::Equivalence { lower: -1.0, upper: 2.0 }, serde_json::json!({ "equivalence": { "lower": -1.0, "upper": 2.0 } }));
    check(Spread::Stated(13.0), serde_json::json!(13.0));
    check(Spread::BaselineOfArm("A (1)".into()), serde_json::json!("arm(A (1))"));
    check(Spread::BaselineWhole, serde_json::json!("baseline-whole"));
    check(CutOff::C, serde_json::json!("c"));
    check(CutOff::Score(-8.5), serde_json::json!(-8.5));
    check(MissingItems::MakeMissing, serde_json::json!("make-missing"));
    check(MissingItems::Prorate { at_most: 2 }, serde_json::json!({ "prorate": { "at-most": 2 } }));
}
