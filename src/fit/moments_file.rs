//! Moments as files: how they are written, and what is asked of them when they are read.
//!
//! A file that was changed on its way is told by its SHA-256. Sums that were wrong when they were written, or were made
//! by something else, are told by what they say twice: counts of patients stand in the census and, as products of
//! indicators, in the sums; products are symmetric and positive semidefinite, of a rank no higher than the number of
//! patients; a sum of a covariate follows from the products with the intercept.

use super::moments::PatternMoments;
use super::trial_moments::{Point, TrialMoments, partners};
use crate::design::{Census, Columns, Contradiction, FrozenDesign, Part, Product, WrittenDesign, must};
use crate::error::{Error, Result};
use crate::table::counted;
use crate::written::unreadable_json;
use crate::{schema, seal};
use serde::ser::{Error as _, Serialize, SerializeStruct, Serializer};

/// How far sums may be from what exact arithmetic would give, in units of the standard deviations times n: rounding of
/// sums over a million patients that were moved from one point to another several times is below it.
const ROUNDING: f64 = 1e-7;

/// The same for a sum of so many values: rounding grows with their number, and a sum over few patients that is further off than
/// that was changed. A hundred times what adding in the worst order loses, some moves from point to point included.
fn rounding(patients: usize) -> f64 {
    (1e-13 * (100.0 + patients as f64)).min(ROUNDING)
}

/// Moments as a file has them, before anybody has looked whether they fit together.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    schema: String,
    design: WrittenDesign,
    census: Census,
    point: Point,
    patterns: Vec<PatternMoments>,
    sha256: String,
}

impl Serialize for TrialMoments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut file = serializer.serialize_struct("TrialMoments", 6)?;
        file.serialize_field("schema", schema::MOMENTS)?;
        file.serialize_field("design", &self.design)?;
        file.serialize_field("census", &self.census)?;
        file.serialize_field("point", &self.point)?;
        file.serialize_field("patterns", &self.patterns)?;
        file.serialize_field("sha256", &seal::fingerprint(&self.content()).map_err(S::Error::custom)?)?;
        file.end()
    }
}

impl TryFrom<Written> for TrialMoments {
    type Error = Error;

    fn try_from(Written { schema, design, census, point, patterns, sha256 }: Written) -> Result<Self> {
        let moments = Self { design: FrozenDesign::try_from(design)?, census, point, patterns };
        seal::check("moments", &schema, schema::MOMENTS, &sha256, &moments.content())?;
        moments.check().map_err(|why| seal::damaged("moments", why))?;
        Ok(moments)
    }
}

