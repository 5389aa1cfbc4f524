//! The terms of a Hessian that a search doesn't compute at every step, H = L + C with L computed and C not.
//!
//! C is computed once, or given from elsewhere, or nothing; and every step tells more of it. The gradient moves along a step d
//! by ½(H + H₊)d but for terms of third order, and what it moves by beyond that with the C in use is what C lacks along d. The
//! change that has it, and is otherwise smallest in the metric of the Hessian, is that of Dennis, Gay & Welsch (1981, ACM TOMS
//! 7:348–368, section 3): with y the difference of the gradients and r = y − ½(H + H₊)d,
//!
//! ```text
//! C₊ = C + (r y' + y r')/(y'd) − (r'd) y y'/(y'd)²
//! ```
//!
//! so that a search converges faster than linearly although C was computed only once, or never.

use super::curvature::Curvature;
use nalgebra::{DMatrix, DVector};

/// C, and how it is known.
#[derive(Debug, Clone)]
pub(crate) struct Correction {
    matrix: DMatrix<f64>,
    /// Whether it has been computed, here or elsewhere.
    computed: bool,
    /// Whether steps have told of it.
    learnt: bool,
    /// η for which it was given, until it is carried from there.
    given_at: Option<Vec<f64>>,
    /// Room for that.
    spare: Option<Vec<f64>>,
    last: Step,
}

/// The last step, and what was known where it began.
#[derive(Debug, Clone)]
struct Step {
    taken: bool,
    hessian: DMatrix<f64>,
    gradient: DVector<f64>,
    step: DVector<f64>,
    /// y and r.
    moved: DVector<f64>,
    rest: DVector<f64>,
}

impl Correction {
    /// Nothing known.
    pub fn unknown(parameters: usize) -> Self {
        let (vector, square) = (|| DVector::zeros(parameters), || DMatrix::zeros(parameters, parameters));
        let last = Step { taken: false, hessian: square(), gradient: vector(), step: vector(), moved: vector(), rest: vector() };
        Self { matrix: square(), computed: false, learnt: false, given_at: None, spare: Some(vec![0.0; parameters]), last }
    }

    /// C, where anything is known of it.
    pub fn known(&self) -> Option<&DMatrix<f64>> {
        (self.computed || self.learnt).then_some(&self.matrix)
    }

    /// Whether it has been computed and not been found outdated.
    pub fn is_computed(&self) -> bool {
        self.computed
    }

    /// Forgets all.
    pub fn forget(&mut self) {
        self.matrix.fill(0.0);
        (self.computed, self.learnt, self.last.taken) = (false, false, false);
        self.spare = self.given_at.take().or(self.spare.take());
    }

    /// Takes C as it is at η.
    pub fn give(&mut self, matrix: &DMatrix<f64>, eta: &[f64]) {
        self.forget();
        self.matrix.copy_from(matrix);
        self.computed = true;
        self.given_at = self.spare.take();
        if let Some(at) = &mut self.given_at {
            at.copy_from_slice(eta);
        }
    }

    /// Lets `set` compute it.
    pub fn compute(&mut self, set: impl FnOnce(&mut DMatrix<f64>)) {
        self.forget();
        set(&mut self.matrix);
        self.computed = true;
    }

    /// Lets `carry` move what was given from there to where the search stands; once.
    pub fn carry(&mut self, carry: impl FnOnce(&[f64], &mut DMatrix<f64>)) {
        if let Some(at) = self.given_at.take() {
            carry(&at, &mut self.matrix);
            (self.spare, self.last.taken) = (Some(at), false);
        }
    }

    /// Notes what is known where a search stands.
    pub fn stand(&mut self, curvature: &Curvature) {
        self.last.hessian.copy_from(&curvature.hessian);
        self.last.gradient.copy_from(&curvature.gradient);
        self.last.taken = false;
    }

    /// Notes the step from there.
    pub fn step(&mut self, from: &[f64], to: &[f64]) {
        self.last.step.iter_mut().zip(from).zip(to).for_each(|((step, from), to)| *step = to - from);
        self.last.taken = true;
    }

