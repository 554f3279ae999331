// Splits a text into a pattern, which many texts share, and its numbers and ids, which differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// How the digits of one variable are written. In a pattern a slot is a byte with its kind,
/// followed for all kinds but kNumber by a byte with the number of digits.
enum class SlotKind : uint8_t {
  kNumber = 1,    ///< decimal, 1 to 18 digits, no leading zero
  kPadded = 2,    ///< decimal, 2 to 18 digits, with a leading zero
  kHex = 3,       ///< 4 to 16 digits, 0-9a-f
  kUpperHex = 4,  ///< 4 to 16 digits, 0-9A-F
};
inline constexpr uint8_t kSlotKindMax = static_cast<uint8_t>(SlotKind::kUpperHex);
inline constexpr size_t kSlotDigitsMax = 18;

struct Slot {
  SlotKind kind = SlotKind::kNumber;
  uint8_t digits = 0;  ///< 0 for kNumber: the digits that the value needs
};

/// Writes the digits of `value` to `out` and returns their end. Never writes more than kSlotTextMax
/// bytes, whatever the value.
char* write_slot(const Slot& slot, uint64_t value, char* out);
inline constexpr size_t kSlotTextMax = 20;

/// A pattern's literals, and its slots filled with the variables in order, spell exactly the text.
/// Words of 8 to 16 hexadecimal digits and UUIDs are ids, other runs of digits are numbers. Not
/// thread-safe; reuse one for many texts.
class TextSplitter {
 public:
  /// False for a text that no pattern can spell, because it contains a byte that marks slots.
  bool split(std::string_view text);

  // Of the last text.
  std::string_view pattern() const& { return {pattern_.data(), pattern_size_}; }
  std::string_view pattern() const&& = delete;
  const std::vector<uint64_t>& variables() const& { return variables_; }
  const std::vector<uint64_t>& variables() const&& = delete;

  /// Classes of 64 bytes of text: bit i is set if byte i belongs to the class.
  struct Block {
    uint64_t digits = 0;
    uint64_t hex = 0;         ///< digits and a-f, A-F
    uint64_t word = 0;        ///< digits and all letters
    uint64_t candidates = 0;  ///< at least one byte of each word that may hold variables
  };

 private:
  bool classify_blocks();
  size_t add_word(size_t start, size_t end);
  bool add_uuid(size_t start);
  void add_hex(size_t start, size_t count, SlotKind kind);
  void add_numbers(size_t start, size_t end);
  void add_number(size_t start, size_t count);
  void add_slot(SlotKind kind, size_t digits);
  void add_literal(size_t end);

  std::string_view text_;
  std::vector<Block> blocks_;
  std::vector<uint64_t> variables_;
  std::vector<char> pattern_;  // longer than the pattern
  size_t pattern_size_ = 0;
  size_t literal_ = 0;  // bytes of the text from here on are not in the pattern yet
};

/// One literal and the slot after it; the last piece of a pattern has no slot.
struct PatternPiece {
  std::string_view literal;
  std::optional<Slot> slot;
};

/// Returns the pieces of a pattern, whose literals are views into it; nothing if it is not a valid
/// pattern.
std::optional<std::vector<PatternPiece>> parse_pattern(std::string_view pattern);

}  // namespace tocsin
