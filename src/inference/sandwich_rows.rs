//! The rows of the model cluster by cluster, whitened by the working model: what a sandwich is made of.

use super::sandwich_effects::{Effects, OwnEffects};
use super::sandwich_rotation::rotate;
use crate::design::{Design, PatientClusters};
use crate::fit::kernels::cholesky;
use crate::fit::kernels::dot;
use crate::fit::optimum::Optimum;
use nalgebra::DMatrix;
use std::collections::BTreeMap;

/// Who forms which cluster, and how their rows are whitened.
#[derive(Debug)]
pub(super) struct Rows {
    /// The patients, cluster by cluster.
    members: Vec<usize>,
    /// Where each cluster's members end.
    ends: Vec<usize>,
    /// The pattern of each patient.
    pattern_of: Vec<usize>,
    patterns: Vec<Pattern>,
    /// Per visit, the values of z that count and D_t'K there: p numbers each.
    loadings: Vec<Vec<(usize, Vec<f64>)>>,
    /// Per visit, D_t'β for the same values.
    means: Vec<Vec<f64>>,
    columns: usize,
    /// The random effects of clusters, where there are any.
    effects: Option<Effects>,
    /// The number of observations of the largest cluster.
    observations: usize,
    /// The number of rows of the largest cluster: no more than there are columns.
    pub largest: usize,
}

/// The visits that patients of one group were seen at, from the last to the first, and the Cholesky factor of Σ
/// there, row by row.
#[derive(Debug)]
struct Pattern {
    visits: Vec<usize>,
    factor: Vec<f64>,
}

/// One cluster: R X K, row by row, and R (y − Xβ), rotated.
pub(super) struct WhitenedRows<'a> {
    x: &'a [f64],
    pub e: &'a [f64],
    columns: usize,
}

impl Rows {
    /// The design's clusters; patients where it names none. `root` is K with KK' = Φ.
    pub fn of(design: &Design, optimum: &Optimum, root: &DMatrix<f64>) -> Self {
        let design = &*optimum.centring.applied(design);
        let (pattern_of, patterns) = patterns(design, &optimum.covariances());
        let n = design.rows.patients.len();
        let (members, ends) = design.rows.clusters.as_ref().map_or_else(|| ((0..n).collect(), (1..=n).collect()), PatientClusters::members);
        let (loadings, means) = loadings(design, optimum, root);
        let size = |own: &[usize]| own.iter().map(|&i| patterns[pattern_of[i]].visits.len()).sum::<usize>();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let observations = starts.zip(&ends).map(|(start, &end)| size(&members[start..end])).max().unwrap_or(0);
        let columns = root.ncols();
        let (effects, largest) = (Effects::of(optimum), observations.min(columns));
        Self { members, ends, pattern_of, patterns, loadings, means, columns, effects, observations, largest }
    }

    /// The first patient of a cluster.
    pub fn first_of(&self, cluster: usize) -> usize {
        self.members[if cluster == 0 { 0 } else { self.ends[cluster - 1] }]
    }

    /// Calls `visit` with each cluster in turn, rotated to no more rows than there are columns.
    pub fn for_each(&self, design: &Design, optimum: &Optimum, mut visit: impl FnMut(&WhitenedRows)) {
        let design = &*optimum.centring.applied(design);
        let (mut x, mut e) = (vec![0.0; self.observations * self.columns], vec![0.0; self.observations]);
        let mut start = 0;
        for &end in &self.ends {
            let mut rows = 0;
            let members = &self.members[start..end];
            for &patient in members {
                rows += self.whiten(design, patient, design.rows.z_of(patient), &mut x[rows * self.columns..], &mut e[rows..]);
            }
            start = end;
            if let Some(effects) = &self.effects {
                rows = effects.whiten(&self.effects_of(design, members), &mut x[..rows * self.columns], &mut e[..rows], self.columns);
            }
            let rows = rotate(&mut x[..rows * self.columns], &mut e[..rows], self.columns);
            visit(&WhitenedRows { x: &x[..rows * self.columns], e: &e[..rows], columns: self.columns });
        }
    }

    /// The random effects of a cluster's patients, Z whitened as X is.
    fn effects_of(&self, design: &Design, members: &[usize]) -> OwnEffects {
        let mut own = OwnEffects::of(design, members);
        let q = own.columns;
        for &patient in members {
            let pattern = &self.patterns[self.pattern_of[patient]];
            let m = pattern.visits.len();
            for (i, &t) in pattern.visits.iter().enumerate() {
                let at = patient * design.columns.visits.len() + t;
                own.append(design, at, design.rows.weights.as_ref().map_or(1.0, |w| w[at].sqrt()));
                let rows = own.z.len() / q.max(1);
                let (before, row) = own.z.split_at_mut(rows.saturating_sub(1) * q);
                let factor = &pattern.factor[i * m..=i * m + i];
                let earlier = &before[rows.saturating_sub(1 + i) * q..];
                for (l, earlier) in factor[..i].iter().zip(earlier.chunks_exact(q.max(1))) {
                    row.iter_mut().zip(earlier).for_each(|(z, earlier)| *z -= l * earlier);
                }
                row.iter_mut().for_each(|z| *z /= factor[i]);
            }
        }
        own
    }

