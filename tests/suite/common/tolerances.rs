//! Every tolerance of the comparisons with other software, each with its reason. Relative unless said otherwise.
//!
//! `worst` is the largest difference seen when the tolerance was set; the tolerance leaves room for another
//! processor's rounding.

/// How near the numbers of one source must be.
#[derive(Clone, Copy)]
pub struct Allowed {
    /// Estimates.
    pub estimate: f64,
    /// Standard errors, fitted covariances (in units of the two standard deviations), covariances of estimates.
    pub se: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// Statistics, p-values, interval ends: they follow from the others and lose digits near zero and far in the tail.
    pub derived: f64,
}

/// R mmrm brought to a Newton decrement of 1e-18 (`mmrm_more`, `clda_mmrm.json`): what is left is rounding. Worst:
/// 2e-10 in an estimate that is 1/70 of its standard error, 1e-12 in the others.
pub const AT_THE_TOP: Allowed = Allowed { estimate: 5e-9, se: 1e-10, df: 1e-10, derived: 1e-8 };

/// R mmrm as given (`mmrm`): its optimisers at 1e-13 to 1e-15. Worst: 1e-8 in estimates, 4e-9 in standard errors,
/// 5e-8 in a fitted covariance, 1e-7 in degrees of freedom, 1.7e-6 in a p-value of size 1e-20.
pub const AS_GIVEN: Allowed = Allowed { estimate: 1e-7, se: 1e-7, df: 1e-6, derived: 1e-5 };

/// Files of `mmrm` whose optimiser stopped early, by the measure of the same model taken to the top and of nlme::gls:
/// `fev_ar1_*` is off by 1.4e-5 in the smallest coefficient, `fev_us_ml_satterthwaite` by 1.2e-6,
/// `fev_adh_reml_satterthwaite` by 2.7e-7.
pub const EARLY_STOP: Allowed = Allowed { estimate: 2e-5, se: 1e-6, df: 1e-6, derived: 2e-5 };

/// `fev_spexp_reml_satterthwaite`, by conjugate gradients: visits 1 apart make it the autoregressive model, of which
/// `mmrm_more` has the top. By that measure the file is off by 8e-5 in the smallest coefficient (1e-6 of its standard
/// error), 5e-7 in standard errors, 1.2e-6 in the covariance.
pub const EARLIER_STOP: Allowed = Allowed { estimate: 1e-4, se: 2e-6, df: 1e-5, derived: 5e-4 };

/// How far our log-likelihood may be below the peer's, absolute. Rounding of a sum over 600 observations of size 1700
/// is 1e-11, over the 8605 of bcva of size 16 000 it is 1e-9.
pub const LOG_LIKELIHOOD: f64 = 1e-9;

/// Log-likelihoods and information criteria, relative: rounding of sums. Worst: 4e-14 (bcva).
pub const CRITERIA: f64 = 1e-12;

/// nlme::gls after Newton steps with Richardson-extrapolated derivatives, in units of the standard error. Worst: 3e-8
/// in estimates, 5e-9 in standard errors (the weighted model).
pub const GLS: f64 = 2e-7;

/// Fitted covariances of nlme::gls, in units of the two standard deviations: the decrement of 1e-16 leaves them less
/// exact. Worst: 5e-8.
pub const GLS_COVARIANCE: f64 = 1e-6;

/// Likelihoods written out in base R and maximised with numerical derivatives, to decrements of 1e-10 to 1e-19, and
/// nlme::gls beside them; in units of the standard error or the two standard deviations. Worst: 3e-7 (two factors
/// with a common unique variance).
pub const WRITTEN_OUT: f64 = 1e-6;

/// lme4 after Newton steps on its profiled deviance, to a decrement of 1e-14 to 1e-17; in units of the standard
/// error. Worst: 1e-9.
pub const LME4: f64 = 2e-8;