impl TrialMoments {
    /// Reads moments from JSON, as serde writes them.
    ///
    /// Refused is what was changed since it was written, and what no data give: counts that do not add up, sums of
    /// products that are not symmetric or not positive semidefinite, more patients by one sum than by another. What no
    /// sum says twice, such as the mean of the outcome, is held by the SHA-256 alone, which anybody can make anew.
    ///
    /// # Errors
    /// [`Error::Written`] with line and column for what is no file of moments; [`Error::Invalid`] for one of another
    /// version, one that was changed, and one that contradicts itself; otherwise as [`FrozenDesign::from_json`].
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str::<Written>(text).map_err(|error| unreadable_json("the moments", &error))?.try_into()
    }

    /// What the fingerprint is made of.
    fn content(&self) -> impl Serialize + '_ {
        (schema::MOMENTS, &self.design, &self.census, &self.point, &self.patterns)
    }

    /// Whether data could have given them.
    fn check(&self) -> Result<(), Contradiction> {
        let columns = self.design.columns();
        self.has_shape(columns)?;
        self.census.check(&self.design)?;
        self.counts_patients(columns)?;
        let sums = Sums::new(self)?;
        for pattern in &self.patterns {
            sums.are_products(pattern)?;
        }
        if columns.are_weighted() {
            return self.patterns.iter().try_for_each(|pattern| sums.weights_are_possible(pattern));
        }
        for pattern in &self.patterns {
            sums.counts_are_whole(pattern)?;
            sums.unseen_are_zero(pattern)?;
        }
        (0..columns.visits.len()).try_for_each(|t| sums.counts_are_those_of_the_census(t))?;
        (0..columns.variables.len()).try_for_each(|v| sums.sum_is_that_of_the_census(v))
    }

    fn has_shape(&self, columns: &Columns) -> Result<(), Contradiction> {
        let (q, visits, groups) = (columns.values, columns.visits.len(), columns.groups.len());
        let z = q * self.blocks();
        let fits = |p: &PatternMoments| {
            let m = p.visits.len();
            p.group < groups
                && m > 0
                && p.visits.windows(2).all(|w| w[0] < w[1])
                && p.visits[m - 1] < visits
                && (p.zz.len(), p.zy.len(), p.yy.len()) == (z * z, z * m, m * m)
        };
        let ordered = self.patterns.windows(2).all(|w| (w[0].group, &w[0].visits) < (w[1].group, &w[1].visits));
        let of_point = (self.point.centres.len(), self.point.outcome.len()) == (q, q);
        must(ordered && of_point && self.patterns.iter().all(fits), || "their sums do not have the shape of their design".into())?;
        let numbers = self.patterns.iter().flat_map(|p| p.zz.iter().chain(&p.zy).chain(&p.yy).chain([&p.log_weights]));
        let finite = numbers.chain(&self.point.centres).chain(&self.point.outcome).all(|x| x.is_finite());
        must(finite, || "a sum is not finite".into())?;
        let partnered = partners(columns).iter().zip(&self.point.centres).all(|(partner, &centre)| partner.is_some() || centre == 0.0);
        must(partnered, || "a value that is no number is measured from somewhere else than zero".into())
    }

    /// Patients and observations of the patterns: as many as in the census, in all and at each visit, and in each arm
    /// or level where these make the covariance groups.
    fn counts_patients(&self, columns: &Columns) -> Result<(), Contradiction> {
        let n: usize = self.patterns.iter().map(|p| p.patients.min(1 << 40)).sum();
        must(self.patterns.iter().all(|p| p.patients > 0) && n == self.n_patients(), || {
            format!("the patterns of visits have {}, and the census has {}", counted(n, "patient"), self.n_patients())
        })?;
        let at = |t: usize| self.patterns.iter().filter(move |p| p.visits.contains(&t));
        for (t, label) in columns.visit_labels.iter().enumerate() {
            let (n, census) = (at(t).map(|p| p.patients).sum::<usize>(), self.census.observed_at(t));
            must(n == census, || format!("the patterns have {} at {label}, and the census has {census}", counted(n, "observation")))?;
        }
        let factor =
            columns.options.group.as_ref().and_then(|name| columns.variables.iter().position(|v| v.name == *name && v.is_factor()));
        let Some(v) = factor.filter(|&v| !columns.variables[v].varies_by_visit()) else { return Ok(()) };
        for t in 0..columns.visits.len() {
            for (g, group) in columns.groups.iter().enumerate() {
                let n: usize = at(t).filter(|p| p.group == g).map(|p| p.patients).sum();
                let cells = self.census.tally.observed.iter().filter(|cell| (cell.levels[0], cell.levels[1 + v]) == (t, g));
                must(n == cells.map(|cell| cell.n).sum::<usize>(), || {
                    format!("the covariance group {group} has other patients in the census")
                })?;
            }
        }
        Ok(())
    }
}

/// The sums of moments, with what is needed to look at them.
struct Sums<'m> {
    moments: &'m TrialMoments,
    columns: &'m Columns,
    partners: Vec<Option<usize>>,
    /// The length of z with a repetition for each visit where there are weights.
    width: usize,
    /// The mean square of each value of z over all patients, and of what the outcome is measured from: the scale below
    /// which a sum is nothing but rounding.
    scale: Vec<f64>,
    outcome: f64,
}

