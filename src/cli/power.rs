//! `trialstats power`: a planned trial simulated and analysed as planned.

use super::choice::choice;
use super::failure::Failure;
use super::progress::Line;
use super::report::stem;
use super::today::today;
use std::path::PathBuf;
use trialstats::Result;
use trialstats::analysis::DocumentKind;
use trialstats::study::{Find, StudyFile, StudyResult};

/// Which study is run, in how many parts, and where its report goes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  trialstats power examples/plans/imrs_gst_power.toml
  trialstats power plan.toml --truth truth.toml --find patients --power 0.9
  trialstats power plan.toml --shard 3/20 --parts parts && trialstats power plan.toml --merge parts

The plan is the one that will analyse the data; `[truth]` says what trials are made from and `[study]` what is asked. The folder
gets report.html, report.json, tables and figures. The parts of an array job (SLURM: --shard $SLURM_ARRAY_TASK_ID/20) add up to
the same numbers as one run, to the last bit, for any number of parts and threads.")]
pub struct PowerArguments {
    /// The study: TOML with the plan's keys (or `plan = \"plan.toml\"`), `[truth]` and `[study]`
    pub study: PathBuf,
    /// A file with `[truth]` and `[study]`, where the plan has neither
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Trials at every point; what the study says unless said
    #[arg(long, value_name = "NUMBER")]
    pub trials: Option<u64>,
    /// Seed of all trials; what the study says unless said
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Stop a point when the Monte-Carlo standard error of the power is this small
    #[arg(long, value_name = "SHARE")]
    pub precision: Option<f64>,
    /// Look for what gives the power sought
    #[arg(long, value_parser = choice::<Find>())]
    pub find: Vec<Find>,
    /// The power sought
    #[arg(long, value_name = "SHARE")]
    pub power: Option<f64>,
    /// Simulate part K of N only, e.g. 3/20
    #[arg(long, value_name = "K/N", conflicts_with = "merge")]
    pub shard: Option<String>,
    /// The folder that parts are written to
    #[arg(long, value_name = "FOLDER", default_value = "power-parts", requires = "shard")]
    pub parts: PathBuf,
    /// Add up the parts in a folder
    #[arg(long, value_name = "FOLDER")]
    pub merge: Option<PathBuf>,
    /// The folder of the report, made if needed; the study's name with "-power" unless said
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Write the report as a Word document too
    #[arg(long)]
    pub docx: bool,
    /// The date that the report bears; today unless said
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<String>,
    /// Print the result as JSON instead of a summary
    #[arg(long)]
    pub json: bool,
}

impl PowerArguments {
    /// Runs the study, or a part of it, and says in a page what was found.
    pub fn run(&self) -> std::result::Result<String, Failure> {
        let study = self.study().map_err(Failure::of_plan)?;
        // Said at once: a study may take minutes.
        eprintln!("{}", study.announcement().map_err(Failure::of_plan)?);
        if let Some(shard) = &self.shard {
            let (part, of) = parts_of(shard)?;
            let path = study.write_part(part, of, &self.parts, &Line::default()).map_err(Failure::of_plan)?;
            return Ok(format!("Part {part} of {of}: {}\n", path.display()));
        }
        let result = match &self.merge {
            Some(folder) => study.merged(folder, &Line::default()),
            None => study.run(&Line::default()),
        };
        let result = result.map_err(Failure::of_plan)?;
        let mut document = study.document(&result);
        document.date = Some(self.date.clone().unwrap_or_else(today));
        let kinds: &[DocumentKind] = if self.docx { &[DocumentKind::Docx] } else { &[] };
        let folder = self.out.clone().unwrap_or_else(|| format!("{}-power", stem(&self.study)).into());
        let written = document.write_as(folder, kinds).map_err(Failure::of_plan)?;
        if self.json {
            return Ok(format!("{:#}\n", document.to_json()));
        }
        Ok(format!("{}\nReport: {} (tables, figures and JSON beside it)\n", summary(&study, &result), written.html.display()))
    }

    fn study(&self) -> Result<StudyFile> {
        let mut study = StudyFile::open_with(&self.study, self.truth.as_deref())?;
        let settings = &mut study.settings;
        settings.trials = self.trials.unwrap_or(settings.trials);
        settings.seed = self.seed.or(settings.seed);
        settings.precision = self.precision.or(settings.precision);
        settings.power = self.power.unwrap_or(settings.power);
        if !self.find.is_empty() {
            settings.find.clone_from(&self.find);
        }
        StudyFile::new(study.plan, study.truth, study.settings)
    }
}

/// `3/20` as (3, 20).
fn parts_of(shard: &str) -> std::result::Result<(u64, u64), Failure> {
    let numbers = shard.split_once('/').map(|(part, of)| (part.trim().parse(), of.trim().parse()));
    match numbers {
        Some((Ok(part), Ok(of))) => Ok((part, of)),
        _ => Err(Failure::Usage(format!("--shard {shard}: write the part and the number of parts, e.g. 3/20"))),
    }
}

/// What was found, in a page.
fn summary(study: &StudyFile, result: &StudyResult) -> String {
    let mut parts = vec![result.sentence()];
    parts.extend(result.sentences_of_search());
    parts.extend(result.sentence_of_costs());
    parts.extend(result.base().familywise.iter().map(ToString::to_string));
    parts.push(result.base().characteristics.to_string());
    if let Some(null) = result.curve("null").first() {
        parts.push(format!("Without any effect:\n{}", null.characteristics));
    }
    if !result.left_out.is_empty() {
        parts.push(result.left_out.join("\n"));
    }
    parts.extend(result.varied().iter().map(|varied| result.power_table(varied).to_string()));
    if let Some(looks) = &result.looks {
        parts.push(looks.to_string());
    }
    parts.extend(result.reestimated.iter().map(ToString::to_string));
    parts.push(study.truth.assumptions().to_string());
    parts.join("\n\n")
}
