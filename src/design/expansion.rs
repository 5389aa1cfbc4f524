//! From the expression of a formula to its terms.

use super::formula::{Expr, formula_error};
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
            Expr::Grouping { structure, position } => Err(self.misplaced(structure.as_deref(), *position)),
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

    fn misplaced(&self, structure: Option<&str>, position: usize) -> Error {
        let message = match structure {
            Some(name) => format!(
                "`{name}(… | …)` is a covariance structure, and this formula is the mean alone; leave it out here and give it to the model with `.covariance(…)`"
            ),
            None => "`(… | …)` is a random effect, and this formula is the mean alone; leave it out here: a random intercept or slope of the patients is given to the model with `.covariance(…)`, clusters such as therapists have no place in the model yet".into(),
        };
        formula_error(self.text, position, message)
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
