// The rules of a running server, from its /api/v1/rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "db/base/result.h"
#include "query/format/result.h"
#include "tools/client/http_client.h"

namespace tocsin {

/// As tables for people: a row per rule, and a row per instance that was forgotten.
struct RemoteRules {
  ResultTable rules;
  ResultTable forgotten;
};

/// kIo: the server does not respond as expected.
Result<RemoteRules> rules_of_server(const std::string& url, const ServerAccess& access);
/// Parses a response of /api/v1/rules. kInvalid: it is not one.
Result<RemoteRules> parse_rules(std::string_view json);

}  // namespace tocsin
