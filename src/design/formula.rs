//! Formulas in the field's notation: text → expression tree → terms.
//!
//! The grammar is the one of Wilkinson & Rogers (1973, Applied Statistics 22:392–399) as R and SAS users write it:
//!
//! | written | meaning |
//! |---|---|
//! | `a + b`, `a - b` | with, without |
//! | `a:b` | the interaction |
//! | `a * b` | `a + b + a:b` |
//! | `a / b` | `a + a:b` |
//! | `(a + b + c)^2` | everything up to two-way interactions |
//! | `1`, `0`, `- 1` | with, without an intercept |
//! | `` `visit date` `` | a name with blanks or signs in it; a backquote in a name is doubled |
//! | `~ a + b` | the same for outcomes that are named elsewhere |
//!
//! What stands after the mean, `(effects | clusters)` and `structure(visit | patient)`, is kept as it was read;
//! [`super::grouping`] says what it means.

use super::expansion::Expansion;
use super::tokens::{Token, TokenKind, tokens};
use crate::error::{Error, Result};

/// Deeper nesting is a mistake, and would exhaust the stack.
const MOST_PARENTHESES: usize = 100;

/// A formula taken apart: the outcome's name (empty where none is left of `~`), the terms of the mean, random effects and covariance structures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Formula {
    pub outcome: String,
    pub intercept: bool,
    /// Variables in order of first appearance.
    pub variables: Vec<String>,
    /// Terms by degree, then by appearance; each lists positions in `variables`, ascending.
    pub terms: Vec<Vec<usize>>,
    /// Random effects and covariance structures in order of appearance.
    pub groupings: Vec<Grouping>,
}

/// The expression on the right of `~`, each leaf with its position in the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Name(String, usize),
    Intercept {
        present: bool,
        position: usize,
    },
    /// Summands with their signs (`true` is minus).
    Sum(Vec<(bool, Expr)>),
    Interaction(Box<Expr>, Box<Expr>),
    Cross(Box<Expr>, Box<Expr>),
    Nested(Box<Expr>, Box<Expr>),
    Power(Box<Expr>, usize),
    Grouping(Box<Grouping>),
}

/// `structure(left | right)`, a covariance, or `(left | right)`, random effects.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grouping {
    pub structure: Option<String>,
    pub left: Expr,
    /// What stands after commas left of the bar.
    pub more: Vec<Expr>,
    pub right: Expr,
    /// Whether the bar is a double one.
    pub independent: bool,
    pub position: usize,
    /// Where the expression after the bar starts.
    pub right_position: usize,
}

impl Formula {
    pub fn parse(text: &str) -> Result<Self> {
        let mut parser = Parser { text, tokens: tokens(text)?, at: 0, depth: 0 };
        let (outcome, outcome_position) = match parser.is_next(&TokenKind::Tilde) {
            true => (String::new(), 1),
            false => parser.name("the outcome's name")?,
        };
        parser.expect(TokenKind::Tilde, "`~` after the outcome")?;
        let expr = parser.sum()?;
        if let Some(token) = parser.peek() {
            return Err(
                parser.error(token.position, format!("`{}` is not expected here; expected `+`, `-`, `:`, `*` or the end", token.kind))
            );
        }
        let (mean, groupings) = without_groupings(text, expr)?;
        let mut expansion = Expansion { text, intercept: true, variables: vec![] };
        let mut terms = expansion.terms(&mean, false)?;
        let Expansion { intercept, variables, .. } = expansion;
        if variables.contains(&outcome) {
            return Err(formula_error(
                text,
                outcome_position,
                format!("the outcome `{outcome}` is also on the right of `~`; leave it out there"),
            ));
        }
        terms.sort_by_key(Vec::len);
        Ok(Formula { outcome, intercept, variables, terms, groupings })
    }
}

/// The mean, and what was added to it of random effects and covariance structures.
fn without_groupings(text: &str, expr: Expr) -> Result<(Expr, Vec<Grouping>)> {
    let Expr::Sum(summands) = expr else { return Ok((expr, vec![])) };
    let mut groupings = vec![];
    let mut mean = vec![];
    for (minus, summand) in summands {
        match summand {
            Expr::Grouping(grouping) if minus => {
                return Err(formula_error(text, grouping.position, "this cannot be taken away; leave it out instead"));
            }
            Expr::Grouping(grouping) => groupings.push(*grouping),
            other => mean.push((minus, other)),
        }
    }
    Ok((Expr::Sum(mean), groupings))
}