/// lmerTest takes the Hessian and the gradients of its Satterthwaite method by numerical differences. Worst: 1.6e-7.
pub const LMERTEST_DF: f64 = 1e-6;

/// pbkrtest on that optimum of lme4, with expected information in both: what is left is the optimum's. Worst: 9.4e-10.
pub const PBKRTEST: f64 = 5e-9;

/// F statistics, and degrees of freedom by Kenward and Roger, of lmerTest and pbkrtest in tests of terms, on lme4's
/// optimum. Worst: 1e-9, and 1.1e-8 in a main effect of type III whose weights lmerTest finds by solving for them.
pub const TERM_TEST: f64 = 5e-8;

/// Likelihood-ratio statistics of nlme and lme4 at the top, absolute: rounding of sums near 3500. Worst: 2.8e-12.
pub const LIKELIHOOD_RATIO: f64 = 3e-11;

/// Their p-values, relative: half the statistic's error. Worst: 1.3e-12.
pub const LIKELIHOOD_RATIO_P: f64 = 2e-11;

/// Ends of profiles of nlme's and lme4's likelihoods, found there with nested optimisation; in widths of the
/// interval. An end is steep, so that neither search loses digits. Worst: 6e-12.
pub const PROFILE: f64 = 2e-10;

/// The estimates beside them, in widths of the interval: the tops of those likelihoods. Worst: 8e-9.
pub const PROFILE_TOP: f64 = 5e-8;

/// lme4's confint interpolates its profile by splines; in widths of the interval. Worst: 2.8e-5.
pub const LME4_CONFINT: f64 = 1e-4;

/// nlme's intervals of variances and correlations rest on differences for the Hessian, at gls's own optimum; in
/// widths of the interval. Worst: 4e-4.
pub const NLME_WALD: f64 = 1e-3;

/// SAS at its default convergence criterion, up to 1e-5 short in −2ℓ: estimates (in standard errors), SE and t.
/// Worst: 1.6e-4 (CSH).
pub const SAS: f64 = 2e-4;

/// Degrees of freedom of SAS at its default convergence criterion. Worst: 3.7e-4 (CSH).
pub const SAS_DF: f64 = 5e-4;

/// The ratio of the full to the linear Kenward–Roger standard error, in which the early stop cancels. It differs from
/// 1 by 2e-3 (AR(1)), 3e-4 (ARH(1)) and 2e-4 (CSH). Worst: 6e-8.
pub const SAS_RATIO: f64 = 1e-6;

/// SAS prints −2ℓ to eight decimals; absolute.
pub const SAS_LOG_LIKELIHOOD: f64 = 1e-8;

/// Exact identities, such as the paired t test: rounding only.
pub const IDENTITY: f64 = 1e-10;

/// Invariances: two optima, each exact to its decrement; sums in another order and unit round differently. In units
/// of the standard error.
pub const INVARIANCE: f64 = 1e-7;

/// Degrees of freedom under an invariance: second derivatives at two optima.
pub const INVARIANCE_DF: f64 = 1e-6;

/// Predictions of mmrm at the top of its likelihood: in units of the standard error of prediction, standard errors
/// relative. Worst: 1e-13.
pub const PREDICTION: f64 = 1e-11;

/// Degrees of freedom of predictions, against derivatives of mmrm's variances by Richardson extrapolation. Worst:
/// 1e-10.
pub const PREDICTION_DF: f64 = 2e-9;

/// Influence with the covariance of mmrm held: statistics relative, coefficients in standard errors. Worst: 1.4e-11,
/// in a Cook's distance of 1e-5.
pub const INFLUENCE: f64 = 2e-10;

/// Influence with everything estimated again, mmrm at the top of both likelihoods. Worst: 1.4e-12.
pub const INFLUENCE_REFIT: f64 = 1e-10;

/// lme4's influence(): its refits end where its optimiser does. In standard errors; Cook's distances absolute. Worst:
/// 3e-8.
pub const LME4_INFLUENCE: f64 = 1e-6;

