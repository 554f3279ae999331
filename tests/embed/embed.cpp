// Embeds the store: writes two rows to the database in the given directory, runs a query, and
// prints the result.
#include <cstdio>

#include "db/database.h"
#include "query/query.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto database = tocsin::Database::open(argv[1]);
  if (!database) return std::puts(database.error().message.c_str()), 1;

  tocsin::WriteRequest request;
  tocsin::RowBatch& rows = request.batch.rows_of("door");
  for (const double seconds : {2.5, 7.0}) {
    rows.begin_row(tocsin::SystemClock().now());
    rows.set_string(rows.lane("room", tocsin::ColumnType::kString, tocsin::ColumnKind::kTag, 0),
                    "kitchen");
    rows.set_f64(rows.lane("open_s", tocsin::ColumnType::kF64, tocsin::ColumnKind::kField, 1),
                 seconds);
  }
  // Returns when the rows are durable.
  if (auto written = (*database)->write(std::move(request)); !written) {
    return std::puts(written.error().message.c_str()), 1;
  }

  const tocsin::QueryEngine engine(**database);
  auto answer =
      engine.run("from door last 1h | stats n = count(), longest = max(open_s) by room", {});
  if (!answer) return std::puts(answer.error().message.c_str()), 1;
  std::fputs(tocsin::format_result(*answer, tocsin::ResultFormat::kCsv).c_str(), stdout);
}
