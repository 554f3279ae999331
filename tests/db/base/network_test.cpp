#include "db/base/network.h"

#include <catch2/catch.hpp>

namespace tocsin {

TEST_CASE("network: contains the addresses that share its prefix", "[base]") {
  const auto contains = [](const char* network, const char* address) {
    const auto parsed = IpNetwork::parse(network);
    REQUIRE(parsed);
    return parsed->contains(address);
  };
  CHECK(contains("10.0.0.0/8", "10.255.0.1"));
  CHECK(!contains("10.0.0.0/8", "11.0.0.0"));
  CHECK(contains("192.168.4.0/22", "192.168.7.255"));
  CHECK(!contains("192.168.4.0/22", "192.168.8.0"));
  CHECK(contains("10.1.2.3", "10.1.2.3"));
  CHECK(!contains("10.1.2.3", "10.1.2.4"));
  CHECK(contains("0.0.0.0/0", "255.255.255.255"));
  CHECK(!contains("0.0.0.0/0", "fd00::1"));
  CHECK(contains("::/0", "fd00::1"));
  CHECK(contains("::/0", "10.0.0.1"));
  CHECK(contains("fd00::/8", "fdff::1"));
  CHECK(!contains("fd00::/8", "fe00::1"));
  CHECK(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
  CHECK(contains("::ffff:10.0.0.0/104", "10.0.0.1"));
  CHECK(!contains("10.0.0.0/8", "10.0.0.1:80"));
  CHECK(!contains("10.0.0.0/8", ""));
}

TEST_CASE("network: errors say what was expected", "[base]") {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                           "10.0.0/8", "fd00::/129", "[::1]", "some.name", "10.0.0.0/8/8"}) {
    INFO(text);
    const auto parsed = IpNetwork::parse(text);
    REQUIRE(!parsed);
    CHECK(parsed.error().message.find("expected an address and a prefix length") !=
          std::string::npos);
  }
  const auto larger = IpNetwork::parse("10.1.2.3/8");
  REQUIRE(!larger);
  CHECK(larger.error().message.find("bits after its prefix") != std::string::npos);
}

TEST_CASE("network: loopback and numeric hosts", "[base]") {
  for (const char* host :
       {"localhost", "127.0.0.1", "127.9.9.9", "::1", "0:0::1", "::ffff:127.0.0.1"}) {
    CHECK(is_loopback_host(host));
  }
  for (const char* host : {"", "10.0.0.1", "127.0.0.1.example", "127.1", "::", "Localhost."}) {
    CHECK(!is_loopback_host(host));
  }
  CHECK(is_numeric_host("10.0.0.1"));
  CHECK(is_numeric_host("fd00::1"));
  CHECK(!is_numeric_host("10.0.0.1.example"));
  CHECK(!is_numeric_host("[fd00::1]"));
}

}  // namespace tocsin
