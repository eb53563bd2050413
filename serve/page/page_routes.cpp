#include "serve/page/page_routes.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/hash.h"

extern "C" {
extern const char kPageIndexHtml[], kPageIndexHtmlEnd[];
extern const char kPageElementsJs[], kPageElementsJsEnd[];
extern const char kPageConnectionJs[], kPageConnectionJsEnd[];
extern const char kPageHeatJs[], kPageHeatJsEnd[];
extern const char kPageChatJs[], kPageChatJsEnd[];
extern const char kPageSettingsJs[], kPageSettingsJsEnd[];
extern const char kPageTrainingJs[], kPageTrainingJsEnd[];
extern const char kPageAppJs[], kPageAppJsEnd[];
extern const char kPageAppCss[], kPageAppCssEnd[];
extern const char kPageIconSvg[], kPageIconSvgEnd[];
extern const char kPageChartJs[], kPageChartJsEnd[];
}

namespace banter::serve {
namespace {

struct File {
  const char *path, *type, *begin, *end;
};

constexpr const char* kScript = "text/javascript; charset=utf-8";

const std::array kFiles = {
    File{"/", "text/html; charset=utf-8", kPageIndexHtml, kPageIndexHtmlEnd},
    File{"/elements.js", kScript, kPageElementsJs, kPageElementsJsEnd},
    File{"/connection.js", kScript, kPageConnectionJs, kPageConnectionJsEnd},
    File{"/heat.js", kScript, kPageHeatJs, kPageHeatJsEnd},
    File{"/chat.js", kScript, kPageChatJs, kPageChatJsEnd},
    File{"/settings.js", kScript, kPageSettingsJs, kPageSettingsJsEnd},
    File{"/training.js", kScript, kPageTrainingJs, kPageTrainingJsEnd},
    File{"/app.js", kScript, kPageAppJs, kPageAppJsEnd},
    File{"/app.css", "text/css; charset=utf-8", kPageAppCss, kPageAppCssEnd},
    File{"/icon.svg", "image/svg+xml", kPageIconSvg, kPageIconSvgEnd},
    File{"/chart.js", kScript, kPageChartJs, kPageChartJsEnd},
};

Task<Response> answer(Request request, const char* type, std::string_view content,
                      std::string etag) {
  Response response;
  response.fields = {{"Content-Type", type},
                     {"ETag", etag},
                     {"Cache-Control", "no-cache"},
                     {"Content-Security-Policy",
                      "default-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri "
                      "'none'"},
                     {"X-Content-Type-Options", "nosniff"},
                     {"Referrer-Policy", "no-referrer"}};
  const auto* known = request.field("If-None-Match");
  if (known != nullptr && *known == etag) {
    response.status = 304;
  } else {
    response.body = content;
  }
  co_return response;
}

}  // namespace

void add_page_routes(Router& router) {
  for (const auto& file : kFiles) {
    const std::string_view content(file.begin, static_cast<std::size_t>(file.end - file.begin));
    auto etag = '"' + base::sha256_hex(content) + '"';
    router.add(Route{.method = "GET",
                     .path = file.path,
                     .access = Access::kOpen,
                     .handler = [type = file.type, content, etag](Request request) {
                       return answer(std::move(request), type, content, etag);
                     }});
  }
}

}  // namespace banter::serve
