//! Two outcomes of one trial at once: CAPS-5 and SCID-5-PD of the synthetic sample trial `imrs_gst`.
//!
//! ```text
//! cargo run --release --example joint_outcomes
//! ```

use std::process::ExitCode;

use trialstats::covariance::Covariance;
use trialstats::effects::{self, EffectOptions, Positive};
use trialstats::instruments::{Caps5, Scid5Pd};
use trialstats::joint::{JointCovariance, JointModel};
use trialstats::means::{Adjustment, ContrastOptions};
use trialstats::{Df, Layout, Model, Result};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/imrs_gst/imrs_gst.csv");
const LAST: &str = "12 months";
const OUTCOMES: [&str; 2] = ["caps5", "scid5pd"];

fn main() -> ExitCode {
    match analyse() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn analyse() -> Result<()> {
    println!("These data are SYNTHETIC: a program made every number (see data-samples/imrs_gst/README.md).\n");
    let trial = Layout::long("patient", "arm", "visit")
        .visit_time("month")
        .arms(["ImRs", "ImRs+GST"])
        .instrument(Caps5::new())
        .instrument(Scid5Pd::cluster_c())
        .covariate("site")
        .covariate("age")
        .covariate("sex")
        .covariate("imrs_sessions")
        .cluster("therapist")
        .cluster("therapy_group")
        .read_csv(FILE)?;

    // The baseline belongs to the response and the arms share its mean (cLDA), in each outcome.
    let models = OUTCOMES
        .map(|outcome| Ok(Model::new(format!("{outcome} ~ site + arm * visit").parse::<trialstats::MeanModel>()?.constrained_baseline())));
    let joint = JointModel::new(models.into_iter().collect::<Result<Vec<_>>>()?).df(Df::KenwardRoger);
    let fit = joint.clone().fit(&trial)?;

    // Each outcome as if fitted alone, with what the other one tells of it.
    let at_last = ContrastOptions::default().visits([LAST]);
    for outcome in OUTCOMES {
        let response = fit.of(outcome)?;
        let contrasts = response.arm_contrasts(&at_last)?;
        println!("{contrasts}");
        println!("{}", effects::from_model(&trial, response, &contrasts, &EffectOptions::new().positive(Positive::Fall))?);
    }

    // Both at once: one test of the two differences at 12 months, one of all differences after baseline.
    let both = fit.arm_test(&OUTCOMES.map(|outcome| (outcome, LAST)))?;
    let all = fit.arm_by_visit_test()?;
    for test in [&both, &all] {
        println!("{}: F({}, {:.1}) = {:.3}, p = {:.4}", test.label, test.num_df, test.denom_df, test.f, test.p);
    }
    let p = OUTCOMES.iter().map(|o| Ok(fit.of(o)?.arm_contrasts(&at_last)?.rows[0].estimate.p)).collect::<Result<Vec<f64>>>()?;
    println!("The two differences by Holm instead: p = {:.4?}\n", Adjustment::Holm.adjust(&p));

    println!("{}", fit.correlations(0.95)?);

    // Fewer parameters, if the outcomes share their correlations among visits.
    println!("covariance, parameters, −2 log L, AIC, BIC");
    let products = [Covariance::Unstructured, Covariance::HeterogeneousAutoregressive, Covariance::CompoundSymmetry];
    let products = products.map(|visits| JointCovariance::Kronecker { visits });
    for covariance in [JointCovariance::Unstructured].into_iter().chain(products) {
        let fit = joint.clone().covariance(covariance.clone()).fit(&trial)?;
        let whole = fit.whole();
        let parameters = whole.covariance_parameters().len();
        println!("{covariance}: {parameters}, {:.2}, {:.2}, {:.2}", -2.0 * whole.log_likelihood(), whole.aic(), whole.bic());
    }
    Ok(())
}
