//! The memory of a ring: a file, mapped for as long as the process lives, whose pages are there and writeable.
//!
//! A full disk shows when the ring is made. What that cannot cover is a file that somebody cuts while it is mapped, and
//! a disk that fails when a page of it must be read again: the kernel answers with SIGBUS.

#![allow(unsafe_code)]

use super::header::{FREED, FREED_COPY, PAGE};
use crate::store::disk;
use crate::store::layout::Access;
use crate::store::process;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// File systems on which a write to mapped memory can fail, with SIGBUS: those that other machines write to or a program
/// answers for, and those that put what is written again in another place, for which there may be no room. statfs(2)
/// and the systems' sources have the numbers.
const REFUSED: [(u32, &str); 17] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x6573_5546, "FUSE"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x7461_636f, "OCFS2"),
    (0x786f_4256, "VirtualBox shared folders"),
    (0x9123_683e, "Btrfs"),
    (0x2fc1_2fc1, "ZFS"),
    (0xca45_1a4e, "bcachefs"),
    (0x3434, "NILFS"),
];

/// A header page and the bytes of a ring.
pub struct Memory {
    base: NonNull<u8>,
    capacity: usize,
    generation: u32,
}

// SAFETY: the memory belongs to no thread. Who may access which part of it, and when, is for the callers of the unsafe
// functions to know; the words in the header are atomics.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// Makes the file and its pages. On failure removes the file.
    pub fn create(path: &Path, capacity: usize, access: Access) -> io::Result<Memory> {
        // A journal is closed behind a barrier on every thread.
        if !process::barrier_on_all_threads() {
            return Err(unsupported("the system refuses membarrier(2)"));
        }
        let file = access.create_file(path)?;
        let made = prepare(&file, PAGE + capacity).and_then(|()| Memory::map(&file, capacity));
        if made.is_err() {
            let _ = disk::remove_file(path);
        }
        made
    }

    fn map(file: &File, capacity: usize) -> io::Result<Memory> {
        let length = PAGE + capacity;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, where the kernel wants it, of a file that is as long.
        let base =
            unsafe { libc::mmap(std::ptr::null_mut(), length, protection, libc::MAP_SHARED, file.as_raw_fd(), 0) };
        let base = match NonNull::new(base.cast::<u8>()) {
            Some(base) if base.as_ptr().cast() != libc::MAP_FAILED => base,
            _ => return Err(unsupported(&format!("the file cannot be mapped: {}", io::Error::last_os_error()))),
        };
        let memory = Memory { base, capacity, generation: process::generation() };
        memory
            .advise(libc::MADV_DONTFORK)
            .map_err(|cause| unsupported(&format!("the memory cannot be kept from forked children: {cause}")))?;
        match memory.advise(libc::MADV_POPULATE_WRITE).map_err(|cause| (cause.raw_os_error(), cause)) {
            Err((Some(libc::EINVAL), _)) => memory.touch(), // before Linux 5.14
            Err((Some(libc::EFAULT), _)) => return Err(unsupported("pages of the file cannot be written in memory")),
            populated => populated.map_err(|(_, cause)| cause)?,
        }
        Ok(memory)
    }

    fn advise(&self, advice: libc::c_int) -> io::Result<()> {
        // SAFETY: the whole mapping; neither advice changes what is in it.
        check(unsafe { libc::madvise(self.base.as_ptr().cast(), self.length(), advice) })
    }

    fn touch(&self) {
        for page in (0..self.length()).step_by(PAGE) {
            // SAFETY: nobody else knows the memory yet.
            unsafe { self.base.add(page).write_volatile(0) };
        }
    }

    fn length(&self) -> usize {
        PAGE + self.capacity
    }

    /// How many bytes there are, the header aside.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether the memory is there: it is not in the child of a fork.
    #[inline]
    pub fn is_here(&self) -> bool {
        self.generation == process::generation()
    }

    /// Some bytes of the ring.
    ///
    /// # Safety
    /// They lie within the capacity, nobody writes to them while they are borrowed, and the memory is here.
    #[inline]
    pub unsafe fn bytes(&self, offset: usize, length: usize) -> &[u8] {
        debug_assert!(offset + length <= self.capacity);
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(PAGE + offset), length) }
    }

    /// Some bytes of the ring, to be written.
    ///
    /// # Safety
    /// They lie within the capacity, nobody else has access to them while they are borrowed, and the memory is here.
    #[inline]
    #[allow(clippy::mut_from_ref)] // the caller's promise is what the borrow checker cannot see
    pub unsafe fn bytes_mut(&self, offset: usize, length: usize) -> &mut [u8] {
        debug_assert!(offset + length <= self.capacity);
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr().add(PAGE + offset), length) }
    }

    /// Stores a word of the ring, little-endian.
    ///
    /// # Safety
    /// It lies within the capacity, at a multiple of 8, nobody else has access to it, and the memory is here.
    #[inline]
    pub unsafe fn store(&self, offset: usize, word: u64, order: Ordering) {
        debug_assert!(offset + 8 <= self.capacity && offset.is_multiple_of(8));
        // SAFETY: the caller's promise.
        unsafe { self.word(PAGE + offset) }.store(word.to_le(), order);
    }

    /// Writes the part of the header that never changes.
    pub fn write_header(&self, header: &[u8; FREED]) {
        for (at, bytes) in header.chunks_exact(8).enumerate() {
            let word = bytes.try_into().map_or(0, u64::from_ne_bytes);
            // SAFETY: within the header page, of which only words are accessed, as atomics.
            unsafe { self.word(at * 8) }.store(word, Ordering::Relaxed);
        }
    }

    /// Writes how far the ring is freed. The memory must be here.
    pub fn write_freed(&self, position: u64) {
        for place in [FREED_COPY, FREED] {
            // SAFETY: as in `write_header`.
            unsafe { self.word(place) }.store(position.to_le(), Ordering::Release);
        }
    }

    /// # Safety
    /// The word lies within the mapping, at a multiple of 8, and is accessed as an atomic only while others have access.
    unsafe fn word(&self, at: usize) -> &AtomicU64 {
        // SAFETY: the caller's promise; a mapping is never NULL and aligned to a page.
        unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(at).cast()) }
    }

    /// Waits until a part of the ring is on the disk.
    pub fn sync(&self, offset: usize, length: usize) -> io::Result<()> {
        self.sync_bytes(PAGE + offset, length)
    }

    /// Waits until the header is on the disk.
    pub fn sync_header(&self) -> io::Result<()> {
        self.sync_bytes(0, PAGE)
    }

    fn sync_bytes(&self, from: usize, length: usize) -> io::Result<()> {
        if !self.is_here() || from + length > self.length() {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let into_page = from % process::page_size();
        // SAFETY: the part lies within the mapping, as was just checked, and syncing changes nothing.
        check(unsafe {
            libc::msync(self.base.as_ptr().add(from - into_page).cast(), into_page + length, libc::MS_SYNC)
        })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // In the child of a fork something else may be at the address.
        if self.is_here() {
            // SAFETY: all borrows of the memory have ended with the borrow of `self`.
            unsafe { libc::munmap(self.base.as_ptr().cast(), self.length()) };
        }
    }
}

