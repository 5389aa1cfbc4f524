//! Differences placed in the trial: of which arms, at which visit.

use super::table::Difference;
use crate::Trial;
use crate::error::{Error, Result};
use crate::means::{Compared, Contrast};
use crate::trial::Labelled;

/// A difference in units of the outcome, of arms and a visit that the trial has.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub target: Target,
    pub estimate: f64,
    pub se: f64,
    pub df: f64,
    /// Why there is no estimate, where there is none.
    pub not_estimable: Option<String>,
}

/// Whose effect is standardized: an arm's change from baseline, or an arm's difference from another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub arm: Labelled,
    pub versus: Option<Labelled>,
    pub visit: Labelled,
}

impl Placed {
    /// A difference whose arms and visit are given by name.
    pub fn of(trial: &Trial, difference: &Difference) -> Result<Self> {
        let arms = trial.arms();
        let arm = |name: &String| match arms.iter().position(|a| a == name) {
            Some(index) => Ok(Labelled { index, label: name.clone() }),
            None => Err(Error::unknown("arm", name, arms)),
        };
        let target = Target {
            arm: arm(&difference.arm)?,
            versus: difference.versus.as_ref().map(arm).transpose()?,
            visit: Labelled { index: trial.schedule().index_of(&difference.visit)?, label: difference.visit.clone() },
        };
        let Difference { estimate, se, df, not_estimable, .. } = difference.clone();
        Ok(Self { target, estimate, se, df, not_estimable })
    }

    /// The difference that a row of a table of contrasts estimates: an arm's change from baseline, or one arm minus
    /// another, at a visit.
    pub fn of_contrast(trial: &Trial, row: &Contrast) -> Result<Self> {
        let (arm, versus, visit) = match (&row.compared, &row.visit) {
            (Compared::Change { arm }, Some(visit)) => (arm, None, visit),
            (Compared::Arms { arm, versus }, Some(visit)) => (arm, Some(versus), visit),
            _ => {
                return Err(Error::not_defined(
                    format!("an effect size of `{}`", row.compared),
                    "it is neither an arm's change from baseline nor the difference of two arms at a visit",
                    "make the contrasts with change_from_baseline or arm_contrasts",
                ));
            }
        };
        for arm in std::iter::once(arm).chain(versus) {
            must_have("arm", trial.arms(), arm)?;
        }
        must_have("visit", &trial.schedule().labels(), visit)?;
        let target = Target { arm: arm.clone(), versus: versus.cloned(), visit: visit.clone() };
        let e = &row.estimate;
        Ok(Self { target, estimate: e.estimate, se: e.se, df: e.df, not_estimable: row.not_estimable.clone() })
    }
}

/// Refuses an arm or visit that the trial does not have at that position: the contrasts are those of another trial.
fn must_have<S: AsRef<str>>(what: &'static str, labels: &[S], of: &Labelled) -> Result<()> {
    match labels.get(of.index) {
        Some(label) if label.as_ref() == of.label => Ok(()),
        _ => Err(Error::unknown(what, &of.label, labels)),
    }
}
