// A healthy backend as each checker expects it: the one thing that the contract must know of a checker.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "health/checker.h"
#include "tests/support/scripted_server.h"
#include "tests/support/scripted_tls.h"
#include "tests/unit/tls/pair.h"
#include "tls/client_context.h"

namespace weir::health {

struct Conversation {
  test::ScriptedServer::Script script;  // the backend's side of one probe
  // Options without which the checker cannot be used.
  decltype(config::Choice::options) options{};
  // The failure where nobody listens, or its beginning.
  std::string refused = "connect: refused";
};

inline const tls::PemPair& backend_certificate() {
  static const tls::PemPair kPair = tls::make_pair("backend.example", "DNS:backend.example");
  return kPair;
}

// Reads up to the end of an HTTP head, answers, and waits for the end.
inline Conversation after_head(std::string answer) {
  return {.script = [answer = std::move(answer)](test::ScriptedConnection& connection) {
    connection.read_head();
    connection.send_text(answer);
    // A gRPC probe closes when it has heard enough; the others have ended by then.
    connection.read_head();
  }};
}

// Reads so many bytes, answers, and waits for the end.
inline Conversation after_bytes(std::size_t count, std::string answer) {
  return {.script = [count, answer = std::move(answer)](test::ScriptedConnection& connection) {
    if (connection.read_bytes(count).size() == count) connection.send_text(answer);
    connection.hang();
  }};
}

// A gRPC backend says this once the preface has come, whose end looks like that of a head: SETTINGS, and on stream 1 a
// head with status 200, a HealthCheckResponse that says SERVING, and trailers with grpc-status 0.
inline std::string grpc_serving() {
  return std::string("\0\0\0\4\0\0\0\0\0", 9) + std::string("\0\0\1\1\4\0\0\0\1\x88", 10) +
         std::string("\0\0\7\0\0\0\0\0\1\0\0\0\0\2\x08\1", 16) +
         std::string("\0\0\x0f\1\5\0\0\0\1\0\x0bgrpc-status\1", 23) + "0";
}

// With a checker of the list that is not here the backend speaks HTTP.
inline Conversation conversation_of(std::string_view checker) {
  const std::map<std::string_view, std::function<Conversation()>> kAll{
      {"grpc", [] { return after_head(grpc_serving()); }},
      {"redis", [] { return after_bytes(std::string_view("*1\r\n$4\r\nPING\r\n").size(), "+PONG\r\n"); }},
      // AuthenticationOk and ReadyForQuery, after the length of the startup message with its default user.
      {"postgresql", [] { return after_bytes(54, std::string("R\0\0\0\x8\0\0\0\0Z\0\0\0\5I", 15)); }},
      {"tls",
       [] {
         return Conversation{.script = [](test::ScriptedConnection& connection) {
           test::serve_tls(connection, backend_certificate().cert, backend_certificate().key);
         }};
       }},
      // The program connects, as a probe over TCP does.
      {"command",
       [] {
         return Conversation{
             .script = [](test::ScriptedConnection& connection) { connection.hang(); },
             .options = {{"command", std::vector<std::string>{"/bin/bash", "-c",
                                                              "exec 3<>/dev/tcp/$WEIR_BACKEND_IP/$WEIR_BACKEND_PORT"}}},
             .refused = "exit 1: "};
       }},
      {"udp", [] { return Conversation{.script = {}, .options = {}, .refused = "receive: refused"}; }},
  };
  auto found = kAll.find(checker);
  if (found != kAll.end()) return found->second();
  return after_head("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

// The rules of TLS that trust backend_certificate().
inline std::shared_ptr<const tls::ClientContexts> contexts_for_backend(tls::Library& library) {
  auto made = tls::ClientContext::make(library, {.authorities = backend_certificate().cert});
  auto contexts = std::make_shared<tls::ClientContexts>();
  contexts->of_thread.push_back(std::move(made.value()));
  return contexts;
}

}  // namespace weir::health
