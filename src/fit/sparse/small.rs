//! Algebra of the effects of one level: k × k matrices row by row, k mostly 1 or 2.

/// Compiles what is done with k × m numbers of a level once for each small size, with loops of known length, and once for
/// all others.
macro_rules! for_level_sizes {
    ($k:ident, $m:ident => $call:expr) => {
        match $k {
            1 => {
                let $k = 1;
                crate::fit::kernels::for_small_sizes!($m, $m => $call)
            }
            2 => {
                let $k = 2;
                crate::fit::kernels::for_small_sizes!($m, $m => $call)
            }
            $k => $call,
        }
    };
}
pub(super) use for_level_sizes;

/// The product of many pivots, with few logarithms.
#[derive(Debug)]
pub(super) struct LogProduct {
    logs: f64,
    product: f64,
}

impl LogProduct {
    pub fn new() -> Self {
        Self { logs: 0.0, product: 1.0 }
    }

    pub fn times(&mut self, x: f64) {
        self.product *= x;
        if !(1e-100..1e100).contains(&self.product) {
            self.logs += if self.product.is_normal() { self.product.ln() } else { (self.product / x).ln() + x.ln() };
            self.product = 1.0;
        }
    }

    pub fn ln(&self) -> f64 {
        self.logs + self.product.ln()
    }
}

/// Replaces the lower triangle of a positive semidefinite matrix by its Cholesky factor, whose columns are zero where
/// a pivot is; the upper triangle becomes zero.
pub(super) fn semidefinite_root(a: &mut [f64], k: usize) {
    /// The share of a diagonal element that is but rounding.
    const ROUNDING: f64 = 1e-13;
    for j in 0..k {
        let whole = a[j * k + j];
        let taken: f64 = a[j * k..j * k + j].iter().map(|x| x * x).sum();
        let pivot = whole - taken;
        let root = if pivot > ROUNDING * whole { pivot.sqrt() } else { 0.0 };
        a[j * k + j] = root;
        for i in j + 1..k {
            let inner: f64 = (0..j).map(|c| a[i * k + c] * a[j * k + c]).sum();
            a[i * k + j] = if root > 0.0 { (a[i * k + j] - inner) / root } else { 0.0 };
            a[j * k + i] = 0.0;
        }
    }
}

/// Whether the lower triangle is that of a positive definite matrix; it loses its meaning.
pub(super) fn has_root(a: &mut [f64], k: usize) -> bool {
    for j in 0..k {
        let pivot = a[j * k + j];
        // Also where it is not a number.
        if pivot.is_nan() || pivot <= 0.0 {
            return false;
        }
        for i in j + 1..k {
            let factor = a[i * k + j] / pivot;
            (j + 1..=i).for_each(|l| a[i * k + l] -= factor * a[l * k + j]);
        }
    }
    true
}

/// Solves R X = B in place, B of k rows; zero where R has a zero pivot.
#[inline(always)]
pub(super) fn forward(r: &[f64], k: usize, b: &mut [f64]) {
    let m = b.len() / k;
    for i in 0..k {
        let (above, own) = b.split_at_mut(i * m);
        let own = &mut own[..m];
        for (j, row) in above.chunks_exact(m).enumerate() {
            let factor = r[i * k + j];
            own.iter_mut().zip(row).for_each(|(x, y)| *x -= factor * y);
        }
        let pivot = r[i * k + i];
        let inverse = if pivot > 0.0 { 1.0 / pivot } else { 0.0 };
        own.iter_mut().for_each(|x| *x *= inverse);
    }
}

/// What a level needs at one Λ: with N = I + R'ΛΛ'R = CC', the factor C, T = RC⁻ᵀ and W = TT'. Multiplies the pivots
/// of N to `determinant`.
pub(super) fn level_factors(
    r: &[f64],
    lambda: &[f64],
    k: usize,
    c: &mut [f64],
    t: &mut [f64],
    w: &mut [f64],
    determinant: &mut LogProduct,
) {
    if k == 1 {
        let product = lambda[0] * r[0];
        let n = 1.0 + product * product;
        determinant.times(n);
        c[0] = n.sqrt();
        t[0] = r[0] / c[0];
        w[0] = t[0] * t[0];
        return;
    }
    // Λ'R into t, then N = I + (Λ'R)'(Λ'R) into c.
    for i in 0..k {
        for j in 0..k {
            t[i * k + j] = (i.max(j)..k).map(|l| lambda[l * k + i] * r[l * k + j]).sum();
        }
    }
    for i in 0..k {
        for j in 0..=i {
            c[i * k + j] = f64::from(i == j) + (0..k).map(|l| t[l * k + i] * t[l * k + j]).sum::<f64>();
        }
    }
    for j in 0..k {
        let pivot = c[j * k + j] - c[j * k..j * k + j].iter().map(|x| x * x).sum::<f64>();
        determinant.times(pivot);
        let root = pivot.sqrt();
        c[j * k + j] = root;
        for i in j + 1..k {
            let inner: f64 = (0..j).map(|l| c[i * k + l] * c[j * k + l]).sum();
            c[i * k + j] = (c[i * k + j] - inner) / root;
            c[j * k + i] = 0.0;
        }
    }
    // Row i of T solves C t' = row i of R.
    for i in 0..k {
        t[i * k..(i + 1) * k].copy_from_slice(&r[i * k..(i + 1) * k]);
        forward(c, k, &mut t[i * k..(i + 1) * k]);
    }
    for i in 0..k {
        for j in 0..k {
            w[i * k + j] = (0..k).map(|l| t[i * k + l] * t[j * k + l]).sum();
        }
    }
}

/// Writes A B into `product`, A k × k and B k × m.
#[inline(always)]
pub(super) fn multiply(a: &[f64], k: usize, b: &[f64], product: &mut [f64]) {
    let m = b.len() / k;
    for (row, own) in product.chunks_exact_mut(m).enumerate() {
        own.fill(0.0);
        for (&factor, other) in a[row * k..(row + 1) * k].iter().zip(b.chunks_exact(m)) {
            own.iter_mut().zip(other).for_each(|(x, y)| *x += factor * y);
        }
    }
}

/// tr(D X) of a symmetric X, D the derivative by element (a, b).
pub(super) fn trace(x: &[f64], k: usize, (a, b): (usize, usize)) -> f64 {
    if a == b { x[a * k + a] } else { 2.0 * x[a * k + b] }
}

/// tr(D₁ X D₂ Y) of symmetric X and Y, D₁ and D₂ the derivatives by elements (a, b) and (c, d).
pub(super) fn trace_pair(x: &[f64], y: &[f64], k: usize, one: (usize, usize), other: (usize, usize)) -> f64 {
    trace_pair_with(x, |a, b| y[a * k + b], k, one, other)
}

/// The same, Y given by its elements.
#[inline(always)]
pub(super) fn trace_pair_with(x: &[f64], y: impl Fn(usize, usize) -> f64, k: usize, (a, b): (usize, usize), (c, d): (usize, usize)) -> f64 {
    let at = |a: usize, b: usize, c: usize, d: usize| x[b * k + c] * y(d, a);
    let by_second = |a: usize, b: usize| at(a, b, c, d) + if c == d { 0.0 } else { at(a, b, d, c) };
    by_second(a, b) + if a == b { 0.0 } else { by_second(b, a) }
}
