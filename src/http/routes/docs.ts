import { readFile } from 'node:fs/promises'
import { newRoutes } from '../new-routes.ts'
import { PAGE_POLICY } from '../security-headers.ts'

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Moose API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`

/** `validatorUrl: null`: the page asks no server but this one. */
const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null })
`

/** Files of `swagger-ui-dist` the page needs; nothing else of the package is served. */
const ASSETS = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

/** The page that renders the contract; for people, so no part of it. */
export const docsRoutes = newRoutes()
docsRoutes.get('/docs/', (c) => c.redirect('/docs'))
docsRoutes.get('/docs', (c) => c.html(PAGE, 200, { 'Content-Security-Policy': PAGE_POLICY }))
docsRoutes.get('/docs/start.js', (c) => c.body(START, 200, { 'Content-Type': 'text/javascript; charset=utf-8' }))
for (const [name, type] of Object.entries(ASSETS)) {
  docsRoutes.get(`/docs/${name}`, async (c) => {
    const content = await readFile(new URL(import.meta.resolve(`swagger-ui-dist/${name}`)))
    return c.body(new Uint8Array(content), 200, { 'Content-Type': type })
  })
}
