// A second source file with the same header: both link into one program, and an empty handle does no harm.
#include "cpp_second.hpp"
#include "check.h"

#include <weave.hpp>

void second_unit(const char *offline_dir) {
    const weave::Client nothing;
    CHECK(nothing.get() == nullptr && nothing.project().empty() && nothing.dropped() == 0);
    CHECK(nothing.log_call("op").code() == WEAVE_INVALID_ARGUMENT);
    CHECK(nothing.finish().status.code() == WEAVE_INVALID_ARGUMENT);
    weave::Scope without = nothing.call_scope("op").value_or({}); // goes on without the trace
    CHECK(without.id().empty() && without.end().code() == WEAVE_INVALID_ARGUMENT);
    weave::Options options;
    options.set_offline().set_offline_dir(offline_dir);
    CHECK(weave::Client::init("team/second", options).value().log_call("from the second file"));
}
