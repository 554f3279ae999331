// YAML as a plain tree with positions; the only door to the YAML library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/base/result.h"

namespace tocsin {

/// What one document may hold at most; aliases count as often as they are used, so that a few lines
/// cannot unfold into gigabytes.
inline constexpr size_t kYamlBytesMax = 4 << 20;
inline constexpr size_t kYamlNodesMax = 100'000;
inline constexpr size_t kYamlDepthMax = 64;

/// A place in a file, both from 1; the column counts bytes.
struct FilePosition {
  uint32_t line = 0;
  uint32_t column = 0;
  bool operator==(const FilePosition&) const = default;
};

struct YamlEntry;

/// One node of a YAML document. Copies own their subtree.
struct YamlNode {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  std::string scalar;   ///< as written, unquoted
  bool quoted = false;  ///< a quoted or block scalar is a string whatever it looks like
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;  ///< of a map, in the order of the file
  uint32_t line = 0;               ///< from 1
  uint32_t column = 0;             ///< from 1

  const YamlNode* find(std::string_view key) const;  ///< null when there is none or no map
  FilePosition position() const { return {line, column}; }
};

struct YamlEntry {
  YamlNode key;
  YamlNode value;
};

/// `a map`, `a list`, `nothing`, or the scalar in backticks: for messages.
std::string describe(const YamlNode& node);

/// Reads exactly one document; an empty text is a kNull node. Errors carry `name:line:column`.
/// Duplicate keys, keys that are no plain scalars, unknown aliases, a second document, and anything
/// past the limits above are kInvalid.
Result<YamlNode> parse_yaml(std::string_view text, const std::string& name);
/// kNotFound or kIo when the file cannot be read.
Result<YamlNode> read_yaml_file(const std::string& path);
/// The bytes of a text file of at most kYamlBytesMax.
Result<std::string> read_text_file(const std::string& path);

/// Where line `line`, column `column` (both from 1) of a scalar's text stands in the file: exact
/// for plain, quoted one-line and literal block (`|`) scalars, else the scalar's start.
FilePosition position_in_scalar(const YamlNode& scalar, std::string_view file_text,
                                FilePosition inside);

}  // namespace tocsin
