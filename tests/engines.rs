//! One model of random effects by both engines: sums over patterns and clusters, and sparse cross products. They share no arithmetic.

use trialstats::inference::InformationKind;
use trialstats::instruments::Caps5;
use trialstats::{Covariance, Df, Estimation, Fit, Layout, Model, Trial};

fn trial() -> Trial {
    Layout::long("patient", "arm", "visit")
        .visit_time("month")
        .reference_arm("ImRs")
        .baseline_visit("baseline")
        .covariate("site")
        .covariate("age")
        .cluster("therapist")
        .cluster("therapy_group")
        .instrument(Caps5::default())
        .read_csv("data-samples/imrs_gst/imrs_gst.csv")
        .expect("reads")
}

/// Between two optima that are each exact to rounding.
const CLOSE: f64 = 1e-7;

fn close(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= CLOSE * scale || (a.is_nan() && b.is_nan())
}

#[test]
fn both_engines_agree() {
    let trial = trial();
    let formulas = [
        "caps5 ~ baseline + site + arm * visit + (1 | therapist) + (1 | therapy_group)",
        "caps5 ~ baseline + arm * time + (1 + time || therapist)",
        "caps5 ~ baseline + arm + age + (1 + age | therapist)",
    ];
    for formula in formulas {
        for estimation in [Estimation::Reml, Estimation::Ml] {
            for kind in [InformationKind::Observed, InformationKind::Expected] {
                for df in [Df::Satterthwaite, Df::KenwardRoger] {
                    if estimation == Estimation::Ml && df == Df::KenwardRoger {
                        continue;
                    }
                    let fit = |covariance| -> Fit {
                        let model = Model::formula(formula).expect("parses").covariance(covariance);
                        model.estimation(estimation).information(kind).df(df).fit(&trial).expect(formula)
                    };
                    let sparse = fit(Covariance::Independent);
                    let sums = fit(Covariance::BandedToeplitz { bands: 1 });
                    compare(&sparse, &sums, &format!("{formula}, {estimation:?}, {kind}, {df}"));
                }
            }
        }
    }
}

fn compare(sparse: &Fit, sums: &Fit, case: &str) {
    let (a, b) = (sparse.log_likelihood(), sums.log_likelihood());
    assert!((a - b).abs() < 1e-9 * a.abs(), "{case}: log-likelihoods {a} and {b}");
    assert_eq!(sparse.convergence().boundary.is_empty(), sums.convergence().boundary.is_empty(), "{case}: boundary");
    for ((name, a), (_, b)) in sparse.covariance_parameters().iter().zip(sums.covariance_parameters()) {
        assert!((a - b).abs() < 1e-5 * (1.0 + b.abs()), "{case}: {name} is {a} and {b}");
    }
    let (a, b) = (sparse.coefficients(), sums.coefficients());
    for (a, b) in a.rows.iter().zip(&b.rows) {
        assert!(close(a.estimate, b.estimate, b.se), "{case}: {} is {} and {}", a.label, a.estimate, b.estimate);
        assert!(close(a.se, b.se, b.se), "{case}: SE of {} is {} and {}", a.label, a.se, b.se);
        assert!((a.df - b.df).abs() < 1e-5 * b.df, "{case}: df of {} are {} and {}", a.label, a.df, b.df);
    }
}
