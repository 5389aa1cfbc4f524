//! Which visits were observed together: a row per pattern, with its patients per arm.

use super::Figure;
use super::style::{ArmStyle, INK, PAPER, RULE, SMALL, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};
use super::text::{widest, wrapped};

/// Patterns of observed visits.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MissingPatterns {
    /// What the figure shows.
    pub title: String,
    /// Which outcome, and how patterns were named.
    pub description: String,
    /// The visits.
    pub visits: Vec<String>,
    /// The arms.
    pub arms: Vec<String>,
    /// The patterns, top to bottom.
    pub patterns: Vec<MissingPattern>,
}

/// One pattern.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MissingPattern {
    /// Whether each visit was observed.
    pub observed: Vec<bool>,
    /// What kind of pattern it is, e.g. `monotone`.
    pub kind: String,
    /// Patients with it, an arm each.
    pub n: Vec<usize>,
}

const ROW: f64 = 22.0;
const BAR: f64 = 110.0;

impl MissingPatterns {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let cell = (320.0 / self.visits.len().max(1) as f64).clamp(26.0, 66.0);
        let labels: Vec<_> = self.visits.iter().map(|v| wrapped(v, SMALL, false, cell - 4.0)).collect();
        let head = 10.0 + 13.0 * labels.iter().map(Vec::len).max().unwrap_or(1) as f64;
        let kinds = cell * self.visits.len() as f64 + 14.0;
        let bars = kinds + widest(self.patterns.iter().map(|p| &p.kind), SMALL, false) + 18.0;
        let pitch = BAR + 40.0;
        let bottom = head + ROW * self.patterns.len() as f64;
        let mut canvas = Canvas::new(bars + pitch * self.arms.len() as f64, bottom + 30.0);
        for (t, lines) in labels.iter().enumerate() {
            let first = head - 10.0 - 13.0 * (lines.len() as f64 - 1.0);
            canvas.lines((cell * (t as f64 + 0.5), first), lines, 13.0, TextStyle::new(SMALL, Anchor::Middle));
        }
        for (a, arm) in self.arms.iter().enumerate() {
            let total: usize = self.patterns.iter().map(|p| p.n[a]).sum();
            let style = TextStyle::new(SMALL, Anchor::Start).bold().colour(ArmStyle::of(a).colour);
            canvas.text((bars + pitch * a as f64, head - 10.0), &format!("{arm} (n = {total})"), style);
        }
        let most = self.patterns.iter().flat_map(|p| &p.n).copied().max().unwrap_or(1).max(1) as f64;
        for (k, pattern) in self.patterns.iter().enumerate() {
            let y = head + ROW * k as f64;
            for (t, &seen) in pattern.observed.iter().enumerate() {
                draw_cell(&mut canvas, (cell * t as f64 + 2.0, y + 2.0), (cell - 4.0, ROW - 4.0), seen);
            }
            canvas.text((kinds, y + 15.0), &pattern.kind, TextStyle::new(SMALL, Anchor::Start));
            for (a, &n) in pattern.n.iter().enumerate() {
                let (x, length) = (bars + pitch * a as f64, BAR * n as f64 / most);
                let style = ArmStyle::of(a);
                let fill = if a % 2 == 0 { style.colour } else { PAPER };
                canvas.rectangle((x, y + 5.0), (length, ROW - 10.0), fill, (n > 0).then_some(Stroke::solid(style.colour, 1.2)));
                canvas.text((x + length + 6.0, y + 15.0), &n.to_string(), TextStyle::new(SMALL, Anchor::Start));
            }
        }
        self.draw_key(&mut canvas, bottom + 8.0);
        canvas.finish(&self.title, &self.description)
    }

    fn draw_key(&self, canvas: &mut Canvas, y: f64) {
        draw_cell(canvas, (2.0, y), (24.0, 14.0), true);
        canvas.text((32.0, y + 11.0), "observed", TextStyle::new(TEXT - 1.0, Anchor::Start).colour(SOFT));
        draw_cell(canvas, (102.0, y), (24.0, 14.0), false);
        canvas.text((132.0, y + 11.0), "missing", TextStyle::new(TEXT - 1.0, Anchor::Start).colour(SOFT));
    }
}

/// Filled where observed, crossed where missing.
fn draw_cell(canvas: &mut Canvas, corner: (f64, f64), size: (f64, f64), observed: bool) {
    let ((x, y), (w, h)) = (corner, size);
    if observed {
        canvas.rectangle(corner, size, "#4a5a6a", Some(Stroke::solid(INK, 0.6)));
    } else {
        canvas.rectangle(corner, size, PAPER, Some(Stroke::solid(RULE, 0.8)));
        canvas.line((x, y), (x + w, y + h), Stroke::solid(RULE, 0.8));
        canvas.line((x, y + h), (x + w, y), Stroke::solid(RULE, 0.8));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn each_pattern_shows_each_visit_once() {
        let pattern =
            |observed: [bool; 3], kind: &str, n: [usize; 2]| MissingPattern { observed: observed.into(), kind: kind.into(), n: n.into() };
        let figure = MissingPatterns {
            title: "Missing data".into(),
            description: "Invented numbers.".into(),
            visits: vec!["baseline".into(), "6 months".into(), "12 months".into()],
            arms: vec!["A".into(), "B".into()],
            patterns: vec![
                pattern([true, true, true], "complete", [40, 37]),
                pattern([true, true, false], "monotone", [5, 0]),
                pattern([true, false, true], "intermittent", [1, 2]),
            ],
        }
        .draw();
        testing::check(&figure);
        assert_eq!(figure.svg.matches("#4a5a6a").count(), 7 + 1);
        assert!(figure.svg.contains("A (n = 46)"));
    }
}
