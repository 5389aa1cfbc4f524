//! The largest of several correlated t statistics: single-step adjustment of tests (Hothorn, Bretz & Westfall 2008,
//! Biometrical Journal 50:346–363).

use super::{degrees_of_freedom, normal, studentized_range::over_scale, t};
use nalgebra::DMatrix;

/// Points of the lattice rule, and how often it is shifted.
const POINTS: usize = 4999;
const SHIFTS: usize = 12;

/// P(max |T_i| > bound) for T multivariate t with `df` degrees of freedom and this correlation matrix, which may be
/// singular.
///
/// One statistic, statistics that all have the same correlations through one common part (comparisons with one
/// reference), and infinite degrees of freedom thereof are integrated by quadrature, to about 1e-9; others by a
/// randomly shifted lattice with a fixed seed (Genz & Bretz 2009, Computation of Multivariate Normal and t
/// Probabilities), to about 1e-5 of the complement. The same arguments always give the same number.
///
/// ```
/// # use nalgebra::DMatrix;
/// // Dunnett's table: two treatments against a control, equal numbers, 20 df: 2.38.
/// let correlation = DMatrix::from_fn(2, 2, |a, b| if a == b { 1.0 } else { 0.5 });
/// assert!((trialstats::dist::multivariate_t::two_sided_sf(2.38, &correlation, 20.0) - 0.05).abs() < 1e-3);
/// ```
pub fn two_sided_sf(bound: f64, correlation: &DMatrix<f64>, df: f64) -> f64 {
    let df = degrees_of_freedom(df);
    let n = correlation.nrows();
    if bound.is_nan() || df.is_nan() || n == 0 || correlation.ncols() != n || correlation.iter().any(|r| r.is_nan()) {
        return f64::NAN;
    }
    if bound <= 0.0 {
        return 1.0;
    }
    if bound.is_infinite() {
        return 0.0;
    }
    if n == 1 {
        return t::two_sided_p(bound, df);
    }
    match common_part(correlation) {
        Some(loadings) => {
            let normal = |s: f64| 1.0 - inside_with_common_part(bound * s, &loadings);
            if df > 1e6 { normal(1.0) } else { over_scale(df, normal) }.clamp(0.0, 1.0)
        }
        None => 1.0 - inside_by_lattice(bound, correlation, df),
    }
}

/// λ with r_ij = λ_i λ_j for all i ≠ j and |λ| < 1, where there is one.
fn common_part(correlation: &DMatrix<f64>) -> Option<Vec<f64>> {
    let n = correlation.nrows();
    let r = |a: usize, b: usize| correlation[(a, b)];
    let loadings: Vec<f64> = match n {
        2 => {
            let root = r(0, 1).abs().sqrt();
            vec![root, root.copysign(r(0, 1))]
        }
        _ => {
            let own = |i: usize| {
                let (a, b) = ((i + 1) % n, (i + 2) % n);
                (r(i, a) * r(i, b) / r(a, b)).sqrt()
            };
            // Signs as they stand to the first.
            (0..n).map(|i| if i > 0 && r(0, i) < 0.0 { -own(i) } else { own(i) }).collect()
        }
    };
    let fits = |a: usize, b: usize| a == b || (loadings[a] * loadings[b] - r(a, b)).abs() < 1e-9;
    let usable = loadings.iter().all(|l| l.abs() < 1.0 - 1e-9) && (0..n).all(|a| (0..n).all(|b| fits(a, b)));
    usable.then_some(loadings)
}

/// P(all |Z_i| ≤ bound) for Z_i = λ_i X + √(1 − λ_i²) Y_i.
fn inside_with_common_part(bound: f64, loadings: &[f64]) -> f64 {
    let rule = super::quadrature::gauss_legendre();
    let given = |x: f64| {
        let own = |l: &f64| {
            let scale = (1.0 - l * l).sqrt();
            normal::cdf((bound - l * x) / scale) - normal::cdf((-bound - l * x) / scale)
        };
        normal::pdf(x) * loadings.iter().map(own).product::<f64>()
    };
    super::quadrature::composite(&rule, -9.0, 9.0, 24, given)
}

/// P(all |T_i| ≤ bound) by Genz's transformation to the unit cube.
fn inside_by_lattice(bound: f64, correlation: &DMatrix<f64>, df: f64) -> f64 {
    let constraints = Constraints::of(correlation);
    let n = constraints.rows.len();
    let generators: Vec<f64> = primes(n + 1).into_iter().map(|p| (p as f64).sqrt().fract()).collect();
    let mut sum = 0.0;
    for shift in 0..SHIFTS {
        let offsets: Vec<f64> = (0..=n).map(|d| scrambled(shift as u64, d as u64)).collect();
        let mut own = 0.0;
        for point in 0..POINTS {
            // The baker's transformation makes the integrand periodic.
            let at = |d: usize| {
                let x = (point as f64 * generators[d] + offsets[d]).fract();
                (1.0 - (2.0 * x - 1.0).abs()).clamp(1e-15, 1.0 - 1e-15)
            };
            let scale = if df > 1e6 { 1.0 } else { (super::chi_squared::quantile(at(n), df) / df).sqrt() };
            own += constraints.inside(bound * scale, &at);
        }
        sum += own / POINTS as f64;
    }
    (sum / SHIFTS as f64).clamp(0.0, 1.0)
}

