//! What a model is called, and what keeps it from having estimates.

use super::sample::Sample;
use super::separation::Recession;
use crate::estimates::Link;
use crate::generalized::{Family, NotFitted, Observations};
use crate::table::counted;

/// A model as notes name it: `Logistic regression`.
pub(super) fn model(family: Family, link: Link) -> &'static str {
    match (family, link) {
        (Family::Binomial, Link::Logit) => "Logistic regression",
        (Family::Binomial, Link::Log) => "Log-binomial regression",
        (Family::Binomial, _) => "Linear regression of a probability (binomial, identity link)",
        (Family::Poisson, Link::Log) => "Poisson regression",
        (Family::Poisson, _) => "Poisson regression with the identity link",
        (Family::Gaussian, Link::Log) => "Normal regression with the log link",
        (Family::Gaussian, _) => "Linear regression",
    }
}

/// Separation in the words of the trial: which columns have no finite coefficient, and whose outcomes they predict.
pub(super) fn separated(observations: &Observations, sample: &Sample, recession: &Recession) -> NotFitted {
    let x = &sample.q * &sample.r;
    // A coefficient counts where it moves somebody's predictor by more than rounding does.
    let moves = |c: usize| recession.direction[c].abs() * x.column(c).amax() > 1e-6;
    let infinite: Vec<usize> = (0..sample.p()).filter(|&c| moves(c)).collect();
    let name = |c: usize| observations.columns()[observations.kept[c]].name.clone();
    let (n, separated) = (sample.n(), recession.separated.len());
    let noun = if n == observations.n_patients() { "patient" } else { "observation" };
    let (event, none) = match sample.family {
        Family::Binomial => ("has the event", "is without it"),
        _ => ("has a count above 0", "has a count of 0"),
    };
    let same = |of: &dyn Fn(usize) -> bool| {
        let mut outcomes = (0..n).filter(|&i| of(i)).map(|i| sample.y[i] > 0.0);
        let first = outcomes.next()?;
        outcomes.all(|y| y == first).then_some(first)
    };
    let what = if let Some(events) = same(&|_| true) {
        format!("everybody analysed ({}) {}", counted(n, noun), if events { event } else { none })
    } else {
        let level = infinite.iter().find_map(|&c| {
            let is_indicator = x.column(c).iter().all(|v| v.abs() < 1e-9 || (v - 1.0).abs() < 1e-9);
            let inside = |i: usize| x[(i, c)] > 0.5;
            let events = if is_indicator { same(&inside)? } else { return None };
            let patients = (0..n).filter(|&i| inside(i)).count();
            let all = if patients == 1 { format!("the one {noun}") } else { format!("each of the {patients} {noun}s") };
            Some(format!("{all} with `{}` = 1 {}", name(c), if events { event } else { none }))
        });
        match (level, recession.is_complete) {
            (Some(level), false) => level,
            (_, true) => format!("the columns of the mean model predict every one of the {n} outcomes without error (complete separation)"),
            (None, false) => {
                format!("the columns of the mean model predict {separated} of the {n} outcomes without error (quasi-complete separation)")
            }
        }
    };
    NotFitted::Separated { what, columns: infinite.into_iter().map(name).collect() }
}

/// The edge of the range at which the likelihood is largest.
pub(super) fn at_boundary(observations: &Observations, sample: &Sample, at: &[usize]) -> NotFitted {
    const SHOWN: usize = 5;
    let names: Vec<String> = at.iter().take(SHOWN).map(|&i| observations.labels(i).0).collect();
    let more = if at.len() > SHOWN { format!(" and {}", counted(at.len() - SHOWN, "other")) } else { String::new() };
    let edge = match (sample.family, sample.link) {
        (Family::Binomial, Link::Log) => "of 1",
        (Family::Binomial, _) => "of 0 or 1",
        _ => "of 0",
    };
    NotFitted::AtBoundary { link: sample.link, edge, patients: format!("{}{more}", names.join(", ")) }
}
