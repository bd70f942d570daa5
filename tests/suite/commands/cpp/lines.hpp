// Lines of the command: reading them into fields, and writing answers, as tests/suite/commands/README.md says.
#ifndef COMMAND_LINES_HPP
#define COMMAND_LINES_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <weave.hpp>

using Fields = std::vector<std::string>;

// Ends the program: the line is none that the command knows.
[[noreturn]] void refuse_line(std::string_view reason, std::string_view what);

// The verb and its fields; nothing at the end of the input.
std::optional<Fields> read_line();

std::int64_t whole(const std::string &field);
double decimal(const std::string &field);

// What a line is answered with: what the library said, and fields.
struct Answer {
    Answer(weave::Status said, Fields more = {}) : status(std::move(said)), fields(std::move(more)) {}
    Answer(const weave::Flushed &flushed) : Answer(flushed.status) {}
    template <class T>
    Answer(weave::Result<T> result) : status(result.status()) {
        if constexpr (std::is_integral_v<T>) {
            if (result.ok()) fields.push_back(std::to_string(*result));
        } else {
            if (result.ok()) fields.emplace_back(*result);
        }
    }

    weave::Status status;
    Fields fields;
};

void write_answer(const Answer &answer);

#endif
