//! Random numbers that repeat: a stream per patient, and normal deviates made here.

use chacha20::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

/// A stream of random numbers, distinguished from all others by seed, replicate and stream number.
///
/// Different streams of one seed are independent; the same three numbers always give the same stream, on any platform.
///
/// ```
/// use trialstats::simulate::random::Stream;
///
/// let (mut a, mut b) = (Stream::new(1, 0, 7), Stream::new(1, 0, 7));
/// assert_eq!(a.normal().to_bits(), b.normal().to_bits());
/// ```
#[derive(Debug)]
pub struct Stream {
    source: ChaCha12Rng,
    spare: Option<f64>,
}

/// A copy goes on with the same numbers.
impl Clone for Stream {
    fn clone(&self) -> Self {
        let mut source = ChaCha12Rng::from_seed(self.source.get_seed());
        source.set_stream(self.source.get_stream());
        source.set_word_pos(self.source.get_word_pos());
        Self { source, spare: self.spare }
    }
}

impl Stream {
    /// Stream number `stream` of replicate `replicate` under `seed`.
    pub fn new(seed: u64, replicate: u64, stream: u64) -> Self {
        // The key is spelt out rather than expanded by the crate, whose expansion may change between versions.
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&replicate.to_le_bytes());
        let mut source = ChaCha12Rng::from_seed(key);
        source.set_stream(stream);
        Self { source, spare: None }
    }

    /// A uniform deviate in [0, 1): a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        (self.source.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Whether an event of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A whole number from `low` to `high`, both included and all equally likely; `low` if `high` is below it.
    pub fn whole(&mut self, low: u32, high: u32) -> u32 {
        let span = u64::from(high.saturating_sub(low)) + 1;
        // 2⁵³ is so far above 2³² that the unevenness of scaling is beyond any simulation's notice.
        low + (self.uniform() * span as f64) as u32
    }

    /// A standard normal deviate, by Marsaglia's polar method.
    ///
    /// Reference: Marsaglia G, Bray TA (1964). A convenient method for generating normal variables. SIAM Review
    /// 6(3):260–264. doi:10.1137/1006063
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (u, v) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                let scale = (-2.0 * libm::log(s) / s).sqrt();
                self.spare = Some(v * scale);
                return u * scale;
            }
        }
    }

    /// `n` standard normal deviates.
    pub fn normals(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.normal()).collect()
    }

    /// A gamma deviate of this shape, at least 1, and scale 1.
    ///
    /// Reference: Marsaglia G, Tsang WW (2000). A simple method for generating gamma variables. ACM Transactions on
    /// Mathematical Software 26(3):363–372. doi:10.1145/358407.358414
    fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && libm::log(1.0 - self.uniform()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    /// A χ² deviate with `df` degrees of freedom, at least 1.
    pub fn chi_squared(&mut self, df: f64) -> f64 {
        // Gamma(a) is gamma(a + 1) times U^(1/a) (ibid., section 6).
        if df < 2.0 {
            let more = 2.0 * self.gamma(0.5 * df + 1.0);
            return more * libm::pow(1.0 - self.uniform(), 2.0 / df);
        }
        2.0 * self.gamma(0.5 * df)
    }

    /// Puts `values` in random order (Fisher–Yates).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, self.whole(0, i as u32) as usize);
        }
    }
}

/// The probability whose log odds are `logit`.
pub(crate) fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-logit))
}

/// The log odds of `probability`.
pub(crate) fn logit(probability: f64) -> f64 {
    libm::log(probability / (1.0 - probability))
}

/// The lower triangular L with L L' = `matrix` (n × n, row by row), or `None` if it is not positive definite.
pub(crate) fn lower_factor(matrix: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let done: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let rest = matrix[i * n + j] - done;
            l[i * n + j] = match i == j {
                true if rest > 1e-12 * matrix[i * n + i].abs() => rest.sqrt(),
                true => return None,
                false => rest / l[j * n + j],
            };
        }
    }
    Some(l)
}

