// The first trace: one call with a child, logged without network, account or server.
//
// It lies in WEAVE_OFFLINE_DIR, or ~/.weave/offline, until `sync` sends it.
#include <iostream>
#include <weave.hpp>

int main() {
    auto client = weave::Client::init("quickstart", weave::Options().set_offline());
    if (!client) {
        std::cerr << client.message() << '\n';
        return 1;
    }
    {
        auto greet = client->call_scope("greet", R"({"name": "Ada"})").value_or({});
        client->log_call("look_up", {}, R"({"language": "en"})").ignore(); // inside a scope it is its child
        greet.end(R"("Hello, Ada!")").ignore();
    } // a scope that is left without an end, or by an exception, ends its call by itself

    if (auto [status, left] = client->finish(); !status) {
        std::cerr << status.message() << " (" << left << " records left)\n";
        return 1;
    }
    std::cout << "the trace of " << client->project() << " is in " << client->offline_dir() << '\n';
}
