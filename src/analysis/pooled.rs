//! A plan run on sums of several sites, so that no row leaves any of them.

use super::plan::Plan;
use super::{FittedCovariance, ModelFacts};
use crate::error::{Error, Interface, Message, Result, Setting};
use crate::fit::TrialMoments;
use crate::inference::{Coefficients, FTest, MomentsFit};
use crate::means::{ContrastOptions, Contrasts, MarginalMeans, MeansOptions};
use crate::table::{Column, Tabular, display_as_table};
use crate::trial::{Schedule, Trial};
use std::sync::Arc;

/// What a site sends: the sums of each outcome of a plan, and no patient's row.
///
/// The plan has to say everything that a file could say differently from site to site: arms, visits, the kind of each
/// covariate and the levels of each factor. As JSON the sums come back as they were, bit for bit.
///
/// Sums are not automatically anonymous: where one patient alone has a pattern of visits, its sums are that patient's
/// values. [`SiteSums::smallest_pattern`] says how many patients the rarest has.
///
/// ```
/// use trialstats::analysis::Plan;
///
/// let plan = Plan::from_toml(
///     r#"
///     primary = "CHANGE"
///     [layout]
///     patient = "PATIENT"
///     arm = "THERAPY"
///     arms = ["PLACEBO", "DRUG"]
///     visit = "VISIT"
///     visits = ["4", "5", "6", "7"]
///     outcomes = ["CHANGE"]
///     covariates = [{ name = "BASVAL", kind = "numeric" }]
///     [model]
///     formula = "BASVAL * visit + arm * visit"
///     "#,
/// )?;
/// let site = plan.sums_of_file("data-samples/antidepressant/antidepressant.csv")?;
/// let result = plan.run_on_sums([site])?;
/// assert_eq!(result.outcomes[0].contrasts.as_ref().map(|c| c.rows.len()), Some(4));
/// # Ok::<(), trialstats::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteSums {
    /// What the document is: [`schema::SITE`](crate::schema::SITE).
    pub schema: String,
    /// Software and version that made it.
    pub software: String,
    /// The name of the file that was summed, without its folder.
    pub source: String,
    /// The sums of the plan's outcomes, the primary first.
    pub outcomes: Vec<OutcomeSums>,
}

/// The sums of an outcome.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeSums {
    /// Its name.
    pub outcome: String,
    /// Its label.
    pub label: String,
    /// The sums, under the design that the plan makes of it.
    pub moments: TrialMoments,
}

/// What a plan found in the sums of its sites.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct PooledResult {
    /// The plan as it ran.
    pub plan: Plan,
    /// The arms, the reference first.
    pub arms: Vec<String>,
    /// The schedule.
    pub schedule: Schedule,
    /// The sites in the order given.
    pub sites: SiteTable,
    /// The primary outcome, then the secondary ones.
    pub outcomes: Vec<PooledOutcome>,
    /// Software and version.
    pub software: String,
}

/// How much each site brought.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct SiteTable {
    /// The sites in the order given.
    pub rows: Vec<SiteRow>,
}

/// What a site brought to the primary outcome.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct SiteRow {
    /// The name of its file.
    pub site: String,
    /// Patients randomized.
    pub randomized: usize,
    /// Patients with an analysed observation.
    pub patients: usize,
    /// Analysed observations.
    pub observations: usize,
    /// Patients of its rarest pattern of visits.
    pub smallest_pattern: Option<usize>,
}

/// What was found for an outcome from sums.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct PooledOutcome {
    /// Its name.
    pub name: String,
    /// Its label.
    pub label: String,
    /// Patients randomized, at all sites together.
    pub randomized: usize,
    /// Observed outcomes that are not analysed: each reason with their number.
    pub excluded: Vec<(String, usize)>,
    /// The model and how its fit went.
    pub model: ModelFacts,
    /// Coefficients of the mean model.
    pub coefficients: Coefficients,
    /// Means of each arm and visit.
    pub means: MarginalMeans,
    /// Change from baseline within each arm, where the model has a baseline.
    pub changes: Option<Contrasts>,
    /// Differences between arms at each visit, where there are several arms.
    pub contrasts: Option<Contrasts>,
    /// The joint test of arm by visit, where both are in the model.
    pub joint: Option<FTest>,
    /// The fitted covariance.
    pub covariance: FittedCovariance,
    /// The fit itself. It is no part of the JSON.
    #[serde(skip)]
    pub fit: Arc<MomentsFit>,
}

