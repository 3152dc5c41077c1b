// A UDP listener on one worker: datagrams of clients to backends and replies back, flow by flow.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "net/datagrams.h"
#include "net/task.h"
#include "net/timer_wheel.h"
#include "net/wait.h"
#include "relay/udp_flow.h"
#include "relay/udp_flow_table.h"
#include "relay/udp_metrics.h"
#include "worker/termination.h"
#include "worker/worker.h"

namespace weir::relay {

// One of the listener's sockets: where datagrams of clients come in and replies go out.
class UdpEntrance final : public net::IoWaiter {
 public:
  UdpEntrance(UdpRelay& relay, int fd);
  ~UdpEntrance();
  void on_ready() override;
  void on_timeout() override {}
  void cancel() override {}
  int fd() const { return socket_->fd(); }

  net::DatagramSender replies;

 private:
  UdpRelay& relay_;
  net::Descriptor* socket_;
};

// A flow is a client's address and port with the address of ours that it speaks to. It has a socket of its own to its
// backend, which it keeps: a change of configuration moves new flows only. It ends when nothing has come either way for
// the idle timeout, when it has all the responses it expects, when its backend refuses datagrams (the client's next one
// then begins another flow), when its backend is unhealthy and leaves datagrams unanswered, when its backend's drain
// timeout is over, or when the table is full and it is the one that has been silent longest.
//
// Everything on the worker's thread. There are no tasks here: sockets tell when something can be read, and one timer
// follows the flow that is oldest.
class UdpRelay final : private net::TimerNode, private net::RoundEndWork {
 public:
  // Takes over `fds`.
  UdpRelay(worker::Worker& worker, worker::Listening& listening, const std::vector<int>& fds);
  ~UdpRelay();
  UdpRelay(const UdpRelay&) = delete;
  UdpRelay& operator=(const UdpRelay&) = delete;

  // The worker has another snapshot.
  void configuration_changed();
  // Sockets and flows are of another listener from now on, as after a change of name.
  void serve_for(worker::Listening& listening);
  // No flow is begun any more. `finish` waits until the last one has ended, and ends those that are left at `deadline`.
  void begin_closing() { closing_ = true; }
  net::Task<void> finish(base::TimePoint deadline);
  void end_all();
  // Ends the flows to `backend`.
  void break_flows(const pool::Backend& backend);
  std::size_t flows() const { return table_.size(); }

 private:
  friend class UdpEntrance;
  friend class UdpFlow;

  // -- from clients (udp_relay.cc)
  void take_from_clients(UdpEntrance& entrance);
  UdpFlow* begin_flow(UdpEntrance& entrance, const UdpFlowKey& key, std::uint32_t hash, std::uint64_t datagrams);
  std::optional<CountedClient> admit(const config::Listener& listener, const UdpFlowKey& key, std::uint64_t datagrams);
  bool is_lost(const UdpFlow& flow) const;
  void make_room();
  bool evict_oldest();
  void touch(UdpFlow& flow);
  net::Tick idle_ticks() const;
  const worker::ListenerSnapshot* listener() const;
  void on_timer() override;
  void arm();
  // Sends the replies that the round has gathered.
  void at_round_end() override { flush_replies(); }
  void flush_replies();

  // -- to and from backends (udp_backend.cc)
  base::Result<void> connect(UdpFlow& flow);
  bool try_another(UdpFlow& flow, const base::Error& error);
  base::Result<void> open_socket(UdpFlow& flow);
  void note_failed_address(const UdpFlow& flow);
  void close_descriptor(UdpFlow& flow);
  void close_socket(UdpFlow& flow);
  void deliver(UdpFlow* flow);
  void take_replies(UdpFlow& flow);
  void lost(UdpFlow& flow, const base::Error& error);
  // Not by the backend's fault; `detail` says why, empty: all went well.
  void end(UdpFlow& flow, worker::Termination how, std::string_view detail = {});
  // By the backend's fault.
  void end_failed(UdpFlow& flow, const base::Error& failure);
  void forget(UdpFlow& flow, worker::Termination how, std::string_view detail);
  void log(const UdpFlow& flow, worker::Termination how, std::string_view detail);

  worker::Worker& worker_;
  worker::Listening* listening_;
  UdpMetrics metrics_;
  const base::HashKey hash_key_ = base::HashKey::random();
  std::vector<std::unique_ptr<UdpEntrance>> entrances_;
  UdpFlowTable table_;
  base::IntrusiveList<UdpFlow> by_age_;  // the one that has been silent longest first

  net::DatagramReceiver inbox_;    // from clients; what is in it goes out at once
  net::DatagramSender outbox_;     // to one backend
  net::DatagramReceiver replies_;  // from backends; what is in it waits in the entrances' senders
  std::size_t reply_window_ = 0;   // the next free one

  bool closing_ = false;
  net::Waiter* drained_ = nullptr;
};

}  // namespace weir::relay
