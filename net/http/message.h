// What HTTP handlers see: a request as plain values, and the response that they give.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/base/result.h"

namespace tocsin::http {

/// Names and values in order, decoded.
using Parameters = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string path;                            ///< decoded
  Parameters parameters;                       ///< of the query string
  std::map<std::string, std::string> headers;  ///< by name in lower case; repeated ones as a list
  std::string body;
  std::string peer;
  /// Becomes true when the client has left: long work looks at it and gives up. Shared with the
  /// connection.
  std::shared_ptr<std::atomic<bool>> cancelled;

  /// The first value of a parameter; nothing when it is absent.
  std::optional<std::string> parameter(std::string_view name) const;
  std::string parameter_or(std::string_view name, std::string_view fallback) const;
  std::string header(const std::string& lower_case_name) const;  ///< empty when absent
  bool has_content_type(std::string_view type) const;            ///< whatever its parameters

  /// Sets path and parameters from a request's target: a path, or a whole URL, whose authority then
  /// stands for the header Host (RFC 9112, section 3.2.2).
  void read_target(std::string_view target);
};

struct Response {
  int status = 200;
  std::string content_type;  ///< empty: no body
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  /// Set: more of the body comes behind `body`, piece by piece. Appends the next one; false once
  /// that was the last. Called on the loop's thread as the client takes the pieces, no more once it
  /// has left.
  std::function<bool(std::string& out)> more = {};
};

/// Answers a request: exactly once, on the loop's thread, now or later.
using Reply = std::function<void(Response)>;

Response json_response(int status, std::string body);
/// `{"error": message}`.
Response error_response(int status, std::string_view message);
/// The status that tells a client what to do about an error.
int status_of(ErrorCode code);
const char* reason_of(int status);  ///< `Not Found`

/// `a=1&b=x%20y+z`.
Parameters parse_parameters(std::string_view text);
std::string url_decode(std::string_view text, bool plus_is_space);
std::string lower_case(std::string text);  ///< of ASCII letters

}  // namespace tocsin::http