impl Plan {
    /// The sums of a site's file, of each of the plan's outcomes.
    ///
    /// # Errors
    /// As [`Plan::read`] for what is wrong with the file; [`Error::Refused`](Error) in the words of a plan where the layout
    /// leaves something to the data (arms, visits, kinds, levels) or the model cannot be fitted from sums.
    pub fn sums_of_file(&self, path: impl AsRef<std::path::Path>) -> Result<SiteSums> {
        let read = || {
            let layout = self.agreed_layout()?;
            let protocol = layout.protocol()?;
            let part = Plan { layout: Some(layout.clone().part_of(&protocol)), ..self.clone() };
            self.sums(&part.read(path)?)
        };
        read().map_err(|error| error.worded_for(Interface::Plan))
    }

    /// The sums of a trial, or of a part of one, that was read by the plan's layout.
    ///
    /// # Errors
    /// As [`Plan::sums_of_file`].
    pub fn sums(&self, part: &Trial) -> Result<SiteSums> {
        let protocol = self.agreed_layout()?.protocol()?;
        let plan = self.agreed()?;
        let sums = |outcome: &str| {
            let design = plan.model.clone().of_outcome(outcome).freeze(&protocol)?;
            let label = part.outcome(outcome)?.label.clone();
            Ok(OutcomeSums { outcome: outcome.into(), label, moments: TrialMoments::of(&design, part)? })
        };
        Ok(SiteSums {
            schema: crate::schema::SITE.into(),
            software: super::run::software(),
            source: super::run::file_name(part.source()),
            outcomes: plan.outcomes().map(sums).collect::<Result<_>>()?,
        })
    }

    /// Runs the plan on the sums of its sites: the models that their patients together would give, to rounding. What needs
    /// rows is not part of it: rates, effect sizes over raw standard deviations, residuals, sensitivity to clusters.
    ///
    /// # Errors
    /// [`Error::DesignsDiffer`] for sums that were made by another plan; otherwise as
    /// [`Model::fit_moments`](crate::Model::fit_moments).
    pub fn run_on_sums(&self, sites: impl IntoIterator<Item = SiteSums>) -> Result<PooledResult> {
        self.pooled(sites.into_iter().collect()).map_err(|error| error.worded_for(Interface::Plan))
    }

    fn pooled(&self, sites: Vec<SiteSums>) -> Result<PooledResult> {
        let plan = self.agreed()?;
        if sites.is_empty() {
            return Err(Error::incomplete("a plan run on sums", "there are no sums", "name the file of every site"));
        }
        let outcomes = plan.outcomes().map(|name| plan.pooled_outcome(name, &sites)).collect::<Result<Vec<_>>>()?;
        let row = |site: &SiteSums| {
            let moments = site.of(&plan.primary)?;
            Ok(SiteRow {
                site: site.source.clone(),
                randomized: moments.moments.randomized(),
                patients: moments.moments.n_patients(),
                observations: moments.moments.n_observations(),
                smallest_pattern: moments.moments.smallest_pattern(),
            })
        };
        let rows = sites.iter().map(row).collect::<Result<_>>()?;
        let protocol = sites[0].of(&plan.primary)?.moments.design().protocol();
        Ok(PooledResult {
            arms: protocol.arms().to_vec(),
            schedule: protocol.schedule().clone(),
            sites: SiteTable { rows },
            outcomes,
            software: super::run::software(),
            plan,
        })
    }

    fn pooled_outcome(&self, name: &str, sites: &[SiteSums]) -> Result<PooledOutcome> {
        let mut all: Option<TrialMoments> = None;
        let mut label = String::new();
        for site in sites {
            let own = site.of(name)?;
            label.clone_from(&own.label);
            match &mut all {
                Some(sum) => sum.merge(&own.moments)?,
                None => all = Some(own.moments.clone()),
            }
        }
        let all = all.ok_or_else(|| Error::incomplete("a plan run on sums", "there are no sums", "name the file of every site"))?;
        let fit = self.model.clone().of_outcome(name).fit_moments(&all).map(Arc::new)?;
        let options = ContrastOptions::default().level(self.level);
        let several = all.design().protocol().arms().len() > 1;
        let by_arm = fit.columns().arm_dimension().is_ok();
        let factors: &[&str] = if by_arm { &["arm", "visit"] } else { &["visit"] };
        let has_baseline = fit.columns().baseline_visit().is_some();
        Ok(PooledOutcome {
            randomized: all.randomized(),
            excluded: all.excluded().to_vec(),
            model: super::run::model_facts(&fit),
            coefficients: fit.coefficients().at_level(self.level)?,
            means: fit.marginal_means(factors, &MeansOptions { level: self.level, ..MeansOptions::default() })?,
            changes: if by_arm && has_baseline { Some(fit.change_from_baseline(&options)?) } else { None },
            contrasts: if by_arm && several { Some(fit.arm_contrasts(&options)?) } else { None },
            joint: fit.arm_by_visit_test().ok(),
            covariance: FittedCovariance::of(&fit),
            name: name.into(),
            label,
            fit,
        })
    }

