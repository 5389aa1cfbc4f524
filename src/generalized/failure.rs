//! Outcomes of a search without numbers.

use crate::table::counted;

/// Why a model of the mean of a binary outcome or a count has no estimates, and what to do.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotFitted {
    /// The search ended without a solution.
    #[error("no solution was found in {}; simplify the mean model, or choose another working correlation or link", counted(*iterations, "iteration"))]
    NoSolution {
        /// Iterations done.
        iterations: usize,
    },

    /// Some combination of columns predicts outcomes without error, so that coefficients are infinite.
    #[error(
        "{what}, so that {} no finite estimate: leave the term out, join levels, or use Firth's penalised likelihood (penalty `firth`, for one \
         outcome per patient)",
        has(columns)
    )]
    Separated {
        /// What is predicted, a clause: `every outcome of arm A at month 3 is 0`.
        what: String,
        /// The columns without a finite coefficient.
        columns: Vec<String>,
    },

    /// The likelihood is largest where some means are at the end of their range, where it has no standard errors.
    #[error(
        "with the {link} link the likelihood is largest at the edge, where these patients have a mean {edge}: {patients}; no standard error \
         exists there: choose the logit link and standardised probabilities, or the family poisson with its robust covariance"
    )]
    AtBoundary {
        /// The link.
        link: crate::estimates::Link,
        /// Which end, a clause: `of 1`.
        edge: &'static str,
        /// The patients at the edge, a list.
        patients: String,
    },

    /// Means leave the range of the family under the link.
    #[error(
        "the mean of patient `{patient}` at {visit} would be {mean:.4}, and means are {range}: a {link} link does not fit these data; choose \
         the canonical link, or a simpler mean model"
    )]
    MeanOutOfRange {
        /// The first such patient.
        patient: String,
        /// The visit.
        visit: String,
        /// The mean.
        mean: f64,
        /// The range in words.
        range: &'static str,
        /// The link.
        link: crate::estimates::Link,
    },

    /// The working correlation is not positive definite.
    #[error("the {structure} working correlation is not positive definite: {why}; choose one with fewer parameters")]
    WorkingCorrelation {
        /// The structure.
        structure: String,
        /// With which parameters, and what their range is.
        why: String,
    },

    /// A correlation for which too few patients have the visits.
    #[error(
        "the {structure} working correlation of {of} cannot be estimated: it takes more than {}; choose one with \
         fewer parameters",
        counted(*needed, "pair of observations")
    )]
    WorkingCorrelationNotDetermined {
        /// The structure.
        structure: String,
        /// What the parameter is about.
        of: String,
        /// The number of pairs that are not enough.
        needed: usize,
    },

    /// The search for the maximum of a likelihood with random effects did not end.
    #[error("the search for the maximum of the likelihood did not end; simplify the random effects, or the mean model")]
    NoMaximum,

    /// The likelihood grows with the variance of a random effect, without end.
    #[error(
        "the likelihood grows without end with the variance of {of}: outcomes hardly ever differ within a level; leave the effect out, analyse \
         one visit, or use generalized estimating equations"
    )]
    InfiniteVariance {
        /// The effect: `(Intercept) by patient`.
        of: String,
    },

    /// The data do not tell the parameters of random effects apart.
    #[error(
        "the data do not determine the coefficients and the variances of the random effects together; simplify the random effects, or the mean model"
    )]
    VariancesNotDetermined,

    /// The information about the coefficients is singular.
    #[error("the columns of the mean model are too nearly dependent for double precision; centre or rescale the covariates")]
    SingularInformation,

    /// The mean model has no column that the data determine.
    #[error("the mean model has no column that the data determine; add at least the intercept")]
    NoColumn,

    /// No more clusters than columns, from which no robust covariance can be had.
    #[error(
        "{} cannot determine a robust covariance of {}; simplify the mean model, or use the model-based covariance",
        counted(*clusters, "cluster"),
        counted(*columns, "coefficient")
    )]
    TooFewClusters {
        /// Clusters analysed.
        clusters: usize,
        /// Columns of the mean model.
        columns: usize,
    },
}

impl NotFitted {
    /// A stable identifier, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            NotFitted::NoSolution { .. } => "no-solution",
            NotFitted::Separated { .. } => "separation",
            NotFitted::AtBoundary { .. } => "optimum-at-boundary",
            NotFitted::MeanOutOfRange { .. } => "mean-out-of-range",
            NotFitted::WorkingCorrelation { .. } => "working-correlation-not-positive",
            NotFitted::WorkingCorrelationNotDetermined { .. } => "working-correlation-not-determined",
            NotFitted::NoMaximum => "no-maximum",
            NotFitted::InfiniteVariance { .. } => "infinite-variance",
            NotFitted::VariancesNotDetermined => "variances-not-determined",
            NotFitted::SingularInformation => "singular-information",
            NotFitted::NoColumn => "no-determined-column",
            NotFitted::TooFewClusters { .. } => "too-few-clusters",
        }
    }
}

/// `\`x\` has`, `\`x\`, \`y\` have`.
fn has(columns: &[String]) -> String {
    let names: Vec<String> = columns.iter().map(|column| format!("`{column}`")).collect();
    match names.len() {
        0 => "some coefficient has".into(),
        1 => format!("{} has", names[0]),
        _ => format!("{} have", names.join(", ")),
    }
}