impl<'m> Sums<'m> {
    fn new(moments: &'m TrialMoments) -> Result<Self, Contradiction> {
        let columns = moments.design.columns();
        let (q, width, partners) = (columns.values, columns.values * moments.blocks(), partners(columns));
        let n = (moments.n_patients() as f64).max(1.0);
        let mean_square = |k: usize| moments.patterns.iter().map(|p| p.zz[k * width + k].abs()).sum::<f64>() / n;
        let own: Vec<f64> = (0..width).map(mean_square).collect();
        let offset = |k: usize| partners[k % q].map_or(0.0, |p| moments.point.centres[k % q].powi(2) * own[k / q * q + p]);
        let scale: Vec<f64> = (0..width).map(|k| own[k] + offset(k)).collect();
        let residual = |p: &PatternMoments| (0..p.visits.len()).map(|k| p.yy[k * p.visits.len() + k].abs()).fold(0.0, f64::max);
        let explained: f64 = (0..width).map(|k| moments.point.outcome[k % q].powi(2) * scale[k]).sum();
        let outcome = moments.patterns.iter().map(residual).sum::<f64>() / n + explained;
        // Products of such numbers are finite too.
        let bounded = scale.iter().chain([&outcome]).all(|square| *square < 1e150);
        must(bounded, || "their numbers are too large for sums of squares".into())?;
        Ok(Self { moments, columns, partners, width, scale, outcome })
    }

    /// Whether the sums are Σ u u' of so many patients, u = (z, y): symmetric, positive semidefinite, and of a rank no
    /// higher than the patients.
    fn are_products(&self, pattern: &PatternMoments) -> Result<(), Contradiction> {
        let (q, m, n) = (self.width, pattern.visits.len(), pattern.patients as f64);
        let size = q + m;
        let entry = |i: usize, j: usize| match (i < q, j < q) {
            (true, true) => pattern.zz[j * q + i],
            (true, false) => pattern.zy[(j - q) * q + i],
            (false, true) => pattern.zy[(i - q) * q + j],
            (false, false) => pattern.yy[(j - q) * m + i - q],
        };
        // What is zero for everyone has no unit.
        let unit = |i: usize| {
            let floor = if i < q { self.scale[i] } else { self.outcome };
            let square = entry(i, i).max(0.0) + 1e-6 * n * floor;
            if square > 0.0 { 1.0 / square.sqrt() } else { 1.0 }
        };
        let units: Vec<f64> = (0..size).map(unit).collect();
        let mut scaled: Vec<f64> = (0..size * size).map(|k| entry(k % size, k / size) * units[k % size] * units[k / size]).collect();
        let symmetric = (0..size).all(|i| (0..i).all(|j| (scaled[i * size + j] - scaled[j * size + i]).abs() <= ROUNDING));
        must(symmetric, || format!("{} are not symmetric", self.name(pattern)))?;
        let rank = semidefinite_rank(&mut scaled, size).ok_or_else(|| format!("{} are not positive semidefinite", self.name(pattern)))?;
        must(rank <= pattern.patients, || format!("{} have rank {rank}, and so few patients ({n}) give a lower one", self.name(pattern)))
    }

    /// Products of indicators count patients: whole numbers, and all of them where there is no indicator.
    fn counts_are_whole(&self, pattern: &PatternMoments) -> Result<(), Contradiction> {
        must(pattern.log_weights == 0.0, || format!("{} have weights, and their design has none", self.name(pattern)))?;
        let indicators: Vec<usize> = (0..self.width).filter(|&k| is_indicator(&self.columns.products[k])).collect();
        let n = pattern.patients as f64;
        let whole = |a: usize, b: usize| {
            let count = pattern.zz[b * self.width + a];
            let everyone = [a, b].iter().all(|&k| self.columns.products[k].parts.is_empty());
            count >= 0.0 && count <= n && count.fract() == 0.0 && (!everyone || count == n)
        };
        let all = indicators.iter().all(|&a| indicators.iter().all(|&b| whole(a, b)));
        must(all, || format!("{} have counts of levels that no patients have", self.name(pattern)))
    }

    /// What belongs to a visit that nobody of a pattern was seen at is zero.
    fn unseen_are_zero(&self, pattern: &PatternMoments) -> Result<(), Contradiction> {
        let (q, n) = (self.width, pattern.patients as f64);
        let unseen = |k: &usize| self.columns.products[*k].visit.is_some_and(|t| !pattern.visits.contains(&t));
        for k in (0..q).filter(unseen) {
            let centre = self.moments.point.centres[k];
            let sum = |column: &[f64]| column[k] + self.partners[k].map_or(0.0, |p| centre * column[p]);
            let root = |scale: f64| (n * n * scale * self.scale[k]).sqrt();
            let zero = pattern.zz.chunks_exact(q).enumerate().all(|(b, column)| sum(column).abs() <= ROUNDING * root(self.scale[b]))
                && pattern.zy.chunks_exact(q).all(|column| sum(column).abs() <= ROUNDING * root(self.outcome));
            must(zero, || format!("{} have values of a visit at which nobody was seen", self.name(pattern)))?;
        }
        Ok(())
    }

