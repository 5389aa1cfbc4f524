//! What a data set says under a frozen design: moments that add.

use super::Failure;
use super::centring::{Centring, is_far};
use super::collect::Patients;
use super::moments::{Moments, PatternMoments, Rows};
use super::moments_notices::constant_covariates;
use crate::design::{Census, Columns, Design, FrozenDesign, Occurring, ScaledGram, ValueSums};
use crate::error::{Error, Result};
use crate::trial::Trial;
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::{Add, Range};

/// Patients of a piece, from the first of which the point is taken that numbers are measured from: what is made of them stays in
/// a core's own memory until it has been added up.
const PIECE: usize = 4096;
/// Pieces whose sums wait for being added up in their order.
const WAVE: usize = 64;
/// A standard deviation below this share of the mean is rounding.
const SMALLEST_SHARE: f64 = 1e-12;

/// All that a fit needs of a data set, as sums over its patients: the moments of every pattern of visits, counts of
/// levels, and how many observations were left out for which reason.
///
/// Moments of files, chunks or sites under the same [`FrozenDesign`] add up, in any order and grouping, to what
/// all patients together give, to rounding: `a + b` is [`TrialMoments::merge`], and an iterator of them has
/// `sum::<Result<TrialMoments>>()`. [`Model::fit_moments`](crate::Model::fit_moments) fits them.
///
/// As JSON (serde) they come back as they were, bit for bit. The file has its schema
/// ([`MOMENTS`](crate::schema::MOMENTS)) and the SHA-256 of its content, so that a change on the way is found; and what no
/// data could give is refused, whatever the SHA-256 says: see [`TrialMoments::from_json`].
///
/// Numbers are measured from a point near the first patients (the mean of each covariate; the least-squares
/// prediction of the outcome), so that nothing is lost to an offset; where two data sets have different points, the
/// sums of one are moved, which is exact algebra.
///
/// Nobody's row is in it, yet it is no anonymous statistic by itself: the sums of a pattern that one patient alone
/// has *are* that patient's values. [`TrialMoments::smallest_pattern`] says how many patients the rarest pattern has.
///
/// ```
/// use trialstats::error::Result;
/// use trialstats::fit::TrialMoments;
/// use trialstats::{Layout, Model};
///
/// let layout = Layout::long("PATIENT", "THERAPY", "VISIT").reference_arm("PLACEBO").outcome("CHANGE");
/// let trial = layout.read_csv("data-samples/antidepressant/antidepressant.csv")?;
/// let model = Model::formula("CHANGE ~ THERAPY * VISIT")?;
///
/// // Agreed beforehand; then each site for itself.
/// let frozen = model.freeze(&trial.protocol())?;
/// let halves = [0, 1].map(|half| {
///     let of_half = |i: &usize| i % 2 == half;
///     let patients: Vec<usize> = (0..trial.patients().len()).filter(of_half).collect();
///     TrialMoments::of(&frozen, &trial.part(&patients)?)
/// });
/// let pooled = halves.into_iter().collect::<Result<Vec<_>>>()?.into_iter().sum::<Result<TrialMoments>>()?;
///
/// let (parts, whole) = (model.fit_moments(&pooled)?, model.fit(&trial)?);
/// assert!((parts.log_likelihood() - whole.log_likelihood()).abs() < 1e-8);
/// # Ok::<(), trialstats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(try_from = "super::moments_file::Written")]
pub struct TrialMoments {
    pub(super) design: FrozenDesign,
    pub(super) census: Census,
    pub(super) point: Point,
    pub(super) patterns: Vec<PatternMoments>,
}

/// What numbers are measured from: z_v is replaced by z_v − centre_v z_(partner of v), and y_t by y_t − b'z.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Point {
    /// A number for each value of z, 0 where it has no partner.
    pub centres: Vec<f64>,
    /// b, for the values as centred.
    pub outcome: Vec<f64>,
}

