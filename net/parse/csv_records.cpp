#include "net/parse/csv_records.h"

#include <algorithm>

#include "net/parse/framer.h"
#include "net/parse/scan.h"

namespace tocsin {
namespace {

// The index of the quote that closes the one at `open`, or scan::kNone.
size_t find_closing_quote(std::string_view data, size_t open, bool& has_quotes) {
  const size_t end = std::min(data.size(), kLineBytesMax);
  for (size_t at = open + 1;; at += 2) {
    at = scan::find_byte(data, '"', at, end);
    if (at == scan::kNone || at + 1 == data.size() || data[at + 1] != '"') return at;
    has_quotes = true;
  }
}

// Whether a field or record can end at `at`.
bool ends_field(std::string_view data, size_t at, char separator) {
  if (at == data.size() || data[at] == separator || data[at] == '\n') return true;
  return data[at] == '\r' && (at + 1 == data.size() || data[at + 1] == '\n');
}

// The first separator or newline of [p, end), or `end`.
const char* find_field_end(const char* p, const char* end, char separator) {
  if (separator == ',') return scan::find_any<',', '\n'>(p, end);
  return std::find_if(p, end, [&](char c) { return c == separator || c == '\n'; });
}

// The index of the newline that ends the record at the start of `data`, or scan::kNone if it has
// not arrived. `at_end`: no more data will come.
size_t find_record_end(std::string_view data, bool at_end, char separator) {
  size_t at = 0;  // where a field begins
  while (at < data.size()) {
    if (data[at] == '"') {
      bool ignored = false;
      const size_t close = find_closing_quote(data, at, ignored);
      const bool open = close == scan::kNone && data.size() < kLineBytesMax;
      // Whether the last byte is a closing quote or the first of two depends on the next byte.
      if (!at_end && (open || close + 1 == data.size())) return scan::kNone;
      if (close == scan::kNone || !ends_field(data, close + 1, separator)) return data.find('\n');
      at = close + 1;
    }
    const char* const stop = find_field_end(data.data() + at, data.data() + data.size(), separator);
    at = static_cast<size_t>(stop - data.data());
    if (at == data.size()) return scan::kNone;
    if (data[at] == '\n') return at;
    ++at;
  }
  return scan::kNone;
}

}  // namespace

size_t whole_records(std::string_view data, char separator) {
  size_t whole = 0;
  while (whole < data.size()) {
    const size_t end = find_record_end(data.substr(whole), false, separator);
    if (end == scan::kNone) break;
    whole += end + 1;
  }
  return whole;
}

std::string_view next_record(std::string_view& rest, char separator) {
  const size_t end = find_record_end(rest, true, separator);
  std::string_view record = rest.substr(0, end);
  rest.remove_prefix(end == scan::kNone ? rest.size() : end + 1);
  if (record.ends_with('\r')) record.remove_suffix(1);
  return record;
}

bool split_record(std::string_view record, std::vector<CsvField>& fields, char separator) {
  fields.clear();
  for (size_t at = 0;; ++at) {
    CsvField field;
    size_t end = 0;
    if (at < record.size() && record[at] == '"') {
      const size_t close = find_closing_quote(record, at, field.has_quotes);
      end = close + 1;
      if (close == scan::kNone || !(end == record.size() || record[end] == separator)) return false;
      field.quoted = true;
      field.text = record.substr(at + 1, close - at - 1);
    } else {
      end = std::min(record.find(separator, at), record.size());
      field.text = record.substr(at, end - at);
    }
    fields.push_back(field);
    if (end == record.size()) return true;
    at = end;  // a separator, so another field follows, perhaps an empty one
  }
}

std::string without_doubled_quotes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '"') ++i;  // skip the second one
  }
  return out;
}

}  // namespace tocsin
