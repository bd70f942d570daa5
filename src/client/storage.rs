//! The settings of the store: what the program sets goes before the environment, and that before the default.

use std::path::PathBuf;
use std::time::Duration;

use super::options::{directory, number, switch, unusable, Mode, Options};
use crate::error::{Error, Result, Status};
use crate::store::options::{QuotaPolicy, WhenFull};
use crate::store::StoreOptions;
use crate::sync::server::environment::FOREVER;
use crate::sync::Environment;

/// Whether the journal may use mapped memory, in words.
pub const JOURNALS: [(&str, bool); 2] = [("auto", true), ("write", false)];
/// Whether a logging call waits when the journal is full, in words.
pub const WHEN_FULL: [(&str, bool); 2] = [("block", true), ("refuse", false)];
/// What happens when the quota is reached, in words.
pub const QUOTA_POLICIES: [(&str, QuotaPolicy); 2] =
    [("refuse", QuotaPolicy::Refuse), ("drop-oldest", QuotaPolicy::DropOldest)];
/// The smallest directory: some files of the smallest size that a quota makes.
pub const MIN_DIRECTORY_SIZE: u64 = 1 << 20;

/// What a word of a setting stands for.
pub fn meaning<T: Copy>(word: &str, setting: &str, words: &[(&str, T)]) -> Result<T> {
    let found = words.iter().find(|(name, _)| *name == word.trim()).map(|(_, value)| *value);
    found.ok_or_else(|| {
        let names: Vec<String> = words.iter().map(|(name, _)| format!("{name:?}")).collect();
        let names = names.join(" or ");
        Error::new(Status::InvalidArgument, format!("{setting}: {word:?} cannot be used; it must be {names}"))
    })
}

impl Options {
    pub(super) fn store_options(&self, mode: Mode, environment: &Environment) -> Result<StoreOptions> {
        let defaults = StoreOptions::default();
        let whole = "a whole number of at least 1";
        let size = number(self.max_file_size, environment, "WEAVE_MAX_FILE_SIZE", "a number of bytes, at least 1")?;
        let age = number(self.max_file_age.map(|age| age.as_secs()), environment, "WEAVE_MAX_FILE_AGE", whole)?;
        let level = number(self.compression_level, environment, "WEAVE_COMPRESSION_LEVEL", "a level from 1 to 12")?;
        let journal = number(self.journal_size, environment, "WEAVE_JOURNAL_SIZE", "a number of bytes, at least 1")?;
        for (value, variable, option) in [
            (size, "WEAVE_MAX_FILE_SIZE", "max_file_size"),
            (age, "WEAVE_MAX_FILE_AGE", "max_file_age"),
            (journal, "WEAVE_JOURNAL_SIZE", "journal_size"),
        ] {
            if value == Some(0) {
                return Err(unusable(variable, option, 0, whole));
            }
        }
        if let Some(level) = level.filter(|level| !(1..=12).contains(level)) {
            return Err(unusable("WEAVE_COMPRESSION_LEVEL", "compression_level", level, "a level from 1 to 12"));
        }
        let quota = self.max_directory_size(environment)?;
        let limit = seconds(self.block_limit, environment, "WEAVE_BLOCK_LIMIT")?;
        let when_full = match word(self.block_when_full, environment, "WEAVE_WHEN_FULL", &WHEN_FULL)? {
            Some(false) => WhenFull::Refuse,
            _ => limit.map_or(defaults.when_full, WhenFull::Block),
        };
        Ok(StoreOptions {
            dir: if mode == Mode::Disabled { PathBuf::new() } else { self.offline_directory(environment)? },
            max_file_size: size.unwrap_or(defaults.max_file_size),
            max_file_age: age.map_or(defaults.max_file_age, Duration::from_secs),
            compress: switch(self.compress, environment, "WEAVE_COMPRESS")?.unwrap_or(defaults.compress),
            level,
            group_access: switch(self.group_access, environment, "WEAVE_GROUP_ACCESS")?
                .unwrap_or(defaults.group_access),
            durability_interval: seconds(self.durability_interval, environment, "WEAVE_DURABILITY_INTERVAL")?
                .unwrap_or(defaults.durability_interval),
            mapped_journal: word(self.mapped_journal, environment, "WEAVE_JOURNAL", &JOURNALS)?
                .unwrap_or(defaults.mapped_journal),
            journal_size: journal.unwrap_or(defaults.journal_size),
            when_full,
            quota,
            quota_policy: word(self.quota_policy, environment, "WEAVE_QUOTA_POLICY", &QUOTA_POLICIES)?
                .unwrap_or(defaults.quota_policy),
        })
    }

