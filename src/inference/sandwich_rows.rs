//! The rows of the model cluster by cluster, whitened by the working model: what a sandwich is made of.

use super::sandwich_effects::{Effects, OwnEffects};
use super::sandwich_root::RootOfPhi;
use super::sandwich_rotation::rotate;
use crate::design::{Design, PatientClusters};
use crate::fit::kernels::cholesky;
use crate::fit::kernels::dot;
use crate::fit::optimum::Optimum;
use nalgebra::DMatrix;
use std::collections::{BTreeMap, BTreeSet};

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
    /// K with KK' = Φ.
    pub root: RootOfPhi,
    /// The sets of columns of XK that clusters touch.
    pub touched: Vec<Vec<usize>>,
    /// The set of each cluster.
    set_of: Vec<usize>,
    /// Per visit, the values of z that count and D_t'K there: p numbers each, or those that are not zero with their
    /// columns where clusters touch few.
    loadings: Vec<Vec<(usize, Loading)>>,
    /// Per visit, D_t'β for the same values.
    means: Vec<Vec<f64>>,
    /// The largest number of columns that a cluster touches.
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

/// Numbers for all columns of K, or for some.
#[derive(Debug)]
enum Loading {
    All(Vec<f64>),
    Some(Vec<(usize, f64)>),
}

/// One cluster: R X K, row by row, and R (y − Xβ), rotated.
pub(super) struct WhitenedRows<'a> {
    x: &'a [f64],
    pub e: &'a [f64],
    /// The columns of XK that it touches: which of the sets that is, and what is in it.
    pub set: usize,
    pub touched: &'a [usize],
}

/// The columns that a cluster touches, while its rows are written.
struct Slots<'a> {
    touched: &'a [usize],
    /// Where each of them is among them.
    slot: &'a mut [usize],
}

impl Rows {
    /// The design's clusters; patients where it names none.
    pub fn of(design: &Design, optimum: &Optimum) -> Self {
        let design = &*optimum.centring.applied(design);
        let (pattern_of, patterns) = patterns(design, &optimum.covariances());
        let n = design.rows.patients.len();
        let (members, ends) = design.rows.clusters.as_ref().map_or_else(|| ((0..n).collect(), (1..=n).collect()), PatientClusters::members);
        let of_clusters = || columns_touched(design, optimum, &members, &ends);
        let root = RootOfPhi::of(&optimum.phi, || of_clusters().into_iter().collect());
        let (touched, set_of) = match &root {
            RootOfPhi::Dense(_) => (vec![(0..root.columns()).collect()], vec![0; ends.len()]),
            RootOfPhi::Ordered(..) => distinct(of_clusters().iter().map(|columns| root.touched(columns))),
        };
        let (loadings, means) = loadings(design, optimum, &root);
        let size = |own: &[usize]| own.iter().map(|&i| patterns[pattern_of[i]].visits.len()).sum::<usize>();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let observations = starts.zip(&ends).map(|(start, &end)| size(&members[start..end])).max().unwrap_or(0);
        let columns = touched.iter().map(Vec::len).max().unwrap_or(0);
        let (effects, largest) = (Effects::of(optimum), observations.min(columns));
        Self { members, ends, pattern_of, patterns, root, touched, set_of, loadings, means, columns, effects, observations, largest }
    }

    /// The first patient of a cluster.
    pub fn first_of(&self, cluster: usize) -> usize {
        self.members[if cluster == 0 { 0 } else { self.ends[cluster - 1] }]
    }

