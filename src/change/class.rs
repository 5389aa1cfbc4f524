//! What a patient's change amounts to.

use crate::options::choices;

/// What a patient's change from baseline amounts to, from the worst to the best.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeClass {
    /// Reliably worse, and from the functional range to outside it ([`ClassScheme::Five`] only).
    Harmed,
    /// Reliably worse.
    Deteriorated,
    /// No reliable change.
    Unchanged,
    /// Reliably better.
    Improved,
    /// Reliably better, and from outside the functional range into it.
    Recovered,
}

choices! {
    ChangeClass, "class of change":
    Harmed = "harmed", [], "reliably worse, and out of the functional range";
    Deteriorated = "deteriorated", [], "reliably worse";
    Unchanged = "unchanged", [], "no reliable change";
    Improved = "improved", [], "reliably better";
    Recovered = "recovered", [], "reliably better, and into the functional range";
}

/// Which classes are told apart where there is a cut-off. Without one there are three: improved, unchanged, deteriorated.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ClassScheme {
    /// Recovered, improved, unchanged, deteriorated (Jacobson & Truax 1991; the default).
    #[default]
    Four,
    /// The same, and harmed: who is reliably worse and left the functional range.
    Five,
}

choices! {
    ClassScheme, "classes of change":
    Four = "four", [], "recovered, improved, unchanged, deteriorated";
    Five = "five", [], "the same and harmed, who left the functional range";
}

/// What rates are of: a class, or all who improved reliably.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeCategory {
    /// [`ChangeClass::Recovered`].
    Recovered,
    /// [`ChangeClass::Improved`], which are not recovered.
    Improved,
    /// Both: everyone who is reliably better.
    RecoveredOrImproved,
    /// [`ChangeClass::Unchanged`].
    Unchanged,
    /// [`ChangeClass::Deteriorated`].
    Deteriorated,
    /// [`ChangeClass::Harmed`].
    Harmed,
}

choices! {
    ChangeCategory, "category of change":
    Recovered = "recovered", [], "reliably better, and into the functional range";
    Improved = "improved", [], "reliably better, not recovered";
    RecoveredOrImproved = "recovered-or-improved", [], "reliably better";
    Unchanged = "unchanged", [], "no reliable change";
    Deteriorated = "deteriorated", [], "reliably worse";
    Harmed = "harmed", [], "reliably worse, and out of the functional range";
}

impl ChangeCategory {
    /// Whether it includes a class.
    pub fn includes(self, class: ChangeClass) -> bool {
        match self {
            ChangeCategory::Recovered => class == ChangeClass::Recovered,
            ChangeCategory::Improved => class == ChangeClass::Improved,
            ChangeCategory::RecoveredOrImproved => class >= ChangeClass::Improved,
            ChangeCategory::Unchanged => class == ChangeClass::Unchanged,
            ChangeCategory::Deteriorated => class == ChangeClass::Deteriorated,
            ChangeCategory::Harmed => class == ChangeClass::Harmed,
        }
    }

    /// As tables print it.
    pub fn words(self) -> &'static str {
        match self {
            ChangeCategory::Recovered => "recovered",
            ChangeCategory::Improved => "improved",
            ChangeCategory::RecoveredOrImproved => "recovered or improved",
            ChangeCategory::Unchanged => "unchanged",
            ChangeCategory::Deteriorated => "deteriorated",
            ChangeCategory::Harmed => "harmed",
        }
    }

    /// The categories of rates, from the best to the worst.
    pub(super) fn shown(has_cut_off: bool, scheme: ClassScheme) -> Vec<Self> {
        use ChangeCategory::{Deteriorated, Harmed, Improved, Recovered, RecoveredOrImproved, Unchanged};
        match (has_cut_off, scheme) {
            (false, _) => vec![Improved, Unchanged, Deteriorated],
            (true, ClassScheme::Four) => vec![Recovered, Improved, RecoveredOrImproved, Unchanged, Deteriorated],
            (true, ClassScheme::Five) => vec![Recovered, Improved, RecoveredOrImproved, Unchanged, Deteriorated, Harmed],
        }
    }
}

impl ChangeClass {
    /// The classes, from the worst to the best.
    pub(super) fn shown(has_cut_off: bool, scheme: ClassScheme) -> &'static [Self] {
        use ChangeClass::{Deteriorated, Harmed, Improved, Recovered, Unchanged};
        match (has_cut_off, scheme) {
            (false, _) => &[Deteriorated, Unchanged, Improved],
            (true, ClassScheme::Four) => &[Deteriorated, Unchanged, Improved, Recovered],
            (true, ClassScheme::Five) => &[Harmed, Deteriorated, Unchanged, Improved, Recovered],
        }
    }
}
