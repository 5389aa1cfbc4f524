//! −2ℓ of a design that is fitted again and again, with one effect per level of every factor and few levels above the
//! head.
//!
//! What the head has to do with Ψ enters all sums through w = 1/(1 + ψr²), r² = Σ z² of a level, and levels come with few
//! different r. So with \[Z U\] of the tail and of U = \[X e\],
//!
//! ```text
//! B(ψ) = \[Z U\]'V₁⁻¹\[Z U\] = B₀ + Σ_s w_s S_s
//! ```
//!
//! are sums of few small matrices, which are made once a design; other outcomes change their last columns. Of the blocks
//! A = Z'V₁⁻¹Z and C = Z'V₁⁻¹U of every component, and G = U'V₁⁻¹U, all else follows.

mod hessian;
mod lanes;
mod outcomes;
mod place;
mod quadratic;
mod scoring;
mod search;
mod slopes;
#[cfg(test)]
pub(super) mod tests;

pub(super) use outcomes::Observed;
pub(super) use search::CondensedSearch;

use super::data::{Component, Data, Linked};
use super::layout::Layout;
use super::point::Problem;
use crate::fit::Estimation;
use lanes::{add, rounded, set_rows};

/// The most different r of the levels of the head.
const MOST_SHAPES: usize = 12;
/// The most effects of the tail, those that fill their lanes among them.
const MOST_EFFECTS: usize = 96;

/// A component of the tail.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// The first of its effects, their number n, and the lanes that they fill.
    first: usize,
    size: usize,
    padded: usize,
    /// Where its rows \[A C\] begin, and their length.
    at: usize,
    stride: usize,
}

impl Block {
    /// Where its effects stand among all.
    fn effects(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.padded
    }

    /// Where its rows stand in the sums.
    fn rows(&self) -> std::ops::Range<usize> {
        self.at..self.at + self.size * self.stride
    }
}

/// The levels of the head that have the same r.
#[derive(Debug, Clone)]
struct Shape {
    /// r².
    square: f64,
    /// How many they are.
    levels: f64,
}

/// A level of the head: its shape, where its links end, and its position among all.
#[derive(Debug, Clone, Copy)]
struct Level {
    shape: u32,
    links: u32,
    position: u32,
}

/// The sums of a design, every matrix as the rows \[A C\] of each component, then G. The columns of A, of C and of G fill whole
/// lanes: what is beyond n, and beyond the p + 1 columns of U, is zero.
#[derive(Debug, Clone)]
pub(super) struct Condensed {
    /// The number p of columns of X.
    columns: usize,
    /// The length of a row of U.
    width: usize,
    blocks: Vec<Block>,
    /// The parameter of every effect of the tail, and of the head; where a component does not fill its lanes, of its last effect.
    term_of: Vec<usize>,
    head: usize,
    parameters: usize,
    shapes: Vec<Shape>,
    /// B₀, and S of every shape.
    within: Vec<f64>,
    of_shapes: Vec<f64>,
    restricted: bool,
    residual_df: f64,
    log_weights: f64,
    /// e'e.
    squares: f64,
    levels: Vec<Level>,
    /// Where each link meets the column of the outcome in the sums, with its multiplier, and what levels have of X.
    links: Vec<(u32, f64)>,
    of_x: Vec<f64>,
}

impl Condensed {
    /// The sums of a problem; `None` where they are not few.
    pub fn of(problem: &Problem) -> Option<Self> {
        let Problem { data, layout, parameters, .. } = problem;
        let effects: usize = data.components.iter().map(|c| rounded(c.size)).sum();
        if parameters.sizes.iter().any(|&k| k != 1) || layout.head.len() != 1 || effects > MOST_EFFECTS {
            return None;
        }
        let width = rounded(data.columns + 1);
        let blocks = blocks(data, width);
        let mut own = Self {
            columns: data.columns,
            width,
            within: within(data, &blocks, width),
            term_of: data.components.iter().flat_map(|component| terms(component, layout)).collect(),
            blocks,
            head: layout.head[0],
            parameters: parameters.len(),
            shapes: vec![],
            of_shapes: vec![],
            restricted: problem.estimation == Estimation::Reml,
            residual_df: problem.residual_df(),
            log_weights: data.log_weights,
            squares: data.squares,
            levels: vec![],
            links: vec![],
            of_x: vec![],
        };
        own.add_linked(data, layout)?;
        own.add_free(data, layout)?;
        own.add_x();
        Some(own)
    }

