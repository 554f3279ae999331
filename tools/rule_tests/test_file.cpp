// The keys of test files. All errors are collected, so that the author of a file sees them at once.
#include "tools/rule_tests/test_file.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/section.h"
#include "config/shipped.h"
#include "rules/rule_file.h"
#include "tools/rule_tests/events.h"
#include "tools/rule_tests/point.h"
#include "tools/wiring.h"

namespace tocsin::rule_tests {
namespace {

constexpr Duration kDelayMax = kDay;

/// Keys of promtool without a counterpart here, and what to write instead.
struct ForeignKey {
  const char* key;
  const char* advice;
};
constexpr ForeignKey kForeignKeys[] = {
    {"input_series", "rules read events, not series; write `events`"},
    {"promql_expr_test", "write `query_test`, with `query` and `exp_rows`"},
    {"external_labels", "there are no external labels; write `labels` in the rules"},
};

class FileReader {
 public:
  FileReader(TestFile& out, const std::map<std::string, std::string>& parameters)
      : parameters_(parameters), problems_(out.path), out_(out) {}

  Status read() {
    TOCSIN_TRY(out_.text, read_text_file(out_.path));
    TOCSIN_TRY(const YamlNode root, parse_yaml(out_.text, out_.path));
    Section top(root, "", problems_);
    read_rule_files(top);
    top.require("tests");
    top.each("tests",
             [&](const YamlNode& node, const std::string& path) { read_test(node, path); });
    top.finish();
    if (out_.tests.size() > kTestsMax) {
      problems_.add(root.position(), fmt::format("a file has at most {} tests", kTestsMax));
    }
    if (problems_.empty()) return {};
    return fail(ErrorCode::kInvalid, fmt::format("{}", fmt::join(problems_.lines(), "\n")));
  }

 private:
  void read_rule_files(Section& top) {
    RuleSettings rules;
    const YamlNode* node = top.texts("rule_files", rules.files);
    for (std::string& file : rules.files) file = (folder() / file).string();
    Duration interval = kMinute;
    top.duration("evaluation_interval", interval, kSecond, kWeek);
    Result<std::vector<RuleFile>> files = tocsin::read_rule_files(rules);
    if (!files) return problems_.add(node->position(), "rule_files: " + files.error().message);
    out_.rule_files = *std::move(files);
    for (RuleFile& file : out_.rule_files) file.interval = interval;
  }

  std::filesystem::path folder() const { return std::filesystem::path(out_.path).parent_path(); }

  void read_test(const YamlNode& node, const std::string& path) {
    Section section(node, path, problems_);
    RuleTest test;
    test.name = path;
    section.text("name", test.name);
    for (const ForeignKey& foreign : kForeignKeys) {
      const YamlNode* found = section.any(foreign.key);
      if (found)
        problems_.add(found->position(), fmt::format("{}: {}", foreign.key, foreign.advice));
    }
    read_start(section, test);
    read_zone(section, test);
    section.duration("delay", test.delay, 0, kDelayMax);
    std::map<std::string, std::string> parameters;
    section.text_map("params", parameters);
    parameters.insert(parameters_.begin(), parameters_.end());
    test.parameters = parse_parameters(parameters);
    read_events(section, folder().string(), test.start, problems_, test.events);
    start_ = test.start;
    section.each("alert_rule_test", [&](const YamlNode& item, const std::string& item_path) {
      test.alert_tests.push_back(read_alert_test(item, item_path));
    });
    section.each("query_test", [&](const YamlNode& item, const std::string& item_path) {
      test.query_tests.push_back(read_query_test(item, item_path));
    });
    section.finish();
    out_.tests.push_back(std::move(test));
  }

  void read_start(Section& section, RuleTest& test) {
    constexpr Timestamp kDefaultStart = 20'454 * kDay;  // 2026-01-01T00:00:00Z
    test.start = kDefaultStart;
    for (const char* key : {"start", "start_timestamp"}) {
      std::string text;
      const YamlNode* node = section.text(key, text);
      if (!node) continue;
      const auto time = parse_time(text);
      if (time) {
        test.start = *time;
      } else {
        section.wrong(*node, key, "a time such as 2026-01-01T00:00:00Z");
      }
    }
  }

