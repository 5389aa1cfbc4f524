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
//! | `log(x)`, `log2(x)`, `log10(x)`, `log1p(x)`, `exp(x)`, `sqrt(x)` | a number taken through a function |
//! | `I(x^2)` | a power of a number; `x^2` alone would be `x` and is refused |
//! | `poly(x, 2, raw)` | x and its powers |
//! | `ns(x, 3)` | a natural cubic spline with 3 columns, the knots at quantiles of the analysed observations |
//! | `offset(x)` | x with the coefficient 1 |
//! | `log(y) ~ a` | the outcome taken through a function |
//! | `` `visit date` `` | a name with blanks or signs in it; a backquote in a name is doubled |
//! | `~ a + b` | the same for outcomes that are named elsewhere |
//!
//! What stands after the mean, `(effects | clusters)` and `structure(visit | patient)`, is kept as it was read;
//! [`super::grouping`] says what it means.

use super::expansion::Expansion;
use super::function::{Function, FunctionKind, Transformation};
use super::tokens::{Token, TokenKind, tokens};
use crate::error::{Error, Result};

/// Deeper nesting is a mistake, and would exhaust the stack.
const MOST_PARENTHESES: usize = 100;
/// More random effects, or offsets, are a mistake.
const MOST_GROUPINGS: usize = 100;
/// The most parts of a hyphenated name of a covariance structure.
const MOST_HYPHENS: usize = 8;
/// The largest degree of a polynomial, and the most columns of a spline.
const MOST_COLUMNS_OF_A_FUNCTION: usize = 20;

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
    /// Columns with the coefficient 1.
    pub offsets: Vec<String>,
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
    /// A function of a column.
    Function(Function, usize),
    /// A column with the coefficient 1.
    Offset(String, usize),
    /// Summands with their signs (`true` is minus).
    Sum(Vec<(bool, Expr)>),
    /// `a:b:c`
    Interaction(Vec<Expr>),
    /// `a * b / c`, from left to right.
    Product(Box<Expr>, Vec<(Operator, Expr)>),
    Power(Box<Expr>, usize),
    Grouping(Box<Grouping>),
}

/// What stands between the operands of a product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operator {
    /// `*`
    Cross,
    /// `/`
    Nested,
}

impl Expr {
    /// Where it starts, as far as that is known.
    pub fn position(&self) -> Option<usize> {
        match self {
            Expr::Name(_, at) | Expr::Function(_, at) | Expr::Offset(_, at) | Expr::Intercept { position: at, .. } => Some(*at),
            Expr::Sum(summands) => summands.first().and_then(|(_, first)| first.position()),
            Expr::Interaction(factors) => factors.first().and_then(Expr::position),
            Expr::Product(first, _) | Expr::Power(first, _) => first.position(),
            Expr::Grouping(grouping) => Some(grouping.position),
        }
    }
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
        let mut parser = Parser { text, end: text.chars().count() + 1, tokens: tokens(text)?, at: 0, depth: 0 };
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
        if variables.iter().chain(columns).chain(&offsets).any(|name| *name == outcome) {
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
    offsets: Vec<String>,
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
                Expr::Offset(column, position) if parts.offsets.contains(&column) || parts.offsets.len() == MOST_GROUPINGS => {
                    return Err(formula_error(text, position, format!("the offset `{column}` is there already, or there are too many")));
                }
                Expr::Offset(column, _) => parts.offsets.push(column),
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

struct Parser<'a> {
    text: &'a str,
    /// The position behind the last character.
    end: usize,
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
        self.peek().map_or(self.end, |t| t.position)
    }

    fn error(&self, position: usize, message: impl Into<String>) -> Error {
        formula_error(self.text, position, message)
    }

    fn expect(&mut self, kind: TokenKind, what: &str) -> Result<()> {
        if self.accept(kind) { Ok(()) } else { Err(self.unexpected(what)) }
    }

