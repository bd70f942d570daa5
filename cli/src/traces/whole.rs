//! All calls, whole, in the order in which they end in the files. What has no end comes last.

use super::call::{self, Call, Part};
use super::chunks::{self, Chunk, Source};
use super::filter::Filter;
use super::join::Joiner;
use super::put_back;
use super::renamed;
use super::{scan, size_of, Told};
use std::ops::ControlFlow;
use std::sync::Arc;
use weave::record::kind::Kind;
use weave::store::layout::ProjectDir;
use weave::sync::Stop;
use weave::Error;

/// So many pieces are looked for at once: enough that small files are read together, and no list of all.
const PIECES: usize = 1000;

/// Gives the calls of some projects that are meant to `take`, until that has enough or somebody asks to stop. Memory holds
/// a few pieces of files, and what waits for its other half.
pub fn each(
    projects: &[ProjectDir],
    filter: &Filter,
    stop: &Stop,
    told: &mut dyn FnMut(Told<'_>),
    mut take: impl FnMut(Call) -> ControlFlow<()>,
) -> weave::Result<()> {
    let sources = chunks::sources(projects, Kind::Calls.folder())?;
    // Everything is read twice, since a call may have been renamed long after it.
    let pass = |told: &mut dyn FnMut(Told<'_>), number: u64, of: Told<'_>| match of {
        Told::Read { done, all } => told(Told::Read { done: done + number * all, all: 2 * all }),
        damage => told(damage),
    };
    let renamed = renamed::of(&sources, stop, &mut |of| pass(told, 0, of));
    let mut put_back = put_back::of(&sources, stop);
    let mut give = |mut call: Call| {
        renamed.name(&mut call);
        match filter.takes(&call) {
            true => take(call),
            false => ControlFlow::Continue(()),
        }
    };
    let mut joiner = Joiner::default();
    let ended = each_part(
        &sources,
        stop,
        &mut |of| pass(told, 1, of),
        |_| true,
        parts,
        |(is_put_back, parts)| {
            let parts = parts.into_iter().filter(|(part, call)| put_back.counts(*part, &call.id, is_put_back));
            parts.filter_map(|(part, call)| joiner.add(part, call)).try_for_each(&mut give)
        },
    );
    if ended.is_continue() {
        let mut left: Vec<Call> = joiner.left().collect();
        left.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
        let _ = left.into_iter().try_for_each(give);
    }
    Ok(())
}

/// As [`scan::each`], for the pieces of files that are wanted. What is too large to be in memory at once comes in parts.
pub fn each_part<R: Send>(
    sources: &[Arc<Source>],
    stop: &Stop,
    told: &mut dyn FnMut(Told<'_>),
    wanted: impl Fn(&Chunk) -> bool,
    work: impl Fn(&Chunk, &[u8]) -> R + Sync,
    mut take: impl FnMut(R) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut take = |found| if stop.is_asked() { ControlFlow::Break(()) } else { take(found) };
    let (mut pieces, mut reached) = (Vec::new(), 0);
    let all = sources.iter().map(|source| size_of(source)).sum();
    for source in sources {
        let of = chunks::chunks(source).unwrap_or_else(|error| {
            told(Told::Damage(&error));
            Vec::new()
        });
        pieces.extend(of.into_iter().filter(&wanted));
        reached += size_of(source);
        if pieces.len() >= PIECES {
            each_of(&pieces, &mut |error| told(Told::Damage(error)), &work, &mut take)?;
            pieces.clear();
            told(Told::Read { done: reached, all });
        }
    }
    each_of(&pieces, &mut |error| told(Told::Damage(error)), &work, &mut take)
}

fn each_of<R: Send>(
    pieces: &[Chunk],
    damaged: &mut dyn FnMut(&Error),
    work: &(impl Fn(&Chunk, &[u8]) -> R + Sync),
    take: &mut impl FnMut(R) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for run in pieces.chunk_by(|a, b| a.size().is_some() && b.size().is_some()) {
        match run {
            [stream] if stream.size().is_none() => stream.parts(damaged, |lines| take(work(stream, lines)))?,
            _ => scan::each(run.iter().cloned(), damaged, work, &mut *take)?,
        }
    }
    ControlFlow::Continue(())
}

/// The calls, or halves of them, in some lines, and whether they were put back.
fn parts(piece: &Chunk, lines: &[u8]) -> (bool, Vec<(Part, Call)>) {
    let project = Arc::from(piece.source.project.as_str());
    let lines = lines.split(|byte| *byte == b'\n').filter_map(call::part_of);
    (piece.is_put_back(), lines.filter_map(|(part, text)| Some((part, call::parse(&project, text)?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;
    use weave::store::layout;
    use weave::store::member::{Covered, Writer};

    fn line(kind: &str, data: &str) -> String {
        format!("{{\"type\":\"{kind}\",\"timestamp\":\"t\",\"data\":{data}}}\n")
    }

    fn start(id: &str, at: &str) -> String {
        line(
            "call_start",
            &format!(r#"{{"start":{{"id":"{id}","op_name":"f","started_at":"2026-01-31T00:00:0{at}Z"}}}}"#),
        )
    }

    fn end(id: &str) -> String {
        line("call_end", &format!(r#"{{"end":{{"id":"{id}","ended_at":"2026-01-31T00:00:09Z"}}}}"#))
    }

    fn whole(id: &str) -> String {
        line("call_complete", &format!(r#"{{"id":"{id}","op_name":"g","ended_at":"2026-01-31T00:00:09Z"}}"#))
    }

    fn names(dir: &Path, filter: &Filter, most: usize) -> Vec<String> {
        let mut found = Vec::new();
        each(&layout::projects(dir).unwrap(), filter, &Stop::new(), &mut |_| panic!("nothing is damaged"), |call| {
            found.push(call.name().to_string() + " " + &call.id);
            if found.len() < most {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })
        .unwrap();
        found
    }

    fn directory(files: &[(&str, String)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("team/demo/calls")).unwrap();
        for (name, text) in files {
            fs::write(dir.path().join("team/demo/calls").join(name), text).unwrap();
        }
        dir
    }

    #[test]
    fn calls_come_in_the_order_of_their_ends_and_running_ones_last_by_their_starts() {
        let first = start("late", "2") + &start("early", "1") + &start("long", "3") + &whole("a");
        let second = whole("b") + &end("long") + &whole("c");
        let dir = directory(&[("20260131_0000.jsonl", first), ("20260131_0001.jsonl", second)]);
        let all = names(dir.path(), &Filter::default(), usize::MAX);
        assert_eq!(all, ["g a", "g b", "f long", "g c", "f early", "f late"]);
    }

    #[test]
    fn who_has_enough_is_given_no_more() {
        let dir = directory(&[("20260131_0000.jsonl", whole("a") + &whole("b") + &start("c", "1"))]);
        assert_eq!(names(dir.path(), &Filter::default(), 1), ["g a"]);
    }

    #[test]
    fn a_call_has_the_name_that_it_was_given_last() {
        let update = line("call_update", r#"{"call_id":"a","display_name":"Better"}"#);
        let dir = directory(&[("20260131_0000.jsonl", whole("a")), ("20260201_0000.jsonl", update)]);
        assert_eq!(names(dir.path(), &Filter::default(), usize::MAX), ["Better a"]);
    }

    #[test]
    fn a_call_that_was_put_back_comes_once_as_its_copy() {
        let part = Covered { stream: [1; 16], from: 0, to: 16 };
        let member =
            |lines: &str, parts: &[Covered]| Writer::new(1).unwrap().write(lines.as_bytes(), 1, parts).unwrap();
        let dir = directory(&[]);
        let calls = dir.path().join("team/demo/calls");
        fs::write(calls.join("20260131_0000.synced.jsonl.gz"), member(&(whole("a") + &whole("b")), &[part])).unwrap();
        fs::write(calls.join("20260131_0001.jsonl.gz"), member(&whole("a").replace("\"g\"", "\"copy\""), &[])).unwrap();
        assert_eq!(names(dir.path(), &Filter::default(), usize::MAX), ["g b", "copy a"]);
    }

    #[test]
    fn a_filter_looks_at_whole_calls() {
        let dir = directory(&[("20260131_0000.jsonl", start("a", "1") + &end("a") + &whole("b"))]);
        let filter = Filter { op: Some("f".into()), ..Filter::default() };
        assert_eq!(names(dir.path(), &filter, usize::MAX), ["f a"]);
    }
}
