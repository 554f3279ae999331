// Reads one map of a YAML file into typed values and collects all errors.
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

/// The errors and warnings of one file, in the order in which they were found. Not thread-safe.
class Problems {
 public:
  explicit Problems(std::string file_name) : file_name_(std::move(file_name)) {}

  void add(FilePosition at, std::string_view message);
  void warn(FilePosition at, std::string_view message);
  bool empty() const { return lines_.empty(); }
  const std::vector<std::string>& lines() const { return lines_; }  ///< `file:line:column: message`
  const std::vector<std::string>& warnings() const { return warnings_; }  ///< likewise

 private:
  std::string located(FilePosition at, std::string_view message) const;

  std::string file_name_;
  std::vector<std::string> lines_, warnings_;
};

/// Reads the values of one map. Each function stores a valid value in `out`, reports an invalid
/// one, and leaves `out` unchanged if the key is missing. It returns the node of the key's value,
/// or null if the key is missing. Borrows the node and the problems.
class Section {
 public:
  /// `path` is the section's name in messages: `store`, `tail[2]`, or empty for the whole file.
  Section(const YamlNode& node, std::string path, Problems& problems);

  const YamlNode* text(const char* key, std::string& out);
  const YamlNode* flag(const char* key, bool& out);  ///< only `true` or `false`
  const YamlNode* number(const char* key, double& out, double min, double max);  ///< inclusive
  const YamlNode* count(const char* key, uint64_t& out, uint64_t min, uint64_t max);
  const YamlNode* duration(const char* key, Duration& out, Duration min, Duration max);
  /// A duration of at least `min`, or the word `forever`, which is stored as 0.
  const YamlNode* duration_or_forever(const char* key, Duration& out, Duration min);
  const YamlNode* bytes(const char* key, uint64_t& out, uint64_t min, uint64_t max);
  const YamlNode* one_of(const char* key, std::string& out, const std::vector<std::string>& words);
  /// A list of texts, or a single text.
  const YamlNode* texts(const char* key, std::vector<std::string>& out);
  const YamlNode* text_map(const char* key, std::map<std::string, std::string>& out);
  /// A value of any kind, which the caller reads.
  const YamlNode* any(const char* key);
  /// Calls `read` with each item of a list and its path.
  void each(const char* key, const std::function<void(const YamlNode&, const std::string&)>& read);

  /// Reports an error if `key` is missing.
  void require(const char* key);
  /// Reports every key that was not read by a function above, with the most similar known key.
  void finish();

  /// Reports that the value of `key` is not what was expected.
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
