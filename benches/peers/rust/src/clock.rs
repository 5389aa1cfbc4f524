//! Medians of repeats.

use std::time::{Duration, Instant};

/// Batches of short calls last at least this long, far above the clock's grain.
const BATCH: Duration = Duration::from_micros(200);
const FEWEST: usize = 3;
const MOST: usize = 100_000;

/// A median and the number of repeats behind it.
#[derive(Debug, Clone, Copy)]
pub struct Median {
    pub seconds: f64,
    pub repeats: usize,
}

/// The median time of `f`, called again and again for about `budget` after a first call that warms up.
pub fn median<R>(budget: Duration, mut f: impl FnMut() -> R) -> Median {
    let mut time = |calls: usize| {
        let start = Instant::now();
        (0..calls).for_each(|_| drop(std::hint::black_box(f())));
        start.elapsed()
    };
    time(1);
    let one = time(1).max(Duration::from_nanos(50));
    let calls = (BATCH.as_secs_f64() / one.as_secs_f64()).ceil() as usize;
    let (mut batches, begin) = (vec![], Instant::now());
    while batches.len() < FEWEST || (begin.elapsed() < budget && batches.len() < MOST) {
        batches.push(time(calls).as_secs_f64() / calls as f64);
    }
    batches.sort_by(f64::total_cmp);
    Median { seconds: batches[batches.len() / 2], repeats: batches.len() * calls }
}