    /// The number of effects of the tail, with those that fill their lanes.
    fn effects(&self) -> usize {
        self.term_of.len()
    }

    /// Where G begins.
    fn gram(&self) -> usize {
        self.within.len() - self.width * self.width
    }

    /// The shape of a level with this r.
    fn shape(&mut self, r: f64) -> Option<u32> {
        let square = r * r;
        let found = self.shapes.iter().position(|shape| shape.square == square).unwrap_or(self.shapes.len());
        if found == MOST_SHAPES {
            return None;
        }
        if found == self.shapes.len() {
            self.shapes.push(Shape { square, levels: 0.0 });
            self.of_shapes.resize(self.shapes.len() * self.within.len(), 0.0);
        }
        self.shapes[found].levels += 1.0;
        Some(found as u32)
    }

    /// S of a shape.
    fn of_shape(&mut self, shape: u32) -> &mut [f64] {
        let len = self.within.len();
        &mut self.of_shapes[shape as usize * len..][..len]
    }

    fn add_linked(&mut self, data: &Data, layout: &Layout) -> Option<()> {
        let Linked { r, c, starts, to, by, .. } = &data.levels;
        let (p, stride) = (self.columns, self.columns + 1);
        let of_component =
            |component: u32| (0..layout.levels() as u32).filter(move |&l| layout.component_of[l as usize] == Some(component));
        for (number, (component, block)) in data.components.iter().zip(self.blocks.clone()).enumerate() {
            for (level, position) in component.levels.clone().zip(of_component(number as u32)) {
                let own = starts[level]..starts[level + 1];
                let (to, by, x) = (&to[own.clone()], &by[own], &c[level * stride..level * stride + p]);
                let outcome = |to: u32| (block.at + to as usize * block.stride + block.padded + p) as u32;
                self.links.extend(to.iter().zip(by).map(|(&to, &by)| (outcome(to), by)));
                self.push_x(x);
                let shape = self.shape(r[level])?;
                self.levels.push(Level { shape, links: self.links.len() as u32, position });
                self.add_pairs(shape, block, (to, by), x);
            }
        }
        Some(())
    }

    /// Adds the products of what a level has of the tail and of X with each other.
    fn add_pairs(&mut self, shape: u32, block: Block, (to, by): (&[u32], &[f64]), x: &[f64]) {
        let sums = self.of_shape(shape);
        for (&s, one) in to.iter().zip(by) {
            let (a, c) = sums[block.at + s as usize * block.stride..][..block.stride].split_at_mut(block.padded);
            to.iter().zip(by).for_each(|(&t, other)| a[t as usize] += one * other);
            c.iter_mut().zip(x).for_each(|(c, x)| *c += one * x);
        }
    }

    fn push_x(&mut self, x: &[f64]) {
        self.of_x.extend_from_slice(x);
        self.of_x.extend(std::iter::repeat_n(0.0, self.width - x.len()));
    }

    fn add_free(&mut self, data: &Data, layout: &Layout) -> Option<()> {
        let p = self.columns;
        let free = (0..layout.levels()).filter(|&level| layout.component_of[level].is_none());
        for ((position, c), &shape) in free.zip(data.free_c.chunks_exact(p + 1)).zip(&data.shape_of) {
            self.push_x(&c[..p]);
            let shape = self.shape(data.shapes[shape as usize].r[0])?;
            self.levels.push(Level { shape, links: self.links.len() as u32, position: position as u32 });
        }
        Some(())
    }

    /// Adds X'X of all levels.
    fn add_x(&mut self) {
        let (m, gram, len) = (self.width, self.gram(), self.within.len());
        for (level, x) in self.levels.iter().zip(self.of_x.chunks_exact(m)) {
            let rows = self.of_shapes[level.shape as usize * len..][gram..len].chunks_exact_mut(m);
            rows.zip(x).take(self.columns).for_each(|(row, own)| add(row, *own, x));
        }
    }

