//! One record on its way: from the call that logs it, through the journal, to a line of a data file.

use super::call::{write_time, Call, CallFields};
use super::kind::RecordType;
use super::sink::Sink;
use super::time::Timestamp;

/// A record that is to be kept.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// What it is.
    pub record_type: RecordType,
    /// When it was logged.
    pub timestamp: Timestamp,
    /// `entity/project` as recorded.
    pub project: &'a str,
    /// What it says.
    pub body: Body<'a>,
}

/// What a record says.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// A call, field by field.
    Call(&'a Call<'a>),
    /// The `data` of the line, as one line of JSON text.
    Json(&'a str),
}

const HEADER: usize = 12;

impl Record<'_> {
    /// How many bytes [`Record::encode`] writes.
    pub fn encoded_length(&self) -> usize {
        HEADER
            + self.project.len()
            + match self.body {
                Body::Call(call) => call.encoded_length(),
                Body::Json(text) => text.len(),
            }
    }

    /// Writes the record as the journal keeps it: type, a zero byte, length of the project's name, time, project, body;
    /// numbers little-endian.
    pub fn encode(&self, out: &mut Sink<'_>) {
        let [low, high] = (self.project.len() as u16).to_le_bytes();
        let [a, b, c, d, e, f, g, h] = self.timestamp.micros().to_le_bytes();
        out.put(&[self.record_type as u8, 0, low, high, a, b, c, d, e, f, g, h]);
        out.put(self.project.as_bytes());
        match self.body {
            Body::Call(call) => call.encode(out),
            Body::Json(text) => out.put(text.as_bytes()),
        }
    }
}

/// A record as the journal keeps it.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// What it is.
    pub record_type: RecordType,
    /// When it was logged.
    pub timestamp: Timestamp,
    /// `entity/project` as recorded.
    pub project: &'a str,
    body: FrameBody<'a>,
}

// A box for the fields would be an allocation for each record; few frames are alive at a time.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, Copy)]
enum FrameBody<'a> {
    Call(CallFields<'a>),
    Json(&'a [u8]),
}

impl<'a> Frame<'a> {
    /// Reads what [`Record::encode`] wrote; `None` if it was something else.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
        let [number, _, length @ .., _, _, _, _, _, _, _, _] = header;
        let record_type = RecordType::from_number(*number)?;
        let timestamp = header.last_chunk::<8>().map(|t| i64::from_le_bytes(*t)).and_then(Timestamp::from_micros)?;
        let (project, body) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let project = std::str::from_utf8(project).ok()?;
        let body = match record_type {
            RecordType::CallStart | RecordType::CallEnd | RecordType::CallComplete => {
                FrameBody::Call(CallFields::decode(body)?)
            }
            _ => FrameBody::Json(body),
        };
        Some(Frame { record_type, timestamp, project, body })
    }

    /// The id of the call, if this is a part of one.
    pub fn call_id(&self) -> Option<&'a [u8]> {
        match &self.body {
            FrameBody::Call(fields) => Some(fields.id()),
            FrameBody::Json(_) => None,
        }
    }

    /// The complete call that this start and this end make, logged when it began; `None` if they do not belong together.
    pub fn join(start: &Frame<'a>, end: &Frame<'a>) -> Option<Frame<'a>> {
        match (&start.body, &end.body) {
            (FrameBody::Call(first), FrameBody::Call(last))
                if start.record_type == RecordType::CallStart
                    && end.record_type == RecordType::CallEnd
                    && start.project == end.project
                    && first.id() == last.id() =>
            {
                let body = FrameBody::Call(CallFields::join(first, last));
                Some(Frame { record_type: RecordType::CallComplete, body, ..*start })
            }
            _ => None,
        }
    }

    /// Appends the line of a data file: `{"type": …, "timestamp": …, "data": …}` and a newline.
    pub fn render_line(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(self.record_type.name().as_bytes());
        out.extend_from_slice(b"\",\"timestamp\":");
        write_time(self.timestamp, out);
        out.extend_from_slice(b",\"data\":");
        match &self.body {
            FrameBody::Call(fields) => fields.render(self.record_type, self.project, out),
            FrameBody::Json(text) => out.extend_from_slice(text),
        }
        out.extend_from_slice(b"}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(record_type: RecordType, body: Body) -> Vec<u8> {
        let timestamp = Timestamp::from_micros(1_700_000_000_000_000).unwrap();
        let record = Record { record_type, timestamp, project: "team/demo", body };
        Sink::collect(record.encoded_length(), |out| record.encode(out))
    }

    #[test]
    fn a_record_becomes_a_line_with_type_time_and_data() {
        let kept = bytes(RecordType::CostCreate, Body::Json(r#"{"project_id":"team/demo"}"#));
        let mut line = Vec::new();
        Frame::decode(&kept).unwrap().render_line(&mut line);
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "{\"type\":\"cost_create\",\"timestamp\":\"2023-11-14T22:13:20.000000Z\",\"data\":{\"project_id\":\"team/demo\"}}\n"
        );
    }

    #[test]
    fn only_a_start_and_the_end_of_the_same_call_join() {
        let (a, b) =
            (Call { id: b"00f067aa0ba902b7", ..Call::default() }, Call { id: b"00f067aa0ba902b8", ..Call::default() });
        let start = bytes(RecordType::CallStart, Body::Call(&a));
        let end = bytes(RecordType::CallEnd, Body::Call(&a));
        let other = bytes(RecordType::CallEnd, Body::Call(&b));
        let [start, end, other] = [&start, &end, &other].map(|b| Frame::decode(b).unwrap());
        assert_eq!(Frame::join(&start, &end).unwrap().record_type, RecordType::CallComplete);
        assert!(Frame::join(&start, &other).is_none());
        assert!(Frame::join(&end, &start).is_none());
    }

    #[test]
    fn every_cut_of_a_frame_is_recognised() {
        let kept = bytes(RecordType::CallStart, Body::Call(&Call { id: b"00f067aa0ba902b7", ..Call::default() }));
        for cut in 0..kept.len() {
            assert!(Frame::decode(&kept[..cut]).is_none(), "cut at {cut}");
        }
    }
}
