// Rule state as JSON:
//
//   {"v":1,"last_end":T,"history_end":T,"skipped":[T,T],"blind_windows":N,"judge":"HASH",
//    "evaluated":[[first_end,last_end,commit],...],
//    "instances":{"FINGERPRINT":{"group":[["service","string","pay"],...],
//      "phase":"firing","pending_since":T,"firing_since":T,"last_match":T,"severity":"HIGH",
//      "told":["HIGH"],"new_level":false,"event":"{...}",
//      "forgotten":false,"forgotten_at":T,"runs":[[first_end,last_end,fired_at,flags],...]}}}
//
// A group column is its name, its type and its text; a string that is not valid UTF-8 has the type
// `bytes` and is in hex. Flags of a run: 1 closed, 2 late, 4 retracted, and 8 times its
// severity (LOW is 1), which runs of earlier versions lack. `event` is an AlertEvent as
// in the outbox. `judge` is RuleState::rule_version, `told` is LifecycleState::notified. Both may
// be missing in states of earlier versions; `told` is then the severity alone. `skipped` is missing
// if no windows were skipped, `forgotten` and `forgotten_at` if the instance was not forgotten.
#include "rules/state.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <simdjson.h>
#include <xxhash.h>

#include "db/base/binary_text.h"
#include "db/base/json.h"
#include "db/base/text.h"
#include "rules/alert_size.h"

