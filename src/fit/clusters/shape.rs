//! How the columns \[X Z\] are arranged, so that what no patient has in common costs nothing.
//!
//! Two effects meet where a patient, or a level of a term, has both. Effects that meet, directly or through others,
//! form a component: a level of the highest factor with all that is nested in it. Z'WZ is block-diagonal by component
//! for every W within patients, so that components are eliminated one by one and the cost is linear in their number.
//!
//! Crossed factors meet in one component. Those of few levels are then set beside the columns of the mean (they are
//! *joined*), and the components are those of the effects that are left.
//!
//! Effects stand in this order: the joined ones, then component by component. Every symmetric form in \[X Z\] has three
//! parts: what X and the joined effects (together the *outer* columns) have among themselves, what they have with the
//! effects of components, and a square for each component.

use super::Clusters;
use super::layout::ClusterTerm;
use crate::design::Design;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The effects of one level of one term.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Level {
    /// The position of the first among all effects.
    pub first: usize,
    pub term: usize,
}

/// Effects that meet.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    /// Positions among the effects that are not joined.
    pub effects: Range<usize>,
    /// Where its square is among those of all components.
    pub square: Range<usize>,
    /// Its levels, as positions among all levels.
    pub levels: Range<usize>,
}

impl Component {
    /// The number of effects.
    pub fn size(&self) -> usize {
        self.effects.len()
    }
}

/// How many factors are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joining {
    /// As many as cost least.
    Cheapest,
    /// So many, those of fewest levels.
    #[cfg(test)]
    Factors(usize),
    /// None; and what is left is one component.
    #[cfg(test)]
    OneComponent,
}

/// The arrangement.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// The number p of columns of the mean.
    pub fixed: usize,
    /// The number of outer columns.
    pub outer: usize,
    pub components: Vec<Component>,
    /// In the order of their effects.
    pub levels: Vec<Level>,
    /// The number of levels that are joined.
    joined_levels: usize,
    /// The position of the first effect of each level, term by term.
    first: Vec<Vec<usize>>,
    /// The position of each effect as the terms have them.
    position: Vec<usize>,
}

/// The sets of effects, as the terms have them, that a patient has.
type Meetings = BTreeSet<Vec<usize>>;

impl Shape {
    /// The one that costs least, for the effects of a design beside so many columns of the mean.
    pub fn cheapest(design: &Design, fixed: usize) -> Self {
        Self::of(design, &Clusters::of(&design.rows.random, fixed), Joining::Cheapest)
    }

    pub(super) fn of(design: &Design, clusters: &Clusters, joining: Joining) -> Self {
        let (terms, fixed, meetings) = (&clusters.terms[..], clusters.fixed, &meetings(design, clusters));
        let mut by_size: Vec<usize> = (0..terms.len()).collect();
        by_size.sort_by_key(|&t| terms[t].total());
        let joins = |count: usize| {
            let mut joined = vec![false; terms.len()];
            by_size[..count].iter().for_each(|&t| joined[t] = true);
            Self::joining(terms, fixed, meetings, &joined, false)
        };
        match joining {
            Joining::Cheapest => {
                let first = joins(0);
                let cost = first.products();
                let meet = first.components.iter().any(|c| c.levels.len() > 1);
                let costs = (1..if meet { terms.len() } else { 1 }).map(joins).map(|shape| (shape.products(), shape));
                costs.fold((cost, first), |best, other| if other.0 < best.0 { other } else { best }).1
            }
            #[cfg(test)]
            Joining::Factors(count) => joins(count.min(terms.len() - 1)),
            #[cfg(test)]
            Joining::OneComponent => Self::joining(terms, fixed, meetings, &vec![false; terms.len()], true),
        }
    }

    fn joining(terms: &[ClusterTerm], fixed: usize, meetings: &Meetings, joined: &[bool], together: bool) -> Self {
        let starts: Vec<usize> = terms.iter().map(|term| term.first_column - fixed).collect();
        let total: usize = terms.iter().map(ClusterTerm::total).sum();
        let mut term_of = vec![0; total];
        terms.iter().enumerate().for_each(|(t, term)| term_of[starts[t]..starts[t] + term.total()].fill(t));
        let first_of_level = |effect: usize| {
            let t = term_of[effect];
            effect - (effect - starts[t]) % terms[t].size()
        };
        let mut roots = Roots((0..total).collect());
        for met in meetings.iter() {
            let mut own = met.iter().copied().filter(|&e| !joined[term_of[e]]).map(first_of_level);
            if let Some(one) = own.next() {
                own.for_each(|other| roots.unite(one, other));
            }
        }
        // Levels by component; a component stands where its first level does.
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let level_starts = || (0..total).filter(|&e| first_of_level(e) == e);
        for level in level_starts().filter(|&e| !joined[term_of[e]]) {
            members.entry(if together { 0 } else { roots.of(level) }).or_default().push(level);
        }
        let mut shape = Self {
            fixed,
            outer: fixed,
            components: vec![],
            levels: vec![],
            joined_levels: 0,
            first: terms.iter().map(|term| vec![0; term.levels]).collect(),
            position: vec![0; total],
        };
        let mut end = 0;
        let mut place = |shape: &mut Self, level: usize| {
            let t = term_of[level];
            shape.first[t][(level - starts[t]) / terms[t].size()] = end;
            shape.levels.push(Level { first: end, term: t });
            (0..terms[t].size()).for_each(|e| shape.position[level + e] = end + e);
            end += terms[t].size();
            end
        };
        for level in level_starts().filter(|&e| joined[term_of[e]]) {
            shape.outer = fixed + place(&mut shape, level);
        }
        shape.joined_levels = shape.levels.len();
        let (mut from, mut square) = (0, 0);
        for levels in members.into_values() {
            let first_level = shape.levels.len();
            let to = levels.into_iter().map(|level| place(&mut shape, level)).last().unwrap_or(0) + fixed - shape.outer;
            let size = to - from;
            let component = Component { effects: from..to, square: square..square + size * size, levels: first_level..shape.levels.len() };
            (from, square) = (to, component.square.end);
            shape.components.push(component);
        }
        shape
    }

