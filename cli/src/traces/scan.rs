//! Reading pieces with all cores, and taking what was found in their order.

use super::chunks::Chunk;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;
use weave::Error;

/// Pieces for each core between two looks at what was found: enough that cores seldom wait for the slowest of them. Few
/// at first, since the first of them may be enough.
const PIECES_A_CORE: [usize; 2] = [1, 8];

/// More bytes of lines are not read at once, but for one piece that has more.
const ROUND_BYTES: u64 = 32 << 20;

/// Gives the lines of each piece to `work`, on all cores, and what it answers to `take`, in the order of the pieces,
/// until that has enough. What is damaged is left out, and told to `damaged`. Memory holds the answers to a few pieces.
pub fn each<R: Send>(
    pieces: impl IntoIterator<Item = Chunk>,
    damaged: &mut dyn FnMut(&Error),
    work: impl Fn(&Chunk, &[u8]) -> R + Sync,
    mut take: impl FnMut(R) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let [first, later] = PIECES_A_CORE;
    let (mut pieces, mut most) = (pieces.into_iter().peekable(), cores * first);
    loop {
        let (mut round, mut bytes) = (Vec::new(), 0u64);
        while let Some(piece) = pieces.next_if(|piece: &Chunk| {
            bytes = bytes.saturating_add(piece.size().unwrap_or(ROUND_BYTES));
            round.is_empty() || (round.len() < most && bytes <= ROUND_BYTES)
        }) {
            round.push(piece);
        }
        if round.is_empty() {
            return ControlFlow::Continue(());
        }
        most = cores * later;
        for (found, damage) in read(&round, cores, &work) {
            damage.iter().for_each(&mut *damaged);
            take(found)?;
        }
    }
}

fn read<R: Send>(
    round: &[Chunk],
    cores: usize,
    work: &(impl Fn(&Chunk, &[u8]) -> R + Sync),
) -> Vec<(R, Option<Error>)> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..cores.min(round.len()) {
            scope.spawn(|| loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(chunk) = round.get(place) else { break };
                let mut damage = None;
                let lines = chunk.lines(&mut |error| damage = Some(error.clone()));
                let answer = (work(chunk, &lines), damage);
                if let Ok(mut found) = found.lock() {
                    found.push((place, answer));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_default();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, answer)| answer).collect()
}
