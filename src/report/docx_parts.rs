//! The parts of a Word document beside its body: relations, styles, header and footer.

use crate::analysis::ReportStyle;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const WORD: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" \
                    xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// What is of which type.
pub(super) const CONTENT_TYPES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>
<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
<Default Extension=\"xml\" ContentType=\"application/xml\"/>\
<Default Extension=\"png\" ContentType=\"image/png\"/><Default Extension=\"svg\" ContentType=\"image/svg+xml\"/>\
<Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/>\
<Override PartName=\"/word/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml\"/>\
<Override PartName=\"/word/settings.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.settings+xml\"/>\
<Override PartName=\"/word/header1.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml\"/>\
<Override PartName=\"/word/footer1.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml\"/>\
<Override PartName=\"/docProps/core.xml\" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/>\
</Types>";

/// Where a reader begins.
pub(super) const PACKAGE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>
<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
<Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/>\
<Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/>\
</Relationships>";

/// As Word 2013 and later lay out, so that no compatibility mode is announced.
pub(super) const SETTINGS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>
<w:settings xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:defaultTabStop w:val=\"708\"/><w:compat>\
<w:compatSetting w:name=\"compatibilityMode\" w:uri=\"http://schemas.microsoft.com/office/word\" w:val=\"15\"/></w:compat></w:settings>";

/// `text` within XML, without characters that XML has no way to write.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Title and maker; no date, which would make every run another file.
pub(super) fn properties(title: &str, maker: &str) -> String {
    format!(
        "{HEAD}<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>{}</dc:title><dc:creator>{}</dc:creator></cp:coreProperties>",
        escaped(title),
        escaped(maker)
    )
}

/// The document around its body.
pub(super) fn document(body: &str) -> String {
    format!(
        "{HEAD}<w:document {WORD} xmlns:wp=\"http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing\" \
         xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" \
         xmlns:pic=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><w:body>\n{body}\n</w:body></w:document>"
    )
}

/// What the document refers to: its own parts, then a PNG and an SVG file a figure.
pub(super) fn relations(figures: usize) -> String {
    let own = [("styles", "styles.xml"), ("settings", "settings.xml"), ("header", "header1.xml"), ("footer", "footer1.xml")];
    let own = own.iter().enumerate().map(|(k, (kind, target))| relation(&format!("rId{}", k + 1), kind, target));
    let pictures = (1..=figures)
        .flat_map(|k| ["png", "svg"].map(|ending| relation(&format!("{ending}{k}"), "image", &format!("media/figure{k}.{ending}"))));
    format!(
        "{HEAD}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{}</Relationships>",
        own.chain(pictures).collect::<String>()
    )
}

fn relation(id: &str, kind: &str, target: &str) -> String {
    format!("<Relationship Id=\"{id}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>")
}

/// A picture: the PNG, and the SVG for programs that know it.
pub(super) fn picture(number: usize, (width, height): (u64, u64), title: &str, description: &str) -> String {
    format!(
        "<w:r><w:drawing><wp:inline distT=\"0\" distB=\"0\" distL=\"0\" distR=\"0\"><wp:extent cx=\"{width}\" cy=\"{height}\"/>\
         <wp:docPr id=\"{number}\" name=\"Figure {number}\" title=\"{title}\" descr=\"{description}\"/>\
         <a:graphic><a:graphicData uri=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><pic:pic><pic:nvPicPr>\
         <pic:cNvPr id=\"{number}\" name=\"figure{number}.png\"/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:embed=\"png{number}\">\
         <a:extLst><a:ext uri=\"{{96DAC541-7B7A-43D3-8B79-37D633B846F1}}\">\
         <asvg:svgBlip xmlns:asvg=\"http://schemas.microsoft.com/office/drawing/2016/SVG/main\" r:embed=\"svg{number}\"/></a:ext></a:extLst>\
         </a:blip><a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm><a:off x=\"0\" y=\"0\"/><a:ext cx=\"{width}\" \
         cy=\"{height}\"/></a:xfrm><a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>\
         </wp:inline></w:drawing></w:r>"
    )
}

/// The head of every page: the title, and the banner where there is one.
pub(super) fn header(title: &str, banner: Option<&str>) -> String {
    let line = |style: &str, text: &str| {
        format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr><w:r><w:t xml:space=\"preserve\">{}</w:t></w:r></w:p>", escaped(text))
    };
    let banner = banner.map(|b| line("HeaderBanner", b)).unwrap_or_default();
    format!("{HEAD}<w:hdr {WORD}>{}{banner}</w:hdr>", line("Header", title))
}

/// The foot of every page: who made the report, page x of y.
pub(super) fn footer(produced: &str) -> String {
    let field = |name: &str| format!("<w:fldSimple w:instr=\" {name} \"><w:r><w:t>1</w:t></w:r></w:fldSimple>");
    let text = |text: &str| format!("<w:r><w:t xml:space=\"preserve\">{}</w:t></w:r>", escaped(text));
    format!(
        "{HEAD}<w:ftr {WORD}><w:p><w:pPr><w:pStyle w:val=\"Footer\"/><w:jc w:val=\"right\"/></w:pPr>{}{}{}{}</w:p></w:ftr>",
        text(&format!("{produced} Page ")),
        field("PAGE"),
        text(" of "),
        field("NUMPAGES")
    )
}

