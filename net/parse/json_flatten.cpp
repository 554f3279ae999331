// Walks one JSON object with simdjson's on-demand parser. Only this file and json_body.h use
// simdjson.
#include <algorithm>
#include <memory_resource>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>
#include <simdjson.h>

#include "db/base/ascii.h"
#include "net/parse/json_event.h"
#include "net/parse/json_lines.h"
#include "net/parse/keys.h"
#include "net/parse/number.h"
#include "net/parse/scan.h"

namespace tocsin {
namespace {

namespace ondemand = simdjson::ondemand;
static_assert(kJsonPadding >= simdjson::SIMDJSON_PADDING);

constexpr size_t kFewKeys = 32;            // up to this many, duplicates are found by comparing
constexpr size_t kArenaBytes = 16 * 1024;  // of joined keys, before memory is allocated

// The place of a value in the object. `path` is its column's name, the keys joined with `.`. `keys`
// joins them with kKeySeparator, which distinguishes {"a": {"b": 1}} from {"a.b": 1}.
struct ValuePlace {
  std::string_view path;
  std::string_view keys;
};

// Whether a value with these keys belongs to `key` or to an object under it.
bool is_at_or_below(std::string_view keys, std::string_view key) {
  return keys.starts_with(key) && (keys.size() == key.size() || keys[key.size()] == kKeySeparator);
}

// As the path of the keys, for messages.
std::string shown_keys(std::string_view keys) {
  std::string text(keys);
  std::replace(text.begin(), text.end(), kKeySeparator, '.');
  return text;
}

}  // namespace

struct JsonFlattener::Impl {
  ondemand::parser parser;
  std::vector<JsonValue> values;
  JsonShape shape;
  std::string error;
  std::string oddity;
  bool invalid_text = false;

  // Of the line being walked.
  const char* line_end = nullptr;
  ondemand::document document;
  size_t key_count = 0;
  bool may_collide = false;  // a key is empty or has a dot in it
  // As in ValuePlace::keys; filled once there are more than kFewKeys.
  std::unordered_set<std::string_view> seen_keys;
  std::unique_ptr<char[]> arena_start = std::make_unique<char[]>(kArenaBytes);
  std::pmr::monotonic_buffer_resource arena{arena_start.get(), kArenaBytes};

  bool fail(std::string message) {
    error = std::move(message);
    return false;
  }
  bool fail(simdjson::error_code code) {
    invalid_text = code == simdjson::UTF8_ERROR || code == simdjson::STRING_ERROR;
    return fail(fmt::format("invalid JSON: {}", simdjson::error_message(code)));
  }

