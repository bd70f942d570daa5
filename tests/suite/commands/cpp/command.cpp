// The command of C++: answers each line of its input with a line, as tests/suite/commands/README.md says. Here is the
// table of verbs; what they do is in the files that verbs.hpp names.
#include "verbs.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

struct Entry {
    std::string_view name;
    std::size_t fewest, most; // fields behind the verb
    Verb *run;
};

constexpr std::size_t any = std::numeric_limits<std::size_t>::max();
constexpr Entry verbs[] = {
    {"version", 0, 0, version},
    {"init", 1, any, init},
    {"flush", 0, 0, flush},
    {"finish", 0, 0, finish},
    {"stats", 0, 0, stats},
    {"log", 3, 3, log_call},
    {"batch", 1, 1, batch},
    {"start", 4, 4, start},
    {"end", 2, 2, end},
    {"fail", 3, 3, fail},
    {"usage", 4, 4, usage},
    {"rename", 2, 2, rename_call},
    {"context", 1, 1, context},
    {"adopt", 3, 3, adopt},
    {"nest", 1, 1, nest},
    {"raise", 1, 1, raise_failure},
    {"values", 0, 0, values},
    {"threads", 2, 2, threads},
    {"fork", 1, 1, fork_child},
    {"op", 2, 2, op},
    {"object", 2, 2, object},
    {"table", 1, 1, table},
    {"dataset", 2, 2, dataset},
    {"row", 2, 2, row},
    {"file", 2, 2, file},
    {"image", 2, 2, image},
    {"audio", 2, 2, audio},
    {"content", 3, 3, content},
    {"note", 2, 2, note},
    {"reaction", 2, 2, reaction},
    {"feedback", 3, 3, feedback},
    {"cost", 3, 3, cost},
    {"sync", 1, 1, sync_directory},
    {"clean", 2, 2, clean},
    {"directory", 1, 1, directory},
    {"rejected", 1, 1, rejected},
    {"verify", 1, 1, verify},
};

static Answer run(Opened &opened, Fields line) {
    const std::string verb = line.front();
    line.erase(line.begin());
    const auto *entry =
        std::find_if(std::begin(verbs), std::end(verbs), [&](const Entry &one) { return one.name == verb; });
    if (entry == std::end(verbs)) {
        refuse_line("an unknown verb", verb);
    }
    if (line.size() < entry->fewest || line.size() > entry->most) {
        refuse_line("a wrong number of fields", verb);
    }
    return entry->run(opened, line);
}

int main() {
    Opened opened;
    while (std::optional<Fields> line = read_line()) {
        write_answer(run(opened, *std::move(line)));
    }
}
