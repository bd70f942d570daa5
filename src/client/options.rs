//! The settings of a session: what the program sets goes before the environment, and that before the default.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::filter::Filter;
use super::sender::{INTERVAL, SHORTEST_INTERVAL};
use super::sending::SyncSettings;
use super::storage::seconds;
use crate::error::{Error, Result, Status};
use crate::record::json::{accept, Redact, Rules};
use crate::store::options::QuotaPolicy;
use crate::store::StoreOptions;
use crate::sync::Environment;
use crate::sync::Update;

/// Is told how a sync goes on; false stops it.
pub type ProgressFn = dyn Fn(&Update<'_>) -> bool + Send + Sync;

/// What a program sets; `None` leaves a setting to the environment.
#[derive(Clone, Default)]
pub struct Options {
    /// Never touch the network (`WEAVE_OFFLINE`).
    pub offline: Option<bool>,
    /// Do nothing at all (`WEAVE_DISABLED`).
    pub disabled: Option<bool>,
    /// Where records are stored (`WEAVE_OFFLINE_DIR`).
    pub offline_dir: Option<PathBuf>,
    /// The entity of a project that is named without one (`WANDB_ENTITY`).
    pub entity: Option<String>,
    /// Bytes after which a data file is closed (`WEAVE_MAX_FILE_SIZE`).
    pub max_file_size: Option<u64>,
    /// Age after which a data file is closed (`WEAVE_MAX_FILE_AGE`, seconds).
    pub max_file_age: Option<Duration>,
    /// Whether data files are compressed (`WEAVE_COMPRESS`).
    pub compress: Option<bool>,
    /// How hard, 1 to 12 (`WEAVE_COMPRESSION_LEVEL`).
    pub compression_level: Option<i32>,
    /// Whether the group may read and write what is stored (`WEAVE_GROUP_ACCESS`).
    pub group_access: Option<bool>,
    /// Power loss costs at most what was accepted in this time (`WEAVE_DURABILITY_INTERVAL`, seconds).
    pub durability_interval: Option<Duration>,
    /// Whether the journal may use mapped memory (`WEAVE_JOURNAL`).
    pub mapped_journal: Option<bool>,
    /// Bytes that may wait in the journal beyond its rings (`WEAVE_JOURNAL_SIZE`).
    pub journal_size: Option<u64>,
    /// Whether a logging call waits for room in a full journal, or is refused (`WEAVE_WHEN_FULL`).
    pub block_when_full: Option<bool>,
    /// How long it waits (`WEAVE_BLOCK_LIMIT`, seconds).
    pub block_limit: Option<Duration>,
    /// Bytes that the offline directory may have (`WEAVE_MAX_DIRECTORY_SIZE`).
    pub max_directory_size: Option<u64>,
    /// What happens when it has them (`WEAVE_QUOTA_POLICY`).
    pub quota_policy: Option<QuotaPolicy>,
    /// The key of the account (`WANDB_API_KEY`, netrc).
    pub api_key: Option<String>,
    /// The address of W&B (`WANDB_BASE_URL`).
    pub base_url: Option<String>,
    /// The address of the trace server (`WF_TRACE_SERVER_URL`).
    pub trace_server_url: Option<String>,
    /// More certificates to trust (`WEAVE_CA_FILE`).
    pub ca_file: Option<PathBuf>,
    /// How long one request may take (`WEAVE_HTTP_TIMEOUT`, seconds).
    pub http_timeout: Option<Duration>,
    /// Trust every certificate (`WEAVE_INSECURE_DISABLE_SSL`).
    pub insecure: Option<bool>,
    /// Online: how long what was logged may wait before it is sent (`WEAVE_SEND_INTERVAL`, seconds).
    pub send_interval: Option<Duration>,
    /// `attributes.weave.source` (`WEAVE_SOURCE`).
    pub source: Option<String>,
    /// A JSON object, merged into every call's attributes (`WEAVE_ATTRIBUTES`).
    pub attributes: Option<String>,
    /// The share of traces that is kept, 0 to 1 (`WEAVE_SAMPLE_RATE`).
    pub sample_rate: Option<f64>,
    /// More keys of inputs whose values are not kept (`WEAVE_REDACT_KEYS`, separated by commas, adds to these).
    pub redact_keys: Vec<String>,
    /// The program's say in what is kept.
    pub filter: Option<Arc<Filter>>,
    /// What is chosen of a sync.
    pub sync: SyncSettings,
    /// Is told how a sync goes on, on the thread that sends; false stops it.
    pub progress: Option<Arc<ProgressFn>>,
}

/// What a session goes by.
pub(super) struct Settings {
    pub mode: Mode,
    pub store: StoreOptions,
    pub entity: Option<String>,
    pub source: String,
    /// A clean JSON object.
    pub attributes: Option<String>,
    pub sample_rate: f64,
    pub redact: Redact,
    pub send_interval: Duration,
}

/// Where a session's records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To the store alone.
    Offline,
    /// To the store, and from there to the server whenever it can be reached.
    Online,
    /// Nowhere.
    Disabled,
}

