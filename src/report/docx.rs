//! A report as Word's `.docx` (ECMA-376, WordprocessingML): headings as styles, tables with repeated heading rows,
//! numbered captions, figures as PNG with the SVG beside it for programs that draw it, a header with the banner and a
//! footer with page x of y.
//!
//! Written here rather than by a crate: docx-rs 0.4.22 brings 68 crates (image decoders among them) and has no way to flag a
//! picture's vector alternative; what a report needs of the format is these two files of code.

use super::archive::Archive;
use super::document::{Block, Document};
use super::docx_parts as parts;
use super::figure::Figure;
use super::grid::{Cell, Grid, section_id};
use super::words::{Emphasis, Text};
use crate::analysis::ReportStyle;
use std::fmt::Write as _;

/// Margins, in twentieths of a point: 2 cm.
const MARGIN: u32 = 1134;

/// English metric units, in which pictures are measured, in a CSS pixel and in a twentieth of a point.
const PIXEL: f64 = 9525.0;
const TWIP: f64 = 635.0;

/// Characters of a table that a page has room for upright, at the size of its text.
const UPRIGHT: usize = 112;

/// A table of fewer rows stays on one page.
const WHOLE: usize = 16;

impl Document {
    /// The report as a Word document, byte for byte the same for the same report.
    pub fn to_docx(&self) -> Vec<u8> {
        let mut body = Body { document: self, xml: String::new(), figures: vec![], tables: 0, first: true, wide: false };
        body.write();
        let Body { xml, figures, .. } = body;
        let mut archive = Archive::default();
        archive.add("[Content_Types].xml", parts::CONTENT_TYPES.as_bytes());
        archive.add("_rels/.rels", parts::PACKAGE.as_bytes());
        archive.add("docProps/core.xml", parts::properties(&self.title, &self.produced_by).as_bytes());
        archive.add("word/document.xml", parts::document(&xml).as_bytes());
        archive.add("word/_rels/document.xml.rels", parts::relations(figures.len()).as_bytes());
        archive.add("word/styles.xml", parts::styles(self.style).as_bytes());
        archive.add("word/settings.xml", parts::SETTINGS.as_bytes());
        archive.add("word/header1.xml", parts::header(&self.title, self.banner.as_deref()).as_bytes());
        archive.add("word/footer1.xml", parts::footer(&self.produced()).as_bytes());
        for (k, figure) in figures.iter().enumerate() {
            archive.add(&format!("word/media/figure{}.png", k + 1), figure.to_png());
            archive.add(&format!("word/media/figure{}.svg", k + 1), figure.svg.as_bytes());
        }
        archive.finish()
    }
}

/// The body as it is written.
struct Body<'a> {
    document: &'a Document,
    xml: String,
    figures: Vec<&'a Figure>,
    tables: usize,
    /// Whether the first section, which is to keep to its page, is being written.
    first: bool,
    /// Whether the page lies on its side.
    wide: bool,
}

impl<'a> Body<'a> {
    fn write(&mut self) {
        let document = self.document;
        self.paragraph("Title", "", &run(&document.title, ""));
        if !document.subtitle.is_empty() {
            self.paragraph("Subtitle", "", &run(&document.subtitle, ""));
        }
        if let Some(banner) = &document.banner {
            self.paragraph("Banner", "", &run(banner, ""));
        }
        for (k, section) in document.sections.iter().enumerate() {
            self.turn(false);
            let opening = section.appendix && k > 0 && !document.sections[k - 1].appendix;
            let before = if opening { "<w:pageBreakBefore/>" } else { "" };
            let name = section_id(k).replace('-', "_");
            let heading =
                format!("<w:bookmarkStart w:id=\"{k}\" w:name=\"{name}\"/>{}<w:bookmarkEnd w:id=\"{k}\"/>", run(&section.heading, ""));
            self.paragraph("Heading1", before, &heading);
            self.first = k == 0;
            for block in &section.blocks {
                self.block(block);
            }
        }
        self.xml += &self.page(self.wide);
    }

    fn block(&mut self, block: &'a Block) {
        match block {
            Block::Paragraph { lead, text } => {
                self.turn(false);
                let lead = if lead.is_empty() { String::new() } else { run(&format!("{lead} "), "<w:b/>") };
                self.paragraph("BodyText", "", &format!("{lead}{}", runs(text)));
            }
            Block::Table(table) => {
                self.tables += 1;
                let grid = Grid::of(self.document, table, self.tables);
                let widths = grid.widths();
                self.turn(widths.iter().sum::<usize>() + 2 * widths.len() > UPRIGHT);
                self.table(&grid, &widths);
            }
            Block::Figure(figure) => {
                self.turn(false);
                self.figure(&figure.figure);
            }
        }
    }

