//! Therapy groups in one arm only: what six analyses of a partially nested trial keep of their promises, by simulation.
//!
//! 64 patients are treated alone (arm A) and 64 in eight groups of eight (arm B); the arms do not differ. The trials
//! are analysed by the six models of Candlish et al. (2018) at the last visit, and by three of them as repeated
//! measurements. The arguments are the number of trials of each kind, the file for the table, and a file for a few of
//! the trials, for other programs to analyse; the documentation (`guide::partial_nesting`) has 10,000.
//!
//! Reference: Candlish J, Teare MD, Dimairo M, Flight L, Mandefield L, Walters SJ (2018). Appropriate statistical
//! methods for analysing partially nested randomised controlled trials with continuous outcomes: a simulation study.
//! BMC Medical Research Methodology 18:105. doi:10.1186/s12874-018-0559-x
//!
//! ```text
//! cargo run --release --example partial_nesting -- 10000 partial_nesting.csv
//! ```

use trialstats::design::Clusters;
use trialstats::inference::InformationKind;
use trialstats::simulate::{Dropout, Gaussian};
use trialstats::study::{Characteristics, Compared, Procedure, Replicates, replicate};
use trialstats::{Df, Fit, Model, Result, Trial, Vcov};

/// The seed of all trials; trial r is replicate r.
pub const SEED: u64 = 20_261_122;
/// Patients of each arm.
const PATIENTS: usize = 64;
/// Patients of a therapy group.
const GROUP: usize = 8;
/// Months of the visits; the first is the baseline.
const VISITS: [&str; 5] = ["0", "3", "6", "9", "12"];
/// Mean of the outcome at each visit, in both arms.
const MEANS: [f64; 5] = [30.0, 27.0, 25.0, 24.0, 23.5];
/// Standard deviation at each visit in arm A.
const SDS: [f64; 5] = [8.0, 10.0, 10.0, 10.0, 10.0];
/// Correlations, below the diagonal: no structure but the unstructured holds.
const CORRELATIONS: [[f64; 5]; 5] = [
    [1.0, 0.0, 0.0, 0.0, 0.0],
    [0.55, 1.0, 0.0, 0.0, 0.0],
    [0.46, 0.70, 1.0, 0.0, 0.0],
    [0.41, 0.58, 0.74, 1.0, 0.0],
    [0.38, 0.52, 0.63, 0.78, 1.0],
];

/// A kind of trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scenario {
    /// Variance after the baseline in arm B, groups included, as a multiple of that in arm A.
    pub variance_ratio: f64,
    /// Share of the variance in arm B that lies between its groups, at every visit after the baseline.
    pub icc: f64,
}

/// The kinds of trials: first those with equal variances, which are also analysed as repeated measurements.
pub fn scenarios() -> Vec<Scenario> {
    [1.0, 2.0, 0.5].into_iter().flat_map(|variance_ratio| [0.0, 0.05, 0.12].map(|icc| Scenario { variance_ratio, icc })).collect()
}

impl Scenario {
    /// The truth the trials are made from. The factors beside `group` are the same groups with controls coded as
    /// clusters.
    pub fn truth(&self) -> Gaussian {
        let between = self.icc * self.variance_ratio * SDS[4] * SDS[4];
        let shared = |t: usize| if t == 0 { 0.0 } else { between.sqrt() };
        let none = [0.0; VISITS.len()];
        Gaussian::new(VISITS)
            .arm("A", PATIENTS, MEANS)
            .arm("B", PATIENTS, MEANS)
            .covariance(covariance(1.0, 0.0))
            .arm_covariance("B", covariance(self.variance_ratio, between))
            .groups("group", "B", GROUP, [0, 1, 2, 3, 4].map(shared))
            .groups("singletons", "A", 1, none)
            .groups("singletons", "B", GROUP, none)
            .groups("one_large", "A", PATIENTS, none)
            .groups("one_large", "B", GROUP, none)
            .groups("pseudo", "A", GROUP, none)
            .groups("pseudo", "B", GROUP, none)
            .dropout(self.dropout())
    }

