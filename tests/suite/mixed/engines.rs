//! One model, two engines: a random intercept of the patients is an exchangeable covariance of their visits, a random
//! slope too is a covariance of visits. As random effects they are fitted by sparse factorisation, as covariances
//! with the clusters as penalised columns.

use crate::common::clustered as trials;
use crate::common::tolerances::{ENGINES, ENGINES_DF, ENGINES_LIKELIHOOD};
use crate::common::{Comparison, assert_all};
use trialstats::fit::Engine;
use trialstats::inference::InformationKind;
use trialstats::{Df, Estimation, Fit, Model};

/// Data, mean, random effects of clusters.
const MODELS: [(&str, &str, &str); 13] = [
    ("nested3", "y_patient ~ severity + arm_patient * visit", "(1 | group)"),
    ("nested3", "y_group ~ severity + arm_group * visit", "(1 | group)"),
    ("nested3", "y_patient ~ severity + arm_patient * months", "(1 + months | group)"),
    ("nested3", "y_patient ~ severity + arm_patient * months", "(1 + months || group)"),
    ("nested3", "y_group ~ severity + arm_group * months", "(1 + months | group)"),
    ("crossed", "y ~ arm * days", "(1 | therapist) + (1 | site)"),
    ("crossed", "y ~ arm * days", "(1 | therapist) + (1 | site) + (1 | site:therapist)"),
    ("crossed", "y ~ arm * days", "(1 + days || site) + (1 | therapist)"),
    ("partially_nested", "y ~ baseline + arm * visit", "(1 | therapist) + (0 + gst | group)"),
    ("partially_nested", "y ~ baseline + arm * visit", "(1 + arm | therapist)"),
    ("small_clusters", "y ~ arm * visit", "(1 | group)"),
    ("balanced", "y ~ arm * visit", "(1 | group)"),
    ("imrs_gst", "caps5 ~ baseline + site + arm * visit", "(1 | therapist) + (1 | therapy_group)"),
];

const METHODS: [(Estimation, Df, InformationKind); 5] = [
    (Estimation::Ml, Df::Satterthwaite, InformationKind::Observed),
    (Estimation::Reml, Df::Satterthwaite, InformationKind::Observed),
    (Estimation::Reml, Df::Satterthwaite, InformationKind::Expected),
    (Estimation::Reml, Df::KenwardRoger, InformationKind::Observed),
    (Estimation::Reml, Df::KenwardRoger, InformationKind::Expected),
];

fn compare(c: &mut Comparison, sparse: &Fit, columns: &Fit) {
    c.same("the first engine", sparse.convergence().engine, Engine::SparseEffects);
    c.same("the second engine", columns.convergence().engine, Engine::DenseEffects);
    c.within("log-likelihood", columns.log_likelihood(), sparse.log_likelihood(), ENGINES_LIKELIHOOD);
    for (a, b) in sparse.coefficients().rows.iter().zip(columns.coefficients().rows) {
        c.within(&format!("{} estimate", a.label), b.estimate, a.estimate, ENGINES * a.se);
        c.relative(&format!("{} SE", a.label), b.se, a.se, ENGINES);
        c.relative(&format!("{} df", a.label), b.df, a.df, ENGINES_DF);
    }
    let (of_sparse, of_columns) = (sparse.random_effects(), columns.random_effects());
    c.same("there are effects", of_columns.rows.is_empty(), false);
    for b in &of_columns.rows {
        let name = format!("{} of {} {}", b.effect, b.factor, b.level);
        let a = of_sparse.get(&b.factor, &b.level, &b.effect).expect("the same effect");
        c.within(&name, b.estimate, a.estimate, ENGINES * a.se.max(1e-6));
        c.within(&format!("{name}: SE"), b.se, a.se, ENGINES * a.se.max(1e-6));
    }
}

/// `of_patients` as random effects, `within` as the covariance of the visits.
fn agree(models: &[(&str, &str, &str)], of_patients: &str, within: &str) {
    assert_all(models.iter().flat_map(|model| METHODS.map(|method| (model, method))).map(|((data, mean, random), method)| {
        let (estimation, df, information) = method;
        let trial = trials::trial(data, mean);
        let fit = |patients: &str| {
            let formula = format!("{mean} + {random} + {patients}");
            let model = Model::formula(&formula).expect("a formula").estimation(estimation).df(df).information(information);
            model.fit(&trial).map_err(|e| format!("{formula}: {e}"))
        };
        let mut c = Comparison::of(format!("{data}: {mean} + {random}, {df}, {information}, {estimation:?}"));
        match (fit(of_patients), fit(within)) {
            (Ok(sparse), Ok(columns)) => compare(&mut c, &sparse, &columns),
            (sparse, columns) => c.same("outcome", columns.map(|_| ()), sparse.map(|_| ())),
        }
        c
    }));
}

#[test]
fn a_random_intercept_is_an_exchangeable_covariance() {
    agree(&MODELS, "(1 | patient)", "cs(visit | patient)");
}

/// Slopes of patients on the scheduled times.
#[test]
fn a_random_slope_is_a_covariance_of_visits() {
    let models = [
        ("nested3", "y_patient ~ severity + arm_patient * time", "(1 | group)"),
        ("nested3", "y_patient ~ severity + arm_patient * time", "(1 + time | group)"),
        ("partially_nested", "y ~ baseline + arm * time", "(1 | therapist) + (0 + gst | group)"),
        ("partially_nested", "y ~ baseline + arm * visit", "(1 | therapist) + (0 + gst + gst:time | group)"),
    ];
    agree(&models, "(1 + time | patient)", "random-intercept-slope(visit | patient)");
}
