//! A plane of two amounts: where an interval holds zero and where it does not.

use super::Figure;
use super::axis::Axis;
use super::style::{INK, PAPER, RULE, SMALL, SOFT, TEXT};
use super::svg::{Anchor, Canvas, Stroke, TextStyle};
use super::text::wrapped;

/// A tipping-point plane.
pub struct TippingPlane<'a> {
    /// What the figure shows.
    pub title: String,
    /// How it was made.
    pub description: String,
    /// What is added along the horizontal axis.
    pub across: String,
    /// What is added along the vertical axis.
    pub up: String,
    /// The amounts of the grid along both axes, rising; at least two each.
    pub grid: (Vec<f64>, Vec<f64>),
    /// The standard normal deviate of the confidence level.
    pub limit: f64,
    /// Estimate over standard error at a pair of amounts.
    pub signal: &'a dyn Fn(f64, f64) -> Option<f64>,
    /// What the regions mean: the interval lies below zero, holds it, lies above it.
    pub regions: [String; 3],
}

const WIDTH: f64 = 620.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 16.0;
const SIDE: f64 = 380.0;
/// Cells along each axis by which regions and lines are drawn.
const CELLS: usize = 60;
/// The fills of the three regions: told apart without colour by their line and their key.
const BELOW: &str = "#c9d8ea";
const ABOVE: &str = "#f0d9c0";

impl TippingPlane<'_> {
    /// Draws the figure.
    pub fn draw(&self) -> Figure {
        let (xs, ys) = (&self.grid.0, &self.grid.1);
        let ends = |values: &[f64]| (values[0], values[values.len() - 1]);
        let ticks = |values: &[f64], wanted: usize| match values.len() <= 9 {
            true => values.to_vec(),
            false => inner_ticks(ends(values), wanted),
        };
        let across = Axis::fixed(ends(xs), ticks(xs, 7), (LEFT, WIDTH - RIGHT));
        let up = Axis::fixed(ends(ys), ticks(ys, 7), (TOP + SIDE, TOP));
        let key: Vec<Vec<String>> = self.regions.iter().map(|text| wrapped(text, SMALL, false, WIDTH - LEFT - 40.0)).collect();
        let lines: usize = key.iter().map(Vec::len).sum();
        let mut canvas = Canvas::new(WIDTH, TOP + SIDE + 72.0 + 16.0 * lines as f64 + 34.0);
        let fine = self.fine();
        self.regions(&mut canvas, &fine, &across, &up);
        for (value, width) in [(-self.limit, 2.0), (self.limit, 2.0), (0.0, 0.9)] {
            for (from, to) in crossings(&fine, value) {
                let place = |(x, y): (f64, f64)| (across.at(x), up.at(y));
                let dash = if value == 0.0 { "5 4" } else { "" };
                canvas.line(place(from), place(to), Stroke { colour: INK, width, dash });
            }
        }
        for &x in xs {
            for &y in ys {
                let filled = (self.signal)(x, y).is_some_and(|signal| signal.abs() > self.limit);
                canvas.circle((across.at(x), up.at(y)), 3.0, if filled { INK } else { PAPER }, Some(Stroke::solid(INK, 1.1)));
            }
        }
        if across.holds(0.0) && up.holds(0.0) {
            let (x, y) = (across.at(0.0), up.at(0.0));
            canvas.line((x - 8.0, y), (x + 8.0, y), Stroke::solid(INK, 1.4));
            canvas.line((x, y - 8.0), (x, y + 8.0), Stroke::solid(INK, 1.4));
        }
        canvas.line((LEFT, TOP), (WIDTH - RIGHT, TOP), Stroke::solid(RULE, 0.8));
        canvas.line((WIDTH - RIGHT, TOP), (WIDTH - RIGHT, TOP + SIDE), Stroke::solid(RULE, 0.8));
        across.draw_below(&mut canvas, TOP + SIDE);
        up.draw_left(&mut canvas, LEFT, LEFT);
        canvas.text(((LEFT + WIDTH - RIGHT) / 2.0, TOP + SIDE + 36.0), &self.across, TextStyle::new(TEXT, Anchor::Middle));
        canvas.text((4.0, TOP + SIDE + 56.0), &format!("Vertical: {}", self.up), TextStyle::new(TEXT, Anchor::Start));
        let mut y = TOP + SIDE + 74.0;
        for (lines, fill) in key.iter().zip([BELOW, PAPER, ABOVE]) {
            canvas.rectangle((4.0, y - 10.0), (22.0, 12.0), fill, Some(Stroke::solid(RULE, 0.8)));
            canvas.lines((34.0, y), lines, 16.0, TextStyle::new(SMALL, Anchor::Start));
            y += 16.0 * lines.len() as f64;
        }
        let marks = "Points: the grid, filled where the interval excludes zero. Cross: nothing added.";
        canvas.text((4.0, y), marks, TextStyle::new(SMALL, Anchor::Start).colour(SOFT));
        let lines = "Thick line: the interval touches zero; dashed: the estimate is zero.";
        canvas.text((4.0, y + 16.0), lines, TextStyle::new(SMALL, Anchor::Start).colour(SOFT));
        canvas.finish(&self.title, &self.description)
    }

    /// The signal on a fine lattice, row by row from below.
    fn fine(&self) -> Lattice {
        let along = |values: &[f64]| -> Vec<f64> {
            let (low, high) = (values[0], values[values.len() - 1]);
            // The last step falls on the end itself, not beyond it by rounding.
            (0..=CELLS).map(|k| if k == CELLS { high } else { low + (high - low) * k as f64 / CELLS as f64 }).collect()
        };
        let (xs, ys) = (along(&self.grid.0), along(&self.grid.1));
        let values = ys.iter().map(|&y| xs.iter().map(|&x| (self.signal)(x, y).unwrap_or(f64::NAN)).collect()).collect();
        Lattice { xs, ys, values }
    }

    /// Shades the regions: runs of cells of one region, row by row.
    fn regions(&self, canvas: &mut Canvas, fine: &Lattice, across: &Axis, up: &Axis) {
        let region = |value: f64| match value {
            v if v < -self.limit => Some(BELOW),
            v if v > self.limit => Some(ABOVE),
            _ => None,
        };
        for j in 0..CELLS {
            let middle = |i: usize| {
                let v = &fine.values;
                region(0.25 * (v[j][i] + v[j][i + 1] + v[j + 1][i] + v[j + 1][i + 1]))
            };
            let mut start = 0;
            while start < CELLS {
                let fill = middle(start);
                let end = (start..CELLS).find(|&i| middle(i) != fill).unwrap_or(CELLS);
                if let Some(fill) = fill {
                    let (x0, x1) = (across.at(fine.xs[start]), across.at(fine.xs[end]));
                    let (y0, y1) = (up.at(fine.ys[j + 1]), up.at(fine.ys[j]));
                    canvas.rectangle((x0, y0), (x1 - x0, y1 - y0), fill, None);
                }
                start = end;
            }
        }
    }
}

