//! What an effect size divides by, and how its interval is made.

use super::Correction;
use crate::error::Result;
use crate::level::check_level;
use crate::options::choices;
use crate::trial::BaselineFrom;

/// The standard deviation in the denominator. Which one it is decides the size of d more than anything else, so every
/// table names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Denominator {
    /// Raw baseline standard deviation pooled over all arms, √(Σ(nₐ−1)sₐ² / Σ(nₐ−1)) (the default; Feingold 2009,
    /// Psychol Methods 14(1):43–53, doi:10.1037/a0014699): free of the treatment and of the model.
    #[default]
    BaselinePooled,
    /// The arm's own raw baseline standard deviation (Becker 1988). Within arms only.
    BaselineOwn,
    /// Raw baseline standard deviation of the whole sample, arms ignored.
    BaselineWhole,
    /// Raw standard deviation at the visit itself, pooled over the two arms compared: the classical d of two groups
    /// (Cohen 1988). Between arms only.
    VisitPooled,
    /// The model's standard deviation at the visit, the square root of the diagonal of the fitted covariance; of two
    /// arms whose covariances differ, the root of the mean of their variances. Needs a fit.
    VisitModel,
    /// Raw standard deviation of the change from baseline: within an arm d_z, between arms pooled over the two.
    Change,
    /// The root of the mean of two raw variances: within an arm those at baseline and at the visit (d_av), between
    /// arms those of the two arms at the visit (Bonett 2008, Psychol Methods 13(2):99–109,
    /// doi:10.1037/1082-989X.13.2.99).
    Average,
    /// Raw standard deviation of the reference arm at the visit (Glass 1976). Between arms only.
    Control,
}

choices! {
    Denominator, "denominator of an effect size":
    BaselinePooled = "baseline-pooled", [], "raw baseline SD pooled over all arms";
    BaselineOwn = "baseline-own", ["becker"], "the arm's own raw baseline SD; within arms only";
    BaselineWhole = "baseline-whole", [], "raw baseline SD of the whole sample, arms ignored";
    VisitPooled = "visit-pooled", ["cohen"], "raw SD at the visit, pooled over the two arms; between arms only";
    VisitModel = "visit-model", [], "the model's SD at the visit; needs a fit";
    Change = "change", ["dz"], "raw SD of the change from baseline";
    Average = "average", ["dav"], "root of the mean of two raw variances";
    Control = "control", ["glass"], "raw SD of the reference arm at the visit; between arms only";
}

impl Denominator {
    /// How tables and reports put it.
    pub fn words(self) -> &'static str {
        match self {
            Denominator::BaselinePooled => "raw baseline SD, pooled over arms",
            Denominator::BaselineOwn => "raw baseline SD of the arm itself",
            Denominator::BaselineWhole => "raw baseline SD of the whole sample",
            Denominator::VisitPooled => "raw SD at the visit, pooled over the two arms",
            Denominator::VisitModel => "the model's SD at the visit",
            Denominator::Change => "raw SD of the change from baseline (d_z)",
            Denominator::Average => "root of the mean of two raw variances (d_av)",
            Denominator::Control => "raw SD of the reference arm at the visit (Glass)",
        }
    }
}

/// Which patients count as n in [`IntervalMethod::IndependentGroups`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupSize {
    /// Everyone randomized to the arm: reproduces published intention-to-treat intervals.
    Randomized,
    /// Those observed at the visit.
    Observed,
}

choices! {
    GroupSize, "patients counted":
    Randomized = "randomized", [], "everyone randomized to the arm";
    Observed = "observed", [], "those observed at the visit";
}

/// How the limits of an effect size are computed. For the bootstrap see [`Bootstrap`](super::Bootstrap).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IntervalMethod {
    /// d ± z √((se/s)² + d²/(2ν)): the delta method with the uncertainty of the difference and of the denominator s,
    /// which has ν degrees of freedom; the two are independent under normality (the default).
    #[default]
    Delta,
    /// The limits of the noncentrality of t = difference/se on its own degrees of freedom, times se/s (Cumming &
    /// Finch 2001). Exact for raw data where the difference is standardized by the very SD that its standard error is
    /// made of (d_z within an arm, SD pooled at the visit between arms); for any other denominator the ratio se/s is
    /// taken as known.
    NoncentralT,
    /// d ± z √((n₁+n₂)/(n₁n₂) + d²/(2(n₁+n₂))), the large-sample formula of two independent groups (Hedges & Olkin
    /// 1985); within an arm n₁ = n₂ = the arm's n. It ignores the correlation of repeated measurements and the model:
    /// what many publications print.
    IndependentGroups(GroupSize),
}

