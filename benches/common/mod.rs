//! The trials and models that the benches measure. Everything is read or made before a clock starts.
#![allow(dead_code, reason = "each bench uses its part")]

pub mod clock;
pub mod clustered;
pub mod growth;
pub mod methods;
pub mod streamed;

use std::path::{Path, PathBuf};
use trialstats::design::{Baseline, MeanModel};
use trialstats::effects::{EffectOptions, EffectSizes, Positive, from_model};
use trialstats::instruments::Caps5;
use trialstats::means::{ContrastOptions, Contrasts, MarginalMeans};
use trialstats::simulate::random::Stream;
use trialstats::simulate::{Dropout, Gaussian};
use trialstats::trial::{Layout, Schedule, Variable};
use trialstats::{Covariance, Df, Fit, Model, Result, Trial};

pub const FEV: &str = "FEV1 ~ RACE + SEX + ARMCD * AVISIT";
pub const BCVA: &str = "BCVA_CHG ~ RACE + BCVA_BL + ARMCD * AVISIT";
pub const ANTIDEPRESSANT: &str = "CHANGE ~ BASVAL * VISIT + THERAPY * VISIT";
pub const SLEEPSTUDY: &str = "Reaction ~ time";
pub const IMRS_GST: &str = "caps5 ~ site + arm * visit";
pub const SIMULATED: &str = "y ~ severity + arm * visit";

/// A file of the repository, from whichever package of it this is compiled in.
pub fn repository(path: &str) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().find(|folder| folder.join("data-samples").is_dir()).expect("the package lies in the repository");
    root.join(path)
}

fn read(layout: Layout, path: &str) -> Trial {
    layout.read_csv(repository(path)).expect("the sample is a trial")
}

/// 197 artificial patients with 537 observations at 4 visits: 15 patterns of visits (mmrm's `fev_data`).
pub fn fev() -> Trial {
    read(Layout::long("USUBJID", "ARMCD", "AVISIT").outcome("FEV1").covariate("RACE").covariate("SEX"), "data-samples/fev/fev.csv")
}

/// 1000 artificial patients at 10 visits: 107 patterns of visits (mmrm's `bcva_data`).
pub fn bcva() -> Trial {
    read(
        Layout::long("USUBJID", "ARMCD", "AVISIT").outcome("BCVA_CHG").covariate("RACE").covariate("BCVA_BL"),
        "data-samples/bcva/bcva.csv",
    )
}

/// 172 real patients, masked, at 4 visits.
pub fn antidepressant() -> Trial {
    let layout = Layout::long("PATIENT", "THERAPY", "VISIT").reference_arm("PLACEBO").outcome("CHANGE").covariate("BASVAL");
    read(layout, "data-samples/antidepressant/antidepressant.csv")
}

/// 130 synthetic patients, baseline and 4 visits.
pub fn imrs_gst() -> Trial {
    let layout = Layout::long("patient", "arm", "visit").reference_arm("ImRs").baseline_visit("baseline").instrument(Caps5::default());
    read(layout.covariate("site"), "data-samples/imrs_gst/imrs_gst.csv")
}

/// 18 subjects on 10 days (Belenky et al. 2003).
pub fn sleepstudy() -> Trial {
    read(Layout::long_one_arm("Subject", "Days").outcome("Reaction"), "tests/references/data/sleepstudy.csv")
}

/// The same with therapy groups and therapists.
pub fn imrs_gst_clustered() -> Trial {
    let layout = Layout::long("patient", "arm", "visit").reference_arm("ImRs").baseline_visit("baseline").instrument(Caps5::default());
    read(layout.covariate("site").cluster("therapist").cluster("therapy_group"), "data-samples/imrs_gst/imrs_gst.csv")
}

/// CAPS-5 after baseline with groups, therapists and an unstructured covariance of the visits.
pub const CLUSTERED: &str = "caps5 ~ baseline + site + arm * visit + (1 | therapist) + (1 | therapy_group) + us(visit | patient)";
/// The same with a level of each patient in its place, as lme4 has it.
pub const CLUSTERED_LEVELS: &str = "caps5 ~ baseline + site + arm * visit + (1 | therapist) + (1 | therapy_group) + (1 | patient)";

