//! Why a model has no verified optimum.

use crate::table::counted;
use std::fmt;

/// Why a model has no verified optimum; each kind is its own outcome, never a number.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The likelihood grows without bound as the covariance becomes singular.
    #[error(
        "the likelihood has no maximum: it keeps growing while the covariance of visits {} becomes singular (smallest eigenvalue of the \
         correlation matrix {eigenvalue:.1e}); too few patients have these visits for this covariance structure and mean model: \
         choose a structure with fewer parameters",
        visits.join(", ")
    )]
    Unbounded {
        /// The visits whose combination has a variance that goes to zero.
        visits: Vec<String>,
        /// The smallest eigenvalue of the fitted correlation matrix when the search stopped; zero where counts of patients told
        /// before it began.
        eigenvalue: f64,
    },

    /// The likelihood is bounded but largest at an edge: a parameter at the end of its range, or a singular
    /// covariance of visits that no patient has all of. Variances of random coefficients and unique variances are no
    /// such case: they may vanish, see [`Convergence::boundary`](super::Convergence::boundary).
    #[error(
        "the likelihood is largest at the edge of what the covariance structure can be, where {}, and there are no standard errors at an edge; \
         choose a structure with fewer parameters",
        edge(parameters, visits)
    )]
    AtBoundary {
        /// The parameters at the end of their range; empty where the covariance becomes singular first.
        parameters: Vec<String>,
        /// The visits whose combination has a variance that goes to zero; empty where a parameter ends first.
        visits: Vec<String>,
    },

    /// The data say nothing about a covariance parameter.
    #[error(
        "the data do not determine {}: {}; choose a structure with fewer parameters or leave these visits out",
        parameters.join("; "),
        unseen(never_together, why)
    )]
    NotIdentified {
        /// The parameters, or those of a combination that is not determined.
        parameters: Vec<String>,
        /// The visits on which these parameters depend and that no patient, of the group, was seen at together. Empty
        /// where every such pair was seen, but in too few patients.
        never_together: Vec<VisitPair>,
        /// Why the observations that there are say nothing.
        why: Silence,
    },

    /// The search ended without a verified optimum.
    #[error("no optimum could be verified after {}; choose a structure with fewer parameters", counted(*iterations, "iteration"))]
    NotConverged {
        /// Iterations done.
        iterations: usize,
    },

    /// There are not more observations than columns.
    #[error(
        "{} cannot determine {} of the mean model and a variance; simplify the mean model",
        counted(*observations, "observation"),
        counted(*columns, "column")
    )]
    TooFewObservations {
        /// Observations analysed.
        observations: usize,
        /// Columns of the mean model.
        columns: usize,
    },

    /// The mean model has no column that the data determine.
    #[error("the mean model has no column that the data determine; add at least the intercept")]
    NoColumns,

    /// The covariance has more parameters than there are observations.
    #[error(
        "the covariance of {} has {}, more than the {}; check the column of the visit, or choose a structure with fewer parameters",
        counted(*visits, "visit"),
        counted(*parameters, "parameter"),
        counted(*observations, "observation")
    )]
    TooManyParameters {
        /// Analysed visits.
        visits: usize,
        /// Covariance parameters, of all groups.
        parameters: usize,
        /// Observations analysed.
        observations: usize,
    },

    /// The mean model reproduces every observation.
    #[error(
        "the mean model reproduces every observation exactly, so there is no variance to estimate; check the outcome and the mean model"
    )]
    NoResidualVariation,

    /// Outcomes lie so far outside the others of their visit that nothing can be estimated beside them.
    #[error(
        "the outcome of patient `{patient}` at {visit} is {value:e}, and the middle half of the outcomes there lies between {} and {}{}: no \
         covariance can be estimated beside it; check that value, or leave it out",
        middle.0,
        middle.1,
        and_others(*others)
    )]
    FarOut {
        /// The first such patient.
        patient: String,
        /// The visit.
        visit: String,
        /// The outcome.
        value: f64,
        /// The first and the third quartile of the outcomes at the visit.
        middle: (f64, f64),
        /// How many more outcomes are like that, at any visit.
        others: usize,
    },

    /// The outcome varies so much less at one visit than at another that both cannot be fitted in double precision.
    #[error(
        "the outcome varies {times:.0e} times less at {visit} than at another visit, and double precision does not hold both; measure it in \
         the same unit at all visits, or leave {visit} out"
    )]
    Uneven {
        /// The visit.
        visit: String,
        /// How many times wider the middle half of the outcomes is at the other visit.
        times: f64,
    },

    /// The fit would take much time or memory, and was not told to go on.
    #[error(
        "the fit would take {}: {why}; choose a simpler model, or let it (`--allow-costly`, `Model::allow_costly`)",
        super::cost::amount(*bytes, *seconds)
    )]
    Costly {
        /// The memory it would take, in bytes.
        bytes: f64,
        /// The time it would take on one thread of an ordinary machine.
        seconds: f64,
        /// The part that takes most.
        why: String,
    },

    /// The squares of the outcome are beyond double precision.
    #[error(
        "the outcome goes up to {largest:e} in size, and double precision does not hold the squares of its variance; measure it in another \
         unit"
    )]
    OutOfScale {
        /// The largest outcome in size.
        largest: f64,
    },

    /// The mean model reproduces every observation at some visits, but not at all.
    #[error(
        "the mean model reproduces every observation at {} exactly, so there is no variance to estimate there; leave the visit out, or choose \
         a structure with one variance for all visits",
        visits.join(", ")
    )]
    NoVariationAt {
        /// The visits without variation.
        visits: Vec<String>,
    },

    /// X'WX is singular though the design's rank was checked.
    #[error("the columns of the mean model are too nearly dependent for double precision; centre or rescale the covariates")]
    Singular,

    /// The data say nothing about a variance, or a covariance, of random effects.
    #[error("the data do not determine {}: {confounded}; leave that term out of the model, or give it fewer effects", parameters.join("; "))]
    EffectsNotIdentified {
        /// The parameters, or those of a combination that is not determined.
        parameters: Vec<String>,
        /// What they cannot be distinguished from.
        confounded: Confounded,
    },

    /// Mean and random effects together reproduce every observation.
    #[error(
        "the mean model and the random effects of {} reproduce every observation exactly, so there is no residual variance to estimate; \
         check the outcome, or leave a term out of the model",
        factors.join(", ")
    )]
    NoVariationLeft {
        /// The factors of the random effects.
        factors: Vec<String>,
    },

    /// Crossed factors have so many effects that the matrix which joins them would not fit in memory.
    #[error(
        "the effects of {} are joined by the observations into one matrix of {effects} rows, and the most that is fitted is {most}; leave one of \
         these factors out of the model",
        factors.join(", ")
    )]
    TooManyEffects {
        /// The factors, but for the one with most effects, which is eliminated level by level.
        factors: Vec<String>,
        /// The number of effects that are joined.
        effects: usize,
        /// The most that is fitted.
        most: usize,
    },

    /// No starting value is inside the structure's range.
    #[error(
        "the covariance structure offers no starting value inside its range; leave out groups without variation of their own, or check a \
         structure of your own"
    )]
    NoStart,
}