  bool walk(std::string_view line);
  bool walk_object(ondemand::object object, const ValuePlace& parent, size_t depth);
  bool walk_field(ondemand::field field, const ValuePlace& parent, size_t depth);
  bool walk_array(ondemand::array array, size_t depth);
  bool check_element(ondemand::value value, size_t depth);
  bool add_scalar(ondemand::value value, ondemand::json_type type, const ValuePlace& place);
  bool add_array(ondemand::value value, const ValuePlace& place, size_t depth);
  bool read_key(ondemand::field& field, std::string_view& key);
  std::string_view join(std::string_view prefix, char separator, std::string_view key);
  void drop_duplicate(std::string_view keys);
  void remember_keys();
  bool has_collisions() const;
  void separate_collisions();
  void note_shape(std::string_view key, ondemand::json_type type);
};

bool JsonFlattener::Impl::walk(std::string_view line) {
  values.clear();
  seen_keys.clear();
  arena.release();
  shape = JsonShape();
  key_count = 0;
  may_collide = false;
  oddity.clear();
  invalid_text = false;
  line_end = line.data() + line.size();
  if (const auto code =
          parser.iterate(line.data(), line.size(), line.size() + kJsonPadding).get(document)) {
    return fail(code);
  }
  ondemand::object object;
  if (const auto code = document.get_object().get(object)) return fail(code);
  if (!walk_object(object, {}, 1)) return false;
  separate_collisions();
  if (document.current_location().error() == simdjson::OUT_OF_BOUNDS) return true;
  return fail("invalid JSON: expected the line's end after the object");
}

bool JsonFlattener::Impl::walk_object(ondemand::object object, const ValuePlace& parent,
                                      size_t depth) {
  if (depth > kJsonDepthMax) {
    return fail(fmt::format("JSON is nested deeper than {} levels", kJsonDepthMax));
  }
  for (auto next : object) {
    ondemand::field field;
    if (const auto code = std::move(next).get(field)) return fail(code);
    if (!walk_field(field, parent, depth)) return false;
  }
  return true;
}

bool JsonFlattener::Impl::walk_field(ondemand::field field, const ValuePlace& parent,
                                     size_t depth) {
  if (++key_count > kJsonKeysMax) {
    return fail(fmt::format("more than {} keys in one line", kJsonKeysMax));
  }
  std::string_view key;
  if (!read_key(field, key)) return false;
  ondemand::json_type type;
  ondemand::value value = field.value();
  if (const auto code = value.type().get(type)) return fail(code);
  if (depth == 1) note_shape(key, type);
  const ValuePlace place{join(parent.path, '.', key.empty() ? kEmptyName : key),
                         join(parent.keys, kKeySeparator, key.empty() ? kEmptyKey : key)};
  may_collide |= key.empty() || key.find('.') != key.npos;
  if (key.empty() && oddity.empty()) {
    oddity = fmt::format("an empty key is called `{}`", place.path.substr(0, kShownBytesMax));
  }
  drop_duplicate(place.keys);
  if (type == ondemand::json_type::array) return add_array(value, place, depth);
  if (type != ondemand::json_type::object) return add_scalar(value, type, place);
  ondemand::object object;
  if (const auto code = value.get_object().get(object)) return fail(code);
  return walk_object(object, place, depth + 1);
}

bool JsonFlattener::Impl::read_key(ondemand::field& field, std::string_view& key) {
  const char* const start = field.key().raw();
  const char* const end = scan::find_any<'"', '\\'>(start, line_end);
  if (end != line_end && *end == '"') {
    key = {start, static_cast<size_t>(end - start)};
  } else if (const auto code = field.unescaped_key().get(key)) {
    return fail(code);
  }
  return true;
}

std::string_view JsonFlattener::Impl::join(std::string_view prefix, char separator,
                                           std::string_view key) {
  if (prefix.empty()) return key;
  const size_t size = prefix.size() + 1 + key.size();
  char* const path = static_cast<char*>(arena.allocate(size, 1));
  std::memcpy(path, prefix.data(), prefix.size());
  path[prefix.size()] = separator;
  std::memcpy(path + prefix.size() + 1, key.data(), key.size());
  return {path, size};
}

// The last of several duplicate keys wins, with everything below it.
void JsonFlattener::Impl::drop_duplicate(std::string_view keys) {
  if (key_count > kFewKeys) {
    if (seen_keys.empty()) remember_keys();
    if (seen_keys.insert(keys).second) return;
  }
  const auto dropped =
      std::erase_if(values, [&](const JsonValue& v) { return is_at_or_below(v.keys, keys); });
  if (dropped > 0 && oddity.empty()) oddity = duplicate_key(shown_keys(keys));
}

// Whether two values have the same path. Dots in keys are common, collisions are not.
bool JsonFlattener::Impl::has_collisions() const {
  if (!may_collide) return false;
  if (values.size() > kFewKeys) return true;  // or not: the caller finds out faster
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = i + 1; j < values.size(); ++j) {
      if (values[i].path == values[j].path) return true;
    }
  }
  return false;
}

// Values with different keys may have the same path: all but the most deeply nested get another.
void JsonFlattener::Impl::separate_collisions() {
  if (!has_collisions()) return;
  std::vector<JsonValue*> nested_first;
  for (JsonValue& value : values) nested_first.push_back(&value);
  const auto depth = [](const JsonValue* value) {
    return std::count(value->keys.begin(), value->keys.end(), kKeySeparator);
  };
  std::stable_sort(nested_first.begin(), nested_first.end(),
                   [&](const auto* a, const auto* b) { return depth(a) > depth(b); });
  std::unordered_set<std::string_view> paths;
  for (const JsonValue& value : values) paths.insert(value.path);
  std::unordered_map<std::string_view, size_t> uses;
  for (JsonValue* value : nested_first) {
    const std::string_view path = value->path;
    size_t& use = uses[path];
    if (++use == 1) continue;
    value->path = join(path, '_', std::to_string(use));
    while (!paths.insert(value->path).second) {
      value->path = join(path, '_', std::to_string(++use));
    }
    if (!oddity.empty()) continue;
    oddity = fmt::format("two keys are called `{}`: one of them is stored as `{}`",
                         path.substr(0, kShownBytesMax), value->path.substr(0, kShownBytesMax + 2));
  }
}

void JsonFlattener::Impl::remember_keys() {
  for (const JsonValue& value : values) {
    for (size_t end = value.keys.find(kKeySeparator); end != value.keys.npos;
         end = value.keys.find(kKeySeparator, end + 1)) {
      seen_keys.insert(value.keys.substr(0, end));
    }
    seen_keys.insert(value.keys);
  }
}

void JsonFlattener::Impl::note_shape(std::string_view key, ondemand::json_type type) {
  const bool is_object = type == ondemand::json_type::object;
  if (key == "fields") {
    shape.fields_is_object = is_object;
  } else if (key == "tags") {
    shape.tags_is_object = is_object;
  } else if (key != "name" && key != "timestamp") {
    shape.only_telegraf_keys = false;
  }
}

