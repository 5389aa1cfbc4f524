//! Axes: round tick values, and the map from a value to its place.

use super::style::{INK, RULE, SMALL};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};

/// A quantity drawn along a line, from `from` to `to` on the page.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    logarithmic: bool,
    ticks: Vec<f64>,
}

impl Axis {
    /// A linear axis whose round ends enclose all finite `values`; about `wanted` ticks.
    pub(super) fn enclosing(values: impl IntoIterator<Item = f64>, wanted: usize, (from, to): (f64, f64)) -> Self {
        let (low, high) = extent(values);
        let step = round_step((high - low) / wanted.max(1) as f64);
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let ticks: Vec<f64> = (0..=(last - first) as usize).map(|k| (first + k as f64) * step).collect();
        Self { low: ticks[0], high: ticks[ticks.len() - 1], from, to, logarithmic: false, ticks }
    }

    /// A linear axis over exactly `low` to `high`, with the given ticks.
    pub(super) fn fixed((low, high): (f64, f64), ticks: Vec<f64>, (from, to): (f64, f64)) -> Self {
        Self { low, high, from, to, logarithmic: false, ticks }
    }

    /// A logarithmic axis that encloses all positive finite `values`, with ticks at 1, 2 and 5 times powers of ten.
    pub(super) fn logarithmic(values: impl IntoIterator<Item = f64>, (from, to): (f64, f64)) -> Self {
        let (low, high) = extent(values.into_iter().filter(|v| *v > 0.0).map(f64::log10));
        let all: Vec<f64> = (-12..=12).flat_map(|e| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(e))).collect();
        let first = all.iter().rposition(|t| t.log10() <= low + 1e-9).unwrap_or(0);
        let last = all.iter().position(|t| t.log10() >= high - 1e-9).unwrap_or(all.len() - 1);
        let ticks = all[first..=last.max(first + 1).min(all.len() - 1)].to_vec();
        let thinned =
            if ticks.len() > 9 { ticks.iter().copied().filter(|t| t.log10().fract().abs() < 1e-9).collect() } else { ticks.clone() };
        Self { low: ticks[0].log10(), high: ticks[ticks.len() - 1].log10(), from, to, logarithmic: true, ticks: thinned }
    }

    /// The place of `value`; what lies beyond the axis is put at its end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let v = if self.logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value };
        let share = ((v - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.from + share * (self.to - self.from)
    }

    /// Whether `value` lies within the axis.
    pub(super) fn holds(&self, value: f64) -> bool {
        let v = if self.logarithmic { value.log10() } else { value };
        (self.low - 1e-9..=self.high + 1e-9).contains(&v)
    }

    pub(super) fn ticks(&self) -> &[f64] {
        &self.ticks
    }

    /// Tick labels with as many decimals as the ticks need.
    pub(super) fn labels(&self) -> Vec<String> {
        let step = self.ticks.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(f64::INFINITY, f64::min).min(1.0);
        let whole = |t: f64, d: i32| (t * 10f64.powi(d) - (t * 10f64.powi(d)).round()).abs() < 1e-6 * step * 10f64.powi(d);
        let decimals = (0..16).find(|&d| self.ticks.iter().all(|t| whole(*t, d))).unwrap_or(6) as usize;
        let label = |t: &f64| if self.logarithmic { format!("{t}") } else { format!("{t:.decimals$}") };
        self.ticks.iter().map(|t| label(t).replace('-', "−")).map(|t| if is_zero(&t) { "0".into() } else { t }).collect()
    }

    /// Draws the axis along the bottom of a plot at height `y`.
    pub(super) fn draw_below(&self, canvas: &mut Canvas, y: f64) {
        canvas.line((self.from, y), (self.to, y), Stroke::solid(INK, 1.0));
        for (tick, label) in self.ticks.iter().zip(self.labels()) {
            let x = self.at(*tick);
            canvas.line((x, y), (x, y + 4.0), Stroke::solid(INK, 1.0));
            canvas.text((x, y + 16.0), &label, TextStyle::new(SMALL, Anchor::Middle));
        }
    }

    /// Draws the axis along the left of a plot at `x`, with faint lines across to `right`.
    pub(super) fn draw_left(&self, canvas: &mut Canvas, x: f64, right: f64) {
        for (tick, label) in self.ticks.iter().zip(self.labels()) {
            let y = self.at(*tick);
            canvas.line((x, y), (right, y), Stroke { colour: RULE, width: 0.5, dash: "1 3" });
            canvas.line((x - 4.0, y), (x, y), Stroke::solid(INK, 1.0));
            canvas.text((x - 8.0, y + 4.0), &label, TextStyle::new(SMALL, Anchor::End));
        }
        canvas.line((x, self.from), (x, self.to), Stroke::solid(INK, 1.0));
    }
}

fn is_zero(label: &str) -> bool {
    label.chars().all(|c| !c.is_ascii_digit() || c == '0')
}

/// The smallest and largest finite value, spread apart where they coincide; 0 to 1 where there is none.
fn extent(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.into_iter().filter(|v| v.is_finite()).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        (0.0, 1.0)
    } else if high - low <= 1e-12 * low.abs().max(high.abs()) {
        let spread = if low == 0.0 { 1.0 } else { 0.5 * low.abs() };
        (low - spread, high + spread)
    } else {
        (low, high)
    }
}

/// The step 1, 2 or 5 times a power of ten at or above `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_axis_encloses_what_it_was_made_for(a in -1e6..1e6f64, span in 1e-3..1e6f64, wanted in 2usize..10) {
            let axis = Axis::enclosing([a, a + span], wanted, (0.0, 100.0));
            prop_assert!(axis.holds(a) && axis.holds(a + span));
            prop_assert!(axis.ticks().len() >= 2 && axis.ticks().len() <= 2 * wanted + 3);
            prop_assert!((0.0..=100.0).contains(&axis.at(a)));
        }
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(Axis::enclosing([0.0, 40.0], 4, (0.0, 1.0)).ticks(), [0.0, 10.0, 20.0, 30.0, 40.0]);
        assert_eq!(Axis::enclosing([3.0, 47.0], 5, (0.0, 1.0)).ticks(), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
        assert_eq!(
            Axis::enclosing([-0.32, 0.36], 4, (0.0, 1.0)).labels(),
            ["−0.4", "−0.2", "0.0", "0.2", "0.4"].map(|l| if l == "0.0" { "0" } else { l })
        );
        assert_eq!(Axis::logarithmic([0.4, 3.0], (0.0, 1.0)).labels(), ["0.2", "0.5", "1", "2", "5"]);
    }

    #[test]
    fn nothing_or_one_value_still_makes_an_axis() {
        for values in [vec![], vec![0.0], vec![7.0, 7.0], vec![f64::NAN, f64::INFINITY]] {
            let axis = Axis::enclosing(values, 5, (0.0, 1.0));
            assert!(axis.ticks().len() >= 2);
        }
    }
}
