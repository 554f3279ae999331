// `tocsin rules test`: runs the tests of rules.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <re2/re2.h>

#include "tools/command.h"
#include "tools/rule_tests/junit.h"
#include "tools/rule_tests/run.h"
#include "tools/rule_tests/test_file.h"
#include "tools/rule_tests/update.h"
#include "tools/terminal/output.h"
#include "tools/wiring.h"

namespace tocsin {
namespace {

using namespace rule_tests;

constexpr const char* kTestFooter =
    R"(A test file names rule files, events, and the alerts expected at given times:
  rule_files: [rules.yml]
  tests:
    - name: a failing service
      events:
        - generate: {measurement: audit, tags: {service: pay, status: FAILED}, every: 1s, for: 10m}
      alert_rule_test:
        - eval_time: 10m
          alertname: FailureRateSpike
          exp_alerts:
            - exp_labels: {service: pay}

Examples:
  tocsin rules test tests/*.yml
  tocsin rules test --run 'quiet|night' --junit report.xml tests/*.yml
  tocsin rules test --update tests/pay.yml)";

struct TestArguments {
  std::vector<std::string> files;
  std::string config;
  std::string run;    ///< a pattern of the names of tests; empty: all
  std::string junit;  ///< a file for the report; empty: none
  bool update = false;
};

Status write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return {};
  return fail(ErrorCode::kIo, fmt::format("cannot write {}", path));
}

// Beside the old one first, so that a failure loses nothing.
Status replace_file(const std::string& path, const std::string& text) {
  const std::string written = path + ".new";
  TOCSIN_RETURN_IF_ERROR(write_file(written, text));
  std::error_code error;
  std::filesystem::rename(written, path, error);
  if (!error) return {};
  return fail(ErrorCode::kIo, fmt::format("cannot replace {}: {}", path, error.message()));
}

void print_result(const NamedResult& test) {
  print_message(stdout,
                fmt::format("{:<6}  {}: {} ({:.1f} s)\n", test.result.passed() ? "ok" : "FAILED",
                            test.file, test.name, test.result.seconds));
  for (const Failure& failure : test.result.failures) {
    const std::string place =
        failure.position.line == 0
            ? ""
            : fmt::format("{}:{}:{}: ", test.file, failure.position.line, failure.position.column);
    print_message(stdout, fmt::format("  {}{}\n", place, failure.text));
  }
  std::fflush(stdout);
}

class Tester {
 public:
  explicit Tester(const TestArguments& arguments) : arguments_(arguments), wanted_(arguments.run) {}

  Status run() {
    TOCSIN_TRY(const Settings settings, load_settings(arguments_.config));
    for (const std::string& path : arguments_.files) {
      TOCSIN_RETURN_IF_ERROR(run_file(path, settings));
    }
    if (!arguments_.junit.empty()) {
      TOCSIN_RETURN_IF_ERROR(write_file(arguments_.junit, junit_xml(results_)));
    }
    return summary();
  }

 private:
  Status run_file(const std::string& path, const Settings& settings) {
    const Result<TestFile> file = read_test_file(path, settings.parameters);
    if (!file) {
      print_message(stdout, fmt::format("FAILED  {}\n{}\n", path, file.error().message));
      TestResult broken;
      broken.failures.push_back({{}, file.error().message});
      results_.push_back({path, "the file can be read", std::move(broken)});
      return {};
    }
    std::vector<const RuleTest*> tests;
    std::vector<TestResult> of_file;
    for (const RuleTest& test : file->tests) {
      if (!arguments_.run.empty() && !re2::RE2::PartialMatch(test.name, wanted_)) continue;
      TOCSIN_TRY(TestResult result, run_test(*file, test, &stop_on_signals()));
      results_.push_back({path, test.name, result});
      print_result(results_.back());
      tests.push_back(&test);
      of_file.push_back(std::move(result));
    }
    return arguments_.update ? update(*file, tests, of_file) : Status{};
  }

  static Status update(const TestFile& file, const std::vector<const RuleTest*>& tests,
                       const std::vector<TestResult>& results) {
    TOCSIN_TRY(const std::string text, updated_text(file, tests, results));
    if (text == file.text) return {};
    TOCSIN_RETURN_IF_ERROR(replace_file(file.path, text));
    print_message(
        stdout, fmt::format("updated {}; check the difference before you commit it\n", file.path));
    return {};
  }

  Status summary() const {
    size_t failed = 0;
    for (const NamedResult& test : results_) failed += test.result.passed() ? 0 : 1;
    if (results_.empty()) return fail(ErrorCode::kInvalid, "no test has such a name");
    if (failed > 0) {
      return fail(ErrorCode::kInvalid,
                  fmt::format("{} of {} tests failed", failed, results_.size()));
    }
    fmt::print("{} test{} passed\n", results_.size(), results_.size() == 1 ? "" : "s");
    return {};
  }

  const TestArguments& arguments_;
  const re2::RE2 wanted_;
  std::vector<NamedResult> results_;
};

void check_pattern(const std::string& pattern) {
  const re2::RE2 compiled(pattern, re2::RE2::Quiet);
  if (!compiled.ok()) throw CLI::ValidationError("--run", compiled.error());
}

}  // namespace

void add_rules_test_command(CLI::App& rules, Action& action) {
  auto arguments = std::make_shared<TestArguments>();  // shared by the callbacks
  CLI::App* command = rules.add_subcommand("test", "Run tests of rules: events in, alerts out");
  command->footer(kTestFooter);
  command->add_option("FILE", arguments->files, "Test files")->required()->check(CLI::ExistingFile);
  command->add_option("--run", arguments->run,
                      "Only tests whose name matches this regular expression");
  command->add_option("--junit", arguments->junit,
                      "Write a report in JUnit's XML format to this file");
  command->add_flag("--update", arguments->update,
                    "Rewrite exp_alerts of failed checks with the alerts that the rules gave");
  command->add_option("--config", arguments->config, "Configuration file; its parameters are used")
      ->check(CLI::ExistingFile);
  command->callback([arguments, &action] {
    check_pattern(arguments->run);
    action = [arguments = *arguments] { return Tester(arguments).run(); };
  });
}

}  // namespace tocsin