    /// 30% have left by the last visit: missing at random, likelier after a high value, where the arms vary alike.
    /// Where they do not, those who left would pull the means of the arms apart, so that no analysis of the last
    /// visit alone were unbiased; there it is at random completely.
    fn dropout(&self) -> Dropout {
        if self.variance_ratio == 1.0 {
            Dropout::AtRandom { at_mean: 0.08, log_odds_per_sd: 0.5 }
        } else {
            Dropout::CompletelyAtRandom { each_visit: 0.0853 }
        }
    }

    /// The analyses of trials of this kind.
    pub fn analyses(&self) -> Vec<Analysis> {
        let equal = self.variance_ratio == 1.0;
        ANALYSES.into_iter().filter(|a| equal || a.outcome == Outcome::LastVisit).collect()
    }
}

/// What varies within groups, after the baseline with `ratio` times the variance of arm A less what lies `between`
/// groups.
fn covariance(ratio: f64, between: f64) -> Vec<f64> {
    let n = VISITS.len();
    let sd = |t: usize| SDS[t] * if t == 0 { 1.0 } else { ratio.sqrt() };
    let shared = |a: usize, b: usize| if a.min(b) == 0 { 0.0 } else { between };
    (0..n * n).map(|k| (k / n, k % n)).map(|(a, b)| sd(a) * sd(b) * CORRELATIONS[a.max(b)][a.min(b)] - shared(a, b)).collect()
}

/// What is analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The last visit, with the baseline as covariate.
    LastVisit,
    /// All visits after the baseline, which is a covariate; the contrast of the arms at the last.
    Repeated,
}

/// A model and a method: one row of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Analysis {
    /// What is analysed.
    pub outcome: Outcome,
    /// Name of the model.
    pub model: &'static str,
    /// What it has beyond the mean.
    random: &'static str,
    /// Name of the method.
    pub method: &'static str,
    df: Df,
    information: InformationKind,
    vcov: Vcov,
}

const fn model_based(outcome: Outcome, model: &'static str, random: &'static str, method: &'static str, df: Df) -> Analysis {
    Analysis { outcome, model, random, method, df, information: InformationKind::Observed, vcov: Vcov::ModelBased }
}

const fn expected(model: &'static str, random: &'static str) -> Analysis {
    let information = InformationKind::Expected;
    Analysis { information, ..model_based(Outcome::LastVisit, model, random, "Kenward-Roger, expected information", Df::KenwardRoger) }
}

const fn by_group(outcome: Outcome, model: &'static str, random: &'static str) -> Analysis {
    Analysis { vcov: Vcov::Cr2, ..model_based(outcome, model, random, "CR2 by group", Df::Satterthwaite) }
}

const S: &str = "Satterthwaite";
const KR: &str = "Kenward-Roger";
const NONE: &str = "no clustering";
const NESTED: &str = "partially nested";
const HETEROSCEDASTIC: &str = "partially nested, heteroscedastic";

