//! Starts and ends of calls that wait for each other, in bounded memory.
//!
//! Of each is kept where it stands, and of the newest also their text: most meet soon. What is not kept is read again
//! when the other comes. When there are too many, those of a part of the ids are forgotten; that part is gone through in
//! another pass over the files.

use super::pending::{Place, Writer};
use crate::sync::line::IdKey;
use std::collections::{HashMap, VecDeque};

/// How much there may be.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Parts of calls whose places are kept: some 20 MiB.
    pub parts: usize,
    /// Bytes of their texts.
    pub text: usize,
}

impl Bounds {
    /// Those of every program. Small ones bring a test beyond them.
    pub const USUAL: Bounds = Bounds { parts: 400_000, text: 6 * 1024 * 1024 };
}

/// A start or an end.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it stands.
    pub place: Place,
    /// Whether it is the start.
    pub is_start: bool,
    /// Whether its line is as this library wrote it.
    pub own: bool,
    /// Its writer: while that is not gone, the other half may be on the way.
    pub writer: Writer,
    /// Its line, unless it must be read again.
    pub line: Option<Box<[u8]>>,
}

/// The parts that wait.
#[derive(Debug)]
pub struct Pairs {
    bounds: Bounds,
    parts: HashMap<IdKey, Part>,
    /// Those whose line is kept, the oldest first; some may have gone.
    texts: VecDeque<(IdKey, Place)>,
    text: usize,
    /// Ids are taken whose spread lies from here …
    from: u64,
    /// … to here, not included; `None`: to the end.
    to: Option<u64>,
}

impl Pairs {
    /// Nothing waits, and every id is taken.
    pub fn new(bounds: Bounds) -> Self {
        Pairs { bounds, parts: HashMap::new(), texts: VecDeque::new(), text: 0, from: 0, to: None }
    }

    /// Whether the parts of a call are taken in this pass.
    pub fn takes(&self, id: IdKey) -> bool {
        id.spread() >= self.from && self.to.is_none_or(|to| id.spread() < to)
    }

    /// The other half of a call, which then waits no more.
    pub fn other(&mut self, id: IdKey, is_start: bool) -> Option<Part> {
        match self.parts.get(&id) {
            Some(part) if part.is_start != is_start => {
                let part = self.parts.remove(&id)?;
                self.text -= part.line.as_ref().map_or(0, |line| line.len());
                Some(part)
            }
            _ => None,
        }
    }

    /// Keeps a part until its other half comes. Of two of the same kind the first one stays.
    pub fn keep(&mut self, id: IdKey, part: Part) {
        if self.parts.contains_key(&id) {
            return;
        }
        if let Some(line) = &part.line {
            self.text += line.len();
            self.texts.push_back((id, part.place));
        }
        self.parts.insert(id, part);
        while self.text > self.bounds.text {
            let Some((oldest, place)) = self.texts.pop_front() else { break };
            let part = self.parts.get_mut(&oldest).filter(|part| part.place == place);
            if let Some(line) = part.and_then(|part| part.line.take()) {
                self.text -= line.len();
            }
        }
        // Entries of parts that have gone must not gather. Another part of the same call may be there by now; so that
        // what stays is one entry for a part at most, its place must be the same.
        if self.texts.len() > 64 && self.texts.len() > 2 * self.parts.len() {
            let parts = &self.parts;
            self.texts.retain(|(id, place)| parts.get(id).is_some_and(|part| part.place == *place));
        }
        if self.parts.len() > self.bounds.parts {
            self.take_fewer();
        }
    }

    /// The parts that are left, by their place; they wait no more.
    pub fn left(&mut self) -> Vec<(IdKey, Part)> {
        let mut left: Vec<(IdKey, Part)> = self.parts.drain().collect();
        left.sort_by_key(|(_, part)| part.place);
        self.texts.clear();
        self.text = 0;
        left
    }

    /// Goes on to the ids that were not taken in this pass; false if there are none.
    pub fn next_pass(&mut self) -> bool {
        self.parts.clear();
        self.texts.clear();
        self.text = 0;
        match self.to.take() {
            Some(to) => {
                self.from = to;
                true
            }
            None => false,
        }
    }

