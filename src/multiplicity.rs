//! Decisions on several hypotheses at one familywise level: fixed sequence, Bonferroni, Holm, Hochberg, and graphs.
//!
//! All work on p-values alone and say nothing of where these come from; a plan has them for hypotheses of its outcomes,
//! visits and arms ([`Multiplicity`](crate::analysis::Multiplicity)).
//!
//! ```
//! use trialstats::multiplicity::{Graph, Procedure, Weighted};
//!
//! // Two primary hypotheses that pass their level on to each other and to a secondary one each.
//! let graph = Graph::new(
//!     vec![0.5, 0.5, 0.0, 0.0],
//!     vec![vec![0.0, 0.5, 0.5, 0.0], vec![0.5, 0.0, 0.0, 0.5], vec![0.0, 1.0, 0.0, 0.0], vec![1.0, 0.0, 0.0, 0.0]],
//! )?;
//! let decided = graph.test(&[0.01, 0.03, 0.02, 0.9], 0.05)?;
//! assert_eq!(decided.rejected(), [true, true, true, false]);
//!
//! let holm = Weighted::equal(Procedure::Holm, 3)?.test(&[0.01, 0.02, 0.2], 0.05)?;
//! assert_eq!(holm.rejected(), [true, true, false]);
//! # Ok::<(), trialstats::Error>(())
//! ```

use crate::error::{Error, Result};
use crate::options::choices;
use crate::table::{agreeing, counted};

/// How far sums of weights may lie above 1 by rounding.
const ROUNDING: f64 = 1e-9;

/// How several hypotheses are tested at one familywise level.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Procedure {
    /// In their order, each at the full level, until one is not rejected.
    FixedSequence,
    /// Each at its share of the level.
    Bonferroni,
    /// Step-down (Holm 1979, Scand J Stat 6:65–70), weights allowed.
    Holm,
    /// Step-up (Hochberg 1988, Biometrika 75:800–802): valid where the tests are independent or positively dependent.
    Hochberg,
    /// A graph of hypotheses that pass their level on when they are rejected (Bretz, Maurer, Brannath & Posch 2009, Stat
    /// Med 28:586–604).
    Graph,
}

choices! {
    Procedure, "procedure for multiplicity":
    FixedSequence = "fixed-sequence", ["hierarchical"], "in their order, each at the full level, until one is not rejected";
    Bonferroni = "bonferroni", [], "each at its share of the level";
    Holm = "holm", ["bonferroni-holm"], "step-down: those left share the level";
    Hochberg = "hochberg", [], "step-up, for independent or positively dependent tests";
    Graph = "graph", ["graphical"], "a graph along which rejected hypotheses pass their level on";
}

impl Procedure {
    /// As a methods section has it.
    pub fn words(self) -> &'static str {
        match self {
            Procedure::FixedSequence => "a fixed sequence",
            Procedure::Bonferroni => "Bonferroni's procedure",
            Procedure::Holm => "Holm's step-down procedure",
            Procedure::Hochberg => "Hochberg's step-up procedure",
            Procedure::Graph => "a graphical procedure (Bretz et al. 2009)",
        }
    }
}

/// What a procedure decided.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Decisions {
    /// Adjusted p-values: a hypothesis is rejected where its own is at most the familywise level, whatever that is.
    pub adjusted: Vec<f64>,
    /// Places in the order of rejection, counted from 1; `None` for hypotheses that are not rejected. Hypotheses that one
    /// step rejects together have the same.
    pub order: Vec<Option<usize>>,
}

impl Decisions {
    /// Which hypotheses are rejected.
    pub fn rejected(&self) -> Vec<bool> {
        self.order.iter().map(Option::is_some).collect()
    }
}

/// A procedure that needs no more than weights: all but [`Procedure::Graph`].
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    procedure: Procedure,
    weights: Vec<f64>,
}

/// Hypotheses with their shares of the level, and what each passes on to the others when it is rejected.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    weights: Vec<f64>,
    transitions: Vec<Vec<f64>>,
}

impl Weighted {
    /// A procedure on `n` hypotheses with equal weights.
    ///
    /// # Errors
    /// As [`Weighted::new`].
    pub fn equal(procedure: Procedure, n: usize) -> Result<Self> {
        Self::new(procedure, vec![1.0 / n.max(1) as f64; n])
    }

