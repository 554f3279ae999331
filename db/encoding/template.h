// Texts as templates with variables: what is constant is stored once, numbers and ids are integers.
//
// The idea is CLP's (Rodrigues et al., OSDI 2021): most texts of a log come from few format
// strings. A column has the number of each value's template (an integer stream), the templates'
// patterns (text_splitter.h), and the variables. Slots whose largest values are about as wide share
// one stream, in which their variables stand in the order of the rows. Texts of rare templates stay
// whole; the number of their template is the count of templates, which is none's.
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

/// At most so many streams of variables: slots whose values are equally wide share one.
inline constexpr size_t kVariableStreamsMax = 65;

struct TemplateColumn {
  std::vector<uint64_t> numbers;  ///< of each value's template
  std::vector<std::string> patterns;
  std::vector<uint8_t> slot_streams;  ///< for each slot of each pattern, its stream
  struct Variables {
    std::vector<uint8_t> values;  ///< an integer stream
    std::vector<uint8_t> starts;  ///< of each vector of kVectorRows values, its first variable; at
                                  ///< the end their number: an integer stream
  };
  std::vector<Variables> variables;
  TextColumn whole;                   ///< the texts that stay whole
  std::vector<uint8_t> whole_starts;  ///< as Variables::starts
};

/// `codes`: of each value its text, numbered in the order of their first appearance; equal texts
/// may have several. Nothing when templates would not pay: too many of them, or too many texts that
/// fit none.
std::optional<TemplateColumn> encode_templates(std::span<const std::string_view> texts,
                                               std::span<const uint64_t> codes);

/// Reads a column of templates. Borrows all bytes; safe for concurrent readers.
class TemplateReader {
 public:
  /// These say false, or nothing, when something is damaged. To be called in this order;
  /// add_variables() for each stream, and the two about whole texts only when there are some.
  bool open(ByteView numbers, size_t value_count);
  bool add_variables(ByteView values, ByteView starts);
  /// How many texts stayed whole.
  std::optional<size_t> open_whole(ByteView starts);
  void set_whole(TextReader reader) { whole_ = std::move(reader); }
  /// `ends` and `bytes`: the patterns, one after the other, and where each ends.
  bool set_patterns(std::span<const uint32_t> ends, ByteView bytes, ByteView slot_streams);

  /// By number, the last one for whole texts if there are some.
  std::vector<TextTemplate> templates() const;
  /// Of values [first, first + out.size()); damaged ones may have no template.
  void read_numbers(size_t first, std::span<uint32_t> out) const;
  /// Set when every text is one variable behind the same prefix.
  std::optional<IdFormat> id_format() const;
  /// The numbers that the texts spell. Requires: id_format().
  const IntegerStream& ids() const& { return streams_[0].values; }
  const IntegerStream& ids() const&& = delete;
  /// Writes the texts of `values` (ascending, UINT32_MAX for none) to texts[i]; views point into
  /// `bytes`. False when something is damaged.
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
  /// The variables of one vector, and how far they are used.
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
  size_t slots_max_ = 0;  // of a pattern
  std::vector<StreamReader> streams_;
  std::optional<TextReader> whole_;
  PackedIntegers whole_starts_;
};

}  // namespace tocsin
