// Splits a text into a pattern, which many texts share, and the numbers and ids that differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// How the digits of one variable are written. In a pattern a slot is the byte of its kind,
/// followed by a byte with the number of digits for all but kNumber.
enum class SlotKind : uint8_t {
  kNumber = 1,    ///< decimal, 1 to 18 digits, no zero in front
  kPadded = 2,    ///< decimal, 2 to 18 digits, the first is a zero
  kHex = 3,       ///< 4 to 16 digits, 0-9a-f
  kUpperHex = 4,  ///< 4 to 16 digits, 0-9A-F
};
inline constexpr uint8_t kSlotKindMax = static_cast<uint8_t>(SlotKind::kUpperHex);
inline constexpr size_t kSlotDigitsMax = 18;

struct Slot {
  SlotKind kind = SlotKind::kNumber;
  uint8_t digits = 0;  ///< 0 for kNumber: as many as the value needs
};

/// Appends the digits of `value` at `out`, which has room for kSlotTextMax bytes; returns their
/// end. Never more, whatever the value.
char* write_slot(const Slot& slot, uint64_t value, char* out);
inline constexpr size_t kSlotTextMax = 20;

/// Writing a pattern's literals and its slots with the variables in order gives the text again,
/// byte by byte. Words of 8 to 16 hexadecimal digits and UUIDs are ids, other runs of digits
/// numbers. Not thread-safe; reuse one for many texts.
class TextSplitter {
 public:
  /// False for a text that no pattern can spell: one that contains a byte which marks slots.
  bool split(std::string_view text);

  // Of the last text that was split.
  std::string_view pattern() const& { return {pattern_.data(), pattern_size_}; }
  std::string_view pattern() const&& = delete;
  const std::vector<uint64_t>& variables() const& { return variables_; }
  const std::vector<uint64_t>& variables() const&& = delete;

  /// Classes of 64 bytes: bit i is that of byte i.
  struct Block {
    uint64_t digits = 0;
    uint64_t hex = 0;         ///< digits and a-f, A-F
    uint64_t word = 0;        ///< digits and all letters
    uint64_t candidates = 0;  ///< at least one in each word that may hold variables
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
  size_t literal_ = 0;  // where the bytes begin that are not in the pattern yet
};

/// One literal and the slot behind it; the last piece of a pattern has no slot.
struct PatternPiece {
  std::string_view literal;
  std::optional<Slot> slot;
};

/// The pieces of a pattern, or nothing when it is none. The literals are views into it.
std::optional<std::vector<PatternPiece>> parse_pattern(std::string_view pattern);

}  // namespace tocsin
