//! Synthetic trials with clusters, made the same every time, and their observations as a file for other engines.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use trialstats::Trial;
use trialstats::simulate::random::Stream;
use trialstats::trial::{Outcome, Schedule, Variable, Visit};

const SEED: u64 = 20_261_122;

/// 1,000 groups of 20 patients at 5 visits, the groups randomized; a level of each group and each patient.
pub const NESTED: &str = "y ~ arm * time + (1 | group) + (1 | patient)";
/// 3,000 patients, each seen by a different one of 1,000 therapists at up to 24 visits: 70,000 observations.
pub const CROSSED: &str = "y ~ time + (1 | patient) + (1 | therapist)";

fn schedule(visits: usize) -> Schedule {
    Schedule::new((0..visits).map(|t| Visit { label: format!("v{t}"), time: Some(t as f64) }).collect())
}

fn names(prefix: char, count: usize) -> Vec<String> {
    (0..count).map(|i| format!("{prefix}{i}")).collect()
}

fn outcome(values: Vec<f64>) -> Outcome {
    Outcome { name: "y".into(), label: "y".into(), range: None, values }
}

fn effects(count: usize, sd: f64, stream: u64) -> Vec<f64> {
    let mut stream = Stream::new(SEED, 3, stream);
    (0..count).map(|_| sd * stream.normal()).collect()
}

pub fn nested() -> Trial {
    const GROUPS: usize = 1000;
    const SIZE: usize = 20;
    const VISITS: usize = 5;
    let patients = GROUPS * SIZE;
    let (of_group, of_patient, errors) = (effects(GROUPS, 2.0, 0), effects(patients, 5.0, 1), effects(patients * VISITS, 6.0, 2));
    let arm_of: Vec<usize> = (0..patients).map(|i| i / SIZE % 2).collect();
    let value = |row: usize| {
        let (patient, time) = (row / VISITS, (row % VISITS) as f64);
        40.0 - (1.0 + 0.3 * arm_of[patient] as f64) * time + of_group[patient / SIZE] + of_patient[patient] + errors[row]
    };
    Trial::builder("simulated")
        .patients(names('p', patients))
        .arms(["control", "treatment"], arm_of.clone())
        .schedule(schedule(VISITS))
        .outcome(outcome((0..patients * VISITS).map(value).collect()))
        .variable(Variable::cluster("group", names('g', GROUPS), (0..patients).map(|i| Some(i / SIZE)).collect()))
        .build()
        .expect("the parts fit together")
}

pub fn crossed() -> Trial {
    const PATIENTS: usize = 3000;
    const THERAPISTS: usize = 1000;
    const VISITS: usize = 24;
    const MISSING: usize = PATIENTS * VISITS - 70_000;
    let mut stream = Stream::new(SEED, 4, 0);
    let mut missing = vec![false; PATIENTS * VISITS];
    let mut left = MISSING;
    while left > 0 {
        let row = stream.whole(0, (PATIENTS * VISITS - 1) as u32) as usize;
        left -= usize::from(!missing[row]);
        missing[row] = true;
    }
    let therapist_at: Vec<usize> = missing.iter().map(|_| stream.whole(0, THERAPISTS as u32 - 1) as usize).collect();
    let (of_patient, of_therapist) = (effects(PATIENTS, 5.0, 3), effects(THERAPISTS, 2.0, 4));
    let errors = effects(missing.len(), 6.0, 5);
    let value = |row: usize| 40.0 - 0.5 * (row % VISITS) as f64 + of_patient[row / VISITS] + of_therapist[therapist_at[row]] + errors[row];
    let values = (0..missing.len()).map(|row| if missing[row] { f64::NAN } else { value(row) }).collect();
    let codes = therapist_at.iter().zip(&missing).map(|(&t, &missing)| (!missing).then_some(t)).collect();
    Trial::builder("simulated")
        .patients(names('p', PATIENTS))
        .arms(["all"], vec![0; PATIENTS])
        .schedule(schedule(VISITS))
        .outcome(outcome(values))
        .variable(Variable::cluster_by_visit("therapist", names('t', THERAPISTS), codes))
        .build()
        .expect("the parts fit together")
}

/// Writes the observations of such a trial, a row each.
pub fn write(trial: &Trial, path: &Path) -> io::Result<()> {
    let (outcome, visits) = (&trial.outcomes()[0], trial.schedule().len());
    let mut text = String::from("patient,arm,time,group,therapist,y\n");
    for (row, value) in outcome.values.iter().enumerate().filter(|(_, y)| !y.is_nan()) {
        let (patient, visit) = (row / visits, row % visits);
        let level = |factor: &str, at: usize| {
            let cluster = trial.cluster(factor).ok();
            cluster.and_then(|c| c.codes()?[at].map(|l| c.levels()[l].as_str())).unwrap_or_default()
        };
        let (group, therapist) = (level("group", patient), level("therapist", row));
        let arm = trial.arm_of()[patient];
        writeln!(text, "{},{arm},{visit},{group},{therapist},{value}", trial.patients()[patient]).map_err(io::Error::other)?;
    }
    std::fs::write(path, text)
}
