//! The variables of an SPSS file: their names, formats, labels and missing values.

use std::collections::HashMap;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::super::bytes::Bytes;
use super::super::declared::{Code, ValueLabels};
use super::SEGMENT;
use super::extensions::Extensions;
use crate::error::Result;

/// A variable of the file.
#[derive(Debug, Default)]
pub(super) struct Variable {
    pub name: String,
    pub label: String,
    /// The width of a text in bytes; 0 of a number.
    pub width: usize,
    /// The number of its print format.
    pub format: u8,
    /// The first of its segments in a case.
    pub segment: usize,
    /// The pieces of a text, each with its first segment and the bytes of it that count.
    pieces: Vec<(usize, usize)>,
    pub values: ValueLabels,
    missing: Vec<f64>,
    missing_range: Option<(f64, f64)>,
    missing_texts: Vec<String>,
}

/// What stands before the cases.
#[derive(Debug)]
pub(super) struct Dictionary {
    pub is_big_endian: bool,
    /// 0: none, 1: by bytes, 2: zlib.
    pub compression: i32,
    /// What is added to numbers that are stored as one byte.
    pub bias: f64,
    pub stated_cases: Option<usize>,
    /// The segments of a case.
    pub segments: usize,
    pub encoding: &'static Encoding,
    pub variables: Vec<Variable>,
}

/// A variable as its record has it.
struct Record<'a> {
    /// −1 where it goes on with the text before it.
    width: i32,
    name: &'a [u8],
    label: &'a [u8],
    format: u8,
    missing: Vec<[u8; SEGMENT]>,
    has_range: bool,
}

/// Labels of values, and the places of the variables, counted from 1, that have them.
struct Labels<'a> {
    labels: Vec<([u8; SEGMENT], &'a [u8])>,
    variables: Vec<usize>,
}

impl Variable {
    /// Whether the file declares a number as missing.
    pub fn is_missing_number(&self, x: f64) -> bool {
        self.missing.contains(&x) || self.missing_range.is_some_and(|(lowest, highest)| (lowest..=highest).contains(&x))
    }

    /// Whether the file declares a text as missing.
    pub fn is_missing_text(&self, text: &str) -> bool {
        self.missing_texts.iter().any(|missing| missing == text)
    }
}

impl Dictionary {
    pub fn read(at: &mut Bytes<'_>) -> Result<Self> {
        at.take(64)?;
        let layout = at.clone().i32()?;
        let is_big_endian = !(1..256).contains(&layout);
        *at = at.clone().big_endian(is_big_endian);
        at.take(8)?;
        let compression = at.i32()?;
        at.take(4)?;
        let stated_cases = usize::try_from(at.i32()?).ok();
        let bias = at.f64()?;
        at.take(84)?;
        if !(0..=2).contains(&compression) {
            return Err(at.damaged(format!("it is compressed by method {compression}, and there are 0 to 2")));
        }
        let (mut records, mut labels, mut extensions) = (vec![], vec![], Extensions::default());
        loop {
            match at.i32()? {
                2 => records.push(record(at)?),
                3 => labels.push(value_labels(at)?),
                6 => {
                    let lines = at.i32()?;
                    at.take_stated(i64::from(lines) * 80)?;
                }
                7 => extensions.read(at)?,
                999 => break,
                kind => return Err(at.damaged(format!("a record of its dictionary is of kind {kind}, which there is none"))),
            }
        }
        at.i32()?;
        let encoding = extensions.encoding();
        let segments = records.len();
        let variables = variables(at, records, labels, &extensions, encoding)?;
        Ok(Self { is_big_endian, compression, bias, stated_cases, segments, encoding, variables })
    }

    /// The number in a segment.
    pub fn number(&self, segment: [u8; SEGMENT]) -> f64 {
        number(segment, self.is_big_endian)
    }

    /// The text of a variable in a case.
    pub fn text_of(&self, variable: &Variable, case: &[[u8; SEGMENT]]) -> String {
        let pieces = variable.pieces.iter().flat_map(|&(first, length)| case[first..].iter().flatten().take(length).copied());
        decoded(self.encoding, &pieces.collect::<Vec<u8>>())
    }
}

fn number(segment: [u8; SEGMENT], is_big_endian: bool) -> f64 {
    if is_big_endian { f64::from_be_bytes(segment) } else { f64::from_le_bytes(segment) }
}

/// A text without the spaces around it.
pub(super) fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> String {
    // Files that claim UTF-8 may hold older texts.
    let (text, _, is_wrong) = encoding.decode(bytes);
    let text = if is_wrong && encoding == UTF_8 { WINDOWS_1252.decode(bytes).0 } else { text };
    text.trim_matches(|c: char| c == ' ' || c == '\0').to_string()
}

