//! Which calls are meant.

use crate::moments::Moment;
use crate::traces::call::State;
use crate::traces::filter::Filter;
use clap::Args;

/// Those that ended so, of such ops.
#[derive(Debug, Args)]
pub struct Which {
    /// Only those that failed
    #[arg(long)]
    pub failed: bool,

    /// Only those of ops with this in their name
    #[arg(long, value_name = "TEXT")]
    pub op: Option<String>,
}

/// Those that began then.
#[derive(Debug, Args)]
pub struct Began {
    /// Only those that began at this time or later: 2026-01-31, 2026-01-31T10:00, or an age such as 2h
    #[arg(long, value_name = "TIME")]
    pub since: Option<Moment>,

    /// Only those that began before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<Moment>,
}

impl Which {
    /// What takes them.
    pub fn filter(&self) -> Filter {
        Filter { op: self.op.clone(), state: self.failed.then_some(State::Failed), ..Filter::default() }
    }
}

impl Began {
    /// What takes those of a filter that began then.
    pub fn within(&self, filter: Filter) -> Filter {
        Filter { since: self.since.map(|moment| moment.0), until: self.until.map(|moment| moment.0), ..filter }
    }
}
