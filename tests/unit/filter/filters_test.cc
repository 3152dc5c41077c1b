// Each filter by itself. What all have in common is in contract/filter_contract.cc.
#include <fmt/format.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "filter/filter.h"
#include "http/h1_codec.h"

namespace weir::filter {
namespace {

using config::Choice;
using testing::HasSubstr;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

Choice choice_of(std::string_view name, std::map<std::string, config::OptionValue> options) {
  Choice choice = config::default_choice(*config::find_entry(filters(), name));
  for (auto& [key, value] : options) choice.options.insert_or_assign(key, std::move(value));
  return choice;
}
std::string faults_of(const Choice& choice) {
  std::string all;
  for (const config::OptionFault& fault : config::find_entry(filters(), choice.name)->faults(choice)) {
    all += fmt::format("{}: {}\n", fault.key, fault.message);
  }
  return all;
}

// One request through one filter, and a response back.
class Trip {
 public:
  Trip(const Choice& choice, std::string_view start, std::string_view fields = "",
       std::string_view address = "10.0.0.1")
      : text_(fmt::format("{} HTTP/1.1\r\nhost: a\r\n{}\r\n", start, fields)),
        client_(base::IpAddress::parse(address).value()),
        filter_(make_filter(choice, {})) {
    EXPECT_EQ(http::parse_request_head(text_, {}, head_).state, http::Parsed::State::complete);
    verdict_ = filter_->on_request(request_, memory_);
    filter_->on_response({.request = request_, .status = 200, .headers = nullptr, .edit = response_}, memory_);
  }
  int status() const { return verdict_.kind == Verdict::Kind::answer ? verdict_.answer.status : 0; }
  // "name=value" of each.
  Texts answer_fields() const { return texts(verdict_.answer.fields); }
  Texts response_fields() const { return texts(response_.added()); }
  bool removes_from_response(std::string_view name) const {
    return response_.removes({.name = name, .value = {}, .id = http::header_id(name)});
  }
  std::unique_ptr<BodyStage> stage() { return filter_->stage(Direction::request, head_.body, memory_); }

 private:
  static Texts texts(const AddedFields& fields) {
    Texts all;
    for (const http::HeaderField& field : fields) all.push_back(fmt::format("{}={}", field.name, field.value));
    return all;
  }

