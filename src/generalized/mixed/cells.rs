//! The observations in the order in which they are integrated: clusters that share nothing, and what is nested in them.

use super::kernel::Kernel;
use std::ops::Range;

/// One factor of random effects as it comes: k effects per level, u = Λv with v standard normal.
#[derive(Debug, Clone)]
pub(crate) struct Grouping {
    /// How many levels there are.
    pub levels: usize,
    /// The level of each observation.
    pub level_of: Vec<Option<u32>>,
    /// The number k of effects of a level.
    pub k: usize,
    /// What multiplies the effects: N × k.
    pub z: Vec<f64>,
    /// The elements of the lower triangle of Λ that are parameters.
    pub elements: Vec<(usize, usize)>,
}

/// Λ of a factor, element by element.
#[derive(Debug, Clone)]
pub(crate) struct Factor {
    pub k: usize,
    /// Row, column and the position among θ.
    pub elements: Vec<(usize, usize, usize)>,
    /// Where its columns begin among those of `z_top`.
    pub column: usize,
}

impl Factor {
    /// Λ'z.
    pub fn standardised(&self, theta: &[f64], z: &[f64], to: &mut [f64]) {
        to.fill(0.0);
        for &(row, column, at) in &self.elements {
            to[column] += theta[at] * z[row];
        }
    }
}

/// Observations that share random effects with no other.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub observations: Range<usize>,
    /// Those in no level of the eliminated factor, which come first.
    pub direct: Range<usize>,
    /// The levels of the eliminated factor.
    pub subs: Range<usize>,
    /// How many effects of other factors there are.
    pub m: usize,
    /// Where they begin among all effects; those of its `subs` follow.
    pub at: usize,
    /// Whether each factor has at most one level here.
    pub nested: bool,
}

/// A level of the eliminated factor.
#[derive(Debug, Clone)]
pub(crate) struct Sub {
    pub observations: Range<usize>,
    /// The effects of the unit that its observations have, ascending.
    pub tops: Vec<u32>,
}

/// In no level.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Debug, Clone)]
pub(crate) struct Cells {
    pub kernel: Kernel,
    /// Columns of x.
    pub p: usize,
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub offset: Vec<f64>,
    /// The number of elements of all Λ.
    pub thetas: usize,
    pub top: Vec<Factor>,
    pub sub: Option<Factor>,
    /// Columns of all top factors.
    pub k_top: usize,
    pub k_sub: usize,
    pub z_top: Vec<f64>,
    pub z_sub: Vec<f64>,
    /// Per observation and top factor: where its level's effects begin among those of the unit.
    pub at_top: Vec<u32>,
    /// The same among the `tops` of its sub.
    pub in_sub: Vec<u32>,
    pub units: Vec<Unit>,
    pub subs: Vec<Sub>,
    /// The observation of each row as it was given.
    pub order: Vec<usize>,
}

/// Sets that are joined.
struct Sets(Vec<usize>);

