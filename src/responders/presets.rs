//! Named definitions from the literature, each with its source.
//!
//! Those marked *unverified* are in wide use, but their authors' source was not at hand when this crate was written:
//! they are offered by name and never as "the" rule of a trial. Outcomes and diagnoses are those of
//! [`Caps5`](crate::instruments::Caps5) and [`Scid5Pd`](crate::instruments::Scid5Pd) under their default names.
//!
//! A plan or a [`Definition`] in a file refers to a preset by its name with hyphens: `caps5-response`; `caps5` is all
//! of the CAPS-5 ([`caps5`]), and the reliable change has its points in the name: `caps5-reliable-change-13`.
//!
//! | preset | rule | source |
//! |---|---|---|
//! | [`caps5_response`] | drop of 10 points or more | unverified |
//! | [`caps5_reliable_change`] | drop of 12 or of 13 points or more | Marx et al. 2022, two samples |
//! | [`caps5_clinically_significant`] | total of 8 or less | Marx et al. 2022 |
//! | [`caps5_loss_of_diagnosis`] | PTSD criteria no longer met | unverified |
//! | [`caps5_loss_of_diagnosis_below_25`] | the same and total below 25 | unverified |
//! | [`caps5_remission`] | the same and total below 12 | unverified |
//! | [`pd_remission_of_those_met`] | below threshold on every cluster C disorder met at baseline | no rule is published |
//! | [`pd_remission_of_all`] | below threshold on all cluster C disorders | no rule is published |

use super::{Definition, Occasion, Rule};
use crate::error::{Error, Result};
use crate::instruments::Disorder;
use crate::options::choices;

const UNVERIFIED: &str = "widely used; not verified in a published source";
const MARX: &str = "Marx et al. 2022";
const NO_RULE: &str = "no rule for remission of personality disorder is published";

fn had_ptsd() -> Rule {
    Rule::met("ptsd", Occasion::Baseline)
}

fn no_ptsd() -> Rule {
    Rule::not_met("ptsd", Occasion::Visit)
}

/// CAPS-5 at least 10 points below baseline (unverified).
pub fn caps5_response() -> Definition {
    Definition::new("response", Rule::point_drop("caps5", 10.0)).label("Response: CAPS-5 drop of 10 or more").source(UNVERIFIED)
}

/// The sample whose reliable change of the CAPS-5 is used (Marx et al. 2022).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReliableChange {
    /// 12 points.
    Points12,
    /// 13 points, the larger one; also 1.96 · 10 · √(2 (1 − .78)).
    Points13,
}

choices! {
    ReliableChange, "reliable change of the CAPS-5":
    Points12 = "points-12", ["12"], "12 points";
    Points13 = "points-13", ["13"], "13 points";
}

/// CAPS-5 below baseline by a reliable change of 12 or 13 points (Marx et al. 2022 found one in each of two samples).
pub fn caps5_reliable_change(points: ReliableChange) -> Definition {
    let points = match points {
        ReliableChange::Points12 => 12.0,
        ReliableChange::Points13 => 13.0,
    };
    Definition::new(format!("reliable_change_{points}"), Rule::point_drop("caps5", points))
        .label(format!("Reliable change: CAPS-5 drop of {points} or more"))
        .source(MARX)
}

/// CAPS-5 total of 8 or less (Marx et al. 2022).
pub fn caps5_clinically_significant() -> Definition {
    Definition::new("total_at_most_8", Rule::at_most("caps5", 8.0)).label("Clinically significant: CAPS-5 of 8 or less").source(MARX)
}

/// The criteria of PTSD are met at baseline and no longer (unverified).
pub fn caps5_loss_of_diagnosis() -> Definition {
    Definition::new("loss_of_diagnosis", no_ptsd()).label("Loss of PTSD diagnosis").source(UNVERIFIED).required_at_baseline(had_ptsd())
}

/// The criteria of PTSD are no longer met, and the CAPS-5 total is below 25 (unverified).
pub fn caps5_loss_of_diagnosis_below_25() -> Definition {
    Definition::new("no_ptsd_below_25", Rule::All(vec![no_ptsd(), Rule::below("caps5", 25.0)]))
        .label("Loss of PTSD diagnosis and CAPS-5 below 25")
        .source(UNVERIFIED)
        .required_at_baseline(had_ptsd())
}