/// A paragraph style.
struct Style {
    id: &'static str,
    name: &'static str,
    paragraph: &'static str,
    text: &'static str,
}

/// The styles of a report: those of a manuscript for APA, a plain sans serif for study reports.
pub(super) fn styles(style: ReportStyle) -> String {
    let (font, size) = match style {
        ReportStyle::Csr => ("Arial", 19),
        _ => ("Times New Roman", 21),
    };
    let paragraphs = [
        Style { id: "BodyText", name: "Body Text", paragraph: "<w:spacing w:after=\"100\"/>", text: "" },
        Style { id: "Title", name: "Title", paragraph: "<w:spacing w:after=\"60\"/>", text: "<w:b/><w:sz w:val=\"32\"/>" },
        Style { id: "Subtitle", name: "Subtitle", paragraph: "<w:spacing w:after=\"120\"/>", text: "<w:color w:val=\"5C5C5C\"/>" },
        Style {
            id: "Heading1",
            name: "heading 1",
            paragraph: "<w:keepNext/><w:spacing w:before=\"280\" w:after=\"100\"/><w:outlineLvl w:val=\"0\"/>",
            text: "<w:b/><w:sz w:val=\"26\"/>",
        },
        Style {
            id: "Banner",
            name: "Banner",
            paragraph: "<w:pBdr><w:top w:val=\"single\" w:sz=\"8\" w:space=\"4\"/><w:left w:val=\"single\" w:sz=\"8\" w:space=\"4\"/>\
                        <w:bottom w:val=\"single\" w:sz=\"8\" w:space=\"4\"/><w:right w:val=\"single\" w:sz=\"8\" w:space=\"4\"/></w:pBdr>\
                        <w:shd w:val=\"clear\" w:fill=\"FFF7E0\"/><w:spacing w:after=\"160\"/>",
            text: "<w:b/>",
        },
        Style {
            id: "Caption",
            name: "caption",
            paragraph: "<w:keepNext/><w:spacing w:before=\"200\" w:after=\"60\"/>",
            text: "<w:sz w:val=\"20\"/>",
        },
        Style { id: "FigureCaption", name: "Figure Caption", paragraph: "<w:spacing w:after=\"200\"/>", text: "<w:sz w:val=\"18\"/>" },
        Style {
            id: "Figure",
            name: "Figure",
            paragraph: "<w:keepNext/><w:spacing w:before=\"120\" w:after=\"40\"/><w:jc w:val=\"center\"/>",
            text: "",
        },
        Style {
            id: "TableText",
            name: "Table Text",
            paragraph: "<w:spacing w:before=\"15\" w:after=\"15\"/>",
            text: "<w:sz w:val=\"16\"/>",
        },
        Style {
            id: "TableNote",
            name: "Table Note",
            paragraph: "<w:spacing w:before=\"20\" w:after=\"0\"/>",
            text: "<w:sz w:val=\"15\"/>",
        },
        Style { id: "Header", name: "header", paragraph: "", text: "<w:color w:val=\"5C5C5C\"/><w:sz w:val=\"15\"/>" },
        Style { id: "HeaderBanner", name: "Header Banner", paragraph: "<w:spacing w:after=\"160\"/>", text: "<w:b/><w:sz w:val=\"14\"/>" },
        Style { id: "Footer", name: "footer", paragraph: "", text: "<w:color w:val=\"5C5C5C\"/><w:sz w:val=\"15\"/>" },
    ];
    let paragraphs: String = paragraphs
        .iter()
        .map(|s| {
            format!(
                "<w:style w:type=\"paragraph\" w:styleId=\"{}\"><w:name w:val=\"{}\"/><w:basedOn w:val=\"Normal\"/><w:qFormat/><w:pPr>{}</w:pPr>\
                 <w:rPr>{}</w:rPr></w:style>",
                s.id, s.name, s.paragraph, s.text
            )
        })
        .collect();
    // The heading row of study reports is shaded.
    let first = match style {
        ReportStyle::Csr => "<w:tblStylePr w:type=\"firstRow\"><w:tcPr><w:shd w:val=\"clear\" w:fill=\"E3E6EA\"/></w:tcPr></w:tblStylePr>",
        _ => "",
    };
    format!(
        "{HEAD}<w:styles {WORD}><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii=\"{font}\" w:hAnsi=\"{font}\" w:cs=\"{font}\" \
         w:eastAsia=\"{font}\"/><w:sz w:val=\"{size}\"/><w:lang w:val=\"en-GB\"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr>\
         <w:spacing w:after=\"0\"/></w:pPr></w:pPrDefault></w:docDefaults>\
         <w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\"><w:name w:val=\"Normal\"/></w:style>{paragraphs}\
         <w:style w:type=\"table\" w:default=\"1\" w:styleId=\"TableNormal\"><w:name w:val=\"Normal Table\"/><w:tblPr><w:tblCellMar>\
         <w:left w:w=\"70\" w:type=\"dxa\"/><w:right w:w=\"70\" w:type=\"dxa\"/></w:tblCellMar></w:tblPr></w:style>\
         <w:style w:type=\"table\" w:styleId=\"Report\"><w:name w:val=\"Report\"/><w:basedOn w:val=\"TableNormal\"/>{first}</w:style></w:styles>"
    )
}
