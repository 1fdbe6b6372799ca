//! The report: ratios paired by round, absolute values, and the same as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::footprint::{BUSY_CLIENTS, Footprint};
use crate::load::Count;
use crate::server::Usage;
use crate::target::Target;
use crate::workload::Workload;

/// One target under one workload in one round.
pub struct Cell {
    /// The round.
    pub round: usize,
    /// The workload's name.
    pub workload: &'static str,
    /// The target.
    pub target: Target,
    /// What the load generator counted.
    pub count: Count,
    /// Nanoseconds of CPU time in the same time.
    pub cpu: Usage,
    /// The load generator's share of one core.
    pub generator: f64,
}

/// Something that went wrong: its figures are missing.
pub struct Failure {
    /// Where it happened.
    pub target: Target,
    /// What was measured.
    pub workload: &'static str,
    /// What happened.
    pub error: String,
}

/// Everything that a run has found.
pub struct Report {
    /// Names and values of the surroundings.
    pub surroundings: Vec<(&'static str, String)>,
    /// The targets that were run.
    pub targets: Vec<Target>,
    /// The workloads that were run.
    pub workloads: Vec<&'static Workload>,
    /// All measurements.
    pub cells: Vec<Cell>,
    /// What connections cost.
    pub footprints: Vec<Footprint>,
    /// What failed.
    pub failures: Vec<Failure>,
}

/// The median and the extremes of the rounds.
#[derive(Clone, Copy)]
struct Spread {
    low: f64,
    median: f64,
    high: f64,
}

impl Cell {
    fn throughput(&self) -> f64 {
        self.count.operations as f64 / self.count.seconds
    }

    fn proxy_cpu(&self) -> f64 {
        self.cpu.proxy as f64 / 1e3 / self.count.operations as f64
    }

    fn redis_cpu(&self) -> f64 {
        self.cpu.redis as f64 / 1e3 / self.count.operations as f64
    }

    fn cpu(&self) -> f64 {
        self.proxy_cpu() + self.redis_cpu()
    }

    fn p50(&self) -> f64 {
        self.count.p50 as f64 / 1e3
    }

    fn p99(&self) -> f64 {
        self.count.p99 as f64 / 1e3
    }
}

impl Report {
    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::from("# Side by side\n\n");
        for (name, value) in &self.surroundings {
            let _ = writeln!(text, "- {name}: {value}");
        }
        if !self.failures.is_empty() {
            text.push_str("\n## FAILED\n\n");
            for failure in &self.failures {
                let title = failure.target.title();
                let _ = writeln!(text, "- {title}, {}: {}", failure.workload, failure.error.replace('\n', " "));
            }
        }
        let others: Vec<Target> = self.targets.iter().copied().filter(|&target| target != Target::Direct).collect();
        if !self.cells.is_empty() {
            if self.targets.contains(&Target::Direct) && !others.is_empty() {
                self.write_ratios(&mut text, &others);
            }
            self.write_values(&mut text);
        }
        if !self.footprints.is_empty() {
            self.write_footprints(&mut text);
        }
        text
    }

