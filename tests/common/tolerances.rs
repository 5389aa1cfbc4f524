//! Every tolerance of the comparisons with other software, each with its reason. Relative unless said otherwise.

/// Estimates, standard errors, information criteria and fitted covariances against results taken to the top of the likelihood. At a Newton
/// decrement of 1e-18 what is left is rounding, enlarged by the condition of the problem; the smallest coefficient of the fev data is 1/70 of
/// its standard error and carries it most.
pub const ESTIMATE: f64 = 1e-7;

/// Degrees of freedom: quotients of second derivatives, which lose about half the digits of the likelihood in the peer.
pub const DF: f64 = 1e-5;

/// p-values and interval ends follow from estimates and df, and lose digits where estimates are near zero and p is far in the tail.
pub const DERIVED: f64 = 1e-5;

/// How far our log-likelihood may be below the peer's, absolute. Rounding of a sum over 600 observations of size 1700 is 1e-11.
pub const LOG_LIKELIHOOD: f64 = 1e-9;

/// For files whose optimiser stopped early, by the measure of the same case taken to the top (`mmrm_more`) and of nlme::gls:
/// `fev_ar1_*` is off by 1.4e-5 in the smallest coefficient, `fev_us_ml_satterthwaite` by 1.2e-6.
pub const EARLY_STOP: f64 = 2e-5;

/// nlme::gls after Newton steps with Richardson-extrapolated derivatives: 1.5e-6 in the smallest coefficient of the weighted fev model by the
/// measure of mmrm at the top, where the decrement cannot be driven below 1e-16.
pub const GLS_ESTIMATE: f64 = 3e-6;

/// lme4 after Newton steps on its profiled deviance: the decrement ends between 1e-14 and 1e-17, so parameters are good to about 1e-7 of their
/// standard error.
pub const LME4_ESTIMATE: f64 = 1e-6;

/// lmerTest takes the Hessian and the gradients of its Satterthwaite method by numerical differences: seven digits at best.
pub const LMERTEST_DF: f64 = 1e-6;

/// Exact identities, such as the paired t test: rounding only.
pub const IDENTITY: f64 = 1e-10;

/// pbkrtest with expected against our observed information where visits are missing: two conventions, not two computations.
pub const PBKRTEST_EXPECTED_SE: f64 = 1e-3;

/// As above, for degrees of freedom.
pub const PBKRTEST_EXPECTED_DF: f64 = 0.05;

/// Invariances: two optima, each exact to its decrement; sums in another order and unit round differently. In units of the standard error.
pub const INVARIANCE: f64 = 1e-7;

/// Degrees of freedom under an invariance: second derivatives at two optima.
pub const INVARIANCE_DF: f64 = 1e-6;

/// SAS at its default convergence criterion, up to 1e-5 short in −2ℓ: estimates (in standard errors), SE and t. CSH is the worst.
pub const SAS: f64 = 2e-4;

/// Degrees of freedom of SAS at its default convergence criterion.
pub const SAS_DF: f64 = 5e-4;

/// The ratio of the full to the linear Kenward–Roger standard error, in which the early stop cancels. It differs from 1 by 2e-3 (AR(1)),
/// 3e-4 (ARH(1)) and 2e-4 (CSH).
pub const SAS_RATIO: f64 = 1e-6;

/// SAS prints −2ℓ to eight decimals.
pub const SAS_LOG_LIKELIHOOD: f64 = 1e-8;
