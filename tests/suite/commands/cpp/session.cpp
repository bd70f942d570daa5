// The session: init with its settings and filter, flush, finish, stats.
#include "verbs.hpp"

#include <cstdint>

Answer version(Opened &, const Fields &) { return {weave::Status(), {std::string(weave::version())}}; }

// Drops records of the op. It is the first "op_name" of their JSON, since texts before it have their quotes escaped.
static weave::Filter dropping(const std::string &op_name) {
    return [wanted = '"' + op_name + '"'](weave::Record &record) {
        constexpr std::string_view key = "\"op_name\":";
        const std::string_view json = record.json();
        const std::size_t at = json.find(key);
        const bool found = at != std::string_view::npos && json.compare(at + key.size(), wanted.size(), wanted) == 0;
        return found ? WEAVE_DROP : WEAVE_KEEP;
    };
}

// NAME=VALUE
static void set(weave::Options &options, const std::string &setting) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) {
        refuse_line("a setting without a value", setting);
    }
    const std::string name = setting.substr(0, equals), value = setting.substr(equals + 1);
    if (name == "offline_dir") {
        options.set_offline_dir(value);
    } else if (name == "compress") {
        options.set_compress(value == "true");
    } else if (name == "max_file_size") {
        options.set_max_file_size(static_cast<std::uint64_t>(whole(value)));
    } else if (name == "disabled") {
        options.set_disabled(value == "true");
    } else if (name == "source") {
        options.set_source(value);
    } else if (name == "attributes") {
        options.set_attributes(value);
    } else if (name == "redact") {
        options.add_redact_key(value);
    } else if (name == "filter") {
        options.set_filter(dropping(value));
    } else {
        refuse_line("an unknown setting", name);
    }
}

Answer init(Opened &opened, const Fields &fields) {
    opened = Opened();
    weave::Options options;
    options.set_offline();
    for (std::size_t at = 1; at < fields.size(); ++at) {
        set(options, fields[at]);
    }
    weave::Result<weave::Client> client = weave::Client::init(fields[0], options);
    if (!client) {
        return client.status();
    }
    opened.client = *std::move(client);
    return {weave::Status(), {std::string(opened.client.project())}};
}

Answer flush(Opened &opened, const Fields &) { return opened.client.flush(); }
Answer finish(Opened &opened, const Fields &) { return opened.client.finish(); }
Answer stats(Opened &opened, const Fields &) { return opened.client.stats(); }
