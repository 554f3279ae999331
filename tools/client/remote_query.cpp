// Parses the JSON of /api/query into a ResultTable.
#include "tools/client/remote_query.h"

#include <array>
#include <optional>

#include <fmt/format.h>
#include <simdjson.h>

#include "tools/client/http_client.h"

namespace tocsin {
namespace {

namespace dom = simdjson::dom;
namespace ondemand = simdjson::ondemand;

std::optional<ValueType> parse_type(std::string_view name) {
  constexpr std::array kTypes = {ValueType::kNull, ValueType::kBool,    ValueType::kI64,
                                 ValueType::kU64,  ValueType::kF64,     ValueType::kString,
                                 ValueType::kTime, ValueType::kDuration};
  for (const ValueType type : kTypes) {
    if (name == name_of(type)) return type;
  }
  return std::nullopt;
}

/// The element as a value of that type, or nothing if it does not fit. The type decides how a
/// number is read: as f64, `-0` must keep its sign.
std::optional<Value> value_of(ondemand::value element, ValueType type) {
  bool is_null = false;
  if (element.is_null().get(is_null) != simdjson::SUCCESS) return std::nullopt;
  if (is_null) return Value::null();
  bool boolean = false;
  int64_t integer = 0;
  uint64_t large = 0;
  double number = 0;
  std::string_view text;
  switch (type) {
    case ValueType::kNull: return std::nullopt;
    case ValueType::kBool:
      if (element.get(boolean) == simdjson::SUCCESS) return Value::of(boolean);
      break;
    case ValueType::kU64:
      if (element.get(large) == simdjson::SUCCESS) return Value::of(large);
      break;
    case ValueType::kF64:
      if (element.get(number) == simdjson::SUCCESS) return Value::of(number);
      break;
    case ValueType::kString:
      if (element.get(text) == simdjson::SUCCESS) return Value::of(std::string(text));
      break;
    case ValueType::kI64:
    case ValueType::kTime:
    case ValueType::kDuration:
      if (element.get(integer) == simdjson::SUCCESS) return Value{type, integer};
      break;
  }
  return std::nullopt;
}

tl::unexpected<Error> unexpected_answer(const std::string& what) {
  return fail(
      ErrorCode::kInvalid,
      "unexpected response of /api/query; is this a Tocsin server of the same version? " + what);
}

tl::unexpected<Error> broken_json(simdjson::error_code code) {
  return unexpected_answer(fmt::format("not valid JSON: {}", simdjson::error_message(code)));
}

/// Calls `use(element)` for each element of an array; stops at the first error.
template <class Use>
Status for_each(ondemand::value value, const char* name, Use use) {
  ondemand::array list;
  if (value.get_array().get(list) != simdjson::SUCCESS) {
    return unexpected_answer(fmt::format("{} is not a list", name));
  }
  for (auto next : list) {
    ondemand::value element;
    if (const auto code = std::move(next).get(element)) return broken_json(code);
    TOCSIN_RETURN_IF_ERROR(use(element));
  }
  return {};
}

Status parse_column(ondemand::value element, ResultTable& table) {
  std::string_view name, type_name;
  if (element["name"].get(name) != simdjson::SUCCESS ||
      element["type"].get(type_name) != simdjson::SUCCESS) {
    return unexpected_answer("a column has no name or type");
  }
  const std::optional<ValueType> type = parse_type(type_name);
  if (!type) return unexpected_answer(fmt::format("unknown type {}", type_name));
  ResultColumn column;
  column.name = name;
  column.type = *type;
  table.columns.push_back(std::move(column));
  return {};
}

Status parse_row(ondemand::value element, ResultTable& table) {
  const std::string place = fmt::format("row {}", table.row_count + 1);
  size_t index = 0;
  TOCSIN_RETURN_IF_ERROR(for_each(element, place.c_str(), [&](ondemand::value item) -> Status {
    if (index == table.columns.size()) return unexpected_answer(place + " has too many values");
    ResultColumn& column = table.columns[index++];
    const std::optional<Value> value = value_of(item, column.type);
    if (!value) {
      return unexpected_answer(
          fmt::format("{}: {} is not of type {}", place, column.name, name_of(column.type)));
    }
    column.append(*value);
    return {};
  }));
  if (index < table.columns.size()) return unexpected_answer(place + " has too few values");
  ++table.row_count;
  return {};
}

Status parse_statistics(ondemand::value value, ResultTable& table) {
  ondemand::object statistics;
  if (value.get_object().get(statistics) != simdjson::SUCCESS) return {};
  const auto read = [&](const char* name, auto& number) {
    uint64_t found = 0;
    if (statistics[name].get(found) != simdjson::SUCCESS) return;
    number = static_cast<std::remove_reference_t<decltype(number)>>(found);
  };
  read("rows_matched", table.rows_matched);
  read("rows_scanned", table.statistics.rows_scanned);
  read("segments_read", table.statistics.segments_read);
  read("segments_skipped", table.statistics.segments_skipped);
  read("segments_answered", table.statistics.segments_answered);
  read("bytes_read", table.statistics.bytes_read);
  read("windows_remembered", table.statistics.windows_remembered);
  read("invalid_utf8", table.statistics.invalid_utf8);
  read("elapsed_us", table.statistics.elapsed_us);
  return {};
}

Status parse_warning(ondemand::value element, std::vector<std::string>& warnings) {
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) warnings.emplace_back(text);
  return {};
}

// The parts of a response, in the order in which the server writes them.
struct Answer {
  ResultTable table;
  bool has_columns = false;
  bool has_rows = false;

