//! What methods for a repeated binary outcome promise and what they keep, by simulation: the numbers of
//! `guide::estimating_equations` and `guide::mixed_probabilities`.
//!
//! `coverage`: tests and intervals of generalized estimating equations with the robust covariance and those made for few
//! patients, in small trials. `dropout`: the difference of two probabilities at the last visit by estimating equations,
//! weighted estimating equations and a logistic mixed model, where patients leave.
//!
//! ```text
//! cargo run --release --example repeated_responses -- coverage 10000 coverage.csv
//! cargo run --release --example repeated_responses -- dropout 10000 dropout.csv
//! ```

use rayon::prelude::*;
use std::fmt::Write as _;
use trialstats::Result;
use trialstats::dist::normal;
use trialstats::generalized::{
    Dropout, Gee, GeeDf, GeeVcov, Glmm, PopulationEstimate, PopulationMean, PopulationMeasure, PopulationOptions, WorkingCorrelation,
    population_means,
};
use trialstats::means::{ContrastOptions, Means};
use trialstats::simulate::random::Stream;
use trialstats::trial::{Outcome, Schedule, Trial};

const SEED: u64 = 20_261_201;
const VISITS: [&str; 4] = ["1", "2", "3", "4"];
const LAST: usize = VISITS.len() - 1;
const FORMULA: &str = "y ~ arm * visit";

/// Estimate, limits, standard error and p-value of one trial; `None` where there is no fit.
type Answer = Option<[f64; 5]>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let study = arguments.next().unwrap_or_default();
    let trials: u64 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(200);
    let csv = match study.as_str() {
        "coverage" => coverage(trials)?,
        "dropout" => dropout(trials)?,
        _ => {
            println!("Say which study, and how many trials: coverage 10000, or dropout 10000.");
            return Ok(());
        }
    };
    match arguments.next() {
        Some(path) => std::fs::write(&path, csv).map_err(|source| trialstats::Error::File { action: "cannot write", path, source }),
        None => {
            println!("{csv}");
            Ok(())
        }
    }
}

// ---- Estimating equations in small trials -----------------------------------------------------------------------------

const SIZES: [usize; 2] = [20, 65];
/// The probability of a response at each visit, without and with treatment.
const CONTROL: [f64; 4] = [0.25, 0.27, 0.28, 0.30];
const TREATMENT: [f64; 4] = [0.30, 0.37, 0.42, 0.45];
/// A response is a normal deviate below the quantile of its probability; the deviates of a patient correlate so.
const LATENT: f64 = 0.7;
/// The probability of leaving before the second, third and last visit, whatever was observed.
const LEAVING: f64 = 0.06;

/// What is made of the same equations.
const COVARIANCES: [(GeeVcov, GeeDf); 5] = [
    (GeeVcov::Robust, GeeDf::Normal),
    (GeeVcov::Robust, GeeDf::ClustersMinusParameters),
    (GeeVcov::KauermannCarroll, GeeDf::ClustersMinusParameters),
    (GeeVcov::ManclDeRouen, GeeDf::ClustersMinusParameters),
    (GeeVcov::FayGraubard, GeeDf::ClustersMinusParameters),
];

fn coverage(trials: u64) -> Result<String> {
    let mut csv = "treatment,per_arm,structure,vcov,df,measure,trials,unfitted,".to_string() + HEADING;
    for (treated, arms) in [("none", [CONTROL, CONTROL]), ("some", [CONTROL, TREATMENT])] {
        let logit = |p: f64| (p / (1.0 - p)).ln();
        let truths = [logit(arms[1][LAST]) - logit(arms[0][LAST]), arms[1][LAST] - arms[0][LAST]];
        for per_arm in SIZES {
            for structure in [WorkingCorrelation::Exchangeable, WorkingCorrelation::Unstructured] {
                let of = |r: u64| equations(&responses(&arms, per_arm, r)?, structure);
                let answers: Vec<[[Answer; 2]; 5]> = (0..trials).into_par_iter().map(of).collect::<Result<_>>()?;
                for (k, (vcov, df)) in COVARIANCES.iter().enumerate() {
                    for (m, measure) in ["log odds ratio", "difference"].into_iter().enumerate() {
                        let found: Vec<[f64; 5]> = answers.iter().filter_map(|of| of[k][m]).collect();
                        let unfitted = answers.len() - found.len();
                        let line = summary(&found, truths[m]);
                        let _ = writeln!(csv, "{treated},{per_arm},{structure},{vcov},{df},{measure},{trials},{unfitted},{line}");
                    }
                }
            }
        }
    }
    Ok(csv)
}

