//! Reading calls from data files: those that wait and those that were sent, also while programs write.
//!
//! [`chunks`] cuts files into pieces that can be read by themselves, [`scan`] reads pieces with all cores and keeps their
//! order, [`call`] says what a line says, [`join`] makes one call of a start and an end. [`whole`] reads
//! all calls, with the names that they were given later ([`renamed`]) and without those that were copied ([`put_back`]);
//! [`filter`] says which are meant.

pub mod call;
pub mod chunks;
pub mod filter;
pub mod join;
pub mod put_back;
pub mod renamed;
pub mod scan;
pub mod whole;
