//! Random effects of clusters in the working covariance of a sandwich: V = Σ + Z G Z', Σ having a block for each
//! patient.
//!
//! The rows come whitened by Σ, patient by patient; what is left is to whiten I + Z*GZ*'. Rotated so that only as
//! many rows of (Z*, X*) are not zero as there are columns, that is a matrix no larger than the number of effects in
//! the cluster, however many patients it has.

use super::sandwich_rotation::rotate;
use crate::design::{Design, RandomTerm};
use crate::fit::kernels::cholesky;
use crate::fit::optimum::Optimum;
use nalgebra::DMatrix;
use std::collections::BTreeMap;

/// G of every term of the design.
#[derive(Debug)]
pub(super) struct Effects {
    g: Vec<DMatrix<f64>>,
}

/// The effects that the observations of one cluster have.
#[derive(Debug)]
pub(super) struct OwnEffects {
    /// The first column of each term's levels.
    first: BTreeMap<(usize, u32), usize>,
    /// Their number q.
    pub columns: usize,
    /// Z, q columns, row by row.
    pub z: Vec<f64>,
}

impl Effects {
    /// `None` where the model has none.
    pub fn of(optimum: &Optimum) -> Option<Self> {
        if optimum.clusters.is_empty() {
            return None;
        }
        let parameters = optimum.effect_parameters();
        let covariances = optimum.clusters.terms.iter().map(|term| {
            let mut g = DMatrix::zeros(term.size(), term.size());
            for (&(a, b), &value) in term.pairs().iter().zip(&parameters[term.first_parameter..]) {
                g[(a, b)] = value;
                g[(b, a)] = value;
            }
            g
        });
        Some(Self { g: covariances.collect() })
    }

    /// Whitens rows X (p columns) and residuals e by I + ZGZ', and returns how many are left once rotated.
    pub fn whiten(&self, own: &OwnEffects, x: &mut [f64], e: &mut [f64], p: usize) -> usize {
        let (q, width) = (own.columns, own.columns + p);
        if q == 0 {
            return e.len();
        }
        let mut joint: Vec<f64> = own.z.chunks_exact(q).zip(x.chunks_exact(p)).flat_map(|(z, x)| z.iter().chain(x)).copied().collect();
        let left = rotate(&mut joint, e, width);
        let z = |i: usize| &joint[i * width..i * width + q];
        let m = (0..left).rposition(|i| z(i).iter().any(|z| *z != 0.0)).map_or(0, |last| last + 1);
        let zg: Vec<f64> = (0..m).flat_map(|i| self.times(own, z(i))).collect();
        let entry =
            |i: usize, j: usize| z(i).iter().zip(&zg[j * q..(j + 1) * q]).map(|(a, b)| a * b).sum::<f64>() + f64::from(u8::from(i == j));
        // Its lower triangle, column by column.
        let mut v: Vec<f64> = (0..m * m).map(|k| if k % m >= k / m { entry(k % m, k / m) } else { 0.0 }).collect();
        // I + ZGZ' is positive definite where G is semidefinite; were it not, NaN says so in every number that follows.
        if cholesky(&mut v, m).is_none() {
            v.fill(f64::NAN);
        }
        for (i, row) in x.chunks_exact_mut(p).take(left).enumerate() {
            row.copy_from_slice(&joint[i * width + q..(i + 1) * width]);
        }
        for i in 0..m {
            let (before, row) = x.split_at_mut(i * p);
            let row = &mut row[..p];
            for j in 0..i {
                let l = v[j * m + i];
                row.iter_mut().zip(&before[j * p..(j + 1) * p]).for_each(|(x, earlier)| *x -= l * earlier);
                e[i] -= l * e[j];
            }
            let inverse = 1.0 / v[i * m + i];
            row.iter_mut().for_each(|x| *x *= inverse);
            e[i] *= inverse;
        }
        left
    }

    /// Gz.
    fn times(&self, own: &OwnEffects, z: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; z.len()];
        for (&(term, _), &first) in &own.first {
            let g = &self.g[term];
            for a in 0..g.nrows() {
                product[first + a] = (0..g.nrows()).map(|b| g[(a, b)] * z[first + b]).sum();
            }
        }
        product
    }
}

impl OwnEffects {
    /// The effects of these patients' observations; their rows are to be filled patient by patient.
    pub fn of(design: &Design, members: &[usize]) -> Self {
        let visits = design.columns.visits.len();
        let (mut first, mut columns) = (BTreeMap::new(), 0);
        for (index, term) in design.rows.random.iter().enumerate() {
            for level in members.iter().flat_map(|&i| &term.level_of[i * visits..(i + 1) * visits]).flatten() {
                first.entry((index, *level)).or_insert_with(|| {
                    columns += term.size();
                    columns - term.size()
                });
            }
        }
        Self { first, columns, z: vec![] }
    }

    /// Appends the row of a patient at a visit, times `weight`.
    pub fn append(&mut self, design: &Design, row: usize, weight: f64) {
        let start = self.z.len();
        self.z.resize(start + self.columns, 0.0);
        for (index, term) in design.rows.random.iter().enumerate() {
            let Some(first) = term.level_of[row].and_then(|level| self.first.get(&(index, level))) else { continue };
            let own = &mut self.z[start + first..start + first + term.size()];
            own.iter_mut().zip(multipliers(term, row)).for_each(|(own, z)| *own = weight * z);
        }
    }
}

/// z of one observation.
fn multipliers(term: &RandomTerm, row: usize) -> &[f64] {
    &term.z[row * term.size()..(row + 1) * term.size()]
}
