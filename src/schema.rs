//! The versions of the JSON that this crate writes.
//!
//! Every JSON document begins with a field `schema` that says what it is and in which version: `trialstats.fit/1` from
//! `trialstats fit --json`, `trialstats.report/1` in a report's `report.json`.
//!
//! - The number rises whenever a field is removed or renamed, or its meaning, unit or type changes. The changelog says
//!   how.
//! - Fields may be added, and an option may gain values, without a new number: ignore fields that you do not know.
//! - Fields have `snake_case` names. Options are spelled as on the command line and in a plan, in kebab-case
//!   ([`options`](crate::options)).
//! - A number that does not exist (an aliased coefficient, infinite degrees of freedom) is `null`. All others have the
//!   digits that give the same double back.

/// The schema of the command `trialstats fit --json`.
pub const FIT: &str = "trialstats.fit/1";

/// The schema of the command `trialstats fit --json` for a binary outcome or a count: coefficients on the scale of the
/// link; `marginal_means` and `contrasts` standardised over everyone randomized; `alpha` and `phi` of estimating equations.
pub const GENERALIZED_FIT: &str = "trialstats.generalized-fit/1";

/// The schema of the command `trialstats describe --json`.
pub const DESCRIBE: &str = "trialstats.describe/1";

/// The schema of the command `trialstats proportions --json`: the fields of
/// [`ComparedProportions`](crate::proportions::ComparedProportions).
pub const PROPORTIONS: &str = "trialstats.proportions/1";

/// The schema of a refusal by a command with `--json`: `error.code`, one of [`codes`](crate::error::codes()) or `usage` or
/// `output` of the command line; `error.message`; and `error.problems`, one by one, of a file or a plan.
pub const ERROR: &str = "trialstats.error/1";

/// The schema of a report's `manifest.json`: `files`, the paths of what belongs to it.
pub const MANIFEST: &str = "trialstats.manifest/1";

/// The schema of what `trialstats moments` writes: the sums of a site ([`SiteSums`](crate::analysis::SiteSums)).
pub const SITE: &str = "trialstats.site/1";

/// The schema of [`Document::to_json`](crate::report::Document::to_json).
pub const REPORT: &str = "trialstats.report/1";

/// The schema of a [`FrozenDesign`](crate::design::FrozenDesign) as JSON.
pub const FROZEN_DESIGN: &str = "trialstats.frozen-design/1";

/// The schema of [`TrialMoments`](crate::fit::TrialMoments) as JSON.
pub const MOMENTS: &str = "trialstats.moments/1";
