//! The observations as the equations see them: patients that are alike once, with their number.

use crate::estimates::Link;
use crate::generalized::{Family, Observations};
use std::collections::HashMap;

/// Clusters of observations. Patients with the same visits, the same rows of the model matrix, the same outcomes and the
/// same weights contribute the same to every sum, and are held once.
#[derive(Debug)]
pub(super) struct Data {
    pub family: Family,
    pub link: Link,
    /// Columns.
    pub p: usize,
    /// Analysed visits.
    pub visits: usize,
    /// Rows of the model matrix.
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    /// What is added to the linear predictor.
    pub offset: Option<Vec<f64>>,
    /// √w of prior weights, which scale the variance.
    pub root_weight: Option<Vec<f64>>,
    /// Weights of an estimating function, by the inverse of the probability of being observed.
    pub inverse_probability: Option<Vec<f64>>,
    /// The visit of each row.
    pub visit: Vec<usize>,
    /// Where the rows of each cluster end.
    pub ends: Vec<usize>,
    /// How many patients each cluster stands for.
    pub count: Vec<f64>,
    /// The cluster of each patient.
    pub cluster_of: Vec<usize>,
    /// The pattern of visits of each cluster.
    pub pattern_of: Vec<usize>,
    /// The visits of each pattern.
    pub patterns: Vec<Vec<usize>>,
}

impl Data {
    pub fn of(observations: &Observations, family: Family, link: Link) -> Self {
        Self::new(observations, family, link, None, true)
    }

    /// The same with a cluster for each patient.
    pub fn of_patients(observations: &Observations, family: Family, link: Link, inverse_probability: Option<&[f64]>) -> Self {
        Self::new(observations, family, link, inverse_probability, false)
    }

    fn new(observations: &Observations, family: Family, link: Link, inverse_probability: Option<&[f64]>, joins: bool) -> Self {
        let p = observations.width();
        let roots: Option<Vec<f64>> = observations.weights.as_ref().map(|w| w.iter().map(|w| w.sqrt()).collect());
        let mut data = Self {
            family,
            link,
            p,
            visits: observations.columns().visits().len(),
            x: vec![],
            y: vec![],
            offset: observations.offset.as_ref().map(|_| vec![]),
            root_weight: roots.as_ref().map(|_| vec![]),
            inverse_probability: inverse_probability.map(|_| vec![]),
            visit: vec![],
            ends: vec![],
            count: vec![],
            cluster_of: Vec::with_capacity(observations.n_patients()),
            pattern_of: vec![],
            patterns: vec![],
        };
        let mut known: HashMap<u64, Vec<usize>> = HashMap::with_capacity(observations.n_patients());
        let mut patterns: HashMap<Vec<usize>, usize> = HashMap::new();
        for i in 0..observations.n_patients() {
            let rows = observations.of_patient(i);
            let own = Own {
                x: &observations.x[rows.start * p..rows.end * p],
                y: &observations.y[rows.clone()],
                offset: observations.offset.as_ref().map(|all| &all[rows.clone()]),
                root: roots.as_ref().map(|w| &w[rows.clone()]),
                inverse: inverse_probability.map(|w| &w[rows.clone()]),
                visit: &observations.visit[rows.clone()],
            };
            if !joins {
                data.cluster_of.push(data.ends.len());
                data.push(&own, &mut patterns);
                continue;
            }
            let alike = known.entry(own.hash()).or_default();
            if let Some(&cluster) = alike.iter().find(|&&cluster| data.holds(cluster, &own)) {
                data.count[cluster] += 1.0;
                data.cluster_of.push(cluster);
                continue;
            }
            alike.push(data.ends.len());
            data.cluster_of.push(data.ends.len());
            data.push(&own, &mut patterns);
        }
        data
    }

