//! Live calls: begun now, ended later or never. Children may begin on any thread meanwhile, and end in any order.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use super::log_call::StartTexts;
use super::rollup::{self, Totals};
use super::start::{summary_object, usage_object, CallOptions, Lineage, Node, Parent};
use super::summary::{Output, Summary};
use super::{Client, Context};
use crate::error::{Error, Result, Status};
use crate::record::call::{call_ref, Call};
use crate::record::check_call;
use crate::record::ids::Id;
use crate::record::json::{accept_output, Object};
use crate::record::kind::RecordType;
use crate::record::time::Timestamp;
use crate::store::process::lock;

/// A call that has begun. To let go of it without an end leaves it open, as a crashed program would.
pub struct LiveCall {
    client: Arc<Client>,
    node: Arc<Node>,
    parent: Option<Arc<Node>>,
    started_at: Timestamp,
    /// Whether its start was kept: it was sampled, and no filter dropped it.
    kept: bool,
    wb_run_step_end: Option<u64>,
    ending: Mutex<Ending>,
}

/// What is known of the end before it comes.
#[derive(Default)]
struct Ending {
    ended: bool,
    ended_at: Option<Timestamp>,
    exception: Option<String>,
    usage: Totals,
    summary: Option<Object>,
}

impl Client {
    /// Begins a call.
    pub fn start_call(
        self: &Arc<Self>,
        op_name: &str,
        inputs: Option<&[u8]>,
        options: &CallOptions,
    ) -> Result<LiveCall> {
        self.check_open()?;
        let now = Timestamp::now();
        let mut lineage = Lineage::of(options, self, now)?;
        lineage.sampled &= !self.is_disabled();
        let started_at = options.started_at.unwrap_or(now);
        let mut ending = Ending { ended_at: options.ended_at, ..Ending::default() };
        let mut kept = false;
        if lineage.sampled {
            ending.exception = options.exception.clone().filter(|text| !text.is_empty());
            ending.usage = options.own_usage()?;
            ending.summary = options.own_summary()?;
            let texts = StartTexts::check(self, op_name, inputs, options)?;
            kept = texts.with_call(self, &lineage, options, started_at, |start| {
                self.keep_call(RecordType::CallStart, &start, now)
            })?;
        }
        let parent = options.live_parent().cloned();
        if let Some(parent) = &parent {
            parent.expect_child();
        }
        Ok(LiveCall {
            node: Node::new(&lineage, self.project()),
            client: self.clone(),
            parent,
            started_at,
            kept,
            wb_run_step_end: options.wb_run_step_end,
            ending: Mutex::new(ending),
        })
    }
}

impl LiveCall {
    /// Ends the call. It stays open when that fails.
    pub fn end(&self, output: Option<&[u8]>) -> Result<()> {
        self.client.check_open()?;
        // Taken out, so that no lock is held while the program's filter runs.
        let ending = {
            let mut ending = lock(&self.ending);
            if ending.ended {
                return Err(already_ended());
            }
            std::mem::replace(&mut *ending, Ending { ended: true, ..Ending::default() })
        };
        let result = self.keep_end(output, &ending);
        if result.is_err() {
            *lock(&self.ending) = ending;
        }
        result
    }

    fn keep_end(&self, output: Option<&[u8]>, ending: &Ending) -> Result<()> {
        if !self.node.context.sampled {
            return Ok(());
        }
        let now = Timestamp::now();
        let output = output.map(accept_output).transpose()?;
        let output = output.as_ref().map(|(text, usage)| Output { text, usage: *usage });
        let exception = ending.exception.as_deref().map(|text| check_call::text(text, "exception")).transpose()?;
        let children = self.node.with_children(|children| children.totals()).flatten();
        let summary =
            Summary::of(output, exception.is_some(), children.as_ref(), &ending.usage, ending.summary.as_ref());
        if self.kept {
            let call = Call {
                id: self.node.context.call_id.as_bytes(),
                // Newer servers find the start faster by these two (protocol, section 6.2).
                trace_id: Some(self.node.context.trace_id.as_bytes()),
                started_at: Some(self.started_at),
                ended_at: Some(ending.ended_at.unwrap_or(now)),
                output: output.map(|output| output.text),
                exception: exception.as_deref().map(str::as_bytes),
                summary: Some(&summary.text),
                wb_run_step_end: self.wb_run_step_end,
                ..Call::default()
            };
            self.client.keep_call(RecordType::CallEnd, &call, now)?;
        }
        if let Some(parent) = &self.parent {
            parent.with_children(|children| children.add(&summary));
        }
        Ok(())
    }

    /// Says what failed; an empty text takes it back. See [`super::exception_text`].
    pub fn set_exception(&self, exception: Cow<'_, str>) -> Result<()> {
        self.change(|ending| ending.exception = Some(exception.into_owned()).filter(|text| !text.is_empty()))
    }

    /// Merges a JSON object into the summary.
    pub fn set_summary(&self, summary: &[u8]) -> Result<()> {
        let summary = summary_object(summary)?;
        self.change(|ending| rollup::merge(ending.summary.get_or_insert_default(), &summary))
    }

    /// Adds usage of the call itself: a model, and a JSON object such as `{"prompt_tokens": 1}`.
    pub fn add_usage(&self, model: &str, usage: &[u8]) -> Result<()> {
        let usage = usage_object(model, usage)?;
        self.change(|ending| ending.usage.add_usage(model, &usage))
    }

    /// Sets when the call ended, for calls of the past; `None` for the moment of its end.
    pub fn set_ended_at(&self, ended_at: Option<Timestamp>) -> Result<()> {
        self.change(|ending| ending.ended_at = ended_at)
    }

    /// Gives the call another name to show, also after its end.
    pub fn set_display_name(&self, display_name: &str) -> Result<()> {
        match self.kept {
            true => self.client.update_call(self.id().as_str(), display_name),
            false => self.client.check_open(),
        }
    }

    /// The call's id.
    pub fn id(&self) -> &Id {
        &self.node.context.call_id
    }

    /// What a child elsewhere needs to know.
    pub fn context(&self) -> &Context {
        &self.node.context
    }

    /// What a child in this process needs.
    pub fn as_parent(&self) -> Parent {
        Parent::Live(self.node.clone())
    }

    /// The reference of the call.
    pub fn reference(&self) -> String {
        call_ref(self.client.project(), self.id())
    }

    /// The session that it belongs to.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    fn change(&self, change: impl FnOnce(&mut Ending)) -> Result<()> {
        self.client.check_open()?;
        let mut ending = lock(&self.ending);
        if ending.ended {
            return Err(already_ended());
        }
        change(&mut ending);
        Ok(())
    }
}

fn already_ended() -> Error {
    Error::new(Status::Closed, "the call has ended; a call ends once, and is set before that")
}
