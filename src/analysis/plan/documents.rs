//! In which forms a report is written, and how its sentences put numbers.

use crate::options::choices;

/// A form of the report, or of its results, that is written beside `report.html`.
///
/// `report.html`, `report.json`, tables as CSV and figures as SVG are always written.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DocumentKind {
    /// `report.html`, which is always written.
    Html,
    /// `report.docx`, for Word and LibreOffice.
    Docx,
    /// `report.rtf`, landscape, a table a page, as submissions have it.
    Rtf,
    /// `figures/*.png`, 300 dots per inch.
    Png,
    /// `figures/*.pdf`, vectors to be embedded.
    Pdf,
    /// `ard.csv` and `ard.json`: one row per statistic, with the columns of R's package cards.
    Ard,
    /// `ars.json`: a reporting event of the CDISC Analysis Results Standard, version 1.
    Ars,
}

choices! {
    DocumentKind, "kind of document":
    Html = "html", [], "report.html, which is always written";
    Docx = "docx", ["word"], "report.docx, for Word and LibreOffice";
    Rtf = "rtf", [], "report.rtf, landscape, a table a page";
    Png = "png", [], "figures as PNG, 300 dots per inch";
    Pdf = "pdf", [], "figures as PDF, vectors to be embedded";
    Ard = "ard", ["cards"], "results as analysis results data: one row per statistic, CSV and JSON";
    Ars = "ars", [], "results as a CDISC ARS version 1 reporting event, JSON";
}

/// How sentences and tables put numbers.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReportStyle {
    /// As the American Psychological Association asks (7th edition): *t*(116.1) = −0.07, *p* = .941, 95% CI [−5.64, 5.24].
    #[default]
    Apa,
    /// As clinical study reports have it: −0.20 (95% CI: −5.64 to 5.24), t = −0.07, df = 116.1, p = 0.941.
    Csr,
}

choices! {
    ReportStyle, "style of the report":
    Apa = "apa", ["psychology"], "t(116.1) = −0.07, p = .941, 95% CI [−5.64, 5.24]; tables with three lines";
    Csr = "csr", ["ich-e3"], "(95% CI: −5.64 to 5.24), t = −0.07, df = 116.1, p = 0.941; tables with shaded headings";
}

/// The paper that documents are made for.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paper {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8.5 × 11 inches.
    Letter,
}

choices! {
    Paper, "paper":
    A4 = "a4", [], "210 × 297 mm";
    Letter = "letter", ["us-letter"], "8.5 × 11 inches";
}

impl Paper {
    /// Width and height, upright, in twentieths of a point.
    pub fn twips(self) -> (u32, u32) {
        match self {
            Paper::A4 => (11_906, 16_838),
            Paper::Letter => (12_240, 15_840),
        }
    }
}