    fn take_fewer(&mut self) {
        let end = self.to.unwrap_or(u64::MAX);
        let middle = self.from + (end - self.from) / 2;
        self.to = Some(middle);
        let Pairs { parts, text, .. } = self;
        parts.retain(|id, part| {
            let stays = id.spread() < middle;
            if !stays {
                *text -= part.line.as_ref().map_or(0, |line| line.len());
            }
            stays
        });
        parts.shrink_to(self.bounds.parts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(number: u64, is_start: bool) -> Part {
        let line = Some(vec![b'x'; 10].into_boxed_slice());
        Part { place: Place::new(0, number), is_start, own: true, writer: Writer::default(), line }
    }

    #[test]
    fn a_part_meets_its_other_half_once() {
        let mut pairs = Pairs::new(Bounds::USUAL);
        let id = IdKey::of("a");
        assert_eq!(pairs.other(id, true), None);
        pairs.keep(id, part(1, true));
        assert_eq!(pairs.other(id, true), None, "another start is no other half");
        assert_eq!(pairs.other(id, false).unwrap().place, Place::new(0, 1));
        assert_eq!(pairs.other(id, false), None);
    }

    #[test]
    fn of_old_parts_the_place_alone_is_kept() {
        let mut pairs = Pairs::new(Bounds { text: 25, ..Bounds::USUAL });
        for number in 0..4 {
            pairs.keep(IdKey::of(&number.to_string()), part(number, true));
        }
        let kept = pairs.left().into_iter().map(|(_, part)| part.line.is_some()).collect::<Vec<_>>();
        assert_eq!(kept, [false, false, true, true]);
    }

    #[test]
    fn calls_whose_parts_come_several_times_leave_nothing_behind_that_gathers() {
        let mut pairs = Pairs::new(Bounds::USUAL);
        let mut place = 0;
        for round in 0..1000 {
            for id in ["a", "b", "c"].map(IdKey::of) {
                place += 1;
                assert_eq!(pairs.other(id, false).is_some(), round > 0);
                pairs.keep(id, part(place, true));
            }
        }
        assert!(pairs.texts.len() <= 65, "{}", pairs.texts.len());
        assert_eq!(pairs.text, 30);
    }

    #[test]
    fn the_text_of_a_part_is_not_forgotten_for_that_of_an_earlier_one_of_the_same_call() {
        let mut pairs = Pairs::new(Bounds { text: 25, ..Bounds::USUAL });
        pairs.keep(IdKey::of("again"), part(0, true));
        pairs.keep(IdKey::of("other"), part(1, true));
        assert!(pairs.other(IdKey::of("again"), false).is_some());
        pairs.keep(IdKey::of("again"), part(2, true));
        pairs.keep(IdKey::of("last"), part(3, true));
        let kept = pairs.left().into_iter().map(|(_, part)| part.line.is_some()).collect::<Vec<_>>();
        assert_eq!(kept, [false, true, true]);
    }

    proptest! {
        /// Whatever is forgotten in one pass comes in another, and nothing twice.
        #[test]
        fn in_all_passes_together_every_part_comes_once(ids in proptest::collection::hash_set(any::<u64>(), 1..200)) {
            let mut pairs = Pairs::new(Bounds { parts: 16, text: 100 });
            let (mut seen, mut passes) = (Vec::new(), 0);
            loop {
                for (number, id) in ids.iter().enumerate() {
                    let key = IdKey::of(&format!("{id:016x}"));
                    if pairs.takes(key) {
                        pairs.keep(key, part(number as u64, true));
                    }
                }
                prop_assert!(pairs.parts.len() <= 16);
                seen.extend(pairs.left().into_iter().map(|(_, part)| part.place));
                passes += 1;
                if !pairs.next_pass() {
                    break;
                }
            }
            seen.sort();
            let all: Vec<Place> = (0..ids.len() as u64).map(|number| Place::new(0, number)).collect();
            prop_assert_eq!(seen, all);
            prop_assert!(passes >= ids.len() / 16);
        }
    }
}
