#include "net/http/dry_run.h"

#include <utility>

namespace tocsin::http {

std::shared_ptr<DryRun> dry_run_of(const Request& request, Reply& reply) {
  const std::string debug = request.parameter_or("debug", "0");
  if (debug.empty() || debug == "0" || debug == "false") return nullptr;
  auto dry_run = std::make_shared<DryRun>();  // shared with the texts of the request
  reply = [dry_run, reply = std::move(reply)](Response response) {
    reply(dry_run->empty() ? std::move(response) : json_response(200, dry_run->json()));
  };
  return dry_run;
}

}  // namespace tocsin::http
