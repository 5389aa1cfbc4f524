//! The trials that several modules use: the samples of the repository, the data of the references, and invented values.

use std::path::{Path, PathBuf};
use trialstats::instruments::{Caps5, Scid5Pd};
use trialstats::trial::{CovariateKind, Layout, Outcome, Schedule, TrialBuilder, Variable};
use trialstats::{Trial, simulate::Truth};

pub const FEV: &str = "data-samples/fev/fev.csv";
pub const ANTIDEPRESSANT: &str = "data-samples/antidepressant/antidepressant.csv";
pub const BCVA: &str = "data-samples/bcva/bcva.csv";
pub const THREE_ARMS: &str = "tests/references/design/trial.csv";
pub const IMRS_GST: &str = "data-samples/imrs_gst/imrs_gst.csv";

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The text of a file of the repository.
pub fn contents(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The trial in a file of the repository.
pub fn read(layout: &Layout, path: &str) -> Trial {
    layout.read_csv(repository(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The trial in a text.
pub fn read_text(layout: &Layout, name: &str, text: &str) -> Trial {
    layout.read_csv_from(name, text.as_bytes()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The columns of the artificial FEV1 trial, with the levels in the order of R mmrm's `fev_data`.
pub fn fev_layout() -> Layout {
    Layout::long("USUBJID", "ARMCD", "AVISIT")
        .visits_at([("VIS1", 1.0), ("VIS2", 2.0), ("VIS3", 3.0), ("VIS4", 4.0)])
        .outcome("FEV1")
        .covariate("RACE")
        .factor("SEX", ["Male", "Female"])
        .covariate("FEV1_BL")
        .weight("WEIGHT")
        .covariate_as("VISITN", CovariateKind::NumericByVisit)
        .covariate_as("VISITN2", CovariateKind::NumericByVisit)
}

/// The artificial FEV1 trial.
pub fn fev() -> Trial {
    read(&fev_layout(), FEV)
}

/// The first 50 rows of the FEV1 trial: the likelihood of the unstructured covariance has no maximum there.
pub fn fev_head() -> String {
    contents(FEV).lines().take(51).collect::<Vec<_>>().join("\n")
}

/// The columns of the antidepressant trial, placebo first.
pub fn antidepressant_layout() -> Layout {
    Layout::long("PATIENT", "THERAPY", "VISIT")
        .reference_arm("PLACEBO")
        .visits_at([("4", 1.0), ("5", 2.0), ("6", 4.0), ("7", 6.0)])
        .outcome("CHANGE")
        .outcome("HAMATOTL")
        .outcome("HAMDTL17")
        .covariate("BASVAL")
}

/// The real antidepressant trial.
pub fn antidepressant() -> Trial {
    read(&antidepressant_layout(), ANTIDEPRESSANT)
}

/// The artificial visual acuity trial: 1000 patients, 10 visits.
pub fn bcva() -> Trial {
    let visits = (1..=10).map(|v| (format!("VIS{v:02}"), f64::from(v)));
    let layout = Layout::long("USUBJID", "ARMCD", "AVISIT").visits_at(visits).outcome("BCVA_CHG").covariate("RACE").covariate("BCVA_BL");
    read(&layout, BCVA)
}

/// The columns of the synthetic sample trial, but for its clusters.
pub fn imrs_gst_layout() -> Layout {
    Layout::long("patient", "arm", "visit")
        .visit_time("month")
        .baseline_visit("baseline")
        .arms(["ImRs", "ImRs+GST"])
        .instrument(Caps5::new())
        .instrument(Scid5Pd::cluster_c())
        .covariate("site")
        .covariate("age")
        .factor("sex", ["female", "male"])
        .covariate("imrs_sessions")
}

/// The synthetic sample trial: therapists in both arms, therapy groups in one.
pub fn imrs_gst() -> Trial {
    read(&imrs_gst_layout().cluster("therapist").cluster("therapy_group"), IMRS_GST)
}

/// What the synthetic sample trial was drawn from.
pub fn imrs_gst_truth() -> Truth {
    Truth::read(repository("data-samples/imrs_gst/truth.json")).expect("the truth is sound")
}

/// Reaction times of 18 subjects on ten days, from lme4.
pub fn sleepstudy() -> Trial {
    read(&Layout::long_one_arm("Subject", "Days").outcome("Reaction"), "tests/references/data/sleepstudy.csv")
}

/// Student's sleep data: ten patients, two drugs.
pub fn sleep() -> Trial {
    read(&Layout::long_one_arm("ID", "group").outcome("extra"), "tests/references/data/sleep.csv")
}

/// The columns of Potthoff and Roy's dental distances at four ages.
pub fn orthodont_layout() -> Layout {
    Layout::long_one_arm("Subject", "age").outcome("distance").factor("Sex", ["Male", "Female"])
}

/// The columns of the synthetic trial of `tests/references/design`: three arms, unbalanced factors, covariates that
/// change by visit.
pub fn three_arms_layout() -> Layout {
    Layout::long("patient", "arm", "visit")
        .visits_at([("v1", 1.0), ("v2", 2.0), ("v3", 4.0), ("v4", 8.0)])
        .outcome("y")
        .factor("site", ["east", "north", "west"])
        .factor("sex", ["f", "m"])
        .covariate_as("mood", CovariateKind::FactorByVisit)
        .covariate("age")
        .covariate_as("dose", CovariateKind::NumericByVisit)
}

/// The synthetic trial of `tests/references/design`.
pub fn three_arms() -> Trial {
    read(&three_arms_layout(), THREE_ARMS)
}

/// The columns of the synthetic trial of `tests/references/clda`.
pub fn clda_layout() -> Layout {
    Layout::long("patient", "arm", "visit")
        .visits(["baseline", "week 4", "week 8", "week 12"])
        .baseline_visit("baseline")
        .arms(["control", "active"])
        .outcome("y")
}

/// The synthetic trial of `tests/references/clda`: the baseline is the first visit.
pub fn clda() -> Trial {
    read(&clda_layout(), "tests/references/data/clda_synthetic.csv")
}

/// An outcome that is called what it is.
pub fn outcome(name: &str, values: Vec<f64>) -> Outcome {
    Outcome { name: name.into(), label: name.into(), range: None, values }
}

/// A level per patient.
pub fn factor(name: &str, levels: &[&str], codes: Vec<usize>) -> Variable {
    Variable::factor(name, levels.iter().copied(), codes.into_iter().map(Some).collect())
}

/// Patients `0`, `1`, … in these arms; outcomes and variables are still to come.
pub fn invented(arms: &[&str], arm_of: Vec<usize>, schedule: Schedule) -> TrialBuilder {
    Trial::builder("values in memory")
        .patients((0..arm_of.len()).map(|i| i.to_string()))
        .arms(arms.iter().map(|a| a.to_string()), arm_of)
        .schedule(schedule)
}

/// An invented trial with the outcome `y`, visit by visit of each patient, and nothing else.
pub fn of_values(arms: &[&str], arm_of: Vec<usize>, schedule: Schedule, values: Vec<f64>) -> Trial {
    invented(arms, arm_of, schedule).outcome(outcome("y", values)).build().expect("the parts fit together")
}
