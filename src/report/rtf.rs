//! A report as RTF (version 1.9), as submissions have it: landscape, a table a page with its title and headings repeated
//! overleaf, its notes at the foot of every page it has, page x of y.

use super::document::{Block, Document};
use super::figure::Figure;
use super::grid::{Cell, Grid, section_id};
use super::words::{Emphasis, Text};
use crate::analysis::ReportStyle;
use std::fmt::Write as _;
use std::ops::Range;

/// Margins, in twentieths of a point: 2 cm.
const MARGIN: u32 = 1134;

/// How the heading of a group of rows is set.
const GROUP: &str = "\\keepn\\sb60\\b\\fs18";

impl Document {
    /// The report as RTF, in seven-bit characters throughout.
    pub fn to_rtf(&self) -> String {
        let mut file = Rtf { document: self, text: self.head(), tables: 0, figures: 0, begun: false, taken: false };
        file.write();
        file.text + "}\n"
    }

    fn head(&self) -> String {
        let font = if self.style == ReportStyle::Csr { "\\fswiss Arial" } else { "\\froman Times New Roman" };
        let (height, width) = self.paper.twips();
        format!(
            "{{\\rtf1\\ansi\\ansicpg1252\\uc1\\deff0{{\\fonttbl{{\\f0{font};}}}}{{\\colortbl;\\red92\\green92\\blue92;\\red227\\green230\\blue234;}}\n\
             {{\\stylesheet{{\\s0 Normal;}}{{\\s1\\outlinelevel0\\b\\fs28 heading 1;}}}}\n\
             {{\\info{{\\title {}}}{{\\author {}}}}}\n\
             \\paperw{width}\\paperh{height}\\landscape\\margl{MARGIN}\\margr{MARGIN}\\margt{MARGIN}\\margb{MARGIN}\\fs20\n",
            escaped(&self.title),
            escaped(&self.produced_by)
        )
    }
}

struct Rtf<'a> {
    document: &'a Document,
    text: String,
    tables: usize,
    figures: usize,
    /// Whether a page has been begun.
    begun: bool,
    /// Whether a table or figure has the page to itself.
    taken: bool,
}

