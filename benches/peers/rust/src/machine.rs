//! What the numbers were measured on.

use std::process::Command;

/// A line each.
pub fn describe() -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or("an unknown number of".into(), |n| n.to_string());
    vec![
        format!("Processor: {}, {cores} logical cores", processor().unwrap_or_else(|| std::env::consts::ARCH.into())),
        format!("System: {}", said("uname", &["-sr"]).unwrap_or_else(|| std::env::consts::OS.into())),
        format!("Load average at the end: {}", load().unwrap_or_else(|| "not told by this system".into())),
        format!(
            "trialstats {}{}, {}",
            trialstats_version(),
            commit(),
            said("rustc", &["--version"]).unwrap_or_else(|| "rustc unknown".into())
        ),
    ]
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let of = |name: &str| Some(text.lines().find(|line| line.starts_with(name))?.split_once(':')?.1.trim().to_string());
    let numbers = ["cpu family", "model\t", "stepping"].iter().filter_map(|name| of(name)).collect::<Vec<_>>().join("/");
    let mhz = of("cpu MHz").map_or(String::new(), |mhz| format!(", {mhz} MHz"));
    Some(format!("{} (family/model/stepping {numbers}{mhz})", of("model name")?))
}

fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    Some(text.split_whitespace().take(3).collect::<Vec<_>>().join(", "))
}

fn trialstats_version() -> String {
    let manifest = std::fs::read_to_string(crate::common::repository("Cargo.toml")).unwrap_or_default();
    let version = manifest.lines().find_map(|line| line.strip_prefix("version = "));
    version.unwrap_or("of unknown version").trim_matches('"').into()
}

fn commit() -> String {
    said("git", &["describe", "--always", "--dirty", "--exclude", "*"]).map_or(String::new(), |commit| format!(" ({commit})"))
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_string())
}
