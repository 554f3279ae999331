#include "db/catalog/check.h"

#include <fmt/format.h>

namespace tocsin {

Status check_entries(const Transaction& transaction, const CatalogState& state,
                     const std::string& directory) {
  uint64_t digest = 0;
  bool can_be_found = true;
  for (size_t i = 0; i < kTableCount; ++i) {
    const auto table = static_cast<CatalogTable>(i);
    if (table == CatalogTable::kMeta) continue;
    const auto check = [&](std::string_view key, ByteView value) {
      digest ^= digest_of(table, key, value);
      const auto found = transaction.get(table, key);
      can_be_found = found && *found && (*found)->data() == value.data();
      return can_be_found;
    };
    TOCSIN_RETURN_IF_ERROR(transaction.walk(table, {}, check));
    if (!can_be_found) break;
  }
  if (can_be_found && digest == state.digest) {
    TOCSIN_TRY(const bool whole, transaction.pages_are_whole());
    if (whole) return {};
    return fail(ErrorCode::kCorrupt,
                fmt::format("the catalog of {} is damaged: its pages are not valid trees; stop the "
                            "process that writes it and run `tocsin repair --db {}`",
                            directory, directory));
  }
  return fail(
      ErrorCode::kCorrupt,
      fmt::format("the catalog of {} is damaged: its entries are not those of commit {}; stop "
                  "the process that writes it and run `tocsin repair --db {}`",
                  directory, state.commit_number, directory));
}

Result<CatalogState> check_catalog(const Transaction& transaction, const CommitMark& mark,
                                   const std::string& directory) {
  const Status format = check_format(transaction);
  if (!format) {
    // An empty catalog may have lost its entries.
    if (format.error().code == ErrorCode::kNotFound) {
      TOCSIN_RETURN_IF_ERROR(check_commit_mark(directory, mark, 0));
    }
    return tl::unexpected<Error>(format.error());
  }
  TOCSIN_TRY(CatalogState state, read_state(transaction));
  TOCSIN_RETURN_IF_ERROR(check_commit_mark(directory, mark, state.commit_number));
  TOCSIN_RETURN_IF_ERROR(check_entries(transaction, state, directory));
  return state;
}

}  // namespace tocsin
