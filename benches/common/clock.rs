//! Medians of repeats.

use std::time::{Duration, Instant};

/// Batches of short calls last at least this long, far above the clock's grain.
const BATCH: Duration = Duration::from_micros(200);
const FEWEST: usize = 3;
const MOST: usize = 100_000;
/// What takes so many budgets runs once.
const LONG: u32 = 20;

/// A median and the number of repeats behind it.
#[derive(Debug, Clone, Copy)]
pub struct Median {
    pub seconds: f64,
    pub repeats: usize,
}

/// The median time of `f`, called again and again for about `budget`, after a first call that warms up where a call is short.
pub fn median<R>(budget: Duration, mut f: impl FnMut() -> R) -> Median {
    let mut time = |calls: usize| {
        let start = Instant::now();
        (0..calls).for_each(|_| drop(std::hint::black_box(f())));
        start.elapsed()
    };
    let first = time(1);
    if first > LONG * budget {
        return Median { seconds: first.as_secs_f64(), repeats: 1 };
    }
    let (calls, mut batches) = match first > budget {
        true => (1, vec![first.as_secs_f64()]),
        false => ((BATCH.as_secs_f64() / time(1).max(Duration::from_nanos(50)).as_secs_f64()).ceil() as usize, vec![]),
    };
    let begin = Instant::now();
    while batches.len() < FEWEST || (begin.elapsed() < budget && batches.len() < MOST) {
        batches.push(time(calls).as_secs_f64() / calls as f64);
    }
    batches.sort_by(f64::total_cmp);
    Median { seconds: batches[batches.len() / 2], repeats: batches.len() * calls }
}

/// Three digits with a unit.
pub fn written(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    let digits = (2 - value.max(1.0).log10().floor() as i32).max(0) as usize;
    format!("{value:.digits$} {unit}")
}
