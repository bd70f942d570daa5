//! The settings of a sync: what the program sets goes before the environment, and that before the default.

use std::time::Duration;

use super::options::{number, switch, unusable, Options};
use super::storage::seconds;
use crate::error::{Error, Result, Status};
use crate::record::names::split_project;
use crate::sync::{Choices, Environment, Stop};

/// The most requests that may be under way at once.
pub const MAX_CONNECTIONS: usize = 16;

/// What a program sets of a sync; `None` leaves a setting to the environment.
#[derive(Debug, Clone, Default)]
pub struct SyncSettings {
    /// The `entity/project` to which the one project goes that is sent (`WEAVE_DESTINATION`).
    pub destination: Option<String>,
    /// Where projects go: recorded names, and `entity/project` or `project` (`WEAVE_DESTINATIONS`).
    pub destinations: Vec<(String, String)>,
    /// The age at which a call that has not ended is sent as one that runs (`WEAVE_OPEN_CALL_AGE`, seconds).
    pub open_call_age: Option<Duration>,
    /// Whether calls that a program that is gone has left open are closed (`WEAVE_CLOSE_INTERRUPTED`).
    pub close_interrupted: Option<bool>,
    /// How long a sync may take (`WEAVE_MAX_SYNC_TIME`, seconds).
    pub max_time: Option<Duration>,
    /// How many bytes it may send (`WEAVE_MAX_SYNC_BYTES`).
    pub max_bytes: Option<u64>,
    /// How many bytes a second it may send (`WEAVE_MAX_SYNC_RATE`).
    pub max_rate: Option<u64>,
    /// How many requests may be under way at once (`WEAVE_SYNC_CONNECTIONS`).
    pub connections: Option<usize>,
    /// How long to wait for another sync of the directory (`WEAVE_SYNC_WAIT`, seconds).
    pub wait: Option<Duration>,
    /// The way to stop it from another thread.
    pub stop: Stop,
}

impl Options {
    /// What the options and the environment say of a sync.
    pub fn choices(&self, environment: &Environment) -> Result<Choices> {
        let (given, defaults) = (&self.sync, Choices::default());
        let whole = "a whole number of at least 1";
        let max_bytes = number(given.max_bytes, environment, "WEAVE_MAX_SYNC_BYTES", whole)?;
        let max_rate = number(given.max_rate, environment, "WEAVE_MAX_SYNC_RATE", whole)?;
        let connections = number(given.connections, environment, "WEAVE_SYNC_CONNECTIONS", whole)?;
        for (value, variable, option) in
            [(max_bytes, "WEAVE_MAX_SYNC_BYTES", "max_sync_bytes"), (max_rate, "WEAVE_MAX_SYNC_RATE", "max_sync_rate")]
        {
            if value == Some(0) {
                return Err(unusable(variable, option, 0, whole));
            }
        }
        if let Some(count) = connections.filter(|count| !(1..=MAX_CONNECTIONS).contains(count)) {
            let wanted = format!("a whole number from 1 to {MAX_CONNECTIONS}");
            return Err(unusable("WEAVE_SYNC_CONNECTIONS", "sync_connections", count, &wanted));
        }
        let mut destinations = given.destinations.clone();
        if destinations.is_empty() {
            destinations = pairs(&environment.text("WEAVE_DESTINATIONS").unwrap_or_default())?;
        }
        Ok(Choices {
            entity: self.entity.clone(),
            destination: given.destination.clone().or_else(|| environment.text("WEAVE_DESTINATION")),
            destinations,
            open_after: seconds(given.open_call_age, environment, "WEAVE_OPEN_CALL_AGE")?
                .unwrap_or(defaults.open_after),
            close_orphans: switch(given.close_interrupted, environment, "WEAVE_CLOSE_INTERRUPTED")?
                .unwrap_or(defaults.close_orphans),
            max_time: seconds(given.max_time, environment, "WEAVE_MAX_SYNC_TIME")?,
            max_bytes,
            max_rate,
            connections: connections.unwrap_or(defaults.connections),
            wait: seconds(given.wait, environment, "WEAVE_SYNC_WAIT")?.unwrap_or(defaults.wait),
            ..defaults
        })
    }
}

/// `RECORDED=DESTINATION`, several with commas between them.
fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (recorded, destination) = pair.split_once('=').ok_or_else(|| {
            Error::new(
                Status::InvalidArgument,
                format!("WEAVE_DESTINATIONS: {pair:?} is no pair; write RECORDED=ENTITY/PROJECT, several with commas"),
            )
        })?;
        for name in [recorded, destination] {
            split_project(name.trim()).map_err(|error| error.context("WEAVE_DESTINATIONS"))?;
        }
        found.push((recorded.trim().to_string(), destination.trim().to_string()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn chosen(options: &Options, variables: &[(&str, &str)]) -> Result<Choices> {
        options.choices(&Environment::given(variables, Path::new("/home/ada"), Path::new("/here")))
    }

    #[test]
    fn the_program_goes_before_the_environment_and_that_before_the_default() {
        let sync = SyncSettings { max_bytes: Some(7), ..SyncSettings::default() };
        let given = Options { sync, ..Options::default() };
        assert_eq!(chosen(&given, &[("WEAVE_MAX_SYNC_BYTES", "9")]).unwrap().max_bytes, Some(7));
        let variables = [
            ("WEAVE_MAX_SYNC_BYTES", "9"),
            ("WEAVE_MAX_SYNC_TIME", "1.5"),
            ("WEAVE_MAX_SYNC_RATE", "1000"),
            ("WEAVE_OPEN_CALL_AGE", "0"),
            ("WEAVE_CLOSE_INTERRUPTED", "yes"),
            ("WEAVE_SYNC_CONNECTIONS", "2"),
            ("WEAVE_SYNC_WAIT", "3"),
            ("WEAVE_DESTINATIONS", "p=lab/q, team/a=b"),
        ];
        let choices = chosen(&Options::default(), &variables).unwrap();
        assert_eq!((choices.max_bytes, choices.max_rate, choices.connections), (Some(9), Some(1000), 2));
        assert_eq!((choices.max_time, choices.wait), (Some(Duration::from_millis(1500)), Duration::from_secs(3)));
        assert!(choices.open_after.is_zero() && choices.close_orphans);
        let pairs = [("p", "lab/q"), ("team/a", "b")].map(|(a, b)| (a.to_string(), b.to_string()));
        assert_eq!(choices.destinations, pairs);
        let none = chosen(&Options::default(), &[]).unwrap();
        assert!(!none.has_budget() && !none.close_orphans && none.max_rate.is_none());
    }

    #[test]
    fn a_value_that_cannot_be_used_names_its_variable() {
        for (variable, value) in [
            ("WEAVE_MAX_SYNC_BYTES", "0"),
            ("WEAVE_MAX_SYNC_RATE", "fast"),
            ("WEAVE_MAX_SYNC_TIME", "-1"),
            ("WEAVE_OPEN_CALL_AGE", "soon"),
            ("WEAVE_CLOSE_INTERRUPTED", "maybe"),
            ("WEAVE_SYNC_CONNECTIONS", "17"),
            ("WEAVE_SYNC_WAIT", "x"),
            ("WEAVE_DESTINATIONS", "a"),
            ("WEAVE_DESTINATIONS", "a=b/c/d"),
        ] {
            let error = chosen(&Options::default(), &[(variable, value)]).err().unwrap();
            assert!(error.text().contains(variable), "{error}");
        }
    }
}
