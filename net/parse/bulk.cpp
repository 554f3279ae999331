// The lines of a bulk body: an action, and for all but `delete` a document.
#include "net/parse/bulk.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <simdjson.h>

#include "net/parse/framer.h"
#include "net/parse/line_errors.h"

namespace tocsin {
namespace {

constexpr std::string_view kDateSeparators = "-_.";

class BulkReader {
 public:
  explicit BulkReader(std::string_view index) : default_index_(index) {}

  Result<BulkBody> read(std::string_view body) {
    uint64_t line_number = 0;
    while (!body.empty()) {
      const std::string_view line = next_simple_line(body);
      ++line_number;
      if (line.find_first_not_of(" \t\r") == line.npos) continue;
      if (out_.items.size() == kBulkItemsMax) {
        return fail(ErrorCode::kLimit, fmt::format("a bulk request may have {} items; send it in "
                                                   "parts",
                                                   kBulkItemsMax));
      }
      TOCSIN_RETURN_IF_ERROR(read_action(line, line_number));
      if (item_.action != BulkAction::kDelete) {
        item_.document = next_simple_line(body);
        ++line_number;
      }
      out_.items.push_back(item_);
    }
    return std::move(out_);
  }

 private:
  // Sets the item without its document.
  Status read_action(std::string_view line, uint64_t line_number) {
    if (line == last_line_) return {};
    last_line_ = line;
    item_ = {};
    constexpr bool kCopy = true;  // simdjson reads a few bytes more
    simdjson::dom::object action;
    simdjson::dom::object target;
    const bool valid =
        parser_.parse(line.data(), line.size(), kCopy).get(action) == simdjson::SUCCESS &&
        action.size() == 1 && action.begin().value().get(target) == simdjson::SUCCESS &&
        set_action(action.begin().key());
    if (!valid) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("Malformed action/metadata line [{}]: expected "
                              "{{\"create\":{{\"_index\":...}}}} or {{\"index\":...}}, found {}",
                              line_number, line.substr(0, kShownBytesMax)));
    }
    std::string_view text;
    if (target["_id"].get(text) == simdjson::SUCCESS) item_.id = text;
    text = default_index_;
    if (target["_index"].get(text) != simdjson::SUCCESS) text = default_index_;
    item_.index = number_of(text);
    return {};
  }

  bool set_action(std::string_view name) {
    for (const BulkAction action :
         {BulkAction::kCreate, BulkAction::kIndex, BulkAction::kUpdate, BulkAction::kDelete}) {
      if (name != name_of(action)) continue;
      item_.action = action;
      return true;
    }
    return false;
  }

  uint32_t number_of(std::string_view index) {
    const auto known = numbers_.find(index);
    if (known != numbers_.end()) return known->second;
    const auto number = static_cast<uint32_t>(out_.indices.size());
    out_.indices.emplace_back(index);
    numbers_.emplace(index, number);
    return number;
  }

  const std::string_view default_index_;
  simdjson::dom::parser parser_;
  BulkBody out_;
  std::map<std::string, uint32_t, std::less<>> numbers_;  // of indices
  std::string_view last_line_;                            // most actions are equal
  BulkItem item_;
};

bool consume_digits(std::string_view& text, size_t count, int min, int max) {
  if (text.size() < count) return false;
  int number = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + (c - '0');
  }
  if (number < min || number > max) return false;
  text.remove_prefix(count);
  return true;
}

void consume_separator(std::string_view& text) {
  if (!text.empty() && kDateSeparators.find(text.front()) != kDateSeparators.npos)
    text.remove_prefix(1);
}

// `2026`, `2026.11`, `2026-11-30`, `20261130`, `2026.11.30.12` or `2026.w48`.
bool is_index_date(std::string_view text) {
  if (!consume_digits(text, 4, 1990, 2099)) return false;
  if (text.empty()) return true;
  consume_separator(text);
  if (text.starts_with('w') || text.starts_with('W')) {
    text.remove_prefix(1);
    return consume_digits(text, 2, 1, 53) && text.empty();
  }
  if (!consume_digits(text, 2, 1, 12)) return false;
  if (text.empty()) return true;
  consume_separator(text);
  if (!consume_digits(text, 2, 1, 31)) return false;
  if (text.empty()) return true;
  consume_separator(text);
  return consume_digits(text, 2, 0, 23) && text.empty();
}

}  // namespace

const char* name_of(BulkAction action) {
  switch (action) {
    case BulkAction::kCreate: return "create";
    case BulkAction::kIndex: return "index";
    case BulkAction::kUpdate: return "update";
    case BulkAction::kDelete: return "delete";
  }
  return "";
}

Result<BulkBody> parse_bulk(std::string_view body, std::string_view index) {
  return BulkReader(index).read(body);
}

std::string measurement_of_index(std::string_view index) {
  constexpr std::string_view kDataStream = ".ds-";
  constexpr size_t kGenerationDigits = 6;
  std::string_view name = index;
  if (name.starts_with(kDataStream)) name.remove_prefix(kDataStream.size());
  const size_t dash = name.rfind('-');
  if (dash != name.npos && name.size() - dash == 1 + kGenerationDigits &&
      name.find_first_not_of("0123456789", dash + 1) == name.npos) {
    name = name.substr(0, dash);
  }
  for (size_t at = name.find_first_of(kDateSeparators); at != name.npos;
       at = name.find_first_of(kDateSeparators, at + 1)) {
    if (at == 0 || !is_index_date(name.substr(at + 1))) continue;
    name = name.substr(0, at);
    break;
  }
  return std::string(name.empty() ? index : name);
}

}  // namespace tocsin
