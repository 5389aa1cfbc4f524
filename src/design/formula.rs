//! Formulas in the field's notation: text → [expression tree](super::syntax) → terms.
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
//! | `log(x)`, `log2(x)`, `log10(x)`, `log1p(x)`, `exp(x)`, `sqrt(x)` | a number taken through a function |
//! | `I(x^2)` | a power of a number; `x^2` alone would be `x` and is refused |
//! | `poly(x, 2, raw)` | x and its powers |
//! | `ns(x, 3)` | a natural cubic spline with 3 columns, the knots at quantiles of the analysed observations |
//! | `offset(x)`, `offset(log(x))` | x, or its logarithm, with the coefficient 1 |
//! | `log(y) ~ a` | the outcome taken through a function |
//! | `` `visit date` `` | a name with blanks or signs in it; a backquote in a name is doubled |
//! | `~ a + b` | the same for outcomes that are named elsewhere |
//!
//! What stands after the mean, `(effects | clusters)` and `structure(visit | patient)`, is kept as it was read;
//! [`super::grouping`] says what it means.

use super::Offset;
use super::expansion::Expansion;
use super::function::{Function, Transformation};
use super::syntax::{Expr, Grouping, Parser};
use super::tokens::TokenKind;
use crate::error::{Error, Result};

/// More random effects, or offsets, are a mistake.
const MOST_GROUPINGS: usize = 100;

/// A formula taken apart: the outcome's name (empty where none is left of `~`), the terms of the mean, random effects and covariance structures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Formula {
    pub outcome: String,
    /// What the outcome is taken through.
    pub response: Option<Transformation>,
    pub intercept: bool,
    /// Variables in order of first appearance.
    pub variables: Vec<String>,
    /// Those that are functions of a column, by what they are called.
    pub functions: Vec<(String, Function)>,
    /// Terms with the coefficient 1.
    pub offsets: Vec<Offset>,
    /// Terms by degree, then by appearance; each lists positions in `variables`, ascending.
    pub terms: Vec<Vec<usize>>,
    /// Random effects and covariance structures in order of appearance.
    pub groupings: Vec<Grouping>,
}

impl Formula {
    pub fn parse(text: &str) -> Result<Self> {
        let mut parser = Parser::new(text)?;
        let (outcome, outcome_position, response) = match parser.is_next(&TokenKind::Tilde) {
            true => (String::new(), 1, None),
            false => parser.outcome()?,
        };
        parser.expect(TokenKind::Tilde, "`~` after the outcome")?;
        let expr = parser.sum()?;
        if let Some(token) = parser.peek() {
            return Err(parser.error(
                token.position,
                format!("`{}` is not expected here; expected `+`, `-`, `:`, `*` or the end", token.kind.clipped()),
            ));
        }
        let Parts { mean, groupings, offsets } = Parts::of(text, expr)?;
        let mut expansion = Expansion::new(text);
        let mut terms = expansion.terms(&mean, false)?;
        let Expansion { intercept, variables, functions, .. } = expansion;
        let columns = functions.iter().map(|(_, function)| &function.column);
        if variables.iter().chain(columns).map(String::as_str).chain(offsets.iter().map(Offset::column)).any(|name| name == outcome) {
            return Err(formula_error(
                text,
                outcome_position,
                format!("the outcome `{outcome}` is also on the right of `~`; leave it out there"),
            ));
        }
        terms.sort_by_key(Vec::len);
        Ok(Formula { outcome, response, intercept, variables, functions, offsets, terms, groupings })
    }
}

/// The mean, and what was added to it of offsets, random effects and covariance structures.
struct Parts {
    mean: Expr,
    groupings: Vec<Grouping>,
    offsets: Vec<Offset>,
}

impl Parts {
    fn of(text: &str, expr: Expr) -> Result<Self> {
        let mut parts = Parts { mean: Expr::Sum(vec![]), groupings: vec![], offsets: vec![] };
        let Expr::Sum(summands) = expr else { return Ok(Parts { mean: expr, ..parts }) };
        let mut mean = vec![];
        for (minus, summand) in summands {
            match summand {
                Expr::Grouping(_) | Expr::Offset(..) if minus => {
                    let position = summand.position().unwrap_or(1);
                    return Err(formula_error(text, position, "this cannot be taken away; leave it out instead"));
                }
                Expr::Grouping(_) if parts.groupings.len() == MOST_GROUPINGS => {
                    return Err(formula_error(text, 1, format!("more than {MOST_GROUPINGS} random effects; state fewer")));
                }
                Expr::Grouping(grouping) => parts.groupings.push(*grouping),
                Expr::Offset(offset, position) if parts.offsets.contains(&offset) || parts.offsets.len() == MOST_GROUPINGS => {
                    return Err(formula_error(text, position, format!("the offset {offset} is there already, or there are too many")));
                }
                Expr::Offset(offset, _) => parts.offsets.push(offset),
                other => mean.push((minus, other)),
            }
        }
        parts.mean = Expr::Sum(mean);
        Ok(parts)
    }
}

