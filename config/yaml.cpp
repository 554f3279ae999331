// Builds YamlNodes from the YAML library's events. Reading events instead of the library's node
// graph keeps all positions and allows counting what aliases expand to before it is built.
#include "config/yaml.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <sstream>
#include <unordered_map>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "db/base/system_error.h"

namespace tocsin {
namespace {

// Leaves the library's parser from inside a callback; caught in parse_yaml.
struct Stop {
  FilePosition position;
  std::string message;
};

size_t node_count(const YamlNode& node) {
  size_t count = 1;
  for (const YamlNode& item : node.items) count += node_count(item);
  for (const auto& [key, value] : node.entries) count += node_count(key) + node_count(value);
  return count;
}

size_t depth_of(const YamlNode& node) {
  size_t depth = 0;
  for (const YamlNode& item : node.items) depth = std::max(depth, depth_of(item));
  for (const auto& [key, value] : node.entries) depth = std::max(depth, depth_of(value));
  return depth + 1;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlNode release_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(start(mark, YamlNode::Kind::kNull), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = start(mark, YamlNode::Kind::kScalar);
    // The library sets the tag `?` for plain scalars and `!` for all others.
    node.quoted = tag == "!";
    node.scalar = value;
    if (!node.quoted && (value == "~" || value == "null" || value.empty())) {
      node.kind = YamlNode::Kind::kNull;
    }
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw Stop{at(mark), "an alias must not refer to a value that contains it"};
    count(mark, node_count(found->second));
    if (open_.size() + depth_of(found->second) > kYamlDepthMax) throw too_deep(mark);
    add(found->second, 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    push(mark, YamlNode::Kind::kSequence, anchor);
  }
  void OnSequenceEnd() override { pop(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    push(mark, YamlNode::Kind::kMap, anchor);
  }
  void OnMapEnd() override { pop(); }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    std::optional<YamlNode> key = std::nullopt;            // key of a map that waits for its value
    std::unordered_map<std::string, uint32_t> lines = {};  // lines of the map's keys so far
  };

  static FilePosition at(const YAML::Mark& mark) {
    return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)};
  }

  static Stop too_deep(const YAML::Mark& mark) {
    return {at(mark), fmt::format("nested deeper than {} levels", kYamlDepthMax)};
  }

  void count(const YAML::Mark& mark, size_t nodes) {
    node_count_ += nodes;
    if (node_count_ > kYamlNodesMax) {
      throw Stop{at(mark), fmt::format("more than {} values (an alias counts each time it is used)",
                                       kYamlNodesMax)};
    }
  }

  YamlNode start(const YAML::Mark& mark, YamlNode::Kind kind) {
    count(mark, 1);
    YamlNode node;
    node.kind = kind;
    node.line = at(mark).line;
    node.column = at(mark).column;
    return node;
  }

  void push(const YAML::Mark& mark, YamlNode::Kind kind, YAML::anchor_t anchor) {
    if (open_.size() >= kYamlDepthMax) throw too_deep(mark);
    open_.push_back({start(mark, kind), anchor});
  }

  void pop() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }

  void add(YamlNode node, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = checked_key(parent, std::move(node));
    } else {
      parent.node.entries.push_back({*std::move(parent.key), std::move(node)});
      parent.key.reset();
    }
  }

  static YamlNode checked_key(Open& map, YamlNode key) {
    if (key.kind != YamlNode::Kind::kScalar) {
      // `summary: {{ service }}` is a map whose key is a map.
      const char* advice =
          key.kind == YamlNode::Kind::kMap ? "; put a text that begins with `{` in quotes" : "";
      throw Stop{key.position(),
                 fmt::format("a key must be a text, found {}{}", describe(key), advice)};
    }
    const auto [earlier, is_new] = map.lines.emplace(key.scalar, key.line);
    if (!is_new) {
      throw Stop{key.position(), fmt::format("duplicate key `{}`; it is already in line {}",
                                             key.scalar, earlier->second)};
    }
    return key;
  }

  YamlNode root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNode> anchors_;  // complete nodes only: no cycle can form
  size_t node_count_ = 0;
};

tl::unexpected<Error> fail_at(const std::string& name, FilePosition at, std::string_view message) {
  return fail(ErrorCode::kInvalid, fmt::format("{}:{}:{}: {}", name, at.line, at.column, message));
}

// Line number `line` (from 1) without its line ending.
std::string_view line_of(std::string_view text, uint32_t line) {
  for (uint32_t i = 1; i < line; ++i) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name.scalar == key) return &value;
  }
  return nullptr;
}

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull: return "nothing";
    case YamlNode::Kind::kSequence: return node.items.empty() ? "an empty list" : "a list";
    case YamlNode::Kind::kMap: return "a map";
    case YamlNode::Kind::kScalar: break;
  }
  constexpr size_t kShown = 60;
  const bool cut = node.scalar.size() > kShown;
  return fmt::format("`{}{}`", node.scalar.substr(0, kShown), cut ? "..." : "");
}

Result<YamlNode> parse_yaml(std::string_view text, const std::string& name) {
  if (text.size() > kYamlBytesMax) {
    return fail(ErrorCode::kLimit, fmt::format("{}: the file has {} bytes; the maximum is {}", name,
                                               text.size(), kYamlBytesMax));
  }
  std::istringstream stream{std::string(text)};
  TreeBuilder builder;
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    YamlNode root = builder.release_root();
    TreeBuilder second;
    if (parser.HandleNextDocument(second)) {
      const FilePosition at = second.release_root().position();
      return fail_at(name, at,
                     "a second document begins here; a file must have only one (remove the `---`)");
    }
    return root;
  } catch (const Stop& stop) {
    return fail_at(name, stop.position, stop.message);
  } catch (const YAML::Exception& error) {
    const FilePosition at{static_cast<uint32_t>(error.mark.line + 1),
                          static_cast<uint32_t>(error.mark.column + 1)};
    const bool colon = error.msg == YAML::ErrorMsg::MAP_VALUE;
    return fail_at(name, at,
                   "not valid YAML: " + error.msg +
                       (colon ? "; put a text that contains `: ` in quotes" : ""));
  }
}

Result<std::string> read_text_file(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) return open_error(path, errno);
  std::string text;
  char buffer[16 * 1024];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, file.get())) {
    text.append(buffer, n);
    if (text.size() > kYamlBytesMax) {
      return fail(ErrorCode::kLimit,
                  fmt::format("{} has more than {} bytes, the maximum", path, kYamlBytesMax));
    }
  }
  if (std::ferror(file.get())) return system_error("reading", path, errno);
  return text;
}

Result<YamlNode> read_yaml_file(const std::string& path) {
  TOCSIN_TRY(const std::string text, read_text_file(path));
  return parse_yaml(text, path);
}

FilePosition position_in_scalar(const YamlNode& scalar, std::string_view file_text,
                                FilePosition inside) {
  const std::string_view first = line_of(file_text, scalar.line);
  const char mark = scalar.column <= first.size() ? first[scalar.column - 1] : ' ';
  if (scalar.quoted && mark == '|') {
    const std::string_view in_file = line_of(file_text, scalar.line + inside.line);
    const std::string_view in_scalar = line_of(scalar.scalar, inside.line);
    const size_t indent = in_file.size() - std::min(in_file.size(), in_scalar.size());
    return {scalar.line + inside.line, static_cast<uint32_t>(indent) + inside.column};
  }
  if (inside.line != 1 || mark == '>') return scalar.position();
  return {scalar.line, scalar.column + inside.column - (mark == '"' || mark == '\'' ? 0 : 1)};
}

}  // namespace tocsin
