import packageJson from '../../package.json' with { type: 'json' }
import { apiRoutes } from './api-routes.ts'

/** The contract as an OpenAPI 3.1 document; the same routes give the same document, key for key. */
export function openApiDocument() {
  return apiRoutes().getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Moose',
      version: packageJson.version,
      description: packageJson.description,
      license: { name: packageJson.license },
    },
    servers: [{ url: '/' }],
  })
}
