#include "tools/bench/parse_work.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "db/encoding/text_splitter.h"
#include "net/parse/csv_rows.h"
#include "net/parse/event_parser.h"
#include "net/parse/json_lines.h"
#include "net/parse/line_protocol.h"
#include "net/parse/number.h"
#include "net/parse/scan.h"
#include "tests/support/batch_text.h"

namespace tocsin {
namespace {

size_t finish(const Batch& batch, const LineErrors& errors, std::string* image) {
  if (image != nullptr) {
    *image += batch_image(batch);
    for (const LineError& error : errors) {
      *image += fmt::format("{}: {}: {}\n", error.line, error.reason, error.text);
    }
  }
  return batch.row_count();
}

// The lines outlive the batch here, so that it need not keep a copy.
size_t line_protocol(std::string_view lines, bool guess_shapes, std::string* image) {
  ParseOptions options;
  options.guess_shapes = guess_shapes;
  Batch batch;
  LineErrors errors;
  parse_line_protocol(lines, options, batch, errors);
  return finish(batch, errors, image);
}

size_t json_lines(std::string_view lines, bool guess_shapes, std::string* image) {
  ParseOptions options;
  options.guess_shapes = guess_shapes;
  JsonLinesParser parser;
  Batch batch;
  LineErrors errors;
  parser.parse(lines, options, batch, errors);
  return finish(batch, errors, image);
}

size_t csv(std::string_view records, std::string* image) {
  ParseOptions options;
  options.measurement = "audit";
  Batch batch;
  LineErrors errors;
  const auto header = read_csv_header(records);
  if (!header) return 0;
  parse_csv(records, *header, options, batch, errors);
  return finish(batch, errors, image);
}

size_t events(std::string_view lines, const char* name, const char* pattern, bool guess_shapes,
              std::string* image) {
  ParseOptions options;
  options.measurement = "audit";
  options.guess_shapes = guess_shapes;
  EventSettings settings;
  settings.pattern = pattern;
  const auto rules = read_event_settings(settings, name);
  if (!rules) return 0;
  FormatGuess guess;
  guess.other_lines = *line_format_of(name);
  std::optional<Timestamp> text_time;
  Batch batch(ConflictPolicy::kKeepInRest);
  LineErrors errors;
  EventParser().parse(event_format_of(guess, true, *rules), lines, options, text_time, batch,
                      errors);
  return finish(batch, errors, image);
}

template <class T>
T from_chars(std::string_view text) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

template <class T, class Parse>
size_t numbers(std::span<const std::string> texts, bool plain, std::string* image, Parse parse) {
  T sum{};
  for (const std::string& text : texts) {
    const T value = plain ? from_chars<T>(text) : parse(text).value_or(T{});
    if (image != nullptr) *image += fmt::format("{}\n", value);
    sum = sum / 2 + value / 2;
  }
  asm volatile("" : : "g"(&sum) : "memory");  // the sum is used
  return texts.size();
}

size_t integers(std::span<const std::string> texts, bool plain, std::string* image) {
  return numbers<int64_t>(texts, plain, image, parse_i64);
}

size_t decimals(std::span<const std::string> texts, bool plain, std::string* image) {
  return numbers<double>(texts, plain, image, parse_f64);
}

size_t count_lines(std::string_view lines, std::string* image) {
  const size_t count = scan::count_byte(lines, '\n');
  if (image != nullptr) *image += fmt::format("{}\n", count);
  return count;
}

size_t split(std::span<const std::string> texts, std::string* image) {
  TextSplitter splitter;
  size_t split = 0;
  for (const std::string& text : texts) {
    if (!splitter.split(text)) continue;
    ++split;
    if (image == nullptr) continue;
    *image += splitter.pattern();
    for (const uint64_t variable : splitter.variables()) *image += fmt::format(" {}", variable);
    *image += '\n';
  }
  return split;
}

constexpr ParseWork kWork = {line_protocol, json_lines, csv,         events,
                             integers,      decimals,   count_lines, split};

}  // namespace
}  // namespace tocsin

#if defined(TOCSIN_PORTABLE)
const ParseWork kPortableWork = tocsin::kWork;
#else
const ParseWork kReleasedWork = tocsin::kWork;
#endif
