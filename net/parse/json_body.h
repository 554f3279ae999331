// A whole JSON body in memory, for protocols whose parts come in any order. Internal to net/parse:
// includes simdjson.
#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>

#include "db/base/result.h"
#include "net/parse/records.h"

namespace tocsin {

class JsonBody {
 public:
  /// kInvalid says what is wrong with the JSON. Invalid UTF-8 becomes U+FFFD, and so does the
  /// escape of half a surrogate pair.
  Status parse(std::string_view body);
  /// Requires: parse() succeeded. Valid as long as this object.
  const simdjson::dom::element& root() const { return root_; }

 private:
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

/// The start of the value's JSON, for messages and `rejected`.
std::string shown_json(const simdjson::dom::element& value);
/// For messages. Requires: the object is not empty.
std::string first_key(const simdjson::dom::object& object);

/// A string, number or bool with its type; an array or object as JSON text. Its text is copied to
/// the batch. Requires: not null.
RecordValue scalar_value(RecordPart part, std::string_view name,
                         const simdjson::dom::element& value, Batch& batch);

}  // namespace tocsin
