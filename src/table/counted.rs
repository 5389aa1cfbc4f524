//! Counts in sentences: `1 patient`, `2 patients`.

use std::fmt;

/// A number of things, as [`counted`] writes it.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a, N> {
    n: N,
    noun: &'a str,
}

/// A number of what the noun says, which is given in the singular: `1 patient`, `0 patients`, `2 degrees of freedom`.
///
/// ```
/// use trialstats::table::{agreeing, counted};
///
/// let sentence = |n: usize| format!("{} {} left out", counted(n, "patient"), agreeing(n, "is", "are"));
/// assert_eq!(sentence(1), "1 patient is left out");
/// assert_eq!(sentence(12), "12 patients are left out");
/// ```
pub fn counted<N: fmt::Display + PartialEq + From<u8>>(n: N, noun: &str) -> Counted<'_, N> {
    Counted { n, noun }
}

/// The form of a word that agrees with a number: `one` with 1, `many` with any other.
pub fn agreeing<'a, N: PartialEq + From<u8>>(n: N, one: &'a str, many: &'a str) -> &'a str {
    if n == N::from(1) { one } else { many }
}

/// How much data there are: `212 observations of 60 patients.`
pub(crate) fn observations_of_patients(observations: usize, patients: usize) -> String {
    format!("{} of {}.", counted(observations, "observation"), counted(patients, "patient"))
}

impl<N: fmt::Display + PartialEq + From<u8>> fmt::Display for Counted<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.n)?;
        if self.n == N::from(1) {
            return f.write_str(self.noun);
        }
        let (head, rest) = self.noun.split_at(self.noun.find(" of ").unwrap_or(self.noun.len()));
        write!(f, "{}{rest}", Plural(head))
    }
}

/// The plural of a noun.
struct Plural<'a>(&'a str);

impl fmt::Display for Plural<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = self.0;
        let is_consonant = |c: char| !"aeiou".contains(c);
        match (noun.strip_suffix("is"), noun.strip_suffix('y')) {
            (Some(stem), _) if stem.ends_with('s') => write!(f, "{stem}es"),
            (_, Some(stem)) if stem.ends_with(is_consonant) => write!(f, "{stem}ies"),
            _ if ["s", "x", "z", "ch", "sh"].iter().any(|end| noun.ends_with(end)) => write!(f, "{noun}es"),
            _ => write!(f, "{noun}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_any_other_number_plural() {
        for (n, noun, said) in [
            (1, "patient", "1 patient"),
            (0, "patient", "0 patients"),
            (21, "patient", "21 patients"),
            (1, "degree of freedom", "1 degree of freedom"),
            (3, "degree of freedom", "3 degrees of freedom"),
            (2, "independent cluster", "2 independent clusters"),
            (2, "category", "2 categories"),
            (2, "hypothesis", "2 hypotheses"),
            (2, "day", "2 days"),
            (2, "box", "2 boxes"),
        ] {
            assert_eq!(counted(n, noun).to_string(), said);
        }
        assert_eq!(counted(1.0, "point").to_string(), "1 point");
        assert_eq!(counted(1.5, "point").to_string(), "1.5 points");
        assert_eq!((agreeing(1u64, "has", "have"), agreeing(0usize, "has", "have")), ("has", "have"));
    }
}