    /// The report as JSON, with the measurements of every round.
    pub fn json(&self) -> Value {
        let surroundings: serde_json::Map<String, Value> =
            self.surroundings.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let mut summaries = Vec::new();
        for workload in &self.workloads {
            for &target in &self.targets {
                let Some(cpu) = self.values(workload, target, Cell::cpu) else {
                    continue;
                };
                let value = |read: fn(&Cell) -> f64| self.values(workload, target, read).map(|value| value.median);
                let ratio = |read: fn(&Cell) -> f64| self.ratios(workload, target, read).map(Spread::json);
                summaries.push(json!({
                    "workload": workload.name,
                    "target": target.name(),
                    "operations_per_second": value(Cell::throughput),
                    "p50_us": value(Cell::p50),
                    "p99_us": value(Cell::p99),
                    "proxy_cpu_us": value(Cell::proxy_cpu),
                    "redis_cpu_us": value(Cell::redis_cpu),
                    "cpu_us": cpu.json(),
                    "cost": ratio(Cell::cpu),
                    "operations_ratio": ratio(Cell::throughput),
                    "p50_ratio": ratio(Cell::p50),
                    "p99_ratio": ratio(Cell::p99),
                    "operations_per_cpu_ratio": ratio(|cell| 1.0 / cell.cpu()),
                }));
            }
        }
        let cells = self.cells.iter().map(|cell| {
            json!({
                "round": cell.round,
                "workload": cell.workload,
                "target": cell.target.name(),
                "operations": cell.count.operations,
                "seconds": cell.count.seconds,
                "p50_us": cell.p50(),
                "p99_us": cell.p99(),
                "proxy_cpu_us": cell.proxy_cpu(),
                "redis_cpu_us": cell.redis_cpu(),
                "generator_share": cell.generator,
            })
        });
        let footprints = self.footprints.iter().map(|footprint| {
            let idle = footprint.idle.iter().map(|idle| {
                json!({
                    "clients": idle.clients,
                    "proxy_bytes_per_client": idle.proxy,
                    "redis_bytes_per_client": idle.redis,
                })
            });
            json!({
                "target": footprint.target.name(),
                "idle": idle.collect::<Vec<_>>(),
                "upstream_connections": footprint.upstream,
                "system_calls_per_request": footprint.system_calls,
            })
        });
        let failures = self.failures.iter().map(
            |failure| json!({"target": failure.target.name(), "workload": failure.workload, "error": failure.error}),
        );
        json!({
            "surroundings": surroundings,
            "summaries": summaries,
            "footprints": footprints.collect::<Vec<_>>(),
            "failures": failures.collect::<Vec<_>>(),
            "cells": cells.collect::<Vec<_>>(),
        })
    }

    fn write_ratios(&self, text: &mut String, others: &[Target]) {
        text.push_str(
            "\n## Cost\n\nCPU time of the proxy and the redis-server behind it for one request, over that of \
             Redis directly in the same round: median (least-most).\n\n",
        );
        self.write_table(text, others, |workload, target| {
            self.ratios(workload, target, Cell::cpu).map(Spread::with_range)
        });
        text.push_str("\n## Operations a second\n\nOver those of Redis directly; more is better.\n\n");
        self.write_table(text, others, |workload, target| {
            self.ratios(workload, target, Cell::throughput).map(|ratio| format!("{:.2}", ratio.median))
        });
        text.push_str(
            "\n## Latency\n\np50 / p99 over those of Redis directly; less is better. In the queue: from push to \
             pop.\n\n",
        );
        self.write_table(text, others, |workload, target| {
            let p50 = self.ratios(workload, target, Cell::p50)?;
            let p99 = self.ratios(workload, target, Cell::p99)?;
            Some(format!("{:.2} / {:.2}", p50.median, p99.median))
        });
        if others.contains(&Target::Memory) {
            text.push_str(
                "\n## In memory\n\nOperations for a second of CPU time, over redis-server's: median (least-most); \
                 more is better.\n\n",
            );
            self.write_table(text, &[Target::Memory], |workload, target| {
                self.ratios(workload, target, |cell| 1.0 / cell.cpu()).map(Spread::with_range)
            });
        }
    }

    fn write_table(&self, text: &mut String, targets: &[Target], value: impl Fn(&Workload, Target) -> Option<String>) {
        let titles: Vec<&str> = targets.iter().map(|target| target.title()).collect();
        let _ = writeln!(text, "| | {} |\n|---|{}", titles.join(" | "), "---|".repeat(titles.len()));
        for workload in &self.workloads {
            let values: Vec<String> =
                targets.iter().map(|&target| value(workload, target).unwrap_or_else(|| "-".into())).collect();
            let _ = writeln!(text, "| {} | {} |", workload.title, values.join(" | "));
        }
    }

