//! The fitted covariance as readers want it: standard deviations and correlations.

use crate::inference::MomentsFit;
use crate::table::{Column, Format, Tabular, display_as_table};

/// The model covariance of a patient's visits, as standard deviations and correlations.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct FittedCovariance {
    /// Name of the outcome.
    pub outcome: String,
    /// The covariance structure.
    pub structure: String,
    /// The analysed visits.
    pub visits: Vec<String>,
    /// One a covariance group; `all` where everyone shares one.
    pub groups: Vec<GroupCorrelation>,
    /// How the model was fitted.
    pub notes: Vec<String>,
}

/// Standard deviations and correlations of one group of patients.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct GroupCorrelation {
    /// The group.
    pub group: String,
    /// Standard deviation at each visit, in units of the outcome.
    pub sd: Vec<f64>,
    /// Correlation of visits `i` and `j` at `[i][j]`.
    pub correlation: Vec<Vec<f64>>,
}

impl FittedCovariance {
    /// That of a fit.
    pub fn of(fit: &MomentsFit) -> Self {
        let group = |g: &crate::inference::GroupCovariance| {
            let (n, s) = (g.sigma.nrows(), &g.sigma);
            let sd: Vec<f64> = (0..n).map(|i| s[(i, i)].sqrt()).collect();
            let correlation = (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { s[(i, j)] / (sd[i] * sd[j]) }).collect()).collect();
            GroupCorrelation { group: g.group.clone(), sd, correlation }
        };
        Self {
            outcome: fit.columns().outcome().into(),
            structure: fit.covariance_structure().to_string(),
            visits: fit.columns().visit_labels().to_vec(),
            groups: fit.covariances().iter().map(group).collect(),
            notes: fit.notes(),
        }
    }
}

impl Tabular for FittedCovariance {
    fn title(&self) -> String {
        format!("Fitted covariance of {}: standard deviations and correlations", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        let rows = || self.groups.iter().flat_map(|g| (0..self.visits.len()).map(move |t| (g, t)));
        let mut columns = vec![];
        if self.groups.len() > 1 {
            columns.push(Column::text("group", "Group", rows().map(|(g, _)| g.group.as_str())));
        }
        columns.push(Column::text("visit", "Visit", rows().map(|(_, t)| self.visits[t].as_str())));
        columns.push(Column::significant("sd", "SD", 2, rows().map(|(g, t)| g.sd[t])));
        for (j, visit) in self.visits.iter().enumerate() {
            let below = rows().map(|(g, t)| if j < t { g.correlation[t][j] } else { f64::NAN });
            columns.push(Column::real(format!("correlation with {visit}"), &format!("r with {visit}"), Format::Decimals(2), below));
        }
        // No visit is left to correlate with the last.
        columns.truncate(columns.len() - usize::from(!self.visits.is_empty()));
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(FittedCovariance);
