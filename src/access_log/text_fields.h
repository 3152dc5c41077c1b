// Which fields of a record are text, and that text.
#pragma once

#include <string_view>

#include "access_log/record.h"
#include "config/access_log_fields.h"

namespace weir::access_log {

// The text of a field that is text; nothing for numbers and times.
inline const std::string_view* text_of(config::LogField field, const Record& record) {
  static constexpr TlsRecord kNoTls;
  const TlsRecord& tls = record.tls != nullptr ? *record.tls : kNoTls;
  using config::LogField;
  switch (field) {
    case LogField::tls_version:
      return &tls.version;
    case LogField::tls_cipher:
      return &tls.cipher;
    case LogField::tls_sni:
      return &tls.sni;
    case LogField::tls_alpn:
      return &tls.alpn;
    case LogField::tls_client_subject:
      return &tls.client_subject;
    case LogField::client:
      return &record.client;
    case LogField::method:
      return &record.method;
    case LogField::target:
      return &record.target;
    case LogField::path:
      return &record.path;
    case LogField::query:
      return &record.query;
    case LogField::host:
      return &record.host;
    case LogField::version:
      return &record.version;
    case LogField::listener:
      return &record.listener;
    case LogField::route:
      return &record.route;
    case LogField::pool:
      return &record.pool;
    case LogField::backend:
      return &record.backend;
    case LogField::request_id:
      return &record.request_id;
    case LogField::user_agent:
      return &record.user_agent;
    case LogField::referer:
      return &record.referer;
    case LogField::termination:
      return &record.termination;
    case LogField::detail:
      return &record.detail;
    default:
      return nullptr;
  }
}

inline bool is_text(config::LogField field) { return text_of(field, {}) != nullptr; }

}  // namespace weir::access_log