/// Reserves the space of the file on the disk.
fn prepare(file: &File, length: usize) -> io::Result<()> {
    if let Some(name) = refused(file_system(file)?) {
        return Err(unsupported(&format!("memory that is mapped from files on {name} cannot be relied on")));
    }
    // The kernel would send a signal to the program.
    if process::check_file_size(length as u64).is_err() {
        return Err(unsupported("the program may not make files as large (RLIMIT_FSIZE)"));
    }
    // posix_fallocate(3) would write every block where the file system cannot reserve them.
    loop {
        // SAFETY: plain numbers.
        match check(unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, length as libc::off_t) }) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) if matches!(cause.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::ENODEV)) => {
                return Err(unsupported("the file system cannot reserve space"));
            }
            done => return done,
        }
    }
}

fn file_system(file: &File) -> io::Result<u32> {
    // SAFETY: plain data that the call fills.
    let mut about: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    check(unsafe { libc::fstatfs(file.as_raw_fd(), &mut about) })?;
    Ok(about.f_type as u32)
}

fn refused(file_system: u32) -> Option<&'static str> {
    REFUSED.iter().find(|(number, _)| *number == file_system).map(|(_, name)| *name)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn unsupported(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn made(access: Access) -> (tempfile::TempDir, std::path::PathBuf, io::Result<Memory>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00.ring");
        let memory = Memory::create(&path, 16 * PAGE, access);
        (folder, path, memory)
    }

    #[test]
    fn all_of_the_file_is_reserved_and_only_the_owner_may_read_it() {
        let (_folder, path, memory) = made(Access::Owner);
        memory.unwrap();
        let about = std::fs::metadata(&path).unwrap();
        assert_eq!(about.len(), 17 * PAGE as u64);
        assert!(about.blocks() * 512 >= about.len());
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_group_is_let_in_when_asked() {
        let (_folder, path, memory) = made(Access::Group);
        memory.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    }

    #[test]
    fn what_is_stored_is_in_the_file_at_once_and_after_the_mapping_is_gone() {
        let (_folder, path, memory) = made(Access::Owner);
        let memory = memory.unwrap();
        // SAFETY: nobody else has access.
        unsafe { memory.store(PAGE - 8, u64::from_le_bytes(*b"12345678"), Ordering::Relaxed) };
        let is_there = || std::fs::read(&path).unwrap()[2 * PAGE - 8..2 * PAGE] == *b"12345678";
        assert!(is_there());
        drop(memory);
        assert!(is_there());
    }

    #[test]
    fn a_file_that_exists_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00.ring");
        std::fs::write(&path, "mine").unwrap();
        let error = Memory::create(&path, PAGE, Access::Owner).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn what_cannot_be_had_is_an_error_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("00.ring");
        let too_large = 1 << 50;
        assert!(Memory::create(&path, too_large, Access::Owner).is_err());
        assert!(!path.exists());
    }

    #[test]
    fn file_systems_on_which_writing_to_memory_can_fail_are_refused_and_others_are_not() {
        assert_eq!(refused(libc::NFS_SUPER_MAGIC as u32), Some("NFS"));
        assert_eq!(refused(libc::SMB_SUPER_MAGIC as u32), Some("SMB"));
        assert_eq!(refused(libc::FUSE_SUPER_MAGIC as u32), Some("FUSE"));
        assert_eq!(refused(libc::BTRFS_SUPER_MAGIC as u32), Some("Btrfs"));
        assert_eq!(refused(libc::EXT4_SUPER_MAGIC as u32), None);
        assert_eq!(refused(libc::TMPFS_MAGIC as u32), None);
        assert_eq!(refused(libc::XFS_SUPER_MAGIC as u32), None);
    }

    #[test]
    fn a_sync_takes_any_part_of_the_ring_and_nothing_else() {
        let (_folder, _path, memory) = made(Access::Owner);
        let memory = memory.unwrap();
        for (offset, length) in [(0, 1), (PAGE - 1, 2), (16 * PAGE - 1, 1), (0, 16 * PAGE)] {
            memory.sync(offset, length).unwrap();
        }
        memory.sync_header().unwrap();
        assert!(memory.sync(16 * PAGE, 1).is_err());
    }
}
