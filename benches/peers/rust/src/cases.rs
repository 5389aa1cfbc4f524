//! The cases that a peer has too.

use crate::by_glmm::{self, Part};
use crate::clock::{Median, median};
use crate::common;
use crate::r::{self, Measured};
use std::time::Duration;
use trialstats::{Df, Model, Trial, Vcov};

/// What is spent on each side of a case.
const BUDGET: Duration = Duration::from_secs(3);
const SECONDS_IN_R: f64 = 10.0;

/// A row of the table.
pub struct Row {
    pub what: &'static str,
    pub peer: &'static str,
    pub own: Median,
    pub theirs: Result<Measured, String>,
    /// How many times faster the issue wants it; `None` where it is only shown.
    pub goal: Option<f64>,
    /// Our log-likelihood.
    pub check: f64,
}

#[derive(Clone, Copy)]
enum Peer {
    R(&'static str),
    Glmm(Part),
}

/// What of the library is timed.
enum Own {
    /// Fit and all coefficients.
    Coefficients(Model),
    Fit(Model),
    Refit(Model),
    PrimaryAnalysis,
}

struct Case {
    name: &'static str,
    what: &'static str,
    trial: fn() -> Trial,
    own: Own,
    peer: (&'static str, Peer),
    goal: Option<f64>,
}

fn cases() -> Vec<Case> {
    use Own::{Coefficients, Fit, PrimaryAnalysis, Refit};
    use Peer::{Glmm, R};
    let (fev, bcva) = (|| common::model(common::FEV), || common::model(common::BCVA));
    let sleep = common::sleepstudy_model;
    let case = |name, what, trial, own, peer, goal| Case { name, what, trial, own, peer, goal };
    vec![
        case(
            "fev satterthwaite",
            "fev_data: unstructured, REML, Satterthwaite df of all coefficients",
            common::fev,
            Coefficients(fev()),
            ("mmrm", R("fev_satterthwaite")),
            Some(250.0),
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
            Some(300.0),
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
            Some(1000.0),
        ),
        case(
            "sleepstudy satterthwaite glmm",
            "sleepstudy: random intercept and slope, Satterthwaite df of all coefficients; glmm from matrices",
            common::sleepstudy,
            Coefficients(sleep()),
            ("glmm", Glmm(Part::Fit { df: true })),
            Some(1.0),
        ),
        case(
            "sleepstudy fit glmm",
            "sleepstudy: the fit alone; glmm from matrices",
            common::sleepstudy,
            Fit(sleep()),
            ("glmm", Glmm(Part::Fit { df: false })),
            Some(1.0),
        ),
        case(
            "sleepstudy formula glmm",
            "sleepstudy: with df; glmm from formula and table, as here",
            common::sleepstudy,
            Coefficients(sleep()),
            ("glmm", Glmm(Part::Formula)),
            None,
        ),
        case(
            "sleepstudy refit glmm",
            "sleepstudy: refit with other outcomes, workspace reused on both sides",
            common::sleepstudy,
            Refit(sleep()),
            ("glmm", Glmm(Part::Refit)),
            Some(1.0),
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
            "fev gls",
            "fev_data: unstructured, REML, table of coefficients",
            common::fev,
            Coefficients(fev()),
            ("nlme::gls", R("fev_gls")),
            None,
        ),
    ]
}

/// Measures each case on both sides, one case after the other.
pub fn measure(filter: &str) -> Vec<Row> {
    cases().into_iter().filter(|case| case.name.contains(filter)).map(|case| case.measure()).collect()
}

impl Case {
    fn measure(self) -> Row {
        let trial = (self.trial)();
        let theirs = match self.peer.1 {
            Peer::R(case) => r::measure(case, SECONDS_IN_R),
            Peer::Glmm(part) => by_glmm::measure(&trial, part, BUDGET),
        };
        let (own, check) = self.own.measure(&trial);
        let row = Row { what: self.what, peer: self.peer.0, own, theirs, goal: self.goal, check };
        let said = match &row.theirs {
            Ok(theirs) => format!("{} {}, here {}", row.peer, crate::page::time(theirs.median.seconds), crate::page::time(own.seconds)),
            Err(why) => why.clone(),
        };
        eprintln!("{}: {said}", self.name);
        row
    }
}

impl Own {
    /// The median and the log-likelihood.
    fn measure(&self, trial: &Trial) -> (Median, f64) {
        let fit = |model: &Model| model.fit(trial).expect("the sample can be fitted");
        match self {
            Own::Coefficients(model) => (median(BUDGET, || fit(model).coefficients()), fit(model).log_likelihood()),
            Own::Fit(model) => (median(BUDGET, || fit(model)), fit(model).log_likelihood()),
            Own::Refit(model) => {
                let original = fit(model);
                let mut refitter = original.refitter().expect("the fit has patients");
                let outcomes = common::changed(refitter.outcomes());
                (median(BUDGET, || refitter.with_outcomes(&outcomes).expect("can be fitted")), original.log_likelihood())
            }
            Own::PrimaryAnalysis => {
                let analyse = || common::primary_analysis(trial).expect("the sample can be analysed");
                (median(BUDGET, analyse), analyse().fit.log_likelihood())
            }
        }
    }
}