/// Replicate `r`: thresholds of correlated normal deviates, so that the probabilities of the population are those stated.
fn responses(arms: &[[f64; 4]; 2], per_arm: usize, r: u64) -> Result<Trial> {
    trial(per_arm, |arm, patient| {
        let mut stream = Stream::new(SEED, r, patient as u64);
        let shared = stream.normal();
        let mut values = [f64::NAN; 4];
        for (t, value) in values.iter_mut().enumerate() {
            let own = LATENT.sqrt() * shared + (1.0 - LATENT).sqrt() * stream.normal();
            if t > 0 && stream.happens(LEAVING) {
                break;
            }
            *value = f64::from(u8::from(own < normal::quantile(arms[arm][t])));
        }
        values
    })
}

/// The log odds ratio and the difference of probabilities at the last visit by every covariance.
fn equations(trial: &Trial, structure: WorkingCorrelation) -> Result<[[Answer; 2]; 5]> {
    let mut found = [[None; 2]; 5];
    for (k, (vcov, df)) in COVARIANCES.into_iter().enumerate() {
        let Ok(fit) = Gee::formula(FORMULA)?.correlation(structure).vcov(vcov).df(df).fit(trial) else { continue };
        let contrasts = fit.arm_contrasts(&ContrastOptions::default())?;
        let at_last = contrasts.rows.last().map(|row| (&row.estimate, row.estimate.interval(0.95)));
        found[k] = [at_last.map(|(own, (lower, upper))| [own.estimate, lower, upper, own.se, own.p]), difference(&fit, trial)?];
    }
    Ok(found)
}

// ---- Patients who leave -----------------------------------------------------------------------------------------------

const PER_ARM: usize = 65;
/// Log odds of a response given the patient, without and with treatment; patients differ from them with this SD.
const LOG_ODDS: [[f64; 4]; 2] = [[-1.5, -1.3, -1.2, -1.1], [-1.1, -0.5, 0.0, 0.3]];
const SD: f64 = 2.0;

/// Who leaves before a visit.
#[derive(Debug, Clone, Copy)]
enum Leaving {
    Nobody,
    /// By what was observed at the visit before: of the controls those without a response, of the treated those with one.
    Observed,
    /// By the patient's own level, which nobody sees: of the controls the low, of the treated the high.
    Informative,
}

const LEAVINGS: [(&str, Leaving); 3] =
    [("nobody", Leaving::Nobody), ("by the observed", Leaving::Observed), ("by the patient's level", Leaving::Informative)];

const METHODS: [&str; 4] = ["GEE, independence", "GEE, exchangeable", "weighted GEE", "logistic mixed model"];

fn dropout(trials: u64) -> Result<String> {
    let truth = of_population(LOG_ODDS[1][LAST]) - of_population(LOG_ODDS[0][LAST]);
    let mut csv = "leaving,method,trials,unfitted,left,".to_string() + HEADING;
    for (k, (label, leaving)) in LEAVINGS.into_iter().enumerate() {
        let of = |r: u64| by_every_method(&left(leaving, k, r)?);
        let answers: Vec<(f64, [Answer; 4])> = (0..trials).into_par_iter().map(of).collect::<Result<_>>()?;
        let share = answers.iter().map(|(share, _)| share).sum::<f64>() / answers.len() as f64;
        for (m, method) in METHODS.into_iter().enumerate() {
            let found: Vec<[f64; 5]> = answers.iter().filter_map(|(_, of)| of[m]).collect();
            let (unfitted, line) = (answers.len() - found.len(), summary(&found, truth));
            let _ = writeln!(csv, "{label},\"{method}\",{trials},{unfitted},{share:.4},{line}");
        }
    }
    Ok(csv)
}

/// E expit(η + SD z): a sum over a fine grid.
fn of_population(log_odds: f64) -> f64 {
    let points = (-1000..=1000).map(|k| 0.01 * f64::from(k));
    let weighted = points.map(|z| ((-0.5 * z * z).exp(), (-0.5 * z * z).exp() * expit(log_odds + SD * z)));
    let (total, sum) = weighted.fold((0.0, 0.0), |(total, sum), (w, p)| (total + w, sum + p));
    sum / total
}

