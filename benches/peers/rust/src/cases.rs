//! The cases that a peer has too.

use crate::by_glmm::{self, Part};
use crate::common::clock::{Median, median};
use crate::common::{self, clustered};
use crate::memory::{self, Side};
use crate::r::{self, Measured};
use std::time::Duration;
use trialstats::imputation::{CompletedAnalysis, DrawMethod, Draws};
use trialstats::inference::InformationKind;
use trialstats::means::{ContrastOptions, Means as _};
use trialstats::{Df, Model, Trial, Vcov};

/// What is spent on each side of a case.
const BUDGET: Duration = Duration::from_secs(3);
const SECONDS_IN_R: f64 = 10.0;

/// A row of the table.
pub struct Row {
    /// In a few words.
    pub name: &'static str,
    pub what: &'static str,
    pub peer: &'static str,
    pub own: Median,
    pub theirs: Result<Measured, String>,
    /// How many times faster the issue wants it; `None` where it is only shown.
    pub goal: Option<f64>,
    /// Our log-likelihood, or what else a case ends in.
    pub check: f64,
    /// How far, relatively, the peer's number may be from it.
    pub tolerance: f64,
    /// Peak memory in megabytes, there and here, above the data.
    pub megabytes: [Option<f64>; 2],
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Asked {
    /// Time and memory.
    All,
    /// Memory alone, by single runs.
    Memory,
}

impl Asked {
    fn seconds_in_r(self) -> f64 {
        if self == Asked::All { SECONDS_IN_R } else { 0.0 }
    }

