//! A covariance matrix as a table of shaded cells: standard deviations on the diagonal, correlations beneath.

use super::Figure;
use super::style::{INK, PAPER, RULE, SMALL, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};
use super::text::{widest, wrapped};
use crate::table::Format;

/// Standard deviations and correlations of the visits.
#[derive(Debug, Clone, serde::Serialize)]
pub struct CovarianceHeat {
    /// What the figure shows.
    pub title: String,
    /// How the covariance was estimated.
    pub description: String,
    /// The visits.
    pub visits: Vec<String>,
    /// Standard deviation at each visit.
    pub sd: Vec<f64>,
    /// Correlation of visits `i` and `j` at `[i][j]`; only `j < i` is shown.
    pub correlation: Vec<Vec<f64>>,
}

const TOP: f64 = 12.0;

impl CovarianceHeat {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let count = self.visits.len();
        let cell = (520.0 / count.max(1) as f64).clamp(40.0, 84.0);
        let tall = (0.6 * cell).max(28.0);
        let left = widest(&self.visits, TEXT, false) + 16.0;
        let bottom = TOP + tall * count as f64;
        let labels: Vec<_> = self.visits.iter().map(|v| wrapped(v, SMALL, false, cell - 4.0)).collect();
        let depth = 13.0 * labels.iter().map(Vec::len).max().unwrap_or(1) as f64;
        let width = left + (cell * count as f64).max(super::text::width(KEY, SMALL, false)) + 8.0;
        let mut canvas = Canvas::new(width, bottom + depth + 34.0);
        for (i, visit) in self.visits.iter().enumerate() {
            let y = TOP + tall * i as f64;
            canvas.text((left - 8.0, y + tall / 2.0 + 4.0), visit, TextStyle::new(TEXT, Anchor::End));
            for j in 0..=i {
                self.draw_cell(&mut canvas, (i, j), (left + cell * j as f64, y), (cell, tall));
            }
            let x = left + cell * (i as f64 + 0.5);
            canvas.lines((x, bottom + 15.0), &labels[i], 13.0, TextStyle::new(SMALL, Anchor::Middle));
        }
        canvas.text((left, bottom + depth + 24.0), KEY, TextStyle::new(SMALL, Anchor::Start).colour(SOFT));
        canvas.finish(&self.title, &self.description)
    }

    /// Decimals that give the largest standard deviation three digits.
    fn format(&self) -> Format {
        Format::significant(self.sd.iter().copied().fold(0.0, f64::max), 0)
    }

    fn draw_cell(&self, canvas: &mut Canvas, (i, j): (usize, usize), corner: (f64, f64), size: (f64, f64)) {
        let centre = (corner.0 + size.0 / 2.0, corner.1 + size.1 / 2.0 + 4.0);
        if i == j {
            canvas.rectangle(corner, size, PAPER, Some(Stroke::solid(INK, 1.2)));
            canvas.text(centre, &written(self.sd[i], self.format()), TextStyle::new(TEXT, Anchor::Middle).bold());
            return;
        }
        let r = self.correlation[i][j];
        let strength = if r.is_finite() { r.abs().min(1.0) } else { 0.0 };
        let ink = if strength > 0.6 { PAPER } else { INK };
        canvas.rectangle(corner, size, &shade(strength), Some(Stroke::solid(RULE, 0.8)));
        canvas.text(centre, &written(r, Format::Decimals(2)), TextStyle::new(TEXT, Anchor::Middle).colour(ink));
    }
}

const KEY: &str = "Diagonal: standard deviation. Below: correlation.";

/// From paper to dark blue.
fn shade(strength: f64) -> String {
    let mix = |light: f64, dark: f64| (light + (dark - light) * strength).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(250.0, 11.0), mix(250.0, 60.0), mix(250.0, 111.0))
}

fn written(value: f64, format: Format) -> String {
    if value.is_finite() { format.apply(value).replace('-', "−") } else { "–".into() }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn every_pair_of_visits_has_a_cell() {
        let visits: Vec<String> = (1..=5).map(|m| format!("{} months", 3 * m)).collect();
        let correlation = (0..5i32).map(|i| (0..5i32).map(|j| 0.8f64.powi((i - j).abs())).collect()).collect();
        let heat = CovarianceHeat {
            title: "Covariance".into(),
            description: "Invented numbers.".into(),
            visits,
            sd: vec![9.7, 12.0, 14.1, 15.2, 15.9],
            correlation,
        };
        let figure = heat.draw();
        testing::check(&figure);
        assert_eq!(figure.svg.matches("<rect").count(), 15);
        assert!(figure.svg.contains("0.41") && figure.svg.contains(">9.7<"));
    }
}
