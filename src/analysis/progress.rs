//! Telling whoever waits how far long work has come.

/// Hears of the steps of an analysis, from any thread. The library itself prints nothing; `src/cli/progress.rs` shows
/// a line on a terminal.
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