    /// The quota of the offline directory, in bytes; `None` for none.
    pub fn max_directory_size(&self, environment: &Environment) -> Result<Option<u64>> {
        let wanted = format!("a number of bytes, at least {MIN_DIRECTORY_SIZE}");
        let quota = number(self.max_directory_size, environment, "WEAVE_MAX_DIRECTORY_SIZE", &wanted)?;
        match quota.filter(|quota| *quota < MIN_DIRECTORY_SIZE) {
            Some(quota) => Err(unusable("WEAVE_MAX_DIRECTORY_SIZE", "max_directory_size", quota, &wanted)),
            None => Ok(quota),
        }
    }

    fn offline_directory(&self, environment: &Environment) -> Result<PathBuf> {
        let given = self.offline_dir.clone().filter(|dir| !dir.as_os_str().is_empty());
        directory(given.or_else(|| environment.text("WEAVE_OFFLINE_DIR").map(PathBuf::from)), environment)
    }
}

fn word<T: Copy>(
    given: Option<T>,
    environment: &Environment,
    variable: &str,
    words: &[(&str, T)],
) -> Result<Option<T>> {
    match (given, environment.text(variable)) {
        (None, Some(text)) => meaning(&text, variable, words).map(Some),
        (given, _) => Ok(given),
    }
}

