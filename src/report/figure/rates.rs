//! Rates with intervals, definition by definition, arms beneath each other.

use super::axis::Axis;
use super::style::{ArmStyle, FAINT, FULL_WIDTH, INK, RULE, SMALL, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};
use super::text::{widest, wrapped};
use super::{Figure, Interval};

/// Rates of remission or response.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Rates {
    /// What the figure shows.
    pub title: String,
    /// How rates and intervals were made.
    pub description: String,
    /// What the axis shows, e.g. `Patients in remission at 12 months`.
    pub axis_label: String,
    /// Heading of the column of numbers.
    pub number_heading: String,
    /// The definitions, top to bottom.
    pub groups: Vec<RateGroup>,
}

/// One definition.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RateGroup {
    /// The definition, named.
    pub label: String,
    /// A rate an arm.
    pub arms: Vec<ArmRate>,
}

/// One arm's rate.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ArmRate {
    /// The arm.
    pub label: String,
    /// The position of the arm in the trial, which decides its marker.
    pub arm: usize,
    /// Rate and interval, as shares between 0 and 1.
    pub rate: Interval,
    /// Patients who fulfil the definition.
    pub events: usize,
    /// Patients counted.
    pub n: usize,
    /// The lowest and highest rate the unobserved could make, where shown.
    pub bounds: Option<(f64, f64)>,
}

const ROW: f64 = 21.0;
const TOP: f64 = 34.0;

impl Rates {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let arms = || self.groups.iter().flat_map(|g| &g.arms);
        let left = widest(arms().map(|a| &a.label), TEXT, false) + 40.0;
        let numbers = widest(arms().map(numbers).chain([self.number_heading.clone()]), TEXT, true);
        let right = FULL_WIDTH - numbers - 26.0;
        let headings: Vec<Vec<String>> = self.groups.iter().map(|g| wrapped(&g.label, TEXT, true, FULL_WIDTH - 8.0)).collect();
        let height = |k: usize| 16.0 * headings[k].len() as f64 + ROW * self.groups[k].arms.len() as f64 + 14.0;
        let bottom = TOP + (0..self.groups.len()).map(height).sum::<f64>();
        let axis = Axis::fixed((0.0, 100.0), (0..=5).map(|k| f64::from(k) * 20.0).collect(), (left, right));
        let mut canvas = Canvas::new(FULL_WIDTH, bottom + if self.bounded() { 58.0 } else { 40.0 });
        canvas.text((FULL_WIDTH - 2.0, 18.0), &self.number_heading, TextStyle::new(TEXT, Anchor::End).bold());
        canvas.line((2.0, 26.0), (FULL_WIDTH - 2.0, 26.0), Stroke::solid(INK, 1.0));
        let mut y = TOP;
        for (k, group) in self.groups.iter().enumerate() {
            canvas.lines((2.0, y + 12.0), &headings[k], 16.0, TextStyle::new(TEXT, Anchor::Start).bold());
            let first = y + 16.0 * headings[k].len() as f64;
            for &tick in axis.ticks() {
                let x = axis.at(tick);
                canvas.line((x, first), (x, y + height(k) - 4.0), Stroke::solid(FAINT, 0.8));
            }
            for (a, arm) in group.arms.iter().enumerate() {
                draw_rate(&mut canvas, &axis, arm, first + ROW * (a as f64 + 0.5));
            }
            y += height(k);
        }
        axis.draw_below(&mut canvas, bottom);
        canvas.text(((left + right) / 2.0, bottom + 33.0), &format!("{} (%)", self.axis_label), TextStyle::new(SMALL, Anchor::Middle));
        if self.bounded() {
            canvas.rectangle((left, bottom + 43.0), (30.0, 9.0), FAINT, Some(Stroke::solid(RULE, 0.8)));
            let key = "range if none or all of the unobserved counted";
            canvas.text((left + 38.0, bottom + 52.0), key, TextStyle::new(SMALL, Anchor::Start).colour(SOFT));
        }
        canvas.finish(&self.title, &self.description)
    }

    fn bounded(&self) -> bool {
        self.groups.iter().any(|g| g.arms.iter().any(|a| a.bounds.is_some()))
    }
}

fn draw_rate(canvas: &mut Canvas, axis: &Axis, arm: &ArmRate, y: f64) {
    let style = ArmStyle::of(arm.arm);
    canvas.text((16.0, y + 4.0), &arm.label, TextStyle::new(TEXT, Anchor::Start).colour(style.colour));
    if let Some((low, high)) = arm.bounds {
        let (from, to) = (axis.at(100.0 * low), axis.at(100.0 * high));
        canvas.rectangle((from, y - 6.0), (to - from, 12.0), FAINT, Some(Stroke::solid(RULE, 0.8)));
    }
    if arm.rate.estimate.is_finite() {
        let (low, high) = (axis.at(100.0 * arm.rate.low), axis.at(100.0 * arm.rate.high));
        if arm.rate.low.is_finite() && arm.rate.high.is_finite() {
            canvas.line((low, y), (high, y), Stroke::solid(style.colour, 1.5));
            for end in [low, high] {
                canvas.line((end, y - 4.0), (end, y + 4.0), Stroke::solid(style.colour, 1.5));
            }
        }
        style.mark(canvas, (axis.at(100.0 * arm.rate.estimate), y), 4.4);
    }
    canvas.text((canvas.width - 2.0, y + 4.0), &numbers(arm), TextStyle::new(TEXT, Anchor::End));
}

/// `19/66: 28.8% (19.3 to 40.6)`.
fn numbers(arm: &ArmRate) -> String {
    let percent = |x: f64| format!("{:.1}", 100.0 * x);
    if arm.rate.estimate.is_nan() {
        return format!("{}/{}", arm.events, arm.n);
    }
    let Interval { estimate, low, high } = arm.rate;
    format!("{}/{}: {}% ({} to {})", arm.events, arm.n, percent(estimate), percent(low), percent(high))
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn rates_from_nothing_to_all_stay_on_the_axis() {
        let arm = |arm: usize, e, l, h, bounds| ArmRate {
            label: format!("Arm {arm}"),
            arm,
            rate: Interval::new(e, (l, h)),
            events: 19,
            n: 66,
            bounds,
        };
        let none = f64::NAN;
        let figure = Rates {
            title: "Remission".into(),
            description: "Invented numbers.".into(),
            axis_label: "Patients in remission at 12 months".into(),
            number_heading: "n/N: rate (95% CI)".into(),
            groups: vec![
                RateGroup {
                    label: "Loss of diagnosis".into(),
                    arms: vec![arm(0, 0.0, 0.0, 0.05, None), arm(1, 1.0, 0.95, 1.0, Some((0.4, 1.0)))],
                },
                RateGroup { label: "Total < 12".into(), arms: vec![arm(0, 0.288, 0.193, 0.406, None), arm(1, none, none, none, None)] },
            ],
        }
        .draw();
        testing::check(&figure);
        assert!(figure.svg.contains("19/66: 28.8% (19.3 to 40.6)"));
    }
}
