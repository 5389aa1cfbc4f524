//! Normal quantiles visit by visit: a panel each, on one scale.

use super::Figure;
use super::axis::Axis;
use super::residuals::QuantilePoint;
use super::style::{FAINT, INK, PAPER, RULE, SMALL, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};

const SIDE: f64 = 190.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 44.0;
const GAP: f64 = 30.0;
/// Room for the axis below a panel and the title of the next.
const DEPTH: f64 = 58.0;
const PER_ROW: usize = 3;

/// Ordered residuals against normal quantiles, a panel per visit.
#[derive(Debug, Clone, serde::Serialize)]
pub struct NormalQuantilesByVisit {
    /// What the figure shows.
    pub title: String,
    /// Which residuals, and how the band was made.
    pub description: String,
    /// Text above the first vertical axis.
    pub residual: String,
    /// Each visit and its points, in order of the theoretical quantile.
    pub panels: Vec<(String, Vec<QuantilePoint>)>,
}

impl NormalQuantilesByVisit {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let columns = self.panels.len().clamp(1, PER_ROW);
        let rows = self.panels.len().div_ceil(columns).max(1);
        let mut canvas = Canvas::new(LEFT + columns as f64 * (SIDE + GAP), TOP + rows as f64 * (SIDE + DEPTH));
        canvas.text((2.0, 16.0), &self.residual, TextStyle::new(TEXT, Anchor::Start).bold());
        for (k, (visit, points)) in self.panels.iter().enumerate() {
            let corner = (LEFT + (k % columns) as f64 * (SIDE + GAP), TOP + (k / columns) as f64 * (SIDE + DEPTH));
            self.panel(&mut canvas, corner, visit, points);
        }
        canvas.finish(&self.title, &self.description)
    }

    fn panel(&self, canvas: &mut Canvas, (left, top): (f64, f64), visit: &str, points: &[QuantilePoint]) {
        let all = || self.panels.iter().flat_map(|(_, points)| points);
        let (right, bottom) = (left + SIDE, top + SIDE);
        let x = Axis::enclosing(all().map(|p| p.theoretical), 5, (left, right));
        let y = Axis::enclosing(all().flat_map(|p| [p.observed, p.low, p.high, p.theoretical]), 5, (bottom, top));
        let at = |value: fn(&QuantilePoint) -> f64| points.iter().map(move |p| (p.theoretical, value(p)));
        let place = |(u, v): (f64, f64)| (x.at(u), y.at(v));
        canvas.text((left, top - 8.0), visit, TextStyle::new(SMALL, Anchor::Start).bold());
        let lower = at(|p| p.low).collect::<Vec<_>>();
        let band: Vec<_> = at(|p| p.high).chain(lower.into_iter().rev()).map(place).collect();
        canvas.polygon(&band, FAINT, 1.0, Some(Stroke::solid(RULE, 0.6)));
        let line: Vec<_> = at(|p| p.theoretical).map(place).collect();
        if let (Some(first), Some(last)) = (line.first(), line.last()) {
            canvas.line(*first, *last, Stroke { colour: SOFT, width: 1.2, dash: "5 3" });
        }
        for point in at(|p| p.observed).map(place) {
            canvas.circle(point, 1.8, PAPER, Some(Stroke::solid(INK, 0.8)));
        }
        y.draw_left(canvas, left, right);
        x.draw_below(canvas, bottom);
        canvas.text(((left + right) / 2.0, bottom + 33.0), "Normal quantile", TextStyle::new(SMALL, Anchor::Middle));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_visit_has_a_panel_with_its_own_points() {
        let points = |n: usize| -> Vec<QuantilePoint> {
            let at = |i: usize| i as f64 - n as f64 / 2.0;
            (0..n).map(|i| QuantilePoint { theoretical: at(i), observed: at(i) + 0.1, low: at(i) - 1.0, high: at(i) + 1.0 }).collect()
        };
        let visits = ["baseline", "3 months", "6 months", "9 months"];
        let figure = NormalQuantilesByVisit {
            title: "Normal quantiles".into(),
            description: "Invented.".into(),
            residual: "Normalised residual".into(),
            panels: visits.iter().enumerate().map(|(k, v)| (v.to_string(), points(3 + k))).collect(),
        }
        .draw();
        assert_eq!(figure.svg.matches("<circle").count(), 3 + 4 + 5 + 6);
        assert!(visits.iter().all(|v| figure.svg.contains(v)));
    }
}
