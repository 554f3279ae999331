// Cuts CSV into records and fields (RFC 4180): fields between commas, quotes around those that hold
// commas, quotes (doubled) or newlines; a record ends at a newline outside quotes, with a carriage
// return before it or not.
//
// A quote counts only where a field begins. Where it is not closed within kLineBytesMax or the
// data, or something else than a comma or the record's end follows the closing one, it is broken:
// the record ends at its first newline, so that a broken quote costs its own line and cannot
// swallow the file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// The number of bytes at the start of `data` that are whole records, their newlines included. 0:
/// more bytes are needed.
size_t whole_records(std::string_view data);

/// The next record of `rest`, without its newline and a carriage return before it; advances `rest`.
/// Requires: `rest` ends where whole_records() said, or at the end of all data.
std::string_view next_record(std::string_view& rest);

struct CsvField {
  std::string_view text;  ///< without the quotes around it
  bool quoted = false;
  bool has_quotes = false;  ///< `text` holds doubled quotes
};

/// The fields of one record into `fields`; false when a quote is broken.
bool split_record(std::string_view record, std::vector<CsvField>& fields);

/// `text` with each doubled quote made one.
std::string without_doubled_quotes(std::string_view text);

}  // namespace tocsin
