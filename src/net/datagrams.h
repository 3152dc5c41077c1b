// Datagrams in batches: many per system call, and several of equal size as one (UDP_GRO, UDP_SEGMENT).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <sys/socket.h>
#include <sys/uio.h>
#include <vector>

#include "base/error.h"
#include "net/udp_socket.h"

namespace weir::net {

// The longest that one call hands over: a datagram, or several gathered.
inline constexpr std::size_t kMaxDatagramBytes = 65'535;

// One datagram, or several of one peer: all `segment_bytes` long but the last, which may be shorter.
struct Datagrams {
  std::string_view bytes;
  std::size_t segment_bytes = 0;  // 0: a single one
  std::size_t count() const {
    return segment_bytes == 0 || bytes.empty() ? 1 : (bytes.size() + segment_bytes - 1) / segment_bytes;
  }
};

// Windows of memory that datagrams are received into. Their pages are touched only as far as datagrams are long.
class DatagramReceiver {
 public:
  explicit DatagramReceiver(std::size_t windows);
  DatagramReceiver(const DatagramReceiver&) = delete;
  DatagramReceiver& operator=(const DatagramReceiver&) = delete;
  std::size_t windows() const { return messages_.size(); }

  // Receives what is there into at most `most` windows, from number `first` on; never waits. The number of windows
  // filled, 0 when nothing is there; else the error that the kernel holds for the socket.
  base::Result<std::size_t> receive(int fd, std::size_t first, std::size_t most);

  // The same for one window and a connected socket that gathers nothing: there is no peer() or local() then.
  base::Result<std::size_t> receive_one(int fd, std::size_t window);

  // The datagrams of a filled window, valid until it is used again.
  Datagrams datagrams(std::size_t window) const;
  const PeerAddress& peer(std::size_t window) const { return peers_[window]; }
  LocalAddress local(std::size_t window) const;

 private:
  struct alignas(16) Control {
    std::array<char, 128> bytes;
  };
  std::unique_ptr<char[]> memory_;
  std::vector<mmsghdr> messages_;
  std::vector<iovec> pieces_;
  std::vector<PeerAddress> peers_;
  std::vector<Control> controls_;
};

// Datagrams that go out on one socket with the next flush(). Neighbours of equal size for the same peer go as one.
class DatagramSender {
 public:
  explicit DatagramSender(std::size_t capacity);
  DatagramSender(const DatagramSender&) = delete;
  DatagramSender& operator=(const DatagramSender&) = delete;

  // Room for so many more calls of add().
  std::size_t room() const { return pieces_.size() - piece_count_; }
  bool empty() const { return count_ == 0; }
  // Datagrams not sent yet.
  std::uint64_t waiting() const;
  // The bytes must stay until they are flushed. `peer` is null on a connected socket.
  void add(const Datagrams& datagrams, const PeerAddress* peer, const LocalAddress& local);

  struct Outcome {
    std::uint64_t sent = 0;     // datagrams
    std::uint64_t dropped = 0;  // too long for the way, forbidden, or the socket's buffer was full
    int broken = 0;             // errno of a connected socket whose peer cannot be reached; the rest is still there
  };
  // Sends everything; never waits. On a connected socket that is broken, what was not sent stays for another flush().
  Outcome flush(int fd, bool connected);
  // Forgets what was not sent; how many datagrams that were.
  std::uint64_t clear();

 private:
  struct alignas(16) Control {
    std::array<char, 96> bytes;
  };
  struct Entry {
    std::size_t bytes = 0;
    std::size_t segment_bytes = 0;  // 0: a single datagram
    std::size_t datagrams = 0;
    PeerAddress peer;
    LocalAddress local;
    bool has_peer = false;
  };
  // How many of the next messages went out, or -1 with errno.
  int send_next(int fd);
  bool merge(const Datagrams& datagrams, const PeerAddress* peer, const LocalAddress& local);
  void prepare(std::size_t index);
  void send_apart(int fd, std::size_t index, Outcome& outcome);
  bool take_error(int fd, int os_error, bool connected, Outcome& outcome);

  std::vector<mmsghdr> messages_;
  std::vector<Entry> entries_;
  std::vector<Control> controls_;
  std::vector<iovec> pieces_;
  std::size_t count_ = 0;
  std::size_t piece_count_ = 0;
  std::size_t next_ = 0;  // the first not sent
};

}  // namespace weir::net
