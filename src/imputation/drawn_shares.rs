//! Shares of drawn data sets at every amount of a grid, and what Rubin's rules make of their differences.

use super::pooling::{Rule, Scalar};

/// The shares of one data set, with the number of patients that each is of.
pub(super) struct ShareSet {
    /// By amount that is added in the arm.
    pub arm: (Vec<f64>, f64),
    /// By amount that is added in the arm that is subtracted.
    pub versus: (Vec<f64>, f64),
}

/// Those of every data set.
pub(super) struct ShareSets {
    pub sets: Vec<ShareSet>,
    /// The number of data sets of each chain of the sampler.
    pub chains: Vec<usize>,
}

impl ShareSets {
    /// The difference at a pair of amounts, by their places, pooled over all data sets but these.
    pub fn pooled(&self, arm: usize, versus: usize, without: &std::ops::Range<usize>, level: f64) -> Scalar {
        let kept = || self.sets.iter().enumerate().filter(|(k, _)| !without.contains(k)).map(|(_, set)| set);
        let binomial = |share: f64, n: f64| share * (1.0 - share) / n;
        let estimates: Vec<f64> = kept().map(|set| set.arm.0[arm] - set.versus.0[versus]).collect();
        let variances: Vec<f64> =
            kept().map(|set| binomial(set.arm.0[arm], set.arm.1) + binomial(set.versus.0[versus], set.versus.1)).collect();
        // Without some data sets the chains are not whole, and nobody asks for the Monte-Carlo error.
        let chains = if without.is_empty() { self.chains.clone() } else { vec![] };
        Rule::Rubin { chains }.pool(&estimates, &variances, f64::INFINITY, level)
    }
}
