//! The trials of the references, embedded.

use crate::error::Result;
use crate::trial::CovariateKind;
use crate::{Layout, Trial};

/// The artificial FEV1 trial of R's mmrm, levels in the order of that package.
pub(super) fn fev() -> Result<Trial> {
    Layout::long("USUBJID", "ARMCD", "AVISIT")
        .visits_at([("VIS1", 1.0), ("VIS2", 2.0), ("VIS3", 3.0), ("VIS4", 4.0)])
        .outcome("FEV1")
        .covariate("RACE")
        .factor("SEX", ["Male", "Female"])
        .covariate("FEV1_BL")
        .weight("WEIGHT")
        .covariate_as("VISITN", CovariateKind::NumericByVisit)
        .covariate_as("VISITN2", CovariateKind::NumericByVisit)
        .read_csv_from("fev.csv", include_bytes!("../../data-samples/fev/fev.csv").as_slice())
}

/// The antidepressant trial, placebo first.
pub(super) fn antidepressant() -> Result<Trial> {
    Layout::long("PATIENT", "THERAPY", "VISIT")
        .reference_arm("PLACEBO")
        .visits_at([("4", 1.0), ("5", 2.0), ("6", 4.0), ("7", 6.0)])
        .outcome("CHANGE")
        .covariate("BASVAL")
        .read_csv_from("antidepressant.csv", include_bytes!("../../data-samples/antidepressant/antidepressant.csv").as_slice())
}

/// Reaction times under sleep deprivation.
pub(super) fn sleepstudy() -> Result<Trial> {
    let layout = Layout::long_one_arm("Subject", "Days").outcome("Reaction");
    layout.read_csv_from("sleepstudy.csv", include_bytes!("../../tests/references/data/sleepstudy.csv").as_slice())
}

/// Dental distances at four ages.
pub(super) fn orthodont() -> Result<Trial> {
    let layout = Layout::long_one_arm("Subject", "age").outcome("distance").factor("Sex", ["Male", "Female"]);
    layout.read_csv_from("orthodont.csv", include_bytes!("../../tests/references/data/orthodont.csv").as_slice())
}
