//! The outcomes of a condensed design: what of them enters its sums, made with few multiplications.

use super::lanes::rounded;
use crate::design::RandomTerm;
use crate::fit::kernels::dot;
use crate::fit::sparse::data::Data;
use crate::fit::sparse::layout::Layout;
use crate::fit::sparse::rows::Rows;
use std::borrow::Cow;

/// The observations of a design with one effect per level of every factor.
#[derive(Debug, Clone)]
pub(in crate::fit::sparse) struct Observed {
    /// Their rows in the design.
    rows: Vec<u32>,
    /// √w, and √w x'β₀.
    roots: Vec<f64>,
    fitted: Vec<f64>,
    /// X with √w, column by column.
    x: Vec<f64>,
    /// z/r of the head, and the level; the number of levels where there is none.
    whitened: Vec<f64>,
    level_of: Vec<u32>,
    /// The effects of the tail that observations have a share in: the observation, the effect and its multiplier.
    shares: Vec<(u32, u32, f64)>,
    /// e = √w (y − x'β₀), later what the head cannot explain of it.
    residual: Vec<f64>,
    /// What each level of the head has of e.
    pub explained: Vec<f64>,
    /// Z'e and U'e without what the head can explain.
    pub of_tail: Vec<f64>,
    pub of_u: Vec<f64>,
    /// e'e and Σ w y².
    pub squares: f64,
    pub total: f64,
}

impl Observed {
    /// Of rows with one effect per level, whose least squares are those of `data`.
    pub fn of(random: &[RandomTerm], z: &[Cow<[f64]>], layout: &Layout, rows: &Rows, data: &Data) -> Self {
        let (n, p, levels) = (layout.rows.len(), data.columns, layout.levels());
        let first = |component: u32| data.components[..component as usize].iter().map(|c| rounded(c.size)).sum::<usize>();
        let mut shares = vec![];
        for position in 0..n {
            for (index, &term) in layout.tail.iter().enumerate() {
                let Some((component, at)) = layout.in_tail(random, index, position) else { continue };
                let by = z[term][layout.rows[position] as usize] * rows.root(position);
                shares.push((position as u32, (first(component) + at as usize) as u32, by));
            }
        }
        let (mut x, mut fitted, mut whitened, mut level_of) = (vec![0.0; n * p], vec![0.0; n], vec![0.0; n], vec![0; n]);
        for (level, (position, row)) in (0..=levels).flat_map(|level| rows.of_level(level).map(move |at| (level, at))) {
            let own = &rows.designs.x[row * p..(row + 1) * p];
            own.iter().enumerate().for_each(|(j, value)| x[j * n + position] = *value);
            (fitted[position], whitened[position], level_of[position]) = (dot(own, &data.origin), rows.designs.whitened[row], level as u32);
        }
        Self {
            rows: layout.rows.clone(),
            roots: (0..n).map(|position| rows.root(position)).collect(),
            fitted,
            x,
            whitened,
            level_of,
            shares,
            residual: vec![0.0; n],
            explained: vec![0.0; levels + 1],
            of_tail: vec![0.0; data.components.iter().map(|c| rounded(c.size)).sum()],
            of_u: vec![0.0; p + 1],
            squares: 0.0,
            total: 0.0,
        }
    }

    /// Takes the outcomes `y`, as the design has them.
    pub fn set(&mut self, y: &[f64]) {
        self.explained.fill(0.0);
        (self.squares, self.total) = (0.0, 0.0);
        let of_rows = self.rows.iter().zip(&self.roots).zip(&self.fitted);
        let of_head = self.whitened.iter().zip(&self.level_of);
        for ((((row, root), fitted), (z, level)), e) in of_rows.zip(of_head).zip(&mut self.residual) {
            let own = root * y[*row as usize];
            *e = own - fitted;
            self.total += own * own;
            self.squares += *e * *e;
            self.explained[*level as usize] += z * *e;
        }
        for ((z, level), e) in self.whitened.iter().zip(&self.level_of).zip(&mut self.residual) {
            *e -= z * self.explained[*level as usize];
        }
        let p = self.of_u.len() - 1;
        let columns = self.x.chunks_exact(self.rows.len());
        self.of_u.iter_mut().zip(columns).for_each(|(own, x)| *own = dot(x, &self.residual));
        self.of_u[p] = dot(&self.residual, &self.residual);
        self.of_tail.fill(0.0);
        self.shares.iter().for_each(|&(row, effect, by)| self.of_tail[effect as usize] += by * self.residual[row as usize]);
    }
}
