//! Predictions of a patient's outcome at every visit: from the covariates alone, or given what was observed of the
//! patient.

use super::Fit;
use super::predicting::{Patient, Predicted};
use super::view::View;
use crate::error::Result;
use crate::level::{check_level, percent};
use crate::options::choices;
use crate::table::{Column, Format, Tabular, Values, counted, display_as_table};
use crate::trial::Trial;

/// What a prediction rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PredictionKind {
    /// The covariates alone: x'β, at every visit. The prediction interval is that of a new patient with these
    /// covariates.
    Marginal,
    /// The covariates and what was observed of the patient: x_u'β + Σ_uo Σ_oo⁻¹ (y_o − X_o β) at the visits u that
    /// were not observed (the default). The best linear unbiased prediction; for random effects the one with the
    /// predicted random effects in it.
    #[default]
    Conditional,
}

choices! {
    PredictionKind, "kind of prediction":
    Marginal = "marginal", [], "from covariates alone";
    Conditional = "conditional", [], "from covariates and what was observed of the patient";
}

/// How to predict.
///
/// | option | default |
/// |---|---|
/// | `kind` | [`PredictionKind::Conditional`] |
/// | `level` | 0.95 |
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PredictionOptions {
    /// What a prediction rests on.
    pub kind: PredictionKind,
    /// Level of the intervals, between 0 and 1.
    pub level: f64,
}

impl Default for PredictionOptions {
    fn default() -> Self {
        Self { kind: PredictionKind::default(), level: 0.95 }
    }
}

impl PredictionOptions {
    /// Predictions from the covariates alone.
    pub fn marginal() -> Self {
        Self { kind: PredictionKind::Marginal, ..Self::default() }
    }

    /// Predictions given what was observed of the patient.
    pub fn conditional() -> Self {
        Self::default()
    }

    /// Level of the intervals, between 0 and 1.
    pub fn level(mut self, level: f64) -> Self {
        self.level = level;
        self
    }
}

/// What is known of a patient at a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitStatus {
    /// The outcome was observed, and everything that the model needs to use it.
    Observed,
    /// The outcome was not observed.
    NotObserved,
    /// The outcome was observed but cannot be used: a covariate, the covariance group or the weight is missing.
    NotUsable,
}

choices! {
    VisitStatus, "status of a visit":
    Observed = "observed", [], "the outcome was observed and can be used";
    NotObserved = "not-observed", [], "the outcome was not observed";
    NotUsable = "not-usable", [], "the outcome was observed but something that the model needs is missing";
}

impl VisitStatus {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            VisitStatus::Observed => "observed",
            VisitStatus::NotObserved => "not observed",
            VisitStatus::NotUsable => "observed, not usable",
        }
    }
}

/// Predictions for all patients of a trial at all analysed visits.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Predictions {
    /// Name of the outcome.
    pub outcome: String,
    /// What the predictions rest on.
    pub kind: PredictionKind,
    /// Level of the intervals.
    pub level: f64,
    /// One row per patient and visit, patient by patient in order of visit.
    pub rows: Vec<Prediction>,
    notes: Vec<String>,
}

/// The prediction for one patient at one visit. What could not be computed is NaN, and [`Prediction::reason`] says why.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Prediction {
    /// The patient.
    pub patient: String,
    /// The visit.
    pub visit: String,
    /// Whether the outcome was observed.
    pub status: VisitStatus,
    /// The observed outcome, NaN where there is none.
    pub observed: f64,
    /// The marginal mean x'β.
    pub fitted: f64,
    /// The prediction. For conditional predictions at an observed visit the observed value, without standard errors.
    pub predicted: f64,
    /// Standard error of the prediction as an estimate of its expectation: √(c'Φc), with c = x for marginal and c =
    /// x_u − X_o'Σ_oo⁻¹Σ_ou for conditional predictions.
    pub se_mean: f64,
    /// Degrees of freedom of the confidence interval.
    pub df_mean: f64,
    /// Lower end of the confidence interval for the expectation.
    pub mean_lower: f64,
    /// Its upper end.
    pub mean_upper: f64,
    /// Standard error of prediction: √(Σ_uu + c'Φc) for marginal and √(Σ_uu − Σ_uo Σ_oo⁻¹ Σ_ou + c'Φc) for
    /// conditional predictions.
    pub se_prediction: f64,
    /// Degrees of freedom of the prediction interval.
    pub df_prediction: f64,
    /// Lower end of the prediction interval, which is to cover the outcome itself.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
    /// Why there is no prediction.
    pub reason: Option<String>,
}

