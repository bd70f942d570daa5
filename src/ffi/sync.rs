//! Sending what is stored, and looking after it.

use std::ffi::c_char;
use std::path::PathBuf;
use std::time::Duration;

use super::error::weave_status;
use super::guard::guard;
use super::options::weave_options;
use super::strings::{optional, put, put_text};
use crate::client::options::directory;
use crate::client::Options;
use crate::error::{Error, Result, Status};
use crate::store::usage;
use crate::sync::Environment;
use crate::sync::{self, cleaning, Request, Update};

/// Sends what is stored to the server, in the order that references need. What the server has taken is marked; what it
/// has not is kept for the next time; a record that it refuses is set aside. It may be stopped or killed at any instant
/// and called again. Clients of this process that write to the directory may go on.
///
/// @param offline_dir the offline directory; NULL for the one of options, environment or default.
/// @param project_name one project, "entity/project" as recorded, or its last part; NULL for all.
/// @param api_key the API key; NULL for the one of options, environment or netrc file.
/// @param options addresses, certificates, where projects go, limits, progress, the way to stop; NULL for the defaults.
/// @param results_json takes {"entity/project": {"calls": [synced, errors], …}}; to be freed with weave_string_free. It is
/// written whenever sending began, also when the status is an error: set it to NULL before.
/// @return WEAVE_OK; WEAVE_INCOMPLETE when some records were refused or could not be sent; WEAVE_TIMEOUT at a limit of
/// time or bytes; WEAVE_CANCELLED; WEAVE_BUSY when another sync of the directory runs; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_NAME;
/// WEAVE_UNAUTHORIZED, WEAVE_FORBIDDEN, WEAVE_NETWORK, WEAVE_SERVER; WEAVE_IO, WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_sync(
    offline_dir: *const c_char,
    project_name: *const c_char,
    api_key: *const c_char,
    options: *const weave_options,
    results_json: *mut *mut c_char,
) -> weave_status {
    guard(|| {
        // SAFETY: by the conventions of the interface.
        let given = unsafe { Given::read(offline_dir, project_name, api_key, options) }?;
        let request = Request {
            offline_dir: &given.dir,
            projects: given.project.as_slice(),
            connection: &given.settings.connection(),
            environment: &given.environment,
            choices: given.settings.choices(&given.environment)?,
            stop: given.settings.sync.stop.clone(),
        };
        let outcome = sync::run(&request, &mut |told| given.tell(told))?;
        // SAFETY: by the conventions of the interface.
        unsafe { put_text(results_json, outcome.results.to_json()) }?;
        outcome.error().map_or(Ok(()), Err)
    })
}

/// Deletes data files that were sent to the server some time ago, and file bytes that no record needs which waits or was
/// rejected. Receipts stay. weave_clean_preview tells before what would go.
///
/// @param offline_dir the offline directory; NULL for the one of environment or default.
/// @param older_than_days days since the sync, with fractions; 0 for all that were sent.
/// @param deleted takes how many files were deleted; may be NULL.
/// @return WEAVE_OK; WEAVE_BUSY when a sync of the directory is running; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8;
/// WEAVE_IO.
#[no_mangle]
pub unsafe extern "C" fn weave_clean_synced_files(
    offline_dir: *const c_char,
    older_than_days: f64,
    deleted: *mut u64,
) -> weave_status {
    guard(|| {
        let age = age(older_than_days)?;
        // SAFETY: by the conventions of the interface.
        let dir = unsafe { dir(offline_dir, &Options::default(), &Environment::of_process()) }?;
        let cleaned = cleaning::clean(&dir, age, &mut |_, _| {})?;
        // SAFETY: by the conventions of the interface.
        unsafe { put(deleted, cleaned.files) };
        Ok(())
    })
}

/// Tells what lies in an offline directory: sizes and counts, in all and of each project and kind.
///
/// @param offline_dir the offline directory; NULL for the one of environment or default.
/// @param stats_json takes a JSON object, to be freed with weave_string_free.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8; WEAVE_IO.
#[no_mangle]
pub unsafe extern "C" fn weave_directory_stats(
    offline_dir: *const c_char,
    stats_json: *mut *mut c_char,
) -> weave_status {
    guard(|| {
        // SAFETY: by the conventions of the interface.
        let dir = unsafe { dir(offline_dir, &Options::default(), &Environment::of_process()) }?;
        // SAFETY: by the conventions of the interface.
        unsafe { put_text(stats_json, usage::directory_stats(&dir)?.to_string()) }
    })
}

/// What a program gives of a server and a directory.
pub(super) struct Given<'a> {
    pub(super) settings: Options,
    pub(super) environment: Environment,
    pub(super) dir: PathBuf,
    pub(super) project: Option<&'a str>,
}

impl<'a> Given<'a> {
    /// # Safety
    /// Each is NULL or what the conventions of the interface say; the texts stay as they are for `'a`.
    pub(super) unsafe fn read(
        offline_dir: *const c_char,
        project_name: *const c_char,
        api_key: *const c_char,
        options: *const weave_options,
    ) -> Result<Given<'a>> {
        // SAFETY: by the contract.
        let given = unsafe { weave_options::of(options) };
        let mut settings = given.map(|given| given.options.clone()).unwrap_or_default();
        // SAFETY: by the contract.
        if let Some(key) = unsafe { optional(api_key, "api_key") }?.filter(|key| !key.is_empty()) {
            settings.api_key = Some(key.to_owned());
        }
        let environment = Environment::of_process();
        // SAFETY: by the contract.
        let project = unsafe { optional(project_name, "project_name") }?.filter(|name| !name.is_empty());
        // SAFETY: by the contract.
        let dir = unsafe { dir(offline_dir, &settings, &environment) }?;
        Ok(Given { settings, environment, dir, project })
    }

    /// Tells the program how it goes on; answers whether it shall.
    pub(super) fn tell(&self, told: &Update<'_>) -> bool {
        self.settings.progress.as_ref().is_none_or(|progress| progress(told))
    }
}

/// The age of what is deleted.
pub(super) fn age(older_than_days: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(older_than_days * 86_400.0).map_err(|_| {
        Error::new(
            Status::InvalidArgument,
            format!("older_than_days: {older_than_days} cannot be used; give a number of at least 0"),
        )
    })
}

/// The offline directory that is meant.
///
/// # Safety
/// `given` is NULL or a text.
pub(super) unsafe fn dir(given: *const c_char, options: &Options, environment: &Environment) -> Result<PathBuf> {
    // SAFETY: by the contract.
    let given = unsafe { optional(given, "offline_dir") }?.filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let given = given.or_else(|| options.offline_dir.clone().filter(|dir| !dir.as_os_str().is_empty()));
    directory(given.or_else(|| environment.text("WEAVE_OFFLINE_DIR").map(PathBuf::from)), environment)
}
