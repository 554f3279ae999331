// Typed reading of one YAML map. Values are read strictly, `yes` is not a boolean and `5` is not a
// duration, so that a mistake is an error and not a surprise.
#include "config/section.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "db/base/text.h"

namespace tocsin {
namespace {

struct ByteUnit {
  std::string_view name;
  uint64_t size;
};
constexpr ByteUnit kByteUnits[] = {
    {"GiB", uint64_t{1} << 30}, {"MiB", uint64_t{1} << 20}, {"KiB", uint64_t{1} << 10}, {"B", 1}};

template <class T>
bool parse_whole(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void Problems::add(FilePosition at, std::string_view message) {
  lines_.push_back(located(at, message));
}

void Problems::warn(FilePosition at, std::string_view message) {
  warnings_.push_back(located(at, message));
}

std::string Problems::located(FilePosition at, std::string_view message) const {
  return fmt::format("{}:{}:{}: {}", file_name_, at.line, at.column, message);
}

Section::Section(const YamlNode& node, std::string path, Problems& problems)
    : node_(node), path_(std::move(path)), problems_(problems) {
  is_map_ = node.kind == YamlNode::Kind::kMap;
  if (is_map_ || node.kind == YamlNode::Kind::kNull) return;
  problems_.add(node.position(), fmt::format("{}: expected a map of settings, found {}",
                                             path_.empty() ? "the file" : path_, describe(node)));
}

std::string Section::path_of(const char* key) const {
  return path_.empty() ? key : path_ + '.' + key;
}

void Section::wrong(const YamlNode& value, const char* key, std::string_view expected) {
  problems_.add(value.position(),
                fmt::format("{}: expected {}, found {}", path_of(key), expected, describe(value)));
}

const YamlNode* Section::find(const char* key) {
  known_.emplace_back(key);
  return is_map_ ? node_.find(key) : nullptr;
}

const YamlNode* Section::any(const char* key) { return find(key); }

template <class T, class Parse>
const YamlNode* Section::scalar(const char* key, std::string_view expected, T& out, Parse parse) {
  const YamlNode* value = find(key);
  if (!value) return nullptr;
  std::optional<T> parsed;
  if (value->kind == YamlNode::Kind::kScalar) parsed = parse(*value);
  if (parsed) {
    out = *std::move(parsed);
  } else {
    wrong(*value, key, expected);
  }
  return value;
}

const YamlNode* Section::text(const char* key, std::string& out) {
  return scalar(key, "a text", out,
                [](const YamlNode& value) -> std::optional<std::string> { return value.scalar; });
}

const YamlNode* Section::flag(const char* key, bool& out) {
  return scalar(key, "true or false", out, [](const YamlNode& value) -> std::optional<bool> {
    if (value.quoted || (value.scalar != "true" && value.scalar != "false")) return std::nullopt;
    return value.scalar == "true";
  });
}

const YamlNode* Section::number(const char* key, double& out, double min, double max) {
  const std::string expected = fmt::format("a number from {} to {}", min, max);
  return scalar(key, expected, out, [&](const YamlNode& value) -> std::optional<double> {
    double parsed = 0;
    if (value.quoted || !parse_whole(value.scalar, parsed)) return std::nullopt;
    if (!(parsed >= min && parsed <= max)) return std::nullopt;
    return parsed;
  });
}

const YamlNode* Section::count(const char* key, uint64_t& out, uint64_t min, uint64_t max) {
  const std::string expected = fmt::format("a whole number from {} to {}", min, max);
  return scalar(key, expected, out, [&](const YamlNode& value) -> std::optional<uint64_t> {
    uint64_t parsed = 0;
    if (value.quoted || !parse_whole(value.scalar, parsed)) return std::nullopt;
    if (parsed < min || parsed > max) return std::nullopt;
    return parsed;
  });
}

const YamlNode* Section::duration(const char* key, Duration& out, Duration min, Duration max) {
  const std::string expected = fmt::format("a duration from {} to {}, like 500ms, 5m or 1h30m",
                                           format_duration(min), format_duration(max));
  return scalar(key, expected, out, [&](const YamlNode& value) -> std::optional<Duration> {
    const Result<Duration> parsed = parse_duration(value.scalar);
    if (!parsed || *parsed < min || *parsed > max) return std::nullopt;
    return *parsed;
  });
}

const YamlNode* Section::duration_or_forever(const char* key, Duration& out, Duration min) {
  const std::string expected =
      fmt::format("`forever`, or a duration of at least {}, like 90d", format_duration(min));
  return scalar(key, expected, out, [&](const YamlNode& value) -> std::optional<Duration> {
    if (value.scalar == "forever") return 0;
    const Result<Duration> parsed = parse_duration(value.scalar);
    if (!parsed || *parsed < min) return std::nullopt;
    return *parsed;
  });
}

const YamlNode* Section::bytes(const char* key, uint64_t& out, uint64_t min, uint64_t max) {
  const std::string expected =
      fmt::format("a size from {} to {}, like 64MiB", format_byte_size(min), format_byte_size(max));
  return scalar(key, expected, out, [&](const YamlNode& value) -> std::optional<uint64_t> {
    const Result<uint64_t> parsed = parse_byte_size(value.scalar);
    if (!parsed || *parsed < min || *parsed > max) return std::nullopt;
    return *parsed;
  });
}

const YamlNode* Section::one_of(const char* key, std::string& out,
                                const std::vector<std::string>& words) {
  const std::string expected = fmt::format("one of {}", fmt::join(words, ", "));
  return scalar(key, expected, out, [&](const YamlNode& value) -> std::optional<std::string> {
    if (std::find(words.begin(), words.end(), value.scalar) == words.end()) return std::nullopt;
    return value.scalar;
  });
}

const YamlNode* Section::texts(const char* key, std::vector<std::string>& out) {
  const YamlNode* value = find(key);
  if (!value) return nullptr;
  if (value->kind == YamlNode::Kind::kScalar) {
    out = {value->scalar};
    return value;
  }
  if (value->kind != YamlNode::Kind::kSequence) {
    wrong(*value, key, "a list of texts");
    return value;
  }
  out.clear();
  for (const YamlNode& item : value->items) {
    if (item.kind == YamlNode::Kind::kScalar) {
      out.push_back(item.scalar);
    } else {
      wrong(item, key, "a list of texts");
    }
  }
  return value;
}

const YamlNode* Section::text_map(const char* key, std::map<std::string, std::string>& out) {
  const YamlNode* value = find(key);
  if (!value) return nullptr;
  if (value->kind != YamlNode::Kind::kMap) {
    wrong(*value, key, "a map of texts");
    return value;
  }
  out.clear();
  for (const auto& [name, item] : value->entries) {
    if (item.kind == YamlNode::Kind::kScalar) {
      out[name.scalar] = item.scalar;
    } else {
      problems_.add(item.position(), fmt::format("{}.{}: expected a text, found {}", path_of(key),
                                                 name.scalar, describe(item)));
    }
  }
  return value;
}

void Section::each(const char* key,
                   const std::function<void(const YamlNode&, const std::string&)>& read) {
  const YamlNode* value = find(key);
  if (!value || value->kind == YamlNode::Kind::kNull) return;
  if (value->kind != YamlNode::Kind::kSequence) {
    wrong(*value, key, "a list");
    return;
  }
  for (size_t i = 0; i < value->items.size(); ++i) {
    read(value->items[i], fmt::format("{}[{}]", path_of(key), i + 1));
  }
}

void Section::require(const char* key) {
  if (!is_map_ || node_.find(key)) return;
  problems_.add(node_.position(), fmt::format("{} is missing", path_of(key)));
}

void Section::finish() {
  if (!is_map_) return;
  for (const auto& [key, value] : node_.entries) {
    if (std::find(known_.begin(), known_.end(), key.scalar) != known_.end()) continue;
    const std::string hint =
        did_you_mean(nearest_name(key.scalar, known_),
                     fmt::format("expected one of {}", fmt::join(known_, ", ")));
    problems_.add(key.position(), fmt::format("unknown key `{}`{}; {}", key.scalar,
                                              path_.empty() ? "" : " in " + path_, hint));
  }
}

Result<uint64_t> parse_byte_size(std::string_view text) {
  for (const ByteUnit& unit : kByteUnits) {
    if (!text.ends_with(unit.name)) continue;
    uint64_t count = 0;
    uint64_t bytes = 0;
    if (!parse_whole(text.substr(0, text.size() - unit.name.size()), count)) break;
    if (__builtin_mul_overflow(count, unit.size, &bytes)) break;
    return bytes;
  }
  return fail(
      ErrorCode::kInvalid,
      fmt::format("`{}` is not a size; expected a whole number and one of B, KiB, MiB, GiB", text));
}

std::string format_byte_size(uint64_t bytes) {
  for (const ByteUnit& unit : kByteUnits) {
    if (bytes >= unit.size && bytes % unit.size == 0) {
      return fmt::format("{}{}", bytes / unit.size, unit.name);
    }
  }
  return "0B";
}

}  // namespace tocsin