/// Random intercept and slope on days.
pub fn sleepstudy_model() -> Model {
    model(SLEEPSTUDY).covariance(Covariance::RandomInterceptSlope)
}

/// The same as random effects of the subjects, for any times.
pub const SLEEPSTUDY_EFFECTS: &str = "Reaction ~ time + (1 + time | Subject)";

pub fn model(formula: &str) -> Model {
    Model::formula(formula).expect("a formula")
}

/// The constrained longitudinal analysis of CAPS-5: the baseline is a response, with one mean for both arms.
pub fn imrs_gst_model() -> Model {
    Model::new(MeanModel::parse(IMRS_GST).expect("a formula").with_baseline(Baseline::Constrained)).df(Df::KenwardRoger)
}

/// All that a report has of the primary analysis.
pub struct PrimaryAnalysis {
    pub fit: Fit,
    pub means: MarginalMeans,
    pub changes: Contrasts,
    pub contrasts: Contrasts,
    pub d: EffectSizes,
}

/// Fit, Kenward–Roger, means by arm and visit, changes from baseline, differences between arms, d over the baseline SD.
pub fn primary_analysis(trial: &Trial) -> Result<PrimaryAnalysis> {
    let fit = imrs_gst_model().fit(trial)?;
    let options = ContrastOptions::default();
    let (means, changes, contrasts) = (fit.means_by_visit()?, fit.change_from_baseline(&options)?, fit.arm_contrasts(&options)?);
    let d = from_model(trial, &fit, &contrasts, &EffectOptions::new().positive(Positive::Fall))?;
    Ok(PrimaryAnalysis { fit, means, changes, contrasts, d })
}

/// Two arms, a covariate, 30% dropout by the last visit, autoregressive with correlation 0.7; the same numbers every
/// time.
pub fn simulated(patients: usize, visits: usize) -> Trial {
    simulated_with(patients, visits, [])
}

/// The same with further variables.
pub fn simulated_with(patients: usize, visits: usize, variables: impl IntoIterator<Item = Variable>) -> Trial {
    let labels: Vec<String> = (0..visits).map(|t| format!("v{t}")).collect();
    let means = |slope: f64| (0..visits).map(|t| 40.0 - slope * t as f64).collect::<Vec<f64>>();
    let each_visit = 1.0 - 0.7_f64.powf(1.0 / (visits - 1) as f64);
    let drawn = Gaussian::new(labels.clone())
        .arm("control", patients / 2, means(0.5))
        .arm("treatment", patients - patients / 2, means(0.8))
        .autoregressive(10.0, 0.7)
        .dropout(Dropout::CompletelyAtRandom { each_visit })
        .trial(20_261_122, 0)
        .expect("the simulation is stated soundly");
    let severity = (0..patients as u64).map(|i| 20.0 + 5.0 * Stream::new(20_261_122, 1, i).normal()).collect();
    Trial::builder("simulated")
        .patients(drawn.patients().to_vec())
        .arms(drawn.arms().to_vec(), drawn.arm_of().to_vec())
        .schedule(Schedule::of_labels(labels))
        .outcome(drawn.outcomes()[0].clone())
        .variable(Variable::number("severity", severity))
        .variables(variables)
        .build()
        .expect("the parts fit together")
}

/// Something uneven of the size of the outcomes: what a refit is given.
pub fn changed(outcomes: &[f64]) -> Vec<f64> {
    outcomes.iter().enumerate().map(|(at, y)| 0.9 * y + 0.1 * ((at * 7919) % 13) as f64).collect()
}

/// Patients as the `replicate`-th bootstrap sample counts them.
pub fn resampled(patients: usize, replicate: u64) -> Vec<u32> {
    let mut stream = Stream::new(20_261_122, 2, replicate);
    let mut times = vec![0; patients];
    (0..patients).for_each(|_| times[stream.whole(0, patients as u32 - 1) as usize] += 1);
    times
}

/// Runs `f` on a pool of so many threads.
pub fn on_threads<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(f)
}