impl Rtf<'_> {
    fn write(&mut self) {
        let document = self.document;
        self.page(&[]);
        let _ = writeln!(self.text, "\\pard\\plain\\sa60\\b\\fs32 {}\\par", escaped(&document.title));
        if !document.subtitle.is_empty() {
            let _ = writeln!(self.text, "\\pard\\plain\\sa120\\fs20 {}\\par", escaped(&document.subtitle));
        }
        if let Some(banner) = &document.banner {
            let _ = writeln!(
                self.text,
                "\\pard\\plain\\sa120\\b\\fs20\\brdrt\\brdrs\\brdrl\\brdrs\\brdrb\\brdrs\\brdrr\\brdrs {}\\par",
                escaped(banner)
            );
        }
        for (k, section) in document.sections.iter().enumerate() {
            for (place, block) in section.blocks.iter().enumerate() {
                let notes: &[String] = if let Block::Table(table) = block { &table.notes } else { &[] };
                let own = !matches!(block, Block::Paragraph { .. });
                if own || self.taken {
                    self.page(notes);
                }
                self.taken = own;
                if place == 0 {
                    self.heading(k, &section.heading);
                }
                self.block(block);
            }
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph { lead, text } => self.paragraph(lead, text),
            Block::Table(table) => {
                self.tables += 1;
                self.table(&Grid::of(self.document, table, self.tables));
            }
            Block::Figure(figure) => {
                self.figures += 1;
                self.figure(&figure.figure);
            }
        }
    }

    /// Begins a page with these notes at its foot and that of those that follow.
    fn page(&mut self, notes: &[String]) {
        let (height, width) = self.document.paper.twips();
        if self.begun {
            self.text += "\\sect";
        }
        self.begun = true;
        let banner = self.document.banner.as_ref().map(|b| format!("\\pard\\plain\\b\\fs14 {}\\par", escaped(b))).unwrap_or_default();
        let _ = writeln!(
            self.text,
            "\\sectd\\sbkpage\\lndscpsxn\\pgwsxn{width}\\pghsxn{height}\\marglsxn{MARGIN}\\margrsxn{MARGIN}\\margtsxn{MARGIN}\\margbsxn{MARGIN}\\headery500\\footery500\n\
             {{\\header\\pard\\plain\\cf1\\fs15 {}\\par{banner}\\pard\\plain\\fs10\\par}}",
            escaped(&self.document.title)
        );
        self.text += "{\\footer";
        for note in notes {
            let _ = writeln!(self.text, "\\pard\\plain\\fs15 {}\\par", escaped(note));
        }
        let _ = writeln!(
            self.text,
            "\\pard\\plain\\qr\\cf1\\fs15 {} Page {{\\field{{\\*\\fldinst PAGE}}{{\\fldrslt 1}}}} of {{\\field{{\\*\\fldinst NUMPAGES}}{{\\fldrslt 1}}}}\\par}}",
            escaped(&self.document.produced())
        );
    }

    fn heading(&mut self, position: usize, heading: &str) {
        let name = section_id(position).replace('-', "_");
        let _ = writeln!(
            self.text,
            "\\pard\\plain\\s1\\outlinelevel0\\keepn\\sb200\\sa100\\b\\fs28 {{\\*\\bkmkstart {name}}}{}{{\\*\\bkmkend {name}}}\\par",
            escaped(heading)
        );
    }

    fn paragraph(&mut self, lead: &str, text: &Text) {
        let lead = if lead.is_empty() { String::new() } else { format!("{{\\b {} }}", escaped(lead)) };
        let _ = writeln!(self.text, "\\pard\\plain\\sa120\\fs20 {lead}{}\\par", runs(text));
    }

    fn room(&self) -> u32 {
        self.document.paper.twips().1 - 2 * MARGIN
    }

    fn table(&mut self, grid: &Grid<'_>) {
        let widths = grid.widths();
        let (room, all) = (self.room(), widths.iter().sum::<usize>().max(1));
        // A narrow table need not fill the page.
        let room = room.min(all as u32 * 130 + 300 * widths.len() as u32).max(room * 2 / 3);
        let mut ends: Vec<u32> = widths
            .iter()
            .scan(0, |sum, w| {
                *sum += w;
                Some((f64::from(room) * *sum as f64 / all as f64) as u32)
            })
            .collect();
        if let Some(last) = ends.last_mut() {
            *last = room;
        }
        let title = match self.document.style {
            ReportStyle::Csr => format!("{{\\b Table {}. {}}}", grid.number, escaped(grid.title)),
            _ => format!("{{\\b Table {}}}\\line{{\\i {}}}", grid.number, escaped(grid.title)),
        };
        let shade = if self.document.style == ReportStyle::Csr { "\\clcbpat2" } else { "" };
        let rules = format!("\\clvertalb{shade}\\clbrdrt\\brdrs\\brdrw20\\clbrdrb\\brdrs\\brdrw10");
        for (k, rows) in self.pages(grid, &ends).into_iter().enumerate() {
            if k > 0 {
                // A section ends with a paragraph; without one, readers join the parts.
                self.text += "\\pard\\plain\\fs10\\par\n";
                self.page(grid.notes);
            }
            self.across("\\trhdr", &ends, "\\sa60\\fs20", &title);
            self.row("\\trhdr", &rules, &ends, &grid.headings, true);
            for r in rows.clone() {
                let row = &grid.rows[r];
                match (&row.group, r == rows.start) {
                    (Some(group), _) => self.across("", &ends, GROUP, &escaped(group)),
                    (None, true) => {
                        let above = grid.rows[..r].iter().rev().find_map(|row| row.group.as_ref());
                        if let Some(group) = above {
                            self.across("", &ends, GROUP, &format!("{} (continued)", escaped(group)));
                        }
                    }
                    (None, false) => {}
                }
                let rules = if r + 1 == rows.end { "\\clbrdrb\\brdrs\\brdrw20" } else { "" };
                self.row("", rules, &ends, &row.cells, false);
            }
        }
        self.text += "\\pard\\plain\\fs10\\par\n";
    }

    /// Which rows stand on which page, by the room that they will take: not every reader repeats the headings of a table
    /// that it breaks itself (LibreOffice 7 ignores `\trhdr`).
    fn pages(&self, grid: &Grid<'_>, ends: &[u32]) -> Vec<Range<usize>> {
        // Average widths of letters in ems, and heights of lines, on the safe side of both fonts.
        const LETTER: f64 = 0.53;
        const LINE: f64 = 1.2;
        let lines = |text: &str, size: f64, width: f64| (text.chars().count() as f64 * LETTER * size / width.max(size)).ceil().max(1.0);
        let high = |texts: &[String], size: f64, width: f64| texts.iter().map(|t| lines(t, size, width) * size * LINE).sum::<f64>();
        let (page, room) = (f64::from(self.document.paper.twips().0) / 20.0, f64::from(self.room()) / 20.0);
        let head = high(&[vec![self.document.title.clone()], self.document.banner.iter().cloned().collect()].concat(), 7.5, room) + 6.0;
        let foot = high(grid.notes, 7.5, room) + 7.5 * LINE;
        let margin = f64::from(MARGIN) / 20.0;
        let height = page - (25.0 + head).max(margin) - (25.0 + foot).max(margin);
        let width = |k: usize| f64::from(ends[k] - if k == 0 { 0 } else { ends[k - 1] }) / 20.0 - 7.0;
        let row_height = |cells: &[Cell]| {
            let most = cells.iter().enumerate().map(|(k, c)| lines(&c.text, 9.0, width(k))).fold(1.0, f64::max);
            most * 9.0 * LINE + 2.0
        };
        // Title, headings, the heading of a section above, the paragraph below.
        let fixed = 30.0 + row_height(&grid.headings) + 38.0;
        let group = 9.0 * LINE + 4.0;
        let (mut pages, mut start, mut used) = (vec![], 0, fixed);
        for (r, row) in grid.rows.iter().enumerate() {
            let own = row_height(&row.cells) + if row.group.is_some() { group } else { 0.0 };
            if used + own > height && r > start {
                pages.push(start..r);
                (start, used) = (r, fixed + group);
            }
            used += own;
        }
        pages.push(start..grid.rows.len());
        pages
    }

    /// A row of one text over all columns: cells of the others, merged, so that readers see one table.
    fn across(&mut self, kind: &str, ends: &[u32], look: &str, text: &str) {
        let _ = write!(self.text, "\\trowd\\trgaph70\\trkeep{kind}");
        let merged = |(k, end): (usize, &u32)| format!("{}\\cellx{end}", if k == 0 { "\\clmgf" } else { "\\clmrg" });
        self.text += &ends.iter().enumerate().map(merged).collect::<String>();
        let _ = write!(self.text, "\\pard\\plain\\intbl{look} {text}\\cell");
        self.text += &"\\pard\\plain\\intbl\\cell".repeat(ends.len().saturating_sub(1));
        self.text += "\\row\n";
    }

    fn row(&mut self, kind: &str, rules: &str, ends: &[u32], cells: &[Cell], bold: bool) {
        let _ = write!(self.text, "\\trowd\\trgaph70\\trkeep{kind}");
        self.text += &ends.iter().map(|end| format!("{rules}\\cellx{end}")).collect::<String>();
        let bold = if bold { "\\b" } else { "" };
        for cell in cells {
            let side = if cell.is_label() { "\\ql" } else { "\\qr" };
            let text = escaped(&cell.text);
            let text = match &cell.link {
                Some(to) => {
                    format!("{{\\field{{\\*\\fldinst HYPERLINK \\\\l \"{}\"}}{{\\fldrslt {text}}}}}", to.replace('-', "_"))
                }
                None => text,
            };
            let _ = write!(self.text, "\\pard\\plain\\intbl{side}{bold}\\sb20\\sa20\\fs18 {text}\\cell");
        }
        self.text += "\\row\n";
    }

    fn figure(&mut self, figure: &Figure) {
        // In twentieths of a point; a pixel of CSS is 15.
        let (room, height) = (f64::from(self.room()), f64::from(self.document.paper.twips().0 - 2 * MARGIN) * 0.74);
        let scale = (room / (15.0 * figure.width)).min(height / (15.0 * figure.height)).min(1.0);
        let [wide, high] = [figure.width, figure.height].map(|x| (15.0 * x * scale).round() as u32);
        let [pixels, lines] = [figure.width, figure.height].map(|x| (x * f64::from(super::figure::DPI) / 96.0).ceil() as u32);
        let _ =
            writeln!(self.text, "\\pard\\plain\\qc\\keepn {{\\pict\\pngblip\\picw{pixels}\\pich{lines}\\picwgoal{wide}\\pichgoal{high}");
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for line in figure.to_png().chunks(64) {
            self.text.extend(line.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])));
            self.text.push('\n');
        }
        let _ = writeln!(
            self.text,
            "}}\\par\n\\pard\\plain\\sa120\\fs18 {{\\b Figure {}. {}.}} {}\\par",
            self.figures,
            escaped(&figure.title),
            escaped(&figure.description)
        );
    }
}

fn runs(text: &Text) -> String {
    let set = |text: &str, emphasis| match emphasis {
        Emphasis::Plain => escaped(text),
        Emphasis::Italic => format!("{{\\i {}}}", escaped(text)),
        Emphasis::Bold => format!("{{\\b {}}}", escaped(text)),
    };
    text.runs().iter().map(|run| set(&run.text, run.emphasis)).collect()
}

/// Text without characters that RTF reads as its own; beyond ASCII as units of UTF-16 with a question mark for programs
/// that know none.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '{' | '}' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c if c.is_ascii() => out.push(c),
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{}?", *unit as i16);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(escaped("a{b}\\c\n"), "a\\{b\\}\\\\c ");
        assert_eq!(escaped("−é𝒳"), "\\u8722?\\u233?\\u-10187?\\u-9000?".replace("-9000", &format!("{}", 0xdcb3_u16 as i16)));
    }
}
