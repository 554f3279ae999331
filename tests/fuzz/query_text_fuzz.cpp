// Any text: the parser returns a query that round-trips through printing, or an error within the
// text; the completer accepts every position.
#include <cstdint>
#include <string>

#include "db/base/check.h"
#include "query/base/limits.h"
#include "query/complete/complete.h"
#include "query/parser/ast.h"
#include "query/parser/grammar.h"
#include "tests/query/sample_catalog.h"

using namespace tocsin;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Diagnostic diagnostic;
  const auto query = parse_query(text, TimeZone(), diagnostic);
  if (!query) {
    TOCSIN_CHECK(!diagnostic.message.empty());
    TOCSIN_CHECK(diagnostic.offset <= text.size());
    TOCSIN_CHECK(!diagnostic.render(text).empty());
  } else {
    const std::string printed = ast::print_query(*query);
    if (printed.size() <= kQueryBytesMax) {
      const auto again = parse_query(printed, TimeZone(), diagnostic);
      TOCSIN_CHECK(again.has_value());
      TOCSIN_CHECK(ast::print_query(*again) == printed);
    }
  }
  if (size > 512) return 0;  // each completion checks all earlier stages
  static const Catalog catalog = sample_catalog();
  const size_t cursor = size == 0 ? 0 : (size + data[0]) % (size + 1);
  const Completion found = complete(text, cursor, catalog, sample_options(), {});
  TOCSIN_CHECK(found.start <= cursor && found.end >= cursor && found.end <= size);
  return 0;
}
