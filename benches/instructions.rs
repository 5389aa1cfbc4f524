//! Instructions of the hot path, counted by valgrind: they repeat to a ten-thousandth where times do not, so a limit
//! can be some per cent above what was counted last and never cry wolf. A change that goes over a limit says why, or
//! is mended; one that goes far under it lowers the limit.
//!
//! Needs valgrind and `cargo install gungraun-runner` in the version of the dependency `gungraun`; without them
//! nothing is counted, and it says so. `.ci/run` runs it. The counts are those of x86-64: another processor has other
//! instructions, and other mathematical functions below it.

#![allow(missing_docs, reason = "the macros of gungraun make public items")]

mod common;

use common::methods::{Method, clustered_refits};
use common::{changed, model};
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group};
use std::hint::black_box;
use std::process::{Command, Stdio};
use trialstats::inference::{Coefficients, Refitter};
use trialstats::{Df, Fit, Model, Trial};

/// Limits in instructions: eight per cent above what was counted last, which leaves room for another compiler.
mod limits {
    pub const FEV_FIT: u64 = 2_105_000;
    pub const FEV_SATTERTHWAITE: u64 = 2_771_000;
    pub const FEV_KENWARD_ROGER: u64 = 3_071_000;
    pub const FEV_REFIT: u64 = 823_000;
    pub const SLEEPSTUDY_REFIT: u64 = 108_000;
    pub const SLEEPSTUDY_SATTERTHWAITE: u64 = 1_618_000;
    pub const BCVA_SATTERTHWAITE: u64 = 68_040_000;
    pub const BCVA_KENWARD_ROGER: u64 = 92_720_000;
    pub const JACKKNIFE: u64 = 118_800_000;
    pub const CLOSED_FORM: u64 = 8_851_000;
    pub const BAYESIAN: u64 = 771_600_000;
    pub const GEE: u64 = 2_806_000;
    pub const GLMM_LAPLACE: u64 = 18_370_000;
    pub const GLMM_15: u64 = 59_030_000;
    /// Twenty replicates of a parametric bootstrap.
    pub const REFITS_OF_CLUSTERS: u64 = 28_460_000;
}

fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"]).hard_limits([(EventKind::Ir, instructions)])).clone()
}

/// The trial, with all work done by this thread: only that is counted.
fn alone(trial: Trial) -> Trial {
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global().expect("no pool has been built before");
    trial
}

fn fev() -> (Trial, Model) {
    (alone(common::fev()), model(common::FEV))
}

fn sleepstudy() -> (Trial, Model) {
    (alone(common::sleepstudy()), common::sleepstudy_model())
}

fn bcva() -> (Trial, Model) {
    (alone(common::bcva()), model(common::BCVA))
}

fn with_df((trial, model): (Trial, Model), df: Df) -> (Trial, Model) {
    (trial, model.df(df))
}

fn clustered() -> (Refitter<'static>, Vec<Vec<f64>>) {
    clustered_refits(common::CLUSTERED_LEVELS, &alone(common::imrs_gst_clustered()))
}

/// A case of [`common::methods`], run once already.
fn of(name: &str) -> Method {
    rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global().expect("no pool has been built before");
    common::methods::warm(name)
}

/// What repeats a fit, used once already, and the outcomes of the next refit.
fn warm((trial, model): (Trial, Model)) -> (Refitter<'static>, Vec<f64>) {
    let fit: &'static Fit = Box::leak(Box::new(model.fit(&trial).expect("can be fitted")));
    let mut refitter = fit.refitter().expect("the fit has patients");
    let outcomes = changed(refitter.outcomes());
    refitter.with_outcomes(&outcomes).expect("can be fitted");
    (refitter, outcomes)
}

#[library_benchmark]
#[bench::fev(args = (fev()), config = at_most(limits::FEV_FIT))]
fn fit(case: (Trial, Model)) -> Fit {
    black_box(case.1.fit(black_box(&case.0)).expect("can be fitted"))
}

