// Parses the bodies of OTLP's log exporters into rows; no I/O.
// Source: opentelemetry-proto 1.x, collector/logs/v1, logs/v1, common/v1, resource/v1, and
// docs/specification.md for the JSON form.
//
// The body of a record is `message`; the values of a structured body are fields, joined with `.`,
// and `message` is its `message`, `msg` or `body`. `level` is the severity's text, or else follows
// from its number. Resource attributes that are texts are tags, where `service.name` is called
// `service` and `host.name` is called `host`; all other attributes are fields.
#pragma once

#include <string>
#include <string_view>

#include "db/base/result.h"
#include "net/parse/records.h"

namespace tocsin {

/// A RecordParser for an ExportLogsServiceRequest in protobuf. The time is that of the event, or
/// else of its observation.
Status parse_otlp_protobuf(std::string_view body, RecordRows& rows);

/// A RecordParser for the same in JSON.
Status parse_otlp_json(std::string_view body, RecordRows& rows);

/// The message in protobuf. kInvalid names the place of the first value of a wrong type.
Result<std::string> otlp_json_to_protobuf(std::string_view body);

}  // namespace tocsin
