// The text of single values in results.
#pragma once

#include <string>

#include "query/result.h"
#include "query/value.h"

namespace tocsin {

/// A value as JSON: 64-bit integers exact, doubles in the shortest form that reads back the same,
/// times as RFC 3339 with nine digits (or nanoseconds), durations as their text (or nanoseconds),
/// NaN and infinities as null.
std::string json_of(const Value& value, bool times_as_ns = false);
/// The shortest decimal form that reads back the same; empty when it is not finite.
std::string text_of(double value);
/// A value as bare text: what CSV quotes and tables show. Null is empty.
std::string plain_text(const Value& value, bool times_as_ns);

}  // namespace tocsin
