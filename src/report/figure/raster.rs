//! Figures as pixels: how far a shape covers each, blended over white.

use super::font::{Fonts, Step};
use super::shape::{Fill, Shape, dashed, dashes, rgb};
use super::svg::Stroke;
use ab_glyph_rasterizer::{Rasterizer, point};

/// A page of pixels, three bytes each.
struct Page {
    pixels: Vec<u8>,
    width: usize,
    height: usize,
    scale: f64,
}

/// The pixels of a figure of a size, `scale` a unit, row by row; and how many in a row, and rows.
pub(super) fn drawn(shapes: &[Shape], size: (f64, f64), scale: f64) -> (Vec<u8>, (u32, u32)) {
    let [width, height] = [size.0, size.1].map(|x| (x * scale).ceil().max(1.0) as usize);
    let mut page = Page { pixels: vec![255; 3 * width * height], width, height, scale };
    let fonts = Fonts::new();
    for shape in shapes {
        match shape {
            Shape::Path { points, closed, fill, stroke } => {
                if let Some(fill) = fill {
                    page.fill(&polygon(points), *fill);
                }
                if let Some(stroke) = stroke {
                    page.stroke(points, *closed, stroke);
                }
            }
            Shape::Circle { centre, radius, fill, stroke } => {
                let points = circle(*centre, *radius);
                page.fill(&polygon(&points), *fill);
                if let Some(stroke) = stroke {
                    page.stroke(&points, true, stroke);
                }
            }
            Shape::Text { at, text, style } => {
                page.fill(&fonts.outlines(*at, text, style), Fill::of(style.colour, 1.0));
            }
        }
    }
    (page.pixels, (width as u32, height as u32))
}

/// A circle as a polygon that no eye tells from one.
fn circle(centre: (f64, f64), radius: f64) -> Vec<(f64, f64)> {
    const CORNERS: usize = 48;
    let corner = |k: usize| std::f64::consts::TAU * k as f64 / CORNERS as f64;
    (0..CORNERS).map(|k| (centre.0 + radius * corner(k).cos(), centre.1 + radius * corner(k).sin())).collect()
}

fn polygon(points: &[(f64, f64)]) -> Vec<Step> {
    let place = |(k, p): (usize, &(f64, f64))| if k == 0 { Step::Move(*p) } else { Step::Line(*p) };
    points.iter().enumerate().map(place).chain([Step::Close]).collect()
}

/// The same corners in the direction in which coverages add up.
fn oriented(mut points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let next = |k: usize| points[(k + 1) % points.len()];
    let area: f64 = (0..points.len()).map(|k| points[k].0 * next(k).1 - next(k).0 * points[k].1).sum();
    if area < 0.0 {
        points.reverse();
    }
    points
}

/// The outlines of a line with a width: a quadrilateral a segment, and what a mitred corner adds.
fn outlined(line: &[(f64, f64)], closed: bool, width: f64) -> Vec<Step> {
    // Corners sharper than this are cut off, as SVG does.
    const SHARPEST: f64 = 4.0;
    let h = 0.5 * width;
    let mut line = line.to_vec();
    line.dedup();
    let normal = |a: (f64, f64), b: (f64, f64)| {
        let length = (b.0 - a.0).hypot(b.1 - a.1);
        (-(b.1 - a.1) / length, (b.0 - a.0) / length)
    };
    let mut steps = vec![];
    for pair in line.windows(2) {
        let ((ax, ay), (bx, by), (nx, ny)) = (pair[0], pair[1], normal(pair[0], pair[1]));
        let corners = [(ax + h * nx, ay + h * ny), (bx + h * nx, by + h * ny), (bx - h * nx, by - h * ny), (ax - h * nx, ay - h * ny)];
        steps.extend(polygon(&oriented(corners.to_vec())));
    }
    let mut joins: Vec<[(f64, f64); 3]> = line.windows(3).map(|w| [w[0], w[1], w[2]]).collect();
    if closed && line.len() > 3 {
        joins.push([line[line.len() - 2], line[0], line[1]]);
    }
    for [a, b, c] in joins {
        let (m, n) = (normal(a, b), normal(b, c));
        let outer = if m.0 * n.1 - m.1 * n.0 > 0.0 { -h } else { h };
        let (sum, cosine) = ((m.0 + n.0, m.1 + n.1), 1.0 + m.0 * n.0 + m.1 * n.1);
        let mut corners = vec![b, (b.0 + outer * m.0, b.1 + outer * m.1)];
        // The tip is (m + n) / (1 + m·n) away, in half widths; its length is the ratio that a limit is set to.
        if cosine > 0.0 && (2.0 / cosine).sqrt() <= SHARPEST {
            corners.push((b.0 + outer * sum.0 / cosine, b.1 + outer * sum.1 / cosine));
        }
        corners.push((b.0 + outer * n.0, b.1 + outer * n.1));
        steps.extend(polygon(&oriented(corners)));
    }
    steps
}