    /// Writes the rows of a patient with the values `z`; returns how many there are.
    fn whiten(&self, design: &Design, patient: usize, z: &[f64], x: &mut [f64], e: &mut [f64]) -> usize {
        let (p, visits) = (self.columns, design.columns.visits.len());
        let pattern = &self.patterns[self.pattern_of[patient]];
        let m = pattern.visits.len();
        for (i, &t) in pattern.visits.iter().enumerate() {
            let at = patient * visits + t;
            let weight = design.rows.weights.as_ref().map_or(1.0, |w| w[at].sqrt());
            let (before, row) = x.split_at_mut(i * p);
            let row = &mut row[..p];
            row.fill(0.0);
            let mut mean = 0.0;
            for ((value, loading), b) in self.loadings[t].iter().zip(&self.means[t]) {
                mean += z[*value] * b;
                let factor = weight * z[*value];
                if factor != 0.0 {
                    row.iter_mut().zip(loading).for_each(|(x, k)| *x += factor * k);
                }
            }
            let mut residual = weight * (design.rows.y[at] - mean);
            let factor = &pattern.factor[i * m..=i * m + i];
            for (j, l) in factor[..i].iter().enumerate() {
                row.iter_mut().zip(&before[j * p..(j + 1) * p]).for_each(|(x, earlier)| *x -= l * earlier);
                residual -= l * e[j];
            }
            let inverse = 1.0 / factor[i];
            row.iter_mut().for_each(|x| *x *= inverse);
            e[i] = residual * inverse;
        }
        m
    }
}

impl WhitenedRows<'_> {
    pub fn row(&self, i: usize) -> &[f64] {
        &self.x[i * self.columns..(i + 1) * self.columns]
    }

    /// Writes X c.
    pub fn times(&self, c: &[f64], out: &mut [f64]) {
        out.iter_mut().zip(self.x.chunks_exact(self.columns)).for_each(|(out, row)| *out = dot(row, c));
    }

    /// Writes X'v.
    pub fn transpose_times(&self, v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (row, &factor) in self.x.chunks_exact(self.columns).zip(v) {
            out.iter_mut().zip(row).for_each(|(out, x)| *out += factor * x);
        }
    }
}

/// The pattern of every patient, and the patterns.
fn patterns(design: &Design, sigmas: &[DMatrix<f64>]) -> (Vec<usize>, Vec<Pattern>) {
    let t = design.columns.visits.len();
    // The group, then the visits.
    let mut known: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    let mut patterns = vec![];
    let mut key = Vec::with_capacity(t + 1);
    let mut of = |(patient, y): (usize, &[f64])| {
        key.clear();
        key.push(design.rows.group_of[patient]);
        key.extend((0..t).rev().filter(|&t| !y[t].is_nan()));
        known.get(key.as_slice()).copied().unwrap_or_else(|| {
            patterns.push(Pattern::of(&sigmas[key[0]], &key[1..]));
            known.insert(key.clone(), patterns.len() - 1);
            patterns.len() - 1
        })
    };
    let pattern_of = design.rows.y.chunks_exact(t.max(1)).enumerate().map(&mut of).collect();
    (pattern_of, patterns)
}

impl Pattern {
    fn of(sigma: &DMatrix<f64>, visits: &[usize]) -> Self {
        let m = visits.len();
        let mut lower: Vec<f64> = visits.iter().flat_map(|&b| visits.iter().map(move |&a| sigma[(a, b)])).collect();
        // Σ is positive definite at a verified optimum; were it not, NaN says so in every number that follows.
        if cholesky(&mut lower, m).is_none() {
            lower.fill(f64::NAN);
        }
        // Column by column as it is; the rows are what is needed.
        let factor = (0..m * m).map(|k| lower[(k % m) * m + k / m]).collect();
        Self { visits: visits.to_vec(), factor }
    }
}

/// D_t'K and D_t'β of every visit, for the values of z that some fitted column takes there.
#[expect(clippy::type_complexity, reason = "the two go together")]
fn loadings(design: &Design, optimum: &Optimum, root: &DMatrix<f64>) -> (Vec<Vec<(usize, Vec<f64>)>>, Vec<Vec<f64>>) {
    let beta = &optimum.beta;
    let mut position = vec![None; design.columns.len()];
    optimum.kept.iter().enumerate().for_each(|(new, &old)| position[old] = Some(new));
    let (mut all, mut means) = (vec![], vec![]);
    for entries in &design.columns.entries {
        let mut own: BTreeMap<usize, (Vec<f64>, f64)> = BTreeMap::new();
        for (entry, column) in entries.iter().filter_map(|e| position[e.column].map(|column| (e, column))) {
            let (loading, mean) = own.entry(entry.value).or_insert_with(|| (vec![0.0; root.ncols()], 0.0));
            loading.iter_mut().zip(root.row(column).iter()).for_each(|(l, k)| *l += entry.weight * k);
            *mean += entry.weight * beta[column];
        }
        means.push(own.values().map(|(_, mean)| *mean).collect());
        all.push(own.into_iter().map(|(value, (loading, _))| (value, loading)).collect());
    }
    (all, means)
}
