// The name by which clients of the API tell one Weir from another.
#pragma once

#include <string>

#include "net/task.h"
#include "store/store.h"

namespace weir::control {

// The load_balancer_id that the store keeps; the first time one is made of the host's name, this machine and the
// address of the admin API, so that it survives restarts also where the store keeps nothing.
net::Task<std::string> instance_id(store::Store& store, std::string admin_listen);

}  // namespace weir::control
