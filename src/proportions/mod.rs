//! Proportions without a model: intervals for one, for the difference, ratio and odds ratio of two, and tests, by every
//! method that reports and protocols name; the same over strata.
//!
//! [`compare_proportions`] and [`compare_stratified`] give everything at once; the command `trialstats proportions 36/154 12/77`
//! prints it.
//!
//! # Which method for which question
//!
//! | question | method | because |
//! |---|---|---|
//! | one proportion | [`Wilson`](ProportionMethod::Wilson) | near its level at any n; [`ClopperPearson`](ProportionMethod::ClopperPearson) where the level must be kept |
//! | difference of two | [`Newcombe`](DifferenceMethod::Newcombe), [`MiettinenNurminen`](DifferenceMethod::MiettinenNurminen) | near their level, also at 0 and 100%; Wald's interval is not |
//! | difference, small groups, level kept | [`ExactScore`](DifferenceMethod::ExactScore) | exact whatever the second proportion is, shorter than Santner and Snell's |
//! | ratio | [`Koopman`](RatioMethod::Koopman), [`MiettinenNurminen`](RatioMethod::MiettinenNurminen) | defined with empty cells, where Katz's is not |
//! | odds ratio | [`MidP`](OddsRatioMethod::MidP), [`Exact`](OddsRatioMethod::Exact) where the level must be kept | agree with Fisher's test and its mid-p |
//! | are they equal, small groups | [`Boschloo`](TestMethod::Boschloo), [`FisherMidP`](TestMethod::FisherMidP) | more powerful than Fisher's test; Boschloo's is exact |
//! | are they equal, large groups | [`Pearson`](TestMethod::Pearson), [`NMinusOne`](TestMethod::NMinusOne) | no correction for continuity |
//! | non-inferiority | [`FarringtonManning`](MarginMethod::FarringtonManning) with [`Mee`](DifferenceMethod::Mee)'s interval | test and interval decide alike; others may not, and are named where they do not |
//! | randomization with strata | [`Strata::difference`], [`Strata::mantel_haenszel`] | the analysis follows the design |
//!
//! Fagerland, Lydersen and Laake 2015, *Statistical Methods in Medical Research* 24:224–254, doi:10.1177/0962280211415469, compare
//! most of them.
//!
//! # Exact unconditional methods
//!
//! The p-value is the largest over the second proportion, looked for on a grid closer than the width of a binomial
//! distribution and refined at every peak. It need not rise steadily towards the estimate: a limit is the outermost effect that
//! is not rejected, looked for in steps of a thousandth of what is possible (a five-hundredth beyond 100 patients). Beyond
//! 4,000 patients these methods are not computed.

mod cmh;
mod common_difference;
mod common_ratio;
mod compared;
mod conditional;
mod difference;
mod exact_limits;
mod margin;
mod number_needed;
mod odds_ratio;
mod printed;
mod proportion;
mod ratio;
mod root;
mod score;
mod single;
mod strata;
mod stratified;
mod testing;
mod unconditional;

pub use cmh::{CmhOptions, CochranMantelHaenszel, ScoreType, cochran_mantel_haenszel};
pub use common_difference::StratifiedDifferenceMethod;
pub use common_ratio::{RatioMeasure, StrataTest};
pub use compared::{ComparedProportions, ComparisonOptions, GroupComparison, GroupProportion, MethodInterval, compare_proportions};
pub use difference::{DifferenceMethod, difference};
pub use margin::{Claim, MarginMethod, MarginTest, margin_test};
pub use number_needed::{Direction, Meaning, NumberNeeded, NumberNeededInterval};
pub use odds_ratio::{OddsRatioMethod, conditional_odds_ratio, odds_ratio_by};
pub use proportion::{Measure, Proportion, ZeroCells, odds_ratio, risk_difference, risk_ratio};
pub use ratio::{RatioMethod, ratio};
pub use single::ProportionMethod;
pub use strata::Strata;
pub use stratified::{CommonEffect, StratifiedComparison, compare_stratified};
pub use testing::{Alternative, TestMethod, TestOfEquality, test_of_equality};
