//! How the cost grows: from 10² to 10⁶ patients, from 3 to 30 visits, on one and two threads; and the memory that
//! streaming takes.

mod common;

use common::{SIMULATED, model, on_threads, simulated, streamed};
use criterion::{Criterion, Throughput};
use std::hint::black_box;
use std::time::Duration;
use trialstats::fit::TrialMoments;
use trialstats::{Df, Trial};

const VISITS: usize = 5;

/// The pass over the patients, which is proportional to them, and what comes after it, which is not.
fn patients(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("patients");
    for n in [100, 1000, 10_000, 100_000, 1_000_000] {
        let trial = simulated(n, VISITS);
        let model = model(SIMULATED).df(Df::KenwardRoger);
        let frozen = model.freeze(&trial.protocol()).expect("a design");
        let pass = |trial: &Trial| TrialMoments::of(&frozen, trial).expect("a pass");
        let moments = pass(&trial);
        group.throughput(Throughput::Elements(moments.n_observations() as u64));
        for threads in [1, 2] {
            group
                .bench_function(format!("{n}/pass on {threads} thread(s)"), |b| on_threads(threads, || b.iter(|| pass(black_box(&trial)))));
        }
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{n}/fit from moments and Kenward-Roger"), |b| {
            b.iter(|| model.fit_moments(black_box(&moments)).expect("can be fitted").coefficients())
        });
        group.bench_function(format!("{n}/pass, fit and Kenward-Roger"), |b| {
            on_threads(1, || b.iter(|| model.fit(black_box(&trial)).expect("can be fitted").coefficients()))
        });
    }
    group.finish();
}

/// Unstructured: T visits have T(T + 1)/2 parameters.
fn visits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("visits");
    for visits in [3, 5, 10, 15, 20, 30] {
        let trial = simulated(1000, visits);
        group.bench_function(format!("{visits}/fit"), |b| b.iter(|| model(SIMULATED).fit(black_box(&trial)).expect("can be fitted")));
        if visits <= 20 {
            group.bench_function(format!("{visits}/fit and Kenward-Roger"), |b| {
                b.iter(|| model(SIMULATED).df(Df::KenwardRoger).fit(black_box(&trial)).expect("can be fitted").coefficients())
            });
        }
    }
    group.finish();
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
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(10)
        .configure_from_args();
    patients(&mut criterion);
    visits(&mut criterion);
    criterion.final_summary();
    // With a filter somebody wants one number, and not a file of a million patients.
    if std::env::args().skip(1).all(|argument| argument == "--bench") {
        memory();
    }
}