/// The criteria of PTSD are no longer met, and the CAPS-5 total is below 12 (unverified).
pub fn caps5_remission() -> Definition {
    Definition::new("remission", Rule::All(vec![no_ptsd(), Rule::below("caps5", 12.0)]))
        .label("Remission: no PTSD diagnosis and CAPS-5 below 12")
        .source(UNVERIFIED)
        .required_at_baseline(had_ptsd())
}

fn had_a_cluster_c_disorder() -> Rule {
    Rule::Any(Disorder::CLUSTER_C.iter().map(|d| Rule::met(d.name(), Occasion::Baseline)).collect())
}

/// Below threshold on every cluster C disorder that was met at baseline, for patients with at least one (no rule is
/// published).
pub fn pd_remission_of_those_met() -> Definition {
    let parts = Disorder::CLUSTER_C
        .iter()
        .map(|d| Rule::Any(vec![Rule::not_met(d.name(), Occasion::Baseline), Rule::not_met(d.name(), Occasion::Visit)]))
        .collect();
    Definition::new("pd_remission_met", Rule::All(parts))
        .label("Remission of every cluster C disorder met at baseline")
        .source(NO_RULE)
        .required_at_baseline(had_a_cluster_c_disorder())
}

/// Below threshold on all three cluster C disorders, for patients with at least one at baseline (no rule is published).
pub fn pd_remission_of_all() -> Definition {
    let parts = Disorder::CLUSTER_C.iter().map(|d| Rule::not_met(d.name(), Occasion::Visit)).collect();
    Definition::new("pd_remission_all", Rule::All(parts))
        .label("No cluster C disorder")
        .source(NO_RULE)
        .required_at_baseline(had_a_cluster_c_disorder())
}

/// All of the above on the CAPS-5, reliable change with 13 points.
pub fn caps5() -> Vec<Definition> {
    vec![
        caps5_response(),
        caps5_reliable_change(ReliableChange::Points13),
        caps5_clinically_significant(),
        caps5_loss_of_diagnosis(),
        caps5_loss_of_diagnosis_below_25(),
        caps5_remission(),
    ]
}

/// What makes the definitions of a preset.
type Make = fn() -> Vec<Definition>;

/// The presets by the names that files have for them.
const NAMED: [(&str, Make); 10] = [
    ("caps5", caps5),
    ("caps5-response", || vec![caps5_response()]),
    ("caps5-reliable-change-12", || vec![caps5_reliable_change(ReliableChange::Points12)]),
    ("caps5-reliable-change-13", || vec![caps5_reliable_change(ReliableChange::Points13)]),
    ("caps5-clinically-significant", || vec![caps5_clinically_significant()]),
    ("caps5-loss-of-diagnosis", || vec![caps5_loss_of_diagnosis()]),
    ("caps5-loss-of-diagnosis-below-25", || vec![caps5_loss_of_diagnosis_below_25()]),
    ("caps5-remission", || vec![caps5_remission()]),
    ("pd-remission-of-those-met", || vec![pd_remission_of_those_met()]),
    ("pd-remission-of-all", || vec![pd_remission_of_all()]),
];

/// The names that [`named`] knows.
pub fn names() -> Vec<&'static str> {
    NAMED.iter().map(|(name, _)| *name).collect()
}

/// The definitions of the preset that a file calls `name`: one, or six for `caps5`.
///
/// # Errors
/// [`Error::Unknown`] for a name that is none, with the nearest that is.
///
/// ```
/// use trialstats::responders::presets;
/// assert_eq!(presets::named("caps5-response")?, [presets::caps5_response()]);
/// assert_eq!(presets::named("caps5")?.len(), 6);
/// # Ok::<(), trialstats::Error>(())
/// ```
pub fn named(name: &str) -> Result<Vec<Definition>> {
    let known = NAMED.iter().find(|(known, _)| *known == name);
    known.map(|(_, make)| make()).ok_or_else(|| Error::unknown("preset of a definition of response", name, &names()))
}
