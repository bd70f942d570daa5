// What is done with an offline directory: sending it, looking after it. Addresses and keys are the environment's.
#include "verbs.hpp"

// Results may be there although the status is an error.
static Answer with_results(const weave::Status &status, const std::string &results) {
    return {status, results.empty() ? Fields() : Fields{results}};
}

Answer sync_directory(Opened &, const Fields &fields) {
    const auto [status, results] = weave::sync(fields[0]);
    return with_results(status, results);
}
Answer verify(Opened &, const Fields &fields) {
    const auto [status, results] = weave::verify(fields[0]);
    return with_results(status, results);
}
Answer clean(Opened &, const Fields &fields) {
    return weave::clean_synced_files(fields[0], weave::Days(decimal(fields[1])));
}
Answer directory(Opened &, const Fields &fields) { return weave::directory_stats(fields[0]); }
Answer rejected(Opened &, const Fields &fields) { return weave::rejected_list({fields[0], {}, {}}); }
