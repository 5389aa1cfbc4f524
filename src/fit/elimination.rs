//! The columns of the mean in an order in which eliminating one touches few others.
//!
//! A patient touches few columns of a factor of many levels, or of many arms: X'V⁻¹X is zero for two columns that nobody
//! touches both of. With the columns that few patients touch first, so is most of its factor L (George & Liu 1981,
//! Computer Solution of Large Sparse Positive Definite Systems, ch. 4–5), and of K = L⁻ᵀ, for which Φ = (X'V⁻¹X)⁻¹ =
//! KK': row c of K is zero but at the *path* of c, which leads from c to the first column that its column of L touches,
//! from there to the next, and so on (the elimination tree). XK then touches as few columns as X, and so do sums over
//! patients of products of its rows. Nothing here is rounded away: what is left out is zero whatever the numbers are.

use super::kernels::{axpy, dot};
use std::collections::BTreeSet;
use std::ops::Range;

/// What the order must save of the multiplications that it takes without one.
const SAVING: usize = 6;

/// An order of elimination and what is not zero in it.
#[derive(Debug, Clone)]
pub(crate) struct Elimination {
    /// The place of each column in the order.
    place: Vec<usize>,
    /// The column at each place.
    column: Vec<usize>,
    /// For each place the later places that its column of L touches, ascending.
    below: Lists,
    /// For each place its path, which begins with itself and ascends.
    path: Lists,
    /// For each place the columns on whose path it is, with where in K.
    under: Vec<Vec<(usize, usize)>>,
    /// The number of places at the end of every other place's path.
    shared: usize,
    /// The largest number of places on the paths of one set of columns.
    widest: usize,
}

/// Lists of positions, one after the other.
#[derive(Debug, Clone, Default)]
struct Lists {
    starts: Vec<usize>,
    items: Vec<usize>,
}

impl Lists {
    fn of(lists: impl Iterator<Item = Vec<usize>>) -> Self {
        let mut all = Self { starts: vec![0], items: vec![] };
        for list in lists {
            all.items.extend(list);
            all.starts.push(all.items.len());
        }
        all
    }

    fn range(&self, k: usize) -> Range<usize> {
        self.starts[k]..self.starts[k + 1]
    }

    fn get(&self, k: usize) -> &[usize] {
        &self.items[self.range(k)]
    }
}

/// K of one Φ: the elements that are not zero, path after path.
#[derive(Debug, Clone)]
pub(crate) struct Root(Vec<f64>);

impl Elimination {
    /// The number of columns below which nothing is gained.
    pub const FEW: usize = 40;

    /// For so many columns, of which the rows of one patient (or cluster) touch those of one set; `None` where that order
    /// saves little.
    pub fn of(columns: usize, touched: &BTreeSet<Vec<usize>>) -> Option<Self> {
        let widest = touched.iter().map(Vec::len).max().unwrap_or(columns);
        if columns < Self::FEW || widest * 2 > columns {
            return None;
        }
        let mut times = vec![0_usize; columns];
        touched.iter().flatten().for_each(|&c| times[c] += 1);
        let mut column: Vec<usize> = (0..columns).collect();
        column.sort_by_key(|&c| times[c]);
        let mut place = vec![0; columns];
        column.iter().enumerate().for_each(|(k, &c)| place[c] = k);
        let below = below(&place, touched, columns.pow(2) / SAVING)?;
        let mut path: Vec<Vec<usize>> = vec![vec![]; columns];
        let (mut products, mut elements) = (0, 0);
        for k in (0..columns).rev() {
            let mut own = vec![k];
            if let Some(&parent) = below[k].first() {
                own.extend_from_slice(&path[parent]);
            }
            elements += own.len();
            products += below[k].len().pow(2) + own.iter().map(|&j| below[j].len()).sum::<usize>();
            if products > columns.pow(3) / SAVING || elements > columns.pow(2) / SAVING {
                return None;
            }
            path[k] = own;
        }
        let shared = shared(&below);
        let path = Lists::of(path.into_iter());
        let mut under = vec![vec![]; columns];
        for k in 0..columns {
            path.range(k).zip(path.get(k)).for_each(|(at, &j)| under[j].push((column[k], at)));
        }
        let products: usize = under[..columns - shared].iter().map(|own| own.len().pow(2)).sum();
        if products > columns.pow(3) / SAVING {
            return None;
        }
        let mut order = Self { place, column, below: Lists::of(below.into_iter()), path, under, shared, widest: 0 };
        order.widest = touched.iter().map(|own| order.places(own).len()).max().unwrap_or(0);
        Some(order)
    }

