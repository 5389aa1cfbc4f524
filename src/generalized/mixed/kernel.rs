//! One observation given its linear predictor: log-likelihood and its derivatives under the canonical link.

/// What is observed, with its canonical link: η is the log odds of a probability or the logarithm of a mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// 0 or 1; ℓ = yη − log(1 + e^η).
    Binary,
    /// A count; ℓ = yη − e^η − log y!.
    Count,
}

/// Derivatives of an observation's ℓ(η): r = ℓ' = y − μ, and w = −ℓ'' = dμ/dη with its own derivatives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Derivatives {
    pub r: f64,
    pub w: f64,
    /// dw/dη.
    pub w1: f64,
    /// d²w/dη².
    pub w2: f64,
}

/// Σ ℓ over observations, with one logarithm for many.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogLikelihood {
    linear: f64,
    product: f64,
}

impl LogLikelihood {
    pub fn new() -> Self {
        Self { linear: 0.0, product: 1.0 }
    }

    pub fn sum(self) -> f64 {
        self.linear - self.product.ln()
    }
}

impl Kernel {
    /// Adds ℓ(η) and returns r and w.
    #[inline(always)]
    pub(super) fn add(self, y: f64, eta: f64, to: &mut LogLikelihood) -> (f64, f64) {
        match self {
            Kernel::Binary => {
                let t = (-eta.abs()).exp();
                let over = 1.0 / (1.0 + t);
                to.linear += y * eta - eta.max(0.0);
                to.product *= 1.0 + t;
                if to.product > 1e280 {
                    to.linear -= to.product.ln();
                    to.product = 1.0;
                }
                let mean = if eta >= 0.0 { over } else { t * over };
                (y - mean, t * over * over)
            }
            Kernel::Count => {
                let mean = eta.exp();
                to.linear += y * eta - mean;
                (y - mean, mean)
            }
        }
    }

    pub(super) fn derivatives(self, y: f64, eta: f64) -> Derivatives {
        let (r, w) = self.add(y, eta, &mut LogLikelihood::new());
        match self {
            Kernel::Binary => Derivatives { r, w, w1: w * (1.0 - 2.0 * (y - r)), w2: w * (1.0 - 6.0 * w) },
            Kernel::Count => Derivatives { r, w, w1: w, w2: w },
        }
    }

    /// dw/dη, given r and w.
    #[inline(always)]
    pub fn slope_of_weight(self, y: f64, r: f64, w: f64) -> f64 {
        match self {
            Kernel::Binary => w * (1.0 - 2.0 * (y - r)),
            Kernel::Count => w,
        }
    }

    /// The part of ℓ without parameters: −log y!.
    pub fn constant(self, y: f64) -> f64 {
        match self {
            Kernel::Binary => 0.0,
            Kernel::Count => -libm::lgamma(y + 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_the_log_likelihood() {
        let value = |kernel: Kernel, y: f64, eta: f64| {
            let mut sum = LogLikelihood::new();
            kernel.add(y, eta, &mut sum);
            sum.sum()
        };
        for kernel in [Kernel::Binary, Kernel::Count] {
            for (y, eta) in [(0.0, -3.0), (1.0, -0.2), (0.0, 0.7), (1.0, 2.5)] {
                let at = |h: f64| kernel.derivatives(y, eta + h);
                let h = 1e-5;
                let slope = (value(kernel, y, eta + h) - value(kernel, y, eta - h)) / (2.0 * h);
                let d = at(0.0);
                assert!((slope - d.r).abs() < 1e-8);
                assert!(((at(h).r - at(-h).r) / (2.0 * h) + d.w).abs() < 1e-8);
                assert!(((at(h).w - at(-h).w) / (2.0 * h) - d.w1).abs() < 1e-8);
                assert!(((at(h).w1 - at(-h).w1) / (2.0 * h) - d.w2).abs() < 1e-8);
            }
        }
    }
}
