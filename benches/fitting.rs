//! How long analyses of the sample trials take, from the trial in memory to the numbers, and how long refits take.
//!
//! The clock starts at the formula and the trial; design, moments, search and what is named are timed. The library
//! beside its peers is measured by `benches/peers/run`.

mod common;

use common::{changed, on_threads};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;
use trialstats::{Df, Model, Trial, Vcov};

fn settings() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3)).sample_size(20)
}

/// Fit; fit and the degrees of freedom of every coefficient by each method; refit.
fn analyses(criterion: &mut Criterion, name: &str, trial: &Trial, model: impl Fn() -> Model) {
    let fit = |model: Model| model.fit(trial).expect("the sample can be fitted");
    let mut group = criterion.benchmark_group(name);
    group.bench_function("fit", |b| b.iter(|| black_box(fit(model())).log_likelihood()));
    for (method, df) in [("Satterthwaite", Df::Satterthwaite), ("Kenward-Roger", Df::KenwardRoger)] {
        group.bench_function(format!("fit and {method}"), |b| b.iter(|| black_box(fit(model().df(df))).coefficients()));
    }
    let original = fit(model());
    let mut refitter = original.refitter().expect("the fit has patients");
    let outcomes = changed(refitter.outcomes());
    group.bench_function("refit", |b| b.iter(|| refitter.with_outcomes(black_box(&outcomes)).expect("can be fitted")));
    group.finish();
}

fn fitting(criterion: &mut Criterion) {
    let (fev, bcva) = (common::fev(), common::bcva());
    analyses(criterion, "fev", &fev, || common::model(common::FEV));
    analyses(criterion, "bcva", &bcva, || common::model(common::BCVA));
    analyses(criterion, "antidepressant", &common::antidepressant(), || common::model(common::ANTIDEPRESSANT));
    analyses(criterion, "sleepstudy", &common::sleepstudy(), common::sleepstudy_model);
    criterion.bench_function("bcva/fit, CR2 and Satterthwaite", |b| {
        b.iter(|| common::model(common::BCVA).vcov(Vcov::Cr2).fit(&bcva).expect("can be fitted").coefficients())
    });
}

fn primary_analysis(criterion: &mut Criterion) {
    let trial = common::imrs_gst();
    criterion.bench_function("imrs_gst/primary analysis", |b| b.iter(|| common::primary_analysis(&trial).expect("can be analysed")));
}

/// The engine of a bootstrap: a thousand resamples of patients, the refitter cloned for each thread.
fn refits(criterion: &mut Criterion) {
    use rayon::prelude::*;
    let trial = common::imrs_gst();
    let fit = common::imrs_gst_model().fit(&trial).expect("can be fitted");
    let refitter = fit.refitter().expect("the fit has patients");
    let samples: Vec<Vec<u32>> = (0..1000).map(|replicate| common::resampled(fit.n_patients(), replicate)).collect();
    let mut group = criterion.benchmark_group("imrs_gst/refits of patients resampled");
    group.sample_size(10);
    let mut one = refitter.clone();
    group.bench_function("1", |b| b.iter(|| one.with_multiplicities(&samples[0])));
    for threads in [1, 2] {
        group.bench_function(format!("1000 on {threads} thread(s)"), |b| {
            b.iter(|| {
                on_threads(threads, || {
                    let refits =
                        samples.par_iter().map_init(|| refitter.clone(), |r, times| usize::from(r.with_multiplicities(times).is_err()));
                    refits.sum::<usize>()
                })
            })
        });
    }
    group.finish();
}

criterion_group! { name = benches; config = settings(); targets = fitting, primary_analysis, refits }
criterion_main!(benches);
