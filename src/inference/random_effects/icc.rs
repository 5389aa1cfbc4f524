//! Intraclass correlations, and what they cost: the design effect.

use super::strata::{Stratum, strata};
use crate::dist::f;
use crate::error::{Error, Result};
use crate::inference::covariance_intervals::{CovarianceInterval, CovarianceIntervalOptions};
use crate::inference::quantities::{CovarianceQuantity, Form, Quantity, sum};
use crate::inference::{Fit, MomentsFit};
use crate::level::{check_level, percent};
use crate::table::{Column, Format, Tabular, display_as_table};
use serde::Serialize;

/// The intraclass correlations of a fit.
#[non_exhaustive]
#[derive(Debug, Clone, Serialize)]
pub struct IntraclassCorrelations {
    /// Arm by arm, visit by visit, factor by factor, and all factors together where there are several.
    pub rows: Vec<IntraclassCorrelation>,
    /// Level and method of the intervals.
    pub options: CovarianceIntervalOptions,
    /// How they were made.
    pub notes: Vec<String>,
}

/// The share of one cluster factor in the variance of an observation, in one arm.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntraclassCorrelation {
    /// The arm.
    pub arm: String,
    /// The covariance group; `all` where there is one.
    pub group: String,
    /// The visit; `None` where all visits have the same variances.
    pub visit: Option<String>,
    /// The cluster factor; `None` for all of them together.
    pub factor: Option<String>,
    /// The share of the factor's effects in the variance of an observation; 0 in an arm without such clusters.
    pub icc: f64,
    /// Its standard error by the delta method; NaN where there are no clusters or their variance has vanished.
    pub se: f64,
    /// The lower limit; NaN where there are no clusters.
    pub lower: f64,
    /// The upper limit; NaN where there are no clusters.
    pub upper: f64,
    /// The clusters that the arm's analysed patients are in.
    pub clusters: usize,
    /// The arm's analysed patients, of the covariance group and at the visit.
    pub patients: usize,
    /// The mean size of a patient's cluster, Σm²/Σm over the clusters' numbers m of the arm's patients; NaN without
    /// clusters and for all factors together.
    pub cluster_size: f64,
    /// What the variance of the arm's mean is multiplied by, other things being equal.
    pub design_effect: f64,
    /// Patients over design effect: as many without clusters would tell as much.
    pub effective_sample_size: f64,
}

impl Fit {
    /// Intraclass correlations and design effects by arm.
    ///
    /// The intraclass correlation of a cluster factor is z'Gz, the variance of its effects on an observation, over
    /// the total: the same of all factors, plus Σ_tt. z'Gz is averaged over the arm's analysed observations that
    /// belong to a cluster. There is one row an arm where all visits have the same variances, and one per visit where
    /// they do not; arms whose patients have different Σ (covariance groups) have one for each.
    ///
    /// The design effect is 1 + (m̄ − 1) ICC (Kish 1965, Survey Sampling, §5.4) with m̄ = Σm²/Σm for clusters of
    /// unequal size, which is m̄' (1 + CV²) for their plain mean m̄' and coefficient of variation CV with divisor n
    /// (Eldridge, Ashby & Kerry 2006, Int J Epidemiol 35:1292–1300). Sizes count the arm's analysed patients. For all
    /// factors together it is 1 + Σ (m̄ − 1) ICC. That is what clusters do to the variance of an unadjusted mean of
    /// an arm; a comparison of arms within clusters loses less.
    ///
    /// Limits are by profile likelihood (the default), or as [`CovarianceIntervalOptions::method`] says: on the log
    /// odds ([`Wald`](crate::inference::CovarianceIntervalMethod::Wald)), or by Satterthwaite's approximation (1946,
    /// Biometrics Bulletin 2:110–114), the ratio of the clusters' variance to the rest being taken for a multiple of
    /// an F variable with 2v²/Var(v) degrees of freedom for each of the two.
    ///
    /// ```
    /// # use trialstats::{Model, simulate::Gaussian};
    /// # fn main() -> trialstats::Result<()> {
    /// let trial = Gaussian::new(["before", "after"]).arm("a", 40, [5.0, 5.0]).arm("b", 40, [5.0, 4.0]).groups("group", "b", 8, [1.0, 1.0]).trial(1, 0)?;
    /// let fit = Model::formula("y ~ arm * visit + (1 | group) + cs(visit | patient)")?.fit(&trial)?;
    /// let icc = fit.icc(&Default::default())?;
    /// assert_eq!((icc.rows[0].icc, icc.rows[0].design_effect), (0.0, 1.0));
    /// assert_eq!(icc.rows[1].cluster_size, 8.0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a level outside (0, 1), where the covariance takes coordinates
    /// that differ by patient, and for one response of a joint fit; [`Error::NoPatients`](crate::Error::NoPatients)
    /// for a fit from moments.
    pub fn icc(&self, options: &CovarianceIntervalOptions) -> Result<IntraclassCorrelations> {
        self.icc_of(options, |_| true)
    }

