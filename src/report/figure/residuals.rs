//! Residual diagnostics: normal quantiles, residuals against fitted values, and residuals by visit.

use super::Figure;
use super::axis::Axis;
use super::style::{ArmStyle, FAINT, INK, LEADING, PAPER, RULE, SMALL, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};
use super::text::{widest, wrapped};

const SIDE: f64 = 340.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 36.0;

/// Ordered residuals against the quantiles of a normal distribution, with a reference band.
#[derive(Debug, Clone, serde::Serialize)]
pub struct NormalQuantiles {
    /// What the figure shows.
    pub title: String,
    /// Which residuals, and how the band was made.
    pub description: String,
    /// Text above the vertical axis.
    pub residual: String,
    /// The points, in order of the theoretical quantile.
    pub points: Vec<QuantilePoint>,
}

/// One ordered residual.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct QuantilePoint {
    /// Expected position under normality.
    pub theoretical: f64,
    /// The residual.
    pub observed: f64,
    /// Lower end of the band here.
    pub low: f64,
    /// Upper end of the band here.
    pub high: f64,
}

impl NormalQuantiles {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let (right, bottom) = (LEFT + SIDE, TOP + SIDE);
        let x = Axis::enclosing(self.points.iter().map(|p| p.theoretical), 6, (LEFT, right));
        let y = Axis::enclosing(self.points.iter().flat_map(|p| [p.observed, p.low, p.high, p.theoretical]), 6, (bottom, TOP));
        let mut canvas = Canvas::new(right + 12.0, bottom + 40.0);
        canvas.text((2.0, 16.0), &self.residual, TextStyle::new(TEXT, Anchor::Start).bold());
        let at = |value: fn(&QuantilePoint) -> f64| self.points.iter().map(move |p| (p.theoretical, value(p)));
        let place = |(u, v): (f64, f64)| (x.at(u), y.at(v));
        let band: Vec<_> = at(|p| p.high).map(place).chain(at(|p| p.low).collect::<Vec<_>>().into_iter().rev().map(place)).collect();
        canvas.polygon(&band, FAINT, 1.0, Some(Stroke::solid(RULE, 0.6)));
        let line: Vec<_> = at(|p| p.theoretical).map(place).collect();
        if let (Some(first), Some(last)) = (line.first(), line.last()) {
            canvas.line(*first, *last, Stroke { colour: SOFT, width: 1.2, dash: "5 3" });
        }
        for point in at(|p| p.observed).map(place) {
            canvas.circle(point, 2.2, PAPER, Some(Stroke::solid(INK, 0.9)));
        }
        y.draw_left(&mut canvas, LEFT, right);
        x.draw_below(&mut canvas, bottom);
        canvas.text(((LEFT + right) / 2.0, bottom + 33.0), "Normal quantile", TextStyle::new(SMALL, Anchor::Middle));
        canvas.finish(&self.title, &self.description)
    }
}

/// Residuals against fitted values.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ResidualScatter {
    /// What the figure shows.
    pub title: String,
    /// Which residuals.
    pub description: String,
    /// Text above the vertical axis.
    pub residual: String,
    /// Text under the horizontal axis.
    pub fitted: String,
    /// A series an arm.
    pub arms: Vec<ResidualSeries>,
}

/// One arm's residuals.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ResidualSeries {
    /// The arm.
    pub label: String,
    /// Pairs of fitted value and residual, or of their means.
    pub points: Vec<(f64, f64)>,
    /// The standard deviation of the residuals that each point stands for, drawn as a bar to both sides; empty for single
    /// residuals.
    pub sds: Vec<f64>,
}

