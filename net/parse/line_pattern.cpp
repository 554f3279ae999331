// RE2 finds the groups of a match in several passes over the line. Most expressions for log lines
// need only one: they begin with `^`, and consist of texts and repeated classes of characters
// (`\S+`, `[^"]*`, `\d+`), after each of which a character follows that is not of the class. Then
// the longest run is the only one that can match, and nothing has to be tried twice. Such
// expressions are compiled to steps, which are used for lines of ASCII; tests compare both ways.
// tools/bench/parse_bench.cpp measures the gain.
#include "net/parse/line_pattern.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <re2/re2.h>

#include "db/base/ascii.h"
#include "net/parse/word_value.h"

namespace tocsin {
namespace {

constexpr size_t kByteCount = 128;  // of ASCII
using ByteSet = std::array<bool, kByteCount>;

// `(?<name>` is the same as `(?P<name>`, which older versions of RE2 do not know.
std::string with_re2_groups(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      out += c;
      out += pattern[++i];
      continue;
    }
    out += c;
    if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') out += pattern[++i];
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') out += pattern[++i];
    } else if (pattern.substr(i).starts_with("(?<") && i + 3 < pattern.size() &&
               is_word_character(pattern[i + 3])) {
      out += "?P<";
      i += 2;
    }
  }
  return out;
}

bool all_ascii(std::string_view text) {
  unsigned char odd = 0;
  for (const char c : text) odd |= static_cast<unsigned char>(c);
  return odd < 0x80;
}

}  // namespace

struct LinePattern::Expression {
  explicit Expression(const std::string& text, const re2::RE2::Options& options)
      : re(text, options) {}
  re2::RE2 re;
};

/// Compiles an expression to steps, or gives up.
class LinePattern::Linear {
 public:
  explicit Linear(std::string_view pattern) : rest_(pattern) {}

  std::optional<std::vector<Step>> compile() {
    if (!skip('^')) return std::nullopt;
    while (!rest_.empty() && rest_ != "$") {
      if (!group_border() && !element()) return std::nullopt;
    }
    at_end_ = rest_ == "$";
    if (!open_.empty() || opening_ >= 0 || steps_.empty() || !is_deterministic()) {
      return std::nullopt;
    }
    return std::move(steps_);
  }
  bool at_end() const { return at_end_; }

 private:
  bool skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // A group must begin and end with a step of its own.
  bool group_border() {
    if (rest_.starts_with("(?P<")) {
      const size_t end = rest_.find('>');
      if (end == rest_.npos || opening_ >= 0 || !open_.empty()) return false;
      opening_ = ++groups_;
      rest_.remove_prefix(end + 1);
      fresh_ = true;
      return true;
    }
    if (!rest_.starts_with(')') || open_.empty() || steps_.empty()) return false;
    steps_.back().closes = open_.back();
    open_.pop_back();
    rest_.remove_prefix(1);
    fresh_ = true;
    return rest_.empty() || std::string_view("*+?{").find(rest_[0]) == std::string_view::npos;
  }

  bool element() {
    ByteSet set = {};
    char single = '\0';
    if (!character(set, single)) return false;
    Step step;
    step.bytes = set;
    step.least = step.most = 1;
    if (!rest_.empty()) {
      if (rest_[0] == '+' || rest_[0] == '*') {
        step.most = SIZE_MAX;
        step.least = rest_[0] == '+' ? 1 : 0;
        rest_.remove_prefix(1);
      }
      if (!rest_.empty() && std::string_view("*+?{").find(rest_[0]) != std::string_view::npos) {
        return false;
      }
    }
    if (step.most == 1 && single != '\0') {
      step.kind = Step::Kind::kLiteral;
      step.literal = single;
      if (!fresh_ && !steps_.empty() && steps_.back().kind == Step::Kind::kLiteral) {
        steps_.back().literal += single;
        return true;
      }
    }
    if (opening_ >= 0) {
      step.opens = opening_;
      open_.push_back(opening_);
      opening_ = -1;
    }
    fresh_ = false;
    steps_.push_back(std::move(step));
    return true;
  }

  // One character or class. `single`: the character, if it is one.
  bool character(ByteSet& set, char& single) {
    const char c = rest_[0];
    if (c == '[') return char_class(set);
    if (c == '\\') return rest_.size() > 1 && escape(set, single);
    if (std::string_view("^$|()?*+{").find(c) != std::string_view::npos) return false;
    if (static_cast<unsigned char>(c) >= kByteCount) return false;
    rest_.remove_prefix(1);
    if (c == '.') {
      set.fill(true);
      set['\n'] = false;
      return true;
    }
    set[static_cast<size_t>(c)] = true;
    single = c;
    return true;
  }

  static bool named_class(char c, ByteSet& set) {
    const auto add = [&](auto belongs) {
      for (size_t i = 0; i < kByteCount; ++i) {
        if (belongs(static_cast<char>(i))) set[i] = true;
      }
      return true;
    };
    const auto space = [](char x) {
      return x == '\t' || x == '\n' || x == '\f' || x == '\r' || x == ' ';
    };
    switch (c) {
      case 'd': return add(is_digit);
      case 'w': return add(is_word_character);
      case 's': return add(space);
      case 'D': return add([](char x) { return !is_digit(x); });
      case 'W': return add([](char x) { return !is_word_character(x); });
      case 'S': return add([&](char x) { return !space(x); });
      default: return false;
    }
  }

  bool escape(ByteSet& set, char& single) {
    const char c = rest_[1];
    if (named_class(c, set)) {
      rest_.remove_prefix(2);
      return true;
    }
    if (c == 't') {
      single = '\t';
    } else if (!is_alphanumeric(c) && static_cast<unsigned char>(c) < kByteCount) {
      single = c;
    } else {
      return false;
    }
    set[static_cast<size_t>(single)] = true;
    rest_.remove_prefix(2);
    return true;
  }

