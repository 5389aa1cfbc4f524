//! The expression tree of a formula, and how it is read from tokens: one function of [`Parser`] for each rule of the
//! grammar, the loosest binding first.

use super::Offset;
use super::formula::formula_error;
use super::function::{Function, FunctionKind, Transformation};
use super::tokens::{Token, TokenKind, tokens};
use crate::error::{Error, Result};

/// Deeper nesting is a mistake, and would exhaust the stack.
const MOST_PARENTHESES: usize = 100;
/// The most parts of a hyphenated name of a covariance structure.
const MOST_HYPHENS: usize = 8;
/// The largest degree of a polynomial, and the most columns of a spline.
const MOST_COLUMNS_OF_A_FUNCTION: usize = 20;

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
    /// A term with the coefficient 1.
    Offset(Offset, usize),
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

/// What is left of a formula's text to be read.
pub(super) struct Parser<'a> {
    text: &'a str,
    /// The position behind the last character.
    end: usize,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// Takes a text apart into tokens.
    ///
    /// # Errors
    /// [`Error::Formula`] for a character that none begins with.
    pub fn new(text: &'a str) -> Result<Self> {
        Ok(Parser { text, end: text.chars().count() + 1, tokens: tokens(text)?, at: 0, depth: 0 })
    }

    pub fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub fn is_next(&self, kind: &TokenKind) -> bool {
        self.peek().is_some_and(|t| t.kind == *kind)
    }

    /// Steps over `kind` if it comes next.
    fn accept(&mut self, kind: TokenKind) -> bool {
        let found = self.is_next(&kind);
        self.at += usize::from(found);
        found
    }

    pub fn position(&self) -> usize {
        self.peek().map_or(self.end, |t| t.position)
    }

    pub fn error(&self, position: usize, message: impl Into<String>) -> Error {
        formula_error(self.text, position, message)
    }

    pub fn expect(&mut self, kind: TokenKind, what: &str) -> Result<()> {
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
    pub fn outcome(&mut self) -> Result<(String, usize, Option<Transformation>)> {
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

    pub fn sum(&mut self) -> Result<Expr> {
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
        if name == "offset" {
            return self.offset(position).map(Some);
        }
        let (column, at) = self.name("the name of a column, which functions are of")?;
        let found = match (transformation, name) {
            (Some(transformation), _) => Expr::Function(Function::new(column, FunctionKind::Of(transformation)), position),
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

    /// `x)` or `log(x))` after `offset(`.
    fn offset(&mut self, position: usize) -> Result<Expr> {
        let end = "`)` at the end of `offset(…)`, which is of a column or a function of one, as in `offset(log(x))`";
        let (name, _) = self.name("the name of a column, or a function of one")?;
        let found = match Transformation::named(&name) {
            Some(transformation) if self.accept(TokenKind::Open) => {
                let (column, _) = self.name("the name of a column, which functions are of")?;
                self.expect(TokenKind::Close, end)?;
                Offset::new(column, Some(transformation))
            }
            _ => Offset::new(name, None),
        };
        self.expect(TokenKind::Close, end)?;
        Ok(Expr::Offset(found, position))
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
