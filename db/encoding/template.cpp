#include "db/encoding/template.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "db/base/message_template.h"
#include "db/encoding/bit_packing.h"
#include "db/encoding/string_pool.h"
#include "db/limits.h"

namespace tocsin {
namespace {

/// Templates pay if at least this many values share one on average ...
constexpr size_t kValuesPerTemplateMin = 8;
/// ... which is first checked after this many values.
constexpr size_t kFirstCheckValues = 2 * kVectorRows;
/// Texts of a pattern with fewer values stay whole.
constexpr size_t kTemplateValuesMin = 3;
/// At most one value in this many may stay whole.
constexpr size_t kWholeShareMin = 4;

constexpr uint32_t kNone = UINT32_MAX;

/// All texts, split; their patterns are numbered in the order of appearance.
struct SplitTexts {
  StringPool patterns;
  std::vector<uint32_t> numbers;          // by text: its pattern, or kNone
  std::vector<uint32_t> first_variables;  // by text
  std::vector<uint64_t> variables;        // of all texts, concatenated
  std::vector<uint32_t> counts;           // by pattern: its values
};

bool split_texts(std::span<const std::string_view> texts, std::span<const uint64_t> codes,
                 SplitTexts& split) {
  TextSplitter splitter;
  split.numbers.assign(texts.size(), kNone);
  split.first_variables.resize(texts.size());
  size_t done = 0;
  for (size_t i = 0; i < codes.size(); ++i) {
    // Texts are numbered in the order of their appearance.
    if (codes[i] == done) {
      const std::string_view text = texts[done];
      split.first_variables[done] = static_cast<uint32_t>(split.variables.size());
      if (splitter.split(text)) {
        split.numbers[done] = split.patterns.add(splitter.pattern());
        split.counts.resize(split.patterns.size());
        split.variables.insert(split.variables.end(), splitter.variables().begin(),
                               splitter.variables().end());
      }
      ++done;
    }
    if (split.numbers[codes[i]] != kNone) ++split.counts[split.numbers[codes[i]]];
    if (i + 1 == kFirstCheckValues || i + 1 == codes.size()) {
      if (split.patterns.size() * kValuesPerTemplateMin > i + 1) return false;
    }
  }
  return split.patterns.is_exact();
}

/// The patterns with enough values, the most frequent first, because small numbers are packed more
/// tightly.
std::vector<uint32_t> frequent_patterns(const SplitTexts& split) {
  std::vector<uint32_t> order;
  for (uint32_t p = 0; p < split.counts.size(); ++p) {
    if (split.counts[p] >= kTemplateValuesMin) order.push_back(p);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return split.counts[a] > split.counts[b]; });
  return order;
}

/// Distributes variables to streams.
class VariableSorter {
 public:
  VariableSorter(const SplitTexts& split, std::span<const uint64_t> codes)
      : split_(split), codes_(codes) {
    for (uint32_t p = 0; p < split.counts.size(); ++p) {
      first_slot_.push_back(static_cast<uint32_t>(max_.size()));
      const auto pieces = parse_pattern(split.patterns.entry(p));
      max_.resize(max_.size() + pieces->size() - 1);
    }
    first_slot_.push_back(static_cast<uint32_t>(max_.size()));
    for_each_value([&](size_t, uint32_t slot, std::span<const uint64_t> variables) {
      for (size_t j = 0; j < variables.size(); ++j) {
        max_[slot + j] = std::max(max_[slot + j], variables[j]);
      }
    });
  }