    fn push(&mut self, own: &Own, patterns: &mut HashMap<Vec<usize>, usize>) {
        self.x.extend_from_slice(own.x);
        self.y.extend_from_slice(own.y);
        if let (Some(all), Some(own)) = (&mut self.offset, own.offset) {
            all.extend_from_slice(own);
        }
        if let (Some(all), Some(own)) = (&mut self.root_weight, own.root) {
            all.extend_from_slice(own);
        }
        if let (Some(all), Some(own)) = (&mut self.inverse_probability, own.inverse) {
            all.extend_from_slice(own);
        }
        self.visit.extend_from_slice(own.visit);
        self.ends.push(self.y.len());
        self.count.push(1.0);
        let pattern = match patterns.get(own.visit) {
            Some(&known) => known,
            None => {
                patterns.insert(own.visit.to_vec(), self.patterns.len());
                self.patterns.push(own.visit.to_vec());
                self.patterns.len() - 1
            }
        };
        self.pattern_of.push(pattern);
    }

    fn holds(&self, cluster: usize, own: &Own) -> bool {
        let rows = self.rows(cluster);
        let same = |a: &Option<Vec<f64>>, b: Option<&[f64]>| a.as_ref().map(|a| &a[rows.clone()]) == b;
        self.visit[rows.clone()] == *own.visit
            && self.y[rows.clone()] == *own.y
            && self.x[rows.start * self.p..rows.end * self.p] == *own.x
            && same(&self.offset, own.offset)
            && same(&self.root_weight, own.root)
            && same(&self.inverse_probability, own.inverse)
    }

    /// The rows of a cluster.
    pub fn rows(&self, cluster: usize) -> std::ops::Range<usize> {
        let start = if cluster == 0 { 0 } else { self.ends[cluster - 1] };
        start..self.ends[cluster]
    }

    pub fn row(&self, row: usize) -> &[f64] {
        &self.x[row * self.p..(row + 1) * self.p]
    }

    /// x'β of a row, with its offset.
    pub fn predictor(&self, row: usize, beta: &[f64]) -> f64 {
        // Four sums that do not wait for one another.
        let (x, mut sums) = (self.row(row), [0.0; 4]);
        let (whole, rest) = (x.chunks_exact(4), x.chunks_exact(4).remainder());
        for (x, b) in whole.zip(beta.chunks_exact(4)) {
            (0..4).for_each(|k| sums[k] += x[k] * b[k]);
        }
        let left: f64 = rest.iter().zip(&beta[x.len() - rest.len()..]).map(|(x, b)| x * b).sum();
        let sum = (sums[0] + sums[1]) + (sums[2] + sums[3]) + left;
        self.offset.as_ref().map_or(sum, |offset| sum + offset[row])
    }

    /// How many clusters are held.
    pub fn clusters(&self) -> usize {
        self.ends.len()
    }

    /// K: how many patients there are.
    pub fn patients(&self) -> f64 {
        self.count.iter().sum()
    }

    /// N: how many observations there are.
    pub fn observations(&self) -> f64 {
        (0..self.clusters()).map(|c| self.count[c] * self.rows(c).len() as f64).sum()
    }

    /// The rows of the most visits that a patient has.
    pub fn largest(&self) -> usize {
        self.patterns.iter().map(Vec::len).max().unwrap_or(0)
    }
}

/// What a patient contributes.
struct Own<'a> {
    x: &'a [f64],
    y: &'a [f64],
    offset: Option<&'a [f64]>,
    root: Option<&'a [f64]>,
    inverse: Option<&'a [f64]>,
    visit: &'a [usize],
}

impl Own<'_> {
    /// Of the bits of all numbers, which another comparison confirms.
    fn hash(&self) -> u64 {
        let mut hash = 0_u64;
        let mut add = |word: u64| hash = (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
        self.visit.iter().for_each(|t| add(*t as u64));
        let offset = self.offset.unwrap_or_default();
        let numbers =
            self.x.iter().chain(self.y).chain(offset).chain(self.root.unwrap_or_default()).chain(self.inverse.unwrap_or_default());
        numbers.for_each(|number| add(number.to_bits()));
        hash
    }
}