  bool char_class(ByteSet& set) {
    rest_.remove_prefix(1);
    const bool negated = skip('^');
    bool first = true;
    while (!rest_.empty() && (first || rest_[0] != ']')) {
      first = false;
      const char c = rest_[0];
      if (c == '[' || static_cast<unsigned char>(c) >= kByteCount) return false;
      char single = c;
      if (c == '\\') {
        if (rest_.size() < 2) return false;
        single = '\0';
        if (!escape(set, single)) return false;
        if (single == '\0') continue;
      } else {
        rest_.remove_prefix(1);
      }
      set[static_cast<size_t>(single)] = true;
      if (rest_.size() < 2 || rest_[0] != '-' || rest_[1] == ']') continue;
      const char last = rest_[1];
      if (last == '\\' || last == '[' || last < single) return false;
      for (char x = single; x < last; ++x) set[static_cast<size_t>(x) + 1] = true;
      rest_.remove_prefix(2);
    }
    if (!skip(']')) return false;
    if (negated) {
      for (bool& belongs : set) belongs = !belongs;
    }
    return true;
  }

  // Whether each run ends where the next step must begin. A step that may be empty is passed.
  bool is_deterministic() const {
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].most == 1) continue;
      for (size_t next = i + 1; next < steps_.size(); ++next) {
        const Step& after = steps_[next];
        const auto first = [&](size_t byte) {
          return after.kind == Step::Kind::kRun ? after.bytes[byte]
                                                : static_cast<size_t>(after.literal[0]) == byte;
        };
        for (size_t byte = 0; byte < kByteCount; ++byte) {
          if (steps_[i].bytes[byte] && first(byte)) return false;
        }
        if (after.least > 0) break;
      }
    }
    return true;
  }

  std::string_view rest_;
  std::vector<Step> steps_;
  std::vector<int> open_;
  int opening_ = -1;
  int groups_ = 0;
  bool fresh_ = true;  // the next step may not continue the last one
  bool at_end_ = false;
};

LinePattern::LinePattern(std::string_view text) : text_(text) {}
LinePattern::~LinePattern() = default;

Result<std::shared_ptr<const LinePattern>> LinePattern::create(std::string_view pattern) {
  std::shared_ptr<LinePattern> out(new LinePattern(pattern));
  const std::string text = with_re2_groups(pattern);
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto expression = std::make_unique<Expression>(text, options);
  if (!expression->re.ok()) {
    return fail(ErrorCode::kInvalid,
                fmt::format("`{}` is not a valid regular expression ({}); the syntax is that of "
                            "RE2: github.com/google/re2/wiki/Syntax",
                            pattern, expression->re.error()));
  }
  for (const auto& [group, name] : expression->re.CapturingGroupNames()) {
    out->names_.emplace_back(group, name);
  }
  if (out->names_.empty()) {
    return fail(
        ErrorCode::kInvalid,
        fmt::format("`{}` has no named groups; each `(?P<name>...)` becomes a column", pattern));
  }
  out->group_count_ = expression->re.NumberOfCapturingGroups();
  out->expression_ = std::move(expression);
  Linear linear(text);
  if (auto steps = linear.compile()) {
    out->steps_ = *std::move(steps);
    if (linear.at_end()) out->steps_.push_back({.kind = Step::Kind::kEnd});
  }
  return std::shared_ptr<const LinePattern>(std::move(out));
}

bool LinePattern::match(std::string_view line, std::vector<std::string_view>& groups,
                        bool linear) const {
  groups.assign(static_cast<size_t>(group_count_) + 1, {});
  return linear && is_linear() && all_ascii(line) ? match_steps(line, groups)
                                                  : match_expression(line, groups);
}

bool LinePattern::match_expression(std::string_view line,
                                   std::vector<std::string_view>& groups) const {
  thread_local std::vector<re2::StringPiece> found;
  found.assign(groups.size(), {});
  if (!expression_->re.Match(re2::StringPiece(line.data(), line.size()), 0, line.size(),
                             re2::RE2::UNANCHORED, found.data(), static_cast<int>(found.size()))) {
    return false;
  }
  for (size_t i = 0; i < groups.size(); ++i) groups[i] = {found[i].data(), found[i].size()};
  return true;
}

bool LinePattern::match_steps(std::string_view line, std::vector<std::string_view>& groups) const {
  size_t at = 0;
  size_t start = 0;
  for (const Step& step : steps_) {
    if (step.opens >= 0) start = at;
    switch (step.kind) {
      case Step::Kind::kLiteral:
        if (!line.substr(at).starts_with(step.literal)) return false;
        at += step.literal.size();
        break;
      case Step::Kind::kEnd:
        if (at != line.size()) return false;
        break;
      case Step::Kind::kRun: {
        const size_t from = at;
        const size_t end = step.most < line.size() - at ? at + step.most : line.size();
        while (at < end && step.bytes[static_cast<size_t>(line[at])]) ++at;
        if (at - from < step.least) return false;
        break;
      }
    }
    if (step.closes >= 0) {
      groups[static_cast<size_t>(step.closes)] = line.substr(start, at - start);
    }
  }
  groups[0] = line.substr(0, at);
  return true;
}

bool LinePattern::read(std::string_view line, std::vector<JsonValue>& values) const {
  thread_local std::vector<std::string_view> groups;
  if (!match(line, groups)) return false;
  for (const auto& [group, name] : names_) {
    const std::string_view text = groups[static_cast<size_t>(group)];
    if (text.data() == nullptr) continue;
    JsonValue value;
    value.path = name;
    read_word(text, value);
    values.push_back(value);
  }
  return true;
}

}  // namespace tocsin
