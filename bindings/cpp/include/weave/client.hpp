// Client: a session for one project, and everything that is logged in it.
#ifndef WEAVE_CLIENT_HPP
#define WEAVE_CLIENT_HPP

#include <weave/options.hpp>
#include <weave/scope.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace weave {

/// What a flush came to.
struct [[nodiscard]] Flushed {
    Status status;      ///< How it went.
    std::uint64_t left; ///< Records that are not in data files yet, also on `WEAVE_TIMEOUT`.
    /// What is left; throws Error unless all went well. Without exceptions it aborts.
    std::uint64_t value() const { return status.or_throw(), left; }
};

/// What logging of several calls came to.
struct [[nodiscard]] LoggedCalls {
    Status status;          ///< How it went.
    std::uint64_t accepted; ///< Calls that are kept, also on an error.
    /// How many are kept; throws Error unless all went well. Without exceptions it aborts.
    std::uint64_t value() const { return status.or_throw(), accepted; }
};

/// A session. Any thread, any number at a time: const says so. An empty Client (default-made or moved from) answers
/// `WEAVE_INVALID_ARGUMENT`. Destruction flushes as far as that takes no time; nothing accepted is lost.
///
/// What starts a call without saying where it stands makes it a child of the call that the thread is in (Scope, Within,
/// op()), if that is of the same Client.
class Client {
public:
    /// An empty one.
    Client() noexcept = default;
    /// The other one is empty then.
    Client(Client &&) noexcept = default;
    /// The other one is empty then. The session that was held ends as by destruction.
    Client &operator=(Client &&) noexcept = default;
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;
    ~Client() = default;

    /// As weave_init(): "project" or "entity/project".
    static Result<Client> init(std::string_view project_name, const Options &options = {}) {
        weave_client *client = nullptr;
        Status status = detail::invoke(weave_init, project_name, options, &client);
        if (!status.ok()) {
            return status;
        }
        return Client(std::make_shared<detail::Session>(options.callbacks(), client));
    }

    /// As weave_flush().
    Flushed flush(std::chrono::milliseconds timeout = no_limit) const { return flush_with(weave_flush, timeout); }
    /// As weave_finish(): closes the session.
    Flushed finish(std::chrono::milliseconds timeout = no_limit) const { return flush_with(weave_finish, timeout); }
    /// "entity/project"; it lives as long as the client.
    std::string_view project() const noexcept { return detail::view(weave_client_project(get())); }
    /// The directory that is logged to; it lives as long as the client.
    std::string_view offline_dir() const noexcept { return detail::view(weave_client_offline_dir(get())); }
    /// Records that the filter has dropped.
    std::uint64_t dropped() const noexcept {
        std::uint64_t dropped = 0;
        weave_client_dropped(get(), &dropped);
        return dropped;
    }
    /// As weave_stats(): what became of the records that this process logged into the directory, as a JSON object.
    Result<std::string> stats() const { return detail::invoke_for_text(weave_stats, get()); }
    /// As weave_query(): data of the server; not offline.
    Result<std::string> query(std::string_view path, const JsonText &request) const {
        return detail::invoke_for_text(weave_query, get(), path, request);
    }

    /// As weave_log_call(): a finished call in one go; its id.
    Result<Id> log_call(std::string_view op_name, const JsonText &inputs = {}, const JsonText &output = {},
                        const CallOptions &options = {}) const {
        return detail::invoke_for_id(weave_log_call, get(), op_name, inputs, output,
                                     detail::GivenOptions(options, session_));
    }
    /// As weave_log_calls(): many finished calls in one go.
    LoggedCalls log_calls(const JsonText &calls) const {
        std::uint64_t accepted = 0;
        Status status = detail::invoke(weave_log_calls, get(), calls, &accepted);
        return {std::move(status), accepted};
    }
    /// As weave_call_start(): a call that ends when it is told to.
    Result<Call> call_start(std::string_view op_name, const JsonText &inputs = {},
                            const CallOptions &options = {}) const {
        weave_call *call = nullptr;
        Status status = detail::invoke(weave_call_start, get(), op_name, inputs,
                                       detail::GivenOptions(options, session_), &call);
        if (!status.ok()) {
            return status;
        }
        return Call({call, detail::Release<weave_call, weave_call_free>{session_->keeps}}, session_);
    }
    /// The same for a block of code. `value_or({})` goes on without the trace when it cannot be kept.
    Result<Scope> call_scope(std::string_view op_name, const JsonText &inputs = {},
                             const CallOptions &options = {}) const {
        Result<Call> call = call_start(op_name, inputs, options);
        return call.ok() ? Result<Scope>(Scope(*std::move(call))) : Result<Scope>(call.status());
    }
    /// As weave_call_update(): another name to show, by the call's id.
    Status call_update(std::string_view call_id, std::string_view display_name) const {
        return detail::invoke(weave_call_update, get(), call_id, display_name);
    }

