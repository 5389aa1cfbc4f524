//! `trialstats proportions`: proportions without a model.

use super::failure::Failure;
use clap::parser::ValueSource;
use trialstats::proportions::{ComparedProportions, ComparisonOptions, Meaning, Proportion, compare_proportions, compare_stratified};

/// Events and patients of each group.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Prints confidence intervals for each proportion, for difference, ratio and odds ratio of the first group against each other one, by
every method, tests of equality, and the number needed to treat; with --margin tests of non-inferiority and equivalence, and where
tests and intervals disagree. One group alone gets its own intervals.

Examples:
  trialstats proportions 36/154 12/77
  trialstats proportions 83/88 69/76 --margin 0.1
  trialstats proportions --stratum 16/27 5/25 --stratum 12/28 7/26 --json

JSON (schema trialstats.proportions/1): groups[].intervals[], comparisons[].difference[], .ratio[], .odds_ratio[], each interval with
method, label, estimate, lower and upper; comparisons[].tests[] with method, alternative, statistic, df and p; .number_needed;
.margin_tests[]; .warnings[]; stratified. A number that does not exist is null, and so is an infinite upper limit.")]
pub struct ProportionsArguments {
    /// Events and patients of each group, such as 36/154; the first group is compared with each of the others
    #[arg(value_name = "EVENTS/PATIENTS", value_parser = proportion)]
    pub groups: Vec<Proportion>,
    #[command(flatten)]
    pub strata: Strata,
    /// What the groups are called, in their order
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    pub names: Vec<String>,
    /// Confidence level of the intervals; tests against a margin are one-sided at half of what is left
    #[arg(long, default_value_t = 0.95)]
    pub level: f64,
    /// Test non-inferiority and equivalence by this margin for the difference, as a share
    #[arg(long, value_name = "SHARE")]
    pub margin: Option<f64>,
    /// The event is bad for the patient: fewer in the first group is a benefit
    #[arg(long)]
    pub unfavourable: bool,
    /// Print everything as JSON at full precision
    #[arg(long)]
    pub json: bool,
}

/// The groups of each stratum, one list per time the option is given.
#[derive(Debug, Clone, Default)]
pub struct Strata(Vec<Vec<Proportion>>);

impl clap::Args for Strata {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.arg(
            clap::Arg::new("stratum")
                .long("stratum")
                .value_name("EVENTS/PATIENTS")
                .num_args(1..)
                .action(clap::ArgAction::Append)
                .value_parser(proportion)
                .conflicts_with("groups")
                .help("The groups of one stratum, in the same order each time, such as --stratum 10/50 5/48 --stratum 7/30 6/31"),
        )
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Strata {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        if matches.value_source("stratum") != Some(ValueSource::CommandLine) {
            return Ok(Self::default());
        }
        let strata = matches.get_occurrences::<Proportion>("stratum").into_iter().flatten();
        Ok(Self(strata.map(|stratum| stratum.copied().collect()).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// `EVENTS/PATIENTS`.
fn proportion(text: &str) -> Result<Proportion, String> {
    let parts = || {
        let (events, patients) = text.split_once('/')?;
        Some((events.trim().parse().ok()?, patients.trim().parse().ok()?))
    };
    let (events, patients) = parts().ok_or("expected EVENTS/PATIENTS in whole numbers, as in 36/154")?;
    Proportion::new(events, patients).map_err(|error| error.to_string())
}

impl ProportionsArguments {
    /// Compares.
    pub fn run(&self) -> Result<String, Failure> {
        let compared = self.compared()?;
        match self.json {
            false => Ok(compared.to_string()),
            true => json(&compared),
        }
    }

    fn compared(&self) -> Result<ComparedProportions, Failure> {
        let meaning = if self.unfavourable { Meaning::Unfavourable } else { Meaning::Favourable };
        let options = ComparisonOptions::new().level(self.level).meaning(meaning);
        let options = self.margin.into_iter().fold(options, ComparisonOptions::margin);
        let strata = &self.strata.0;
        let count = strata.first().map_or(self.groups.len(), Vec::len);
        if count == 0 {
            return Err(Failure::Usage("give events and patients of each group, such as `trialstats proportions 36/154 12/77`".into()));
        }
        if !self.names.is_empty() && self.names.len() != count {
            return Err(Failure::Usage(format!("--names gives {} names for {count} groups; give one each", self.names.len())));
        }
        let name = |k: usize| self.names.get(k).cloned().unwrap_or_else(|| format!("Group {}", k + 1));
        Ok(match strata.is_empty() {
            true => compare_proportions(self.groups.iter().enumerate().map(|(k, p)| (name(k), *p)), &options)?,
            false => compare_stratified((0..count).map(name), strata, &options)?,
        })
    }
}

fn json(compared: &ComparedProportions) -> Result<String, Failure> {
    #[derive(serde::Serialize)]
    struct Document<'a> {
        schema: &'static str,
        software: String,
        #[serde(flatten)]
        compared: &'a ComparedProportions,
    }
    let software = format!("trialstats {}", env!("CARGO_PKG_VERSION"));
    let document = Document { schema: trialstats::schema::PROPORTIONS, software, compared };
    let text = serde_json::to_string_pretty(&document).map_err(|error| Failure::Output(std::io::Error::other(error)))?;
    Ok(text + "\n")
}
