// Writes with `debug=1`: parsed and shown, but not stored.
#pragma once

#include <memory>

#include "net/http/message.h"
#include "net/ingest/dry_run.h"

namespace tocsin::http {

/// Null without the parameter. Otherwise `reply` is replaced: once rows or rejected lines were
/// collected, it answers 200 with them; until then, as the handler says.
std::shared_ptr<DryRun> dry_run_of(const Request& request, Reply& reply);

}  // namespace tocsin::http
