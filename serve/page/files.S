/* The bytes of the page's files, each with a symbol behind its last one. */
.section .rodata

.macro embed name, path
.global \name
.global \name\()End
\name:
.incbin "\path"
\name\()End:
.endm

embed kPageIndexHtml, index.html
embed kPageElementsJs, elements.js
embed kPageConnectionJs, connection.js
embed kPageHeatJs, heat.js
embed kPageChatJs, chat.js
embed kPageSettingsJs, settings.js
embed kPageTrainingJs, training.js
embed kPageAppJs, app.js
embed kPageAppCss, app.css
embed kPageIconSvg, icon.svg
embed kPageChartJs, CHART_JS

.section .note.GNU-stack, "", @progbits
