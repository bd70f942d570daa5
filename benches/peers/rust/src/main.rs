//! `tracing` as JSON lines through the non-blocking writer of `tracing-appender`, which waits when its queue is full:
//! by default it would drop what it cannot take.

#[allow(dead_code)] // of all its schedules and functions, those for the library's own programs
#[path = "../../../suite/plan.rs"]
mod plan;

use plan::{Call, Plan};
use tracing_appender::non_blocking::NonBlockingBuilder;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let plan = Plan::from_arguments(&arguments);
    let file = tracing_appender::rolling::daily(&plan.dir, "calls.log");
    let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(file);
    let subscriber = tracing_subscriber::fmt().json().with_writer(writer).finish();
    tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
    let times = plan.run(|| {
        |call: &Call| tracing::info!(op_name = call.op_name, inputs = call.inputs, output = call.output, "call")
    });
    times.print(&plan, || drop(guard));
}
