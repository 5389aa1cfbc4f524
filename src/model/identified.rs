//! Random intercepts of patients beside a covariance of their visits that says the same.

use crate::covariance::Covariance;
use crate::design::{Design, RandomTerm};
use crate::error::{Error, Result};
use std::collections::BTreeSet;

/// Refuses random intercepts of levels with one patient each where the covariance of a patient's visits has room for
/// them already: no outcome could divide the variance between the two.
pub(super) fn check_identified(design: &Design, covariance: &Covariance) -> Result<()> {
    let visits = design.visit_labels().len();
    for term in design.random() {
        let of_observations = matches!(covariance, Covariance::Independent) && term.levels().len() == design.n_observations();
        let of_patients = shares_a_variance(covariance, visits) && of_one_patient_each(term, visits);
        if (of_observations || of_patients) && has_intercept(term) && all_or_none_of_each_group(design, term) {
            let levels = if of_patients { "patient" } else { "observation" };
            return Err(Error::NotEstimable {
                estimate: format!("variance of (Intercept) in {}", term.factor()),
                why: format!(
                    "each level is one {levels}, and the covariance `{covariance}` of a patient's visits contains the same variance; leave one of the two out"
                ),
            });
        }
    }
    Ok(())
}

/// Whether one effect is multiplied by 1 wherever it acts.
fn has_intercept(term: &RandomTerm) -> bool {
    let k = term.effects().len();
    let rows = || term.level_of().iter().zip(term.z().chunks_exact(k)).filter(|(level, _)| level.is_some());
    (0..k).any(|e| rows().all(|(_, z)| z[e] == 1.0))
}

/// Whether adding a constant to Σ gives another Σ of the structure.
fn shares_a_variance(covariance: &Covariance, visits: usize) -> bool {
    match covariance {
        _ if visits == 1 => true,
        Covariance::Unstructured | Covariance::Toeplitz | Covariance::CompoundSymmetry | Covariance::HuynhFeldt => true,
        Covariance::RandomIntercept | Covariance::RandomInterceptSlope | Covariance::RandomCoefficients { .. } => true,
        Covariance::BandedUnstructured { bands } | Covariance::BandedToeplitz { bands } => *bands >= visits,
        _ => false,
    }
}

/// Whether no level has two patients, and no patient two levels.
fn of_one_patient_each(term: &RandomTerm, visits: usize) -> bool {
    let mut taken = BTreeSet::new();
    term.level_of().chunks_exact(visits).all(|rows| {
        let own: BTreeSet<u32> = rows.iter().flatten().copied().collect();
        own.len() <= 1 && own.iter().all(|level| taken.insert(*level))
    })
}

/// Whether each covariance group has all of its observations in levels, or none.
fn all_or_none_of_each_group(design: &Design, term: &RandomTerm) -> bool {
    let visits = design.visit_labels().len();
    let mut found = vec![(false, false); design.groups().len()];
    for row in (0..design.rows.y.len()).filter(|&row| !design.rows.y[row].is_nan()) {
        let (belongs, stands_alone) = &mut found[design.rows.group_of[row / visits]];
        *(if term.level_of()[row].is_some() { belongs } else { stands_alone }) = true;
    }
    found.iter().all(|(belongs, stands_alone)| !(*belongs && *stands_alone))
}
