//! Every number of the store, with its reason.

use std::time::Duration;

/// The version of the layout and of the member's subfield; a writer's first line names it.
pub const FORMAT_VERSION: u32 = 1;

/// A data file is closed before it would grow beyond this.
pub const MAX_FILE_SIZE: u64 = 100_000_000;

/// A data file is closed when it is this old, so that what is rare can be sent and deleted too.
pub const MAX_FILE_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes of a batch as the journal keeps them, some 60 % of its lines, which make a member: larger ones gain 2 % in size
/// and cost memory, smaller ones lose 10 %.
pub const BATCH_BYTES: u64 = 256 * 1024;

/// How long records may wait in the journal for company. They are safe there; in a data file other programs read them.
pub const BATCH_AGE: Duration = Duration::from_secs(60);

/// With at least this many bytes waiting when the durability interval is over, they are packed. Fewer stay for company,
/// and the journal itself is synced: a member of its own for each few records would be three times as large.
pub const WORTH_PACKING: u64 = 32 * 1024;

/// How often the packer looks at the journal while it finds whole batches there.
pub const POLL: Duration = Duration::from_micros(500);

/// How often it looks while nothing happens: five times a second costs nothing that can be measured.
pub const IDLE_POLL: Duration = Duration::from_millis(200);

/// How often the packer looks whether data files are old enough to be closed, whether the directory is still there, and
/// how much is in it.
pub const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// Power loss costs at most what was accepted in this time.
pub const DURABILITY_INTERVAL: Duration = Duration::from_secs(1);

/// A sync begins after this part of the interval, so that it has ended when the interval has.
pub const SYNC_EARLY: f64 = 0.9;

/// Wait before trying again after a failed write.
pub const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How long letting go of the last client waits for the packer to end.
pub const STOP_LIMIT: Duration = Duration::from_secs(2);

/// How long the packer, when it ends, waits for calls that are being logged at that moment.
pub const QUIET_LIMIT: Duration = Duration::from_millis(500);

/// One ring: small enough to stay in a processor's cache, large enough for the time that a sync of a data file takes.
pub const RING_BYTES: usize = 2 * 1024 * 1024;

/// Rings of a process: as many threads log without sharing anything.
pub const MAX_RINGS: usize = 16;

/// How long storing the bytes of a file waits for who may be deleting the same bytes: that takes a moment.
pub const BODY_LOCK_LIMIT: Duration = Duration::from_secs(2);

/// How long a recovery waits until it may tell of itself: others look whether there is one, which takes a moment.
pub const RECOVERY_LOCK_LIMIT: Duration = Duration::from_secs(1);

/// How many bytes may wait in the journal's log beyond its rings: some 100 000 calls, a burst of seconds.
pub const JOURNAL_SIZE: u64 = 64 * 1024 * 1024;

/// How long a logging call waits for room in a full journal.
pub const BLOCK_LIMIT: Duration = Duration::from_secs(5);

/// A segment of the log is closed when it is this long. What is packed is freed by whole segments: on a nearly full disk
/// so much room is needed to pack what waits.
pub const SEGMENT_BYTES: u64 = 1024 * 1024;

/// How large the parts of a journal are. Programs always use [`Sizes::USUAL`]; small ones bring a test to the end of a
/// lap, of a segment and of a batch with a few records.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// One ring.
    pub ring: usize,
    /// A segment of the log.
    pub segment: u64,
    /// A batch, as the journal keeps it.
    pub batch: u64,
    /// What is packed when the durability interval is over.
    pub worth_packing: u64,
}

impl Sizes {
    /// Those of every program.
    pub const USUAL: Sizes =
        Sizes { ring: RING_BYTES, segment: SEGMENT_BYTES, batch: BATCH_BYTES, worth_packing: WORTH_PACKING };
}

/// The largest record: what one request may hold (protocol, section 8).
pub const MAX_RECORD_BYTES: usize = 31 * 1024 * 1024;

/// Level of compression while records come faster than they can be packed at a higher one: the best rate for its size
/// with whole buffers (docs/benchmarks.md).
pub const FAST_LEVEL: i32 = 1;

/// Level of compression otherwise.
pub const SMALL_LEVEL: i32 = 6;
/// A data file has at most this part of the quota, so that there is always one that is closed and can be deleted.
pub const QUOTA_FILES: u64 = 16;

/// But a data file may have this many bytes, so that a small quota does not make a file of each batch.
pub const QUOTA_FILE_MIN: u64 = 64 * 1024;

/// How often the whole directory is measured while it is believed to be below its quota: others write to it too.
pub const QUOTA_LOOK: Duration = Duration::from_secs(60);

/// How long the bytes of a file stay although no data file names them: the record may still be in a journal.
pub const QUOTA_BODY_GRACE: Duration = Duration::from_secs(5 * 60);

/// The part of the quota that the notes on dropped files may take before the oldest become a line each.
pub const QUOTA_NOTES: u64 = 50;

/// The part of the quota that one such note may take, and the bytes that it may take in any case and at most: it is made
/// in memory.
pub const QUOTA_NOTE: u64 = 200;
/// See [`QUOTA_NOTE`].
pub const QUOTA_NOTE_MIN: u64 = 16 * 1024;
/// See [`QUOTA_NOTE`].
pub const QUOTA_NOTE_MAX: u64 = 4 * 1024 * 1024;

/// Bytes of lines on dropped files before the older half becomes a single line, at most: each further one reads them.
pub const QUOTA_LINES_MAX: u64 = 1024 * 1024;
