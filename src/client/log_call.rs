//! Calls: the fields of a start and of an end, from what the program gives, and the finished call in one go.

use std::borrow::Cow;
use std::cell::Cell;

use super::rollup::{self, Totals};
use super::start::{CallOptions, Lineage};
use super::Client;
use crate::error::Result;
use crate::record::call::Call;
use crate::record::check_call;
use crate::record::ids::Id;
use crate::record::json::{accept, compact, Object, Rules};
use crate::record::kind::RecordType;
use crate::record::time::Timestamp;

thread_local! {
    /// The last call's buffer for attributes, so that a busy thread makes none anew.
    static BUFFER: Cell<String> = const { Cell::new(String::new()) };
}

const SUCCEEDED: &str = r#"{"status_counts":{"error":0,"success":1}}"#;
const FAILED: &str = r#"{"status_counts":{"error":1,"success":0}}"#;

/// The checked texts of a start, except its attributes.
pub(super) struct StartTexts<'t> {
    op_name: &'t str,
    display_name: Option<Cow<'t, str>>,
    inputs: Cow<'t, str>,
    own_attributes: Option<Cow<'t, str>>,
}

impl<'t> StartTexts<'t> {
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
            inputs: inputs.map_or(Ok(Cow::Borrowed("{}")), |inputs| accept(inputs, "inputs", &redacted))?,
            own_attributes: attributes.map(|text| accept(text.as_bytes(), "attributes", &object)).transpose()?,
        })
    }

    /// Gives the fields of the start to `f`.
    pub(super) fn with_call<R>(
        &self,
        client: &Client,
        lineage: &Lineage<'_>,
        options: &CallOptions,
        started_at: Timestamp,
        f: impl FnOnce(Call<'_>) -> Result<R>,
    ) -> Result<R> {
        let mut attributes = BUFFER.take();
        client.system.write(self.own_attributes.as_deref(), options.kind.as_deref(), &mut attributes)?;
        let result = f(Call {
            id: lineage.id.as_str(),
            trace_id: Some(lineage.trace_id.as_str()),
            parent_id: lineage.parent_id.as_ref().map(Id::as_str),
            op_name: Some(self.op_name),
            display_name: self.display_name.as_deref(),
            thread_id: lineage.thread_id.as_deref(),
            turn_id: lineage.turn_id(),
            started_at: Some(started_at),
            attributes: Some(&attributes),
            inputs: Some(&self.inputs),
            wb_run_id: options.wb_run_id.as_deref(),
            wb_run_step: options.wb_run_step,
            ..Call::default()
        });
        BUFFER.set(attributes);
        result
    }
}

/// The summary of a finished call: its text, and what it adds to its parent's.
pub(super) struct Summary {
    pub text: Cow<'static, str>,
    failed: bool,
    /// `None` for a call that has its status only.
    sums: Option<Totals>,
}

impl Summary {
    /// `children` are the sums of a call that had any, and `usage` what the program added by hand.
    pub(super) fn of(
        output: Option<&str>,
        failed: bool,
        children: Option<&Totals>,
        usage: &Totals,
        own: Option<&Object>,
    ) -> Summary {
        let derived = match children {
            None if usage.is_empty() => output.and_then(rollup::output_usage),
            _ => None,
        };
        if derived.is_none() && children.is_none() && usage.is_empty() && own.is_none() {
            return Summary { text: Cow::Borrowed(if failed { FAILED } else { SUCCEEDED }), failed, sums: None };
        }
        let mut sums = children.cloned().unwrap_or_default();
        sums.add_totals(usage);
        if let Some((model, usage)) = derived {
            sums.add_usage(&model, &usage);
        }
        sums.count(failed);
        let computed = sums.to_object();
        match own {
            None => Summary { text: Cow::Owned(compact(&computed.into())), failed, sums: Some(sums) },
            Some(own) => {
                let mut merged = own.clone();
                rollup::merge(&mut merged, &computed);
                let mut sums = Totals::default();
                sums.add(&merged);
                Summary { text: Cow::Owned(compact(&merged.into())), failed, sums: Some(sums) }
            }
        }
    }

