#include "tools/rule_tests/junit.h"

#include <fmt/format.h>

#include "db/base/text.h"

namespace tocsin::rule_tests {
namespace {

/// Control characters are not allowed in XML 1.0, not even as references.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : escape_controls(text, "\n\t")) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string test_case(const NamedResult& test) {
  std::string out = fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\"",
                                escaped(test.file), escaped(test.name), test.result.seconds);
  if (test.result.passed()) return out + "/>\n";
  out += ">\n";
  for (const Failure& failure : test.result.failures) {
    const std::string_view first_line =
        std::string_view(failure.text).substr(0, failure.text.find('\n'));
    out += fmt::format("      <failure message=\"{}\">{}:{}: {}</failure>\n", escaped(first_line),
                       escaped(test.file), failure.position.line, escaped(failure.text));
  }
  return out + "    </testcase>\n";
}

}  // namespace

std::string junit_xml(const std::vector<NamedResult>& results) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (size_t begin = 0; begin < results.size();) {
    std::string cases;
    size_t end = begin, failed = 0;
    double seconds = 0;
    for (; end < results.size() && results[end].file == results[begin].file; ++end) {
      cases += test_case(results[end]);
      failed += results[end].result.passed() ? 0 : 1;
      seconds += results[end].result.seconds;
    }
    out += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" time=\"{:.3f}\">\n{}  "
        "</testsuite>\n",
        escaped(results[begin].file), end - begin, failed, seconds, cases);
    begin = end;
  }
  return out + "</testsuites>\n";
}

}  // namespace tocsin::rule_tests
