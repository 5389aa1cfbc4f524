//! Mixed models by the crate glmm.

use crate::common::clock::{Median, median};
use crate::r::Measured;
use glmm::formula::{Column, Table, lower};
use glmm::loop_advanced::{build_workspace, fit_on};
use glmm::{Data, Family, FitOptions, StartValues};
use std::time::Duration;
use trialstats::Trial;

/// The model of sleepstudy.
pub const SLEEPSTUDY: &str = "y ~ day + (1 + day | patient)";
/// The model of patients in groups.
pub const NESTED: &str = "y ~ arm * day + (1 | group) + (1 | patient)";
/// The model of patients crossed with therapists.
pub const CROSSED: &str = "y ~ day + (1 | patient) + (1 | therapist)";

/// What of glmm is timed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Part {
    /// `glmm::fit`, matrices ready, with or without Satterthwaite's degrees of freedom.
    Fit { df: bool },
    /// `glmm::formula::fit` from a table, with degrees of freedom.
    Formula,
    /// `loop_advanced::fit_on` with its workspace reused, from the optimum before.
    Refit,
}

fn table(trial: &Trial) -> Table {
    let outcome = &trial.outcomes()[0];
    let visits = trial.schedule().len();
    let seen = |&(i, t): &(usize, usize)| trial.value(outcome, i, t).is_some();
    let cells: Vec<(usize, usize)> = (0..trial.patients().len()).flat_map(|i| (0..visits).map(move |t| (i, t))).filter(seen).collect();
    let factor =
        |of: &dyn Fn(usize, usize) -> String| Column::factor_from_labels(&cells.iter().map(|&(i, t)| of(i, t)).collect::<Vec<_>>());
    let mut columns = vec![
        ("y".into(), Column::Numeric(cells.iter().map(|&(i, t)| trial.value(outcome, i, t).expect("was seen")).collect())),
        ("day".into(), Column::Numeric(cells.iter().map(|&(_, t)| t as f64).collect())),
        ("arm".into(), Column::Numeric(cells.iter().map(|&(i, _)| trial.arm_of()[i] as f64).collect())),
        ("patient".into(), factor(&|i, _| trial.patients()[i].clone())),
    ];
    for cluster in trial.clusters() {
        let codes = cluster.codes().expect("clusters are factors");
        let at = |i: usize, t: usize| if cluster.varies_by_visit() { i * visits + t } else { i };
        columns.push((cluster.name().into(), factor(&|i, t| format!("{:?}", codes[at(i, t)]))));
    }
    Table { n: cells.len(), columns }
}

pub fn measure(trial: &Trial, formula: &str, part: Part, budget: Duration) -> Result<Measured, String> {
    let said = |error: &dyn std::fmt::Debug| format!("glmm: {error:?}");
    let table = table(trial);
    let lowered = lower(formula, &table, Family::Gaussian).map_err(|e| said(&e))?;
    let mut options = FitOptions::default();
    options.satterthwaite = part != Part::Fit { df: false };
    let fit = glmm::fit(&lowered.data(), lowered.spec(), &options).map_err(|e| said(&e))?;
    let found: Median = match part {
        Part::Fit { .. } => median(budget, || glmm::fit(&lowered.data(), lowered.spec(), &options).map(|fit| fit.loglik())),
        Part::Formula => median(budget, || glmm::formula::fit(formula, &table, Family::Gaussian, &options).map(|fit| fit.fit().loglik())),
        Part::Refit => {
            let mut workspace = build_workspace(lowered.spec(), &lowered.ids, lowered.n, lowered.p, &options);
            let of = |y| Data::new(&lowered.x, y, lowered.n, lowered.p);
            // From the optimum of the original outcomes, as refits begin here.
            let theta = fit_on(&mut workspace, &of(&lowered.y), None, &options).theta().to_vec();
            let (y, start) = (crate::common::changed(&lowered.y), StartValues::new(vec![], theta));
            median(budget, || fit_on(&mut workspace, &of(&y), Some(&start), &options).converged())
        }
    };
    Ok(Measured { median: found, check: fit.loglik(), megabytes: None, versions: "glmm 0.8.0".into() })
}
