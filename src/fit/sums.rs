//! Sums over patients, taken over patterns: X'ΩX, X'Ωy, Σ e e', Σ XΦX'.

use super::blocks::Blocks;
use super::moments::PatternMoments;
use super::problem::Problem;
use nalgebra::{DMatrix, DVector};

impl Problem {
    /// Σ_i X_i' Ω X_i for a symmetric Ω per pattern, p × p.
    pub fn gram(&self, omega: &Blocks) -> DMatrix<f64> {
        let (q, t) = (self.moments.values, self.moments.visits);
        // K_st = Σ_P Ω_st M_zz for s ≥ t; both K_st and K as a whole are symmetric.
        let mut k = vec![0.0; t * t * q * q];
        for (index, pattern) in self.patterns().iter().enumerate() {
            let (m, omega) = (pattern.visits.len(), omega.get(index));
            for (j, &visit_j) in pattern.visits.iter().enumerate() {
                for (i, &visit_i) in pattern.visits.iter().enumerate().skip(j) {
                    let weight = omega[j * m + i];
                    if weight != 0.0 {
                        let cell = visit_j * t + visit_i;
                        let block = &mut k[cell * q * q..(cell + 1) * q * q];
                        block.iter_mut().zip(&pattern.zz).for_each(|(k, zz)| *k += weight * zz);
                    }
                }
            }
        }
        let mut gram = DMatrix::zeros(self.columns, self.columns);
        for b in 0..t {
            for a in b..t {
                let block = &k[(b * t + a) * q * q..(b * t + a + 1) * q * q];
                for d in &self.rows[b] {
                    for c in &self.rows[a] {
                        let x = c.weight * d.weight * block[d.value * q + c.value];
                        gram[(c.column, d.column)] += x;
                        if a != b {
                            gram[(d.column, c.column)] += x;
                        }
                    }
                }
            }
        }
        gram
    }

    /// Σ_i X_i' Ω (y_i − X_i β₀) for a symmetric Ω per pattern.
    pub fn cross(&self, omega: &Blocks) -> DVector<f64> {
        let (q, t) = (self.moments.values, self.moments.visits);
        let mut sums = vec![0.0; q * t];
        for (index, pattern) in self.patterns().iter().enumerate() {
            let (m, omega) = (pattern.visits.len(), omega.get(index));
            for (i, &visit) in pattern.visits.iter().enumerate() {
                let sum = &mut sums[visit * q..(visit + 1) * q];
                for j in 0..m {
                    let weight = omega[j * m + i];
                    sum.iter_mut().zip(&pattern.zy[j * q..(j + 1) * q]).for_each(|(s, zy)| *s += weight * zy);
                }
            }
        }
        let mut cross = DVector::zeros(self.columns);
        for (row, sum) in self.rows.iter().zip(sums.chunks_exact(q)) {
            row.iter().for_each(|e| cross[e.column] += e.weight * sum[e.value]);
        }
        cross
    }

    /// The coefficients of z in x_t'v for every visit: Σ_c D_t v, q by visit.
    fn coefficients(&self, v: &DVector<f64>) -> Vec<f64> {
        let q = self.moments.values;
        let mut b = vec![0.0; q * self.moments.visits];
        for (visit, row) in self.rows.iter().enumerate() {
            row.iter().for_each(|e| b[visit * q + e.value] += e.weight * v[e.column]);
        }
        b
    }

    /// R_P = Σ_i e_i e_i' of every pattern, e the residuals at β.
    pub fn residual_squares(&self, beta: &DVector<f64>) -> Blocks {
        let q = self.moments.values;
        let b = self.coefficients(beta);
        let mut squares = Blocks::zeros(self.patterns());
        let mut scratch = vec![0.0; q];
        for (index, pattern) in self.patterns().iter().enumerate() {
            let m = pattern.visits.len();
            let square = squares.get_mut(index);
            for (j, &visit_j) in pattern.visits.iter().enumerate() {
                // M_zz b_j − m_zy,j: what pairs with b_i, and m_zy,i with b_j in turn.
                product(pattern, &b[visit_j * q..(visit_j + 1) * q], &mut scratch);
                let zy = &pattern.zy[j * q..(j + 1) * q];
                scratch.iter_mut().zip(zy).for_each(|(s, zy)| *s -= zy);
                for (i, &visit_i) in pattern.visits.iter().enumerate().skip(j) {
                    let own = &b[visit_i * q..(visit_i + 1) * q];
                    let x = pattern.yy[j * m + i] + dot(own, &scratch)
                        - dot(&b[visit_j * q..(visit_j + 1) * q], &pattern.zy[i * q..(i + 1) * q]);
                    square[j * m + i] = x;
                    square[i * m + j] = x;
                }
            }
        }
        squares
    }

    /// H_P = Σ_i X_i Φ X_i' of every pattern.
    pub fn leverages(&self, phi: &DMatrix<f64>) -> Blocks {
        let (q, t) = (self.moments.values, self.moments.visits);
        // D_s'ΦD_t is the same for every pattern.
        let mut phi_st = vec![0.0; t * t * q * q];
        for b in 0..t {
            for a in b..t {
                let block = &mut phi_st[(b * t + a) * q * q..(b * t + a + 1) * q * q];
                for d in &self.rows[b] {
                    for c in &self.rows[a] {
                        block[d.value * q + c.value] += c.weight * d.weight * phi[(c.column, d.column)];
                    }
                }
            }
        }
        let mut leverages = Blocks::zeros(self.patterns());
        for (index, pattern) in self.patterns().iter().enumerate() {
            let m = pattern.visits.len();
            let leverage = leverages.get_mut(index);
            for (j, &b) in pattern.visits.iter().enumerate() {
                for (i, &a) in pattern.visits.iter().enumerate().skip(j) {
                    let x = dot(&phi_st[(b * t + a) * q * q..(b * t + a + 1) * q * q], &pattern.zz);
                    leverage[j * m + i] = x;
                    leverage[i * m + j] = x;
                }
            }
        }
        leverages
    }
}

/// M_zz v.
fn product(pattern: &PatternMoments, v: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    for (column, &factor) in pattern.zz.chunks_exact(v.len()).zip(v) {
        if factor != 0.0 {
            out.iter_mut().zip(column).for_each(|(o, zz)| *o += zz * factor);
        }
    }
}

/// a'b, in four running sums so that the additions need not wait for each other.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a4.remainder().iter().zip(b4.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a4.zip(b4) {
        (0..4).for_each(|k| sums[k] += x[k] * y[k]);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}
