#include "tools/client/remote_tokens.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "tools/client/remote_query.h"

namespace tocsin {
namespace {

Result<std::string> body_of(const HttpRequest& request, const Result<HttpResponse>& response) {
  if (!response) return tl::unexpected<Error>(response.error());
  if (response->status == 200) return response->body;
  return fail(ErrorCode::kInvalid, fmt::format("{}: status {}: {}", request.url, response->status,
                                               server_error_text(response->body)));
}

HttpRequest token_request(const TokenServer& server, const char* path) {
  HttpRequest request;
  request.url = server_address(server.url, path);
  request.access = server.access;
  return request;
}

tl::unexpected<Error> unexpected_tokens() {
  return fail(ErrorCode::kInvalid,
              "unexpected response of /api/tokens; is this a Tocsin server of the same version?");
}

}  // namespace

Result<std::string> create_remote_token(const TokenServer& server, const std::string& name,
                                        const std::string& scopes, const std::string& expires) {
  HttpRequest request = token_request(server, "/api/tokens");
  request.parameters = {{"name", name}, {"scope", scopes}};
  if (!expires.empty()) request.parameters.emplace_back("expires", expires);
  TOCSIN_TRY(const std::string body, body_of(request, http_post(request)));
  simdjson::dom::parser parser;
  std::string_view secret;
  if (parser.parse(body)["token"].get(secret) != simdjson::SUCCESS) return unexpected_tokens();
  return std::string(secret);
}

Status revoke_remote_token(const TokenServer& server, const std::string& name) {
  HttpRequest request = token_request(server, "/api/tokens/revoke");
  request.parameters = {{"name", name}};
  TOCSIN_TRY(const std::string body, body_of(request, http_post(request)));
  return {};
}

Result<std::vector<RemoteToken>> list_remote_tokens(const TokenServer& server) {
  const HttpRequest request = token_request(server, "/api/tokens");
  TOCSIN_TRY(const std::string body, body_of(request, http_get(request)));
  return parse_tokens(body);
}

Result<std::vector<RemoteToken>> parse_tokens(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array entries;
  const simdjson::padded_string padded(json);
  if (parser.parse(padded).get(root) != simdjson::SUCCESS ||
      root["tokens"].get(entries) != simdjson::SUCCESS) {
    return unexpected_tokens();
  }
  std::vector<RemoteToken> tokens;
  for (const simdjson::dom::element entry : entries) {
    const auto text = [&](const char* key) {
      std::string_view value;
      return entry[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
    };
    bool expired = false;
    if (text("name").empty() || entry["expired"].get(expired) != simdjson::SUCCESS) {
      return unexpected_tokens();
    }
    tokens.push_back({text("name"), text("scopes"), text("created"), text("expires"), expired});
  }
  return tokens;
}

}  // namespace tocsin
