// Runs the parsers on arbitrary bytes: LLVMFuzzerTestOneInput for libFuzzer, with checks that must
// hold for every input. tests/net/parse/fuzz_corpus_test.cpp runs it on a small corpus as an
// ordinary test.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "db/base/check.h"
#include "net/parse/bulk.h"
#include "net/parse/csv_records.h"
#include "net/parse/csv_rows.h"
#include "net/parse/event_parser.h"
#include "net/parse/framer.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_protocol.h"
#include "net/parse/loki.h"
#include "net/parse/otlp.h"
#include "net/parse/syslog.h"
#include "net/parse/syslog_frames.h"
#include "net/parse/typed_json.h"
#include "tests/support/batch_text.h"

namespace {

using namespace tocsin;

// Checks that lanes refer to existing rows and that every view is readable.
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

// The fast paths must produce the same as the general parsers.
template <class Parse>
void check_guesses(tocsin::ParseOptions options, Parse parse) {
  std::string images[2];
  size_t error_counts[2] = {};
  for (const bool guess : {false, true}) {
    options.guess_shapes = guess;
    Batch batch(ConflictPolicy::kKeepInRest);
    LineErrors errors;
    parse(options, batch, errors);
    check_batch(batch);
    images[guess] = batch_image(batch);
    error_counts[guess] = errors.size();
  }
  TOCSIN_CHECK(images[0] == images[1]);
  TOCSIN_CHECK(error_counts[0] == error_counts[1]);
}

void check_framing(std::string_view data) {
  std::vector<std::string_view> lines;
  for (std::string_view rest = data; !rest.empty();) lines.push_back(next_line(rest));
  const size_t whole = whole_lines(data, false);
  TOCSIN_CHECK(whole <= data.size());
  TOCSIN_CHECK(whole == 0 || data[whole - 1] == '\n');
  // The lines of the whole part are a prefix of all lines, and a stream in pieces yields the same.
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

void check_records(std::string_view data) {
  std::vector<std::string_view> records;
  for (std::string_view rest = data; !rest.empty();) records.push_back(next_record(rest));
  const size_t whole = whole_records(data);
  TOCSIN_CHECK(whole <= data.size());
  TOCSIN_CHECK(whole == 0 || data[whole - 1] == '\n');
  size_t i = 0;
  for (std::string_view rest = data.substr(0, whole); !rest.empty(); ++i) {
    TOCSIN_CHECK(next_record(rest) == records[i]);
  }
}

// Uses the first lines as a header if they are a valid one.
void check_csv(const std::string& text, const ParseOptions& options) {
  Batch batch;
  LineErrors errors;
  std::string_view records = batch.keep(text);
  const auto header = read_csv_header(records);
  if (!header) return;
  TOCSIN_CHECK(!header->columns.empty() && header->columns.size() <= kCsvColumnCountMax);
  parse_csv(records, *header, options, batch, errors);
  check_batch(batch);
}

void check_typed_json(const std::string& text, const ParseOptions& options) {
  static TypedJsonParser parser;
  Batch batch;
  LineErrors errors;
  std::string_view lines = batch.keep(text);
  const auto columns = read_typed_json_header(next_line(lines));
  parser.parse(lines, columns ? *columns : std::vector<TypedMeasurement>(), options, batch, errors);
  check_batch(batch);
}

// The rows are the same with and without memory of earlier records, and their lines are read back.
void check_records_of(RecordParser parse, const std::string& text, ParseOptions options) {
  static JsonLinesParser lines;
  std::string images[2];
  for (const bool guess : {false, true}) {
    options.guess_shapes = guess;
    Batch batch(ConflictPolicy::kKeepInRest);
    LineErrors errors;
    RecordRows rows(options, batch, errors);
    const Status status = parse(batch.keep(text), rows);
    check_batch(batch);
    TOCSIN_CHECK(rows.numbers().size() == batch.row_count());
    images[guess] = batch_image(batch) + (status ? "" : status.error().message);
    const RowBatch& parsed = batch.measurements()[0];
    for (size_t row = 0; guess && row < parsed.row_count(); ++row) {
      Batch again(ConflictPolicy::kKeepInRest);
      LineErrors no_errors;
      lines.parse(again.keep(row_as_line(parsed, row)), options, again, no_errors);
      TOCSIN_CHECK(again.row_count() == 1 && no_errors.empty());
    }
  }
  TOCSIN_CHECK(images[0] == images[1]);
}

// Lines of files in each format, with and without memory of earlier lines.
void check_events(const std::string& text, ParseOptions options) {
  static EventParser parser;
  for (const std::string& name : line_format_names()) {
    const auto named = line_format_of(name);
    if (!named || *named == InputFormat::kLineProtocol || *named == InputFormat::kJson) continue;
    for (const bool recognised : {false, true}) {
      static const auto pattern = *LinePattern::create(R"(^(?P<time>\S+) (?P<a>[^=]*)=(?P<b>.*))");
      static const auto start = *MultiLine::by_pattern("^[a-z0-9]");
      EventFormat format{*named, recognised};
      format.pattern = pattern;
      if (text.size() % 2 == 0) format.multi_line = start;
      const size_t lines = text.rfind('\n') + 1;  // npos + 1 is 0
      TOCSIN_CHECK(whole_events(format, std::string_view(text).substr(0, lines)) <= lines);
      check_guesses(options, [&](const ParseOptions& how, Batch& batch, LineErrors& errors) {
        std::optional<Timestamp> text_time;
        parser.parse(format, batch.keep(text), how, text_time, batch, errors);
      });
    }
  }
}

// A stream in pieces has the frames of the whole stream, and each of them a row or a reason.
void check_syslog(std::string_view data, ParseOptions options) {
  std::string bodies[2];
  for (const bool whole : {false, true}) {
    SyslogFramer framer;
    const size_t step = whole ? data.size() + 1 : 3;
    for (size_t at = 0; at < data.size(); at += step)
      framer.add(data.substr(at, step), bodies[whole]);
    framer.end(data.size() % 2 == 0, bodies[whole]);
  }
  TOCSIN_CHECK(bodies[0] == bodies[1]);
  size_t frame_count = 0;
  for (std::string_view rest = bodies[0]; next_frame(rest);) ++frame_count;
  options.syslog = {"10.0.0.9", data.size() % 3 == 0, data.size() % 3 == 0};
  Batch batch(ConflictPolicy::kKeepInRest);
  LineErrors errors;
  RecordRows rows(options, batch, errors);
  TOCSIN_CHECK(parse_syslog(batch.keep(bodies[0]), rows).has_value());
  check_batch(batch);
  TOCSIN_CHECK(batch.row_count() + errors.size() == frame_count);
}

// Documents are lines of the body, in order.
void check_bulk(std::string_view body) {
  const auto bulk = parse_bulk(body, "logs");
  if (!bulk) return;
  const char* last = body.data();
  for (const BulkItem& item : bulk->items) {
    TOCSIN_CHECK(item.index < bulk->indices.size());
    if (item.document.empty()) continue;
    TOCSIN_CHECK(item.document.data() > last && item.document.find('\n') == item.document.npos);
    last = item.document.data();
    TOCSIN_CHECK(last + item.document.size() <= body.data() + body.size());
  }
  for (const std::string& index : bulk->indices)
    TOCSIN_CHECK(index.empty() || !measurement_of_index(index).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (size <= 4096) check_framing(text);
  if (size <= 4096) check_records(text);
  tocsin::ParseOptions options;
  options.measurement = "m";
  options.time_unit = size % 2;
  check_guesses(options, [&](const tocsin::ParseOptions& how, tocsin::Batch& batch, auto& errors) {
    parse_line_protocol(batch.keep(text), how, batch, errors);
  });
  static tocsin::JsonLinesParser parser;
  check_guesses(options, [&](const tocsin::ParseOptions& how, tocsin::Batch& batch, auto& errors) {
    parser.parse(batch.keep(text), how, batch, errors);
  });
  check_csv(text, options);
  check_typed_json(text, options);
  for (const RecordParser parse :
       {&parse_loki_protobuf, &parse_loki_json, &parse_otlp_protobuf, &parse_otlp_json}) {
    check_records_of(parse, text, options);
  }
  check_events(text, options);
  check_bulk(text);
  check_syslog(text, options);
  return 0;
}
