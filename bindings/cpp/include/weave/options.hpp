// Options: the settings of a session and of a sync, the callbacks that go with them, and the way to stop a sync.
#ifndef WEAVE_OPTIONS_HPP
#define WEAVE_OPTIONS_HPP

#include <weave/arguments.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace weave {

/// A record that a filter is asked about; it lives as long as the filter runs.
class Record {
public:
    /// What C hands to a filter.
    explicit Record(weave_record *record) noexcept : record_(record) {}

    /// As weave_record_type(): "call_complete", "call_start", …
    std::string_view type() const noexcept { return detail::view(weave_record_type(record_)); }
    /// The data of the record: the JSON of the request that it stands for. It lives until the record is changed.
    std::string_view json() const noexcept {
        std::size_t length = 0;
        const char *json = weave_record_json(record_, &length);
        return {json, json == nullptr ? 0 : length};
    }
    /// As weave_record_set_json().
    Status set_json(const JsonText &json) { return detail::invoke(weave_record_set_json, record_, json); }

private:
    weave_record *record_;
};

/// How far a sync has come; the texts live as long as the callback runs.
struct Progress {
    std::string_view project; ///< "entity/project" as recorded.
    std::string_view kind;    ///< "calls", "ops", "objects", "tables", "feedback", "files", …
    std::uint64_t synced;     ///< Records that the server has taken.
    std::uint64_t errors;     ///< Records that it has refused.
};

/// Stops syncs from another thread. They may outlive it, and cannot be stopped by it any more then.
class Stop {
public:
    /// One that was not asked.
    Stop() : handle_(weave_stop_new()) {}

    /// Ends the syncs that it was given to, and those that begin later, with WEAVE_CANCELLED. Nothing is lost.
    Status ask() const { return detail::invoke(weave_stop_ask, get()); }

    /// The handle of C.
    weave_stop *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<weave_stop, weave_stop_free> handle_;
};

/// WEAVE_KEEP or WEAVE_DROP. It runs on the thread that logs, also on several at once, and may call the whole library.
/// One that throws drops the record.
using Filter = std::function<weave_decision(Record &record)>;
/// Whether to go on. It runs on the thread that syncs, or on the library's that sends for a client; it must not flush,
/// finish or release clients. One that throws stops the sync.
using ProgressFunction = std::function<bool(const Progress &progress)>;

/// Everything is left to the environment and the defaults but what is set. Setters can be chained; the first that fails
/// is told by whatever takes the options.
class Options : public detail::Builder<Options> {
public:
    /// Nothing is set but the source, "libweave-cpp", unless the environment has another.
    Options() : handle_(weave_options_new()) {
        const std::string_view source = detail::view(std::getenv("WEAVE_SOURCE"));
        if (source.empty()) {
            set_source("libweave-cpp");
        }
    }

