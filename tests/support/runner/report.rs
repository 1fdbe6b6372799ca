//! What is told about a run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::compare::Compare;
use super::format::{Action, Case, Protocol, Step};
use super::talk::{Outcome, Reply, Transcript};

const SHOWN_BYTES: usize = 400;

/// The result of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// Every reply that was not as it should be.
    pub problems: Vec<Problem>,
    /// How many cases were held.
    pub cases: usize,
    /// How many commands were sent to the targets.
    pub commands: usize,
    /// The cases that leave a target out, and why.
    pub left_out: Vec<String>,
}

impl Report {
    /// How many problems each file has, by target and protocol.
    fn tally(&self) -> BTreeMap<(&Path, &str), usize> {
        let mut tally = BTreeMap::new();
        for problem in &self.problems {
            let place = (problem.file.as_path(), problem.where_.as_str());
            *tally.entry(place).or_default() += 1;
        }
        tally
    }

    /// Joins another thread's report.
    pub fn add(&mut self, other: Report) {
        self.problems.extend(other.problems);
        self.cases += other.cases;
        self.commands += other.commands;
        self.left_out.extend(other.left_out);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}\n")?;
        }
        for ((file, where_), count) in self.tally() {
            writeln!(f, "{count:5} in {} [{where_}]", file.display())?;
        }
        for reason in &self.left_out {
            writeln!(f, "left out: {reason}")?;
        }
        let wrong = self.problems.len();
        write!(f, "{} cases, {} commands, {wrong} problems", self.cases, self.commands)
    }
}

/// One reply that was not as it should be.
#[derive(Debug)]
pub struct Problem {
    /// The case's file.
    pub file: PathBuf,
    /// The line in it.
    pub line: usize,
    /// `upstream, RESP3`, or `reference, RESP2` for a mistake in the case.
    pub where_: String,
    /// The case's name.
    pub case: String,
    /// The line as it was written.
    pub command: String,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{} [{}] {}", self.file.display(), self.line, self.where_, self.case)?;
        writeln!(f, "    {}", self.command)?;
        let mut lines = self.text.lines();
        write!(f, "    {}", lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// Judges conversations of one case in one protocol.
pub struct Judge<'a> {
    /// The case.
    pub case: &'a Case,
    /// The protocol.
    pub protocol: Protocol,
}

impl Judge<'_> {
    /// What is wrong with the case itself, as the reference shows.
    pub fn judge_reference(&self, reference: &Transcript) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (step, outcome) in std::iter::zip(&self.case.steps, &reference.outcomes) {
            let wrong = match outcome {
                Outcome::Failed(reason) => Some(reason.clone()),
                Outcome::Noise(raw) => Some(format!("Redis answers {}", show(raw))),
                Outcome::Replies(replies) => replies
                    .iter()
                    .find(|reply| too_early(step, reply.elapsed) || pointless(step, &reply.raw))
                    .map(|reply| format!("after {:?} Redis answers {}", reply.elapsed, show(&reply.raw))),
                Outcome::Done | Outcome::Closed(_) | Outcome::Union(_) => None,
            };
            problems.extend(wrong.map(|text| self.problem("reference", step, text)));
        }
        problems.extend(self.unread("reference", reference));
        problems
    }

    /// Where a target's conversation differs from the reference's.
    pub fn judge(&self, target: &str, reference: &Transcript, actual: &Transcript) -> Vec<Problem> {
        let mut problems = Vec::new();
        let outcomes = std::iter::zip(&reference.outcomes, &actual.outcomes);
        for (step, (expected, actual)) in std::iter::zip(&self.case.steps, outcomes) {
            if matches!(expected, Outcome::Failed(_)) {
                return problems;
            }
            let texts = differences(step, expected, actual);
            problems.extend(texts.into_iter().map(|text| self.problem(target, step, text)));
        }
        if reference.unread.is_empty() {
            problems.extend(self.unread(target, actual));
        }
        problems
    }

    fn unread(&self, target: &str, transcript: &Transcript) -> Vec<Problem> {
        let Some(last) = self.case.steps.get(transcript.outcomes.len().saturating_sub(1)) else {
            return Vec::new();
        };
        let failed = matches!(transcript.outcomes.last(), Some(Outcome::Failed(_)));
        let unread = transcript.unread.iter().filter(|_| !failed);
        let texts = unread.map(|(name, bytes)| format!("unread at the end on {name}: {}", show(bytes)));
        texts.map(|text| self.problem(target, last, text)).collect()
    }

    /// A target that panicked meanwhile.
    pub fn panicked(&self, target: &str, text: String) -> Problem {
        Problem {
            file: self.case.file.clone(),
            line: self.case.line,
            where_: format!("{target}, {}", self.protocol),
            case: self.case.name.clone(),
            command: "the server panicked".to_owned(),
            text,
        }
    }

    fn problem(&self, target: &str, step: &Step, text: String) -> Problem {
        Problem {
            file: self.case.file.clone(),
            line: step.line,
            where_: format!("{target}, {}", self.protocol),
            case: self.case.name.clone(),
            command: step.text.clone(),
            text,
        }
    }
}

