//! The collapsed form of the model matrix: x_it = D_t z_i.

use super::coding::{Constraint, Part, Parts};
use super::columns::number_of;
use super::frame::Frame;
use super::*;
use crate::trial::Scope;
use std::collections::HashMap;

/// An entry of z: a product of parts, at one visit where any of them changes by visit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) struct Product {
    pub parts: Parts,
    pub visit: Option<usize>,
}

impl Frame {
    /// D_t, and the entries of z as products of parts, with the visit where they change by visit.
    pub fn collapse(&self, columns: &[Parts], constraint: Option<Constraint>) -> (Vec<Vec<Entry>>, Vec<Product>) {
        let mut products: Vec<Product> = vec![];
        let mut index: HashMap<Product, usize> = HashMap::new();
        // What a column had at the visit before, it has at most others too.
        let mut before: Vec<usize> = vec![usize::MAX; columns.len()];
        let mut entries = vec![vec![]; self.visits.len()];
        for (t, entries) in entries.iter_mut().enumerate() {
            for (column, parts) in columns.iter().enumerate() {
                let (weight, mut parts) = self.at_visit(parts, t, constraint);
                if weight == 0.0 {
                    continue;
                }
                parts.sort_unstable();
                let by_visit = parts.iter().any(|&(v, _)| self.known.variables[v].varies_by_visit());
                let key = Product { parts, visit: by_visit.then_some(t) };
                if products.get(before[column]) != Some(&key) {
                    before[column] = *index.entry(key.clone()).or_insert_with(|| {
                        products.push(key);
                        products.len() - 1
                    });
                }
                entries.push(Entry { column, value: before[column], weight });
            }
        }
        (entries, products)
    }

    /// A column at visit `t`: what depends on the visit alone as a weight, and the rest of the product.
    fn at_visit(&self, parts: &Parts, t: usize, constraint: Option<Constraint>) -> (f64, Parts) {
        let mut weight = 1.0;
        let mut rest = vec![];
        for &(v, part) in parts {
            let before_treatment = constraint.is_some_and(|c| c.arm == v && t <= c.baseline);
            let variable = &self.known.variables[v];
            weight *= match (variable.scope(), part) {
                (Scope::Visit, Part::Level(l)) => f64::from(u8::from(l == t)),
                (Scope::Visit, number) => number_of(&self.known.functions, v, number, variable.value(0, t, self.visits.len())),
                (_, Part::Level(l)) if before_treatment => f64::from(u8::from(l == 0)),
                _ => {
                    rest.push((v, part));
                    1.0
                }
            };
        }
        (weight, rest)
    }
}
