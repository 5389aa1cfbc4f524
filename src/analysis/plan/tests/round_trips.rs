//! What is written is read again, and what is drawn for it is everything that there is.

use super::drawn::plans;
use super::{json, round_trip};
use crate::analysis::plan::*;
use crate::analysis::{DocumentKind, Paper, ReportStyle};
use crate::bootstrap::BootstrapInterval;
use crate::effects::{Correction, IntervalMethod};
use crate::generalized::{PopulationVariance, Randomization};
use crate::inference::{InformationKind, Vcov};
use crate::instruments::ScoreMethod;
use crate::multiplicity::Procedure;
use crate::options::Choices;
use crate::responders::{Meaning, Rule};
use crate::trial::{CovariateKind, DecimalMark, Delimiter};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;

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
