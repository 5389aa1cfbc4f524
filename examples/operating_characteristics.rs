//! What the methods promise and what they keep: type I error and coverage by simulation, in small and middling trials
//! with dropout.
//!
//! Trials in which the arms do not differ are made from a stated truth and analysed as a protocol would have it: MMRM
//! with unstructured covariance, REML, baseline and arm crossed with visit; the contrast of the arms at the last
//! visit. Satterthwaite's method, Kenward and Roger's and the cluster-robust CR2 see the same trials. The argument is
//! the number of trials of each size; the documentation (`guide::operating_characteristics`) has 10,000.
//!
//! ```text
//! cargo run --release --example operating_characteristics -- 10000
//! ```

use rayon::prelude::*;
use std::collections::BTreeMap;
use trialstats::means::ContrastOptions;
use trialstats::simulate::{Dropout, Gaussian};
use trialstats::{Df, Model, Result, Trial, Vcov};

/// The seed of all trials; trial r is replicate r.
pub const SEED: u64 = 20_261_122;
/// Patients randomized to each arm.
pub const SIZES: [usize; 3] = [10, 20, 65];
/// The baseline and the five visits analysed.
const VISITS: [&str; 6] = ["baseline", "1", "2", "3", "4", "5"];
/// Mean of the outcome at each visit, in both arms: the arms do not differ.
const MEANS: [f64; 6] = [24.0, 21.0, 18.5, 17.0, 16.0, 15.5];
/// Standard deviation at each visit.
const SDS: [f64; 6] = [5.0, 6.0, 6.8, 7.5, 8.1, 8.4];
/// Correlations, below the diagonal: no structure but the unstructured holds.
const CORRELATIONS: [[f64; 6]; 6] = [
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.62, 1.0, 0.0, 0.0, 0.0, 0.0],
    [0.50, 0.71, 1.0, 0.0, 0.0, 0.0],
    [0.41, 0.60, 0.76, 1.0, 0.0, 0.0],
    [0.36, 0.49, 0.66, 0.80, 1.0, 0.0],
    [0.33, 0.45, 0.57, 0.71, 0.83, 1.0],
];
/// Missing at random and for good, likelier after a high value: 30% have left by the last visit.
const DROPOUT: Dropout = Dropout::AtRandom { at_mean: 0.064, log_odds_per_sd: 0.5 };

/// The methods compared.
pub const METHODS: [(&str, Df, Vcov); 3] = [
    ("Satterthwaite", Df::Satterthwaite, Vcov::ModelBased),
    ("Kenward-Roger", Df::KenwardRoger, Vcov::ModelBased),
    ("CR2, Satterthwaite", Df::Satterthwaite, Vcov::Cr2),
];

/// What one method says of one trial, whose true contrast is zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// The contrast of the arms at the last visit.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Its degrees of freedom.
    pub df: f64,
    /// The two-sided p-value of no difference.
    pub p: f64,
    /// The 95% confidence interval.
    pub interval: (f64, f64),
}

/// One trial: its dropout, and each method's answer or the name of its failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicate {
    /// Share of patients without the last visit.
    pub left: f64,
    /// In the order of [`METHODS`].
    pub answers: [Result<Answer, String>; 3],
}

/// What became of all trials of one size under one method.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Patients randomized to each arm.
    pub patients_per_arm: usize,
    /// Name of the method.
    pub method: &'static str,
    /// Trials made.
    pub trials: usize,
    /// Failures by name.
    pub failures: BTreeMap<String, usize>,
    /// Mean share of patients without the last visit.
    pub left: f64,
    /// Share of answers with p < .05.
    pub type_one: f64,
    /// Share of answers whose 95% interval holds the truth.
    pub coverage: f64,
    /// Mean of the estimates, whose truth is zero.
    pub mean_estimate: f64,
    /// Standard deviation of the estimates.
    pub empirical_sd: f64,
    /// Mean of the standard errors.
    pub mean_se: f64,
    /// Median of the degrees of freedom.
    pub median_df: f64,
}

impl Summary {
    /// Trials that were answered.
    pub fn answered(&self) -> usize {
        self.trials - self.failures.values().sum::<usize>()
    }

    /// Monte-Carlo standard error of a share.
    pub fn error_of(&self, share: f64) -> f64 {
        (share * (1.0 - share) / self.answered() as f64).sqrt()
    }

    /// Mean standard error over the standard deviation of the estimates, and its Monte-Carlo standard error (that of
    /// the latter).
    pub fn se_ratio(&self) -> (f64, f64) {
        let ratio = self.mean_se / self.empirical_sd;
        (ratio, ratio / (2.0 * (self.answered() as f64 - 1.0)).sqrt())
    }
}

/// The truth the trials are made from.
pub fn truth(patients_per_arm: usize) -> Gaussian {
    let n = VISITS.len();
    let sigma: Vec<f64> = (0..n * n).map(|k| (k / n, k % n)).map(|(a, b)| SDS[a] * SDS[b] * CORRELATIONS[a.max(b)][a.min(b)]).collect();
    Gaussian::new(VISITS)
        .arm("control", patients_per_arm, MEANS)
        .arm("treatment", patients_per_arm, MEANS)
        .covariance(sigma)
        .dropout(DROPOUT)
}

/// The trials of one size, each answered by every method: the same for any number of threads.
pub fn replicates(patients_per_arm: usize, trials: usize) -> Result<Vec<Replicate>> {
    let truth = truth(patients_per_arm);
    (0..trials as u64).into_par_iter().map(|r| replicate(&truth.trial(SEED, r)?)).collect()
}

