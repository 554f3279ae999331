// Parses logfmt, such as `ts=2026-11-02T08:15:04Z level=info msg="server started" port=8080`; no
// I/O. Source: Brandur Leach, "logfmt" (2013); the grammar is that of Go's package kr/logfmt.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"
#include "net/parse/json_event.h"

namespace tocsin {

inline constexpr size_t kLogfmtKeysMax = 10'000;  ///< in one line

/// Whether a line begins with `key=`, which all lines of logfmt do in practice. Names of keys begin
/// with a letter, a digit or one of `_@.-`.
bool begins_as_logfmt(std::string_view line);

/// Appends the values of one line in their order; the batch keeps values with escapes. Words
/// without quotes have the types of JSON; a key without `=` is true, and the values `null` and
/// `nil` are omitted. A name may occur several times. Returns an empty text, or why the line is not
/// logfmt: `values` may then have some of its values. Requires: `line` lives as long as the batch.
std::string read_logfmt(std::string_view line, Batch& batch, std::vector<JsonValue>& values);

}  // namespace tocsin
