//! What the levels of the head and those of the tail have of each other.

use super::data::{Component, Linked};
use super::layout::{Layout, Members};
use super::rows::Rows;
use super::small::for_level_sizes;
use crate::design::RandomTerm;
use crate::fit::kernels::{axpy, for_small_sizes};
use std::borrow::Cow;

/// What is made of the observations row by row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observations<'o> {
    pub random: &'o [RandomTerm],
    pub layout: &'o Layout,
    /// What multiplies the effects of every term.
    pub z: &'o [Cow<'o, [f64]>],
    pub rows: &'o Rows,
    /// What the levels of the head have of e, k numbers each.
    pub explained: &'o [f64],
    /// What they cannot explain of it.
    pub residual: &'o [f64],
}

/// The levels of the head that touch the tail, component by component, and the components.
pub(super) fn links(of: Observations) -> (Linked, Vec<Component>) {
    let (layout, p, k) = (of.layout, of.rows.designs.columns, of.rows.designs.size);
    let mut components: Vec<Component> = layout.components.iter().map(|members| blank(members, p + 1)).collect();
    let mut linked = Linked::with_room_for(layout.component_of.iter().flatten().count(), k, p + 1);
    let mut touched = Touched { slots: vec![u32::MAX; components.iter().map(|c| c.size).max().unwrap_or(0)], ..Touched::default() };
    let is_single = layout.tail_sizes == [1];
    for (component, levels) in components.iter_mut().zip(members(layout)) {
        let first = linked.len();
        for level in levels.into_iter().map(|level| level as usize) {
            match is_single {
                true => for_level_sizes!(k, p => of.add_level_of_one(level, (k, p), component, &mut touched)),
                false => for_small_sizes!(p, p => of.add_level(level, p, component, &mut touched)),
            }
            touched.sort();
            touched.take_explained(component, k);
            linked.to.extend(touched.effects.iter().map(|(effect, _)| effect));
            touched.effects.iter().for_each(|&(_, slot)| linked.by.extend_from_slice(touched.by_of(slot, k)));
            let kind = of.rows.designs.of_level[level];
            linked.r.extend_from_slice(of.rows.designs.r_of(kind));
            of.rows.push_c(level, of.explained, &mut linked.c);
            linked.counts.push(1.0);
            linked.starts.push(linked.to.len());
            touched.clear();
        }
        component.levels = first..linked.len();
    }
    let mut own = vec![];
    for (position, row) in of.rows.of_level(layout.levels()) {
        if let Some(component) = of.set_own(position, &mut own) {
            of.add_row((position, row), p, &own, &mut components[component as usize]);
        }
    }
    (linked, components)
}

/// The levels of the head of each component.
fn members(layout: &Layout) -> Vec<Vec<u32>> {
    let mut members: Vec<Vec<u32>> = vec![vec![]; layout.components.len()];
    for (level, component) in layout.component_of.iter().enumerate() {
        if let Some(component) = component {
            members[*component as usize].push(level as u32);
        }
    }
    members
}

fn blank(members: &Members, m: usize) -> Component {
    let size = members.starts.last().copied().unwrap_or(0);
    Component {
        size,
        starts: members.starts.clone(),
        within: vec![0.0; size * size],
        cross: vec![0.0; size * m],
        levels: 0..0,
        heads: 0..0,
    }
}

