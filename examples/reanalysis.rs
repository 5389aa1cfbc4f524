//! The intention-to-treat reanalysis of imagery rescripting (ImRs) against imagery rescripting with group schema
//! therapy (ImRs+GST), on synthetic data shaped like the published trial.
//!
//! ```text
//! cargo run -p trialstats --no-default-features --example reanalysis
//! ```

#[path = "../src/cli/progress.rs"]
mod progress;

use std::process::ExitCode;

use trialstats::analysis::{
    Analysis, AnalysisResult, Clustering, Estimand, EventStrategy, ImputationPlan, ObservedAt, PopulationPlan, SummaryMeasure, TippingOf,
    TippingPlan,
};
use trialstats::change::{CutOff, IndividualChange, Norm, Reliability, Spread};
use trialstats::effects::EffectSizes;
use trialstats::imputation::{Strategy, Variance};
use trialstats::instruments::{Caps5, Scid5Pd};
use trialstats::means::Better;
use trialstats::report::{Kind, Provenance, PublishedTable, TrialReport};
use trialstats::responders::{Assumption, Rates, Unobserved, presets, share_below};
use trialstats::table::Format;
use trialstats::trial::Condition;
use trialstats::{Layout, Result, Tabular as _, Trial};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data-samples/imrs_gst/imrs_gst.csv");
const SYNTHETIC: &str = "SYNTHETIC DATA. No patient is in them: a simulator made them from a stated truth, calibrated to published figures of the trial \
                         and otherwise invented. Nothing here says anything about the treatments.";

