//! What the standard errors of reference-based imputation promise and keep: bias, coverage and size by simulation.
//!
//! Trials are made in which patients leave completely at random and what they would have done afterwards follows the
//! strategy itself, so that the truth of the treatment-policy estimand is known. Each is imputed by that strategy; the
//! difference at the last visit gets three standard errors: the jackknife and the delta method (over repetitions of the
//! trial) and the information-anchored one (Rubin's rules). The argument is the number of trials of each kind; the
//! documentation (`guide::if_the_missing_are_different`) has 10,000.
//!
//! ```text
//! cargo run --release --example reference_based -- 10000
//! ```

use rayon::prelude::*;
use trialstats::imputation::{ReferenceBased, Strategy, Variance};
use trialstats::simulate::{Dropout, Gaussian};
use trialstats::{Model, Result, Trial};

/// The seed of all trials; trial r is replicate r.
const SEED: u64 = 20_261_130;
const PATIENTS: usize = 65;
const VISITS: [&str; 5] = ["baseline", "1", "2", "3", "4"];
/// Means of the reference arm. All numbers are invented and resemble a scale of depression.
const MEANS: [f64; 5] = [24.0, 21.0, 18.5, 17.0, 16.0];
/// How much lower the other arm is where there is an effect.
const EFFECT: [f64; 5] = [0.0, 1.0, 2.0, 3.0, 4.0];
const SD: f64 = 8.0;
const CORRELATION: f64 = 0.75;
/// The chance of leaving before each visit after baseline.
const LEAVES: f64 = 0.085;

const METHODS: [(&str, Variance); 3] =
    [("jackknife", Variance::Jackknife), ("delta method", Variance::DeltaMethod), ("information-anchored", Variance::InformationAnchored)];

/// Estimate and the standard error of each method.
type Answer = (f64, [f64; 3]);

fn truth(effect: bool) -> Gaussian {
    let treated: Vec<f64> = MEANS.iter().zip(EFFECT).map(|(mean, e)| if effect { mean - e } else { *mean }).collect();
    Gaussian::new(VISITS)
        .arm("control", PATIENTS, MEANS.to_vec())
        .arm("treatment", PATIENTS, treated)
        .autoregressive(SD, CORRELATION)
        .dropout(Dropout::CompletelyAtRandom { each_visit: LEAVES })
}

/// The difference at the last visit when everyone who left follows the strategy.
fn estimand(strategy: Strategy, effect: bool) -> f64 {
    let reached = |visit: usize| if effect { -EFFECT[visit] } else { 0.0 };
    let stays = |visits: i32| (1.0 - LEAVES).powi(visits);
    let last = VISITS.len() - 1;
    let kept = match strategy {
        // The effect that was reached at the visit before leaving stays.
        Strategy::CopyIncrements => (1..last).map(|k| stays(k as i32) * LEAVES * reached(k)).sum(),
        _ => 0.0,
    };
    stays(last as i32) * reached(last) + kept
}

fn answer(trial: &Trial, strategy: Strategy) -> Result<Answer> {
    let fit = Model::formula("y ~ baseline * visit + arm * visit")?.fit(trial)?;
    let plan = ReferenceBased::new(strategy).covariates(["baseline"]);
    let mut found = (0.0, [0.0; 3]);
    for (k, (_, variance)) in METHODS.into_iter().enumerate() {
        let table = fit.reference_based(trial, &plan.clone().variance(variance))?;
        if let Some(row) = table.differences().next_back() {
            found.0 = row.estimate;
            found.1[k] = row.se;
        }
    }
    Ok(found)
}

fn main() -> Result<()> {
    let trials: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(200);
    println!("{trials} trials of {PATIENTS} patients per arm; synthetic data. Monte-Carlo standard errors in brackets.\n");
    println!("| strategy | true difference | bias | SD of the estimates | standard error | mean SE / SD | coverage, % |");
    println!("|---|---|---|---|---|---|---|");
    for strategy in [Strategy::JumpToReference, Strategy::CopyIncrements] {
        for effect in [false, true] {
            let (made, target) = (truth(effect), estimand(strategy, effect));
            let all: Vec<Answer> = (0..trials)
                .into_par_iter()
                .map(|r| made.trial(SEED, r as u64).and_then(|trial| answer(&trial, strategy)))
                .collect::<Result<_>>()?;
            report(strategy, target, &all);
        }
    }
    Ok(())
}

fn report(strategy: Strategy, target: f64, all: &[Answer]) {
    let n = all.len() as f64;
    let mean = all.iter().map(|a| a.0).sum::<f64>() / n;
    let sd = (all.iter().map(|a| (a.0 - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    for (k, (name, _)) in METHODS.into_iter().enumerate() {
        let se = all.iter().map(|a| a.1[k]).sum::<f64>() / n;
        let covered = all.iter().filter(|a| (a.0 - target).abs() <= 1.959_963_984_540_054 * a.1[k]).count() as f64 / n;
        let (ratio, error) = (se / sd, (covered * (1.0 - covered) / n).sqrt());
        println!(
            "| {} | {target:.3} | {:.3} ({:.3}) | {sd:.3} | {name} | {ratio:.3} ({:.3}) | {:.1} ({:.1}) |",
            strategy.title(),
            mean - target,
            sd / n.sqrt(),
            ratio / (2.0 * n).sqrt(),
            100.0 * covered,
            100.0 * error
        );
    }
}