/// L e for a lower triangular L.
pub(crate) fn lower_times(l: &[f64], e: &[f64]) -> Vec<f64> {
    let n = e.len();
    (0..n).map(|i| lower_row_times(&l[i * n..=i * n + i], e)).collect()
}

/// One element of it: that of a row of L up to the diagonal.
pub(crate) fn lower_row_times(row: &[f64], e: &[f64]) -> f64 {
    row.iter().zip(e).map(|(l, e)| l * e).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_deviates_have_the_moments_of_a_normal() {
        let mut stream = Stream::new(3, 0, 0);
        let n = 200_000;
        let x = stream.normals(n);
        let moment = |k: i32| x.iter().map(|x| x.powi(k)).sum::<f64>() / n as f64;
        // Monte-Carlo standard errors: √(1/n), √(2/n), √(15/n), √(96/n); four of them each.
        let n = n as f64;
        for (k, expected, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0_f64)] {
            assert!((moment(k) - expected).abs() < 4.0 * (variance / n).sqrt(), "moment {k}: {}", moment(k));
        }
    }

    #[test]
    fn chi_squared_deviates_have_the_moments_of_their_distribution() {
        for df in [1.0, 1.5, 2.0, 7.0, 60.0] {
            let mut stream = Stream::new(9, 0, 0);
            let n = 200_000;
            let x: Vec<f64> = (0..n).map(|_| stream.chi_squared(df)).collect();
            let n = n as f64;
            let mean = x.iter().sum::<f64>() / n;
            let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            assert!((mean - df).abs() < 4.0 * (2.0 * df / n).sqrt(), "{df}: {mean}");
            // Var((X − μ)²) = μ₄ − σ⁴ = 12ν² + 48ν − 4ν².
            assert!((variance - 2.0 * df).abs() < 4.0 * ((8.0 * df * df + 48.0 * df) / n).sqrt(), "{df}: {variance}");
        }
    }

    /// Against ChaCha and the polar method written out in Python; the uniform must have the same bits, the logarithms
    /// may differ in the last.
    #[test]
    fn the_first_numbers_are_those_of_the_reference() {
        let reference: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/references/simulate/stream.json")).expect("the reference is JSON");
        let mut stream = Stream::new(1, 2, 3);
        assert_eq!(Some(stream.uniform()), reference["uniform"].as_f64());
        let normals = reference["normals"].as_array().expect("a list");
        for expected in normals.iter().filter_map(serde_json::Value::as_f64) {
            assert!((stream.normal() - expected).abs() <= 4.0 * f64::EPSILON);
        }
        assert_eq!(normals.len(), 12);
    }

    #[test]
    fn a_copy_goes_on_with_the_same_numbers() {
        let mut stream = Stream::new(4, 5, 6);
        for drawn in 0..200 {
            let mut copy = stream.clone();
            let expected = [(); 3].map(|()| copy.normal().to_bits());
            let mut another = stream.clone();
            assert_eq!([(); 3].map(|()| another.normal().to_bits()), expected, "after {drawn}");
            assert_eq!(stream.normal().to_bits(), expected[0], "after {drawn}");
        }
    }

    #[test]
    fn whole_numbers_stay_within_their_bounds_and_reach_both() {
        let mut stream = Stream::new(5, 0, 0);
        let drawn: Vec<u32> = (0..1000).map(|_| stream.whole(3, 6)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&3), Some(&6)));
    }

    #[test]
    fn the_factor_gives_its_matrix_back() {
        let m = [4.0, 2.0, 1.0, 2.0, 5.0, 2.0, 1.0, 2.0, 6.0];
        let l = lower_factor(&m, 3).unwrap();
        for i in 0..3 {
            for j in 0..3 {
                let product: f64 = (0..3).map(|k| l[i * 3 + k] * l[j * 3 + k]).sum();
                assert!((product - m[i * 3 + j]).abs() < 1e-14);
            }
        }
        assert_eq!(lower_factor(&[1.0, 1.0, 1.0, 1.0], 2), None);
    }
}
