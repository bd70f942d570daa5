//! What a call is given beside its op, inputs and output, and what follows from it: ids, trace, thread, turn.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use super::context::Context;
use super::rollup::Totals;
use super::summary::Children;
use super::Client;
use crate::error::{Error, Result, Status};
use crate::record::check_call;
use crate::record::ids::Id;
use crate::record::json::{accept, compact, Object, Rules, Value};
use crate::record::object::object;
use crate::record::time::Timestamp;
use crate::store::process::{self, lock};

/// What a call may be given. Everything is optional.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    /// The call that makes this one.
    pub parent: Option<Parent>,
    /// An id of the caller's.
    pub id: Option<String>,
    /// The trace, when it is not the parent's.
    pub trace_id: Option<String>,
    /// The parent's id, for calls that are imported; it needs `trace_id`. Empty means none.
    pub parent_id: Option<String>,
    /// The name to show.
    pub display_name: Option<String>,
    /// The conversation; empty means none, even when the parent has one.
    pub thread_id: Option<String>,
    /// The turn, when it is not what follows from thread and parent.
    pub turn_id: Option<String>,
    /// JSON object.
    pub attributes: Option<String>,
    /// JSON object.
    pub summary: Option<String>,
    /// Usage of the call itself: model, and JSON object.
    pub usage: Vec<(String, String)>,
    /// What failed ([`exception_text`]); empty means nothing.
    pub exception: Option<String>,
    /// When it began; now if not given.
    pub started_at: Option<Timestamp>,
    /// When it ended; now if not given.
    pub ended_at: Option<Timestamp>,
    /// `llm`, `tool`, `agent`, …: the icon in the user interface.
    pub kind: Option<String>,
    /// `entity/project/run` of a W&B run.
    pub wb_run_id: Option<String>,
    /// The run's step at the start.
    pub wb_run_step: Option<u64>,
    /// The run's step at the end.
    pub wb_run_step_end: Option<u64>,
}

/// The call that makes another.
#[derive(Debug, Clone)]
pub enum Parent {
    /// A live call of this process; the child's usage rolls up to it.
    Live(Arc<Node>),
    /// A call elsewhere.
    Context(Context),
}

/// What a live call's children need of it. It outlives the call's handle.
#[derive(Debug)]
pub struct Node {
    pub(super) context: Context,
    children: Mutex<Children>,
    /// The process that it was made in.
    process: u32,
}

/// Where a call stands: in its trace, below its parent, in its conversation.
pub(super) struct Lineage<'o> {
    pub id: Id,
    pub trace_id: Id,
    pub parent_id: Option<Id>,
    pub thread_id: Option<Cow<'o, str>>,
    turn: Turn<'o>,
    pub sampled: bool,
}

enum Turn<'o> {
    None,
    /// The call begins a turn.
    Own,
    Of(Cow<'o, str>),
}

impl Parent {
    fn context(&self) -> &Context {
        match self {
            Parent::Live(node) => &node.context,
            Parent::Context(context) => context,
        }
    }
}

impl CallOptions {
    /// Options with nothing set.
    pub const NONE: CallOptions = CallOptions {
        parent: None,
        id: None,
        trace_id: None,
        parent_id: None,
        display_name: None,
        thread_id: None,
        turn_id: None,
        attributes: None,
        summary: None,
        usage: Vec::new(),
        exception: None,
        started_at: None,
        ended_at: None,
        kind: None,
        wb_run_id: None,
        wb_run_step: None,
        wb_run_step_end: None,
    };

    /// The parent in this process, if there is one.
    #[inline]
    pub(super) fn live_parent(&self) -> Option<&Arc<Node>> {
        match &self.parent {
            Some(Parent::Live(node)) => Some(node),
            _ => None,
        }
    }

    /// Whether nothing is said of where the call stands, as of most calls without a parent.
    #[inline]
    fn begin_a_trace(&self) -> bool {
        self.parent.is_none()
            && [&self.id, &self.trace_id, &self.parent_id, &self.thread_id, &self.turn_id]
                .into_iter()
                .all(|given| given.is_none())
    }

    /// The usage that the program gave for the call itself.
    #[inline(always)]
    pub(super) fn own_usage(&self) -> Result<Totals> {
        match self.usage.as_slice() {
            [] => Ok(Totals::default()),
            usage => usage_totals(usage),
        }
    }