impl Fit {
    /// Predicts the outcome of every patient of `trial` at every analysed visit: of the trial that was fitted (all
    /// who were randomized, observed or not), or of another one with the same columns, whose patients are then new to
    /// the model.
    ///
    /// With y_o the observed outcomes of the patient, A = Σ_uo Σ_oo⁻¹ and c' = x_u' − A X_o, the conditional
    /// prediction at an unobserved visit is x_u'β + A (y_o − X_o β), and its mean squared error Σ_uu − A Σ_ou + c'Φc
    /// (Henderson 1975, Biometrics 31:423–447; Harville 1976, Ann Stat 4:384–395), the uncertainty of β included.
    /// That of the covariance parameters enters through the degrees of freedom alone: by Satterthwaite's method ν =
    /// 2v²/(g'Ωg), with v the whole variance, g its gradient over the covariance parameters and Ω their covariance.
    /// For one visit this is the exact prediction interval of a linear regression. A model with another method for
    /// its degrees of freedom uses that.
    ///
    /// ```
    /// use trialstats::inference::PredictionOptions;
    /// use trialstats::{Layout, Model};
    ///
    /// let trial = Layout::long("PATIENT", "THERAPY", "VISIT")
    ///     .outcome("HAMDTL17")
    ///     .covariate("BASVAL")
    ///     .read_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/antidepressant/antidepressant.csv"))?;
    /// let fit = Model::formula("HAMDTL17 ~ BASVAL * VISIT + THERAPY * VISIT")?.fit(&trial)?;
    /// let predictions = fit.predictions(&trial, &PredictionOptions::conditional().level(0.9))?;
    /// assert_eq!(predictions.rows.len(), 172 * 4);
    /// # Ok::<(), trialstats::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) for visits and variables of the model that `trial` does not have,
    /// [`Error::Invalid`](crate::Error::Invalid) for a level that does not lie between 0 and 1.
    pub fn predictions(&self, trial: &Trial, options: &PredictionOptions) -> Result<Predictions> {
        View::whole(self).predictions(trial, options, self.notes())
    }
}

impl View<'_> {
    /// Predictions for the design; `notes` say how it was fitted.
    pub(super) fn predictions(&self, trial: &Trial, options: &PredictionOptions, notes: Vec<String>) -> Result<Predictions> {
        check_level(options.level)?;
        self.fit.check_shared_covariance("predictions")?;
        self.fit.must_have_no_clusters("predictions")?;
        let design = self.design;
        let applied = design.columns.applied_to(trial)?;
        let mut rows = Vec::with_capacity(trial.patients().len() * design.visit_labels().len());
        for (i, name) in trial.patients().iter().enumerate() {
            let patient = Patient::of(self, &applied, i, options.kind);
            for (t, label) in design.visit_labels().iter().enumerate() {
                let seen = applied.outcome(i, t)?;
                let status = match seen {
                    None => VisitStatus::NotObserved,
                    Some(_) if patient.uses(t) => VisitStatus::Observed,
                    Some(_) => VisitStatus::NotUsable,
                };
                let blank = Prediction::blank(name, label, status, seen.unwrap_or(f64::NAN));
                rows.push(match patient.predict(t) {
                    Ok(predicted) => blank.filled(&predicted, options.level),
                    Err(reason) => Prediction { reason: Some(reason), ..blank },
                });
            }
        }
        let notes = self::notes(notes, options.kind, options.level, &rows, design.rows.weights.is_some());
        Ok(Predictions { outcome: design.outcome().into(), kind: options.kind, level: options.level, rows, notes })
    }
}

impl Prediction {
    fn blank(patient: &str, visit: &str, status: VisitStatus, observed: f64) -> Self {
        let nan = f64::NAN;
        Self {
            patient: patient.into(),
            visit: visit.into(),
            status,
            observed,
            fitted: nan,
            predicted: nan,
            se_mean: nan,
            df_mean: nan,
            mean_lower: nan,
            mean_upper: nan,
            se_prediction: nan,
            df_prediction: nan,
            lower: nan,
            upper: nan,
            reason: None,
        }
    }

