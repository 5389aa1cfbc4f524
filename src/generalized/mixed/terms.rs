//! Random effects of a design as the engines take them, and back.

use super::cells::{Given, Grouping};
use super::kernel::Kernel;
use crate::design::{EffectCovariance, RandomTerm};
use crate::error::{Error, Result};
use crate::generalized::Observations;

/// The random terms of a design, those of the same levels joined to one factor.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub groupings: Vec<Grouping>,
    /// For each term the elements of its Λ: row, column, position among θ.
    pub elements: Vec<Vec<(usize, usize, usize)>>,
}

impl Terms {
    /// # Errors
    /// [`Error::NotEstimable`] where a factor of binary outcomes has one observation per level.
    pub fn of(observations: &Observations, kernel: Kernel) -> Result<Self> {
        let terms = observations.design().random();
        let rows = Rows::of(observations);
        let mut groups: Vec<(Vec<Option<u32>>, Vec<usize>)> = vec![];
        for (t, term) in terms.iter().enumerate() {
            let level_of = rows.levels(term);
            if kernel == Kernel::Binary {
                check_repeated(term, &level_of)?;
            }
            match groups.iter_mut().find(|(known, members)| terms[members[0]].levels.len() == term.levels.len() && same(known, &level_of)) {
                Some((_, members)) => members.push(t),
                None => groups.push((level_of, vec![t])),
            }
        }
        let mut elements = vec![vec![]; terms.len()];
        let mut groupings = vec![];
        let mut next = 0;
        for (level_of, members) in groups {
            let k: usize = members.iter().map(|&t| terms[t].size()).sum();
            let mut z = vec![0.0; level_of.len() * k];
            let mut own = vec![];
            let mut first = 0;
            for &t in &members {
                let size = terms[t].size();
                rows.multipliers(&terms[t], |i, e, value| z[i * k + first + e] = value);
                for (row, column) in terms[t].pairs() {
                    own.push((first + row, first + column));
                    elements[t].push((row, column, next));
                    next += 1;
                }
                first += size;
            }
            groupings.push(Grouping { levels: terms[members[0]].levels.len(), level_of, k, z, elements: own });
        }
        Ok(Self { groupings, elements })
    }

    /// Λ of a term, row by row.
    pub fn lambda(&self, term: &RandomTerm, t: usize, theta: &[f64]) -> Vec<f64> {
        let k = term.size();
        let mut lambda = vec![0.0; k * k];
        self.elements[t].iter().for_each(|&(row, column, at)| lambda[row * k + column] = theta[at]);
        lambda
    }

    /// The name of the effect that θ is the standard deviation, or part of the covariance, of.
    pub fn name(&self, terms: &[RandomTerm], theta: usize) -> String {
        let found = self.elements.iter().enumerate().find_map(|(t, own)| own.iter().find(|e| e.2 == theta).map(|e| (t, e.0)));
        found.map_or_else(String::new, |(t, row)| format!("{} by {}", terms[t].effects[row], terms[t].factor))
    }
}

/// Where observations stand among patients × visits.
struct Rows(Vec<usize>);

impl Rows {
    fn of(observations: &Observations) -> Self {
        let visits = observations.columns().visits().len();
        let row = |k: usize| observations.of_patient(k).map(move |i| k * visits + observations.visit_of(i));
        Self((0..observations.n_patients()).flat_map(row).collect())
    }

    fn levels(&self, term: &RandomTerm) -> Vec<Option<u32>> {
        self.0.iter().map(|&row| term.level_of[row]).collect()
    }

    fn multipliers(&self, term: &RandomTerm, mut to: impl FnMut(usize, usize, f64)) {
        let k = term.size();
        for (i, &row) in self.0.iter().enumerate() {
            (0..k).for_each(|e| to(i, e, term.z[row * k + e]));
        }
    }
}

/// Whether two factors divide the observations alike.
fn same(one: &[Option<u32>], other: &[Option<u32>]) -> bool {
    let (mut there, mut back) = (std::collections::HashMap::new(), std::collections::HashMap::new());
    one.iter().zip(other).all(|pair| match pair {
        (None, None) => true,
        (Some(a), Some(b)) => *there.entry(*a).or_insert(*b) == *b && *back.entry(*b).or_insert(*a) == *a,
        _ => false,
    })
}

/// Refuses a factor with one binary outcome per level: whatever its variance, there is a mean that gives the same
/// probabilities.
fn check_repeated(term: &RandomTerm, level_of: &[Option<u32>]) -> Result<()> {
    let mut counts = vec![0usize; term.levels.len()];
    level_of.iter().flatten().for_each(|&level| counts[level as usize] += 1);
    if counts.iter().any(|&n| n > 1) {
        return Ok(());
    }
    Err(Error::NotEstimable {
        estimate: format!("variance of {}", term.factor),
        why: format!(
            "every level of `{}` has one binary outcome, and what varies between levels cannot be told from what varies within; leave its \
             random effects out",
            term.factor
        ),
    })
}

/// What the engines take of observations.
pub(super) struct Taken {
    offset: Vec<f64>,
    patient: Vec<usize>,
}

impl Taken {
    pub fn of(observations: &Observations) -> Self {
        let patient = (0..observations.n_patients()).flat_map(|k| observations.of_patient(k).map(move |_| k)).collect();
        Self { offset: (0..observations.len()).map(|i| observations.offset(i)).collect(), patient }
    }

    pub fn given<'a>(&'a self, observations: &'a Observations, kernel: Kernel) -> Given<'a> {
        Given { kernel, p: observations.width(), x: &observations.x, y: &observations.y, offset: &self.offset, patient: &self.patient }
    }
}

/// How an effect covariance is put.
pub(super) fn is_correlated(term: &RandomTerm) -> bool {
    term.structure == EffectCovariance::Correlated && term.size() > 1
}
