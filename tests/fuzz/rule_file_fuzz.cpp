// Any text as a rule file: errors name a place, matchers and silences of a valid one round-trip.
// The same text as a silence of the HTTP API.
#include <cstdint>
#include <string>

#include "db/base/check.h"
#include "rules/rule_file.h"

using namespace tocsin;

namespace {

void check_round_trip(const Silence& silence) {
  const std::string json = silence_json(silence, 0);
  const auto again = parse_silence(json);
  TOCSIN_CHECK(again.has_value());
  TOCSIN_CHECK(silence_json(*again, 0) == json);
  for (const LabelMatcher& matcher : silence.matchers) {
    const std::string text = format_matcher(matcher);
    const auto same = parse_label_matcher(text);
    // A name that a client sent may have characters that end a name in text.
    TOCSIN_CHECK(!same || format_matcher(*same) == text);
  }
  state_at(silence, 20'000 * kDay);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const ParsedRuleFile file = parse_rule_file({"f.yml", text});
  for (const std::string& error : file.errors) TOCSIN_CHECK(error.starts_with("f.yml"));
  for (const Silence& silence : file.silences) check_round_trip(silence);
  if (const auto silence = parse_silence(text)) check_round_trip(*silence);
  if (const auto silences = parse_silences(text)) {
    for (const Silence& silence : *silences) check_round_trip(silence);
  }
  return 0;
}