impl Page {
    fn stroke(&mut self, points: &[(f64, f64)], closed: bool, stroke: &Stroke) {
        let lengths = dashes(stroke);
        let whole = lengths.is_empty();
        let steps: Vec<Step> =
            dashed(points, closed, &lengths).iter().flat_map(|piece| outlined(piece, closed && whole, stroke.width)).collect();
        self.fill(&steps, Fill { colour: rgb(stroke.colour), opacity: 1.0 });
    }

    /// Blends what is inside an outline over the page.
    fn fill(&mut self, steps: &[Step], fill: Fill) {
        let scaled = |p: (f64, f64)| (p.0 * self.scale, p.1 * self.scale);
        let all = steps.iter().flat_map(|step| match step {
            Step::Move(a) | Step::Line(a) => vec![*a],
            Step::Quad(a, b) => vec![*a, *b],
            Step::Cubic(a, b, c) => vec![*a, *b, *c],
            Step::Close => vec![],
        });
        let ends = all.map(scaled).fold(None, |ends: Option<[f64; 4]>, (x, y)| {
            Some(ends.map_or([x, y, x, y], |[l, t, r, b]| [l.min(x), t.min(y), r.max(x), b.max(y)]))
        });
        let Some([left, top, right, bottom]) = ends else { return };
        // Outlines beyond the page are none of ours: every figure keeps inside (`testing::check`).
        let (left, top) = (left.floor().max(0.0), top.floor().max(0.0));
        let width = (right.ceil() - left).max(0.0) as usize + 2;
        let height = (bottom.ceil() - top).max(0.0) as usize + 2;
        let mut raster = Rasterizer::new(width, height);
        let at = |p: (f64, f64)| {
            let (x, y) = scaled(p);
            point((x - left).max(0.0) as f32, (y - top).max(0.0) as f32)
        };
        let (mut start, mut here) = (None, None);
        for step in steps {
            match (*step, here) {
                (Step::Move(p), _) => (start, here) = (Some(p), Some(p)),
                (Step::Line(p), Some(from)) => {
                    raster.draw_line(at(from), at(p));
                    here = Some(p);
                }
                (Step::Quad(c, p), Some(from)) => {
                    raster.draw_quad(at(from), at(c), at(p));
                    here = Some(p);
                }
                (Step::Cubic(c, d, p), Some(from)) => {
                    raster.draw_cubic(at(from), at(c), at(d), at(p));
                    here = Some(p);
                }
                (Step::Close, Some(from)) => {
                    if let Some(first) = start {
                        raster.draw_line(at(from), at(first));
                    }
                    here = start;
                }
                _ => {}
            }
        }
        let (left, top) = (left as usize, top as usize);
        raster.for_each_pixel_2d(|x, y, covered| {
            let (x, y) = (left + x as usize, top + y as usize);
            let covered = covered.min(1.0) * fill.opacity as f32;
            if covered > 0.0 && x < self.width && y < self.height {
                let pixel = 3 * (y * self.width + x);
                for (k, colour) in fill.colour.into_iter().enumerate() {
                    let below = f32::from(self.pixels[pixel + k]);
                    self.pixels[pixel + k] = (below + covered * (f32::from(colour) - below)).round() as u8;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink(pixels: &[u8]) -> f64 {
        pixels.chunks(3).map(|p| 1.0 - f64::from(p[0]) / 255.0).sum()
    }

    fn line(points: Vec<(f64, f64)>, closed: bool, width: f64) -> Shape {
        Shape::Path { points, closed, fill: None, stroke: Some(Stroke::solid("#000000", width)) }
    }

    #[test]
    fn what_is_drawn_covers_its_area() {
        let area = |shape: Shape| ink(&drawn(&[shape], (40.0, 40.0), 1.0).0);
        let disc = Shape::Circle { centre: (20.0, 20.0), radius: 10.0, fill: Fill::of("#000000", 1.0), stroke: None };
        assert!((area(disc) - 314.0).abs() < 2.0);
        assert!((area(line(vec![(5.0, 20.0), (35.0, 20.0)], false, 3.0)) - 90.0).abs() < 0.5);
        // A frame has square corners: 20² without 16².
        let square = vec![(11.0, 11.0), (29.0, 11.0), (29.0, 29.0), (11.0, 29.0)];
        assert!((area(line(square, true, 2.0)) - (400.0 - 256.0)).abs() < 1.0);
        let half = Shape::Path {
            points: vec![(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)],
            closed: true,
            fill: Some(Fill::of("#000000", 0.5)),
            stroke: None,
        };
        assert!((area(half) - 25.0).abs() < 0.5);
    }

    #[test]
    fn a_figure_has_as_many_pixels_as_its_resolution_says() {
        let (pixels, size) = drawn(&[], (720.0, 100.0), 300.0 / 96.0);
        assert_eq!((size, pixels.len()), ((2250, 313), 3 * 2250 * 313));
    }
}