    /// As weave_options_set_offline(): whether the session never touches the network.
    Options &set_offline(bool offline = true) { return set(weave_options_set_offline, offline); }
    /// As weave_options_set_disabled(): whether the session does nothing at all.
    Options &set_disabled(bool disabled = true) { return set(weave_options_set_disabled, disabled); }
    /// As weave_options_set_offline_dir(): where records are stored.
    Options &set_offline_dir(std::string_view directory) { return set(weave_options_set_offline_dir, directory); }
    /// As weave_options_set_entity(): the entity of a project that is named without one.
    Options &set_entity(std::string_view entity) { return set(weave_options_set_entity, entity); }
    /// As weave_options_set_destination(): where the one project goes that a sync sends.
    Options &set_destination(std::string_view name) { return set(weave_options_set_destination, name); }
    /// As weave_options_add_destination(): where a project goes that was recorded under another name.
    Options &add_destination(std::string_view recorded, std::string_view name) {
        return set(weave_options_add_destination, recorded, name);
    }
    /// As weave_options_set_open_call_age(): the age at which an open call is sent as one that runs.
    Options &set_open_call_age(std::chrono::milliseconds age) {
        return set(weave_options_set_open_call_age, std::int64_t{age.count()});
    }
    /// As weave_options_set_close_interrupted(): whether open calls of programs that are gone are closed as failed.
    Options &set_close_interrupted(bool close = true) { return set(weave_options_set_close_interrupted, close); }
    /// As weave_options_set_max_sync_time(): how long a sync may take.
    Options &set_max_sync_time(std::chrono::milliseconds time) {
        return set(weave_options_set_max_sync_time, std::int64_t{time.count()});
    }
    /// As weave_options_set_max_sync_bytes(): how many bytes a sync may send.
    Options &set_max_sync_bytes(std::uint64_t bytes) { return set(weave_options_set_max_sync_bytes, bytes); }
    /// As weave_options_set_max_sync_rate(): how many bytes a second may be sent.
    Options &set_max_sync_rate(std::uint64_t bytes) { return set(weave_options_set_max_sync_rate, bytes); }
    /// As weave_options_set_sync_connections(): how many requests may be under way at once.
    Options &set_sync_connections(std::int32_t count) { return set(weave_options_set_sync_connections, count); }
    /// As weave_options_set_sync_wait(): how long a sync waits for another one of the directory.
    Options &set_sync_wait(std::chrono::milliseconds wait) {
        return set(weave_options_set_sync_wait, std::int64_t{wait.count()});
    }
    /// As weave_options_set_stop(): the way to stop syncs.
    Options &set_stop(const Stop &stop) { return set(weave_options_set_stop, stop.get()); }
    /// As weave_options_set_max_file_size(): bytes on disk after which another data file is begun.
    Options &set_max_file_size(std::uint64_t bytes) { return set(weave_options_set_max_file_size, bytes); }
    /// As weave_options_set_max_file_age(): the age after which another data file is begun.
    Options &set_max_file_age(std::chrono::seconds age) {
        return set(weave_options_set_max_file_age, std::int64_t{age.count()});
    }
    /// As weave_options_set_compress(): whether data files are compressed.
    Options &set_compress(bool compress) { return set(weave_options_set_compress, compress); }
    /// As weave_options_set_compression_level(): 1 (fast) to 12 (small).
    Options &set_compression_level(std::int32_t level) { return set(weave_options_set_compression_level, level); }
    /// As weave_options_set_durability_interval(): power loss costs at most what was accepted in this time.
    Options &set_durability_interval(std::chrono::milliseconds interval) {
        return set(weave_options_set_durability_interval, std::int64_t{interval.count()});
    }
    /// As weave_options_set_journal(): "auto" or "write".
    Options &set_journal(std::string_view journal) { return set(weave_options_set_journal, journal); }
    /// As weave_options_set_journal_size(): bytes that may wait in the journal.
    Options &set_journal_size(std::uint64_t bytes) { return set(weave_options_set_journal_size, bytes); }
    /// As weave_options_set_when_full(): "block" or "refuse".
    Options &set_when_full(std::string_view what) { return set(weave_options_set_when_full, what); }
    /// As weave_options_set_block_limit(): how long logging waits for room in a full journal.
    Options &set_block_limit(std::chrono::milliseconds limit) {
        return set(weave_options_set_block_limit, std::int64_t{limit.count()});
    }
    /// As weave_options_set_max_directory_size(): bytes that the offline directory may have.
    Options &set_max_directory_size(std::uint64_t bytes) { return set(weave_options_set_max_directory_size, bytes); }
    /// As weave_options_set_quota_policy(): "refuse" or "drop-oldest".
    Options &set_quota_policy(std::string_view policy) { return set(weave_options_set_quota_policy, policy); }
    /// As weave_options_set_group_access(): whether the group may read and write the files.
    Options &set_group_access(bool access = true) { return set(weave_options_set_group_access, access); }
    /// As weave_options_set_source(): what logs, in the attributes of each call.
    Options &set_source(std::string_view source) { return set(weave_options_set_source, source); }
    /// As weave_options_set_attributes(): attributes of every call, a JSON object.
    Options &set_attributes(const JsonText &attributes) { return set(weave_options_set_attributes, attributes); }
    /// As weave_options_set_sample_rate(): the share of traces that is kept, 0 to 1.
    Options &set_sample_rate(double rate) { return set(weave_options_set_sample_rate, rate); }
    /// As weave_options_add_redact_key(): one more key of inputs whose values are hidden.
    Options &add_redact_key(std::string_view key) { return set(weave_options_add_redact_key, key); }
    /// As weave_options_set_api_key(): the key; never written to disk or to a log.
    Options &set_api_key(std::string_view key) { return set(weave_options_set_api_key, key); }
    /// As weave_options_set_base_url(): the address of the W&B server.
    Options &set_base_url(std::string_view url) { return set(weave_options_set_base_url, url); }
    /// As weave_options_set_trace_server_url(): the address of the trace server.
    Options &set_trace_server_url(std::string_view url) { return set(weave_options_set_trace_server_url, url); }
    /// As weave_options_set_ca_file(): a PEM file of the certificate authorities to trust.
    Options &set_ca_file(std::string_view file) { return set(weave_options_set_ca_file, file); }
    /// As weave_options_set_http_timeout(): the limit of each step of a request.
    Options &set_http_timeout(std::chrono::milliseconds timeout) {
        return set(weave_options_set_http_timeout, std::int64_t{timeout.count()});
    }
    /// As weave_options_set_send_interval(): not offline: how long what was logged may wait.
    Options &set_send_interval(std::chrono::milliseconds interval) {
        return set(weave_options_set_send_interval, std::int64_t{interval.count()});
    }
    /// As weave_options_set_insecure(): whether any certificate is trusted.
    Options &set_insecure(bool insecure = true) { return set(weave_options_set_insecure, insecure); }

