// Asks a server's /api/query and turns its JSON back into a table.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/base/result.h"
#include "query/complete/complete.h"
#include "query/format/result.h"

namespace tocsin {

struct RemoteQuery {
  std::string url;  ///< of the server: `http://127.0.0.1:8086`
  std::string text;
  std::string now;  ///< RFC 3339; empty: the server's clock
  std::vector<std::pair<std::string, std::string>>
      parameters;  ///< `$name` and its value as written
  const std::atomic<bool>* cancelled =
      nullptr;  ///< leaves the server, which then gives up; may be null
};

/// The answer with the exact values and types that the server had. A server's error is passed on in
/// its words.
Result<ResultTable> query_server(const RemoteQuery& query);

/// What may stand at byte `cursor` of `text`, from /api/complete.
Result<Completion> complete_on_server(const std::string& url, std::string_view text, size_t cursor);

/// The completion of an answer of /api/complete. kInvalid when it is none.
Result<Completion> parse_completion(std::string_view json);

/// The table of an answer of /api/query with `time=ns`. kInvalid says where it is not as expected.
Result<ResultTable> parse_answer(std::string_view json);

}  // namespace tocsin
