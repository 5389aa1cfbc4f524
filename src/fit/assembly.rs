//! The way from sums over z to sums over columns: X'ΩX = Σ_st D_s K_st D_t', written out once as a list of products.

use super::moments::Rows;
use crate::covariance::lower;

/// One product of the list: element `source` of the packed K contributes to element `target` of the p × p result.
#[derive(Debug, Clone, Copy)]
struct Product {
    source: u32,
    target: u32,
    /// The factor of the contribution to the lower triangle of X'ΩX.
    gram: f64,
    /// The factor with which Φ\[target\] enters D_s'ΦD_t.
    leverage: f64,
}

/// All products of a design's entries, for packed K: a block for each pair of visits s ≥ t, in it the lower triangle
/// of a symmetric q × q.
#[derive(Debug, Clone)]
pub(crate) struct Assembly {
    products: Vec<Product>,
    /// The size of a block: q(q + 1)/2.
    pub block: usize,
    /// The number of elements of K.
    pub size: usize,
    columns: usize,
}

impl Assembly {
    /// The list for rows of a design with q values and p columns.
    pub fn new(rows: &Rows, values: usize, columns: usize) -> Self {
        let block = values * (values + 1) / 2;
        let mut products = vec![];
        for (s, row_s) in rows.iter().enumerate() {
            for (t, row_t) in rows.iter().enumerate().take(s + 1) {
                let first = lower(s, t) * block;
                for (i, c) in row_s.iter().enumerate() {
                    // On the diagonal of visits (c, d) comes up again as (d, c), and is taken once; off it (s, t)
                    // stands for (t, s) as well.
                    let others = if s == t { i + 1 } else { row_t.len() };
                    for d in &row_t[..others] {
                        let (above, below) = (c.column.max(d.column), c.column.min(d.column));
                        let weight = c.weight * d.weight;
                        let (gram, leverage) = match (s == t, c.column == d.column) {
                            (true, true) | (false, false) => (weight, weight),
                            (true, false) => (weight, 2.0 * weight),
                            (false, true) => (2.0 * weight, weight),
                        };
                        products.push(Product {
                            source: (first + lower(c.value.max(d.value), c.value.min(d.value))) as u32,
                            target: (below * columns + above) as u32,
                            gram,
                            leverage,
                        });
                    }
                }
            }
        }
        Self { products, block, size: rows.len() * (rows.len() + 1) / 2 * block, columns }
    }

    /// How many products an assembly takes.
    pub fn len(&self) -> usize {
        self.products.len()
    }

    /// X'ΩX, p × p with both triangles, from K.
    pub fn gram(&self, k: &[f64], gram: &mut [f64]) {
        gram.fill(0.0);
        for product in &self.products {
            gram[product.target as usize] += product.gram * k[product.source as usize];
        }
        super::kernels::mirror(gram, self.columns);
    }

    /// D_s'ΦD_t of all pairs, packed as K is, such that its inner product with a packed M_zz is Σ_i x_is'Φx_it.
    pub fn projected(&self, phi: &[f64], k: &mut [f64]) {
        k.fill(0.0);
        for product in &self.products {
            k[product.source as usize] += product.leverage * phi[product.target as usize];
        }
    }
}
