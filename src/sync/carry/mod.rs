//! Carrying records of a machine without a network to one that has it, in a folder on a stick (docs/carrying.md).
//!
//! On the device: [`pack()`] writes a bundle, of what `waiting` finds, and takes (`taking`) a receipt that it finds there;
//! `device` is who it is. On the other machine, the base: [`unpack()`] makes an offline directory of it, which a sync sends
//! as any other, and [`receipt`] writes down what came of it.
//!
//! Below: `manifest` (the lines of a bundle and of a receipt), `sealed` (files of lines that are whole or told as torn),
//! `blobs` (where bytes lie in a bundle, and how they get there).

mod blobs;
pub mod device;
pub mod manifest;
pub mod pack;
pub mod receipt;
mod sealed;
mod taking;
pub mod unpack;
mod waiting;

pub use pack::pack;
pub use receipt::write as write_receipt;
pub use taking::Taken;
pub use unpack::unpack;

#[cfg(test)]
#[path = "carry_tests.rs"]
mod tests;

/// Hears how many bytes of how many are done.
pub type Told<'t> = dyn FnMut(u64, u64) + 't;
