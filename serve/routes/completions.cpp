#include "serve/routes/completions.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

#include "models/decoding/reply_text.h"
#include "serve/net/asio.h"
#include "serve/protocol/json_writer.h"
#include "serve/protocol/request_error.h"
#include "serve/routes/completion_json.h"
#include "serve/routes/completion_request.h"
#include "serve/routes/seat.h"
#include "serve/sessions/secrets.h"
#include "serve/sessions/turn_teller.h"

namespace banter::serve {
namespace {

/// Why a turn that ended so has no reply, to an HTTP client.
HttpError failure_of(Finish finish) {
  if (finish == Finish::kError) return {500, "the model failed on this request"};
  return {503,
          finish == Finish::kTimeout ? "the turn met its deadline" : "the server is about to stop",
          {{"Retry-After", "1"}}};
}

/// Waits for the end of a turn in a coroutine.
class EndWaiter : public TurnListener, public std::enable_shared_from_this<EndWaiter> {
 public:
  EndWaiter(Hub& hub, const Strand& strand) : hub_(hub), timer_(strand, Timer::time_point::max()) {}

  void committed(const TurnProgress& /*progress*/) override {}
  void progressed(std::int64_t /*tokens*/) override {}
  void ended(TurnEnd end) override {
    hub_.turn_ended(end.finish, end.tokens, times_of(end));
    net::post(timer_.get_executor(), [self = shared_from_this(), end = std::move(end)]() mutable {
      self->end_ = std::move(end);
      self->timer_.cancel();
    });
  }

  /// On the strand.
  Task<TurnEnd> wait() {
    while (!end_) co_await timer_.async_wait(kNoThrow);
    co_return std::move(*end_);
  }

 private:
  Hub& hub_;
  Timer timer_;
  std::optional<TurnEnd> end_;
};

/// Writes a turn as events. What the engine says before the headers have left waits here.
class EventTeller : public TurnListener, public std::enable_shared_from_this<EventTeller> {
 public:
  EventTeller(Hub& hub, Answer answer)
      : hub_(hub), answer_(std::move(answer)), written_(*answer_.served->tokenizer) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(answer_.request.n); ++i)
      if (answer_.shape == Shape::kChat) say(chunk_text(answer_, i, "", "", /*begins=*/true));
  }

  void committed(const TurnProgress& progress) override {
    if (answer_.request.n > 1) return;  // which reply is the best is known at the end
    const auto text = written_.add(progress.ids);
    if (!text.empty()) say(chunk_text(answer_, 0, text, "", false));
  }
  void progressed(std::int64_t /*tokens*/) override {}
  void ended(TurnEnd end) override {
    tell_end(end);
    hub_.turn_ended(end.finish, end.tokens,
                    times_of(end));  // last: a drain waits for what was told
  }

  /// The headers are on their way.
  void begin(std::shared_ptr<EventSink> sink) {
    const std::lock_guard lock(mutex_);
    sink_ = std::move(sink);
    for (const auto& event : waiting_) sink_->send(event);
    waiting_.clear();
    if (is_ended_) sink_->end();
  }

  /// Calls `cancel` when the client has gone, as long as the turn runs.
  void watch(std::stop_token gone, std::function<void()> cancel) {
    watch_.emplace(std::move(gone), std::move(cancel));
  }

 private:
  void tell_end(const TurnEnd& end) {
    const auto& best = end.replies.best;
    if (best.empty()) {
      const auto failure = failure_of(end.finish);
      say(error_text(failure.status(), failure.what()));
    }
    const auto n = std::min(best.size(), static_cast<std::size_t>(answer_.request.n));
    for (std::size_t i = 0; i < n; ++i) {
      const auto rest = answer_.request.n > 1 ? models::text_of(best[i], *answer_.served->tokenizer)
                                              : written_.finish(best[i]);
      if (!rest.empty()) say(chunk_text(answer_, i, rest, "", false));
      say(chunk_text(answer_, i, "", finish_reason(best[i]), false));
    }
    if (answer_.request.includes_usage && !best.empty()) say(usage_chunk(answer_, end));
    const std::lock_guard lock(mutex_);
    is_ended_ = true;
    if (sink_) sink_->end();
  }

  void say(std::string event) {
    const std::lock_guard lock(mutex_);
    if (sink_) {
      sink_->send(event);
    } else {
      waiting_.push_back(std::move(event));
    }
  }

  Hub& hub_;
  const Answer answer_;
  models::ReplyText written_;  // the engine's thread alone
  std::mutex mutex_;
  std::deque<std::string> waiting_;
  std::shared_ptr<EventSink> sink_;
  bool is_ended_ = false;
  std::optional<std::stop_callback<std::function<void()>>> watch_;
};

std::vector<Field> retry_after(std::chrono::milliseconds time) {
  return {{"Retry-After", std::to_string(std::max<std::int64_t>(
                              1, std::chrono::ceil<std::chrono::seconds>(time).count()))}};
}