pub(super) fn formula_error(text: &str, position: usize, message: impl Into<String>) -> Error {
    Error::Formula { formula: text.into(), position, message: message.into() }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_next(&self, kind: &TokenKind) -> bool {
        self.peek().is_some_and(|t| t.kind == *kind)
    }

    /// Steps over `kind` if it comes next.
    fn accept(&mut self, kind: TokenKind) -> bool {
        let found = self.is_next(&kind);
        self.at += usize::from(found);
        found
    }

    fn position(&self) -> usize {
        self.peek().map_or(self.text.chars().count() + 1, |t| t.position)
    }

    fn error(&self, position: usize, message: impl Into<String>) -> Error {
        formula_error(self.text, position, message)
    }

    fn expect(&mut self, kind: TokenKind, what: &str) -> Result<()> {
        if self.accept(kind) { Ok(()) } else { Err(self.unexpected(what)) }
    }

    fn unexpected(&self, expected: &str) -> Error {
        let found = self.peek().map_or("the end".to_string(), |t| format!("`{}`", t.kind));
        self.error(self.position(), format!("expected {expected}, found {found}"))
    }

    fn name(&mut self, what: &str) -> Result<(String, usize)> {
        match self.peek() {
            Some(Token { kind: TokenKind::Name(name), position }) => {
                let found = (name.clone(), *position);
                self.at += 1;
                Ok(found)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn sum(&mut self) -> Result<Expr> {
        self.depth += 1;
        if self.depth > MOST_PARENTHESES {
            return Err(self.error(self.position(), format!("more than {MOST_PARENTHESES} parentheses inside one another")));
        }
        let sum = self.summands();
        self.depth -= 1;
        sum
    }

    fn summands(&mut self) -> Result<Expr> {
        let mut minus = self.accept(TokenKind::Minus);
        if !minus {
            self.accept(TokenKind::Plus);
        }
        let mut summands = vec![];
        loop {
            summands.push((minus, self.product()?));
            if self.accept(TokenKind::Plus) {
                minus = false;
            } else if self.accept(TokenKind::Minus) {
                minus = true;
            } else {
                return Ok(Expr::Sum(summands));
            }
        }
    }

    fn product(&mut self) -> Result<Expr> {
        let mut left = self.interaction()?;
        loop {
            if self.accept(TokenKind::Star) {
                left = Expr::Cross(Box::new(left), Box::new(self.interaction()?));
            } else if self.accept(TokenKind::Slash) {
                left = Expr::Nested(Box::new(left), Box::new(self.interaction()?));
            } else {
                return Ok(left);
            }
        }
    }

    fn interaction(&mut self) -> Result<Expr> {
        let mut left = self.power()?;
        while self.accept(TokenKind::Colon) {
            left = Expr::Interaction(Box::new(left), Box::new(self.power()?));
        }
        Ok(left)
    }

    fn power(&mut self) -> Result<Expr> {
        let base = self.atom()?;
        if !self.accept(TokenKind::Caret) {
            return Ok(base);
        }
        match self.peek() {
            Some(Token { kind: TokenKind::Number(n), position }) => match n.parse::<usize>() {
                Ok(degree @ 1..=20) => {
                    self.at += 1;
                    Ok(Expr::Power(Box::new(base), degree))
                }
                _ => Err(self.error(*position, "the power of a formula is a whole number from 1 to 20")),
            },
            _ => Err(self.unexpected("a whole number after `^`")),
        }
    }

    fn atom(&mut self) -> Result<Expr> {
        let position = self.position();
        match self.peek().map(|t| t.kind.clone()) {
            Some(TokenKind::Name(name)) => {
                self.at += 1;
                let name = self.hyphenated(name, position);
                if self.accept(TokenKind::Open) { self.call(name, position) } else { Ok(Expr::Name(name, position)) }
            }
            Some(TokenKind::Number(n)) if n == "0" || n == "1" => {
                self.at += 1;
                Ok(Expr::Intercept { present: n == "1", position })
            }
            Some(TokenKind::Number(n)) => {
                Err(self.error(position, format!("`{n}` is not a term; only 0 and 1 (no intercept, intercept) are numbers in a formula")))
            }
            Some(TokenKind::Open) => {
                self.at += 1;
                let inner = self.sum()?;
                if self.is_next(&TokenKind::Bar) || self.is_next(&TokenKind::DoubleBar) {
                    return self.grouping(None, vec![inner], position);
                }
                self.expect(TokenKind::Close, "`)`")?;
                Ok(inner)
            }
            _ => Err(self.unexpected("a variable's name")),
        }
    }

    /// What follows `name(`: a covariance structure `us(visit | patient)`; any other function is refused.
    fn call(&mut self, name: String, position: usize) -> Result<Expr> {
        let refused = format!(
            "functions such as `{name}(…)` are not computed in a formula; add the transformed variable to the data and name it here"
        );
        match self.listed() {
            Ok(left) if self.is_next(&TokenKind::Bar) || self.is_next(&TokenKind::DoubleBar) => self.grouping(Some(name), left, position),
            _ => Err(self.error(position, refused)),
        }
    }

    /// Expressions between commas.
    fn listed(&mut self) -> Result<Vec<Expr>> {
        let mut listed = vec![self.sum()?];
        while self.accept(TokenKind::Comma) {
            listed.push(self.sum()?);
        }
        Ok(listed)
    }

    /// The rest of a name such as `heterogeneous-toeplitz` where it stands without blanks before a parenthesis; what
    /// is taken away from a mean is no function.
    fn hyphenated(&mut self, name: String, position: usize) -> String {
        let (mut whole, mut at) = (name.clone(), self.at);
        loop {
            let end = position + whole.chars().count();
            match self.tokens.get(at..) {
                Some([Token { kind: TokenKind::Open, position }, ..]) if *position == end => {
                    self.at = at;
                    return whole;
                }
                Some([Token { kind: TokenKind::Minus, position: minus }, Token { kind: TokenKind::Name(more), position: next }, ..])
                    if *minus == end && *next == end + 1 =>
                {
                    whole = format!("{whole}-{more}");
                    at += 2;
                }
                _ => return name,
            }
        }
    }

    /// The bar, what stands behind it, and the closing parenthesis.
    fn grouping(&mut self, structure: Option<String>, mut left: Vec<Expr>, position: usize) -> Result<Expr> {
        let more = left.split_off(1);
        let left = Expr::Sum(left.into_iter().map(|left| (false, left)).collect());
        let independent = self.accept(TokenKind::DoubleBar);
        if !independent {
            self.expect(TokenKind::Bar, "`|`")?;
        } else if structure.is_some() {
            return Err(self.error(position, "a covariance structure has one bar, as in `us(visit | patient)`"));
        }
        let right_position = self.position();
        let right = self.sum()?;
        self.expect(TokenKind::Close, "`)`")?;
        Ok(Expr::Grouping(Box::new(Grouping { structure, left, more, right, independent, position, right_position })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<String> {
        let f = Formula::parse(text).unwrap();
        f.terms.iter().map(|t| t.iter().map(|&v| f.variables[v].as_str()).collect::<Vec<_>>().join(":")).collect()
    }

    /// R 4.2.2: `attr(terms(…), "term.labels")`.
    #[test]
    fn terms_are_those_of_r() {
        assert_eq!(labels("y ~ a*b - a"), ["b", "a:b"]);
        assert_eq!(labels("y ~ (a + b + c)^2 - a:b"), ["a", "b", "c", "a:c", "b:c"]);
        assert_eq!(labels("y ~ a/b"), ["a", "a:b"]);
        assert_eq!(labels("y ~ (a + b)/c"), ["a", "b", "a:b:c"]);
        assert_eq!(labels("CHANGE ~ BASVAL * VISIT + THERAPY * VISIT"), ["BASVAL", "VISIT", "THERAPY", "BASVAL:VISIT", "VISIT:THERAPY"]);
        assert_eq!(labels("y ~ a:b + b + a"), ["b", "a", "a:b"]);
    }

    #[test]
    fn intercepts_are_switched_as_in_r() {
        for (text, intercept) in [
            ("y ~ a", true),
            ("y ~ 0 + a", false),
            ("y ~ a - 1", false),
            ("y ~ -1 + a", false),
            ("y ~ a + 0 + 1", true),
            ("y ~ 1", true),
            ("y ~ -(a + 1) + b", false),
        ] {
            assert_eq!(Formula::parse(text).unwrap().intercept, intercept, "{text}");
        }
    }

    #[test]
    fn mistakes_are_shown_where_they_are() {
        for (text, at, part) in [
            ("y ~ a +", 8, "found the end"),
            ("y a", 3, "`~`"),
            ("y ~ a b", 7, "not expected"),
            ("y ~ a * 1", 9, "stand alone"),
            ("y ~ log(a)", 5, "add the transformed variable"),
            ("y ~ a * us(visit | patient)", 9, "a term of its own"),
            ("y ~ a:(1 | therapist)", 7, "a term of its own"),
            ("y ~ a - (1 | therapist)", 9, "leave it out instead"),
            ("y ~ us(visit || patient)", 5, "one bar"),
            ("y ~ (1 | therapist", 19, "`)`"),
            ("y ~ (a + b", 11, "`)`"),
            ("y ~ a + y", 1, "right of"),
            ("y ~ a^x", 7, "whole number"),
            ("y ~ `a", 5, "closing"),
            ("y ~ a % b", 7, "%"),
        ] {
            match Formula::parse(text) {
                Err(Error::Formula { position, message, .. }) => {
                    assert_eq!(position, at, "{text}: {message}");
                    assert!(message.contains(part), "{text}: {message}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
