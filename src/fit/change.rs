//! Exact changes of what moments are measured from: another centre of a value, another origin of the outcome, fewer
//! values and visits.
//!
//! With z → Az and y_t → y_t − b_t'z, the products become AM_zzA', A(M_zy − M_zz B) and M_yy − B'M_zy − M_yz B +
//! B'M_zz B.

use super::moments::PatternMoments;

impl PatternMoments {
    /// The length q of z.
    fn values(&self) -> usize {
        self.zz.len().isqrt()
    }

    /// z_of → z_of + by · z_times, for positions in z.
    pub(crate) fn shear(&mut self, of: usize, times: usize, by: f64) {
        let q = self.values();
        for k in 0..q {
            self.zz[k * q + of] += by * self.zz[k * q + times];
        }
        for k in 0..q {
            self.zz[of * q + k] += by * self.zz[times * q + k];
        }
        for column in self.zy.chunks_exact_mut(q) {
            column[of] += by * column[times];
        }
    }

    /// y_t → y_t − b_t'z, `b` giving the q numbers of each visit of the schedule.
    pub(crate) fn subtract(&mut self, b: &[Vec<f64>]) {
        let (q, m) = (self.values(), self.visits.len());
        // M_zz b_t, before and after which M_zy is needed.
        let predicted: Vec<Vec<f64>> = self.visits.iter().map(|&t| self.times_zz(&b[t])).collect();
        for j in 0..m {
            for i in 0..m {
                let (bi, bj) = (&b[self.visits[i]], &b[self.visits[j]]);
                let zy = |k: usize| &self.zy[k * q..(k + 1) * q];
                self.yy[j * m + i] += dot(bi, &predicted[j]) - dot(bi, zy(j)) - dot(bj, zy(i));
            }
        }
        for (column, predicted) in self.zy.chunks_exact_mut(q).zip(&predicted) {
            column.iter_mut().zip(predicted).for_each(|(zy, p)| *zy -= p);
        }
    }

    fn times_zz(&self, b: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; b.len()];
        for (column, &factor) in self.zz.chunks_exact(b.len()).zip(b).filter(|(_, b)| **b != 0.0) {
            product.iter_mut().zip(column).for_each(|(p, zz)| *p += zz * factor);
        }
        product
    }

    /// Adds the sums of other patients of the same pattern, measured from the same.
    pub(crate) fn add(&mut self, other: &PatternMoments) {
        self.patients += other.patients;
        self.log_weights += other.log_weights;
        let add = |own: &mut [f64], more: &[f64]| own.iter_mut().zip(more).for_each(|(x, y)| *x += y);
        add(&mut self.zz, &other.zz);
        add(&mut self.zy, &other.zy);
        add(&mut self.yy, &other.yy);
    }

    /// The sums of the values of z at these positions only, with group and visits renumbered.
    pub(crate) fn restricted(&self, values: &[usize], group: usize, visits: Vec<usize>) -> Self {
        let q = self.values();
        let of_columns = |column: &[f64]| values.iter().map(|&k| column[k]).collect::<Vec<f64>>();
        Self {
            group,
            visits,
            patients: self.patients,
            zz: values.iter().flat_map(|&k| of_columns(&self.zz[k * q..(k + 1) * q])).collect(),
            zy: self.zy.chunks_exact(q.max(1)).flat_map(of_columns).collect(),
            yy: self.yy.clone(),
            log_weights: self.log_weights,
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