fn differences(step: &Step, expected: &Outcome, actual: &Outcome) -> Vec<String> {
    match (expected, actual) {
        (Outcome::Replies(expected), Outcome::Replies(actual)) => {
            if step.compare == Compare::Unordered && expected.len() > 1 {
                return reordered(expected, actual).into_iter().collect();
            }
            let mut texts = Vec::new();
            for (expected, actual) in std::iter::zip(expected, actual) {
                if !step.compare.accepts(&expected.raw, &actual.raw) {
                    texts.push(difference(&expected.raw, &actual.raw));
                } else if too_early(step, actual.elapsed) {
                    let elapsed = actual.elapsed;
                    texts.push(format!("{} already after {elapsed:?}", show(&actual.raw)));
                }
            }
            texts
        }
        (Outcome::Closed(expected), Outcome::Closed(actual)) if expected != actual => {
            vec![difference(expected, actual)]
        }
        (Outcome::Union(expected), Outcome::Union(actual)) => {
            let missing = expected.difference(actual).map(|item| ("missing", item));
            let surplus = actual.difference(expected).map(|item| ("surplus", item));
            missing.chain(surplus).map(|(what, item)| format!("{what}: {}", show(item))).collect()
        }
        (expected, actual) if expected == actual => Vec::new(),
        (expected, actual) => vec![format!("expected {}\nactual   {}", outcome(expected), outcome(actual))],
    }
}

/// Several replies at once, in any order.
fn reordered(expected: &[Reply], actual: &[Reply]) -> Option<String> {
    let sorted = |replies: &[Reply]| {
        let mut raw: Vec<_> = replies.iter().map(|reply| reply.raw.clone()).collect();
        raw.sort_unstable();
        raw
    };
    let (expected, actual) = (sorted(expected), sorted(actual));
    (expected != actual).then(|| difference(&expected.concat(), &actual.concat()))
}

fn too_early(step: &Step, elapsed: std::time::Duration) -> bool {
    step.after.is_some_and(|least| elapsed < least)
}

/// Whether the reference's own reply does not satisfy the marker.
fn pointless(step: &Step, raw: &[u8]) -> bool {
    matches!(step.compare, Compare::Error | Compare::Has(_)) && !step.compare.accepts(raw, raw)
}

fn difference(expected: &[u8], actual: &[u8]) -> String {
    let place = std::iter::zip(expected, actual).position(|(left, right)| left != right);
    let note = match place {
        Some(place) if expected.len() > SHOWN_BYTES => {
            let around = |raw: &[u8]| {
                let from = place.saturating_sub(40);
                show(&raw[from..raw.len().min(place + 40)])
            };
            let (expected, actual) = (around(expected), around(actual));
            format!("\nat byte {place}: expected {expected}, actual {actual}")
        }
        _ => String::new(),
    };
    format!("expected {}\nactual   {}{note}", show(expected), show(actual))
}

/// An outcome in one line.
pub fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "nothing".to_owned(),
        Outcome::Replies(replies) => {
            let texts: Vec<String> = replies.iter().map(|reply| show(&reply.raw)).collect();
            texts.join(" and ")
        }
        Outcome::Noise(raw) => show(raw),
        Outcome::Closed(bytes) => format!("{}, then closed", show(bytes)),
        Outcome::Union(items) => {
            let texts: Vec<String> = items.iter().map(|item| show(item)).collect();
            format!("all of {}", texts.join(" "))
        }
        Outcome::Failed(reason) => reason.clone(),
    }
}

fn show(raw: &[u8]) -> String {
    if raw.len() <= SHOWN_BYTES {
        return format!("\"{}\"", raw.escape_ascii());
    }
    let shown = raw[..SHOWN_BYTES].escape_ascii();
    format!("\"{shown}...\" ({} bytes)", raw.len())
}

/// A conversation with the reference, for writing cases.
pub fn show_conversation(judge: &Judge, reference: &Transcript) -> String {
    let case = judge.case;
    let mut text = format!("{}:{} {} ({})\n", case.file.display(), case.line, case.name, judge.protocol);
    for (step, result) in std::iter::zip(&case.steps, &reference.outcomes) {
        text.push_str(&format!("    {}\n", step.text));
        let sleeps = matches!(step.action, Action::Sleep(_));
        if !sleeps && *result != Outcome::Done {
            text.push_str(&format!("        {}\n", outcome(result)));
        }
    }
    text
}
