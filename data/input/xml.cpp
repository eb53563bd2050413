#include "data/input/xml.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <expat.h>

namespace banter::data {
namespace {

constexpr std::string_view kTagRule = "a tag or comment is longer than data.max_line_bytes";

struct ParserFree {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

/// Whether a tag, as written, refers to an entity other than a character or XML's own five.
bool holds_reference(std::string_view tag) {
  for (auto at = tag.find('&'); at != std::string_view::npos; at = tag.find('&', at + 1)) {
    const auto rest = tag.substr(at + 1);
    constexpr std::string_view kOwn[] = {"#", "amp;", "lt;", "gt;", "quot;", "apos;"};
    if (std::ranges::none_of(kOwn, [&](auto own) { return rest.starts_with(own); })) return true;
  }
  return false;
}

/// One document between expat, whose callbacks no exception may pass through, and its events.
class Document {
 public:
  Document(const XmlLimits& limits, XmlEvents& events)
      : limits_(limits), events_(events), parser_(XML_ParserCreate(nullptr)) {
    if (!parser_) throw std::bad_alloc();
    auto* const parser = parser_.get();
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, &on_start, &on_end);
    XML_SetCharacterDataHandler(parser, &on_text);
    // A default handler keeps entities in the text from being expanded.
    XML_SetDefaultHandler(parser, &on_other);
    XML_SetSkippedEntityHandler(parser, &on_skipped);
    XML_SetExternalEntityRefHandler(parser, &on_external);
    // As if a DTD outside could declare more: then an unknown entity is skipped and no error.
    XML_UseForeignDTD(parser, XML_TRUE);
    // In attributes expat expands them; it may not get far until the tag is refused.
    constexpr float kMaxGrowth = 1.5F;
    XML_SetBillionLaughsAttackProtectionMaximumAmplification(parser, kMaxGrowth);
    XML_SetBillionLaughsAttackProtectionActivationThreshold(parser, 0);
  }

  void feed(std::string_view bytes, bool is_last) {
    bytes_ += std::ssize(bytes);
    since_event_ += std::ssize(bytes);
    if (bytes_ > limits_.max_document_bytes)
      fault("a document is longer than data.max_line_bytes allows",
            "at most " + std::to_string(limits_.max_document_bytes) + " bytes");
    const auto status =
        XML_Parse(parser_.get(), bytes.data(), static_cast<int>(bytes.size()), is_last ? 1 : 0);
    if (failure_) std::rethrow_exception(failure_);
    if (status != XML_STATUS_OK) fail(XML_GetErrorCode(parser_.get()));
    if (since_event_ > limits_.max_tag_bytes) fault(kTagRule);
  }

 private:
  static Document& self(void* data) { return *static_cast<Document*>(data); }

  static void on_start(void* data, const XML_Char* name, const XML_Char** attributes) {
    self(data).guarded([&](Document& document) { document.start(name, attributes); });
  }
  static void on_end(void* data, const XML_Char* name) {
    self(data).guarded([&](Document& document) {
      document.open_.pop_back();
      document.events_.end(name, document.line());
    });
  }
  static void on_text(void* data, const XML_Char* text, int size) {
    self(data).guarded([&](Document& document) {
      document.events_.text({text, static_cast<std::size_t>(size)});
    });
  }
  static void on_other(void* data, const XML_Char*, int) {
    self(data).guarded([](Document& document) { document.check_tag(); });
  }
  static void on_skipped(void* data, const XML_Char* name, int is_parameter) {
    if (is_parameter == 0) self(data).reference(name);
  }
  static int on_external(XML_Parser parser, const XML_Char* context, const XML_Char*,
                         const XML_Char*, const XML_Char*) {
    if (context != nullptr) self(XML_GetUserData(parser)).reference(context);  // its name
    return XML_STATUS_OK;
  }

  template <typename Work>
  void guarded(const Work& work) {
    if (failure_) return;
    since_event_ = 0;
    try {
      work(*this);
    } catch (...) {
      failure_ = std::current_exception();
      XML_StopParser(parser_.get(), XML_FALSE);
    }
  }

