//! Other outcomes in the sums of a design: everything that belongs to X and Z stays, and of every sum over U = \[X e\]
//! the last column is made anew.

use super::data::{Data, Shape};
use super::layout::Layout;
use super::rotation::Rotation;
use super::rows::{Found, Rows};
use crate::design::RandomTerm;
use std::borrow::Cow;

/// The observations of a design, ready to take other outcomes.
#[derive(Debug, Clone)]
pub(super) struct Outcomes {
    rows: Rows,
    /// What the levels of the head have of e, k numbers each, and zeros at the end.
    explained: Vec<f64>,
    /// What the head cannot explain of e, row by row.
    residual: Vec<f64>,
    /// The effects of the tail that rows have a share in.
    shares: Vec<Share>,
    /// The levels of the head that touch the tail, in the order of their sums, and the free ones.
    linked: Vec<u32>,
    free: Vec<u32>,
    /// The free levels of each shape.
    few: Vec<Few>,
    sums: Vec<f64>,
}

/// An effect of the tail, and its multiplier in a row.
#[derive(Debug, Clone, Copy)]
struct Share {
    row: u32,
    component: u32,
    effect: u32,
    by: f64,
}

impl Outcomes {
    /// Of a design whose sums are `data`, made from `rows`. Sums of free levels become those that it will write to.
    pub fn new(random: &[RandomTerm], z: &[Cow<[f64]>], layout: &Layout, rows: Rows, data: &mut Data) -> Self {
        let (k, levels) = (data.size, layout.levels());
        let mut shares = vec![];
        for position in 0..layout.rows.len() {
            for (index, &term) in layout.tail.iter().enumerate() {
                let Some((component, at)) = layout.in_tail(random, index, position) else { continue };
                let size = random[term].size();
                let own = &z[term][layout.rows[position] as usize * size..][..size];
                let share =
                    |(a, z): (usize, &f64)| Share { row: position as u32, component, effect: at + a as u32, by: z * rows.root(position) };
                shares.extend(own.iter().enumerate().map(share));
            }
        }
        let free: Vec<u32> = (0..levels as u32).filter(|&level| layout.component_of[level as usize].is_none()).collect();
        let mut linked: Vec<u32> = (0..levels as u32).filter(|&level| layout.component_of[level as usize].is_some()).collect();
        linked.sort_by_key(|&level| layout.component_of[level as usize]);
        let mut members: Vec<Vec<u32>> = vec![vec![]; data.shapes.len()];
        data.shape_of.iter().enumerate().for_each(|(own, &shape)| members[shape as usize].push(own as u32));
        let m = data.columns + 1;
        let Data { shapes, free_c, .. } = data;
        let few = members.into_iter().zip(shapes).map(|(own, shape)| Few::of(own, free_c, k, m, shape)).collect();
        Self {
            explained: vec![0.0; (levels + 1) * k],
            residual: vec![0.0; layout.rows.len()],
            shares,
            linked,
            free,
            few,
            sums: vec![0.0; m],
            rows,
        }
    }

    /// Takes the outcomes `y`, as the design has them, into the sums over all observations and those of the tail, and returns
    /// Σ w y²; [`Outcomes::complete`] has the sums of levels.
    pub fn set(&mut self, layout: &Layout, y: &[f64], data: &mut Data) -> f64 {
        let (p, m) = (data.columns, data.columns + 1);
        let mut found = Found { explained: &mut self.explained, residual: &mut self.residual, sums: &mut self.sums };
        let squares = self.rows.set_outcome(layout, y, &mut found);
        (data.squares, data.total) = (squares.left, squares.whole);
        for j in 0..m {
            (data.within[j * m + p], data.within[p * m + j]) = (self.sums[j], self.sums[j]);
        }
        set_cross(&self.shares, &self.residual, data);
        squares.whole
    }

    /// Takes the outcomes that were set into the sums of levels.
    pub fn complete(&mut self, data: &mut Data) {
        let (m, k, explained) = (data.columns + 1, data.size, &self.explained);
        let of_level = |level: u32| &explained[level as usize * k..(level as usize + 1) * k];
        set_last(&mut data.levels.c, &self.linked, k, m, of_level);
        data.merges.iter_mut().for_each(|merge| merge.set_outcome(&data.levels, &mut data.linked, k, m));
        set_last(&mut data.free_c, &self.free, k, m, of_level);
        for (shape, few) in data.shapes.iter_mut().zip(&mut self.few) {
            few.set(&self.free, of_level, k, m, shape);
        }
    }
}

/// Sets Z'e of the tail without what the head can explain, `residual` row by row.
fn set_cross(shares: &[Share], residual: &[f64], data: &mut Data) {
    let m = data.columns + 1;
    for component in &mut data.components {
        component.cross.iter_mut().skip(m - 1).step_by(m).for_each(|x| *x = 0.0);
    }
    for share in shares {
        let component = &mut data.components[share.component as usize];
        component.cross[share.effect as usize * m + m - 1] += share.by * residual[share.row as usize];
    }
}

/// Writes the last columns of the c of some levels, k × m each.
fn set_last<'a>(c: &mut [f64], levels: &[u32], k: usize, m: usize, of_level: impl Fn(u32) -> &'a [f64]) {
    for (c, &level) in c.chunks_exact_mut(k * m).zip(levels) {
        c.iter_mut().skip(m - 1).step_by(m).zip(of_level(level)).for_each(|(c, own)| *c = *own);
    }
}

/// The levels of one shape, of which there may be many, as few c: those of X are rotated once, those of e whenever they
/// change.
#[derive(Debug, Clone)]
struct Few {
    /// The levels, as positions among the free ones.
    levels: Vec<u32>,
    /// `None` where they are few.
    rotation: Option<Rotation>,
}

impl Few {
    /// Of the levels of a shape, whose sums become those that have nothing of e yet.
    fn of(levels: Vec<u32>, free_c: &[f64], k: usize, m: usize, shape: &mut Shape) -> Self {
        let (h, p, width) = (levels.len(), m - 1, k * (m - 1));
        if h <= k * m {
            return Self { levels, rotation: None };
        }
        let mut columns = vec![0.0; h * width];
        for (i, &level) in levels.iter().enumerate() {
            let c = &free_c[level as usize * k * m..(level as usize + 1) * k * m];
            (0..width).for_each(|j| columns[j * h + i] = c[j / p * m + j % p]);
        }
        let rotation = Rotation::of(&mut columns, h, k);
        shape.sums = vec![0.0; rotation.rows() * k * m];
        for (row, c) in shape.sums.chunks_exact_mut(k * m).enumerate().take(rotation.rank()) {
            (0..width).for_each(|j| c[j / p * m + j % p] = columns[j * h + row]);
        }
        Self { levels, rotation: Some(rotation) }
    }

    /// Sets what the shape has of e.
    fn set<'a>(&mut self, free: &[u32], of_level: impl Fn(u32) -> &'a [f64], k: usize, m: usize, shape: &mut Shape) {
        let Some(rotation) = &mut self.rotation else {
            for (c, &own) in shape.sums.chunks_exact_mut(k * m).zip(&self.levels) {
                c.iter_mut().skip(m - 1).step_by(m).zip(of_level(free[own as usize])).for_each(|(c, x)| *c = *x);
            }
            return;
        };
        let levels = self.levels.iter().map(|&own| of_level(free[own as usize]).iter().copied());
        rotation.turn(levels, |row, x| {
            shape.sums[row * k * m..(row + 1) * k * m].iter_mut().skip(m - 1).step_by(m).zip(x).for_each(|(c, x)| *c = x);
        });
    }
}
