// The C++17 interface of libweave: owning handles, results as values, views of text. One header over weave.h.
//
// A member function has the name of the C function without `weave_` and the type, and does the same: weave.h says what.
//   weave_call_start(client, …)  is  client.call_start(…)          weave_call_end(call, …)  is  call.end(…)
// Nothing here throws but value() and or_throw(), what the program itself runs (wrapped functions, conversions), and
// what the standard library throws when memory runs out.
#ifndef WEAVE_HPP
#define WEAVE_HPP

#include <weave/call.hpp>
#include <weave/client.hpp>
#include <weave/json.hpp>
#include <weave/log.hpp>
#include <weave/op.hpp>
#include <weave/options.hpp>
#include <weave/scope.hpp>
#include <weave/status.hpp>
#include <weave/sync.hpp>
#include <weave/values.hpp>

#endif // WEAVE_HPP
