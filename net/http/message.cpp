// Decodes targets and builds the responses that all handlers share.
#include "net/http/message.h"

#include <algorithm>

#include <fmt/format.h>

#include "db/base/ascii.h"
#include "db/base/json.h"

namespace tocsin::http {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kTlsScheme = "https://";

}  // namespace

std::optional<std::string> Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string> Request::other_parameters(std::span<const std::string_view> known) const {
  std::vector<std::string> names;
  for (const auto& [name, value] : parameters) {
    if (std::find(known.begin(), known.end(), name) == known.end()) names.push_back(name);
  }
  return names;
}

std::string Request::parameter_or(std::string_view name, std::string_view fallback) const {
  return parameter(name).value_or(std::string(fallback));
}

std::string Request::header(const std::string& lower_case_name) const {
  const auto it = headers.find(lower_case_name);
  return it == headers.end() ? "" : it->second;
}

bool Request::has_content_type(std::string_view type) const {
  const std::string value = header("content-type");
  return equals_ignoring_case(trimmed_end(value.substr(0, value.find(';'))), type);
}

void Request::read_target(std::string_view target) {
  const bool tls = starts_with_ignoring_case(target, kTlsScheme);
  if (tls || starts_with_ignoring_case(target, kScheme)) {
    target.remove_prefix(tls ? kTlsScheme.size() : kScheme.size());
    const std::string_view authority = target.substr(0, target.find_first_of("/?"));
    headers["host"] = authority;
    target.remove_prefix(authority.size());
  }
  const size_t question = std::min(target.find('?'), target.size());
  path = question == 0 ? "/" : url_decode(target.substr(0, question), false);
  if (question < target.size()) parameters = parse_parameters(target.substr(question + 1));
}

Response json_response(int status, std::string body) {
  return {status, "application/json", std::move(body)};
}

Response error_response(int status, std::string_view message) {
  return json_response(status, fmt::format("{{\"error\":{}}}\n", json_quote(message)));
}

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
    case ErrorCode::kNotFound:
    case ErrorCode::kConflict:
    case ErrorCode::kUnsupported:
    case ErrorCode::kLimit: return 400;
    case ErrorCode::kBusy:
    case ErrorCode::kDiskFull:
    case ErrorCode::kCancelled: return 503;
    case ErrorCode::kTimeout: return 504;
    case ErrorCode::kIo:
    case ErrorCode::kCorrupt: return 500;
  }
  return 500;
}

const char* reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Payload Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Status";
  }
}

std::string url_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

Parameters parse_parameters(std::string_view text) {
  Parameters out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    out.emplace_back(url_decode(pair.substr(0, equals), true),
                     equals < pair.size() ? url_decode(pair.substr(equals + 1), true) : "");
  }
  return out;
}

}  // namespace tocsin::http