    /// The plan as it runs wherever the data lie: nothing in it depends on them.
    fn agreed(&self) -> Result<Plan> {
        let protocol = self.agreed_layout()?.protocol()?;
        self.for_protocol(&protocol)
    }

    fn agreed_layout(&self) -> Result<&crate::trial::Layout> {
        self.layout.as_ref().ok_or_else(|| {
            Error::incomplete(
                "sums by the plan",
                "the plan has no layout and does not say what the columns mean",
                Message::from("add ").setting(Setting::Layout),
            )
        })
    }
}

impl SiteSums {
    /// The sums of an outcome.
    fn of(&self, outcome: &str) -> Result<&OutcomeSums> {
        let known: Vec<&str> = self.outcomes.iter().map(|o| o.outcome.as_str()).collect();
        let found = self.outcomes.iter().find(|o| o.outcome == outcome);
        found.ok_or_else(|| Error::unknown("outcome in the sums of the site", outcome, &known))
    }

    /// Patients of the rarest pattern of visits over all outcomes; `None` without patients. Where it is 1, that patient's
    /// values can be read off the sums.
    pub fn smallest_pattern(&self) -> Option<usize> {
        self.outcomes.iter().filter_map(|o| o.moments.smallest_pattern()).min()
    }

    /// The sums as JSON, to be sent.
    ///
    /// # Errors
    /// None that is known; a number that JSON cannot hold would be one.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::conflict("the sums as JSON", error.to_string(), "report this as a bug"))
    }

    /// Reads what [`SiteSums::to_json`] wrote; `name` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Written`] with line and column for what is no such document.
    pub fn from_json(name: &str, text: &str) -> Result<Self> {
        let refused = |line: usize, column: usize, message: String| Error::Written {
            what: name.into(),
            line: (line > 0).then_some(line),
            column: (line > 0).then_some(column),
            message,
        };
        let sums: Self = serde_json::from_str(text).map_err(|error| {
            let message = crate::written::explained(&error.to_string());
            let message = message.rsplit_once(" at line ").map_or(message.clone(), |(message, _)| message.to_string());
            refused(error.line(), error.column(), format!("these are no sums of a site: {message}"))
        })?;
        match sums.schema == crate::schema::SITE {
            true => Ok(sums),
            false => Err(refused(
                0,
                0,
                format!("these are no sums that this version reads: the schema is `{}`, not `{}`", sums.schema, crate::schema::SITE),
            )),
        }
    }
}

impl PooledOutcome {
    /// The differences between arms at a visit.
    pub fn contrasts_at<'a>(&'a self, visit: &'a str) -> impl Iterator<Item = &'a crate::means::Contrast> + 'a {
        self.contrasts.iter().flat_map(|c| &c.rows).filter(move |c| c.visit.as_ref().is_some_and(|v| v == visit))
    }
}

impl Tabular for SiteTable {
    fn title(&self) -> String {
        "What each site brought to the primary outcome".into()
    }

    fn columns(&self) -> Vec<Column> {
        let count = |name: &'static str, heading: &str, of: fn(&SiteRow) -> usize| Column::count(name, heading, self.rows.iter().map(of));
        vec![
            Column::text("site", "site", self.rows.iter().map(|r| r.site.as_str())),
            count("randomized", "randomized", |r| r.randomized),
            count("patients", "analysed", |r| r.patients),
            count("observations", "observations", |r| r.observations),
            count("smallest_pattern", "rarest pattern", |r| r.smallest_pattern.unwrap_or(0)),
        ]
    }

    fn notes(&self) -> Vec<String> {
        vec!["Rarest pattern: patients of the pattern of observed visits that the fewest share; where it is one, sums say that patient's values.".into()]
    }
}

display_as_table!(SiteTable);
