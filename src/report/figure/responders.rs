//! Cumulative responder curves: the share of each arm that improved by at least so much.

use super::axis::Axis;
use super::style::{ArmStyle, FULL_WIDTH, RULE, SMALL, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};
use super::{Figure, Interval};

/// Shares that reach a cut-off, over all cut-offs, arm by arm; below them the difference from the reference.
#[derive(Debug, Clone, serde::Serialize)]
pub struct CumulativeResponders {
    /// What the figure shows.
    pub title: String,
    /// How its numbers were made.
    pub description: String,
    /// What the horizontal axis shows, e.g. `Improvement of at least … points`.
    pub axis_label: String,
    /// A curve an arm, in the order of the trial.
    pub arms: Vec<ResponderCurve>,
    /// Whether shares fall from cut-off to cut-off in steps, or are joined by lines because there are cut-offs between.
    pub steps: bool,
}

/// One arm's curve.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ResponderCurve {
    /// The arm.
    pub label: String,
    /// Cut-offs from the lowest, with the share that reaches them and its interval, between 0 and 1.
    pub points: Vec<(f64, Interval)>,
    /// The same of the difference from the reference; empty for the reference itself.
    pub differences: Vec<(f64, Interval)>,
}

const LEFT: f64 = 56.0;
const TOP: f64 = 34.0;
const CURVES: f64 = 240.0;
const GAP: f64 = 46.0;
const DIFFERENCES: f64 = 110.0;

