//! Labels that a reader would take for one another: they differ in case, blanks, Unicode's normal form, or letters of
//! another script.

use std::collections::{BTreeMap, HashMap};

use unicode_normalization::UnicodeNormalization;

/// Letters of Cyrillic and Greek, and signs, that look like those of ASCII; after Unicode's confusables (UTS #39).
const LIKE_LATIN: &[(char, char)] = &[
    ('А', 'A'),
    ('В', 'B'),
    ('С', 'C'),
    ('Е', 'E'),
    ('Ѕ', 'S'),
    ('І', 'I'),
    ('Ј', 'J'),
    ('К', 'K'),
    ('М', 'M'),
    ('Н', 'H'),
    ('О', 'O'),
    ('Р', 'P'),
    ('Т', 'T'),
    ('У', 'Y'),
    ('Х', 'X'),
    ('Ү', 'Y'),
    ('Һ', 'H'),
    ('Ԛ', 'Q'),
    ('Ԝ', 'W'),
    ('Ԍ', 'G'),
    ('З', '3'),
    ('а', 'a'),
    ('с', 'c'),
    ('е', 'e'),
    ('ѕ', 's'),
    ('і', 'i'),
    ('ј', 'j'),
    ('о', 'o'),
    ('р', 'p'),
    ('у', 'y'),
    ('х', 'x'),
    ('һ', 'h'),
    ('ԁ', 'd'),
    ('ԛ', 'q'),
    ('ԝ', 'w'),
    ('ӏ', 'l'),
    ('к', 'k'),
    ('м', 'm'),
    ('т', 't'),
    ('в', 'b'),
    ('н', 'h'),
    ('г', 'r'),
    ('ё', 'ë'),
    ('Ё', 'Ë'),
    ('Α', 'A'),
    ('Β', 'B'),
    ('Ε', 'E'),
    ('Ζ', 'Z'),
    ('Η', 'H'),
    ('Ι', 'I'),
    ('Κ', 'K'),
    ('Μ', 'M'),
    ('Ν', 'N'),
    ('Ο', 'O'),
    ('Ρ', 'P'),
    ('Τ', 'T'),
    ('Υ', 'Y'),
    ('Χ', 'X'),
    ('α', 'a'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('υ', 'u'),
    ('χ', 'x'),
    ('γ', 'y'),
    ('‐', '-'),
    ('‑', '-'),
    ('‒', '-'),
    ('–', '-'),
    ('—', '-'),
    ('−', '-'),
    ('’', '\''),
    ('‘', '\''),
    ('´', '\''),
];

/// What a label looks like: without blanks and case, and with the letters it could be read as.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Look {
    /// As it is, whatever the script.
    Folded(String),
    /// Read as Latin.
    Latin(String),
    /// As a number: `1` and `1.0`.
    Number(u64),
}

/// Groups of labels, as their positions, that look alike; those of a group, and the groups, in the order of the labels.
pub(super) fn groups<S: AsRef<str>>(labels: &[S]) -> Vec<Vec<usize>> {
    if are_codes(labels) { vec![] } else { by_looks(labels) }
}

/// The same, whatever the labels.
fn by_looks<S: AsRef<str>>(labels: &[S]) -> Vec<Vec<usize>> {
    let mut first: HashMap<Look, usize> = HashMap::new();
    let mut group: Vec<usize> = (0..labels.len()).collect();
    for (i, label) in labels.iter().enumerate() {
        for look in looks(label.as_ref()) {
            let other = *first.entry(look).or_insert(i);
            let (a, b) = (root(&group, other), root(&group, i));
            group[a.max(b)] = a.min(b);
        }
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    (0..labels.len()).for_each(|i| members.entry(root(&group, i)).or_default().push(i));
    members.into_values().filter(|alike| alike.len() > 1).collect()
}

/// Whether different labels of this kind cannot look alike: a letter and then capitals and digits, as numbers of patients often
/// are, or digits alone.
fn are_codes<S: AsRef<str>>(labels: &[S]) -> bool {
    let is_capital = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    let is_code = |label: &[u8]| matches!(label, [b'A'..=b'H' | b'J'..=b'M' | b'O'..=b'Z', rest @ ..] if rest.iter().all(is_capital));
    // Up to so many digits are different numbers.
    let is_number = |label: &[u8]| matches!(label, [b'1'..=b'9', rest @ ..] if rest.len() < 15 && rest.iter().all(u8::is_ascii_digit));
    let all = |is: &dyn Fn(&[u8]) -> bool| labels.iter().all(|label| is(label.as_ref().as_bytes()));
    all(&is_code) || all(&is_number)
}

fn root(group: &[usize], mut of: usize) -> usize {
    while group[of] != of {
        of = group[of];
    }
    of
}

fn looks(label: &str) -> Vec<Look> {
    let seen = |c: &char| {
        !c.is_whitespace()
            && !c.is_control()
            && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}')
    };
    if label.is_ascii() {
        let folded: String = label.chars().filter(seen).collect::<String>().to_lowercase();
        let number =
            label.parse::<f64>().ok().filter(|x| x.is_finite() && !label.starts_with('0')).map(|x| Look::Number((x + 0.0).to_bits()));
        return [Look::Latin(folded.clone()), Look::Folded(folded)].into_iter().chain(number).collect();
    }
    let plain: Vec<char> = label.nfkc().filter(seen).collect();
    let latin = |c: &char| LIKE_LATIN.iter().find(|(like, _)| like == c).map_or(*c, |(_, latin)| *latin);
    let text = |characters: Vec<char>| characters.into_iter().collect::<String>().to_lowercase().nfkc().collect::<String>();
    vec![Look::Latin(text(plain.iter().map(latin).collect())), Look::Folded(text(plain))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn codes_are_as_different_as_they_look(labels in prop::collection::hash_set("[A-HJ-MO-Z][A-Z0-9_-]{0,4}|[1-9][0-9]{0,14}", 1..12)) {
            let labels: Vec<String> = labels.into_iter().collect();
            prop_assert_eq!(groups(&labels), by_looks(&labels));
        }
    }

    #[test]
    fn labels_that_look_alike_are_found() {
        for (a, b) in [
            ("Drug", "drug"),
            ("Drug A", "Drug\u{a0}A"),
            ("Drug A", "DrugA"),
            ("A", "А"),
            ("placebo", "рlасеbо"),
            ("Beta", "Βeta"),
            ("Café", "Cafe\u{301}"),
            ("Контроль", "контроль"),
            ("Drug-A", "Drug–A"),
            ("ＡＢ", "AB"),
            ("a\u{200b}b", "ab"),
            ("1", "1.0"),
        ] {
            assert_eq!(groups(&[a, "other", b]), [[0, 2]], "{a} {b}");
        }
    }

    #[test]
    fn labels_that_differ_are_left_alone() {
        for labels in [
            &["Drug A", "Drug B"][..],
            &["VIS1", "VIS10", "VIS11"],
            &["1", "2", "10"],
            &["01", "1"],
            &["Café", "Cafe"],
            &["А", "Б"],
            &["α", "β"],
            &["+1", "-1"],
            &["O", "0"],
        ] {
            assert_eq!(groups(labels), [[0; 0]; 0], "{labels:?}");
        }
    }
}
