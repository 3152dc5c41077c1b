// Places for connections (max_connections of a backend) that workers leave to each other, so that one which has none
// gets to speak HTTP/2 with the backend at all.
#include "upstream/h2_links.h"
#include "upstream/h2_of_backend.h"

namespace weir::upstream {

bool H2Links::claim_place(H2OfBackend& of_backend, const AcquireOptions& options) {
  if (of_backend.inherited > 0) {
    --of_backend.inherited;
    return true;
  }
  return of_backend.backend->places.claim(options.backend->max_connections);
}

void H2Links::free_place(const H2OfBackend& of_backend) {
  places_.free(of_backend.backend, of_backend.max_connections);
}

void H2Links::ask_for_place(H2OfBackend& of_backend) {
  if (of_backend.asking || peers_.size() < 2) return;
  of_backend.asking = true;
  ask_next({.backend = of_backend.backend, .asker = peers_.own()});
}

void H2Links::ask_next(PlaceQuestion question) {
  const Peer& next = peers_.next();
  H2Links* there = next.h2_links;
  next.reactor->post([there, question = std::move(question)]() mutable { there->give_way(std::move(question)); });
}

// Sent by the worker before this one. When nobody has given anything the question comes back to who asked.
void H2Links::give_way(PlaceQuestion question) {
  if (question.asker == peers_.own()) {
    H2OfBackend& of_backend = of(question.backend);
    bool second_round = !question.busy_ones && of_backend.acquiring > 0 && of_backend.lasting() == 0;
    if (!second_round) return end_question(question.backend);
    question.busy_ones = true;
    return ask_next(std::move(question));
  }
  const Peer& asker = peers_.at(question.asker);
  if (!leave_place(question, asker)) return ask_next(std::move(question));
  // A busy connection may last for long. Until then others may come to have a place to give.
  H2Links* there = asker.h2_links;
  asker.reactor->post([there, backend = std::move(question.backend)] { there->end_question(backend); });
}

void H2Links::end_question(const std::shared_ptr<pool::Backend>& backend) { of(backend).asking = false; }

// One that has nothing to do, or the least busy of several. The only one that is busy stays: it may be for long. One
// place at a time is left to the same worker.
bool H2Links::leave_place(const PlaceQuestion& question, const Peer& heir) {
  std::uint32_t slot = question.backend->slot();
  if (slot >= by_slot_.size() || by_slot_[slot] == nullptr || by_slot_[slot]->backend != question.backend) return false;
  H2Link* least = nullptr;
  bool promised = false;
  by_slot_[slot]->links.for_each([&](H2Link& link) {
    promised |= link.heir == &heir;
    if (link.connection.is_ending()) return;
    if (least == nullptr || link.connection.open_streams() < least->connection.open_streams()) least = &link;
  });
  if (promised || least == nullptr) return false;
  bool is_busy = least->connection.open_streams() > 0;
  if (is_busy && (!question.busy_ones || by_slot_[slot]->lasting() < 2)) return false;
  least->heir = &heir;
  least->connection.shut_down();
  return true;
}

// The task that waited for it may have been served otherwise.
void H2Links::inherit_place(const std::shared_ptr<pool::Backend>& backend) {
  H2OfBackend& of_backend = of(backend);
  if (of_backend.acquiring == 0) return free_place(of_backend);
  ++of_backend.inherited;
  of_backend.wake_some(1);
}

}  // namespace weir::upstream
