//! The observations one by one, in the order of a layout.

use super::designs::Designs;
use super::layout::Layout;
use crate::design::Design;
use crate::fit::kernels::axpy;
use std::borrow::Cow;

/// Rows of observations in the order of a layout.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    /// What is the same for levels of the head that are alike.
    pub designs: Designs,
    /// Where the rows of each level of the head begin, those of none after them, and where the last one's end.
    starts: Vec<usize>,
    /// √w; `None` without weights.
    roots: Option<Vec<f64>>,
    /// Xβ of the rows of every design.
    fitted: Vec<f64>,
    /// Sums over the levels of a design, row by row.
    sums: Vec<f64>,
}

/// Sums of squares of an outcome.
#[derive(Debug, Clone, Copy)]
pub(super) struct Squares {
    /// Σ w y².
    pub whole: f64,
    /// e'e, e = √w (y − Xβ).
    pub left: f64,
}

/// What of an outcome is found level by level.
#[derive(Debug)]
pub(super) struct Found<'f> {
    /// What the levels of the head have of e, k numbers each, and zeros at the end.
    pub explained: &'f mut [f64],
    /// What the head cannot explain of e, row by row.
    pub residual: &'f mut [f64],
    /// The products of that with \[X e\].
    pub sums: &'f mut [f64],
}

impl Rows {
    /// X of the columns kept, with β = 0; `z` multiplies the effects of every term.
    pub fn new(design: &Design, layout: &Layout, z: &[Cow<[f64]>], kept: &[usize]) -> Self {
        let roots = design.rows.weights.as_ref().map(|w| layout.rows.iter().map(|&row| w[row as usize].sqrt()).collect::<Vec<f64>>());
        let designs = Designs::of(design, layout, z, kept, roots.as_deref());
        let blank = vec![0.0; designs.free.len().checked_div(kept.len()).unwrap_or(0)];
        let starts = layout.starts.iter().copied().chain([layout.rows.len()]).collect();
        Self { designs, starts, roots, fitted: blank.clone(), sums: blank }
    }

    /// √w of a row.
    pub fn root(&self, position: usize) -> f64 {
        self.roots.as_ref().map_or(1.0, |roots| roots[position])
    }

    /// Σ log w.
    pub fn log_weights(&self) -> f64 {
        self.roots.iter().flatten().map(|root| 2.0 * root.ln()).sum()
    }

    /// The position of each row of a level of the head, and among the rows of the designs.
    pub fn of_level(&self, level: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let first = self.designs.starts[self.designs.of_level[level] as usize];
        (self.starts[level]..self.starts[level + 1]).zip(first..)
    }

    /// Appends c of a level of the head, k × m; `explained` is what the levels have of e.
    pub fn push_c(&self, level: usize, explained: &[f64], c: &mut Vec<f64>) {
        let (k, p) = (self.designs.size, self.designs.columns);
        let of_x = self.designs.c_of(self.designs.of_level[level]).chunks_exact(p);
        for (own, e) in of_x.zip(&explained[level * k..(level + 1) * k]) {
            c.extend_from_slice(own);
            c.push(*e);
        }
    }

    /// Takes e from another β.
    pub fn set_beta(&mut self, beta: &[f64]) {
        let x = self.designs.x.chunks_exact(beta.len());
        self.fitted.iter_mut().zip(x).for_each(|(fitted, x)| *fitted = x.iter().zip(beta).map(|(x, b)| x * b).sum());
    }

    /// Writes X'e and returns e'e.
    pub fn set_cross(&mut self, layout: &Layout, y: &[f64], cross: &mut [f64]) -> f64 {
        self.sums.fill(0.0);
        let mut squares = 0.0;
        for level in 0..self.designs.of_level.len() {
            for (position, row) in self.of_level(level) {
                let e = self.root(position) * y[layout.rows[position] as usize] - self.fitted[row];
                self.sums[row] += e;
                squares += e * e;
            }
        }
        cross.fill(0.0);
        self.sums.iter().zip(self.designs.x.chunks_exact(cross.len())).for_each(|(sum, x)| axpy(cross, *sum, x));
        squares
    }

    /// What there is of an outcome `y`, as the design has it, beside β and the head.
    pub fn set_outcome(&mut self, layout: &Layout, y: &[f64], found: &mut Found) -> Squares {
        match self.designs.size {
            1 => self.set_outcome_of_size(1, layout, y, found),
            2 => self.set_outcome_of_size(2, layout, y, found),
            k => self.set_outcome_of_size(k, layout, y, found),
        }
    }

    #[inline(always)]
    fn set_outcome_of_size(&mut self, k: usize, layout: &Layout, y: &[f64], found: &mut Found) -> Squares {
        let (Self { designs, starts, roots, fitted, sums }, p) = (self, found.sums.len() - 1);
        let mut squares = Squares { whole: 0.0, left: 0.0 };
        let mut free = 0.0;
        sums.fill(0.0);
        found.explained.fill(0.0);
        let of_levels = designs.of_level.iter().zip(starts.windows(2)).zip(found.explained.chunks_exact_mut(k));
        for ((&kind, ends), explained) in of_levels {
            let own = designs.starts[kind as usize]..designs.starts[kind as usize + 1];
            let whitened = &designs.whitened[own.start * k..own.end * k];
            let (residual, rows) = (&mut found.residual[ends[0]..ends[1]], &layout.rows[ends[0]..ends[1]]);
            match roots {
                None => residual.iter_mut().zip(rows).for_each(|(e, &row)| *e = y[row as usize]),
                Some(roots) => {
                    let roots = &roots[ends[0]..ends[1]];
                    residual.iter_mut().zip(rows).zip(roots).for_each(|((e, &row), root)| *e = root * y[row as usize]);
                }
            }
            for ((e, fitted), z) in residual.iter_mut().zip(&fitted[own.clone()]).zip(whitened.chunks_exact(k)) {
                squares.whole += *e * *e;
                *e -= fitted;
                squares.left += *e * *e;
                axpy(explained, *e, z);
            }
            for ((e, sum), z) in residual.iter_mut().zip(&mut sums[own]).zip(whitened.chunks_exact(k)) {
                *e -= explained.iter().zip(z).map(|(c, z)| c * z).sum::<f64>();
                *sum += *e;
                free += *e * *e;
            }
        }
        found.sums.fill(0.0);
        sums.iter().zip(designs.free.chunks_exact(p)).for_each(|(sum, x)| axpy(&mut found.sums[..p], *sum, x));
        found.sums[p] = free;
        squares
    }
}