  Status read(std::string_view key, ondemand::value value) {
    if (key == "columns") {
      has_columns = true;
      return for_each(value, "columns", [&](auto each) { return parse_column(each, table); });
    }
    if (key == "rows" && has_columns) {
      has_rows = true;
      return for_each(value, "rows", [&](auto each) { return parse_row(each, table); });
    }
    if (key == "warnings") {
      return for_each(value, "warnings",
                      [&](auto each) { return parse_warning(each, table.warnings); });
    }
    if (key == "has_more_rows") {
      if (value.get(table.has_more_rows) != simdjson::SUCCESS)
        return unexpected_answer("has_more_rows is not a boolean");
      return {};
    }
    if (key == "stats") return parse_statistics(value, table);
    std::string_view error;
    if (key == "error" && value.get(error) == simdjson::SUCCESS) {
      return fail(ErrorCode::kInvalid, std::string(error));
    }
    return {};
  }
};

}  // namespace

std::string server_address(std::string url, const char* path) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url + path;
}

std::string server_error_text(const std::string& body) {
  dom::parser parser;
  std::string_view text;
  if (parser.parse(body)["error"].get(text) == simdjson::SUCCESS) return std::string(text);
  return body;
}

Result<ResultTable> parse_answer(std::string_view json) {
  const simdjson::padded_string padded(json);
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object object;
  if (const auto code = parser.iterate(padded).get(document)) return broken_json(code);
  if (const auto code = document.get_object().get(object)) return broken_json(code);
  Answer answer;
  for (auto next : object) {
    ondemand::field field;
    std::string_view key;
    if (const auto code = std::move(next).get(field)) return broken_json(code);
    if (const auto code = field.unescaped_key().get(key)) return broken_json(code);
    TOCSIN_RETURN_IF_ERROR(answer.read(key, field.value()));
  }
  if (!answer.has_rows) return unexpected_answer("no columns or rows");
  return std::move(answer.table);
}

Result<Completion> parse_completion(std::string_view json) {
  constexpr std::array kKinds = {SuggestionKind::kKeyword,     SuggestionKind::kStage,
                                 SuggestionKind::kMeasurement, SuggestionKind::kColumn,
                                 SuggestionKind::kValue,       SuggestionKind::kFunction,
                                 SuggestionKind::kAggregate,   SuggestionKind::kOperator,
                                 SuggestionKind::kConstant,    SuggestionKind::kParameter};
  dom::parser parser;
  dom::element answer;
  Completion completion;
  uint64_t start = 0, end = 0;
  dom::array list;
  if (parser.parse(json.data(), json.size()).get(answer) != simdjson::SUCCESS ||
      answer["start"].get(start) != simdjson::SUCCESS ||
      answer["end"].get(end) != simdjson::SUCCESS ||
      answer["suggestions"].get(list) != simdjson::SUCCESS) {
    return fail(
        ErrorCode::kInvalid,
        "unexpected response of /api/complete; is this a Tocsin server of the same version?");
  }
  completion.start = start;
  completion.end = end;
  for (const dom::element item : list) {
    std::string_view kind, text, detail;
    if (item["kind"].get(kind) != simdjson::SUCCESS ||
        item["text"].get(text) != simdjson::SUCCESS ||
        item["detail"].get(detail) != simdjson::SUCCESS) {
      continue;
    }
    Suggestion suggestion;
    for (const SuggestionKind known : kKinds) {
      if (kind == name_of(known)) suggestion.kind = known;
    }
    suggestion.text = text;
    suggestion.detail = detail;
    completion.suggestions.push_back(std::move(suggestion));
  }
  return completion;
}

Result<Completion> complete_on_server(const std::string& url, const ServerAccess& access,
                                      std::string_view text, size_t cursor) {
  HttpRequest request;
  request.url = server_address(url, "/api/complete");
  request.access = access;
  request.parameters = {{"cursor", std::to_string(cursor)}};
  request.body = text;
  request.headers = {"Content-Type: text/plain"};
  request.timeout = 3 * kSecond;  // a user is waiting at the keyboard
  TOCSIN_TRY(const HttpResponse response, http_post(request));
  return parse_completion(response.body);
}

Result<ResultTable> query_server(const RemoteQuery& query) {
  HttpRequest request;
  request.url = server_address(query.url, "/api/query");
  request.access = query.access;
  request.cancelled = query.cancelled;
  request.parameters = {{"time", "ns"}};
  if (query.rows_max > 0)
    request.parameters.emplace_back("rows_max", std::to_string(query.rows_max));
  if (!query.now.empty()) request.parameters.emplace_back("now", query.now);
  if (!query.zone.empty()) request.parameters.emplace_back("zone", query.zone);
  for (const auto& [name, value] : query.parameters) {
    request.parameters.emplace_back("param." + name, value);
  }
  request.body = query.text;
  request.headers = {"Content-Type: text/plain"};
  TOCSIN_TRY(const HttpResponse response, http_post(request));
  if (response.status == 200) return parse_answer(response.body);
  const std::string text = server_error_text(response.body);
  const ErrorCode code = response.status == 503 ? ErrorCode::kBusy : ErrorCode::kInvalid;
  return fail(code, text.empty()
                        ? fmt::format("{} responded with status {}", query.url, response.status)
                        : text);
}

}  // namespace tocsin