fn expit(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn left(leaving: Leaving, scenario: usize, r: u64) -> Result<Trial> {
    trial(PER_ARM, |arm, patient| {
        // The same patients in every scenario.
        let (mut outcomes, mut leaves) =
            (Stream::new(SEED, r, 2 * patient as u64), Stream::new(SEED + 1 + scenario as u64, r, patient as u64));
        let level = outcomes.normal();
        let mut values = [f64::NAN; 4];
        for t in 0..values.len() {
            let own = f64::from(u8::from(outcomes.happens(expit(LOG_ODDS[arm][t] + SD * level))));
            let towards = if arm == 0 { -1.0 } else { 1.0 };
            let hazard = match leaving {
                Leaving::Nobody => 0.0,
                Leaving::Observed if t > 0 => expit(-1.8 + 0.7 * towards * (2.0 * values[t - 1] - 1.0)),
                Leaving::Informative => expit(-2.0 + 1.0 * towards * level),
                Leaving::Observed => 0.0,
            };
            if t > 0 && leaves.happens(hazard) {
                break;
            }
            values[t] = own;
        }
        values
    })
}

/// The share who left, and the difference of probabilities at the last visit by every method.
fn by_every_method(trial: &Trial) -> Result<(f64, [Answer; 4])> {
    let last = trial.outcome("y")?.values.iter().skip(LAST).step_by(VISITS.len());
    let share = last.filter(|y| y.is_nan()).count() as f64 / trial.patients().len() as f64;
    let gee = |correlation| Ok::<_, trialstats::Error>(Gee::formula(FORMULA)?.correlation(correlation));
    let equations = [
        gee(WorkingCorrelation::Independence)?,
        gee(WorkingCorrelation::Exchangeable)?,
        gee(WorkingCorrelation::Independence)?.dropout(Dropout::formula("~ previous * arm + visit")?),
    ];
    let mut found = [None; 4];
    for (k, equations) in equations.into_iter().enumerate() {
        if let Ok(fit) = equations.fit(trial) {
            found[k] = difference(&fit, trial)?;
        }
    }
    if let Ok(fit) = Glmm::formula(&format!("{FORMULA} + (1 | patient)"))?.fit(trial) {
        found[3] = difference(&fit, trial)?;
    }
    Ok((share, found))
}

// ---- What both have in common -----------------------------------------------------------------------------------------

/// Two arms of `per_arm` patients, whose outcomes follow from the arm and the number of the patient.
fn trial(per_arm: usize, outcomes: impl Fn(usize, usize) -> [f64; 4]) -> Result<Trial> {
    let arm_of: Vec<usize> = (0..2 * per_arm).map(|i| i % 2).collect();
    let values: Vec<f64> = arm_of.iter().enumerate().flat_map(|(i, &arm)| outcomes(arm, i)).collect();
    Trial::builder("simulated")
        .patients((0..2 * per_arm).map(|i| i.to_string()))
        .arms(["control", "treatment"], arm_of)
        .schedule(Schedule::of_labels(VISITS))
        .outcome(Outcome { name: "y".into(), label: "y".into(), range: None, values })
        .build()
}

/// The difference between the probabilities of the arms at the last visit.
fn difference(fit: &dyn PopulationMean, trial: &Trial) -> Result<Answer> {
    let options = PopulationOptions::default().visits([VISITS[LAST]]);
    let rows = population_means(fit, trial, &options)?.rows;
    let of = |row: &PopulationEstimate| [row.estimate, row.lower, row.upper, row.se, row.p];
    let found = rows.iter().find(|row| row.measure == PopulationMeasure::Difference && row.not_estimable.is_none());
    Ok(found.map(of).filter(|of| of.iter().all(|x| x.is_finite())))
}

const HEADING: &str = "rejected,rejected_se,coverage,coverage_se,bias,bias_se,sd,se_over_sd,width\n";

/// The share of p-values below 0.05, coverage, bias, SD of the estimates, mean SE over it, mean width; Monte-Carlo standard
/// errors of the first three.
fn summary(found: &[[f64; 5]], truth: f64) -> String {
    let n = found.len() as f64;
    let mean = |of: &dyn Fn(&[f64; 5]) -> f64| found.iter().map(of).sum::<f64>() / n;
    let of_share = |share: f64| (share * (1.0 - share) / n).sqrt();
    let coverage = mean(&|a| f64::from(u8::from(a[1] <= truth && truth <= a[2])));
    let rejected = mean(&|a| f64::from(u8::from(a[4] < 0.05)));
    let estimate = mean(&|a| a[0]);
    let sd = (mean(&|a| (a[0] - estimate).powi(2)) * n / (n - 1.0)).sqrt();
    let (se, width) = (mean(&|a| a[3]), mean(&|a| a[2] - a[1]));
    format!(
        "{rejected:.4},{:.4},{coverage:.4},{:.4},{:.5},{:.5},{sd:.5},{:.4},{width:.4}",
        of_share(rejected),
        of_share(coverage),
        estimate - truth,
        sd / n.sqrt(),
        se / sd
    )
}
