//! Marginal means, contrasts and joint tests: what [`Estimates`](crate::Estimates) say of arms and visits.
//!
//! Every number here is a linear combination l'β whose l comes from a reference grid of the design and whose standard
//! error, degrees of freedom and p-value come from the [`Estimates`](crate::Estimates); nothing here knows how they were
//! found. [`Means`] has the methods; a [`Fit`](crate::Fit) has them without an import.
//! What the data do not determine is a named row with the reason, not an error that takes the table along.

mod adjustment;
mod change;
mod compared;
mod contrasts;
mod factor;
mod joint;
mod joint_adjustment;
mod linear;
mod margin;
mod marginal;
mod of_estimates;
mod outcome_scale;
mod row;
mod standardised;
mod subgroups;

pub use adjustment::{Adjustment, Family};
pub use compared::Compared;
pub(crate) use contrasts::arm_pairs;
pub use contrasts::{ArmComparisons, Contrast, ContrastOptions, Contrasts};
pub use joint::{Basis, JointTest, JointTests, TestType};
pub use linear::LinearContrast;
pub use margin::{Better, Margin, MarginTest, MarginTests};
pub use marginal::{MarginalMean, MarginalMeans, MeansOptions};
pub use of_estimates::Means;
pub(crate) use row::unobserved;
pub use standardised::{StandardisedMean, StandardisedMeans};
pub use subgroups::{Interaction, Interactions, SubgroupContrast, SubgroupContrasts};

pub use crate::design::{Averaging, CovariateMeans, FactorWeights};