    /// The largest number of columns of XK that rows of one set touch.
    pub fn widest(&self) -> usize {
        self.widest
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.column.len()
    }

    /// The multiplications of a solution with Φ.
    pub fn products(&self) -> usize {
        let squares: usize = self.under[..self.columns() - self.shared].iter().map(|own| own.len().pow(2)).sum();
        squares + self.columns().pow(2) * (self.shared + 4)
    }

    /// The number of elements of K.
    pub fn elements(&self) -> usize {
        self.path.items.len()
    }

    /// The places on the paths of these columns, ascending: those that rows of XK touch where rows of X touch the columns.
    pub fn places(&self, columns: &[usize]) -> Vec<usize> {
        let all: BTreeSet<usize> = columns.iter().flat_map(|&c| self.path.get(self.place[c])).copied().collect();
        all.into_iter().collect()
    }

    /// Row `column` of K: places and elements.
    pub fn row<'a>(&'a self, root: &'a Root, column: usize) -> impl Iterator<Item = (usize, f64)> + 'a {
        let own = self.path.range(self.place[column]);
        self.path.items[own.clone()].iter().copied().zip(root.0[own].iter().copied())
    }

    /// Factors a symmetric positive definite matrix, of which elements beside each other in some set of columns may be
    /// other than zero, and writes K and its Φ; returns log|·|, `None` where it is not positive definite. The matrix loses
    /// its meaning; `row` is as long as there are columns, and `rows` has such a row for every column that all share.
    pub fn solve(&self, a: &mut [f64], root: &mut [f64], phi: &mut [f64], (row, rows): (&mut [f64], &mut [f64])) -> Option<f64> {
        let log_determinant = self.factor(a)?;
        self.invert(a, root, row);
        self.square(root, phi, rows);
        Some(log_determinant)
    }

    /// The number of numbers that [`solve`](Self::solve) takes for `rows`.
    pub fn room(&self) -> usize {
        self.shared * self.columns()
    }

    /// Where element (i, j) of L stands, i at or below j.
    fn at(&self, i: usize, j: usize) -> usize {
        self.column[j] * self.columns() + self.column[i]
    }

    /// Replaces the elements that L may have by those that it has.
    fn factor(&self, a: &mut [f64]) -> Option<f64> {
        let (mut log_determinant, mut pivots) = (0.0, 1.0);
        for k in 0..self.columns() {
            let pivot = a[self.at(k, k)];
            if pivot <= 0.0 || !pivot.is_finite() {
                return None;
            }
            pivots *= pivot;
            if !(1e-100..1e100).contains(&pivots) {
                log_determinant += if pivots.is_normal() { pivots.ln() } else { (pivots / pivot).ln() + pivot.ln() };
                pivots = 1.0;
            }
            let own = pivot.sqrt();
            a[self.at(k, k)] = own;
            let below = self.below.get(k);
            below.iter().for_each(|&i| a[self.at(i, k)] /= own);
            for (first, &j) in below.iter().enumerate() {
                let l = a[self.at(j, k)];
                below[first..].iter().for_each(|&i| a[self.at(i, j)] -= l * a[self.at(i, k)]);
            }
        }
        Some(log_determinant + pivots.ln())
    }