  void read_zone(Section& section, RuleTest& test) {
    std::string name;
    const YamlNode* node = section.text("time_zone", name);
    if (!node) return;
    Result<TimeZone> zone = TimeZone::load(name);
    if (zone) {
      test.zone = *std::move(zone);
    } else {
      problems_.add(node->position(), section.path_of("time_zone") + ": " + zone.error().message);
    }
  }

  Timestamp read_eval_time(Section& section) {
    section.require("eval_time");
    std::string text;
    const YamlNode* node = section.text("eval_time", text);
    if (!node) return start_;
    const Result<Timestamp> time = parse_point(text, start_);
    if (time && *time >= start_) return *time;
    problems_.add(node->position(),
                  fmt::format("{}: {}", section.path_of("eval_time"),
                              time ? "is before the start" : time.error().message));
    return start_;
  }

  AlertTest read_alert_test(const YamlNode& node, const std::string& path) {
    AlertTest test;
    test.position = node.position();
    Section section(node, path, problems_);
    test.eval_time = read_eval_time(section);
    section.require("alertname");
    section.text("alertname", test.alert_name);
    section.flag("exact", test.exact);
    for (const YamlEntry& entry : node.entries) {
      if (entry.key.scalar == "exp_alerts") test.expected_position = entry.key.position();
    }
    section.each("exp_alerts", [&](const YamlNode& item, const std::string& item_path) {
      test.expected.push_back(read_expected(item, item_path));
    });
    section.finish();
    return test;
  }

  ExpectedAlert read_expected(const YamlNode& node, const std::string& path) {
    ExpectedAlert alert;
    Section section(node, path, problems_);
    std::string text;
    if (const YamlNode* state = section.text("exp_state", text)) {
      const Result<AlertState> parsed = parse_alert_state(text);
      if (parsed) {
        alert.state = *parsed;
      } else {
        section.wrong(*state, "exp_state", "firing, pending, resolved, inactive or retracted");
      }
    }
    if (const YamlNode* severity = section.text("exp_severity", text)) {
      const Result<Severity> parsed = parse_severity(text);
      if (parsed) {
        alert.severity = *parsed;
      } else {
        section.wrong(*severity, "exp_severity", "LOW, MEDIUM, HIGH or CRITICAL");
      }
    }
    section.text_map("exp_labels", alert.labels);
    section.text_map("exp_annotations", alert.annotations);
    section.finish();
    return alert;
  }

  QueryTest read_query_test(const YamlNode& node, const std::string& path) {
    QueryTest test;
    test.position = node.position();
    Section section(node, path, problems_);
    test.eval_time = read_eval_time(section);
    section.require("query");
    section.text("query", test.query);
    section.each("exp_rows", [&](const YamlNode& item, const std::string& item_path) {
      test.rows.push_back(read_row(item, item_path));
    });
    section.finish();
    return test;
  }

  ExpectedRow read_row(const YamlNode& node, const std::string& path) {
    ExpectedRow row;
    if (node.kind != YamlNode::Kind::kMap) {
      problems_.add(
          node.position(),
          fmt::format("{}: expected a map from columns to values, found {}", path, describe(node)));
      return row;
    }
    for (const YamlEntry& entry : node.entries) {
      const YamlNode& value = entry.value;
      const bool is_null =
          value.kind == YamlNode::Kind::kNull || (!value.quoted && value.scalar == "null");
      if (!is_null && value.kind != YamlNode::Kind::kScalar) {
        problems_.add(value.position(), fmt::format("{}.{}: expected a value, found {}", path,
                                                    entry.key.scalar, describe(value)));
      }
      row.push_back({entry.key.scalar, value.scalar, is_null});
    }
    return row;
  }

  const std::map<std::string, std::string>& parameters_;
  Problems problems_;
  TestFile& out_;
  Timestamp start_ = 0;  // of the current test
};

}  // namespace

Result<TestFile> read_test_file(const std::string& path,
                                const std::map<std::string, std::string>& parameters) {
  TestFile out;
  out.path = path;
  TOCSIN_RETURN_IF_ERROR(FileReader(out, parameters).read());
  return out;
}

}  // namespace tocsin::rule_tests