    /// Adds this call to its parent's sums.
    pub(super) fn add_to(&self, totals: &mut Totals) {
        match &self.sums {
            Some(sums) => totals.add_totals(sums),
            None => totals.count(self.failed),
        }
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
        let lineage = Lineage::of(options, self)?;
        if !lineage.sampled {
            return Ok(lineage.id);
        }
        let texts = StartTexts::check(self, op_name, inputs, options)?;
        let output = output.map(|output| accept(output, "output", &Rules::default())).transpose()?;
        let exception = options.exception.as_deref().filter(|text| !text.is_empty());
        let exception = exception.map(|text| check_call::text(text, "exception")).transpose()?;
        let own = options.own_summary()?;
        let usage = options.own_usage()?;
        let summary = Summary::of(output.as_deref(), exception.is_some(), None, &usage, own.as_ref());
        let now = Timestamp::now();
        let ended_at = options.ended_at.unwrap_or(now);
        let started_at = options.started_at.unwrap_or(ended_at);
        texts.with_call(self, &lineage, options, started_at, |start| {
            let call = Call {
                ended_at: Some(ended_at),
                output: output.as_deref(),
                exception: exception.as_deref(),
                summary: Some(&summary.text),
                wb_run_step_end: options.wb_run_step_end,
                ..start
            };
            self.keep_call(RecordType::CallComplete, &call)
        })?;
        if let Some(parent) = options.live_parent() {
            let mut children = parent.children.lock();
            children.any = true;
            summary.add_to(&mut children.totals);
        }
        Ok(lineage.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::json::Value;

    fn object(json: &str) -> Object {
        Value::parse(json).unwrap().as_object().unwrap().clone()
    }

    fn text(output: &str, children: Option<&Totals>, usage: &Totals, own: Option<&str>) -> String {
        let own = own.map(object);
        Summary::of(Some(output), false, children, usage, own.as_ref()).text.into_owned()
    }

    const ANSWER: &str = r#"{"model":"gpt","usage":{"prompt_tokens":3}}"#;

    #[test]
    fn a_leaf_has_the_usage_of_its_output_and_counts_itself() {
        assert_eq!(
            text(ANSWER, None, &Totals::default(), None),
            r#"{"status_counts":{"error":0,"success":1},"usage":{"gpt":{"prompt_tokens":3,"requests":1}}}"#
        );
    }

    #[test]
    fn a_call_with_children_has_their_sums_and_counts_itself_once() {
        let mut children = Totals::default();
        for failed in [false, true] {
            Summary::of(Some(ANSWER), failed, None, &Totals::default(), None).add_to(&mut children);
        }
        assert_eq!(
            text(ANSWER, Some(&children), &Totals::default(), None),
            r#"{"status_counts":{"error":1,"success":2},"usage":{"gpt":{"prompt_tokens":6,"requests":2}}}"#,
            "its own output's usage is not counted again"
        );
    }

    #[test]
    fn usage_added_by_hand_counts_beside_the_childrens_and_instead_of_the_outputs() {
        let mut usage = Totals::default();
        usage.add_usage("gpt", &object(r#"{"prompt_tokens":10}"#));
        assert!(text(ANSWER, None, &usage, None).contains(r#""gpt":{"prompt_tokens":10}"#));
        let mut children = Totals::default();
        Summary::of(Some(ANSWER), false, None, &Totals::default(), None).add_to(&mut children);
        assert!(text("1", Some(&children), &usage, None).contains(r#""prompt_tokens":13"#));
    }

    #[test]
    fn a_summary_of_the_program_is_merged_in_and_computed_values_win() {
        let own = r#"{"score":0.5,"status_counts":{"success":9,"running":1},"usage":{"gpt":{"requests":7,"x":1}}}"#;
        assert_eq!(
            text(ANSWER, None, &Totals::default(), Some(own)),
            r#"{"score":0.5,"status_counts":{"success":1,"running":1,"error":0},"usage":{"gpt":{"requests":1,"x":1,"prompt_tokens":3}}}"#
        );
    }

    #[test]
    fn numbers_of_a_childs_own_summary_reach_the_parent() {
        let mut children = Totals::default();
        let own = object(r#"{"score":0.5,"note":"text"}"#);
        for _ in 0..2 {
            Summary::of(None, false, None, &Totals::default(), Some(&own)).add_to(&mut children);
        }
        assert_eq!(
            text("1", Some(&children), &Totals::default(), None),
            r#"{"score":1.0,"status_counts":{"error":0,"success":3}}"#
        );
    }
}
