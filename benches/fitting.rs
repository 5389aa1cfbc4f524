//! How long a fit takes: alone, with Satterthwaite's and with Kenward–Roger's degrees of freedom for every coefficient.
//!
//! The trial is read before the clock starts; everything from the formula to the estimates is timed.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use trialstats::instruments::Caps5;
use trialstats::trial::Layout;
use trialstats::{Df, Model, Trial};

fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data-samples").join(path)
}

fn imrs_gst() -> Trial {
    Layout::long("patient", "arm", "visit")
        .baseline_visit("baseline")
        .instrument(Caps5::default())
        .covariate("site")
        .read_csv(sample("imrs_gst/imrs_gst.csv"))
        .expect("the sample is a trial")
}

fn antidepressant() -> Trial {
    Layout::long("PATIENT", "THERAPY", "VISIT")
        .reference_arm("PLACEBO")
        .outcome("CHANGE")
        .covariate("BASVAL")
        .read_csv(sample("antidepressant/antidepressant.csv"))
        .expect("the sample is a trial")
}

fn fev() -> Trial {
    Layout::long("USUBJID", "ARMCD", "AVISIT")
        .outcome("FEV1")
        .covariate("RACE")
        .covariate("SEX")
        .read_csv(sample("fev/fev.csv"))
        .expect("the sample is a trial")
}

fn bcva() -> Trial {
    Layout::long("USUBJID", "ARMCD", "AVISIT")
        .outcome("BCVA_CHG")
        .covariate("RACE")
        .covariate("BCVA_BL")
        .read_csv(sample("bcva/bcva.csv"))
        .expect("the sample is a trial")
}

fn fitting(criterion: &mut Criterion) {
    let trials = [
        ("imrs_gst", imrs_gst(), "caps5 ~ baseline + site + arm * visit"),
        ("antidepressant", antidepressant(), "CHANGE ~ BASVAL * VISIT + THERAPY * VISIT"),
        ("fev", fev(), "FEV1 ~ RACE + SEX + ARMCD * AVISIT"),
        ("bcva", bcva(), "BCVA_CHG ~ RACE + BCVA_BL + ARMCD * AVISIT"),
    ];
    for (name, trial, formula) in &trials {
        let fit = |df: Df| Model::formula(formula).and_then(|m| m.df(df).fit(trial)).expect("the sample can be fitted");
        let mut group = criterion.benchmark_group(*name);
        group.sample_size(20);
        group.bench_function("fit", |b| b.iter(|| black_box(fit(Df::Satterthwaite)).log_likelihood()));
        group.bench_function("fit and Satterthwaite", |b| b.iter(|| black_box(fit(Df::Satterthwaite)).coefficients()));
        group.bench_function("fit and Kenward-Roger", |b| b.iter(|| black_box(fit(Df::KenwardRoger)).coefficients()));
        group.finish();
    }
}

criterion_group!(benches, fitting);
criterion_main!(benches);
