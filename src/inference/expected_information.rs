//! The observed or the expected information of the covariance parameters.

use crate::options::choices;

/// Which information of the covariance parameters stands behind degrees of freedom and the adjustments of Kenward and
/// Roger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InformationKind {
    /// Half the Hessian of −2 log-likelihood at the optimum (the default): SAS PROC MIXED, R mmrm, and lmerTest's
    /// Satterthwaite.
    #[default]
    Observed,
    /// What that is expected to be under the fitted model: pbkrtest, lmerTest's Kenward–Roger, Stata's
    /// `dfmethod(kroger, eim)`. Equal to the observed information in balanced data with a structure linear in its
    /// parameters.
    Expected,
}

choices! {
    InformationKind, "information of the covariance parameters":
    Observed = "observed", ["oim"], "the curvature found at the optimum: SAS, mmrm";
    Expected = "expected", ["eim"], "the curvature expected under the fitted model: pbkrtest, Stata's eim";
}
