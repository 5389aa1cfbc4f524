//! Linked levels that are alike, as few: those of a component with the same R that touch the same effects of the tail.
//!
//! Patients of a group who came to the same visits become two rows of sums: one of what they have of X and the group, and
//! one of what is left of their outcomes.

use super::data::{Component, Linked};
use super::rotation::Rotation;
use std::cmp::Ordering;

/// The fewest levels that are worth a rotation.
const FEWEST: usize = 3;

/// Levels that have become few, or levels that stay as they are.
#[derive(Debug, Clone)]
pub(super) struct Merge {
    /// The levels, as positions among those that are linked.
    levels: Vec<u32>,
    /// The first of what they have become.
    first: usize,
    /// `None` where they stay.
    rotation: Option<Rotation>,
}

/// The levels as few as there can be, and how they became so; says to each component which are its own.
pub(super) fn merged(levels: &Linked, components: &mut [Component], k: usize, m: usize) -> (Linked, Vec<Merge>) {
    let (mut linked, mut merges) = (Linked::blank(), vec![]);
    for component in components {
        let first = linked.len();
        let mut order: Vec<u32> = (component.levels.start as u32..component.levels.end as u32).collect();
        let are_alike = |a: u32, b: u32| levels.are_alike(a as usize, b as usize, k);
        // Patients of a group mostly are.
        if order.windows(2).any(|two| !are_alike(two[0], two[1])) {
            order.sort_by(|&a, &b| levels.compare(a as usize, b as usize, k));
        }
        let mut unlike: Vec<u32> = vec![];
        for alike in order.chunk_by(|&a, &b| are_alike(a, b)) {
            match turned(levels, alike, k, m) {
                Some((rotation, columns)) => merges.push(linked.push_turned(levels, alike, rotation, &columns, k, m)),
                None => unlike.extend_from_slice(alike),
            }
        }
        if !unlike.is_empty() {
            unlike.sort_unstable();
            merges.push(Merge { first: linked.len(), rotation: None, levels: unlike });
            let Some(Merge { levels: own, .. }) = merges.last() else { continue };
            own.iter().for_each(|&level| linked.push_level(levels, level as usize, k, m));
        }
        component.heads = first..linked.len();
    }
    merges.iter_mut().for_each(|merge| merge.set_outcome(levels, &mut linked, k, m));
    (linked, merges)
}

/// The rotation of levels that are alike, and their columns as it makes them; `None` where they become no fewer.
fn turned(levels: &Linked, alike: &[u32], k: usize, m: usize) -> Option<(Rotation, Vec<f64>)> {
    let (h, p) = (alike.len(), m - 1);
    if h < FEWEST {
        return None;
    }
    let by = levels.by_of(alike[0] as usize, k).len();
    let mut columns = vec![0.0; (by + k * p) * h];
    for (i, &level) in alike.iter().enumerate() {
        levels.by_of(level as usize, k).iter().enumerate().for_each(|(j, x)| columns[j * h + i] = *x);
        for (a, c) in levels.c_of(level as usize, k, m).chunks_exact(m).enumerate() {
            c[..p].iter().enumerate().for_each(|(j, x)| columns[(by + a * p + j) * h + i] = *x);
        }
    }
    let rotation = Rotation::of(&mut columns, h, k);
    (rotation.rows() < h).then_some((rotation, columns))
}

impl Merge {
    /// Takes what the levels have of e into what they have become.
    pub fn set_outcome(&mut self, levels: &Linked, linked: &mut Linked, k: usize, m: usize) {
        let of_level = |level: u32| levels.c_of(level as usize, k, m);
        let Some(rotation) = &mut self.rotation else {
            for (i, &level) in self.levels.iter().enumerate() {
                let own = linked.c_of_mut(self.first + i, k, m);
                own.chunks_exact_mut(m).zip(of_level(level).chunks_exact(m)).for_each(|(c, x)| c[m - 1] = x[m - 1]);
            }
            return;
        };
        let e = |level: u32| {
            let c = of_level(level);
            (0..k).map(move |a| c[a * m + m - 1])
        };
        rotation.turn(self.levels.iter().map(|&level| e(level)), |row, x| {
            linked.c_of_mut(self.first + row, k, m).chunks_exact_mut(m).zip(x).for_each(|(c, x)| c[m - 1] = x);
        });
    }
}