/// A time in seconds, fractions allowed.
pub(super) fn seconds(given: Option<Duration>, environment: &Environment, variable: &str) -> Result<Option<Duration>> {
    if let Some(given) = given {
        return Ok(Some(given.min(FOREVER)));
    }
    let wanted = "a number of seconds, at least 0";
    let Some(seconds) = number::<f64>(None, environment, variable, wanted)? else { return Ok(None) };
    let time = Duration::try_from_secs_f64(seconds).map_err(|_| {
        Error::new(Status::InvalidArgument, format!("{variable}={seconds} cannot be used: it must be {wanted}"))
    })?;
    Ok(Some(time.min(FOREVER)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn resolved(options: &Options, variables: &[(&str, &str)]) -> Result<StoreOptions> {
        let environment = Environment::given(variables, Path::new("/home/ada"), Path::new("/here"));
        options.store_options(Mode::Offline, &environment)
    }

    #[test]
    fn the_directory_may_begin_with_the_home_directory() {
        let dir = |options: &Options, variables: &[_]| resolved(options, variables).unwrap().dir;
        assert_eq!(dir(&Options::default(), &[]), Path::new("/home/ada/.weave/offline"));
        assert_eq!(dir(&Options::default(), &[("WEAVE_OFFLINE_DIR", "~/w")]), Path::new("/home/ada/w"));
        let given = Options { offline_dir: Some("/data".into()), ..Options::default() };
        assert_eq!(dir(&given, &[("WEAVE_OFFLINE_DIR", "~/w")]), Path::new("/data"));
    }

    #[test]
    fn every_choice_comes_from_the_environment() {
        let store = resolved(
            &Options::default(),
            &[
                ("WEAVE_MAX_FILE_SIZE", "1000"),
                ("WEAVE_MAX_FILE_AGE", "60"),
                ("WEAVE_COMPRESS", "no"),
                ("WEAVE_COMPRESSION_LEVEL", "7"),
                ("WEAVE_GROUP_ACCESS", "yes"),
                ("WEAVE_DURABILITY_INTERVAL", "0.25"),
                ("WEAVE_JOURNAL", "write"),
                ("WEAVE_JOURNAL_SIZE", "4096"),
                ("WEAVE_BLOCK_LIMIT", "1.5"),
                ("WEAVE_MAX_DIRECTORY_SIZE", "2000000"),
                ("WEAVE_QUOTA_POLICY", "drop-oldest"),
            ],
        )
        .unwrap();
        assert_eq!((store.max_file_size, store.max_file_age.as_secs(), store.compress), (1000, 60, false));
        assert_eq!((store.level, store.group_access), (Some(7), true));
        assert_eq!(store.durability_interval, Duration::from_millis(250));
        assert_eq!((store.mapped_journal, store.journal_size), (false, 4096));
        assert_eq!(store.when_full, WhenFull::Block(Duration::from_millis(1500)));
        assert_eq!((store.quota, store.quota_policy), (Some(2_000_000), QuotaPolicy::DropOldest));
        assert_eq!(
            resolved(&Options::default(), &[("WEAVE_WHEN_FULL", "refuse")]).unwrap().when_full,
            WhenFull::Refuse
        );
    }

    #[test]
    fn every_choice_of_the_program_goes_before_the_environment() {
        let options = Options {
            durability_interval: Some(Duration::ZERO),
            mapped_journal: Some(true),
            journal_size: Some(1),
            block_when_full: Some(true),
            block_limit: Some(Duration::from_secs(2)),
            max_directory_size: Some(MIN_DIRECTORY_SIZE),
            quota_policy: Some(QuotaPolicy::Refuse),
            ..Options::default()
        };
        let variables = [
            ("WEAVE_DURABILITY_INTERVAL", "9"),
            ("WEAVE_JOURNAL", "write"),
            ("WEAVE_JOURNAL_SIZE", "9"),
            ("WEAVE_WHEN_FULL", "refuse"),
            ("WEAVE_BLOCK_LIMIT", "9"),
            ("WEAVE_MAX_DIRECTORY_SIZE", "9000000"),
            ("WEAVE_QUOTA_POLICY", "drop-oldest"),
        ];
        let store = resolved(&options, &variables).unwrap();
        assert_eq!(store.durability_interval, Duration::ZERO);
        assert_eq!((store.mapped_journal, store.journal_size), (true, 1));
        assert_eq!(store.when_full, WhenFull::Block(Duration::from_secs(2)));
        assert_eq!((store.quota, store.quota_policy), (Some(MIN_DIRECTORY_SIZE), QuotaPolicy::Refuse));
    }

    #[test]
    fn without_a_choice_there_is_no_quota_and_a_full_journal_blocks() {
        let (store, defaults) = (resolved(&Options::default(), &[]).unwrap(), StoreOptions::default());
        assert_eq!((store.quota, store.level), (None, None));
        assert!(store.mapped_journal && matches!(store.when_full, WhenFull::Block(_)));
        assert_eq!(store.when_full, defaults.when_full);
        assert_eq!(store.durability_interval, defaults.durability_interval);
    }

    #[test]
    fn a_value_that_cannot_be_used_names_its_variable() {
        for (variable, value) in [
            ("WEAVE_COMPRESS", "gzip"),
            ("WEAVE_GROUP_ACCESS", "staff"),
            ("WEAVE_MAX_FILE_SIZE", "100MB"),
            ("WEAVE_MAX_FILE_SIZE", "0"),
            ("WEAVE_MAX_FILE_AGE", "-1"),
            ("WEAVE_COMPRESSION_LEVEL", "13"),
            ("WEAVE_DURABILITY_INTERVAL", "-1"),
            ("WEAVE_DURABILITY_INTERVAL", "NaN"),
            ("WEAVE_DURABILITY_INTERVAL", "1s"),
            ("WEAVE_JOURNAL", "mapped"),
            ("WEAVE_JOURNAL_SIZE", "0"),
            ("WEAVE_WHEN_FULL", "drop"),
            ("WEAVE_BLOCK_LIMIT", "for ever"),
            ("WEAVE_MAX_DIRECTORY_SIZE", "1048575"),
            ("WEAVE_QUOTA_POLICY", "drop_oldest"),
        ] {
            let error = resolved(&Options::default(), &[(variable, value)]).err().unwrap();
            assert_eq!(error.status(), Status::InvalidArgument);
            assert!(error.text().contains(variable), "{error}");
        }
    }
}
