//! Calls for other programs.

use super::which::{Began, Which};
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// `weave export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave export --parquet calls.parquet                    for DuckDB, pandas, Spark, ClickHouse
  weave export team/demo --jsonl - | jq 'select(.status == \"error\")'
  weave export --csv failed.csv --failed --since 7d
  weave export --otlp http://localhost:4318               to an OpenTelemetry collector
  weave export --otlp spans.jsonl                         the same into a file

Calls are whole, with their start and their end. Those that have not ended come last, and are no spans.")]
pub struct Export {
    /// Only these projects: ENTITY/PROJECT as recorded, or PROJECT
    pub projects: Vec<String>,

    /// In which form, and where to.
    #[command(flatten)]
    pub to: ExportTo,

    /// Which calls.
    #[command(flatten)]
    pub which: Which,

    /// When they began.
    #[command(flatten)]
    pub began: Began,

    /// Replace a file that is there
    #[arg(short, long)]
    pub force: bool,

    /// Send this header to the collector, as NAME=VALUE or 'NAME: VALUE'; also OTEL_EXPORTER_OTLP_HEADERS
    #[arg(short = 'H', long, value_name = "HEADER")]
    pub header: Vec<String>,
}

/// One of the forms of an export.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ExportTo {
    /// JSON, a line for each call; - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub jsonl: Option<PathBuf>,

    /// CSV, JSON values as texts; - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub csv: Option<PathBuf>,

    /// Parquet, JSON values as texts
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub parquet: Option<PathBuf>,

    /// OpenTelemetry spans, to a collector or as lines of OTLP JSON into a file; - is standard output
    #[arg(long, value_name = "URL|FILE", value_hint = ValueHint::AnyPath)]
    pub otlp: Option<String>,
}
