// Routes: predicates, actions and changes.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/filter_fields.h"

namespace weir::config {

// Predicates by name: `x-tenant: acme`, or a map of one of exact, prefix, regex, present and absent.
template <>
struct Codec<std::vector<NamedMatch>> {
  static constexpr std::array<std::string_view, 5> kForms{"exact", "prefix", "regex", "present", "absent"};

  static void read(Reader& reader, const Node& node, std::vector<NamedMatch>& matches, const Field&) {
    matches.clear();
    if (node.kind != Node::Kind::map && node.kind != Node::Kind::null) {
      reader.fault(node, "must be a map of names and what each must be");
    }
    for (const Member& member : node.members) {
      Reader::In in(reader, member.key);
      NamedMatch& match = matches.emplace_back();
      match.name = member.key;
      if (member.value.kind == Node::Kind::map) {
        read_form(reader, member.value, match);
      } else if (auto text = reader.text(member.value, {})) {
        match.value = std::move(*text);
      }
    }
  }
  static void read_form(Reader& reader, const Node& map, NamedMatch& match) {
    if (map.members.size() != 1) {
      reader.fault(map, "must have one of the keys exact, prefix, regex, present, absent");
      return;
    }
    const Member& form = map.members.front();
    Reader::In in(reader, form.key);
    auto found = std::ranges::find(kForms, form.key);
    if (found == kForms.end()) {
      reader.fault(form.line, form.column, fmt::format("unknown key {}{}", quoted(form.key), hint(form.key, kForms)));
      return;
    }
    match.kind = static_cast<MatchKind>(found - kForms.begin());
    if (match.kind == MatchKind::present || match.kind == MatchKind::absent) {
      std::optional<bool> holds = reader.boolean(form.value);
      if (holds && !*holds) match.kind = match.kind == MatchKind::present ? MatchKind::absent : MatchKind::present;
    } else if (auto text = reader.text(form.value, {})) {
      match.value = std::move(*text);
    }
  }
  static void absent(Reader&, std::vector<NamedMatch>&, const Field&) {}
  static Node write(const std::vector<NamedMatch>& matches, const Field&, WriteOptions) {
    if (matches.empty()) return {};
    Node map = Node::of_map();
    for (const NamedMatch& match : matches) {
      bool has_value = match.kind != MatchKind::present && match.kind != MatchKind::absent;
      Node value = has_value ? Node::of_text(match.value) : Node::of_literal("true");
      if (match.kind != MatchKind::exact) {
        Node form = Node::of_map();
        form.set(kForms[static_cast<std::size_t>(match.kind)], std::move(value));
        value = std::move(form);
      }
      map.set(match.name, std::move(value));
    }
    return map;
  }
  static Node schema(const Field&, SchemaBuilder& builder) {
    std::vector<Node> forms{builder.text({})};
    for (std::string_view key : kForms) {
      bool has_value = key != "present" && key != "absent";
      Node form = builder.map_of(has_value ? builder.text({}) : builder.boolean());
      form.set("propertyNames", builder.text({.allowed = std::span(&key, 1)}));
      form.set("minProperties", Node::of_literal("1"));
      forms.push_back(std::move(form));
    }
    return builder.map_of(builder.any_of(std::move(forms)));
  }
};

// Header fields by name; a list of values makes several fields of that name.
template <>
struct Codec<std::vector<std::pair<std::string, std::string>>> {
  using Fields = std::vector<std::pair<std::string, std::string>>;

