// /api/tokens: lists, creates and revokes tokens.
#include <array>
#include <memory>

#include <fmt/format.h>

#include "db/base/json.h"
#include "db/base/log.h"
#include "net/http/api.h"

namespace tocsin::http {
namespace {

struct TokenJob {
  Result<std::string> secret = std::string();
  NewToken wanted;
  Timestamp now = 0;
  std::string peer;
  Reply reply;
};

std::string token_json(const Token& token, Timestamp now) {
  return fmt::format(
      "{{\"name\":{},\"scopes\":\"{}\",\"created\":{},\"expires\":{},\"expired\":{}}}",
      json_quote(token.name), scopes_text(token.scopes), json_quote(format_time(token.created)),
      token.expires == 0 ? "null" : json_quote(format_time(token.expires)), token.is_expired(now));
}

Response token_error(const Error& error) {
  const bool missing = error.code == ErrorCode::kNotFound;
  const bool conflict = error.code == ErrorCode::kConflict;
  return error_response(missing ? 404 : conflict ? 409 : status_of(error.code), error.message);
}

// The tokens are few, so reading them again is quick.
void read_tokens_again(const Context& context) {
  auto tokens = list_tokens(context.database);
  if (!tokens) return log(LogLevel::kError, "tokens not read: " + tokens.error().message);
  context.access->replace_tokens(*std::move(tokens));
}

Result<NewToken> read_wanted(const Request& request) {
  constexpr std::array<std::string_view, 3> kKnown = {"name", "scope", "expires"};
  if (const auto others = request.other_parameters(kKnown); !others.empty()) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("unknown parameter `{}`; expected name, scope or expires", others.front()));
  }
  NewToken wanted;
  wanted.name = request.parameter_or("name", "");
  TOCSIN_TRY(wanted.scopes, parse_scopes(request.parameter_or("scope", "")));
  if (const auto expires = request.parameter("expires")) {
    TOCSIN_TRY(wanted.lifetime, parse_duration(*expires));
    if (wanted.lifetime <= 0) {
      return fail(ErrorCode::kInvalid, "expires: expected a duration like 90d");
    }
  }
  return wanted;
}

void create(const Context& context, Request request, Reply reply) {
  auto wanted = read_wanted(request);
  if (!wanted) return reply(error_response(400, wanted.error().message));
  auto job = std::make_shared<TokenJob>();  // shared by both steps
  job->wanted = *std::move(wanted);
  job->now = context.clock.now();
  job->peer = request.peer;
  job->reply = std::move(reply);
  run_in_background(
      context.loop,
      [job, &database = context.database] {
        job->secret = create_token(database, job->wanted, job->now);
      },
      [job, &context] {
        if (!job->secret) return job->reply(token_error(job->secret.error()));
        read_tokens_again(context);
        log(LogLevel::kInfo, fmt::format("http {}: created the token `{}` ({})", job->peer,
                                         job->wanted.name, scopes_text(job->wanted.scopes)));
        Response response =
            json_response(200, fmt::format("{{\"name\":{},\"token\":\"{}\"}}\n",
                                           json_quote(job->wanted.name), *job->secret));
        response.headers.emplace_back("Cache-Control", "no-store");
        job->reply(std::move(response));
      });
}

void list(const Context& context, const Reply& reply) {
  const auto tokens = list_tokens(context.database);
  if (!tokens) return reply(token_error(tokens.error()));
  std::string out;
  for (const Token& token : *tokens) {
    out += (out.empty() ? "" : ",") + token_json(token, context.clock.now());
  }
  reply(json_response(200, fmt::format("{{\"tokens\":[{}]}}\n", out)));
}

}  // namespace

void handle_tokens(const Context& context, Request request, Reply reply) {
  if (context.access == nullptr) return reply(error_response(501, "this server has no tokens"));
  if (request.method == "GET") return list(context, reply);
  create(context, std::move(request), std::move(reply));
}

void handle_token_revoke(const Context& context, Request request, Reply reply) {
  if (context.access == nullptr) return reply(error_response(501, "this server has no tokens"));
  auto outcome = std::make_shared<Status>();
  const std::string name = request.parameter_or("name", "");
  run_in_background(
      context.loop,
      [outcome, name, &database = context.database] { *outcome = revoke_token(database, name); },
      [outcome, name, peer = request.peer, &context, reply] {
        if (!*outcome) return reply(token_error(outcome->error()));
        read_tokens_again(context);
        log(LogLevel::kInfo, fmt::format("http {}: revoked the token `{}`", peer, name));
        reply(json_response(200, fmt::format("{{\"revoked\":{}}}\n", json_quote(name))));
      });
}

}  // namespace tocsin::http
