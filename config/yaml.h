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

/// One node of a YAML document. Copies own their subtree.
struct YamlNode {
  enum class Kind : uint8_t { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  std::string scalar;  ///< as written, unquoted
  bool quoted = false;  ///< a quoted scalar is a string whatever it looks like
  std::vector<YamlNode> items;
  std::vector<std::pair<YamlNode, YamlNode>> entries;  ///< in the order of the file
  uint32_t line = 0;    ///< from 1
  uint32_t column = 0;  ///< from 1

  const YamlNode* find(std::string_view key) const;  ///< null when there is none or no map
};

/// Errors carry `name:line:column`. Duplicate keys, anchors' cycles and nesting over 64 are kInvalid.
Result<YamlNode> parse_yaml(std::string_view text, const std::string& name);
Result<YamlNode> read_yaml_file(const std::string& path);

}  // namespace tocsin