bool JsonFlattener::Impl::add_scalar(ondemand::value value, ondemand::json_type type,
                                     const ValuePlace& place) {
  const std::string_view path = place.path;
  JsonValue out;
  out.path = path;
  out.keys = place.keys;
  out.text = trimmed_end(value.raw_json_token());
  switch (type) {
    case ondemand::json_type::null:
      return out.text == "null" || fail(fmt::format("invalid JSON value of `{}`", path));
    case ondemand::json_type::boolean:
      out.kind = JsonValue::Kind::kBool;
      out.boolean = out.text == "true";
      if (!out.boolean && out.text != "false") {
        return fail(fmt::format("invalid JSON value of `{}`", path));
      }
      break;
    case ondemand::json_type::number: {
      const auto number = parse_json_number(out.text);
      if (!number) {
        return fail(fmt::format("invalid JSON number {} of `{}`",
                                out.text.substr(0, kShownBytesMax), path));
      }
      if (const auto* i64 = std::get_if<int64_t>(&*number)) {
        out.kind = JsonValue::Kind::kI64;
        out.i64 = *i64;
      } else if (const auto* u64 = std::get_if<uint64_t>(&*number)) {
        out.kind = JsonValue::Kind::kU64;
        out.u64 = *u64;
      } else if (const auto* f64 = std::get_if<double>(&*number)) {
        out.kind = JsonValue::Kind::kF64;
        out.f64 = *f64;
      } else {
        out.kind = JsonValue::Kind::kHuge;
      }
      break;
    }
    default:  // a string
      out.escaped = out.text.find('\\') != out.text.npos;
      if (!out.escaped) {
        out.text = out.text.substr(1, out.text.size() - 2);
      } else if (const auto code = value.get_string().get(out.text)) {
        return fail(code);
      }
      break;
  }
  values.push_back(out);
  return true;
}

bool JsonFlattener::Impl::add_array(ondemand::value value, const ValuePlace& place, size_t depth) {
  const char* const start = value.raw_json_token().data();
  ondemand::array array;
  if (const auto code = value.get_array().get(array)) return fail(code);
  if (!walk_array(array, depth + 1)) return false;
  const char* next = nullptr;  // the token after the array: a comma or a brace
  if (const auto code = document.current_location().get(next)) return fail(code);
  JsonValue out;
  out.path = place.path;
  out.keys = place.keys;
  out.kind = JsonValue::Kind::kArray;
  out.text = trimmed_end({start, static_cast<size_t>(next - start)});
  values.push_back(out);
  return true;
}

// simdjson validates only what is read, so every element is visited.
bool JsonFlattener::Impl::walk_array(ondemand::array array, size_t depth) {
  if (depth > kJsonDepthMax) {
    return fail(fmt::format("JSON is nested deeper than {} levels", kJsonDepthMax));
  }
  for (auto next : array) {
    ondemand::value value;
    if (const auto code = std::move(next).get(value)) return fail(code);
    if (!check_element(value, depth)) return false;
  }
  return true;
}

bool JsonFlattener::Impl::check_element(ondemand::value value, size_t depth) {
  ondemand::json_type type;
  if (const auto code = value.type().get(type)) return fail(code);
  if (type == ondemand::json_type::array) {
    ondemand::array array;
    if (const auto code = value.get_array().get(array)) return fail(code);
    return walk_array(array, depth + 1);
  }
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    if (const auto code = value.get_object().get(object)) return fail(code);
    if (depth + 1 > kJsonDepthMax) {
      return fail(fmt::format("JSON is nested deeper than {} levels", kJsonDepthMax));
    }
    for (auto next : object) {
      ondemand::field field;
      if (const auto code = std::move(next).get(field)) return fail(code);
      if (!check_element(field.value(), depth + 1)) return false;
    }
    return true;
  }
  const std::string_view text = trimmed_end(value.raw_json_token());
  if (type == ondemand::json_type::string) {
    std::string_view ignored;
    if (text.find('\\') == text.npos) return true;
    const auto code = value.get_string().get(ignored);
    return code == simdjson::SUCCESS || fail(code);
  }
  if (text == "null" || text == "true" || text == "false" || parse_json_number(text)) return true;
  return fail(fmt::format("invalid JSON value {}", text.substr(0, kShownBytesMax)));
}

std::string_view padded_line(std::string_view line, std::string_view buffer, Batch& batch) {
  const char* const line_end = line.data() + line.size();
  if (static_cast<size_t>(buffer.data() + buffer.size() - line_end) >= kJsonPadding) return line;
  std::string copy;
  copy.reserve(line.size() + kJsonPadding);
  copy.append(line).append(kJsonPadding, ' ');
  return batch.keep(std::move(copy)).substr(0, line.size());
}

JsonFlattener::JsonFlattener() : impl_(std::make_unique<Impl>()) {}
JsonFlattener::~JsonFlattener() = default;

bool JsonFlattener::flatten(std::string_view line) { return impl_->walk(line); }
std::vector<JsonValue>& JsonFlattener::values() { return impl_->values; }
const JsonShape& JsonFlattener::shape() const { return impl_->shape; }
const std::string& JsonFlattener::error() const { return impl_->error; }
const std::string& JsonFlattener::oddity() const { return impl_->oddity; }
bool JsonFlattener::invalid_text() const { return impl_->invalid_text; }

}  // namespace tocsin