  /// Assigns a stream to each slot of the kept patterns, and fills the column's streams.
  void write(std::span<const uint32_t> kept, TemplateColumn& column) {
    std::array<uint8_t, kVariableStreamsMax> stream_of_width;
    stream_of_width.fill(kVariableStreamsMax);
    std::vector<uint8_t> stream_of_slot(max_.size(), kVariableStreamsMax);
    uint8_t stream_count = 0;
    for (uint32_t pattern : kept) {
      for (uint32_t slot = first_slot_[pattern]; slot < first_slot_[pattern + 1]; ++slot) {
        uint8_t& stream = stream_of_width[static_cast<size_t>(std::bit_width(max_[slot]))];
        if (stream == kVariableStreamsMax) stream = stream_count++;
        stream_of_slot[slot] = stream;
        column.slot_streams.push_back(stream);
      }
    }
    std::vector<std::vector<uint64_t>> values(stream_count), starts(stream_count);
    const auto mark = [&] {
      for (uint8_t s = 0; s < stream_count; ++s) starts[s].push_back(values[s].size());
    };
    for_each_value([&](size_t i, uint32_t slot, std::span<const uint64_t> variables) {
      if (i % kVectorRows == 0) mark();
      for (size_t j = 0; j < variables.size(); ++j) {
        const uint8_t stream = stream_of_slot[slot + j];
        if (stream != kVariableStreamsMax) values[stream].push_back(variables[j]);
      }
    });
    mark();
    column.variables.resize(stream_count);
    for (uint8_t s = 0; s < stream_count; ++s) {
      encode_integers(values[s], column.variables[s].values);
      encode_packed(starts[s], column.variables[s].starts);
    }
  }

 private:
  // Calls f(index of the value, first slot of its pattern, its variables), also for values without
  // a pattern.
  template <class F>
  void for_each_value(F f) const {
    const std::span<const uint64_t> all = split_.variables;
    for (size_t i = 0; i < codes_.size(); ++i) {
      const uint32_t pattern = split_.numbers[codes_[i]];
      if (pattern == kNone) {
        f(i, 0, std::span<const uint64_t>());
        continue;
      }
      const uint32_t slot = first_slot_[pattern];
      f(i, slot, all.subspan(split_.first_variables[codes_[i]], first_slot_[pattern + 1] - slot));
    }
  }

  const SplitTexts& split_;
  const std::span<const uint64_t> codes_;
  std::vector<uint32_t> first_slot_;  // by pattern
  std::vector<uint64_t> max_;         // by slot
};

}  // namespace

std::optional<TemplateColumn> encode_templates(std::span<const std::string_view> texts,
                                               std::span<const uint64_t> codes) {
  SplitTexts split;
  if (!split_texts(texts, codes, split)) return std::nullopt;
  const std::vector<uint32_t> kept = frequent_patterns(split);
  std::vector<uint32_t> number_of(split.counts.size(), kNone);
  TemplateColumn column;
  for (uint32_t pattern : kept) {
    number_of[pattern] = static_cast<uint32_t>(column.patterns.size());
    column.patterns.emplace_back(split.patterns.entry(pattern));
  }
  std::vector<std::string_view> whole;
  std::vector<uint64_t> whole_starts;
  column.numbers.resize(codes.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    if (i % kVectorRows == 0) whole_starts.push_back(whole.size());
    const uint32_t pattern = split.numbers[codes[i]];
    const uint32_t number = pattern == kNone ? kNone : number_of[pattern];
    column.numbers[i] = number == kNone ? kept.size() : number;
    if (number == kNone) whole.push_back(texts[codes[i]]);
  }
  if (whole.size() * kWholeShareMin > codes.size()) return std::nullopt;
  if (!whole.empty()) {
    whole_starts.push_back(whole.size());
    column.whole = encode_text(whole, true);
    encode_packed(whole_starts, column.whole_starts);
  }
  VariableSorter(split, codes).write(kept, column);
  return column;
}

bool TemplateReader::open(ByteView numbers, size_t value_count) {
  value_count_ = value_count;
  return numbers_.open(numbers, value_count);
}

size_t TemplateReader::vector_size(size_t vector) const {
  return std::min(kVectorRows, value_count_ - vector * kVectorRows);
}

bool TemplateReader::add_variables(ByteView values, ByteView starts) {
  StreamReader& stream = streams_.emplace_back();
  if (streams_.size() > kVariableStreamsMax) return false;
  const auto count = open_starts(stream.starts, starts);
  return count && stream.values.open(values, *count);
}

