//! A quantity against another, with an interval at each point: power curves.

use super::axis::Axis;
use super::style::{ArmStyle, FULL_WIDTH, INK, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};
use super::{Figure, Interval};

/// Shares between 0 and 1 against a quantity.
#[derive(Debug, Clone, serde::Serialize)]
pub struct PowerCurve {
    /// What the figure shows.
    pub title: String,
    /// How its numbers were made.
    pub description: String,
    /// What the horizontal axis shows.
    pub axis_label: String,
    /// The power at each value, with its interval, from left to right.
    pub points: Vec<(f64, Interval)>,
    /// The same by formula, without intervals.
    pub by_theory: Vec<(f64, f64)>,
    /// A power to be marked.
    pub wanted: Option<f64>,
}

const HEIGHT: f64 = 320.0;

impl PowerCurve {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let (left, right, top, bottom) = (64.0, FULL_WIDTH - 130.0, 20.0, HEIGHT - 56.0);
        let values = self.points.iter().map(|p| p.0).chain(self.by_theory.iter().map(|p| p.0));
        let across = Axis::enclosing(values, 6, (left, right));
        let up = Axis::fixed((0.0, 100.0), (0..=5).map(|k| f64::from(k) * 20.0).collect(), (bottom, top));
        let mut canvas = Canvas::new(FULL_WIDTH, HEIGHT);
        up.draw_left(&mut canvas, left, right);
        across.draw_below(&mut canvas, bottom);
        canvas.text((0.5 * (left + right), HEIGHT - 14.0), &self.axis_label, TextStyle::new(TEXT, Anchor::Middle));
        canvas.text((8.0, 12.0), "Power, %", TextStyle::new(TEXT, Anchor::Start));
        if let Some(wanted) = self.wanted {
            let y = up.at(100.0 * wanted);
            canvas.line((left, y), (right, y), Stroke { colour: SOFT, width: 1.0, dash: "2 4" });
        }
        let place = |x: f64, power: f64| (across.at(x), up.at(100.0 * power));
        let (simulated, formula) = (ArmStyle::of(0), ArmStyle::of(1));
        let theory: Vec<(f64, f64)> = self.by_theory.iter().map(|p| place(p.0, p.1)).collect();
        canvas.polyline(&theory, formula.line(1.5));
        let line: Vec<(f64, f64)> = self.points.iter().map(|p| place(p.0, p.1.estimate)).collect();
        canvas.polyline(&line, simulated.line(1.8));
        for (x, power) in &self.points {
            let at = |share: f64| place(*x, share);
            canvas.line(at(power.low), at(power.high), Stroke::solid(INK, 1.0));
            simulated.mark(&mut canvas, at(power.estimate), 3.5);
        }
        for (k, (name, style)) in [("simulated", simulated), ("by theory", formula)].into_iter().enumerate() {
            if k == 1 && theory.is_empty() {
                continue;
            }
            let y = top + 12.0 + 20.0 * k as f64;
            canvas.line((right + 16.0, y), (right + 44.0, y), style.line(1.8));
            canvas.text((right + 52.0, y + 4.0), name, TextStyle::new(TEXT, Anchor::Start));
        }
        canvas.finish(&self.title, &self.description)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn a_curve_shows_every_point() {
        let points = [60.0, 90.0, 120.0].map(|n| (n, Interval::new(n / 150.0, (n / 150.0 - 0.03, n / 150.0 + 0.03))));
        let curve = PowerCurve {
            title: "Power".into(),
            description: "Simulated.".into(),
            axis_label: "Patients".into(),
            points: points.to_vec(),
            by_theory: vec![(60.0, 0.41), (120.0, 0.79)],
            wanted: Some(0.8),
        };
        let figure = curve.draw();
        check(&figure);
        assert_eq!(figure.svg.matches("<circle").count(), 3);
        assert!(figure.svg.contains("simulated") && figure.svg.contains("by theory") && figure.svg.contains("Patients"));
        let alone = PowerCurve { points: points[..1].to_vec(), by_theory: vec![], wanted: None, ..curve }.draw();
        assert!(!alone.svg.contains("by theory"));
    }
}
