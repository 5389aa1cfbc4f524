//! The identifiers of patients, or names of levels, shared by whatever is about them.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// Identifiers that copies and parts of them share, such as those of some successive patients of a trial.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identifiers {
    all: Arc<Vec<String>>,
    own: Range<usize>,
}

impl Identifiers {
    /// Those of a range of these.
    pub fn part(&self, range: Range<usize>) -> Self {
        Self { all: Arc::clone(&self.all), own: self.own.start + range.start..self.own.start + range.end }
    }
}

impl From<Vec<String>> for Identifiers {
    fn from(all: Vec<String>) -> Self {
        Self { own: 0..all.len(), all: Arc::new(all) }
    }
}

impl FromIterator<String> for Identifiers {
    fn from_iter<I: IntoIterator<Item = String>>(all: I) -> Self {
        all.into_iter().collect::<Vec<String>>().into()
    }
}

impl PartialEq for Identifiers {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.all, &other.all) && self.own == other.own) || self[..] == other[..]
    }
}

impl Deref for Identifiers {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.all[self.own.clone()]
    }
}
