#include "net/access/token.h"

#include <catch2/catch.hpp>

#include "net/http/authorize.h"
#include "tests/support/temporary_folder.h"

namespace tocsin {
namespace {

constexpr Timestamp kTokenTestNow = 20'000 * kDay;

struct TokenFixture {
  TokenFixture() { REQUIRE(database); }
  std::string create(const std::string& name, Scopes scopes, Duration lifetime = 0) {
    const auto secret = create_token(**database, {name, scopes, lifetime}, kTokenTestNow);
    REQUIRE(secret);
    const auto tokens = list_tokens(**database);
    REQUIRE(tokens);
    access.replace_tokens(*tokens);
    return *secret;
  }
  // The status of the refusal, or 200.
  int ask(Demand demand, std::optional<std::string> secret, bool required = true,
          bool local = false, Timestamp now = kTokenTestNow) {
    const auto denial = access.check({demand, required, std::move(secret), local, now});
    return denial ? denial->status : 200;
  }

  test::TemporaryFolder folder;
  Result<std::unique_ptr<Database>> database = Database::open(folder.path("db"));
  Access access;
};

TEST_CASE("token: each scope allows what it names, and admin all", "[net]") {
  TokenFixture fixture;
  const std::string read = fixture.create("r", {.read = true});
  const std::string write = fixture.create("w", {.write = true});
  const std::string admin = fixture.create("a", {.admin = true});
  const auto check = [&](Demand demand, int none, int by_read, int by_write, int by_admin) {
    CHECK(fixture.ask(demand, std::nullopt) == none);
    CHECK(fixture.ask(demand, "tocsin_0") == none);
    CHECK(fixture.ask(demand, read) == by_read);
    CHECK(fixture.ask(demand, write) == by_write);
    CHECK(fixture.ask(demand, admin) == by_admin);
  };
  check(Demand::kNothing, 200, 200, 200, 200);
  check(Demand::kAnyToken, 401, 200, 200, 200);
  check(Demand::kRead, 401, 200, 403, 200);
  check(Demand::kWrite, 401, 403, 200, 200);
  check(Demand::kAdmin, 401, 403, 403, 200);
  check(Demand::kTokens, 401, 403, 403, 200);
  CHECK(fixture.ask(Demand::kAdmin, std::nullopt, false) == 200);
  CHECK(fixture.ask(Demand::kTokens, std::nullopt, false, true) == 401);
}

TEST_CASE("token: the first one may be created on this machine only", "[net]") {
  TokenFixture fixture;
  CHECK(fixture.ask(Demand::kTokens, std::nullopt, true, true) == 200);
  CHECK(fixture.ask(Demand::kTokens, std::nullopt, true, false) == 401);
  CHECK(fixture.ask(Demand::kTokens, std::nullopt, false, false) == 401);
  fixture.create("w", {.write = true});
  CHECK(fixture.ask(Demand::kTokens, std::nullopt, true, true) == 401);
}

TEST_CASE("token: it expires, can be revoked, and only its hash is stored", "[net]") {
  TokenFixture fixture;
  const std::string secret = fixture.create("w", {.write = true}, kDay);
  CHECK(secret.size() == kSecretPrefix.size() + 64);
  CHECK(fixture.ask(Demand::kWrite, secret, true, false, kTokenTestNow + kDay - 1) == 200);
  CHECK(fixture.ask(Demand::kWrite, secret, true, false, kTokenTestNow + kDay) == 401);
  const auto stored = (*fixture.database)->get(SmallTable::kSources, "token/w");
  REQUIRE((stored && *stored));
  CHECK((*stored)->find(secret.substr(kSecretPrefix.size())) == std::string::npos);
  CHECK(create_token(**fixture.database, {"w", {.read = true}, 0}, 0).error().code ==
        ErrorCode::kConflict);
  CHECK(create_token(**fixture.database, {"a/b", {.read = true}, 0}, 0).error().code ==
        ErrorCode::kInvalid);
  CHECK(revoke_token(**fixture.database, "w"));
  CHECK(revoke_token(**fixture.database, "w").error().code == ErrorCode::kNotFound);
  CHECK(list_tokens(**fixture.database)->empty());
}

TEST_CASE("token: scopes are read and printed", "[net]") {
  CHECK(scopes_text(*parse_scopes("write,read")) == "read,write");
  CHECK(scopes_text(*parse_scopes("admin")) == "admin");
  CHECK(parse_scopes("all").error().message ==
        "unknown scope `all`; expected read, write or admin");
  CHECK(!parse_scopes(""));
}

TEST_CASE("token: clients send it in many ways", "[net]") {
  const auto check = [](const std::string& header, std::optional<std::string> expected) {
    http::Request request;
    request.headers["authorization"] = header;
    CHECK(http::secret_of(request) == expected);
  };
  check("Bearer tocsin_1", "tocsin_1");
  check("token  tocsin_1 ", "tocsin_1");
  check("Basic dXNlcjp0b2NzaW5fMQ==", "tocsin_1");
  check("ApiKey aWQ6dG9jc2luXzE=", "tocsin_1");
  check("Basic ???", std::nullopt);
  check("Basic dXNlcg==", std::nullopt);  // `user`
  check("Digest x", std::nullopt);
  check("tocsin_1", std::nullopt);
  http::Request request;
  request.read_target("/write?u=x&p=tocsin_1");
  CHECK(http::secret_of(request) == "tocsin_1");
  request.read_target("/api/query?u=x&p=tocsin_1");
  CHECK(http::secret_of(request) == std::nullopt);
}

TEST_CASE("token: a request that a proxy forwards does not come from this machine", "[net]") {
  http::Request request;
  request.peer = "127.0.0.1:5";
  CHECK(http::is_local(request));
  request.headers["x-forwarded-for"] = "192.0.2.1";
  CHECK(!http::is_local(request));
  request.headers.clear();
  request.peer = "192.0.2.1:5";
  CHECK(!http::is_local(request));
}

}  // namespace
}  // namespace tocsin