impl TrialMoments {
    /// The moments of a trial, or of a part of one.
    ///
    /// # Errors
    /// [`Error::Unknown`] and [`Error::Invalid`] where the trial does not follow the protocol of the design: an arm,
    /// visit or level that was not agreed, a variable that is missing or of another kind.
    pub fn of(design: &FrozenDesign, trial: &Trial) -> Result<Self> {
        let n = trial.patients().len();
        if n <= PIECE {
            return Self::of_piece(design, trial);
        }
        let mut total = Self::of_piece(design, &trial.piece(0..PIECE))?;
        let pieces: Vec<Range<usize>> = (PIECE..n).step_by(PIECE).map(|first| first..(first + PIECE).min(n)).collect();
        for wave in pieces.chunks(WAVE) {
            let collected: Vec<Result<Self>> = wave.par_iter().map(|piece| total.like(&trial.piece(piece.clone()))).collect();
            for piece in collected {
                total.merge(&piece?)?;
            }
        }
        Ok(total)
    }

    fn of_piece(design: &FrozenDesign, trial: &Trial) -> Result<Self> {
        let (own, census) = design.with_patients(trial)?;
        let partners = partners(design.columns());
        let point = Point::near(&own, &partners);
        Ok(Self::measured_from(design, &own, census, point, &partners))
    }

    /// The moments of further data, measured from the same point as these, so that adding them costs nothing.
    pub(crate) fn like(&self, trial: &Trial) -> Result<Self> {
        let (own, census) = self.design.with_patients(trial)?;
        Ok(Self::measured_from(&self.design, &own, census, self.point.clone(), &partners(&own.columns)))
    }

    fn measured_from(frozen: &FrozenDesign, design: &Design, census: Census, point: Point, partners: &[Option<usize>]) -> Self {
        let z = point.centred(&design.rows.z, partners);
        let expected: Vec<(usize, f64)> = point.outcome.iter().copied().enumerate().filter(|(_, b)| *b != 0.0).collect();
        let patients = Patients {
            z: &z,
            values: design.columns.values,
            y: &design.rows.y,
            visits: design.columns.visits.len(),
            weights: design.rows.weights.as_deref(),
            group_of: &design.rows.group_of,
            expected: vec![expected; design.columns.visits.len()],
        };
        let patterns = patients.patterns();
        Self { design: frozen.clone(), census, point, patterns }
    }

    /// The design under which they were collected.
    pub fn design(&self) -> &FrozenDesign {
        &self.design
    }

    /// The number of patients with an analysed observation.
    pub fn n_patients(&self) -> usize {
        self.census.tally.patients
    }

    /// The number of analysed observations.
    pub fn n_observations(&self) -> usize {
        self.census.tally.observations()
    }

    /// The number of patients randomized, analysed or not.
    pub fn randomized(&self) -> usize {
        self.census.counted.randomized
    }

    /// Observed outcomes that are not analysed: each reason with their number, in the order met.
    pub fn excluded(&self) -> &[(String, usize)] {
        &self.census.counted.reasons
    }

    /// The sums of each pattern of visits, ordered by group and visits.
    pub fn patterns(&self) -> &[PatternMoments] {
        &self.patterns
    }

    /// The number of patients of the rarest pattern; `None` without patients. Where it is 1, that patient's values
    /// can be read off the sums.
    pub fn smallest_pattern(&self) -> Option<usize> {
        self.patterns.iter().map(|p| p.patients).min()
    }

    /// Adds the moments of other patients. Whether the patients are others cannot be seen from sums.
    ///
    /// # Errors
    /// [`Error::DesignsDiffer`] where they were collected under another design, saying what differs.
    pub fn merge(&mut self, other: &TrialMoments) -> Result<()> {
        if let Some((what, here, there)) = self.design.difference(&other.design) {
            return Err(Error::DesignsDiffer { what, here, there });
        }
        if self.patterns.is_empty() {
            self.point = other.point.clone();
        }
        let partners = partners(self.design.columns());
        let mut patterns: BTreeMap<(usize, Vec<usize>), PatternMoments> =
            std::mem::take(&mut self.patterns).into_iter().map(|p| ((p.group, p.visits.clone()), p)).collect();
        for pattern in &other.patterns {
            let mut moved = pattern.clone();
            if self.point != other.point {
                let (blocks, visits) = (self.blocks(), self.design.columns().visits.len());
                other.point.moved_to(&self.point, &partners, &mut moved, blocks, visits);
            }
            match patterns.get_mut(&(moved.group, moved.visits.clone())) {
                Some(own) => own.add(&moved),
                None => drop(patterns.insert((moved.group, moved.visits.clone()), moved)),
            }
        }
        self.patterns = patterns.into_values().collect();
        self.census.add(&other.census);
        Ok(())
    }

