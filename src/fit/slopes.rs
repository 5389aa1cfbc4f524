//! How X'WX and X'Wr move with the covariance parameters, and what that adds to the curvature of the likelihood.

use super::elimination::Elimination;
use super::kernels::{dot, multiply, symmetric_product};
use nalgebra::{DMatrix, DMatrixView};

/// The number of elements of all P_k from which they do not stay in the cache.
const LARGE: usize = 2_000_000;

/// P_k = −X'W∂_kΣWX = ∂(X'WX)/∂θ_k and a_k = X'W∂_kΣWr of every parameter.
#[derive(Debug, Clone)]
pub(crate) struct Slopes {
    p: Vec<f64>,
    a: Vec<f64>,
    columns: usize,
    /// ΦP_k of every parameter.
    phi_p: Vec<f64>,
    /// (ΦP_l)' of one.
    transposed: Vec<f64>,
    /// Φa_l of one.
    phi_a: Vec<f64>,
}

impl Slopes {
    /// Zeros.
    pub fn blank(parameters: usize, columns: usize) -> Self {
        let size = columns * columns;
        Self {
            p: vec![0.0; parameters * size],
            a: vec![0.0; parameters * columns],
            columns,
            phi_p: vec![0.0; parameters * size],
            transposed: vec![0.0; size],
            phi_a: vec![0.0; columns],
        }
    }

    /// The number of parameters.
    pub fn len(&self) -> usize {
        self.a.len() / self.columns
    }

    /// P_k, p × p.
    pub fn p(&self, k: usize) -> DMatrixView<'_, f64> {
        let size = self.columns * self.columns;
        DMatrixView::from_slice(&self.p[k * size..(k + 1) * size], self.columns, self.columns)
    }

    pub(super) fn of_mut(&mut self, k: usize) -> (&mut [f64], &mut [f64]) {
        let (c, size) = (self.columns, self.columns * self.columns);
        (&mut self.p[k * size..(k + 1) * size], &mut self.a[k * c..(k + 1) * c])
    }

    /// Writes what the whole Hessian has beyond its leading part: −2 a_k'Φa_l − tr(SP_kSP_l), where S is Φ, or what
    /// it is for a mean that is known where the likelihood is full, or nothing.
    pub fn set_correction(
        &mut self,
        phi: &DMatrix<f64>,
        s: Option<&DMatrix<f64>>,
        elimination: Option<&Elimination>,
        correction: &mut DMatrix<f64>,
    ) {
        let (c, size) = (self.columns, self.columns * self.columns);
        if elimination.is_some_and(|order| self.set_correction_in_order(phi, s, order, correction)) {
            return;
        }
        if self.len() * size > LARGE && self.set_large_correction(phi, s, correction) {
            return;
        }
        if let Some(s) = s {
            for (p, product) in self.p.chunks_exact(size).zip(self.phi_p.chunks_exact_mut(size)) {
                multiply(s.as_slice(), p, c, product);
            }
        }
        for l in 0..self.len() {
            symmetric_product(phi.as_slice(), &self.a[l * c..(l + 1) * c], &mut self.phi_a);
            transpose(&self.phi_p[l * size..(l + 1) * size], c, &mut self.transposed);
            for k in 0..=l {
                let mut term = -2.0 * dot(&self.a[k * c..(k + 1) * c], &self.phi_a);
                if s.is_some() {
                    term -= dot(&self.transposed, &self.phi_p[k * size..(k + 1) * size]);
                }
                correction[(k, l)] = term;
                correction[(l, k)] = term;
            }
        }
    }
}

impl Slopes {
    /// The same where the columns are eliminated in some order: with S = KK', the traces are the inner products of the
    /// K'P_kK, which are nearly all zeros. `false`, and nothing done, where S is not positive definite.
    fn set_correction_in_order(
        &mut self,
        phi: &DMatrix<f64>,
        s: Option<&DMatrix<f64>>,
        order: &Elimination,
        correction: &mut DMatrix<f64>,
    ) -> bool {
        let (c, size) = (self.columns, self.columns * self.columns);
        let mut between: Vec<Vec<(usize, f64)>> = vec![];
        if let Some(s) = s {
            let Some(root) = order.root_of(s.as_slice()) else { return false };
            for p in self.p.chunks_exact(size) {
                order.between(&root, p, &mut self.transposed);
                between.push(self.transposed.iter().copied().enumerate().filter(|(_, x)| *x != 0.0).collect());
            }
        }
        let full = &mut self.transposed;
        for l in 0..self.a.len() / c {
            symmetric_product(phi.as_slice(), &self.a[l * c..(l + 1) * c], &mut self.phi_a);
            if let Some(own) = between.get(l) {
                full.fill(0.0);
                own.iter().for_each(|&(at, x)| full[at] = x);
            }
            for k in 0..=l {
                let traces: f64 = between.get(k).map_or(0.0, |own| own.iter().map(|&(at, x)| x * full[at]).sum());
                let term = -2.0 * dot(&self.a[k * c..(k + 1) * c], &self.phi_a) - traces;
                correction[(k, l)] = term;
                correction[(l, k)] = term;
            }
        }
        true
    }

    /// The same for many parameters and columns, as products of matrices that stay in the cache: with S = KK', the traces
    /// are the inner products of the K'P_kK. `false`, and nothing done, where S is not positive definite.
    fn set_large_correction(&self, phi: &DMatrix<f64>, s: Option<&DMatrix<f64>>, correction: &mut DMatrix<f64>) -> bool {
        const BLOCK: usize = 256;
        let (c, k) = (self.columns, self.len());
        let a = DMatrix::from_column_slice(c, k, &self.a);
        let mut whole = (phi * &a).tr_mul(&a) * -2.0;
        if let Some(s) = s {
            let Some(root) = s.clone().cholesky().map(|factor| factor.unpack()) else { return false };
            // Off the diagonal every element stands for two.
            let mut packed = DMatrix::zeros(c * (c + 1) / 2, k);
            for (own, mut column) in (0..k).zip(packed.column_iter_mut()) {
                let inner = root.tr_mul(&(self.p(own) * &root));
                let elements = (0..c).flat_map(|j| (j..c).map(move |i| (i, j)));
                let weight = |i: usize, j: usize| if i == j { 1.0 } else { std::f64::consts::SQRT_2 };
                column.iter_mut().zip(elements).for_each(|(x, (i, j))| *x = weight(i, j) * inner[(i, j)]);
            }
            for first in (0..k).step_by(BLOCK) {
                let width = BLOCK.min(k - first);
                let traces = packed.columns(first, k - first).tr_mul(&packed.columns(first, width));
                let mut below = whole.view_mut((first, first), (k - first, width));
                below -= traces;
            }
            whole.fill_upper_triangle_with_lower_triangle();
        }
        correction.view_mut((0, 0), (k, k)).copy_from(&whole);
        true
    }
}

fn transpose(matrix: &[f64], n: usize, transposed: &mut [f64]) {
    for (row, own) in transposed.chunks_exact_mut(n).enumerate() {
        own.iter_mut().enumerate().for_each(|(column, x)| *x = matrix[column * n + row]);
    }
}