    /// The same at one visit alone, which takes a fraction of the time where variances differ by visit; rows that
    /// hold for all visits are among them.
    ///
    /// # Errors
    /// As [`Fit::icc`]; [`Error::Unknown`](crate::Error::Unknown) for a visit that is not analysed.
    pub fn icc_at(&self, visit: &str, options: &CovarianceIntervalOptions) -> Result<IntraclassCorrelations> {
        let visits = self.design().visit_labels();
        let at = visits.iter().position(|v| v == visit).ok_or_else(|| Error::unknown("visit", visit, visits))?;
        self.icc_of(options, |stratum| stratum.visit.is_none_or(|t| t == at))
    }

    fn icc_of(&self, options: &CovarianceIntervalOptions, wanted: impl Fn(&Stratum) -> bool) -> Result<IntraclassCorrelations> {
        check_level(options.level)?;
        self.check_shared_covariance("intraclass correlations")?;
        let strata: Vec<Stratum> = strata(self).into_iter().filter(wanted).collect();
        let factors = self.design().random().len();
        let shares: Vec<(&Stratum, Option<usize>)> = strata
            .iter()
            .flat_map(|stratum| (0..factors).map(Some).chain((factors != 1).then_some(None)).map(move |factor| (stratum, factor)))
            .collect();
        let wanted: Vec<Quantity> = shares.iter().filter_map(|&(stratum, factor)| self.share(stratum, factor)).collect();
        let (intervals, remarks) = self.intervals_of(&wanted, options);
        let mut intervals = intervals.into_iter();
        let rows = shares
            .iter()
            .map(|&(stratum, factor)| {
                let interval = stratum.has(factor).then(|| intervals.next()).flatten();
                self.icc_row(stratum, factor, interval)
            })
            .collect();
        let mut notes = self.interval_notes(options);
        notes.push("Share of the clusters in the variance of an observation of the arm. Design effect 1 + (m̄ − 1) ICC with m̄ = Σm²/Σm over clusters of m patients of the arm (Kish 1965; Eldridge et al. 2006).".into());
        if self.design().rows.weights.is_some() {
            notes.push("Of an observation of weight 1.".into());
        }
        notes.extend(remarks);
        Ok(IntraclassCorrelations { rows, options: *options, notes })
    }

    /// The share of a factor, or of all, in the variance of the stratum's observations; `None` where it has no such
    /// clusters.
    fn share(&self, stratum: &Stratum, factor: Option<usize>) -> Option<Quantity> {
        if !stratum.has(factor) {
            return None;
        }
        let terms = self.fitted_terms();
        let of = |f: usize| stratum.clusters[f].variance(&terms[f]);
        let over = match factor {
            Some(f) => of(f),
            None => (0..terms.len()).flat_map(of).collect(),
        };
        let under = (0..terms.len()).flat_map(of).chain([(1.0, stratum.residual())]).collect();
        let label = format!("ICC of {}", self.describe(stratum, factor));
        Some(Quantity { kind: CovarianceQuantity::IntraclassCorrelation, group: None, label, form: Form::Ratio { over, under } })
    }

    fn describe(&self, stratum: &Stratum, factor: Option<usize>) -> String {
        let design = self.design();
        let factor = factor.map_or("all factors", |f| design.random()[f].factor());
        let arm = &design.columns.arms[stratum.arm];
        match stratum.visit {
            Some(t) => format!("{factor} in {arm} at {}", design.visit_labels()[t]),
            None => format!("{factor} in {arm}"),
        }
    }