    pub(super) fn blocks(&self) -> usize {
        blocks(self.design.columns())
    }

    /// The design of the fit: what occurs of the frozen one, with the sums in place of patients.
    pub(crate) fn occurring(&self) -> Result<Occurring> {
        let mut sizes = vec![0; self.design.columns().groups.len()];
        self.patterns.iter().for_each(|p| sizes[p.group] += p.patients);
        let mut occurring = self.design.occurring(&self.census, &sizes)?;
        if occurring.columns.values == 0 {
            return Err(Error::Fit(Failure::NoColumns));
        }
        let (point, patterns) = self.restricted(&occurring);
        let columns = &occurring.columns;
        let centres = partners(columns).iter().zip(&point.centres).map(|(p, &by)| p.map(|p| (p, by))).collect();
        let products = (0..occurring.visits.len()).map(|t| value_products(columns, &patterns, t)).collect();
        let sums = ValueSums { products, centres, observations: self.n_observations() };
        occurring.account.warnings.extend(constant_covariates(columns, &patterns, &point));
        occurring.account.decide_aliased(columns, ScaledGram::of_sums(columns, &sums));
        Ok(occurring)
    }

    /// The patterns in the numbers of a restricted design, and the point that they are measured from.
    fn restricted(&self, occurring: &Occurring) -> (Point, Vec<PatternMoments>) {
        let (q, blocks) = (self.design.columns().values, self.blocks());
        let values: Vec<usize> = match blocks {
            1 => occurring.values.clone(),
            _ => occurring.visits.iter().flat_map(|t| occurring.values.iter().map(move |v| t * q + v)).collect(),
        };
        let mut patterns = self.patterns.clone();
        let mut point = self.point.clone();
        if occurring.values.len() < q {
            point = self.point_within(&occurring.values);
            let (partners, visits) = (partners(self.design.columns()), self.design.columns().visits.len());
            patterns.iter_mut().for_each(|p| self.point.moved_to(&point, &partners, p, blocks, visits));
        }
        let place = |among: &[usize], x: usize| among.iter().position(|&y| y == x);
        let restrict = |p: &PatternMoments| {
            let visits = p.visits.iter().map(|&t| place(&occurring.visits, t)).collect::<Option<Vec<usize>>>()?;
            Some(p.restricted(&values, place(&occurring.groups, p.group)?, visits))
        };
        let own = |numbers: &[f64]| occurring.values.iter().map(|&v| numbers[v]).collect();
        let point = Point { centres: own(&point.centres), outcome: own(&point.outcome) };
        (point, patterns.iter().filter_map(restrict).collect())
    }