fn replicate(trial: &Trial) -> Result<Replicate> {
    let y = &trial.outcomes()[0];
    let (n, last) = (trial.patients().len(), VISITS.len() - 1);
    let left = (0..n).filter(|&i| trial.value(y, i, last).is_none()).count() as f64 / n as f64;
    let model = Model::formula("y ~ baseline * visit + arm * visit")?;
    let answers = METHODS.map(|(_, df, vcov)| answer(model.clone().df(df).vcov(vcov), trial));
    Ok(Replicate { left, answers })
}

fn answer(model: Model, trial: &Trial) -> Result<Answer, String> {
    let last = ContrastOptions::default().visits([VISITS[VISITS.len() - 1]]);
    let contrasts = model.fit(trial).and_then(|fit| fit.arm_contrasts(&last)).map_err(|e| e.code().to_string())?;
    let row = contrasts.rows.first().ok_or("no contrast")?;
    if row.not_estimable.is_some() {
        return Err("not-estimable".into());
    }
    let of = &row.estimate;
    let interval = (row.lower, row.upper);
    if [of.estimate, of.se, of.p, interval.0, interval.1].iter().all(|x| x.is_finite()) {
        Ok(Answer { estimate: of.estimate, se: of.se, df: of.df, p: of.p, interval })
    } else {
        Err("not a number".into())
    }
}

/// What became of the trials under method number `method` of [`METHODS`].
pub fn summary(patients_per_arm: usize, replicates: &[Replicate], method: usize) -> Summary {
    let mut failures = BTreeMap::new();
    let mut answers = vec![];
    for replicate in replicates {
        match &replicate.answers[method] {
            Ok(answer) => answers.push(*answer),
            Err(name) => *failures.entry(name.clone()).or_insert(0) += 1,
        }
    }
    let n = answers.len() as f64;
    let mean = |f: &dyn Fn(&Answer) -> f64| answers.iter().map(f).sum::<f64>() / n;
    let share = |f: &dyn Fn(&Answer) -> bool| answers.iter().filter(|a| f(a)).count() as f64 / n;
    let mean_estimate = mean(&|a| a.estimate);
    let mut dfs: Vec<f64> = answers.iter().map(|a| a.df).collect();
    dfs.sort_by(f64::total_cmp);
    Summary {
        patients_per_arm,
        method: METHODS[method].0,
        trials: replicates.len(),
        failures,
        left: replicates.iter().map(|r| r.left).sum::<f64>() / replicates.len() as f64,
        type_one: share(&|a| a.p < 0.05),
        coverage: share(&|a| a.interval.0 <= 0.0 && 0.0 <= a.interval.1),
        mean_estimate,
        empirical_sd: (mean(&|a| (a.estimate - mean_estimate).powi(2)) * n / (n - 1.0)).sqrt(),
        mean_se: mean(&|a| a.se),
        median_df: dfs.get(dfs.len() / 2).copied().unwrap_or(f64::NAN),
    }
}

/// The table, as CSV: shares with their Monte-Carlo standard errors.
pub fn csv(summaries: &[Summary]) -> String {
    let mut table = String::from(
        "patients_per_arm,method,trials,answered,failures,left,type_one_error,type_one_error_mcse,coverage,coverage_mcse,bias,bias_mcse,\
         empirical_sd,mean_se,se_ratio,se_ratio_mcse,median_df\n",
    );
    for s in summaries {
        let failures: Vec<String> = s.failures.iter().map(|(name, times)| format!("{name}: {times}")).collect();
        let (ratio, ratio_error) = s.se_ratio();
        table += &format!(
            "{},\"{}\",{},{},\"{}\",{:.4},{:.4},{:.4},{:.4},{:.4},{:.4},{:.4},{:.4},{:.4},{:.4},{:.4},{:.2}\n",
            s.patients_per_arm,
            s.method,
            s.trials,
            s.answered(),
            failures.join("; "),
            s.left,
            s.type_one,
            s.error_of(s.type_one),
            s.coverage,
            s.error_of(s.coverage),
            s.mean_estimate,
            s.empirical_sd / (s.answered() as f64).sqrt(),
            s.empirical_sd,
            s.mean_se,
            ratio,
            ratio_error,
            s.median_df,
        );
    }
    table
}

/// The table for reading.
fn shown(s: &Summary) -> String {
    let percent = |share: f64| format!("{:6.2} ({:.2})", 100.0 * share, 100.0 * s.error_of(share));
    let (ratio, error) = s.se_ratio();
    let failures: Vec<String> = s.failures.iter().map(|(name, times)| format!("{name}: {times}")).collect();
    format!(
        "{:>4}  {:<18} {:>15} {:>15} {:>8.3} ({:.3}) {:>8.1}  {:>6}  {}",
        s.patients_per_arm,
        s.method,
        percent(s.type_one),
        percent(s.coverage),
        ratio,
        error,
        s.median_df,
        s.answered(),
        failures.join("; ")
    )
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let trials: usize = arguments.next().map_or(Ok(1000), |a| a.parse())?;
    let csv_file = arguments.next();
    println!("{trials} trials of each size, seed {SEED}, no difference between the arms. In brackets: Monte-Carlo standard errors.\n");
    println!(
        "{:>4}  {:<18} {:>15} {:>15} {:>16} {:>8}  {:>6}  failures",
        "n", "method", "type I error, %", "coverage, %", "mean SE / SD", "med. df", "trials"
    );
    let mut summaries = vec![];
    for n in SIZES {
        let replicates = replicates(n, trials)?;
        for method in 0..METHODS.len() {
            let summary = summary(n, &replicates, method);
            println!("{}", shown(&summary));
            summaries.push(summary);
        }
        println!("      {:.1}% of the patients have left by the last visit", 100.0 * summaries[summaries.len() - 1].left);
    }
    if let Some(path) = csv_file {
        std::fs::write(path, csv(&summaries))?;
    }
    Ok(())
}
