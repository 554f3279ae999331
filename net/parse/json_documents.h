// Cuts JSON documents that are not one object per line into lines: arrays of events, arrays inside
// an object such as {"Records": [...]}, and objects with line breaks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin {

/// Accepts the text in pieces. Does not validate: what is not JSON becomes lines that the parser
/// rejects. Not thread-safe.
class JsonDocuments {
 public:
  /// `array_key`: the key of the outermost object under which the array of events is. Empty: the
  /// events are the elements of outermost arrays, and outermost objects.
  explicit JsonDocuments(std::string array_key = "") : array_key_(std::move(array_key)) {}

  /// Appends to `out` each event of `piece`, followed by a newline. Line breaks between its tokens
  /// become spaces. An outermost object without `array_key` is an event.
  void add(std::string_view piece, std::string& out);
  /// Ends the text; an unfinished event becomes a line.
  void finish(std::string& out);

 private:
  void add_token(char c, std::string& out);
  void open(char c, std::string& out);
  void close(char c, std::string& out);
  void keep(char c, std::string& out);
  void end_event(std::string& out);

  static constexpr size_t kNone = SIZE_MAX;

  const std::string array_key_;
  size_t depth_ = 0;        // open objects and arrays
  size_t event_depth_ = 0;  // a value at this depth is an event; kNone: no value is
  bool in_event_ = false;
  bool in_string_ = false;
  bool escaped_ = false;      // after a backslash in a string
  std::string key_;           // the last string at depth 1 outside an event
  std::string outer_;         // the current outermost object without its events
  bool array_found_ = false;  // in that object
};

/// The first value of a text, which may end inside it.
struct JsonStart {
  bool complete = false;     ///< the value ends in the text
  size_t size = 0;           ///< of the value, if it is complete
  bool has_newline = false;  ///< between its tokens
  std::string array_key;     ///< the only key of an object that holds an array of objects
  std::string element;       ///< the first element of that array, if it is complete
  size_t member_count = 0;   ///< of the object, as far as it is in the text
  std::string outer;         ///< the object without that array
};
JsonStart read_json_start(std::string_view text);

/// Replaces each line that is an object with a single member, an array of objects such as
/// `{"Records": [{...}, {...}]}`, by these objects, one per line. Other lines stay as they are.
std::string unwrapped_lines(std::string_view lines);

}  // namespace tocsin
