//! From the expression of a formula to its terms.

use super::formula::formula_error;
use super::function::Function;
use super::syntax::{Expr, Grouping, Operator};
use crate::error::{Error, Result};
use std::collections::HashMap;

/// More terms, or more variables, are a mistake, and would take for ever to sort out.
const MOST_TERMS: usize = 2000;
/// An interaction of more variables is a mistake.
const MOST_VARIABLES_OF_A_TERM: usize = 50;

/// Terms in order of appearance, each the positions of its variables, ascending.
pub(super) type Terms = Vec<Vec<usize>>;

/// Turns expressions into lists of terms, collecting variables as they appear.
pub(super) struct Expansion<'a> {
    text: &'a str,
    pub intercept: bool,
    /// What the variables are called.
    pub variables: Vec<String>,
    /// Those that are functions of a column, by what they are called.
    pub functions: Vec<(String, Function)>,
    position: HashMap<String, usize>,
}

impl<'a> Expansion<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, intercept: true, variables: vec![], functions: vec![], position: HashMap::new() }
    }

    /// The terms of `expr` in order of appearance; `minus` when it is being taken away.
    pub fn terms(&mut self, expr: &Expr, minus: bool) -> Result<Terms> {
        match expr {
            Expr::Name(name, position) => Ok(vec![vec![self.variable(name, *position)?]]),
            Expr::Function(function, position) => {
                let name = function.to_string();
                let at = self.variable(&name, *position)?;
                if !self.functions.iter().any(|(known, _)| *known == name) {
                    self.functions.push((name, function.clone()));
                }
                Ok(vec![vec![at]])
            }
            Expr::Offset(_, position) => Err(formula_error(
                self.text,
                *position,
                "an offset is a term of its own, after a `+` and outside of other terms and of parentheses",
            )),
            Expr::Intercept { present, .. } => {
                self.intercept = *present != minus;
                Ok(vec![])
            }
            Expr::Sum(summands) => self.sum(summands, minus),
            Expr::Interaction(factors) => {
                let mut product: Option<Terms> = None;
                for factor in factors {
                    let own = self.operand(factor)?;
                    product = Some(match product {
                        None => own,
                        Some(left) => self.products(&left, &own)?,
                    });
                }
                Ok(product.unwrap_or_default())
            }
            Expr::Product(first, rest) => {
                let mut left = self.operand(first)?;
                for (operator, right) in rest {
                    let right = self.operand(right)?;
                    left = self.combined(left, *operator, right)?;
                }
                Ok(left)
            }
            Expr::Power(base, degree) => {
                let terms = self.operand(base)?;
                if *degree > 1 && terms.len() == 1 {
                    return Err(self.power_of_one_term(base, &terms[0], *degree));
                }
                (1..*degree).try_fold(terms.clone(), |power, _| self.products(&power, &terms))
            }
            Expr::Grouping(grouping) => Err(self.misplaced(grouping)),
        }
    }

    fn sum(&mut self, summands: &[(bool, Expr)], minus: bool) -> Result<Terms> {
        let mut found = Ordered::default();
        for (negative, summand) in summands {
            let more = self.terms(summand, *negative != minus)?;
            match negative {
                true => more.iter().for_each(|term| found.remove(term)),
                false => more.into_iter().for_each(|term| found.insert(term)),
            }
            self.check_number(found.len())?;
        }
        Ok(found.into_terms())
    }

    /// `a * b` or `a / b`.
    fn combined(&self, left: Terms, operator: Operator, right: Terms) -> Result<Terms> {
        let (between, right) = match operator {
            Operator::Cross => (self.products(&left, &right)?, right),
            Operator::Nested => {
                let all = left.iter().fold(vec![], |all, term| union(&all, term));
                (self.products(&[all], &right)?, vec![])
            }
        };
        let mut found = Ordered::default();
        left.into_iter().chain(right).chain(between).for_each(|term| found.insert(term));
        self.check_number(found.len())?;
        Ok(found.into_terms())
    }

    fn operand(&mut self, expr: &Expr) -> Result<Terms> {
        match expr {
            Expr::Intercept { position, .. } => Err(formula_error(self.text, *position, "0 and 1 stand alone, between `+` and `-`")),
            other => self.terms(other, false),
        }
    }

    fn products(&self, left: &[Vec<usize>], right: &[Vec<usize>]) -> Result<Terms> {
        self.check_number(left.len().saturating_mul(right.len()))?;
        let mut found = Ordered::default();
        for product in left.iter().flat_map(|l| right.iter().map(move |r| union(l, r))) {
            if product.len() > MOST_VARIABLES_OF_A_TERM {
                let message = format!("an interaction of more than {MOST_VARIABLES_OF_A_TERM} variables; ask for one of fewer");
                return Err(formula_error(self.text, 1, message));
            }
            found.insert(product);
        }
        Ok(found.into_terms())
    }

    fn check_number(&self, terms: usize) -> Result<()> {
        if terms <= MOST_TERMS {
            return Ok(());
        }
        Err(formula_error(self.text, 1, format!("it expands to more than {MOST_TERMS} terms; ask for fewer")))
    }

    fn variable(&mut self, name: &str, position: usize) -> Result<usize> {
        if let Some(at) = self.position.get(name) {
            return Ok(*at);
        }
        if self.variables.len() == MOST_TERMS {
            return Err(formula_error(self.text, position, format!("more than {MOST_TERMS} variables; name fewer")));
        }
        self.position.insert(name.into(), self.variables.len());
        self.variables.push(name.into());
        Ok(self.variables.len() - 1)
    }

    /// `x^2` is `x` in the algebra of formulas, which nobody who writes it means.
    fn power_of_one_term(&self, base: &Expr, term: &[usize], degree: usize) -> Error {
        let names: Vec<&str> = term.iter().map(|&v| self.variables[v].as_str()).collect();
        let name = names.join(":");
        let remedy = match names[..] {
            [only] => format!("write `I({only}^{degree})` for the power of a number, or `poly({only}, {degree}, raw)` for the polynomial"),
            _ => "a power is of several terms, as in `(a + b)^2`".into(),
        };
        formula_error(self.text, base.position().unwrap_or(1), format!("`{name}^{degree}` would be `{name}` in a formula; {remedy}"))
    }

    fn misplaced(&self, grouping: &Grouping) -> Error {
        let what = if grouping.structure.is_some() { "a covariance structure" } else { "a random effect" };
        formula_error(self.text, grouping.position, format!("{what} is a term of its own, after a `+` and outside of other terms"))
    }
}

/// Terms each once, in the order in which they came.
#[derive(Default)]
struct Ordered {
    terms: Vec<Option<Vec<usize>>>,
    at: HashMap<Vec<usize>, usize>,
}

impl Ordered {
    fn len(&self) -> usize {
        self.at.len()
    }

    fn insert(&mut self, term: Vec<usize>) {
        if !self.at.contains_key(&term) {
            self.at.insert(term.clone(), self.terms.len());
            self.terms.push(Some(term));
        }
    }

    fn remove(&mut self, term: &[usize]) {
        if let Some(at) = self.at.remove(term) {
            self.terms[at] = None;
        }
    }

    fn into_terms(self) -> Terms {
        self.terms.into_iter().flatten().collect()
    }
}

fn union(a: &[usize], b: &[usize]) -> Vec<usize> {
    let mut all: Vec<usize> = a.iter().chain(b).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}
