#include "db/base/system_zone.h"

#include <catch2/catch.hpp>

using namespace tocsin;

TEST_CASE("system zone: TZ counts before the link /etc/localtime", "[base]") {
  const char* link = "/usr/share/zoneinfo/Europe/Berlin";
  CHECK(system_zone_name(nullptr, link) == "Europe/Berlin");
  CHECK(system_zone_name("Asia/Tokyo", link) == "Asia/Tokyo");
  CHECK(system_zone_name(":America/New_York", "") == "America/New_York");
  CHECK(system_zone_name("/usr/share/zoneinfo/Asia/Tokyo", "") == "Asia/Tokyo");
  CHECK(system_zone_name(nullptr, "../usr/share/zoneinfo/Asia/Tokyo") == "Asia/Tokyo");
}

TEST_CASE("system zone: without a known name it is UTC", "[base]") {
  const char* link = "/usr/share/zoneinfo/Europe/Berlin";
  CHECK(system_zone_name(nullptr, "") == "UTC");
  CHECK(system_zone_name(nullptr, "/etc/elsewhere") == "UTC");
  CHECK(system_zone_name(nullptr, "/usr/share/zoneinfo/Etc/UTC") == "UTC");
  CHECK(system_zone_name("", link) == "UTC");
  CHECK(system_zone_name("Mars/Base", link) == "UTC");
  CHECK(system_zone_name("CET-1CEST,M3.5.0,M10.5.0/3", link) == "UTC");
}
