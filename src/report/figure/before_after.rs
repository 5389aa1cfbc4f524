//! Each patient before and after: the scatter with the diagonal, the band of no reliable change, and cut-offs.

use super::Figure;
use super::axis::Axis;
use super::style::{ArmStyle, FAINT, INK, RULE, SMALL, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};

/// Scores at a visit against those at baseline, a marker a patient. It shows data of individual patients.
#[derive(Debug, Clone, serde::Serialize)]
pub struct BeforeAfter {
    /// What the figure shows.
    pub title: String,
    /// What band and lines are.
    pub description: String,
    /// Text under the horizontal axis.
    pub before: String,
    /// Text above the vertical axis.
    pub after: String,
    /// Each arm with its patients' scores before and after.
    pub arms: Vec<(String, Vec<(f64, f64)>)>,
    /// Where nothing has changed but error: after = intercept + slope · before, give or take the half width.
    pub band: Option<NoChange>,
    /// The cut-off of the functional range, where there is one.
    pub cut_off: Option<f64>,
    /// Whether low scores are the better ones.
    pub lower_is_better: bool,
}

/// The band of no reliable change.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct NoChange {
    /// The expected score of a patient with 0 at baseline.
    pub intercept: f64,
    /// How far the expected score follows the baseline.
    pub slope: f64,
    /// How far from the expected score a change is reliable.
    pub half_width: f64,
}

const SIDE: f64 = 400.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 36.0;

impl BeforeAfter {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let (right, bottom) = (LEFT + SIDE, TOP + SIDE);
        // One scale for both, so that the diagonal is one.
        let scores = || self.arms.iter().flat_map(|(_, points)| points.iter().flat_map(|p| [p.0, p.1])).chain(self.cut_off);
        let across = Axis::enclosing(scores(), 6, (LEFT, right));
        let up = Axis::enclosing(scores(), 6, (bottom, TOP));
        let ends = [across.ticks()[0], across.ticks()[across.ticks().len() - 1]];
        let mut canvas = Canvas::new(right + 130.0, bottom + 58.0);
        canvas.text((2.0, 16.0), &self.after, TextStyle::new(TEXT, Anchor::Start).bold());
        if let Some(band) = self.band {
            let polygon: Vec<(f64, f64)> =
                clipped(band, ends).into_iter().map(|(before, after)| (across.at(before), up.at(after))).collect();
            if polygon.len() > 2 {
                canvas.polygon(&polygon, FAINT, 1.0, Some(Stroke::solid(RULE, 0.8)));
            }
        }
        up.draw_left(&mut canvas, LEFT, right);
        across.draw_below(&mut canvas, bottom);
        canvas.line((LEFT, bottom), (right, TOP), Stroke::solid(SOFT, 1.2));
        if let Some(cut) = self.cut_off {
            let line = Stroke { colour: INK, width: 1.0, dash: "6 4" };
            canvas.line((LEFT, up.at(cut)), (right, up.at(cut)), line);
            canvas.line((across.at(cut), TOP), (across.at(cut), bottom), line);
            canvas.text((right + 8.0, up.at(cut) + 4.0), "cut-off", TextStyle::new(SMALL, Anchor::Start));
        }
        let (better, worse) = if self.lower_is_better { (bottom - 10.0, TOP + 14.0) } else { (TOP + 14.0, bottom - 10.0) };
        canvas.text((right + 8.0, better), "better", TextStyle::new(SMALL, Anchor::Start).colour(SOFT));
        canvas.text((right + 8.0, worse), "worse", TextStyle::new(SMALL, Anchor::Start).colour(SOFT));
        for (a, (_, points)) in self.arms.iter().enumerate() {
            for &(before, after) in points.iter().filter(|p| p.0.is_finite() && p.1.is_finite()) {
                ArmStyle::of(a).mark(&mut canvas, (across.at(before), up.at(after)), 3.0);
            }
        }
        canvas.text((0.5 * (LEFT + right), bottom + 33.0), &self.before, TextStyle::new(SMALL, Anchor::Middle));
        super::residuals::draw_key(&mut canvas, self.arms.iter().map(|(label, _)| label.as_str()), bottom + 50.0);
        canvas.finish(&self.title, &self.description)
    }
}

/// The corners of the band within the square from `ends[0]` to `ends[1]`.
fn clipped(band: NoChange, ends: [f64; 2]) -> Vec<(f64, f64)> {
    let [low, high] = ends;
    let square = vec![(low, low), (high, low), (high, high), (low, high)];
    // Above the lower edge, then below the upper one.
    let lower = |(x, y): (f64, f64)| y - (band.intercept + band.slope * x - band.half_width);
    let upper = |(x, y): (f64, f64)| band.intercept + band.slope * x + band.half_width - y;
    half_plane(&half_plane(&square, lower), upper)
}

/// The part of a polygon where a linear function is not below 0.
fn half_plane(polygon: &[(f64, f64)], of: impl Fn((f64, f64)) -> f64) -> Vec<(f64, f64)> {
    let mut kept = vec![];
    for (k, &from) in polygon.iter().enumerate() {
        let to = polygon[(k + 1) % polygon.len()];
        let (a, b) = (of(from), of(to));
        if a >= 0.0 {
            kept.push(from);
        }
        if (a < 0.0) != (b < 0.0) {
            let share = a / (a - b);
            kept.push((from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1)));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn a_band_is_cut_at_the_edges_of_the_square() {
        let band = NoChange { intercept: 0.0, slope: 1.0, half_width: 2.0 };
        let corners = clipped(band, [0.0, 10.0]);
        assert_eq!(corners, [(0.0, 0.0), (2.0, 0.0), (10.0, 8.0), (10.0, 10.0), (8.0, 10.0), (0.0, 2.0)]);
        // One that is nowhere in the square has no corners; one that is everywhere has its four.
        assert!(clipped(NoChange { intercept: 50.0, slope: 0.0, half_width: 1.0 }, [0.0, 10.0]).is_empty());
        assert_eq!(clipped(NoChange { half_width: 99.0, ..band }, [0.0, 10.0]).len(), 4);
    }

    #[test]
    fn patients_of_all_arms_are_drawn_on_one_scale() {
        let figure = BeforeAfter {
            title: "Before and after".into(),
            description: "Invented.".into(),
            before: "Before".into(),
            after: "After".into(),
            arms: vec![("A".into(), vec![(40.0, 12.0), (35.0, f64::NAN)]), ("B".into(), vec![(44.0, 50.0)]), ("nobody".into(), vec![])],
            band: Some(NoChange { intercept: 8.0, slope: 0.8, half_width: 9.0 }),
            cut_off: Some(20.0),
            lower_is_better: true,
        };
        let drawn = figure.draw();
        check(&drawn);
        // One circle of A beside that of the key.
        assert_eq!(drawn.svg.matches("<circle").count(), 2);
        assert!(drawn.svg.contains("cut-off"));
        check(&BeforeAfter { band: None, cut_off: None, arms: vec![], lower_is_better: false, ..figure }.draw());
    }
}
