#include "query/vector/text_search.h"

#include <algorithm>
#include <utility>

#include <re2/re2.h>

#include "db/base/ascii.h"

namespace tocsin {
namespace {

constexpr std::string_view kIgnoreCase = "(?i)";

bool is_plain(std::string_view pattern) {
  constexpr std::string_view kPlain = " _-/:,;=<>@#%&'\"!~";
  return std::ranges::all_of(pattern, [&](char c) {
    return is_alphanumeric(c) || kPlain.find(c) != std::string_view::npos;
  });
}

bool has_ascii_only(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return (c & 0x80) != 0; });
}

}  // namespace

std::unique_ptr<TextSearch> TextSearch::of(const Program& program, const Node& call) {
  if (call.kind != Node::Kind::kCall || call.arguments.size() != 2) return nullptr;
  const Node& searched = program.nodes[call.arguments[0]];
  const auto* constant = std::get_if<std::string>(&program.nodes[call.arguments[1]].literal.data);
  if (!constant || searched.type != ValueType::kString) return nullptr;
  std::unique_ptr<TextSearch> out(new TextSearch(call.arguments[0], *constant));
  bool ignore_case = false;
  switch (call.function) {
    case Function::kContains: {
      if (searched.kind != Node::Kind::kCall) break;
      const bool lower =
          searched.function == Function::kLower && std::ranges::none_of(*constant, is_upper);
      const bool upper =
          searched.function == Function::kUpper && std::ranges::none_of(*constant, is_lower);
      if (!lower && !upper) break;
      out->text_ = searched.arguments[0];
      ignore_case = true;
      break;
    }
    case Function::kIcontains: ignore_case = true; break;
    case Function::kMatches:
    case Function::kNotMatches: {
      ignore_case = constant->starts_with(kIgnoreCase);
      if (ignore_case) out->part_.erase(0, kIgnoreCase.size());
      if (!is_plain(out->part_)) return nullptr;
      const bool has_twins = out->part_.find_first_of("kKsS") != std::string::npos;
      if (ignore_case && has_twins) out->pattern_ = *constant;
      out->wanted_ = call.function == Function::kMatches;
      break;
    }
    default: return nullptr;
  }
  if (ignore_case) {
    out->caseless_.emplace(out->part_);
    out->part_ = out->caseless_->part();
  }
  return out;
}

bool TextSearch::found_in(std::string_view text, ScalarContext& scalar) {
  if (!caseless_) return find_text(text, part_) != std::string_view::npos;
  if (caseless_->found_in(text)) return true;
  if (pattern_.empty() || has_ascii_only(text)) return false;
  const re2::RE2* const pattern = scalar.pattern(pattern_);
  return pattern && re2::RE2::PartialMatch({text.data(), text.size()}, *pattern);
}

TextMatch TextSearch::holds(const TextTemplate& texts) const {
  TextMatch match = TextMatch::kUnknown;
  if (!caseless_) {
    match = texts.contains(part_);
  } else {
    TextTemplate lower = texts;
    std::vector<std::string> parts;
    for (const std::string_view part : texts.parts) parts.push_back(lower_case(part));
    lower.parts.assign(parts.begin(), parts.end());
    match = lower.contains(part_);
    const bool may_have_twins =
        !pattern_.empty() && !std::ranges::all_of(texts.parts, has_ascii_only);
    if (match == TextMatch::kNever && may_have_twins) match = TextMatch::kUnknown;
  }
  if (wanted_ || match == TextMatch::kUnknown) return match;
  return match == TextMatch::kAlways ? TextMatch::kNever : TextMatch::kAlways;
}

}  // namespace tocsin
