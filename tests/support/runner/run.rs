//! Reads the case files and holds all conversations, several at a time.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::format::{self, Case, Protocol, Target};
use super::report::{Judge, Problem, Report, show_conversation};
use super::stage::Stage;
use super::talk::{self, Transcript};

/// What the environment asks for.
pub struct Settings {
    /// `CASES`: only cases whose file, line or name contains this.
    pub filter: String,
    /// `TARGETS`: whom to hold the conversations with.
    pub targets: Vec<Target>,
    /// `JOBS`: how many stages work at the same time.
    pub jobs: usize,
    /// `SHOW`: print the conversations with the reference.
    pub show: bool,
}

impl Settings {
    /// Reads the environment.
    pub fn from_env() -> Self {
        let var = |name: &str| std::env::var(name).unwrap_or_default();
        let targets = match var("TARGETS") {
            names if names.is_empty() => vec![Target::Upstream, Target::Memory],
            names => Target::list(&names).expect("TARGETS names targets"),
        };
        Self { filter: var("CASES"), targets, jobs: var("JOBS").parse().unwrap_or(4), show: !var("SHOW").is_empty() }
    }
}

/// Reads all case files below a directory, in order of their names.
pub fn load(directory: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for path in case_files(directory).map_err(|error| format!("{}: {error}", directory.display()))? {
        let text = fs::read_to_string(&path);
        let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
        cases.extend(format::parse(&path, &text)?);
    }
    Ok(cases)
}

fn case_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(case_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "case") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Holds the conversations that the settings choose.
pub fn run(cases: &[Case], settings: &Settings) -> Report {
    let chosen: Vec<&Case> = cases.iter().filter(|case| case.matches(&settings.filter)).collect();
    let jobs = settings.jobs.clamp(1, chosen.len().max(1));
    let next = AtomicUsize::new(0);
    let mut report = Report::default();
    thread::scope(|scope| {
        let work = || {
            let mut stage = Stage::start(&settings.targets);
            let mut report = Report::default();
            while let Some(case) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                report.add(hold_case(case, &mut stage, settings.show));
            }
            report
        };
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            report.add(thread.join().expect("a thread that holds conversations"));
        }
    });
    let order = |problem: &Problem| (problem.file.clone(), problem.line, problem.where_.clone());
    report.problems.sort_by_key(order);
    report.left_out.sort();
    report
}

/// Holds one case with all its targets, in all its protocols.
pub fn hold_case(case: &Case, stage: &mut Stage, show: bool) -> Report {
    let mut report = Report { cases: 1, ..Report::default() };
    if let Some(reason) = &case.differs {
        let names: Vec<String> = case.targets.iter().map(ToString::to_string).collect();
        let place = format!("{}:{} {}", case.file.display(), case.line, case.name);
        report.left_out.push(format!("{place}: only {}: {reason}", names.join(", ")));
    }
    for protocol in &case.protocols {
        let (reference, actual) = hold_everywhere(case, *protocol, stage);
        let judge = Judge { case, protocol: *protocol };
        if show {
            tell(&show_conversation(&judge, &reference));
        }
        report.problems.extend(judge.judge_reference(&reference));
        for (target, transcript) in actual {
            report.commands += transcript.commands;
            let problems = judge.judge(&target.to_string(), &reference, &transcript);
            report.problems.extend(problems);
        }
        for (target, server) in &mut stage.targets {
            let panic = server.panic();
            let problem = panic.map(|text| judge.panicked(&target.to_string(), text));
            report.problems.extend(problem);
        }
    }
    report
}

/// Holds the conversation with all servers at the same time.
fn hold_everywhere(case: &Case, protocol: Protocol, stage: &mut Stage) -> (Transcript, Vec<(Target, Transcript)>) {
    let Stage { reference, targets } = stage;
    thread::scope(|scope| {
        let threads: Vec<_> = targets
            .iter_mut()
            .filter(|(target, _)| case.targets.contains(target))
            .map(|(target, server)| {
                let thread = scope.spawn(move || talk::hold(case, protocol, server));
                (*target, thread)
            })
            .collect();
        let expected = talk::hold(case, protocol, reference);
        let actual = threads.into_iter().map(|(target, thread)| {
            let transcript = thread.join().expect("a thread that holds a conversation");
            (target, transcript)
        });
        (expected, actual.collect())
    })
}

/// Prints past the test harness, which keeps the output of passing tests to itself.
pub fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
