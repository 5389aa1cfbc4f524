//! What the fit needs of the observations: cross products that do not move with the parameters, made once.
//!
//! For a level of the head with rows Z_j, A_j = Z_j'Z_j = RR', and U = \[X e\], e what least squares leaves of the
//! outcome, all of U'V₁⁻¹U that the level moves is c'(I + R'ΨR)⁻¹c with c = R⁻¹Z_j'U. The rest of U'U is the same at
//! every Ψ, and is summed from residuals, so that no digits are lost to differences.

use super::layout::Layout;
use super::merged::{Merge, merged};
use super::rows::Rows;
use crate::design::Design;
use crate::fit::Failure;
use crate::fit::kernels::{axpy, cholesky, inverse_from_cholesky, mirror, symmetric_product};
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
    /// e'e.
    pub squares: f64,
}

impl Data {
    /// One pass after the other over the observations, which are returned; `z` multiplies the effects of every term.
    pub fn of(design: &Design, layout: &Layout, z: &[Cow<[f64]>], kept: &[usize]) -> Result<(Self, Rows), Failure> {
        let (p, k) = (kept.len(), layout.size);
        let m = p + 1;
        let mut rows = Rows::new(design, layout, kept);
        let r = rows.whiten(design, layout, z);
        let mut c = vec![0.0; layout.levels() * k * m];
        let mut within = vec![0.0; m * m];
        rows.add_x(&mut c, &mut within);
        let origin = least_squares(&mut rows, (layout, &design.rows.y), m, &within, &c)?;
        let (mut explained, mut sums) = (vec![0.0; layout.levels() * k], vec![0.0; m]);
        rows.set_explained(&mut explained, &mut sums);
        c.iter_mut().skip(p).step_by(m).zip(&explained).for_each(|(c, own)| *c = *own);
        (0..m).for_each(|j| within[j * m + p] = sums[j]);
        mirror(&mut within, m);
        let squares = rows.squares();
        let log_weights = if design.rows.weights.is_some() { rows.roots.iter().map(|root| 2.0 * root.ln()).sum() } else { 0.0 };
        let (levels, mut components) = links((design, z), &rows, layout, m, &r, &c);
        let (linked, merges) = merged(&levels, &mut components, k, m);
        let (mut free_r, mut free_c) = (vec![], vec![]);
        for level in (0..layout.levels()).filter(|&level| layout.component_of[level].is_none()) {
            free_r.extend_from_slice(&r[level * k * k..(level + 1) * k * k]);
            free_c.extend_from_slice(&c[level * k * m..(level + 1) * k * m]);
        }
        let (shapes, shape_of) = shapes(k, m, &free_r, &free_c);
        let observations = layout.rows.len();
        let data = Self {
            columns: p,
            size: k,
            observations,
            origin,
            within,
            shapes,
            linked,
            merges,
            levels,
            components,
            shape_of,
            free_c,
            log_weights,
            squares,
        };
        Ok((data, rows))
    }
}

/// β of least squares; leaves what it leaves of the outcome in the last column.
fn least_squares(rows: &mut Rows, (layout, y): (&Layout, &[f64]), m: usize, within: &[f64], c: &[f64]) -> Result<Vec<f64>, Failure> {
    let p = m - 1;
    let mut gram = vec![0.0; p * p];
    for j in 0..p {
        (j..p).for_each(|i| gram[j * p + i] = within[j * m + i]);
    }
    for row in c.chunks_exact(m) {
        for j in (0..p).filter(|&j| row[j] != 0.0) {
            (j..p).for_each(|i| gram[j * p + i] += row[i] * row[j]);
        }
    }
    let scale: Vec<f64> = (0..p).map(|j| 1.0 / gram[j * p + j].sqrt()).collect();
    for j in 0..p {
        (j..p).for_each(|i| gram[j * p + i] *= scale[i] * scale[j]);
    }
    cholesky(&mut gram, p).ok_or(Failure::Singular)?;
    let mut inverse = vec![0.0; p * p];
    inverse_from_cholesky(&gram, p, &mut inverse);
    let (mut beta, mut cross, mut step) = (vec![0.0; p], vec![0.0; p], vec![0.0; p]);
    rows.set_outcome(layout, y, &beta);
    // Once more where little is left of the outcome, and digits of that little were lost.
    for _ in 0..MOST_PASSES {
        cross.fill(0.0);
        let mut before = 0.0;
        for u in rows.u.chunks_exact(m) {
            axpy(&mut cross, u[p], &u[..p]);
            before += u[p] * u[p];
        }
        cross.iter_mut().zip(&scale).for_each(|(x, s)| *x *= s);
        symmetric_product(&inverse, &cross, &mut step);
        beta.iter_mut().zip(&step).zip(&scale).for_each(|((b, step), s)| *b += step * s);
        rows.set_outcome(layout, y, &beta);
        if before - cross.iter().zip(&step).map(|(x, y)| x * y).sum::<f64>() > DIGITS_LOST * before {
            break;
        }
    }
    Ok(beta)
}

