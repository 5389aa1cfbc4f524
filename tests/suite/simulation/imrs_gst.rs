//! The synthetic sample trial: repeatable byte for byte, readable, and as calibrated as its description says.

use crate::common::{Comparison, assert_all, imrs_gst, imrs_gst_layout, imrs_gst_truth, number, reference, repository};
use trialstats::design::MeanModel;
use trialstats::instruments::Diagnosis;
use trialstats::responders::{self, Definition, RateOptions, Unobserved, presets};
use trialstats::simulate::Truth;
use trialstats::{Covariance, Estimation, Model, Trial};

const LAST: &str = "12 months";

fn csv_of(truth: &Truth) -> Vec<u8> {
    let mut bytes = vec![];
    truth.simulate().expect("the truth can be simulated").write_csv(&mut bytes).expect("memory holds it");
    bytes
}

#[test]
fn the_file_is_what_the_truth_makes_byte_for_byte() {
    let committed = std::fs::read(repository("data-samples/imrs_gst/imrs_gst.csv")).expect("the file is there");
    assert!(csv_of(&imrs_gst_truth()) == committed, "run `cargo run --release --example make_imrs_gst` and see what changed");
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let on = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("threads").install(|| csv_of(&imrs_gst_truth()));
    assert!(on(1) == on(3));
}

#[test]
fn it_reads_as_a_trial() {
    let trial = imrs_gst();
    assert_eq!(trial.randomized(), [66, 64]);
    assert_eq!(trial.schedule().labels(), ["baseline", "3 months", "6 months", "9 months", LAST]);
    assert_eq!(trial.schedule().baseline(), Some(0));
    for outcome in ["caps5", "scid5pd"] {
        let outcome = trial.outcome(outcome).expect("the instruments yield it");
        assert!((0..130).all(|i| trial.value(outcome, i, 0).is_some()), "the baseline is complete");
    }
    let diagnosis = |name: &str, i: usize| trial.diagnosis(name).expect("the instruments yield it").values[5 * i];
    for i in 0..130 {
        assert_eq!(diagnosis("ptsd", i), Some(Diagnosis::Met));
        assert!(["avoidant", "dependent", "obsessive_compulsive"].iter().any(|d| diagnosis(d, i) == Some(Diagnosis::Met)));
    }
    let groups = trial.cluster("therapy_group").expect("declared");
    assert_eq!(groups.levels().len(), 8);
    let codes = groups.codes().expect("a factor");
    assert!((0..130).all(|i| codes[i].is_some() == (trial.arm_of()[i] == 1)));
}

/// What was published of the trial, as this sample has it.
#[derive(Debug)]
struct Figures {
    /// CAPS-5: change to 12 months per arm and between arms, improvement positive, in baseline standard deviations.
    caps5: [f64; 3],
    scid5pd: [f64; 3],
    loss_of_diagnosis: f64,
    remission: f64,
    few_sessions: [f64; 2],
    unobserved: f64,
    baseline: (f64, f64),
    age: (f64, f64),
    female: f64,
}

impl Figures {
    fn of(trial: &Trial) -> Self {
        let few = responders::share_below(trial, "imrs_sessions", 9.0).expect("a number per patient");
        let few = few.rates(&RateOptions::new([Unobserved::CountedAsNotMet])).expect("rates");
        Self {
            caps5: effects(trial, "caps5"),
            scid5pd: effects(trial, "scid5pd"),
            loss_of_diagnosis: rate(trial, &presets::caps5_loss_of_diagnosis()),
            remission: rate(trial, &presets::caps5_remission()),
            few_sessions: [few.rows[0].met as f64 / 66.0, few.rows[1].met as f64 / 64.0],
            unobserved: 1.0 - observed(trial, "caps5", 4) as f64 / 130.0,
            baseline: (mean(&values(trial, "caps5", 0, None)), pooled_baseline_sd(trial, "caps5")),
            age: age(trial),
            female: female(trial),
        }
    }

    /// Every figure further from its target than `slack` times what is allowed.
    fn misses(&self, slack: f64) -> Vec<String> {
        let mut missed = vec![];
        let mut near = |what: &str, is: f64, target: f64, within: f64| {
            if (is - target).abs() > slack * within {
                missed.push(format!("{what}: {is:.4}, not within {slack} × {within} of {target}"));
            }
        };
        near("CAPS-5 d, ImRs", self.caps5[0], 2.42, 0.05);
        near("CAPS-5 d, ImRs+GST", self.caps5[1], 2.44, 0.05);
        near("CAPS-5 d between", self.caps5[2], 0.02, 0.05);
        near("SCID-5-PD d, ImRs", self.scid5pd[0], 3.0, 0.15);
        near("SCID-5-PD d, ImRs+GST", self.scid5pd[1], 3.0, 0.15);
        near("remission", self.remission, 0.28, 0.03);
        near("loss of diagnosis", self.loss_of_diagnosis, 0.43, 0.03);
        near("few sessions, ImRs", self.few_sessions[0], 0.38, 0.03);
        near("few sessions, ImRs+GST", self.few_sessions[1], 0.38, 0.03);
        near("not observed at 12 months", self.unobserved, 0.25, 0.05);
        near("baseline CAPS-5 mean", self.baseline.0, 40.45, 0.55);
        near("baseline CAPS-5 SD", self.baseline.1, 9.75, 1.05);
        near("mean age", self.age.0, 40.6, 1.5);
        near("SD of age", self.age.1, 11.2, 1.5);
        near("women", self.female, 0.85, 0.04);
        missed
    }
}

