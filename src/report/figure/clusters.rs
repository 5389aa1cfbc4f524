//! Predicted effects of clusters: a caterpillar plot, a panel for each factor, on one scale.

use super::axis::Axis;
use super::style::{FAINT, FULL_WIDTH, INK, SMALL, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};
use super::text::widest;
use super::{Figure, Interval};
use crate::table::Format;

/// Predicted effects of clusters with intervals, in panels on one axis.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ClusterEffects {
    /// What the figure shows.
    pub title: String,
    /// How the effects and intervals were made.
    pub description: String,
    /// Heading of the column of numbers, e.g. `Effect (95% PI)`.
    pub effect_heading: String,
    /// What the axis shows.
    pub axis_label: String,
    /// The panels, top to bottom.
    pub panels: Vec<ClusterPanel>,
    /// How the numbers are printed.
    pub format: Format,
}

/// The clusters of one factor; drawn from the lowest effect to the highest.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ClusterPanel {
    /// What the clusters are.
    pub heading: String,
    /// The clusters.
    pub clusters: Vec<ClusterEffect>,
}

/// The effect of one cluster.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ClusterEffect {
    /// The cluster.
    pub label: String,
    /// Patients in it.
    pub patients: usize,
    /// The predicted effect and its interval.
    pub interval: Interval,
}

const ROW: f64 = 20.0;
const HEADING: f64 = 28.0;
const TOP: f64 = 34.0;

impl ClusterEffects {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let label = self.clusters().map(|c| c.label.as_str()).chain(["Cluster"]);
        let count_at = widest(label, TEXT, true) + 16.0 + super::text::width("Patients", TEXT, true);
        let numbers = self.clusters().map(|c| c.interval.written(self.format)).chain([self.effect_heading.clone()]);
        let (left, right) = (count_at + 24.0, FULL_WIDTH - widest(numbers, TEXT, true) - 24.0);
        let height: f64 = self.panels.iter().map(|p| HEADING + ROW * p.clusters.len() as f64).sum();
        let bottom = TOP + height + 6.0;
        let axis = Axis::enclosing(self.clusters().flat_map(|c| c.interval.ends()).chain([0.0]), 6, (left, right));

        let mut canvas = Canvas::new(FULL_WIDTH, bottom + 40.0);
        self.draw_headings(&mut canvas, count_at);
        for &tick in axis.ticks() {
            canvas.line((axis.at(tick), TOP), (axis.at(tick), bottom), Stroke::solid(FAINT, 0.8));
        }
        canvas.line((axis.at(0.0), TOP), (axis.at(0.0), bottom), Stroke { colour: SOFT, width: 1.2, dash: "5 3" });
        axis.draw_below(&mut canvas, bottom);
        canvas.text(((left + right) / 2.0, bottom + 33.0), &self.axis_label, TextStyle::new(SMALL, Anchor::Middle));

        let mut y = TOP;
        for panel in &self.panels {
            canvas.text((2.0, y + 19.0), &panel.heading, TextStyle::new(TEXT, Anchor::Start).bold());
            y += HEADING;
            for cluster in panel.ordered() {
                self.draw_cluster(&mut canvas, &axis, cluster, (count_at, y + ROW / 2.0));
                y += ROW;
            }
        }
        canvas.finish(&self.title, &self.description)
    }

    fn clusters(&self) -> impl Iterator<Item = &ClusterEffect> {
        self.panels.iter().flat_map(|p| &p.clusters)
    }

    fn draw_headings(&self, canvas: &mut Canvas, count_at: f64) {
        canvas.text((2.0, 18.0), "Cluster", TextStyle::new(TEXT, Anchor::Start).bold());
        canvas.text((count_at, 18.0), "Patients", TextStyle::new(TEXT, Anchor::End).bold());
        canvas.text((FULL_WIDTH - 2.0, 18.0), &self.effect_heading, TextStyle::new(TEXT, Anchor::End).bold());
        canvas.line((2.0, 26.0), (FULL_WIDTH - 2.0, 26.0), Stroke::solid(INK, 1.0));
    }

    /// A dot on a line from end to end.
    fn draw_cluster(&self, canvas: &mut Canvas, axis: &Axis, cluster: &ClusterEffect, (count_at, y): (f64, f64)) {
        let Interval { estimate, low, high } = cluster.interval;
        canvas.text((14.0, y + 4.0), &cluster.label, TextStyle::new(TEXT, Anchor::Start));
        canvas.text((count_at, y + 4.0), &cluster.patients.to_string(), TextStyle::new(TEXT, Anchor::End));
        if !low.is_nan() && !high.is_nan() {
            canvas.line((axis.at(low), y), (axis.at(high), y), Stroke::solid(INK, 1.5));
        }
        if !estimate.is_nan() {
            canvas.circle((axis.at(estimate), y), 4.0, INK, None);
        }
        canvas.text((FULL_WIDTH - 2.0, y + 4.0), &cluster.interval.written(self.format), TextStyle::new(TEXT, Anchor::End));
    }
}

impl ClusterPanel {
    fn ordered(&self) -> Vec<&ClusterEffect> {
        let mut clusters: Vec<&ClusterEffect> = self.clusters.iter().collect();
        clusters.sort_by(|a, b| a.interval.estimate.total_cmp(&b.interval.estimate));
        clusters
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    fn example(effects: &[f64]) -> ClusterEffects {
        let cluster = |(k, &e): (usize, &f64)| ClusterEffect {
            label: format!("G{}", k + 1),
            patients: 8 - k,
            interval: Interval::new(e, (e - 2.0 * e.abs(), e + 2.0 * e.abs())),
        };
        let panel = |heading: &str| ClusterPanel { heading: heading.into(), clusters: effects.iter().enumerate().map(cluster).collect() };
        ClusterEffects {
            title: "Clusters".into(),
            description: "Invented numbers.".into(),
            effect_heading: "Effect (95% PI)".into(),
            axis_label: "Points".into(),
            panels: vec![panel("Therapy groups"), panel("Therapists")],
            format: Format::Decimals(2),
        }
    }

    #[test]
    fn clusters_stand_in_the_order_of_their_effects_with_their_sizes() {
        let figure = example(&[1.5, -0.5, 0.25]).draw();
        testing::check(&figure);
        let place = |text: &str| figure.svg.find(&format!(">{text}</text>")).expect("it is drawn");
        assert!(place("G2") < place("G3") && place("G3") < place("G1"));
        assert!(figure.svg.contains(">7</text>") && figure.svg.contains("1.50 (−1.50 to 4.50)"));
    }

    #[test]
    fn effects_of_nothing_are_drawn_at_nothing() {
        testing::check(&example(&[0.0, 0.0]).draw());
        testing::check(&example(&[f64::NAN, 1.0]).draw());
        testing::check(&example(&[]).draw());
    }
}