/// The most characters of a formula that a message repeats.
const LONGEST: usize = 240;

/// The error of a formula, which a message repeats as far as it helps.
pub(super) fn formula_error(text: &str, position: usize, message: impl Into<String>) -> Error {
    let length = text.chars().count();
    let formula = if length <= LONGEST {
        text.to_string()
    } else {
        let from = position.saturating_sub(LONGEST / 2).min(length - LONGEST);
        let part: String = text.chars().skip(from).take(LONGEST).collect();
        let before = if from > 0 { "…" } else { "" };
        let after = if from + LONGEST < length { "…" } else { "" };
        format!("{before}{part}{after}")
    };
    Error::Formula { formula, position, message: message.into() }
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
            ("y ~ cos(a)", 5, "add the transformed variable"),
            ("y ~ log(a + 1)", 11, "not of a calculation"),
            ("y ~ poly(a, 2)", 14, "poly(a, 2, raw)"),
            ("y ~ ns(a, 0)", 11, "whole number"),
            ("y ~ I(a + b)", 9, "`^`"),
            ("y ~ a^2", 5, "I(a^2)"),
            ("y ~ (a:b)^2", 6, "several terms"),
            ("y ~ a * offset(b)", 9, "a term of its own"),
            ("y ~ a - offset(b)", 9, "leave it out instead"),
            ("cos(y) ~ a", 1, "an outcome is a column"),
            ("log(y) ~ a + y", 5, "right of"),
            ("y ~ log(y)", 1, "right of"),
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

    #[test]
    fn functions_are_variables_of_their_own() {
        assert_eq!(
            labels("y ~ log(a) + I(a^2) + a*ns(`b c`, df = 3) + poly(a, 2, raw = TRUE)").join(" "),
            "log(a) I(a^2) a ns(`b c`, 3) poly(a, 2, raw) a:ns(`b c`, 3)"
        );
        let formula = Formula::parse("log(y) ~ a + offset(b) + I(c)").unwrap();
        assert_eq!(
            (formula.response, formula.offsets, formula.variables),
            (Some(Transformation::Log), vec![Offset::new("b", None)], vec!["a".to_string(), "c".into()])
        );
        // A column of such a name is written in backquotes.
        let formula = Formula::parse("y ~ `log(a)`").unwrap();
        assert_eq!((formula.variables, formula.functions), (vec!["log(a)".to_string()], vec![]));
    }

    /// Any length and depth is an error or terms, in time that grows with the length.
    #[test]
    fn long_formulas_do_no_harm() {
        let message = |text: &str| Formula::parse(text).map(|f| f.terms.len()).map_err(|e| e.to_string());
        assert_eq!(message(&format!("y ~ a{}", ":a".repeat(100_000))), Ok(1));
        assert_eq!(message(&format!("y ~ a{}", " + a".repeat(100_000))), Ok(1));
        assert_eq!(message(&format!("y ~ a{}", " - a + a".repeat(100_000))), Ok(1));
        assert_eq!(message(&format!("y ~ a{}", "*a".repeat(100_000))), Ok(1));
        assert_eq!(message(&format!("y ~ a{}", "/a".repeat(100_000))), Ok(1));
        let distinct = |between: &str| (0..100_000).map(|k| format!("v{k}")).collect::<Vec<_>>().join(between);
        for (text, part) in [
            (format!("y ~ {}a{}", "(".repeat(100_000), ")".repeat(100_000)), "parentheses"),
            (format!("y ~ {}", "a:(".repeat(100_000)), "parentheses"),
            (format!("y ~ {}", "f(".repeat(100_000)), "not computed"),
            (format!("y ~ {}", distinct(" + ")), "more than 2000"),
            (format!("y ~ {}", distinct(":")), "more than 50 variables"),
            (format!("y ~ {}", distinct("*")), "2000 terms"),
            (format!("y ~ {}", distinct("-")), "more than 2000"),
            (format!("y ~ a{}", "-".repeat(100_000)), "a variable's name"),
            (format!("y ~ {}", "`".repeat(100_001)), "closing"),
            (format!("y ~ a{}", "^2".repeat(100_000)), "not expected"),
            (format!("y ~ (a + b){}", " + (1 | g)".repeat(100_000)), "more than 100 random effects"),
            (format!("y {}", "~".repeat(100_000)), "variable's name"),
            ("x".repeat(1_000_000), "`~`"),
        ] {
            let message = message(&text).expect_err(part);
            assert!(message.contains(part) && message.len() < 2000, "{part}: {}", message.chars().take(400).collect::<String>());
        }
        let levels = crate::design::ModelFormula::parse(&format!("y ~ (1 | {})", distinct("/"))).expect_err("many levels").to_string();
        assert!(levels.contains("more than 50 variables"), "{levels}");
    }
}
