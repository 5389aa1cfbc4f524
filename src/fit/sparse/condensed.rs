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

use super::condensed_outcomes::Observed;
use super::data::{Component, Data, Linked};
use super::layout::Layout;
use super::parameters::Parameters;
use super::point::Problem;
use super::small::LogProduct;
use crate::fit::Estimation;
use crate::fit::kernels::{axpy, cholesky, dot};

/// The most different r of the levels of the head.
const MOST_SHAPES: usize = 12;
/// Rows of U are this many numbers, or a multiple of it: what is beyond m is zero.
const STEP: usize = 4;
/// The most effects of the tail.
const MOST_EFFECTS: usize = 96;

/// Compiles a kernel once for each width of a few columns.
macro_rules! for_widths {
    ($m:expr, $size:ident => $call:expr) => {
        $crate::fit::kernels::for_sizes!($m, $size => $call; 4 8 12 16)
    };
}
pub(super) use for_widths;

/// A component of the tail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// The first of its effects, and their number n.
    pub first: usize,
    pub size: usize,
    /// Where its rows \[A C\] begin, n + m numbers each, and where matrices of n × n do.
    pub at: usize,
    pub square: usize,
}

/// The levels of the head that have the same r.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// r².
    pub square: f64,
    /// How many they are.
    pub levels: f64,
    /// S.
    pub sums: Vec<f64>,
}

/// A level of the head: its shape, where its links end, and its position among all.
#[derive(Debug, Clone, Copy)]
struct Level {
    shape: u32,
    links: u32,
    position: u32,
}

/// The sums of a design, every matrix as the rows \[A C\] of each component, then G. Rows of C and G are padded with zeros.
#[derive(Debug, Clone)]
pub(super) struct Condensed {
    /// The number p of columns of X.
    pub columns: usize,
    /// The length of a row of U, which has p + 1 columns.
    pub width: usize,
    pub blocks: Vec<Block>,
    /// The parameter of every effect of the tail, and of the head.
    pub term_of: Vec<usize>,
    pub head: usize,
    pub parameters: usize,
    pub shapes: Vec<Shape>,
    /// B₀.
    within: Vec<f64>,
    pub restricted: bool,
    pub residual_df: f64,
    log_weights: f64,
    /// e'e.
    pub squares: f64,
    levels: Vec<Level>,
    /// Where the row of each link begins in the sums with its multiplier, and what levels have of X.
    links: Vec<(u32, f64)>,
    of_x: Vec<f64>,
}

/// Everything known at one Λ that −2ℓ is made of, with room for it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub lambda: Vec<f64>,
    /// −2ℓ.
    pub value: f64,
    /// y'P₀y.
    pub squares: f64,
    /// w of every shape.
    pub weights: Vec<f64>,
    /// B.
    pub sums: Vec<f64>,
    /// The factor of M = I + Λ'AΛ of every component, column by column.
    pub factors: Vec<f64>,
    /// L⁻¹Λ'C, n × m.
    pub solved: Vec<f64>,
    /// The lower Cholesky factor of U'V₀⁻¹U, column by column, p + 1 numbers each.
    pub root: Vec<f64>,
    gram: Vec<f64>,
    scale: Vec<f64>,
    /// −2ℓ without y'P₀y.
    rest: f64,
}