/// clubSandwich's CR2, which takes the root of another matrix than mmrm's and ours, in standard errors; five times
/// that in degrees of freedom. Two conventions, not two computations. On fev_data 2e-4 and 1.2e-5.
pub const CR2_OF_CLUBSANDWICH: f64 = 1e-3;

/// A fit from the moments of parts and the fit of all patients: two optima, sums rounded in another order; in units
/// of the standard error.
pub const POOLED: f64 = 1e-9;

/// The direct optimisation of products of covariances in R, brought to a Newton decrement of 1e-20
/// (`joint/kronecker.json`): estimates in units of the standard error. The information there is a
/// Richardson-extrapolated derivative. Worst: below 1e-10 in estimates, 1e-11 in standard errors, 5e-9 in degrees of
/// freedom and in the covariance of the parameters.
pub const KRONECKER: Allowed = Allowed { estimate: 1e-9, se: 1e-10, df: 1e-8, derived: 1e-8 };

/// Covariance parameters and fitted covariances of the same, in units of the standard error or of the two standard
/// deviations. Worst: below 1e-11.
pub const KRONECKER_THETA: f64 = 1e-10;

/// The six models of a partially nested trial by lm, lmerTest, pbkrtest and nlme with a dense likelihood: where
/// bobyqa stops, and numerical second derivatives. Worst: 2e-8 in estimates, 2.1e-7 in standard errors, 1.2e-6 in
/// degrees of freedom.
pub const SIX_MODELS: Allowed = Allowed { estimate: 2e-7, se: 1e-6, df: 5e-6, derived: 5e-6 };

/// Random effects of clusters against the likelihood written out with one dense V (`mixed/dense.R`), maximised by its
/// own Hessian to a decrement of 1e-18 to 1e-30: estimates in units of the standard error; the rest relative. What is
/// left is rounding. Worst: 2e-12, in the standard error of a variance.
pub const MIXED: Allowed = Allowed { estimate: 1e-10, se: 1e-10, df: 1e-10, derived: 1e-10 };

/// Covariance parameters of the same, in units of the standard error. Worst: 3e-12.
pub const MIXED_THETA: f64 = 1e-10;

/// lme4 with pbkrtest, nlme and glmmTMB on the same models. Newton on differences leaves lme4 and nlme up to 1e-7 of
/// a standard error from the top (`differences` in the files). Worst: 9e-8, in a variance.
pub const MIXED_PEER: f64 = 5e-7;

/// Degrees of freedom of balanced designs, which are whole numbers: second derivatives at an optimum exact to its
/// decrement. Worst: 6e-13.
pub const MIXED_IDENTITY_DF: f64 = 1e-11;

/// Intraclass correlations and standard deviations of effects at lme4's and the written-out optimum
/// (`mixed/inference_icc.json`), in widths of the interval.
pub const ICC: f64 = 1e-6;

/// Their profile limits: bisection to 1e-7 there, over searches without derivatives; in widths of the interval.
pub const ICC_LIMIT: f64 = 1e-5;

/// Residuals of nlme::lme by its own estimates, in standard deviations.
pub const MIXED_RESIDUAL: f64 = 1e-6;

/// R² and its variances by lme4's estimates.
pub const MIXED_R_SQUARED: f64 = 1e-6;

/// Likelihood-ratio statistics by lme4's deviances, absolute; relative in p-values.
pub const MIXED_DEVIANCE: f64 = 1e-7;

/// One model by two engines: two optima, each exact to rounding; in units of the standard error, standard errors
/// relative. Worst: 3e-13.
pub const ENGINES: f64 = 1e-11;

/// Degrees of freedom of the same, relative. Worst: 9e-13.
pub const ENGINES_DF: f64 = 2e-11;

/// Log-likelihoods of the same, absolute: rounding of sums near 1600. Worst: 1e-12.
pub const ENGINES_LIKELIHOOD: f64 = 2e-11;
