#include "config/yaml.h"

#include <string>

#include <catch2/catch.hpp>

using namespace tocsin;

namespace {

std::string yaml_error(const std::string& text) {
  const auto node = parse_yaml(text, "a.yml");
  return node ? "no error" : node.error().message;
}

}  // namespace

TEST_CASE("yaml: nodes keep kind, order, quoting and position", "[config]") {
  const auto root = parse_yaml("b: 1\na:\n  - \"x\"\n  - ~\n  - {k: v}\n", "a.yml");
  REQUIRE(root);
  REQUIRE(root->kind == YamlNode::Kind::kMap);
  REQUIRE(root->entries.size() == 2);
  CHECK(root->entries[0].key.scalar == "b");
  CHECK(root->find("b")->scalar == "1");
  CHECK_FALSE(root->find("b")->quoted);
  const YamlNode& list = *root->find("a");
  REQUIRE(list.items.size() == 3);
  CHECK(list.items[0].quoted);
  CHECK(list.items[0].position() == FilePosition{3, 5});
  CHECK(list.items[1].kind == YamlNode::Kind::kNull);
  CHECK(list.items[2].find("k")->position() == FilePosition{5, 9});
  CHECK(root->find("missing") == nullptr);
  CHECK(list.find("b") == nullptr);
}

TEST_CASE("yaml: an empty text is a null node", "[config]") {
  CHECK(parse_yaml("", "a.yml")->kind == YamlNode::Kind::kNull);
  CHECK(parse_yaml("# only a comment\n", "a.yml")->kind == YamlNode::Kind::kNull);
}

TEST_CASE("yaml: errors have file, line and column", "[config]") {
  CHECK(yaml_error("a: [1, 2\nb: 3\n").starts_with("a.yml:"));
  CHECK(yaml_error("a: 1\nb: 2\na: 3\n") ==
        "a.yml:3:1: duplicate key `a`; it is already in line 1");
  CHECK(yaml_error("[1, 2]: x\n") == "a.yml:1:1: a key must be a text, found a list");
  CHECK(yaml_error("a: 1\n---\nb: 2\n") ==
        "a.yml:3:1: a second document begins here; a file must have only one (remove the `---`)");
  CHECK(yaml_error("a: *nowhere\n").starts_with("a.yml:1:4: not valid YAML"));
}

TEST_CASE("yaml: aliases are copied, cannot be cyclic, and count each time they are used",
          "[config]") {
  const auto root = parse_yaml("a: &x {k: 1}\nb: *x\n", "a.yml");
  REQUIRE(root);
  CHECK(root->find("b")->find("k")->scalar == "1");
  CHECK(yaml_error("a: &x [*x]\n") ==
        "a.yml:1:8: an alias must not refer to a value that contains it");

  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'j'; ++c) {
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) bomb += std::string(i ? ", *" : "*") + static_cast<char>(c - 1);
    bomb += "]\n";
  }
  CHECK(yaml_error(bomb).find("more than 100000 values") != std::string::npos);
}

TEST_CASE("yaml: nesting is limited, including nesting through aliases", "[config]") {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(parse_yaml(nested(kYamlDepthMax), "a.yml"));
  CHECK(yaml_error(nested(kYamlDepthMax + 1)).find("nested deeper than 64") != std::string::npos);
  CHECK(yaml_error(nested(100'000)).find("nested deeper than 64") != std::string::npos);
  const std::string half(40, '['), close(40, ']');
  CHECK(yaml_error("a: &x " + half + close + "\nb: " + half + "*x" + close + "\n")
            .find("nested deeper than 64") != std::string::npos);
}

TEST_CASE("yaml: a position inside a scalar is mapped to the file", "[config]") {
  const auto check = [](const std::string& text, FilePosition inside, FilePosition expected) {
    const auto root = parse_yaml(text, "a.yml");
    REQUIRE(root);
    CHECK(position_in_scalar(*root->find("expr"), text, inside) == expected);
  };
  check("expr: from audit\n", {1, 6}, {1, 12});
  check("expr: \"from audit\"\n", {1, 6}, {1, 13});
  check("expr: |\n  from audit\n  | limit 1\n", {2, 3}, {3, 5});
  check("x: 1\nexpr: |\n    from audit\n\n      | limit 1\n", {3, 3}, {5, 7});
  check("expr: >\n  from audit\n  | limit 1\n", {1, 14}, {1, 7});
}
