// Requests that are stored once: those with an Idempotency-Key, and, within the setting
// `listen.dedupe_window`, those with the same body.
#pragma once

#include <memory>
#include <string_view>

#include "net/http/api.h"
#include "net/http/message.h"
#include "net/ingest/once.h"

namespace tocsin::http {

/// How long a request with a key is remembered, if `listen.dedupe_window` is shorter.
inline constexpr Duration kIdempotencyWindow = kDay;

/// Null if the request may be stored twice. Otherwise `reply` is replaced: it adds
/// `X-Tocsin-Duplicate: true` if the whole request was stored before. Takes everything from the
/// request but its body.
std::shared_ptr<OnceRequest> once_of(const Context& context, const Request& request, Reply& reply);

/// Completes the key. `body` is unpacked. May be called on any thread, before the first text.
void identify_body(OnceRequest& once, std::string_view body);

}  // namespace tocsin::http