impl Failure {
    /// A stable identifier, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Failure::Unbounded { .. } => "unbounded-likelihood",
            Failure::AtBoundary { .. } => "covariance-at-boundary",
            Failure::NotIdentified { .. } => "covariance-not-identified",
            Failure::NotConverged { .. } => "not-converged",
            Failure::TooFewObservations { .. } => "too-few-observations",
            Failure::NoColumns => "no-columns",
            Failure::TooManyParameters { .. } => "too-many-parameters",
            Failure::NoResidualVariation => "no-residual-variation",
            Failure::NoVariationAt { .. } => "no-variation-at-visit",
            Failure::FarOut { .. } => "outcome-far-outside",
            Failure::OutOfScale { .. } => "outcome-out-of-scale",
            Failure::Costly { .. } => "costly",
            Failure::Uneven { .. } => "uneven-visits",
            Failure::Singular => "singular-mean-model",
            Failure::NoStart => "no-starting-value",
            Failure::EffectsNotIdentified { .. } => "random-effects-not-identified",
            Failure::NoVariationLeft { .. } => "no-variation-left",
            Failure::TooManyEffects { .. } => "too-many-random-effects",
        }
    }

    /// The failure in a few words, without the remedy: `the data do not determine covariance v2, v3`.
    pub fn brief(&self) -> String {
        match self {
            Failure::Unbounded { visits, .. } => format!("its likelihood has no maximum (visits {})", visits.join(", ")),
            Failure::AtBoundary { parameters, visits } => {
                format!("its likelihood is largest at an edge, where {}", edge(parameters, visits))
            }
            Failure::NotIdentified { parameters, never_together, why } => {
                format!("the data do not determine {} ({})", parameters.join("; "), unseen(never_together, why))
            }
            Failure::FarOut { patient, visit, value, .. } => {
                format!("the outcome of patient `{patient}` at {visit}, {value:e}, lies far outside the others")
            }
            Failure::NoVariationAt { visits } => format!("the mean model reproduces every observation at {}", visits.join(", ")),
            Failure::NotConverged { iterations } => format!("no optimum could be verified after {}", counted(*iterations, "iteration")),
            Failure::Uneven { visit, times } => format!("the outcome varies {times:.0e} times less at {visit} than at another visit"),
            Failure::TooManyParameters { parameters, observations, .. } => {
                format!("its {parameters} parameters are more than the {}", counted(*observations, "observation"))
            }
            Failure::NoStart => "it offers no starting value inside its range".into(),
            Failure::EffectsNotIdentified { parameters, confounded } => {
                format!("the data do not determine {} ({confounded})", parameters.join("; "))
            }
            Failure::TooManyEffects { factors, effects, .. } => format!("the {effects} effects of {} are joined", factors.join(", ")),
            Failure::NoVariationLeft { factors } => {
                format!("the mean model and the random effects of {} reproduce every observation", factors.join(", "))
            }
            Failure::TooFewObservations { .. }
            | Failure::NoColumns
            | Failure::NoResidualVariation
            | Failure::OutOfScale { .. }
            | Failure::Singular => self.to_string(),
            Failure::Costly { bytes, seconds, .. } => format!("it would take {}", super::cost::amount(*bytes, *seconds)),
        }
    }

    /// Whether another covariance structure may have an optimum for the same data and mean model.
    pub fn depends_on_covariance(&self) -> bool {
        match self {
            Failure::Unbounded { .. }
            | Failure::AtBoundary { .. }
            | Failure::NotIdentified { .. }
            | Failure::NotConverged { .. }
            | Failure::NoVariationAt { .. }
            | Failure::FarOut { .. }
            | Failure::Costly { .. }
            | Failure::Uneven { .. }
            | Failure::TooManyParameters { .. }
            | Failure::NoStart => true,
            Failure::EffectsNotIdentified { .. }
            | Failure::NoVariationLeft { .. }
            | Failure::TooManyEffects { .. }
            | Failure::TooFewObservations { .. }
            | Failure::NoColumns
            | Failure::NoResidualVariation
            | Failure::OutOfScale { .. }
            | Failure::Singular => false,
        }
    }
}

