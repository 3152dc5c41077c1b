#include "net/datagrams.h"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "gtest/gtest.h"

#include "net/tcp.h"

namespace weir::net {
namespace {

base::SocketAddress loopback(std::uint16_t port = 0) {
  return *base::SocketAddress::parse("127.0.0.1:" + std::to_string(port));
}

void wait_readable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  ASSERT_EQ(poll(&ready, 1, 5000), 1);
}

// A bound socket with its receiver, and everything it has received, datagram by datagram.
struct Receiving {
  explicit Receiving(const base::SocketAddress& at) : fd(*bind_udp(at, {.receive_buffer_bytes = 4 << 20})) {}
  ~Receiving() { close(fd); }
  base::SocketAddress address() const { return local_address(fd); }
  // Reads until `count` datagrams have come.
  std::vector<std::string> datagrams(std::size_t count) {
    std::vector<std::string> all;
    while (all.size() < count) {
      wait_readable(fd);
      base::Result<std::size_t> got = receiver.receive(fd, 0, receiver.windows());
      EXPECT_TRUE(got && *got > 0);
      if (!got || *got == 0) break;
      for (std::size_t i = 0; i < *got; ++i) {
        Datagrams datagrams = receiver.datagrams(i);
        std::size_t each = datagrams.segment_bytes == 0 ? datagrams.bytes.size() : datagrams.segment_bytes;
        std::size_t before = all.size();
        if (datagrams.bytes.empty()) all.emplace_back();
        for (std::size_t at = 0; at < datagrams.bytes.size(); at += each)
          all.emplace_back(datagrams.bytes.substr(at, each));
        EXPECT_EQ(all.size() - before, datagrams.count());
        gathered = gathered || datagrams.segment_bytes > 0;
      }
    }
    return all;
  }
  int fd;
  DatagramReceiver receiver{8};
  bool gathered = false;
};

struct Sending {
  explicit Sending(const base::SocketAddress& to) : fd(*connect_udp(to)) {}
  ~Sending() { close(fd); }
  void add(std::string_view bytes, std::size_t segment_bytes = 0) {
    sender.add({.bytes = bytes, .segment_bytes = segment_bytes}, nullptr, {});
  }
  int fd;
  DatagramSender sender{64};
};

TEST(Datagrams, ArriveAsTheyWereSentWhateverTheirSizes) {
  Receiving to(loopback());
  Sending from(to.address());
  std::vector<std::string> sent;
  for (std::size_t size : {1200, 1200, 1200, 700, 1200, 0, 0, 5, 5, 6, 1, 9000, 9000, 1}) {
    sent.push_back(std::string(size, static_cast<char>('a' + sent.size())));
  }
  for (const std::string& datagram : sent) from.add(datagram);
  DatagramSender::Outcome outcome = from.sender.flush(from.fd, true);
  EXPECT_EQ(outcome.sent, sent.size());
  EXPECT_EQ(outcome.dropped, 0u);
  EXPECT_TRUE(from.sender.empty());
  EXPECT_EQ(to.datagrams(sent.size()), sent);
  EXPECT_TRUE(to.gathered);
}

TEST(Datagrams, WhatCameGatheredGoesOnGathered) {
  Receiving to(loopback());
  Sending from(to.address());
  std::string run(1000 * 10 + 300, 'x');
  from.add(run, 1000);
  std::string other(100, 'y');
  from.add(other);  // another run: the last of a run may be the only short one
  EXPECT_EQ(from.sender.flush(from.fd, true).sent, 12u);
  std::vector<std::string> got = to.datagrams(12);
  EXPECT_EQ(got[0], std::string(1000, 'x'));
  EXPECT_EQ(got[10], std::string(300, 'x'));
  EXPECT_EQ(got[11], std::string(100, 'y'));
}

TEST(Datagrams, ManyOfOnePeerAreCutAtWhatTheKernelTakes) {
  Receiving to(loopback());
  Sending from(to.address());
  std::string one(1400, 'z');
  for (int i = 0; i < 64; ++i) from.add(one);
  EXPECT_EQ(from.sender.room(), 0u);
  EXPECT_EQ(from.sender.flush(from.fd, true).sent, 64u);
  EXPECT_EQ(to.datagrams(64), std::vector<std::string>(64, one));
}

TEST(Datagrams, SeveralPeersAreServedInOneGo) {
  Receiving a(loopback());
  Receiving b(loopback());
  int fd = *bind_udp(loopback(), {});
  DatagramSender sender(8);
  PeerAddress to_a = PeerAddress::of(a.address());
  PeerAddress to_b = PeerAddress::of(b.address());
  for (const PeerAddress* peer : {&to_a, &to_a, &to_b, &to_a}) sender.add({.bytes = "same size"}, peer, {});
  EXPECT_EQ(sender.flush(fd, false).sent, 4u);
  EXPECT_EQ(a.datagrams(3).size(), 3u);
  EXPECT_EQ(b.datagrams(1).size(), 1u);
  close(fd);
}

TEST(Datagrams, TheLocalAddressIsToldAndCanBeAnsweredFrom) {
  Receiving every(*base::SocketAddress::parse("0.0.0.0:0"));
  Sending client(*base::SocketAddress::parse("127.0.0.9:" + std::to_string(every.address().port)));
  client.add("hello");
  client.sender.flush(client.fd, true);
  wait_readable(every.fd);
  ASSERT_EQ(*every.receiver.receive(every.fd, 0, 4), 1u);
  LocalAddress local = every.receiver.local(0);
  EXPECT_EQ(local.bytes[0], 127);
  EXPECT_EQ(local.bytes[3], 9);
  DatagramSender answers(4);
  answers.add({.bytes = "back"}, &every.receiver.peer(0), local);
  EXPECT_EQ(answers.flush(every.fd, false).sent, 1u);
  wait_readable(client.fd);  // connected: it takes datagrams from 127.0.0.9 only
  char bytes[16];
  EXPECT_EQ(recv(client.fd, bytes, sizeof bytes, 0), 4);
}

TEST(Datagrams, APeerThatRefusesLeavesTheRestToBeSentElsewhere) {
  int closed = *bind_udp(loopback(), {});
  base::SocketAddress nobody = local_address(closed);
  close(closed);
  Sending from(nobody);
  from.add("first");
  from.sender.flush(from.fd, true);
  wait_readable(from.fd);  // the refusal
  from.add("second");
  from.add("third, longer");
  DatagramSender::Outcome outcome = from.sender.flush(from.fd, true);
  EXPECT_EQ(outcome.broken, ECONNREFUSED);
  EXPECT_EQ(outcome.sent, 0u);
  Receiving to(loopback());
  Sending elsewhere(to.address());
  EXPECT_EQ(from.sender.flush(elsewhere.fd, true).sent, 2u);
  EXPECT_EQ(to.datagrams(2), (std::vector<std::string>{"second", "third, longer"}));
}

TEST(Datagrams, WhatIsTooLongIsDroppedAndTheRestGoesOn) {
  Receiving to(loopback());
  Sending from(to.address());
  std::string huge(65'520, 'h');
  from.add("before");
  from.add(huge);
  from.add("after");
  DatagramSender::Outcome outcome = from.sender.flush(from.fd, true);
  EXPECT_EQ(outcome.sent, 2u);
  EXPECT_EQ(outcome.dropped, 1u);
  EXPECT_EQ(to.datagrams(2), (std::vector<std::string>{"before", "after"}));
}

// One receiver serves sockets of both families, and flows are told apart by the bytes of these addresses.
TEST(Datagrams, APeersAddressKeepsNothingOfALongerOneBefore) {
  Receiving v6(*base::SocketAddress::parse("[::1]:0"));
  Receiving v4(loopback());
  Sending from_v6(v6.address());
  Sending from_v4(v4.address());
  DatagramReceiver receiver(1);
  const PeerAddress expected = PeerAddress::of(local_address(from_v4.fd));
  for (Receiving* to : {&v4, &v6, &v4}) {
    Sending& from = to == &v4 ? from_v4 : from_v6;
    from.add("x");
    EXPECT_EQ(from.sender.flush(from.fd, true).sent, 1u);
    wait_readable(to->fd);
    auto got = receiver.receive(to->fd, 0, 1);
    ASSERT_TRUE(got && *got == 1);
    if (to != &v4) continue;
    EXPECT_EQ(std::memcmp(&receiver.peer(0).storage, &expected.storage, sizeof expected.storage), 0);
  }
}

TEST(Datagrams, NothingToReceiveIsNoError) {
  Receiving to(loopback());
  EXPECT_EQ(to.receiver.receive(to.fd, 0, 8).value(), 0u);
  EXPECT_EQ(to.receiver.receive_one(to.fd, 3).value(), 0u);
}

TEST(UdpSocket, ClosedTakesNothingUntilItListens) {
  int fd = *bind_udp(loopback(), {.closed = true});
  EXPECT_TRUE(is_datagram_socket(fd));
  Sending from(local_address(fd));
  from.add("lost");
  from.sender.flush(from.fd, true);
  listen_now(fd);
  from.add("found");
  from.sender.flush(from.fd, true);
  wait_readable(fd);
  DatagramReceiver receiver(4);
  ASSERT_EQ(*receiver.receive(fd, 0, 4), 1u);
  EXPECT_EQ(receiver.datagrams(0).bytes, "found");
  close(fd);
}

}  // namespace
}  // namespace weir::net
