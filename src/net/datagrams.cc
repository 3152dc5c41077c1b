#include "net/datagrams.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/udp.h>

#include "base/assert.h"
#include "net/system_calls.h"

namespace weir::net {
namespace {

// Not a power of two, or the first lines of all windows would share a few places of the cache.
constexpr std::size_t kWindowBytes = 65'536 + 2048 + 64;
// The most that the kernel takes as one send (UDP_MAX_SEGMENTS of older kernels), well inside the longest IP packet.
constexpr std::size_t kMaxSegments = 64;
constexpr std::size_t kMaxMergedBytes = 65'000;

template <typename T>
const T* find_control(const msghdr& header, int level, int type) {
  for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(const_cast<msghdr*>(&header), at)) {
    if (at->cmsg_level == level && at->cmsg_type == type) return reinterpret_cast<const T*>(CMSG_DATA(at));
  }
  return nullptr;
}

template <typename T>
void append_control(msghdr& header, int level, int type, const T& value) {
  auto* at = reinterpret_cast<cmsghdr*>(static_cast<char*>(header.msg_control) + header.msg_controllen);
  at->cmsg_level = level;
  at->cmsg_type = type;
  at->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(at), &value, sizeof value);
  header.msg_controllen += CMSG_SPACE(sizeof value);
}

bool same_peer(const PeerAddress& a, const PeerAddress& b) {
  return std::memcmp(&a.storage, &b.storage, sizeof a.storage) == 0;
}

// Equal bytes for equal peers: the kernel writes only as much as an address of its family has, over whatever the window
// held before, and the flow label of IPv6 is no part of who the peer is.
void normalize(PeerAddress& peer, socklen_t written) {
  std::size_t bytes = std::min<std::size_t>(written, sizeof peer.storage);
  std::memset(reinterpret_cast<char*>(&peer.storage) + bytes, 0, sizeof peer.storage - bytes);
  if (peer.is_v6()) peer.storage.sin6_flowinfo = 0;
}

}  // namespace

DatagramReceiver::DatagramReceiver(std::size_t windows)
    : memory_(std::make_unique_for_overwrite<char[]>(windows * kWindowBytes)),
      messages_(windows),
      pieces_(windows),
      peers_(windows),
      controls_(windows) {
  for (std::size_t i = 0; i < windows; ++i) {
    pieces_[i] = {.iov_base = memory_.get() + i * kWindowBytes, .iov_len = kMaxDatagramBytes + 1};
    msghdr& header = messages_[i].msg_hdr;
    header.msg_name = &peers_[i].storage;
    header.msg_iov = &pieces_[i];
    header.msg_iovlen = 1;
    header.msg_control = controls_[i].bytes.data();
  }
}

base::Result<std::size_t> DatagramReceiver::receive(int fd, std::size_t first, std::size_t most) {
  for (std::size_t i = first; i < first + most; ++i) {
    messages_[i].msg_hdr.msg_namelen = sizeof(sockaddr_in6);
    messages_[i].msg_hdr.msg_controllen = sizeof(Control);
  }
  int got;
  do {
    got = recvmmsg(fd, &messages_[first], static_cast<unsigned>(most), 0, nullptr);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got < 0) return base::fail_errno(errno, "receive");
  auto count = static_cast<std::size_t>(got);
  for (std::size_t i = first; i < first + count; ++i) normalize(peers_[i], messages_[i].msg_hdr.msg_namelen);
  return count;
}

base::Result<std::size_t> DatagramReceiver::receive_one(int fd, std::size_t window) {
  ssize_t bytes;
  do {
    bytes = net::receive(fd, pieces_[window].iov_base, pieces_[window].iov_len);
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0) {
    if (errno == EAGAIN) return 0;
    return base::fail_errno(errno, "receive");
  }
  messages_[window].msg_len = static_cast<unsigned>(bytes);
  messages_[window].msg_hdr.msg_controllen = 0;
  return 1;
}