    /// Learns from the last step, given what is known where it ended, the Hessian with C as known; changes both.
    pub fn learn(&mut self, curvature: &mut Curvature) {
        let Step { taken, hessian, gradient, step, moved, rest } = &mut self.last;
        if !std::mem::take(taken) {
            return;
        }
        moved.copy_from(&curvature.gradient);
        *moved -= &*gradient;
        let along = moved.dot(step);
        // A direction in which −2ℓ is not convex tells nothing of the optimum; what is not a number, nothing at all.
        if along.is_nan() || along <= 0.0 {
            return;
        }
        rest.copy_from(moved);
        for ((of_start, of_end), &d) in columns_of(hessian).zip(columns_of(&curvature.hessian)).zip(step.iter()) {
            let ends = of_start.iter().zip(of_end);
            rest.as_mut_slice().iter_mut().zip(ends).for_each(|(r, (start, end))| *r -= 0.5 * d * (start + end));
        }
        let lacking = rest.dot(step) / along;
        let (n, moved, rest) = (step.len().max(1), moved.as_slice(), rest.as_slice());
        let columns = self.matrix.as_mut_slice().chunks_exact_mut(n).zip(curvature.hessian.as_mut_slice().chunks_exact_mut(n));
        for ((c, h), (&y, &r)) in columns.zip(moved.iter().zip(rest)) {
            let (of_rest, of_moved) = (y / along, (r - lacking * y) / along);
            for ((c, h), (y, r)) in c.iter_mut().zip(h).zip(moved.iter().zip(rest)) {
                let change = r * of_rest + y * of_moved;
                *c += change;
                *h += change;
            }
        }
        self.learnt = true;
    }
}

fn columns_of(matrix: &DMatrix<f64>) -> impl Iterator<Item = &[f64]> {
    matrix.as_slice().chunks_exact(matrix.nrows().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quadratic −2ℓ, of whose Hessian only the diagonal is computed: as many steps as there are parameters, and the
    /// correction has the rest along every one of them.
    #[test]
    fn steps_tell_what_is_left_out() {
        let n = 4;
        let whole = DMatrix::from_fn(n, n, |i, j| if i == j { 3.0 + i as f64 } else { 0.4 / (1.0 + (i + j) as f64) });
        let leading = DMatrix::from_diagonal(&whole.diagonal());
        let mut correction = Correction::unknown(n);
        assert!(correction.known().is_none());
        let mut at = DVector::from_fn(n, |i, _| 1.0 + i as f64);
        let mut lengths = vec![];
        for _ in 0..7 {
            let mut curvature = Curvature { gradient: &whole * &at, hessian: leading.clone() };
            if let Some(known) = correction.known() {
                curvature.hessian += known;
            }
            correction.learn(&mut curvature);
            correction.stand(&curvature);
            let step = -curvature.hessian.clone().lu().solve(&curvature.gradient).expect("regular");
            let next = &at + &step;
            correction.step(at.as_slice(), next.as_slice());
            // What was learnt along the last step holds exactly.
            if let (Some(known), true) = (correction.known(), correction.last.taken) {
                assert!((known - known.transpose()).amax() < 1e-14);
            }
            at = next;
            lengths.push(at.norm());
        }
        // Without the correction the error falls by a fifth at a time.
        assert!(lengths[6] < 1e-9 * lengths[0], "{lengths:?}");
        let known = correction.known().expect("learnt").clone();
        correction.give(&known, &[1.0; 4]);
        assert!(correction.is_computed());
        let mut from = vec![];
        correction.carry(|at, matrix| {
            from = at.to_vec();
            *matrix *= 2.0;
        });
        assert_eq!((from, correction.known()), (vec![1.0; 4], Some(&(2.0 * &known))));
        correction.carry(|_, _| panic!("it has been carried"));
        correction.forget();
        assert!(correction.known().is_none());
    }
}
