/** Writes the contract to openapi.json; run it after changing a route or a schema: `node scripts/openapi.ts`. */
import { writeFile } from 'node:fs/promises'
import { openApiDocument } from '../src/http/http-app.ts'

await writeFile(new URL('../openapi.json', import.meta.url), `${JSON.stringify(openApiDocument(), null, 2)}\n`)