/// Free levels with the same R together, and their c as few as there can be.
fn shapes(k: usize, m: usize, free_r: &[f64], free_c: &[f64]) -> (Vec<Shape>, Vec<u32>) {
    let r = |level: u32| &free_r[level as usize * k * k..(level as usize + 1) * k * k];
    let mut order: Vec<u32> = (0..(free_r.len() / (k * k)) as u32).collect();
    order.sort_by(|&a, &b| r(a).iter().zip(r(b)).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal));
    let shape = |levels: &[u32]| {
        let mut sums: Vec<f64> = Vec::with_capacity(levels.len() * k * m);
        levels.iter().for_each(|&level| sums.extend_from_slice(&free_c[level as usize * k * m..(level as usize + 1) * k * m]));
        compress(&mut sums, k * m);
        Shape { r: r(levels[0]).to_vec(), levels: levels.len() as f64, sums }
    };
    let alike = || order.chunk_by(|&a, &b| r(a) == r(b));
    let mut shape_of = vec![0; order.len()];
    alike().enumerate().for_each(|(index, levels)| levels.iter().for_each(|&level| shape_of[level as usize] = index as u32));
    (alike().map(shape).collect(), shape_of)
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

/// The levels of the head that touch the tail, component by component, and the components.
fn links((design, z): (&Design, &[Cow<[f64]>]), rows: &Rows, layout: &Layout, m: usize, r: &[f64], c: &[f64]) -> (Linked, Vec<Component>) {
    let (random, k, tail) = (&design.rows.random, layout.size, layout.tail.len());
    let blank = |members: &super::layout::Members| {
        let size = members.starts[tail];
        Component {
            size,
            starts: members.starts.clone(),
            within: vec![0.0; size * size],
            cross: vec![0.0; size * m],
            levels: 0..0,
            heads: 0..0,
        }
    };
    let mut components: Vec<Component> = layout.components.iter().map(blank).collect();
    let mut linked = Linked::blank();
    let mut members: Vec<Vec<u32>> = vec![vec![]; components.len()];
    for (level, component) in layout.component_of.iter().enumerate() {
        if let Some(component) = component {
            members[*component as usize].push(level as u32);
        }
    }
    let mut own: Vec<(u32, f64)> = vec![];
    // The effects of the tail that a row has a share in.
    let set_own = |own: &mut Vec<(u32, f64)>, position: usize| -> Option<u32> {
        own.clear();
        let mut found = None;
        for (index, &term) in layout.tail.iter().enumerate() {
            let Some((component, at)) = layout.in_tail(random, index, position) else { continue };
            let size = random[term].size();
            let z = &z[term][layout.rows[position] as usize * size..][..size];
            own.extend(z.iter().enumerate().map(|(a, z)| (at + a as u32, z * rows.roots[position])));
            found = Some(component);
        }
        found
    };
    let mut residual = vec![0.0; m];
    let add = |component: &mut Component, own: &[(u32, f64)], residual: &[f64]| {
        for &(s, x) in own {
            let s = s as usize;
            component.cross[s * m..(s + 1) * m].iter_mut().zip(residual).for_each(|(c, r)| *c += x * r);
            own.iter().for_each(|&(t, y)| component.within[s * component.size + t as usize] += x * y);
        }
    };
    let mut slot = vec![u32::MAX; components.iter().map(|c| c.size).max().unwrap_or(0)];
    let mut touched: Vec<(u32, Vec<f64>)> = vec![];
    for (number, levels) in members.iter().enumerate() {
        let first = linked.starts.len() - 1;
        for &level in levels {
            let level = level as usize;
            let own_c = &c[level * k * m..(level + 1) * k * m];
            touched.clear();
            for position in layout.of_level(level) {
                set_own(&mut own, position);
                rows.set_residual(own_c, position, &mut residual);
                add(&mut components[number], &own, &residual);
                for &(t, x) in &own {
                    if slot[t as usize] == u32::MAX {
                        slot[t as usize] = touched.len() as u32;
                        touched.push((t, vec![0.0; k]));
                    }
                    let by = &mut touched[slot[t as usize] as usize].1;
                    by.iter_mut().zip(&rows.whitened[position * k..][..k]).for_each(|(by, z)| *by += z * x);
                }
            }
            touched.iter().for_each(|(t, _)| slot[*t as usize] = u32::MAX);
            touched.sort_unstable_by_key(|(t, _)| *t);
            let component = &mut components[number];
            for (at, (s, x)) in touched.iter().enumerate() {
                for (t, y) in &touched[..=at] {
                    let explained: f64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
                    component.within[*s as usize * component.size + *t as usize] -= explained;
                }
                linked.to.push(*s);
                linked.by.extend_from_slice(x);
            }
            linked.r.extend_from_slice(&r[level * k * k..(level + 1) * k * k]);
            linked.c.extend_from_slice(own_c);
            linked.counts.push(1.0);
            linked.starts.push(linked.to.len());
        }
        components[number].levels = first..linked.starts.len() - 1;
    }
    for position in layout.starts[layout.levels()]..layout.rows.len() {
        if let Some(component) = set_own(&mut own, position) {
            rows.set_residual(&[], position, &mut residual);
            add(&mut components[component as usize], &own, &residual);
        }
    }
    (linked, components)
}
