// A program that gets the payload of Alertmanager's webhooks on its standard input.
#include <fmt/format.h>

#include "net/deliver/receiver.h"

namespace tocsin {
namespace {

class Command final : public AlertReceiver {
 public:
  explicit Command(ForwarderOptions options) : options_(std::move(options)) {}

  DeliveryRequest request(const ReceiverContext& context,
                          std::span<const AlertEvent> alerts) const override {
    return CommandRun{options_.command, alertmanager_payload(context.payload, alerts) + "\n",
                      options_.timeout};
  }

 private:
  const ForwarderOptions options_;
};

}  // namespace

Result<std::unique_ptr<AlertReceiver>> make_command(const ForwarderOptions& options) {
  if (options.command.empty() || !options.command.front().starts_with('/')) {
    return fail(ErrorCode::kInvalid,
                "`command` must list a program by its whole path, and its arguments");
  }
  return std::make_unique<Command>(options);
}

}  // namespace tocsin