    /// The number of joined effects.
    pub fn joined(&self) -> usize {
        self.outer - self.fixed
    }

    /// The number of effects of components.
    pub fn inner(&self) -> usize {
        self.components.last().map_or(0, |c| c.effects.end)
    }

    /// The number q of effects.
    pub fn effects(&self) -> usize {
        self.joined() + self.inner()
    }

    /// The number n of columns \[X Z\].
    pub fn columns(&self) -> usize {
        self.outer + self.inner()
    }

    /// The number of elements of the squares of all components.
    pub fn squares(&self) -> usize {
        self.components.last().map_or(0, |c| c.square.end)
    }

    /// The effects of the largest component.
    pub fn largest(&self) -> usize {
        self.components.iter().map(Component::size).max().unwrap_or(0)
    }

    /// The number of elements of a form.
    pub fn len(&self) -> usize {
        self.outer * self.columns() + self.squares()
    }

    /// The multiplications of a solution and what goes with it.
    pub fn products(&self) -> usize {
        let cubes: usize = self.components.iter().map(|c| c.size().pow(3)).sum();
        let across: usize = self.components.iter().map(|c| c.size().pow(2) * self.outer).sum();
        cubes + across + self.inner() * self.outer.pow(2) + self.outer.pow(3)
    }

    /// The levels that are joined.
    pub fn joined_levels(&self) -> &[Level] {
        &self.levels[..self.joined_levels]
    }

    /// The position of the first effect of a level among all effects.
    pub fn first(&self, term: usize, level: usize) -> usize {
        self.first[term][level]
    }

    /// The position of an effect as the terms have them.
    pub fn position(&self, effect: usize) -> usize {
        self.position[effect]
    }

    /// The component of an effect by its position; `None` where it is joined.
    pub fn component_of(&self, position: usize) -> Option<usize> {
        let own = position.checked_sub(self.joined())?;
        Some(self.components.partition_point(|c| c.effects.end <= own))
    }

    /// The three parts of a form: outer × outer, outer × effects of components, and the squares.
    pub fn parts<'f>(&self, form: &'f [f64]) -> (&'f [f64], &'f [f64], &'f [f64]) {
        let (outer, rest) = form.split_at(self.outer * self.outer);
        let (across, inner) = rest.split_at(self.outer * self.inner());
        (outer, across, inner)
    }

    /// The same.
    pub fn parts_mut<'f>(&self, form: &'f mut [f64]) -> (&'f mut [f64], &'f mut [f64], &'f mut [f64]) {
        let (outer, rest) = form.split_at_mut(self.outer * self.outer);
        let (across, inner) = rest.split_at_mut(self.outer * self.inner());
        (outer, across, inner)
    }
}

/// Which effects meet in a patient. A multiplier of zero at all visits seen is no effect.
fn meetings(design: &Design, clusters: &Clusters) -> Meetings {
    let visits = design.columns.visits.len();
    let (rows, mut met) = (&design.rows, BTreeSet::new());
    for patient in 0..rows.patients.len() {
        let mut own = vec![];
        for row in (patient * visits..(patient + 1) * visits).filter(|&row| !rows.y[row].is_nan()) {
            for (term, place) in rows.random.iter().zip(&clusters.terms) {
                let (Some(level), k) = (term.level_of[row], term.size()) else { continue };
                let first = place.first_column - clusters.fixed + level as usize * k;
                own.extend((0..k).filter(|e| term.z[row * k + e] != 0.0).map(|e| first + e));
            }
        }
        own.sort_unstable();
        own.dedup();
        met.insert(own);
    }
    met
}

/// Sets that are united, each known by its smallest member.
struct Roots(Vec<usize>);

impl Roots {
    fn of(&mut self, mut member: usize) -> usize {
        while self.0[member] != member {
            self.0[member] = self.0[self.0[member]];
            member = self.0[member];
        }
        member
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.of(a), self.of(b));
        self.0[a.max(b)] = a.min(b);
    }
}