fn record<'a>(at: &mut Bytes<'a>) -> Result<Record<'a>> {
    let (width, has_label, missing) = (at.i32()?, at.i32()?, at.i32()?);
    let format = at.u32()?;
    at.take(4)?;
    let name = at.take(8)?;
    let label = match has_label {
        0 => &[],
        _ => {
            let length = at.u32()? as usize;
            let label = at.take_stated(length)?;
            at.take(length.next_multiple_of(4) - length)?;
            label
        }
    };
    if !(-1..=255).contains(&width) || !(-3..=3).contains(&missing) || missing == -1 {
        return Err(at.damaged("the description of a variable makes no sense"));
    }
    let has_range = missing < 0;
    let missing = (0..missing.unsigned_abs()).map(|_| segment(at)).collect::<Result<_>>()?;
    // The third byte is the format's number.
    Ok(Record { width, name, label, format: (format >> 16) as u8, missing, has_range })
}

fn segment(at: &mut Bytes<'_>) -> Result<[u8; SEGMENT]> {
    let mut segment = [0; SEGMENT];
    segment.copy_from_slice(at.take(SEGMENT)?);
    Ok(segment)
}

fn value_labels<'a>(at: &mut Bytes<'a>) -> Result<Labels<'a>> {
    let count = at.u32()?;
    let mut labels = vec![];
    for _ in 0..count {
        let value = segment(at)?;
        let length = usize::from(at.u8()?);
        let label = at.take(length)?;
        at.take((length + 1).next_multiple_of(SEGMENT) - length - 1)?;
        labels.push((value, label));
    }
    if at.i32()? != 4 {
        return Err(at.damaged("labels of values are not followed by the variables that have them"));
    }
    let count = at.u32()?;
    let mut variables = vec![];
    for _ in 0..count {
        variables.push(at.u32()? as usize);
    }
    Ok(Labels { labels, variables })
}

/// The variables of the records: texts of several segments put together, with the names and labels that people gave.
fn variables(
    at: &Bytes<'_>,
    records: Vec<Record<'_>>,
    labels: Vec<Labels<'_>>,
    extensions: &Extensions<'_>,
    encoding: &'static Encoding,
) -> Result<Vec<Variable>> {
    let is_big_endian = at.is_big_endian();
    let long_names = extensions.long_names(encoding);
    let very_long = extensions.very_long_texts(encoding);
    let mut labels_of: HashMap<usize, Vec<(Code, String)>> = HashMap::new();
    for Labels { labels, variables } in labels {
        for place in variables {
            let is_text = place.checked_sub(1).and_then(|segment| records.get(segment)).is_some_and(|r| r.width > 0);
            let code = |value: [u8; SEGMENT]| match is_text {
                true => Code::Text(decoded(encoding, &value)),
                false => Code::Number(number(value, is_big_endian)),
            };
            let own = labels.iter().map(|(value, label)| (code(*value), decoded(encoding, label)));
            labels_of.entry(place.saturating_sub(1)).or_default().extend(own);
        }
    }
    let mut found: Vec<Variable> = vec![];
    let mut segment = 0;
    while segment < records.len() {
        let record = &records[segment];
        let short = decoded(encoding, record.name);
        let width = usize::try_from(record.width).map_err(|_| at.damaged("a text goes on that has not begun"))?;
        let whole = very_long.get(&short.to_uppercase()).copied().filter(|_| width > 0).unwrap_or(width);
        let (pieces, segments) = pieces(segment, width, whole);
        if segment + segments > records.len() {
            return Err(at.damaged(format!("the text `{}` needs more than it has", short.escape_default())));
        }
        let missing = record.missing.iter().map(|value| number(*value, is_big_endian));
        let mut missing: Vec<f64> = if width == 0 { missing.collect() } else { vec![] };
        let range = (record.has_range && missing.len() > 1).then(|| (missing[0], missing[1]));
        if range.is_some() {
            missing.drain(..2);
        }
        let missing_texts = record.missing.iter().filter(|_| width > 0).map(|value| decoded(encoding, value)).collect();
        found.push(Variable {
            name: long_names.get(&short.to_uppercase()).cloned().unwrap_or(short),
            label: decoded(encoding, record.label),
            width: whole,
            format: record.format,
            segment,
            pieces,
            values: ValueLabels::new(labels_of.remove(&segment).unwrap_or_default()),
            missing,
            missing_range: range,
            missing_texts,
        });
        segment += segments;
    }
    extensions.of_long_texts(encoding, |name, labels, missing| {
        if let Some(variable) = found.iter_mut().find(|v| v.name.eq_ignore_ascii_case(name)) {
            if !labels.is_empty() {
                variable.values = ValueLabels::new(labels);
            }
            variable.missing_texts.extend(missing);
        }
    });
    Ok(found)
}

/// The pieces of a text that begins at a segment, and all segments that it takes. More than 255 bytes are stored as
/// several texts of 255 bytes each, of which every one but the last stands for 252 in the count.
fn pieces(segment: usize, width: usize, whole: usize) -> (Vec<(usize, usize)>, usize) {
    if whole <= 255 {
        return (vec![(segment, width)], width.div_ceil(SEGMENT).max(1));
    }
    let count = whole.div_ceil(252);
    let (mut pieces, mut first) = (vec![], segment);
    for piece in 0..count {
        let length = if piece + 1 < count { 255 } else { whole.saturating_sub(255 * (count - 1)) };
        let allotted = if piece + 1 < count { 255 } else { whole - 252 * (count - 1) };
        pieces.push((first, length));
        first += allotted.div_ceil(SEGMENT);
    }
    (pieces, first - segment)
}
