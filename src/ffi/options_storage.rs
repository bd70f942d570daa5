//! The settings of the store.

use std::ffi::c_char;
use std::time::Duration;

use super::error::weave_status;
use super::options::{out_of_range, set, weave_options};
use super::strings::text;
use crate::client::storage::{meaning, JOURNALS, MIN_DIRECTORY_SIZE, QUOTA_POLICIES, WHEN_FULL};
use crate::error::Result;

/// After how many bytes on disk a data file is closed and another begun. Variable WEAVE_MAX_FILE_SIZE; default 100000000.
///
/// @param options the settings.
/// @param max_file_size bytes, at least 1.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or 0.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_max_file_size(
    options: *mut weave_options,
    max_file_size: u64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            if max_file_size == 0 {
                return Err(out_of_range("max_file_size", 0, "at least 1 byte"));
            }
            o.max_file_size = Some(max_file_size);
            Ok(())
        })
    }
}

/// After how long a data file is closed and another begun. Variable WEAVE_MAX_FILE_AGE; default 86400.
///
/// @param options the settings.
/// @param max_file_age seconds, at least 1.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or below 1.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_max_file_age(
    options: *mut weave_options,
    max_file_age: i64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            let age = u64::try_from(max_file_age).ok().filter(|age| *age > 0);
            let age = age.ok_or_else(|| out_of_range("max_file_age", max_file_age, "at least 1 second"))?;
            o.max_file_age = Some(Duration::from_secs(age));
            Ok(())
        })
    }
}

/// Whether data files are compressed with gzip. Variable WEAVE_COMPRESS; default true.
///
/// @param options the settings.
/// @param compress true or false.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_compress(options: *mut weave_options, compress: bool) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.compress = Some(compress);
            Ok(())
        })
    }
}

/// How hard data files are compressed. Variable WEAVE_COMPRESSION_LEVEL; the default suits a busy program.
///
/// @param options the settings.
/// @param compression_level 1 (fast) to 12 (small).
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or outside of it.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_compression_level(
    options: *mut weave_options,
    compression_level: i32,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            if !(1..=12).contains(&compression_level) {
                return Err(out_of_range("compression_level", compression_level, "from 1 to 12"));
            }
            o.compression_level = Some(compression_level);
            Ok(())
        })
    }
}

/// Whether the group of the files may read and write them (modes 0770 and 0660 instead of 0700 and 0600). Variable
/// WEAVE_GROUP_ACCESS; default false.
///
/// @param options the settings.
/// @param group_access true or false.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_group_access(
    options: *mut weave_options,
    group_access: bool,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.group_access = Some(group_access);
            Ok(())
        })
    }
}

/// Power loss costs at most what was accepted in this time. Variable WEAVE_DURABILITY_INTERVAL (seconds); default 1 second.
///
/// @param options the settings.
/// @param durability_interval_ms milliseconds; 0: what was accepted since the last weave_flush.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or negative.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_durability_interval(
    options: *mut weave_options,
    durability_interval_ms: i64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.durability_interval = Some(milliseconds(durability_interval_ms, "durability_interval_ms")?);
            Ok(())
        })
    }
}

/// How records get into the journal. Variable WEAVE_JOURNAL; default "auto".
///
/// @param options the settings.
/// @param journal "auto": through mapped memory where it can be had; "write": each by a system call.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or another word; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_journal(
    options: *mut weave_options,
    journal: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.mapped_journal = Some(meaning(text(journal, "journal")?, "journal", &JOURNALS)?);
            Ok(())
        })
    }
}

/// How many bytes may wait in the journal, beyond its mapped memory, before logging waits or is refused. Variable
/// WEAVE_JOURNAL_SIZE; default 67108864.
///
/// @param options the settings.
/// @param journal_size bytes, at least 1.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or 0.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_journal_size(
    options: *mut weave_options,
    journal_size: u64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            if journal_size == 0 {
                return Err(out_of_range("journal_size", 0, "at least 1 byte"));
            }
            o.journal_size = Some(journal_size);
            Ok(())
        })
    }
}

/// What a logging function does when the journal is full. Variable WEAVE_WHEN_FULL; default "block".
///
/// @param options the settings.
/// @param when_full "block": it waits for room as long as the block limit says, then answers WEAVE_NO_SPACE; "refuse": it
/// answers WEAVE_NO_SPACE at once.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or another word; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_when_full(
    options: *mut weave_options,
    when_full: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.block_when_full = Some(meaning(text(when_full, "when_full")?, "when_full", &WHEN_FULL)?);
            Ok(())
        })
    }
}

/// How long a logging function waits for room in a full journal. Variable WEAVE_BLOCK_LIMIT (seconds); default 5 seconds.
///
/// @param options the settings.
/// @param block_limit_ms milliseconds, at least 0.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or negative.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_block_limit(
    options: *mut weave_options,
    block_limit_ms: i64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.block_limit = Some(milliseconds(block_limit_ms, "block_limit_ms")?);
            Ok(())
        })
    }
}

/// How many bytes the offline directory may have, beside journals. Near to it, data files that were sent are deleted, and
/// then the quota policy is followed. Variable WEAVE_MAX_DIRECTORY_SIZE; default: as many as the disk has.
///
/// @param options the settings.
/// @param max_directory_size bytes, at least 1048576.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or less.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_max_directory_size(
    options: *mut weave_options,
    max_directory_size: u64,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            if max_directory_size < MIN_DIRECTORY_SIZE {
                let wanted = format!("at least {MIN_DIRECTORY_SIZE} bytes");
                return Err(out_of_range("max_directory_size", max_directory_size, &wanted));
            }
            o.max_directory_size = Some(max_directory_size);
            Ok(())
        })
    }
}

/// What happens when the offline directory is full and nothing in it was sent. Variable WEAVE_QUOTA_POLICY; default
/// "refuse".
///
/// @param options the settings.
/// @param quota_policy "refuse": logging functions answer WEAVE_NO_SPACE until there is room; "drop-oldest": the oldest
/// data files are deleted, and a note beside them says what they held.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or another word; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_options_set_quota_policy(
    options: *mut weave_options,
    quota_policy: *const c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        set(options, |o| {
            o.quota_policy = Some(meaning(text(quota_policy, "quota_policy")?, "quota_policy", &QUOTA_POLICIES)?);
            Ok(())
        })
    }
}

pub(super) fn milliseconds(value: i64, name: &str) -> Result<Duration> {
    u64::try_from(value).map(Duration::from_millis).map_err(|_| out_of_range(name, value, "at least 0 milliseconds"))
}
