//! How the cost grows with patients, visits, covariance parameters, columns, clusters, contrasts and replicates, with the
//! exponent of each; the pass over the data on one and two threads; and the memory that streaming takes.

mod common;

use common::clock::{median, written};
use common::growth::{Axis, measure};
use common::{SIMULATED, model, on_threads, simulated, streamed};
use std::time::Duration;
use trialstats::fit::TrialMoments;

const BUDGET: Duration = Duration::from_secs(2);

fn line(axis: &Axis) -> String {
    let points = axis.points.iter().map(|(size, seconds)| format!("{size}: {}", written(*seconds))).collect::<Vec<_>>().join("; ");
    format!("| {} | {} | {points} | {:.2} | {} |", axis.what, axis.of, axis.exponent(), axis.ten_minutes())
}

/// The pass over the patients, which is proportional to them, on one and two threads.
fn passes() {
    for n in [10_000, 100_000, 1_000_000] {
        let trial = simulated(n, 5);
        let frozen = model(SIMULATED).freeze(&trial.protocol()).expect("a design");
        let pass = || TrialMoments::of(&frozen, &trial).expect("a pass");
        let rows = pass().n_observations() as f64;
        let [one, two] = [1, 2].map(|threads| on_threads(threads, || median(BUDGET, pass)).seconds);
        println!("pass over {n} patients: {:.1} million rows a second; on two threads {:.2} times that", rows / one / 1e6, one / two);
    }
}

/// A million patients from a file; memory is told by the system, not by a clock.
fn memory() {
    let path = std::env::temp_dir().join(format!("trialstats-growth-{}.csv", std::process::id()));
    streamed::write(&path, 1_000_000).expect("there is room for the file");
    let found = streamed::measure(&path);
    std::fs::remove_file(&path).expect("the file is ours");
    match found {
        Some(s) => {
            let memory = s.megabytes.map_or("not told by this system".into(), |m| format!("{m:.0} MB above the start of the process"));
            println!("streamed/1000000: {:.2} million observations a second, peak memory {memory}", s.observations / s.seconds / 1e6);
        }
        None => println!("streamed/1000000: could not be measured"),
    }
}

fn main() {
    if streamed::is_the_measured_process() {
        return;
    }
    // `cargo bench --bench growth -- visits` measures that alone.
    let named: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    println!("| what | grows | size: time | exponent | ten minutes at |\n|---|---|---|---|---|");
    measure(|name| named.is_empty() || named.iter().any(|word| word == name)).iter().for_each(|axis| println!("{}", line(axis)));
    if named.is_empty() {
        passes();
        memory();
    }
}
