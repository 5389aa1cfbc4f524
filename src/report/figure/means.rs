//! Means over time, arm by arm, with intervals and the number of patients beneath.

use super::axis::Axis;
use super::style::{ArmStyle, FULL_WIDTH, INK, LEADING, SMALL, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};
use super::text::{widest, wrapped};
use super::{Figure, Interval};

/// Means over time.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MeansOverTime {
    /// What the figure shows.
    pub title: String,
    /// How the means and intervals were made.
    pub description: String,
    /// The outcome and its unit, written above the vertical axis.
    pub outcome: String,
    /// The visits; placed by time where all have one, evenly otherwise.
    pub visits: Vec<VisitPlace>,
    /// The arms, in the order in which they are styled.
    pub arms: Vec<ArmMeans>,
    /// What `n` counts, e.g. `Observed`.
    pub counted: String,
}

/// A visit on the horizontal axis.
#[derive(Debug, Clone, serde::Serialize)]
pub struct VisitPlace {
    /// Its label.
    pub label: String,
    /// Its time, where known.
    pub time: Option<f64>,
}

/// One arm's means.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ArmMeans {
    /// The arm.
    pub label: String,
    /// A mean and interval a visit, NaN where there is none.
    pub means: Vec<Interval>,
    /// Patients counted at each visit, as they are to be printed.
    pub n: Vec<String>,
}

const PLOT_HEIGHT: f64 = 300.0;
const TOP: f64 = 40.0;

impl MeansOverTime {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let frame = Frame::of(self);
        let mut canvas = Canvas::new(FULL_WIDTH, frame.height);
        canvas.text((2.0, 16.0), &self.outcome, TextStyle::new(TEXT, Anchor::Start).bold());
        frame.y.draw_left(&mut canvas, frame.left, frame.right);
        self.draw_visits(&mut canvas, &frame);
        for a in 0..self.arms.len() {
            self.draw_band(&mut canvas, &frame, a);
        }
        for a in 0..self.arms.len() {
            self.draw_arm(&mut canvas, &frame, a);
        }
        self.draw_labels(&mut canvas, &frame);
        self.draw_counts(&mut canvas, &frame);
        canvas.finish(&self.title, &self.description)
    }

    fn draw_visits(&self, canvas: &mut Canvas, frame: &Frame) {
        canvas.line((frame.left, frame.bottom), (frame.right, frame.bottom), Stroke::solid(INK, 1.0));
        for (t, lines) in frame.visit_lines.iter().enumerate() {
            let x = frame.x(t);
            canvas.line((x, frame.bottom), (x, frame.bottom + 4.0), Stroke::solid(INK, 1.0));
            canvas.lines((x, frame.bottom + 17.0), lines, 13.0, TextStyle::new(SMALL, Anchor::Middle));
        }
    }

    fn draw_band(&self, canvas: &mut Canvas, frame: &Frame, arm: usize) {
        let known = |t: &usize| self.arms[arm].means[*t].ends().iter().all(|v| v.is_finite());
        let visits: Vec<usize> = (0..self.visits.len()).filter(known).collect();
        let upper = visits.iter().map(|&t| (frame.x(t), frame.y.at(self.arms[arm].means[t].high)));
        let lower = visits.iter().rev().map(|&t| (frame.x(t), frame.y.at(self.arms[arm].means[t].low)));
        let outline: Vec<_> = upper.chain(lower).collect();
        canvas.polygon(&outline, ArmStyle::of(arm).colour, 0.1, None);
    }

    /// Arms stand a little beside each other, so that intervals that coincide can both be read.
    fn draw_arm(&self, canvas: &mut Canvas, frame: &Frame, arm: usize) {
        let style = ArmStyle::of(arm);
        let place = |t: usize| (frame.x(t) + frame.aside(arm, self.arms.len()), self.arms[arm].means[t]);
        let seen: Vec<usize> = (0..self.visits.len()).filter(|&t| self.arms[arm].means[t].estimate.is_finite()).collect();
        let line: Vec<_> = seen.iter().map(|&t| (place(t).0, frame.y.at(place(t).1.estimate))).collect();
        canvas.polyline(&line, style.line(1.8));
        for (x, mean) in seen.iter().map(|&t| place(t)) {
            if mean.low.is_finite() && mean.high.is_finite() {
                let (low, high) = (frame.y.at(mean.low), frame.y.at(mean.high));
                canvas.line((x, low), (x, high), Stroke::solid(style.colour, 1.2));
                for end in [low, high] {
                    canvas.line((x - 3.5, end), (x + 3.5, end), Stroke::solid(style.colour, 1.2));
                }
            }
        }
        for &(x, y) in &line {
            style.mark(canvas, (x, y), 4.2);
        }
    }

    /// Each arm's name beside its last mean, moved apart where two would touch.
    fn draw_labels(&self, canvas: &mut Canvas, frame: &Frame) {
        let last = |arm: &ArmMeans| arm.means.iter().rev().map(|m| m.estimate).find(|m| m.is_finite());
        let mut ends: Vec<(usize, f64)> =
            self.arms.iter().enumerate().filter_map(|(a, arm)| last(arm).map(|m| (a, frame.y.at(m)))).collect();
        ends.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        let places = spread(&ends.iter().map(|e| e.1).collect::<Vec<_>>(), LEADING + 2.0, (frame.top, frame.bottom));
        for ((arm, _), y) in ends.iter().zip(places) {
            let (style, x) = (ArmStyle::of(*arm), frame.right + 12.0);
            canvas.line((x, y), (x + 26.0, y), style.line(1.8));
            style.mark(canvas, (x + 13.0, y), 4.2);
            canvas.text((x + 32.0, y + 4.0), &self.arms[*arm].label, TextStyle::new(TEXT, Anchor::Start).bold().colour(style.colour));
        }
    }

    fn draw_counts(&self, canvas: &mut Canvas, frame: &Frame) {
        let top = frame.bottom + frame.visit_depth() + 22.0;
        canvas.text((2.0, top), &self.counted, TextStyle::new(SMALL, Anchor::Start).colour(SOFT));
        for (a, arm) in self.arms.iter().enumerate() {
            let y = top + LEADING * (a + 1) as f64;
            canvas.text((2.0, y), &arm.label, TextStyle::new(SMALL, Anchor::Start).colour(ArmStyle::of(a).colour).bold());
            for (t, n) in arm.n.iter().enumerate() {
                canvas.text((frame.x(t), y), n, TextStyle::new(SMALL, Anchor::Middle));
            }
        }
    }
}

