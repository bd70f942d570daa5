// Reads lines into fields and writes answers.
#include "lines.hpp"

#include <charconv>
#include <cstdlib>
#include <iostream>

void refuse_line(std::string_view reason, std::string_view what) {
    std::cerr << reason << ": " << what << '\n';
    std::exit(2);
}

// A field with the bytes that %XX stands for in their place.
static std::string unescaped(std::string_view text) {
    std::string bytes;
    for (std::size_t at = 0; at < text.size(); ++at) {
        unsigned byte = 0;
        if (text[at] != '%') {
            bytes += text[at];
        } else if (at + 2 < text.size() &&
                   std::from_chars(&text[at + 1], &text[at + 1] + 2, byte, 16).ptr == &text[at + 1] + 2) {
            bytes += static_cast<char>(byte);
            at += 2;
        } else {
            refuse_line("% without two digits", text);
        }
    }
    return bytes;
}

std::optional<Fields> read_line() {
    std::string line;
    if (!std::getline(std::cin, line)) {
        return std::nullopt;
    }
    Fields fields;
    for (std::string_view rest = line;;) {
        const std::size_t tab = rest.find('\t');
        fields.push_back(unescaped(rest.substr(0, tab)));
        if (tab == std::string_view::npos) {
            return fields;
        }
        rest.remove_prefix(tab + 1);
    }
}

std::int64_t whole(const std::string &field) {
    std::int64_t number = 0;
    const char *end = field.data() + field.size();
    const auto [read, error] = std::from_chars(field.data(), end, number);
    if (error != std::errc() || read != end) {
        refuse_line("not a whole number", field);
    }
    return number;
}

double decimal(const std::string &field) {
    char *read = nullptr;
    const double number = std::strtod(field.c_str(), &read);
    if (field.empty() || read != field.c_str() + field.size()) {
        refuse_line("not a number", field);
    }
    return number;
}

// Texts of the library are UTF-8, so that no other byte needs an escape.
static void write_field(std::string_view text) {
    constexpr std::string_view escaped("%\t\n\r\0", 5), digits = "0123456789ABCDEF";
    std::cout << '\t';
    for (const char byte : text) {
        if (escaped.find(byte) == std::string_view::npos) {
            std::cout << byte;
        } else {
            const auto number = static_cast<unsigned char>(byte);
            std::cout << '%' << digits[number / 16] << digits[number % 16];
        }
    }
}

void write_answer(const Answer &answer) {
    if (answer.status.ok()) {
        std::cout << "ok";
    } else {
        std::cout << "error\t" << static_cast<int>(answer.status.code());
        write_field(answer.status.message());
    }
    for (const std::string &field : answer.fields) {
        write_field(field);
    }
    std::cout << std::endl;
}