impl CumulativeResponders {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let right = FULL_WIDTH - 12.0;
        let compared: Vec<usize> = (0..self.arms.len()).filter(|&a| !self.arms[a].differences.is_empty()).collect();
        let values = self.arms.iter().flat_map(|arm| arm.points.iter().map(|p| p.0));
        let across = Axis::enclosing(values, 8, (LEFT, right));
        let bottom = TOP + CURVES;
        let last = if compared.is_empty() { bottom } else { bottom + GAP + DIFFERENCES };
        let mut canvas = Canvas::new(FULL_WIDTH, last + 62.0);
        canvas.text((2.0, 16.0), "Patients, %", TextStyle::new(TEXT, Anchor::Start).bold());
        let up = Axis::fixed((0.0, 100.0), (0..=5).map(|k| f64::from(k) * 20.0).collect(), (bottom, TOP));
        self.draw_panel(&mut canvas, &across, &up, (0..self.arms.len()).map(|a| (a, &self.arms[a].points)));
        if !compared.is_empty() {
            let top = bottom + GAP;
            canvas.text((2.0, top - 14.0), "Difference, percentage points", TextStyle::new(TEXT, Anchor::Start).bold());
            let ends = compared.iter().flat_map(|&a| &self.arms[a].differences).flat_map(|(_, of)| of.ends().map(|x| 100.0 * x));
            let up = Axis::enclosing(ends.chain([0.0]), 4, (last, top));
            canvas.line((LEFT, up.at(0.0)), (right, up.at(0.0)), Stroke { colour: SOFT, width: 1.2, dash: "5 3" });
            self.draw_panel(&mut canvas, &across, &up, compared.iter().map(|&a| (a, &self.arms[a].differences)));
        }
        if across.holds(0.0) {
            canvas.line((across.at(0.0), TOP), (across.at(0.0), last), Stroke { colour: RULE, width: 0.8, dash: "2 3" });
        }
        across.draw_below(&mut canvas, last);
        canvas.text((0.5 * (LEFT + right), last + 34.0), &self.axis_label, TextStyle::new(SMALL, Anchor::Middle));
        super::residuals::draw_key(&mut canvas, self.arms.iter().map(|a| a.label.as_str()), last + 54.0);
        canvas.finish(&self.title, &self.description)
    }

    fn draw_panel<'a>(
        &self,
        canvas: &mut Canvas,
        across: &Axis,
        up: &Axis,
        arms: impl Iterator<Item = (usize, &'a Vec<(f64, Interval)>)> + Clone,
    ) {
        for (a, points) in arms.clone() {
            let of = |value: fn(&Interval) -> f64| self.line(points, value).into_iter().map(|(x, y)| (across.at(x), up.at(100.0 * y)));
            let band: Vec<_> = of(|i| i.high).chain(of(|i| i.low).rev()).collect();
            // Of an arm that nobody was observed in there is none.
            if band.len() > 2 {
                canvas.polygon(&band, ArmStyle::of(a).colour, 0.12, None);
            }
        }
        up.draw_left(canvas, across.at(f64::NEG_INFINITY), across.at(f64::INFINITY));
        for (a, points) in arms {
            let line: Vec<_> = self.line(points, |i| i.estimate).into_iter().map(|(x, y)| (across.at(x), up.at(100.0 * y))).collect();
            if line.len() > 1 {
                canvas.polyline(&line, ArmStyle::of(a).line(1.8));
            }
            // A marker now and then tells the lines apart in print; of steps there may be hundreds.
            let every = points.len().div_ceil(9).max(1);
            for (x, interval) in points.iter().skip(a % every).step_by(every).filter(|(_, i)| i.estimate.is_finite()) {
                ArmStyle::of(a).mark(canvas, (across.at(*x), up.at(100.0 * interval.estimate)), 3.4);
            }
        }
    }

    /// The corners of a line through the points that have a value.
    fn line(&self, points: &[(f64, Interval)], value: fn(&Interval) -> f64) -> Vec<(f64, f64)> {
        let known = points.iter().map(|(x, interval)| (*x, value(interval))).filter(|(_, y)| y.is_finite());
        let mut corners: Vec<(f64, f64)> = vec![];
        for (x, y) in known {
            // Whoever improved by more than the last cut-off reaches this one: the share holds from the left.
            if self.steps
                && let Some(&(before, _)) = corners.last()
            {
                corners.push((before, y));
            }
            corners.push((x, y));
        }
        corners
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn curves_with_and_without_a_comparison_stay_on_the_page() {
        let none = Interval::new(f64::NAN, (f64::NAN, f64::NAN));
        let share = |p: f64| Interval::new(p, ((p - 0.1).max(0.0), (p + 0.1).min(1.0)));
        let points =
            |shift: f64| (0..5).map(|k| (f64::from(k) * 5.0 - 5.0, share((0.9 - 0.2 * f64::from(k) + shift).clamp(0.0, 1.0)))).collect();
        let differences = (0..5).map(|k| (f64::from(k) * 5.0 - 5.0, Interval::new(0.1, (-0.2, 0.4)))).collect();
        let arm = |label: &str, points, differences| ResponderCurve { label: label.into(), points, differences };
        let figure = CumulativeResponders {
            title: "Responders".into(),
            description: "Invented.".into(),
            axis_label: "Improvement".into(),
            arms: vec![
                arm("A", points(0.0), vec![]),
                arm("B", points(0.1), differences),
                arm("nobody", vec![(0.0, none)], vec![(0.0, none)]),
            ],
            steps: true,
        };
        let drawn = figure.draw();
        check(&drawn);
        assert!(drawn.svg.contains("Difference, percentage points"));
        let alone = CumulativeResponders { arms: figure.arms[..1].to_vec(), steps: false, ..figure }.draw();
        check(&alone);
        assert!(!alone.svg.contains("Difference") && alone.height < drawn.height);
    }

    #[test]
    fn steps_fall_behind_each_cut_off() {
        let share = |p: f64| Interval::new(p, (p, p));
        let of = |steps| CumulativeResponders {
            title: String::new(),
            description: String::new(),
            axis_label: String::new(),
            arms: vec![],
            steps,
        };
        let points = [(1.0, share(1.0)), (2.0, share(0.5))];
        assert_eq!(of(true).line(&points, |i| i.estimate), [(1.0, 1.0), (1.0, 0.5), (2.0, 0.5)]);
        assert_eq!(of(false).line(&points, |i| i.estimate), [(1.0, 1.0), (2.0, 0.5)]);
    }
}
