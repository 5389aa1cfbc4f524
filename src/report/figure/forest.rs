//! Forest plot: estimates with intervals in rows, and the numbers beside them.

use super::axis::Axis;
use super::style::{FAINT, FULL_WIDTH, INK, PAPER, SMALL, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};
use super::text::{widest, wrapped};
use super::{Figure, Interval};
use crate::options::choices;
use crate::table::Format;

/// Estimates with intervals, one per row, in groups.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Forest {
    /// What the figure shows.
    pub title: String,
    /// How the estimates and intervals were made.
    pub description: String,
    /// Heading of the column of labels.
    pub label_heading: String,
    /// Heading of the column of numbers, e.g. `d (95% CI)`.
    pub estimate_heading: String,
    /// What the axis shows, e.g. `Cohen's d`.
    pub axis_label: String,
    /// The groups of rows, top to bottom.
    pub groups: Vec<ForestGroup>,
    /// Linear, or logarithmic for ratios.
    pub scale: ForestScale,
    /// What a value left and right of no effect means, e.g. `favours ImRs`.
    pub directions: Option<(String, String)>,
    /// How the numbers are printed.
    pub format: Format,
}

/// The axis of a forest plot and its value of no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForestScale {
    /// Differences: no effect at 0.
    Difference,
    /// Ratios on a logarithmic axis: no effect at 1.
    Ratio,
}

choices! {
    ForestScale, "scale of a forest plot":
    Difference = "difference", [], "no effect at 0";
    Ratio = "ratio", [], "no effect at 1, logarithmic";
}

/// Rows under a common heading.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ForestGroup {
    /// The heading; empty for none.
    pub heading: String,
    /// The rows.
    pub rows: Vec<ForestRow>,
}

/// One estimate.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ForestRow {
    /// What is estimated.
    pub label: String,
    /// The estimate and its interval.
    pub interval: Interval,
}

const ROW: f64 = 24.0;
const TOP: f64 = 34.0;
const LABEL_LIMIT: f64 = 250.0;

impl Forest {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let rows = self.rows();
        let left = self.label_width() + 24.0;
        let numbers = widest(rows.iter().map(|r| r.numbers(self.format)).chain([self.estimate_heading.clone()]), TEXT, true);
        let right = FULL_WIDTH - numbers - 24.0;
        let bottom = TOP + rows.iter().map(Row::height).sum::<f64>() + 6.0;
        let axis = self.axis((left, right));
        let mut canvas = Canvas::new(FULL_WIDTH, bottom + 40.0 + if self.directions.is_some() { 18.0 } else { 0.0 });
        self.draw_headings(&mut canvas);
        self.draw_frame(&mut canvas, &axis, (left, right), bottom);
        let mut y = TOP;
        for row in &rows {
            row.draw(&mut canvas, &axis, y, self.format);
            y += row.height();
        }
        canvas.finish(&self.title, &self.description)
    }

    fn rows(&self) -> Vec<Row> {
        let group = |g: &ForestGroup| -> Vec<Row> {
            let heading = (!g.heading.is_empty()).then(|| Row::Heading(g.heading.clone()));
            let indent = if heading.is_some() { 14.0 } else { 0.0 };
            let lines = |r: &ForestRow| wrapped(&r.label, TEXT, false, LABEL_LIMIT - indent);
            heading.into_iter().chain(g.rows.iter().map(|r| Row::Estimate { lines: lines(r), indent, interval: r.interval })).collect()
        };
        self.groups.iter().flat_map(group).collect()
    }

    fn label_width(&self) -> f64 {
        let of = |r: &Row| match r {
            // A heading may run over the plot's margin: nothing is drawn in its row.
            Row::Heading(_) => 0.0,
            Row::Estimate { lines, indent, .. } => indent + widest(lines, TEXT, false),
        };
        self.rows().iter().map(of).fold(super::text::width(&self.label_heading, TEXT, true), f64::max)
    }

    fn null(&self) -> f64 {
        if self.scale == ForestScale::Ratio { 1.0 } else { 0.0 }
    }

    fn axis(&self, ends: (f64, f64)) -> Axis {
        let values = self.groups.iter().flat_map(|g| g.rows.iter().flat_map(|r| r.interval.ends())).chain([self.null()]);
        match self.scale {
            ForestScale::Difference => Axis::enclosing(values, 6, ends),
            ForestScale::Ratio => Axis::logarithmic(values, ends),
        }
    }

    fn draw_headings(&self, canvas: &mut Canvas) {
        canvas.text((2.0, 18.0), &self.label_heading, TextStyle::new(TEXT, Anchor::Start).bold());
        canvas.text((FULL_WIDTH - 2.0, 18.0), &self.estimate_heading, TextStyle::new(TEXT, Anchor::End).bold());
        canvas.line((2.0, 26.0), (FULL_WIDTH - 2.0, 26.0), Stroke::solid(INK, 1.0));
    }

    fn draw_frame(&self, canvas: &mut Canvas, axis: &Axis, (left, right): (f64, f64), bottom: f64) {
        for &tick in axis.ticks() {
            canvas.line((axis.at(tick), TOP), (axis.at(tick), bottom), Stroke::solid(FAINT, 0.8));
        }
        let null = axis.at(self.null());
        canvas.line((null, TOP), (null, bottom), Stroke { colour: SOFT, width: 1.2, dash: "5 3" });
        axis.draw_below(canvas, bottom);
        canvas.text(((left + right) / 2.0, bottom + 33.0), &self.axis_label, TextStyle::new(SMALL, Anchor::Middle));
        if let Some((below, above)) = &self.directions {
            let y = bottom + 51.0;
            let style = |anchor| TextStyle::new(SMALL, anchor).colour(SOFT);
            canvas.text((null - 8.0, y), &format!("← {below}"), style(Anchor::End));
            canvas.text((null + 8.0, y), &format!("{above} →"), style(Anchor::Start));
        }
    }
}