    /// A procedure on hypotheses with these weights, which sum to at most 1. A fixed sequence has no use for them, and
    /// Hochberg's procedure is built for equal ones.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no hypotheses, for weights that are negative or sum to more than 1, for unequal weights with
    /// Hochberg's procedure, and for a graph, which has transitions ([`Graph`]).
    pub fn new(procedure: Procedure, weights: Vec<f64>) -> Result<Self> {
        check_weights(&weights)?;
        if procedure == Procedure::Graph {
            return Err(Error::incomplete("a graph", "it has no transitions", "state what each hypothesis passes on"));
        }
        let equal = weights.iter().all(|w| (w - weights[0]).abs() <= ROUNDING);
        if procedure == Procedure::Hochberg && !equal {
            let remedy = "use `holm`, which takes weights, or leave the weights out";
            return Err(Error::not_built("Hochberg's procedure with unequal weights", "its steps are those of equal ones", remedy));
        }
        Ok(Self { procedure, weights })
    }

    /// Decides on p-values, one per hypothesis. A p-value that is NaN, of a test that could not be made, never leads to a
    /// rejection.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another number of p-values, one outside 0 to 1, or a level outside (0, 1).
    pub fn test(&self, p: &[f64], alpha: f64) -> Result<Decisions> {
        let p = checked(p, self.weights.len(), alpha)?;
        let n = p.len();
        Ok(match self.procedure {
            Procedure::Bonferroni => {
                let adjusted: Vec<f64> = p.iter().zip(&self.weights).map(|(p, w)| over(*p, *w).min(1.0)).collect();
                let order = adjusted.iter().map(|p| (*p <= alpha).then_some(1)).collect();
                Decisions { adjusted, order }
            }
            Procedure::Hochberg => hochberg(&p, alpha),
            Procedure::FixedSequence => {
                let next = |i: usize, j: usize| f64::from(u8::from(j == i + 1));
                let transitions = (0..n).map(|i| (0..n).map(|j| next(i, j)).collect()).collect();
                let weights = (0..n).map(|i| f64::from(u8::from(i == 0))).collect();
                Graph { weights, transitions }.decided(&p, alpha)
            }
            Procedure::Holm | Procedure::Graph => Graph::holm(self.weights.clone()).decided(&p, alpha),
        })
    }
}

impl Graph {
    /// A graph of hypotheses with these weights and transitions: `transitions[i][j]` is the share of its level that
    /// hypothesis i passes to j when it is rejected.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no hypotheses, weights or shares that are negative, weights or shares of a hypothesis that
    /// sum to more than 1, a hypothesis that passes on to itself, or a matrix of another size.
    pub fn new(weights: Vec<f64>, transitions: Vec<Vec<f64>>) -> Result<Self> {
        check_weights(&weights)?;
        let n = weights.len();
        if transitions.len() != n || transitions.iter().any(|row| row.len() != n) {
            let why = format!("there {} {}", agreeing(n, "is", "are"), counted(n, "hypothesis"));
            return Err(Error::wrong_number("the transitions of a graph", why, "give a share for each pair of hypotheses"));
        }
        for (i, row) in transitions.iter().enumerate() {
            let what = || format!("the transitions of hypothesis {}", i + 1);
            if row.iter().any(|g| !(0.0..=1.0).contains(g)) {
                return Err(Error::out_of_range(what(), "a share lies outside 0 to 1", "state shares between 0 and 1"));
            }
            if row[i] != 0.0 {
                return Err(Error::conflict(what(), "it passes on to itself", "name other hypotheses"));
            }
            if row.iter().sum::<f64>() > 1.0 + ROUNDING {
                return Err(Error::out_of_range(what(), "its shares sum to more than 1", "state shares that sum to at most 1"));
            }
        }
        Ok(Self { weights, transitions })
    }

    /// The graph that is Holm's procedure with these weights: each hypothesis passes on in proportion to the others'.
    fn holm(weights: Vec<f64>) -> Self {
        let n = weights.len();
        let share = |i: usize, j: usize| {
            let others: f64 = (0..n).filter(|&k| k != i).map(|k| weights[k]).sum();
            if i == j || others <= 0.0 { 0.0 } else { weights[j] / others }
        };
        Self { transitions: (0..n).map(|i| (0..n).map(|j| share(i, j)).collect()).collect(), weights }
    }

    /// The weights.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// What each hypothesis passes on to each other.
    pub fn transitions(&self) -> &[Vec<f64>] {
        &self.transitions
    }

    /// The weights and transitions when hypothesis `i` is rejected (Bretz et al. 2009, algorithm 1).
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is no such hypothesis.
    pub fn without(&self, i: usize) -> Result<Self> {
        if i >= self.weights.len() {
            return Err(Error::no_position(format!("hypothesis {i}"), format!("there are {}", self.weights.len()), "count from 0"));
        }
        let mut graph = self.clone();
        graph.remove(i);
        Ok(graph)
    }

