//! Which random effects of a model another one leaves out.

use crate::design::{Design, RandomTerm};
use crate::error::{Error, Result};

/// What the smaller of two models leaves out of the random effects of the larger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::inference) struct Dropped {
    /// Effects that are left out one by one: each has a variance of its own that vanishes, and covariances, if any,
    /// with effects that stay.
    pub single: usize,
    /// Sets of two or more correlated effects of a factor that are left out together.
    pub joint: usize,
}

/// An effect: term and position.
type Effect = (usize, usize);

/// What `narrow` leaves out of the random effects of `wide`; both are of the same observations.
///
/// # Errors
/// [`Error::NotComparable`] where `narrow` has effects, or covariances of effects, that `wide` does not have.
pub(in crate::inference) fn dropped(wide: &Design, narrow: &Design) -> Result<Dropped> {
    let mut kept: Vec<Effect> = vec![];
    for own in &narrow.rows.random {
        let partners: Vec<Effect> = (0..own.effects().len()).map(|e| partner(wide, own, e)).collect::<Result<_>>()?;
        for (a, b) in own.pairs() {
            let ((r, c), (s, d)) = (partners[a], partners[b]);
            if r != s || !wide.rows.random[r].pairs().contains(&(c.max(d), c.min(d))) {
                return Err(Error::NotComparable {
                    why: format!(
                        "`{}` and `{}` by `{}` are correlated in the model taken for the special case, and not in the other",
                        own.effects()[b],
                        own.effects()[a],
                        own.factor()
                    ),
                });
            }
        }
        kept.extend(partners);
    }
    let mut found = Dropped::default();
    for (r, term) in wide.rows.random.iter().enumerate() {
        let gone: Vec<usize> = (0..term.effects().len()).filter(|&e| !kept.contains(&(r, e))).collect();
        let tied = |&(a, b): &(usize, usize)| a != b && gone.contains(&a) && gone.contains(&b);
        match term.pairs().iter().any(tied) {
            true => found.joint += 1,
            false => found.single += gone.len(),
        }
    }
    Ok(found)
}

/// The effect of `wide` that is effect `e` of `own`: the same levels of the same observations, multiplied by the same.
fn partner(wide: &Design, own: &RandomTerm, e: usize) -> Result<Effect> {
    let column = |term: &RandomTerm, e: usize| term.z().iter().skip(e).step_by(term.effects().len()).copied().collect::<Vec<f64>>();
    let wanted = column(own, e);
    let is_same = |&(r, c): &Effect| {
        let term = &wide.rows.random[r];
        term.levels() == own.levels() && term.level_of() == own.level_of() && column(term, c) == wanted
    };
    let all = (0..wide.rows.random.len()).flat_map(|r| (0..wide.rows.random[r].effects().len()).map(move |c| (r, c)));
    all.into_iter().find(is_same).ok_or_else(|| Error::NotComparable {
        why: format!("the random effect `{}` by `{}` of the special case is not in the larger model", own.effects()[e], own.factor()),
    })
}
