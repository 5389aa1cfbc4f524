//! Which columns of the model matrix the others determine, and which linear combinations the data determine.
//!
//! Columns are taken in order, so that of a dependent set the last is aliased, as in R and SAS. The decision rests on
//! a Cholesky decomposition of X'X in twice the working precision: a column is aliased when what the earlier columns
//! leave of it is below 1e-7 of its own size, measured with numbers centred at their mean, so that neither unit nor
//! origin of a covariate matters.

use super::double_double::{DoubleDouble, product};
use super::{Account, Columns, Rows};
use nalgebra::{Cholesky, DMatrix};

/// The smallest share of a column that the earlier columns may leave for it to count as independent. R's `lm` has
/// 1e-7, for it works in double precision throughout; here what is left keeps its digits (see `nearness`), and a share of
/// 1e-9 is a million times what rounding leaves of values that are truly dependent.
const SMALLEST_SHARE: f64 = 1e-9;
/// The same where X'X comes from sums in working precision, whose rounding is 1e-15 of a squared column.
const SMALLEST_SHARE_OF_SUMS: f64 = 3e-7;
/// Below this share of the uncentred size, what is left is rounding of the data.
const ROUNDING_SHARE: f64 = 1e-13;
/// Coefficients of a dependency whose contribution is below this share of the column are zero.
const SMALLEST_CONTRIBUTION: f64 = 1e-8;

/// A column of the model matrix that is a linear combination of earlier ones.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AliasedColumn {
    /// The column, as a position among the design's columns.
    pub column: usize,
    /// The earlier columns it is made of, with their coefficients; none when it is zero in every analysed row.
    pub of: Vec<(usize, f64)>,
}

impl AliasedColumn {
    /// l times the dependency, which is zero where l'β is estimable, and the sum of the sizes of its terms.
    fn product(&self, l: &[f64]) -> (f64, f64) {
        let terms = self.of.iter().map(|&(k, c)| -c * l[k]).chain([l[self.column]]);
        terms.fold((0.0, 0.0), |(sum, size), term: f64| (sum + term, size + term.abs()))
    }

    /// What it depends on, without coefficients: ``column `siteC` is aliased with (Intercept), siteB``.
    pub(crate) fn clause(&self, columns: &Columns) -> String {
        let name = &columns[self.column].name;
        let others: Vec<&str> = self.of.iter().map(|&(c, _)| columns[c].name.as_str()).collect();
        match others.is_empty() {
            true => format!("column `{name}` is zero for everyone analysed"),
            false => format!("column `{name}` is aliased with {}", others.join(", ")),
        }
    }

    /// The dependency in names, e.g. ``column `siteC` is not estimable: it equals (Intercept) − siteB``.
    pub fn sentence(&self, columns: &Columns) -> String {
        let name = |c: usize| columns.list.get(c).map_or("?", |c| c.name.as_str());
        if self.of.is_empty() {
            return format!("column `{}` is not estimable: it is zero in every analysed observation", name(self.column));
        }
        format!("column `{}` is not estimable: it equals {}", name(self.column), combination(&self.of, columns))
    }
}

/// `(Intercept) − siteB + 2 × age`.
pub(super) fn combination(of: &[(usize, f64)], columns: &Columns) -> String {
    let mut combination = String::new();
    for (k, &(column, coefficient)) in of.iter().enumerate() {
        let sign = match (k, coefficient < 0.0) {
            (0, false) => "",
            (0, true) => "−",
            (_, false) => " + ",
            (_, true) => " − ",
        };
        let size = if coefficient.abs() == 1.0 { String::new() } else { format!("{} × ", shortest(coefficient.abs())) };
        combination.push_str(&format!("{sign}{size}{}", columns.list.get(column).map_or("?", |c| c.name.as_str())));
    }
    combination
}

