//! The conditions a definition is made of, as a tree.

use crate::options::choices;
use crate::table::counted;
use crate::written::is_default;
use std::fmt;

/// When something is looked at.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Occasion {
    /// At the visit before treatment.
    Baseline,
    /// At the visit being evaluated (the default).
    #[default]
    Visit,
}

choices! {
    Occasion, "occasion":
    Baseline = "baseline", [], "the visit before treatment";
    Visit = "visit", [], "the visit being evaluated";
}

/// A condition on one patient at one visit.
///
/// It is met, not met, or unknown because something it looks at was not observed. Combinations follow three-valued
/// logic: [`Rule::All`] is not met as soon as one part is not met, [`Rule::Any`] met as soon as one part is met,
/// whatever is unknown beside it.
///
/// In TOML: `rule = { all = [{ diagnosis-not-met = { diagnosis = "ptsd" } }, { below = { outcome = "caps5", score = 12 } }]
/// }`; JSON has the same keys.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    /// The outcome is at least so many points below its baseline.
    PointDrop {
        /// Name of the outcome.
        outcome: String,
        /// Points, above 0.
        at_least: f64,
    },
    /// The outcome is at least so many points above its baseline.
    PointRise {
        /// Name of the outcome.
        outcome: String,
        /// Points, above 0.
        at_least: f64,
    },
    /// The outcome dropped by at least so many percent: 100 · (baseline − visit) / (baseline − floor). Unknown where
    /// the baseline is at or below the floor, since a percentage of nothing is not defined.
    PercentDrop {
        /// Name of the outcome.
        outcome: String,
        /// Percent, from 1 to 100: 50 for half.
        at_least: f64,
        /// The score that stands for no symptoms; 0 unless the scale starts elsewhere.
        #[serde(default, skip_serializing_if = "is_default")]
        floor: f64,
    },
    /// The outcome dropped by more than measurement error explains (Jacobson & Truax 1991, *Journal of Consulting and
    /// Clinical Psychology* 59:12–19, doi:10.1037/0022-006X.59.1.12): by at least z · sd · √(2 (1 − reliability))
    /// points, see [`Rule::reliable_points`].
    ReliableDrop {
        /// Name of the outcome.
        outcome: String,
        /// Standard deviation of the outcome in the population treated.
        sd: f64,
        /// Test–retest reliability, between 0 and 1.
        reliability: f64,
        /// Standard normal deviate; 1.96 unless stated.
        #[serde(default = "default_z", skip_serializing_if = "is_default_z")]
        z: f64,
    },
    /// The outcome is below a score.
    Below {
        /// Name of the outcome.
        outcome: String,
        /// The score.
        score: f64,
    },
    /// The outcome is at most a score.
    AtMost {
        /// Name of the outcome.
        outcome: String,
        /// The score.
        score: f64,
    },
    /// The outcome is at least a score.
    AtLeast {
        /// Name of the outcome.
        outcome: String,
        /// The score.
        score: f64,
    },
    /// A numeric covariate is below a value.
    CovariateBelow {
        /// Name of the covariate.
        covariate: String,
        /// The value.
        value: f64,
    },
    /// The criteria of a diagnosis are met.
    DiagnosisMet {
        /// Name of the diagnosis.
        diagnosis: String,
        /// When; at the visit being evaluated unless stated.
        #[serde(default, skip_serializing_if = "is_default")]
        at: Occasion,
    },
    /// The criteria of a diagnosis are not met.
    DiagnosisNotMet {
        /// Name of the diagnosis.
        diagnosis: String,
        /// When; at the visit being evaluated unless stated.
        #[serde(default, skip_serializing_if = "is_default")]
        at: Occasion,
    },
    /// Every part holds.
    All(Vec<Rule>),
    /// At least one part holds.
    Any(Vec<Rule>),
}

