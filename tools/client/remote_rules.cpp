#include "tools/client/remote_rules.h"

#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include "db/base/time.h"
#include "tools/client/http_client.h"
#include "tools/client/remote_query.h"

namespace tocsin {
namespace {

using Json = simdjson::dom::element;
using Array = simdjson::dom::array;

// Appends rows of texts and numbers to a table.
class TableBuilder {
 public:
  explicit TableBuilder(const std::vector<std::pair<const char*, ValueType>>& columns) {
    for (const auto& [name, type] : columns) {
      ResultColumn column;
      column.name = name;
      column.type = type;
      table_.columns.push_back(std::move(column));
    }
  }

  void add(const Value& value) {
    table_.columns[at_].append(value);
    at_ = (at_ + 1) % table_.columns.size();
  }
  void text(std::string_view value) { add(Value::of(std::string(value))); }
  void count(int64_t value) { add(Value::of(value)); }
  // In this API, the year 1 means never.
  void time(std::string_view value) {
    const auto parsed = parse_time(value);
    add(parsed && *parsed > 0 ? Value::time(*parsed) : Value::null());
  }

  ResultTable finish() && {
    table_.row_count = table_.columns.front().valid.size();
    return std::move(table_);
  }

 private:
  ResultTable table_;
  size_t at_ = 0;
};

std::string_view text_of(const Json& json, const char* key) {
  std::string_view text;
  if (json[key].get(text)) return {};
  return text;
}

Array list_of(const Json& json, const char* key) {
  Array list;
  if (json[key].get(list)) return {};
  return list;
}

std::string labels_text(const Json& json) {
  std::vector<std::string> pairs;
  simdjson::dom::object labels;
  if (json["labels"].get(labels)) return {};
  for (const auto& [name, value] : labels) {
    std::string_view text;
    if (!value.get(text)) pairs.push_back(fmt::format("{}={}", name, text));
  }
  return fmt::format("{}", fmt::join(pairs, ", "));
}

}  // namespace

Result<RemoteRules> parse_rules(std::string_view json) {
  using T = ValueType;
  TableBuilder rules({{"rule", T::kString},
                      {"health", T::kString},
                      {"every", T::kString},
                      {"evaluated", T::kTime},
                      {"next", T::kTime},
                      {"pending", T::kI64},
                      {"firing", T::kI64},
                      {"inhibited", T::kI64},
                      {"forgotten", T::kI64}});
  TableBuilder forgotten({{"rule", T::kString}, {"labels", T::kString}, {"forgotten", T::kTime}});
  simdjson::dom::parser parser;
  Json root;
  Array groups;
  if (parser.parse(json.data(), json.size()).get(root) || root["data"]["groups"].get(groups)) {
    return fail(ErrorCode::kInvalid, "the server's response is not a list of rules");
  }
  for (const Json& group : groups) {
    for (const Json& rule : list_of(group, "rules")) {
      const std::string_view health = text_of(rule, "health");
      rules.text(text_of(rule, "name"));
      rules.text(health == "err" ? "failing" : health);
      double interval = 0;
      const bool known = !rule["interval"].get(interval);
      rules.text(known ? format_duration(std::llround(interval * 1e9)) : "");
      rules.time(text_of(rule, "lastEvaluation"));
      rules.time(text_of(rule, "nextEvaluation"));
      int64_t pending = 0, firing = 0, inhibited = 0;
      for (const Json& alert : list_of(rule, "alerts")) {
        Array by;
        const bool is_firing = text_of(alert, "state") == "firing";
        const bool is_inhibited = !alert["status"]["inhibitedBy"].get(by) && by.size() > 0;
        ++(!is_firing ? pending : is_inhibited ? inhibited : firing);
      }
      rules.count(pending);
      rules.count(firing);
      rules.count(inhibited);
      const Array gone = list_of(rule, "forgotten");
      rules.count(static_cast<int64_t>(gone.size()));
      for (const Json& alert : gone) {
        forgotten.text(text_of(rule, "name"));
        forgotten.text(labels_text(alert));
        forgotten.time(text_of(alert, "forgottenAt"));
      }
    }
  }
  return RemoteRules{std::move(rules).finish(), std::move(forgotten).finish()};
}

Result<RemoteRules> rules_of_server(const std::string& url, const ServerAccess& access) {
  HttpRequest request;
  request.url = server_address(url, "/api/v1/rules");
  request.access = access;
  TOCSIN_TRY(const HttpResponse response, http_get(request));
  if (response.status == 200) return parse_rules(response.body);
  return fail(ErrorCode::kIo, fmt::format("{}: status {}: {}", request.url, response.status,
                                          server_error_text(response.body)));
}

}  // namespace tocsin