impl Condensed {
    /// The sums of a problem; `None` where they are not few.
    pub fn of(problem: &Problem) -> Option<Self> {
        let Problem { data, layout, parameters, .. } = problem;
        let effects: usize = data.components.iter().map(|c| c.size).sum();
        if parameters.sizes.iter().any(|&k| k != 1) || layout.head.len() != 1 || effects > MOST_EFFECTS {
            return None;
        }
        let (m, mut first, mut at, mut square) = ((data.columns + 1).next_multiple_of(STEP), 0, 0, 0);
        let mut blocks = vec![];
        for component in &data.components {
            blocks.push(Block { first, size: component.size, at, square });
            first += component.size;
            at += component.size * (component.size + m);
            square += component.size * component.size;
        }
        let mut own = Self {
            columns: data.columns,
            width: m,
            within: within(data, &blocks, m, at + m * m),
            blocks,
            term_of: data.components.iter().flat_map(|component| terms(component, layout)).collect(),
            head: layout.head[0],
            parameters: parameters.len(),
            shapes: vec![],
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

    /// The number of effects of the tail.
    pub fn effects(&self) -> usize {
        self.term_of.len()
    }

    /// Where G begins.
    pub fn gram(&self) -> usize {
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
            self.shapes.push(Shape { square, levels: 0.0, sums: vec![0.0; self.within.len()] });
        }
        self.shapes[found].levels += 1.0;
        Some(found as u32)
    }

    fn add_linked(&mut self, data: &Data, layout: &Layout) -> Option<()> {
        let Linked { r, c, starts, to, by, .. } = &data.levels;
        let (m, stride) = (self.width, self.columns + 1);
        let of_component =
            |component: u32| (0..layout.levels() as u32).filter(move |&l| layout.component_of[l as usize] == Some(component));
        for (number, (component, block)) in data.components.iter().zip(self.blocks.clone()).enumerate() {
            for (level, position) in component.levels.clone().zip(of_component(number as u32)) {
                let own = starts[level]..starts[level + 1];
                let row = |to: u32| (block.at + to as usize * (block.size + m)) as u32;
                self.links.extend(to[own.clone()].iter().zip(&by[own]).map(|(&to, &by)| (row(to), by)));
                self.of_x.extend_from_slice(&c[level * stride..level * stride + self.columns]);
                let shape = self.shape(r[level])?;
                self.levels.push(Level { shape, links: self.links.len() as u32, position });
                self.add_pairs(
                    shape as usize,
                    block,
                    &to[starts[level]..starts[level + 1]],
                    &by[starts[level]..starts[level + 1]],
                    level,
                    c,
                );
            }
        }
        Some(())
    }

    /// Adds the products of what a level has of the tail and of X with each other.
    fn add_pairs(&mut self, shape: usize, block: Block, to: &[u32], by: &[f64], level: usize, c: &[f64]) {
        let (m, p) = (self.width, self.columns);
        let c = &c[level * (p + 1)..level * (p + 1) + p];
        let sums = &mut self.shapes[shape].sums;
        for (&s, x) in to.iter().zip(by) {
            let row = &mut sums[block.at + s as usize * (block.size + m)..][..block.size + p];
            to.iter().zip(by).for_each(|(&t, y)| row[t as usize] += x * y);
            axpy(&mut row[block.size..], *x, c);
        }
    }

    fn add_free(&mut self, data: &Data, layout: &Layout) -> Option<()> {
        let p = self.columns;
        let free = (0..layout.levels()).filter(|&level| layout.component_of[level].is_none());
        for ((position, c), &shape) in free.zip(data.free_c.chunks_exact(p + 1)).zip(&data.shape_of) {
            self.of_x.extend_from_slice(&c[..p]);
            let shape = self.shape(data.shapes[shape as usize].r[0])?;
            self.levels.push(Level { shape, links: self.links.len() as u32, position: position as u32 });
        }
        Some(())
    }

    /// Adds X'X of all levels.
    fn add_x(&mut self) {
        let (m, p, gram) = (self.width, self.columns, self.gram());
        for (level, c) in self.levels.iter().zip(self.of_x.chunks_exact(p)) {
            let sums = &mut self.shapes[level.shape as usize].sums[gram..];
            c.iter().zip(sums.chunks_exact_mut(m)).for_each(|(x, row)| axpy(&mut row[..p], *x, c));
        }
    }

    /// Takes other outcomes.
    pub fn set_outcome(&mut self, observed: &Observed) {
        let (m, p, gram) = (self.width, self.columns, self.gram());
        let explained = &observed.explained;
        self.squares = observed.squares;
        for block in &self.blocks {
            let rows = self.within[block.at..].chunks_exact_mut(block.size + m);
            rows.zip(&observed.of_tail[block.first..block.first + block.size]).for_each(|(row, own)| row[block.size + p] = *own);
        }
        self.within[gram + p * m..gram + p * m + p + 1].copy_from_slice(&observed.of_u);
        mirror_last(&mut self.within[gram..], m, p);
        for shape in &mut self.shapes {
            for block in &self.blocks {
                let rows = shape.sums[block.at..][..block.size * (block.size + m)].chunks_exact_mut(block.size + m);
                rows.for_each(|row| row[block.size + p] = 0.0);
            }
            shape.sums[gram + p * m..gram + p * m + p + 1].fill(0.0);
        }
        let mut first = 0;
        let blocks = self.blocks.iter().map(|block| (block.at + block.size * (block.size + m), block.size));
        let size_of = |row: usize| blocks.clone().find(|(end, _)| row < *end).map_or(0, |(_, size)| size);
        for (level, c) in self.levels.iter().zip(self.of_x.chunks_exact(p)) {
            let (sums, e) = (&mut self.shapes[level.shape as usize].sums, explained[level.position as usize]);
            let links = &self.links[first..level.links as usize];
            if let Some(&(row, _)) = links.first() {
                let size = size_of(row as usize);
                links.iter().for_each(|&(row, by)| sums[row as usize + size + p] += by * e);
            }
            let last = &mut sums[gram + p * m..];
            axpy(&mut last[..p], e, c);
            last[p] += e * e;
            first = level.links as usize;
        }
        for shape in &mut self.shapes {
            mirror_last(&mut shape.sums[gram..], m, p);
        }
    }

    /// A place with room for everything and nothing in it.
    pub fn blank(&self) -> Place {
        let m = self.width;
        Place {
            lambda: vec![0.0; self.parameters],
            value: f64::NAN,
            squares: f64::NAN,
            weights: vec![0.0; self.shapes.len()],
            sums: self.within.clone(),
            factors: vec![0.0; self.blocks.iter().map(|block| block.size * block.size).sum()],
            solved: vec![0.0; self.effects() * m],
            root: vec![0.0; (self.columns + 1) * (self.columns + 1)],
            gram: vec![0.0; m * m],
            scale: vec![0.0; m],
            rest: f64::NAN,
        }
    }

    /// Moves a place to Λ; `false`, and a place without meaning, where −2ℓ has no value.
    pub fn evaluate(&self, lambda: &[f64], place: &mut Place) -> bool {
        lambda.iter().all(|x| x.is_finite()) && self.try_evaluate(lambda, place).is_some_and(f64::is_finite)
    }

    fn try_evaluate(&self, lambda: &[f64], place: &mut Place) -> Option<f64> {
        let (m, p) = (self.width, self.columns);
        place.lambda.copy_from_slice(lambda);
        let mut log_v = self.set_sums(place);
        place.gram.copy_from_slice(&place.sums[self.gram()..]);
        for block in &self.blocks {
            log_v += self.eliminate(*block, place)?;
        }
        subtract_squares(&place.solved, m, &mut place.gram);
        let Place { root, gram, scale, .. } = place;
        for ((scale, gram), j) in scale.iter_mut().zip(gram.chunks_exact(m)).zip(0..=p) {
            *scale = 1.0 / gram[j].sqrt();
        }
        for ((j, root), gram) in root.chunks_exact_mut(p + 1).enumerate().zip(gram.chunks_exact(m)) {
            let by = scale[j];
            root[j..].iter_mut().zip(&gram[j..]).zip(&scale[j..]).for_each(|((x, g), s)| *x = g * (s * by));
        }
        cholesky(root, p + 1)?;
        for (j, root) in root.chunks_exact_mut(p + 1).enumerate() {
            root[j..].iter_mut().zip(&scale[j..]).for_each(|(x, s)| *x /= s);
        }
        place.rest = log_v - self.log_weights;
        if self.restricted {
            let mut product = LogProduct::new();
            place.root.iter().step_by(p + 2).take(p).for_each(|&pivot| product.times(pivot));
            place.rest += 2.0 * product.ln();
        }
        Some(self.set_value(place))
    }

    /// Sets y'P₀y and −2ℓ.
    fn set_value(&self, place: &mut Place) -> f64 {
        let (df, last) = (self.residual_df, place.root.last().copied().unwrap_or(f64::NAN));
        place.squares = last * last;
        place.value = df * ((2.0 * std::f64::consts::PI / df) * place.squares).ln() + df + place.rest;
        place.value
    }

    /// Takes other outcomes to a place that has been evaluated; `false` where −2ℓ has no value there.
    pub fn move_outcome(&self, place: &mut Place) -> bool {
        let (m, p, gram) = (self.width, self.columns, self.gram());
        let Place { weights, sums, factors, solved, root, gram: last, .. } = place;
        let combined = |at: usize| weights.iter().zip(&self.shapes).fold(self.within[at], |sum, (w, shape)| sum + w * shape.sums[at]);
        let last = &mut last[..=p];
        for (j, x) in last.iter_mut().enumerate() {
            *x = combined(gram + p * m + j);
            (sums[gram + p * m + j], sums[gram + j * m + p]) = (*x, *x);
        }
        let mut column = [0.0; MOST_EFFECTS];
        for block in &self.blocks {
            let (n, own) = (block.size, &mut column[..block.size]);
            for (i, x) in own.iter_mut().enumerate() {
                let at = block.at + i * (n + m) + n + p;
                sums[at] = combined(at);
                *x = place.lambda[self.term_of[block.first + i]] * sums[at];
            }
            solve_one(&factors[block.square..], n, n, own);
            for (x, row) in own.iter().zip(solved[block.first * m..].chunks_exact_mut(m)) {
                row[p] = *x;
                last.iter_mut().zip(&*row).for_each(|(own, r)| *own -= x * r);
            }
        }
        solve_one(root, p, p + 1, &mut last[..p]);
        let rest = last[p] - dot(&last[..p], &last[..p]);
        root.iter_mut().skip(p).step_by(p + 1).zip(&*last).for_each(|(x, own)| *x = *own);
        if rest.is_nan() || rest <= 0.0 {
            return false;
        }
        if let Some(pivot) = root.last_mut() {
            *pivot = rest.sqrt();
        }
        self.set_value(place).is_finite()
    }

    /// The mean by parameter of what ψ multiplies: r² of the head, the diagonal of A of the tail, where the head has its Λ.
    pub fn sizes(&self, lambda: &[f64], room: &mut Place) -> Vec<f64> {
        let (mut sums, mut counts) = (vec![0.0; self.parameters], vec![0.0; self.parameters]);
        let mut add = |term: usize, count: f64, own: f64| {
            sums[term] += own;
            counts[term] += count;
        };
        self.shapes.iter().for_each(|shape| add(self.head, shape.levels, shape.levels * shape.square));
        room.lambda.copy_from_slice(lambda);
        self.set_sums(room);
        for block in &self.blocks {
            let rows = room.sums[block.at..].chunks_exact(block.size + self.width).take(block.size);
            rows.enumerate().for_each(|(i, row)| add(self.term_of[block.first + i], 1.0, row[i]));
        }
        sums.iter().zip(counts).map(|(sum, count)| sum / count).collect()
    }

    /// Sets B and returns log|V₁|.
    fn set_sums(&self, place: &mut Place) -> f64 {
        let psi = place.lambda[self.head] * place.lambda[self.head];
        let mut log_v = 0.0;
        for (w, shape) in place.weights.iter_mut().zip(&self.shapes) {
            let n = 1.0 + psi * shape.square;
            log_v += shape.levels * n.ln();
            *w = 1.0 / n;
        }
        place.sums.copy_from_slice(&self.within);
        combine(&self.shapes, &place.weights, &mut place.sums);
        log_v
    }

    /// Factors M of a component, solves for its part of U, and returns log|M|.
    fn eliminate(&self, block: Block, place: &mut Place) -> Option<f64> {
        let (m, n) = (self.width, block.size);
        let factor = &mut place.factors[block.square..][..n * n];
        let solved = &mut place.solved[block.first * m..][..n * m];
        let terms = &self.term_of[block.first..][..n];
        let lambda = &place.lambda;
        let rows = place.sums[block.at..].chunks_exact(n + m);
        for (j, ((column, own), row)) in factor.chunks_exact_mut(n).zip(solved.chunks_exact_mut(m)).zip(rows).enumerate() {
            let by = lambda[terms[j]];
            column[j..].iter_mut().zip(&row[j..n]).zip(&terms[j..]).for_each(|((f, a), &term)| *f = by * lambda[term] * a);
            column[j] += 1.0;
            own.iter_mut().zip(&row[n..]).for_each(|(x, c)| *x = by * c);
        }
        let log_determinant = cholesky(factor, n)?;
        forward(factor, n, solved, m);
        Some(log_determinant)
    }

    /// Writes the coefficients of least squares' residuals.
    pub fn set_beta(&self, place: &Place, beta: &mut [f64]) {
        let (p, m) = (self.columns, self.columns + 1);
        for j in (0..p).rev() {
            let column = &place.root[j * m..(j + 1) * m];
            beta[j] = (column[p] - dot(&column[j + 1..p], &beta[j + 1..p])) / column[j];
        }
    }
}

/// Adds the sums of all shapes, each times its weight.
pub(super) fn combine(shapes: &[Shape], weights: &[f64], sums: &mut [f64]) {
    let (fours, four_weights) = (shapes.chunks_exact(4), weights.chunks_exact(4));
    let rest = fours.remainder().iter().zip(four_weights.remainder());
    for (s, w) in fours.zip(four_weights) {
        let x = [&s[0].sums[..], &s[1].sums[..], &s[2].sums[..], &s[3].sums[..]];
        crate::fit::kernels::axpy_of_four(sums, [w[0], w[1], w[2], w[3]], x);
    }
    rest.for_each(|(shape, w)| axpy(sums, *w, &shape.sums));
}

/// Solves L X = B in place, L n × n column by column, B n × m row by row.
fn forward(factor: &[f64], n: usize, b: &mut [f64], m: usize) {
    for_widths!(m, m => forward_of_width(factor, n, b, m));
}

#[inline(always)]
fn forward_of_width(factor: &[f64], n: usize, b: &mut [f64], m: usize) {
    for (j, column) in factor.chunks_exact(n).enumerate() {
        let (own, below) = b[j * m..].split_at_mut(m);
        let inverse = 1.0 / column[j];
        own.iter_mut().for_each(|x| *x *= inverse);
        below.chunks_exact_mut(m).zip(&column[j + 1..]).for_each(|(row, l)| axpy(row, -l, own));
    }
}

/// Solves L'X = B in place.
pub(super) fn backward(factor: &[f64], n: usize, b: &mut [f64], m: usize) {
    for_widths!(m, m => backward_of_width(factor, n, b, m));
}

#[inline(always)]
fn backward_of_width(factor: &[f64], n: usize, b: &mut [f64], m: usize) {
    for (j, column) in factor.chunks_exact(n).enumerate().rev() {
        let (own, below) = b[j * m..].split_at_mut(m);
        below.chunks_exact(m).zip(&column[j + 1..]).for_each(|(row, l)| axpy(own, -l, row));
        let inverse = 1.0 / column[j];
        own.iter_mut().for_each(|x| *x *= inverse);
    }
}

/// Subtracts the products of rows with each other.
fn subtract_squares(rows: &[f64], m: usize, sums: &mut [f64]) {
    for_widths!(m, m => subtract_squares_of_width(rows, m, sums));
}

#[inline(always)]
fn subtract_squares_of_width(rows: &[f64], m: usize, sums: &mut [f64]) {
    let (fours, groups) = (rows.chunks_exact(4 * m), rows.len() / (4 * m));
    for (j, own) in sums.chunks_exact_mut(m).enumerate() {
        for four in fours.clone() {
            let (a, b, c, d) = (&four[..m], &four[m..2 * m], &four[2 * m..3 * m], &four[3 * m..]);
            crate::fit::kernels::axpy_of_four(own, [-a[j], -b[j], -c[j], -d[j]], [a, b, c, d]);
        }
        rows[groups * 4 * m..].chunks_exact(m).for_each(|row| axpy(own, -row[j], row));
    }
}

/// Solves L x = b in place, L column by column of length `stride`.
pub(super) fn solve_one(factor: &[f64], n: usize, stride: usize, x: &mut [f64]) {
    for (j, column) in factor.chunks_exact(stride).enumerate().take(n) {
        let (own, below) = x[j..].split_at_mut(1);
        own[0] /= column[j];
        axpy(below, -own[0], &column[j + 1..n]);
    }
}

/// The terms of the effects of a component.
fn terms<'d>(component: &'d Component, layout: &'d Layout) -> impl Iterator<Item = usize> + 'd {
    component.starts.windows(2).zip(&layout.tail).flat_map(|(ends, &term)| std::iter::repeat_n(term, ends[1] - ends[0]))
}

/// B₀, without the last columns.
fn within(data: &Data, blocks: &[Block], m: usize, len: usize) -> Vec<f64> {
    let (stride, p) = (data.columns + 1, data.columns);
    let mut within = vec![0.0; len];
    for (block, component) in blocks.iter().zip(&data.components) {
        let n = block.size;
        for (i, row) in within[block.at..].chunks_exact_mut(n + m).enumerate().take(n) {
            (0..n).for_each(|j| row[j] = component.within[i.max(j) * n + i.min(j)]);
            row[n..n + p].copy_from_slice(&component.cross[i * stride..i * stride + p]);
        }
    }
    let rows = within[len - m * m..].chunks_exact_mut(m).zip(data.within.chunks_exact(stride));
    rows.take(p).for_each(|(row, own)| row[..p].copy_from_slice(&own[..p]));
    within
}

/// Copies row p of a symmetric matrix to column p.
fn mirror_last(matrix: &mut [f64], m: usize, p: usize) {
    (0..p).for_each(|j| matrix[j * m + p] = matrix[p * m + j]);
}

impl Place {
    /// σ² at its best, then the variances of the effects.
    pub fn set_theta(&self, parameters: &Parameters, residual_df: f64, theta: &mut [f64]) {
        theta[0] = self.squares / residual_df;
        parameters.set_psi(&self.lambda, &mut theta[1..]);
        (1..theta.len()).for_each(|k| theta[k] *= theta[0]);
    }
}