    /// The summary that the program gave.
    #[inline(always)]
    pub(super) fn own_summary(&self) -> Result<Option<Object>> {
        match &self.summary {
            None => Ok(None),
            Some(summary) => summary_object(summary.as_bytes()).map(Some),
        }
    }
}

impl<'o> Lineage<'o> {
    #[inline(always)]
    pub(super) fn of(options: &'o CallOptions, client: &Client, now: Timestamp) -> Result<Lineage<'o>> {
        if options.begin_a_trace() {
            let (id, trace_id) = Id::pair_at(now);
            let sampled = client.samples(&trace_id);
            return Ok(Lineage { id, trace_id, parent_id: None, thread_id: None, turn: Turn::None, sampled });
        }
        Lineage::given(options, client, now)
    }

    fn given(options: &'o CallOptions, client: &Client, now: Timestamp) -> Result<Lineage<'o>> {
        let parent = options.parent.as_ref().map(Parent::context);
        let given = |id: &'o Option<String>| id.as_deref();
        let id = given(&options.id).map_or_else(|| Ok(Id::at(now)), |id| Id::parse_call(id, "id"))?;
        let parent_id = given(&options.parent_id).filter(|id| !id.is_empty());
        let parent_id = parent_id.map(|id| Id::parse_call(id, "parent_id")).transpose()?;
        let trace_id = given(&options.trace_id).map(|id| Id::parse_trace(id, "trace_id")).transpose()?;
        let (trace_id, parent_id) = match (parent, trace_id, parent_id) {
            (Some(parent), trace, id) => {
                if parent.project != client.project() {
                    return Err(conflict(
                        "parent",
                        "is of another project",
                        "start the child with its parent's client",
                    ));
                }
                if trace.is_some_and(|trace| trace != parent.trace_id) {
                    return Err(conflict("trace_id", "differs from the parent's", "leave it out"));
                }
                if id.is_some_and(|id| id != parent.call_id) {
                    return Err(conflict("parent_id", "differs from the parent", "give only one of the two"));
                }
                (parent.trace_id, Some(parent.call_id))
            }
            (None, None, Some(_)) => {
                return Err(conflict(
                    "trace_id",
                    "is missing beside parent_id",
                    "give the parent's trace id, or the parent itself",
                ));
            }
            (None, trace, id) => (trace.unwrap_or_else(|| Id::at(now)), id),
        };
        let thread_id = match options.thread_id.as_deref() {
            Some(thread) => Some(check_call::text(thread, "thread_id")?).filter(|thread| !thread.is_empty()),
            None => parent.and_then(|parent| parent.thread_id.as_deref()).map(Cow::Borrowed),
        };
        let turn = match options.turn_id.as_deref().filter(|turn| !turn.is_empty()) {
            Some(turn) => Turn::Of(check_call::text(turn, "turn_id")?),
            None if thread_id.is_none() => Turn::None,
            None => match parent.filter(|parent| parent.thread_id.as_deref() == thread_id.as_deref()) {
                Some(parent) => parent.turn_id.as_deref().map_or(Turn::Own, |turn| Turn::Of(Cow::Borrowed(turn))),
                None => Turn::Own,
            },
        };
        let sampled = parent.map_or_else(|| client.samples(&trace_id), |parent| parent.sampled);
        Ok(Lineage { id, trace_id, parent_id, thread_id, turn, sampled })
    }

    #[inline]
    pub(super) fn turn_id(&self) -> Option<&str> {
        match &self.turn {
            Turn::None => None,
            Turn::Own => Some(self.id.as_str()),
            Turn::Of(turn) => Some(turn),
        }
    }
}

impl Node {
    pub(super) fn new(lineage: &Lineage<'_>, project: &str) -> Arc<Node> {
        let context = Context {
            project: project.to_owned(),
            trace_id: lineage.trace_id,
            call_id: lineage.id,
            sampled: lineage.sampled,
            thread_id: lineage.thread_id.as_deref().map(str::to_owned),
            turn_id: lineage.turn_id().map(str::to_owned),
        };
        Arc::new(Node { context, children: Mutex::default(), process: process::generation() })
    }

    /// A child began: from now on the call's own output tells no usage.
    pub(super) fn expect_child(&self) {
        self.with_children(|children| children.any = true);
    }

    /// What its children add up to. The child of a fork adds nothing to calls of its parent, which ends them itself; a
    /// thread that the child does not have may hold the lock.
    pub(super) fn with_children<R>(&self, f: impl FnOnce(&mut Children) -> R) -> Option<R> {
        (self.process == process::generation()).then(|| f(&mut lock(&self.children)))
    }
}

/// The text of an exception: with a type, what the official client writes; without, the message alone. The traceback is
/// a JSON array of its entries, or any text.
pub fn exception_text(type_name: Option<&str>, message: &str, traceback: Option<&str>) -> Result<String> {
    let Some(type_name) = type_name.filter(|name| !name.is_empty()) else {
        return match message.is_empty() && traceback.is_none_or(str::is_empty) {
            true => Err(conflict("message", "is empty and there is no type", "say what failed")),
            false => Ok([message, traceback.unwrap_or_default()].join("\n").trim_end().to_owned()),
        };
    };
    let entries = match traceback.filter(|text| !text.is_empty()) {
        None => Value::Array(Vec::new()),
        Some(text) => match Value::parse(text) {
            Ok(entries @ Value::Array(_)) => entries,
            _ => Value::Array(vec![object([
                ("filename", "".into()),
                ("line_number", 0i64.into()),
                ("function_name", "".into()),
                ("text", text.into()),
            ])]),
        },
    };
    Ok(compact(&object([("type", type_name.into()), ("message", message.into()), ("traceback", entries)])))
}

/// A summary of the program, in the shape that servers take.
pub(super) fn summary_object(text: &[u8]) -> Result<Object> {
    let mut summary = object_of(text, "summary")?;
    if check_call::summary(&mut summary)? {
        crate::log::write(crate::log::Level::Warning, || {
            "summary.weave belongs to the server and was left out".to_owned()
        });
    }
    Ok(summary)
}

#[cold]
fn usage_totals(usage: &[(String, String)]) -> Result<Totals> {
    let mut totals = Totals::default();
    for (model, usage) in usage {
        totals.add_usage(model, &usage_object(model, usage.as_bytes())?);
    }
    Ok(totals)
}

/// The usage of a model, checked; a request is counted when the program counts none.
pub(super) fn usage_object(model: &str, text: &[u8]) -> Result<Object> {
    let field = format!("usage.{model}");
    if model.is_empty() {
        return Err(conflict("model", "is empty", "name the model"));
    }
    let mut usage: Value = object_of(text, &field)?.into();
    check_call::usage(&mut usage, &field)?;
    let mut members = Object::new();
    members.insert("requests", 1i64);
    super::rollup::merge(&mut members, usage.as_object().unwrap_or(&Object::new()));
    Ok(members)
}

fn object_of(text: &[u8], field: &str) -> Result<Object> {
    let text = accept(text, field, &Rules { object: true, ..Rules::default() })?;
    let value = Value::parse(&text).map_err(|fault| fault.in_field(field))?;
    Ok(value.as_object().cloned().unwrap_or_default())
}

fn conflict(field: &str, fault: &str, cure: &str) -> Error {
    Error::new(Status::InvalidArgument, format!("{field}: {fault}; {cure}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_with_a_type_is_json_as_the_official_client_writes_it() {
        assert_eq!(
            exception_text(Some("IOError"), "disk \"full\"", None).unwrap(),
            r#"{"type":"IOError","message":"disk \"full\"","traceback":[]}"#
        );
        assert_eq!(
            exception_text(Some("E"), "m", Some(r#"[{"filename":"a.c","line_number":3}]"#)).unwrap(),
            r#"{"type":"E","message":"m","traceback":[{"filename":"a.c","line_number":3}]}"#
        );
        let text = exception_text(Some("E"), "m", Some("at a.c:3")).unwrap();
        assert!(text.contains(r#""text":"at a.c:3""#), "{text}");
    }

    #[test]
    fn an_exception_without_a_type_is_its_message() {
        assert_eq!(exception_text(None, "it broke", None).unwrap(), "it broke");
        assert_eq!(exception_text(None, "it broke", Some("at a.c:3")).unwrap(), "it broke\nat a.c:3");
        assert!(exception_text(None, "", None).is_err(), "a failure that says nothing would read as a success");
    }

    #[test]
    fn usage_counts_a_request_unless_it_says_how_many() {
        let usage = |text: &str| compact(&usage_object("gpt", text.as_bytes()).unwrap().into());
        assert_eq!(usage(r#"{"prompt_tokens":2}"#), r#"{"requests":1,"prompt_tokens":2}"#);
        assert_eq!(usage(r#"{"requests":3}"#), r#"{"requests":3}"#);
        assert!(usage_object("gpt", br#"{"prompt_tokens":1.5}"#).unwrap_err().text().starts_with("usage.gpt"));
    }
}
