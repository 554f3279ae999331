// Parses the access logs of web servers in the common and the combined format; no I/O.
// Source: Apache HTTP Server, mod_log_config ("Common Log Format", "Combined Log Format"); nginx,
// ngx_http_log_module.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/schema/batch.h"
#include "net/parse/json_event.h"

namespace tocsin {

/// Whether a line has a time in square brackets after at least three words, as all lines of these
/// formats do.
bool begins_as_access_log(std::string_view line);

/// Appends the values of one line: `remote`, `ident`, `user`, `time`, `method`, `path`, `protocol`,
/// `status`, `bytes`, `referer`, `user_agent`. `-` means that there is none. A request that is not
/// `METHOD PATH PROTOCOL` is the value `request`. After the combined format, a number is
/// `request_time`, a text in quotes `forwarded_for`, and anything else `rest`. Returns an empty
/// text, or why the line is not of the format: `values` may then have some of its values. The batch
/// keeps values with escapes. Requires: `line` lives as long as the batch.
std::string read_access_log(std::string_view line, Batch& batch, std::vector<JsonValue>& values);

}  // namespace tocsin
