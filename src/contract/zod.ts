/**
 * zod as the contract speaks it: with `.openapi()`. The same one @hono/zod-openapi has, without the HTTP server that comes
 * with that: the commands, which are clients, load the contract at every start.
 */
import { extendZodWithOpenApi } from '@asteasolutions/zod-to-openapi'
import { z } from 'zod'

extendZodWithOpenApi(z)

export { z }
