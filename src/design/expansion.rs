//! From the expression of a formula to its terms.

use super::formula::{Expr, Grouping, formula_error};
use crate::error::{Error, Result};

/// More terms are a mistake, and would take for ever to sort out.
const MOST_TERMS: usize = 2000;

/// Terms in order of appearance, each the positions of its variables, ascending.
pub(super) type Terms = Vec<Vec<usize>>;

/// Turns expressions into lists of terms, collecting variables as they appear.
pub(super) struct Expansion<'a> {
    pub text: &'a str,
    pub intercept: bool,
    pub variables: Vec<String>,
}

impl Expansion<'_> {
    /// The terms of `expr` in order of appearance; `minus` when it is being taken away.
    pub fn terms(&mut self, expr: &Expr, minus: bool) -> Result<Terms> {
        match expr {
            Expr::Name(name, _) => Ok(vec![vec![self.variable(name)]]),
            Expr::Intercept { present, .. } => {
                self.intercept = *present != minus;
                Ok(vec![])
            }
            Expr::Sum(summands) => self.sum(summands, minus),
            Expr::Interaction(l, r) => {
                let (l, r) = self.operands(l, r)?;
                self.products(&l, &r)
            }
            Expr::Cross(l, r) => {
                let (l, r) = self.operands(l, r)?;
                let both = self.products(&l, &r)?;
                Ok(distinct(l.into_iter().chain(r).chain(both)))
            }
            Expr::Nested(l, r) => {
                let (l, r) = self.operands(l, r)?;
                let all = l.iter().fold(vec![], |all, term| union(&all, term));
                let within = self.products(&[all], &r)?;
                Ok(distinct(l.into_iter().chain(within)))
            }
            Expr::Power(base, degree) => {
                self.refuse_intercept(base)?;
                let base = self.terms(base, false)?;
                (1..*degree).try_fold(base.clone(), |power, _| self.products(&power, &base))
            }
            Expr::Grouping(grouping) => Err(self.misplaced(grouping)),
        }
    }

    fn sum(&mut self, summands: &[(bool, Expr)], minus: bool) -> Result<Terms> {
        let mut terms: Terms = vec![];
        for (negative, summand) in summands {
            let more = self.terms(summand, *negative != minus)?;
            if *negative {
                terms.retain(|t| !more.contains(t));
            } else {
                terms = distinct(terms.into_iter().chain(more));
            }
        }
        Ok(terms)
    }

    fn operands(&mut self, left: &Expr, right: &Expr) -> Result<(Terms, Terms)> {
        self.refuse_intercept(left)?;
        self.refuse_intercept(right)?;
        Ok((self.terms(left, false)?, self.terms(right, false)?))
    }

    fn products(&self, left: &[Vec<usize>], right: &[Vec<usize>]) -> Result<Terms> {
        if left.len() * right.len() > MOST_TERMS {
            return Err(formula_error(self.text, 1, format!("it expands to more than {MOST_TERMS} terms; ask for fewer interactions")));
        }
        Ok(distinct(left.iter().flat_map(|l| right.iter().map(move |r| union(l, r)))))
    }

    fn refuse_intercept(&self, expr: &Expr) -> Result<()> {
        match expr {
            Expr::Intercept { position, .. } => Err(formula_error(self.text, *position, "0 and 1 stand alone, between `+` and `-`")),
            _ => Ok(()),
        }
    }

    fn variable(&mut self, name: &str) -> usize {
        self.variables.iter().position(|v| v == name).unwrap_or_else(|| {
            self.variables.push(name.into());
            self.variables.len() - 1
        })
    }

    fn misplaced(&self, grouping: &Grouping) -> Error {
        let what = if grouping.structure.is_some() { "a covariance structure" } else { "a random effect" };
        formula_error(self.text, grouping.position, format!("{what} is a term of its own, after a `+` and outside of other terms"))
    }
}

fn union(a: &[usize], b: &[usize]) -> Vec<usize> {
    let mut all: Vec<usize> = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn distinct(terms: impl IntoIterator<Item = Vec<usize>>) -> Terms {
    let mut seen: Terms = vec![];
    for term in terms {
        if !seen.contains(&term) {
            seen.push(term);
        }
    }
    seen
}