impl Linked {
    /// No levels.
    pub fn blank() -> Self {
        Self { r: vec![], c: vec![], counts: vec![], starts: vec![0], to: vec![], by: vec![] }
    }

    /// The same, with room for so many.
    pub fn with_room_for(levels: usize, k: usize, m: usize) -> Self {
        let room = |numbers: usize| Vec::with_capacity(levels * numbers);
        Self { r: room(k * k), c: room(k * m), counts: room(1), to: Vec::with_capacity(levels), by: room(k), ..Self::blank() }
    }

    /// How many levels.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// The effects that a level touches.
    pub fn to_of(&self, level: usize) -> &[u32] {
        &self.to[self.starts[level]..self.starts[level + 1]]
    }

    /// What a level has of them, k numbers each.
    pub fn by_of(&self, level: usize, k: usize) -> &[f64] {
        &self.by[self.starts[level] * k..self.starts[level + 1] * k]
    }

    /// R of a level.
    pub fn r_of(&self, level: usize, k: usize) -> &[f64] {
        &self.r[level * k * k..(level + 1) * k * k]
    }

    /// c of a level, k × m.
    pub fn c_of(&self, level: usize, k: usize, m: usize) -> &[f64] {
        &self.c[level * k * m..(level + 1) * k * m]
    }

    fn c_of_mut(&mut self, level: usize, k: usize, m: usize) -> &mut [f64] {
        &mut self.c[level * k * m..(level + 1) * k * m]
    }

    /// Whether R is the same, and what is touched.
    fn are_alike(&self, a: usize, b: usize, k: usize) -> bool {
        self.r_of(a, k) == self.r_of(b, k) && self.to_of(a) == self.to_of(b)
    }

    /// Equal where they are alike.
    fn compare(&self, a: usize, b: usize, k: usize) -> Ordering {
        let of_r = self.r_of(a, k).iter().zip(self.r_of(b, k)).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne());
        of_r.unwrap_or_else(|| self.to_of(a).cmp(self.to_of(b)))
    }

    /// A level as it is.
    fn push_level(&mut self, levels: &Linked, level: usize, k: usize, m: usize) {
        self.push(levels, level, 1.0, k);
        self.by.extend_from_slice(levels.by_of(level, k));
        self.c.extend_from_slice(levels.c_of(level, k, m));
    }

    /// R and what is touched of a level, which stands for so many.
    fn push(&mut self, levels: &Linked, level: usize, count: f64, k: usize) {
        self.r.extend_from_slice(levels.r_of(level, k));
        self.to.extend_from_slice(levels.to_of(level));
        self.starts.push(self.to.len());
        self.counts.push(count);
    }

    /// The few that levels alike become, nothing of e in them yet.
    fn push_turned(&mut self, levels: &Linked, alike: &[u32], rotation: Rotation, columns: &[f64], k: usize, m: usize) -> Merge {
        let (h, p, first, level) = (alike.len(), m - 1, self.len(), alike[0] as usize);
        let by = levels.by_of(level, k).len();
        for row in 0..rotation.rows() {
            // The first stands for all where levels are counted.
            self.push(levels, level, if row == 0 { h as f64 } else { 0.0 }, k);
            // Rows without a share in X have the outcome alone.
            let own = |j: usize| if row < rotation.rank() { columns[j * h + row] } else { 0.0 };
            self.by.extend((0..by).map(own));
            (0..k).for_each(|a| self.c.extend((0..m).map(|j| if j < p { own(by + a * p + j) } else { 0.0 })));
        }
        Merge { levels: alike.to_vec(), first, rotation: Some(rotation) }
    }
}