    fn paragraph(&mut self, style: &str, properties: &str, content: &str) {
        let _ = writeln!(self.xml, "<w:p><w:pPr><w:pStyle w:val=\"{style}\"/>{properties}</w:pPr>{content}</w:p>");
    }

    /// Goes on with pages that lie on their side, or stand.
    fn turn(&mut self, wide: bool) {
        if wide != self.wide {
            let page = self.page(self.wide);
            let _ = writeln!(self.xml, "<w:p><w:pPr><w:pStyle w:val=\"TableNote\"/>{page}</w:pPr></w:p>");
            self.wide = wide;
        }
    }

    fn size(&self, wide: bool) -> (u32, u32) {
        let (width, height) = self.document.paper.twips();
        if wide { (height, width) } else { (width, height) }
    }

    fn page(&self, wide: bool) -> String {
        let (width, height) = self.size(wide);
        let side = if wide { " w:orient=\"landscape\"" } else { "" };
        format!(
            "<w:sectPr><w:headerReference w:type=\"default\" r:id=\"rId3\"/><w:footerReference w:type=\"default\" r:id=\"rId4\"/>\
             <w:pgSz w:w=\"{width}\" w:h=\"{height}\"{side}/><w:pgMar w:top=\"{MARGIN}\" w:right=\"{MARGIN}\" w:bottom=\"{MARGIN}\" \
             w:left=\"{MARGIN}\" w:header=\"567\" w:footer=\"567\" w:gutter=\"0\"/></w:sectPr>"
        )
    }

    /// The caption above a table: in APA style its number in bold and its title in italics below, else both on a line.
    fn caption(&mut self, number: usize, title: &str) {
        let label = format!("{}{}", run("Table ", "<w:b/>"), sequence("Table", number));
        match self.document.style {
            ReportStyle::Csr => self.paragraph("Caption", "<w:keepNext/>", &format!("{label}{}", run(&format!(". {title}"), "<w:b/>"))),
            _ => {
                self.paragraph("Caption", "<w:keepNext/><w:spacing w:after=\"0\"/>", &label);
                self.paragraph("Caption", "<w:keepNext/><w:spacing w:before=\"0\"/>", &run(title, "<w:i/>"));
            }
        }
    }

    fn table(&mut self, grid: &Grid<'_>, widths: &[usize]) {
        self.caption(grid.number, grid.title);
        let room = self.size(self.wide).0 - 2 * MARGIN;
        let all: usize = widths.iter().sum::<usize>().max(1);
        let twips: Vec<u32> = widths.iter().map(|w| (f64::from(room) * *w as f64 / all as f64) as u32).collect();
        self.xml += "<w:tbl><w:tblPr><w:tblStyle w:val=\"Report\"/><w:tblW w:w=\"5000\" w:type=\"pct\"/><w:tblLayout w:type=\"fixed\"/>\
                     <w:tblLook w:val=\"0420\" w:firstRow=\"1\" w:noVBand=\"1\"/></w:tblPr><w:tblGrid>";
        self.xml += &twips.iter().map(|w| format!("<w:gridCol w:w=\"{w}\"/>")).collect::<String>();
        self.xml += "</w:tblGrid>\n<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>";
        for (heading, width) in grid.headings.iter().zip(&twips) {
            self.xml += &cell(heading, *width, &Look { bold: true, keep: true, rules: self.heading_rules(), ..Look::default() });
        }
        self.xml += "</w:tr>\n";
        let whole = grid.rows.len() <= WHOLE;
        for (r, row) in grid.rows.iter().enumerate() {
            if let Some(group) = &row.group {
                let across = format!("<w:gridSpan w:val=\"{}\"/>", twips.len());
                let group = Cell { text: group.clone(), class: "label", link: None };
                self.xml += "<w:tr><w:trPr><w:cantSplit/></w:trPr>";
                self.xml += &cell(&group, twips.iter().sum(), &Look { bold: true, keep: true, across, ..Look::default() });
                self.xml += "</w:tr>\n";
            }
            let last = r + 1 == grid.rows.len();
            // What follows the last row are its notes.
            let keep = whole && !(last && grid.notes.is_empty());
            let rules = if last { "<w:bottom w:val=\"single\" w:sz=\"8\" w:color=\"000000\"/>" } else { "" };
            self.xml += "<w:tr><w:trPr><w:cantSplit/></w:trPr>";
            for (c, width) in row.cells.iter().zip(&twips) {
                self.xml += &cell(c, *width, &Look { keep, rules, ..Look::default() });
            }
            self.xml += "</w:tr>\n";
        }
        self.xml += "</w:tbl>\n";
        for (k, note) in grid.notes.iter().enumerate() {
            let lead = if k == 0 && self.document.style == ReportStyle::Apa { run("Note. ", "<w:i/>") } else { String::new() };
            // Notes stay with their table, as far as that stays on a page.
            let keep = if whole && k + 1 < grid.notes.len() { "<w:keepNext/>" } else { "" };
            self.paragraph("TableNote", keep, &format!("{lead}{}", run(note, "")));
        }
        self.paragraph("TableNote", "", "");
    }

