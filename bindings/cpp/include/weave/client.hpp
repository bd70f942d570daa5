// Client: a session for one project, and everything that is logged in it.
#ifndef WEAVE_CLIENT_HPP
#define WEAVE_CLIENT_HPP

#include <weave/call.hpp>
#include <weave/options.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weave {

struct [[nodiscard]] Flushed {
    Status status;
    std::uint64_t left; // records that are not in data files yet, also on WEAVE_TIMEOUT
};

struct [[nodiscard]] LoggedCalls {
    Status status;
    std::uint64_t accepted; // calls that are kept, also on an error
};

// Any thread, any number at a time: const says so. An empty Client (default-made or moved from) answers
// WEAVE_INVALID_ARGUMENT. Destruction flushes as far as that takes no time; nothing accepted is lost.
class Client {
public:
    Client() noexcept = default;

    static Result<Client> init(std::string_view project_name, const Options &options = {}) {
        weave_client *client = nullptr;
        Status status = detail::invoke(weave_init, project_name, options, &client);
        if (!status.ok()) {
            return status;
        }
        return Client(client, options.callbacks());
    }

    Flushed flush(std::chrono::milliseconds timeout = no_limit) const { return flush_with(weave_flush, timeout); }
    Flushed finish(std::chrono::milliseconds timeout = no_limit) const { return flush_with(weave_finish, timeout); }
    std::string_view project() const noexcept { return detail::view(weave_client_project(get())); }
    std::string_view offline_dir() const noexcept { return detail::view(weave_client_offline_dir(get())); }
    // Records that the filter has dropped.
    std::uint64_t dropped() const noexcept {
        std::uint64_t dropped = 0;
        weave_client_dropped(get(), &dropped);
        return dropped;
    }
    // What became of the records that this process logged into the directory, as a JSON object.
    Result<std::string> stats() const { return detail::invoke_for_text(weave_stats, get()); }
    Result<std::string> query(std::string_view path, const JsonText &request) const {
        return detail::invoke_for_text(weave_query, get(), path, request);
    }

    // A finished call in one go; its id.
    Result<Id> log_call(std::string_view op_name, const JsonText &inputs = {}, const JsonText &output = {},
                                 const CallOptions &options = {}) const {
        return detail::invoke_for_id(weave_log_call, get(), op_name, inputs, output, options);
    }
    LoggedCalls log_calls(const JsonText &calls) const {
        std::uint64_t accepted = 0;
        Status status = detail::invoke(weave_log_calls, get(), calls, &accepted);
        return {std::move(status), accepted};
    }
    Result<Call> call_start(std::string_view op_name, const JsonText &inputs = {},
                            const CallOptions &options = {}) const {
        weave_call *call = nullptr;
        Status status = detail::invoke(weave_call_start, get(), op_name, inputs, options, &call);
        if (!status.ok()) {
            return status;
        }
        return Call(call, handle_.get_deleter().keeps);
    }
    // The same, ended when the scope is left. `value_or({})` goes on without the trace when it cannot be kept.
    Result<Scope> call_scope(std::string_view op_name, const JsonText &inputs = {},
                             const CallOptions &options = {}) const {
        Result<Call> call = call_start(op_name, inputs, options);
        return call.ok() ? Result<Scope>(Scope(*std::move(call))) : Result<Scope>(call.status());
    }
    Status call_update(std::string_view call_id, std::string_view display_name) const {
        return detail::invoke(weave_call_update, get(), call_id, display_name);
    }

    // These answer references, to be used in later records.
    Result<std::string> op_create(std::string_view name, std::string_view source) const {
        return detail::invoke_for_text(weave_op_create, get(), name, JsonText(source));
    }
    Result<std::string> object_create(std::string_view name, const JsonText &value) const {
        return detail::invoke_for_text(weave_object_create, get(), name, value);
    }
    Result<std::string> table_create(const JsonText &rows) const {
        return detail::invoke_for_text(weave_table_create, get(), rows);
    }
    Result<std::string> dataset_create(std::string_view name, const JsonText &rows,
                                       std::string_view description = {}) const {
        return detail::invoke_for_text(weave_dataset_create, get(), name, detail::unless_empty(description), rows);
    }
    Result<std::string> dataset_row_ref(std::string_view dataset_ref, const JsonText &row) const {
        return detail::invoke_for_text(weave_dataset_row_ref, get(), dataset_ref, row);
    }

    // The digest by which values name the file.
    Result<std::string> file_create(std::string_view name, const Bytes &bytes) const {
        return detail::invoke_for_text(weave_file_create, get(), name, bytes);
    }
    // These answer the JSON that stands for what is stored in inputs, outputs, objects and rows.
    Result<std::string> image_create(std::string_view format, const Bytes &bytes) const {
        return detail::invoke_for_text(weave_image_create, get(), format, bytes);
    }
    Result<std::string> audio_create(std::string_view format, const Bytes &bytes) const {
        return detail::invoke_for_text(weave_audio_create, get(), format, bytes);
    }
    Result<std::string> content_create(std::string_view filename, std::string_view mimetype, const Bytes &bytes) const {
        return detail::invoke_for_text(weave_content_create, get(), filename, mimetype, bytes);
    }

    // Feedback on a call (its id) or an object (its reference); the feedback's id. An empty creator is none.
    Result<Id> feedback_create(std::string_view target, std::string_view type, const JsonText &payload,
                                        const JsonText &refs = {}, std::string_view creator = {}) const {
        return detail::invoke_for_id(weave_feedback_create, get(), target, type, payload, refs,
                                     detail::unless_empty(creator));
    }
    Result<Id> feedback_add_reaction(std::string_view target, std::string_view emoji) const {
        return detail::invoke_for_id(weave_feedback_add_reaction, get(), target, emoji);
    }
    Result<Id> feedback_add_note(std::string_view target, std::string_view note) const {
        return detail::invoke_for_id(weave_feedback_add_note, get(), target, note);
    }
    Status cost_create(std::string_view model, double prompt_token_cost, double completion_token_cost,
                       const JsonText &options = {}) const {
        return detail::invoke(weave_cost_create, get(), model, prompt_token_cost, completion_token_cost, options);
    }

    weave_client *get() const noexcept { return handle_.get(); }

private:
    Client(weave_client *client, std::shared_ptr<const void> keeps) : handle_(client, {std::move(keeps)}) {}

    template <class Function>
    Flushed flush_with(Function function, std::chrono::milliseconds timeout) const {
        std::uint64_t left = 0;
        Status status = detail::invoke(function, get(), std::int64_t{timeout.count()}, &left);
        return {std::move(status), left};
    }

    detail::Handle<weave_client, weave_client_free> handle_;
};

} // namespace weave

#endif // WEAVE_CLIENT_HPP
