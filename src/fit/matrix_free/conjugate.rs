//! Conjugate gradients, and Lanczos's view of the spectrum (Golub & Van Loan 2013, Matrix Computations, ch. 10–11).

use super::super::kernels::{axpy, dot};
use nalgebra::DMatrix;

/// The share of the information about the covariance alone below which a direction counts as flat.
pub(super) const FLAT: f64 = 1e-6;
/// Products after which a solution is as good as rounding lets it be.
const MOST_PRODUCTS: usize = 400;

/// A solution of (H + damping) x = b, with room for its making.
#[derive(Debug, Clone)]
pub(super) struct Conjugate {
    pub x: Vec<f64>,
    residual: Vec<f64>,
    direction: Vec<f64>,
    product: Vec<f64>,
}

/// How a solution came about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Solved {
    /// Whether H + damping was positive in all directions that were met.
    pub definite: bool,
    /// The length of what is left of b, as a share of b's.
    pub residual: f64,
    /// Products taken.
    pub products: usize,
}

impl Conjugate {
    pub fn blank(size: usize) -> Self {
        let vector = || vec![0.0; size];
        Self { x: vector(), residual: vector(), direction: vector(), product: vector() }
    }

    /// Solves until what is left of b is this share of it, or a direction is met in which H + damping is not positive.
    pub fn solve(&mut self, b: &[f64], damping: f64, share: f64, mut times: impl FnMut(&[f64], &mut [f64])) -> Solved {
        let Self { x, residual, direction, product } = self;
        x.fill(0.0);
        residual.copy_from_slice(b);
        direction.copy_from_slice(b);
        let whole = dot(b, b);
        let (mut left, mut solved) = (whole, Solved { definite: true, residual: 0.0, products: 0 });
        while left > share * share * whole && solved.products < MOST_PRODUCTS {
            times(direction, product);
            axpy(product, damping, direction);
            solved.products += 1;
            let curvature = dot(direction, product);
            // A curvature that is not a number is not positive either.
            if curvature.is_nan() || curvature <= FLAT * dot(direction, direction) {
                solved.definite = false;
                break;
            }
            let length = left / curvature;
            axpy(x, length, direction);
            axpy(residual, -length, product);
            let next = dot(residual, residual);
            let turn = next / left;
            left = next;
            direction.iter_mut().zip(&*residual).for_each(|(d, r)| *d = r + turn * *d);
        }
        solved.residual = if whole > 0.0 { (left / whole).sqrt() } else { 0.0 };
        solved
    }
}

/// The smallest eigenvalue that so many products find, and a vector near its eigenvector. `start` must have a share in
/// every direction; with orthogonality kept up, what is small and apart from the rest is found first.
pub(super) fn smallest_eigenvalue(start: Vec<f64>, products: usize, mut times: impl FnMut(&[f64], &mut [f64])) -> (f64, Vec<f64>) {
    let norm = |v: &[f64]| dot(v, v).sqrt();
    let mut basis: Vec<Vec<f64>> = vec![];
    let (mut diagonal, mut beside): (Vec<f64>, Vec<f64>) = (vec![], vec![]);
    let (mut next, mut product) = (start, vec![]);
    for _ in 0..products {
        let length = norm(&next);
        next.iter_mut().for_each(|x| *x /= length);
        product.resize(next.len(), 0.0);
        times(&next, &mut product);
        diagonal.push(dot(&next, &product));
        basis.push(std::mem::take(&mut next));
        next = product.clone();
        for _ in 0..2 {
            for own in &basis {
                let share = dot(own, &next);
                axpy(&mut next, -share, own);
            }
        }
        beside.push(norm(&next));
        // All that the start has a share in has been seen.
        if beside[beside.len() - 1] <= 1e-10 * norm(&product) {
            break;
        }
    }
    let n = diagonal.len();
    let small = DMatrix::from_fn(n, n, |i, j| match i.abs_diff(j) {
        0 => diagonal[i],
        1 => beside[i.min(j)],
        _ => 0.0,
    });
    let eigen = small.symmetric_eigen();
    let (least, value) = eigen.eigenvalues.argmin();
    let mut vector = vec![0.0; basis.first().map_or(0, Vec::len)];
    basis.iter().zip(eigen.eigenvectors.column(least).iter()).for_each(|(own, &share)| axpy(&mut vector, share, own));
    (value, vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A symmetric matrix of spectrum 0.5 … 2 but for one eigenvalue.
    fn matrix(odd: f64) -> DMatrix<f64> {
        let n = 40;
        let q = DMatrix::from_fn(n, n, |i, j| ((i * 17 + j * 29) as f64).sin() + f64::from(i == j)).qr().q();
        let spectrum = DMatrix::from_fn(n, n, |i, j| {
            if i != j {
                0.0
            } else if i == 7 {
                odd
            } else {
                0.5 + 1.5 * i as f64 / n as f64
            }
        });
        &q * spectrum * q.transpose()
    }

    fn times(matrix: &DMatrix<f64>) -> impl FnMut(&[f64], &mut [f64]) {
        move |x, product| product.copy_from_slice((matrix * nalgebra::DVector::from_column_slice(x)).as_slice())
    }

    #[test]
    fn a_solution_is_that_of_the_matrix() {
        let a = matrix(1.0);
        let b: Vec<f64> = (0..40).map(|i| f64::from(i).cos()).collect();
        let mut own = Conjugate::blank(40);
        let solved = own.solve(&b, 0.25, 1e-13, times(&a));
        assert!(solved.definite && solved.residual <= 1e-13 && solved.products < 40, "{solved:?}");
        let damped = &a + DMatrix::identity(40, 40) * 0.25;
        let expected = damped.cholesky().expect("positive definite").solve(&nalgebra::DVector::from_column_slice(&b));
        assert!((nalgebra::DVector::from_column_slice(&own.x) - expected).amax() < 1e-12);
    }

    #[test]
    fn a_flat_direction_is_met_and_found() {
        let b: Vec<f64> = (0..40).map(|i| f64::from(i).cos()).collect();
        for odd in [-0.2, 0.0, 1e-8] {
            let a = matrix(odd);
            assert!(!Conjugate::blank(40).solve(&b, 0.0, 1e-12, times(&a)).definite, "{odd}");
            let (value, vector) = smallest_eigenvalue(b.clone(), 30, times(&a));
            assert!((value - odd).abs() < 1e-9, "{value} where {odd} is");
            let vector = nalgebra::DVector::from_vec(vector);
            assert!((&a * &vector - odd * &vector).norm() < 1e-4);
        }
        assert!(smallest_eigenvalue(b, 30, times(&matrix(1.0))).0 > 0.49);
    }
}
