//! What was published beside what was found here.

use crate::table::{Column, Tabular, display_as_table};

/// Published figures of a trial beside those of this analysis.
#[non_exhaustive]
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct PublishedTable {
    /// The source of the published figures.
    pub source: String,
    /// The rows.
    pub rows: Vec<PublishedRow>,
    /// What a reader must know before comparing.
    pub caution: String,
}

/// One figure.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PublishedRow {
    /// What it is.
    pub quantity: String,
    /// As published.
    pub published: String,
    /// As found here.
    pub here: String,
}

impl PublishedTable {
    /// A table without rows; `source` names the publication, `caution` what a reader must know before comparing.
    pub fn new(source: impl Into<String>, caution: impl Into<String>) -> Self {
        Self { source: source.into(), rows: vec![], caution: caution.into() }
    }

    /// Appends a figure.
    pub fn row(mut self, quantity: impl Into<String>, published: impl Into<String>, here: impl Into<String>) -> Self {
        self.rows.push(PublishedRow { quantity: quantity.into(), published: published.into(), here: here.into() });
        self
    }
}

impl Tabular for PublishedTable {
    fn title(&self) -> String {
        "Published and here".into()
    }

    fn columns(&self) -> Vec<Column> {
        vec![
            Column::text("quantity", "Quantity", self.rows.iter().map(|r| r.quantity.as_str())),
            Column::text("published", "Published", self.rows.iter().map(|r| r.published.as_str())),
            Column::text("here", "Here", self.rows.iter().map(|r| r.here.as_str())),
        ]
    }

    fn notes(&self) -> Vec<String> {
        [&self.caution, &self.source].into_iter().filter(|n| !n.is_empty()).cloned().collect()
    }
}

display_as_table!(PublishedTable);