    /// With weights: nothing at visits that were not seen, and a sum of logarithms that such weights can have, the
    /// geometric mean being at most the arithmetic one.
    fn weights_are_possible(&self, pattern: &PatternMoments) -> Result<(), Contradiction> {
        let (q, width, n) = (self.columns.values, self.width, pattern.patients as f64);
        let seen = |k: usize| pattern.visits.contains(&(k / q));
        let zero = (0..width * width).all(|k| (seen(k / width) && seen(k % width)) || pattern.zz[k] == 0.0)
            && (0..pattern.zy.len()).all(|k| seen(k % width) || pattern.zy[k] == 0.0);
        must(zero, || format!("{} have values of a visit at which nobody was seen", self.name(pattern)))?;
        let Some(everyone) = self.columns.products.iter().position(|p| p.parts.is_empty()) else { return Ok(()) };
        let weight = |t: &usize| pattern.zz[(t * q + everyone) * width + t * q + everyone];
        let most: f64 = pattern.visits.iter().map(|t| n * (weight(t) / n).ln()).sum();
        let slack = 1e-9 * n * pattern.visits.len() as f64 * (1.0 + most.abs() / n);
        let possible = pattern.log_weights <= most + slack && (pattern.patients > 1 || pattern.log_weights >= most - slack);
        must(possible, || format!("{} have weights whose logarithms add up to something else", self.name(pattern)))
    }

    /// Whether as many patients have two levels by the products as by the census.
    fn counts_are_those_of_the_census(&self, t: usize) -> Result<(), Contradiction> {
        let q = self.width;
        let at = |p: &Product| is_indicator(p) && p.visit.is_none_or(|visit| visit == t);
        let indicators: Vec<usize> = (0..q).filter(|&k| at(&self.columns.products[k])).collect();
        let size = indicators.len();
        let mut census = vec![0.0; size * size];
        for cell in self.moments.census.tally.observed.iter().filter(|cell| cell.levels[0] == t) {
            let has = |k: &usize| self.columns.products[*k].parts.iter().all(|&(v, part)| part == Part::Level(cell.levels[1 + v]));
            let held: Vec<usize> = (0..size).filter(|&i| has(&indicators[i])).collect();
            held.iter().for_each(|&i| held.iter().for_each(|&j| census[i * size + j] += cell.n as f64));
        }
        for pattern in self.at(t) {
            for (i, &a) in indicators.iter().enumerate() {
                indicators.iter().enumerate().for_each(|(j, &b)| census[i * size + j] -= pattern.zz[a * q + b]);
            }
        }
        must(census.iter().all(|&difference| difference == 0.0), || {
            format!("the sums count other patients at {} than the census does", self.columns.visit_labels[t])
        })
    }

    /// Whether a covariate has the sum over observations, and over patients, that its products have.
    fn sum_is_that_of_the_census(&self, variable: usize) -> Result<(), Contradiction> {
        let at = |parts: &[(usize, Part)], t: usize| {
            let same = |p: &Product| p.parts == parts && p.visit.is_none_or(|visit| visit == t);
            self.columns.products.iter().position(same)
        };
        let (mut sums, mut size) = ([0.0; 2], 0.0);
        for t in 0..self.columns.visits.len() {
            let (Some(number), Some(ones)) = (at(&[(variable, Part::Number)], t), self.ones(t)) else { return Ok(()) };
            for pattern in self.at(t) {
                let product = |k: usize| ones.iter().map(|&one| pattern.zz[one * self.width + k]).sum::<f64>();
                let offset = self.partners[number].map_or(0.0, |partner| self.moments.point.centres[number] * product(partner));
                let (sum, visits) = (product(number) + offset, pattern.visits.len() as f64);
                (sums[0], sums[1]) = (sums[0] + sum, sums[1] + sum / visits);
                size += pattern.patients as f64 * self.scale[number].sqrt();
            }
        }
        let census = self.moments.census.tally.numbers[variable];
        let slack = rounding(self.moments.n_patients()) * size;
        let close = |a: f64, b: f64| (a - b).abs() <= slack;
        must(close(sums[0], census.observations) && close(sums[1], census.patients), || {
            format!("the sums of `{}` are not those of its products", self.columns.variables[variable].name)
        })
    }

