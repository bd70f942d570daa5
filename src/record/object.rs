//! Objects, ops, tables and datasets: the request bodies that create them, and the checks of what they hold
//! (protocol, sections 6.4, 6.5, 14 and 16).

use super::digest::{table_digest, value_digest};
use super::json::{Object, Value};
use crate::error::{Error, Result, Status};

/// The name of an op's file of source text, in whatever language it is written.
pub const OP_FILE: &str = "obj.py";

/// The value of an op whose source text is the file with this digest.
pub fn op_value(file_digest: &str) -> Value {
    object([
        ("_type", "CustomWeaveType".into()),
        ("files", object([(OP_FILE, file_digest.into())])),
        ("weave_type", object([("type", "Op".into())])),
    ])
}

/// The value of a dataset whose rows are the table of this reference.
pub fn dataset_value(name: &str, description: Option<&str>, rows: &str) -> Value {
    object([
        ("_bases", Value::from(vec!["Object".into(), "BaseModel".into()])),
        ("_class_name", "Dataset".into()),
        ("_type", "Dataset".into()),
        ("description", description.map_or(Value::Null, Value::from)),
        ("name", name.into()),
        ("rows", rows.into()),
    ])
}

/// The body of the request that creates an object or an op.
pub fn create_body(project: &str, object_id: &str, val: Value) -> Value {
    object([("obj", object([("project_id", project.into()), ("object_id", object_id.into()), ("val", val)]))])
}

/// The body of the request that creates a table.
pub fn table_body(project: &str, rows: Value) -> Value {
    object([("table", object([("project_id", project.into()), ("rows", rows)]))])
}

/// The body of the record of a file.
pub fn file_body(project: &str, name: &str, digest: &str, size: usize) -> Value {
    object([
        ("project_id", project.into()),
        ("name", name.into()),
        ("digest", digest.into()),
        ("size", Value::from(size as u64)),
    ])
}

/// An object of these members, in this order.
pub fn object<'k>(members: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
    let mut object = Object::new();
    for (key, value) in members {
        object.insert(key, value);
    }
    object.into()
}

/// Refuses the objects on which servers fail: marked as typed, but not so that the type can be told.
pub fn check_value(value: &Value) -> Result<()> {
    let Some(members) = value.as_object() else { return Ok(()) };
    if members.get("_type").is_some() {
        let typed = |weave_type: &Value| weave_type.get("type").is_some_and(|name| name.as_str().is_some());
        if members.get("weave_type").is_some_and(|weave_type| !typed(weave_type)) {
            return Err(Error::new(
                Status::Rejected,
                "value.weave_type: servers fail on it beside _type when it is no object with a text \"type\"; write \
                 {\"type\": \"NAME\"} or use another key",
            ));
        }
    }
    let Some(bases) = members.get("_bases").and_then(Value::as_array) else { return Ok(()) };
    let [.., last_but_one, last] = bases.as_slice() else { return Ok(()) };
    let typed = matches!(last_but_one.as_str(), Some("Object" | "BaseObject")) && last.as_str() == Some("BaseModel");
    if !typed {
        return Ok(());
    }
    if bases.iter().any(|base| base.as_str().is_none()) {
        return Err(Error::new(
            Status::Rejected,
            "value._bases: servers fail on bases that are no texts; name the classes",
        ));
    }
    if members.get("_class_name").and_then(Value::as_str).is_none() {
        return Err(Error::new(
            Status::Rejected,
            "value._class_name: missing or no text, and servers fail on an object with such _bases; add the class name",
        ));
    }
    Ok(())
}

/// The digest of a table of these rows, each of which must be an object.
pub fn rows_digest(rows: &Value) -> Result<String> {
    let rows = rows.as_array().ok_or_else(|| {
        Error::new(Status::InvalidJson, "rows: not a JSON array; pass the rows as [{\"column\": value}, …]")
    })?;
    if let Some(index) = rows.iter().position(|row| row.as_object().is_none()) {
        return Err(Error::new(
            Status::InvalidJson,
            format!("rows[{index}]: not a JSON object; write each row as {{\"column\": value}}"),
        ));
    }
    let digests: Vec<String> = rows.iter().map(value_digest).collect();
    Ok(table_digest(digests.iter().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::json::compact;

    fn check(json: &str) -> Result<()> {
        check_value(&Value::parse(json).unwrap())
    }

    #[test]
    fn the_keys_of_made_values_are_sorted() {
        for value in [op_value("d"), dataset_value("n", None, "r")] {
            let mut sorted = value.clone();
            sorted.sort_keys();
            assert_eq!(compact(&sorted), compact(&value));
        }
    }

    #[test]
    fn objects_on_which_servers_fail_are_refused() {
        for bad in [
            r#"{"_type":"T","weave_type":"Op"}"#,
            r#"{"_type":"T","weave_type":{}}"#,
            r#"{"_bases":["Object","BaseModel"]}"#,
            r#"{"_bases":["Object","BaseModel"],"_class_name":1}"#,
            r#"{"_bases":[1,"Object","BaseModel"],"_class_name":"A"}"#,
        ] {
            assert_eq!(check(bad).unwrap_err().status(), Status::Rejected, "{bad}");
        }
    }

    #[test]
    fn other_objects_are_taken_as_they_are() {
        for good in [
            "1",
            r#"{"_type":"T"}"#,
            r#"{"weave_type":"x"}"#,
            r#"{"_bases":["Object"]}"#,
            r#"{"_bases":["A","Object","BaseModel"],"_class_name":"A"}"#,
            r#"{"_bases":["Thing","BaseModel"]}"#,
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn rows_must_be_objects() {
        let digest = |json: &str| rows_digest(&Value::parse(json).unwrap());
        assert_eq!(digest("[]").unwrap(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert!(digest("[{},1]").unwrap_err().text().starts_with("rows[1]"));
        assert_eq!(digest("{}").unwrap_err().status(), Status::InvalidJson);
    }
}
