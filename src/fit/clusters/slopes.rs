//! How Henderson's matrix moves with the parameters of Σ.

use super::shape::Shape;
use super::{EffectsPoint, WithEffects};
use crate::fit::kernels::{axpy, dot, symmetric_product};
use nalgebra::DMatrix;

/// P_k = −\[X Z\]'W∂_kΣW\[X Z\] and a_k = \[X Z\]'W∂_kΣWr of every parameter k of Σ, in the basis \[outer − ZN, Z\] in which
/// the inverse of Henderson's matrix is block-diagonal.
#[derive(Debug, Clone)]
pub(crate) struct EffectSlopes {
    forms: Vec<f64>,
    a: Vec<f64>,
    parameters: usize,
    /// S̃P_kS̃ of one parameter, a form.
    sandwich: Vec<f64>,
    /// As much as any part of a form.
    part: Vec<f64>,
    /// S̃a_k of one parameter, n.
    moved: Vec<f64>,
}

impl EffectSlopes {
    /// Zeros.
    pub fn blank(parameters: usize, shape: &Shape) -> Self {
        let largest = (shape.outer * shape.outer).max(shape.outer * shape.inner()).max(shape.largest().pow(2));
        Self {
            forms: vec![0.0; parameters * shape.len()],
            a: vec![0.0; parameters * shape.columns()],
            parameters,
            sandwich: vec![0.0; shape.len()],
            part: vec![0.0; largest],
            moved: vec![0.0; shape.columns()],
        }
    }

    /// The number of parameters.
    pub fn len(&self) -> usize {
        self.parameters
    }

    /// P_k.
    pub fn form(&self, k: usize) -> &[f64] {
        let size = self.sandwich.len();
        &self.forms[k * size..(k + 1) * size]
    }

    /// a_k, n.
    pub fn a(&self, k: usize) -> &[f64] {
        let n = self.moved.len();
        &self.a[k * n..(k + 1) * n]
    }

    pub(super) fn of_mut(&mut self, k: usize) -> (&mut [f64], &mut [f64]) {
        let (size, n) = (self.sandwich.len(), self.moved.len());
        (&mut self.forms[k * size..(k + 1) * size], &mut self.a[k * n..(k + 1) * n])
    }

    /// Adds factor tr(S̃P_kS̃P_l) to the elements (k, l) of a matrix, S̃ having S for the outer columns.
    pub(super) fn add_traces(&mut self, factor: f64, s: &[f64], shape: &Shape, point: &EffectsPoint, sum: &mut DMatrix<f64>) {
        let size = self.sandwich.len();
        let across = shape.outer * shape.outer..shape.outer * shape.columns();
        for l in 0..self.parameters {
            let form = &self.forms[l * size..(l + 1) * size];
            set_sandwich(form, s, shape, point, &mut self.sandwich, &mut self.part);
            // What stands off the diagonal stands for two.
            self.sandwich[across.clone()].iter_mut().for_each(|x| *x *= 2.0);
            for k in 0..=l {
                let trace = factor * dot(&self.forms[k * size..(k + 1) * size], &self.sandwich);
                sum[(k, l)] += trace;
                if k < l {
                    sum[(l, k)] += trace;
                }
            }
        }
    }

    /// Adds factor a_k'S̃a_l.
    pub(super) fn add_products(&mut self, factor: f64, s: &[f64], shape: &Shape, point: &EffectsPoint, sum: &mut DMatrix<f64>) {
        let n = self.moved.len();
        for l in 0..self.parameters {
            let (of_outer, of_components) = self.a[l * n..(l + 1) * n].split_at(shape.outer);
            let (outer, components) = self.moved.split_at_mut(shape.outer);
            symmetric_product(s, of_outer, outer);
            for component in &shape.components {
                let own = &of_components[component.effects.clone()];
                symmetric_product(&point.m[component.square.clone()], own, &mut components[component.effects.clone()]);
            }
            for k in 0..=l {
                let product = factor * dot(&self.a[k * n..(k + 1) * n], &self.moved);
                sum[(k, l)] += product;
                if k < l {
                    sum[(l, k)] += product;
                }
            }
        }
    }
}

/// S̃PS̃: S_o P_oo S_o, S_o P_oz M̃, and M̃P_zzM̃ block by block.
fn set_sandwich(form: &[f64], s: &[f64], shape: &Shape, point: &EffectsPoint, sandwich: &mut [f64], part: &mut [f64]) {
    let width = shape.outer;
    let (outer, across, inner) = shape.parts(form);
    let (to_outer, to_across, to_inner) = shape.parts_mut(sandwich);
    product(s, outer, width, &mut part[..width * width]);
    // (SP)S, S symmetric: column j is Σ_i (SP)_i S_ij.
    product(&part[..width * width], s, width, to_outer);
    let moved = &mut part[..width * shape.inner()];
    product(s, across, width, moved);
    for component in &shape.components {
        let (size, of) = (component.size(), component.effects.start * width..component.effects.end * width);
        let m = &point.m[component.square.clone()];
        product(&moved[of.clone()], m, width, &mut to_across[of]);
        debug_assert_eq!(m.len(), size * size);
    }
    for component in &shape.components {
        let (size, m) = (component.size(), &point.m[component.square.clone()]);
        let left = &mut part[..size * size];
        product(m, &inner[component.square.clone()], size, left);
        product(left, m, size, &mut to_inner[component.square.clone()]);
    }
}

/// Writes AB, A with columns of length `rows`, B with as many rows as A has columns.
fn product(a: &[f64], b: &[f64], rows: usize, to: &mut [f64]) {
    if rows == 0 {
        return;
    }
    let inner = a.len() / rows;
    if inner == 0 {
        return;
    }
    for (column, b) in to.chunks_exact_mut(rows).zip(b.chunks_exact(inner)) {
        column.fill(0.0);
        a.chunks_exact(rows).zip(b).for_each(|(a, &b)| axpy(column, b, a));
    }
}

impl WithEffects {
    /// Takes a form in \[X Z\] to the basis \[outer − ZN, Z\].
    pub(super) fn change_form(&self, point: &EffectsPoint, form: &mut [f64]) {
        let (shape, width) = (&self.shape, self.shape.outer);
        let (outer, across, inner) = shape.parts_mut(form);
        for component in &shape.components {
            let (size, of) = (component.size(), component.effects.start * width..component.effects.end * width);
            let (n, own) = (&point.n[of.clone()], &mut across[of]);
            for (n, own) in n.chunks_exact(width).zip(own.chunks_exact(width)) {
                n.iter().zip(outer.chunks_exact_mut(width)).for_each(|(&n, column)| axpy(column, -n, own));
            }
            for (own, square) in own.chunks_exact_mut(width).zip(inner[component.square.clone()].chunks_exact(size)) {
                n.chunks_exact(width).zip(square).for_each(|(n, &x)| axpy(own, -x, n));
            }
            for (n, own) in n.chunks_exact(width).zip(own.chunks_exact(width)) {
                own.iter().zip(outer.chunks_exact_mut(width)).for_each(|(&own, column)| axpy(column, -own, n));
            }
        }
    }

    /// Takes \[X Z\]'v to the same basis.
    pub(super) fn change_vector(&self, point: &EffectsPoint, v: &mut [f64]) {
        let (outer, components) = v.split_at_mut(self.shape.outer);
        point.n.chunks_exact(self.shape.outer).zip(&*components).for_each(|(n, &x)| axpy(outer, -x, n));
    }
}