    fn budget(self) -> Duration {
        if self == Asked::All { BUDGET } else { Duration::ZERO }
    }
}

#[derive(Clone, Copy)]
enum Peer {
    R(&'static str),
    /// The model, and what of it.
    Glmm(&'static str, Part),
}

/// What of the library is timed.
enum Own {
    /// Fit and all coefficients.
    Coefficients(Model),
    Fit(Model),
    Refit(Model),
    PrimaryAnalysis,
    /// A case of `common::methods`.
    Method(&'static str),
    /// The fit, the imputation of conditional means, ANCOVA and jackknife.
    Jackknife(Model),
    /// The fit, so many drawn data sets, ANCOVA and pooling.
    Drawn(Model, usize),
}

struct Case {
    name: &'static str,
    what: &'static str,
    trial: fn() -> Trial,
    own: Own,
    peer: (&'static str, Peer),
    goal: Option<f64>,
    tolerance: f64,
}

/// Both sides have the same optimum.
const SAME: f64 = 1e-6;
/// mmrm stops some 1e-6 of the log-likelihood before the optimum, and each fit of rbmi's jackknife stops elsewhere.
const FITTED_BY_MMRM: f64 = 1e-4;
/// Three Monte-Carlo errors of the difference of two estimates from 500 draws each.
const DRAWN: f64 = 0.08;

fn cases() -> Vec<Case> {
    use Own::{Coefficients, Drawn, Fit, Jackknife, Method, PrimaryAnalysis, Refit};
    use Peer::{Glmm, R};
    let (fev, bcva) = (|| common::model(common::FEV), || common::model(common::BCVA));
    let sleep = || common::model(common::SLEEPSTUDY_EFFECTS);
    let (nested, crossed) = (|| common::model(clustered::NESTED), || common::model(clustered::CROSSED));
    let case = |name, what, trial, own, peer, goal| Case { name, what, trial, own, peer, goal, tolerance: SAME };
    let depressed = || common::model(common::ANTIDEPRESSANT);
    vec![
        case(
            "fev satterthwaite",
            "fev_data: unstructured, REML, Satterthwaite df of all coefficients",
            common::fev,
            Coefficients(fev()),
            ("mmrm", R("fev_satterthwaite")),
            Some(500.0),
        ),
        case(
            "fev kenward-roger",
            "fev_data: the same with Kenward–Roger",
            common::fev,
            Coefficients(fev().df(Df::KenwardRoger)),
            ("mmrm", R("fev_kenward_roger")),
            Some(250.0),
        ),
        case(
            "bcva satterthwaite",
            "bcva_data: unstructured, REML, Satterthwaite df of all coefficients",
            common::bcva,
            Coefficients(bcva()),
            ("mmrm", R("bcva_satterthwaite")),
            Some(400.0),
        ),
        case(
            "bcva kenward-roger",
            "bcva_data: the same with Kenward–Roger",
            common::bcva,
            Coefficients(bcva().df(Df::KenwardRoger)),
            ("mmrm", R("bcva_kenward_roger")),
            Some(2000.0),
        ),
        case(
            "fev refit",
            "fev_data: refit with other outcomes, workspace reused; mmrm fits anew",
            common::fev,
            Refit(fev()),
            ("mmrm", R("fev_fit")),
            Some(1500.0),
        ),
        case(
            "sleepstudy satterthwaite glmm",
            "sleepstudy: random intercept and slope, Satterthwaite df of all coefficients; glmm from matrices",
            common::sleepstudy,
            Coefficients(sleep()),
            ("glmm", Glmm(by_glmm::SLEEPSTUDY, Part::Fit { df: true })),
            Some(1.5),
        ),
        case(
            "sleepstudy fit glmm",
            "sleepstudy: the fit alone; glmm from matrices",
            common::sleepstudy,
            Fit(sleep()),
            ("glmm", Glmm(by_glmm::SLEEPSTUDY, Part::Fit { df: false })),
            Some(1.0),
        ),
        case(
            "sleepstudy formula glmm",
            "sleepstudy: with df; glmm from formula and table, as here",
            common::sleepstudy,
            Coefficients(sleep()),
            ("glmm", Glmm(by_glmm::SLEEPSTUDY, Part::Formula)),
            None,
        ),
        case(
            "sleepstudy refit glmm",
            "sleepstudy: refit with other outcomes, workspace reused on both sides",
            common::sleepstudy,
            Refit(common::sleepstudy_model()),
            ("glmm", Glmm(by_glmm::SLEEPSTUDY, Part::Refit)),
            Some(1.2),
        ),
        case("sleepstudy fit lme4", "sleepstudy: the fit alone", common::sleepstudy, Fit(sleep()), ("lme4", R("sleepstudy_fit")), None),
        case(
            "sleepstudy satterthwaite lmerTest",
            "sleepstudy: Satterthwaite df of all coefficients",
            common::sleepstudy,
            Coefficients(sleep()),
            ("lmerTest", R("sleepstudy_satterthwaite")),
            None,
        ),
        case(
            "bcva cr2",
            "bcva_data: CR2 with Satterthwaite df, here of all coefficients, by mmrm of one",
            common::bcva,
            Coefficients(bcva().vcov(Vcov::Cr2)),
            ("mmrm", R("bcva_cr2")),
            Some(300.0),
        ),
        case(
            "imrs_gst analysis",
            "imrs_gst: primary analysis by cLDA (fit, Kenward–Roger, means, changes, contrasts, d)",
            common::imrs_gst,
            PrimaryAnalysis,
            ("mmrm + emmeans", R("imrs_gst")),
            Some(250.0),
        ),
        case(
            "nested lme4",
            "1,000 groups × 20 patients × 5 visits: levels of groups and patients, the fit alone",
            clustered::nested,
            Fit(nested()),
            ("lme4", R("nested")),
            Some(20.0),
        ),
        case(
            "nested glmm",
            "the same; glmm from matrices",
            clustered::nested,
            Fit(nested()),
            ("glmm", Glmm(by_glmm::NESTED, Part::Fit { df: false })),
            Some(1.2),
        ),
        case(
            "nested formula glmm",
            "the same; glmm from formula and table, as here",
            clustered::nested,
            Fit(nested()),
            ("glmm", Glmm(by_glmm::NESTED, Part::Formula)),
            None,
        ),
        case(
            "nested satterthwaite lmerTest",
            "the same with Satterthwaite df of all coefficients",
            clustered::nested,
            Coefficients(nested()),
            ("lmerTest", R("nested_satterthwaite")),
            None,
        ),
        case(
            "crossed lme4",
            "3,000 patients crossed with 1,000 therapists, 70,000 observations: the fit alone",
            clustered::crossed,
            Fit(crossed()),
            ("lme4", R("crossed")),
            Some(15.0),
        ),
        case(
            "crossed glmm",
            "the same; glmm from matrices",
            clustered::crossed,
            Fit(crossed()),
            ("glmm", Glmm(by_glmm::CROSSED, Part::Fit { df: false })),
            Some(1.5),
        ),
        case(
            "imrs_gst clusters pbkrtest",
            "imrs_gst: groups, therapists and patients, Kenward–Roger of all coefficients",
            common::imrs_gst_clustered,
            Coefficients(common::model(common::CLUSTERED_LEVELS).df(Df::KenwardRoger).information(InformationKind::Expected)),
            ("lmerTest + pbkrtest", R("imrs_gst_clusters")),
            None,
        ),
        case(
            "fev gls",
            "fev_data: unstructured, REML, table of coefficients",
            common::fev,
            Coefficients(fev()),
            ("nlme::gls", R("fev_gls")),
            None,
        ),
        Case {
            tolerance: FITTED_BY_MMRM,
            ..case(
                "imputation jackknife rbmi",
                "antidepressant: jump to reference, conditional means: fit, 172 refits, imputation, ANCOVA, jackknife",
                common::antidepressant,
                Jackknife(depressed()),
                ("rbmi", R("rbmi_jackknife")),
                Some(1000.0),
            )
        },
        Case {
            tolerance: DRAWN,
            ..case(
                "imputation approximate rbmi",
                "antidepressant: jump to reference, approximately Bayesian: 500 bootstrap fits, draws, ANCOVA, pooling",
                common::antidepressant,
                Drawn(depressed(), 500),
                ("rbmi", R("rbmi_approximate")),
                Some(200.0),
            )
        },
        case(
            "gee geepack",
            "imrs_gst: remission at four visits, logit, exchangeable, sandwich",
            common::imrs_gst,
            Method("gee"),
            ("geepack", R("gee")),
            Some(50.0),
        ),
        case(
            "glmm laplace lme4",
            "200 patients × 4 visits: logistic random intercept, Laplace",
            binary,
            Method("glmm-laplace"),
            ("lme4", R("glmm_laplace")),
            None,
        ),
        case("glmm 15 lme4", "the same by 15 nodes", binary, Method("glmm-15"), ("lme4", R("glmm_15")), None),
        case(
            "bootmer",
            "imrs_gst with groups, therapists and patients: simulated and fitted again; lme4 as bootMer does",
            common::imrs_gst_clustered,
            Method("clustered-bootstrap"),
            ("lme4", R("bootmer")),
            Some(1000.0),
        ),
        case(
            "power simr",
            "two arms of ten groups of six patients, random intercept, Satterthwaite: a trial simulated and tested",
            common::imrs_gst,
            Method("simr"),
            ("simr", R("simr")),
            Some(1000.0),
        ),
        case(
            "power lmerTest",
            "the same; lme4 and lmerTest in a loop",
            common::imrs_gst,
            Method("simr"),
            ("lmerTest", R("power_lmertest")),
            None,
        ),
    ]
}

fn binary() -> Trial {
    common::methods::binary(200, 4)
}

/// Measures each case on both sides, one case after the other.
pub fn measure(filter: &str, asked: Asked) -> Vec<Row> {
    cases().into_iter().filter(|case| case.name.contains(filter)).map(|case| case.measure(asked)).collect()
}

/// The peak memory of one side of a case, in this process.
pub fn memory_of(name: &str, side: Side) -> Option<f64> {
    let case = cases().into_iter().find(|case| case.name == name)?;
    let trial = (case.trial)();
    memory::above(|| match (side, case.peer.1) {
        (Side::There, Peer::Glmm(formula, part)) => drop(by_glmm::measure(&trial, formula, part, Duration::ZERO)),
        _ => drop(case.own.measure(&trial, Duration::ZERO)),
    })
}

impl Case {
    fn measure(self, asked: Asked) -> Row {
        let trial = (self.trial)();
        // R reads what was simulated from a file.
        let data = matches!(self.peer.1, Peer::R(_)) && trial.source() == "simulated";
        if data {
            common::clustered::write(&trial, &r::data()).expect("the folder for temporary files can be written");
        }
        let theirs = match self.peer.1 {
            Peer::R(case) => r::measure(case, asked.seconds_in_r()),
            Peer::Glmm(formula, part) => by_glmm::measure(&trial, formula, part, asked.budget()),
        };
        if data {
            let _ = std::fs::remove_file(r::data());
        }
        let there = match self.peer.1 {
            Peer::R(_) => theirs.as_ref().ok().and_then(|measured| measured.megabytes),
            Peer::Glmm(..) => memory::of(self.name, Side::There),
        };
        let (own, check) = self.own.measure(&trial, asked.budget());
        let megabytes = [there, memory::of(self.name, Side::Here)];
        let (Case { name, what, goal, tolerance, .. }, peer) = (&self, self.peer.0);
        let row = Row { name, what, peer, own, theirs, goal: *goal, check, tolerance: *tolerance, megabytes };
        let said = match &row.theirs {
            Ok(theirs) => format!(
                "{} {}, here {}",
                row.peer,
                crate::common::clock::written(theirs.median.seconds),
                crate::common::clock::written(own.seconds)
            ),
            Err(why) => why.clone(),
        };
        eprintln!("{}: {said}", self.name);
        row
    }
}

impl Own {
    /// The median and the log-likelihood.
    fn measure(&self, trial: &Trial, budget: Duration) -> (Median, f64) {
        let fit = |model: &Model| model.fit(trial).expect("the sample can be fitted");
        match self {
            Own::Coefficients(model) => (median(budget, || fit(model).coefficients()), fit(model).log_likelihood()),
            Own::Fit(model) => (median(budget, || fit(model)), fit(model).log_likelihood()),
            Own::Refit(model) => {
                let original = fit(model);
                let mut refitter = original.refitter().expect("the fit has patients");
                let outcomes = common::changed(refitter.outcomes());
                (median(budget, || refitter.with_outcomes(&outcomes).expect("can be fitted")), original.log_likelihood())
            }
            Own::Method(name) => {
                let mut method = common::methods::method(name);
                let found = median(budget, &mut method.run);
                // Of the bootstrap every replicate must have an optimum, there as here.
                let check = (method.run)() / method.repeats;
                (Median { seconds: found.seconds / method.repeats, repeats: found.repeats }, check)
            }
            Own::Jackknife(model) => {
                let table = || model.reference_based(trial, &common::methods::j2r("PLACEBO", "BASVAL")).expect("the sample can be imputed");
                (median(budget, table), table().differences().map(|row| row.estimate.abs() + row.se).sum())
            }
            Own::Drawn(model, number) => {
                let draws = Draws::new(DrawMethod::ApproximateBayesian).number(*number).seed(common::methods::SEED);
                let (plan, analysis) = (common::methods::j2r("PLACEBO", "BASVAL"), CompletedAnalysis::ancova(["BASVAL"]));
                let last = || {
                    let fit = fit(model);
                    let pooled = fit.imputations(trial, &plan, &draws).and_then(|drawn| drawn.estimates(&analysis));
                    let contrasts = pooled.and_then(|pooled| pooled.arm_contrasts(&ContrastOptions::default()));
                    contrasts.expect("the sample can be imputed").rows.last().expect("visits").estimate.estimate.abs()
                };
                (median(budget, last), last())
            }
            Own::PrimaryAnalysis => {
                let analyse = || common::primary_analysis(trial).expect("the sample can be analysed");
                (median(budget, analyse), analyse().fit.log_likelihood())
            }
        }
    }
}
