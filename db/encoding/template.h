// Texts as templates with variables: the constant part is stored once, numbers and ids as integers.
//
// The idea is CLP's (Rodrigues et al., OSDI 2021): most texts of a log come from a few format
// strings. A column has the number of each value's template (an integer stream), the templates'
// patterns (text_splitter.h), and the variables. Slots whose largest values have the same width
// share one stream of variables, in row order. Texts of rare templates stay whole; their number is
// the count of templates, which no template has.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "db/encoding/bytes.h"
#include "db/encoding/integer.h"
#include "db/encoding/text.h"
#include "db/encoding/text_splitter.h"
#include "db/encoding/text_template.h"

namespace tocsin {

/// Streams of variables: one for each bit width.
inline constexpr size_t kVariableStreamsMax = 65;

struct TemplateColumn {
  std::vector<uint64_t> numbers;  ///< by value: the number of its template
  std::vector<std::string> patterns;
  std::vector<uint8_t> slot_streams;  ///< the stream of each slot of each pattern
  struct Variables {
    std::vector<uint8_t> values;  ///< an integer stream
    /// An integer stream: for each vector of kVectorRows values its first variable, then the number
    /// of variables.
    std::vector<uint8_t> starts;
  };
  std::vector<Variables> variables;
  TextColumn whole;                   ///< the texts that stay whole
  std::vector<uint8_t> whole_starts;  ///< as Variables::starts
};

/// `codes` are indexes into `texts`, by value; `texts` are in the order of their first appearance
/// and may hold equal ones. Returns nothing if templates would not pay: too many templates, or too
/// many texts without one.
std::optional<TemplateColumn> encode_templates(std::span<const std::string_view> texts,
                                               std::span<const uint64_t> codes);

/// Reads a column of templates. Borrows all bytes; safe for concurrent readers.
class TemplateReader {
 public:
  // These return false, or nothing, if the bytes are damaged. Call them in this order:
  // add_variables() for each stream, open_whole() and set_whole() only if there are whole texts.
  bool open(ByteView numbers, size_t value_count);
  bool add_variables(ByteView values, ByteView starts);
  /// Returns the number of whole texts.
  std::optional<size_t> open_whole(ByteView starts);
  void set_whole(TextReader reader) { whole_ = reader; }
  /// `bytes` are the concatenated patterns, `ends` where each of them ends.
  bool set_patterns(std::span<const uint32_t> ends, ByteView bytes, ByteView slot_streams);

  /// The templates by number; the last is that of whole texts, if there are any.
  std::vector<TextTemplate> templates() const;
  /// The numbers of values [first, first + out.size()). In a damaged column they may have no
  /// template.
  void read_numbers(size_t first, std::span<uint32_t> out) const;
  /// Set if every text is the same prefix followed by one variable.
  std::optional<IdFormat> id_format() const;
  /// The numbers that the texts spell. Requires: id_format() is set.
  const IntegerStream& ids() const& { return streams_[0].values; }
  const IntegerStream& ids() const&& = delete;
  /// Sets texts[i] to the text of values[i], unless that is UINT32_MAX; the views point into
  /// `bytes` and into the column. False if the column is damaged. Requires: `values` ascend.
  bool read(std::span<const uint32_t> values, std::string& bytes,
            std::span<std::string_view> texts) const;

 private:
  struct StreamReader {
    IntegerStream values;
    PackedIntegers starts;
  };
  struct Piece {
    std::string_view literal;
    Slot slot;
    uint8_t stream = 0;
    bool has_slot = false;
  };
  struct Pattern {
    uint32_t first_piece = 0;
    uint32_t piece_count = 0;
    size_t text_max = 0;  // bytes of the longest text
  };
  /// The variables of one vector, and how many of them have been used.
  struct Window;

  size_t vector_size(size_t vector) const;
  std::optional<size_t> open_starts(PackedIntegers& starts, ByteView bytes) const;
  bool load(size_t vector, Window& window) const;
  bool read_bounds(const PackedIntegers& starts, size_t vector, size_t max, size_t& first,
                   size_t& count) const;

  size_t value_count_ = 0;
  IntegerStream numbers_;
  std::vector<Pattern> patterns_;
  std::vector<Piece> pieces_;
  size_t slots_max_ = 0;  // most slots of a pattern
  std::vector<StreamReader> streams_;
  std::optional<TextReader> whole_;
  PackedIntegers whole_starts_;
};

}  // namespace tocsin