    fn heading_rules(&self) -> &'static str {
        "<w:top w:val=\"single\" w:sz=\"8\" w:color=\"000000\"/><w:bottom w:val=\"single\" w:sz=\"6\" w:color=\"000000\"/>"
    }

    fn figure(&mut self, figure: &'a Figure) {
        self.figures.push(figure);
        let number = self.figures.len();
        let (page_width, page_height) = self.size(self.wide);
        // The first page has room for the answer too.
        let share = if self.first { 0.3 } else { 0.4 };
        let most = (f64::from(page_width - 2 * MARGIN) * TWIP, share * f64::from(page_height - 2 * MARGIN) * TWIP);
        let scale = (most.0 / (figure.width * PIXEL)).min(most.1 / (figure.height * PIXEL)).min(1.0);
        let [width, height] = [figure.width, figure.height].map(|x| (x * PIXEL * scale) as u64);
        let picture = parts::picture(number, (width, height), &parts::escaped(&figure.title), &parts::escaped(&figure.description));
        self.paragraph("Figure", "<w:keepNext/>", &picture);
        let label = format!("{}{}", run("Figure ", "<w:b/>"), sequence("Figure", number));
        let text = format!("{label}{}{}", run(&format!(". {}. ", figure.title), "<w:b/>"), run(&figure.description, ""));
        self.paragraph("FigureCaption", "", &text);
    }
}

/// How a cell looks beyond its text.
#[derive(Default)]
struct Look {
    bold: bool,
    /// On the page of the row below.
    keep: bool,
    rules: &'static str,
    across: String,
}

fn cell(cell: &Cell, width: u32, look: &Look) -> String {
    let side = if cell.is_label() { "left" } else { "right" };
    let keep = if look.keep { "<w:keepNext/>" } else { "" };
    let borders = if look.rules.is_empty() { String::new() } else { format!("<w:tcBorders>{}</w:tcBorders>", look.rules) };
    let text = run(&cell.text, if look.bold { "<w:b/>" } else { "" });
    let text = match &cell.link {
        Some(to) => format!("<w:hyperlink w:anchor=\"{}\" w:history=\"1\">{text}</w:hyperlink>", to.replace('-', "_")),
        None => text,
    };
    format!(
        "<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/>{}{borders}</w:tcPr><w:p><w:pPr><w:pStyle w:val=\"TableText\"/>{keep}\
         <w:jc w:val=\"{side}\"/></w:pPr>{text}</w:p></w:tc>",
        look.across
    )
}

/// Text with properties.
fn run(text: &str, properties: &str) -> String {
    let properties = if properties.is_empty() { String::new() } else { format!("<w:rPr>{properties}</w:rPr>") };
    format!("<w:r>{properties}<w:t xml:space=\"preserve\">{}</w:t></w:r>", parts::escaped(text))
}

fn runs(text: &Text) -> String {
    let properties = |emphasis| match emphasis {
        Emphasis::Plain => "",
        Emphasis::Italic => "<w:i/>",
        Emphasis::Bold => "<w:b/>",
    };
    text.runs().iter().map(|r| run(&r.text, properties(r.emphasis))).collect()
}

/// A number that the word processor counts itself.
fn sequence(what: &str, number: usize) -> String {
    format!("<w:fldSimple w:instr=\" SEQ {what} \\* ARABIC \"><w:r><w:rPr><w:b/></w:rPr><w:t>{number}</w:t></w:r></w:fldSimple>")
}