/// Where everything stands.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    height: f64,
    y: Axis,
    places: Vec<f64>,
    visit_lines: Vec<Vec<String>>,
}

impl Frame {
    fn of(figure: &MeansOverTime) -> Self {
        let labels = widest(figure.arms.iter().map(|a| &a.label), TEXT, true).min(200.0);
        let left = (widest(figure.arms.iter().map(|a| &a.label), SMALL, true) + 26.0).clamp(52.0, 200.0);
        let (right, top, bottom) = (FULL_WIDTH - labels - 50.0, TOP, TOP + PLOT_HEIGHT);
        let y = Axis::enclosing(with_near_zero(figure.arms.iter().flat_map(|a| a.means.iter().flat_map(|m| m.ends()))), 6, (bottom, top));
        let places = visit_places(&figure.visits, left + 30.0, right - 30.0);
        let gap = places.windows(2).map(|w| w[1] - w[0]).fold(160.0, f64::min);
        let visit_lines: Vec<_> = figure.visits.iter().map(|v| wrapped(&v.label, SMALL, false, gap - 6.0)).collect();
        let mut frame = Self { left, right, top, bottom, height: 0.0, y, places, visit_lines };
        frame.height = bottom + frame.visit_depth() + 22.0 + LEADING * figure.arms.len() as f64 + 8.0;
        frame
    }

    fn visit_depth(&self) -> f64 {
        4.0 + 13.0 * self.visit_lines.iter().map(Vec::len).max().unwrap_or(1) as f64
    }

    fn x(&self, visit: usize) -> f64 {
        self.places[visit]
    }

    /// How far an arm stands to the side of the visit's own place.
    fn aside(&self, arm: usize, arms: usize) -> f64 {
        let gap = self.places.windows(2).map(|w| w[1] - w[0]).fold(60.0, f64::min);
        let step = (0.18 * gap).min(9.0);
        (arm as f64 - (arms as f64 - 1.0) / 2.0) * step
    }
}

/// `values`, and 0 where they come near it: an axis that starts a little above nothing exaggerates.
fn with_near_zero(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    if low > 0.0 && low < 0.4 * high {
        values.push(0.0);
    }
    values
}