  static void read(Reader& reader, const Node& node, Fields& fields, const Field&) {
    fields.clear();
    if (node.kind != Node::Kind::map && node.kind != Node::Kind::null) {
      reader.fault(node, "must be a map of header names and values");
    }
    for (const Member& member : node.members) {
      Reader::In in(reader, member.key);
      if (member.value.kind != Node::Kind::list) {
        add(reader, member.key, member.value, fields);
        continue;
      }
      for (std::size_t i = 0; i < member.value.items.size(); ++i) {
        Reader::In at(reader, i);
        add(reader, member.key, member.value.items[i], fields);
      }
    }
  }
  static void add(Reader& reader, const std::string& name, const Node& value, Fields& fields) {
    if (auto text = reader.text(value, {})) fields.emplace_back(name, std::move(*text));
  }
  static void absent(Reader&, Fields&, const Field&) {}
  static Node write(const Fields& fields, const Field&, WriteOptions) {
    if (fields.empty()) return {};
    Node map = Node::of_map();
    for (const auto& [name, value] : fields) {
      auto same = std::ranges::find(map.members, name, &Member::key);
      if (same == map.members.end()) {
        map.set(name, Node::of_text(value));
        continue;
      }
      if (same->value.kind != Node::Kind::list) {
        Node list = Node::of_list();
        list.items.push_back(std::move(same->value));
        same->value = std::move(list);
      }
      same->value.items.push_back(Node::of_text(value));
    }
    return map;
  }
  static Node schema(const Field&, SchemaBuilder& builder) {
    return builder.map_of(builder.list(builder.text({}), true));
  }
};

namespace {

constexpr std::array kMatchFields{
    field<&Match::host>("host", "any of these: a host, or *.suffix for any depth below it"),
    field<&Match::path>("path", "the whole path"),
    field<&Match::path_prefix>("path_prefix", "the first segments of the path"),
    field<&Match::path_regex>("path_regex", "RE2 expression for the whole path"),
    field<&Match::method>("method", "any of these"),
    field<&Match::header>("header", "header fields: a value, or exact, prefix, regex, present or absent"),
    field<&Match::query>("query", "query parameters: as for header"),
    field<&Match::client>("client", "the client's address is in any of these blocks", {.filled = true}),
    field<&Match::alpn>("alpn", "protocols that a TLS client offers, any of them; only on tls listeners"),
};
constexpr std::array kRedirectFields{
    field<&Redirect::to>("to",
                         "a path or URL; variables such as {host} and {client}, and groups of path_regex ({1}), are "
                         "replaced: `weir help variables`",
                         {.required = true}),
    field<&Redirect::status>("status", "301, 302, 303, 307 or 308"),
};
constexpr std::array kRespondFields{
    field<&FixedResponse::status>("status", "from 200 to 599", {.min = 200, .max = 599}),
    field<&FixedResponse::body>("body", "what is sent"),
    field<&FixedResponse::content_type>("content_type", "of the body"),
};
constexpr std::array kRewriteFields{
    field<&Rewrite::path_prefix>("path_prefix", "replaces what path_prefix of the match took"),
    field<&Rewrite::path_regex>("path_regex", "RE2 expression; where it matches, `substitution` is put"),
    field<&Rewrite::substitution>("substitution", "what path_regex puts; \\1 and so on are its groups"),
    field<&Rewrite::host>("host", "the Host that the backend sees"),
};
constexpr std::array kHeaderChangeFields{
    field<&HeaderChanges::set>("set", "fields that replace all of their name"),
    field<&HeaderChanges::add>("add", "fields that are added"),
    field<&HeaderChanges::remove>("remove", "names of fields that are removed"),
};
constexpr std::array kMinRateFields{
    field<&MinRate::bytes_per_second>("bytes_per_second",
                                      "average below which a client that is waited for is cut; off or 0: none",
                                      {.max = 1024.0 * 1024 * 1024, .unit = Unit::bytes, .word_for_zero = "off"}),
    field<&MinRate::grace>(
        "grace",
        "time of waiting over which the average is taken, also the longest pause; when not set, 60s, or "
        "timeouts.body where that is longer",
        {.min = 100, .max = kMaxTimeoutMs}),
};
constexpr std::array kRouteFields{
    field<&Route::name>("name", "what metrics and logs call it; <listener>/<number> when not given"),
    field<&Route::match>("match", "which requests it takes; all that is given must hold"),
    field<&Route::pool>("pool", "where its requests go"),
    field<&Route::redirect>("redirect", "answers with another place to go"),
    field<&Route::respond>("respond", "answers by itself"),
    field<&Route::rewrite>("rewrite", "what the backend sees in place of path and host"),
    field<&Route::request_headers>("request_headers",
                                   "changes to the request's header; values may have variables: `weir help variables`"),
    field<&Route::response_headers>(
        "response_headers", "changes to the response's header; values may have variables: `weir help variables`"),
    field<&Route::timeouts>("timeouts", "timeouts that differ here"),
    field<&Route::min_rate>("min_rate", "in place of the listener's"),
    field<&Route::filters>("filters", "in place of the listener's filters of the same names; `off` removes one"),
    origin_field<Route>(),
};

void lower_header_names(Reader&, const Node&, void* object) {
  for (NamedMatch& match : static_cast<Match*>(object)->header) match.name = base::to_lower(match.name);
}

}  // namespace

template <>
const Resource& resource<Match>() {
  static constexpr Resource kResource{.name = "match",
                                      .summary = "predicates on a request; all that is given must hold",
                                      .fields = kMatchFields,
                                      .hint_at_header = "a header is matched by `header: {{{}: ...}}`",
                                      .defaults = defaults_of<Match>,
                                      .finish = lower_header_names};
  return kResource;
}

template <>
const Resource& resource<Redirect>() {
  static constexpr Resource kResource{.name = "redirect",
                                      .summary = "an answer that sends the client elsewhere",
                                      .fields = kRedirectFields,
                                      .short_key = "to",
                                      .defaults = defaults_of<Redirect>};
  return kResource;
}

template <>
const Resource& resource<FixedResponse>() {
  static constexpr Resource kResource{.name = "respond",
                                      .summary = "an answer that Weir gives by itself",
                                      .fields = kRespondFields,
                                      .short_key = "status",
                                      .defaults = defaults_of<FixedResponse>};
  return kResource;
}

template <>
const Resource& resource<Rewrite>() {
  static constexpr Resource kResource{.name = "rewrite",
                                      .summary = "what the backend sees; one of the two path changes",
                                      .fields = kRewriteFields,
                                      .defaults = defaults_of<Rewrite>};
  return kResource;
}

template <>
const Resource& resource<HeaderChanges>() {
  static constexpr Resource kResource{.name = "header_changes",
                                      .summary = "changes to a header",
                                      .fields = kHeaderChangeFields,
                                      .hint_at_header = "{} belongs into `set`, `add` or `remove`",
                                      .defaults = defaults_of<HeaderChanges>};
  return kResource;
}

template <>
const Resource& resource<MinRate>() {
  static constexpr Resource kResource{
      .name = "min_rate",
      .summary =
          "how slowly a client may send a request's body or read a response, while Weir waits for it; not for "
          "gRPC and tunnels",
      .fields = kMinRateFields,
      .short_key = "bytes_per_second",
      .defaults = defaults_of<MinRate>};
  return kResource;
}

template <>
const Resource& resource<Route>() {
  static constexpr Resource kResource{.name = "route",
                                      .summary = "a rule of a listener: a match, and a pool or an action",
                                      .fields = kRouteFields,
                                      .defaults = defaults_of<Route>};
  return kResource;
}

}  // namespace weir::config
