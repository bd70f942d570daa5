// Sending what is stored, cleaning up, and looking at an offline directory.
#ifndef WEAVE_SYNC_HPP
#define WEAVE_SYNC_HPP

#include <weave/options.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weave {

struct [[nodiscard]] Synced {
    Status status;
    std::string results; // JSON: {"entity/project": {"calls": [synced, errors], …}}; empty when sending never began
};

// Sends what is stored to the server. What is left empty is taken from options, environment or default.
inline Synced sync(std::string_view offline_dir = {}, std::string_view project_name = {}, std::string_view api_key = {},
                   const Options &options = {}) {
    char *results = nullptr;
    Status status = detail::invoke(weave_sync, detail::unless_empty(offline_dir), detail::unless_empty(project_name),
                                   detail::unless_empty(api_key), options, &results);
    return {std::move(status), detail::taken(results)};
}

// Deletes data files that were sent to the server long enough ago; how many.
inline Result<std::uint64_t> clean_synced_files(std::string_view offline_dir, Days older_than) {
    std::uint64_t deleted = 0;
    Status status = detail::invoke(weave_clean_synced_files, detail::unless_empty(offline_dir), older_than.count(),
                                   &deleted);
    return status.ok() ? Result<std::uint64_t>(deleted) : Result<std::uint64_t>(std::move(status));
}

// What lies in an offline directory, as a JSON object.
inline Result<std::string> directory_stats(std::string_view offline_dir = {}) {
    return detail::invoke_for_text(weave_directory_stats, detail::unless_empty(offline_dir));
}

} // namespace weave

#endif // WEAVE_SYNC_HPP
