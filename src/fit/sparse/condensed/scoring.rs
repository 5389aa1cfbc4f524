//! A step of Fisher scoring in variances that are not negative.

use crate::fit::scaled_cholesky::ScaledCholesky;
use nalgebra::{DMatrix, DVector};

/// The equations of the step over Ψ, and room for them.
#[derive(Debug, Clone)]
pub(super) struct Scoring {
    matrix: DMatrix<f64>,
    factor: ScaledCholesky,
    rhs: DVector<f64>,
    step: DVector<f64>,
    /// The variances that the step makes zero.
    vanish: Vec<bool>,
}

impl Scoring {
    pub fn blank(k: usize) -> Self {
        let (matrix, rhs) = (DMatrix::zeros(k, k), DVector::zeros(k));
        Self { factor: ScaledCholesky::blank(k), step: rhs.clone(), vanish: vec![false; k], matrix, rhs }
    }

    /// Writes Λ where the step leads from `lambda`; `false` where the Hessian that is expected is not positive definite. It is a step in
    /// σ² and G, whose ratio is Ψ: `growth` tells by what σ² grows. Variances that would be negative become zero, and the others take
    /// the step that is best then.
    pub fn set_lambda(
        &mut self,
        expected: &DMatrix<f64>,
        gradient: &[f64],
        lambda: &[f64],
        growth: impl Fn(&DVector<f64>) -> f64,
        next: &mut [f64],
    ) -> bool {
        self.vanish.fill(false);
        loop {
            if !self.solve(expected, gradient, lambda) {
                return false;
            }
            let growth = growth(&self.step).max(0.1);
            let mut vanishes = false;
            for (x, (next, vanish)) in next.iter_mut().zip(&mut self.vanish).enumerate() {
                let left = if *vanish { 0.0 } else { lambda[x] * lambda[x] - self.step[x] / growth };
                vanishes |= left < 0.0;
                *vanish |= left < 0.0;
                *next = left.max(0.0).sqrt();
            }
            if !vanishes {
                return true;
            }
        }
    }

    /// Sets what is to be taken from Ψ: the solution for those that remain, and all of those that vanish.
    fn solve(&mut self, expected: &DMatrix<f64>, gradient: &[f64], lambda: &[f64]) -> bool {
        let k = gradient.len();
        self.matrix.copy_from(expected);
        self.rhs.copy_from_slice(gradient);
        for x in (0..k).filter(|&x| self.vanish[x]) {
            let psi = lambda[x] * lambda[x];
            for y in 0..k {
                if !self.vanish[y] {
                    self.rhs[y] -= expected[(y, x)] * psi;
                }
                (self.matrix[(x, y)], self.matrix[(y, x)]) = (0.0, 0.0);
            }
            (self.matrix[(x, x)], self.rhs[x]) = (expected[(x, x)], expected[(x, x)] * psi);
        }
        let definite = self.factor.set(&self.matrix);
        if definite {
            self.factor.solve(&self.rhs, &mut self.step);
        }
        definite
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The minimum of a quadratic over variances that are not negative, against all ways to leave some of them out.
    #[test]
    fn the_step_is_that_of_the_variances_that_remain() {
        let expected = DMatrix::from_row_slice(3, 3, &[4.0, 1.0, 0.5, 1.0, 3.0, -0.8, 0.5, -0.8, 2.0]);
        let lambda = [0.9, 0.5, 1.2];
        let mut vanished = 0;
        for gradient in [[0.3, -0.2, 0.1], [5.0, 0.4, -0.3], [6.0, 3.0, 0.2], [-1.0, 4.0, 9.0]] {
            let (mut scoring, mut next) = (Scoring::blank(3), [0.0; 3]);
            assert!(scoring.set_lambda(&expected, &gradient, &lambda, |_| 1.0, &mut next));
            let step: Vec<f64> = next.iter().zip(&lambda).map(|(n, l)| n * n - l * l).collect();
            let slope: Vec<f64> = (0..3).map(|x| gradient[x] + (0..3).map(|y| expected[(x, y)] * step[y]).sum::<f64>()).collect();
            for x in 0..3 {
                // The slope is zero inside, and leads outwards at zero.
                assert!(if next[x] > 0.0 { slope[x].abs() < 1e-12 } else { slope[x] > 0.0 }, "{gradient:?}: {next:?} {slope:?}");
                vanished += usize::from(next[x] == 0.0);
            }
        }
        assert_eq!(vanished, 5);
    }
}
