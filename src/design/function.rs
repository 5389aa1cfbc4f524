//! Functions of a column that a formula can name: logarithms, roots, powers, polynomials, natural splines.

use super::spline::NaturalSpline;
use super::tokens::quoted;
use std::fmt;

/// A function of one numeric column, as a formula has it: `log(x)`, `I(x^2)`, `poly(x, 2, raw)`, `ns(x, 3)`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Function {
    /// The column, or `time` and `baseline` where no column has these names.
    pub column: String,
    pub kind: FunctionKind,
}

/// Which function it is.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) enum FunctionKind {
    Of(Transformation),
    /// x to a whole power.
    Power(u32),
    /// x, x², …, up to this degree.
    Polynomial(u32),
    /// A natural cubic spline with so many columns; its knots follow from the data of the analysis.
    Spline {
        df: usize,
        spline: Option<NaturalSpline>,
    },
}

/// A function of a number that outcomes may be taken through as well.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transformation {
    /// The natural logarithm.
    Log,
    /// The logarithm to base 2.
    Log2,
    /// The logarithm to base 10.
    Log10,
    /// The natural logarithm of 1 + x.
    Log1p,
    /// The exponential.
    Exp,
    /// The square root.
    Sqrt,
}

impl Transformation {
    const NAMED: [(&'static str, Transformation); 6] = [
        ("log", Transformation::Log),
        ("log2", Transformation::Log2),
        ("log10", Transformation::Log10),
        ("log1p", Transformation::Log1p),
        ("exp", Transformation::Exp),
        ("sqrt", Transformation::Sqrt),
    ];

    /// The transformation that a formula calls so.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(own, _)| *own == name).map(|(_, transformation)| *transformation)
    }

    /// What a formula calls it.
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(_, own)| *own == self).map_or("", |(name, _)| name)
    }

    /// The transformed number; not finite where it is not defined.
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Transformation::Log => x.ln(),
            Transformation::Log2 => x.log2(),
            Transformation::Log10 => x.log10(),
            Transformation::Log1p => x.ln_1p(),
            Transformation::Exp => x.exp(),
            Transformation::Sqrt => x.sqrt(),
        }
    }

    /// The number that is transformed into this one.
    pub fn invert(self, y: f64) -> f64 {
        match self {
            Transformation::Log => y.exp(),
            Transformation::Log2 => y.exp2(),
            Transformation::Log10 => 10.0_f64.powf(y),
            Transformation::Log1p => y.exp_m1(),
            Transformation::Exp => y.ln(),
            Transformation::Sqrt => y * y,
        }
    }

    /// Whether a difference of transformed means is the logarithm of a ratio.
    pub fn is_logarithm(self) -> bool {
        matches!(self, Transformation::Log | Transformation::Log2 | Transformation::Log10)
    }

    /// The numbers it is defined for.
    pub(super) fn domain(self) -> &'static str {
        match self {
            Transformation::Log | Transformation::Log2 | Transformation::Log10 => "positive numbers",
            Transformation::Log1p => "numbers above −1",
            Transformation::Exp => "numbers that are not too large",
            Transformation::Sqrt => "numbers that are not negative",
        }
    }
}

impl Function {
    pub fn new(column: impl Into<String>, kind: FunctionKind) -> Self {
        Self { column: column.into(), kind }
    }

    /// How many columns it makes.
    pub fn size(&self) -> usize {
        match &self.kind {
            FunctionKind::Of(_) | FunctionKind::Power(_) => 1,
            FunctionKind::Polynomial(degree) => *degree as usize,
            FunctionKind::Spline { df, .. } => *df,
        }
    }

    /// The number in its column `k`.
    pub fn value(&self, x: f64, k: usize) -> f64 {
        match &self.kind {
            FunctionKind::Of(transformation) => transformation.apply(x),
            FunctionKind::Power(power) => x.powi(*power as i32),
            FunctionKind::Polynomial(_) => x.powi(k as i32 + 1),
            FunctionKind::Spline { spline, .. } => spline.as_ref().map_or(f64::NAN, |spline| spline.value(x, k)),
        }
    }

    /// The name of its column `k`.
    pub fn column_name(&self, k: usize) -> String {
        if self.size() == 1 { self.to_string() } else { format!("{self}{}", k + 1) }
    }

    /// The numbers it is defined for, where not for all.
    pub fn domain(&self) -> &'static str {
        match &self.kind {
            FunctionKind::Of(transformation) => transformation.domain(),
            _ => "finite numbers",
        }
    }

    /// Whether the data have still to say what it is.
    pub fn is_open(&self) -> bool {
        matches!(self.kind, FunctionKind::Spline { spline: None, .. })
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = quoted(&self.column);
        match &self.kind {
            FunctionKind::Of(transformation) => write!(f, "{}({column})", transformation.name()),
            FunctionKind::Power(power) => write!(f, "I({column}^{power})"),
            FunctionKind::Polynomial(degree) => write!(f, "poly({column}, {degree}, raw)"),
            FunctionKind::Spline { df, .. } => write!(f, "ns({column}, {df})"),
        }
    }
}
