#include "worker/try_outcome.h"

#include "gtest/gtest.h"

namespace weir::worker {
namespace {

using base::Error;
using base::ErrorCode;
using base::Side;
using pool::EjectionReason;
using enum Finding;

const config::FailureRules kUsual;

Judgement of_answer(std::uint16_t status, std::optional<unsigned> grpc = {}) {
  return judge({.how = TryOutcome::How::answered, .status = status, .grpc_status = grpc}, {}, kUsual);
}
Judgement of_error(ErrorCode code, TryProgress progress = {}, Side side = Side::backend) {
  return judge(TryOutcome::of({.code = code, .side = side}), progress, kUsual);
}

void expect_local(const Judgement& judgement, EjectionReason reason, bool like_a_crash = false) {
  EXPECT_EQ(judgement.finding, local_failure);
  EXPECT_EQ(judgement.reason, reason);
  EXPECT_EQ(judgement.like_a_crash, like_a_crash);
}

TEST(Judge, TakesStatusesOfTheListForFailures) {
  for (std::uint16_t status : {500, 503, 599}) {
    EXPECT_EQ(of_answer(status).finding, external_failure) << status;
    EXPECT_EQ(of_answer(status).reason, EjectionReason::status);
  }
  for (std::uint16_t status : {0, 101, 200, 404, 429, 499}) EXPECT_EQ(of_answer(status).finding, success) << status;
}

TEST(Judge, TakesGrpcStatusesOfTheListForFailures) {
  EXPECT_EQ(of_answer(200, 14).finding, external_failure);
  EXPECT_EQ(of_answer(200, 14).reason, EjectionReason::grpc_status);
  for (unsigned fine : {0u, 4u, 5u, 8u, 12u, 99u}) EXPECT_EQ(of_answer(200, fine).finding, success) << fine;
}

TEST(Judge, GoesByTheListWhereMetricsCountAGrpcStatusAsFailure) {
  TryOutcome counted{.how = TryOutcome::How::failed, .status = 200, .grpc_status = 8};
  EXPECT_EQ(judge(counted, {}, kUsual).finding, success);
  counted.grpc_status = 13;
  EXPECT_EQ(judge(counted, {}, kUsual).finding, external_failure);
}

TEST(Judge, TakesRefusedConnectionsForCrashes) {
  expect_local(of_error(ErrorCode::refused, {.connect_failed = true}), EjectionReason::connect, true);
  expect_local(of_error(ErrorCode::reset, {.connect_failed = true}), EjectionReason::connect, true);
  expect_local(of_error(ErrorCode::timeout, {.connect_failed = true}), EjectionReason::connect);
  expect_local(of_error(ErrorCode::unreachable, {.connect_failed = true}), EjectionReason::connect);
  expect_local(of_error(ErrorCode::protocol, {.connect_failed = true}), EjectionReason::connect);
}

TEST(Judge, TakesNewConnectionsThatEndBeforeTheFirstByteForCrashes) {
  for (ErrorCode code : {ErrorCode::reset, ErrorCode::closed}) {
    TryOutcome lost = TryOutcome::of({.code = code, .side = Side::backend});
    expect_local(judge(lost, {}, kUsual),
                 EjectionReason::reset);  // of a stream, or a connection that had served others
    lost.fresh = true;
    expect_local(judge(lost, {}, kUsual), EjectionReason::reset, true);
    expect_local(judge(lost, {.responded = true}, kUsual), EjectionReason::reset);
  }
}

TEST(Judge, SaysNothingOfResponsesThatFallSilentAfterTheirHeader) {
  EXPECT_EQ(of_error(ErrorCode::timeout, {.responded = true}).finding, nothing);
}

TEST(Judge, SaysNothingOfDatagramsWithoutAnAnswer) {
  EXPECT_EQ(of_error(ErrorCode::timeout, {.carried = Carried::flow}).finding, nothing);
  EXPECT_EQ(of_error(ErrorCode::timeout, {.carried = Carried::flow, .responded = true}).finding, nothing);
}

TEST(Judge, TellsTimeoutsFromBrokenAnswers) {
  expect_local(of_error(ErrorCode::timeout), EjectionReason::timeout);
  expect_local(of_error(ErrorCode::protocol), EjectionReason::bad_response);
  expect_local(of_error(ErrorCode::too_large), EjectionReason::bad_response);
}

TEST(Judge, SaysNothingOfWhatIsNotTheBackendsDoing) {
  TryOutcome stale = TryOutcome::of({.code = ErrorCode::reset, .side = Side::backend});
  stale.stale = true;
  EXPECT_EQ(judge(stale, {}, kUsual).finding, nothing);
  EXPECT_EQ(judge({}, {}, kUsual).finding, nothing);
  EXPECT_EQ(of_error(ErrorCode::reset, {}, Side::client).finding, nothing);
  EXPECT_EQ(of_error(ErrorCode::cancelled).finding, nothing);
  EXPECT_EQ(of_error(ErrorCode::exhausted).finding, nothing);
  EXPECT_EQ(of_error(ErrorCode::queue_full, {}, Side::ours).finding, nothing);
}

TEST(Judge, TakesNoOrderlyRefusalForACrash) {
  Error refused{.code = ErrorCode::reset, .side = Side::backend, .retry_helps = true};  // REFUSED_STREAM
  EXPECT_EQ(judge(TryOutcome::of(refused), {}, kUsual).finding, nothing);
  EXPECT_EQ(judge(TryOutcome::of(refused), {.connect_failed = true}, kUsual).finding, local_failure);
}

TEST(Judge, HearsOfConnectionsUntilTheirFirstByte) {
  TryProgress silent{.carried = Carried::connection}, spoken{.carried = Carried::connection, .responded = true};
  expect_local(of_error(ErrorCode::reset, silent), EjectionReason::reset);
  EXPECT_EQ(of_error(ErrorCode::reset, spoken).finding, nothing);
  EXPECT_EQ(judge({.how = TryOutcome::How::answered}, silent, kUsual).finding, success);
  EXPECT_EQ(judge({.how = TryOutcome::How::answered}, spoken, kUsual).finding, nothing) << "it was told before";
}

TEST(Judge, HearsOfDatagramsThatAreRefusedAtAnyTime) {
  expect_local(of_error(ErrorCode::refused, {.carried = Carried::flow, .responded = true}), EjectionReason::connect,
               true);
}

}  // namespace
}  // namespace weir::worker
