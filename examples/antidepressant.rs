//! The primary analysis of a real randomized trial: an antidepressant against placebo, change in HAMD-17 from baseline.
//!
//! ```text
//! cargo run --release --example antidepressant
//! ```

#[path = "../src/cli/progress.rs"]
mod progress;

use std::process::ExitCode;

use trialstats::analysis::{Analysis, ImputationPlan, TippingPlan};
use trialstats::imputation::Strategy;
use trialstats::report::TrialReport;
use trialstats::responders::{Definition, Rule};
use trialstats::trial::{BaselineFrom, OutcomeColumn};
use trialstats::{Layout, Result};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/antidepressant/antidepressant.csv");

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
    println!("Reading the antidepressant trial (real patients, masked; see data-samples/antidepressant/README.md)");
    let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
        .reference_arm("PLACEBO")
        .outcome(OutcomeColumn::new("CHANGE").label("Change in HAMD-17"))
        .outcome(OutcomeColumn::new("HAMDTL17").label("HAMD-17").range(0.0, 52.0))
        .covariate("BASVAL")
        .covariate("GENDER")
        .read_csv(FILE)?;

    let result = Analysis::of(&trial)
        .primary("CHANGE")
        .at("7")
        .mean("BASVAL * VISIT + THERAPY * VISIT")
        .baseline_from(BaselineFrom::Covariate("BASVAL".into()))
        .label("BASVAL", "HAMD-17 before treatment")
        .label("GENDER", "Gender")
        .responders([Definition::new("remission", Rule::at_most("HAMDTL17", 7.0)).label("HAMD-17 of 7 or less")])
        .sensitivity_by_imputation(by(Strategy::Mar))
        .sensitivity_by_imputation(by(Strategy::JumpToReference))
        .sensitivity_by_imputation(by(Strategy::CopyReference))
        .sensitivity_by_imputation(by(Strategy::CopyIncrements))
        .tipping_point(
            TippingPlan::new(Strategy::Mar, "DRUG", [0.0, 2.0, 4.0, 6.0])
                .versus_shifts([0.0, -1.0, -2.0, -3.0])
                .imputation(ImputationPlan::new(Strategy::Mar).covariates(["BASVAL"])),
        )
        .run(&progress::Line::default())?;
    println!("\n{}", result.summary());

    let written = TrialReport::new(&result).title("Antidepressant against placebo: change in HAMD-17").write_to("antidepressant-report")?;
    println!("Report: {}", written.html.display());
    Ok(())
}

/// The primary outcome if the missing are different.
fn by(strategy: Strategy) -> ImputationPlan {
    ImputationPlan::new(strategy).reference("PLACEBO").covariates(["BASVAL"])
}