    fn icc_row(&self, stratum: &Stratum, factor: Option<usize>, interval: Option<CovarianceInterval>) -> IntraclassCorrelation {
        let design = self.design();
        let theta = &self.optimum().theta;
        let own_share = |f: usize| self.share(stratum, Some(f)).map_or(0.0, |q| q.form.curve(self.optimum(), theta).value);
        let inflation = |f: usize| if stratum.has(Some(f)) { (stratum.clusters[f].mean_size() - 1.0) * own_share(f) } else { 0.0 };
        let design_effect = 1.0 + factor.map_or_else(|| (0..design.random().len()).map(inflation).sum(), inflation);
        let limit = |of: fn(&CovarianceInterval) -> f64| interval.as_ref().map_or(f64::NAN, of);
        IntraclassCorrelation {
            arm: design.columns.arms[stratum.arm].clone(),
            group: design.groups()[stratum.group].clone(),
            visit: stratum.visit.map(|t| design.visit_labels()[t].clone()),
            factor: factor.map(|f| design.random()[f].factor().to_string()),
            icc: interval.as_ref().map_or(0.0, |i| i.estimate),
            se: limit(|i| i.se),
            lower: limit(|i| i.lower),
            upper: limit(|i| i.upper),
            clusters: factor.map_or_else(|| stratum.clusters.iter().map(|c| c.sizes.len()).sum(), |f| stratum.clusters[f].sizes.len()),
            patients: stratum.patients,
            cluster_size: factor.map_or(f64::NAN, |f| stratum.clusters[f].mean_size()),
            design_effect,
            effective_sample_size: stratum.patients as f64 / design_effect,
        }
    }
}

impl MomentsFit {
    /// Limits of a share o/u by F: (o/(u − o)) over quantiles with 2v²/Var(v) degrees of freedom for v = o and v = u
    /// − o.
    pub(in crate::inference) fn satterthwaite_share(&self, form: &Form, level: f64) -> (f64, f64) {
        let Form::Ratio { over, under } = form else { return (f64::NAN, f64::NAN) };
        let (optimum, theta) = (self.optimum(), &self.optimum().theta);
        let (over, under) = (sum(over, optimum, theta), sum(under, optimum, theta));
        let rest = under.value - over.value;
        let df = |value: f64, gradient| 2.0 * value * value / self.variance_along(gradient);
        let df_over = df(over.value, over.over.gradient.clone());
        let df_rest = df(rest, under.over.gradient - over.over.gradient);
        if !(df_over.is_finite() && df_rest.is_finite() && df_over > 0.0) {
            return (f64::NAN, f64::NAN);
        }
        let limit = |p: f64| {
            let ratio = over.value / rest / f::quantile(p, df_over, df_rest);
            ratio / (1.0 + ratio)
        };
        (limit(0.5 + 0.5 * level), limit(0.5 - 0.5 * level))
    }
}

impl IntraclassCorrelations {
    /// The row of an arm, visit and factor; `None` for what holds at all visits, and for all factors together.
    pub fn get(&self, arm: &str, visit: Option<&str>, factor: Option<&str>) -> Option<&IntraclassCorrelation> {
        self.rows.iter().find(|r| r.arm == arm && r.visit.as_deref() == visit && r.factor.as_deref() == factor)
    }
}

impl Tabular for IntraclassCorrelations {
    fn title(&self) -> String {
        "Intraclass correlations".into()
    }

    fn columns(&self) -> Vec<Column> {
        let real = |name, heading: &str, decimals, of: fn(&IntraclassCorrelation) -> f64| {
            Column::real(name, heading, Format::Decimals(decimals), self.rows.iter().map(of))
        };
        let count = |name, heading, of: fn(&IntraclassCorrelation) -> usize| Column::count(name, heading, self.rows.iter().map(of));
        let mut columns = vec![Column::text("arm", "Arm", self.rows.iter().map(|r| r.arm.as_str()))];
        if self.rows.iter().any(|r| r.group != r.arm && r.group != "all") {
            columns.push(Column::text("group", "Group", self.rows.iter().map(|r| r.group.as_str())));
        }
        if self.rows.iter().any(|r| r.visit.is_some()) {
            columns.push(Column::text("visit", "Visit", self.rows.iter().map(|r| r.visit.as_deref().unwrap_or("all"))));
        }
        columns.extend([
            Column::text("factor", "Cluster", self.rows.iter().map(|r| r.factor.as_deref().unwrap_or("all factors"))),
            real("icc", "ICC", 3, |r| r.icc),
            real("se", "SE", 3, |r| r.se),
            real("lower", &format!("{} lower", percent(self.options.level)), 3, |r| r.lower),
            real("upper", &format!("{} upper", percent(self.options.level)), 3, |r| r.upper),
            count("clusters", "Clusters", |r| r.clusters),
            count("patients", "n", |r| r.patients),
            real("cluster_size", "Mean size", 2, |r| r.cluster_size),
            real("design_effect", "Design effect", 2, |r| r.design_effect),
            real("effective_sample_size", "Eff. n", 1, |r| r.effective_sample_size),
        ]);
        columns
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(IntraclassCorrelations);