fn shortest(x: f64) -> String {
    let text = format!("{x:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

impl Account {
    /// As many independent combinations of `rows` as are estimable. Rows are kept as they are where that is possible;
    /// otherwise the first row that a dependency touches is taken from the later ones and left out.
    pub(crate) fn estimable_part(&self, mut rows: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
        for alias in &self.aliased {
            let touched = |l: &[f64]| {
                let (sum, size) = alias.product(l);
                (sum.abs() > SMALLEST_CONTRIBUTION * size).then_some(sum)
            };
            let Some(pivot) = rows.iter().position(|l| touched(l).is_some()) else { continue };
            let eliminated = rows.remove(pivot);
            let Some(own) = touched(&eliminated) else { continue };
            for row in &mut rows {
                if let Some(sum) = touched(row) {
                    row.iter_mut().zip(&eliminated).for_each(|(x, e)| *x -= sum / own * e);
                }
            }
        }
        rows
    }

    /// The first aliased column that leaves l'β undetermined.
    pub(crate) fn undetermined_by(&self, l: &[f64]) -> Option<&AliasedColumn> {
        let clashes = |a: &&AliasedColumn| {
            let (sum, size) = a.product(l);
            sum.abs() > SMALLEST_CONTRIBUTION * size
        };
        self.aliased.iter().find(clashes)
    }
}

/// Σ z z' at each visit: what is left of the patients in a fit from moments.
#[derive(Debug)]
pub(crate) struct ValueSums {
    /// For each visit q × q, column by column; z as measured from its centres.
    pub products: Vec<Vec<f64>>,
    /// Values that are a number times an indicator: the position of the indicator and the multiple of it that was
    /// taken away.
    pub centres: Vec<Option<(usize, f64)>>,
    /// How many observations there are.
    pub observations: usize,
}

/// Solves for the coefficients of column `j` on the independent columns before it.
fn dependency(l: &[DoubleDouble], independent: &[usize], j: usize, scaled: &ScaledGram) -> Vec<(usize, f64)> {
    let p = scaled.scale.len();
    let mut coefficients = vec![DoubleDouble::default(); independent.len()];
    for at in (0..independent.len()).rev() {
        let k = independent[at];
        let later = (at + 1..independent.len()).fold(l[j * p + k], |sum, m| sum - l[independent[m] * p + k] * coefficients[m]);
        coefficients[at] = later / l[k * p + k];
    }
    let size = scaled.gram[j * p + j].to_f64().sqrt();
    let contributes = |&(k, c): &(usize, f64)| c.abs() * scaled.gram[k * p + k].to_f64().sqrt() > SMALLEST_CONTRIBUTION * size;
    let unscaled = |(k, c): (usize, f64)| {
        let c = c * scaled.scale[j] / scaled.scale[k];
        // Dependencies of dummies have whole coefficients; rounding would only blur them.
        (k, if (c - c.round()).abs() < 1e-10 * c.abs() { c.round() } else { c })
    };
    independent.iter().zip(&coefficients).map(|(&k, c)| (k, c.to_f64())).filter(contributes).map(unscaled).collect()
}

/// X'X of columns scaled by powers of two (which is exact) to about unit size.
#[derive(Debug)]
pub(crate) struct ScaledGram {
    gram: Vec<DoubleDouble>,
    /// Squared size of each scaled column with its numbers centred.
    centred: Vec<f64>,
    /// Column = scale × scaled column.
    pub scale: Vec<f64>,
    /// The smallest share of a column that others may leave.
    smallest_share: f64,
}

/// The Cholesky factor of X'X taken column by column in a given order.
pub(super) struct Elimination {
    /// Element j·p + k: what the independent column k, by itself, has in column j.
    pub factor: Vec<DoubleDouble>,
    /// The columns that those before them in the order do not determine, in that order.
    pub independent: Vec<usize>,
}

impl ScaledGram {
    pub(crate) fn of_rows(columns: &Columns, rows: &Rows) -> Self {
        let q = columns.values;
        let largest = |k: usize| rows.z.iter().skip(k).step_by(q.max(1)).fold(0.0, |m, z| f64::max(m, z.abs()));
        let scale: Vec<f64> = (0..q).map(|k| power_of_two(largest(k))).collect();
        let means = value_means(&rows.z, &scale);
        let mut moments = visit_moments(rows, columns.visits.len(), &scale, &means);
        Self::of_visits(columns, &scale, SMALLEST_SHARE, |t| std::mem::take(&mut moments[t]))
    }

    /// Where only sums are left of the patients: counts of indicators are exact in them; what numbers leave of each
    /// other is known to the rounding of the sums.
    pub(crate) fn of_sums(columns: &Columns, sums: &ValueSums) -> Self {
        let scale: Vec<f64> = (0..columns.values).map(|k| power_of_two(sums.mean_square(k).sqrt())).collect();
        Self::of_visits(columns, &scale, SMALLEST_SHARE_OF_SUMS, |t| sums.at_visit(t, &scale))
    }

    /// Whether every column is far from being determined by those before it, as working precision tells surely and
    /// fast: the decision needs no more digits then.
    pub(super) fn is_well_conditioned(&self) -> bool {
        const FAR: f64 = 0.05;
        let p = self.scale.len();
        let unit: Vec<f64> = (0..p).map(|j| 1.0 / self.size(j)).collect();
        let scaled = DMatrix::from_fn(p, p, |i, j| self.gram[i.max(j) * p + i.min(j)].to_f64() * unit[i] * unit[j]);
        unit.iter().all(|u| u.is_finite())
            && Cholesky::new(scaled).is_some_and(|factor| factor.l_dirty().diagonal().iter().all(|&pivot| pivot > FAR))
    }

    /// The columns taken in their order.
    pub(super) fn in_order(&self) -> Elimination {
        self.eliminated(0..self.scale.len())
    }

    /// The columns that earlier ones determine.
    pub(super) fn aliased(&self, elimination: &Elimination) -> Vec<AliasedColumn> {
        let independent = &elimination.independent;
        let dependent = (0..self.scale.len()).filter(|j| !independent.contains(j));
        let before = |j: usize| independent.iter().take_while(|&&k| k < j).count();
        dependent.map(|j| AliasedColumn { column: j, of: self.dependency(elimination, &independent[..before(j)], j) }).collect()
    }

    /// The coefficients of column `j` on independent ones before it.
    pub(super) fn dependency(&self, elimination: &Elimination, before: &[usize], j: usize) -> Vec<(usize, f64)> {
        dependency(&elimination.factor, before, j, self)
    }

    /// The size of a scaled column.
    pub(super) fn size(&self, j: usize) -> f64 {
        self.gram[j * self.scale.len() + j].to_f64().sqrt()
    }

    /// The squared size of a scaled column with its numbers centred.
    pub(super) fn centred(&self, j: usize) -> f64 {
        self.centred[j]
    }

    /// From Σ z z' (its lower triangle, row by row) and Σ (z − mean)² at each visit, z in units of `value_scale`.
    fn of_visits(columns: &Columns, value_scale: &[f64], smallest_share: f64, mut visit: impl FnMut(usize) -> VisitMoments) -> Self {
        let (p, q) = (columns.len(), columns.values);
        let mut scale = vec![0.0; p];
        for e in columns.entries.iter().flatten() {
            scale[e.column] = f64::max(scale[e.column], power_of_two(e.weight) * value_scale[e.value]);
        }
        scale.iter_mut().filter(|s| **s == 0.0).for_each(|s| *s = 1.0);
        let mut gram = vec![DoubleDouble::default(); p * p];
        let mut centred = vec![0.0; p];
        for (t, entries) in columns.entries.iter().enumerate() {
            let (moments, spread) = visit(t);
            for a in entries {
                let wa = a.weight * value_scale[a.value] / scale[a.column];
                centred[a.column] += wa * wa * spread[a.value];
                for b in entries.iter().take_while(|b| b.column <= a.column) {
                    let wb = b.weight * value_scale[b.value] / scale[b.column];
                    let at = a.column * p + b.column;
                    gram[at] = gram[at] + product(wa, wb) * moments[a.value.max(b.value) * q + a.value.min(b.value)];
                }
            }
        }
        Self { gram, centred, scale, smallest_share }
    }

    /// Takes the columns in this order, each free of those before it.
    pub(super) fn eliminated(&self, order: impl IntoIterator<Item = usize>) -> Elimination {
        let p = self.scale.len();
        let at = |j: usize, k: usize| self.gram[j.max(k) * p + j.min(k)];
        let mut factor = vec![DoubleDouble::default(); p * p];
        let mut independent: Vec<usize> = vec![];
        for j in order {
            for (before, &k) in independent.iter().enumerate() {
                let inner = independent[..before].iter().fold(at(j, k), |sum, &m| sum - factor[j * p + m] * factor[k * p + m]);
                factor[j * p + k] = inner / factor[k * p + k];
            }
            let left = independent.iter().fold(at(j, j), |sum, &m| sum - factor[j * p + m] * factor[j * p + m]);
            let smallest = (self.smallest_share.powi(2) * self.centred[j]).max(ROUNDING_SHARE.powi(2) * at(j, j).to_f64());
            if left.to_f64() > smallest {
                factor[j * p + j] = left.sqrt();
                independent.push(j);
            }
        }
        Elimination { factor, independent }
    }
}

/// The power of two next below |x|; 1 for 0.
pub(super) fn power_of_two(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() { 1.0 } else { x.abs().log2().floor().clamp(-1000.0, 1000.0).exp2() }
}

/// The mean of the non-zero numbers of each scaled value (zero is what a product with an indicator is elsewhere);
/// `None` for indicators, whose origin means something.
fn value_means(z: &[f64], scale: &[f64]) -> Vec<Option<f64>> {
    let q = scale.len();
    let mean = |k: usize| {
        let values = || z.iter().skip(k).step_by(q).filter(|z| **z != 0.0);
        if values().all(|z| *z == scale[k]) {
            return None;
        }
        let (sum, count) = values().fold((0.0, 0), |(sum, count), z| (sum + z / scale[k], count + 1));
        Some(sum / f64::from(count.max(1)))
    };
    (0..q).map(mean).collect()
}

/// Σ z z' (its lower triangle, row by row) over the patients seen at a visit, and Σ (z − mean)².
type VisitMoments = (Vec<DoubleDouble>, Vec<f64>);

/// Those of every visit.
fn visit_moments(rows: &Rows, visits: usize, scale: &[f64], means: &[Option<f64>]) -> Vec<VisitMoments> {
    let q = scale.len();
    let mut moments = vec![(vec![DoubleDouble::default(); q * q], vec![0.0; q]); visits];
    // Indicators are counted, which is exact; what a patient adds is the same at every visit.
    let mut counts = vec![0.0; visits * q * q];
    let (mut indicators, mut products, mut spreads) = (vec![], vec![], vec![]);
    for (z, y) in rows.z.chunks_exact(q.max(1)).zip(rows.y.chunks_exact(visits)) {
        indicators.clear();
        indicators.extend((0..q).filter(|&a| means[a].is_none() && z[a] != 0.0));
        set_products_of_numbers(z, scale, means, &mut products, &mut spreads);
        let seen = moments.iter_mut().zip(counts.chunks_exact_mut((q * q).max(1))).zip(y).filter(|(_, y)| !y.is_nan());
        for (((sums, spread), counts), _) in seen {
            for (before, &a) in indicators.iter().enumerate() {
                let counts = &mut counts[a * q..(a + 1) * q];
                indicators[..=before].iter().for_each(|&b| counts[b] += 1.0);
            }
            spreads.iter().for_each(|&(a, own)| spread[a] += own);
            products.iter().for_each(|&(at, own)| sums[at] = sums[at] + own);
        }
    }
    for ((sums, spread), counts) in moments.iter_mut().zip(counts.chunks_exact((q * q).max(1))) {
        let pairs = (0..q).filter(|&a| means[a].is_none()).flat_map(|a| (0..=a).map(move |b| (a, b)));
        pairs.filter(|&(_, b)| means[b].is_none()).for_each(|(a, b)| sums[a * q + b] = counts[a * q + b].into());
        (0..q).filter(|&a| means[a].is_none()).for_each(|a| spread[a] = counts[a * q + a]);
    }
    moments
}

/// The products of a patient's scaled values of which one at least is a number, and the squares of numbers about their means, none of
/// which is zero.
fn set_products_of_numbers(
    z: &[f64],
    scale: &[f64],
    means: &[Option<f64>],
    products: &mut Vec<(usize, DoubleDouble)>,
    spreads: &mut Vec<(usize, f64)>,
) {
    let q = scale.len();
    products.clear();
    spreads.clear();
    if means.iter().all(Option::is_none) {
        return;
    }
    for a in (0..q).filter(|&a| z[a] != 0.0) {
        spreads.extend(means[a].map(|mean| (a, (z[a] / scale[a] - mean).powi(2))));
        for b in (0..=a).filter(|&b| z[b] != 0.0 && (means[a].is_some() || means[b].is_some())) {
            products.push((a * q + b, product(z[a] / scale[a], z[b] / scale[b])));
        }
    }
}

impl ValueSums {
    /// The mean of the square of a value, over the observations.
    fn mean_square(&self, k: usize) -> f64 {
        let q = self.centres.len();
        let total = |a: usize, b: usize| self.products.iter().map(|m| m[b * q + a]).sum::<f64>();
        let (times, by) = self.centres[k].unwrap_or((k, 0.0));
        ((total(k, k) + 2.0 * by * total(k, times) + by * by * total(times, times)) / self.observations.max(1) as f64).max(0.0)
    }

    /// Σ z z' at a visit without the centres, to twice the working precision, and the squares of numbers about their
    /// means.
    fn at_visit(&self, t: usize, scale: &[f64]) -> VisitMoments {
        let (q, products) = (scale.len(), &self.products[t]);
        let mut moments: Vec<DoubleDouble> = products.iter().map(|&x| DoubleDouble::from(x)).collect();
        for (value, centre) in self.centres.iter().enumerate() {
            let Some((times, by)) = *centre else { continue };
            let by = DoubleDouble::from(by);
            for k in 0..q {
                moments[k * q + value] = moments[k * q + value] + by * moments[k * q + times];
            }
            for k in 0..q {
                moments[value * q + k] = moments[value * q + k] + by * moments[times * q + k];
            }
        }
        let spread = |k: usize| {
            let about = self.centres[k].map_or(0.0, |(times, _)| {
                let (product, count) = (products[times * q + k], products[times * q + times]);
                if count > 0.0 { product * product / count } else { 0.0 }
            });
            (products[k * q + k] - about).max(0.0) / (scale[k] * scale[k])
        };
        let spread = (0..q).map(spread).collect();
        for a in 0..q {
            for b in 0..q {
                moments[a * q + b] = moments[a * q + b] * DoubleDouble::from(1.0 / (scale[a] * scale[b]));
            }
        }
        (moments, spread)
    }
}