#[library_benchmark]
#[bench::fev_satterthwaite(args = (with_df(fev(), Df::Satterthwaite)), config = at_most(limits::FEV_SATTERTHWAITE))]
#[bench::fev_kenward_roger(args = (with_df(fev(), Df::KenwardRoger)), config = at_most(limits::FEV_KENWARD_ROGER))]
#[bench::sleepstudy_satterthwaite(args = (with_df(sleepstudy(), Df::Satterthwaite)), config = at_most(limits::SLEEPSTUDY_SATTERTHWAITE))]
#[bench::bcva_satterthwaite(args = (with_df(bcva(), Df::Satterthwaite)), config = at_most(limits::BCVA_SATTERTHWAITE))]
#[bench::bcva_kenward_roger(args = (with_df(bcva(), Df::KenwardRoger)), config = at_most(limits::BCVA_KENWARD_ROGER))]
fn fit_and_coefficients(case: (Trial, Model)) -> Coefficients {
    black_box(case.1.fit(black_box(&case.0)).expect("can be fitted").coefficients())
}

#[library_benchmark]
#[bench::fev(args = (warm(fev())), config = at_most(limits::FEV_REFIT))]
#[bench::sleepstudy(args = (warm(sleepstudy())), config = at_most(limits::SLEEPSTUDY_REFIT))]
fn refit(case: (Refitter<'static>, Vec<f64>)) -> f64 {
    let (mut refitter, outcomes) = case;
    refitter.with_outcomes(black_box(&outcomes)).expect("can be fitted");
    black_box(refitter.log_likelihood())
}

#[library_benchmark]
#[bench::imrs_gst(args = (clustered()), config = at_most(limits::REFITS_OF_CLUSTERS))]
fn refits_of_clusters(case: (Refitter<'static>, Vec<Vec<f64>>)) -> f64 {
    let (mut refitter, replicates) = case;
    let fitted = replicates.iter().filter(|outcomes| refitter.with_outcomes(black_box(outcomes)).is_ok()).count();
    assert_eq!(fitted, replicates.len());
    black_box(refitter.log_likelihood())
}

#[library_benchmark]
#[bench::jackknife(args = (of("jackknife")), config = at_most(limits::JACKKNIFE))]
#[bench::closed_form(args = (of("closed-form")), config = at_most(limits::CLOSED_FORM))]
#[bench::bayesian(args = (of("bayesian")), config = at_most(limits::BAYESIAN))]
#[bench::gee(args = (of("gee")), config = at_most(limits::GEE))]
#[bench::glmm_laplace(args = (of("glmm-laplace")), config = at_most(limits::GLMM_LAPLACE))]
#[bench::glmm_15(args = (of("glmm-15")), config = at_most(limits::GLMM_15))]
fn method(case: Method) -> f64 {
    let mut case = case;
    black_box((case.run)())
}

library_benchmark_group!(name = hot_path, benchmarks = [fit, fit_and_coefficients, refit, refits_of_clusters, method]);

/// What cannot be had for counting; `None` where all is there.
fn missing() -> Option<String> {
    let runs = |program: &str| {
        Command::new(program).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    let runner = std::env::var("GUNGRAUN_RUNNER").unwrap_or_else(|_| "gungraun-runner".into());
    match (runs("valgrind"), runs(&runner)) {
        _ if !cfg!(target_arch = "x86_64") => Some("the limits are those of x86-64".into()),
        (false, _) => Some("there is no valgrind here".into()),
        (_, false) => Some("there is no gungraun-runner here; install it with cargo".into()),
        _ => None,
    }
}

fn counted() {
    gungraun::main!(library_benchmark_groups = hot_path);
    main();
}

fn main() {
    let inside_valgrind = std::env::args().nth(1).is_some_and(|argument| argument == "--gungraun-run");
    match missing().filter(|_| !inside_valgrind) {
        Some(why) => println!("instruction counts not checked: {why}"),
        None => counted(),
    }
}
