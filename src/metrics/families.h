// Every metric family of Weir: name, type, help and labels in one place. Code registers by these, the documentation
// lists them. Sums of bytes and seconds are in base units, counters end in _total.
#pragma once

#include <array>

#include "metrics/registry.h"

namespace weir::metrics::families {

// ---- requests ---------------------------------------------------------------------------------------------------
inline constexpr Family kRequests = {
    .name = "weir_requests_total",
    .type = Type::counter,
    .help = "Exchanges finished, by the status sent to the client; pool and backend are empty when none was chosen.",
    .labels = {"listener", "route", "pool", "backend", "code"}};
inline constexpr Family kRequestDuration = {
    .name = "weir_request_duration_seconds",
    .type = Type::histogram,
    .help = "Time from the last byte of a request header to the last byte of the response.",
    .labels = {"listener"}};
inline constexpr Family kGrpcRequests = {
    .name = "weir_grpc_requests_total",
    .type = Type::counter,
    .help = "gRPC calls finished, by the name of the grpc-status that the client got, or has to conclude.",
    .labels = {"listener", "route", "pool", "grpc_status"}};
inline constexpr Family kHttpErrors = {.name = "weir_http_errors_total",
                                       .type = Type::counter,
                                       .help = "Requests that Weir answered with an error of its own, by reason.",
                                       .labels = {"listener", "reason"}};
inline constexpr Family kSlowClients = {
    .name = "weir_slow_clients_total",
    .type = Type::counter,
    .help = "Exchanges cut because their client was slower than min_rate, by the direction: request, response.",
    .labels = {"listener", "direction"}};
inline constexpr Family kRetries = {.name = "weir_retries_total",
                                    .type = Type::counter,
                                    .help = "Attempts after the first one of an exchange.",
                                    .labels = {"pool"}};
inline constexpr Family kBytes = {
    .name = "weir_bytes_total",
    .type = Type::counter,
    .help = "Bytes of headers and bodies: client_in, client_out (from and to clients), backend_in, backend_out.",
    .labels = {"direction"}};

// ---- client connections -----------------------------------------------------------------------------------------
inline constexpr Family kConnectionsActive = {
    .name = "weir_connections_active", .type = Type::gauge, .help = "Open client connections.", .labels = {"listener"}};
inline constexpr Family kConnections = {.name = "weir_connections_total",
                                        .type = Type::counter,
                                        .help = "Client connections accepted.",
                                        .labels = {"listener"}};
inline constexpr Family kConnectionsRefused = {
    .name = "weir_connections_refused_total",
    .type = Type::counter,
    .help =
        "Client connections closed before their session, by reason: limit, max_connections, memory, denied, rate, "
        "client_rate, client_connections, proxy_header, client_hello, client_table, handshake_rate.",
    .labels = {"listener", "reason"}};

inline constexpr Family kRelayedConnections = {
    .name = "weir_relayed_connections_total",
    .type = Type::counter,
    .help =
        "TCP connections that ended, by how: client_closed, backend_closed, idle_timeout, backend_refused and so "
        "on; pool and backend are empty when none was chosen.",
    .labels = {"listener", "pool", "backend", "termination"}};
// ---- TLS with clients -------------------------------------------------------------------------------------------
inline constexpr Family kTlsHandshakes = {.name = "weir_tls_handshakes_total",
                                          .type = Type::counter,
                                          .help = "TLS handshakes with clients that were established.",
                                          .labels = {"version", "resumed"}};
inline constexpr Family kTlsHandshakeFailures = {
    .name = "weir_tls_handshake_failures_total",
    .type = Type::counter,
    .help =
        "TLS handshakes with clients that were not, by reason: timeout, closed, refused (by either side), "
        "plain_http, rate.",
    .labels = {"reason"}};

inline constexpr Family kTlsCertificateNotAfter = {.name = "weir_tls_certificate_not_after_seconds",
                                                   .type = Type::gauge,
                                                   .help = "Unix time at which a certificate in use expires.",
                                                   .labels = {"certificate"}};

// ---- UDP --------------------------------------------------------------------------------------------------------
inline constexpr Family kUdpFlowsActive = {.name = "weir_udp_flows_active",
                                           .type = Type::gauge,
                                           .help = "Flows of UDP clients that are remembered.",
                                           .labels = {"listener"}};
inline constexpr Family kUdpFlows = {
    .name = "weir_udp_flows_total", .type = Type::counter, .help = "Flows begun.", .labels = {"listener"}};
inline constexpr Family kUdpFlowsEvicted = {
    .name = "weir_udp_flows_evicted_total",
    .type = Type::counter,
    .help = "Flows ended because there were too many, the one that had been silent longest first.",
    .labels = {"listener"}};
inline constexpr Family kUdpDatagrams = {
    .name = "weir_udp_datagrams_total",
    .type = Type::counter,
    .help = "Datagrams: client_in, client_out (from and to clients), backend_in, backend_out.",
    .labels = {"listener", "direction"}};
inline constexpr Family kUdpDropped = {
    .name = "weir_udp_datagrams_dropped_total",
    .type = Type::counter,
    .help =
        "Datagrams that were not forwarded, by reason: closing, denied, rate, client_rate, client_connections, "
        "no_backend, exhausted, unreachable, unsent.",
    .labels = {"listener", "reason"}};

// ---- backends and upstream connections --------------------------------------------------------------------------
inline constexpr Family kBackendUp = {
    .name = "weir_backend_up",
    .type = Type::gauge,
    .help = "1 while the backend is healthy, alive but not ready, or unknown and used, else 0.",
    .labels = {"pool", "backend"}};
inline constexpr Family kBackendState = {.name = "weir_backend_state",
                                         .type = Type::gauge,
                                         .help = "1 for the state that the backend is in, 0 for the others.",
                                         .labels = {"pool", "backend", "state"}};
inline constexpr Family kBackendConnectionsActive = {.name = "weir_backend_connections_active",
                                                     .type = Type::gauge,
                                                     .help = "Open connections to the backend, busy and idle.",
                                                     .labels = {"pool", "backend"}};
inline constexpr Family kBackendRequestsActive = {.name = "weir_backend_requests_active",
                                                  .type = Type::gauge,
                                                  .help = "Attempts in progress on the backend.",
                                                  .labels = {"pool", "backend"}};
inline constexpr Family kBackendRequests = {.name = "weir_backend_requests_total",
                                            .type = Type::counter,
                                            .help = "Attempts made on the backend.",
                                            .labels = {"pool", "backend"}};
inline constexpr Family kBackendFailures = {
    .name = "weir_backend_failures_total",
    .type = Type::counter,
    .help = "Attempts that failed before a whole response: refused, timeout, reset, closed, protocol and so on.",
    .labels = {"pool", "backend", "reason"}};
inline constexpr Family kBackendEjections = {
    .name = "weir_backend_ejections_total",
    .type = Type::counter,
    .help = "Ejections by passive checks and operators: connect, reset, timeout, bad_response, status and so on.",
    .labels = {"pool", "backend", "reason"}};
inline constexpr Family kBackendEjected = {.name = "weir_backend_ejected",
                                           .type = Type::gauge,
                                           .help = "1 while the backend is ejected, or waits for its trial.",
                                           .labels = {"pool", "backend"}};
inline constexpr Family kBackendEjectionsPrevented = {
    .name = "weir_backend_ejections_prevented_total",
    .type = Type::counter,
    .help = "Ejections that did not happen because too many backends of the pool were out, by reason.",
    .labels = {"pool", "reason"}};
inline constexpr Family kUpstreamDuration = {
    .name = "weir_upstream_duration_seconds",
    .type = Type::histogram,
    .help = "Time of an attempt from picking the backend to its response header.",
    .labels = {"pool"}};
inline constexpr Family kUpstreamConnectionsOpened = {.name = "weir_upstream_connections_opened_total",
                                                      .type = Type::counter,
                                                      .help = "Connections opened to backends.",
                                                      .labels = {"pool"}};
inline constexpr Family kUpstreamConnectionsReused = {.name = "weir_upstream_connections_reused_total",
                                                      .type = Type::counter,
                                                      .help = "Attempts that used a connection which was open already.",
                                                      .labels = {"pool"}};
inline constexpr Family kUpstreamConnectionsTakenOver = {
    .name = "weir_upstream_connections_taken_over_total",
    .type = Type::counter,
    .help = "Idle connections that one worker took over from another instead of opening a new one.",
    .labels = {"pool"}};
inline constexpr Family kUpstreamQueueLength = {
    .name = "weir_upstream_queue_length",
    .type = Type::gauge,
    .help = "Exchanges waiting for a connection of a backend at its max_connections.",
    .labels = {"pool"}};
inline constexpr Family kPoolDegraded = {
    .name = "weir_pool_degraded",
    .type = Type::gauge,
    .help = "1 while fewer than min_healthy backends are healthy and unhealthy or ejected ones are used again.",
    .labels = {"pool"}};
inline constexpr Family kPoolBackendsEligible = {.name = "weir_pool_backends_eligible",
                                                 .type = Type::gauge,
                                                 .help = "Backends of the pool that take new work.",
                                                 .labels = {"pool"}};

// ---- health checks ----------------------------------------------------------------------------------------------
inline constexpr Family kHealthChecks = {.name = "weir_health_checks_total",
                                         .type = Type::counter,
                                         .help = "Probes finished, by result: success, failure.",
                                         .labels = {"result"}};
inline constexpr Family kHealthCheckDuration = {.name = "weir_health_check_duration_seconds",
                                                .type = Type::histogram,
                                                .help = "Time of a probe from its start to its verdict."};

inline constexpr Family kHealthSuspicions = {
    .name = "weir_health_suspicions_total",
    .type = Type::counter,
    .help = "Times that all healthy backends of a pool began to fail at once."};
inline constexpr Family kAgentChecks = {.name = "weir_agent_checks_total",
                                        .type = Type::counter,
                                        .help = "Questions to agents finished, by result: success, failure.",
                                        .labels = {"result"}};
inline constexpr Family kBackendAgentWeight = {.name = "weir_backend_agent_weight_ratio",
                                               .type = Type::gauge,
                                               .help =
                                                   "Weight that the agent's words give the backend, over the "
                                                   "configured one; only where an agent has said so.",
                                               .labels = {"pool", "backend"}};
inline constexpr Family kBackendAgentDown = {.name = "weir_backend_agent_down",
                                             .type = Type::gauge,
                                             .help = "1 while its agent says that the backend is down; else not there.",
                                             .labels = {"pool", "backend"}};

// ---- Weir itself ------------------------------------------------------------------------------------------------
inline constexpr Family kConfigReloads = {.name = "weir_config_reloads_total",
                                          .type = Type::counter,
                                          .help = "Attempts to apply a configuration, by result: success, failure.",
                                          .labels = {"result"}};
inline constexpr Family kConfigLastReloadSuccessful = {
    .name = "weir_config_last_reload_successful",
    .type = Type::gauge,
    .help = "1 if the last reload was applied, 0 if it was refused."};
inline constexpr Family kConfigLastReloadSuccessTimestamp = {
    .name = "weir_config_last_reload_success_timestamp_seconds",
    .type = Type::gauge,
    .help = "Unix time of the last configuration that was applied."};
inline constexpr Family kConfigObjectsSetAside = {
    .name = "weir_config_objects_set_aside",
    .type = Type::gauge,
    .help = "Objects of the store that the configuration leaves out: they clash with the file or pass no rule."};
inline constexpr Family kStorePendingChanges = {.name = "weir_store_pending_changes",
                                                .type = Type::gauge,
                                                .help = "States of backends that apply but could not be stored yet."};
inline constexpr Family kAccessLogDropped = {
    .name = "weir_access_log_dropped_total",
    .type = Type::counter,
    .help = "Access log lines lost because the output was too slow, full or broken."};
inline constexpr Family kBuildInfo = {.name = "weir_build_info",
                                      .type = Type::gauge,
                                      .help = "Always 1; the labels describe the build.",
                                      .labels = {"version", "compiler"}};
inline constexpr Family kWorkers = {
    .name = "weir_workers", .type = Type::gauge, .help = "Worker threads that carry traffic."};
inline constexpr Family kWorkersBehind = {
    .name = "weir_workers_behind",
    .type = Type::gauge,
    .help = "Workers that did not use a changed configuration within 5 s, and do not yet."};

// ---- the process (metrics/process.h) ----------------------------------------------------------------------------
inline constexpr Family kProcessCpu = {
    .name = "weir_process_cpu_seconds_total", .type = Type::counter, .help = "User and system CPU time spent."};
inline constexpr Family kProcessResident = {
    .name = "weir_process_resident_memory_bytes", .type = Type::gauge, .help = "Resident memory."};
inline constexpr Family kProcessVirtual = {
    .name = "weir_process_virtual_memory_bytes", .type = Type::gauge, .help = "Virtual memory."};
inline constexpr Family kProcessOpenFds = {
    .name = "weir_process_open_fds", .type = Type::gauge, .help = "Open file descriptors."};
inline constexpr Family kProcessMaxFds = {
    .name = "weir_process_max_fds", .type = Type::gauge, .help = "Limit on open file descriptors."};
inline constexpr Family kProcessStartTime = {
    .name = "weir_process_start_time_seconds", .type = Type::gauge, .help = "Unix time at which the process started."};
inline constexpr Family kProcessThreads = {
    .name = "weir_process_threads", .type = Type::gauge, .help = "Threads of the process."};

// All of them, in the order of the documentation.
inline constexpr std::array kAll = {kRequests,
                                    kRequestDuration,
                                    kGrpcRequests,
                                    kHttpErrors,
                                    kSlowClients,
                                    kRetries,
                                    kBytes,
                                    kConnectionsActive,
                                    kConnections,
                                    kConnectionsRefused,
                                    kRelayedConnections,
                                    kUdpFlowsActive,
                                    kUdpFlows,
                                    kUdpFlowsEvicted,
                                    kUdpDatagrams,
                                    kUdpDropped,
                                    kTlsHandshakes,
                                    kTlsHandshakeFailures,
                                    kTlsCertificateNotAfter,
                                    kBackendUp,
                                    kBackendState,
                                    kBackendConnectionsActive,
                                    kBackendRequestsActive,
                                    kBackendRequests,
                                    kBackendFailures,
                                    kBackendEjections,
                                    kBackendEjected,
                                    kBackendEjectionsPrevented,
                                    kUpstreamDuration,
                                    kUpstreamConnectionsOpened,
                                    kUpstreamConnectionsReused,
                                    kUpstreamConnectionsTakenOver,
                                    kUpstreamQueueLength,
                                    kPoolDegraded,
                                    kPoolBackendsEligible,
                                    kHealthChecks,
                                    kHealthCheckDuration,
                                    kHealthSuspicions,
                                    kAgentChecks,
                                    kBackendAgentWeight,
                                    kBackendAgentDown,
                                    kConfigReloads,
                                    kConfigLastReloadSuccessful,
                                    kConfigLastReloadSuccessTimestamp,
                                    kConfigObjectsSetAside,
                                    kStorePendingChanges,
                                    kAccessLogDropped,
                                    kBuildInfo,
                                    kWorkers,
                                    kWorkersBehind,
                                    kProcessCpu,
                                    kProcessResident,
                                    kProcessVirtual,
                                    kProcessOpenFds,
                                    kProcessMaxFds,
                                    kProcessStartTime,
                                    kProcessThreads};

}  // namespace weir::metrics::families
