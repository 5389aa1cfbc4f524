//! Nodes and weights over several dimensions.

use crate::generalized::mixed::cells::Cells;
use crate::generalized::mixed::hermite::Rule;

/// The product rule of several dimensions.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    m: usize,
    /// Nodes × m.
    z: Vec<f64>,
    pub(super) log_weights: Vec<f64>,
}

impl Grid {
    pub fn new(rule: &Rule, m: usize) -> Self {
        let q = rule.nodes.len();
        let count = if q == 1 { 1 } else { q.pow(m as u32) };
        let mut grid = Self { m, z: Vec::with_capacity(count * m), log_weights: Vec::with_capacity(count) };
        for node in 0..count {
            let (mut rest, mut weight) = (node, 0.0);
            for _ in 0..m {
                grid.z.push(rule.nodes[rest % q]);
                weight += rule.log_weights[rest % q];
                rest /= q;
            }
            grid.log_weights.push(weight);
        }
        grid
    }

    pub(super) fn len(&self) -> usize {
        self.log_weights.len()
    }

    pub(super) fn node(&self, q: usize) -> &[f64] {
        &self.z[q * self.m..(q + 1) * self.m]
    }
}

/// The product rules that the units of a layout take.
#[derive(Debug, Clone)]
pub(in crate::generalized::mixed) struct Grids {
    outer: Vec<Grid>,
    pub(super) inner: Grid,
}

impl Grids {
    pub fn new(cells: &Cells, rule: &Rule) -> Self {
        let mut sizes: Vec<usize> = cells.units.iter().map(|u| u.m).collect();
        sizes.sort_unstable();
        sizes.dedup();
        Self { outer: sizes.into_iter().map(|m| Grid::new(rule, m)).collect(), inner: Grid::new(rule, cells.k_sub) }
    }

    pub(super) fn of(&self, m: usize) -> &Grid {
        let at = self.outer.partition_point(|grid| grid.m < m);
        &self.outer[at]
    }
}