    /// A point in terms of some of the values alone, near the one in use. Values that are left out are zero for
    /// everyone or, where the first level of a factor does not occur, made of those that stay.
    fn point_within(&self, values: &[usize]) -> Point {
        let (columns, visits) = (self.design.columns(), self.design.columns().visits.len());
        let (q, partners) = (columns.values, partners(columns));
        let mut point = self.point.clone();
        for (v, partner) in partners.iter().enumerate() {
            if partner.is_some_and(|p| !values.contains(&p)) || !values.contains(&v) {
                point.centres[v] = 0.0;
            }
        }
        // b'z in terms of the values as they are measured at the new point, and its projection onto those that stay.
        let mut outcome = self.point.outcome.clone();
        let mut patterns = self.patterns.clone();
        let nothing = Point { centres: self.point.centres.clone(), outcome: vec![0.0; q] };
        let there = Point { centres: point.centres.clone(), outcome: vec![0.0; q] };
        patterns.iter_mut().for_each(|p| nothing.moved_to(&there, &partners, p, self.blocks(), visits));
        for (v, partner) in partners.iter().enumerate() {
            if let Some(partner) = *partner {
                outcome[partner] -= (self.point.centres[v] - point.centres[v]) * self.point.outcome[v];
            }
        }
        let mut sums = vec![0.0; q * q];
        for t in 0..visits {
            sums.iter_mut().zip(value_products(columns, &patterns, t)).for_each(|(s, x)| *s += x);
        }
        let mut gram = DMatrix::from_fn(values.len(), values.len(), |a, b| sums[values[b] * q + values[a]]);
        let mut cross = DVector::from_iterator(values.len(), values.iter().map(|&v| (0..q).map(|k| sums[v * q + k] * outcome[k]).sum()));
        point.outcome = vec![0.0; q];
        forget_rounding(&mut gram, &mut cross, values, &partners, &self.point.centres);
        if let Some(b) = least_squares(gram, &cross) {
            values.iter().zip(b.iter()).for_each(|(&v, b)| point.outcome[v] = *b);
        }
        point
    }

    /// The moments of the fitted columns, measured as a fit wants them.
    pub(crate) fn for_fit(&self, occurring: &Occurring, kept: &[usize], rows: &Rows) -> Result<(Centring, Moments), Failure> {
        let columns = &occurring.columns;
        let (mut point, mut patterns) = self.restricted(occurring);
        let partners = partners(columns);
        let (centring, shifted) = Centring::of_values(
            columns,
            kept,
            |v| partners[v].is_some(),
            |v, indicator| far_mean(columns, &patterns, &point, v, partners[v].filter(|&p| p == indicator)?),
        );
        let blocks = blocks(columns);
        let mut wanted = point.clone();
        for (v, centre) in wanted.centres.iter_mut().enumerate() {
            *centre = shifted.iter().find(|s| s.of == v).map_or(0.0, |s| s.by);
        }
        for (v, partner) in partners.iter().enumerate() {
            if let Some(partner) = *partner {
                wanted.outcome[partner] += (wanted.centres[v] - point.centres[v]) * wanted.outcome[v];
            }
        }
        patterns.iter_mut().for_each(|p| point.moved_to(&wanted, &partners, p, blocks, columns.visits.len()));
        point = wanted;
        let origin = nearest_coefficients(&patterns, rows, kept.len(), &point.outcome).ok_or(Failure::Singular)?;
        let q = columns.values;
        let step: Vec<Vec<f64>> = (0..columns.visits.len())
            .map(|t| {
                let first = if blocks > 1 { t * q } else { 0 };
                let mut step = vec![0.0; blocks * q];
                rows[t].iter().for_each(|e| step[e.value] += e.weight * origin[e.column]);
                step[first..first + q].iter_mut().zip(&point.outcome).for_each(|(s, b)| *s -= b);
                step
            })
            .collect();
        patterns.iter_mut().for_each(|p| p.subtract(&step));
        let moments = Moments { values: blocks * q, visits: columns.visits.len(), patterns, origin };
        Ok((centring, moments))
    }
}

impl Point {
    /// The point near the first patients of a design: the means of numbers, the least-squares prediction of the
    /// outcome.
    fn near(design: &Design, partners: &[Option<usize>]) -> Self {
        let (q, visits) = (design.columns.values, design.columns.visits.len());
        let mut point = Self { centres: vec![0.0; q], outcome: vec![0.0; q] };
        let z = &design.rows.z;
        for (v, partner) in partners.iter().enumerate() {
            let Some(partner) = *partner else { continue };
            let (sum, count) = z.chunks_exact(q).fold((0.0, 0.0), |(sum, n), z| (sum + z[v] * z[partner], n + z[partner]));
            if count > 0.0 {
                point.centres[v] = sum / count;
            }
        }
        let z = point.centred(z, partners);
        let (mut gram, mut cross) = (DMatrix::zeros(q, q), DVector::zeros(q));
        for (z, y) in z.chunks_exact(q.max(1)).zip(design.rows.y.chunks_exact(visits.max(1))) {
            for y in y.iter().filter(|y| !y.is_nan()) {
                let z = DVector::from_column_slice(z);
                gram.ger(1.0, &z, &z, 1.0);
                cross.axpy(*y, &z, 1.0);
            }
        }
        let all: Vec<usize> = (0..q).collect();
        forget_rounding(&mut gram, &mut cross, &all, partners, &point.centres);
        if let Some(b) = least_squares(gram, &cross) {
            point.outcome = b.as_slice().to_vec();
        }
        point
    }