impl Observations<'_> {
    /// Sets the effects of the tail that a row has a share in, with the multipliers, and returns their component.
    #[inline(always)]
    fn set_own(&self, position: usize, own: &mut Vec<(u32, f64)>) -> Option<u32> {
        own.clear();
        let mut found = None;
        let (row, root) = (self.layout.rows[position] as usize, self.rows.root(position));
        for (index, &term) in self.layout.tail.iter().enumerate() {
            let Some((component, at)) = self.layout.in_tail(self.random, index, position) else { continue };
            let size = self.layout.tail_sizes[index];
            let z = &self.z[term][row * size..(row + 1) * size];
            own.extend((at..).zip(z).map(|(effect, z)| (effect, z * root)));
            found = Some(component);
        }
        found
    }

    /// Adds the rows of a level of the head to its component, and to what it touches.
    #[inline(always)]
    fn add_level(&self, level: usize, p: usize, component: &mut Component, touched: &mut Touched) {
        let k = self.rows.designs.size;
        let mut own = std::mem::take(&mut touched.own);
        for (position, row) in self.rows.of_level(level) {
            self.set_own(position, &mut own);
            self.add_row((position, row), p, &own, component);
            let z = &self.rows.designs.whitened[row * k..(row + 1) * k];
            own.iter().for_each(|&(effect, x)| axpy(touched.by_mut(effect, k), x, z));
        }
        touched.own = own;
    }

    /// The same where the tail is one term of one effect a level.
    #[inline(always)]
    fn add_level_of_one(&self, level: usize, (k, p): (usize, usize), component: &mut Component, touched: &mut Touched) {
        let term = self.layout.tail[0];
        let (level_of, z, at) = (&self.random[term].level_of, &self.z[term], &self.layout.at[0]);
        for (position, row) in self.rows.of_level(level) {
            let own = self.layout.rows[position] as usize;
            let Some(level) = level_of[own] else { continue };
            let (effect, x) = (at[level as usize].1, z[own] * self.rows.root(position));
            self.add_row((position, row), p, &[(effect, x)], component);
            axpy(touched.by_mut(effect, k), x, &self.rows.designs.whitened[row * k..(row + 1) * k]);
        }
    }

    /// Adds a row to the sums of a component.
    #[inline(always)]
    fn add_row(&self, (position, row): (usize, usize), p: usize, own: &[(u32, f64)], component: &mut Component) {
        let (m, x, e) = (p + 1, &self.rows.designs.free[row * p..(row + 1) * p], self.residual[position]);
        for (at, &(s, by)) in own.iter().enumerate() {
            let cross = &mut component.cross[s as usize * m..(s as usize + 1) * m];
            axpy(&mut cross[..p], by, x);
            cross[p] += by * e;
            let within = &mut component.within[s as usize * component.size..(s as usize + 1) * component.size];
            own[..=at].iter().for_each(|&(t, y)| within[t as usize] += by * y);
        }
    }
}

/// The effects of the tail that a level of the head touches.
#[derive(Default)]
struct Touched {
    /// Each with its place, as they were met; later in order.
    effects: Vec<(u32, u32)>,
    /// R⁻¹Z_j'z of each place, k numbers.
    by: Vec<f64>,
    /// The place of every effect of a component; `u32::MAX` where it is not touched.
    slots: Vec<u32>,
    /// Room for the effects of a row.
    own: Vec<(u32, f64)>,
}

impl Touched {
    #[inline(always)]
    fn by_mut(&mut self, effect: u32, k: usize) -> &mut [f64] {
        let slot = &mut self.slots[effect as usize];
        if *slot == u32::MAX {
            *slot = self.effects.len() as u32;
            self.effects.push((effect, *slot));
            self.by.resize(self.by.len() + k, 0.0);
        }
        let at = *slot as usize * k;
        &mut self.by[at..at + k]
    }

    fn by_of(&self, slot: u32, k: usize) -> &[f64] {
        &self.by[slot as usize * k..(slot as usize + 1) * k]
    }

    fn sort(&mut self) {
        if !self.effects.is_sorted() {
            self.effects.sort_unstable();
        }
    }

    /// Takes from the products of the tail what the level explains.
    fn take_explained(&self, component: &mut Component, k: usize) {
        for (at, &(s, slot)) in self.effects.iter().enumerate() {
            let (x, within) = (self.by_of(slot, k), &mut component.within[s as usize * component.size..]);
            for &(t, slot) in &self.effects[..=at] {
                within[t as usize] -= x.iter().zip(self.by_of(slot, k)).map(|(x, y)| x * y).sum::<f64>();
            }
        }
    }

    fn clear(&mut self) {
        self.effects.iter().for_each(|&(effect, _)| self.slots[effect as usize] = u32::MAX);
        self.effects.clear();
        self.by.clear();
    }
}