    fn write_values(&self, text: &mut String) {
        text.push_str(
            "\n## Absolute values\n\nMedians of the rounds. CPU us for one request; the last column is the load \
             generator's share of one core.\n\n\
             | workload | target | operations/s | p50 us | p99 us | proxy CPU | redis CPU | generator |\n\
             |---|---|---|---|---|---|---|---|\n",
        );
        for workload in &self.workloads {
            for &target in &self.targets {
                let value = |read: fn(&Cell) -> f64| self.values(workload, target, read).map(|value| value.median);
                let Some(operations) = value(Cell::throughput) else {
                    continue;
                };
                let part = |present: bool, read: fn(&Cell) -> f64| {
                    value(read).filter(|_| present).map_or_else(|| "-".into(), |value| format!("{value:.2}"))
                };
                let _ = writeln!(
                    text,
                    "| {} | {} | {operations:.0} | {:.0} | {:.0} | {} | {} | {:.0} % |",
                    workload.title,
                    target.title(),
                    value(Cell::p50).unwrap_or_default(),
                    value(Cell::p99).unwrap_or_default(),
                    part(target != Target::Direct, Cell::proxy_cpu),
                    part(target.has_redis(), Cell::redis_cpu),
                    value(|cell| cell.generator * 100.0).unwrap_or_default(),
                );
            }
        }
    }

    fn write_footprints(&self, text: &mut String) {
        let numbers: Vec<usize> = self
            .footprints
            .iter()
            .map(|footprint| &footprint.idle)
            .max_by_key(|idle| idle.len())
            .map_or_else(Vec::new, |idle| idle.iter().map(|idle| idle.wanted).collect());
        text.push_str(
            "\n## Connections\n\nResident bytes for one idle client, as proxy + redis-server; a number in brackets \
             says how many clients the limit on open files allowed.\n\n| |",
        );
        for number in &numbers {
            let _ = write!(text, " bytes/client of {number} |");
        }
        let _ = writeln!(text, " upstream connections, {BUSY_CLIENTS} busy | system calls/request |");
        let _ = writeln!(text, "|---|{}---|---|", "---|".repeat(numbers.len()));
        for footprint in &self.footprints {
            let _ = write!(text, "| {} |", footprint.target.title());
            for &number in &numbers {
                let Some(idle) = footprint.idle.iter().find(|idle| idle.wanted == number) else {
                    text.push_str(" - |");
                    continue;
                };
                let _ = match footprint.target {
                    Target::Direct => write!(text, " {:.0}", idle.redis),
                    Target::Memory => write!(text, " {:.0}", idle.proxy),
                    _ => write!(text, " {:.0} + {:.0}", idle.proxy, idle.redis),
                };
                if idle.clients < number {
                    let _ = write!(text, " ({})", idle.clients);
                }
                text.push_str(" |");
            }
            let upstream = footprint.upstream.map_or_else(|| "-".into(), |number| number.to_string());
            let calls = footprint.system_calls.map_or_else(|| "-".into(), |number| format!("{number:.2}"));
            let _ = writeln!(text, " {upstream} | {calls} |");
        }
    }

    fn cells_of<'a>(&'a self, workload: &'a Workload, target: Target) -> impl Iterator<Item = &'a Cell> {
        self.cells.iter().filter(move |cell| cell.workload == workload.name && cell.target == target)
    }

    fn values(&self, workload: &Workload, target: Target, read: fn(&Cell) -> f64) -> Option<Spread> {
        Spread::of(self.cells_of(workload, target).map(read).collect())
    }

    /// The target's values over those of Redis directly, round by round.
    fn ratios(&self, workload: &Workload, target: Target, read: fn(&Cell) -> f64) -> Option<Spread> {
        let ratio = |cell: &Cell| {
            let direct = self.cells_of(workload, Target::Direct).find(|direct| direct.round == cell.round)?;
            Some(read(cell) / read(direct))
        };
        Spread::of(self.cells_of(workload, target).filter_map(ratio).collect())
    }
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (low, high) = (*values.first()?, *values.last()?);
        let half = values.len() / 2;
        let median = if values.len() % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 };
        Some(Self { low, median, high })
    }

    fn with_range(self) -> String {
        format!("{:.2} ({:.2}-{:.2})", self.median, self.low, self.high)
    }

    fn json(self) -> Value {
        json!({"median": self.median, "least": self.low, "most": self.high})
    }
}