std::optional<size_t> TemplateReader::open_starts(PackedIntegers& starts, ByteView bytes) const {
  const size_t vectors = vector_count(value_count_);
  if (!starts.open(bytes, vectors + 1)) return std::nullopt;
  uint64_t count = 0;
  starts.read(vectors, 1, &count);
  if (count > UINT32_MAX) return std::nullopt;
  return count;
}

std::optional<size_t> TemplateReader::open_whole(ByteView starts) {
  return open_starts(whole_starts_, starts);
}

bool TemplateReader::set_patterns(std::span<const uint32_t> ends, ByteView bytes,
                                  ByteView slot_streams) {
  size_t start = 0, next_slot = 0;
  for (uint32_t end : ends) {
    if (end < start || end > bytes.size()) return false;
    const auto parsed = parse_pattern(text_of(bytes.subspan(start, end - start)));
    start = end;
    if (!parsed) return false;
    const size_t first_slot = next_slot;
    Pattern& pattern = patterns_.emplace_back();
    pattern.first_piece = static_cast<uint32_t>(pieces_.size());
    pattern.piece_count = static_cast<uint32_t>(parsed->size());
    for (const PatternPiece& from : *parsed) {
      Piece& piece = pieces_.emplace_back();
      piece.literal = from.literal;
      pattern.text_max += from.literal.size();
      if (!from.slot) continue;
      if (next_slot == slot_streams.size() || slot_streams[next_slot] >= streams_.size())
        return false;
      piece.slot = *from.slot;
      piece.has_slot = true;
      piece.stream = slot_streams[next_slot++];
      pattern.text_max += kSlotTextMax;
    }
    slots_max_ = std::max(slots_max_, next_slot - first_slot);
  }
  return next_slot == slot_streams.size();
}

std::vector<TextTemplate> TemplateReader::templates() const {
  std::vector<TextTemplate> templates;
  for (const Pattern& pattern : patterns_) {
    TextTemplate& each = templates.emplace_back();
    std::string example;  // one of its texts; all of them have the same masked text
    std::array<char, kSlotTextMax> digits;
    for (uint32_t p = 0; p < pattern.piece_count; ++p) {
      const Piece& piece = pieces_[pattern.first_piece + p];
      each.parts.push_back(piece.literal);
      example += piece.literal;
      if (!piece.has_slot) continue;
      example.append(digits.data(), write_slot(piece.slot, 1, digits.data()));
      each.has_hex |= piece.slot.kind == SlotKind::kHex || piece.slot.kind == SlotKind::kUpperHex;
    }
    each.masked = message_template(example);
  }
  if (whole_) templates.emplace_back().is_free = true;
  return templates;
}

void TemplateReader::read_numbers(size_t first, std::span<uint32_t> out) const {
  numbers_.read(first, out.size(), out.data());
}

std::optional<IdFormat> TemplateReader::id_format() const {
  if (patterns_.size() != 1 || whole_ || pieces_.size() != 2 || !pieces_[1].literal.empty()) {
    return std::nullopt;
  }
  if (streams_.size() != 1 || streams_[0].values.count() != value_count_) return std::nullopt;
  const Slot& slot = pieces_[0].slot;
  IdFormat format;
  format.prefix = pieces_[0].literal;
  format.is_hex = slot.kind == SlotKind::kHex || slot.kind == SlotKind::kUpperHex;
  format.is_upper = slot.kind == SlotKind::kUpperHex;
  format.digits = slot.digits;
  return format;
}

struct TemplateReader::Window {
  std::array<uint32_t, kVectorRows> numbers;
  std::vector<std::vector<uint64_t>> variables;  // by stream
  std::vector<size_t> used;                      // by stream
};

bool TemplateReader::read_bounds(const PackedIntegers& starts, size_t vector, size_t max,
                                 size_t& first, size_t& count) const {
  std::array<uint64_t, 2> bounds;
  starts.read(vector, 2, bounds.data());
  if (bounds[0] > bounds[1] || bounds[1] > max) return false;
  first = bounds[0];
  count = bounds[1] - bounds[0];
  return true;
}