    /// K, row by row: column c of L⁻¹ by substitution along the path of c.
    fn invert(&self, l: &[f64], root: &mut [f64], row: &mut [f64]) {
        for c in 0..self.columns() {
            row[c] = 1.0;
            for (x, &j) in root[self.path.range(c)].iter_mut().zip(self.path.get(c)) {
                *x = row[j] / l[self.at(j, j)];
                row[j] = 0.0;
                self.below.get(j).iter().for_each(|&i| row[i] -= l[self.at(i, j)] * *x);
            }
        }
    }

    /// Φ = KK'.
    fn square(&self, root: &[f64], phi: &mut [f64], rows: &mut [f64]) {
        let p = self.columns();
        let first = p - self.shared;
        rows.fill(0.0);
        for (row, own) in rows.chunks_exact_mut(p).zip(&self.under[first..]) {
            own.iter().for_each(|&(column, at)| row[column] = root[at]);
        }
        phi.fill(0.0);
        for (b, own) in phi.chunks_exact_mut(p).enumerate() {
            rows.chunks_exact(p).for_each(|row| axpy(own, row[b], row));
        }
        for own in &self.under[..first] {
            for &(b, at) in own {
                let factor = root[at];
                own.iter().for_each(|&(a, at)| phi[b * p + a] += factor * root[at]);
            }
        }
    }

    /// K of a Φ; `None` where it is not positive definite.
    pub fn root_of(&self, phi: &[f64]) -> Option<Root> {
        let p = self.columns();
        let mut root = vec![0.0; self.elements()];
        for j in (0..p).rev() {
            let own = self.path.range(j);
            let phi = &phi[self.column[j] * p..(self.column[j] + 1) * p];
            let later = own.start + 1..own.end;
            let pivot = phi[self.column[j]] - root[later.clone()].iter().map(|x| x * x).sum::<f64>();
            if pivot <= 0.0 || !pivot.is_finite() {
                return None;
            }
            let pivot = pivot.sqrt();
            root[own.start] = pivot;
            // What is behind j on the path of a column under it is the path of j.
            for &(column, at) in self.under[j].iter().filter(|(_, at)| *at != own.start) {
                let known = dot(&root[at + 1..at + own.len()], &root[later.clone()]);
                root[at] = (phi[column] - known) / pivot;
            }
        }
        Some(Root(root))
    }

    /// K'AK, in the order of places, of a symmetric A of which elements beside each other in some set of columns may be
    /// other than zero.
    pub fn between(&self, root: &Root, a: &[f64], product: &mut [f64]) {
        let p = self.columns();
        let (mut sums, mut seen, mut touched) = (vec![0.0; p], vec![false; p], vec![]);
        product.fill(0.0);
        for c in 0..p {
            // Row c of AK.
            let k = self.place[c];
            let of_lower = self.under_in_l(k);
            for d in self.below.get(k).iter().copied().chain(of_lower.iter().copied()).chain(std::iter::once(k)) {
                let factor = a[c * p + self.column[d]];
                if factor == 0.0 {
                    continue;
                }
                for at in self.path.range(d) {
                    let j = self.path.items[at];
                    if !seen[j] {
                        seen[j] = true;
                        touched.push(j);
                    }
                    sums[j] += factor * root.0[at];
                }
            }
            for at in self.path.range(k) {
                let (j, factor) = (self.path.items[at], root.0[at]);
                touched.iter().for_each(|&i| product[j * p + i] += factor * sums[i]);
            }
            touched.drain(..).for_each(|i| (sums[i], seen[i]) = (0.0, false));
        }
    }

    /// The places whose columns of L touch a place.
    fn under_in_l(&self, k: usize) -> Vec<usize> {
        let own = |&(column, _): &(usize, usize)| self.place[column];
        self.under[k].iter().map(own).filter(|&j| j != k && self.below.get(j).binary_search(&k).is_ok()).collect()
    }
}

