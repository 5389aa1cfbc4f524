//! Between-within degrees of freedom: N − rank X divided between the effects that vary within patients and those that
//! do not (Schluchter & Elashoff 1990, J Stat Comput Simul 37:69–87; SAS `ddfm=betwithin`; R mmrm `Between-Within`).
//!
//! With n patients, N observations, p_b columns of effects that are constant within every patient (the intercept not
//! counted) and p_w columns of effects that vary within some:
//!
//! ```text
//! between: n − (1 if there is an intercept) − p_b        within: N − n − p_w
//! ```
//!
//! The intercept has the within df. A combination l'β, and a joint test, has the smallest df of the effects whose
//! coefficients it weighs, as R mmrm has it (SAS takes the last effect named in `ESTIMATE` or `CONTRAST`). Two
//! particulars of SAS are left out, as in mmrm: with `type=un` it gives every effect the between df, and it divides
//! the within df further among classification effects.

use crate::design::Design;

/// The degrees of freedom of every column of a model matrix.
#[derive(Debug)]
pub(crate) struct BetweenWithin {
    df: Vec<f64>,
}

impl BetweenWithin {
    /// For the columns `kept` of a design; the others are aliased and count as nothing.
    pub fn of(design: &Design, kept: &[usize]) -> Self {
        let varies = varying_terms(design);
        let is_intercept = |c: usize| design.columns.terms[design.columns[c].term].variables.is_empty();
        let is_within = |c: usize| varies[design.columns[c].term];
        let within = kept.iter().filter(|&&c| is_within(c)).count() as f64;
        let between = kept.len() as f64 - within;
        let (n, observations) = (design.rows.patients.len() as f64, design.n_observations() as f64);
        let (between_df, within_df) = (n - between, observations - n - within);
        // With one observation per patient nothing is within.
        let repeated = observations > n;
        let df = |c: usize| if is_within(c) || (is_intercept(c) && repeated) { within_df } else { between_df };
        Self { df: (0..design.columns.len()).map(df).collect() }
    }

    /// The smallest df of the columns that are weighed.
    pub fn of_weights(&self, kept: &[usize], weights: &[f64]) -> f64 {
        let size = weights.iter().fold(0.0_f64, |m, w| m.max(w.abs()));
        let involved = kept.iter().zip(weights).filter(|(_, w)| w.abs() > 1e-12 * size);
        involved.map(|(&c, _)| self.df[c]).fold(f64::INFINITY, f64::min)
    }
}

/// Whether a column of the term varies among the observations of some patient.
fn varying_terms(design: &Design) -> Vec<bool> {
    let (p, visits) = (design.columns.len(), design.columns.visits.len());
    let mut varies = vec![false; design.columns.terms.len()];
    let (mut first, mut row) = (vec![0.0; p], vec![0.0; p]);
    for (y, z) in design.rows.y.chunks_exact(visits.max(1)).zip(design.rows.z.chunks_exact(design.columns.values.max(1))) {
        let mut seen = (0..visits).filter(|&t| !y[t].is_nan());
        let Some(start) = seen.next() else { continue };
        fill(design, z, start, &mut first);
        for t in seen {
            fill(design, z, t, &mut row);
            for (column, (a, b)) in design.columns.iter().zip(first.iter().zip(&row)) {
                varies[column.term] |= a != b;
            }
        }
    }
    varies
}

/// Writes the row of the model matrix of a patient's visit.
fn fill(design: &Design, z: &[f64], visit: usize, row: &mut [f64]) {
    row.fill(0.0);
    design.columns.entries[visit].iter().for_each(|e| row[e.column] += e.weight * z[e.value]);
}