choices! {
    IntervalMethod, "interval of an effect size":
    Delta = "delta", [], "delta method with the uncertainty of difference and denominator";
    NoncentralT = "noncentral-t", [], "limits of the noncentrality of t";
    IndependentGroups(GroupSize::Randomized) = "independent-groups-randomized", ["independent-groups(randomized)"], "large-sample formula of two independent groups, n randomized";
    IndependentGroups(GroupSize::Observed) = "independent-groups-observed", ["independent-groups(observed)"], "large-sample formula of two independent groups, n observed at the visit";
}

impl IntervalMethod {
    /// How tables and reports put it.
    pub fn words(self) -> &'static str {
        match self {
            IntervalMethod::Delta => "delta method, √((se/s)² + d²/(2ν)), normal quantile",
            IntervalMethod::NoncentralT => "noncentral t of difference/se, rescaled by se/s",
            IntervalMethod::IndependentGroups(GroupSize::Randomized) => {
                "large-sample formula of two independent groups, √((n₁+n₂)/(n₁n₂) + d²/(2(n₁+n₂))), n randomized"
            }
            IntervalMethod::IndependentGroups(GroupSize::Observed) => {
                "large-sample formula of two independent groups, √((n₁+n₂)/(n₁n₂) + d²/(2(n₁+n₂))), n observed at the visit"
            }
        }
    }
}

/// What a positive effect size means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Positive {
    /// The score rose, or is higher than in the reference arm (the default: the sign of the estimate as it stands).
    #[default]
    Rise,
    /// The score fell, or is lower than in the reference arm: improvement on a symptom scale.
    Fall,
}

choices! {
    Positive, "meaning of a positive effect size":
    Rise = "rise", [], "the score rose, or is higher than in the reference arm";
    Fall = "fall", [], "the score fell, or is lower than in the reference arm";
}

impl Positive {
    pub(super) fn sign(self) -> f64 {
        match self {
            Positive::Rise => 1.0,
            Positive::Fall => -1.0,
        }
    }
}

/// What is compared between arms in raw data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RawScores {
    /// The scores at the visit (the default).
    #[default]
    AtVisit,
    /// The changes from baseline.
    Change,
}

choices! {
    RawScores, "scores compared between arms":
    AtVisit = "at-visit", [], "the scores at the visit";
    Change = "change", [], "the changes from baseline";
}

/// How effect sizes are made.
///
/// | option | default | meaning |
/// |---|---|---|
/// | `denominator` | [`Denominator::BaselinePooled`] | the standard deviation divided by |
/// | `correction` | [`Correction::None`] | Cohen's d or Hedges' g |
/// | `interval` | [`IntervalMethod::Delta`] | how limits are computed |
/// | `level` | 0.95 | confidence level |
/// | `positive` | [`Positive::Rise`] | the sign |
/// | `compared` | [`RawScores::AtVisit`] | raw data between arms: scores or changes |
/// | `baseline` | [`BaselineFrom::Visit`] | where the baseline is found |
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EffectOptions {
    pub(super) denominator: Denominator,
    pub(super) correction: Correction,
    pub(super) interval: IntervalMethod,
    pub(super) level: Level,
    pub(super) positive: Positive,
    pub(super) compared: RawScores,
    pub(super) baseline: BaselineFrom,
}

/// A confidence level; 0.95 unless set.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(super) struct Level(pub f64);

impl Default for Level {
    fn default() -> Self {
        Level(0.95)
    }
}

impl EffectOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The standard deviation to divide by.
    pub fn denominator(mut self, denominator: Denominator) -> Self {
        self.denominator = denominator;
        self
    }

    /// Cohen's d or Hedges' g.
    pub fn correction(mut self, correction: Correction) -> Self {
        self.correction = correction;
        self
    }

    /// How limits are computed.
    pub fn interval(mut self, interval: IntervalMethod) -> Self {
        self.interval = interval;
        self
    }

    /// Confidence level, between 0 and 1.
    pub fn level(mut self, level: f64) -> Self {
        self.level = Level(level);
        self
    }

    /// What a positive effect size means.
    pub fn positive(mut self, positive: Positive) -> Self {
        self.positive = positive;
        self
    }

    /// What is compared between arms in raw data.
    pub fn compared(mut self, compared: RawScores) -> Self {
        self.compared = compared;
        self
    }

    /// Where the baseline is found.
    pub fn baseline(mut self, baseline: BaselineFrom) -> Self {
        self.baseline = baseline;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        check_level(self.level.0)
    }
}