/// For each place the later places that its column of L touches; `None` where they are too many.
fn below(place: &[usize], touched: &BTreeSet<Vec<usize>>, most: usize) -> Option<Vec<Vec<usize>>> {
    let p = place.len();
    // Of a set of columns that are eliminated one after the other, the first sees the others, and hands them on.
    let mut handed: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); p];
    for own in touched {
        let first = own.iter().map(|&c| place[c]).min();
        if let Some(first) = first {
            handed[first].extend(own.iter().map(|&c| place[c]).filter(|&k| k != first));
        }
    }
    let (mut below, mut elements) = (Vec::with_capacity(p), 0);
    for k in 0..p {
        let own: Vec<usize> = std::mem::take(&mut handed[k]).into_iter().collect();
        elements += own.len();
        if elements > most {
            return None;
        }
        if let Some((&parent, rest)) = own.split_first() {
            handed[parent].extend(rest.iter().copied());
        }
        below.push(own);
    }
    Some(below)
}

/// The number of places at the end that are on the path of every other place.
fn shared(below: &[Vec<usize>]) -> usize {
    let p = below.len();
    let mut children = vec![0; p];
    below.iter().filter_map(|own| own.first()).for_each(|&parent| children[parent] += 1);
    if below.iter().filter(|own| own.is_empty()).count() != 1 {
        return 0;
    }
    // From the last place down, as long as there is one way.
    let mut count = 1;
    while count < p && children[p - count] == 1 && below[p - count - 1].first() == Some(&(p - count)) {
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    /// Levels of three columns each, some of which are tied to others, and four columns that all touch.
    fn touched(levels: usize) -> BTreeSet<Vec<usize>> {
        let own = |l: usize| [3 * l, 3 * l + 1, 3 * l + 2];
        let beside = |l: usize| if l % 5 == 1 { vec![3 * (l - 1)] } else { vec![] };
        (0..levels).map(|l| own(l).into_iter().chain(beside(l)).chain(3 * levels..3 * levels + 4).collect()).collect()
    }

    #[test]
    fn the_inverse_its_root_and_the_determinant_are_those_of_the_matrix() {
        let sets = touched(20);
        let p = 64;
        let mut a = DMatrix::<f64>::identity(p, p);
        for (s, own) in sets.iter().enumerate() {
            let v = |c: usize| 0.3 + ((c * 7 + s * 3) % 11) as f64 / 10.0;
            own.iter().for_each(|&i| own.iter().for_each(|&j| a[(i, j)] += v(i) * v(j)));
        }
        let elimination = Elimination::of(p, &sets).expect("it saves");
        let (mut work, mut root, mut phi) = (a.clone(), vec![0.0; elimination.elements()], DMatrix::zeros(p, p));
        let (mut row, mut rows) = (vec![0.0; p], vec![0.0; elimination.room()]);
        let log_determinant =
            elimination.solve(work.as_mut_slice(), &mut root, phi.as_mut_slice(), (&mut row, &mut rows)).expect("positive definite");
        let expected = a.clone().cholesky().expect("positive definite");
        assert!((log_determinant - 2.0 * expected.l().diagonal().map(f64::ln).sum()).abs() < 1e-10);
        assert!((&phi - expected.inverse()).abs().max() < 1e-12);
        let again = elimination.root_of(phi.as_slice()).expect("positive definite");
        root.iter().zip(&again.0).for_each(|(x, y)| assert!((x - y).abs() < 1e-10));
        let mut k = DMatrix::zeros(p, p);
        (0..p).for_each(|c| elimination.row(&again, c).for_each(|(place, x)| k[(c, place)] = x));
        assert!((&k * k.transpose() - phi).abs().max() < 1e-12);
        let mut between = DMatrix::zeros(p, p);
        elimination.between(&again, a.as_slice(), between.as_mut_slice());
        assert!((between - DMatrix::identity(p, p)).abs().max() < 1e-10);
    }

    #[test]
    fn where_all_touch_all_there_is_no_order() {
        let all: BTreeSet<Vec<usize>> = std::iter::once((0..80).collect()).collect();
        assert!(Elimination::of(80, &all).is_none());
    }
}
