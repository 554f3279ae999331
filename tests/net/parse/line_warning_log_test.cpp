#include "net/parse/line_warning_log.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "db/base/log.h"

using namespace tocsin;

namespace {

// What `use` logs.
template <class Use>
std::vector<std::string> logged_by(Use use) {
  std::vector<std::string> logged;
  set_log_sink([&](LogLevel, const std::string& text) { logged.push_back(text); });
  use();
  set_log_sink(nullptr);
  return logged;
}

LineWarnings one(LineWarning kind, const std::string& description) {
  LineWarnings warnings;
  warnings.add(kind, [&] { return description; });
  return warnings;
}

}  // namespace

TEST_CASE("line warning log: each description once, up to a number per source and kind", "[net]") {
  const auto logged = logged_by([] {
    LineWarningLog log;
    for (const char* keys : {"keys: a", "keys: a", "keys: b", "keys: c"}) {
      log.lines("http h", one(LineWarning::kNoTime, keys), "; name it", 2);
    }
    log.lines("http h", one(LineWarning::kOddKey, "``"), "; name it", 2);
    log.lines("http i", one(LineWarning::kNoTime, "keys: a"), "; name it", 2);
  });
  const std::string text =
      ": 1 event without a recognisable time is stored with its time of arrival ";
  CHECK(logged == std::vector<std::string>{"http h" + text + "(keys: a); name it",
                                           "http h" + text + "(keys: b); name it",
                                           "http h: 1 event with odd keys (``)",
                                           "http i" + text + "(keys: a); name it"});
}

TEST_CASE("line warning log: the number of warnings is limited", "[net]") {
  const auto logged = logged_by([] {
    LineWarningLog log;
    for (size_t i = 0; i < LineWarningLog::kMax + 10; ++i) {
      log.lines("tcp " + std::to_string(i), one(LineWarning::kNoTime, "keys: a"), "", 10);
    }
  });
  CHECK(logged.size() == LineWarningLog::kMax);
}
