//! What the library is compared with itself in: a million patients, ten thousand refits.

use crate::common::clock::{Median, median};
use crate::common::growth::{self, Axis};
use crate::common::methods::{NAMES, method};
use crate::common::{self, SIMULATED, on_threads, simulated, streamed};
use rayon::prelude::*;
use std::time::Duration;
use trialstats::fit::TrialMoments;
use trialstats::inference::MomentsFit;
use trialstats::{Df, Trial};

const BUDGET: Duration = Duration::from_secs(3);
const REFITS: u64 = 10_000;
const MANY: usize = 1_000_000;
const FEW: usize = 1000;

/// Everything measured here; parts that were not asked for are missing.
#[derive(Default)]
pub struct Own {
    pub patients: Option<Patients>,
    pub refits: Option<Refits>,
    pub streamed: Option<streamed::Streamed>,
    /// What came after the mixed model, case by case: what it is and one run.
    pub methods: Vec<(&'static str, Median)>,
    pub growth: Vec<Axis>,
}

/// A thousand patients beside a million.
pub struct Patients {
    pub observations: usize,
    /// The pass on one and on two threads.
    pub pass: [Median; 2],
    pub few: AfterThePass,
    pub many: AfterThePass,
    /// Trial → design → moments → fit → Kenward–Roger in one call.
    pub whole: Median,
}

/// What follows the pass, from moments.
pub struct AfterThePass {
    pub fit: Median,
    pub kenward_roger: Median,
}

/// Patients resampled and the model fitted again.
pub struct Refits {
    pub one: Median,
    /// Ten thousand, on one and two threads.
    pub all: [Median; 2],
    pub failed: usize,
}

/// Measures what the filter names: `patients`, `refits`, `streamed`, `methods`, `growth`; all without one.
pub fn measure(filter: &str) -> Own {
    let wanted = |name: &str| name.contains(filter);
    Own {
        patients: wanted("patients").then(patients),
        refits: wanted("refits").then(refits),
        streamed: if wanted("streamed") { stream() } else { None },
        methods: if wanted("methods") { NAMES.iter().map(|name| timed(name)).collect() } else { vec![] },
        growth: if wanted("growth") { growth::measure(|_| true) } else { vec![] },
    }
}

/// One run of a case of `common::methods`, on one thread but where it says otherwise.
fn timed(name: &str) -> (&'static str, Median) {
    let mut method = method(name);
    let found = on_threads(1, || median(BUDGET, &mut method.run));
    eprintln!("{name}: {}", common::clock::written(found.seconds / method.repeats));
    (method.what, Median { seconds: found.seconds / method.repeats, repeats: found.repeats })
}

fn patients() -> Patients {
    let trial = simulated(MANY, 5);
    let model = common::model(SIMULATED).df(Df::KenwardRoger);
    let frozen = model.freeze(&trial.protocol()).expect("a design");
    let of = |trial: &Trial| TrialMoments::of(&frozen, trial).expect("a pass");
    let (moments, few) = (of(&trial), of(&simulated(FEW, 5)));
    let on = |threads| on_threads(threads, || median(BUDGET, || of(&trial)));
    let after = |moments: &TrialMoments| {
        let fit = || -> MomentsFit { model.fit_moments(moments).expect("can be fitted") };
        AfterThePass { fit: median(BUDGET, fit), kenward_roger: median(BUDGET, || fit().coefficients()) }
    };
    on_threads(1, || Patients {
        observations: moments.n_observations(),
        pass: [on(1), on(2)],
        few: after(&few),
        many: after(&moments),
        whole: median(BUDGET, || model.fit(&trial).expect("can be fitted").coefficients()),
    })
}

fn refits() -> Refits {
    let trial = common::imrs_gst();
    let fit = common::imrs_gst_model().fit(&trial).expect("can be fitted");
    let refitter = fit.refitter().expect("the fit has patients");
    let samples: Vec<Vec<u32>> = (0..REFITS).map(|replicate| common::resampled(fit.n_patients(), replicate)).collect();
    let run = || -> usize {
        samples.par_iter().map_init(|| refitter.clone(), |r, times| usize::from(r.with_multiplicities(times).is_err())).sum()
    };
    let on = |threads| on_threads(threads, || median(BUDGET, run));
    // Different samples need different numbers of iterations: one warm refit is the mean of many, in a plain loop.
    let mut warm = refitter.clone();
    let few = &samples[..500];
    let loop_of_few = median(BUDGET, || few.iter().filter(|times| warm.with_multiplicities(times).is_ok()).count());
    let one = Median { seconds: loop_of_few.seconds / few.len() as f64, repeats: loop_of_few.repeats };
    Refits { one, all: [on(1), on(2)], failed: run() }
}

fn stream() -> Option<streamed::Streamed> {
    let path = std::env::temp_dir().join(format!("trialstats-peers-{}.csv", std::process::id()));
    let found = streamed::write(&path, MANY).ok().and_then(|()| streamed::measure(&path));
    let _ = std::fs::remove_file(&path);
    found
}