fn default_z() -> f64 {
    1.96
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_default_z(z: &f64) -> bool {
    *z == default_z()
}

impl Rule {
    /// Whether all that it looks at, at the visit evaluated, are scores of this outcome, or covariates.
    pub(crate) fn is_of_outcome_alone(&self, name: &str) -> bool {
        match self {
            Rule::PointDrop { outcome, .. }
            | Rule::PointRise { outcome, .. }
            | Rule::PercentDrop { outcome, .. }
            | Rule::ReliableDrop { outcome, .. }
            | Rule::Below { outcome, .. }
            | Rule::AtMost { outcome, .. }
            | Rule::AtLeast { outcome, .. } => outcome == name,
            Rule::CovariateBelow { .. } => true,
            Rule::DiagnosisMet { at, .. } | Rule::DiagnosisNotMet { at, .. } => *at == Occasion::Baseline,
            Rule::All(parts) | Rule::Any(parts) => parts.iter().all(|part| part.is_of_outcome_alone(name)),
        }
    }

    /// Whether it looks at a diagnosis.
    pub(crate) fn names_diagnoses(&self) -> bool {
        match self {
            Rule::DiagnosisMet { .. } | Rule::DiagnosisNotMet { .. } => true,
            Rule::All(parts) | Rule::Any(parts) => parts.iter().any(Rule::names_diagnoses),
            _ => false,
        }
    }

    /// [`Rule::PointDrop`].
    pub fn point_drop(outcome: &str, at_least: f64) -> Self {
        Rule::PointDrop { outcome: outcome.into(), at_least }
    }

    /// [`Rule::PointRise`].
    pub fn point_rise(outcome: &str, at_least: f64) -> Self {
        Rule::PointRise { outcome: outcome.into(), at_least }
    }

    /// [`Rule::PercentDrop`] on a scale that starts at 0; `at_least` is in per cent, 50.0 for half.
    ///
    /// A fraction, such as 0.5, is refused when the rule meets data.
    pub fn percent_drop(outcome: &str, at_least: f64) -> Self {
        Rule::percent_drop_from(outcome, at_least, 0.0)
    }

    /// [`Rule::PercentDrop`] on a scale whose lowest score is `floor`; `at_least` is in per cent, 50.0 for half.
    pub fn percent_drop_from(outcome: &str, at_least: f64, floor: f64) -> Self {
        Rule::PercentDrop { outcome: outcome.into(), at_least, floor }
    }

    /// [`Rule::ReliableDrop`] with z = 1.96.
    pub fn reliable_drop(outcome: &str, sd: f64, reliability: f64) -> Self {
        Rule::ReliableDrop { outcome: outcome.into(), sd, reliability, z: default_z() }
    }

    /// [`Rule::Below`].
    pub fn below(outcome: &str, score: f64) -> Self {
        Rule::Below { outcome: outcome.into(), score }
    }

    /// [`Rule::AtMost`].
    pub fn at_most(outcome: &str, score: f64) -> Self {
        Rule::AtMost { outcome: outcome.into(), score }
    }

    /// [`Rule::AtLeast`].
    pub fn at_least(outcome: &str, score: f64) -> Self {
        Rule::AtLeast { outcome: outcome.into(), score }
    }

    /// [`Rule::CovariateBelow`].
    pub fn covariate_below(covariate: &str, value: f64) -> Self {
        Rule::CovariateBelow { covariate: covariate.into(), value }
    }

    /// [`Rule::All`].
    pub fn all(parts: impl IntoIterator<Item = Rule>) -> Self {
        Rule::All(parts.into_iter().collect())
    }

    /// [`Rule::Any`].
    pub fn any(parts: impl IntoIterator<Item = Rule>) -> Self {
        Rule::Any(parts.into_iter().collect())
    }

    /// [`Rule::DiagnosisMet`].
    pub fn met(diagnosis: &str, at: Occasion) -> Self {
        Rule::DiagnosisMet { diagnosis: diagnosis.into(), at }
    }

    /// [`Rule::DiagnosisNotMet`].
    pub fn not_met(diagnosis: &str, at: Occasion) -> Self {
        Rule::DiagnosisNotMet { diagnosis: diagnosis.into(), at }
    }

    /// The smallest reliable change in points, z · sd · √(2 (1 − reliability)).
    ///
    /// ```
    /// // CAPS-5 with SD 10 and test–retest r = .78: 13.0 points.
    /// let points = trialstats::responders::Rule::reliable_points(10.0, 0.78, 1.96);
    /// assert!((points - 13.0).abs() < 0.005);
    /// ```
    pub fn reliable_points(sd: f64, reliability: f64, z: f64) -> f64 {
        z * sd * (2.0 * (1.0 - reliability)).sqrt()
    }

    /// What is wrong with the numbers of the rule, if anything.
    pub(super) fn flaw(&self) -> Option<String> {
        let points = |x: f64| (!(x.is_finite() && x > 0.0)).then(|| format!("a change of {} is not above 0", counted(x, "point")));
        let score = |x: f64| (!x.is_finite()).then(|| format!("{x} is not a score"));
        match self {
            Rule::PointDrop { at_least, .. } | Rule::PointRise { at_least, .. } => points(*at_least),
            Rule::PercentDrop { at_least, .. } if *at_least > 0.0 && *at_least < 1.0 => {
                Some(format!("{at_least}% is less than one per cent; a drop is stated in per cent, {} for this fraction", 100.0 * at_least))
            }
            Rule::PercentDrop { at_least, floor, .. } => {
                (!(1.0..=100.0).contains(at_least)).then(|| format!("{at_least}% is not from 1 to 100")).or_else(|| score(*floor))
            }
            Rule::ReliableDrop { sd, reliability, z, .. } if !(0.0..1.0).contains(reliability) => {
                let per_cent = (1.0..100.0).contains(reliability) && *reliability != 1.0;
                let meant = if per_cent { format!("; write {} for {reliability}%", reliability / 100.0) } else { String::new() };
                Some(format!("a reliability of {reliability} is not between 0 and 1 (sd {sd}, z {z}){meant}"))
            }
            Rule::ReliableDrop { sd, reliability, z, .. } => points(Self::reliable_points(*sd, *reliability, *z)),
            Rule::Below { score: x, .. } | Rule::AtMost { score: x, .. } | Rule::AtLeast { score: x, .. } => score(*x),
            Rule::CovariateBelow { value, .. } => score(*value),
            Rule::DiagnosisMet { .. } | Rule::DiagnosisNotMet { .. } => None,
            Rule::All(parts) | Rule::Any(parts) if parts.is_empty() => Some("a combination has no parts".into()),
            Rule::All(parts) | Rule::Any(parts) => parts.iter().find_map(Rule::flaw),
        }
    }
}

/// The rule in words, for notes: `ptsd not met and caps5 below 12`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = |at: &Occasion| if *at == Occasion::Baseline { " at baseline" } else { "" };
        match self {
            Rule::PointDrop { outcome, at_least } => write!(f, "{outcome} at least {} below baseline", counted(*at_least, "point")),
            Rule::PointRise { outcome, at_least } => write!(f, "{outcome} at least {} above baseline", counted(*at_least, "point")),
            Rule::PercentDrop { outcome, at_least, floor } if *floor == 0.0 => write!(f, "{outcome} at least {at_least}% below baseline"),
            Rule::PercentDrop { outcome, at_least, floor } => {
                write!(f, "{outcome} at least {at_least}% below baseline, counted from {floor}")
            }
            Rule::ReliableDrop { outcome, sd, reliability, z } => write!(
                f,
                "{outcome} reliably below baseline (by {:.1} points or more: SD {sd}, reliability {reliability}, z {z})",
                Self::reliable_points(*sd, *reliability, *z)
            ),
            Rule::Below { outcome, score } => write!(f, "{outcome} below {score}"),
            Rule::AtMost { outcome, score } => write!(f, "{outcome} at most {score}"),
            Rule::AtLeast { outcome, score } => write!(f, "{outcome} at least {score}"),
            Rule::CovariateBelow { covariate, value } => write!(f, "{covariate} below {value}"),
            Rule::DiagnosisMet { diagnosis, at } => write!(f, "{diagnosis} met{}", when(at)),
            Rule::DiagnosisNotMet { diagnosis, at } => write!(f, "{diagnosis} not met{}", when(at)),
            Rule::All(parts) => join(f, parts, " and "),
            Rule::Any(parts) => join(f, parts, " or "),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Rule], word: &str) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(word)?;
        }
        match part {
            Rule::All(p) | Rule::Any(p) if p.len() > 1 => write!(f, "({part})")?,
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}