fn age(trial: &Trial) -> (f64, f64) {
    let age = trial.covariate("age").expect("age is declared").numbers().expect("age is a number");
    (mean(age), (age.iter().map(|a| (a - mean(age)).powi(2)).sum::<f64>() / 129.0).sqrt())
}

fn female(trial: &Trial) -> f64 {
    let sex = trial.covariate("sex").expect("sex is declared");
    sex.codes().expect("sex is a factor").iter().flatten().filter(|&&c| sex.levels()[c] == "female").count() as f64 / 130.0
}

/// Constrained longitudinal analysis, unstructured covariance, REML; change to 12 months over the raw baseline SD
/// pooled over arms.
fn effects(trial: &Trial, outcome: &str) -> [f64; 3] {
    let mean = MeanModel::parse(&format!("{outcome} ~ arm * visit")).expect("a formula").constrained_baseline();
    let fit = Model::new(mean).covariance(Covariance::Unstructured).estimation(Estimation::Reml).fit(trial).expect("it can be fitted");
    let coefficient = |name: &str| fit.coefficients().rows.iter().find(|c| c.label == name).expect("a coefficient").estimate;
    let (change, difference) = (coefficient(&format!("visit{LAST}")), coefficient(&format!("armImRs+GST:visit{LAST}")));
    let sd = pooled_baseline_sd(trial, outcome);
    [-change / sd, -(change + difference) / sd, -difference / sd]
}

fn values(trial: &Trial, outcome: &str, visit: usize, arm: Option<usize>) -> Vec<f64> {
    let outcome = trial.outcome(outcome).expect("the instruments yield it");
    let of_arm = (0..130).filter(|&i| arm.is_none_or(|a| trial.arm_of()[i] == a));
    of_arm.filter_map(|i| trial.value(outcome, i, visit)).collect()
}

fn observed(trial: &Trial, outcome: &str, visit: usize) -> usize {
    values(trial, outcome, visit, None).len()
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn pooled_baseline_sd(trial: &Trial, outcome: &str) -> f64 {
    let squares = |arm: usize| {
        let y = values(trial, outcome, 0, Some(arm));
        y.iter().map(|v| (v - mean(&y)).powi(2)).sum::<f64>()
    };
    ((squares(0) + squares(1)) / 128.0).sqrt()
}

/// The share of everyone randomized who meets the definition at 12 months, the unobserved counted as not meeting it.
fn rate(trial: &Trial, definition: &Definition) -> f64 {
    let evaluated = definition.evaluate(trial).expect("the preset's outcomes are there");
    let rates = evaluated.rates(&RateOptions::new([Unobserved::CountedAsNotMet]).visits([LAST])).expect("rates");
    let (met, of) = rates.rows.iter().fold((0, 0), |(met, of), r| (met + r.met, of + r.of));
    assert_eq!(of, 130);
    met as f64 / of as f64
}

#[test]
fn the_sample_reproduces_the_published_figures() {
    let figures = Figures::of(&imrs_gst());
    assert_eq!(figures.misses(1.0), Vec::<String>::new(), "{figures:#?}");
}

/// The seed is the first, counted from 1, that keeps every figure within 0.8 of its allowance. Minutes in release,
/// hence not among the tests of every day: `cargo test --release --test suite imrs_gst:: -- --ignored`.
#[test]
#[ignore = "takes minutes; repeats the search for the seed"]
fn the_seed_is_the_first_that_reproduces_the_published_figures() {
    let mut truth = imrs_gst_truth();
    let stated = *truth.seed;
    for seed in 1..=stated {
        truth.seed.value = seed;
        let trial = imrs_gst_layout().read_csv_from("candidate", csv_of(&truth).as_slice()).expect("a trial");
        assert_eq!(Figures::of(&trial).misses(0.8).is_empty(), seed == stated, "seed {seed}: {:?}", Figures::of(&trial).misses(0.8));
    }
}

/// The same analysis in R; `tests/references/imrs_gst` has the script.
#[test]
fn r_finds_the_same_effects() {
    let reference = reference("imrs_gst/clda.json");
    let mut compared = Comparison::of("imrs_gst");
    for (outcome, ours) in [("caps5", effects(&imrs_gst(), "caps5")), ("scid5pd", effects(&imrs_gst(), "scid5pd"))] {
        for (i, what) in ["d_imrs", "d_imrs_gst", "d_between"].into_iter().enumerate() {
            let theirs = number(&reference[outcome][what]);
            // In standard deviations; the script takes gls to the top of the likelihood.
            compared.within(&format!("{outcome} {what}"), ours[i], theirs, 1e-7);
        }
    }
    assert_all([compared]);
}
