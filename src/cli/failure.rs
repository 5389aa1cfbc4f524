//! What a person sees when a command cannot be done.

use std::process::ExitCode;
use trialstats::Error;
use trialstats::error::Interface;

/// Why a command ended without a result.
#[derive(Debug)]
pub enum Failure {
    /// The library said no.
    Analysis(trialstats::Error),
    /// Arguments that contradict one another or the file.
    Usage(String),
    /// A value of a reference that came out otherwise on this machine; all that was found.
    NotQualified(String),
    /// Standard output could not be written.
    Output(std::io::Error),
}

impl Failure {
    /// A refusal in the words of a plan.
    pub fn of_plan(error: trialstats::Error) -> Self {
        Failure::Analysis(error.worded_for(Interface::Plan))
    }

    /// Prints the message to standard error and, for a program, a JSON document with the code to standard output. The
    /// exit status is 2 for arguments, as clap has it, and 1 for everything else.
    pub fn report(&self, json: bool) -> ExitCode {
        let message = self.message();
        if json {
            // Where standard output cannot be written, the message on standard error remains.
            let _ = super::print(&(self.document(&message) + "\n"));
        }
        eprintln!("error: {message}");
        ExitCode::from(if matches!(self, Failure::Usage(_)) { 2 } else { 1 })
    }

    fn message(&self) -> String {
        let message = match self {
            Failure::Analysis(error) => error.to_string(),
            Failure::Usage(message) | Failure::NotQualified(message) => message.clone(),
            Failure::Output(error) => format!("cannot write to standard output: {error}"),
        };
        printable(message.trim_end())
    }

    /// The code of the refusal: those of the library, [`trialstats::error::codes`], and two of the command line.
    fn code(&self) -> &'static str {
        match self {
            Failure::Analysis(error) => error.code(),
            Failure::Usage(_) => "usage",
            Failure::NotQualified(_) => "not-qualified",
            Failure::Output(_) => "output",
        }
    }

    fn document(&self, message: &str) -> String {
        let problems = match self {
            Failure::Analysis(Error::Data(problems)) => serde_json::to_value(problems).ok(),
            Failure::Analysis(Error::Plan(problems)) => serde_json::to_value(problems).ok(),
            _ => None,
        };
        let mut error = serde_json::json!({ "code": self.code(), "message": message });
        if let (Some(problems), Some(error)) = (problems, error.as_object_mut()) {
            error.insert("problems".into(), problems);
        }
        let software = format!("trialstats {}", env!("CARGO_PKG_VERSION"));
        format!("{:#}", serde_json::json!({ "schema": trialstats::schema::ERROR, "software": software, "error": error }))
    }
}

impl From<trialstats::Error> for Failure {
    fn from(error: trialstats::Error) -> Self {
        Failure::Analysis(error.worded_for(Interface::CommandLine))
    }
}

/// A text of several lines without the characters that a terminal obeys; labels of a file may hold any.
pub fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() && c != '\n' { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}