Datagrams DatagramReceiver::datagrams(std::size_t window) const {
  const mmsghdr& message = messages_[window];
  Datagrams found{.bytes = {static_cast<const char*>(pieces_[window].iov_base), message.msg_len}};
  if (const int* size = find_control<int>(message.msg_hdr, IPPROTO_UDP, UDP_GRO)) {
    if (*size > 0 && static_cast<std::size_t>(*size) < found.bytes.size()) {
      found.segment_bytes = static_cast<std::size_t>(*size);
    }
  }
  return found;
}

LocalAddress DatagramReceiver::local(std::size_t window) const {
  const msghdr& header = messages_[window].msg_hdr;
  LocalAddress local;
  if (const auto* v4 = find_control<in_pktinfo>(header, IPPROTO_IP, IP_PKTINFO)) {
    std::memcpy(local.bytes.data(), &v4->ipi_addr, sizeof v4->ipi_addr);
  } else if (const auto* v6 = find_control<in6_pktinfo>(header, IPPROTO_IPV6, IPV6_PKTINFO)) {
    std::memcpy(local.bytes.data(), &v6->ipi6_addr, sizeof v6->ipi6_addr);
    if (IN6_IS_ADDR_LINKLOCAL(&v6->ipi6_addr)) local.interface = v6->ipi6_ifindex;
  }
  return local;
}

DatagramSender::DatagramSender(std::size_t capacity)
    : messages_(capacity), entries_(capacity), controls_(capacity), pieces_(capacity) {}

// Whether it could join the last entry, which it then has.
bool DatagramSender::merge(const Datagrams& datagrams, const PeerAddress* peer, const LocalAddress& local) {
  if (count_ == 0 || count_ == next_) return false;
  Entry& last = entries_[count_ - 1];
  std::size_t size = last.segment_bytes == 0 ? last.bytes : last.segment_bytes;
  std::size_t wanted = datagrams.segment_bytes == 0 ? datagrams.bytes.size() : datagrams.segment_bytes;
  // Only the last of all may be shorter, and an empty one would be lost.
  bool fits = size > 0 && last.bytes % size == 0 && !datagrams.bytes.empty() &&
              (datagrams.segment_bytes == 0 ? wanted <= size : wanted == size);
  if (!fits || last.bytes + datagrams.bytes.size() > kMaxMergedBytes ||
      last.datagrams + datagrams.count() > kMaxSegments) {
    return false;
  }
  if (last.has_peer != (peer != nullptr)) return false;
  if (peer != nullptr && !(same_peer(last.peer, *peer) && last.local == local)) return false;
  last.segment_bytes = size;
  last.bytes += datagrams.bytes.size();
  last.datagrams += datagrams.count();
  ++messages_[count_ - 1].msg_hdr.msg_iovlen;
  return true;
}

void DatagramSender::add(const Datagrams& datagrams, const PeerAddress* peer, const LocalAddress& local) {
  WEIR_ASSERT(room() > 0);
  iovec& piece = pieces_[piece_count_++];
  piece = {.iov_base = const_cast<char*>(datagrams.bytes.data()), .iov_len = datagrams.bytes.size()};
  if (merge(datagrams, peer, local)) return;
  Entry& entry = entries_[count_];
  entry.bytes = datagrams.bytes.size();
  entry.segment_bytes = datagrams.segment_bytes;
  entry.datagrams = datagrams.count();
  entry.has_peer = peer != nullptr;
  if (peer != nullptr) {
    entry.peer = *peer;
    entry.local = local;
  }
  messages_[count_].msg_hdr.msg_iov = &piece;
  messages_[count_].msg_hdr.msg_iovlen = 1;
  ++count_;
}

