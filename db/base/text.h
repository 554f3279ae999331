// Small text helpers that every layer shares: nearest names for error messages, UTF-8, escaping.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace tocsin {

/// The candidate nearest to `name` by edit distance (Levenshtein 1966, adjacent swaps count one),
/// or empty when none is near enough to be a likely misspelling.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

/// `text` with every invalid UTF-8 sequence replaced by U+FFFD; `replaced` is increased by the
/// number of replacements.
std::string valid_utf8(std::string_view text, size_t& replaced);
bool is_valid_utf8(std::string_view text);

/// `text` as a JSON string with its quotes (RFC 8259, section 7); invalid UTF-8 becomes U+FFFD.
std::string json_quote(std::string_view text);

}  // namespace tocsin
