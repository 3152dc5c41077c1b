// The part of passive checks that workers do: failures in a row eject at once, and a trial brings back.
#pragma once

#include "pool/backend.h"
#include "worker/try_outcome.h"

namespace weir::worker {

class Worker;
struct PoolSnapshot;

// The trial of `entry`, which is under way, has succeeded.
void end_trial_well(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, pool::Trial& trial);
// The trial of `entry`, which is under way, has an outcome that says something, by the pool's own rules and, where they
// are known and others, by those of the pool that has ejected it: a failure by either that their detectors ask for
// fails it. A connection that failed where no detector asks for that says nothing. False: a failure that came when the
// trial had ended without it, and counts like one of any work.
bool end_trial(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, pool::Trial& trial,
               const TryOutcome& outcome, TryProgress progress, const config::Pool* ejected_by);
// A failure of work that is no trial: ejects the endpoint when it is one too many in a row and the pool may spare it.
// Bad answers that most other backends give as well do not: it is the service that fails.
void note_failure(Worker& worker, const PoolSnapshot& pool, const pool::BackendEntry& entry, const Judgement& judgement,
                  const TryOutcome& outcome);

}  // namespace weir::worker
