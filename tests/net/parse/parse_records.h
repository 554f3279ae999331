// What a parser of records makes of a body.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "net/parse/records.h"
#include "tests/support/batch_text.h"

namespace tocsin {

struct ParsedRecords {
  std::string rows;
  std::vector<std::string> errors;          // `number: reason`
  std::vector<std::string> rejected_lines;  // by error
  std::vector<uint32_t> numbers;
  Status status;
  uint64_t untimed = 0;
  std::string oddity;
};

inline ParsedRecords parse_records(RecordParser parser, std::string_view body, Timestamp now,
                                   bool guess_shapes) {
  ParseOptions options;
  options.measurement = "logs";
  options.now = now;
  options.guess_shapes = guess_shapes;
  Batch batch(ConflictPolicy::kKeepInRest);
  LineErrors errors;
  RecordRows rows(options, batch, errors);
  ParsedRecords out;
  out.status = parser(batch.keep(std::string(body)), rows);
  if (out.status) out.status = rows.status();
  out.rows = batch_text(batch);
  out.numbers = rows.numbers();
  for (const LineError& error : errors) {
    out.errors.push_back(fmt::format("{}: {}", error.line, error.reason));
    out.rejected_lines.emplace_back(error.text);
  }
  out.untimed = errors.warnings()[LineWarning::kNoTime].count;
  out.oddity = errors.warnings()[LineWarning::kOddKey].first;
  return out;
}

}  // namespace tocsin