    fn unexpected(&self, expected: &str) -> Error {
        let found = self.peek().map_or("the end".to_string(), |t| format!("`{}`", t.kind.clipped()));
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

    /// The outcome, perhaps taken through a function: `y`, `log(y)`.
    fn outcome(&mut self) -> Result<(String, usize, Option<Transformation>)> {
        let (name, position) = self.name("the outcome's name")?;
        if !self.accept(TokenKind::Open) {
            return Ok((name, position, None));
        }
        let Some(response) = Transformation::named(&name) else {
            let known = "log, log2, log10, log1p, exp, sqrt";
            return Err(self.error(position, format!("an outcome is a column, or one of {known} of a column; `{name}` is none of these")));
        };
        let (column, position) = self.name("the outcome's name")?;
        self.expect(TokenKind::Close, "`)` after the outcome")?;
        Ok((column, position, Some(response)))
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
        let first = self.interaction()?;
        let mut rest = vec![];
        loop {
            if self.accept(TokenKind::Star) {
                rest.push((Operator::Cross, self.interaction()?));
            } else if self.accept(TokenKind::Slash) {
                rest.push((Operator::Nested, self.interaction()?));
            } else {
                return Ok(if rest.is_empty() { first } else { Expr::Product(Box::new(first), rest) });
            }
        }
    }

    fn interaction(&mut self) -> Result<Expr> {
        let first = self.power()?;
        if !self.is_next(&TokenKind::Colon) {
            return Ok(first);
        }
        let mut factors = vec![first];
        while self.accept(TokenKind::Colon) {
            factors.push(self.power()?);
        }
        Ok(Expr::Interaction(factors))
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

    /// What follows `name(`: a function of a column, or a covariance structure `us(visit | patient)`; any other function
    /// is refused.
    fn call(&mut self, name: String, position: usize) -> Result<Expr> {
        if let Some(function) = self.function(&name, position)? {
            return Ok(function);
        }
        let refused = format!(
            "`{name}(…)` is not computed in a formula, which knows log, log2, log10, log1p, exp, sqrt, I(x^2), poly(x, 2, raw), ns(x, 3) and \
             offset(x); add the transformed variable to the data and name it here"
        );
        match self.listed() {
            Ok(left) if self.is_next(&TokenKind::Bar) || self.is_next(&TokenKind::DoubleBar) => self.grouping(Some(name), left, position),
            _ => Err(self.error(position, refused)),
        }
    }

    /// A function of a column, where `name` is one.
    fn function(&mut self, name: &str, position: usize) -> Result<Option<Expr>> {
        let transformation = Transformation::named(name);
        if transformation.is_none() && !["I", "poly", "ns", "offset"].contains(&name) {
            return Ok(None);
        }
        let (column, at) = self.name("the name of a column, which functions are of")?;
        let found = match (transformation, name) {
            (Some(transformation), _) => Expr::Function(Function::new(column, FunctionKind::Of(transformation)), position),
            (None, "offset") => Expr::Offset(column, position),
            (None, "I") => {
                if self.is_next(&TokenKind::Close) {
                    Expr::Name(column, at)
                } else {
                    self.expect(TokenKind::Caret, "`^` and a whole number, as in `I(x^2)`; other calculations belong into the data")?;
                    let power = self.whole_number("power", 1)?;
                    Expr::Function(Function::new(column, FunctionKind::Power(power as u32)), position)
                }
            }
            (None, "poly") => {
                let degree = self.argument("degree", 1)?;
                self.raw(&column, degree)?;
                Expr::Function(Function::new(column, FunctionKind::Polynomial(degree as u32)), position)
            }
            (None, _) => {
                let df = self.argument("df", 1)?;
                Expr::Function(Function::new(column, FunctionKind::Spline { df, spline: None }), position)
            }
        };
        self.expect(TokenKind::Close, &format!("`)` at the end of `{name}(…)`, which is of a column and not of a calculation"))?;
        Ok(Some(found))
    }

    /// `, 3` or `, df = 3`.
    fn argument(&mut self, name: &str, least: usize) -> Result<usize> {
        self.expect(TokenKind::Comma, &format!("`,` and the {name}, a whole number"))?;
        if self.is_next(&TokenKind::Name(name.into())) {
            self.at += 1;
            self.expect(TokenKind::Equals, "`=`")?;
        }
        self.whole_number(name, least)
    }

    fn whole_number(&mut self, what: &str, least: usize) -> Result<usize> {
        let expected = format!("the {what}, a whole number from {least} to {MOST_COLUMNS_OF_A_FUNCTION}");
        match self.peek() {
            Some(Token { kind: TokenKind::Number(n), .. }) => match n.parse::<usize>() {
                Ok(number) if (least..=MOST_COLUMNS_OF_A_FUNCTION).contains(&number) => {
                    self.at += 1;
                    Ok(number)
                }
                _ => Err(self.unexpected(&expected)),
            },
            _ => Err(self.unexpected(&expected)),
        }
    }

    /// `, raw` or `, raw = TRUE`: the powers themselves, and not R's orthogonal polynomials, which have other
    /// coefficients.
    fn raw(&mut self, column: &str, degree: usize) -> Result<()> {
        let name = |text: &str| TokenKind::Name(text.into());
        let mut found = self.accept(TokenKind::Comma) && self.accept(name("raw"));
        if found && self.accept(TokenKind::Equals) {
            found = ["TRUE", "true", "T"].iter().any(|yes| self.accept(name(yes)));
        }
        if found {
            return Ok(());
        }
        let message = format!("orthogonal polynomials depend on the data; write `poly({column}, {degree}, raw)` for the powers themselves");
        Err(self.error(self.position(), message))
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
        for _ in 0..MOST_HYPHENS {
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
        name
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
            (Some(Transformation::Log), vec!["b".into()], vec!["a".to_string(), "c".into()])
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
