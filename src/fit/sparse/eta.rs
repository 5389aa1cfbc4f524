//! The parameters of a search: Λ with the effects of each term in the order of their size, so that what vanishes
//! stands last.
//!
//! Were the variance of a first effect to vanish, the elements below it and those after would turn into each other
//! without changing G, and Newton's steps would follow the bend of that valley.

use super::parameters::Parameters;

/// The order of the effects of every term, and what it makes of the parameters.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// Of each term.
    pub effects: Vec<Vec<usize>>,
    /// The element of Ψ that each element of the reordered one is.
    pub places: Vec<usize>,
    /// Room for the factor of one term.
    room: Vec<f64>,
}

impl Order {
    /// As the effects stand in the model.
    pub fn of(parameters: &Parameters) -> Self {
        let largest = parameters.sizes.iter().copied().max().unwrap_or(0);
        Self {
            effects: parameters.sizes.iter().map(|&k| (0..k).collect()).collect(),
            places: (0..parameters.len()).collect(),
            room: vec![0.0; largest * largest],
        }
    }

    /// Orders the effects by what Λ leaves of each, in units of 1/√scale, and writes η.
    pub fn set_eta(&mut self, parameters: &Parameters, scale: &[f64], lambda: &[f64], eta: &mut [f64]) {
        for (term, &k) in parameters.sizes.iter().enumerate() {
            if k == 1 {
                parameters.of_term(term).for_each(|(index, _)| eta[index] = lambda[index]);
                continue;
            }
            let rows = &mut self.room[..k * k];
            parameters.set_lower(term, lambda, rows);
            let unit = |a: usize| parameters.position(term, a, a).map_or(1.0, |index| scale[index]);
            if parameters.is_correlated(term) {
                order_by_size(rows, k, unit, &mut self.effects[term]);
            }
            let order = &self.effects[term];
            for (index, p) in parameters.of_term(term) {
                eta[index] = rows[p.a * k + p.b];
                let (a, b) = (order[p.a], order[p.b]);
                self.places[index] = parameters.position(term, a.max(b), a.min(b)).unwrap_or(index);
            }
        }
    }

    /// Writes Λ of η.
    pub fn set_lambda(&mut self, parameters: &Parameters, eta: &[f64], lambda: &mut [f64]) {
        lambda.copy_from_slice(eta);
        for (term, &k) in parameters.sizes.iter().enumerate() {
            let order = &self.effects[term];
            if order.is_sorted() {
                continue;
            }
            let rows = &mut self.room[..k * k];
            rows.fill(0.0);
            parameters.of_term(term).for_each(|(index, p)| rows[order[p.a] * k + p.b] = eta[index]);
            (0..k).for_each(|a| rotate_to_lower(rows, k, a));
            parameters.of_term(term).for_each(|(index, p)| lambda[index] = rows[p.a * k + p.b]);
        }
    }
}

/// Orders the rows of a factor, each after those that leave less of it, and turns its columns until it is lower
/// triangular again.
fn order_by_size(rows: &mut [f64], k: usize, unit: impl Fn(usize) -> f64, order: &mut [usize]) {
    order.iter_mut().enumerate().for_each(|(a, own)| *own = a);
    for a in 0..k {
        let left = |b: usize| unit(order[b]) * rows[b * k + a..(b + 1) * k].iter().map(|x| x * x).sum::<f64>();
        let mut largest = a;
        for b in a + 1..k {
            if left(b) > left(largest) {
                largest = b;
            }
        }
        order.swap(a, largest);
        (0..k).for_each(|c| rows.swap(a * k + c, largest * k + c));
        rotate_to_lower(rows, k, a);
    }
}

/// Turns columns a, a + 1, … so that row a has nothing beyond its diagonal.
fn rotate_to_lower(rows: &mut [f64], k: usize, a: usize) {
    for b in a + 1..k {
        let (x, y) = (rows[a * k + a], rows[a * k + b]);
        if y == 0.0 {
            continue;
        }
        let length = x.hypot(y);
        let (cos, sin) = (x / length, y / length);
        for row in rows.chunks_exact_mut(k) {
            let (p, q) = (row[a], row[b]);
            row[a] = cos * p + sin * q;
            row[b] = cos * q - sin * p;
        }
        rows[a * k + b] = 0.0;
    }
}
