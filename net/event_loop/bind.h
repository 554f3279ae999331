// What binding a TCP and a UDP socket have in common. Internal to net/event_loop.
#pragma once

#include <cstdint>
#include <string>

#include <sys/socket.h>

#include "db/base/result.h"
#include "net/event_loop/address.h"

namespace tocsin {

/// Says what to do. `error` is an errno; `setting` the option that chooses the address.
tl::unexpected<Error> listen_error(const Address& address, const std::string& setting, int error);

/// Requires: the host is numeric.
sockaddr_storage storage_of(const Address& address);
uint16_t port_of(const sockaddr_storage& storage);

}  // namespace tocsin