    /// Decides on p-values, one per hypothesis, step by step: the hypothesis with the smallest p-value for its share of the
    /// level is rejected and passes its share on. A p-value that is NaN never leads to a rejection.
    ///
    /// # Errors
    /// As [`Weighted::test`].
    pub fn test(&self, p: &[f64], alpha: f64) -> Result<Decisions> {
        Ok(self.decided(&checked(p, self.weights.len(), alpha)?, alpha))
    }

    /// Algorithm 2 of Bretz et al. (2009), which gives the decisions of algorithm 1 at every level.
    fn decided(&self, p: &[f64], alpha: f64) -> Decisions {
        let n = p.len();
        let (mut graph, mut left): (Self, Vec<usize>) = (self.clone(), (0..n).collect());
        let (mut adjusted, mut order, mut largest) = (vec![1.0; n], vec![None; n], 0.0_f64);
        let mut rejected = 0;
        while let Some((at, &i)) =
            left.iter().enumerate().min_by(|a, b| over(p[*a.1], graph.weights[*a.1]).total_cmp(&over(p[*b.1], graph.weights[*b.1])))
        {
            largest = largest.max(over(p[i], graph.weights[i]).min(1.0));
            adjusted[i] = largest;
            if largest <= alpha {
                rejected += 1;
                order[i] = Some(rejected);
            }
            graph.remove(i);
            left.remove(at);
        }
        Decisions { adjusted, order }
    }

    fn remove(&mut self, i: usize) {
        let n = self.weights.len();
        let (weight, from) = (self.weights[i], self.transitions[i].clone());
        let old = self.transitions.clone();
        for j in (0..n).filter(|&j| j != i) {
            self.weights[j] += weight * from[j];
            // What would come back to j along i is shared among the others.
            let through = 1.0 - old[j][i] * old[i][j];
            for k in (0..n).filter(|&k| k != i) {
                let share = if k == j || through <= ROUNDING { 0.0 } else { (old[j][k] + old[j][i] * old[i][k]) / through };
                self.transitions[j][k] = share;
            }
            self.transitions[j][i] = 0.0;
        }
        self.weights[i] = 0.0;
        self.transitions[i] = vec![0.0; n];
    }
}

/// Step-up: the largest p-value that is at most its share rejects it and all smaller ones.
fn hochberg(p: &[f64], alpha: f64) -> Decisions {
    let n = p.len();
    let mut sorted: Vec<usize> = (0..n).collect();
    sorted.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
    let (mut adjusted, mut smallest) = (vec![1.0; n], 1.0_f64);
    for (k, &i) in sorted.iter().enumerate() {
        smallest = smallest.min((k + 1) as f64 * p[i]);
        adjusted[i] = smallest;
    }
    let order = adjusted.iter().map(|p| (*p <= alpha).then_some(1)).collect();
    Decisions { adjusted, order }
}

/// A p-value over its share of the level; infinite without a share.
fn over(p: f64, weight: f64) -> f64 {
    if weight > 0.0 { p / weight } else { f64::INFINITY }
}

fn check_weights(weights: &[f64]) -> Result<()> {
    if weights.is_empty() {
        return Err(Error::nothing_to_compare("a procedure for multiplicity", "there are no hypotheses", "name the hypotheses"));
    }
    if weights.iter().any(|w| !(0.0..=1.0).contains(w)) {
        return Err(Error::out_of_range("the weights of hypotheses", "one lies outside 0 to 1", "state weights between 0 and 1"));
    }
    if weights.iter().sum::<f64>() > 1.0 + ROUNDING {
        return Err(Error::out_of_range("the weights of hypotheses", "they sum to more than 1", "state weights that sum to at most 1"));
    }
    Ok(())
}

/// The p-values, those of tests that could not be made at 1.
fn checked(p: &[f64], n: usize, alpha: f64) -> Result<Vec<f64>> {
    if p.len() != n {
        let why = format!("there {} {}", agreeing(n, "is", "are"), counted(n, "hypothesis"));
        return Err(Error::wrong_number(counted(p.len(), "p-value").to_string(), why, "give one for each"));
    }
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(Error::out_of_range(format!("a familywise level of {alpha}"), "it lies between 0 and 1", "state one such as 0.05"));
    }
    if let Some(wrong) = p.iter().find(|p| !p.is_nan() && !(0.0..=1.0).contains(*p)) {
        return Err(Error::out_of_range(format!("a p-value of {wrong}"), "p-values lie between 0 and 1", "give p-values"));
    }
    Ok(p.iter().map(|p| if p.is_nan() { 1.0 } else { *p }).collect())
}

#[cfg(test)]
mod tests;
