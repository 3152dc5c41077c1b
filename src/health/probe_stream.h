// The connection of one probe that speaks its protocol in few bytes of its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "health/check_result.h"
#include "health/checker.h"
#include "net/task.h"
#include "net/tcp.h"

namespace weir::health {

// Every operation ends before the deadline of the probe. Its failures are in words.
class ProbeStream {
 public:
  // The most that a probe reads in all.
  static constexpr std::size_t kLimitBytes = 64 * 1024;

  // `target` outlives this. The probe's time begins now.
  explicit ProbeStream(const CheckTarget& target);

  // Connects, in clear so far.
  net::Task<Probed> open();
  // Makes TLS of the connection where the target has it. `protocols` are offered by ALPN; none: those of the pool.
  net::Task<Probed> secure(std::vector<std::string> protocols = {});
  // `awaited` names what a timeout was waiting for: "the command to be taken".
  net::Task<Probed> send(std::string_view bytes, std::string_view awaited);
  // Reads more into received(), at most `most` bytes. At the end of the stream at_end() is set; a failure when
  // kLimitBytes were read before.
  net::Task<Probed> receive(std::string_view awaited, std::size_t most = kLimitBytes);
  // Ends the connection in order: servers log a reset as an error. Takes 100 ms at most.
  net::Task<void> close();

  const std::string& received() const { return received_; }
  // Takes `count` bytes off the front of received().
  void drop(std::size_t count) { received_.erase(0, count); }
  bool at_end() const { return at_end_; }
  // Time from the start to now.
  base::Nanoseconds elapsed() const { return base::now() - began_; }
  base::TimePoint deadline() const { return deadline_; }
  net::TcpStream& stream() { return stream_; }

 private:
  const CheckTarget& target_;
  base::TimePoint began_;
  base::TimePoint deadline_;
  net::TcpStream stream_;
  std::string received_;
  std::size_t read_ = 0;  // bytes in all
  bool at_end_ = false;
};

}  // namespace weir::health
