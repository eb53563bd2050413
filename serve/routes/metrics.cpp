#include "serve/routes/metrics.h"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/allocator.h"
#include "serve/routes/health.h"

namespace banter::serve {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// Families of metrics, made of what the parts say of themselves when they are asked.
class Families {
 public:
  void add(MetricType type, const char* name, const char* help, double value) {
    begin(type, name, help);
    add_labelled({}, value);
  }
  void gauge(const char* name, const char* help, double value) {
    add(MetricType::Gauge, name, help, value);
  }
  void counter(const char* name, const char* help, double value) {
    add(MetricType::Counter, name, help, value);
  }
  void begin(MetricType type, const char* name, const char* help) {
    families_.push_back({.name = name, .help = help, .type = type, .metric = {}});
  }
  /// One more metric of the family that was begun last.
  void add_labelled(std::vector<ClientMetric::Label> labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (families_.back().type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    families_.back().metric.push_back(std::move(metric));
  }
  void histogram(const char* name, const char* help, const TimeHistogram& times) {
    begin(MetricType::Histogram, name, help);
    ClientMetric metric;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < times.counts.size(); ++i) {
      sum += times.counts.at(i);
      const bool is_last = i == TimeHistogram::kBounds.size();
      metric.histogram.bucket.push_back(
          {.cumulative_count = sum,
           .upper_bound =
               is_last ? std::numeric_limits<double>::infinity() : TimeHistogram::kBounds.at(i)});
    }
    metric.histogram.sample_count = sum;
    metric.histogram.sample_sum = times.seconds;
    families_.back().metric.push_back(std::move(metric));
  }
  [[nodiscard]] std::string text() const {
    return prometheus::TextSerializer().Serialize(families_);
  }

