// Load on `banter serve --echo` from one thread with bare sockets: what the server takes, measured
// from outside, with the processor time of both sides.
//
//     socket_bench PROGRAM echo  [CONNECTIONS] [BYTES] [MESSAGES] [IN_FLIGHT]
//     socket_bench PROGRAM storm [HANDSHAKES] [AT_ONCE]
//     socket_bench PROGRAM idle  [CONNECTIONS]
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

/// The server as a child process on a free port.
class ServerProcess {
 public:
  explicit ServerProcess(const std::string& program) {
    int ends[2];
    if (::pipe(ends) != 0) fail("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    std::vector<std::string> words = {
        program, "--echo", "--port", "0", "--max-connections-per-address", "20000"};
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int error =
        ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) fail("cannot start " + program);
    ::close(ends[1]);
    std::string line;
    for (char c = 0; ::read(ends[0], &c, 1) == 1 && c != '\n';) line += c;
    ::close(ends[0]);
    port_ = static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
  }
  ~ServerProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

  /// Processor time that it has taken, seconds.
  [[nodiscard]] double seconds() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }

  /// Resident memory, bytes.
  [[nodiscard]] double resident_bytes() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
    double size = 0, resident = 0;
    file >> size >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
  }

 private:
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

double own_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fail("cannot connect; see ulimit -n");
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto size = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) fail("the server does not read");
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

std::string handshake(std::uint16_t port) {
  return "GET /echo HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

int open_socket(std::uint16_t port) {
  const int fd = connect_to(port);
  send_all(fd, handshake(port));
  std::string answer;
  char buffer[1024];
  while (answer.find("\r\n\r\n") == std::string::npos) {
    const auto size = ::recv(fd, buffer, sizeof buffer, 0);
    if (size <= 0) fail("no answer to a handshake");
    answer.append(buffer, static_cast<std::size_t>(size));
  }
  if (!answer.starts_with("HTTP/1.1 101")) fail(answer);
  return fd;
}

/// Times of a number of events: how many a second, and the slowest of a hundred.
struct Times {
  std::vector<double> milliseconds;
  double seconds = 0;

  void print(std::string_view what, const ServerProcess& server, double server_before,
             double client_before) {
    std::ranges::sort(milliseconds);
    const auto count = milliseconds.size();
    std::cout << what << ": " << static_cast<double>(count) / seconds << " a second, p50 "
              << milliseconds[count / 2] << " ms, p99 " << milliseconds[count * 99 / 100]
              << " ms; processor time: server "
              << (server.seconds() - server_before) / static_cast<double>(count) * 1e6
              << " us, client "
              << (own_seconds() - client_before) / static_cast<double>(count) * 1e6 << " us each; "
              << seconds << " s\n";
  }
};

double since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// A masked text frame with an empty mask.
std::string text_frame(std::size_t bytes) {
  std::string frame = "\x81";
  if (bytes < 126) {
    frame += static_cast<char>(0x80U | bytes);
  } else {
    frame += '\xFE';
    frame += static_cast<char>(bytes >> 8U);
    frame += static_cast<char>(bytes & 0xFFU);
  }
  return frame + std::string(4, '\0') + std::string(bytes, 'x');
}

/// Messages go round on each of the connections, `in_flight` of them at any time.
void run_echo(const ServerProcess& server, std::size_t connections, std::size_t bytes,
              std::size_t messages, std::size_t in_flight) {
  struct Line {
    int fd;
    std::size_t received = 0;
    std::vector<Clock::time_point> sent;  ///< oldest first
  };
  const auto frame = text_frame(bytes);
  const auto answer_bytes = bytes + (bytes < 126 ? 2 : 4);
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<Line> lines(connections);
  for (std::size_t i = 0; i < connections; ++i) {
    lines[i].fd = open_socket(server.port());
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, lines[i].fd, &event);
  }
  Times times;
  times.milliseconds.reserve(messages);
  const auto server_before = server.seconds(), client_before = own_seconds();
  const auto begin = Clock::now();
  std::string burst;
  for (std::size_t i = 0; i < in_flight; ++i) burst += frame;
  for (auto& line : lines) {
    line.sent.assign(in_flight, Clock::now());
    send_all(line.fd, burst);
  }
  std::vector<epoll_event> events(connections);
  std::vector<char> buffer(65536);
  while (times.milliseconds.size() < messages) {
    const int ready = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      auto& line = lines[events[static_cast<std::size_t>(i)].data.u64];
      const auto size = ::recv(line.fd, buffer.data(), buffer.size(), 0);
      if (size <= 0) fail("the server ended a connection");
      line.received += static_cast<std::size_t>(size);
      const auto whole = line.received / answer_bytes;
      line.received %= answer_bytes;
      burst.clear();
      for (std::size_t k = 0; k < whole; ++k) {
        times.milliseconds.push_back(since(line.sent[k]));
        burst += frame;
      }
      line.sent.erase(line.sent.begin(), line.sent.begin() + static_cast<std::ptrdiff_t>(whole));
      line.sent.insert(line.sent.end(), whole, Clock::now());
      send_all(line.fd, burst);
    }
  }
  times.seconds = since(begin) / 1000;
  times.print("echo", server, server_before, client_before);
}

