//! What the fit needs of the observations: cross products that do not move with the parameters, made once.
//!
//! For a level of the head with rows Z_j, A_j = Z_j'Z_j = RR', and U = \[X e\], e what least squares leaves of the
//! outcome, all of U'V₁⁻¹U that the level moves is c'(I + R'ΨR)⁻¹c with c = R⁻¹Z_j'U. The rest of U'U is the same at
//! every Ψ, and is summed from residuals, so that no digits are lost to differences.

use super::designs::Designs;
use super::layout::Layout;
use super::links::{Observations, links};
use super::merged::{Merge, merged};
use super::rows::{Found, Rows};
use crate::design::Design;
use crate::fit::Failure;
use crate::fit::kernels::{cholesky, inverse_from_cholesky, mirror, symmetric_product};
use std::borrow::Cow;

/// The share of the sum of squares that least squares must leave for its digits to be trusted at once.
const DIGITS_LOST: f64 = 1e-4;
const MOST_PASSES: usize = 3;

/// Levels of the head without a tail whose R is the same.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// R, k × k row by row.
    pub r: Vec<f64>,
    /// How many levels.
    pub levels: f64,
    /// Σ cc' over them as few c: k × m each.
    pub sums: Vec<f64>,
}

/// The levels of the tail that are joined, and the levels of the head that join them.
#[derive(Debug, Clone)]
pub(super) struct Component {
    /// The number of effects of the tail.
    pub size: usize,
    /// The first effect of each term of the tail, and at the end their number.
    pub starts: Vec<usize>,
    /// Z'Z of the tail without what the head can explain, n × n: the lower triangle.
    pub within: Vec<f64>,
    /// Z'U of the same, n × m.
    pub cross: Vec<f64>,
    /// The levels of the head, as positions among those that are linked: as they are, and as few as there can be.
    pub levels: std::ops::Range<usize>,
    pub heads: std::ops::Range<usize>,
}

/// Levels of the head that touch the tail.
#[derive(Debug, Clone)]
pub(super) struct Linked {
    /// R of each, k × k.
    pub r: Vec<f64>,
    /// c of each, k × m.
    pub c: Vec<f64>,
    /// How many levels each stands for.
    pub counts: Vec<f64>,
    /// Where the links of each begin, and where the last one's end.
    pub starts: Vec<usize>,
    /// The effect of the tail of each link, by its position in the component.
    pub to: Vec<u32>,
    /// R⁻¹Z_j'z of that effect, k numbers a link.
    pub by: Vec<f64>,
}

/// The sums of one design.
#[derive(Debug, Clone)]
pub(super) struct Data {
    /// The number p of columns of X; U has m = p + 1.
    pub columns: usize,
    /// The number k of effects of a level of the head.
    pub size: usize,
    /// The number N of observations.
    pub observations: usize,
    /// The coefficients of least squares.
    pub origin: Vec<f64>,
    /// What the head cannot explain of U'U, m × m.
    pub within: Vec<f64>,
    pub shapes: Vec<Shape>,
    /// As few as there can be, and how they became so.
    pub linked: Linked,
    pub merges: Vec<Merge>,
    /// One by one, component by component.
    pub levels: Linked,
    pub components: Vec<Component>,
    /// The shape and c of the free levels one by one, in their order.
    pub shape_of: Vec<u32>,
    pub free_c: Vec<f64>,
    /// Σ log w.
    pub log_weights: f64,
    /// e'e, and Σ w y².
    pub squares: f64,
    pub total: f64,
}

impl Data {
    /// One pass after the other over the observations, which are returned; `z` multiplies the effects of every term.
    pub fn of(design: &Design, layout: &Layout, z: &[Cow<[f64]>], kept: &[usize]) -> Result<(Self, Rows), Failure> {
        let (p, k, y) = (kept.len(), layout.size, &design.rows.y);
        let m = p + 1;
        let mut rows = Rows::new(design, layout, z, kept);
        let mut within = vec![0.0; m * m];
        rows.designs.add_within(&mut within, m);
        let origin = least_squares(&mut rows, (layout, y), m, &within)?;
        let (mut explained, mut sums) = (vec![0.0; (layout.levels() + 1) * k], vec![0.0; m]);
        let mut residual = vec![0.0; layout.rows.len()];
        let mut found = Found { explained: &mut explained, residual: &mut residual, sums: &mut sums };
        let squares = rows.set_outcome(layout, y, &mut found);
        (0..m).for_each(|j| within[j * m + p] = sums[j]);
        mirror(&mut within, m);
        let (levels, mut components) =
            links(Observations { random: &design.rows.random, layout, z, rows: &rows, explained: &explained, residual: &residual });
        let (linked, merges) = merged(&levels, &mut components, k, m);
        let free: Vec<usize> = (0..layout.levels()).filter(|&level| layout.component_of[level].is_none()).collect();
        let mut free_c = Vec::with_capacity(free.len() * k * m);
        free.iter().for_each(|&level| rows.push_c(level, &explained, &mut free_c));
        let (shapes, shape_of) = shapes(&rows.designs, &free, &free_c);
        let data = Self {
            columns: p,
            size: k,
            observations: layout.rows.len(),
            origin,
            within,
            shapes,
            linked,
            merges,
            levels,
            components,
            shape_of,
            free_c,
            log_weights: rows.log_weights(),
            squares: squares.left,
            total: squares.whole,
        };
        Ok((data, rows))
    }
}

