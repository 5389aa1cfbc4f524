//! Sensitivity analyses, further ones, hypotheses and subgroups of plans drawn at random.

use super::choice;
use crate::analysis::plan::*;
use crate::multiplicity::Procedure;
use crate::trial::Condition;
use proptest::prelude::*;
use proptest::sample::select;

pub(super) fn clustering() -> impl Strategy<Value = Sensitivity> {
    let name = || prop_oneof![Just("therapy group".to_string()), "[a-z]{1,4}"];
    (prop::option::of(name()), name()).prop_map(|(groups, therapists)| {
        let clustering = groups.into_iter().fold(Clustering::new(), Clustering::groups);
        Sensitivity::Clusters(clustering.therapists(therapists))
    })
}

pub(super) fn other_model() -> impl Strategy<Value = OtherModel> {
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

pub(super) fn imputation() -> impl Strategy<Value = ImputationPlan> {
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

pub(super) fn tipping_of() -> impl Strategy<Value = Vec<TippingOf>> {
    let one = prop_oneof![Just(TippingOf::Difference), Just(TippingOf::EffectSize), "[a-z]{1,5}".prop_map(TippingOf::Definition)];
    prop::collection::vec(one, 1..3)
}

pub(super) fn population() -> impl Strategy<Value = PopulationPlan> {
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

pub(super) fn sensitivity() -> impl Strategy<Value = Sensitivity> {
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

pub(super) fn multiplicity() -> impl Strategy<Value = Multiplicity> {
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

pub(super) fn subgroup() -> impl Strategy<Value = Subgroup> {
    let text = || prop_oneof![Just("Two\nlines".to_string()), ".{0,6}"];
    let labels = prop::collection::btree_map("[a-zA-Z 0-9]{1,4}", ".{0,4}", 0..3);
    (text(), text(), prop::collection::vec(-1e3..1e3_f64, 0..3), prop::collection::vec(text(), 0..3), labels).prop_map(
        |(factor, label, cut_points, groups, labels)| Subgroup { factor, label, cut_points, groups, labels: labels.into_iter().collect() },
    )
}
