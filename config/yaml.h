// YAML as a plain tree with positions. Only yaml.cpp uses the YAML library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/base/result.h"

namespace tocsin {

/// Limits of one document. An alias counts each time it is used, so that a few lines cannot expand
/// to gigabytes.
inline constexpr size_t kYamlBytesMax = 4 << 20;
inline constexpr size_t kYamlNodesMax = 100'000;
inline constexpr size_t kYamlDepthMax = 64;

/// A position in a file; both count from 1, the column in bytes.
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
  bool quoted = false;  ///< quoted or block scalar: always a string
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;  ///< of a map, in the order of the file
  uint32_t line = 0;               ///< from 1
  uint32_t column = 0;             ///< from 1

  const YamlNode* find(std::string_view key) const;  ///< null if there is none
  FilePosition position() const { return {line, column}; }
};

struct YamlEntry {
  YamlNode key;
  YamlNode value;
};

/// `a map`, `a list`, `nothing`, or the scalar in backticks: for messages.
std::string describe(const YamlNode& node);

/// Reads exactly one document; an empty text is a kNull node. Error messages begin with
/// `name:line:column`. Duplicate keys, keys that are not scalars, unknown aliases, a second
/// document, and too many or too deeply nested values are kInvalid; a text that is too long is
/// kLimit.
Result<YamlNode> parse_yaml(std::string_view text, const std::string& name);
/// kNotFound or kIo when the file cannot be read.
Result<YamlNode> read_yaml_file(const std::string& path);
/// The content of a file of at most kYamlBytesMax bytes.
Result<std::string> read_text_file(const std::string& path);

/// The position in the file of the position `inside` of a scalar's text. Exact for plain, quoted
/// one-line and literal block (`|`) scalars, otherwise the scalar's start.
FilePosition position_in_scalar(const YamlNode& scalar, std::string_view file_text,
                                FilePosition inside);

}  // namespace tocsin