/// Why observations say nothing about a covariance parameter.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum Silence {
    /// There are too few, or none, at the visits that it takes.
    TooFew,
    /// Estimating the mean uses up what they say of it, so that the likelihood is constant in it: a visit, for instance,
    /// at which every observation has a mean of its own.
    TakenByMean,
    /// The mean model reproduces those at these visits exactly, whose variance is zero.
    NoVariation {
        /// The visits.
        visits: Vec<String>,
    },
}

/// What random effects cannot be distinguished from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum Confounded {
    /// The residual: a level for every observation.
    Residual,
    /// The mean: a column of the model matrix for every level.
    Mean,
    /// Other random effects, named beside them: the same factor twice.
    EachOther,
    /// Nothing, this factor having one level.
    OneLevel(String),
}

impl fmt::Display for Confounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Confounded::Residual => {
                write!(f, "such effects cannot be distinguished from the residual, there being about one observation for each")
            }
            Confounded::Mean => write!(f, "the columns of the mean model reproduce such effects"),
            Confounded::EachOther => write!(f, "such effects cannot be distinguished from each other"),
            Confounded::OneLevel(factor) => write!(f, "`{factor}` has one level, and a variance takes several"),
        }
    }
}

/// Two visits that nobody was seen at together, or one visit, twice, that nobody was seen at.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct VisitPair {
    /// The covariance group; `None` where everyone has the same covariance.
    pub group: Option<String>,
    /// The earlier visit.
    pub first: String,
    /// The later visit.
    pub second: String,
}

/// `at both v2 and v3`, `at v4 (group a)`.
impl fmt::Display for VisitPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.second {
            true => write!(f, "at {}", self.first)?,
            false => write!(f, "at both {} and {}", self.first, self.second)?,
        }
        self.group.as_ref().map_or(Ok(()), |group| write!(f, " ({group})"))
    }
}

/// What happens at the edge.
fn edge(parameters: &[String], visits: &[String]) -> String {
    match parameters.is_empty() {
        true => format!("the covariance of visits {} becomes singular", visits.join(", ")),
        false => format!("{} ends", parameters.join(", ")),
    }
}

/// `; 2 more outcomes are like it`.
fn and_others(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => " (another outcome is like it)".into(),
        many => format!(" ({many} more outcomes are like it)"),
    }
}

/// Why parameters are not determined.
fn unseen(never_together: &[VisitPair], why: &Silence) -> String {
    const SHOWN: usize = 10;
    if never_together.is_empty() {
        return match why {
            Silence::TooFew => "too few patients have the visits it takes".into(),
            Silence::TakenByMean => {
                "the likelihood is constant in it, since estimating the mean takes all that the observations there say (as where each has a \
                 mean of its own)"
                    .into()
            }
            Silence::NoVariation { visits } => {
                format!("the outcome does not vary at {} beyond what the mean model reproduces exactly", visits.join(", "))
            }
        };
    }
    let shown: Vec<String> = never_together.iter().take(SHOWN).map(VisitPair::to_string).collect();
    let more = never_together.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(", and {} more", counted(more, "pair")) } else { String::new() };
    format!("no patient was seen {}{more}", shown.join(", "))
}
