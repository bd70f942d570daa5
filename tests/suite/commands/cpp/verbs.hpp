// The verbs of the command, by the files that have them. Each takes the fields behind it.
#ifndef COMMAND_VERBS_HPP
#define COMMAND_VERBS_HPP

#include "lines.hpp"

#include <map>
#include <string>
#include <weave.hpp>

// What lines have opened: the session, and calls by their names. Calls stay after their end, and go before the session.
struct Opened {
    weave::Client client;
    std::map<std::string, weave::Call, std::less<>> calls;

    weave::Call &call(const std::string &name) {
        const auto found = calls.find(name);
        if (found == calls.end()) {
            refuse_line("no call has the name", name);
        }
        return found->second;
    }
};

using Verb = Answer(Opened &opened, const Fields &fields);

// session.cpp
Verb version, init, flush, finish, stats;
// calls.cpp
Verb log_call, batch, start, end, fail, usage, rename_call, context, adopt;
// idioms.cpp
Verb nest, raise_failure, values, threads, fork_child;
// objects.cpp
Verb op, object, table, dataset, row, file, image, audio, content, note, reaction, feedback, cost;
// directory.cpp
Verb sync_directory, clean, directory, rejected, verify;

#endif
