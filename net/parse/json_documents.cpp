#include "net/parse/json_documents.h"

#include "db/base/ascii.h"
#include "net/parse/framer.h"

namespace tocsin {

void JsonDocuments::add(std::string_view piece, std::string& out) {
  for (const char c : piece) {
    if (!in_string_) {
      add_token(c, out);
      continue;
    }
    keep(c, out);
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
    } else if (!in_event_ && depth_ == 1) {
      key_ += c;
    }
  }
}

void JsonDocuments::add_token(char c, std::string& out) {
  const bool ends_scalar =
      in_event_ && depth_ == event_depth_ && (is_space(c) || c == ',' || c == ']' || c == '}');
  if (ends_scalar) end_event(out);
  if (is_space(c)) {
    if (in_event_) keep(' ', out);
    return;
  }
  if (c == ',' && !in_event_ && depth_ == event_depth_) return;
  if (c == '{' || c == '[') return open(c, out);
  if (c == '}' || c == ']') return close(c, out);
  if (depth_ == event_depth_) in_event_ = true;
  if (c == '"') {
    in_string_ = true;
    if (!in_event_) key_.clear();
  }
  keep(c, out);
}

void JsonDocuments::open(char c, std::string& out) {
  const bool outermost = depth_ == 0 && !in_event_;
  if (outermost && c == '[') {
    event_depth_ = ++depth_;
    return;
  }
  if (outermost && !array_key_.empty()) {
    event_depth_ = kNone;
    array_found_ = false;
    outer_.clear();
  } else if (!in_event_ && depth_ == 1 && event_depth_ == kNone && c == '[' && key_ == array_key_) {
    event_depth_ = ++depth_;
    array_found_ = true;
    return;
  } else if (depth_ == event_depth_) {
    in_event_ = true;
  }
  keep(c, out);
  ++depth_;
}

void JsonDocuments::close(char c, std::string& out) {
  if (depth_ == 0) {  // not JSON: a line for the parser to reject
    in_event_ = true;
    keep(c, out);
    return end_event(out);
  }
  --depth_;
  if (in_event_) {
    keep(c, out);
    if (depth_ == event_depth_) end_event(out);
    return;
  }
  if (event_depth_ == depth_ + 1) {  // the end of an array of events
    event_depth_ = depth_ == 0 ? 0 : kNone;
    return;
  }
  keep(c, out);
  if (depth_ > 0) return;
  event_depth_ = 0;
  if (!array_found_) out.append(outer_).push_back('\n');
}

// Adds a byte to the event or, outside an event, to the object around it.
void JsonDocuments::keep(char c, std::string& out) {
  if (in_event_) {
    out.push_back(c);
  } else if (event_depth_ == kNone && outer_.size() <= kLineBytesMax) {
    outer_.push_back(c);
  }
}

void JsonDocuments::end_event(std::string& out) {
  out.push_back('\n');
  in_event_ = false;
}

void JsonDocuments::finish(std::string& out) {
  if (in_event_) end_event(out);
  if (event_depth_ == kNone && !array_found_) out.append(outer_).push_back('\n');
}

JsonStart read_json_start(std::string_view text) {
  JsonStart start;
  size_t depth = 0;
  size_t array_count = 0;        // arrays of objects in the object
  size_t array_start = 0;        // of the first one
  size_t array_end = text.npos;  // after its bracket
  size_t element_start = 0;
  bool after_colon = false;
  std::string_view key;
  for (size_t at = text.find_first_not_of(" \t\r\n"); at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      const size_t begin = at + 1;
      for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\' ? 1 : 0;
      if (depth == 1 && !after_colon && at < text.size()) key = text.substr(begin, at - begin);
      after_colon = false;
      continue;
    }
    start.has_newline |= c == '\n';
    if (is_space(c)) continue;
    if (c == ':' && depth == 1) {
      after_colon = true;
      ++start.member_count;
      continue;
    }
    if (c == '[' && depth == 1 && after_colon &&
        trimmed_start(text.substr(at + 1)).starts_with('{') && ++array_count == 1) {
      start.array_key = key;
      array_start = at;
    }
    if (c == '{' && depth == 2 && array_count == 1 && element_start == 0) element_start = at;
    after_colon = false;
    if (c == '{' || c == '[') ++depth;
    if (c != '}' && c != ']') continue;
    if (depth > 0) --depth;
    if (depth == 2 && element_start != 0 && start.element.empty() && array_end == text.npos) {
      start.element = text.substr(element_start, at + 1 - element_start);
    }
    if (depth == 1 && array_count == 1 && array_end == text.npos && c == ']') array_end = at + 1;
    if (depth > 0) continue;
    start.complete = true;
    start.size = at + 1;
    break;
  }
  if (array_count != 1) start.array_key.clear();
  if (start.array_key.empty()) return start;
  start.outer = std::string(text.substr(0, array_start)) + "null";
  start.outer += start.complete ? text.substr(array_end, start.size - array_end) : "}";
  return start;
}

std::string unwrapped_lines(std::string_view lines) {
  std::string out;
  for (std::string_view rest = lines; !rest.empty();) {
    const std::string_view line = next_simple_line(rest);
    const JsonStart start = read_json_start(line);
    const bool wrapped = start.complete && start.member_count == 1 && !start.array_key.empty() &&
                         trimmed(line.substr(start.size)).empty();
    if (!wrapped) {
      out.append(line).push_back('\n');
      continue;
    }
    JsonDocuments documents(start.array_key);
    documents.add(line, out);
    documents.finish(out);
  }
  return out;
}

}  // namespace tocsin
