//! A million patients: how long the pass over them takes in memory, and how much memory it takes to stream them from
//! a file.
//!
//! The data are made up, from a seed. Memory is read from the system (Linux) as the highest resident set since the
//! process began.
//!
//! ```text
//! cargo run --release --example million -- generate million.csv 1000000    # a long CSV file, five visits
//! cargo run --release --example million -- stream million.csv              # read in chunks; peak memory
//! cargo run --release --example million -- memory 1000000                  # design, pass and fit in memory
//! ```
//! With the feature `parquet` a file may end in `.parquet`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Instant;
use trialstats::fit::TrialMoments;
use trialstats::means::ContrastOptions;
use trialstats::simulate::random::Stream;
use trialstats::trial::{CovariateKind, Outcome, Schedule, Variable};
use trialstats::{Df, Layout, Model, Trial};

const VISITS: usize = 5;
const ROWS: usize = 50_000;
const SEED: u64 = 20_261_121;

type Outcomes = [Option<f64>; VISITS];

/// Patient `i`: arm, baseline and outcomes, a fifth of the patients dropping out at some visit.
fn patient(i: u64) -> (usize, f64, Outcomes) {
    let mut stream = Stream::new(SEED, i, 0);
    let mut normal = || stream.normal();
    let (arm, baseline, level) = ((i % 2) as usize, 40.0 + 8.0 * normal(), 5.0 * normal());
    let last = if normal() > 0.84 { (i % VISITS as u64) as usize } else { VISITS };
    let mut y = [None; VISITS];
    for (t, y) in y.iter_mut().enumerate().take(last.max(1)) {
        let noise = 4.0 * normal();
        *y = Some(baseline * 0.6 + 10.0 - (2.0 + arm as f64) * t as f64 + level + noise);
    }
    (arm, baseline, y)
}

fn layout() -> Layout {
    Layout::long("patient", "arm", "visit")
        .arms(["control", "treatment"])
        .visits((1..=VISITS).map(|t| format!("v{t}")))
        .outcome("score")
        .covariate_as("severity", CovariateKind::Numeric)
}

fn model() -> Result<Model, trialstats::Error> {
    Ok(Model::formula("score ~ severity + arm * visit")?.df(Df::KenwardRoger))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["generate", path, patients] => generate(path, patients.parse()?)?,
        ["stream", path] => stream(path)?,
        ["memory", patients] => memory(patients.parse()?)?,
        _ => memory(10_000)?,
    }
    Ok(())
}

fn generate(path: &str, patients: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "patient,arm,visit,score,severity")?;
    for i in 0..patients {
        let (arm, baseline, y) = patient(i);
        for (t, y) in y.iter().enumerate() {
            let score = y.map_or(String::new(), |y| format!("{y:.3}"));
            writeln!(file, "P{i:07},{},v{},{score},{baseline:.3}", ["control", "treatment"][arm], t + 1)?;
        }
    }
    file.flush()?;
    Ok(())
}

fn stream(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let before = peak();
    let protocol = layout().protocol()?;
    let (layout, model) = (layout().part_of(&protocol), model()?);
    let start = Instant::now();
    #[cfg(feature = "parquet")]
    let chunks = if path.ends_with(".parquet") { layout.parquet_chunks(path, ROWS)? } else { layout.csv_chunks(path, ROWS)? };
    #[cfg(not(feature = "parquet"))]
    let chunks = layout.csv_chunks(path, ROWS)?;
    let moments = TrialMoments::of_chunks(&model.freeze(&protocol)?, &layout, chunks)?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{} patients, {} observations in {seconds:.2} s: {:.2} million observations a second",
        moments.n_patients(),
        moments.n_observations(),
        moments.n_observations() as f64 / seconds / 1e6
    );
    println!("{}", model.fit_moments(&moments)?.arm_contrasts(&ContrastOptions::default())?);
    if let (Some(before), Some(after)) = (before, peak()) {
        println!("peak memory above the start: {:.1} MB", (after - before) as f64 / 1e3);
    }
    Ok(())
}

fn memory(patients: u64) -> Result<(), Box<dyn std::error::Error>> {
    let n = patients as usize;
    let made: Vec<(usize, f64, Outcomes)> = (0..patients).map(patient).collect();
    let values = made.iter().flat_map(|(_, _, y)| y.map(|y| y.unwrap_or(f64::NAN))).collect();
    let severity = made.iter().map(|m| m.1).collect();
    let trial = Trial::builder("made up")
        .patients((0..n).map(|i| format!("P{i:07}")))
        .arms(["control", "treatment"], made.iter().map(|m| m.0).collect())
        .schedule(Schedule::of_labels((1..=VISITS).map(|t| format!("v{t}"))))
        .outcome(Outcome { name: "score".into(), label: "score".into(), range: None, values })
        .variable(Variable::number("severity", severity))
        .build()?;
    let model = model()?;
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        pool.install(|| -> trialstats::Result<()> {
            let time = |start: Instant| 1e3 * start.elapsed().as_secs_f64();
            let frozen = model.freeze(&trial.protocol())?;
            let start = Instant::now();
            let moments = TrialMoments::of(&frozen, &trial)?;
            let all = time(start);
            let start = Instant::now();
            let fit = model.fit_moments(&moments)?;
            let contrasts = fit.arm_contrasts(&ContrastOptions::default())?;
            let of_moments = time(start);
            let start = Instant::now();
            let whole = model.fit(&trial)?;
            let fitted = time(start);
            println!(
                "{threads} thread(s): trial → moments {all:.0} ms ({:.0} million observations a second); fit and Kenward–Roger from moments \
                 {of_moments:.2} ms; trial → design → fit {fitted:.0} ms",
                moments.n_observations() as f64 / all / 1e3
            );
            assert!((whole.log_likelihood() - fit.log_likelihood()).abs() < 1e-9 * fit.log_likelihood().abs());
            drop(contrasts);
            Ok(())
        })?;
    }
    Ok(())
}

/// The highest resident memory of the process so far, in kB; `None` where the system does not tell.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok())
}
