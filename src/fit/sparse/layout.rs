//! Which effects are eliminated level by level, and which remain together.
//!
//! The levels of one factor share no observation, so that its effects, the *head*, can be eliminated one level at a
//! time. What remains of the other factors, the *tail*, falls into components: levels that are joined by levels of
//! the head or by observations. Levels of the head that no other factor touches are *free*.

use crate::design::{Design, RandomTerm};

/// Where the effects of a term are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// From this position among the effects of a level of the head.
    Head(usize),
    /// In the tail, as a position among its terms.
    Tail(usize),
}

/// Levels of the tail that are joined.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    /// The levels of each term of the tail.
    pub levels: Vec<Vec<u32>>,
    /// The first effect of each term, and at the end the number of effects.
    pub starts: Vec<usize>,
}

/// Head, tail, components.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The place of every term.
    pub places: Vec<Place>,
    /// The terms of the head.
    pub head: Vec<usize>,
    /// The terms of the tail.
    pub tail: Vec<usize>,
    /// The number k of effects of a level of the head.
    pub size: usize,
    /// The same of each term of the tail.
    pub tail_sizes: Vec<usize>,
    /// The observed rows of the design, those of a level of the head side by side, those of none at the end.
    pub rows: Vec<u32>,
    /// Where the rows of each level of the head begin, and where the last one's end.
    pub starts: Vec<usize>,
    /// The component of each level of the head; `None` where it is free.
    pub component_of: Vec<Option<u32>>,
    pub components: Vec<Members>,
    /// Per term of the tail the component of each level, and its first effect there.
    pub at: Vec<Vec<(u32, u32)>>,
}

impl Layout {
    /// The layout of a design with at least one term of random effects.
    pub fn of(design: &Design) -> Self {
        let random = &design.rows.random;
        let head = head(random);
        let tail: Vec<usize> = (0..random.len()).filter(|term| !head.contains(term)).collect();
        let mut size = 0;
        let mut places = vec![Place::Head(0); random.len()];
        for &term in &head {
            places[term] = Place::Head(size);
            size += random[term].size();
        }
        tail.iter().enumerate().for_each(|(index, &term)| places[term] = Place::Tail(index));
        let (rows, starts) = sorted(design, &random[head[0]]);
        let joined = Joined::of(random, &tail, &rows, &starts);
        let tail_sizes = tail.iter().map(|&term| random[term].size()).collect();
        Self {
            places,
            head,
            size,
            tail_sizes,
            component_of: joined.component_of,
            components: joined.components,
            at: joined.at,
            rows,
            starts,
            tail,
        }
    }

    /// The number of levels of the head.
    pub fn levels(&self) -> usize {
        self.starts.len() - 1
    }

    /// The level of a term that a position in `rows` belongs to, as component and first effect there.
    pub fn in_tail(&self, random: &[RandomTerm], index: usize, position: usize) -> Option<(u32, u32)> {
        random[self.tail[index]].level_of[self.rows[position] as usize].map(|level| self.at[index][level as usize])
    }
}

/// The terms of the factor with most effects.
fn head(random: &[RandomTerm]) -> Vec<usize> {
    let same = |a: &RandomTerm, b: &RandomTerm| std::ptr::eq(a, b) || (a.levels.len() == b.levels.len() && a.level_of == b.level_of);
    let alike = |term: &RandomTerm| (0..random.len()).filter(|&other| same(term, &random[other])).collect::<Vec<usize>>();
    let total = |terms: &[usize]| terms.iter().map(|&t| random[t].total()).sum::<usize>();
    let mut best: Vec<usize> = vec![];
    for own in random.iter().map(alike) {
        if total(&own) > total(&best) || best.is_empty() {
            best = own;
        }
    }
    best
}

