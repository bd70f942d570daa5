// Calls: finished ones, and live ones, which are kept under their names.
#include "verbs.hpp"

Answer log_call(Opened &opened, const Fields &fields) {
    return opened.client.log_call(fields[0], fields[1], fields[2]);
}

Answer batch(Opened &opened, const Fields &fields) {
    const weave::LoggedCalls logged = opened.client.log_calls(fields[0]);
    return {logged.status, logged.status.ok() ? Fields{std::to_string(logged.accepted)} : Fields()};
}

// Keeps the call that was started, and answers its id.
static Answer keep(Opened &opened, const std::string &name, weave::Result<weave::Call> call) {
    if (!call) {
        return call.status();
    }
    const weave::Call &kept = opened.calls.insert_or_assign(name, *std::move(call)).first->second;
    return {weave::Status(), {std::string(kept.id())}};
}

Answer start(Opened &opened, const Fields &fields) {
    const weave::Parent parent = fields[3].empty() ? weave::Parent() : opened.call(fields[3]);
    return keep(opened, fields[0], opened.client.call_start(fields[1], fields[2], weave::child_of(parent)));
}

Answer adopt(Opened &opened, const Fields &fields) {
    weave::CallOptions options;
    options.set_parent_context(fields[2]);
    return keep(opened, fields[0], opened.client.call_start(fields[1], {}, options));
}

Answer context(Opened &opened, const Fields &fields) {
    return {weave::Status(), {std::string(opened.call(fields[0]).context())}};
}

Answer end(Opened &opened, const Fields &fields) { return opened.call(fields[0]).end(fields[1]); }

Answer fail(Opened &opened, const Fields &fields) {
    return opened.call(fields[0]).set_exception(fields[1], fields[2]);
}

Answer usage(Opened &opened, const Fields &fields) {
    return opened.call(fields[0]).add_usage(fields[1], whole(fields[2]), whole(fields[3]));
}

Answer rename_call(Opened &opened, const Fields &fields) {
    return opened.call(fields[0]).set_display_name(fields[1]);
}
