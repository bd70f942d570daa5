//! `weave export`: calls for other programs, as lines of JSON, CSV, Parquet, or spans of OpenTelemetry.

use super::{out, stop_on_signals, Context};
use crate::arguments::Export;
use crate::export::csv::Csv;
use crate::export::jsonl::Jsonl;
use crate::export::otlp::file::Lines;
use crate::export::otlp::post::Post;
use crate::export::output::{self, Output};
use crate::export::parquet::Parquet;
use crate::export::Form;
use crate::outcome::{Ending, Failure, Outcome};
use crate::sizes::{count, counted, show};
use crate::terminal;
use crate::terminal::reading::Reading;
use crate::traces::whole;
use serde_json::json;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use weave::sync::{inventory, Stop};

/// Exports them.
pub fn run(context: &Context, given: &Export) -> Outcome {
    let projects = context.projects(&given.projects)?;
    let filter = given.began.within(given.which.filter());
    let stop = Stop::new();
    stop_on_signals(&stop)?;
    let mut target = Target::open(context, given, &stop)?;
    tell_what_is_missing(context)?;
    let (mut calls, mut running, mut failure) = (0, 0, None);
    // Bars among calls on a terminal would help nobody.
    let mut reading = Reading::new(context.json || target.is_passing());
    whole::each(&projects, &filter, &stop, &mut |told| reading.tell(told), |call| {
        calls += 1;
        running += u64::from(call.ended_at.is_none());
        failure = target.form().add(&call).err();
        match failure {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    })?;
    let ending = reading.end();
    match failure {
        Some(failure) => return Err(failure),
        None if stop.is_asked() => return Err(target.stopped()),
        None => target.form().finish()?,
    }
    Ok(target.tell(context, calls, running)?.max(ending))
}

/// What programs have logged and nobody has packed is in no data file.
fn tell_what_is_missing(context: &Context) -> Result<(), Failure> {
    let abandoned = inventory::take(&context.dir)?.abandoned;
    if abandoned > 0 {
        let what = counted(abandoned as u64, "programs");
        terminal::warn(&format!(
            "{what} ended without a flush; the last calls are missing until the next sync takes them over"
        ));
    }
    Ok(())
}

/// Where calls go.
enum Target {
    /// A file, or what is written to like one.
    File { form: Box<dyn Form>, output: Output, name: String, is_otlp: bool },
    /// A collector.
    Collector(Box<Post>),
}

/// Whether a text is `HOST:PORT`, perhaps with a path: an address of which the scheme was forgotten.
fn is_host_and_port(text: &str) -> bool {
    let (place, _) = text.split_once('/').unwrap_or((text, ""));
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    place.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && is_port(port))
}

impl Target {
    fn open(context: &Context, given: &Export, stop: &Stop) -> Result<Target, Failure> {
        let to = &given.to;
        if let Some(url) = to.otlp.as_deref().filter(|to| to.contains("://")) {
            let post = Post::new(url, &given.header, &context.environment, stop)?;
            return Ok(Target::Collector(Box::new(post)));
        }
        if let Some(address) = to.otlp.as_deref().filter(|to| is_host_and_port(to)) {
            let text = format!("--otlp: {address} is no address; give http://{address}, or ./{address} for a file");
            return Err(Failure::nothing(text));
        }
        if !given.header.is_empty() {
            return Err(Failure::nothing("--header is for --otlp with an address, such as http://localhost:4318"));
        }
        if to.parquet.as_deref() == Some(Path::new("-")) {
            return Err(Failure::nothing("--parquet: standard output is not taken; name a file"));
        }
        let path = to.jsonl.as_deref().or(to.csv.as_deref()).or(to.parquet.as_deref());
        let path = path.or(to.otlp.as_deref().map(Path::new)).unwrap_or(Path::new("-"));
        let (output, out) = Output::open(path, given.force)?;
        let form: Box<dyn Form> = match to {
            _ if to.csv.is_some() => Box::new(Csv::new(out)?),
            _ if to.parquet.is_some() => Box::new(Parquet::new(out)?),
            _ if to.otlp.is_some() => Box::new(Lines::new(out)),
            _ => Box::new(Jsonl::new(out)),
        };
        let name = if path == Path::new("-") { "standard output".to_string() } else { path.display().to_string() };
        Ok(Target::File { form, output, name, is_otlp: to.otlp.is_some() })
    }

    fn form(&mut self) -> &mut dyn Form {
        match self {
            Target::File { form, .. } => form.as_mut(),
            Target::Collector(post) => post.as_mut(),
        }
    }

    /// Whether calls go to a pipe, a device or standard output.
    fn is_passing(&self) -> bool {
        matches!(self, Target::File { output: Output::Passing, .. })
    }

    fn stopped(&self) -> Failure {
        match self {
            Target::File { output: Output::File { .. }, .. } => output::stopped(),
            Target::File { .. } => Failure { ending: Ending::Some, ..Failure::nothing("stopped") },
            Target::Collector(post) => post.stopped(),
        }
    }

    /// Says what was done, where it does not stand in the way of the calls themselves.
    fn tell(self, context: &Context, calls: u64, running: u64) -> Outcome {
        let (of_running, left_out) = match running {
            0 => (String::new(), String::new()),
            1 => (", 1 of them without an end".to_string(), "; 1 call has not ended and is no span yet".to_string()),
            running => {
                let running = count(running);
                (
                    format!(", {running} of them without an end"),
                    format!("; {running} calls have not ended and are no spans yet"),
                )
            }
        };
        let (text, json, ending, is_out) = match self {
            Target::Collector(post) => {
                let (sent, rejected) = (post.sent(), post.rejected());
                let not_taken = if rejected > 0 { format!(", {} not taken", count(rejected)) } else { String::new() };
                let text = format!("{} sent to {}{not_taken}{left_out}", counted(sent, "spans"), post.url());
                let json = json!({"to": post.url(), "sent": sent, "rejected": rejected, "running": running});
                (text, json, if rejected > 0 { Ending::Some } else { Ending::All }, true)
            }
            Target::File { output, name, is_otlp, form } => {
                drop(form);
                let size = output.keep()?;
                let bytes = size.map(|size| format!(" ({})", show(size))).unwrap_or_default();
                let text = match is_otlp {
                    true => format!("{} written to {name}{bytes}{left_out}", counted(calls - running, "spans")),
                    false => format!("{} written to {name}{bytes}{of_running}", counted(calls, "calls")),
                };
                let json = json!({"to": name, "calls": calls, "running": running, "bytes": size});
                (text, json, Ending::All, size.is_some())
            }
        };
        let told = if context.json { json.to_string() } else { text };
        match is_out {
            true => writeln!(out(), "{told}")?,
            false => writeln!(anstream::stderr(), "{told}")?,
        }
        Ok(ending)
    }
}
