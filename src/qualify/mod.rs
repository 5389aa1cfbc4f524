//! Qualification: published values recomputed on the machine at hand.
//!
//! What SAS and R say of a trial is in the crate, with the trial. [`qualify`] computes the same values here and compares
//! them, method by method: what a quality department files before the software is used, and again after every update of
//! the machine. On the command line it is `trialstats qualify`, which fails where a value is off.
//!
//! ```
//! let found = trialstats::qualify::qualify()?;
//! assert!(found.passes(), "{:?}", found.failures().collect::<Vec<_>>());
//! assert!(found.methods.iter().map(|m| m.checks.len()).sum::<usize>() > 1000);
//! # Ok::<(), trialstats::Error>(())
//! ```
//!
//! The tests of the crate hold more; these are the references whose data may be passed on. Tolerances are as tight as the
//! reference is exact: how early its optimiser stopped, how many digits were printed.

mod checks;
mod distributions;
mod lme4;
mod mmrm;
mod sas;
mod trials;

pub use checks::{Check, Measure, Method};

use crate::error::Result;
use crate::report::{Document, Section};
use crate::table::{agreeing, counted};

/// Every method and what came of it.
#[non_exhaustive]
#[derive(Debug, Clone, serde::Serialize)]
pub struct Qualification {
    /// Software and version.
    pub software: String,
    /// Processor and operating system.
    pub platform: String,
    /// The methods.
    pub methods: Vec<Method>,
}

/// Computes every embedded reference value here and compares.
///
/// # Errors
/// None where the crate is whole: a model that cannot be fitted is a failed check, not an error; an embedded file that
/// cannot be read is one.
pub fn qualify() -> Result<Qualification> {
    Ok(Qualification {
        software: format!("trialstats {}", env!("CARGO_PKG_VERSION")),
        platform: format!("{} on {}", std::env::consts::ARCH, std::env::consts::OS),
        methods: vec![
            mmrm::method()?,
            sas::kenward_roger()?,
            sas::weighted()?,
            lme4::satterthwaite()?,
            lme4::kenward_roger()?,
            distributions::method()?,
        ],
    })
}

impl Qualification {
    /// Whether every value is within its tolerance.
    pub fn passes(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The values that are not within their tolerance.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.methods.iter().flat_map(|m| &m.checks).filter(|check| !check.passes())
    }

    /// A page: each method with how many values were compared and how far the worst is off.
    pub fn summary(&self) -> String {
        let mut text = format!("{}, {}\n\n", self.software, self.platform);
        for method in &self.methods {
            let failed = method.checks.iter().filter(|c| !c.passes()).count();
            let verdict = if failed == 0 { "pass".to_string() } else { format!("FAIL: {}", counted(failed, "value")) };
            text += &format!("{:<62} {:>5} values  {verdict}\n", method.title, method.checks.len());
        }
        let all: usize = self.methods.iter().map(|m| m.checks.len()).sum();
        let failed = self.failures().count();
        text + &match failed {
            0 => format!("\nAll {all} values are within their tolerance.\n"),
            _ => format!("\n{failed} of {all} values {} NOT within their tolerance.\n", agreeing(failed, "is", "are")),
        }
    }

    /// The record to file: a section a method, with the worst difference of each statistic on the page and every value in
    /// the tables beside it.
    pub fn document(&self) -> Document {
        let failed = self.failures().count();
        let verdict = match failed {
            0 => "Every value is within its tolerance.".to_string(),
            _ => format!("{} {} NOT within their tolerance.", counted(failed, "value"), agreeing(failed, "is", "are")),
        };
        let all: usize = self.methods.iter().map(|m| m.checks.len()).sum();
        let mut document = Document::new("Qualification of the installation").subtitle(format!("{} · {}", self.software, self.platform));
        document = document.section(
            Section::new("Result")
                .led_paragraph(
                    verdict,
                    format!("{all} published values were computed again on this machine, by {} methods.", self.methods.len()),
                )
                .table("qualification", &checks::Overview(&self.methods)),
        );
        for method in &self.methods {
            document = document.section(
                Section::new(method.title.clone())
                    .led_paragraph("Reference.", format!("{}.", method.reference))
                    .led_paragraph("Source.", format!("{}.", method.source))
                    .led_paragraph("Tolerance.", method.tolerance.clone())
                    .table_as(&method.name, method, &checks::Worst(method)),
            );
        }
        document.analysis(serde_json::to_value(self).unwrap_or_default())
    }
}