namespace tocsin {
namespace {

constexpr ValueType kValueTypes[] = {ValueType::kNull, ValueType::kBool,    ValueType::kI64,
                                     ValueType::kU64,  ValueType::kF64,     ValueType::kString,
                                     ValueType::kTime, ValueType::kDuration};

std::string value_text(const Value& value) {
  if (value.is_null()) return "";
  switch (value.type) {
    case ValueType::kBool: return std::get<bool>(value.data) ? "1" : "0";
    case ValueType::kI64:
    case ValueType::kTime:
    case ValueType::kDuration: return fmt::format("{}", std::get<int64_t>(value.data));
    case ValueType::kU64: return fmt::format("{}", std::get<uint64_t>(value.data));
    case ValueType::kF64: return fmt::format("{}", std::get<double>(value.data));
    case ValueType::kString: return std::get<std::string>(value.data);
    case ValueType::kNull: break;
  }
  return "";
}

template <class T>
bool parse(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

template <class T>
bool parse_value(std::string_view text, Value& out) {
  T parsed{};
  if (!parse(text, parsed)) return false;
  out.data = parsed;
  return true;
}

bool decode_value(std::string_view type, std::string_view text, Value& out) {
  if (type == "bytes") {
    auto bytes = parse_hex(text);
    if (!bytes) return false;
    out = Value::of(*std::move(bytes));
    return true;
  }
  const auto found = std::find_if(std::begin(kValueTypes), std::end(kValueTypes),
                                  [&](ValueType candidate) { return type == name_of(candidate); });
  if (found == std::end(kValueTypes)) return false;
  out.type = *found;
  switch (*found) {
    case ValueType::kNull: return true;
    case ValueType::kBool: out.data = text == "1"; return true;
    case ValueType::kI64:
    case ValueType::kTime:
    case ValueType::kDuration: return parse_value<int64_t>(text, out);
    case ValueType::kU64: return parse_value<uint64_t>(text, out);
    case ValueType::kF64: return parse_value<double>(text, out);
    case ValueType::kString: out.data = std::string(text); return true;
  }
  return false;
}

std::string encode_group(const GroupValues& group) {
  std::string out = "[";
  for (const auto& [name, value] : group) {
    if (out.size() > 1) out += ',';
    const std::string text = value_text(value);
    const bool bytes = value.type == ValueType::kString && !is_valid_utf8(text);
    const char* type = value.is_null() ? "null" : bytes ? "bytes" : name_of(value.type);
    out += fmt::format("[{},\"{}\",{}]", json_quote(name), type,
                       json_quote(bytes ? hex_text(text) : text));
  }
  return out + ']';
}

std::string encode_runs(const std::vector<MatchRun>& runs) {
  std::string out = "[";
  for (const MatchRun& run : runs) {
    if (out.size() > 1) out += ',';
    const int flags = (run.closed ? 1 : 0) | (run.late ? 2 : 0) | (run.retracted ? 4 : 0) |
                      static_cast<int>(run.severity) << 3;
    out += fmt::format("[{},{},{},{}]", run.first_end, run.last_end, run.fired_at, flags);
  }
  return out + ']';
}

std::string encode_severities(const std::set<Severity>& severities) {
  std::string out = "[";
  for (const Severity severity : severities) {
    if (out.size() > 1) out += ',';
    out += json_quote(name_of(severity));
  }
  return out + ']';
}

std::string encode_instance(const Instance& instance) {
  const LifecycleState& life = instance.life;
  const bool has_event = life.phase != AlertState::kInactive;
  const std::string forgotten = life.forgotten || instance.forgotten_at != 0
                                    ? fmt::format("\"forgotten\":{},\"forgotten_at\":{},",
                                                  life.forgotten, instance.forgotten_at)
                                    : "";
  return fmt::format(
      "{{\"group\":{},\"phase\":\"{}\",\"pending_since\":{},\"firing_since\":{},\"last_match\":{},"
      "\"severity\":\"{}\",\"told\":{},\"new_level\":{},\"event\":{},{}\"runs\":{}}}",
      encode_group(instance.group), name_of(life.phase), life.pending_since, life.firing_since,
      life.last_match, name_of(life.severity), encode_severities(life.notified), life.new_level,
      json_quote(has_event ? encode_alert(instance.last_event) : ""), forgotten,
      encode_runs(instance.runs));
}

using Json = simdjson::dom::element;

// Reads a state and records the first error; a state with an error is not used.
class Decoder {
 public:
  const char* damaged = nullptr;

  RuleState state(const Json& json) {
    RuleState out;
    out.cursor.last_end = get<int64_t>(json["last_end"], "last_end");
    out.cursor.history_end = get<int64_t>(json["history_end"], "history_end");
    if (json["skipped"].error() != simdjson::NO_SUCH_FIELD) {
      const std::vector<Json> piece = list(json["skipped"], "skipped", 2);
      out.cursor.skipped_from = get<int64_t>(piece[0], "skipped");
      out.cursor.skipped_to = get<int64_t>(piece[1], "skipped");
    }
    out.blind_windows = get<uint64_t>(json["blind_windows"], "blind_windows");
    out.rule_version = optional_text(json["judge"], "judge");
    for (const Json& item : list(json["evaluated"], "evaluated")) {
      const std::vector<Json> piece = list(item, "evaluated", 3);
      out.evaluated.push_back({get<int64_t>(piece[0], "evaluated"),
                               get<int64_t>(piece[1], "evaluated"),
                               get<uint64_t>(piece[2], "evaluated")});
    }
    simdjson::dom::object instances;
    if (json["instances"].get_object().get(instances)) {
      fail_at("instances");
      return out;
    }
    for (const auto& [key, value] : instances) out.instances.emplace(key, instance(value));
    return out;
  }

 private:
  void fail_at(const char* what) {
    if (!damaged) damaged = what;
  }

  // `value` is an element or the result of a lookup.
  template <class T, class Source>
  T get(const Source& value, const char* what) {
    T out{};
    if (value.template get<T>().get(out)) fail_at(what);
    return out;
  }

  template <class Source>
  std::string optional_text(const Source& value, const char* what) {
    if (value.error() == simdjson::NO_SUCH_FIELD) return {};
    return std::string(get<std::string_view>(value, what));
  }

  // The items of a list. If `count` is not 0, the result has exactly that many: empty strings on
  // failure.
  template <class Source>
  std::vector<Json> list(const Source& value, const char* what, size_t count = 0) {
    simdjson::dom::array items;
    std::vector<Json> out;
    if (value.get_array().get(items)) {
      fail_at(what);
    } else {
      out.assign(items.begin(), items.end());
    }
    if (count != 0 && out.size() != count) {
      fail_at(what);
      out.assign(count, empty_);
    }
    return out;
  }

  GroupValues group(const Json& json) {
    GroupValues out;
    for (const Json& item : list(json["group"], "group")) {
      const std::vector<Json> piece = list(item, "group", 3);
      Value value;
      if (!decode_value(get<std::string_view>(piece[1], "group"),
                        get<std::string_view>(piece[2], "group"), value)) {
        fail_at("group");
      }
      out.emplace_back(std::string(get<std::string_view>(piece[0], "group")), std::move(value));
    }
    return out;
  }

  std::vector<MatchRun> runs(const Json& json) {
    std::vector<MatchRun> out;
    for (const Json& item : list(json["runs"], "runs")) {
      const std::vector<Json> piece = list(item, "runs", 4);
      const auto number = [&](size_t i) { return get<int64_t>(piece[i], "runs"); };
      const int64_t flags = number(3);
      MatchRun run{number(0),        number(1),        number(2),
                   (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0};
      const auto severity = static_cast<Severity>(flags >> 3);
      if (severity >= Severity::kLow && severity <= Severity::kCritical) run.severity = severity;
      out.push_back(run);
    }
    return out;
  }

  std::set<Severity> notified(const Json& json, Severity highest) {
    if (json["told"].error() == simdjson::NO_SUCH_FIELD) return {highest};
    std::set<Severity> out;
    for (const Json& item : list(json["told"], "told")) {
      const auto severity = parse_severity(get<std::string_view>(item, "told"));
      if (severity) out.insert(*severity);
      if (!severity) fail_at("told");
    }
    return out;
  }

  LifecycleState life(const Json& json) {
    LifecycleState out;
    const auto phase = parse_alert_state(get<std::string_view>(json["phase"], "phase"));
    const auto severity = parse_severity(get<std::string_view>(json["severity"], "severity"));
    if (phase && severity) {
      out.phase = *phase;
      out.severity = *severity;
    } else {
      fail_at("phase or severity");
    }
    out.pending_since = get<int64_t>(json["pending_since"], "pending_since");
    out.firing_since = get<int64_t>(json["firing_since"], "firing_since");
    out.last_match = get<int64_t>(json["last_match"], "last_match");
    out.new_level = get<bool>(json["new_level"], "new_level");
    if (out.phase == AlertState::kFiring) out.notified = notified(json, out.severity);
    return out;
  }

  Instance instance(const Json& json) {
    Instance out;
    out.group = stored_group(group(json));  // earlier versions stored longer texts
    out.life = life(json);
    const auto event = get<std::string_view>(json["event"], "event");
    if (!event.empty()) {
      Result<AlertEvent> decoded = decode_alert(event);
      if (decoded) {
        out.last_event = *std::move(decoded);
        cut_alert(out.last_event);
      } else {
        fail_at("event");
      }
    }
    if (json["forgotten"].error() != simdjson::NO_SUCH_FIELD) {
      out.life.forgotten = get<bool>(json["forgotten"], "forgotten");
      out.forgotten_at = get<int64_t>(json["forgotten_at"], "forgotten_at");
    }
    out.runs = runs(json);
    return out;
  }

  simdjson::dom::parser parser_;
  const Json empty_ = parser_.parse(R"("")", 2).value_unsafe();
};

}  // namespace

GroupValues stored_group(GroupValues group) {
  for (auto& [name, value] : group) {
    if (auto* text = std::get_if<std::string>(&value.data)) {
      *text = cut_text(*text, kGroupTextBytesMax);
    }
  }
  return group;
}

std::string encode_state(const RuleState& state) {
  std::string evaluated;
  for (const EvaluatedRun& run : state.evaluated) {
    evaluated += fmt::format("{}[{},{},{}]", evaluated.empty() ? "" : ",", run.first_end,
                             run.last_end, run.commit_number);
  }
  std::string instances;
  for (const auto& [key, instance] : state.instances) {
    instances +=
        fmt::format("{}\"{}\":{}", instances.empty() ? "" : ",", key, encode_instance(instance));
  }
  std::string skipped;
  if (state.cursor.skipped_to != 0) {
    skipped =
        fmt::format("\"skipped\":[{},{}],", state.cursor.skipped_from, state.cursor.skipped_to);
  }
  return fmt::format(
      "{{\"v\":1,\"last_end\":{},\"history_end\":{},{}\"blind_windows\":{},\"judge\":{},"
      "\"evaluated\":[{}],\"instances\":{{{}}}}}",
      state.cursor.last_end, state.cursor.history_end, skipped, state.blind_windows,
      json_quote(state.rule_version), evaluated, instances);
}

Result<RuleState> decode_state(std::string_view text) {
  simdjson::dom::parser parser;
  Json json;
  Decoder decoder;
  RuleState state;
  const auto error = parser.parse(text.data(), text.size()).get(json);
  if (!error) state = decoder.state(json);
  const char* damaged = error ? simdjson::error_message(error) : decoder.damaged;
  if (!damaged) return state;
  return fail(ErrorCode::kCorrupt, fmt::format("cannot read a rule's state: {}", damaged));
}

std::string fingerprint(std::string_view rule, const GroupValues& group) {
  GroupValues sorted = group;
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string bytes;
  const auto add = [&](std::string_view piece) {
    const auto length = static_cast<uint32_t>(piece.size());
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(length >> shift & 0xFF);
    bytes += piece;
  };
  add(rule);
  for (const auto& [name, value] : sorted) {
    add(name);
    // A null and an empty string are different groups.
    bytes += value.is_null() ? '\0' : '\1';
    add(value_text(value));
  }
  return fmt::format("{:016x}", XXH3_64bits(bytes.data(), bytes.size()));
}

std::string state_key(std::string_view rule) { return "rule/" + std::string(rule); }

}  // namespace tocsin
