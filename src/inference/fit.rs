//! [`Fit`]: what was found.

use super::between_within::BetweenWithin;
use super::fallback::{Attempt, Fallback};
use super::information::Information;
use super::joint::Whole;
use super::kenward_roger::Bends;
use super::sandwich::Sandwich;
use super::{Coefficients, Df, Estimate, FTest, InformationKind, Vcov, kenward_roger, satterthwaite};
use crate::covariance::Covariance;
use crate::design::{Design, PatientClusters};
use crate::error::{Error, Result};
use crate::fit::optimum::Optimum;
use crate::fit::{Convergence, Estimation, Moments};
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use std::sync::{Arc, OnceLock};

/// A fitted model: estimates, their covariance, and everything that follows from them as methods.
///
/// What is costly (second derivatives, the Kenward–Roger adjustment) is computed when first asked for and kept.
#[derive(Debug)]
pub struct Fit {
    design: Arc<Design>,
    covariance: Covariance,
    estimation: Estimation,
    df: Df,
    information_kind: InformationKind,
    vcov_method: Vcov,
    fallback: Fallback,
    optimum: Arc<Optimum>,
    /// The joint fit of several responses that this is one response of.
    pub(super) whole: Option<Whole>,
    beta: Vec<f64>,
    covariances: Vec<GroupCovariance>,
    information: OnceLock<Information>,
    sandwich: OnceLock<Sandwich>,
    between_within: OnceLock<BetweenWithin>,
    centred_vcov: OnceLock<DMatrix<f64>>,
    vcov: OnceLock<DMatrix<f64>>,
}

/// The fitted covariance of one group of patients.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupCovariance {
    /// The group; `all` where every patient has the same covariance.
    pub group: String,
    /// Σ on the analysed visits, T × T, in squared units of the outcome.
    pub sigma: DMatrix<f64>,
}

impl Fit {
    pub(crate) fn new(design: impl Into<Arc<Design>>, covariance: Covariance, estimation: Estimation, df: Df, optimum: Optimum) -> Self {
        let design = design.into();
        let mut beta = vec![f64::NAN; design.columns.len()];
        let mut active = optimum.beta.clone();
        optimum.centring.coefficients(active.as_mut_slice());
        optimum.kept.iter().zip(active.iter()).for_each(|(&c, &b)| beta[c] = b);
        let covariances = design
            .columns
            .groups
            .iter()
            .zip(optimum.covariances())
            .map(|(group, sigma)| GroupCovariance { group: group.clone(), sigma })
            .collect();
        Self::found(design, covariance, estimation, df, Arc::new(optimum), None, beta, covariances)
    }

    /// A fit of what is known already; nothing else is computed yet.
    #[allow(clippy::too_many_arguments, reason = "each is a field")]
    pub(super) fn found(
        design: impl Into<Arc<Design>>,
        covariance: Covariance,
        estimation: Estimation,
        df: Df,
        optimum: Arc<Optimum>,
        whole: Option<Whole>,
        beta: Vec<f64>,
        covariances: Vec<GroupCovariance>,
    ) -> Self {
        Self {
            design: design.into(),
            covariance,
            estimation,
            df,
            information_kind: InformationKind::default(),
            vcov_method: Vcov::default(),
            fallback: Fallback::default(),
            optimum,
            whole,
            beta,
            covariances,
            information: OnceLock::new(),
            sandwich: OnceLock::new(),
            between_within: OnceLock::new(),
            centred_vcov: OnceLock::new(),
            vcov: OnceLock::new(),
        }
    }

    /// The same model with another optimum.
    pub(super) fn with_optimum(&self, optimum: Optimum) -> Self {
        Self::new(self.design.clone(), self.covariance.clone(), self.estimation, self.df, optimum)
            .with_information(self.information_kind)
            .with_vcov(self.vcov_method)
            .with_fallback(self.fallback.clone())
    }

    /// The same fit with the data that it is of.
    pub(super) fn with_design(mut self, design: Design) -> Self {
        self.design = Arc::new(design);
        self
    }

    /// The design that was fitted.
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// The covariance structure.
    pub fn covariance_structure(&self) -> &Covariance {
        &self.covariance
    }

