//! The parameters of the random effects: which elements of which G, and how −2ℓ moves with the factors Λ of the search.

use crate::design::{EffectCovariance, RandomTerm};

/// An element of the covariance of a term's effects, a ≥ b.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameter {
    pub term: usize,
    pub a: usize,
    pub b: usize,
}

/// All of them, term by term, the lower triangle row by row; variances alone where the effects of a term are
/// independent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameters {
    pub(super) list: Vec<Parameter>,
    /// The number of effects of a level, term by term.
    pub(super) sizes: Vec<usize>,
    /// The first parameter of each term.
    starts: Vec<usize>,
    names: Vec<String>,
}

impl Parameters {
    /// Those of the random effects of a design.
    pub fn of(random: &[RandomTerm]) -> Self {
        let mut parameters = Self { list: vec![], sizes: random.iter().map(RandomTerm::size).collect(), starts: vec![], names: vec![] };
        for (index, term) in random.iter().enumerate() {
            parameters.starts.push(parameters.list.len());
            parameters.names.extend(term.parameter_names());
            for a in 0..term.size() {
                let first = if term.structure == EffectCovariance::Independent { a } else { 0 };
                for b in first..=a {
                    parameters.list.push(Parameter { term: index, a, b });
                }
            }
        }
        parameters
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Their names, for messages.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Those of a term, with their positions.
    pub(super) fn of_term(&self, term: usize) -> impl Iterator<Item = (usize, Parameter)> + '_ {
        self.list.iter().copied().enumerate().skip(self.starts[term]).take_while(move |(_, p)| p.term == term)
    }

    /// Fills the matrix (k × k, row by row, lower triangle) of a term from the values of its parameters.
    pub(super) fn set_lower(&self, term: usize, values: &[f64], matrix: &mut [f64]) {
        matrix.fill(0.0);
        self.of_term(term).for_each(|(index, p)| matrix[p.a * self.sizes[term] + p.b] = values[index]);
    }

    /// Whether the effects of a term have covariances.
    pub(super) fn is_correlated(&self, term: usize) -> bool {
        self.sizes[term] > 1 && self.position(term, 1, 0).is_some()
    }

    /// The symmetric matrix of a term.
    pub(super) fn symmetric(&self, term: usize, values: &[f64]) -> Vec<f64> {
        let k = self.sizes[term];
        let mut matrix = vec![0.0; k * k];
        for (index, p) in self.of_term(term) {
            matrix[p.a * k + p.b] = values[index];
            matrix[p.b * k + p.a] = values[index];
        }
        matrix
    }

    /// Ψ = ΛΛ' of all terms.
    pub(super) fn set_psi(&self, lambda: &[f64], psi: &mut [f64]) {
        for (index, p) in self.list.iter().enumerate() {
            psi[index] = self.row(p.term, p.a, lambda).zip(self.row(p.term, p.b, lambda)).map(|(x, y)| x * y).sum();
        }
    }

    /// Row a of a term's Λ, zeros included.
    fn row<'l>(&'l self, term: usize, a: usize, lambda: &'l [f64]) -> impl Iterator<Item = f64> + 'l {
        (0..self.sizes[term]).map(move |b| self.position(term, a, b).map_or(0.0, |index| lambda[index]))
    }

    /// The position of an element of a term's lower triangle; `None` above the diagonal and where there is no such
    /// parameter.
    pub(super) fn position(&self, term: usize, a: usize, b: usize) -> Option<usize> {
        let (first, next) = (self.starts[term], self.starts.get(term + 1).copied().unwrap_or(self.list.len()));
        let k = self.sizes[term];
        match (b > a, next - first == k) {
            (true, _) => None,
            (false, true) => (a == b).then_some(first + a),
            (false, false) => Some(first + a * (a + 1) / 2 + b),
        }
    }

    /// ∂Ψ/∂Λ, row by row of Ψ's parameters.
    pub(super) fn set_jacobian(&self, lambda: &[f64], jacobian: &mut [f64]) {
        let n = self.len();
        jacobian.fill(0.0);
        for (row, psi) in self.list.iter().enumerate() {
            for (column, own) in self.of_term(psi.term) {
                let element = |a: usize| self.position(psi.term, a, own.b).map_or(0.0, |index| lambda[index]);
                let mut slope = 0.0;
                if psi.a == own.a {
                    slope += element(psi.b);
                }
                if psi.b == own.a {
                    slope += element(psi.a);
                }
                jacobian[row * n + column] = slope;
            }
        }
    }

    /// Adds Σ_k g_k ∂²Ψ_k/∂Λ∂Λ' to a Hessian (row by row), g the gradient over Ψ.
    pub(super) fn add_bend(&self, gradient: &[f64], hessian: &mut [f64]) {
        let n = self.len();
        for (row, x) in self.list.iter().enumerate() {
            for (column, y) in self.of_term(x.term) {
                if x.b == y.b {
                    let index = self.position(x.term, x.a.max(y.a), x.a.min(y.a));
                    hessian[row * n + column] += index.map_or(0.0, |k| gradient[k] * if x.a == y.a { 2.0 } else { 1.0 });
                }
            }
        }
    }

    /// The diagonal elements of Λ or Ψ, by position.
    pub(super) fn diagonal(&self) -> impl Iterator<Item = usize> + '_ {
        self.list.iter().enumerate().filter(|(_, p)| p.a == p.b).map(|(index, _)| index)
    }

    /// What vanished from G: variances that are zero, or combinations of effects where none is.
    pub(super) fn vanished(&self, random: &[RandomTerm], lambda: &[f64]) -> Vec<String> {
        let mut psi = vec![0.0; self.len()];
        self.set_psi(lambda, &mut psi);
        let mut names = vec![];
        for (term, own) in random.iter().enumerate() {
            let zero: Vec<usize> = self.of_term(term).filter(|(k, p)| p.a == p.b && psi[*k] == 0.0).map(|(k, _)| k).collect();
            names.extend(zero.iter().map(|&k| self.names[k].clone()));
            let pivots = self.of_term(term).filter(|(k, p)| p.a == p.b && lambda[*k] == 0.0).count();
            if pivots > zero.len() {
                names.push(format!("a combination of {} by {}", own.effects.join(", "), own.factor));
            }
        }
        names
    }
}
