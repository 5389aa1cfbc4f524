//! Participant flow from randomization to analysis, a column an arm, after CONSORT.

use super::Figure;
use super::style::{FULL_WIDTH, INK, PAPER, SMALL, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};
use super::text::wrapped;

/// Where each randomized patient went.
#[derive(Debug, Clone, serde::Serialize)]
pub struct FlowDiagram {
    /// What the figure shows.
    pub title: String,
    /// Whom it counts and how.
    pub description: String,
    /// The box above all arms, e.g. `Randomized (n = 130)`.
    pub start: String,
    /// The arms, left to right.
    pub arms: Vec<FlowArm>,
}

/// One arm's way through the trial.
#[derive(Debug, Clone, serde::Serialize)]
pub struct FlowArm {
    /// The arm.
    pub label: String,
    /// Its boxes, top to bottom; the steps of all arms stand in rows.
    pub steps: Vec<FlowStep>,
}

/// A box, and who is not in it.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct FlowStep {
    /// First line, set bold.
    pub heading: String,
    /// Further lines.
    pub lines: Vec<String>,
    /// Lines of the box beside it: who is missing here and why. None if empty.
    pub aside: Vec<String>,
}

const LINE: f64 = 14.5;
const PADDING: f64 = 8.0;
const GAP: f64 = 20.0;
/// An arm's column is no narrower than this; with many arms the page grows instead.
const NARROWEST: f64 = 270.0;

/// The three texts of a step, wrapped to the boxes they stand in.
struct Wrapped {
    heading: Vec<String>,
    lines: Vec<String>,
    aside: Vec<String>,
}

impl Wrapped {
    fn of(step: &FlowStep, main: f64, side: f64) -> Self {
        let fit = |texts: &[String], room: f64| -> Vec<String> {
            texts.iter().flat_map(|t| wrapped(t, SMALL, false, room - 2.0 * PADDING)).collect()
        };
        Self {
            heading: wrapped(&step.heading, SMALL, true, main - 2.0 * PADDING),
            lines: fit(&step.lines, main),
            aside: fit(&step.aside, side),
        }
    }

    fn main_height(&self) -> f64 {
        2.0 * PADDING + LINE * (self.heading.len() + self.lines.len()) as f64 - 3.0
    }

    fn side_height(&self) -> f64 {
        if self.aside.is_empty() { 0.0 } else { 2.0 * PADDING + LINE * self.aside.len() as f64 - 3.0 }
    }
}

impl FlowDiagram {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let columns = self.arms.len().max(1) as f64;
        let pitch = (FULL_WIDTH / columns).max(NARROWEST);
        let page = pitch * columns;
        let (main, side) = (0.56 * pitch - 12.0, 0.38 * pitch - 8.0);
        let steps: Vec<Vec<Wrapped>> = self.arms.iter().map(|a| a.steps.iter().map(|s| Wrapped::of(s, main, side)).collect()).collect();
        let rows = steps.iter().map(Vec::len).max().unwrap_or(0);
        let height = |row: usize| {
            let of = |arm: &Vec<Wrapped>| arm.get(row).map_or(0.0, |w| w.main_height().max(w.side_height()));
            steps.iter().map(of).fold(0.0, f64::max)
        };
        let start = 2.0 * PADDING + LINE;
        let labels = start + 2.0 * GAP + 26.0;
        let tops: Vec<f64> = (0..rows)
            .scan(labels + 8.0, |y, row| {
                let top = *y;
                *y += height(row) + GAP;
                Some(top)
            })
            .collect();
        let bottom = tops.last().map_or(labels, |y| y + height(rows - 1));
        let mut canvas = Canvas::new(page, bottom + 4.0);
        let centres: Vec<f64> = (0..self.arms.len()).map(|a| pitch * a as f64 + 2.0 + main / 2.0).collect();
        self.draw_start(&mut canvas, start, &centres);
        for (a, arm) in self.arms.iter().enumerate() {
            let x = centres[a];
            canvas.text((x, labels - 6.0), &arm.label, TextStyle::new(TEXT + 1.0, Anchor::Middle).bold());
            for (row, step) in steps[a].iter().enumerate() {
                if row > 0 {
                    arrow(&mut canvas, x, tops[row - 1] + height(row - 1), tops[row]);
                }
                draw_step(&mut canvas, step, x, tops[row], (main, side), height(row));
            }
        }
        canvas.finish(&self.title, &self.description)
    }

    fn draw_start(&self, canvas: &mut Canvas, height: f64, centres: &[f64]) {
        let width = super::text::width(&self.start, TEXT, true) + 4.0 * PADDING;
        let middle = match (centres.first(), centres.last()) {
            (Some(first), Some(last)) => (first + last) / 2.0,
            _ => canvas.width / 2.0,
        }
        .max(width / 2.0 + 1.0);
        canvas.rectangle((middle - width / 2.0, 1.0), (width, height), PAPER, Some(Stroke::solid(INK, 1.2)));
        canvas.text((middle, 1.0 + height / 2.0 + 4.0), &self.start, TextStyle::new(TEXT, Anchor::Middle).bold());
        let fork = height + GAP;
        canvas.line((middle, height + 1.0), (middle, fork), Stroke::solid(INK, 1.2));
        for &x in centres {
            canvas.line((middle, fork), (x, fork), Stroke::solid(INK, 1.2));
            arrow(canvas, x, fork, fork + GAP);
        }
    }
}

