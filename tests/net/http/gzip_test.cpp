#include "net/http/gzip.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace tocsin {
namespace {

http::Response json_of_size(size_t bytes) {
  return http::json_response(200, std::string(bytes, 'x'));
}

TEST_CASE("gzip: a client accepts it unless its weight is zero", "[net]") {
  for (const char* value :
       {"gzip", "deflate, gzip", "br;q=1.0, GZIP;q=0.8", "x-gzip", "gzip;q=0.01"}) {
    CAPTURE(value);
    CHECK(http::accepts_gzip(value));
  }
  for (const char* value : {"", "identity", "gzip;q=0", "gzip; q=0.00", "gzipped", ",;,"}) {
    CAPTURE(value);
    CHECK_FALSE(http::accepts_gzip(value));
  }
}

TEST_CASE("gzip: a whole body is compressed if it is text and not small", "[net]") {
  http::Response response = json_of_size(10'000);
  http::compress(response);
  CHECK(response.body.size() < 200);
  CHECK(gunzip(response.body, 10'000) == std::string(10'000, 'x'));
  CHECK(response.headers == std::vector<std::pair<std::string, std::string>>{
                                {"Content-Encoding", "gzip"}, {"Vary", "Accept-Encoding"}});

  http::Response small = json_of_size(100);
  http::compress(small);
  CHECK(small.body == std::string(100, 'x'));
  CHECK(small.headers.empty());
  http::Response image{200, "image/png", std::string(10'000, 'x')};
  http::compress(image);
  CHECK(image.body.size() == 10'000);
}

TEST_CASE("gzip: each piece can be used when it arrives", "[net]") {
  http::Response response{200, "text/csv; charset=utf-8", "first,"};
  int left = 2;
  response.more = [&left](std::string& out) {
    out += "piece " + std::to_string(left) + ",";
    return --left > 0;
  };
  http::compress(response);
  std::string body = response.body;
  CHECK(!body.empty());
  std::string piece;
  while (response.more(piece)) {
    CHECK(!piece.empty());
    body += std::exchange(piece, "");
  }
  body += piece;
  CHECK(gunzip(body, 1'000) == std::string("first,piece 2,piece 1,"));
}

}  // namespace
}  // namespace tocsin