/// Takes a place for one more turn. Throws   HttpError where there is none now
void begin_turn(Hub& hub, const std::string& owner) {
  const auto refusal = hub.begin_turn(owner);
  if (!refusal) return;
  const bool is_ours = refusal->code == ErrorCode::kModelUnavailable || hub.is_draining();
  throw HttpError(is_ours ? 503 : 429, refusal->message,
                  retry_after(refusal->retry_after.value_or(std::chrono::seconds(1))), "",
                  refusal->code == ErrorCode::kRateLimited ? "rate_limit"
                                                           : std::string(name_of(refusal->code)));
}

/// Throws   HttpError for what cannot be read
CompletionRequest read_request(const Request& request, Shape shape, const ServedModel& model,
                               const HubOptions& options) {
  const auto* type = request.field("Content-Type");
  if (type == nullptr || !type->starts_with("application/json"))
    throw HttpError(415, "the body must be application/json");
  try {
    auto read = shape == Shape::kChat ? read_chat_completion(request.body, model, options)
                                      : read_completion(request.body, model, options);
    if (read.model != model.name.id)
      throw HttpError(404, "there is no such model; GET /v1/models lists them", {}, "model",
                      "model_not_found");
    return read;
  } catch (const RequestError& error) {
    throw HttpError(400, error.what(), {}, error.field, std::string(name_of(error.code)));
  }
}

Task<Response> complete(Hub* hub, Shape shape, Request request) {
  const auto served = hub->model();
  if (!served) throw HttpError(503, "the model is being loaded", {{"Retry-After", "1"}});
  Answer answer{.shape = shape,
                .id = (shape == Shape::kChat ? "chatcmpl-" : "cmpl-") + random_hex(12),
                .model = served->name.id,
                .created = static_cast<std::int64_t>(std::time(nullptr)),
                .request = read_request(request, shape, *served, hub->options()),
                .served = served};
  auto turn = answer.request.turn;
  turn.owner = visitor_of(request.user, request.address).owner;
  begin_turn(*hub, turn.owner);
  turn.deadline = Clock::now() + hub->options().chat.turn_deadline;

  const auto submit = [&](std::shared_ptr<TurnListener> listener) {
    const auto number = hub->submit(std::move(turn), std::move(listener));
    if (number) return *number;
    hub->turn_left();
    throw HttpError(503, "the server is about to stop", {{"Retry-After", "1"}});
  };
  if (answer.request.streams) {
    const auto teller = std::make_shared<EventTeller>(*hub, std::move(answer));
    const auto number = submit(teller);
    Response response;
    response.events = [hub, teller, number, gone = request.gone](std::shared_ptr<EventSink> sink) {
      teller->begin(std::move(sink));
      teller->watch(gone, [hub, number] { hub->cancel(number); });
    };
    co_return response;
  }
  const auto waiter = std::make_shared<EndWaiter>(*hub, co_await net::this_coro::executor);
  const auto number = submit(waiter);
  const std::stop_callback on_gone(request.gone, [hub, number] { hub->cancel(number); });
  const auto end = co_await waiter->wait();
  if (end.replies.best.empty()) throw failure_of(end.finish);
  co_return json_response(200, whole_text(answer, end));
}

void write_model(JsonWriter& writer, const ServedModel& model) {
  writer.open('{');
  writer.field("id", model.name.id);
  writer.field("object", std::string_view("model"));
  writer.field("created", std::int64_t{0});
  writer.field("owned_by", std::string_view("banter"));
  writer.key("banter");
  writer.open('{');
  writer.field("revision", model.name.revision);
  writer.field("type", model.name.type);
  writer.close('}');
  writer.close('}');
}

Task<Response> list_models(const Hub* hub, Request request) {
  const auto served = hub->model();
  JsonWriter writer;
  if (request.parameter.empty()) {
    writer.open('{');
    writer.field("object", std::string_view("list"));
    writer.key("data");
    writer.open('[');
    if (served) write_model(writer, *served);
    writer.close(']');
    writer.close('}');
  } else {
    if (!served || served->name.id != request.parameter)
      throw HttpError(404, "there is no such model; GET /v1/models lists them", {}, "model",
                      "model_not_found");
    write_model(writer, *served);
  }
  co_return json_response(200, writer.take());
}

}  // namespace

void add_completion_routes(Router& router, Hub& hub) {
  const auto post = [&](const char* path, Shape shape) {
    router.add(Route{.method = "POST",
                     .path = path,
                     .access = Access::kToken,
                     .handler = [&hub, shape](Request request) {
                       return complete(&hub, shape, std::move(request));
                     }});
  };
  post("/v1/chat/completions", Shape::kChat);
  post("/v1/completions", Shape::kText);
  for (const auto* path : {"/v1/models", "/v1/models/{id}"})
    router.add(Route{
        .method = "GET",
        .path = path,
        .access = Access::kToken,
        .handler = [&hub](Request request) { return list_models(&hub, std::move(request)); }});
}

}  // namespace banter::serve
