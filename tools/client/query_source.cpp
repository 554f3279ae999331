#include "tools/client/query_source.h"

#include "db/database.h"
#include "query/query.h"
#include "rules/rule_file.h"
#include "tools/client/remote_query.h"

namespace tocsin {
namespace {

// More than on a server, because the query has the process for itself, and a long result is in
// memory as a whole.
constexpr size_t kMemoryBytesMax = 1 * kGiB;

class DatabaseSource final : public QuerySource {
 public:
  DatabaseSource(std::unique_ptr<Database> database, TimeZone zone, Duration timeout)
      : database_(std::move(database)),
        engine_(*database_),
        zone_(std::move(zone)),
        timeout_(timeout) {}

  Result<ResultTable> ask(const Question& question) override {
    QueryOptions options;
    options.zone = zone_;
    options.timeout = timeout_;
    options.cancelled = question.cancelled;
    options.rows_max = question.rows_max;
    options.memory_bytes_max = kMemoryBytesMax;
    if (!question.now.empty()) {
      TOCSIN_TRY(options.now, parse_time(question.now, zone_));
    }
    for (const auto& [name, value] : question.parameters) {
      options.parameters[name] = parse_parameter(value, zone_);
    }
    return engine_.run(question.text, options);
  }

  Result<Completion> complete(std::string_view text, size_t cursor) override {
    QueryOptions options;
    options.zone = zone_;
    return tocsin::complete(text, cursor, *database_, options);
  }

 private:
  std::unique_ptr<Database> database_;
  QueryEngine engine_;
  TimeZone zone_;
  Duration timeout_;
};

class ServerSource final : public QuerySource {
 public:
  ServerSource(std::string url, std::string zone, ServerAccess access)
      : url_(std::move(url)), zone_(std::move(zone)), access_(std::move(access)) {}

  Result<ResultTable> ask(const Question& question) override {
    return query_server({url_, question.text, question.now, zone_, question.parameters,
                         question.cancelled, question.rows_max, access_});
  }

  Result<Completion> complete(std::string_view text, size_t cursor) override {
    return complete_on_server(url_, access_, text, cursor);
  }

 private:
  std::string url_;
  std::string zone_;
  ServerAccess access_;
};

}  // namespace

Result<std::unique_ptr<QuerySource>> open_query_source(const QuerySourceOptions& options) {
  if (options.database.empty())
    return std::make_unique<ServerSource>(options.url, options.zone, options.access);
  DatabaseOptions opening;
  opening.read_only = true;
  opening.create = false;
  TimeZone zone;
  if (!options.zone.empty()) {
    TOCSIN_TRY(zone, TimeZone::load(options.zone));
  }
  TOCSIN_TRY(std::unique_ptr<Database> database, Database::open(options.database, opening));
  return std::make_unique<DatabaseSource>(std::move(database), std::move(zone), options.timeout);
}

}  // namespace tocsin