    /// The covariance structures that were tried first and given up, in their order, with the reason; none unless
    /// [`Model::covariance_else`](crate::Model::covariance_else) stated what to fall back on.
    pub fn attempts(&self) -> &[Attempt] {
        &self.fallback.attempts
    }

    /// The covariance structures agreed on, in their order, where there were several.
    pub fn planned_covariances(&self) -> &[Covariance] {
        &self.fallback.planned
    }

    pub(crate) fn with_fallback(mut self, fallback: Fallback) -> Self {
        self.fallback = fallback;
        self
    }

    /// Restricted or full maximum likelihood.
    pub fn estimation(&self) -> Estimation {
        self.estimation
    }

    /// The method for degrees of freedom.
    pub fn df_method(&self) -> Df {
        self.df
    }

    /// Whether degrees of freedom and adjustments rest on the observed or the expected information of the covariance
    /// parameters.
    pub fn information_kind(&self) -> InformationKind {
        self.information_kind
    }

    pub(crate) fn with_information(mut self, kind: InformationKind) -> Self {
        self.information_kind = kind;
        self
    }

    /// Where the covariance of the coefficients comes from.
    pub fn vcov_method(&self) -> Vcov {
        self.vcov_method
    }

    pub(crate) fn with_vcov(mut self, vcov: Vcov) -> Self {
        self.vcov_method = vcov;
        self
    }

    /// The sums over patterns of visits from which it was fitted: all that the likelihood needs of the data. The
    /// outcome is measured from [`Moments::origin`], and covariates whose mean is over 100 standard deviations from
    /// zero are measured from that mean. `None` where coordinates that differ by patient give each a covariance of
    /// his own, for which no sums suffice.
    pub fn moments(&self) -> Option<&Moments> {
        self.optimum.moments.as_ref()
    }

    /// ∂θ/∂η' of the working parameters that [`Fit::covariance_parameters_vcov`] is about, where a variance is at its
    /// boundary.
    pub(super) fn information_at_boundary(&self) -> Option<&DMatrix<f64>> {
        self.information().jacobian.as_ref()
    }

    /// The optimum.
    pub(super) fn optimum(&self) -> &Optimum {
        &self.optimum
    }

    /// The optimum, to be shared.
    pub(super) fn shared_optimum(&self) -> Arc<Optimum> {
        Arc::clone(&self.optimum)
    }

    /// How the search for the optimum ended.
    pub fn convergence(&self) -> &Convergence {
        &self.optimum.convergence
    }

    /// The (restricted) log-likelihood at the optimum: with (N − p) log 2π and without log|X'X|, as SAS, mmrm, lme4
    /// and nlme have it.
    pub fn log_likelihood(&self) -> f64 {
        -0.5 * self.optimum.value
    }

    /// The number of observations analysed; of one response of a joint model, its own.
    pub fn n_observations(&self) -> usize {
        if self.whole.is_some() { self.design.n_observations() } else { self.optimum.observations }
    }

    /// The number of patients analysed: those with at least one analysed observation.
    pub fn n_patients(&self) -> usize {
        self.design.n_patients()
    }

    /// The rank of the model matrix.
    pub fn rank(&self) -> usize {
        self.design.columns.len() - self.design.account.aliased.len()
    }

    /// The coefficients β, one a column of the model matrix; NaN for aliased columns.
    pub fn beta(&self) -> &[f64] {
        &self.beta
    }

    /// The covariance of β, p × p: (X'WX)⁻¹, Kenward and Roger's adjusted one where the degrees of freedom are
    /// theirs, or a cluster-robust one where the model asked for it ([`Fit::vcov_method`]). NaN for aliased columns.
    pub fn vcov(&self) -> &DMatrix<f64> {
        self.vcov.get_or_init(|| {
            if let Some(whole) = &self.whole {
                return whole.vcov_of(self.beta.len());
            }
            let mut active = self.centred_vcov().clone();
            self.optimum.centring.covariance(&mut active);
            let mut vcov = DMatrix::from_element(self.beta.len(), self.beta.len(), f64::NAN);
            for (j, &b) in self.optimum.kept.iter().enumerate() {
                for (i, &a) in self.optimum.kept.iter().enumerate() {
                    vcov[(a, b)] = active[(i, j)];
                }
            }
            vcov
        })
    }

