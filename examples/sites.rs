//! One trial, three sites, no shared rows: each site makes moments, the centre adds them up and fits.
//!
//! What is agreed before anybody looks at data is the protocol (arms, visits, levels) and the model: the frozen
//! design. Each site sends one JSON file of sums; their fit is the fit of all patients together, to rounding. The
//! three sites here are made by splitting the antidepressant trial of `data-samples`.
//!
//! ```text
//! cargo run --example sites
//! ```

use std::path::Path;
use trialstats::design::FrozenDesign;
use trialstats::fit::TrialMoments;
use trialstats::means::{ContrastOptions, MeansOptions};
use trialstats::trial::CovariateKind;
use trialstats::{Df, Layout, Model, Result, Trial, Vcov};

const SITES: [&str; 3] = ["north", "south", "west"];

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("trialstats-sites-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;

    // Before the data: columns, arms, visits and model are agreed, and the design that follows is sent round.
    let layout = Layout::long("PATIENT", "THERAPY", "VISIT")
        .arms(["PLACEBO", "DRUG"])
        .visits_at([("4", 1.0), ("5", 2.0), ("6", 4.0), ("7", 6.0)])
        .outcome("CHANGE")
        .covariate_as("BASVAL", CovariateKind::Numeric);
    let model = Model::formula("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT")?.df(Df::KenwardRoger);
    let agreed = serde_json::to_string(&model.freeze(&layout.protocol()?)?)?;

    // Each site reads its own file and writes its sums.
    let all = layout.read_csv(Path::new(env!("CARGO_MANIFEST_DIR")).join("data-samples/antidepressant/antidepressant.csv"))?;
    for (k, site) in SITES.iter().enumerate() {
        let own = patients_of(&all, k)?;
        let frozen = FrozenDesign::from_json(&agreed)?;
        let moments = TrialMoments::of(&frozen, &own)?;
        println!(
            "{site}: {} patients, {} observations, {} patterns of visits, the rarest with {} patients",
            moments.n_patients(),
            moments.n_observations(),
            moments.patterns().len(),
            moments.smallest_pattern().unwrap_or(0)
        );
        std::fs::write(folder.join(format!("{site}.json")), serde_json::to_string(&moments)?)?;
    }

    // The centre has the three files and nothing else.
    let mut received: Vec<TrialMoments> = vec![];
    for site in SITES {
        received.push(TrialMoments::from_json(&std::fs::read_to_string(folder.join(format!("{site}.json")))?)?);
    }
    // A file that was changed on its way, or that no data could give, is refused by name.
    let altered = serde_json::to_string(&received[0])?.replacen("\"randomized\":", "\"randomized\":1", 1);
    if let Err(refusal) = TrialMoments::from_json(&altered) {
        println!("\nA file in which one number was changed: {refusal}.");
    }
    let sums = received.into_iter().sum::<Result<TrialMoments>>()?;
    let fit = model.fit_moments(&sums)?;
    println!("\n{}", fit.marginal_means(&["THERAPY", "VISIT"], &MeansOptions::default())?);
    let contrasts = fit.arm_contrasts(&ContrastOptions::default())?;
    println!("{contrasts}");
    if let Err(refusal) = model.clone().vcov(Vcov::Cr2).fit_moments(&sums) {
        println!("What the centre cannot have: {refusal}.\n");
    }

    // Beside it what one place with all rows would have found.
    let pooled = model.fit(&all)?.arm_contrasts(&ContrastOptions::default())?;
    println!("{:<8}{:>22}{:>22}{:>14}", "visit", "from moments", "from all rows", "difference/SE");
    for (own, whole) in contrasts.rows.iter().zip(&pooled.rows) {
        let (a, b) = (&own.estimate, &whole.estimate);
        let visit = own.visit.as_deref().unwrap_or("");
        println!("{visit:<8}{:>22.15}{:>22.15}{:>14.1e}", a.estimate, b.estimate, (a.estimate - b.estimate).abs() / b.se);
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Every third patient.
fn patients_of(all: &Trial, site: usize) -> Result<Trial> {
    let own: Vec<usize> = (0..all.patients().len()).filter(|i| i % SITES.len() == site).collect();
    all.part(&own)
}