  std::string text_;
  base::IpAddress client_;
  std::shared_ptr<const Filter> filter_;
  base::Arena arena_;
  HeadEdit edit_{arena_};
  HeadEdit response_{arena_};
  http::RequestHead head_;
  Request request_{
      .head = head_, .client = client_, .worker = 0, .now = base::TimePoint(), .arena = arena_, .edit = edit_};
  Memory memory_ = nullptr;
  Verdict verdict_;
};

TEST(AllowAndDeny, GoByTheClientsAddress) {
  Choice allow = choice_of("allow", {{"addresses", Texts{"10.0.0.0/8", "2001:db8::/32"}}});
  EXPECT_EQ(Trip(allow, "GET /", "", "10.9.9.9").status(), 0);
  EXPECT_EQ(Trip(allow, "GET /", "", "2001:db8::5").status(), 0);
  EXPECT_EQ(Trip(allow, "GET /", "", "11.0.0.1").status(), 403);
  Choice deny = choice_of("deny", {{"addresses", Texts{"10.0.0.1"}}});
  EXPECT_EQ(Trip(deny, "GET /", "", "10.0.0.1").status(), 403);
  EXPECT_EQ(Trip(deny, "GET /", "", "10.0.0.2").status(), 0);
}

TEST(AllowAndDeny, NeedGoodAddresses) {
  for (const char* name : {"allow", "deny"}) {
    EXPECT_THAT(faults_of(choice_of(name, {})), HasSubstr("addresses: must list at least one"));
    EXPECT_THAT(faults_of(choice_of(name, {{"addresses", Texts{"10.0.0.1", "10.0.0.0/33"}}})),
                HasSubstr("'10.0.0.0/33' is no address"));
  }
}

TEST(Hsts, IsSaidInPlaceOfTheBackendsOwn) {
  Trip trip(choice_of("hsts", {{"max_age", config::Duration(5000)}, {"preload", true}}), "GET /");
  EXPECT_EQ(trip.response_fields(), Texts{"strict-transport-security=max-age=5; preload"});
  EXPECT_TRUE(trip.removes_from_response("Strict-Transport-Security"));
}

TEST(Body, IsBoundedByWhatItsHeadSays) {
  Choice ten = choice_of("body", {{"max", std::int64_t{10}}});
  EXPECT_EQ(Trip(ten, "POST /", "content-length: 10\r\n").status(), 0);
  EXPECT_EQ(Trip(ten, "POST /", "content-length: 11\r\n").status(), 413);
  EXPECT_EQ(Trip(ten, "GET /").status(), 0);
  EXPECT_EQ(Trip(ten, "POST /", "content-length: 10\r\n").stage(), nullptr) << "the framing sees to it";
  EXPECT_NE(Trip(ten, "POST /", "transfer-encoding: chunked\r\n").stage(), nullptr);
  EXPECT_EQ(Trip(choice_of("body", {}), "POST /", "transfer-encoding: chunked\r\n").stage(), nullptr);
}

TEST(Body, MayHaveToSayItsLengthAndType) {
  Choice strict = choice_of("body", {{"require_length", true}, {"types", Texts{"application/json", "image/*"}}});
  EXPECT_EQ(Trip(strict, "POST /", "transfer-encoding: chunked\r\n").status(), 411);
  auto with_type = [&](std::string_view type) {
    return Trip(strict, "POST /", fmt::format("content-length: 2\r\ncontent-type: {}\r\n", type)).status();
  };
  EXPECT_EQ(with_type("application/json"), 0);
  EXPECT_EQ(with_type("Application/JSON ; charset=utf-8"), 0);
  EXPECT_EQ(with_type("image/png"), 0);
  EXPECT_EQ(with_type("image/"), 415);
  EXPECT_EQ(with_type("application/jsonx"), 415);
  EXPECT_EQ(Trip(strict, "POST /", "content-length: 0\r\n").status(), 0) << "nothing has no type";
  Trip none(strict, "POST /", "content-length: 1\r\n");
  EXPECT_EQ(none.status(), 415);
  EXPECT_EQ(none.answer_fields(), Texts{"accept=application/json, image/*"});
  EXPECT_THAT(faults_of(choice_of("body", {{"types", Texts{"json", "*/*", "a/b c"}}})),
              testing::AllOf(HasSubstr("'json'"), HasSubstr("'*/*'"), HasSubstr("'a/b c'")));
}

const Choice kCors = choice_of("cors", {{"origins", Texts{"https://app.example", "https://*.shop.example:8443"}},
                                        {"methods", Texts{"GET", "PUT"}},
                                        {"headers", Texts{"x-a", "x-b"}},
                                        {"expose", Texts{"x-c"}},
                                        {"credentials", true},
                                        {"max_age", config::Duration(60'000)}});

std::string preflight(std::string_view origin) {
  return fmt::format("origin: {}\r\naccess-control-request-method: PUT\r\n", origin);
}

TEST(Cors, AnswersPreflights) {
  Trip trip(kCors, "OPTIONS /", preflight("https://app.example"));
  EXPECT_EQ(trip.status(), 204);
  EXPECT_EQ(trip.answer_fields(),
            (Texts{"access-control-allow-methods=GET, PUT", "access-control-allow-headers=x-a, x-b",
                   "access-control-max-age=60", "vary=Access-Control-Request-Method, Access-Control-Request-Headers"}));
  EXPECT_EQ(Trip(kCors, "OPTIONS /", "origin: https://app.example\r\n").status(), 0) << "no preflight";
  EXPECT_EQ(Trip(kCors, "OPTIONS /", "access-control-request-method: PUT\r\n").status(), 0);
}

TEST(Cors, KnowsOriginsByTheirWholeText) {
  auto status = [](std::string_view origin) { return Trip(kCors, "OPTIONS /", preflight(origin)).status(); };
  for (const char* good :
       {"https://app.example", "HTTPS://App.Example", "https://a.shop.example:8443", "https://a.b.shop.example:8443"}) {
    EXPECT_EQ(status(good), 204) << good;
  }
  for (const char* bad :
       {"http://app.example", "https://app.example:444", "https://app.example.evil", "https://evilapp.example",
        "https://shop.example:8443", "https://.shop.example:8443", "https://evil/.shop.example:8443",
        "https://user@x.shop.example:8443", "https://xshop.example:8443", "https://a.shop.example",
        "https://evil.com?.shop.example:8443", "https://evil.com#.shop.example:8443",
        "https://evil.com\\.shop.example:8443", "null", "https://"}) {
    EXPECT_EQ(status(bad), 403) << bad;
  }
}

TEST(Cors, SaysWhoMayReadAResponse) {
  Trip mine(kCors, "GET /", "origin: https://app.example\r\n");
  EXPECT_EQ(mine.response_fields(),
            (Texts{"vary=Origin", "access-control-allow-origin=https://app.example",
                   "access-control-allow-credentials=true", "access-control-expose-headers=x-c"}));
  EXPECT_TRUE(mine.removes_from_response("Access-Control-Allow-Origin"));
  EXPECT_EQ(Trip(kCors, "GET /", "origin: https://other.example\r\n").response_fields(), Texts{"vary=Origin"});
  EXPECT_EQ(Trip(kCors, "GET /").response_fields(), Texts{"vary=Origin"});
  Choice any = choice_of("cors", {{"origins", Texts{"*"}}});
  EXPECT_EQ(Trip(any, "GET /", "origin: https://x\r\n").response_fields(), Texts{"access-control-allow-origin=*"});
}

TEST(Cors, LetsPagesSendWhatTheyAskForUnlessHeadersAreListed) {
  Choice any = choice_of("cors", {{"origins", Texts{"*"}}});
  Trip trip(any, "OPTIONS /", preflight("https://x") + "access-control-request-headers: x-q\r\n");
  EXPECT_THAT(trip.answer_fields(), testing::Contains("access-control-allow-headers=x-q"));
}

TEST(Cors, RefusesWhatBrowsersWould) {
  auto with_origins = [](Texts origins) { return faults_of(choice_of("cors", {{"origins", std::move(origins)}})); };
  EXPECT_THAT(with_origins({}), HasSubstr("origins: must list at least one"));
  EXPECT_THAT(with_origins({"*", "https://a"}), HasSubstr("'*' is every origin"));
  EXPECT_THAT(with_origins({"app.example"}), HasSubstr("'app.example' is no origin"));
  EXPECT_THAT(with_origins({"https://a/b"}), HasSubstr("is no origin"));
  EXPECT_THAT(with_origins({"null"}), HasSubstr("is no origin"));
  EXPECT_THAT(with_origins({"https://a:443", "http://b:80"}),
              testing::AllOf(HasSubstr("'https://a:443' is no origin"), HasSubstr("'http://b:80' is no origin")));
  EXPECT_THAT(faults_of(choice_of("cors", {{"origins", Texts{"https://a"}}, {"methods", Texts{"get"}}})),
              HasSubstr("write upper case, not 'get'"));
  EXPECT_THAT(
      faults_of(choice_of("cors", {{"origins", Texts{"https://a"}}, {"credentials", true}, {"headers", Texts{"*"}}})),
      HasSubstr("headers: with credentials browsers take '*' for a name"));
  EXPECT_THAT(with_origins({"https://a:1", "http://[::1]:8080", "https://10.0.0.1"}), IsEmpty());
  EXPECT_THAT(faults_of(choice_of("cors", {{"origins", Texts{"*"}}, {"credentials", true}})),
              HasSubstr("credentials: must not be true with the origin *"));
  EXPECT_THAT(faults_of(choice_of("cors", {{"origins", Texts{"*"}}, {"methods", Texts{"G T"}}})),
              HasSubstr("'G T' is no method name"));
}

}  // namespace
}  // namespace weir::filter