impl ResidualScatter {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let (right, bottom) = (LEFT + 1.3 * SIDE, TOP + 0.8 * SIDE);
        let points = || self.arms.iter().flat_map(|a| &a.points);
        let x = Axis::enclosing(points().map(|p| p.0), 6, (LEFT, right));
        let y = Axis::enclosing(self.arms.iter().flat_map(ResidualSeries::reach).chain([0.0]), 6, (bottom, TOP));
        let mut canvas = Canvas::new(right + 12.0, bottom + 40.0 + LEADING);
        canvas.text((2.0, 16.0), &self.residual, TextStyle::new(TEXT, Anchor::Start).bold());
        y.draw_left(&mut canvas, LEFT, right);
        canvas.line((LEFT, y.at(0.0)), (right, y.at(0.0)), Stroke { colour: SOFT, width: 1.2, dash: "5 3" });
        for (a, arm) in self.arms.iter().enumerate() {
            let bars = arm.sds.iter().copied().chain(std::iter::repeat(f64::NAN));
            for (&(fitted, residual), sd) in arm.points.iter().zip(bars).filter(|(p, _)| p.0.is_finite() && p.1.is_finite()) {
                if sd.is_finite() {
                    let (from, to) = ((x.at(fitted), y.at(residual - sd)), (x.at(fitted), y.at(residual + sd)));
                    canvas.line(from, to, Stroke { dash: ArmStyle::of(a).dash, ..Stroke::solid(ArmStyle::of(a).colour, 1.0) });
                }
                ArmStyle::of(a).mark(&mut canvas, (x.at(fitted), y.at(residual)), 2.4);
            }
        }
        x.draw_below(&mut canvas, bottom);
        canvas.text(((LEFT + right) / 2.0, bottom + 33.0), &self.fitted, TextStyle::new(SMALL, Anchor::Middle));
        draw_key(&mut canvas, self.arms.iter().map(|a| a.label.as_str()), bottom + 50.0);
        canvas.finish(&self.title, &self.description)
    }
}

impl ResidualSeries {
    /// What the vertical axis has to hold.
    fn reach(&self) -> impl Iterator<Item = f64> + '_ {
        let sds = self.sds.iter().copied().filter(|sd| sd.is_finite()).chain(std::iter::repeat(0.0));
        self.points.iter().zip(sds).flat_map(|((_, residual), sd)| [residual - sd, residual + sd])
    }
}

/// Residuals by visit and arm as boxes.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ResidualBoxes {
    /// What the figure shows.
    pub title: String,
    /// Which residuals, and how the boxes were made.
    pub description: String,
    /// Text above the vertical axis.
    pub residual: String,
    /// The visits.
    pub visits: Vec<String>,
    /// The arms.
    pub arms: Vec<String>,
    /// The box of arm `a` at visit `t` at `[t][a]`; none where nothing was observed.
    pub boxes: Vec<Vec<Option<BoxSummary>>>,
}

/// A box and whiskers.
#[derive(Debug, Clone, serde::Serialize)]
pub struct BoxSummary {
    /// End of the lower whisker.
    pub low: f64,
    /// First quartile.
    pub first_quartile: f64,
    /// Median.
    pub median: f64,
    /// Third quartile.
    pub third_quartile: f64,
    /// End of the upper whisker.
    pub high: f64,
    /// Values beyond the whiskers.
    pub outliers: Vec<f64>,
}

impl ResidualBoxes {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let pitch = (26.0 * self.arms.len() as f64 + 34.0).max(80.0);
        let (right, bottom) = (LEFT + (pitch * self.visits.len() as f64).max(300.0), TOP + 0.75 * SIDE);
        let all = self.boxes.iter().flatten().flatten();
        let y = Axis::enclosing(all.flat_map(|b| [b.low, b.high].into_iter().chain(b.outliers.clone())).chain([0.0]), 6, (bottom, TOP));
        let labels: Vec<_> = self.visits.iter().map(|v| wrapped(v, SMALL, false, pitch - 6.0)).collect();
        let depth = 13.0 * labels.iter().map(Vec::len).max().unwrap_or(1) as f64;
        let mut canvas = Canvas::new(right + 12.0, bottom + depth + 20.0 + LEADING);
        canvas.text((2.0, 16.0), &self.residual, TextStyle::new(TEXT, Anchor::Start).bold());
        y.draw_left(&mut canvas, LEFT, right);
        canvas.line((LEFT, y.at(0.0)), (right, y.at(0.0)), Stroke { colour: SOFT, width: 1.2, dash: "5 3" });
        for (t, lines) in labels.iter().enumerate() {
            let x = LEFT + pitch * (t as f64 + 0.5);
            canvas.lines((x, bottom + 16.0), lines, 13.0, TextStyle::new(SMALL, Anchor::Middle));
            for (a, summary) in self.boxes[t].iter().enumerate() {
                let aside = 26.0 * (a as f64 - (self.arms.len() as f64 - 1.0) / 2.0);
                summary.iter().for_each(|b| draw_box(&mut canvas, &y, b, x + aside, a));
            }
        }
        canvas.line((LEFT, bottom), (right, bottom), Stroke::solid(INK, 1.0));
        draw_key(&mut canvas, self.arms.iter().map(String::as_str), bottom + depth + 24.0);
        canvas.finish(&self.title, &self.description)
    }
}

