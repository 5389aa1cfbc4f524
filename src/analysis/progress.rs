//! Telling whoever waits how far long work has come.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Duration;

/// Hears of the steps of an analysis, from any thread. The library itself prints nothing.
pub trait Progress: Sync {
    /// A task of `steps` steps begins; 0 where their number is not known.
    fn begin(&self, task: &str, steps: u64);

    /// `done` steps of the task are done.
    fn advance(&self, done: u64);

    /// The task is done.
    fn end(&self);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _task: &str, _steps: u64) {}

    fn advance(&self, _done: u64) {}

    fn end(&self) {}
}

/// A line on standard error with the task and how far it is, if standard error is a terminal; nothing in a pipe or
/// file.
#[derive(Debug, Default)]
pub struct TerminalProgress {
    bar: Mutex<Option<ProgressBar>>,
}

impl TerminalProgress {
    /// A progress line that shows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the line; a poisoned lock means that another thread panicked, and then nobody looks at progress.
    fn set(&self, bar: Option<ProgressBar>) {
        if let Ok(mut current) = self.bar.lock() {
            current.iter().for_each(ProgressBar::finish_and_clear);
            *current = bar;
        }
    }
}

impl Progress for TerminalProgress {
    fn begin(&self, task: &str, steps: u64) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let (bar, template) = match steps {
            0 => (ProgressBar::new_spinner(), "{spinner} {msg}"),
            _ => (ProgressBar::new(steps), "{msg} [{bar:30}] {pos} of {len}, {eta} left"),
        };
        // The templates are constants; were one wrong, indicatif's own would do.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(task.to_string());
        bar.enable_steady_tick(Duration::from_millis(200));
        self.set(Some(bar));
    }

    fn advance(&self, done: u64) {
        if let Ok(bar) = self.bar.lock() {
            bar.iter().for_each(|b| b.set_position(done));
        }
    }

    fn end(&self) {
        self.set(None);
    }
}
