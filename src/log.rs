//! What the library says to the program that holds it: messages for a callback of the program, and nothing else. The
//! library never prints.

use parking_lot::RwLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;

/// How important a message is.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error = 1,
    /// Something will fail, or was changed.
    Warning = 2,
    /// What the library does.
    Info = 3,
    /// In detail.
    Debug = 4,
}

/// What takes the messages. It is called on the thread that has something to say, with no lock held.
pub type Sink = dyn Fn(Level, &str) + Send + Sync;

static SINK: RwLock<Option<Arc<Sink>>> = RwLock::new(None);
/// The least important level that is told; 0 without a sink, so that nobody makes a text in vain.
static MAX_LEVEL: AtomicU8 = AtomicU8::new(0);

/// Sets what takes the messages up to a level, for the whole process; `None` for silence.
pub fn set(sink: Option<Arc<Sink>>, max_level: Level) {
    MAX_LEVEL.store(sink.as_ref().map_or(0, |_| max_level as u8), Ordering::Relaxed);
    let former = std::mem::replace(&mut *SINK.write(), sink);
    // Dropped without the lock: it is the program's.
    drop(former);
}

/// Says something, if somebody listens.
pub fn write(level: Level, message: impl FnOnce() -> String) {
    if level as u8 > MAX_LEVEL.load(Ordering::Relaxed) {
        return;
    }
    // Not waited for: the child of a fork may find it held by a thread that it does not have.
    let sink = SINK.try_read().and_then(|sink| sink.clone());
    if let Some(sink) = sink {
        sink(level, &message());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    #[test]
    fn messages_up_to_the_level_are_told_and_none_after_silence() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = heard.clone();
        let listen = move |level, text: &str| {
            if text.starts_with("test:") {
                ear.lock().push((level, text.to_owned()));
            }
        };
        set(Some(Arc::new(listen)), Level::Warning);
        write(Level::Warning, || "test: told".into());
        write(Level::Info, || "test: not told".into());
        set(None, Level::Debug);
        write(Level::Error, || "test: nobody hears".into());
        assert_eq!(*heard.lock(), [(Level::Warning, "test: told".to_owned())]);
    }
}
