//! How a reliable change is told from error of measurement, and the reliability that it rests on.

use crate::error::{Error, Result};
use crate::options::choices;
use crate::written::is_default;

/// What a change is compared with before it counts as more than error of measurement.
///
/// M and S are mean and standard deviation of the clinical population at baseline, r the reliability, S_E = S√(1−r) the
/// standard error of measurement, x and y a patient's scores at baseline and at the visit. The index is beyond z in
/// either direction where a change is reliable, z the normal quantile of (1 + level)/2; that of Hageman and Arrindell is the
/// quantile of the level, because theirs is the largest risk of misclassification on one side.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ReliableChangeMethod {
    /// (y − x) / (S_E √2), the default (Jacobson & Truax 1991, *Journal of Consulting and Clinical Psychology* 59:12–19,
    /// doi:10.1037/0022-006X.59.1.12; S_E √2 by Christensen & Mendoza 1986).
    #[default]
    JacobsonTruax,
    /// (y − M − r(x − M)) / (S√(1−r²)): the score at the visit against its prediction from the baseline, which regresses to
    /// the mean (Gulliksen 1950; Lord & Novick 1968; Hsu 1989, *Behavioral Assessment* 11:459–467).
    GulliksenLordNovick,
    /// As Gulliksen, Lord and Novick, around the mean at the visit: (y − M_y − r(x − M)) / (S√(1−r²)), M_y the mean of all
    /// patients observed at both times, so that change is relative to the trial's (Hsu, Linn & Lord; Hsu 1989).
    HsuLinnLord,
    /// (y − M − r(x − M)) / S_E: whether the score lies outside an interval around the estimated true score at baseline
    /// (Edwards et al. 1978; Nunnally 1967; Speer 1992, *Journal of Consulting and Clinical Psychology* 60:402–408,
    /// doi:10.1037/0022-006X.60.3.402).
    EdwardsNunnally,
    /// ((y − x) r_D + (M_y − M_x)(1 − r_D)) / (√r_D · S_E √2), r_D the reliability of the differences of the patients
    /// observed at both times, with cut-offs on the scale of true scores (Hageman & Arrindell 1999, *Behaviour Research and
    /// Therapy* 37:1169–1193, doi:10.1016/S0005-7967(99)00032-7).
    HagemanArrindell,
}

choices! {
    ReliableChangeMethod, "method of reliable change":
    JacobsonTruax = "jacobson-truax", ["jt"], "the change over the standard error of a difference";
    GulliksenLordNovick = "gulliksen-lord-novick", ["gln"], "the score against its prediction, which regresses to the mean";
    HsuLinnLord = "hsu-linn-lord", ["hll"], "the same around the mean of all patients at the visit";
    EdwardsNunnally = "edwards-nunnally", ["en"], "the score against an interval around the estimated true score at baseline";
    HagemanArrindell = "hageman-arrindell", ["ha"], "the estimated true change, by the reliability of the differences";
}

impl ReliableChangeMethod {
    /// As tables and reports put it.
    pub fn words(self) -> &'static str {
        match self {
            ReliableChangeMethod::JacobsonTruax => "Jacobson and Truax",
            ReliableChangeMethod::GulliksenLordNovick => "Gulliksen, Lord and Novick",
            ReliableChangeMethod::HsuLinnLord => "Hsu, Linn and Lord",
            ReliableChangeMethod::EdwardsNunnally => "Edwards and Nunnally",
            ReliableChangeMethod::HagemanArrindell => "Hageman and Arrindell",
        }
    }

    /// Whether the band is around a mean of the population, so that a mean has to be known.
    pub(super) fn regresses(self) -> bool {
        matches!(
            self,
            ReliableChangeMethod::GulliksenLordNovick | ReliableChangeMethod::HsuLinnLord | ReliableChangeMethod::EdwardsNunnally
        )
    }
}

/// What a reliability was estimated by.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ReliabilityKind {
    /// The correlation between two occasions: what the index of Jacobson and Truax was made for (the default).
    #[default]
    TestRetest,
    /// Internal consistency, such as Cronbach's α: error from one occasion to another is no part of it.
    InternalConsistency,
    /// The agreement of raters on one occasion.
    InterRater,
}

choices! {
    ReliabilityKind, "kind of reliability":
    TestRetest = "test-retest", ["retest"], "the correlation between two occasions";
    InternalConsistency = "internal-consistency", ["alpha", "cronbach"], "internal consistency on one occasion, such as Cronbach's alpha";
    InterRater = "inter-rater", ["interrater"], "agreement of raters on one occasion";
}

impl ReliabilityKind {
    fn words(self) -> &'static str {
        match self {
            ReliabilityKind::TestRetest => "test–retest",
            ReliabilityKind::InternalConsistency => "internal consistency",
            ReliabilityKind::InterRater => "inter-rater",
        }
    }
}

/// The reliability of a score: its value, how it was estimated, and where it comes from.
///
/// In a plan: `reliability = { value = 0.78, kind = "test-retest", source = "…" }`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reliability {
    /// Between 0 and 1, both included.
    pub value: f64,
    /// How it was estimated; test–retest unless stated.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: ReliabilityKind,
    /// Where it comes from.
    #[serde(default = "super::norms::analyst", skip_serializing_if = "super::norms::is_analyst")]
    pub source: String,
}

impl Reliability {
    /// A reliability by how it was estimated.
    pub fn new(value: f64, kind: ReliabilityKind) -> Self {
        Self { value, kind, source: super::norms::analyst() }
    }

    /// A test–retest reliability.
    pub fn test_retest(value: f64) -> Self {
        Self::new(value, ReliabilityKind::TestRetest)
    }

    /// Where it comes from.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.value) {
            return Ok(());
        }
        let remedy = match self.value {
            value if value > 1.0 && value <= 100.0 => format!("write {} for {value}%", value / 100.0),
            _ => "give a value such as 0.8".into(),
        };
        Err(Error::out_of_range(format!("a reliability of {}", self.value), "it does not lie between 0 and 1", remedy))
    }

    /// `test–retest reliability .78 (Marx et al. 2022)`.
    pub(crate) fn words(&self) -> String {
        format!("{} reliability {} ({})", self.kind.words(), self.value, self.source)
    }
}