    /// Values of z that add up to one for everyone seen at a visit.
    fn ones(&self, t: usize) -> Option<Vec<usize>> {
        let products = &self.columns.products;
        let at = |parts: &[(usize, Part)]| products.iter().position(|p| p.parts == parts && p.visit.is_none_or(|visit| visit == t));
        let levels = |v: usize| (0..self.columns.variables[v].levels.len()).map(|l| at(&[(v, Part::Level(l))])).collect::<Option<Vec<_>>>();
        let factors = (0..self.columns.variables.len()).filter(|&v| self.columns.variables[v].is_factor());
        at(&[]).map(|one| vec![one]).or_else(|| factors.filter_map(levels).next())
    }

    fn at(&self, t: usize) -> impl Iterator<Item = &PatternMoments> {
        self.moments.patterns.iter().filter(move |p| p.visits.contains(&t))
    }

    fn name(&self, pattern: &PatternMoments) -> String {
        let visits: Vec<&str> = pattern.visits.iter().map(|&t| self.columns.visit_labels[t].as_str()).collect();
        format!("the sums of the patients seen at {}", visits.join(", "))
    }
}

fn is_indicator(product: &Product) -> bool {
    product.parts.iter().all(|(_, part)| !part.is_number())
}

/// The rank of a symmetric matrix in units of its diagonal, by elimination in the order of what is left on it (Higham
/// 2002, Accuracy and Stability of Numerical Algorithms, §10.3); `None` where it is not positive semidefinite.
fn semidefinite_rank(matrix: &mut [f64], size: usize) -> Option<usize> {
    let mut left: Vec<usize> = (0..size).collect();
    let mut rank = 0;
    loop {
        let largest = (0..left.len()).max_by(|&a, &b| matrix[left[a] * (size + 1)].total_cmp(&matrix[left[b] * (size + 1)]));
        let Some(at) = largest.filter(|&at| matrix[left[at] * (size + 1)] > ROUNDING) else { break };
        let pivot = left.swap_remove(at);
        rank += 1;
        let row: Vec<f64> = left.iter().map(|&j| matrix[pivot * size + j] / matrix[pivot * (size + 1)]).collect();
        for (&i, factor) in left.iter().zip(&row) {
            let by = factor * matrix[pivot * (size + 1)];
            left.iter().zip(&row).for_each(|(&j, other)| matrix[i * size + j] -= by * other);
        }
    }
    let nothing = |i: usize, j: usize| matrix[i * size + j].abs() <= 10.0 * ROUNDING;
    left.iter().all(|&i| left.iter().all(|&j| nothing(i, j))).then_some(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(rows: &[&[f64]]) -> Option<usize> {
        semidefinite_rank(&mut rows.concat(), rows.len())
    }

    #[test]
    fn a_matrix_is_semidefinite_or_not() {
        assert_eq!(rank(&[&[1.0, 0.5], &[0.5, 1.0]]), Some(2));
        assert_eq!(rank(&[&[1.0, 1.0], &[1.0, 1.0]]), Some(1));
        assert_eq!(rank(&[&[0.0, 0.0], &[0.0, 1.0]]), Some(1));
        assert_eq!(rank(&[&[1.0, 1.1], &[1.1, 1.0]]), None);
        assert_eq!(rank(&[&[0.0, 0.1], &[0.1, 1.0]]), None);
        // The third is the sum of the others.
        assert_eq!(rank(&[&[1.0, 0.2, 1.2], &[0.2, 1.0, 1.2], &[1.2, 1.2, 2.4]]), Some(2));
        assert_eq!(rank(&[&[1.0, 0.2, 1.2], &[0.2, 1.0, 1.2], &[1.2, 1.2, 2.39]]), None);
        assert_eq!(rank(&[]), Some(0));
    }
}
