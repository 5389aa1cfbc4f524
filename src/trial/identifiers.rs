//! The identifiers of patients, shared by whatever is about them.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// The identifiers of some successive patients of a trial; copies and parts share one list.
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

impl Deref for Identifiers {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.all[self.own.clone()]
    }
}
