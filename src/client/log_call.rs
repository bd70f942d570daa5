//! Calls: the fields of a start and of an end, from what the program gives, and the finished call in one go.

use std::borrow::Cow;
use std::cell::Cell;

use super::start::{CallOptions, Lineage};
use super::summary::{Output, Summary};
use super::Client;
use crate::error::Result;
use crate::record::call::Call;
use crate::record::check_call;
use crate::record::ids::Id;
use crate::record::json::{accept, accept_bytes, accept_output, Rules};
use crate::record::kind::RecordType;
use crate::record::time::Timestamp;

thread_local! {
    /// The last call's buffer for attributes, so that a busy thread makes none anew.
    static BUFFER: Cell<String> = const { Cell::new(String::new()) };
}

/// The checked texts of a start, except its attributes.
pub(super) struct StartTexts<'t> {
    op_name: &'t str,
    display_name: Option<Cow<'t, str>>,
    inputs: Cow<'t, [u8]>,
    own_attributes: Option<Cow<'t, str>>,
}

impl<'t> StartTexts<'t> {
    #[inline(always)]
    pub(super) fn check(
        client: &Client,
        op_name: &'t str,
        inputs: Option<&'t [u8]>,
        options: &'t CallOptions,
    ) -> Result<Self> {
        check_call::op_name(op_name)?;
        if let Some(run) = &options.wb_run_id {
            check_call::wb_run_id(run)?;
        }
        let object = Rules { object: true, ..Rules::default() };
        let redacted = Rules { redact: Some(&client.redact), ..object };
        let given = |text: &'t Option<String>| text.as_deref().filter(|text| !text.is_empty());
        let (attributes, display_name) = (given(&options.attributes), given(&options.display_name));
        Ok(StartTexts {
            op_name,
            display_name: display_name.map(check_call::display_name).transpose()?,
            inputs: inputs.map_or(Ok(Cow::Borrowed(&b"{}"[..])), |inputs| accept_bytes(inputs, "inputs", &redacted))?,
            own_attributes: attributes.map(|text| accept(text.as_bytes(), "attributes", &object)).transpose()?,
        })
    }

    /// Gives the fields of the start to `f`.
    #[inline(always)]
    pub(super) fn with_call<R>(
        &self,
        client: &Client,
        lineage: &Lineage<'_>,
        options: &CallOptions,
        started_at: Timestamp,
        f: impl FnOnce(Call<'_>) -> Result<R>,
    ) -> Result<R> {
        let (own, kind) = (self.own_attributes.as_deref(), options.kind.as_deref());
        let call = Call {
            id: lineage.id.as_bytes(),
            trace_id: Some(lineage.trace_id.as_bytes()),
            parent_id: lineage.parent_id.as_ref().map(Id::as_bytes),
            op_name: Some(self.op_name.as_bytes()),
            display_name: self.display_name.as_deref().map(str::as_bytes),
            thread_id: lineage.thread_id.as_deref().map(str::as_bytes),
            turn_id: lineage.turn_id().map(str::as_bytes),
            started_at: Some(started_at),
            attributes: Some(client.system.alone().as_bytes()),
            inputs: Some(&self.inputs),
            wb_run_id: options.wb_run_id.as_deref().map(str::as_bytes),
            wb_run_step: options.wb_run_step,
            ..Call::default()
        };
        if own.is_none() && kind.is_none() {
            return f(call);
        }
        let mut attributes = BUFFER.take();
        client.system.write(own, kind, &mut attributes)?;
        let result = f(Call { attributes: Some(attributes.as_bytes()), ..call });
        BUFFER.set(attributes);
        result
    }
}

impl Client {
    /// Logs a finished call. Answers its id.
    pub fn log_call(
        &self,
        op_name: &str,
        inputs: Option<&[u8]>,
        output: Option<&[u8]>,
        options: &CallOptions,
    ) -> Result<Id> {
        self.check_open()?;
        if self.is_disabled() {
            return options.id.as_deref().map_or_else(|| Ok(Id::new()), |id| Id::parse_call(id, "id"));
        }
        // Read once: the ids, the times and the record are of the same moment.
        let now = Timestamp::now();
        let lineage = Lineage::of(options, self, now)?;
        if !lineage.sampled {
            return Ok(lineage.id);
        }
        let texts = StartTexts::check(self, op_name, inputs, options)?;
        let output = output.map(accept_output).transpose()?;
        let output = output.as_ref().map(|(text, usage)| Output { text, usage: *usage });
        let exception = options.exception.as_deref().filter(|text| !text.is_empty());
        let exception = exception.map(|text| check_call::text(text, "exception")).transpose()?;
        let own = options.own_summary()?;
        let usage = options.own_usage()?;
        let summary = Summary::of(output, exception.is_some(), None, &usage, own.as_ref());
        let ended_at = options.ended_at.unwrap_or(now);
        let started_at = options.started_at.unwrap_or(ended_at);
        texts.with_call(self, &lineage, options, started_at, |start| {
            let call = Call {
                ended_at: Some(ended_at),
                output: output.map(|output| output.text),
                exception: exception.as_deref().map(str::as_bytes),
                summary: Some(&summary.text),
                wb_run_step_end: options.wb_run_step_end,
                ..start
            };
            self.keep_call(RecordType::CallComplete, &call, now)
        })?;
        if let Some(parent) = options.live_parent() {
            parent.with_children(|children| children.add(&summary));
        }
        Ok(lineage.id)
    }
}
