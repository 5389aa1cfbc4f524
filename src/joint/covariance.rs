//! [`JointCovariance`]: the covariance over responses and visits.

use crate::covariance::{Covariance, CovarianceFamily, CovarianceStructure, Exchangeable, Homogeneous, Kronecker, Selected, Unstructured};
use crate::design::Design;
use crate::error::{Error, Result};
use crate::options;
use crate::table::counted;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

/// The covariance of a patient's responses at all visits.
///
/// | structure | Σ of (response r, visit t) and (r', t') | parameters for R responses, T visits | SAS |
/// |---|---|---|---|
/// | [`Unstructured`](JointCovariance::Unstructured) | σ_rt,r't' | RT(RT+1)/2 | `UN` over all cells |
/// | [`Kronecker`](JointCovariance::Kronecker) | (Σ_R)_rr' V_tt', V_11 = 1 | R(R+1)/2 + those of V − 1 | `UN@UN`, `UN@CS`, `UN@AR(1)` |
///
/// A product says much: every response has the same correlations among visits and the same ratios of variances, and
/// the correlation between two responses is the same at every visit.
#[non_exhaustive]
#[derive(Debug, Clone, Default)]
pub enum JointCovariance {
    /// A variance per response and visit and a covariance per pair of them.
    #[default]
    Unstructured,
    /// The product of an unstructured covariance among responses and a structure among visits ([`Kronecker`]).
    Kronecker {
        /// The structure V among visits. Its first variance is held at 1; compound symmetry is then that of a
        /// correlation matrix, as in SAS. Structures whose first parameter is not the variance of the first visit,
        /// such as random coefficients, are refused.
        visits: Covariance,
    },
}

impl JointCovariance {
    /// The covariance on the cells of these designs.
    pub(super) fn on(&self, responses: &[Design]) -> Result<OnCells> {
        let times: BTreeMap<usize, (&String, Option<f64>)> = responses
            .iter()
            .flat_map(|d| d.columns.visits.iter().zip(d.columns.visit_labels.iter().zip(d.columns.visit_times.iter().copied())))
            .map(|(&visit, label)| (visit, label))
            .collect();
        let visits: Vec<usize> = times.keys().copied().collect();
        let position = |visit: &usize| visits.binary_search(visit).unwrap_or(0);
        let on_cells = OnCells {
            covariance: self.clone(),
            responses: responses.iter().map(|d| d.columns.outcome.clone()).collect(),
            visits: times.values().map(|(label, _)| label.to_string()).collect(),
            times: times.values().map(|&(_, time)| time).collect(),
            positions: visits.clone(),
            cells: responses.iter().enumerate().flat_map(|(r, d)| d.columns.visits.iter().map(move |v| (r, position(v)))).collect(),
            selected: None,
        };
        on_cells.whole().map(|_| on_cells)
    }
}

impl JointCovariance {
    /// How tables and reports put it.
    pub fn words(&self) -> String {
        match self {
            JointCovariance::Unstructured => "unstructured (all responses and visits)".into(),
            JointCovariance::Kronecker { visits } => format!("unstructured (responses) ⊗ {visits} (visits)"),
        }
    }
}

/// `unstructured`, or `kronecker(STRUCTURE)`.
impl fmt::Display for JointCovariance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JointCovariance::Unstructured => f.write_str("unstructured"),
            JointCovariance::Kronecker { visits } => write!(f, "kronecker({visits})"),
        }
    }
}

/// `unstructured` or `UN`; `kronecker(ar1)` or SAS's `UN@AR(1)`.
impl FromStr for JointCovariance {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_unstructured = |text: &str| matches!(text.parse(), Ok(Covariance::Unstructured));
        let (name, argument) = options::parts(text);
        match (name.as_str(), argument, text.split_once('@')) {
            ("kronecker", Some(visits), _) => Ok(JointCovariance::Kronecker { visits: visits.parse()? }),
            (.., Some((responses, visits))) if is_unstructured(responses) => Ok(JointCovariance::Kronecker { visits: visits.parse()? }),
            _ if is_unstructured(text) => Ok(JointCovariance::Unstructured),
            _ => Err(Error::unknown("covariance of responses and visits", text, &["unstructured", "kronecker(STRUCTURE)"])),
        }
    }
}

options::serde_by_name!(JointCovariance);

/// A joint covariance with the cells it is for: what the fit takes as a covariance.
#[derive(Debug, Clone)]
pub(super) struct OnCells {
    covariance: JointCovariance,
    responses: Vec<String>,
    /// The visits of any response, in the schedule's order.
    visits: Vec<String>,
    times: Vec<Option<f64>>,
    /// Their positions in the schedule.
    positions: Vec<usize>,
    /// The response and visit of each cell.
    cells: Vec<(usize, usize)>,
    /// The cells of one response; all where none are selected.
    selected: Option<Range<usize>>,
}

impl JointCovariance {
    /// Whether another order of the visits makes another structure of it.
    pub(super) fn depends_on_order(&self) -> bool {
        match self {
            JointCovariance::Unstructured => false,
            JointCovariance::Kronecker { visits } => visits.depends_on_order(),
        }
    }
}

impl OnCells {
    /// All cells as a covariance.
    pub fn covariance(&self) -> Covariance {
        Covariance::Custom(Arc::new(self.clone()))
    }

    /// The block of one response, in the parameters of all.
    pub fn of_cells(&self, cells: Range<usize>) -> Covariance {
        Covariance::Custom(Arc::new(Self { selected: Some(cells), ..self.clone() }))
    }

    fn whole(&self) -> Result<Box<dyn CovarianceStructure>> {
        Ok(match &self.covariance {
            JointCovariance::Unstructured => Box::new(Unstructured::new(self.cells.len())),
            JointCovariance::Kronecker { visits } => {
                let among_visits: Box<dyn CovarianceStructure> = match visits {
                    // With a unit diagonal it is the correlation that is left.
                    Covariance::CompoundSymmetry => Box::new(Homogeneous::new(Exchangeable, self.visits.len())),
                    other => other.bind_in(&self.positions, &self.times, None)?,
                };
                Box::new(Kronecker::new(self.responses.clone(), self.visits.clone(), among_visits, self.cells.clone())?)
            }
        })
    }
}

impl CovarianceFamily for OnCells {
    fn name(&self) -> String {
        self.covariance.words()
    }

    fn bind(&self, times: &[Option<f64>]) -> Result<Box<dyn CovarianceStructure>> {
        let whole = self.whole()?;
        let bound: Box<dyn CovarianceStructure> = match &self.selected {
            None => whole,
            Some(cells) => {
                let labels = self.cells.iter().map(|&(r, t)| format!("{} {}", self.responses[r], self.visits[t])).collect();
                Box::new(Selected::new(whole, cells.clone().collect(), labels))
            }
        };
        if bound.visits() != times.len() {
            return Err(Error::conflict(
                format!("a covariance of {} responses and visits on {}", bound.visits(), counted(times.len(), "visit")),
                "a joint covariance belongs to the joint model it was made for",
                "use JointModel",
            ));
        }
        Ok(bound)
    }
}