fn draw_step(canvas: &mut Canvas, step: &Wrapped, x: f64, top: f64, (main, side): (f64, f64), height: f64) {
    canvas.rectangle((x - main / 2.0, top), (main, height), PAPER, Some(Stroke::solid(INK, 1.2)));
    let text = LINE * (step.heading.len() + step.lines.len()) as f64;
    let first = top + (height - text) / 2.0 + 11.0;
    canvas.lines((x, first), &step.heading, LINE, TextStyle::new(SMALL, Anchor::Middle).bold());
    canvas.lines((x, first + LINE * step.heading.len() as f64), &step.lines, LINE, TextStyle::new(SMALL, Anchor::Middle));
    if !step.aside.is_empty() {
        let (left, tall) = (x + main / 2.0 + 14.0, step.side_height());
        let middle = top + height / 2.0;
        canvas.line((x + main / 2.0, middle), (left, middle), Stroke::solid(SOFT, 1.0));
        canvas.rectangle((left, middle - tall / 2.0), (side, tall), PAPER, Some(Stroke { colour: SOFT, width: 1.0, dash: "4 3" }));
        canvas.lines((left + PADDING, middle - tall / 2.0 + PADDING + 10.0), &step.aside, LINE, TextStyle::new(SMALL, Anchor::Start));
    }
}

fn arrow(canvas: &mut Canvas, x: f64, from: f64, to: f64) {
    canvas.line((x, from), (x, to - 5.0), Stroke::solid(INK, 1.2));
    canvas.polygon(&[(x - 4.0, to - 7.0), (x + 4.0, to - 7.0), (x, to - 0.5)], INK, 1.0, None);
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    fn example(arms: usize) -> FlowDiagram {
        let step = |heading: &str, aside: &[&str]| FlowStep {
            heading: heading.into(),
            lines: vec!["60 of 66 observed".into()],
            aside: aside.iter().map(|s| (*s).to_string()).collect(),
        };
        let visits = ["3 months", "6 months", "9 months", "12 months"];
        let steps: Vec<FlowStep> = std::iter::once(step("Allocated (n = 66)", &[]))
            .chain(visits.iter().map(|v| step(v, &["6 not observed", "4 not seen again", "2 seen later"])))
            .chain([step("Analysed (n = 65)", &["1 not analysed: no outcome after baseline"])])
            .collect();
        FlowDiagram {
            title: "Participant flow".into(),
            description: "Invented numbers.".into(),
            start: "Randomized (n = 130)".into(),
            arms: (0..arms).map(|a| FlowArm { label: format!("Arm {a}"), steps: steps.clone() }).collect(),
        }
    }

    #[test]
    fn boxes_stay_on_the_page_for_one_to_four_arms() {
        for arms in 1..=4 {
            let figure = example(arms).draw();
            testing::check(&figure);
            assert_eq!(figure.svg.matches("<rect").count(), 1 + arms * (6 + 5));
        }
    }
}
