//! A pattern of visits as the likelihood sees it: whose covariance, which visits, how many patients.

/// The patients of one group who were seen at the same visits, with the same coordinates where coordinates enter the
/// covariance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    /// The covariance group.
    pub group: usize,
    /// Which Σ is theirs: group × number of classes + class.
    pub cell: usize,
    /// The visits seen, as positions among the analysed visits, in order; m of them.
    pub visits: Vec<usize>,
    /// The number of patients n. In a bootstrap sample it may be 0.
    pub patients: f64,
}

impl Pattern {
    /// The number m of visits.
    pub fn size(&self) -> usize {
        self.visits.len()
    }
}
