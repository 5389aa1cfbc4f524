//! What a person sees when a command cannot be done.

use std::process::ExitCode;
use trialstats::error::Interface;

/// Why a command ended without a result.
#[derive(Debug)]
pub enum Failure {
    /// The library said no.
    Analysis(trialstats::Error),
    /// Arguments that contradict one another or the file.
    Usage(String),
    /// Standard output could not be written.
    Output(std::io::Error),
}

impl Failure {
    /// Prints the message to standard error; the exit status is 2 for arguments, as clap has it, and 1 for everything
    /// else.
    pub fn report(&self) -> ExitCode {
        let (code, message) = match self {
            Failure::Analysis(error) => (1, error.to_string()),
            Failure::Usage(message) => (2, message.clone()),
            Failure::Output(error) => (1, format!("cannot write to standard output: {error}")),
        };
        eprintln!("error: {}", printable(message.trim_end()));
        ExitCode::from(code)
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