/// Values at the points of a lattice.
struct Lattice {
    xs: Vec<f64>,
    ys: Vec<f64>,
    values: Vec<Vec<f64>>,
}

type Segment = ((f64, f64), (f64, f64));

/// The line of one value: in each cell the segment between the edges that it crosses (marching squares; Lorensen and Cline
/// 1987, Computer Graphics 21(4):163–169).
fn crossings(lattice: &Lattice, value: f64) -> Vec<Segment> {
    let mut found = vec![];
    for j in 1..lattice.ys.len() {
        for i in 1..lattice.xs.len() {
            let corners = [(i - 1, j - 1), (i, j - 1), (i, j), (i - 1, j)];
            let at = |(i, j): (usize, usize)| (lattice.xs[i], lattice.ys[j], lattice.values[j][i] - value);
            let points: Vec<(f64, f64)> = (0..4).filter_map(|k| edge(at(corners[k]), at(corners[(k + 1) % 4]))).collect();
            found.extend(points.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        }
    }
    found
}

/// Where a value is zero between two points.
fn edge(a: (f64, f64, f64), b: (f64, f64, f64)) -> Option<(f64, f64)> {
    ((a.2 < 0.0) != (b.2 < 0.0) && a.2.is_finite() && b.2.is_finite()).then(|| {
        let share = a.2 / (a.2 - b.2);
        (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1))
    })
}

/// Round ticks between two ends.
fn inner_ticks((low, high): (f64, f64), wanted: usize) -> Vec<f64> {
    let around = Axis::enclosing([low, high], wanted, (0.0, 1.0));
    around.ticks().iter().copied().filter(|t| *t >= low && *t <= high).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn the_plane_is_divided_where_the_interval_touches_zero() {
        // The limit is crossed on the lines x − y = ±2.
        let signal = |x: f64, y: f64| Some(x - y);
        let plane = TippingPlane {
            title: "Tipping point".into(),
            description: "Invented numbers.".into(),
            across: "Added in A".into(),
            up: "added in B".into(),
            grid: (vec![-3.0, 0.0, 3.0], (-20..=20).map(|k| f64::from(k) * 0.2).collect()),
            limit: 2.0,
            signal: &signal,
            regions: ["below".into(), "zero within".into(), "above".into()],
        };
        let segments = crossings(&plane.fine(), 2.0);
        assert!(segments.len() > 40);
        assert!(segments.iter().all(|(a, b)| (a.0 - a.1 - 2.0).abs() < 1e-12 && (b.0 - b.1 - 2.0).abs() < 1e-12));
        let figure = plane.draw();
        testing::check(&figure);
        let shaded = |fill: &str| figure.svg.matches(&format!("fill=\"{fill}\"")).count();
        assert!(shaded(BELOW) > 20 && shaded(ABOVE) > 20, "{} {}", shaded(BELOW), shaded(ABOVE));
    }

    #[test]
    fn a_plane_without_a_turn_has_no_line() {
        let plane = TippingPlane {
            title: "Tipping point".into(),
            description: "Invented numbers.".into(),
            across: "Added in A".into(),
            up: "added in B".into(),
            grid: (vec![0.0, 1.0], vec![0.0, 1.0]),
            limit: 2.0,
            signal: &|_, _| Some(0.5),
            regions: ["below".into(), "zero within".into(), "above".into()],
        };
        assert!(crossings(&plane.fine(), 2.0).is_empty());
        testing::check(&plane.draw());
    }
}
