// The states of an endpoint between ejection and return, and how one follows from another. Pure; endpoint.h has the
// present one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace weir::pool {

// One value of 64 bits, so that threads change all of it at once or nothing.
//
//   in ---------> ejected ---------> half_open ---------> trial
//   ^             ^  (its time is over)   ^   (a request)   | | |
//   |             |                       +---- abandoned --+ | |
//   |             +------------------------------- failed ----+ |
//   +----------------------------------------- succeeded -------+
//
// An operator ejects from and returns to `in` whatever the state.
class EjectionState {
 public:
  enum class Phase : std::uint8_t {
    in,         // gets work as its pool says
    ejected,    // gets none until when()
    half_open,  // since when(): the next suitable request is its trial
    trial,      // since when(): one request is there, all others go elsewhere
  };
  // Each so long in, one of its ejections counts no more.
  static constexpr base::Nanoseconds kForgiveness = std::chrono::seconds(10);
  // So long a half-open endpoint waits for a request that may be done twice; then any is its trial.
  static constexpr base::Nanoseconds kChoosyFor = std::chrono::seconds(1);
  // So long a trial that says nothing keeps other requests from being trials as well.
  static constexpr base::Nanoseconds kTrialPatience = std::chrono::seconds(5);

  constexpr EjectionState() = default;
  constexpr explicit EjectionState(std::uint64_t packed) : packed_(packed) {}
  constexpr std::uint64_t packed() const { return packed_; }
  friend constexpr bool operator==(EjectionState, EjectionState) = default;

  constexpr Phase phase() const { return static_cast<Phase>(packed_ & kPhaseMask); }
  constexpr bool is_in() const { return (packed_ & kPhaseMask) == 0; }
  // Half-open, or in trial.
  constexpr bool is_tried() const { return phase() == Phase::half_open || phase() == Phase::trial; }
  // Whether both come from one ejection, of states that follow each other.
  constexpr bool is_of_ejection_of(EjectionState other) const { return stored_count() == other.stored_count(); }
  // Another one after each change, modulo 65536.
  constexpr std::uint32_t serial() const { return packed_ >> kSerialAt & kSerialMask; }
  // In milliseconds of the steady clock.
  constexpr base::TimePoint when() const {
    return base::TimePoint(std::chrono::milliseconds(static_cast<std::int64_t>(packed_ >> kWhenAt)));
  }
  // Ejections in a row that count at `now`; a row ends when it was in for long enough.
  constexpr std::uint32_t count(base::TimePoint now) const {
    std::uint32_t made = packed_ >> kCountAt & kCountMask;
    if (!is_in() || now <= when()) return made;
    auto forgiven = static_cast<std::uint64_t>((now - when()) / kForgiveness);
    return forgiven >= made ? 0 : made - static_cast<std::uint32_t>(forgiven);
  }
  // Whether a request may be the trial of this half-open state.
  constexpr bool takes_trial(bool is_idempotent, base::TimePoint now) const {
    return phase() == Phase::half_open && (is_idempotent || now - when() >= kChoosyFor);
  }

  // Out until `until`, once more in its row.
  constexpr EjectionState ejected(base::TimePoint now, base::TimePoint until) const {
    return next(Phase::ejected, std::min(count(now) + 1, kCountMask), until);
  }
  constexpr EjectionState half_open(base::TimePoint now) const { return next(Phase::half_open, stored_count(), now); }
  constexpr EjectionState trial(base::TimePoint now) const { return next(Phase::trial, stored_count(), now); }
  // A trial that says nothing: half-open since it began.
  constexpr EjectionState abandoned() const { return next(Phase::half_open, stored_count(), when()); }
  constexpr EjectionState in(base::TimePoint now) const { return next(Phase::in, count(now), now); }
  // In by an operator's word: the row of ejections ends.
  constexpr EjectionState readmitted(base::TimePoint now) const { return next(Phase::in, 0, now); }

 private:
  static constexpr std::uint64_t kPhaseMask = 3, kSerialMask = 0xffff;
  static constexpr std::uint32_t kCountMask = 0x3f;
  static constexpr int kCountAt = 2, kSerialAt = 8, kWhenAt = 24;

  constexpr std::uint32_t stored_count() const { return packed_ >> kCountAt & kCountMask; }
  constexpr EjectionState next(Phase phase, std::uint32_t count, base::TimePoint when) const {
    auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
    return EjectionState(static_cast<std::uint64_t>(ms) << kWhenAt | ((serial() + 1) & kSerialMask) << kSerialAt |
                         std::uint64_t{count} << kCountAt | static_cast<std::uint64_t>(phase));
  }

  std::uint64_t packed_ = 0;
};

// How long the `count`th ejection in a row lasts, from 1: `base`, twice that, and so on up to `max`, times 0.8 to 1.2
// by `random` (0..1), so that endpoints that failed together do not return together.
constexpr base::Nanoseconds ejection_time(std::uint32_t count, base::Nanoseconds base, base::Nanoseconds max,
                                          double random) {
  std::uint32_t doublings = std::min(count > 0 ? count - 1 : 0, 32u);
  double wanted = std::min(static_cast<double>(base.count()) * static_cast<double>(std::uint64_t{1} << doublings),
                           static_cast<double>(max.count()));
  return base::Nanoseconds(static_cast<std::int64_t>(wanted * (0.8 + 0.4 * random)));
}

}  // namespace weir::pool
