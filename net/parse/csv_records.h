// Splits CSV into records and fields (RFC 4180). Fields are separated by commas; fields that
// contain commas, quotes (doubled) or newlines are quoted. A record ends at a newline outside
// quotes, with or without a carriage return before it. Another character may take the place of the
// comma.
//
// A quote counts only at the start of a field. It is broken if it is not closed within
// kLineBytesMax or the data, or if its closing quote is not followed by a comma or the end of the
// record. The record then ends at its first newline, so that a broken quote costs one line and not
// the file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// The number of bytes at the start of `data` that are whole records, including their newlines. 0
/// if more bytes are needed.
size_t whole_records(std::string_view data, char separator = ',');

/// Removes the next record from `rest` and returns it without its line end (newline or CRLF).
/// Requires: `rest` ends at a length that whole_records() returned, or at the end of all data.
std::string_view next_record(std::string_view& rest, char separator = ',');

struct CsvField {
  std::string_view text;  ///< without the quotes around it
  bool quoted = false;
  bool has_quotes = false;  ///< `text` contains doubled quotes
};

/// Splits one record into `fields`; returns false if a quote is broken.
bool split_record(std::string_view record, std::vector<CsvField>& fields, char separator = ',');

/// `text` with each doubled quote replaced by a single one.
std::string without_doubled_quotes(std::string_view text);

}  // namespace tocsin
