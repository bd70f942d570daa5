//! The summary of a call: what it says, and what it adds to its parent's.

use std::borrow::Cow;

use super::rollup::{self, Totals};
use super::usage;
use crate::record::json::{compact, find_usage, Object, UsageAt, Value};

const SUCCEEDED: &str = r#"{"status_counts":{"error":0,"success":1}}"#;
const FAILED: &str = r#"{"status_counts":{"error":1,"success":0}}"#;

/// A clean output, and where its usage stands.
#[derive(Clone, Copy)]
pub(super) struct Output<'t> {
    pub text: &'t [u8],
    pub usage: Option<UsageAt>,
}

impl<'t> Output<'t> {
    pub(super) fn of(text: &'t str) -> Option<Self> {
        Some(Output { text: text.as_bytes(), usage: find_usage(text.as_bytes()) })
    }
}

/// The summary of a finished call: its text, and what it adds to its parent's.
pub(super) struct Summary {
    pub text: Cow<'static, [u8]>,
    failed: bool,
    sums: Sums,
}

enum Sums {
    /// The call counts with its status only.
    Status,
    /// They are the text: most calls have no parent that wants them.
    Text,
    Totals(Totals),
}

/// What the children of a call have added up to.
#[derive(Debug, Default)]
pub(super) struct Children {
    /// A child began: from then on the call's own output tells no usage.
    pub any: bool,
    totals: Totals,
    /// Children that have nothing but a status: succeeded, failed. Counted apart, as most are such.
    plain: [u64; 2],
}

impl Summary {
    /// `children` are the sums of a call that had any, and `usage` what the program added by hand.
    #[inline]
    pub(super) fn of(
        output: Option<Output<'_>>,
        failed: bool,
        children: Option<&Totals>,
        usage: &Totals,
        own: Option<&Object>,
    ) -> Summary {
        let derives = children.is_none() && usage.is_empty();
        let derived = output.filter(|_| derives).and_then(|output| Some((output.text, output.usage?)));
        if let (Some((text, at)), None) = (derived, own) {
            if let Some(text) = usage::summary(text, at, failed) {
                return Summary { text: Cow::Owned(text), failed, sums: Sums::Text };
            }
        }
        let derived = derived.and_then(|(text, _)| rollup::output_usage(std::str::from_utf8(text).ok()?));
        if derived.is_none() && children.is_none() && usage.is_empty() && own.is_none() {
            let text = if failed { FAILED } else { SUCCEEDED };
            return Summary { text: Cow::Borrowed(text.as_bytes()), failed, sums: Sums::Status };
        }
        let mut sums = children.cloned().unwrap_or_default();
        sums.add_totals(usage);
        if let Some((model, usage)) = derived {
            sums.add_usage(&model, &usage);
        }
        sums.count(u64::from(!failed), u64::from(failed));
        let computed = sums.to_object();
        let Some(own) = own else {
            return Summary { text: written(computed), failed, sums: Sums::Totals(sums) };
        };
        let mut merged = own.clone();
        rollup::merge(&mut merged, &computed);
        let mut sums = Totals::default();
        sums.add(&merged);
        Summary { text: written(merged), failed, sums: Sums::Totals(sums) }
    }
}

fn written(summary: Object) -> Cow<'static, [u8]> {
    Cow::Owned(compact(&summary.into()).into_bytes())
}

impl Children {
    /// Adds a child that has ended.
    pub(super) fn add(&mut self, child: &Summary) {
        self.any = true;
        let [succeeded, failed] = &mut self.plain;
        match &child.sums {
            Sums::Status if child.failed => *failed += 1,
            Sums::Status => *succeeded += 1,
            Sums::Totals(sums) => self.totals.add_totals(sums),
            Sums::Text => {
                let value = std::str::from_utf8(&child.text).ok().and_then(|text| Value::parse(text).ok());
                if let Some(summary) = value.as_ref().and_then(Value::as_object) {
                    self.totals.add(summary);
                }
            }
        }
    }

    /// What the children have added up to; `None` when none began.
    pub(super) fn totals(&self) -> Option<Totals> {
        let [succeeded, failed] = self.plain;
        self.any.then(|| {
            let mut totals = self.totals.clone();
            if succeeded + failed > 0 {
                totals.count(succeeded, failed);
            }
            totals
        })
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
        let summary = Summary::of(Output::of(output), false, children, usage, own.as_ref());
        String::from_utf8(summary.text.into_owned()).unwrap()
    }

    #[test]
    fn calls_without_usage_are_counted_for_their_parent() {
        let mut children = Children::default();
        assert!(children.totals().is_none(), "no child began");
        for failed in [false, true, false] {
            children.add(&Summary::of(Output::of("1"), failed, None, &Totals::default(), None));
        }
        assert_eq!(
            text("1", children.totals().as_ref(), &Totals::default(), None),
            r#"{"status_counts":{"error":1,"success":3}}"#
        );
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
        let mut children = Children::default();
        for failed in [false, true] {
            children.add(&Summary::of(Output::of(ANSWER), failed, None, &Totals::default(), None));
        }
        assert_eq!(
            text(ANSWER, children.totals().as_ref(), &Totals::default(), None),
            r#"{"status_counts":{"error":1,"success":2},"usage":{"gpt":{"prompt_tokens":6,"requests":2}}}"#,
            "its own output's usage is not counted again"
        );
    }

    #[test]
    fn usage_added_by_hand_counts_beside_the_childrens_and_instead_of_the_outputs() {
        let mut usage = Totals::default();
        usage.add_usage("gpt", &object(r#"{"prompt_tokens":10}"#));
        assert!(text(ANSWER, None, &usage, None).contains(r#""gpt":{"prompt_tokens":10}"#));
        let mut children = Children::default();
        children.add(&Summary::of(Output::of(ANSWER), false, None, &Totals::default(), None));
        assert!(text("1", children.totals().as_ref(), &usage, None).contains(r#""prompt_tokens":13"#));
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
        let mut children = Children::default();
        let own = object(r#"{"score":0.5,"note":"text"}"#);
        for _ in 0..2 {
            children.add(&Summary::of(None, false, None, &Totals::default(), Some(&own)));
        }
        assert_eq!(
            text("1", children.totals().as_ref(), &Totals::default(), None),
            r#"{"score":1.0,"status_counts":{"error":0,"success":3}}"#
        );
    }
}
