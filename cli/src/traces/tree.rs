//! Calls as a tree: which is a part of which.

use super::call::Call;
use std::collections::{HashMap, HashSet};

/// What is deeper than this many bytes of branches stands beside its parent: nobody reads that far to the right, and the
/// branches of a very deep trace would be larger than the trace.
const WIDEST: usize = 300;

/// A call and its place in the tree.
pub struct Line<'c> {
    /// What stands before it: `│  ├─ `.
    pub branches: String,
    /// The call.
    pub call: &'c Call,
}

/// The lines of the tree below a call, itself first; `None` for all that have no parent among the calls. Children stand
/// in the order of the calls.
pub fn lines<'c>(calls: &'c [Call], root: Option<&str>) -> Vec<Line<'c>> {
    let known: HashMap<&str, &Call> = calls.iter().map(|call| (call.id.as_str(), call)).collect();
    let mut children: HashMap<&str, Vec<&Call>> = HashMap::new();
    let mut roots = Vec::new();
    for call in calls {
        match call.parent_id.as_deref().filter(|parent| known.contains_key(parent)) {
            Some(parent) => children.entry(parent).or_default().push(call),
            None => roots.push(call),
        }
    }
    match root {
        Some(id) => roots = known.get(id).copied().into_iter().collect(),
        // Those that are their own ancestors, whoever wrote that.
        None => roots.extend(calls),
    }
    let (mut found, mut shown) = (Vec::new(), HashSet::new());
    for root in roots {
        // A stack of its own, since a trace may be deeper than that of a thread.
        let mut open = vec![(root, String::new(), String::new())];
        while let Some((call, branches, below)) = open.pop() {
            if !shown.insert(call.id.as_str()) {
                continue;
            }
            let mut of = children.remove(call.id.as_str()).unwrap_or_default();
            of.retain(|child| !shown.contains(child.id.as_str()));
            let last = of.len().saturating_sub(1);
            for (place, child) in of.into_iter().enumerate().rev() {
                let (branch, beside) = if place == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                let beside = if below.len() < WIDEST { beside } else { "" };
                open.push((child, format!("{below}{branch}"), format!("{below}{beside}")));
            }
            found.push(Line { branches, call });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, parent: Option<&str>) -> Call {
        Call { id: id.into(), parent_id: parent.map(str::to_string), ..Call::default() }
    }

    fn drawn(calls: &[Call], root: Option<&str>) -> Vec<String> {
        lines(calls, root).iter().map(|line| format!("{}{}", line.branches, line.call.id)).collect()
    }

    #[test]
    fn children_stand_below_their_parents_in_the_order_of_the_calls() {
        let calls = [
            call("a", None),
            call("b", Some("a")),
            call("c", Some("b")),
            call("d", Some("a")),
            call("e", Some("gone")),
        ];
        assert_eq!(drawn(&calls, None), ["a", "├─ b", "│  └─ c", "└─ d", "e"]);
        assert_eq!(drawn(&calls, Some("b")), ["b", "└─ c"]);
        assert_eq!(drawn(&calls, Some("z")), [""; 0]);
    }

    #[test]
    fn calls_that_are_their_own_ancestors_do_not_go_on_for_ever() {
        assert_eq!(drawn(&[call("a", Some("b")), call("b", Some("a"))], Some("a")), ["a", "└─ b"]);
        assert_eq!(drawn(&[call("a", Some("b")), call("b", Some("a"))], None), ["a", "└─ b"]);
        assert_eq!(drawn(&[call("a", Some("a"))], None), ["a"]);
    }

    #[test]
    fn a_deep_trace_is_drawn() {
        let mut calls = vec![call("0", None)];
        calls.extend((1..5000).map(|n: u32| call(&n.to_string(), Some(&(n - 1).to_string()))));
        assert_eq!(drawn(&calls, None).len(), 5000);
    }
}
