//! Natural cubic splines in the basis of R's `splines::ns` (without an intercept), so that coefficients are the same.
//!
//! Cubic B-splines on the knots, without the first, are turned by the Householder reflections of their second
//! derivatives at the two ends; what is left behind the first two columns is straight beyond the ends (de Boor 1978, A
//! Practical Guide to Splines; R Core Team, package splines).

/// A natural cubic spline: interior knots between two ends.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct NaturalSpline {
    interior: Vec<f64>,
    ends: (f64, f64),
}

const ORDER: usize = 4;

impl NaturalSpline {
    /// A spline with `df` columns whose interior knots are at quantiles of `x` (linearly interpolated) and whose ends
    /// are its smallest and largest number; `None` where these do not differ from one another.
    pub fn through(mut x: Vec<f64>, df: usize) -> Option<Self> {
        x.sort_by(f64::total_cmp);
        let (first, last) = (*x.first()?, *x.last()?);
        let quantile = |share: f64| {
            let place = share * (x.len() - 1) as f64;
            let (below, above) = (x[place.floor() as usize], x[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        let interior: Vec<f64> = (1..df).map(|k| quantile(k as f64 / df as f64)).collect();
        let all: Vec<f64> = [first].into_iter().chain(interior.iter().copied()).chain([last]).collect();
        all.windows(2).all(|pair| pair[0] < pair[1]).then_some(Self { interior, ends: (first, last) })
    }

    /// The value of column `k` at `x`; straight lines beyond the ends.
    pub fn value(&self, x: f64, k: usize) -> f64 {
        let (first, last) = self.ends;
        let inside = x.clamp(first, last);
        let own = self.turned(inside, 0)[k];
        if x == inside || x.is_nan() { if x.is_nan() { x } else { own } } else { own + (x - inside) * self.turned(inside, 1)[k] }
    }

    /// The derivative of the given degree of every column at a point between the ends.
    fn turned(&self, x: f64, degree: usize) -> Vec<f64> {
        let mut values = self.b_splines(x, degree);
        for (at, reflection) in self.reflections().iter().enumerate() {
            reflect(&mut values[at..], reflection);
        }
        values.split_off(2)
    }

    /// The Householder vectors of the second derivatives at the two ends.
    fn reflections(&self) -> [Vec<f64>; 2] {
        let first = householder(&self.b_splines(self.ends.0, 2));
        let mut second = self.b_splines(self.ends.1, 2);
        reflect(&mut second, &first);
        [first, householder(&second[1..])]
    }

    /// The B-splines but for the first.
    fn b_splines(&self, x: f64, degree: usize) -> Vec<f64> {
        let knots = self.knots();
        (1..knots.len() - ORDER).map(|i| b_spline(&knots, i, ORDER, x, degree)).collect()
    }

    fn knots(&self) -> Vec<f64> {
        let ends = |end: f64| std::iter::repeat_n(end, ORDER);
        ends(self.ends.0).chain(self.interior.iter().copied()).chain(ends(self.ends.1)).collect()
    }
}

/// The derivative of a B-spline of some order; the last interval includes its end.
fn b_spline(knots: &[f64], i: usize, order: usize, x: f64, degree: usize) -> f64 {
    let over = |numerator: f64, width: f64| if width > 0.0 { numerator / width } else { 0.0 };
    if order == 1 {
        let last = knots[knots.len() - 1];
        let inside = knots[i] <= x && (x < knots[i + 1] || (x == last && knots[i + 1] == last && knots[i] < last));
        return if inside && degree == 0 { 1.0 } else { 0.0 };
    }
    let (left, right) = (knots[i + order - 1] - knots[i], knots[i + order] - knots[i + 1]);
    if degree > 0 {
        let lower = |i: usize| b_spline(knots, i, order - 1, x, degree - 1);
        return (order - 1) as f64 * (over(lower(i), left) - over(lower(i + 1), right));
    }
    let lower = |i: usize| b_spline(knots, i, order - 1, x, 0);
    over((x - knots[i]) * lower(i), left) + over((knots[i + order] - x) * lower(i + 1), right)
}

/// The vector u = x/±|x| + e₁ whose reflection takes x to a multiple of e₁, with the sign of LINPACK.
fn householder(x: &[f64]) -> Vec<f64> {
    let size = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    let signed = if x[0] < 0.0 { -size } else { size };
    let mut u: Vec<f64> = x.iter().map(|x| x / signed).collect();
    u[0] += 1.0;
    u
}

/// y − u (u'y)/u₁.
fn reflect(y: &mut [f64], u: &[f64]) {
    let share = u.iter().zip(y.iter()).map(|(u, y)| u * y).sum::<f64>() / u[0];
    y.iter_mut().zip(u).for_each(|(y, u)| *y -= share * u);
}