 private:
  std::vector<MetricFamily> families_;
};

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

void add_net(Families& families, const Service& service) {
  const auto& counters = service.counters;
  families.gauge("banter_connections", "Open connections.",
                 static_cast<double>(service.live.count()));
  families.begin(MetricType::Counter, "banter_connections_opened_total", "Connections so far.");
  families.add_labelled({{"transport", "http"}}, static_cast<double>(counters.http_opened));
  families.add_labelled({{"transport", "websocket"}}, static_cast<double>(counters.sockets_opened));
  families.begin(MetricType::Counter, "banter_closes_total", "Ends of WebSockets.");
  for (const auto& [code, count] : counters.closes())
    families.add_labelled({{"code", std::to_string(code)}}, static_cast<double>(count));
  families.begin(MetricType::Counter, "banter_handshakes_rejected_total",
                 "Connections and requests that were refused.");
  for (const auto& [reason, count] : counters.rejections())
    families.add_labelled({{"reason", reason}}, static_cast<double>(count));
  families.begin(MetricType::Counter, "banter_messages_total", "Messages of WebSockets.");
  families.add_labelled({{"direction", "in"}}, static_cast<double>(counters.messages_in));
  families.add_labelled({{"direction", "out"}}, static_cast<double>(counters.messages_out));
  families.gauge("banter_outbox_bytes", "Bytes that wait for peers to read them.",
                 static_cast<double>(counters.outbox_bytes));
  families.counter("banter_slow_reader_closes_total", "Connections closed for not reading.",
                   static_cast<double>(counters.slow_reader_closes));
}

void add_turns(Families& families, const Hub& hub) {
  const auto counts = hub.turn_counts();
  families.gauge("banter_sessions", "Sessions in memory.", static_cast<double>(hub.sessions()));
  families.begin(MetricType::Counter, "banter_turns_total", "Turns that ended.");
  for (const auto& finish : kFinishes) {
    const auto found = counts.ended.find(finish.value);
    families.add_labelled({{"finish", std::string(finish.name)}},
                          found == counts.ended.end() ? 0 : static_cast<double>(found->second));
  }
  families.histogram("banter_queue_seconds", "From a turn's acceptance to its first step.",
                     counts.queue);
  families.histogram("banter_time_to_first_token_seconds", "From a turn's acceptance.",
                     counts.first);
  families.histogram("banter_turn_duration_seconds", "From a turn's acceptance to its end.",
                     counts.total);
  families.begin(MetricType::Counter, "banter_tokens_total", "Tokens of turns.");
  families.add_labelled({{"kind", "prompt"}}, static_cast<double>(counts.prompt_tokens));
  families.add_labelled({{"kind", "cached"}}, static_cast<double>(counts.cached_tokens));
  families.add_labelled({{"kind", "completion"}}, static_cast<double>(counts.completion_tokens));
}

void add_engine(Families& families, const EngineState& state) {
  families.gauge("banter_queue_depth", "Turns that wait.", static_cast<double>(state.waiting));
  families.gauge("banter_batch_rows", "Rows of a step.", static_cast<double>(state.rows));
  families.counter("banter_model_steps_total", "Steps of the model.",
                   static_cast<double>(state.steps));
  families.counter("banter_model_rows_total", "Rows of all steps.",
                   static_cast<double>(state.stepped_rows));
  families.counter("banter_model_failures_total", "Turns that the model failed on.",
                   static_cast<double>(state.failures));
  families.histogram("banter_inter_token_seconds", "Between two tokens of a turn.",
                     state.between_tokens);
  families.gauge("banter_turn_cache_bytes", "Of conversations that are kept encoded.",
                 static_cast<double>(state.cache.bytes));
  families.counter("banter_turn_cache_hits_total", "Turns of conversations that were kept encoded.",
                   static_cast<double>(state.cache.hits));
  families.counter("banter_turn_cache_misses_total", "Turns of conversations that were not.",
                   static_cast<double>(state.cache.misses));
  families.counter("banter_turn_cache_evictions_total", "Conversations let go for want of room.",
                   static_cast<double>(state.cache.evictions));
  families.begin(MetricType::Counter, "banter_model_seconds_total", "Time in the model.");
  families.add_labelled({{"phase", "prefill"}}, seconds(state.prefill));
  families.add_labelled({{"phase", "step"}}, seconds(state.step));
}

void add_archive(Families& families, const ArchiveState& state) {
  families.histogram("banter_archive_commit_seconds", "Commits of the archive.", state.commits);
  families.counter("banter_archive_errors_total", "What the archive failed at.",
                   static_cast<double>(state.errors));
  families.gauge("banter_archive_wal_bytes", "The archive's write-ahead log.",
                 static_cast<double>(state.wal_bytes));
}

/// The usual metrics of a process, from proc(5).
void add_process(Families& families) {
  std::ifstream statm("/proc/self/statm");  // virtual and resident pages
  double pages = 0, resident = 0;
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (statm >> pages >> resident) {
    families.gauge("process_virtual_memory_bytes", "Virtual memory.", pages * page);
    families.gauge("process_resident_memory_bytes", "Resident memory.", resident * page);
  }
  families.gauge("process_heap_bytes", "Memory that was asked of malloc and not freed.",
                 static_cast<double>(base::allocated_bytes()));
  timespec used{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
    families.counter("process_cpu_seconds_total", "Processor time.",
                     static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9);
  std::error_code error;
  std::filesystem::directory_iterator descriptors("/proc/self/fd", error);
  if (!error)
    families.gauge("process_open_fds", "Open descriptors.",
                   static_cast<double>(std::distance(begin(descriptors), end(descriptors))));
  rlimit most{};
  if (::getrlimit(RLIMIT_NOFILE, &most) == 0)
    families.gauge("process_max_fds", "Descriptors that may be open.",
                   static_cast<double>(most.rlim_cur));
}

std::string metrics_text(Hub& hub, const Service& service) {
  Families families;
  add_net(families, service);
  add_turns(families, hub);
  add_engine(families, hub.engine_state());
  add_archive(families, hub.archive().state());
  if (const auto model = hub.model()) {
    families.begin(MetricType::Gauge, "banter_model_info", "The model that is served.");
    families.add_labelled({{"revision", model->name.revision}, {"type", model->name.type}}, 1);
  }
  families.begin(MetricType::Counter, "banter_reload_total", "Models that were asked for.");
  const auto [loaded, failed] = hub.loads();
  families.add_labelled({{"result", "ok"}}, static_cast<double>(loaded));
  families.add_labelled({{"result", "failed"}}, static_cast<double>(failed));
  families.gauge("banter_draining", "1 while the server stops.", hub.is_draining() ? 1 : 0);
  add_process(families);
  return families.text();
}

}  // namespace

void add_metrics_routes(Router& router, Hub& hub, std::shared_ptr<const Service> service) {
  const auto answer = [](Hub* asked, std::shared_ptr<const Service> of) -> Task<Response> {
    co_return text_response(metrics_text(*asked, *of), "text/plain; version=0.0.4; charset=utf-8");
  };
  router.add(Route{.method = "GET",
                   .path = "/metrics",
                   .access = Access::kOpen,
                   .handler = [&hub, service = std::move(service), answer](const Request&) {
                     return answer(&hub, service);
                   }});
}

}  // namespace banter::serve
