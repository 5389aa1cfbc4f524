//! Where the effects of clusters stand among the columns, and their parameters among θ.

use crate::covariance::{Boundary, lower, lower_pairs};
use crate::design::{EffectCovariance, RandomTerm};

/// The random effects of a likelihood problem, term by term. Columns and parameters follow those of the mean and of Σ.
#[derive(Debug, Clone)]
pub(crate) struct Clusters {
    /// The number p of columns of the mean.
    pub fixed: usize,
    pub terms: Vec<ClusterTerm>,
    /// The number of parameters of all G.
    pub parameters: usize,
}

/// The effects of the levels of one factor.
#[derive(Debug, Clone)]
pub(crate) struct ClusterTerm {
    /// The number k of effects of a level.
    size: usize,
    /// The elements of G that are parameters, in their order.
    pairs: Vec<(usize, usize)>,
    pub levels: usize,
    pub structure: EffectCovariance,
    /// The column of the first effect of the first level; level by level from there.
    pub first_column: usize,
    /// The position of the first parameter among those of all terms.
    pub first_parameter: usize,
    /// The mean square of what multiplies each effect, over the observations that have it.
    pub squares: Vec<f64>,
}

impl Clusters {
    /// The effects above p fitted columns.
    pub fn of(random: &[RandomTerm], fixed: usize) -> Self {
        let (mut first_column, mut parameters) = (fixed, 0);
        let terms = random.iter().map(|term| {
            let own = ClusterTerm {
                size: term.size(),
                pairs: term.pairs(),
                levels: term.levels.len(),
                structure: term.structure,
                first_column,
                first_parameter: parameters,
                squares: term.mean_squares(),
            };
            first_column += term.total();
            parameters += own.pairs().len();
            own
        });
        let terms = terms.collect();
        Self { fixed, terms, parameters }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The ends of the ranges of the parameters, as positions among those of all terms.
    pub fn boundaries(&self) -> Vec<Boundary> {
        self.terms.iter().flat_map(ClusterTerm::boundaries).collect()
    }

    /// Names of the parameters of all terms.
    pub fn parameter_names(random: &[RandomTerm]) -> Vec<String> {
        random.iter().flat_map(RandomTerm::parameter_names).collect()
    }

    /// G of every term as what an observation gets from each effect varies by `variance`, the effects being
    /// uncorrelated.
    pub fn start(&self, variance: f64) -> Vec<f64> {
        let of_term = |t: &ClusterTerm| -> Vec<f64> {
            let value = |(a, b): (usize, usize)| if a == b { variance / t.squares[a] } else { 0.0 };
            t.pairs().iter().copied().map(value).collect()
        };
        self.terms.iter().flat_map(of_term).collect()
    }

    /// What one unit of each parameter is worth: the mean square that multiplies the effect, for variances.
    pub fn squares(&self) -> Vec<f64> {
        self.terms.iter().flat_map(|t| t.pairs().iter().map(|&(a, b)| (t.squares[a] * t.squares[b]).sqrt())).collect()
    }
}

impl ClusterTerm {
    /// The number k of effects of a level.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The number of effects of all levels.
    pub fn total(&self) -> usize {
        self.levels * self.size
    }

    /// The elements of G that are parameters, in their order.
    pub fn pairs(&self) -> &[(usize, usize)] {
        &self.pairs
    }

    /// The lower triangle of Λ, G = ΛΛ', row by row, given the parameters of all terms; `None` where G is not
    /// positive semidefinite.
    pub fn factor(&self, parameters: &[f64]) -> Option<Vec<f64>> {
        let mut l = vec![0.0; self.size * (self.size + 1) / 2];
        self.set_factor(parameters, &mut l)?;
        Some(l)
    }

    /// Writes it.
    pub fn set_factor(&self, parameters: &[f64], l: &mut [f64]) -> Option<()> {
        let k = self.size();
        l.fill(0.0);
        for (&(a, b), &value) in self.pairs().iter().zip(&parameters[self.first_parameter..]) {
            l[lower(a, b)] = value;
        }
        for (a, b) in lower_pairs(k) {
            let scale = l[lower(a, a)].abs();
            let inner: f64 = (0..b).map(|c| l[lower(a, c)] * l[lower(b, c)]).sum();
            let rest = l[lower(a, b)] - inner;
            l[lower(a, b)] = if a == b {
                if !rest.is_finite() || rest < -1e-12 * (scale + inner) {
                    return None;
                }
                rest.max(0.0).sqrt()
            } else if l[lower(b, b)] > 0.0 {
                rest / l[lower(b, b)]
            } else {
                0.0
            };
        }
        Some(())
    }

    fn boundaries(&self) -> Vec<Boundary> {
        match self.structure {
            EffectCovariance::Correlated => vec![Boundary::Semidefinite { first: self.first_parameter, size: self.size() }],
            EffectCovariance::Independent => {
                let root = |k| Boundary::Root { parameter: self.first_parameter + k, power: 2.0 };
                (0..self.size()).map(root).collect()
            }
        }
    }
}
