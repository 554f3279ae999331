// A value that a Transaction reads is a view into LMDB's map, valid until the transaction ends.
#include "db/catalog/environment.h"

using namespace tocsin;

Result<size_t> use(Environment& environment) {
#ifdef TOCSIN_FAIL
  TOCSIN_TRY(const auto value, environment.begin_read().value().get(CatalogTable::kMeta, "state"));
#else
  TOCSIN_TRY(const Transaction transaction, environment.begin_read());
  TOCSIN_TRY(const auto value, transaction.get(CatalogTable::kMeta, "state"));
#endif
  return value ? value->size() : 0;
}