/// Handshakes, `at_once` of them under way at any time; each connection is closed when it is open.
void run_storm(const ServerProcess& server, std::size_t handshakes, std::size_t at_once) {
  struct Line {
    int fd;
    Clock::time_point begin;
  };
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  const auto request = handshake(server.port());
  std::vector<Line> lines(at_once);
  std::size_t begun = 0;
  const auto start = [&](std::size_t i) {
    ++begun;
    lines[i].begin = Clock::now();
    lines[i].fd = connect_to(server.port());
    send_all(lines[i].fd, request);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    ::epoll_ctl(poll, EPOLL_CTL_ADD, lines[i].fd, &event);
  };
  Times times;
  const auto server_before = server.seconds(), client_before = own_seconds();
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < at_once && begun < handshakes; ++i) start(i);
  std::vector<epoll_event> events(at_once);
  char buffer[1024];
  while (times.milliseconds.size() < handshakes) {
    const int ready = ::epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int k = 0; k < ready; ++k) {
      const auto i = events[static_cast<std::size_t>(k)].data.u64;
      const auto size = ::recv(lines[i].fd, buffer, sizeof buffer, 0);
      const std::string_view answer(buffer, size < 0 ? 0 : static_cast<std::size_t>(size));
      if (!answer.starts_with("HTTP/1.1 101")) fail("a handshake failed: " + std::string(answer));
      times.milliseconds.push_back(since(lines[i].begin));
      const linger reset{.l_onoff = 1, .l_linger = 0};  // ports do not linger either
      ::setsockopt(lines[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      ::close(lines[i].fd);
      if (begun < handshakes) start(i);
    }
  }
  times.seconds = since(begin) / 1000;
  times.print("storm", server, server_before, client_before);
}

/// What a connection that only waits costs.
void run_idle(const ServerProcess& server, std::size_t connections) {
  open_socket(server.port());  // what the first one brings along is not counted
  const auto before = server.resident_bytes();
  for (std::size_t i = 0; i < connections; ++i) open_socket(server.port());
  std::cout << "idle: " << (server.resident_bytes() - before) / static_cast<double>(connections)
            << " bytes each, of " << connections << "\n";
}

int run(const std::vector<std::string>& words) {
  if (words.size() < 2) fail("usage: socket_bench PROGRAM echo|storm|idle [NUMBER]...");
  const auto number = [&](std::size_t i, std::size_t otherwise) {
    return i < words.size() ? static_cast<std::size_t>(std::stoul(words[i])) : otherwise;
  };
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);  // the server inherits it
  const ServerProcess server(words[0]);
  std::cout << std::setprecision(4);
  if (words[1] == "echo") {
    run_echo(server, number(2, 64), number(3, 128), number(4, 500'000), number(5, 1));
  } else if (words[1] == "storm") {
    run_storm(server, number(2, 10'000), number(3, 64));
  } else if (words[1] == "idle") {
    run_idle(server, number(2, 2000));
  } else {
    fail("there is no bench " + words[1]);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::cerr << "socket_bench: " << error.what() << "\n";
    return 1;
  }
}