    /// As weave_op_create(); the reference, to be used as name of calls.
    Result<std::string> op_create(std::string_view name, std::string_view source) const {
        return detail::invoke_for_text(weave_op_create, get(), name, JsonText(source));
    }
    /// As weave_object_create(); the reference, to be used in later records.
    Result<std::string> object_create(std::string_view name, const JsonText &value) const {
        return detail::invoke_for_text(weave_object_create, get(), name, value);
    }
    /// As weave_table_create(); the reference.
    Result<std::string> table_create(const JsonText &rows) const {
        return detail::invoke_for_text(weave_table_create, get(), rows);
    }
    /// As weave_dataset_create(); the reference. An empty description is none.
    Result<std::string> dataset_create(std::string_view name, const JsonText &rows,
                                       std::string_view description = {}) const {
        return detail::invoke_for_text(weave_dataset_create, get(), name, detail::unless_empty(description), rows);
    }
    /// As weave_dataset_row_ref(): the reference of a row.
    Result<std::string> dataset_row_ref(std::string_view dataset_ref, const JsonText &row) const {
        return detail::invoke_for_text(weave_dataset_row_ref, get(), dataset_ref, row);
    }

    /// As weave_file_create(): the digest by which values name the file.
    Result<std::string> file_create(std::string_view name, const Bytes &bytes) const {
        return detail::invoke_for_text(weave_file_create, get(), name, bytes);
    }
    /// As weave_image_create(): the JSON that stands for the image in inputs, outputs, objects and rows.
    Result<std::string> image_create(std::string_view format, const Bytes &bytes) const {
        return detail::invoke_for_text(weave_image_create, get(), format, bytes);
    }
    /// As weave_audio_create(): the JSON that stands for the sound.
    Result<std::string> audio_create(std::string_view format, const Bytes &bytes) const {
        return detail::invoke_for_text(weave_audio_create, get(), format, bytes);
    }
    /// As weave_content_create(): the JSON that stands for the content.
    Result<std::string> content_create(std::string_view filename, std::string_view mimetype, const Bytes &bytes) const {
        return detail::invoke_for_text(weave_content_create, get(), filename, mimetype, bytes);
    }

    /// As weave_feedback_create(), on a call (its id) or an object (its reference). An empty creator is none.
    Result<Id> feedback_create(std::string_view target, std::string_view type, const JsonText &payload,
                               const JsonText &refs = {}, std::string_view creator = {}) const {
        return detail::invoke_for_id(weave_feedback_create, get(), target, type, payload, refs,
                                     detail::unless_empty(creator));
    }
    /// As weave_feedback_add_reaction().
    Result<Id> feedback_add_reaction(std::string_view target, std::string_view emoji) const {
        return detail::invoke_for_id(weave_feedback_add_reaction, get(), target, emoji);
    }
    /// As weave_feedback_add_note().
    Result<Id> feedback_add_note(std::string_view target, std::string_view note) const {
        return detail::invoke_for_id(weave_feedback_add_note, get(), target, note);
    }
    /// As weave_cost_create(): the prices of one token.
    Status cost_create(std::string_view model, double prompt_token_cost, double completion_token_cost,
                       const JsonText &options = {}) const {
        return detail::invoke(weave_cost_create, get(), model, prompt_token_cost, completion_token_cost, options);
    }

    /// The handle of C; NULL when empty.
    weave_client *get() const noexcept { return session_ ? session_->client.get() : nullptr; }

private:
    friend struct detail::Sessions;
    explicit Client(std::shared_ptr<detail::Session> session) noexcept : session_(std::move(session)) {}

    template <class Function>
    Flushed flush_with(Function function, std::chrono::milliseconds timeout) const {
        std::uint64_t left = 0;
        Status status = detail::invoke(function, get(), std::int64_t{timeout.count()}, &left);
        return {std::move(status), left};
    }

    std::shared_ptr<detail::Session> session_;
};

} // namespace weave

#endif // WEAVE_CLIENT_HPP
