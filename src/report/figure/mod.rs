//! Figures as SVG, PNG and PDF: each is drawn from plain numbers, reads in black and white, and carries a title and a
//! description.
//!
//! Arms differ by marker, line and colour at once and are labelled where they are drawn. Axes enclose every interval
//! they show. No font or script is loaded by an SVG file.
//!
//! [`Figure::to_png`] and [`Figure::to_pdf`] set text in Liberation Sans 2, which has the widths of Helvetica and Arial;
//! the font is part of the crate (`fonts/LICENSE-OFL`). They draw the few shapes that our figures have: a general
//! renderer of SVG (resvg) takes 107 s of one core to compile, what is used here (ttf-parser, ab_glyph_rasterizer,
//! miniz_oxide) 4 s. In PDF, text is drawn as outlines of letters, so that a figure looks the same wherever it is
//! embedded and no font is missing.

mod axis;
mod before_after;
mod clusters;
mod contour;
mod covariance;
mod curve;
mod flow;
mod font;
mod forest;
mod means;
mod missing;
mod pdf;
mod png;
mod quantiles;
mod raster;
mod rates;
mod residuals;
mod responders;
mod shape;
mod style;
mod svg;
mod text;

pub use before_after::{BeforeAfter, NoChange};
pub use clusters::{ClusterEffect, ClusterEffects, ClusterPanel};
pub use contour::TippingPlane;
pub use covariance::CovarianceHeat;
pub use curve::PowerCurve;
pub use flow::{FlowArm, FlowDiagram, FlowStep};
pub use forest::{Forest, ForestGroup, ForestRow, ForestScale};
pub use means::{ArmMeans, MeansOverTime, VisitPlace};
pub use missing::{MissingPattern, MissingPatterns};
pub use quantiles::NormalQuantilesByVisit;
pub use rates::{ArmRate, RateGroup, Rates};
pub use residuals::{BoxSummary, NormalQuantiles, QuantilePoint, ResidualBoxes, ResidualScatter, ResidualSeries};
pub use responders::{CumulativeResponders, ResponderCurve};

use std::sync::{Arc, OnceLock};

/// A finished drawing.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Figure {
    /// What it shows, in a line.
    pub title: String,
    /// The same in words, with how its numbers were made: the caption, and what a screen reader says.
    pub description: String,
    /// Width in CSS pixels at its natural size.
    pub width: f64,
    /// Height in CSS pixels at its natural size.
    pub height: f64,
    /// The drawing, a complete SVG document that refers to nothing outside itself.
    #[serde(skip)]
    pub svg: String,
    /// The drawing for formats that are no text.
    #[serde(skip)]
    drawing: Arc<Drawing>,
}

/// What is drawn, and its pixels once several documents have asked for them.
#[derive(Debug, Default)]
struct Drawing {
    shapes: Vec<shape::Shape>,
    png: OnceLock<Vec<u8>>,
}

impl PartialEq for Drawing {
    fn eq(&self, other: &Self) -> bool {
        self.shapes == other.shapes
    }
}

/// Dots per inch of PNG files, where journals ask for at least 300.
pub const DPI: u32 = 300;

impl Figure {
    /// The figure with a line of text at its foot.
    pub fn marked(&self, mark: &str) -> Self {
        svg::with_mark(self, mark)
    }

    /// The figure as a PNG file with [`DPI`] dots per inch on white ground.
    pub fn to_png(&self) -> &[u8] {
        self.drawing.png.get_or_init(|| {
            let (pixels, size) = raster::drawn(&self.drawing.shapes, (self.width, self.height), f64::from(DPI) / 96.0);
            png::encoded(&pixels, size, DPI)
        })
    }

    /// The figure as a PDF file of one page of its size: vectors throughout, text as outlines.
    pub fn to_pdf(&self) -> Vec<u8> {
        pdf::written(&self.drawing.shapes, (self.width, self.height), &self.title)
    }
}

/// An estimate and its interval; NaN where there is none.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// An estimate with its lower and upper end.
    pub fn new(estimate: f64, (low, high): (f64, f64)) -> Self {
        Self { estimate, low, high }
    }

    fn ends(&self) -> [f64; 3] {
        [self.estimate, self.low, self.high]
    }

    /// `1.23 (0.45 to 2.01)`, with the minus sign that belongs in print.
    fn written(&self, format: crate::table::Format) -> String {
        let number = |x: f64| format.apply(x).replace('-', "−");
        if self.estimate.is_nan() {
            "not estimable".into()
        } else if self.low.is_nan() || self.high.is_nan() {
            number(self.estimate)
        } else {
            format!("{} ({} to {})", number(self.estimate), number(self.low), number(self.high))
        }
    }
}

#[cfg(test)]
mod testing {
    //! What every figure must satisfy.

    use super::Figure;

    /// Asserts that the figure is well-formed XML and that every coordinate lies on the page.
    pub(super) fn check(figure: &Figure) {
        let mut open: Vec<String> = vec![];
        for tag in figure.svg.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').expect("a tag is closed");
            assert!(!tag.contains('<') && tag.matches('"').count() % 2 == 0, "{tag}");
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(tag.split_whitespace().next().unwrap_or_default().to_string());
            }
        }
        assert!(open.is_empty(), "left open: {open:?}");
        assert!(!figure.svg.contains("NaN") && !figure.svg.contains("inf"), "a coordinate is not a number");
        assert!(figure.svg.contains("<title>") && figure.svg.contains("<desc>"));
        for name in ["x", "x1", "x2", "cx"] {
            assert!(coordinates(&figure.svg, name).all(|v| (0.0..=figure.width).contains(&v)), "{name} beyond the page");
        }
        for name in ["y", "y1", "y2", "cy"] {
            assert!(coordinates(&figure.svg, name).all(|v| (0.0..=figure.height).contains(&v)), "{name} beyond the page");
        }
    }

    /// All values of the attribute `name`.
    pub(super) fn coordinates<'a>(svg: &'a str, name: &str) -> impl Iterator<Item = f64> + use<'a> {
        let key = format!(" {name}=\"");
        svg.split(&key as &str).skip(1).filter_map(|rest| rest.split('"').next()?.parse().ok()).collect::<Vec<f64>>().into_iter()
    }
}
