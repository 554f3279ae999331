// Syslog messages of RFC 5424 and RFC 3164, told apart for each message.
//
// The tags of a row are `host`, `service` (APP-NAME or TAG), `facility` and `level`, by their
// names; `pid` (or `procid`, if it is not a number), `msgid`, the structured data as `ID.NAME`, and
// `message` are fields. RFC 3164 describes what was seen, and says that a relay must accept
// everything; so what has no header is all message.
#pragma once

#include <string_view>

#include "db/base/result.h"
#include "net/parse/line_origin.h"
#include "net/parse/records.h"

namespace tocsin {

/// Of syslog messages.
inline constexpr std::string_view kSyslogMeasurement = "syslog";

/// A RecordParser for a body of frames; see syslog_frames.h. The zone of the options is that of
/// times without one; without a year, a time is the latest that is at most a day ahead.
Status parse_syslog(std::string_view body, RecordRows& rows);

/// Parses one message. Requires: `message` lives as long as the batch.
void parse_syslog_message(std::string_view message, RecordRows& rows);

/// How messages are parsed again.
LineOrigin syslog_origin(const ParseOptions& options);
/// The options that syslog_origin() recorded.
SyslogOptions syslog_options_of(const LineOrigin& origin);

}  // namespace tocsin
