//! The words of a formula.

use crate::error::{Error, Result};
use std::fmt;

/// A word of a formula and where it starts, counted in characters from 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub position: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Name(String),
    Number(String),
    Tilde,
    Plus,
    Minus,
    Star,
    Slash,
    Colon,
    Caret,
    Equals,
    Comma,
    Bar,
    DoubleBar,
    Open,
    Close,
}

impl TokenKind {
    /// The word as messages repeat it.
    pub fn clipped(&self) -> String {
        const LONGEST: usize = 40;
        let whole = self.to_string();
        if whole.chars().count() <= LONGEST { whole } else { whole.chars().take(LONGEST).chain(['…']).collect() }
    }
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TokenKind::Name(text) | TokenKind::Number(text) => text,
            TokenKind::Tilde => "~",
            TokenKind::Plus => "+",
            TokenKind::Minus => "-",
            TokenKind::Star => "*",
            TokenKind::Slash => "/",
            TokenKind::Colon => ":",
            TokenKind::Caret => "^",
            TokenKind::Equals => "=",
            TokenKind::Comma => ",",
            TokenKind::Bar => "|",
            TokenKind::DoubleBar => "||",
            TokenKind::Open => "(",
            TokenKind::Close => ")",
        })
    }
}

/// The words of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let characters: Vec<char> = text.chars().collect();
    let mut found = vec![];
    let mut at = 0;
    while at < characters.len() {
        let start = at;
        let c = characters[at];
        at += 1;
        let kind = match c {
            _ if c.is_whitespace() => continue,
            '~' => TokenKind::Tilde,
            '+' => TokenKind::Plus,
            '-' | '−' => TokenKind::Minus,
            '*' => TokenKind::Star,
            '/' => TokenKind::Slash,
            ':' => TokenKind::Colon,
            '^' => TokenKind::Caret,
            '=' => TokenKind::Equals,
            ',' => TokenKind::Comma,
            '|' if characters.get(at) == Some(&'|') => {
                at += 1;
                TokenKind::DoubleBar
            }
            '|' => TokenKind::Bar,
            '(' => TokenKind::Open,
            ')' => TokenKind::Close,
            '`' => {
                let (name, length) = in_backquotes(&characters[at..])
                    .ok_or_else(|| unreadable(text, start, "a name in backquotes has no closing backquote"))?;
                if name.is_empty() {
                    return Err(unreadable(text, start, "there is no name between the backquotes"));
                }
                at += length;
                TokenKind::Name(name)
            }
            _ if starts_name(c) => {
                at += characters[at..].iter().take_while(|&&c| continues_name(c)).count();
                TokenKind::Name(characters[start..at].iter().collect())
            }
            _ if c.is_ascii_digit() => {
                at += characters[at..].iter().take_while(|&&c| c.is_ascii_digit() || c == '.').count();
                TokenKind::Number(characters[start..at].iter().collect())
            }
            _ => {
                return Err(unreadable(
                    text,
                    start,
                    &format!("`{c}` has no meaning in a formula; a name with such a sign goes in backquotes"),
                ));
            }
        };
        found.push(Token { kind, position: start + 1 });
    }
    Ok(found)
}

/// The name up to the closing backquote, and how many characters that takes; two backquotes are one in the name.
fn in_backquotes(characters: &[char]) -> Option<(String, usize)> {
    let mut name = String::new();
    let mut at = 0;
    loop {
        match (characters.get(at)?, characters.get(at + 1)) {
            ('`', Some('`')) => {
                name.push('`');
                at += 2;
            }
            ('`', _) => return Some((name, at + 1)),
            (c, _) => {
                name.push(*c);
                at += 1;
            }
        }
    }
}

/// `name` as a formula has to write it: in backquotes unless it is a plain word.
pub(crate) fn quoted(name: &str) -> String {
    let mut characters = name.chars();
    let plain = characters.next().is_some_and(starts_name) && characters.all(continues_name);
    if plain { name.into() } else { format!("`{}`", name.replace('`', "``")) }
}

fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '.'
}

fn continues_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

fn unreadable(text: &str, at: usize, message: &str) -> Error {
    super::formula::formula_error(text, at + 1, message)
}
