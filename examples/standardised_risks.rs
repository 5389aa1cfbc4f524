//! Coverage of the difference between two response rates, raw and adjusted for the baseline score, in small trials: the
//! numbers of `guide::adjusted_risks`.
//!
//! ```text
//! cargo run --release --example standardised_risks -- 10000 standardised_risks.csv
//! ```

use rayon::prelude::*;
use std::fmt::Write as _;
use trialstats::dist::normal;
use trialstats::generalized::{PopulationVariance, RiskOptions, adjusted_risks};
use trialstats::responders::{Definition, RateOptions, Rule, Unobserved, compare};
use trialstats::simulate::Gaussian;
use trialstats::trial::{Outcome, Schedule, Trial, Variable};

const SEED: u64 = 20_261_130;
const SIZES: [usize; 2] = [20, 65];
/// Mean after treatment of each arm, whose standard deviation is 12; before it, 40 with 10; their correlation 0.5 or 0.8.
const MEANS: [f64; 2] = [28.0, 23.0];
const CORRELATIONS: [f64; 2] = [0.5, 0.8];
/// A response is a score of at most this.
const CUT: f64 = 20.0;
const METHODS: [(&str, Option<PopulationVariance>); 4] = [
    ("raw, Newcombe", None),
    ("adjusted, Ge", Some(PopulationVariance::Ge)),
    ("adjusted, sampled", Some(PopulationVariance::Sampled)),
    ("adjusted, Ye", Some(PopulationVariance::Ye)),
];

/// Estimate, limits and standard error (NaN of Newcombe's method) of one trial.
type Answer = Option<[f64; 4]>;

fn main() -> trialstats::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let replicates: u64 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let truth = normal::cdf((CUT - MEANS[1]) / 12.0) - normal::cdf((CUT - MEANS[0]) / 12.0);
    let mut csv = "per_arm,correlation,method,trials,coverage,coverage_se,bias,sd,se_over_sd,width\n".to_string();
    for per_arm in SIZES {
        for correlation in CORRELATIONS {
            let answers: Vec<[Answer; 4]> =
                (0..replicates).into_par_iter().map(|r| answers(per_arm, correlation, r)).collect::<trialstats::Result<_>>()?;
            for (k, (method, _)) in METHODS.iter().enumerate() {
                let found: Vec<[f64; 4]> = answers.iter().filter_map(|of| of[k]).collect();
                let line = summary(&found, truth);
                let _ = writeln!(csv, "{per_arm},{correlation},\"{method}\",{},{line}", found.len());
            }
        }
    }
    match arguments.next() {
        Some(path) => std::fs::write(&path, csv).map_err(|source| trialstats::Error::File { action: "cannot write", path, source }),
        None => {
            println!("{csv}");
            Ok(())
        }
    }
}

/// What each method says of replicate `r`.
fn answers(per_arm: usize, correlation: f64, r: u64) -> trialstats::Result<[Answer; 4]> {
    let covariance = correlation * 10.0 * 12.0;
    let simulated = Gaussian::new(["before", "after"])
        .arm("control", per_arm, [40.0, MEANS[0]])
        .arm("treatment", per_arm, [40.0, MEANS[1]])
        .covariance([100.0, covariance, covariance, 144.0])
        .trial(SEED, r)?;
    let scores = &simulated.outcome("y")?.values;
    let outcome = Outcome { name: "y".into(), label: "y".into(), range: None, values: scores.clone() };
    let trial = Trial::builder("simulated")
        .patients(simulated.patients().to_vec())
        .arms(simulated.arms().to_vec(), simulated.arm_of().to_vec())
        .schedule(Schedule::of_labels(["before", "after"]).with_baseline("before")?)
        .outcome(outcome)
        .variable(Variable::number("before", scores.iter().step_by(2).copied().collect()))
        .build()?;
    let response = [Definition::new("response", Rule::at_most("y", CUT)).evaluate(&trial)?];
    let mut found = [None; 4];
    for (k, (_, variance)) in METHODS.iter().enumerate() {
        found[k] = match variance {
            None => {
                let row = &compare(&response, &RateOptions::new([Unobserved::ObservedOnly]))?.rows[0];
                Some([row.difference.estimate, row.difference.lower, row.difference.upper, f64::NAN])
            }
            Some(variance) => {
                let options = RiskOptions::new([Unobserved::ObservedOnly]).covariates(["before"]).variance(*variance);
                let row = &adjusted_risks(&trial, &response, &options)?.rows[0];
                row.not_estimable.is_none().then_some([row.difference.estimate, row.difference.lower, row.difference.upper, row.se])
            }
        };
    }
    Ok(found)
}

/// Coverage with its Monte-Carlo error, bias, SD of the estimates, mean SE over it, mean width.
fn summary(found: &[[f64; 4]], truth: f64) -> String {
    let n = found.len() as f64;
    let mean = |of: &dyn Fn(&[f64; 4]) -> f64| found.iter().map(of).sum::<f64>() / n;
    let coverage = mean(&|a| f64::from(u8::from(a[1] <= truth && truth <= a[2])));
    let estimate = mean(&|a| a[0]);
    let sd = (mean(&|a| (a[0] - estimate).powi(2)) * n / (n - 1.0)).sqrt();
    let (se, width) = (mean(&|a| a[3]), mean(&|a| a[2] - a[1]));
    format!("{coverage:.4},{:.4},{:.5},{sd:.5},{:.4},{width:.4}", (coverage * (1.0 - coverage) / n).sqrt(), estimate - truth, se / sd)
}