    /// Takes other outcomes.
    pub fn set_outcome(&mut self, observed: &Observed) {
        let (m, p, gram, len) = (self.width, self.columns, self.gram(), self.within.len());
        self.squares = observed.squares;
        for block in &self.blocks {
            let outcome = block.padded + p;
            let rows = self.within[block.rows()].chunks_exact_mut(block.stride);
            rows.zip(&observed.of_tail[block.effects()]).for_each(|(row, own)| row[outcome] = *own);
            for sums in self.of_shapes.chunks_exact_mut(len) {
                sums[block.rows()].chunks_exact_mut(block.stride).for_each(|row| row[outcome] = 0.0);
            }
        }
        let last = gram + p * m..gram + (p + 1) * m;
        self.within[last.clone()][..=p].copy_from_slice(&observed.of_u);
        self.of_shapes.chunks_exact_mut(len).for_each(|sums| sums[last.clone()].fill(0.0));
        let mut first = 0;
        for (level, x) in self.levels.iter().zip(self.of_x.chunks_exact(m)) {
            let (sums, e) = (&mut self.of_shapes[level.shape as usize * len..][..len], observed.explained[level.position as usize]);
            self.links[first..level.links as usize].iter().for_each(|&(at, by)| sums[at as usize] += by * e);
            let last = &mut sums[last.clone()];
            add(last, e, x);
            last[p] += e * e;
            first = level.links as usize;
        }
        let all = std::iter::once(&mut self.within[..]).chain(self.of_shapes.chunks_exact_mut(len));
        all.for_each(|sums| mirror_last(&mut sums[gram..], m, p));
    }

    /// Writes the sum over all shapes of S, each times its weight.
    fn combine(&self, weights: &[f64], sums: &mut [f64]) {
        set_rows(sums, (&self.of_shapes, self.within.len()), weights.len(), |shape| weights[shape]);
    }
}

/// The components of the tail, with the lanes that they fill.
fn blocks(data: &Data, width: usize) -> Vec<Block> {
    let (mut first, mut at) = (0, 0);
    let block = |component: &Component| {
        let padded = rounded(component.size);
        let own = Block { first, size: component.size, padded, at, stride: padded + width };
        (first, at) = (own.effects().end, own.rows().end);
        own
    };
    data.components.iter().map(block).collect()
}

/// The terms of the effects of a component, the last of them until its lanes are full.
fn terms<'d>(component: &'d Component, layout: &'d Layout) -> impl Iterator<Item = usize> + 'd {
    let own = component.starts.windows(2).zip(&layout.tail).flat_map(|(ends, &term)| std::iter::repeat_n(term, ends[1] - ends[0]));
    let last = own.clone().last().unwrap_or(0);
    own.chain(std::iter::repeat(last)).take(rounded(component.size))
}

/// B₀, without the columns of the outcome.
fn within(data: &Data, blocks: &[Block], m: usize) -> Vec<f64> {
    let (stride, p, gram) = (data.columns + 1, data.columns, blocks.last().map_or(0, |block| block.rows().end));
    let mut within = vec![0.0; gram + m * m];
    for (block, component) in blocks.iter().zip(&data.components) {
        let n = block.size;
        for (i, row) in within[block.rows()].chunks_exact_mut(block.stride).enumerate() {
            (0..n).for_each(|j| row[j] = component.within[i.max(j) * n + i.min(j)]);
            row[block.padded..][..p].copy_from_slice(&component.cross[i * stride..][..p]);
        }
    }
    let rows = within[gram..].chunks_exact_mut(m).zip(data.within.chunks_exact(stride));
    rows.take(p).for_each(|(row, own)| row[..p].copy_from_slice(&own[..p]));
    within
}

/// Copies row p of a symmetric matrix to column p.
fn mirror_last(matrix: &mut [f64], m: usize, p: usize) {
    (0..p).for_each(|j| matrix[j * m + p] = matrix[p * m + j]);
}

/// The effects of each term, as ranges of a component.
fn runs(terms: &[usize]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut first = 0;
    terms.chunk_by(|a, b| a == b).map(move |own| {
        let range = (first, first + own.len());
        first = range.1;
        range
    })
}
