//! Random effects of multipliers at right angles.
//!
//! What multiplies the effects of a term may be far from zero, or nearly the same twice: `(1 + year | patient)`.
//! Intercept and slope are then all but confounded, at a year that nobody saw. With z' = zB, B unit upper triangular,
//! in which every multiplier has been freed of those before it, the effects are u = Bu' and their covariance G =
//! BG'B': the same model, and linear in G' as well.

use super::parameters::Parameters;
use super::small::multiply;
use crate::design::RandomTerm;
use nalgebra::DMatrix;
use std::borrow::Cow;

/// The multipliers of every term, and how its effects are those of the design.
#[derive(Debug)]
pub(super) struct Multipliers<'d> {
    /// z' of every term, in the order of the design's rows.
    pub z: Vec<Cow<'d, [f64]>>,
    pub turned: Turned,
}

/// How the effects of the fit are turned into those of the design.
#[derive(Debug, Clone)]
pub(super) struct Turned {
    /// B of every term, k × k row by row; `None` where nothing was changed.
    bases: Vec<Option<Vec<f64>>>,
    /// The parameters of G from those of G', and back; `None` where nothing was changed.
    maps: Option<(DMatrix<f64>, DMatrix<f64>)>,
}

impl<'d> Multipliers<'d> {
    /// Those of the random effects of a design. Effects without covariances stay what they are: others would have some.
    pub fn of(random: &'d [RandomTerm], parameters: &Parameters) -> Self {
        let (mut z, mut bases) = (vec![], vec![]);
        for (index, term) in random.iter().enumerate() {
            if parameters.is_correlated(index) {
                let (own, base) = at_right_angles(term);
                z.push(Cow::Owned(own));
                bases.push(Some(base));
            } else {
                z.push(Cow::Borrowed(&term.z[..]));
                bases.push(None);
            }
        }
        let maps = bases.iter().any(Option::is_some).then(|| (map(parameters, &bases), map(parameters, &inverses(&bases))));
        Self { z, turned: Turned { bases, maps } }
    }
}

/// z' and B of a term.
fn at_right_angles(term: &RandomTerm) -> (Vec<f64>, Vec<f64>) {
    let (k, mut z) = (term.size(), term.z.clone());
    let mut base = vec![0.0; k * k];
    (0..k).for_each(|a| base[a * k + a] = 1.0);
    for a in 1..k {
        for b in 0..a {
            let (cross, square) = z.chunks_exact(k).fold((0.0, 0.0), |(cross, square), z| (cross + z[a] * z[b], square + z[b] * z[b]));
            if cross == 0.0 || square == 0.0 {
                continue;
            }
            let by = cross / square;
            z.chunks_exact_mut(k).for_each(|z| z[a] -= by * z[b]);
            (0..k).for_each(|c| base[c * k + a] -= by * base[c * k + b]);
        }
    }
    (z, base)
}

fn inverses(bases: &[Option<Vec<f64>>]) -> Vec<Option<Vec<f64>>> {
    let inverse = |base: &Vec<f64>| {
        let k = base.len().isqrt();
        let mut inverse = vec![0.0; k * k];
        // Unit upper triangular, from the last row up.
        for a in (0..k).rev() {
            inverse[a * k + a] = 1.0;
            for c in a + 1..k {
                inverse[a * k + c] = -(a + 1..=c).map(|b| base[a * k + b] * inverse[b * k + c]).sum::<f64>();
            }
        }
        inverse
    };
    bases.iter().map(|base| base.as_ref().map(inverse)).collect()
}

/// The parameters of all BG'B' from those of G'.
fn map(parameters: &Parameters, bases: &[Option<Vec<f64>>]) -> DMatrix<f64> {
    let mut map = DMatrix::identity(parameters.len(), parameters.len());
    for (term, base) in bases.iter().enumerate() {
        let Some(base) = base else { continue };
        let k = parameters.sizes[term];
        for (row, to) in parameters.of_term(term) {
            for (column, from) in parameters.of_term(term) {
                let one = |c: usize, d: usize| base[to.a * k + c] * base[to.b * k + d];
                map[(row, column)] = one(from.a, from.b) + if from.a == from.b { 0.0 } else { one(from.b, from.a) };
            }
        }
    }
    map
}

impl Turned {
    /// The effects of a level of the design.
    pub fn effects(&self, term: usize, effects: &[f64]) -> Vec<f64> {
        let Some(base) = &self.bases[term] else { return effects.to_vec() };
        let mut own = vec![0.0; effects.len()];
        multiply(base, effects.len(), effects, &mut own);
        own
    }

    /// Their covariance.
    pub fn covariance(&self, term: usize, covariance: DMatrix<f64>) -> DMatrix<f64> {
        let Some(base) = &self.bases[term] else { return covariance };
        let base = DMatrix::from_row_slice(covariance.nrows(), covariance.nrows(), base);
        &base * covariance * base.transpose()
    }

    /// θ of the design from that of the fit.
    pub fn theta(&self, theta: &[f64]) -> Vec<f64> {
        let mut own = theta.to_vec();
        self.set_theta(theta, &mut own);
        own
    }

    /// The same into `own`.
    pub fn set_theta(&self, theta: &[f64], own: &mut [f64]) {
        own.copy_from_slice(theta);
        let Some((map, _)) = &self.maps else { return };
        for (x, row) in own[1..].iter_mut().zip(map.row_iter()) {
            *x = row.iter().zip(&theta[1..]).map(|(m, t)| m * t).sum();
        }
    }

    /// θ of the fit from that of the design.
    pub fn fitted(&self, theta: &[f64]) -> Vec<f64> {
        let Some((_, back)) = &self.maps else { return theta.to_vec() };
        let own = back * nalgebra::DVector::from_column_slice(&theta[1..]);
        std::iter::once(theta[0]).chain(own.iter().copied()).collect()
    }

    /// ∂θ'/∂θ.
    pub fn back(&self) -> Option<DMatrix<f64>> {
        let (_, back) = self.maps.as_ref()?;
        let n = back.nrows();
        let element = |x: usize, y: usize| if x == 0 || y == 0 { f64::from(x == y) } else { back[(x - 1, y - 1)] };
        Some(DMatrix::from_fn(n + 1, n + 1, element))
    }
}