    fn filled(self, predicted: &Predicted, level: f64) -> Self {
        let row = Self { fitted: predicted.fitted, predicted: predicted.value, ..self };
        let Some(error) = &predicted.error else { return row };
        let reach = |se: f64, df: f64| crate::dist::t::quantile(0.5 + 0.5 * level, df) * se;
        let (mean, whole) = (reach(error.se_mean, error.df_mean), reach(error.se_prediction, error.df_prediction));
        Self {
            se_mean: error.se_mean,
            df_mean: error.df_mean,
            mean_lower: predicted.value - mean,
            mean_upper: predicted.value + mean,
            se_prediction: error.se_prediction,
            df_prediction: error.df_prediction,
            lower: predicted.value - whole,
            upper: predicted.value + whole,
            ..row
        }
    }
}

/// Adds to the notes on the fit what is to be known of its predictions.
fn notes(mut notes: Vec<String>, kind: PredictionKind, level: f64, rows: &[Prediction], weighted: bool) -> Vec<String> {
    notes.push(match kind {
        PredictionKind::Marginal => {
            "Marginal predictions x'β; the prediction interval is that of a new patient with these covariates, nothing of whom was observed.".into()
        }
        PredictionKind::Conditional => {
            "Conditional predictions x_u'β + Σ_uo Σ_oo⁻¹ (y_o − X_o β) of visits not observed, given the patient's observed ones; an observed \
             visit is its own prediction."
                .into()
        }
    });
    notes.push(format!(
        "{} intervals: confidence for the expectation, prediction for the outcome itself. Standard errors carry the uncertainty of the \
         coefficients; that of the covariance parameters enters through the degrees of freedom alone.",
        percent(level)
    ));
    if weighted {
        notes.push("A visit without a weight of its own is predicted as one of weight 1.".into());
    }
    let mut reasons: Vec<(&str, usize)> = vec![];
    for reason in rows.iter().filter_map(|r| r.reason.as_deref()) {
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, n)) => *n += 1,
            None => reasons.push((reason, 1)),
        }
    }
    notes.extend(
        reasons.into_iter().map(|(reason, n)| format!("Not predicted at {n} of {}: {reason}.", counted(rows.len(), "visit of patients"))),
    );
    notes
}

impl Tabular for Predictions {
    fn title(&self) -> String {
        let kind = match self.kind {
            PredictionKind::Marginal => "Marginal",
            PredictionKind::Conditional => "Conditional",
        };
        format!("{kind} predictions of {}", self.outcome)
    }

    fn columns(&self) -> Vec<Column> {
        let real = |name: &'static str, heading: &str, format: Format, of: fn(&Prediction) -> f64| {
            Column::real(name, heading, format, self.rows.iter().map(of))
        };
        let level = percent(self.level);
        let two = Format::Decimals(2);
        let three = Format::Decimals(3);
        vec![
            Column::text("patient", "Patient", self.rows.iter().map(|r| r.patient.as_str())),
            Column::text("visit", "Visit", self.rows.iter().map(|r| r.visit.as_str())),
            Column::text("status", "Outcome", self.rows.iter().map(|r| r.status.words())),
            real("observed", "Observed", two, |r| r.observed),
            real("fitted", "x'β", two, |r| r.fitted),
            real("predicted", "Predicted", two, |r| r.predicted),
            real("se_mean", "SE of expectation", three, |r| r.se_mean),
            real("df_mean", "df", Format::Df, |r| r.df_mean),
            real("mean_lower", &format!("{level} confidence, lower"), two, |r| r.mean_lower),
            real("mean_upper", "upper", two, |r| r.mean_upper),
            real("se_prediction", "SE of prediction", three, |r| r.se_prediction),
            real("df_prediction", "df", Format::Df, |r| r.df_prediction),
            real("lower", &format!("{level} prediction, lower"), two, |r| r.lower),
            real("upper", "upper", two, |r| r.upper),
            Column {
                name: "reason".into(),
                heading: "Why not".into(),
                values: Values::Text(self.rows.iter().map(|r| r.reason.clone()).collect()),
            },
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

display_as_table!(Predictions);