/// β of least squares, which the rows take the outcome from.
fn least_squares(rows: &mut Rows, (layout, y): (&Layout, &[f64]), m: usize, within: &[f64]) -> Result<Vec<f64>, Failure> {
    let p = m - 1;
    let mut gram = vec![0.0; p * p];
    for j in 0..p {
        (j..p).for_each(|i| gram[j * p + i] = within[j * m + i]);
    }
    rows.designs.add_explained(&mut gram, p);
    let scale: Vec<f64> = (0..p).map(|j| 1.0 / gram[j * p + j].sqrt()).collect();
    for j in 0..p {
        (j..p).for_each(|i| gram[j * p + i] *= scale[i] * scale[j]);
    }
    cholesky(&mut gram, p).ok_or(Failure::Singular)?;
    let mut inverse = vec![0.0; p * p];
    inverse_from_cholesky(&gram, p, &mut inverse);
    let (mut beta, mut cross, mut step) = (vec![0.0; p], vec![0.0; p], vec![0.0; p]);
    // Once more where little is left of the outcome, and digits of that little were lost.
    for _ in 0..MOST_PASSES {
        let before = rows.set_cross(layout, y, &mut cross);
        cross.iter_mut().zip(&scale).for_each(|(x, s)| *x *= s);
        symmetric_product(&inverse, &cross, &mut step);
        beta.iter_mut().zip(&step).zip(&scale).for_each(|((b, step), s)| *b += step * s);
        rows.set_beta(&beta);
        if before - cross.iter().zip(&step).map(|(x, y)| x * y).sum::<f64>() > DIGITS_LOST * before {
            break;
        }
    }
    Ok(beta)
}

/// Free levels with the same R together, and their c as few as there can be; and the shape of each.
fn shapes(designs: &Designs, free: &[usize], free_c: &[f64]) -> (Vec<Shape>, Vec<u32>) {
    let numbers = designs.size * (designs.columns + 1);
    let mut levels = vec![0; designs.len()];
    free.iter().for_each(|&level| levels[designs.of_level[level] as usize] += 1);
    let mut kinds: Vec<u32> = (0..designs.len() as u32).filter(|&kind| levels[kind as usize] > 0).collect();
    let compared = |a: u32, b: u32| designs.r_of(a).iter().zip(designs.r_of(b)).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne());
    kinds.sort_by(|&a, &b| compared(a, b).unwrap_or(std::cmp::Ordering::Equal));
    let (mut shapes, mut of_kind) = (Vec::<Shape>::new(), vec![0; designs.len()]);
    for alike in kinds.chunk_by(|&a, &b| designs.r_of(a) == designs.r_of(b)) {
        alike.iter().for_each(|&kind| of_kind[kind as usize] = shapes.len() as u32);
        let members: usize = alike.iter().map(|&kind| levels[kind as usize]).sum();
        let sums = Vec::with_capacity(members * numbers);
        shapes.push(Shape { r: designs.r_of(alike[0]).to_vec(), levels: members as f64, sums });
    }
    let shape_of: Vec<u32> = free.iter().map(|&level| of_kind[designs.of_level[level] as usize]).collect();
    for (&shape, c) in shape_of.iter().zip(free_c.chunks_exact(numbers)) {
        shapes[shape as usize].sums.extend_from_slice(c);
    }
    shapes.iter_mut().for_each(|shape| compress(&mut shape.sums, numbers));
    (shapes, shape_of)
}

/// Replaces rows of length n by the triangular factor of their QR decomposition (Householder), where there are more
/// of them.
fn compress(rows: &mut Vec<f64>, n: usize) {
    let h = rows.len() / n;
    if h <= n {
        return;
    }
    let mut v = vec![0.0; h];
    let mut inner = vec![0.0; n];
    for j in 0..n {
        (j..h).for_each(|i| v[i] = rows[i * n + j]);
        let norm = v[j..].iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm == 0.0 {
            continue;
        }
        let alpha = if v[j] > 0.0 { -norm } else { norm };
        v[j] -= alpha;
        // v'v / 2 = norm · (norm + |x_j|).
        let factor = 1.0 / (norm * v[j].abs());
        inner.fill(0.0);
        for i in j..h {
            inner[j..].iter_mut().zip(&rows[i * n + j..(i + 1) * n]).for_each(|(s, x)| *s += v[i] * x);
        }
        for i in j..h {
            let by = factor * v[i];
            rows[i * n + j..(i + 1) * n].iter_mut().zip(&inner[j..]).for_each(|(x, s)| *x -= by * s);
        }
    }
    rows.truncate(n * n);
    for i in 0..n {
        rows[i * n..i * n + i].fill(0.0);
    }
}
