//! Sums of squares b b' of vectors that are zero but in one of some sets of columns: what may be other than zero of the
//! lower triangle, and nothing else.

use std::collections::BTreeMap;

/// Where the elements stand.
#[derive(Debug)]
pub(super) struct Squares {
    /// For each set, the positions of its pairs of columns, row by row of the lower triangle; none where the one set has
    /// all columns, whose pairs stand one after the other.
    positions: Vec<Vec<usize>>,
    /// Where the diagonal is.
    diagonal: Vec<usize>,
    len: usize,
}

impl Squares {
    /// For sets out of so many columns.
    pub fn of(columns: usize, sets: &[Vec<usize>]) -> Self {
        if let [all] = sets
            && all.len() == columns
        {
            let diagonal = (0..columns).map(|i| i * (i + 3) / 2).collect();
            return Self { positions: vec![], diagonal, len: columns * (columns + 1) / 2 };
        }
        let (mut known, mut diagonal) = (BTreeMap::new(), vec![]);
        let mut position = |i: usize, j: usize| {
            let next = known.len();
            *known.entry((i, j)).or_insert_with(|| {
                if i == j {
                    diagonal.push(next);
                }
                next
            })
        };
        let of_set = |set: &Vec<usize>| -> Vec<usize> {
            let mut pairs = Vec::with_capacity(set.len() * (set.len() + 1) / 2);
            for (k, &i) in set.iter().enumerate() {
                pairs.extend(set[..=k].iter().map(|&j| position(i, j)));
            }
            pairs
        };
        let positions = sets.iter().map(of_set).collect();
        let len = known.len();
        Self { positions, diagonal, len }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Adds b b' of a vector that has numbers in the columns of a set.
    pub fn add(&self, set: usize, b: &[f64], sum: &mut [f64]) {
        match self.positions.get(set) {
            None => {
                let mut rest = sum;
                for (i, &factor) in b.iter().enumerate() {
                    let (row, later) = rest.split_at_mut(i + 1);
                    row.iter_mut().zip(b).for_each(|(s, x)| *s += factor * x);
                    rest = later;
                }
            }
            Some(positions) => {
                let mut positions = positions.as_slice();
                for (i, &factor) in b.iter().enumerate() {
                    let (row, later) = positions.split_at(i + 1);
                    row.iter().zip(b).for_each(|(&at, x)| sum[at] += factor * x);
                    positions = later;
                }
            }
        }
    }

    /// tr S and tr S² of a sum S.
    pub fn traces(&self, sum: &[f64]) -> (f64, f64) {
        let diagonal = || self.diagonal.iter().map(|&at| sum[at]);
        let squares: f64 = sum.iter().map(|x| x * x).sum();
        (diagonal().sum(), 2.0 * squares - diagonal().map(|x| x * x).sum::<f64>())
    }
}
