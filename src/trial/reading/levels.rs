//! Names and their order.

use std::collections::HashMap;

use super::declared::ValueLabels;
use crate::error::shown;

/// Names in the order of factor levels: numerically if all are numbers, by code point otherwise.
pub(super) fn sorted(names: &[String]) -> Vec<String> {
    let mut sorted = names.to_vec();
    let number = |name: &String| name.parse::<f64>().ok().filter(|x| x.is_finite());
    if names.iter().all(|n| number(n).is_some()) {
        sorted.sort_by(|a, b| number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0)).then_with(|| a.cmp(b)));
    } else {
        sorted.sort();
    }
    sorted
}

/// Names in the order of the values that they label in the file, else sorted; and which of the two, for a sentence.
pub(super) fn in_order(names: &[String], labels: Option<&ValueLabels>) -> (Vec<String>, &'static str) {
    let places = labels.and_then(|labels| names.iter().map(|name| labels.place(name)).collect::<Option<Vec<usize>>>());
    match places {
        Some(places) => {
            let mut placed: Vec<(usize, &String)> = places.into_iter().zip(names).collect();
            placed.sort();
            (placed.into_iter().map(|(_, name)| name.clone()).collect(), "in the order of their codes in the file")
        }
        None => (sorted(names), "sorted"),
    }
}

/// Names as a sentence lists them, not more than a reader takes in.
pub(super) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|n| format!("`{}`", shown(n.as_ref()))).collect();
    match names.len() {
        0 => "none".into(),
        n if n > SHOWN => format!("{} and {} more", shown.join(", "), n - SHOWN),
        _ => shown.join(", "),
    }
}

/// The levels of a factor as they turn up, each with a code.
#[derive(Debug, Default)]
pub(super) struct Levels {
    pub names: Vec<String>,
    index: HashMap<String, usize>,
}

impl Levels {
    /// Levels known beforehand.
    pub fn of(names: &[String]) -> Self {
        let mut levels = Self::default();
        names.iter().for_each(|name| {
            levels.intern(name);
        });
        levels
    }

    /// The code of `name` if it is known.
    pub fn code(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// The same, looked for first where it is when names come in the order of their codes, again and again.
    pub fn code_after(&self, before: Option<usize>, name: &str) -> Option<usize> {
        let next = before.map_or(0, |before| before + 1);
        let is = |code: &usize| self.names.get(*code).is_some_and(|own| own == name);
        [next, 0].into_iter().find(is).or_else(|| self.code(name))
    }

    /// The code of `name`, a new one if it is not known.
    pub fn intern(&mut self, name: &str) -> usize {
        if let Some(code) = self.code(name) {
            return code;
        }
        self.index.insert(name.to_string(), self.names.len());
        self.names.push(name.to_string());
        self.names.len() - 1
    }

    /// The levels in order, the new code of each old one, and what the order is.
    pub fn into_order(self, labels: Option<&ValueLabels>) -> (Vec<String>, Vec<usize>, &'static str) {
        let (names, how) = in_order(&self.names, labels);
        let position: HashMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (n.as_str(), i)).collect();
        let recode = self.names.iter().map(|n| position[n.as_str()]).collect();
        (names, recode, how)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_numbers_and_the_rest_by_code_point() {
        let strings = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(sorted(&strings(&["10", "9", "-1.5"])), ["-1.5", "9", "10"]);
        assert_eq!(sorted(&strings(&["b", "10", "9", "B"])), ["10", "9", "B", "b"]);
    }
}
