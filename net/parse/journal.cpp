#include "net/parse/journal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "db/base/text.h"

namespace tocsin {
namespace {

using Values = std::vector<JsonValue>;

JsonValue* find_field(Values& values, std::string_view path) {
  const auto it = std::find_if(values.begin(), values.end(),
                               [&](const JsonValue& value) { return value.path == path; });
  return it == values.end() ? nullptr : &*it;
}

// The bytes of `[104, 105]`.
std::optional<std::string> bytes_of_array(std::string_view json) {
  std::string out;
  const char* p = json.data() + 1;
  const char* const end = json.data() + json.size();
  const auto skip = [&](std::string_view characters) {
    while (p != end && characters.find(*p) != characters.npos) ++p;
  };
  for (skip(" "); p != end && *p != ']'; skip(" ,")) {
    unsigned byte = 0;
    const auto [stop, error] = std::from_chars(p, end, byte);
    if (error != std::errc() || byte > 0xFF) return std::nullopt;
    if (stop == end || std::string_view(" ,]").find(*stop) == std::string_view::npos)
      return std::nullopt;
    out += static_cast<char>(byte);
    p = stop;
  }
  return out;
}

// A field with several values is an array of texts, and stays one.
void read_bytes(JsonValue& value, Batch& batch) {
  if (value.kind != JsonValue::Kind::kArray) return;
  const auto bytes = bytes_of_array(value.text);
  if (!bytes) return;
  size_t replaced = 0;
  value.kind = JsonValue::Kind::kString;
  value.text = batch.keep(valid_utf8(*bytes, replaced));
  value.escaped = false;
}

// Returns the field, unless it is missing or its new name is not free.
JsonValue* rename_field(Values& values, std::string_view from, std::string_view to) {
  JsonValue* const value = find_field(values, from);
  if (value == nullptr || find_field(values, to) != nullptr) return nullptr;
  value->path = to;
  return value;
}

void name_level(JsonValue& value) {
  constexpr std::array<std::string_view, 8> kLevels = {"emerg",   "alert",  "crit", "error",
                                                       "warning", "notice", "info", "debug"};
  const std::string_view text = value.text;
  if (text.size() != 1 || text[0] < '0' || text[0] > '7') return;
  value.kind = JsonValue::Kind::kString;
  value.text = kLevels[static_cast<size_t>(text[0] - '0')];
  value.escaped = false;
}

}  // namespace

bool is_journal_entry(const Values& values) {
  return std::any_of(values.begin(), values.end(), [](const JsonValue& value) {
    return value.path == kJournalTime && value.kind == JsonValue::Kind::kString;
  });
}

void read_journal_entry(Values& values, Batch& batch) {
  constexpr std::string_view kServiceEnd = ".service";
  std::erase_if(values, [](const JsonValue& value) { return value.path == "__CURSOR"; });
  for (JsonValue& value : values) read_bytes(value, batch);
  rename_field(values, "MESSAGE", "message");
  rename_field(values, "_HOSTNAME", "host");
  if (JsonValue* level = rename_field(values, "PRIORITY", "level")) name_level(*level);
  if (JsonValue* unit = rename_field(values, "_SYSTEMD_UNIT", "service")) {
    if (unit->text.ends_with(kServiceEnd)) unit->text.remove_suffix(kServiceEnd.size());
  } else {
    rename_field(values, "SYSLOG_IDENTIFIER", "service");
  }
}

}  // namespace tocsin