impl Sets {
    fn root(&mut self, mut a: usize) -> usize {
        while self.0[a] != a {
            self.0[a] = self.0[self.0[a]];
            a = self.0[a];
        }
        a
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

/// What observations are made of, in any order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'a> {
    pub kernel: Kernel,
    pub p: usize,
    /// N × p.
    pub x: &'a [f64],
    pub y: &'a [f64],
    pub offset: &'a [f64],
    /// The patient of each observation.
    pub patient: &'a [usize],
}

impl Cells {
    pub fn new(given: Given, groupings: &[Grouping]) -> Self {
        let n = given.y.len();
        // The factor with the most levels is eliminated level by level where there are several.
        let eliminated = (groupings.len() > 1).then(|| (0..groupings.len()).rev().max_by_key(|&g| groupings[g].levels)).flatten();
        let mut thetas = 0;
        let (mut top, mut sub, mut top_groupings, mut k_top) = (vec![], None, vec![], 0);
        for (g, grouping) in groupings.iter().enumerate() {
            let elements = grouping.elements.iter().map(|&(row, column)| {
                thetas += 1;
                (row, column, thetas - 1)
            });
            let mut factor = Factor { k: grouping.k, elements: elements.collect(), column: 0 };
            if Some(g) == eliminated {
                sub = Some(factor);
            } else {
                factor.column = k_top;
                k_top += grouping.k;
                top.push(factor);
                top_groupings.push(grouping);
            }
        }
        let sub_grouping = eliminated.map(|g| &groupings[g]);
        let k_sub = sub.as_ref().map_or(0, |s| s.k);
        let unit_of = units(given, groupings);
        let sub_of = |i: usize| sub_grouping.and_then(|g| g.level_of[i]);

        // Observations by unit, then by level of the eliminated factor, each in order of appearance.
        let sub_levels = sub_grouping.map_or(0, |g| g.levels);
        let mut appearance = vec![usize::MAX; sub_levels];
        for i in 0..n {
            if let Some(level) = sub_of(i) {
                let at = &mut appearance[level as usize];
                *at = (*at).min(i);
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&i| (unit_of[i], sub_of(i).map(|level| appearance[level as usize] + 1), i));

        let mut cells = Self {
            kernel: given.kernel,
            p: given.p,
            x: order.iter().flat_map(|&i| given.x[i * given.p..(i + 1) * given.p].iter().copied()).collect(),
            y: order.iter().map(|&i| given.y[i]).collect(),
            offset: order.iter().map(|&i| given.offset[i]).collect(),
            thetas,
            z_top: Vec::with_capacity(n * k_top),
            z_sub: Vec::with_capacity(n * k_sub),
            at_top: vec![NONE; n * top.len()],
            in_sub: vec![NONE; n * top.len()],
            units: vec![],
            subs: vec![],
            top,
            sub,
            k_top,
            k_sub,
            order,
        };
        for at in 0..n {
            let i = cells.order[at];
            for grouping in &top_groupings {
                cells.z_top.extend_from_slice(&grouping.z[i * grouping.k..(i + 1) * grouping.k]);
            }
            if let Some(grouping) = sub_grouping {
                cells.z_sub.extend_from_slice(&grouping.z[i * k_sub..(i + 1) * k_sub]);
            }
        }
        let mut effects = 0;
        let mut start = 0;
        while start < n {
            let own = unit_of[cells.order[start]];
            let end = (start..n).find(|&at| unit_of[cells.order[at]] != own).unwrap_or(n);
            effects += cells.add_unit(start..end, effects, &top_groupings, &sub_of);
            start = end;
        }
        cells
    }

    /// Adds a unit whose effects begin at `effects`; how many it has.
    fn add_unit(&mut self, range: Range<usize>, effects: usize, top: &[&Grouping], sub_of: &dyn Fn(usize) -> Option<u32>) -> usize {
        let factors = top.len();
        let mut m = 0;
        let mut nested = true;
        for (f, grouping) in top.iter().enumerate() {
            let mut known: std::collections::HashMap<u32, u32> = Default::default();
            for at in range.clone() {
                let Some(level) = grouping.level_of[self.order[at]] else { continue };
                let block = *known.entry(level).or_insert_with(|| {
                    m += grouping.k;
                    (m - grouping.k) as u32
                });
                self.at_top[at * factors + f] = block;
            }
            nested &= known.len() <= 1;
        }
        let first_sub = self.subs.len();
        let direct = range.clone().take_while(|&at| sub_of(self.order[at]).is_none()).count();
        let mut start = range.start + direct;
        while start < range.end {
            let own = sub_of(self.order[start]);
            let end = (start..range.end).find(|&at| sub_of(self.order[at]) != own).unwrap_or(range.end);
            let mut blocks: Vec<(u32, usize)> = (start..end)
                .flat_map(|at| (0..factors).map(move |f| (at, f)))
                .map(|(at, f)| (self.at_top[at * factors + f], self.top[f].k))
                .collect();
            blocks.retain(|(block, _)| *block != NONE);
            blocks.sort_unstable();
            blocks.dedup();
            let tops: Vec<u32> = blocks.iter().flat_map(|&(block, k)| block..block + k as u32).collect();
            for at in start * factors..end * factors {
                if self.at_top[at] != NONE {
                    self.in_sub[at] = tops.binary_search(&self.at_top[at]).map_or(NONE, |place| place as u32);
                }
            }
            self.subs.push(Sub { observations: start..end, tops });
            start = end;
        }
        let subs = first_sub..self.subs.len();
        let count = m + subs.len() * self.k_sub;
        self.units.push(Unit { direct: range.start..range.start + direct, observations: range, subs, m, at: effects, nested });
        count
    }

    /// The number of parameters.
    pub fn d(&self) -> usize {
        self.p + self.thetas
    }

    /// The number of effects.
    pub fn effects(&self) -> usize {
        self.units.iter().map(|u| u.m + u.subs.len() * self.k_sub).sum()
    }

    /// Whether one effect per unit is all there is.
    pub fn is_intercept(&self) -> bool {
        self.thetas == 1 && self.sub.is_none() && self.k_top == 1 && self.units.iter().all(|u| u.m <= 1)
    }

    /// Whether factors are nested in one another, so that the integrals are of one level's effects at a time.
    pub fn is_nested(&self) -> bool {
        self.units.iter().all(|u| u.nested)
    }
}

/// The unit of each observation, named by the first observation in it: those that share a level of some factor, and one
/// of a patient's observations that are in no level.
fn units(given: Given, groupings: &[Grouping]) -> Vec<usize> {
    let n = given.y.len();
    let starts: Vec<usize> = groupings
        .iter()
        .scan(0, |next, g| {
            *next += g.levels;
            Some(*next - g.levels)
        })
        .collect();
    let levels: usize = groupings.iter().map(|g| g.levels).sum();
    let patients = given.patient.iter().max().map_or(0, |p| p + 1);
    let mut sets = Sets((0..levels + patients).collect());
    let node = |i: usize, g: usize| groupings[g].level_of[i].map(|level| starts[g] + level as usize);
    let first = |i: usize| (0..groupings.len()).find_map(|g| node(i, g)).unwrap_or(levels + given.patient[i]);
    for i in 0..n {
        let own = first(i);
        (0..groupings.len()).filter_map(|g| node(i, g)).for_each(|other| sets.join(own, other));
    }
    let mut name = vec![usize::MAX; levels + patients];
    (0..n)
        .map(|i| {
            let root = sets.root(first(i));
            if name[root] == usize::MAX {
                name[root] = i;
            }
            name[root]
        })
        .collect()
}
