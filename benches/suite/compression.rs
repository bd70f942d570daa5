//! Which compressor writes members: rate and size for the lines of a batch.

use crate::load::Load;
use crate::report::Report;
use flate2::write::GzEncoder;
use flate2::Compression;
use std::io::Write;
use std::time::{Duration, Instant};
use weave::record::call::Call;
use weave::record::frame::{Body, Frame, Record};
use weave::record::ids::Id;
use weave::record::kind::RecordType;
use weave::record::sink::Sink;
use weave::record::time::Timestamp;
use weave::store::limits::BATCH_BYTES;
use weave::store::member::Writer;

const LONG_ENOUGH: Duration = Duration::from_millis(700);

/// Measures and reports.
pub fn measure(load: &[Load], report: &mut Report) {
    let lines = lines(load);
    for level in [1, 6] {
        let (rate, ratio) = measured(&lines, || {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
            encoder.write_all(&lines).unwrap();
            encoder.finish().unwrap().len()
        });
        let mut writer = Writer::new(level as i32).unwrap();
        let (ours, our_ratio) = measured(&lines, || writer.write(&lines, 1, &[]).unwrap().len());
        report.add(&format!("member, level {level}"), ours, "MB/s", (&format!("flate2 level {level}"), rate));
        report.add(
            &format!("lines to member, level {level}"),
            our_ratio,
            "×",
            (&format!("flate2 level {level}"), ratio),
        );
    }
}

fn measured(lines: &[u8], mut compress: impl FnMut() -> usize) -> (f64, f64) {
    let (began, mut rounds, mut size) = (Instant::now(), 0u32, 0);
    while began.elapsed() < LONG_ENOUGH {
        size = compress();
        rounds += 1;
    }
    let rate = lines.len() as f64 * f64::from(rounds) / began.elapsed().as_secs_f64() / 1e6;
    (rate, lines.len() as f64 / size as f64)
}

/// A batch of lines as the packer renders them.
fn lines(load: &[Load]) -> Vec<u8> {
    let mut lines = Vec::new();
    for call in load.iter().cycle() {
        let (id, trace, now) = (Id::new(), Id::new(), Timestamp::now());
        let fields = Call {
            id: id.as_bytes(),
            trace_id: Some(trace.as_bytes()),
            op_name: Some(call.op_name.as_bytes()),
            started_at: Some(now),
            ended_at: Some(now),
            attributes: Some(
                b"{\"weave\":{\"client_version\":\"0.1.0\",\"source\":\"libweave\",\"os_name\":\"Linux\"}}",
            ),
            inputs: Some(call.inputs.as_bytes()),
            output: Some(call.output.as_bytes()),
            summary: Some(b"{\"status_counts\":{\"success\":1,\"error\":0}}"),
            ..Call::default()
        };
        let record = Record {
            record_type: RecordType::CallComplete,
            timestamp: now,
            project: "team/bench",
            body: Body::Call(&fields),
        };
        let bytes = Sink::collect(record.encoded_length(), |out| record.encode(out));
        Frame::decode(&bytes).unwrap().render_line(&mut lines);
        if lines.len() as u64 >= BATCH_BYTES {
            return lines;
        }
    }
    lines
}