/// The observed rows in order of the levels of a term, and where each level begins.
fn sorted(design: &Design, term: &RandomTerm) -> (Vec<u32>, Vec<usize>) {
    let levels = term.levels.len();
    let observed = || {
        let rows = design.rows.y.iter().zip(&term.level_of).zip(0_u32..).filter(|((y, _), _)| !y.is_nan());
        rows.map(|((_, level), row)| (row, level.map_or(levels, |level| level as usize)))
    };
    let mut starts = vec![0; levels + 2];
    observed().for_each(|(_, level)| starts[level + 1] += 1);
    (0..=levels).for_each(|l| starts[l + 1] += starts[l]);
    let mut rows = vec![0; starts[levels + 1]];
    let mut next = starts.clone();
    for (row, level) in observed() {
        rows[next[level]] = row;
        next[level] += 1;
    }
    starts.pop();
    (rows, starts)
}

struct Joined {
    component_of: Vec<Option<u32>>,
    components: Vec<Members>,
    at: Vec<Vec<(u32, u32)>>,
}

impl Joined {
    fn of(random: &[RandomTerm], tail: &[usize], rows: &[u32], starts: &[usize]) -> Self {
        let mut first = vec![0];
        tail.iter().for_each(|&term| first.push(first[first.len() - 1] + random[term].levels.len()));
        let mut sets = Sets::new(first[tail.len()]);
        let nodes = |row: u32| {
            let first = &first;
            let level =
                move |(index, &term): (usize, &usize)| random[term].level_of[row as usize].map(|level| first[index] + level as usize);
            tail.iter().enumerate().filter_map(level)
        };
        let heads = starts.len() - 1;
        let mut seen_by = vec![None; heads];
        for (&term, &first) in tail.iter().zip(&first) {
            let level_of = &random[term].level_of;
            for (seen, ends) in seen_by.iter_mut().zip(starts.windows(2)) {
                for level in rows[ends[0]..ends[1]].iter().filter_map(|&row| level_of[row as usize]) {
                    let node = first + level as usize;
                    let one = *seen.get_or_insert(node);
                    // Most rows of a level are in the same other level.
                    if one != node {
                        sets.join(one, node);
                    }
                }
            }
        }
        for &row in &rows[starts[heads]..] {
            let mut own = nodes(row);
            if let Some(one) = own.next() {
                own.for_each(|other| sets.join(one, other));
            }
        }
        let (mut number, mut components) = (vec![u32::MAX; first[tail.len()]], Vec::<Members>::new());
        let mut at = vec![];
        for (index, &term) in tail.iter().enumerate() {
            let mut own = Vec::with_capacity(random[term].levels.len());
            for level in 0..random[term].levels.len() {
                let root = sets.root(first[index] + level);
                if number[root] == u32::MAX {
                    number[root] = components.len() as u32;
                    components.push(Members { levels: vec![vec![]; tail.len()], starts: vec![0; tail.len() + 1] });
                }
                let component = &mut components[number[root] as usize];
                own.push((number[root], (component.levels[index].len() * random[term].size()) as u32));
                component.levels[index].push(level as u32);
            }
            at.push(own);
        }
        for component in &mut components {
            for (index, &term) in tail.iter().enumerate() {
                component.starts[index + 1] = component.starts[index] + component.levels[index].len() * random[term].size();
            }
        }
        for (index, own) in at.iter_mut().enumerate() {
            own.iter_mut().for_each(|(component, place)| *place += components[*component as usize].starts[index] as u32);
        }
        let component_of = seen_by.into_iter().map(|node: Option<usize>| node.map(|node| number[sets.root(node)])).collect();
        Self { component_of, components, at }
    }
}

/// Disjoint sets.
struct Sets(Vec<u32>);

impl Sets {
    fn new(n: usize) -> Self {
        Self((0..n as u32).collect())
    }

    fn root(&mut self, mut node: usize) -> usize {
        while self.0[node] as usize != node {
            self.0[node] = self.0[self.0[node] as usize];
            node = self.0[node] as usize;
        }
        node
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b) as u32;
    }
}
