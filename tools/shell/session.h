// Runs the queries and commands of the shell, independently of a terminal.
#pragma once

#include <atomic>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/format/result.h"
#include "tools/client/query_source.h"

namespace tocsin {

struct SessionOptions {
  ResultFormat format = ResultFormat::kTable;
  bool interactive = false;  ///< fits tables to the terminal and shows the time of each query
  bool safe = false;         ///< of FormatOptions
  std::string now;           ///< RFC 3339; empty: the current time
  std::vector<std::pair<std::string, std::string>> parameters;
  std::function<std::pair<size_t, size_t>()> terminal_size;  ///< columns and lines; empty: unknown
  const std::atomic<bool>* cancelled = nullptr;
};

/// A session of one user with a source. Results go to `out`, errors and warnings to `errors`. All
/// references must outlive it.
class ShellSession {
 public:
  ShellSession(QuerySource& source, SessionOptions options, std::ostream& out,
               std::ostream& errors);

  /// Runs a query, or a command that begins with `.`. Text that begins with `|` extends the last
  /// query. Returns false after reporting an error.
  bool run(const std::string& text);
  bool finished() const { return finished_; }  ///< after `.quit`

  /// Suggestions for queries and commands.
  Completion complete(std::string_view text, size_t cursor);

 private:
  struct Command;
  static const std::vector<Command>& commands();

  bool command(std::string_view line);
  bool query(const std::string& text);
  Result<ResultTable> ask(const std::string& text, uint64_t rows_max = 0);
  void show(const ResultTable& table);
  void show_numbers(const ResultTable& table);
  std::pair<size_t, size_t> terminal_size() const;

  Status help();
  Status tables();
  Status schema(std::string_view measurement);
  Status set_format(std::string_view name);
  Status set_timing(std::string_view state);
  Status draw(std::string_view query);
  Status set_now(std::string_view time);
  Status set_parameter(std::string_view text);

  QuerySource& source_;
  SessionOptions options_;
  std::ostream& out_;
  std::ostream& errors_;
  bool timing_ = false;
  bool finished_ = false;
  std::string last_query_;
  ResultTable last_result_;
};

}  // namespace tocsin