impl Options {
    pub(super) fn resolve(&self, environment: &Environment) -> Result<Settings> {
        let mode = if switch(self.disabled, environment, "WEAVE_DISABLED")?.unwrap_or(false) {
            Mode::Disabled
        } else if switch(self.offline, environment, "WEAVE_OFFLINE")?.unwrap_or(false) {
            Mode::Offline
        } else {
            Mode::Online
        };
        let sample_rate = number(self.sample_rate, environment, "WEAVE_SAMPLE_RATE", "a number from 0 to 1")?;
        let sample_rate = sample_rate.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&sample_rate) {
            return Err(unusable("WEAVE_SAMPLE_RATE", "sample_rate", sample_rate, "a number from 0 to 1"));
        }
        let more_keys = environment.text("WEAVE_REDACT_KEYS").unwrap_or_default();
        let more_keys = more_keys.split(',').map(str::trim).filter(|key| !key.is_empty());
        let attributes = self.attributes.clone().or_else(|| environment.text("WEAVE_ATTRIBUTES"));
        let rules = Rules { object: true, ..Rules::default() };
        let send_interval = seconds(self.send_interval, environment, "WEAVE_SEND_INTERVAL")?.unwrap_or(INTERVAL);
        if send_interval < SHORTEST_INTERVAL {
            let (given, wanted) = (send_interval.as_secs_f64(), "at least 0.1 seconds");
            return Err(unusable("WEAVE_SEND_INTERVAL", "send_interval", given, wanted));
        }
        Ok(Settings {
            mode,
            store: self.store_options(mode, environment)?,
            entity: self.entity.clone().or_else(|| environment.text("WANDB_ENTITY")).filter(|name| !name.is_empty()),
            source: self
                .source
                .clone()
                .or_else(|| environment.text("WEAVE_SOURCE"))
                .unwrap_or_else(|| "libweave".into()),
            attributes: attributes
                .map(|text| {
                    accept(text.as_bytes(), "attributes (option or WEAVE_ATTRIBUTES)", &rules).map(String::from)
                })
                .transpose()?,
            sample_rate,
            send_interval,
            redact: Redact::with_keys(self.redact_keys.iter().map(String::as_str).chain(more_keys)),
        })
    }
}

/// The offline directory that is meant: the given one, or the default. `~` stands for the home directory.
pub fn directory(given: Option<PathBuf>, environment: &Environment) -> Result<PathBuf> {
    let given = given.unwrap_or_else(|| PathBuf::from("~/.weave/offline"));
    let Ok(below_home) = given.strip_prefix("~") else { return Ok(given) };
    let home = environment.in_home("").ok_or_else(|| {
        Error::new(
            Status::InvalidArgument,
            format!(
                "offline_dir: {} needs a home directory and there is none; set HOME, or give the directory by \
                 WEAVE_OFFLINE_DIR or the option offline_dir",
                given.display()
            ),
        )
    })?;
    Ok(home.join(below_home))
}

pub(super) fn switch(given: Option<bool>, environment: &Environment, variable: &str) -> Result<Option<bool>> {
    match given {
        None if environment.text(variable).is_some() => environment.switch(variable).map(Some),
        given => Ok(given),
    }
}

pub(super) fn number<T: std::str::FromStr>(
    given: Option<T>,
    environment: &Environment,
    variable: &str,
    wanted: &str,
) -> Result<Option<T>> {
    match (given, environment.text(variable)) {
        (None, Some(text)) => text.trim().parse().map(Some).map_err(|_| {
            Error::new(Status::InvalidArgument, format!("{variable}={text:?} cannot be used: it must be {wanted}"))
        }),
        (given, _) => Ok(given),
    }
}

pub(super) fn unusable(variable: &str, option: &str, value: impl std::fmt::Display, wanted: &str) -> Error {
    Error::new(
        Status::InvalidArgument,
        format!("{option} (option or {variable}): {value} cannot be used; it must be {wanted}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn resolved(options: &Options, variables: &[(&str, &str)]) -> Result<Settings> {
        options.resolve(&Environment::given(variables, Path::new("/home/ada"), Path::new("/here")))
    }

    #[test]
    fn the_program_goes_before_the_environment_and_that_before_the_default() {
        let offline = Options { offline: Some(true), ..Options::default() };
        assert_eq!(resolved(&offline, &[("WEAVE_OFFLINE", "0")]).unwrap().mode, Mode::Offline);
        assert_eq!(resolved(&Options::default(), &[("WEAVE_OFFLINE", "yes")]).unwrap().mode, Mode::Offline);
        assert_eq!(resolved(&Options::default(), &[]).unwrap().mode, Mode::Online);
        assert_eq!(resolved(&offline, &[("WEAVE_DISABLED", "on")]).unwrap().mode, Mode::Disabled);
    }

    #[test]
    fn a_value_that_cannot_be_used_names_its_variable() {
        for (variable, value) in [
            ("WEAVE_OFFLINE", "maybe"),
            ("WEAVE_DISABLED", "2"),
            ("WEAVE_SAMPLE_RATE", "1.5"),
            ("WEAVE_SAMPLE_RATE", "NaN"),
            ("WEAVE_ATTRIBUTES", "[1]"),
            ("WEAVE_SEND_INTERVAL", "0.09"),
            ("WEAVE_SEND_INTERVAL", "soon"),
        ] {
            let error = resolved(&Options::default(), &[(variable, value)]).err().unwrap();
            assert!(error.text().contains(variable), "{error}");
        }
    }

    #[test]
    fn the_send_interval_comes_from_the_environment_and_is_two_seconds_without() {
        let interval = |variables: &[_]| resolved(&Options::default(), variables).unwrap().send_interval;
        assert_eq!(interval(&[("WEAVE_SEND_INTERVAL", "0.5")]), Duration::from_millis(500));
        assert_eq!(interval(&[]), Duration::from_secs(2));
    }

    #[test]
    fn the_sample_rate_comes_from_the_environment() {
        assert_eq!(resolved(&Options::default(), &[("WEAVE_SAMPLE_RATE", "0.25")]).unwrap().sample_rate, 0.25);
    }
}
