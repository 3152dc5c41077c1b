// How long a change of the configuration waits. Clients of the API give up sooner or later: both together are 10 s.
#pragma once

#include "base/clock.h"

namespace weir::control {

// For those that came before it.
inline constexpr base::Nanoseconds kQueuePatience = std::chrono::seconds(5);
// The same for what files have brought: nobody would ask again.
inline constexpr base::Nanoseconds kFilePatience = std::chrono::seconds(60);
// For the store.
inline constexpr base::Nanoseconds kStorePatience = std::chrono::seconds(5);
// For the workers, before a change that applies is answered as one that some of them do not use yet.
inline constexpr base::Nanoseconds kWorkerPatience = std::chrono::seconds(5);
// For the store, before an operator is answered whether the state of a backend, which applies already, is stored.
inline constexpr base::Nanoseconds kOperatorPatience = std::chrono::seconds(1);

}  // namespace weir::control
