//! Sums of products to twice the precision of `f64`: Dekker (1971, Numerische Mathematik 18:224–242).

use std::ops::{Add, Div, Mul, Sub};

/// An unevaluated sum `high + low` of two numbers, `low` being at most half a unit in the last place of `high`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct DoubleDouble {
    high: f64,
    low: f64,
}

impl DoubleDouble {
    pub fn to_f64(self) -> f64 {
        self.high
    }

    pub fn sqrt(self) -> Self {
        if self.high <= 0.0 {
            return Self::default();
        }
        let root = self.high.sqrt();
        Self::from(root) + Self::from((self - product(root, root)).high / (2.0 * root))
    }
}

impl From<f64> for DoubleDouble {
    fn from(high: f64) -> Self {
        Self { high, low: 0.0 }
    }
}

/// a + b exactly.
fn sum(a: f64, b: f64) -> DoubleDouble {
    let high = a + b;
    let b_part = high - a;
    DoubleDouble { high, low: (a - (high - b_part)) + (b - b_part) }
}

/// a + b exactly, where |a| ≥ |b|.
fn ordered_sum(a: f64, b: f64) -> DoubleDouble {
    let high = a + b;
    DoubleDouble { high, low: b - (high - a) }
}

/// a · b exactly, for factors below 1e150.
pub(crate) fn product(a: f64, b: f64) -> DoubleDouble {
    let halves = |x: f64| {
        let scaled = 134_217_729.0 * x;
        let upper = scaled - (scaled - x);
        (upper, x - upper)
    };
    let high = a * b;
    let ((a1, a2), (b1, b2)) = (halves(a), halves(b));
    DoubleDouble { high, low: ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2 }
}

impl Add for DoubleDouble {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let s = sum(self.high, other.high);
        ordered_sum(s.high, s.low + self.low + other.low)
    }
}

impl Sub for DoubleDouble {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + Self { high: -other.high, low: -other.low }
    }
}

impl Mul for DoubleDouble {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let p = product(self.high, other.high);
        ordered_sum(p.high, p.low + self.high * other.low + self.low * other.high)
    }
}

impl Div for DoubleDouble {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let quotient = self.high / other.high;
        let rest = self - other * Self::from(quotient);
        ordered_sum(quotient, rest.high / other.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_survive_large_ones() {
        let large = product(1e8 + 1.0, 1e8 + 1.0);
        let small = large - product(1e8, 1e8) - DoubleDouble::from(2e8);
        assert_eq!(small.to_f64(), 1.0);
        let third = DoubleDouble::from(1.0) / DoubleDouble::from(3.0);
        assert!((third * DoubleDouble::from(3.0) - DoubleDouble::from(1.0)).to_f64().abs() < 1e-31);
        let root = DoubleDouble::from(2.0).sqrt();
        assert!((root * root - DoubleDouble::from(2.0)).to_f64().abs() < 1e-31);
    }
}
