// Sending what is stored, cleaning up, and looking at an offline directory.
#ifndef WEAVE_SYNC_HPP
#define WEAVE_SYNC_HPP

#include <weave/options.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weave {

/// What a sync came to.
struct [[nodiscard]] Synced {
    Status status; ///< How it went.
    /// JSON: `{"entity/project": {"calls": [synced, errors], …}}`; empty when sending never began.
    std::string results;
    /// The results; throws Error unless all went well. Without exceptions it aborts.
    const std::string &value() const { return status.or_throw(), results; }
};

/// Sends what is stored to the server. What is left empty is taken from options, environment or default. Another thread
/// ends it by a Stop that the options were given.
inline Synced sync(std::string_view offline_dir = {}, std::string_view project_name = {}, std::string_view api_key = {},
                   const Options &options = {}) {
    char *results = nullptr;
    Status status = detail::invoke(weave_sync, detail::unless_empty(offline_dir), detail::unless_empty(project_name),
                                   detail::unless_empty(api_key), options, &results);
    return {std::move(status), detail::taken(results)};
}

/// Deletes data files that were sent to the server long enough ago; how many.
inline Result<std::uint64_t> clean_synced_files(std::string_view offline_dir, Days older_than) {
    return detail::invoke_for_count(weave_clean_synced_files, detail::unless_empty(offline_dir), older_than.count());
}

/// What clean_synced_files would delete now, as a JSON object: {"files": [{"path", "bytes"}, …], "bytes"}.
inline Result<std::string> clean_preview(std::string_view offline_dir, Days older_than) {
    return detail::invoke_for_text(weave_clean_preview, detail::unless_empty(offline_dir), older_than.count());
}

/// Records that a server rejected: of one project and one kind, or of all.
struct Rejected {
    std::string_view offline_dir = {};  ///< Empty: the one of environment or default.
    std::string_view project_name = {}; ///< "entity/project" as recorded, or its last part; empty: all.
    std::string_view kind = {};         ///< As in the results of a sync: "calls", "feedback", …; empty: all.
};

/// The rejected records with the server's reasons, as a JSON array.
inline Result<std::string> rejected_list(const Rejected &which = {}) {
    return detail::invoke_for_text(weave_rejected_list, detail::unless_empty(which.offline_dir),
                                   detail::unless_empty(which.project_name), detail::unless_empty(which.kind));
}

/// Puts them back to be sent by the next sync; how many.
inline Result<std::uint64_t> rejected_retry(const Rejected &which = {}) {
    return detail::invoke_for_count(weave_rejected_retry, detail::unless_empty(which.offline_dir),
                                    detail::unless_empty(which.project_name), detail::unless_empty(which.kind));
}

/// Writes them with their lines to a file that must not exist yet; how many.
inline Result<std::uint64_t> rejected_export(std::string_view to_file, const Rejected &which = {}) {
    return detail::invoke_for_count(weave_rejected_export, detail::unless_empty(which.offline_dir),
                                    detail::unless_empty(which.project_name), detail::unless_empty(which.kind),
                                    to_file);
}

/// Gives them up for good; how many.
inline Result<std::uint64_t> rejected_drop(const Rejected &which = {}) {
    return detail::invoke_for_count(weave_rejected_drop, detail::unless_empty(which.offline_dir),
                                    detail::unless_empty(which.project_name), detail::unless_empty(which.kind));
}

/// What a verification came to.
struct [[nodiscard]] Verified {
    Status status; ///< `WEAVE_INCOMPLETE` when something is missing or could not be asked.
    /// JSON: `{"entity/project": {"calls": [found, asked], …}}`; empty when asking never began.
    std::string results;
    /// The results; throws Error unless everything is there. Without exceptions it aborts.
    const std::string &value() const { return status.or_throw(), results; }
};

/// Asks the server for everything that past syncs sent; with `put_back`, what is missing is sent by the next sync.
inline Verified verify(std::string_view offline_dir = {}, std::string_view project_name = {},
                       std::string_view api_key = {}, const Options &options = {}, bool put_back = false) {
    char *results = nullptr;
    Status status = detail::invoke(weave_verify, detail::unless_empty(offline_dir), detail::unless_empty(project_name),
                                   detail::unless_empty(api_key), options, put_back, &results);
    return {std::move(status), detail::taken(results)};
}

/// What lies in an offline directory, as a JSON object.
inline Result<std::string> directory_stats(std::string_view offline_dir = {}) {
    return detail::invoke_for_text(weave_directory_stats, detail::unless_empty(offline_dir));
}

} // namespace weave

#endif // WEAVE_SYNC_HPP