enum Row {
    Heading(String),
    Estimate { lines: Vec<String>, indent: f64, interval: Interval },
}

impl Row {
    fn height(&self) -> f64 {
        match self {
            Row::Heading(_) => ROW + 2.0,
            Row::Estimate { lines, .. } => ROW + 14.0 * (lines.len().max(1) - 1) as f64,
        }
    }

    fn numbers(&self, format: Format) -> String {
        if let Row::Estimate { interval, .. } = self { interval.written(format) } else { String::new() }
    }

    fn draw(&self, canvas: &mut Canvas, axis: &Axis, top: f64, format: Format) {
        match self {
            Row::Heading(text) => {
                // Text over grid lines: a white strip keeps it legible.
                let width = super::text::width(text, TEXT, true) + 6.0;
                canvas.rectangle((0.0, top + 5.0), (width.min(canvas.width), 18.0), PAPER, None);
                canvas.text((2.0, top + 18.0), text, TextStyle::new(TEXT, Anchor::Start).bold());
            }
            Row::Estimate { lines, indent, interval } => {
                let middle = top + self.height() / 2.0;
                let first = middle + 4.0 - 7.0 * (lines.len().max(1) - 1) as f64;
                canvas.lines((2.0 + indent, first), lines, 14.0, TextStyle::new(TEXT, Anchor::Start));
                draw_interval(canvas, axis, interval, middle);
                canvas.text((canvas.width - 2.0, middle + 4.0), &self.numbers(format), TextStyle::new(TEXT, Anchor::End));
            }
        }
    }
}

/// A square with a line from end to end; an arrow where the interval has no end.
fn draw_interval(canvas: &mut Canvas, axis: &Axis, interval: &Interval, y: f64) {
    if interval.estimate.is_nan() {
        return;
    }
    if !interval.low.is_nan() && !interval.high.is_nan() {
        let (low, high) = (axis.at(interval.low), axis.at(interval.high));
        canvas.line((low, y), (high, y), Stroke::solid(INK, 1.5));
        for (end, value, direction) in [(low, interval.low, 1.0), (high, interval.high, -1.0)] {
            if axis.holds(value) {
                canvas.line((end, y - 4.0), (end, y + 4.0), Stroke::solid(INK, 1.5));
            } else {
                canvas.polyline(&[(end + 6.0 * direction, y - 4.0), (end, y), (end + 6.0 * direction, y + 4.0)], Stroke::solid(INK, 1.5));
            }
        }
    }
    let x = axis.at(interval.estimate);
    canvas.rectangle((x - 4.5, y - 4.5), (9.0, 9.0), INK, None);
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    fn example(scale: ForestScale) -> Forest {
        let row = |label: &str, e, l, h| ForestRow { label: label.into(), interval: Interval::new(e, (l, h)) };
        Forest {
            title: "Effect sizes".into(),
            description: "Invented numbers.".into(),
            label_heading: "Comparison".into(),
            estimate_heading: "d (95% CI)".into(),
            axis_label: "Cohen's d".into(),
            groups: vec![
                ForestGroup {
                    heading: "Within arm, baseline to 12 months".into(),
                    rows: vec![row("ImRs", 2.42, 1.97, 2.87), row("ImRs+GST", 2.44, 1.99, 2.90)],
                },
                ForestGroup {
                    heading: "Between arms".into(),
                    rows: vec![row("ImRs+GST − ImRs at 12 months, adjusted for site", 0.02, 0.01, 0.36)],
                },
            ],
            scale,
            directions: Some(("favours ImRs".into(), "favours ImRs+GST".into())),
            format: Format::Decimals(2),
        }
    }

    #[test]
    fn intervals_are_never_clipped() {
        for scale in [ForestScale::Difference, ForestScale::Ratio] {
            let forest = example(scale);
            let axis = forest.axis((0.0, 100.0));
            assert!(forest.groups.iter().all(|g| g.rows.iter().all(|r| r.interval.ends().iter().all(|&v| axis.holds(v)))));
            testing::check(&forest.draw());
        }
    }

    #[test]
    fn an_endless_interval_ends_in_an_arrow_and_a_missing_one_in_words() {
        let mut forest = example(ForestScale::Ratio);
        forest.groups[0].rows[0].interval = Interval::new(2.0, (0.5, f64::INFINITY));
        forest.groups[0].rows[1].interval = Interval::new(f64::NAN, (f64::NAN, f64::NAN));
        let figure = forest.draw();
        testing::check(&figure);
        assert!(figure.svg.contains("not estimable") && figure.svg.contains("polyline") && figure.svg.contains("to ∞)"));
    }
}
