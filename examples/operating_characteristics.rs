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

use trialstats::simulate::{Dropout, Gaussian};
use trialstats::study::{Characteristics, Compared, OperatingCharacteristics, Procedure, Replicates, replicate};
use trialstats::{Df, Model, Result, Vcov};

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
pub fn replicates(patients_per_arm: usize, trials: usize) -> Result<Replicates> {
    let model = Model::formula("y ~ baseline * visit + arm * visit")?;
    let last = Compared::new("treatment", "control", VISITS[VISITS.len() - 1]);
    let procedure = |(name, df, vcov)| Procedure::new(name, model.clone().df(df).vcov(vcov)).contrast(last.clone());
    replicate(&truth(patients_per_arm), &METHODS.map(procedure), SEED, 0..trials as u64)
}

/// One row per size and method, as CSV: shares with their Monte-Carlo standard errors.
pub fn csv(studies: &[(usize, OperatingCharacteristics)]) -> String {
    let mut table = String::from(
        "patients_per_arm,method,trials,answered,failures,left,type_one_error,type_one_error_mcse,coverage,coverage_mcse,bias,bias_mcse,\
         empirical_sd,mean_se,se_ratio,se_ratio_mcse,median_df\n",
    );
    for (patients_per_arm, study) in studies {
        for row in &study.rows {
            table += &line(*patients_per_arm, study.left, row);
        }
    }
    table
}

fn line(patients_per_arm: usize, left: f64, row: &Characteristics) -> String {
    let ((bias, bias_error), (ratio, ratio_error)) = (row.bias(), row.se_ratio());
    let numbers = [
        left,
        row.successes.share,
        row.successes.error,
        row.coverage.share,
        row.coverage.error,
        bias,
        bias_error,
        row.empirical_sd,
        row.mean_se,
        ratio,
        ratio_error,
    ];
    let numbers: Vec<String> = numbers.iter().map(|x| format!("{x:.4}")).collect();
    let (trials, answered, failures) = (row.trials, row.answered(), row.failures_text());
    format!("{patients_per_arm},\"{}\",{trials},{answered},\"{failures}\",{},{:.2}\n", row.name, numbers.join(","), row.median_df)
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let trials: usize = arguments.next().map_or(Ok(1000), |a| a.parse())?;
    println!("{trials} trials of each size, seed {SEED}, no difference between the arms.\n");
    let mut studies = vec![];
    for n in SIZES {
        let study = replicates(n, trials)?.characteristics();
        println!("{n} patients per arm\n{study}\n");
        studies.push((n, study));
    }
    if let Some(path) = arguments.next() {
        std::fs::write(path, csv(&studies))?;
    }
    Ok(())
}