    /// As weave_options_set_filter(); an empty function is none. What it refers to must live as long as the clients
    /// with these options and their calls.
    Options &set_filter(Filter filter) {
        auto kept = filter ? std::make_shared<Filter>(std::move(filter)) : nullptr;
        set(weave_options_set_filter, kept ? &Options::filter : nullptr, static_cast<void *>(kept.get()));
        filter_ = std::move(kept);
        return *this;
    }
    /// As weave_options_set_progress(); an empty function is none. What it refers to must live likewise.
    Options &set_progress(ProgressFunction progress) {
        auto kept = progress ? std::make_shared<ProgressFunction>(std::move(progress)) : nullptr;
        set(weave_options_set_progress, kept ? &Options::progress : nullptr, static_cast<void *>(kept.get()));
        progress_ = std::move(kept);
        return *this;
    }

    /// The handle of C.
    weave_options *get() const noexcept { return handle_.get(); }
    /// What a client with these options and its calls keep alive.
    std::shared_ptr<const void> callbacks() const {
        if (!filter_ && !progress_) {
            return nullptr;
        }
        return std::make_shared<decltype(std::make_pair(filter_, progress_))>(filter_, progress_);
    }

private:
    template <class Function, class... Arguments>
    Options &set(Function function, const Arguments &...arguments) {
        return keep(detail::invoke(function, get(), arguments...));
    }
    static std::int32_t filter(weave_record *record, void *user_data) noexcept {
        std::int32_t decision = WEAVE_DROP;
        detail::contained([&] {
            Record seen(record);
            decision = (*static_cast<Filter *>(user_data))(seen);
        });
        return decision;
    }
    static std::int32_t progress(const weave_progress *progress, void *user_data) noexcept {
        bool on = false;
        detail::contained([&] {
            on = (*static_cast<ProgressFunction *>(user_data))({detail::view(progress->project),
                                                               detail::view(progress->kind), progress->synced,
                                                               progress->errors});
        });
        return on ? 0 : 1;
    }

    std::shared_ptr<Filter> filter_;
    std::shared_ptr<ProgressFunction> progress_;
    detail::Handle<weave_options, weave_options_free> handle_;
};

} // namespace weave

#endif // WEAVE_OPTIONS_HPP