/// The six models at the last visit, then three as repeated measurements.
pub const ANALYSES: [Analysis; 22] = {
    use Outcome::{LastVisit, Repeated};
    [
        model_based(LastVisit, NONE, "", S, Df::Satterthwaite),
        by_group(LastVisit, NONE, ""),
        model_based(LastVisit, "controls as singletons", " + (1 | singletons)", S, Df::Satterthwaite),
        model_based(LastVisit, "controls as singletons", " + (1 | singletons)", KR, Df::KenwardRoger),
        model_based(LastVisit, "controls as one cluster", " + (1 | one_large)", S, Df::Satterthwaite),
        model_based(LastVisit, "controls as one cluster", " + (1 | one_large)", KR, Df::KenwardRoger),
        model_based(LastVisit, "controls in pseudo-groups", " + (1 | pseudo)", S, Df::Satterthwaite),
        model_based(LastVisit, "controls in pseudo-groups", " + (1 | pseudo)", KR, Df::KenwardRoger),
        model_based(LastVisit, NESTED, " + (1 | group)", S, Df::Satterthwaite),
        model_based(LastVisit, NESTED, " + (1 | group)", KR, Df::KenwardRoger),
        expected(NESTED, " + (1 | group)"),
        by_group(LastVisit, NESTED, " + (1 | group)"),
        model_based(LastVisit, HETEROSCEDASTIC, " + (1 | group) + us(visit | arm / patient)", S, Df::Satterthwaite),
        model_based(LastVisit, HETEROSCEDASTIC, " + (1 | group) + us(visit | arm / patient)", KR, Df::KenwardRoger),
        expected(HETEROSCEDASTIC, " + (1 | group) + us(visit | arm / patient)"),
        model_based(Repeated, NONE, " + us(visit | patient)", S, Df::Satterthwaite),
        model_based(Repeated, NONE, " + us(visit | patient)", KR, Df::KenwardRoger),
        by_group(Repeated, NONE, " + us(visit | patient)"),
        model_based(Repeated, NESTED, " + (1 | group) + us(visit | patient)", S, Df::Satterthwaite),
        model_based(Repeated, NESTED, " + (1 | group) + us(visit | patient)", KR, Df::KenwardRoger),
        model_based(Repeated, HETEROSCEDASTIC, " + (1 | group) + us(visit | arm / patient)", S, Df::Satterthwaite),
        model_based(Repeated, HETEROSCEDASTIC, " + (1 | group) + us(visit | arm / patient)", KR, Df::KenwardRoger),
    ]
};

impl Analysis {
    /// The model as a formula.
    pub fn formula(&self) -> String {
        match self.outcome {
            Outcome::LastVisit => format!("y ~ baseline + arm{}", self.random),
            Outcome::Repeated => format!("y ~ baseline * visit + arm * visit{}", self.random),
        }
    }

    /// The model.
    pub fn model(&self) -> Result<Model> {
        let mut model = Model::formula(&self.formula())?.df(self.df).information(self.information).vcov(self.vcov);
        if self.vcov.is_cluster_robust() {
            model = model.clusters(Clusters::by("group"));
        }
        Ok(match self.outcome {
            Outcome::LastVisit => model.visits([VISITS[4]]),
            Outcome::Repeated => model,
        })
    }

    /// The model fitted to a trial.
    pub fn fit(&self, trial: &Trial) -> Result<Fit> {
        self.model()?.fit(trial)
    }

    /// The model with the contrast of the arms at the last visit asked of it.
    fn procedure(&self) -> Result<Procedure> {
        Ok(Procedure::new(format!("{}, {}", self.model, self.method), self.model()?).contrast(Compared::new("B", "A", VISITS[4])))
    }
}

/// The trials of one kind, each answered by every analysis: the same for any number of threads.
pub fn replicates(scenario: Scenario, trials: usize) -> Result<Replicates> {
    let procedures = scenario.analyses().iter().map(Analysis::procedure).collect::<Result<Vec<_>>>()?;
    replicate(&scenario.truth(), &procedures, SEED, 0..trials as u64)
}

/// What became of all trials of one kind under one analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The kind of trials.
    pub scenario: Scenario,
    /// What was done with them.
    pub analysis: Analysis,
    /// Share of patients without the last visit.
    pub left: f64,
    /// All trials.
    pub all: Characteristics,
    /// Those in which the variance between clusters was estimated as zero.
    pub at_boundary: Characteristics,
}

/// What became of the trials under analysis number `index` of [`Scenario::analyses`].
pub fn summary(scenario: Scenario, replicates: &Replicates, index: usize) -> Summary {
    let study = replicates.characteristics();
    let boundary = replicates.answers(index).filter(|answer| answer.is_ok_and(|a| a.boundary));
    Summary {
        scenario,
        analysis: scenario.analyses()[index],
        left: study.left,
        all: study.rows[index].clone(),
        at_boundary: Characteristics::of("variance estimated as zero", 0.0, boundary),
    }
}