/// |L y| ≤ bound with LL' = R and as many independent y as R has rank: for each y the rows of L that end with it.
struct Constraints {
    /// For each y the rows that bound it once those before are known: coefficients of those before, and its own.
    rows: Vec<Vec<(Vec<f64>, f64)>>,
}

impl Constraints {
    fn of(r: &DMatrix<f64>) -> Self {
        const SMALLEST: f64 = 1e-9;
        let n = r.nrows();
        // The independent statistics, as positions, and the rows of L in the order in which they are found.
        let (mut independent, mut l): (Vec<usize>, Vec<Vec<f64>>) = (vec![], vec![]);
        for a in 0..n {
            let mut row: Vec<f64> = vec![];
            for (k, &b) in independent.iter().enumerate() {
                let dot: f64 = row.iter().zip(&l[b]).map(|(x, y)| x * y).sum();
                row.push((r[(a, b)] - dot) / l[b][k]);
            }
            let left = r[(a, a)] - row.iter().map(|x| x * x).sum::<f64>();
            if left > SMALLEST {
                row.push(left.sqrt());
                independent.push(a);
            }
            l.push(row);
        }
        let mut rows = vec![vec![]; independent.len()];
        for row in l {
            if let Some(last) = row.iter().rposition(|x| x.abs() > SMALLEST) {
                rows[last].push((row[..last].to_vec(), row[last]));
            }
        }
        Self { rows }
    }

    /// The product of the conditional probabilities of one point.
    fn inside(&self, bound: f64, at: &impl Fn(usize) -> f64) -> f64 {
        let mut y: Vec<f64> = Vec::with_capacity(self.rows.len());
        let mut product = 1.0;
        for (i, rows) in self.rows.iter().enumerate() {
            let (mut from, mut to) = (f64::NEG_INFINITY, f64::INFINITY);
            for (before, own) in rows {
                let mean: f64 = before.iter().zip(&y).map(|(l, y)| l * y).sum();
                let (a, b) = ((-bound - mean) / own, (bound - mean) / own);
                (from, to) = (from.max(a.min(b)), to.min(a.max(b)));
            }
            if from >= to {
                return 0.0;
            }
            let (low, high) = (normal::cdf(from), normal::cdf(to));
            product *= high - low;
            y.push(normal::quantile((low + at(i) * (high - low)).clamp(1e-300, 1.0 - 1e-16)));
        }
        product
    }
}

fn primes(n: usize) -> Vec<u64> {
    (2..).filter(|&p: &u64| (2..p).take_while(|d| d * d <= p).all(|d| p % d != 0)).take(n).collect()
}

/// A number in (0, 1) for two whole numbers, by SplitMix64.
fn scrambled(shift: u64, dimension: u64) -> f64 {
    let mut z = (shift << 32 | dimension).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(n: usize, r: f64) -> DMatrix<f64> {
        DMatrix::from_fn(n, n, |a, b| if a == b { 1.0 } else { r })
    }

    /// Two-sided 5 % points of comparisons with a control, equal numbers (Dunnett 1964, Biometrics 20:482–491).
    #[test]
    fn tables_of_comparisons_with_a_control_are_met() {
        let infinite = f64::INFINITY;
        for (bound, n, df) in
            [(2.57, 2, 10.0), (2.76, 3, 10.0), (2.38, 2, 20.0), (2.54, 3, 20.0), (2.65, 4, 20.0), (2.21, 2, infinite), (2.35, 3, infinite)]
        {
            let p = two_sided_sf(bound, &equal(n, 0.5), df);
            assert!((p - 0.05).abs() < 1e-3, "{bound}, {n}, {df}: {p}");
        }
    }

    /// The lattice agrees with quadrature where both can be used, and with the studentized range for all differences of
    /// three means, whose correlation matrix is singular.
    #[test]
    fn the_lattice_is_as_good_as_it_says() {
        for (n, r, df, bound) in [(3, 0.5, 12.0, 2.5), (4, 0.2, 30.0, 2.7), (2, -0.4, 8.0, 2.0)] {
            let exact = 1.0 - two_sided_sf(bound, &equal(n, r), df);
            assert!((inside_by_lattice(bound, &equal(n, r), df) - exact).abs() < 2e-5, "{n} {r}");
        }
        let half = [[1.0, 0.5, -0.5], [0.5, 1.0, 0.5], [-0.5, 0.5, 1.0]];
        let differences = DMatrix::from_fn(3, 3, |a, b| half[a][b]);
        let bound = 2.7;
        let range = crate::dist::studentized_range::sf(bound * std::f64::consts::SQRT_2, 3, 20.0);
        assert!((two_sided_sf(bound, &differences, 20.0) - range).abs() < 2e-5);
    }

    #[test]
    fn one_statistic_is_a_t_test_and_independent_ones_multiply() {
        assert_eq!(two_sided_sf(2.0, &equal(1, 0.0), 7.0), t::two_sided_p(2.0, 7.0));
        let alone = 1.0 - t::two_sided_p(2.1, f64::INFINITY);
        assert!((1.0 - two_sided_sf(2.1, &equal(2, 0.0), f64::INFINITY) - alone * alone).abs() < 1e-9);
        assert!(two_sided_sf(f64::NAN, &equal(2, 0.5), 5.0).is_nan());
        assert_eq!((two_sided_sf(0.0, &equal(2, 0.5), 5.0), two_sided_sf(f64::INFINITY, &equal(2, 0.5), 5.0)), (1.0, 0.0));
    }
}