    /// Σ of each group of patients, on the analysed visits.
    pub fn covariances(&self) -> &[GroupCovariance] {
        &self.covariances
    }

    /// The covariance parameters by name, in the structure's natural parameters.
    pub fn covariance_parameters(&self) -> Vec<(String, f64)> {
        self.optimum.parameter_names.iter().cloned().zip(self.optimum.theta.iter().copied()).collect()
    }

    /// The asymptotic covariance of the covariance parameters, from the observed information, or the expected
    /// where the model asks for it. In the order of
    /// [`Fit::covariance_parameters`]; where a variance is at its boundary, of the parameters of the Cholesky factor
    /// instead.
    pub fn covariance_parameters_vcov(&self) -> &DMatrix<f64> {
        &self.information().covariance
    }

    /// The table of coefficients.
    pub fn coefficients(&self) -> Coefficients {
        let mut notes = self.notes();
        let mut row = |c: usize| {
            let label = &self.design.columns[c].name;
            let undetermined = Estimate::new(label, f64::NAN, f64::NAN, f64::NAN);
            let Some(position) = self.optimum.kept.iter().position(|&kept| kept == self.first_column() + c) else {
                return undetermined;
            };
            let mut unit = vec![0.0; self.optimum.kept.len()];
            unit[position] = 1.0;
            self.active_estimate(label, unit).unwrap_or_else(|refusal| {
                notes.push(format!("{refusal}."));
                undetermined
            })
        };
        let rows = (0..self.beta.len()).map(&mut row).collect();
        if !self.design.account.aliased.is_empty() {
            let names: Vec<&str> = self.design.account.aliased.iter().map(|a| self.design.columns[a.column].name.as_str()).collect();
            notes.push(format!("Aliased columns are held at zero: {}.", names.join(", ")));
        }
        Coefficients { rows, notes }
    }

