// The parsers over arbitrary bytes: LLVMFuzzerTestOneInput for libFuzzer, and checks that must hold for
// every input. tests/net/parse/fuzz_corpus_test.cpp runs it over a small corpus as an ordinary test.
#include <cstdint>
#include <string>
#include <vector>

#include "db/base/check.h"
#include "net/parse/framer.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_protocol.h"
#include "tests/net/parse/batch_text.h"

namespace {

using namespace tocsin;

// Every row has its values in its lanes, every view is inside what the batch keeps.
void check_batch(const Batch& batch) {
  for (const RowBatch& rows : batch.measurements()) {
    TOCSIN_CHECK(rows.lines().size() == rows.row_count());
    for (const Lane& lane : rows.lanes()) {
      const bool strings = lane.type == ColumnType::kString;
      TOCSIN_CHECK((strings ? lane.codes.size() : lane.text.size()) == lane.rows.size());
      for (size_t i = 0; i < lane.rows.size(); ++i) {
        TOCSIN_CHECK(lane.rows[i] < rows.row_count());
        TOCSIN_CHECK(i == 0 || lane.rows[i - 1] < lane.rows[i]);
        unsigned sum = 0;
        for (const char c : lane.text_of(i)) sum += static_cast<unsigned char>(c);  // readable
        TOCSIN_CHECK(sum != 1u << 31);
      }
    }
  }
}

void check_framing(std::string_view data) {
  std::vector<std::string_view> lines;
  for (std::string_view rest = data; !rest.empty();) lines.push_back(next_line(rest));
  const size_t whole = whole_lines(data, false);
  TOCSIN_CHECK(whole <= data.size());
  TOCSIN_CHECK(whole == 0 || data[whole - 1] == '\n');
  // The lines of the whole part are a beginning of the lines of all, and a stream in pieces has the same.
  size_t i = 0;
  for (std::string_view rest = data.substr(0, whole); !rest.empty(); ++i) {
    TOCSIN_CHECK(next_line(rest) == lines[i]);
  }
  StreamFramer framer;
  size_t taken = 0;
  for (size_t end = 1; end <= data.size(); ++end) {
    taken += framer.whole_lines(data.substr(taken, end - taken));
  }
  TOCSIN_CHECK(taken == whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (size <= 4096) check_framing(text);
  tocsin::ParseOptions options;
  options.measurement = "m";
  options.time_unit = size % 2;
  std::vector<tocsin::LineError> errors;
  tocsin::Batch lines;
  parse_line_protocol(lines.keep(text), options, lines, errors);
  check_batch(lines);
  std::vector<tocsin::LineError> general_errors;
  tocsin::Batch general;
  options.guess_shapes = false;
  parse_line_protocol(general.keep(text), options, general, general_errors);
  TOCSIN_CHECK(batch_image(lines) == batch_image(general));
  TOCSIN_CHECK(errors.size() == general_errors.size());
  options.guess_shapes = true;
  tocsin::Batch events(tocsin::ConflictPolicy::kKeepInRest);
  static tocsin::JsonLinesParser parser;
  parser.parse(events.keep(text), options, events, errors);
  check_batch(events);
  return 0;
}