/// Places by time where every visit has one and they increase, even places otherwise.
fn visit_places(visits: &[VisitPlace], from: f64, to: f64) -> Vec<f64> {
    let times: Option<Vec<f64>> = visits.iter().map(|v| v.time).collect();
    let times = times.filter(|t| t.len() > 1 && t.windows(2).all(|w| w[1] > w[0]) && t.iter().all(|t| t.is_finite()));
    let times = times.unwrap_or_else(|| (0..visits.len()).map(|t| t as f64).collect());
    let (first, span) = (times.first().copied().unwrap_or(0.0), times.last().unwrap_or(&0.0) - times.first().unwrap_or(&0.0));
    times.iter().map(|t| if span > 0.0 { from + (t - first) / span * (to - from) } else { (from + to) / 2.0 }).collect()
}

/// Sorted places moved apart to at least `gap`, as little as needed, within `low` to `high` where there is room.
fn spread(places: &[f64], gap: f64, (low, high): (f64, f64)) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = vec![];
    for &place in places {
        blocks.push((place, 1));
        // A block is centred on the mean of its places; blocks that touch become one.
        while let [.., (a, n), (b, m)] = blocks[..] {
            if b - a >= gap * (n + m) as f64 / 2.0 {
                break;
            }
            blocks.truncate(blocks.len() - 2);
            blocks.push(((a * n as f64 + b * m as f64) / (n + m) as f64, n + m));
        }
    }
    let spaced = blocks.iter().flat_map(|&(centre, n)| (0..n).map(move |k| centre + gap * (k as f64 - (n as f64 - 1.0) / 2.0)));
    let mut spaced: Vec<f64> = spaced.collect();
    let over = spaced.last().map_or(0.0, |last| (last - high).max(0.0));
    let under = spaced.first().map_or(0.0, |first| (low - (first - over)).max(0.0));
    spaced.iter_mut().for_each(|y| *y += under - over);
    spaced
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    pub(super) fn example() -> MeansOverTime {
        let mean = |m: f64, h: f64| Interval::new(m, (m - h, m + h));
        let visits = [("baseline", 0.0), ("3 months", 3.0), ("6 months", 6.0), ("9 months", 9.0), ("12 months", 12.0)];
        MeansOverTime {
            title: "Means over time".into(),
            description: "Invented numbers.".into(),
            outcome: "CAPS-5 total".into(),
            visits: visits.iter().map(|(l, t)| VisitPlace { label: (*l).into(), time: Some(*t) }).collect(),
            arms: vec![
                ArmMeans {
                    label: "ImRs".into(),
                    means: vec![mean(40.0, 2.0), mean(30.0, 3.0), mean(22.0, 3.4), mean(18.0, 4.0), mean(16.0, 4.4)],
                    n: [66, 60, 55, 52, 50].map(|n| n.to_string()).to_vec(),
                },
                ArmMeans {
                    label: "ImRs+GST".into(),
                    means: vec![mean(40.5, 2.0), mean(31.0, 3.0), mean(21.0, 3.4), mean(18.5, 4.0), mean(15.8, 4.4)],
                    n: [64, 59, 54, 50, 47].map(|n| n.to_string()).to_vec(),
                },
            ],
            counted: "Patients observed".into(),
        }
    }

    #[test]
    fn every_interval_lies_in_the_plot() {
        let figure = example().draw();
        testing::check(&figure);
        let frame = Frame::of(&example());
        assert!(example().arms.iter().all(|a| a.means.iter().all(|m| frame.y.holds(m.low) && frame.y.holds(m.high))));
        assert_eq!(testing::coordinates(&figure.svg, "cx").count(), 6);
    }

    #[test]
    fn a_missing_mean_leaves_a_gap_and_no_coordinate() {
        let mut figure = example();
        figure.arms[0].means[2] = Interval::new(f64::NAN, (f64::NAN, f64::NAN));
        figure.visits[1].time = None;
        testing::check(&figure.draw());
        figure.arms.truncate(1);
        figure.visits.truncate(1);
        figure.arms[0].means.truncate(1);
        figure.arms[0].n.truncate(1);
        testing::check(&figure.draw());
    }

    #[test]
    fn labels_that_would_touch_are_moved_apart() {
        let moved = spread(&[10.0, 11.0, 60.0], 18.0, (0.0, 100.0));
        assert!(moved.windows(2).all(|w| w[1] - w[0] >= 18.0 - 1e-9) && (moved[2] - 60.0).abs() < 1e-9);
        let low = spread(&[98.0, 99.0], 18.0, (0.0, 100.0));
        assert!(low[1] <= 100.0 && low[1] - low[0] >= 18.0 - 1e-9);
    }
}