fn main() -> ExitCode {
    match reanalyse() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn reanalyse() -> Result<()> {
    println!("Reading the synthetic trial imrs_gst (no patient is in it; see data-samples/imrs_gst/README.md)");
    let trial = Layout::long("patient", "arm", "visit")
        .visit_time("month")
        .reference_arm("ImRs")
        .baseline_visit("baseline")
        .covariate("age")
        .covariate("sex")
        .covariate("site")
        .covariate("imrs_sessions")
        .cluster("therapist")
        .cluster("therapy_group")
        .instrument(Caps5::default())
        .instrument(Scid5Pd::cluster_c())
        .read_csv(FILE)?;

    let [by_index, by_points] = individual_changes();
    let result = Analysis::of(&trial)
        .primary("caps5")
        .estimand(
            Estimand::new(
                "primary",
                "patients of the (synthetic) trial, everyone randomized",
                "ImRs+GST against ImRs, as allocated",
                "caps5",
                SummaryMeasure::DifferenceInMeans,
            )
            .intercurrent(
                "treatment not started, stopped early or supplemented",
                EventStrategy::TreatmentPolicy,
                Some("patients are measured whatever treatment they received"),
            ),
        )
        .at("12 months")
        .secondary("scid5pd")
        .mean("site + arm * visit")
        .responders(presets::caps5())
        .responders([presets::pd_remission_of_those_met()])
        .unobserved([Unobserved::ObservedOnly, Unobserved::CountedAsNotMet, Unobserved::Bounds, Unobserved::Imputed])
        .characteristics(["age", "sex", "site", "caps5", "scid5pd", "ptsd", "avoidant", "dependent", "obsessive_compulsive"])
        .label("ptsd", "PTSD")
        .label("avoidant", "Avoidant personality disorder")
        .label("dependent", "Dependent personality disorder")
        .label("obsessive_compulsive", "Obsessive-compulsive personality disorder")
        .individual_change(by_index)
        .individual_change(by_points)
        .lower_is_better()
        .bootstrap(2000)
        .seed(2024)
        .sensitivity_to_clusters(Clustering::new().groups("therapy_group").therapists("therapist"))
        .sensitivity_by_imputation(by(Strategy::Mar))
        .sensitivity_by_imputation(by(Strategy::JumpToReference))
        .sensitivity_by_imputation(by(Strategy::CopyReference))
        .sensitivity_by_imputation(by(Strategy::CopyIncrements))
        .tipping_point(
            TippingPlan::new(Strategy::Mar, "ImRs+GST", [-20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0])
                .versus_shifts([-10.0, -5.0, 0.0, 5.0, 10.0])
                .of([TippingOf::Difference, TippingOf::EffectSize, TippingOf::Definition("response".into())])
                .imputation(ImputationPlan::new(Strategy::Mar).covariates(["baseline", "site"])),
        )
        .sensitivity_in_population(PopulationPlan::new("completers").observed_at(ObservedAt::LastVisit))
        .sensitivity_in_population(
            PopulationPlan::new("per protocol")
                .patients(Condition::on("imrs_sessions").at_least(9.0).reason("fewer than three quarters of 12 ImRs sessions")),
        )
        .run(&progress::Line::default())?;
    println!("\n{}", result.summary());
    if let Some(clustering) = &result.clustering {
        println!("{}", clustering.to_text_within(80));
    }

    let published = published(&trial, &result)?;
    println!("{}", published.to_text_within(80));
    let report = TrialReport::new(&result)
        .title("Imagery rescripting with and without group schema therapy: intention-to-treat reanalysis")
        .synthetic(SYNTHETIC)
        .published(published)
        .provenance(Provenance::of_file(FILE)?);
    let kinds = [Kind::Docx, Kind::Rtf, Kind::Ard, Kind::Ars];
    let written = report.document().write_as("reanalysis-report", &kinds)?;
    println!("SYNTHETIC DATA. Report: {} (Word, RTF, tables, figures and JSON beside it)", written.html.display());
    Ok(())
}

/// What counts for a single patient; the standard deviation and the functional population are illustrative.
fn individual_changes() -> [IndividualChange; 2] {
    let reliability = Reliability::test_retest(0.78).source("Weathers et al. 2018, ICC");
    let by_index = IndividualChange::by_reliability("caps5", Better::Lower, reliability)
        .sd(Spread::Stated(10.0))
        .functional(Norm::new(6.0, 5.0).source("illustrative, not published"))
        .cut_off(CutOff::C);
    [by_index, IndividualChange::caps5_13_points().cut_off(CutOff::Score(8.0))]
}

/// The primary outcome if the missing are different.
fn by(strategy: Strategy) -> ImputationPlan {
    ImputationPlan::new(strategy).covariates(["baseline", "site"]).variance(Variance::DeltaMethod)
}

/// What was published of the trial beside what these data give.
fn published(trial: &Trial, result: &AnalysisResult) -> Result<PublishedTable> {
    let (caps5, scid5pd) = (&result.outcomes[0].effects, &result.outcomes[1].effects);
    let table = PublishedTable::new(
        "Published: van den End et al. 2024, Eur J Psychotraumatol 15(1):2382652.",
        "The data here are SYNTHETIC and were calibrated to these published figures: agreement is built in and says nothing about the treatments.",
    );
    let remission = result.rates.as_ref();
    let rate = |name: &str| remission.map_or(String::new(), |r| overall(r, name));
    let sessions = share_below(trial, "imrs_sessions", 0.75 * 12.0)?;
    let below = trialstats::responders::rates(&[sessions], &trialstats::responders::RateOptions::new([Unobserved::ObservedOnly]))?;
    Ok(table
        .row("Randomized to ImRs, ImRs+GST", "66, 64", trial.randomized().iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        .row("CAPS-5 at 12 months, d within ImRs", "2.42 (1.97 to 2.87)", effect(&caps5.within, "ImRs"))
        .row("CAPS-5 at 12 months, d within ImRs+GST", "2.44 (1.99 to 2.90)", effect(&caps5.within, "ImRs+GST"))
        .row("CAPS-5 at 12 months, d between arms", "0.02", effect(&caps5.between, "ImRs+GST"))
        .row("SCID-5-PD at 12 months, d within ImRs", "about 3.0", effect(&scid5pd.within, "ImRs"))
        .row("SCID-5-PD at 12 months, d within ImRs+GST", "about 3.0", effect(&scid5pd.within, "ImRs+GST"))
        .row("Remission of PTSD, stricter definition, of all", "28%", rate("remission"))
        .row("Remission of PTSD, wider definition, of all", "43%", rate("loss_of_diagnosis"))
        .row("Under three quarters of the ImRs sessions", "about 38%", overall(&below, &below.definitions[0].name)))
}

/// An effect size with the interval of the published formula: independent groups of the randomized size.
fn effect(tables: &[EffectSizes], arm: &str) -> String {
    use trialstats::effects::{GroupSize, IntervalMethod, Limits};
    let published = Limits::Formula(IntervalMethod::IndependentGroups(GroupSize::Randomized));
    let row = tables.iter().filter(|t| t.limits == published).flat_map(|t| &t.rows).find(|r| r.arm == arm);
    row.map_or(String::new(), |r| format!("{:.2} ({:.2} to {:.2})", r.effect, r.lower, r.upper))
}

/// The rate over all arms, of everyone randomized with the unobserved as not met, or of the observed where that is
/// all there is.
fn overall(rates: &Rates, definition: &str) -> String {
    let under = |assumption| rates.rows.iter().filter(move |r| r.definition == definition && r.unobserved == assumption);
    let assumption = if under(Assumption::CountedAsNotMet).count() > 0 { Assumption::CountedAsNotMet } else { Assumption::ObservedOnly };
    let (met, of) = under(assumption).fold((0, 0), |(met, of), r| (met + r.met, of + r.of));
    format!("{} ({met} of {of})", Format::Percent.apply(met as f64 / of as f64))
}
