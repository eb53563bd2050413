/* The bytes of the page's files, each with a symbol behind its last one. */
.section .rodata

.macro embed name, path
.global banter_page_\name
.global banter_page_\name\()_end
banter_page_\name:
.incbin "\path"
banter_page_\name\()_end:
.endm

embed index_html, index.html
embed app_js, app.js
embed app_css, app.css
embed icon_svg, icon.svg
embed chart_js, CHART_JS

.section .note.GNU-stack, "", @progbits
