//! Peak memory of a case, in a process of its own: what earlier cases freed would hide it.

use std::process::Command;

const ARGUMENT: &str = "--memory-of";

/// Which side of a case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Side {
    Here,
    There,
}

impl Side {
    fn word(self) -> &'static str {
        match self {
            Side::Here => "here",
            Side::There => "there",
        }
    }
}

/// The megabytes that one side of a case takes above its data; `None` where the system does not tell.
pub fn of(case: &str, side: Side) -> Option<f64> {
    let output = Command::new(std::env::current_exe().ok()?).args([ARGUMENT, case, side.word()]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The case and the side for which this process was started by [`of`].
pub fn asked() -> Option<(String, Side)> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, argument, case, side] = arguments.as_slice() else { return None };
    let side = [Side::Here, Side::There].into_iter().find(|own| own.word() == side)?;
    (argument == ARGUMENT).then(|| (case.clone(), side))
}

/// The megabytes by which the process grows at most while something runs.
pub fn above(run: impl FnOnce()) -> Option<f64> {
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = resident("VmRSS:")?;
    run();
    Some((resident("VmHWM:")? - before) / 1e3)
}

/// A line of the process's status, in kB.
fn resident(what: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix(what)?.split_whitespace().next()?.parse().ok())
}
