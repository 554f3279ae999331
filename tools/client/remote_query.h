// Asks a server's /api/query and turns its JSON back into a table.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "query/result.h"

namespace tocsin {

struct RemoteQuery {
  std::string url;  ///< of the server: `http://127.0.0.1:8086`
  std::string text;
  std::string now;  ///< RFC 3339; empty: the server's clock
  std::vector<std::pair<std::string, std::string>>
      parameters;  ///< `$name` and its value as written
};

/// The answer with the exact values and types that the server had. A server's error is passed on in
/// its words.
Result<ResultTable> query_server(const RemoteQuery& query);

/// The table of an answer of /api/query with `time=ns`. kInvalid says where it is not as expected.
Result<ResultTable> parse_answer(std::string_view json);

}  // namespace tocsin
