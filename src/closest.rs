//! The name that was meant by one that nothing has.

/// The one of `known` that `name` was most likely meant to be, if any is close: letters may differ in case, and about
/// one in four may be wrong, missing, added or swapped with its neighbour. What stands in brackets after a known name
/// (`unstructured (us)`) is another name for it.
pub(crate) fn closest<'a, S: AsRef<str>>(name: &str, known: &'a [S]) -> Option<&'a str> {
    let wanted = name.trim().to_lowercase();
    let candidates = known.iter().map(AsRef::as_ref).flat_map(|k| match k.strip_suffix(')').and_then(|k| k.split_once(" (")) {
        Some((name, other)) => [Some((name, name)), Some((other, name))],
        None => [Some((k, k)), None],
    });
    let distance = |spelt: &str| edits(&wanted, &spelt.to_lowercase());
    let (distance, best) = candidates.flatten().map(|(spelt, name)| (distance(spelt), name)).min_by_key(|(d, _)| *d)?;
    // A name of two letters is no misspelling of another one.
    let letters = wanted.chars().count();
    (distance <= (1 + letters / 4).min(letters.saturating_sub(1))).then_some(best)
}

/// `; did you mean …?`, or nothing where no name is close.
pub(crate) fn suggestion<S: AsRef<str>>(name: &str, known: &[S]) -> String {
    closest(name, known).map(|meant| format!("; did you mean `{}`?", crate::error::shown(meant))).unwrap_or_default()
}

/// Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = vec![0; b.len() + 1];
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            next[j + 1] = (row[j] + usize::from(a[i] != b[j])).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                next[j + 1] = next[j + 1].min(before[j - 1] + 1);
            }
        }
        (before, row) = (row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_its_neighbour_and_a_strange_one_none() {
        let known = ["AVISIT", "ARMCD", "FEV1", "unstructured (us)"];
        assert_eq!(closest("avist", &known), Some("AVISIT"));
        assert_eq!(closest("ARMDC", &known), Some("ARMCD"));
        assert_eq!(closest("unstructred", &known), Some("unstructured"));
        assert_eq!(closest("therapist", &known), None);
        assert_eq!(closest("tope", &["toeplitz (toep)", "unstructured (us)"]), Some("toeplitz"));
        assert_eq!(closest("b", &["a", "c"]), None);
        assert_eq!(closest("A", &["a", "c"]), Some("a"));
        assert_eq!(closest::<&str>("a", &[]), None);
    }

    #[test]
    fn edits_are_counted() {
        for (a, b, edited) in [("kitten", "sitting", 3), ("month", "mnoth", 1), ("", "abc", 3), ("same", "same", 0)] {
            assert_eq!(edits(a, b), edited, "{a}, {b}");
            assert_eq!(edits(b, a), edited, "{b}, {a}");
        }
    }
}
