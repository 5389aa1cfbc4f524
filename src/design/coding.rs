//! Factor coding: from terms to the columns of the model matrix.
//!
//! The rule is R's (`terms.formula`, `model.matrix`): a factor is coded by contrasts against its first level in a
//! term whose margin without that factor is contained in an earlier term, and in full where it is not; without an
//! intercept the first factor is coded in full.

use super::function::Function;
use super::tokens::quoted;
use super::{DesignColumn, MeanModel, Term};
use crate::trial::{Role, Variable};

/// What a column takes from one variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) enum Part {
    /// 1 at this level, 0 elsewhere.
    Level(usize),
    /// The number itself.
    Number,
    /// A column of a function of the number.
    Basis(usize),
}

impl Part {
    /// Whether it is a number, or a function of one.
    pub fn is_number(self) -> bool {
        !matches!(self, Part::Level(_))
    }
}

/// A column as a product of parts, each of one variable.
pub(crate) type Parts = Vec<(usize, Part)>;

/// How the arms enter at and before the baseline visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Constraint {
    /// Position of the arm among the variables.
    pub arm: usize,
    /// The last analysed visit before treatment.
    pub baseline: usize,
}

pub(super) struct Coded {
    pub terms: Vec<Term>,
    pub columns: Vec<DesignColumn>,
    pub parts: Vec<Parts>,
}

/// The terms and columns of `model` for variables with these levels.
pub(super) fn columns(model: &MeanModel, variables: &[Variable], functions: &[Option<Function>], constraint: Option<Constraint>) -> Coded {
    let mut coded = Coded { terms: vec![], columns: vec![], parts: vec![] };
    let names = Names { variables, functions };
    if model.intercept {
        coded.push_term("(Intercept)".into(), vec![], vec![vec![]], names);
    }
    let mut full = full_coding(model, variables);
    let visit = variables.iter().position(|v| v.role() == Role::Visit);
    for (t, term) in model.terms.iter().enumerate() {
        // Under the constraint, S:arm is the sum of the columns of S:arm:visit over the visits after baseline: only
        // those are kept.
        if let (Some(c), Some(visit)) = (constraint, visit) {
            let is_margin =
                |wide: &Vec<usize>| wide.contains(&visit) && wide.len() == term.len() + 1 && term.iter().all(|v| wide.contains(v));
            let contrasted = |t: usize, v: usize| !full[t][model.terms[t].iter().position(|&u| u == v).unwrap_or(0)];
            let wide = model.terms.iter().position(is_margin);
            if let Some(wide) =
                wide.filter(|&w| term.contains(&c.arm) && !term.contains(&visit) && contrasted(t, c.arm) && contrasted(w, c.arm))
            {
                let at = model.terms[wide].iter().position(|&u| u == visit).unwrap_or(0);
                full[wide][at] = true;
                continue;
            }
        }
        let parts = products(term, &full[t], names).into_iter().filter(|p| !vanishes(p, variables, constraint)).collect();
        let label = term.iter().map(|&v| names.of(v)).collect::<Vec<_>>().join(":");
        coded.push_term(label, term.iter().map(|&v| variables[v].name().to_string()).collect(), parts, names);
    }
    coded
}

impl Coded {
    fn push_term(&mut self, label: String, variables: Vec<String>, parts: Vec<Parts>, names: Names) {
        let term = self.terms.len();
        self.terms.push(Term { label, variables });
        self.columns.extend(parts.iter().map(|p| DesignColumn { name: names.of_column(p), term }));
        self.parts.extend(parts);
    }
}

/// The variables and what they are called.
#[derive(Clone, Copy)]
struct Names<'a> {
    variables: &'a [Variable],
    functions: &'a [Option<Function>],
}

impl Names<'_> {
    /// A variable as a formula writes it.
    fn of(&self, v: usize) -> String {
        let name = self.variables[v].name();
        if self.functions[v].is_some() { name.into() } else { quoted(name) }
    }

    fn of_column(&self, parts: &[(usize, Part)]) -> String {
        if parts.is_empty() {
            return "(Intercept)".into();
        }
        let name = |&(v, part): &(usize, Part)| match (part, &self.functions[v]) {
            (Part::Level(l), _) => format!("{}{}", self.of(v), self.variables[v].levels()[l]),
            (Part::Basis(k), Some(function)) => function.column_name(k),
            (Part::Number | Part::Basis(_), _) => self.of(v),
        };
        parts.iter().map(name).collect::<Vec<_>>().join(":")
    }
}

/// For each term and variable in it, whether all levels get a column of their own.
fn full_coding(model: &MeanModel, variables: &[Variable]) -> Vec<Vec<bool>> {
    let mut full: Vec<Vec<bool>> = model
        .terms
        .iter()
        .enumerate()
        .map(|(t, term)| {
            let margin_present = |v: usize| {
                let mut margin = term.iter().filter(|&&u| u != v).peekable();
                margin.peek().is_none() || model.terms[..t].iter().any(|earlier| term.iter().all(|u| *u == v || earlier.contains(u)))
            };
            term.iter().map(|&v| !margin_present(v)).collect()
        })
        .collect();
    if !model.intercept {
        let first =
            model.terms.iter().enumerate().find_map(|(t, term)| term.iter().position(|&v| variables[v].is_factor()).map(|at| (t, at)));
        if let Some((t, at)) = first {
            full[t][at] = true;
        }
    }
    full
}

/// The columns of a term, its first variable varying fastest.
fn products(term: &[usize], full: &[bool], Names { variables, functions }: Names) -> Vec<Parts> {
    let mut columns: Vec<Parts> = vec![vec![]];
    for (&v, &full) in term.iter().zip(full) {
        let parts: Vec<Part> = match (variables[v].is_factor(), &functions[v]) {
            (true, _) => (usize::from(!full)..variables[v].levels().len()).map(Part::Level).collect(),
            (false, Some(function)) => (0..function.size()).map(Part::Basis).collect(),
            (false, None) => vec![Part::Number],
        };
        columns =
            parts.iter().flat_map(|&part| columns.iter().map(move |column| column.iter().copied().chain([(v, part)]).collect())).collect();
    }
    columns
}

/// Whether a column is zero everywhere because arms other than the reference do not exist before treatment.
fn vanishes(parts: &[(usize, Part)], variables: &[Variable], constraint: Option<Constraint>) -> bool {
    let Some(constraint) = constraint else { return false };
    let treated = parts.iter().any(|&(v, p)| v == constraint.arm && p != Part::Level(0));
    let before = parts.iter().any(|&(v, p)| variables[v].role() == Role::Visit && matches!(p, Part::Level(t) if t <= constraint.baseline));
    treated && before
}