void DatagramSender::prepare(std::size_t index) {
  msghdr& header = messages_[index].msg_hdr;
  Entry& entry = entries_[index];
  header.msg_name = entry.has_peer ? &entry.peer.storage : nullptr;
  header.msg_namelen = entry.has_peer ? entry.peer.size() : 0;
  header.msg_control = controls_[index].bytes.data();
  header.msg_controllen = 0;
  if (entry.has_peer && entry.local != LocalAddress{}) {
    if (entry.peer.is_v6()) {
      in6_pktinfo info{};
      std::memcpy(&info.ipi6_addr, entry.local.bytes.data(), sizeof info.ipi6_addr);
      info.ipi6_ifindex = entry.local.interface;
      append_control(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
    } else {
      in_pktinfo info{};
      std::memcpy(&info.ipi_spec_dst, entry.local.bytes.data(), sizeof info.ipi_spec_dst);
      append_control(header, IPPROTO_IP, IP_PKTINFO, info);
    }
  }
  if (entry.datagrams > 1) {
    append_control(header, IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(entry.segment_bytes));
  }
  if (header.msg_controllen == 0) header.msg_control = nullptr;
}

DatagramSender::Outcome DatagramSender::flush(int fd, bool connected) {
  Outcome outcome;
  for (std::size_t i = next_; i < count_; ++i) prepare(i);
  while (next_ < count_) {
    int sent = send_next(fd);
    if (sent > 0) {
      for (int i = 0; i < sent; ++i) outcome.sent += entries_[next_++].datagrams;
    } else if (errno != EINTR && !take_error(fd, errno, connected, outcome)) {
      return outcome;
    }
  }
  count_ = piece_count_ = next_ = 0;
  return outcome;
}

int DatagramSender::send_next(int fd) {
  if (count_ - next_ > 1) {
    return sendmmsg(fd, &messages_[next_], static_cast<unsigned>(count_ - next_), MSG_NOSIGNAL);
  }
  const msghdr& header = messages_[next_].msg_hdr;
  bool plain = header.msg_name == nullptr && header.msg_control == nullptr && header.msg_iovlen == 1;
  ssize_t sent =
      plain ? net::transmit(fd, header.msg_iov->iov_base, header.msg_iov->iov_len) : sendmsg(fd, &header, MSG_NOSIGNAL);
  return sent < 0 ? -1 : 1;
}

// Handles the error of the first message that was not sent. False when the socket is broken.
bool DatagramSender::take_error(int fd, int os_error, bool connected, Outcome& outcome) {
  switch (os_error) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      if (!connected) break;
      outcome.broken = os_error;
      return false;
    case EIO:
    case EINVAL:
    case EMSGSIZE:
    case EOPNOTSUPP:
      // The device cannot cut them, or a segment is longer than its packets.
      if (entries_[next_].datagrams > 1) {
        send_apart(fd, next_++, outcome);
        return true;
      }
      break;
    default:
      break;
  }
  outcome.dropped += entries_[next_++].datagrams;
  return true;
}

// The datagrams of an entry one by one.
void DatagramSender::send_apart(int fd, std::size_t index, Outcome& outcome) {
  const Entry& entry = entries_[index];
  msghdr header = messages_[index].msg_hdr;
  // The size of the segments is the last of the control messages.
  header.msg_controllen -= CMSG_SPACE(sizeof(std::uint16_t));
  if (header.msg_controllen == 0) header.msg_control = nullptr;
  for (std::size_t i = 0; i < messages_[index].msg_hdr.msg_iovlen; ++i) {
    const iovec& piece = messages_[index].msg_hdr.msg_iov[i];
    for (std::size_t at = 0; at < piece.iov_len; at += entry.segment_bytes) {
      iovec part{.iov_base = static_cast<char*>(piece.iov_base) + at,
                 .iov_len = std::min(entry.segment_bytes, piece.iov_len - at)};
      header.msg_iov = &part;
      header.msg_iovlen = 1;
      ++(sendmsg(fd, &header, MSG_NOSIGNAL) < 0 ? outcome.dropped : outcome.sent);
    }
  }
}

std::uint64_t DatagramSender::waiting() const {
  std::uint64_t left = 0;
  for (std::size_t i = next_; i < count_; ++i) left += entries_[i].datagrams;
  return left;
}

std::uint64_t DatagramSender::clear() {
  std::uint64_t left = waiting();
  count_ = piece_count_ = next_ = 0;
  return left;
}

}  // namespace weir::net
