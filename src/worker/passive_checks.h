// The part of passive checks that workers do: failures in a row eject at once, and a trial brings back.
#pragma once

#include "pool/backend.h"
#include "worker/try_outcome.h"

namespace weir::worker {

class Worker;
struct PoolSnapshot;

// The trial of `entry`, which is under way, has succeeded.
void end_trial_well(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, pool::Trial& trial);
// A failure: ends a trial, or ejects the endpoint when it is one too many in a row and the pool may spare it.
void note_failure(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, pool::Trial& trial,
                  const Judgement& judgement, const TryOutcome& outcome);

}  // namespace weir::worker
