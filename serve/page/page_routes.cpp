#include "serve/page/page_routes.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/hash.h"

extern "C" {
extern const char banter_page_index_html[], banter_page_index_html_end[];
extern const char banter_page_app_js[], banter_page_app_js_end[];
extern const char banter_page_app_css[], banter_page_app_css_end[];
extern const char banter_page_icon_svg[], banter_page_icon_svg_end[];
extern const char banter_page_chart_js[], banter_page_chart_js_end[];
}

namespace banter::serve {
namespace {

struct File {
  const char *path, *type, *begin, *end;
};

const std::array kFiles = {
    File{"/", "text/html; charset=utf-8", banter_page_index_html, banter_page_index_html_end},
    File{"/app.js", "text/javascript; charset=utf-8", banter_page_app_js, banter_page_app_js_end},
    File{"/app.css", "text/css; charset=utf-8", banter_page_app_css, banter_page_app_css_end},
    File{"/icon.svg", "image/svg+xml", banter_page_icon_svg, banter_page_icon_svg_end},
    File{"/chart.js", "text/javascript; charset=utf-8", banter_page_chart_js,
         banter_page_chart_js_end},
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