  void start(const XML_Char* name, const XML_Char** attributes) {
    check_tag();
    if (std::ssize(open_) >= limits_.max_depth)
      fault("XML is nested deeper than data.max_json_depth");
    open_.push_back(line());
    const auto count = XML_GetSpecifiedAttributeCount(parser_.get());
    int at = 0;
    int size = 0;
    const char* const context = XML_GetInputContext(parser_.get(), &at, &size);
    const auto tag_size = static_cast<std::size_t>(XML_GetCurrentByteCount(parser_.get()));
    if (context != nullptr && count > 0 && holds_reference({context + at, tag_size}))
      fault("an attribute refers to an entity: none is ever expanded");
    events_.start(name, {attributes, static_cast<std::size_t>(count)}, line());
  }

  void reference(const XML_Char* name) {
    guarded([&](Document& document) { document.events_.reference(name, document.line()); });
  }

  void check_tag() const {
    if (XML_GetCurrentByteCount(parser_.get()) > limits_.max_tag_bytes) fault(kTagRule);
  }

  [[nodiscard]] std::uint64_t line() const { return XML_GetCurrentLineNumber(parser_.get()); }

  [[noreturn]] void fault(std::string_view rule, std::string detail = "") const {
    throw XmlFault{rule, std::move(detail), line()};
  }

  [[noreturn]] void fail(XML_Error code) const {
    const std::string text = XML_ErrorString(code);
    switch (code) {
      case XML_ERROR_NO_ELEMENTS:
      case XML_ERROR_UNCLOSED_TOKEN:
      case XML_ERROR_UNCLOSED_CDATA_SECTION:
      case XML_ERROR_PARTIAL_CHAR:
        throw XmlFault{"the document is cut: it ends before its root element does", text, line(),
                       XmlFault::Kind::kCut};
      case XML_ERROR_UNKNOWN_ENCODING:
        throw XmlFault{"XML in this encoding is not read: convert it to UTF-8", text, line()};
      case XML_ERROR_TAG_MISMATCH:  // where the open element began is what helps to mend it
        throw XmlFault{"is not well-formed XML",
                       "an element that begins here is not closed: " + text + " at line " +
                           std::to_string(line()),
                       open_.empty() ? line() : open_.back()};
      default:
        throw XmlFault{"is not well-formed XML", text, line()};
    }
  }

  XmlLimits limits_;
  XmlEvents& events_;
  std::unique_ptr<XML_ParserStruct, ParserFree> parser_;
  std::vector<std::uint64_t> open_;  ///< lines at which the open elements begin
  std::int64_t bytes_ = 0;
  std::int64_t since_event_ = 0;  ///< bytes that expat holds without having told of any
  std::exception_ptr failure_;
};

/// Stops at the first element and keeps its name.
class RootName : public XmlEvents {
 public:
  struct Found {};
  void start(std::string_view name, const XmlAttributes&, std::uint64_t) override {
    name_ = name;
    throw Found{};
  }
  void end(std::string_view, std::uint64_t) override {}
  void text(std::string_view) override {}
  void reference(std::string_view, std::uint64_t) override {}
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::string name_;
};

}  // namespace

std::string_view XmlAttributes::find(std::string_view name) const {
  for (std::size_t i = 0; i + 1 < count_; i += 2)
    if (name == pairs_[i]) return pairs_[i + 1];
  return {};
}

void read_xml(InputStream& stream, const XmlLimits& limits, XmlEvents& events) {
  Document document(limits, events);
  for (auto chunk = stream.chunk(); !chunk.empty(); chunk = stream.chunk()) {
    document.feed(chunk, false);
    stream.consume(chunk.size());
  }
  document.feed("", true);
}

std::string xml_root(std::string_view head) {
  const auto size = std::ssize(head);
  RootName root;
  try {
    Document({.max_depth = 1, .max_tag_bytes = size, .max_document_bytes = size}, root)
        .feed(head, false);
  } catch (const RootName::Found&) {
    return root.name();
  } catch (const XmlFault&) {
    return {};
  }
  return {};
}

}  // namespace banter::data