    /// z measured from here.
    fn centred<'z>(&self, z: &'z [f64], partners: &[Option<usize>]) -> std::borrow::Cow<'z, [f64]> {
        let shifts: Vec<(usize, usize, f64)> =
            partners.iter().enumerate().filter_map(|(v, p)| p.map(|p| (v, p, self.centres[v]))).filter(|s| s.2 != 0.0).collect();
        if shifts.is_empty() {
            return z.into();
        }
        let mut centred = z.to_vec();
        for own in centred.chunks_exact_mut(self.centres.len()) {
            shifts.iter().for_each(|&(v, partner, by)| own[v] -= by * own[partner]);
        }
        centred.into()
    }

    /// Moves the sums of a pattern from here to `there`.
    fn moved_to(&self, there: &Point, partners: &[Option<usize>], pattern: &mut PatternMoments, blocks: usize, visits: usize) {
        let q = self.centres.len();
        // What is subtracted from the outcome here, in terms of the values as they are measured there.
        let mut outcome = self.outcome.clone();
        for (v, partner) in partners.iter().enumerate() {
            let Some(partner) = *partner else { continue };
            let by = self.centres[v] - there.centres[v];
            if by != 0.0 {
                (0..blocks).for_each(|block| pattern.shear(block * q + v, block * q + partner, by));
                outcome[partner] -= by * self.outcome[v];
            }
        }
        let difference: Vec<f64> = there.outcome.iter().zip(&outcome).map(|(there, here)| there - here).collect();
        if difference.iter().any(|d| *d != 0.0) {
            let step = |t: usize| {
                let mut step = vec![0.0; blocks * q];
                let first = if blocks > 1 { t * q } else { 0 };
                step[first..first + q].copy_from_slice(&difference);
                step
            };
            pattern.subtract(&(0..visits).map(step).collect::<Vec<_>>());
        }
    }
}

/// For each value of z that is one number times indicators, the value that is those indicators alone.
pub(super) fn partners(columns: &Columns) -> Vec<Option<usize>> {
    use crate::design::Product;
    let partner = |product: &Product| {
        let (numbers, rest): (Vec<_>, Vec<_>) = product.parts.iter().copied().partition(|(_, part)| part.is_number());
        let same = |p: &Product| p.parts == rest && (p.visit.is_none() || p.visit == product.visit);
        (numbers.len() == 1).then(|| columns.products.iter().position(same)).flatten()
    };
    columns.products.iter().map(partner).collect()
}

/// How often z is repeated: once, or with weights once per visit.
fn blocks(columns: &Columns) -> usize {
    if columns.are_weighted() { columns.visits.len() } else { 1 }
}

/// Σ z z' of the base values at a visit, q × q.
pub(super) fn value_products(columns: &Columns, patterns: &[PatternMoments], t: usize) -> Vec<f64> {
    let q = columns.values;
    let mut sum = vec![0.0; q * q];
    for pattern in patterns.iter().filter(|p| p.visits.contains(&t)) {
        let width = pattern.zz.len().isqrt();
        let first = if columns.are_weighted() { t * q } else { 0 };
        for (a, column) in sum.chunks_exact_mut(q).enumerate() {
            let from = (first + a) * width + first;
            column.iter_mut().zip(&pattern.zz[from..from + q]).for_each(|(s, x)| *s += x);
        }
    }
    sum
}