    /// How the model was fitted, a sentence each: what every table made from it carries in its notes.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.opening().to_vec();
        notes.extend(self.fallback.note());
        if self.information_kind == InformationKind::Expected && self.uses_information() {
            notes.push("Covariance of the covariance parameters from the expected information.".into());
        }
        if self.vcov_method.is_cluster_robust() {
            notes.extend(self.sandwich().notes(&self.whole_fit().design, self.vcov_method, self.df));
        }
        notes.extend(self.whole.as_ref().map(Whole::note));
        if !self.optimum.sigmas.are_shared() {
            notes.push("The covariance takes coordinates that differ by patient; matrices shown are those of a patient with the fewest visits missed.".into());
        }
        // What vanished of the effects of clusters is told as a direction.
        let of_sigma = &self.optimum.parameter_names[..self.first_of_effects()];
        let boundary: Vec<&str> = self.convergence().boundary.iter().filter(|name| of_sigma.contains(name)).map(String::as_str).collect();
        if !boundary.is_empty() {
            notes.push(format!("At the boundary (estimated as zero): {}.", boundary.join("; ")));
        }
        notes.extend(self.singular_note());
        notes
    }

    /// The first of the notes: the model, and how much data.
    pub(super) fn opening(&self) -> [String; 2] {
        let likelihood = match self.estimation {
            Estimation::Reml => "restricted maximum likelihood",
            Estimation::Ml => "maximum likelihood",
        };
        [
            sentence(&format!("{} covariance, {likelihood}, {} degrees of freedom.", self.covariance, self.df.words())),
            format!("{} observations of {} patients.", self.n_observations(), self.n_patients()),
        ]
    }

    /// Refuses what takes patients to be independent, where effects of clusters tie them together.
    pub(super) fn must_have_no_clusters(&self, what: &str) -> Result<()> {
        match self.design.rows.random.first() {
            None => Ok(()),
            Some(term) => Err(Error::invalid(
                format!("{what} of this fit"),
                format!("it has random effects of `{}`, and {what} would take patients to be independent", term.factor),
                "fit the model without the clusters for it",
            )),
        }
    }

    /// The estimate of l'β for one weight a column of the model matrix.
    ///
    /// # Errors
    /// [`Error::Invalid`] where `l` has another length, [`Error::NotEstimable`] where the data do not determine l'β.
    pub fn estimate(&self, label: &str, l: &[f64]) -> Result<Estimate> {
        match &self.whole {
            Some(whole) => whole.fit.estimate(label, &whole.padded(label, l, self.beta.len())?),
            None => self.active_estimate(label, self.active(label, l)?),
        }
    }

    /// The estimate for one weight a fitted column.
    fn active_estimate(&self, label: &str, mut active: Vec<f64>) -> Result<Estimate> {
        let given = active.clone();
        self.optimum.centring.weights(&mut active);
        self.weighed_estimate(label, Some(&given), DVector::from_vec(active))
    }

    /// The estimate for one weight a fitted column, as centred.
    pub(super) fn centred_estimate(&self, label: &str, vector: DVector<f64>) -> Result<Estimate> {
        self.weighed_estimate(label, None, vector)
    }

    /// The estimate for the weights of the fitted columns as centred, and as they were given where they were.
    fn weighed_estimate(&self, label: &str, given: Option<&[f64]>, vector: DVector<f64>) -> Result<Estimate> {
        if let Some(whole) = &self.whole {
            return whole.fit.weighed_estimate(label, given, vector);
        }
        let estimate = vector.dot(&self.optimum.beta);
        let phi = &self.optimum.phi;
        let df = match self.df {
            Df::BetweenWithin => self.between_within_df(label, given.unwrap_or(vector.as_slice()))?,
            Df::Satterthwaite if self.vcov_method.is_cluster_robust() => self.sandwich_df(given, &vector),
            Df::Residual => self.residual_df(),
            Df::Asymptotic => f64::INFINITY,
            Df::Satterthwaite | Df::KenwardRoger | Df::KenwardRogerLinear | Df::KenwardRoger2 => {
                satterthwaite::df(self.information(), phi, &vector)
            }
        };
        let variance = (vector.transpose() * self.centred_vcov() * &vector)[0];
        // What is left of a sum of squares that should be zero is rounding.
        if self.vcov_method.is_cluster_robust() && (df.is_nan() || variance <= 1e-20 * vector.dot(&(phi * &vector))) {
            let why = format!("no residual tells its variance: the {} that bear on it are fitted exactly", self.cluster_word());
            return Err(Error::NotEstimable { estimate: label.into(), why });
        }
        if variance < 0.0 {
            return Err(Error::NotEstimable {
                estimate: label.into(),
                why: format!(
                    "the {} adjustment makes its variance negative: too few patients for this covariance structure",
                    self.df.words()
                ),
            });
        }
        Ok(Estimate::new(label, estimate, variance.sqrt(), df))
    }

    /// The joint test that every row of `l` (k × p) times β is zero. Rows that depend on others count once.
    /// Satterthwaite's degrees of freedom depend on the rows in which a hypothesis is written, Kenward and Roger's do
    /// not; the rows are taken as they are given.
    ///
    /// # Errors
    /// As [`Fit::estimate`], for any row; [`Error::Invalid`] where all rows are zero.
    pub fn f_test(&self, label: &str, l: &DMatrix<f64>) -> Result<FTest> {
        if let Some(whole) = &self.whole {
            return whole.f_test(label, l, self.beta.len());
        }
        let mut rows = DMatrix::zeros(l.nrows(), self.optimum.kept.len());
        let mut between_within = f64::INFINITY;
        for r in 0..l.nrows() {
            let full: Vec<f64> = l.row(r).iter().copied().collect();
            let mut active = self.active(label, &full)?;
            if self.df == Df::BetweenWithin {
                between_within = between_within.min(self.between_within_df(label, &active)?);
            }
            self.optimum.centring.weights(&mut active);
            rows.row_mut(r).copy_from_slice(&active);
        }
        let independent = independent_rows(&rows, &self.optimum.phi);
        if independent.nrows() == 0 {
            return Err(Error::invalid(
                format!("test `{label}`"),
                "every row of the hypothesis is zero",
                "name a term that is in the model",
            ));
        }
        let k = independent.nrows();
        let independent = match self.vcov_method {
            Vcov::ModelBased => independent,
            _ => independent_rows(&independent, self.centred_vcov()),
        };
        if independent.nrows() < k {
            return Err(Error::NotEstimable {
                estimate: label.into(),
                why: format!(
                    "the {} covariance of the hypothesis is singular: too few {} bear on it",
                    self.vcov_method.words(),
                    self.cluster_word()
                ),
            });
        }
        let value = &independent * &self.optimum.beta;
        let vcov = &independent * self.centred_vcov() * independent.transpose();
        let solved = vcov
            .cholesky()
            .map(|c| c.solve(&value))
            .ok_or_else(|| Error::NotEstimable { estimate: label.into(), why: "the covariance of the hypothesis is singular".into() })?;
        let wald = value.dot(&solved) / k as f64;
        let phi = &self.optimum.phi;
        let (f, denom_df) = match self.df {
            Df::Residual => (wald, self.residual_df()),
            Df::Asymptotic => (wald, f64::INFINITY),
            Df::BetweenWithin => (wald, between_within),
            Df::Satterthwaite if self.vcov_method.is_cluster_robust() => {
                let nu = self.sandwich().degrees_of_freedom(&self.design, &self.optimum, &independent.transpose());
                (wald, satterthwaite::denominator_df(&nu))
            }
            Df::Satterthwaite => {
                // The rows are uncorrelated, so the F statistic is the mean of their squared t statistics.
                let nu: Vec<f64> = independent.row_iter().map(|r| satterthwaite::df(self.information(), phi, &r.transpose())).collect();
                (wald, satterthwaite::denominator_df(&nu))
            }
            Df::KenwardRoger | Df::KenwardRogerLinear | Df::KenwardRoger2 => {
                let scaling = kenward_roger::scaling(self.information(), phi, &independent).ok_or_else(|| Error::NotEstimable {
                    estimate: label.into(),
                    why: "the covariance of the hypothesis is singular".into(),
                })?;
                (scaling.lambda * wald, scaling.m)
            }
        };
        Ok(FTest::new(label, k, denom_df, f))
    }

    pub(super) fn information(&self) -> &Information {
        match &self.whole {
            Some(whole) => whole.fit.information(),
            None => self.information.get_or_init(|| Information::of(&self.optimum, self.information_kind)),
        }
    }

    fn residual_df(&self) -> f64 {
        (self.optimum.observations - self.optimum.kept.len()) as f64
    }

    /// The position of this design's first column among those of the design that was fitted.
    fn first_column(&self) -> usize {
        self.whole.as_ref().map_or(0, |whole| whole.first_column)
    }

    /// The covariance of the coefficients of the fitted columns, as centred: what standard errors come from.
    pub(super) fn centred_vcov(&self) -> &DMatrix<f64> {
        if let Some(whole) = &self.whole {
            return whole.fit.centred_vcov();
        }
        self.centred_vcov.get_or_init(|| match self.df {
            Df::KenwardRoger => kenward_roger::adjusted_covariance(&self.optimum, self.information(), Bends::Whole),
            Df::KenwardRogerLinear => kenward_roger::adjusted_covariance(&self.optimum, self.information(), Bends::Ignored),
            Df::KenwardRoger2 => kenward_roger::adjusted_covariance(&self.optimum, self.information(), Bends::Intrinsic),
            _ if self.vcov_method.is_cluster_robust() => self.sandwich().covariance.clone(),
            _ => self.optimum.phi.clone(),
        })
    }

    fn uses_information(&self) -> bool {
        self.df.uses_information() && !self.vcov_method.is_cluster_robust()
    }

    fn sandwich(&self) -> &Sandwich {
        match &self.whole {
            Some(whole) => whole.fit.sandwich(),
            None => self.sandwich.get_or_init(|| Sandwich::of(&self.design, &self.optimum, self.vcov_method)),
        }
    }

    /// What the clusters of a cluster-robust covariance are called.
    fn cluster_word(&self) -> &'static str {
        let above = self.whole_fit().design.rows.clusters.as_ref().is_some_and(PatientClusters::above_patients);
        if above { "clusters" } else { "patients" }
    }

    /// Degrees of freedom of a cluster-robust variance. `given` are the weights of the fitted columns, `centred`
    /// those of the centred ones.
    fn sandwich_df(&self, given: Option<&[f64]>, centred: &DVector<f64>) -> f64 {
        match given.and_then(single) {
            // All coefficients are done in one pass, and kept.
            Some(column) => self.sandwich().coefficient_df(&self.design, &self.optimum)[column],
            None => {
                let l = DMatrix::from_column_slice(centred.len(), 1, centred.as_slice());
                self.sandwich().degrees_of_freedom(&self.design, &self.optimum, &l)[0]
            }
        }
    }

    /// Between-within degrees of freedom for weights of the fitted columns as they were given.
    fn between_within_df(&self, label: &str, given: &[f64]) -> Result<f64> {
        let classes = self.between_within.get_or_init(|| BetweenWithin::of(&self.design, &self.optimum.kept));
        let df = classes.of_weights(&self.optimum.kept, given);
        if df <= 0.0 {
            let why =
                format!("between-within leaves it {df} degrees of freedom: there are as many columns as patients or repeated observations");
            return Err(Error::NotEstimable { estimate: label.into(), why });
        }
        Ok(df)
    }

    /// The weights of the fitted columns, as centred, for one weight a column of the model matrix.
    pub(super) fn centred_weights(&self, label: &str, l: &[f64]) -> Result<DVector<f64>> {
        let mut active = self.active(label, l)?;
        self.optimum.centring.weights(&mut active);
        Ok(DVector::from_vec(active))
    }

    /// The weights of the fitted columns, once it is sure that the aliased ones do not matter.
    fn active(&self, label: &str, l: &[f64]) -> Result<Vec<f64>> {
        if let Some(whole) = &self.whole {
            return whole.fit.active(label, &whole.padded(label, l, self.beta.len())?);
        }
        if l.len() != self.beta.len() {
            return Err(Error::invalid(
                format!("estimate `{label}`"),
                format!("{} weights were given for {} columns of the model matrix", l.len(), self.beta.len()),
                "give one weight a column, in the order of the coefficients",
            ));
        }
        let size = l.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        for aliased in &self.design.account.aliased {
            let implied: f64 = aliased.of.iter().map(|&(c, factor)| factor * l[c]).sum();
            let scale = aliased.of.iter().map(|&(_, factor)| factor.abs()).fold(1.0, f64::max) * size;
            if (l[aliased.column] - implied).abs() > 1e-8 * scale {
                let others: Vec<&str> = aliased.of.iter().map(|&(c, _)| self.design.columns[c].name.as_str()).collect();
                let why = match others.is_empty() {
                    true => format!("column `{}` is zero for everyone analysed", self.design.columns[aliased.column].name),
                    false => format!("column `{}` is aliased with {}", self.design.columns[aliased.column].name, others.join(", ")),
                };
                return Err(Error::NotEstimable { estimate: label.into(), why });
            }
        }
        Ok(self.optimum.kept.iter().map(|&c| l[c]).collect())
    }
}

/// The rows as independent, mutually uncorrelated combinations: eigenvectors of LVL' times L, V the covariance of the
/// coefficients.
fn independent_rows(rows: &DMatrix<f64>, covariance: &DMatrix<f64>) -> DMatrix<f64> {
    let eigen = SymmetricEigen::new(rows * covariance * rows.transpose());
    let largest = eigen.eigenvalues.max();
    let kept: Vec<usize> = (0..rows.nrows()).filter(|&k| largest > 0.0 && eigen.eigenvalues[k] > 1e-10 * largest).collect();
    eigen.eigenvectors.select_columns(&kept).transpose() * rows
}

/// The position of the one weight that is not zero.
fn single(weights: &[f64]) -> Option<usize> {
    let mut weighed = (0..weights.len()).filter(|&c| weights[c] != 0.0);
    weighed.next().filter(|_| weighed.next().is_none())
}

/// The text with its first letter as a capital.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
