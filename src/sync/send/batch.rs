//! Records on their way into one request.

use super::pending::Place;
use std::time::Instant;

/// A batch is sent when it holds this much; the server takes 31 MiB (protocol, section 8), and a smaller request that is
/// cut off costs less to repeat.
const BYTES: usize = 2 * 1024 * 1024;
/// Under a limit on the rate, a batch holds what goes in so much of a second, and this much at least: a body is sent as
/// fast as the line can.
const SHARE: u64 = 4;
const LEAST: u64 = 16 * 1024;
/// As many as one look-up may ask for (protocol, section 6.3 and 6.9).
const ITEMS: usize = 1000;

const BEGIN: &str = "{\"batch\":[";
const END: &str = "]}";

/// JSON objects that are sent together, and the records that each stands for.
#[derive(Debug)]
pub struct Batch {
    /// `{"batch":[` and the objects, with commas between them.
    text: String,
    items: Vec<Item>,
    places: Vec<Place>,
    /// It is full with so many bytes.
    bytes: usize,
    /// The server may have some of them: it is asked before they are sent.
    pub in_doubt: bool,
    /// How often it was sent, and when first.
    pub attempts: u32,
    /// When it was sent first.
    pub begun: Option<Instant>,
    /// When it was refused first, alone or with those that it was split from.
    pub refused_at: Option<Instant>,
    /// It is not to be sent before this time.
    pub due: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    start: usize,
    end: usize,
    places: usize,
}

impl Default for Batch {
    fn default() -> Self {
        Batch {
            text: BEGIN.to_string(),
            items: Vec::new(),
            places: Vec::new(),
            bytes: BYTES,
            in_doubt: false,
            attempts: 0,
            begun: None,
            refused_at: None,
            due: None,
        }
    }
}

impl Batch {
    /// Adds an object that stands for the records at these places; answers whether the batch is full now.
    pub fn push(&mut self, text: &str, places: &[Place]) -> bool {
        if !self.items.is_empty() {
            self.text.push(',');
        }
        let start = self.text.len();
        self.text.push_str(text);
        self.places.extend_from_slice(places);
        self.items.push(Item { start, end: self.text.len(), places: self.places.len() });
        self.is_full()
    }

    /// An empty one, of a size that suits a limit on bytes a second; whether the server may have its objects.
    pub fn new(in_doubt: bool, max_rate: Option<u64>) -> Batch {
        let suiting = max_rate.map(|rate| usize::try_from((rate / SHARE).max(LEAST)).unwrap_or(BYTES));
        Batch { in_doubt, bytes: suiting.map_or(BYTES, |bytes| bytes.min(BYTES)), ..Batch::default() }
    }

    /// Whether it should be sent.
    pub fn is_full(&self) -> bool {
        self.bytes() >= self.bytes || self.items.len() >= ITEMS
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How much it takes.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The records of all objects.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The objects, each with its records.
    pub fn items(&self) -> impl Iterator<Item = (&str, &[Place])> {
        let mut from = 0;
        self.items.iter().map(move |item| {
            let places = self.places.get(from..item.places).unwrap_or_default();
            from = item.places;
            (self.text.get(item.start..item.end).unwrap_or_default(), places)
        })
    }

    /// The body of the request: `{"batch": [OBJECT, …]}`.
    pub fn body(&mut self) -> &[u8] {
        if self.text.len() == self.items.last().map_or(BEGIN.len(), |item| item.end) {
            self.text.push_str(END);
        }
        self.text.as_bytes()
    }

    /// A batch of those objects whose number is wanted, as much in doubt as this one.
    pub fn select(&self, wanted: impl Fn(usize) -> bool) -> Batch {
        let mut selected =
            Batch { in_doubt: self.in_doubt, attempts: self.attempts, begun: self.begun, ..Batch::default() };
        for (_, (text, places)) in self.items().enumerate().filter(|(number, _)| wanted(*number)) {
            selected.push(text, places);
        }
        selected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(texts: &[&str]) -> Batch {
        let mut batch = Batch::default();
        texts.iter().enumerate().for_each(|(n, text)| {
            batch.push(text, &[Place::new(0, n as u64), Place::new(1, n as u64)]);
        });
        batch
    }

    #[test]
    fn objects_keep_their_records_and_make_one_body() {
        let mut three = batch(&["{\"a\":1}", "[]}", "{}"]);
        assert_eq!(three.body(), br#"{"batch":[{"a":1},[]},{}]}"#);
        assert_eq!(three.body(), br#"{"batch":[{"a":1},[]},{}]}"#, "made once");
        let items: Vec<(String, Vec<Place>)> = three.items().map(|(t, p)| (t.to_string(), p.to_vec())).collect();
        assert_eq!(items[1], ("[]}".to_string(), vec![Place::new(0, 1), Place::new(1, 1)]));
        assert_eq!(Batch::default().body(), br#"{"batch":[]}"#);
    }

    #[test]
    fn a_part_of_a_batch_has_its_own_objects_and_records() {
        let mut part = batch(&["1", "2", "3"]).select(|n| n != 1);
        assert_eq!(part.places().len(), 4);
        assert_eq!(part.items().map(|(text, _)| text).collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(part.body(), br#"{"batch":[1,3]}"#);
    }

    #[test]
    fn a_batch_is_full_by_number_or_by_size() {
        let mut batch = Batch::default();
        let full = (0..1000).map(|n| batch.push("{}", &[Place::new(0, n)])).filter(|full| *full).count();
        assert_eq!(full, 1);
        assert!(Batch::default().push(&" ".repeat(BYTES), &[]));
        assert!(Batch::new(false, Some(100_000)).push(&" ".repeat(25_000), &[]));
    }
}