bool TemplateReader::load(size_t vector, Window& window) const {
  numbers_.read(vector * kVectorRows, vector_size(vector), window.numbers.data());
  window.variables.resize(streams_.size());
  window.used.assign(streams_.size(), 0);
  for (size_t s = 0; s < streams_.size(); ++s) {
    size_t first = 0, count = 0;
    if (!read_bounds(streams_[s].starts, vector, streams_[s].values.count(), first, count))
      return false;
    // A damaged constant stream may claim billions.
    if (count > vector_size(vector) * slots_max_) return false;
    window.variables[s].resize(count);
    streams_[s].values.read(first, count, window.variables[s].data());
  }
  return true;
}

bool TemplateReader::read(std::span<const uint32_t> values, std::string& bytes,
                          std::span<std::string_view> texts) const {
  // Views into `bytes` must stay valid, so the first pass computes the most that all texts need.
  std::vector<uint32_t> whole_values;  // indexes into the texts that stay whole
  std::vector<uint32_t> whole_texts;   // where each of them goes
  size_t room = 0;
  Window window;
  size_t vector = SIZE_MAX;
  uint32_t next_whole = 0;
  size_t at = 0;  // next_whole counts the whole texts of the vector before this value
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] == UINT32_MAX) continue;
    if (values[i] / kVectorRows != vector) {
      vector = values[i] / kVectorRows;
      at = 0;
      numbers_.read(vector * kVectorRows, vector_size(vector), window.numbers.data());
      size_t first = 0, count = 0;
      if (whole_ && !read_bounds(whole_starts_, vector, whole_->count(), first, count))
        return false;
      next_whole = static_cast<uint32_t>(first);
    }
    const uint32_t number = window.numbers[values[i] % kVectorRows];
    if (number < patterns_.size()) {
      room += patterns_[number].text_max;
      continue;
    }
    for (; at < values[i] % kVectorRows; ++at) next_whole += window.numbers[at] >= patterns_.size();
    if (!whole_ || next_whole >= whole_->count()) return false;
    whole_values.push_back(next_whole);
    whole_texts.push_back(static_cast<uint32_t>(i));
  }
  const size_t whole_room = whole_values.empty() ? 0 : whole_->room(whole_values);
  if (room + whole_room > kTextBytesMax) return false;
  bytes.resize(room + whole_room);
  if (!whole_values.empty()) {
    std::vector<std::string_view> found(whole_values.size());
    if (!whole_->read(whole_values, std::span(bytes).subspan(room), found)) return false;
    for (size_t k = 0; k < found.size(); ++k) texts[whole_texts[k]] = found[k];
  }

  char* out = bytes.data();
  vector = SIZE_MAX;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] == UINT32_MAX) continue;
    if (values[i] / kVectorRows != vector) {
      vector = values[i] / kVectorRows;
      at = 0;
      if (!load(vector, window)) return false;
    }
    for (; at <= values[i] % kVectorRows; ++at) {
      const uint32_t number = window.numbers[at];
      if (number >= patterns_.size()) continue;
      const Pattern& pattern = patterns_[number];
      const bool wanted = at == values[i] % kVectorRows;
      char* const text = out;
      for (uint32_t p = 0; p < pattern.piece_count; ++p) {
        const Piece& piece = pieces_[pattern.first_piece + p];
        if (wanted) out = std::copy(piece.literal.begin(), piece.literal.end(), out);
        if (!piece.has_slot) continue;
        const size_t variable = window.used[piece.stream]++;
        if (variable >= window.variables[piece.stream].size()) return false;
        if (wanted) out = write_slot(piece.slot, window.variables[piece.stream][variable], out);
      }
      if (wanted) texts[i] = {text, static_cast<size_t>(out - text)};
    }
  }
  return true;
}

}  // namespace tocsin
