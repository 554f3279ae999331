// Parses the bodies of Loki's push API into rows; no I/O.
// Source: grafana/loki, pkg/push/push.proto and docs/sources/reference/loki-http-api.md.
//
// The line of an entry is `message`, labels are tags, and structured metadata are fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "net/parse/records.h"

namespace tocsin {

/// A RecordParser for a PushRequest in protobuf, already decompressed.
Status parse_loki_protobuf(std::string_view body, RecordRows& rows);

/// A RecordParser for `{"streams": [{"stream": {...}, "values": [["<ns>", "line", {...}]]}]}`. An
/// entry that is not of that form is rejected alone. Times may also be in s, ms or us, recognised
/// by their magnitude, or RFC 3339.
Status parse_loki_json(std::string_view body, RecordRows& rows);

using Labels = std::vector<std::pair<std::string, std::string>>;
/// Parses `{name="value", ...}`; nothing if it is not valid.
std::optional<Labels> parse_labels(std::string_view text);

}  // namespace tocsin