fn draw_box(canvas: &mut Canvas, y: &Axis, summary: &BoxSummary, x: f64, arm: usize) {
    let style = ArmStyle::of(arm);
    let edge = Stroke::solid(style.colour, 1.3);
    let dashed = Stroke { dash: style.dash, ..edge };
    canvas.line((x, y.at(summary.high)), (x, y.at(summary.third_quartile)), dashed);
    canvas.line((x, y.at(summary.low)), (x, y.at(summary.first_quartile)), dashed);
    let (top, bottom) = (y.at(summary.third_quartile), y.at(summary.first_quartile));
    let fill = if arm.is_multiple_of(2) { FAINT } else { PAPER };
    canvas.rectangle((x - 9.0, top), (18.0, bottom - top), fill, Some(edge));
    canvas.line((x - 9.0, y.at(summary.median)), (x + 9.0, y.at(summary.median)), Stroke::solid(style.colour, 2.4));
    for &value in &summary.outliers {
        style.mark(canvas, (x, y.at(value)), 2.0);
    }
}

/// Marker and name of each arm in a line.
pub(super) fn draw_key<'a>(canvas: &mut Canvas, arms: impl Iterator<Item = &'a str> + Clone, y: f64) {
    let step = widest(arms.clone(), SMALL, false) + 34.0;
    for (a, arm) in arms.enumerate() {
        let x = LEFT + step * a as f64;
        ArmStyle::of(a).mark(canvas, (x + 4.0, y - 4.0), 4.0);
        canvas.text((x + 14.0, y), arm, TextStyle::new(SMALL, Anchor::Start).colour(ArmStyle::of(a).colour));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn quantiles_and_their_band_lie_in_the_plot() {
        let points = (0..50).map(|k| f64::from(k) / 10.0 - 2.45).map(|q| QuantilePoint {
            theoretical: q,
            observed: 1.1 * q + 0.1 * (7.0 * q).sin(),
            low: q - 0.3 - 0.2 * q.abs(),
            high: q + 0.3 + 0.2 * q.abs(),
        });
        let figure = NormalQuantiles {
            title: "Normal quantiles".into(),
            description: "Invented numbers.".into(),
            residual: "Normalised residual".into(),
            points: points.collect(),
        }
        .draw();
        testing::check(&figure);
        assert_eq!(figure.svg.matches("<circle").count(), 50);
    }

    #[test]
    fn every_residual_is_drawn() {
        let series = |label: &str, s: f64| ResidualSeries {
            label: label.into(),
            points: (0..40).map(|k| (20.0 + f64::from(k) / 2.0, s * (1.7 * f64::from(k)).sin())).collect(),
            sds: vec![],
        };
        let figure = ResidualScatter {
            title: "Residuals".into(),
            description: "Invented numbers.".into(),
            residual: "Pearson residual".into(),
            fitted: "Fitted CAPS-5 total".into(),
            arms: vec![series("A", 2.0), series("B", -1.5)],
        }
        .draw();
        testing::check(&figure);
        assert_eq!(figure.svg.matches("<circle").count(), 41);
    }

    #[test]
    fn means_of_residuals_have_bars() {
        let arm = ResidualSeries { label: "A".into(), points: vec![(1.0, 0.1), (2.0, -0.2)], sds: vec![1.0, 0.9] };
        let figure = ResidualScatter {
            title: "Residuals".into(),
            description: "Invented numbers.".into(),
            residual: "Pearson residual".into(),
            fitted: "Fitted".into(),
            arms: vec![arm.clone()],
        };
        let lines = |arm: ResidualSeries| ResidualScatter { arms: vec![arm], ..figure.clone() }.draw().svg.matches("<line").count();
        testing::check(&figure.draw());
        // Without bars the axis is shorter and has other ticks: the bars of an arm that has them are what is counted.
        assert!(lines(arm.clone()) >= 2 + lines(ResidualSeries { points: vec![], sds: vec![], ..arm }) - 6);
        assert!(figure.draw().svg.contains("stroke"));
    }

    #[test]
    fn a_visit_without_data_has_no_box() {
        let summary =
            BoxSummary { low: -2.0, first_quartile: -0.7, median: 0.1, third_quartile: 0.8, high: 1.9, outliers: vec![2.9, -3.1] };
        let figure = ResidualBoxes {
            title: "Residuals by visit".into(),
            description: "Invented numbers.".into(),
            residual: "Normalised residual".into(),
            visits: vec!["3 months".into(), "12 months".into()],
            arms: vec!["A".into(), "B".into()],
            boxes: vec![vec![Some(summary.clone()), Some(summary.clone())], vec![Some(summary), None]],
        }
        .draw();
        testing::check(&figure);
    }
}
