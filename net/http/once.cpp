#include "net/http/once.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

#include "db/base/json.h"
#include "net/access/token.h"
#include "net/event_loop/address.h"
#include "net/http/authorize.h"

namespace tocsin::http {
namespace {

// Those that say how the body is read.
constexpr const char* kSteeringHeaders[] = {"content-type", "x-tocsin-measurement"};

std::string hash_of(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

// The token of the client, or else its address.
std::string sender_of(const Context& context, const Request& request) {
  const std::optional<std::string> secret = secret_of(request);
  const std::string token = secret && context.access ? context.access->name_of(*secret) : "";
  return token.empty() ? "host " + host_of_peer(request.peer) : "token " + token;
}

}  // namespace

std::shared_ptr<OnceRequest> once_of(const Context& context, const Request& request, Reply& reply) {
  const std::string key = request.header("idempotency-key");
  if (key.empty() && context.dedupe_window == 0) return nullptr;
  auto once = std::make_shared<OnceRequest>();  // shared with the texts of the request
  once->has_client_key = !key.empty();
  once->window = std::max(context.dedupe_window, key.empty() ? 0 : kIdempotencyWindow);
  // Each part is quoted, so that two requests with different parts have different identities.
  std::string identity = json_quote(sender_of(context, request)) + json_quote(request.path);
  for (const auto& [name, value] : request.parameters)
    identity += json_quote(name) + json_quote(value);
  for (const char* header : kSteeringHeaders) identity += json_quote(request.header(header));
  once->key = hash_of(identity + json_quote(key));
  reply = [once, reply = std::move(reply)](Response response) {
    if (once->text_count > 0 && once->duplicate_count == once->text_count)
      response.headers.emplace_back("X-Tocsin-Duplicate", "true");
    reply(std::move(response));
  };
  return once;
}

void identify_body(OnceRequest& once, std::string_view body) {
  if (!once.has_client_key) once.key = hash_of(once.key + hash_of(body));
}

}  // namespace tocsin::http
