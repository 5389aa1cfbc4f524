//! One square matrix per pattern of visits, all in one piece of memory.

use super::kernels::trace_product;
use super::pattern::Pattern;

/// An m × m matrix for each pattern, column by column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Blocks {
    values: Vec<f64>,
    starts: Vec<usize>,
}

impl Blocks {
    /// Zeros.
    pub fn zeros(patterns: &[Pattern]) -> Self {
        let mut starts = Vec::with_capacity(patterns.len() + 1);
        let mut end = 0;
        starts.push(end);
        for pattern in patterns {
            end += pattern.size().pow(2);
            starts.push(end);
        }
        Self { values: vec![0.0; end], starts }
    }

    /// All elements, pattern after pattern.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Where the matrix of a pattern begins among all elements.
    pub fn start(&self, pattern: usize) -> usize {
        self.starts[pattern]
    }

    /// Makes every matrix an identity.
    pub fn set_identity(&mut self, patterns: &[Pattern]) {
        self.clear();
        for (index, pattern) in patterns.iter().enumerate() {
            self.get_mut(index).iter_mut().step_by(pattern.size() + 1).for_each(|x| *x = 1.0);
        }
    }

    /// The matrix of a pattern.
    pub fn get(&self, pattern: usize) -> &[f64] {
        &self.values[self.starts[pattern]..self.starts[pattern + 1]]
    }

    /// The matrix of a pattern.
    pub fn get_mut(&mut self, pattern: usize) -> &mut [f64] {
        &mut self.values[self.starts[pattern]..self.starts[pattern + 1]]
    }

    /// Sets every element to zero.
    pub fn clear(&mut self) {
        self.values.fill(0.0);
    }

    /// Σ_P tr(A_P B_P) of symmetric matrices.
    pub fn trace_product(&self, other: &Self) -> f64 {
        trace_product(&self.values, &other.values)
    }

    /// Runs `work` on every pattern's matrices of three, on several threads where there are; each belongs to one pattern, so
    /// that results are the same for any number of threads.
    pub fn each_of_three(three: [&mut Self; 3], work: impl Fn(usize, [&mut [f64]; 3]) + Sync) {
        let [a, b, c] = three;
        halves(&a.starts, 0, [&mut a.values, &mut b.values, &mut c.values], &work);
    }
}

fn halves(starts: &[usize], first: usize, three: [&mut [f64]; 3], work: &(impl Fn(usize, [&mut [f64]; 3]) + Sync)) {
    match starts.len() - 1 {
        0 => {}
        1 => work(first, three),
        count => {
            let middle = count / 2;
            let cut = starts[middle] - starts[0];
            let [(a, a_rest), (b, b_rest), (c, c_rest)] = three.map(|values| values.split_at_mut(cut));
            rayon::join(
                || halves(&starts[..=middle], first, [a, b, c], work),
                || halves(&starts[middle..], first + middle, [a_rest, b_rest, c_rest], work),
            );
        }
    }
}
