//! Bringing records to the server: each once, in batches, several at a time.
//!
//! `pending` reads them and `parts` joins starts with ends; `batch` gathers them; `delivery` sees each batch through, with
//! `route` (requests and look-ups), `channel` (requests for one project), `pool` (several at once) and `judge` (whose fault
//! a refusal is). `sender` is what all kinds share; a file for each kind: `calls` with `pairs`, `turn`, `needs`,
//! `running` and `updates`, `objects` with [`refmap`], `files` (`singly` for both), `feedback` (and costs).

pub mod batch;
pub mod calls;
pub mod channel;
pub mod delivery;
pub mod feedback;
pub mod files;
pub mod judge;
pub mod needs;
pub mod objects;
pub mod pairs;
pub mod parts;
pub mod pending;
pub mod pool;
pub mod refmap;
pub mod route;
mod running;
pub mod sender;
pub mod singly;
pub mod turn;
mod updates;
