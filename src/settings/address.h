// Consul's address as its own tools accept it: host:port, http://, https:// or unix://.
//
// Pure functions; thread-safe.
#ifndef SHMCONF_SETTINGS_ADDRESS_H_
#define SHMCONF_SETTINGS_ADDRESS_H_

#include <optional>
#include <string>
#include <string_view>

#include "settings/complaint.h"

namespace shmconf::settings {

// What is wrong with the address, or nothing.
std::optional<Complaint> examine_address(std::string_view address);

// The address as http://host:port, https://host:port or unix:///path, the port always written.
// https asked for turns http into https, as in Consul's own tools, which never go back from TLS.
// Requires an address that examine_address() accepts.
std::string normal_address(std::string_view address, bool https);

}  // namespace shmconf::settings

#endif  // SHMCONF_SETTINGS_ADDRESS_H_
