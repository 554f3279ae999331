// Parses label matchers and applies them.
#include "rules/label_matcher.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <re2/re2.h>

#include "db/base/ascii.h"
#include "query/function/pattern.h"

namespace tocsin {
namespace {

constexpr const char* kMatcherForm =
    "expected name=\"value\", name!=\"value\", name=~\"pattern\" or name!~\"pattern\"";

// The text inside quotes. As in Alertmanager, \" \\ and \n are escapes, and any other backslash is
// kept, which patterns need.
std::optional<std::string> unquoted(std::string_view text) {
  std::string out;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (i + 1 == text.size()) return out;
      return std::nullopt;
    }
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '\\' && (next == '"' || next == '\\' || next == 'n')) {
      out += next == 'n' ? '\n' : next;
      ++i;
    } else {
      out += text[i];
    }
  }
  return std::nullopt;
}

tl::unexpected<Error> not_a_matcher(std::string_view text) {
  return fail(ErrorCode::kInvalid, fmt::format("`{}` is not a matcher; {}", text, kMatcherForm));
}

}  // namespace

const std::string& label_of(const MatchLabels& labels, const std::string& name) {
  static const std::string kMissing;
  const auto found = labels.find(name);
  return found == labels.end() ? kMissing : found->second;
}

bool LabelMatcher::matches(std::string_view text) const {
  const bool same =
      pattern ? re2::RE2::FullMatch({text.data(), text.size()}, *pattern) : text == value;
  return same != negated;
}

bool all_match(const std::vector<LabelMatcher>& matchers, const MatchLabels& labels) {
  return std::all_of(matchers.begin(), matchers.end(), [&](const LabelMatcher& matcher) {
    return matcher.matches(label_of(labels, matcher.name));
  });
}

Result<LabelMatcher> make_label_matcher(std::string name, std::string value, bool negated,
                                        bool is_pattern) {
  LabelMatcher out{std::move(name), std::move(value), negated, nullptr};
  if (!is_pattern) return out;
  PatternError error;
  out.pattern = compile_pattern(out.value, error);
  if (out.pattern) return out;
  return fail(ErrorCode::kInvalid,
              fmt::format("`{}` is not a valid pattern: {}", out.value, error.message));
}

Result<LabelMatcher> parse_label_matcher(std::string_view text) {
  const std::string_view whole = trimmed(text);
  const size_t at = whole.find_first_of("=!");
  if (at == std::string_view::npos || at == 0 || whole[0] == '{') return not_a_matcher(text);
  LabelMatcher out;
  out.name = trimmed(whole.substr(0, at));
  const bool pattern = whole.substr(at + 1, 1) == "~";
  out.negated = whole[at] == '!';
  if (out.negated && !pattern && whole.substr(at + 1, 1) != "=") return not_a_matcher(text);
  const std::string_view value = trimmed(whole.substr(at + (out.negated || pattern ? 2 : 1)));
  out.value = value;
  if (value.starts_with('"')) {
    const auto inside = unquoted(value);
    if (!inside) return not_a_matcher(text);
    out.value = *inside;
  }
  return make_label_matcher(std::move(out.name), std::move(out.value), out.negated, pattern);
}

std::string format_matcher(const LabelMatcher& matcher) {
  std::string value;
  for (const char c : matcher.value) {
    if (c == '"' || c == '\\') value += '\\';
    value += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return fmt::format("{}{}{}\"{}\"", matcher.name, matcher.negated ? "!" : "=",
                     matcher.pattern ? "~" : (matcher.negated ? "=" : ""), value);
}

void read_matchers(Section& section, const char* key, bool required, Problems& problems,
                   std::vector<LabelMatcher>& out) {
  std::vector<std::string> texts;
  const YamlNode* node = section.texts(key, texts);
  if (required) section.require(key);
  if (required && node && node->kind == YamlNode::Kind::kSequence && node->items.empty()) {
    section.wrong(*node, key, "at least one matcher");
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    Result<LabelMatcher> matcher = parse_label_matcher(texts[i]);
    if (matcher) {
      out.push_back(*std::move(matcher));
      continue;
    }
    const FilePosition at = i < node->items.size() ? node->items[i].position() : node->position();
    problems.add(at, fmt::format("{}: {}", section.path_of(key), matcher.error().message));
  }
}

}  // namespace tocsin