/// The mean of a value where its indicator is one, if it is far from zero.
fn far_mean(columns: &Columns, patterns: &[PatternMoments], point: &Point, value: usize, indicator: usize) -> Option<f64> {
    let q = columns.values;
    let total = |a: usize, b: usize| (0..columns.visits.len()).map(|t| value_products(columns, patterns, t)[b * q + a]).sum::<f64>();
    let n = total(indicator, indicator);
    let offset = total(value, indicator) / n;
    let variance = total(value, value) / n - offset * offset;
    let mean = point.centres[value] + offset;
    is_far(mean, variance).then_some(mean)
}

/// β for which x_it'β is nearest to b'z_i over all observations: the origin from which the fit measures the outcome.
fn nearest_coefficients(patterns: &[PatternMoments], rows: &Rows, columns: usize, b: &[f64]) -> Option<Vec<f64>> {
    let (mut gram, mut cross) = (DMatrix::zeros(columns, columns), DVector::zeros(columns));
    for pattern in patterns {
        let width = pattern.zz.len().isqrt();
        for &t in &pattern.visits {
            let first = if width > b.len() { t * b.len() } else { 0 };
            for c in &rows[t] {
                let column = &pattern.zz[c.value * width..(c.value + 1) * width];
                cross[c.column] += c.weight * b.iter().zip(&column[first..]).map(|(b, zz)| b * zz).sum::<f64>();
                rows[t].iter().for_each(|d| gram[(c.column, d.column)] += c.weight * d.weight * column[d.value]);
            }
        }
    }
    least_squares(gram, &cross).map(|beta| beta.as_slice().to_vec())
}

/// Takes numbers out of a problem of least squares that do not vary: what is left of them by their centre is rounding, and
/// its coefficient would be as large as the rounding is small.
fn forget_rounding(gram: &mut DMatrix<f64>, cross: &mut DVector<f64>, values: &[usize], partners: &[Option<usize>], centres: &[f64]) {
    for (k, &v) in values.iter().enumerate() {
        let Some(one) = partners[v].and_then(|partner| values.iter().position(|&own| own == partner)) else { continue };
        if gram[(k, k)] <= (SMALLEST_SHARE * centres[v]).powi(2) * gram[(one, one)] {
            gram.row_mut(k).fill(0.0);
            gram.column_mut(k).fill(0.0);
            cross[k] = 0.0;
        }
    }
}

/// The shortest solution of `gram` x = `cross`, in units in which the diagonal is one.
fn least_squares(mut gram: DMatrix<f64>, cross: &DVector<f64>) -> Option<DVector<f64>> {
    if gram.is_empty() {
        return Some(DVector::zeros(0));
    }
    let scale = gram.diagonal().map(|d| if d > 0.0 { 1.0 / d.sqrt() } else { 0.0 });
    for c in 0..gram.ncols() {
        for r in 0..gram.nrows() {
            gram[(r, c)] *= scale[r] * scale[c];
        }
    }
    let eigen = SymmetricEigen::try_new(gram, f64::EPSILON, 0)?;
    let inverse = eigen.eigenvalues.map(|l| if l > 1e-10 { 1.0 / l } else { 0.0 });
    let solved = &eigen.eigenvectors * (eigen.eigenvectors.transpose() * cross.component_mul(&scale)).component_mul(&inverse);
    let solution = solved.component_mul(&scale);
    solution.iter().all(|x| x.is_finite()).then_some(solution)
}

impl Add for TrialMoments {
    type Output = Result<TrialMoments>;

    /// See [`TrialMoments::merge`].
    fn add(mut self, other: TrialMoments) -> Result<TrialMoments> {
        self.merge(&other)?;
        Ok(self)
    }
}

impl Sum<TrialMoments> for Result<TrialMoments> {
    /// See [`TrialMoments::merge`]; of nothing there is no sum.
    fn sum<I: Iterator<Item = TrialMoments>>(mut parts: I) -> Self {
        let first = parts
            .next()
            .ok_or_else(|| Error::no_data("the sum of no moments", "it has no design", "add the moments of at least one data set"))?;
        parts.try_fold(first, |sum, part| sum + part)
    }
}
