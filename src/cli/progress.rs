//! A line of progress on a terminal, for the command line and the examples: the library itself prints nothing.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use trialstats::analysis::Progress;

/// Shows on standard error the task and how far it is, if standard error is a terminal; nothing in a pipe or file.
#[derive(Debug, Default)]
pub struct Line(Mutex<Option<Task>>);

#[derive(Debug)]
struct Task {
    name: String,
    /// 0 where their number is not known.
    steps: u64,
    started: Instant,
    shown: Instant,
}

/// Time between two showings: what an eye can follow.
const PAUSE: Duration = Duration::from_millis(200);

impl Progress for Line {
    fn begin(&self, task: &str, steps: u64) {
        if std::io::stderr().is_terminal() {
            let now = Instant::now();
            show(task);
            self.set(Some(Task { name: task.into(), steps, started: now, shown: now }));
        }
    }

    fn advance(&self, done: u64) {
        // A poisoned lock means that another thread panicked, and then nobody looks at progress.
        if let Ok(mut task) = self.0.lock()
            && let Some(task) = task.as_mut()
            && task.shown.elapsed() >= PAUSE
        {
            task.shown = Instant::now();
            show(&task.line(done));
        }
    }

    fn end(&self) {
        if let Ok(Some(_)) = self.0.lock().as_deref() {
            show("");
        }
        self.set(None);
    }
}

impl Line {
    fn set(&self, task: Option<Task>) {
        if let Ok(mut current) = self.0.lock() {
            *current = task;
        }
    }
}

impl Task {
    /// `bootstrap: 250 of 1000, 12 s left`.
    fn line(&self, done: u64) -> String {
        let Self { name, steps, .. } = self;
        match steps {
            0 => name.clone(),
            _ if done == 0 => format!("{name}: 0 of {steps}"),
            _ => {
                let left = self.started.elapsed().as_secs_f64() * steps.saturating_sub(done) as f64 / done as f64;
                format!("{name}: {done} of {steps}, {left:.0} s left")
            }
        }
    }
}

/// Replaces the line. That it could not be shown is no reason to stop.
fn show(line: &str) {
    let mut out = std::io::stderr().lock();
    let _ = write!(out, "\r\u{1b}[K{line}").and_then(|()| out.flush());
}