/// The table, as CSV: shares with their Monte-Carlo standard errors, nothing where a model has no clusters.
pub fn csv(summaries: &[Summary]) -> String {
    let mut table = String::from(
        "outcome,variance_ratio,icc,model,method,trials,answered,failures,left,type_one_error,type_one_error_mcse,coverage,coverage_mcse,bias,bias_mcse,\
         empirical_sd,mean_se,se_ratio,se_ratio_mcse,median_df,boundary,median_df_at_boundary,type_one_error_at_boundary,mean_icc\n",
    );
    for s in summaries {
        let (all, (bias, bias_error), (ratio, ratio_error)) = (&s.all, s.all.bias(), s.all.se_ratio());
        let places = |x: f64, places: usize| if x.is_nan() { String::new() } else { format!("{x:.places$}") };
        let outcome = if s.analysis.outcome == Outcome::LastVisit { "last visit" } else { "repeated" };
        let mut fields = vec![
            outcome.to_string(),
            s.scenario.variance_ratio.to_string(),
            s.scenario.icc.to_string(),
            format!("\"{}\"", s.analysis.model),
            format!("\"{}\"", s.analysis.method),
            all.trials.to_string(),
            all.answered().to_string(),
            format!("\"{}\"", all.failures_text()),
        ];
        let shares = [s.left, all.successes.share, all.successes.error, all.coverage.share, all.coverage.error, bias, bias_error];
        fields.extend(shares.into_iter().chain([all.empirical_sd, all.mean_se, ratio, ratio_error]).map(|x| places(x, 4)));
        fields.push(places(all.median_df, 2));
        fields.push(places(all.boundary.share, 4));
        fields.push(places(s.at_boundary.median_df, 2));
        fields.push(places(s.at_boundary.successes.share, 4));
        fields.push(places(all.mean_between, 4));
        table += &fields.join(",");
        table += "\n";
    }
    table
}

/// Two trials of each of some kinds, a line per patient, for other programs to analyse. Empty: not observed, or in no
/// group.
pub fn sample() -> Result<String> {
    let mut table = String::from("variance_ratio,icc,replicate,patient,arm,group,baseline,last\n");
    for scenario in scenarios().into_iter().filter(|s| s.icc > 0.0) {
        for replicate in 0..2 {
            let trial = scenario.truth().trial(SEED, replicate)?;
            let (y, groups) = (&trial.outcomes()[0], &trial.variables()[0]);
            let value = |i: usize, t: usize| trial.value(y, i, t).map_or(String::new(), |y| y.to_string());
            for (i, patient) in trial.patients().iter().enumerate() {
                let group = groups.codes().and_then(|codes| codes[i]).map_or("", |g| groups.levels()[g].as_str());
                let arm = &trial.arms()[trial.arm_of()[i]];
                let (baseline, last) = (value(i, 0), value(i, VISITS.len() - 1));
                table += &format!("{},{},{replicate},{patient},{arm},{group},{baseline},{last}\n", scenario.variance_ratio, scenario.icc);
            }
        }
    }
    Ok(table)
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let trials: usize = arguments.next().map_or(Ok(100), |a| a.parse())?;
    let (table_file, sample_file) = (arguments.next(), arguments.next());
    println!("{trials} trials of each kind, seed {SEED}, no difference between the arms.");
    let mut summaries = vec![];
    for scenario in scenarios() {
        let replicates = replicates(scenario, trials)?;
        println!("\nICC {}, variance of arm B over that of arm A {}", scenario.icc, scenario.variance_ratio);
        println!("{}", replicates.characteristics());
        summaries.extend((0..scenario.analyses().len()).map(|index| summary(scenario, &replicates, index)));
    }
    if let Some(path) = table_file {
        std::fs::write(path, csv(&summaries))?;
    }
    if let Some(path) = sample_file {
        std::fs::write(path, sample()?)?;
    }
    Ok(())
}
