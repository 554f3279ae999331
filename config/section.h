// Reads one map of a YAML file into typed values and collects everything that is wrong with it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"
#include "db/base/time.h"

namespace tocsin {

/// Mistakes of one file, in the order in which they were found. Not thread-safe.
class Problems {
 public:
  explicit Problems(std::string file_name) : file_name_(std::move(file_name)) {}

  void add(FilePosition at, std::string_view message);
  bool empty() const { return lines_.empty(); }
  const std::vector<std::string>& lines() const { return lines_; }  ///< `file:line:column: message`

 private:
  std::string file_name_;
  std::vector<std::string> lines_;
};

/// The values of one map. Each function takes the key's value into `out` when the key is there and
/// its value fits, reports it when it does not fit, and leaves `out` alone otherwise; it returns
/// the key's node, or null when the key is not there. Borrows the node and the problems.
class Section {
 public:
  /// `path` is how messages call the section: `store`, `tail[2]`, or empty for the whole file.
  Section(const YamlNode& node, std::string path, Problems& problems);

  const YamlNode* text(const char* key, std::string& out);
  const YamlNode* flag(const char* key, bool& out);  ///< `true` or `false` only
  const YamlNode* number(const char* key, double& out, double min, double max);  ///< inclusive
  const YamlNode* count(const char* key, uint64_t& out, uint64_t min, uint64_t max);
  const YamlNode* duration(const char* key, Duration& out, Duration min, Duration max);
  /// The word `forever`, which is 0, or a duration of at least `min`.
  const YamlNode* duration_or_forever(const char* key, Duration& out, Duration min);
  const YamlNode* bytes(const char* key, uint64_t& out, uint64_t min, uint64_t max);
  const YamlNode* one_of(const char* key, std::string& out, const std::vector<std::string>& words);
  /// A list of texts, or one text alone.
  const YamlNode* texts(const char* key, std::vector<std::string>& out);
  const YamlNode* text_map(const char* key, std::map<std::string, std::string>& out);
  /// Whatever stands there, for the caller to read.
  const YamlNode* any(const char* key);
  /// Calls `read` with each map of a list and its path.
  void each(const char* key, const std::function<void(const YamlNode&, const std::string&)>& read);

  /// Reports `key` as missing unless the section has it.
  void require(const char* key);
  /// Reports every key that no function above asked for, with the nearest that one did.
  void finish();

  void wrong(const YamlNode& value, const char* key, std::string_view expected);
  std::string path_of(const char* key) const;

 private:
  const YamlNode* find(const char* key);
  template <class T, class Parse>
  const YamlNode* scalar(const char* key, std::string_view expected, T& out, Parse parse);

  const YamlNode& node_;
  std::string path_;
  Problems& problems_;
  bool is_map_ = false;
  std::vector<std::string> known_;
};

/// `64MiB`, `8KiB`, `1GiB`, `512B`: a whole number with a binary unit.
Result<uint64_t> parse_byte_size(std::string_view text);
std::string format_byte_size(uint64_t bytes);

}  // namespace tocsin