    /// Calls `visit` with each cluster in turn, rotated to no more rows than there are columns.
    pub fn for_each(&self, design: &Design, optimum: &Optimum, mut visit: impl FnMut(&WhitenedRows)) {
        let design = &*optimum.centring.applied(design);
        let (mut x, mut e) = (vec![0.0; self.observations * self.columns], vec![0.0; self.observations]);
        let mut slot = vec![0; self.root.columns()];
        let mut start = 0;
        for (&end, &set) in self.ends.iter().zip(&self.set_of) {
            let mut rows = 0;
            let (members, touched) = (&self.members[start..end], self.touched[set].as_slice());
            let width = touched.len();
            touched.iter().enumerate().for_each(|(k, &column)| slot[column] = k);
            let mut slots = Slots { touched, slot: &mut slot };
            for &patient in members {
                rows += self.whiten(design, patient, &mut slots, &mut x[rows * width..], &mut e[rows..]);
            }
            start = end;
            if let Some(effects) = &self.effects {
                rows = effects.whiten(&self.effects_of(design, members), &mut x[..rows * width], &mut e[..rows], width);
            }
            let rows = rotate(&mut x[..rows * width], &mut e[..rows], width);
            visit(&WhitenedRows { x: &x[..rows * width], e: &e[..rows], set, touched });
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

    /// Writes the rows of a patient; returns how many there are.
    fn whiten(&self, design: &Design, patient: usize, slots: &mut Slots, x: &mut [f64], e: &mut [f64]) -> usize {
        let (p, visits, z) = (slots.touched.len(), design.columns.visits.len(), design.rows.z_of(patient));
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
                match loading {
                    _ if factor == 0.0 => {}
                    Loading::All(loading) => row.iter_mut().zip(loading).for_each(|(x, k)| *x += factor * k),
                    Loading::Some(loading) => loading.iter().for_each(|&(column, k)| row[slots.slot[column]] += factor * k),
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
        &self.x[i * self.touched.len()..(i + 1) * self.touched.len()]
    }

    /// Writes X c, for numbers c of all columns.
    pub fn times(&self, c: &[f64], out: &mut [f64]) {
        let rows = out.iter_mut().zip(self.x.chunks_exact(self.touched.len()));
        match self.touched.len() == c.len() {
            true => rows.for_each(|(out, row)| *out = dot(row, c)),
            false => rows.for_each(|(out, row)| *out = row.iter().zip(self.touched).map(|(x, &column)| x * c[column]).sum()),
        }
    }

    /// Writes X'v of the columns that it touches.
    pub fn transpose_times(&self, v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (row, &factor) in self.x.chunks_exact(self.touched.len()).zip(v) {
            out.iter_mut().zip(row).for_each(|(out, x)| *out += factor * x);
        }
    }
}

impl Loading {
    fn of(all: Vec<f64>, root: &RootOfPhi) -> Self {
        match root {
            RootOfPhi::Dense(_) => Self::All(all),
            RootOfPhi::Ordered(..) => Self::Some(all.into_iter().enumerate().filter(|(_, x)| *x != 0.0).collect()),
        }
    }
}

/// The fitted columns that each cluster touches, ascending.
fn columns_touched(design: &Design, optimum: &Optimum, members: &[usize], ends: &[usize]) -> Vec<Vec<usize>> {
    let visits = design.columns.visits.len();
    let mut position = vec![None; design.columns.len()];
    optimum.kept.iter().enumerate().for_each(|(new, &old)| position[old] = Some(new));
    let of_patient = |&patient: &usize| {
        let z = design.rows.z_of(patient);
        let seen = (0..visits).filter(move |t| !design.rows.y[patient * visits + t].is_nan());
        seen.flat_map(|t| &design.columns.entries[t]).filter(|e| z[e.value] != 0.0).filter_map(|e| position[e.column])
    };
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let of_cluster = |(start, &end): (usize, &usize)| -> Vec<usize> {
        let own: BTreeSet<usize> = members[start..end].iter().flat_map(of_patient).collect();
        // One that touches none, or has no row, is as good as one that touches the first.
        if own.is_empty() { vec![0] } else { own.into_iter().collect() }
    };
    starts.zip(ends).map(of_cluster).collect()
}

/// The different ones of some sets, and which of them each is.
fn distinct(sets: impl Iterator<Item = Vec<usize>>) -> (Vec<Vec<usize>>, Vec<usize>) {
    let (mut known, mut all) = (BTreeMap::new(), vec![]);
    let mut of = |set: Vec<usize>| {
        *known.entry(set).or_insert_with_key(|set| {
            all.push(set.clone());
            all.len() - 1
        })
    };
    let which = sets.map(&mut of).collect();
    (all, which)
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
fn loadings(design: &Design, optimum: &Optimum, root: &RootOfPhi) -> (Vec<Vec<(usize, Loading)>>, Vec<Vec<f64>>) {
    let beta = &optimum.beta;
    let mut position = vec![None; design.columns.len()];
    optimum.kept.iter().enumerate().for_each(|(new, &old)| position[old] = Some(new));
    let (mut all, mut means) = (vec![], vec![]);
    for entries in &design.columns.entries {
        let mut own: BTreeMap<usize, (Vec<f64>, f64)> = BTreeMap::new();
        for (entry, column) in entries.iter().filter_map(|e| position[e.column].map(|column| (e, column))) {
            let (loading, mean) = own.entry(entry.value).or_insert_with(|| (vec![0.0; root.columns()], 0.0));
            root.add_row(column, entry.weight, loading);
            *mean += entry.weight * beta[column];
        }
        means.push(own.values().map(|(_, mean)| *mean).collect());
        all.push(own.into_iter().map(|(value, (loading, _))| (value, Loading::of(loading, root))).collect());
    }
    (all, means)
}
